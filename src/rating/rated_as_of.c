/*
 * rated_as_of.c
 *		The recorded time that was chosen where none was asked for.
 *
 * It is the watermark, which moves on with the clock.  Who traces the charges that he has
 * just rated means the time of the rating, though, and all of them in one and the same.
 */
#include "base/compat.h"

#include "utils/timestamp.h"

#include "base/snapshot_key.h"

static TimestampTz chosen;
static SnapshotKey chosen_in;

/*
 * _rated_as_of(as_of timestamptz) -> timestamptz
 *
 * Remembers a time and returns it; of NULL, returns what is remembered.  That is NULL in
 * another transaction, and as soon as anything has been committed or written since.
 */
PG_FUNCTION_INFO_V1(rated_as_of);
Datum
rated_as_of(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0))
	{
		chosen = PG_GETARG_TIMESTAMPTZ(0);
		SnapshotKeyTake(&chosen_in);
	}
	else if (!SnapshotKeyIsCurrent(&chosen_in))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(chosen);
}
