/*
 * usage_names.c
 *		What the names in a batch of usage mean: each is looked up once.
 *
 * Accounts and accelerators, of which there may be many, are noted first and looked up all at once; regions and reservations
 * one by one as they come.  Everything is as the active snapshot has it, and lives in the memory of the batch.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/multirangetypes.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "base/row_columns.h"
#include "usage/usage_names.h"

/* ---- a table of what was looked up ---- */

typedef enum NameKind
{
	NAME_SOURCE,
	NAME_ACCOUNT,
	NAME_REGION,
	NAME_CHIP,
	NAME_KIND,
	NAME_RESERVATION
} NameKind;

typedef struct NameKey
{
	uint32		hash;
	int			kind;
	const void *within;			/* source of a chip, chip of a kind, region of a reservation */
	Size		len;
	const char *name;
} NameKey;

typedef struct NameEntry
{
	char		status;
	NameKey		key;
	void	   *meaning;
} NameEntry;

#define SH_PREFIX		name_table
#define SH_ELEMENT_TYPE	NameEntry
#define SH_KEY_TYPE		NameKey
#define SH_KEY			key
#define SH_HASH_KEY(table, key)		(key).hash
#define SH_EQUAL(table, a, b) \
	((a).kind == (b).kind && (a).within == (b).within && (a).len == (b).len && memcmp((a).name, (b).name, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry)	(entry)->key.hash
#define SH_SCOPE		static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define MAX_ARGUMENTS	11		/* of a function that is asked */

/* Names that are looked up all at once. */
typedef struct AskedNames
{
	int			count;
	int			room;
	Datum	   *names;
	Datum	   *systems;		/* of accelerators */
	void	  **meanings;
} AskedNames;

struct UsageNames
{
	MemoryContext context;
	int32		basis;			/* code */
	name_table_hash *table;
	AskedNames	accounts;
	AskedNames	chips;
	FmgrInfo	account_id;		/* functions that are asked, once they were */
	FmgrInfo	region_id;
	FmgrInfo	add_kind;
	FmgrInfo	reservations_named;
	FmgrInfo	reservation_at;
};

typedef struct Account
{
	bool		is_there;
	int64		id;
	bool		is_merged;
	MultirangeType *valid;		/* NULL: never */
} Account;

/* A kind of usage; those of one chip and one name of a region are kept together. */
typedef struct KindOfChip
{
	const UsageRate *rate;		/* NULL: none */
	text	   *measure;
	text	   *number_format;	/* NULL: not known */
	int32		number;			/* in usage_kind */
	struct KindOfChip *next;
} KindOfChip;

typedef struct Reservations
{
	int			count;
	Datum	   *ids;
	Datum		all;			/* the same as an array */
} Reservations;

/*
 * Returns where the meaning of a name is kept, which is NULL if it was not looked up before; until the next name is asked for.
 */
static void **
find_name(UsageNames *names, NameKind kind, const void *within, const text *name)
{
	NameKey		key = {.kind = kind,.within = within,.len = VARSIZE_ANY_EXHDR(name),.name = VARDATA_ANY(name)};
	NameEntry  *entry;
	bool		found;

	key.hash = hash_combine(hash_bytes((const unsigned char *) key.name, key.len), murmurhash32((uint32) kind) ^ (uint32) ((uintptr_t) within >> 4));
	entry = name_table_insert(names->table, key, &found);
	if (!found)
	{
		char	   *copy = MemoryContextAlloc(names->context, Max(key.len, 1));

		memcpy(copy, key.name, key.len);
		entry->key.name = copy;
		entry->meaning = NULL;
	}
	return &entry->meaning;
}

/* Notes a name that is to be looked up, and its meaning, which is not known yet. */
static void
ask_name(UsageNames *names, AskedNames *asked, text *name, text *system, void *meaning)
{
	MemoryContext old = MemoryContextSwitchTo(names->context);

	if (asked->count == asked->room)
	{
		asked->room = Max(256, asked->room * 2);
		if (asked->names == NULL)
		{
			asked->names = palloc(asked->room * sizeof(Datum));
			asked->systems = palloc(asked->room * sizeof(Datum));
			asked->meanings = palloc(asked->room * sizeof(void *));
		}
		else
		{
			asked->names = repalloc_huge(asked->names, asked->room * sizeof(Datum));
			asked->systems = repalloc_huge(asked->systems, asked->room * sizeof(Datum));
			asked->meanings = repalloc_huge(asked->meanings, asked->room * sizeof(void *));
		}
	}
	asked->names[asked->count] = datumCopy(PointerGetDatum(name), false, -1);
	asked->systems[asked->count] = PointerGetDatum(system);
	asked->meanings[asked->count] = meaning;
	asked->count++;
	MemoryContextSwitchTo(old);
}

/* Returns texts as an array. */
static Datum
text_array(Datum *texts, int count)
{
	return PointerGetDatum(construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Returns which of the names that were asked for a row of the answer is about, from its first column. */
static void *
asked_meaning(const AskedNames *asked, uint64 row)
{
	bool		isnull;
	int64		place = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1, &isnull));

	if (isnull || place < 1 || place > asked->count)
		elog(ERROR, "names in usage were looked up that nobody asked for");
	return asked->meanings[place - 1];
}

/* Returns the meaning of a name that was noted before. */
static void *
known_name(UsageNames *names, NameKind kind, const void *within, const text *name)
{
	void	   *meaning = *find_name(names, kind, within, name);

	if (meaning == NULL)
		elog(ERROR, "a name in usage was not there before");
	return meaning;
}

/* ---- what is asked ---- */

/* Copies a column of a row of a query's into the current memory context. */
static Datum
copy_column(uint64 row, int column, bool *isnull)
{
	Form_pg_attribute att = TupleDescAttr(SPI_tuptable->tupdesc, column);
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column + 1, isnull);

	if (*isnull)
		return (Datum) 0;
	if (att->attlen == -1)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(d));
	return datumCopy(d, att->attbyval, att->attlen);
}

