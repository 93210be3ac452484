/*
 * quantity_sum.c
 *		sum, avg, min and max of compute_unit and compute_rate.
 *
 * The state of sum and avg is a type of its own, quantity_sum: fixed length, with a
 * text and a binary form, so that partial sums travel between parallel workers and
 * between nodes like any other value.
 *
 * The sum is kept in 128 bits, two's complement, and a count of the times that it
 * left them: 160 bits, which no sum of 2^47 amounts of 112 bits exceeds.  So nothing
 * on the way to the result can overflow, only the result is checked, and it is the
 * same in whatever order the rows came and however they were split.
 *
 * The executor lets a transition function change a state that it passes by
 * reference in place, and these do: no allocation for a row.
 */
#include "base/compat.h"

#include "libpq/pqformat.h"
#include "nodes/execnodes.h"

#include "base/errcodes.h"
#include "base/half_even.h"
#include "quantity/quantity_arith.h"

/*
 * 32 bytes, type alignment double.  An empty state is all zeros.
 */
typedef struct QuantitySum
{
	uint64		sum[2];			/* native-endian 128-bit integer: the sum modulo 2^128 */
	int64		count;			/* number of quantities in the sum, 0 to MAX_COUNT */
	int32		carry;			/* the true sum is sum + carry * 2^128 */
	uint16		basis;			/* theirs; 0 if there are none */
	uint16		unused;			/* zero */
} QuantitySum;

StaticAssertDecl(sizeof(QuantitySum) == 32, "a state is 32 bytes");

/* So many that a carry cannot overflow: each amount is 2^111 at most. */
#define MAX_COUNT	(INT64CONST(1) << 47)

#define PG_GETARG_SUM_P(n)	((QuantitySum *) PG_GETARG_POINTER(n))

/*
 * Tells whether an aggregate calls, so that its state may be changed in place: what
 * AggCheckCallContext tells, without the call.
 */
static inline bool
called_by_aggregate(FunctionCallInfo fcinfo)
{
	return fcinfo->context != NULL &&
		(IsA(fcinfo->context, AggState) || IsA(fcinfo->context, WindowAggState));
}

/* Returns the state to change: the argument, or a copy if it is somebody else's. */
static inline QuantitySum *
writable_state(FunctionCallInfo fcinfo)
{
	QuantitySum *state = PG_GETARG_SUM_P(0);
	QuantitySum *copy;

	if (likely(called_by_aggregate(fcinfo)))
		return state;
	copy = (QuantitySum *) palloc(sizeof(QuantitySum));
	memcpy(copy, state, sizeof(QuantitySum));
	return copy;
}

/* Returns the lower 128 bits of the sum. */
static inline int128
load_sum(const QuantitySum *state)
{
	int128		sum;

	memcpy(&sum, state->sum, sizeof(sum));
	return sum;
}

/* Raises 22003: more rows than a state can count. */
pg_noreturn static void
too_many_rows(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("too many quantities in a sum")));
}

/* Adds 128 bits and a carry to the sum. */
static inline void
add_to_sum(QuantitySum *state, int128 addend, int32 carry)
{
	int128		sum = load_sum(state);

	if (unlikely(__builtin_add_overflow(sum, addend, &sum)))
		carry += addend < 0 ? -1 : 1;
	memcpy(state->sum, &sum, sizeof(sum));
	state->carry += carry;
}

/*
 * The transition where anything is out of the ordinary: a NULL, the first quantity,
 * another basis, a carry, a caller that is no aggregate.
 */
static pg_noinline Datum
sum_accum_slow(FunctionCallInfo fcinfo)
{
	QuantitySum *state;
	Quantity   *value;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
		return PG_GETARG_DATUM(0);
	state = writable_state(fcinfo);
	value = PG_GETARG_QUANTITY_P(1);

	if (state->basis != QuantityBasis(value))
	{
		if (state->count != 0)
			BasisMismatchError(state->basis, QuantityBasis(value));
		state->basis = QuantityBasis(value);
	}
	if (state->count >= MAX_COUNT)
		too_many_rows();
	state->count++;
	add_to_sum(state, QuantityAmount(value), 0);
	PG_RETURN_POINTER(state);
}

/*
 * transition: state + quantity
 *
 * All that is rare is a tail call, so that the rest needs no stack frame: this is
 * the innermost loop of every report.  Not strict, because looking for a NULL here
 * costs less than the executor's step that does (4% of a sum over a table).
 */
