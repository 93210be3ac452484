-- compute_rate: work per time, exact, in one basis.

CREATE TYPE compute_rate;

CREATE FUNCTION compute_rate_in(cstring, oid, integer) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'compute_rate_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_in(cstring, oid, integer) IS 'Text input of compute_rate: a decimal number, an optional exponent, a unit, an optional @basis. Rounds half to even to one MFLOP/s. Errors: 22P02 syntax, 22003 out of range, LC001 not of the basis that the column is held to, LC002 unknown basis.';
CREATE FUNCTION compute_rate_out(compute_rate) RETURNS cstring
	AS 'MODULE_PATHNAME', 'compute_rate_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_out(compute_rate) IS 'Text output of compute_rate: the fewest digits that read back as the same value. Depends on no setting and no table.';
CREATE FUNCTION compute_rate_recv(internal, oid, integer) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'compute_rate_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_recv(internal, oid, integer) IS 'Binary input of compute_rate: 2 bytes of basis, 14 of amount in MFLOP/s, big-endian. Errors: 22P03 unassigned basis, LC001 not of the basis that the column is held to.';
CREATE FUNCTION compute_rate_send(compute_rate) RETURNS bytea
	AS 'MODULE_PATHNAME', 'quantity_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_send(compute_rate) IS 'Binary output of compute_rate: 2 bytes of basis, 14 of amount in MFLOP/s, big-endian.';
CREATE FUNCTION compute_rate_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'quantity_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_typmod_in(cstring[]) IS 'Type modifier of compute_rate: the basis, by name or code. Errors: LC002 unknown basis.';
CREATE FUNCTION compute_rate_typmod_out(integer) RETURNS cstring
	AS 'MODULE_PATHNAME', 'quantity_typmod_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_typmod_out(integer) IS 'Type modifier of compute_rate: the basis in parentheses.';

-- Category N, like money: an operand of unknown type beside an operator of theirs, as
-- in interval '1 day' * $1, is still taken as double precision.
CREATE TYPE compute_rate (
	INPUT = compute_rate_in,
	OUTPUT = compute_rate_out,
	RECEIVE = compute_rate_recv,
	SEND = compute_rate_send,
	TYPMOD_IN = compute_rate_typmod_in,
	TYPMOD_OUT = compute_rate_typmod_out,
	INTERNALLENGTH = 16,
	ALIGNMENT = char,
	STORAGE = plain,
	CATEGORY = 'N'
);
COMMENT ON TYPE compute_rate IS 'Work per time: whole MFLOP/s, exact, in one basis, for example 989.4 TFLOPS@bf16. Range -2^111 to 2^111 - 1 MFLOP/s. compute_rate(bf16) holds a column to one basis.';

