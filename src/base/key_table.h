/*
 * key_table.h
 *		Rows of a table that are found by an index, without running a query.
 *
 * A query for a row or two that an index leads to takes several times as long as to find them: where that is felt, they
 * are read like this, as a snapshot has them.
 */
#ifndef COMPUTE_LEDGER_KEY_TABLE_H
#define COMPUTE_LEDGER_KEY_TABLE_H

#include "base/compat.h"

#include "access/genam.h"
#include "access/skey.h"
#include "utils/relcache.h"

#include "base/row_columns.h"

#define KEY_TABLE_COLUMNS	16

typedef struct KeyTable
{
	Relation	relation;
	Oid			index;			/* btree, of the first columns; InvalidOid: none is asked for */
	int			numbers[KEY_TABLE_COLUMNS];	/* of the columns that are read */
	Oid			collations[KEY_TABLE_COLUMNS];	/* of those of the index */
} KeyTable;

extern void KeyTableOpen(KeyTable *table, const char *name, const RowColumn *columns, int ncolumns, int nkeys);
extern void KeyTableOpenCurrent(KeyTable *table, const char *name, const RowColumn *columns, int ncolumns, int nkeys);
extern void KeyTableKey(const KeyTable *table, ScanKey key, int column, StrategyNumber strategy, RegProcedure procedure, Datum value);
extern SysScanDesc KeyTableScan(const KeyTable *table, ScanKey keys, int nkeys);
extern Datum KeyTableValue(const KeyTable *table, HeapTuple row, int column, bool *isnull);
extern void KeyTableClose(const KeyTable *table);

#endif							/* COMPUTE_LEDGER_KEY_TABLE_H */
