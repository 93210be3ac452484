/*
 * device_level.c
 *		Numbers of devices: numeric and text, to units of 1/1,680,000 and back.
 */
#include "base/compat.h"

#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/decimal.h"
#include "base/half_even.h"
#include "profile/device_level.h"
#include "profile/profile.h"
#include "quantity/quantity.h"

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

/* What numbers of devices mean is remembered for this many numbers, of so many bytes at most. */
#define MEMO_ENTRIES			32
#define MEMO_BYTES				8

/*
 * Reads a number of parts of a device, each of so many units.  A column of them has few
 * different ones, and taking one apart costs more than all that is done with it: so the
 * last ones are remembered, by their bytes, whatever these mean to numeric.
 */
static LevelResult
read_numeric(Datum devices, int32 share, int64 *level, bool *whole)
{
	static struct
	{
		uint64		bytes;		/* padded with zeros */
		int64		level;
		int32		share;
		uint32		size;		/* 0: nothing is remembered here */
		bool		whole;
	}			memo[MEMO_ENTRIES];
	struct varlena *value = PG_DETOAST_DATUM_PACKED(devices);
	Size		size = VARSIZE_ANY_EXHDR(value);
	uint64		bytes = 0;
	uint32		entry = 0;
	Decimal		decimal;
	uint128		units;

	if (size <= MEMO_BYTES)
	{
		memcpy(&bytes, VARDATA_ANY(value), size);
		entry = (uint32) (((bytes ^ (uint64) share) * UINT64CONST(0x9E3779B97F4A7C15)) >> 32) % MEMO_ENTRIES;
		if (memo[entry].size == size && memo[entry].share == share && memo[entry].bytes == bytes)
		{
			*level = memo[entry].level;
			*whole = memo[entry].whole;
			return LEVEL_OK;
		}
	}
	if (DecimalFromNumeric(DatumGetNumeric(devices), &decimal) != DECIMAL_FINITE)
		return LEVEL_NOT_FINITE;
	if (!DecimalMultiply((uint128) share, &decimal, &units) || units > (uint128) PG_INT64_MAX)
		return LEVEL_OUT_OF_RANGE;
	*level = decimal.negative ? -(int64) units : (int64) units;
	*whole = decimal.ndigits <= decimal.weight + 1;
	if (size <= MEMO_BYTES)
	{
		memo[entry].bytes = bytes;
		memo[entry].level = *level;
		memo[entry].whole = *whole;
		memo[entry].share = share;
		memo[entry].size = (uint32) size;
	}
	return LEVEL_OK;
}

/* Reads a number of parts of a device, and whether it is a whole number of them; errors as below. */
static int64
level_of(Datum devices, int32 share, bool *whole)
{
	int64		level;
	LevelResult result = read_numeric(devices, share, &level, whole);

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
 * Returns the level of so many parts of a device, each of so many units (from 1 to
 * DEVICE_UNITS): their product, rounded half to even, once; NaN, infinity (22023) and
 * what does not fit (22003) are errors.
 */
int64
DeviceLevelOf(Datum devices, int32 share)
{
	bool		whole;

	return level_of(devices, share, &whole);
}

/* Reads a number of devices; errors as above. */
int64
DeviceLevelFromNumeric(Datum devices)
{
	return DeviceLevelOf(devices, DEVICE_UNITS);
}

/* The same, and tells whether it is a whole number. */
int64
DeviceLevelOfWhole(Datum devices, bool *whole)
{
	return level_of(devices, DEVICE_UNITS, whole);
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

/* Returns number / 10^scale as numeric, without zeros at the end. */
static Datum
trimmed_numeric(int128 number, int scale)
{
	while (scale > 0 && number % 10 == 0)
	{
		number /= 10;
		scale--;
	}
	return NumericFromInt128(number, scale);
}

/* Returns a level as a number of devices. */
Datum
DeviceLevelGetNumeric(int128 level)
{
	int			scale;
	uint128		decimal = shortest_decimal(level, &scale);

	return NumericFromInt128(level < 0 ? -(int128) decimal : (int128) decimal, scale);
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
	bool		whole;

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
							 DEVICE_UNITS, level, &whole) == LEVEL_OK;
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

	return DivideHalfEvenSigned(integral, 6048);
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
	uint128		average;

	/* What is below the divisor is below 2^85, so times 10^12 it fits. */
	if (!ScaleHalfEven(QuantityMagnitude(integral), UINT64CONST(1000000000000), (uint128) length * DEVICE_UNITS, &average))
		elog(ERROR, "average of a profile out of range");
	return trimmed_numeric(integral < 0 ? -(int128) average : (int128) average, RESULT_DECIMALS);
}
