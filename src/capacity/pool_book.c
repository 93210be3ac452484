/*
 * pool_book.c
 *		The book of a pool: how many devices are booked at each instant, kept by days and months of UTC.
 *
 * What a reservation takes up is a device_profile.  Each of its stretches of one level is taken apart: months that it
 * covers are counted in pool_month.base, other days that it covers in pool_day.base, and what begins or ends within a
 * day is in pool_day.profile.  pool_day.peak is base and the highest level of profile.  A row is the sum of what the
 * reservations of the pool have there, so a change takes the old parts away and adds the new ones.
 *
 * So the level at an instant is the base of its month, the base of its day and the level of the day's profile, and
 * whether a booking fits takes a look at a row or two a day, however many reservations there are.
 *
 * Whoever calls holds the lock of the pool's row.  Each change writes the rows of all months from its first to its last:
 * that tells a transaction whose snapshot is older than what it has just waited for (40001), whichever days it reads.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/key_table.h"
#include "capacity/pool_book.h"
#include "capacity/pool_limit.h"
#include "profile/profile_object.h"
#include "profile/profile_period.h"
#include "profile/profile_query.h"

/* No change spans more days. */
#define BOOK_MAX_DAYS	1000000

/* What changes in the book. */
typedef struct BookChange
{
	int64		from;			/* of both, the first and the last instant */
	int64		to;
	int32		first_day;		/* days since 2000-01-01 */
	int32		ndays;
	int64	   *bases;			/* of each day, in units of a device */
	int32		first_month;	/* months since year 0 */
	int32		nmonths;
	int64	   *month_bases;
	ProfileInterval *parts;		/* within days, in no order */
	int			nparts;
	int			parts_room;
	ProfileObject *difference;	/* what is added at each instant */
} BookChange;

/* Rows of a pool, of all that is booked or of what guests have; by day and by month. */
typedef struct BookRows
{
	int64		pool;
	bool		guests;
	int		   *changed;		/* days that have changed, from the first of the change on */
	int			nchanged;
	int64	   *bases;			/* of days, in devices */
	int64	   *peaks;
	Datum	   *profiles;		/* 0: none */
	int64	   *month_bases;
	Oid			profile_type;	/* device_profile */
} BookRows;

/* ---- days and months ---- */

/* Returns the day that an instant is in. */
static int32
day_of(int64 at)
{
	int64		day = at / USECS_PER_DAY;

	return (int32) (at % USECS_PER_DAY < 0 ? day - 1 : day);
}

/* Returns the month that a day is in. */
static int32
month_of(int32 day)
{
	int			year;
	int			month;
	int			mday;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	return year * 12 + month - 1;
}

/* Returns the first day of a month. */
static int32
month_start(int32 month)
{
	return date2j(month / 12, month % 12 + 1, 1) - POSTGRES_EPOCH_JDATE;
}

/* Returns the first day of the month that an instant is in. */
DateADT
BookMonth(int64 at)
{
	return month_start(month_of(day_of(at)));
}

/* Returns how many months a window meets. */
int
BookMonths(int64 from, int64 to)
{
	return month_of(day_of(to - 1)) - month_of(day_of(from)) + 1;
}

/* ---- taking apart ---- */

