-- compute_rate: input, output, type modifier

CREATE TYPE compute_rate;

CREATE FUNCTION compute_rate_in(cstring, oid, integer) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'compute_rate_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION compute_rate_out(compute_rate) RETURNS cstring
	AS 'MODULE_PATHNAME', 'compute_rate_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION compute_rate_recv(internal, oid, integer) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'compute_rate_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION compute_rate_send(compute_rate) RETURNS bytea
	AS 'MODULE_PATHNAME', 'quantity_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION compute_rate_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'quantity_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION compute_rate_typmod_out(integer) RETURNS cstring
	AS 'MODULE_PATHNAME', 'quantity_typmod_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE compute_rate (
	INPUT = compute_rate_in,
	OUTPUT = compute_rate_out,
	RECEIVE = compute_rate_recv,
	SEND = compute_rate_send,
	TYPMOD_IN = compute_rate_typmod_in,
	TYPMOD_OUT = compute_rate_typmod_out,
	INTERNALLENGTH = 16,
	ALIGNMENT = char,
	STORAGE = plain
);
COMMENT ON TYPE compute_rate IS 'Work per time: whole MFLOP/s, exact, in one basis, for example 989.4 TFLOPS@bf16. Range -2^111 to 2^111 - 1 MFLOP/s. compute_rate(bf16) holds a column to one basis.';

-- The length-coercion cast: it checks the basis, also when the cast is explicit.
CREATE FUNCTION compute_rate(compute_rate, integer, boolean) RETURNS compute_rate
	AS 'MODULE_PATHNAME', 'compute_rate_enforce_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE CAST (compute_rate AS compute_rate) WITH FUNCTION compute_rate(compute_rate, integer, boolean) AS IMPLICIT;
