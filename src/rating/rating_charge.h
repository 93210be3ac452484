/*
 * rating_charge.h
 *		Charges: the cells that are charged together.
 */
#ifndef COMPUTE_LEDGER_RATING_CHARGE_H
#define COMPUTE_LEDGER_RATING_CHARGE_H

#include "rating/rating.h"

extern void MakeCharges(Rating *rating);

#endif							/* COMPUTE_LEDGER_RATING_CHARGE_H */
