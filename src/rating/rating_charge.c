/*
 * rating_charge.c
 *		Charges: the cells that are charged together, and what they cost.
 *
 * A charge is the usage of one kind under one price on one day of its account's zone.
 * Its quantity is a difference of rounded running totals of the billing period, so that
 * the days of a period add up; its cost is rounded once, on its own.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "profile/device_level.h"
#include "base/decimal.h"
#include "base/numeric_arith.h"
#include "profile/profile.h"
#include "quantity/quantity_type.h"
#include "rating/rating.h"

PG_FUNCTION_INFO_V1(rate_charges);
PG_FUNCTION_INFO_V1(rate_parts);

#define QUANTITY_DIGITS	12		/* of what a charge counts */
#define MIXED_DIGITS	40		/* of costs whose units differ, before they are added */

/* ---- which cells are charged together ---- */

/* A cell by what its charge states. */
typedef struct ChargeKey
{
	int64		owner;
	int			order;			/* of the combination */
	int64		bill;
	int64		payer;
	int32		date;
	int64		price;			/* 0: none */
	bool		asked;
	TimestampTz from;			/* no part of the key: the earliest cell comes first */
	int64		cell;
} ChargeKey;

/* Orders what charges state. */
static int
compare_keys(const void *a, const void *b)
{
	const ChargeKey *x = (const ChargeKey *) a;
	const ChargeKey *y = (const ChargeKey *) b;

	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	if (x->bill != y->bill)
		return x->bill < y->bill ? -1 : 1;
	if (x->payer != y->payer)
		return x->payer < y->payer ? -1 : 1;
	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	if (x->price != y->price)
		return x->price < y->price ? -1 : 1;
	return (int) x->asked - (int) y->asked;
}

/* Orders cells by what their charges state, and by time. */
static int
compare_keys_and_time(const void *a, const void *b)
{
	int			order = compare_keys(a, b);
	TimestampTz x = ((const ChargeKey *) a)->from;
	TimestampTz y = ((const ChargeKey *) b)->from;

	return order != 0 ? order : x < y ? -1 : x > y;
}

/* Makes the charges: cells get the number of theirs. */
static void
make_charges(Rating *rating)
{
	ChargeKey  *keys = MemoryContextAllocHuge(rating->context, Max(1, rating->ncells) * sizeof(ChargeKey));

	if (rating->ncells > PG_INT32_MAX / 2)
		elog(ERROR, "too many charges");
	for (int64 i = 0; i < rating->ncells; i++)
	{
		const Cell *cell = &rating->cells[i];

		keys[i].owner = rating->places[cell->place].owner;
		keys[i].order = rating->combinations[cell->combination].order;
		keys[i].bill = rating->bills[cell->bill].id;
		keys[i].payer = rating->places[cell->place].payer;
		keys[i].date = rating->days[cell->day].date;
		keys[i].price = cell->price < 0 ? 0 : rating->prices[cell->price].id;
		keys[i].asked = cell->asked;
		keys[i].from = cell->from;
		keys[i].cell = i;
	}
	qsort(keys, rating->ncells, sizeof(ChargeKey), compare_keys_and_time);
	rating->charges = MemoryContextAllocHuge(rating->context, Max(1, rating->ncells) * sizeof(Charge));
	for (int64 i = 0; i < rating->ncells; i++)
	{
		Cell	   *cell = &rating->cells[keys[i].cell];
		Charge	   *charge;

		if (i == 0 || compare_keys(&keys[i - 1], &keys[i]) != 0)
		{
			charge = &rating->charges[rating->ncharges++];
			memset(charge, 0, sizeof(Charge));
			charge->first_sum = -1;
			charge->cell = keys[i].cell;
			charge->special = cell->special;
			charge->list_price = cell->list_price;
			charge->from = cell->from;
			charge->to = cell->to;
		}
		charge = &rating->charges[rating->ncharges - 1];
		cell->charge = rating->ncharges - 1;
		if (charge->list_price != cell->list_price)
			charge->list_price = -2;
		charge->from = Min(charge->from, cell->from);
		charge->to = Max(charge->to, cell->to);
		charge->parts += cell->parts;
		charge->amount = AddQuantity(charge->amount, cell->amount);
		charge->units = AddQuantity(charge->units, cell->units);
	}
	pfree(keys);
}

