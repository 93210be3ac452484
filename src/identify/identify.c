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
 * out to mean is kept with the call site (fn_extra), for as long as the active
 * snapshot sees the same rows (snapshot_key.h).  Words, variants and instance types
 * are read once for a call site, when the first name needs them; aliases, of which
 * there are many, one at a time through their index.
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
#include "base/errcodes.h"
#include "identify/identify_core.h"
#include "base/snapshot_key.h"

PG_FUNCTION_INFO_V1(accelerator_name_key);
PG_FUNCTION_INFO_V1(accelerator_word_check);
PG_FUNCTION_INFO_V1(accelerator_form_check);
PG_FUNCTION_INFO_V1(identify);
PG_FUNCTION_INFO_V1(identify_strict);
PG_FUNCTION_INFO_V1(identify_instance);

/* Names kept for one call site before starting again, and the bytes of them. */
#define CACHE_MAX_ENTRIES	32768
#define CACHE_MAX_BYTES		(8 * 1024 * 1024)

/* A longer text is not the name of a device nor a plausible list of them. */
#define MAX_TEXT			4096

/* How many near names a hint gives, and how near they must be. */
#define MAX_NEAREST			3

/* What one name means. */
typedef struct CacheEntry
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
} CacheEntry;

/* A row of accelerator_instance. */
typedef struct InstanceRow
{
	char	   *pattern;
	char	   *provider;
	bool		user;
	bool		has_devices;
	Accelerator accelerator;
	Datum		devices;		/* numeric */
} InstanceRow;

/* What a call site keeps. */
typedef struct IdentifyCache
{
	SnapshotKey key;
	MemoryContext context;		/* everything below lives there */
	CacheEntry *entries;		/* open addressing; size is a power of two */
	uint32		size;
	uint32		nentries;
	Size		bytes;
	IdentifyGrammar *grammar;	/* NULL until needed */
	InstanceRow *instances;		/* NULL until needed */
	int			ninstances;
} IdentifyCache;

static SPIPlanPtr alias_plan = NULL;
static SPIPlanPtr word_plan = NULL;
static SPIPlanPtr variant_plan = NULL;
static SPIPlanPtr instance_plan = NULL;

/* ------------------------------------------------------------------------
 * Reading tables
 * ------------------------------------------------------------------------ */

/* Prepares a query once for the backend. */
static SPIPlanPtr
GetPlan(SPIPlanPtr *plan, const char *query, int nargs, Oid *argtypes)
{
	if (*plan == NULL)
	{
		SPIPlanPtr	p = SPI_prepare(query, nargs, argtypes);

		if (p == NULL || SPI_keepplan(p) != 0)
			elog(ERROR, "could not prepare a query of the tables of names");
		*plan = p;
	}
	return *plan;
}

