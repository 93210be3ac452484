/*
 * bucket_sum.c
 *		The aggregate bucket_sum: device-hours or compute by buckets of time, in one pass.
 *
 * It gives what buckets() gives of a profile of the same intervals, but without the
 * profile: an interval is added to the bucket it begins in, to the one it ends in
 * and, however many lie between, to a difference at the first and at the last of
 * those.  The final function adds the differences up.
 *
 * The state is a list of buckets without gaps, from the first that was touched to
 * the last.  What a row asks for, the widths and the time zone, has to be the same
 * in all rows of a group.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "profile/device_level.h"
#include "profile/profile_calendar.h"
#include "profile/profile_object.h"
#include "profile/profile_period.h"
#include "quantity/quantity_type.h"

/* Hourly, that is 478 years. */
#define MAX_BUCKETS		(4 * 1024 * 1024)

#define STATE_VERSION	1

/*
 * Where buckets begin: a calendar, and its boundaries as far as they were needed.
 * One serves all groups of a query.
 */
typedef struct BucketTable
{
	struct BucketTable *next;	/* with another width or zone */
	Interval	width;
	text	   *zone;			/* NULL is UTC */
	Calendar   *calendar;
	int64	   *starts;			/* count + 1 of them, ascending */
	int			count;
	int			room;
	int			first_id;		/* number of the first; front growth makes it negative */
	double		per_microsecond;	/* mean number of buckets */
	MemoryContext context;
} BucketTable;

/* A bucket: what begins or ends in it, and by how much the level changes for it. */
typedef struct Bucket
{
	int128		amount;			/* level x microseconds */
	int128		change;			/* of the level of intervals that cover whole buckets */
} Bucket;

typedef struct BucketState
{
	ProfileKind kind;
	uint16		basis;
	bool		has_basis;
	BucketTable *table;
	MemoryContext context;
	Bucket	   *buckets;		/* numbers low_id to high_id - 1 */
	int			low_id;
	int			high_id;
	int			first_used;		/* numbers of the first and last that were touched */
	int			last_used;
} BucketState;

/* Raises that there would be too many buckets. */
static void
too_many_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("too many buckets"),
			 errdetail("The periods reach over more than %d buckets of this width.", MAX_BUCKETS),
			 errhint("Use a greater width, or leave out periods that lie far from the others.")));
}

/* Raises that an amount does not fit. */
static void
sum_out_of_range_error(ProfileKind kind)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("%s out of range", kind == PROFILE_RATE ? "compute_unit" : "device-hours")));
}

