/*
 * pool_prices.c
 *		What devices of chips in regions cost, and what they do, kept from one request to the next.
 *
 * A price list, the trees that it hangs on and the figures of chips hardly ever change, and very many requests ask the same
 * of them.  Prices are found for whole months or so, for those who ask next, and cut to what is asked.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/kept_rows.h"
#include "base/row_columns.h"
#include "base/value.h"
#include "capacity/pool_set.h"
#include "placement/pool_prices.h"
#include "profile/profile_period.h"
#include "quantity/quantity.h"

/* 2000 to 3000, in which periods are made wider. */
#define WIDE_FROM	INT64CONST(0)
#define WIDE_TO		(INT64CONST(365243) * USECS_PER_DAY)
#define WIDE_STEP	(30 * USECS_PER_DAY)

static KeptRows found_prices = {
	.query = "SELECT p.* FROM compute_ledger._find_prices($1, $2, $3, $4, $5, $6) AS p",
	.tables = {
		"price", "price_key", "price_book", "currency", "account_version", "account_merge", "region_version",
		"accelerator_model", "accelerator_peak"
	},
	.most = 16,
};

static KeptRows reserved_prices = {
	.query = "SELECT pg_catalog.range_agg(p.valid OPERATOR(pg_catalog.*) $1) AS priced FROM compute_ledger.price_key AS k"
	" JOIN compute_ledger.price AS p ON p.key OPERATOR(pg_catalog.=) k.id WHERE k.book OPERATOR(pg_catalog.=) 'sale'"
	" AND k.measure OPERATOR(pg_catalog.=) 'reserved' AND pg_catalog.upper_inf(p.recorded) AND p.valid OPERATOR(pg_catalog.&&) $1",
	.tables = {"price", "price_key"},
	.most = 16,
};

/* In which currency an account is billed, and when. */
static KeptRows billed_times = {
	.query = "SELECT t.* FROM compute_ledger._billed_times($1, $2) AS t",
	.tables = {"account_version", "account_merge"},
	.most = 256,
};

/* For a number format, of which the time does not matter. */
static KeptRows rates = {
	.query = "SELECT compute_ledger.normalized_rate($1, $2) AS rate",
	.tables = {"accelerator_model", "accelerator_peak"},
	.most = 256,
};

static const RowColumn reserved_columns[] = {ROW_COLUMN("priced", TSTZMULTIRANGEOID)};
static const RowColumn billed_columns[] = {ROW_COLUMN("currency", TEXTOID), ROW_COLUMN("times", TSTZMULTIRANGEOID)};
static const RowColumn rate_columns[] = {ROW_COLUMN_OWN("rate", "compute_rate")};

enum
{
	PRICE_PLACE,
	PRICE_VALID,
	PRICE_PRICE,
	PRICE_LIST_PRICE,
	PRICE_HOURLY,
	PRICE_UNIT,
	PRICE_COLUMNS
};

static const RowColumn price_columns[PRICE_COLUMNS] = {
	ROW_COLUMN("place", INT8OID), ROW_COLUMN("valid", TSTZRANGEOID), ROW_COLUMN("price", INT8OID), ROW_COLUMN("list_price", INT8OID),
	ROW_COLUMN("hourly", NUMERICOID), ROW_COLUMN("unit", TEXTOID)
};

/* Returns the months or so that a period is in. */
static Stretch
widen(Stretch period)
{
	if (period.from < WIDE_FROM || period.to > WIDE_TO)
		return period;
	return (Stretch) {period.from / WIDE_STEP * WIDE_STEP, period.to / WIDE_STEP * WIDE_STEP + WIDE_STEP};
}

