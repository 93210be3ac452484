/*
 * rollup_sum.c
 *		All rollups of usage at once: what the records of a query come to in each of their tables.
 *
 * Records come straight from the executor, and are added to the cells of their group: account, payer, region,
 * accelerator, measure and basis.  When all have come the cells are rows of usage by the hour, and everything else is
 * sums of them.
 *
 * Cells that do not fit into memory: then half of the accounts are left for another pass over the records, and half
 * of those that stay if there are still too many, so that each pass is whole for its accounts.
 *
 * To correct the tables, what they say is taken away: what is left is to be added to them.  A check does the same with the
 * hours, but takes sums of the hours that are stored, so that one hour that is wrong is not said of its day and month, too.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"

#include "accelerator/accelerator.h"
#include "base/decimal.h"
#include "base/row_columns.h"
#include "quantity/quantity_type.h"
#include "report/rollup.h"
#include "report/rollup_sum.h"

/* Rows between two looks at how much memory is used. */
#define ROWS_A_LOOK		8192

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

typedef struct KindSlot
{
	KindKey		key;
	uint32		hash;
	char		status;
	int			number;
} KindSlot;

typedef struct GroupKey
{
	int64		account;
	int64		payer;			/* 0: what is stored */
	KindKey		kind;
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
	int			kind;
	RollupState *state;
	Running		local;			/* in days of the account */
	Running		utc;			/* in days of UTC */
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
hash_words(const void *key, int size)
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
#define SH_ELEMENT_TYPE KindSlot
#define SH_KEY_TYPE KindKey
#define SH_KEY key
#define SH_HASH_KEY(tb, key) hash_words(&(key), sizeof(KindKey))
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
#define SH_HASH_KEY(tb, key) hash_words(&(key), sizeof(GroupKey))
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

typedef struct Sum
{
	SumKey		key;
	uint32		hash;
	char		status;
	bool		has_work;
	bool		has_achieved;
	int64		lengths[SUM_LENGTHS];
	int128		times[SUM_TIMES];
} Sum;

#define SH_PREFIX sums
#define SH_ELEMENT_TYPE Sum
#define SH_KEY_TYPE SumKey
#define SH_KEY key
#define SH_HASH_KEY(tb, key) hash_words(&(key), sizeof(SumKey))
#define SH_EQUAL(tb, a, b) (memcmp(&(a), &(b), sizeof(SumKey)) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
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
	uint64		nrows;
	uint32		mask;			/* accounts are of this pass if what it leaves of their hash is slice */
	uint32		slice;
	RollupZone *zones;
	groups_hash *groups;
	sums_hash  *sums;			/* of the accounts of this pass */
	sums_hash  *totals;			/* of all: by the hour, and of who pays by the month */
	sums_hash  *days;			/* of all: by the day and month */
	kinds_hash *numbers;		/* of kinds */
	Kind	   *kinds;
	int			nkinds;
	int			kind_room;
	text	  **measures;
	int			nmeasures;
} Rollup;

/* Which columns a table has, by their names in it. */
typedef struct TableColumn
{
	int			column;
	RowColumn	is;
} TableColumn;

#define END_OF_COLUMNS	{-1, {NULL, InvalidOid, NULL}}
#define PLACE_COLUMNS \
	{ROLLUP_COL_REGION, ROW_COLUMN("region", INT4OID)}, \
	{ROLLUP_COL_ACCELERATOR, ROW_COLUMN_OWN("accelerator", "accelerator")}
#define USAGE_COLUMNS \
	PLACE_COLUMNS, \
	{ROLLUP_COL_ACCOUNT, ROW_COLUMN("account", INT8OID)}, \
	{ROLLUP_COL_MEASURE, ROW_COLUMN("measure", TEXTOID)}, \
	{ROLLUP_COL_BASIS, ROW_COLUMN("basis", INT4OID)}, \
	{ROLLUP_COL_DAY, ROW_COLUMN("day", DATEOID)}, \
	{ROLLUP_COL_STARTED, ROW_COLUMN("started", INT8OID)}, \
	{ROLLUP_COL_LENGTH, ROW_COLUMN("length", INT8OID)}, \
	{ROLLUP_COL_SHARED, ROW_COLUMN("shared", INT8OID)}, \
	{ROLLUP_COL_RATED, ROW_COLUMN("rated", INT8OID)}, \
	{ROLLUP_COL_ACHIEVING, ROW_COLUMN("achieving", INT8OID)}, \
	{ROLLUP_COL_DEVICE_TIME, ROW_COLUMN("device_time", NUMERICOID)}, \
	{ROLLUP_COL_WORK, ROW_COLUMN_OWN("work", "compute_unit")}, \
	{ROLLUP_COL_ACHIEVED, ROW_COLUMN_OWN("achieved", "compute_unit")}
#define UTILIZATION_COLUMNS \
	PLACE_COLUMNS, \
	{ROLLUP_COL_LENGTH, ROW_COLUMN("length", INT8OID)}, \
	{ROLLUP_COL_RESERVED_LENGTH, ROW_COLUMN("reserved_length", INT8OID)}, \
	{ROLLUP_COL_ALLOCATED_LENGTH, ROW_COLUMN("allocated_length", INT8OID)}, \
	{ROLLUP_COL_USED_LENGTH, ROW_COLUMN("used_length", INT8OID)}, \
	{ROLLUP_COL_RESERVED_TIME, ROW_COLUMN("reserved_time", NUMERICOID)}, \
	{ROLLUP_COL_ALLOCATED_TIME, ROW_COLUMN("allocated_time", NUMERICOID)}, \
	{ROLLUP_COL_USED_TIME, ROW_COLUMN("used_time", NUMERICOID)}
#define FLEET_COLUMNS \
	UTILIZATION_COLUMNS, \
	{ROLLUP_COL_CAPACITY_LENGTH, ROW_COLUMN("capacity_length", INT8OID)}, \
	{ROLLUP_COL_UNKNOWN_LENGTH, ROW_COLUMN("unknown_length", INT8OID)}, \
	{ROLLUP_COL_CAPACITY_TIME, ROW_COLUMN("capacity_time", NUMERICOID)}

