/*
 * profile.c
 *		Events of a profile: adding and sorting.
 *
 * Part of the pure core (see profile.h).
 */
#include "c.h"

#include "profile/profile.h"

/* Below this, insertion beats counting. */
#define SORT_SMALL		32
/* Above this (256 kB of events), split by leading bits first.  A test lowers it. */
#ifndef SORT_LARGE
#define SORT_LARGE		16384
#endif
#define SORT_MAX_DIGIT	11

/* Room for so many items, or more, is a power of two. */
#define RESERVE_LARGE	4096

/* Bytes of the first and of the largest pieces of intervals. */
#define FIRST_PIECE_SIZE	1024
#define LAST_PIECE_SIZE		(1024 * 1024)

/* Makes room for so many more items. */
void
ProfileReserve(ProfileEvents *events, size_t more)
{
	size_t		room = events->room;

	if (events->count + more <= room)
		return;
	/*
	 * The first time it is known how many there will be.  If many, a power of two: the
	 * memory of one group then fits the next, and pages that nobody touches cost nothing.
	 */
	if (room == 0)
		room = more < RESERVE_LARGE ? more : RESERVE_LARGE;
	while (room < events->count + more)
		room *= 2;
	events->items = events->resize(events->context, events->items, room * sizeof(ProfileEvent));
	events->room = room;
}

/* Moves what is pending to the pieces. */
void
ProfileFlush(ProfileEvents *events)
{
	ProfilePiece *piece = events->pieces;
	int			done = 0;

	while (done < events->pending_count)
	{
		size_t		count = events->pending_count - done;

		if (piece == NULL || piece->count == piece->room)
		{
			size_t		size = FIRST_PIECE_SIZE;

			/* A piece fills a power of two, as allocators like it. */
			while (piece != NULL && size < LAST_PIECE_SIZE && size <= piece->room * sizeof(ProfileInterval))
				size *= 4;
			piece = events->resize(events->context, NULL, size);
			piece->next = events->pieces;
			piece->count = 0;
			piece->room = (size - offsetof(ProfilePiece, intervals)) / sizeof(ProfileInterval);
			events->pieces = piece;
		}
		if (count > piece->room - piece->count)
			count = piece->room - piece->count;
		memcpy(piece->intervals + piece->count, events->pending + done, count * sizeof(ProfileInterval));
		piece->count += count;
		done += (int) count;
	}
	events->piece_intervals += events->pending_count;
	events->pending_count = 0;
}

/* Whether nothing was added so far. */
bool
ProfileIsEmpty(const ProfileEvents *events)
{
	return events->count == 0 && events->pending_count == 0 && events->pieces == NULL && events->runs == NULL;
}

/* Appends to a list of high parts. */
void
ProfileAddHigh(ProfileEvents *events, ProfileEvent **highs, size_t *count, size_t *room, int64 at, int64 delta)
{
	if (*count == *room)
	{
		*room = *room ? *room * 2 : 8;
		*highs = events->resize(events->context, *highs, *room * sizeof(ProfileEvent));
	}
	(*highs)[*count].at = at;
	(*highs)[*count].delta = delta;
	(*count)++;
}

/* Adds a change that may not fit in 64 bits; false if it is out of range. */
bool
ProfileAddWide(ProfileEvents *events, int64 at, int128 delta)
{
	int64		low;
	int64		high;

	if (delta >= 2 * PROFILE_LEVEL_LIMIT || delta <= -2 * PROFILE_LEVEL_LIMIT)
		return false;
	ProfileReserve(events, 1);
	ProfileSplitDelta(delta, &low, &high);
	events->items[events->count].at = at;
	events->items[events->count].delta = low;
	events->count++;
	if (high != 0)
		ProfileAddHigh(events, &events->highs, &events->high_count, &events->high_room, at, high);
	events->normal = false;
	return true;
}

/* Sorts a few events in place. */
static void
insertion_sort(ProfileEvent *items, size_t count)
{
	for (size_t i = 1; i < count; i++)
	{
		ProfileEvent item = items[i];
		size_t		j = i;

		for (; j > 0 && items[j - 1].at > item.at; j--)
			items[j] = items[j - 1];
		items[j] = item;
	}
}

