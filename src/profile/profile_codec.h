/*
 * profile_codec.h
 *		The stored form of a profile, and reading a profile of either form.
 *
 * Stored, a profile is a ProfileFlat: its steps compressed in blocks, with a directory of
 * the blocks' first instants and lowest and highest levels.  A ProfileCursor reads that
 * or events.
 */
#ifndef COMPUTE_LEDGER_PROFILE_CODEC_H
#define COMPUTE_LEDGER_PROFILE_CODEC_H

#include "profile/profile.h"

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
 *	1	uint8	flags, those of PROFILE_FLAGS; other bits are refused
 *	2	uint16	basis of a rate_profile, else 0
 *	4	uint32	number of steps
 *	8	-- the rest only if there are steps
 *	8	uint64	time unit: the greatest common divisor of the steps' distances
 *	16	uint64	level unit: the greatest common divisor of the levels (1 if wide)
 *	24	int64	last instant
 *	32	directory: an entry for every block of steps_per_block(steps) steps:
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
#define PROFILE_FLAG_RUN		0x04	/* no stored form, but a share of an aggregate: profile_run.h */
#define PROFILE_FLAGS			0x03

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

#endif							/* COMPUTE_LEDGER_PROFILE_CODEC_H */
