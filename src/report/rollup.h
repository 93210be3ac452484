/*
 * rollup.h
 *		Cells of usage: what lies in an hour of UTC that is in one local day.
 */
#ifndef COMPUTE_LEDGER_ROLLUP_H
#define COMPUTE_LEDGER_ROLLUP_H

#include "base/compat.h"

#include "utils/date.h"
#include "utils/timestamp.h"

#include "quantity/quantity.h"

/* Days that a local date may be off the UTC date, either way, and room for more. */
#define ROLLUP_DAY_SPAN		32

typedef struct RollupState RollupState;
typedef struct RollupZone RollupZone;

/* What there was in a cell. */
typedef struct RollupCell
{
	int64		key;			/* RollupKey() */
	char		status;
	bool		has_work;		/* some record in it has a rate */
	bool		has_achieved;	/* some record in it says what it achieved */
	int64		started;		/* records that begin in it */
	int64		length;			/* of all records in it, together; microseconds */
	int64		shared;			/* of those of which the share of a device is known */
	int64		rated;			/* of those that have a rate */
	int64		achieving;		/* of those that say what they achieved */
	int128		device_time;	/* 1/1,680,000 device x microsecond */
	int128		work;			/* FLOP */
	int128		achieved;		/* FLOP */
} RollupCell;

/* A record, and the part of it that is added or taken away. */
typedef struct RollupUse
{
	TimestampTz started;
	TimestampTz ended;			/* infinity: goes on */
	TimestampTz from;
	TimestampTz to;
	Datum		devices;		/* what is counted: numeric */
	int32		share;			/* of a device that one of it is; 0: not known */
	const Quantity *rate;		/* of one of it; NULL: not known */
	const Quantity *achieved;	/* NULL: not known */
	TimestampTz recorded;		/* of what goes on: when it was first said */
	bool		added;			/* or taken away */
} RollupUse;

extern RollupState *RollupStateMake(MemoryContext context);
extern RollupZone *RollupZoneFind(RollupZone **list, MemoryContext context, const text *zone);
extern DateADT RollupDayOfHour(RollupZone *zone, int64 hour);
extern void RollupAdd(RollupState *state, RollupZone *zone, const RollupUse *use);
extern void RollupAddCell(RollupState *state, const RollupCell *cell, bool added);
extern int	RollupCellCount(const RollupState *state);
extern void RollupCellPointers(const RollupState *state, RollupCell **list);
extern bool RollupInteger(Datum numeric, int128 *result);

/* Returns the hour, since 2000, that an instant is in. */
static inline int64
RollupHourAt(TimestampTz at)
{
	return at / USECS_PER_HOUR - (at % USECS_PER_HOUR < 0);
}

/* Returns the UTC date of an hour since 2000. */
static inline DateADT
RollupUtcDate(int64 hour)
{
	return (DateADT) (hour >= 0 ? hour / HOURS_PER_DAY : -((HOURS_PER_DAY - 1 - hour) / HOURS_PER_DAY));
}

/* Returns the key of a cell: its hour, and its local day against the hour's UTC date. */
static inline int64
RollupKey(int64 hour, DateADT day)
{
	return hour * (2 * ROLLUP_DAY_SPAN) + (day - RollupUtcDate(hour)) + ROLLUP_DAY_SPAN;
}

/* Returns the hour, since 2000, of a key. */
static inline int64
RollupHour(int64 key)
{
	return key / (2 * ROLLUP_DAY_SPAN) - (key % (2 * ROLLUP_DAY_SPAN) < 0);
}

/* Returns the local day of a key. */
static inline DateADT
RollupDay(int64 key)
{
	int64		hour = RollupHour(key);

	return RollupUtcDate(hour) + (DateADT) (key - hour * (2 * ROLLUP_DAY_SPAN)) - ROLLUP_DAY_SPAN;
}

/* Tells whether nothing was added to a cell that was not taken away. */
static inline bool
RollupCellIsNothing(const RollupCell *cell)
{
	return cell->length == 0 && cell->shared == 0 && cell->rated == 0 && cell->achieving == 0 &&
		cell->started == 0 && cell->device_time == 0 && cell->work == 0 && cell->achieved == 0;
}

#endif							/* COMPUTE_LEDGER_ROLLUP_H */
