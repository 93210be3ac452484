/*
 * split_fit.c
 *		When several pools together have the devices for a request, and which of them cost least.
 *
 * Only at instants at which something becomes free can a set of pools have devices that it did not have, or have them for
 * less: these are looked at in their order.  At each, the fewest pools that have the devices are taken, and of sets of so
 * many the cheapest, by a search that leaves out what cannot be cheaper than what it has.  It ends when what is later
 * cannot be better than the offers that it has.
 */
#include "base/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "placement/placement_slot.h"
#include "profile/profile.h"
#include "profile/profile_object.h"
#include "profile/profile_period.h"
#include "profile/profile_query.h"

#define MOST_SITES		8
/* Sets looked at for one instant, and ways of sharing devices out looked at for one set: then what was found is taken. */
#define MOST_SETS		50000
#define MOST_SHARES		4096

/* A pool: what is free of it, in stretches that follow each other, and what is so throughout a time that moves on. */
typedef struct FitSite
{
	int64	   *from;			/* starts of stretches; the last has no end, and nothing is free in it */
	int64	   *free;			/* devices */
	int			count;
	int			next;			/* the first stretch that the time has not reached */
	int		   *lowest;			/* stretches in it, each lower than those after it: the first is the lowest */
	int			first;			/* of these, those from first on, */
	int			last;			/* before last */
	int64		granule;
	int64		most;			/* devices that are free of it at any time */
	double		unit;			/* money for a device */
	double		fixed;			/* money for a piece, however large */
	double		efficiency[MOST_SITES];	/* on 1, 2, ... sites; NaN: not known */
	int64		cap;			/* devices of it that can be had now */
} FitSite;

/* An offer. */
typedef struct Split
{
	int64		starts;
	double		objective;
	int			count;
	int			members[MOST_SITES];
	int64		devices[MOST_SITES];
} Split;

/* What is searched, and what was found. */
typedef struct Search
{
	int64		devices;
	int64		duration;
	int64		origin;
	double		delay;			/* money for a microsecond until the end */
	double		most_money;		/* what costs more is none */
	FitSite	   *sites;
	int			count;
	const double *between;		/* money for a pair, count x count; NULL: nothing goes between pieces */
	int		   *order;			/* the sites that can be used now, the cheapest first */
	int			usable;
	int64	   *room;			/* of each place in order, the largest cap from there on */
	int			wanted;			/* so many sites */
	int			chosen[MOST_SITES];
	int			sets;			/* looked at */
	int			shares;
	int64		share[MOST_SITES];	/* of the chosen sites */
	bool		divided;		/* there is a way to, the cheapest: */
	int64		division[MOST_SITES];
	double		money;
	bool		possible;		/* so many sites have the devices */
	double		fewer;			/* what fewer sites do, in devices */
	int			fewer_sites;
	double		does;			/* what a set that is not worth it does; 0: there is none */
	bool		found;
	Split		best;
} Search;

/* ---- what is free ---- */

/* Reads what is free of a pool. */
static void
take_site(FitSite *site, Datum free)
{
	ProfileSource source;
	ProfileSegments segments;
	ProfileSegment segment = {0};
	int			room = 64;

	ProfileOpen(&source, free, PROFILE_WHOLE);
	site->from = palloc(room * sizeof(int64));
	site->free = palloc(room * sizeof(int64));
	site->from[0] = PG_INT64_MIN;
	site->free[0] = 0;
	site->count = 1;
	ProfileOpenSegments(&segments, &source.start, PROFILE_BEGIN, PROFILE_END);
	for (bool more = true; more; site->count++)
	{
		int64		end = site->count == 1 ? PG_INT64_MIN : segment.to;

		if (site->count == room)
		{
			room *= 2;
			site->from = repalloc_huge(site->from, room * sizeof(int64));
			site->free = repalloc_huge(site->free, room * sizeof(int64));
		}
		more = ProfileNextSegment(&segments, &segment);
		site->from[site->count] = more ? segment.from : end;
		site->free[site->count] = more && segment.level > 0 ? (int64) (segment.level / DEVICE_UNITS) : 0;
		site->most = Max(site->most, site->free[site->count]);
	}
	if (segments.cursor.status != PROFILE_OK)
		ProfileRaise(segments.cursor.status, source.kind);
	site->lowest = MemoryContextAllocHuge(CurrentMemoryContext, site->count * sizeof(int));
}

