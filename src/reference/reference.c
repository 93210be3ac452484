/*
 * reference.c
 *		Look-ups in the reference tables: peak_rate, normalized_rate, normalized_rates.
 *
 * These functions are STABLE: an answer is what the tables hold under the active
 * snapshot.  A query asks about few chips and very many rows, so every call site
 * keeps its answers for as long as the snapshot stays the same (call_cache.h).  Nothing
 * is kept for the backend as a whole: a row written by DML sends no relcache
 * invalidation, and two transactions or two cursors of one backend may see different
 * rows at one time.  See snapshot_key.c for what "the same" means.
 *
 * The tables are read through SPI, as the caller, with every name qualified.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "accelerator/accelerator.h"
#include "base/call_cache.h"
#include "base/errcodes.h"
#include "base/row_columns.h"
#include "profile/profile.h"
#include "quantity/quantity_type.h"
#include "reference/rate_steps.h"

/* Longest name of a basis that can be registered. */
#define BASIS_NAME_MAX		63
/* Names of bases that one call site remembers. */
#define REMEMBERED_NAMES	8
/* After so many different chips in one basis, all of its rows are read at once. */
#define SINGLE_LOOKUPS		16
/* Bases (at moments of knowledge) of which a call site would read all rows at once. */
#define REMEMBERED_ROWS		64
/* A call site forgets everything when it has this many answers. */
#define REMEMBERED_ANSWERS	(64 * 1024)

#define BASIS_UNKNOWN		(-1)

/* What an answer is an answer to; 32 bytes without padding, compared as bytes. */
typedef struct RateKey
{
	Accelerator accelerator;
	int64		known_at;		/* 0 unless as_known */
	uint32		basis;
	uint32		as_known;		/* 1: as recorded at known_at, 0: as recorded now */
} RateKey;

StaticAssertDecl(sizeof(RateKey) == 32, "RateKey must not have padding");

typedef struct RateAnswer
{
	RateKey		key;
	char		status;			/* simplehash's */
	bool		needs_slices;	/* a rate is missing because MIG slices are */
	int			nsteps;
	RateStep   *steps;
} RateAnswer;

/* Mixes 32 bytes; the multiplier is 2^64 / golden ratio, made odd. */
static inline uint32
hash_rate_key(const RateKey *key)
{
	uint64		w[4];
	uint64		h;

	memcpy(w, key, sizeof(w));
	h = (w[0] ^ ((w[1] << 23) | (w[1] >> 41))) * UINT64CONST(0x9E3779B97F4A7C15);
	h ^= w[2] + ((w[3] << 32) | (w[3] >> 32));
	h ^= h >> 29;
	h *= UINT64CONST(0x9E3779B97F4A7C15);
	return (uint32) (h >> 32);
}

#define SH_PREFIX		answers
#define SH_ELEMENT_TYPE	RateAnswer
#define SH_KEY_TYPE		RateKey
#define SH_KEY			key
#define SH_HASH_KEY(tb, k)	hash_rate_key(&(k))
#define SH_EQUAL(tb, a, b)	(memcmp(&(a), &(b), sizeof(RateKey)) == 0)
#define SH_SCOPE		static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* All rows of one basis. */
typedef struct RateRows
{
	struct RateRows *next;
	uint32		basis;
	uint32		as_known;
	int64		known_at;
	int			lookups;		/* chips that were asked about */
	bool		loaded;
	int			nrows;
	RateRow    *rows;
} RateRows;

/* What a call site remembers. */
typedef struct RateCache
{
	CallCache	call;
	answers_hash *answers;
	RateRows   *rows;
	int			nrows;			/* length of that list */
	int			nnames;
	struct
	{
		int			len;
		int			code;		/* or BASIS_UNKNOWN */
		char		name[BASIS_NAME_MAX];
	}			names[REMEMBERED_NAMES];
} RateCache;

/* ---- queries ---- */

