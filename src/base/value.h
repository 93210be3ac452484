/*
 * value.h
 *		Values of any type: their text, and copies of them.
 */
#ifndef COMPUTE_LEDGER_VALUE_H
#define COMPUTE_LEDGER_VALUE_H

#include "base/compat.h"

#include "access/htup.h"

extern char *ValueText(Datum value, Oid type);
extern Datum ValueCopy(Datum value, Oid type);
extern Datum ValueOfFound(HeapTuple row, int column, Oid type, MemoryContext context);

#endif							/* COMPUTE_LEDGER_VALUE_H */
