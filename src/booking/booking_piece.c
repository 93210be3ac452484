/*
 * booking_piece.c
 *		One piece of a booking: whether a pool can be asked for it at all, and booking it.
 */
#include "base/compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rangetypes.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/errcodes.h"
#include "base/refuse.h"
#include "base/row_columns.h"
#include "base/value.h"
#include "capacity/pool_book.h"
#include "profile/profile_period.h"

/* Returns the text of an instant. */
static char *
instant_text(TimestampTz at)
{
	return ValueText(TimestampTzGetDatum(at), TIMESTAMPTZOID);
}

/* Returns the number of slots of so many minutes from 2000 on until the one of an instant. */
static int64
slot_of(TimestampTz at, int64 slot)
{
	return at / slot - (at % slot < 0);
}

/* What a pool asks of bookings. */
typedef struct PoolTerms
{
	int64		pool;
	int32		granule;
	int32		slot_minutes;
	Datum		horizon;
	TimestampTz doubted;		/* infinity: it is not */
} PoolTerms;

/*
 * Raises LC024 for a pool in doubt, and 22023, with the name of what is wrong, for what cannot be booked.  Devices are from 1 to 1,000,000,000, and the
 * period is [start,end) with finite ends.  A start or an end that stays what it was is not looked at.
 */
static void
check_terms(const PoolTerms *terms, int64 devices, int64 from, int64 to, TimestampTz clock, bool start_stays, bool end_stays)
{
	int64		slot = terms->slot_minutes * USECS_PER_MINUTE;
	TimestampTz horizon = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(clock), terms->horizon));
	long long	pool = terms->pool;

	if (terms->granule <= 0 || slot <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("terms of pool %lld are none", pool)));
	if (devices % terms->granule == 0 && to > clock && (end_stays || (to <= horizon && to % slot == 0)) &&
		(start_stays || (from % slot == 0 && slot_of(from, slot) >= slot_of(clock, slot))) && TIMESTAMP_IS_NOEND(terms->doubted))
		return;
	HideOwnContext();
	if (devices % terms->granule != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%lld devices are no multiple of %d, in which pool %lld is booked", (long long) devices, terms->granule, pool)));
	if (to <= clock)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the period ends at %s, and it is %s", instant_text(to), instant_text(clock)),
				 errhint("What has been cannot be booked.")));
	if (!end_stays && to > horizon)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the period ends beyond the horizon of pool %lld: %s", pool, instant_text(to)),
				 errdetail("Bookings end by %s from now: by %s.", ValueText(terms->horizon, INTERVALOID), instant_text(horizon))));
	if (!start_stays && slot_of(from, slot) < slot_of(clock, slot))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the period begins at %s, and it is %s", instant_text(from), instant_text(clock)),
				 errhint("What has been cannot be booked.")));
	if (!TIMESTAMP_IS_NOEND(terms->doubted))
		ereport(ERROR,
				(errcode(ERRCODE_CL_CENTRE),
				 errmsg("what pool %lld offers is in doubt since %s", pool, instant_text(terms->doubted)),
				 errhint("It is booked again once its agent has reported.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("bookings of pool %lld begin and end on multiples of %d minutes: %s",
					pool, terms->slot_minutes, ValueText(ProfileMakeRange(from, to), TSTZRANGEOID)),
			 errhint("date_bin('%d minutes', t, '2000-01-01 00:00Z') is the beginning of the slot that t is in.", terms->slot_minutes)));
}

/*
 * _check_piece(pool bigint, granule integer, slot_minutes integer, horizon interval, doubted timestamptz, devices bigint,
 *				period tstzrange, clock timestamptz, start_stays boolean, end_stays boolean) -> void
 */
PG_FUNCTION_INFO_V1(check_piece);
Datum
check_piece(PG_FUNCTION_ARGS)
{
	PoolTerms	terms = {PG_GETARG_INT64(0), PG_GETARG_INT32(1), PG_GETARG_INT32(2), PG_GETARG_DATUM(3), PG_GETARG_TIMESTAMPTZ(4)};
	int64		from;
	int64		to;

	if (!ProfilePeriod(PG_GETARG_DATUM(6), &from, &to))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the period is empty")));
	check_terms(&terms, PG_GETARG_INT64(5), from, to, PG_GETARG_TIMESTAMPTZ(7), PG_GETARG_BOOL(8), PG_GETARG_BOOL(9));
	PG_RETURN_VOID();
}

