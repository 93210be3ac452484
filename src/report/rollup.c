/*
 * rollup.c
 *		Usage by hours and days, in one pass and exact; and the aggregate _usage_cells, which is that.
 *
 * A cell is an hour of UTC in one day of a time zone: an hour in which a local day
 * begins is two cells.  So cells add up to hours and to local days alike, whatever
 * the zone's distance from UTC.  A local day is what (instant AT TIME ZONE zone)::date
 * says; it has 23 to 25 hours where clocks change.
 *
 * Device time is counted in units of 1/1,680,000 device x microsecond: integers.  Of a
 * MIG slice it is the device's, by the slice's share of it, where that is known.
 * Work and achieved work are counted in FLOP; where a part of a record is not a whole
 * number of them, it is the difference of two amounts since the record's start, each
 * rounded half to even, so that the parts of a record add up to work() of the whole.
 *
 * The state has the cells that were touched in pieces of some hours in a row, which a record's are mostly
 * in, and a hash table of the pieces, so that a record of last year beside one of today costs little.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "common/int.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "base/decimal.h"
#include "base/numeric_arith.h"
#include "quantity/quantity.h"
#include "quantity/quantity_arith.h"
#include "quantity/quantity_time.h"
#include "profile/device_level.h"
#include "profile/profile_calendar.h"
#include "profile/profile_object.h"
#include "report/rollup.h"
#include "usage/usage_work.h"

/* Cells of a state, of 112 bytes: those of 119 years in one zone. */
#define MAX_CELLS		(1024 * 1024)

/* Hours whose days are remembered for a zone; more than a month has. */
#define CACHED_HOURS	1024

#define SH_PREFIX cells
#define SH_ELEMENT_TYPE RollupCell
#define SH_KEY_TYPE int64
#define SH_KEY key
#define SH_HASH_KEY(table, k) ((uint32) (((uint64) (k) * UINT64CONST(0x9E3779B97F4A7C15)) >> 32))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Hours of a piece: 1 kB. */
#define PIECE_HOURS		9

/* Cells of hours in a row; those of status 0 are not there. */
typedef struct PieceSlot
{
	int32		number;			/* hour / PIECE_HOURS */
	char		status;
	RollupCell *cells;			/* PIECE_HOURS */
} PieceSlot;

#define SH_PREFIX pieces
#define SH_ELEMENT_TYPE PieceSlot
#define SH_KEY_TYPE int32
#define SH_KEY number
#define SH_HASH_KEY(table, k) ((uint32) (k) * 0x9E3779B1u)
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* The cells of one group of records. */
struct RollupState
{
	MemoryContext context;
	pieces_hash *pieces;		/* the first cell that there was of each hour */
	cells_hash *others;			/* the other ones: of other days; NULL: none */
	int32		number;			/* of the piece looked at last */
	RollupCell *last;			/* its cells; NULL: none yet */
	int			ncells;
	bool		has_basis;		/* some record has a rate */
	uint16		basis;			/* of the rates */
};

/* Which local days an hour is in. */
typedef struct HourDays
{
	int64		hour;			/* since 2000, UTC */
	int64		boundary;		/* instant at which the second day begins; INT64_MAX if none does */
	DateADT		first;
	DateADT		second;
} HourDays;

/* A time zone, kept for the query. */
struct RollupZone
{
	struct RollupZone *next;
	text	   *zone;
	Calendar   *calendar;
	int64		from;			/* the day looked at last */
	int64		to;
	DateADT		day;
	HourDays	hours[CACHED_HOURS];
};

/* A record, or the part of one that lies in one zone. */
typedef struct RollupPart
{
	int64		started;
	int64		ended;			/* infinity: goes on */
	int64		recorded;		/* of what goes on: when it was first said */
	int128		level;			/* units of 1/1,680,000 device */
	int128		rate;			/* of all that is counted, where that is a whole number; MFLOP/s */
	const Quantity *counted_rate;	/* of one of it, where it is not; else NULL */
	bool		has_level;
	bool		has_rate;
	bool		added;			/* or taken away */
	Datum		devices;		/* what is counted */
	const Quantity *achieved;	/* NULL: not known */
	int128		work_before;	/* since the start, up to where we are */
	int128		achieved_before;
} RollupPart;

