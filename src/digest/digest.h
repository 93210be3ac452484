/*
 * digest.h
 *		SHA-256 of what a usage record says, as values and not as text.
 *
 * The bytes hashed are: a version byte, then the fields in the order of DIGEST_FIELDS,
 * each a letter for its kind, its length (8 bytes, big-endian) and its bytes.  Kinds:
 *
 *	s	text in UTF-8
 *	b	the bytes of text that has no UTF-8 form
 *	d	number, in decimal without trailing zeros
 *	i	instant, microseconds since 2000-01-01 UTC (8 bytes, big-endian, two's complement)
 *	q	amount of work, FLOP (16 bytes, likewise), and code of the basis (2 bytes)
 *	n	null
 *	t f	true, false
 *	{ }	an object: keys and values by turns, keys sorted by length, then by bytes
 *	[ ]	an array
 *
 * No oid, no setting and no version of PostgreSQL is in it, and stored digests depend on
 * it.
 *
 * Pure: needs c.h and PostgreSQL's common library only, allocates nothing but what the
 * hash itself does, and raises nothing, so that a client makes the same digest of the
 * same values.
 */
#ifndef COMPUTE_LEDGER_DIGEST_H
#define COMPUTE_LEDGER_DIGEST_H

#include "c.h"

#include "common/cryptohash.h"
#include "common/sha2.h"

#ifndef HAVE_INT128
#error "compute_ledger needs a compiler with 128-bit integers"
#endif

/*
 * Kinds of a record's fields, any of which may be null instead: account, region,
 * accelerator, devices, start, end, measure, number format, achieved work, run, and
 * labels, which are an object.  After them comes the reservation that the record names, a
 * text; of a record that names none, nothing does.
 */
#define DIGEST_FIELDS	"sssdiissqs{"

#define DIGEST_LENGTH	PG_SHA256_DIGEST_LENGTH

/*
 * A digest that is being made, or several, one after the other; zeros at first.  Bytes are hashed by the bufferful.  In a
 * server the hash may be in the memory context in which the first one was begun, which must then outlive them all.
 */
typedef struct DigestState
{
	pg_cryptohash_ctx *sha;
	bool		failed;
	size_t		used;
	uint8		buffer[512];
} DigestState;

extern void DigestBegin(DigestState *state);
extern void DigestNull(DigestState *state);
extern void DigestText(DigestState *state, const char *utf8, size_t len);
extern void DigestBytes(DigestState *state, const char *bytes, size_t len);
extern void DigestDecimal(DigestState *state, const char *decimal, size_t len);
extern void DigestInstant(DigestState *state, int64 at);
extern void DigestWork(DigestState *state, int128 amount, uint16 basis);
extern void DigestBoolean(DigestState *state, bool value);
extern void DigestBracket(DigestState *state, char bracket);
extern const char *DigestEnd(DigestState *state, uint8 *digest);
extern void DigestFree(DigestState *state);

#endif							/* COMPUTE_LEDGER_DIGEST_H */
