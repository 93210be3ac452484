/*
 * lesser.c
 *		The lower of two profiles at each instant: what guests may have is that of all, and that of guests.
 */
#include "base/compat.h"

#include "fmgr.h"

#include "placement/lesser.h"
#include "profile/profile_object.h"
#include "profile/profile_query.h"

/* Returns the lower of two profiles at each instant. */
Datum
LesserProfile(Datum a, Datum b)
{
	ProfileObject *over;
	ProfileObject *object;
	ProfileCursor start;
	ProfileSegments segments;
	ProfileSegment segment;

	over = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	object = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	ProfileMerge(over, a, false);
	ProfileMerge(over, b, true);
	over = ProfileFinish(over);
	ProfileMerge(object, a, false);
	ProfileStartEvents(&start, &over->events);
	ProfileOpenSegments(&segments, &start, PROFILE_BEGIN, PROFILE_END);
	while (ProfileNextSegment(&segments, &segment))
		if (segment.level > 0)
			ProfileAddPeriod(object, segment.from, segment.to, -segment.level);
	if (segments.cursor.status != PROFILE_OK)
		ProfileRaise(segments.cursor.status, PROFILE_DEVICE);
	return ProfileGetDatum(ProfileFinish(object));
}

/* _lesser(device_profile, device_profile) -> device_profile; not strict, for the reason that _first_fit() is not. */
PG_FUNCTION_INFO_V1(lesser);
Datum
lesser(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(LesserProfile(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}
