-- Checks of the rollups: all of them computed anew, as of their last refresh.

CREATE FUNCTION _check_rollups() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
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
	SELECT 'rollup zones', 'account ' || coalesce(z.account, n.account), 'counts for another account or payer, or in other days, than was known'
	FROM compute_ledger._rollup_zone AS z
	FULL JOIN compute_ledger._rollup_zones(at) AS n ON n.account = z.account AND n.owner = z.owner AND n.payer = z.payer AND n.time_zone = z.time_zone AND n.since = z.since AND n.until = z.until
	WHERE z.account IS NULL OR n.account IS NULL OR NOT z.was OR NOT z."is"
	GROUP BY coalesce(z.account, n.account);
	IF FOUND THEN
		RETURN;
	END IF;

	-- The hours are the records, and so are the months by who pays.
	RETURN QUERY
	WITH by_payer AS MATERIALIZED (
		SELECT c.account, c.payer, c.region, c.accelerator, c.measure, c.basis, c.hour, c.day, c.device_time, c.work::numeric AS work, c.achieved::numeric AS achieved, c.started, c.length, c.shared, c.rated, c.achieving
		FROM compute_ledger._usage_change('-infinity', at) AS c
	), hour AS (
		SELECT c.account, c.region, c.accelerator, c.measure, c.basis, c.hour, c.day, sum(c.device_time) AS device_time, sum(c.work) AS work, sum(c.achieved) AS achieved, sum(c.started) AS started,
			sum(c.length) AS length, sum(c.shared) AS shared, sum(c.rated) AS rated, sum(c.achieving) AS achieving
		FROM by_payer AS c
		GROUP BY c.account, c.region, c.accelerator, c.measure, c.basis, c.hour, c.day
	), month AS (
		SELECT c.payer, c.region, compute_ledger.accelerator_trunc('memory', c.accelerator) AS accelerator, date_trunc('month', c.hour AT TIME ZONE 'UTC')::date AS month, sum(c.length) AS length,
			coalesce(sum(c.shared) FILTER (WHERE c.measure = 'reserved'), 0) AS reserved_length, coalesce(sum(c.shared) FILTER (WHERE c.measure = 'allocated'), 0) AS allocated_length,
			coalesce(sum(c.shared) FILTER (WHERE c.measure = 'used'), 0) AS used_length, coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'reserved'), 0) AS reserved_time,
			coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'allocated'), 0) AS allocated_time, coalesce(sum(c.device_time) FILTER (WHERE c.measure = 'used'), 0) AS used_time
		FROM by_payer AS c
		GROUP BY c.payer, c.region, compute_ledger.accelerator_trunc('memory', c.accelerator), date_trunc('month', c.hour AT TIME ZONE 'UTC')::date
	)
	SELECT 'usage_hourly', format('account %s, region %s, %s, %s, basis %s', coalesce(h.account, r.account), coalesce(h.region, r.region), coalesce(h.accelerator, r.accelerator),
			coalesce(h.measure, r.measure), coalesce(h.basis, r.basis)),
		format('%s hours from %s on are not what the records say: device time is %s, of the records %s', count(*), min(coalesce(h.hour, r.hour)), coalesce(sum(h.device_time), 0), coalesce(sum(r.device_time), 0))
	FROM compute_ledger._usage_hourly AS h
	FULL JOIN hour AS r ON r.account = h.account AND r.region = h.region AND r.accelerator OPERATOR(compute_ledger.=) h.accelerator AND r.measure = h.measure AND r.basis = h.basis AND r.hour = h.hour AND r.day = h.day
	WHERE (h.device_time, h.started, h.length, h.shared, h.rated, h.achieving) IS DISTINCT FROM (r.device_time, r.started, r.length, r.shared, r.rated, r.achieving)
		OR coalesce(h.work::numeric, 0) <> coalesce(r.work, 0) OR coalesce(h.achieved::numeric, 0) <> coalesce(r.achieved, 0)
	GROUP BY coalesce(h.account, r.account), coalesce(h.region, r.region), coalesce(h.accelerator, r.accelerator), coalesce(h.measure, r.measure), coalesce(h.basis, r.basis)
	UNION ALL
	SELECT 'utilization_monthly', format('payer %s, region %s, %s, %s', coalesce(h.payer, r.payer), coalesce(h.region, r.region), coalesce(h.accelerator, r.accelerator), coalesce(h.month, r.month)),
		'is not what the records say'
	FROM compute_ledger._usage_monthly AS h
	FULL JOIN month AS r ON r.payer = h.payer AND r.region = h.region AND r.accelerator OPERATOR(compute_ledger.=) h.accelerator AND r.month = h.month
	WHERE (h.length, h.reserved_length, h.allocated_length, h.used_length, h.reserved_time, h.allocated_time, h.used_time)
		IS DISTINCT FROM (r.length, r.reserved_length, r.allocated_length, r.used_length, r.reserved_time, r.allocated_time, r.used_time);

	RETURN QUERY SELECT * FROM compute_ledger._check_rollup_sums(at);
