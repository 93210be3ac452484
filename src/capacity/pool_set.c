/*
 * pool_set.c
 *		Pools that are read about together.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/guc.h"

#include "capacity/pool_set.h"

/*
 * Runs a statement that is prepared once for the backend.  One that is not read-only sees what has been committed since
 * the statement that calls began, if the isolation level lets it.
 */
void
RunBookPlan(SPIPlanPtr *plan, const char *query, int nargs, Oid *types, Datum *values, const char *nulls, bool read_only, int expected)
{
	if (*plan == NULL)
	{
		SPIPlanPtr	p = SPI_prepare_cursor(query, nargs, types, CURSOR_OPT_GENERIC_PLAN);

		if (p == NULL || SPI_keepplan(p) != 0)
			elog(ERROR, "could not prepare a statement of the book of a pool");
		*plan = p;
	}
	if (SPI_execute_plan(*plan, values, nulls, read_only, 0) != expected)
		elog(ERROR, "could not read or write the book of a pool");
}

/*
 * Runs a query about the pools of a set, whose first argument the set is; returns how many rows there are.  Rows are looked up
 * in indexes, whatever is known of the tables' size when it is planned: to compare each row with an array takes longer.
 */
uint64
PoolSetRun(const PoolSet *set, PoolSetPlans *plans, const char *const queries[2], int nargs, Oid *types, Datum *values, bool read_only)
{
	int			many = set->count != 1;
	int			settings = NewGUCNestLevel();

	(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	types[0] = many ? INT8ARRAYOID : INT8OID;
	if (many)
	{
		Datum	   *pools = palloc(set->count * sizeof(Datum));

		for (int i = 0; i < set->count; i++)
			pools[i] = Int64GetDatum(set->pools[i]);
		values[0] = PointerGetDatum(construct_array(pools, set->count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	}
	else
		values[0] = Int64GetDatum(set->pools[0]);
	RunBookPlan(&plans->plans[many], queries[many], nargs, types, values, NULL, read_only, SPI_OK_SELECT);
	AtEOXact_GUC(true, settings);
	return SPI_processed;
}

/* Orders numbers of pools. */
static int
order_pools(const void *a, const void *b)
{
	int64		first = *(const int64 *) a;
	int64		second = *(const int64 *) b;

	return (first > second) - (first < second);
}

/* Returns a set of pools, each once, in the place where their numbers are. */
PoolSet
PoolSetOf(int64 *pools, int count)
{
	int			unique = 0;

	qsort(pools, count, sizeof(int64), order_pools);
	for (int i = 0; i < count; i++)
	{
		if (unique == 0 || pools[unique - 1] != pools[i])
			pools[unique++] = pools[i];
	}
	return (PoolSet) {pools, unique};
}

/* Returns the place of a pool in a set. */
int
PoolSetPlace(const PoolSet *set, int64 pool)
{
	int			low = 0;
	int			high = set->count;

	while (high - low > 1)
	{
		int			middle = low + (high - low) / 2;

		if (set->pools[middle] <= pool)
			low = middle;
		else
			high = middle;
	}
	if (high == low || set->pools[low] != pool)
		elog(ERROR, "pool %lld was not asked for", (long long) pool);
	return low;
}
