/*
 * rating.h
 *		From usage records to charges: what the parts of the rating engine share.
 *
 * Usage records are read once and put into combinations of what decides a price:
 * account, region, accelerator, number format, measure, basis, rate and share of a device
 * (rating_usage.c).
 * A combination's time is cut wherever anything changes that a charge depends on: the
 * price that wins, the payer, the billing period, the day, and the place of its account
 * and of its region in their trees.  A combination between two cuts is a cell; its
 * quantity is a sum, for which records need no order (rating_cell.c).
 *
 * Usage that names a reservation draws on it before its time is cut: of its records, and
 * of those of the reservation, other combinations are made of what is drawn, what is left
 * unused and what goes beyond (rating_draw.c).
 *
 * Order matters in a pool of tiers only, and only where a bound is reached.  The cells of
 * a pool form islands, spans of time that none of them reaches out of.  Where no bound is
 * reached in an island, every unit in it costs the same.  The others are taken apart into
 * the parts of records, in order of (start, id) (rating_pool.c).
 *
 * What is counted is a part of a device where it is a MIG slice: device time is that of
 * the devices, counted time that of what is counted, as if each were a device.  The rate
 * is that of what is counted, so nominal work goes by counted time.
 *
 * Quantities are integers, 128 bits wide:
 *		device time		microseconds of 1/1,680,000 of a device
 *		counted time	microseconds of 1/1,680,000 of what is counted
 *		nominal work	counted time x MFLOP/s, that is FLOP / 1,680,000
 *		achieved work	FLOP
 *		instances		10^-24 of an instance-month
 * and the bounds of tiers are scaled up to them.  Money is numeric.  What is divided is
 * divided and rounded once, at the end (rating_cost.c).  A quantity beyond 128 bits is
 * an error (22003), which names the account and the price that it was met at: of nominal
 * work that is 10^32 FLOP of one payer in a billing period.
 */
#ifndef COMPUTE_LEDGER_RATING_H
#define COMPUTE_LEDGER_RATING_H

#include "base/compat.h"

#include "tcop/dest.h"
#include "utils/timestamp.h"

#include "base/half_even.h"
#include "quantity/quantity.h"
#include "accelerator/accelerator.h"
#include "profile/profile.h"
#include "price/price_tier.h"

/*
 * What of usage that names a reservation, or of a reservation itself, is where.
 */
typedef enum DrawingPart
{
	PART_WHOLE,					/* what draws on none; not divided */
	PART_DRAWN,					/* usage that a reservation covers */
	PART_USED,					/* of a reservation: what was drawn of it */
	PART_UNUSED					/* of a reservation: the rest */
} DrawingPart;

/* What decides the price of usage.  Compared as bytes: all of them are set. */
typedef struct UsageKind
{
	int64		account;
	int32		region;
	int32		basis;
	Accelerator accelerator;
	Quantity	rate;			/* zero without one */
	int16		measure;		/* number of a name */
	int16		number_format;	/* likewise; -1: not known */
	bool		has_rate;
	bool		has_work;		/* records say what work they achieved */
	int16		part;			/* a DrawingPart */
	int32		share;			/* units of a device that one of what is counted is; 0: not known */
	int64		reservation;	/* that it names, or that it is of; 0: none */
} UsageKind;

/* A usage record in a combination. */
typedef struct UsageEntry
{
	TimestampTz start;
	TimestampTz end;			/* infinity: goes on */
	int64		level;			/* devices, in 1/1,680,000; 0 where the share is not known */
	int64		record;			/* id */
} UsageEntry;

/* The work that a usage record says it achieved. */
typedef struct EntryWork
{
	int128		achieved;		/* FLOP */
	TimestampTz recorded;		/* when it was first said; counts for what goes on */
} EntryWork;

/* Records that agree in what decides their price. */
typedef struct Combination
{
	UsageKind	kind;
	bool		billed;			/* the book has prices for this measure, in some billing period */
	int			order;			/* the same for those that a charge of one account does not tell apart */
	int64		count;
	int64		room;
	UsageEntry *entries;
	int64	   *counted;		/* of each entry, where what is counted is no whole device: how many, in 1/1,680,000 */
	EntryWork  *work;			/* of each entry, where has_work */
} Combination;

/* An account from one change of its ancestors to the next (_rating_places()). */
typedef struct Place
{
	int64		account;
	int64		owner;			/* whose usage it is: not the account itself after a merge */
	int64		payer;
	int64		calendar;
	int			time_zone;		/* number of a name */
	int			currency;		/* of the payer; likewise */
	TimestampTz from;
	TimestampTz to;
	bool		lapsed;			/* its account has ended, or is not valid: nothing prices what goes on */
	bool		asked;
} Place;

