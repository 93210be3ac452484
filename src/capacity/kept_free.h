/*
 * kept_free.h
 *		What is free of pools, kept by the backend for as long as nothing is booked in them.
 */
#ifndef COMPUTE_LEDGER_KEPT_FREE_H
#define COMPUTE_LEDGER_KEPT_FREE_H

#include "base/compat.h"

#include "capacity/pool_set.h"

extern int	KeptFreeFind(const PoolSet *set, bool guests, int64 *from, int64 *to, Datum *free);
extern void KeptFreeKeep(const PoolSet *set, bool guests, int64 from, int64 to, const Datum *free);

#endif							/* COMPUTE_LEDGER_KEPT_FREE_H */
