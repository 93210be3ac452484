/*
 * rating_charge.c
 *		Which cells are charged together, and their sums.
 *
 * A charge is the usage of one kind under one price on one day of its account's zone.
 * Its quantity is a difference of rounded running totals of the billing period, so that
 * the days of a period add up; its cost is rounded once, on its own (rating_cost.c).
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "base/row_columns.h"
#include "rating/rating.h"
#include "rating/rating_charge.h"

/* A cell by what its charge states. */
typedef struct ChargeKey
{
	int64		owner;
	int			order;			/* of the combination */
	int64		bill;
	int64		payer;
	int32		date;
	int64		price;			/* 0: none */
	int64		list_price;		/* 0: none */
	bool		special;
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
	if (x->list_price != y->list_price)
		return x->list_price < y->list_price ? -1 : 1;
	if (x->special != y->special)
		return (int) x->special - (int) y->special;
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

/* Groups cells into charges, whose numbers they get. */
static void
group_cells(Rating *rating)
{
	ChargeKey  *keys = MemoryContextAllocHuge(rating->context, Max(1, rating->ncells) * sizeof(ChargeKey));

	if (rating->ncells > PG_INT32_MAX / 2)
		elog(ERROR, "too many charges");
	for (int64 i = 0; i < rating->ncells; i++)
	{
		const RatingCell *cell = &rating->cells[i];

		keys[i].owner = rating->places[cell->place].owner;
		keys[i].order = rating->combinations[cell->combination].order;
		keys[i].bill = rating->bills[cell->bill].id;
		keys[i].payer = rating->places[cell->place].payer;
		keys[i].date = rating->days[cell->day].date;
		keys[i].price = cell->price < 0 ? 0 : rating->prices[cell->price].id;
		/* what has no price has no list cost, either */
		keys[i].list_price = cell->price < 0 || cell->list_price < 0 ? 0 : rating->prices[cell->list_price].id;
		keys[i].special = cell->special;
		keys[i].asked = cell->asked;
		keys[i].from = cell->from;
		keys[i].cell = i;
	}
	qsort(keys, rating->ncells, sizeof(ChargeKey), compare_keys_and_time);
	rating->charges = MemoryContextAllocHuge(rating->context, Max(1, rating->ncells) * sizeof(Charge));
	for (int64 i = 0; i < rating->ncells; i++)
	{
		RatingCell *cell = &rating->cells[keys[i].cell];
		Charge	   *charge;

		if (i == 0 || compare_keys(&keys[i - 1], &keys[i]) != 0)
		{
			charge = &rating->charges[rating->ncharges++];
			memset(charge, 0, sizeof(Charge));
			charge->first_sum = -1;
			charge->cell = keys[i].cell;
			charge->special = cell->special;
			charge->from = cell->from;
			charge->to = cell->to;
		}
		charge = &rating->charges[rating->ncharges - 1];
		cell->charge = rating->ncharges - 1;
		charge->from = Min(charge->from, cell->from);
		charge->to = Max(charge->to, cell->to);
		charge->parts += cell->parts;
		SetRated(keys[i].owner, keys[i].price);
		charge->amount = AddQuantity(charge->amount, cell->amount);
		charge->counted = AddQuantity(charge->counted, cell->counted);
		charge->units = AddQuantity(charge->units, cell->units);
	}
	pfree(keys);
}

/* Returns the id of a charge's price; 0: none. */
static int64
charge_price(const Rating *rating, const Charge *charge)
{
	int			price = rating->cells[charge->cell].price;

	return price < 0 ? 0 : rating->prices[price].id;
}

/* Returns the name of what a charge counts. */
static int
charge_unit(const Rating *rating, const Charge *charge)
{
	int			price = CountedPrice(rating, &rating->cells[charge->cell]);

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
	const RatingCell *x = &rating->cells[a->cell];
	const RatingCell *y = &rating->cells[b->cell];

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

			CHECK_FOR_INTERRUPTS();
			SetRated(rating->places[rating->cells[charge->cell].place].owner, charge_price(rating, charge));
			charge->counted_until = j == i ? charge->counted :
				AddQuantity(rating->charges[sorted[j - 1]].counted_until, charge->counted);
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

/* Makes the charges of all cells, without their cost. */
void
MakeCharges(Rating *rating)
{
	group_cells(rating);
	add_running_totals(rating);
}

static const RowColumn charge_columns[OUT_COLUMNS] = {
	[OUT_KIND] = ROW_COLUMN("kind", TEXTOID),
	[OUT_BOOK] = ROW_COLUMN("book", TEXTOID),
	[OUT_ACCOUNT] = ROW_COLUMN("account", INT8OID),
	[OUT_PAYER] = ROW_COLUMN("payer", INT8OID),
	[OUT_BILLING_PERIOD] = ROW_COLUMN("billing_period", INT8OID),
	[OUT_PRICE] = ROW_COLUMN("price", INT8OID),
	[OUT_LIST_PRICE] = ROW_COLUMN("list_price", INT8OID),
	[OUT_REGION] = ROW_COLUMN("region", INT4OID),
	[OUT_ACCELERATOR] = ROW_COLUMN_OWN("accelerator", "accelerator"),
	[OUT_NUMBER_FORMAT] = ROW_COLUMN("number_format", TEXTOID),
	[OUT_MEASURE] = ROW_COLUMN("measure", TEXTOID),
	[OUT_BASIS] = ROW_COLUMN("basis", INT4OID),
	[OUT_RATE] = ROW_COLUMN_OWN("rate", "compute_rate"),
	[OUT_SHARE] = ROW_COLUMN("share", INT4OID),
	[OUT_DAY] = ROW_COLUMN("day", DATEOID),
	[OUT_PERIOD] = ROW_COLUMN("period", TSTZRANGEOID),
	[OUT_AMOUNT] = ROW_COLUMN("amount", NUMERICOID),
	[OUT_QUANTITY] = ROW_COLUMN("quantity", NUMERICOID),
	[OUT_UNIT] = ROW_COLUMN("unit", TEXTOID),
	[OUT_WORK] = ROW_COLUMN_OWN("work", "compute_unit"),
	[OUT_TIERS] = ROW_COLUMN("tiers", JSONBOID),
	[OUT_UNIT_PRICE] = ROW_COLUMN("unit_price", NUMERICOID),
	[OUT_LIST_UNIT_PRICE] = ROW_COLUMN("list_unit_price", NUMERICOID),
	[OUT_LIST_COST] = ROW_COLUMN("list_cost", NUMERICOID),
	[OUT_CONTRACTED_COST] = ROW_COLUMN("contracted_cost", NUMERICOID),
	[OUT_COST] = ROW_COLUMN("cost", NUMERICOID),
	[OUT_CURRENCY] = ROW_COLUMN("currency", TEXTOID),
	[OUT_RECORDS] = ROW_COLUMN("records", INT8OID),
	[OUT_CORRECTS] = ROW_COLUMN("corrects", INT8OID),
	[OUT_RESERVATION] = ROW_COLUMN("reservation", INT8OID),
};

/* Checks that rows are of type rated_charge as it is known here. */
void
RatedChargeCheck(TupleDesc desc)
{
	RowColumnsCheck(desc, "rated_charge", charge_columns, OUT_COLUMNS);
	if (desc->natts != OUT_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type rated_charge has %d attributes, not %d", desc->natts, OUT_COLUMNS)));
}
