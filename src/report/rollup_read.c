/*
 * rollup_read.c
 *		Reads what rollups are made of: records, whose they are and in which days, capacity, and what is stored.
 *
 * Rows come straight from the executor.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "base/row_columns.h"
#include "quantity/quantity_type.h"
#include "report/rollup_read.h"

/* Cells, at most, that are added between two looks at how much memory is used, where there is no room. */
#define CELLS_A_LOOK	32768

/* What a cell takes at most: a piece of its own. */
#define CELL_ROOM		1536

/* ---- kinds and groups ---- */

/* Returns the number of a measure, which it gets if it is new; those of utilization are SUM_RESERVED to SUM_USED. */
int
RollupMeasure(Rollup *rollup, Datum name)
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
	RollupKindSlot   *slot = kinds_insert(rollup->numbers, *key, &found);
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

/* Leaves what accounts have in some places for other passes until there is room again. */
static void
make_room(Rollup *rollup)
{
	Size		used;

	while ((used = MemoryContextMemAllocated(rollup->cells, true)) > rollup->limit && rollup->mask < PG_UINT32_MAX / 4)
	{
		groups_iterator iterator;
		GroupSlot  *slot;
		List	   *gone = NIL;
		ListCell   *cell;
		GroupSlot  *other = NULL;
		bool		several = false;

		CHECK_FOR_INTERRUPTS();
		groups_start_iterate(rollup->groups, &iterator);
		while ((slot = groups_iterate(rollup->groups, &iterator)) != NULL)
		{
			several |= other != NULL && (other->key.account != slot->key.account ||
										 rollup->kinds[other->key.kind].place != rollup->kinds[slot->key.kind].place);
			other = slot;
		}
		/* what one account has in one place is the least that there is in a pass */
		if (!several)
			break;
		rollup->mask = 2 * rollup->mask + 1;
		groups_start_iterate(rollup->groups, &iterator);
		while ((slot = groups_iterate(rollup->groups, &iterator)) != NULL)
		{
			if (!RollupIsOfPass(rollup, slot->key.account, (int) slot->key.kind))
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
	rollup->until_look = Max(CELLS_A_LOOK, (int64) (rollup->limit - Min(used, rollup->limit)) / CELL_ROOM);
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
		slot->group->state = RollupStateMake(context);
	}
	return slot->group;
}

/* ---- what comes ---- */

/* Columns of records. */
enum
{
	USE_ACCOUNT, USE_KIND, USE_STARTED, USE_ENDED, USE_RECORDED, USE_SUPERSEDED, USE_DEVICES, USE_ACHIEVED, USE_FIRST_RECORDED
};

#define USE_COLUMNS		(USE_FIRST_RECORDED + 1)

static const RowColumn use_columns[] = {
	[USE_ACCOUNT] = ROW_COLUMN("account", INT8OID),
	[USE_KIND] = ROW_COLUMN("kind", INT4OID),
	[USE_STARTED] = ROW_COLUMN("started_at", TIMESTAMPTZOID),
	[USE_ENDED] = ROW_COLUMN("ended_at", TIMESTAMPTZOID),
	[USE_RECORDED] = ROW_COLUMN("recorded", TIMESTAMPTZOID),
	[USE_SUPERSEDED] = ROW_COLUMN("superseded", TIMESTAMPTZOID),
	[USE_DEVICES] = ROW_COLUMN("devices", NUMERICOID),
	[USE_ACHIEVED] = ROW_COLUMN_OWN("achieved_work", "compute_unit"),
	[USE_FIRST_RECORDED] = ROW_COLUMN("first_recorded", TIMESTAMPTZOID),
};

/* Columns of the query for zones. */
enum
{
	ZONE_ACCOUNT, ZONE_OWNER, ZONE_PAYER, ZONE_NAME, ZONE_SINCE, ZONE_UNTIL, ZONE_WAS, ZONE_IS, ZONE_AGAIN
};

static const RowColumn zone_columns[] = {
	[ZONE_ACCOUNT] = ROW_COLUMN("account", INT8OID),
	[ZONE_OWNER] = ROW_COLUMN("owner", INT8OID),
	[ZONE_PAYER] = ROW_COLUMN("payer", INT8OID),
	[ZONE_NAME] = ROW_COLUMN("time_zone", TEXTOID),
	[ZONE_SINCE] = ROW_COLUMN("since", TIMESTAMPTZOID),
	[ZONE_UNTIL] = ROW_COLUMN("until", TIMESTAMPTZOID),
	[ZONE_WAS] = ROW_COLUMN("was", BOOLOID),
	[ZONE_IS] = ROW_COLUMN("is", BOOLOID),
	[ZONE_AGAIN] = ROW_COLUMN("again", BOOLOID),
};

/* Receives rows. */
typedef struct RollupReceiver
{
	DestReceiver receiver;
	Rollup	   *rollup;
	RollupTable table;			/* of stored rows */
	int			numbers[ROLLUP_COLUMNS];	/* of the columns that are read */
	int			last;			/* the last that is needed of every record */
} RollupReceiver;

/* Takes a row of _rollup_zone, in the order of accounts. */
static bool
receive_zone(TupleTableSlot *slot, DestReceiver *receiver)
{
	Rollup	   *rollup = ((RollupReceiver *) receiver)->rollup;
	const Datum *values;
	AccountZone *place;
	ZoneSlot   *account;
	bool		found;

	slot_getallattrs(slot);
	values = slot->tts_values;
	for (int i = 0; i < (int) lengthof(zone_columns); i++)
	{
		if (slot->tts_isnull[i])
			RowNullError("_rollup_zone", zone_columns[i].name);
	}
	if (rollup->nplaces == rollup->place_room)
	{
		rollup->place_room = Max(64, 2 * rollup->place_room);
		rollup->places = rollup->places == NULL ? MemoryContextAllocHuge(rollup->context, rollup->place_room * sizeof(AccountZone)) :
			repalloc_huge(rollup->places, rollup->place_room * sizeof(AccountZone));
	}
	place = &rollup->places[rollup->nplaces];
	place->account = DatumGetInt64(values[ZONE_ACCOUNT]);
	place->owner = DatumGetInt64(values[ZONE_OWNER]);
	place->payer = DatumGetInt64(values[ZONE_PAYER]);
	place->since = DatumGetTimestampTz(values[ZONE_SINCE]);
	place->until = DatumGetTimestampTz(values[ZONE_UNTIL]);
	place->zone = RollupZoneFind(&rollup->zones, rollup->context, DatumGetTextPP(values[ZONE_NAME]));
	place->was = DatumGetBool(values[ZONE_WAS]);
	place->is = DatumGetBool(values[ZONE_IS]);
	place->again = DatumGetBool(values[ZONE_AGAIN]);
	account = account_zones_insert(rollup->accounts, place->account, &found);
	if (!found)
	{
		account->first = rollup->nplaces;
		account->count = 0;
	}
	account->count++;
	rollup->nplaces++;
	return true;
}

/* Checks what is going to come. */
static void
start_zones(DestReceiver *receiver, int operation, TupleDesc desc)
{
	(void) receiver;
	(void) operation;
	RowColumnsCheck(desc, "_rollup_zone", zone_columns, lengthof(zone_columns));
}

/* Returns the number of the kind that a record is of. */
static int
kind_of_record(Rollup *rollup, KnownKind *known)
{
	if (known->meaning == NULL)
	{
		KindKey		key = {known->region, known->basis, RollupMeasure(rollup, known->measure), known->accelerator};

		known->meaning = (void *) (intptr_t) (kind_number(rollup, &key) + 1);
	}
	return (int) (intptr_t) known->meaning - 1;
}

/* Adds, or takes away, what lies of a record from one instant to another, as far as its account's usage counts there. */
static void
add_part(Rollup *rollup, const AccountZone *place, int kind, RollupUse *use, TimestampTz from, TimestampTz to, bool added)
{
	GroupKey	key = {place->owner, place->payer, 0, kind};

	use->from = Max(Max(from, place->since), rollup->query->from);
	use->to = Min(Min(to, place->until), rollup->query->to);
	use->added = added != (rollup->query->purpose == ROLLUP_CHECK);
	if (use->from >= use->to || !RollupIsOfPass(rollup, place->owner, kind))
		return;
	RollupAdd(find_group(rollup, &key)->state, place->zone, use);
	rollup->until_look -= (use->to - use->from) / USECS_PER_HOUR + 2;
}

/* Raises for a record without something that every one has. */
static void
missing_use_error(const RollupReceiver *self, const bool *nulls)
{
	for (int i = 0; i < USE_ACHIEVED; i++)
		if (nulls[self->numbers[i] - 1])
			RowNullError("_usage_record", use_columns[i].name);
}

/*
 * Takes a record.
 *
 * What counts of it, as of an instant, is all of it, or up to that instant if it goes on, or is the ledger's own of a
 * reservation, which ends when that does.  What goes is what counted before and does not any more; what comes is what did not
 * count, and of what goes on as it was, what is new.  Where usage counts otherwise, all goes as it counted and comes as it counts.
 */
static bool
receive_use(TupleTableSlot *slot, DestReceiver *receiver)
{
	const RollupReceiver *self = (RollupReceiver *) receiver;
	Rollup	   *rollup = self->rollup;
	const RollupQuery *query = rollup->query;
	const int  *numbers = self->numbers;
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;
	ZoneSlot   *account;
	KnownKind  *known;
	int			kind;
	RollupUse	use;
	TimestampTz recorded;
	TimestampTz superseded;
	bool		was;
	bool		is;
	bool		open;
	MemoryContext previous;

	/* names, labels and the like stand behind these */
	slot_getsomeattrs(slot, self->last);
	if (unlikely(nulls[numbers[USE_ACCOUNT] - 1] | nulls[numbers[USE_KIND] - 1] | nulls[numbers[USE_STARTED] - 1] | nulls[numbers[USE_ENDED] - 1] |
				 nulls[numbers[USE_RECORDED] - 1] | nulls[numbers[USE_SUPERSEDED] - 1] | nulls[numbers[USE_DEVICES] - 1]))
		missing_use_error(self, nulls);
	account = account_zones_lookup(rollup->accounts, DatumGetInt64(values[numbers[USE_ACCOUNT] - 1]));
	if (account == NULL)
		return true;
	/* nobody empties the context of the whole query between two records */
	previous = MemoryContextSwitchTo(rollup->scratch);
	known = KnownKindFind(rollup->known, DatumGetInt32(values[numbers[USE_KIND] - 1]));
	kind = kind_of_record(rollup, known);
	use.started = DatumGetTimestampTz(values[numbers[USE_STARTED] - 1]);
	use.ended = DatumGetTimestampTz(values[numbers[USE_ENDED] - 1]);
	use.devices = values[numbers[USE_DEVICES] - 1];
	use.share = known->share;
	use.rate = known->rate;
	use.achieved = nulls[numbers[USE_ACHIEVED] - 1] ? NULL : DatumGetQuantityP(values[numbers[USE_ACHIEVED] - 1]);
	recorded = use.recorded = DatumGetTimestampTz(values[numbers[USE_RECORDED] - 1]);
	superseded = DatumGetTimestampTz(values[numbers[USE_SUPERSEDED] - 1]);
	if (use.achieved != NULL && TIMESTAMP_IS_NOEND(use.ended))
	{
		bool		same;
		Datum		first = slot_getattr(slot, numbers[USE_FIRST_RECORDED], &same);

		if (!same)
			use.recorded = DatumGetTimestampTz(first);
	}
	was = !TIMESTAMP_IS_NOBEGIN(query->before) && recorded <= query->before && superseded > query->before;
	is = recorded <= query->upto && superseded > query->upto;
	open = TIMESTAMP_IS_NOEND(use.ended) || known->own;
	for (int i = 0; i < account->count; i++)
	{
		const AccountZone *place = &rollup->places[account->first + i];
		bool		goes = was && (place->again ? place->was : place->is && !is);
		bool		comes = is && place->is && (place->again || open || !was);

		if (goes)
			add_part(rollup, place, kind, &use, use.started, open ? Min(use.ended, query->before) : use.ended, false);
		if (comes)
			add_part(rollup, place, kind, &use, was && !place->again ? Max(use.started, query->before) : use.started,
					 open ? Min(use.ended, query->upto) : use.ended, true);
	}
	MemoryContextSwitchTo(previous);
	MemoryContextReset(rollup->scratch);
	if (rollup->until_look < 0)
		make_room(rollup);
	return true;
}

/* Finds the columns of records. */
static void
start_uses(DestReceiver *receiver, int operation, TupleDesc desc)
{
	RollupReceiver *self = (RollupReceiver *) receiver;

	(void) operation;
	self->last = 0;
	for (int i = 0; i < USE_COLUMNS; i++)
	{
		self->numbers[i] = RowColumnNumber(desc, "_usage_record", &use_columns[i]);
		if (i != USE_FIRST_RECORDED)
			self->last = Max(self->last, self->numbers[i]);
	}
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
end_rollup_rows(DestReceiver *receiver)
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

/* Returns a stored time, which is an integer; 0 for none. */
static inline int128
stored_time(const StoredRow *row, int column)
{
	Datum		value;
	int128		time = 0;

	if (stored_value(row, column, &value))
		RollupInteger(value, &time);
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

/* Whether a stored row is such as a refresh makes: has all that it must, whole hours, days of theirs, and times that are integers. */
static bool
is_ours(const StoredRow *row, RollupTable table)
{
	for (const RollupColumn *c = rollup_tables[table].columns; c->column >= 0; c++)
	{
		Datum		value;
		int128		time;

		if (!stored_value(row, c->column, &value))
		{
			if (c->column != ROLLUP_COL_WORK && c->column != ROLLUP_COL_ACHIEVED)
				return false;
		}
		else if (c->column == ROLLUP_COL_HOUR)
		{
			if (TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(value)) || DatumGetTimestampTz(value) % USECS_PER_HOUR != 0)
				return false;
		}
		else if (c->column == ROLLUP_COL_DAY)
		{
			int64		day = DatumGetDateADT(value);
			Datum		hour;

			if (DATE_NOT_FINITE(DatumGetDateADT(value)))
				return false;
			if (stored_value(row, ROLLUP_COL_HOUR, &hour) && !TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(hour)))
			{
				int64		off = day - RollupUtcDate(RollupHourAt(DatumGetTimestampTz(hour)));

				if (off <= -ROLLUP_DAY_SPAN || off >= ROLLUP_DAY_SPAN)
					return false;
			}
		}
		else if (c->is.type == NUMERICOID && !RollupInteger(value, &time))
			return false;
	}
	return true;
}

/* Says that a stored row is none of ours: as a row of a check, else by an error, 22000. */
static void
not_ours(Rollup *rollup, const StoredRow *row, RollupTable table)
{
	Datum		values[ROLLUP_COLUMNS];
	bool		nulls[ROLLUP_COLUMNS];

	/* once, in the first pass */
	if (rollup->slice != 0)
		return;
	if (rollup->query->purpose != ROLLUP_CHECK)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("table \"%s\" has a row that no refresh made", rollup_tables[table].name),
				 errhint("Call refresh_rollups(concurrent => false).")));
	for (int i = 0; i < ROLLUP_COLUMNS; i++)
		nulls[i] = i > ROLLUP_COL_DAY || !stored_value(row, i, &values[i]);
	/* something that is not nothing */
	values[ROLLUP_COL_LENGTH] = values[ROLLUP_COL_CAPACITY_LENGTH] = Int64GetDatum(1);
	nulls[ROLLUP_COL_LENGTH] = table == ROLLUP_CAPACITY_MONTHLY;
	nulls[ROLLUP_COL_CAPACITY_LENGTH] = table != ROLLUP_CAPACITY_MONTHLY;
	values[ROLLUP_COL_TABLE] = Int32GetDatum((int32) table);
	nulls[ROLLUP_COL_TABLE] = false;
	rollup->sink->put(rollup->sink, table, values, nulls);
}

