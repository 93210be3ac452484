/*
 * usage_instant_core.c
 *		Reading how an instant is written.
 */
#include "usage/usage_instant_core.h"

#include <string.h>

/* From 1970-01-01 to 2000-01-01, in seconds. */
#define UNIX_SECONDS_TO_2000	INT64_C(946684800)

/* From the first day of March of the year 0 to 2000-01-01, in days. */
#define DAYS_TO_2000			730425

/* Offsets that PostgreSQL takes are below 16 hours. */
#define MAX_OFFSET_HOURS		15

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads exactly two digits. */
static bool
read_two(const char **p, const char *end, int *value)
{
	if (end - *p < 2 || !is_digit((*p)[0]) || !is_digit((*p)[1]))
		return false;
	*value = ((*p)[0] - '0') * 10 + ((*p)[1] - '0');
	*p += 2;
	return true;
}

/* Takes a character, if it is next. */
static bool
take(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return false;
	(*p)++;
	return true;
}

/* Reads 1 to 9 decimals, the point being behind, and rounds them half to even to microseconds. */
static bool
read_decimals(const char **p, const char *end, int32_t *microseconds)
{
	int32_t		nanoseconds = 0;
	int			n = 0;
	int32_t		rest;

	for (; *p < end && is_digit(**p); (*p)++)
	{
		if (++n > 9)
			return false;
		nanoseconds = nanoseconds * 10 + (**p - '0');
	}
	if (n == 0)
		return false;
	for (; n < 9; n++)
		nanoseconds *= 10;
	rest = nanoseconds % 1000;
	*microseconds = nanoseconds / 1000;
	if (rest > 500 || (rest == 500 && *microseconds % 2 != 0))
		(*microseconds)++;
	return true;
}

/* Returns the days from 2000-01-01 to a day. */
static int64_t
day_number(int year, int month, int day)
{
	/* the year begins in March, so that a leap day ends it */
	int			y = month > 2 ? year : year - 1;
	int			m = month > 2 ? month - 3 : month + 9;

	return (int64_t) 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - DAYS_TO_2000;
}

static int
days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : days[month - 1];
}

/* Whether a text can be the name of a zone: of letters alone, since what has digits can be a rule instead. */
static bool
is_zone_name(const char *name, size_t len)
{
	bool		has_area = false;

	if (len == 3 && (memcmp(name, "UTC", 3) == 0 || memcmp(name, "GMT", 3) == 0))
		return true;
	if (len == 0 || name[0] < 'A' || name[0] > 'Z')
		return false;
	for (size_t i = 1; i < len; i++)
	{
		char		c = name[i];

		if (c == '/')
			has_area = true;
		else if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '_' && c != '-')
			return false;
	}
	return has_area;
}

/* Reads the end of an instant, which says where its clock is. */
static InstantFault
parse_zone(const char *p, const char *end, InstantText *result)
{
	int			sign;
	int			hours;
	int			minutes = 0;

	result->zone = INSTANT_LOCAL;
	if (p == end)
		return INSTANT_OK;
	if (*p == ' ')
	{
		result->zone = INSTANT_NAMED;
		result->name = p + 1;
		return is_zone_name(p + 1, (size_t) (end - p - 1)) ? INSTANT_OK : INSTANT_NO_ZONE;
	}
	result->zone = INSTANT_OFFSET;
	if (take(&p, end, 'Z'))
		return p == end ? INSTANT_OK : INSTANT_NO_FORM;
	sign = *p == '-' ? -1 : 1;
	if (!take(&p, end, '+') && !take(&p, end, '-'))
		return INSTANT_NO_FORM;
	if (!read_two(&p, end, &hours))
		return INSTANT_NO_FORM;
	if (p < end)
	{
		(void) take(&p, end, ':');
		if (!read_two(&p, end, &minutes) || p < end)
			return INSTANT_NO_FORM;
	}
	result->offset = sign * (hours * 60 + minutes) * 60;
	return hours <= MAX_OFFSET_HOURS && minutes <= 59 ? INSTANT_OK : INSTANT_NO_DAY;
}

/* Reads Unix seconds; false if it is no number. */
static bool
parse_unix(const char *p, const char *end, InstantText *result)
{
	const char *start = p;
	int64_t		seconds = 0;

	for (; p < end && is_digit(*p); p++)
	{
		if (p - start == 11)
			return false;
		seconds = seconds * 10 + (*p - '0');
	}
	if (p - start < 9 || (take(&p, end, '.') && !read_decimals(&p, end, &result->microseconds)) || p < end)
		return false;
	result->zone = INSTANT_UNIX;
	result->seconds = seconds - UNIX_SECONDS_TO_2000;
	return true;
}

/* Reads an instant in one of the forms above. */
InstantFault
ParseInstant(const char *str, size_t len, InstantText *result)
{
	const char *p = str;
	const char *end = str + len;
	int			century;
	int			year;
	int			month;
	int			day;
	int			hours;
	int			minutes;
	int			seconds = 0;
	InstantFault fault;

	memset(result, 0, sizeof(*result));
	if (parse_unix(p, end, result))
		return INSTANT_OK;
	result->microseconds = 0;
	if (!read_two(&p, end, &century) || !read_two(&p, end, &year) || !take(&p, end, '-') ||
		!read_two(&p, end, &month) || !take(&p, end, '-') || !read_two(&p, end, &day) ||
		(!take(&p, end, 'T') && !take(&p, end, ' ')) ||
		!read_two(&p, end, &hours) || !take(&p, end, ':') || !read_two(&p, end, &minutes))
		return INSTANT_NO_FORM;
	if (take(&p, end, ':') &&
		(!read_two(&p, end, &seconds) || (take(&p, end, '.') && !read_decimals(&p, end, &result->microseconds))))
		return INSTANT_NO_FORM;
	fault = parse_zone(p, end, result);
	if (fault != INSTANT_OK)
		return fault;
	year += century * 100;
	if (year == 0 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) ||
		hours > 23 || minutes > 59 || seconds > 59)
		return INSTANT_NO_DAY;
	result->seconds = ((day_number(year, month, day) * 24 + hours) * 60 + minutes) * 60 + seconds;
	return INSTANT_OK;
}
