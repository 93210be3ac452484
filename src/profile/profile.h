/*
 * profile.h
 *		Step functions of time: the core under device_profile and rate_profile.
 *
 * A profile is a level that changes at finitely many instants and is zero before
 * the first and from the last one on.  Instants are TimestampTz values (microseconds
 * since 2000-01-01 UTC).  Levels are signed integers: for device_profile devices in
 * units of 1/1,680,000, for rate_profile MFLOP/s.  A level times microseconds is an
 * exact integer, so nothing here ever rounds.
 *
 * In memory a profile is a list of events, "at this instant the level changes by
 * so much" (ProfileEvents).  Events may be added in any order; ProfileNormalize()
 * (profile_normal.h) sorts them and adds up those of one instant.  Its stored form is
 * profile_codec.h's, what can be asked of it profile_query.h's.
 *
 * Pure, as those are: needs c.h only, allocates through a callback, and says what
 * went wrong with a ProfileStatus.
 */
#ifndef COMPUTE_LEDGER_PROFILE_H
#define COMPUTE_LEDGER_PROFILE_H

#include "c.h"

#ifndef HAVE_INT128
#error "compute_ledger needs a compiler with 128-bit integers"
#endif

/* Levels of device_profile: so many units are one device. */
#define DEVICE_UNITS	1680000

/* The window that leaves nothing out. */
#define PROFILE_BEGIN	PG_INT64_MIN
#define PROFILE_END		PG_INT64_MAX

/* Levels lie in (-2^124, 2^124); a final value is held to its type's range. */
#define PROFILE_LEVEL_LIMIT		(((int128) 1) << 124)

/*
 * A profile has at most so many steps.  Every one of them takes less than 100 bytes of
 * text, so that all profiles can be written as text, which PostgreSQL keeps below 1 GB.
 */
#define PROFILE_MAX_STEPS		10000000

/* What a core function has to report. */
typedef enum ProfileStatus
{
	PROFILE_OK,
	PROFILE_OVERFLOW,			/* a level or an integral does not fit */
	PROFILE_TOO_LARGE,			/* more than PROFILE_MAX_STEPS */
	PROFILE_CORRUPT				/* stored bytes are not what ProfileEncode writes */
} ProfileStatus;

/* At an instant, the level changes by delta. */
typedef struct ProfileEvent
{
	int64		at;
	int64		delta;
} ProfileEvent;

/* Gives, moves or frees (size 0) memory; raises when there is none. */
typedef void *(*ProfileResize) (void *context, void *pointer, size_t size);

/* Over a period, the level is higher by so much; -level fits, too. */
typedef struct ProfileInterval
{
	int64		from;
	int64		to;
	int64		level;
} ProfileInterval;

/* Intervals as they come in; a list of ever larger pieces. */
typedef struct ProfilePiece
{
	struct ProfilePiece *next;
	size_t		count;
	size_t		room;
	ProfileInterval intervals[FLEXIBLE_ARRAY_MEMBER];
} ProfilePiece;

/* Events that somebody else has sorted, in the form of profile_run.h. */
typedef struct ProfileRun
{
	struct ProfileRun *next;
	size_t		size;
	uint8		bytes[FLEXIBLE_ARRAY_MEMBER];
} ProfileRun;

/*
 * Events of a profile.  A change that does not fit in 64 bits is split in two:
 * delta = low + high * PROFILE_HIGH_UNIT, low in items and high in highs, both
 * at the same instant.  highs is nearly always empty, and it never holds an
 * instant that items does not hold.
 *
 * Intervals are kept apart until ProfileNormalize().  A million of them cost less
 * in pieces, which never move, than in an array that is doubled; and a few wait in
 * the struct itself, because with a thousand groups growing side by side every
 * write elsewhere is a cache and a TLB miss.  Runs are kept apart, too: they are
 * sorted, so that they need only be merged.
 */
#define PROFILE_HIGH_SHIFT	62
#define PROFILE_HIGH_UNIT	(((int128) 1) << PROFILE_HIGH_SHIFT)
#define PROFILE_PENDING		10

