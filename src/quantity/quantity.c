/*
 * quantity.c
 *		The pure core of compute_unit and compute_rate: bases, text in, text out.
 *
 * Integers only.  Nothing here allocates memory, reads a setting or raises, so that
 * a test harness can compile it alone.
 *
 * Text in: a decimal number, an optional exponent, optional space, a unit with an
 * optional SI prefix, an optional "@basis".  The value is rounded once, half to
 * even, to a whole FLOP or MFLOP/s, whatever the number of digits.
 *
 * Text out: the fewest digits that read back as the same integer.
 *	 Rates are in FLOPS, exact: a whole number of MFLOP/s has a finite decimal form
 *	 and no shorter one reads back.
 *	 Amounts are in FLOPh, of 3600 FLOP.  A hundredth of a FLOPh is 36 FLOP, so:
 *	 - if 36 divides the amount, amount / 36 hundredths is exact, and shorter forms
 *	   are multiples of 36 * 10^k FLOP, which read back as themselves: only the
 *	   trailing zeros can go;
 *	 - otherwise no hundredth reads back.  A thousandth is 3.6 FLOP, more than the
 *	   one FLOP that rounds to a given integer: at most one of them reads back, and
 *	   it is the nearest;
 *	 - otherwise the nearest ten-thousandth, 0.36 FLOP apart, always does.
 */
#include "base/ascii.h"
#include "base/half_even.h"
#include "quantity/quantity.h"

/* Longest amount that can be in range: 2^111 is 2.6e33, 34 digits. */
#define MAX_DIGITS	34

static const char *const basis_names[] = {
	"flop", "fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "fp6", "fp4", "int8", "int4"
};

StaticAssertDecl(lengthof(basis_names) == BASIS_LAST_BUILTIN + 1,
				 "every built-in basis has a name");
StaticAssertDecl(sizeof(Quantity) == 16, "a quantity is 16 bytes");

static const char si_prefixes[] = "kMGTPEZYRQ";

/* What may follow "FLOP", and what it makes of the unit. */
static const struct
{
	const char *suffix;
	QuantityScale scale;
}			unit_suffixes[] =
{
	{"h", {QUANTITY_UNIT, 36, 2}},
	{"S", {QUANTITY_RATE, 1, 0}},
	{"", {QUANTITY_UNIT, 1, 0}},
	{"s", {QUANTITY_UNIT, 1, 0}},
	{"/s", {QUANTITY_RATE, 1, 0}},
	{"-hour", {QUANTITY_UNIT, 36, 2}},
	{"-hours", {QUANTITY_UNIT, 36, 2}},
	{"-day", {QUANTITY_UNIT, 864, 2}},
	{"-days", {QUANTITY_UNIT, 864, 2}},
	{"S-second", {QUANTITY_UNIT, 1, 0}},
	{"S-seconds", {QUANTITY_UNIT, 1, 0}},
	{"S-hour", {QUANTITY_UNIT, 36, 2}},
	{"S-hours", {QUANTITY_UNIT, 36, 2}},
	{"S-day", {QUANTITY_UNIT, 864, 2}},
	{"S-days", {QUANTITY_UNIT, 864, 2}},
	{"/s-second", {QUANTITY_UNIT, 1, 0}},
	{"/s-seconds", {QUANTITY_UNIT, 1, 0}},
	{"/s-hour", {QUANTITY_UNIT, 36, 2}},
	{"/s-hours", {QUANTITY_UNIT, 36, 2}},
	{"/s-day", {QUANTITY_UNIT, 864, 2}},
	{"/s-days", {QUANTITY_UNIT, 864, 2}},
};

/* Tells white space as the C locale does, whatever the locale is. */
static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Returns 10^n, 0 <= n <= MAX_DIGITS. */
static uint128
power_of_ten(int n)
{
	static const uint64 small[] = {
		UINT64CONST(1), UINT64CONST(10), UINT64CONST(100), UINT64CONST(1000),
		UINT64CONST(10000), UINT64CONST(100000), UINT64CONST(1000000),
		UINT64CONST(10000000), UINT64CONST(100000000), UINT64CONST(1000000000),
		UINT64CONST(10000000000), UINT64CONST(100000000000),
		UINT64CONST(1000000000000), UINT64CONST(10000000000000),
		UINT64CONST(100000000000000), UINT64CONST(1000000000000000),
		UINT64CONST(10000000000000000), UINT64CONST(100000000000000000),
		UINT64CONST(1000000000000000000)
	};

	if (n < (int) lengthof(small))
		return small[n];
	return (uint128) small[n - 18] * small[18];
}

