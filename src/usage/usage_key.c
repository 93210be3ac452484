/*
 * usage_key.c
 *		A source's name of a record as usage_key has it, and the month that a key says.
 *
 * The key is made of the name in UTF-8, so that it is the same after a dump is restored into a database of another
 * encoding.  Its first byte is the number of those that follow, so that 9 comes before 10: names that a source counts up are
 * added at the end of its keys.  The first byte says what follows:
 *
 *	n + 1		a name of n bytes, 1 to 32
 *	0			the 16 bytes of a UUID in its usual form, which is longer
 *	1			the 32 bytes of the SHA-256 of any other name that is, or of 255 and the bytes of one that has no form in UTF-8
 *
 * After that come the four bytes of the revision, the highest one first, unless it is 0, as it mostly is.  So the
 * revisions of a record are together and in order; an index of two columns has 24 bytes an entry for names of up to 10
 * bytes, of which PostgreSQL fills pages that grow at their end.  No two names have the same key, unless SHA-256 gives way.
 */
#include "base/compat.h"

#include "catalog/namespace.h"
#include "common/sha2.h"
#include "common/cryptohash.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "usage/usage_key.h"

#define LONGEST_NAME	32		/* bytes that are kept as they are */
#define UUID_CHARS		36
#define UUID_BYTES		16

#define UUID_CLASS		0
#define HASH_CLASS		1

/* Whether a string is of ASCII alone. */
static bool
is_ascii_only(const char *str, int len)
{
	for (int i = 0; i < len; i++)
	{
		if (IS_HIGHBIT_SET(str[i]))
			return false;
	}
	return true;
}

/*
 * Returns a string of *len bytes in UTF-8, and sets *len to the bytes of that; the string itself, or one that was
 * allocated.  One with bytes in it that are no characters of the database's encoding has no such form: then it is returned
 * as it is, and *is_utf8 is false.
 */
const char *
Utf8Bytes(const char *str, int *len, bool *is_utf8)
{
	int			encoding = GetDatabaseEncoding();
	int			size;
	char	   *utf8;
	Oid			conversion;

	*is_utf8 = true;
	if (encoding == PG_UTF8 || is_ascii_only(str, *len))
		return str;
	if (encoding == PG_SQL_ASCII)
	{
		*is_utf8 = pg_verify_mbstr(PG_UTF8, str, *len, true);
		return str;
	}
	conversion = FindDefaultConversionProc(encoding, PG_UTF8);
	size = Min(*len, (int) MaxAllocSize / MAX_CONVERSION_GROWTH - 1) * MAX_CONVERSION_GROWTH + 1;
	utf8 = palloc(size);
	if (OidIsValid(conversion) &&
		pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, (unsigned char *) unconstify(char *, str), *len,
									  (unsigned char *) utf8, size, true) == *len)
	{
		*len = strlen(utf8);
		return utf8;
	}
	pfree(utf8);
	*is_utf8 = false;
	return str;
}

/* Returns what a hexadecimal digit of a UUID stands for, -1 for what is none; capitals are other names. */
static int
hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads a UUID of 36 characters, in small letters and with its four dashes; false for anything else. */
static bool
uuid_of_name(const char *str, uint8 *bytes)
{
	int			nibbles = 0;

	memset(bytes, 0, UUID_BYTES);
	for (int i = 0; i < UUID_CHARS; i++)
	{
		int			value = hex_value(str[i]);

		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (str[i] != '-')
				return false;
			continue;
		}
		if (value < 0)
			return false;
		bytes[nibbles / 2] |= value << (nibbles % 2 == 0 ? 4 : 0);
		nibbles++;
	}
	return true;
}

