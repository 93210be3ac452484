/*
 * profile_calendar.c
 *		Where buckets begin in a time zone (see profile_calendar.h).
 */
#include "base/compat.h"

#include "utils/builtins.h"
#include "utils/datetime.h"

#include "profile/profile_calendar.h"

/* 2001-01-01 00:00, a leap year after 2000-01-01. */
#define DEFAULT_ORIGIN		(366 * USECS_PER_DAY)

#define UNIX_EPOCH_SECONDS \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* Raises that a bucket begins or ends where no timestamp is. */
static void
bucket_out_of_range_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("timestamp out of range")));
}

/* Divides and rounds down. */
static inline int64
floor_divide(int128 number, int128 divisor)
{
	int128		quotient = number / divisor;

	return (int64) (number % divisor < 0 ? quotient - 1 : quotient);
}

/* Returns what is left after floor_divide(). */
static inline int64
floor_rest(int64 number, int64 divisor)
{
	int64		rest = number % divisor;

	return rest < 0 ? rest + divisor : rest;
}

/* Finds a time zone by name. */
static pg_tz *
find_calendar_zone(const text *name)
{
	char		buf[TZ_STRLEN_MAX + 1];
	pg_tz	   *zone = NULL;

	if (name == NULL)
		return pg_tzset("GMT");
	text_to_cstring_buffer(name, buf, sizeof(buf));
	if (VARSIZE_ANY_EXHDR(name) <= TZ_STRLEN_MAX)
		zone = pg_tzset(buf);
	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", buf),
				 errhint("pg_timezone_names lists the names.")));
	return zone;
}

/* Returns the local time of an instant, as a timestamp without time zone. */
static int64
local_time(const Calendar *calendar, int64 at, struct pg_tm *tm)
{
	fsec_t		fsec;
	int			west;

	if (timestamp2tm(at, &west, tm, &fsec, NULL, calendar->zone) != 0)
		bucket_out_of_range_error();
	return at - west * USECS_PER_SEC;
}

/* Returns the instant of a local time, as AT TIME ZONE has it. */
static int64
instant_of(const Calendar *calendar, struct pg_tm *tm, fsec_t fsec)
{
	int			west = DetermineTimeZoneOffset(tm, calendar->zone);
	Timestamp	result;

	if (tm2timestamp(tm, fsec, &west, &result) != 0)
		bucket_out_of_range_error();
	return result;
}

/*
 * Returns the instant from which on the clock shows a local time or a later one: the
 * second of two, but where the clock is put back to just this time, the first.
 */
static int64
start_of_local(const Calendar *calendar, struct pg_tm *tm, fsec_t fsec)
{
	int64		at = instant_of(calendar, tm, fsec);
	struct pg_tm other;
	Timestamp	local;
	int64		shown;

	if (tm2timestamp(tm, fsec, NULL, &local) != 0)
		bucket_out_of_range_error();
	if (at <= MIN_TIMESTAMP || local_time(calendar, at, &other) != local)
		return at;				/* a time that is skipped */
	shown = local_time(calendar, at - 1, &other) + 1;
	return shown > local ? at - (shown - local) : at;
}

/*
 * Looks at the zone from an instant on: its distance from UTC, and the next
 * instant at which that may change.
 */
static int64
zone_offset(const Calendar *calendar, int64 at, int64 *next)
{
	pg_time_t	from = floor_divide(at, USECS_PER_SEC) + UNIX_EPOCH_SECONDS;
	pg_time_t	boundary;
	long int	before;
	long int	after;
	int			before_isdst;
	int			after_isdst;
	int			found = pg_next_dst_boundary(&from, &before, &before_isdst,
											 &boundary, &after, &after_isdst, calendar->zone);

	*next = PG_INT64_MAX;
	if (found < 0)
		bucket_out_of_range_error();
	if (found > 0 && boundary - UNIX_EPOCH_SECONDS < END_TIMESTAMP / USECS_PER_SEC)
		*next = (boundary - UNIX_EPOCH_SECONDS) * USECS_PER_SEC;
	return before * USECS_PER_SEC;
}

/* Returns the phase of clock buckets at a distance from UTC. */
static int64
phase_at(const Calendar *calendar, int64 offset)
{
	return floor_rest(calendar->origin - offset, calendar->width);
}

