/*
 * rollup_fill.c
 *		Where the sums of rollup_sum.c go: as rows to SQL, or straight into empty tables.
 *
 * Row by row, and with an entry in each index for each, filling a table takes several times as long as to know what to
 * fill it with.  So rows go into tables by the page, and the indexes are made of what is there in the end.
 */
#include "base/compat.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "report/rollup_sum.h"

/* Rows that go into a table together. */
#define FILL_ROWS	1000

/* Gives rows to SQL. */
typedef struct RowsSink
{
	RollupSink	sink;
	ReturnSetInfo *result;
} RowsSink;

/* A table that is filled. */
typedef struct FilledTable
{
	Relation	relation;
	int			numbers[ROLLUP_COLUMNS];
	BulkInsertState state;
	TupleTableSlot *slots[FILL_ROWS];
	int			nslots;
} FilledTable;

/* Puts rows into tables. */
typedef struct TablesSink
{
	RollupSink	sink;
	MemoryContext context;
	CommandId	command;
	FilledTable tables[ROLLUP_TABLES];
} TablesSink;

/* Gives a row to SQL. */
static void
put_to_rows(RollupSink *sink, RollupTable table, Datum *values, bool *nulls)
{
	ReturnSetInfo *result = ((RowsSink *) sink)->result;

	values[ROLLUP_COL_TABLE] = CStringGetTextDatum(rollup_tables[table].name);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Reads arguments (records, before, upto, moves), of which, and of what follows them, none is NULL. */
static void
read_query(FunctionCallInfo fcinfo, RollupQuery *query)
{
	for (int i = 0; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of what adds up usage is NULL", i + 1)));
	query->records = text_to_cstring(PG_GETARG_TEXT_PP(0));
	query->before = PG_GETARG_TIMESTAMPTZ(1);
	query->upto = PG_GETARG_TIMESTAMPTZ(2);
	query->moves = PG_GETARG_DATUM(3);
	query->moves_type = get_fn_expr_argtype(fcinfo->flinfo, 3);
	query->from = DT_NOBEGIN;
	query->to = DT_NOEND;
	query->purpose = ROLLUP_ADD;
}

/*
 * _usage_sums(records text, before timestamptz, upto timestamptz, moves _usage_move[], purpose text, "from" timestamptz, "to" timestamptz) -> rows
 */
PG_FUNCTION_INFO_V1(usage_sums);
Datum
usage_sums(PG_FUNCTION_ARGS)
{
	RowsSink	sink = {.sink = {put_to_rows}, .result = (ReturnSetInfo *) fcinfo->resultinfo};
	RollupQuery query;
	const char *purpose;

	InitMaterializedSRF(fcinfo, 0);
	if (sink.result->setDesc->natts != ROLLUP_COLUMNS)
		elog(ERROR, "_usage_sums returns other columns than it should");
	read_query(fcinfo, &query);
	purpose = text_to_cstring(PG_GETARG_TEXT_PP(4));
	if (strcmp(purpose, "correct") == 0)
		query.purpose = ROLLUP_CORRECT;
	else if (strcmp(purpose, "check") == 0)
		query.purpose = ROLLUP_CHECK;
	query.from = PG_GETARG_TIMESTAMPTZ(5);
	query.to = PG_GETARG_TIMESTAMPTZ(6);
	RollupSum(&query, &sink.sink);
	PG_RETURN_NULL();
}

/* Writes the rows that wait for a table. */
static void
flush_rows(TablesSink *sink, FilledTable *table)
{
	if (table->nslots == 0)
		return;
	table_multi_insert(table->relation, table->slots, table->nslots, sink->command, TABLE_INSERT_SKIP_FSM, table->state);
	for (int i = 0; i < table->nslots; i++)
		ExecClearTuple(table->slots[i]);
	table->nslots = 0;
}

/* Puts a row into its table. */
static void
put_to_table(RollupSink *sink, RollupTable number, Datum *values, bool *nulls)
{
	TablesSink *self = (TablesSink *) sink;
	FilledTable *table = &self->tables[number];
	TupleTableSlot *slot = table->slots[table->nslots];

	if (slot == NULL)
	{
		/* the context of whoever gives rows does not stay */
		MemoryContext previous = MemoryContextSwitchTo(self->context);

		slot = table->slots[table->nslots] = table_slot_create(table->relation, NULL);
		MemoryContextSwitchTo(previous);
	}
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < ROLLUP_COLUMNS; i++)
	{
		if (table->numbers[i] == 0)
			continue;
		slot->tts_values[table->numbers[i] - 1] = values[i];
		slot->tts_isnull[table->numbers[i] - 1] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
	/* the values do not stay */
	ExecMaterializeSlot(slot);
	if (++table->nslots == FILL_ROWS)
		flush_rows(self, table);
}

/* Opens a table that is to be filled, which is empty and which nobody else has; 42501, 55000. */
static void
open_table(FilledTable *table, RollupTable number)
{
	Oid			relid = get_relname_relid(rollup_tables[number].name, get_namespace_oid("compute_ledger", false));
	AclResult	acl;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"compute_ledger.%s\" does not exist", rollup_tables[number].name)));
	acl = pg_class_aclcheck(relid, GetUserId(), ACL_INSERT);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_TABLE, rollup_tables[number].name);
	table->relation = table_open(relid, AccessExclusiveLock);
	if (table->relation->rd_rel->relkind != RELKIND_RELATION || table->relation->rd_rel->relam != HEAP_TABLE_AM_OID ||
		RelationGetNumberOfBlocks(table->relation) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" cannot be filled", rollup_tables[number].name),
				 errdetail("It is no empty table.")));
	RollupMapColumns(number, RelationGetDescr(table->relation), table->numbers);
	table->state = GetBulkInsertState();
	table->nslots = 0;
	memset(table->slots, 0, sizeof(table->slots));
}

/* Makes the indexes of a table of its rows, and closes it. */
static void
close_table(FilledTable *table)
{
	Oid			relid = RelationGetRelid(table->relation);
	ReindexParams params = {0};

	for (int i = 0; i < FILL_ROWS && table->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(table->slots[i]);
	FreeBulkInsertState(table->state);
	table_finish_bulk_insert(table->relation, TABLE_INSERT_SKIP_FSM);
	table_close(table->relation, NoLock);
	ReindexRelation(relid, REINDEX_REL_SUPPRESS_INDEX_USE | REINDEX_REL_CHECK_CONSTRAINTS, &params);
}

/*
 * _fill_usage(records text, before timestamptz, upto timestamptz, moves _usage_move[]) -> void
 *
 * The tables have just been emptied by TRUNCATE.
 */
PG_FUNCTION_INFO_V1(fill_usage);
Datum
fill_usage(PG_FUNCTION_ARGS)
{
	TablesSink *sink = palloc0(sizeof(TablesSink));
	RollupQuery query;

	read_query(fcinfo, &query);
	sink->sink.put = put_to_table;
	sink->context = CurrentMemoryContext;
	for (int i = 0; i < ROLLUP_TABLES; i++)
		open_table(&sink->tables[i], (RollupTable) i);
	sink->command = GetCurrentCommandId(true);
	RollupSum(&query, &sink->sink);
	for (int i = 0; i < ROLLUP_TABLES; i++)
		flush_rows(sink, &sink->tables[i]);
	CommandCounterIncrement();
	for (int i = 0; i < ROLLUP_TABLES; i++)
		close_table(&sink->tables[i]);
	PG_RETURN_VOID();
}
