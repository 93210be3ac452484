/*
 * tries.c
 *		The pools that a request may be put in, in the order in which they are looked at.
 *
 * Each is tried from its first start on, and from where it becomes cheaper; where the number of devices is open, with each
 * that is a doubling of the granule.
 */
#include "base/compat.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"

#include "base/key_table.h"
#include "base/numeric_arith.h"
#include "placement/composite.h"
#include "placement/tries.h"
#include "profile/profile_period.h"
#include "quantity/quantity_numeric.h"

/* More devices are not asked for. */
#define MOST_DEVICES		INT64CONST(1000000000)
/* 100 years, in minutes. */
#define MOST_MINUTES		INT64CONST(52560000)
/* So many falls of a price are tried. */
#define MOST_FALLS			16

/* ---- the request ---- */

enum
{
	REQUEST_WORKLOAD,
	REQUEST_DATA_GB,
	REQUEST_RESULTS_GB,
	REQUEST_DELAY_VALUE,
	REQUEST_REQUIRED,
	REQUEST_DEVICES = REQUEST_REQUIRED,
	REQUEST_DEADLINE,
	REQUEST_TIME_LIMIT,
	REQUEST_WORK,
	REQUEST_COLUMNS
};

static const RowColumn request_columns[REQUEST_COLUMNS] = {
	ROW_COLUMN("workload", TEXTOID), ROW_COLUMN("data_gb", NUMERICOID), ROW_COLUMN("results_gb", NUMERICOID), ROW_COLUMN("delay_value", NUMERICOID),
	ROW_COLUMN("devices", INT8OID), ROW_COLUMN("deadline", TIMESTAMPTZOID), ROW_COLUMN("time_limit", INTERVALOID), ROW_COLUMN_OWN("work", "compute_unit")
};

/* Reads what _check_request() has passed. */
void
AskedRead(Datum request, TimestampTz at, AskedPlace *asked)
{
	Composites	rows;

	CompositeRead(request, request_columns, REQUEST_COLUMNS, REQUEST_REQUIRED, "a request", &rows);
	if (CompositeIsNull(&rows, 0, REQUEST_TIME_LIMIT) == CompositeIsNull(&rows, 0, REQUEST_WORK))
		RowNullError("a request", "time_limit");
	*asked = (AskedPlace) {
		.devices = CompositeIsNull(&rows, 0, REQUEST_DEVICES) ? 0 : DatumGetInt64(CompositeValue(&rows, 0, REQUEST_DEVICES)),
		.deadline = CompositeIsNull(&rows, 0, REQUEST_DEADLINE) ? DT_NOEND : DatumGetTimestampTz(CompositeValue(&rows, 0, REQUEST_DEADLINE)),
		.workload = CompositeValue(&rows, 0, REQUEST_WORKLOAD),
		.data_gb = CompositeValue(&rows, 0, REQUEST_DATA_GB),
		.results_gb = CompositeValue(&rows, 0, REQUEST_RESULTS_GB),
		.delay_value = CompositeValue(&rows, 0, REQUEST_DELAY_VALUE),
		.at = at,
	};
	if (CompositeIsNull(&rows, 0, REQUEST_WORK))
		asked->time_limit = ProfileFixedInterval(DatumGetIntervalP(CompositeValue(&rows, 0, REQUEST_TIME_LIMIT)), "time limit");
	else
		asked->work = NumericGetDatum(AmountGetNumeric(QuantityAmount(DatumGetQuantityP(CompositeValue(&rows, 0, REQUEST_WORK))), 0));
	if (asked->devices < 0 || asked->devices > MOST_DEVICES || (asked->time_limit <= 0 && asked->work == (Datum) 0) || TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a request that was not checked")));
}

/* ---- how long ---- */

/* Returns so many microseconds in seconds. */
static Datum
seconds_of(int64 microseconds)
{
	return NumericGetDatum(int64_div_fast_to_numeric(microseconds, 6));
}

/* Returns a / b, as SQL has it. */
static Datum
ratio_of(Datum a, Datum b)
{
	return DirectFunctionCall2(numeric_div, a, b);
}

/*
 * Returns how long devices are booked: the time limit, or what the work takes them, in whole slots; 0 if that is more than
 * 100 years, or nothing.  rate: of a device, in FLOP/s.
 */
static int64
length_of(Datum work, int64 time_limit, Datum rate, int64 devices, Datum efficiency, int32 slot_minutes)
{
	Datum		whole = work != (Datum) 0 ? work : seconds_of(time_limit);
	Datum		slot = NumericFromInteger(60 * (int64) slot_minutes);
	Datum		slots;

	if (work != (Datum) 0)
		slot = NumericMultiply(slot, NumericMultiply(NumericMultiply(rate, NumericFromInteger(devices)), efficiency));
	slots = DirectFunctionCall2(numeric_div_trunc, whole, slot);
	if (NumericCompare(DirectFunctionCall2(numeric_mod, whole, slot), NumericFromInteger(0)) > 0)
		slots = NumericAdd(slots, NumericFromInteger(1));
	if (NumericCompare(slots, NumericFromInteger(0)) <= 0 ||
		NumericCompare(NumericMultiply(slots, NumericFromInteger(slot_minutes)), NumericFromInteger(MOST_MINUTES)) > 0)
		return 0;
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, slots)) * slot_minutes * USECS_PER_MINUTE;
}