/* Returns the number of the kind of a stored row: with a measure, if its table has one. */
static int
stored_kind(Rollup *rollup, const StoredRow *row)
{
	KindKey		key = {.region = stored_int4(row, ROLLUP_COL_REGION), .basis = stored_int4(row, ROLLUP_COL_BASIS)};
	Datum		value;

	key.measure = stored_value(row, ROLLUP_COL_MEASURE, &value) ? RollupMeasure(rollup, value) : NO_MEASURE;
	if (stored_value(row, ROLLUP_COL_ACCELERATOR, &value))
		memcpy(&key.accelerator, DatumGetAcceleratorP(value), sizeof(Accelerator));
	return kind_number(rollup, &key);
}

/* Reads a stored hour of usage. */
static void
stored_cell(const StoredRow *row, RollupCell *cell)
{
	cell->key = RollupKey(RollupHourAt(stored_int8(row, ROLLUP_COL_HOUR)), stored_int4(row, ROLLUP_COL_DAY));
	cell->started = stored_int8(row, ROLLUP_COL_STARTED);
	cell->length = stored_int8(row, ROLLUP_COL_LENGTH);
	cell->shared = stored_int8(row, ROLLUP_COL_SHARED);
	cell->rated = stored_int8(row, ROLLUP_COL_RATED);
	cell->achieving = stored_int8(row, ROLLUP_COL_ACHIEVING);
	cell->device_time = stored_time(row, ROLLUP_COL_DEVICE_TIME);
	cell->work = stored_work(row, ROLLUP_COL_WORK, &cell->has_work);
	cell->achieved = stored_work(row, ROLLUP_COL_ACHIEVED, &cell->has_achieved);
}

