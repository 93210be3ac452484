-- rate_profile: how much compute is in use over time, in one basis.
CREATE TYPE rate_profile;

CREATE FUNCTION rate_profile_in(cstring) RETURNS rate_profile
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION rate_profile_out(rate_profile) RETURNS cstring
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION rate_profile_recv(internal) RETURNS rate_profile
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION rate_profile_send(rate_profile) RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE TYPE rate_profile (
	INPUT = rate_profile_in, OUTPUT = rate_profile_out,
	RECEIVE = rate_profile_recv, SEND = rate_profile_send,
	INTERNALLENGTH = variable, ALIGNMENT = int4, STORAGE = external
);
COMMENT ON TYPE rate_profile IS 'Rate of compute over time, in one basis: a step function, zero before its first and from its last instant on. Text: {2026-01-01T00:00:00Z 7.9152 PFLOPS, 2026-01-01T08:30:00Z 0 FLOPS}@bf16, the rate from each instant on.';
COMMENT ON FUNCTION rate_profile_in(cstring) IS 'Reads rate_profile; depends on no setting. Errors: 22P02 bad text, instants that do not ascend, a last rate that is not zero; 22003 a rate out of range.';
COMMENT ON FUNCTION rate_profile_out(rate_profile) IS 'Writes rate_profile so that reading gives the same value; instants in UTC; depends on no setting.';
COMMENT ON FUNCTION rate_profile_recv(internal) IS 'Reads binary rate_profile. Errors: 22P03 as for text.';
COMMENT ON FUNCTION rate_profile_send(rate_profile) IS 'Writes binary rate_profile: version, flags, basis, count, then instant (int8) and rate (16 bytes, MFLOP/s) each.';

-- Aggregates.  The state is the type itself: in memory while it grows, encoded when
-- it moves between processes.
CREATE FUNCTION rate_profile_accum(rate_profile, period tstzrange, rate compute_rate) RETURNS rate_profile
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION rate_profile_accum(rate_profile, "start" timestamptz, "end" timestamptz, rate compute_rate) RETURNS rate_profile
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rate_profile_accum_bounds';
CREATE FUNCTION rate_profile_merge(rate_profile, rate_profile) RETURNS rate_profile
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_merge';
CREATE FUNCTION rate_profile_final(rate_profile) RETURNS rate_profile
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_final';
COMMENT ON FUNCTION rate_profile_accum(rate_profile, tstzrange, compute_rate) IS 'Adds a period at a level to a profile (NULL: to nothing): transition of the aggregate. A NULL period or level adds nothing.';
COMMENT ON FUNCTION rate_profile_accum(rate_profile, timestamptz, timestamptz, compute_rate) IS 'Adds a period at a level to a profile (NULL: to nothing): transition of the aggregate. A NULL adds nothing.';
COMMENT ON FUNCTION rate_profile_merge(rate_profile, rate_profile) IS 'Sum of two profiles where NULL adds nothing: transition of sum() and combine function of all aggregates.';
COMMENT ON FUNCTION rate_profile_final(rate_profile) IS 'Ends an aggregate. Errors: 22003 a level out of range.';

CREATE AGGREGATE rate_profile(period tstzrange, rate compute_rate) (
	SFUNC = rate_profile_accum, STYPE = rate_profile, SSPACE = 4096,
	FINALFUNC = rate_profile_final, COMBINEFUNC = rate_profile_merge, PARALLEL = safe
);
CREATE AGGREGATE rate_profile("start" timestamptz, "end" timestamptz, rate compute_rate) (
	SFUNC = rate_profile_accum, STYPE = rate_profile, SSPACE = 4096,
	FINALFUNC = rate_profile_final, COMBINEFUNC = rate_profile_merge, PARALLEL = safe
);
CREATE AGGREGATE sum(rate_profile) (
	SFUNC = rate_profile_merge, STYPE = rate_profile, SSPACE = 4096,
	FINALFUNC = rate_profile_final, COMBINEFUNC = rate_profile_merge, PARALLEL = safe
);
COMMENT ON AGGREGATE rate_profile(tstzrange, compute_rate) IS 'Profile of intervals: at every instant the sum of the rate over the periods that hold then, in any order of rows. Rows with a NULL are left out, empty periods add nothing; NULL of no rows. Errors: 22000 an unbounded period; LC001 different bases; 22003 a level of the result out of range.';
COMMENT ON AGGREGATE rate_profile(timestamptz, timestamptz, compute_rate) IS 'Profile of intervals [start, end): as of tstzrange(start, end), and faster; but a NULL start or end leaves the row out. Errors: 22000 an infinite bound, or a start after its end; LC001 different bases; 22003 a level of the result out of range.';
COMMENT ON AGGREGATE sum(rate_profile) IS 'Profile whose level is at every instant the sum of the profiles''; rolls stored profiles up. NULLs are left out; NULL of no rows. Errors: LC001 different bases; 22003 a level of the result out of range.';

