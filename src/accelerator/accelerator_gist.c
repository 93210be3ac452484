/*
 * accelerator_gist.c
 *		GiST over accelerators: "which classes contain this chip", "what is in
 *		this class", overlap and equality, and so exclusion constraints.
 *
 * A key is a span of the type's order: its lowest and its highest value, 32
 * bytes; on a leaf they are the same.  Spans are enough for @>, although the
 * classes that contain one chip are no range, because they lie in three places:
 * the class any; the class of the maker; and, with the model, between the class
 * of the model and the chip itself.
 */
#include "accelerator/accelerator.h"

#include <math.h>

#include "access/gist.h"
#include "access/stratnum.h"
#include "utils/builtins.h"

/* Key of the index: 32 bytes, alignment char. */
typedef struct AcceleratorSpan
{
	Accelerator lo;
	Accelerator hi;
} AcceleratorSpan;

#define DatumGetSpanP(d)	((AcceleratorSpan *) DatumGetPointer(d))

/* Where what a value states ends in its bytes. */
#define END_OF_VENDOR	2
#define END_OF_MODEL	10

/* Copies the first bytes of a value and fills the rest. */
static void
prefix_of(const Accelerator *a, int bytes, int fill, Accelerator *out)
{
	memcpy(out->data, a->data, bytes);
	memset(out->data + bytes, fill, ACCELERATOR_SIZE - bytes);
}

/* Says whether a span holds a value. */
static bool
span_holds(const AcceleratorSpan *span, const Accelerator *a)
{
	return AcceleratorCompare(&span->lo, a) <= 0 && AcceleratorCompare(a, &span->hi) <= 0;
}

/* Says whether a span and the range from lo to hi have values in common. */
static bool
span_meets(const AcceleratorSpan *span, const Accelerator *lo, const Accelerator *hi)
{
	return AcceleratorCompare(&span->lo, hi) <= 0 && AcceleratorCompare(lo, &span->hi) <= 0;
}

/* Says whether a span may hold the class any or the class of the maker of q. */
static bool
span_holds_root_of(const AcceleratorSpan *span, const Accelerator *q)
{
	Accelerator class;

	prefix_of(q, 0, 0, &class);
	if (span_holds(span, &class))
		return true;
	prefix_of(q, END_OF_VENDOR, 0, &class);
	return span_holds(span, &class);
}

/* Says whether what is below a key may (on a leaf: does) satisfy key OPERATOR query. */
PG_FUNCTION_INFO_V1(accelerator_gist_consistent);
Datum
accelerator_gist_consistent(PG_FUNCTION_ARGS)
{
	GISTENTRY  *entry = (GISTENTRY *) PG_GETARG_POINTER(0);
	Accelerator *q = PG_GETARG_ACCELERATOR_P(1);
	StrategyNumber strategy = (StrategyNumber) PG_GETARG_UINT16(2);
	bool	   *recheck = (bool *) PG_GETARG_POINTER(4);
	AcceleratorSpan *span = DatumGetSpanP(entry->key);
	bool		leaf = GIST_LEAF(entry);
	Accelerator lo,
				hi;

	*recheck = false;
	switch (strategy)
	{
		case RTEqualStrategyNumber:
			PG_RETURN_BOOL(span_holds(span, q));

		case RTContainedByStrategyNumber:
			if (leaf)
				PG_RETURN_BOOL(AcceleratorContains(q, &span->lo));
			AcceleratorClassMax(q, &hi);
			PG_RETURN_BOOL(span_meets(span, q, &hi));

		case RTContainsStrategyNumber:
			if (leaf)
				PG_RETURN_BOOL(AcceleratorContains(&span->lo, q));
			prefix_of(q, END_OF_MODEL, 0, &lo);
			PG_RETURN_BOOL(span_holds_root_of(span, q) || span_meets(span, &lo, q));

		case RTOverlapStrategyNumber:
			if (leaf)
				PG_RETURN_BOOL(AcceleratorOverlaps(&span->lo, q));
			if (AcceleratorLoad(q->data + END_OF_VENDOR) == 0)
			{
				/* Any, or all of a maker. */
				AcceleratorClassMax(q, &hi);
				PG_RETURN_BOOL(span_holds_root_of(span, q) || span_meets(span, q, &hi));
			}
			prefix_of(q, END_OF_MODEL, 0, &lo);
			prefix_of(q, END_OF_MODEL, 0xff, &hi);
			PG_RETURN_BOOL(span_holds_root_of(span, q) || span_meets(span, &lo, &hi));

		default:
			elog(ERROR, "unrecognized strategy number: %d", strategy);
			PG_RETURN_BOOL(false);
	}
}