/* Returns the name of what a charge counts. */
static int
charge_unit(const Rating *rating, const Charge *charge)
{
	int			price = rating->cells[charge->cell].price;

	return price < 0 ? -1 : rating->prices[price].unit_name;
}

/* Orders charges by time. */
static int
compare_charges(const void *a, const void *b, void *arg)
{
	const Rating *rating = (const Rating *) arg;
	int			m = *(const int *) a;
	int			n = *(const int *) b;
	const Charge *x = &rating->charges[m];
	const Charge *y = &rating->charges[n];

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return m < n ? -1 : m > n;
}

/* Whether two charges are of the same usage in the same billing period. */
static bool
same_usage(const Rating *rating, const Charge *a, const Charge *b)
{
	const Cell *x = &rating->cells[a->cell];
	const Cell *y = &rating->cells[b->cell];

	return rating->combinations[x->combination].order == rating->combinations[y->combination].order &&
		rating->places[x->place].owner == rating->places[y->place].owner &&
		rating->places[x->place].payer == rating->places[y->place].payer &&
		rating->bills[x->bill].id == rating->bills[y->bill].id;
}

/* Adds up, by time, the charges of the same usage in a billing period: units of each unit by themselves. */
static void
add_running_totals(Rating *rating)
{
	int		   *sorted = MemoryContextAllocHuge(rating->context, Max(1, rating->ncharges) * sizeof(int));
	int			count = 0;
	int			end;

	for (int i = 0; i < rating->ncharges; i++)
	{
		if (!rating->charges[i].special)
			sorted[count++] = i;
	}
	for (int i = 0; i < count; i = end)
	{
		for (end = i; end < count && same_usage(rating, &rating->charges[sorted[i]], &rating->charges[sorted[end]]); end++)
			;
		qsort_arg(sorted + i, end - i, sizeof(int), compare_charges, rating);
		for (int j = i; j < end; j++)
		{
			Charge	   *charge = &rating->charges[sorted[j]];

			charge->amount_until = j == i ? charge->amount :
				AddQuantity(rating->charges[sorted[j - 1]].amount_until, charge->amount);
			charge->units_until = charge->units;
			for (int before = j - 1; before >= i; before--)
			{
				const Charge *other = &rating->charges[sorted[before]];

				if (charge_unit(rating, other) != charge_unit(rating, charge))
					continue;
				charge->units_until = AddQuantity(other->units_until, charge->units);
				break;
			}
		}
	}
	pfree(sorted);
}

/* ---- numbers of charges ---- */

/* Returns a number without zeros at its end. */
static inline Datum
trimmed(Datum value)
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
static Datum
quantity_between(int128 from, int128 to, int128 scale)
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

/* Returns the work between two running totals of device time, at a rate. */
static Quantity *
work_between_totals(int128 from, int128 to, const Quantity *rate)
{
	int128		factor = QuantityAmount(rate);

	return QuantityMake(ScaleQuantity(to, factor, DEVICE_UNITS) - ScaleQuantity(from, factor, DEVICE_UNITS), QuantityBasis(rate));
}

/* ---- cost ---- */

/* What a charge costs in all its tiers, at its price or at list prices. */
typedef struct TierCost
{
	int			tiers;			/* 0: nothing prices it */
	int			price;			/* of the first tier */
	bool		mixed_scales;
	bool		mixed_currencies;
	bool		even;			/* a unit has one price, and nothing else is due */
	Datum		unit_price;
	Datum		due;			/* times the scale */
	Datum		rounded_due;	/* not times the scale; where scales differ */
} TierCost;

/* Returns the price of a unit in a tier. */
static Datum
tier_price(const RatedPrice *price, int tier)
{
	return tier == 0 ? NumericFromInteger(0) : price->tier_prices ? price->tier_prices[tier - 1] : price->price;
}

/* Returns the fee that is due for a tier; 0: none. */
static Datum
tier_fee(const RatedPrice *price, const TierSum *sum)
{
	Datum		zero = NumericFromInteger(0);

	if (sum->tier == 0 || sum->entered == 0 || price->tier_fees == NULL)
		return zero;
	return NumericMultiply(NumericFromInt128(sum->entered, 0), price->tier_fees[sum->tier - 1]);
}

