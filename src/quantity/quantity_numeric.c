/*
 * quantity_numeric.c
 *		compute_unit and compute_rate against numeric and double precision.
 *
 * PostgreSQL gives extensions no access to numeric's digits, but its wire format is
 * public and stable: number of digits, weight of the first (a power of 10000), sign,
 * display scale, digits to base 10000, each 16 bits.  Reading and writing that is
 * several times faster than text, and exact.
 *
 * Every result that is a quantity is rounded once, half to even, from the exact
 * value.
 */
#include "base/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "quantity/quantity.h"
#include "quantity/quantity_arith.h"

/* numeric's base, and its marks for a sign and for what is not a number */
#define NBASE			10000
#define SIGN_NEGATIVE	0x4000
#define SIGN_NAN		0xC000	/* and above it the infinities */

/* A numeric taken apart: sign * sum of digit[i] * 10000^(weight - i) */
typedef struct Decimal
{
	int			ndigits;		/* 0 for zero; the first digit is not 0 */
	int			weight;
	bool		negative;
	const unsigned char *digits;	/* 16 bits each, big-endian */
} Decimal;

/* Returns one of a decimal's digits. */
static inline uint32
decimal_digit(const Decimal *d, int i)
{
	return ((uint32) d->digits[2 * i] << 8) | d->digits[2 * i + 1];
}

/*
 * Takes a numeric apart.  22003 if it is no finite number: of the type that it was to
 * be converted to, or, if that is NULL, as an operand.
 */
static void
decimal_from_numeric(Numeric value, Decimal *d, const char *type)
{
	bytea	   *wire = DatumGetByteaPP(DirectFunctionCall1(numeric_send,
														   NumericGetDatum(value)));
	const unsigned char *p = (unsigned char *) VARDATA_ANY(wire);
	uint16		sign = (p[4] << 8) | p[5];

	if (sign >= SIGN_NAN)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 type == NULL ?
				 errmsg("factor or divisor of a compute quantity must be a finite number") :
				 sign == SIGN_NAN ?
				 errmsg("cannot convert NaN to %s", type) :
				 errmsg("cannot convert infinity to %s", type)));
	d->ndigits = (p[0] << 8) | p[1];
	d->weight = (int16) ((p[2] << 8) | p[3]);
	d->negative = sign == SIGN_NEGATIVE;
	d->digits = p + 8;
}

/*
 * Multiplies m by a decimal's absolute value and rounds to an integer, half to even.
 * m is less than 2^114.  Returns false if the result does not fit in 128 bits.
 */
static bool
multiply_decimal(uint128 m, const Decimal *d, uint128 *result)
{
	int			integers = d->weight + 1;	/* digits before the point */
	uint128		integer = 0;
	uint128		carry = 0;
	uint32		first = 0;		/* first digit of the product's fraction */
	bool		sticky = false; /* whether anything follows it */

	if (m == 0 || d->ndigits == 0)
	{
		*result = 0;
		return true;
	}
	if (integers > 9)
		return false;			/* 10^36 or more */

	for (int i = 0; i < integers; i++)
		integer = integer * NBASE + (i < d->ndigits ? decimal_digit(d, i) : 0);

	/*
	 * The fraction times m, from the last digit up, as on paper: what comes out to
	 * the left of the point is carried into the integer.  m * 9999 + m < 2^128.
	 */
	for (int i = d->ndigits - 1; i >= Max(integers, 0); i--)
	{
		uint128		t = m * decimal_digit(d, i) + carry;

		sticky |= first != 0;
		first = (uint32) (t % NBASE);
		carry = t / NBASE;
	}
	for (int i = integers; i < 0 && (carry != 0 || first != 0); i++)
	{
		sticky |= first != 0;
		first = (uint32) (carry % NBASE);
		carry /= NBASE;
	}

	if (__builtin_mul_overflow(integer, m, result) ||
		__builtin_add_overflow(*result, carry, result))
		return false;
	if (first > NBASE / 2 || (first == NBASE / 2 && (sticky || (*result & 1))))
		return !__builtin_add_overflow(*result, (uint128) 1, result);
	return true;
}

