/*
 * book_current.c
 *		Whether a transaction sees the book of a pool as it is.
 *
 * A booking locks the row of its pool and leaves it as it is.  Whoever changes what the pool offers waits for that lock, and
 * then compares the limit with the book; at REPEATABLE READ and SERIALIZABLE that is the book of an older snapshot, and
 * nothing in the row tells.  But each booking writes a row of pool_month: their versions do.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#define BOOK_VERSION_QUERY \
	"SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', m.guests, m.month, m.xmin), ',' ORDER BY m.guests, m.month)" \
	" FROM compute_ledger.pool_month AS m WHERE m.pool OPERATOR(pg_catalog.=) $1"

/* Returns which versions of the rows a snapshot sees, of the book of a pool; InvalidSnapshot: the active one. */
static char *
book_version(int64 pool, Snapshot snapshot)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(pool)};
	char	   *version;

	if (plan == NULL)
	{
		SPIPlanPtr	p = SPI_prepare(BOOK_VERSION_QUERY, lengthof(types), types);

		if (p == NULL || SPI_keepplan(p) != 0)
			elog(ERROR, "could not prepare a query of the book of a pool");
		plan = p;
	}
	if (SPI_execute_snapshot(plan, values, NULL, snapshot, InvalidSnapshot, true, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the book of a pool");
	version = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	return version != NULL ? version : "";
}

/*
 * _book_current(pool bigint) -> boolean
 *
 * Whether nobody has booked in a pool, whose row is locked, since the snapshot was taken by which the transaction sees it.
 */
PG_FUNCTION_INFO_V1(_book_current);
Datum
_book_current(PG_FUNCTION_ARGS)
{
	bool		current = true;

	if (IsolationUsesXactSnapshot())
	{
		SPI_connect();
		current = strcmp(book_version(PG_GETARG_INT64(0), InvalidSnapshot), book_version(PG_GETARG_INT64(0), GetLatestSnapshot())) == 0;
		SPI_finish();
	}
	PG_RETURN_BOOL(current);
}
