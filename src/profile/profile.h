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
 * sorts them and adds up those of one instant.  Stored, it is a ProfileFlat: the
 * same, compressed in blocks, with a directory of the blocks' first instants and
 * lowest and highest levels.  A ProfileCursor reads either.
 *
 * Nothing in the core knows fmgr.  It allocates through a callback, and says what
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

/* What a core function has to report. */
typedef enum ProfileStatus
{
	PROFILE_OK,
	PROFILE_OVERFLOW,			/* a level or an integral does not fit */
	PROFILE_TOO_LARGE,			/* the stored form would not fit in 1 GB */
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

/*
 * Events of a profile.  A change that does not fit in 64 bits is split in two:
 * delta = low + high * PROFILE_HIGH_UNIT, low in items and high in highs, both
 * at the same instant.  highs is nearly always empty, and it never holds an
 * instant that items does not hold.
 *
 * Intervals are kept apart until ProfileNormalize().  A million of them cost less
 * in pieces, which never move, than in an array that is doubled; and a few wait in
 * the struct itself, because with a thousand groups growing side by side every
 * write elsewhere is a cache and a TLB miss.
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
	ProfileResize resize;
	void	   *context;
	bool		normal;			/* sorted, one event an instant, none zero, no intervals */
	bool		ranged;			/* lowest and highest are known, while normal */
	int128		lowest;			/* level of all time, zero included */
	int128		highest;
	int			pending_count;
	ProfileInterval pending[PROFILE_PENDING];
} ProfileEvents;

/* Which of the two types: it is part of the stored form. */
typedef enum ProfileKind
{
	PROFILE_DEVICE = 0,
	PROFILE_RATE = 1
} ProfileKind;

/*
 * The stored form, after the varlena length word.  All numbers are native-endian
 * and unaligned.
 *
 *	0	uint8	version, PROFILE_VERSION
 *	1	uint8	flags, PROFILE_FLAG_*; unknown bits are refused
 *	2	uint16	basis of a rate_profile, else 0
 *	4	uint32	number of steps
 *	8	-- the rest only if there are steps
 *	8	uint64	time unit: the greatest common divisor of the steps' distances
 *	16	uint64	level unit: the greatest common divisor of the levels (1 if wide)
 *	24	int64	last instant
 *	32	directory: an entry for every block of ProfileBlockSize(steps) steps:
 *			int64 first instant, int64 or (wide) int128 lowest level, same highest
 *			level, uint32 offset of the block from the end of the directory
 *	..	blocks: for every step a varint distance from the step before in time
 *		units (none for the first of a block), then a zigzag varint of the level's
 *		distance from the level before (from zero for the first) in level units
 *
 * Lowest and highest are over the levels in force from the block's first instant
 * to the next block's.  Steps are canonical: no two neighbours have one level,
 * the first level is not zero and the last one is.  There is one encoding of a
 * profile, so that equal profiles are equal bytes.
 */
#define PROFILE_VERSION			1
#define PROFILE_FLAG_RATE		0x01	/* a rate_profile */
#define PROFILE_FLAG_WIDE		0x02	/* some level does not fit in 64 bits */
#define PROFILE_FLAG_PARTIAL	0x04	/* a state whose levels may pass the type's range */
#define PROFILE_FLAGS			0x07

#define PROFILE_EMPTY_SIZE		8
#define PROFILE_HEADER_SIZE		32
/* What a varlena may hold, with room for its header. */
#define PROFILE_MAX_SIZE		((size_t) 0x3fffff00)

/* The decoded header and directory of a stored profile. */
typedef struct ProfileFlat
{
	uint8		flags;
	uint16		basis;
	uint32		steps;
	uint32		blocks;
	uint32		block_size;		/* steps in every block but the last */
	uint64		time_unit;
	uint64		level_unit;
	int64		last;
	size_t		entry_size;
	size_t		data_offset;	/* of the first block, from the start */
	size_t		size;			/* of the whole */
	const uint8 *directory;
	/* Gives bytes [offset, offset + length) of the stored form. */
	const uint8 *(*fetch) (void *context, size_t offset, size_t length);
	void	   *context;
} ProfileFlat;

/* One entry of the directory. */
typedef struct ProfileBlock
{
	int64		first;
	int128		lowest;
	int128		highest;
	uint32		offset;
} ProfileBlock;

/* Steps are handed out in chunks: the instant, and the level from then on. */
#define PROFILE_CHUNK	256

typedef struct ProfileChunk
{
	int			count;
	int64		at[PROFILE_CHUNK];
	int128		level[PROFILE_CHUNK];
} ProfileChunk;