/* Returns a digit of an event's distance from base. */
static inline size_t
radix_digit(const ProfileEvent *item, int64 base, int shift, int width)
{
	return (ProfileDistance(base, item->at) >> shift) & (((uint64) 1 << width) - 1);
}

/*
 * Counts events by digit and finds where each digit's part begins; false if all
 * have the same digit.
 */
static bool
find_parts(const ProfileEvent *items, size_t count, int64 base, int shift, int width, size_t *start)
{
	size_t		digits = (size_t) 1 << width;
	size_t		sum = 0;

	memset(start, 0, digits * sizeof(size_t));
	for (size_t i = 0; i < count; i++)
		start[radix_digit(&items[i], base, shift, width)]++;
	if (start[radix_digit(&items[0], base, shift, width)] == count)
		return false;
	for (size_t d = 0; d < digits; d++)
	{
		size_t		n = start[d];

		start[d] = sum;
		sum += n;
	}
	return true;
}

/*
 * Sorts by bits [shift, shift + bits), by trailing digits first, with scratch space.
 */
static void
sort_trailing(ProfileEvent *items, ProfileEvent *scratch, size_t count, int64 base, int shift, int bits)
{
	size_t		start[1 << SORT_MAX_DIGIT];
	int			widest = count < 1024 ? 8 : SORT_MAX_DIGIT;
	int			passes = (bits + widest - 1) / widest;
	ProfileEvent *from = items;
	ProfileEvent *to = scratch;

	for (int pass = 0, done = 0; pass < passes; pass++)
	{
		int			width = (bits - done) / (passes - pass);

		if (find_parts(from, count, base, shift + done, width, start))
		{
			ProfileEvent *other = from;

			for (size_t i = 0; i < count; i++)
				to[start[radix_digit(&from[i], base, shift + done, width)]++] = from[i];
			from = to;
			to = other;
		}
		done += width;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(ProfileEvent));
}

/* Sorts what is nearly sorted; gives up, and says so, when it turns out not to be. */
static bool
finish_sorting(ProfileEvent *items, size_t count)
{
	size_t		moves = 4 * count;

	for (size_t i = 1; i < count; i++)
	{
		ProfileEvent item = items[i];
		size_t		j = i;

		if (items[i - 1].at <= item.at)
			continue;
		do
		{
			items[j] = items[j - 1];
			j--;
		} while (j > 0 && items[j - 1].at > item.at);
		items[j] = item;
		if (i - j >= moves)
			return false;
		moves -= i - j;
	}
	return true;
}

/*
 * Sorts what fits in the cache.  A few more leading bits than it takes to number
 * the events put nearly all in their place: where instants are spread, the rest of
 * the bits need no pass.
 */
static void
sort_part(ProfileEvent *items, ProfileEvent *scratch, size_t count, int64 base, int shift, int bits)
{
	int			leading = 4;

	while (((size_t) 1 << (leading - 4)) < count)
		leading++;
	if (bits > leading + 8)
	{
		sort_trailing(items, scratch, count, base, shift + bits - leading, leading);
		if (finish_sorting(items, count))
			return;
	}
	sort_trailing(items, scratch, count, base, shift, bits);
}

/*
 * Sorts by bits [shift, shift + bits) of the distance from base.  What does not fit
 * in the cache is first split in place by its leading digit, so that the scratch
 * space is never large: for a group of a hundred million events it would be gigabytes.
 */
static void
radix_sort(ProfileEvent *items, ProfileEvent *scratch, size_t count, int64 base, int shift, int bits)
{
	size_t		start[257];
	size_t		next[256];
	int			width = bits < 8 ? bits : 8;
	int			rest = bits - width;
	size_t		parts = (size_t) 1 << width;
	bool		placed;

	if (count <= SORT_SMALL)
	{
		insertion_sort(items, count);
		return;
	}
	if (count <= SORT_LARGE)
	{
		sort_part(items, scratch, count, base, shift, bits);
		return;
	}
	if (bits <= 0)
		return;
	if (!find_parts(items, count, base, shift + rest, width, start))
	{
		radix_sort(items, scratch, count, base, shift, rest);
		return;
	}
	start[parts] = count;
	memcpy(next, start, parts * sizeof(size_t));

	/*
	 * Round after round, every event that a part still holds without having placed it
	 * is swapped to where its own part goes on.  Following one event after the other
	 * to its place takes fewer swaps, but each has to wait for the one before.
	 */
	do
	{
		placed = true;
		for (size_t part = 0; part < parts; part++)
		{
			for (size_t i = next[part]; i < start[part + 1]; i++)
			{
				ProfileEvent item = items[i];
				size_t		place = next[radix_digit(&item, base, shift + rest, width)]++;

				items[i] = items[place];
				items[place] = item;
			}
			placed = placed && next[part] == start[part + 1];
		}
	} while (!placed);
	for (size_t part = 0; part < parts; part++)
	{
		if (start[part + 1] - start[part] > 1)
			radix_sort(items + start[part], scratch, start[part + 1] - start[part], base, shift, rest);
	}
}

