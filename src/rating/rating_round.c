/*
 * rating_round.c
 *		Rounding of exact ratios: what quantities and costs of charges are made with.
 */
#include "base/compat.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/numeric_arith.h"
#include "rating/rating.h"

PG_FUNCTION_INFO_V1(rating_round_ratio);

#define MAX_DIGITS		100

/* Returns 10^exponent, with as many decimals as it needs. */
static Datum
power_of_ten(int exponent)
{
	char		text[16];

	snprintf(text, sizeof(text), "1e%d", exponent);
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

/*
 * Returns dividend / divisor, finite and the divisor above zero, rounded to so many
 * digits after the point, half to even.  The quotient itself is never computed: where it
 * does not end, rounding what is left of it could take a near miss for a tie.
 */
Datum
RoundRatio(Datum dividend, Datum divisor, int digits)
{
	Datum		zero = NumericFromInteger(0);
	Datum		size = DirectFunctionCall1(numeric_abs, NumericMultiply(dividend, power_of_ten(digits)));
	Datum		quotient = DirectFunctionCall2(numeric_div_trunc, size, divisor);
	Datum		rest = NumericSubtract(size, NumericMultiply(quotient, divisor));
	int			order = NumericCompare(NumericAdd(rest, rest), divisor);

	if (order == 0)
		order = NumericCompare(DirectFunctionCall2(numeric_mod, quotient, NumericFromInteger(2)), zero);
	if (order > 0)
		quotient = NumericAdd(quotient, NumericFromInteger(1));
	if (NumericCompare(dividend, zero) < 0)
		quotient = DirectFunctionCall1(numeric_uminus, quotient);
	return NumericMultiply(quotient, power_of_ten(-digits));
}

/*
 * _round_ratio(dividend numeric, divisor numeric, digits int) -> numeric
 */
Datum
rating_round_ratio(PG_FUNCTION_ARGS)
{
	Numeric		dividend = PG_GETARG_NUMERIC(0);
	Numeric		divisor = PG_GETARG_NUMERIC(1);
	int32		digits = PG_GETARG_INT32(2);

	if (digits < 0 || digits > MAX_DIGITS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of digits must be between 0 and %d", MAX_DIGITS)));
	if (numeric_is_nan(dividend) || numeric_is_inf(dividend) || numeric_is_nan(divisor) || numeric_is_inf(divisor) ||
		NumericCompare(NumericGetDatum(divisor), NumericFromInteger(0)) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a ratio needs a finite dividend and a finite divisor above zero")));
	PG_RETURN_DATUM(RoundRatio(NumericGetDatum(dividend), NumericGetDatum(divisor), digits));
}
