/*
 * rating_usage.c
 *		The usage of one kind that rating cuts up: intervals of records, in one value.
 *
 * Rating reads usage records once, and learns only from what it has read which
 * combinations of account, chip, region and format there are, and so at which instants
 * their prices change.  The aggregate _usage_set() therefore keeps what a combination's
 * records say of time; _usage_amounts() then adds it up between any instants, and
 * _usage_parts() returns the parts themselves.
 *
 * A set is a bytea: after the length word 4 bytes that are zero, then for each record
 * start, end (timestamptz), level (devices in units of 1/1,680,000) and record id, each
 * 8 bytes in the machine's order.  It lives in a query, never in a table.
 *
 * Amounts are level x microseconds, as integers.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "device_level.h"
#include "quantity.h"

PG_FUNCTION_INFO_V1(usage_set_accum);
PG_FUNCTION_INFO_V1(usage_set_combine);
PG_FUNCTION_INFO_V1(usage_set_serialize);
PG_FUNCTION_INFO_V1(usage_set_deserialize);
PG_FUNCTION_INFO_V1(usage_set_final);
PG_FUNCTION_INFO_V1(usage_amounts);
PG_FUNCTION_INFO_V1(usage_parts);

/* A record's part in a set. */
typedef struct UsageEntry
{
	TimestampTz start;
	TimestampTz end;
	int64		level;
	int64		record;
} UsageEntry;

#define SET_HEADER		(VARHDRSZ + 4)
#define FIRST_ROOM		8
#define MAX_ENTRIES		((MaxAllocSize - SET_HEADER) / sizeof(UsageEntry))

/* A set that grows; the bytes are the value to be. */
typedef struct UsageState
{
	MemoryContext context;
	char	   *bytes;
	int64		count;
	int64		room;
} UsageState;

/* Returns a set's entries. */
static inline UsageEntry *
entries_of(char *bytes)
{
	return (UsageEntry *) (bytes + SET_HEADER);
}

/* Makes room for more entries. */
static void
make_room(UsageState *state, int64 more)
{
	int64		room = state->room;

	if (state->count + more <= room)
		return;
	if (state->count + more > (int64) MAX_ENTRIES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many usage records of one account, accelerator and region"),
				 errdetail("At most %lld can be rated at once.", (long long) MAX_ENTRIES)));
	room = Max(room + room / 2, Max(state->count + more, FIRST_ROOM));
	room = Min(room, (int64) MAX_ENTRIES);
	if (state->bytes == NULL)
		state->bytes = MemoryContextAlloc(state->context, SET_HEADER + room * sizeof(UsageEntry));
	else
		state->bytes = repalloc(state->bytes, SET_HEADER + room * sizeof(UsageEntry));
	state->room = room;
}

/* Makes an empty state in an aggregate's context. */
static UsageState *
make_state(FunctionCallInfo fcinfo)
{
	MemoryContext context;
	UsageState *state;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	state = MemoryContextAllocZero(context, sizeof(UsageState));
	state->context = context;
	return state;
}

/* Adds a record: state, id, start, end, devices. */
Datum
usage_set_accum(PG_FUNCTION_ARGS)
{
	UsageState *state = PG_ARGISNULL(0) ? make_state(fcinfo) : (UsageState *) PG_GETARG_POINTER(0);
	UsageEntry *entry;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_POINTER(state);
	make_room(state, 1);
	entry = &entries_of(state->bytes)[state->count];
	entry->record = PG_GETARG_INT64(1);
	entry->start = PG_GETARG_TIMESTAMPTZ(2);
	entry->end = PG_GETARG_TIMESTAMPTZ(3);
	entry->level = DeviceLevelFromNumeric(PG_GETARG_DATUM(4));
	if (entry->start < entry->end)
		state->count++;
	PG_RETURN_POINTER(state);
}

/* Adds the second state to the first. */
Datum
usage_set_combine(PG_FUNCTION_ARGS)
{
	UsageState *state;
	UsageState *other;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = PG_ARGISNULL(0) ? make_state(fcinfo) : (UsageState *) PG_GETARG_POINTER(0);
	other = (UsageState *) PG_GETARG_POINTER(1);
	if (other->count > 0)
	{
		make_room(state, other->count);
		memcpy(&entries_of(state->bytes)[state->count], entries_of(other->bytes),
			   other->count * sizeof(UsageEntry));
		state->count += other->count;
	}
	PG_RETURN_POINTER(state);
}

