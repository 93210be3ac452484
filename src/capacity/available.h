/*
 * available.h
 *		What is free of pools.
 */
#ifndef COMPUTE_LEDGER_AVAILABLE_H
#define COMPUTE_LEDGER_AVAILABLE_H

#include "base/compat.h"

#include "utils/timestamp.h"

#include "capacity/pool_set.h"
#include "profile/profile_object.h"

/* So many pools are read at once: a statement costs as much as some pools, and what is read is kept until it is added up. */
#define POOLS_AT_ONCE	64

extern Datum *PoolsFree(const PoolSet *set, int64 from, int64 to, TimestampTz clock, bool preempting, bool guests);

#endif							/* COMPUTE_LEDGER_AVAILABLE_H */
