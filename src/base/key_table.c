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
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/key_table.h"

/* Whether an index that is not opened is of the first columns of a table, and of all rows unless it may be of some. */
static bool
is_of_columns(Oid index, const KeyTable *table, int nkeys, bool of_some)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	bool		matches;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	matches = form->indisvalid && form->indnkeyatts >= nkeys && (of_some || heap_attisnull(tuple, Anum_pg_index_indpred, NULL));
	for (int i = 0; matches && i < nkeys; i++)
		matches = form->indkey.values[i] == table->numbers[i];
	ReleaseSysCache(tuple);
	return matches;
}

/* Whether an index has all rows whose range "recorded" is open. */
static bool
has_current_rows(Relation index)
{
	List	   *conditions = RelationGetIndexPredicate(index);
	FuncExpr   *condition;
	Var		   *column;

	if (conditions == NIL)
		return true;
	condition = linitial(conditions);
	if (list_length(conditions) != 1 || !IsA(condition, FuncExpr) || condition->funcid != F_UPPER_INF_ANYRANGE)
		return false;
	column = linitial(condition->args);
	return IsA(column, Var) && column->varattno == get_attnum(index->rd_index->indrelid, "recorded");
}

/* Whether an index can be searched; notes its collations. */
static bool
note_index(Oid number, KeyTable *table, int nkeys)
{
	Relation	index = index_open(number, AccessShareLock);
	bool		is_searchable = index->rd_rel->relam == BTREE_AM_OID && has_current_rows(index);

	for (int i = 0; i < nkeys; i++)
		table->collations[i] = index->rd_indcollation[i];
	index_close(index, NoLock);
	return is_searchable;
}

/* Opens a table by an index of all rows, or of those whose range "recorded" is open. */
static void
open_by_index(KeyTable *table, const char *name, const RowColumn *columns, int ncolumns, int nkeys, bool is_current)
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
		if (is_of_columns(lfirst_oid(cell), table, nkeys, is_current) && note_index(lfirst_oid(cell), table, nkeys))
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

/*
 * Opens a table of the ledger to read some of its columns, of which the first have an index.  Its owner may have made it
 * another one: 42809 for what is no table, 42703 and 42804 as of RowColumnNumber(), 42704 without such an index.
 */
void
KeyTableOpen(KeyTable *table, const char *name, const RowColumn *columns, int ncolumns, int nkeys)
{
	open_by_index(table, name, columns, ncolumns, nkeys, false);
}

/* The same, to read rows whose range "recorded" is open; the caller looks whether it is. */
void
KeyTableOpenCurrent(KeyTable *table, const char *name, const RowColumn *columns, int ncolumns, int nkeys)
{
	open_by_index(table, name, columns, ncolumns, nkeys, true);
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