typedef enum ReferenceQuery
{
	QUERY_BASIS_CODE,
	QUERY_PEAK,
	QUERY_PEAK_ALL,
	QUERY_FACTOR,
	QUERY_FACTOR_ALL,
	QUERY_SLICES,
	QUERY_PEAK_VARIANTS,
	QUERY_FACTOR_VARIANTS,
	QUERY_PEAK_CHIPS,
	QUERY_FACTOR_CHIPS,
	NUM_QUERIES
} ReferenceQuery;

/* $1 code of the basis, $2 accelerator, $3 recorded at, NULL for now, $4 name of a basis */
#define RECORDED(row) \
	"CASE WHEN $3 IS NULL THEN pg_catalog.upper_inf(" row ".recorded)" \
	" ELSE " row ".recorded OPERATOR(pg_catalog.@>) $3 END"
#define PEAK_COLUMNS \
	"SELECT r.accelerator, r.rate, NULL::pg_catalog.tstzrange AS valid, r.shipped FROM compute_ledger.accelerator_peak AS r"
#define FACTOR_COLUMNS \
	"SELECT r.accelerator, r.rate, r.valid, r.shipped FROM compute_ledger.basis_factor AS r"
#define IN_BASIS \
	" WHERE compute_ledger.basis_code(r.rate) OPERATOR(pg_catalog.=) $1 AND " RECORDED("r")
#define CONTAINS	" AND r.accelerator OPERATOR(compute_ledger.@>) $2"
#define CONTAINED	" AND r.accelerator OPERATOR(compute_ledger.<@) $2"
#define MODELS \
	"SELECT m.accelerator FROM compute_ledger.accelerator_model AS m WHERE " RECORDED("m") " UNION "

static const char *const query_text[NUM_QUERIES] = {
	[QUERY_BASIS_CODE] = "SELECT compute_ledger.basis_code($4) AS code",
	[QUERY_PEAK] = PEAK_COLUMNS IN_BASIS CONTAINS,
	[QUERY_PEAK_ALL] = PEAK_COLUMNS IN_BASIS,
	[QUERY_FACTOR] = FACTOR_COLUMNS IN_BASIS CONTAINS,
	[QUERY_FACTOR_ALL] = FACTOR_COLUMNS IN_BASIS,
	/* of the device's own row, or what all variants of a class agree on */
	[QUERY_SLICES] =
	"SELECT COALESCE("
	"(SELECT m.mig_slices FROM compute_ledger.accelerator_model AS m"
	" WHERE m.accelerator OPERATOR(compute_ledger.@>) $2 AND m.mig_slices IS NOT NULL AND " RECORDED("m")
	" ORDER BY compute_ledger.specificity(m.accelerator) DESC, m.shipped LIMIT 1),"
	"(SELECT CASE WHEN pg_catalog.min(m.mig_slices) OPERATOR(pg_catalog.=) pg_catalog.max(m.mig_slices)"
	" THEN pg_catalog.min(m.mig_slices) END FROM compute_ledger.accelerator_model AS m"
	" WHERE m.accelerator OPERATOR(compute_ledger.<@) $2 AND " RECORDED("m") "))",
	[QUERY_PEAK_VARIANTS] =
	"SELECT DISTINCT r.accelerator FROM compute_ledger.accelerator_peak AS r" IN_BASIS CONTAINED " ORDER BY 1",
	[QUERY_FACTOR_VARIANTS] =
	"SELECT DISTINCT r.accelerator FROM compute_ledger.basis_factor AS r" IN_BASIS CONTAINED " ORDER BY 1",
	[QUERY_PEAK_CHIPS] =
	MODELS "SELECT r.accelerator FROM compute_ledger.accelerator_peak AS r" IN_BASIS " ORDER BY 1",
	[QUERY_FACTOR_CHIPS] =
	MODELS "SELECT r.accelerator FROM compute_ledger.basis_factor AS r" IN_BASIS " ORDER BY 1",
};

