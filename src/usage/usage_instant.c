/*
 * usage_instant.c
 *		The instant that a cell of usage means.
 *
 * A cell says it itself, by Z, an offset or the name of a zone, or its source does, which
 * has a time zone and may write Unix seconds; if neither does, the session's time zone is
 * taken.  What a clock of a zone never shows, and what it shows twice, is no instant: which
 * of the two is meant, only the source knows.
 */
#include "base/compat.h"

#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "usage/usage_instant.h"

#define UNIX_SECONDS_TO_2000	((pg_time_t) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/*
 * Finds the one instant at which the clocks of a zone show a time; both count seconds, since
 * 2000-01-01 00:00:00 by the clock and in UTC.
 *
 * Goes over all stretches of one offset that can reach the time: no offset is a day.
 */
static InstantFault
find_instant(int64 clock, const pg_tz *zone, int64 *instant)
{
	pg_time_t	shown = clock + UNIX_SECONDS_TO_2000;
	pg_time_t	from = shown - SECS_PER_DAY;
	int			found = 0;

	for (;;)
	{
		long int	offset;
		long int	next_offset;
		int			isdst;
		pg_time_t	to;
		int			more = pg_next_dst_boundary(&from, &offset, &isdst, &to, &next_offset, &isdst, zone);
		pg_time_t	at;

		if (more < 0)
			return INSTANT_NO_DAY;
		at = shown - offset;
		if (at >= from && (more == 0 || at < to))
		{
			found++;
			*instant = at - UNIX_SECONDS_TO_2000;
		}
		if (more == 0 || to > shown + SECS_PER_DAY)
			break;
		from = to;
	}
	return found == 1 ? INSTANT_OK : found == 0 ? INSTANT_NEVER : INSTANT_TWICE;
}

/* Finds a zone by its name, spelt as the IANA time zone database spells it; NULL if there is none. */
static pg_tz *
find_zone(const char *name)
{
	/* pg_tzset() searches the disk for what is not there, each time; a file has one wrong name rather than many */
	static char unknown[TZ_STRLEN_MAX + 1] = "";
	pg_tz	   *zone;

	if (strlen(name) > TZ_STRLEN_MAX || strcmp(name, unknown) == 0)
		return NULL;
	zone = pg_tzset(name);
	/* a zone that counts leap seconds has another name than it was asked for, or counts other seconds than we do */
	if (zone != NULL && strcmp(pg_get_timezone_name(zone), name) == 0 && pg_tz_acceptable(zone))
		return zone;
	strlcpy(unknown, name, sizeof(unknown));
	return NULL;
}

/* Reads an instant in a source that has a time zone (NULL: the session's) and may write Unix seconds. */
InstantFault
ReadInstant(text *cell, text *time_zone, bool unix_seconds, TimestampTz *result)
{
	const char *str = VARDATA_ANY(cell);
	Size		len = VARSIZE_ANY_EXHDR(cell);
	InstantText parsed;
	InstantFault fault = ParseInstant(str, len, &parsed);
	int64		seconds = 0;

	if (fault == INSTANT_OK)
		switch (parsed.zone)
		{
			case INSTANT_UNIX:
				seconds = parsed.seconds;
				if (!unix_seconds)
					fault = INSTANT_NO_UNIX;
				break;
			case INSTANT_OFFSET:
				seconds = parsed.seconds - parsed.offset;
				break;
			default:
				{
					pg_tz	   *zone = session_timezone;

					if (parsed.zone == INSTANT_NAMED)
					{
						char	   *name = pnstrdup(parsed.name, str + len - parsed.name);

						zone = find_zone(name);
						pfree(name);
					}
					else if (time_zone != NULL)
					{
						char	   *name = text_to_cstring(time_zone);

						zone = find_zone(name);
						pfree(name);
					}
					fault = zone == NULL ? INSTANT_NO_ZONE : find_instant(parsed.seconds, zone, &seconds);
				}
		}
	*result = seconds * USECS_PER_SEC + parsed.microseconds;
	return fault;
}

/* Returns the first day of the month, in UTC, that an instant lies in: that of the partition that a record belongs to. */
DateADT
InstantMonth(TimestampTz at)
{
	int64		days = at / USECS_PER_DAY;
	int			year,
				month,
				day;

	if (at < days * USECS_PER_DAY)
		days--;
	j2date((int) days + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return date2j(year, month, 1) - POSTGRES_EPOCH_JDATE;
}

/* Says why a cell is no instant, and what to do. */
void
DescribeInstantFault(InstantFault fault, text *cell, text *time_zone, char **detail, char **hint)
{
	const char *str = VARDATA_ANY(cell);
	Size		len = VARSIZE_ANY_EXHDR(cell);
	InstantText parsed;
	char	   *zone;

	(void) ParseInstant(str, len, &parsed);
	if (parsed.zone == INSTANT_NAMED)
		zone = pnstrdup(parsed.name, pg_mbcliplen(parsed.name, str + len - parsed.name, 80));
	else
		zone = time_zone != NULL ? text_to_cstring(time_zone) : pstrdup(pg_get_timezone_name(session_timezone));
	*hint = "Write an offset, as in 2026-07-01T08:00:00+08:00.";
	switch (fault)
	{
		case INSTANT_NO_UNIX:
			*detail = "It is a number, and its source is not known to write Unix seconds.";
			*hint = "Write date, time and offset, as in 2026-07-01T08:00:00+08:00, or set usage_source.unix_seconds.";
			break;
		case INSTANT_NO_DAY:
			*detail = "There is no such day, time or offset.";
			break;
		case INSTANT_NO_ZONE:
			*detail = psprintf("\"%s\" is not UTC, GMT or a name Area/Location of the IANA time zone database; "
							   "an abbreviation can mean several zones.", zone);
			break;
		case INSTANT_NEVER:
			*detail = psprintf("The clocks of time zone \"%s\" never showed this time.", zone);
			break;
		case INSTANT_TWICE:
			*detail = psprintf("The clocks of time zone \"%s\" showed this time twice.", zone);
			break;
		default:
			if ((len == 8 && pg_strncasecmp(str, "infinity", len) == 0) ||
				(len == 9 && pg_strncasecmp(str, "-infinity", len) == 0))
				*detail = "A record that goes on has no end, and its cell is empty.";
			else
				*detail = "It is not date, T or one blank, time, and Z, an offset or one blank and the name of a time zone.";
			break;
	}
}

/* ---- functions ---- */

/*
 * _usage_timestamptz(cell text, time_zone text, unix_seconds boolean) -> timestamptz
 *
 * The instant that a cell means in a source like this; NULL if it means none.
 */
PG_FUNCTION_INFO_V1(usage_timestamptz);
Datum
usage_timestamptz(PG_FUNCTION_ARGS)
{
	TimestampTz result;

	if (PG_ARGISNULL(0) ||
		ReadInstant(PG_GETARG_TEXT_PP(0), PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1),
					!PG_ARGISNULL(2) && PG_GETARG_BOOL(2), &result) != INSTANT_OK)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(result);
}

/*
 * _usage_month(cell text, time_zone text, unix_seconds boolean) -> date
 *
 * First day of the month of an instant; NULL for what cannot be read.
 */
PG_FUNCTION_INFO_V1(usage_month);
Datum
usage_month(PG_FUNCTION_ARGS)
{
	TimestampTz at;

	if (PG_ARGISNULL(0) ||
		ReadInstant(PG_GETARG_TEXT_PP(0), PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1),
					!PG_ARGISNULL(2) && PG_GETARG_BOOL(2), &at) != INSTANT_OK)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(InstantMonth(at));
}
