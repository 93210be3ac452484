-- Small: what a first page shows.  A real materialized view, of sums that are kept, so that it costs nothing to make.
CREATE MATERIALIZED VIEW compute_ledger._utilization_monthly AS
SELECT t.payer, t.region, t.accelerator, t.month, t.in_use,
	compute_ledger._device_hours(t.capacity_time) AS capacity_hours, compute_ledger._device_hours(t.reserved_time) AS reserved_hours,
	compute_ledger._device_hours(t.allocated_time) AS allocated_hours, compute_ledger._device_hours(t.used_time) AS used_hours,
	round(CASE WHEN t.in_use THEN t.allocated_time ELSE 0 END / nullif(t.capacity_time, 0), 6) AS allocation,
	round(CASE WHEN t.in_use THEN t.used_time ELSE 0 END / nullif(t.capacity_time, 0), 6) AS utilization,
	round(t.used_time / nullif(t.allocated_time, 0), 6) AS use_of_allocated
FROM (
	SELECT u.payer, u.region, u.accelerator, u.month, true AS in_use, CASE WHEN c.length > 0 AND c.unknown = 0 THEN c.device_time END AS capacity_time,
		CASE WHEN u.reserved_length > 0 THEN u.reserved_time END AS reserved_time, CASE WHEN u.allocated_length > 0 THEN u.allocated_time END AS allocated_time,
		CASE WHEN u.used_length > 0 THEN u.used_time END AS used_time
	FROM compute_ledger._usage_monthly AS u
	LEFT JOIN compute_ledger._capacity_monthly AS c ON c.month = u.month AND c.region = u.region AND c.accelerator OPERATOR(compute_ledger.=) u.accelerator
	UNION ALL
	SELECT NULL, coalesce(u.region, c.region), coalesce(u.accelerator, c.accelerator), coalesce(u.month, c.month), coalesce(u.length > u.reserved_length, false),
		CASE WHEN c.length > 0 AND c.unknown = 0 THEN c.device_time END, u.reserved_time, u.allocated_time, u.used_time
	FROM (
		SELECT m.region, m.accelerator, m.month, sum(m.length) AS length, sum(m.reserved_length) AS reserved_length, sum(m.reserved_time) FILTER (WHERE m.reserved_length > 0) AS reserved_time,
			sum(m.allocated_time) FILTER (WHERE m.allocated_length > 0) AS allocated_time, sum(m.used_time) FILTER (WHERE m.used_length > 0) AS used_time
		FROM compute_ledger._usage_monthly AS m
		GROUP BY m.region, m.accelerator, m.month
	) AS u
	FULL JOIN (SELECT k.region, k.accelerator, k.month, k.length, k.unknown, k.device_time FROM compute_ledger._capacity_monthly AS k WHERE k.length > 0) AS c
		ON c.month = u.month AND c.region = u.region AND c.accelerator OPERATOR(compute_ledger.=) u.accelerator
) AS t;
COMMENT ON MATERIALIZED VIEW compute_ledger._utilization_monthly IS 'what utilization_monthly shows';

CREATE UNIQUE INDEX _utilization_monthly_key ON compute_ledger._utilization_monthly (month, region, accelerator, payer) NULLS NOT DISTINCT;
