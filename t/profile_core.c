/*
 * profile_core.c
 *		Compares the pure core of profiles with sums over the intervals themselves.
 *
 * Usage: profile_core ROUNDS SEED.  Every round makes random intervals (few or many,
 * dense or sparse, with narrow or wide levels), encodes and decodes them, and asks
 * every question of both forms; then it damages the stored form, which may give any
 * answer but must not read beyond the bytes (the caller compiles with sanitizers).
 * And it deals the intervals out to many, whose runs have to come to the same.
 */
#include "c.h"

#include "profile/profile_normal.h"
#include "profile/profile_query.h"
#include "profile/profile_run.h"

#include "core_test.h"

#define MOST	4000

typedef struct Interval
{
	int64		from;
	int64		to;
	int128		level;
} Interval;

static Interval intervals[MOST];
static int	interval_count;

/* Gives a copy of just the bytes asked for, so that a read beyond them is seen. */
static const uint8 *
fetch(void *context, size_t offset, size_t length)
{
	static uint8 *copies[8];
	static int	next;

	next = (next + 1) % 8;
	free(copies[next]);
	copies[next] = malloc(length > 0 ? length : 1);
	memcpy(copies[next], (uint8 *) context + offset, length);
	return copies[next];
}

/* Opens bytes as a stored profile. */
static ProfileStatus
open_flat(ProfileFlat *flat, uint8 *bytes, size_t size)
{
	ProfileStatus status = ProfileFlatHeader(flat, bytes, size, size);

	flat->fetch = fetch;
	flat->context = bytes;
	if (status == PROFILE_OK && flat->steps > 0)
		flat->directory = bytes + PROFILE_HEADER_SIZE;
	return status;
}

/* Makes empty events. */
static ProfileEvents
no_events(void)
{
	ProfileEvents events;

	memset(&events, 0, sizeof(events));
	events.normal = true;
	events.resize = resize;
	return events;
}

/* Frees events. */
static void
free_events(ProfileEvents *events)
{
	free(events->items);
	free(events->highs);
}

/* Returns the level at an instant, from the intervals. */
static int128
level_at(int64 at)
{
	int128		level = 0;

	for (int i = 0; i < interval_count; i++)
	{
		if (intervals[i].from <= at && at < intervals[i].to)
			level += intervals[i].level;
	}
	return level;
}

/* Whether two normal events are the same. */
static bool
same_events(const ProfileEvents *a, const ProfileEvents *b)
{
	return a->normal && b->normal && a->count == b->count && a->high_count == b->high_count &&
		(a->count == 0 || memcmp(a->items, b->items, a->count * sizeof(ProfileEvent)) == 0) &&
		(a->high_count == 0 || memcmp(a->highs, b->highs, a->high_count * sizeof(ProfileEvent)) == 0);
}

/* All instants, in order, and the level from each on: found without the core. */
static int64 instants[2 * MOST];
static int128 levels[2 * MOST];
static int	instant_count;

static int
compare_instants(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return (left > right) - (left < right);
}

static void
find_levels(void)
{
	int			kept = 0;

	instant_count = 0;
	for (int i = 0; i < interval_count; i++)
	{
		instants[instant_count++] = intervals[i].from;
		instants[instant_count++] = intervals[i].to;
	}
	qsort(instants, instant_count, sizeof(int64), compare_instants);
	for (int i = 0; i < instant_count; i++)
	{
		int128		level;

		if (i > 0 && instants[i] == instants[i - 1])
			continue;
		level = level_at(instants[i]);
		if (level == (kept == 0 ? 0 : levels[kept - 1]))
			continue;
		instants[kept] = instants[i];
		levels[kept++] = level;
	}
	instant_count = kept;
}

