/*
 * price_winner.c
 *		Which price wins, and when.
 *
 * accelerator_classes() turns "the class contains the chip" into equality, which
 * hash joins and plain indexes serve.
 *
 * _price_winner is an aggregate over the prices that one use is under.  Each has a time
 * in which it holds and a rank; at every instant the greatest rank wins, overall and
 * among list prices.  Ranks that hold at the same time differ (keys that one use is
 * under never tie, and rows of one key never overlap), but the result would not depend
 * on the order of the input if they did: then the greater id wins.
 *
 * The sweep visits the intervals in order of their start, with those that hold in a
 * heap by rank; what has ended is dropped when it comes up.  O(n log n), so that tens of
 * thousands of spot prices in a period cost what their sort costs.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "accelerator/accelerator.h"

/* ---- classes ---- */

/* vendor and model; model with 3 form factors x 2 memories x 2 slices; any */
#define MAX_CLASSES		14

/*
 * accelerator_classes(accelerator) -> accelerator[]
 *
 * Every way to leave parts out, the most specific first.
 */
PG_FUNCTION_INFO_V1(accelerator_classes);
Datum
accelerator_classes(PG_FUNCTION_ARGS)
{
	Accelerator *a = PG_GETARG_ACCELERATOR_P(0);
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Accelerator classes[MAX_CLASSES];
	Datum		values[MAX_CLASSES];
	int			n = 0;
	AcceleratorParts whole;

	if (!OidIsValid(type))
		elog(ERROR, "could not determine the type of an argument");
	AcceleratorUnpack(a, &whole);

	if (AcceleratorIsBound(a))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the end of a class is in no class")));
	if (whole.model[0])
	{
		/* in the order of specificity: slices 16, memory 8, form factor 4 or 3 */
		for (int mig = whole.mig_slices ? 1 : 0; mig >= 0; mig--)
			for (int memory = whole.memory_gb ? 1 : 0; memory >= 0; memory--)
				for (int form = whole.form == 0 ? 0 : AcceleratorFormIsMember(whole.form) ? 2 : 1; form >= 0; form--)
				{
					Accelerator *class = &classes[n++];

					*class = *a;
					if (!mig)
						memset(class->data + 13, 0, 3);
					if (!memory)
						memset(class->data + 11, 0, 2);
					if (form == 0)
						class->data[10] = 0;
					else if (form == 1 && AcceleratorFormIsMember(whole.form))
						class->data[10] &= 0xf0;
				}
	}
	if (whole.vendor)
	{
		memset(&classes[n], 0, sizeof(Accelerator));
		memcpy(classes[n++].data, a->data, 2);
	}
	memset(&classes[n++], 0, sizeof(Accelerator));

	for (int i = 0; i < n; i++)
		values[i] = AcceleratorPGetDatum(&classes[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, type, sizeof(Accelerator), false, TYPALIGN_CHAR));
}

/* ---- the sweep ---- */

/* One price that a use is under, and when.  Rank -1: what nothing prices. */
typedef struct Candidate
{
	TimestampTz starts;
	TimestampTz ends;
	int64		price;
	int64		rank;
	bool		is_list;
} Candidate;

/* The candidates of one use. */
typedef struct WinnerState
{
	int			n;
	int			size;
	Candidate  *candidates;
} WinnerState;

/*
 * _price_winner_transfn(internal, rank, price, is_list, starts, ends)
 *
 * NULL bounds are infinite; empty times are left out.
 */
PG_FUNCTION_INFO_V1(_price_winner_transfn);
Datum
_price_winner_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	WinnerState *state;
	Candidate	c;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (PG_ARGISNULL(0))
	{
		state = MemoryContextAlloc(context, sizeof(WinnerState));
		state->n = 0;
		state->size = 8;
		state->candidates = MemoryContextAlloc(context, state->size * sizeof(Candidate));
	}
	else
		state = (WinnerState *) PG_GETARG_POINTER(0);

	c.rank = PG_ARGISNULL(2) ? -1 : PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1);
	c.price = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2);
	c.is_list = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	c.starts = PG_ARGISNULL(4) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(4);
	c.ends = PG_ARGISNULL(5) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(5);
	if (c.starts < c.ends)
	{
		if (state->n == state->size)
		{
			state->size *= 2;
			state->candidates = repalloc_huge(state->candidates, state->size * sizeof(Candidate));
		}
		state->candidates[state->n++] = c;
	}
	PG_RETURN_POINTER(state);
}

