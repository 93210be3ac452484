/*
 * usage_work.h
 *		The work that a usage record says it achieved, as its time goes by.
 */
#ifndef COMPUTE_LEDGER_USAGE_WORK_H
#define COMPUTE_LEDGER_USAGE_WORK_H

#include "c.h"

#include "datatype/timestamp.h"

#include "base/half_even.h"

/*
 * Returns what a record from start to end, not empty, that achieved so much in all had
 * achieved up to an instant not before its start, in FLOP.
 *
 * Work is taken to be done evenly until the end.  A record that goes on (end infinity)
 * says what it had achieved when it was recorded: its work is done by then, whenever one
 * asks, and nothing of it after; if it was recorded before it starts, by a clock that is
 * behind the source's, all is done in the microsecond at the start.  What was done up to an
 * instant is rounded, half to even, so that the parts of a record, which are differences of
 * such amounts, add up to the whole.
 */
static inline int128
AchievedUntil(int128 achieved, TimestampTz start, TimestampTz end, TimestampTz recorded, TimestampTz at)
{
	TimestampTz done = TIMESTAMP_IS_NOEND(end) ? Max(recorded, start + 1) : end;
	uint128		result = 0;

	if (at >= done)
		return achieved;
	/* It fits: it is at most what was achieved, and below length^2 < 2^128 on the way. */
	(void) ScaleHalfEven(achieved < 0 ? -(uint128) achieved : (uint128) achieved,
						 (uint64) at - (uint64) start, (uint64) done - (uint64) start, &result);
	return achieved < 0 ? -(int128) result : (int128) result;
}

#endif							/* COMPUTE_LEDGER_USAGE_WORK_H */