/* Returns the set. */
static bytea *
set_value(UsageState *state)
{
	if (state->bytes == NULL)
		state->bytes = MemoryContextAlloc(state->context, SET_HEADER);
	memset(state->bytes, 0, SET_HEADER);
	SET_VARSIZE(state->bytes, SET_HEADER + state->count * sizeof(UsageEntry));
	return (bytea *) state->bytes;
}

/* Writes a state for another process of the same server. */
Datum
usage_set_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(set_value((UsageState *) PG_GETARG_POINTER(0)));
}

/* Checks a set, and returns its entries. */
static const UsageEntry *
read_set(Datum datum, int64 *count)
{
	bytea	   *bytes = DatumGetByteaP(datum);	/* not packed: aligned */
	Size		size = VARSIZE(bytes);

	if (size < SET_HEADER || (size - SET_HEADER) % sizeof(UsageEntry) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid set of usage")));
	if ((Pointer) bytes != (Pointer) MAXALIGN(bytes))
	{
		bytea	   *copy = palloc(size);

		memcpy(copy, bytes, size);
		bytes = copy;
	}
	*count = (int64) ((size - SET_HEADER) / sizeof(UsageEntry));
	return entries_of((char *) bytes);
}

/* Reads a state from another process. */
Datum
usage_set_deserialize(PG_FUNCTION_ARGS)
{
	UsageState *state = make_state(fcinfo);
	int64		count;
	const UsageEntry *entries = read_set(PG_GETARG_DATUM(0), &count);

	/* deserialization runs in a short-lived context of its own */
	state->context = CurrentMemoryContext;
	if (count > 0)
	{
		make_room(state, count);
		memcpy(entries_of(state->bytes), entries, count * sizeof(UsageEntry));
		state->count = count;
	}
	PG_RETURN_POINTER(state);
}

/* Ends the aggregate: the state's memory becomes the value. */
Datum
usage_set_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(set_value((UsageState *) PG_GETARG_POINTER(0)));
}

/* Periods to cut by, ascending and disjoint. */
typedef struct Cuts
{
	int			count;
	const TimestampTz *from;
	const TimestampTz *to;
} Cuts;

/* Returns an array of timestamptz without NULLs. */
static const TimestampTz *
read_instants(ArrayType *array, int *count)
{
	if (ARR_NDIM(array) > 1 || ARR_HASNULL(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("periods must be one-dimensional arrays without nulls")));
	*count = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	return (const TimestampTz *) ARR_DATA_PTR(array);
}

/* Reads the periods, starts in one array and ends in the other. */
static void
read_cuts(FunctionCallInfo fcinfo, Cuts *cuts)
{
	int			ends;

	cuts->from = read_instants(PG_GETARG_ARRAYTYPE_P(1), &cuts->count);
	cuts->to = read_instants(PG_GETARG_ARRAYTYPE_P(2), &ends);
	if (ends != cuts->count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("periods must have as many ends as starts")));
	for (int i = 0; i < cuts->count; i++)
	{
		if (cuts->from[i] >= cuts->to[i] || (i > 0 && cuts->from[i] < cuts->to[i - 1]) ||
			TIMESTAMP_NOT_FINITE(cuts->from[i]) || TIMESTAMP_NOT_FINITE(cuts->to[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("periods must be finite, ascending and disjoint")));
	}
}

