/*
 * profile.c
 *		Events of a profile: adding, sorting, adding up.
 *
 * Part of the pure core (see profile.h).
 */
#include "c.h"

#include "profile.h"

/* Below this, insertion beats counting. */
#define SORT_SMALL		32
/* Above this (1 MB of events), split by leading bits first, to sort in the cache. */
#define SORT_LARGE		65536
#define SORT_MAX_DIGIT	11

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
	/* The first time it is known how many there will be. */
	if (room == 0)
		room = more;
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

/* Adds the two events of every interval to the items. */
static void
expand(ProfileEvents *events, const ProfileInterval *intervals, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		int64		level = intervals[i].level;

		events->items[events->count].at = intervals[i].from;
		events->items[events->count++].delta = level;
		if (unlikely(level == PG_INT64_MIN))
		{
			/* -level does not fit */
			ProfileAddWide(events, intervals[i].to, -(int128) level);
			continue;
		}
		events->items[events->count].at = intervals[i].to;
		events->items[events->count++].delta = -level;
	}
}

/* Makes events of all intervals. */
static void
expand_intervals(ProfileEvents *events)
{
	if (events->pending_count == 0 && events->pieces == NULL)
		return;
	ProfileReserve(events, 2 * (events->piece_intervals + events->pending_count));
	expand(events, events->pending, events->pending_count);
	while (events->pieces != NULL)
	{
		ProfilePiece *piece = events->pieces;

		expand(events, piece->intervals, piece->count);
		events->pieces = piece->next;
		events->resize(events->context, piece, 0);
	}
	events->pending_count = 0;
	events->piece_intervals = 0;
}

/* Whether nothing was added so far. */
bool
ProfileIsEmpty(const ProfileEvents *events)
{
	return events->count == 0 && events->pending_count == 0 && events->pieces == NULL;
}

/* Appends to a list of high parts. */
static void
add_high(ProfileEvents *events, ProfileEvent **highs, size_t *count, size_t *room, int64 at, int64 delta)
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

