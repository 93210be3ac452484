/*
 * quantity_type.h
 *		The SQL-callable functions of the two quantity types, before they know which.
 */
#ifndef COMPUTE_LEDGER_QUANTITY_TYPE_H
#define COMPUTE_LEDGER_QUANTITY_TYPE_H

#include "fmgr.h"

#include "quantity/quantity.h"

extern Datum quantity_in(FunctionCallInfo fcinfo, QuantityKind kind);
extern Datum quantity_out(FunctionCallInfo fcinfo, QuantityKind kind);
extern Datum quantity_recv(FunctionCallInfo fcinfo, QuantityKind kind);
extern Datum quantity_enforce_typmod(FunctionCallInfo fcinfo, QuantityKind kind);

#endif							/* COMPUTE_LEDGER_QUANTITY_TYPE_H */