/* Measures that there are: reserved, allocated, used, forgone, preemptible. */
#define MAX_MEASURES	5

/* A billing period. */
typedef struct Bill
{
	int64		id;
	int64		calendar;
	TimestampTz from;
	TimestampTz to;
	int			nmeasures;		/* that the book has prices for in it */
	int			measures[MAX_MEASURES]; /* numbers of names */
} Bill;

/* A day of a time zone, cut at the bounds of what is asked for. */
typedef struct Day
{
	int			time_zone;
	int32		date;			/* DateADT */
	int64		month;			/* length of its month, in microseconds */
	TimestampTz from;
	TimestampTz to;
} Day;

/* A region from one change of its ancestors to the next. */
typedef struct Site
{
	int			region;
	TimestampTz from;
	TimestampTz to;
} Site;

/* The price of a combination that is billed in a currency, and its list price, while they win; -1: none. */
typedef struct Winner
{
	int			combination;
	int			currency;		/* number of a name */
	int			price;
	int			list_price;
	TimestampTz from;
	TimestampTz to;
} Winner;

/* What a price counts. */
typedef enum PriceUnit
{
	UNIT_DEVICE_HOUR,
	UNIT_NOMINAL_WORK,
	UNIT_ACHIEVED_WORK,
	UNIT_INSTANCE_MONTH,
	UNIT_SLICE_HOUR,
	UNIT_LEVEL					/* peak or percentile of devices */
} PriceUnit;

/*
 * A price as rating reads it.  Quantities are scaled; so is what is due for a package or
 * as a fee, since a cost is divided by the scale in the end.
 */
typedef struct RatedPrice
{
	int64		id;
	int64		account;		/* 0: list price */
	int			pool;			/* the same for prices whose quantities add up */
	PriceUnit	unit;
	int			unit_name;		/* number of a name */
	int			currency;		/* likewise */
	int			digits;			/* of a charge */
	bool		committed;
	uint16		basis;			/* of nominal work */
	int128		scale;			/* one of the unit */
	Datum		scale_numeric;
	Datum		devices_per_instance;	/* numeric */
	Datum		factor;			/* numeric; of what the list price costs, of model list */
	Datum	   *fees;			/* numeric; of each tier, as they are stated; NULL: none */
	PriceTiers	tiers;
	IntegerTierBounds bounds;
} RatedPrice;

/*
 * A combination in a span of time in which nothing changes.  Cells that only the bounds of
 * what is asked for cut are one whole: where its parts stand in their pool must not depend on
 * what is asked.
 */
typedef struct RatingCell
{
	TimestampTz from;
	TimestampTz to;
	TimestampTz whole_from;
	TimestampTz whole_to;
	int			combination;
	int			place;
	int			bill;
	int			day;
	int			price;			/* -1: none */
	int			list_price;		/* -1: none */
	int			charge;
	bool		asked;
	bool		special;		/* not charged by its sum: peaks, reserved capacity */
	bool		listed;			/* the list prices cost what the prices cost */
	int64		parts;			/* records with a part in it */
	int128		amount;			/* device time */
	int128		counted;		/* counted time */
	int128		units;			/* what price counts, or the list price that it follows */
	int128		list_units;		/* what list_price counts */
} RatingCell;

/* Whom what falls to: a tier of the price, of the list price, or of both in one. */
typedef enum TierRole
{
	ROLE_BOTH,
	ROLE_CONTRACTED,
	ROLE_LIST
} TierRole;

/* What of a charge lies in a tier. */
typedef struct TierSum
{
	int			next;			/* of the charge; -1: none */
	TierRole	role;
	int			price;
	int			tier;
	int64		entered;		/* how often its fee is due */
	int128		units;
	int128		packages;
} TierSum;

/* Cells that are charged together: the same usage, price (list price, if the price follows it) and day. */
typedef struct Charge
{
	int64		cell;			/* one of them */
	bool		special;		/* not charged by its sum: what there is here is its list cost */
	int			first_sum;		/* of its tiers; -1: none */
	TimestampTz from;
	TimestampTz to;
	int64		parts;
	int128		amount;
	int128		counted;
	int128		units;
	int128		units_until;	/* running totals, this one included */
	int128		counted_until;
} Charge;

/* A part of a record in a cell. */
typedef struct RatingPart
{
	TimestampTz from;
	TimestampTz to;
	TimestampTz whole_from;		/* of the part that it would be if all were asked for */
	int64		level;			/* devices */
	int64		counted;		/* what was counted */
	int64		record;
	int64		cell;
	int128		units;			/* as the price in question counts */
	Datum		due;			/* of a traced charge: numeric, times the scale; 0: no price */
} RatingPart;

/* An array that grows. */
typedef struct RatingParts
{
	int64		count;
	int64		room;
	RatingPart *parts;
} RatingParts;