/* Makes a key of a value. */
PG_FUNCTION_INFO_V1(accelerator_gist_compress);
Datum
accelerator_gist_compress(PG_FUNCTION_ARGS)
{
	GISTENTRY  *entry = (GISTENTRY *) PG_GETARG_POINTER(0);
	GISTENTRY  *result;
	AcceleratorSpan *span;

	if (!entry->leafkey)
		PG_RETURN_POINTER(entry);
	span = palloc(sizeof(AcceleratorSpan));
	span->lo = span->hi = *DatumGetAcceleratorP(entry->key);
	result = palloc(sizeof(GISTENTRY));
	gistentryinit(*result, PointerGetDatum(span), entry->rel, entry->page, entry->offset, false);
	PG_RETURN_POINTER(result);
}

/* Makes the value of a leaf key, for index-only scans. */
PG_FUNCTION_INFO_V1(accelerator_gist_fetch);
Datum
accelerator_gist_fetch(PG_FUNCTION_ARGS)
{
	GISTENTRY  *entry = (GISTENTRY *) PG_GETARG_POINTER(0);
	GISTENTRY  *result = palloc(sizeof(GISTENTRY));
	Accelerator *a = palloc(sizeof(Accelerator));

	*a = DatumGetSpanP(entry->key)->lo;
	gistentryinit(*result, AcceleratorPGetDatum(a), entry->rel, entry->page, entry->offset, false);
	PG_RETURN_POINTER(result);
}

/* Widens a span so that it holds another. */
static void
span_add(AcceleratorSpan *span, const AcceleratorSpan *other)
{
	if (AcceleratorCompare(&other->lo, &span->lo) < 0)
		span->lo = other->lo;
	if (AcceleratorCompare(&other->hi, &span->hi) > 0)
		span->hi = other->hi;
}

/* The span of several keys. */
PG_FUNCTION_INFO_V1(accelerator_gist_union);
Datum
accelerator_gist_union(PG_FUNCTION_ARGS)
{
	GistEntryVector *entries = (GistEntryVector *) PG_GETARG_POINTER(0);
	int		   *size = (int *) PG_GETARG_POINTER(1);
	AcceleratorSpan *result = palloc(sizeof(AcceleratorSpan));

	*result = *DatumGetSpanP(entries->vector[0].key);
	for (int i = 1; i < entries->n; i++)
		span_add(result, DatumGetSpanP(entries->vector[i].key));
	*size = sizeof(AcceleratorSpan);
	PG_RETURN_POINTER(result);
}

/* Says whether two keys are the same. */
PG_FUNCTION_INFO_V1(accelerator_gist_same);
Datum
accelerator_gist_same(PG_FUNCTION_ARGS)
{
	bool	   *result = (bool *) PG_GETARG_POINTER(2);

	*result = memcmp(PG_GETARG_POINTER(0), PG_GETARG_POINTER(1), sizeof(AcceleratorSpan)) == 0;
	PG_RETURN_POINTER(result);
}

/* How much a span grows when a value is put under it, in the type's order. */
PG_FUNCTION_INFO_V1(accelerator_gist_penalty);
Datum
accelerator_gist_penalty(PG_FUNCTION_ARGS)
{
	GISTENTRY  *old = (GISTENTRY *) PG_GETARG_POINTER(0);
	GISTENTRY  *new = (GISTENTRY *) PG_GETARG_POINTER(1);
	float	   *penalty = (float *) PG_GETARG_POINTER(2);
	AcceleratorSpan *span = DatumGetSpanP(old->key);
	AcceleratorSpan *add = DatumGetSpanP(new->key);
	double		growth = 0;

	if (AcceleratorCompare(&add->lo, &span->lo) < 0)
		growth += AcceleratorGap(&add->lo, &span->lo);
	if (AcceleratorCompare(&add->hi, &span->hi) > 0)
		growth += AcceleratorGap(&span->hi, &add->hi);

	/* 2^128 does not fit a float, its fourth root does and keeps the order. */
	*penalty = (float) sqrt(sqrt(growth));
	PG_RETURN_POINTER(penalty);
}

