/*
 * row_columns.h
 *		What a reader expects of the columns of rows, checked before it takes them as C values.
 *
 * Tables, and the functions in SQL that are asked, belong to the owner of the database,
 * who may make other types of their columns and take NOT NULL from them.  Whoever reads rows in C says
 * what it reads, in a table of RowColumn, and has it compared with the descriptor once a query.
 */
#ifndef COMPUTE_LEDGER_ROW_COLUMNS_H
#define COMPUTE_LEDGER_ROW_COLUMNS_H

#include "base/compat.h"

#include "access/tupdesc.h"

typedef struct RowColumn
{
	const char *name;
	Oid			type;			/* InvalidOid: one of the extension's own */
	const char *own;			/* its name, then */
} RowColumn;

#define ROW_COLUMN(name, type)		{(name), (type), NULL}
#define ROW_COLUMN_OWN(name, own)	{(name), InvalidOid, (own)}

extern int	RowColumnNumber(TupleDesc desc, const char *rows, const RowColumn *column);
extern void RowColumnsCheck(TupleDesc desc, const char *rows, const RowColumn *columns, int count);
extern void RowPutPointer(Datum *values, bool *nulls, int column, const void *value);
pg_noreturn extern void RowNullError(const char *rows, const char *column);

#endif							/* COMPUTE_LEDGER_ROW_COLUMNS_H */