/* Adds up what is due for the tiers of a charge, of the roles that are not left out. */
static void
add_cost(const Rating *rating, const Charge *charge, TierRole without, TierCost *cost)
{
	memset(cost, 0, sizeof(TierCost));
	cost->even = true;
	for (int s = charge->first_sum; s >= 0; s = rating->sums[s].next)
	{
		const TierSum *sum = &rating->sums[s];
		const RatedPrice *price = &rating->prices[sum->price];
		const RatedPrice *first;
		Datum		due;

		if (sum->role == without)
			continue;
		due = TierDue(price, sum->tier, sum->units, sum->entered, sum->packages);
		if (cost->tiers++ == 0)
		{
			cost->price = sum->price;
			cost->unit_price = tier_price(price, sum->tier);
			cost->due = due;
			cost->rounded_due = (Datum) 0;
		}
		else
		{
			first = &rating->prices[cost->price];
			if (price->scale != first->scale)
				cost->mixed_scales = true;
			if (price->currency != first->currency)
				cost->mixed_currencies = true;
			cost->due = NumericAdd(cost->due, due);
			if (cost->even && NumericCompare(cost->unit_price, tier_price(price, sum->tier)) != 0)
				cost->even = false;
		}
		if ((price->model == MODEL_PACKAGE && sum->tier > 0) ||
			(sum->tier > 0 && price->tier_fees != NULL && sum->entered > 0 &&
			 NumericCompare(price->tier_fees[sum->tier - 1], NumericFromInteger(0)) != 0))
			cost->even = false;
	}
	if (!cost->mixed_scales)
		return;
	for (int s = charge->first_sum; s >= 0; s = rating->sums[s].next)
	{
		const TierSum *sum = &rating->sums[s];
		const RatedPrice *price = &rating->prices[sum->price];
		Datum		due;

		if (sum->role == without)
			continue;
		due = NumericRoundRatio(TierDue(price, sum->tier, sum->units, sum->entered, sum->packages), price->scale_numeric, MIXED_DIGITS);
		cost->rounded_due = cost->rounded_due == (Datum) 0 ? due : NumericAdd(cost->rounded_due, due);
	}
}

/* Returns a cost, rounded once. */
static Datum
rounded_cost(const Rating *rating, const TierCost *cost, int digits)
{
	if (cost->mixed_scales)
		return NumericRoundRatio(cost->rounded_due, NumericFromInteger(1), digits);
	return NumericRoundRatio(cost->due, rating->prices[cost->price].scale_numeric, digits);
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

/* Returns what lies in each tier of a charge: parts of its quantity and cost, as differences of rounded totals. */
static Datum
tiers_of(const Rating *rating, const Charge *charge, const TierCost *cost)
{
	const RatedPrice *price = &rating->prices[cost->price];
	const TierSum **sums = palloc(cost->tiers * sizeof(TierSum *));
	JsonbParseState *state = NULL;
	int128		until = charge->units_until - charge->units;
	Datum		due = NumericFromInteger(0);
	Datum		before = NumericFromInteger(0);
	int			n = 0;

	for (int s = charge->first_sum; s >= 0; s = rating->sums[s].next)
	{
		if (rating->sums[s].role != ROLE_LIST)
			sums[n++] = &rating->sums[s];
	}
	qsort(sums, n, sizeof(TierSum *), compare_tiers);

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < n; i++)
	{
		const TierSum *sum = sums[i];
		Datum		fee = tier_fee(price, sum);
		Datum		rounded;

		due = NumericAdd(due, TierDue(price, sum->tier, sum->units, sum->entered, sum->packages));
		rounded = NumericRoundRatio(due, price->scale_numeric, price->digits);
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_number(&state, "tier", NumericFromInteger(sum->tier));
		push_number(&state, "quantity", trimmed(quantity_between(until, until + sum->units, price->scale)));
		if (price->model == MODEL_PACKAGE && sum->tier > 0)
			push_number(&state, "packages", NumericFromInt128(sum->packages, 0));
		else
			push_number(&state, "unit_price", tier_price(price, sum->tier));
		if (NumericCompare(fee, NumericFromInteger(0)) != 0)
			push_number(&state, "fee", fee);
		push_number(&state, "cost", trimmed(NumericSubtract(rounded, before)));
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
		until += sum->units;
		before = rounded;
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL)));
}