static const struct
{
	const char *name;
	TableColumn columns[16];
}			tables[] = {
	[ROLLUP_USAGE_HOURLY] = {"_usage_hourly", {USAGE_COLUMNS, {ROLLUP_COL_HOUR, ROW_COLUMN("hour", TIMESTAMPTZOID)}, END_OF_COLUMNS}},
	[ROLLUP_USAGE_DAILY] = {"_usage_daily", {USAGE_COLUMNS, END_OF_COLUMNS}},
	[ROLLUP_UTILIZATION_DAILY] = {"_utilization_daily", {UTILIZATION_COLUMNS, {ROLLUP_COL_ACCOUNT, ROW_COLUMN("account", INT8OID)},
	{ROLLUP_COL_DAY, ROW_COLUMN("day", DATEOID)}, END_OF_COLUMNS}},
	[ROLLUP_FLEET_HOURLY] = {"_fleet_hourly", {FLEET_COLUMNS, {ROLLUP_COL_HOUR, ROW_COLUMN("hour", TIMESTAMPTZOID)}, END_OF_COLUMNS}},
	[ROLLUP_FLEET_DAILY] = {"_fleet_daily", {FLEET_COLUMNS, {ROLLUP_COL_DAY, ROW_COLUMN("day", DATEOID)}, END_OF_COLUMNS}},
	[ROLLUP_USAGE_MONTHLY] = {"_usage_monthly", {UTILIZATION_COLUMNS, {ROLLUP_COL_ACCOUNT, ROW_COLUMN("payer", INT8OID)},
	{ROLLUP_COL_DAY, ROW_COLUMN("month", DATEOID)}, END_OF_COLUMNS}},
	[ROLLUP_CAPACITY_MONTHLY] = {"_capacity_monthly", {PLACE_COLUMNS, {ROLLUP_COL_DAY, ROW_COLUMN("month", DATEOID)},
	{ROLLUP_COL_CAPACITY_LENGTH, ROW_COLUMN("length", INT8OID)}, {ROLLUP_COL_UNKNOWN_LENGTH, ROW_COLUMN("unknown", INT8OID)},
	{ROLLUP_COL_CAPACITY_TIME, ROW_COLUMN("device_time", NUMERICOID)}, END_OF_COLUMNS}},
};

/* The name of a table. */
const char *
RollupTableName(RollupTable table)
{
	return tables[table].name;
}

/* Finds the columns of a table among those of rows: numbers from 1, 0 for what it has not; 42703, 42804. */
void
RollupMapColumns(RollupTable table, TupleDesc desc, int numbers[ROLLUP_COLUMNS])
{
	memset(numbers, 0, ROLLUP_COLUMNS * sizeof(int));
	for (const TableColumn *c = tables[table].columns; c->column >= 0; c++)
		numbers[c->column] = RowColumnNumber(desc, tables[table].name, &c->is);
}

/* Raises 22003. */
pg_noreturn static void
sum_out_of_range_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("sum of usage out of range")));
}

/* Adds a length, or takes it away. */
static inline void
add_length(int64 *sum, int64 length, bool added)
{
	if (unlikely(added ? pg_add_s64_overflow(*sum, length, sum) : pg_sub_s64_overflow(*sum, length, sum)))
		sum_out_of_range_error();
}

/* Adds a time, or takes it away. */
static inline void
add_time(int128 *sum, int128 time, bool added)
{
	if (unlikely(added ? __builtin_add_overflow(*sum, time, sum) : __builtin_sub_overflow(*sum, time, sum)))
		sum_out_of_range_error();
}

/* ---- kinds, places, groups ---- */

/* Returns the number of a measure, which it gets if it is new; those of utilization are SUM_RESERVED to SUM_USED. */
static int
measure_number(Rollup *rollup, Datum name)
{
	const text *measure = DatumGetTextPP(name);
	Size		length = VARSIZE_ANY_EXHDR(measure);

	for (int i = 0; i < rollup->nmeasures; i++)
	{
		if (VARSIZE_ANY_EXHDR(rollup->measures[i]) == length && memcmp(VARDATA_ANY(rollup->measures[i]), VARDATA_ANY(measure), length) == 0)
			return i;
	}
	if (rollup->nmeasures % 8 == 0)
		rollup->measures = rollup->nmeasures == 0 ? MemoryContextAlloc(rollup->context, 8 * sizeof(text *)) :
			repalloc(rollup->measures, (rollup->nmeasures + 8) * sizeof(text *));
	rollup->measures[rollup->nmeasures] = MemoryContextAlloc(rollup->context, VARHDRSZ + length);
	SET_VARSIZE(rollup->measures[rollup->nmeasures], VARHDRSZ + length);
	memcpy(VARDATA(rollup->measures[rollup->nmeasures]), VARDATA_ANY(measure), length);
	return rollup->nmeasures++;
}

/* Returns the number of a kind, which it gets if it is new. */
static int
kind_number(Rollup *rollup, const KindKey *key)
{
	bool		found;
	KindSlot   *slot = kinds_insert(rollup->numbers, *key, &found);
	int			number;

	if (found)
		return slot->number;
	if (rollup->nkinds == rollup->kind_room)
	{
		rollup->kind_room = Max(64, 2 * rollup->kind_room);
		rollup->kinds = rollup->kinds == NULL ? MemoryContextAllocHuge(rollup->context, rollup->kind_room * sizeof(Kind)) :
			repalloc_huge(rollup->kinds, rollup->kind_room * sizeof(Kind));
	}
	slot->number = number = rollup->nkinds++;
	rollup->kinds[number].key = *key;
	rollup->kinds[number].place = number;
	if (key->measure != NO_MEASURE)
	{
		KindKey		place = *key;
		AcceleratorParts parts;
		int			of;

		AcceleratorUnpack(&key->accelerator, &parts);
		parts.mig_slices = parts.mig_attrs = parts.mig_memory_gb = 0;
		AcceleratorPack(&parts, &place.accelerator, NULL);
		place.basis = 0;
		place.measure = NO_MEASURE;
		of = kind_number(rollup, &place);
		rollup->kinds[number].place = of;
	}
	return number;
}

/* Whether an account is of this pass. */
static inline bool
is_of_pass(const Rollup *rollup, int64 account)
{
	return rollup->mask == 0 || (hash_words(&account, sizeof(account)) & rollup->mask) == rollup->slice;
}

/* Leaves accounts for other passes until there is room again. */
static void
make_room(Rollup *rollup)
{
	while (MemoryContextMemAllocated(rollup->cells, true) > rollup->limit && rollup->mask < PG_UINT32_MAX / 4)
	{
		groups_iterator iterator;
		GroupSlot  *slot;
		List	   *gone = NIL;
		ListCell   *cell;

		CHECK_FOR_INTERRUPTS();
		rollup->mask = 2 * rollup->mask + 1;
		groups_start_iterate(rollup->groups, &iterator);
		while ((slot = groups_iterate(rollup->groups, &iterator)) != NULL)
		{
			if (!is_of_pass(rollup, slot->key.account))
				gone = lappend(gone, slot->group);
		}
		foreach(cell, gone)
		{
			RollupGroup	   *group = lfirst(cell);
			MemoryContext context = group->context;

			groups_delete(rollup->groups, group->key);
			MemoryContextDelete(context);
		}
		list_free(gone);
	}
}

