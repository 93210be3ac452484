/*
 * labels.c
 *		The digest of labels: a JSON object, as the values that jsonb makes of it.
 *
 * Keys are sorted by length, then by bytes, and of those that come twice the last counts;
 * numbers are decimal, escapes are the characters that they stand for.
 */
#include "labels.h"

#include "values.h"

/* Brackets are nested no deeper in what the ledger takes. */
#define MAX_NESTING		500

/* A value that was read. */
typedef struct Json
{
	char		kind;			/* of digest.h: n t f s d { [ */
	char	   *text;			/* s, in UTF-8; d, as ReadDecimal() writes it */
	size_t		len;
	struct Json *members;		/* of an object keys and values by turns, of an array values */
	int			nmembers;
} Json;

/* What is being read. */
typedef struct JsonReader
{
	const char *p;
	const char *end;
	int			depth;
} JsonReader;

static bool read_value(JsonReader *reader, Json *result);

/* Lets go of what is in a value. */
static void
free_value(Json *json)
{
	for (int i = 0; i < json->nmembers; i++)
		free_value(&json->members[i]);
	free(json->members);
	free(json->text);
}

static void
skip_json_blanks(JsonReader *reader)
{
	while (reader->p < reader->end && strchr(" \t\r\n", *reader->p) != NULL && *reader->p != '\0')
		reader->p++;
}

/* Whether a character comes next, and then it is read. */
static bool
next_is(JsonReader *reader, char c)
{
	skip_json_blanks(reader);
	if (reader->p == reader->end || *reader->p != c)
		return false;
	reader->p++;
	return true;
}

