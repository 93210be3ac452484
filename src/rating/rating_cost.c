/*
 * rating_cost.c
 *		What charges count and cost, rounded, and what of it lies in which tier.
 */
#include "base/compat.h"

#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "base/decimal.h"
#include "base/half_even.h"
#include "base/numeric_arith.h"
#include "price/price_tier.h"
#include "rating/rating.h"
#include "rating/rating_cost.h"

#define QUANTITY_DIGITS	12		/* of what a charge counts */

/* ---- quantities ---- */

/* Returns a number without zeros at its end. */
static inline Datum
trim_number(Datum value)
{
	return DirectFunctionCall1(numeric_trim_scale, value);
}

/* Rounds dividend / divisor, neither negative, to 12 digits, as an integer of them; false beyond 128 bits. */
static bool
round_quickly(int128 dividend, int128 divisor, int128 *result)
{
	int128		scaled;

	if (__builtin_mul_overflow(dividend, (int128) INT64CONST(1000000000000), &scaled))
		return false;
	*result = (int128) DivideHalfEven((uint128) scaled, (uint128) divisor);
	return true;
}

/* Returns the quantity between two running totals: the difference of both, rounded. */
Datum
QuantityBetween(int128 from, int128 to, int128 scale)
{
	int128		a;
	int128		b;
	Datum		divisor;

	if (round_quickly(from, scale, &a) && round_quickly(to, scale, &b))
		return NumericFromInt128(b - a, QUANTITY_DIGITS);
	divisor = NumericFromInt128(scale, 0);
	return NumericSubtract(NumericRoundRatio(NumericFromInt128(to, 0), divisor, QUANTITY_DIGITS),
						   NumericRoundRatio(NumericFromInt128(from, 0), divisor, QUANTITY_DIGITS));
}

/* ---- cost ---- */

/* Returns what is due for what a charge has in a tier, times the scale of the price. */
static Datum
sum_due(const RatedPrice *price, const TierSum *sum)
{
	return TierDue(&price->tiers, sum->tier,
				   NumericFromInt128(price->tiers.model == MODEL_PACKAGE ? sum->packages : sum->units, 0), sum->entered);
}

/* Returns the fee that is due for a tier; 0: none. */
static Datum
tier_fee(const RatedPrice *price, const TierSum *sum)
{
	Datum		zero = NumericFromInteger(0);

	if (sum->tier == 0 || sum->entered == 0 || price->fees == NULL)
		return zero;
	return NumericMultiply(NumericFromInt128(sum->entered, 0), price->fees[sum->tier - 1]);
}

/* Adds up what is due for the tiers of a charge, of the roles that are not left out. */
void
AddCost(const Rating *rating, const Charge *charge, TierRole without, TierCost *cost)
{
	memset(cost, 0, sizeof(TierCost));
	cost->even = true;
	for (int s = charge->first_sum; s >= 0; s = rating->sums[s].next)
	{
		const TierSum *sum = &rating->sums[s];
		const RatedPrice *price = &rating->prices[sum->price];
		Datum		due;

		if (sum->role == without)
			continue;
		due = sum_due(price, sum);
		if (cost->tiers++ == 0)
		{
			cost->price = sum->price;
			cost->unit_price = TierPrice(&price->tiers, sum->tier);
			cost->due = due;
		}
		else
		{
			cost->due = NumericAdd(cost->due, due);
			if (cost->even && NumericCompare(cost->unit_price, TierPrice(&price->tiers, sum->tier)) != 0)
				cost->even = false;
		}
		if ((price->tiers.model == MODEL_PACKAGE && sum->tier > 0) ||
			(sum->tier > 0 && price->fees != NULL && sum->entered > 0 &&
			 NumericCompare(price->fees[sum->tier - 1], NumericFromInteger(0)) != 0))
			cost->even = false;
	}
}

/* Takes a share of a cost, and of its unit price. */
void
TakeShare(TierCost *cost, Datum factor)
{
	cost->unit_price = NumericMultiply(cost->unit_price, factor);
	cost->due = NumericMultiply(cost->due, factor);
}

