/*
 * profile_run.c
 *		Writing, reading and merging the events that processes hand to each other.
 *
 * Part of the pure core (see profile.h); the layout is described in profile_run.h.  A
 * run may have come over a wire, so that nothing of it is believed.
 */
#include "c.h"

#include "profile/profile_codec.h"
#include "profile/profile_run.h"

/*
 * A unit by which many numbers are divided without a division: of a number that is a
 * multiple, the product with the inverse of the unit's odd part, modulo 2^64, rotated by
 * its trailing zeros, is the quotient; of any other it is larger than all quotients.
 */
typedef struct Unit
{
	uint64		unit;			/* 0: so far nothing to divide */
	uint64		inverse;
	uint64		most;			/* the largest quotient */
	int			shift;
} Unit;

/* Returns a number divided by a unit, if it is a multiple; otherwise more than unit->most. */
static inline uint64
quotient(const Unit *unit, uint64 number)
{
	uint64		product = number * unit->inverse;

	return (product >> unit->shift) | (product << ((64 - unit->shift) & 63));
}

/* Sets a unit. */
static void
set_unit(Unit *unit, uint64 number)
{
	uint64		odd;
	uint64		inverse;

	unit->unit = number;
	unit->shift = __builtin_ctzll(number);
	unit->most = PG_UINT64_MAX / number;
	odd = number >> unit->shift;
	/* Right in three bits; every step doubles them. */
	inverse = odd;
	for (int bits = 3; bits < 64; bits *= 2)
		inverse *= 2 - odd * inverse;
	unit->inverse = inverse;
}

/* Makes a unit divide one more number. */
static inline void
include_number(Unit *unit, uint64 number)
{
	if (likely(unit->unit != 0 && quotient(unit, number) <= unit->most))
		return;
	if (number != 0)
	{
		uint64		a = number;
		uint64		b = unit->unit;

		while (b != 0)
		{
			uint64		r = a % b;

			a = b;
			b = r;
		}
		set_unit(unit, a);
	}
}

/* Returns how many bytes numbers up to a largest one take. */
static int
width_of(uint64 largest)
{
	return largest <= PG_UINT8_MAX ? 1 : largest <= PG_UINT16_MAX ? 2 : largest <= PG_UINT32_MAX ? 4 : 8;
}

/* Returns a change of level without its sign, and without a branch that nobody can predict. */
static inline uint64
magnitude(int64 change)
{
	uint64		sign = (uint64) (change >> 63);

	return ((uint64) change ^ sign) - sign;
}

/* Writes a number of a type and goes on. */
#define PUT(p, type, number) \
	do { \
		type put_number = (type) (number); \
		memcpy(p, &put_number, sizeof(type)); \
		p += sizeof(type); \
	} while (0)

/* Writes all distances in a type. */
#define PUT_DISTANCES(type) \
	do { \
		PUT(p, type, 0); \
		for (size_t i = 1; i < count; i++) \
			PUT(p, type, quotient(&time, ProfileDistance(items[i - 1].at, items[i].at))); \
	} while (0)

/* Writes all changes in a type; those below zero are exact multiples, too. */
#define PUT_CHANGES(type) \
	do { \
		for (size_t i = 0; i < count; i++) \
			PUT(p, type, (uint64) (items[i].delta >> level.shift) * level.inverse); \
	} while (0)

/*
 * Writes normal events as a run.  flags says which of the two types it is.
 */
