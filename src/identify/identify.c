/*
 * identify.c
 *		Which accelerator a name means: the SQL functions over the grammar of
 *		identify_core.h and the tables that drive it.
 *
 * A name is tried, in this order, as
 *	1. an alias of the user's (accelerator_alias), one for the source given before
 *	   one for any source;
 *	2. a canonical text;
 *	3. a shipped alias, in the same order; a PCI id is an alias too;
 *	4. a name by the grammar (accelerator_word, accelerator_variant);
 *	5. an instance type (accelerator_instance).
 *
 * Called a million times over a few hundred different names, so what a name turned
 * out to mean is kept with the call site (call_cache.h).  What the tables say is kept for
 * the backend (identify_table.h).
 */
#include "base/compat.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/varlena.h"

#include "accelerator/accelerator.h"
#include "accelerator/accelerator_words.h"
#include "base/call_cache.h"
#include "base/errcodes.h"
#include "identify/identify_core.h"
#include "identify/identify_forms.h"
#include "identify/identify_table.h"

/* Names kept for one call site before starting again, and the bytes of them. */
#define CACHE_MAX_ENTRIES	32768
#define CACHE_MAX_BYTES		(8 * 1024 * 1024)

/* Names that a call site looks up among the aliases one by one, before it wants them all. */
#define SINGLE_LOOKUPS		16

/* A longer text is not the name of a device nor a plausible list of them. */
#define MAX_TEXT			4096

/* How many near names a hint gives, and how near they must be. */
#define MAX_NEAREST			3

/* What one name means. */
typedef struct IdentifyEntry
{
	uint32		hash;
	uint32		namelen;
	uint32		sourcelen;
	bool		used;
	bool		known;
	bool		has_devices;
	Accelerator accelerator;
	Datum		devices;		/* numeric */
	char	   *name;			/* name and source, together */
} IdentifyEntry;

/* What a call site keeps. */
typedef struct IdentifyCache
{
	CallCache	call;
	IdentifyEntry *entries;		/* open addressing; size is a power of two */
	uint32		size;
	uint32		nentries;
	Size		bytes;
	int			lookups;		/* of names among the aliases */
} IdentifyCache;

/* ---- names ---- */