/* Whether two texts are the same; either may be NULL. */
static bool
same_text(const text *a, const text *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* Finds or makes the table of a width and a zone, kept for the query. */
static BucketTable *
find_table(FunctionCallInfo fcinfo, const Interval *width, const text *zone)
{
	BucketTable *first = fcinfo->flinfo->fn_extra;
	BucketTable *table;
	MemoryContext old;

	for (table = first; table != NULL; table = table->next)
	{
		if (memcmp(&table->width, width, sizeof(Interval)) == 0 && same_text(table->zone, zone))
			return table;
	}

	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	table = palloc0(sizeof(BucketTable));
	table->context = CurrentMemoryContext;
	table->width = *width;
	if (zone != NULL)
		table->zone = cstring_to_text_with_len(VARDATA_ANY(zone), (int) VARSIZE_ANY_EXHDR(zone));
	table->calendar = CalendarMake(CurrentMemoryContext, width, table->zone, NULL);
	table->next = first;
	fcinfo->flinfo->fn_extra = table;
	MemoryContextSwitchTo(old);
	return table;
}

/*
 * Raises at once, not after millions of boundaries, if there would be far too many.
 * Buckets that are longer than others, where clocks change, make up for far less.
 */
static void
check_reach(const BucketTable *table, int64 from, int64 to)
{
	const Interval *width = &table->width;
	int128		length = width->time + (int128) width->day * USECS_PER_DAY + (int128) width->month * 31 * USECS_PER_DAY;

	if (ProfileDistance(from, to) / length > (int128) MAX_BUCKETS + 1000)
		too_many_error();
}

/* Adds a boundary at the end. */
static void
add_boundary(BucketTable *table, int64 at)
{
	if (table->count >= MAX_BUCKETS)
		too_many_error();
	if (table->count + 2 > table->room)
	{
		table->room *= 2;
		table->starts = repalloc_huge(table->starts, table->room * sizeof(int64));
	}
	table->starts[++table->count] = at;
}

/* Extends the table to hold the bucket of an instant. */
static void
extend_table(BucketTable *table, int64 at)
{
	CHECK_FOR_INTERRUPTS();
	if (table->count > 0)
		check_reach(table, Min(at, table->starts[0]), Max(at, table->starts[table->count]));
	else
	{
		table->room = 64;
		table->starts = MemoryContextAlloc(table->context, table->room * sizeof(int64));
		table->starts[0] = CalendarFloor(table->calendar, at);
		add_boundary(table, CalendarNext(table->calendar, at));
	}
	if (at < table->starts[0])
	{
		int64	   *old = table->starts;
		int			old_count = table->count;
		int64		span = old[old_count] - old[0];
		int64		from = at;

		/* Go back twice as far, so that falling instants do not cost a copy each. */
		if (old[0] - span < at && old[0] - span > MIN_TIMESTAMP + span)
			from = old[0] - span;
		table->starts = MemoryContextAllocHuge(table->context, table->room * sizeof(int64));
		table->starts[0] = CalendarFloor(table->calendar, from);
		table->count = 0;
		while (table->starts[table->count] < old[0])
			add_boundary(table, CalendarNext(table->calendar, table->starts[table->count]));
		table->first_id -= table->count;
		for (int i = 1; i <= old_count; i++)
			add_boundary(table, old[i]);
		pfree(old);
	}
	while (at >= table->starts[table->count])
		add_boundary(table, CalendarNext(table->calendar, table->starts[table->count]));
	table->per_microsecond = table->count / (double) (table->starts[table->count] - table->starts[0]);
}

/* Finds the number of the bucket of an instant. */
static inline int
bucket_at(BucketTable *table, int64 at)
{
	const int64 *starts;
	int			guess;

	if (unlikely(table->count == 0 || at < table->starts[0] || at >= table->starts[table->count]))
		extend_table(table, at);
	starts = table->starts;
	guess = (int) ((double) (at - starts[0]) * table->per_microsecond);
	guess = Min(guess, table->count - 1);
	while (starts[guess] > at)
		guess--;
	while (starts[guess + 1] <= at)
		guess++;
	return guess + table->first_id;
}

/* Returns the start of a bucket; that of the one after it is its end. */
static inline int64
start_of_bucket(const BucketTable *table, int id)
{
	return table->starts[id - table->first_id];
}

/* Makes a state. */
static BucketState *
make_bucket_state(MemoryContext context, ProfileKind kind, BucketTable *table)
{
	BucketState *state = MemoryContextAllocZero(context, sizeof(BucketState));

	state->context = context;
	state->kind = kind;
	state->table = table;
	state->first_used = PG_INT32_MAX;
	state->last_used = PG_INT32_MIN;
	return state;
}

/* Returns how many buckets are in use. */
static int
used_count(const BucketState *state)
{
	return state->first_used > state->last_used ? 0 : state->last_used - state->first_used + 1;
}

/* Makes room for buckets first to last. */
static void
cover(BucketState *state, int first, int last)
{
	int			count = state->high_id - state->low_id;
	int			low = count == 0 ? first : Min(first, state->low_id);
	int			high = count == 0 ? last + 1 : Max(last + 1, state->high_id);
	Bucket	   *buckets;

	if (high - low > MAX_BUCKETS)
		too_many_error();
	/* Half as much again on the side that grows. */
	if (count > 0 && low < state->low_id)
		low -= count / 2;
	if (count > 0 && high > state->high_id)
		high += count / 2;
	buckets = MemoryContextAllocHuge(state->context, (Size) (high - low) * sizeof(Bucket));
	memset(buckets, 0, (Size) (high - low) * sizeof(Bucket));
	if (count > 0)
	{
		memcpy(buckets + (state->low_id - low), state->buckets, count * sizeof(Bucket));
		pfree(state->buckets);
	}
	state->buckets = buckets;
	state->low_id = low;
	state->high_id = high;
}

/* Makes sure that there are buckets first to last, and notes that they are used. */
static inline void
use_buckets(BucketState *state, int first, int last)
{
	if (unlikely(first < state->low_id || last >= state->high_id))
		cover(state, first, last);
	if (first < state->first_used)
		state->first_used = first;
	if (last > state->last_used)
		state->last_used = last;
}

/* Adds an amount to a bucket. */
static inline void
add_amount(BucketState *state, int id, int128 level, uint64 length)
{
	Bucket	   *bucket = &state->buckets[id - state->low_id];
	int128		product;

	if (unlikely(!ProfileMultiply(level, length, &product) ||
				 __builtin_add_overflow(bucket->amount, product, &bucket->amount)))
		sum_out_of_range_error(state->kind);
}

/* Changes the level from a bucket on. */
static inline void
add_change(BucketState *state, int id, int128 level)
{
	Bucket	   *bucket = &state->buckets[id - state->low_id];

	if (unlikely(__builtin_add_overflow(bucket->change, level, &bucket->change)))
		sum_out_of_range_error(state->kind);
}

/* Adds a period at a level. */
static inline void
add_to_buckets(BucketState *state, int64 from, int64 to, int128 level)
{
	BucketTable *table = state->table;
	int			first;
	int			last;

	if (level == 0)
		return;
	first = bucket_at(table, from);
	last = bucket_at(table, to - 1);
	use_buckets(state, first, last);
	if (first == last)
	{
		add_amount(state, first, level, ProfileDistance(from, to));
		return;
	}
	add_amount(state, first, level, ProfileDistance(from, start_of_bucket(table, first + 1)));
	add_amount(state, last, level, ProfileDistance(start_of_bucket(table, last), to));
	if (first + 1 < last)
	{
		add_change(state, first + 1, level);
		add_change(state, last, -level);
	}
}

/*
 * Returns the state of a transition call, made if there is none: arguments `width`
 * and the one after it, if there is one, say what buckets to use.
 */
static inline BucketState *
get_state(FunctionCallInfo fcinfo, ProfileKind kind, int width)
{
	const text *zone = NULL;
	BucketTable *table;
	BucketState *state;
	MemoryContext context;

	if (PG_NARGS() > width + 1)
		zone = PG_GETARG_TEXT_PP(width + 1);
	table = find_table(fcinfo, PG_GETARG_INTERVAL_P(width), zone);
	if (!PG_ARGISNULL(0))
	{
		state = (BucketState *) PG_GETARG_POINTER(0);
		if (unlikely(state->table != table) &&
			(memcmp(&state->table->width, &table->width, sizeof(Interval)) != 0 ||
			 !same_text(state->table->zone, table->zone)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("width and time zone of bucket_sum must be the same in all rows of a group")));
		return state;
	}
	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "bucket_sum transition called in non-aggregate context");
	return make_bucket_state(context, kind, table);
}

