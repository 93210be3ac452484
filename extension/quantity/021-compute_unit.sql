-- compute_unit: an amount of work, exact, in one basis.

CREATE TYPE compute_unit;

CREATE FUNCTION compute_unit_in(cstring, oid, integer) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'compute_unit_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_in(cstring, oid, integer) IS 'Text input of compute_unit: a decimal number, an optional exponent, a unit, an optional @basis. Rounds half to even to one FLOP. Errors: 22P02 syntax, 22003 out of range, LC001 not of the basis that the column is held to, LC002 unknown basis.';
CREATE FUNCTION compute_unit_out(compute_unit) RETURNS cstring
	AS 'MODULE_PATHNAME', 'compute_unit_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_out(compute_unit) IS 'Text output of compute_unit: the fewest digits that read back as the same value. Depends on no setting and no table.';
CREATE FUNCTION compute_unit_recv(internal, oid, integer) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'compute_unit_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_recv(internal, oid, integer) IS 'Binary input of compute_unit: 2 bytes of basis, 14 of amount in FLOP, big-endian. Errors: 22P03 unassigned basis, LC001 not of the basis that the column is held to.';
CREATE FUNCTION compute_unit_send(compute_unit) RETURNS bytea
	AS 'MODULE_PATHNAME', 'quantity_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_send(compute_unit) IS 'Binary output of compute_unit: 2 bytes of basis, 14 of amount in FLOP, big-endian.';
CREATE FUNCTION compute_unit_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'quantity_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_typmod_in(cstring[]) IS 'Type modifier of compute_unit: the basis, by name or code. Errors: LC002 unknown basis.';
CREATE FUNCTION compute_unit_typmod_out(integer) RETURNS cstring
	AS 'MODULE_PATHNAME', 'quantity_typmod_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_typmod_out(integer) IS 'Type modifier of compute_unit: the basis in parentheses.';

-- Category N, like money: an operand of unknown type beside an operator of theirs, as
-- in interval '1 day' * $1, is still taken as double precision.
CREATE TYPE compute_unit (
	INPUT = compute_unit_in,
	OUTPUT = compute_unit_out,
	RECEIVE = compute_unit_recv,
	SEND = compute_unit_send,
	TYPMOD_IN = compute_unit_typmod_in,
	TYPMOD_OUT = compute_unit_typmod_out,
	INTERNALLENGTH = 16,
	ALIGNMENT = char,
	STORAGE = plain,
	CATEGORY = 'N'
);
COMMENT ON TYPE compute_unit IS 'An amount of work: whole FLOP, exact, in one basis, for example 27.7032 PFLOPh@bf16. Range -2^111 to 2^111 - 1 FLOP. compute_unit(bf16) holds a column to one basis.';