/* Merges two sorted runs, the first ending where the second begins. */
static void
merge_runs(ProfileEvent *items, size_t middle, size_t count, ProfileEvent *scratch)
{
	size_t		a = 0;
	size_t		b = middle;
	size_t		out = 0;

	/* Only the first run has to be moved away. */
	memcpy(scratch, items, middle * sizeof(ProfileEvent));
	while (a < middle && b < count)
	{
		if (scratch[a].at <= items[b].at)
			items[out++] = scratch[a++];
		else
			items[out++] = items[b++];
	}
	memcpy(items + out, scratch + a, (middle - a) * sizeof(ProfileEvent));
}

/* Sorts events by instant. */
void
ProfileSortEvents(ProfileEvent *items, size_t count, ProfileResize resize, void *context)
{
	int64		lowest;
	int64		highest;
	uint64		differ = 0;
	size_t		runs = 1;
	size_t		middle = 0;
	int			shift = 0;
	int			bits = 0;
	ProfileEvent *scratch;

	if (count < 2)
		return;
	lowest = highest = items[0].at;
	for (size_t i = 1; i < count; i++)
	{
		int64		at = items[i].at;

		if (at < items[i - 1].at)
		{
			runs++;
			middle = i;
		}
		lowest = at < lowest ? at : lowest;
		highest = at > highest ? at : highest;
		differ |= ProfileDistance(items[0].at, at);
	}
	if (runs == 1)
		return;
	if (runs == 2)
	{
		scratch = resize(context, NULL, middle * sizeof(ProfileEvent));
		merge_runs(items, middle, count, scratch);
		resize(context, scratch, 0);
		return;
	}
	if (count <= SORT_SMALL)
	{
		insertion_sort(items, count);
		return;
	}

	/*
	 * Trailing zeros of all distances from one item are trailing zeros of the
	 * distances from the lowest, too: they need no pass.
	 */
	while (((differ >> shift) & 1) == 0)
		shift++;
	while (bits < 64 && (ProfileDistance(lowest, highest) >> bits) != 0)
		bits++;
	scratch = resize(context, NULL, (count < SORT_LARGE ? count : SORT_LARGE) * sizeof(ProfileEvent));
	radix_sort(items, scratch, count, lowest, shift, bits - shift);
	resize(context, scratch, 0);
}

/* Writes the two events of an interval. */
static inline void
put_events(ProfileEvent *begin, ProfileEvent *end, const ProfileInterval *interval)
{
	begin->at = interval->from;
	begin->delta = interval->level;
	end->at = interval->to;
	end->delta = -interval->level;
}

/*
 * Makes events of the intervals in pieces, for a list that has room but holds
 * nothing else: a large number of them goes right to the part that its leading
 * digit says, and then part by part is sorted.
 */
