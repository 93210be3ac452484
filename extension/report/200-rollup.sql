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

CREATE TYPE _usage_move AS (
	account bigint,
	owner bigint,
	payer bigint,
	to_owner bigint,
	to_payer bigint,
	time_zone text,
	since timestamptz,
	until timestamptz
);
COMMENT ON TYPE _usage_move IS 'part of what has changed of whose usage is whose: the cells of an owner that are another''s (or stay with another payer) in a time of whole hours, in the days of a time zone (NULL: in the days that they are in); or, with an account, a time whose usage is to be read anew from its records';

CREATE FUNCTION _days_on_hours(time_zone text, since timestamptz, until timestamptz) RETURNS boolean
	LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'days_on_hours';
COMMENT ON FUNCTION _days_on_hours(text, timestamptz, timestamptz) IS 'whether all days of a time zone that begin between two instants, both finite, begin with an hour of UTC; NULL for NULL; 22023 an unknown time zone';

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
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'device_hours';
COMMENT ON FUNCTION _device_hours(numeric) IS 'device-hours, rounded half to even to 12 decimals, of a device time in 1/1,680,000 device x microsecond';

CREATE FUNCTION _cell_hours(device_time numeric) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cell_hours';
COMMENT ON FUNCTION _cell_hours(numeric) IS 'device-hours, rounded half to even to 12 decimals, without zeros at the end, of a device time in 1/1,680,000 device x microsecond, which is an integer; NULL for NULL; 22003 out of range';

-- ------------------------------------------------------------------ what readers read

CREATE FUNCTION _account_hours(accounts bigint[], since timestamptz, until timestamptz,
		OUT account bigint, OUT account_name text, OUT region integer, OUT region_name text, OUT accelerator accelerator, OUT measure text, OUT basis integer,
		OUT hour timestamptz, OUT day date, OUT device_time numeric, OUT work compute_unit, OUT achieved compute_unit, OUT started bigint) RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'account_hours';
COMMENT ON FUNCTION _account_hours(bigint[], timestamptz, timestamptz) IS 'the hours of usage of accounts that begin from one instant to another, both included (NULL: no bound), as usage_hourly has them. It fetches all that the accounts have, whatever the time; no accounts for NULL. 42703, 42704, 42804, 42809 and 22004 where the owner has made another table of _usage_hourly, account or region.';

