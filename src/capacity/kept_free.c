/*
 * kept_free.c
 *		What is free of pools, kept by the backend for as long as nothing is booked in them.
 *
 * Requests that come one after the other look at the same pools, of which few have changed in between.  What is kept of a
 * pool is good while the active snapshot sees the same rows:
 *
 * - whoever changes what it offers updates its row, or bookings under an older snapshot would not be told;
 * - whoever changes its book writes the rows of all months that the change meets, for the same reason.
 *
 * A transaction that has ended leaves one version of a row, so the transaction that wrote it says which this is, whatever
 * else it has written.  What the current one has written is not kept: it may write more.
 *
 * Holds that have run out, and who gives way, depend on the time, and are not in it.
 */
#include "base/compat.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/key_table.h"
#include "capacity/kept_free.h"
#include "capacity/pool_book.h"

/* All that a backend keeps is at most so large. */
#define MOST_BYTES		((Size) 8 * 1024 * 1024)

/* A version of a row, and where it is. */
typedef struct RowVersion
{
	TransactionId writer;
	ItemPointerData place;
} RowVersion;

/* The rows that what is free of a pool follows from, as a snapshot sees them: that of the pool, and those of its months. */
typedef struct BookVersion
{
	Oid			files[2];		/* of both tables: another one after VACUUM FULL, which moves rows */
	bool		is_whole;		/* each month of the window has a row */
	int			count;
	int			room;
	RowVersion *rows;
} BookVersion;

/* Of what; no bytes of it mean nothing. */
typedef struct FreeKey
{
	int64		pool;
	int64		guests;			/* 0 or 1 */
} FreeKey;

typedef struct KeptFree
{
	FreeKey		key;
	int64		from;
	int64		to;
	BookVersion version;
	Datum		free;			/* 0: nothing is kept */
} KeptFree;

/* A table that tells the version. */
typedef struct VersionTable
{
	KeyTable	table;
	BlockNumber npages;
	TupleTableSlot *slot;
} VersionTable;

typedef struct VersionTables
{
	VersionTable pools;
	VersionTable months;
} VersionTables;

enum
{
	MONTH_POOL,
	MONTH_GUESTS,
	MONTH_MONTH,
	MONTH_COLUMNS
};

static const RowColumn pool_columns[] = {ROW_COLUMN("id", INT8OID)};
static const RowColumn month_columns[MONTH_COLUMNS] = {
	ROW_COLUMN("pool", INT8OID), ROW_COLUMN("guests", BOOLOID), ROW_COLUMN("month", DATEOID)
};

static HTAB *kept = NULL;
static MemoryContext kept_context = NULL;	/* of the table and all that is in it */

/* ---- versions ---- */

/* Opens a table. */
static void
open_versions(VersionTable *table, const char *name, const RowColumn *columns, int ncolumns)
{
	KeyTableOpen(&table->table, name, columns, ncolumns, ncolumns);
	table->npages = RelationGetNumberOfBlocks(table->table.relation);
	table->slot = table_slot_create(table->table.relation, NULL);
}

/* Closes a table. */
static void
close_versions(const VersionTable *table)
{
	ExecDropSingleTupleTableSlot(table->slot);
	KeyTableClose(&table->table);
}

/* Closes the tables. */
static void
close_tables(const VersionTables *tables)
{
	close_versions(&tables->pools);
	close_versions(&tables->months);
}

/* Opens the tables; false, and they are not open, if their owner has put others there whose rows have no versions. */
static bool
open_tables(VersionTables *tables)
{
	open_versions(&tables->pools, "pool", pool_columns, lengthof(pool_columns));
	open_versions(&tables->months, "pool_month", month_columns, MONTH_COLUMNS);
	if (tables->pools.table.relation->rd_tableam == GetHeapamTableAmRoutine() &&
		tables->months.table.relation->rd_tableam == GetHeapamTableAmRoutine())
		return true;
	close_tables(tables);
	return false;
}