/* Checks every question about one window. */
static void
check_window(const ProfileCursor *events, const ProfileCursor *flat, int64 from, int64 to, bool wide, uint64 span)
{
	const ProfileCursor *forms[2] = {events, flat};
	uint128		integral = 0;
	uint64		busy = 0;
	int128		peak = 0;
	bool		any = false;

	if (instant_count == 0 || from < instants[0] || to > instants[instant_count - 1])
		any = true;
	for (int i = 0; i + 1 < instant_count; i++)
	{
		int64		begin = Max(instants[i], from);
		int64		end = Min(instants[i + 1], to);

		if (begin >= end)
			continue;
		integral += (uint128) levels[i] * ((uint64) end - (uint64) begin);
		if (levels[i] > 0)
			busy += (uint64) end - (uint64) begin;
		if (!any || levels[i] > peak)
			peak = levels[i];
		any = true;
	}
	for (int form = 0; form < 2; form++)
	{
		int128		number;
		uint64		length;
		ProfileStatus status = ProfileIntegral(forms[form], from, to, &number);

		CHECK(status == PROFILE_OK ? number == (int128) integral : wide);
		CHECK(ProfilePeak(forms[form], from, to, &number) == PROFILE_OK && number == peak);
		CHECK(ProfileBusy(forms[form], from, to, &length) == PROFILE_OK && length == busy);
	}

	for (int form = 0; form < 2; form++)
	{
		ProfileEvents clipped = no_events();
		ProfileCursor cursor;
		int64		probe = from == PROFILE_BEGIN || to == PROFILE_END ? 0 : from + (int64) below((uint64) to - (uint64) from);
		int128		level;

		CHECK(ProfileClip(forms[form], from, to, &clipped) == PROFILE_OK);
		ProfileStartEvents(&cursor, &clipped);
		CHECK(ProfileLevelAt(&cursor, probe, &level) == PROFILE_OK);
		CHECK(level == (probe >= from && probe < to ? level_at(probe) : 0));
		CHECK(ProfileLevelAt(&cursor, from == PROFILE_BEGIN ? from : from - 1, &level) == PROFILE_OK && level == 0);
		CHECK(ProfileLevelAt(&cursor, to, &level) == PROFILE_OK && level == 0);
		free_events(&clipped);
	}

	if (from != PROFILE_BEGIN && to != PROFILE_END)
	{
		uint64		length = (uint64) to - (uint64) from;
		int64		step = 1 + (int64) below(length);
		uint64		samples;
		uint64		target = 1 + below(length);

		/* at most some hundred samples */
		step = Max(step, (int64) (length / 300 + 1));
		samples = (length - 1) / step + 1;
		for (int form = 0; form < 2; form++)
		{
			uint64		at_most = 0;
			uint64		less = 0;
			int64		at = from;
			int128		level;

			CHECK(ProfilePercentile(forms[form], from, to, target, resize, NULL, &level) == PROFILE_OK);
			for (int i = -1; i < instant_count; i++)
			{
				int64		end = i + 1 < instant_count ? Min(instants[i + 1], to) : to;
				int128		here = i < 0 ? 0 : levels[i];

				if (end <= at)
					continue;
				if (here <= level)
					at_most += (uint64) end - (uint64) at;
				if (here < level)
					less += (uint64) end - (uint64) at;
				at = end;
			}
			CHECK(at_most >= target && less < target);
		}
		target = 1 + below(samples);
		for (int form = 0; form < 2; form++)
		{
			uint64		at_most = 0;
			uint64		less = 0;
			int128		level;

			CHECK(ProfileSampledPercentile(forms[form], from, to, step, target, resize, NULL, &level) == PROFILE_OK);
			for (uint64 i = 0; i < samples; i++)
			{
				int128		here = level_at(from + (int64) i * step);

				at_most += here <= level;
				less += here < level;
			}
			CHECK(at_most >= target && less < target);
		}
	}

	/* Where there is room. */
	{
		int128		need = 1 + (int128) below(40) * (below(2) ? DEVICE_UNITS : 1);
		int64		duration = 1 + (int64) (below(span) >> (below(2) * below(20)));
		bool		running = false;
		bool		found = false;
		int64		begin = 0;

		if (wide)
			need *= (int128) 1 << below(80);
		for (int i = 0; i + 1 < instant_count && !found; i++)
		{
			int64		a = Max(instants[i], from);
			int64		b = Min(instants[i + 1], to);

			if (a >= b)
				continue;
			if (levels[i] >= need && !running)
				begin = a;
			running = levels[i] >= need;
			found = running && (uint64) b - (uint64) begin >= (uint64) duration;
		}
		for (int form = 0; form < 2; form++)
		{
			int64		at;
			bool		fits;

			CHECK(ProfileEarliestFit(forms[form], need, duration, from, to, &at, &fits) == PROFILE_OK);
			CHECK(fits == found && (!found || at == begin));
		}
	}
}

