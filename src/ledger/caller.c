/*
 * caller.c
 *		Who may call the ledger's functions at all.
 *
 * The ledger belongs to the owner of the database: its tables, with whatever triggers, defaults and policies he gives
 * them, and the functions that begin with _.  Who calls one of its functions runs that owner's code with his own rights,
 * as everybody does who writes to a table of another's.  A superuser would so give the owner all rights there are.
 * Giving them up with SET ROLE or SET SESSION AUTHORIZATION does not help: what the owner wrote can undo either.  What
 * counts is also who has logged in.
 *
 * So every function for users asks here first, before anything of the owner's is looked at.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_database.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/syscache.h"

#include "base/refuse.h"

/* Says whether the database belongs to a superuser. */
static bool
database_is_superusers(void)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
	ReleaseSysCache(tuple);
	return superuser_arg(owner);
}

/*
 * Says whether a superuser calls: his rights are those of now, or can be had back.  Within a security-restricted operation,
 * as REFRESH MATERIALIZED VIEW, nobody changes roles and no trigger is deferred, and who began it does not matter.
 */
static bool
caller_is_superuser(void)
{
	if (superuser_arg(GetUserId()))
		return true;
	if (InSecurityRestrictedOperation())
		return false;
	return superuser_arg(GetAuthenticatedUserId()) || superuser_arg(GetSessionUserId());
}

/*
 * _check_caller() -> void
 *
 * Raises 42501 where who logged in, the session's user or the current role is a superuser, and the owner of the database
 * is none.  Reads catalogs of the server only.
 */
PG_FUNCTION_INFO_V1(_check_caller);
Datum
_check_caller(PG_FUNCTION_ARGS pg_attribute_unused())
{
	if (caller_is_superuser() && !database_is_superusers())
	{
		HideOwnContext();
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a superuser cannot use a ledger whose owner is not a superuser"),
				 errdetail("The owner's code would run with all rights, and could take back those that SET ROLE gives up."),
				 errhint("Connect as the owner of the database, or as a role that grant_access() was given for.")));
	}
	PG_RETURN_VOID();
}
