/*
 * rating_usage.h
 *		Reads the usage records that a rating is about.
 */
#ifndef COMPUTE_LEDGER_RATING_USAGE_H
#define COMPUTE_LEDGER_RATING_USAGE_H

#include "rating/rating.h"

extern void ReadUsage(Rating *rating);
extern int	AddCombination(Rating *rating, const UsageKind *kind);
extern void ReserveEntry(Rating *rating, Combination *combination);
extern void OrderCombinations(Rating *rating);

#endif							/* COMPUTE_LEDGER_RATING_USAGE_H */
