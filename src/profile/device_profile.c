/*
 * device_profile.c
 *		The type device_profile: how many devices are in use, over time.
 *
 * Text:	{2026-01-01T00:00:00Z 8, 2026-01-01T08:30:00Z 4.5, 2026-01-02T00:00:00Z 0}
 *			the level from each instant on; {} is no devices at any time.
 * Binary:	version (1 byte, 1), flags (1 byte, 0), number of steps (int4), then for
 *			each the instant (int8, as timestamptz) and the level (int8, in units of
 *			1/1,680,000).
 * Instants ascend, and the last level is zero; steps that change nothing are dropped.
 */
#include "base/compat.h"

#include "libpq/pqformat.h"

#include "profile/device_level.h"
#include "profile/profile_object.h"
#include "profile/profile_period.h"
#include "profile/profile_query.h"
#include "profile/profile_text.h"

/* Reads the text of a level. */
static bool
parse_devices(const char *str, int128 *level, bool *in_range)
{
	int64		devices = 0;

	if (!DeviceLevelParse(str, &devices, in_range))
		return false;
	*level = devices;
	return true;
}

/* Reads text. */
PG_FUNCTION_INFO_V1(device_profile_in);
Datum
device_profile_in(PG_FUNCTION_ARGS)
{
	ProfileObject *object = ProfileParse(PG_GETARG_CSTRING(0), PROFILE_DEVICE, parse_devices,
										 fcinfo->context);

	if (object == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(ProfileGetDatum(object));
}

/* Writes text. */
PG_FUNCTION_INFO_V1(device_profile_out);
Datum
device_profile_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(ProfileFormat(PG_GETARG_DATUM(0), DeviceLevelFormat));
}

/* Reads the binary form. */
PG_FUNCTION_INFO_V1(device_profile_recv);
Datum
device_profile_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(ProfileGetDatum(ProfileReceive((StringInfo) PG_GETARG_POINTER(0), PROFILE_DEVICE)));
}

/* Writes the binary form. */
PG_FUNCTION_INFO_V1(device_profile_send);
Datum
device_profile_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(ProfileSend(PG_GETARG_DATUM(0)));
}

/* Adds (period, devices) to a state. */
PG_FUNCTION_INFO_V1(device_profile_accum);
Datum
device_profile_accum(PG_FUNCTION_ARGS)
{
	ProfileObject *state;
	int64		from;
	int64		to;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = ProfileState(fcinfo, PROFILE_DEVICE);
	if (ProfilePeriod(PG_GETARG_DATUM(1), &from, &to))
		ProfileAddPeriod(state, from, to, DeviceLevelFromNumeric(PG_GETARG_DATUM(2)));
	PG_RETURN_DATUM(ProfileStateDatum(fcinfo, state));
}

/* Adds (start, end, devices) to a state. */
PG_FUNCTION_INFO_V1(device_profile_accum_bounds);
Datum
device_profile_accum_bounds(PG_FUNCTION_ARGS)
{
	ProfileObject *state;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = ProfileState(fcinfo, PROFILE_DEVICE);
	if (ProfilePeriodFromBounds(PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2)))
		ProfileAddPeriod(state, PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2),
						 DeviceLevelFromNumeric(PG_GETARG_DATUM(3)));
	PG_RETURN_DATUM(ProfileStateDatum(fcinfo, state));
}

/*
 * Finds the first start at which so many devices are available for so long, all
 * within a window.
 */
PG_FUNCTION_INFO_V1(device_profile_earliest_fit);
Datum
device_profile_earliest_fit(PG_FUNCTION_ARGS)
{
	int64		devices = DeviceLevelFromNumeric(PG_GETARG_DATUM(1));
	int64		duration = ProfileFixedInterval(PG_GETARG_INTERVAL_P(2), "duration");
	ProfileSource source;
	ProfileStatus status;
	int64		from;
	int64		to;
	int64		at;
	bool		found;

	if (devices <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of devices must be greater than zero")));
	if (!ProfileWindow(PG_GETARG_DATUM(3), &from, &to))
		PG_RETURN_NULL();
	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
	status = ProfileEarliestFit(&source.start, devices, duration, from, to, &at, &found);
	if (status != PROFILE_OK)
		ProfileRaise(status, source.kind);
	if (!found)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(at);
}
