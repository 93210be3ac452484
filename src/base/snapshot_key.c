/*
 * snapshot_key.c
 *		Which rows a query sees, as a key for caches of table contents.
 *
 * Two MVCC snapshots of one backend see the same rows when both of these hold.
 *
 * - They see the same transactions of others.  For a fixed xmax the transactions
 *   in progress below it can only become fewer, so equal xmax and equal numbers of
 *   them are equal sets.
 * - They see the same changes of the backend's own: they belong to the same
 *   transaction, up to the same command, and nothing was rolled back between them.
 *   The command counter does not go back when a subtransaction aborts, so an abort
 *   counts a generation further, as does every end of a transaction.
 *
 * One thing the key does not tell: a volatile function that is called again and again
 * within a command sees the rows that this command has written so far (table_version.h
 * does tell that).
 */
#include "base/compat.h"

#include "access/xact.h"
#include "utils/snapmgr.h"

#include "base/snapshot_key.h"

/* Counts ends of transactions and aborts of subtransactions; 0 = not counting yet. */
static uint64 generation = 0;

static void
count_transaction_end(XactEvent event, void *arg pg_attribute_unused())
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
		case XACT_EVENT_PREPARE:
			generation++;
			break;
		default:
			break;
	}
}

static void
count_subtransaction_abort(SubXactEvent event,
						   SubTransactionId mySubid pg_attribute_unused(),
						   SubTransactionId parentSubid pg_attribute_unused(),
						   void *arg pg_attribute_unused())
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		generation++;
}

/* Remembers what the active snapshot sees; a snapshot of another kind than MVCC gives no key. */
void
SnapshotKeyTake(SnapshotKey *key)
{
	Snapshot	snapshot = ActiveSnapshotSet() ? GetActiveSnapshot() : NULL;

	memset(key, 0, sizeof(*key));
	if (snapshot == NULL || snapshot->snapshot_type != SNAPSHOT_MVCC)
		return;
	if (generation == 0)
	{
		generation = 1;
		RegisterXactCallback(count_transaction_end, NULL);
		RegisterSubXactCallback(count_subtransaction_abort, NULL);
	}
	key->generation = generation;
	key->xmin = snapshot->xmin;
	key->xmax = snapshot->xmax;
	key->xcnt = snapshot->xcnt;
	key->subxcnt = snapshot->subxcnt;
	key->suboverflowed = snapshot->suboverflowed;
	key->curcid = snapshot->curcid;
}

/* Says whether the active snapshot sees the same rows as the one that the key was taken of. */
bool
SnapshotKeyIsCurrent(const SnapshotKey *key)
{
	Snapshot	snapshot;

	if (key->generation == 0 || key->generation != generation || !ActiveSnapshotSet())
		return false;
	snapshot = GetActiveSnapshot();
	return snapshot->snapshot_type == SNAPSHOT_MVCC &&
		key->xmax == snapshot->xmax &&
		key->xmin == snapshot->xmin &&
		key->xcnt == snapshot->xcnt &&
		key->subxcnt == snapshot->subxcnt &&
		key->suboverflowed == snapshot->suboverflowed &&
		key->curcid == snapshot->curcid;
}
