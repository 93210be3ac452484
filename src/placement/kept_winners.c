/*
 * kept_winners.c
 *		The prices that win, kept from one request to the next.
 *
 * _kept_winners() answers what _find_winners() answers.  A price list and the trees that
 * it hangs on hardly ever change, and very many requests ask the same of them; so a
 * backend keeps some answers, each under the versions of all tables that it came from
 * (table_version.h).  There are versions only for pg_database_owner, on whose behalf the
 * placement reads and who sees all rows; whoever else asks gets an answer of his own.
 */
#include "base/compat.h"

#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "base/table_version.h"

#define NARGS			6
#define MAX_KEPT		16
/* To look at more pages each time would take as long as to ask again. */
#define MAX_PAGES		4096

/* all that _find_winners() reads */
static const char *const tables[] = {
	"price", "price_key", "price_book", "currency", "account_version", "account_merge", "region_version",
};

typedef struct Kept
{
	MemoryContext context;		/* NULL = nothing is kept here */
	StringInfoData key;			/* the arguments */
	TableVersion *versions[lengthof(tables)];
	uint64		nrows;
	HeapTuple  *rows;
} Kept;

static Kept kept[MAX_KEPT];
static int	next_kept;			/* the one to be replaced */

/* Writes down the arguments, so that the same bytes mean the same arguments. */
static void
write_key(FunctionCallInfo fcinfo, StringInfo key)
{
	initStringInfo(key);
	for (int i = 0; i < NARGS; i++)
	{
		appendStringInfoChar(key, PG_ARGISNULL(i));
		if (PG_ARGISNULL(i))
			continue;
		if (i == 0)
		{
			int64		account = PG_GETARG_INT64(i);

			appendBinaryStringInfo(key, (char *) &account, sizeof(account));
		}
		else
		{
			struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(i));
			int32		size = VARSIZE_ANY_EXHDR(value);

			appendBinaryStringInfo(key, (char *) &size, sizeof(size));
			appendBinaryStringInfo(key, VARDATA_ANY(value), size);
		}
	}
}

/* Forgets what is kept in a place. */
static void
drop_kept(Kept *k)
{
	if (k->context != NULL)
		MemoryContextDelete(k->context);
	memset(k, 0, sizeof(Kept));
}

/* Returns what is kept for the arguments; NULL if nothing is, or the tables have changed. */
static Kept *
find_kept(const StringInfoData *key)
{
	for (int i = 0; i < MAX_KEPT; i++)
	{
		Kept	   *k = &kept[i];

		if (k->context == NULL || k->key.len != key->len || memcmp(k->key.data, key->data, key->len) != 0)
			continue;
		for (int t = 0; t < (int) lengthof(tables); t++)
		{
			/* one's own changes are not told apart by the snapshot */
			if (!TableVersionIsCurrent(k->versions[t], false))
			{
				drop_kept(k);
				return NULL;
			}
		}
		return k;
	}
	return NULL;
}

/* Takes the versions of all tables; says whether they can be kept beyond the snapshot. */
static bool
take_versions(TableVersion **versions)
{
	Oid			namespace = get_namespace_oid("compute_ledger", false);
	BlockNumber npages = 0;

	for (int t = 0; t < (int) lengthof(tables); t++)
	{
		Oid			table = get_relname_relid(tables[t], namespace);
		Relation	rel = table_open(table, AccessShareLock);

		npages += Min(RelationGetNumberOfBlocks(rel), MAX_PAGES + 1);
		table_close(rel, NoLock);
		if (npages > MAX_PAGES)
			return false;
		versions[t] = TableVersionTake(table, true);
		if (versions[t] == NULL || !versions[t]->settled)
			return false;
	}
	return true;
}

/* Runs _find_winners() with the arguments; SPI is connected. */
static void
ask_for_winners(FunctionCallInfo fcinfo)
{
	Oid			types[NARGS];
	Datum		values[NARGS];
	char		nulls[NARGS];

	for (int i = 0; i < NARGS; i++)
	{
		types[i] = get_fn_expr_argtype(fcinfo->flinfo, i);
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	if (SPI_execute_with_args("SELECT w.* FROM compute_ledger._find_winners($1, $2, $3, $4, $5, $6) AS w",
							  NARGS, types, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed");
}

/*
 * _kept_winners(account bigint, currency text, measure text, chips accelerator[],
 *		regions integer[], period tstzrange) -> rows of _find_winners()
 */
PG_FUNCTION_INFO_V1(kept_winners);
Datum
kept_winners(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	StringInfoData key;
	Kept		new = {0};
	Kept	   *k;

	InitMaterializedSRF(fcinfo, 0);
	write_key(fcinfo, &key);
	k = find_kept(&key);
	if (k == NULL)
	{
		MemoryContext caller = CurrentMemoryContext;
		bool		keep;

		new.context = AllocSetContextCreate(caller, "compute_ledger winners", ALLOCSET_SMALL_SIZES);
		MemoryContextSwitchTo(new.context);
		keep = take_versions(new.versions);
		MemoryContextSwitchTo(caller);
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		ask_for_winners(fcinfo);
		MemoryContextSwitchTo(new.context);
		new.nrows = SPI_processed;
		new.rows = MemoryContextAllocHuge(new.context, Max(new.nrows, 1) * sizeof(HeapTuple));
		for (uint64 i = 0; i < new.nrows; i++)
			new.rows[i] = toast_flatten_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		initStringInfo(&new.key);
		appendBinaryStringInfo(&new.key, key.data, key.len);
		MemoryContextSwitchTo(caller);
		SPI_finish();
		k = &new;
		if (keep)
		{
			k = &kept[next_kept];
			next_kept = (next_kept + 1) % MAX_KEPT;
			drop_kept(k);
			MemoryContextSetParent(new.context, TopMemoryContext);
			*k = new;
		}
	}
	for (uint64 i = 0; i < k->nrows; i++)
		tuplestore_puttuple(result->setResult, k->rows[i]);
	return (Datum) 0;
}