/* Writes the SHA-256 of a name, after a byte with which no UTF-8 begins if it is none. */
static void
hash_name(const char *str, int len, bool is_utf8, uint8 *hash)
{
	pg_cryptohash_ctx *sha = pg_cryptohash_create(PG_SHA256);
	const uint8 mark = 0xFF;

	if (sha == NULL || pg_cryptohash_init(sha) < 0 || pg_cryptohash_update(sha, &mark, is_utf8 ? 0 : 1) < 0 ||
		pg_cryptohash_update(sha, (const uint8 *) str, len) < 0 ||
		pg_cryptohash_final(sha, hash, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256: %s", pg_cryptohash_error(sha));
	pg_cryptohash_free(sha);
}

/* Makes what usage_key has as key of a revision of the record with a name. */
bytea *
MakeUsageKey(const text *name, int32 number)
{
	int			len = VARSIZE_ANY_EXHDR(name);
	bool		is_utf8;
	const char *str = Utf8Bytes(VARDATA_ANY(name), &len, &is_utf8);
	int			rest;
	uint32		revision = pg_hton32(number);
	bytea	   *result = palloc(VARHDRSZ + 1 + PG_SHA256_DIGEST_LENGTH + sizeof(revision));
	uint8	   *key = (uint8 *) VARDATA(result);

	if (is_utf8 && len <= LONGEST_NAME)
	{
		key[0] = len + 1;
		memcpy(key + 1, str, len);
		rest = len;
	}
	else if (is_utf8 && len == UUID_CHARS && uuid_of_name(str, key + 1))
	{
		key[0] = UUID_CLASS;
		rest = UUID_BYTES;
	}
	else
	{
		key[0] = HASH_CLASS;
		hash_name(str, len, is_utf8, key + 1);
		rest = PG_SHA256_DIGEST_LENGTH;
	}
	if (revision != 0)
	{
		memcpy(key + 1 + rest, &revision, sizeof(revision));
		rest += sizeof(revision);
	}
	SET_VARSIZE(result, VARHDRSZ + 1 + rest);
	return result;
}

/* _usage_key_of(source_id text, revision integer) -> bytea */
PG_FUNCTION_INFO_V1(usage_key);
Datum
usage_key(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(MakeUsageKey(PG_GETARG_TEXT_PP(0), PG_GETARG_INT32(1)));
}

/* Returns the length of the name in a key, without its first byte and the revision; -1 for what is no key. */
static int
name_length(const uint8 *key, int len, int *revision)
{
	int			rest;
	uint32		bytes;

	*revision = 0;
	if (len == 0 || key[0] > LONGEST_NAME + 1)
		return -1;
	rest = key[0] == UUID_CLASS ? UUID_BYTES : key[0] == HASH_CLASS ? PG_SHA256_DIGEST_LENGTH : key[0] - 1;
	if (len == 1 + rest)
		return rest;
	if (len != 1 + rest + (int) sizeof(bytes))
		return -1;
	memcpy(&bytes, key + 1 + rest, sizeof(bytes));
	*revision = (int32) pg_ntoh32(bytes);
	return *revision > 0 ? rest : -1;
}

/* Returns the revision in a key; -1 for what is no key. */
int32
UsageKeyRevision(const bytea *key)
{
	int			revision;

	return name_length((const uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), &revision) < 0 ? -1 : revision;
}

/* _usage_key_revision(key bytea) -> integer */
PG_FUNCTION_INFO_V1(usage_key_revision);
Datum
usage_key_revision(PG_FUNCTION_ARGS)
{
	int32		revision = PG_ARGISNULL(0) ? -1 : UsageKeyRevision(PG_GETARG_BYTEA_PP(0));

	if (revision < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(revision);
}

/*
 * _usage_key_text(key bytea) -> text
 *
 * For people: the name as it is, where the database's encoding is sure to have it, else in hexadecimal digits.
 */
PG_FUNCTION_INFO_V1(usage_key_text);
Datum
usage_key_text(PG_FUNCTION_ARGS)
{
	bytea	   *arg;
	uint8	   *key;
	int			len;
	int			revision;
	int			rest;
	char	   *digits;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	arg = PG_GETARG_BYTEA_PP(0);
	key = (uint8 *) VARDATA_ANY(arg);
	len = VARSIZE_ANY_EXHDR(arg);
	rest = name_length(key, len, &revision);
	if (rest >= 0 && key[0] == UUID_CLASS)
		PG_RETURN_TEXT_P(cstring_to_text(DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum((pg_uuid_t *) (key + 1))))));
	if (rest >= 0 && key[0] != HASH_CLASS && memchr(key + 1, '\0', rest) == NULL &&
		(GetDatabaseEncoding() == PG_UTF8 ? pg_verify_mbstr(PG_UTF8, (char *) key + 1, rest, true) : is_ascii_only((char *) key + 1, rest)))
		PG_RETURN_TEXT_P(cstring_to_text_with_len((char *) key + 1, rest));
	if (rest >= 0)
	{
		key++;
		len = rest;
	}
	digits = palloc(2 * len + 1);
	digits[hex_encode((char *) key, len, digits)] = '\0';
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s%s", rest < 0 ? "no key: " : key[-1] == HASH_CLASS ? "SHA-256 " : "UTF-8 ", digits)));
}

/*
 * Returns the month, in UTC, that an instant lies in, counted from January 2000.  What is out of range, infinity too, is the
 * first or the last number: _usage_month_starts() knows.
 */
int16
UsageMonthNumber(TimestampTz at)
{
	int64		days;
	int			year,
				month,
				day;
	int64		number;

	if (TIMESTAMP_IS_NOBEGIN(at))
		return PG_INT16_MIN;
	if (TIMESTAMP_IS_NOEND(at))
		return PG_INT16_MAX;
	days = at / USECS_PER_DAY;
	if (at < days * USECS_PER_DAY)
		days--;
	j2date((int) days + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	number = ((int64) year - 2000) * MONTHS_PER_YEAR + month - 1;
	return (int16) Min(Max(number, PG_INT16_MIN), PG_INT16_MAX);
}

/* _usage_month_number(at timestamptz) -> smallint */
PG_FUNCTION_INFO_V1(usage_month_number);
Datum
usage_month_number(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT16(UsageMonthNumber(PG_GETARG_TIMESTAMPTZ(0)));
}

/*
 * _usage_month_starts(month integer) -> timestamptz
 *
 * The first instant of a month that usage_month_number() gives; -infinity up to the first number, infinity beyond the last.
 */
PG_FUNCTION_INFO_V1(usage_month_starts);
Datum
usage_month_starts(PG_FUNCTION_ARGS)
{
	int			number = PG_GETARG_INT32(0);
	int			year;
	int			month;

	if (number <= PG_INT16_MIN)
		PG_RETURN_TIMESTAMPTZ(DT_NOBEGIN);
	if (number > PG_INT16_MAX)
		PG_RETURN_TIMESTAMPTZ(DT_NOEND);
	/* rounded down, from the year 731 BC on */
	year = (number - (number < 0 ? MONTHS_PER_YEAR - 1 : 0)) / MONTHS_PER_YEAR;
	month = number - year * MONTHS_PER_YEAR;
	PG_RETURN_TIMESTAMPTZ((TimestampTz) (date2j(2000 + year, month + 1, 1) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY);
}
