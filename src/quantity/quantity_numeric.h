/*
 * quantity_numeric.h
 *		Quantities and numeric.  All of it may raise.
 */
#ifndef COMPUTE_LEDGER_QUANTITY_NUMERIC_H
#define COMPUTE_LEDGER_QUANTITY_NUMERIC_H

#include "base/compat.h"

#include "utils/numeric.h"

#include "quantity/quantity.h"

extern Numeric AmountGetNumeric(int128 amount, int exponent);
extern Quantity *QuantityMultiplyNumeric(int128 amount, Numeric factor, uint16 basis);

#endif							/* COMPUTE_LEDGER_QUANTITY_NUMERIC_H */