/* Finds a group of this pass, made if it is new. */
static RollupGroup *
find_group(Rollup *rollup, const GroupKey *key)
{
	bool		found;
	GroupSlot  *slot = groups_insert(rollup->groups, *key, &found);

	if (!found)
	{
		MemoryContext context = AllocSetContextCreate(rollup->cells, "cells of usage", ALLOCSET_SMALL_SIZES);

		slot->group = MemoryContextAlloc(context, sizeof(RollupGroup));
		slot->group->context = context;
		slot->group->key = *key;
		slot->group->kind = kind_number(rollup, &key->kind);
		slot->group->state = RollupStateMake(context);
	}
	return slot->group;
}

/* ---- what comes ---- */

/* Columns of the query for records. */
enum
{
	USE_ACCOUNT, USE_PAYER, USE_REGION, USE_ACCELERATOR, USE_MEASURE, USE_BASIS, USE_STARTED, USE_ENDED, USE_FROM, USE_TO, USE_ZONE,
	USE_DEVICES, USE_SHARE, USE_RATE, USE_ACHIEVED, USE_RECORDED, USE_ADDED
};

static const RowColumn use_columns[] = {
	[USE_ACCOUNT] = ROW_COLUMN("account", INT8OID),
	[USE_PAYER] = ROW_COLUMN("payer", INT8OID),
	[USE_REGION] = ROW_COLUMN("region", INT4OID),
	[USE_ACCELERATOR] = ROW_COLUMN_OWN("accelerator", "accelerator"),
	[USE_MEASURE] = ROW_COLUMN("measure", TEXTOID),
	[USE_BASIS] = ROW_COLUMN("basis", INT4OID),
	[USE_STARTED] = ROW_COLUMN("started_at", TIMESTAMPTZOID),
	[USE_ENDED] = ROW_COLUMN("ended_at", TIMESTAMPTZOID),
	[USE_FROM] = ROW_COLUMN("since", TIMESTAMPTZOID),
	[USE_TO] = ROW_COLUMN("until", TIMESTAMPTZOID),
	[USE_ZONE] = ROW_COLUMN("time_zone", TEXTOID),
	[USE_DEVICES] = ROW_COLUMN("devices", NUMERICOID),
	[USE_SHARE] = ROW_COLUMN("share", INT4OID),
	[USE_RATE] = ROW_COLUMN_OWN("rate", "compute_rate"),
	[USE_ACHIEVED] = ROW_COLUMN_OWN("achieved_work", "compute_unit"),
	[USE_RECORDED] = ROW_COLUMN("recorded", TIMESTAMPTZOID),
	[USE_ADDED] = ROW_COLUMN("added", BOOLOID),
};

/* Receives rows. */
typedef struct RollupReceiver
{
	DestReceiver receiver;
	Rollup	   *rollup;
	RollupTable table;			/* of stored rows */
	int			numbers[ROLLUP_COLUMNS];
} RollupReceiver;

/* Takes a part of a record. */
static bool
receive_use(TupleTableSlot *slot, DestReceiver *receiver)
{
	Rollup	   *rollup = ((RollupReceiver *) receiver)->rollup;
	const Datum *values;
	const bool *nulls;
	GroupKey	key;
	RollupUse	use;
	RollupZone *zone;
	MemoryContext previous;

	slot_getallattrs(slot);
	values = slot->tts_values;
	nulls = slot->tts_isnull;
	for (int i = 0; i < (int) lengthof(use_columns); i++)
	{
		if (unlikely(nulls[i]) && i != USE_SHARE && i != USE_RATE && i != USE_ACHIEVED && i != USE_RECORDED)
			RowNullError("usage_record", use_columns[i].name);
	}
	key.account = DatumGetInt64(values[USE_ACCOUNT]);
	if (!is_of_pass(rollup, key.account))
		return true;
	/* nobody empties the context of the whole query between two records */
	previous = MemoryContextSwitchTo(rollup->scratch);
	key.payer = DatumGetInt64(values[USE_PAYER]);
	key.kind.region = DatumGetInt32(values[USE_REGION]);
	key.kind.basis = DatumGetInt32(values[USE_BASIS]);
	key.kind.measure = measure_number(rollup, values[USE_MEASURE]);
	memcpy(&key.kind.accelerator, DatumGetAcceleratorP(values[USE_ACCELERATOR]), sizeof(Accelerator));
	use.started = DatumGetTimestampTz(values[USE_STARTED]);
	use.ended = DatumGetTimestampTz(values[USE_ENDED]);
	use.from = DatumGetTimestampTz(values[USE_FROM]);
	use.to = DatumGetTimestampTz(values[USE_TO]);
	use.devices = NumericGetDatum(DatumGetNumeric(values[USE_DEVICES]));
	use.share = nulls[USE_SHARE] ? 0 : DatumGetInt32(values[USE_SHARE]);
	use.rate = nulls[USE_RATE] ? NULL : DatumGetQuantityP(values[USE_RATE]);
	use.achieved = nulls[USE_ACHIEVED] ? NULL : DatumGetQuantityP(values[USE_ACHIEVED]);
	use.recorded = nulls[USE_RECORDED] ? DT_NOBEGIN : DatumGetTimestampTz(values[USE_RECORDED]);
	use.added = DatumGetBool(values[USE_ADDED]) != (rollup->query->purpose == ROLLUP_CHECK);
	zone = RollupZoneFind(&rollup->zones, rollup->context, DatumGetTextPP(values[USE_ZONE]));
	RollupAdd(find_group(rollup, &key)->state, zone, &use);
	MemoryContextSwitchTo(previous);
	MemoryContextReset(rollup->scratch);
	if (++rollup->nrows % ROWS_A_LOOK == 0)
		make_room(rollup);
	return true;
}

/* Checks what is going to come. */
static void
start_uses(DestReceiver *receiver, int operation, TupleDesc desc)
{
	(void) receiver;
	(void) operation;
	RowColumnsCheck(desc, "usage_record", use_columns, lengthof(use_columns));
}

/* Finds the columns of what is going to come. */
static void
start_stored(DestReceiver *receiver, int operation, TupleDesc desc)
{
	RollupReceiver *self = (RollupReceiver *) receiver;

	(void) operation;
	RollupMapColumns(self->table, desc, self->numbers);
}

/* Does nothing: there is nothing to end. */
static void
end_receiving(DestReceiver *receiver)
{
	(void) receiver;
}

/* A stored value, as it was received. */
typedef struct StoredRow
{
	const RollupReceiver *receiver;
	const TupleTableSlot *slot;
} StoredRow;

/* Returns a column of a stored row, and whether there is a value. */
static inline bool
stored_value(const StoredRow *row, int column, Datum *value)
{
	int			number = row->receiver->numbers[column];

	if (number == 0 || row->slot->tts_isnull[number - 1])
		return false;
	*value = row->slot->tts_values[number - 1];
	return true;
}

