/*
 * table_version.h
 *		What stands in a table, as a key for caches that outlive a snapshot.
 *
 * snapshot_key.h tells that two snapshots are one, and every statement has another.  But
 * a reference table hardly ever changes, and then all snapshots see the same rows in it.
 * A TableVersion is current if no page of the table has changed since it was taken, and
 * either the snapshot is the same, too, or all transactions that wrote what stands there
 * had ended both for the snapshot that was active then and for the one that is now.
 */
#ifndef COMPUTE_LEDGER_TABLE_VERSION_H
#define COMPUTE_LEDGER_TABLE_VERSION_H

#include "base/compat.h"

#include "access/xlogdefs.h"
#include "storage/block.h"

typedef struct TableVersion
{
	Oid			table;
	bool		of_ledger;		/* a table whose policies hide nothing from pg_database_owner */
	Oid			file;			/* another one after TRUNCATE, VACUUM FULL and the like */
	TransactionId newest;		/* that inserted or deleted a row that stands there */
	bool		settled;		/* it had ended for the snapshot that was active */
	BlockNumber npages;
	XLogRecPtr	lsn[FLEXIBLE_ARRAY_MEMBER];	/* of each page: the last change of it */
} TableVersion;

extern TableVersion *TableVersionTake(Oid table, bool of_ledger);
extern bool TableVersionIsCurrent(const TableVersion *version, bool same_snapshot);

#endif							/* COMPUTE_LEDGER_TABLE_VERSION_H */
