-- bucket_sum: device-hours or compute by hours, days or months, in one pass.
CREATE TYPE device_bucket AS (period tstzrange, amount numeric);
CREATE TYPE compute_bucket AS (period tstzrange, amount compute_unit);
COMMENT ON TYPE device_bucket IS 'Row of bucket_sum over devices: a bucket of time, and the device-hours in it.';
COMMENT ON TYPE compute_bucket IS 'Row of bucket_sum over rates: a bucket of time, and the compute in it.';

CREATE FUNCTION bucket_sum_accum(internal, period tstzrange, devices numeric, width interval) RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'bucket_sum_device';
COMMENT ON FUNCTION bucket_sum_accum(internal, tstzrange, numeric, interval) IS 'Transition of bucket_sum.';
CREATE FUNCTION bucket_sum_accum(internal, period tstzrange, devices numeric, width interval, time_zone text) RETURNS internal
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'bucket_sum_device';
COMMENT ON FUNCTION bucket_sum_accum(internal, tstzrange, numeric, interval, text) IS 'Transition of bucket_sum.';
CREATE FUNCTION bucket_sum_accum(internal, "start" timestamptz, "end" timestamptz, devices numeric, width interval) RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'bucket_sum_device_bounds';
COMMENT ON FUNCTION bucket_sum_accum(internal, timestamptz, timestamptz, numeric, interval) IS 'Transition of bucket_sum.';
CREATE FUNCTION bucket_sum_accum(internal, "start" timestamptz, "end" timestamptz, devices numeric, width interval, time_zone text) RETURNS internal
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'bucket_sum_device_bounds';
COMMENT ON FUNCTION bucket_sum_accum(internal, timestamptz, timestamptz, numeric, interval, text) IS 'Transition of bucket_sum.';
CREATE FUNCTION bucket_sum_accum(internal, period tstzrange, rate compute_rate, width interval) RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'bucket_sum_rate';
COMMENT ON FUNCTION bucket_sum_accum(internal, tstzrange, compute_rate, interval) IS 'Transition of bucket_sum.';
CREATE FUNCTION bucket_sum_accum(internal, period tstzrange, rate compute_rate, width interval, time_zone text) RETURNS internal
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'bucket_sum_rate';
COMMENT ON FUNCTION bucket_sum_accum(internal, tstzrange, compute_rate, interval, text) IS 'Transition of bucket_sum.';
CREATE FUNCTION bucket_sum_accum(internal, "start" timestamptz, "end" timestamptz, rate compute_rate, width interval) RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'bucket_sum_rate_bounds';
COMMENT ON FUNCTION bucket_sum_accum(internal, timestamptz, timestamptz, compute_rate, interval) IS 'Transition of bucket_sum.';
CREATE FUNCTION bucket_sum_accum(internal, "start" timestamptz, "end" timestamptz, rate compute_rate, width interval, time_zone text) RETURNS internal
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'bucket_sum_rate_bounds';
COMMENT ON FUNCTION bucket_sum_accum(internal, timestamptz, timestamptz, compute_rate, interval, text) IS 'Transition of bucket_sum.';
CREATE FUNCTION bucket_sum_combine(internal, internal) RETURNS internal
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION bucket_sum_serialize(internal) RETURNS bytea
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION bucket_sum_deserialize(bytea, internal) RETURNS internal
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION bucket_sum_device_final(internal) RETURNS device_bucket[]
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'bucket_sum_final';
CREATE FUNCTION bucket_sum_rate_final(internal) RETURNS compute_bucket[]
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'bucket_sum_final';
COMMENT ON FUNCTION bucket_sum_combine(internal, internal) IS 'Combines two states of bucket_sum.';
COMMENT ON FUNCTION bucket_sum_serialize(internal) IS 'Writes a state of bucket_sum for another process.';
COMMENT ON FUNCTION bucket_sum_deserialize(bytea, internal) IS 'Reads a state of bucket_sum from another process.';
COMMENT ON FUNCTION bucket_sum_device_final(internal) IS 'Ends bucket_sum over devices.';
COMMENT ON FUNCTION bucket_sum_rate_final(internal) IS 'Ends bucket_sum over rates.';