static void
expand_sorted(const ProfilePiece *pieces, ProfileEvents *into)
{
	size_t		start[257];
	size_t		next[256];
	int64		lowest = PG_INT64_MAX;
	int64		highest = PG_INT64_MIN;
	int			bits = 0;
	int			rest;
	ProfileEvent *scratch;

	for (const ProfilePiece *piece = pieces; piece != NULL; piece = piece->next)
	{
		for (size_t i = 0; i < piece->count; i++)
		{
			lowest = Min(lowest, piece->intervals[i].from);
			highest = Max(highest, piece->intervals[i].to);
		}
	}
	while (bits < 64 && (ProfileDistance(lowest, highest) >> bits) != 0)
		bits++;
	rest = bits > 8 ? bits - 8 : 0;

	memset(start, 0, sizeof(start));
	for (const ProfilePiece *piece = pieces; piece != NULL; piece = piece->next)
	{
		for (size_t i = 0; i < piece->count; i++)
		{
			start[(ProfileDistance(lowest, piece->intervals[i].from) >> rest) + 1]++;
			start[(ProfileDistance(lowest, piece->intervals[i].to) >> rest) + 1]++;
		}
	}
	for (int part = 0; part < 256; part++)
		start[part + 1] += start[part];
	memcpy(next, start, sizeof(next));
	for (const ProfilePiece *piece = pieces; piece != NULL; piece = piece->next)
	{
		for (size_t i = 0; i < piece->count; i++)
		{
			const ProfileInterval *interval = &piece->intervals[i];
			ProfileEvent *begin = &into->items[next[ProfileDistance(lowest, interval->from) >> rest]++];
			ProfileEvent *end = &into->items[next[ProfileDistance(lowest, interval->to) >> rest]++];

			put_events(begin, end, interval);
		}
	}
	into->count = start[256];

	scratch = into->resize(into->context, NULL, SORT_LARGE * sizeof(ProfileEvent));
	for (int part = 0; part < 256; part++)
		radix_sort(into->items + start[part], scratch, start[part + 1] - start[part], lowest, 0, rest);
	into->resize(into->context, scratch, 0);
}

/* Adds events of the intervals of one list to the items of another, or of itself. */
void
ProfileExpandIntervals(const ProfileEvents *from, ProfileEvents *into)
{
	bool		large = into->count == 0 && from->pending_count == 0 && 2 * from->piece_intervals > SORT_LARGE;

	ProfileReserve(into, 2 * (from->piece_intervals + from->pending_count));
	if (large)
	{
		expand_sorted(from->pieces, into);
		return;
	}
	for (int i = 0; i < from->pending_count; i++, into->count += 2)
		put_events(&into->items[into->count], &into->items[into->count + 1], &from->pending[i]);
	for (const ProfilePiece *piece = from->pieces; piece != NULL; piece = piece->next)
	{
		for (size_t i = 0; i < piece->count; i++, into->count += 2)
			put_events(&into->items[into->count], &into->items[into->count + 1], &piece->intervals[i]);
	}
}

/* Adds all events of one profile, or of its negative, to another's. */
bool
ProfileAppend(ProfileEvents *into, const ProfileEvents *from, bool negate)
{
	bool		normal = ProfileIsEmpty(into) && from->normal;
	size_t		h = 0;

	if (from->count == 0)
		return true;
	ProfileReserve(into, from->count);
	if (from->high_count == 0 && !negate)
	{
		memcpy(into->items + into->count, from->items, from->count * sizeof(ProfileEvent));
		into->count += from->count;
	}
	else if (from->high_count == 0)
	{
		for (size_t i = 0; i < from->count; i++)
		{
			if (!ProfileAdd(into, from->items[i].at, -(int128) from->items[i].delta))
				return false;
		}
	}
	else
	{
		/* The parts are independent: each is added by itself. */
		for (size_t i = 0; i < from->count; i++)
		{
			int128		delta = from->items[i].delta;

			if (!ProfileAdd(into, from->items[i].at, negate ? -delta : delta))
				return false;
		}
		for (; h < from->high_count; h++)
		{
			int128		delta = (int128) from->highs[h].delta * PROFILE_HIGH_UNIT;

			if (!ProfileAddWide(into, from->highs[h].at, negate ? -delta : delta))
				return false;
		}
		normal = false;
	}
	into->normal = normal;
	into->ranged = false;
	return true;
}

/* Finds the lowest and highest level of normal events, zero included. */
ProfileStatus
ProfileLevelRange(ProfileEvents *events)
{
	int128		level = 0;
	size_t		h = 0;

	if (events->ranged)
		return PROFILE_OK;
	events->lowest = events->highest = 0;
	for (size_t i = 0; i < events->count; i++)
	{
		level += events->items[i].delta;
		if (h < events->high_count && events->highs[h].at == events->items[i].at)
			level += (int128) events->highs[h++].delta * PROFILE_HIGH_UNIT;
		events->lowest = Min(events->lowest, level);
		events->highest = Max(events->highest, level);
		if (level >= PROFILE_LEVEL_LIMIT || level <= -PROFILE_LEVEL_LIMIT)
			return PROFILE_OVERFLOW;
	}
	events->ranged = true;
	return PROFILE_OK;
}
