/*
 * available.c
 *		What is free: what may be booked less what is, at each instant and never below 0.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/row_columns.h"
#include "capacity/available.h"
#include "capacity/kept_free.h"
#include "capacity/pool_book.h"
#include "capacity/pool_limit.h"
#include "profile/profile_period.h"
#include "profile/profile_query.h"

/* What is asked. */
typedef struct PoolsAsked
{
	int64		from;
	int64		to;
	TimestampTz clock;			/* holds that have run out by then are not booked */
	bool		preempting;		/* nor is what gives way, once it has been told */
	bool		guests;			/* of what guests may have and have booked */
	ProfileTally *free;			/* what is free of all pools together; NULL: of each by itself */
} PoolsAsked;

/* What there is of a pool. */
typedef struct PoolBook
{
	ProfileObject *limit;
	ProfileTally *booked;		/* NULL: it is taken from what is free of all pools together */
	int64		base;			/* the highest of its months */
	int64		peak;			/* the highest of its days */
} PoolBook;

/* What a hold that has run out, or what gives way, takes of a pool's book in the period that is asked for. */
typedef struct Hold
{
	int			place;			/* of its pool in the set */
	int64		from;
	int64		to;
	int64		devices;
} Hold;

/* Holds that have run out and are in the book still. */
#define HOLD_QUERY(these) \
	"SELECT h.pool, h.occupies, h.devices FROM compute_ledger.reservation AS h WHERE h.pool " these \
	" AND h.state OPERATOR(pg_catalog.=) 'held' AND h.held_until OPERATOR(pg_catalog.<=) $2 AND (h.guest OR NOT $3)"

/* Those, and what gives way to others, from when it can be told on. */
#define GIVING_QUERY(these) \
	HOLD_QUERY(these) \
	" UNION ALL SELECT r.pool, r.occupies OPERATOR(pg_catalog.*) pg_catalog.tstzrange($2 OPERATOR(pg_catalog.+) r.preempt_notice, NULL), r.devices" \
	" FROM compute_ledger.reservation AS r WHERE r.pool " these " AND r.preempt_notice IS NOT NULL AND NOT pg_catalog.isempty(r.occupies)" \
	" AND pg_catalog.upper(r.occupies) OPERATOR(pg_catalog.>) $2 AND (r.state OPERATOR(pg_catalog.=) ANY (ARRAY['confirmed', 'running'])" \
	" OR r.state OPERATOR(pg_catalog.=) 'held' AND r.held_until OPERATOR(pg_catalog.>) $2) AND (r.guest OR NOT $3)"

static const RowColumn hold_columns[] = {
	ROW_COLUMN("pool", INT8OID), ROW_COLUMN("occupies", TSTZRANGEOID), ROW_COLUMN("devices", INT4OID)
};

/* Reads holds that have run out, and what gives way; returns how many there are. */
static int
read_holds(const PoolsAsked *asked, const PoolSet *set, Hold **holds)
{
	static const char *const queries[][2] = {POOL_SET_QUERIES(HOLD_QUERY), POOL_SET_QUERIES(GIVING_QUERY)};
	static PoolSetPlans plans[lengthof(queries)];
	Oid			types[] = {InvalidOid, TIMESTAMPTZOID, BOOLOID};
	Datum		arguments[] = {0, TimestampTzGetDatum(asked->clock), BoolGetDatum(asked->guests)};
	int			which = asked->preempting ? 1 : 0;
	uint64		rows = PoolSetRun(set, &plans[which], queries[which], lengthof(types), types, arguments, true);
	int			count = 0;

	RowColumnsCheck(SPI_tuptable->tupdesc, "holds", hold_columns, lengthof(hold_columns));
	*holds = MemoryContextAllocHuge(CurrentMemoryContext, (rows + 1) * sizeof(Hold));
	for (uint64 i = 0; i < rows; i++)
	{
		Datum		values[lengthof(hold_columns)];
		bool		nulls[lengthof(hold_columns)];
		int64		from;
		int64		to;

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, nulls);
		for (int column = 0; column < (int) lengthof(hold_columns); column++)
		{
			if (nulls[column])
				RowNullError("holds", hold_columns[column].name);
		}
		if (!ProfileWindow(values[1], &from, &to) || Max(from, asked->from) >= Min(to, asked->to))
			continue;
		(*holds)[count++] = (Hold) {
			PoolSetPlace(set, DatumGetInt64(values[0])), Max(from, asked->from), Min(to, asked->to), DatumGetInt32(values[2])
		};
	}
	SPI_freetuptable(SPI_tuptable);
	return count;
}

/* Takes a hold from what is booked of its pool. */
static void
take_hold(const PoolsAsked *asked, const Hold *hold, const PoolBook *book)
{
	bool		is_own = book->booked != NULL;

	ProfileTallyPeriod(is_own ? book->booked : asked->free, hold->from, hold->to, (int128) hold->devices * (is_own ? -DEVICE_UNITS : DEVICE_UNITS));
}

