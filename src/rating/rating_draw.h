/*
 * rating_draw.h
 *		What usage draws on the reservations that it names.
 */
#ifndef COMPUTE_LEDGER_RATING_DRAW_H
#define COMPUTE_LEDGER_RATING_DRAW_H

#include "rating/rating.h"

extern void DrawReservations(Rating *rating);

#endif							/* COMPUTE_LEDGER_RATING_DRAW_H */