/* Whether some argument from the second on is NULL: then the row is left out. */
static inline bool
any_null(FunctionCallInfo fcinfo)
{
	for (int i = 1; i < PG_NARGS(); i++)
	{
		if (PG_ARGISNULL(i))
			return true;
	}
	return false;
}

/* Returns the state as it was. */
static inline Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* Adds (period, devices, width [, zone]). */
PG_FUNCTION_INFO_V1(bucket_sum_device);
Datum
bucket_sum_device(PG_FUNCTION_ARGS)
{
	BucketState *state;
	int64		from;
	int64		to;

	if (any_null(fcinfo))
		return unchanged(fcinfo);
	state = get_state(fcinfo, PROFILE_DEVICE, 3);
	if (ProfilePeriod(PG_GETARG_DATUM(1), &from, &to))
		add_to_buckets(state, from, to, DeviceLevelFromNumeric(PG_GETARG_DATUM(2)));
	PG_RETURN_POINTER(state);
}

/* Adds (start, end, devices, width [, zone]). */
PG_FUNCTION_INFO_V1(bucket_sum_device_bounds);
Datum
bucket_sum_device_bounds(PG_FUNCTION_ARGS)
{
	BucketState *state;

	if (any_null(fcinfo))
		return unchanged(fcinfo);
	state = get_state(fcinfo, PROFILE_DEVICE, 4);
	if (ProfilePeriodFromBounds(PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2)))
		add_to_buckets(state, PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2),
					   DeviceLevelFromNumeric(PG_GETARG_DATUM(3)));
	PG_RETURN_POINTER(state);
}