/* Runs a prepared query with the active snapshot; returns the number of rows. */
static uint64
RunPlan(SPIPlanPtr plan, Datum *args)
{
	if (SPI_execute_plan(plan, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the tables of names");
	return SPI_processed;
}

/* Copies a column of text of a result row into a context; NULL for null. */
static char *
GetText(uint64 row, int column, MemoryContext context)
{
	bool		isnull;
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
	MemoryContext old;
	char	   *s;

	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(context);
	s = TextDatumGetCString(d);
	MemoryContextSwitchTo(old);
	return s;
}

/* Reads a column of type accelerator of a result row; false for null. */
static bool
GetAccelerator(uint64 row, int column, Accelerator *out)
{
	bool		isnull;
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	if (!isnull)
		memcpy(out, DatumGetAcceleratorP(d), sizeof(*out));
	return !isnull;
}

/* Reads a numeric column into a context; false for null. */
static bool
GetNumeric(uint64 row, int column, MemoryContext context, Datum *out)
{
	bool		isnull;
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
	MemoryContext old;

	if (isnull)
		return false;
	old = MemoryContextSwitchTo(context);
	*out = NumericGetDatum(DatumGetNumericCopy(d));
	MemoryContextSwitchTo(old);
	return true;
}

/* Reads the vocabulary and the variants. */
static IdentifyGrammar *
LoadGrammar(MemoryContext context)
{
	IdentifyGrammar *g = MemoryContextAllocZero(context, sizeof(IdentifyGrammar));
	uint64		n;

	g->utf8 = GetDatabaseEncoding() == PG_UTF8;
	n = RunPlan(GetPlan(&word_plan,
						"SELECT w.kind, w.word, w.meaning, w.family, w.shipped"
						" FROM compute_ledger.accelerator_word AS w"
						" WHERE pg_catalog.upper_inf(w.recorded)", 0, NULL), NULL);
	g->words = MemoryContextAllocZero(context, sizeof(IdentifyWord) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		IdentifyWord *w = &g->words[g->nwords];
		char	   *kind = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		bool		isnull;

		if (kind == NULL || !IdentifyKindFromName(kind, &w->kind))
			continue;			/* of a later version, until the update has run */
		w->text = GetText(i, 2, context);
		w->meaning = GetText(i, 3, context);
		w->family = GetText(i, 4, context);
		w->user = !DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 5, &isnull));
		g->nwords++;
	}
	SPI_freetuptable(SPI_tuptable);
	IdentifyIndex(g);

	n = RunPlan(GetPlan(&variant_plan,
						"SELECT v.accelerator, v.form, v.memory_gb, v.memory_type"
						" FROM compute_ledger.accelerator_variant AS v"
						" WHERE pg_catalog.upper_inf(v.recorded)", 0, NULL), NULL);
	g->variants = MemoryContextAllocZero(context, sizeof(IdentifyVariant) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		IdentifyVariant *v = &g->variants[i];
		char	   *form = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		bool		isnull;
		Datum		gb;

		GetAccelerator(i, 1, &v->accelerator);
		if (form != NULL)
			AcceleratorFormFromWord(form, strlen(form), &v->form);
		gb = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &isnull);
		v->memory_gb = isnull ? 0 : (uint16) DatumGetInt32(gb);
		v->memory_type = GetText(i, 4, context);
	}
	g->nvariants = (int) n;
	SPI_freetuptable(SPI_tuptable);
	return g;
}

/* Reads the instance types. */
static void
LoadInstances(IdentifyCache *cache)
{
	uint64		n = RunPlan(GetPlan(&instance_plan,
									"SELECT i.sku, i.provider, i.accelerator, i.devices, i.shipped"
									" FROM compute_ledger.accelerator_instance AS i"
									" WHERE pg_catalog.upper_inf(i.recorded)", 0, NULL), NULL);

	cache->instances = MemoryContextAllocZero(cache->context, sizeof(InstanceRow) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		InstanceRow *row = &cache->instances[i];
		bool		isnull;

		row->pattern = GetText(i, 1, cache->context);
		row->provider = GetText(i, 2, cache->context);
		GetAccelerator(i, 3, &row->accelerator);
		row->has_devices = GetNumeric(i, 4, cache->context, &row->devices);
		row->user = !DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 5, &isnull));
	}
	cache->ninstances = (int) n;
	SPI_freetuptable(SPI_tuptable);
}

