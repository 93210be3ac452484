-- One pass.  Where no version of an account says what zone it is in, days are UTC.
CREATE MATERIALIZED VIEW compute_ledger._usage_hourly AS
WITH state AS MATERIALIZED (
	SELECT s.as_of FROM compute_ledger.rollup_state AS s
), paid AS MATERIALIZED (
	SELECT p.account, p.time_zone, p.valid
	FROM compute_ledger._payers((SELECT s.as_of FROM state AS s)) AS p
), merged AS MATERIALIZED (
	SELECT t.account, t.ancestor AS target, t.valid
	FROM compute_ledger._account_tree((SELECT s.as_of FROM state AS s)) AS t
	WHERE t.depth = 0 AND t.ancestor <> t.account
), segment AS MATERIALIZED (
	-- usage is its account's at the time: of a merged one, that of the one it was merged into
	SELECT p.account, p.account AS owner, p.time_zone,
		unnest(tstzmultirange(p.valid) - coalesce((SELECT range_agg(m.valid) FROM merged AS m WHERE m.account = p.account), '{}')) AS valid
	FROM paid AS p
	UNION ALL
	SELECT p.account, m.target, p.time_zone, p.valid * m.valid
	FROM paid AS p JOIN merged AS m ON m.account = p.account AND m.valid && p.valid
), zone AS MATERIALIZED (
	SELECT v.account, v.owner, v.time_zone, coalesce(lower(v.valid), '-infinity') AS since, coalesce(upper(v.valid), 'infinity') AS until
	FROM (
		SELECT s.account, s.owner, s.time_zone, unnest(range_agg(s.valid)) AS valid
		FROM segment AS s
		GROUP BY s.account, s.owner, s.time_zone
		UNION ALL
		SELECT a.id, a.id, 'UTC', unnest('{(,)}'::tstzmultirange - coalesce(range_agg(s.valid), '{}'))
		FROM compute_ledger.account AS a LEFT JOIN segment AS s ON s.account = a.id
		GROUP BY a.id
	) AS v
)
SELECT g.account, g.region, g.accelerator, g.measure, g.basis,
	c.hour, c.day, c.device_hours, c.device_time, c.work, c.achieved, c.started
FROM (
	SELECT z.owner AS account, r.region, r.accelerator, r.measure, r.basis,
		compute_ledger._usage_cells(r.started_at, r.said_end, greatest(r.started_at, z.since), least(r.ended_at, z.until),
			z.time_zone, r.devices, r.share, r.rate, r.achieved_work, r.recorded) AS cells
	FROM (
		SELECT u.account, u.region, u.accelerator, u.measure, u.basis, u.devices, u.share, u.rate, u.achieved_work, u.started_at, u.ended_at AS said_end,
			CASE WHEN u.ended_at = 'infinity' AND u.achieved_work IS NOT NULL
				THEN compute_ledger._usage_recorded(u.identification, u.recorded, u.source, u.source_id, u.revision) END AS recorded,
			-- what the ledger makes of reservations ends when they do, which may not be yet
			CASE WHEN u.ended_at = 'infinity' OR u.source = 'compute_ledger' THEN least(u.ended_at, (SELECT s.as_of FROM state AS s)) ELSE u.ended_at END AS ended_at
		FROM compute_ledger.usage_record AS u
		WHERE u.recorded <= (SELECT s.as_of FROM state AS s) AND u.superseded > (SELECT s.as_of FROM state AS s)
	) AS r
	JOIN zone AS z ON z.account = r.account AND z.since < r.ended_at AND z.until > r.started_at
	WHERE r.started_at < r.ended_at
	GROUP BY z.owner, r.region, r.accelerator, r.measure, r.basis
) AS g, unnest(g.cells) AS c;
COMMENT ON MATERIALIZED VIEW compute_ledger._usage_hourly IS 'what usage_hourly shows, of all accounts';

CREATE UNIQUE INDEX _usage_hourly_key ON compute_ledger._usage_hourly (account, region, accelerator, measure, basis, hour, day) NULLS NOT DISTINCT;
