/*
 * offer_costs.h
 *		What offers cost.
 */
#ifndef COMPUTE_LEDGER_OFFER_COSTS_H
#define COMPUTE_LEDGER_OFFER_COSTS_H

#include "base/compat.h"

#include "utils/timestamp.h"

/* A piece of an offer, and what it costs. */
typedef struct CostPiece
{
	int64		pool;
	int64		devices;
	TimestampTz starts;
	TimestampTz ends;
	bool		is_priced;		/* there is a price in it, if only for a part */
	Datum		cost;			/* 0: a part of it has none */
	Datum		worst;			/* in the highest tier */
} CostPiece;

/* Pools as a request meets them, and what prices they have. */
typedef struct CostPools CostPools;

extern CostPools *CostPoolsRead(Datum candidates);
extern void CostOffer(const CostPools *pools, CostPiece *pieces, int count);

#endif							/* COMPUTE_LEDGER_OFFER_COSTS_H */
