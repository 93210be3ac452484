/*
 * digest.c
 *		SHA-256 of what a usage record says, as values and not as text.
 */
#include "c.h"

#include "port/pg_bswap.h"

#include "digest/digest.h"

/* Form of the bytes hashed. */
#define DIGEST_VERSION	1

/* Hands bytes to the hash, through the buffer if they fit into it. */
static void
feed_bytes(DigestState *state, const void *data, size_t len)
{
	if (len > sizeof(state->buffer) - state->used)
	{
		state->failed |= pg_cryptohash_update(state->sha, state->buffer, state->used) < 0;
		state->used = 0;
	}
	if (len > sizeof(state->buffer))
		state->failed |= pg_cryptohash_update(state->sha, data, len) < 0;
	else if (len > 0)
	{
		memcpy(state->buffer + state->used, data, len);
		state->used += len;
	}
}

/* Adds a field: a letter for its kind, its length in eight bytes, and its bytes. */
static void
add_field(DigestState *state, char kind, const void *data, size_t len)
{
	uint8		head[9];
	uint64		n = pg_hton64((uint64) len);

	head[0] = (uint8) kind;
	memcpy(head + 1, &n, 8);
	feed_bytes(state, head, sizeof(head));
	feed_bytes(state, data, len);
}

/* Begins a digest; DigestEnd() must follow.  The hash is made for the first one of a state, which was zeros. */
void
DigestBegin(DigestState *state)
{
	uint8		version = DIGEST_VERSION;

	if (state->sha == NULL)
		state->sha = pg_cryptohash_create(PG_SHA256);
	state->failed = pg_cryptohash_init(state->sha) < 0;
	state->used = 0;
	feed_bytes(state, &version, 1);
}

/* Adds a field, or a value in labels, that is null. */
void
DigestNull(DigestState *state)
{
	add_field(state, 'n', NULL, 0);
}

/* Adds text, which is UTF-8. */
void
DigestText(DigestState *state, const char *utf8, size_t len)
{
	add_field(state, 's', utf8, len);
}

/* Adds text that has no form in UTF-8. */
void
DigestBytes(DigestState *state, const char *bytes, size_t len)
{
	add_field(state, 'b', bytes, len);
}

/* Adds a number, as numeric prints it; trailing zeros of a fraction make no difference. */
void
DigestDecimal(DigestState *state, const char *decimal, size_t len)
{
	if (memchr(decimal, '.', len) != NULL)
	{
		while (decimal[len - 1] == '0')
			len--;
		if (decimal[len - 1] == '.')
			len--;
	}
	add_field(state, 'd', decimal, len);
}

/* Adds an instant, in microseconds since 2000-01-01 UTC. */
void
DigestInstant(DigestState *state, int64 at)
{
	uint64		bytes = pg_hton64((uint64) at);

	add_field(state, 'i', &bytes, sizeof(bytes));
}

/* Adds an amount of work, in FLOP, and its basis. */
void
DigestWork(DigestState *state, int128 amount, uint16 basis)
{
	uint64		high = pg_hton64((uint64) ((uint128) amount >> 64));
	uint64		low = pg_hton64((uint64) amount);
	uint16		code = pg_hton16(basis);
	uint8		bytes[18];

	memcpy(bytes, &high, 8);
	memcpy(bytes + 8, &low, 8);
	memcpy(bytes + 16, &code, 2);
	add_field(state, 'q', bytes, sizeof(bytes));
}

/* Adds a truth value in labels. */
void
DigestBoolean(DigestState *state, bool value)
{
	add_field(state, value ? 't' : 'f', NULL, 0);
}

/* Adds the bracket that opens or closes an object or an array: one of { } [ ]. */
void
DigestBracket(DigestState *state, char bracket)
{
	add_field(state, bracket, NULL, 0);
}

/* Writes the digest, of DIGEST_LENGTH bytes.  Returns NULL, or what went wrong; then there is no digest. */
const char *
DigestEnd(DigestState *state, uint8 *digest)
{
	if (state->failed ||
		pg_cryptohash_update(state->sha, state->buffer, state->used) < 0 ||
		pg_cryptohash_final(state->sha, digest, DIGEST_LENGTH) < 0)
		return pg_cryptohash_error(state->sha);
	return NULL;
}

/* Lets go of the hash. */
void
DigestFree(DigestState *state)
{
	pg_cryptohash_free(state->sha);
	state->sha = NULL;
}
