/*
 * profile_functions.c
 *		SQL-callable functions that device_profile and rate_profile share.
 *
 * A profile knows which of the two it is, so one C function serves both types: a
 * level comes out as numeric devices or as a compute_rate, an integral as numeric
 * device-hours or as a compute_unit.
 *
 * Windows are half-open and may be unbounded where the answer is finite all the
 * same.  An empty window has no peak, average or percentile (NULL), and an integral
 * of zero.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/multirangetypes.h"
#include "utils/numeric.h"
#include "utils/typcache.h"

#include "base/half_even.h"
#include "profile/device_level.h"
#include "profile/profile_calendar.h"
#include "profile/profile_object.h"
#include "profile/profile_period.h"
#include "profile/profile_query.h"
#include "quantity/quantity_type.h"

/* Raises if a core function did not succeed. */
static inline void
check_status(ProfileStatus status, const ProfileSource *source)
{
	if (unlikely(status != PROFILE_OK))
		ProfileRaise(status, source->kind);
}

/* Returns a level in the type that users see. */
static Datum
level_datum(const ProfileSource *source, int128 level)
{
	if (source->kind == PROFILE_RATE)
		return QuantityPGetDatum(QuantityMake(level, source->basis));
	return DeviceLevelGetNumeric(level);
}

/* Returns an integral in the type that users see. */
static Datum
integral_datum(const ProfileSource *source, int128 integral)
{
	if (source->kind == PROFILE_RATE)
		return QuantityPGetDatum(QuantityMake(integral, source->basis));
	return DeviceHoursGetNumeric(DevicePicohours(integral));
}

/*
 * Ends an aggregate: the state is the result, and is sorted when somebody reads it.
 * It is handed out as a read-only pointer made anew in the current context:
 * PostgreSQL 15 copies, which here means flattens, a result that lies elsewhere.
 */
PG_FUNCTION_INFO_V1(profile_final);
Datum
profile_final(PG_FUNCTION_ARGS)
{
	Datum		state;
	Pointer		pointer;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = PG_GETARG_DATUM(0);
	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(state)))
	{
		/* a state that went over a wire */
		ProfileObject *object = ProfileMake(CurrentMemoryContext, ProfileKindOf(state), 0);

		ProfileMerge(object, state, false);
		return ProfileGetDatum(ProfileFinish(object));
	}
	ProfileSetFinal(state);
	pointer = palloc(EXPANDED_POINTER_SIZE);
	memcpy(pointer, DatumGetEOHP(state)->eoh_ro_ptr, EXPANDED_POINTER_SIZE);
	return PointerGetDatum(pointer);
}

/* Adds a profile to a state: the transition of sum(), and every combine function. */
PG_FUNCTION_INFO_V1(profile_merge);
Datum
profile_merge(PG_FUNCTION_ARGS)
{
	ProfileObject *object;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	object = ProfileState(fcinfo, ProfileKindOf(PG_GETARG_DATUM(PG_ARGISNULL(0) ? 1 : 0)));
	ProfileMerge(object, PG_GETARG_DATUM(1), false);
	PG_RETURN_DATUM(ProfileStateDatum(fcinfo, object));
}

/* Combines two profiles. */
static Datum
combine(Datum left, Datum right, bool negate)
{
	ProfileObject *object = ProfileMake(CurrentMemoryContext, ProfileKindOf(left), 0);

	ProfileMerge(object, left, false);
	ProfileMerge(object, right, negate);
	return ProfileGetDatum(ProfileFinish(object));
}

/* Adds the levels of two profiles. */
PG_FUNCTION_INFO_V1(profile_plus);
Datum
profile_plus(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(combine(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), false));
}

/* Subtracts the levels of one profile from another's. */
PG_FUNCTION_INFO_V1(profile_minus);
Datum
profile_minus(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(combine(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), true));
}

