/*
 * rollup_read.h
 *		Reads what rollups are made of.
 */
#ifndef COMPUTE_LEDGER_ROLLUP_READ_H
#define COMPUTE_LEDGER_ROLLUP_READ_H

#include "base/compat.h"

#include "report/rollup_pass.h"

extern int	RollupMeasure(Rollup *rollup, Datum name);
extern void RollupReadZones(Rollup *rollup);
extern void RollupReadMoved(Rollup *rollup);
extern void RollupReadRecords(Rollup *rollup);
extern void RollupReadCapacity(Rollup *rollup);
extern void RollupReadStored(Rollup *rollup, RollupTable table);

#endif							/* COMPUTE_LEDGER_ROLLUP_READ_H */
