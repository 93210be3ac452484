/*
 * queue_plan.c
 *		A pass of the queue as SQL asks for it: reads pools, accounts and requests, and returns where and when each would begin.
 */
#include "base/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"

#include "base/row_columns.h"
#include "profile/profile_object.h"
#include "profile/profile_period.h"
#include "profile/profile_query.h"
#include "quantity/quantity.h"
#include "queue/plan.h"

#define ROWS	"what the queue is planned by"

/* No instant that is planned with is beyond these, so that lengths may be added to them. */
#define FIRST_INSTANT	MIN_TIMESTAMP
#define LAST_INSTANT	(END_TIMESTAMP - 1)

/* What is read, and the numbers by which rows name each other, in order. */
typedef struct PlanInput
{
	QueuePlan	plan;
	int64	   *pools;
	int64	   *accounts;
	int64	   *kinds;
	int32		nkinds;
	double	   *turns;			/* of requests; NaN: none */
} PlanInput;

static const char *const moved_words[] = {
	[QUEUE_NOT_MOVED] = NULL,
	[QUEUE_MOVED_HIGHER] = "requests of a higher band came before it",
	[QUEUE_MOVED_CAPACITY] = "the pool offers less than it did",
	[QUEUE_MOVED_OVERRUN] = "somebody is still there whose time has ended",
	[QUEUE_MOVED_BOOKED] = "devices were booked outside of the queue",
	[QUEUE_MOVED_LATE] = "no pass was made when it was to begin",
	[QUEUE_MOVED_POOL] = "it may not run in its pool any more",
	[QUEUE_MOVED_OTHERS] = "another one that had to be moved came before it"
};

/* Returns a column of a row that is not NULL. */
static Datum
needed(uint64 row, int number)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, &isnull);

	if (isnull)
		RowNullError(ROWS, NameStr(TupleDescAttr(SPI_tuptable->tupdesc, number - 1)->attname));
	return value;
}

/* Returns a column of a row, or what stands for NULL. */
static Datum
or_else(uint64 row, int number, Datum otherwise)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, &isnull);

	return isnull ? otherwise : value;
}

/* Returns an instant within those that may be planned with. */
static int64
instant(Datum at)
{
	return Max(FIRST_INSTANT, Min(LAST_INSTANT, DatumGetTimestampTz(at)));
}