/* Reads four hexadecimal digits. */
static bool
read_json_hex(JsonReader *reader, uint32 *result)
{
	*result = 0;
	for (int i = 0; i < 4; i++, reader->p++)
	{
		char		c = reader->p < reader->end ? *reader->p : '\0';

		if (c >= '0' && c <= '9')
			*result = *result * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			*result = *result * 16 + ((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* Writes a character in UTF-8; returns what comes after. */
static char *
write_utf8(char *out, uint32 c)
{
	if (c < 0x80)
		*out++ = (char) c;
	else if (c < 0x800)
	{
		*out++ = (char) (0xc0 | (c >> 6));
		*out++ = (char) (0x80 | (c & 0x3f));
	}
	else if (c < 0x10000)
	{
		*out++ = (char) (0xe0 | (c >> 12));
		*out++ = (char) (0x80 | ((c >> 6) & 0x3f));
		*out++ = (char) (0x80 | (c & 0x3f));
	}
	else
	{
		*out++ = (char) (0xf0 | (c >> 18));
		*out++ = (char) (0x80 | ((c >> 12) & 0x3f));
		*out++ = (char) (0x80 | ((c >> 6) & 0x3f));
		*out++ = (char) (0x80 | (c & 0x3f));
	}
	return out;
}

/* Reads what comes after a backslash. */
static bool
read_escape(JsonReader *reader, char **out)
{
	static const char escapes[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	char		c = reader->p < reader->end ? *reader->p++ : '\0';
	const char *at = c != '\0' ? strchr(escapes, c) : NULL;
	uint32		code;
	uint32		low;

	if (at != NULL)
	{
		*(*out)++ = meanings[at - escapes];
		return true;
	}
	if (c != 'u' || !read_json_hex(reader, &code) || code == 0 || (code >= 0xdc00 && code <= 0xdfff))
		return false;
	if (code >= 0xd800 && code <= 0xdbff)
	{
		/* the first half of a character */
		if (reader->end - reader->p < 2 || reader->p[0] != '\\' || reader->p[1] != 'u')
			return false;
		reader->p += 2;
		if (!read_json_hex(reader, &low) || low < 0xdc00 || low > 0xdfff)
			return false;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	*out = write_utf8(*out, code);
	return true;
}

/* Reads a string; no escape is shorter than what it stands for. */
static bool
read_string(JsonReader *reader, Json *result)
{
	const char *quote;
	char	   *out;

	if (!next_is(reader, '"'))
		return false;
	for (quote = reader->p; quote < reader->end && *quote != '"'; quote++)
		if (*quote == '\\' && ++quote == reader->end)
			return false;
	result->kind = 's';
	result->text = out = pg_malloc(quote - reader->p + 1);
	while (reader->p < reader->end)
	{
		char		c = *reader->p++;

		if (c == '"')
		{
			result->len = out - result->text;
			return true;
		}
		if ((unsigned char) c < ' ')
			return false;
		if (c != '\\')
			*out++ = c;
		else if (!read_escape(reader, &out))
			return false;
	}
	return false;
}

/* Reads a number, in JSON's form. */
static bool
read_json_number(JsonReader *reader, Json *result)
{
	const char *start = reader->p;
	const char *p = start;
	char		decimal[DECIMAL_TEXT];

	if (p < reader->end && *p == '-')
		p++;
	/* no zero before another digit, and digits on both sides of the point */
	if (p < reader->end && *p == '0' && p + 1 < reader->end && p[1] >= '0' && p[1] <= '9')
		return false;
	if (p == reader->end || *p < '0' || *p > '9')
		return false;
	while (p < reader->end && strchr("0123456789.eE+-", *p) != NULL && *p != '\0')
	{
		if (*p == '.' && (p + 1 == reader->end || p[1] < '0' || p[1] > '9'))
			return false;
		p++;
	}
	if (!ReadDecimal(start, p - start, decimal))
		return false;
	reader->p = p;
	result->kind = 'd';
	result->text = pg_strdup(decimal);
	result->len = strlen(decimal);
	return true;
}

/* Reads the members of an object or an array, after its bracket. */
static bool
read_members(JsonReader *reader, Json *result, char close)
{
	int			max = 0;

	if (next_is(reader, close))
		return true;
	do
	{
		for (int i = 0; i < (close == '}' ? 2 : 1); i++)
		{
			Json	   *member;

			if (result->nmembers == max)
			{
				max = Max(8, max * 2);
				result->members = pg_realloc(result->members, max * sizeof(Json));
			}
			if (i == 1 && !next_is(reader, ':'))
				return false;
			member = memset(&result->members[result->nmembers++], 0, sizeof(Json));
			if (close == '}' && i == 0 ? !read_string(reader, member) : !read_value(reader, member))
				return false;
		}
	} while (next_is(reader, ','));
	return next_is(reader, close);
}

/* Reads a value; false if it is none.  What is in the result is to be let go of in any case. */
static bool
read_value(JsonReader *reader, Json *result)
{
	static const struct
	{
		const char *word;
		char		kind;
	}			words[] = {{"null", 'n'}, {"true", 't'}, {"false", 'f'}};

	skip_json_blanks(reader);
	if (reader->p == reader->end)
		return false;
	if (*reader->p == '{' || *reader->p == '[')
	{
		bool		ok;

		result->kind = *reader->p++;
		if (++reader->depth > MAX_NESTING)
			return false;
		ok = read_members(reader, result, result->kind == '{' ? '}' : ']');
		reader->depth--;
		return ok;
	}
	if (*reader->p == '"')
		return read_string(reader, result);
	for (size_t i = 0; i < lengthof(words); i++)
	{
		size_t		len = strlen(words[i].word);

		if ((size_t) (reader->end - reader->p) >= len && memcmp(reader->p, words[i].word, len) == 0)
		{
			result->kind = words[i].kind;
			reader->p += len;
			return true;
		}
	}
	return read_json_number(reader, result);
}

/* Compares two keys, for qsort(): by length, bytes, and place, which is where they lie. */
static int
compare_label_keys(const void *a, const void *b)
{
	const Json *ka = *(const Json *const *) a;
	const Json *kb = *(const Json *const *) b;
	int			cmp;

	if (ka->len != kb->len)
		return ka->len < kb->len ? -1 : 1;
	cmp = memcmp(ka->text, kb->text, ka->len);
	if (cmp != 0)
		return cmp;
	return ka < kb ? -1 : ka > kb;
}

/* Adds a value to the digest. */
static void
add_value(DigestState *state, const Json *json)
{
	switch (json->kind)
	{
		case 'n':
			DigestNull(state);
			break;
		case 't':
		case 'f':
			DigestBoolean(state, json->kind == 't');
			break;
		case 's':
			DigestText(state, json->text, json->len);
			break;
		case 'd':
			DigestDecimal(state, json->text, json->len);
			break;
		case '[':
			DigestBracket(state, '[');
			for (int i = 0; i < json->nmembers; i++)
				add_value(state, &json->members[i]);
			DigestBracket(state, ']');
			break;
		case '{':
			{
				int			nkeys = json->nmembers / 2;
				const Json **keys = pg_malloc(Max(nkeys, 1) * sizeof(Json *));

				for (int i = 0; i < nkeys; i++)
					keys[i] = &json->members[2 * i];
				qsort(keys, nkeys, sizeof(Json *), compare_label_keys);
				DigestBracket(state, '{');
				for (int i = 0; i < nkeys; i++)
				{
					if (i + 1 < nkeys && keys[i]->len == keys[i + 1]->len && memcmp(keys[i]->text, keys[i + 1]->text, keys[i]->len) == 0)
						continue;
					add_value(state, keys[i]);
					add_value(state, keys[i] + 1);
				}
				DigestBracket(state, '}');
				free(keys);
				break;
			}
	}
}

/* Adds labels to the digest; false if they are no JSON object that the ledger takes. */
bool
DigestLabels(DigestState *state, const char *text, size_t len)
{
	JsonReader		reader = {text, text + len, 0};
	Json		json = {0};
	bool		ok = read_value(&reader, &json);

	skip_json_blanks(&reader);
	ok = ok && reader.p == reader.end && json.kind == '{';
	if (ok)
		add_value(state, &json);
	free_value(&json);
	return ok;
}
