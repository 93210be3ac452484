/*
 * quantity_time.c
 *		Rates, amounts and time: 1 MFLOP/s for 1 microsecond is 1 FLOP.
 *
 * PostgreSQL's time is whole microseconds, so rate * duration is exact.  A day is 24
 * hours; a month has no fixed length and is refused (22023).
 */
#include "base/compat.h"

#include "datatype/timestamp.h"
#include "utils/fmgrprotos.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"

#include "base/half_even.h"
#include "quantity/quantity_arith.h"
#include "quantity/quantity_numeric.h"
#include "quantity/quantity_time.h"

/* Returns the length of an interval in microseconds, less than 2^68 either way. */
static int128
interval_microseconds(const Interval *interval)
{
	if (INTERVAL_NOT_FINITE(interval))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("interval is infinite"),
				 errdetail("An amount of work or a rate needs a finite length of time.")));
	if (interval->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("interval with months or years has no fixed length"),
				 errhint("Use days, which are 24 hours, or the difference of two timestamps.")));
	return (int128) interval->time + (int128) interval->day * USECS_PER_DAY;
}

/* rate * interval: unit */
PG_FUNCTION_INFO_V1(compute_rate_mul_interval);
Datum
compute_rate_mul_interval(PG_FUNCTION_ARGS)
{
	Quantity   *rate = PG_GETARG_QUANTITY_P(0);
	Interval   *interval = PG_GETARG_INTERVAL_P(1);

	PG_RETURN_QUANTITY_P(QuantityMultiply(QuantityAmount(rate),
										  interval_microseconds(interval),
										  QuantityBasis(rate)));
}

/* interval * rate: unit */
PG_FUNCTION_INFO_V1(interval_mul_compute_rate);
Datum
interval_mul_compute_rate(PG_FUNCTION_ARGS)
{
	Interval   *interval = PG_GETARG_INTERVAL_P(0);
	Quantity   *rate = PG_GETARG_QUANTITY_P(1);

	PG_RETURN_QUANTITY_P(QuantityMultiply(QuantityAmount(rate),
										  interval_microseconds(interval),
										  QuantityBasis(rate)));
}

/* unit / interval: rate */
PG_FUNCTION_INFO_V1(compute_unit_div_interval);
Datum
compute_unit_div_interval(PG_FUNCTION_ARGS)
{
	Quantity   *unit = PG_GETARG_QUANTITY_P(0);
	Interval   *interval = PG_GETARG_INTERVAL_P(1);

	PG_RETURN_QUANTITY_P(QuantityDivide(QuantityAmount(unit),
										interval_microseconds(interval),
										QuantityBasis(unit)));
}

/* duration_of(unit, rate): an interval of hours and less */
PG_FUNCTION_INFO_V1(compute_duration_of);
Datum
compute_duration_of(PG_FUNCTION_ARGS)
{
	Quantity   *unit = PG_GETARG_QUANTITY_P(0);
	Quantity   *rate = PG_GETARG_QUANTITY_P(1);
	bool		negative = (QuantityAmount(unit) < 0) != (QuantityAmount(rate) < 0);
	uint128		length;
	Interval   *result;

	QuantityCheckSameBasis(unit, rate);
	if (QuantityAmount(rate) == 0)
		QuantityDivisionByZeroError();
	length = DivideHalfEven(QuantityMagnitude(QuantityAmount(unit)),
							QuantityMagnitude(QuantityAmount(rate)));
	if (length > (uint128) PG_INT64_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("interval out of range")));
	result = (Interval *) palloc(sizeof(Interval));
	result->month = 0;
	result->day = 0;
	result->time = negative ? -(int64) length : (int64) length;
	PG_RETURN_INTERVAL_P(result);
}

/*
 * Returns the length of a range in microseconds, less than 2^64; 0 if it is empty,
 * 22023 if it has no end.
 */
static int128
range_microseconds(FunctionCallInfo fcinfo, RangeType *range)
{
	TypeCacheEntry *typcache = range_get_typcache(fcinfo, RangeTypeGetOid(range));
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;
	TimestampTz from;
	TimestampTz to;

	range_deserialize(typcache, range, &lower, &upper, &empty);
	if (empty)
		return 0;
	from = DatumGetTimestampTz(lower.val);
	to = DatumGetTimestampTz(upper.val);
	if (lower.infinite || upper.infinite ||
		TIMESTAMP_NOT_FINITE(from) || TIMESTAMP_NOT_FINITE(to))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("period is unbounded"),
				 errdetail("The work done in a period without end has no finite amount."),
				 errhint("Intersect the period with the time that you account for, or bill up to now().")));
	return (int128) to - from;
}

/* work(rate, tstzrange): unit */
PG_FUNCTION_INFO_V1(compute_work);
Datum
compute_work(PG_FUNCTION_ARGS)
{
	Quantity   *rate = PG_GETARG_QUANTITY_P(0);
	RangeType  *period = PG_GETARG_RANGE_P(1);

	PG_RETURN_QUANTITY_P(QuantityMultiply(QuantityAmount(rate),
										  range_microseconds(fcinfo, period),
										  QuantityBasis(rate)));
}

/*
 * Returns the work of so many devices, each at a rate, in a length of microseconds from 0
 * to 2^64: the product of the three rounded once, half to even; 22003.
 */
Quantity *
QuantityWork(const Quantity *rate, int128 length, Numeric devices)
{
	int128		amount = QuantityAmount(rate);
	uint128		product;
	Datum		wide;

	if (!__builtin_mul_overflow(QuantityMagnitude(amount), (uint128) length, &product) &&
		(product >> 119) == 0)
		return QuantityMultiplyNumeric(amount < 0 ? (int128) -product : (int128) product,
									   devices, QuantityBasis(rate));

	/* Too long for integers on the way, though a fraction of it may yet fit. */
	wide = DirectFunctionCall2(numeric_mul,
							   NumericGetDatum(AmountGetNumeric(amount, 0)),
							   NumericGetDatum(AmountGetNumeric(length, 0)));
	wide = DirectFunctionCall2(numeric_mul, wide, NumericGetDatum(devices));
	return QuantityMultiplyNumeric(1, DatumGetNumeric(wide), QuantityBasis(rate));
}

/* work(rate, tstzrange, numeric): unit, the product of the three rounded once */
PG_FUNCTION_INFO_V1(compute_work_devices);
Datum
compute_work_devices(PG_FUNCTION_ARGS)
{
	PG_RETURN_QUANTITY_P(QuantityWork(PG_GETARG_QUANTITY_P(0),
									  range_microseconds(fcinfo, PG_GETARG_RANGE_P(1)),
									  PG_GETARG_NUMERIC(2)));
}
