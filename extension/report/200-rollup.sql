-- Rollups: usage by hour and day, utilization of capacity, and spend, kept in tables.
--
-- A record makes cells: hours of UTC, each in one day of the account's time zone.  All that the
-- tables hold are sums of whole numbers over cells, so what was recorded, or ceased to count,
-- since the last refresh is added to them and taken from them (201-rollup_change.sql says what
-- that is), and the result is what a refresh of everything would have made.  Beside each amount
-- stands the length of time of what it is the sum of: 0 says that there is nothing any more.
-- The tables are granted to nobody; what users read is a view with a security barrier over them.

CREATE TYPE _usage_cell AS (
	hour timestamptz,
	day date,
	device_time numeric,
	work compute_unit,
	achieved compute_unit,
	started bigint,
	length bigint,
	shared bigint,
	rated bigint,
	achieving bigint
);
COMMENT ON TYPE _usage_cell IS 'row of _usage_cells: what was used in one hour of UTC that is in one local day; and the lengths, in microseconds, of all records in it together, of those whose share of a device is known, that have a rate, that say what they achieved';

CREATE FUNCTION _usage_cells_accum(internal, started timestamptz, ended timestamptz, "from" timestamptz, "to" timestamptz, time_zone text, devices numeric, share integer, rate compute_rate, achieved compute_unit, recorded timestamptz, added boolean) RETURNS internal
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_cells_accum';
COMMENT ON FUNCTION _usage_cells_accum(internal, timestamptz, timestamptz, timestamptz, timestamptz, text, numeric, integer, compute_rate, compute_unit, timestamptz, boolean) IS 'Transition of _usage_cells.';
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

CREATE AGGREGATE _usage_cells(started timestamptz, ended timestamptz, "from" timestamptz, "to" timestamptz, time_zone text, devices numeric, share integer, rate compute_rate, achieved compute_unit, recorded timestamptz, added boolean) (
	SFUNC = _usage_cells_accum, STYPE = internal, SSPACE = 16384, FINALFUNC = _usage_cells_final,
	COMBINEFUNC = _usage_cells_combine, SERIALFUNC = _usage_cells_serialize, DESERIALFUNC = _usage_cells_deserialize,
	PARALLEL = safe
);
COMMENT ON AGGREGATE _usage_cells(timestamptz, timestamptz, timestamptz, timestamptz, text, numeric, integer, compute_rate, compute_unit, timestamptz, boolean) IS 'usage of one group of records by hours of UTC and days of a time zone: an array of _usage_cell in order, with the hours in which there was some. A row gives a record''s start and end (infinity: it goes on), the part of it to add, the zone of that part, how many devices it counts, the share of a device that one is, in 1/1,680,000, the rate of one, the work achieved by the whole record, when a record that goes on was first recorded, by when its work is done, and whether the part is added or taken away; share, rate, achieved work and when it was recorded may be NULL, rows with another NULL are left out. device_time is exact, in 1/1,680,000 device x microsecond, of records whose share is known; work and achieved are in FLOP, parts of a record adding up to the rounded whole, NULL where no record has a rate, or says what it achieved; started counts the records that begin. Hours of which all that was added was taken away are left out. Errors: LC001 rates of different bases; 22003 an amount out of range; 22000 a part that is not within its record; 22023 an unknown time zone.';

CREATE FUNCTION _device_hours(device_time numeric) RETURNS numeric
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	AS $$ SELECT compute_ledger._round_ratio(device_time, 6048000000000000, 12) $$;
COMMENT ON FUNCTION _device_hours(numeric) IS 'device-hours, rounded half to even to 12 decimals, of a device time in 1/1,680,000 device x microsecond';

CREATE FUNCTION _cell_hours(device_time numeric) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cell_hours';
COMMENT ON FUNCTION _cell_hours(numeric) IS 'device-hours, rounded half to even to 12 decimals, without zeros at the end, of a device time in 1/1,680,000 device x microsecond, which is an integer; NULL for NULL; 22003 out of range';

-- ------------------------------------------------------------------ refreshing

