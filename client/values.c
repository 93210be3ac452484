/*
 * values.c
 *		What the cells of a record mean, as far as its digest needs it.
 */
#include "values.h"

#include "client.h"
#include "common/logging.h"
#include "labels.h"
#include "quantity/quantity.h"

/* Achieved work of one record, at most: 1 QFLOP. */
#define MAX_WORK		((int128) 1000000000000000 * 1000000000000000)

/* Whether a character is a blank to numeric and boolean. */
static bool
is_cell_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Whether a character is a digit. */
static bool
is_cell_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether a text is a word, in upper or lower case. */
static bool
is_word(const CsvCell *cell, const char *word)
{
	return cell->len == strlen(word) && pg_strncasecmp(cell->text, word, cell->len) == 0;
}

/* Which of some words a cell is; NULL: none. */
static const char *
word_of_cell(const CsvCell *cell, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_word(cell, words[i]))
			return words[i];
	return NULL;
}

/*
 * Writes a decimal number without exponent, plus sign and zeros that say nothing before the point; false if
 * it is none, or has too many digits.
 */
bool
ReadDecimal(const char *text, size_t len, char *decimal)
{
	const char *end = text + len;
	char		digits[MAX_DECIMAL];
	int			ndigits = 0;
	int			point = 0;		/* so many digits are before it */
	bool		negative = false;
	bool		any = false;
	int			exponent = 0;
	char	   *out = decimal;

	while (text < end && is_cell_space(*text))
		text++;
	while (text < end && is_cell_space(end[-1]))
		end--;
	if (text == end || end - text > MAX_DECIMAL)
		return false;
	if (*text == '-' || *text == '+')
		negative = *text++ == '-';
	for (; text < end && is_cell_digit(*text); text++, point++, any = true)
		digits[ndigits++] = *text;
	if (text < end && *text == '.')
		for (text++; text < end && is_cell_digit(*text); text++, any = true)
			digits[ndigits++] = *text;
	if (!any)
		return false;
	if (text < end && (*text == 'e' || *text == 'E'))
	{
		bool		minus = false;

		text++;
		if (text < end && (*text == '-' || *text == '+'))
			minus = *text++ == '-';
		if (text == end)
			return false;
		for (; text < end && is_cell_digit(*text); text++)
		{
			exponent = exponent * 10 + (*text - '0');
			if (exponent > MAX_EXPONENT)
				return false;
		}
		point += minus ? -exponent : exponent;
	}
	if (text < end)
		return false;

	/* digits from the first that is not 0 to the last */
	{
		int			first = 0;
		int			last = ndigits;

		while (first < last && digits[first] == '0')
			first++;
		while (last > first && digits[last - 1] == '0')
			last--;
		if (first == last)
		{
			strcpy(decimal, "0");
			return true;
		}
		if (negative)
			*out++ = '-';
		if (point <= first)
			*out++ = '0';
		for (int i = Min(first, point); i < Max(last, point); i++)
		{
			if (i == point)
				*out++ = '.';
			if (i >= Min(first, point))
				*out++ = i < first || i >= last ? '0' : digits[i];
		}
		*out = '\0';
	}
	return true;
}

/* Reads a truth value as type boolean does; false if it is none. */
static bool
read_boolean(const CsvCell *cell, bool *result)
{
	static const struct
	{
		const char *word;
		size_t		at_least;	/* so many letters of it will do */
		bool		value;
	}			words[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
	{"on", 2, true}, {"off", 2, false}, {"1", 1, true}, {"0", 1, false}};
	const char *text = cell->text;
	size_t		len = cell->len;

	*result = false;
	while (len > 0 && is_cell_space(*text))
		text++, len--;
	while (len > 0 && is_cell_space(text[len - 1]))
		len--;
	for (size_t i = 0; i < lengthof(words); i++)
		if (len >= words[i].at_least && len <= strlen(words[i].word) && pg_strncasecmp(text, words[i].word, len) == 0)
		{
			*result = words[i].value;
			return true;
		}
	return cell->len == 0;
}

/* Whether a row takes its record back. */
bool
IsRetraction(const CsvCell *cells)
{
	bool		result;

	return read_boolean(&cells[COL_RETRACTED], &result) && result;
}

/* Reads a revision: a whole number from 0 to 2147483647, 0 if there is none. */
bool
ReadRevision(const CsvCell *cell, int *revision)
{
	size_t		i = cell->len > 0 && (*cell->text == '+' || *cell->text == '-');
	int64		n = 0;

	if (cell->len > 0 && (i == cell->len || cell->len - i > 18))
		return false;
	for (; i < cell->len; i++)
	{
		if (!is_cell_digit(cell->text[i]))
			return false;
		n = n * 10 + (cell->text[i] - '0');
	}
	*revision = (int) n;
	return n <= PG_INT32_MAX && !(n > 0 && *cell->text == '-');
}