-- The length-coercion cast checks the basis, also when the cast is explicit.
CREATE FUNCTION compute_unit(compute_unit, integer, boolean) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'compute_unit_enforce_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit(compute_unit, integer, boolean) IS 'Checks an amount against the basis of a type modifier and returns it unchanged. Errors: LC001 another basis; nothing is relabelled.';
CREATE CAST (compute_unit AS compute_unit) WITH FUNCTION compute_unit(compute_unit, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (compute_unit AS compute_unit) IS 'Holds an amount to the basis of compute_unit(basis). Errors: LC001 another basis.';

-- Basis

CREATE FUNCTION basis(compute_unit) RETURNS text
	AS 'MODULE_PATHNAME', 'quantity_basis' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION basis(compute_unit) IS 'Returns the basis of an amount: flop, fp64, fp32, tf32, fp16, bf16, fp8, fp6, fp4, int8, int4, or the code of a user''s own. NULL gives NULL.';
CREATE FUNCTION with_basis(compute_unit, text) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_with_basis' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION with_basis(compute_unit, text) IS 'Returns the same amount labelled with another basis, given by name or code: nothing is converted. NULL gives NULL. Errors: LC002 unknown basis.';

-- Order: by basis code, then by value.  Total, and never an error when it runs.

CREATE FUNCTION compute_unit_lt(compute_unit, compute_unit) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_unit_lt(compute_unit, compute_unit) IS 'implementation of < operator';
CREATE FUNCTION compute_unit_le(compute_unit, compute_unit) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_unit_le(compute_unit, compute_unit) IS 'implementation of <= operator';
CREATE FUNCTION compute_unit_eq(compute_unit, compute_unit) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_unit_eq(compute_unit, compute_unit) IS 'implementation of = operator';
CREATE FUNCTION compute_unit_ne(compute_unit, compute_unit) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_unit_ne(compute_unit, compute_unit) IS 'implementation of <> operator';
CREATE FUNCTION compute_unit_ge(compute_unit, compute_unit) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_unit_ge(compute_unit, compute_unit) IS 'implementation of >= operator';
CREATE FUNCTION compute_unit_gt(compute_unit, compute_unit) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SUPPORT quantity_support;
COMMENT ON FUNCTION compute_unit_gt(compute_unit, compute_unit) IS 'implementation of > operator';
CREATE OPERATOR < (FUNCTION = compute_unit_lt, LEFTARG = compute_unit, RIGHTARG = compute_unit,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR < (compute_unit, compute_unit) IS 'Whether one amount is less than another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';
CREATE OPERATOR <= (FUNCTION = compute_unit_le, LEFTARG = compute_unit, RIGHTARG = compute_unit,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR <= (compute_unit, compute_unit) IS 'Whether one amount is less than or equal to another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';
CREATE OPERATOR = (FUNCTION = compute_unit_eq, LEFTARG = compute_unit, RIGHTARG = compute_unit,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR = (compute_unit, compute_unit) IS 'Whether one amount equals another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';
CREATE OPERATOR <> (FUNCTION = compute_unit_ne, LEFTARG = compute_unit, RIGHTARG = compute_unit,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR <> (compute_unit, compute_unit) IS 'Whether one amount differs from another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';
CREATE OPERATOR >= (FUNCTION = compute_unit_ge, LEFTARG = compute_unit, RIGHTARG = compute_unit,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR >= (compute_unit, compute_unit) IS 'Whether one amount is greater than or equal to another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';
CREATE OPERATOR > (FUNCTION = compute_unit_gt, LEFTARG = compute_unit, RIGHTARG = compute_unit,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR > (compute_unit, compute_unit) IS 'Whether one amount is greater than another, by basis, then by value. NULL gives NULL. The planner refuses (LC001) a column held to one basis compared with a constant of another.';

CREATE FUNCTION compute_unit_cmp(compute_unit, compute_unit) RETURNS integer
	AS 'MODULE_PATHNAME', 'quantity_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_cmp(compute_unit, compute_unit) IS 'btree support: -1, 0 or 1, by basis, then by value.';
CREATE FUNCTION compute_unit_sortsupport(internal) RETURNS void
	AS 'MODULE_PATHNAME', 'quantity_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_sortsupport(internal) IS 'btree support: sorts with abbreviated keys.';
CREATE FUNCTION in_range(compute_unit, compute_unit, compute_unit, boolean, boolean) RETURNS boolean
	AS 'MODULE_PATHNAME', 'quantity_in_range' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION in_range(compute_unit, compute_unit, compute_unit, boolean, boolean) IS 'btree support: RANGE frames with an offset. Errors: 22013 negative offset, LC001 offset of another basis than the row.';
CREATE OPERATOR CLASS compute_unit_ops DEFAULT FOR TYPE compute_unit USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 compute_unit_cmp(compute_unit, compute_unit),
	FUNCTION 2 compute_unit_sortsupport(internal),
	FUNCTION 3 in_range(compute_unit, compute_unit, compute_unit, boolean, boolean),
	FUNCTION 4 btequalimage(oid);
COMMENT ON OPERATOR CLASS compute_unit_ops USING btree IS 'Default btree order of compute_unit: by basis, then by value.';
COMMENT ON OPERATOR FAMILY compute_unit_ops USING btree IS 'btree order of compute_unit.';

CREATE FUNCTION compute_unit_hash(compute_unit) RETURNS integer
	AS 'MODULE_PATHNAME', 'quantity_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_hash(compute_unit) IS 'hash support.';
CREATE FUNCTION compute_unit_hash_extended(compute_unit, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'quantity_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_hash_extended(compute_unit, bigint) IS 'hash support with a seed.';
CREATE OPERATOR CLASS compute_unit_ops DEFAULT FOR TYPE compute_unit USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 compute_unit_hash(compute_unit),
	FUNCTION 2 compute_unit_hash_extended(compute_unit, bigint);
COMMENT ON OPERATOR CLASS compute_unit_ops USING hash IS 'Default hash of compute_unit: hash joins, hash aggregates, hash partitions, hash indexes.';
COMMENT ON OPERATOR FAMILY compute_unit_ops USING hash IS 'hash of compute_unit.';

CREATE OPERATOR CLASS compute_unit_minmax_ops DEFAULT FOR TYPE compute_unit USING brin AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 brin_minmax_opcinfo(internal),
	FUNCTION 2 brin_minmax_add_value(internal, internal, internal, internal),
	FUNCTION 3 brin_minmax_consistent(internal, internal, internal),
	FUNCTION 4 brin_minmax_union(internal, internal, internal);
COMMENT ON OPERATOR CLASS compute_unit_minmax_ops USING brin IS 'Default BRIN class of compute_unit: least and greatest value of a range of pages.';
COMMENT ON OPERATOR FAMILY compute_unit_minmax_ops USING brin IS 'BRIN minmax of compute_unit.';

CREATE FUNCTION compute_unit_brin_distance(compute_unit, compute_unit) RETURNS double precision
	AS 'MODULE_PATHNAME', 'quantity_brin_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_brin_distance(compute_unit, compute_unit) IS 'BRIN minmax-multi support: how far apart two values are.';
CREATE OPERATOR CLASS compute_unit_minmax_multi_ops FOR TYPE compute_unit USING brin AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 brin_minmax_multi_opcinfo(internal),
	FUNCTION 2 brin_minmax_multi_add_value(internal, internal, internal, internal),
	FUNCTION 3 brin_minmax_multi_consistent(internal, internal, internal, integer),
	FUNCTION 4 brin_minmax_multi_union(internal, internal, internal),
	FUNCTION 5 brin_minmax_multi_options(internal),
	FUNCTION 11 compute_unit_brin_distance(compute_unit, compute_unit);
COMMENT ON OPERATOR CLASS compute_unit_minmax_multi_ops USING brin IS 'BRIN class of compute_unit that keeps several ranges for a range of pages: stands outliers.';
COMMENT ON OPERATOR FAMILY compute_unit_minmax_multi_ops USING brin IS 'BRIN minmax-multi of compute_unit.';

-- Arithmetic within one basis

CREATE FUNCTION compute_unit_add(compute_unit, compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_add(compute_unit, compute_unit) IS 'implementation of + operator';
CREATE OPERATOR + (FUNCTION = compute_unit_add, LEFTARG = compute_unit, RIGHTARG = compute_unit, COMMUTATOR = +);
COMMENT ON OPERATOR + (compute_unit, compute_unit) IS 'Sum of two amounts of one basis, exact. NULL gives NULL. Errors: LC001 different bases, 22003 out of range.';
CREATE FUNCTION compute_unit_sub(compute_unit, compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_sub' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_sub(compute_unit, compute_unit) IS 'implementation of - operator';
CREATE OPERATOR - (FUNCTION = compute_unit_sub, LEFTARG = compute_unit, RIGHTARG = compute_unit);
COMMENT ON OPERATOR - (compute_unit, compute_unit) IS 'Difference of two amounts of one basis, exact. NULL gives NULL. Errors: LC001 different bases, 22003 out of range.';
CREATE FUNCTION compute_unit_neg(compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_neg' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_neg(compute_unit) IS 'implementation of - operator';
CREATE OPERATOR - (FUNCTION = compute_unit_neg, RIGHTARG = compute_unit);
COMMENT ON OPERATOR - (NONE, compute_unit) IS 'The amount with the other sign. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION abs(compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_abs' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION abs(compute_unit) IS 'Returns the amount without its sign. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION compute_unit_mul_int2(compute_unit, smallint) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_mul_int2' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_mul_int2(compute_unit, smallint) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = compute_unit_mul_int2, LEFTARG = compute_unit, RIGHTARG = smallint, COMMUTATOR = *);
COMMENT ON OPERATOR * (compute_unit, smallint) IS 'Amount times a number, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION int2_mul_compute_unit(smallint, compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'int2_mul_quantity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int2_mul_compute_unit(smallint, compute_unit) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = int2_mul_compute_unit, LEFTARG = smallint, RIGHTARG = compute_unit, COMMUTATOR = *);
COMMENT ON OPERATOR * (smallint, compute_unit) IS 'A number times an amount, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION compute_unit_div_int2(compute_unit, smallint) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_div_int2' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_div_int2(compute_unit, smallint) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_unit_div_int2, LEFTARG = compute_unit, RIGHTARG = smallint);
COMMENT ON OPERATOR / (compute_unit, smallint) IS 'Amount divided by a number, rounded once, half to even. NULL gives NULL. Errors: 22012 division by zero, 22003 out of range.';
CREATE FUNCTION compute_unit_mul_int4(compute_unit, integer) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_mul_int4' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_mul_int4(compute_unit, integer) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = compute_unit_mul_int4, LEFTARG = compute_unit, RIGHTARG = integer, COMMUTATOR = *);
COMMENT ON OPERATOR * (compute_unit, integer) IS 'Amount times a number, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION int4_mul_compute_unit(integer, compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'int4_mul_quantity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int4_mul_compute_unit(integer, compute_unit) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = int4_mul_compute_unit, LEFTARG = integer, RIGHTARG = compute_unit, COMMUTATOR = *);
COMMENT ON OPERATOR * (integer, compute_unit) IS 'A number times an amount, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION compute_unit_div_int4(compute_unit, integer) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_div_int4' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_div_int4(compute_unit, integer) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_unit_div_int4, LEFTARG = compute_unit, RIGHTARG = integer);
COMMENT ON OPERATOR / (compute_unit, integer) IS 'Amount divided by a number, rounded once, half to even. NULL gives NULL. Errors: 22012 division by zero, 22003 out of range.';
CREATE FUNCTION compute_unit_mul_int8(compute_unit, bigint) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_mul_int8' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_mul_int8(compute_unit, bigint) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = compute_unit_mul_int8, LEFTARG = compute_unit, RIGHTARG = bigint, COMMUTATOR = *);
COMMENT ON OPERATOR * (compute_unit, bigint) IS 'Amount times a number, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION int8_mul_compute_unit(bigint, compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'int8_mul_quantity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION int8_mul_compute_unit(bigint, compute_unit) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = int8_mul_compute_unit, LEFTARG = bigint, RIGHTARG = compute_unit, COMMUTATOR = *);
COMMENT ON OPERATOR * (bigint, compute_unit) IS 'A number times an amount, exact. NULL gives NULL. Errors: 22003 out of range.';
CREATE FUNCTION compute_unit_div_int8(compute_unit, bigint) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_div_int8' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_div_int8(compute_unit, bigint) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_unit_div_int8, LEFTARG = compute_unit, RIGHTARG = bigint);
COMMENT ON OPERATOR / (compute_unit, bigint) IS 'Amount divided by a number, rounded once, half to even. NULL gives NULL. Errors: 22012 division by zero, 22003 out of range.';
CREATE FUNCTION compute_unit_mul_numeric(compute_unit, numeric) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_mul_numeric' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_mul_numeric(compute_unit, numeric) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = compute_unit_mul_numeric, LEFTARG = compute_unit, RIGHTARG = numeric, COMMUTATOR = *);
COMMENT ON OPERATOR * (compute_unit, numeric) IS 'Amount times a number, rounded once, half to even. NULL gives NULL. Errors: 22003 out of range or a factor that is no finite number.';
CREATE FUNCTION numeric_mul_compute_unit(numeric, compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'numeric_mul_quantity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION numeric_mul_compute_unit(numeric, compute_unit) IS 'implementation of * operator';
CREATE OPERATOR * (FUNCTION = numeric_mul_compute_unit, LEFTARG = numeric, RIGHTARG = compute_unit, COMMUTATOR = *);
COMMENT ON OPERATOR * (numeric, compute_unit) IS 'A number times an amount, rounded once, half to even. NULL gives NULL. Errors: 22003 out of range or a factor that is no finite number.';
CREATE FUNCTION compute_unit_div_numeric(compute_unit, numeric) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_div_numeric' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_div_numeric(compute_unit, numeric) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_unit_div_numeric, LEFTARG = compute_unit, RIGHTARG = numeric);
COMMENT ON OPERATOR / (compute_unit, numeric) IS 'Amount divided by a number, rounded once, half to even. NULL gives NULL. Errors: 22012 division by zero, 22003 out of range or a divisor that is no finite number.';
CREATE FUNCTION compute_unit_div_compute_unit(compute_unit, compute_unit) RETURNS numeric
	AS 'MODULE_PATHNAME', 'quantity_div_quantity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_div_compute_unit(compute_unit, compute_unit) IS 'implementation of / operator';
CREATE OPERATOR / (FUNCTION = compute_unit_div_compute_unit, LEFTARG = compute_unit, RIGHTARG = compute_unit);
COMMENT ON OPERATOR / (compute_unit, compute_unit) IS 'Ratio of two amounts of one basis, to as many digits as division of numeric gives. NULL gives NULL. Errors: LC001 different bases, 22012 division by zero.';
CREATE FUNCTION utilization(compute_unit, compute_unit) RETURNS numeric
	AS 'MODULE_PATHNAME', 'quantity_utilization' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION utilization(compute_unit, compute_unit) IS 'Returns achieved work divided by nominal work, whatever their bases: the model FLOP utilisation when the first is of basis flop and the second of the number format used. NULL gives NULL. Errors: 22012 nominal work of zero.';

-- Numbers and text

CREATE FUNCTION compute_unit_to_numeric(compute_unit) RETURNS numeric
	AS 'MODULE_PATHNAME', 'compute_unit_to_numeric' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_to_numeric(compute_unit) IS 'implementation of the cast to numeric';
CREATE FUNCTION compute_unit_to_float8(compute_unit) RETURNS double precision
	AS 'MODULE_PATHNAME', 'compute_unit_to_float8' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_to_float8(compute_unit) IS 'implementation of the cast to double precision';
CREATE FUNCTION numeric_to_compute_unit(numeric) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'numeric_to_compute_unit' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION numeric_to_compute_unit(numeric) IS 'implementation of the cast from numeric';
CREATE FUNCTION float8_to_compute_unit(double precision) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'float8_to_compute_unit' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION float8_to_compute_unit(double precision) IS 'implementation of the cast from double precision';
CREATE CAST (compute_unit AS numeric) WITH FUNCTION compute_unit_to_numeric(compute_unit);
COMMENT ON CAST (compute_unit AS numeric) IS 'The value in FLOP, exact; the basis is dropped.';
CREATE CAST (compute_unit AS double precision) WITH FUNCTION compute_unit_to_float8(compute_unit);
COMMENT ON CAST (compute_unit AS double precision) IS 'The value in FLOP, the nearest double; the basis is dropped.';
CREATE CAST (numeric AS compute_unit) WITH FUNCTION numeric_to_compute_unit(numeric);
COMMENT ON CAST (numeric AS compute_unit) IS 'So many FLOP of basis flop, rounded half to even to one FLOP. Errors: 22003 out of range, NaN or infinity.';
CREATE CAST (double precision AS compute_unit) WITH FUNCTION float8_to_compute_unit(double precision);
COMMENT ON CAST (double precision AS compute_unit) IS 'So many FLOP of basis flop: the exact value of the double, rounded half to even to one FLOP. Errors: 22003 out of range, NaN or infinity.';
CREATE FUNCTION flop_hours(compute_unit) RETURNS numeric
	AS 'MODULE_PATHNAME', 'compute_unit_flop_hours' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION flop_hours(compute_unit) IS 'Returns the amount in FLOPh (3600 FLOP), exact where it has at most 12 decimals, otherwise rounded to 12. NULL gives NULL.';
CREATE FUNCTION format(compute_unit, unit "any") RETURNS text
	AS 'MODULE_PATHNAME', 'compute_unit_format' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION format(compute_unit, "any") IS 'Returns the amount for people, in a unit (text) of their choice, rounded half to even to so many digits (integer, 2 if unsaid) after the point: format(x, ''PFLOPh'') is ''27.70 PFLOPh@bf16''. NULL gives NULL. Errors: 22023 no such unit, or not 0 to 100 digits; 42804 a unit that is no text, digits that are no integer.';
CREATE FUNCTION format(compute_unit, unit "any", digits "any") RETURNS text
	AS 'MODULE_PATHNAME', 'compute_unit_format' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION format(compute_unit, "any", "any") IS 'Returns the amount for people, in a unit (text) of their choice, rounded half to even to so many digits (integer, 2 if unsaid) after the point: format(x, ''PFLOPh'') is ''27.70 PFLOPh@bf16''. NULL gives NULL. Errors: 22023 no such unit, or not 0 to 100 digits; 42804 a unit that is no text, digits that are no integer.';

-- Aggregates

CREATE FUNCTION compute_unit_accum(quantity_sum, compute_unit) RETURNS quantity_sum
	AS 'MODULE_PATHNAME', 'quantity_sum_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_accum(quantity_sum, compute_unit) IS 'transition function of sum and avg: a NULL changes nothing. Errors: LC001 different bases.';
CREATE FUNCTION compute_unit_remove(quantity_sum, compute_unit) RETURNS quantity_sum
	AS 'MODULE_PATHNAME', 'quantity_sum_remove' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_remove(quantity_sum, compute_unit) IS 'inverse transition function of sum and avg: a NULL changes nothing.';
CREATE FUNCTION compute_unit_sum_final(quantity_sum) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_sum_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_sum_final(quantity_sum) IS 'final function of sum. Errors: 22003 out of range.';
CREATE FUNCTION compute_unit_avg_final(quantity_sum) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_avg_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_avg_final(quantity_sum) IS 'final function of avg.';
CREATE FUNCTION compute_unit_max_accum(compute_unit, compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_max_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_max_accum(compute_unit, compute_unit) IS 'transition function of max: a NULL changes nothing.';
CREATE FUNCTION compute_unit_min_accum(compute_unit, compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_min_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_min_accum(compute_unit, compute_unit) IS 'transition function of min: a NULL changes nothing.';
CREATE FUNCTION compute_unit_larger(compute_unit, compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_larger' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_larger(compute_unit, compute_unit) IS 'Returns the larger of two amounts, in the order of the operators.';
CREATE FUNCTION compute_unit_smaller(compute_unit, compute_unit) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'quantity_smaller' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION compute_unit_smaller(compute_unit, compute_unit) IS 'Returns the smaller of two amounts, in the order of the operators.';

CREATE AGGREGATE sum(compute_unit) (
	SFUNC = compute_unit_accum, STYPE = quantity_sum, INITCOND = '(0,0,flop)',
	FINALFUNC = compute_unit_sum_final, COMBINEFUNC = quantity_sum_combine,
	MSFUNC = compute_unit_accum, MINVFUNC = compute_unit_remove, MSTYPE = quantity_sum,
	MINITCOND = '(0,0,flop)', MFINALFUNC = compute_unit_sum_final,
	PARALLEL = safe
);
CREATE AGGREGATE avg(compute_unit) (
	SFUNC = compute_unit_accum, STYPE = quantity_sum, INITCOND = '(0,0,flop)',
	FINALFUNC = compute_unit_avg_final, COMBINEFUNC = quantity_sum_combine,
	MSFUNC = compute_unit_accum, MINVFUNC = compute_unit_remove, MSTYPE = quantity_sum,
	MINITCOND = '(0,0,flop)', MFINALFUNC = compute_unit_avg_final,
	PARALLEL = safe
);
COMMENT ON AGGREGATE sum(compute_unit) IS 'Sum of the amounts, exact, the same in any order; NULL of no rows. Errors: LC001 different bases, 22003 if the result, not something on the way to it, is out of range.';
COMMENT ON AGGREGATE avg(compute_unit) IS 'Mean of the amounts: the exact sum divided by their number, rounded half to even to one FLOP; NULL of no rows. Errors: LC001 different bases.';
CREATE AGGREGATE min(compute_unit) (
	SFUNC = compute_unit_min_accum, STYPE = compute_unit, COMBINEFUNC = compute_unit_smaller,
	SORTOP = <, PARALLEL = safe
);
COMMENT ON AGGREGATE min(compute_unit) IS 'Least of the amounts in the order of the operators: by basis, then by value; NULL of no rows. An index can serve it.';
CREATE AGGREGATE max(compute_unit) (
	SFUNC = compute_unit_max_accum, STYPE = compute_unit, COMBINEFUNC = compute_unit_larger,
	SORTOP = >, PARALLEL = safe
);
COMMENT ON AGGREGATE max(compute_unit) IS 'Greatest of the amounts in the order of the operators: by basis, then by value; NULL of no rows. An index can serve it.';
