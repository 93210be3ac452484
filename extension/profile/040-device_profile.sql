-- device_profile: how many devices are in use, or free, over time.
-- Functions that serve both device_profile and rate_profile have one C function.
CREATE TYPE device_profile;

CREATE FUNCTION device_profile_in(cstring) RETURNS device_profile
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION device_profile_out(device_profile) RETURNS cstring
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION device_profile_recv(internal) RETURNS device_profile
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION device_profile_send(device_profile) RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE TYPE device_profile (
	INPUT = device_profile_in, OUTPUT = device_profile_out,
	RECEIVE = device_profile_recv, SEND = device_profile_send,
	INTERNALLENGTH = variable, ALIGNMENT = int4, STORAGE = external
);
COMMENT ON TYPE device_profile IS 'Number of devices over time: a step function, zero before its first and from its last instant on. Fractions are multiples of 1/1,680,000 device. Text: {2026-01-01T00:00:00Z 8, 2026-01-01T08:30:00Z 0}, the number from each instant on.';
COMMENT ON FUNCTION device_profile_in(cstring) IS 'Reads device_profile; depends on no setting. Errors: 22P02 bad text, instants that do not ascend, a last level that is not zero; 22003 too many devices.';
COMMENT ON FUNCTION device_profile_out(device_profile) IS 'Writes device_profile so that reading gives the same value; instants in UTC, devices with the fewest decimals that read back; depends on no setting.';
COMMENT ON FUNCTION device_profile_recv(internal) IS 'Reads binary device_profile. Errors: 22P03 as for text.';
COMMENT ON FUNCTION device_profile_send(device_profile) IS 'Writes binary device_profile: version, flags, count, then instant and level (1/1,680,000 device) as int8 each.';

-- Aggregates.  The state is the type itself: in memory while it grows, encoded when
-- it moves between processes.
CREATE FUNCTION device_profile_accum(device_profile, period tstzrange, devices numeric) RETURNS device_profile
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION device_profile_accum(device_profile, "start" timestamptz, "end" timestamptz, devices numeric) RETURNS device_profile
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'device_profile_accum_bounds';
CREATE FUNCTION device_profile_merge(device_profile, device_profile) RETURNS device_profile
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_merge';
CREATE FUNCTION device_profile_final(device_profile) RETURNS device_profile
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_final';
COMMENT ON FUNCTION device_profile_accum(device_profile, tstzrange, numeric) IS 'Adds a period at a level to a profile (NULL: to nothing): transition of the aggregate. A NULL period or level adds nothing.';
COMMENT ON FUNCTION device_profile_accum(device_profile, timestamptz, timestamptz, numeric) IS 'Adds a period at a level to a profile (NULL: to nothing): transition of the aggregate. A NULL adds nothing.';
COMMENT ON FUNCTION device_profile_merge(device_profile, device_profile) IS 'Sum of two profiles where NULL adds nothing: transition of sum() and combine function of all aggregates.';
COMMENT ON FUNCTION device_profile_final(device_profile) IS 'Ends an aggregate. Errors: 22003 a level out of range.';

CREATE AGGREGATE device_profile(period tstzrange, devices numeric) (
	SFUNC = device_profile_accum, STYPE = device_profile, SSPACE = 4096,
	FINALFUNC = device_profile_final, COMBINEFUNC = device_profile_merge, PARALLEL = safe
);
CREATE AGGREGATE device_profile("start" timestamptz, "end" timestamptz, devices numeric) (
	SFUNC = device_profile_accum, STYPE = device_profile, SSPACE = 4096,
	FINALFUNC = device_profile_final, COMBINEFUNC = device_profile_merge, PARALLEL = safe
);
CREATE AGGREGATE sum(device_profile) (
	SFUNC = device_profile_merge, STYPE = device_profile, SSPACE = 4096,
	FINALFUNC = device_profile_final, COMBINEFUNC = device_profile_merge, PARALLEL = safe
);
COMMENT ON AGGREGATE device_profile(tstzrange, numeric) IS 'Profile of intervals: at every instant the sum of devices over the periods that hold then, in any order of rows. Rows with a NULL are left out, empty periods add nothing; NULL of no rows. Errors: 22000 an unbounded period; 22003 a level of the result out of range.';
COMMENT ON AGGREGATE device_profile(timestamptz, timestamptz, numeric) IS 'Profile of intervals [start, end): as of tstzrange(start, end), and faster; but a NULL start or end leaves the row out. Errors: 22000 an infinite bound, or a start after its end; 22003 a level of the result out of range.';
COMMENT ON AGGREGATE sum(device_profile) IS 'Profile whose level is at every instant the sum of the profiles''; rolls stored profiles up. NULLs are left out; NULL of no rows. Errors: 22003 a level of the result out of range.';

