/*
 * nominal_work.c
 *		What the devices of pieces do.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "base/key_table.h"
#include "placement/composite.h"
#include "placement/pool_prices.h"
#include "profile/profile_period.h"
#include "quantity/quantity_arith.h"
#include "quantity/quantity_time.h"

enum
{
	PIECE_POOL,
	PIECE_DEVICES,
	PIECE_PERIOD,
	PIECE_COLUMNS
};

static const RowColumn piece_columns[PIECE_COLUMNS] = {
	ROW_COLUMN("pool", INT8OID), ROW_COLUMN("devices", INT8OID), ROW_COLUMN("period", TSTZRANGEOID)
};

static const RowColumn pool_columns[] = {
	ROW_COLUMN("id", INT8OID), ROW_COLUMN_OWN("accelerator", "accelerator")
};

/* Returns what a device of a pool does in a basis at an instant; 0: there is no such pool, or no rate is known. */
static Datum
rate_of_pool(const KeyTable *table, int64 pool, Datum basis, TimestampTz at)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	Datum		rate = (Datum) 0;

	KeyTableKey(table, &key, 0, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(pool));
	scan = KeyTableScan(table, &key, 1);
	if ((row = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		Datum		chip = KeyTableValue(table, row, 1, &isnull);

		if (isnull)
			RowNullError("pool", pool_columns[1].name);
		rate = PoolRate(chip, TupleDescAttr(RelationGetDescr(table->relation), table->numbers[1] - 1)->atttypid, basis, at);
	}
	systable_endscan(scan);
	return rate;
}

/*
 * _nominal_work(pieces reservation_piece[]) -> compute_unit
 *
 * In basis bf16; NULL if no rate is known, and for NULL.  Not strict: of a NULL nobody would ask who may call it.
 */
PG_FUNCTION_INFO_V1(nominal_work);
Datum
nominal_work(PG_FUNCTION_ARGS)
{
	Datum		basis = CStringGetTextDatum("bf16");
	Quantity   *work = NULL;
	Composites	pieces;
	KeyTable	table;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	CompositeReadArray(PG_GETARG_DATUM(0), piece_columns, PIECE_COLUMNS, PIECE_COLUMNS, "pieces", &pieces);
	KeyTableOpen(&table, "pool", pool_columns, lengthof(pool_columns), 1);
	for (int i = 0; i < pieces.count; i++)
	{
		int64		from;
		int64		to;
		Datum		rate;
		Quantity   *part;

		if (!ProfilePeriod(CompositeValue(&pieces, i, PIECE_PERIOD), &from, &to))
			continue;
		rate = rate_of_pool(&table, DatumGetInt64(CompositeValue(&pieces, i, PIECE_POOL)), basis, from);
		if (rate == (Datum) 0)
			continue;
		part = QuantityWork(DatumGetQuantityP(rate), (int128) to - from, int64_to_numeric(DatumGetInt64(CompositeValue(&pieces, i, PIECE_DEVICES))));
		work = work == NULL ? part : QuantityMakeSigned(QuantityAmount(work) + QuantityAmount(part), false, QuantityBasis(work));
	}
	KeyTableClose(&table);
	if (work == NULL)
		PG_RETURN_NULL();
	PG_RETURN_QUANTITY_P(work);
}
