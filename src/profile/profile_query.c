/*
 * profile_query.c
 *		Questions to a profile.
 *
 * Part of the pure core (see profile.h).  Every window is half-open, [from, to),
 * and not empty; PROFILE_BEGIN and PROFILE_END stand for unbounded.
 */
#include "c.h"

#include "profile/profile_query.h"

/* A level and for how many microseconds it holds: for percentiles. */
typedef struct ProfileWeight
{
	int128		level;
	uint64		weight;
} ProfileWeight;

/* Moves a cursor so that the first step it reads is at or before an instant. */
static void
seek(ProfileCursor *cursor, int64 at)
{
	const ProfileFlat *flat = cursor->flat;

	if (flat != NULL && flat->blocks > 0)
		ProfileStartFlat(cursor, flat, ProfileFindBlock(flat, at));
}

/* Starts to read the stretches that overlap a window. */
void
ProfileOpenSegments(ProfileSegments *segments, const ProfileCursor *start, int64 from, int64 to)
{
	segments->cursor = *start;
	segments->chunk.count = 0;
	segments->index = 0;
	segments->from = from;
	segments->to = to;
	segments->begun = false;
	segments->at = 0;
	segments->level = 0;
	if (from != PROFILE_BEGIN)
		seek(&segments->cursor, from);
}

/*
 * Reads the next stretch: from the first to the last instant they follow each
 * other without a gap, those of level zero included.  False at the end, or when
 * the cursor has a status that is not OK.
 */
bool
ProfileNextSegment(ProfileSegments *segments, ProfileSegment *segment)
{
	for (;;)
	{
		int64		at;
		int128		level = segments->level;

		if (segments->index == segments->chunk.count)
		{
			if (!ProfileRead(&segments->cursor, &segments->chunk))
				return false;
			segments->index = 0;
		}
		at = segments->chunk.at[segments->index];
		segments->level = segments->chunk.level[segments->index++];
		segment->from = Max(segments->at, segments->from);
		segment->to = Min(at, segments->to);
		segment->level = level;
		segments->at = at;
		if (!segments->begun)
			segments->begun = true;
		else if (segment->from < segment->to)
			return true;
		else if (segment->from >= segments->to)
			return false;
	}
}

/* Finds the first and last instant; first = last = 0 if there are none. */
ProfileStatus
ProfileExtent(const ProfileCursor *start, int64 *first, int64 *last)
{
	*first = *last = 0;
	if (start->flat != NULL)
	{
		if (start->flat->steps > 0)
		{
			*first = ProfileBlockFirst(start->flat, 0);
			*last = start->flat->last;
		}
	}
	else if (start->events->count > 0)
	{
		*first = start->events->items[0].at;
		*last = start->events->items[start->events->count - 1].at;
	}
	return PROFILE_OK;
}

/* Finds the highest level in a window: zero where there is no step. */
ProfileStatus
ProfilePeak(const ProfileCursor *start, int64 from, int64 to, int128 *peak)
{
	const ProfileFlat *flat = start->flat;
	ProfileCursor cursor = *start;
	ProfileSegments segments;
	ProfileSegment segment;
	int64		first;
	int64		last;
	bool		any = false;

	if (start->events != NULL && start->events->ranged && from == PROFILE_BEGIN && to == PROFILE_END)
	{
		*peak = start->events->highest;
		return PROFILE_OK;
	}
	ProfileExtent(start, &first, &last);
	if (first == last || from < first || to > last)
	{
		any = true;
		*peak = 0;
	}

	/*
	 * Whole blocks of a stored profile answer by their entry in the directory.
	 * The last block's counts the zero that follows it: it is read, unless that
	 * zero is in the window.
	 */
	if (flat != NULL && flat->blocks > 0)
	{
		uint32		next = from == PROFILE_BEGIN ? 0 : ProfileFindBlock(flat, from);

		for (; next < flat->blocks && ProfileBlockFirst(flat, next) < to; next++)
		{
			int64		end = next + 1 < flat->blocks ? ProfileBlockFirst(flat, next + 1) : last;
			ProfileBlock block;

			ProfileGetBlock(flat, next, &block);
			if (any && block.highest <= *peak)
				continue;
			if (block.first >= from && end <= to && (next + 1 < flat->blocks || to > last))
			{
				*peak = block.highest;
				any = true;
				continue;
			}
			ProfileStartFlat(&cursor, flat, next);
			ProfileOpenSegments(&segments, &cursor, PROFILE_BEGIN, Min(end, to));
			segments.from = from;
			while (ProfileNextSegment(&segments, &segment))
			{
				if (!any || segment.level > *peak)
					*peak = segment.level;
				any = true;
			}
			if (segments.cursor.status != PROFILE_OK)
				return segments.cursor.status;
		}
		return PROFILE_OK;
	}

	ProfileOpenSegments(&segments, start, from, to);
	while (ProfileNextSegment(&segments, &segment))
	{
		if (!any || segment.level > *peak)
			*peak = segment.level;
		any = true;
	}
	return segments.cursor.status;
}