/*
 * Finds a function of ours.  Its owner may have put another in its place: 42883 if there is none with these arguments, 42804 if
 * it returns something else.
 */
Oid
UsageFunction(const char *name, int nargs, const Oid *types, Oid result)
{
	Oid			number = LookupFuncName(list_make2(makeString("compute_ledger"), makeString(pstrdup(name))), nargs, types, false);

	if (get_func_rettype(number) != result || get_func_retset(number))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("function %s() does not return %s", name, format_type_be(result)),
				 errhint("Give it back the type that it had.")));
	return number;
}

/*
 * Asks a function of ours, whose plan is kept for the batch: what an account was merged into is asked for each row of it.  One
 * that is STABLE sees what the active snapshot does.  The answer is in the current memory context.
 */
static Datum
ask_function(UsageNames *names, FmgrInfo *function, const char *name, int nargs, const Oid *types, Oid result,
			 const NullableDatum *arguments, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, MAX_ARGUMENTS);
	Datum		answer;

	if (!OidIsValid(function->fn_oid))
		fmgr_info_cxt(UsageFunction(name, nargs, types, result), function, names->context);
	InitFunctionCallInfoData(*fcinfo, function, nargs, InvalidOid, NULL, NULL);
	memcpy(fcinfo->args, arguments, nargs * sizeof(NullableDatum));
	answer = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull;
	return answer;
}

/* ---- sources ---- */

enum
{
	SOURCE_NAME,
	SOURCE_NUMBER,
	SOURCE_LATEST,
	SOURCE_SYSTEM,
	SOURCE_TIME_ZONE,
	SOURCE_UNIX_SECONDS,
	SOURCE_LAST_KEY,
	SOURCE_COLUMNS
};

static const RowColumn source_columns[SOURCE_COLUMNS] = {
	ROW_COLUMN("source", TEXTOID), ROW_COLUMN("number", INT4OID), ROW_COLUMN("clock_tolerance", TIMESTAMPTZOID), ROW_COLUMN("system", TEXTOID),
	ROW_COLUMN("time_zone", TEXTOID), ROW_COLUMN("unix_seconds", BOOLOID), ROW_COLUMN("key", BYTEAOID)
};