/* Raises 22003. */
static void
usage_out_of_range_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("sum of usage out of range")));
}

/* Raises 54000. */
static void
too_many_cells_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("too many hours of usage"),
			 errdetail("The usage of one group lies in more than %d hours.", MAX_CELLS),
			 errhint("Look for records that last far too long or that lie far from the others.")));
}

/* Adds, and raises what does not fit. */
static inline void
add_checked(int128 *sum, int128 amount)
{
	if (unlikely(__builtin_add_overflow(*sum, amount, sum)))
		usage_out_of_range_error();
}

/* Finds or makes what is kept for a zone, in a list that stays. */
RollupZone *
RollupZoneFind(RollupZone **list, MemoryContext context, const text *zone)
{
	RollupZone *days;
	Interval	width = {0};
	MemoryContext old;

	for (days = *list; days != NULL; days = days->next)
	{
		if (VARSIZE_ANY_EXHDR(zone) == VARSIZE_ANY_EXHDR(days->zone) &&
			memcmp(VARDATA_ANY(zone), VARDATA_ANY(days->zone), VARSIZE_ANY_EXHDR(zone)) == 0)
			return days;
	}
	old = MemoryContextSwitchTo(context);
	days = palloc(sizeof(RollupZone));
	days->zone = cstring_to_text_with_len(VARDATA_ANY(zone), (int) VARSIZE_ANY_EXHDR(zone));
	width.day = 1;
	days->calendar = CalendarMake(CurrentMemoryContext, &width, days->zone, NULL);
	days->from = days->to = 0;
	days->day = 0;
	for (int i = 0; i < CACHED_HOURS; i++)
		days->hours[i].hour = PG_INT64_MIN;
	days->next = *list;
	*list = days;
	MemoryContextSwitchTo(old);
	return days;
}

/* Moves to the local day that an instant is in. */
static void
find_day(RollupZone *zone, int64 at)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			west;

	if (zone->from <= at && at < zone->to)
		return;
	zone->from = zone->from < zone->to && at == zone->to ? at : CalendarFloor(zone->calendar, at);
	zone->to = CalendarNext(zone->calendar, zone->from);
	if (timestamp2tm(zone->from, &west, &tm, &fsec, NULL, zone->calendar->zone) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	zone->day = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
}

/* Finds the days of an hour. */
static inline const HourDays *
find_hour(RollupZone *zone, int64 hour)
{
	HourDays   *days = &zone->hours[(uint64) hour % CACHED_HOURS];
	int64		at;

	if (likely(days->hour == hour))
		return days;
	at = hour * USECS_PER_HOUR;
	days->hour = PG_INT64_MIN;	/* should what follows fail */
	find_day(zone, at);
	days->first = days->second = zone->day;
	days->boundary = PG_INT64_MAX;
	if (zone->to < at + USECS_PER_HOUR)
	{
		days->boundary = zone->to;
		find_day(zone, zone->to);
		days->second = zone->day;
	}
	days->hour = hour;
	return days;
}

/* Returns the day that an hour is in, of a zone whose days begin with hours; XX000. */
DateADT
RollupDayOfHour(RollupZone *zone, int64 hour)
{
	const HourDays *days = find_hour(zone, hour);

	if (days->boundary != PG_INT64_MAX)
		elog(ERROR, "a day of time zone \"%s\" begins within an hour", text_to_cstring(zone->zone));
	return days->first;
}

/*
 * days_on_hours(time_zone, since, until) -> whether all days that begin in between begin with an hour
 */
PG_FUNCTION_INFO_V1(days_on_hours);
Datum
days_on_hours(PG_FUNCTION_ARGS)
{
	RollupZone *zones = NULL;
	RollupZone *zone = RollupZoneFind(&zones, CurrentMemoryContext, PG_GETARG_TEXT_PP(0));
	TimestampTz since = PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz until = PG_GETARG_TIMESTAMPTZ(2);

	if (TIMESTAMP_NOT_FINITE(since) || TIMESTAMP_NOT_FINITE(until))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	for (find_day(zone, since); zone->to < until; find_day(zone, zone->to))
	{
		CHECK_FOR_INTERRUPTS();
		if (zone->to % USECS_PER_HOUR != 0)
			PG_RETURN_BOOL(false);
	}
	PG_RETURN_BOOL(true);
}