/* Notes the basis of a rate; raises if it is not the one so far. */
static inline void
set_basis(BucketState *state, uint16 basis)
{
	if (!state->has_basis)
	{
		state->has_basis = true;
		state->basis = basis;
	}
	else if (unlikely(state->basis != basis))
		BasisMismatchError(state->basis, basis);
}

/* Adds (period, rate, width [, zone]). */
PG_FUNCTION_INFO_V1(bucket_sum_rate);
Datum
bucket_sum_rate(PG_FUNCTION_ARGS)
{
	BucketState *state;
	Quantity   *rate;
	int64		from;
	int64		to;

	if (any_null(fcinfo))
		return unchanged(fcinfo);
	state = get_state(fcinfo, PROFILE_RATE, 3);
	rate = PG_GETARG_QUANTITY_P(2);
	set_basis(state, QuantityBasis(rate));
	if (ProfilePeriod(PG_GETARG_DATUM(1), &from, &to))
		add_to_buckets(state, from, to, QuantityAmount(rate));
	PG_RETURN_POINTER(state);
}

/* Adds (start, end, rate, width [, zone]). */
PG_FUNCTION_INFO_V1(bucket_sum_rate_bounds);
Datum
bucket_sum_rate_bounds(PG_FUNCTION_ARGS)
{
	BucketState *state;
	Quantity   *rate;

	if (any_null(fcinfo))
		return unchanged(fcinfo);
	state = get_state(fcinfo, PROFILE_RATE, 4);
	rate = PG_GETARG_QUANTITY_P(3);
	set_basis(state, QuantityBasis(rate));
	if (ProfilePeriodFromBounds(PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2)))
		add_to_buckets(state, PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2), QuantityAmount(rate));
	PG_RETURN_POINTER(state);
}

/* Adds one state's buckets to another's; both have the same kind of buckets. */
static void
merge(BucketState *into, const BucketState *from)
{
	int			offset;

	if (from->has_basis)
		set_basis(into, from->basis);
	if (used_count(from) == 0)
		return;
	/* The two tables may number the same buckets differently. */
	offset = bucket_at(into->table, start_of_bucket(from->table, from->first_used)) - from->first_used;
	bucket_at(into->table, start_of_bucket(from->table, from->last_used));
	use_buckets(into, from->first_used + offset, from->last_used + offset);
	for (int id = from->first_used; id <= from->last_used; id++)
	{
		const Bucket *bucket = &from->buckets[id - from->low_id];
		Bucket	   *target = &into->buckets[id + offset - into->low_id];

		if (__builtin_add_overflow(target->amount, bucket->amount, &target->amount) ||
			__builtin_add_overflow(target->change, bucket->change, &target->change))
			sum_out_of_range_error(into->kind);
	}
}