END
$$;
COMMENT ON FUNCTION _check_rollups() IS 'part of check_ledger(): the rollups against what they are sums of, as of their last refresh, usage by the hour against the records';

CREATE FUNCTION _check_rollup_sums(at timestamptz) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	-- The days are the hours.
	RETURN QUERY
	SELECT 'usage_daily', format('account %s, region %s, %s, %s, basis %s, %s', coalesce(d.account, h.account), coalesce(d.region, h.region), coalesce(d.accelerator, h.accelerator),
		coalesce(d.measure, h.measure), coalesce(d.basis, h.basis), coalesce(d.day, h.day)), 'is not the sum of its hours'
	FROM compute_ledger._usage_daily AS d
	FULL JOIN (
		SELECT c.account, c.region, c.accelerator, c.measure, c.basis, c.day, sum(c.device_time) AS device_time, sum(c.work::numeric) AS work, sum(c.achieved::numeric) AS achieved, sum(c.started) AS started,
			sum(c.length) AS length, sum(c.shared) AS shared, sum(c.rated) AS rated, sum(c.achieving) AS achieving
		FROM compute_ledger._usage_hourly AS c
		GROUP BY c.account, c.region, c.accelerator, c.measure, c.basis, c.day
	) AS h ON h.account = d.account AND h.region = d.region AND h.accelerator OPERATOR(compute_ledger.=) d.accelerator AND h.measure = d.measure AND h.basis = d.basis AND h.day = d.day
	WHERE (d.device_time, d.started, d.length, d.shared, d.rated, d.achieving) IS DISTINCT FROM (h.device_time, h.started, h.length, h.shared, h.rated, h.achieving)
		OR coalesce(d.work::numeric, 0) <> coalesce(h.work, 0) OR coalesce(d.achieved::numeric, 0) <> coalesce(h.achieved, 0);

	-- What is reserved and not drawn is what the records say.
	RETURN QUERY
	SELECT 'reserved and unused', format('account %s, region %s, %s, %s', coalesce(n.account, c.account), coalesce(n.region, c.region), coalesce(n.accelerator, c.accelerator), coalesce(n.hour, c.hour)),
		'is not what the records say'
	FROM compute_ledger._unused_hourly AS n
	FULL JOIN compute_ledger._unused_change('-infinity', at) AS c
		ON c.account = n.account AND c.region = n.region AND c.accelerator OPERATOR(compute_ledger.=) n.accelerator AND c.basis = n.basis AND c.hour = n.hour
	WHERE (n.device_time, n.length, n.shared, n.rated) IS DISTINCT FROM (c.device_time, c.length, c.shared, c.rated) OR coalesce(n.work::numeric, 0) <> coalesce(c.work::numeric, 0);
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
	), stored AS (
		SELECT u.account, u.region, u.accelerator, u.day, NULL::timestamptz AS hour, u.length, u.reserved_length, u.reserved_time, u.allocated_length, u.allocated_time, u.used_length, u.used_time,
			u.unused_time, u.unused_work::numeric AS unused_work
		FROM compute_ledger._utilization_daily AS u
		UNION ALL
		SELECT NULL, f.region, f.accelerator, f.day, NULL, f.length, f.reserved_length, f.reserved_time, f.allocated_length, f.allocated_time, f.used_length, f.used_time, f.unused_time, f.unused_work::numeric
		FROM compute_ledger._fleet_daily AS f
		WHERE (f.length, f.reserved_length, f.reserved_time, f.allocated_length, f.allocated_time, f.used_length, f.used_time, coalesce(f.unused_time, 0)) <> (0, 0, 0, 0, 0, 0, 0, 0)
		UNION ALL
		SELECT NULL, f.region, f.accelerator, (f.hour AT TIME ZONE 'UTC')::date, f.hour, f.length, f.reserved_length, f.reserved_time, f.allocated_length, f.allocated_time, f.used_length, f.used_time,
			f.unused_time, f.unused_work::numeric
		FROM compute_ledger._fleet_hourly AS f
		WHERE (f.length, f.reserved_length, f.reserved_time, f.allocated_length, f.allocated_time, f.used_length, f.used_time, coalesce(f.unused_time, 0)) <> (0, 0, 0, 0, 0, 0, 0, 0)
	)
	SELECT CASE WHEN coalesce(u.hour, s.hour) IS NULL THEN 'utilization_daily' ELSE 'utilization_hourly' END,
		format('account %s, region %s, %s, %s', coalesce(u.account, s.account, 0), coalesce(u.region, s.region), coalesce(u.accelerator, s.accelerator), coalesce(u.hour::text, s.hour::text, u.day::text, s.day::text)),
		'is not the sum of its hours'
	FROM stored AS u
	FULL JOIN sums AS s ON coalesce(s.account, 0) = coalesce(u.account, 0) AND s.region = u.region AND s.accelerator OPERATOR(compute_ledger.=) u.accelerator AND s.day = u.day
		AND coalesce(s.hour, 'infinity') = coalesce(u.hour, 'infinity')
	WHERE (u.length, u.reserved_length, u.reserved_time, u.allocated_length, u.allocated_time, u.used_length, u.used_time, u.unused_time, u.unused_work)
		IS DISTINCT FROM (s.length, s.reserved_length, s.reserved_time, s.allocated_length, s.allocated_time, s.used_length, s.used_time, s.unused_time, s.unused_work)
	UNION ALL
	SELECT CASE WHEN f.hour IS NOT NULL THEN 'capacity in utilization_hourly' WHEN f.day IS NOT NULL THEN 'capacity in utilization_daily' ELSE 'capacity in utilization_monthly' END,
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
	SELECT 'spend_daily', format('book %s, payer %s, account %s, %s, %s', coalesce(s.book, c.book), coalesce(s.payer, c.payer), coalesce(s.account, c.account), coalesce(s.day, c.day), coalesce(s.currency, c.currency, 'unpriced')),
		format('cost is %s or %s', s.cost, c.cost)
	FROM compute_ledger._spend_daily AS s
	FULL JOIN compute_ledger._spend_change('-infinity', at) AS c ON c.account = s.account AND c.day = s.day AND c.book = s.book AND c.payer = s.payer AND c.kind = s.kind AND c.currency = s.currency
		AND coalesce(c.region, 0) = coalesce(s.region, 0) AND coalesce(c.measure, '') = coalesce(s.measure, '') AND coalesce(c.accelerator::text, '') = coalesce(s.accelerator::text, '')
	WHERE (s.charges, s.timed, s.listed, s.contracted, s.costed, s.device_time, s.list_cost, s.contracted_cost, s.cost)
		IS DISTINCT FROM (c.charges, c.timed, c.listed, c.contracted, c.costed, c.device_time, c.list_cost, c.contracted_cost, c.cost);
END
$$;
COMMENT ON FUNCTION _check_rollup_sums(timestamptz) IS 'part of _check_rollups(): rollups by the day against those by the hour, what is unused, capacity and charges, as of their last refresh';
