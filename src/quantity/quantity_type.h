/*
 * quantity_type.h
 *		What compute_unit and compute_rate share as types.  Everything here may allocate
 *		and raise.
 */
#ifndef COMPUTE_LEDGER_QUANTITY_TYPE_H
#define COMPUTE_LEDGER_QUANTITY_TYPE_H

#include "base/compat.h"

#include "quantity/quantity.h"

extern const char *QuantityTypeName(QuantityKind kind);
extern Quantity *QuantityMake(int128 amount, uint16 basis);
pg_noreturn extern void QuantityOutOfRangeError(void);
pg_noreturn extern void BasisMismatchError(uint16 a, uint16 b);

/* The SQL-callable functions of a type, before they know which. */
extern Datum QuantityIn(FunctionCallInfo fcinfo, QuantityKind kind);
extern Datum QuantityOut(FunctionCallInfo fcinfo, QuantityKind kind);
extern Datum QuantityRecv(FunctionCallInfo fcinfo, QuantityKind kind);
extern Datum QuantityEnforceTypmod(FunctionCallInfo fcinfo, QuantityKind kind);

#endif							/* COMPUTE_LEDGER_QUANTITY_TYPE_H */
