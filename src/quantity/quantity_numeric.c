/*
 * quantity_numeric.c
 *		compute_unit and compute_rate against numeric and double precision.
 *
 * Every result that is a quantity is rounded once, half to even, from the exact
 * value.
 */
#include "base/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/decimal.h"
#include "base/half_even.h"
#include "base/numeric_arith.h"
#include "quantity/quantity_arith.h"
#include "quantity/quantity_numeric.h"

/*
 * Takes a numeric apart.  22003 if it is no finite number: of the type that it was to
 * be converted to, or, if that is NULL, as an operand.
 */
static void
finite_decimal(Numeric value, Decimal *d, const char *type)
{
	DecimalKind kind = DecimalFromNumeric(value, d);

	if (kind != DECIMAL_FINITE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 type == NULL ?
				 errmsg("factor or divisor of a compute quantity must be a finite number") :
				 kind == DECIMAL_NAN ?
				 errmsg("cannot convert NaN to %s", type) :
				 errmsg("cannot convert infinity to %s", type)));
}

/* Returns amount * factor, rounded half to even; 22003. */
Quantity *
QuantityMultiplyNumeric(int128 amount, Numeric factor, uint16 basis)
{
	uint128		magnitude = QuantityMagnitude(amount);
	Decimal		d;
	uint128		result;

	finite_decimal(factor, &d, NULL);

	/* A product of three, exact so far, may need more than DecimalMultiply takes. */
	if (unlikely((magnitude >> 114) != 0))
	{
		Numeric		product;

		product = DatumGetNumeric(DirectFunctionCall2(numeric_mul,
													  NumericGetDatum(AmountGetNumeric(amount, 0)),
													  NumericGetDatum(factor)));
		finite_decimal(product, &d, NULL);
		magnitude = 1;
		amount = 1;
	}
	if (!DecimalMultiply(magnitude, &d, &result))
		QuantityOutOfRangeError();
	return QuantityMakeSigned(result, (amount < 0) != d.negative, basis);
}

/* Returns a quantity of basis flop from FLOP or FLOP/s, rounded half to even. */
static Quantity *
quantity_from_numeric(Numeric value, QuantityKind kind)
{
	Decimal		d;
	uint128		result;

	finite_decimal(value, &d, kind == QUANTITY_RATE ? "compute_rate" : "compute_unit");
	if (kind == QUANTITY_RATE)
		d.weight -= 2;			/* 10^-6 is 100 * 10000^-2 */
	if (!DecimalMultiply(kind == QUANTITY_RATE ? 100 : 1, &d, &result))
		QuantityOutOfRangeError();
	return QuantityMakeSigned(result, d.negative, BASIS_FLOP);
}

/* Returns amount * 10^exponent as a numeric; exponent is 0 or 6. */
Numeric
AmountGetNumeric(int128 amount, int exponent)
{
	return DatumGetNumeric(NumericFromInt128(amount, -exponent));
}

/* a * n */
PG_FUNCTION_INFO_V1(quantity_mul_numeric);
Datum
quantity_mul_numeric(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);

	PG_RETURN_QUANTITY_P(QuantityMultiplyNumeric(QuantityAmount(a), PG_GETARG_NUMERIC(1),
												 QuantityBasis(a)));
}

/* n * a */
PG_FUNCTION_INFO_V1(numeric_mul_quantity);
Datum
numeric_mul_quantity(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(1);

	PG_RETURN_QUANTITY_P(QuantityMultiplyNumeric(QuantityAmount(a), PG_GETARG_NUMERIC(0),
												 QuantityBasis(a)));
}

