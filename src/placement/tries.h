/*
 * tries.h
 *		The pools that a request may be put in, in the order in which they are looked at.
 */
#ifndef COMPUTE_LEDGER_TRIES_H
#define COMPUTE_LEDGER_TRIES_H

#include "base/compat.h"

#include "utils/timestamp.h"

#include "placement/first_fit.h"

/* What of a request says how much, how long and by when; numerics are Datums. */
typedef struct AskedPlace
{
	int64		devices;		/* 0: as many as keep the deadline */
	int64		time_limit;		/* 0: what the work takes */
	Datum		work;			/* in FLOP; 0: there is a time limit */
	TimestampTz deadline;		/* DT_NOEND: none */
	Datum		workload;
	Datum		data_gb;
	Datum		results_gb;
	Datum		delay_value;
	TimestampTz at;				/* delay counts from here */
} AskedPlace;

/* A pool that may have so many devices for so long. */
typedef struct Try
{
	int64		place;			/* by late and lowest, the same for all numbers of devices from one start */
	int64		pool;
	bool		guest;
	int64		devices;
	int64		length;
	int64		slot;
	Datum		efficiency;
	TimestampTz first;			/* earliest start that is tried */
	Stretch    *allowed;		/* NULL: as the pool has them */
	int			nallowed;
	bool		late;
	Datum		money;			/* what it costs at the least */
	Datum		bound;			/* what it is ranked by at the least */
	Datum		lowest;			/* the lowest of those from one start */
} Try;

extern void AskedRead(Datum request, TimestampTz at, AskedPlace *asked);
extern Datum DelayMoney(const AskedPlace *asked, int64 devices, TimestampTz ends);
extern int	TriesMake(const AskedPlace *asked, Datum candidates, Try **tries);

#endif							/* COMPUTE_LEDGER_TRIES_H */