/* Returns the start of an hour. */
static inline int64
start_of(int64 hour)
{
	return hour * USECS_PER_HOUR;
}

/* Makes a cell nothing, but for its place in a hash table. */
static inline void
clear_cell(RollupCell *cell)
{
	cell->has_work = cell->has_achieved = false;
	cell->started = cell->length = cell->shared = cell->rated = cell->achieving = 0;
	cell->device_time = cell->work = cell->achieved = 0;
}

/* Finds the cells of a piece that is not the last one, made if there is none. */
static RollupCell *
find_piece(RollupState *state, int32 number)
{
	bool		found;
	PieceSlot  *piece = pieces_insert(state->pieces, number, &found);

	if (!found)
		piece->cells = MemoryContextAllocZero(state->context, PIECE_HOURS * sizeof(RollupCell));
	state->number = number;
	return state->last = piece->cells;
}

/* Counts a cell that is new; 54000. */
static inline void
count_cell(RollupState *state)
{
	if (unlikely(++state->ncells > MAX_CELLS))
		too_many_cells_error();
}

/* Finds the cell of a key whose hour has one of another day, made if there is none; 54000. */
static RollupCell *
find_other_cell(RollupState *state, int64 key)
{
	bool		found;
	RollupCell *cell;

	if (state->others == NULL)
		state->others = cells_create(state->context, 8, NULL);
	cell = cells_insert(state->others, key, &found);
	if (!found)
	{
		clear_cell(cell);
		count_cell(state);
	}
	return cell;
}

/* Finds where the first cell of an hour is, or would be. */
static inline RollupCell *
cell_of_hour(RollupState *state, int64 hour)
{
	int32		number = (int32) (hour / PIECE_HOURS) - (hour % PIECE_HOURS < 0);
	RollupCell *cells = likely(state->number == number && state->last != NULL) ? state->last : find_piece(state, number);

	return &cells[hour - (int64) number * PIECE_HOURS];
}

/* Sends for the cells of the next hours of a record, which are far off in memory, while it is looked at. */
static inline void
fetch_cells(RollupState *state, int64 hour, int64 last)
{
	const char *cell = (const char *) cell_of_hour(state, hour);
	const char *piece_end = (const char *) (state->last + PIECE_HOURS);
	const char *end = Min(piece_end, cell + (last - hour + 1) * (int64) sizeof(RollupCell));

	for (; cell < end; cell += PG_CACHE_LINE_SIZE / 2)
		__builtin_prefetch(cell, 1);
}

/* Finds the cell of a key, made if there is none; 54000. */
static inline RollupCell *
find_rollup_cell(RollupState *state, int64 key)
{
	RollupCell *cell = cell_of_hour(state, RollupHour(key));

	if (likely(cell->status != 0 && cell->key == key))
		return cell;
	if (cell->status != 0)
		return find_other_cell(state, key);
	cell->key = key;
	cell->status = 1;
	count_cell(state);
	return cell;
}

/* Makes a state. */
RollupState *
RollupStateMake(MemoryContext context)
{
	RollupState *state = MemoryContextAllocZero(context, sizeof(RollupState));

	state->context = context;
	state->pieces = pieces_create(context, 8, NULL);
	return state;
}

/* Returns what a record has achieved up to an instant, in FLOP. */
static inline int128
achieved_until(const RollupPart *part, int64 at)
{
	return AchievedUntil(QuantityAmount(part->achieved), part->started, part->ended, part->recorded, at);
}

/* Returns the work of a record from its start to an instant, rounded half to even. */
static int128
work_until(const RollupPart *part, int64 at)
{
	Quantity   *result = QuantityWork(part->counted_rate, ProfileDistance(part->started, at),
									  DatumGetNumeric(part->devices));
	int128		work = QuantityAmount(result);

	pfree(result);
	return work;
}

/*
 * Reads devices, share (0: not known) and rate.  Almost all records count a whole number
 * of devices: then every part of their work is a product of integers.
 */
