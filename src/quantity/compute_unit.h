/*
 * compute_unit.h
 *		compute_unit: an amount of work, in whole FLOP of one basis.
 */
#ifndef COMPUTE_LEDGER_COMPUTE_UNIT_H
#define COMPUTE_LEDGER_COMPUTE_UNIT_H

#include "base/compat.h"

extern PGDLLEXPORT Datum compute_unit_in(PG_FUNCTION_ARGS);

#endif							/* COMPUTE_LEDGER_COMPUTE_UNIT_H */