/* Orders candidates by start. */
static int
compare_starts(const void *a, const void *b)
{
	TimestampTz x = ((const Candidate *) a)->starts;
	TimestampTz y = ((const Candidate *) b)->starts;

	return x < y ? -1 : x > y;
}

/* Orders the heap: the greater rank first. */
static int
compare_ranks(Datum a, Datum b, void *arg)
{
	const Candidate *x = (const Candidate *) DatumGetPointer(a);
	const Candidate *y = (const Candidate *) DatumGetPointer(b);

	(void) arg;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->price < y->price ? -1 : x->price > y->price;
}

/* Returns the candidate that wins at an instant, or NULL; drops those that have ended. */
static Candidate *
top_at(binaryheap *heap, TimestampTz t)
{
	while (!binaryheap_empty(heap))
	{
		Candidate  *c = (Candidate *) DatumGetPointer(binaryheap_first(heap));

		if (c->ends > t)
			return c;
		binaryheap_remove_first(heap);
	}
	return NULL;
}

/* One row of the result; price 0: none. */
typedef struct PriceSegment
{
	TimestampTz starts;
	TimestampTz ends;
	int64		price;
	int64		list_price;
} PriceSegment;

/*
 * _price_winner_finalfn(internal) -> _price_segment[]
 *
 * NULL over no row.
 */
PG_FUNCTION_INFO_V1(_price_winner_finalfn);
Datum
_price_winner_finalfn(PG_FUNCTION_ARGS)
{
	WinnerState *state;
	Candidate  *candidates;
	binaryheap *all,
			   *lists;
	PriceSegment    *segments;
	Datum	   *values;
	int			n = 0;
	int			next = 0;
	TimestampTz t;
	Oid			array_type,
				type;
	TupleDesc	desc;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (WinnerState *) PG_GETARG_POINTER(0);
	array_type = get_fn_expr_rettype(fcinfo->flinfo);
	type = get_element_type(array_type);
	if (!OidIsValid(type))
		elog(ERROR, "could not determine the type of the result");
	if (state->n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(type));

	/* a final function leaves the state as it is, but for the order, which means nothing */
	candidates = state->candidates;
	qsort(candidates, state->n, sizeof(Candidate), compare_starts);
	all = binaryheap_allocate(state->n, compare_ranks, NULL);
	lists = binaryheap_allocate(state->n, compare_ranks, NULL);
	/* a segment ends where a candidate starts or ends */
	segments = palloc_extended(2 * (Size) state->n * sizeof(PriceSegment), MCXT_ALLOC_HUGE);

	t = candidates[0].starts;
	for (;;)
	{
		Candidate  *top,
				   *list;
		TimestampTz until;

		CHECK_FOR_INTERRUPTS();
		for (; next < state->n && candidates[next].starts <= t; next++)
		{
			binaryheap_add(all, PointerGetDatum(&candidates[next]));
			if (candidates[next].is_list)
				binaryheap_add(lists, PointerGetDatum(&candidates[next]));
		}
		top = top_at(all, t);
		list = top_at(lists, t);
		if (top == NULL)
		{
			if (next == state->n)
				break;
			t = candidates[next].starts;
			continue;
		}
		until = top->ends;
		if (list && list->ends < until)
			until = list->ends;
		if (next < state->n && candidates[next].starts < until)
			until = candidates[next].starts;

		if (n > 0 && segments[n - 1].ends == t &&
			segments[n - 1].price == top->price && segments[n - 1].list_price == (list ? list->price : 0))
			segments[n - 1].ends = until;
		else
		{
			segments[n].starts = t;
			segments[n].ends = until;
			segments[n].price = top->price;
			segments[n].list_price = list ? list->price : 0;
			n++;
		}
		t = until;
	}

	desc = lookup_rowtype_tupdesc(type, -1);
	values = palloc_extended(Max(n, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
	{
		Datum		row[4] = {TimestampTzGetDatum(segments[i].starts), TimestampTzGetDatum(segments[i].ends),
		Int64GetDatum(segments[i].price), Int64GetDatum(segments[i].list_price)};
		bool		nulls[4] = {false, false, segments[i].price == 0, segments[i].list_price == 0};

		values[i] = HeapTupleGetDatum(heap_form_tuple(desc, row, nulls));
	}
	ReleaseTupleDesc(desc);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, type, -1, false, TYPALIGN_DOUBLE));
}
