/*
 * lesser.c
 *		The lower of two profiles at each instant: what guests may have is that of all, and that of guests.
 */
#include "base/compat.h"

#include "fmgr.h"

#include "profile/profile_object.h"
#include "profile/profile_query.h"

/* _lesser(device_profile, device_profile) -> device_profile; not strict, for the reason that _first_fit() is not. */
PG_FUNCTION_INFO_V1(lesser);
Datum
lesser(PG_FUNCTION_ARGS)
{
	ProfileObject *over;
	ProfileObject *object;
	ProfileCursor start;
	ProfileSegments segments;
	ProfileSegment segment;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	over = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	object = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
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
