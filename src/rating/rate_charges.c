/*
 * rate_charges.c
 *		The function _rate_charges: all charges of payers, as rows.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "base/decimal.h"
#include "profile/device_level.h"
#include "quantity/quantity_type.h"
#include "rating/rating.h"
#include "rating/rating_cell.h"
#include "rating/rating_charge.h"
#include "rating/rating_cost.h"
#include "rating/rating_pool.h"
#include "rating/rating_rounding.h"
#include "rating/rating_run.h"

/* Kinds of rows that the engine makes, and units, as text. */
typedef struct KindNames
{
	Datum		usage;
	Datum		unpriced;
	Datum		instance;
	Datum		parts[PART_UNUSED + 1]; /* what has a name of its own */
	Datum		rounding;
	Datum		counted;
	Datum		list;
	Datum		part;
	Datum		device_hour;
	Datum		slice_hour;
} KindNames;

/* Where rows go, and what they are like. */
typedef struct ChargeRows
{
	ReturnSetInfo *result;
	Datum		values[OUT_COLUMNS];
	bool		nulls[OUT_COLUMNS];
} ChargeRows;

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
describe_cell(const Rating *rating, const RatingCell *cell, Datum *values, bool *nulls)
{
	const UsageKind *kind = &rating->combinations[cell->combination].kind;
	const Place *place = &rating->places[cell->place];

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
	nulls[OUT_SHARE] = kind->share == 0;
	values[OUT_SHARE] = Int32GetDatum(kind->share);
	values[OUT_DAY] = DateADTGetDatum(rating->days[cell->day].date);
}

/* Returns the work between two running totals of counted time, at a rate. */
static Quantity *
work_between_totals(int128 from, int128 to, const Quantity *rate)
{
	int128		factor = QuantityAmount(rate);

	return QuantityMake(ScaleQuantity(to, factor, DEVICE_UNITS) - ScaleQuantity(from, factor, DEVICE_UNITS), QuantityBasis(rate));
}

/* Fills in the row of a charge, and adds it to the totals. */
static void
describe_charge(const Rating *rating, const Charge *charge, const KindNames *names, TypeCacheEntry *range, ChargeTotals *totals, ChargeRows *rows)
{
	Datum	   *values = rows->values;
	bool	   *nulls = rows->nulls;
	const RatingCell *cell = &rating->cells[charge->cell];
	const RatedPrice *price = cell->price < 0 ? NULL : &rating->prices[cell->price];
	const RatedPrice *counted = price == NULL ? NULL : &rating->prices[CountedPrice(rating, cell)];
	bool		follows = FollowsList(rating, cell);
	const UsageKind *kind = &rating->combinations[cell->combination].kind;
	int128		scale = counted ? counted->scale : DEVICE_HOUR;

	memset(nulls, false, OUT_COLUMNS * sizeof(bool));
	SetRated(rating->places[cell->place].owner, price == NULL ? 0 : price->id);
	describe_cell(rating, cell, values, nulls);
	values[OUT_KIND] = kind->part != PART_WHOLE ? names->parts[kind->part] : price == NULL ? names->unpriced :
		counted->unit == UNIT_INSTANCE_MONTH ? names->instance : names->usage;
	values[OUT_PERIOD] = time_range(range, charge->from, charge->to);
	nulls[OUT_AMOUNT] = kind->share == 0;
	values[OUT_AMOUNT] = NumericFromInt128(charge->amount, 0);
	values[OUT_QUANTITY] = QuantityBetween(charge->units_until - charge->units, charge->units_until, scale);
	values[OUT_UNIT] = counted ? rating->names[counted->unit_name] :
		kind->share == 0 ? names->slice_hour : names->device_hour;
	nulls[OUT_WORK] = !kind->has_rate;
	if (kind->has_rate)
		values[OUT_WORK] = QuantityPGetDatum(work_between_totals(charge->counted_until - charge->counted,
																 charge->counted_until, &kind->rate));
	values[OUT_CURRENCY] = rating->names[price ? price->currency : rating->places[cell->place].currency];
	values[OUT_RECORDS] = Int64GetDatum(charge->parts);
	nulls[OUT_CORRECTS] = true;
	nulls[OUT_RESERVATION] = kind->reservation == 0;
	values[OUT_RESERVATION] = Int64GetDatum(kind->reservation);
	nulls[OUT_LIST_PRICE] = nulls[OUT_TIERS] = nulls[OUT_UNIT_PRICE] = nulls[OUT_LIST_UNIT_PRICE] = true;
	nulls[OUT_LIST_COST] = nulls[OUT_CONTRACTED_COST] = nulls[OUT_COST] = true;
	if (price != NULL)
	{
		TierCost	cost;
		TierCost	list;

		AddCost(rating, charge, follows ? ROLE_CONTRACTED : ROLE_LIST, &cost);
		if (cost.tiers == 0)
			elog(ERROR, "a charge has a price and no cost");
		if (follows)
			TakeShare(&cost, price->factor);
		nulls[OUT_COST] = nulls[OUT_CONTRACTED_COST] = false;
		values[OUT_COST] = values[OUT_CONTRACTED_COST] = RoundedCost(rating, &cost, price->digits);
		AddChargeTotal(totals, rating, cell, &cost, values[OUT_COST]);
		nulls[OUT_UNIT_PRICE] = !cost.even;
		values[OUT_UNIT_PRICE] = cost.unit_price;
		if (!follows && (price->tiers.model != MODEL_FLAT || price->bounds.free > 0))
		{
			nulls[OUT_TIERS] = false;
			values[OUT_TIERS] = ChargeTiers(rating, charge, &cost, values[OUT_QUANTITY], values[OUT_COST]);
		}
		if (cell->list_price >= 0)
		{
			nulls[OUT_LIST_PRICE] = false;
			values[OUT_LIST_PRICE] = Int64GetDatum(rating->prices[cell->list_price].id);
		}
		if (cell->listed)
			list = cost;
		else
			AddCost(rating, charge, ROLE_CONTRACTED, &list);
		if (list.tiers > 0 && rating->prices[list.price].currency == price->currency)
		{
			nulls[OUT_LIST_COST] = false;
			values[OUT_LIST_COST] = cell->listed ? values[OUT_COST] : RoundedCost(rating, &list, price->digits);
			/* of another unit it would be no price of the quantity */
			nulls[OUT_LIST_UNIT_PRICE] = !list.even || rating->prices[list.price].unit_name != counted->unit_name;
			values[OUT_LIST_UNIT_PRICE] = list.unit_price;
		}
	}
}

