/*
 * usage_instant.c
 *		Reads instants as usage_instant_core.h has them, without a server.
 *
 * usage_instant ROUNDS SEED: writes random instants in every form and compares what is
 * read with what the C library makes of the day; changes texts at random and reads them,
 * each in a block of memory of just its length, so that a sanitizer sees a step beyond it.
 * What is read after a change must be a text in one of the forms, by another reader of them.
 */
#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "usage/usage_instant_core.h"

#define UNIX_SECONDS_TO_2000	946684800

static uint64_t state;
static regex_t forms;
static regex_t unix_form;

#define CHECK(condition) \
	do { \
		if (!(condition)) \
		{ \
			printf("line %d: not %s: \"%s\"\n", __LINE__, #condition, shown); \
			exit(1); \
		} \
	} while (0)

static const char *shown = "";

/* Returns a number below a limit (xorshift64). */
static uint64_t
below(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

/* Reads a text from memory that ends where it ends. */
static InstantFault
parse(const char *str, size_t len, InstantText *result)
{
	char	   *copy = malloc(len > 0 ? len : 1);
	InstantFault fault;

	memcpy(copy, str, len);
	fault = ParseInstant(copy, len, result);
	if (fault == INSTANT_OK && result->zone == INSTANT_NAMED)
		result->name = str + (result->name - copy);
	free(copy);
	return fault;
}

/* Rounds so many digits half to even to six, with long division by hand. */
static int32_t
rounded(const char *digits, int n)
{
	int64_t		v = 0;
	int64_t		unit = 1;

	for (int i = 0; i < n; i++)
		v = v * 10 + (digits[i] - '0');
	for (int i = n; i < 6; i++)
		v *= 10;
	for (int i = 6; i < n; i++)
		unit *= 10;
	if (v % unit * 2 > unit || (v % unit * 2 == unit && v / unit % 2 == 1))
		return (int32_t) (v / unit + 1);
	return (int32_t) (v / unit);
}

/* Writes a random instant; returns what it is. */
static void
write_instant(char *text, InstantText *expected)
{
	static const char *const names[] = {"UTC", "GMT", "Europe/Berlin", "America/Argentina/Buenos_Aires", "America/Port-au-Prince"};
	struct tm	tm = {0};
	time_t		unix_seconds;
	int			decimals = (int) below(10);
	char		digits[10] = "";
	char	   *p = text;

	memset(expected, 0, sizeof(*expected));
	for (int i = 0; i < decimals; i++)
		digits[i] = (char) ('0' + below(10));
	if (decimals > 6 && below(3) == 0)
	{
		/* just between two */
		memset(digits + 6, '0', (size_t) decimals - 6);
		digits[6] = '5';
	}
	digits[decimals] = '\0';
	expected->microseconds = rounded(digits, decimals);
	if (below(8) == 0)
	{
		unix_seconds = (time_t) (100000000 + below(99900000000));
		p += sprintf(p, "%lld", (long long) unix_seconds);
		if (decimals > 0)
			sprintf(p, ".%s", digits);
		expected->zone = INSTANT_UNIX;
		expected->seconds = unix_seconds - UNIX_SECONDS_TO_2000;
		return;
	}
	/* from the year 1 to the year 9999 */
	unix_seconds = (time_t) below(315537897600) - INT64_C(62135596800);
	if (below(4) == 0)
		unix_seconds -= unix_seconds % 60;
	gmtime_r(&unix_seconds, &tm);
	p += sprintf(p, "%04d-%02d-%02d%c%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, below(2) ? 'T' : ' ', tm.tm_hour, tm.tm_min);
	if (tm.tm_sec != 0 || decimals > 0 || below(2))
	{
		p += sprintf(p, ":%02d", tm.tm_sec);
		if (decimals > 0)
			p += sprintf(p, ".%s", digits);
	}
	else
		expected->microseconds = 0;
	expected->seconds = unix_seconds - UNIX_SECONDS_TO_2000;
	switch (below(6))
	{
		case 0:
			expected->zone = INSTANT_LOCAL;
			break;
		case 1:
			expected->zone = INSTANT_OFFSET;
			strcpy(p, "Z");
			break;
		case 2:
			expected->zone = INSTANT_NAMED;
			expected->name = p + 1;
			sprintf(p, " %s", names[below(5)]);
			break;
		default:
			{
				int			sign = below(2) ? 1 : -1;
				int			hours = (int) below(16);
				int			minutes = (int) below(60);
				int			form = (int) below(3);

				if (form == 0)
					minutes = 0;
				expected->zone = INSTANT_OFFSET;
				expected->offset = sign * (hours * 60 + minutes) * 60;
				p += sprintf(p, "%c%02d", sign > 0 ? '+' : '-', hours);
				if (form > 0)
					sprintf(p, form == 1 ? "%02d" : ":%02d", minutes);
			}
	}
}

/* Changes a text: characters come, go, change or are said again. */
static size_t
mutate(char *text, size_t len)
{
	static const char pieces[] = "0123456789-:+. TZzt/_UTCGMTEurope\t\n\"'\\\x80\xff\xc3\xa9";

	for (int n = 1 + (int) below(3); n > 0; n--)
	{
		size_t		at = len > 0 ? below(len) : 0;

		switch (below(4))
		{
			case 0:
				memmove(text + at + 1, text + at, len - at);
				text[at] = pieces[below(sizeof(pieces) - 1)];
				len++;
				break;
			case 1:
				if (len > 0)
				{
					memmove(text + at, text + at + 1, len - at - 1);
					len--;
				}
				break;
			case 2:
				if (len > 0)
					text[at] = pieces[below(sizeof(pieces) - 1)];
				break;
			default:
				len = at;
		}
	}
	text[len] = '\0';
	return len;
}

/* Whether a text is in one of the forms, as a regular expression and the C library say. */
static bool
is_form(const char *text)
{
	int			y,
				m,
				d;
	struct tm	tm = {0};
	time_t		t;
	struct tm	back;

	if (regexec(&unix_form, text, 0, NULL, 0) == 0)
		return true;
	if (regexec(&forms, text, 0, NULL, 0) != 0 || sscanf(text, "%4d-%2d-%2d", &y, &m, &d) != 3 || y == 0)
		return false;
	tm.tm_year = y - 1900;
	tm.tm_mon = m - 1;
	tm.tm_mday = d;
	t = timegm(&tm);
	gmtime_r(&t, &back);
	return back.tm_mday == d && back.tm_mon == m - 1;
}

int
main(int argc, char **argv)
{
	long		rounds = argc > 1 ? atol(argv[1]) : 100000;
	long		read = 0;
	long		refused = 0;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	if (regcomp(&forms, "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?"
				"(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?| (UTC|GMT|[A-Z][A-Za-z_-]*(/[A-Za-z_/-]*)))?$", REG_EXTENDED | REG_NOSUB) != 0 ||
		regcomp(&unix_form, "^[0-9]{9,11}(\\.[0-9]{1,9})?$", REG_EXTENDED | REG_NOSUB) != 0)
		return 2;
	for (long i = 0; i < rounds; i++)
	{
		char		text[256];
		InstantText expected;
		InstantText got;
		size_t		len;

		write_instant(text, &expected);
		len = strlen(text);
		shown = text;
		CHECK(parse(text, len, &got) == INSTANT_OK);
		CHECK(got.zone == expected.zone);
		CHECK(got.seconds == expected.seconds);
		CHECK(got.microseconds == expected.microseconds);
		CHECK(got.offset == expected.offset);
		CHECK(got.name == expected.name);
		len = mutate(text, len);
		if (memchr(text, '\0', len) == NULL)
		{
			InstantFault fault = parse(text, len, &got);

			CHECK((fault == INSTANT_OK) == is_form(text));
			if (fault == INSTANT_OK)
				read++;
			else
				refused++;
		}
	}
	regfree(&forms);
	regfree(&unix_form);
	printf("%ld written, of changed ones %ld read, %ld refused\n", rounds, read, refused);
	return 0;
}