/* Makes room for a change from one instant to another. */
static BookChange *
new_change(int64 from, int64 to)
{
	BookChange *change = palloc0(sizeof(BookChange));
	int64		days = (to - 1) / USECS_PER_DAY - from / USECS_PER_DAY;

	if (days >= BOOK_MAX_DAYS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a booking is longer than %d days", BOOK_MAX_DAYS)));
	change->from = from;
	change->to = to;
	change->first_day = day_of(from);
	change->ndays = day_of(to - 1) - change->first_day + 1;
	change->bases = palloc0(change->ndays * sizeof(int64));
	change->first_month = month_of(change->first_day);
	change->nmonths = month_of(change->first_day + change->ndays - 1) - change->first_month + 1;
	change->month_bases = palloc0(change->nmonths * sizeof(int64));
	change->difference = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	return change;
}

/* Adds a period at a level to a change. */
static void
add_period(BookChange *change, int64 from, int64 to, int64 level)
{
	int32		day = day_of(from);
	int32		month = month_of(day);

	ProfileAddPeriod(change->difference, from, to, level);
	while (from < to)
	{
		int32		month_end = month_start(month + 1);

		if (from == month_start(month) * USECS_PER_DAY && month_end * USECS_PER_DAY <= to)
		{
			change->month_bases[month - change->first_month] += level;
			day = month_end;
			from = day * USECS_PER_DAY;
		}
		for (; from < to && day < month_end; day++)
		{
			int64		end = Min((day + 1) * USECS_PER_DAY, to);

			if (end - from == USECS_PER_DAY)
				change->bases[day - change->first_day] += level;
			else
			{
				if (change->nparts == change->parts_room)
				{
					change->parts_room = change->parts_room * 2 + 4;
					change->parts = change->parts == NULL ? palloc(change->parts_room * sizeof(ProfileInterval))
						: repalloc(change->parts, change->parts_room * sizeof(ProfileInterval));
				}
				change->parts[change->nparts++] = (ProfileInterval) {from, end, level};
			}
			from = end;
		}
		month++;
	}
}

/* Adds a profile to a change, or takes it away. */
static void
add_profile(BookChange *change, ProfileSource *source, bool negate)
{
	ProfileSegments segments;
	ProfileSegment segment;

	ProfileOpenSegments(&segments, &source->start, PROFILE_BEGIN, PROFILE_END);
	while (ProfileNextSegment(&segments, &segment))
	{
		if (segment.level != 0)
			add_period(change, segment.from, segment.to, negate ? -(int64) segment.level : (int64) segment.level);
	}
	if (segments.cursor.status != PROFILE_OK)
		ProfileRaise(segments.cursor.status, PROFILE_DEVICE);
}

/* ---- rows ---- */

/* Columns of the tables of the book, those of the primary key first. */
enum
{
	BOOK_POOL,
	BOOK_GUESTS,
	BOOK_DAY,
	BOOK_BASE,
	BOOK_MONTH_COLUMNS,
	BOOK_PEAK = BOOK_MONTH_COLUMNS,
	BOOK_PROFILE,
	BOOK_DAY_COLUMNS
};

static const RowColumn day_columns[BOOK_DAY_COLUMNS] = {
	ROW_COLUMN("pool", INT8OID), ROW_COLUMN("guests", BOOLOID), ROW_COLUMN("day", DATEOID), ROW_COLUMN("base", INT8OID), ROW_COLUMN("peak", INT8OID),
	ROW_COLUMN_OWN("profile", "device_profile")
};
static const RowColumn month_columns[BOOK_MONTH_COLUMNS] = {
	ROW_COLUMN("pool", INT8OID), ROW_COLUMN("guests", BOOLOID), ROW_COLUMN("month", DATEOID), ROW_COLUMN("base", INT8OID)
};

/* Reads rows of a pool, of days or of months. */
static void
read_book_table(const KeyTable *table, bool is_month, int place, int64 pool, bool guests, DateADT first, DateADT last, Book *book)
{
	ScanKeyData keys[4];
	SysScanDesc scan;
	HeapTuple	tuple;

	KeyTableKey(table, &keys[0], BOOK_POOL, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(pool));
	KeyTableKey(table, &keys[1], BOOK_GUESTS, BTEqualStrategyNumber, F_BOOLEQ, BoolGetDatum(guests));
	KeyTableKey(table, &keys[2], BOOK_DAY, BTGreaterEqualStrategyNumber, F_DATE_GE, DateADTGetDatum(first));
	KeyTableKey(table, &keys[3], BOOK_DAY, BTLessEqualStrategyNumber, F_DATE_LE, DateADTGetDatum(last));
	scan = KeyTableScan(table, keys, lengthof(keys));
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		BookRow    *row;
		bool		isnull;
		Datum		value;

		if (book->count == book->room)
		{
			book->room = book->room * 2 + 8;
			book->rows = book->rows == NULL ? palloc(book->room * sizeof(BookRow))
				: repalloc_huge(book->rows, book->room * sizeof(BookRow));
		}
		row = &book->rows[book->count++];
		*row = (BookRow) {.place = place, .is_month = is_month};
		row->day = DatumGetDateADT(KeyTableValue(table, tuple, BOOK_DAY, &isnull));
		/* who owns the table may have put another in its place */
		if (row->day < DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE || row->day >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("day of the book of a pool out of range")));
		row->base = DatumGetInt64(KeyTableValue(table, tuple, BOOK_BASE, &isnull));
		if (isnull)
			RowNullError("the book of a pool", "base");
		if (is_month)
			continue;
		row->peak = DatumGetInt64(KeyTableValue(table, tuple, BOOK_PEAK, &isnull));
		if (isnull)
			RowNullError("the book of a pool", "peak");
		value = KeyTableValue(table, tuple, BOOK_PROFILE, &isnull);
		if (!isnull)
			row->profile = datumCopy(value, false, -1);
	}
	systable_endscan(scan);
}