/* a / n */
PG_FUNCTION_INFO_V1(quantity_div_numeric);
Datum
quantity_div_numeric(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);
	Numeric		divisor = PG_GETARG_NUMERIC(1);
	int128		amount = QuantityAmount(a);
	uint128		num = QuantityMagnitude(amount);
	uint128		den = 0;
	Decimal		d;
	bool		fits = true;

	finite_decimal(divisor, &d, NULL);
	if (d.ndigits == 0)
		QuantityDivisionByZeroError();

	/* Bring both to whole numbers, and see whether they fit. */
	for (int i = 0; i < d.ndigits && fits; i++)
		fits = !__builtin_mul_overflow(den, (uint128) DECIMAL_BASE, &den) &&
			!__builtin_add_overflow(den, (uint128) DecimalDigit(&d, i), &den);
	for (int i = d.ndigits - 1; i < d.weight && fits; i++)
		fits = !__builtin_mul_overflow(den, (uint128) DECIMAL_BASE, &den);
	for (int i = d.ndigits - 1; i > d.weight && fits; i--)
		fits = !__builtin_mul_overflow(num, (uint128) DECIMAL_BASE, &num);
	if (fits)
		num = DivideHalfEven(num, den);
	else
	{
		Numeric		quotient;
		Decimal		q;

		num = QuantityMagnitude(amount);
		quotient = DatumGetNumeric(NumericDivideHalfEven(NumericGetDatum(AmountGetNumeric(amount < 0 ? -amount : amount, 0)),
														 DirectFunctionCall1(numeric_abs, NumericGetDatum(divisor))));
		finite_decimal(quotient, &q, NULL);
		if (!DecimalMultiply(1, &q, &num))
			QuantityOutOfRangeError();
	}
	PG_RETURN_QUANTITY_P(QuantityMakeSigned(num, (amount < 0) != d.negative,
											QuantityBasis(a)));
}

/* Returns a / b to the digits that numeric's division gives; 22012. */
static Datum
divide_amounts(Numeric a, Numeric b)
{
	return DirectFunctionCall2(numeric_div, NumericGetDatum(a), NumericGetDatum(b));
}

/* a / b, of one basis: a numeric */
PG_FUNCTION_INFO_V1(quantity_div_quantity);
Datum
quantity_div_quantity(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);
	Quantity   *b = PG_GETARG_QUANTITY_P(1);

	QuantityCheckSameBasis(a, b);
	return divide_amounts(AmountGetNumeric(QuantityAmount(a), 0),
						  AmountGetNumeric(QuantityAmount(b), 0));
}

/* utilization(achieved, nominal): the one ratio across bases */
PG_FUNCTION_INFO_V1(quantity_utilization);
Datum
quantity_utilization(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);
	Quantity   *b = PG_GETARG_QUANTITY_P(1);

	return divide_amounts(AmountGetNumeric(QuantityAmount(a), 0),
						  AmountGetNumeric(QuantityAmount(b), 0));
}

/* unit / rate, of one basis: seconds as a numeric */
PG_FUNCTION_INFO_V1(compute_unit_div_rate);
Datum
compute_unit_div_rate(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);
	Quantity   *b = PG_GETARG_QUANTITY_P(1);

	QuantityCheckSameBasis(a, b);
	return divide_amounts(AmountGetNumeric(QuantityAmount(a), 0),
						  AmountGetNumeric(QuantityAmount(b), 6));
}

/* numeric(unit): FLOP */
PG_FUNCTION_INFO_V1(compute_unit_to_numeric);
Datum
compute_unit_to_numeric(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(AmountGetNumeric(QuantityAmount(PG_GETARG_QUANTITY_P(0)), 0));
}

/* numeric(rate): FLOP/s */
PG_FUNCTION_INFO_V1(compute_rate_to_numeric);
Datum
compute_rate_to_numeric(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(AmountGetNumeric(QuantityAmount(PG_GETARG_QUANTITY_P(0)), 6));
}

/* compute_unit(numeric): from FLOP */
PG_FUNCTION_INFO_V1(numeric_to_compute_unit);
Datum
numeric_to_compute_unit(PG_FUNCTION_ARGS)
{
	PG_RETURN_QUANTITY_P(quantity_from_numeric(PG_GETARG_NUMERIC(0), QUANTITY_UNIT));
}

/* compute_rate(numeric): from FLOP/s */
PG_FUNCTION_INFO_V1(numeric_to_compute_rate);
Datum
numeric_to_compute_rate(PG_FUNCTION_ARGS)
{
	PG_RETURN_QUANTITY_P(quantity_from_numeric(PG_GETARG_NUMERIC(0), QUANTITY_RATE));
}

