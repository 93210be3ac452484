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

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/row_columns.h"
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

static const RowColumn book_columns[] = {
	ROW_COLUMN("is_month", BOOLOID), ROW_COLUMN("day", DATEOID), ROW_COLUMN("base", INT8OID), ROW_COLUMN("peak", INT8OID),
	ROW_COLUMN_OWN("profile", "device_profile")
};

/*
 * Runs a statement that is prepared once for the backend.  One that is not read-only sees what has been committed since
 * the statement that calls began, if the isolation level lets it.
 */
void
RunBookPlan(SPIPlanPtr *plan, const char *query, int nargs, Oid *types, Datum *values, const char *nulls, bool read_only, int expected)
{
	if (*plan == NULL)
	{
		SPIPlanPtr	p = SPI_prepare_cursor(query, nargs, types, CURSOR_OPT_GENERIC_PLAN);

		if (p == NULL || SPI_keepplan(p) != 0)
			elog(ERROR, "could not prepare a statement of the book of a pool");
		*plan = p;
	}
	if (SPI_execute_plan(*plan, values, nulls, read_only, 0) != expected)
		elog(ERROR, "could not read or write the book of a pool");
}

/* Returns a column of a row that was read. */
static Datum
book_column(uint64 row, int number, bool may_be_null)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, &isnull);

	if (isnull && !may_be_null)
		RowNullError("the book of a pool", book_columns[number - 1].name);
	return isnull ? (Datum) 0 : value;
}

/* Raises for a day that no instant is in: who owns the table may have put another in its place. */
static DateADT
check_day(DateADT day)
{
	if (day < DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE || day >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("day of the book of a pool out of range")));
	return day;
}

/* Returns the day of a row that was read, or the first of its month. */
static DateADT
book_day(uint64 row)
{
	return check_day(DatumGetDateADT(book_column(row, 2, false)));
}