/* Returns the highest level of all time. */
PG_FUNCTION_INFO_V1(profile_peak);
Datum
profile_peak(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	int128		peak;

	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
	check_status(ProfilePeak(&source.start, PROFILE_BEGIN, PROFILE_END, &peak), &source);
	PG_RETURN_DATUM(level_datum(&source, peak));
}

/* Returns the highest level in a window. */
PG_FUNCTION_INFO_V1(profile_peak_window);
Datum
profile_peak_window(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	int64		from;
	int64		to;
	int128		peak;

	if (!ProfileWindow(PG_GETARG_DATUM(1), &from, &to))
		PG_RETURN_NULL();
	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
	check_status(ProfilePeak(&source.start, from, to, &peak), &source);
	PG_RETURN_DATUM(level_datum(&source, peak));
}

/* Returns the level at an instant. */
PG_FUNCTION_INFO_V1(profile_level_at);
Datum
profile_level_at(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	int128		level;

	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
	check_status(ProfileLevelAt(&source.start, PG_GETARG_TIMESTAMPTZ(1), &level), &source);
	PG_RETURN_DATUM(level_datum(&source, level));
}

/* Returns level x time over all time. */
PG_FUNCTION_INFO_V1(profile_integral);
Datum
profile_integral(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	int128		integral;

	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_WHOLE);
	check_status(ProfileIntegral(&source.start, PROFILE_BEGIN, PROFILE_END, &integral), &source);
	PG_RETURN_DATUM(integral_datum(&source, integral));
}

/* Returns level x time over a window. */
PG_FUNCTION_INFO_V1(profile_integral_window);
Datum
profile_integral_window(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	int64		from;
	int64		to;
	int128		integral = 0;
	bool		empty = !ProfileWindow(PG_GETARG_DATUM(1), &from, &to);

	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
	if (!empty)
		check_status(ProfileIntegral(&source.start, from, to, &integral), &source);
	PG_RETURN_DATUM(integral_datum(&source, integral));
}

/* Reads a window that must be bounded, because its length matters. */
static bool
bounded_window(Datum range, int64 *from, int64 *to)
{
	if (!ProfileWindow(range, from, to))
		return false;
	if (*from == PROFILE_BEGIN || *to == PROFILE_END)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("window is unbounded"),
				 errdetail("Over unbounded time every average and percentile is that of level zero."),
				 errhint("Give the window both bounds.")));
	return true;
}

/* Returns the average level over a window. */
PG_FUNCTION_INFO_V1(profile_average);
Datum
profile_average(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	int64		from;
	int64		to;
	uint64		length;
	int128		integral;

	if (!bounded_window(PG_GETARG_DATUM(1), &from, &to))
		PG_RETURN_NULL();
	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
	check_status(ProfileIntegral(&source.start, from, to, &integral), &source);
	length = ProfileDistance(from, to);
	if (source.kind == PROFILE_RATE)
		PG_RETURN_QUANTITY_P(QuantityMake(DivideHalfEvenSigned(integral, length), source.basis));
	PG_RETURN_DATUM(DeviceAverageGetNumeric(integral, length));
}

/* Returns how many of so many the fraction of a percentile is: at least 1. */
static uint64
percentile_target(Datum fraction, uint64 count)
{
	Datum		one = DirectFunctionCall1(int4_numeric, Int32GetDatum(1));
	Datum		zero = DirectFunctionCall1(int4_numeric, Int32GetDatum(0));
	Datum		product;
	int64		target;

	/* NaN is above 1. */
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, fraction, zero)) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, fraction, one)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("percentile fraction %s is not between 0 and 1",
						DatumGetCString(DirectFunctionCall1(numeric_out, fraction)))));
	if (count > PG_INT64_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("window is too long")));
	product = DirectFunctionCall2(numeric_mul, fraction,
								  NumericGetDatum(int64_to_numeric((int64) count)));
	target = DatumGetInt64(DirectFunctionCall1(numeric_int8,
											   DirectFunctionCall1(numeric_ceil, product)));
	return (uint64) Max(target, 1);
}