/* float8(unit): FLOP, the nearest double */
PG_FUNCTION_INFO_V1(compute_unit_to_float8);
Datum
compute_unit_to_float8(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8((double) QuantityAmount(PG_GETARG_QUANTITY_P(0)));
}

/* float8(rate): FLOP/s, the nearest double */
PG_FUNCTION_INFO_V1(compute_rate_to_float8);
Datum
compute_rate_to_float8(PG_FUNCTION_ARGS)
{
	int128		amount = QuantityAmount(PG_GETARG_QUANTITY_P(0));

	/* Rounded once: 10^6 < 2^20, so below 2^107 the product is exact. */
	if ((QuantityMagnitude(amount) >> 107) == 0)
		PG_RETURN_FLOAT8((double) (amount * 1000000));
	return DirectFunctionCall1(numeric_float8,
							   NumericGetDatum(AmountGetNumeric(amount, 6)));
}

/*
 * Returns a quantity of basis flop from FLOP or FLOP/s: the double's exact value,
 * rounded half to even.
 */
static Quantity *
quantity_from_float8(double value, QuantityKind kind)
{
	int			exponent;
	uint128		num;
	uint128		den;

	if (isnan(value) || isinf(value))
		QuantityOutOfRangeError();

	/* value = num * 2^exponent, num below 2^53 */
	num = (uint128) (uint64) ldexp(frexp(fabs(value), &exponent), 53);
	exponent -= 53;
	den = 1;
	if (kind == QUANTITY_RATE)
	{
		/* 10^6 = 15625 * 2^6 */
		den = 15625;
		exponent -= 6;
	}
	if (num == 0 || exponent < -100)
		num = 0;				/* less than 2^-47, before any division */
	else if (exponent > 75)
		QuantityOutOfRangeError();	/* at least 2^(52 + 76) / 15625, over 2^114 */
	else if (exponent >= 0)
		num <<= exponent;
	else
		den <<= -exponent;		/* 2^14 * 2^100 at most */
	return QuantityMakeSigned(DivideHalfEven(num, den), value < 0, BASIS_FLOP);
}

/* compute_unit(float8): from FLOP */
PG_FUNCTION_INFO_V1(float8_to_compute_unit);
Datum
float8_to_compute_unit(PG_FUNCTION_ARGS)
{
	PG_RETURN_QUANTITY_P(quantity_from_float8(PG_GETARG_FLOAT8(0), QUANTITY_UNIT));
}

/* compute_rate(float8): from FLOP/s */
PG_FUNCTION_INFO_V1(float8_to_compute_rate);
Datum
float8_to_compute_rate(PG_FUNCTION_ARGS)
{
	PG_RETURN_QUANTITY_P(quantity_from_float8(PG_GETARG_FLOAT8(0), QUANTITY_RATE));
}

/*
 * Returns the quantity in a unit of the reader's choice, rounded half to even to so
 * many digits behind the point: the text of format().  Errors: 22023.
 */
static char *
format_scaled(int128 amount, uint16 basis, QuantityKind kind,
			  const char *unit, int64 digits)
{
	QuantityScale scale;
	char		name[BASIS_MAXTEXT];
	char	   *number;
	int			exponent;
	int			len;
	Datum		num;
	Datum		den;

	if (!QuantityScaleFromName(unit, strlen(unit), &scale) || scale.kind != kind)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid unit for type %s: \"%s\"", QuantityTypeName(kind), unit),
				 kind == QUANTITY_RATE ?
				 errhint("Use FLOPS or FLOP/s, with a prefix from k to Q.") :
				 errhint("Use FLOP, FLOPh, FLOP-hour or FLOP-day, with a prefix from k to Q.")));
	if (digits < 0 || digits > 100)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of digits must be between 0 and 100")));

	/* |amount| * 10^exponent / factor, a whole number of the last digit's units */
	exponent = (int) digits - scale.exponent + (kind == QUANTITY_RATE ? 6 : 0);
	num = NumericGetDatum(AmountGetNumeric(amount < 0 ? -amount : amount, 0));
	den = NumericFromInteger(scale.factor);
	if (exponent < 0)
		den = NumericMultiply(den, NumericPowerOfTen(-exponent));
	else
		num = NumericMultiply(num, NumericPowerOfTen(exponent));
	number = DatumGetCString(DirectFunctionCall1(numeric_out, NumericDivideHalfEven(num, den)));
	len = (int) strlen(number);
	if (len <= digits)
	{
		char	   *padded = (char *) palloc(digits + 2);

		memset(padded, '0', digits + 1);
		strcpy(padded + digits + 1 - len, number);
		number = padded;
		len = digits + 1;
	}
	return psprintf("%s%.*s%s%s %s%s%s",
					amount < 0 && strspn(number, "0") != (size_t) len ? "-" : "",
					len - (int) digits, number, digits > 0 ? "." : "", number + len - digits,
					unit,
					basis == BASIS_FLOP ? "" : "@",
					basis == BASIS_FLOP ? "" : BasisName(basis, name));
}

