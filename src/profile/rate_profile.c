/*
 * rate_profile.c
 *		The type rate_profile: how much compute is in use, over time.
 *
 * Text:	{2026-01-01T00:00:00Z 7.9152 PFLOPS, 2026-01-01T08:30:00Z 0 FLOPS}@bf16
 *			the level from each instant on, and the basis, unless it is flop; {} is
 *			nothing at any time.
 * Binary:	version (1 byte, 1), flags (1 byte, 0), basis (int2), number of steps
 *			(int4), then for each the instant (int8, as timestamptz) and the level in
 *			MFLOP/s (16 bytes, two's complement, high half first).
 * Instants ascend, and the last level is zero; steps that change nothing are dropped.
 */
#include "base/compat.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "profile/profile_object.h"
#include "profile/profile_period.h"
#include "profile/profile_text.h"
#include "quantity/quantity.h"

/* Reads the text of a level. */
static bool
parse_rate(const char *str, int128 *level, bool *in_range)
{
	uint16		basis;
	QuantityParseResult result = QuantityParse(str, QUANTITY_RATE, level, &basis);

	*in_range = result != QUANTITY_PARSE_RANGE;
	return result == QUANTITY_PARSE_OK || result == QUANTITY_PARSE_RANGE;
}

/* Writes a level. */
static int
format_rate(int128 level, char *buf)
{
	return QuantityFormat(level, BASIS_FLOP, QUANTITY_RATE, buf);
}

/* Reads text. */
PG_FUNCTION_INFO_V1(rate_profile_in);
Datum
rate_profile_in(PG_FUNCTION_ARGS)
{
	ProfileObject *object = ProfileParse(PG_GETARG_CSTRING(0), PROFILE_RATE, parse_rate,
										 fcinfo->context);

	if (object == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(ProfileGetDatum(object));
}

/* Writes text. */
PG_FUNCTION_INFO_V1(rate_profile_out);
Datum
rate_profile_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(ProfileFormat(PG_GETARG_DATUM(0), format_rate));
}

/* Reads the binary form. */
PG_FUNCTION_INFO_V1(rate_profile_recv);
Datum
rate_profile_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(ProfileGetDatum(ProfileReceive((StringInfo) PG_GETARG_POINTER(0), PROFILE_RATE)));
}

/* Writes the binary form. */
PG_FUNCTION_INFO_V1(rate_profile_send);
Datum
rate_profile_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(ProfileSend(PG_GETARG_DATUM(0)));
}

/* Adds a period at a rate to a state. */
static void
add_rate_period(ProfileObject *state, bool empty, int64 from, int64 to, const Quantity *rate)
{
	ProfileSetBasis(state, QuantityBasis(rate));
	if (!empty)
		ProfileAddPeriod(state, from, to, QuantityAmount(rate));
}

/* Adds (period, rate) to a state. */
PG_FUNCTION_INFO_V1(rate_profile_accum);
Datum
rate_profile_accum(PG_FUNCTION_ARGS)
{
	ProfileObject *state;
	int64		from;
	int64		to;
	bool		empty;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = ProfileState(fcinfo, PROFILE_RATE);
	empty = !ProfilePeriod(PG_GETARG_DATUM(1), &from, &to);
	add_rate_period(state, empty, from, to, PG_GETARG_QUANTITY_P(2));
	PG_RETURN_DATUM(ProfileStateDatum(fcinfo, state));
}

/* Adds (start, end, rate) to a state. */
PG_FUNCTION_INFO_V1(rate_profile_accum_bounds);
Datum
rate_profile_accum_bounds(PG_FUNCTION_ARGS)
{
	ProfileObject *state;
	bool		empty;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = ProfileState(fcinfo, PROFILE_RATE);
	empty = !ProfilePeriodFromBounds(PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2));
	add_rate_period(state, empty, PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2), PG_GETARG_QUANTITY_P(3));
	PG_RETURN_DATUM(ProfileStateDatum(fcinfo, state));
}

/* Returns the basis of a profile. */
PG_FUNCTION_INFO_V1(rate_profile_basis);
Datum
rate_profile_basis(PG_FUNCTION_ARGS)
{
	char		buf[BASIS_MAXTEXT];
	ProfileSource source;

	ProfileOpen(&source, PG_GETARG_DATUM(0), PROFILE_SLICES);
	PG_RETURN_TEXT_P(cstring_to_text(BasisName(source.basis, buf)));
}