/* Returns a rate in FLOP/s. */
static Datum
flops_of(Datum rate)
{
	return NumericGetDatum(AmountGetNumeric(QuantityAmount(DatumGetQuantityP(rate)), 6));
}

/*
 * _placement_length(asked placement_request, rate compute_rate, devices bigint, efficiency numeric, slot_minutes integer) -> interval
 *
 * Not strict: a rate is not needed for a time limit.
 */
PG_FUNCTION_INFO_V1(placement_length);
Datum
placement_length(PG_FUNCTION_ARGS)
{
	Composites	rows;
	Datum		work = (Datum) 0;
	int64		time_limit = 0;
	int64		length;
	Interval   *result;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	/* two columns: a time limit, or work */
	CompositeRead(PG_GETARG_DATUM(0), &request_columns[REQUEST_TIME_LIMIT], 2, 0, "a request", &rows);
	if (!CompositeIsNull(&rows, 0, 1))
	{
		if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
			PG_RETURN_NULL();
		work = NumericGetDatum(AmountGetNumeric(QuantityAmount(DatumGetQuantityP(CompositeValue(&rows, 0, 1))), 0));
	}
	else if (CompositeIsNull(&rows, 0, 0))
		PG_RETURN_NULL();
	else
		time_limit = ProfileFixedInterval(DatumGetIntervalP(CompositeValue(&rows, 0, 0)), "time limit");
	length = work != (Datum) 0 ? length_of(work, 0, flops_of(PG_GETARG_DATUM(1)), PG_GETARG_INT64(2), PG_GETARG_DATUM(3), PG_GETARG_INT32(4))
		: length_of(work, time_limit, (Datum) 0, 0, (Datum) 0, PG_GETARG_INT32(4));
	if (length == 0)
		PG_RETURN_NULL();
	result = palloc0(sizeof(Interval));
	result->time = length;
	PG_RETURN_INTERVAL_P(result);
}

/* ---- what is lost ---- */

enum
{
	EFFICIENCY_WORKLOAD,
	EFFICIENCY_LINK_CLASS,
	EFFICIENCY_SITES,
	EFFICIENCY_EFFICIENCY,
	EFFICIENCY_COLUMNS
};

static const RowColumn efficiency_columns[EFFICIENCY_COLUMNS] = {
	ROW_COLUMN("workload", TEXTOID), ROW_COLUMN("link_class", TEXTOID), ROW_COLUMN("sites", INT4OID), ROW_COLUMN("efficiency", NUMERICOID)
};