/* Notes a source. */
static void
add_source(UsageNames *names, uint64 row)
{
	UsageSource *source = palloc0(sizeof(UsageSource));
	Datum		d[SOURCE_COLUMNS];
	bool		isnull[SOURCE_COLUMNS];

	for (int i = 0; i < SOURCE_COLUMNS; i++)
	{
		d[i] = copy_column(row, i, &isnull[i]);
		if (isnull[i] && i != SOURCE_TIME_ZONE && i != SOURCE_LAST_KEY && i != SOURCE_UNIX_SECONDS)
			RowNullError("usage_source", source_columns[i].name);
	}
	source->name = DatumGetTextP(d[SOURCE_NAME]);
	source->number = DatumGetInt32(d[SOURCE_NUMBER]);
	source->latest = DatumGetTimestampTz(d[SOURCE_LATEST]);
	source->system = DatumGetTextP(d[SOURCE_SYSTEM]);
	source->time_zone = isnull[SOURCE_TIME_ZONE] ? NULL : DatumGetTextP(d[SOURCE_TIME_ZONE]);
	source->unix_seconds = !isnull[SOURCE_UNIX_SECONDS] && DatumGetBool(d[SOURCE_UNIX_SECONDS]);
	source->last_key = isnull[SOURCE_LAST_KEY] ? NULL : DatumGetByteaP(d[SOURCE_LAST_KEY]);
	*find_name(names, NAME_SOURCE, NULL, source->name) = source;
}

/*
 * Begins a batch of some sources, with a stamp, in the basis with this code; zones has the time zones of sources, unix_sources are those that
 * write Unix seconds.
 */