/* ---- rows ---- */

/* Columns of rate_charges(): whether it is asked for, and those of rated_charge. */
enum
{
	OUT_ASKED, OUT_KIND, OUT_BOOK, OUT_ACCOUNT, OUT_PAYER, OUT_BILLING_PERIOD, OUT_PRICE, OUT_LIST_PRICE, OUT_REGION,
	OUT_ACCELERATOR, OUT_NUMBER_FORMAT, OUT_MEASURE, OUT_BASIS, OUT_RATE, OUT_DAY, OUT_PERIOD, OUT_AMOUNT, OUT_QUANTITY,
	OUT_UNIT, OUT_WORK, OUT_TIERS, OUT_UNIT_PRICE, OUT_LIST_UNIT_PRICE, OUT_LIST_COST, OUT_CONTRACTED_COST, OUT_COST,
	OUT_CURRENCY, OUT_RECORDS, OUT_CORRECTS, OUT_COLUMNS
};

/* Kinds of charges that the engine makes, as text. */
typedef struct KindNames
{
	Datum		usage;
	Datum		unpriced;
	Datum		instance;
	Datum		list;
	Datum		part;
	Datum		device_hour;
} KindNames;

/* Returns a range of time. */
static Datum
time_range(TypeCacheEntry *type, TimestampTz from, TimestampTz to)
{
	RangeBound	lower = {.val = TimestampTzGetDatum(from), .inclusive = true, .lower = true};
	RangeBound	upper = {.val = TimestampTzGetDatum(to), .inclusive = false, .lower = false};

	return RangeTypePGetDatum(make_range(type, &lower, &upper, false, NULL));
}

/* Fills in what a row says of a cell. */
static void
describe_cell(const Rating *rating, const Cell *cell, Datum *values, bool *nulls)
{
	const UsageKind *kind = &rating->combinations[cell->combination].kind;
	const Place *place = &rating->places[cell->place];

	values[OUT_ASKED] = BoolGetDatum(cell->asked);
	values[OUT_BOOK] = rating->scope.book;
	values[OUT_ACCOUNT] = Int64GetDatum(place->owner);
	values[OUT_PAYER] = Int64GetDatum(place->payer);
	values[OUT_BILLING_PERIOD] = Int64GetDatum(rating->bills[cell->bill].id);
	nulls[OUT_PRICE] = cell->price < 0;
	if (cell->price >= 0)
		values[OUT_PRICE] = Int64GetDatum(rating->prices[cell->price].id);
	values[OUT_REGION] = Int32GetDatum(kind->region);
	values[OUT_ACCELERATOR] = AcceleratorPGetDatum(&kind->accelerator);
	nulls[OUT_NUMBER_FORMAT] = kind->number_format < 0;
	if (kind->number_format >= 0)
		values[OUT_NUMBER_FORMAT] = rating->names[kind->number_format];
	values[OUT_MEASURE] = rating->names[kind->measure];
	values[OUT_BASIS] = Int32GetDatum(kind->basis);
	nulls[OUT_RATE] = !kind->has_rate;
	values[OUT_RATE] = QuantityPGetDatum(&kind->rate);
	values[OUT_DAY] = DateADTGetDatum(rating->days[cell->day].date);
}

