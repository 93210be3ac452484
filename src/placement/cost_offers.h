/*
 * cost_offers.h
 *		Offers with what they cost, what they are ranked by, and why they are out for it.
 */
#ifndef COMPUTE_LEDGER_COST_OFFERS_H
#define COMPUTE_LEDGER_COST_OFFERS_H

#include "base/compat.h"

#include "access/tupdesc.h"

#include "placement/offer_costs.h"
#include "placement/tries.h"

/* Columns of _placement_offer. */
enum
{
	OFFER_POOLS,
	OFFER_DEVICES,
	OFFER_STARTS,
	OFFER_ENDS,
	OFFER_EFFICIENCY,
	OFFER_COST,
	OFFER_WORST,
	OFFER_TRANSFER_COST,
	OFFER_LINES,
	OFFER_LATE,
	OFFER_OBJECTIVE,
	OFFER_TOO_DEAR,
	OFFER_DISPLACES,
	OFFER_COLUMNS
};

/* An offer; what is 0 is not known. */
typedef struct CostedOffer
{
	CostPiece  *pieces;
	int			npieces;
	TimestampTz starts;
	TimestampTz ends;
	Datum		efficiency;
	bool		is_priced;		/* there is a price for a part of it */
	Datum		cost;
	Datum		worst;
	Datum		transfer_cost;
	Datum		lines;
	bool		late;
	Datum		objective;
	Datum		too_dear;		/* why it is out for what it costs */
	bool		displaces;
} CostedOffer;

/* Of whom and for what they are. */
typedef struct CostAsked CostAsked;

extern CostAsked *CostAskedMake(Datum request, const AskedPlace *asked, Datum candidates, const Oid types[2], bool preempting, bool brief);
extern void CostOffers(CostAsked *asked, CostedOffer *offers, int count);
extern TupleDesc CostedOfferDesc(Oid type);
extern Datum CostedOfferRow(const CostedOffer *offer, TupleDesc desc);
extern Datum CostedArray(Datum *rows, int count, Oid type);

#endif							/* COMPUTE_LEDGER_COST_OFFERS_H */
