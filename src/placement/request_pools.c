/*
 * request_pools.c
 *		Which pools a request may run in, as far as can be said without looking at what is booked.
 *
 * What is asked of each chip in a region, prices, policy, links and rates, is asked once for all pools of it.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "accelerator/accelerator.h"
#include "base/key_table.h"
#include "base/numeric_arith.h"
#include "base/value.h"
#include "booking/policy_lock.h"
#include "capacity/pool_set.h"
#include "placement/composite.h"
#include "placement/cost_offers.h"
#include "placement/placement_slot.h"
#include "placement/pool_prices.h"
#include "profile/profile_period.h"

/* ---- the request ---- */

enum
{
	REQUEST_ACCELERATORS,
	REQUEST_SITES,
	REQUEST_DATA_GB,
	REQUEST_RESULTS_GB,
	REQUEST_PREEMPTIBLE,
	REQUEST_REQUIRED,
	REQUEST_DEVICES = REQUEST_REQUIRED,
	REQUEST_BASIS,
	REQUEST_NOT_BEFORE,
	REQUEST_REGIONS,
	REQUEST_DATA_REGION,
	REQUEST_RESULTS_REGION,
	REQUEST_MAX_LATENCY,
	REQUEST_CEILING,
	REQUEST_COLUMNS
};

static const RowColumn request_columns[REQUEST_COLUMNS] = {
	ROW_COLUMN_OWN("accelerators", "_accelerator"), ROW_COLUMN("sites", INT4OID), ROW_COLUMN("data_gb", NUMERICOID), ROW_COLUMN("results_gb", NUMERICOID),
	ROW_COLUMN("preemptible", BOOLOID), ROW_COLUMN("devices", INT8OID), ROW_COLUMN("basis", TEXTOID), ROW_COLUMN("not_before", TIMESTAMPTZOID),
	ROW_COLUMN("regions", TEXTARRAYOID), ROW_COLUMN("data_region", TEXTOID), ROW_COLUMN("results_region", TEXTOID), ROW_COLUMN("max_latency", INTERVALOID),
	ROW_COLUMN("ceiling", NUMERICOID)
};

/* What is asked, and what is known of it. */
typedef struct Meeting
{
	int64		account;
	TimestampTz at;
	TimestampTz base;			/* at, or the earliest start */
	Composites	request;
	Oid			chip_type;
	Oid			chips_type;
	Accelerator *classes;
	int			nclasses;
	Datum		currency;		/* 0: none */
	Datum		basis;			/* asked for, or bf16 */
	bool		has_data;
	bool		has_results;
	bool		has_latency;
	bool		preemptible;
	RangeType  *period;
	TypeCacheEntry *multiranges;
} Meeting;

#define Request(meeting, column)	CompositeValue(&(meeting)->request, 0, column)
#define RequestIsNull(meeting, column)	CompositeIsNull(&(meeting)->request, 0, column)

/* A chip in a region. */
typedef struct ChipRegion
{
	Accelerator chip;
	int32		region;
	PoolPrices	prices;
	Datum		arrays[4];		/* priced, prices, list_prices and hourly */
	Datum		lowest;			/* of a device-hour; 0: there is no price */
	Datum		highest;
	const PoolPrice *untold;	/* one by what an offer does not tell */
	Stretch    *affordable;
	int			naffordable;
	Stretch    *stands;			/* when policy is against it */
	int			nstands;
	Datum		clause;
	Datum		rate;			/* in the basis; 0: none */
	Datum		name;			/* of the region, where it is told */
	bool		within;			/* data lie in it */
	Datum		in_price;		/* of a GB; 0: not known, as of the rest */
	Datum		in_currency;
	Datum		gbps;
	Datum		latency;
	Datum		out_price;
	Datum		out_currency;
	TimestampTz ready;			/* when data are there */
} ChipRegion;

/* A pool. */
typedef struct Pool
{
	int64		id;
	Accelerator chip;
	int32		region;
	int32		granule;
	int32		slot_minutes;
	Datum		link_class;
	Datum		hold;
	int64		host;			/* 0: none */
	bool		guest;
	Datum		floor;			/* 0: none */
	TimestampTz until;
	const char *reason;
	ChipRegion *of;				/* NULL: it is out */
} Pool;

/* ---- the pools ---- */

enum
{
	POOL_ID,
	POOL_REGION,
	POOL_ACCELERATOR,
	POOL_GRANULE,
	POOL_SLOT_MINUTES,
	POOL_HORIZON,
	POOL_HOLD,
	POOL_HOST,
	POOL_LINK_CLASS,
	POOL_FLOOR_PRICE,
	POOL_FLOOR_CURRENCY,
	POOL_PREEMPT_NOTICE,
	POOL_DOUBTED,
	POOL_COLUMNS
};