/* What is rated, as SQL asks for it; order of the arguments of the functions. */
typedef struct RatingScope
{
	Datum		book;			/* text */
	Datum		as_of;			/* timestamptz */
	Datum		payers;			/* bigint[]: all of whose usage is rated */
	Datum		accounts;		/* bigint[]: for whom they pay */
	Datum		root;			/* bigint: the account whose subtree is asked for */
	bool		root_is_null;	/* all accounts */
	Datum		period;			/* tstzrange: asked for */
	TimestampTz asked_from;		/* its bounds */
	TimestampTz asked_to;
	TimestampTz from;			/* from when to when usage counts */
	TimestampTz to;
} RatingScope;

/* A span of time. */
typedef struct TimeSpan
{
	TimestampTz from;
	TimestampTz to;
} TimeSpan;

/* A rating. */
typedef struct Rating
{
	MemoryContext context;		/* of all of it */
	MemoryContext scratch;		/* of one number at a time */
	RatingScope scope;
	Oid			accelerator_type;

	int			nnames;
	Datum	   *names;			/* text */
	int			ncombinations;
	int			combination_room;
	Combination *combinations;
	int			nplaces;
	Place	   *places;			/* by account and time */
	int			nbills;
	Bill	   *bills;			/* by calendar and time */
	int			ndays;
	Day		   *days;			/* by time zone and time */
	int		   *first_day;		/* of a time zone, by the number of its name */
	int			nsites;
	Site	   *sites;			/* by region and time */
	int			nwinners;
	Winner	   *winners;		/* by combination, currency and time */
	int			nprices;
	RatedPrice *prices;			/* by id */
	int64		ncells;
	int64		cell_room;
	RatingCell *cells;
	int			ncharges;
	Charge	   *charges;
	int			nsums;
	int64		sum_room;
	TierSum    *sums;
} Rating;

/* Makes room for one more element of an array in a rating's context. */
#define RatingReserve(rating, array, count, room) \
	((count) < (room) ? (void) 0 : \
	 (void) ((room) = Max(64, (room) + (room) / 2), \
			 (array) = (array) == NULL ? MemoryContextAllocHuge((rating)->context, (room) * sizeof(*(array))) : \
			 repalloc_huge((array), (room) * sizeof(*(array)))))

/* A device-hour in device time. */
#define DEVICE_HOUR		((int128) INT64CONST(3600000000) * DEVICE_UNITS)

/* Returns what an entry counts, in 1/1,680,000: its level, if that are whole devices. */
static inline int64
CountedOf(const Combination *combination, int64 entry)
{
	return combination->counted == NULL ? combination->entries[entry].level : combination->counted[entry];
}

/* Whether the price of a cell is a share of what its list price costs. */
static inline bool
FollowsList(const Rating *rating, const RatingCell *cell)
{
	return cell->price >= 0 && rating->prices[cell->price].tiers.model == MODEL_LIST;
}

/* Returns the price by which a cell is counted: its own, or the list price that it follows; -1: none. */
static inline int
CountedPrice(const Rating *rating, const RatingCell *cell)
{
	return FollowsList(rating, cell) ? cell->list_price : cell->price;
}

#define INT128_LARGEST	(~((int128) 1 << 127))

extern int	RatingName(Rating *rating, Datum text);
extern int	FirstPlace(const Rating *rating, int64 account);
extern bool IsBilled(const Bill *bill, int measure);
extern void RunRatingQuery(const char *query, int nargs, const Oid *types,
						   const Datum *values, const bool *nulls, DestReceiver *receiver);
extern int128 IntegerFromNumeric(Datum value);
extern void SetRated(int64 account, int64 price);
pg_noreturn extern void QuantityTooLargeError(void);

/* Adds, raising an error beyond 128 bits. */
static inline int128
AddQuantity(int128 a, int128 b)
{
	int128		sum;

	if (unlikely(__builtin_add_overflow(a, b, &sum)))
		QuantityTooLargeError();
	return sum;
}

/* Multiplies, raising an error beyond 128 bits. */
static inline int128
MultiplyQuantity(int128 a, int128 b)
{
	int128		product;

	if (unlikely(__builtin_mul_overflow(a, b, &product)))
		QuantityTooLargeError();
	return product;
}

/* Returns value x multiplier / divisor, rounded half to even, of numbers from 0 on; 22003. */
static inline int128
ScaleQuantity(int128 value, int128 multiplier, int128 divisor)
{
	uint128		result;

	if (unlikely(!ScaleHalfEven((uint128) value, (uint128) multiplier, (uint128) divisor, &result) ||
				 result > (uint128) INT128_LARGEST))
		QuantityTooLargeError();
	return (int128) result;
}

#endif							/* COMPUTE_LEDGER_RATING_H */
