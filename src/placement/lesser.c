/*
 * lesser.c
 *		The lower of two profiles at each instant: what guests may have is that of all, and that of guests.
 */
#include "base/compat.h"

#include "fmgr.h"

#include "profile/profile_object.h"
#include "profile/profile_query.h"

/* _lesser(device_profile, device_profile) -> device_profile */
PG_FUNCTION_INFO_V1(lesser);
Datum
lesser(PG_FUNCTION_ARGS)
{
	ProfileObject *over = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	ProfileObject *object = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	ProfileCursor start;
	ProfileSegments segments;
	ProfileSegment segment;

	ProfileMerge(over, PG_GETARG_DATUM(0), false);
	ProfileMerge(over, PG_GETARG_DATUM(1), true);
	over = ProfileFinish(over);
	ProfileMerge(object, PG_GETARG_DATUM(0), false);
	ProfileStartEvents(&start, &over->events);
	ProfileOpenSegments(&segments, &start, PROFILE_BEGIN, PROFILE_END);
	while (ProfileNextSegment(&segments, &segment))
		if (segment.level > 0)
			ProfileAddPeriod(object, segment.from, segment.to, -segment.level);
	if (segments.cursor.status != PROFILE_OK)
		ProfileRaise(segments.cursor.status, PROFILE_DEVICE);
	PG_RETURN_DATUM(ProfileGetDatum(ProfileFinish(object)));
}