/* Returns the level at or below which the profile is for a fraction of a window. */
PG_FUNCTION_INFO_V1(profile_percentile);
Datum
profile_percentile(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	int64		from;
	int64		to;
	uint64		target;
	int128		level;

	if (!bounded_window(PG_GETARG_DATUM(2), &from, &to))
		PG_RETURN_NULL();
	target = percentile_target(PG_GETARG_DATUM(1), ProfileDistance(from, to));
	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
	check_status(ProfilePercentile(&source.start, from, to, target,
								   ProfileResizeMemory, CurrentMemoryContext, &level), &source);
	PG_RETURN_DATUM(level_datum(&source, level));
}

/* The same over samples that are a step apart, the first at the window's start. */
PG_FUNCTION_INFO_V1(profile_sampled_percentile);
Datum
profile_sampled_percentile(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	int64		step = ProfileFixedInterval(PG_GETARG_INTERVAL_P(2), "sampling step");
	int64		from;
	int64		to;
	uint64		target;
	int128		level;

	if (!bounded_window(PG_GETARG_DATUM(3), &from, &to))
		PG_RETURN_NULL();
	target = percentile_target(PG_GETARG_DATUM(1), (ProfileDistance(from, to) - 1) / step + 1);
	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
	check_status(ProfileSampledPercentile(&source.start, from, to, step, target,
										  ProfileResizeMemory, CurrentMemoryContext, &level), &source);
	PG_RETURN_DATUM(level_datum(&source, level));
}

/* Returns a length of time as hours, minutes and seconds. */
static Datum
length_interval(uint64 length)
{
	Interval   *interval = palloc0(sizeof(Interval));

	if (length > PG_INT64_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("interval out of range")));
	interval->time = (int64) length;
	return IntervalPGetDatum(interval);
}

/* Returns for how long the level is above zero. */
PG_FUNCTION_INFO_V1(profile_busy);
Datum
profile_busy(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	uint64		busy;

	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_WHOLE);
	check_status(ProfileBusy(&source.start, PROFILE_BEGIN, PROFILE_END, &busy), &source);
	PG_RETURN_DATUM(length_interval(busy));
}

/* The same in a window. */
PG_FUNCTION_INFO_V1(profile_busy_window);
Datum
profile_busy_window(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	int64		from;
	int64		to;
	uint64		busy = 0;

	if (ProfileWindow(PG_GETARG_DATUM(1), &from, &to))
	{
		ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
		check_status(ProfileBusy(&source.start, from, to, &busy), &source);
	}
	PG_RETURN_DATUM(length_interval(busy));
}

/* Returns when the level is above zero. */
PG_FUNCTION_INFO_V1(profile_busy_ranges);
Datum
profile_busy_ranges(PG_FUNCTION_ARGS)
{
	TypeCacheEntry *typcache = lookup_type_cache(TSTZMULTIRANGEOID, TYPECACHE_MULTIRANGE_INFO);
	ProfileSource source;
	ProfileSegments segments;
	ProfileSegment segment;
	RangeType **ranges = palloc(8 * sizeof(RangeType *));
	int			count = 0;
	int			room = 8;
	int64		from = 0;
	int64		to = 0;
	bool		open = false;

	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_WHOLE);
	ProfileOpenSegments(&segments, &source.start, PROFILE_BEGIN, PROFILE_END);
	for (;;)
	{
		bool		more = ProfileNextSegment(&segments, &segment);

		if (more && segment.level > 0 && open)
			to = segment.to;
		else if (open)
		{
			if (count == room)
				ranges = repalloc_huge(ranges, (room *= 2) * sizeof(RangeType *));
			ranges[count++] = DatumGetRangeTypeP(ProfileMakeRange(from, to));
			open = false;
		}
		if (!more)
			break;
		if (segment.level > 0 && !open)
		{
			from = segment.from;
			to = segment.to;
			open = true;
		}
	}
	check_status(segments.cursor.status, &source);
	PG_RETURN_MULTIRANGE_P(make_multirange(TSTZMULTIRANGEOID, typcache->rngtype, count, ranges));
}