/* Returns the name of a basis, or its number written into buf (BASIS_MAXTEXT). */
const char *
BasisName(uint16 basis, char *buf)
{
	if (basis <= BASIS_LAST_BUILTIN)
		return basis_names[basis];
	buf[FormatUint128(basis, buf)] = '\0';
	return buf;
}

/*
 * Reads the name of a built-in basis, in either case, or the number of any assigned
 * one.  Returns false if there is no such basis.
 */
bool
BasisFromName(const char *name, size_t len, uint16 *basis)
{
	if (len == 0 || len > 5)
		return false;
	if (AsciiIsDigit(name[0]))
	{
		uint32		code = 0;

		/* one spelling each: no leading zeros */
		if (name[0] == '0' && len > 1)
			return false;
		for (size_t i = 0; i < len; i++)
		{
			if (!AsciiIsDigit(name[i]))
				return false;
			code = code * 10 + (name[i] - '0');
		}
		if (code > BASIS_MAX || !BasisIsValid(code))
			return false;
		*basis = code;
		return true;
	}
	for (int code = 0; code <= BASIS_LAST_BUILTIN; code++)
	{
		const char *candidate = basis_names[code];
		size_t		i = 0;

		while (i < len && candidate[i] != '\0')
		{
			char		c = name[i];

			if (c >= 'A' && c <= 'Z')
				c += 'a' - 'A';
			if (c != candidate[i])
				break;
			i++;
		}
		if (i == len && candidate[i] == '\0')
		{
			*basis = code;
			return true;
		}
	}
	return false;
}

/*
 * Reads a unit such as FLOP, PFLOPh, EFLOPS-day, TFLOP/s.  Case matters: FLOPs is
 * an amount, FLOPS is a rate, and there is no milli.  Returns false for anything
 * else.
 */
bool
QuantityScaleFromName(const char *name, size_t len, QuantityScale *scale)
{
	int			prefix = 0;

	if (len > 0 && name[0] != 'F')
	{
		const char *found = memchr(si_prefixes, name[0], sizeof(si_prefixes) - 1);

		if (found == NULL)
			return false;
		prefix = 3 * (int) (found - si_prefixes + 1);
		name++;
		len--;
	}
	if (len < 4 || memcmp(name, "FLOP", 4) != 0)
		return false;
	name += 4;
	len -= 4;
	for (size_t i = 0; i < lengthof(unit_suffixes); i++)
	{
		if (strncmp(name, unit_suffixes[i].suffix, len) == 0 &&
			unit_suffixes[i].suffix[len] == '\0')
		{
			*scale = unit_suffixes[i].scale;
			scale->exponent += prefix;
			return true;
		}
	}
	return false;
}

/*
 * Returns factor * 0.d1d2d3... * 10^point of digits, one of which may be preceded by a
 * dot, rounded half to even.  d1 is not 0; point is from -3 to MAX_DIGITS.
 */
