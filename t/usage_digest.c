/*
 * usage_digest.c
 *		The digest of usage records as a client makes it, without a server.
 *
 * Reads fields from standard input, one a line: a letter of digest.h for its kind and
 * what it holds (text in hexadecimal, numbers in decimal, an amount as "FLOP basis").
 * A line with a point ends a record; prints the record's digest.  Exits 1 if a line is
 * none of these.
 */
#include "postgres_fe.h"

#include "digest/digest.h"

/* Reads hexadecimal in place; returns the number of bytes. */
static size_t
read_hex(char *hex)
{
	size_t		n = 0;
	unsigned	byte;

	for (; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		hex[n] = (char) byte;
	return n;
}

/* Reads a whole number up to a blank. */
static int128
read_amount(const char *str)
{
	bool		negative = *str == '-';
	int128		amount = 0;

	for (str += negative; *str >= '0' && *str <= '9'; str++)
		amount = amount * 10 + (*str - '0');
	return negative ? -amount : amount;
}

/* Adds a field; false if it is of no kind. */
static bool
add_line(DigestState *state, char kind, char *value)
{
	switch (kind)
	{
		case 's':
			DigestText(state, value, read_hex(value));
			return true;
		case 'b':
			DigestBytes(state, value, read_hex(value));
			return true;
		case 'd':
			DigestDecimal(state, value, strlen(value));
			return true;
		case 'i':
			DigestInstant(state, (int64) read_amount(value));
			return true;
		case 'q':
			DigestWork(state, read_amount(value), (uint16) atoi(strchr(value, ' ') + 1));
			return true;
		case 't':
		case 'f':
			DigestBoolean(state, kind == 't');
			return true;
		case 'n':
			DigestNull(state);
			return true;
		case '{':
		case '}':
		case '[':
		case ']':
			DigestBracket(state, kind);
			return true;
		default:
			return false;
	}
}

int
main(void)
{
	static char line[100000];
	DigestState state = {0};
	bool		open = false;

	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		line[strcspn(line, "\n")] = '\0';
		if (!open)
			DigestBegin(&state);
		open = line[0] != '.';
		if (open && !add_line(&state, line[0], line[1] != '\0' ? line + 2 : line + 1))
		{
			fprintf(stderr, "not a field: %s\n", line);
			return 1;
		}
		if (!open)
		{
			uint8		digest[DIGEST_LENGTH];
			const char *error = DigestEnd(&state, digest);

			if (error != NULL)
			{
				fprintf(stderr, "no digest: %s\n", error);
				return 1;
			}
			for (int i = 0; i < DIGEST_LENGTH; i++)
				printf("%02x", digest[i]);
			printf("\n");
		}
	}
	DigestFree(&state);
	return 0;
}