/* Returns the profile within a window, and zero without. */
PG_FUNCTION_INFO_V1(profile_clip);
Datum
profile_clip(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	ProfileObject *object;
	int64		from;
	int64		to;

	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
	object = ProfileMake(CurrentMemoryContext, source.kind, 0);
	if (source.kind == PROFILE_RATE)
		ProfileSetBasis(object, source.basis);
	if (ProfileWindow(PG_GETARG_DATUM(1), &from, &to))
		check_status(ProfileClip(&source.start, from, to, &object->events), &source);
	object->checked = false;
	PG_RETURN_DATUM(ProfileGetDatum(ProfileFinish(object)));
}

/* Returns the time from the first to the last step; NULL if there is none. */
PG_FUNCTION_INFO_V1(profile_period);
Datum
profile_period(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	int64		first;
	int64		last;

	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
	check_status(ProfileExtent(&source.start, &first, &last), &source);
	if (first == last)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(ProfileMakeRange(first, last));
}

/* Returns rows (period, value) in a memory context that is emptied row by row. */
typedef struct RowSink
{
	ReturnSetInfo *result;
	MemoryContext context;
} RowSink;

/* Starts to return rows. */
static void
start_rows(FunctionCallInfo fcinfo, RowSink *sink)
{
	InitMaterializedSRF(fcinfo, 0);
	sink->result = (ReturnSetInfo *) fcinfo->resultinfo;
	sink->context = AllocSetContextCreate(CurrentMemoryContext, "profile row", ALLOCSET_DEFAULT_SIZES);
}

/* Returns a row. */
static void
put_row(RowSink *sink, const ProfileSource *source, int64 from, int64 to, int128 number,
		Datum (*make) (const ProfileSource *source, int128 number))
{
	MemoryContext old = MemoryContextSwitchTo(sink->context);
	Datum		values[2];
	bool		nulls[2] = {false, false};

	CHECK_FOR_INTERRUPTS();
	values[0] = ProfileMakeRange(from, to);
	values[1] = make(source, number);
	tuplestore_putvalues(sink->result->setResult, sink->result->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(sink->context);
}

/* Returns the stretches of one level, from the first step to the last. */
PG_FUNCTION_INFO_V1(profile_steps);
Datum
profile_steps(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	ProfileSegments segments;
	ProfileSegment segment;
	RowSink		sink;

	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_WHOLE);
	start_rows(fcinfo, &sink);
	ProfileOpenSegments(&segments, &source.start, PROFILE_BEGIN, PROFILE_END);
	while (ProfileNextSegment(&segments, &segment))
		put_row(&sink, &source, segment.from, segment.to, segment.level, level_datum);
	check_status(segments.cursor.status, &source);
	PG_RETURN_NULL();
}

/* Returns a bucket's share of an integral: numeric device-hours, of 10^-12. */
static Datum
picohours_datum(const ProfileSource *source, int128 picohours)
{
	(void) source;
	return DeviceHoursGetNumeric(picohours);
}

/*
 * Returns the integral over every bucket of a calendar, from the one with the first
 * step to the one with the last.  Device-hours are differences of two cumulative
 * integrals that are rounded, so that they add up to integral().
 *
 * Arguments after the width, the zone and the origin, may be missing.
 */