CREATE FUNCTION device_profile_plus(device_profile, device_profile) RETURNS device_profile
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_plus';
CREATE FUNCTION device_profile_minus(device_profile, device_profile) RETURNS device_profile
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_minus';
COMMENT ON FUNCTION device_profile_plus(device_profile, device_profile) IS 'Implementation of the + operator.';
COMMENT ON FUNCTION device_profile_minus(device_profile, device_profile) IS 'Implementation of the - operator.';
CREATE OPERATOR + (
	LEFTARG = device_profile, RIGHTARG = device_profile, FUNCTION = device_profile_plus, COMMUTATOR = +
);
CREATE OPERATOR - (
	LEFTARG = device_profile, RIGHTARG = device_profile, FUNCTION = device_profile_minus
);
COMMENT ON OPERATOR + (device_profile, device_profile) IS 'Sum of the levels at every instant. Errors: 22003 a level out of range.';
COMMENT ON OPERATOR - (device_profile, device_profile) IS 'Difference of the levels at every instant, which may be negative. Errors: 22003 a level out of range.';

-- Accessors.
CREATE FUNCTION peak(device_profile) RETURNS numeric
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_peak';
COMMENT ON FUNCTION peak(device_profile) IS 'Highest level of all time, in devices; zero if the profile is nowhere above it.';
CREATE FUNCTION peak(device_profile, "window" tstzrange) RETURNS numeric
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_peak_window';
COMMENT ON FUNCTION peak(device_profile, tstzrange) IS 'Highest level in a window, in devices, zero where the profile has no step; NULL of an empty window.';
CREATE FUNCTION level_at(device_profile, at timestamptz) RETURNS numeric
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_level_at';
COMMENT ON FUNCTION level_at(device_profile, timestamptz) IS 'Level at an instant, in devices; a step counts from its instant on.';
CREATE FUNCTION integral(device_profile) RETURNS numeric
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_integral';
COMMENT ON FUNCTION integral(device_profile) IS 'Level times time, over all time: device-hours, rounded half to even to 12 decimals.';
CREATE FUNCTION integral(device_profile, "window" tstzrange) RETURNS numeric
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_integral_window';
COMMENT ON FUNCTION integral(device_profile, tstzrange) IS 'Level times time, over a window, which may be unbounded: device-hours, rounded half to even to 12 decimals; zero for an empty window.';
CREATE FUNCTION average(device_profile, "window" tstzrange) RETURNS numeric
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_average';
COMMENT ON FUNCTION average(device_profile, tstzrange) IS 'Average level over a window, in devices, rounded half to even to 12 decimals; NULL of an empty window. Errors: 22000 an unbounded window.';
CREATE FUNCTION percentile(device_profile, fraction numeric, "window" tstzrange) RETURNS numeric
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_percentile';
COMMENT ON FUNCTION percentile(device_profile, numeric, tstzrange) IS 'Time-weighted percentile, exact: the lowest level at or below which the profile is for that fraction of the window; NULL of an empty window. Errors: 22003 a fraction not in [0, 1]; 22000 an unbounded window.';
CREATE FUNCTION sampled_percentile(device_profile, fraction numeric, step interval, "window" tstzrange) RETURNS numeric
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_sampled_percentile';
COMMENT ON FUNCTION sampled_percentile(device_profile, numeric, interval, tstzrange) IS 'Nearest-rank percentile of samples taken at the start of the window and every step after it, before its end: 95th-percentile billing. NULL of an empty window. Errors: 22003 a fraction not in [0, 1]; 22000 an unbounded window; 22023 a step with months, or not above zero.';
CREATE FUNCTION busy(device_profile) RETURNS interval
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_busy';
COMMENT ON FUNCTION busy(device_profile) IS 'For how long the level is above zero, in hours, minutes and seconds.';
CREATE FUNCTION busy(device_profile, "window" tstzrange) RETURNS interval
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_busy_window';
COMMENT ON FUNCTION busy(device_profile, tstzrange) IS 'For how long in a window the level is above zero; zero for an empty window.';
CREATE FUNCTION busy_ranges(device_profile) RETURNS tstzmultirange
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_busy_ranges';
COMMENT ON FUNCTION busy_ranges(device_profile) IS 'When the level is above zero.';
CREATE FUNCTION clip(device_profile, "window" tstzrange) RETURNS device_profile
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'profile_clip';
COMMENT ON FUNCTION clip(device_profile, tstzrange) IS 'The profile within a window, and zero outside it.';
CREATE FUNCTION extent(device_profile) RETURNS tstzrange
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_period';
COMMENT ON FUNCTION extent(device_profile) IS 'From the first to the last instant at which the level changes; NULL of an empty profile.';
CREATE FUNCTION steps(device_profile) RETURNS TABLE (period tstzrange, level numeric)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 1000 AS 'MODULE_PATHNAME', 'profile_steps';
COMMENT ON FUNCTION steps(device_profile) IS 'Periods of one level, in order and without gaps from the first step to the last, those of level zero included.';
CREATE FUNCTION buckets(device_profile, width interval) RETURNS TABLE (period tstzrange, amount numeric)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 1000 AS 'MODULE_PATHNAME', 'profile_buckets';
CREATE FUNCTION buckets(device_profile, width interval, time_zone text) RETURNS TABLE (period tstzrange, amount numeric)
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 1000 AS 'MODULE_PATHNAME', 'profile_buckets';
CREATE FUNCTION buckets(device_profile, width interval, time_zone text, origin timestamptz) RETURNS TABLE (period tstzrange, amount numeric)
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 1000 AS 'MODULE_PATHNAME', 'profile_buckets';
COMMENT ON FUNCTION buckets(device_profile, interval) IS 'Integral over every bucket of a width, in UTC: device-hours. As with a time zone.';
COMMENT ON FUNCTION buckets(device_profile, interval, text) IS 'Integral over every bucket of a width, from the one of the first step to the one of the last, in order: device-hours that add up to integral() exactly. A width is months, days (of 23 to 25 hours, as the time zone has it) or a time by the zone''s clock; buckets begin at 2001-01-01 00:00 local time, a Monday, plus whole widths. Errors: 22023 another width or an unknown time zone; 22008 a bucket beyond the range of timestamptz.';
COMMENT ON FUNCTION buckets(device_profile, interval, text, timestamptz) IS 'Integral over every bucket of a width, where buckets begin at the local time of the origin plus whole widths. As without an origin.';
CREATE FUNCTION earliest_fit(available device_profile, devices numeric, duration interval, "window" tstzrange) RETURNS timestamptz
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'device_profile_earliest_fit';
COMMENT ON FUNCTION earliest_fit(device_profile, numeric, interval, tstzrange) IS 'First instant of the window from which so many devices are available for so long without a break, all of it within the window; NULL if there is none. A day is 24 hours. Errors: 22023 devices or duration not above zero, or a duration with months.';

