/*
 * rating_run.h
 *		Ratings as SQL functions ask for them.
 */
#ifndef COMPUTE_LEDGER_RATING_RUN_H
#define COMPUTE_LEDGER_RATING_RUN_H

#include "rating/rating.h"

extern void ReadRatingScope(FunctionCallInfo fcinfo, RatingScope *scope);
extern void AskForPeriod(RatingScope *scope, Datum period);
extern Rating *MakeRating(const RatingScope *scope, Oid accelerator_type);

#endif							/* COMPUTE_LEDGER_RATING_RUN_H */
