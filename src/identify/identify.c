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
 *	4. an instance type (accelerator_instance);
 *	5. a name by the grammar (accelerator_word, accelerator_variant);
 *	6. a number of such names (identify_forms.h).
 * Of an instance type the question is what it has: there it comes first.
 *
 * Called a million times over a few hundred different names, so what a name turned
 * out to mean is kept with the call site (call_cache.h).  What the tables say is kept for
 * the backend (identify_table.h).
 */
#include "base/compat.h"

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
#include "base/refuse.h"
#include "identify/identify_core.h"
#include "identify/identify_forms.h"
#include "identify/identify_table.h"
#include "profile/profile.h"

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
	uint32		vgpu_mib;		/* see IdentifyMeaning */
	uint32		card_mib;
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

		if (row->pattern[0] != folded[0] && strchr("#%*", row->pattern[0]) == NULL)
			continue;			/* most of them */
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

/* Reads a name by the grammar; false if it is not known. */
static bool
read_name(const char *name, Size len, IdentifyMeaning *out)
{
	if (len == 0 || len > IDENTIFY_NAME_MAX)
		return false;
	return IdentifyRead(IdentifyGetGrammar(), name, len, out);
}

/* Tells what one name means; false if it is not known. */
static bool
identify_one(IdentifyCache *cache, const char *name, Size len, char **systems, int nsystems,
			 IdentifyMeaning *out)
{
	bool		known;

	if (len == 0 || len > IDENTIFY_NAME_MAX)
		return false;
	memset(out, 0, sizeof(*out));
	if (look_up_text(cache, name, len, systems, nsystems, &out->accelerator, &known))
	{
		out->model_named = AcceleratorSpecificity(&out->accelerator) > 1;
		return known;
	}
	return read_name(name, len, out);
}

/* What a text means: a name and how many of it, or an instance type. */
typedef struct IdentifyAnswer
{
	IdentifyMeaning meaning;
	long		count;			/* 0 = that is not said */
	const IdentifyInstance *row;	/* NULL = no instance type */
	long		captured;		/* the number in an instance type that says how many; -1 = none */
} IdentifyAnswer;

/* What a caller asked for. */
typedef enum IdentifyQuestion
{
	ASK_NAME,
	ASK_INSTANCE
} IdentifyQuestion;

/* Takes an instance type as the answer, if a text is one. */
static bool
identify_instance_type(const char *sku, Size len, const char *provider, IdentifyAnswer *out)
{
	out->captured = -1;
	out->row = find_instance(sku, len, provider, &out->captured);
	if (out->row != NULL)
		out->meaning.accelerator = out->row->accelerator;
	return out->row != NULL;
}

/*
 * Reads a list of device types in the way of Slurm.  All of it must be known, and of one
 * maker; *any says whether there was one.
 */
static bool
identify_list(IdentifyCache *cache, const char *list, Size len, char **systems, int nsystems,
			  IdentifyAnswer *out, bool *any)
{
	const char *device;
	size_t		devicelen;
	long		count;

	*any = false;
	while (IdentifyNextDevice(&list, &len, &device, &devicelen, &count))
	{
		IdentifyMeaning one;
		Accelerator join;

		if (!identify_one(cache, device, devicelen, systems, nsystems, &one))
			return false;
		one.several = false;	/* Slurm counts devices, whatever the name */
		if (!*any)
		{
			out->meaning = one;
			out->count = count;
		}
		else if (IdentifyJoin(&out->meaning.accelerator, &one.accelerator, &join))
		{
			/* The parts of a device do not add up to a number of devices. */
			bool		parts = one.vgpu_mib != 0 || out->meaning.vgpu_mib != 0;

			memset(&out->meaning, 0, sizeof(out->meaning));
			out->meaning.accelerator = join;
			out->count = count == 0 || out->count == 0 || parts ? 0 : out->count + count;
		}
		else
			return false;
		*any = true;
	}
	return true;
}