-- Equality, and a total order that has no meaning but lets DISTINCT, GROUP BY and
-- UNION sort or hash.
CREATE FUNCTION device_profile_eq(device_profile, device_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_eq';
COMMENT ON FUNCTION device_profile_eq(device_profile, device_profile) IS 'Implementation of the = operator.';
CREATE FUNCTION device_profile_ne(device_profile, device_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_ne';
COMMENT ON FUNCTION device_profile_ne(device_profile, device_profile) IS 'Implementation of the <> operator.';
CREATE FUNCTION device_profile_lt(device_profile, device_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_lt';
COMMENT ON FUNCTION device_profile_lt(device_profile, device_profile) IS 'Implementation of the < operator.';
CREATE FUNCTION device_profile_le(device_profile, device_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_le';
COMMENT ON FUNCTION device_profile_le(device_profile, device_profile) IS 'Implementation of the <= operator.';
CREATE FUNCTION device_profile_gt(device_profile, device_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_gt';
COMMENT ON FUNCTION device_profile_gt(device_profile, device_profile) IS 'Implementation of the > operator.';
CREATE FUNCTION device_profile_ge(device_profile, device_profile) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_ge';
COMMENT ON FUNCTION device_profile_ge(device_profile, device_profile) IS 'Implementation of the >= operator.';
CREATE FUNCTION device_profile_cmp(device_profile, device_profile) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_cmp';
CREATE FUNCTION device_profile_hash(device_profile) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_hash';
CREATE FUNCTION device_profile_hash_extended(device_profile, bigint) RETURNS bigint
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'profile_hash_extended';
COMMENT ON FUNCTION device_profile_cmp(device_profile, device_profile) IS 'Compares for the btree operator class: -1, 0 or 1.';
COMMENT ON FUNCTION device_profile_hash(device_profile) IS 'Hashes for the hash operator class.';
COMMENT ON FUNCTION device_profile_hash_extended(device_profile, bigint) IS 'Hashes with a seed, for hash partitions.';

CREATE OPERATOR = (
	LEFTARG = device_profile, RIGHTARG = device_profile, FUNCTION = device_profile_eq,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
	LEFTARG = device_profile, RIGHTARG = device_profile, FUNCTION = device_profile_ne,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
	LEFTARG = device_profile, RIGHTARG = device_profile, FUNCTION = device_profile_lt,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
	LEFTARG = device_profile, RIGHTARG = device_profile, FUNCTION = device_profile_le,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
	LEFTARG = device_profile, RIGHTARG = device_profile, FUNCTION = device_profile_gt,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
	LEFTARG = device_profile, RIGHTARG = device_profile, FUNCTION = device_profile_ge,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR = (device_profile, device_profile) IS 'Whether the level is the same at every instant.';
COMMENT ON OPERATOR <> (device_profile, device_profile) IS 'Whether the level differs at some instant.';
COMMENT ON OPERATOR < (device_profile, device_profile) IS 'Whether the left sorts before the right, in an order without a meaning.';
COMMENT ON OPERATOR <= (device_profile, device_profile) IS 'Whether the left does not sort after the right, in an order without a meaning.';
COMMENT ON OPERATOR > (device_profile, device_profile) IS 'Whether the left sorts after the right, in an order without a meaning.';
COMMENT ON OPERATOR >= (device_profile, device_profile) IS 'Whether the left does not sort before the right, in an order without a meaning.';

CREATE OPERATOR CLASS device_profile_ops DEFAULT FOR TYPE device_profile USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 device_profile_cmp(device_profile, device_profile);
CREATE OPERATOR CLASS device_profile_ops DEFAULT FOR TYPE device_profile USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 device_profile_hash(device_profile),
	FUNCTION 2 device_profile_hash_extended(device_profile, bigint);
COMMENT ON OPERATOR CLASS device_profile_ops USING btree IS 'Total order without a meaning, for DISTINCT, GROUP BY and UNION.';
COMMENT ON OPERATOR CLASS device_profile_ops USING hash IS 'Equality, for DISTINCT, GROUP BY, UNION and hash joins.';
COMMENT ON OPERATOR FAMILY device_profile_ops USING btree IS 'Total order without a meaning, for DISTINCT, GROUP BY and UNION.';
COMMENT ON OPERATOR FAMILY device_profile_ops USING hash IS 'Equality, for DISTINCT, GROUP BY, UNION and hash joins.';