/* ---- booking a piece ---- */

/* Reads a period that is [start,end) with finite ends; false if it is of another form, or NULL. */
static bool
read_period(FunctionCallInfo fcinfo, int argument, int64 *from, int64 *to)
{
	char		flags;

	if (PG_ARGISNULL(argument))
		return false;
	flags = range_get_flags(PG_GETARG_RANGE_P(argument));
	return (flags & RANGE_LB_INC) != 0 && (flags & (RANGE_EMPTY | RANGE_UB_INC | RANGE_LB_INF | RANGE_UB_INF)) == 0 &&
		ProfileWindow(PG_GETARG_DATUM(argument), from, to) && !TIMESTAMP_NOT_FINITE(*from) && !TIMESTAMP_NOT_FINITE(*to);
}

/* Has the functions that say so refuse devices or a period that are of no use in any pool. */
pg_noreturn static void
refuse_piece(FunctionCallInfo fcinfo, int devices, int period)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, TSTZRANGEOID};
	Datum		values[] = {PG_GETARG_DATUM(devices), PG_GETARG_DATUM(period)};
	char		nulls[] = {PG_ARGISNULL(devices) ? 'n' : ' ', PG_ARGISNULL(period) ? 'n' : ' '};

	RunBookPlan(&plan, "SELECT compute_ledger._pool_devices($1, 1), compute_ledger._pool_period($2, false)", 2, types, values, nulls, true, SPI_OK_SELECT);
	elog(ERROR, "devices or a period were not refused");
}

/* Columns of a pool's row as they are read, in this order. */
enum
{
	POOL_GRANULE,
	POOL_SLOT_MINUTES,
	POOL_HORIZON,
	POOL_HOLD,
	POOL_HOST,
	POOL_DOUBTED,
	POOL_COUNTS,
	POOL_NOTICE,
	POOL_OUTAGE_CREDIT,
	POOL_LAPSED,
	POOL_COLUMNS
};

static const RowColumn pool_columns[POOL_COLUMNS] = {
	ROW_COLUMN("granule", INT4OID), ROW_COLUMN("slot_minutes", INT4OID), ROW_COLUMN("horizon", INTERVALOID), ROW_COLUMN("hold", INTERVALOID),
	ROW_COLUMN("host", INT8OID), ROW_COLUMN("doubted", TIMESTAMPTZOID), ROW_COLUMN("counts", TEXTOID), ROW_COLUMN("notice", INTERVALOID),
	ROW_COLUMN("outage_credit", NUMERICOID), ROW_COLUMN("lapsed", BOOLOID)
};

/* Locks the row of a pool and reads it; lapsed: holds had run out at an instant, as it was before the lock. */
static void
lock_pool(int64 pool, TimestampTz at, Datum *values, bool *nulls)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, TIMESTAMPTZOID};
	Datum		arguments[] = {Int64GetDatum(pool), TimestampTzGetDatum(at)};

	RunBookPlan(&plan, "SELECT p.granule, p.slot_minutes, p.horizon, p.hold, p.host, p.doubted, p.counts, p.notice, p.outage_credit,"
				" EXISTS (SELECT FROM compute_ledger.reservation AS h WHERE h.pool OPERATOR(pg_catalog.=) $1"
				" AND h.state OPERATOR(pg_catalog.=) 'held' AND h.held_until OPERATOR(pg_catalog.<=) $2) AS lapsed"
				" FROM compute_ledger.pool AS p WHERE p.id OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE",
				lengthof(types), types, arguments, NULL, false, SPI_OK_SELECT);
	RowColumnsCheck(SPI_tuptable->tupdesc, "pool", pool_columns, POOL_COLUMNS);
	if (SPI_processed != 1)
	{
		HideOwnContext();
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("pool %lld does not exist", (long long) pool),
				 errhint("pool_id() gives the number of a pool.")));
	}
	for (int i = 0; i < POOL_COLUMNS; i++)
	{
		values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &nulls[i]);
		if (nulls[i] && i != POOL_HOST && i != POOL_DOUBTED)
			RowNullError("pool", pool_columns[i].name);
	}
}

/* Whether an account is a guest in a pool of this host at an instant. */
static bool
is_guest(int64 account, Datum host, TimestampTz at)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, INT8OID, TIMESTAMPTZOID};
	Datum		arguments[] = {Int64GetDatum(account), host, TimestampTzGetDatum(at)};
	bool		isnull;

	RunBookPlan(&plan, "SELECT compute_ledger._is_guest($1, $2, $3)", 3, types, arguments, NULL, true, SPI_OK_SELECT);
	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* What a piece is, as it is stored; in the order of the parameters of the statement below. */