/* Fills in the row of a charge. */
static void
describe_charge(const Rating *rating, const Charge *charge, const KindNames *names, TypeCacheEntry *range, Datum *values, bool *nulls)
{
	const Cell *cell = &rating->cells[charge->cell];
	const RatedPrice *price = cell->price < 0 ? NULL : &rating->prices[cell->price];
	const UsageKind *kind = &rating->combinations[cell->combination].kind;
	int128		scale = price ? price->scale : DEVICE_HOUR;

	memset(nulls, false, OUT_COLUMNS * sizeof(bool));
	describe_cell(rating, cell, values, nulls);
	values[OUT_KIND] = price == NULL ? names->unpriced : price->unit == UNIT_INSTANCE_MONTH ? names->instance : names->usage;
	values[OUT_PERIOD] = time_range(range, charge->from, charge->to);
	values[OUT_AMOUNT] = NumericFromInt128(charge->amount, 0);
	values[OUT_QUANTITY] = quantity_between(charge->units_until - charge->units, charge->units_until, scale);
	values[OUT_UNIT] = price ? rating->names[price->unit_name] : names->device_hour;
	nulls[OUT_WORK] = !kind->has_rate;
	if (kind->has_rate)
		values[OUT_WORK] = QuantityPGetDatum(work_between_totals(charge->amount_until - charge->amount, charge->amount_until, &kind->rate));
	values[OUT_CURRENCY] = rating->names[price ? price->currency : rating->places[cell->place].currency];
	values[OUT_RECORDS] = Int64GetDatum(charge->parts);
	nulls[OUT_CORRECTS] = true;
	nulls[OUT_LIST_PRICE] = nulls[OUT_TIERS] = nulls[OUT_UNIT_PRICE] = nulls[OUT_LIST_UNIT_PRICE] = true;
	nulls[OUT_LIST_COST] = nulls[OUT_CONTRACTED_COST] = nulls[OUT_COST] = true;
	if (price != NULL)
	{
		TierCost	cost;
		TierCost	list;

		add_cost(rating, charge, ROLE_LIST, &cost);
		if (cost.tiers == 0)
			elog(ERROR, "a charge has a price and no cost");
		nulls[OUT_COST] = nulls[OUT_CONTRACTED_COST] = false;
		values[OUT_COST] = values[OUT_CONTRACTED_COST] = rounded_cost(rating, &cost, price->digits);
		nulls[OUT_UNIT_PRICE] = !cost.even;
		values[OUT_UNIT_PRICE] = cost.unit_price;
		if (price->model != MODEL_FLAT || price->free > 0)
		{
			nulls[OUT_TIERS] = false;
			values[OUT_TIERS] = tiers_of(rating, charge, &cost);
		}
		if (charge->list_price >= 0)
		{
			nulls[OUT_LIST_PRICE] = false;
			values[OUT_LIST_PRICE] = Int64GetDatum(rating->prices[charge->list_price].id);
		}
		if (cell->listed)
			list = cost;
		else
			add_cost(rating, charge, ROLE_CONTRACTED, &list);
		if (list.tiers > 0 && !list.mixed_currencies && rating->prices[list.price].currency == price->currency)
		{
			nulls[OUT_LIST_COST] = false;
			values[OUT_LIST_COST] = cell->listed ? values[OUT_COST] : rounded_cost(rating, &list, price->digits);
			nulls[OUT_LIST_UNIT_PRICE] = !list.even;
			values[OUT_LIST_UNIT_PRICE] = list.unit_price;
		}
	}
}

/* Fills in a row of what usage that is not charged by its sum costs at list prices; false if it has none. */
static bool
describe_list_cost(const Rating *rating, const Charge *charge, const KindNames *names, TypeCacheEntry *range, Datum *values, bool *nulls)
{
	const Cell *cell = &rating->cells[charge->cell];
	const RatedPrice *price = &rating->prices[cell->price];
	TierCost	list;

	add_cost(rating, charge, ROLE_CONTRACTED, &list);
	if (list.tiers == 0 || list.mixed_currencies || rating->prices[list.price].currency != price->currency)
		return false;
	memset(nulls, true, OUT_COLUMNS * sizeof(bool));
	memset(nulls, false, OUT_LIST_PRICE * sizeof(bool));
	describe_cell(rating, cell, values, nulls);
	values[OUT_KIND] = names->list;
	nulls[OUT_PERIOD] = nulls[OUT_LIST_COST] = false;
	values[OUT_PERIOD] = time_range(range, charge->from, charge->to);
	values[OUT_LIST_COST] = rounded_cost(rating, &list, price->digits);
	return true;
}

