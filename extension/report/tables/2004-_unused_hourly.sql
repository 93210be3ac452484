-- Of each reservation, at every instant, reserved = drawn + unused: drawn is the most that usage of one measure that names it is, as far as it is
-- reserved.  Rating draws alike, in books that have a price for it.
CREATE MATERIALIZED VIEW compute_ledger._unused_hourly AS
WITH state AS MATERIALIZED (
	SELECT s.as_of FROM compute_ledger.rollup_state AS s
), merged AS MATERIALIZED (
	SELECT t.account, t.ancestor AS target, t.valid
	FROM compute_ledger._account_tree((SELECT s.as_of FROM state AS s)) AS t
	WHERE t.depth = 0 AND t.ancestor <> t.account
), record AS MATERIALIZED (
	-- usage is its account's at the time: of a merged one, that of the one it was merged into
	SELECT u.reservation, u.source = 'compute_ledger' AS own, u.measure, o.account, u.region, u.accelerator, u.devices, u.share, u.rate, o.period
	FROM compute_ledger.usage_record AS u
	CROSS JOIN LATERAL (SELECT tstzrange(u.started_at, least(u.ended_at, (SELECT s.as_of FROM state AS s))) AS period) AS r
	CROSS JOIN LATERAL (
		SELECT u.account, unnest(tstzmultirange(r.period) - coalesce((SELECT range_agg(m.valid) FROM merged AS m WHERE m.account = u.account), '{}')) AS period
		UNION ALL
		SELECT m.target, m.valid * r.period FROM merged AS m WHERE m.account = u.account AND m.valid && r.period
	) AS o
	-- what gives way to others is kept from nobody
	WHERE u.reservation IS NOT NULL AND u.measure NOT IN ('forgone', 'preemptible')
		AND u.recorded <= (SELECT s.as_of FROM state AS s) AND u.superseded > (SELECT s.as_of FROM state AS s) AND u.started_at < (SELECT s.as_of FROM state AS s)
), drawn AS MATERIALIZED (
	SELECT d.reservation, compute_ledger.sum(d.profile) FILTER (WHERE d.measure = 'allocated') AS allocated, compute_ledger.sum(d.profile) FILTER (WHERE d.measure = 'used') AS used
	FROM (
		SELECT r.reservation, u.measure, compute_ledger.device_profile(r.period * u.period, u.devices) AS profile
		FROM record AS r JOIN record AS u ON u.reservation = r.reservation
		WHERE r.own AND NOT u.own AND u.account = r.account AND u.region = r.region AND r.accelerator OPERATOR(compute_ledger.@>) u.accelerator
			AND u.share IS NOT DISTINCT FROM r.share AND u.period && r.period
		GROUP BY r.reservation, u.measure
	) AS d
	GROUP BY d.reservation
), unused AS (
	SELECT r.account, r.region, r.accelerator, r.share, r.rate, r.period, r.devices
	FROM record AS r
	WHERE r.own AND NOT EXISTS (SELECT FROM drawn AS d WHERE d.reservation = r.reservation)
	UNION ALL
	SELECT r.account, r.region, r.accelerator, r.share, r.rate, r.period * s.period, s.level
	FROM (
		SELECT o.reservation, compute_ledger.device_profile(o.period, o.devices) AS profile
		FROM record AS o
		WHERE o.own AND o.reservation IN (SELECT d.reservation FROM drawn AS d)
		GROUP BY o.reservation
	) AS w
	JOIN drawn AS d ON d.reservation = w.reservation
	-- the larger of the two: the one, and what the other is above it
	CROSS JOIN LATERAL (SELECT coalesce(d.allocated, '{}') AS one, coalesce(d.used, '{}') AS other) AS v
	CROSS JOIN LATERAL compute_ledger.steps(w.profile OPERATOR(compute_ledger.-) (v.one OPERATOR(compute_ledger.+)
		coalesce(compute_ledger._above_zero(v.other OPERATOR(compute_ledger.-) v.one), '{}'))) AS s
	JOIN record AS r ON r.reservation = w.reservation AND r.own AND r.period && s.period
	WHERE s.level > 0
)
SELECT g.account, g.region, g.accelerator, c.hour, c.device_time, c.work
FROM (
	SELECT u.account, u.region, compute_ledger.accelerator_trunc('memory', u.accelerator) AS accelerator,
		compute_ledger._usage_cells(lower(u.period), upper(u.period), lower(u.period), upper(u.period), 'UTC', u.devices, u.share, u.rate, NULL, NULL) AS cells
	FROM unused AS u
	GROUP BY u.account, u.region, compute_ledger.accelerator_trunc('memory', u.accelerator)
) AS g, unnest(g.cells) AS c;
COMMENT ON MATERIALIZED VIEW compute_ledger._unused_hourly IS 'what is reserved and not drawn, by hours of UTC, of all accounts: device time in 1/1,680,000 device x microsecond, and its work at the rate that the records of the reservations have; of MIG slices, the device; part of utilization_daily and utilization_hourly';

CREATE UNIQUE INDEX _unused_hourly_key ON compute_ledger._unused_hourly (account, region, accelerator, hour);