/* What is read of their rows; of one of these columns, or of all. */
static const RowColumn rate_columns[] = {
	ROW_COLUMN_OWN("accelerator", "accelerator"), ROW_COLUMN_OWN("rate", "compute_rate"),
	ROW_COLUMN("valid", TSTZRANGEOID), ROW_COLUMN("shipped", BOOLOID)
};
static const RowColumn code_column = ROW_COLUMN("code", INT4OID);
static const RowColumn slices_column = ROW_COLUMN("mig_slices", INT4OID);

/* Returns the query for a basis: peaks for number formats, factors for the others. */
#define QueryFor(basis, what) \
	((basis) < BASIS_FIRST_USER ? QUERY_PEAK ## what : QUERY_FACTOR ## what)

/*
 * Runs one of the queries under the active snapshot, between SPI_connect() and
 * SPI_finish().  accelerator and name may be NULL where the query has none.
 *
 * Plans are kept for the backend; they are generic, because no parameter is worth a
 * plan of its own.
 */
static void
run_query(ReferenceQuery query, const RateKey *key, const Accelerator *accelerator, text *name, int limit)
{
	static struct
	{
		SPIPlanPtr	plan;
		Oid			accelerator;	/* its type, which another CREATE EXTENSION changes */
	}			plans[NUM_QUERIES];
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   CStringGetDatum("accelerator"),
									   ObjectIdGetDatum(get_namespace_oid("compute_ledger", false)));
	Datum		values[4];
	char		nulls[4] = {' ', ' ', ' ', ' '};

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type \"%s\" does not exist", "compute_ledger.accelerator")));
	if (plans[query].plan != NULL && plans[query].accelerator != type)
	{
		SPI_freeplan(plans[query].plan);
		plans[query].plan = NULL;
	}
	if (plans[query].plan == NULL)
	{
		Oid			types[4] = {INT4OID, type, TIMESTAMPTZOID, TEXTOID};
		SPIPlanPtr	plan = SPI_prepare_cursor(query_text[query], 4, types, CURSOR_OPT_GENERIC_PLAN);

		if (plan == NULL)
			elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
		if (SPI_keepplan(plan) != 0)
			elog(ERROR, "SPI_keepplan failed");
		plans[query].plan = plan;
		plans[query].accelerator = type;
	}

	values[0] = Int32GetDatum(key ? (int32) key->basis : 0);
	values[1] = AcceleratorPGetDatum(accelerator);
	values[2] = TimestampTzGetDatum(key ? key->known_at : 0);
	values[3] = PointerGetDatum(name);
	if (accelerator == NULL)
		nulls[1] = 'n';
	if (key == NULL || !key->as_known)
		nulls[2] = 'n';
	if (name == NULL)
		nulls[3] = 'n';
	if (SPI_execute_plan(plans[query].plan, values, nulls, true, limit) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(SPI_result));
}

