/*
 * first_fit.c
 *		When devices of a pool are free for a request first.
 */
#include "base/compat.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"

#include "placement/placement_slot.h"
#include "profile/profile.h"
#include "profile/profile_object.h"
#include "profile/profile_period.h"
#include "profile/profile_query.h"

/*
 * _first_fit(free device_profile, devices bigint, duration interval, slot_minutes integer, allowed tstzmultirange) -> timestamptz
 *
 * The first start of a slot from which so many devices are free for so long without a break, all within one of the ranges.
 * Not strict: a call whose NULL is known beforehand would ask nobody for EXECUTE.
 */
PG_FUNCTION_INFO_V1(first_fit);
Datum
first_fit(PG_FUNCTION_ARGS)
{
	int64		devices;
	int64		duration;
	int64		slot;
	MultirangeType *allowed;
	TypeCacheEntry *typcache;
	ProfileSource source;
	RangeType **ranges;
	int32		count;

	for (int i = 0; i < 5; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	devices = PG_GETARG_INT64(1);
	duration = ProfileFixedInterval(PG_GETARG_INTERVAL_P(2), "duration");
	slot = PG_GETARG_INT32(3) * USECS_PER_MINUTE;
	if (devices <= 0 || devices > INT64CONST(1000000000) || slot <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("devices are from 1 to 1000000000, and slots longer than nothing")));
	allowed = PG_GETARG_MULTIRANGE_P(4);
	typcache = multirange_get_typcache(fcinfo, MultirangeTypeGetOid(allowed));
	multirange_deserialize(typcache->rngtype, allowed, &count, &ranges);
	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_WHOLE);
	for (int32 i = 0; i < count; i++)
	{
		int64		from;
		int64		to;

		if (!ProfileWindow(RangeTypePGetDatum(ranges[i]), &from, &to))
			continue;
		for (bool found = true; found;)
		{
			ProfileStatus status;
			int64		at;

			CHECK_FOR_INTERRUPTS();
			status = ProfileEarliestFit(&source.start, (int128) devices * DEVICE_UNITS, duration, from, to, &at, &found);
			if (status != PROFILE_OK)
				ProfileRaise(status, source.kind);
			if (found && at > PG_INT64_MAX - slot)
				break;
			/* not at the start of a slot: from the next one on */
			from = found ? SlotFrom(at, slot) : from;
			if (found && from == at)
				PG_RETURN_TIMESTAMPTZ(at);
		}
	}
	PG_RETURN_NULL();
}