/*
 * format(type, "any" [, "any"])
 *
 * Declared with the unit as text and the digits as integer, these would be better
 * matches than PostgreSQL's own format() for format('%s', t) and format('%s: %s',
 * 'x', 1), and take such calls over wherever the extension is in the search_path.
 * "any" never wins against it.  So the types are checked here (42804).
 */
static Datum
quantity_format(FunctionCallInfo fcinfo, QuantityKind kind)
{
	Quantity   *q = PG_GETARG_QUANTITY_P(0);
	const char *unit;
	int64		digits = 2;

	switch (getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 1)))
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			unit = text_to_cstring(PG_GETARG_TEXT_PP(1));
			break;
		case UNKNOWNOID:		/* a literal: a cstring */
			unit = PG_GETARG_CSTRING(1);
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("unit of format() must be text")));
	}
	if (PG_NARGS() > 2)
	{
		switch (getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 2)))
		{
			case INT2OID:
				digits = PG_GETARG_INT16(2);
				break;
			case INT4OID:
				digits = PG_GETARG_INT32(2);
				break;
			case INT8OID:
				digits = PG_GETARG_INT64(2);
				break;
			default:
				ereport(ERROR,
						(errcode(ERRCODE_DATATYPE_MISMATCH),
						 errmsg("number of digits of format() must be an integer")));
		}
	}
	PG_RETURN_TEXT_P(cstring_to_text(format_scaled(QuantityAmount(q), QuantityBasis(q),
												   kind, unit, digits)));
}

/* format(compute_unit, unit [, digits]) */
PG_FUNCTION_INFO_V1(compute_unit_format);
Datum
compute_unit_format(PG_FUNCTION_ARGS)
{
	return quantity_format(fcinfo, QUANTITY_UNIT);
}

/* format(compute_rate, unit [, digits]) */
PG_FUNCTION_INFO_V1(compute_rate_format);
Datum
compute_rate_format(PG_FUNCTION_ARGS)
{
	return quantity_format(fcinfo, QUANTITY_RATE);
}

/*
 * flop_hours(compute_unit): FLOPh as a numeric, rounded to 12 decimals (the exact
 * value is a number of ninths of 10^-2 / 4: no tie) and without trailing zeros
 */
PG_FUNCTION_INFO_V1(compute_unit_flop_hours);
Datum
compute_unit_flop_hours(PG_FUNCTION_ARGS)
{
	int128		amount = QuantityAmount(PG_GETARG_QUANTITY_P(0));
	uint128		magnitude = QuantityMagnitude(amount);
	uint64		fraction = (uint64) (magnitude % 3600);
	char		buf[64];
	char	   *p = buf;

	if (amount < 0)
		*p++ = '-';
	p += FormatUint128(magnitude / 3600, p);
	if (fraction != 0)
	{
		/* 3599/3600 of 10^12 does not round up to 10^12 */
		p += sprintf(p, ".%012llu",
					 (unsigned long long) DivideHalfEven(fraction * UINT64CONST(1000000000000), 3600));
		while (p[-1] == '0')
			p--;
	}
	*p = '\0';
	return DirectFunctionCall3(numeric_in, CStringGetDatum(buf),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}