static void
read_level(RollupPart *part, int32 share, const Quantity *rate)
{
	bool		whole;
	int64		counted = DeviceLevelOfWhole(part->devices, &whole);

	part->has_level = share != 0;
	part->level = share == DEVICE_UNITS ? counted : share == 0 ? 0 : DeviceLevelOf(part->devices, share);
	part->rate = 0;
	part->counted_rate = NULL;
	part->has_rate = rate != NULL;
	if (rate == NULL)
		return;
	if (whole && ProfileMultiply(QuantityAmount(rate), (uint64) (counted / DEVICE_UNITS), &part->rate) && counted >= 0 && QuantityInRange(part->rate))
		return;
	part->rate = 0;
	part->counted_rate = rate;
}

/* Adds or takes away an amount of a record. */
static inline void
add_signed(int128 *sum, int128 amount, const RollupPart *part)
{
	add_checked(sum, part->added ? amount : -amount);
}

/* Adds or takes away a length of time of a record. */
static inline void
add_length(int64 *sum, uint64 length, const RollupPart *part)
{
	if (unlikely(part->added ? pg_add_s64_overflow(*sum, (int64) length, sum) : pg_sub_s64_overflow(*sum, (int64) length, sum)))
		usage_out_of_range_error();
}

/* Adds, or takes away, the time from one instant to another, in one cell, of a record. */
static inline void
add_piece(RollupState *state, RollupPart *part, int64 hour, DateADT day, int64 from, int64 to)
{
	RollupCell *cell = find_rollup_cell(state, RollupKey(hour, day));
	uint64		length = ProfileDistance(from, to);
	int128		amount;

	add_length(&cell->length, length, part);
	if (part->has_level)
	{
		if (unlikely(!ProfileMultiply(part->level, length, &amount)))
			usage_out_of_range_error();
		add_signed(&cell->device_time, amount, part);
		add_length(&cell->shared, length, part);
	}
	if (part->has_rate)
	{
		cell->has_work = true;
		add_length(&cell->rated, length, part);
		if (likely(part->counted_rate == NULL))
		{
			if (unlikely(!ProfileMultiply(part->rate, length, &amount)))
				usage_out_of_range_error();
			add_signed(&cell->work, amount, part);
		}
		else
		{
			amount = work_until(part, to);
			add_signed(&cell->work, amount - part->work_before, part);
			part->work_before = amount;
		}
	}
	if (part->achieved != NULL)
	{
		cell->has_achieved = true;
		add_length(&cell->achieving, length, part);
		amount = achieved_until(part, to);
		add_signed(&cell->achieved, amount - part->achieved_before, part);
		part->achieved_before = amount;
	}
	if (from == part->started)
		cell->started += part->added ? 1 : -1;
}

/* Notes the basis of what is added up; LC001. */
static void
note_basis(RollupState *state, uint16 basis)
{
	if (state->has_basis && state->basis != basis)
		BasisMismatchError(state->basis, basis);
	state->has_basis = true;
	state->basis = basis;
}

/* Adds to a state, or takes from it, what is told of a record; 22000, 22003, 54000, LC001. */
void
RollupAdd(RollupState *state, RollupZone *zone, const RollupUse *use)
{
	RollupPart	part;
	int64		at = use->from;
	int64		end = use->to;

	part.started = use->started;
	part.ended = use->ended;
	if (TIMESTAMP_NOT_FINITE(part.started) || TIMESTAMP_NOT_FINITE(end) || at < part.started || end > part.ended)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("part of a record must lie within it, and must have a start and an end")));
	if (at >= end)
		return;
	if (RollupHourAt(end - 1) - RollupHourAt(at) >= MAX_CELLS)
		too_many_cells_error();	/* at once, not after a million cells */
	fetch_cells(state, RollupHourAt(at), RollupHourAt(end - 1));
	part.added = use->added;
	part.devices = use->devices;
	read_level(&part, use->share, use->rate);
	part.work_before = part.counted_rate == NULL ? 0 : work_until(&part, at);
	part.achieved = use->achieved;
	part.recorded = use->recorded;
	part.achieved_before = part.achieved == NULL ? 0 : achieved_until(&part, at);
	if (use->rate != NULL)
		note_basis(state, QuantityBasis(use->rate));

	for (int64 hour = RollupHourAt(at); at < end; hour++)
	{
		const HourDays *days = find_hour(zone, hour);
		int64		to = Min(end, start_of(hour + 1));

		if (at < days->boundary)
		{
			int64		until = Min(to, days->boundary);

			add_piece(state, &part, hour, days->first, at, until);
			at = until;
		}
		if (at < to)
		{
			add_piece(state, &part, hour, days->second, at, to);
			at = to;
		}
		if (hour % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
	}
}