/* Returns the devices that are free of a pool throughout a time, which begins no earlier than the one before. */
static int64
free_throughout(FitSite *site, int64 from, int64 to)
{
	for (; site->next < site->count && site->from[site->next] < to; site->next++)
	{
		while (site->last > site->first && site->free[site->lowest[site->last - 1]] >= site->free[site->next])
			site->last--;
		site->lowest[site->last++] = site->next;
	}
	/* a stretch ends where the next one begins */
	while (site->lowest[site->first] + 1 < site->count && site->from[site->lowest[site->first] + 1] <= from)
		site->first++;
	return site->free[site->lowest[site->first]];
}

/* Orders instants. */
static int
earlier_instant(const void *a, const void *b)
{
	int64		first = *(const int64 *) a;
	int64		second = *(const int64 *) b;

	return (first > second) - (first < second);
}

/* Returns the instants at which something becomes free, at starts of slots, in their order. */
static int64 *
instants(const Search *search, int64 slot, int64 *count)
{
	int64		room = 0;
	int64	   *all;
	int64		kept = 0;

	for (int i = 0; i < search->count; i++)
		room += search->sites[i].count;
	all = MemoryContextAllocHuge(CurrentMemoryContext, (room + 1) * sizeof(int64));
	room = 0;
	for (int i = 0; i < search->count; i++)
	{
		const FitSite *site = &search->sites[i];

		for (int j = 1; j < site->count; j++)
			/* within what instants are, to its end */
			if (site->free[j] > site->free[j - 1] && site->from[j] < PG_INT64_MAX - slot - search->duration)
				all[room++] = SlotFrom(site->from[j], slot);
	}
	qsort(all, room, sizeof(int64), earlier_instant);
	for (int64 i = 0; i < room; i++)
		if (kept == 0 || all[kept - 1] != all[i])
			all[kept++] = all[i];
	*count = kept;
	return all;
}

/* ---- which set, and how much of each ---- */

/*
 * Divides devices among the chosen sites from one on, which are in the order of what a device costs, so that it costs least:
 * each gets some, in multiples of its granule.
 */
static void
share_devices(Search *search, int place, int64 rest, double money)
{
	const FitSite *site = &search->sites[search->chosen[place]];
	bool		is_last = place + 1 == search->wanted;
	double		next = is_last ? 0 : search->sites[search->chosen[place + 1]].unit;
	int64		least = 0;
	int64		most = 0;

	for (int i = place + 1; i < search->wanted; i++)
	{
		least += search->sites[search->chosen[i]].granule;
		most += search->sites[search->chosen[i]].cap;
	}
	for (int64 share = Min(site->cap, rest - least) / site->granule * site->granule; share >= Max(site->granule, rest - most); share -= site->granule)
	{
		double		spent = money + site->unit * share;

		/* with less of this one it costs no less */
		if (++search->shares > MOST_SHARES || (search->divided && spent + next * (rest - share) >= search->money))
			return;
		search->share[place] = share;
		if (!is_last)
			share_devices(search, place + 1, rest - share, spent);
		else if (share == rest)
		{
			search->divided = true;
			search->money = spent;
			memcpy(search->division, search->share, sizeof(search->share));
		}
	}
}

/* Looks at a set that has been chosen. */
static void
judge_set(Search *search)
{
	double		efficiency = 1;
	double		money = 0;

	search->shares = 0;
	search->divided = false;
	share_devices(search, 0, search->devices, 0);
	if (!search->divided)
		return;
	search->possible = true;
	for (int i = 0; i < search->wanted; i++)
	{
		const FitSite *site = &search->sites[search->chosen[i]];

		efficiency = Min(efficiency, site->efficiency[search->wanted - 1]);
		money += site->fixed;
		for (int j = 0; search->between != NULL && j < search->wanted; j++)
			if (i != j)
				money += search->between[search->chosen[i] * search->count + search->chosen[j]];
	}
	money += search->money;
	/* fewer sites do as much */
	if (efficiency * search->devices <= search->fewer)
	{
		search->does = Max(search->does, efficiency * search->devices);
		return;
	}
	if (isinf(money) || money > search->most_money || (search->found && money >= search->best.objective))
		return;
	search->found = true;
	search->best.objective = money;
	search->best.count = search->wanted;
	for (int i = 0; i < search->wanted; i++)
	{
		search->best.members[i] = search->chosen[i];
		search->best.devices[i] = search->division[i];
	}
}