/* Enters SPI; what is allocated afterwards is gone with SPI_finish(). */
static void
enter_spi(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

/* Returns a column of a row of the query's result. */
static Datum
get_column(int row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/* The same of a column that is not NULL. */
static Datum
get_value(int row, int column)
{
	bool		isnull;
	Datum		value = get_column(row, column, &isnull);

	if (isnull)
		RowNullError("reference data", NameStr(TupleDescAttr(SPI_tuptable->tupdesc, column - 1)->attname));
	return value;
}

/* Checks the types of the result's columns. */
static void
check_columns(const RowColumn *columns, int count)
{
	RowColumnsCheck(SPI_tuptable->tupdesc, "reference data", columns, count);
}

/* Turns the result of a query for rates into sorted rows, allocated in context. */
static RateRow *
fetch_rows(MemoryContext context, int *nrows)
{
	TypeCacheEntry *typcache = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	int			n = (int) SPI_processed;
	RateRow    *rows = MemoryContextAlloc(context, sizeof(RateRow) * Max(n, 1));

	check_columns(rate_columns, lengthof(rate_columns));
	for (int i = 0; i < n; i++)
	{
		RateRow    *row = &rows[i];
		bool		isnull;
		Datum		valid;

		memcpy(&row->accelerator, DatumGetAcceleratorP(get_value(i, 1)), sizeof(Accelerator));
		memcpy(&row->rate, DatumGetQuantityP(get_value(i, 2)), sizeof(Quantity));
		row->shipped = DatumGetBool(get_value(i, 4));
		row->specificity = AcceleratorSpecificity(&row->accelerator);
		row->from = DT_NOBEGIN;
		row->to = DT_NOEND;
		row->bounded = false;
		valid = get_column(i, 3, &isnull);
		if (!isnull)
		{
			RangeBound	lower;
			RangeBound	upper;
			bool		empty;

			range_deserialize(typcache, DatumGetRangeTypeP(valid), &lower, &upper, &empty);
			/* half-open; time is whole microseconds */
			if (!lower.infinite && !lower.inclusive && TIMESTAMP_IS_NOEND(DatumGetTimestampTz(lower.val)))
			{
				/* after the last instant: never */
				row->from = row->to = DT_NOEND;
				row->bounded = true;
				continue;
			}
			if (!lower.infinite)
				row->from = DatumGetTimestampTz(lower.val) + (lower.inclusive ? 0 : 1);
			if (!upper.infinite && !(upper.inclusive && TIMESTAMP_IS_NOEND(DatumGetTimestampTz(upper.val))))
			{
				row->to = DatumGetTimestampTz(upper.val) + (upper.inclusive ? 1 : 0);
				row->bounded = true;
			}
		}
	}
	RateRowsSort(rows, n);
	*nrows = n;
	return rows;
}

/* Returns how many MIG slices the device that x is a slice of has, 0 if not known. */
static int
fetch_device_slices(const RateKey *key)
{
	AcceleratorParts parts;
	Accelerator device;
	bool		isnull;
	int			slices;

	AcceleratorUnpack(&key->accelerator, &parts);
	if (parts.mig_slices == 0)
		return 0;
	parts.mig_slices = 0;
	parts.mig_memory_gb = 0;
	parts.mig_attrs = 0;
	AcceleratorPack(&parts, &device, NULL);
	run_query(QUERY_SLICES, key, &device, NULL, 0);
	check_columns(&slices_column, 1);
	slices = DatumGetInt32(get_column(0, 1, &isnull));
	return isnull ? 0 : slices;
}

/* ---- the cache ---- */

/* Returns the call site's cache. */
static RateCache *
get_rate_cache(FunctionCallInfo fcinfo)
{
	RateCache  *cache = (RateCache *) CallCacheGet(fcinfo, sizeof(RateCache), "rates");

	if (unlikely(cache->answers != NULL && cache->answers->members >= REMEMBERED_ANSWERS))
		CallCacheClear(&cache->call);
	if (unlikely(cache->answers == NULL))
		cache->answers = answers_create(cache->call.context, 64, NULL);
	return cache;
}

/* Returns the code of a basis, or BASIS_UNKNOWN. */
static int
look_up_basis(text *name)
{
	int			len = VARSIZE_ANY_EXHDR(name);
	uint16		code;
	int			result;
	bool		isnull;

	/* the number of a registered basis is for the table to know */
	if (BasisFromName(VARDATA_ANY(name), len, &code) && code < BASIS_FIRST_USER)
		return code;
	if (len == 0 || len > BASIS_NAME_MAX)
		return BASIS_UNKNOWN;
	enter_spi();
	run_query(QUERY_BASIS_CODE, NULL, NULL, name, 0);
	check_columns(&code_column, 1);
	result = DatumGetInt32(get_column(0, 1, &isnull));
	if (isnull)
		result = BASIS_UNKNOWN;
	SPI_finish();
	return result;
}

/* Returns the code of a basis as the call site remembers it, or BASIS_UNKNOWN. */
static int
get_basis(RateCache *cache, text *name)
{
	int			len = VARSIZE_ANY_EXHDR(name);
	const char *data = VARDATA_ANY(name);
	int			slot;

	for (int i = 0; i < Min(cache->nnames, REMEMBERED_NAMES); i++)
	{
		if (cache->names[i].len == len && memcmp(cache->names[i].name, data, len) == 0)
			return cache->names[i].code;
	}
	if (len > BASIS_NAME_MAX)
		return BASIS_UNKNOWN;
	slot = cache->nnames % REMEMBERED_NAMES;
	cache->names[slot].len = -1;	/* should the look-up fail */
	cache->names[slot].code = look_up_basis(name);
	cache->names[slot].len = len;
	memcpy(cache->names[slot].name, data, len);
	cache->nnames++;
	return cache->names[slot].code;
}

/*
 * Returns where the rows of a basis are, or are going to be; NULL if there are too
 * many such places, as when every call asks about a moment of its own.
 */
static RateRows *
get_rows(RateCache *cache, const RateKey *key)
{
	RateRows   *rows;

	for (rows = cache->rows; rows != NULL; rows = rows->next)
	{
		if (rows->basis == key->basis && rows->as_known == key->as_known && rows->known_at == key->known_at)
			return rows;
	}
	if (cache->nrows >= REMEMBERED_ROWS)
		return NULL;
	cache->nrows++;
	rows = MemoryContextAllocZero(cache->call.context, sizeof(RateRows));
	rows->basis = key->basis;
	rows->as_known = key->as_known;
	rows->known_at = key->known_at;
	rows->next = cache->rows;
	cache->rows = rows;
	return rows;
}

/* Works out an answer that the call site does not have yet. */
static RateAnswer *
make_answer(RateCache *cache, const RateKey *key)
{
	RateRows   *all = get_rows(cache, key);
	RateRow    *rows;
	RateStep   *steps;
	RateAnswer *answer;
	int			nrows;
	int			nsteps;
	int			slices;
	bool		needs_slices;
	bool		found;

	enter_spi();
	if (all == NULL || (!all->loaded && all->lookups++ < SINGLE_LOOKUPS))
	{
		run_query(QueryFor(key->basis,), key, &key->accelerator, NULL, 0);
		rows = fetch_rows(CurrentMemoryContext, &nrows);
	}
	else
	{
		if (!all->loaded)
		{
			run_query(QueryFor(key->basis, _ALL), key, NULL, NULL, 0);
			all->rows = fetch_rows(cache->call.context, &all->nrows);
			all->loaded = true;
		}
		rows = all->rows;
		nrows = all->nrows;
	}
	slices = fetch_device_slices(key);
	nsteps = RateStepsMake(rows, nrows, &key->accelerator, slices, &steps, &needs_slices);
	steps = memcpy(MemoryContextAlloc(cache->call.context, sizeof(RateStep) * nsteps),
				   steps, sizeof(RateStep) * nsteps);
	SPI_finish();

	answer = answers_insert(cache->answers, *key, &found);
	answer->needs_slices = needs_slices;
	answer->nsteps = nsteps;
	answer->steps = steps;
	return answer;
}

/* ---- errors ---- */

/* Raises for a name that no basis has. */
static void
unknown_basis_error(text *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_CL_UNKNOWN_BASIS),
			 errmsg("basis \"%s\" does not exist", text_to_cstring(name)),
			 errhint("Number formats are fp64, fp32, tf32, fp16, bf16, fp8, fp6, fp4, int8 and int4; "
					 "other bases are registered in table compute_ledger.basis.")));
}

