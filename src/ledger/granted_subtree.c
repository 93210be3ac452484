/*
 * granted_subtree.c
 *		The accounts, or regions, that a role was given access to, with all that is under them.
 *
 * Every query of who does not see everything asks this first.  A statement that asks it of the tables takes longer than many
 * a query to plan and to start, and its plan goes by how large the tree of everybody is; here it is found by indexes, and takes
 * as long as what the role sees.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/rangetypes.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "base/key_table.h"

/* A tree: versions of what is in it, found by parent and by what they are of. */
typedef struct Tree
{
	const char *versions;
	const char *thing;			/* the column that says what a version is of */
	Oid			type;			/* of the column */
	RegProcedure equal;
} Tree;

static const Tree accounts_tree = {"account_version", "account", INT8OID, F_INT8EQ};
static const Tree regions_tree = {"region_version", "region", INT4OID, F_INT4EQ};

/* What has been found, and where to look. */
typedef struct SubtreeSearch
{
	const Tree *tree;
	KeyTable	children;
	KeyTable	versions;
	KeyTable	merges;			/* of accounts */
	TimestampTz now;
	HTAB	   *seen;
	List	   *found;			/* int64s, in memory; the search goes on along it */
} SubtreeSearch;

enum
{
	CHILD_PARENT,
	CHILD_THING,
	CHILD_VALID,
	CHILD_RECORDED,
	CHILD_COLUMNS
};

enum
{
	VERSION_THING,
	VERSION_VALID,
	VERSION_RECORDED,
	VERSION_COLUMNS
};

enum
{
	MERGE_INTO,
	MERGE_ACCOUNT,
	MERGE_AT,
	MERGE_RECORDED,
	MERGE_COLUMNS
};

static const RowColumn merge_columns[MERGE_COLUMNS] = {
	ROW_COLUMN("merged_into", INT8OID), ROW_COLUMN("account", INT8OID), ROW_COLUMN("at", TIMESTAMPTZOID), ROW_COLUMN("recorded", TSTZRANGEOID)
};

enum
{
	ACCESS_ROLE,
	ACCESS_KIND,
	ACCESS_ACCOUNT,
	ACCESS_REGION,
	ACCESS_COLUMNS
};

static const RowColumn access_columns[ACCESS_COLUMNS] = {
	ROW_COLUMN("role", REGROLEOID), ROW_COLUMN("kind", TEXTOID), ROW_COLUMN("account", INT8OID), ROW_COLUMN("region", INT4OID)
};

/* Opens what is read. */
static void
open_tree(SubtreeSearch *search, const Tree *tree)
{
	const RowColumn thing = ROW_COLUMN(tree->thing, tree->type);
	const RowColumn parent = ROW_COLUMN("parent", tree->type);
	const RowColumn valid = ROW_COLUMN("valid", TSTZRANGEOID);
	const RowColumn recorded = ROW_COLUMN("recorded", TSTZRANGEOID);
	const RowColumn child_columns[CHILD_COLUMNS] = {parent, thing, valid, recorded};
	const RowColumn version_columns[VERSION_COLUMNS] = {thing, valid, recorded};
	HASHCTL		control = {.keysize = sizeof(int64), .entrysize = sizeof(int64), .hcxt = CurrentMemoryContext};

	search->tree = tree;
	search->now = GetCurrentStatementStartTimestamp();
	search->found = NIL;
	search->seen = hash_create("compute_ledger subtree", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	KeyTableOpenCurrent(&search->children, tree->versions, child_columns, CHILD_COLUMNS, 1);
	KeyTableOpen(&search->versions, tree->versions, version_columns, VERSION_COLUMNS, 1);
	if (tree == &accounts_tree)
		KeyTableOpen(&search->merges, "account_merge", merge_columns, MERGE_COLUMNS, 1);
}

static void
close_tree(const SubtreeSearch *search)
{
	if (search->tree == &accounts_tree)
		KeyTableClose(&search->merges);
	KeyTableClose(&search->versions);
	KeyTableClose(&search->children);
}

/* Notes a thing, unless it has been found already. */
static void
note_thing(SubtreeSearch *search, int64 id)
{
	bool		found;

	hash_search(search->seen, &id, HASH_ENTER, &found);
	if (!found)
	{
		int64	   *copy = palloc(sizeof(int64));

		*copy = id;
		search->found = lappend(search->found, copy);
	}
}

/* The number of a thing as the tree's columns have it, and back. */
static Datum
thing_datum(const SubtreeSearch *search, int64 id)
{
	return search->tree->type == INT4OID ? Int32GetDatum((int32) id) : Int64GetDatum(id);
}

static int64
datum_thing(const SubtreeSearch *search, Datum value)
{
	return search->tree->type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
}

/* Whether a row is what is known now. */
static bool
is_known_now(const KeyTable *table, HeapTuple row, int recorded)
{
	bool		isnull;
	Datum		value = KeyTableValue(table, row, recorded, &isnull);

	return !isnull && (range_get_flags(DatumGetRangeTypeP(value)) & RANGE_UB_INF) != 0;
}

/* From when on a version is valid. */
static TimestampTz
valid_from(const KeyTable *table, HeapTuple row, int valid)
{
	TypeCacheEntry *ranges = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	bool		isnull;
	Datum		value = KeyTableValue(table, row, valid, &isnull);
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	if (isnull)
		return DT_NOBEGIN;
	range_deserialize(ranges, DatumGetRangeTypeP(value), &lower, &upper, &empty);
	return empty || lower.infinite ? DT_NOBEGIN : DatumGetTimestampTz(lower.val);
}

/*
 * Whether a thing is now where the version that begins then says: no later one has begun.  What has not begun will be where
 * its first version says.
 */
static bool
is_there(const SubtreeSearch *search, Datum thing, TimestampTz start)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	bool		there = true;

	KeyTableKey(&search->versions, &key, VERSION_THING, BTEqualStrategyNumber, search->tree->equal, thing);
	scan = KeyTableScan(&search->versions, &key, 1);
	while (there && (row = systable_getnext(scan)) != NULL)
	{
		TimestampTz other;

		if (!is_known_now(&search->versions, row, VERSION_RECORDED))
			continue;
		other = valid_from(&search->versions, row, VERSION_VALID);
		there = start <= search->now ? other <= start || other > search->now : other >= start;
	}
	systable_endscan(scan);
	return there;
}

