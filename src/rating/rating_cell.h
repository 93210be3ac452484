/*
 * rating_cell.h
 *		Cells: what is used by a combination while nothing changes.
 */
#ifndef COMPUTE_LEDGER_RATING_CELL_H
#define COMPUTE_LEDGER_RATING_CELL_H

#include "rating/rating.h"

extern int128 WorkBetween(const UsageEntry *entry, const EntryWork *work, TimestampTz from, TimestampTz to);
extern int64 PricedSpans(Rating *rating, int combination, TimeSpan **spans);
extern void MakeCells(Rating *rating);
extern void CollectParts(Rating *rating, const int64 *cells, int64 ncells, bool list, RatingParts *parts);

#endif							/* COMPUTE_LEDGER_RATING_CELL_H */