static const RowColumn pool_columns[POOL_COLUMNS] = {
	ROW_COLUMN("id", INT8OID), ROW_COLUMN("region", INT4OID), ROW_COLUMN_OWN("accelerator", "accelerator"), ROW_COLUMN("granule", INT4OID),
	ROW_COLUMN("slot_minutes", INT4OID), ROW_COLUMN("horizon", INTERVALOID), ROW_COLUMN("hold", INTERVALOID), ROW_COLUMN("host", INT8OID),
	ROW_COLUMN("link_class", TEXTOID), ROW_COLUMN("floor_price", NUMERICOID), ROW_COLUMN("floor_currency", TEXTOID),
	ROW_COLUMN("preempt_notice", INTERVALOID), ROW_COLUMN("doubted", TIMESTAMPTZOID)
};

/* Whether a chip is within a class that was asked for: slices only of slices; is_of: also of whole devices. */
static bool
is_within(const Meeting *meeting, const Accelerator *chip, bool or_slices)
{
	AcceleratorParts parts;
	bool		is_slice;

	AcceleratorUnpack(chip, &parts);
	is_slice = parts.mig_slices != 0;
	for (int i = 0; i < meeting->nclasses; i++)
	{
		if (!AcceleratorContains(&meeting->classes[i], chip))
			continue;
		AcceleratorUnpack(&meeting->classes[i], &parts);
		if (or_slices || (parts.mig_slices != 0) == is_slice)
			return true;
	}
	return false;
}

/* Reads a row of a pool; false: it is of other chips than were asked for, and these are not wanted. */
static bool
read_pool(const Meeting *meeting, const KeyTable *table, HeapTuple row, bool brief, Pool *pool)
{
	Datum		values[POOL_COLUMNS];
	bool		nulls[POOL_COLUMNS];
	int64		slot;

	for (int column = 0; column < POOL_COLUMNS; column++)
	{
		if (column == POOL_GRANULE && brief && !is_within(meeting, DatumGetAcceleratorP(values[POOL_ACCELERATOR]), true))
			return false;
		values[column] = KeyTableValue(table, row, column, &nulls[column]);
		if (nulls[column] && column < POOL_HOST)
			RowNullError("pool", pool_columns[column].name);
	}
	*pool = (Pool) {
		.id = DatumGetInt64(values[POOL_ID]),
		.chip = *DatumGetAcceleratorP(values[POOL_ACCELERATOR]),
		.region = DatumGetInt32(values[POOL_REGION]),
		.granule = DatumGetInt32(values[POOL_GRANULE]),
		.slot_minutes = DatumGetInt32(values[POOL_SLOT_MINUTES]),
		.link_class = nulls[POOL_LINK_CLASS] ? CStringGetTextDatum("") : ValueCopy(values[POOL_LINK_CLASS], TEXTOID),
		.hold = ValueCopy(values[POOL_HOLD], INTERVALOID),
		.host = nulls[POOL_HOST] ? 0 : DatumGetInt64(values[POOL_HOST]),
	};
	if (pool->granule <= 0 || pool->slot_minutes <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("terms of pool %lld are none", (long long) pool->id)));
	slot = pool->slot_minutes * USECS_PER_MINUTE;
	pool->until = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(meeting->at), values[POOL_HORIZON]));
	pool->until -= (pool->until % slot + slot) % slot;
	if (meeting->preemptible && meeting->currency != (Datum) 0 && !nulls[POOL_FLOOR_PRICE] && !nulls[POOL_FLOOR_CURRENCY] &&
		strcmp(TextDatumGetCString(values[POOL_FLOOR_CURRENCY]), TextDatumGetCString(meeting->currency)) == 0)
		pool->floor = ValueCopy(values[POOL_FLOOR_PRICE], NUMERICOID);
	if (!is_within(meeting, &pool->chip, false))
		pool->reason = "is not of an accelerator that was asked for";
	else if (!nulls[POOL_DOUBTED])
		pool->reason = "what it offers is in doubt";
	else if (meeting->preemptible && nulls[POOL_PREEMPT_NOTICE])
		pool->reason = "gives no idle capacity away";
	return true;
}

/* Orders pools by their numbers. */
static int
order_by_number(const void *a, const void *b)
{
	int64		first = ((const Pool *) a)->id;
	int64		second = ((const Pool *) b)->id;

	return (first > second) - (first < second);
}

/* Reads pools: some (these), those of the chips that were asked for (brief), or all. */
static int
collect_pools(const Meeting *meeting, ArrayType *these, bool brief, Pool **pools)
{
	KeyTable	table;
	int			count = 0;
	int			room = 64;
	Datum	   *numbers = NULL;
	bool	   *nulls = NULL;
	int			nnumbers = 1;

	if (these != NULL)
		deconstruct_array(these, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &numbers, &nulls, &nnumbers);
	*pools = palloc(room * sizeof(Pool));
	KeyTableOpen(&table, "pool", pool_columns, POOL_COLUMNS, these != NULL);
	for (int i = 0; i < nnumbers; i++)
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	row;

		if (these != NULL && nulls[i])
			continue;
		if (these != NULL)
			KeyTableKey(&table, &key, POOL_ID, BTEqualStrategyNumber, F_INT8EQ, numbers[i]);
		scan = KeyTableScan(&table, &key, these != NULL);
		while ((row = systable_getnext(scan)) != NULL)
		{
			if (count == room)
				*pools = repalloc_huge(*pools, (room *= 2) * sizeof(Pool));
			count += read_pool(meeting, &table, row, brief, &(*pools)[count]);
		}
		systable_endscan(scan);
	}
	KeyTableClose(&table);
	nnumbers = count;
	qsort(*pools, nnumbers, sizeof(Pool), order_by_number);
	count = 0;
	for (int i = 0; i < nnumbers; i++)
		if (count == 0 || (*pools)[count - 1].id != (*pools)[i].id)
			(*pools)[count++] = (*pools)[i];
	return count;
}