/* Looks past the end of the last era: lengthens it, or adds one. */
static void
extend_eras(Calendar *calendar)
{
	CalendarEra *last = &calendar->eras[calendar->era_count - 1];
	CalendarEra *era;
	int64		at = last->to;
	int64		next;
	int64		offset = zone_offset(calendar, at, &next);
	int64		id;
	bool		ended;

	if ((offset - calendar->offset) % calendar->width == 0)
	{
		last->to = next;
		calendar->offset = offset;
		calendar->complete = next == PG_INT64_MAX;
		return;
	}

	/*
	 * The clock is put forward or back by something else than whole widths.  If
	 * that brings it into a later bucket, that one begins now.  So does one if the
	 * clock was about to show the next bucket: what it shows again is a bucket of
	 * its own.  Else the bucket that is open goes on until the clock shows the next one.
	 */
	ended = floor_rest(at - last->phase, calendar->width) == 0;
	if (last->begin < at)
		calendar->last_id = floor_divide((int128) at - 1 + calendar->offset - calendar->origin,
										 calendar->width);
	id = floor_divide((int128) at + offset - calendar->origin, calendar->width);
	if (calendar->era_count == calendar->era_room)
	{
		calendar->era_room *= 2;
		calendar->eras = repalloc(calendar->eras, calendar->era_room * sizeof(CalendarEra));
	}
	era = &calendar->eras[calendar->era_count++];
	era->from = at;
	era->to = next;
	era->phase = phase_at(calendar, offset);
	era->begin = id > calendar->last_id || ended ? at
		: (calendar->last_id + 1) * calendar->width + calendar->origin - offset;
	calendar->offset = offset;
	calendar->complete = next == PG_INT64_MAX;
}

/* Finds the era of an instant. */
static CalendarEra *
find_era(Calendar *calendar, int64 at)
{
	int			low = 0;
	int			high;

	while (!calendar->complete && calendar->eras[calendar->era_count - 1].to <= at)
		extend_eras(calendar);
	if (calendar->eras[calendar->era].from <= at && at < calendar->eras[calendar->era].to)
		return &calendar->eras[calendar->era];
	high = calendar->era_count;
	while (high - low > 1)
	{
		int			middle = (low + high) / 2;

		if (calendar->eras[middle].from <= at)
			low = middle;
		else
			high = middle;
	}
	calendar->era = low;
	return &calendar->eras[low];
}

/* Makes a calendar.  zone NULL is UTC; origin NULL is 2001-01-01 00:00 local time. */
Calendar *
CalendarMake(MemoryContext context, const Interval *width, const text *zone, const TimestampTz *origin)
{
	Calendar   *calendar;

	if ((width->month != 0) + (width->day != 0) + (width->time != 0) != 1 ||
		width->month < 0 || width->day < 0 || width->time < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("width of buckets must be a positive number of months, of days, or a time"),
				 errhint("Use a width such as '1 month', '7 days', '1 hour' or '15 minutes', and no mixture of those.")));

	calendar = MemoryContextAllocZero(context, sizeof(Calendar));
	calendar->context = context;
	calendar->zone = find_calendar_zone(zone);
	calendar->kind = width->month ? CALENDAR_MONTHS : width->day ? CALENDAR_DAYS : CALENDAR_CLOCK;
	calendar->width = width->month ? width->month : width->day ? width->day : width->time;
	calendar->origin = DEFAULT_ORIGIN;
	if (origin != NULL)
	{
		struct pg_tm tm;

		if (TIMESTAMP_NOT_FINITE(*origin))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("origin of buckets must be finite")));
		calendar->origin = local_time(calendar, *origin, &tm);
	}
	if (calendar->kind == CALENDAR_CLOCK)
	{
		calendar->era_room = 8;
		calendar->eras = MemoryContextAlloc(context, calendar->era_room * sizeof(CalendarEra));
		calendar->era_count = 1;
		calendar->eras[0].from = calendar->eras[0].begin = PG_INT64_MIN;
		calendar->offset = zone_offset(calendar, MIN_TIMESTAMP, &calendar->eras[0].to);
		calendar->eras[0].phase = phase_at(calendar, calendar->offset);
		calendar->complete = calendar->eras[0].to == PG_INT64_MAX;
	}
	return calendar;
}