/*
 * usage_cells_accum(internal, started, ended, "from", "to", time_zone, devices, share, rate, achieved, recorded, added)
 *
 * Adds, or takes away, what lies from "from" to "to", in the days of a zone, of a record.  Share, rate and
 * achieved work may be NULL, and of a record that has ended, or has achieved work that is not
 * known, recorded may; with another NULL the row is left out.
 */
PG_FUNCTION_INFO_V1(usage_cells_accum);
Datum
usage_cells_accum(PG_FUNCTION_ARGS)
{
	RollupState *state;
	MemoryContext context;
	RollupUse	use;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "usage_cells_accum called in non-aggregate context");
	state = PG_ARGISNULL(0) ? NULL : (RollupState *) PG_GETARG_POINTER(0);
	for (int i = 1; i <= 11; i++)
	{
		if ((i <= 6 || i == 11) && PG_ARGISNULL(i))
		{
			if (state == NULL)
				PG_RETURN_NULL();
			PG_RETURN_POINTER(state);
		}
	}
	if (state == NULL)
		state = RollupStateMake(context);
	use.started = PG_GETARG_TIMESTAMPTZ(1);
	use.ended = PG_GETARG_TIMESTAMPTZ(2);
	use.from = PG_GETARG_TIMESTAMPTZ(3);
	use.to = PG_GETARG_TIMESTAMPTZ(4);
	use.devices = PG_GETARG_DATUM(6);
	use.share = PG_ARGISNULL(7) ? 0 : PG_GETARG_INT32(7);
	use.rate = PG_ARGISNULL(8) ? NULL : PG_GETARG_QUANTITY_P(8);
	use.achieved = PG_ARGISNULL(9) ? NULL : PG_GETARG_QUANTITY_P(9);
	use.recorded = PG_ARGISNULL(10) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(10);
	use.added = PG_GETARG_BOOL(11);
	RollupAdd(state, RollupZoneFind((RollupZone **) &fcinfo->flinfo->fn_extra, fcinfo->flinfo->fn_mcxt, PG_GETARG_TEXT_PP(5)), &use);
	PG_RETURN_POINTER(state);
}

/* Adds to a sum, or takes from it, what is no part of a record. */
static inline void
add_whole(int64 *sum, int64 length, bool added)
{
	if (unlikely(added ? pg_add_s64_overflow(*sum, length, sum) : pg_sub_s64_overflow(*sum, length, sum)))
		usage_out_of_range_error();
}

/* Adds a cell to a state's, or takes it away. */
void
RollupAddCell(RollupState *state, const RollupCell *cell, bool added)
{
	RollupCell *target = find_rollup_cell(state, cell->key);

	target->has_work |= cell->has_work;
	target->has_achieved |= cell->has_achieved;
	add_whole(&target->started, cell->started, added);
	add_whole(&target->length, cell->length, added);
	add_whole(&target->shared, cell->shared, added);
	add_whole(&target->rated, cell->rated, added);
	add_whole(&target->achieving, cell->achieving, added);
	add_checked(&target->device_time, added ? cell->device_time : -cell->device_time);
	add_checked(&target->work, added ? cell->work : -cell->work);
	add_checked(&target->achieved, added ? cell->achieved : -cell->achieved);
}