/* Returns what is rated, from the arguments of a function. */
static Rating *
start_rating(FunctionCallInfo fcinfo)
{
	Rating	   *rating = palloc0(sizeof(Rating));
	RatingScope *scope = &rating->scope;
	RangeType  *period;
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	for (int i = 0; i < 8; i++)
	{
		if (PG_ARGISNULL(i) && i != 4)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("what is rated must be stated")));
	}
	rating->context = AllocSetContextCreate(CurrentMemoryContext, "rating", ALLOCSET_DEFAULT_SIZES);
	rating->scratch = AllocSetContextCreate(rating->context, "rating of a number", ALLOCSET_SMALL_SIZES);
	rating->traced = -1;
	scope->book = PG_GETARG_DATUM(0);
	scope->as_of = PG_GETARG_DATUM(1);
	scope->payers = PG_GETARG_DATUM(2);
	scope->accounts = PG_GETARG_DATUM(3);
	scope->root_is_null = PG_ARGISNULL(4);
	scope->root = scope->root_is_null ? (Datum) 0 : PG_GETARG_DATUM(4);
	scope->period = PG_GETARG_DATUM(5);
	scope->from = PG_GETARG_TIMESTAMPTZ(6);
	scope->to = PG_GETARG_TIMESTAMPTZ(7);

	if (TIMESTAMP_NOT_FINITE(scope->from) || TIMESTAMP_NOT_FINITE(scope->to))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("usage is rated for a finite period")));

	period = DatumGetRangeTypeP(scope->period);
	range_deserialize(lookup_type_cache(RangeTypeGetOid(period), TYPECACHE_RANGE_INFO), period, &lower, &upper, &empty);
	rating->asked_from = empty ? DT_NOEND : lower.infinite ? DT_NOBEGIN : DatumGetTimestampTz(lower.val);
	rating->asked_to = empty ? DT_NOBEGIN : upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val);
	return rating;
}

/* Reads all that is rated, and makes the charges of it, without their cost. */
static void
read_rating(Rating *rating)
{
	SPI_connect();
	ReadBilling(rating);
	ReadUsage(rating);
	ReadWinners(rating);
	SPI_finish();
	MakeCells(rating);
	make_charges(rating);
	add_running_totals(rating);
}

/*
 * _rate_charges(book, as_of, payers, accounts, root, period, starts, ends) -> setof (asked, columns of rated_charge)
 *
 * Rows of kind part are parts of records that are not charged by their sum: price, payer,
 * billing_period, period, amount and, as quantity, devices.  Rows of kind list are what
 * they cost at list prices, by days.
 */
Datum
rate_charges(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TypeCacheEntry *range = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	Rating	   *rating;
	KindNames	names;
	Datum		values[OUT_COLUMNS] = {0};
	bool		nulls[OUT_COLUMNS];
	MemoryContext row;
	MemoryContext previous;

	InitMaterializedSRF(fcinfo, 0);
	rating = start_rating(fcinfo);
	rating->accelerator_type = TupleDescAttr(result->setDesc, OUT_ACCELERATOR)->atttypid;
	names.usage = CStringGetTextDatum("usage");
	names.unpriced = CStringGetTextDatum("unpriced");
	names.instance = CStringGetTextDatum("instance");
	names.list = CStringGetTextDatum("list");
	names.part = CStringGetTextDatum("part");
	names.device_hour = CStringGetTextDatum("device-hour");
	read_rating(rating);
	RatePools(rating);

	row = AllocSetContextCreate(CurrentMemoryContext, "charge", ALLOCSET_DEFAULT_SIZES);
	previous = MemoryContextSwitchTo(row);
	for (int i = 0; i < rating->ncharges; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!rating->charges[i].special)
			describe_charge(rating, &rating->charges[i], &names, range, values, nulls);
		else if (!describe_list_cost(rating, &rating->charges[i], &names, range, values, nulls))
			continue;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextReset(row);
	}
	for (int64 i = 0; i < rating->ncells; i++)
	{
		const Cell *cell = &rating->cells[i];
		PartList	parts = {0};

		if (!cell->special)
			continue;
		CollectParts(rating, &i, 1, false, &parts);
		for (int64 n = 0; n < parts.count; n++)
		{
			const Part *part = &parts.parts[n];

			memset(nulls, true, sizeof(nulls));
			memset(nulls, false, OUT_LIST_PRICE * sizeof(bool));
			describe_cell(rating, cell, values, nulls);
			values[OUT_KIND] = names.part;
			nulls[OUT_PERIOD] = nulls[OUT_AMOUNT] = nulls[OUT_QUANTITY] = false;
			values[OUT_PERIOD] = time_range(range, part->from, part->to);
			values[OUT_AMOUNT] = NumericFromInt128((int128) part->level * (part->to - part->from), 0);
			values[OUT_QUANTITY] = DeviceLevelGetNumeric(part->level);
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
			MemoryContextReset(row);
		}
		if (parts.parts)
			pfree(parts.parts);
	}
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(row);
	MemoryContextDelete(rating->context);
	return (Datum) 0;
}

