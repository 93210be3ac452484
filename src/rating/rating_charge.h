/*
 * rating_charge.h
 *		Charges: the cells that are charged together.
 */
#ifndef COMPUTE_LEDGER_RATING_CHARGE_H
#define COMPUTE_LEDGER_RATING_CHARGE_H

#include "access/tupdesc.h"

#include "rating/rating.h"

/* Columns of rated_charge. */
enum
{
	OUT_KIND, OUT_BOOK, OUT_ACCOUNT, OUT_PAYER, OUT_BILLING_PERIOD, OUT_PRICE, OUT_LIST_PRICE, OUT_REGION,
	OUT_ACCELERATOR, OUT_NUMBER_FORMAT, OUT_MEASURE, OUT_BASIS, OUT_RATE, OUT_SHARE, OUT_DAY, OUT_PERIOD, OUT_AMOUNT,
	OUT_QUANTITY, OUT_UNIT, OUT_WORK, OUT_TIERS, OUT_UNIT_PRICE, OUT_LIST_UNIT_PRICE, OUT_LIST_COST,
	OUT_CONTRACTED_COST, OUT_COST, OUT_CURRENCY, OUT_RECORDS, OUT_CORRECTS, OUT_RESERVATION, OUT_COLUMNS
};

extern void MakeCharges(Rating *rating);
extern void RatedChargeCheck(TupleDesc desc);

#endif							/* COMPUTE_LEDGER_RATING_CHARGE_H */