/* ---- questions in SQL ---- */

/* Asks a question of one row and one column, called answer. */
static HeapTuple
ask_row(SPIPlanPtr *plan, const char *query, Oid answer, int nargs, Oid *types, Datum *values)
{
	RowColumn	column = ROW_COLUMN("answer", answer);

	RunBookPlan(plan, query, nargs, types, values, NULL, true, SPI_OK_SELECT);
	RowColumnsCheck(SPI_tuptable->tupdesc, "an answer", &column, 1);
	return SPI_processed > 0 ? SPI_tuptable->vals[0] : NULL;
}

/* Says who is a guest in which pools. */
static void
find_guests(const Meeting *meeting, Pool *pools, int count)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, INT8OID, TIMESTAMPTZOID};

	for (int i = 0; i < count; i++)
	{
		Datum		arguments[] = {Int64GetDatum(meeting->account), Int64GetDatum(pools[i].host), TimestampTzGetDatum(meeting->base)};
		int			before = 0;
		bool		isnull;

		if (pools[i].host == 0)
			continue;
		while (before < i && pools[before].host != pools[i].host)
			before++;
		if (before < i)
			pools[i].guest = pools[before].guest;
		else
		{
			HeapTuple	row = ask_row(&plan, "SELECT compute_ledger._is_guest($1, $2, $3) AS answer", BOOLOID, 3, types, arguments);

			pools[i].guest = DatumGetBool(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		}
	}
}

/* Leaves out pools in regions that were not asked for. */
static void
leave_out_regions(const Meeting *meeting, Pool *pools, int count)
{
	static SPIPlanPtr plan = NULL;
	static const RowColumn region_column = ROW_COLUMN("region", INT4OID);
	Oid			types[] = {TEXTARRAYOID, TIMESTAMPTZOID};
	Datum		arguments[] = {Request(meeting, REQUEST_REGIONS), TimestampTzGetDatum(meeting->base)};
	int32	   *within;
	uint64		n;

	if (RequestIsNull(meeting, REQUEST_REGIONS))
		return;
	RunBookPlan(&plan, "SELECT DISTINCT w.region FROM compute_ledger._region_ways(ARRAY(SELECT DISTINCT o.region FROM compute_ledger.pool AS o), $2) AS w"
				" WHERE w.above OPERATOR(pg_catalog.=) ANY (compute_ledger._region_numbers($1))", 2, types, arguments, NULL, true, SPI_OK_SELECT);
	RowColumnsCheck(SPI_tuptable->tupdesc, "_region_ways()", &region_column, 1);
	n = SPI_processed;
	within = palloc((n + 1) * sizeof(int32));
	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;

		within[i] = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	}
	for (int i = 0; i < count; i++)
	{
		bool		is_in = false;

		for (uint64 w = 0; w < n && !is_in; w++)
			is_in = within[w] == pools[i].region;
		if (!is_in && is_within(meeting, &pools[i].chip, false))
			pools[i].reason = "is not in a region that was asked for";
	}
}

/* ---- chips in regions ---- */

/* Orders pools by chip and region. */
static int
order_by_chip(const void *a, const void *b)
{
	const Pool *first = *(Pool *const *) a;
	const Pool *second = *(Pool *const *) b;
	int			order = memcmp(&first->chip, &second->chip, sizeof(Accelerator));

	return order != 0 ? order : (first->region > second->region) - (first->region < second->region);
}

/* Lists the chips and regions of pools that are not out, and the latest instant of these; returns how many. */
static int
list_chips(Pool *pools, int count, ChipRegion **chips, TimestampTz *until)
{
	Pool	  **ordered = palloc((count + 1) * sizeof(Pool *));
	int			nordered = 0;
	int			nchips = 0;

	for (int i = 0; i < count; i++)
	{
		if (pools[i].reason != NULL)
			continue;
		ordered[nordered++] = &pools[i];
		*until = Max(*until, pools[i].until);
	}
	if (nordered > 0)
		qsort(ordered, nordered, sizeof(Pool *), order_by_chip);
	*chips = palloc0((nordered + 1) * sizeof(ChipRegion));
	for (int i = 0; i < nordered; i++)
	{
		if (i == 0 || order_by_chip(&ordered[i - 1], &ordered[i]) != 0)
		{
			(*chips)[nchips].chip = ordered[i]->chip;
			(*chips)[nchips++].region = ordered[i]->region;
		}
		ordered[i]->of = &(*chips)[nchips - 1];
	}
	return nchips;
}

