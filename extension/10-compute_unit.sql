-- compute_unit: input, output, type modifier

CREATE TYPE compute_unit;

CREATE FUNCTION compute_unit_in(cstring, oid, integer) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'compute_unit_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION compute_unit_out(compute_unit) RETURNS cstring
	AS 'MODULE_PATHNAME', 'compute_unit_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION compute_unit_recv(internal, oid, integer) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'compute_unit_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION compute_unit_send(compute_unit) RETURNS bytea
	AS 'MODULE_PATHNAME', 'quantity_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION compute_unit_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'quantity_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION compute_unit_typmod_out(integer) RETURNS cstring
	AS 'MODULE_PATHNAME', 'quantity_typmod_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE compute_unit (
	INPUT = compute_unit_in,
	OUTPUT = compute_unit_out,
	RECEIVE = compute_unit_recv,
	SEND = compute_unit_send,
	TYPMOD_IN = compute_unit_typmod_in,
	TYPMOD_OUT = compute_unit_typmod_out,
	INTERNALLENGTH = 16,
	ALIGNMENT = char,
	STORAGE = plain
);
COMMENT ON TYPE compute_unit IS 'An amount of work: whole FLOP, exact, in one basis, for example 27.7032 PFLOPh@bf16. Range -2^111 to 2^111 - 1 FLOP. compute_unit(bf16) holds a column to one basis.';

-- The length-coercion cast: it checks the basis, also when the cast is explicit.
CREATE FUNCTION compute_unit(compute_unit, integer, boolean) RETURNS compute_unit
	AS 'MODULE_PATHNAME', 'compute_unit_enforce_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE CAST (compute_unit AS compute_unit) WITH FUNCTION compute_unit(compute_unit, integer, boolean) AS IMPLICIT;
