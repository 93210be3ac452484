/*
 * quantity_arith.h
 *		Arithmetic on quantities.  All of it may raise.
 */
#ifndef COMPUTE_LEDGER_QUANTITY_ARITH_H
#define COMPUTE_LEDGER_QUANTITY_ARITH_H

#include "quantity/quantity_type.h"

pg_noreturn extern void QuantityDivisionByZeroError(void);
extern Quantity *QuantityMakeSigned(uint128 magnitude, bool negative, uint16 basis);
extern Quantity *QuantityMultiply(int128 amount, int128 factor, uint16 basis);
extern Quantity *QuantityDivide(int128 amount, int128 divisor, uint16 basis);

/* Raises LC001 unless both are of one basis. */
static inline void
QuantityCheckSameBasis(const Quantity *a, const Quantity *b)
{
	if (unlikely(QuantityBasis(a) != QuantityBasis(b)))
		BasisMismatchError(QuantityBasis(a), QuantityBasis(b));
}

#endif							/* COMPUTE_LEDGER_QUANTITY_ARITH_H */