/* Finds the lowest level in a window: zero where there is no step. */
ProfileStatus
ProfileLowest(const ProfileCursor *start, int64 from, int64 to, int128 *lowest)
{
	ProfileSegments segments;
	ProfileSegment segment;
	int64		at = from;
	bool		any = false;

	*lowest = 0;
	ProfileOpenSegments(&segments, start, from, to);
	while (ProfileNextSegment(&segments, &segment))
	{
		/* the first stretch may begin later */
		if (!any && segment.from == from)
			*lowest = segment.level;
		*lowest = Min(*lowest, segment.level);
		any = true;
		at = segment.to;
	}
	if (at < to)
		*lowest = Min(*lowest, 0);
	return segments.cursor.status;
}

/* Finds the level at an instant. */
ProfileStatus
ProfileLevelAt(const ProfileCursor *start, int64 at, int128 *level)
{
	ProfileCursor cursor = *start;
	ProfileChunk chunk;

	*level = 0;
	seek(&cursor, at);
	while (ProfileRead(&cursor, &chunk))
	{
		for (int i = 0; i < chunk.count; i++)
		{
			if (chunk.at[i] > at)
				return PROFILE_OK;
			*level = chunk.level[i];
		}
	}
	return cursor.status;
}

/* Adds up level x microseconds over a window. */
ProfileStatus
ProfileIntegral(const ProfileCursor *start, int64 from, int64 to, int128 *integral)
{
	ProfileSegments segments;
	ProfileSegment segment;

	*integral = 0;
	ProfileOpenSegments(&segments, start, from, to);
	while (ProfileNextSegment(&segments, &segment))
	{
		int128		product;

		if (!ProfileMultiply(segment.level, ProfileDistance(segment.from, segment.to), &product) ||
			__builtin_add_overflow(*integral, product, integral))
			return PROFILE_OVERFLOW;
	}
	return segments.cursor.status;
}

/* Adds up the microseconds of a window in which the level is above zero. */
ProfileStatus
ProfileBusy(const ProfileCursor *start, int64 from, int64 to, uint64 *busy)
{
	ProfileSegments segments;
	ProfileSegment segment;

	*busy = 0;
	ProfileOpenSegments(&segments, start, from, to);
	while (ProfileNextSegment(&segments, &segment))
	{
		if (segment.level > 0)
			*busy += ProfileDistance(segment.from, segment.to);
	}
	return segments.cursor.status;
}

/* Orders weights by level. */
static int
compare_weights(const void *a, const void *b)
{
	int128		la = ((const ProfileWeight *) a)->level;
	int128		lb = ((const ProfileWeight *) b)->level;

	return (la > lb) - (la < lb);
}

/* Levels with their weights, as they are collected. */
typedef struct Weights
{
	ProfileWeight *items;
	size_t		count;
	size_t		room;
} Weights;

/* Adds a weight; neighbours in time are never of one level. */
static void
add_weight(Weights *weights, int128 level, uint64 weight, ProfileResize resize, void *context)
{
	if (weight == 0)
		return;
	if (weights->count == weights->room)
	{
		weights->room = weights->room ? weights->room * 2 : 64;
		weights->items = resize(context, weights->items, weights->room * sizeof(ProfileWeight));
	}
	weights->items[weights->count].level = level;
	weights->items[weights->count++].weight = weight;
}

