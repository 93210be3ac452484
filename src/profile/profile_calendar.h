/*
 * profile_calendar.h
 *		Buckets of time in a time zone.
 *
 * A width is a number of months, of days, or a time:
 *	- months and days begin at local times of the zone: the origin's local time plus
 *	  a whole number of widths, from when on the clock shows nothing earlier.  Days have
 *	  23, 24 or 25 hours as the zone has it; one whose midnight comes twice has both.
 *	- a time (hours and less, or more) goes by the zone's clock: a bucket begins
 *	  where the clock shows the origin's time plus a whole number of widths.  Where
 *	  the clock is put forward or back by a whole number of widths (an hour's change
 *	  and hours or quarters of one), every bucket has the same length.  Elsewhere
 *	  the bucket in which the clock is changed is shorter or longer: six hours of the
 *	  day on which clocks go back may be seven.  Where a clock is put back at the end
 *	  of a bucket, what it shows again is a bucket of its own: Lord Howe's half hour.
 * The origin, unless given, is 2001-01-01 00:00 local time: a Monday, and the first
 * of a month, quarter, year and century.
 *
 * Buckets follow each other without gap or overlap, from instant to instant.
 */
#ifndef COMPUTE_LEDGER_PROFILE_CALENDAR_H
#define COMPUTE_LEDGER_PROFILE_CALENDAR_H

#include "base/compat.h"

#include "pgtime.h"
#include "utils/timestamp.h"

typedef enum CalendarKind
{
	CALENDAR_CLOCK,
	CALENDAR_DAYS,
	CALENDAR_MONTHS
} CalendarKind;

/*
 * A time in which clock buckets have one phase: the zone's distance from UTC is
 * constant, or changes by whole widths only.  They begin at `begin` and, from
 * there on, where (instant - phase) is a multiple of the width.
 */
typedef struct CalendarEra
{
	int64		from;
	int64		to;
	int64		begin;			/* first bucket's start in the era; `to` if there is none */
	int64		phase;
} CalendarEra;

typedef struct Calendar
{
	CalendarKind kind;
	int64		width;			/* months, days or microseconds */
	pg_tz	   *zone;
	int64		origin;			/* local time, as a timestamp without time zone */
	MemoryContext context;
	CalendarEra *eras;			/* of a clock calendar, in order, from the beginning */
	int			era_count;
	int			era_room;
	int			era;			/* the one last used */
	bool		complete;		/* the last era has no end */
	int64		last_id;		/* of the bucket that was open when the last era ended */
	int64		offset;			/* from UTC at the end of the last era, microseconds */
} Calendar;

extern Calendar *CalendarMake(MemoryContext context, const Interval *width, const text *zone,
							  const TimestampTz *origin);
extern int64 CalendarFloor(Calendar *calendar, int64 at);
extern int64 CalendarNext(Calendar *calendar, int64 start);

#endif							/* COMPUTE_LEDGER_PROFILE_CALENDAR_H */
