/*
 * ledger_clock.c
 *		The recorded time of what a transaction writes to the ledger.
 *
 * Rows of the ledger are stamped with the instant at which they were recorded, and a
 * bill is computed from the rows stamped up to some instant.  That can be repeated only
 * if no row with a lower stamp becomes visible later.  So every writer holds, from
 * before it takes its stamp until its end, a shared advisory lock whose key is the
 * time just before it took the lock.  Whoever reads the clock, then sees no such lock of an
 * instant or earlier, and then takes a snapshot, sees everything that will ever be stamped
 * up to that instant and what the clock said: locks are released after a commit has become
 * visible, a stamp is not before the key of its lock, and a writer whose lock was not there
 * yet takes a stamp later than what the clock said.
 *
 * That rests on the clock, and a clock can be set back, above all by promoting a
 * standby whose clock is behind.  So watermarks that matter are stored (table
 * ledger_mark), and no stamp is at or below one that is stored.
 *
 * The keys are microseconds since 2000-01-01 UTC, of a class of their own, so that no other
 * advisory lock is mistaken for one.  They are visible in pg_locks, prepared transactions
 * included; ledger_writers() reads them there.  Who waits for a writer takes the same lock
 * exclusively for a moment, so that the detector of deadlocks knows of it; a key is never
 * given out again, so that nobody else has to wait for who waits.
 */
#include "base/compat.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/row_columns.h"

/* Class of the advisory locks, where core's functions have 1 and 2; extension/080-ledger.sql names it too. */
#define LEDGER_CLOCK_CLASS	0x434c	/* "CL" */

/* Says which lock a writer with this key holds. */
static void
set_clock_tag(LOCKTAG *tag, TimestampTz key)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, (uint32) ((uint64) key >> 32), (uint32) key, LEDGER_CLOCK_CLASS);
}

/* This transaction's stamp, and the subtransaction that its lock belongs to. */
static TimestampTz stamp;
static SubTransactionId stamp_owner = InvalidSubTransactionId;

/* Forgets the stamp with its transaction. */
static void
end_of_transaction(XactEvent event, void *arg pg_attribute_unused())
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			stamp_owner = InvalidSubTransactionId;
			break;
		default:
			break;
	}
}

/*
 * A lock taken in a subtransaction goes to its parent at the end, or is released when
 * it is rolled back; what was stamped under it is gone then, too.
 */
static void
end_of_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
					  void *arg pg_attribute_unused())
{
	if (stamp_owner != mine)
		return;
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		stamp_owner = parent;
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		stamp_owner = InvalidSubTransactionId;
}

/*
 * Returns the highest stored watermark, DT_NOBEGIN if there is none or no ledger.
 *
 * Reads the table as it is now, not as this transaction sees it, and on nobody's
 * behalf: who may stamp need not be allowed to read it.
 */
static TimestampTz
highest_mark(void)
{
	static const RowColumn column = ROW_COLUMN("watermark", TIMESTAMPTZOID);
	TimestampTz highest = DT_NOBEGIN;
	Oid			schema = get_namespace_oid("compute_ledger", true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid("ledger_mark", schema) : InvalidOid;
	Relation	rel = OidIsValid(relid) ? try_table_open(relid, AccessShareLock) : NULL;
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;
	int			number;

	if (rel == NULL)
		return highest;
	if (rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(rel))));
	number = RowColumnNumber(RelationGetDescr(rel), RelationGetRelationName(rel), &column);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = table_beginscan(rel, snapshot, 0, NULL);
	slot = table_slot_create(rel, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		mark = slot_getattr(slot, number, &isnull);

		if (!isnull)
			highest = Max(highest, DatumGetTimestampTz(mark));
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
	return highest;
}

/*
 * ledger_stamp() -> timestamptz
 *
 * The instant at which this transaction's rows are recorded: the same for all of
 * them, later than every stamp below the watermark.
 */
PG_FUNCTION_INFO_V1(ledger_stamp);
Datum
ledger_stamp(PG_FUNCTION_ARGS pg_attribute_unused())
{
	static bool registered = false;

	PreventCommandIfReadOnly("ledger_stamp()");
	PreventCommandDuringRecovery("ledger_stamp()");
	if (!registered)
	{
		RegisterXactCallback(end_of_transaction, NULL);
		RegisterSubXactCallback(end_of_subtransaction, NULL);
		registered = true;
	}
	if (stamp_owner == InvalidSubTransactionId)
	{
		TimestampTz key = GetCurrentTimestamp();
		TimestampTz mark;
		LOCKTAG		tag;

		/* a worker's lock would go before its leader's commit */
		if (IsInParallelMode())
			ereport(ERROR,
					errcode(ERRCODE_INVALID_TRANSACTION_STATE),
					errmsg("cannot take a recorded time during a parallel operation"));
		set_clock_tag(&tag, key);
		(void) LockAcquire(&tag, ShareLock, false, false);
		/* only now: a mark that is stored later, by one who sees the lock, is below it */
		mark = highest_mark();
		/* never before the lock's key, whatever was done to the clock */
		stamp = Max(GetCurrentTimestamp(), key);
		if (!TIMESTAMP_NOT_FINITE(mark))
			stamp = Max(stamp, mark + 1);
		stamp_owner = GetCurrentSubTransactionId();
	}
	PG_RETURN_TIMESTAMPTZ(stamp);
}

/*
 * _own_stamp() -> timestamptz
 *
 * What ledger_stamp() has returned in this transaction; NULL if nothing is recorded under it.
 */
PG_FUNCTION_INFO_V1(own_stamp);
Datum
own_stamp(PG_FUNCTION_ARGS pg_attribute_unused())
{
	if (stamp_owner == InvalidSubTransactionId)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(stamp);
}

/*
 * _await_writer(since timestamptz) -> void
 *
 * Waits for the end of the writers whose lock has this key.  55P03 after lock_timeout.
 */
PG_FUNCTION_INFO_V1(await_writer);
Datum
await_writer(PG_FUNCTION_ARGS)
{
	LOCKTAG		tag;

	set_clock_tag(&tag, PG_GETARG_TIMESTAMPTZ(0));
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	LockRelease(&tag, ExclusiveLock, false);
	PG_RETURN_VOID();
}
