/*
 * quantity_arith.c
 *		Integer arithmetic of compute_unit and compute_rate, each within its type.
 *
 * Sums, differences and quotients of two quantities need one basis (LC001).  A
 * result beyond 112 bits is an error (22003).  What is not a whole number is rounded
 * once, half to even.
 */
#include "base/compat.h"

#include "base/half_even.h"
#include "quantity/quantity_arith.h"

/* Raises 22012. */
void
QuantityDivisionByZeroError(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DIVISION_BY_ZERO),
			 errmsg("division by zero")));
}

/* Allocates a quantity from sign and magnitude; 22003 if it does not fit. */
Quantity *
QuantityMakeSigned(uint128 magnitude, bool negative, uint16 basis)
{
	if (unlikely(magnitude > (uint128) QUANTITY_MAX + negative))
		QuantityOutOfRangeError();
	return QuantityMake(negative ? (int128) -magnitude : (int128) magnitude, basis);
}

/* Returns amount * factor; 22003 if it does not fit. */
Quantity *
QuantityMultiply(int128 amount, int128 factor, uint16 basis)
{
	uint128		magnitude;

	/* unsigned: clang makes a library call, which libgcc lacks, of the signed one */
	if (__builtin_mul_overflow(QuantityMagnitude(amount), QuantityMagnitude(factor),
							   &magnitude))
		QuantityOutOfRangeError();
	return QuantityMakeSigned(magnitude, (amount < 0) != (factor < 0), basis);
}

/* Returns amount / divisor, rounded half to even; 22012, 22003. */
Quantity *
QuantityDivide(int128 amount, int128 divisor, uint16 basis)
{
	if (divisor == 0)
		QuantityDivisionByZeroError();
	return QuantityMakeSigned(DivideHalfEven(QuantityMagnitude(amount),
											 QuantityMagnitude(divisor)),
							  (amount < 0) != (divisor < 0), basis);
}

/* a + b */
PG_FUNCTION_INFO_V1(quantity_add);
Datum
quantity_add(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);
	Quantity   *b = PG_GETARG_QUANTITY_P(1);

	QuantityCheckSameBasis(a, b);
	PG_RETURN_QUANTITY_P(QuantityMake(QuantityAmount(a) + QuantityAmount(b),
									  QuantityBasis(a)));
}

/* a - b */
PG_FUNCTION_INFO_V1(quantity_sub);
Datum
quantity_sub(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);
	Quantity   *b = PG_GETARG_QUANTITY_P(1);

	QuantityCheckSameBasis(a, b);
	PG_RETURN_QUANTITY_P(QuantityMake(QuantityAmount(a) - QuantityAmount(b),
									  QuantityBasis(a)));
}

/* - a */
PG_FUNCTION_INFO_V1(quantity_neg);
Datum
quantity_neg(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);

	PG_RETURN_QUANTITY_P(QuantityMake(-QuantityAmount(a), QuantityBasis(a)));
}

/* abs(a) */
PG_FUNCTION_INFO_V1(quantity_abs);
Datum
quantity_abs(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);
	int128		amount = QuantityAmount(a);

	PG_RETURN_QUANTITY_P(QuantityMake(amount < 0 ? -amount : amount, QuantityBasis(a)));
}

/* a * n, n * a and a / n for each integer type */
#define DEFINE_INTEGER_OPERATORS(type, GETARG) \
PG_FUNCTION_INFO_V1(quantity_mul_##type); \
Datum \
quantity_mul_##type(PG_FUNCTION_ARGS) \
{ \
	Quantity   *a = PG_GETARG_QUANTITY_P(0); \
	PG_RETURN_QUANTITY_P(QuantityMultiply(QuantityAmount(a), GETARG(1), QuantityBasis(a))); \
} \
PG_FUNCTION_INFO_V1(type##_mul_quantity); \
Datum \
type##_mul_quantity(PG_FUNCTION_ARGS) \
{ \
	Quantity   *a = PG_GETARG_QUANTITY_P(1); \
	PG_RETURN_QUANTITY_P(QuantityMultiply(QuantityAmount(a), GETARG(0), QuantityBasis(a))); \
} \
PG_FUNCTION_INFO_V1(quantity_div_##type); \
Datum \
quantity_div_##type(PG_FUNCTION_ARGS) \
{ \
	Quantity   *a = PG_GETARG_QUANTITY_P(0); \
	PG_RETURN_QUANTITY_P(QuantityDivide(QuantityAmount(a), GETARG(1), QuantityBasis(a))); \
}

DEFINE_INTEGER_OPERATORS(int2, PG_GETARG_INT16)
DEFINE_INTEGER_OPERATORS(int4, PG_GETARG_INT32)
DEFINE_INTEGER_OPERATORS(int8, PG_GETARG_INT64)