/*
 * Whether more may be booked of a pool throughout than is at any instant.  What is free is then the difference, of which
 * nothing has to be cut off, and it is all the same in which order it is added up over pools.
 */
static bool
fits(const PoolsAsked *asked, const PoolBook *book)
{
	ProfileSource limit;
	ProfileStatus status;
	int128		lowest;

	ProfileOpen(&limit, ProfileGetDatum(book->limit), PROFILE_WHOLE);
	status = ProfileLowest(&limit.start, asked->from, asked->to, &lowest);
	if (status != PROFILE_OK)
		ProfileRaise(status, PROFILE_DEVICE);
	return ((int128) book->base + book->peak) * DEVICE_UNITS <= lowest;
}

/* Reads what may be booked of pools and what is, with all holds: into a tally for each, but where that is not needed. */
static PoolBook *
read_pools(const PoolsAsked *asked, const PoolSet *set)
{
	PoolBook   *books = palloc0(set->count * sizeof(PoolBook));
	ProfileObject **limits = PoolLimits(set, asked->from, asked->to, asked->guests, true);
	Book		book;

	ReadBook(set, asked->guests, asked->from, asked->to, &book);
	for (size_t i = 0; i < book.count; i++)
	{
		const BookRow *row = &book.rows[i];

		if (row->is_month)
			books[row->place].base = Max(books[row->place].base, row->base);
		else
			books[row->place].peak = Max(books[row->place].peak, row->peak);
	}
	for (int i = 0; i < set->count; i++)
	{
		books[i].limit = limits[i];
		if (asked->free == NULL || !fits(asked, &books[i]))
			books[i].booked = ProfileTallyMake(CurrentMemoryContext);
	}
	for (size_t i = 0; i < book.count; i++)
	{
		ProfileTally *booked = books[book.rows[i].place].booked;

		TallyBookRow(booked != NULL ? booked : asked->free, &book.rows[i], asked->from, asked->to, booked == NULL);
	}
	return books;
}

/* Returns what is left of one profile less another. */
static ProfileObject *
left_of(ProfileObject *limit, ProfileObject *booked)
{
	ProfileObject *left = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	ProfileObject *object;
	ProfileCursor start;
	ProfileSegments segments;
	ProfileSegment segment;

	ProfileMerge(left, ProfileGetDatum(limit), false);
	ProfileMerge(left, ProfileGetDatum(booked), true);
	left = ProfileFinish(left);
	/* finishing has found the range of its levels */
	if (left->events.lowest >= 0)
		return left;
	object = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	ProfileStartEvents(&start, &left->events);
	ProfileOpenSegments(&segments, &start, PROFILE_BEGIN, PROFILE_END);
	while (ProfileNextSegment(&segments, &segment))
		if (segment.level > 0)
			ProfileAddPeriod(object, segment.from, segment.to, segment.level);
	if (segments.cursor.status != PROFILE_OK)
		ProfileRaise(segments.cursor.status, PROFILE_DEVICE);
	return ProfileFinish(object);
}

/*
 * Reads what is free of pools of which it is 0: all of a window that has what is asked for in it, which is kept of those
 * that have no holds.
 */
static void
read_free(const PoolsAsked *asked, const PoolSet *set, int64 from, int64 to, const Hold *holds, int nholds, Datum *free)
{
	PoolsAsked	window = {.from = from, .to = to, .guests = asked->guests};
	int64	   *pools = palloc(set->count * sizeof(int64));
	int		   *places = palloc(set->count * sizeof(int));
	Datum	   *read = palloc(set->count * sizeof(Datum));
	PoolSet		unread = {pools, 0};
	PoolBook   *books;

	for (int i = 0; i < set->count; i++)
	{
		if (free[i] != (Datum) 0)
			continue;
		places[i] = unread.count;
		pools[unread.count++] = set->pools[i];
	}
	books = read_pools(&window, &unread);
	for (int i = 0; i < nholds; i++)
		take_hold(asked, &holds[i], &books[places[holds[i].place]]);
	for (int i = 0; i < set->count; i++)
	{
		if (free[i] == (Datum) 0)
			read[places[i]] = free[i] = ProfileGetDatum(left_of(books[places[i]].limit, ProfileTallyFinish(books[places[i]].booked)));
	}
	for (int i = 0; i < nholds; i++)
		read[places[holds[i].place]] = (Datum) 0;
	KeptFreeKeep(&unread, asked->guests, from, to, read);
}

/*
 * Returns what is free of pools, as the set has them, at least from one instant to another; preempting: for whom others give
 * way; guests: of what guests may have.  The caller is connected to SPI.
 */