enum
{
	PIECE_ID,
	PIECE_BOOKING,
	PIECE_ACCOUNT,
	PIECE_REQUEST,
	PIECE_CLOCK,
	PIECE_POOL,
	PIECE_GUEST,
	PIECE_DEVICES,
	PIECE_PERIOD,
	PIECE_STATE,
	PIECE_PRIORITY,
	PIECE_HELD_UNTIL,
	PIECE_CONFIRMED_AT,
	PIECE_USAGE_DUE,
	PIECE_COUNTS,
	PIECE_NOTICE,
	PIECE_OUTAGE_CREDIT,
	PIECE_PREEMPT_NOTICE,
	PIECE_VALUES
};

/* Returns the next number of a reservation. */
static Datum
next_reservation(void)
{
	RangeVar   *sequence = makeRangeVar("compute_ledger", "reservation_id_seq", -1);

	return Int64GetDatum(nextval_internal(RangeVarGetRelid(sequence, NoLock, false), true));
}

/* Stores a reservation, which has a number, and its history. */
static void
store_piece(Datum *values, bool *nulls)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[PIECE_VALUES] = {
		INT8OID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID, INT8OID, BOOLOID, INT4OID, TSTZRANGEOID, TEXTOID, INT4OID, TIMESTAMPTZOID,
		TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INTERVALOID, NUMERICOID, INTERVALOID
	};
	char		null_flags[PIECE_VALUES];

	for (int i = 0; i < PIECE_VALUES; i++)
		null_flags[i] = nulls[i] ? 'n' : ' ';
	RunBookPlan(&plan, "WITH kept AS (INSERT INTO compute_ledger.reservation_change (reservation, action, at, state, devices, period, occupies)"
				" VALUES ($1, 'book', $5, $10, $8, $9, $9))"
				" INSERT INTO compute_ledger.reservation (id, booking, pool, account, request, booked, guest, devices, period,"
				" occupies, since, state, priority, held_until, confirmed_at, usage_due, counts, notice, outage_credit, preempt_notice)"
				" VALUES ($1, $2, $6, $3, $4, $5, $7, $8, $9, $9, pg_catalog.lower($9), $10,"
				" $11, $12, $13, $14, $15, CASE WHEN $18 IS NULL THEN $16 ELSE '0'::pg_catalog.interval END, $17, $18)",
				PIECE_VALUES, types, values, null_flags, false, SPI_OK_INSERT);
	if (SPI_processed != 1)
		elog(ERROR, "a reservation was not stored");
}

/*
 * _book_piece(booking bigint, account bigint, request text, pool bigint, devices bigint, period tstzrange, priority integer,
 *			   confirmed boolean, hold interval, clock timestamptz, is_booked boolean, preempt_notice interval,
 *			   OUT reservation bigint, OUT booking_id bigint, OUT held_until timestamptz,
 *			   OUT judged_at timestamptz, OUT full_at timestamptz, OUT guest boolean, OUT lapsed boolean)
 *
 * Books one piece: locks the pool, reads the clock (unless one is given), checks, writes the book (unless that was done)
 * and stores the reservation.  full_at: the first instant at which there is no capacity for it; nothing is stored then.
 * lapsed: there are holds that have run out, and are in the book.
 */