UsageNames *
UsageNamesBegin(MemoryContext context, int32 basis, Datum sources, TimestampTz stamp,
				Datum zones, bool no_zones, Datum unix_sources, bool no_unix)
{
	UsageNames *names = MemoryContextAllocZero(context, sizeof(UsageNames));
	Oid			types[] = {TEXTARRAYOID, TIMESTAMPTZOID, JSONBOID, TEXTARRAYOID};
	Datum		values[] = {sources, TimestampTzGetDatum(stamp), zones, unix_sources};
	const char	nulls[] = {' ', ' ', no_zones ? 'n' : ' ', no_unix ? 'n' : ' '};
	MemoryContext old;

	names->context = context;
	names->basis = basis;
	names->table = name_table_create(context, 256, NULL);
	SPI_connect();
	if (SPI_execute_with_args("SELECT u.source, u.number, $2 OPERATOR(pg_catalog.+) u.clock_tolerance, coalesce(u.system, u.source),"
							  " $3 OPERATOR(pg_catalog.->>) u.source, u.source OPERATOR(pg_catalog.=) ANY ($4),"
							  " (SELECT e.key FROM compute_ledger.usage_key AS e"
							  " WHERE e.source OPERATOR(pg_catalog.=) u.number ORDER BY e.key DESC LIMIT 1)"
							  " FROM compute_ledger.usage_source AS u WHERE u.source OPERATOR(pg_catalog.=) ANY ($1)",
							  lengthof(types), types, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read usage_source");
	RowColumnsCheck(SPI_tuptable->tupdesc, "usage_source", source_columns, SOURCE_COLUMNS);
	old = MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
		add_source(names, i);
	MemoryContextSwitchTo(old);
	SPI_finish();
	return names;
}

/* Returns the source of a name; NULL for one that the batch is not of. */
const UsageSource *
UsageSourceOf(UsageNames *names, const text *sender)
{
	return *find_name(names, NAME_SOURCE, NULL, sender);
}

/* ---- accounts ---- */

/* Looks up the accounts that were asked for, one by one, however many there are. */
static void
look_up_accounts(UsageNames *names)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("place", INT8OID), ROW_COLUMN("id", INT8OID), ROW_COLUMN("merged", BOOLOID), ROW_COLUMN("valid", TSTZMULTIRANGEOID)
	};
	AskedNames *asked = &names->accounts;
	Oid			types[] = {TEXTARRAYOID};
	Datum		values[] = {text_array(asked->names, asked->count)};

	SPI_connect();
	if (SPI_execute_with_args("SELECT n.place, a.id,"
							  " EXISTS (SELECT FROM compute_ledger.account_merge AS g"
							  " WHERE g.account OPERATOR(pg_catalog.=) a.id AND pg_catalog.upper_inf(g.recorded)),"
							  " (SELECT pg_catalog.range_agg(v.valid) FROM compute_ledger.account_version AS v"
							  " WHERE v.account OPERATOR(pg_catalog.=) a.id AND pg_catalog.upper_inf(v.recorded))"
							  " FROM pg_catalog.unnest($1) WITH ORDINALITY AS n (name, place)"
							  " CROSS JOIN LATERAL (SELECT c.id FROM compute_ledger.account AS c WHERE c.name OPERATOR(pg_catalog.=) n.name LIMIT 1) AS a",
							  lengthof(types), types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look up accounts in usage");
	RowColumnsCheck(SPI_tuptable->tupdesc, "account", columns, lengthof(columns));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Account    *account = asked_meaning(asked, i);
		Datum		d[lengthof(columns)];
		bool		isnull[lengthof(columns)];
		MemoryContext old = MemoryContextSwitchTo(names->context);

		for (int c = 1; c < (int) lengthof(columns); c++)
			d[c] = copy_column(i, c, &isnull[c]);
		MemoryContextSwitchTo(old);
		if (isnull[1] || isnull[2])
			continue;
		account->is_there = true;
		account->id = DatumGetInt64(d[1]);
		account->is_merged = DatumGetBool(d[2]);
		account->valid = isnull[3] ? NULL : DatumGetMultirangeTypeP(d[3]);
	}
	SPI_finish();
}

/*
 * Finds the account that a name means at an instant (NULL: none can be read); false if it is not valid then.  *is_account:
 * whether there is one of this name at all.
 */
bool
UsageAccountOf(UsageNames *names, text *name, const TimestampTz *at, int64 *id, bool *is_account)
{
	static const Oid types[] = {TEXTOID, TIMESTAMPTZOID};
	const NullableDatum arguments[] = {{.value = PointerGetDatum(name)}, {.value = at == NULL ? (Datum) 0 : TimestampTzGetDatum(*at)}};
	const Account *account;
	Datum		d;
	bool		isnull;

	*is_account = false;
	if (name == NULL)
		return false;
	account = known_name(names, NAME_ACCOUNT, NULL, name);
	*is_account = account->is_there;
	if (!account->is_there || at == NULL)
		return false;
	if (!account->is_merged)
	{
		*id = account->id;
		return account->valid != NULL &&
			multirange_contains_elem_internal(lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO), account->valid, TimestampTzGetDatum(*at));
	}
	d = ask_function(names, &names->account_id, "_account_id", lengthof(types), types, INT8OID, arguments, &isnull);
	*id = isnull ? 0 : DatumGetInt64(d);
	return !isnull;
}

/* ---- regions ---- */

/* Returns what a name of a region means; NULL for no name. */
const UsageRegion *
UsageRegionOf(UsageNames *names, text *name)
{
	static const Oid types[] = {TEXTOID};
	const NullableDatum arguments[] = {{.value = PointerGetDatum(name)}};
	void	  **kept;
	UsageRegion *region;
	Datum		d;
	bool		isnull;

	if (name == NULL || VARSIZE_ANY_EXHDR(name) == 0)
		return NULL;
	kept = find_name(names, NAME_REGION, NULL, name);
	if (*kept == NULL)
	{
		region = MemoryContextAllocZero(names->context, sizeof(UsageRegion));
		d = ask_function(names, &names->region_id, "_region_id", lengthof(types), types, INT4OID, arguments, &isnull);
		region->is_there = !isnull;
		region->id = isnull ? 0 : DatumGetInt32(d);
		*kept = region;
	}
	return *kept;
}