/* Puts levels in order: by radix when they fit in 64 bits, as they nearly always do. */
static void
sort_weights(Weights *weights, ProfileResize resize, void *context)
{
	size_t		count = weights->count;
	ProfileEvent *narrow;

	for (size_t i = 0; i < count; i++)
	{
		if ((int64) weights->items[i].level != weights->items[i].level)
		{
			qsort(weights->items, count, sizeof(ProfileWeight), compare_weights);
			return;
		}
	}
	narrow = resize(context, NULL, Max(count, 1) * sizeof(ProfileEvent));
	for (size_t i = 0; i < count; i++)
	{
		narrow[i].at = (int64) weights->items[i].level;
		narrow[i].delta = (int64) weights->items[i].weight;
	}
	ProfileSortEvents(narrow, count, resize, context);
	for (size_t i = 0; i < count; i++)
	{
		weights->items[i].level = narrow[i].at;
		weights->items[i].weight = (uint64) narrow[i].delta;
	}
	resize(context, narrow, 0);
}

/*
 * Finds the lowest level such that it and those below hold for `target` (at least
 * 1) of the window's microseconds or, with a step, at so many of the instants
 * from, from + step, ... before to.
 */
static ProfileStatus
find_percentile(const ProfileCursor *start, int64 from, int64 to, uint64 step,
				uint64 target, ProfileResize resize, void *context, int128 *level)
{
	Weights		weights = {NULL, 0, 0};
	ProfileSegments segments;
	ProfileSegment segment;
	uint64		total = ProfileDistance(from, to);
	uint64		seen = 0;

	if (step > 0)
		total = (total - 1) / step + 1;
	ProfileOpenSegments(&segments, start, from, to);
	while (ProfileNextSegment(&segments, &segment))
	{
		uint64		weight = ProfileDistance(segment.from, segment.to);

		if (step > 0)
		{
			/* samples before the end less samples before the start */
			uint64		begin = ProfileDistance(from, segment.from);
			uint64		end = ProfileDistance(from, segment.to);

			weight = ((end - 1) / step + 1) - (begin == 0 ? 0 : (begin - 1) / step + 1);
		}
		add_weight(&weights, segment.level, weight, resize, context);
		seen += weight;
	}
	if (segments.cursor.status != PROFILE_OK)
		return segments.cursor.status;
	add_weight(&weights, 0, total - seen, resize, context);

	sort_weights(&weights, resize, context);
	seen = 0;
	*level = 0;
	for (size_t i = 0; i < weights.count && seen < target; i++)
	{
		*level = weights.items[i].level;
		seen += weights.items[i].weight;
	}
	resize(context, weights.items, 0);
	return PROFILE_OK;
}

/* Finds the level at or below which the profile is for `target` microseconds. */
ProfileStatus
ProfilePercentile(const ProfileCursor *start, int64 from, int64 to, uint64 target,
				  ProfileResize resize, void *context, int128 *level)
{
	return find_percentile(start, from, to, 0, target, resize, context, level);
}

/* The same over samples. */
ProfileStatus
ProfileSampledPercentile(const ProfileCursor *start, int64 from, int64 to, int64 step,
						 uint64 target, ProfileResize resize, void *context, int128 *level)
{
	return find_percentile(start, from, to, (uint64) step, target, resize, context, level);
}

/* Copies what is in a window to events that are empty. */
ProfileStatus
ProfileClip(const ProfileCursor *start, int64 from, int64 to, ProfileEvents *into)
{
	ProfileSegments segments;
	ProfileSegment segment;
	int128		level = 0;
	int64		end = 0;

	ProfileOpenSegments(&segments, start, from, to);
	while (ProfileNextSegment(&segments, &segment))
	{
		if (segment.level != level && !ProfileAddWide(into, segment.from, segment.level - level))
			return PROFILE_OVERFLOW;
		level = segment.level;
		end = segment.to;
	}
	if (level != 0 && !ProfileAddWide(into, end, -level))
		return PROFILE_OVERFLOW;
	into->normal = true;
	into->ranged = false;
	return segments.cursor.status;
}

/* The state of a search for a stretch that is long and high enough. */
typedef struct Fit
{
	int128		level;
	uint64		duration;
	int64		from;
	int64		to;
	bool		running;		/* high enough since start */
	int64		start;
} Fit;