/* Raises for a chip without a rate: says what is missing and how to put it right. */
static void
no_rate_error(const RateAnswer *answer, text *basis, TimestampTz at)
{
	const RateKey *key = &answer->key;
	bool		is_peak = key->basis < BASIS_FIRST_USER;
	char		name[ACCELERATOR_MAXTEXT];
	const char *basis_name = text_to_cstring(basis);
	const char *detail = NULL;
	const char *hint = NULL;
	bool		known = false;

	AcceleratorFormat(&key->accelerator, name);
	for (int i = 0; i < answer->nsteps; i++)
		known |= answer->steps[i].known;

	if (key->basis == BASIS_FLOP)
	{
		detail = "Basis \"flop\" counts operations as such; a chip has no rate in it.";
		hint = "Name a number format or a registered basis.";
	}
	else if (answer->needs_slices)
	{
		detail = "The device is not known to have that many MIG slices.";
		hint = "Insert a row with mig_slices for the device into compute_ledger.accelerator_model.";
	}
	else if (known)
	{
		detail = psprintf("There is a factor for it, but none is valid at %s.", timestamptz_to_str(at));
		hint = "Insert a row that is valid then into compute_ledger.basis_factor.";
	}
	else
	{
		StringInfoData variants;

		initStringInfo(&variants);
		enter_spi();
		run_query(QueryFor(key->basis, _VARIANTS), key, &key->accelerator, NULL, 6);
		check_columns(rate_columns, 1);
		for (int i = 0; i < (int) SPI_processed; i++)
		{
			char		variant[ACCELERATOR_MAXTEXT];

			if (i == 5)
			{
				appendStringInfoString(&variants, ", ...");
				break;
			}
			AcceleratorFormat(DatumGetAcceleratorP(get_value(i, 1)), variant);
			appendStringInfo(&variants, "%s%s", i > 0 ? ", " : "", variant);
		}
		/* copied out of SPI's memory, together with the buffer */
		hint = variants.len > 0 ? SPI_palloc(variants.len + 1) : NULL;
		if (hint != NULL)
			strcpy(unconstify(char *, hint), variants.data);
		SPI_finish();
		if (hint != NULL)
		{
			detail = "It is a class, and only members of it have a rate.";
			hint = psprintf("Name the variant (%s), or insert a row for the class into compute_ledger.%s.",
							hint, is_peak ? "accelerator_peak" : "basis_factor");
		}
		else
			hint = is_peak ?
				"Insert the peak dense rate into compute_ledger.accelerator_peak." :
				"Insert a row for it, or for a class that contains it, into compute_ledger.basis_factor.";
	}
	ereport(ERROR,
			(errcode(ERRCODE_CL_NO_RATE),
			 errmsg("accelerator \"%s\" has no rate in basis \"%s\"", name, basis_name),
			 detail ? errdetail_internal("%s", detail) : 0,
			 errhint("%s", hint)));
}

