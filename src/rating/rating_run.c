/*
 * rating_run.c
 *		Ratings as SQL functions ask for them: from their arguments to charges.
 */
#include "base/compat.h"

#include "executor/spi.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "rating/rating.h"
#include "rating/rating_cell.h"
#include "rating/rating_charge.h"
#include "rating/rating_draw.h"
#include "rating/rating_input.h"
#include "rating/rating_run.h"
#include "rating/rating_usage.h"

/* Asks for a tstzrange; an empty one has no instant. */
void
AskForPeriod(RatingScope *scope, Datum period)
{
	RangeType  *range = DatumGetRangeTypeP(period);
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	range_deserialize(lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO), range, &lower, &upper, &empty);
	scope->period = RangeTypePGetDatum(range);
	scope->asked_from = empty ? DT_NOEND : lower.infinite ? DT_NOBEGIN : DatumGetTimestampTz(lower.val);
	scope->asked_to = empty ? DT_NOBEGIN : upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val);
}

/*
 * Reads what is rated from arguments 0 to 7 of a function: book, as_of, payers, accounts,
 * root, period, starts, ends.  Raises 22004 for a NULL but for root.
 */
void
ReadRatingScope(FunctionCallInfo fcinfo, RatingScope *scope)
{
	for (int i = 0; i < 8; i++)
	{
		if (PG_ARGISNULL(i) && i != 4)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("what is rated must be stated")));
	}
	scope->book = PointerGetDatum(PG_GETARG_TEXT_PP(0));
	scope->as_of = PG_GETARG_DATUM(1);
	scope->payers = PointerGetDatum(PG_GETARG_ARRAYTYPE_P(2));
	scope->accounts = PointerGetDatum(PG_GETARG_ARRAYTYPE_P(3));
	scope->root_is_null = PG_ARGISNULL(4);
	scope->root = scope->root_is_null ? (Datum) 0 : PG_GETARG_DATUM(4);
	AskForPeriod(scope, PG_GETARG_DATUM(5));
	scope->from = PG_GETARG_TIMESTAMPTZ(6);
	scope->to = PG_GETARG_TIMESTAMPTZ(7);
	if (TIMESTAMP_NOT_FINITE(scope->from) || TIMESTAMP_NOT_FINITE(scope->to))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("usage is rated for a finite period")));
}

/*
 * Reads all that is rated, and makes the charges of it, without their cost.  All that the
 * rating owns is in its context, below the current one; the scope's values stay where they
 * are.
 */
Rating *
MakeRating(const RatingScope *scope, Oid accelerator_type)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "rating", ALLOCSET_DEFAULT_SIZES);
	Rating	   *rating = MemoryContextAllocZero(context, sizeof(Rating));

	rating->context = context;
	rating->scratch = AllocSetContextCreate(context, "rating of a number", ALLOCSET_SMALL_SIZES);
	rating->scope = *scope;
	rating->accelerator_type = accelerator_type;
	SPI_connect();
	ReadBilling(rating);
	ReadUsage(rating);
	ReadWinners(rating);
	SPI_finish();
	DrawReservations(rating);
	OrderCombinations(rating);
	MakeCells(rating);
	MakeCharges(rating);
	return rating;
}
