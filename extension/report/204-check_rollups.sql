-- Checks of the rollups: all of them computed anew, as of their last refresh.

CREATE FUNCTION _check_rollups() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	at timestamptz := (SELECT s.as_of FROM compute_ledger.rollup_state AS s);
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

	-- The hours are the records, and so are the months by who pays.
	RETURN QUERY
	WITH by_payer AS MATERIALIZED (
		SELECT c.account, c.payer, c.region, c.accelerator, c.measure, c.basis, c.hour, c.day, c.device_time, c.work::numeric AS work, c.achieved::numeric AS achieved, c.started, c.length, c.shared, c.rated, c.achieving
		FROM compute_ledger._usage_change('-infinity', at) AS c
	), hour AS (
		SELECT s.account, s.region, s.accelerator, s.measure, s.basis, s.hour, sum(s.device_time) FILTER (WHERE s.sign > 0) AS stored, sum(s.device_time) FILTER (WHERE s.sign < 0) AS said
		FROM (
			SELECT 1 AS sign, h.account, h.region, h.accelerator, h.measure, h.basis, h.hour, h.day, h.device_time, h.work::numeric AS work, h.achieved::numeric AS achieved, h.started, h.length, h.shared, h.rated, h.achieving
			FROM compute_ledger._usage_hourly AS h
			UNION ALL
			SELECT -1, c.account, c.region, c.accelerator, c.measure, c.basis, c.hour, c.day, c.device_time, c.work, c.achieved, c.started, c.length, c.shared, c.rated, c.achieving
			FROM by_payer AS c
		) AS s
		GROUP BY s.account, s.region, s.accelerator, s.measure, s.basis, s.hour, s.day
		HAVING sum(s.sign * s.device_time) <> 0 OR sum(s.sign * s.work) <> 0 OR sum(s.sign * s.achieved) <> 0 OR sum(s.sign * s.started) <> 0 OR sum(s.sign * s.length) <> 0
			OR sum(s.sign * s.shared) <> 0 OR sum(s.sign * s.rated) <> 0 OR sum(s.sign * s.achieving) <> 0
	)
	SELECT 'usage_hourly', format('account %s, region %s, %s, %s, basis %s', h.account, h.region, h.accelerator, h.measure, h.basis),
		format('%s hours from %s on are not what the records say: device time is %s, of the records %s', count(*), min(h.hour), coalesce(sum(h.stored), 0), coalesce(sum(h.said), 0))
	FROM hour AS h
	GROUP BY h.account, h.region, h.accelerator, h.measure, h.basis
	UNION ALL
	SELECT 'utilization_monthly', format('payer %s, region %s, %s, %s', m.payer, m.region, m.accelerator, m.month), 'is not what the records say'
	FROM (
		SELECT 1 AS sign, h.payer, h.region, h.accelerator, h.month, h.length, h.reserved_length, h.allocated_length, h.used_length, h.reserved_time, h.allocated_time, h.used_time
		FROM compute_ledger._usage_monthly AS h
		UNION ALL
		SELECT -1, c.payer, c.region, compute_ledger.accelerator_trunc('memory', c.accelerator), date_trunc('month', c.hour AT TIME ZONE 'UTC')::date, c.length,
			CASE c.measure WHEN 'reserved' THEN c.shared ELSE 0 END, CASE c.measure WHEN 'allocated' THEN c.shared ELSE 0 END, CASE c.measure WHEN 'used' THEN c.shared ELSE 0 END,
			CASE c.measure WHEN 'reserved' THEN c.device_time ELSE 0 END, CASE c.measure WHEN 'allocated' THEN c.device_time ELSE 0 END, CASE c.measure WHEN 'used' THEN c.device_time ELSE 0 END
		FROM by_payer AS c
	) AS m
	-- the months that they are in are wrong, too
	WHERE NOT EXISTS (SELECT FROM hour AS h)
	GROUP BY m.payer, m.region, m.accelerator, m.month
	HAVING sum(m.sign * m.length) <> 0 OR sum(m.sign * m.reserved_length) <> 0 OR sum(m.sign * m.allocated_length) <> 0 OR sum(m.sign * m.used_length) <> 0
		OR sum(m.sign * m.reserved_time) <> 0 OR sum(m.sign * m.allocated_time) <> 0 OR sum(m.sign * m.used_time) <> 0;

	RETURN QUERY SELECT * FROM compute_ledger._check_rollup_sums(at);
END
$$;
COMMENT ON FUNCTION _check_rollups() IS 'part of check_ledger(): the rollups against what they are sums of, as of their last refresh, usage by the hour against the records';

