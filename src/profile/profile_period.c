/*
 * profile_period.c
 *		Periods, windows and instants: tstzrange in and out, and the text of instants.
 *
 * A level changes at an instant and an instant has no length, so whether a bound
 * is inclusive makes no difference: every period is read as [lower, upper).
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/datetime.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"

#include "profile/profile.h"
#include "profile/profile_period.h"

/*
 * A serialized tstzrange: header, type oid, the bounds that there are, flags.
 * Bounds are 8-aligned from the start of the value, which puts the first right
 * behind the oid.  Reading it here saves an unpacked copy and a type cache look-up
 * a row; the form is on disk, so it does not change.
 */
#define RANGE_BOUNDS_OFFSET		sizeof(Oid)
#define RANGE_FULL_SIZE			(VARHDRSZ + sizeof(Oid) + 2 * sizeof(TimestampTz) + sizeof(char))

/* Reads a tstzrange; false if it is empty.  Unbounded is PROFILE_BEGIN or _END. */
static bool
read_range(Datum range, int64 *from, int64 *to)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(range);
	const char *data = VARDATA_ANY(value);
	Size		size = VARSIZE_ANY_EXHDR(value);
	const char *bound = data + RANGE_BOUNDS_OFFSET;
	uint8		flags = (uint8) data[size - 1];

	*from = PROFILE_BEGIN;
	*to = PROFILE_END;
	if (flags & RANGE_EMPTY)
		return false;
	if (RANGE_HAS_LBOUND(flags))
	{
		memcpy(from, bound, sizeof(int64));
		bound += sizeof(int64);
	}
	if (RANGE_HAS_UBOUND(flags))
		memcpy(to, bound, sizeof(int64));
	return *from < *to;
}

/* Raises that a period does not end or does not begin. */
static void
unbounded_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("period is unbounded"),
			 errdetail("A level that holds for ever has no amount."),
			 errhint("Cut the period to what is known, for example period * tstzrange('2026-01-01', now()).")));
}

/* Reads a period to add: false if it is empty, an error if it is unbounded. */
bool
ProfilePeriod(Datum range, int64 *from, int64 *to)
{
	if (!read_range(range, from, to))
		return false;
	if (TIMESTAMP_NOT_FINITE(*from) || TIMESTAMP_NOT_FINITE(*to))
		unbounded_error();
	return true;
}

/* The same for a period given as two instants. */
bool
ProfilePeriodFromBounds(TimestampTz from, TimestampTz to)
{
	if (from > to)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("start of a period must not be after its end")));
	if (from == to)
		return false;
	if (TIMESTAMP_NOT_FINITE(from) || TIMESTAMP_NOT_FINITE(to))
		unbounded_error();
	return true;
}

/* Reads a window to look through, which may be unbounded; false if it is empty. */
bool
ProfileWindow(Datum range, int64 *from, int64 *to)
{
	return read_range(range, from, to);
}

/* Makes the tstzrange [from, to). */
Datum
ProfileMakeRange(int64 from, int64 to)
{
	char	   *range = palloc(RANGE_FULL_SIZE);
	Oid			type = TSTZRANGEOID;

	SET_VARSIZE(range, RANGE_FULL_SIZE);
	memcpy(range + VARHDRSZ, &type, sizeof(type));
	memcpy(range + VARHDRSZ + RANGE_BOUNDS_OFFSET, &from, sizeof(from));
	memcpy(range + VARHDRSZ + RANGE_BOUNDS_OFFSET + sizeof(from), &to, sizeof(to));
	range[RANGE_FULL_SIZE - 1] = RANGE_LB_INC;
	return PointerGetDatum(range);
}

/*
 * Returns the microseconds of an interval that has a fixed length and is longer
 * than nothing.  A day is 24 hours; a month has no fixed length.
 */
int64
ProfileFixedInterval(const Interval *interval, const char *what)
{
	int64		days;
	int64		length;

	if (INTERVAL_NOT_FINITE(interval))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be finite", what)));
	if (interval->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not have months or years", what),
				 errdetail("A month has no fixed length."),
				 errhint("Give it in days or hours.")));
	if (__builtin_mul_overflow((int64) interval->day, USECS_PER_DAY, &days) ||
		__builtin_add_overflow(days, interval->time, &length))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("interval out of range")));
	if (length <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be longer than zero", what)));
	return length;
}

