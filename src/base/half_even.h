/*
 * half_even.h
 *		Rounding to the nearest whole number, half to even: the one way in which this
 *		extension rounds.
 *
 * Pure: needs c.h only.  Numbers that are not 128-bit integers are rounded the same way
 * in numeric_arith.c and decimal.c, by RoundsUpHalfEven().
 */
#ifndef COMPUTE_LEDGER_HALF_EVEN_H
#define COMPUTE_LEDGER_HALF_EVEN_H

#include "c.h"

/*
 * Tells whether a quotient is rounded up, given how twice the rest compares with the
 * divisor (below, at or above zero) and whether the quotient is odd.
 */
static inline bool
RoundsUpHalfEven(int order, bool odd)
{
	return order > 0 || (order == 0 && odd);
}

/* Compares twice the rest of a division with the divisor, without doubling it. */
static inline int
CompareTwice(uint128 rest, uint128 divisor)
{
	return (rest > divisor - rest) - (rest < divisor - rest);
}

/* Returns num / den.  den is not zero. */
static inline uint128
DivideHalfEven(uint128 num, uint128 den)
{
	uint128		quotient = num / den;

	return quotient + RoundsUpHalfEven(CompareTwice(num % den, den), quotient & 1);
}

/* Returns num / den of a num of either sign.  den is not zero. */
static inline int128
DivideHalfEvenSigned(int128 num, uint128 den)
{
	return num < 0 ? -(int128) DivideHalfEven(-(uint128) num, den) :
		(int128) DivideHalfEven((uint128) num, den);
}

/*
 * Computes value x multiplier / divisor; false if it does not fit.  Quotient and rest are
 * multiplied by themselves, so that the product of the two need not fit; that of the
 * multiplier and what is below the divisor must.  divisor is not zero.
 */
static inline bool
ScaleHalfEven(uint128 value, uint128 multiplier, uint128 divisor, uint128 *result)
{
	uint128		whole;
	uint128		rest;

	if (__builtin_mul_overflow(value / divisor, multiplier, &whole) ||
		__builtin_mul_overflow(value % divisor, multiplier, &rest) ||
		__builtin_add_overflow(whole, rest / divisor, &whole))
		return false;
	return !__builtin_add_overflow(whole,
								   (uint128) RoundsUpHalfEven(CompareTwice(rest % divisor, divisor), whole & 1),
								   result);
}

#endif							/* COMPUTE_LEDGER_HALF_EVEN_H */