/* Adds one state's cells to another's. */
PG_FUNCTION_INFO_V1(usage_cells_combine);
Datum
usage_cells_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	RollupState *from;
	RollupState *into;
	RollupCell **list;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "usage_cells_combine called in non-aggregate context");
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	from = (RollupState *) PG_GETARG_POINTER(1);
	into = PG_ARGISNULL(0) ? RollupStateMake(context) : (RollupState *) PG_GETARG_POINTER(0);
	if (from->has_basis)
		note_basis(into, from->basis);
	list = MemoryContextAllocHuge(CurrentMemoryContext, Max(from->ncells, 1) * sizeof(RollupCell *));
	RollupCellPointers(from, list);
	for (int i = 0; i < from->ncells; i++)
		RollupAddCell(into, list[i], true);
	pfree(list);
	PG_RETURN_POINTER(into);
}

/* Tells how many cells a state has. */
int
RollupCellCount(const RollupState *state)
{
	return state->ncells;
}

/* Finds the cells of a state, in no order; they stay where they are until one is added. */
void
RollupCellPointers(const RollupState *state, RollupCell **list)
{
	pieces_iterator iterator;
	PieceSlot  *piece;

	pieces_start_iterate(state->pieces, &iterator);
	while ((piece = pieces_iterate(state->pieces, &iterator)) != NULL)
	{
		for (int i = 0; i < PIECE_HOURS; i++)
		{
			if (piece->cells[i].status != 0)
				*list++ = &piece->cells[i];
		}
	}
	if (state->others != NULL)
	{
		cells_iterator others;
		RollupCell *cell;

		cells_start_iterate(state->others, &others);
		while ((cell = cells_iterate(state->others, &others)) != NULL)
			*list++ = cell;
	}
}

/* Collects a state's cells, in no order. */
static RollupCell *
list_rollup_cells(const RollupState *state)
{
	RollupCell *list = MemoryContextAllocHuge(CurrentMemoryContext, Max(state->ncells, 1) * sizeof(RollupCell));
	RollupCell **pointers = MemoryContextAllocHuge(CurrentMemoryContext, Max(state->ncells, 1) * sizeof(RollupCell *));

	RollupCellPointers(state, pointers);
	for (int i = 0; i < state->ncells; i++)
		list[i] = *pointers[i];
	pfree(pointers);
	return list;
}

/* Writes a state for another process of the same server. */
PG_FUNCTION_INFO_V1(usage_cells_serialize);
Datum
usage_cells_serialize(PG_FUNCTION_ARGS)
{
	RollupState *state = (RollupState *) PG_GETARG_POINTER(0);
	RollupCell *list;
	Size		size;
	bytea	   *result;
	char	   *p;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "usage_cells_serialize called in non-aggregate context");
	list = list_rollup_cells(state);
	size = VARHDRSZ + sizeof(RollupState) + state->ncells * sizeof(RollupCell);
	result = palloc(size);
	SET_VARSIZE(result, size);
	p = VARDATA(result);
	memcpy(p, state, sizeof(RollupState));
	memcpy(p + sizeof(RollupState), list, state->ncells * sizeof(RollupCell));
	pfree(list);
	PG_RETURN_BYTEA_P(result);
}

/* Reads a state. */
PG_FUNCTION_INFO_V1(usage_cells_deserialize);
Datum
usage_cells_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	Size		size = VARSIZE_ANY_EXHDR(bytes);
	const char *p = VARDATA_ANY(bytes);
	RollupState head;
	RollupState *state;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "usage_cells_deserialize called in non-aggregate context");
	if (size < sizeof(RollupState) || (size - sizeof(RollupState)) % sizeof(RollupCell) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid serialized state of _usage_cells")));
	memcpy(&head, p, sizeof(RollupState));
	state = RollupStateMake(CurrentMemoryContext);
	state->has_basis = head.has_basis;
	state->basis = head.basis;
	for (Size at = sizeof(RollupState); at < size; at += sizeof(RollupCell))
	{
		RollupCell cell;
		RollupCell *target;

		memcpy(&cell, p + at, sizeof(RollupCell));
		target = find_rollup_cell(state, cell.key);
		cell.status = target->status;
		*target = cell;
	}
	PG_RETURN_POINTER(state);
}

/* Orders cells by hour and day. */
static int
compare_rollup_cells(const void *a, const void *b)
{
	int64		ka = ((const RollupCell *) a)->key;
	int64		kb = ((const RollupCell *) b)->key;

	return (ka > kb) - (ka < kb);
}

