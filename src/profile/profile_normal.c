/*
 * profile_normal.c
 *		The normal form of events, and what many have sorted merged into one.
 *
 * Part of the pure core (see profile.h).
 */
#include "c.h"

#include "profile/profile_normal.h"
#include "profile/profile_run.h"

/* So many runs are merged; more are sorted, which takes no longer. */
#define MERGE_MOST		16

/* Keeps a copy of a run, to be merged with what else there is. */
ProfileStatus
ProfileAddRun(ProfileEvents *events, const uint8 *bytes, size_t size)
{
	ProfileRun *run;
	uint32		count;
	uint32		highs;
	ProfileStatus status = ProfileRunCheck(bytes, size, &count, &highs);

	if (status != PROFILE_OK)
		return status;
	run = events->resize(events->context, NULL, offsetof(ProfileRun, bytes) + size);
	run->next = events->runs;
	run->size = size;
	memcpy(run->bytes, bytes, size);
	events->runs = run;
	events->run_count++;
	events->run_events += count;
	events->normal = false;
	return PROFILE_OK;
}

/* Frees the pieces and the runs and forgets what was pending. */
static void
drop_unsorted(ProfileEvents *events)
{
	while (events->pieces != NULL)
	{
		ProfilePiece *piece = events->pieces;

		events->pieces = piece->next;
		events->resize(events->context, piece, 0);
	}
	events->pending_count = 0;
	events->piece_intervals = 0;
	while (events->runs != NULL)
	{
		ProfileRun *run = events->runs;

		events->runs = run->next;
		events->resize(events->context, run, 0);
	}
	events->run_count = 0;
	events->run_events = 0;
}

/* Frees all that a list holds. */
void
ProfileClear(ProfileEvents *events)
{
	drop_unsorted(events);
	events->items = events->resize(events->context, events->items, 0);
	events->highs = events->resize(events->context, events->highs, 0);
	events->count = events->room = events->high_count = events->high_room = 0;
	events->normal = true;
	events->ranged = false;
}

/* Makes a run of a list's own all that it holds. */
void
ProfileSetRun(ProfileEvents *events, ProfileRun *run)
{
	uint32		count;
	uint32		highs;

	ProfileClear(events);
	(void) ProfileRunCheck(run->bytes, run->size, &count, &highs);
	events->runs = run;
	events->run_count = 1;
	events->run_events = count;
	events->normal = false;
}

/* Adds up sorted events that come in chunks, and writes what they come to. */
typedef struct Sum
{
	ProfileEvents *events;		/* gets the sums; its high parts are sorted */
	size_t		out;
	bool		open;			/* the events at the last instant may go on */
	int64		at;
	int128		delta;
	int128		level;			/* after all instants before */
	size_t		next_high;
	ProfileEvent *highs;		/* high parts of the sums */
	size_t		high_count;
	size_t		high_room;
} Sum;

/* Starts to add up. */
static void
start_sum(Sum *sum, ProfileEvents *events)
{
	ProfileSortEvents(events->highs, events->high_count, events->resize, events->context);
	memset(sum, 0, sizeof(Sum));
	sum->events = events;
	events->lowest = events->highest = 0;
}

/* Adds the high parts of an instant to its change. */
static ProfileStatus
add_high_parts(Sum *sum, int64 at, int128 *delta)
{
	ProfileEvents *events = sum->events;
	int128		parts = 0;

	while (sum->next_high < events->high_count && events->highs[sum->next_high].at == at)
		parts += events->highs[sum->next_high++].delta;
	if ((int64) parts != parts)
		return PROFILE_OVERFLOW;
	*delta += parts * PROFILE_HIGH_UNIT;
	if (*delta >= 2 * PROFILE_LEVEL_LIMIT || *delta <= -2 * PROFILE_LEVEL_LIMIT)
		return PROFILE_OVERFLOW;
	return PROFILE_OK;
}

/*
 * Writes what the events of an instant come to, unless that is nothing.  On the way it
 * finds the lowest and highest level.
 */
