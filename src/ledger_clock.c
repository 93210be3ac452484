/*
 * ledger_clock.c
 *		The recorded time of what a transaction writes to the ledger.
 *
 * Rows of the ledger are stamped with the instant at which they were recorded, and a
 * bill is computed from the rows stamped up to some instant.  That can be repeated only
 * if no row with a lower stamp becomes visible later.  So every writer holds, from
 * before it takes its stamp until its end, a shared advisory lock whose key is the
 * second in which it took the lock.  Whoever sees no such lock of a second or
 * earlier, and then takes a snapshot, sees everything that will ever be stamped before
 * that second: locks are released after a commit has become visible, and a writer
 * that comes later takes a later stamp.
 *
 * That rests on the clock, and a clock can be set back, above all by promoting a
 * standby whose clock is behind.  So watermarks that matter are stored (table
 * ledger_mark), and no stamp is at or below one that is stored.
 *
 * The keys are two-part: LEDGER_CLOCK_LOCK, and seconds since 2000-01-01 UTC.  Both
 * are visible in pg_locks, prepared transactions included; ledger_watermark() reads
 * them there.
 */
#include "compat.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* First key of the advisory locks; extension/50-ledger.sql names it too. */
#define LEDGER_CLOCK_LOCK	0x434c636b	/* "CLck" */

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
	TimestampTz highest = DT_NOBEGIN;
	Oid			schema = get_namespace_oid("compute_ledger", true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid("ledger_mark", schema) : InvalidOid;
	Relation	rel = OidIsValid(relid) ? try_table_open(relid, AccessShareLock) : NULL;
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;

	if (rel == NULL)
		return highest;
	if (RelationGetDescr(rel)->natts >= 1 && TupleDescAttr(RelationGetDescr(rel), 0)->atttypid == TIMESTAMPTZOID &&
		rel->rd_rel->relkind == RELKIND_RELATION)
	{
		snapshot = RegisterSnapshot(GetLatestSnapshot());
		scan = table_beginscan(rel, snapshot, 0, NULL);
		slot = table_slot_create(rel, NULL);
		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			bool		isnull;
			Datum		mark = slot_getattr(slot, 1, &isnull);

			if (!isnull)
				highest = Max(highest, DatumGetTimestampTz(mark));
		}
		ExecDropSingleTupleTableSlot(slot);
		table_endscan(scan);
		UnregisterSnapshot(snapshot);
	}
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
		int64		second = GetCurrentTimestamp() / USECS_PER_SEC;
		TimestampTz mark;

		DirectFunctionCall2(pg_advisory_xact_lock_shared_int4,
							Int32GetDatum(LEDGER_CLOCK_LOCK), Int32GetDatum((int32) second));
		/* only now: a mark that is stored later, by one who sees the lock, is below it */
		mark = highest_mark();
		/* never before the lock's second, whatever was done to the clock */
		stamp = Max(GetCurrentTimestamp(), second * USECS_PER_SEC);
		if (!TIMESTAMP_NOT_FINITE(mark))
			stamp = Max(stamp, mark + 1);
		stamp_owner = GetCurrentSubTransactionId();
	}
	PG_RETURN_TIMESTAMPTZ(stamp);
}