PG_FUNCTION_INFO_V1(profile_buckets);
Datum
profile_buckets(PG_FUNCTION_ARGS)
{
	ProfileSource source;
	ProfileSegments segments;
	ProfileSegment segment;
	RowSink		sink;
	Calendar   *calendar;
	TimestampTz origin = PG_NARGS() > 3 ? PG_GETARG_TIMESTAMPTZ(3) : 0;
	int64		from;
	int64		to;
	int64		first;
	int64		last;
	int128		sum = 0;		/* since the first step */
	int128		given = 0;		/* in the rows so far, as rows have it */

	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_WHOLE);
	calendar = CalendarMake(CurrentMemoryContext, PG_GETARG_INTERVAL_P(1),
							PG_NARGS() > 2 ? PG_GETARG_TEXT_PP(2) : NULL,
							PG_NARGS() > 3 ? &origin : NULL);
	start_rows(fcinfo, &sink);
	ProfileExtent(&source.start, &first, &last);
	if (first == last)
		PG_RETURN_NULL();

	from = CalendarFloor(calendar, first);
	to = CalendarNext(calendar, first);
	ProfileOpenSegments(&segments, &source.start, PROFILE_BEGIN, PROFILE_END);
	while (ProfileNextSegment(&segments, &segment))
	{
		while (segment.from < segment.to)
		{
			int64		end = Min(segment.to, to);
			int128		product;

			if (!ProfileMultiply(segment.level, ProfileDistance(segment.from, end), &product) ||
				__builtin_add_overflow(sum, product, &sum))
				ProfileRaise(PROFILE_OVERFLOW, source.kind);
			segment.from = end;
			if (end == to || end == last)
			{
				int128		total = source.kind == PROFILE_RATE ? sum : DevicePicohours(sum);

				put_row(&sink, &source, from, to, total - given,
						source.kind == PROFILE_RATE ? integral_datum : picohours_datum);
				given = total;
				from = to;
				if (end < last)
					to = CalendarNext(calendar, from);
			}
		}
	}
	check_status(segments.cursor.status, &source);
	PG_RETURN_NULL();
}

/* Orders profiles: a total order without a meaning, by bytes. */
static int
compare(FunctionCallInfo fcinfo)
{
	Size		left_size;
	Size		right_size;
	const uint8 *left = ProfileBytes(PG_GETARG_DATUM(0), &left_size);
	const uint8 *right = ProfileBytes(PG_GETARG_DATUM(1), &right_size);
	int			result = memcmp(left, right, Min(left_size, right_size));

	if (result != 0)
		return result < 0 ? -1 : 1;
	return (left_size > right_size) - (left_size < right_size);
}

/* Whether two profiles have the same level at every instant. */
PG_FUNCTION_INFO_V1(profile_eq);
Datum
profile_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) == 0);
}

/* Whether two profiles differ. */
PG_FUNCTION_INFO_V1(profile_ne);
Datum
profile_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) != 0);
}

/* Whether a profile sorts before another. */
PG_FUNCTION_INFO_V1(profile_lt);
Datum
profile_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) < 0);
}

/* Whether a profile does not sort after another. */
PG_FUNCTION_INFO_V1(profile_le);
Datum
profile_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

/* Whether a profile sorts after another. */
PG_FUNCTION_INFO_V1(profile_gt);
Datum
profile_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) > 0);
}

/* Whether a profile does not sort before another. */
PG_FUNCTION_INFO_V1(profile_ge);
Datum
profile_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

/* Compares for the btree operator class. */
PG_FUNCTION_INFO_V1(profile_cmp);
Datum
profile_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

/* Hashes. */
PG_FUNCTION_INFO_V1(profile_hash);
Datum
profile_hash(PG_FUNCTION_ARGS)
{
	Size		size;
	const uint8 *bytes = ProfileBytes(PG_GETARG_DATUM(0), &size);

	return hash_any(bytes, (int) size);
}

/* Hashes with a seed. */
PG_FUNCTION_INFO_V1(profile_hash_extended);
Datum
profile_hash_extended(PG_FUNCTION_ARGS)
{
	Size		size;
	const uint8 *bytes = ProfileBytes(PG_GETARG_DATUM(0), &size);

	return hash_any_extended(bytes, (int) size, PG_GETARG_INT64(1));
}