static inline ProfileStatus
close_instant(Sum *sum, int64 at, int128 delta)
{
	ProfileEvents *events = sum->events;
	ProfileEvent *item;
	int64		high;

	if (unlikely(sum->next_high < events->high_count) && events->highs[sum->next_high].at == at)
	{
		ProfileStatus status = add_high_parts(sum, at, &delta);

		if (status != PROFILE_OK)
			return status;
	}
	if (delta == 0)
		return PROFILE_OK;
	sum->level += delta;
	if (unlikely(sum->level >= PROFILE_LEVEL_LIMIT || sum->level <= -PROFILE_LEVEL_LIMIT))
		return PROFILE_OVERFLOW;
	events->lowest = Min(events->lowest, sum->level);
	events->highest = Max(events->highest, sum->level);
	item = &events->items[sum->out++];
	item->at = at;
	ProfileSplitDelta(delta, &item->delta, &high);
	if (unlikely(high != 0))
		ProfileAddHigh(events, &sum->highs, &sum->high_count, &sum->high_room, at, high);
	return PROFILE_OK;
}

/*
 * Adds as much of a chunk as 64 bits and no high parts will do for, which is mostly all
 * of it and takes half the time; returns how many events that were.
 */
static size_t
sum_narrow(Sum *sum, const ProfileEvent *items, size_t count)
{
	ProfileEvents *events = sum->events;
	ProfileEvent *out = events->items + sum->out;
	int64		at = sum->at;
	int64		delta = (int64) sum->delta;
	int64		level = (int64) sum->level;
	int64		lowest = PG_INT64_MAX;
	int64		highest = PG_INT64_MIN;
	size_t		i = 0;

	if (sum->delta != delta || sum->level != level || sum->next_high < events->high_count)
		return 0;
	for (; i < count; i++)
	{
		ProfileEvent item = items[i];
		int64		next;

		if (unlikely(item.at == at))
		{
			if (unlikely(__builtin_add_overflow(delta, item.delta, &next)))
				break;
			delta = next;
			continue;
		}
		if (unlikely(__builtin_add_overflow(level, delta, &next)))
			break;
		level = next;
		lowest = Min(lowest, level);
		highest = Max(highest, level);
		out->at = at;
		out->delta = delta;
		out += delta != 0;
		at = item.at;
		delta = item.delta;
	}
	sum->out = out - events->items;
	sum->at = at;
	sum->delta = delta;
	sum->level = level;
	events->lowest = Min(events->lowest, lowest);
	events->highest = Max(events->highest, highest);
	return i;
}

/* Adds a chunk, which may be where the sums are written: they never overtake it. */
static ProfileStatus
sum_events(Sum *sum, const ProfileEvent *items, size_t count)
{
	size_t		i = 0;
	int64		at;
	int128		delta;

	if (count == 0)
		return PROFILE_OK;
	if (!sum->open)
	{
		sum->open = true;
		sum->at = items[0].at;
		sum->delta = items[0].delta;
		i = 1;
	}
	i += sum_narrow(sum, items + i, count - i);
	at = sum->at;
	delta = sum->delta;
	for (; i < count; i++)
	{
		ProfileEvent item = items[i];

		if (item.at == at)
			delta += item.delta;
		else
		{
			ProfileStatus status = close_instant(sum, at, delta);

			if (unlikely(status != PROFILE_OK))
				return status;
			at = item.at;
			delta = item.delta;
		}
	}
	sum->at = at;
	sum->delta = delta;
	return PROFILE_OK;
}

/* Ends adding up: the events are normal. */
static ProfileStatus
finish_sum(Sum *sum)
{
	ProfileEvents *events = sum->events;
	ProfileStatus status = sum->open ? close_instant(sum, sum->at, sum->delta) : PROFILE_OK;

	if (status != PROFILE_OK)
		return status;
	/* a high part where no event is can only come from damage */
	if (sum->next_high < events->high_count)
		return PROFILE_CORRUPT;
	events->count = sum->out;
	if (events->highs != NULL)
		events->resize(events->context, events->highs, 0);
	events->highs = sum->highs;
	events->high_count = sum->high_count;
	events->high_room = sum->high_room;
	events->normal = true;
	events->ranged = true;
	return PROFILE_OK;
}

