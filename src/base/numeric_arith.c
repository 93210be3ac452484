/*
 * numeric_arith.c
 *		Rounding of exact ratios of numerics, half to even.
 */
#include "base/compat.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "base/half_even.h"
#include "base/numeric_arith.h"

#define KEPT_POWERS	38			/* as many digits as 128 bits have */

/* Returns 10^exponent, with as many decimals as it needs; not to be freed.  What is small is made once. */
Datum
NumericPowerOfTen(int exponent)
{
	static Datum kept[2 * KEPT_POWERS + 1];
	bool		keep = exponent >= -KEPT_POWERS && exponent <= KEPT_POWERS;
	MemoryContext previous;
	char		text[16];
	Datum		power;

	if (keep && kept[exponent + KEPT_POWERS] != (Datum) 0)
		return kept[exponent + KEPT_POWERS];
	snprintf(text, sizeof(text), "1e%d", exponent);
	previous = MemoryContextSwitchTo(keep ? TopMemoryContext : CurrentMemoryContext);
	power = DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
								Int32GetDatum(-1));
	MemoryContextSwitchTo(previous);
	if (keep)
		kept[exponent + KEPT_POWERS] = power;
	return power;
}

/*
 * Returns dividend / divisor, finite, the dividend not below and the divisor above zero,
 * rounded to a whole number, half to even.  The quotient itself is never computed: where
 * it does not end, rounding what is left of it could take a near miss for a tie.
 */
Datum
NumericDivideHalfEven(Datum dividend, Datum divisor)
{
	Datum		quotient = DirectFunctionCall2(numeric_div_trunc, dividend, divisor);
	Datum		rest = NumericSubtract(dividend, NumericMultiply(quotient, divisor));
	int			order = NumericCompare(NumericAdd(rest, rest), divisor);
	bool		odd = false;

	if (order == 0)
		odd = NumericCompare(DirectFunctionCall2(numeric_mod, quotient, NumericFromInteger(2)),
							 NumericFromInteger(0)) != 0;
	return RoundsUpHalfEven(order, odd) ? NumericAdd(quotient, NumericFromInteger(1)) : quotient;
}

/*
 * Returns dividend / divisor, finite and the divisor above zero, rounded to so many
 * digits after the point, half to even.
 */
Datum
NumericRoundRatio(Datum dividend, Datum divisor, int digits)
{
	Datum		size = DirectFunctionCall1(numeric_abs, NumericMultiply(dividend, NumericPowerOfTen(digits)));
	Datum		quotient = NumericDivideHalfEven(size, divisor);

	if (NumericCompare(dividend, NumericFromInteger(0)) < 0)
		quotient = DirectFunctionCall1(numeric_uminus, quotient);
	return NumericMultiply(quotient, NumericPowerOfTen(-digits));
}

/*
 * _round_ratio(dividend numeric, divisor numeric, digits int) -> numeric, digits from 0
 * to 100; a dividend that is not finite stays what it is; 22023
 */
PG_FUNCTION_INFO_V1(round_ratio);
Datum
round_ratio(PG_FUNCTION_ARGS)
{
	const int	max_digits = 100;
	Numeric		dividend = PG_GETARG_NUMERIC(0);
	Numeric		divisor = PG_GETARG_NUMERIC(1);
	int32		digits = PG_GETARG_INT32(2);

	if (digits < 0 || digits > max_digits)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of digits must be between 0 and %d", max_digits)));
	if (numeric_is_nan(divisor) || numeric_is_inf(divisor) ||
		NumericCompare(NumericGetDatum(divisor), NumericFromInteger(0)) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a ratio needs a finite divisor above zero")));
	if (numeric_is_nan(dividend) || numeric_is_inf(dividend))
		PG_RETURN_NUMERIC(dividend);
	PG_RETURN_DATUM(NumericRoundRatio(NumericGetDatum(dividend), NumericGetDatum(divisor), digits));
}
