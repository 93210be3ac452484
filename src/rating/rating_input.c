/*
 * rating_input.c
 *		Reads what usage is rated by: trees, billing periods, days, prices.
 *
 * Each is a function or a table of the ledger that is read as of the recorded time; the
 * rows become arrays in the order in which time is cut by them.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "base/decimal.h"
#include "base/numeric_arith.h"
#include "base/row_columns.h"
#include "rating/rating.h"
#include "rating/rating_input.h"

#define INSTANCE_DIGITS	24		/* of an instance-month */

/* Compares the columns of the rows that were read with what is read of them. */
#define CheckColumns(rows, columns) \
	RowColumnsCheck(SPI_tuptable->tupdesc, (rows), (columns), lengthof(columns))

/* Returns a column of a row that is not NULL. */
static Datum
column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, &isnull);

	if (isnull)
		RowNullError("what usage is rated by", NameStr(TupleDescAttr(SPI_tuptable->tupdesc, number - 1)->attname));
	return value;
}

/* Returns whether a column of a row is NULL. */
static bool
column_is_null(uint64 row, int number)
{
	return heap_attisnull(SPI_tuptable->vals[row], number, SPI_tuptable->tupdesc);
}

/* Makes an array for the rows that were read. */
static void *
make_rows(Rating *rating, int *count, Size size)
{
	if (SPI_processed > PG_INT32_MAX / 2)
		elog(ERROR, "too much to rate usage by");
	*count = (int) SPI_processed;
	return MemoryContextAllocExtended(rating->context, Max(1, *count) * size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Reads accounts in their places. */
static void
read_places(Rating *rating)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("account", INT8OID), ROW_COLUMN("owner", INT8OID), ROW_COLUMN("payer", INT8OID),
		ROW_COLUMN("calendar", INT8OID),
		ROW_COLUMN("time_zone", TEXTOID),
		ROW_COLUMN("currency", TEXTOID), ROW_COLUMN("starts", TIMESTAMPTZOID), ROW_COLUMN("ends", TIMESTAMPTZOID),
		ROW_COLUMN("asked", BOOLOID), ROW_COLUMN("lapsed", BOOLOID)
	};
	const RatingScope *scope = &rating->scope;
	Oid			types[] = {TIMESTAMPTZOID, INT8ARRAYOID, INT8ARRAYOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {scope->as_of, scope->payers, scope->accounts, scope->root,
	TimestampTzGetDatum(scope->from), TimestampTzGetDatum(scope->to)};
	bool		nulls[] = {false, false, false, scope->root_is_null, false, false};

	RunRatingQuery("SELECT account, owner, payer, calendar, time_zone, currency, starts, ends, asked, lapsed"
				   " FROM compute_ledger._rating_places($1, $2, $3, $4, $5, $6) ORDER BY account, starts",
				   lengthof(types), types, values, nulls, NULL);
	CheckColumns("_rating_places()", columns);
	rating->places = make_rows(rating, &rating->nplaces, sizeof(Place));
	for (int i = 0; i < rating->nplaces; i++)
	{
		Place	   *place = &rating->places[i];

		place->account = DatumGetInt64(column(i, 1));
		place->owner = DatumGetInt64(column(i, 2));
		place->payer = DatumGetInt64(column(i, 3));
		place->calendar = DatumGetInt64(column(i, 4));
		place->time_zone = RatingName(rating, column(i, 5));
		place->currency = RatingName(rating, column(i, 6));
		place->from = DatumGetTimestampTz(column(i, 7));
		place->to = DatumGetTimestampTz(column(i, 8));
		place->asked = DatumGetBool(column(i, 9));
		place->lapsed = DatumGetBool(column(i, 10));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Reads the billing periods of all calendars: there are few. */
static void
read_bills(Rating *rating)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("id", INT8OID), ROW_COLUMN("calendar", INT8OID), ROW_COLUMN("starts_at", TIMESTAMPTZOID),
		ROW_COLUMN("ends_at", TIMESTAMPTZOID), ROW_COLUMN("measures", TEXTARRAYOID)
	};
	const RatingScope *scope = &rating->scope;
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, TSTZRANGEOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {scope->book, scope->as_of, scope->period, TimestampTzGetDatum(scope->from), TimestampTzGetDatum(scope->to)};

	RunRatingQuery("SELECT id, calendar, starts_at, ends_at,"
				   " compute_ledger._billed_measures($1, $2, pg_catalog.tstzrange(starts_at, ends_at)) AS measures"
				   " FROM compute_ledger._billing_periods($2)"
				   " WHERE starts_at < $5 AND ends_at > $4 AND pg_catalog.tstzrange(starts_at, ends_at) OPERATOR(pg_catalog.&&) $3"
				   " ORDER BY calendar, starts_at",
				   lengthof(types), types, values, NULL, NULL);
	CheckColumns("_billing_periods()", columns);
	rating->bills = make_rows(rating, &rating->nbills, sizeof(Bill));
	for (int i = 0; i < rating->nbills; i++)
	{
		Bill	   *bill = &rating->bills[i];
		Datum	   *measures;

		bill->id = DatumGetInt64(column(i, 1));
		bill->calendar = DatumGetInt64(column(i, 2));
		bill->from = DatumGetTimestampTz(column(i, 3));
		bill->to = DatumGetTimestampTz(column(i, 4));
		deconstruct_array(DatumGetArrayTypeP(column(i, 5)), TEXTOID, -1, false, TYPALIGN_INT, &measures, NULL, &bill->nmeasures);
		if (bill->nmeasures > MAX_MEASURES)
			elog(ERROR, "too many measures");
		for (int m = 0; m < bill->nmeasures; m++)
			bill->measures[m] = RatingName(rating, measures[m]);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Reads the days of the time zones of all places. */
static void
read_days(Rating *rating)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("time_zone", TEXTOID), ROW_COLUMN("day", DATEOID), ROW_COLUMN("starts", TIMESTAMPTZOID),
		ROW_COLUMN("ends", TIMESTAMPTZOID), ROW_COLUMN("month", INT8OID)
	};
	const RatingScope *scope = &rating->scope;
	Oid			types[] = {TEXTARRAYOID, TSTZRANGEOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {0, scope->period, TimestampTzGetDatum(scope->from), TimestampTzGetDatum(scope->to)};
	Datum	   *zones = palloc(Max(1, rating->nnames) * sizeof(Datum));
	bool	   *seen = palloc0(Max(1, rating->nnames) * sizeof(bool));
	int			nnames = rating->nnames;
	int			nzones = 0;

	for (int i = 0; i < rating->nplaces; i++)
	{
		int			zone = rating->places[i].time_zone;

		if (!seen[zone])
			zones[nzones++] = rating->names[zone];
		seen[zone] = true;
	}
	values[0] = PointerGetDatum(construct_array(zones, nzones, TEXTOID, -1, false, TYPALIGN_INT));
	RunRatingQuery("SELECT time_zone, day, starts, ends, month FROM compute_ledger._rating_days($1, $2, $3, $4)"
				   " WHERE ends IS NOT NULL ORDER BY time_zone, starts",
				   lengthof(types), types, values, NULL, NULL);
	CheckColumns("_rating_days()", columns);
	rating->days = make_rows(rating, &rating->ndays, sizeof(Day));
	rating->first_day = MemoryContextAllocZero(rating->context, (nnames + 1) * sizeof(int));
	for (int i = 0; i < rating->ndays; i++)
	{
		Day		   *day = &rating->days[i];

		day->time_zone = RatingName(rating, column(i, 1));
		if (day->time_zone >= nnames || !seen[day->time_zone])
			elog(ERROR, "a day is of a time zone that was not asked for");
		if (i == 0 || day->time_zone != rating->days[i - 1].time_zone)
			rating->first_day[day->time_zone] = i;
		day->date = DatumGetDateADT(column(i, 2));
		day->from = DatumGetTimestampTz(column(i, 3));
		day->to = DatumGetTimestampTz(column(i, 4));
		day->month = DatumGetInt64(column(i, 5));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Reads regions in their places. */
static void
read_sites(Rating *rating)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("region", INT4OID), ROW_COLUMN("starts", TIMESTAMPTZOID), ROW_COLUMN("ends", TIMESTAMPTZOID)
	};
	const RatingScope *scope = &rating->scope;
	Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {scope->as_of, TimestampTzGetDatum(scope->from), TimestampTzGetDatum(scope->to)};

	RunRatingQuery("SELECT region, starts, ends FROM compute_ledger._rating_sites($1, $2, $3) ORDER BY region, starts",
				   lengthof(types), types, values, NULL, NULL);
	CheckColumns("_rating_sites()", columns);
	rating->sites = make_rows(rating, &rating->nsites, sizeof(Site));
	for (int i = 0; i < rating->nsites; i++)
	{
		Site	   *site = &rating->sites[i];

		site->region = DatumGetInt32(column(i, 1));
		site->from = DatumGetTimestampTz(column(i, 2));
		site->to = DatumGetTimestampTz(column(i, 3));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Orders winners by combination, currency and time. */
static int
compare_winners(const void *a, const void *b)
{
	const Winner *x = (const Winner *) a;
	const Winner *y = (const Winner *) b;

	if (x->combination != y->combination)
		return x->combination < y->combination ? -1 : 1;
	if (x->currency != y->currency)
		return x->currency < y->currency ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

/* Returns a quantity of a price in the integers of its scale. */
static int128
scaled(Datum quantity, Datum scale)
{
	return IntegerFromNumeric(NumericMultiply(quantity, scale));
}

/* Reads a numeric[]; NULLs become 0. */
static Datum *
read_numbers(Rating *rating, Datum array, int *count)
{
	Datum	   *elements;
	bool	   *nulls;
	Datum	   *numbers;

	deconstruct_array(DatumGetArrayTypeP(array), NUMERICOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	numbers = MemoryContextAlloc(rating->context, Max(1, *count) * sizeof(Datum));
	for (int i = 0; i < *count; i++)
		numbers[i] = nulls[i] ? NumericFromInteger(0) : datumCopy(elements[i], false, -1);
	return numbers;
}

/* Finds out what a price counts. */
static void
read_unit(RatedPrice *price, Datum unit, const Quantity *work)
{
	char	   *name = TextDatumGetCString(unit);

	if (work != NULL)
	{
		price->basis = QuantityBasis(work);
		price->unit = price->basis == BASIS_FLOP ? UNIT_ACHIEVED_WORK : UNIT_NOMINAL_WORK;
		price->scale = QuantityAmount(work);
		if (price->unit == UNIT_NOMINAL_WORK)
			price->scale = MultiplyQuantity(price->scale, DEVICE_UNITS);
	}
	else if (strcmp(name, "instance-month") == 0)
	{
		price->unit = UNIT_INSTANCE_MONTH;
		price->scale = 1;
		for (int i = 0; i < INSTANCE_DIGITS; i++)
			price->scale *= 10;
	}
	else
	{
		price->unit = strcmp(name, "device-hour") == 0 ? UNIT_DEVICE_HOUR :
			strcmp(name, "slice-hour") == 0 ? UNIT_SLICE_HOUR : UNIT_LEVEL;
		price->scale = DEVICE_HOUR;
	}
	price->scale_numeric = NumericFromInt128(price->scale, 0);
	pfree(name);
}

/* Raises for a price that the constraints of table price forbid: what follows relies on them. */
static void
check_price(const RatedPrice *price, int nprices, int nfees)
{
	const PriceTiers *tiers = &price->tiers;
	const IntegerTierBounds *bounds = &price->bounds;
	bool		allowed = price->unit != UNIT_INSTANCE_MONTH ||
		(price->devices_per_instance != (Datum) 0 && NumericCompare(price->devices_per_instance, NumericFromInteger(0)) > 0);

	switch (tiers->model)
	{
		case MODEL_LIST:
			allowed &= price->factor != (Datum) 0 && price->account != 0;
			break;
		case MODEL_PACKAGE:
			allowed &= tiers->price != (Datum) 0 && bounds->package_size > 0;
			break;
		case MODEL_FLAT:
			allowed &= tiers->price != (Datum) 0;
			break;
		case MODEL_GRADUATED:
		case MODEL_VOLUME:
			allowed &= nprices == bounds->nbounds + 1 && (tiers->fees == NULL || nfees == nprices);
			break;
	}
	if (!allowed || (tiers->fees != NULL && nfees != nprices))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("price %lld is not one that table \"price\" allows", (long long) price->id),
				 errhint("Give the table its constraints back, and close the price.")));
}

/* Reads the tiers of a price; its scale is known. */
static void
read_tiers(Rating *rating, int row, RatedPrice *price)
{
	PriceTiers *tiers = &price->tiers;
	IntegerTierBounds *bounds = &price->bounds;
	Datum		scale = price->scale_numeric;
	Datum	   *numbers;
	int			nprices = 0;
	int			nfees = 0;

	tiers->model = PriceModelFromText(column(row, 5));
	if (!column_is_null(row, 11))
		tiers->price = tiers->model == MODEL_PACKAGE ? NumericMultiply(column(row, 11), scale) : datumCopy(column(row, 11), false, -1);
	if (!column_is_null(row, 12))
	{
		numbers = read_numbers(rating, column(row, 12), &bounds->nbounds);
		bounds->bounds = palloc((bounds->nbounds + 1) * sizeof(int128));
		for (int i = 0; i < bounds->nbounds; i++)
			bounds->bounds[i] = scaled(numbers[i], scale);
	}
	if (!column_is_null(row, 13))
		tiers->prices = read_numbers(rating, column(row, 13), &nprices);
	if (!column_is_null(row, 14))
	{
		price->fees = read_numbers(rating, column(row, 14), &nfees);
		tiers->fees = palloc((nfees + 1) * sizeof(Datum));
		for (int i = 0; i < nfees; i++)
			tiers->fees[i] = NumericMultiply(price->fees[i], scale);
	}
	if (!column_is_null(row, 15))
		bounds->package_size = scaled(column(row, 15), scale);
	bounds->free = scaled(column(row, 16), scale);
	check_price(price, nprices, nfees);
}

/* Reads the prices that win. */
static void
read_prices(Rating *rating, Datum ids)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("id", INT8OID), ROW_COLUMN("account", INT8OID), ROW_COLUMN("pool_number", INT8OID),
		ROW_COLUMN("unit", TEXTOID), ROW_COLUMN("model", TEXTOID), ROW_COLUMN("currency", TEXTOID),
		ROW_COLUMN("digits", INT4OID), ROW_COLUMN("committed", BOOLOID), ROW_COLUMN_OWN("work", "compute_unit"),
		ROW_COLUMN("devices_per_instance", NUMERICOID),
		ROW_COLUMN("price", NUMERICOID), ROW_COLUMN("tier_bounds", NUMERICARRAYOID),
		ROW_COLUMN("tier_prices", NUMERICARRAYOID), ROW_COLUMN("tier_fees", NUMERICARRAYOID),
		ROW_COLUMN("package_size", NUMERICOID), ROW_COLUMN("free", NUMERICOID), ROW_COLUMN("factor", NUMERICOID)
	};
	Oid			types[] = {INT8ARRAYOID};
	MemoryContext previous;

	RunRatingQuery("SELECT id, account, pool_number, unit, model, currency, digits, committed, work, devices_per_instance,"
				   " price, tier_bounds, tier_prices, tier_fees, package_size, free, factor"
				   " FROM compute_ledger._rating_prices($1) ORDER BY id",
				   1, types, &ids, NULL, NULL);
	CheckColumns("_rating_prices()", columns);
	rating->prices = make_rows(rating, &rating->nprices, sizeof(RatedPrice));
	previous = MemoryContextSwitchTo(rating->context);
	for (int i = 0; i < rating->nprices; i++)
	{
		RatedPrice *price = &rating->prices[i];

		price->id = DatumGetInt64(column(i, 1));
		price->account = column_is_null(i, 2) ? 0 : DatumGetInt64(column(i, 2));
		price->pool = (int) DatumGetInt64(column(i, 3));
		price->unit_name = RatingName(rating, column(i, 4));
		price->currency = RatingName(rating, column(i, 6));
		price->digits = DatumGetInt32(column(i, 7));
		price->committed = DatumGetBool(column(i, 8));
		SetRated(0, price->id);
		read_unit(price, column(i, 4), column_is_null(i, 9) ? NULL : DatumGetQuantityP(column(i, 9)));
		if (!column_is_null(i, 10))
			price->devices_per_instance = datumCopy(column(i, 10), false, -1);
		if (!column_is_null(i, 17))
			price->factor = datumCopy(column(i, 17), false, -1);
		read_tiers(rating, i, price);
	}
	MemoryContextSwitchTo(previous);
	SPI_freetuptable(SPI_tuptable);
}

/* Orders ids. */
static int
compare_ids(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

/* Returns an array of the different ids of prices that winners name. */
static Datum
different_ids(const int64 *ids, int64 count)
{
	int64	   *sorted = palloc_extended((count + 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	Datum	   *values = palloc_extended((count + 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	int			n = 0;

	memcpy(sorted, ids, count * sizeof(int64));
	qsort(sorted, count, sizeof(int64), compare_ids);
	for (int64 i = 0; i < count; i++)
	{
		if (sorted[i] != 0 && (n == 0 || sorted[i] != DatumGetInt64(values[n - 1])))
			values[n++] = Int64GetDatum(sorted[i]);
	}
	return PointerGetDatum(construct_array(values, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Finds a price by its id; -1 for none. */
static int
find_price(const Rating *rating, int64 id)
{
	int			low = 0;
	int			high = rating->nprices - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (rating->prices[middle].id == id)
			return middle;
		if (rating->prices[middle].id < id)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return -1;
}

/* Returns an array of what the combinations have of one thing. */
static Datum
make_array(Datum *values, bool *nulls, int count, Oid type)
{
	int16		length;
	bool		by_value;
	char		align;
	int			lower = 1;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_md_array(values, nulls, 1, &count, &lower, type, length, by_value, align));
}

/* A combination and a currency that its usage is billed in. */
typedef struct Asked
{
	int			combination;
	int			currency;
} Asked;

/* Lists combinations by the currencies in which the payers of their accounts are billed. */
static Asked *
list_asked(Rating *rating, int *count)
{
	int64		room = 0;
	int64		n = 0;
	Asked	   *asked = NULL;

	for (int i = 0; i < rating->ncombinations; i++)
	{
		int64		account = rating->combinations[i].kind.account;
		int64		first = n;

		CHECK_FOR_INTERRUPTS();
		for (int p = FirstPlace(rating, account); p < rating->nplaces && rating->places[p].account == account; p++)
		{
			int			currency = rating->places[p].currency;
			int64		known = first;

			while (known < n && asked[known].currency != currency)
				known++;
			if (known < n)
				continue;
			RatingReserve(rating, asked, n, room);
			asked[n].combination = i;
			asked[n++].currency = currency;
		}
	}
	if (n > PG_INT32_MAX / 2)
		elog(ERROR, "too many combinations of usage");
	*count = (int) n;
	return asked;
}

/* Asks for the winners of combinations; SPI_tuptable has them. */
static void
run_winners_query(Rating *rating, const Asked *asked, int n)
{
	const RatingScope *scope = &rating->scope;
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, INT8ARRAYOID, get_array_type(rating->accelerator_type),
	INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {scope->book, scope->as_of, 0, 0, 0, 0, 0, 0,
	TimestampTzGetDatum(scope->from), TimestampTzGetDatum(scope->to)};
	Datum	   *column_values[6];
	bool	   *nulls = palloc0(Max(1, n) * sizeof(bool));
	bool	   *no_format = palloc0(Max(1, n) * sizeof(bool));

	for (int c = 0; c < 6; c++)
		column_values[c] = palloc(Max(1, n) * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		const UsageKind *kind = &rating->combinations[asked[i].combination].kind;

		column_values[0][i] = Int64GetDatum(kind->account);
		column_values[1][i] = AcceleratorPGetDatum(&kind->accelerator);
		column_values[2][i] = Int32GetDatum(kind->region);
		no_format[i] = kind->number_format < 0;
		column_values[3][i] = no_format[i] ? (Datum) 0 : rating->names[kind->number_format];
		column_values[4][i] = rating->names[kind->measure];
		column_values[5][i] = rating->names[asked[i].currency];
	}
	values[2] = make_array(column_values[0], nulls, n, INT8OID);
	values[3] = make_array(column_values[1], nulls, n, rating->accelerator_type);
	values[4] = make_array(column_values[2], nulls, n, INT4OID);
	values[5] = make_array(column_values[3], no_format, n, TEXTOID);
	values[6] = make_array(column_values[4], nulls, n, TEXTOID);
	values[7] = make_array(column_values[5], nulls, n, TEXTOID);
	RunRatingQuery("SELECT combination, coalesce(pg_catalog.lower(valid), '-infinity') AS starts,"
				   " coalesce(pg_catalog.upper(valid), 'infinity') AS ends, price, list_price"
				   " FROM compute_ledger._winning_prices($1, $2, $3, $4, $5, $6, $7, $8,"
				   " pg_catalog.tstzrange($9, $10))",
				   lengthof(types), types, values, NULL, NULL);
}

/* Reads which prices win for the combinations, and when. */
void
ReadWinners(Rating *rating)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("combination", INT8OID), ROW_COLUMN("starts", TIMESTAMPTZOID), ROW_COLUMN("ends", TIMESTAMPTZOID),
		ROW_COLUMN("price", INT8OID), ROW_COLUMN("list_price", INT8OID)
	};
	int			nasked;
	Asked	   *asked = list_asked(rating, &nasked);
	int64	   *ids;			/* of the price and the list price of every winner; 0: none */

	run_winners_query(rating, asked, nasked);
	CheckColumns("_winning_prices()", columns);
	rating->winners = make_rows(rating, &rating->nwinners, sizeof(Winner));
	ids = MemoryContextAllocHuge(rating->context, Max(1, 2 * (Size) rating->nwinners) * sizeof(int64));
	for (int i = 0; i < rating->nwinners; i++)
	{
		Winner	   *winner = &rating->winners[i];
		int64		number = DatumGetInt64(column(i, 1));
		const Asked *of;

		if (number < 1 || number > nasked)
			elog(ERROR, "a price wins for what was not asked for");
		of = &asked[number - 1];
		ids[2 * i] = column_is_null(i, 4) ? 0 : DatumGetInt64(column(i, 4));
		ids[2 * i + 1] = column_is_null(i, 5) ? 0 : DatumGetInt64(column(i, 5));
		winner->combination = of->combination;
		winner->currency = of->currency;
		winner->from = DatumGetTimestampTz(column(i, 2));
		winner->to = DatumGetTimestampTz(column(i, 3));
	}
	SPI_freetuptable(SPI_tuptable);

	read_prices(rating, different_ids(ids, 2 * (int64) rating->nwinners));
	for (int i = 0; i < rating->nwinners; i++)
	{
		rating->winners[i].price = find_price(rating, ids[2 * i]);
		rating->winners[i].list_price = find_price(rating, ids[2 * i + 1]);
	}
	qsort(rating->winners, rating->nwinners, sizeof(Winner), compare_winners);
	pfree(ids);
	if (asked != NULL)
		pfree(asked);
}

/* Reads who is billed, and when. */
void
ReadBilling(Rating *rating)
{
	read_places(rating);
	read_bills(rating);
	read_days(rating);
	read_sites(rating);
}