/* Adds the versions of the rows that a scan finds. */
static void
add_rows(BookVersion *version, const KeyTable *table, ScanKey keys, int nkeys)
{
	SysScanDesc scan = KeyTableScan(table, keys, nkeys);
	HeapTuple	row;

	while ((row = systable_getnext(scan)) != NULL)
	{
		if (version->count == version->room)
		{
			version->room = version->room * 2 + 4;
			version->rows = version->rows == NULL ? palloc(version->room * sizeof(RowVersion))
				: repalloc(version->rows, version->room * sizeof(RowVersion));
		}
		version->rows[version->count++] = (RowVersion) {HeapTupleHeaderGetRawXmin(row->t_data), row->t_self};
	}
	systable_endscan(scan);
}

/* Reads the version that the active snapshot sees of the book of a pool, in a window. */
static void
read_version(const VersionTables *tables, const FreeKey *key, int64 from, int64 to, BookVersion *version)
{
	const KeyTable *pools = &tables->pools.table;
	const KeyTable *months = &tables->months.table;
	ScanKeyData keys[4];

	version->count = 0;
	version->files[0] = pools->relation->rd_rel->relfilenode;
	version->files[1] = months->relation->rd_rel->relfilenode;
	KeyTableKey(pools, &keys[0], 0, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key->pool));
	add_rows(version, pools, keys, 1);
	KeyTableKey(months, &keys[0], MONTH_POOL, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key->pool));
	KeyTableKey(months, &keys[1], MONTH_GUESTS, BTEqualStrategyNumber, F_BOOLEQ, BoolGetDatum(key->guests != 0));
	KeyTableKey(months, &keys[2], MONTH_MONTH, BTGreaterEqualStrategyNumber, F_DATE_GE, DateADTGetDatum(BookMonth(from)));
	KeyTableKey(months, &keys[3], MONTH_MONTH, BTLessEqualStrategyNumber, F_DATE_LE, DateADTGetDatum(BookMonth(to - 1)));
	add_rows(version, months, keys, lengthof(keys));
	version->is_whole = version->count == 1 + BookMonths(from, to);
}

/* Whether the active snapshot sees a version of a row, in the place where it was. */
static bool
is_seen(const VersionTable *table, const RowVersion *row)
{
	ItemPointerData place = row->place;
	bool		isnull;
	bool		same = ItemPointerGetBlockNumber(&place) < table->npages &&
		table_tuple_fetch_row_version(table->table.relation, &place, GetActiveSnapshot(), table->slot) &&
		DatumGetTransactionId(slot_getsysattr(table->slot, MinTransactionIdAttributeNumber, &isnull)) == row->writer;

	ExecClearTuple(table->slot);
	return same;
}

/* Whether the active snapshot sees the version from which something was kept; now: for what it sees. */
static bool
is_still_so(const VersionTables *tables, const KeptFree *entry, BookVersion *now)
{
	const BookVersion *version = &entry->version;
	bool		same = version->files[0] == tables->pools.table.relation->rd_rel->relfilenode &&
		version->files[1] == tables->months.table.relation->rd_rel->relfilenode;

	/* where there was no row, an index has to say that there is none */
	if (same && !version->is_whole)
	{
		read_version(tables, &entry->key, entry->from, entry->to, now);
		same = now->count == version->count;
		for (int i = 0; same && i < now->count; i++)
			same = now->rows[i].writer == version->rows[i].writer && ItemPointerEquals(&now->rows[i].place, &version->rows[i].place);
		return same;
	}
	for (int i = 0; same && i < version->count; i++)
		same = is_seen(i == 0 ? &tables->pools : &tables->months, &version->rows[i]);
	return same;
}

/* Whether the current transaction has written some of a version. */
static bool
is_own(const BookVersion *version)
{
	bool		own = false;

	for (int i = 0; !own && i < version->count; i++)
		own = TransactionIdIsCurrentTransactionId(version->rows[i].writer);
	return own;
}

/* ---- what is kept ---- */

/* Whether anything is kept: for who sees all rows, and of a window that has ends. */
static bool
may_keep(int64 from, int64 to)
{
	return GetUserId() == ROLE_PG_DATABASE_OWNER && IS_VALID_TIMESTAMP(from) && IS_VALID_TIMESTAMP(to);
}

