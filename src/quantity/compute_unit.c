/*
 * compute_unit.c
 *		compute_unit: an amount of work, in whole FLOP of one basis.
 */
#include "base/compat.h"

#include "quantity/compute_unit.h"
#include "quantity/quantity_type.h"

PG_FUNCTION_INFO_V1(compute_unit_in);
/* compute_unit_in(cstring, oid, int4) */
Datum
compute_unit_in(PG_FUNCTION_ARGS)
{
	return QuantityIn(fcinfo, QUANTITY_UNIT);
}

PG_FUNCTION_INFO_V1(compute_unit_out);
/* compute_unit_out(compute_unit) */
Datum
compute_unit_out(PG_FUNCTION_ARGS)
{
	return QuantityOut(fcinfo, QUANTITY_UNIT);
}

PG_FUNCTION_INFO_V1(compute_unit_recv);
/* compute_unit_recv(internal, oid, int4) */
Datum
compute_unit_recv(PG_FUNCTION_ARGS)
{
	return QuantityRecv(fcinfo, QUANTITY_UNIT);
}

PG_FUNCTION_INFO_V1(compute_unit_enforce_typmod);
/* compute_unit(compute_unit, int4, boolean) */
Datum
compute_unit_enforce_typmod(PG_FUNCTION_ARGS)
{
	return QuantityEnforceTypmod(fcinfo, QUANTITY_UNIT);
}
