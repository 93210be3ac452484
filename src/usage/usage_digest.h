/*
 * usage_digest.h
 *		The digest of what a usage record says, from values of SQL.
 */
#ifndef COMPUTE_LEDGER_USAGE_DIGEST_H
#define COMPUTE_LEDGER_USAGE_DIGEST_H

#include "base/compat.h"

#include "digest/digest.h"

#define USAGE_DIGEST_VALUES	12	/* that a digest is of */
#define USAGE_DIGEST_BYTES	16	/* of the SHA-256, that usage_key has */

extern void MakeUsageDigest(DigestState *state, const NullableDatum *values, uint8 *digest);

#endif							/* COMPUTE_LEDGER_USAGE_DIGEST_H */
