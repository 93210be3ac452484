/*
 * pool_limit.h
 *		How many devices of a pool may be booked at each instant.
 */
#ifndef COMPUTE_LEDGER_POOL_LIMIT_H
#define COMPUTE_LEDGER_POOL_LIMIT_H

#include "capacity/pool_set.h"
#include "profile/profile_object.h"

extern ProfileObject **PoolLimits(const PoolSet *set, int64 from, int64 to, bool guests, bool happened);
extern ProfileObject *PoolLimit(int64 pool, int64 from, int64 to, bool guests, bool happened);

#endif							/* COMPUTE_LEDGER_POOL_LIMIT_H */