/* Adds a text, or that there is none. */
static void
add_text(DigestState *state, const CsvCell *cell, bool empty_is_null)
{
	if (cell->len == 0 && (empty_is_null || !cell->quoted))
		DigestNull(state);
	else
		DigestText(state, cell->text, cell->len);
}

/* Adds achieved work; false if it cannot be read. */
static bool
add_work(DigestState *state, const CsvCell *cell)
{
	int128		amount;
	uint16		basis;
	char	   *text;
	bool		ok;

	if (cell->len == 0)
	{
		DigestNull(state);
		return true;
	}
	text = pg_malloc(cell->len + 1);
	memcpy(text, cell->text, cell->len);
	text[cell->len] = '\0';
	ok = QuantityParse(text, QUANTITY_UNIT, &amount, &basis) == QUANTITY_PARSE_OK &&
		basis == BASIS_FLOP && amount >= 0 && amount <= MAX_WORK;
	free(text);
	if (ok)
		DigestWork(state, amount, basis);
	return ok;
}

/* Whether a text names a reservation, in either of the two forms. */
static bool
names_reservation(const CsvCell *cell)
{
	if (cell->len > 1000)
		return false;
	if (cell->len > 7 && cell->len <= 25 && memcmp(cell->text, "ledger:", 7) == 0 && cell->text[7] != '0')
	{
		for (size_t i = 7; i < cell->len; i++)
			if (!is_cell_digit(cell->text[i]))
				return false;
		return true;
	}
	return cell->len > 7 && memcmp(cell->text, "centre:", 7) == 0;
}

/* Adds what a record says, field by field; the column that cannot be read, or NULL. */
static const char *
add_record(DigestState *state, const CsvCell *cells, int64 started_at, int64 ended_at)
{
	static const char *const measures[] = {"allocated", "reserved", "used"};
	static const char *const formats[] = {"fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "fp6", "fp4", "int8", "int4"};
	char		decimal[DECIMAL_TEXT];
	const char *word;

	add_text(state, &cells[COL_ACCOUNT], false);
	add_text(state, &cells[COL_REGION], false);
	add_text(state, &cells[COL_ACCELERATOR], false);
	if (!ReadDecimal(cells[COL_DEVICES].text, cells[COL_DEVICES].len, decimal))
		return "devices";
	DigestDecimal(state, decimal, strlen(decimal));
	DigestInstant(state, started_at);
	DigestInstant(state, ended_at);
	word = cells[COL_MEASURE].len == 0 ? measures[0] : word_of_cell(&cells[COL_MEASURE], measures, lengthof(measures));
	if (word == NULL)
		return "measure";
	DigestText(state, word, strlen(word));
	word = word_of_cell(&cells[COL_NUMBER_FORMAT], formats, lengthof(formats));
	if (word != NULL)
		DigestText(state, word, strlen(word));
	else if (cells[COL_NUMBER_FORMAT].len > 0)
		return "number_format";
	else
		DigestNull(state);
	if (!add_work(state, &cells[COL_ACHIEVED_WORK]))
		return "achieved_work";
	add_text(state, &cells[COL_RUN], true);
	if (cells[COL_LABELS].len == 0)
		DigestNull(state);
	else if (!DigestLabels(state, cells[COL_LABELS].text, cells[COL_LABELS].len))
		return "labels";
	if (cells[COL_RESERVATION].len > 0)
	{
		if (!names_reservation(&cells[COL_RESERVATION]))
			return "reservation";
		add_text(state, &cells[COL_RESERVATION], true);
	}
	return NULL;
}

/*
 * Makes the digest of a record of its cells and its instants, in microseconds since
 * 2000-01-01 UTC, as usage_digest() does.  Returns NULL, or the column that cannot be
 * read; then there is none.
 */
const char *
RecordDigest(const CsvCell *cells, int64 started_at, int64 ended_at, int *revision, uint8 *digest)
{
	bool		retracted;
	const char *unreadable;
	const char *error;

	if (!ReadRevision(&cells[COL_REVISION], revision))
		return "revision";
	if (!read_boolean(&cells[COL_RETRACTED], &retracted))
		return "retracted";
	if (retracted)
	{
		pg_cryptohash_ctx *sha = pg_cryptohash_create(PG_SHA256);
		bool		ok = pg_cryptohash_init(sha) >= 0 && pg_cryptohash_update(sha, (const uint8 *) "retracted", 9) >= 0 &&
			pg_cryptohash_final(sha, digest, DIGEST_LENGTH) >= 0;

		error = ok ? NULL : pg_cryptohash_error(sha);
		pg_cryptohash_free(sha);
		unreadable = NULL;
	}
	else
	{
		static DigestState state;

		DigestBegin(&state);
		unreadable = add_record(&state, cells, started_at, ended_at);
		error = DigestEnd(&state, digest);
	}
	if (error != NULL)
	{
		pg_log_error("could not compute SHA-256: %s", error);
		exit(EXIT_USAGE);
	}
	return unreadable;
}