/* Goes on over one stretch; true if it completes a fit. */
static bool
fit_stretch(Fit *fit, int64 from, int64 to, bool high)
{
	from = Max(from, fit->from);
	to = Min(to, fit->to);
	if (from >= to)
		return false;
	if (!high)
	{
		fit->running = false;
		return false;
	}
	if (!fit->running)
	{
		fit->running = true;
		fit->start = from;
	}
	return ProfileDistance(fit->start, to) >= fit->duration;
}

/* Goes on over the steps of one block, which ends at `end`. */
static bool
fit_block(Fit *fit, const ProfileFlat *flat, uint32 block, int64 end, ProfileStatus *status)
{
	ProfileSegments segments;
	ProfileSegment segment;
	ProfileCursor cursor;

	ProfileStartFlat(&cursor, flat, block);
	ProfileOpenSegments(&segments, &cursor, PROFILE_BEGIN, end);
	while (ProfileNextSegment(&segments, &segment))
	{
		if (fit_stretch(fit, segment.from, segment.to, segment.level >= fit->level))
			return true;
	}
	*status = segments.cursor.status;
	return false;
}

/*
 * Finds the first instant of a window from which the level is at least `level`,
 * which is above zero, for `duration` without a break, all within the window.
 *
 * In a stored profile most blocks are settled by their directory entry: too low
 * throughout, or high enough throughout.  In a mixed block some step is too low, so
 * a fit lies within it, or ends in its beginning, or begins at its end: it is read
 * only if what is known so far leaves room for the first two.  Whether one begins
 * at its end is put off until the blocks after it are long enough for that to
 * matter.
 */
ProfileStatus
ProfileEarliestFit(const ProfileCursor *start, int128 level, int64 duration,
				   int64 from, int64 to, int64 *at, bool *found)
{
	Fit			fit = {level, (uint64) duration, from, to, false, 0};
	const ProfileFlat *flat = start->flat;
	ProfileStatus status = PROFILE_OK;
	bool		pending = false;	/* block `put_off` may begin a fit */
	uint32		put_off = 0;

	*found = false;
	if (flat == NULL)
	{
		ProfileSegments segments;
		ProfileSegment segment;

		ProfileOpenSegments(&segments, start, from, to);
		while (!*found && ProfileNextSegment(&segments, &segment))
			*found = fit_stretch(&fit, segment.from, segment.to, segment.level >= level);
		*at = fit.start;
		return segments.cursor.status;
	}

	for (uint32 i = flat->blocks > 0 ? ProfileFindBlock(flat, from) : 0;
		 i < flat->blocks && !*found && status == PROFILE_OK; i++)
	{
		ProfileBlock block;
		int64		end = i + 1 < flat->blocks ? ProfileBlockFirst(flat, i + 1) : flat->last;
		int64		earliest;
		bool		high;

		ProfileGetBlock(flat, i, &block);
		if (block.first >= to)
			break;
		if (block.highest < level)
		{
			fit.running = pending = false;
			continue;
		}
		high = block.lowest >= level;
		earliest = pending ? ProfileBlockFirst(flat, put_off) : fit.running ? fit.start : block.first;
		earliest = Max(earliest, from);
		if (Min(end, to) <= earliest ||
			ProfileDistance(earliest, Min(end, to)) < fit.duration)
		{
			/* No fit can end here. */
			if (high && !pending)
				fit_stretch(&fit, block.first, end, true);
			else if (!high)
			{
				fit.running = false;
				pending = true;
				put_off = i;
			}
			continue;
		}
		if (pending)
		{
			fit.running = pending = false;
			*found = fit_block(&fit, flat, put_off, ProfileBlockFirst(flat, put_off + 1), &status);
			/* blocks between the one put off and this one are high throughout */
			if (!*found && status == PROFILE_OK && put_off + 1 < i)
				*found = fit_stretch(&fit, ProfileBlockFirst(flat, put_off + 1), block.first, true);
		}
		if (!*found && status == PROFILE_OK)
			*found = high ? fit_stretch(&fit, block.first, end, true)
				: fit_block(&fit, flat, i, end, &status);
	}
	*at = fit.start;
	return status;
}