/* A key and where it stands in the page that is split. */
typedef struct SplitEntry
{
	AcceleratorSpan *span;
	OffsetNumber at;
} SplitEntry;

static int
compare_split(const void *a, const void *b)
{
	const AcceleratorSpan *x = ((const SplitEntry *) a)->span;
	const AcceleratorSpan *y = ((const SplitEntry *) b)->span;

	/* The lower end, then the higher: the span is both in this order. */
	return memcmp(x, y, sizeof(AcceleratorSpan));
}

/*
 * Splits a page in order, in its middle third where the gap between neighbours is
 * widest: between two makers if there are two, else between two models, and so
 * on, so that a class is rarely torn.
 */
PG_FUNCTION_INFO_V1(accelerator_gist_picksplit);
Datum
accelerator_gist_picksplit(PG_FUNCTION_ARGS)
{
	GistEntryVector *entries = (GistEntryVector *) PG_GETARG_POINTER(0);
	GIST_SPLITVEC *v = (GIST_SPLITVEC *) PG_GETARG_POINTER(1);
	int			n = entries->n - 1; /* the vector counts from 1 */
	SplitEntry *sorted = palloc(n * sizeof(SplitEntry));
	AcceleratorSpan *left = palloc(sizeof(AcceleratorSpan));
	AcceleratorSpan *right = palloc(sizeof(AcceleratorSpan));
	Accelerator reach;
	int			split;
	double		widest = -1;

	for (int i = 0; i < n; i++)
	{
		sorted[i].at = (OffsetNumber) (FirstOffsetNumber + i);
		sorted[i].span = DatumGetSpanP(entries->vector[sorted[i].at].key);
	}
	qsort(sorted, n, sizeof(SplitEntry), compare_split);

	split = n / 2;
	reach = sorted[0].span->hi;
	for (int i = 1; i < n; i++)
	{
		/* Between i - 1 and i; an overlap is a gap of none. */
		if (i >= n / 3 && i <= n - n / 3)
		{
			double		gap = AcceleratorCompare(&reach, &sorted[i].span->lo) < 0 ?
				AcceleratorGap(&reach, &sorted[i].span->lo) : 0;

			/* Of equals the one nearer to the middle. */
			if (gap > widest || (gap == widest && abs(i - n / 2) < abs(split - n / 2)))
			{
				widest = gap;
				split = i;
			}
		}
		if (AcceleratorCompare(&sorted[i].span->hi, &reach) > 0)
			reach = sorted[i].span->hi;
	}

	v->spl_left = palloc(n * sizeof(OffsetNumber));
	v->spl_right = palloc(n * sizeof(OffsetNumber));
	v->spl_nleft = v->spl_nright = 0;
	*left = *sorted[0].span;
	*right = *sorted[split].span;
	for (int i = 0; i < n; i++)
	{
		if (i < split)
		{
			span_add(left, sorted[i].span);
			v->spl_left[v->spl_nleft++] = sorted[i].at;
		}
		else
		{
			span_add(right, sorted[i].span);
			v->spl_right[v->spl_nright++] = sorted[i].at;
		}
	}
	v->spl_ldatum = PointerGetDatum(left);
	v->spl_rdatum = PointerGetDatum(right);
	PG_RETURN_POINTER(v);
}

/* Refuses text: spans are made by the index only. */
PG_FUNCTION_INFO_V1(accelerator_span_in);
Datum
accelerator_span_in(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot accept a value of type %s", "accelerator_span")));
	PG_RETURN_VOID();
}

/* Prints a span, for those who look into an index. */
PG_FUNCTION_INFO_V1(accelerator_span_out);
Datum
accelerator_span_out(PG_FUNCTION_ARGS)
{
	AcceleratorSpan *span = DatumGetSpanP(PG_GETARG_DATUM(0));
	char		lo[ACCELERATOR_MAXTEXT],
				hi[ACCELERATOR_MAXTEXT];

	PG_RETURN_CSTRING(psprintf("[%s,%s]", AcceleratorFormat(&span->lo, lo),
							   AcceleratorFormat(&span->hi, hi)));
}
