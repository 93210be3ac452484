/*
 * decimal.c
 *		numeric taken apart and put together by its wire form (see decimal.h).
 */
#include "base/compat.h"

#include "libpq/pqformat.h"
#include "utils/fmgrprotos.h"

#include "base/decimal.h"
#include "base/half_even.h"

/* Marks of a sign in the wire form, and of what is not a number. */
#define SIGN_NEGATIVE	0x4000
#define SIGN_NAN		0xC000	/* and above it the infinities */

/* Digits to base 10000 of 128 bits, and one that a scale cuts off. */
#define MAX_INT128_DIGITS	11

/*
 * Takes a numeric apart.  The decimal points into palloc'd memory; it is set only if
 * the number is finite.
 */
DecimalKind
DecimalFromNumeric(Numeric value, Decimal *d)
{
	bytea	   *wire = DatumGetByteaPP(DirectFunctionCall1(numeric_send,
														   NumericGetDatum(value)));
	const unsigned char *p = (unsigned char *) VARDATA_ANY(wire);
	uint16		sign = (p[4] << 8) | p[5];

	if (sign >= SIGN_NAN)
		return sign == SIGN_NAN ? DECIMAL_NAN : DECIMAL_INFINITE;
	d->ndigits = (p[0] << 8) | p[1];
	d->weight = (int16) ((p[2] << 8) | p[3]);
	d->negative = sign == SIGN_NEGATIVE;
	d->digits = p + 8;
	return DECIMAL_FINITE;
}

/*
 * Multiplies m by a decimal's absolute value and rounds to an integer, half to even.
 * m is less than 2^114.  Returns false if the result does not fit in 128 bits.
 */
bool
DecimalMultiply(uint128 m, const Decimal *d, uint128 *result)
{
	int			integers = d->weight + 1;	/* digits before the point */
	uint128		integer = 0;
	uint128		carry = 0;
	uint32		first = 0;		/* first digit of the product's fraction */
	bool		sticky = false; /* whether anything follows it */
	int			order;

	if (m == 0 || d->ndigits == 0)
	{
		*result = 0;
		return true;
	}
	if (integers > 9)
		return false;			/* 10^36 or more */

	for (int i = 0; i < integers; i++)
		integer = integer * DECIMAL_BASE + (i < d->ndigits ? DecimalDigit(d, i) : 0);

	/*
	 * The fraction times m, from the last digit up, as on paper: what comes out to
	 * the left of the point is carried into the integer.  m * 9999 + m < 2^128.
	 */
	for (int i = d->ndigits - 1; i >= Max(integers, 0); i--)
	{
		uint128		t = m * DecimalDigit(d, i) + carry;

		sticky |= first != 0;
		first = (uint32) (t % DECIMAL_BASE);
		carry = t / DECIMAL_BASE;
	}
	for (int i = integers; i < 0 && (carry != 0 || first != 0); i++)
	{
		sticky |= first != 0;
		first = (uint32) (carry % DECIMAL_BASE);
		carry /= DECIMAL_BASE;
	}

	if (__builtin_mul_overflow(integer, m, result) ||
		__builtin_add_overflow(*result, carry, result))
		return false;
	order = first == DECIMAL_BASE / 2 ? sticky : first > DECIMAL_BASE / 2 ? 1 : -1;
	return !__builtin_add_overflow(*result, (uint128) RoundsUpHalfEven(order, *result & 1), result);
}

/*
 * Returns number / 10^scale as a numeric with as many digits after the point as the
 * scale says, none if it is below zero.  |scale| is small: below 1000.
 */
Datum
NumericFromInt128(int128 number, int scale)
{
	static const uint16 power[] = {1, 10, 100, 1000};
	uint128		rest = number < 0 ? -(uint128) number : (uint128) number;
	int			cut = scale & 3;	/* decimals that do not fill a digit to base 10000 */
	int			weight = -((scale - cut) / 4);	/* of the last digit */
	uint16		digits[MAX_INT128_DIGITS];
	int			n = 0;
	StringInfoData wire;
	char		data[8 + 2 * MAX_INT128_DIGITS];

	if (scale >= 0 && (int64) number == number)
		return NumericGetDatum(int64_div_fast_to_numeric((int64) number, scale));

	if (cut != 0)
	{
		digits[n++] = (uint16) (rest % power[cut]) * power[4 - cut];
		rest /= power[cut];
		weight--;
	}
	while ((rest >> 64) != 0)
	{
		digits[n++] = (uint16) (rest % DECIMAL_BASE);
		rest /= DECIMAL_BASE;
	}
	for (uint64 low = (uint64) rest; low != 0; low /= DECIMAL_BASE)
		digits[n++] = (uint16) (low % DECIMAL_BASE);

	wire.data = data;
	wire.maxlen = sizeof(data);
	wire.len = 0;
	wire.cursor = 0;
	pq_writeint16(&wire, n);
	pq_writeint16(&wire, weight + n - 1);
	pq_writeint16(&wire, number < 0 ? SIGN_NEGATIVE : 0);
	pq_writeint16(&wire, Max(scale, 0));
	while (n > 0)
		pq_writeint16(&wire, digits[--n]);
	return DirectFunctionCall3(numeric_recv, PointerGetDatum(&wire),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}
