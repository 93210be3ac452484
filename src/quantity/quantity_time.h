/*
 * quantity_time.h
 *		Work done at a rate for some time.
 */
#ifndef COMPUTE_LEDGER_QUANTITY_TIME_H
#define COMPUTE_LEDGER_QUANTITY_TIME_H

#include "base/compat.h"

#include "utils/numeric.h"

#include "quantity/quantity.h"

extern Quantity *QuantityWork(const Quantity *rate, int128 length, Numeric devices);

#endif							/* COMPUTE_LEDGER_QUANTITY_TIME_H */