CREATE FUNCTION rate_profile_plus(rate_profile, rate_profile) RETURNS rate_profile
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_plus';
CREATE FUNCTION rate_profile_minus(rate_profile, rate_profile) RETURNS rate_profile
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_minus';
COMMENT ON FUNCTION rate_profile_plus(rate_profile, rate_profile) IS 'Implementation of the + operator.';
COMMENT ON FUNCTION rate_profile_minus(rate_profile, rate_profile) IS 'Implementation of the - operator.';
CREATE OPERATOR + (
	LEFTARG = rate_profile, RIGHTARG = rate_profile, FUNCTION = rate_profile_plus, COMMUTATOR = +
);
CREATE OPERATOR - (
	LEFTARG = rate_profile, RIGHTARG = rate_profile, FUNCTION = rate_profile_minus
);
COMMENT ON OPERATOR + (rate_profile, rate_profile) IS 'Sum of the levels at every instant. Errors: LC001 different bases; 22003 a level out of range.';
COMMENT ON OPERATOR - (rate_profile, rate_profile) IS 'Difference of the levels at every instant, which may be negative. Errors: LC001 different bases; 22003 a level out of range.';

-- Accessors.
CREATE FUNCTION peak(rate_profile) RETURNS compute_rate
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_peak';
COMMENT ON FUNCTION peak(rate_profile) IS 'Highest level of all time, in compute_rate; zero if the profile is nowhere above it.';
CREATE FUNCTION peak(rate_profile, "window" tstzrange) RETURNS compute_rate
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_peak_window';
COMMENT ON FUNCTION peak(rate_profile, tstzrange) IS 'Highest level in a window, in compute_rate, zero where the profile has no step; NULL of an empty window.';
CREATE FUNCTION level_at(rate_profile, at timestamptz) RETURNS compute_rate
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_level_at';
COMMENT ON FUNCTION level_at(rate_profile, timestamptz) IS 'Level at an instant, in compute_rate; a step counts from its instant on.';
CREATE FUNCTION integral(rate_profile) RETURNS compute_unit
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_integral';
COMMENT ON FUNCTION integral(rate_profile) IS 'Level times time, over all time: a compute_unit, exact. Errors: 22003 out of range.';
CREATE FUNCTION integral(rate_profile, "window" tstzrange) RETURNS compute_unit
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_integral_window';
COMMENT ON FUNCTION integral(rate_profile, tstzrange) IS 'Level times time, over a window, which may be unbounded: a compute_unit, exact; zero for an empty window. Errors: 22003 out of range.';
CREATE FUNCTION average(rate_profile, "window" tstzrange) RETURNS compute_rate
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_average';
COMMENT ON FUNCTION average(rate_profile, tstzrange) IS 'Average level over a window, in compute_rate, rounded half to even to one MFLOP/s; NULL of an empty window. Errors: 22000 an unbounded window.';
CREATE FUNCTION percentile(rate_profile, fraction numeric, "window" tstzrange) RETURNS compute_rate
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_percentile';
COMMENT ON FUNCTION percentile(rate_profile, numeric, tstzrange) IS 'Time-weighted percentile, exact: the lowest level at or below which the profile is for that fraction of the window; NULL of an empty window. Errors: 22003 a fraction not in [0, 1]; 22000 an unbounded window.';
CREATE FUNCTION sampled_percentile(rate_profile, fraction numeric, step interval, "window" tstzrange) RETURNS compute_rate
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_sampled_percentile';
COMMENT ON FUNCTION sampled_percentile(rate_profile, numeric, interval, tstzrange) IS 'Nearest-rank percentile of samples taken at the start of the window and every step after it, before its end: 95th-percentile billing. NULL of an empty window. Errors: 22003 a fraction not in [0, 1]; 22000 an unbounded window; 22023 a step with months, or not above zero.';
CREATE FUNCTION busy(rate_profile) RETURNS interval
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_busy';
COMMENT ON FUNCTION busy(rate_profile) IS 'For how long the level is above zero, in hours, minutes and seconds.';
CREATE FUNCTION busy(rate_profile, "window" tstzrange) RETURNS interval
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_busy_window';
COMMENT ON FUNCTION busy(rate_profile, tstzrange) IS 'For how long in a window the level is above zero; zero for an empty window.';
CREATE FUNCTION busy_ranges(rate_profile) RETURNS tstzmultirange
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_busy_ranges';
COMMENT ON FUNCTION busy_ranges(rate_profile) IS 'When the level is above zero.';
CREATE FUNCTION clip(rate_profile, "window" tstzrange) RETURNS rate_profile
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_clip';
COMMENT ON FUNCTION clip(rate_profile, tstzrange) IS 'The profile within a window, and zero outside it.';
CREATE FUNCTION extent(rate_profile) RETURNS tstzrange
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_period';
COMMENT ON FUNCTION extent(rate_profile) IS 'From the first to the last instant at which the level changes; NULL of an empty profile.';
CREATE FUNCTION basis(rate_profile) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rate_profile_basis';
COMMENT ON FUNCTION basis(rate_profile) IS 'Name of the basis, or its number from 1000 on.';
CREATE FUNCTION steps(rate_profile) RETURNS TABLE (period tstzrange, level compute_rate)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 1000 AS 'MODULE_PATHNAME', 'profile_steps';
COMMENT ON FUNCTION steps(rate_profile) IS 'Periods of one level, in order and without gaps from the first step to the last, those of level zero included.';
CREATE FUNCTION buckets(rate_profile, width interval) RETURNS TABLE (period tstzrange, amount compute_unit)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 1000 AS 'MODULE_PATHNAME', 'profile_buckets';
CREATE FUNCTION buckets(rate_profile, width interval, time_zone text) RETURNS TABLE (period tstzrange, amount compute_unit)
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 1000 AS 'MODULE_PATHNAME', 'profile_buckets';
CREATE FUNCTION buckets(rate_profile, width interval, time_zone text, origin timestamptz) RETURNS TABLE (period tstzrange, amount compute_unit)
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 1000 AS 'MODULE_PATHNAME', 'profile_buckets';
COMMENT ON FUNCTION buckets(rate_profile, interval) IS 'Integral over every bucket of a width, in UTC: compute_unit. As with a time zone.';
COMMENT ON FUNCTION buckets(rate_profile, interval, text) IS 'Integral over every bucket of a width, from the one of the first step to the one of the last, in order: compute_unit; they add up to integral() exactly. A width is months, days (of 23 to 25 hours, as the time zone has it) or a time by the zone''s clock; buckets begin at 2001-01-01 00:00 local time, a Monday, plus whole widths. Errors: 22023 another width or an unknown time zone; 22008 a bucket beyond the range of timestamptz.';
COMMENT ON FUNCTION buckets(rate_profile, interval, text, timestamptz) IS 'Integral over every bucket of a width, where buckets begin at the local time of the origin plus whole widths. As without an origin.';