/*
 * Returns an array of rows (hour, day, device_time, work, achieved, started, length, shared,
 * rated, achieving), in order.
 */
PG_FUNCTION_INFO_V1(usage_cells_final);
Datum
usage_cells_final(PG_FUNCTION_ARGS)
{
	RollupState *state;
	Oid			element;
	TupleDesc	desc;
	RollupCell *list;
	Datum	   *rows;
	int			count;
	int			given = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (RollupState *) PG_GETARG_POINTER(0);
	element = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	desc = lookup_rowtype_tupdesc(element, -1);
	list = list_rollup_cells(state);
	count = state->ncells;
	qsort(list, count, sizeof(RollupCell), compare_rollup_cells);
	rows = MemoryContextAllocHuge(CurrentMemoryContext, Max(count, 1) * sizeof(Datum));
	for (int i = 0; i < count; i++)
	{
		const RollupCell *cell = &list[i];
		int64		hour = RollupHour(cell->key);
		Datum		values[10];
		bool		nulls[10] = {false};

		CHECK_FOR_INTERRUPTS();
		if (RollupCellIsNothing(cell))
			continue;
		values[0] = TimestampTzGetDatum(start_of(hour));
		values[1] = DateADTGetDatum(RollupDay(cell->key));
		values[2] = NumericFromInt128(cell->device_time, 0);
		nulls[3] = !cell->has_work;
		values[3] = cell->has_work ? QuantityPGetDatum(QuantityMake(cell->work, state->basis)) : (Datum) 0;
		nulls[4] = !cell->has_achieved;
		values[4] = cell->has_achieved ? QuantityPGetDatum(QuantityMake(cell->achieved, BASIS_FLOP)) : (Datum) 0;
		values[5] = Int64GetDatum(cell->started);
		values[6] = Int64GetDatum(cell->length);
		values[7] = Int64GetDatum(cell->shared);
		values[8] = Int64GetDatum(cell->rated);
		values[9] = Int64GetDatum(cell->achieving);
		rows[given++] = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	}
	ReleaseTupleDesc(desc);
	PG_RETURN_ARRAYTYPE_P(construct_array(rows, given, element, -1, false, TYPALIGN_DOUBLE));
}

/* Reads an integral number; returns whether it is one, of 127 bits. */
bool
RollupInteger(Datum numeric, int128 *result)
{
	Decimal		decimal;
	uint128		magnitude;

	if (DecimalFromNumeric(DatumGetNumeric(numeric), &decimal) != DECIMAL_FINITE || decimal.ndigits > decimal.weight + 1 ||
		!DecimalMultiply(1, &decimal, &magnitude) || magnitude >> 127 != 0)
		return false;
	*result = decimal.negative ? -(int128) magnitude : (int128) magnitude;
	return true;
}

/*
 * cell_hours(device_time) -> device-hours
 *
 * Of an integral number of units x microseconds, rounded half to even to 12 decimals, without
 * zeros at the end; 22003.
 */
PG_FUNCTION_INFO_V1(cell_hours);
Datum
cell_hours(PG_FUNCTION_ARGS)
{
	int128		device_time;

	if (!RollupInteger(PG_GETARG_DATUM(0), &device_time))
		usage_out_of_range_error();
	return DeviceHoursGetNumeric(DevicePicohours(device_time));
}

/*
 * device_hours(device_time) -> device-hours
 *
 * Of units x microseconds, rounded half to even to 12 decimals, of which there are always 12.
 */
PG_FUNCTION_INFO_V1(device_hours);
Datum
device_hours(PG_FUNCTION_ARGS)
{
	const int	decimals = 12;
	Datum		given = PG_GETARG_DATUM(0);
	Numeric		number = DatumGetNumeric(given);
	int128		device_time;

	if (numeric_is_nan(number) || numeric_is_inf(number))
		PG_RETURN_DATUM(given);
	/* almost all are integers, and sums of charges need not be */
	if (RollupInteger(given, &device_time))
		PG_RETURN_DATUM(NumericFromInt128(DevicePicohours(device_time), decimals));
	PG_RETURN_DATUM(NumericRoundRatio(given, NumericFromInteger(DEVICE_UNITS * USECS_PER_HOUR), decimals));
}
