/*
 * quantity_text.c
 *		Property test of the text form of quantities, against the pure core alone.
 *
 * For every value: it reads back as itself; no decimal with fewer digits does; of
 * those with as many digits that do, none is nearer.  Prints the number of values
 * and exits 0, or prints the first that fails and exits 1.
 *
 * usage: quantity_text COUNT SEED
 */
#include "quantity/quantity.h"

/* The server's own versions are in the server. */
#undef printf
#undef snprintf

static uint64 state;

/* Returns 64 random bits (splitmix64). */
static uint64
next_random(void)
{
	uint64		z = (state += UINT64CONST(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* Returns 10^n. */
static uint128
ten_to(int n)
{
	uint128		result = 1;

	while (n-- > 0)
		result *= 10;
	return result;
}

/* Picks a value: any length, and often close to where the form changes. */
static int128
pick(void)
{
	int			bits = (int) (next_random() % 112);
	uint128		value = (((uint128) next_random() << 64) | next_random()) & ((((uint128) 1) << 111) - 1);
	uint64		kind = next_random() % 8;

	value >>= 111 - bits;
	switch (kind)
	{
		case 0:					/* a round number of hours */
			value = ten_to((int) (next_random() % 28)) * 36 * (next_random() % 1000);
			break;
		case 1:					/* and its neighbours */
			value = ten_to((int) (next_random() % 28)) * 36 * (next_random() % 1000) + next_random() % 40;
			break;
		case 2:					/* 999.999... */
			value = ten_to((int) (next_random() % 29)) * 3600 - next_random() % 8;
			break;
		case 3:					/* everything small */
			value = next_random() % 100000;
			break;
		case 4:					/* the ends */
			value = (uint128) QUANTITY_MAX - next_random() % 1000;
			break;
		case 5:					/* a round number */
			value = ten_to((int) (next_random() % 33)) * (next_random() % 100);
			break;
		default:
			break;
	}
	value &= (uint128) QUANTITY_MAX;
	return next_random() & 1 ? (int128) value : -(int128) value;
}

/* Tells whether digits * 10^exponent of the unit reads back as the value. */
static bool
reads_back(uint128 digits, int exponent, const char *unit, QuantityKind kind, int128 magnitude)
{
	char		text[128];
	int			n = FormatUint128(digits, text);
	int128		amount;
	uint16		basis;

	snprintf(text + n, sizeof(text) - n, "e%d %s", exponent, unit);
	return QuantityParse(text, kind, &amount, &basis) == QUANTITY_PARSE_OK && amount == magnitude;
}

/* Prints a value that breaks a property, and ends. */
static void
fail(int128 value, const char *text, const char *property)
{
	char		digits[64];

	digits[FormatUint128(QuantityMagnitude(value), digits)] = '\0';
	printf("%s%s prints as \"%s\": %s\n", value < 0 ? "-" : "", digits, text, property);
	exit(1);
}

/* Checks one value of one kind. */
static void
check(int128 value, QuantityKind kind)
{
	const char *unit = kind == QUANTITY_RATE ? "FLOPS" : "FLOPh";
	int128		magnitude = (int128) QuantityMagnitude(value);
	uint16		basis = (uint16) (next_random() % 3 == 0 ? next_random() % 11 : next_random() % 5 == 0 ? 1000 + next_random() % 64536 : 0);
	char		text[256];
	int128		amount;
	uint16		read_basis;
	uint128		digits = 0;
	int			exponent = 0;
	int			length;
	bool		point = false;
	const char *p;
	static const char prefixes[] = "kMGTPEZYRQ";

	memset(text, 'x', sizeof(text));
	length = QuantityFormat(value, basis, kind, text);
	if (length != (int) strlen(text) || length >= QUANTITY_MAXTEXT)
		fail(value, text, "its length is wrong");
	if (QuantityParse(text, kind, &amount, &read_basis) != QUANTITY_PARSE_OK ||
		amount != value || basis != read_basis)
		fail(value, text, "it does not read back");
	if (value == 0)
		return;

	/* Take the text apart: digits * 10^exponent units. */
	p = text + (value < 0);
	for (; (*p >= '0' && *p <= '9') || *p == '.'; p++)
	{
		if (*p == '.')
			point = true;
		else
		{
			digits = digits * 10 + (*p - '0');
			exponent -= point;
		}
	}
	if (*p++ != ' ')
		fail(value, text, "no space before the unit");
	if (*p != 'F')
		exponent += 3 * (int) (strchr(prefixes, *p++) - prefixes + 1);
	if (strncmp(p, unit, 5) != 0)
		fail(value, text, "another unit");
	while (digits % 10 == 0)
	{
		digits /= 10;
		exponent++;
	}

	/* A decimal with fewer digits that reads back would be next to the value. */
	if (reads_back(digits / 10, exponent + 1, unit, kind, magnitude) ||
		reads_back(digits / 10 + 1, exponent + 1, unit, kind, magnitude))
		fail(value, text, "fewer digits read back");

	/* Nearest: compare in units of 10^-4 FLOPh; from hundredths on it is exact. */
	if (kind == QUANTITY_UNIT && exponent < -2)
	{
		uint128		exact = (uint128) magnitude * 10000;
		uint128		unit_size = 3600 * ten_to(4 + exponent);
		uint128		printed = digits * unit_size;
		uint128		distance = printed > exact ? printed - exact : exact - printed;

		if (exponent < -4)
			fail(value, text, "more than ten-thousandths");
		/* no other decimal with as many digits can be nearer than half a step */
		if (2 * distance > unit_size)
			fail(value, text, "another is nearer");
	}
	else
	{
		/* exact: the digits say the value itself */
		uint128		back = digits;
		int			e = exponent + (kind == QUANTITY_RATE ? -6 : 0);

		if (kind == QUANTITY_UNIT)
		{
			back *= 36;
			e += 2;
		}
		for (; e > 0; e--)
			back *= 10;
		if (e < 0 || back != (uint128) magnitude)
			fail(value, text, "it is not exact");
	}
}

int
main(int argc, char **argv)
{
	long		count = argc > 1 ? atol(argv[1]) : 1000000;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	for (long i = 0; i < 20000; i++)
	{
		check(i, QUANTITY_UNIT);
		check(i, QUANTITY_RATE);
	}
	check(QUANTITY_MIN, QUANTITY_UNIT);
	check(QUANTITY_MIN, QUANTITY_RATE);
	for (long i = 0; i < count; i++)
		check(pick(), i & 1 ? QUANTITY_RATE : QUANTITY_UNIT);
	printf("%ld values\n", count + 40002);
	return 0;
}
