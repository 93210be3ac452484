/*
 * first_fit.h
 *		When devices of pools are free for a request first.
 */
#ifndef COMPUTE_LEDGER_FIRST_FIT_H
#define COMPUTE_LEDGER_FIRST_FIT_H

#include "base/compat.h"

#include "utils/timestamp.h"

/* From one instant to another. */
typedef struct Stretch
{
	int64		from;
	int64		to;
} Stretch;

/* What is looked for in a pool: so many devices for so long without a break, from the start of a slot on. */
typedef struct FirstFit
{
	int64		pool;
	bool		guest;			/* in what guests may have, too */
	int64		devices;
	int64		duration;
	int64		slot;
	const Stretch *allowed;		/* within one of these */
	int			nallowed;
	bool		found;
	int64		start;
} FirstFit;

extern int	StretchesOf(Datum multirange, Stretch **stretches);
extern void FindFirstFits(FirstFit *fits, int count, int64 from, int64 to, TimestampTz clock, bool preempting);

#endif							/* COMPUTE_LEDGER_FIRST_FIT_H */
