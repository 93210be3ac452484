/*
 * decimal.h
 *		numeric taken apart and put together by its wire form.
 *
 * PostgreSQL gives extensions no access to numeric's digits, but its wire format is
 * public and stable: number of digits, weight of the first (a power of 10000), sign,
 * display scale, digits to base 10000, each 16 bits.  Reading and writing that is
 * several times faster than text, and exact.
 */
#ifndef COMPUTE_LEDGER_DECIMAL_H
#define COMPUTE_LEDGER_DECIMAL_H

#include "base/compat.h"

#include "utils/numeric.h"

/* The base of numeric's digits. */
#define DECIMAL_BASE	10000

/* A finite numeric: sign * sum of digit[i] * 10000^(weight - i) */
typedef struct Decimal
{
	int			ndigits;		/* 0 for zero; the first digit is not 0 */
	int			weight;
	bool		negative;
	const unsigned char *digits;	/* 16 bits each, big-endian */
} Decimal;

/* What a numeric is. */
typedef enum DecimalKind
{
	DECIMAL_FINITE,
	DECIMAL_INFINITE,
	DECIMAL_NAN
} DecimalKind;

/* Returns one of a decimal's digits. */
static inline uint32
DecimalDigit(const Decimal *d, int i)
{
	return ((uint32) d->digits[2 * i] << 8) | d->digits[2 * i + 1];
}

extern DecimalKind DecimalFromNumeric(Numeric value, Decimal *d);
extern bool DecimalMultiply(uint128 m, const Decimal *d, uint128 *result);
extern Datum NumericFromInt128(int128 number, int scale);

#endif							/* COMPUTE_LEDGER_DECIMAL_H */