/* Combines two states. */
PG_FUNCTION_INFO_V1(bucket_sum_combine);
Datum
bucket_sum_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	BucketState *from;
	BucketState *into;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "bucket_sum_combine called in non-aggregate context");
	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	from = (BucketState *) PG_GETARG_POINTER(1);
	if (PG_ARGISNULL(0))
		into = make_bucket_state(context, from->kind, find_table(fcinfo, &from->table->width, from->table->zone));
	else
	{
		into = (BucketState *) PG_GETARG_POINTER(0);
		if (memcmp(&into->table->width, &from->table->width, sizeof(Interval)) != 0 ||
			!same_text(into->table->zone, from->table->zone))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("width and time zone of bucket_sum must be the same in all rows of a group")));
	}
	merge(into, from);
	PG_RETURN_POINTER(into);
}

/* Writes 128 bits, high half first. */
static void
send_int128(StringInfo buf, int128 number)
{
	pq_sendint64(buf, (uint64) (number >> 64));
	pq_sendint64(buf, (uint64) number);
}

/* Reads 128 bits. */
static int128
receive_int128(StringInfo buf)
{
	uint128		high = (uint64) pq_getmsgint64(buf);

	return (int128) (high << 64 | (uint64) pq_getmsgint64(buf));
}

/* Writes a state for another process. */
PG_FUNCTION_INFO_V1(bucket_sum_serialize);
Datum
bucket_sum_serialize(PG_FUNCTION_ARGS)
{
	BucketState *state = (BucketState *) PG_GETARG_POINTER(0);
	BucketTable *table = state->table;
	StringInfoData buf;
	int			count = used_count(state);

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "bucket_sum_serialize called in non-aggregate context");
	pq_begintypsend(&buf);
	pq_sendbyte(&buf, STATE_VERSION);
	pq_sendbyte(&buf, state->kind);
	pq_sendbyte(&buf, state->has_basis);
	pq_sendint16(&buf, state->basis);
	pq_sendint64(&buf, table->width.time);
	pq_sendint32(&buf, table->width.day);
	pq_sendint32(&buf, table->width.month);
	pq_sendbyte(&buf, table->zone != NULL);
	if (table->zone != NULL)
	{
		pq_sendint32(&buf, VARSIZE_ANY_EXHDR(table->zone));
		pq_sendbytes(&buf, VARDATA_ANY(table->zone), (int) VARSIZE_ANY_EXHDR(table->zone));
	}
	pq_sendint32(&buf, count);
	if (count > 0)
		pq_sendint64(&buf, start_of_bucket(table, state->first_used));
	for (int i = 0; i < count; i++)
	{
		const Bucket *bucket = &state->buckets[state->first_used - state->low_id + i];

		send_int128(&buf, bucket->amount);
		send_int128(&buf, bucket->change);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* Reads a state; trusts it no more than what a client sends. */
PG_FUNCTION_INFO_V1(bucket_sum_deserialize);
Datum
bucket_sum_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData buf;
	MemoryContext context;
	BucketState *state;
	Interval	width;
	text	   *zone = NULL;
	int			kind;
	int			has_basis;
	uint16		basis;
	uint32		count;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "bucket_sum_deserialize called in non-aggregate context");
	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, VARDATA_ANY(bytes), (int) VARSIZE_ANY_EXHDR(bytes));
	if (pq_getmsgbyte(&buf) != STATE_VERSION)
		goto invalid;
	kind = pq_getmsgbyte(&buf);
	has_basis = pq_getmsgbyte(&buf);
	basis = (uint16) pq_getmsgint(&buf, sizeof(uint16));
	if (kind > PROFILE_RATE || has_basis > 1 || !BasisIsValid(basis))
		goto invalid;
	width.time = pq_getmsgint64(&buf);
	width.day = (int32) pq_getmsgint(&buf, sizeof(int32));
	width.month = (int32) pq_getmsgint(&buf, sizeof(int32));
	if (pq_getmsgbyte(&buf) != 0)
	{
		int			length = (int) pq_getmsgint(&buf, sizeof(int32));

		if (length < 0 || length > buf.len - buf.cursor)
			goto invalid;
		zone = cstring_to_text_with_len(pq_getmsgbytes(&buf, length), length);
	}
	count = pq_getmsgint(&buf, sizeof(uint32));
	if (count > MAX_BUCKETS || count * (2 * sizeof(int128)) > (size_t) (buf.len - buf.cursor))
		goto invalid;
	/* Short-lived, as the state: combining copies it. */
	state = make_bucket_state(CurrentMemoryContext, (ProfileKind) kind, find_table(fcinfo, &width, zone));
	state->has_basis = has_basis != 0;
	state->basis = basis;
	if (count > 0)
	{
		int64		start = pq_getmsgint64(&buf);
		int			first;

		if (!IS_VALID_TIMESTAMP(start))
			goto invalid;
		first = bucket_at(state->table, start);
		if (start_of_bucket(state->table, first) != start)
			goto invalid;
		/* the table has to reach as far */
		while (state->table->count < (int64) first - state->table->first_id + count)
			extend_table(state->table, state->table->starts[state->table->count]);
		use_buckets(state, first, first + (int) count - 1);
		for (uint32 i = 0; i < count; i++)
		{
			Bucket	   *bucket = &state->buckets[first - state->low_id + i];

			bucket->amount = receive_int128(&buf);
			bucket->change = receive_int128(&buf);
		}
	}
	pq_getmsgend(&buf);
	PG_RETURN_POINTER(state);

