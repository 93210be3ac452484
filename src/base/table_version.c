/*
 * table_version.c
 *		What stands in a table, as a key for caches that outlive a snapshot.
 *
 * Why a current version means the same rows:
 *
 * - A change of a page leaves the number of its WAL record in the page, and no two
 *   records have one number.  So the same file with the same numbers holds the same row
 *   versions, however they came there: by COPY, a trigger, a subscription, a restore,
 *   with triggers on or off.  What the active snapshot sees was there before it was taken.
 * - Which of these versions are visible depends on nothing but how the transactions that
 *   inserted and deleted them ended, for every snapshot that was taken after all had ended.
 *   So one's own changes, those that a savepoint takes back, and those that are too new
 *   for an older snapshot make a version that is current for one snapshot only.
 *
 * Nothing has to be announced, and so nothing can be missed.  There is no version, and so
 * no cache, of what does not follow these rules: a table without WAL, of another access
 * method or with heirs, and rows that are not for everybody.
 */
#include "base/compat.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/table_version.h"

/*
 * Says whether a table has versions, for the current user and the active snapshot.
 * of_ledger: it is one that _protect() protects, and pg_database_owner sees all of it.
 */
static bool
has_versions(Relation rel, bool of_ledger)
{
	return rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_tableam == GetHeapamTableAmRoutine() &&
		RelationNeedsWAL(rel) &&
		!rel->rd_rel->relhassubclass &&
		(!rel->rd_rel->relrowsecurity || (of_ledger && GetUserId() == ROLE_PG_DATABASE_OWNER)) &&
		pg_class_aclcheck(RelationGetRelid(rel), GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		ActiveSnapshotSet() && GetActiveSnapshot()->snapshot_type == SNAPSHOT_MVCC;
}

/* Reads a page, locked for reading; UnlockReleaseBuffer() when done. */
static Buffer
read_page(Relation rel, BlockNumber number)
{
	Buffer		buffer = ReadBuffer(rel, number);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	return buffer;
}

/* Takes the later of two transactions; frozen and invalid ones precede all others. */
static TransactionId
later_of(TransactionId a, TransactionId b)
{
	return TransactionIdPrecedes(a, b) ? b : a;
}

/* Returns the newest transaction that inserted or deleted a row version of a page. */
static TransactionId
newest_of_page(Page page)
{
	TransactionId newest = InvalidTransactionId;

	for (OffsetNumber i = FirstOffsetNumber; i <= PageGetMaxOffsetNumber(page); i = OffsetNumberNext(i))
	{
		ItemId		item = PageGetItemId(page, i);
		HeapTupleHeader tuple;

		if (!ItemIdIsNormal(item))
			continue;
		tuple = (HeapTupleHeader) PageGetItem(page, item);
		newest = later_of(newest, HeapTupleHeaderGetXmin(tuple));
		if (!(tuple->t_infomask & HEAP_XMAX_INVALID) && !HEAP_XMAX_IS_LOCKED_ONLY(tuple->t_infomask))
			newest = later_of(newest, HeapTupleHeaderGetUpdateXid(tuple));
	}
	return newest;
}

/* Says whether a transaction and all before it had ended when the active snapshot was taken. */
static bool
has_ended(TransactionId xid)
{
	return TransactionIdPrecedes(xid, GetActiveSnapshot()->xmin);
}

/* Returns the version of a table in the current memory context; NULL if it has no versions. */
TableVersion *
TableVersionTake(Oid table, bool of_ledger)
{
	Relation	rel = table_open(table, AccessShareLock);
	TableVersion *version = NULL;

	if (has_versions(rel, of_ledger))
	{
		BlockNumber npages = RelationGetNumberOfBlocks(rel);

		version = palloc(offsetof(TableVersion, lsn) + npages * sizeof(XLogRecPtr));
		version->table = table;
		version->of_ledger = of_ledger;
		version->file = rel->rd_rel->relfilenode;
		version->newest = InvalidTransactionId;
		version->npages = npages;
		for (BlockNumber i = 0; i < npages; i++)
		{
			Buffer		buffer = read_page(rel, i);
			Page		page = BufferGetPage(buffer);

			version->lsn[i] = BufferGetLSNAtomic(buffer);
			version->newest = later_of(version->newest, newest_of_page(page));
			UnlockReleaseBuffer(buffer);
		}
		version->settled = has_ended(version->newest);
	}
	/* As for whoever reads the table, the lock is kept until the transaction ends. */
	table_close(rel, NoLock);
	return version;
}

/*
 * Says whether the active snapshot sees in the table the rows that the one did under
 * which the version was taken.  same_snapshot says that its key is the same.  That is not
 * enough by itself: a function within a command that writes to the table sees, by one
 * snapshot after another with the same key, the rows that the command has written so far.
 */
bool
TableVersionIsCurrent(const TableVersion *version, bool same_snapshot)
{
	Relation	rel = try_table_open(version->table, AccessShareLock);
	bool		same;

	if (rel == NULL)
		return false;
	same = has_versions(rel, version->of_ledger) &&
		(same_snapshot || (version->settled && has_ended(version->newest))) &&
		rel->rd_rel->relfilenode == version->file &&
		RelationGetNumberOfBlocks(rel) == version->npages;
	/* Under SERIALIZABLE, who is told so has read the table, from before it looks. */
	if (same)
		PredicateLockRelation(rel, GetActiveSnapshot());
	for (BlockNumber i = 0; same && i < version->npages; i++)
	{
		Buffer		buffer = read_page(rel, i);

		same = BufferGetLSNAtomic(buffer) == version->lsn[i];
		UnlockReleaseBuffer(buffer);
	}
	table_close(rel, NoLock);
	return same;
}