/* Makes arrays of chips and regions. */
static ChipRegions
arrays_of(const Meeting *meeting, ChipRegion *chips, int count)
{
	Datum	   *values = palloc((count + 1) * sizeof(Datum));
	ChipRegions arrays = {.count = count, .chips_type = meeting->chips_type};

	for (int i = 0; i < count; i++)
		values[i] = AcceleratorPGetDatum(&chips[i].chip);
	arrays.chips = PointerGetDatum(construct_array(values, count, meeting->chip_type, sizeof(Accelerator), false, TYPALIGN_CHAR));
	for (int i = 0; i < count; i++)
		values[i] = Int32GetDatum(chips[i].region);
	arrays.regions = PointerGetDatum(construct_array(values, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	return arrays;
}

/* Adds a stretch to others in the order of time. */
static int
add_stretch(Stretch *stretches, int count, Stretch stretch)
{
	if (count > 0 && stretches[count - 1].to >= stretch.from)
		stretches[count - 1].to = Max(stretches[count - 1].to, stretch.to);
	else
		stretches[count++] = stretch;
	return count;
}

/* Takes one stretch out of others; into has room for one more. */
static int
take_out(const Stretch *from, int count, Stretch taken, Stretch *into)
{
	int			left = 0;

	for (int i = 0; i < count; i++)
	{
		if (from[i].from < Min(from[i].to, taken.from))
			into[left++] = (Stretch) {from[i].from, Min(from[i].to, taken.from)};
		if (Max(from[i].from, taken.to) < from[i].to)
			into[left++] = (Stretch) {Max(from[i].from, taken.to), from[i].to};
	}
	return left;
}

/* Makes an array of one value of each price. */
static Datum
array_of_prices(const PoolPrices *prices, size_t offset, Oid type)
{
	int			count = prices->count;
	Datum	   *values = palloc(count * sizeof(Datum));
	bool	   *nulls = palloc(count * sizeof(bool));
	int			bounds[] = {1};
	int16		size;
	bool		by_value;
	char		align;

	for (int i = 0; i < count; i++)
	{
		values[i] = *(const Datum *) ((const char *) &prices->prices[i] + offset);
		nulls[i] = values[i] == (Datum) 0;
	}
	get_typlenbyvalalign(type, &size, &by_value, &align);
	return PointerGetDatum(construct_md_array(values, nulls, 1, &count, bounds, type, size, by_value, align));
}

/* Says what a device-hour of a chip in a region costs, and when that is not above the ceiling. */
static void
sum_up_prices(const Meeting *meeting, ChipRegion *chip)
{
	static const struct
	{
		size_t		offset;
		Oid			type;
	}			columns[] = {
		{offsetof(PoolPrice, range), TSTZRANGEOID}, {offsetof(PoolPrice, price), INT8OID},
		{offsetof(PoolPrice, list_price), INT8OID}, {offsetof(PoolPrice, hourly), NUMERICOID}
	};

	if (chip->prices.count == 0)
		return;
	chip->affordable = palloc(chip->prices.count * sizeof(Stretch));
	for (int i = 0; i < chip->prices.count; i++)
	{
		const PoolPrice *price = &chip->prices.prices[i];

		if (price->hourly == (Datum) 0)
		{
			if (price->price != (Datum) 0 && chip->untold == NULL)
				chip->untold = price;
			continue;
		}
		if (chip->lowest == (Datum) 0 || NumericCompare(price->hourly, chip->lowest) < 0)
			chip->lowest = price->hourly;
		if (chip->highest == (Datum) 0 || NumericCompare(price->hourly, chip->highest) > 0)
			chip->highest = price->hourly;
		if (RequestIsNull(meeting, REQUEST_CEILING) || NumericCompare(price->hourly, Request(meeting, REQUEST_CEILING)) <= 0)
			chip->naffordable = add_stretch(chip->affordable, chip->naffordable, price->valid);
	}
	for (int i = 0; i < (int) lengthof(columns); i++)
		chip->arrays[i] = array_of_prices(&chip->prices, columns[i].offset, columns[i].type);
}

static const RowColumn against_columns[] = {
	ROW_COLUMN("question", INT8OID), ROW_COLUMN("stands", TSTZMULTIRANGEOID), ROW_COLUMN("clause", TEXTOID)
};
static const RowColumn link_columns[] = {
	ROW_COLUMN("region", INT4OID), ROW_COLUMN("name", TEXTOID), ROW_COLUMN("within", BOOLOID), ROW_COLUMN("in_price", NUMERICOID),
	ROW_COLUMN("in_currency", TEXTOID), ROW_COLUMN("gbps", NUMERICOID), ROW_COLUMN("latency", INTERVALOID), ROW_COLUMN("out_price", NUMERICOID),
	ROW_COLUMN("out_currency", TEXTOID), ROW_COLUMN("ready", TIMESTAMPTZOID)
};

/* Says when policy is against which chips in which regions. */
static void
judge_chips(const Meeting *meeting, const ChipRegions *arrays, ChipRegion *chips, MemoryContext context)
{
	static SPIPlanPtr plan = NULL;
	static Oid	planned_type = InvalidOid;
	Oid			types[] = {INT8OID, arrays->chips_type, INT4ARRAYOID, TSTZRANGEOID};
	Datum		arguments[] = {Int64GetDatum(meeting->account), arrays->chips, arrays->regions, RangeTypePGetDatum(meeting->period)};

	/* mostly there is none */
	if (!AnyPolicy())
		return;
	if (planned_type != types[1])
	{
		/* the extension was made anew since */
		plan = NULL;
		planned_type = types[1];
	}
	RunBookPlan(&plan, "SELECT * FROM compute_ledger._judged_against($1, $2, $3, $4)", lengthof(types), types, arguments, NULL, true, SPI_OK_SELECT);
	RowColumnsCheck(SPI_tuptable->tupdesc, "_judged_against()", against_columns, lengthof(against_columns));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		int64		question = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		Datum		stands = ValueOfFound(row, 2, TSTZMULTIRANGEOID, context);
		MemoryContext old;

		if (isnull || question < 1 || question > arrays->count || stands == (Datum) 0)
			elog(ERROR, "policy has answered what was not asked");
		old = MemoryContextSwitchTo(context);
		chips[question - 1].nstands = StretchesOf(stands, &chips[question - 1].stands);
		MemoryContextSwitchTo(old);
		chips[question - 1].clause = ValueOfFound(row, 3, TEXTOID, context);
	}
}

/* Says what it takes to bring data to regions and results from there. */
static void
find_links(const Meeting *meeting, const ChipRegions *arrays, ChipRegion *chips, int count, MemoryContext context)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT4ARRAYOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, NUMERICOID};
	Datum		arguments[] = {
		arrays->regions, TimestampTzGetDatum(meeting->base),
		meeting->has_data || meeting->has_latency ? Request(meeting, REQUEST_DATA_REGION) : (Datum) 0,
		meeting->has_results ? Request(meeting, REQUEST_RESULTS_REGION) : (Datum) 0, Request(meeting, REQUEST_DATA_GB)
	};
	char		nulls[] = {' ', ' ', arguments[2] != (Datum) 0 ? ' ' : 'n', arguments[3] != (Datum) 0 ? ' ' : 'n', ' '};

	for (int i = 0; i < count; i++)
		chips[i].ready = meeting->base;
	if (!meeting->has_data && !meeting->has_results && !meeting->has_latency)
		return;
	RunBookPlan(&plan, "SELECT * FROM compute_ledger._pool_links($1, $2, $3, $4, $5)", lengthof(types), types, arguments, nulls, true, SPI_OK_SELECT);
	RowColumnsCheck(SPI_tuptable->tupdesc, "_pool_links()", link_columns, lengthof(link_columns));
	for (uint64 n = 0; n < SPI_processed; n++)
	{
		HeapTuple	row = SPI_tuptable->vals[n];
		int32		region = DatumGetInt32(ValueOfFound(row, 1, INT4OID, context));

		for (int i = 0; i < count; i++)
		{
			ChipRegion *chip = &chips[i];

			if (chip->region != region)
				continue;
			chip->name = ValueOfFound(row, 2, TEXTOID, context);
			chip->within = DatumGetBool(ValueOfFound(row, 3, BOOLOID, context));
			chip->in_price = ValueOfFound(row, 4, NUMERICOID, context);
			chip->in_currency = ValueOfFound(row, 5, TEXTOID, context);
			chip->gbps = ValueOfFound(row, 6, NUMERICOID, context);
			chip->latency = ValueOfFound(row, 7, INTERVALOID, context);
			chip->out_price = ValueOfFound(row, 8, NUMERICOID, context);
			chip->out_currency = ValueOfFound(row, 9, TEXTOID, context);
			if (meeting->has_data)
				chip->ready = DatumGetTimestampTz(ValueOfFound(row, 10, TIMESTAMPTZOID, context));
		}
	}
}