/* Returns the start of the calendar's k-th bucket of days or months. */
static int64
start_of_width(const Calendar *calendar, int64 k)
{
	int128		distance = (int128) k * calendar->width;
	struct pg_tm tm;
	fsec_t		fsec = 0;

	if (calendar->kind == CALENDAR_DAYS)
	{
		int128		local = calendar->origin + distance * USECS_PER_DAY;

		if (local < MIN_TIMESTAMP || local >= END_TIMESTAMP ||
			timestamp2tm((Timestamp) local, NULL, &tm, &fsec, NULL, NULL) != 0)
			bucket_out_of_range_error();
	}
	else
	{
		int64		month;

		if (timestamp2tm(calendar->origin, NULL, &tm, &fsec, NULL, NULL) != 0 ||
			distance < -PG_INT32_MAX || distance > PG_INT32_MAX)
			bucket_out_of_range_error();
		month = (int64) tm.tm_year * MONTHS_PER_YEAR + tm.tm_mon - 1 + (int64) distance;
		tm.tm_year = (int) floor_divide(month, MONTHS_PER_YEAR);
		tm.tm_mon = (int) floor_rest(month, MONTHS_PER_YEAR) + 1;
		tm.tm_mday = Min(tm.tm_mday, day_tab[isleap(tm.tm_year)][tm.tm_mon - 1]);
		if (!IS_VALID_JULIAN(tm.tm_year, tm.tm_mon, tm.tm_mday))
			bucket_out_of_range_error();
	}
	return start_of_local(calendar, &tm, fsec);
}

/* Finds the bucket of days or months that an instant is in, and its bounds. */
static void
find_width(const Calendar *calendar, int64 at, int64 *from, int64 *to)
{
	struct pg_tm tm;
	struct pg_tm origin;
	fsec_t		fsec;
	int64		local = local_time(calendar, at, &tm);
	int64		k;

	if (calendar->kind == CALENDAR_DAYS)
		k = floor_divide((int128) local - calendar->origin, (int128) calendar->width * USECS_PER_DAY);
	else
	{
		if (timestamp2tm(calendar->origin, NULL, &origin, &fsec, NULL, NULL) != 0)
			bucket_out_of_range_error();
		k = floor_divide(((int64) tm.tm_year - origin.tm_year) * MONTHS_PER_YEAR +
						 tm.tm_mon - origin.tm_mon, calendar->width);
	}
	/* The first guess is off where the origin is not at midnight, or clocks change. */
	*from = start_of_width(calendar, k);
	while (*from > at)
		*from = start_of_width(calendar, --k);
	*to = start_of_width(calendar, ++k);
	while (*to <= at)
	{
		*from = *to;
		*to = start_of_width(calendar, ++k);
	}
}

/* Returns the start of the bucket that an instant is in. */
int64
CalendarFloor(Calendar *calendar, int64 at)
{
	int64		from;
	int64		to;

	if (calendar->kind != CALENDAR_CLOCK)
	{
		find_width(calendar, at, &from, &to);
		return from;
	}
	for (;;)
	{
		CalendarEra *era = find_era(calendar, at);

		if (at >= era->begin)
		{
			from = at - floor_rest(at - era->phase, calendar->width);
			from = Max(from, era->begin);
			if (from < MIN_TIMESTAMP)
				bucket_out_of_range_error();
			return from;
		}
		/* The bucket began before the clock was changed. */
		at = era->from - 1;
	}
}

/* Returns the end of the bucket that an instant is in. */
int64
CalendarNext(Calendar *calendar, int64 at)
{
	int64		from;
	int64		to;

	if (calendar->kind != CALENDAR_CLOCK)
	{
		find_width(calendar, at, &from, &to);
		return to;
	}
	for (;;)
	{
		CalendarEra *era = find_era(calendar, at);

		if (at < era->begin)
			to = era->begin;
		else if (__builtin_add_overflow(at - floor_rest(at - era->phase, calendar->width),
										calendar->width, &to))
			bucket_out_of_range_error();
		if (to < era->to || era->to == PG_INT64_MAX)
			break;
		/* The clock is changed before: what begins there, or after? */
		at = era->to;
		era = find_era(calendar, at);
		if (era->begin <= at && (era->begin == at ||
								 floor_rest(at - era->phase, calendar->width) == 0))
		{
			to = at;
			break;
		}
	}
	if (to >= END_TIMESTAMP)
		bucket_out_of_range_error();
	return to;
}