/* Fills in a row of what usage that is not charged by its sum costs at list prices. */
static void
describe_list_cost(const Rating *rating, const Charge *charge, const KindNames *names, TypeCacheEntry *range, Datum *values, bool *nulls)
{
	const RatingCell *cell = &rating->cells[charge->cell];
	const RatedPrice *price = &rating->prices[cell->price];
	TierCost	list;

	AddCost(rating, charge, ROLE_CONTRACTED, &list);
	memset(nulls, true, OUT_COLUMNS * sizeof(bool));
	memset(nulls, false, OUT_LIST_PRICE * sizeof(bool));
	describe_cell(rating, cell, values, nulls);
	values[OUT_KIND] = names->list;
	nulls[OUT_PERIOD] = false;
	values[OUT_PERIOD] = time_range(range, charge->from, charge->to);
	nulls[OUT_LIST_COST] = list.tiers == 0 || rating->prices[list.price].currency != price->currency;
	if (!nulls[OUT_LIST_COST])
		values[OUT_LIST_COST] = RoundedCost(rating, &list, price->digits);
}

/* Fills in what is left of rounding charges. */
static void
describe_rest(const Rating *rating, const RoundingRest *rest, const KindNames *names, TypeCacheEntry *range, Datum *values, bool *nulls)
{
	const Bill *bill = &rating->bills[rest->bill];
	const RatedPrice *price = &rating->prices[rest->price];

	memset(nulls, true, OUT_COLUMNS * sizeof(bool));
	memset(nulls, false, OUT_LIST_PRICE * sizeof(bool));
	nulls[OUT_PERIOD] = nulls[OUT_CONTRACTED_COST] = nulls[OUT_COST] = nulls[OUT_CURRENCY] = nulls[OUT_RECORDS] = false;
	values[OUT_KIND] = names->rounding;
	values[OUT_BOOK] = rating->scope.book;
	values[OUT_ACCOUNT] = Int64GetDatum(rest->owner);
	values[OUT_PAYER] = Int64GetDatum(rest->payer);
	values[OUT_BILLING_PERIOD] = Int64GetDatum(bill->id);
	values[OUT_PRICE] = Int64GetDatum(price->id);
	values[OUT_PERIOD] = time_range(range, bill->to - 1, bill->to);
	values[OUT_CONTRACTED_COST] = values[OUT_COST] = rest->cost;
	values[OUT_CURRENCY] = rating->names[price->currency];
	values[OUT_RECORDS] = Int64GetDatum(1);
}

/* Puts out the row that was filled in. */
static void
store_row(ChargeRows *rows)
{
	tuplestore_putvalues(rows->result->setResult, rows->result->setDesc, rows->values, rows->nulls);
}

