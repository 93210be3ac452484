/*
 * rating_run.h
 *		Ratings as SQL functions ask for them.
 */
#ifndef COMPUTE_LEDGER_RATING_RUN_H
#define COMPUTE_LEDGER_RATING_RUN_H

#include "access/tupdesc.h"

#include "rating/rating.h"

extern void ReadRatingScope(FunctionCallInfo fcinfo, RatingScope *scope);
extern void AskForPeriod(RatingScope *scope, Datum period);
extern Rating *MakeRating(const RatingScope *scope, Oid accelerator_type);
extern void RatedChargeCheck(TupleDesc desc);

#endif							/* COMPUTE_LEDGER_RATING_RUN_H */
