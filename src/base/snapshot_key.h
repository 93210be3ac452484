/*
 * snapshot_key.h
 *		Which rows a query sees, as a key for caches of table contents.
 *
 * A function that reads a table may be called a million times in one query.  What
 * it has read once stays right for as long as the same rows are visible; a relcache
 * invalidation does not tell, because INSERT sends none.  Keep a SnapshotKey beside
 * what was read, and read again when it is no longer current; call_cache.h does so.
 */
#ifndef COMPUTE_LEDGER_SNAPSHOT_KEY_H
#define COMPUTE_LEDGER_SNAPSHOT_KEY_H

#include "postgres.h"

/* All zeros is never current. */
typedef struct SnapshotKey
{
	uint64		generation;		/* of this backend's own past; 0 = no key */
	TransactionId xmin;
	TransactionId xmax;
	uint32		xcnt;
	int32		subxcnt;
	bool		suboverflowed;
	CommandId	curcid;
} SnapshotKey;

extern void SnapshotKeyTake(SnapshotKey *key);
extern bool SnapshotKeyIsCurrent(const SnapshotKey *key);

#endif							/* COMPUTE_LEDGER_SNAPSHOT_KEY_H */
