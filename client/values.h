/*
 * values.h
 *		What the cells of a record mean, as far as its digest needs it.
 *
 * The ledger reads cells in src/usage, and these readers read the same forms to the same
 * values; what they cannot read they say so of.
 */
#ifndef COMPUTE_LEDGER_VALUES_H
#define COMPUTE_LEDGER_VALUES_H

#include "chunk.h"
#include "digest/digest.h"

/* Longest decimal that is read, and the most places its exponent may move the point. */
#define MAX_DECIMAL		1000
#define MAX_EXPONENT	9999

/* Room for a decimal without an exponent, its sign, point and zero byte. */
#define DECIMAL_TEXT	(MAX_DECIMAL + MAX_EXPONENT + 4)

extern bool ReadDecimal(const char *text, size_t len, char *decimal);
extern const char *RecordDigest(const CsvCell *cells, int64 started_at, int64 ended_at, int *revision, uint8 *digest);
extern bool ReadRevision(const CsvCell *cell, int *revision);
extern bool IsRetraction(const CsvCell *cells);

#endif							/* COMPUTE_LEDGER_VALUES_H */