/* Puts out the charge that was filled in; of one that is not asked for, what counts. */
static void
put_charge(ChargeRows *rows, bool asked, const KindNames *names)
{
	if (!asked && rows->nulls[OUT_COST])
		return;
	if (!asked)
		rows->values[OUT_KIND] = names->counted;
	store_row(rows);
}

/*
 * _rate_charges(book, as_of, payers, accounts, root, period, starts, ends) -> setof rated_charge
 *
 * Charges that are not asked for have the kind counted.  Rows of kind part are parts of
 * records that are not charged by their sum: price, payer, billing_period, period, amount
 * and, as quantity, devices.  Rows of kind list are what they cost at list prices, by days;
 * NULL without one.
 */
PG_FUNCTION_INFO_V1(rate_charges);
Datum
rate_charges(PG_FUNCTION_ARGS)
{
	ChargeRows	rows = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	TypeCacheEntry *range = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	RatingScope scope;
	Rating	   *rating;
	ChargeTotals *totals;
	RoundingRest *rests;
	int			nrests;
	KindNames	names;
	MemoryContext row;
	MemoryContext previous;

	InitMaterializedSRF(fcinfo, 0);
	names.usage = CStringGetTextDatum("usage");
	names.unpriced = CStringGetTextDatum("unpriced");
	names.instance = CStringGetTextDatum("instance");
	names.parts[PART_WHOLE] = names.usage;
	names.parts[PART_DRAWN] = CStringGetTextDatum("drawn");
	names.parts[PART_USED] = CStringGetTextDatum("reservation used");
	names.parts[PART_UNUSED] = CStringGetTextDatum("reservation unused");
	names.rounding = CStringGetTextDatum("rounding");
	names.counted = CStringGetTextDatum("counted");
	names.list = CStringGetTextDatum("list");
	names.part = CStringGetTextDatum("part");
	names.device_hour = CStringGetTextDatum("device-hour");
	names.slice_hour = CStringGetTextDatum("slice-hour");
	ReadRatingScope(fcinfo, &scope);
	RatedChargeCheck(rows.result->setDesc);
	rating = MakeRating(&scope, TupleDescAttr(rows.result->setDesc, OUT_ACCELERATOR)->atttypid);
	RatePools(rating);
	totals = MakeChargeTotals();

	row = AllocSetContextCreate(CurrentMemoryContext, "charge", ALLOCSET_DEFAULT_SIZES);
	previous = MemoryContextSwitchTo(row);
	for (int i = 0; i < rating->ncharges; i++)
	{
		const Charge *charge = &rating->charges[i];

		CHECK_FOR_INTERRUPTS();
		if (!charge->special)
		{
			describe_charge(rating, charge, &names, range, totals, &rows);
			put_charge(&rows, rating->cells[charge->cell].asked, &names);
		}
		else
		{
			describe_list_cost(rating, charge, &names, range, rows.values, rows.nulls);
			store_row(&rows);
		}
		MemoryContextReset(row);
	}
	nrests = RoundingRests(totals, rating, &rests);
	for (int i = 0; i < nrests; i++)
	{
		CHECK_FOR_INTERRUPTS();
		describe_rest(rating, &rests[i], &names, range, rows.values, rows.nulls);
		put_charge(&rows, rests[i].asked, &names);
	}
	MemoryContextReset(row);
	for (int64 i = 0; i < rating->ncells; i++)
	{
		const RatingCell *cell = &rating->cells[i];
		RatingParts parts = {0};

		CHECK_FOR_INTERRUPTS();
		if (!cell->special)
			continue;
		CollectParts(rating, &i, 1, false, &parts);
		for (int64 n = 0; n < parts.count; n++)
		{
			const RatingPart *part = &parts.parts[n];

			CHECK_FOR_INTERRUPTS();
			memset(rows.nulls, true, sizeof(rows.nulls));
			memset(rows.nulls, false, OUT_LIST_PRICE * sizeof(bool));
			describe_cell(rating, cell, rows.values, rows.nulls);
			rows.values[OUT_KIND] = names.part;
			rows.nulls[OUT_PERIOD] = rows.nulls[OUT_AMOUNT] = rows.nulls[OUT_QUANTITY] = false;
			rows.values[OUT_PERIOD] = time_range(range, part->from, part->to);
			rows.values[OUT_AMOUNT] = NumericFromInt128((int128) part->level * (part->to - part->from), 0);
			rows.values[OUT_QUANTITY] = DeviceLevelGetNumeric(part->level);
			store_row(&rows);
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
