/*
 * first_fit.c
 *		When devices of a pool are free for a request first.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "capacity/available.h"
#include "placement/first_fit.h"
#include "placement/lesser.h"
#include "placement/placement_slot.h"
#include "profile/profile.h"
#include "profile/profile_object.h"
#include "profile/profile_period.h"
#include "profile/profile_query.h"

/* Takes ranges apart that have an order; returns how many there are. */
int
StretchesOf(Datum multirange, Stretch **stretches)
{
	MultirangeType *ranges = DatumGetMultirangeTypeP(multirange);
	TypeCacheEntry *typcache = lookup_type_cache(MultirangeTypeGetOid(ranges), TYPECACHE_MULTIRANGE_INFO);
	RangeType **each;
	int32		nranges;
	int			count = 0;

	multirange_deserialize(typcache->rngtype, ranges, &nranges, &each);
	*stretches = palloc((nranges + 1) * sizeof(Stretch));
	for (int32 i = 0; i < nranges; i++)
	{
		Stretch    *stretch = &(*stretches)[count];

		if (ProfileWindow(RangeTypePGetDatum(each[i]), &stretch->from, &stretch->to))
			count++;
	}
	return count;
}

/* Says what is looked for, in what _first_fit() is called with. */
static FirstFit
fit_of(Datum devices, Datum duration, Datum slot_minutes, Datum allowed)
{
	FirstFit	fit = {
		.devices = DatumGetInt64(devices),
		.duration = ProfileFixedInterval(DatumGetIntervalP(duration), "duration"),
		.slot = DatumGetInt32(slot_minutes) * USECS_PER_MINUTE,
	};
	Stretch    *stretches;

	if (fit.devices <= 0 || fit.devices > INT64CONST(1000000000) || fit.slot <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("devices are from 1 to 1000000000, and slots longer than nothing")));
	fit.nallowed = StretchesOf(allowed, &stretches);
	fit.allowed = stretches;
	return fit;
}

/* Finds the first start of what is looked for in what is free, from one instant to another. */
static void
find_start(FirstFit *fit, Datum free, int64 first, int64 last)
{
	ProfileSource source;

	ProfileOpen(&source, free, PROFILE_WHOLE);
	for (int i = 0; i < fit->nallowed && !fit->found; i++)
	{
		int64		from = Max(fit->allowed[i].from, first);
		int64		to = Min(fit->allowed[i].to, last);

		for (bool found = from < to; found;)
		{
			ProfileStatus status;

			CHECK_FOR_INTERRUPTS();
			status = ProfileEarliestFit(&source.start, (int128) fit->devices * DEVICE_UNITS, fit->duration, from, to, &fit->start, &found);
			if (status != PROFILE_OK)
				ProfileRaise(status, source.kind);
			if (found && fit->start > PG_INT64_MAX - fit->slot)
				break;
			/* not at the start of a slot: from the next one on */
			from = found ? SlotFrom(fit->start, fit->slot) : from;
			if (found && from == fit->start)
			{
				fit->found = true;
				break;
			}
		}
	}
}

/*
 * _first_fit(free device_profile, devices bigint, duration interval, slot_minutes integer, allowed tstzmultirange) -> timestamptz
 *
 * The first start of a slot from which so many devices are free for so long without a break, all within one of the ranges.
 * Not strict: a call whose NULL is known beforehand would ask nobody for EXECUTE.
 */
PG_FUNCTION_INFO_V1(first_fit);
Datum
first_fit(PG_FUNCTION_ARGS)
{
	FirstFit	fit;

	for (int i = 0; i < 5; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	fit = fit_of(PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3), PG_GETARG_DATUM(4));
	find_start(&fit, PG_GETARG_DATUM(0), PROFILE_BEGIN, PROFILE_END);
	if (!fit.found)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(fit.start);
}

/* Returns the pools that fits are looked for in, or those of them where they are for guests. */
static PoolSet
pools_of(const FirstFit *fits, int count, bool guests)
{
	int64	   *pools = palloc((count + 1) * sizeof(int64));
	int			n = 0;

	for (int i = 0; i < count; i++)
		if (!guests || fits[i].guest)
			pools[n++] = fits[i].pool;
	return PoolSetOf(pools, n);
}

