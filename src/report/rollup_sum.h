/*
 * rollup_sum.h
 *		All rollups of usage at once: what the records of a query come to in each of their tables.
 */
#ifndef COMPUTE_LEDGER_ROLLUP_SUM_H
#define COMPUTE_LEDGER_ROLLUP_SUM_H

#include "base/compat.h"

#include "report/rollup_table.h"

extern void RollupSum(const RollupQuery *query, RollupSink *sink);

#endif							/* COMPUTE_LEDGER_ROLLUP_SUM_H */
