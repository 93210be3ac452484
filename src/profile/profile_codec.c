/*
 * profile_codec.c
 *		The stored form of a profile, and the cursor that reads steps.
 *
 * Part of the pure core; the layout is described in profile_codec.h.  Bytes are read
 * with bounds checks even though only ProfileEncode() writes them: what is on disk
 * may be damaged, and damage must not read beyond the value.
 */
#include "c.h"

#include "profile/profile_codec.h"

#define MIN_BLOCK_SIZE		64
/* Longest step: varints of a 64-bit distance and a 128-bit level. */
#define MAX_STEP_SIZE		(10 + 19)

/* Reads an unaligned number. */
static inline uint32
load_uint32(const uint8 *p)
{
	uint32		v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Reads an unaligned number. */
static inline uint64
load_uint64(const uint8 *p)
{
	uint64		v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Reads a level as the directory holds it. */
static inline int128
load_level(const uint8 *p, bool wide)
{
	int128		v;

	if (!wide)
		return (int64) load_uint64(p);
	memcpy(&v, p, sizeof(v));
	return v;
}

/* Writes a number and returns what follows. */
static inline uint8 *
store(uint8 *p, const void *number, size_t size)
{
	memcpy(p, number, size);
	return p + size;
}

/* Writes seven bits a byte, the lowest first. */
static inline uint8 *
store_varint(uint8 *p, uint64 v)
{
	while (v >= 0x80)
	{
		*p++ = (uint8) v | 0x80;
		v >>= 7;
	}
	*p++ = (uint8) v;
	return p;
}

/* The same for 128 bits. */
static uint8 *
store_varint128(uint8 *p, uint128 v)
{
	while (v >= 0x80)
	{
		*p++ = (uint8) v | 0x80;
		v >>= 7;
	}
	*p++ = (uint8) v;
	return p;
}

/* Reads a varint of at most 64 bits byte by byte; NULL if there is none. */
static const uint8 *
load_varint_slowly(const uint8 *p, const uint8 *end, uint64 *v)
{
	uint64		sum = 0;

	for (int shift = 0; shift < 64 && p < end; shift += 7)
	{
		uint8		byte = *p++;

		sum |= (uint64) (byte & 0x7f) << shift;
		if (byte < 0x80)
		{
			*v = sum;
			return p;
		}
	}
	return NULL;
}

/*
 * Reads a varint of at most 64 bits; NULL if there is none.  Up to eight bytes are
 * read at once, and their sevens of bits moved together in three steps: a loop over
 * the bytes is a branch that nobody can predict.
 */
static inline const uint8 *
load_varint(const uint8 *p, const uint8 *end, uint64 *v)
{
#ifndef WORDS_BIGENDIAN
	if (likely(end - p >= 8))
	{
		uint64		word = load_uint64(p);
		uint64		stops = ~word & UINT64CONST(0x8080808080808080);

		if (likely(stops != 0))
		{
			/* the bits up to the first byte without its top bit set */
			word &= stops ^ (stops - 1);
			word = (word & UINT64CONST(0x007f007f007f007f)) | (word & UINT64CONST(0x7f007f007f007f00)) >> 1;
			word = (word & UINT64CONST(0x00003fff00003fff)) | (word & UINT64CONST(0x3fff00003fff0000)) >> 2;
			*v = (word & UINT64CONST(0x000000000fffffff)) | (word & UINT64CONST(0x0fffffff00000000)) >> 4;
			return p + (__builtin_ctzll(stops) >> 3) + 1;
		}
	}
#endif
	return load_varint_slowly(p, end, v);
}

/* The same for 128 bits. */
static const uint8 *
load_varint128(const uint8 *p, const uint8 *end, uint128 *v)
{
	uint128		sum = 0;

	for (int shift = 0; shift < 128 && p < end; shift += 7)
	{
		uint8		byte = *p++;

		sum |= (uint128) (byte & 0x7f) << shift;
		if (byte < 0x80)
		{
			*v = sum;
			return p;
		}
	}
	return NULL;
}

/* Returns the greatest common divisor, where 0 divides nothing but is divided by all. */
static uint64
common_divisor(uint64 a, uint64 b)
{
	while (b != 0)
	{
		uint64		r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* Returns how many steps go in a block: about the square root of all. */
static uint32
steps_per_block(uint32 steps)
{
	uint32		size = MIN_BLOCK_SIZE;

	while ((uint64) size * size < steps)
		size *= 2;
	return size;
}

/* What the first pass over the steps finds. */
typedef struct EncodePlan
{
	bool		wide;
	uint64		time_unit;
	uint64		level_unit;
} EncodePlan;

/* Finds the units of normal events, and whether all levels fit in 64 bits. */
static void
plan_encoding(const ProfileEvents *events, EncodePlan *plan)
{
	int128		level = 0;
	size_t		h = 0;

	plan->wide = false;
	plan->time_unit = 0;
	plan->level_unit = 0;
	for (size_t i = 0; i < events->count; i++)
	{
		const ProfileEvent *item = &events->items[i];

		level += item->delta;
		if (h < events->high_count && events->highs[h].at == item->at)
			level += (int128) events->highs[h++].delta * PROFILE_HIGH_UNIT;
		if ((int64) level != level)
			plan->wide = true;
		else if (plan->level_unit != 1)
		{
			uint64		size = level < 0 ? -(uint64) level : (uint64) level;

			if (plan->level_unit == 0 || size % plan->level_unit != 0)
				plan->level_unit = common_divisor(plan->level_unit, size);
		}
		if (i > 0 && plan->time_unit != 1)
		{
			uint64		distance = ProfileDistance(item[-1].at, item->at);

			if (plan->time_unit == 0 || distance % plan->time_unit != 0)
				plan->time_unit = common_divisor(plan->time_unit, distance);
		}
	}
	if (plan->wide || plan->level_unit == 0)
		plan->level_unit = 1;
	if (plan->time_unit == 0)
		plan->time_unit = 1;
}

/*
 * Writes normal events, whose levels are in (-2^124, 2^124), in their stored form.
 * The result has `head` bytes of room before it, for a varlena header; size counts
 * them.  flags says which of the two types it is.
 */
ProfileStatus
ProfileEncode(const ProfileEvents *events, uint8 flags, uint16 basis,
			  ProfileResize resize, void *context, size_t head,
			  uint8 **result, size_t *size)
{
	const uint8 version = PROFILE_VERSION;
	EncodePlan	plan;
	uint32		steps = (uint32) events->count;
	uint32		block_size = steps_per_block(steps);
	uint32		blocks = (steps + block_size - 1) / block_size;
	size_t		level_size;
	size_t		data_offset;
	size_t		room;
	uint8	   *bytes;
	uint8	   *entry;
	uint8	   *p;
	int128		level = 0;
	size_t		h = 0;

	if (events->count > PROFILE_MAX_STEPS)
		return PROFILE_TOO_LARGE;
	plan_encoding(events, &plan);
	if (plan.wide)
		flags |= PROFILE_FLAG_WIDE;
	level_size = plan.wide ? sizeof(int128) : sizeof(int64);

	data_offset = steps == 0 ? PROFILE_EMPTY_SIZE
		: PROFILE_HEADER_SIZE + (size_t) blocks * (sizeof(int64) + 2 * level_size + sizeof(uint32));
	room = head + data_offset + (size_t) (steps < block_size ? steps : block_size) * MAX_STEP_SIZE;
	bytes = resize(context, NULL, room);

	p = bytes + head;
	p = store(p, &version, sizeof(version));
	p = store(p, &flags, sizeof(flags));
	p = store(p, &basis, sizeof(basis));
	p = store(p, &steps, sizeof(steps));
	if (steps > 0)
	{
		p = store(p, &plan.time_unit, sizeof(uint64));
		p = store(p, &plan.level_unit, sizeof(uint64));
		p = store(p, &events->items[steps - 1].at, sizeof(int64));
	}
	entry = p;
	p = bytes + head + data_offset;

	for (uint32 first = 0; first < steps; first += block_size)
	{
		uint32		next = Min(steps - first, block_size) + first;
		size_t		used = p - bytes;
		size_t		written = entry - bytes;
		uint32		offset = (uint32) (used - head - data_offset);
		int128		lowest = 0;
		int128		highest = 0;
		uint64		last_q = 0;
		int128		last_level = 0;

		if (room < used + (size_t) (next - first) * MAX_STEP_SIZE)
		{
			room = Max(room + room / 2, used + (size_t) (next - first) * MAX_STEP_SIZE);
			bytes = resize(context, bytes, room);
			p = bytes + used;
			entry = bytes + written;
		}

		for (uint32 i = first; i < next; i++)
		{
			const ProfileEvent *item = &events->items[i];

			level += item->delta;
			if (h < events->high_count && events->highs[h].at == item->at)
				level += (int128) events->highs[h++].delta * PROFILE_HIGH_UNIT;
			if (i == first)
				lowest = highest = level;
			else
			{
				uint64		distance = ProfileDistance(item[-1].at, item->at);

				p = store_varint(p, plan.time_unit == 1 ? distance : distance / plan.time_unit);
				lowest = Min(lowest, level);
				highest = Max(highest, level);
			}
			if (plan.wide)
			{
				int128		difference = level - last_level;

				p = store_varint128(p, ((uint128) difference << 1) ^ (uint128) (difference >> 127));
				last_level = level;
			}
			else
			{
				/* The difference may wrap; adding it modulo 2^64 is right all the same. */
				uint64		q = plan.level_unit == 1 ? (uint64) (int64) level
					: (uint64) ((int64) level / (int64) plan.level_unit);
				int64		difference = (int64) (q - last_q);

				p = store_varint(p, ((uint64) difference << 1) ^ (uint64) (difference >> 63));
				last_q = q;
			}
		}
		entry = store(entry, &events->items[first].at, sizeof(int64));
		if (plan.wide)
		{
			entry = store(entry, &lowest, sizeof(int128));
			entry = store(entry, &highest, sizeof(int128));
		}
		else
		{
			int64		low = (int64) lowest;
			int64		high = (int64) highest;

			entry = store(entry, &low, sizeof(int64));
			entry = store(entry, &high, sizeof(int64));
		}
		entry = store(entry, &offset, sizeof(uint32));
		if ((size_t) (p - bytes) > PROFILE_MAX_SIZE)
		{
			resize(context, bytes, 0);
			return PROFILE_TOO_LARGE;
		}
	}

	*result = bytes;
	*size = p - bytes;
	return PROFILE_OK;
}

/*
 * Reads the header.  `available` bytes are at hand of `size` in all; at least
 * PROFILE_HEADER_SIZE unless that is all there is.  The caller sets directory,
 * fetch and context.
 */
ProfileStatus
ProfileFlatHeader(ProfileFlat *flat, const uint8 *bytes, size_t available, size_t size)
{
	memset(flat, 0, sizeof(ProfileFlat));
	if (available < PROFILE_EMPTY_SIZE)
		return PROFILE_CORRUPT;
	flat->flags = bytes[1];
	memcpy(&flat->basis, bytes + 2, sizeof(uint16));
	flat->steps = load_uint32(bytes + 4);
	flat->size = size;
	if (bytes[0] != PROFILE_VERSION || (flat->flags & ~PROFILE_FLAGS) != 0)
		return PROFILE_CORRUPT;
	if (flat->steps == 0)
	{
		flat->data_offset = PROFILE_EMPTY_SIZE;
		return size == PROFILE_EMPTY_SIZE ? PROFILE_OK : PROFILE_CORRUPT;
	}
	if (available < PROFILE_HEADER_SIZE || flat->steps > PG_UINT32_MAX / 2)
		return PROFILE_CORRUPT;
	flat->time_unit = load_uint64(bytes + 8);
	flat->level_unit = load_uint64(bytes + 16);
	flat->last = (int64) load_uint64(bytes + 24);
	flat->block_size = steps_per_block(flat->steps);
	flat->blocks = (flat->steps + flat->block_size - 1) / flat->block_size;
	flat->entry_size = sizeof(int64) + sizeof(uint32) +
		2 * ((flat->flags & PROFILE_FLAG_WIDE) ? sizeof(int128) : sizeof(int64));
	flat->data_offset = PROFILE_HEADER_SIZE + flat->blocks * flat->entry_size;
	if (flat->data_offset > size)
		return PROFILE_CORRUPT;
	return PROFILE_OK;
}

/* Returns the first instant of a block. */
int64
ProfileBlockFirst(const ProfileFlat *flat, uint32 index)
{
	return (int64) load_uint64(flat->directory + index * flat->entry_size);
}

/* Reads an entry of the directory. */
void
ProfileGetBlock(const ProfileFlat *flat, uint32 index, ProfileBlock *block)
{
	bool		wide = (flat->flags & PROFILE_FLAG_WIDE) != 0;
	size_t		level_size = wide ? sizeof(int128) : sizeof(int64);
	const uint8 *p = flat->directory + index * flat->entry_size;

	block->first = (int64) load_uint64(p);
	block->lowest = load_level(p + sizeof(int64), wide);
	block->highest = load_level(p + sizeof(int64) + level_size, wide);
	block->offset = load_uint32(p + sizeof(int64) + 2 * level_size);
}

/* Finds the last block that begins at or before an instant; the first if none does. */
uint32
ProfileFindBlock(const ProfileFlat *flat, int64 at)
{
	uint32		low = 0;
	uint32		high = flat->blocks;

	while (high - low > 1)
	{
		uint32		middle = low + (high - low) / 2;

		if (ProfileBlockFirst(flat, middle) <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Starts at the first of normal events. */
void
ProfileStartEvents(ProfileCursor *cursor, const ProfileEvents *events)
{
	memset(cursor, 0, sizeof(ProfileCursor));
	cursor->events = events;
}

/* Starts at a block of a stored profile. */
void
ProfileStartFlat(ProfileCursor *cursor, const ProfileFlat *flat, uint32 block)
{
	memset(cursor, 0, sizeof(ProfileCursor));
	cursor->flat = flat;
	cursor->block = block;
}

/* Reads a chunk of events as steps. */
static bool
read_events(ProfileCursor *cursor, ProfileChunk *chunk)
{
	const ProfileEvents *events = cursor->events;
	size_t		count = Min(events->count - cursor->next, PROFILE_CHUNK);
	const ProfileEvent *items = count > 0 ? events->items + cursor->next : NULL;
	int128		level = cursor->level;

	for (size_t i = 0; i < count; i++)
	{
		level += items[i].delta;
		if (unlikely(cursor->next_high < events->high_count) &&
			events->highs[cursor->next_high].at == items[i].at)
		{
			level += (int128) events->highs[cursor->next_high++].delta * PROFILE_HIGH_UNIT;
			if (level >= PROFILE_LEVEL_LIMIT || level <= -PROFILE_LEVEL_LIMIT)
			{
				cursor->status = PROFILE_OVERFLOW;
				return false;
			}
		}
		chunk->at[i] = items[i].at;
		chunk->level[i] = level;
	}
	cursor->level = level;
	cursor->next += count;
	chunk->count = (int) count;
	return count > 0;
}

/* Opens the next block; false if there is none, or on damage. */
static bool
open_block(ProfileCursor *cursor)
{
	const ProfileFlat *flat = cursor->flat;
	ProfileBlock block;
	size_t		from;
	size_t		to;

	if (cursor->block >= flat->blocks)
		return false;
	ProfileGetBlock(flat, cursor->block, &block);
	from = flat->data_offset + block.offset;
	to = flat->size;
	cursor->left = flat->steps - cursor->block * flat->block_size;
	if (cursor->left > flat->block_size)
		cursor->left = flat->block_size;
	if (++cursor->block < flat->blocks)
	{
		ProfileBlock next;

		ProfileGetBlock(flat, cursor->block, &next);
		to = flat->data_offset + next.offset;
	}
	if (from > to || to > flat->size)
	{
		cursor->status = PROFILE_CORRUPT;
		return false;
	}
	cursor->bytes = flat->fetch(flat->context, from, to - from);
	cursor->end = cursor->bytes + (to - from);
	cursor->opening = true;
	cursor->at = block.first;
	cursor->level = 0;
	cursor->last_q = 0;
	return true;
}

/* Reads a chunk of the open block. */
static bool
read_block(ProfileCursor *cursor, ProfileChunk *chunk)
{
	const ProfileFlat *flat = cursor->flat;
	const bool	wide = (flat->flags & PROFILE_FLAG_WIDE) != 0;
	const uint64 time_unit = flat->time_unit;
	const uint64 level_unit = flat->level_unit;
	int			count = (int) Min(cursor->left, PROFILE_CHUNK);
	const uint8 *p = cursor->bytes;
	const uint8 *const end = cursor->end;
	uint64		at = (uint64) cursor->at;
	uint64		q = cursor->last_q;
	int128		level = cursor->level;

	for (int i = 0; i < count; i++)
	{
		if (likely(!(cursor->opening && i == 0)))
		{
			uint64		distance;

			if ((p = load_varint(p, end, &distance)) == NULL)
				break;
			at += distance * time_unit;
		}
		if (unlikely(wide))
		{
			uint128		zigzag;

			if ((p = load_varint128(p, end, &zigzag)) == NULL)
				break;
			level = (int128) ((uint128) level + ((zigzag >> 1) ^ -(zigzag & 1)));
		}
		else
		{
			uint64		zigzag;

			if ((p = load_varint(p, end, &zigzag)) == NULL)
				break;
			q += (zigzag >> 1) ^ -(zigzag & 1);
			level = (int64) (q * level_unit);
		}
		chunk->at[i] = (int64) at;
		chunk->level[i] = level;
	}
	/* The last step of a block ends it. */
	if (p == NULL || (cursor->left == (uint32) count && p != end))
	{
		cursor->status = PROFILE_CORRUPT;
		return false;
	}
	cursor->opening = false;
	cursor->bytes = p;
	cursor->at = (int64) at;
	cursor->last_q = q;
	cursor->level = level;
	cursor->left -= count;
	chunk->count = count;
	return true;
}

/* Reads the next steps; false at the end, or with a status that is not OK. */
bool
ProfileRead(ProfileCursor *cursor, ProfileChunk *chunk)
{
	chunk->count = 0;
	if (cursor->status != PROFILE_OK)
		return false;
	if (cursor->events != NULL)
		return read_events(cursor, chunk);
	if (cursor->left == 0 && !open_block(cursor))
		return false;
	return read_block(cursor, chunk);
}

/* Adds the events of a profile whose levels fit in 64 bits, block by block. */
static ProfileStatus
decode_narrow(const ProfileFlat *flat, ProfileEvents *into, bool negate)
{
	const uint64 time_unit = flat->time_unit;
	const uint64 level_unit = flat->level_unit;
	ProfileCursor cursor;
	uint64		last_q = 0;

	ProfileStartFlat(&cursor, flat, 0);
	while (open_block(&cursor))
	{
		const uint8 *p = cursor.bytes;
		uint64		at = (uint64) cursor.at;
		uint64		q = 0;

		for (uint32 i = 0; i < cursor.left; i++)
		{
			uint64		distance = 0;
			uint64		zigzag;
			int64		level;
			int64		delta;
			ProfileEvent *item;

			/* mostly a byte each; whether they are is guessed right more often than not */
			if (likely(i > 0 && cursor.end - p >= 2 && (p[0] | p[1]) < 0x80))
			{
				distance = p[0];
				zigzag = p[1];
				p += 2;
			}
			else if ((i > 0 && (p = load_varint(p, cursor.end, &distance)) == NULL) ||
					 (p = load_varint(p, cursor.end, &zigzag)) == NULL)
				return PROFILE_CORRUPT;
			at += distance * time_unit;
			q += (zigzag >> 1) ^ -(zigzag & 1);
			level = (int64) (q * level_unit);
			if (unlikely(__builtin_sub_overflow(level, (int64) (last_q * level_unit), &delta) || delta == PG_INT64_MIN))
			{
				int128		wide = (int128) level - (int64) (last_q * level_unit);

				/* room for it is reserved */
				if (!ProfileAddWide(into, (int64) at, negate ? -wide : wide))
					return PROFILE_OVERFLOW;
			}
			else
			{
				item = &into->items[into->count++];
				item->at = (int64) at;
				item->delta = negate ? -delta : delta;
			}
			last_q = q;
		}
		if (p != cursor.end)
			return PROFILE_CORRUPT;
		cursor.left = 0;
	}
	return cursor.status;
}

/* Adds the events of a stored profile, or of its negative, to others. */
ProfileStatus
ProfileDecode(const ProfileFlat *flat, ProfileEvents *into, bool negate)
{
	bool		normal = ProfileIsEmpty(into);
	ProfileCursor cursor;
	ProfileChunk chunk;
	int128		level = 0;

	ProfileReserve(into, flat->steps);
	if ((flat->flags & PROFILE_FLAG_WIDE) == 0)
	{
		ProfileStatus status = decode_narrow(flat, into, negate);

		into->normal = normal;
		into->ranged = false;
		return status;
	}
	ProfileStartFlat(&cursor, flat, 0);
	while (ProfileRead(&cursor, &chunk))
	{
		for (int i = 0; i < chunk.count; i++)
		{
			int128		delta = negate ? level - chunk.level[i] : chunk.level[i] - level;

			if (!ProfileAddWide(into, chunk.at[i], delta))
				return PROFILE_OVERFLOW;
			level = chunk.level[i];
		}
	}
	into->normal = normal;
	into->ranged = false;
	return cursor.status;
}