/* Finds the first start of each whose pool is in a set, in what is free in a period. */
static void
find_in_set(FirstFit *fits, int count, const PoolSet *set, int64 from, int64 to, TimestampTz clock, bool preempting)
{
	PoolSet		all = pools_of(fits, count, true);
	int64	   *pools = palloc((all.count + 1) * sizeof(int64));
	PoolSet		guests = {pools, 0};
	Datum	   *free = PoolsFree(set, from, to, clock, preempting, false);
	Datum	   *free_to_guests = NULL;

	for (int i = 0; i < all.count; i++)
		if (all.pools[i] >= set->pools[0] && all.pools[i] <= set->pools[set->count - 1])
			pools[guests.count++] = all.pools[i];
	if (guests.count > 0)
		free_to_guests = PoolsFree(&guests, from, to, clock, preempting, true);
	for (int i = 0; i < count; i++)
	{
		int64		pool = fits[i].pool;
		Datum		profile;

		if (pool < set->pools[0] || pool > set->pools[set->count - 1])
			continue;
		profile = free[PoolSetPlace(set, pool)];
		if (fits[i].guest)
			profile = LesserProfile(profile, free_to_guests[PoolSetPlace(&guests, pool)]);
		find_start(&fits[i], profile, from, to);
	}
}

/* Finds the first start of each of several, in what is free of its pool from one instant to another; preempting: for whom others give way. */
void
FindFirstFits(FirstFit *fits, int count, int64 from, int64 to, TimestampTz clock, bool preempting)
{
	PoolSet		all = pools_of(fits, count, false);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "books of pools", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller;

	SPI_connect();
	caller = MemoryContextSwitchTo(context);
	for (int first = 0; first < all.count; first += POOLS_AT_ONCE)
	{
		PoolSet		set = {&all.pools[first], Min(all.count - first, POOLS_AT_ONCE)};

		find_in_set(fits, count, &set, from, to, clock, preempting);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	SPI_finish();
	MemoryContextDelete(context);
}

/* The arrays that say what is looked for, element by element, in the order of the arguments. */
enum
{
	WANTED_POOL,
	WANTED_GUEST,
	WANTED_DEVICES,
	WANTED_DURATION,
	WANTED_SLOT,
	WANTED_ALLOWED,
	WANTED_ARRAYS
};

/* Takes the arrays apart; returns how many elements each has. */
static int
read_wanted(FunctionCallInfo fcinfo, Datum *values[WANTED_ARRAYS])
{
	int			count = 0;

	for (int i = 0; i < WANTED_ARRAYS; i++)
	{
		ArrayType  *array = PG_GETARG_ARRAYTYPE_P(i);
		bool	   *nulls;
		int			n;
		int16		size;
		bool		by_value;
		char		align;

		get_typlenbyvalalign(ARR_ELEMTYPE(array), &size, &by_value, &align);
		deconstruct_array(array, ARR_ELEMTYPE(array), size, by_value, align, &values[i], &nulls, &n);
		if ((i > 0 && n != count) || array_contains_nulls(array))
			ereport(ERROR,
					(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
					 errmsg("what is looked for needs a pool, devices, a duration, a slot and ranges each")));
		count = n;
	}
	return count;
}

/*
 * _first_fits(pools bigint[], guest boolean[], devices bigint[], durations interval[], slot_minutes integer[],
 *		allowed tstzmultirange[], period tstzrange, at timestamptz, preempting boolean) -> timestamptz[]
 *
 * _first_fit() of each element, in what is free of its pool in a period.  Not strict, for the same reason.
 */
PG_FUNCTION_INFO_V1(first_fits);
Datum
first_fits(PG_FUNCTION_ARGS)
{
	Datum	   *values[WANTED_ARRAYS];
	int			count;
	FirstFit   *fits;
	Datum	   *starts;
	bool	   *nulls;
	int64		from;
	int64		to;
	int			dims[1];
	int			bounds[] = {1};

	for (int i = 0; i < WANTED_ARRAYS + 3; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	count = read_wanted(fcinfo, values);
	if (count == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(TIMESTAMPTZOID));
	fits = palloc(count * sizeof(FirstFit));
	for (int i = 0; i < count; i++)
	{
		fits[i] = fit_of(values[WANTED_DEVICES][i], values[WANTED_DURATION][i], values[WANTED_SLOT][i], values[WANTED_ALLOWED][i]);
		fits[i].pool = DatumGetInt64(values[WANTED_POOL][i]);
		fits[i].guest = DatumGetBool(values[WANTED_GUEST][i]);
	}
	if (ProfilePeriod(PG_GETARG_DATUM(WANTED_ARRAYS), &from, &to))
		FindFirstFits(fits, count, from, to, PG_GETARG_TIMESTAMPTZ(WANTED_ARRAYS + 1), PG_GETARG_BOOL(WANTED_ARRAYS + 2));
	starts = palloc(count * sizeof(Datum));
	nulls = palloc(count * sizeof(bool));
	for (int i = 0; i < count; i++)
	{
		starts[i] = TimestampTzGetDatum(fits[i].start);
		nulls[i] = !fits[i].found;
	}
	dims[0] = count;
	PG_RETURN_ARRAYTYPE_P(construct_md_array(starts, nulls, 1, dims, bounds, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
