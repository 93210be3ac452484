/*
 * call_cache.h
 *		What one call site of a function keeps of the tables that it reads.
 *
 * A query calls such a function very many times and asks about little that is
 * different.  Its answers stay right for as long as the same rows are visible, so a call
 * site keeps them (fn_extra) under the key of the snapshot (snapshot_key.h) and starts
 * again when that is no longer current.
 *
 * A CallCache is the first member of the caller's own struct.  What hangs off that lives
 * in the cache's memory context, and zeros mean that there is nothing.
 */
#ifndef COMPUTE_LEDGER_CALL_CACHE_H
#define COMPUTE_LEDGER_CALL_CACHE_H

#include "base/compat.h"

#include "base/snapshot_key.h"

typedef struct CallCache
{
	SnapshotKey key;			/* of the rows that it was filled from */
	MemoryContext context;		/* all that hangs off the caller's struct */
	Size		size;			/* of that struct */
} CallCache;

extern CallCache *CallCacheStart(FunctionCallInfo fcinfo, Size size, const char *name);
extern void CallCacheClear(CallCache *cache);

/*
 * Returns the call site's cache, a struct of so many bytes, empty if it is new or other
 * rows are visible than when it was filled.  The name, a constant, is for who looks at
 * memory contexts.
 */
static inline CallCache *
CallCacheGet(FunctionCallInfo fcinfo, Size size, const char *name)
{
	CallCache  *cache = (CallCache *) fcinfo->flinfo->fn_extra;

	if (likely(cache != NULL && SnapshotKeyIsCurrent(&cache->key)))
		return cache;
	return CallCacheStart(fcinfo, size, name);
}

#endif							/* COMPUTE_LEDGER_CALL_CACHE_H */
