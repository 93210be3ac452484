/*
 * pool_prices.h
 *		What devices of chips in regions cost, and what they do, kept from one request to the next.
 */
#ifndef COMPUTE_LEDGER_POOL_PRICES_H
#define COMPUTE_LEDGER_POOL_PRICES_H

#include "base/compat.h"

#include "placement/first_fit.h"

/* A price, while it wins. */
typedef struct PoolPrice
{
	Stretch		valid;
	Datum		range;			/* the same as SQL has it */
	Datum		price;			/* 0: none, as of the rest */
	Datum		list_price;
	Datum		hourly;			/* what a device-hour costs at the least */
	Datum		unit;
} PoolPrice;

/* The prices of a chip in a region, in the order of time. */
typedef struct PoolPrices
{
	PoolPrice  *prices;
	int			count;
} PoolPrices;

/* The chips and regions that are asked about, the elements of one place of two arrays. */
typedef struct ChipRegions
{
	Datum		chips;
	Datum		regions;
	int			count;
	Oid			chips_type;
} ChipRegions;

extern PoolPrices *PoolPricesFind(int64 account, Datum currency, bool preemptible, const ChipRegions *asked, Stretch period);
extern Datum BilledCurrency(int64 account, TimestampTz at);
extern Datum PoolRate(Datum chip, Oid chip_type, Datum basis, TimestampTz at);

#endif							/* COMPUTE_LEDGER_POOL_PRICES_H */