static inline uint128
multiply_digits(const char *digits, const char *digits_end, const char *dot, int64 point, uint32 factor)
{
	uint64		head = 0;		/* the first 18 digits */
	uint64		tail = 0;		/* up to 16 more, point being at most 34 */
	int			n = 0;
	int			first = 0;		/* first digit of the product's fraction */
	bool		sticky = false; /* whether anything follows it */
	uint32		carry = 0;
	uint128		magnitude;

	for (; digits < digits_end && n < point; digits++)
	{
		if (digits == dot)
			continue;
		if (n < 18)
			head = head * 10 + (*digits - '0');
		else
			tail = tail * 10 + (*digits - '0');
		n++;
	}
	magnitude = head;
	if (n > 18)
		magnitude = magnitude * power_of_ten(n - 18) + tail;

	if (n < point)
		magnitude *= power_of_ten(point - n);
	else
	{
		/*
		 * What is left is the fraction.  Multiply it by the factor from the last
		 * digit up, as on paper: what comes out to the left of the point belongs
		 * to the integer, and of the rest only the first digit and whether more
		 * follows matter.
		 */
		for (const char *d = digits_end; d-- > digits;)
		{
			uint32		t;

			if (d == dot)
				continue;
			t = factor * (uint32) (*d - '0') + carry;
			sticky |= first != 0;
			first = t % 10;
			carry = t / 10;
		}
		for (; point < 0; point++)
		{
			sticky |= first != 0;
			first = carry % 10;
			carry /= 10;
		}
	}
	/* 10^34 * 864 + 863 is less than 2^123 */
	magnitude = magnitude * factor + carry;
	return magnitude + RoundsUpHalfEven(first == 5 ? sticky : first - 5, magnitude & 1);
}

/*
 * Reads a whole string as an amount of the given kind: FLOP or MFLOP/s, and a basis.
 */
QuantityParseResult
QuantityParse(const char *str, QuantityKind kind, int128 *amount, uint16 *basis)
{
	const char *p = str;
	const char *digits;			/* first digit that is not a leading zero */
	const char *digits_end;
	const char *unit;
	const char *dot = NULL;
	int64		point;			/* digits before the decimal point; may be negative */
	int64		exponent = 0;
	bool		negative = false;
	uint128		magnitude;
	QuantityScale scale;

	while (is_space(*p))
		p++;
	if (*p == '+' || *p == '-')
		negative = *p++ == '-';

	/* The digits, one of which may be preceded or followed by a point. */
	digits = p;
	while (AsciiIsDigit(*p))
		p++;
	point = p - digits;
	if (*p == '.')
	{
		dot = p++;
		while (AsciiIsDigit(*p))
			p++;
		if (p - digits == 1)
			return QUANTITY_PARSE_SYNTAX;
	}
	else if (point == 0)
		return QUANTITY_PARSE_SYNTAX;
	digits_end = p;

	/* An exponent, unless the E is the prefix of EFLOP. */
	if (*p == 'e' || *p == 'E')
	{
		const char *e = p + 1;
		bool		exponent_negative = false;

		if (*e == '+' || *e == '-')
			exponent_negative = *e++ == '-';
		if (AsciiIsDigit(*e))
		{
			/*
			 * A string has less than 2^31 digits, so an exponent of 2^40 is as good
			 * as any beyond it.
			 */
			for (; AsciiIsDigit(*e); e++)
			{
				if (exponent < (INT64CONST(1) << 40))
					exponent = exponent * 10 + (*e - '0');
			}
			if (exponent_negative)
				exponent = -exponent;
			p = e;
		}
	}

	while (is_space(*p))
		p++;
	unit = p;
	while (*p != '\0' && *p != '@' && !is_space(*p))
		p++;
	if (p == unit)
		return *p == '\0' ? QUANTITY_PARSE_NO_UNIT : QUANTITY_PARSE_SYNTAX;
	if (!QuantityScaleFromName(unit, p - unit, &scale))
		return QUANTITY_PARSE_SYNTAX;

	*basis = BASIS_FLOP;
	if (*p == '@')
	{
		const char *name = ++p;

		while (*p != '\0' && !is_space(*p))
			p++;
		if (p == name)
			return QUANTITY_PARSE_SYNTAX;
		if (!BasisFromName(name, p - name, basis))
			return QUANTITY_PARSE_BASIS;
	}
	while (is_space(*p))
		p++;
	if (*p != '\0')
		return QUANTITY_PARSE_SYNTAX;
	if (scale.kind != kind)
		return QUANTITY_PARSE_OTHER_KIND;

	/* Leading zeros say nothing. */
	for (; digits < digits_end && (*digits == '0' || *digits == '.'); digits++)
	{
		if (*digits == '0')
			point--;
	}
	if (digits == digits_end)
	{
		*amount = 0;
		return QUANTITY_PARSE_OK;
	}

	/*
	 * Now the value is factor * 0.d1d2d3... * 10^point, d1 not 0.  From 10^34 on it
	 * is out of range whatever the factor, and below 864 * 10^-4 it rounds to 0.
	 */
	point += exponent + scale.exponent - (kind == QUANTITY_RATE ? 6 : 0);
	if (point > MAX_DIGITS)
		return QUANTITY_PARSE_RANGE;
	if (point <= -4)
	{
		*amount = 0;
		return QUANTITY_PARSE_OK;
	}

	magnitude = multiply_digits(digits, digits_end, dot, point, scale.factor);
	if (magnitude > (uint128) QUANTITY_MAX + negative)
		return QUANTITY_PARSE_RANGE;
	*amount = negative ? (int128) -magnitude : (int128) magnitude;
	return QUANTITY_PARSE_OK;
}