/* Says whether one of the words of a row's provider is the provider asked for. */
static bool
is_provider(const char *words, const char *provider)
{
	size_t		n = strlen(provider);

	for (const char *p = words; (p = strstr(p, provider)) != NULL; p++)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

/* Finds the instance type that a text is, if any: the user's rows first, then the more literal. */
static const IdentifyInstance *
find_instance(const char *sku, Size len, const char *provider, long *devices)
{
	char		folded[IDENTIFY_NAME_MAX + 1];
	size_t		n = IdentifySkuFold(sku, len, folded);
	const IdentifyInstance *best = NULL;
	int			best_literals = -1;
	const IdentifyInstance *rows;
	int			nrows;

	if (n == 0)
		return NULL;
	rows = IdentifyGetInstances(&nrows);
	for (int i = 0; i < nrows; i++)
	{
		const IdentifyInstance *row = &rows[i];
		long		captured = -1;
		int			literals = 0;

		if (provider != NULL && !is_provider(row->provider, provider))
			continue;
		if (!IdentifyMatchSku(row->pattern, folded, n, &captured, &literals))
			continue;
		if (best == NULL || (row->user && !best->user) ||
			(row->user == best->user && literals > best_literals))
		{
			best = row;
			best_literals = literals;
			*devices = captured;
		}
	}
	return best;
}

/*
 * Looks a text up that may be an alias or canonical: a canonical text means itself,
 * unless the user taught otherwise.
 */
static bool
look_up_text(IdentifyCache *cache, const char *text, Size len, char **systems, int nsystems,
			 Accelerator *out, bool *known)
{
	Accelerator canonical;
	bool		shipped = false;
	bool		found = IdentifyLookUpAlias(text, len, systems, nsystems, cache->lookups++ >= SINGLE_LOOKUPS,
											out, known, &shipped);

	if ((!found || shipped) && IdentifyReadCanonical(text, len, &canonical))
	{
		*out = canonical;
		*known = found = true;
	}
	return found;
}

/* Tells what one name means; false if it is not known. */
static bool
identify_one(IdentifyCache *cache, const char *name, Size len, char **systems, int nsystems,
			 Accelerator *out)
{
	bool		known;

	if (len == 0 || len > IDENTIFY_NAME_MAX)
		return false;
	if (look_up_text(cache, name, len, systems, nsystems, out, &known))
		return known;
	return IdentifyRead(IdentifyGetGrammar(), name, len, out);
}

/* Tells what a text in any of the forms that systems print means. */
static bool
identify_text(IdentifyCache *cache, const char *text, Size len, const char *source, Accelerator *out)
{
	char	   *systems[3];
	int			nsystems = 0;
	const char *name = text;
	Size		namelen;
	const char *list;
	Size		listlen;
	const char *device;
	size_t		devicelen;
	bool		any = false;
	bool		known;
	long		devices;
	const IdentifyInstance *row;

	if (len == 0 || len > MAX_TEXT)
		return false;
	systems[nsystems++] = pstrdup("");
	if (source != NULL && source[0] != '\0')
		systems[nsystems++] = pstrdup(source);

	/* The text as it is, if somebody taught it. */
	if (len <= IDENTIFY_NAME_MAX && look_up_text(cache, text, len, systems, nsystems, out, &known))
		return known;

	/* The key of a label is a source of its own. */
	namelen = IdentifyUnwrap(&name, len);
	if (name > text)
	{
		Size		keylen = name - text;

		while (keylen > 0 && strchr(":= \"'\t\r\n", text[keylen - 1]) != NULL)
			keylen--;
		while (keylen > 0 && strchr(" \"'\t\r\n", *text) != NULL)
		{
			text++;
			keylen--;
		}
		if (keylen > 0)
			systems[nsystems++] = asc_tolower(text, keylen);
	}

	/* Device types of Slurm; all of a list must be known, and of one maker. */
	list = name;
	listlen = namelen;
	while (IdentifyNextDevice(&list, &listlen, &device, &devicelen))
	{
		Accelerator one;
		Accelerator join;

		if (!identify_one(cache, device, devicelen, systems, nsystems, &one))
			return false;
		if (!any)
			*out = one;
		else if (IdentifyJoin(out, &one, &join))
			*out = join;
		else
			return false;
		any = true;
	}
	if (any)
		return true;

	if (identify_one(cache, name, namelen, systems, nsystems, out))
		return true;
	row = find_instance(name, namelen, NULL, &devices);
	if (row != NULL)
		*out = row->accelerator;
	return row != NULL;
}

/*
 * Reads an instance type that says what it is made of: a name, and how many as
 * "x8" at its end or "8x" before it; what stands before an underscore is who sells
 * it.  "datacrunch_A100-sxm4-80Gx4", "gpu_8x_h100_sxm5".  One device if a seller is
 * named and no number; unknown how many otherwise.
 */
static bool
identify_composed(IdentifyCache *cache, const char *sku, Size len, char **systems, int nsystems,
				  Accelerator *out, long *devices)
{
	char		name[IDENTIFY_NAME_MAX + 1];
	Size		n = 0;
	Size		start = 0;
	bool		counted = false;

	if (len > IDENTIFY_NAME_MAX)
		return false;
	for (Size i = 0; i < len; i++)
		if (sku[i] == '_')
		{
			start = i + 1;
			break;
		}
	*devices = start > 0 ? 1 : -1;
	for (Size i = start; i < len;)
	{
		char		c = pg_tolower((unsigned char) sku[i]);
		Size		digits = i;
		long		value = 0;

		if (c == 'x' && i > start && !counted)
		{
			digits = i + 1;
			while (digits < len && digits < i + 4 && isdigit((unsigned char) sku[digits]))
				value = value * 10 + (sku[digits++] - '0');
			if (value > 0 && (digits == len || sku[digits] == '-' || sku[digits] == '_'))
			{
				*devices = value;
				counted = true;
				i = digits;
				continue;
			}
		}
		else if (isdigit((unsigned char) c) && !counted &&
				 (i == 0 || sku[i - 1] == '_' || sku[i - 1] == '-'))
		{
			while (digits < len && digits < i + 3 && isdigit((unsigned char) sku[digits]))
				value = value * 10 + (sku[digits++] - '0');
			if (value > 0 && digits < len && pg_tolower((unsigned char) sku[digits]) == 'x' &&
				(digits + 1 == len || sku[digits + 1] == '_' || sku[digits + 1] == '-'))
			{
				*devices = value;
				counted = true;
				i = digits + 1;
				continue;
			}
		}
		name[n++] = sku[i++];
	}
	name[n] = '\0';
	return identify_one(cache, name, n, systems, nsystems, out);
}

/* ---- cache ---- */

/* Returns a call site's cache. */
static IdentifyCache *
get_cache(FunctionCallInfo fcinfo)
{
	return (IdentifyCache *) CallCacheGet(fcinfo, sizeof(IdentifyCache), "identify");
}

/* Returns the place of a name in the cache: its entry, or the free one to put it in. */
static IdentifyEntry *
find_entry(IdentifyCache *cache, uint32 hash, const char *name, uint32 namelen,
		   const char *source, uint32 sourcelen)
{
	for (uint32 i = hash & (cache->size - 1);; i = (i + 1) & (cache->size - 1))
	{
		IdentifyEntry *e = &cache->entries[i];

		if (!e->used ||
			(e->hash == hash && e->namelen == namelen && e->sourcelen == sourcelen &&
			 memcmp(e->name, name, namelen) == 0 &&
			 memcmp(e->name + namelen, source, sourcelen) == 0))
			return e;
	}
}

/* Makes room for another name. */
static void
grow_entries(IdentifyCache *cache)
{
	IdentifyEntry *old = cache->entries;
	uint32		oldsize = cache->size;

	cache->size = oldsize ? oldsize * 2 : 256;
	cache->entries = MemoryContextAllocZero(cache->call.context, sizeof(IdentifyEntry) * cache->size);
	for (uint32 i = 0; i < oldsize; i++)
		if (old[i].used)
			*find_entry(cache, old[i].hash, old[i].name, old[i].namelen,
						old[i].name + old[i].namelen, old[i].sourcelen) = old[i];
	if (old)
		pfree(old);
}

/* Keeps what a name turned out to mean. */
static IdentifyEntry *
add_entry(IdentifyCache *cache, uint32 hash, const char *name, uint32 namelen,
		  const char *source, uint32 sourcelen)
{
	IdentifyEntry *e;

	if (cache->nentries >= CACHE_MAX_ENTRIES || cache->bytes > CACHE_MAX_BYTES)
		CallCacheClear(&cache->call);
	if (cache->size == 0 || cache->nentries * 2 >= cache->size)
		grow_entries(cache);
	e = find_entry(cache, hash, name, namelen, source, sourcelen);
	e->name = MemoryContextAlloc(cache->call.context, namelen + sourcelen + 1);
	memcpy(e->name, name, namelen);
	memcpy(e->name + namelen, source, sourcelen);
	e->hash = hash;
	e->namelen = namelen;
	e->sourcelen = sourcelen;
	e->used = true;
	cache->nentries++;
	cache->bytes += namelen + sourcelen;
	return e;
}

/* Lower-cases a source's or provider's name and takes blanks off it; NULL for nothing. */
static char *
fold_source(const char *s, Size len)
{
	while (len > 0 && *s == ' ')
	{
		s++;
		len--;
	}
	while (len > 0 && s[len - 1] == ' ')
		len--;
	return len > 0 ? asc_tolower(s, len) : NULL;
}

/* What a caller asked for. */
typedef enum IdentifyQuestion
{
	ASK_NAME,
	ASK_INSTANCE
} IdentifyQuestion;

/* Answers a question, from the cache if it was asked before at this call site. */
static const IdentifyEntry *
ask(FunctionCallInfo fcinfo, IdentifyQuestion question)
{
	static const IdentifyEntry unknown = {0};
	IdentifyCache *cache = get_cache(fcinfo);
	text	   *name_arg = PG_GETARG_TEXT_PP(0);
	text	   *source_arg = PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1);
	const char *name = VARDATA_ANY(name_arg);
	uint32		namelen = VARSIZE_ANY_EXHDR(name_arg);
	const char *source = source_arg ? VARDATA_ANY(source_arg) : "";
	uint32		sourcelen = source_arg ? VARSIZE_ANY_EXHDR(source_arg) : 0;
	uint32		hash;
	Accelerator accelerator = {{0}};
	bool		known = false;
	bool		has_devices = false;
	Datum		devices = (Datum) 0;
	IdentifyEntry *e;
	MemoryContext old;

	/* no name, and too much to remember */
	if (namelen > MAX_TEXT)
		return &unknown;
	hash = hash_bytes((const unsigned char *) name, (int) namelen);
	if (sourcelen > 0)
		hash = hash_combine(hash, hash_bytes((const unsigned char *) source, (int) sourcelen));
	if (likely(cache->size > 0))
	{
		e = find_entry(cache, hash, name, namelen, source, sourcelen);
		if (likely(e->used))
			return e;
	}

	{
		char	   *folded = fold_source(source, sourcelen);

		if (question == ASK_NAME)
			known = identify_text(cache, name, namelen, folded, &accelerator);
		else
		{
			long		count = -1;
			const IdentifyInstance *row = find_instance(name, namelen, folded, &count);

			if (row != NULL)
			{
				known = true;
				accelerator = row->accelerator;
				has_devices = row->has_devices || count >= 0;
				if (row->has_devices && count >= 0)
					devices = DirectFunctionCall2(numeric_mul, row->devices,
												  NumericGetDatum(int64_to_numeric(count)));
				else if (row->has_devices)
					devices = NumericGetDatum(DatumGetNumericCopy(row->devices));
			}
			else
			{
				char	   *systems[2] = {"", folded};

				known = identify_composed(cache, name, namelen, systems, folded ? 2 : 1,
										  &accelerator, &count);
				has_devices = known && count >= 0;
			}
			if (has_devices && devices == (Datum) 0)
				devices = NumericGetDatum(int64_to_numeric(count));
		}
	}
	e = add_entry(cache, hash, name, namelen, source, sourcelen);
	e->known = known;
	e->accelerator = accelerator;
	e->has_devices = has_devices;
	if (has_devices)
	{
		old = MemoryContextSwitchTo(cache->call.context);
		e->devices = NumericGetDatum(DatumGetNumericCopy(devices));
		MemoryContextSwitchTo(old);
	}
	return e;
}

