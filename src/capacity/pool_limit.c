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
	int64		granule;
	GuestShare *shares;
	int			nshares;
} LimitInput;

static const RowColumn limit_columns[] = {
	ROW_COLUMN("kind", INT4OID), ROW_COLUMN("valid", TSTZRANGEOID), ROW_COLUMN("devices", INT8OID), ROW_COLUMN("share", NUMERICOID)
};

/*
 * Rows that hold for a pool ($1) in a period from $2 to $3, without what was not planned unless $4.  Indexes lead to those
 * that have not ended before it.
 */
#define LIMIT_QUERY \
	"SELECT 0 AS kind, NULL::pg_catalog.tstzrange AS valid, p.granule::pg_catalog.int8 AS devices, NULL::pg_catalog.\"numeric\" AS share" \
	" FROM compute_ledger.pool AS p WHERE p.id OPERATOR(pg_catalog.=) $1" \
	" UNION ALL SELECT 1, o.valid, o.devices::pg_catalog.int8, NULL FROM compute_ledger.pool_offer AS o" \
	" WHERE o.pool OPERATOR(pg_catalog.=) $1 AND pg_catalog.upper_inf(o.recorded)" \
	" AND COALESCE(pg_catalog.upper(o.valid), 'infinity'::pg_catalog.timestamptz) OPERATOR(pg_catalog.>) $2" \
	" AND pg_catalog.lower(o.valid) OPERATOR(pg_catalog.<) $3" \
	" UNION ALL SELECT 2, r.valid, r.devices::pg_catalog.int8, NULL FROM compute_ledger.pool_reduction AS r" \
	" WHERE r.pool OPERATOR(pg_catalog.=) $1 AND r.withdrawn OPERATOR(pg_catalog.=) 'infinity'::pg_catalog.timestamptz" \
	" AND COALESCE(pg_catalog.upper(r.valid), 'infinity'::pg_catalog.timestamptz) OPERATOR(pg_catalog.>) $2" \
	" AND pg_catalog.lower(r.valid) OPERATOR(pg_catalog.<) $3" \
	" AND ($4 OR r.kind OPERATOR(pg_catalog.=) ANY (ARRAY['maintenance', 'blackout']))"
#define SHARE_QUERY \
	" UNION ALL SELECT 3, s.valid, NULL, s.share FROM compute_ledger.guest_share AS s" \
	" WHERE s.pool OPERATOR(pg_catalog.=) $1 AND pg_catalog.upper_inf(s.recorded)" \
	" AND COALESCE(pg_catalog.upper(s.valid), 'infinity'::pg_catalog.timestamptz) OPERATOR(pg_catalog.>) $2" \
	" AND COALESCE(pg_catalog.lower(s.valid), '-infinity'::pg_catalog.timestamptz) OPERATOR(pg_catalog.<) $3"

/* Reads what is recorded of a pool. */
static void
read_limit(LimitInput *input, int64 pool, bool guests, bool happened, int64 from, int64 to)
{
	static SPIPlanPtr plans[2] = {NULL, NULL};
	Oid			types[] = {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID};
	Datum		values[] = {Int64GetDatum(pool), TimestampTzGetDatum(from), TimestampTzGetDatum(to), BoolGetDatum(happened)};
	TupleDesc	desc;

	if (plans[guests] == NULL)
	{
		SPIPlanPtr	p = SPI_prepare_cursor(guests ? LIMIT_QUERY SHARE_QUERY : LIMIT_QUERY, lengthof(types), types, CURSOR_OPT_GENERIC_PLAN);

		if (p == NULL || SPI_keepplan(p) != 0)
			elog(ERROR, "could not prepare a query of the limit of a pool");
		plans[guests] = p;
	}
	if (SPI_execute_plan(plans[guests], values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the limit of a pool");
	desc = SPI_tuptable->tupdesc;
	RowColumnsCheck(desc, "the limit of a pool", limit_columns, lengthof(limit_columns));
	input->offered = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	input->granule = 1;
	input->shares = palloc(SPI_processed * sizeof(GuestShare));
	input->nshares = 0;
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		no_period;
		bool		no_devices;
		bool		no_share;
		int			kind = DatumGetInt32(SPI_getbinval(row, desc, 1, &no_period));
		Datum		valid = SPI_getbinval(row, desc, 2, &no_period);
		Datum		devices = SPI_getbinval(row, desc, 3, &no_devices);
		Datum		share = SPI_getbinval(row, desc, 4, &no_share);
		int64		starts;
		int64		ends;

		if (kind == 0)
		{
			input->granule = no_devices ? 0 : DatumGetInt64(devices);
			continue;
		}
		if (no_period || !ProfileWindow(valid, &starts, &ends))
			continue;
		starts = Max(starts, from);
		ends = Min(ends, to);
		if (starts >= ends)
			continue;
		if (kind == 3)
		{
			if (!no_share)
				input->shares[input->nshares++] = (GuestShare) {starts, ends, share};
		}
		else if (no_devices)
			ProfileAddPeriod(input->offered, starts, ends, -(int128) ALL_DEVICES * DEVICE_UNITS);
		else
			ProfileAddPeriod(input->offered, starts, ends, (int128) (kind == 1 ? DatumGetInt64(devices) : -DatumGetInt64(devices)) * DEVICE_UNITS);
	}
	if (input->granule <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("pool %lld does not exist", (long long) pool)));
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

/*
 * Returns what may be booked of a pool from one instant to another, by all or by guests, as the active snapshot has it;
 * happened: less what has happened, too.
 * The caller is connected to SPI.
 */
ProfileObject *
PoolLimit(int64 pool, int64 from, int64 to, bool guests, bool happened)
{
	ProfileObject *limit = ProfileMake(CurrentMemoryContext, PROFILE_DEVICE, 0);
	LimitInput	input;
	ProfileStatus status;
	ProfileCursor start;
	ProfileSegments segments;
	ProfileSegment segment;

	read_limit(&input, pool, guests, happened, from, to);
	/* no value of its own: what overlaps may take more than a level can say */
	status = ProfileNormalize(&input.offered->events);
	if (status != PROFILE_OK)
		ProfileRaise(status, PROFILE_DEVICE);
	ProfileStartEvents(&start, &input.offered->events);
	ProfileOpenSegments(&segments, &start, from, to);
	while (ProfileNextSegment(&segments, &segment))
	{
		if (segment.level > 0)
			add_limit(limit, &input, segment.from, segment.to, (int64) (segment.level / DEVICE_UNITS) / input.granule * input.granule);
	}
	return ProfileFinish(limit);
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