CREATE FUNCTION _check_rollup_sums(at timestamptz) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_variable
BEGIN
	-- The days are the hours.
	RETURN QUERY
	SELECT 'usage_daily', format('account %s, region %s, %s, %s, basis %s, %s', s.account, s.region, s.accelerator, s.measure, s.basis, s.day), 'is not the sum of its hours'
	FROM (
		SELECT 1 AS sign, d.account, d.region, d.accelerator, d.measure, d.basis, d.day, d.device_time, d.work::numeric AS work, d.achieved::numeric AS achieved, d.started, d.length, d.shared, d.rated, d.achieving
		FROM compute_ledger._usage_daily AS d
		UNION ALL
		SELECT -1, h.account, h.region, h.accelerator, h.measure, h.basis, h.day, h.device_time, h.work::numeric, h.achieved::numeric, h.started, h.length, h.shared, h.rated, h.achieving
		FROM compute_ledger._usage_hourly AS h
	) AS s
	GROUP BY s.account, s.region, s.accelerator, s.measure, s.basis, s.day
	HAVING sum(s.sign * s.device_time) <> 0 OR sum(s.sign * s.work) <> 0 OR sum(s.sign * s.achieved) <> 0 OR sum(s.sign * s.started) <> 0 OR sum(s.sign * s.length) <> 0
		OR sum(s.sign * s.shared) <> 0 OR sum(s.sign * s.rated) <> 0 OR sum(s.sign * s.achieving) <> 0;

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

	-- Utilization, of accounts and of all together, is its hours, and capacity what the table says.
	RETURN QUERY
	WITH hour AS MATERIALIZED (
		SELECT c.account, c.region, c.accelerator, c.hour, (c.hour AT TIME ZONE 'UTC')::date AS day, sum(c.length) AS length,
			coalesce(sum(c.shared) FILTER (WHERE c.measure = 'reserved'), 0) AS reserved_length, coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'reserved'), 0) AS reserved_time,
			coalesce(sum(c.shared) FILTER (WHERE c.measure = 'allocated'), 0) AS allocated_length, coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'allocated'), 0) AS allocated_time,
			coalesce(sum(c.shared) FILTER (WHERE c.measure = 'used'), 0) AS used_length, coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'used'), 0) AS used_time,
			sum(c.device_time) FILTER (WHERE c.measure = 'unused' AND c.shared > 0) AS unused_time, sum(c.work) AS unused_work, min(c.basis) AS low, max(c.basis) AS high
		FROM (
			SELECT h.account, h.region, compute_ledger.accelerator_trunc('memory', h.accelerator) AS accelerator, h.hour, h.measure, h.length, h.shared, h.device_time, NULL::numeric AS work, NULL::integer AS basis
			FROM compute_ledger._usage_hourly AS h
			UNION ALL
			SELECT n.account, n.region, n.accelerator, n.hour, 'unused', 0, n.shared, n.device_time, CASE WHEN n.rated > 0 THEN n.work::numeric END, CASE WHEN n.rated > 0 THEN n.basis END
			FROM compute_ledger._unused_hourly AS n
		) AS c
		GROUP BY c.account, c.region, c.accelerator, c.hour
	), capacity AS MATERIALIZED (
		SELECT c.region, c.accelerator, c.hour, (c.hour AT TIME ZONE 'UTC')::date AS day, c.device_time, c.length, c.unknown FROM compute_ledger._capacity_change('-infinity', at) AS c
	), sums AS (
		SELECT h.account, h.region, h.accelerator, h.day, NULL::timestamptz AS hour, sum(h.length) AS length, sum(h.reserved_length) AS reserved_length, sum(h.reserved_time) AS reserved_time,
			sum(h.allocated_length) AS allocated_length, sum(h.allocated_time) AS allocated_time, sum(h.used_length) AS used_length, sum(h.used_time) AS used_time,
			sum(h.unused_time) AS unused_time, CASE WHEN min(h.low) = max(h.high) THEN sum(h.unused_work) END AS unused_work
		FROM hour AS h
		GROUP BY h.account, h.region, h.accelerator, h.day
		UNION ALL
		SELECT NULL, h.region, h.accelerator, h.day, h.hour, sum(h.length), sum(h.reserved_length), sum(h.reserved_time), sum(h.allocated_length), sum(h.allocated_time), sum(h.used_length), sum(h.used_time),
			sum(h.unused_time), CASE WHEN min(h.low) = max(h.high) THEN sum(h.unused_work) END
		FROM hour AS h
		GROUP BY GROUPING SETS ((h.region, h.accelerator, h.day), (h.region, h.accelerator, h.day, h.hour))
	), side AS (
		SELECT 1 AS sign, u.account, u.region, u.accelerator, u.day, NULL::timestamptz AS hour, u.length, u.reserved_length, u.reserved_time, u.allocated_length, u.allocated_time, u.used_length, u.used_time,
			u.unused_time, u.unused_work::numeric AS unused_work
		FROM compute_ledger._utilization_daily AS u
		UNION ALL
		SELECT 1, NULL, f.region, f.accelerator, f.day, NULL, f.length, f.reserved_length, f.reserved_time, f.allocated_length, f.allocated_time, f.used_length, f.used_time, f.unused_time, f.unused_work::numeric
		FROM compute_ledger._fleet_daily AS f
		UNION ALL
		SELECT 1, NULL, f.region, f.accelerator, (f.hour AT TIME ZONE 'UTC')::date, f.hour, f.length, f.reserved_length, f.reserved_time, f.allocated_length, f.allocated_time, f.used_length, f.used_time,
			f.unused_time, f.unused_work::numeric
		FROM compute_ledger._fleet_hourly AS f
		UNION ALL
		SELECT -1, s.account, s.region, s.accelerator, s.day, s.hour, s.length, s.reserved_length, s.reserved_time, s.allocated_length, s.allocated_time, s.used_length, s.used_time, s.unused_time, s.unused_work
		FROM sums AS s
	)
	SELECT CASE WHEN u.hour IS NULL THEN 'utilization_daily' ELSE 'utilization_hourly' END,
		format('account %s, region %s, %s, %s', coalesce(u.account::text, 'any'), u.region, u.accelerator, coalesce(u.hour::text, u.day::text)), 'is not the sum of its hours'
	FROM side AS u
	GROUP BY u.account, u.region, u.accelerator, u.day, u.hour
	HAVING sum(u.sign * u.length) <> 0 OR sum(u.sign * u.reserved_length) <> 0 OR sum(u.sign * u.reserved_time) <> 0 OR sum(u.sign * u.allocated_length) <> 0 OR sum(u.sign * u.allocated_time) <> 0
		OR sum(u.sign * u.used_length) <> 0 OR sum(u.sign * u.used_time) <> 0 OR sum(u.sign * u.unused_time) <> 0 OR count(u.unused_time) = 1
		OR sum(u.sign * u.unused_work) <> 0 OR count(u.unused_work) = 1
	UNION ALL
	SELECT 'capacity in utilization',
		format('region %s, %s, %s', f.region, f.accelerator, coalesce(f.hour::text, f.day::text, f.month::text)), 'is not what table capacity says'
	FROM (
		SELECT p.region, p.accelerator, p.month, p.day, p.hour, sum(p.sign * p.device_time) AS device_time, sum(p.sign * p.length) AS length, sum(p.sign * p.unknown) AS unknown
		FROM (
			SELECT 1 AS sign, c.region, c.accelerator, NULL::date AS month, NULL::date AS day, c.hour, c.device_time, c.length, c.unknown FROM capacity AS c
			UNION ALL SELECT 1, c.region, c.accelerator, NULL, c.day, NULL, c.device_time, c.length, c.unknown FROM capacity AS c
			UNION ALL SELECT 1, c.region, c.accelerator, date_trunc('month', c.day::timestamp)::date, NULL, NULL, c.device_time, c.length, c.unknown FROM capacity AS c
			UNION ALL SELECT -1, h.region, h.accelerator, NULL, NULL, h.hour, h.capacity_time, h.capacity_length, h.unknown_length FROM compute_ledger._fleet_hourly AS h
			UNION ALL SELECT -1, d.region, d.accelerator, NULL, d.day, NULL, d.capacity_time, d.capacity_length, d.unknown_length FROM compute_ledger._fleet_daily AS d
			UNION ALL SELECT -1, m.region, m.accelerator, m.month, NULL, NULL, m.device_time, m.length, m.unknown FROM compute_ledger._capacity_monthly AS m
		) AS p
		GROUP BY p.region, p.accelerator, p.month, p.day, p.hour
	) AS f
	WHERE f.device_time <> 0 OR f.length <> 0 OR f.unknown <> 0;

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
COMMENT ON FUNCTION _check_rollup_sums(timestamptz) IS 'part of _check_rollups(): rollups by the day against those by the hour, what is unused, capacity and charges, as of their last refresh';
