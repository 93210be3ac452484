/*
 * device_level.c
 *		Numbers of devices: numeric and text, to units of 1/1,680,000 and back.
 */
#include "base/compat.h"

#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "profile/device_level.h"
#include "profile/profile.h"
#include "quantity/quantity.h"

/*
 * How numeric lies on disk: a header of one word (short) or two, the second being
 * the weight of the first digit, then digits of base 10,000, the first one first.
 * numeric.c keeps this to itself, but it is on disk and so does not change.  One
 * million calls of the public functions would cost more than all the rest.
 */
#define NUMERIC_KIND_MASK		0xC000
#define NUMERIC_KIND_NEGATIVE	0x4000
#define NUMERIC_KIND_SHORT		0x8000
#define NUMERIC_KIND_SPECIAL	0xC000
#define SHORT_NEGATIVE			0x2000
#define SHORT_WEIGHT_SIGN		0x0040
#define SHORT_WEIGHT_MASK		0x003F
#define DIGIT_BASE				10000

/* One device is this many units of 1/10,000 of a device, each UNITS_PER_DIGIT units. */
#define UNITS_PER_DIGIT			(DEVICE_UNITS / DIGIT_BASE)

/* Decimals of a level's shortest text: 10^-7 is below half a unit. */
#define MAX_DECIMALS			7

/* Decimals of an hour that an integral has, and of a device that an average has. */
#define RESULT_DECIMALS			12

/* What reading a number found. */
typedef enum LevelResult
{
	LEVEL_OK,
	LEVEL_NOT_FINITE,
	LEVEL_OUT_OF_RANGE
} LevelResult;

/* Reads a number of devices. */
static LevelResult
read_numeric(Datum devices, int64 *level)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(devices);
	const char *data = VARDATA_ANY(value);
	Size		size = VARSIZE_ANY_EXHDR(value);
	uint16		header;
	int			weight;
	int			count;
	bool		negative;
	int128		whole = 0;		/* ten-thousandths of a device */
	uint32		carry = 0;
	uint32		leading = 0;	/* first digit of what is left of a unit */
	bool		more = false;	/* and whether anything follows it */
	int128		units;

	memcpy(&header, data, sizeof(header));
	if ((header & NUMERIC_KIND_MASK) == NUMERIC_KIND_SPECIAL)
		return LEVEL_NOT_FINITE;
	if ((header & NUMERIC_KIND_MASK) == NUMERIC_KIND_SHORT)
	{
		negative = (header & SHORT_NEGATIVE) != 0;
		weight = header & SHORT_WEIGHT_MASK;
		if (header & SHORT_WEIGHT_SIGN)
			weight -= SHORT_WEIGHT_MASK + 1;
		data += sizeof(uint16);
		size -= sizeof(uint16);
	}
	else
	{
		int16		long_weight;

		negative = (header & NUMERIC_KIND_MASK) == NUMERIC_KIND_NEGATIVE;
		memcpy(&long_weight, data + sizeof(uint16), sizeof(int16));
		weight = long_weight;
		data += 2 * sizeof(uint16);
		size -= 2 * sizeof(uint16);
	}
	count = (int) (size / sizeof(int16));
	*level = 0;
	if (count == 0)
		return LEVEL_OK;
	if (weight > 4)
		return LEVEL_OUT_OF_RANGE;	/* from 10^20 on */

	/* Digits down to the first after the point; missing ones are zero. */
	for (int i = 0; i <= weight + 1; i++)
	{
		int16		digit = 0;

		if (i < count)
			memcpy(&digit, data + i * sizeof(int16), sizeof(int16));
		whole = whole * DIGIT_BASE + digit;
	}
	/* The digits after that, times UNITS_PER_DIGIT, from the last one up. */
	for (int i = count - 1; i >= 0 && i > weight + 1; i--)
	{
		int16		digit;

		memcpy(&digit, data + i * sizeof(int16), sizeof(int16));
		carry += (uint32) digit * UNITS_PER_DIGIT;
		more = more || leading != 0;
		leading = carry % DIGIT_BASE;
		carry /= DIGIT_BASE;
	}
	/* A weight below -2 leaves zeros between the point and the first digit. */
	for (int i = weight + 1; i < -1; i++)
	{
		more = more || leading != 0;
		leading = carry % DIGIT_BASE;
		carry /= DIGIT_BASE;
	}
	units = whole * UNITS_PER_DIGIT + carry;
	if (leading > DIGIT_BASE / 2 || (leading == DIGIT_BASE / 2 && (more || (units & 1))))
		units++;
	if (units > PG_INT64_MAX)
		return LEVEL_OUT_OF_RANGE;
	*level = negative ? -(int64) units : (int64) units;
	return LEVEL_OK;
}

/* Reads a number of devices; NaN, infinity and what does not fit are errors. */
int64
DeviceLevelFromNumeric(Datum devices)
{
	int64		level;
	LevelResult result = read_numeric(devices, &level);

	if (unlikely(result == LEVEL_NOT_FINITE))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of devices must be finite")));
	if (unlikely(result == LEVEL_OUT_OF_RANGE))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("number of devices out of range"),
				 errdetail("A number of devices must lie within +-%lld.",
						   (long long) (PG_INT64_MAX / DEVICE_UNITS))));
	return level;
}

