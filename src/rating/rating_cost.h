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

/* How far a charge has been taken apart: its parts are differences of these totals, rounded. */
typedef struct RunningCost
{
	const RatedPrice *price;	/* NULL: none */
	int128		scale;			/* of its units */
	int128		units;
	Datum		due;			/* times the scale */
	Datum		cost;
	MemoryContext context;		/* of due and cost */
} RunningCost;

extern Datum QuantityBetween(int128 from, int128 to, int128 scale);
extern void AddCost(const Rating *rating, const Charge *charge, TierRole without, TierCost *cost);
extern void TakeShare(TierCost *cost, Datum factor);
extern Datum RoundedCost(const Rating *rating, const TierCost *cost, int digits);
extern void StartRunningCost(RunningCost *running, const Charge *charge, const RatedPrice *price);
extern void AddToRunningCost(RunningCost *running, int128 units, Datum due, Datum *quantity, Datum *cost);
extern Datum ChargeTiers(const Rating *rating, const Charge *charge, const TierCost *cost, Datum quantity, Datum rounded);

#endif							/* COMPUTE_LEDGER_RATING_COST_H */
