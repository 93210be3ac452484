/*
 * price_tier.h
 *		What a quantity costs under a price: flat, graduated, volume, package.
 *
 * With a free quantity z, b(q) = max(0, q - z) is what of a quantity q is billed.
 * Tiers have bounds 0 = B0 < B1 < ... (the last tier has no end), prices p_k and fees
 * f_k.  The cost R(q) of a quantity is
 *
 *	flat		b p
 *	graduated	sum of max(0, min(b, B_k) - B_(k-1)) p_k, and the f_k with b > B_(k-1)
 *	volume		b p_k + f_k of the one tier with B_(k-1) < b <= B_k; 0 if b = 0
 *	package		ceil(b / size) p
 *
 * A price of model list has no R of its own: it is a factor of what list prices cost.
 *
 * The quantity of a pool grows over a billing period, and a part of it that begins
 * at q0 and ends at q1 costs R(q1) - R(q0): the parts add up to the whole.  That goes
 * wrong for volume, whose tier is known at the end only: there the tier of the whole
 * prices every part, and the fee goes with the part in which b leaves 0.
 *
 * Prices are numeric.  Quantities are numeric too in SQL, and integers in rating, which
 * asks this of each part of a record: price_tier_walk.h serves both.
 */
#ifndef COMPUTE_LEDGER_PRICE_TIER_H
#define COMPUTE_LEDGER_PRICE_TIER_H

#include "base/compat.h"

#include "miscadmin.h"

#include "base/decimal.h"
#include "base/numeric_arith.h"

typedef enum PriceModel
{
	MODEL_FLAT,
	MODEL_GRADUATED,
	MODEL_VOLUME,
	MODEL_PACKAGE,
	MODEL_LIST
} PriceModel;

/* What is asked for quantities.  Tier 0 is what is free, and tiers from 1 on have prices. */
typedef struct PriceTiers
{
	PriceModel	model;
	Datum		price;			/* numeric; of a unit, or of a package; of all tiers where prices is NULL */
	Datum	   *prices;			/* of a unit in each tier */
	Datum	   *fees;			/* of each tier, due once if anything is in it; NULL: none */
} PriceTiers;

/* price_tier.c */
extern PriceModel PriceModelFromText(Datum name);
extern Datum TierPrice(const PriceTiers *tiers, int tier);
extern Datum TierDue(const PriceTiers *tiers, int tier, Datum counted, int64 entered);

/* Quantities as integers. */
#define TIER_NAME(x)	Integer##x
#define TIER_NUMBER		int128
#define TIER_ZERO		0
#define TIER_COMPARE(a, b)	(((a) > (b)) - ((a) < (b)))
#define TIER_SUBTRACT(a, b)	((a) - (b))
#define TIER_PACKAGES(b, size)	((b) > 0 ? ((b) - 1) / (size) + 1 : 0)
#define TIER_NUMERIC(n)	NumericFromInt128(n, 0)
#include "price/price_tier_walk.h"

#endif							/* COMPUTE_LEDGER_PRICE_TIER_H */