/* Takes a stored hour of usage. */
static bool
receive_hour(TupleTableSlot *slot, DestReceiver *receiver)
{
	Rollup	   *rollup = ((RollupReceiver *) receiver)->rollup;
	StoredRow	row = {(RollupReceiver *) receiver, slot};
	GroupKey	key = {0};
	RollupCell	cell;
	MemoryContext previous = MemoryContextSwitchTo(rollup->scratch);

	slot_getallattrs(slot);
	if (unlikely(!is_ours(&row, ROLLUP_USAGE_HOURLY)))
	{
		not_ours(rollup, &row, ROLLUP_USAGE_HOURLY);
		MemoryContextSwitchTo(previous);
		return true;
	}
	key.account = stored_int8(&row, ROLLUP_COL_ACCOUNT);
	key.kind = stored_kind(rollup, &row);
	if (RollupIsOfPass(rollup, key.account, (int) key.kind))
	{
		stored_cell(&row, &cell);
		RollupAddCell(find_group(rollup, &key)->state, &cell, rollup->query->purpose == ROLLUP_CHECK);
	}
	MemoryContextSwitchTo(previous);
	MemoryContextReset(rollup->scratch);
	/* a row in a group of its own takes that of the group, too */
	rollup->until_look -= 2;
	if (rollup->until_look < 0)
		make_room(rollup);
	return true;
}