/* Returns amount * factor, rounded half to even; 22003. */
Quantity *
QuantityMultiplyNumeric(int128 amount, Numeric factor, uint16 basis)
{
	uint128		magnitude = QuantityMagnitude(amount);
	Decimal		d;
	uint128		result;

	decimal_from_numeric(factor, &d, NULL);

	/* A product of three, exact so far, may need more than multiply_decimal takes. */
	if (unlikely((magnitude >> 114) != 0))
	{
		Numeric		product;

		product = DatumGetNumeric(DirectFunctionCall2(numeric_mul,
													  NumericGetDatum(AmountGetNumeric(amount, 0)),
													  NumericGetDatum(factor)));
		decimal_from_numeric(product, &d, NULL);
		magnitude = 1;
		amount = 1;
	}
	if (!multiply_decimal(magnitude, &d, &result))
		QuantityOutOfRangeError();
	return QuantityMakeSigned(result, (amount < 0) != d.negative, basis);
}

/* Returns a quantity of basis flop from FLOP or FLOP/s, rounded half to even. */
Quantity *
QuantityFromNumeric(Numeric value, QuantityKind kind)
{
	Decimal		d;
	uint128		result;

	decimal_from_numeric(value, &d, kind == QUANTITY_RATE ? "compute_rate" : "compute_unit");
	if (kind == QUANTITY_RATE)
		d.weight -= 2;			/* 10^-6 is 100 * 10000^-2 */
	if (!multiply_decimal(kind == QUANTITY_RATE ? 100 : 1, &d, &result))
		QuantityOutOfRangeError();
	return QuantityMakeSigned(result, d.negative, BASIS_FLOP);
}

/* Returns amount * 10^exponent as a numeric; exponent is 0 or 6, amount below 2^120. */
Numeric
AmountGetNumeric(int128 amount, int exponent)
{
	uint128		rest = QuantityMagnitude(amount);
	uint16		digits[12];
	int			n = 0;
	StringInfoData wire;
	char		data[8 + 2 * lengthof(digits)];

	if (exponent == 6)
		rest *= 100;
	while ((rest >> 64) != 0)
	{
		digits[n++] = (uint16) (rest % NBASE);
		rest /= NBASE;
	}
	for (uint64 low = (uint64) rest; low != 0; low /= NBASE)
		digits[n++] = (uint16) (low % NBASE);

	wire.data = data;
	wire.maxlen = sizeof(data);
	wire.len = 0;
	wire.cursor = 0;
	pq_writeint16(&wire, n);
	pq_writeint16(&wire, n - 1 + (exponent == 6));
	pq_writeint16(&wire, amount < 0 ? SIGN_NEGATIVE : 0);
	pq_writeint16(&wire, 0);
	while (n > 0)
		pq_writeint16(&wire, digits[--n]);
	return DatumGetNumeric(DirectFunctionCall3(numeric_recv, PointerGetDatum(&wire),
											   ObjectIdGetDatum(InvalidOid),
											   Int32GetDatum(-1)));
}

/* Calls one of numeric's own functions of two arguments. */
static inline Numeric
call2(PGFunction function, Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(function, NumericGetDatum(a),
											   NumericGetDatum(b)));
}

/*
 * Returns a / b rounded half to even to a whole number, both positive or zero, b not
 * zero.  For what does not fit in 128 bits on the way.
 */
static Numeric
divide_half_even(Numeric a, Numeric b)
{
	Numeric		one = int64_to_numeric(1);
	Numeric		quotient = call2(numeric_div_trunc, a, b);
	Numeric		rest = call2(numeric_sub, a, call2(numeric_mul, quotient, b));
	int			order = DatumGetInt32(DirectFunctionCall2(numeric_cmp,
														  NumericGetDatum(call2(numeric_add, rest, rest)),
														  NumericGetDatum(b)));

	if (order == 0)
	{
		Numeric		odd = call2(numeric_mod, quotient, int64_to_numeric(2));

		order = DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(odd),
												  NumericGetDatum(one))) == 0 ? 1 : -1;
	}
	return order > 0 ? call2(numeric_add, quotient, one) : quotient;
}