/* Reads the rows of days from first to last, and of the months that they are in; returns how many. */
static uint64
read_book(int64 pool, bool guests, DateADT first, DateADT last, bool read_only)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, BOOLOID, DATEOID, DATEOID, DATEOID};
	DateADT		first_month = first == DATEVAL_NOBEGIN ? first : month_start(month_of(first));
	Datum		values[] = {Int64GetDatum(pool), BoolGetDatum(guests), DateADTGetDatum(first), DateADTGetDatum(last), DateADTGetDatum(first_month)};

	RunBookPlan(&plan, "SELECT false AS is_month, d.day, d.base, d.peak, d.profile FROM compute_ledger.pool_day AS d"
				  " WHERE d.pool OPERATOR(pg_catalog.=) $1 AND d.guests OPERATOR(pg_catalog.=) $2"
				  " AND d.day OPERATOR(pg_catalog.>=) $3 AND d.day OPERATOR(pg_catalog.<=) $4"
				  " UNION ALL SELECT true, m.month, m.base, 0, NULL FROM compute_ledger.pool_month AS m"
				  " WHERE m.pool OPERATOR(pg_catalog.=) $1 AND m.guests OPERATOR(pg_catalog.=) $2"
				  " AND m.month OPERATOR(pg_catalog.>=) $5 AND m.month OPERATOR(pg_catalog.<=) $4", 5, types, values, NULL, read_only, SPI_OK_SELECT);
	RowColumnsCheck(SPI_tuptable->tupdesc, "the book of a pool", book_columns, lengthof(book_columns));
	return SPI_processed;
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
	uint64		count;

	rows->month_bases = palloc0(change->nmonths * sizeof(int64));
	rows->bases = palloc0(change->ndays * sizeof(int64));
	rows->peaks = palloc0(change->ndays * sizeof(int64));
	rows->profiles = palloc0(change->ndays * sizeof(Datum));
	count = read_book(rows->pool, rows->guests, change->first_day, change->first_day + change->ndays - 1, false);
	rows->profile_type = SPI_gettypeid(SPI_tuptable->tupdesc, 5);
	for (uint64 i = 0; i < count; i++)
	{
		DateADT		day = book_day(i);
		int64		base = DatumGetInt64(book_column(i, 3, false));
		int			place;

		if (DatumGetBool(book_column(i, 1, false)))
		{
			rows->month_bases[row_place(month_of(day) - change->first_month, change->nmonths)] = base;
			continue;
		}
		place = row_place((int64) day - change->first_day, change->ndays);
		rows->bases[place] = base;
		rows->peaks[place] = DatumGetInt64(book_column(i, 4, false));
		rows->profiles[place] = book_column(i, 5, true);
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

/* Returns the lowest level of a profile in a window. */
static int64
lowest_level(const ProfileSource *source, int64 from, int64 to)
{
	ProfileSegments segments;
	ProfileSegment segment;
	int64		lowest = PG_INT64_MAX;
	int64		at = from;

	ProfileOpenSegments(&segments, &source->start, from, to);
	while (ProfileNextSegment(&segments, &segment))
	{
		if (segment.from > at)
			lowest = Min(lowest, 0);
		lowest = (int64) Min(lowest, segment.level);
		at = segment.to;
	}
	if (segments.cursor.status != PROFILE_OK)
		ProfileRaise(segments.cursor.status, PROFILE_DEVICE);
	return at < to ? Min(lowest, 0) : lowest;
}

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

		if (day == month_start(month + 1))
			month++;
		base = rows->month_bases[month - change->first_month];
		if ((base + rows->peaks[i]) * DEVICE_UNITS > lowest_level(&limit, from, to) &&
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

/* Adds what of a profile lies in a window to another one. */
static void
add_clipped(ProfileObject *object, Datum profile, int64 from, int64 to)
{
	ProfileSource source;
	ProfileStatus status;
	ProfileObject *part = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);

	ProfileOpen(&source, profile, PROFILE_WHOLE);
	status = ProfileClip(&source.start, from, to, &part->events);
	if (status != PROFILE_OK)
		ProfileRaise(status, PROFILE_DEVICE);
	part->checked = false;
	ProfileMerge(object, ProfileGetDatum(ProfileFinish(part)), false);
}

/* Adds a base over a stretch of days, cut to a window, to a profile. */
static void
add_base(ProfileObject *object, int32 first, int32 end, int64 base, int64 from, int64 to)
{
	from = Max(first * USECS_PER_DAY, from);
	to = Min(end * USECS_PER_DAY, to);
	if (base != 0 && from < to)
		ProfileAddPeriod(object, from, to, (int128) base * DEVICE_UNITS);
}

/* Adds a row of a day or a month, cut to a window, to a profile. */
static void
add_row(ProfileObject *object, bool is_month, DateADT day, int64 base, Datum profile, int64 from, int64 to)
{
	add_base(object, day, is_month ? month_start(month_of(day) + 1) : day + 1, base, from, to);
	if (profile == (Datum) 0)
		return;
	if (day * USECS_PER_DAY < from || (day + 1) * USECS_PER_DAY > to)
		add_clipped(object, profile, from, to);
	else
		ProfileMerge(object, profile, false);
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
	ProfileObject *object = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	int64		from;
	int64		to;
	DateADT		first = DATEVAL_NOBEGIN;
	DateADT		last = DATEVAL_NOEND;
	uint64		count;

	if (!ProfileWindow(PG_GETARG_DATUM(2), &from, &to))
		PG_RETURN_DATUM(ProfileGetDatum(ProfileFinish(object)));
	if (from != PROFILE_BEGIN)
		first = day_of(from);
	if (to != PROFILE_END)
		last = day_of(to - 1);
	SPI_connect();
	count = read_book(PG_GETARG_INT64(0), PG_GETARG_BOOL(1), first, last, true);
	for (uint64 i = 0; i < count; i++)
		add_row(object, DatumGetBool(book_column(i, 1, false)), book_day(i), DatumGetInt64(book_column(i, 3, false)),
				book_column(i, 5, true), from, to);
	SPI_finish();
	PG_RETURN_DATUM(ProfileGetDatum(ProfileFinish(object)));
}

/*
 * _book_accum(device_profile, from timestamptz, to timestamptz, is_month boolean, day date, base bigint, profile device_profile) -> device_profile
 *
 * Transition of _book: adds a row of pool_day or pool_month from an instant to another.  Without a day, the profile as it is.
 */
PG_FUNCTION_INFO_V1(book_accum);
Datum
book_accum(PG_FUNCTION_ARGS)
{
	ProfileObject *state = ProfileState(fcinfo, PROFILE_DEVICE);
	Datum		profile = PG_ARGISNULL(6) ? (Datum) 0 : PG_GETARG_DATUM(6);

	if (!PG_ARGISNULL(4))
	{
		if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(5))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("row of the book of a pool is not complete")));
		add_row(state, PG_GETARG_BOOL(3), check_day(PG_GETARG_DATEADT(4)), PG_GETARG_INT64(5), profile,
				PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2));
	}
	else if (profile != (Datum) 0)
		ProfileMerge(state, profile, false);
	PG_RETURN_DATUM(ProfileStateDatum(fcinfo, state));
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
			add_clipped(object, PG_GETARG_DATUM(3), from, to);
		if (since < to)
			ProfileAddPeriod(object, since, to, (int128) PG_GETARG_INT32(2) * DEVICE_UNITS);
	}
	PG_RETURN_DATUM(ProfileGetDatum(ProfileFinish(object)));
}
