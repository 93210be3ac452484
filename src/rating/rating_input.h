/*
 * rating_input.h
 *		Reads what usage is rated by.
 */
#ifndef COMPUTE_LEDGER_RATING_INPUT_H
#define COMPUTE_LEDGER_RATING_INPUT_H

#include "rating/rating.h"

extern void ReadBilling(Rating *rating);
extern void ReadWinners(Rating *rating);

#endif							/* COMPUTE_LEDGER_RATING_INPUT_H */
