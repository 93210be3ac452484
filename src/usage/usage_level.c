/*
 * usage_level.c
 *		The level of what a usage record counts: the SQL function over device_level.h.
 */
#include "base/compat.h"

#include "profile/device_level.h"
#include "profile/profile.h"

/*
 * _usage_level(devices numeric, share integer) -> bigint
 *
 * Units of 1/1,680,000 of a device that so many parts of one are: devices x share, rounded
 * half to even, once.  Raises 22023 for a share that is none.
 */
PG_FUNCTION_INFO_V1(usage_level);
Datum
usage_level(PG_FUNCTION_ARGS)
{
	int32		share = PG_GETARG_INT32(1);

	if (share <= 0 || share > DEVICE_UNITS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("share of a device must lie from 1 to %d units of 1/%d", DEVICE_UNITS, DEVICE_UNITS)));
	PG_RETURN_INT64(DeviceLevelOf(PG_GETARG_DATUM(0), share));
}
