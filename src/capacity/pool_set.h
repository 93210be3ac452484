/*
 * pool_set.h
 *		Pools that are read about together.
 */
#ifndef COMPUTE_LEDGER_POOL_SET_H
#define COMPUTE_LEDGER_POOL_SET_H

#include "base/compat.h"

#include "executor/spi.h"

/*
 * What is asked of one pool is asked of many in the same words: POOL_SET_QUERIES() makes two queries of a macro whose argument
 * says which pools $1 means, and PoolSetRun() runs the one for a set.
 */
#define POOL_SET_QUERIES(query)		{query("OPERATOR(pg_catalog.=) $1"), query("OPERATOR(pg_catalog.=) ANY ($1)")}

typedef struct PoolSet
{
	const int64 *pools;			/* ascending, each once */
	int			count;
} PoolSet;

/* The plans of a query, of one pool and of many. */
typedef struct PoolSetPlans
{
	SPIPlanPtr	plans[2];
} PoolSetPlans;

extern void RunBookPlan(SPIPlanPtr *plan, const char *query, int nargs, Oid *types, Datum *values, const char *nulls, bool read_only, int expected);
extern uint64 PoolSetRun(const PoolSet *set, PoolSetPlans *plans, const char *const queries[2], int nargs, Oid *types, Datum *values, bool read_only);
extern PoolSet PoolSetOf(int64 *pools, int count);
extern int	PoolSetPlace(const PoolSet *set, int64 pool);

#endif							/* COMPUTE_LEDGER_POOL_SET_H */