/* ---- accelerators ---- */

enum
{
	CHIP_PLACE,
	CHIP_ACCELERATOR,
	CHIP_SHARE,
	CHIP_FROM,
	CHIP_TO,
	CHIP_RATE,
	CHIP_RECORDED,
	CHIP_COLUMNS
};

static const RowColumn chip_columns[CHIP_COLUMNS] = {
	ROW_COLUMN("place", INT8OID), ROW_COLUMN_OWN("accelerator", "accelerator"), ROW_COLUMN("share", INT4OID), ROW_COLUMN("from_instant", TIMESTAMPTZOID),
	ROW_COLUMN("to_instant", TIMESTAMPTZOID), ROW_COLUMN_OWN("rate", "compute_rate"), ROW_COLUMN("recorded", TIMESTAMPTZOID)
};

/* Notes what a row says of a chip: it, or one of its rates. */
static void
add_rate(UsageChip *chip, uint64 row)
{
	Datum		d[CHIP_COLUMNS];
	bool		isnull[CHIP_COLUMNS];
	UsageRate  *rate;

	for (int i = CHIP_ACCELERATOR; i < CHIP_COLUMNS; i++)
		d[i] = copy_column(row, i, &isnull[i]);
	if (isnull[CHIP_ACCELERATOR])
		return;
	chip->accelerator = DatumGetPointer(d[CHIP_ACCELERATOR]);
	chip->has_share = !isnull[CHIP_SHARE];
	chip->share = DatumGetInt32(d[CHIP_SHARE]);
	if (isnull[CHIP_FROM] || isnull[CHIP_TO])
		return;
	chip->rates = chip->rates == NULL ? palloc(sizeof(UsageRate)) : repalloc(chip->rates, (chip->nrates + 1) * sizeof(UsageRate));
	rate = &chip->rates[chip->nrates++];
	rate->from = DatumGetTimestampTz(d[CHIP_FROM]);
	rate->to = DatumGetTimestampTz(d[CHIP_TO]);
	rate->rate = isnull[CHIP_RATE] ? NULL : DatumGetPointer(d[CHIP_RATE]);
	rate->has_recorded = !isnull[CHIP_RECORDED];
	rate->recorded = DatumGetTimestampTz(d[CHIP_RECORDED]);
}

/* Looks up the chips that were asked for. */
static void
look_up_chips(UsageNames *names)
{
	AskedNames *asked = &names->chips;
	Oid			types[] = {TEXTARRAYOID, TEXTARRAYOID, INT4OID};
	Datum		values[] = {text_array(asked->names, asked->count), text_array(asked->systems, asked->count), Int32GetDatum(names->basis)};
	MemoryContext old;

	SPI_connect();
	if (SPI_execute_with_args("WITH name AS MATERIALIZED ("
							  "SELECT i.place, i.accelerator, compute_ledger._accelerator_share(i.name, i.system, i.accelerator) AS share,"
							  " compute_ledger._vgpu_share(i.name, i.system) AS vgpu"
							  " FROM (SELECT n.name, n.system, n.place, compute_ledger.identify(n.name, n.system) AS accelerator"
							  " FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) WITH ORDINALITY AS n (name, system, place) OFFSET 0) AS i"
							  "), rate AS MATERIALIZED ("
							  "SELECT t.* FROM compute_ledger._usage_rates("
							  "ARRAY(SELECT DISTINCT n.accelerator FROM name AS n WHERE n.accelerator IS NOT NULL),"
							  " compute_ledger.basis_name($3)) AS t)"
							  " SELECT n.place, n.accelerator, n.share, t.from_instant, t.to_instant, compute_ledger._vgpu_rate(t.rate, n.vgpu),"
							  " CASE WHEN t.rate IS NOT NULL AND n.vgpu IS DISTINCT FROM 0 THEN t.recorded END"
							  " FROM name AS n LEFT JOIN rate AS t ON t.accelerator OPERATOR(compute_ledger.=) n.accelerator",
							  lengthof(types), types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look up accelerators in usage");
	RowColumnsCheck(SPI_tuptable->tupdesc, "accelerators", chip_columns, CHIP_COLUMNS);
	old = MemoryContextSwitchTo(names->context);
	for (uint64 i = 0; i < SPI_processed; i++)
		add_rate(asked_meaning(asked, i), i);
	MemoryContextSwitchTo(old);
	SPI_finish();
}

/* Returns what a name of an accelerator means that a source sends; NULL for no name. */
const UsageChip *
UsageChipOf(UsageNames *names, text *name, const UsageSource *source)
{
	if (name == NULL || VARSIZE_ANY_EXHDR(name) == 0)
		return NULL;
	return known_name(names, NAME_CHIP, source, name);
}

/* Returns the rate that a chip has at an instant; NULL: none. */
const UsageRate *
UsageRateAt(const UsageChip *chip, TimestampTz at)
{
	for (int i = 0; i < chip->nrates; i++)
	{
		if (at >= chip->rates[i].from && at < chip->rates[i].to)
			return &chip->rates[i];
	}
	return NULL;
}

/* ---- kinds ---- */

/* Whether two texts, or none, are the same. */
static bool
is_same_text(const text *a, const text *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* Sets an argument to what a pointer points to, NULL to NULL. */
static void
set_pointer(NullableDatum *argument, const void *value)
{
	argument->value = PointerGetDatum(value);
	argument->isnull = value == NULL;
}

/* Returns the number of a type of the extension. */
static Oid
own_type(const char *name)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name), ObjectIdGetDatum(get_namespace_oid("compute_ledger", false)));
}

