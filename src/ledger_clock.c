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
 * The keys are two-part: LEDGER_CLOCK_LOCK, and seconds since 2000-01-01 UTC.  Both
 * are visible in pg_locks, prepared transactions included; ledger_watermark() reads
 * them there.
 */
#include "compat.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* First key of the advisory locks; extension/50-ledger.sql names it too. */
#define LEDGER_CLOCK_LOCK	0x434c636b	/* "CLck" */

/* This transaction's stamp, and the subtransaction that its lock belongs to. */
static TimestampTz stamp;
static SubTransactionId stamp_owner = InvalidSubTransactionId;

/* Forgets the stamp with its transaction. */
static void
end_of_transaction(XactEvent event, void *arg)
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
end_of_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (stamp_owner != mine)
		return;
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		stamp_owner = parent;
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		stamp_owner = InvalidSubTransactionId;
}

/*
 * ledger_stamp() -> timestamptz
 *
 * The instant at which this transaction's rows are recorded: the same for all of
 * them, later than every stamp below the watermark.
 */
PG_FUNCTION_INFO_V1(ledger_stamp);
Datum
ledger_stamp(PG_FUNCTION_ARGS)
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

		DirectFunctionCall2(pg_advisory_xact_lock_shared_int4,
							Int32GetDatum(LEDGER_CLOCK_LOCK), Int32GetDatum((int32) second));
		/* never before the lock's second, whatever was done to the clock */
		stamp = Max(GetCurrentTimestamp(), second * USECS_PER_SEC);
		stamp_owner = GetCurrentSubTransactionId();
	}
	PG_RETURN_TIMESTAMPTZ(stamp);
}