/* Damages stored bytes and asks questions. */
static void
damage(const uint8 *bytes, size_t size, int64 from, int64 to)
{
	size_t		length = below(5) ? size : below(size);
	uint8	   *copy = malloc(length > 0 ? length : 1);
	ProfileFlat flat;

	memcpy(copy, bytes, length);
	for (uint64 flips = 1 + below(4); flips > 0 && length > 0; flips--)
		copy[below(length)] ^= (uint8) (1 << below(8));
	if (open_flat(&flat, copy, length) == PROFILE_OK)
	{
		ProfileCursor cursor;
		ProfileEvents events = no_events();
		int128		number;
		int64		at;
		bool		found;

		ProfileStartFlat(&cursor, &flat, 0);
		(void) ProfilePeak(&cursor, from, to, &number);
		(void) ProfileLevelAt(&cursor, from, &number);
		(void) ProfileIntegral(&cursor, from, to, &number);
		(void) ProfileEarliestFit(&cursor, 1, 10, from, to, &at, &found);
		(void) ProfileDecode(&flat, &events, false);
		free_events(&events);
	}
	free(copy);
}

/* Adds a copy of a run, of exactly its size, to events; damaged it may be refused. */
static bool
add_run(ProfileEvents *events, const uint8 *bytes, size_t size)
{
	uint8	   *copy = malloc(size > 0 ? size : 1);
	ProfileStatus status;

	memcpy(copy, bytes, size);
	status = ProfileAddRun(events, copy, size);
	free(copy);
	return status == PROFILE_OK;
}

/* Adds runs of shares of the intervals and compares what they come to with the whole. */
static void
combine_runs(const ProfileEvents *whole)
{
	ProfileEvents sum = no_events();
	ProfileEvents copy = no_events();
	int			shares = 1 + (int) below(below(2) ? 3 : 40);

	for (int share = 0; share < shares; share++)
	{
		ProfileEvents part = no_events();
		ProfileRun *run;

		for (int i = share; i < interval_count; i += shares)
			CHECK(ProfileAddInterval(&part, intervals[i].from, intervals[i].to, intervals[i].level));
		if (below(20) == 0)
		{
			/* not every share has to be a run */
			for (int i = share; i < interval_count; i += shares)
				CHECK(ProfileAddInterval(&sum, intervals[i].from, intervals[i].to, intervals[i].level));
		}
		else
		{
			ProfileEvents again = no_events();

			CHECK(ProfileNormalize(&part) == PROFILE_OK);
			CHECK(ProfileRunEncode(&part, 0, 0, resize, NULL, &run) == PROFILE_OK);
			CHECK(add_run(&sum, run->bytes, run->size));
			ProfileSetRun(&again, run);
			CHECK(ProfileNormalize(&again) == PROFILE_OK && same_events(&again, &part));
			CHECK(again.lowest == part.lowest && again.highest == part.highest);
			free_events(&again);
		}
		ProfileClear(&part);
		if (below(50) == 0)
			CHECK(ProfileNormalize(&sum) == PROFILE_OK);
	}
	if (sum.count == 0 && sum.high_count == 0)
	{
		CHECK(ProfileNormalCopy(&sum, &copy) == PROFILE_OK && same_events(&copy, whole));
		CHECK(copy.lowest == whole->lowest && copy.highest == whole->highest);
	}
	CHECK(ProfileNormalize(&sum) == PROFILE_OK && same_events(&sum, whole));
	CHECK(sum.lowest == whole->lowest && sum.highest == whole->highest);
	free_events(&copy);
	free_events(&sum);
}

/* Damages a run and adds it up beside one that is whole. */
static void
damage_run(const ProfileEvents *events)
{
	ProfileEvents sum = no_events();
	ProfileRun *run;
	uint8	   *copy;
	size_t		length;

	CHECK(ProfileRunEncode(events, 0, 0, resize, NULL, &run) == PROFILE_OK);
	length = below(5) ? run->size : below(run->size);
	copy = malloc(length > 0 ? length : 1);
	memcpy(copy, run->bytes, length);
	for (uint64 flips = 1 + below(4); flips > 0 && length > 0; flips--)
		copy[below(2) ? below(length) : below(Min(length, PROFILE_RUN_HEADER_SIZE))] ^= (uint8) (1 << below(8));
	if (below(2))
		CHECK(add_run(&sum, run->bytes, run->size));
	(void) add_run(&sum, copy, length);
	(void) ProfileNormalize(&sum);
	ProfileClear(&sum);
	free(copy);
	free(run);
}

