/*
 * rating_rounding.h
 *		What rounding each charge on its own leaves of what they cost together.
 */
#ifndef COMPUTE_LEDGER_RATING_ROUNDING_H
#define COMPUTE_LEDGER_RATING_ROUNDING_H

#include "rating/rating.h"
#include "rating/rating_cost.h"

typedef struct ChargeTotals ChargeTotals;

/* What is left of the charges of an account under a price in a billing period. */
typedef struct RoundingRest
{
	int64		owner;
	int64		payer;
	int			bill;
	int			price;
	bool		asked;			/* of all of them */
	Datum		cost;
} RoundingRest;

extern ChargeTotals *MakeChargeTotals(void);
extern void AddChargeTotal(ChargeTotals *totals, const Rating *rating, const RatingCell *cell, const TierCost *cost, Datum rounded);
extern int	RoundingRests(ChargeTotals *totals, const Rating *rating, RoundingRest **rests);

#endif							/* COMPUTE_LEDGER_RATING_ROUNDING_H */