/* Reads the rows of days from first to last, and of the months that they are in, as the active snapshot has them. */
static void
read_book(const PoolSet *set, bool guests, DateADT first, DateADT last, Book *book)
{
	KeyTable	days;
	KeyTable	months;
	DateADT		first_month = first == DATEVAL_NOBEGIN ? first : month_start(month_of(first));

	KeyTableOpen(&days, "pool_day", day_columns, BOOK_DAY_COLUMNS, BOOK_DAY + 1);
	KeyTableOpen(&months, "pool_month", month_columns, BOOK_MONTH_COLUMNS, BOOK_DAY + 1);
	*book = (Book) {.profile_type = TupleDescAttr(RelationGetDescr(days.relation), days.numbers[BOOK_PROFILE] - 1)->atttypid};
	for (int i = 0; i < set->count; i++)
	{
		read_book_table(&days, false, i, set->pools[i], guests, first, last, book);
		read_book_table(&months, true, i, set->pools[i], guests, first_month, last, book);
	}
	KeyTableClose(&days);
	KeyTableClose(&months);
}

/* Reads the rows of pools that meet a window, as the active snapshot has them. */
void
ReadBook(const PoolSet *set, bool guests, int64 from, int64 to, Book *book)
{
	read_book(set, guests, from == PROFILE_BEGIN ? DATEVAL_NOBEGIN : day_of(from), to == PROFILE_END ? DATEVAL_NOEND : day_of(to - 1), book);
}

/* Returns the place of a row that was read among so many days or months; who owns the table may have put another in its place. */
static int
row_place(int64 place, int count)
{
	if (place < 0 || place >= count)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the book of a pool has a row out of place")));
	return (int) place;
}

/* Reads the rows that a change meets. */
static void
read_rows(BookRows *rows, const BookChange *change)
{
	PoolSet		set = {&rows->pool, 1};
	Book		book;

	rows->month_bases = palloc0(change->nmonths * sizeof(int64));
	rows->bases = palloc0(change->ndays * sizeof(int64));
	rows->peaks = palloc0(change->ndays * sizeof(int64));
	rows->profiles = palloc0(change->ndays * sizeof(Datum));
	/* what has been committed since the statement that calls began is seen, if the isolation level lets it */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	read_book(&set, rows->guests, change->first_day, change->first_day + change->ndays - 1, &book);
	PopActiveSnapshot();
	rows->profile_type = book.profile_type;
	for (size_t i = 0; i < book.count; i++)
	{
		const BookRow *row = &book.rows[i];
		int			place;

		if (row->is_month)
		{
			rows->month_bases[row_place(month_of(row->day) - change->first_month, change->nmonths)] = row->base;
			continue;
		}
		place = row_place((int64) row->day - change->first_day, change->ndays);
		rows->bases[place] = row->base;
		rows->peaks[place] = row->peak;
		rows->profiles[place] = row->profile;
	}
}

