-- What utilization_hourly adds up: usage, of a device's slices too, and capacity, a row for each hour.  Not materialized, so
-- that a query for a day makes the hours of that day only.
CREATE VIEW compute_ledger._utilization_cell AS
SELECT u.account, u.region, compute_ledger.accelerator_trunc('memory', u.accelerator) AS accelerator, u.hour, NULL::numeric AS capacity_time,
	CASE u.measure WHEN 'reserved' THEN u.device_time END AS reserved_time, CASE u.measure WHEN 'allocated' THEN u.device_time END AS allocated_time,
	CASE u.measure WHEN 'used' THEN u.device_time END AS used_time, true AS in_use,
	NULL::numeric AS unused_time, NULL::compute_ledger.compute_unit AS unused_work
FROM compute_ledger._usage_hourly AS u
UNION ALL
SELECT n.account, n.region, n.accelerator, n.hour, NULL, NULL, NULL, NULL, true, n.device_time, n.work
FROM compute_ledger._unused_hourly AS n
UNION ALL
-- not known unless the share of every slice is
SELECT NULL, c.region, c.accelerator, h.hour,
	CASE WHEN count(*) = count(c.level) THEN sum(c.level * (extract(epoch FROM least(c.until, h.hour + interval '1 hour') - greatest(c.since, h.hour)) * 1000000)::bigint) END,
	NULL, NULL, NULL, false, NULL, NULL
FROM (
	SELECT c.region, compute_ledger.accelerator_trunc('memory', c.accelerator) AS accelerator, compute_ledger._usage_level(c.devices, c.share)::numeric AS level,
		lower(c.valid) AS since, least(upper(c.valid), s.as_of) AS until
	FROM compute_ledger.capacity AS c JOIN compute_ledger.rollup_state AS s ON c.recorded @> s.as_of
) AS c
JOIN generate_series((SELECT date_trunc('hour', min(lower(c.valid)), 'UTC') FROM compute_ledger.capacity AS c),
	(SELECT s.as_of - interval '1 microsecond' FROM compute_ledger.rollup_state AS s), interval '1 hour') AS h (hour)
	ON c.since < h.hour + interval '1 hour' AND c.until > h.hour AND c.since < c.until
GROUP BY c.region, c.accelerator, h.hour;
COMMENT ON VIEW compute_ledger._utilization_cell IS 'part of utilization_hourly: usage of accounts, and capacity, of no account, by hours of UTC, in 1/1,680,000 device x microsecond';