/* ---- a pool ---- */

/* Returns an amount of money for people to read. */
static char *
money_of(const Meeting *meeting, Datum amount)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {NUMERICOID, TEXTOID};
	Datum		arguments[] = {amount, meeting->currency};
	MemoryContext context = CurrentMemoryContext;
	HeapTuple	row;
	Datum		money;

	SPI_connect();
	row = ask_row(&plan, "SELECT compute_ledger._money_text($1, $2) AS answer", TEXTOID, 2, types, arguments);
	money = row == NULL ? (Datum) 0 : ValueOfFound(row, 1, TEXTOID, context);
	SPI_finish();
	MemoryContextSwitchTo(context);
	return money == (Datum) 0 ? "" : TextDatumGetCString(money);
}

/* Whether the currency of a transfer is another one; not known: no. */
static bool
is_other_currency(const Meeting *meeting, Datum currency)
{
	return currency != (Datum) 0 && strcmp(TextDatumGetCString(currency), TextDatumGetCString(meeting->currency)) != 0;
}

/* Says why no data come to a pool, or none from there; NULL: they do. */
static char *
transfer_reason(const Meeting *meeting, const ChipRegion *of)
{
	const char *there = of->name == (Datum) 0 ? "" : TextDatumGetCString(of->name);
	const char *from = meeting->has_data || meeting->has_latency ? TextDatumGetCString(Request(meeting, REQUEST_DATA_REGION)) : "";
	const char *to = meeting->has_results ? TextDatumGetCString(Request(meeting, REQUEST_RESULTS_REGION)) : "";
	const char *currency = TextDatumGetCString(meeting->currency);

	if (meeting->has_latency && of->latency == (Datum) 0)
		return psprintf("no latency is known from %s to %s", from, there);
	if (meeting->has_latency && DatumGetBool(DirectFunctionCall2(interval_gt, of->latency, Request(meeting, REQUEST_MAX_LATENCY))))
		return psprintf("too far from the data: %s", ValueText(of->latency, INTERVALOID));
	if (meeting->has_data && of->in_price == (Datum) 0)
		return psprintf("no price of transfer from %s to %s", from, there);
	if (meeting->has_data && is_other_currency(meeting, of->in_currency))
		return psprintf("price of transfer from %s to %s is in %s, not in %s", from, there, TextDatumGetCString(of->in_currency), currency);
	if (meeting->has_data && !of->within && of->gbps == (Datum) 0)
		return psprintf("no bandwidth is known from %s to %s", from, there);
	if (meeting->has_results && of->out_price == (Datum) 0)
		return psprintf("no price of transfer from %s to %s", there, to);
	if (meeting->has_results && is_other_currency(meeting, of->out_currency))
		return psprintf("price of transfer from %s to %s is in %s, not in %s", there, to, TextDatumGetCString(of->out_currency), currency);
	return NULL;
}