/* Returns the currency in which an account is billed at an instant, in the current memory context; 0: none. */
Datum
BilledCurrency(int64 account, TimestampTz at)
{
	Stretch		wide = widen((Stretch) {at, at + 1});
	Oid			types[] = {INT8OID, TSTZRANGEOID};
	Datum		values[] = {Int64GetDatum(account), ProfileMakeRange(wide.from, wide.to)};
	bool		no_nulls[lengthof(types)] = {false};
	const KeptAnswer *answer = KeptRowsAsk(&billed_times, lengthof(types), types, values, no_nulls);

	RowColumnsCheck(answer->desc, "_billed_times()", billed_columns, lengthof(billed_columns));
	for (uint64 i = 0; i < answer->nrows; i++)
	{
		Datum		row[lengthof(billed_columns)];
		bool		nulls[lengthof(billed_columns)];
		Stretch    *times;
		int			count;

		heap_deform_tuple(answer->rows[i], answer->desc, row, nulls);
		count = nulls[0] || nulls[1] ? 0 : StretchesOf(row[1], &times);
		for (int n = 0; n < count; n++)
			if (times[n].from <= at && at < times[n].to)
				return ValueCopy(row[0], TEXTOID);
	}
	return (Datum) 0;
}

/* Whether the book has a price for what is reserved in a period. */
static bool
is_reserved_priced(Stretch period)
{
	Stretch		wide = widen(period);
	Oid			types[] = {TSTZRANGEOID};
	Datum		values[] = {ProfileMakeRange(wide.from, wide.to)};
	bool		no_null[] = {false};
	const KeptAnswer *answer = KeptRowsAsk(&reserved_prices, 1, types, values, no_null);
	Stretch    *stretches;
	bool		isnull;
	bool		found = false;
	Datum		priced;
	int			count;

	RowColumnsCheck(answer->desc, "prices of what is reserved", reserved_columns, 1);
	priced = heap_getattr(answer->rows[0], 1, answer->desc, &isnull);
	if (isnull)
		return false;
	count = StretchesOf(priced, &stretches);
	for (int i = 0; i < count && !found; i++)
		found = stretches[i].from < period.to && period.from < stretches[i].to;
	return found;
}

/* Returns what a reservation is billed by: measure reserved if the book has a price for it, else allocated. */
static Datum
measure_of(bool preemptible, Stretch period)
{
	return CStringGetTextDatum(preemptible ? "preemptible" : is_reserved_priced(period) ? "reserved" : "allocated");
}

/* Adds a price to those of a chip in a region, as far as it is in a period. */
static void
add_price(PoolPrices *of, HeapTuple row, TupleDesc desc, Stretch period, Datum whole)
{
	Datum		values[PRICE_COLUMNS];
	bool		nulls[PRICE_COLUMNS];
	PoolPrice	price = {0};

	heap_deform_tuple(row, desc, values, nulls);
	if (nulls[PRICE_VALID] || !ProfileWindow(values[PRICE_VALID], &price.valid.from, &price.valid.to))
		return;
	price.valid = (Stretch) {Max(price.valid.from, period.from), Min(price.valid.to, period.to)};
	if (price.valid.from >= price.valid.to)
		return;
	price.range = price.valid.from == period.from && price.valid.to == period.to ? whole : ProfileMakeRange(price.valid.from, price.valid.to);
	price.price = nulls[PRICE_PRICE] ? (Datum) 0 : values[PRICE_PRICE];
	price.list_price = nulls[PRICE_LIST_PRICE] ? (Datum) 0 : values[PRICE_LIST_PRICE];
	price.hourly = nulls[PRICE_HOURLY] ? (Datum) 0 : values[PRICE_HOURLY];
	price.unit = nulls[PRICE_UNIT] ? (Datum) 0 : values[PRICE_UNIT];
	/* there are few, but of spot markets */
	if ((of->count & (of->count - 1)) == 0)
		of->prices = of->count == 0 ? palloc(sizeof(PoolPrice)) : repalloc_huge(of->prices, 2 * of->count * sizeof(PoolPrice));
	of->prices[of->count++] = price;
}

/*
 * Returns which prices win for what an account reserves of each chip in its region in a period, in the order of the arrays;
 * good until it is called again.
 */
