/*
 * key_table.c
 *		Rows of a table that are found by an index, without running a query.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "nodes/makefuncs.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/key_table.h"

/* Whether an index that is not opened is of the first columns of a table, and of all rows. */
static bool
is_of_columns(Oid index, const KeyTable *table, int nkeys)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	bool		matches;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	matches = form->indisvalid && form->indnkeyatts >= nkeys && heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	for (int i = 0; matches && i < nkeys; i++)
		matches = form->indkey.values[i] == table->numbers[i];
	ReleaseSysCache(tuple);
	return matches;
}

/* Whether an index can be searched; notes its collations. */
static bool
is_searchable(Oid number, KeyTable *table, int nkeys)
{
	Relation	index = index_open(number, AccessShareLock);
	bool		is_btree = index->rd_rel->relam == BTREE_AM_OID;

	for (int i = 0; i < nkeys; i++)
		table->collations[i] = index->rd_indcollation[i];
	index_close(index, NoLock);
	return is_btree;
}

/*
 * Opens a table of the ledger to read some of its columns, of which the first have an index.  Its owner may have made it
 * another one: 42809 for what is no table, 42703 and 42804 as of RowColumnNumber(), 42704 without such an index.
 */
void
KeyTableOpen(KeyTable *table, const char *name, const RowColumn *columns, int ncolumns, int nkeys)
{
	List	   *indexes;
	ListCell   *cell;

	Assert(ncolumns <= KEY_TABLE_COLUMNS);
	table->relation = table_openrv(makeRangeVar("compute_ledger", (char *) name, -1), AccessShareLock);
	table->index = InvalidOid;
	if (table->relation->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", name)));
	for (int i = 0; i < ncolumns; i++)
		table->numbers[i] = RowColumnNumber(RelationGetDescr(table->relation), name, &columns[i]);
	if (nkeys == 0)
		return;
	indexes = RelationGetIndexList(table->relation);
	foreach(cell, indexes)
	{
		if (is_of_columns(lfirst_oid(cell), table, nkeys) && is_searchable(lfirst_oid(cell), table, nkeys))
		{
			table->index = lfirst_oid(cell);
			break;
		}
	}
	list_free(indexes);
	if (!OidIsValid(table->index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no index leads to rows of %s by \"%s\"", name, columns[nkeys - 1].name),
				 errhint("Give it back the index that it had.")));
}

/* Makes a condition on a column; those of a scan come in the order of the index's columns. */
void
KeyTableKey(const KeyTable *table, ScanKey key, int column, StrategyNumber strategy, RegProcedure procedure, Datum value)
{
	ScanKeyEntryInitialize(key, 0, table->numbers[column], strategy, InvalidOid, table->collations[column], procedure, value);
}

/* Begins to read rows, as the active snapshot has them. */
SysScanDesc
KeyTableScan(const KeyTable *table, ScanKey keys, int nkeys)
{
	return systable_beginscan(table->relation, table->index, OidIsValid(table->index), GetActiveSnapshot(), nkeys, keys);
}

/* Returns a column of a row that was read. */
Datum
KeyTableValue(const KeyTable *table, HeapTuple row, int column, bool *isnull)
{
	return heap_getattr(row, table->numbers[column], RelationGetDescr(table->relation), isnull);
}

/* Closes a table; its lock is kept until the transaction ends. */
void
KeyTableClose(const KeyTable *table)
{
	table_close(table->relation, NoLock);
}
