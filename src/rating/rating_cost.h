/*
 * rating_cost.h
 *		What charges count and cost, rounded.
 */
#ifndef COMPUTE_LEDGER_RATING_COST_H
#define COMPUTE_LEDGER_RATING_COST_H

#include "rating/rating.h"

/* What a charge costs in all its tiers, at its price or at list prices. */
typedef struct TierCost
{
	int			tiers;			/* 0: nothing prices it */
	int			price;			/* of all its tiers */
	bool		even;			/* a unit has one price, and nothing else is due */
	Datum		unit_price;
	Datum		due;			/* times the scale */
} TierCost;

extern Datum QuantityBetween(int128 from, int128 to, int128 scale);
extern void AddCost(const Rating *rating, const Charge *charge, TierRole without, TierCost *cost);
extern void TakeShare(TierCost *cost, Datum factor);
extern Datum RoundedCost(const Rating *rating, const TierCost *cost, int digits);
extern Datum ChargeTiers(const Rating *rating, const Charge *charge, const TierCost *cost);

#endif							/* COMPUTE_LEDGER_RATING_COST_H */
