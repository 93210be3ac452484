-- Checks of the rollups: all of them computed anew, as of their last refresh.

CREATE FUNCTION _check_rollups(since timestamptz DEFAULT '-infinity') RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	at timestamptz := (SELECT s.as_of FROM compute_ledger.rollup_state AS s);
	starts timestamptz := '-infinity';
	ends timestamptz := 'infinity';
	moved bigint[];
BEGIN
	IF at IS NULL THEN
		RETURN QUERY SELECT 'rollup state', 'rollup_state', 'has no row';
		RETURN;
	END IF;
	RETURN QUERY
	SELECT 'rollup not filled', substr(c.relname, 2), 'has to be refreshed'
	FROM pg_class AS c
	WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind = 'm' AND NOT c.relispopulated AND c.relname IN ('_utilization_monthly', '_spend_monthly');
	IF at = '-infinity' THEN
		RETURN;
	END IF;

	-- Whose usage is whose, and in which days.
	RETURN QUERY
	SELECT 'rollup zones', 'account ' || z.account, 'counts for another account or payer, or in other days, than was known'
	FROM (
		SELECT o.account, o.owner, o.payer, o.time_zone, o.since, o.until, CASE WHEN o.was AND o."is" THEN 1 ELSE 2 END AS sign FROM compute_ledger._rollup_zone AS o
		UNION ALL
		SELECT n.account, n.owner, n.payer, n.time_zone, n.since, n.until, -1 FROM compute_ledger._rollup_zones(at) AS n
		-- an account that was made since has no usage yet
		WHERE n.account IN (SELECT k.account FROM compute_ledger._rollup_zone AS k) OR n.account IN (SELECT v.account FROM compute_ledger.account_version AS v WHERE v.recorded @> at)
	) AS z
	GROUP BY z.account, z.owner, z.payer, z.time_zone, z.since, z.until
	HAVING sum(z.sign) <> 0;
	IF FOUND THEN
		RETURN;
	END IF;

	-- The months in which usage or capacity has changed.
	IF since > '-infinity' THEN
		moved := ARRAY(
			SELECT DISTINCT z.account
			FROM (
				SELECT o.account, o.owner, o.payer, o.time_zone, o.since, o.until FROM compute_ledger._rollup_zone AS o
				UNION ALL
				SELECT n.account, n.owner, n.payer, n.time_zone, n.since, n.until FROM compute_ledger._rollup_zones(since) AS n
			) AS z
			GROUP BY z.account, z.owner, z.payer, z.time_zone, z.since, z.until
			HAVING count(*) = 1);
		SELECT date_trunc('month', min(c.starts), 'UTC') - interval '1 day', date_trunc('month', max(c.ends), 'UTC') + interval '1 month 1 day' INTO starts, ends
		FROM (
			-- what goes on
			SELECT least(since, at) AS starts, at AS ends
			UNION ALL
			SELECT u.started_at, least(u.ended_at, at) FROM compute_ledger._changed_usage(since) AS u WHERE u.started_at < at
			UNION ALL
			SELECT u.started_at, least(u.ended_at, at) FROM compute_ledger.usage_record AS u WHERE u.account = ANY (moved) AND u.started_at < at
			UNION ALL
			SELECT lower(k.valid), least(upper(k.valid), at) FROM compute_ledger.capacity AS k WHERE lower(k.recorded) > since OR upper(k.recorded) > since
		) AS c;
		-- what is used last may count in the month after, where days begin earlier
		IF ends > at THEN
			ends := 'infinity';
		END IF;
	END IF;

	-- The hours are the records, and so are the months by who pays; days, utilization and all accounts together are the hours, and capacity what the table says.
	BEGIN
	RETURN QUERY
	WITH wrong AS MATERIALIZED (
		SELECT s.* FROM compute_ledger._usage_sums(compute_ledger._changed_records('-infinity', since > '-infinity'), '-infinity', at, '{}', 'check', starts, ends) AS s
	)
	SELECT 'usage_hourly', format('account %s, region %s, %s, %s, basis %s', w.account, w.region, w.accelerator, w.measure, w.basis),
		format('%s hours from %s on are not what the records say: device time is %s, of the records %s', count(*), min(w.hour), coalesce(sum(h.device_time), 0), coalesce(sum(h.device_time), 0) - coalesce(sum(w.device_time), 0))
	FROM wrong AS w
	LEFT JOIN compute_ledger._usage_hourly AS h ON h.account = w.account AND h.hour = w.hour AND h.region = w.region AND h.accelerator OPERATOR(compute_ledger.=) w.accelerator
		AND h.measure = w.measure AND h.basis = w.basis AND h.day = w.day
	WHERE w.rollup = '_usage_hourly'
	GROUP BY w.account, w.region, w.accelerator, w.measure, w.basis
	UNION ALL
	SELECT 'utilization_monthly', format('payer %s, region %s, %s, %s', w.account, w.region, w.accelerator, w.day), 'is not what the records say'
	FROM wrong AS w
	-- the months that hours are in that are wrong are wrong, too
	WHERE w.rollup = '_usage_monthly' AND NOT EXISTS (SELECT FROM wrong AS h WHERE h.rollup = '_usage_hourly')
	UNION ALL
	SELECT 'usage_daily', format('account %s, region %s, %s, %s, basis %s, %s', w.account, w.region, w.accelerator, w.measure, w.basis, w.day), 'is not the sum of its hours'
	FROM wrong AS w
	WHERE w.rollup = '_usage_daily'
	UNION ALL
	SELECT CASE w.rollup WHEN '_fleet_hourly' THEN 'utilization_hourly' ELSE 'utilization_daily' END,
		format('account %s, region %s, %s, %s', coalesce(w.account::text, 'any'), w.region, w.accelerator, coalesce(w.hour::text, w.day::text)), 'is not the sum of its hours'
	FROM wrong AS w
	WHERE w.rollup IN ('_utilization_daily', '_fleet_daily', '_fleet_hourly')
		AND (w.length <> 0 OR w.reserved_length <> 0 OR w.allocated_length <> 0 OR w.used_length <> 0 OR w.reserved_time <> 0 OR w.allocated_time <> 0 OR w.used_time <> 0)
	UNION ALL
	SELECT 'capacity in utilization', format('region %s, %s, %s', w.region, w.accelerator, coalesce(w.hour::text, w.day::text)), 'is not what table capacity says'
	FROM wrong AS w
	WHERE w.rollup IN ('_fleet_daily', '_fleet_hourly', '_capacity_monthly') AND (w.capacity_length <> 0 OR w.unknown_length <> 0 OR w.capacity_time <> 0);
	EXCEPTION WHEN numeric_value_out_of_range THEN
		RETURN QUERY SELECT 'usage_hourly', 'rollups', SQLERRM;
	END;

	RETURN QUERY SELECT * FROM compute_ledger._check_rollup_sums(at);