/* Makes an array of up to a few texts. */
static Datum
MakeTextArray(char **values, int n)
{
	Datum		d[4];

	for (int i = 0; i < n; i++)
		d[i] = CStringGetTextDatum(values[i]);
	return PointerGetDatum(construct_array(d, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * Looks a name up among the aliases.  systems holds the sources under which to
 * look, besides the aliases that hold for any.  *known says whether the alias
 * names a chip: one may also say that a name means none.  *shipped says whose alias
 * it is.
 */
static bool
LookupAlias(const char *name, Size len, char **systems, int nsystems, Accelerator *out,
			bool *known, bool *shipped)
{
	char		buf[IDENTIFY_KEY_MAX + 1];
	char	   *keys[4];
	int			nkeys = 0;
	IdentifyPci pci;
	Oid			argtypes[2] = {TEXTARRAYOID, TEXTARRAYOID};
	Datum		args[2];
	bool		found;
	Size		n = IdentifyKey(name, len, buf);

	if (n == 0)
		return false;
	buf[n] = '\0';
	keys[nkeys++] = pstrdup(buf);

	/* A PCI id without its subsystem or revision is what the device is called in general. */
	if (IdentifyReadPci(name, len, &pci))
	{
		if (pci.revision >= 0 && n > 3)
			keys[nkeys++] = pnstrdup(buf, n - 3);
		if (n > 9)
			keys[nkeys++] = pnstrdup(buf, 9);
	}

	args[0] = MakeTextArray(keys, nkeys);
	args[1] = MakeTextArray(systems, nsystems);
	found = RunPlan(GetPlan(&alias_plan,
							"SELECT a.accelerator, a.shipped FROM compute_ledger.accelerator_alias AS a"
							" WHERE compute_ledger.accelerator_name_key(a.alias) OPERATOR(pg_catalog.=) ANY ($1)"
							" AND a.system OPERATOR(pg_catalog.=) ANY ($2)"
							" AND pg_catalog.upper_inf(a.recorded)"
							" ORDER BY a.shipped, a.system OPERATOR(pg_catalog.=) '',"
							" pg_catalog.length(compute_ledger.accelerator_name_key(a.alias)) DESC"
							" LIMIT 1", 2, argtypes), args) > 0;
	if (found)
	{
		bool		isnull;

		*known = GetAccelerator(0, 1, out);
		*shipped = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* ------------------------------------------------------------------------
 * Names
 * ------------------------------------------------------------------------ */

/* Says whether one of the words of a row's provider is the provider asked for. */
static bool
ProviderIs(const char *words, const char *provider)
{
	size_t		n = strlen(provider);

	for (const char *p = words; (p = strstr(p, provider)) != NULL; p++)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

/* Finds the instance type that a text is, if any: the user's rows first, then the more literal. */
static const InstanceRow *
FindInstance(IdentifyCache *cache, const char *sku, Size len, const char *provider, long *devices)
{
	char		folded[IDENTIFY_NAME_MAX + 1];
	size_t		n = IdentifySkuFold(sku, len, folded);
	const InstanceRow *best = NULL;
	int			best_literals = -1;

	if (n == 0)
		return NULL;
	if (cache->instances == NULL)
		LoadInstances(cache);
	for (int i = 0; i < cache->ninstances; i++)
	{
		const InstanceRow *row = &cache->instances[i];
		long		captured = -1;
		int			literals = 0;

		if (provider != NULL && !ProviderIs(row->provider, provider))
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
LookupText(const char *text, Size len, char **systems, int nsystems, Accelerator *out, bool *known)
{
	Accelerator canonical;
	bool		shipped = false;
	bool		found = LookupAlias(text, len, systems, nsystems, out, known, &shipped);

	if ((!found || shipped) && IdentifyReadCanonical(text, len, &canonical))
	{
		*out = canonical;
		*known = found = true;
	}
	return found;
}

/* Tells what one name means; false if it is not known. */
static bool
IdentifyOne(IdentifyCache *cache, const char *name, Size len, char **systems, int nsystems,
			Accelerator *out)
{
	bool		known;

	if (len == 0 || len > IDENTIFY_NAME_MAX)
		return false;
	if (LookupText(name, len, systems, nsystems, out, &known))
		return known;
	if (cache->grammar == NULL)
		cache->grammar = LoadGrammar(cache->context);
	return IdentifyRead(cache->grammar, name, len, out);
}

/* Tells what a text in any of the forms that systems print means. */
static bool
IdentifyText(IdentifyCache *cache, const char *text, Size len, const char *source, Accelerator *out)
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
	const InstanceRow *row;

	if (len == 0 || len > MAX_TEXT)
		return false;
	systems[nsystems++] = pstrdup("");
	if (source != NULL && source[0] != '\0')
		systems[nsystems++] = pstrdup(source);

	/* The text as it is, if somebody taught it. */
	if (len <= IDENTIFY_NAME_MAX && LookupText(text, len, systems, nsystems, out, &known))
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

		if (!IdentifyOne(cache, device, devicelen, systems, nsystems, &one))
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

	if (IdentifyOne(cache, name, namelen, systems, nsystems, out))
		return true;
	row = FindInstance(cache, name, namelen, NULL, &devices);
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
IdentifyComposed(IdentifyCache *cache, const char *sku, Size len, char **systems, int nsystems,
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
	return IdentifyOne(cache, name, n, systems, nsystems, out);
}

/* ------------------------------------------------------------------------
 * Cache
 * ------------------------------------------------------------------------ */

/* Forgets everything that a call site has kept. */
static void
ResetCache(IdentifyCache *cache)
{
	MemoryContextReset(cache->context);
	cache->entries = NULL;
	cache->size = 0;
	cache->nentries = 0;
	cache->bytes = 0;
	cache->grammar = NULL;
	cache->instances = NULL;
	cache->ninstances = 0;
	memset(&cache->key, 0, sizeof(cache->key));
}

/* Returns a call site's cache, emptied if other rows are visible than when it was filled. */
static IdentifyCache *
GetCache(FunctionCallInfo fcinfo)
{
	IdentifyCache *cache = fcinfo->flinfo->fn_extra;

	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(IdentifyCache));
		cache->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "identify",
											   ALLOCSET_DEFAULT_SIZES);
		fcinfo->flinfo->fn_extra = cache;
	}
	if (likely(SnapshotKeyIsCurrent(&cache->key)))
		return cache;
	ResetCache(cache);
	SnapshotKeyTake(&cache->key);
	return cache;
}

/* Returns the place of a name in the cache: its entry, or the free one to put it in. */
static CacheEntry *
FindEntry(IdentifyCache *cache, uint32 hash, const char *name, uint32 namelen,
		  const char *source, uint32 sourcelen)
{
	for (uint32 i = hash & (cache->size - 1);; i = (i + 1) & (cache->size - 1))
	{
		CacheEntry *e = &cache->entries[i];

		if (!e->used ||
			(e->hash == hash && e->namelen == namelen && e->sourcelen == sourcelen &&
			 memcmp(e->name, name, namelen) == 0 &&
			 memcmp(e->name + namelen, source, sourcelen) == 0))
			return e;
	}
}

/* Makes room for another name. */
static void
GrowCache(IdentifyCache *cache)
{
	CacheEntry *old = cache->entries;
	uint32		oldsize = cache->size;

	cache->size = oldsize ? oldsize * 2 : 256;
	cache->entries = MemoryContextAllocZero(cache->context, sizeof(CacheEntry) * cache->size);
	for (uint32 i = 0; i < oldsize; i++)
		if (old[i].used)
			*FindEntry(cache, old[i].hash, old[i].name, old[i].namelen,
					   old[i].name + old[i].namelen, old[i].sourcelen) = old[i];
	if (old)
		pfree(old);
}

/* Keeps what a name turned out to mean. */
static CacheEntry *
AddEntry(IdentifyCache *cache, uint32 hash, const char *name, uint32 namelen,
		 const char *source, uint32 sourcelen)
{
	CacheEntry *e;

	if (cache->nentries >= CACHE_MAX_ENTRIES || cache->bytes > CACHE_MAX_BYTES)
	{
		SnapshotKey key = cache->key;

		ResetCache(cache);
		cache->key = key;
	}
	if (cache->size == 0 || cache->nentries * 2 >= cache->size)
		GrowCache(cache);
	e = FindEntry(cache, hash, name, namelen, source, sourcelen);
	e->name = MemoryContextAlloc(cache->context, namelen + sourcelen + 1);
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
FoldSource(const char *s, Size len)
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
typedef enum Question
{
	ASK_NAME,
	ASK_INSTANCE
} Question;

/* Answers a question, from the cache if it was asked before at this call site. */
static const CacheEntry *
Ask(FunctionCallInfo fcinfo, Question question)
{
	static const CacheEntry unknown = {0};
	IdentifyCache *cache = GetCache(fcinfo);
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
	CacheEntry *e;
	MemoryContext old;

	/* no name, and too much to remember */
	if (namelen > MAX_TEXT)
		return &unknown;
	hash = hash_bytes((const unsigned char *) name, (int) namelen);
	if (sourcelen > 0)
		hash = hash_combine(hash, hash_bytes((const unsigned char *) source, (int) sourcelen));
	if (likely(cache->size > 0))
	{
		e = FindEntry(cache, hash, name, namelen, source, sourcelen);
		if (likely(e->used))
			return e;
	}

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	{
		char	   *folded = FoldSource(source, sourcelen);

		if (question == ASK_NAME)
			known = IdentifyText(cache, name, namelen, folded, &accelerator);
		else
		{
			long		count = -1;
			const InstanceRow *row = FindInstance(cache, name, namelen, folded, &count);

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

				known = IdentifyComposed(cache, name, namelen, systems, folded ? 2 : 1,
										 &accelerator, &count);
				has_devices = known && count >= 0;
			}
			if (has_devices && devices == (Datum) 0)
				devices = NumericGetDatum(int64_to_numeric(count));
		}
	}
	/* Making room may forget the rows read above; what is kept is copied. */
	e = AddEntry(cache, hash, name, namelen, source, sourcelen);
	e->known = known;
	e->accelerator = accelerator;
	e->has_devices = has_devices;
	if (has_devices)
	{
		old = MemoryContextSwitchTo(cache->context);
		e->devices = NumericGetDatum(DatumGetNumericCopy(devices));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return e;
}

/* ------------------------------------------------------------------------
 * SQL-callable functions
 * ------------------------------------------------------------------------ */

/* Returns a copy of a value, which must outlive the cache. */
static Datum
CopyAccelerator(const Accelerator *a)
{
	Accelerator *copy = palloc(sizeof(Accelerator));

	memcpy(copy, a, sizeof(*copy));
	return AcceleratorPGetDatum(copy);
}

/* identify(name text, source text): the chip or class that a name means, or NULL. */
Datum
identify(PG_FUNCTION_ARGS)
{
	const CacheEntry *e;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	e = Ask(fcinfo, ASK_NAME);
	if (!e->known)
		PG_RETURN_NULL();
	return CopyAccelerator(&e->accelerator);
}

/* A name near to one that is not known. */
typedef struct NearName
{
	char	   *name;
	int			distance;
} NearName;

/* Returns the known names that are nearest to one, quoted, for a hint; NULL if none is near. */
static char *
NearestNames(const char *name, Size len)
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
Datum
identify_strict(PG_FUNCTION_ARGS)
{
	const CacheEntry *e;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	e = Ask(fcinfo, ASK_NAME);
	if (!e->known)
	{
		text	   *name = PG_GETARG_TEXT_PP(0);
		Size		len = VARSIZE_ANY_EXHDR(name);
		char	   *shown = text_to_cstring(name);
		char	   *nearest = NearestNames(VARDATA_ANY(name), len);

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
	return CopyAccelerator(&e->accelerator);
}

/* identify_instance(sku text, provider text): what accelerators an instance type has, and how many. */
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
		const CacheEntry *e = Ask(fcinfo, ASK_INSTANCE);

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
Datum
accelerator_name_key(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	char		key[IDENTIFY_KEY_MAX];
	Size		len = IdentifyKey(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), key);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(key, (int) len));
}

/* accelerator_word_check(kind, word, meaning, family): true, or an error that says what is wrong. */
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
Datum
accelerator_form_check(PG_FUNCTION_ARGS)
{
	text	   *form = PG_GETARG_TEXT_PP(0);
	uint8_t		code;

	PG_RETURN_BOOL(AcceleratorFormFromWord(VARDATA_ANY(form), VARSIZE_ANY_EXHDR(form), &code));
}
