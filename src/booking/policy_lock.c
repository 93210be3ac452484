/*
 * policy_lock.c
 *		Keeping policies as they are, for whoever books.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"

#include "capacity/pool_book.h"

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
	static SPIPlanPtr any = NULL;
	bool		found;

	RangeVarGetRelid(makeRangeVar("compute_ledger", "policy_version", -1), RowShareLock, false);
	SPI_connect();
	if (IsolationUsesXactSnapshot())
		RunBookPlan(&lock_rows, "SELECT FROM compute_ledger.policy_version AS p FOR KEY SHARE", 0, NULL, NULL, NULL, false, SPI_OK_SELECT);
	RunBookPlan(&any, "SELECT FROM compute_ledger.access_policy AS p WHERE pg_catalog.upper_inf(p.recorded) LIMIT 1",
				0, NULL, NULL, NULL, false, SPI_OK_SELECT);
	found = SPI_processed > 0;
	SPI_finish();
	PG_RETURN_BOOL(found);
}