/* Asks for the number of a kind, which is added if it is new; the names are those of the region and the chip. */
static int32
ask_kind(UsageNames *names, const UsageSource *source, const UsageRegion *region, text *region_name, const UsageChip *chip, text *chip_name,
		 const KindOfChip *kind)
{
	const Oid	types[] = {
		TEXTOID, INT4OID, TEXTOID, own_type("accelerator"), TEXTOID, INT4OID, own_type("compute_rate"),
		TIMESTAMPTZOID, INT4OID, TEXTOID, TEXTOID
	};
	NullableDatum arguments[lengthof(types)] = {0};
	const UsageRate *rate = kind->rate;
	Datum		d;
	bool		isnull;

	set_pointer(&arguments[0], source->name);
	arguments[1].value = Int32GetDatum(region->id);
	set_pointer(&arguments[2], region_name);
	set_pointer(&arguments[3], chip->accelerator);
	set_pointer(&arguments[4], chip_name);
	arguments[5].value = Int32GetDatum(chip->share);
	arguments[5].isnull = !chip->has_share;
	set_pointer(&arguments[6], rate == NULL ? NULL : rate->rate);
	arguments[7].isnull = rate == NULL || !rate->has_recorded;
	arguments[7].value = arguments[7].isnull ? (Datum) 0 : TimestampTzGetDatum(rate->recorded);
	arguments[8].value = Int32GetDatum(names->basis);
	set_pointer(&arguments[9], kind->measure);
	set_pointer(&arguments[10], kind->number_format);
	d = ask_function(names, &names->add_kind, "_add_usage_kind", lengthof(types), types, INT4OID, arguments, &isnull);
	if (isnull)
		elog(ERROR, "a kind of usage has no number");
	return DatumGetInt32(d);
}

/* Returns the number of the kind of usage that is of a chip in a region, both by these names, at a rate (NULL: none). */
int32
UsageKindOf(UsageNames *names, const UsageSource *source, const UsageRegion *region, text *region_name, const UsageChip *chip, text *chip_name,
			const UsageRate *rate, text *measure, text *number_format)
{
	void	  **kept = find_name(names, NAME_KIND, chip, region_name);
	KindOfChip *first = *kept;
	KindOfChip *kind = first;

	while (kind != NULL && (kind->rate != rate || !is_same_text(kind->measure, measure) || !is_same_text(kind->number_format, number_format)))
		kind = kind->next;
	if (kind == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(names->context);

		kind = palloc(sizeof(KindOfChip));
		kind->rate = rate;
		kind->measure = (text *) DatumGetPointer(datumCopy(PointerGetDatum(measure), false, -1));
		kind->number_format = number_format == NULL ? NULL : (text *) DatumGetPointer(datumCopy(PointerGetDatum(number_format), false, -1));
		kind->next = first;
		MemoryContextSwitchTo(old);
		kind->number = ask_kind(names, source, region, region_name, chip, chip_name, kind);
		*kept = kind;
	}
	return kind->number;
}