/* Finds the first period that ends after an instant; count if none does. */
static inline int
first_ending_after(const Cuts *cuts, TimestampTz at)
{
	int			low = 0;
	int			high = cuts->count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (cuts->to[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Finds the last period that starts before an instant; -1 if none does. */
static inline int
last_starting_before(const Cuts *cuts, TimestampTz at)
{
	int			low = 0;
	int			high = cuts->count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (cuts->from[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

/* Raises that an amount does not fit. */
static void
out_of_range_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("device-hours out of range")));
}

/* Adds the part of an entry that lies in a period. */
static inline void
add_part(int128 *amount, const UsageEntry *entry, TimestampTz from, TimestampTz to)
{
	int128		part = (int128) entry->level * (Min(entry->end, to) - Max(entry->start, from));

	if (__builtin_add_overflow(*amount, part, amount))
		out_of_range_error();
}

/*
 * _usage_amounts(set, from timestamptz[], to timestamptz[], OUT amounts numeric[], OUT parts int8[])
 *
 * For every period the amount in it, and the number of records that have a part in it.
 */
Datum
usage_amounts(PG_FUNCTION_ARGS)
{
	int64		count;
	const UsageEntry *entries = read_set(PG_GETARG_DATUM(0), &count);
	Cuts		cuts;
	TupleDesc	desc;
	int128	   *amounts;
	int128	   *levels;			/* change of the level of those who are there for whole periods */
	int64	   *parts;
	int64	   *changes;		/* change of their number */
	Datum	   *values;
	Datum		row[2];
	bool		nulls[2] = {false, false};
	int128		level = 0;
	int64		whole = 0;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	read_cuts(fcinfo, &cuts);
	amounts = palloc0((cuts.count + 1) * sizeof(int128));
	levels = palloc0((cuts.count + 1) * sizeof(int128));
	parts = palloc0((cuts.count + 1) * sizeof(int64));
	changes = palloc0((cuts.count + 1) * sizeof(int64));
	for (int64 n = 0; n < count; n++)
	{
		const UsageEntry *entry = &entries[n];
		int			first = first_ending_after(&cuts, entry->start);
		int			last = last_starting_before(&cuts, entry->end);

		if (first > last)
			continue;
		add_part(&amounts[first], entry, cuts.from[first], cuts.to[first]);
		parts[first]++;
		if (first == last)
			continue;
		add_part(&amounts[last], entry, cuts.from[last], cuts.to[last]);
		parts[last]++;
		levels[first + 1] += entry->level;
		levels[last] -= entry->level;
		changes[first + 1]++;
		changes[last]--;
	}

	values = palloc((cuts.count + 1) * sizeof(Datum));
	for (int i = 0; i < cuts.count; i++)
	{
		int128		amount;

		level += levels[i];
		whole += changes[i];
		parts[i] += whole;
		if (__builtin_mul_overflow(level, (int128) (cuts.to[i] - cuts.from[i]), &amount) ||
			__builtin_add_overflow(amounts[i], amount, &amount))
			out_of_range_error();
		values[i] = DecimalGetNumeric(amount, 0);
	}
	row[0] = PointerGetDatum(construct_array(values, cuts.count, NUMERICOID, -1, false, TYPALIGN_INT));
	for (int i = 0; i < cuts.count; i++)
		values[i] = Int64GetDatum(parts[i]);
	row[1] = PointerGetDatum(construct_array(values, cuts.count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
											 TYPALIGN_DOUBLE));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), row, nulls)));
}

/*
 * _usage_parts(set, from timestamptz[], to timestamptz[])
 *		-> setof (period int, record int8, part_from, part_to timestamptz, level int8, amount numeric)
 *
 * The part of every record in every period; periods count from 1.
 */
Datum
usage_parts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		count;
	const UsageEntry *entries = read_set(PG_GETARG_DATUM(0), &count);
	Cuts		cuts;
	MemoryContext scratch;
	MemoryContext previous;

	InitMaterializedSRF(fcinfo, 0);
	read_cuts(fcinfo, &cuts);
	scratch = AllocSetContextCreate(CurrentMemoryContext, "usage parts", ALLOCSET_SMALL_SIZES);
	previous = MemoryContextSwitchTo(scratch);
	for (int64 n = 0; n < count; n++)
	{
		const UsageEntry *entry = &entries[n];
		int			first = first_ending_after(&cuts, entry->start);
		int			last = last_starting_before(&cuts, entry->end);

		for (int i = first; i <= last; i++)
		{
			TimestampTz from = Max(entry->start, cuts.from[i]);
			TimestampTz to = Min(entry->end, cuts.to[i]);
			Datum		values[6];
			bool		nulls[6] = {false, false, false, false, false, false};

			CHECK_FOR_INTERRUPTS();
			values[0] = Int32GetDatum(i + 1);
			values[1] = Int64GetDatum(entry->record);
			values[2] = TimestampTzGetDatum(from);
			values[3] = TimestampTzGetDatum(to);
			values[4] = Int64GetDatum(entry->level);
			values[5] = DecimalGetNumeric((int128) entry->level * (to - from), 0);
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
			MemoryContextReset(scratch);
		}
	}
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(scratch);
	return (Datum) 0;
}
