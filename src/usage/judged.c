/*
 * judged.c
 *		The rows that a batch of usage comes to, between the function that finds them and the statements that write them.
 *
 * _judge_usage() finds all in one pass; one statement a table writes them, each from a function that hands over the rows of its
 * kind, which are kept once, in memory up to work_mem, and are gone with the statement that reads them.
 */
#include "base/compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "usage/judged.h"

typedef struct JudgedRows
{
	MemoryContext context;
	TupleDesc	desc;
	Tuplestorestate *store;
} JudgedRows;

struct JudgedBatch
{
	int64		number;
	MemoryContext context;
	JudgedRows	rows[JUDGED_KINDS];	/* store NULL: none, or handed over */
	JudgedBatch *next;
};

/* Those of this transaction whose rows may be asked for. */
static JudgedBatch *batches = NULL;

/* Forgets a batch whose memory goes. */
static void
forget_batch(void *arg)
{
	JudgedBatch **place = &batches;

	while (*place != NULL && *place != arg)
		place = &(*place)->next;
	if (*place != NULL)
		*place = (*place)->next;
}

/* Begins a batch, whose rows live at most as long as the transaction, or subtransaction. */
JudgedBatch *
JudgedBegin(int64 number)
{
	MemoryContext context = AllocSetContextCreate(CurTransactionContext, "compute_ledger judged usage", ALLOCSET_SMALL_SIZES);
	JudgedBatch *batch = MemoryContextAllocZero(context, sizeof(JudgedBatch));
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

	batch->number = number;
	batch->context = context;
	batch->next = batches;
	batches = batch;
	callback->func = forget_batch;
	callback->arg = batch;
	MemoryContextRegisterResetCallback(context, callback);
	return batch;
}

/* Describes rows with some columns. */
static TupleDesc
describe(const RowColumn *columns, int ncolumns)
{
	TupleDesc	desc = CreateTemplateTupleDesc(ncolumns);
	Oid			namespace = get_namespace_oid("compute_ledger", false);

	for (int i = 0; i < ncolumns; i++)
	{
		Oid			type = columns[i].type;

		if (!OidIsValid(type))
			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(columns[i].own), ObjectIdGetDatum(namespace));
		TupleDescInitEntry(desc, i + 1, columns[i].name, type, -1, 0);
	}
	return desc;
}

/* Adds a row, which is copied. */
void
JudgedPut(JudgedBatch *batch, JudgedKind kind, const RowColumn *columns, int ncolumns, Datum *values, bool *nulls)
{
	JudgedRows *rows = &batch->rows[kind];

	if (rows->store == NULL)
	{
		MemoryContext old;
		ResourceOwner owner = CurrentResourceOwner;

		rows->context = AllocSetContextCreate(batch->context, "compute_ledger judged rows", ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(rows->context);
		rows->desc = describe(columns, ncolumns);
		/* its file stays open as long as the rows may be asked for, not only for the statement that calls */
		CurrentResourceOwner = CurTransactionResourceOwner;
		rows->store = tuplestore_begin_heap(false, false, work_mem);
		CurrentResourceOwner = owner;
		MemoryContextSwitchTo(old);
	}
	tuplestore_putvalues(rows->store, rows->desc, values, nulls);
}

/* Ends a batch to which nothing is added any more: frees it, unless there are rows that were not handed over. */
void
JudgedEnd(JudgedBatch *batch)
{
	for (int i = 0; i < JUDGED_KINDS; i++)
	{
		if (batch->rows[i].store != NULL)
			return;
	}
	MemoryContextDelete(batch->context);
}

/* Hands the rows of a kind of a batch over to the statement that calls; 22023 if there are none, or they were handed over. */
static Datum
hand_over(FunctionCallInfo fcinfo, JudgedKind kind)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		number = PG_GETARG_INT64(0);
	JudgedBatch *batch = batches;
	JudgedRows *rows;

	if (result == NULL || !IsA(result, ReturnSetInfo) || (result->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rows of a batch cannot be returned here")));
	while (batch != NULL && batch->number != number)
		batch = batch->next;
	rows = batch == NULL ? NULL : &batch->rows[kind];
	if (rows == NULL || rows->store == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch %lld has no such rows to be written", (long long) number)));
	MemoryContextSetParent(rows->context, result->econtext->ecxt_per_query_memory);
	result->returnMode = SFRM_Materialize;
	result->setResult = rows->store;
	result->setDesc = rows->desc;
	rows->store = NULL;
	JudgedEnd(batch);
	return (Datum) 0;
}

/* _judged_keys(batch bigint) -> rows */
PG_FUNCTION_INFO_V1(judged_keys);
Datum
judged_keys(PG_FUNCTION_ARGS)
{
	return hand_over(fcinfo, JUDGED_KEYS);
}

/* _judged_records(batch bigint) -> rows */
PG_FUNCTION_INFO_V1(judged_records);
Datum
judged_records(PG_FUNCTION_ARGS)
{
	return hand_over(fcinfo, JUDGED_RECORDS);
}

/* _judged_rejected(batch bigint) -> rows */
PG_FUNCTION_INFO_V1(judged_rejected);
Datum
judged_rejected(PG_FUNCTION_ARGS)
{
	return hand_over(fcinfo, JUDGED_REJECTED);
}