ProfileStatus
ProfileRunEncode(const ProfileEvents *events, uint8 flags, uint16 basis,
				 ProfileResize resize, void *context, ProfileRun **result)
{
	const ProfileEvent *items = events->items;
	const size_t count = events->count;
	Unit		time = {0};
	Unit		level = {0};
	uint64		longest = 0;
	uint64		largest = 0;
	int			distance_width;
	int			change_width;
	size_t		size;
	ProfileRun *run;
	uint8	   *p;

	if (count > PROFILE_MAX_STEPS || events->high_count > PROFILE_MAX_STEPS)
		return PROFILE_TOO_LARGE;
	for (size_t i = 0; i < count; i++)
	{
		uint64		change = magnitude(items[i].delta);

		include_number(&level, change);
		largest = Max(largest, change);
		if (i > 0)
		{
			uint64		distance = ProfileDistance(items[i - 1].at, items[i].at);

			include_number(&time, distance);
			longest = Max(longest, distance);
		}
	}
	if (time.unit == 0)
		set_unit(&time, 1);
	if (level.unit == 0)
		set_unit(&level, 1);
	distance_width = width_of(longest / time.unit);
	/* one bit more for the sign; of the largest there is, it is the sign */
	largest /= level.unit;
	change_width = largest > PG_INT64_MAX ? 8 : width_of(2 * largest);

	size = PROFILE_RUN_HEADER_SIZE + count * (distance_width + change_width) + events->high_count * sizeof(ProfileEvent);
	run = resize(context, NULL, offsetof(ProfileRun, bytes) + size);
	run->next = NULL;
	run->size = size;
	p = run->bytes;
	PUT(p, uint8, PROFILE_VERSION);
	PUT(p, uint8, flags | PROFILE_FLAG_RUN);
	PUT(p, uint16, basis);
	PUT(p, uint32, count);
	PUT(p, uint64, time.unit);
	PUT(p, uint64, level.unit);
	PUT(p, int64, count > 0 ? items[0].at : 0);
	PUT(p, uint8, distance_width);
	PUT(p, uint8, change_width);
	PUT(p, uint16, 0);
	PUT(p, uint32, events->high_count);
	if (count > 0)
	{
		if (distance_width == 1)
			PUT_DISTANCES(uint8);
		else if (distance_width == 2)
			PUT_DISTANCES(uint16);
		else if (distance_width == 4)
			PUT_DISTANCES(uint32);
		else
			PUT_DISTANCES(uint64);
		if (change_width == 1)
			PUT_CHANGES(uint8);
		else if (change_width == 2)
			PUT_CHANGES(uint16);
		else if (change_width == 4)
			PUT_CHANGES(uint32);
		else
			PUT_CHANGES(uint64);
	}
	if (events->high_count > 0)
		memcpy(p, events->highs, events->high_count * sizeof(ProfileEvent));
	*result = run;
	return PROFILE_OK;
}

/* Whether numbers can have so many bytes. */
static inline bool
is_width(uint8 width)
{
	return width == 1 || width == 2 || width == 4 || width == 8;
}

/* Finds the number of events and of high parts of a run whose size fits them. */
ProfileStatus
ProfileRunCheck(const uint8 *bytes, size_t size, uint32 *events, uint32 *highs)
{
	if (size < PROFILE_RUN_HEADER_SIZE)
		return PROFILE_CORRUPT;
	memcpy(events, bytes + 4, sizeof(uint32));
	memcpy(highs, bytes + 36, sizeof(uint32));
	if (bytes[0] != PROFILE_VERSION || (bytes[1] & ~PROFILE_FLAG_RATE) != PROFILE_FLAG_RUN ||
		*events > PROFILE_MAX_STEPS || *highs > *events ||
		!is_width(bytes[32]) || !is_width(bytes[33]) || bytes[34] != 0 || bytes[35] != 0 ||
		size != PROFILE_RUN_HEADER_SIZE + (size_t) *events * (bytes[32] + bytes[33]) + *highs * sizeof(ProfileEvent))
		return PROFILE_CORRUPT;
	return PROFILE_OK;
}

/* Returns the high parts of a run that was checked, unaligned. */
const uint8 *
ProfileRunHighs(const uint8 *bytes, size_t size, uint32 *count)
{
	memcpy(count, bytes + 36, sizeof(uint32));
	return bytes + size - *count * sizeof(ProfileEvent);
}

/* Starts to read a run that was checked. */
void
ProfileStreamRun(ProfileStream *stream, const uint8 *bytes)
{
	uint32		count;

	memset(stream, 0, offsetof(ProfileStream, buffer));
	memcpy(&count, bytes + 4, sizeof(uint32));
	memcpy(&stream->time_unit, bytes + 8, sizeof(uint64));
	memcpy(&stream->level_unit, bytes + 16, sizeof(uint64));
	memcpy(&stream->at, bytes + 24, sizeof(uint64));
	stream->count = count;
	stream->distance_width = bytes[32];
	stream->change_width = bytes[33];
	stream->distances = bytes + PROFILE_RUN_HEADER_SIZE;
	stream->changes = stream->distances + stream->count * stream->distance_width;
}

/* Starts to merge two streams. */
void
ProfileStreamMerge(ProfileStream *stream, ProfileStream *left, ProfileStream *right)
{
	memset(stream, 0, offsetof(ProfileStream, buffer));
	stream->left = left;
	stream->right = right;
}