/* Runs a query, whose plan is kept, and compares its columns; returns the number of rows. */
static int32
read_queue(SPIPlanPtr *plan, const char *query, Datum now, Datum until, const RowColumn *columns, int ncolumns)
{
	Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {now, until};

	if (*plan == NULL)
	{
		SPIPlanPtr	prepared = SPI_prepare(query, 2, types);

		if (prepared == NULL || SPI_keepplan(prepared) != 0)
			elog(ERROR, "could not prepare a query of the queue");
		*plan = prepared;
	}
	if (SPI_execute_plan(*plan, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the queue");
	RowColumnsCheck(SPI_tuptable->tupdesc, ROWS, columns, ncolumns);
	if (SPI_processed > PG_INT32_MAX / 8)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too much is in the queue")));
	return (int32) SPI_processed;
}

/* Makes a table of so many things, all zero. */
static void *
make_queue(PlanInput *input, int32 count, Size size)
{
	return MemoryContextAllocExtended((MemoryContext) input->plan.context, Max(1, count) * size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Finds a number among some in order; -1: it is none of them. */
static int32
find_number(const int64 *numbers, int32 count, int64 number)
{
	int32		low = 0;
	int32		high = count;

	while (low < high)
	{
		int32		middle = low + (high - low) / 2;

		if (numbers[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && numbers[low] == number ? low : -1;
}

/* Makes a timeline of whole devices of a profile. */
static void
read_profile(PlanInput *input, Timeline *timeline, Datum profile)
{
	ProfileSource source;
	ProfileSegments segments;
	ProfileSegment segment;

	TimelineInit(timeline, ProfileResizeMemory, input->plan.context);
	ProfileOpen(&source, profile, PROFILE_WHOLE);
	ProfileOpenSegments(&segments, &source.start, FIRST_INSTANT, LAST_INSTANT);
	while (ProfileNextSegment(&segments, &segment))
	{
		int128		devices = segment.level / DEVICE_UNITS;

		if (segment.level > 0 && devices > 0)
			TimelineAdd(timeline, segment.from, segment.to, (int64) Min(devices, PG_INT32_MAX));
	}
	if (segments.cursor.status != PROFILE_OK)
		ProfileRaise(segments.cursor.status, PROFILE_DEVICE);
}

/* Reads pools, and what is free of them. */
static void
read_queue_pools(PlanInput *input, Datum now, Datum until)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("pool", INT8OID), ROW_COLUMN("granule", INT4OID), ROW_COLUMN("slot_minutes", INT4OID), ROW_COLUMN("first", TIMESTAMPTZOID),
		ROW_COLUMN("until", TIMESTAMPTZOID), ROW_COLUMN("lead", INT8OID), ROW_COLUMN("changed", BOOLOID), ROW_COLUMN("overrun", INT8OID),
		ROW_COLUMN_OWN("free", "device_profile"), ROW_COLUMN_OWN("free_to_guests", "device_profile")
	};
	static SPIPlanPtr query = NULL;
	int32		count = read_queue(&query,
								   "SELECT pool, granule, slot_minutes, first, until, lead, changed, overrun, free, free_to_guests"
								   " FROM compute_ledger._queue_pools($1, $2) ORDER BY pool",
								   now, until, columns, lengthof(columns));

	input->plan.npools = count;
	input->plan.pools = make_queue(input, count, sizeof(QueuePool));
	input->pools = make_queue(input, count, sizeof(int64));
	for (int32 i = 0; i < count; i++)
	{
		QueuePool  *pool = &input->plan.pools[i];
		int64		overrun = DatumGetInt64(needed(i, 8));
		Datum		guests = or_else(i, 10, (Datum) 0);

		pool->id = input->pools[i] = DatumGetInt64(needed(i, 1));
		pool->granule = Max(1, DatumGetInt32(needed(i, 2)));
		pool->step = Max(1, DatumGetInt32(needed(i, 3))) * USECS_PER_MINUTE;
		pool->first = instant(needed(i, 4));
		pool->until = instant(needed(i, 5));
		pool->lead = Max(0, Min(DatumGetInt64(needed(i, 6)), 36500 * USECS_PER_DAY));
		pool->changed = DatumGetBool(needed(i, 7));
		pool->overrun = overrun > 0;
		read_profile(input, &pool->free, needed(i, 9));
		/* whoever is there longer than he should be is in the way now, perhaps not later */
		if (overrun > 0 && pool->first + pool->step < LAST_INSTANT)
			TimelineAdd(&pool->free, pool->first, pool->first + pool->step, -Min(overrun, PG_INT32_MAX));
		pool->has_guests = guests != (Datum) 0;
		if (pool->has_guests)
			read_profile(input, &pool->free_to_guests, guests);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Reads where requests of which kinds may run. */
static void
read_fits(PlanInput *input, Datum now, Datum until)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("kind", INT8OID), ROW_COLUMN("pool", INT8OID), ROW_COLUMN("guest", BOOLOID), ROW_COLUMN("starts", TIMESTAMPTZOID),
		ROW_COLUMN("ends", TIMESTAMPTZOID), ROW_COLUMN("delay", INT8OID), ROW_COLUMN("price", FLOAT8OID), ROW_COLUMN("transfer", FLOAT8OID),
		ROW_COLUMN_OWN("rate", "compute_rate"), ROW_COLUMN_OWN("speed", "compute_rate")
	};
	static SPIPlanPtr query = NULL;
	int32		count = read_queue(&query,
								   "SELECT kind, pool, guest, starts, ends, delay, price, transfer, rate, speed"
								   " FROM compute_ledger._queue_fits($1) ORDER BY kind, pool, price, starts, ends",
								   now, until, columns, lengthof(columns));
	int32		nfits = 0;

	input->plan.fits = make_queue(input, count, sizeof(QueueFit));
	input->plan.kinds = make_queue(input, count, sizeof(QueueKind));
	input->kinds = make_queue(input, count, sizeof(int64));
	for (int32 i = 0; i < count; i++)
	{
		int64		kind = DatumGetInt64(needed(i, 1));
		int32		pool = find_number(input->pools, input->plan.npools, DatumGetInt64(or_else(i, 2, Int64GetDatum(-1))));
		Datum		rate = or_else(i, 9, (Datum) 0);
		Datum		speed = or_else(i, 10, (Datum) 0);

		if (input->nkinds == 0 || input->kinds[input->nkinds - 1] != kind)
		{
			input->plan.kinds[input->nkinds].first_fit = nfits;
			input->kinds[input->nkinds++] = kind;
		}
		/* a kind may have no pool, and a pool in doubt is none */
		if (pool == -1)
			continue;
		input->plan.fits[nfits++] = (QueueFit) {
			.pool = pool,
			.guest = DatumGetBool(needed(i, 3)) && input->plan.pools[pool].has_guests,
			.from = instant(needed(i, 4)),
			.until = instant(needed(i, 5)),
			.delay = Max(0, Min(DatumGetInt64(needed(i, 6)), 36500 * USECS_PER_DAY)),
			.price = DatumGetFloat8(needed(i, 7)),
			.transfer = DatumGetFloat8(needed(i, 8)),
			.rate = rate == (Datum) 0 ? 0 : (double) QuantityAmount(DatumGetQuantityP(rate)),
			.speed = speed == (Datum) 0 ? 0 : QuantityAmount(DatumGetQuantityP(speed))
		};
		input->plan.kinds[input->nkinds - 1].fits++;
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Reads the tree of accounts; parents that are none of it, and circles, are cut. */
static void
read_accounts(PlanInput *input, Datum now, Datum until)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("account", INT8OID), ROW_COLUMN("parent", INT8OID), ROW_COLUMN("shares", FLOAT8OID), ROW_COLUMN("work", FLOAT8OID),
		ROW_COLUMN("own", FLOAT8OID)
	};
	static SPIPlanPtr query = NULL;
	int32		count = read_queue(&query,
								   "SELECT account, parent, shares, work, own FROM compute_ledger._queue_accounts($1) ORDER BY account",
								   now, until, columns, lengthof(columns));
	QueueAccount *accounts = make_queue(input, count, sizeof(QueueAccount));

	input->plan.naccounts = count;
	input->plan.accounts = accounts;
	input->accounts = make_queue(input, count, sizeof(int64));
	for (int32 i = 0; i < count; i++)
	{
		input->accounts[i] = DatumGetInt64(needed(i, 1));
		accounts[i] = (QueueAccount) {
			.parent = -1,
			.share = DatumGetFloat8(needed(i, 3)),
			.work = DatumGetFloat8(needed(i, 4)),
			.own_work = DatumGetFloat8(needed(i, 5))
		};
	}
	for (int32 i = 0; i < count; i++)
	{
		int64		parent = DatumGetInt64(or_else(i, 2, Int64GetDatum(-1)));
		int32		above = find_number(input->accounts, count, parent);
		int32		n = above;

		for (int32 steps = 0; n != -1 && n != i && steps < count; steps++)
			n = accounts[n].parent;
		if (n == -1)
			accounts[i].parent = above;
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Reads the requests that wait, but for those of accounts that are no more. */
static void
read_requests(PlanInput *input, Datum now, Datum until)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("id", INT8OID), ROW_COLUMN("account", INT8OID), ROW_COLUMN("kind", INT8OID), ROW_COLUMN("band", INT4OID),
		ROW_COLUMN("submitted", TIMESTAMPTZOID), ROW_COLUMN("devices", INT8OID), ROW_COLUMN("length", INT8OID), ROW_COLUMN_OWN("work", "compute_unit"),
		ROW_COLUMN("not_before", TIMESTAMPTZOID), ROW_COLUMN("most", FLOAT8OID), ROW_COLUMN("pool", INT8OID), ROW_COLUMN("starts", TIMESTAMPTZOID),
		ROW_COLUMN("ends", TIMESTAMPTZOID), ROW_COLUMN("latest", TIMESTAMPTZOID), ROW_COLUMN("fixed", TIMESTAMPTZOID), ROW_COLUMN("turn", FLOAT8OID),
		ROW_COLUMN("deadline", TIMESTAMPTZOID)
	};
	static SPIPlanPtr query = NULL;
	int32		count = read_queue(&query,
								   "SELECT id, account, kind, band, submitted, devices, length, work, not_before, most, pool, starts, ends, latest,"
								   " fixed, turn, deadline FROM compute_ledger._queue_requests($1)",
								   now, until, columns, lengthof(columns));

	input->plan.requests = make_queue(input, count, sizeof(QueueRequest));
	input->turns = make_queue(input, count, sizeof(double));
	for (int32 i = 0; i < count; i++)
	{
		QueueRequest *request = &input->plan.requests[input->plan.nrequests];
		int32		account = find_number(input->accounts, input->plan.naccounts, DatumGetInt64(needed(i, 2)));
		int32		kind = find_number(input->kinds, input->nkinds, DatumGetInt64(needed(i, 3)));
		Datum		work = or_else(i, 8, (Datum) 0);

		if (account == -1 || kind == -1)
			continue;
		*request = (QueueRequest) {
			.id = DatumGetInt64(needed(i, 1)),
			.account = account,
			.kind = kind,
			.band = DatumGetInt32(needed(i, 4)),
			.submitted = instant(needed(i, 5)),
			.devices = Max(1, Min(DatumGetInt64(needed(i, 6)), 1000000000)),
			.length = Max(0, DatumGetInt64(or_else(i, 7, Int64GetDatum(0)))),
			.work = work == (Datum) 0 ? 0 : QuantityAmount(DatumGetQuantityP(work)),
			.not_before = instant(or_else(i, 9, TimestampTzGetDatum(DT_NOBEGIN))),
			.most = DatumGetFloat8(or_else(i, 10, Float8GetDatum(INFINITY))),
			.deadline = instant(or_else(i, 17, TimestampTzGetDatum(DT_NOEND))),
			.had_plan = or_else(i, 11, (Datum) 0) != (Datum) 0,
			.planned_pool = find_number(input->pools, input->plan.npools, DatumGetInt64(or_else(i, 11, Int64GetDatum(-1)))),
			.planned_start = instant(or_else(i, 12, TimestampTzGetDatum(DT_NOEND))),
			.planned_end = instant(or_else(i, 13, TimestampTzGetDatum(DT_NOEND))),
			.latest = DatumGetTimestampTz(or_else(i, 14, TimestampTzGetDatum(DT_NOEND))),
			.fixed = DatumGetTimestampTz(or_else(i, 15, TimestampTzGetDatum(DT_NOEND)))
		};
		input->turns[input->plan.nrequests++] = DatumGetFloat8(or_else(i, 16, Float8GetDatum(NAN)));
	}
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Gives each request a turn, rising in the order of service; as many as can keep theirs do.
 */
static void
give_turns(PlanInput *input)
{
	QueuePlan  *plan = &input->plan;
	int32	   *served = make_queue(input, plan->nrequests, sizeof(int32));
	double		last = 0;

	for (int32 i = 0; i < plan->nrequests; i++)
		served[plan->requests[i].place] = i;
	for (int32 place = 0; place < plan->nrequests; place++)
	{
		double	   *turn = &input->turns[served[place]];
		double		next = place + 1 < plan->nrequests ? input->turns[served[place + 1]] : NAN;
		double		between = last / 2 + next / 2;

		/* NaN is nothing of all that */
		if (!(*turn > last && !(next <= *turn)))
			*turn = between > last && between < next ? between : last + 1;
		last = *turn;
	}
}

/* Lets the planner be cancelled. */
static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

/*
 * _plan_queue(now timestamptz, until timestamptz) -> setof (request bigint, pool bigint, starts timestamptz, ends timestamptz,
 *				turn double precision, head boolean, due boolean, moved text, rounds integer)
 */
PG_FUNCTION_INFO_V1(plan_queue);
Datum
plan_queue(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "plan of the queue", ALLOCSET_DEFAULT_SIZES);
	PlanInput	input = {.plan = {.resize = ProfileResizeMemory, .context = context, .check = check_interrupts}};
	Datum		now = PG_GETARG_DATUM(0);
	Datum		until = PG_GETARG_DATUM(1);

	InitMaterializedSRF(fcinfo, 0);
	if (TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(now)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a pass is made at an instant")));
	input.plan.now = DatumGetTimestampTz(now);
	SPI_connect();
	read_queue_pools(&input, now, until);
	read_fits(&input, now, until);
	read_accounts(&input, now, until);
	read_requests(&input, now, until);
	SPI_finish();
	QueueMakePlan(&input.plan);
	give_turns(&input);
	for (int32 i = 0; i < input.plan.nrequests; i++)
	{
		const QueueRequest *request = &input.plan.requests[i];
		bool		none = request->pool == -1;
		bool		nulls[] = {false, none, none, none, false, false, false, moved_words[request->moved] == NULL, false};
		Datum		values[] = {
			Int64GetDatum(request->id), none ? (Datum) 0 : Int64GetDatum(input.plan.pools[request->pool].id), TimestampTzGetDatum(request->start),
			TimestampTzGetDatum(request->end), Float8GetDatum(input.turns[i]), BoolGetDatum(request->head), BoolGetDatum(!none && request->due),
			nulls[7] ? (Datum) 0 : CStringGetTextDatum(moved_words[request->moved]), Int32GetDatum(input.plan.rounds)
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	MemoryContextDelete(context);
	return (Datum) 0;
}