CREATE AGGREGATE bucket_sum(period tstzrange, devices numeric, width interval) (
	SFUNC = bucket_sum_accum, STYPE = internal, SSPACE = 16384, FINALFUNC = bucket_sum_device_final,
	COMBINEFUNC = bucket_sum_combine, SERIALFUNC = bucket_sum_serialize, DESERIALFUNC = bucket_sum_deserialize,
	PARALLEL = safe
);
COMMENT ON AGGREGATE bucket_sum(tstzrange, numeric, interval) IS 'Device-hours in every bucket of a width in UTC, from the first bucket with a period to the last, rounded so that they add up to the integral of the profile: an array of rows (period, amount). Unnest it for rows; it is buckets() of the profile of the periods, in one pass. Rows with a NULL are left out; NULL of no rows. Errors: 22000 an unbounded period; 22023 a width that is not months, days or a time, or not the same in a group; 22003 an amount out of range; 54000 more than 4,194,304 buckets.';
CREATE AGGREGATE bucket_sum(period tstzrange, devices numeric, width interval, time_zone text) (
	SFUNC = bucket_sum_accum, STYPE = internal, SSPACE = 16384, FINALFUNC = bucket_sum_device_final,
	COMBINEFUNC = bucket_sum_combine, SERIALFUNC = bucket_sum_serialize, DESERIALFUNC = bucket_sum_deserialize,
	PARALLEL = safe
);
COMMENT ON AGGREGATE bucket_sum(tstzrange, numeric, interval, text) IS 'Device-hours in every bucket of a width in a time zone, from the first bucket with a period to the last, rounded so that they add up to the integral of the profile: an array of rows (period, amount). Unnest it for rows; it is buckets() of the profile of the periods, in one pass. Rows with a NULL are left out; NULL of no rows. Errors: 22000 an unbounded period; 22023 a width that is not months, days or a time, or an unknown time zone, or not the same in a group; 22003 an amount out of range; 54000 more than 4,194,304 buckets.';
CREATE AGGREGATE bucket_sum("start" timestamptz, "end" timestamptz, devices numeric, width interval) (
	SFUNC = bucket_sum_accum, STYPE = internal, SSPACE = 16384, FINALFUNC = bucket_sum_device_final,
	COMBINEFUNC = bucket_sum_combine, SERIALFUNC = bucket_sum_serialize, DESERIALFUNC = bucket_sum_deserialize,
	PARALLEL = safe
);
COMMENT ON AGGREGATE bucket_sum(timestamptz, timestamptz, numeric, interval) IS 'Device-hours in every bucket of a width in UTC, from the first bucket with a period to the last, rounded so that they add up to the integral of the profile: an array of rows (period, amount). Of periods [start, end), as of ranges. Rows with a NULL are left out; NULL of no rows. Errors: 22000 an unbounded period; 22023 a width that is not months, days or a time, or not the same in a group; 22003 an amount out of range; 54000 more than 4,194,304 buckets.';
CREATE AGGREGATE bucket_sum("start" timestamptz, "end" timestamptz, devices numeric, width interval, time_zone text) (
	SFUNC = bucket_sum_accum, STYPE = internal, SSPACE = 16384, FINALFUNC = bucket_sum_device_final,
	COMBINEFUNC = bucket_sum_combine, SERIALFUNC = bucket_sum_serialize, DESERIALFUNC = bucket_sum_deserialize,
	PARALLEL = safe
);
COMMENT ON AGGREGATE bucket_sum(timestamptz, timestamptz, numeric, interval, text) IS 'Device-hours in every bucket of a width in a time zone, from the first bucket with a period to the last, rounded so that they add up to the integral of the profile: an array of rows (period, amount). Of periods [start, end), as of ranges. Rows with a NULL are left out; NULL of no rows. Errors: 22000 an unbounded period; 22023 a width that is not months, days or a time, or an unknown time zone, or not the same in a group; 22003 an amount out of range; 54000 more than 4,194,304 buckets.';
CREATE AGGREGATE bucket_sum(period tstzrange, rate compute_rate, width interval) (
	SFUNC = bucket_sum_accum, STYPE = internal, SSPACE = 16384, FINALFUNC = bucket_sum_rate_final,
	COMBINEFUNC = bucket_sum_combine, SERIALFUNC = bucket_sum_serialize, DESERIALFUNC = bucket_sum_deserialize,
	PARALLEL = safe
);
COMMENT ON AGGREGATE bucket_sum(tstzrange, compute_rate, interval) IS 'Compute in every bucket of a width in UTC, from the first bucket with a period to the last, as compute_unit, exact; rates of different bases are an error, LC001: an array of rows (period, amount). Unnest it for rows; it is buckets() of the profile of the periods, in one pass. Rows with a NULL are left out; NULL of no rows. Errors: 22000 an unbounded period; 22023 a width that is not months, days or a time, or not the same in a group; 22003 an amount out of range; 54000 more than 4,194,304 buckets.';
CREATE AGGREGATE bucket_sum(period tstzrange, rate compute_rate, width interval, time_zone text) (
	SFUNC = bucket_sum_accum, STYPE = internal, SSPACE = 16384, FINALFUNC = bucket_sum_rate_final,
	COMBINEFUNC = bucket_sum_combine, SERIALFUNC = bucket_sum_serialize, DESERIALFUNC = bucket_sum_deserialize,
	PARALLEL = safe
);
COMMENT ON AGGREGATE bucket_sum(tstzrange, compute_rate, interval, text) IS 'Compute in every bucket of a width in a time zone, from the first bucket with a period to the last, as compute_unit, exact; rates of different bases are an error, LC001: an array of rows (period, amount). Unnest it for rows; it is buckets() of the profile of the periods, in one pass. Rows with a NULL are left out; NULL of no rows. Errors: 22000 an unbounded period; 22023 a width that is not months, days or a time, or an unknown time zone, or not the same in a group; 22003 an amount out of range; 54000 more than 4,194,304 buckets.';
CREATE AGGREGATE bucket_sum("start" timestamptz, "end" timestamptz, rate compute_rate, width interval) (
	SFUNC = bucket_sum_accum, STYPE = internal, SSPACE = 16384, FINALFUNC = bucket_sum_rate_final,
	COMBINEFUNC = bucket_sum_combine, SERIALFUNC = bucket_sum_serialize, DESERIALFUNC = bucket_sum_deserialize,
	PARALLEL = safe
);
COMMENT ON AGGREGATE bucket_sum(timestamptz, timestamptz, compute_rate, interval) IS 'Compute in every bucket of a width in UTC, from the first bucket with a period to the last, as compute_unit, exact; rates of different bases are an error, LC001: an array of rows (period, amount). Of periods [start, end), as of ranges. Rows with a NULL are left out; NULL of no rows. Errors: 22000 an unbounded period; 22023 a width that is not months, days or a time, or not the same in a group; 22003 an amount out of range; 54000 more than 4,194,304 buckets.';
CREATE AGGREGATE bucket_sum("start" timestamptz, "end" timestamptz, rate compute_rate, width interval, time_zone text) (
	SFUNC = bucket_sum_accum, STYPE = internal, SSPACE = 16384, FINALFUNC = bucket_sum_rate_final,
	COMBINEFUNC = bucket_sum_combine, SERIALFUNC = bucket_sum_serialize, DESERIALFUNC = bucket_sum_deserialize,
	PARALLEL = safe
);
COMMENT ON AGGREGATE bucket_sum(timestamptz, timestamptz, compute_rate, interval, text) IS 'Compute in every bucket of a width in a time zone, from the first bucket with a period to the last, as compute_unit, exact; rates of different bases are an error, LC001: an array of rows (period, amount). Of periods [start, end), as of ranges. Rows with a NULL are left out; NULL of no rows. Errors: 22000 an unbounded period; 22023 a width that is not months, days or a time, or an unknown time zone, or not the same in a group; 22003 an amount out of range; 54000 more than 4,194,304 buckets.';
