/*
 * rated_as_of.c
 *		The recorded time that a transaction has chosen where none was asked for.
 *
 * That is the watermark, which moves on with the clock.  Who traces the charges that he
 * has just rated means the time of the rating, though, and one time for all of them.
 */
#include "base/compat.h"

#include "storage/proc.h"
#include "utils/timestamp.h"

static TimestampTz chosen;
static LocalTransactionId chosen_in = InvalidLocalTransactionId;	/* by which transaction */

/*
 * _rated_as_of(as_of timestamptz) -> timestamptz
 *
 * Remembers a time for the transaction, and returns it.  Of NULL, returns what this
 * transaction remembers; NULL if it does not.
 */
PG_FUNCTION_INFO_V1(rated_as_of);
Datum
rated_as_of(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0))
	{
		chosen = PG_GETARG_TIMESTAMPTZ(0);
		chosen_in = LocalTransactionOf(MyProc);
	}
	else if (chosen_in != LocalTransactionOf(MyProc))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(chosen);
}