/* ---- SQL-callable functions ---- */

/*
 * Answers peak_rate and normalized_rate: (accelerator, basis).  With as_known, what
 * the tables held at known_at.  Returns NULL, or raises if strict, without a rate.
 */
static Datum
rate_of(FunctionCallInfo fcinfo, TimestampTz at, bool as_known, TimestampTz known_at,
		bool peaks_only, bool strict)
{
	text	   *basis = PG_GETARG_TEXT_PP(1);
	RateCache  *cache = get_rate_cache(fcinfo);
	int			code = get_basis(cache, basis);
	RateKey		key;
	RateAnswer *answer;
	const RateStep *step;

	if (unlikely(code == BASIS_UNKNOWN || (peaks_only && code >= BASIS_FIRST_USER)))
	{
		if (strict && code != BASIS_UNKNOWN)
			ereport(ERROR,
					(errcode(ERRCODE_CL_UNKNOWN_BASIS),
					 errmsg("\"%s\" is not a number format", text_to_cstring(basis)),
					 errhint("Use normalized_rate for a registered basis.")));
		if (strict)
			unknown_basis_error(basis);
		PG_RETURN_NULL();
	}
	memcpy(&key.accelerator, PG_GETARG_ACCELERATOR_P(0), sizeof(Accelerator));
	key.known_at = as_known ? known_at : 0;
	key.basis = code;
	key.as_known = as_known;
	answer = answers_lookup(cache->answers, key);
	if (unlikely(answer == NULL))
		answer = make_answer(cache, &key);
	step = RateStepAt(answer->steps, answer->nsteps, at);
	if (unlikely(!step->known))
	{
		if (strict)
			no_rate_error(answer, basis, at);
		PG_RETURN_NULL();
	}

	/* a copy, because the next call may throw the cache away */
	PG_RETURN_QUANTITY_P(memcpy(palloc(sizeof(Quantity)), &step->rate, sizeof(Quantity)));
}

