/*
 * rollup_pass.h
 *		What rollups are added up in: groups of records with their cells, and sums of those.
 */
#ifndef COMPUTE_LEDGER_ROLLUP_PASS_H
#define COMPUTE_LEDGER_ROLLUP_PASS_H

#include "base/compat.h"

#include "common/int.h"
#include "datatype/timestamp.h"

#include "accelerator/accelerator.h"
#include "report/rollup.h"
#include "report/rollup_table.h"
#include "usage/known_kind.h"

/* Lengths and times of a sum: of usage by the day */
enum
{
	SUM_STARTED, SUM_LENGTH, SUM_SHARED, SUM_RATED, SUM_ACHIEVING
};
enum
{
	SUM_DEVICE_TIME, SUM_WORK, SUM_ACHIEVED
};

/* and of utilization: of each measure, then of capacity. */
enum
{
	SUM_RESERVED, SUM_ALLOCATED, SUM_USED, SUM_CAPACITY, SUM_ALL, SUM_UNKNOWN
};

#define SUM_LENGTHS		6
#define SUM_TIMES		4

/* What usage is of. */
typedef struct KindKey
{
	int32		region;
	int32		basis;
	int64		measure;		/* number of its name */
	Accelerator accelerator;
} KindKey;

/* A region and a device, of which MIG slices are part, is a kind of no measure and basis. */
#define NO_MEASURE		(-1)

typedef struct Kind
{
	KindKey		key;
	int			rank;			/* in the order of region, accelerator, measure, basis */
	int			place;			/* the number of its region and device */
} Kind;

typedef struct RollupKindSlot
{
	KindKey		key;
	uint32		hash;
	char		status;
	int			number;
} RollupKindSlot;

typedef struct GroupKey
{
	int64		account;
	int64		payer;			/* 0: what is stored */
	int64		gone;			/* 1: of hours that another has now, and that are no rows any more */
	int64		kind;			/* its number */
} GroupKey;

/* What was added up of a day, until another day comes. */
typedef struct Running
{
	DateADT		day;
	RollupCell	cell;
} Running;

typedef struct RollupGroup
{
	MemoryContext context;
	GroupKey	key;
	RollupState *state;
	Running		local;			/* in days of the account */
	Running		utc;			/* in days of UTC */
	struct RollupTotal *hours;			/* of all accounts, of that day */
} RollupGroup;

/* A cell that is going to be a row. */
typedef struct Entry
{
	int64		hour;
	int			rank;			/* of the group's kind */
	RollupGroup	   *group;
	RollupCell *cell;
} Entry;

typedef struct GroupSlot
{
	GroupKey	key;
	uint32		hash;
	char		status;
	RollupGroup	   *group;
} GroupSlot;

/* Hashes a key of whole words without padding, 8 bytes at a time. */
static inline uint32
RollupHash(const void *key, int size)
{
	uint64		h = 0;

	for (int i = 0; i < size; i += (int) sizeof(uint64))
	{
		uint64		word;

		memcpy(&word, (const char *) key + i, sizeof(word));
		h = (h ^ word) * UINT64CONST(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	return (uint32) h;
}

#define SH_PREFIX kinds
#define SH_ELEMENT_TYPE RollupKindSlot
#define SH_KEY_TYPE KindKey
#define SH_KEY key
#define SH_HASH_KEY(tb, key) RollupHash(&(key), sizeof(KindKey))
#define SH_EQUAL(tb, a, b) (memcmp(&(a), &(b), sizeof(KindKey)) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX groups
#define SH_ELEMENT_TYPE GroupSlot
#define SH_KEY_TYPE GroupKey
#define SH_KEY key
#define SH_HASH_KEY(tb, key) RollupHash(&(key), sizeof(GroupKey))
#define SH_EQUAL(tb, a, b) (memcmp(&(a), &(b), sizeof(GroupKey)) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* What a sum is of. */
typedef struct SumKey
{
	int64		who;			/* account or payer; 0: all */
	int64		when;			/* hour since 2000, or date */
	int32		what;			/* number of the kind or the place */
	int32		table;
} SumKey;

typedef struct RollupTotal
{
	SumKey		key;
	uint32		hash;
	char		status;
	bool		has_work;
	bool		has_achieved;
	int64		lengths[SUM_LENGTHS];
	int128		times[SUM_TIMES];
	struct RollupTotal *hours;			/* of a day of all accounts together: its hours, HOURS_PER_DAY */
} RollupTotal;

/* A sum that is going to be a row, and where it stands. */
typedef struct SumEntry
{
	int64		first;
	int64		second;
	int			rank;
	const RollupTotal  *sum;
} SumEntry;

#define SH_PREFIX sums
#define SH_ELEMENT_TYPE RollupTotal
#define SH_KEY_TYPE SumKey
#define SH_KEY key
#define SH_HASH_KEY(tb, key) RollupHash(&(key), sizeof(SumKey))
#define SH_EQUAL(tb, a, b) (memcmp(&(a), &(b), sizeof(SumKey)) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* For whom, and in which days, the usage of an account counts in a time. */
typedef struct AccountZone
{
	int64		account;
	int64		owner;
	int64		payer;
	TimestampTz since;
	TimestampTz until;
	RollupZone *zone;
	bool		was;			/* at the earlier of the two recorded times */
	bool		is;				/* at the later one */
	bool		again;			/* records are taken away as it was and added as it is; elsewhere it is as it is */
} AccountZone;

/* Which of them are an account's. */
typedef struct ZoneSlot
{
	int64		account;
	char		status;
	int			first;
	int			count;
} ZoneSlot;

#define SH_PREFIX account_zones
#define SH_ELEMENT_TYPE ZoneSlot
#define SH_KEY_TYPE int64
#define SH_KEY account
#define SH_HASH_KEY(tb, key) RollupHash(&(key), sizeof(int64))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct Rollup
{
	const RollupQuery *query;
	RollupSink *sink;
	MemoryContext context;		/* of all that stays */
	MemoryContext cells;		/* parent of the groups' */
	MemoryContext scratch;		/* of one row */
	Size		limit;
	int64		until_look;		/* cells that may be added until memory is looked at; below 0: look */
	uint32		mask;			/* places of accounts are of this pass if what it leaves of their hash is slice */
	uint32		slice;
	RollupZone *zones;
	AccountZone *places;		/* in the order of accounts */
	int			nplaces;
	int			place_room;
	account_zones_hash *accounts;
	groups_hash *groups;
	sums_hash  *sums;			/* of the accounts of this pass */
	sums_hash  *months;			/* of all, and of who pays */
	sums_hash  *days;			/* of all, with their hours */
	known_kinds_hash *known;	/* what records are of; each means the number of a kind, from 1 */
	kinds_hash *numbers;		/* of kinds */
	Kind	   *kinds;
	int			nkinds;
	int			kind_room;
	text	  **measures;
	int			nmeasures;
} Rollup;

/* Raises 22003. */
pg_noreturn static inline void
RollupRangeError(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("sum of usage out of range")));
}