/* Writes the decimal digits of a 64-bit integer, at least width of them. */
static int
format_uint64(uint64 value, int width, char *buf)
{
	char		tmp[20];
	int			n = 0;

	while (value != 0 || n < width)
	{
		tmp[n++] = '0' + value % 10;
		value /= 10;
	}
	for (int i = 0; i < n; i++)
		buf[i] = tmp[n - 1 - i];
	return n;
}

/* Writes the decimal digits of an integer, not zero-terminated; returns how many. */
int
FormatUint128(uint128 value, char *buf)
{
	const uint64 e18 = UINT64CONST(1000000000000000000);
	int			n;

	if ((value >> 64) == 0)
		return format_uint64((uint64) value, 1, buf);
	n = FormatUint128(value / e18, buf);
	return n + format_uint64((uint64) (value % e18), 18, buf + n);
}

/*
 * Writes the text form into buf (QUANTITY_MAXTEXT), zero-terminated, and returns its
 * length.
 */
int
QuantityFormat(int128 amount, uint16 basis, QuantityKind kind, char *buf)
{
	uint128		magnitude = QuantityMagnitude(amount);
	uint128		value;			/* the digits, as an integer */
	int			decimals;		/* how many of them are behind the point */
	int			ndigits;
	int			before;			/* how many are before it */
	int			prefix;
	char		digits[40];
	char	   *p = buf;

	if (kind == QUANTITY_RATE)
	{
		value = magnitude;
		decimals = -6;
	}
	else
	{
		value = magnitude / 36;
		decimals = 2;
		if (value * 36 != magnitude)
		{
			/* 5 * magnitude is less than 2^114, and no tie below reads back */
			value = (5 * magnitude + 9) / 18;
			decimals = 3;
			if ((36 * value + 5) / 10 != magnitude)
			{
				value = (50 * magnitude + 9) / 18;
				decimals = 4;
			}
		}
	}

	if (amount < 0)
		*p++ = '-';
	if (value == 0)
	{
		*p++ = '0';
		prefix = 0;
	}
	else
	{
		ndigits = FormatUint128(value, digits);
		before = ndigits - decimals;
		while (digits[ndigits - 1] == '0')
			ndigits--;
		prefix = before > 0 ? (before - 1) / 3 : 0;
		if (prefix > (int) sizeof(si_prefixes) - 1)
			prefix = sizeof(si_prefixes) - 1;
		before -= 3 * prefix;
		if (before <= 0)
		{
			*p++ = '0';
			*p++ = '.';
			for (; before < 0; before++)
				*p++ = '0';
			memcpy(p, digits, ndigits);
			p += ndigits;
		}
		else if (ndigits <= before)
		{
			memcpy(p, digits, ndigits);
			p += ndigits;
			for (; before > ndigits; before--)
				*p++ = '0';
		}
		else
		{
			memcpy(p, digits, before);
			p += before;
			*p++ = '.';
			memcpy(p, digits + before, ndigits - before);
			p += ndigits - before;
		}
	}

	*p++ = ' ';
	if (prefix > 0)
		*p++ = si_prefixes[prefix - 1];
	memcpy(p, kind == QUANTITY_RATE ? "FLOPS" : "FLOPh", 5);
	p += 5;
	if (basis != BASIS_FLOP)
	{
		char		name[BASIS_MAXTEXT];
		const char *s = BasisName(basis, name);

		*p++ = '@';
		while (*s != '\0')
			*p++ = *s++;
	}
	*p = '\0';
	return (int) (p - buf);
}