/* ---- parts of a charge ---- */

/* Returns a column of a charge that was given; false for NULL. */
static bool
charge_column(HeapTupleHeader charge, const char *name, Datum *value)
{
	bool		isnull;

	*value = GetAttributeByName(charge, name, &isnull);
	return !isnull;
}

/* Whether a column of the charge that was given is an integer. */
static bool
column_is(HeapTupleHeader charge, const char *name, int64 number, bool is_null)
{
	Datum		value;

	if (!charge_column(charge, name, &value))
		return is_null;
	return !is_null && DatumGetInt64(value) == number;
}

/* Whether a column of the charge that was given is a name. */
static bool
column_is_name(const Rating *rating, HeapTupleHeader charge, const char *name, int number)
{
	Datum		value;

	if (!charge_column(charge, name, &value))
		return number < 0;
	return number >= 0 && DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, value, rating->names[number]));
}

/* Whether a cell belongs to the charge that was given. */
static bool
is_of_charge(const Rating *rating, const Cell *cell, HeapTupleHeader charge)
{
	const UsageKind *kind = &rating->combinations[cell->combination].kind;
	Datum		value;

	if (!cell->asked || cell->special ||
		!column_is(charge, "account", rating->places[cell->place].owner, false) ||
		!column_is(charge, "payer", rating->places[cell->place].payer, false) ||
		!column_is(charge, "billing_period", rating->bills[cell->bill].id, false) ||
		!column_is(charge, "price", cell->price < 0 ? 0 : rating->prices[cell->price].id, cell->price < 0))
		return false;
	if (!charge_column(charge, "day", &value) || DatumGetDateADT(value) != rating->days[cell->day].date ||
		!charge_column(charge, "region", &value) || DatumGetInt32(value) != kind->region ||
		!charge_column(charge, "basis", &value) || DatumGetInt32(value) != kind->basis ||
		!charge_column(charge, "accelerator", &value) ||
		memcmp(DatumGetAcceleratorP(value), &kind->accelerator, sizeof(Accelerator)) != 0)
		return false;
	if (charge_column(charge, "rate", &value) != kind->has_rate ||
		(kind->has_rate && memcmp(DatumGetQuantityP(value), &kind->rate, sizeof(Quantity)) != 0))
		return false;
	return column_is_name(rating, charge, "number_format", kind->number_format) &&
		column_is_name(rating, charge, "measure", kind->measure);
}

/* Columns of rate_parts(). */
enum
{
	PART_RECORD, PART_FROM, PART_TO, PART_DEVICES, PART_AMOUNT, PART_QUANTITY, PART_COST, PART_COLUMNS
};

/* Stores a part between two instants; quantity and cost are left to the caller. */
static void
describe_part(const Part *part, TimestampTz from, TimestampTz to, Datum *values, bool *nulls)
{
	memset(nulls, false, PART_COLUMNS * sizeof(bool));
	values[PART_RECORD] = Int64GetDatum(part->record);
	values[PART_FROM] = TimestampTzGetDatum(from);
	values[PART_TO] = TimestampTzGetDatum(to);
	values[PART_DEVICES] = DeviceLevelGetNumeric(part->level);
	values[PART_AMOUNT] = NumericFromInt128((int128) part->level * (to - from), 0);
	nulls[PART_QUANTITY] = nulls[PART_COST] = true;
}

/* Collects the parts of a charge that nothing prices: they are in no pool. */
static void
collect_unpriced(Rating *rating)
{
	int64	   *cells = palloc_extended(rating->ncells * sizeof(int64), MCXT_ALLOC_HUGE);
	int64		count = 0;

	for (int64 i = 0; i < rating->ncells; i++)
	{
		if (rating->cells[i].charge == rating->traced)
			cells[count++] = i;
	}
	CollectParts(rating, cells, count, false, &rating->trace);
	pfree(cells);
}