/*
 * Reads a name with a number that says how many there are; if the question is what an
 * instance type has, also a number of that, and who sells it before the first underscore:
 * "datacrunch_A100-sxm4-80Gx4".
 */
static bool
identify_counted(IdentifyCache *cache, const char *name, Size len, const char *provider,
				 char **systems, int nsystems, IdentifyQuestion question, IdentifyAnswer *out)
{
	char		rest[IDENTIFY_NAME_MAX + 1];
	size_t		restlen;
	size_t		from = 0;
	bool		counts_model;
	Size		seller = 0;
	bool		single;

	if (len == 0 || len > IDENTIFY_NAME_MAX)
		return false;
	while (IdentifyTakeCount(name, len, &from, rest, &restlen, &out->count, &counts_model))
	{
		char	   *part = rest;

		while (restlen > 0 && part[restlen - 1] == ' ')
			restlen--;
		for (; restlen > 0 && *part == ' '; restlen--)
			part++;
		if (question == ASK_INSTANCE && identify_instance_type(part, restlen, provider, out))
			return true;
		if (identify_one(cache, part, restlen, systems, nsystems, &out->meaning) &&
			(!counts_model || out->meaning.model_named))
		{
			/* a number beside a name is of what is sold, beside a resource of what the driver lists */
			if (memchr(part, '/', restlen) == NULL)
				out->count *= IdentifyDevicesPerPackage(IdentifyGetGrammar(), &out->meaning.accelerator);
			return true;
		}
	}
	out->count = 1;
	if (question != ASK_INSTANCE)
		return false;
	for (; seller < len && AsciiIsLower(AsciiFold(name[seller])); seller++)
		rest[seller] = AsciiFold(name[seller]);
	if (seller == 0 || seller + 1 >= len || name[seller] != '_' ||
		IdentifyBeginsWord(IdentifyGetGrammar(), rest, (int) seller))
		return false;
	name += seller + 1;
	len -= seller + 1;
	single = identify_one(cache, name, len, systems, nsystems, &out->meaning);
	if (!single &&
		!identify_counted(cache, name, len, provider, systems, nsystems, ASK_NAME, out))
		return false;
	if (single)
		out->count = IdentifyDevicesPerPackage(IdentifyGetGrammar(), &out->meaning.accelerator);
	out->meaning.several = false;	/* a seller counts devices, whatever they are in */
	return true;
}

/* Tells what a text in any of the forms that systems print means. */
static bool
identify_text(IdentifyCache *cache, const char *text, Size len, const char *source,
			  IdentifyQuestion question, IdentifyAnswer *out)
{
	char	   *systems[3];
	int			nsystems = 0;
	const char *name;
	Size		namelen;
	Size		whole = len;
	bool		taught;
	bool		any;
	bool		known;

	memset(out, 0, sizeof(*out));
	out->count = 1;
	if (len == 0 || len > MAX_TEXT)
		return false;
	systems[nsystems++] = pstrdup("");
	if (source != NULL && source[0] != '\0')
		systems[nsystems++] = pstrdup(source);

	/* The text as it is, if somebody taught it. */
	if (question == ASK_NAME && len <= IDENTIFY_NAME_MAX &&
		look_up_text(cache, text, len, systems, nsystems, &out->meaning.accelerator, &known))
		return known;

	if (GetDatabaseEncoding() == PG_UTF8)
	{
		char	   *plain = palloc(len);

		len = IdentifyPlain(text, len, plain);
		text = plain;
	}

	/* The key of a label is a source of its own. */
	name = text;
	namelen = IdentifyUnwrap(&name, len);
	taught = question == ASK_NAME && namelen == whole;	/* nothing was taken off: asked above */
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

	if (question == ASK_INSTANCE && identify_instance_type(name, namelen, source, out))
		return true;
	if (!identify_list(cache, name, namelen, systems, nsystems, out, &any))
		return false;
	if (any)
		return true;
	if (namelen <= IDENTIFY_NAME_MAX && !taught &&
		look_up_text(cache, name, namelen, systems, nsystems, &out->meaning.accelerator, &known))
		return known;
	if (question == ASK_NAME && identify_instance_type(name, namelen, NULL, out))
		return true;
	out->count = 1;
	if (read_name(name, namelen, &out->meaning))
		return true;
	return identify_counted(cache, name, namelen, source, systems, nsystems, question, out);
}