END
$$;
COMMENT ON FUNCTION _check_rollups(timestamptz) IS 'part of check_ledger(): the rollups against what they are sums of, as of their last refresh, usage by the hour against the records; where usage has changed since a recorded time';

CREATE FUNCTION _check_rollup_sums(at timestamptz) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_variable
BEGIN
	-- What is reserved and not drawn is what the records say.
	RETURN QUERY
	SELECT 'reserved and unused', format('account %s, region %s, %s, %s', s.account, s.region, s.accelerator, s.hour), 'is not what the records say'
	FROM (
		SELECT 1 AS sign, n.account, n.region, n.accelerator, n.basis, n.hour, n.device_time, n.work::numeric AS work, n.length, n.shared, n.rated FROM compute_ledger._unused_hourly AS n
		UNION ALL
		SELECT -1, c.account, c.region, c.accelerator, c.basis, c.hour, c.device_time, c.work::numeric, c.length, c.shared, c.rated FROM compute_ledger._unused_change('-infinity', at) AS c
	) AS s
	GROUP BY s.account, s.region, s.accelerator, s.basis, s.hour
	HAVING sum(s.sign * s.device_time) <> 0 OR sum(s.sign * s.work) <> 0 OR sum(s.sign * s.length) <> 0 OR sum(s.sign * s.shared) <> 0 OR sum(s.sign * s.rated) <> 0;
	-- Of what is reserved no more is unused than that, and what is not was drawn by usage that names a reservation.
	RETURN QUERY
	WITH side AS (
		SELECT r.region, compute_ledger.accelerator_trunc('memory', r.accelerator) AS accelerator, r.source = 'compute_ledger' AS own, false AS unused,
			compute_ledger._usage_level(r.devices, r.share)::numeric * (extract(epoch FROM least(r.ended_at, at) - r.started_at) * 1000000)::bigint AS device_time
		FROM compute_ledger.usage_record AS r
		WHERE r.reservation IS NOT NULL AND r.measure NOT IN ('forgone', 'preemptible') AND r.recorded <= at AND r.superseded > at AND r.started_at < at
		UNION ALL
		SELECT n.region, n.accelerator, false, true, n.device_time FROM compute_ledger._unused_hourly AS n
	), known AS (
		SELECT s.region, s.accelerator, coalesce(sum(s.device_time) FILTER (WHERE s.own), 0) AS reserved,
			coalesce(sum(s.device_time) FILTER (WHERE NOT s.own AND NOT s.unused), 0) AS taken, coalesce(sum(s.device_time) FILTER (WHERE s.unused), 0) AS unused
		FROM side AS s
		GROUP BY s.region, s.accelerator
	)
	SELECT 'reserved and unused', format('region %s, %s', k.region, k.accelerator), format('of %s device-hours that are reserved %s are unused, and %s of usage name reservations',
		compute_ledger._device_hours(k.reserved), compute_ledger._device_hours(k.unused), compute_ledger._device_hours(k.taken))
	FROM known AS k
	WHERE k.unused NOT BETWEEN k.reserved - k.taken AND k.reserved;

	-- In utilization, of accounts and of all together, it is the sum of its hours.
	RETURN QUERY
	WITH side AS (
		SELECT 1 AS sign, u.account, u.region, u.accelerator, u.day, NULL::timestamptz AS hour, u.unused_time, u.unused_work::numeric AS unused_work
		FROM compute_ledger._utilization_daily AS u
		UNION ALL
		SELECT 1, NULL, f.region, f.accelerator, f.day, NULL, f.unused_time, f.unused_work::numeric FROM compute_ledger._fleet_daily AS f
		UNION ALL
		SELECT 1, NULL, f.region, f.accelerator, (f.hour AT TIME ZONE 'UTC')::date, f.hour, f.unused_time, f.unused_work::numeric FROM compute_ledger._fleet_hourly AS f
		UNION ALL
		-- work is added up of one basis only
		SELECT -1, n.account, n.region, n.accelerator, (n.hour AT TIME ZONE 'UTC')::date, n.hour, sum(n.device_time) FILTER (WHERE n.shared > 0),
			CASE WHEN min(n.basis) FILTER (WHERE n.rated > 0) = max(n.basis) FILTER (WHERE n.rated > 0) THEN sum(n.work::numeric) FILTER (WHERE n.rated > 0) END
		FROM compute_ledger._unused_hourly AS n
		GROUP BY GROUPING SETS ((n.account, n.region, n.accelerator, (n.hour AT TIME ZONE 'UTC')::date), (n.region, n.accelerator, (n.hour AT TIME ZONE 'UTC')::date),
			(n.region, n.accelerator, (n.hour AT TIME ZONE 'UTC')::date, n.hour))
	)
	SELECT CASE WHEN u.hour IS NULL THEN 'utilization_daily' ELSE 'utilization_hourly' END,
		format('account %s, region %s, %s, %s', coalesce(u.account::text, 'any'), u.region, u.accelerator, coalesce(u.hour::text, u.day::text)), 'is not the sum of its hours'
	FROM side AS u
	WHERE u.unused_time IS NOT NULL OR u.unused_work IS NOT NULL
	GROUP BY u.account, u.region, u.accelerator, u.day, u.hour
	HAVING sum(u.sign * u.unused_time) <> 0 OR count(u.unused_time) = 1 OR sum(u.sign * u.unused_work) <> 0 OR count(u.unused_work) = 1;

	-- The spend is the charges.
	RETURN QUERY
	SELECT 'spend_daily', format('book %s, payer %s, account %s, %s, %s', s.book, s.payer, s.account, s.day, s.currency),
		format('cost is %s or %s', sum(s.cost) FILTER (WHERE s.sign > 0), sum(s.cost) FILTER (WHERE s.sign < 0))
	FROM (
		SELECT 1 AS sign, d.account, d.payer, d.region, d.day, d.accelerator, d.book, d.measure, d.kind, d.currency,
			d.charges, d.timed, d.listed, d.contracted, d.costed, d.device_time, d.list_cost, d.contracted_cost, d.cost
		FROM compute_ledger._spend_daily AS d
		UNION ALL
		SELECT -1, c.account, c.payer, c.region, c.day, c.accelerator, c.book, c.measure, c.kind, c.currency,
			c.charges, c.timed, c.listed, c.contracted, c.costed, c.device_time, c.list_cost, c.contracted_cost, c.cost
		FROM compute_ledger._spend_change('-infinity', at) AS c
	) AS s
	GROUP BY s.book, s.payer, s.account, s.region, s.accelerator, s.measure, s.kind, s.day, s.currency
	HAVING sum(s.sign * s.charges) <> 0 OR sum(s.sign * s.timed) <> 0 OR sum(s.sign * s.listed) <> 0 OR sum(s.sign * s.contracted) <> 0 OR sum(s.sign * s.costed) <> 0
		OR sum(s.sign * s.device_time) <> 0 OR sum(s.sign * s.list_cost) <> 0 OR sum(s.sign * s.contracted_cost) <> 0 OR sum(s.sign * s.cost) <> 0;
END
$$;
COMMENT ON FUNCTION _check_rollup_sums(timestamptz) IS 'part of _check_rollups(): what is reserved and not drawn, and spend, as of their last refresh';
