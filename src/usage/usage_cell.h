/*
 * usage_cell.h
 *		What the cells of usage records mean.
 *
 * Each says whether a cell could be read; an empty one cannot.
 */
#ifndef COMPUTE_LEDGER_USAGE_CELL_H
#define COMPUTE_LEDGER_USAGE_CELL_H

#include "c.h"

extern bool ReadNumericCell(text *cell, Datum *result);
extern bool ReadRevisionCell(text *cell, int32 *result);
extern bool ReadBooleanCell(text *cell, bool *result);
extern bool ReadLabelsCell(text *cell, Datum *result);
extern bool ReadWorkCell(text *cell, Datum *result);

#endif							/* COMPUTE_LEDGER_USAGE_CELL_H */