/* Returns the parts of a charge that is charged by its sum: shares of quantity and cost, as differences of rounded totals. */
static void
put_parts(Rating *rating, const Charge *charge, ReturnSetInfo *result)
{
	const Cell *cell = &rating->cells[charge->cell];
	const RatedPrice *price = cell->price < 0 ? NULL : &rating->prices[cell->price];
	int128		scale = price ? price->scale : DEVICE_HOUR;
	int128		until = charge->units_until - charge->units;
	Datum		due = NumericFromInteger(0);
	Datum		before = due;

	for (int64 i = 0; i < rating->trace.count; i++)
	{
		const Part *part = &rating->trace.parts[i];
		Datum		values[PART_COLUMNS];
		bool		nulls[PART_COLUMNS];

		CHECK_FOR_INTERRUPTS();
		describe_part(part, part->from, part->to, values, nulls);
		nulls[PART_QUANTITY] = false;
		values[PART_QUANTITY] = quantity_between(until, until + part->units, scale);
		until += part->units;
		if (price != NULL)
		{
			Datum		rounded;

			due = NumericAdd(due, part->due);
			rounded = NumericRoundRatio(due, price->scale_numeric, price->digits);
			nulls[PART_COST] = false;
			values[PART_COST] = NumericSubtract(rounded, before);
			before = rounded;
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* Returns the parts that lie in the period of a charge that is not charged by its sum. */
static void
put_special_parts(Rating *rating, HeapTupleHeader charge, ReturnSetInfo *result)
{
	PartList	parts = {0};

	for (int64 i = 0; i < rating->ncells; i++)
	{
		const Cell *cell = &rating->cells[i];

		if (!cell->special ||
			!column_is(charge, "payer", rating->places[cell->place].payer, false) ||
			!column_is(charge, "billing_period", rating->bills[cell->bill].id, false) ||
			!column_is(charge, "price", rating->prices[cell->price].id, false))
			continue;
		CollectParts(rating, &i, 1, false, &parts);
		for (int64 n = 0; n < parts.count; n++)
		{
			TimestampTz from = Max(parts.parts[n].from, rating->asked_from);
			TimestampTz to = Min(parts.parts[n].to, rating->asked_to);
			Datum		values[PART_COLUMNS];
			bool		nulls[PART_COLUMNS];

			if (from >= to)
				continue;
			describe_part(&parts.parts[n], from, to, values, nulls);
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
}

/*
 * _rate_parts(book, as_of, payers, accounts, root, period, starts, ends, charge rated_charge)
 *		-> setof (record, part_from, part_to, devices, amount, quantity, cost)
 *
 * The parts of records that a charge is made of.  The period is the charge's.  Of what is
 * not charged by its sum, quantity and cost are NULL.
 */
Datum
rate_parts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HeapTupleHeader charge;
	Rating	   *rating;

	if (PG_ARGISNULL(8))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the charge must be stated")));
	charge = PG_GETARG_HEAPTUPLEHEADER(8);
	InitMaterializedSRF(fcinfo, 0);
	rating = start_rating(fcinfo);
	{
		TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(charge), HeapTupleHeaderGetTypMod(charge));

		/* the column's type, whatever schema it is in */
		rating->accelerator_type = TupleDescAttr(desc, OUT_ACCELERATOR - 1)->atttypid;
		ReleaseTupleDesc(desc);
	}
	read_rating(rating);
	for (int64 i = 0; i < rating->ncells && rating->traced < 0; i++)
	{
		if (is_of_charge(rating, &rating->cells[i], charge))
			rating->traced = rating->cells[i].charge;
	}
	if (rating->traced >= 0)
	{
		const Charge *traced = &rating->charges[rating->traced];

		RatePools(rating);
		if (rating->cells[traced->cell].price < 0)
			collect_unpriced(rating);
		put_parts(rating, traced, result);
	}
	else
		put_special_parts(rating, charge, result);
	MemoryContextDelete(rating->context);
	return (Datum) 0;
}
