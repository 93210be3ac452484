/*
 * rating_pool.h
 *		How much of what is charged lies in which tier of its price.
 */
#ifndef COMPUTE_LEDGER_RATING_POOL_H
#define COMPUTE_LEDGER_RATING_POOL_H

#include "rating/rating.h"

extern void RatePools(Rating *rating);
extern void TraceCharge(Rating *rating, int charge, RatingParts *trace);
extern void TraceCharges(Rating *rating, const bool *wanted, RatingParts *trace);

#endif							/* COMPUTE_LEDGER_RATING_POOL_H */