Datum *
PoolsFree(const PoolSet *set, int64 from, int64 to, TimestampTz clock, bool preempting, bool guests)
{
	PoolsAsked	asked = {.from = from, .to = to, .clock = clock, .preempting = preempting, .guests = guests, .free = NULL};
	Datum	   *free = palloc(set->count * sizeof(Datum));
	Hold	   *holds;
	int			nholds = read_holds(&asked, set, &holds);
	int			missing = KeptFreeFind(set, guests, &from, &to, free);

	for (int i = 0; i < nholds; i++)
	{
		missing += free[holds[i].place] != (Datum) 0;
		free[holds[i].place] = (Datum) 0;
	}
	if (missing > 0)
		read_free(&asked, set, from, to, holds, nholds, free);
	return free;
}

/* Answers for some pools: adds what is free of them, or puts a row for each. */
static void
answer(const PoolsAsked *asked, const PoolSet *set, ReturnSetInfo *result)
{
	PoolBook   *books = read_pools(asked, set);
	Hold	   *holds;
	int			nholds = read_holds(asked, set, &holds);

	for (int i = 0; i < nholds; i++)
		take_hold(asked, &holds[i], &books[holds[i].place]);
	for (int i = 0; i < set->count; i++)
	{
		ProfileObject *limit = books[i].limit;
		ProfileObject *booked;

		if (books[i].booked == NULL)
		{
			ProfileTallyMerge(asked->free, ProfileGetDatum(limit), false);
			continue;
		}
		booked = ProfileTallyFinish(books[i].booked);
		if (asked->free != NULL)
			ProfileTallyMerge(asked->free, ProfileGetDatum(left_of(limit, booked)), false);
		else
		{
			ProfileObject *left = left_of(limit, booked);
			Datum		values[] = {Int64GetDatum(set->pools[i]), ProfileGetDatum(limit), ProfileGetDatum(booked), ProfileGetDatum(left)};
			bool		nulls[lengthof(values)] = {false};

			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
}

/* Answers for an array of pools, of which each counts once. */
static void
answer_all(const PoolsAsked *asked, ArrayType *pools, ReturnSetInfo *result)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "books of pools", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller;
	Datum	   *values;
	bool	   *nulls;
	int			nvalues;
	int64	   *numbers;
	int			count = 0;
	PoolSet		all;

	deconstruct_array(pools, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, &nulls, &nvalues);
	numbers = palloc((nvalues + 1) * sizeof(int64));
	for (int i = 0; i < nvalues; i++)
	{
		if (!nulls[i])
			numbers[count++] = DatumGetInt64(values[i]);
	}
	all = PoolSetOf(numbers, count);
	SPI_connect();
	caller = MemoryContextSwitchTo(context);
	for (int first = 0; first < all.count; first += POOLS_AT_ONCE)
	{
		PoolSet		set = {&all.pools[first], Min(all.count - first, POOLS_AT_ONCE)};

		answer(asked, &set, result);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	SPI_finish();
	MemoryContextDelete(context);
}

/*
 * _pools_available(pools bigint[], period tstzrange, at timestamptz, preempting boolean, guests boolean)
 *		-> (pool bigint, limit, booked, free device_profile)
 *
 * Of each of some pools, what may be booked of it, what is and what is free over a period that has an end; preempting: for
 * whom others give way; guests: of what guests may have.
 */
PG_FUNCTION_INFO_V1(pools_available);
Datum
pools_available(PG_FUNCTION_ARGS)
{
	PoolsAsked		asked = {.clock = PG_GETARG_TIMESTAMPTZ(2), .preempting = PG_GETARG_BOOL(3), .guests = PG_GETARG_BOOL(4), .free = NULL};

	InitMaterializedSRF(fcinfo, 0);
	if (ProfilePeriod(PG_GETARG_DATUM(1), &asked.from, &asked.to))
		answer_all(&asked, PG_GETARG_ARRAYTYPE_P(0), (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}

/*
 * _pools_free(pools bigint[], period tstzrange, at timestamptz) -> device_profile
 *
 * What is free of some pools together; NULL for NULL.  Not strict: a call whose NULL is known beforehand would ask nobody for
 * EXECUTE.
 */
PG_FUNCTION_INFO_V1(pools_free);
Datum
pools_free(PG_FUNCTION_ARGS)
{
	PoolsAsked	asked = {0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	asked.clock = PG_GETARG_TIMESTAMPTZ(2);
	asked.free = ProfileTallyMake(CurrentMemoryContext);
	if (ProfilePeriod(PG_GETARG_DATUM(1), &asked.from, &asked.to))
		answer_all(&asked, PG_GETARG_ARRAYTYPE_P(0), NULL);
	PG_RETURN_DATUM(ProfileGetDatum(ProfileTallyFinish(asked.free)));
}