/* Says why a pool is out for its chip, its region or its price; NULL: it is not. */
static const char *
reason_of(const Meeting *meeting, const Pool *pool)
{
	const ChipRegion *of = pool->of;
	char	   *chip;

	if (pool->reason != NULL)
		return pool->reason;
	if (!RequestIsNull(meeting, REQUEST_DEVICES) && DatumGetInt64(Request(meeting, REQUEST_DEVICES)) % pool->granule != 0 &&
		DatumGetInt32(Request(meeting, REQUEST_SITES)) == 1)
		return psprintf("is booked in multiples of %d devices", pool->granule);
	if (meeting->currency == (Datum) 0)
		return "the account is billed in no currency";
	if (!RequestIsNull(meeting, REQUEST_BASIS) && of->rate == (Datum) 0)
	{
		chip = ValueText(AcceleratorPGetDatum(&pool->chip), meeting->chip_type);
		return psprintf("%s has no rate in basis %s", chip, TextDatumGetCString(meeting->basis));
	}
	if (of->lowest == (Datum) 0 && of->untold != NULL)
		return psprintf("price %lld is by the %s, which an offer does not tell", (long long) DatumGetInt64(of->untold->price),
						of->untold->unit == (Datum) 0 ? "" : TextDatumGetCString(of->untold->unit));
	if (of->lowest == (Datum) 0 && meeting->preemptible)
		return psprintf("has no price for idle capacity in %s", TextDatumGetCString(meeting->currency));
	if (of->lowest != (Datum) 0 && pool->floor != (Datum) 0 && NumericCompare(of->highest, pool->floor) < 0)
		return psprintf("below the floor for idle capacity: %s for a device-hour", money_of(meeting, of->lowest));
	if (of->lowest == (Datum) 0)
		return psprintf("has no price in %s", TextDatumGetCString(meeting->currency));
	if (of->naffordable == 0)
		return psprintf("above the ceiling: %s for a device-hour", money_of(meeting, of->lowest));
	return transfer_reason(meeting, of);
}

/* Returns when a pool may be had at all; the room is for what is returned. */
static int
bookable_of(const Pool *pool, Stretch **stretches)
{
	const ChipRegion *of = pool->of;
	int			room = of->naffordable + of->nstands + of->prices.count + 1;
	Stretch    *now = palloc(room * sizeof(Stretch));
	Stretch    *next = palloc(room * sizeof(Stretch));
	int			count = of->naffordable;

	memcpy(now, of->affordable, count * sizeof(Stretch));
	for (int i = 0; i < of->nstands + of->prices.count; i++)
	{
		Stretch    *other = now;

		if (i < of->nstands)
			count = take_out(now, count, of->stands[i], next);
		else
		{
			const PoolPrice *price = &of->prices.prices[i - of->nstands];

			if (pool->floor == (Datum) 0 || price->hourly == (Datum) 0 || NumericCompare(price->hourly, pool->floor) >= 0)
				continue;
			count = take_out(now, count, price->valid, next);
		}
		now = next;
		next = other;
	}
	*stretches = now;
	return count;
}