PG_FUNCTION_INFO_V1(book_piece);
Datum
book_piece(PG_FUNCTION_ARGS)
{
	int64		pool = PG_GETARG_INT64(3);
	int64		devices = PG_ARGISNULL(4) ? 0 : PG_GETARG_INT64(4);
	bool		confirmed = PG_GETARG_BOOL(7);
	Datum		terms[POOL_COLUMNS];
	bool		no_terms[POOL_COLUMNS];
	Datum		piece[PIECE_VALUES] = {0};
	bool		no_piece[PIECE_VALUES] = {false};
	Datum		result[7] = {0};
	bool		no_result[7] = {false};
	PoolTerms	checked;
	TupleDesc	desc;
	HeapTupleHeader tuple;
	TimestampTz clock;
	int64		from;
	int64		to;
	int64		at;

	for (int i = 0; i < 12; i++)
	{
		if (PG_ARGISNULL(i) && i != 0 && i != 2 && i != 4 && i != 5 && i != 8 && i != 9 && i != 11)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of _book_piece() is NULL", i + 1)));
	}
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != lengthof(result))
		elog(ERROR, "unexpected result of _book_piece()");
	desc = BlessTupleDesc(desc);
	SPI_connect();
	if (devices < 1 || devices > 1000000000 || !read_period(fcinfo, 5, &from, &to))
		refuse_piece(fcinfo, 4, 5);
	lock_pool(pool, PG_ARGISNULL(9) ? GetCurrentTimestamp() : PG_GETARG_TIMESTAMPTZ(9), terms, no_terms);
	/* who has waited sees from here on, also where it only reads, what it has waited for */
	PushActiveSnapshot(GetTransactionSnapshot());
	clock = PG_ARGISNULL(9) ? GetCurrentTimestamp() : PG_GETARG_TIMESTAMPTZ(9);
	checked = (PoolTerms) {pool, DatumGetInt32(terms[POOL_GRANULE]), DatumGetInt32(terms[POOL_SLOT_MINUTES]), terms[POOL_HORIZON],
		no_terms[POOL_DOUBTED] ? DT_NOEND : DatumGetTimestampTz(terms[POOL_DOUBTED])};
	check_terms(&checked, devices, from, to, clock, false, false);
	piece[PIECE_GUEST] = BoolGetDatum(!no_terms[POOL_HOST] && is_guest(PG_GETARG_INT64(1), terms[POOL_HOST], Max(clock, from)));
	result[3] = TimestampTzGetDatum(clock);
	result[5] = piece[PIECE_GUEST];
	result[6] = terms[POOL_LAPSED];
	no_result[2] = confirmed;
	if (!PG_GETARG_BOOL(10) && !BookPeriod(pool, DatumGetBool(piece[PIECE_GUEST]), from, to, devices, &at))
	{
		no_result[0] = no_result[1] = no_result[2] = true;
		result[4] = TimestampTzGetDatum(at);
	}
	else
	{
		no_result[4] = true;
		if (!confirmed)
			result[2] = DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(clock),
											PG_ARGISNULL(8) ? terms[POOL_HOLD] : PG_GETARG_DATUM(8));
		piece[PIECE_ID] = result[0] = next_reservation();
		/* a booking is the number of its first piece */
		piece[PIECE_BOOKING] = result[1] = PG_ARGISNULL(0) ? result[0] : PG_GETARG_DATUM(0);
		piece[PIECE_ACCOUNT] = PG_GETARG_DATUM(1);
		piece[PIECE_REQUEST] = PG_GETARG_DATUM(2);
		no_piece[PIECE_REQUEST] = PG_ARGISNULL(2);
		piece[PIECE_CLOCK] = result[3];
		piece[PIECE_POOL] = PG_GETARG_DATUM(3);
		piece[PIECE_DEVICES] = Int32GetDatum((int32) devices);
		piece[PIECE_PERIOD] = PG_GETARG_DATUM(5);
		piece[PIECE_STATE] = CStringGetTextDatum(confirmed ? "confirmed" : "held");
		piece[PIECE_PRIORITY] = PG_GETARG_DATUM(6);
		piece[PIECE_HELD_UNTIL] = result[2];
		no_piece[PIECE_HELD_UNTIL] = confirmed;
		piece[PIECE_CONFIRMED_AT] = result[3];
		piece[PIECE_USAGE_DUE] = TimestampTzGetDatum(from);
		no_piece[PIECE_CONFIRMED_AT] = no_piece[PIECE_USAGE_DUE] = !confirmed;
		piece[PIECE_COUNTS] = terms[POOL_COUNTS];
		piece[PIECE_NOTICE] = terms[POOL_NOTICE];
		piece[PIECE_OUTAGE_CREDIT] = terms[POOL_OUTAGE_CREDIT];
		piece[PIECE_PREEMPT_NOTICE] = PG_GETARG_DATUM(11);
		no_piece[PIECE_PREEMPT_NOTICE] = PG_ARGISNULL(11);
		store_piece(piece, no_piece);
	}
	PopActiveSnapshot();
	/* what the values point to is gone with SPI */
	tuple = SPI_returntuple(heap_form_tuple(desc, result, no_result), desc);
	SPI_finish();
	PG_RETURN_DATUM(HeapTupleHeaderGetDatum(tuple));
}