/* Chooses the sites from one on, out of those from a place in the order on; the devices that are missing, and the money so far. */
static void
choose(Search *search, int chosen, int place, int64 missing, double money)
{
	if (chosen == search->wanted)
	{
		if (missing <= 0)
			judge_set(search);
		return;
	}
	for (; place + search->wanted - chosen <= search->usable; place++)
	{
		int			index = search->order[place];
		const FitSite *site = &search->sites[index];
		double		spent = money + site->fixed + site->unit * Min(site->cap, Max(missing, 0));
		int64		rest = missing - site->cap;

		/* what comes after it has no more room, and costs no less */
		if (missing > search->room[place] * (search->wanted - chosen) || search->sets >= MOST_SETS ||
			(search->found && money + site->unit * Max(missing, 0) >= search->best.objective))
			return;
		search->sets++;
		for (int i = 0; search->between != NULL && i < chosen; i++)
			spent += search->between[search->chosen[i] * search->count + index] + search->between[index * search->count + search->chosen[i]];
		if (search->found && spent >= search->best.objective)
			continue;
		search->chosen[chosen] = index;
		choose(search, chosen + 1, place + 1, rest, spent);
	}
}

/* Returns how many devices so many sites have at the most, of those whose efficiency is known and not below one; caps are those of now. */
static int64
most_devices(const Search *search, int sites, double efficiency)
{
	int64		largest[MOST_SITES] = {0};
	int64		sum = 0;

	for (int i = 0; i < search->count; i++)
	{
		int64		cap = search->sites[i].cap;

		if (!(search->sites[i].efficiency[sites - 1] >= efficiency))
			continue;
		for (int j = 0; j < sites; j++)
		{
			if (cap > largest[j])
			{
				int64		smaller = largest[j];

				largest[j] = cap;
				cap = smaller;
			}
		}
	}
	for (int j = 0; j < sites; j++)
		sum += largest[j];
	return Min(sum, search->devices);
}

/* Takes the sites that can be used for so many into their order, and what fewer do. */
static void
set_out(Search *search, int wanted)
{
	search->wanted = wanted;
	search->usable = search->sets = 0;
	search->possible = search->found = false;
	search->fewer = 0;
	for (int i = 0; i < search->count; i++)
	{
		const FitSite *site = &search->sites[i];
		int			place = search->usable;

		for (int sites = 1; sites < wanted; sites++)
		{
			double		does = isnan(site->efficiency[sites - 1]) ? 0 :
				site->efficiency[sites - 1] * most_devices(search, sites, site->efficiency[sites - 1]);

			if (does > search->fewer)
			{
				search->fewer = does;
				search->fewer_sites = sites;
			}
		}
		if (isnan(site->efficiency[wanted - 1]) || site->cap == 0)
			continue;
		for (; place > 0 && search->sites[search->order[place - 1]].unit > site->unit; place--)
			search->order[place] = search->order[place - 1];
		search->order[place] = i;
		search->usable++;
	}
	for (int place = search->usable - 1; place >= 0; place--)
		search->room[place] = Max(search->sites[search->order[place]].cap, place + 1 < search->usable ? search->room[place + 1] : 0);
}

/* ---- offers ---- */

/* Keeps an offer among so many of the best, each set once; returns how many there are. */
static int
keep_split(Split *splits, int count, int most, const Split *split)
{
	int			place;

	for (int i = 0; i < count; i++)
	{
		if (splits[i].count != split->count || memcmp(splits[i].members, split->members, split->count * sizeof(int)) != 0)
			continue;
		if (splits[i].objective <= split->objective)
			return count;
		memmove(&splits[i], &splits[i + 1], (--count - i) * sizeof(Split));
		break;
	}
	for (place = count; place > 0 && splits[place - 1].objective > split->objective; place--)
		;
	if (place == most)
		return count;
	count = Min(count + 1, most);
	memmove(&splits[place + 1], &splits[place], (count - 1 - place) * sizeof(Split));
	splits[place] = *split;
	return count;
}