/* Notes what is directly under a thing. */
static void
note_children(SubtreeSearch *search, int64 parent)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	KeyTableKey(&search->children, &key, CHILD_PARENT, BTEqualStrategyNumber, search->tree->equal, thing_datum(search, parent));
	scan = KeyTableScan(&search->children, &key, 1);
	while ((row = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		Datum		thing = KeyTableValue(&search->children, row, CHILD_THING, &isnull);

		if (!isnull && is_known_now(&search->children, row, CHILD_RECORDED) && is_there(search, thing, valid_from(&search->children, row, CHILD_VALID)))
			note_thing(search, datum_thing(search, thing));
	}
	systable_endscan(scan);
}

/* Notes the accounts that were merged into one. */
static void
note_merged(SubtreeSearch *search, int64 account)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	KeyTableKey(&search->merges, &key, MERGE_INTO, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account));
	scan = KeyTableScan(&search->merges, &key, 1);
	while ((row = systable_getnext(scan)) != NULL)
	{
		bool		no_merged;
		bool		no_at;
		Datum		merged = KeyTableValue(&search->merges, row, MERGE_ACCOUNT, &no_merged);
		Datum		at = KeyTableValue(&search->merges, row, MERGE_AT, &no_at);

		if (!no_merged && !no_at && is_known_now(&search->merges, row, MERGE_RECORDED) && DatumGetTimestampTz(at) <= search->now)
			note_thing(search, DatumGetInt64(merged));
	}
	systable_endscan(scan);
}

/* Notes what was granted with access of a kind to a role, or to one of which it has the rights. */
static void
note_granted(SubtreeSearch *search, text *kind, Oid role)
{
	KeyTable	access;
	SysScanDesc scan;
	HeapTuple	row;

	KeyTableOpen(&access, "ledger_access", access_columns, ACCESS_COLUMNS, 0);
	scan = KeyTableScan(&access, NULL, 0);
	while ((row = systable_getnext(scan)) != NULL)
	{
		bool		no_role;
		bool		no_kind;
		bool		no_thing;
		Datum		granted = KeyTableValue(&access, row, ACCESS_ROLE, &no_role);
		Datum		given = KeyTableValue(&access, row, ACCESS_KIND, &no_kind);
		Datum		thing = KeyTableValue(&access, row, search->tree == &accounts_tree ? ACCESS_ACCOUNT : ACCESS_REGION, &no_thing);

		if (no_role || no_kind || no_thing || !DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, given, PointerGetDatum(kind))))
			continue;
		if (SearchSysCacheExists1(AUTHOID, granted) && has_privs_of_role(role, DatumGetObjectId(granted)))
			note_thing(search, datum_thing(search, thing));
	}
	systable_endscan(scan);
	KeyTableClose(&access);
}

/*
 * _granted_subtree(kind text, role name) -> setof bigint
 *
 * 42704 where there is no such role.
 */
PG_FUNCTION_INFO_V1(granted_subtree);
Datum
granted_subtree(PG_FUNCTION_ARGS)
{
	text	   *kind = PG_GETARG_TEXT_PP(0);
	Oid			role = get_role_oid(NameStr(*PG_GETARG_NAME(1)), false);
	bool		is_agent = VARSIZE_ANY_EXHDR(kind) == strlen("agent") && memcmp(VARDATA_ANY(kind), "agent", strlen("agent")) == 0;
	ReturnSetInfo *result;
	SubtreeSearch		search;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	open_tree(&search, is_agent ? &regions_tree : &accounts_tree);
	note_granted(&search, kind, role);
	for (int i = 0; i < list_length(search.found); i++)
	{
		int64		id = *(int64 *) list_nth(search.found, i);
		Datum		value = Int64GetDatum(id);
		bool		isnull = false;

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(result->setResult, result->setDesc, &value, &isnull);
		note_children(&search, id);
		if (!is_agent)
			note_merged(&search, id);
	}
	close_tree(&search);
	return (Datum) 0;
}