PoolPrices *
PoolPricesFind(int64 account, Datum currency, bool preemptible, const ChipRegions *asked, Stretch period)
{
	Stretch		wide = widen(period);
	Oid			types[] = {INT8OID, TEXTOID, TEXTOID, asked->chips_type, INT4ARRAYOID, TSTZRANGEOID};
	Datum		values[] = {
		Int64GetDatum(account), currency, measure_of(preemptible, period), asked->chips, asked->regions, ProfileMakeRange(wide.from, wide.to)
	};
	bool		nulls[lengthof(types)] = {false};
	const KeptAnswer *answer = KeptRowsAsk(&found_prices, lengthof(types), types, values, nulls);
	PoolPrices *prices = palloc0((asked->count + 1) * sizeof(PoolPrices));
	Datum		whole = ProfileMakeRange(period.from, period.to);

	RowColumnsCheck(answer->desc, "prices of pools", price_columns, PRICE_COLUMNS);
	for (uint64 i = 0; i < answer->nrows; i++)
	{
		bool		isnull;
		int64		place = DatumGetInt64(heap_getattr(answer->rows[i], PRICE_PLACE + 1, answer->desc, &isnull));

		if (isnull || place < 1 || place > asked->count)
			elog(ERROR, "a price of a place that was not asked about");
		add_price(&prices[place - 1], answer->rows[i], answer->desc, period, whole);
	}
	return prices;
}

/* Returns what a device of a chip does in a registered basis at an instant. */
static Datum
rate_in_registered(Datum chip, Oid chip_type, Datum basis, TimestampTz at)
{
	static SPIPlanPtr plan = NULL;
	static Oid	planned_type = InvalidOid;
	Oid			types[] = {chip_type, TEXTOID, TIMESTAMPTZOID};
	Datum		values[] = {chip, basis, TimestampTzGetDatum(at)};
	Quantity   *copy = palloc(sizeof(Quantity));
	bool		isnull;
	Datum		rate;

	if (planned_type != chip_type)
	{
		/* the extension was made anew since */
		plan = NULL;
		planned_type = chip_type;
	}
	SPI_connect();
	RunBookPlan(&plan, "SELECT compute_ledger.normalized_rate($1, $2, $3) AS rate", lengthof(types), types, values, NULL, true, SPI_OK_SELECT);
	RowColumnsCheck(SPI_tuptable->tupdesc, "rates of pools", rate_columns, 1);
	rate = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		memcpy(copy, DatumGetPointer(rate), sizeof(Quantity));
	SPI_finish();
	return isnull ? (Datum) 0 : QuantityPGetDatum(copy);
}

/* Returns what a device of a chip does in a basis at an instant, in the current memory context; 0: it is not known. */
Datum
PoolRate(Datum chip, Oid chip_type, Datum basis, TimestampTz at)
{
	const char *name = VARDATA_ANY(DatumGetPointer(basis));
	size_t		length = VARSIZE_ANY_EXHDR(DatumGetPointer(basis));
	uint16		code;
	Oid			types[] = {chip_type, TEXTOID};
	Datum		values[] = {chip, basis};
	bool		nulls[lengthof(types)] = {false};
	Quantity   *copy = palloc(sizeof(Quantity));
	const KeptAnswer *answer;
	bool		isnull;
	Datum		rate;

	/* a number format is the same at any time */
	if (!BasisFromName(name, length, &code) || code > BASIS_LAST_BUILTIN)
		return rate_in_registered(chip, chip_type, basis, at);
	answer = KeptRowsAsk(&rates, lengthof(types), types, values, nulls);
	RowColumnsCheck(answer->desc, "rates of pools", rate_columns, 1);
	rate = heap_getattr(answer->rows[0], 1, answer->desc, &isnull);
	return isnull ? (Datum) 0 : QuantityPGetDatum(memcpy(copy, DatumGetPointer(rate), sizeof(Quantity)));
}