/* Returns a stored integer; 0 for none. */
static inline int64
stored_int8(const StoredRow *row, int column)
{
	Datum		value;

	return stored_value(row, column, &value) ? DatumGetInt64(value) : 0;
}

/* Returns a stored integer; 0 for none. */
static inline int32
stored_int4(const StoredRow *row, int column)
{
	Datum		value;

	return stored_value(row, column, &value) ? DatumGetInt32(value) : 0;
}

/* Returns a stored time; one that is none of ours, which are integers, is none that anything adds up to. */
static inline int128
stored_time(const StoredRow *row, int column)
{
	Datum		value;
	int128		time = 0;

	if (stored_value(row, column, &value) && !RollupInteger(value, &time))
		time = -((int128) 1 << 120);
	return time;
}

/* Returns a stored amount of work, and whether there is one. */
static inline int128
stored_work(const StoredRow *row, int column, bool *has)
{
	Datum		value;

	*has = stored_value(row, column, &value);
	return *has ? QuantityAmount(DatumGetQuantityP(value)) : 0;
}

/* Returns the hour, since 2000, that an instant is in. */
static inline int64
hour_of(TimestampTz at)
{
	return at / USECS_PER_HOUR - (at % USECS_PER_HOUR < 0);
}

/* Fills in the kind of a stored row: with a measure, if its table has one. */
static void
stored_kind(Rollup *rollup, const StoredRow *row, KindKey *key)
{
	Datum		value;

	key->region = stored_int4(row, ROLLUP_COL_REGION);
	key->basis = stored_int4(row, ROLLUP_COL_BASIS);
	key->measure = stored_value(row, ROLLUP_COL_MEASURE, &value) ? measure_number(rollup, value) : NO_MEASURE;
	if (stored_value(row, ROLLUP_COL_ACCELERATOR, &value))
		memcpy(&key->accelerator, DatumGetAcceleratorP(value), sizeof(Accelerator));
	else
		memset(&key->accelerator, 0, sizeof(Accelerator));
}

/* Takes a stored hour of usage. */
static bool
receive_hour(TupleTableSlot *slot, DestReceiver *receiver)
{
	Rollup	   *rollup = ((RollupReceiver *) receiver)->rollup;
	StoredRow	row = {(RollupReceiver *) receiver, slot};
	GroupKey	key;
	RollupCell	cell;
	MemoryContext previous;

	slot_getallattrs(slot);
	key.account = stored_int8(&row, ROLLUP_COL_ACCOUNT);
	if (!is_of_pass(rollup, key.account))
		return true;
	previous = MemoryContextSwitchTo(rollup->scratch);
	key.payer = 0;
	stored_kind(rollup, &row, &key.kind);
	cell.key = RollupKey(hour_of(stored_int8(&row, ROLLUP_COL_HOUR)), stored_int4(&row, ROLLUP_COL_DAY));
	cell.started = stored_int8(&row, ROLLUP_COL_STARTED);
	cell.length = stored_int8(&row, ROLLUP_COL_LENGTH);
	cell.shared = stored_int8(&row, ROLLUP_COL_SHARED);
	cell.rated = stored_int8(&row, ROLLUP_COL_RATED);
	cell.achieving = stored_int8(&row, ROLLUP_COL_ACHIEVING);
	cell.device_time = stored_time(&row, ROLLUP_COL_DEVICE_TIME);
	cell.work = stored_work(&row, ROLLUP_COL_WORK, &cell.has_work);
	cell.achieved = stored_work(&row, ROLLUP_COL_ACHIEVED, &cell.has_achieved);
	RollupAddCell(find_group(rollup, &key)->state, &cell, rollup->query->purpose == ROLLUP_CHECK);
	MemoryContextSwitchTo(previous);
	MemoryContextReset(rollup->scratch);
	if (++rollup->nrows % ROWS_A_LOOK == 0)
		make_room(rollup);
	return true;
}

/* Finds a sum, made if it is new. */
static inline Sum *
find_sum(sums_hash *sums, RollupTable table, int64 who, int64 when, int what)
{
	SumKey		key = {who, when, what, table};
	bool		found;
	Sum		   *sum = sums_insert(sums, key, &found);

	if (!found)
	{
		sum->has_work = sum->has_achieved = false;
		memset(sum->lengths, 0, sizeof(sum->lengths));
		memset(sum->times, 0, sizeof(sum->times));
	}
	return sum;
}

/* The columns of a sum of usage, and of utilization. */
static const int usage_lengths[] = {ROLLUP_COL_STARTED, ROLLUP_COL_LENGTH, ROLLUP_COL_SHARED, ROLLUP_COL_RATED, ROLLUP_COL_ACHIEVING};
static const int utilization_lengths[] = {ROLLUP_COL_RESERVED_LENGTH, ROLLUP_COL_ALLOCATED_LENGTH, ROLLUP_COL_USED_LENGTH, ROLLUP_COL_CAPACITY_LENGTH, ROLLUP_COL_LENGTH, ROLLUP_COL_UNKNOWN_LENGTH};
static const int utilization_times[] = {ROLLUP_COL_RESERVED_TIME, ROLLUP_COL_ALLOCATED_TIME, ROLLUP_COL_USED_TIME, ROLLUP_COL_CAPACITY_TIME};

/* Whether rows of a table are of accounts, and not of all together. */
static inline bool
is_of_accounts(RollupTable table)
{
	return table == ROLLUP_USAGE_DAILY || table == ROLLUP_UTILIZATION_DAILY;
}

/* The hash table that has the sums of a table. */
static inline sums_hash *
sums_of(const Rollup *rollup, RollupTable table)
{
	if (is_of_accounts(table))
		return rollup->sums;
	return table == ROLLUP_FLEET_HOURLY || table == ROLLUP_USAGE_MONTHLY ? rollup->totals : rollup->days;
}

