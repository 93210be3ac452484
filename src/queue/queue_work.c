/*
 * queue_work.c
 *		What work counts for against a share, some time after it was done.
 */
#include "base/compat.h"

#include <math.h>

#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/decimal.h"
#include "quantity/quantity.h"

/* More than any sum may be made of. */
#define MOST_WORK		0x1p110

/*
 * _decayed_work(rate compute_rate, devices numeric, from timestamptz, to timestamptz, at timestamptz, half_life double precision) -> numeric
 *
 * FLOP that so many devices have done from one instant to another, until "at", each moment's counted for half after so many
 * seconds: the integral of rate x devices x 2^(-age / half_life), as a whole number, so that sums do not turn on their order.
 * Not strict: a call whose NULL is known beforehand would ask nobody for EXECUTE.
 */
PG_FUNCTION_INFO_V1(decayed_work);
Datum
decayed_work(PG_FUNCTION_ARGS)
{
	double		rate;
	double		devices;
	TimestampTz from;
	TimestampTz to;
	TimestampTz at;
	double		half_life;
	double		work;

	for (int i = 0; i < 6; i++)
	{
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	}
	rate = (double) QuantityAmount(PG_GETARG_QUANTITY_P(0));
	devices = DatumGetFloat8(DirectFunctionCall1(numeric_float8, PG_GETARG_DATUM(1)));
	from = PG_GETARG_TIMESTAMPTZ(2);
	to = PG_GETARG_TIMESTAMPTZ(3);
	at = PG_GETARG_TIMESTAMPTZ(4);
	half_life = PG_GETARG_FLOAT8(5) * 1e6;
	if (TIMESTAMP_NOT_FINITE(at) || TIMESTAMP_IS_NOBEGIN(to) || TIMESTAMP_NOT_FINITE(from) || !(half_life > 0) || isinf(half_life))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("work is counted from an instant to another, with a half-life above 0")));
	to = Min(to, at);
	if (from >= to)
		PG_RETURN_DATUM(NumericFromInt128(0, 0));
	/* as small differences as there are, too */
	work = rate * devices * half_life / M_LN2 * exp2(-((double) at - (double) to) / half_life)
		* -expm1(-M_LN2 * ((double) to - (double) from) / half_life);
	if (!(fabs(work) < MOST_WORK))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("work is out of range")));
	PG_RETURN_DATUM(NumericFromInt128((int128) rint(work), 0));
}
