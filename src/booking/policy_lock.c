/*
 * policy_lock.c
 *		Keeping policies as they are, for whoever books.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "utils/rangetypes.h"
#include "utils/snapmgr.h"

#include "base/key_table.h"
#include "booking/policy_lock.h"
#include "capacity/pool_set.h"

/* Whether there is a policy, as the active snapshot has it.  There are few rows, and mostly none. */
bool
AnyPolicy(void)
{
	static const RowColumn column = ROW_COLUMN("recorded", TSTZRANGEOID);
	KeyTable	policies;
	bool		found = false;
	SysScanDesc scan;
	HeapTuple	row;

	KeyTableOpen(&policies, "access_policy", &column, 1, 0);
	scan = KeyTableScan(&policies, NULL, 0);
	while (!found && (row = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		Datum		value = KeyTableValue(&policies, row, 0, &isnull);

		/* closed rows are what policies were */
		found = !isnull && (range_get_flags(DatumGetRangeTypeP(value)) & RANGE_UB_INF) != 0;
	}
	systable_endscan(scan);
	KeyTableClose(&policies);
	return found;
}

/*
 * _lock_policy() -> boolean
 *
 * Keeps policies, and all that they rest on, as they are until the transaction ends, and returns whether there are any.
 * A row that all bookings locked would be written by each, with a list of those that have it: a lock of the table is not.
 */
PG_FUNCTION_INFO_V1(lock_policy);
Datum
lock_policy(PG_FUNCTION_ARGS pg_attribute_unused())
{
	static SPIPlanPtr lock_rows = NULL;
	bool		any;

	RangeVarGetRelid(makeRangeVar("compute_ledger", "policy_version", -1), RowShareLock, false);
	if (IsolationUsesXactSnapshot())
	{
		SPI_connect();
		RunBookPlan(&lock_rows, "SELECT FROM compute_ledger.policy_version AS p FOR KEY SHARE", 0, NULL, NULL, NULL, false, SPI_OK_SELECT);
		SPI_finish();
	}
	/* as who has just got the lock sees it */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	any = AnyPolicy();
	PopActiveSnapshot();
	PG_RETURN_BOOL(any);
}
