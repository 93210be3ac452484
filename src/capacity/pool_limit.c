/*
 * pool_limit.c
 *		How many devices of a pool may be booked at each instant.
 *
 * What is offered less what is taken from it, never below zero, rounded down to the pool's granule; for guests at most
 * their share of that, rounded down likewise.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/row_columns.h"
#include "capacity/pool_limit.h"
#include "profile/profile_normal.h"
#include "profile/profile_object.h"
#include "profile/profile_period.h"
#include "profile/profile_query.h"

/* What takes all there is: more than any pool offers. */
#define ALL_DEVICES		INT64CONST(2000000000)

/* A share of guests, and when. */
typedef struct GuestShare
{
	int64		from;
	int64		to;
	Datum		share;
} GuestShare;

/* What is recorded of a pool in a period. */
typedef struct LimitInput
{
	ProfileObject *offered;		/* less what is taken from it */
	int64		granule;		/* 0: there is no such pool */
	GuestShare *shares;			/* NULL: none */
	int			nshares;
} LimitInput;

static const RowColumn limit_columns[] = {
	ROW_COLUMN("pool", INT8OID), ROW_COLUMN("kind", INT4OID), ROW_COLUMN("valid", TSTZRANGEOID), ROW_COLUMN("devices", INT8OID),
	ROW_COLUMN("share", NUMERICOID)
};

/*
 * Rows that hold for pools in a period from $2 to $3, without what was not planned unless $4; these: which pools.  Indexes lead
 * to those that have not ended before it.
 */
#define LIMIT_QUERY(these) \
	"SELECT p.id AS pool, 0 AS kind, NULL::pg_catalog.tstzrange AS valid, p.granule::pg_catalog.int8 AS devices, NULL::pg_catalog.\"numeric\" AS share" \
	" FROM compute_ledger.pool AS p WHERE p.id " these \
	" UNION ALL SELECT o.pool, 1, o.valid, o.devices::pg_catalog.int8, NULL FROM compute_ledger.pool_offer AS o" \
	" WHERE o.pool " these " AND pg_catalog.upper_inf(o.recorded)" \
	" AND COALESCE(pg_catalog.upper(o.valid), 'infinity'::pg_catalog.timestamptz) OPERATOR(pg_catalog.>) $2" \
	" AND pg_catalog.lower(o.valid) OPERATOR(pg_catalog.<) $3" \
	" UNION ALL SELECT r.pool, 2, r.valid, r.devices::pg_catalog.int8, NULL FROM compute_ledger.pool_reduction AS r" \
	" WHERE r.pool " these " AND r.withdrawn OPERATOR(pg_catalog.=) 'infinity'::pg_catalog.timestamptz" \
	" AND COALESCE(pg_catalog.upper(r.valid), 'infinity'::pg_catalog.timestamptz) OPERATOR(pg_catalog.>) $2" \
	" AND pg_catalog.lower(r.valid) OPERATOR(pg_catalog.<) $3" \
	" AND ($4 OR r.kind OPERATOR(pg_catalog.=) ANY (ARRAY['maintenance', 'blackout']))"
#define GUEST_LIMIT_QUERY(these) \
	LIMIT_QUERY(these) \
	" UNION ALL SELECT s.pool, 3, s.valid, NULL, s.share FROM compute_ledger.guest_share AS s" \
	" WHERE s.pool " these " AND pg_catalog.upper_inf(s.recorded)" \
	" AND COALESCE(pg_catalog.upper(s.valid), 'infinity'::pg_catalog.timestamptz) OPERATOR(pg_catalog.>) $2" \
	" AND COALESCE(pg_catalog.lower(s.valid), '-infinity'::pg_catalog.timestamptz) OPERATOR(pg_catalog.<) $3"

/* Adds a row that holds for a pool in a period. */
static void
add_row(LimitInput *input, HeapTuple row, TupleDesc desc, int64 from, int64 to)
{
	bool		no_period;
	bool		no_devices;
	bool		no_share;
	int			kind = DatumGetInt32(SPI_getbinval(row, desc, 2, &no_period));
	Datum		valid = SPI_getbinval(row, desc, 3, &no_period);
	Datum		devices = SPI_getbinval(row, desc, 4, &no_devices);
	Datum		share = SPI_getbinval(row, desc, 5, &no_share);
	int64		starts;
	int64		ends;

	if (kind == 0)
	{
		input->granule = no_devices ? 0 : DatumGetInt64(devices);
		return;
	}
	if (no_period || !ProfileWindow(valid, &starts, &ends))
		return;
	starts = Max(starts, from);
	ends = Min(ends, to);
	if (starts >= ends)
		return;
	if (kind == 3)
	{
		if (input->shares == NULL)
			input->shares = palloc(SPI_processed * sizeof(GuestShare));
		if (!no_share)
			input->shares[input->nshares++] = (GuestShare) {starts, ends, share};
	}
	else if (no_devices)
		ProfileAddPeriod(input->offered, starts, ends, -(int128) ALL_DEVICES * DEVICE_UNITS);
	else
		ProfileAddPeriod(input->offered, starts, ends, (int128) (kind == 1 ? DatumGetInt64(devices) : -DatumGetInt64(devices)) * DEVICE_UNITS);
}