/* Splits a change in its low and high parts. */
static inline void
split_delta(int128 delta, int64 *low, int64 *high)
{
	if ((int64) delta == delta)
	{
		*low = (int64) delta;
		*high = 0;
		return;
	}
	*high = (int64) (delta >> PROFILE_HIGH_SHIFT);
	*low = (int64) (delta - ((int128) *high * PROFILE_HIGH_UNIT));
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
	split_delta(delta, &low, &high);
	events->items[events->count].at = at;
	events->items[events->count].delta = low;
	events->count++;
	if (high != 0)
		add_high(events, &events->highs, &events->high_count, &events->high_room, at, high);
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

/*
 * Moves events from one array to the other in the order of one digit of their
 * instants.  False, with nothing moved, if all have the same digit.
 */
static bool
scatter(const ProfileEvent *from, ProfileEvent *to, size_t count,
		int64 base, int shift, int width, size_t *start)
{
	size_t		digits = (size_t) 1 << width;
	uint64		mask = digits - 1;
	size_t		sum = 0;

	memset(start, 0, digits * sizeof(size_t));
	for (size_t i = 0; i < count; i++)
		start[(ProfileDistance(base, from[i].at) >> shift) & mask]++;
	if (start[(ProfileDistance(base, from[0].at) >> shift) & mask] == count)
		return false;
	for (size_t d = 0; d < digits; d++)
	{
		size_t		n = start[d];

		start[d] = sum;
		sum += n;
	}
	for (size_t i = 0; i < count; i++)
		to[start[(ProfileDistance(base, from[i].at) >> shift) & mask]++] = from[i];
	return true;
}

/*
 * Sorts by bits [shift, shift + bits) of the distance from base: radix sort, by
 * leading digit until a part fits in the cache and from there by trailing digits.
 * The result is left in items, or in other if into_other.
 */
static void
radix_sort(ProfileEvent *items, ProfileEvent *other, size_t count,
		   int64 base, int shift, int bits, bool into_other)
{
	size_t		start[1 << SORT_MAX_DIGIT];
	bool		in_other = false;

	if (count <= SORT_SMALL)
		insertion_sort(items, count);
	else if (count > SORT_LARGE && bits > 8)
	{
		int			rest = bits - 8;

		if (!scatter(items, other, count, base, shift + rest, 8, start))
		{
			radix_sort(items, other, count, base, shift, rest, into_other);
			return;
		}
		/* each start is now its part's end */
		for (size_t d = 0, from = 0; d < 256; from = start[d++])
		{
			if (start[d] > from)
				radix_sort(other + from, items + from, start[d] - from, base, shift, rest, !into_other);
		}
		return;
	}
	else
	{
		int			widest = count < 4096 ? 8 : SORT_MAX_DIGIT;
		int			passes = (bits + widest - 1) / widest;

		for (int pass = 0, done = 0; pass < passes; pass++)
		{
			int			width = (bits - done) / (passes - pass);

			if (scatter(in_other ? other : items, in_other ? items : other, count,
						base, shift + done, width, start))
				in_other = !in_other;
			done += width;
		}
	}
	if (in_other != into_other)
		memcpy(into_other ? other : items, into_other ? items : other, count * sizeof(ProfileEvent));
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

/* Sorts events by instant.  scratch has room for as many. */
void
ProfileSortEvents(ProfileEvent *items, size_t count, ProfileEvent *scratch)
{
	int64		lowest;
	int64		highest;
	uint64		differ = 0;
	size_t		runs = 1;
	size_t		middle = 0;
	int			shift = 0;
	int			bits = 0;

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
		merge_runs(items, middle, count, scratch);
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
	radix_sort(items, scratch, count, lowest, shift, bits - shift, false);
}

/* Whether events are in order. */
static bool
is_sorted(const ProfileEvent *items, size_t count)
{
	for (size_t i = 1; i < count; i++)
	{
		if (items[i].at < items[i - 1].at)
			return false;
	}
	return true;
}

/* Sorts a list, with scratch space of its own. */
static void
sort_list(ProfileEvents *events, ProfileEvent *items, size_t count)
{
	ProfileEvent *scratch;

	if (is_sorted(items, count))
		return;
	if (count <= SORT_SMALL)
	{
		insertion_sort(items, count);
		return;
	}
	scratch = events->resize(events->context, NULL, count * sizeof(ProfileEvent));
	ProfileSortEvents(items, count, scratch);
	events->resize(events->context, scratch, 0);
}

/*
 * Brings events in their normal form: sorted, one an instant, none zero.  After an
 * overflow they are good for nothing.
 */
ProfileStatus
ProfileNormalize(ProfileEvents *events)
{
	ProfileEvent *items;
	ProfileEvent *highs = NULL;
	size_t		high_count = 0;
	size_t		high_room = 0;
	size_t		out = 0;
	size_t		h = 0;

	if (events->normal)
		return PROFILE_OK;
	expand_intervals(events);
	items = events->items;
	sort_list(events, items, events->count);
	sort_list(events, events->highs, events->high_count);

	for (size_t i = 0; i < events->count;)
	{
		int64		at = items[i].at;
		int128		delta = items[i++].delta;
		int64		low;
		int64		high;

		while (i < events->count && items[i].at == at)
			delta += items[i++].delta;

		if (h < events->high_count && events->highs[h].at == at)
		{
			int128		sum = 0;

			while (h < events->high_count && events->highs[h].at == at)
				sum += events->highs[h++].delta;
			if ((int64) sum != sum)
				return PROFILE_OVERFLOW;
			delta += sum * PROFILE_HIGH_UNIT;
			if (delta >= 2 * PROFILE_LEVEL_LIMIT || delta <= -2 * PROFILE_LEVEL_LIMIT)
				return PROFILE_OVERFLOW;
		}
		if (delta == 0)
			continue;
		split_delta(delta, &low, &high);
		items[out].at = at;
		items[out++].delta = low;
		if (high != 0)
			add_high(events, &highs, &high_count, &high_room, at, high);
	}
	events->count = out;
	if (events->highs != NULL)
		events->resize(events->context, events->highs, 0);
	events->highs = highs;
	events->high_count = high_count;
	events->high_room = high_room;
	events->normal = true;
	return PROFILE_OK;
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
	return true;
}

/* Finds the lowest and highest level of normal events, zero included. */
ProfileStatus
ProfileLevelRange(const ProfileEvents *events, int128 *lowest, int128 *highest)
{
	int128		level = 0;
	size_t		h = 0;

	*lowest = *highest = 0;
	for (size_t i = 0; i < events->count; i++)
	{
		level += events->items[i].delta;
		if (h < events->high_count && events->highs[h].at == events->items[i].at)
			level += (int128) events->highs[h++].delta * PROFILE_HIGH_UNIT;
		if (level < *lowest)
			*lowest = level;
		if (level > *highest)
			*highest = level;
		if (level >= PROFILE_LEVEL_LIMIT || level <= -PROFILE_LEVEL_LIMIT)
			return PROFILE_OVERFLOW;
	}
	return PROFILE_OK;
}
