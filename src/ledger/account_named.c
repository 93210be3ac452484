/*
 * account_named.c
 *		The account that has a name.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "base/key_table.h"

enum
{
	ACCOUNT_NAME,
	ACCOUNT_ID,
	ACCOUNT_COLUMNS
};

static const RowColumn account_columns[ACCOUNT_COLUMNS] = {ROW_COLUMN("name", TEXTOID), ROW_COLUMN("id", INT8OID)};

enum
{
	VERSION_ACCOUNT,
	VERSION_VALID,
	VERSION_RECORDED,
	VERSION_COLUMNS
};

static const RowColumn version_columns[VERSION_COLUMNS] = {
	ROW_COLUMN("account", INT8OID), ROW_COLUMN("valid", TSTZRANGEOID), ROW_COLUMN("recorded", TSTZRANGEOID)
};

/* Whether an account is valid at an instant, as it is recorded now. */
static bool
is_valid_at(Datum account, Datum at)
{
	TypeCacheEntry *ranges = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	KeyTable	versions;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	bool		found = false;

	KeyTableOpen(&versions, "account_version", version_columns, VERSION_COLUMNS, 1);
	KeyTableKey(&versions, &key, VERSION_ACCOUNT, BTEqualStrategyNumber, F_INT8EQ, account);
	scan = KeyTableScan(&versions, &key, 1);
	while (!found && (row = systable_getnext(scan)) != NULL)
	{
		bool		no_recorded;
		bool		no_valid;
		Datum		recorded = KeyTableValue(&versions, row, VERSION_RECORDED, &no_recorded);
		Datum		valid = KeyTableValue(&versions, row, VERSION_VALID, &no_valid);

		found = !no_recorded && !no_valid && (range_get_flags(DatumGetRangeTypeP(recorded)) & RANGE_UB_INF) != 0 &&
			range_contains_elem_internal(ranges, DatumGetRangeTypeP(valid), at);
	}
	systable_endscan(scan);
	KeyTableClose(&versions);
	return found;
}

/*
 * _account_named(name text, at timestamptz) -> bigint
 *
 * The account that has a name, if it is valid at an instant, as the caller's snapshot has it; else NULL.
 */
PG_FUNCTION_INFO_V1(account_named);
Datum
account_named(PG_FUNCTION_ARGS)
{
	KeyTable	accounts;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	Datum		account = (Datum) 0;
	bool		isnull = true;

	KeyTableOpen(&accounts, "account", account_columns, ACCOUNT_COLUMNS, 1);
	KeyTableKey(&accounts, &key, ACCOUNT_NAME, BTEqualStrategyNumber, F_TEXTEQ, PG_GETARG_DATUM(0));
	scan = KeyTableScan(&accounts, &key, 1);
	if ((row = systable_getnext(scan)) != NULL)
		account = KeyTableValue(&accounts, row, ACCOUNT_ID, &isnull);
	systable_endscan(scan);
	KeyTableClose(&accounts);
	if (isnull || !is_valid_at(account, PG_GETARG_DATUM(1)))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(account);
}