CREATE FUNCTION _add_usage(before timestamptz, upto timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- rows that nothing is left of
	hours tid[];
	days tid[];
	utilized tid[];
	fleet_hours tid[];
	fleet_days tid[];
	months tid[];
	capacities tid[];
	several bigint[] := ARRAY(SELECT z.owner FROM compute_ledger._rollup_zone AS z GROUP BY z.owner HAVING count(DISTINCT z.payer) > 1);
BEGIN
	WITH by_payer AS MATERIALIZED (
		SELECT c.account, c.payer, c.region, c.basis, c.day, c.hour, c.started, c.length, c.shared, c.rated, c.achieving, c.accelerator, c.measure, c.device_time, c.work, c.achieved
		FROM compute_ledger._usage_change(before, upto) AS c
	), change AS MATERIALIZED (
		-- in the order of accounts, as they come, but for those that several pay for
		SELECT c.account, c.region, c.basis, c.day, c.hour, c.started, c.length, c.shared, c.rated, c.achieving, c.accelerator, c.measure, c.device_time, c.work, c.achieved
		FROM by_payer AS c
		WHERE c.account <> ALL (several)
		UNION ALL
		SELECT c.account, c.region, c.basis, c.day, c.hour, sum(c.started)::bigint, sum(c.length)::bigint, sum(c.shared)::bigint, sum(c.rated)::bigint,
			sum(c.achieving)::bigint, c.accelerator, c.measure, sum(c.device_time), compute_ledger.sum(c.work), compute_ledger.sum(c.achieved)
		FROM by_payer AS c
		WHERE c.account = ANY (several)
		GROUP BY c.account, c.hour, c.region, c.accelerator, c.measure, c.basis, c.day
	), in_hours AS (
		INSERT INTO compute_ledger._usage_hourly AS h (account, region, basis, day, hour, started, length, shared, rated, achieving, accelerator, measure, device_time, work, achieved)
		SELECT c.account, c.region, c.basis, c.day, c.hour, c.started, c.length, c.shared, c.rated, c.achieving, c.accelerator, c.measure, c.device_time, c.work, c.achieved FROM change AS c
		ON CONFLICT (account, hour, region, accelerator, measure, basis, day) DO UPDATE
		SET started = h.started + excluded.started, length = h.length + excluded.length, shared = h.shared + excluded.shared, rated = h.rated + excluded.rated,
			achieving = h.achieving + excluded.achieving, device_time = h.device_time + excluded.device_time,
			work = coalesce(h.work OPERATOR(compute_ledger.+) excluded.work, h.work, excluded.work), achieved = coalesce(h.achieved OPERATOR(compute_ledger.+) excluded.achieved, h.achieved, excluded.achieved)
		RETURNING h.ctid AS row, h.length
	), in_days AS (
		INSERT INTO compute_ledger._usage_daily AS d (account, region, basis, day, started, length, shared, rated, achieving, accelerator, measure, device_time, work, achieved)
		SELECT c.account, c.region, c.basis, c.day, sum(c.started), sum(c.length), sum(c.shared), sum(c.rated), sum(c.achieving), c.accelerator, c.measure, sum(c.device_time),
			compute_ledger.sum(c.work), compute_ledger.sum(c.achieved)
		FROM change AS c
		GROUP BY c.account, c.day, c.region, c.accelerator, c.measure, c.basis
		ON CONFLICT (account, day, region, accelerator, measure, basis) DO UPDATE
		SET started = d.started + excluded.started, length = d.length + excluded.length, shared = d.shared + excluded.shared, rated = d.rated + excluded.rated,
			achieving = d.achieving + excluded.achieving, device_time = d.device_time + excluded.device_time,
			work = coalesce(d.work OPERATOR(compute_ledger.+) excluded.work, d.work, excluded.work), achieved = coalesce(d.achieved OPERATOR(compute_ledger.+) excluded.achieved, d.achieved, excluded.achieved)
		RETURNING d.ctid AS row, d.length
	), by_account AS MATERIALIZED (
		SELECT c.account, c.region, compute_ledger.accelerator_trunc('memory', c.accelerator) AS accelerator, c.hour, sum(c.length) AS length,
			coalesce(sum(c.shared) FILTER (WHERE c.measure = 'reserved'), 0) AS reserved_length, coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'reserved'), 0) AS reserved_time,
			coalesce(sum(c.shared) FILTER (WHERE c.measure = 'allocated'), 0) AS allocated_length, coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'allocated'), 0) AS allocated_time,
			coalesce(sum(c.shared) FILTER (WHERE c.measure = 'used'), 0) AS used_length, coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'used'), 0) AS used_time
		FROM change AS c
		GROUP BY c.account, c.region, compute_ledger.accelerator_trunc('memory', c.accelerator), c.hour
	), in_utilization AS (
		INSERT INTO compute_ledger._utilization_daily AS u (account, region, day, length, reserved_length, allocated_length, used_length, accelerator, reserved_time, allocated_time, used_time)
		SELECT c.account, c.region, (c.hour AT TIME ZONE 'UTC')::date, sum(c.length), sum(c.reserved_length), sum(c.allocated_length), sum(c.used_length), c.accelerator,
			sum(c.reserved_time), sum(c.allocated_time), sum(c.used_time)
		FROM by_account AS c
		GROUP BY c.account, (c.hour AT TIME ZONE 'UTC')::date, c.region, c.accelerator
		ON CONFLICT (account, day, region, accelerator) DO UPDATE
		SET length = u.length + excluded.length, reserved_length = u.reserved_length + excluded.reserved_length, allocated_length = u.allocated_length + excluded.allocated_length,
			used_length = u.used_length + excluded.used_length, reserved_time = u.reserved_time + excluded.reserved_time, allocated_time = u.allocated_time + excluded.allocated_time,
			used_time = u.used_time + excluded.used_time
		RETURNING u.ctid AS row, u.length
	), fleet AS MATERIALIZED (
		SELECT c.region, c.accelerator, c.hour, sum(c.length) AS length, sum(c.reserved_length) AS reserved_length, sum(c.allocated_length) AS allocated_length, sum(c.used_length) AS used_length,
			sum(c.reserved_time) AS reserved_time, sum(c.allocated_time) AS allocated_time, sum(c.used_time) AS used_time,
			sum(c.capacity_length) AS capacity_length, sum(c.unknown_length) AS unknown_length, sum(c.capacity_time) AS capacity_time
		FROM (
			SELECT b.region, b.accelerator, b.hour, b.length, b.reserved_length, b.allocated_length, b.used_length, b.reserved_time, b.allocated_time, b.used_time,
				0 AS capacity_length, 0 AS unknown_length, 0 AS capacity_time
			FROM by_account AS b
			UNION ALL
			SELECT k.region, k.accelerator, k.hour, 0, 0, 0, 0, 0, 0, 0, k.length, k.unknown, k.device_time
			FROM compute_ledger._capacity_change(before, upto) AS k
		) AS c
		GROUP BY c.region, c.accelerator, c.hour
	), in_fleet_hours AS (
		INSERT INTO compute_ledger._fleet_hourly AS f (region, hour, length, reserved_length, allocated_length, used_length, capacity_length, unknown_length, accelerator,
			reserved_time, allocated_time, used_time, capacity_time)
		SELECT c.region, c.hour, c.length, c.reserved_length, c.allocated_length, c.used_length, c.capacity_length, c.unknown_length, c.accelerator,
			c.reserved_time, c.allocated_time, c.used_time, c.capacity_time
		FROM fleet AS c
		ON CONFLICT (hour, region, accelerator) DO UPDATE
		SET length = f.length + excluded.length, reserved_length = f.reserved_length + excluded.reserved_length, allocated_length = f.allocated_length + excluded.allocated_length,
			used_length = f.used_length + excluded.used_length, reserved_time = f.reserved_time + excluded.reserved_time, allocated_time = f.allocated_time + excluded.allocated_time,
			used_time = f.used_time + excluded.used_time, capacity_length = f.capacity_length + excluded.capacity_length, unknown_length = f.unknown_length + excluded.unknown_length,
			capacity_time = f.capacity_time + excluded.capacity_time
		RETURNING f.ctid AS row, f.length + f.capacity_length AS length
	), in_fleet_days AS (
		INSERT INTO compute_ledger._fleet_daily AS f (region, day, length, reserved_length, allocated_length, used_length, capacity_length, unknown_length, accelerator,
			reserved_time, allocated_time, used_time, capacity_time)
		SELECT c.region, (c.hour AT TIME ZONE 'UTC')::date, sum(c.length), sum(c.reserved_length), sum(c.allocated_length), sum(c.used_length), sum(c.capacity_length), sum(c.unknown_length), c.accelerator,
			sum(c.reserved_time), sum(c.allocated_time), sum(c.used_time), sum(c.capacity_time)
		FROM fleet AS c
		GROUP BY (c.hour AT TIME ZONE 'UTC')::date, c.region, c.accelerator
		ON CONFLICT (day, region, accelerator) DO UPDATE
		SET length = f.length + excluded.length, reserved_length = f.reserved_length + excluded.reserved_length, allocated_length = f.allocated_length + excluded.allocated_length,
			used_length = f.used_length + excluded.used_length, reserved_time = f.reserved_time + excluded.reserved_time, allocated_time = f.allocated_time + excluded.allocated_time,
			used_time = f.used_time + excluded.used_time, capacity_length = f.capacity_length + excluded.capacity_length, unknown_length = f.unknown_length + excluded.unknown_length,
			capacity_time = f.capacity_time + excluded.capacity_time
		RETURNING f.ctid AS row, f.length + f.capacity_length AS length
	), in_months AS (
		INSERT INTO compute_ledger._usage_monthly AS m (payer, region, month, length, reserved_length, allocated_length, used_length, accelerator, reserved_time, allocated_time, used_time)
		SELECT c.payer, c.region, date_trunc('month', c.hour AT TIME ZONE 'UTC')::date, sum(c.length),
			coalesce(sum(c.shared) FILTER (WHERE c.measure = 'reserved'), 0), coalesce(sum(c.shared) FILTER (WHERE c.measure = 'allocated'), 0),
			coalesce(sum(c.shared) FILTER (WHERE c.measure = 'used'), 0), compute_ledger.accelerator_trunc('memory', c.accelerator),
			coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'reserved'), 0), coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'allocated'), 0),
			coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'used'), 0)
		FROM by_payer AS c
		GROUP BY c.payer, date_trunc('month', c.hour AT TIME ZONE 'UTC')::date, c.region, compute_ledger.accelerator_trunc('memory', c.accelerator)
		ON CONFLICT (month, payer, region, accelerator) DO UPDATE
		SET length = m.length + excluded.length, reserved_length = m.reserved_length + excluded.reserved_length, allocated_length = m.allocated_length + excluded.allocated_length,
			used_length = m.used_length + excluded.used_length, reserved_time = m.reserved_time + excluded.reserved_time, allocated_time = m.allocated_time + excluded.allocated_time,
			used_time = m.used_time + excluded.used_time
		RETURNING m.ctid AS row, m.length
	), in_capacity AS (
		INSERT INTO compute_ledger._capacity_monthly AS k (region, month, length, unknown, accelerator, device_time)
		SELECT c.region, date_trunc('month', c.hour AT TIME ZONE 'UTC')::date, sum(c.capacity_length), sum(c.unknown_length), c.accelerator, sum(c.capacity_time)
		FROM fleet AS c
		GROUP BY c.region, date_trunc('month', c.hour AT TIME ZONE 'UTC')::date, c.accelerator
		ON CONFLICT (month, region, accelerator) DO UPDATE
		SET length = k.length + excluded.length, unknown = k.unknown + excluded.unknown, device_time = k.device_time + excluded.device_time
		RETURNING k.ctid AS row, k.length
	)
	SELECT (SELECT array_agg(r.row) FROM in_hours AS r WHERE r.length = 0), (SELECT array_agg(r.row) FROM in_days AS r WHERE r.length = 0),
		(SELECT array_agg(r.row) FROM in_utilization AS r WHERE r.length = 0), (SELECT array_agg(r.row) FROM in_fleet_hours AS r WHERE r.length = 0),
		(SELECT array_agg(r.row) FROM in_fleet_days AS r WHERE r.length = 0), (SELECT array_agg(r.row) FROM in_months AS r WHERE r.length = 0),
		(SELECT array_agg(r.row) FROM in_capacity AS r WHERE r.length = 0)
	INTO hours, days, utilized, fleet_hours, fleet_days, months, capacities;
	DELETE FROM compute_ledger._usage_hourly AS h WHERE h.ctid = ANY (hours);
	DELETE FROM compute_ledger._usage_daily AS d WHERE d.ctid = ANY (days);
	DELETE FROM compute_ledger._utilization_daily AS u WHERE u.ctid = ANY (utilized);
	DELETE FROM compute_ledger._fleet_hourly AS f WHERE f.ctid = ANY (fleet_hours);
	DELETE FROM compute_ledger._fleet_daily AS f WHERE f.ctid = ANY (fleet_days);
	DELETE FROM compute_ledger._usage_monthly AS m WHERE m.ctid = ANY (months);
	DELETE FROM compute_ledger._capacity_monthly AS k WHERE k.ctid = ANY (capacities);