typedef struct ProfileEvents
{
	ProfileEvent *items;
	size_t		count;
	size_t		room;
	ProfileEvent *highs;
	size_t		high_count;
	size_t		high_room;
	ProfilePiece *pieces;		/* the last and largest first */
	size_t		piece_intervals;	/* in all pieces */
	ProfileRun *runs;	/* what others have sorted (profile_run.h), the last first */
	int			run_count;
	size_t		run_events;		/* in all runs */
	ProfileResize resize;
	void	   *context;
	bool		normal;			/* sorted, one event an instant, none zero, no intervals, no runs */
	bool		ranged;			/* lowest and highest are known, while normal */
	int128		lowest;			/* level of all time, zero included */
	int128		highest;
	int			pending_count;
	ProfileInterval pending[PROFILE_PENDING];
} ProfileEvents;

extern void ProfileExpandIntervals(const ProfileEvents *from, ProfileEvents *into);
extern void ProfileAddHigh(ProfileEvents *events, ProfileEvent **highs, size_t *count, size_t *room, int64 at, int64 delta);
extern void ProfileReserve(ProfileEvents *events, size_t more);
extern void ProfileFlush(ProfileEvents *events);
extern bool ProfileAddWide(ProfileEvents *events, int64 at, int128 delta);
extern void ProfileSortEvents(ProfileEvent *items, size_t count, ProfileResize resize, void *context);
extern bool ProfileAppend(ProfileEvents *into, const ProfileEvents *from, bool negate);
extern bool ProfileIsEmpty(const ProfileEvents *events);
extern ProfileStatus ProfileLevelRange(ProfileEvents *events);

/* Splits a change in its low and high parts. */
static inline void
ProfileSplitDelta(int128 delta, int64 *low, int64 *high)
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

/* Returns how many events there are, but for a few, before they are added up. */
static inline size_t
ProfileEventCount(const ProfileEvents *events)
{
	return events->count + 2 * events->piece_intervals + events->run_events;
}

/* Adds one change of level; the caller has reserved room. */
static inline bool
ProfileAdd(ProfileEvents *events, int64 at, int128 delta)
{
	ProfileEvent *item;

	if (unlikely((int64) delta != delta))
		return ProfileAddWide(events, at, delta);
	item = &events->items[events->count++];
	item->at = at;
	item->delta = (int64) delta;
	events->normal = false;
	return true;
}

/* Adds an interval at a level; false if the level is out of range. */
static inline bool
ProfileAddInterval(ProfileEvents *events, int64 from, int64 to, int128 level)
{
	ProfileInterval *interval;

	if (unlikely((int64) level != level || level == PG_INT64_MIN))
		return ProfileAddWide(events, from, level) && ProfileAddWide(events, to, -level);
	if (unlikely(events->pending_count == PROFILE_PENDING))
		ProfileFlush(events);
	interval = &events->pending[events->pending_count++];
	interval->from = from;
	interval->to = to;
	interval->level = (int64) level;
	events->normal = false;
	return true;
}

/* Returns the distance between two instants, which may pass 2^63. */
static inline uint64
ProfileDistance(int64 from, int64 to)
{
	return (uint64) to - (uint64) from;
}

/*
 * Multiplies a level by microseconds; false if the product does not fit in 128 bits.
 * (__builtin_mul_overflow() of 128 bits is a library call that clang's users lack.)
 */
static inline bool
ProfileMultiply(int128 level, uint64 length, int128 *product)
{
	if (likely((int64) level == level && length <= (uint64) PG_INT64_MAX))
	{
		*product = (int128) (int64) level * (int64) length;
		return true;
	}
	if (length != 0 &&
		(level < 0 ? -(uint128) level : (uint128) level) > ~((uint128) 1 << 127) / length)
		return false;
	*product = level * (int128) length;
	return true;
}

#endif							/* COMPUTE_LEDGER_PROFILE_H */