PG_FUNCTION_INFO_V1(quantity_sum_accum);
Datum
quantity_sum_accum(PG_FUNCTION_ARGS)
{
	QuantitySum *state = PG_GETARG_SUM_P(0);
	int128		value;
	int128		sum;

	if (unlikely(PG_ARGISNULL(0) || PG_ARGISNULL(1)))
		return sum_accum_slow(fcinfo);
	value = QuantityLoad(PG_GETARG_QUANTITY_P(1));
	sum = load_sum(state);
	if (unlikely(!called_by_aggregate(fcinfo) ||
				 state->basis != (uint16) value ||
				 state->count >= MAX_COUNT ||
				 __builtin_add_overflow(sum, value >> 16, &sum)))
		return sum_accum_slow(fcinfo);
	memcpy(state->sum, &sum, sizeof(sum));
	state->count++;
	PG_RETURN_POINTER(state);
}

/* The inverse transition where anything is out of the ordinary. */
static pg_noinline Datum
sum_remove_slow(FunctionCallInfo fcinfo)
{
	QuantitySum *state;
	Quantity   *value;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
		return PG_GETARG_DATUM(0);
	state = writable_state(fcinfo);
	value = PG_GETARG_QUANTITY_P(1);
	if (state->count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot remove a quantity from an empty sum")));
	if (state->basis != QuantityBasis(value))
		BasisMismatchError(state->basis, QuantityBasis(value));
	if (--state->count == 0)
		memset(state, 0, sizeof(QuantitySum));	/* any basis may come next */
	else
		add_to_sum(state, -QuantityAmount(value), 0);
	PG_RETURN_POINTER(state);
}

/* inverse transition: state - quantity, which went into it before */
PG_FUNCTION_INFO_V1(quantity_sum_remove);
Datum
quantity_sum_remove(PG_FUNCTION_ARGS)
{
	QuantitySum *state = PG_GETARG_SUM_P(0);
	int128		value;
	int128		sum;

	if (unlikely(PG_ARGISNULL(0) || PG_ARGISNULL(1)))
		return sum_remove_slow(fcinfo);
	value = QuantityLoad(PG_GETARG_QUANTITY_P(1));
	sum = load_sum(state);
	if (unlikely(!called_by_aggregate(fcinfo) ||
				 state->basis != (uint16) value ||
				 state->count <= 1 ||
				 __builtin_sub_overflow(sum, value >> 16, &sum)))
		return sum_remove_slow(fcinfo);
	memcpy(state->sum, &sum, sizeof(sum));
	state->count--;
	PG_RETURN_POINTER(state);
}

/* state + state */
PG_FUNCTION_INFO_V1(quantity_sum_combine);
Datum
quantity_sum_combine(PG_FUNCTION_ARGS)
{
	QuantitySum *a = writable_state(fcinfo);
	QuantitySum *b = PG_GETARG_SUM_P(1);

	if (b->count == 0)
		PG_RETURN_POINTER(a);
	if (a->count == 0)
		memcpy(a, b, sizeof(QuantitySum));
	else
	{
		if (a->basis != b->basis)
			BasisMismatchError(a->basis, b->basis);
		if (a->count > MAX_COUNT - b->count)
			too_many_rows();
		a->count += b->count;
		add_to_sum(a, load_sum(b), b->carry);
	}
	PG_RETURN_POINTER(a);
}

/* sum: NULL of nothing; 22003 if it does not fit */
PG_FUNCTION_INFO_V1(quantity_sum_final);
Datum
quantity_sum_final(PG_FUNCTION_ARGS)
{
	QuantitySum *state = PG_GETARG_SUM_P(0);

	if (state->count == 0)
		PG_RETURN_NULL();
	if (state->carry != 0)
		QuantityOutOfRangeError();
	PG_RETURN_QUANTITY_P(QuantityMake(load_sum(state), state->basis));
}

/* Splits the true sum into a sign and a magnitude of three words, the lowest first. */
static bool
sum_magnitude(const QuantitySum *state, uint64 words[3])
{
	uint128		low = (uint128) load_sum(state);
	/* the lower 128 bits are signed: carry counts from there */
	int64		high = (int64) state->carry - (load_sum(state) < 0);
	bool		negative = high < 0;

	if (negative)
	{
		low = -low;
		high = ~high + (low == 0);
	}
	words[0] = (uint64) low;
	words[1] = (uint64) (low >> 64);
	words[2] = (uint64) high;
	return negative;
}

/* Divides three words by one in place and returns the remainder. */
static uint64
divide_words(uint64 words[3], uint64 divisor)
{
	uint64		rest = 0;

	for (int i = 2; i >= 0; i--)
	{
		uint128		part = ((uint128) rest << 64) | words[i];

		words[i] = (uint64) (part / divisor);
		rest = (uint64) (part % divisor);
	}
	return rest;
}

/* avg: the exact sum / count, rounded half to even; NULL of nothing */
PG_FUNCTION_INFO_V1(quantity_avg_final);
Datum
quantity_avg_final(PG_FUNCTION_ARGS)
{
	QuantitySum *state = PG_GETARG_SUM_P(0);
	uint64		count = state->count;
	uint64		words[3];
	uint64		rest;
	uint128		quotient;
	bool		negative;

	if (count == 0)
		PG_RETURN_NULL();
	negative = sum_magnitude(state, words);
	rest = divide_words(words, count);
	quotient = ((uint128) words[1] << 64) | words[0];
	quotient += RoundsUpHalfEven(CompareTwice(rest, count), quotient & 1);
	if (words[2] != 0)
		QuantityOutOfRangeError();	/* of a state that nobody summed up */
	PG_RETURN_QUANTITY_P(QuantityMakeSigned(quotient, negative, state->basis));
}

/* Returns the second of two, having made it the state if that is an aggregate's. */
static inline Datum
take_value(FunctionCallInfo fcinfo)
{
	Quantity   *state = PG_GETARG_QUANTITY_P(0);
	Quantity   *value = PG_GETARG_QUANTITY_P(1);

	if (!called_by_aggregate(fcinfo))
		PG_RETURN_QUANTITY_P(value);
	memcpy(state, value, sizeof(Quantity));
	PG_RETURN_QUANTITY_P(state);
}

/*
 * Returns whichever of state and value is not NULL, or NULL.  The executor copies the
 * first value to where the state lives.
 */
static pg_noinline Datum
take_not_null(FunctionCallInfo fcinfo)
{
	if (!PG_ARGISNULL(1))
		return PG_GETARG_DATUM(1);
	if (!PG_ARGISNULL(0))
		return PG_GETARG_DATUM(0);
	PG_RETURN_NULL();
}

/* transition of max; not strict, for the same reason as that of sum */
PG_FUNCTION_INFO_V1(quantity_max_accum);
Datum
quantity_max_accum(PG_FUNCTION_ARGS)
{
	if (unlikely(PG_ARGISNULL(0) || PG_ARGISNULL(1)))
		return take_not_null(fcinfo);
	if (QuantityLess(PG_GETARG_QUANTITY_P(0), PG_GETARG_QUANTITY_P(1)))
		return take_value(fcinfo);
	return PG_GETARG_DATUM(0);
}

/* transition of min */
PG_FUNCTION_INFO_V1(quantity_min_accum);
Datum
quantity_min_accum(PG_FUNCTION_ARGS)
{
	if (unlikely(PG_ARGISNULL(0) || PG_ARGISNULL(1)))
		return take_not_null(fcinfo);
	if (QuantityLess(PG_GETARG_QUANTITY_P(1), PG_GETARG_QUANTITY_P(0)))
		return take_value(fcinfo);
	return PG_GETARG_DATUM(0);
}

/* the larger of two: combine function of max */
PG_FUNCTION_INFO_V1(quantity_larger);
Datum
quantity_larger(PG_FUNCTION_ARGS)
{
	if (QuantityLess(PG_GETARG_QUANTITY_P(0), PG_GETARG_QUANTITY_P(1)))
		return take_value(fcinfo);
	return PG_GETARG_DATUM(0);
}

/* the smaller of two: combine function of min */
PG_FUNCTION_INFO_V1(quantity_smaller);
Datum
quantity_smaller(PG_FUNCTION_ARGS)
{
	if (QuantityLess(PG_GETARG_QUANTITY_P(1), PG_GETARG_QUANTITY_P(0)))
		return take_value(fcinfo);
	return PG_GETARG_DATUM(0);
}

/*
 * Tells whether a state can be the sum of quantities: the one check of in and recv.
 * Between count * -2^111 and count * (2^111 - 1), or empty and all zero.
 */
static bool
state_is_valid(const QuantitySum *state)
{
	uint64		words[3];
	uint64		limit[3];
	uint128		product;
	bool		negative;

	if (state->count < 0 || state->count > MAX_COUNT || state->unused != 0 ||
		!BasisIsValid(state->basis))
		return false;
	negative = sum_magnitude(state, words);
	if (state->count == 0)
		return state->basis == 0 && (words[0] | words[1] | words[2]) == 0;

	/* count * 2^111, less the count if positive */
	product = ((uint128) state->count << 47) - (negative ? 0 : 1);
	limit[2] = (uint64) (product >> 64);
	limit[1] = (uint64) product;
	limit[0] = negative ? 0 : -(uint64) state->count;
	for (int i = 2; i >= 0; i--)
	{
		if (words[i] != limit[i])
			return words[i] < limit[i];
	}
	return true;
}

/* Stores a sign and a magnitude of three words, below 2^159, in a state. */
static void
set_sum(QuantitySum *state, bool negative, const uint64 words[3])
{
	uint128		low = ((uint128) words[1] << 64) | words[0];
	int64		high = (int64) words[2];

	if (negative)
	{
		low = -low;
		high = ~high + (low == 0);
	}
	memcpy(state->sum, &low, sizeof(low));
	/* the lower 128 bits are read back as signed */
	state->carry = (int32) (high + ((int128) low < 0));
}

/* quantity_sum_in(cstring): (count,sum,basis) */
PG_FUNCTION_INFO_V1(quantity_sum_in);
Datum
quantity_sum_in(PG_FUNCTION_ARGS)
{
	const char *str = PG_GETARG_CSTRING(0);
	const char *p = str;
	QuantitySum *state = (QuantitySum *) palloc0(sizeof(QuantitySum));
	uint64		words[3] = {0, 0, 0};
	bool		negative = false;
	const char *digits;
	size_t		len;

	if (*p++ != '(')
		goto invalid;
	for (digits = p; *p >= '0' && *p <= '9'; p++)
	{
		if (state->count > MAX_COUNT)
			goto invalid;
		state->count = state->count * 10 + (*p - '0');
	}
	if (p == digits || *p++ != ',')
		goto invalid;
	if (*p == '-')
	{
		negative = true;
		p++;
	}
	for (digits = p; *p >= '0' && *p <= '9'; p++)
	{
		uint64		carry = *p - '0';

		if ((words[2] >> 28) != 0)
			goto invalid;		/* 2^156 and more than ten times what can be valid */
		for (int i = 0; i < 3; i++)
		{
			uint128		part = (uint128) words[i] * 10 + carry;

			words[i] = (uint64) part;
			carry = (uint64) (part >> 64);
		}
	}
	if (p == digits || *p++ != ',')
		goto invalid;
	len = strcspn(p, ")");
	if (!BasisFromName(p, len, &state->basis) || strcmp(p + len, ")") != 0)
		goto invalid;
	if ((words[2] >> 31) != 0)
		goto invalid;
	set_sum(state, negative, words);
	if (!state_is_valid(state))
		goto invalid;
	PG_RETURN_POINTER(state);

invalid:
	ereturn(fcinfo->context, (Datum) 0,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", "quantity_sum", str)));
}

/* quantity_sum_out(quantity_sum) */
PG_FUNCTION_INFO_V1(quantity_sum_out);
Datum
quantity_sum_out(PG_FUNCTION_ARGS)
{
	QuantitySum *state = PG_GETARG_SUM_P(0);
	uint64		words[3];
	bool		negative = sum_magnitude(state, words);
	char		digits[64];
	char	   *p = digits + sizeof(digits);
	char		name[BASIS_MAXTEXT];

	*--p = '\0';
	do
	{
		*--p = '0' + (char) divide_words(words, 10);
	} while ((words[0] | words[1] | words[2]) != 0);
	PG_RETURN_CSTRING(psprintf("(%lld,%s%s,%s)", (long long) state->count,
							   negative ? "-" : "", p, BasisName(state->basis, name)));
}

/*
 * quantity_sum_recv(internal): version 1, basis, carry, sum (upper and lower half),
 * count; 8 + 3 * 8 bytes, big-endian
 */
PG_FUNCTION_INFO_V1(quantity_sum_recv);
Datum
quantity_sum_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	QuantitySum *state = (QuantitySum *) palloc0(sizeof(QuantitySum));
	int			version = pq_getmsgint(buf, 2);
	uint128		sum;

	state->basis = pq_getmsgint(buf, 2);
	state->carry = (int32) pq_getmsgint(buf, 4);
	sum = (uint128) pq_getmsgint64(buf) << 64;
	sum |= (uint64) pq_getmsgint64(buf);
	memcpy(state->sum, &sum, sizeof(sum));
	state->count = pq_getmsgint64(buf);
	if (version != 1 || !state_is_valid(state))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid external \"%s\" value", "quantity_sum")));
	PG_RETURN_POINTER(state);
}

/* quantity_sum_send(quantity_sum) */
PG_FUNCTION_INFO_V1(quantity_sum_send);
Datum
quantity_sum_send(PG_FUNCTION_ARGS)
{
	QuantitySum *state = PG_GETARG_SUM_P(0);
	uint128		sum = (uint128) load_sum(state);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, 1);
	pq_sendint16(&buf, state->basis);
	pq_sendint32(&buf, state->carry);
	pq_sendint64(&buf, (uint64) (sum >> 64));
	pq_sendint64(&buf, (uint64) sum);
	pq_sendint64(&buf, state->count);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