/* Returns what the devices cost at the least, whenever it is. */
static double
least_money(Search *search)
{
	int64		missing = search->devices;
	double		money = 0;

	for (int i = 0; i < search->count; i++)
		search->sites[i].cap = Min(search->sites[i].most, search->devices);
	for (int i = 0; i < search->count; i++)
	{
		int			cheapest = -1;

		for (int j = 0; j < search->count; j++)
			if (search->sites[j].cap > 0 && (cheapest < 0 || search->sites[j].unit < search->sites[cheapest].unit))
				cheapest = j;
		if (cheapest < 0 || missing == 0)
			break;
		money += search->sites[cheapest].unit * Min(missing, search->sites[cheapest].cap);
		missing -= Min(missing, search->sites[cheapest].cap);
		search->sites[cheapest].cap = 0;
	}
	return money;
}

/* Looks for the best set at an instant: of as few sites as have the devices, which are not fewer than `fewest`. */
static bool
search_instant(Search *search, int64 at, int fewest, int sites)
{
	for (int i = 0; i < search->count; i++)
	{
		FitSite	   *site = &search->sites[i];
		int64		free = free_throughout(site, at, at + search->duration);

		site->cap = Min(free, search->devices) / site->granule * site->granule;
		if (site->cap == search->devices)
			return false;
	}
	for (int wanted = 2; wanted <= sites; wanted++)
	{
		if (most_devices(search, wanted, 0) < search->devices)
			continue;
		set_out(search, wanted);
		choose(search, 0, 0, search->devices, 0);
		if (search->possible)
			return search->found && wanted >= fewest;
	}
	return false;
}

/* Returns the elements of an array without NULLs; of so many, unless that is negative. */
static Datum *
elements(FunctionCallInfo fcinfo, int argument, Oid type, int *count)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(argument);
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *values;
	bool	   *nulls;
	int			n;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &values, &nulls, &n);
	if ((type != InvalidOid && ARR_ELEMTYPE(array) != type) || (*count >= 0 && *count != n))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arrays of pools are of one length")));
	for (int i = 0; i < n; i++)
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("arrays of pools have no NULLs")));
	*count = n;
	return values;
}

/* Reads the sites. */
static void
take_sites(FunctionCallInfo fcinfo, Search *search)
{
	int			count = -1;
	Datum	   *free = elements(fcinfo, 10, InvalidOid, &count);
	Datum	   *granules = elements(fcinfo, 11, INT4OID, &count);
	Datum	   *units = elements(fcinfo, 12, FLOAT8OID, &count);
	Datum	   *fixed = elements(fcinfo, 13, FLOAT8OID, &count);
	int			each = count * MOST_SITES;
	int			pairs = count * count;
	Datum	   *efficiencies = elements(fcinfo, 14, FLOAT8OID, &each);

	search->count = count;
	search->sites = palloc0((count + 1) * sizeof(FitSite));
	search->order = palloc((count + 1) * sizeof(int));
	search->room = palloc((count + 1) * sizeof(int64));
	for (int i = 0; i < count; i++)
	{
		FitSite	   *site = &search->sites[i];

		site->granule = Max(DatumGetInt32(granules[i]), 1);
		site->unit = DatumGetFloat8(units[i]);
		site->fixed = DatumGetFloat8(fixed[i]);
		for (int k = 0; k < MOST_SITES; k++)
			site->efficiency[k] = DatumGetFloat8(efficiencies[i * MOST_SITES + k]);
		take_site(site, free[i]);
	}
	if (ARR_NDIM(PG_GETARG_ARRAYTYPE_P(15)) > 0)
	{
		Datum	   *between = elements(fcinfo, 15, FLOAT8OID, &pairs);
		double	   *money = MemoryContextAllocHuge(CurrentMemoryContext, (pairs + 1) * sizeof(double));

		for (int i = 0; i < pairs; i++)
			money[i] = DatumGetFloat8(between[i]);
		search->between = money;
	}
}

