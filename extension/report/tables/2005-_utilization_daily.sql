-- By days of UTC, which are the same for all accounts.  Without an account: all of them, and days on which there was only capacity.
CREATE MATERIALIZED VIEW compute_ledger._utilization_daily AS
WITH state AS MATERIALIZED (
	SELECT s.as_of FROM compute_ledger.rollup_state AS s
), usage AS MATERIALIZED (
	SELECT h.account, h.region, h.accelerator, h.day,
		sum(h.device_time) FILTER (WHERE h.measure = 'reserved') AS reserved,
		sum(h.device_time) FILTER (WHERE h.measure = 'unused') AS unused, compute_ledger.sum(h.work) AS unused_work,
		sum(h.device_time) FILTER (WHERE h.measure = 'allocated') AS allocated,
		sum(h.device_time) FILTER (WHERE h.measure = 'used') AS used
	FROM (SELECT u.account, u.region, compute_ledger.accelerator_trunc('memory', u.accelerator) AS accelerator, (u.hour AT TIME ZONE 'UTC')::date AS day, u.measure, u.device_time, NULL::compute_ledger.compute_unit AS work
		FROM compute_ledger._usage_hourly AS u
		UNION ALL
		SELECT n.account, n.region, n.accelerator, (n.hour AT TIME ZONE 'UTC')::date, 'unused', n.device_time, n.work
		FROM compute_ledger._unused_hourly AS n) AS h
	GROUP BY h.account, h.region, h.accelerator, h.day
), held AS (
	SELECT c.region, compute_ledger.accelerator_trunc('memory', c.accelerator) AS accelerator, compute_ledger._usage_level(c.devices, c.share)::numeric AS level,
		lower(c.valid) AS since, least(upper(c.valid), (SELECT s.as_of FROM state AS s)) AS until
	FROM compute_ledger.capacity AS c
	WHERE c.recorded @> (SELECT s.as_of FROM state AS s)
), capacity AS MATERIALIZED (
	-- not known unless the share of every slice is
	SELECT c.region, c.accelerator, d.day::date AS day,
		CASE WHEN count(*) = count(c.level) THEN sum(c.level
			* (extract(epoch FROM least(c.until, (d.day + interval '1 day') AT TIME ZONE 'UTC') - greatest(c.since, d.day AT TIME ZONE 'UTC')) * 1000000)::bigint) END AS capacity
	FROM held AS c,
		generate_series(date_trunc('day', c.since AT TIME ZONE 'UTC'), (c.until - interval '1 microsecond') AT TIME ZONE 'UTC', interval '1 day') AS d (day)
	WHERE c.since < c.until
	GROUP BY c.region, c.accelerator, d.day
), fleet AS (
	SELECT u.region, u.accelerator, u.day, sum(u.reserved) AS reserved, sum(u.unused) AS unused, compute_ledger.sum(u.unused_work) AS unused_work, sum(u.allocated) AS allocated, sum(u.used) AS used
	FROM usage AS u
	GROUP BY u.region, u.accelerator, u.day
)
SELECT t.account, t.region, t.accelerator, t.day, t.capacity_time, t.reserved_time, t.allocated_time, t.used_time, t.in_use, t.unused_time, t.unused_work,
	compute_ledger._device_hours(t.capacity_time) AS capacity_hours, compute_ledger._device_hours(t.reserved_time) AS reserved_hours,
	compute_ledger._device_hours(t.allocated_time) AS allocated_hours, compute_ledger._device_hours(t.used_time) AS used_hours,
	compute_ledger._device_hours(t.unused_time) AS unused_hours
FROM (
	SELECT u.account, u.region, u.accelerator, u.day, c.capacity AS capacity_time, u.reserved AS reserved_time, u.allocated AS allocated_time, u.used AS used_time, true AS in_use,
		u.unused AS unused_time, u.unused_work
	FROM usage AS u LEFT JOIN capacity AS c ON c.region = u.region AND c.accelerator OPERATOR(compute_ledger.=) u.accelerator AND c.day = u.day
	UNION ALL
	SELECT NULL, coalesce(f.region, c.region), coalesce(f.accelerator, c.accelerator), coalesce(f.day, c.day), c.capacity, f.reserved, f.allocated, f.used, f.day IS NOT NULL,
		f.unused, f.unused_work
	FROM fleet AS f FULL JOIN capacity AS c ON c.region = f.region AND c.accelerator OPERATOR(compute_ledger.=) f.accelerator AND c.day = f.day
) AS t;
COMMENT ON MATERIALIZED VIEW compute_ledger._utilization_daily IS 'what utilization_daily shows, of all accounts, in 1/1,680,000 device x microsecond';

CREATE UNIQUE INDEX _utilization_daily_key ON compute_ledger._utilization_daily (account, region, accelerator, day) NULLS NOT DISTINCT;