END
$$;
COMMENT ON FUNCTION _add_usage(timestamptz, timestamptz) IS 'part of refresh_rollups(): adds to the rollups of usage and utilization what has changed between two recorded times';

CREATE FUNCTION _add_unused(before timestamptz, upto timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gone tid[];
	accounts bigint[];
	regions integer[];
	accelerators compute_ledger.accelerator[];
	days date[];
BEGIN
	WITH change AS (
		INSERT INTO compute_ledger._unused_hourly AS n (account, region, basis, hour, length, shared, rated, accelerator, device_time, work)
		SELECT c.account, c.region, c.basis, c.hour, c.length, c.shared, c.rated, c.accelerator, c.device_time, c.work
		FROM compute_ledger._unused_change(before, upto) AS c
		ON CONFLICT (account, hour, region, accelerator, basis) DO UPDATE
		SET length = n.length + excluded.length, shared = n.shared + excluded.shared, rated = n.rated + excluded.rated, device_time = n.device_time + excluded.device_time,
			work = coalesce(n.work OPERATOR(compute_ledger.+) excluded.work, n.work, excluded.work)
		RETURNING n.ctid AS row, n.account, n.region, n.accelerator, (n.hour AT TIME ZONE 'UTC')::date AS day, n.length
	), touched AS (
		SELECT DISTINCT c.account, c.region, c.accelerator, c.day FROM change AS c
	)
	SELECT (SELECT array_agg(c.row) FROM change AS c WHERE c.length = 0),
		array_agg(t.account), array_agg(t.region), array_agg(t.accelerator), array_agg(t.day)
	INTO gone, accounts, regions, accelerators, days
	FROM touched AS t;
	IF accounts IS NULL THEN
		RETURN;
	END IF;
	DELETE FROM compute_ledger._unused_hourly AS n WHERE n.ctid = ANY (gone);
	-- work is added up of one basis only
	UPDATE compute_ledger._utilization_daily AS u
	SET unused_time = s.unused_time, unused_work = s.unused_work
	FROM unnest(accounts, regions, accelerators, days) AS t (account, region, accelerator, day)
	CROSS JOIN LATERAL (
		SELECT sum(b.unused_time) AS unused_time, CASE WHEN count(b.work) = 1 THEN (array_agg(b.work) FILTER (WHERE b.work IS NOT NULL))[1] END AS unused_work
		FROM (
			SELECT sum(n.device_time) FILTER (WHERE n.shared > 0) AS unused_time, compute_ledger.sum(n.work) FILTER (WHERE n.rated > 0) AS work
			FROM compute_ledger._unused_hourly AS n
			WHERE n.account = t.account AND n.region = t.region AND n.accelerator OPERATOR(compute_ledger.=) t.accelerator
				AND n.hour >= t.day::timestamp AT TIME ZONE 'UTC' AND n.hour < (t.day + 1)::timestamp AT TIME ZONE 'UTC'
			GROUP BY n.basis
		) AS b
	) AS s
	WHERE u.account = t.account AND u.day = t.day AND u.region = t.region AND u.accelerator OPERATOR(compute_ledger.=) t.accelerator;
	WITH touched AS MATERIALIZED (
		SELECT DISTINCT t.region, t.accelerator, t.day FROM unnest(regions, accelerators, days) AS t (region, accelerator, day)
	), unused AS MATERIALIZED (
		SELECT f.region, f.accelerator, f.hour, n.basis, sum(n.device_time) FILTER (WHERE n.shared > 0) AS unused_time, compute_ledger.sum(n.work) FILTER (WHERE n.rated > 0) AS work
		FROM touched AS t
		JOIN compute_ledger._fleet_hourly AS f ON f.region = t.region AND f.accelerator OPERATOR(compute_ledger.=) t.accelerator
			AND f.hour >= t.day::timestamp AT TIME ZONE 'UTC' AND f.hour < (t.day + 1)::timestamp AT TIME ZONE 'UTC'
		LEFT JOIN compute_ledger._unused_hourly AS n ON n.region = f.region AND n.accelerator OPERATOR(compute_ledger.=) f.accelerator AND n.hour = f.hour
		GROUP BY f.region, f.accelerator, f.hour, n.basis
	), in_days AS (
		UPDATE compute_ledger._fleet_daily AS f
		SET unused_time = s.unused_time, unused_work = s.unused_work
		FROM (
			SELECT b.region, b.accelerator, b.day, sum(b.unused_time) AS unused_time, CASE WHEN count(b.work) = 1 THEN (array_agg(b.work) FILTER (WHERE b.work IS NOT NULL))[1] END AS unused_work
			FROM (
				SELECT u.region, u.accelerator, (u.hour AT TIME ZONE 'UTC')::date AS day, sum(u.unused_time) AS unused_time, compute_ledger.sum(u.work) AS work
				FROM unused AS u
				GROUP BY u.region, u.accelerator, (u.hour AT TIME ZONE 'UTC')::date, u.basis
			) AS b
			GROUP BY b.region, b.accelerator, b.day
		) AS s
		WHERE f.day = s.day AND f.region = s.region AND f.accelerator OPERATOR(compute_ledger.=) s.accelerator
	)
	UPDATE compute_ledger._fleet_hourly AS f
	SET unused_time = s.unused_time, unused_work = s.unused_work
	FROM (
		SELECT u.region, u.accelerator, u.hour, sum(u.unused_time) AS unused_time, CASE WHEN count(u.work) = 1 THEN (array_agg(u.work) FILTER (WHERE u.work IS NOT NULL))[1] END AS unused_work
		FROM unused AS u
		GROUP BY u.region, u.accelerator, u.hour
	) AS s
	WHERE f.hour = s.hour AND f.region = s.region AND f.accelerator OPERATOR(compute_ledger.=) s.accelerator;
END
$$;
COMMENT ON FUNCTION _add_unused(timestamptz, timestamptz) IS 'part of refresh_rollups(): adds to what is reserved and not drawn what has changed between two recorded times, after _add_usage()';

CREATE FUNCTION _add_spend(before timestamptz, upto timestamptz) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gone tid[];
	found boolean;
BEGIN
	WITH change AS (
		INSERT INTO compute_ledger._spend_daily AS s (account, payer, region, day, charges, timed, listed, contracted, costed, accelerator, book, measure, kind, currency,
			device_time, list_cost, contracted_cost, cost)
		SELECT c.account, c.payer, c.region, c.day, c.charges, c.timed, c.listed, c.contracted, c.costed, c.accelerator, c.book, c.measure, c.kind, c.currency,
			c.device_time, c.list_cost, c.contracted_cost, c.cost
		FROM compute_ledger._spend_change(before, upto) AS c
		ON CONFLICT (account, day, book, payer, region, accelerator, measure, kind, currency) DO UPDATE
		SET charges = s.charges + excluded.charges, timed = s.timed + excluded.timed, listed = s.listed + excluded.listed, contracted = s.contracted + excluded.contracted,
			costed = s.costed + excluded.costed, device_time = s.device_time + excluded.device_time, list_cost = s.list_cost + excluded.list_cost,
			contracted_cost = s.contracted_cost + excluded.contracted_cost, cost = s.cost + excluded.cost
		RETURNING s.ctid AS row, s.charges
	)
	SELECT array_agg(c.row) FILTER (WHERE c.charges = 0), count(*) > 0 INTO gone, found FROM change AS c;
	DELETE FROM compute_ledger._spend_daily AS s WHERE s.ctid = ANY (gone);
	RETURN found;
END
$$;
COMMENT ON FUNCTION _add_spend(timestamptz, timestamptz) IS 'part of refresh_rollups(): adds to spend what was charged between two recorded times, and moves charges without a day of accounts that changed their zone; returns whether there was anything';

CREATE FUNCTION _rollup_parts(before timestamptz, known oid[], OUT parts oid[], OUT others boolean) RETURNS record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	parts := ARRAY(SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent = 'compute_ledger.usage_record'::regclass ORDER BY i.inhrelid);
	others := NOT parts @> known OR NOT known @> parts
		AND EXISTS (SELECT FROM compute_ledger.usage_record AS u WHERE u.tableoid = ANY (parts) AND u.tableoid <> ALL (known) AND u.recorded <= before);
END
$$;
COMMENT ON FUNCTION _rollup_parts(timestamptz, oid[]) IS 'part of refresh_rollups(): the partitions of usage_record, and whether, of those that were known, one was detached, or another one has records from before';

CREATE FUNCTION _refresh_rollups(as_of timestamptz DEFAULT NULL, concurrent boolean DEFAULT true) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
DECLARE
	watermark timestamptz;
	upto timestamptz;
	before timestamptz;
	known oid[];
	now_parts oid[];
	others boolean;
	spent boolean;
	rollup text;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF as_of = '-infinity' THEN
		PERFORM compute_ledger._refuse('22023', 'rollups are of what was recorded up to a finite time',
			hint => 'NULL stands for the ledger''s watermark.');
	END IF;
	-- one at a time, and the watermark only when it is our turn
	SELECT s.as_of, s.parts INTO before, known FROM compute_ledger.rollup_state AS s FOR UPDATE;
	watermark := compute_ledger._ledger_watermark();
	IF as_of > watermark THEN
		PERFORM compute_ledger._refuse('LC012', format('as_of %s is beyond the ledger''s watermark %s', as_of, watermark),
			detail => 'Something may yet be recorded before it.');
	END IF;
	upto := coalesce(as_of, watermark);
	SELECT p.parts, p.others INTO now_parts, others FROM compute_ledger._rollup_parts(before, known) AS p;
	IF others OR upto < before OR NOT concurrent THEN
		before := '-infinity';
	END IF;
	IF before = '-infinity' THEN
		IF concurrent THEN
			DELETE FROM compute_ledger._usage_hourly;
			DELETE FROM compute_ledger._usage_daily;
			DELETE FROM compute_ledger._unused_hourly;
			DELETE FROM compute_ledger._utilization_daily;
			DELETE FROM compute_ledger._fleet_hourly;
			DELETE FROM compute_ledger._fleet_daily;
			DELETE FROM compute_ledger._usage_monthly;
			DELETE FROM compute_ledger._capacity_monthly;
			DELETE FROM compute_ledger._spend_daily;
		ELSE
			TRUNCATE compute_ledger._usage_hourly, compute_ledger._usage_daily, compute_ledger._unused_hourly, compute_ledger._utilization_daily,
				compute_ledger._fleet_hourly, compute_ledger._fleet_daily, compute_ledger._usage_monthly, compute_ledger._capacity_monthly, compute_ledger._spend_daily;
		END IF;
		DELETE FROM compute_ledger._rollup_zone;
	END IF;
	PERFORM compute_ledger._change_rollup_zones(before, upto);
	PERFORM compute_ledger._add_usage(before, upto);
	PERFORM compute_ledger._add_unused(before, upto);
	spent := compute_ledger._add_spend(before, upto);
	DELETE FROM compute_ledger._rollup_zone AS z WHERE NOT z."is";
	UPDATE compute_ledger._rollup_zone AS z SET was = true WHERE NOT z.was;
	UPDATE compute_ledger.rollup_state AS s
	SET as_of = upto, parts = now_parts, refreshed_at = clock_timestamp(), refreshed_by = session_user;
	-- what has no rows, or was restored without, is filled faster than it is compared
	FOREACH rollup IN ARRAY '{_utilization_monthly,_spend_monthly}'::text[] LOOP
		PERFORM compute_ledger._refresh_rollup(rollup, concurrent AND c.relispopulated AND pg_relation_size(c.oid) > 0)
		FROM pg_class AS c
		-- charges come with closings only
		WHERE c.oid = format('compute_ledger.%I', rollup)::regclass AND (rollup <> '_spend_monthly' OR spent OR before = '-infinity' OR NOT c.relispopulated);
	END LOOP;
	RETURN upto;
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
COMMENT ON FUNCTION refresh_rollups(timestamptz, boolean) IS 'brings usage_hourly, usage_daily, utilization_hourly, utilization_daily, spend_daily and their months to what was recorded up to as_of, by default ledger_watermark(), and returns that. What was recorded, or ceased to count, since the last refresh is added and taken away; everything is computed anew for an as_of before the last one, the first time, after a partition of usage_record was detached or attached, and where concurrent is false. They are read while it runs, unless concurrent is false, which is faster where everything is computed. Errors: 22023 as_of is -infinity; LC012 as_of beyond the watermark, infinity included; 55000 no ledger.';