/* One round. */
static void
round_trip(int round)
{
	uint64		span = (uint64) 1 << (3 + below(58));
	int64		unit = below(3) ? 1 : 1000000;
	int64		base = below(10) ? (int64) below(1000000000) : INT64CONST(-211813488000000000);
	bool		wide = below(4) == 0;
	ProfileEvents events = no_events();
	ProfileEvents decoded = no_events();
	ProfileFlat flat;
	ProfileCursor event_cursor;
	ProfileCursor flat_cursor;
	uint8	   *encoded;
	uint8	   *again;
	uint8	   *bytes;
	size_t		size;
	size_t		again_size;

	interval_count = (int) below(round % 10 == 0 ? MOST : 60);
	for (int i = 0; i < interval_count; i++)
	{
		Interval   *interval = &intervals[i];

		interval->from = base + (int64) below(span) / unit * unit;
		interval->to = interval->from + 1 + (int64) below(span) / unit * unit;
		interval->level = (int) below(20) - 4;
		if (below(2))
			interval->level *= DEVICE_UNITS;
		if (wide)
			interval->level *= (int128) 1 << below(80);
		CHECK(ProfileAddInterval(&events, interval->from, interval->to, interval->level));
		if (below(100) == 0)
			CHECK(ProfileNormalize(&events) == PROFILE_OK);
	}
	CHECK(ProfileNormalize(&events) == PROFILE_OK);
	find_levels();
	CHECK(events.count == (size_t) instant_count);
	for (int i = 0; i < instant_count; i++)
		CHECK(events.items[i].at == instants[i]);

	CHECK(ProfileEncode(&events, 0, 0, resize, NULL, 4, &encoded, &size) == PROFILE_OK);
	size -= 4;
	bytes = malloc(size);
	memcpy(bytes, encoded + 4, size);
	free(encoded);
	CHECK(open_flat(&flat, bytes, size) == PROFILE_OK);
	CHECK(ProfileDecode(&flat, &decoded, false) == PROFILE_OK && same_events(&events, &decoded));
	CHECK(ProfileEncode(&decoded, 0, 0, resize, NULL, 4, &again, &again_size) == PROFILE_OK);
	CHECK(again_size == size + 4 && memcmp(again + 4, bytes, size) == 0);
	free(again);

	/* A profile less itself is nothing, from either form. */
	CHECK(ProfileDecode(&flat, &decoded, true) == PROFILE_OK);
	CHECK(ProfileNormalize(&decoded) == PROFILE_OK && decoded.count == 0 && decoded.high_count == 0);
	CHECK(ProfileAppend(&decoded, &events, false) && ProfileAppend(&decoded, &events, true));
	CHECK(ProfileNormalize(&decoded) == PROFILE_OK && decoded.count == 0 && decoded.high_count == 0);

	ProfileStartEvents(&event_cursor, &events);
	ProfileStartFlat(&flat_cursor, &flat, 0);
	for (int probe = 0; probe < 20; probe++)
	{
		int64		at = interval_count > 0 && below(2)
			? (below(2) ? intervals[below(interval_count)].from : intervals[below(interval_count)].to) - (int64) below(2)
			: base + (int64) below(span);
		int64		to = interval_count > 0 && below(2)
			? intervals[below(interval_count)].to : at + 1 + (int64) below(span);
		int64		from = Min(at, to);
		int128		level;

		CHECK(ProfileLevelAt(&event_cursor, at, &level) == PROFILE_OK && level == level_at(at));
		CHECK(ProfileLevelAt(&flat_cursor, at, &level) == PROFILE_OK && level == level_at(at));
		to = Max(Max(at, to), from + 1);
		check_window(&event_cursor, &flat_cursor, below(10) ? from : PROFILE_BEGIN,
					 below(10) ? to : PROFILE_END, wide, span);
	}
	for (int i = 0; i < 20; i++)
		damage(bytes, size, base, base + (int64) span);
	for (int i = 0; i < 5; i++)
		combine_runs(&events);
	for (int i = 0; i < 20; i++)
		damage_run(&events);
	free(bytes);
	free_events(&events);
	free_events(&decoded);
}

/* A profile with too many steps is refused before any of them is looked at. */
static void
check_limit(void)
{
	ProfileEvents events;
	uint8	   *encoded;
	ProfileRun *run;
	size_t		size;

	memset(&events, 0, sizeof(events));
	events.normal = true;
	events.count = PROFILE_MAX_STEPS + 1;
	CHECK(ProfileEncode(&events, 0, 0, resize, NULL, 4, &encoded, &size) == PROFILE_TOO_LARGE);
	CHECK(ProfileRunEncode(&events, 0, 0, resize, NULL, &run) == PROFILE_TOO_LARGE);
}

int
main(int argc, char **argv)
{
	int			rounds = argc > 1 ? atoi(argv[1]) : 100;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	check_limit();
	for (int round = 0; round < rounds; round++)
		round_trip(round);
	printf("%d rounds\n", rounds);
	return 0;
}