/* Adds a length, or takes it away. */
static inline void
RollupAddLength(int64 *sum, int64 length, bool added)
{
	if (unlikely(added ? pg_add_s64_overflow(*sum, length, sum) : pg_sub_s64_overflow(*sum, length, sum)))
		RollupRangeError();
}

/* Adds a time, or takes it away. */
static inline void
RollupAddTime(int128 *sum, int128 time, bool added)
{
	if (unlikely(added ? __builtin_add_overflow(*sum, time, sum) : __builtin_sub_overflow(*sum, time, sum)))
		RollupRangeError();
}

/* Finds a sum, made if it is new. */
static inline RollupTotal *
RollupFindSum(sums_hash *sums, RollupTable table, int64 who, int64 when, int what)
{
	SumKey		key = {who, when, what, table};
	bool		found;
	RollupTotal		   *sum = sums_insert(sums, key, &found);

	if (!found)
	{
		sum->has_work = sum->has_achieved = false;
		memset(sum->lengths, 0, sizeof(sum->lengths));
		memset(sum->times, 0, sizeof(sum->times));
		sum->hours = NULL;
	}
	return sum;
}

/* Returns the hours of a day of all accounts together, which stay where they are. */
static inline RollupTotal *
RollupFindHours(Rollup *rollup, DateADT day, int place)
{
	RollupTotal		   *sum = RollupFindSum(rollup->days, ROLLUP_FLEET_DAILY, 0, day, place);

	if (sum->hours == NULL)
	{
		sum->hours = MemoryContextAllocZero(rollup->context, HOURS_PER_DAY * sizeof(RollupTotal));
		for (int i = 0; i < HOURS_PER_DAY; i++)
			sum->hours[i].key = (SumKey) {0, (int64) day * HOURS_PER_DAY + i, place, ROLLUP_FLEET_HOURLY};
	}
	return sum->hours;
}

/* Returns an hour among those of its day. */
static inline RollupTotal *
RollupHourOfDay(RollupTotal *hours, int64 hour)
{
	return &hours[hour - (int64) RollupUtcDate(hour) * HOURS_PER_DAY];
}

/* Whether rows of a table are of accounts, and not of all together. */
static inline bool
RollupIsOfAccounts(RollupTable table)
{
	return table == ROLLUP_USAGE_DAILY || table == ROLLUP_UTILIZATION_DAILY;
}

/* The hash table that has the sums of a table. */
static inline sums_hash *
RollupSumsOf(const Rollup *rollup, RollupTable table)
{
	if (RollupIsOfAccounts(table))
		return rollup->sums;
	return table == ROLLUP_FLEET_DAILY ? rollup->days : rollup->months;
}

/* The columns of a sum of usage, and of utilization. */
static const int rollup_usage_lengths[] = {ROLLUP_COL_STARTED, ROLLUP_COL_LENGTH, ROLLUP_COL_SHARED, ROLLUP_COL_RATED, ROLLUP_COL_ACHIEVING};
static const int rollup_utilization_lengths[] = {
	ROLLUP_COL_RESERVED_LENGTH, ROLLUP_COL_ALLOCATED_LENGTH, ROLLUP_COL_USED_LENGTH, ROLLUP_COL_CAPACITY_LENGTH,
	ROLLUP_COL_LENGTH, ROLLUP_COL_UNKNOWN_LENGTH
};
static const int rollup_utilization_times[] = {ROLLUP_COL_RESERVED_TIME, ROLLUP_COL_ALLOCATED_TIME, ROLLUP_COL_USED_TIME, ROLLUP_COL_CAPACITY_TIME};

/* Whether what an account has of a kind is of this pass: all of a region and device is of one. */
static inline bool
RollupIsOfPass(const Rollup *rollup, int64 account, int kind)
{
	const int64 words[] = {account, rollup->kinds[kind].place};

	return rollup->mask == 0 || (RollupHash(words, sizeof(words)) & rollup->mask) == rollup->slice;
}

#endif							/* COMPUTE_LEDGER_ROLLUP_PASS_H */