/* Returns the figure that is said for a workload; 0 if there is none. */
static Datum
said_efficiency(const KeyTable *table, Datum workload, Datum link_class, int32 sites)
{
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	row;
	Datum		figure = (Datum) 0;

	KeyTableKey(table, &keys[0], EFFICIENCY_WORKLOAD, BTEqualStrategyNumber, F_TEXTEQ, workload);
	KeyTableKey(table, &keys[1], EFFICIENCY_LINK_CLASS, BTEqualStrategyNumber, F_TEXTEQ, link_class);
	KeyTableKey(table, &keys[2], EFFICIENCY_SITES, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(sites));
	scan = KeyTableScan(table, keys, lengthof(keys));
	if ((row = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		Datum		value = KeyTableValue(table, row, EFFICIENCY_EFFICIENCY, &isnull);

		if (isnull)
			RowNullError("scaling_efficiency", "efficiency");
		figure = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	}
	systable_endscan(scan);
	return figure;
}

/* Returns what part of its work a device still does on so many sites; 0: it is not known. */
static Datum
efficiency_of(const KeyTable *table, Datum workload, Datum link_class, int32 sites)
{
	Datum		figure = said_efficiency(table, workload, link_class, sites);

	if (figure == (Datum) 0 && VARSIZE_ANY_EXHDR(DatumGetPointer(workload)) > 0)
		figure = said_efficiency(table, CStringGetTextDatum(""), link_class, sites);
	return figure == (Datum) 0 && sites == 1 ? NumericFromInteger(1) : figure;
}

/*
 * _pool_efficiencies(asked placement_request, link_class text) -> numeric[]
 */
PG_FUNCTION_INFO_V1(pool_efficiencies);
Datum
pool_efficiencies(PG_FUNCTION_ARGS)
{
	Composites	rows;
	KeyTable	table;
	Datum		workload;
	Datum		figures[8];
	bool		nulls[8];
	int			dims[] = {8};
	int			bounds[] = {1};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	CompositeRead(PG_GETARG_DATUM(0), &request_columns[REQUEST_WORKLOAD], 1, 0, "a request", &rows);
	workload = CompositeIsNull(&rows, 0, 0) ? CStringGetTextDatum("") : CompositeValue(&rows, 0, 0);
	KeyTableOpen(&table, "scaling_efficiency", efficiency_columns, EFFICIENCY_COLUMNS, EFFICIENCY_SITES + 1);
	for (int i = 0; i < 8; i++)
	{
		figures[i] = efficiency_of(&table, workload, PG_GETARG_DATUM(1), i + 1);
		nulls[i] = figures[i] == (Datum) 0;
	}
	KeyTableClose(&table);
	PG_RETURN_ARRAYTYPE_P(construct_md_array(figures, nulls, 1, dims, bounds, NUMERICOID, -1, false, TYPALIGN_INT));
}

/* ---- the pools ---- */

enum
{
	POOL_POOL,
	POOL_GRANULE,
	POOL_SLOT_MINUTES,
	POOL_GUEST,
	POOL_LINK_CLASS,
	POOL_DATA_PRICE,
	POOL_RESULTS_PRICE,
	POOL_REQUIRED,
	POOL_REASON = POOL_REQUIRED,
	POOL_PRICE,
	POOL_RATE,
	POOL_ALLOWED,
	POOL_PRICED,
	POOL_HOURLY,
	POOL_COLUMNS
};

static const RowColumn pool_columns[POOL_COLUMNS] = {
	ROW_COLUMN("pool", INT8OID), ROW_COLUMN("granule", INT4OID), ROW_COLUMN("slot_minutes", INT4OID), ROW_COLUMN("guest", BOOLOID),
	ROW_COLUMN("link_class", TEXTOID), ROW_COLUMN("data_price", NUMERICOID), ROW_COLUMN("results_price", NUMERICOID), ROW_COLUMN("reason", TEXTOID),
	ROW_COLUMN("price_per_hour", NUMERICOID), ROW_COLUMN_OWN("rate", "compute_rate"), ROW_COLUMN("allowed", TSTZMULTIRANGEOID),
	ROW_COLUMN("priced", TSTZRANGEARRAYOID), ROW_COLUMN("hourly", NUMERICARRAYOID)
};

/* A price that is lower than the one before it, and what an hour costs at the least from there on. */
typedef struct Fall
{
	TimestampTz at;
	Datum		hourly;
} Fall;

/* The tries that are made. */
typedef struct Making
{
	const AskedPlace *asked;
	const Composites *pools;
	Try		   *tries;
	int			count;
	int			room;
} Making;

/* Returns the value of the delay of so many devices until an instant. */
Datum
DelayMoney(const AskedPlace *asked, int64 devices, TimestampTz ends)
{
	Datum		an_hour = NumericMultiply(asked->delay_value, NumericFromInteger(devices));
	int64		delay;

	if (pg_sub_s64_overflow(ends, asked->at, &delay))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("delay out of range")));
	return ratio_of(NumericMultiply(an_hour, seconds_of(delay)), NumericFromInteger(3600));
}

