/*
 * quantity_arith.h
 *		Arithmetic helpers of the quantity types.  All of them may raise.
 */
#ifndef COMPUTE_LEDGER_QUANTITY_ARITH_H
#define COMPUTE_LEDGER_QUANTITY_ARITH_H

#include "fmgr.h"
#include "utils/numeric.h"

#include "quantity/quantity.h"

/* quantity_arith.c */
pg_noreturn extern void QuantityDivisionByZeroError(void);
extern Quantity *QuantityMakeSigned(uint128 magnitude, bool negative, uint16 basis);
extern Quantity *QuantityMultiply(int128 amount, int128 factor, uint16 basis);
extern Quantity *QuantityDivide(int128 amount, int128 divisor, uint16 basis);

/* quantity_numeric.c */
extern Numeric AmountGetNumeric(int128 amount, int exponent);
extern Quantity *QuantityMultiplyNumeric(int128 amount, Numeric factor, uint16 basis);
extern Quantity *QuantityFromNumeric(Numeric value, QuantityKind kind);
extern char *QuantityFormatScaled(int128 amount, uint16 basis, QuantityKind kind,
								  const char *unit, int64 digits);

/* Raises LC001 unless both are of one basis. */
static inline void
QuantityCheckSameBasis(const Quantity *a, const Quantity *b)
{
	if (unlikely(QuantityBasis(a) != QuantityBasis(b)))
		BasisMismatchError(QuantityBasis(a), QuantityBasis(b));
}

#endif							/* COMPUTE_LEDGER_QUANTITY_ARITH_H */