/* Makes a multirange of stretches. */
static Datum
multirange_of(const Meeting *meeting, const Stretch *stretches, int count)
{
	RangeType **ranges = palloc((count + 1) * sizeof(RangeType *));

	for (int i = 0; i < count; i++)
		ranges[i] = DatumGetRangeTypeP(ProfileMakeRange(stretches[i].from, stretches[i].to));
	return MultirangeTypePGetDatum(make_multirange(meeting->multiranges->type_id, meeting->multiranges->rngtype, count, ranges));
}

/* Columns of _placement_pool. */
enum
{
	OUT_POOL,
	OUT_ACCELERATOR,
	OUT_GRANULE,
	OUT_SLOT_MINUTES,
	OUT_GUEST,
	OUT_REASON,
	OUT_PRICE_PER_HOUR,
	OUT_READY,
	OUT_RATE,
	OUT_REGION,
	OUT_LINK_CLASS,
	OUT_HOLD,
	OUT_UNTIL,
	OUT_ALLOWED,
	OUT_PRICED,
	OUT_CURRENCY = OUT_PRICED + 4,
	OUT_DATA_PRICE,
	OUT_RESULTS_PRICE,
	OUT_FLOOR,
	OUT_COLUMNS
};

/* Returns the row of a pool, as the request meets it. */
static HeapTuple
meet_pool(const Meeting *meeting, const Pool *pool, TupleDesc desc)
{
	const ChipRegion *of = pool->of;
	const char *reason = reason_of(meeting, pool);
	TimestampTz ready = SlotFrom(of == NULL ? meeting->base : of->ready, pool->slot_minutes * USECS_PER_MINUTE);
	Datum		zero = NumericFromInteger(0);
	Datum		values[OUT_COLUMNS] = {
		Int64GetDatum(pool->id), AcceleratorPGetDatum(&pool->chip), Int32GetDatum(pool->granule), Int32GetDatum(pool->slot_minutes),
		BoolGetDatum(pool->guest)
	};
	bool		nulls[OUT_COLUMNS] = {false};
	Stretch    *stretches = NULL;
	int			count = 0;
	int			left = 0;

	if (of != NULL)
		count = bookable_of(pool, &stretches);
	if (reason == NULL && ready >= pool->until)
		reason = psprintf("its horizon, %s, is before the earliest start", ValueText(TimestampTzGetDatum(pool->until), TIMESTAMPTZOID));
	for (int i = 0; i < count; i++)
	{
		Stretch		part = {Max(stretches[i].from, ready), Min(stretches[i].to, pool->until)};

		if (part.from < part.to)
			stretches[left++] = part;
	}
	if (reason == NULL && left == 0)
		reason = of->clause != (Datum) 0 ? TextDatumGetCString(of->clause)
			: psprintf("has no price from %s on, or none that is not above the ceiling", ValueText(TimestampTzGetDatum(ready), TIMESTAMPTZOID));
	nulls[OUT_REASON] = reason == NULL;
	values[OUT_REASON] = reason == NULL ? (Datum) 0 : CStringGetTextDatum(reason);
	values[OUT_PRICE_PER_HOUR] = of == NULL ? (Datum) 0 : of->lowest;
	values[OUT_READY] = TimestampTzGetDatum(ready);
	values[OUT_RATE] = of == NULL ? (Datum) 0 : of->rate;
	values[OUT_REGION] = Int32GetDatum(pool->region);
	values[OUT_LINK_CLASS] = pool->link_class;
	values[OUT_HOLD] = pool->hold;
	values[OUT_UNTIL] = TimestampTzGetDatum(pool->until);
	values[OUT_ALLOWED] = multirange_of(meeting, stretches, left);
	for (int i = 0; i < 4; i++)
		values[OUT_PRICED + i] = of == NULL ? (Datum) 0 : of->arrays[i];
	values[OUT_CURRENCY] = meeting->currency;
	values[OUT_DATA_PRICE] = meeting->has_data && of != NULL && of->in_price != (Datum) 0 ? of->in_price : zero;
	values[OUT_RESULTS_PRICE] = meeting->has_results && of != NULL && of->out_price != (Datum) 0 ? of->out_price : zero;
	values[OUT_FLOOR] = pool->floor;
	for (int i = OUT_PRICE_PER_HOUR; i < OUT_COLUMNS; i++)
		nulls[i] = i != OUT_READY && i != OUT_REGION && i != OUT_UNTIL && values[i] == (Datum) 0;
	return heap_form_tuple(desc, values, nulls);
}

/* ---- all pools ---- */

