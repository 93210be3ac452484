/*
 * numeric_arith.h
 *		Arithmetic on numeric Datums: numeric's own functions by shorter names, and what
 *		rounds.
 */
#ifndef COMPUTE_LEDGER_NUMERIC_ARITH_H
#define COMPUTE_LEDGER_NUMERIC_ARITH_H

#include "base/compat.h"

#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

static inline Datum
NumericFromInteger(int64 n)
{
	return NumericGetDatum(int64_to_numeric(n));
}

static inline Datum
NumericAdd(Datum a, Datum b)
{
	return DirectFunctionCall2(numeric_add, a, b);
}

static inline Datum
NumericSubtract(Datum a, Datum b)
{
	return DirectFunctionCall2(numeric_sub, a, b);
}

static inline Datum
NumericMultiply(Datum a, Datum b)
{
	return DirectFunctionCall2(numeric_mul, a, b);
}

/* Returns a number below, at or above zero. */
static inline int
NumericCompare(Datum a, Datum b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, a, b));
}

/* numeric_arith.c */
extern Datum NumericPowerOfTen(int exponent);
extern Datum NumericDivideHalfEven(Datum dividend, Datum divisor);
extern Datum NumericRoundRatio(Datum dividend, Datum divisor, int digits);

#endif							/* COMPUTE_LEDGER_NUMERIC_ARITH_H */