/* Columns that stored hours which move have beside those of their table. */
enum
{
	MOVE_PAYER, MOVE_TO_OWNER, MOVE_TO_PAYER, MOVE_ZONE
};

static const RowColumn move_columns[] = {
	[MOVE_PAYER] = ROW_COLUMN("payer", INT8OID),
	[MOVE_TO_OWNER] = ROW_COLUMN("to_owner", INT8OID),
	[MOVE_TO_PAYER] = ROW_COLUMN("to_payer", INT8OID),
	[MOVE_ZONE] = ROW_COLUMN("time_zone", TEXTOID),
};

/* Takes a stored hour from the one who had it, and adds it to what another has. */
static bool
receive_moved(TupleTableSlot *slot, DestReceiver *receiver)
{
	const RollupReceiver *self = (RollupReceiver *) receiver;
	Rollup	   *rollup = self->rollup;
	StoredRow	row = {self, slot};
	const Datum *values;
	const bool *nulls;
	GroupKey	key = {.gone = 1};
	RollupCell	cell;
	MemoryContext previous = MemoryContextSwitchTo(rollup->scratch);

	slot_getallattrs(slot);
	values = &slot->tts_values[slot->tts_nvalid - (int) lengthof(move_columns)];
	nulls = &slot->tts_isnull[slot->tts_nvalid - (int) lengthof(move_columns)];
	if (unlikely(!is_ours(&row, ROLLUP_USAGE_HOURLY)))
		not_ours(rollup, &row, ROLLUP_USAGE_HOURLY);
	key.kind = stored_kind(rollup, &row);
	stored_cell(&row, &cell);
	key.account = stored_int8(&row, ROLLUP_COL_ACCOUNT);
	key.payer = DatumGetInt64(values[MOVE_PAYER]);
	if (RollupIsOfPass(rollup, key.account, (int) key.kind))
		RollupAddCell(find_group(rollup, &key)->state, &cell, false);
	key.account = DatumGetInt64(values[MOVE_TO_OWNER]);
	key.payer = DatumGetInt64(values[MOVE_TO_PAYER]);
	key.gone = 0;
	if (!nulls[MOVE_ZONE])
	{
		int64		hour = RollupHour(cell.key);

		cell.key = RollupKey(hour, RollupDayOfHour(RollupZoneFind(&rollup->zones, rollup->context, DatumGetTextPP(values[MOVE_ZONE])), hour));
	}
	if (RollupIsOfPass(rollup, key.account, (int) key.kind))
		RollupAddCell(find_group(rollup, &key)->state, &cell, true);
	MemoryContextSwitchTo(previous);
	MemoryContextReset(rollup->scratch);
	rollup->until_look -= 2;
	if (rollup->until_look < 0)
		make_room(rollup);
	return true;
}