/* Reads what is asked, and in which currency it is paid. */
static void
read_meeting(FunctionCallInfo fcinfo, Meeting *meeting)
{
	ArrayType  *classes;
	Datum	   *values;
	bool	   *nulls;

	*meeting = (Meeting) {.account = PG_GETARG_INT64(0), .at = PG_GETARG_TIMESTAMPTZ(2)};
	CompositeRead(PG_GETARG_DATUM(1), request_columns, REQUEST_COLUMNS, REQUEST_REQUIRED, "a request", &meeting->request);
	classes = DatumGetArrayTypeP(Request(meeting, REQUEST_ACCELERATORS));
	meeting->chip_type = ARR_ELEMTYPE(classes);
	meeting->chips_type = get_array_type(meeting->chip_type);
	deconstruct_array(classes, meeting->chip_type, sizeof(Accelerator), false, TYPALIGN_CHAR, &values, &nulls, &meeting->nclasses);
	meeting->classes = palloc((meeting->nclasses + 1) * sizeof(Accelerator));
	for (int i = 0; i < meeting->nclasses; i++)
	{
		if (nulls[i])
			RowNullError("a request", "accelerators");
		meeting->classes[i] = *DatumGetAcceleratorP(values[i]);
	}
	meeting->base = meeting->at;
	if (!RequestIsNull(meeting, REQUEST_NOT_BEFORE))
		meeting->base = Max(meeting->at, DatumGetTimestampTz(Request(meeting, REQUEST_NOT_BEFORE)));
	meeting->basis = RequestIsNull(meeting, REQUEST_BASIS) ? CStringGetTextDatum("bf16") : Request(meeting, REQUEST_BASIS);
	meeting->has_data = NumericCompare(Request(meeting, REQUEST_DATA_GB), NumericFromInteger(0)) > 0;
	meeting->has_results = NumericCompare(Request(meeting, REQUEST_RESULTS_GB), NumericFromInteger(0)) > 0;
	meeting->has_latency = !RequestIsNull(meeting, REQUEST_MAX_LATENCY);
	if (((meeting->has_data || meeting->has_latency) && RequestIsNull(meeting, REQUEST_DATA_REGION)) ||
		(meeting->has_results && RequestIsNull(meeting, REQUEST_RESULTS_REGION)) ||
		TIMESTAMP_NOT_FINITE(meeting->at) || TIMESTAMP_NOT_FINITE(meeting->base))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a request that was not checked")));
	meeting->preemptible = DatumGetBool(Request(meeting, REQUEST_PREEMPTIBLE));
	meeting->multiranges = lookup_type_cache(TSTZMULTIRANGEOID, TYPECACHE_MULTIRANGE_INFO);
	meeting->currency = BilledCurrency(meeting->account, meeting->base);
}

/*
 * _request_pools(account bigint, asked placement_request, at timestamptz, these bigint[], brief boolean) -> _placement_pool[]
 */
PG_FUNCTION_INFO_V1(request_pools);
Datum
request_pools(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	TupleDesc	desc;
	Datum	   *rows;
	Datum		answer;
	Meeting		meeting;
	Pool	   *pools;
	ChipRegion *chips;
	ChipRegions arrays;
	TimestampTz until;
	int			count;
	int			nchips;

	for (int i = 0; i < 5; i++)
	{
		if (PG_ARGISNULL(i) && i != 3)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of _request_pools() is NULL", i + 1)));
	}
	SPI_connect();
	context = CurrentMemoryContext;
	read_meeting(fcinfo, &meeting);
	count = collect_pools(&meeting, PG_ARGISNULL(3) ? NULL : PG_GETARG_ARRAYTYPE_P(3), PG_GETARG_BOOL(4), &pools);
	find_guests(&meeting, pools, count);
	leave_out_regions(&meeting, pools, count);
	until = meeting.base + USECS_PER_DAY;
	nchips = list_chips(pools, count, &chips, &until);
	arrays = arrays_of(&meeting, chips, nchips);
	meeting.period = DatumGetRangeTypeP(ProfileMakeRange(meeting.base, until));
	judge_chips(&meeting, &arrays, chips, context);
	find_links(&meeting, &arrays, chips, nchips, context);
	for (int i = 0; i < nchips; i++)
	{
		if (i > 0 && memcmp(&chips[i].chip, &chips[i - 1].chip, sizeof(Accelerator)) == 0)
			chips[i].rate = chips[i - 1].rate;
		else
			chips[i].rate = PoolRate(AcceleratorPGetDatum(&chips[i].chip), meeting.chip_type, meeting.basis, meeting.base);
	}
	if (meeting.currency != (Datum) 0 && nchips > 0)
	{
		Stretch		period = {meeting.base, until};
		PoolPrices *prices = PoolPricesFind(meeting.account, meeting.currency, meeting.preemptible, &arrays, period);

		for (int i = 0; i < nchips; i++)
		{
			chips[i].prices = prices[i];
			sum_up_prices(&meeting, &chips[i]);
		}
	}
	desc = lookup_rowtype_tupdesc_copy(get_element_type(get_fn_expr_rettype(fcinfo->flinfo)), -1);
	if (desc->natts != OUT_COLUMNS)
		elog(ERROR, "unexpected columns of _placement_pool");
	rows = palloc((count + 1) * sizeof(Datum));
	for (int i = 0; i < count; i++)
		rows[i] = HeapTupleGetDatum(meet_pool(&meeting, &pools[i], desc));
	MemoryContextSwitchTo(caller);
	answer = CostedArray(rows, count, desc->tdtypeid);
	SPI_finish();
	PG_RETURN_DATUM(answer);
}
