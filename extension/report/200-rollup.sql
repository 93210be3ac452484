-- Rollups: usage by hour and day, utilization of capacity, and spend, as materialized views.
--
-- One pass over the records makes the cells of _usage_hourly: an hour of UTC in one day
-- of the account's time zone.  Everything else is a sum of cells.  A materialized view is
-- granted to nobody, because row-level security does not cover it; what users read is a
-- view with a security barrier over it.

CREATE TYPE _usage_cell AS (
	hour timestamptz,
	day date,
	device_hours numeric,
	device_time numeric,
	work compute_unit,
	achieved compute_unit,
	started bigint
);
COMMENT ON TYPE _usage_cell IS 'row of _usage_cells: what was used in one hour of UTC that is in one local day';

CREATE FUNCTION _usage_cells_accum(internal, started timestamptz, ended timestamptz, "from" timestamptz, "to" timestamptz, time_zone text, devices numeric, share integer, rate compute_rate, achieved compute_unit, recorded timestamptz) RETURNS internal
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_cells_accum';
COMMENT ON FUNCTION _usage_cells_accum(internal, timestamptz, timestamptz, timestamptz, timestamptz, text, numeric, integer, compute_rate, compute_unit, timestamptz) IS 'Transition of _usage_cells.';
CREATE FUNCTION _usage_cells_combine(internal, internal) RETURNS internal
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_cells_combine';
COMMENT ON FUNCTION _usage_cells_combine(internal, internal) IS 'Combines two states of _usage_cells.';
CREATE FUNCTION _usage_cells_serialize(internal) RETURNS bytea
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_cells_serialize';
COMMENT ON FUNCTION _usage_cells_serialize(internal) IS 'Writes a state of _usage_cells for another process.';
CREATE FUNCTION _usage_cells_deserialize(bytea, internal) RETURNS internal
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_cells_deserialize';
COMMENT ON FUNCTION _usage_cells_deserialize(bytea, internal) IS 'Reads a state of _usage_cells from another process.';
CREATE FUNCTION _usage_cells_final(internal) RETURNS _usage_cell[]
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_cells_final';
COMMENT ON FUNCTION _usage_cells_final(internal) IS 'Ends _usage_cells.';

CREATE AGGREGATE _usage_cells(started timestamptz, ended timestamptz, "from" timestamptz, "to" timestamptz, time_zone text, devices numeric, share integer, rate compute_rate, achieved compute_unit, recorded timestamptz) (
	SFUNC = _usage_cells_accum, STYPE = internal, SSPACE = 16384, FINALFUNC = _usage_cells_final,
	COMBINEFUNC = _usage_cells_combine, SERIALFUNC = _usage_cells_serialize, DESERIALFUNC = _usage_cells_deserialize,
	PARALLEL = safe
);
COMMENT ON AGGREGATE _usage_cells(timestamptz, timestamptz, timestamptz, timestamptz, text, numeric, integer, compute_rate, compute_unit, timestamptz) IS 'usage of one group of records by hours of UTC and days of a time zone: an array of _usage_cell in order, with the hours in which there was some. A row gives a record''s start and end (infinity: it goes on), the part of it to add, the zone of that part, how many devices it counts, the share of a device that one is, in 1/1,680,000, the rate of one, the work achieved by the whole record, and when a record that goes on was first recorded, by when its work is done; the last four may be NULL, rows with another NULL are left out. device_time is exact, in 1/1,680,000 device x microsecond, NULL if the share is not known of any of it, and so are device_hours; device_hours are rounded so that they add up; work and achieved are in FLOP, parts of a record adding up to the rounded whole; started counts the records that begin. Errors: LC001 rates of different bases; 22003 an amount out of range; 22000 a part that is not within its record; 22023 an unknown time zone.';

CREATE FUNCTION _device_hours(device_time numeric) RETURNS numeric
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	AS $$ SELECT compute_ledger._round_ratio(device_time, 6048000000000000, 12) $$;
COMMENT ON FUNCTION _device_hours(numeric) IS 'device-hours, rounded half to even to 12 decimals, of a device time in 1/1,680,000 device x microsecond';

-- ------------------------------------------------------------------ refreshing

CREATE FUNCTION _refresh_rollups(as_of timestamptz DEFAULT NULL, concurrent boolean DEFAULT true) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
DECLARE
	watermark timestamptz;
	rollup text;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF as_of = '-infinity' THEN
		PERFORM compute_ledger._refuse('22023', 'rollups are of what was recorded up to a finite time',
			hint => 'NULL stands for the ledger''s watermark.');
	END IF;
	-- one at a time, and the watermark only when it is our turn
	PERFORM FROM compute_ledger.rollup_state AS s FOR UPDATE;
	watermark := compute_ledger._ledger_watermark();
	IF as_of > watermark THEN
		PERFORM compute_ledger._refuse('LC012', format('as_of %s is beyond the ledger''s watermark %s', as_of, watermark),
			detail => 'Something may yet be recorded before it.');
	END IF;
	UPDATE compute_ledger.rollup_state AS s
	SET as_of = coalesce(_refresh_rollups.as_of, watermark), refreshed_at = clock_timestamp(), refreshed_by = session_user;
	PERFORM compute_ledger._share_closings();
	-- what has no rows, or was restored without, is filled faster than it is compared
	FOREACH rollup IN ARRAY '{_usage_hourly,_usage_daily,_unused_hourly,_utilization_daily,_spend_daily}'::text[] LOOP
		PERFORM compute_ledger._refresh_rollup(rollup, concurrent AND c.relispopulated AND pg_relation_size(c.oid) > 0)
		FROM pg_class AS c
		WHERE c.oid = format('compute_ledger.%I', rollup)::regclass;
	END LOOP;
	RETURN (SELECT s.as_of FROM compute_ledger.rollup_state AS s);
END
$$;
COMMENT ON FUNCTION _refresh_rollups(timestamptz, boolean) IS 'what refresh_rollups() does';

CREATE FUNCTION refresh_rollups(as_of timestamptz DEFAULT NULL, concurrent boolean DEFAULT true) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._refresh_rollups(as_of, concurrent);
END
$$;
COMMENT ON FUNCTION refresh_rollups(timestamptz, boolean) IS 'computes usage_hourly, usage_daily, utilization_daily and spend_daily anew from what was recorded up to as_of, by default ledger_watermark(), and returns that. They are read while it runs, unless concurrent is false, which is faster; the first time nobody can wait for rows that there were not, so it is always the faster way. Errors: 22023 as_of is -infinity; LC012 as_of beyond the watermark, infinity included; 55000 no ledger.';