/* ---- SQL-callable functions ---- */

/* Returns a copy of a value, which must outlive the cache. */
static Datum
copy_accelerator(const Accelerator *a)
{
	Accelerator *copy = palloc(sizeof(Accelerator));

	memcpy(copy, a, sizeof(*copy));
	return AcceleratorPGetDatum(copy);
}

/* identify(name text, source text): the chip or class that a name means, or NULL. */
PG_FUNCTION_INFO_V1(identify);
Datum
identify(PG_FUNCTION_ARGS)
{
	const IdentifyEntry *e;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	e = ask(fcinfo, ASK_NAME);
	if (!e->known)
		PG_RETURN_NULL();
	return copy_accelerator(&e->accelerator);
}

/* A name near to one that is not known. */
typedef struct NearName
{
	char	   *name;
	int			distance;
} NearName;

/* Returns the known names that are nearest to one, quoted, for a hint; NULL if none is near. */
static char *
nearest_names(const char *name, Size len)
{
	char		key[IDENTIFY_KEY_MAX + 1];
	char		other[IDENTIFY_KEY_MAX + 1];
	Size		keylen = IdentifyKey(name, len, key);
	int			limit = Max(1, (int) keylen / 3);
	NearName	nearest[MAX_NEAREST];
	int			n = 0;
	uint64		rows;
	StringInfoData buf;
	MemoryContext caller = CurrentMemoryContext;

	if (keylen == 0 || keylen > 64)
		return NULL;
	initStringInfo(&buf);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute("SELECT a.alias FROM compute_ledger.accelerator_alias AS a"
					" WHERE pg_catalog.upper_inf(a.recorded)"
					" AND pg_catalog.strpos(a.alias, ':') OPERATOR(pg_catalog.=) 0"
					" AND a.accelerator IS NOT NULL"
					" UNION SELECT w.word FROM compute_ledger.accelerator_word AS w"
					" WHERE pg_catalog.upper_inf(w.recorded)"
					" AND w.kind OPERATOR(pg_catalog.=) 'model'"
					" AND pg_catalog.strpos(w.word, '#') OPERATOR(pg_catalog.=) 0"
					" UNION SELECT m.accelerator::text FROM compute_ledger.accelerator_variant AS m"
					" WHERE pg_catalog.upper_inf(m.recorded)", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the tables of names");
	rows = SPI_processed;
	for (uint64 i = 0; i < rows; i++)
	{
		char	   *s = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		Size		otherlen = s ? IdentifyKey(s, strlen(s), other) : 0;
		int			d;
		int			at;

		if (otherlen == 0 || otherlen > 64)
			continue;
		d = varstr_levenshtein_less_equal(key, (int) keylen, other, (int) otherlen, 1, 1, 1, limit, true);
		if (d > limit)
			continue;
		at = n < MAX_NEAREST ? n++ : MAX_NEAREST;
		for (; at > 0 && (nearest[at - 1].distance > d ||
						  (nearest[at - 1].distance == d && strcmp(nearest[at - 1].name, s) > 0)); at--)
			if (at < MAX_NEAREST)
				nearest[at] = nearest[at - 1];
		if (at < MAX_NEAREST)
		{
			nearest[at].name = s;
			nearest[at].distance = d;
		}
	}
	MemoryContextSwitchTo(caller);
	for (int i = 0; i < n; i++)
		appendStringInfo(&buf, "%s\"%s\"", i > 0 ? ", " : "", nearest[i].name);
	SPI_finish();
	return n > 0 ? buf.data : NULL;
}

/* identify_strict(name text, source text): as identify, but an unknown name is an error. */
PG_FUNCTION_INFO_V1(identify_strict);
Datum
identify_strict(PG_FUNCTION_ARGS)
{
	const IdentifyEntry *e;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	e = ask(fcinfo, ASK_NAME);
	if (!e->known)
	{
		text	   *name = PG_GETARG_TEXT_PP(0);
		Size		len = VARSIZE_ANY_EXHDR(name);
		char	   *shown = text_to_cstring(name);
		char	   *nearest = nearest_names(VARDATA_ANY(name), len);

		if (len > IDENTIFY_NAME_MAX)
			shown[pg_mbcliplen(shown, (int) len, IDENTIFY_NAME_MAX)] = '\0';
		ereport(ERROR,
				(errcode(ERRCODE_CL_UNKNOWN_ACCELERATOR),
				 errmsg("unrecognized accelerator name: \"%s\"", shown),
				 errdetail("No alias, no canonical text and no rule of the vocabulary explains the whole of it."),
				 nearest ?
				 errhint("Similar names: %s. A row in compute_ledger.accelerator_alias teaches a name.", nearest) :
				 errhint("A row in compute_ledger.accelerator_alias teaches a name.")));
	}
	return copy_accelerator(&e->accelerator);
}

/* identify_instance(sku text, provider text): what accelerators an instance type has, and how many. */
PG_FUNCTION_INFO_V1(identify_instance);
Datum
identify_instance(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	Datum		values[2] = {(Datum) 0, (Datum) 0};
	bool		nulls[2] = {true, true};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	tupdesc = BlessTupleDesc(tupdesc);
	if (!PG_ARGISNULL(0))
	{
		const IdentifyEntry *e = ask(fcinfo, ASK_INSTANCE);

		if (e->known)
		{
			values[0] = AcceleratorPGetDatum(&e->accelerator);
			nulls[0] = false;
			if (e->has_devices)
			{
				values[1] = e->devices;
				nulls[1] = false;
			}
		}
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls)));
}