/* Makes an array of integers that are not null. */
static Datum
int64_array(Datum *values, int count)
{
	return PointerGetDatum(construct_array(values, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Writes the days that have changed, and all months of a change, whether they have changed or not. */
static void
write_rows(const BookRows *rows, const BookChange *change)
{
	static SPIPlanPtr plan = NULL;
	static Oid	planned_type = InvalidOid;
	Oid			profile_type = rows->profile_type;
	Oid			types[] = {INT8OID, BOOLOID, DATEARRAYOID, INT8ARRAYOID, DATEARRAYOID, INT8ARRAYOID, INT8ARRAYOID, get_array_type(profile_type)};
	int			count = rows->nchanged;
	int			size = Max(count, change->nmonths);
	Datum	   *days = palloc(size * sizeof(Datum));
	Datum	   *bases = palloc(size * sizeof(Datum));
	Datum	   *peaks = palloc(count * sizeof(Datum));
	Datum	   *profiles = palloc(count * sizeof(Datum));
	bool	   *nulls = palloc(count * sizeof(bool));
	int			lower_bound = 1;
	Datum		values[8];
	int16		length;
	bool		by_value;
	char		alignment;

	values[0] = Int64GetDatum(rows->pool);
	values[1] = BoolGetDatum(rows->guests);
	for (int i = 0; i < change->nmonths; i++)
	{
		days[i] = DateADTGetDatum(month_start(change->first_month + i));
		bases[i] = Int64GetDatum(rows->month_bases[i]);
	}
	values[2] = PointerGetDatum(construct_array(days, change->nmonths, DATEOID, sizeof(DateADT), true, TYPALIGN_INT));
	values[3] = int64_array(bases, change->nmonths);
	for (int i = 0; i < count; i++)
	{
		int			day = rows->changed[i];

		days[i] = DateADTGetDatum(change->first_day + day);
		bases[i] = Int64GetDatum(rows->bases[day]);
		peaks[i] = Int64GetDatum(rows->peaks[day]);
		profiles[i] = rows->profiles[day];
		nulls[i] = rows->profiles[day] == (Datum) 0;
	}
	values[4] = PointerGetDatum(construct_array(days, count, DATEOID, sizeof(DateADT), true, TYPALIGN_INT));
	values[5] = int64_array(bases, count);
	values[6] = int64_array(peaks, count);
	get_typlenbyvalalign(profile_type, &length, &by_value, &alignment);
	values[7] = PointerGetDatum(construct_md_array(profiles, nulls, 1, &count, &lower_bound, profile_type, length, by_value, alignment));
	if (planned_type != profile_type)
	{
		/* the extension was made anew since */
		plan = NULL;
		planned_type = profile_type;
	}
	RunBookPlan(&plan, "WITH written AS (INSERT INTO compute_ledger.pool_day AS d (pool, guests, day, base, peak, profile)"
				  " SELECT $1, $2, u.day, u.base, u.peak, u.profile FROM ROWS FROM"
				  " (pg_catalog.unnest($5), pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8)) AS u (day, base, peak, profile)"
				  " ON CONFLICT (pool, guests, day) DO UPDATE SET base = EXCLUDED.base, peak = EXCLUDED.peak, profile = EXCLUDED.profile)"
				  " INSERT INTO compute_ledger.pool_month AS m (pool, guests, month, base)"
				  " SELECT $1, $2, u.month, u.base FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4)) AS u (month, base)"
				  " ON CONFLICT (pool, guests, month) DO UPDATE SET base = EXCLUDED.base",
				  8, types, values, NULL, false, SPI_OK_INSERT);
}

/* ---- whether it fits ---- */

/*
 * Finds the first instant of a window at which something is added and the level, which is that of a profile (0: none)
 * and a base, is beyond the limit; false if there is none.
 */
static bool
find_excess(const BookChange *change, Datum profile, int64 base, Datum limit, int64 from, int64 to, int64 *at)
{
	ProfileObject *object = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	ProfileSource excess;
	ProfileSource difference;
	ProfileSegments beyond;
	ProfileSegment segment;

	if (profile != (Datum) 0)
		ProfileMerge(object, profile, false);
	ProfileMerge(object, limit, true);
	ProfileAddPeriod(object, from, to, base);
	ProfileOpen(&excess, ProfileGetDatum(ProfileFinish(object)), PROFILE_WHOLE);
	ProfileOpen(&difference, ProfileGetDatum(change->difference), PROFILE_WHOLE);
	ProfileOpenSegments(&beyond, &excess.start, from, to);
	while (ProfileNextSegment(&beyond, &segment))
	{
		ProfileSegments added;
		ProfileSegment part;

		if (segment.level <= 0)
			continue;
		ProfileOpenSegments(&added, &difference.start, segment.from, segment.to);
		while (ProfileNextSegment(&added, &part))
		{
			if (part.level > 0)
			{
				*at = part.from;
				return true;
			}
		}
	}
	return false;
}

/* ---- a change ---- */

/* Makes the new rows out of the old ones. */
static void
change_rows(BookRows *rows, const BookChange *change)
{
	ProfileObject **objects = palloc0(change->ndays * sizeof(ProfileObject *));

	for (int i = 0; i < change->nparts; i++)
	{
		const ProfileInterval *part = &change->parts[i];
		int			day = day_of(part->from) - change->first_day;

		if (objects[day] == NULL)
		{
			objects[day] = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
			if (rows->profiles[day] != (Datum) 0)
				ProfileMerge(objects[day], rows->profiles[day], false);
		}
		ProfileAddPeriod(objects[day], part->from, part->to, part->level);
	}
	rows->changed = palloc(change->ndays * sizeof(int));
	rows->nchanged = 0;
	for (int day = 0; day < change->ndays; day++)
	{
		int64		added = change->bases[day] / DEVICE_UNITS;

		if (objects[day] == NULL && added == 0)
			continue;
		rows->bases[day] += added;
		if (objects[day] == NULL)
			rows->peaks[day] += added;
		else
		{
			ProfileObject *object = ProfileFinish(objects[day]);

			rows->peaks[day] = rows->bases[day] + (int64) (object->events.highest / DEVICE_UNITS);
			rows->profiles[day] = object->events.count == 0 ? (Datum) 0 : ProfileGetDatum(object);
		}
		rows->changed[rows->nchanged++] = day;
	}
	for (int i = 0; i < change->nmonths; i++)
		rows->month_bases[i] += change->month_bases[i] / DEVICE_UNITS;
}

/*
 * Whether the new rows stay within what may be booked of the pool wherever the change adds something; if not, the first
 * instant at which they do not.
 */
static bool
rows_fit(const BookRows *rows, const BookChange *change, int64 *at)
{
	ProfileSource limit;
	int32		month = change->first_month;
	Datum		allowed = ProfileGetDatum(PoolLimit(rows->pool, change->from, change->to, rows->guests, true));

	ProfileOpen(&limit, allowed, PROFILE_WHOLE);
	for (int i = 0; i < change->ndays; i++)
	{
		int32		day = change->first_day + i;
		int64		from = Max(day * USECS_PER_DAY, change->from);
		int64		to = Min((day + 1) * USECS_PER_DAY, change->to);
		int64		base;
		int128		lowest;
		ProfileStatus status;

		if (day == month_start(month + 1))
			month++;
		base = rows->month_bases[month - change->first_month];
		status = ProfileLowest(&limit.start, from, to, &lowest);
		if (status != PROFILE_OK)
			ProfileRaise(status, PROFILE_DEVICE);
		if ((int128) (base + rows->peaks[i]) * DEVICE_UNITS > lowest &&
			find_excess(change, rows->profiles[i], (base + rows->bases[i]) * DEVICE_UNITS, allowed, from, to, at))
			return false;
	}
	return true;
}

/*
 * Makes a change in the book of a pool and, of a guest's reservation, in that of guests.  checked: makes none where more
 * would be booked than may be, and returns false and the first such instant.  The caller is connected to SPI.
 */
static bool
make_change(BookChange *change, int64 pool, bool guest, bool checked, int64 *at)
{
	int			books = guest ? 2 : 1;
	BookRows	rows[2];

	ProfileFinish(change->difference);
	for (int i = 0; i < books; i++)
	{
		rows[i].pool = pool;
		rows[i].guests = i == 1;
		read_rows(&rows[i], change);
		change_rows(&rows[i], change);
		if (checked && !rows_fit(&rows[i], change, at))
			return false;
	}
	for (int i = 0; i < books; i++)
		write_rows(&rows[i], change);
	return true;
}

/* Books devices over a period, if it may; as above. */
bool
BookPeriod(int64 pool, bool guest, int64 from, int64 to, int64 devices, int64 *at)
{
	BookChange *change = new_change(from, to);

	add_period(change, from, to, devices * DEVICE_UNITS);
	return make_change(change, pool, guest, true, at);
}

/*
 * _book_change(pool bigint, guest boolean, was device_profile, is_now device_profile, checked boolean) -> timestamptz
 *
 * Puts what a reservation takes up now in the place of what it took up, in the book of all and, of a guest's, in that of
 * guests.  checked: changes nothing where more would be booked than may be, and returns the first such instant.
 */
PG_FUNCTION_INFO_V1(book_change);
Datum
book_change(PG_FUNCTION_ARGS)
{
	ProfileSource sources[2];
	int64		from = PG_INT64_MAX;
	int64		to = PG_INT64_MIN;
	int64		at = 0;
	bool		fits;
	BookChange *change;

	for (int i = 0; i < 5; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of _book_change() is NULL", i + 1)));
	}
	for (int i = 0; i < 2; i++)
	{
		int64		first;
		int64		last;

		ProfileOpen(&sources[i], PG_GETARG_DATUM(2 + i), PROFILE_WHOLE);
		ProfileExtent(&sources[i].start, &first, &last);
		if (first < last)
		{
			from = Min(from, first);
			to = Max(to, last);
		}
	}
	if (from >= to)
		PG_RETURN_NULL();
	SPI_connect();
	change = new_change(from, to);
	add_profile(change, &sources[0], true);
	add_profile(change, &sources[1], false);
	fits = make_change(change, PG_GETARG_INT64(0), PG_GETARG_BOOL(1), PG_GETARG_BOOL(4), &at);
	SPI_finish();
	if (fits)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(at);
}

/* ---- what is booked ---- */

/* Returns what of a profile lies in a window. */
static ProfileObject *
clip(Datum profile, int64 from, int64 to)
{
	ProfileSource source;
	ProfileStatus status;
	ProfileObject *part = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);

	ProfileOpen(&source, profile, PROFILE_WHOLE);
	status = ProfileClip(&source.start, from, to, &part->events);
	if (status != PROFILE_OK)
		ProfileRaise(status, PROFILE_DEVICE);
	part->checked = false;
	return ProfileFinish(part);
}

/* Adds what a row of the book says of a window to a tally, or takes it away. */
void
TallyBookRow(ProfileTally *tally, const BookRow *row, int64 from, int64 to, bool negate)
{
	int64		starts = row->day * USECS_PER_DAY;
	int64		ends = (row->is_month ? month_start(month_of(row->day) + 1) : row->day + 1) * USECS_PER_DAY;
	bool		is_within = from <= starts && ends <= to;

	if (row->base != 0 && Max(starts, from) < Min(ends, to))
		ProfileTallyPeriod(tally, Max(starts, from), Min(ends, to), (int128) row->base * (negate ? -DEVICE_UNITS : DEVICE_UNITS));
	if (row->profile != (Datum) 0)
		ProfileTallyMerge(tally, is_within ? row->profile : ProfileGetDatum(clip(row->profile, from, to)), negate);
}

/*
 * _book_sum(pool bigint, guests boolean, period tstzrange) -> device_profile
 *
 * What is booked over a period as the caller's snapshot has it, holds that have lapsed and not been taken out included.
 */
PG_FUNCTION_INFO_V1(book_sum);
Datum
book_sum(PG_FUNCTION_ARGS)
{
	ProfileTally *tally = ProfileTallyMake(CurrentMemoryContext);
	int64		pool = PG_GETARG_INT64(0);
	PoolSet		set = {&pool, 1};
	int64		from;
	int64		to;

	if (ProfileWindow(PG_GETARG_DATUM(2), &from, &to))
	{
		Book		book;

		ReadBook(&set, PG_GETARG_BOOL(1), from, to, &book);
		for (size_t i = 0; i < book.count; i++)
			TallyBookRow(tally, &book.rows[i], from, to, false);
	}
	PG_RETURN_DATUM(ProfileGetDatum(ProfileTallyFinish(tally)));
}

/*
 * _reservation_profile(occupies tstzrange, since timestamptz, devices integer, earlier device_profile) -> device_profile
 *
 * What a reservation takes up: so many devices from an instant on, and before it what it had earlier.
 */
PG_FUNCTION_INFO_V1(reservation_profile);
Datum
reservation_profile(PG_FUNCTION_ARGS)
{
	ProfileObject *object;
	int64		from;
	int64		to;
	int64		since;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	object = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	if (ProfilePeriod(PG_GETARG_DATUM(0), &from, &to))
	{
		since = Max(PG_GETARG_TIMESTAMPTZ(1), from);
		if (!PG_ARGISNULL(3))
			ProfileMerge(object, ProfileGetDatum(clip(PG_GETARG_DATUM(3), from, to)), false);
		if (since < to)
			ProfileAddPeriod(object, since, to, (int128) PG_GETARG_INT32(2) * DEVICE_UNITS);
	}
	PG_RETURN_DATUM(ProfileGetDatum(ProfileFinish(object)));
}