/* Reads steps in order, from normal events or from a stored profile. */
typedef struct ProfileCursor
{
	const ProfileEvents *events;
	size_t		next;
	size_t		next_high;
	const ProfileFlat *flat;
	uint32		block;			/* the next to open */
	const uint8 *bytes;
	const uint8 *end;
	uint32		left;			/* steps not yet read of the open block */
	bool		opening;		/* the next step is the first of its block */
	int64		at;
	int128		level;
	uint64		last_q;			/* level in level units, of a narrow profile */
	ProfileStatus status;
} ProfileCursor;

/* A stretch of one level. */
typedef struct ProfileSegment
{
	int64		from;
	int64		to;
	int128		level;
} ProfileSegment;

/* Reads the stretches between steps, cut to a window. */
typedef struct ProfileSegments
{
	ProfileCursor cursor;
	ProfileChunk chunk;
	int			index;
	int64		from;
	int64		to;
	bool		begun;
	int64		at;				/* start of the stretch being read */
	int128		level;
} ProfileSegments;

/* A level and for how many microseconds it holds: for percentiles. */
typedef struct ProfileWeight
{
	int128		level;
	uint64		weight;
} ProfileWeight;

/* profile.c: events */
extern void ProfileReserve(ProfileEvents *events, size_t more);
extern void ProfileFlush(ProfileEvents *events);
extern bool ProfileAddWide(ProfileEvents *events, int64 at, int128 delta);
extern void ProfileSortEvents(ProfileEvent *items, size_t count, ProfileResize resize, void *context);
extern ProfileStatus ProfileNormalize(ProfileEvents *events);
extern bool ProfileAppend(ProfileEvents *into, const ProfileEvents *from, bool negate);
extern bool ProfileIsEmpty(const ProfileEvents *events);
extern ProfileStatus ProfileNormalCopy(const ProfileEvents *from, ProfileEvents *into);
extern ProfileStatus ProfileLevelRange(ProfileEvents *events);

/* profile_codec.c: the stored form and the cursor */
extern uint32 ProfileBlockSize(uint32 steps);
extern ProfileStatus ProfileEncode(const ProfileEvents *events, uint8 flags, uint16 basis,
								   ProfileResize resize, void *context,
								   size_t head, uint8 **result, size_t *size);
extern ProfileStatus ProfileFlatHeader(ProfileFlat *flat, const uint8 *bytes, size_t available, size_t size);
extern void ProfileGetBlock(const ProfileFlat *flat, uint32 index, ProfileBlock *block);
extern int64 ProfileBlockFirst(const ProfileFlat *flat, uint32 index);
extern uint32 ProfileFindBlock(const ProfileFlat *flat, int64 at);
extern void ProfileStartEvents(ProfileCursor *cursor, const ProfileEvents *events);
extern void ProfileStartFlat(ProfileCursor *cursor, const ProfileFlat *flat, uint32 block);
extern bool ProfileRead(ProfileCursor *cursor, ProfileChunk *chunk);
extern ProfileStatus ProfileDecode(const ProfileFlat *flat, ProfileEvents *into, bool negate);

/* profile_query.c: questions */
extern void ProfileOpenSegments(ProfileSegments *segments, const ProfileCursor *start, int64 from, int64 to);
extern bool ProfileNextSegment(ProfileSegments *segments, ProfileSegment *segment);
extern ProfileStatus ProfileExtent(const ProfileCursor *start, int64 *first, int64 *last);
extern ProfileStatus ProfilePeak(const ProfileCursor *start, int64 from, int64 to, int128 *peak);
extern ProfileStatus ProfileLevelAt(const ProfileCursor *start, int64 at, int128 *level);
extern ProfileStatus ProfileIntegral(const ProfileCursor *start, int64 from, int64 to, int128 *integral);
extern ProfileStatus ProfileBusy(const ProfileCursor *start, int64 from, int64 to, uint64 *busy);
extern ProfileStatus ProfilePercentile(const ProfileCursor *start, int64 from, int64 to, uint64 target,
									   ProfileResize resize, void *context, int128 *level);
extern ProfileStatus ProfileSampledPercentile(const ProfileCursor *start, int64 from, int64 to, int64 step,
											  uint64 target, ProfileResize resize, void *context, int128 *level);
extern ProfileStatus ProfileClip(const ProfileCursor *start, int64 from, int64 to, ProfileEvents *into);
extern ProfileStatus ProfileEarliestFit(const ProfileCursor *start, int128 level, int64 duration,
										int64 from, int64 to, int64 *at, bool *found);

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