/* ---- reservations ---- */

/* Looks up the reservations that a name can mean in a region. */
static Reservations *
look_up_reservations(UsageNames *names, text *name, const UsageRegion *region)
{
	static const Oid types[] = {TEXTOID, INT4OID};
	Reservations *found = MemoryContextAllocZero(names->context, sizeof(Reservations));
	bool		has_region = region != NULL && region->is_there;
	const NullableDatum arguments[] = {{.value = PointerGetDatum(name)}, {.value = Int32GetDatum(has_region ? region->id : 0),.isnull = !has_region}};
	bool		isnull;
	bool	   *no_ids;
	Datum		all = ask_function(names, &names->reservations_named, "_reservations_named", lengthof(types), types, INT8ARRAYOID, arguments, &isnull);
	MemoryContext old;

	if (isnull)
		return found;
	old = MemoryContextSwitchTo(names->context);
	found->all = PointerGetDatum(PG_DETOAST_DATUM_COPY(all));
	deconstruct_array(DatumGetArrayTypeP(found->all), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &found->ids, &no_ids, &found->count);
	if (found->count > 0 && no_ids[0])
		found->count = 0;
	MemoryContextSwitchTo(old);
	return found;
}

/* Finds the reservation that a name means in a region, of several with this name the one for an instant; false if there is none. */
bool
UsageReservationOf(UsageNames *names, text *name, const UsageRegion *region, const TimestampTz *at, int64 *id)
{
	static const Oid types[] = {INT8ARRAYOID, TIMESTAMPTZOID};
	void	  **kept = find_name(names, NAME_RESERVATION, region, name);
	const Reservations *found;
	NullableDatum arguments[lengthof(types)] = {0};
	Datum		d;
	bool		isnull;

	if (*kept == NULL)
		*kept = look_up_reservations(names, name, region);
	found = *kept;
	if (found->count == 1)
		*id = DatumGetInt64(found->ids[0]);
	if (found->count <= 1)
		return found->count == 1;
	if (at == NULL)
		return false;
	arguments[0].value = found->all;
	arguments[1].value = TimestampTzGetDatum(*at);
	d = ask_function(names, &names->reservation_at, "_reservation_at", lengthof(types), types, INT8OID, arguments, &isnull);
	*id = isnull ? 0 : DatumGetInt64(d);
	return !isnull;
}

/* ---- all at once ---- */

/* Notes the names of an account and an accelerator (NULL: none) that a source sends. */
void
UsageNamesNote(UsageNames *names, const UsageSource *source, text *account, text *accelerator)
{
	void	  **kept;

	if (account != NULL && *(kept = find_name(names, NAME_ACCOUNT, NULL, account)) == NULL)
	{
		*kept = MemoryContextAllocZero(names->context, sizeof(Account));
		ask_name(names, &names->accounts, account, NULL, *kept);
	}
	if (accelerator != NULL && VARSIZE_ANY_EXHDR(accelerator) > 0 && *(kept = find_name(names, NAME_CHIP, source, accelerator)) == NULL)
	{
		*kept = MemoryContextAllocZero(names->context, sizeof(UsageChip));
		ask_name(names, &names->chips, accelerator, source->system, *kept);
	}
}

/* Looks up what was noted. */
void
UsageNamesLookUp(UsageNames *names)
{
	if (names->accounts.count > 0)
		look_up_accounts(names);
	if (names->chips.count > 0)
		look_up_chips(names);
}