/* Returns a cost, rounded once. */
Datum
RoundedCost(const Rating *rating, const TierCost *cost, int digits)
{
	return NumericRoundRatio(cost->due, rating->prices[cost->price].scale_numeric, digits);
}

/* ---- parts of a charge ---- */

/* Begins to take a charge, under a price or NULL, apart; what is kept is in the current context. */
void
StartRunningCost(RunningCost *running, const Charge *charge, const RatedPrice *price)
{
	running->price = price;
	running->scale = price ? price->scale : DEVICE_HOUR;
	running->units = charge->units_until - charge->units;
	running->context = CurrentMemoryContext;
	running->due = NumericFromInteger(0);
	running->cost = NumericFromInteger(0);
}

/* Puts a number in the place of one that is kept. */
static void
keep_number(MemoryContext context, Datum *kept, Datum number)
{
	MemoryContext previous = MemoryContextSwitchTo(context);

	pfree(DatumGetPointer(*kept));
	*kept = datumCopy(number, false, -1);
	MemoryContextSwitchTo(previous);
}

/* Returns quantity and, if there is a price, cost of the next part of a charge. */
void
AddToRunningCost(RunningCost *running, int128 units, Datum due, Datum *quantity, Datum *cost)
{
	Datum		rounded;

	*quantity = QuantityBetween(running->units, running->units + units, running->scale);
	running->units += units;
	if (running->price == NULL)
		return;
	due = NumericAdd(running->due, due);
	rounded = NumericRoundRatio(due, running->price->scale_numeric, running->price->digits);
	*cost = NumericSubtract(rounded, running->cost);
	keep_number(running->context, &running->due, due);
	keep_number(running->context, &running->cost, rounded);
}

/* ---- tiers, for people ---- */

/* Orders tiers. */
static int
compare_tiers(const void *a, const void *b)
{
	const TierSum *x = *(const TierSum *const *) a;
	const TierSum *y = *(const TierSum *const *) b;

	return x->tier < y->tier ? -1 : x->tier > y->tier;
}

/* Adds a number to an object. */
static void
push_number(JsonbParseState **state, const char *key, Datum value)
{
	JsonbValue	v;

	v.type = jbvString;
	v.val.string.val = unconstify(char *, key);
	v.val.string.len = (int) strlen(key);
	pushJsonbValue(state, WJB_KEY, &v);
	v.type = jbvNumeric;
	v.val.numeric = DatumGetNumeric(value);
	pushJsonbValue(state, WJB_VALUE, &v);
}

/*
 * Returns what lies in each tier of a charge: parts of its quantity and rounded cost, as
 * differences of rounded totals; one that lies in one tier needs no parts.
 */
Datum
ChargeTiers(const Rating *rating, const Charge *charge, const TierCost *cost, Datum quantity, Datum rounded)
{
	const RatedPrice *price = &rating->prices[cost->price];
	const TierSum **sums = palloc(cost->tiers * sizeof(TierSum *));
	JsonbParseState *state = NULL;
	RunningCost running;
	int			n = 0;

	for (int s = charge->first_sum; s >= 0; s = rating->sums[s].next)
	{
		if (rating->sums[s].role != ROLE_LIST)
			sums[n++] = &rating->sums[s];
	}
	qsort(sums, n, sizeof(TierSum *), compare_tiers);

	StartRunningCost(&running, charge, price);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < n; i++)
	{
		const TierSum *sum = sums[i];
		Datum		fee = tier_fee(price, sum);
		Datum		part = rounded;

		if (n > 1)
			AddToRunningCost(&running, sum->units, sum_due(price, sum), &quantity, &part);
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_number(&state, "tier", NumericFromInteger(sum->tier));
		push_number(&state, "quantity", trim_number(quantity));
		if (price->tiers.model == MODEL_PACKAGE && sum->tier > 0)
			push_number(&state, "packages", NumericFromInt128(sum->packages, 0));
		else
			push_number(&state, "unit_price", TierPrice(&price->tiers, sum->tier));
		if (NumericCompare(fee, NumericFromInteger(0)) != 0)
			push_number(&state, "fee", fee);
		push_number(&state, "cost", trim_number(part));
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL)));
}