/* Reads what is recorded of pools, one after the other as the set has them. */
static LimitInput *
read_limits(const PoolSet *set, bool guests, bool happened, int64 from, int64 to)
{
	static const char *const queries[][2] = {POOL_SET_QUERIES(LIMIT_QUERY), POOL_SET_QUERIES(GUEST_LIMIT_QUERY)};
	static PoolSetPlans plans[2];
	Oid			types[] = {InvalidOid, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID};
	Datum		values[] = {0, TimestampTzGetDatum(from), TimestampTzGetDatum(to), BoolGetDatum(happened)};
	LimitInput *inputs = palloc0(set->count * sizeof(LimitInput));
	uint64		count = PoolSetRun(set, &plans[guests], queries[guests], lengthof(types), types, values, true);
	TupleDesc	desc = SPI_tuptable->tupdesc;

	RowColumnsCheck(desc, "the limit of a pool", limit_columns, lengthof(limit_columns));
	for (int i = 0; i < set->count; i++)
		inputs[i].offered = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		int64		pool = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], desc, 1, &isnull));

		add_row(&inputs[PoolSetPlace(set, pool)], SPI_tuptable->vals[i], desc, from, to);
	}
	for (int i = 0; i < set->count; i++)
	{
		if (inputs[i].granule <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("pool %lld does not exist", (long long) set->pools[i])));
	}
	return inputs;
}

/* Returns a share of so many devices, rounded down to the granule. */
static int64
guests_part(int64 devices, Datum share, int64 granule)
{
	Datum		part = DirectFunctionCall2(numeric_mul, NumericGetDatum(int64_to_numeric(devices)), share);
	Datum		granules = DirectFunctionCall2(numeric_div_trunc, part, NumericGetDatum(int64_to_numeric(granule)));

	return DatumGetInt64(DirectFunctionCall1(numeric_int8, granules)) * granule;
}

/* Adds what may be booked, of so many devices that are there over a period. */
static void
add_limit(ProfileObject *limit, const LimitInput *input, int64 from, int64 to, int64 devices)
{
	int64		at = from;

	while (at < to)
	{
		const GuestShare *share = NULL;
		int64		end = to;
		int64		allowed = devices;

		for (int i = 0; i < input->nshares; i++)
		{
			if (input->shares[i].from <= at && at < input->shares[i].to)
				share = &input->shares[i];
			else if (input->shares[i].from > at)
				end = Min(end, input->shares[i].from);
		}
		if (share != NULL)
		{
			end = Min(end, share->to);
			allowed = Min(allowed, guests_part(devices, share->share, input->granule));
		}
		if (allowed > 0)
			ProfileAddPeriod(limit, at, end, (int128) allowed * DEVICE_UNITS);
		at = end;
	}
}

/* Returns what may be booked of a pool from one instant to another, of what is recorded of it. */
static ProfileObject *
limit_of(const LimitInput *input, int64 from, int64 to)
{
	ProfileObject *limit = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	ProfileStatus status;
	ProfileCursor start;
	ProfileSegments segments;
	ProfileSegment segment;

	/* no value of its own: what overlaps may take more than a level can say */
	status = ProfileNormalize(&input->offered->events);
	if (status != PROFILE_OK)
		ProfileRaise(status, PROFILE_DEVICE);
	ProfileStartEvents(&start, &input->offered->events);
	ProfileOpenSegments(&segments, &start, from, to);
	while (ProfileNextSegment(&segments, &segment))
	{
		if (segment.level > 0)
			add_limit(limit, input, segment.from, segment.to, (int64) (segment.level / DEVICE_UNITS) / input->granule * input->granule);
	}
	return ProfileFinish(limit);
}

/*
 * Returns what may be booked of pools, as the set has them, from one instant to another, by all or by guests, as the active
 * snapshot has it; happened: less what has happened, too.
 * The caller is connected to SPI.
 */
ProfileObject **
PoolLimits(const PoolSet *set, int64 from, int64 to, bool guests, bool happened)
{
	LimitInput *inputs = read_limits(set, guests, happened, from, to);
	ProfileObject **limits = palloc(set->count * sizeof(ProfileObject *));

	for (int i = 0; i < set->count; i++)
		limits[i] = limit_of(&inputs[i], from, to);
	return limits;
}

/* The same of one pool. */
ProfileObject *
PoolLimit(int64 pool, int64 from, int64 to, bool guests, bool happened)
{
	return PoolLimits(&(PoolSet) {&pool, 1}, from, to, guests, happened)[0];
}

/*
 * _pool_limit(pool bigint, period tstzrange, guests boolean, happened boolean) -> device_profile
 */
PG_FUNCTION_INFO_V1(pool_limit);
Datum
pool_limit(PG_FUNCTION_ARGS)
{
	ProfileObject *result = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	int64		from;
	int64		to;

	if (ProfilePeriod(PG_GETARG_DATUM(1), &from, &to))
	{
		SPI_connect();
		ProfileMerge(result, ProfileGetDatum(PoolLimit(PG_GETARG_INT64(0), from, to, PG_GETARG_BOOL(2), PG_GETARG_BOOL(3))), false);
		SPI_finish();
	}
	PG_RETURN_DATUM(ProfileGetDatum(ProfileFinish(result)));
}