/*
 * Appends an instant as ISO 8601 has it, in UTC, whatever DateStyle and TimeZone
 * are.  Years before 0001 are astronomical: 0000 is 1 BC.
 */
void
ProfileAppendInstant(StringInfo buf, int64 at)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	appendStringInfo(buf, "%s%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year < 0 ? "-" : "",
					 abs(tm.tm_year), tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (fsec != 0)
	{
		appendStringInfo(buf, ".%06d", (int) fsec);
		while (buf->data[buf->len - 1] == '0')
			buf->data[--buf->len] = '\0';
	}
	appendStringInfoChar(buf, 'Z');
}

/* Reads digits: at least `least`, at most `most` of them; NULL if there are not. */
static const char *
parse_digits(const char *p, int least, int most, int *number)
{
	int			count = 0;

	*number = 0;
	for (; count < most && *p >= '0' && *p <= '9'; count++)
		*number = *number * 10 + (*p++ - '0');
	return count < least ? NULL : p;
}

/*
 * Reads an instant in ISO 8601: date, T or a blank, time (seconds and up to six
 * decimals of them may be left out), and Z or a distance from UTC.  NULL if it is
 * none or out of range.
 */
const char *
ProfileParseInstant(const char *p, int64 *at)
{
	bool		before = *p == '-';
	int			year;
	int			month;
	int			day;
	int			hour;
	int			minute;
	int			second = 0;
	int			fraction = 0;
	int64		offset = 0;
	int128		sum;

	if (before)
		p++;
	if ((p = parse_digits(p, 4, 6, &year)) == NULL || *p++ != '-' ||
		(p = parse_digits(p, 2, 2, &month)) == NULL || *p++ != '-' ||
		(p = parse_digits(p, 2, 2, &day)) == NULL || (*p != 'T' && *p != ' ') ||
		(p = parse_digits(p + 1, 2, 2, &hour)) == NULL || *p++ != ':' ||
		(p = parse_digits(p, 2, 2, &minute)) == NULL)
		return NULL;
	if (*p == ':')
	{
		if ((p = parse_digits(p + 1, 2, 2, &second)) == NULL)
			return NULL;
		if (*p == '.')
		{
			const char *start = ++p;

			if ((p = parse_digits(p, 1, 6, &fraction)) == NULL)
				return NULL;
			for (int digits = (int) (p - start); digits < 6; digits++)
				fraction *= 10;
		}
	}
	if (before)
		year = -year;
	if (month < 1 || month > 12 || day < 1 || day > day_tab[isleap(year)][month - 1] ||
		hour > 23 || minute > 59 || second > 59 || !IS_VALID_JULIAN(year, month, day))
		return NULL;

	if (*p == 'Z')
		p++;
	else if (*p == '+' || *p == '-')
	{
		bool		west = *p == '-';
		int			hours;
		int			minutes = 0;
		int			seconds = 0;

		if ((p = parse_digits(p + 1, 2, 2, &hours)) == NULL)
			return NULL;
		if (*p == ':' && (p = parse_digits(p + 1, 2, 2, &minutes)) == NULL)
			return NULL;
		if (*p == ':' && (p = parse_digits(p + 1, 2, 2, &seconds)) == NULL)
			return NULL;
		if (hours > MAX_TZDISP_HOUR || minutes > 59 || seconds > 59)
			return NULL;
		offset = (hours * SECS_PER_HOUR + minutes * SECS_PER_MINUTE + seconds) * USECS_PER_SEC;
		if (west)
			offset = -offset;
	}
	else
		return NULL;

	sum = (int128) (date2j(year, month, day) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY
		+ hour * USECS_PER_HOUR + minute * USECS_PER_MINUTE + second * USECS_PER_SEC
		+ fraction - offset;
	if (sum < MIN_TIMESTAMP || sum >= END_TIMESTAMP)
		return NULL;
	*at = (int64) sum;
	return p;
}