/* Reads the instants of a chunk from distances of a type. */
#define GET_INSTANTS(type) \
	do { \
		for (size_t i = 0; i < count; i++) \
		{ \
			type		distance; \
			uint64		last = at; \
\
			memcpy(&distance, stream->distances + i * sizeof(type), sizeof(type)); \
			at += distance * unit; \
			unordered |= (int64) at < (int64) last; \
			stream->buffer[i].at = (int64) at; \
		} \
	} while (0)

/* Reads the changes of a chunk from a type. */
#define GET_CHANGES(type) \
	do { \
		for (size_t i = 0; i < count; i++) \
		{ \
			type		change; \
\
			memcpy(&change, stream->changes + i * sizeof(type), sizeof(type)); \
			stream->buffer[i].delta = (int64) ((uint64) (int64) change * stream->level_unit); \
		} \
	} while (0)

/* Reads the next chunk of a run. */
static void
read_run(ProfileStream *stream)
{
	const size_t count = Min(stream->count, PROFILE_RUN_CHUNK);
	const uint64 unit = stream->time_unit;
	uint64		at = stream->at;
	bool		unordered = false;

	if (stream->distance_width == 1)
		GET_INSTANTS(uint8);
	else if (stream->distance_width == 2)
		GET_INSTANTS(uint16);
	else if (stream->distance_width == 4)
		GET_INSTANTS(uint32);
	else
		GET_INSTANTS(uint64);
	if (unlikely(unordered))
		stream->status = PROFILE_CORRUPT;
	if (stream->change_width == 1)
		GET_CHANGES(int8);
	else if (stream->change_width == 2)
		GET_CHANGES(int16);
	else if (stream->change_width == 4)
		GET_CHANGES(int32);
	else
		GET_CHANGES(int64);
	stream->at = at;
	stream->distances += count * stream->distance_width;
	stream->changes += count * stream->change_width;
	stream->count -= count;
	stream->next = stream->buffer;
	stream->end = stream->buffer + count;
}

/* Whether a stream has an event to take; reads on if need be. */
static inline bool
has_event(ProfileStream *stream)
{
	return stream->next < stream->end || ProfileStreamRead(stream) > 0;
}

/*
 * Merges what two streams have until the buffer is full or one of them has to read on.
 * Which of the two comes next nobody can predict, so that there is no branch on it, nor
 * on an end: as many events as the shorter one has can be taken before one is reached.
 */
static size_t
merge_chunk(ProfileStream *stream, size_t count)
{
	const ProfileEvent *a = stream->left->next;
	const ProfileEvent *b = stream->right->next;
	size_t		safe = Min(stream->left->end - a, stream->right->end - b);
	ProfileEvent *out = stream->buffer + count;

	safe = Min(safe, PROFILE_RUN_CHUNK - count);
	for (size_t i = 0; i < safe; i++)
	{
		uintptr_t	later = b->at < a->at;
		uintptr_t	differ = (uintptr_t) a ^ (uintptr_t) b;

		/* compilers would make a branch of a choice */
		out[i] = *(const ProfileEvent *) ((uintptr_t) a ^ (differ & -later));
		a += 1 - later;
		b += later;
	}
	stream->left->next = a;
	stream->right->next = b;
	return count + safe;
}

/* Reads the next chunk of two streams. */
static void
read_merged(ProfileStream *stream)
{
	size_t		count = 0;

	while (count < PROFILE_RUN_CHUNK)
	{
		bool		left = has_event(stream->left);
		bool		right = has_event(stream->right);

		if (left && right)
			count = merge_chunk(stream, count);
		else if (left || right)
		{
			ProfileStream *rest = left ? stream->left : stream->right;
			size_t		taken = Min((size_t) (rest->end - rest->next), PROFILE_RUN_CHUNK - count);

			memcpy(stream->buffer + count, rest->next, taken * sizeof(ProfileEvent));
			rest->next += taken;
			count += taken;
		}
		else
			break;
	}
	stream->status = stream->left->status != PROFILE_OK ? stream->left->status : stream->right->status;
	stream->next = stream->buffer;
	stream->end = stream->buffer + count;
}

/*
 * Reads the next events of a stream, all of which have to be taken, and returns how
 * many there are.  Only when there are no more, its status says whether all was well.
 */
size_t
ProfileStreamRead(ProfileStream *stream)
{
	if (stream->left == NULL)
		read_run(stream);
	else
		read_merged(stream);
	return stream->end - stream->next;
}