/* Returns the product of a number and an integer. */
static Datum
times(Datum number, int64 integer)
{
	return DirectFunctionCall2(numeric_mul, number, NumericGetDatum(int64_to_numeric(integer)));
}

/*
 * Tells how many devices an answer is, to ten decimal places; false if that cannot be
 * told.  A number in an instance type that does not make whole devices is none of them.
 */
static bool
count_devices(const IdentifyAnswer *answer, Datum *devices)
{
	const IdentifyInstance *row = answer->row;
	const IdentifyMeaning *meaning = &answer->meaning;

	*devices = NumericGetDatum(int64_to_numeric(answer->count));
	if (answer->count <= 0 || meaning->several)
		return false;
	if (row != NULL)
	{
		if (!row->has_devices && answer->captured < 0)
			return false;
		if (row->has_devices)
			*devices = times(row->devices, answer->count);
		if (answer->captured >= 0)
		{
			*devices = times(*devices, answer->captured);
			if (!DatumGetBool(DirectFunctionCall2(numeric_eq, *devices, DirectFunctionCall1(numeric_floor, *devices))))
				return false;
		}
	}
	else if (meaning->vgpu_mib != 0)
	{
		if (meaning->card_mib == 0)
			return false;
		*devices = DirectFunctionCall2(numeric_div, times(*devices, meaning->vgpu_mib),
									   NumericGetDatum(int64_to_numeric(meaning->card_mib)));
		*devices = DirectFunctionCall2(numeric_round, *devices, Int32GetDatum(10));
	}
	*devices = DirectFunctionCall1(numeric_trim_scale, *devices);
	return true;
}

/* ---- cache ---- */

/* Returns a call site's cache. */
static IdentifyCache *
get_cache(FunctionCallInfo fcinfo)
{
	IdentifyCache *cache = (IdentifyCache *) CallCacheGet(fcinfo, sizeof(IdentifyCache), "identify");

	if (unlikely(cache->size == 0))
		IdentifyForgetUnversioned();
	return cache;
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
	IdentifyAnswer answer;
	bool		known;
	bool		has_devices;
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

	known = identify_text(cache, name, namelen, fold_source(source, sourcelen), question, &answer);
	has_devices = known && question == ASK_INSTANCE && count_devices(&answer, &devices);
	e = add_entry(cache, hash, name, namelen, source, sourcelen);
	e->known = known;
	e->accelerator = answer.meaning.accelerator;
	e->vgpu_mib = answer.meaning.vgpu_mib;
	e->card_mib = answer.meaning.card_mib;
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
		HideOwnContext();
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

/*
 * vgpu_share(name text, source text): the units of 1/1,680,000 of a device that the vGPU
 * of a profile is; NULL if the name is of none, 0 if the memory of its card is not known.
 */
PG_FUNCTION_INFO_V1(vgpu_share);
Datum
vgpu_share(PG_FUNCTION_ARGS)
{
	const IdentifyEntry *e;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	e = ask(fcinfo, ASK_NAME);
	if (!e->known || e->vgpu_mib == 0)
		PG_RETURN_NULL();
	if (e->card_mib == 0)
		PG_RETURN_INT32(0);
	PG_RETURN_INT32((int32) ((2 * (uint64) DEVICE_UNITS * e->vgpu_mib + e->card_mib) / (2 * (uint64) e->card_mib)));
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
				 errhint("The kinds are vendor, chip, model, product, vgpu, suffix, form, memory_type, system, noise and rewrite.")));
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