/* Makes an empty table, in place of what is kept. */
static void
forget_free(void)
{
	HASHCTL		control = {.keysize = sizeof(FreeKey), .entrysize = sizeof(KeptFree)};

	kept = NULL;
	if (kept_context == NULL)
		kept_context = AllocSetContextCreate(TopMemoryContext, "compute_ledger free of pools", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(kept_context);
	control.hcxt = kept_context;
	kept = hash_create("compute_ledger free of pools", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Makes a window longer: to where more is kept, but at most so much. */
static void
widen_window(const KeptFree *entry, int64 length, int64 *from, int64 *to)
{
	int64		end;

	if (entry->from < *from && !pg_sub_s64_overflow(*from, length, &end))
		*from = Max(end, entry->from);
	if (entry->to > *to && !pg_add_s64_overflow(*to, length, &end))
		*to = Min(end, entry->to);
}

/* Makes whole days of a window, as the book has them. */
static void
make_whole_days(int64 *from, int64 *to)
{
	int64		over = *from % USECS_PER_DAY;

	*from -= over < 0 ? over + USECS_PER_DAY : over;
	over = *to % USECS_PER_DAY;
	if (over != 0)
		*to += (over < 0 ? 0 : USECS_PER_DAY) - over;
}

/*
 * Finds what is kept of pools in a window and is good for the active snapshot, 0 of others; returns how many these are.  The
 * window becomes the one to read of these: requests differ in how far they look, so it is no shorter than what was kept,
 * unless that is more than twice as much.
 */
int
KeptFreeFind(const PoolSet *set, bool guests, int64 *from, int64 *to, Datum *free)
{
	VersionTables tables;
	BookVersion version = {0};
	int64		first = *from;
	int64		last = *to;
	int			missing = 0;

	memset(free, 0, set->count * sizeof(Datum));
	if (!may_keep(first, last))
		return set->count;
	if (!open_tables(&tables))
		return set->count;
	if (kept == NULL)
		forget_free();
	for (int i = 0; i < set->count; i++)
	{
		FreeKey		key = {set->pools[i], guests};
		const KeptFree *entry = hash_search(kept, &key, HASH_FIND, NULL);
		int64		wide_from = first;
		int64		wide_to = last;

		if (entry != NULL && entry->free != (Datum) 0 && entry->from <= first && last <= entry->to && is_still_so(&tables, entry, &version))
		{
			free[i] = datumCopy(entry->free, false, -1);
			continue;
		}
		missing++;
		if (entry != NULL)
			widen_window(entry, last - first, &wide_from, &wide_to);
		*from = Min(*from, wide_from);
		*to = Max(*to, wide_to);
	}
	close_tables(&tables);
	make_whole_days(from, to);
	return missing;
}

/* Keeps what is free of pools in a window, 0 of those of which nothing is to be kept. */
void
KeptFreeKeep(const PoolSet *set, bool guests, int64 from, int64 to, const Datum *free)
{
	VersionTables tables;
	BookVersion version = {0};

	if (!may_keep(from, to) || !open_tables(&tables))
		return;
	if (kept == NULL || MemoryContextMemAllocated(kept_context, true) > MOST_BYTES)
		forget_free();
	for (int i = 0; i < set->count; i++)
	{
		FreeKey		key = {set->pools[i], guests};
		KeptFree   *entry;
		bool		found;
		MemoryContext old;

		if (free[i] == (Datum) 0)
			continue;
		read_version(&tables, &key, from, to, &version);
		if (is_own(&version))
			continue;
		entry = hash_search(kept, &key, HASH_ENTER, &found);
		if (found && entry->free != (Datum) 0)
		{
			pfree(entry->version.rows);
			pfree(DatumGetPointer(entry->free));
		}
		entry->free = (Datum) 0;
		entry->from = from;
		entry->to = to;
		old = MemoryContextSwitchTo(kept_context);
		entry->version = version;
		entry->version.rows = palloc(version.count * sizeof(RowVersion));
		memcpy(entry->version.rows, version.rows, version.count * sizeof(RowVersion));
		entry->free = datumCopy(free[i], false, -1);
		MemoryContextSwitchTo(old);
	}
	close_tables(&tables);
}