/* Adds the high parts of all runs to those of a list. */
static void
add_run_highs(const ProfileRun *runs, ProfileEvents *into)
{
	for (const ProfileRun *run = runs; run != NULL; run = run->next)
	{
		uint32		count;
		const uint8 *highs = ProfileRunHighs(run->bytes, run->size, &count);

		for (uint32 i = 0; i < count; i++)
		{
			ProfileEvent high;

			memcpy(&high, highs + i * sizeof(ProfileEvent), sizeof(ProfileEvent));
			ProfileAddHigh(into, &into->highs, &into->high_count, &into->high_room, high.at, high.delta);
		}
	}
}

/* Adds the events of all runs to the items of a list. */
static ProfileStatus
expand_runs(const ProfileRun *runs, ProfileEvents *into)
{
	ProfileStream *stream = into->resize(into->context, NULL, sizeof(ProfileStream));
	ProfileStatus status = PROFILE_OK;

	for (const ProfileRun *run = runs; run != NULL && status == PROFILE_OK; run = run->next)
	{
		size_t		count;

		ProfileStreamRun(stream, run->bytes);
		while ((count = ProfileStreamRead(stream)) > 0)
		{
			memcpy(into->items + into->count, stream->next, count * sizeof(ProfileEvent));
			into->count += count;
		}
		status = stream->status;
	}
	into->resize(into->context, stream, 0);
	return status;
}

/* Merges the runs of one list into another, or itself, that has room and is otherwise empty. */
static ProfileStatus
merge_into(const ProfileEvents *from, ProfileEvents *into)
{
	ProfileStream *streams = into->resize(into->context, NULL, 2 * from->run_count * sizeof(ProfileStream));
	ProfileStatus status = PROFILE_OK;
	int			made = 0;
	Sum			sum;

	for (const ProfileRun *run = from->runs; run != NULL; run = run->next)
		ProfileStreamRun(&streams[made++], run->bytes);
	/* Two by two, until one is left, the last: streams that are merged already stand at the end. */
	for (int next = 0; next + 1 < made; next += 2)
	{
		ProfileStreamMerge(&streams[made], &streams[next], &streams[next + 1]);
		made++;
	}

	start_sum(&sum, into);
	while (status == PROFILE_OK)
	{
		size_t		count = ProfileStreamRead(&streams[made - 1]);

		if (count == 0)
		{
			status = streams[made - 1].status;
			break;
		}
		status = sum_events(&sum, streams[made - 1].next, count);
	}
	if (status == PROFILE_OK)
		status = finish_sum(&sum);
	into->resize(into->context, streams, 0);
	return status;
}

/*
 * Makes the normal form of all that one list holds, in another that is empty, or in
 * itself: sorted, those of one instant added up, those that come to nothing dropped.
 */
static ProfileStatus
bring_together(const ProfileEvents *from, ProfileEvents *into)
{
	ProfileStatus status = PROFILE_OK;
	Sum			sum;

	add_run_highs(from->runs, into);
	if (into->count == 0 && from->pieces == NULL && from->pending_count == 0 &&
		from->run_count > 0 && from->run_count <= MERGE_MOST)
	{
		ProfileReserve(into, from->run_events);
		return merge_into(from, into);
	}
	ProfileExpandIntervals(from, into);
	if (from->runs != NULL)
	{
		ProfileReserve(into, from->run_events);
		status = expand_runs(from->runs, into);
	}
	if (status != PROFILE_OK)
		return status;
	ProfileSortEvents(into->items, into->count, into->resize, into->context);
	start_sum(&sum, into);
	status = sum_events(&sum, into->items, into->count);
	return status == PROFILE_OK ? finish_sum(&sum) : status;
}

/*
 * Brings events in their normal form: sorted, one an instant, none zero.  After an
 * overflow they are good for nothing.
 */
ProfileStatus
ProfileNormalize(ProfileEvents *events)
{
	ProfileStatus status;

	if (events->normal)
		return PROFILE_OK;
	if (events->pieces != NULL && events->pending_count > 0)
		ProfileFlush(events);
	status = bring_together(events, events);
	drop_unsorted(events);
	return status;
}

/*
 * Makes the normal form of events that are intervals and runs only, and leaves those as
 * they are.
 */
ProfileStatus
ProfileNormalCopy(const ProfileEvents *from, ProfileEvents *into)
{
	return bring_together(from, into);
}
