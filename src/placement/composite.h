/*
 * composite.h
 *		Composite values and arrays of them, taken apart.
 */
#ifndef COMPUTE_LEDGER_COMPOSITE_H
#define COMPUTE_LEDGER_COMPOSITE_H

#include "base/compat.h"

#include "base/row_columns.h"

/* Columns of some values of one type, one after the other as they were asked for. */
typedef struct Composites
{
	int			count;
	int			ncolumns;
	Datum	   *values;
	bool	   *nulls;
} Composites;

#define CompositeValue(rows, i, column)	((rows)->values[(i) * (rows)->ncolumns + (column)])
#define CompositeIsNull(rows, i, column)	((rows)->nulls[(i) * (rows)->ncolumns + (column)])

extern Oid	CompositeType(const char *name);
/* The first columns, so many as are required, are not NULL. */
extern void CompositeRead(Datum value, const RowColumn *columns, int ncolumns, int required, const char *what, Composites *rows);
extern void CompositeReadArray(Datum array, const RowColumn *columns, int ncolumns, int required, const char *what, Composites *rows);

#endif							/* COMPUTE_LEDGER_COMPOSITE_H */
