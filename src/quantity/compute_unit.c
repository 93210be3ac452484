/*
 * compute_unit.c
 *		compute_unit: an amount of work, in whole FLOP of one basis.
 */
#include "base/compat.h"

#include "quantity/compute_unit.h"
#include "quantity/quantity_type.h"

/* compute_unit_in(cstring, oid, int4) */
PG_FUNCTION_INFO_V1(compute_unit_in);
Datum
compute_unit_in(PG_FUNCTION_ARGS)
{
	return QuantityIn(fcinfo, QUANTITY_UNIT);
}

/* compute_unit_out(compute_unit) */
PG_FUNCTION_INFO_V1(compute_unit_out);
Datum
compute_unit_out(PG_FUNCTION_ARGS)
{
	return QuantityOut(fcinfo, QUANTITY_UNIT);
}

/* compute_unit_recv(internal, oid, int4) */
PG_FUNCTION_INFO_V1(compute_unit_recv);
Datum
compute_unit_recv(PG_FUNCTION_ARGS)
{
	return QuantityRecv(fcinfo, QUANTITY_UNIT);
}

/* compute_unit(compute_unit, int4, boolean) */
PG_FUNCTION_INFO_V1(compute_unit_enforce_typmod);
Datum
compute_unit_enforce_typmod(PG_FUNCTION_ARGS)
{
	return QuantityEnforceTypmod(fcinfo, QUANTITY_UNIT);
}