/* Makes an array of integers. */
static Datum
integers(const int64 *values, int count)
{
	Datum	   *datums = palloc(count * sizeof(Datum));

	for (int i = 0; i < count; i++)
		datums[i] = Int64GetDatum(values[i]);
	return PointerGetDatum(construct_array(datums, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Returns the offers that were found as rows; or, if there is none because fewer sites do as much, a row that says so. */
static void
return_splits(FunctionCallInfo fcinfo, const Split *splits, int count, double does, double fewer, int wanted, int fewer_sites)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	for (int i = 0; i < count; i++)
	{
		int64		members[MOST_SITES];
		Datum		values[4];
		bool		nulls[4] = {false, false, false, true};

		for (int j = 0; j < splits[i].count; j++)
			members[j] = splits[i].members[j] + 1;
		values[0] = TimestampTzGetDatum(splits[i].starts);
		values[1] = integers(members, splits[i].count);
		values[2] = integers(splits[i].devices, splits[i].count);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	if (count == 0 && does > 0)
	{
		Datum		values[4] = {0};
		bool		nulls[4] = {true, true, true, false};
		char	   *what = fewer_sites == 1 ? pstrdup("one does") : psprintf("%d do", fewer_sites);

		values[3] = CStringGetTextDatum(psprintf("%d sites do %.10g of %.10g that %s", wanted, does, fewer, what));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/*
 * _split_fits(devices bigint, duration interval, slot_minutes integer, fewest integer, sites integer, most integer, origin timestamptz,
 *		delay double precision, most_money double precision, deadline timestamptz, free device_profile[], granules integer[],
 *		units double precision[], fixed double precision[], efficiencies double precision[], pairs double precision[])
 *		-> (starts timestamptz, members bigint[], devices bigint[], reason text)
 */
PG_FUNCTION_INFO_V1(split_fits);
Datum
split_fits(PG_FUNCTION_ARGS)
{
	Search		search = {0};
	int64		slot;
	int			fewest;
	int			sites;
	int			most;
	TimestampTz deadline;
	Split	   *splits;
	int			count = 0;
	int			in_time = 0;	/* of these, those that keep the deadline come first */
	double		does = 0;
	double		fewer = 0;
	int			wanted = 0;
	int			fewer_sites = 0;
	int64	   *times;
	int64		ntimes;
	double		least;

	InitMaterializedSRF(fcinfo, 0);
	/* not strict, for the reason that _first_fit() is not */
	for (int i = 0; i < 16; i++)
		if (PG_ARGISNULL(i))
			return (Datum) 0;
	search.devices = PG_GETARG_INT64(0);
	search.duration = ProfileFixedInterval(PG_GETARG_INTERVAL_P(1), "duration");
	slot = PG_GETARG_INT32(2) * USECS_PER_MINUTE;
	fewest = PG_GETARG_INT32(3);
	sites = PG_GETARG_INT32(4);
	most = PG_GETARG_INT32(5);
	search.origin = PG_GETARG_TIMESTAMPTZ(6);
	search.delay = PG_GETARG_FLOAT8(7);
	search.most_money = PG_GETARG_FLOAT8(8);
	deadline = PG_GETARG_TIMESTAMPTZ(9);
	if (search.devices <= 0 || slot <= 0 || sites > MOST_SITES || most < 1 || most > 1000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("numbers of devices, sites or offers cannot be")));
	take_sites(fcinfo, &search);
	splits = palloc0((most + 1) * sizeof(Split));
	least = least_money(&search);
	times = instants(&search, slot, &ntimes);
	for (int64 i = 0; i < ntimes; i++)
	{
		int			first;
		double		waits = search.delay * ((double) times[i] + search.duration - search.origin);

		CHECK_FOR_INTERRUPTS();
		/* what keeps the deadline stays before what does not */
		first = times[i] + search.duration <= deadline ? 0 : in_time;
		/* what is later cannot be better */
		if (count == most && (first == most || least + waits >= splits[most - 1].objective))
			break;
		search.does = 0;
		if (search_instant(&search, times[i], fewest, sites))
		{
			search.best.starts = times[i];
			search.best.objective += waits;
			count = first + keep_split(splits + first, count - first, most - first, &search.best);
			in_time = first == 0 ? count : in_time;
		}
		else if (search.does > does)
		{
			does = search.does;
			fewer = search.fewer;
			wanted = search.wanted;
			fewer_sites = search.fewer_sites;
		}
	}
	return_splits(fcinfo, splits, count, does, fewer, wanted, fewer_sites);
	return (Datum) 0;
}