/* accelerator_name_key(name text): what names that differ in case and separators only have in common. */
PG_FUNCTION_INFO_V1(accelerator_name_key);
Datum
accelerator_name_key(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	char		key[IDENTIFY_KEY_MAX];
	Size		len = IdentifyKey(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), key);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(key, (int) len));
}

/* accelerator_word_check(kind, word, meaning, family): true, or an error that says what is wrong. */
PG_FUNCTION_INFO_V1(accelerator_word_check);
Datum
accelerator_word_check(PG_FUNCTION_ARGS)
{
	char	   *kind_name;
	char	   *word;
	char	   *meaning = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	char	   *family = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	IdentifyKind kind;
	const char *wrong;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	kind_name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	word = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (!IdentifyKindFromName(kind_name, &kind))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized kind of word: \"%s\"", kind_name),
				 errhint("The kinds are vendor, chip, model, product, suffix, form, memory_type, noise and rewrite.")));
	wrong = IdentifyCheckWord(kind, word, meaning, family);
	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid word of kind \"%s\": \"%s\"", kind_name, word),
				 errdetail("Expected: %s.", wrong)));
	PG_RETURN_BOOL(true);
}

/* accelerator_form_check(form text): whether a text is the word of a form factor. */
PG_FUNCTION_INFO_V1(accelerator_form_check);
Datum
accelerator_form_check(PG_FUNCTION_ARGS)
{
	text	   *form = PG_GETARG_TEXT_PP(0);
	uint8_t		code;

	PG_RETURN_BOOL(AcceleratorFormFromWord(VARDATA_ANY(form), VARSIZE_ANY_EXHDR(form), &code));
}
