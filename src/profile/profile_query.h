/*
 * profile_query.h
 *		What can be asked of a profile, of either form.
 */
#ifndef COMPUTE_LEDGER_PROFILE_QUERY_H
#define COMPUTE_LEDGER_PROFILE_QUERY_H

#include "profile/profile_codec.h"

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

extern void ProfileOpenSegments(ProfileSegments *segments, const ProfileCursor *start, int64 from, int64 to);
extern bool ProfileNextSegment(ProfileSegments *segments, ProfileSegment *segment);
extern ProfileStatus ProfileExtent(const ProfileCursor *start, int64 *first, int64 *last);
extern ProfileStatus ProfilePeak(const ProfileCursor *start, int64 from, int64 to, int128 *peak);
extern ProfileStatus ProfileLowest(const ProfileCursor *start, int64 from, int64 to, int128 *lowest);
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

#endif							/* COMPUTE_LEDGER_PROFILE_QUERY_H */