/* Finds where prices of a pool fall, after its first start and before its last; returns how many. */
static int
find_falls(const Composites *pools, int i, const Stretch *allowed, int nallowed, Fall *falls)
{
	ArrayType  *array;
	Datum	   *priced;
	Datum	   *hourly;
	bool	   *no_price;
	bool	   *no_hourly;
	int			count;
	int			nhourly;
	int			nfalls = 0;

	if (CompositeIsNull(pools, i, POOL_PRICED) || CompositeIsNull(pools, i, POOL_HOURLY))
		return 0;
	array = DatumGetArrayTypeP(CompositeValue(pools, i, POOL_HOURLY));
	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) <= 1)
		return 0;
	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &hourly, &no_hourly, &nhourly);
	deconstruct_array(DatumGetArrayTypeP(CompositeValue(pools, i, POOL_PRICED)), TSTZRANGEOID, -1, false, TYPALIGN_DOUBLE, &priced, &no_price, &count);
	for (int n = 1; n < Min(count, nhourly) && nfalls < MOST_FALLS; n++)
	{
		int64		from;
		int64		to;
		Datum		least = hourly[n];

		if (no_hourly[n] || no_hourly[n - 1] || no_price[n] || NumericCompare(hourly[n], hourly[n - 1]) >= 0 || !ProfileWindow(priced[n], &from, &to) ||
			from == PG_INT64_MIN || from <= allowed[0].from || from >= allowed[nallowed - 1].to)
			continue;
		for (int later = n + 1; later < nhourly; later++)
		{
			if (!no_hourly[later] && NumericCompare(hourly[later], least) < 0)
				least = hourly[later];
		}
		falls[nfalls++] = (Fall) {from, least};
	}
	return nfalls;
}

/* Cuts stretches to what lies in one; returns how many are left. */
static int
cut(const Stretch *from, int count, Stretch within, Stretch *into)
{
	int			left = 0;

	for (int i = 0; i < count; i++)
	{
		Stretch		part = {Max(from[i].from, within.from), Min(from[i].to, within.to)};

		if (part.from < part.to)
			into[left++] = part;
	}
	return left;
}

/* Adds a try of a pool from an instant on, where it may be had then. */
static void
add_try(Making *making, int i, Try try, Datum hourly, Datum transfer, const Stretch *allowed, int nallowed)
{
	const AskedPlace *asked = making->asked;
	bool		is_open = asked->devices == 0;
	Datum		device_hours = ratio_of(NumericMultiply(NumericFromInteger(try.devices), seconds_of(try.length)), NumericFromInteger(3600));

	if (CompositeIsNull(making->pools, i, POOL_PRICE))
		RowNullError("a pool that may be had", "price_per_hour");
	if (try.first == allowed[0].from && !is_open)
	{
		try.allowed = (Stretch *) allowed;
		try.nallowed = nallowed;
	}
	else
	{
		try.allowed = palloc(nallowed * sizeof(Stretch));
		try.nallowed = cut(allowed, nallowed, (Stretch) {try.first, is_open ? Max(asked->deadline, try.first) : PG_INT64_MAX}, try.allowed);
		if (try.nallowed == 0)
			return;
	}
	if (try.first > END_TIMESTAMP - try.length)
		return;
	try.late = try.first + try.length > asked->deadline;
	/* what is rounded down is not below this */
	try.money = DirectFunctionCall2(numeric_trunc, NumericAdd(NumericMultiply(device_hours, hourly), transfer), Int32GetDatum(4));
	try.bound = try.lowest = NumericAdd(try.money, DelayMoney(asked, try.devices, try.first + try.length));
	if (making->count == making->room)
	{
		making->room = making->room * 2 + 64;
		making->tries = making->tries == NULL ? palloc(making->room * sizeof(Try)) : repalloc_huge(making->tries, making->room * sizeof(Try));
	}
	making->tries[making->count++] = try;
}

/* Adds the tries of a pool with so many devices. */
static void
add_devices(Making *making, int i, int64 devices, Datum efficiency, const Stretch *allowed, int nallowed, const Fall *falls, int nfalls)
{
	const AskedPlace *asked = making->asked;
	const Composites *pools = making->pools;
	int32		slot_minutes = DatumGetInt32(CompositeValue(pools, i, POOL_SLOT_MINUTES));
	Datum		transfer = NumericAdd(NumericMultiply(asked->data_gb, CompositeValue(pools, i, POOL_DATA_PRICE)),
									  NumericMultiply(asked->results_gb, CompositeValue(pools, i, POOL_RESULTS_PRICE)));
	Try			try = {
		.pool = DatumGetInt64(CompositeValue(pools, i, POOL_POOL)),
		.guest = DatumGetBool(CompositeValue(pools, i, POOL_GUEST)),
		.devices = devices,
		.slot = slot_minutes * USECS_PER_MINUTE,
		.efficiency = efficiency,
	};
	Datum		rate = (Datum) 0;

	if (asked->work != (Datum) 0 && CompositeIsNull(pools, i, POOL_RATE))
		return;
	if (asked->work != (Datum) 0)
		rate = flops_of(CompositeValue(pools, i, POOL_RATE));
	try.length = length_of(asked->work, asked->time_limit, rate, devices, efficiency, slot_minutes);
	if (try.length == 0)
		return;
	try.first = allowed[0].from;
	add_try(making, i, try, CompositeValue(pools, i, POOL_PRICE), transfer, allowed, nallowed);
	for (int n = 0; n < nfalls; n++)
	{
		try.first = falls[n].at;
		add_try(making, i, try, falls[n].hourly, transfer, allowed, nallowed);
	}
}

