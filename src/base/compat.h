/*
 * compat.h
 *		The one place that knows PostgreSQL versions (15 to 18).
 *
 * Everything else in this extension is written against the newest API.
 */
#ifndef COMPUTE_LEDGER_COMPAT_H
#define COMPUTE_LEDGER_COMPAT_H

#include "postgres.h"
#include "fmgr.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"				/* split off postgres.h */
#endif

#if PG_VERSION_NUM < 150000
#error "compute_ledger needs PostgreSQL 15 or newer"
#endif

/*
 * The mark of a function that does not return moved to the front with PostgreSQL 18.
 */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/*
 * The number of a process's transaction moved with PostgreSQL 17.
 */
#if PG_VERSION_NUM < 170000
#define LocalTransactionOf(proc) ((proc)->lxid)
#else
#define LocalTransactionOf(proc) ((proc)->vxid.lxid)
#endif

/*
 * Soft errors came with PostgreSQL 16.  Before that an input function has no
 * escontext, and the same ereturn() throws.
 */
#if PG_VERSION_NUM < 160000
#define ereturn_domain(context, dummy_value, domain, ...) \
	do { \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#define ereturn(context, dummy_value, ...) \
	ereturn_domain(context, dummy_value, TEXTDOMAIN, __VA_ARGS__)
#define SOFT_ERROR_OCCURRED(escontext) (false)
#else
#include "nodes/miscnodes.h"
#endif

/*
 * Calling an input function softly, with the error instead of an exception.  Before
 * PostgreSQL 16 that takes a subtransaction, so that whoever wants speed tells the
 * common bad values by himself.  Only what is wrong with the value is caught (class 22,
 * our own class LC, limits, class 54, and an escaped character that the database's encoding has not: that
 * is 0A000 before PostgreSQL 16, and 22P05 since).  *error may be wanted (errors != NULL) or not.  A user
 * of this defines COMPAT_INPUT_SOFTLY.
 */
#ifdef COMPAT_INPUT_SOFTLY
#if PG_VERSION_NUM < 160000
#include "access/xact.h"
#include "base/errcodes.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
static inline bool
InputSoftly(PGFunction function, char *str, Oid typioparam, int32 typmod, Datum *result, ErrorData **error)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		*result = DirectFunctionCall3(function, CStringGetDatum(str), ObjectIdGetDatum(typioparam),
									  Int32GetDatum(typmod));
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		ErrorData  *caught;
		int			category;

		MemoryContextSwitchTo(context);
		caught = CopyErrorData();
		if (caught->sqlerrcode == ERRCODE_FEATURE_NOT_SUPPORTED)
			caught->sqlerrcode = ERRCODE_UNTRANSLATABLE_CHARACTER;
		category = ERRCODE_TO_CATEGORY(caught->sqlerrcode);
		if (category != ERRCODE_DATA_EXCEPTION && category != ERRCODE_PROGRAM_LIMIT_EXCEEDED &&
			category != ERRCODE_TO_CATEGORY(ERRCODE_CL_UNKNOWN_BASIS))
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (error != NULL)
			*error = caught;
		else
			FreeErrorData(caught);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}
#else
static inline bool
InputSoftly(PGFunction function, char *str, Oid typioparam, int32 typmod, Datum *result, ErrorData **error)
{
	ErrorSaveContext escontext = {.type = T_ErrorSaveContext,.details_wanted = error != NULL};

	if (DirectInputFunctionCallSafe(function, str, typioparam, typmod, (Node *) &escontext, result))
		return true;
	if (error != NULL)
		*error = escontext.error_data;
	return false;
}
#endif
#endif

/*
 * Building a range got a soft-error context with PostgreSQL 16, too.
 */
#if PG_VERSION_NUM < 160000
#include "utils/rangetypes.h"
#define make_range(typcache, lower, upper, empty, escontext) \
	make_range(typcache, lower, upper, empty)
#endif

/*
 * Intervals have been finite until PostgreSQL 17.
 */
#if PG_VERSION_NUM < 170000
#define INTERVAL_NOT_FINITE(interval) ((void) (interval), false)
#endif

/*
 * Reindexing a table learned from PostgreSQL 17 on for which statement it is.  A user of this includes
 * catalog/index.h first.
 */
#if PG_VERSION_NUM < 170000
#define ReindexRelation(relid, flags, params) reindex_relation(relid, flags, params)
#else
#define ReindexRelation(relid, flags, params) reindex_relation(NULL, relid, flags, params)
#endif

/*
 * The statistics target of a column left its pg_attribute row with PostgreSQL
 * 17.  A user of this includes commands/vacuum.h.
 */
#if PG_VERSION_NUM < 170000
#define VacAttrStatsTarget(stats) ((stats)->attr->attstattarget)
#else
#define VacAttrStatsTarget(stats) ((stats)->attstattarget)
#endif

#endif							/* COMPUTE_LEDGER_COMPAT_H */