invalid:
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid serialized state of bucket_sum")));
	PG_RETURN_NULL();			/* not reached */
}

/* Returns an array of rows (period, amount), in order and without gaps. */
PG_FUNCTION_INFO_V1(bucket_sum_final);
Datum
bucket_sum_final(PG_FUNCTION_ARGS)
{
	BucketState *state;
	BucketTable *table;
	Oid			element;
	TupleDesc	desc;
	Datum	   *rows;
	int			count;
	int128		level = 0;
	int128		sum = 0;		/* of devices, so far */
	int128		given = 0;		/* of it in rows */

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (BucketState *) PG_GETARG_POINTER(0);
	table = state->table;
	count = used_count(state);
	element = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	desc = lookup_rowtype_tupdesc(element, -1);
	rows = MemoryContextAllocHuge(CurrentMemoryContext, Max(count, 1) * sizeof(Datum));

	for (int i = 0; i < count; i++)
	{
		const Bucket *bucket = &state->buckets[state->first_used - state->low_id + i];
		int64		from = start_of_bucket(table, state->first_used + i);
		int64		to = start_of_bucket(table, state->first_used + i + 1);
		int128		amount;
		Datum		values[2];
		bool		nulls[2] = {false, false};

		CHECK_FOR_INTERRUPTS();
		if (__builtin_add_overflow(level, bucket->change, &level) ||
			!ProfileMultiply(level, ProfileDistance(from, to), &amount) ||
			__builtin_add_overflow(amount, bucket->amount, &amount))
			sum_out_of_range_error(state->kind);
		values[0] = ProfileMakeRange(from, to);
		if (state->kind == PROFILE_RATE)
			values[1] = QuantityPGetDatum(QuantityMake(amount, state->basis));
		else
		{
			int128		total;

			if (__builtin_add_overflow(sum, amount, &sum))
				sum_out_of_range_error(state->kind);
			total = DevicePicohours(sum);
			values[1] = DeviceHoursGetNumeric(total - given);
			given = total;
		}
		rows[i] = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	}
	ReleaseTupleDesc(desc);
	PG_RETURN_ARRAYTYPE_P(construct_array(rows, count, element, -1, false, TYPALIGN_DOUBLE));
}
