/*
 * caller.c
 *		Who may call the ledger's functions at all.
 *
 * The ledger belongs to the owner of the database: its tables, with whatever triggers, defaults and policies he gives
 * them, and the functions that begin with _.  Who calls one of its functions runs that owner's code with his own rights,
 * as everybody does who writes to a table of another's.  A superuser would so give the owner all rights there are.
 * Giving them up with SET ROLE or SET SESSION AUTHORIZATION does not help: what the owner wrote can undo either.  What
 * counts is also who has logged in, and of whom that one is a member.  What a former owner left is his as long as its tables are.
 *
 * So every function for users asks here first, before anything of the owner's is looked at.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/refuse.h"

/*
 * Returns a superuser that a role can become: itself, or one that it is a member of, however far; InvalidOid if there is
 * none.
 */
static Oid
superuser_behind(Oid role)
{
	List	   *roles = list_make1_oid(role);
	Oid			found = InvalidOid;
	ListCell   *cell;

	/* those of which it is a member come after it */
	foreach(cell, roles)
	{
		Oid			member = lfirst_oid(cell);
		CatCList   *memberships;

		if (superuser_arg(member))
		{
			found = member;
			break;
		}
		memberships = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(member));
		for (int i = 0; i < memberships->n_members; i++)
			roles = list_append_unique_oid(roles, ((Form_pg_auth_members) GETSTRUCT(&memberships->members[i]->tuple))->roleid);
		ReleaseSysCacheList(memberships);
	}
	list_free(roles);
	return found;
}

/* Returns the owner of the database. */
static Oid
database_owner(void)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
	ReleaseSysCache(tuple);
	return owner;
}

/* Returns the owner of the ledger's tables, who was the database's when they were made; InvalidOid without a ledger. */
static Oid
ledger_owner(void)
{
	Oid			schema = get_namespace_oid("compute_ledger", true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid("ledger_version", schema) : InvalidOid;
	HeapTuple	tuple = OidIsValid(relid) ? SearchSysCache1(RELOID, ObjectIdGetDatum(relid)) : NULL;
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/*
 * Returns the superuser that calls, or that who calls can become: his rights are those of now, or can be had back.
 * Within a security-restricted operation, as REFRESH MATERIALIZED VIEW, nobody changes roles and no trigger is deferred,
 * and who began it does not matter.  InvalidOid if there is none.
 */
static Oid
calling_superuser(void)
{
	if (superuser_arg(GetUserId()))
		return GetUserId();
	if (InSecurityRestrictedOperation())
		return InvalidOid;
	if (superuser_arg(GetAuthenticatedUserId()))
		return GetAuthenticatedUserId();
	/* SET ROLE goes by the memberships of the session's user */
	return superuser_behind(GetSessionUserId());
}

/*
 * _check_caller() -> void
 *
 * Raises 42501 where who logged in, the session's user or the current role is a superuser, or the session's user a member
 * of one, and the owner of the database, or of the ledger, is none.  Reads catalogs only.
 */
PG_FUNCTION_INFO_V1(_check_caller);
Datum
_check_caller(PG_FUNCTION_ARGS pg_attribute_unused())
{
	Oid			superuser = calling_superuser();
	Oid			owner;
	bool		is_database;

	if (!OidIsValid(superuser))
		PG_RETURN_VOID();
	owner = database_owner();
	is_database = OidIsValid(superuser_behind(owner));
	if (is_database)
	{
		owner = ledger_owner();
		if (!OidIsValid(owner) || OidIsValid(superuser_behind(owner)))
			PG_RETURN_VOID();
	}
	HideOwnContext();
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("a superuser cannot use a ledger whose owner is not a superuser"),
			 superuser == GetSessionUserId() || superuser == GetUserId() || superuser == GetAuthenticatedUserId() ?
			 errdetail("The owner's code would run with all rights, and could take back those that SET ROLE gives up.") :
			 errdetail("Role \"%s\" is a member of superuser \"%s\", which the owner's code could become.",
					   GetUserNameFromId(GetSessionUserId(), true), GetUserNameFromId(superuser, true)),
			 is_database ?
			 errhint("The database belonged to role \"%s\" when the ledger was made, and its tables still do: let it belong to that role again.",
					 GetUserNameFromId(owner, true)) :
			 errhint("Connect as the owner of the database, or as a role that grant_access() was given for.")));
}