/* Takes away what is stored of a sum, or adds it. */
static bool
receive_sum(TupleTableSlot *slot, DestReceiver *receiver)
{
	const RollupReceiver *self = (RollupReceiver *) receiver;
	Rollup	   *rollup = self->rollup;
	StoredRow	row = {self, slot};
	/* what records say is taken away in a check, and months by who pays are of them */
	bool		added = rollup->query->purpose == ROLLUP_CHECK && self->table == ROLLUP_USAGE_MONTHLY;
	int64		who;
	KindKey		kind;
	Sum		   *sum;
	MemoryContext previous;

	slot_getallattrs(slot);
	who = stored_int8(&row, ROLLUP_COL_ACCOUNT);
	if (is_of_accounts(self->table) && !is_of_pass(rollup, who))
		return true;
	previous = MemoryContextSwitchTo(rollup->scratch);
	stored_kind(rollup, &row, &kind);
	sum = find_sum(sums_of(rollup, self->table), self->table, who,
				   self->numbers[ROLLUP_COL_HOUR] != 0 ? hour_of(stored_int8(&row, ROLLUP_COL_HOUR)) : stored_int4(&row, ROLLUP_COL_DAY),
				   kind_number(rollup, &kind));
	if (self->table == ROLLUP_USAGE_DAILY)
	{
		bool		has;

		for (int i = 0; i < (int) lengthof(usage_lengths); i++)
			add_length(&sum->lengths[i], stored_int8(&row, usage_lengths[i]), false);
		add_time(&sum->times[SUM_DEVICE_TIME], stored_time(&row, ROLLUP_COL_DEVICE_TIME), false);
		add_time(&sum->times[SUM_WORK], stored_work(&row, ROLLUP_COL_WORK, &has), false);
		add_time(&sum->times[SUM_ACHIEVED], stored_work(&row, ROLLUP_COL_ACHIEVED, &has), false);
	}
	else
	{
		for (int i = 0; i < (int) lengthof(utilization_lengths); i++)
			add_length(&sum->lengths[i], stored_int8(&row, utilization_lengths[i]), added);
		for (int i = 0; i < (int) lengthof(utilization_times); i++)
			add_time(&sum->times[i], stored_time(&row, utilization_times[i]), added);
	}
	MemoryContextSwitchTo(previous);
	MemoryContextReset(rollup->scratch);
	return true;
}

/* Columns of the query for capacity. */
enum
{
	CAP_REGION, CAP_ACCELERATOR, CAP_HOUR, CAP_TIME, CAP_LENGTH, CAP_UNKNOWN
};

static const RowColumn capacity_columns[] = {
	[CAP_REGION] = ROW_COLUMN("region", INT4OID),
	[CAP_ACCELERATOR] = ROW_COLUMN_OWN("accelerator", "accelerator"),
	[CAP_HOUR] = ROW_COLUMN("hour", TIMESTAMPTZOID),
	[CAP_TIME] = ROW_COLUMN("device_time", NUMERICOID),
	[CAP_LENGTH] = ROW_COLUMN("length", INT8OID),
	[CAP_UNKNOWN] = ROW_COLUMN("unknown", INT8OID),
};

/* Takes an hour of capacity. */
static bool
receive_capacity(TupleTableSlot *slot, DestReceiver *receiver)
{
	Rollup	   *rollup = ((RollupReceiver *) receiver)->rollup;
	KindKey		kind = {.measure = NO_MEASURE};
	const Datum *values;
	int128		time;
	Sum		   *sum;
	MemoryContext previous;

	slot_getallattrs(slot);
	values = slot->tts_values;
	for (int i = 0; i < (int) lengthof(capacity_columns); i++)
	{
		if (slot->tts_isnull[i])
			RowNullError("capacity", capacity_columns[i].name);
	}
	previous = MemoryContextSwitchTo(rollup->scratch);
	kind.region = DatumGetInt32(values[CAP_REGION]);
	memcpy(&kind.accelerator, DatumGetAcceleratorP(values[CAP_ACCELERATOR]), sizeof(Accelerator));
	if (!RollupInteger(values[CAP_TIME], &time))
		sum_out_of_range_error();
	sum = find_sum(rollup->totals, ROLLUP_FLEET_HOURLY, 0, hour_of(DatumGetTimestampTz(values[CAP_HOUR])), kind_number(rollup, &kind));
	add_time(&sum->times[SUM_CAPACITY], time, true);
	add_length(&sum->lengths[SUM_CAPACITY], DatumGetInt64(values[CAP_LENGTH]), true);
	add_length(&sum->lengths[SUM_UNKNOWN], DatumGetInt64(values[CAP_UNKNOWN]), true);
	MemoryContextSwitchTo(previous);
	MemoryContextReset(rollup->scratch);
	return true;
}

/* Checks what is going to come. */
static void
start_capacity(DestReceiver *receiver, int operation, TupleDesc desc)
{
	(void) receiver;
	(void) operation;
	RowColumnsCheck(desc, "capacity", capacity_columns, lengthof(capacity_columns));
}

/* Runs a query whose rows go to a receiver. */
static void
run_query(Rollup *rollup, const char *query, RollupTable table, bool (*receive) (TupleTableSlot *, DestReceiver *),
		  void (*start) (DestReceiver *, int, TupleDesc))
{
	static const Oid types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID, INT8ARRAYOID};
	const Datum values[] = {rollup->query->before, rollup->query->upto, rollup->query->changed};
	SPIExecuteOptions options = {0};
	/* SPI looks at the kind of a receiver only to tell it from its own and from none */
	RollupReceiver self = {
		.receiver = {.receiveSlot = receive, .rStartup = start, .rShutdown = end_receiving, .rDestroy = end_receiving, .mydest = DestTuplestore},
		.rollup = rollup, .table = table
	};
	int			result;

	options.params = makeParamList(lengthof(types));
	for (int i = 0; i < (int) lengthof(types); i++)
	{
		options.params->params[i].value = values[i];
		options.params->params[i].isnull = false;
		options.params->params[i].pflags = PARAM_FLAG_CONST;
		options.params->params[i].ptype = types[i];
	}
	options.read_only = true;
	options.dest = &self.receiver;
	result = SPI_execute_extended(query, &options);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read what rollups are made of: %s", SPI_result_code_string(result));
}

/* Reads what is stored in a table. */
static void
read_stored(Rollup *rollup, RollupTable table)
{
	run_query(rollup, psprintf("SELECT * FROM compute_ledger.%s", tables[table].name), table,
			  table == ROLLUP_USAGE_HOURLY ? receive_hour : receive_sum, start_stored);
}

/* ---- what goes ---- */

/* Orders kinds by region, accelerator, measure, basis. */
static int
compare_kinds(const void *a, const void *b, void *arg)
{
	const Rollup *rollup = (const Rollup *) arg;
	const KindKey *x = &rollup->kinds[*(const int *) a].key;
	const KindKey *y = &rollup->kinds[*(const int *) b].key;
	int			order;

	if (x->region != y->region)
		return x->region < y->region ? -1 : 1;
	if ((order = AcceleratorCompare(&x->accelerator, &y->accelerator)) != 0)
		return order;
	if (x->measure != y->measure)
	{
		const text *m;
		const text *n;

		if (x->measure == NO_MEASURE || y->measure == NO_MEASURE)
			return x->measure == NO_MEASURE ? -1 : 1;
		m = rollup->measures[x->measure];
		n = rollup->measures[y->measure];
		order = memcmp(VARDATA_ANY(m), VARDATA_ANY(n), Min(VARSIZE_ANY_EXHDR(m), VARSIZE_ANY_EXHDR(n)));
		return order != 0 ? order : VARSIZE_ANY_EXHDR(m) < VARSIZE_ANY_EXHDR(n) ? -1 : 1;
	}
	return x->basis < y->basis ? -1 : x->basis > y->basis;
}