PG_FUNCTION_INFO_V1(quantity_mul_numeric);
/* a * n */
Datum
quantity_mul_numeric(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);

	PG_RETURN_QUANTITY_P(QuantityMultiplyNumeric(QuantityAmount(a), PG_GETARG_NUMERIC(1),
												 QuantityBasis(a)));
}

PG_FUNCTION_INFO_V1(numeric_mul_quantity);
/* n * a */
Datum
numeric_mul_quantity(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(1);

	PG_RETURN_QUANTITY_P(QuantityMultiplyNumeric(QuantityAmount(a), PG_GETARG_NUMERIC(0),
												 QuantityBasis(a)));
}

PG_FUNCTION_INFO_V1(quantity_div_numeric);
/* a / n */
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

	decimal_from_numeric(divisor, &d, NULL);
	if (d.ndigits == 0)
		QuantityDivisionByZeroError();

	/* Bring both to whole numbers, and see whether they fit. */
	for (int i = 0; i < d.ndigits && fits; i++)
		fits = !__builtin_mul_overflow(den, (uint128) NBASE, &den) &&
			!__builtin_add_overflow(den, (uint128) decimal_digit(&d, i), &den);
	for (int i = d.ndigits - 1; i < d.weight && fits; i++)
		fits = !__builtin_mul_overflow(den, (uint128) NBASE, &den);
	for (int i = d.ndigits - 1; i > d.weight && fits; i--)
		fits = !__builtin_mul_overflow(num, (uint128) NBASE, &num);
	if (fits)
		num = DivideHalfEven(num, den);
	else
	{
		Numeric		quotient;
		Decimal		q;

		num = QuantityMagnitude(amount);
		quotient = divide_half_even(DatumGetNumeric(DirectFunctionCall1(numeric_abs,
																		NumericGetDatum(AmountGetNumeric(amount, 0)))),
									DatumGetNumeric(DirectFunctionCall1(numeric_abs,
																		NumericGetDatum(divisor))));
		decimal_from_numeric(quotient, &q, NULL);
		if (!multiply_decimal(1, &q, &num))
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

PG_FUNCTION_INFO_V1(quantity_div_quantity);
/* a / b, of one basis: a numeric */
Datum
quantity_div_quantity(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);
	Quantity   *b = PG_GETARG_QUANTITY_P(1);

	QuantityCheckSameBasis(a, b);
	return divide_amounts(AmountGetNumeric(QuantityAmount(a), 0),
						  AmountGetNumeric(QuantityAmount(b), 0));
}

PG_FUNCTION_INFO_V1(quantity_utilization);
/* utilization(achieved, nominal): the one ratio across bases */
Datum
quantity_utilization(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);
	Quantity   *b = PG_GETARG_QUANTITY_P(1);

	return divide_amounts(AmountGetNumeric(QuantityAmount(a), 0),
						  AmountGetNumeric(QuantityAmount(b), 0));
}

PG_FUNCTION_INFO_V1(compute_unit_div_rate);
/* unit / rate, of one basis: seconds as a numeric */
Datum
compute_unit_div_rate(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);
	Quantity   *b = PG_GETARG_QUANTITY_P(1);

	QuantityCheckSameBasis(a, b);
	return divide_amounts(AmountGetNumeric(QuantityAmount(a), 0),
						  AmountGetNumeric(QuantityAmount(b), 6));
}

PG_FUNCTION_INFO_V1(compute_unit_to_numeric);
/* numeric(unit): FLOP */
Datum
compute_unit_to_numeric(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(AmountGetNumeric(QuantityAmount(PG_GETARG_QUANTITY_P(0)), 0));
}