/* Orders tries of one pool from one start together. */
static int
order_by_start(const void *a, const void *b)
{
	const Try  *first = a;
	const Try  *second = b;

	if (first->pool != second->pool)
		return first->pool < second->pool ? -1 : 1;
	if (first->first != second->first)
		return first->first < second->first ? -1 : 1;
	return (first->devices > second->devices) - (first->devices < second->devices);
}

/* Orders tries as they are looked at. */
static int
order_by_bound(const void *a, const void *b)
{
	const Try  *first = a;
	const Try  *second = b;
	int			order;

	if (first->place != second->place)
		return first->place < second->place ? -1 : 1;
	order = NumericCompare(first->lowest, second->lowest);
	return order != 0 ? order : order_by_start(a, b);
}

/* Puts tries in order, and says which have one place. */
static void
put_in_order(Making *making)
{
	Try		   *tries = making->tries;
	int			count = making->count;
	int64		place = 0;

	if (making->asked->devices == 0 && count > 0)
	{
		/* the lowest of those from one start */
		qsort(tries, count, sizeof(Try), order_by_start);
		for (int i = 0, end; i < count; i = end)
		{
			Datum		lowest = tries[i].bound;

			for (end = i + 1; end < count && tries[end].pool == tries[i].pool && tries[end].first == tries[i].first; end++)
			{
				if (NumericCompare(tries[end].bound, lowest) < 0)
					lowest = tries[end].bound;
			}
			for (int n = i; n < end; n++)
				tries[n].lowest = lowest;
		}
	}
	/* while they are put in order: what may be late comes last */
	for (int i = 0; i < count; i++)
		tries[i].place = tries[i].late && making->asked->devices != 0;
	if (count > 0)
		qsort(tries, count, sizeof(Try), order_by_bound);
	for (int i = 0; i < count; i++)
	{
		if (i == 0 || tries[i].pool != tries[i - 1].pool || tries[i].first != tries[i - 1].first)
			place++;
		tries[i].place = place;
	}
}

/* Makes the tries of pools that are not out, in the order in which they are looked at; returns how many. */
int
TriesMake(const AskedPlace *asked, Datum candidates, Try **tries)
{
	Composites	pools;
	Making		making = {.asked = asked, .pools = &pools};
	KeyTable	table;
	Datum		efficiency = (Datum) 0;
	Datum		link_class = (Datum) 0;

	CompositeReadArray(candidates, pool_columns, POOL_COLUMNS, POOL_REQUIRED, "pools", &pools);
	KeyTableOpen(&table, "scaling_efficiency", efficiency_columns, EFFICIENCY_COLUMNS, EFFICIENCY_SITES + 1);
	for (int i = 0; i < pools.count; i++)
	{
		Stretch    *allowed;
		Fall		falls[MOST_FALLS];
		int			nallowed;
		int			nfalls;
		int64		granule;
		Datum		linked;

		if (!CompositeIsNull(&pools, i, POOL_REASON) || CompositeIsNull(&pools, i, POOL_ALLOWED))
			continue;
		nallowed = StretchesOf(CompositeValue(&pools, i, POOL_ALLOWED), &allowed);
		granule = DatumGetInt32(CompositeValue(&pools, i, POOL_GRANULE));
		if (granule <= 0 || DatumGetInt32(CompositeValue(&pools, i, POOL_SLOT_MINUTES)) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("terms of a pool are none")));
		if (nallowed == 0 || TIMESTAMP_NOT_FINITE(allowed[0].from))
			continue;
		nfalls = find_falls(&pools, i, allowed, nallowed, falls);
		/* pools are mostly linked as the one before is */
		linked = CompositeValue(&pools, i, POOL_LINK_CLASS);
		if (link_class == (Datum) 0 || !DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, link_class, linked)))
		{
			link_class = linked;
			efficiency = efficiency_of(&table, asked->workload, link_class, 1);
		}
		if (asked->devices > 0)
		{
			if (asked->devices % granule == 0)
				add_devices(&making, i, asked->devices, efficiency, allowed, nallowed, falls, nfalls);
			continue;
		}
		for (int64 devices = granule; devices <= MOST_DEVICES; devices *= 2)
			add_devices(&making, i, devices, efficiency, allowed, nallowed, falls, nfalls);
	}
	KeyTableClose(&table);
	put_in_order(&making);
	*tries = making.tries;
	return making.count;
}