/*
 * device_share(accelerator) -> integer
 *
 * The units of 1/1,680,000 of a device that one of an accelerator is; NULL for a slice
 * of a device that is not known to have that many.
 */
PG_FUNCTION_INFO_V1(device_share);
Datum
device_share(PG_FUNCTION_ARGS)
{
	RateKey		key = {0};
	AcceleratorParts parts;
	int			slices;

	memcpy(&key.accelerator, PG_GETARG_ACCELERATOR_P(0), sizeof(Accelerator));
	AcceleratorUnpack(&key.accelerator, &parts);
	if (parts.mig_slices == 0)
		PG_RETURN_INT32(DEVICE_UNITS);
	enter_spi();
	slices = fetch_device_slices(&key);
	SPI_finish();
	if (slices < parts.mig_slices)
		PG_RETURN_NULL();
	/* without a rest: the table holds numbers of slices that divide the units */
	PG_RETURN_INT32(DEVICE_UNITS / slices * parts.mig_slices);
}

/* Says whether a peak rate of a class is one of an accelerator. */
PG_FUNCTION_INFO_V1(peak_is_for);
Datum
peak_is_for(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PeakIsFor(PG_GETARG_ACCELERATOR_P(0), PG_GETARG_ACCELERATOR_P(1)));
}

/* Returns the number of a quantity's basis. */
PG_FUNCTION_INFO_V1(quantity_basis_code);
Datum
quantity_basis_code(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(QuantityBasis(PG_GETARG_QUANTITY_P(0)));
}

/* Relabels a quantity with the basis of this number. */
PG_FUNCTION_INFO_V1(quantity_with_basis_code);
Datum
quantity_with_basis_code(PG_FUNCTION_ARGS)
{
	int32		code = PG_GETARG_INT32(1);

	if (code < 0 || code > BASIS_MAX || !BasisIsValid(code))
		ereport(ERROR,
				(errcode(ERRCODE_CL_UNKNOWN_BASIS),
				 errmsg("basis %d does not exist", code),
				 errdetail("Codes are 0 to %d for the built-in bases and %d to %d for others.",
						   BASIS_LAST_BUILTIN, BASIS_FIRST_USER, BASIS_MAX)));
	PG_RETURN_QUANTITY_P(QuantityMake(QuantityAmount(PG_GETARG_QUANTITY_P(0)), code));
}

/* Returns the peak dense rate of a device in a number format, or NULL. */
PG_FUNCTION_INFO_V1(peak_rate);
Datum
peak_rate(PG_FUNCTION_ARGS)
{
	return rate_of(fcinfo, 0, false, 0, true, false);
}

/* Returns the peak dense rate of a device in a number format, or raises. */
PG_FUNCTION_INFO_V1(peak_rate_strict);
Datum
peak_rate_strict(PG_FUNCTION_ARGS)
{
	return rate_of(fcinfo, 0, false, 0, true, true);
}

/* Returns what a device counts for now, or NULL. */
PG_FUNCTION_INFO_V1(normalized_rate);
Datum
normalized_rate(PG_FUNCTION_ARGS)
{
	return rate_of(fcinfo, GetCurrentTransactionStartTimestamp(), false, 0, false, false);
}

/* Returns what a device counts for at a time, or NULL. */
PG_FUNCTION_INFO_V1(normalized_rate_at);
Datum
normalized_rate_at(PG_FUNCTION_ARGS)
{
	return rate_of(fcinfo, PG_GETARG_TIMESTAMPTZ(2), false, 0, false, false);
}