-- Equality, and a total order that has no meaning but lets DISTINCT, GROUP BY and
-- UNION sort or hash.
CREATE FUNCTION rate_profile_eq(rate_profile, rate_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_eq';
COMMENT ON FUNCTION rate_profile_eq(rate_profile, rate_profile) IS 'Implementation of the = operator.';
CREATE FUNCTION rate_profile_ne(rate_profile, rate_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_ne';
COMMENT ON FUNCTION rate_profile_ne(rate_profile, rate_profile) IS 'Implementation of the <> operator.';
CREATE FUNCTION rate_profile_lt(rate_profile, rate_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_lt';
COMMENT ON FUNCTION rate_profile_lt(rate_profile, rate_profile) IS 'Implementation of the < operator.';
CREATE FUNCTION rate_profile_le(rate_profile, rate_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_le';
COMMENT ON FUNCTION rate_profile_le(rate_profile, rate_profile) IS 'Implementation of the <= operator.';
CREATE FUNCTION rate_profile_gt(rate_profile, rate_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_gt';
COMMENT ON FUNCTION rate_profile_gt(rate_profile, rate_profile) IS 'Implementation of the > operator.';
CREATE FUNCTION rate_profile_ge(rate_profile, rate_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_ge';
COMMENT ON FUNCTION rate_profile_ge(rate_profile, rate_profile) IS 'Implementation of the >= operator.';
CREATE FUNCTION rate_profile_cmp(rate_profile, rate_profile) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_cmp';
CREATE FUNCTION rate_profile_hash(rate_profile) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_hash';
CREATE FUNCTION rate_profile_hash_extended(rate_profile, bigint) RETURNS bigint
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_hash_extended';
COMMENT ON FUNCTION rate_profile_cmp(rate_profile, rate_profile) IS 'Compares for the btree operator class: -1, 0 or 1.';
COMMENT ON FUNCTION rate_profile_hash(rate_profile) IS 'Hashes for the hash operator class.';
COMMENT ON FUNCTION rate_profile_hash_extended(rate_profile, bigint) IS 'Hashes with a seed, for hash partitions.';

CREATE OPERATOR = (
	LEFTARG = rate_profile, RIGHTARG = rate_profile, FUNCTION = rate_profile_eq,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
	LEFTARG = rate_profile, RIGHTARG = rate_profile, FUNCTION = rate_profile_ne,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
	LEFTARG = rate_profile, RIGHTARG = rate_profile, FUNCTION = rate_profile_lt,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
	LEFTARG = rate_profile, RIGHTARG = rate_profile, FUNCTION = rate_profile_le,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
	LEFTARG = rate_profile, RIGHTARG = rate_profile, FUNCTION = rate_profile_gt,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
	LEFTARG = rate_profile, RIGHTARG = rate_profile, FUNCTION = rate_profile_ge,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR = (rate_profile, rate_profile) IS 'Whether the level is the same at every instant, and the basis too.';
COMMENT ON OPERATOR <> (rate_profile, rate_profile) IS 'Whether the level differs at some instant, or the basis does.';
COMMENT ON OPERATOR < (rate_profile, rate_profile) IS 'Whether the left sorts before the right, in an order without a meaning.';
COMMENT ON OPERATOR <= (rate_profile, rate_profile) IS 'Whether the left does not sort after the right, in an order without a meaning.';
COMMENT ON OPERATOR > (rate_profile, rate_profile) IS 'Whether the left sorts after the right, in an order without a meaning.';
COMMENT ON OPERATOR >= (rate_profile, rate_profile) IS 'Whether the left does not sort before the right, in an order without a meaning.';

CREATE OPERATOR CLASS rate_profile_ops DEFAULT FOR TYPE rate_profile USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 rate_profile_cmp(rate_profile, rate_profile);
CREATE OPERATOR CLASS rate_profile_ops DEFAULT FOR TYPE rate_profile USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 rate_profile_hash(rate_profile),
	FUNCTION 2 rate_profile_hash_extended(rate_profile, bigint);
COMMENT ON OPERATOR CLASS rate_profile_ops USING btree IS 'Total order without a meaning, for DISTINCT, GROUP BY and UNION.';
COMMENT ON OPERATOR CLASS rate_profile_ops USING hash IS 'Equality, for DISTINCT, GROUP BY, UNION and hash joins.';
COMMENT ON OPERATOR FAMILY rate_profile_ops USING btree IS 'Total order without a meaning, for DISTINCT, GROUP BY and UNION.';
COMMENT ON OPERATOR FAMILY rate_profile_ops USING hash IS 'Equality, for DISTINCT, GROUP BY, UNION and hash joins.';