CREATE FUNCTION _own_usage_support(internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'own_usage_support';
COMMENT ON FUNCTION _own_usage_support(internal) IS 'planner support: gives _own_usage_hourly() as bounds what conditions say of its column hour';

CREATE FUNCTION _own_usage_hourly(since timestamptz, until timestamptz, role name DEFAULT current_user,
		OUT account bigint, OUT account_name text, OUT region integer, OUT region_name text, OUT accelerator accelerator, OUT measure text, OUT basis integer,
		OUT hour timestamptz, OUT day date, OUT device_time numeric, OUT work compute_unit, OUT achieved compute_unit, OUT started bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	SUPPORT _own_usage_support
AS $$
BEGIN
	RETURN QUERY SELECT h.* FROM compute_ledger._account_hours(ARRAY(SELECT compute_ledger._visible_accounts(role)), since, until) AS h;
END
$$;
COMMENT ON FUNCTION _own_usage_hourly(timestamptz, timestamptz, name) IS 'what my_usage_hourly shows: the hours of usage of the accounts that a role, by default the current one, sees, that begin from one instant to another (NULL: no bound). How many rows are estimated, fetched and counted, and what pages, does not depend on the time. In the FROM of a query of nothing else, NULL, NULL becomes what the conditions on hour say.';

-- ------------------------------------------------------------------ refreshing

CREATE FUNCTION _adding(rollup regclass) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('ON CONFLICT (%s) DO UPDATE SET %s', string_agg(format('%I', c.name), ', ' ORDER BY c.key) FILTER (WHERE c.key > 0),
		string_agg(format(CASE WHEN c.filled THEN '%1$I = t.%1$I OPERATOR(%2$s.+) excluded.%1$I' ELSE '%1$I = coalesce(t.%1$I OPERATOR(%2$s.+) excluded.%1$I, t.%1$I, excluded.%1$I)' END, c.name, c.schema), ', ') FILTER (WHERE c.key IS NULL))
	FROM (
		SELECT a.attname AS name, a.attnotnull AS filled, CASE a.atttypid WHEN 'compute_ledger.compute_unit'::regtype THEN 'compute_ledger' ELSE 'pg_catalog' END AS schema,
			(SELECT array_position(i.indkey::smallint[], a.attnum) + 1 FROM pg_index AS i WHERE i.indrelid = rollup AND i.indisunique) AS key
		FROM pg_attribute AS a
		WHERE a.attrelid = rollup AND a.attnum > 0 AND NOT a.attisdropped
	) AS c
$$;
COMMENT ON FUNCTION _adding(regclass) IS 'part of refresh_rollups(): what an INSERT INTO a rollup AS t ends with, so that rows are added to those that are there: all columns but those of its key are sums, and a NULL adds nothing';

CREATE FUNCTION _drop_rows(rollup regclass, rows tid[]) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	-- where they are is known
	SET enable_seqscan = off
AS $$
BEGIN
	IF rows <> '{}' THEN
		EXECUTE format('DELETE FROM %s AS t WHERE t.ctid = ANY ($1)', rollup) USING rows;
	END IF;
END
$$;
COMMENT ON FUNCTION _drop_rows(regclass, tid[]) IS 'part of refresh_rollups(): deletes rows of a rollup that nothing is left of; NULL: none';

CREATE FUNCTION _usage_sums(records text, before timestamptz, upto timestamptz, moves _usage_move[], purpose text, "from" timestamptz, "to" timestamptz) RETURNS TABLE (rollup text, account bigint, region integer, accelerator accelerator, measure text, basis integer,
		hour timestamptz, day date, started bigint, length bigint, shared bigint, rated bigint, achieving bigint, device_time numeric, work compute_unit, achieved compute_unit,
		reserved_length bigint, allocated_length bigint, used_length bigint, capacity_length bigint, unknown_length bigint,
		reserved_time numeric, allocated_time numeric, used_time numeric, capacity_time numeric)
	LANGUAGE C STABLE ROWS 10000 AS 'MODULE_PATHNAME', 'usage_sums';
COMMENT ON FUNCTION _usage_sums(text, timestamptz, timestamptz, _usage_move[], text, timestamptz, timestamptz) IS 'part of refresh_rollups(): rows of all tables of usage and utilization, each with the columns that its table has (payer is account, month is day), that the records of a query (_changed_records()) come to, and capacity as it changed between two recorded times. What for: add: that; correct: that, less what the tables say; check: what _usage_hourly says too much, and what the others say too little beside it, _usage_monthly too much. From and to, midnights of UTC or infinite, say which hours are compared, and days and months of which all hours are.';

CREATE FUNCTION _fill_usage(records text, before timestamptz, upto timestamptz, moves _usage_move[]) RETURNS void
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'fill_usage';
COMMENT ON FUNCTION _fill_usage(text, timestamptz, timestamptz, _usage_move[]) IS 'part of refresh_rollups(): puts the rows that _usage_sums() gives for add into the tables, which TRUNCATE has emptied, and makes their indexes of them';

CREATE FUNCTION _add_usage(before timestamptz, upto timestamptz, purpose text) RETURNS void
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
	moves compute_ledger._usage_move[] := compute_ledger._usage_moves(before);
	adding text[] := ARRAY(SELECT compute_ledger._adding(format('compute_ledger.%I', r.rollup)::regclass)
		FROM unnest('{_usage_hourly,_usage_daily,_utilization_daily,_fleet_hourly,_fleet_daily,_usage_monthly,_capacity_monthly}'::text[]) WITH ORDINALITY AS r (rollup, n) ORDER BY r.n);
BEGIN
	EXECUTE format($q$
	WITH change AS MATERIALIZED (
		SELECT s.* FROM compute_ledger._usage_sums($1, $2, $3, $4, $5, '-infinity', 'infinity') AS s
	), moved AS (
		-- what another has now
		DELETE FROM compute_ledger._usage_hourly AS h
		USING unnest($4) AS m
		WHERE m.account IS NULL AND h.account = m.owner AND h.hour >= m.since AND h.hour < m.until
		RETURNING h.account
	), in_hours AS (
		INSERT INTO compute_ledger._usage_hourly AS t (account, region, basis, day, hour, started, length, shared, rated, achieving, accelerator, measure, device_time, work, achieved)
		SELECT c.account, c.region, c.basis, c.day, c.hour, c.started, c.length, c.shared, c.rated, c.achieving, c.accelerator, c.measure, c.device_time, c.work, c.achieved
		FROM change AS c
		-- first what has gone goes, then what there is comes
		WHERE c.rollup = '_usage_hourly' AND (SELECT count(*) FROM moved AS m) >= 0
		%1$s
		RETURNING t.ctid AS row, t.length
	), in_days AS (
		INSERT INTO compute_ledger._usage_daily AS t (account, region, basis, day, started, length, shared, rated, achieving, accelerator, measure, device_time, work, achieved)
		SELECT c.account, c.region, c.basis, c.day, c.started, c.length, c.shared, c.rated, c.achieving, c.accelerator, c.measure, c.device_time, c.work, c.achieved
		FROM change AS c
		WHERE c.rollup = '_usage_daily'
		%2$s
		RETURNING t.ctid AS row, t.length
	), in_utilization AS (
		INSERT INTO compute_ledger._utilization_daily AS t (account, region, day, length, reserved_length, allocated_length, used_length, accelerator, reserved_time, allocated_time, used_time)
		SELECT c.account, c.region, c.day, c.length, c.reserved_length, c.allocated_length, c.used_length, c.accelerator, c.reserved_time, c.allocated_time, c.used_time
		FROM change AS c
		WHERE c.rollup = '_utilization_daily'
		%3$s
		RETURNING t.ctid AS row, t.length
	), in_fleet_hours AS (
		INSERT INTO compute_ledger._fleet_hourly AS t (region, hour, length, reserved_length, allocated_length, used_length, capacity_length, unknown_length, accelerator,
			reserved_time, allocated_time, used_time, capacity_time)
		SELECT c.region, c.hour, c.length, c.reserved_length, c.allocated_length, c.used_length, c.capacity_length, c.unknown_length, c.accelerator,
			c.reserved_time, c.allocated_time, c.used_time, c.capacity_time
		FROM change AS c
		WHERE c.rollup = '_fleet_hourly'
		%4$s
		RETURNING t.ctid AS row, t.length + t.capacity_length AS length
	), in_fleet_days AS (
		INSERT INTO compute_ledger._fleet_daily AS t (region, day, length, reserved_length, allocated_length, used_length, capacity_length, unknown_length, accelerator,
			reserved_time, allocated_time, used_time, capacity_time)
		SELECT c.region, c.day, c.length, c.reserved_length, c.allocated_length, c.used_length, c.capacity_length, c.unknown_length, c.accelerator,
			c.reserved_time, c.allocated_time, c.used_time, c.capacity_time
		FROM change AS c
		WHERE c.rollup = '_fleet_daily'
		%5$s
		RETURNING t.ctid AS row, t.length + t.capacity_length AS length
	), in_months AS (
		INSERT INTO compute_ledger._usage_monthly AS t (payer, region, month, length, reserved_length, allocated_length, used_length, accelerator, reserved_time, allocated_time, used_time)
		SELECT c.account, c.region, c.day, c.length, c.reserved_length, c.allocated_length, c.used_length, c.accelerator, c.reserved_time, c.allocated_time, c.used_time
		FROM change AS c
		WHERE c.rollup = '_usage_monthly'
		%6$s
		RETURNING t.ctid AS row, t.length
	), in_capacity AS (
		INSERT INTO compute_ledger._capacity_monthly AS t (region, month, length, unknown, accelerator, device_time)
		SELECT c.region, c.day, c.capacity_length, c.unknown_length, c.accelerator, c.capacity_time
		FROM change AS c
		WHERE c.rollup = '_capacity_monthly'
		%7$s
		RETURNING t.ctid AS row, t.length
	)
	SELECT (SELECT array_agg(r.row) FROM in_hours AS r WHERE r.length = 0), (SELECT array_agg(r.row) FROM in_days AS r WHERE r.length = 0),
		(SELECT array_agg(r.row) FROM in_utilization AS r WHERE r.length = 0), (SELECT array_agg(r.row) FROM in_fleet_hours AS r WHERE r.length = 0),
		(SELECT array_agg(r.row) FROM in_fleet_days AS r WHERE r.length = 0), (SELECT array_agg(r.row) FROM in_months AS r WHERE r.length = 0),
		(SELECT array_agg(r.row) FROM in_capacity AS r WHERE r.length = 0)
	$q$, VARIADIC adding)
	INTO hours, days, utilized, fleet_hours, fleet_days, months, capacities
	USING compute_ledger._changed_records(before, false, moves), before, upto, moves, purpose;
	PERFORM compute_ledger._drop_rows('compute_ledger._usage_hourly', hours), compute_ledger._drop_rows('compute_ledger._usage_daily', days),
		compute_ledger._drop_rows('compute_ledger._utilization_daily', utilized), compute_ledger._drop_rows('compute_ledger._fleet_hourly', fleet_hours),
		compute_ledger._drop_rows('compute_ledger._fleet_daily', fleet_days), compute_ledger._drop_rows('compute_ledger._usage_monthly', months),
		compute_ledger._drop_rows('compute_ledger._capacity_monthly', capacities);
END
$$;
COMMENT ON FUNCTION _add_usage(timestamptz, timestamptz, text) IS 'part of refresh_rollups(): adds to the rollups of usage and utilization what has changed between two recorded times, or corrects what they say, as _usage_sums() gives it for a purpose';

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
	EXECUTE format($q$
	WITH change AS (
		INSERT INTO compute_ledger._unused_hourly AS t (account, region, basis, hour, length, shared, rated, accelerator, device_time, work)
		SELECT c.account, c.region, c.basis, c.hour, c.length, c.shared, c.rated, c.accelerator, c.device_time, c.work
		FROM compute_ledger._unused_change($1, $2) AS c
		%s
		RETURNING t.ctid AS row, t.account, t.region, t.accelerator, (t.hour AT TIME ZONE 'UTC')::date AS day, t.length
	), touched AS (
		SELECT DISTINCT c.account, c.region, c.accelerator, c.day FROM change AS c
	)
	SELECT (SELECT array_agg(c.row) FROM change AS c WHERE c.length = 0),
		array_agg(t.account), array_agg(t.region), array_agg(t.accelerator), array_agg(t.day)
	FROM touched AS t
	$q$, compute_ledger._adding('compute_ledger._unused_hourly'))
	INTO gone, accounts, regions, accelerators, days
	USING before, upto;
	IF accounts IS NULL THEN
		RETURN;
	END IF;
	PERFORM compute_ledger._drop_rows('compute_ledger._unused_hourly', gone);
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
	EXECUTE format($q$
	WITH change AS (
		INSERT INTO compute_ledger._spend_daily AS t (account, payer, region, day, charges, timed, listed, contracted, costed, accelerator, book, measure, kind, currency,
			device_time, list_cost, contracted_cost, cost)
		SELECT c.account, c.payer, c.region, c.day, c.charges, c.timed, c.listed, c.contracted, c.costed, c.accelerator, c.book, c.measure, c.kind, c.currency,
			c.device_time, c.list_cost, c.contracted_cost, c.cost
		FROM compute_ledger._spend_change($1, $2) AS c
		%s
		RETURNING t.ctid AS row, t.charges
	)
	SELECT array_agg(c.row) FILTER (WHERE c.charges = 0), count(*) > 0 FROM change AS c
	$q$, compute_ledger._adding('compute_ledger._spend_daily'))
	INTO gone, found
	USING before, upto;
	PERFORM compute_ledger._drop_rows('compute_ledger._spend_daily', gone);
	RETURN found;
END
$$;
COMMENT ON FUNCTION _add_spend(timestamptz, timestamptz) IS 'part of refresh_rollups(): adds to spend what was charged between two recorded times, and moves charges without a day of accounts that changed their zone; returns whether there was anything';

CREATE FUNCTION _rollup_parts(before timestamptz, known oid[], OUT parts oid[], OUT others boolean) RETURNS record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	parts := ARRAY(SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent = 'compute_ledger._usage_record'::regclass ORDER BY i.inhrelid);
	others := NOT parts @> known OR NOT known @> parts
		AND EXISTS (SELECT FROM compute_ledger._usage_record AS u WHERE u.tableoid = ANY (parts) AND u.tableoid <> ALL (known) AND u.recorded <= before);
END
$$;
COMMENT ON FUNCTION _rollup_parts(timestamptz, oid[]) IS 'part of refresh_rollups(): the partitions of usage_record, and whether, of those that were known, one was detached, or another one has records from before';

CREATE FUNCTION _keep_rollups(before timestamptz, upto timestamptz, concurrent boolean) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	spent boolean;
BEGIN
	IF before > '-infinity' THEN
		PERFORM compute_ledger._change_rollup_zones(before, upto);
		PERFORM compute_ledger._add_usage(before, upto, 'add');
	ELSIF concurrent THEN
		DELETE FROM compute_ledger._rollup_zone;
		PERFORM compute_ledger._change_rollup_zones(before, upto);
		PERFORM compute_ledger._add_usage(before, upto, 'correct');
		DELETE FROM compute_ledger._spend_daily;
		DELETE FROM compute_ledger._unused_hourly;
		UPDATE compute_ledger._utilization_daily AS u SET unused_time = NULL, unused_work = NULL WHERE u.unused_time IS NOT NULL OR u.unused_work IS NOT NULL;
		UPDATE compute_ledger._fleet_hourly AS f SET unused_time = NULL, unused_work = NULL WHERE f.unused_time IS NOT NULL OR f.unused_work IS NOT NULL;
		UPDATE compute_ledger._fleet_daily AS f SET unused_time = NULL, unused_work = NULL WHERE f.unused_time IS NOT NULL OR f.unused_work IS NOT NULL;
	ELSE
		TRUNCATE compute_ledger._usage_hourly, compute_ledger._usage_daily, compute_ledger._unused_hourly, compute_ledger._utilization_daily, compute_ledger._fleet_hourly,
			compute_ledger._fleet_daily, compute_ledger._usage_monthly, compute_ledger._capacity_monthly, compute_ledger._spend_daily, compute_ledger._rollup_zone;
		PERFORM compute_ledger._change_rollup_zones(before, upto);
		PERFORM compute_ledger._fill_usage(compute_ledger._changed_records(before, false), before, upto, '{}');
	END IF;
	PERFORM compute_ledger._add_unused(before, upto);
	spent := compute_ledger._add_spend(before, upto);
	DELETE FROM compute_ledger._rollup_zone AS z WHERE NOT z."is";
	UPDATE compute_ledger._rollup_zone AS z SET was = true WHERE NOT z.was;
	RETURN spent OR before = '-infinity';
END
$$;
COMMENT ON FUNCTION _keep_rollups(timestamptz, timestamptz, boolean) IS 'part of refresh_rollups(): makes tables that show the rollups as of one recorded time (-infinity: whatever they show) show them as of another, and returns whether there may be other charges';

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
	spent boolean := true;
	rollup text;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF as_of = '-infinity' THEN
		PERFORM compute_ledger._refuse('22023', 'rollups are of what was recorded up to a finite time',
			hint => 'NULL stands for the ledger''s watermark.');
	END IF;
	-- one at a time, and the watermark only when it is our turn
	SELECT s.as_of, s.parts INTO before, known FROM compute_ledger.rollup_state AS s FOR UPDATE;
	IF NOT FOUND THEN
		INSERT INTO compute_ledger.rollup_state DEFAULT VALUES RETURNING rollup_state.as_of, rollup_state.parts INTO before, known;
	END IF;
	watermark := compute_ledger._ledger_watermark();
	IF as_of > watermark THEN
		PERFORM compute_ledger._refuse('LC012', format('as_of %s is beyond the ledger''s watermark %s', as_of, watermark),
			detail => 'Something may yet be recorded before it.');
	END IF;
	IF EXISTS (SELECT FROM pg_subscription_rel AS r WHERE r.srrelid = 'compute_ledger.rollup_state'::regclass) THEN
		-- the tables are kept where they come from
		upto := before;
	ELSE
		upto := coalesce(as_of, watermark);
		SELECT p.parts, p.others INTO now_parts, others FROM compute_ledger._rollup_parts(before, known) AS p;
		spent := compute_ledger._keep_rollups(CASE WHEN others OR upto < before OR NOT concurrent THEN '-infinity' ELSE before END, upto,
			-- what has no rows is filled faster than it is compared
			concurrent AND pg_relation_size('compute_ledger._usage_hourly') > 0);
		UPDATE compute_ledger.rollup_state AS s
		SET as_of = upto, parts = now_parts, refreshed_at = clock_timestamp(), refreshed_by = session_user;
		PERFORM compute_ledger._share_closings(others);
	END IF;
	-- what has no rows, or was restored without, is filled faster than it is compared
	FOREACH rollup IN ARRAY '{_utilization_monthly,_spend_monthly}'::text[] LOOP
		PERFORM compute_ledger._refresh_rollup(rollup, concurrent AND c.relispopulated AND pg_relation_size(c.oid) > 0)
		FROM pg_class AS c
		-- charges come with closings only
		WHERE c.oid = format('compute_ledger.%I', rollup)::regclass AND (rollup <> '_spend_monthly' OR spent OR NOT c.relispopulated);
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
COMMENT ON FUNCTION refresh_rollups(timestamptz, boolean) IS 'brings usage_hourly, usage_daily, utilization_hourly, utilization_daily, spend_daily and their months to what was recorded up to as_of, by default ledger_watermark(), and returns that. What was recorded, or ceased to count, since the last refresh is added and taken away; everything is computed anew for an as_of before the last one, the first time, after a partition of usage_record was detached or attached, and where concurrent is false. On a logical replica of the rollups, which come with the tables, only the months are made. They are read while it runs, unless concurrent is false, which is faster where everything is computed. Errors: 22023 as_of is -infinity; LC012 as_of beyond the watermark, infinity included; 55000 no ledger.';