/* Numbers kinds in order. */
static void
rank_kinds(Rollup *rollup)
{
	int		   *order = MemoryContextAllocHuge(rollup->context, Max(1, rollup->nkinds) * sizeof(int));

	for (int i = 0; i < rollup->nkinds; i++)
		order[i] = i;
	qsort_arg(order, rollup->nkinds, sizeof(int), compare_kinds, rollup);
	for (int i = 0; i < rollup->nkinds; i++)
		rollup->kinds[order[i]].rank = i;
	pfree(order);
}

/* Gives a row, of which the amounts are filled in. */
static void
put_row(Rollup *rollup, RollupTable table, int64 who, int64 when, DateADT day, const KindKey *kind, Datum *values, bool *nulls)
{
	bool		hourly = table == ROLLUP_USAGE_HOURLY || table == ROLLUP_FLEET_HOURLY;

	values[ROLLUP_COL_TABLE] = Int32GetDatum((int32) table);
	nulls[ROLLUP_COL_TABLE] = false;
	values[ROLLUP_COL_ACCOUNT] = Int64GetDatum(who);
	nulls[ROLLUP_COL_ACCOUNT] = who == 0;
	values[ROLLUP_COL_REGION] = Int32GetDatum(kind->region);
	nulls[ROLLUP_COL_REGION] = false;
	values[ROLLUP_COL_ACCELERATOR] = AcceleratorPGetDatum(&kind->accelerator);
	nulls[ROLLUP_COL_ACCELERATOR] = false;
	if (kind->measure != NO_MEASURE)
	{
		values[ROLLUP_COL_MEASURE] = PointerGetDatum(rollup->measures[kind->measure]);
		values[ROLLUP_COL_BASIS] = Int32GetDatum(kind->basis);
	}
	nulls[ROLLUP_COL_MEASURE] = nulls[ROLLUP_COL_BASIS] = kind->measure == NO_MEASURE;
	if (hourly)
		values[ROLLUP_COL_HOUR] = TimestampTzGetDatum(when * USECS_PER_HOUR);
	nulls[ROLLUP_COL_HOUR] = !hourly;
	values[ROLLUP_COL_DAY] = DateADTGetDatum(day);
	nulls[ROLLUP_COL_DAY] = table == ROLLUP_FLEET_HOURLY;
	rollup->sink->put(rollup->sink, table, values, nulls);
	MemoryContextReset(rollup->scratch);
}

/* Sets a value of a row. */
static inline void
set_value(Datum *values, bool *nulls, int column, Datum value)
{
	values[column] = value;
	nulls[column] = false;
}

/* Gives an hour of usage. */
static void
put_hour(Rollup *rollup, const GroupKey *key, const RollupCell *cell)
{
	Datum		values[ROLLUP_COLUMNS];
	bool		nulls[ROLLUP_COLUMNS];
	MemoryContext previous = MemoryContextSwitchTo(rollup->scratch);

	memset(nulls, true, sizeof(nulls));
	set_value(values, nulls, ROLLUP_COL_STARTED, Int64GetDatum(cell->started));
	set_value(values, nulls, ROLLUP_COL_LENGTH, Int64GetDatum(cell->length));
	set_value(values, nulls, ROLLUP_COL_SHARED, Int64GetDatum(cell->shared));
	set_value(values, nulls, ROLLUP_COL_RATED, Int64GetDatum(cell->rated));
	set_value(values, nulls, ROLLUP_COL_ACHIEVING, Int64GetDatum(cell->achieving));
	set_value(values, nulls, ROLLUP_COL_DEVICE_TIME, NumericFromInt128(cell->device_time, 0));
	if (cell->has_work)
		set_value(values, nulls, ROLLUP_COL_WORK, QuantityPGetDatum(QuantityMake(cell->work, (uint16) key->kind.basis)));
	if (cell->has_achieved)
		set_value(values, nulls, ROLLUP_COL_ACHIEVED, QuantityPGetDatum(QuantityMake(cell->achieved, BASIS_FLOP)));
	MemoryContextSwitchTo(previous);
	put_row(rollup, ROLLUP_USAGE_HOURLY, key->account, RollupHour(cell->key), RollupDay(cell->key), &key->kind, values, nulls);
}

/* Tells whether a sum is nothing. */
static bool
is_nothing(const Sum *sum)
{
	for (int i = 0; i < SUM_LENGTHS; i++)
	{
		if (sum->lengths[i] != 0)
			return false;
	}
	for (int i = 0; i < SUM_TIMES; i++)
	{
		if (sum->times[i] != 0)
			return false;
	}
	return true;
}

/* Gives a sum. */
static void
put_sum(Rollup *rollup, const Sum *sum)
{
	RollupTable table = (RollupTable) sum->key.table;
	const KindKey *kind = &rollup->kinds[sum->key.what].key;
	Datum		values[ROLLUP_COLUMNS];
	bool		nulls[ROLLUP_COLUMNS];
	MemoryContext previous = MemoryContextSwitchTo(rollup->scratch);

	memset(nulls, true, sizeof(nulls));
	if (table == ROLLUP_USAGE_DAILY)
	{
		for (int i = 0; i < (int) lengthof(usage_lengths); i++)
			set_value(values, nulls, usage_lengths[i], Int64GetDatum(sum->lengths[i]));
		set_value(values, nulls, ROLLUP_COL_DEVICE_TIME, NumericFromInt128(sum->times[SUM_DEVICE_TIME], 0));
		if (sum->has_work)
			set_value(values, nulls, ROLLUP_COL_WORK, QuantityPGetDatum(QuantityMake(sum->times[SUM_WORK], (uint16) kind->basis)));
		if (sum->has_achieved)
			set_value(values, nulls, ROLLUP_COL_ACHIEVED, QuantityPGetDatum(QuantityMake(sum->times[SUM_ACHIEVED], BASIS_FLOP)));
	}
	else
	{
		for (int i = 0; i < (int) lengthof(utilization_lengths); i++)
			set_value(values, nulls, utilization_lengths[i], Int64GetDatum(sum->lengths[i]));
		for (int i = 0; i < (int) lengthof(utilization_times); i++)
			set_value(values, nulls, utilization_times[i], NumericFromInt128(sum->times[i], 0));
	}
	MemoryContextSwitchTo(previous);
	put_row(rollup, table, sum->key.who, sum->key.when, (DateADT) sum->key.when, kind, values, nulls);
}

