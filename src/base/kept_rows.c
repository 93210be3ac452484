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
write_key(int nargs, const Oid *types, const Datum *values, const bool *nulls, StringInfo key)
{
	initStringInfo(key);
	for (int i = 0; i < nargs; i++)
	{
		int16		typlen;
		bool		by_value;

		appendStringInfoChar(key, nulls[i]);
		if (nulls[i])
			continue;
		get_typlenbyval(types[i], &typlen, &by_value);
		if (typlen == -1)
		{
			struct varlena *value = PG_DETOAST_DATUM_PACKED(values[i]);
			int32		size = VARSIZE_ANY_EXHDR(value);

			appendBinaryStringInfo(key, (char *) &size, sizeof(size));
			appendBinaryStringInfo(key, VARDATA_ANY(value), size);
		}
		else if (by_value)
			appendBinaryStringInfo(key, (const char *) &values[i], sizeof(values[i]));
		else
			appendBinaryStringInfo(key, DatumGetPointer(values[i]), typlen);
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

/* Returns the plan of the query, which is made once: it is asked again and again for other arguments. */
static SPIPlanPtr
plan_of(KeptRows *kept, int nargs, Oid *types)
{
	Assert(nargs <= KEPT_ROWS_ARGUMENTS);
	/* the extension may have been made anew since, with types of its own; a plan of before stays, since who asks may be in it */
	if (kept->plan == NULL || memcmp(kept->planned, types, nargs * sizeof(Oid)) != 0)
	{
		SPIPlanPtr	plan = SPI_prepare_cursor(kept->query, nargs, types, CURSOR_OPT_GENERIC_PLAN);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare a query whose answers are kept");
		kept->plan = plan;
		memcpy(kept->planned, types, nargs * sizeof(Oid));
	}
	return kept->plan;
}

/* Asks the query; the rows are copied into a context. */
static void
query_tables(KeptRows *kept, int nargs, Oid *types, Datum *values, const bool *nulls, KeptAnswer *answer)
{
	char		flags[FUNC_MAX_ARGS];
	MemoryContext old;

	for (int i = 0; i < nargs; i++)
		flags[i] = nulls[i] ? 'n' : ' ';
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_plan(plan_of(kept, nargs, types), values, flags, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan failed");
	old = MemoryContextSwitchTo(answer->context);
	answer->nrows = SPI_processed;
	answer->desc = CreateTupleDescCopy(SPI_tuptable->tupdesc);
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

/*
 * Returns what the query answers to some arguments.  It is good until the same is asked again, or the current memory
 * context is reset.
 */
const KeptAnswer *
KeptRowsAsk(KeptRows *kept, int nargs, Oid *types, Datum *values, const bool *nulls)
{
	StringInfoData key;
	uint32		hash;
	KeptAnswer *new;
	KeptAnswer *answer;
	bool		keep;

	write_key(nargs, types, values, nulls, &key);
	hash = hash_bytes((unsigned char *) key.data, key.len);
	keep = answers_are_current(kept);
	if (!keep)
	{
		drop_all(kept);
		/* before the tables are read: what changes in between makes them old */
		keep = take_versions(kept);
	}
	answer = keep ? find_answer(kept, &key, hash) : NULL;
	if (answer != NULL)
		return answer;
	new = palloc0(sizeof(KeptAnswer));
	new->context = AllocSetContextCreate(CurrentMemoryContext, "compute_ledger kept rows", ALLOCSET_SMALL_SIZES);
	new->hash = hash;
	new->size = key.len;
	new->key = MemoryContextAlloc(new->context, key.len);
	memcpy(new->key, key.data, key.len);
	query_tables(kept, nargs, types, values, nulls, new);
	/* the query may have called a function that asks here as well */
	if (!keep || (kept->largest > 0 && new->nrows > (uint64) kept->largest) || !answers_are_current(kept))
		return new;
	answer = free_place(kept);
	MemoryContextSetParent(new->context, TopMemoryContext);
	*answer = *new;
	return answer;
}

/* Returns, from a set-returning function, what the query answers to the function's arguments. */
Datum
KeptRowsReturn(FunctionCallInfo fcinfo, KeptRows *kept)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			types[FUNC_MAX_ARGS];
	Datum		values[FUNC_MAX_ARGS];
	bool		nulls[FUNC_MAX_ARGS];
	const KeptAnswer *answer;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < PG_NARGS(); i++)
	{
		types[i] = get_fn_expr_argtype(fcinfo->flinfo, i);
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i);
	}
	answer = KeptRowsAsk(kept, PG_NARGS(), types, values, nulls);
	for (uint64 i = 0; i < answer->nrows; i++)
		tuplestore_puttuple(result->setResult, answer->rows[i]);
	return (Datum) 0;
}