/* Returns what a device was held to count for at a time, or NULL. */
PG_FUNCTION_INFO_V1(normalized_rate_as_of);
Datum
normalized_rate_as_of(PG_FUNCTION_ARGS)
{
	return rate_of(fcinfo, PG_GETARG_TIMESTAMPTZ(2), true, PG_GETARG_TIMESTAMPTZ(3), false, false);
}

/* Returns what a device counts for now, or raises. */
PG_FUNCTION_INFO_V1(normalized_rate_strict);
Datum
normalized_rate_strict(PG_FUNCTION_ARGS)
{
	return rate_of(fcinfo, GetCurrentTransactionStartTimestamp(), false, 0, false, true);
}

/* Returns what a device counts for at a time, or raises. */
PG_FUNCTION_INFO_V1(normalized_rate_strict_at);
Datum
normalized_rate_strict_at(PG_FUNCTION_ARGS)
{
	return rate_of(fcinfo, PG_GETARG_TIMESTAMPTZ(2), false, 0, false, true);
}

/* Returns the rates of everything in the reference tables: all, or those at one time. */
static Datum
all_rates(FunctionCallInfo fcinfo, bool at_one_time, TimestampTz at)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	text	   *basis = PG_GETARG_TEXT_PP(0);
	int			code = look_up_basis(basis);
	MemoryContext context = CurrentMemoryContext;
	RateKey		key = {{{0}}, 0, 0, 0};
	RateRow    *rows;
	Accelerator *chips;
	int			nrows;
	int			nchips;

	InitMaterializedSRF(fcinfo, 0);
	if (code == BASIS_UNKNOWN)
		unknown_basis_error(basis);
	key.basis = code;

	enter_spi();
	run_query(QueryFor(code, _ALL), &key, NULL, NULL, 0);
	rows = fetch_rows(context, &nrows);
	run_query(QueryFor(code, _CHIPS), &key, NULL, NULL, 0);
	check_columns(rate_columns, 1);
	nchips = (int) SPI_processed;
	chips = MemoryContextAlloc(context, sizeof(Accelerator) * Max(nchips, 1));
	for (int i = 0; i < nchips; i++)
		memcpy(&chips[i], DatumGetAcceleratorP(get_value(i, 1)), sizeof(Accelerator));
	for (int i = 0; i < nchips; i++)
	{
		RateStep   *steps;
		int			nsteps;
		bool		needs_slices;

		CHECK_FOR_INTERRUPTS();
		key.accelerator = chips[i];
		nsteps = RateStepsMake(rows, nrows, &chips[i], fetch_device_slices(&key), &steps, &needs_slices);
		for (int j = 0; j < nsteps; j++)
		{
			const RateStep *step = at_one_time ? RateStepAt(steps, nsteps, at) : &steps[j];
			Datum		values[4];
			bool		nulls[4] = {false, false, false, false};
			int			n = 0;

			values[n++] = AcceleratorPGetDatum(&chips[i]);
			if (!at_one_time)
			{
				values[n++] = TimestampTzGetDatum(step->from);
				values[n++] = TimestampTzGetDatum(j + 1 < nsteps ? steps[j + 1].from : DT_NOEND);
			}
			values[n++] = QuantityPGetDatum(&step->rate);
			if (step->known)
				tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
			if (at_one_time)
				break;
		}
		pfree(steps);
	}
	SPI_finish();
	return (Datum) 0;
}

/* Returns accelerator, valid_from, valid_to and rate of all there is in a basis. */
PG_FUNCTION_INFO_V1(normalized_rates);
Datum
normalized_rates(PG_FUNCTION_ARGS)
{
	return all_rates(fcinfo, false, 0);
}

/* Returns accelerator and rate of all that has one in a basis at a time. */
PG_FUNCTION_INFO_V1(normalized_rates_at);
Datum
normalized_rates_at(PG_FUNCTION_ARGS)
{
	return all_rates(fcinfo, true, PG_GETARG_TIMESTAMPTZ(1));
}