/* Orders sums as the keys of their tables do. */
static int
compare_sums(const void *a, const void *b, void *arg)
{
	const Rollup *rollup = (const Rollup *) arg;
	const SumKey *x = &(*(Sum *const *) a)->key;
	const SumKey *y = &(*(Sum *const *) b)->key;
	int			order;

	if (x->table != y->table)
		return x->table - y->table;
	order = x->when < y->when ? -1 : x->when > y->when;
	if (x->who != y->who && (order == 0 || is_of_accounts((RollupTable) x->table)))
		order = x->who < y->who ? -1 : 1;
	return order != 0 ? order : rollup->kinds[x->what].rank - rollup->kinds[y->what].rank;
}

/* Gives all sums that there are. */
static void
put_sums(Rollup *rollup, sums_hash *sums)
{
	Sum		  **list = MemoryContextAllocHuge(rollup->context, Max(1, sums->members) * sizeof(Sum *));
	uint32		count = 0;
	sums_iterator iterator;
	Sum		   *sum;

	sums_start_iterate(sums, &iterator);
	while ((sum = sums_iterate(sums, &iterator)) != NULL)
	{
		if (!is_nothing(sum))
			list[count++] = sum;
	}
	qsort_arg(list, count, sizeof(Sum *), compare_sums, rollup);
	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_sum(rollup, list[i]);
	}
	pfree(list);
}

/* Whether what there is of a group is part of the sums: in a check what is stored, else what records say. */
static inline bool
is_of_sums(const Rollup *rollup, const RollupGroup *group)
{
	return (group->key.payer == 0) == (rollup->query->purpose == ROLLUP_CHECK);
}

/* Adds what was added up of a local day to its sum. */
static void
end_local_day(Rollup *rollup, RollupGroup *group)
{
	const RollupCell *cell = &group->local.cell;
	Sum		   *sum = find_sum(rollup->sums, ROLLUP_USAGE_DAILY, group->key.account, group->local.day, group->kind);

	sum->has_work |= cell->has_work;
	sum->has_achieved |= cell->has_achieved;
	add_length(&sum->lengths[SUM_STARTED], cell->started, true);
	add_length(&sum->lengths[SUM_LENGTH], cell->length, true);
	add_length(&sum->lengths[SUM_SHARED], cell->shared, true);
	add_length(&sum->lengths[SUM_RATED], cell->rated, true);
	add_length(&sum->lengths[SUM_ACHIEVING], cell->achieving, true);
	add_time(&sum->times[SUM_DEVICE_TIME], cell->device_time, true);
	add_time(&sum->times[SUM_WORK], cell->work, true);
	add_time(&sum->times[SUM_ACHIEVED], cell->achieved, true);
}

/* Adds what there is of a cell to a sum of utilization. */
static inline void
add_use(Sum *sum, const RollupCell *cell, int64 measure)
{
	add_length(&sum->lengths[SUM_ALL], cell->length, true);
	if (measure <= SUM_USED)
	{
		add_length(&sum->lengths[measure], cell->shared, true);
		add_time(&sum->times[measure], cell->device_time, true);
	}
}

/* Returns the first of a date's month. */
static DateADT
first_of_month(DateADT day)
{
	int			year;
	int			month;
	int			of_month;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &of_month);
	return day - of_month + 1;
}

/* Adds what was added up of a day of UTC to its sums. */
static void
end_utc_day(Rollup *rollup, RollupGroup *group)
{
	int			place = rollup->kinds[group->kind].place;
	if (is_of_sums(rollup, group))
		add_use(find_sum(rollup->sums, ROLLUP_UTILIZATION_DAILY, group->key.account, group->utc.day, place), &group->utc.cell, group->key.kind.measure);
	if (group->key.payer != 0)
		add_use(find_sum(rollup->totals, ROLLUP_USAGE_MONTHLY, group->key.payer, first_of_month(group->utc.day), place), &group->utc.cell, group->key.kind.measure);
}

/* Adds a cell to what is being added up. */
static inline void
add_running(Running *running, const RollupCell *cell)
{
	RollupCell *sum = &running->cell;

	sum->has_work |= cell->has_work;
	sum->has_achieved |= cell->has_achieved;
	add_length(&sum->started, cell->started, true);
	add_length(&sum->length, cell->length, true);
	add_length(&sum->shared, cell->shared, true);
	add_length(&sum->rated, cell->rated, true);
	add_length(&sum->achieving, cell->achieving, true);
	add_time(&sum->device_time, cell->device_time, true);
	add_time(&sum->work, cell->work, true);
	add_time(&sum->achieved, cell->achieved, true);
}

/* Begins to add up another day. */
static inline void
start_day(Running *running, DateADT day)
{
	memset(running, 0, sizeof(Running));
	running->day = day;
}

/* Adds a cell to the sums that it is part of. */
static void
add_to_sums(Rollup *rollup, RollupGroup *group, int64 hour, const RollupCell *cell)
{
	DateADT		local = RollupDay(cell->key);
	DateADT		utc = RollupUtcDate(hour);

	if (group->utc.day != utc)
	{
		end_utc_day(rollup, group);
		start_day(&group->utc, utc);
	}
	add_running(&group->utc, cell);
	if (!is_of_sums(rollup, group))
		return;
	if (group->local.day != local)
	{
		end_local_day(rollup, group);
		start_day(&group->local, local);
	}
	add_running(&group->local, cell);
	add_use(find_sum(rollup->totals, ROLLUP_FLEET_HOURLY, 0, hour, rollup->kinds[group->kind].place), cell, group->key.kind.measure);
}

/* Orders cells as the key of their table does. */
static inline int
compare_entries(const Entry *a, const Entry *b)
{
	if (a->hour != b->hour)
		return a->hour < b->hour ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->cell->key < b->cell->key ? -1 : a->cell->key > b->cell->key;
}

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE Entry
#define ST_COMPARE(a, b) compare_entries(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Gives the hours of an account's groups, and adds them to the sums. */
static void
end_account(Rollup *rollup, RollupGroup **groups, int count)
{
	Size		ncells = 0;
	Entry	   *entries;
	RollupCell **cells;

	for (int i = 0; i < count; i++)
		ncells += RollupCellCount(groups[i]->state);
	entries = MemoryContextAllocHuge(rollup->context, Max(1, ncells) * sizeof(Entry));
	cells = MemoryContextAllocHuge(rollup->context, Max(1, ncells) * sizeof(RollupCell *));
	ncells = 0;
	for (int i = 0; i < count; i++)
	{
		RollupGroup	   *group = groups[i];
		int			n = RollupCellCount(group->state);

		RollupCellPointers(group->state, cells);
		for (int j = 0; j < n; j++)
		{
			Entry	   *entry = &entries[ncells++];

			entry->hour = RollupHour(cells[j]->key);
			entry->rank = rollup->kinds[group->kind].rank;
			entry->group = group;
			entry->cell = cells[j];
		}
		start_day(&group->local, 0);
		start_day(&group->utc, 0);
	}
	sort_entries(entries, ncells);
	for (Size i = 0; i < ncells;)
	{
		RollupCell	cell = *entries[i].cell;
		Size		first = i;

		CHECK_FOR_INTERRUPTS();
		add_to_sums(rollup, entries[i].group, entries[i].hour, entries[i].cell);
		/* what several pay for is one row */
		for (i++; i < ncells && compare_entries(&entries[first], &entries[i]) == 0; i++)
		{
			Running		sum = {.cell = cell};

			add_to_sums(rollup, entries[i].group, entries[i].hour, entries[i].cell);
			add_running(&sum, entries[i].cell);
			cell = sum.cell;
		}
		if (!RollupCellIsNothing(&cell))
			put_hour(rollup, &entries[first].group->key, &cell);
	}
	for (int i = 0; i < count; i++)
	{
		end_local_day(rollup, groups[i]);
		end_utc_day(rollup, groups[i]);
	}
	pfree(entries);
	pfree(cells);
}

