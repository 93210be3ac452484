-- What compute_unit and compute_rate share: planner support of their comparisons,
-- and the state of their sum and avg.

CREATE FUNCTION quantity_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'quantity_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION quantity_support(internal) IS 'planner support of the comparisons of compute_unit and compute_rate: warns (LC001) of a column held to one basis that is compared with a constant of another.';

CREATE TYPE quantity_sum;

CREATE FUNCTION quantity_sum_in(cstring) RETURNS quantity_sum
	AS 'MODULE_PATHNAME', 'quantity_sum_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION quantity_sum_in(cstring) IS 'Text input of quantity_sum: (count,sum,basis). Errors: 22P02.';
CREATE FUNCTION quantity_sum_out(quantity_sum) RETURNS cstring
	AS 'MODULE_PATHNAME', 'quantity_sum_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION quantity_sum_out(quantity_sum) IS 'Text output of quantity_sum.';
CREATE FUNCTION quantity_sum_recv(internal) RETURNS quantity_sum
	AS 'MODULE_PATHNAME', 'quantity_sum_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION quantity_sum_recv(internal) IS 'Binary input of quantity_sum. Errors: 22P03 no sum of so many quantities.';
CREATE FUNCTION quantity_sum_send(quantity_sum) RETURNS bytea
	AS 'MODULE_PATHNAME', 'quantity_sum_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION quantity_sum_send(quantity_sum) IS 'Binary output of quantity_sum: version 1, basis, carry, 128 bits of sum, count, big-endian.';

CREATE TYPE quantity_sum (
	INPUT = quantity_sum_in,
	OUTPUT = quantity_sum_out,
	RECEIVE = quantity_sum_recv,
	SEND = quantity_sum_send,
	INTERNALLENGTH = 32,
	ALIGNMENT = double,
	STORAGE = plain
);
COMMENT ON TYPE quantity_sum IS 'State of sum and avg over compute_unit and compute_rate: how many, their exact sum (FLOP or MFLOP/s), their basis. A partial sum that travels between workers and nodes; for columns use compute_unit and compute_rate.';

CREATE FUNCTION quantity_sum_combine(quantity_sum, quantity_sum) RETURNS quantity_sum
	AS 'MODULE_PATHNAME', 'quantity_sum_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION quantity_sum_combine(quantity_sum, quantity_sum) IS 'combine function of sum and avg. Errors: LC001 different bases.';
