/*
 * available.c
 *		What is left of what may be booked.
 */
#include "base/compat.h"

#include "fmgr.h"

#include "profile/profile_object.h"
#include "profile/profile_query.h"

/*
 * _available(limit device_profile, booked device_profile) -> device_profile
 *
 * The difference at each instant, and 0 where more is booked than may be.  Not strict: a call whose NULL is known
 * beforehand would ask nobody for EXECUTE.
 */
PG_FUNCTION_INFO_V1(_available);
Datum
_available(PG_FUNCTION_ARGS)
{
	ProfileObject *left;
	ProfileObject *object;
	ProfileCursor start;
	ProfileSegments segments;
	ProfileSegment segment;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	left = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	ProfileMerge(left, PG_GETARG_DATUM(0), false);
	ProfileMerge(left, PG_GETARG_DATUM(1), true);
	left = ProfileFinish(left);
	/* finishing has found the range of its levels */
	if (left->events.lowest >= 0)
		PG_RETURN_DATUM(ProfileGetDatum(left));
	object = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	ProfileStartEvents(&start, &left->events);
	ProfileOpenSegments(&segments, &start, PROFILE_BEGIN, PROFILE_END);
	while (ProfileNextSegment(&segments, &segment))
		if (segment.level > 0)
			ProfileAddPeriod(object, segment.from, segment.to, segment.level);
	if (segments.cursor.status != PROFILE_OK)
		ProfileRaise(segments.cursor.status, PROFILE_DEVICE);
	PG_RETURN_DATUM(ProfileGetDatum(ProfileFinish(object)));
}