PG_FUNCTION_INFO_V1(compute_rate_to_numeric);
/* numeric(rate): FLOP/s */
Datum
compute_rate_to_numeric(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(AmountGetNumeric(QuantityAmount(PG_GETARG_QUANTITY_P(0)), 6));
}

PG_FUNCTION_INFO_V1(numeric_to_compute_unit);
/* compute_unit(numeric): from FLOP */
Datum
numeric_to_compute_unit(PG_FUNCTION_ARGS)
{
	PG_RETURN_QUANTITY_P(QuantityFromNumeric(PG_GETARG_NUMERIC(0), QUANTITY_UNIT));
}

PG_FUNCTION_INFO_V1(numeric_to_compute_rate);
/* compute_rate(numeric): from FLOP/s */
Datum
numeric_to_compute_rate(PG_FUNCTION_ARGS)
{
	PG_RETURN_QUANTITY_P(QuantityFromNumeric(PG_GETARG_NUMERIC(0), QUANTITY_RATE));
}

PG_FUNCTION_INFO_V1(compute_unit_to_float8);
/* float8(unit): FLOP, the nearest double */
Datum
compute_unit_to_float8(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8((double) QuantityAmount(PG_GETARG_QUANTITY_P(0)));
}

PG_FUNCTION_INFO_V1(compute_rate_to_float8);
/* float8(rate): FLOP/s, the nearest double */
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

PG_FUNCTION_INFO_V1(float8_to_compute_unit);
/* compute_unit(float8): from FLOP */
Datum
float8_to_compute_unit(PG_FUNCTION_ARGS)
{
	PG_RETURN_QUANTITY_P(quantity_from_float8(PG_GETARG_FLOAT8(0), QUANTITY_UNIT));
}

PG_FUNCTION_INFO_V1(float8_to_compute_rate);
/* compute_rate(float8): from FLOP/s */
Datum
float8_to_compute_rate(PG_FUNCTION_ARGS)
{
	PG_RETURN_QUANTITY_P(quantity_from_float8(PG_GETARG_FLOAT8(0), QUANTITY_RATE));
}

/*
 * Returns the quantity in a unit of the reader's choice, rounded half to even to so
 * many digits behind the point: the text of format().  Errors: 22023.
 */
char *
QuantityFormatScaled(int128 amount, uint16 basis, QuantityKind kind,
					 const char *unit, int64 digits)
{
	QuantityScale scale;
	char		name[BASIS_MAXTEXT];
	char	   *power;
	char	   *number;
	int			exponent;
	int			len;
	Numeric		num;
	Numeric		den;

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
	power = psprintf("1e%d", abs(exponent));
	num = AmountGetNumeric(amount < 0 ? -amount : amount, 0);
	den = int64_to_numeric(scale.factor);
	*(exponent < 0 ? &den : &num) =
		call2(numeric_mul, exponent < 0 ? den : num,
			  DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(power),
												  ObjectIdGetDatum(InvalidOid),
												  Int32GetDatum(-1))));
	number = DatumGetCString(DirectFunctionCall1(numeric_out,
												 NumericGetDatum(divide_half_even(num, den))));
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
	PG_RETURN_TEXT_P(cstring_to_text(QuantityFormatScaled(QuantityAmount(q), QuantityBasis(q),
														  kind, unit, digits)));
}

PG_FUNCTION_INFO_V1(compute_unit_format);
/* format(compute_unit, unit [, digits]) */
Datum
compute_unit_format(PG_FUNCTION_ARGS)
{
	return quantity_format(fcinfo, QUANTITY_UNIT);
}

PG_FUNCTION_INFO_V1(compute_rate_format);
/* format(compute_rate, unit [, digits]) */
Datum
compute_rate_format(PG_FUNCTION_ARGS)
{
	return quantity_format(fcinfo, QUANTITY_RATE);
}

PG_FUNCTION_INFO_V1(compute_unit_flop_hours);
/*
 * flop_hours(compute_unit): FLOPh as a numeric, rounded to 12 decimals (the exact
 * value is a number of ninths of 10^-2 / 4: no tie) and without trailing zeros
 */
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
