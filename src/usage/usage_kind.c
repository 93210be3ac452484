/*
 * usage_kind.c
 *		Numbers of kinds of usage, for who writes many records.
 *
 * A batch has few kinds.  So a call site keeps the numbers that it was told, by the bytes of what they are of, and asks once
 * for each (_add_usage_kind()).  Within one statement nothing takes a kind back.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/call_cache.h"
#include "usage/usage_names.h"

/* Arguments of _usage_kind(). */
#define KIND_ARGS	11

/* Kinds, at most, that a call site keeps. */
#define MOST_KINDS	65536

/* A kind, as bytes, and its number. */
typedef struct KindEntry
{
	StringInfoData bytes;
	uint32		hash;
	int32		number;
	char		status;
} KindEntry;

#define SH_PREFIX numbers
#define SH_ELEMENT_TYPE KindEntry
#define SH_KEY_TYPE StringInfoData
#define SH_KEY bytes
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key).data, (key).len)
#define SH_EQUAL(tb, a, b) ((a).len == (b).len && memcmp((a).data, (b).data, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* What a call site keeps. */
typedef struct KindCache
{
	CallCache	cache;
	numbers_hash *numbers;
	StringInfoData bytes;		/* of the kind that is asked for */
	int16		lengths[KIND_ARGS]; /* of the arguments' types */
	bool		by_value[KIND_ARGS];
	FmgrInfo	add;
} KindCache;

/* Makes an empty cache ready. */
static void
start_cache(KindCache *cache, Oid function)
{
	MemoryContext previous = MemoryContextSwitchTo(cache->cache.context);
	Oid		   *types;
	int			nargs;

	(void) get_func_signature(function, &types, &nargs);
	if (nargs != KIND_ARGS)
		elog(ERROR, "_usage_kind() has %d arguments", nargs);
	for (int i = 0; i < KIND_ARGS; i++)
		get_typlenbyval(types[i], &cache->lengths[i], &cache->by_value[i]);
	fmgr_info_cxt(UsageFunction("_add_usage_kind", nargs, types, INT4OID), &cache->add, cache->cache.context);
	initStringInfo(&cache->bytes);
	cache->numbers = numbers_create(cache->cache.context, 64, NULL);
	MemoryContextSwitchTo(previous);
}

/* Writes down the arguments, so that the same bytes are the same kind. */
static void
write_bytes(KindCache *cache, FunctionCallInfo fcinfo)
{
	StringInfo	bytes = &cache->bytes;

	resetStringInfo(bytes);
	for (int i = 0; i < KIND_ARGS; i++)
	{
		appendStringInfoCharMacro(bytes, PG_ARGISNULL(i) ? 1 : 0);
		if (PG_ARGISNULL(i))
			continue;
		if (cache->by_value[i])
			appendBinaryStringInfo(bytes, (const char *) &fcinfo->args[i].value, sizeof(Datum));
		else if (cache->lengths[i] > 0)
			appendBinaryStringInfo(bytes, DatumGetPointer(fcinfo->args[i].value), cache->lengths[i]);
		else
		{
			struct varlena *value = PG_DETOAST_DATUM_PACKED(fcinfo->args[i].value);
			int32		length = VARSIZE_ANY_EXHDR(value);

			appendBinaryStringInfo(bytes, (const char *) &length, sizeof(length));
			appendBinaryStringInfo(bytes, VARDATA_ANY(value), length);
		}
	}
}

/* Asks for the number of the kind, which it gets if it is new. */
static int32
add_kind(KindCache *cache, FunctionCallInfo fcinfo)
{
	LOCAL_FCINFO(call, KIND_ARGS);
	Datum		number;

	InitFunctionCallInfoData(*call, &cache->add, KIND_ARGS, InvalidOid, NULL, NULL);
	memcpy(call->args, fcinfo->args, KIND_ARGS * sizeof(NullableDatum));
	number = FunctionCallInvoke(call);
	if (call->isnull)
		elog(ERROR, "a kind of usage has no number");
	return DatumGetInt32(number);
}

/*
 * _usage_kind(source text, region integer, region_name text, accelerator accelerator, accelerator_name text, share integer,
 *		rate compute_rate, rate_recorded timestamptz, basis integer, measure text, number_format text) -> integer
 *
 * The number of a kind of usage in usage_kind, to which it is added if it is new.
 */
PG_FUNCTION_INFO_V1(usage_kind);
Datum
usage_kind(PG_FUNCTION_ARGS)
{
	KindCache  *cache = (KindCache *) CallCacheGet(fcinfo, sizeof(KindCache), "kinds of usage");
	KindEntry  *entry;

	/* names that are all different get no more room than this */
	if (cache->numbers != NULL && cache->numbers->members >= MOST_KINDS)
		CallCacheClear(&cache->cache);
	if (cache->numbers == NULL)
		start_cache(cache, fcinfo->flinfo->fn_oid);
	write_bytes(cache, fcinfo);
	entry = numbers_lookup(cache->numbers, cache->bytes);
	if (entry == NULL)
	{
		StringInfoData bytes = cache->bytes;
		bool		found;
		int32		number = add_kind(cache, fcinfo);

		bytes.data = MemoryContextAlloc(cache->cache.context, bytes.len);
		memcpy(bytes.data, cache->bytes.data, bytes.len);
		entry = numbers_insert(cache->numbers, bytes, &found);
		entry->number = number;
	}
	PG_RETURN_INT32(entry->number);
}
