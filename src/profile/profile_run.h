/*
 * profile_run.h
 *		Events of a profile as one process hands them to another: a run.
 *
 * A parallel worker sorts and adds up its share, and writes it as a run; who combines
 * the shares keeps the runs as they came, and merges them when the whole is read.  So
 * the form is made to be written and read fast: all numbers of a kind have one width.
 */
#ifndef COMPUTE_LEDGER_PROFILE_RUN_H
#define COMPUTE_LEDGER_PROFILE_RUN_H

#include "profile/profile.h"

/*
 * A run, after the varlena length word.  All numbers are native-endian and unaligned;
 * the first eight bytes are those of the stored form (profile_codec.h), whose flags say
 * that it is a run.
 *
 *	0	uint8	version
 *	1	uint8	flags
 *	2	uint16	basis of a rate_profile, else 0
 *	4	uint32	number of events
 *	8	uint64	time unit: the greatest common divisor of the distances (1 if there is none)
 *	16	uint64	level unit: the greatest common divisor of the changes of level (same)
 *	24	int64	first instant
 *	32	uint8	bytes of a distance: 1, 2, 4 or 8
 *	33	uint8	bytes of a change of level: same
 *	34	uint16	0
 *	36	uint32	number of high parts
 *	40	for every event, the distance from the event before it (0 for the first), in time
 *		units; then for every event the low part of its change, in level units, signed;
 *		then the high parts, int64 instant and int64 change each
 *
 * Instants do not descend; high parts are at instants of events, and do not, either.
 */
#define PROFILE_RUN_HEADER_SIZE		40

/* Events are handed out in chunks. */
#define PROFILE_RUN_CHUNK	256

/* Reads a run, or merges two streams. */
typedef struct ProfileStream
{
	const ProfileEvent *next;	/* what is read and not taken yet */
	const ProfileEvent *end;
	struct ProfileStream *left; /* to merge; NULL of a run */
	struct ProfileStream *right;
	const uint8 *distances;		/* of the run, from the next event on */
	const uint8 *changes;
	size_t		count;			/* events left to read */
	uint64		time_unit;
	uint64		level_unit;
	int			distance_width;
	int			change_width;
	uint64		at;				/* of the last event */
	ProfileStatus status;
	ProfileEvent buffer[PROFILE_RUN_CHUNK];
} ProfileStream;

extern ProfileStatus ProfileRunEncode(const ProfileEvents *events, uint8 flags, uint16 basis,
									  ProfileResize resize, void *context, ProfileRun **result);
extern ProfileStatus ProfileRunCheck(const uint8 *bytes, size_t size, uint32 *events, uint32 *highs);
extern const uint8 *ProfileRunHighs(const uint8 *bytes, size_t size, uint32 *count);
extern void ProfileStreamRun(ProfileStream *stream, const uint8 *bytes);
extern void ProfileStreamMerge(ProfileStream *stream, ProfileStream *left, ProfileStream *right);
extern size_t ProfileStreamRead(ProfileStream *stream);

#endif							/* COMPUTE_LEDGER_PROFILE_RUN_H */
