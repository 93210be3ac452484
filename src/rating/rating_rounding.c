/*
 * rating_rounding.c
 *		What rounding each charge on its own leaves of what they cost together.
 *
 * A charge is rounded once.  The charges of an account under one price in one billing
 * period are added up, exactly and as they are rounded; the exact sum, rounded once, less
 * the other is what is left.
 */
#include "base/compat.h"

#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/numeric_arith.h"
#include "rating/rating.h"
#include "rating/rating_cost.h"
#include "rating/rating_rounding.h"

/* Whose charges are added up: those of one scale, as a price of model list may follow list prices of several. */
typedef struct TotalKey
{
	int64		owner;
	int64		payer;
	int32		bill;
	int32		price;
	int32		scaled_by;		/* the price whose scale it is */
	int32		unused;			/* zero */
} TotalKey;

typedef struct ChargeTotal
{
	TotalKey	key;
	int64		charges;
	bool		asked;			/* all of them */
	Datum		due;			/* exact, times the scale */
	Datum		cost;			/* rounded */
} ChargeTotal;

struct ChargeTotals
{
	MemoryContext context;
	HTAB	   *totals;
};

/* Makes totals of no charges, in the current context. */
ChargeTotals *
MakeChargeTotals(void)
{
	ChargeTotals *t = palloc(sizeof(ChargeTotals));
	HASHCTL		control = {.keysize = sizeof(TotalKey), .entrysize = sizeof(ChargeTotal)};

	t->context = AllocSetContextCreate(CurrentMemoryContext, "totals of charges", ALLOCSET_DEFAULT_SIZES);
	control.hcxt = t->context;
	t->totals = hash_create("totals of charges", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return t;
}

/* Puts the sum of a number and another in its place. */
static void
add_to(Datum *sum, Datum number)
{
	Datum		before = *sum;

	*sum = NumericAdd(before, number);
	pfree(DatumGetPointer(before));
}

/* Adds a charge that has a price: what is due for it, and what it costs. */
void
AddChargeTotal(ChargeTotals *totals, const Rating *rating, const RatingCell *cell, const TierCost *cost, Datum rounded)
{
	const Place *place = &rating->places[cell->place];
	TotalKey	key = {.owner = place->owner, .payer = place->payer, .bill = cell->bill, .price = cell->price, .scaled_by = cost->price};
	MemoryContext previous = MemoryContextSwitchTo(totals->context);
	bool		found;
	ChargeTotal *total = hash_search(totals->totals, &key, HASH_ENTER, &found);

	if (!found)
	{
		total->charges = 0;
		total->asked = true;
		total->due = datumCopy(cost->due, false, -1);
		total->cost = datumCopy(rounded, false, -1);
	}
	else
	{
		add_to(&total->due, cost->due);
		add_to(&total->cost, rounded);
	}
	total->charges++;
	total->asked &= cell->asked;
	MemoryContextSwitchTo(previous);
}

/* Orders totals by all of their keys; those that differ only in scale are neighbours. */
static int
compare_totals(const void *a, const void *b)
{
	const TotalKey *x = &(*(const ChargeTotal *const *) a)->key;
	const TotalKey *y = &(*(const ChargeTotal *const *) b)->key;

#define BY(field) if (x->field != y->field) return x->field < y->field ? -1 : 1
	BY(owner);
	BY(price);
	BY(payer);
	BY(bill);
	BY(scaled_by);
#undef BY
	return 0;
}

/* Says whether a number is a multiple of another; both are integers above zero. */
static bool
is_multiple(Datum number, Datum other)
{
	return NumericCompare(DirectFunctionCall2(numeric_mod, number, other), NumericFromInteger(0)) == 0;
}

/*
 * Makes an array of what is left where a billing period is over, by account and price; returns
 * how many there are.  Sums of several scales are added as fractions.
 */
int
RoundingRests(ChargeTotals *totals, const Rating *rating, RoundingRest **rests)
{
	long		count = hash_get_num_entries(totals->totals);
	ChargeTotal **all = palloc_extended(Max(count, 1) * sizeof(ChargeTotal *), MCXT_ALLOC_HUGE);
	HASH_SEQ_STATUS scan;
	ChargeTotal *total;
	int			n = 0;
	int			found = 0;

	hash_seq_init(&scan, totals->totals);
	while ((total = hash_seq_search(&scan)) != NULL)
	{
		if (rating->bills[total->key.bill].to <= rating->scope.to)
			all[n++] = total;
	}
	qsort(all, n, sizeof(ChargeTotal *), compare_totals);
	*rests = palloc_extended(Max(n, 1) * sizeof(RoundingRest), MCXT_ALLOC_HUGE);
	for (int i = 0, next; i < n; i = next)
	{
		const TotalKey *key = &all[i]->key;
		Datum		due = all[i]->due;
		Datum		scale = rating->prices[key->scaled_by].scale_numeric;
		Datum		cost = all[i]->cost;
		int64		charges = all[i]->charges;
		bool		asked = all[i]->asked;

		CHECK_FOR_INTERRUPTS();
		SetRated(key->owner, rating->prices[key->price].id);
		for (next = i + 1; next < n; next++)
		{
			const ChargeTotal *more = all[next];
			Datum		other = rating->prices[more->key.scaled_by].scale_numeric;

			if (more->key.owner != key->owner || more->key.price != key->price || more->key.payer != key->payer ||
				more->key.bill != key->bill)
				break;
			/* the scale that holds the other, most often the same, serves both */
			if (is_multiple(scale, other))
				due = NumericAdd(due, NumericMultiply(more->due, DirectFunctionCall2(numeric_div_trunc, scale, other)));
			else
			{
				due = NumericAdd(NumericMultiply(due, other), NumericMultiply(more->due, scale));
				scale = NumericMultiply(scale, other);
			}
			cost = NumericAdd(cost, more->cost);
			charges += more->charges;
			asked &= more->asked;
		}
		if (charges > 1)
		{
			const Bill *bill = &rating->bills[key->bill];
			Datum		rest = NumericSubtract(NumericRoundRatio(due, scale, rating->prices[key->price].digits), cost);

			if (NumericCompare(rest, NumericFromInteger(0)) != 0)
				(*rests)[found++] = (RoundingRest) {key->owner, key->payer, key->bill, key->price,
					asked && rating->scope.asked_from <= bill->from && rating->scope.asked_to >= bill->to, rest};
		}
	}
	return found;
}