/*
 * Finds the fewest decimals that read back as the level, and of those the nearest:
 * |level| = result / 10^scale.
 */
static uint128
shortest_decimal(int128 level, int *scale)
{
	uint128		units = level < 0 ? -(uint128) level : (uint128) level;
	uint128		power = 1;

	for (*scale = 0; *scale < MAX_DECIMALS; (*scale)++, power *= 10)
	{
		uint128		decimal = DivideHalfEven(units * power, DEVICE_UNITS);

		if (DivideHalfEven(decimal * DEVICE_UNITS, power) == units)
			return decimal;
	}
	return DivideHalfEven(units * power, DEVICE_UNITS);
}

/* Writes number / 10^scale; returns the length. */
static int
format_decimal(int128 number, int scale, char *buf)
{
	char		digits[48];
	int			count = 0;
	int			length = 0;
	uint128		rest = number < 0 ? -(uint128) number : (uint128) number;

	do
		digits[count++] = '0' + (char) (rest % 10);
	while ((rest /= 10) != 0 || count <= scale);
	if (number < 0)
		buf[length++] = '-';
	while (count > 0)
	{
		if (count == scale)
			buf[length++] = '.';
		buf[length++] = digits[--count];
	}
	buf[length] = '\0';
	return length;
}

/* Returns number / 10^scale as numeric. */
Datum
DecimalGetNumeric(int128 number, int scale)
{
	char		buf[DEVICE_LEVEL_MAXTEXT];

	if ((int64) number == number)
		return NumericGetDatum(int64_div_fast_to_numeric((int64) number, scale));
	format_decimal(number, scale, buf);
	return DirectFunctionCall3(numeric_in, CStringGetDatum(buf),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/* Returns number / 10^scale as numeric, without zeros at the end. */
static Datum
trimmed_numeric(int128 number, int scale)
{
	while (scale > 0 && number % 10 == 0)
	{
		number /= 10;
		scale--;
	}
	return DecimalGetNumeric(number, scale);
}

/* Returns a level as a number of devices. */
Datum
DeviceLevelGetNumeric(int128 level)
{
	int			scale;
	uint128		decimal = shortest_decimal(level, &scale);

	return DecimalGetNumeric(level < 0 ? -(int128) decimal : (int128) decimal, scale);
}

/* Writes a level as a number of devices; returns the length. */
int
DeviceLevelFormat(int128 level, char *buf)
{
	int			scale;
	uint128		decimal = shortest_decimal(level, &scale);

	return format_decimal(level < 0 ? -(int128) decimal : (int128) decimal, scale, buf);
}

/*
 * Reads a decimal number of devices, digits with a point at most; false if it is
 * none.
 */
bool
DeviceLevelParse(const char *str, int64 *level, bool *in_range)
{
	const char *p = str + (*str == '-' || *str == '+');
	int			digits = 0;
	int			points = 0;

	for (; *p != '\0'; p++)
	{
		if (*p >= '0' && *p <= '9')
			digits++;
		else if (*p != '.' || points++ > 0)
			return false;
	}
	if (digits == 0)
		return false;
	*in_range = read_numeric(DirectFunctionCall3(numeric_in, CStringGetDatum(str),
												 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)),
							 level) == LEVEL_OK;
	return true;
}

/*
 * Returns an integral in units x microseconds as 10^-12 device-hours, rounded half
 * to even: 10^12 / (DEVICE_UNITS * 3.6 * 10^9) is 1 / 6048.
 */
int128
DevicePicohours(int128 integral)
{
	StaticAssertStmt(6048 * INT64CONST(1000000000000) == DEVICE_UNITS * USECS_PER_HOUR,
					 "a picohour of a device is 6048 units x microseconds");

	if (integral < 0)
		return -(int128) DivideHalfEven(-(uint128) integral, 6048);
	return (int128) DivideHalfEven((uint128) integral, 6048);
}

/* Returns 10^-12 device-hours as device-hours. */
Datum
DeviceHoursGetNumeric(int128 picohours)
{
	return trimmed_numeric(picohours, RESULT_DECIMALS);
}

/*
 * Returns the average of an integral over so many microseconds in devices, rounded
 * half to even to 12 decimals.
 */
Datum
DeviceAverageGetNumeric(int128 integral, uint64 length)
{
	uint128		divisor = (uint128) length * DEVICE_UNITS;
	uint128		size = integral < 0 ? -(uint128) integral : (uint128) integral;
	uint128		scale = UINT64CONST(1000000000000);
	uint128		average;

	/* The rest is below 2^85, so times 10^12 it fits. */
	average = size / divisor * scale + DivideHalfEven(size % divisor * scale, divisor);
	return trimmed_numeric(integral < 0 ? -(int128) average : (int128) average, RESULT_DECIMALS);
}