-- The length-coercion cast checks the basis, also when the cast is explicit.
CREATE FUNCTION compute_rate(compute_rate, integer, boolean) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'compute_rate_enforce_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate(compute_rate, integer, boolean) IS 'Checks a rate against the basis of a type modifier and returns it unchanged. Errors: LC001 another basis; nothing is relabelled.';
CREATE CAST (compute_rate AS compute_rate) WITH FUNCTION compute_rate(compute_rate, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (compute_rate AS compute_rate) IS 'Holds a rate to the basis of compute_rate(basis). Errors: LC001 another basis.';

-- Basis

CREATE FUNCTION basis(compute_rate) RETURNS text
	AS 'MODULE_PATHNAME', 'quantity_basis' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION basis(compute_rate) IS 'Returns the basis of a rate: flop, fp64, fp32, tf32, fp16, bf16, fp8, fp6, fp4, int8, int4, or the code of a user''s own. NULL gives NULL.';
CREATE FUNCTION with_basis(compute_rate, text) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_with_basis' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION with_basis(compute_rate, text) IS 'Returns the same rate labelled with another basis, given by name or code: nothing is converted. NULL gives NULL. Errors: LC002 unknown basis.';

-- Order: by basis code, then by value.  Total, and never an error when it runs.

CREATE FUNCTION compute_rate_lt(compute_rate, compute_rate) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_rate_lt(compute_rate, compute_rate) IS 'implementation of < operator';
CREATE FUNCTION compute_rate_le(compute_rate, compute_rate) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_rate_le(compute_rate, compute_rate) IS 'implementation of <= operator';
CREATE FUNCTION compute_rate_eq(compute_rate, compute_rate) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_rate_eq(compute_rate, compute_rate) IS 'implementation of = operator';
CREATE FUNCTION compute_rate_ne(compute_rate, compute_rate) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_rate_ne(compute_rate, compute_rate) IS 'implementation of <> operator';
CREATE FUNCTION compute_rate_ge(compute_rate, compute_rate) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_rate_ge(compute_rate, compute_rate) IS 'implementation of >= operator';
CREATE FUNCTION compute_rate_gt(compute_rate, compute_rate) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_rate_gt(compute_rate, compute_rate) IS 'implementation of > operator';
CREATE OPERATOR < (FUNCTION = compute_rate_lt, LEFTARG = compute_rate, RIGHTARG = compute_rate,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR < (compute_rate, compute_rate) IS 'Whether one rate is less than another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';
CREATE OPERATOR <= (FUNCTION = compute_rate_le, LEFTARG = compute_rate, RIGHTARG = compute_rate,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR <= (compute_rate, compute_rate) IS 'Whether one rate is less than or equal to another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';
CREATE OPERATOR = (FUNCTION = compute_rate_eq, LEFTARG = compute_rate, RIGHTARG = compute_rate,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR = (compute_rate, compute_rate) IS 'Whether one rate equals another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';
CREATE OPERATOR <> (FUNCTION = compute_rate_ne, LEFTARG = compute_rate, RIGHTARG = compute_rate,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR <> (compute_rate, compute_rate) IS 'Whether one rate differs from another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';
CREATE OPERATOR >= (FUNCTION = compute_rate_ge, LEFTARG = compute_rate, RIGHTARG = compute_rate,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR >= (compute_rate, compute_rate) IS 'Whether one rate is greater than or equal to another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';
CREATE OPERATOR > (FUNCTION = compute_rate_gt, LEFTARG = compute_rate, RIGHTARG = compute_rate,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR > (compute_rate, compute_rate) IS 'Whether one rate is greater than another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';

CREATE FUNCTION compute_rate_cmp(compute_rate, compute_rate) RETURNS integer
	AS 'MODULE_PATHNAME', 'quantity_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_cmp(compute_rate, compute_rate) IS 'btree support: -1, 0 or 1, by basis, then by value.';
CREATE FUNCTION compute_rate_sortsupport(internal) RETURNS void
	AS 'MODULE_PATHNAME', 'quantity_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_sortsupport(internal) IS 'btree support: sorts with abbreviated keys.';
CREATE FUNCTION in_range(compute_rate, compute_rate, compute_rate, boolean, boolean) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_in_range' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION in_range(compute_rate, compute_rate, compute_rate, boolean, boolean) IS 'btree support: RANGE frames with an offset. Errors: 22013 negative offset, LC001 offset of another basis than the row.';
CREATE OPERATOR CLASS compute_rate_ops DEFAULT FOR TYPE compute_rate USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 compute_rate_cmp(compute_rate, compute_rate),
	FUNCTION 2 compute_rate_sortsupport(internal),
	FUNCTION 3 in_range(compute_rate, compute_rate, compute_rate, boolean, boolean),
	FUNCTION 4 btequalimage(oid);
COMMENT ON OPERATOR CLASS compute_rate_ops USING btree IS 'Default btree order of compute_rate: by basis, then by value.';
COMMENT ON OPERATOR FAMILY compute_rate_ops USING btree IS 'btree order of compute_rate.';

CREATE FUNCTION compute_rate_hash(compute_rate) RETURNS integer
	AS 'MODULE_PATHNAME', 'quantity_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_hash(compute_rate) IS 'hash support.';
CREATE FUNCTION compute_rate_hash_extended(compute_rate, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'quantity_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_hash_extended(compute_rate, bigint) IS 'hash support with a seed.';
CREATE OPERATOR CLASS compute_rate_ops DEFAULT FOR TYPE compute_rate USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 compute_rate_hash(compute_rate),
	FUNCTION 2 compute_rate_hash_extended(compute_rate, bigint);
COMMENT ON OPERATOR CLASS compute_rate_ops USING hash IS 'Default hash of compute_rate: hash joins, hash aggregates, hash partitions, hash indexes.';
COMMENT ON OPERATOR FAMILY compute_rate_ops USING hash IS 'hash of compute_rate.';

CREATE OPERATOR CLASS compute_rate_minmax_ops DEFAULT FOR TYPE compute_rate USING brin AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 brin_minmax_opcinfo(internal),
	FUNCTION 2 brin_minmax_add_value(internal, internal, internal, internal),
	FUNCTION 3 brin_minmax_consistent(internal, internal, internal),
	FUNCTION 4 brin_minmax_union(internal, internal, internal);
COMMENT ON OPERATOR CLASS compute_rate_minmax_ops USING brin IS 'Default BRIN class of compute_rate: least and greatest value of a range of pages.';
COMMENT ON OPERATOR FAMILY compute_rate_minmax_ops USING brin IS 'BRIN minmax of compute_rate.';

CREATE FUNCTION compute_rate_brin_distance(compute_rate, compute_rate) RETURNS double precision
	AS 'MODULE_PATHNAME', 'quantity_brin_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_brin_distance(compute_rate, compute_rate) IS 'BRIN minmax-multi support: how far apart two values are.';
CREATE OPERATOR CLASS compute_rate_minmax_multi_ops FOR TYPE compute_rate USING brin AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 brin_minmax_multi_opcinfo(internal),
	FUNCTION 2 brin_minmax_multi_add_value(internal, internal, internal, internal),
	FUNCTION 3 brin_minmax_multi_consistent(internal, internal, internal, integer),
	FUNCTION 4 brin_minmax_multi_union(internal, internal, internal),
	FUNCTION 5 brin_minmax_multi_options(internal),
	FUNCTION 11 compute_rate_brin_distance(compute_rate, compute_rate);
COMMENT ON OPERATOR CLASS compute_rate_minmax_multi_ops USING brin IS 'BRIN class of compute_rate that keeps several ranges for a range of pages: stands outliers.';
COMMENT ON OPERATOR FAMILY compute_rate_minmax_multi_ops USING brin IS 'BRIN minmax-multi of compute_rate.';

-- Arithmetic within one basis

CREATE FUNCTION compute_rate_add(compute_rate, compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_add(compute_rate, compute_rate) IS 'implementation of + operator';
CREATE OPERATOR + (FUNCTION = compute_rate_add, LEFTARG = compute_rate, RIGHTARG = compute_rate, COMMUTATOR = +);
COMMENT ON OPERATOR + (compute_rate, compute_rate) IS 'Sum of two rates of one basis, exact. NULL gives NULL. Errors: LC001 different bases, 22003 out of range.';
CREATE FUNCTION compute_rate_sub(compute_rate, compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_sub' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_sub(compute_rate, compute_rate) IS 'implementation of - operator';
CREATE OPERATOR - (FUNCTION = compute_rate_sub, LEFTARG = compute_rate, RIGHTARG = compute_rate);
COMMENT ON OPERATOR - (compute_rate, compute_rate) IS 'Difference of two rates of one basis, exact. NULL gives NULL. Errors: LC001 different bases, 22003 out of range.';
CREATE FUNCTION compute_rate_neg(compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_neg' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_neg(compute_rate) IS 'implementation of - operator';
CREATE OPERATOR - (FUNCTION = compute_rate_neg, RIGHTARG = compute_rate);
COMMENT ON OPERATOR - (NONE, compute_rate) IS 'The rate with the other sign. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION abs(compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_abs' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION abs(compute_rate) IS 'Returns the rate without its sign. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION compute_rate_mul_int2(compute_rate, smallint) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_mul_int2' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_mul_int2(compute_rate, smallint) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = compute_rate_mul_int2, LEFTARG = compute_rate, RIGHTARG = smallint, COMMUTATOR = *);
COMMENT ON OPERATOR * (compute_rate, smallint) IS 'Rate times a number, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION int2_mul_compute_rate(smallint, compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'int2_mul_quantity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int2_mul_compute_rate(smallint, compute_rate) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = int2_mul_compute_rate, LEFTARG = smallint, RIGHTARG = compute_rate, COMMUTATOR = *);
COMMENT ON OPERATOR * (smallint, compute_rate) IS 'A number times a rate, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION compute_rate_div_int2(compute_rate, smallint) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_div_int2' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_div_int2(compute_rate, smallint) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_rate_div_int2, LEFTARG = compute_rate, RIGHTARG = smallint);
COMMENT ON OPERATOR / (compute_rate, smallint) IS 'Rate divided by a number, rounded once, half to even. NULL gives NULL. Errors: 22012 division by zero, 22003 out of range.';
CREATE FUNCTION compute_rate_mul_int4(compute_rate, integer) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_mul_int4' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_mul_int4(compute_rate, integer) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = compute_rate_mul_int4, LEFTARG = compute_rate, RIGHTARG = integer, COMMUTATOR = *);
COMMENT ON OPERATOR * (compute_rate, integer) IS 'Rate times a number, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION int4_mul_compute_rate(integer, compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'int4_mul_quantity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int4_mul_compute_rate(integer, compute_rate) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = int4_mul_compute_rate, LEFTARG = integer, RIGHTARG = compute_rate, COMMUTATOR = *);
COMMENT ON OPERATOR * (integer, compute_rate) IS 'A number times a rate, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION compute_rate_div_int4(compute_rate, integer) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_div_int4' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_div_int4(compute_rate, integer) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_rate_div_int4, LEFTARG = compute_rate, RIGHTARG = integer);
COMMENT ON OPERATOR / (compute_rate, integer) IS 'Rate divided by a number, rounded once, half to even. NULL gives NULL. Errors: 22012 division by zero, 22003 out of range.';
CREATE FUNCTION compute_rate_mul_int8(compute_rate, bigint) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_mul_int8' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_mul_int8(compute_rate, bigint) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = compute_rate_mul_int8, LEFTARG = compute_rate, RIGHTARG = bigint, COMMUTATOR = *);
COMMENT ON OPERATOR * (compute_rate, bigint) IS 'Rate times a number, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION int8_mul_compute_rate(bigint, compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'int8_mul_quantity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8_mul_compute_rate(bigint, compute_rate) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = int8_mul_compute_rate, LEFTARG = bigint, RIGHTARG = compute_rate, COMMUTATOR = *);
COMMENT ON OPERATOR * (bigint, compute_rate) IS 'A number times a rate, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION compute_rate_div_int8(compute_rate, bigint) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_div_int8' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_div_int8(compute_rate, bigint) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_rate_div_int8, LEFTARG = compute_rate, RIGHTARG = bigint);
COMMENT ON OPERATOR / (compute_rate, bigint) IS 'Rate divided by a number, rounded once, half to even. NULL gives NULL. Errors: 22012 division by zero, 22003 out of range.';
CREATE FUNCTION compute_rate_mul_numeric(compute_rate, numeric) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_mul_numeric' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_mul_numeric(compute_rate, numeric) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = compute_rate_mul_numeric, LEFTARG = compute_rate, RIGHTARG = numeric, COMMUTATOR = *);
COMMENT ON OPERATOR * (compute_rate, numeric) IS 'Rate times a number, rounded once, half to even. NULL gives NULL. Errors: 22003 out of range or a factor that is no finite number.';
CREATE FUNCTION numeric_mul_compute_rate(numeric, compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'numeric_mul_quantity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION numeric_mul_compute_rate(numeric, compute_rate) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = numeric_mul_compute_rate, LEFTARG = numeric, RIGHTARG = compute_rate, COMMUTATOR = *);
COMMENT ON OPERATOR * (numeric, compute_rate) IS 'A number times a rate, rounded once, half to even. NULL gives NULL. Errors: 22003 out of range or a factor that is no finite number.';
CREATE FUNCTION compute_rate_div_numeric(compute_rate, numeric) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_div_numeric' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_div_numeric(compute_rate, numeric) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_rate_div_numeric, LEFTARG = compute_rate, RIGHTARG = numeric);
COMMENT ON OPERATOR / (compute_rate, numeric) IS 'Rate divided by a number, rounded once, half to even. NULL gives NULL. Errors: 22012 division by zero, 22003 out of range or a divisor that is no finite number.';
CREATE FUNCTION compute_rate_div_compute_rate(compute_rate, compute_rate) RETURNS numeric
	AS 'MODULE_PATHNAME', 'quantity_div_quantity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_div_compute_rate(compute_rate, compute_rate) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_rate_div_compute_rate, LEFTARG = compute_rate, RIGHTARG = compute_rate);
COMMENT ON OPERATOR / (compute_rate, compute_rate) IS 'Ratio of two rates of one basis, to as many digits as division of numeric gives. NULL gives NULL. Errors: LC001 different bases, 22012 division by zero.';

-- Rates, amounts and time: 1 MFLOP/s for 1 microsecond is 1 FLOP

CREATE FUNCTION compute_rate_mul_interval(compute_rate, interval) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'compute_rate_mul_interval' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_mul_interval(compute_rate, interval) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = compute_rate_mul_interval, LEFTARG = compute_rate, RIGHTARG = interval, COMMUTATOR = *);
COMMENT ON OPERATOR * (compute_rate, interval) IS 'Work done at a rate in an interval, exact; a day is 24 hours. NULL gives NULL. Errors: 22023 interval with months or years, or infinite; 22003 out of range.';
CREATE FUNCTION interval_mul_compute_rate(interval, compute_rate) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'interval_mul_compute_rate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION interval_mul_compute_rate(interval, compute_rate) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = interval_mul_compute_rate, LEFTARG = interval, RIGHTARG = compute_rate, COMMUTATOR = *);
COMMENT ON OPERATOR * (interval, compute_rate) IS 'Work done in an interval at a rate, exact; a day is 24 hours. NULL gives NULL. Errors: 22023 interval with months or years, or infinite; 22003 out of range.';
CREATE FUNCTION compute_unit_div_interval(compute_unit, interval) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'compute_unit_div_interval' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_div_interval(compute_unit, interval) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_unit_div_interval, LEFTARG = compute_unit, RIGHTARG = interval);
COMMENT ON OPERATOR / (compute_unit, interval) IS 'Mean rate of an amount of work done in an interval, rounded half to even to one MFLOP/s. NULL gives NULL. Errors: 22012 interval of zero; 22023 interval with months or years, or infinite; 22003 out of range.';
CREATE FUNCTION compute_unit_div_compute_rate(compute_unit, compute_rate) RETURNS numeric
	AS 'MODULE_PATHNAME', 'compute_unit_div_rate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_div_compute_rate(compute_unit, compute_rate) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_unit_div_compute_rate, LEFTARG = compute_unit, RIGHTARG = compute_rate);
COMMENT ON OPERATOR / (compute_unit, compute_rate) IS 'Seconds that an amount of work takes at a rate of the same basis. NULL gives NULL. Errors: LC001 different bases, 22012 rate of zero.';
CREATE FUNCTION duration_of(compute_unit, compute_rate) RETURNS interval
	AS 'MODULE_PATHNAME', 'compute_duration_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION duration_of(compute_unit, compute_rate) IS 'Returns how long an amount of work takes at a rate of the same basis, rounded half to even to one microsecond, in hours and less. NULL gives NULL. Errors: LC001 different bases, 22012 rate of zero, 22008 too long for an interval.';
CREATE FUNCTION work(rate compute_rate, period tstzrange) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'compute_work' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION work(rate compute_rate, period tstzrange) IS 'Returns the work done at a rate during a period, exact. An empty period gives 0. NULL gives NULL. Errors: 22023 period without end or beginning, 22003 out of range.';
CREATE FUNCTION work(rate compute_rate, period tstzrange, devices numeric) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'compute_work_devices' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION work(rate compute_rate, period tstzrange, devices numeric) IS 'Returns the work of so many devices, each at a rate, during a period: the product of the three, rounded once, half to even, to one FLOP. An empty period gives 0. NULL gives NULL. Errors: 22023 period without end or beginning, 22003 out of range.';

-- Numbers and text

CREATE FUNCTION compute_rate_to_numeric(compute_rate) RETURNS numeric
	AS 'MODULE_PATHNAME', 'compute_rate_to_numeric' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_to_numeric(compute_rate) IS 'implementation of the cast to numeric';
CREATE FUNCTION compute_rate_to_float8(compute_rate) RETURNS double precision
	AS 'MODULE_PATHNAME', 'compute_rate_to_float8' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_to_float8(compute_rate) IS 'implementation of the cast to double precision';
CREATE FUNCTION numeric_to_compute_rate(numeric) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'numeric_to_compute_rate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION numeric_to_compute_rate(numeric) IS 'implementation of the cast from numeric';
CREATE FUNCTION float8_to_compute_rate(double precision) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'float8_to_compute_rate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION float8_to_compute_rate(double precision) IS 'implementation of the cast from double precision';
CREATE CAST (compute_rate AS numeric) WITH FUNCTION compute_rate_to_numeric(compute_rate);
COMMENT ON CAST (compute_rate AS numeric) IS 'The value in FLOP/s, exact; the basis is dropped.';
CREATE CAST (compute_rate AS double precision) WITH FUNCTION compute_rate_to_float8(compute_rate);
COMMENT ON CAST (compute_rate AS double precision) IS 'The value in FLOP/s, the nearest double; the basis is dropped.';
CREATE CAST (numeric AS compute_rate) WITH FUNCTION numeric_to_compute_rate(numeric);
COMMENT ON CAST (numeric AS compute_rate) IS 'So many FLOP/s of basis flop, rounded half to even to one MFLOP/s. Errors: 22003 out of range, NaN or infinity.';
CREATE CAST (double precision AS compute_rate) WITH FUNCTION float8_to_compute_rate(double precision);
COMMENT ON CAST (double precision AS compute_rate) IS 'So many FLOP/s of basis flop: the exact value of the double, rounded half to even to one MFLOP/s. Errors: 22003 out of range, NaN or infinity.';
CREATE FUNCTION format(compute_rate, unit "any") RETURNS text
	AS 'MODULE_PATHNAME', 'compute_rate_format' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION format(compute_rate, "any") IS 'Returns the rate for people, in a unit (text) of their choice, rounded half to even to so many digits (integer, 2 if unsaid) after the point: format(x, ''PFLOPS'', 3) is ''0.989 PFLOPS@bf16''. NULL gives NULL. Errors: 22023 no such unit, or not 0 to 100 digits; 42804 a unit that is no text, digits that are no integer.';
CREATE FUNCTION format(compute_rate, unit "any", digits "any") RETURNS text
	AS 'MODULE_PATHNAME', 'compute_rate_format' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION format(compute_rate, "any", "any") IS 'Returns the rate for people, in a unit (text) of their choice, rounded half to even to so many digits (integer, 2 if unsaid) after the point: format(x, ''PFLOPS'', 3) is ''0.989 PFLOPS@bf16''. NULL gives NULL. Errors: 22023 no such unit, or not 0 to 100 digits; 42804 a unit that is no text, digits that are no integer.';

-- Aggregates

CREATE FUNCTION compute_rate_accum(quantity_sum, compute_rate) RETURNS quantity_sum
	AS 'MODULE_PATHNAME', 'quantity_sum_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_accum(quantity_sum, compute_rate) IS 'transition function of sum and avg: a NULL changes nothing. Errors: LC001 different bases.';
CREATE FUNCTION compute_rate_remove(quantity_sum, compute_rate) RETURNS quantity_sum
	AS 'MODULE_PATHNAME', 'quantity_sum_remove' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_remove(quantity_sum, compute_rate) IS 'inverse transition function of sum and avg: a NULL changes nothing.';
CREATE FUNCTION compute_rate_sum_final(quantity_sum) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_sum_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_sum_final(quantity_sum) IS 'final function of sum. Errors: 22003 out of range.';
CREATE FUNCTION compute_rate_avg_final(quantity_sum) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_avg_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_avg_final(quantity_sum) IS 'final function of avg.';
CREATE FUNCTION compute_rate_max_accum(compute_rate, compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_max_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_max_accum(compute_rate, compute_rate) IS 'transition function of max: a NULL changes nothing.';
CREATE FUNCTION compute_rate_min_accum(compute_rate, compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_min_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_min_accum(compute_rate, compute_rate) IS 'transition function of min: a NULL changes nothing.';
CREATE FUNCTION compute_rate_larger(compute_rate, compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_larger' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_larger(compute_rate, compute_rate) IS 'Returns the larger of two rates, in the order of the operators.';
CREATE FUNCTION compute_rate_smaller(compute_rate, compute_rate) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'quantity_smaller' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_rate_smaller(compute_rate, compute_rate) IS 'Returns the smaller of two rates, in the order of the operators.';

CREATE AGGREGATE sum(compute_rate) (
	SFUNC = compute_rate_accum, STYPE = quantity_sum, INITCOND = '(0,0,flop)',
	FINALFUNC = compute_rate_sum_final, COMBINEFUNC = quantity_sum_combine,
	MSFUNC = compute_rate_accum, MINVFUNC = compute_rate_remove, MSTYPE = quantity_sum,
	MINITCOND = '(0,0,flop)', MFINALFUNC = compute_rate_sum_final,
	PARALLEL = safe
);
CREATE AGGREGATE avg(compute_rate) (
	SFUNC = compute_rate_accum, STYPE = quantity_sum, INITCOND = '(0,0,flop)',
	FINALFUNC = compute_rate_avg_final, COMBINEFUNC = quantity_sum_combine,
	MSFUNC = compute_rate_accum, MINVFUNC = compute_rate_remove, MSTYPE = quantity_sum,
	MINITCOND = '(0,0,flop)', MFINALFUNC = compute_rate_avg_final,
	PARALLEL = safe
);
COMMENT ON AGGREGATE sum(compute_rate) IS 'Sum of the rates, exact, the same in any order; NULL of no rows. Errors: LC001 different bases, 22003 if the result, not something on the way to it, is out of range.';
COMMENT ON AGGREGATE avg(compute_rate) IS 'Mean of the rates: the exact sum divided by their number, rounded half to even to one MFLOP/s; NULL of no rows. Errors: LC001 different bases.';
CREATE AGGREGATE min(compute_rate) (
	SFUNC = compute_rate_min_accum, STYPE = compute_rate, COMBINEFUNC = compute_rate_smaller,
	SORTOP = <, PARALLEL = safe
);
COMMENT ON AGGREGATE min(compute_rate) IS 'Least of the rates in the order of the operators: by basis, then by value; NULL of no rows. An index can serve it.';
CREATE AGGREGATE max(compute_rate) (
	SFUNC = compute_rate_max_accum, STYPE = compute_rate, COMBINEFUNC = compute_rate_larger,
	SORTOP = >, PARALLEL = safe
);
COMMENT ON AGGREGATE max(compute_rate) IS 'Greatest of the rates in the order of the operators: by basis, then by value; NULL of no rows. An index can serve it.';
