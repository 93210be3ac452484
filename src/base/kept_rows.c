/*
 * kept_rows.c
 *		Answers of a query, kept by the backend for as long as the tables that they come from stay the same.
 *
 * There are versions only for who sees all rows of the tables, as pg_database_owner does; whoever else asks gets an answer
 * of his own, and so does whoever asks while a change of them is fresh.
 */
#include "base/compat.h"

#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "base/kept_rows.h"

/* To look at more pages each time would take as long as to ask again. */
#define MAX_PAGES		4096

/* Writes down the arguments, so that the same bytes mean the same arguments. */
static void
write_key(FunctionCallInfo fcinfo, StringInfo key)
{
	initStringInfo(key);
	for (int i = 0; i < PG_NARGS(); i++)
	{
		int16		typlen = get_typlen(get_fn_expr_argtype(fcinfo->flinfo, i));

		appendStringInfoChar(key, PG_ARGISNULL(i));
		if (PG_ARGISNULL(i))
			continue;
		if (typlen == -1)
		{
			struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(i));
			int32		size = VARSIZE_ANY_EXHDR(value);

			appendBinaryStringInfo(key, (char *) &size, sizeof(size));
			appendBinaryStringInfo(key, VARDATA_ANY(value), size);
		}
		else
		{
			Datum		value = PG_GETARG_DATUM(i);

			Assert(get_typbyval(get_fn_expr_argtype(fcinfo->flinfo, i)));
			appendBinaryStringInfo(key, (char *) &value, sizeof(value));
		}
	}
}

/* Forgets everything. */
static void
drop_all(KeptRows *kept)
{
	for (int i = 0; i < kept->nanswers; i++)
		MemoryContextDelete(kept->answers[i].context);
	kept->nanswers = 0;
	for (int i = 0; i < KEPT_ROWS_TABLES && kept->versions[i] != NULL; i++)
	{
		pfree(kept->versions[i]);
		kept->versions[i] = NULL;
	}
}

/* Says whether the tables are those that the answers came from. */
static bool
answers_are_current(const KeptRows *kept)
{
	for (int i = 0; i < KEPT_ROWS_TABLES && kept->tables[i] != NULL; i++)
	{
		/* one's own changes are not told apart by the snapshot */
		if (kept->versions[i] == NULL || !TableVersionIsCurrent(kept->versions[i], false))
			return false;
	}
	return true;
}

/* Takes the versions of all tables; says whether answers can be kept beyond the snapshot. */
static bool
take_versions(KeptRows *kept)
{
	Oid			namespace = get_namespace_oid("compute_ledger", false);
	BlockNumber npages = 0;

	for (int i = 0; i < KEPT_ROWS_TABLES && kept->tables[i] != NULL; i++)
	{
		Oid			table = get_relname_relid(kept->tables[i], namespace);
		Relation	rel = table_open(table, AccessShareLock);
		TableVersion *version = NULL;

		npages += Min(RelationGetNumberOfBlocks(rel), MAX_PAGES + 1);
		table_close(rel, NoLock);
		if (npages <= MAX_PAGES)
		{
			MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

			version = TableVersionTake(table, true);
			MemoryContextSwitchTo(old);
		}
		kept->versions[i] = version;
		if (version == NULL || !version->settled)
			return false;
	}
	return true;
}

/* Returns the answer for the arguments; NULL if it is not kept. */
static KeptAnswer *
find_answer(const KeptRows *kept, const StringInfoData *key, uint32 hash)
{
	for (int i = 0; i < kept->nanswers; i++)
	{
		KeptAnswer *a = &kept->answers[i];

		if (a->hash == hash && a->size == key->len && memcmp(a->key, key->data, key->len) == 0)
			return a;
	}
	return NULL;
}

/* Asks the query, with the function's arguments; the rows are copied into a context. */
static void
query_tables(FunctionCallInfo fcinfo, const char *query, KeptAnswer *answer)
{
	Oid			types[FUNC_MAX_ARGS];
	Datum		values[FUNC_MAX_ARGS];
	char		nulls[FUNC_MAX_ARGS];
	MemoryContext old;

	for (int i = 0; i < PG_NARGS(); i++)
	{
		types[i] = get_fn_expr_argtype(fcinfo->flinfo, i);
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(query, PG_NARGS(), types, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed");
	old = MemoryContextSwitchTo(answer->context);
	answer->nrows = SPI_processed;
	answer->rows = MemoryContextAllocHuge(answer->context, Max(answer->nrows, 1) * sizeof(HeapTuple));
	for (uint64 i = 0; i < answer->nrows; i++)
		answer->rows[i] = toast_flatten_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	MemoryContextSwitchTo(old);
	SPI_finish();
}

/* Returns the place for a new answer; one that is kept has to go if there is no room. */
static KeptAnswer *
free_place(KeptRows *kept)
{
	KeptAnswer *place;

	if (kept->answers == NULL)
		kept->answers = MemoryContextAllocZero(TopMemoryContext, kept->most * sizeof(KeptAnswer));
	if (kept->nanswers < kept->most)
		return &kept->answers[kept->nanswers++];
	place = &kept->answers[kept->next];
	kept->next = (kept->next + 1) % kept->most;
	MemoryContextDelete(place->context);
	return place;
}

/* Returns, from a set-returning function, what the query answers to the function's arguments. */
Datum
KeptRowsReturn(FunctionCallInfo fcinfo, KeptRows *kept)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	StringInfoData key;
	uint32		hash;
	KeptAnswer	new = {0};
	KeptAnswer *answer;
	bool		keep;

	InitMaterializedSRF(fcinfo, 0);
	write_key(fcinfo, &key);
	hash = hash_bytes((unsigned char *) key.data, key.len);
	keep = answers_are_current(kept);
	if (!keep)
	{
		drop_all(kept);
		/* before the tables are read: what changes in between makes them old */
		keep = take_versions(kept);
	}
	answer = keep ? find_answer(kept, &key, hash) : NULL;
	if (answer == NULL)
	{
		new.context = AllocSetContextCreate(CurrentMemoryContext, "compute_ledger kept rows", ALLOCSET_SMALL_SIZES);
		new.hash = hash;
		new.size = key.len;
		new.key = MemoryContextAlloc(new.context, key.len);
		memcpy(new.key, key.data, key.len);
		query_tables(fcinfo, kept->query, &new);
		answer = &new;
		/* the query may have called a function that asks here as well */
		if (keep && answers_are_current(kept))
		{
			answer = free_place(kept);
			MemoryContextSetParent(new.context, TopMemoryContext);
			*answer = new;
		}
	}
	for (uint64 i = 0; i < answer->nrows; i++)
		tuplestore_puttuple(result->setResult, answer->rows[i]);
	return (Datum) 0;
}
