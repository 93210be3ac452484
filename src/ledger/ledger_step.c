/*
 * ledger_step.c
 *		The last of the steps that made a ledger what it is: nearly every function asks for it first.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"

#include "base/key_table.h"

/*
 * _ledger_step() -> integer
 *
 * As the active snapshot has it; NULL if there is none.  42P01 without a ledger.
 */
PG_FUNCTION_INFO_V1(ledger_step);
Datum
ledger_step(PG_FUNCTION_ARGS)
{
	static const RowColumn column = ROW_COLUMN("step", INT4OID);
	KeyTable	steps;
	SysScanDesc scan;
	HeapTuple	row;
	int32		last = 0;

	KeyTableOpen(&steps, "ledger_version", &column, 1, 0);
	scan = KeyTableScan(&steps, NULL, 0);
	while ((row = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		int32		step = DatumGetInt32(KeyTableValue(&steps, row, 0, &isnull));

		if (!isnull)
			last = Max(last, step);
	}
	systable_endscan(scan);
	KeyTableClose(&steps);
	if (last == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(last);
}
