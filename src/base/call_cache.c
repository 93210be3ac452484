/*
 * call_cache.c
 *		What one call site of a function keeps of the tables that it reads.
 */
#include "base/compat.h"

#include "utils/memutils.h"

#include "base/call_cache.h"

/* Forgets everything, also to make room; the rows that are visible are still the same. */
void
CallCacheClear(CallCache *cache)
{
	MemoryContextReset(cache->context);
	memset((char *) cache + sizeof(CallCache), 0, cache->size - sizeof(CallCache));
}

/* Makes a call site's cache, if there is none, and begins it under the active snapshot. */
CallCache *
CallCacheStart(FunctionCallInfo fcinfo, Size size, const char *name)
{
	CallCache  *cache = (CallCache *) fcinfo->flinfo->fn_extra;

	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, size);
		cache->size = size;
		cache->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "compute_ledger call site",
											   ALLOCSET_START_SMALL_SIZES);
		MemoryContextSetIdentifier(cache->context, name);
		fcinfo->flinfo->fn_extra = cache;
	}
	else
		CallCacheClear(cache);
	SnapshotKeyTake(&cache->key);
	return cache;
}
