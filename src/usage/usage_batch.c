/*
 * usage_batch.c
 *		What the statement that takes a batch of usage needs beside SQL.
 */
#include "base/compat.h"

#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/memutils.h"

/* _usage_batch() -> no rows */
PG_FUNCTION_INFO_V1(usage_batch);
Datum
usage_batch(PG_FUNCTION_ARGS)
{
	((ReturnSetInfo *) fcinfo->resultinfo)->isDone = ExprEndResult;
	PG_RETURN_NULL();
}

/* ---- whether a number comes more than once ---- */

#define FIRST_SLOTS		1024

/* The numbers so far, in a table of open addressing that is at most half full; a number of 0 is noted beside it. */
typedef struct Repeats
{
	uint64		nslots;			/* a power of 2 */
	uint64		nused;
	bool		has_zero;
	bool		any;			/* one has come again: no more are kept */
	uint64	   *slots;
} Repeats;

/* Puts a number into the table; says whether it was there. */
static bool
note_number(Repeats *r, uint64 number)
{
	uint64		at = (number * UINT64CONST(0x9E3779B97F4A7C15)) & (r->nslots - 1);

	while (r->slots[at] != 0)
	{
		if (r->slots[at] == number)
			return true;
		at = (at + 1) & (r->nslots - 1);
	}
	r->slots[at] = number;
	r->nused++;
	return false;
}

/* Makes room for as many numbers again. */
static void
enlarge(Repeats *r, MemoryContext context)
{
	uint64	   *old = r->slots;
	uint64		nold = r->nslots;

	r->nslots = nold * 2;
	r->slots = MemoryContextAllocExtended(context, r->nslots * sizeof(uint64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	r->nused = 0;
	for (uint64 i = 0; i < nold; i++)
	{
		if (old[i] != 0)
			(void) note_number(r, old[i]);
	}
	pfree(old);
}

/* _repeats_add(internal, bigint) -> internal */
PG_FUNCTION_INFO_V1(repeats_add);
Datum
repeats_add(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	Repeats    *r;
	uint64		number;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "_repeats_add() is for _repeats() only");
	r = PG_ARGISNULL(0) ? NULL : (Repeats *) PG_GETARG_POINTER(0);
	if (r == NULL)
	{
		r = MemoryContextAllocZero(context, sizeof(Repeats));
		r->nslots = FIRST_SLOTS;
		r->slots = MemoryContextAllocZero(context, FIRST_SLOTS * sizeof(uint64));
	}
	if (PG_ARGISNULL(1) || r->any)
		PG_RETURN_POINTER(r);
	number = (uint64) PG_GETARG_INT64(1);
	if (number == 0)
	{
		r->any = r->has_zero;
		r->has_zero = true;
		PG_RETURN_POINTER(r);
	}
	if (r->nused >= r->nslots / 2)
		enlarge(r, context);
	r->any = note_number(r, number);
	PG_RETURN_POINTER(r);
}

/* _repeats_any(internal) -> boolean */
PG_FUNCTION_INFO_V1(repeats_any);
Datum
repeats_any(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!PG_ARGISNULL(0) && ((Repeats *) PG_GETARG_POINTER(0))->any);
}