/* Orders groups by account. */
static int
compare_groups(const void *a, const void *b)
{
	const RollupGroup *x = *(RollupGroup *const *) a;
	const RollupGroup *y = *(RollupGroup *const *) b;

	return x->key.account < y->key.account ? -1 : x->key.account > y->key.account;
}

/* Gives all that there is of the accounts of a pass. */
static void
end_pass(Rollup *rollup)
{
	RollupGroup	  **list = MemoryContextAllocHuge(rollup->context, Max(1, rollup->groups->members) * sizeof(RollupGroup *));
	int			count = 0;
	groups_iterator iterator;
	GroupSlot  *slot;

	rank_kinds(rollup);
	groups_start_iterate(rollup->groups, &iterator);
	while ((slot = groups_iterate(rollup->groups, &iterator)) != NULL)
		list[count++] = slot->group;
	qsort(list, count, sizeof(RollupGroup *), compare_groups);
	for (int first = 0, next; first < count; first = next)
	{
		for (next = first + 1; next < count && list[next]->key.account == list[first]->key.account; next++)
			;
		end_account(rollup, &list[first], next - first);
		for (int i = first; i < next; i++)
			MemoryContextDelete(list[i]->context);
	}
	pfree(list);
	if (rollup->query->purpose != ROLLUP_ADD)
	{
		read_stored(rollup, ROLLUP_USAGE_DAILY);
		read_stored(rollup, ROLLUP_UTILIZATION_DAILY);
		rank_kinds(rollup);
	}
	put_sums(rollup, rollup->sums);
}

/* Gives what is of all accounts together. */
static void
end_all(Rollup *rollup)
{
	sums_iterator iterator;
	Sum		   *hour;

	run_query(rollup, "SELECT c.region, c.accelerator, c.hour, c.device_time, c.length, c.unknown FROM compute_ledger._capacity_change($1, $2) AS c",
			  ROLLUP_FLEET_HOURLY, receive_capacity, start_capacity);
	sums_start_iterate(rollup->totals, &iterator);
	while ((hour = sums_iterate(rollup->totals, &iterator)) != NULL)
	{
		DateADT		day = RollupUtcDate(hour->key.when);
		Sum		   *sum;

		if (hour->key.table != ROLLUP_FLEET_HOURLY)
			continue;
		sum = find_sum(rollup->days, ROLLUP_FLEET_DAILY, 0, day, hour->key.what);
		for (int i = 0; i < SUM_LENGTHS; i++)
			add_length(&sum->lengths[i], hour->lengths[i], true);
		for (int i = 0; i < SUM_TIMES; i++)
			add_time(&sum->times[i], hour->times[i], true);
		sum = find_sum(rollup->days, ROLLUP_CAPACITY_MONTHLY, 0, first_of_month(day), hour->key.what);
		add_length(&sum->lengths[SUM_CAPACITY], hour->lengths[SUM_CAPACITY], true);
		add_length(&sum->lengths[SUM_UNKNOWN], hour->lengths[SUM_UNKNOWN], true);
		add_time(&sum->times[SUM_CAPACITY], hour->times[SUM_CAPACITY], true);
	}
	if (rollup->query->purpose != ROLLUP_ADD)
	{
		for (RollupTable table = ROLLUP_FLEET_HOURLY; table <= ROLLUP_CAPACITY_MONTHLY; table++)
			read_stored(rollup, table);
	}
	rank_kinds(rollup);
	put_sums(rollup, rollup->totals);
	put_sums(rollup, rollup->days);
}

/* Goes on to accounts that have been in no pass; returns whether there are any. */
static bool
next_pass(Rollup *rollup)
{
	while (rollup->mask != 0)
	{
		uint32		highest = rollup->mask - rollup->mask / 2;

		if ((rollup->slice & highest) == 0)
		{
			rollup->slice |= highest;
			return true;
		}
		rollup->mask /= 2;
		rollup->slice &= rollup->mask;
	}
	return false;
}

/* Adds up what a query gives, and gives its rows, those of one table after each other in the order of its key as far as that can be. */
void
RollupSum(const RollupQuery *query, RollupSink *sink)
{
	Rollup		rollup = {.query = query, .sink = sink};
	static const char *const measures[] = {[SUM_RESERVED] = "reserved", [SUM_ALLOCATED] = "allocated", [SUM_USED] = "used"};

	rollup.context = AllocSetContextCreate(CurrentMemoryContext, "rollups", ALLOCSET_DEFAULT_SIZES);
	rollup.cells = AllocSetContextCreate(rollup.context, "cells", ALLOCSET_DEFAULT_SIZES);
	rollup.scratch = AllocSetContextCreate(rollup.context, "a row", ALLOCSET_DEFAULT_SIZES);
	rollup.limit = Max(get_hash_memory_limit(), (Size) maintenance_work_mem * 1024);
	rollup.numbers = kinds_create(rollup.context, 64, NULL);
	rollup.totals = sums_create(rollup.context, 64, NULL);
	rollup.days = sums_create(rollup.context, 64, NULL);
	for (int i = 0; i < (int) lengthof(measures); i++)
		measure_number(&rollup, CStringGetTextDatum(measures[i]));

	SPI_connect();
	do
	{
		rollup.groups = groups_create(rollup.context, 64, NULL);
		rollup.sums = sums_create(rollup.context, 64, NULL);
		if (query->purpose != ROLLUP_ADD)
			read_stored(&rollup, ROLLUP_USAGE_HOURLY);
		run_query(&rollup, query->records, ROLLUP_USAGE_HOURLY, receive_use, start_uses);
		end_pass(&rollup);
		groups_destroy(rollup.groups);
		sums_destroy(rollup.sums);
	} while (next_pass(&rollup));
	end_all(&rollup);
	SPI_finish();
	MemoryContextDelete(rollup.context);
}