/* Checks what is going to come. */
static void
start_moved(DestReceiver *receiver, int operation, TupleDesc desc)
{
	start_stored(receiver, operation, desc);
	for (int i = 0; i < (int) lengthof(move_columns); i++)
		if (RowColumnNumber(desc, "what moves", &move_columns[i]) != desc->natts - (int) lengthof(move_columns) + i + 1)
			elog(ERROR, "columns of what moves are in another order");
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
	int			kind;
	RollupTotal		   *sum;
	MemoryContext previous = MemoryContextSwitchTo(rollup->scratch);

	slot_getallattrs(slot);
	if (unlikely(!is_ours(&row, self->table)))
	{
		not_ours(rollup, &row, self->table);
		MemoryContextSwitchTo(previous);
		return true;
	}
	who = stored_int8(&row, ROLLUP_COL_ACCOUNT);
	kind = stored_kind(rollup, &row);
	if (RollupIsOfAccounts(self->table) && !RollupIsOfPass(rollup, who, kind))
	{
		MemoryContextSwitchTo(previous);
		return true;
	}
	if (self->table == ROLLUP_FLEET_HOURLY)
	{
		int64		hour = RollupHourAt(stored_int8(&row, ROLLUP_COL_HOUR));

		sum = RollupHourOfDay(RollupFindHours(rollup, RollupUtcDate(hour), kind), hour);
	}
	else
		sum = RollupFindSum(RollupSumsOf(rollup, self->table), self->table, who, stored_int4(&row, ROLLUP_COL_DAY), kind);
	if (self->table == ROLLUP_USAGE_DAILY)
	{
		bool		has;

		for (int i = 0; i < (int) lengthof(rollup_usage_lengths); i++)
			RollupAddLength(&sum->lengths[i], stored_int8(&row, rollup_usage_lengths[i]), false);
		RollupAddTime(&sum->times[SUM_DEVICE_TIME], stored_time(&row, ROLLUP_COL_DEVICE_TIME), false);
		RollupAddTime(&sum->times[SUM_WORK], stored_work(&row, ROLLUP_COL_WORK, &has), false);
		RollupAddTime(&sum->times[SUM_ACHIEVED], stored_work(&row, ROLLUP_COL_ACHIEVED, &has), false);
	}
	else
	{
		for (int i = 0; i < (int) lengthof(rollup_utilization_lengths); i++)
			RollupAddLength(&sum->lengths[i], stored_int8(&row, rollup_utilization_lengths[i]), added);
		for (int i = 0; i < (int) lengthof(rollup_utilization_times); i++)
			RollupAddTime(&sum->times[i], stored_time(&row, rollup_utilization_times[i]), added);
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
	int64		hour;
	RollupTotal		   *sum;
	MemoryContext previous;

	slot_getallattrs(slot);
	values = slot->tts_values;
	for (int i = 0; i < (int) lengthof(capacity_columns); i++)
	{
		if (slot->tts_isnull[i])
			RowNullError("capacity", capacity_columns[i].name);
	}
	if (DatumGetTimestampTz(values[CAP_HOUR]) < rollup->query->from || DatumGetTimestampTz(values[CAP_HOUR]) >= rollup->query->to)
		return true;
	previous = MemoryContextSwitchTo(rollup->scratch);
	kind.region = DatumGetInt32(values[CAP_REGION]);
	memcpy(&kind.accelerator, DatumGetAcceleratorP(values[CAP_ACCELERATOR]), sizeof(Accelerator));
	if (!RollupInteger(values[CAP_TIME], &time))
		RollupRangeError();
	hour = RollupHourAt(DatumGetTimestampTz(values[CAP_HOUR]));
	sum = RollupHourOfDay(RollupFindHours(rollup, RollupUtcDate(hour), kind_number(rollup, &kind)), hour);
	RollupAddTime(&sum->times[SUM_CAPACITY], time, true);
	RollupAddLength(&sum->lengths[SUM_CAPACITY], DatumGetInt64(values[CAP_LENGTH]), true);
	RollupAddLength(&sum->lengths[SUM_UNKNOWN], DatumGetInt64(values[CAP_UNKNOWN]), true);
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
run_rollup_query(Rollup *rollup, const char *query, RollupTable table, bool (*receive) (TupleTableSlot *, DestReceiver *),
		  void (*start) (DestReceiver *, int, TupleDesc))
{
	const Oid	types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID, rollup->query->moves_type, TIMESTAMPTZOID, TIMESTAMPTZOID};
	const Datum values[] = {TimestampTzGetDatum(rollup->query->before), TimestampTzGetDatum(rollup->query->upto), rollup->query->moves,
	TimestampTzGetDatum(rollup->query->from), TimestampTzGetDatum(rollup->query->to)};
	SPIExecuteOptions options = {0};
	/* SPI looks at the kind of a receiver only to tell it from its own and from none */
	RollupReceiver self = {
		.receiver = {.receiveSlot = receive, .rStartup = start, .rShutdown = end_rollup_rows, .rDestroy = end_rollup_rows, .mydest = DestTuplestore},
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
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what rollups are made of is no query: %s", SPI_result_code_string(result))));
}

/* Reads what is stored in a table. */
void
RollupReadStored(Rollup *rollup, RollupTable table)
{
	run_rollup_query(rollup, psprintf("SELECT * FROM compute_ledger.%s AS t WHERE %s", rollup_tables[table].name, rollup_tables[table].is_whole), table,
			  table == ROLLUP_USAGE_HOURLY ? receive_hour : receive_sum, start_stored);
}

/* Reads whose usage is whose, and in which days. */
void
RollupReadZones(Rollup *rollup)
{
	run_rollup_query(rollup, "WITH again AS MATERIALIZED ("
					 " SELECT m.account, pg_catalog.range_agg(pg_catalog.tstzrange(m.since, m.until)) AS periods"
					 " FROM pg_catalog.unnest($3) AS m WHERE m.account IS NOT NULL GROUP BY m.account)"
					 " SELECT z.account, z.owner, z.payer, z.time_zone, z.since, z.until, z.was, z.\"is\", false AS again"
					 " FROM compute_ledger._rollup_zone AS z"
					 " WHERE z.\"is\" AND NOT EXISTS (SELECT FROM again AS a WHERE a.account OPERATOR(pg_catalog.=) z.account)"
					 " UNION ALL"
					 " SELECT z.account, z.owner, z.payer, z.time_zone, pg_catalog.lower(p.period), pg_catalog.upper(p.period), z.was, z.\"is\", p.again"
					 " FROM again AS a"
					 " JOIN compute_ledger._rollup_zone AS z ON z.account OPERATOR(pg_catalog.=) a.account"
					 " CROSS JOIN LATERAL (SELECT pg_catalog.tstzmultirange(pg_catalog.tstzrange(z.since, z.until)) AS whole) AS w"
					 " CROSS JOIN LATERAL ("
					 "  SELECT pg_catalog.unnest(w.whole OPERATOR(pg_catalog.*) a.periods) AS period, true AS again"
					 "  UNION ALL"
					 "  SELECT pg_catalog.unnest(w.whole OPERATOR(pg_catalog.-) a.periods), false WHERE z.\"is\") AS p"
					 " ORDER BY account",
			  ROLLUP_USAGE_HOURLY, receive_zone, start_zones);
}

/* Reads the hours that move. */
void
RollupReadMoved(Rollup *rollup)
{
	run_rollup_query(rollup, "SELECT t.*, m.payer, m.to_owner, m.to_payer, m.time_zone"
					 " FROM pg_catalog.unnest($3) AS m"
					 " JOIN compute_ledger._usage_hourly AS t ON t.account OPERATOR(pg_catalog.=) m.owner"
					 "  AND t.hour OPERATOR(pg_catalog.>=) m.since AND t.hour OPERATOR(pg_catalog.<) m.until"
					 " WHERE m.account IS NULL",
			  ROLLUP_USAGE_HOURLY, receive_moved, start_moved);
}

/* Reads records. */
void
RollupReadRecords(Rollup *rollup)
{
	run_rollup_query(rollup, rollup->query->records, ROLLUP_USAGE_HOURLY, receive_use, start_uses);
}

/* Reads capacity. */
void
RollupReadCapacity(Rollup *rollup)
{
	run_rollup_query(rollup, "SELECT c.region, c.accelerator, c.hour, c.device_time, c.length, c.unknown"
					 " FROM compute_ledger._capacity_change($1, $2) AS c",
			  ROLLUP_FLEET_HOURLY, receive_capacity, start_capacity);
}
