/*
 * compute_rate.c
 *		compute_rate: work per time, in whole MFLOP/s of one basis.
 */
#include "base/compat.h"

#include "quantity/quantity_type.h"

/* compute_rate_in(cstring, oid, int4) */
PG_FUNCTION_INFO_V1(compute_rate_in);
Datum
compute_rate_in(PG_FUNCTION_ARGS)
{
	return QuantityIn(fcinfo, QUANTITY_RATE);
}

/* compute_rate_out(compute_rate) */
PG_FUNCTION_INFO_V1(compute_rate_out);
Datum
compute_rate_out(PG_FUNCTION_ARGS)
{
	return QuantityOut(fcinfo, QUANTITY_RATE);
}

/* compute_rate_recv(internal, oid, int4) */
PG_FUNCTION_INFO_V1(compute_rate_recv);
Datum
compute_rate_recv(PG_FUNCTION_ARGS)
{
	return QuantityRecv(fcinfo, QUANTITY_RATE);
}

/* compute_rate(compute_rate, int4, boolean) */
PG_FUNCTION_INFO_V1(compute_rate_enforce_typmod);
Datum
compute_rate_enforce_typmod(PG_FUNCTION_ARGS)
{
	return QuantityEnforceTypmod(fcinfo, QUANTITY_RATE);
}
