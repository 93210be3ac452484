/*
 * kept_rows.h
 *		Answers of a query, kept by the backend for as long as the tables that they come from stay the same.
 *
 * A call site's cache (call_cache.h) ends with its statement.  Where one statement after the other asks little, and the
 * answer comes from tables that hardly ever change, a backend keeps some answers, all under one version of each of these
 * tables (table_version.h).
 */
#ifndef COMPUTE_LEDGER_KEPT_ROWS_H
#define COMPUTE_LEDGER_KEPT_ROWS_H

#include "base/compat.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "base/table_version.h"

#define KEPT_ROWS_TABLES	12
#define KEPT_ROWS_ARGUMENTS	8

/* An answer: its rows, and the arguments that it is for, as bytes. */
typedef struct KeptAnswer
{
	MemoryContext context;
	uint32		hash;
	int			size;
	char	   *key;
	uint64		nrows;
	TupleDesc	desc;
	HeapTuple  *rows;
} KeptAnswer;

/* One function's answers; zeros from "versions" on mean that there are none. */
typedef struct KeptRows
{
	const char *query;			/* what is asked, of the function's arguments */
	const char *tables[KEPT_ROWS_TABLES];	/* all that it reads, of schema compute_ledger */
	int			most;			/* answers that are kept */
	int			largest;		/* rows of one that is; 0: any number */
	TableVersion *versions[KEPT_ROWS_TABLES];
	KeptAnswer *answers;
	int			nanswers;
	int			next;			/* the one to be replaced when there is no room */
	SPIPlanPtr	plan;			/* of the query, for arguments of these types */
	Oid			planned[KEPT_ROWS_ARGUMENTS];
} KeptRows;

extern const KeptAnswer *KeptRowsAsk(KeptRows *kept, int nargs, Oid *types, Datum *values, const bool *nulls);
extern Datum KeptRowsReturn(FunctionCallInfo fcinfo, KeptRows *kept);

#endif							/* COMPUTE_LEDGER_KEPT_ROWS_H */
