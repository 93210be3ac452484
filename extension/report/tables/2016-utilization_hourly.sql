CREATE VIEW compute_ledger.utilization_hourly WITH (security_barrier = true) AS
SELECT u.account, a.name AS account_name, u.region, r.name AS region_name, u.accelerator, u.hour,
	compute_ledger._device_hours(u.capacity_time) AS capacity_hours, compute_ledger._device_hours(u.reserved_time) AS reserved_hours,
	compute_ledger._device_hours(u.allocated_time) AS allocated_hours, compute_ledger._device_hours(u.used_time) AS used_hours,
	round(CASE WHEN u.in_use THEN u.allocated_time ELSE 0 END / nullif(u.capacity_time, 0), 6) AS allocation,
	round(CASE WHEN u.in_use THEN u.used_time ELSE 0 END / nullif(u.capacity_time, 0), 6) AS utilization,
	round(u.used_time / nullif(u.allocated_time, 0), 6) AS use_of_allocated,
	compute_ledger._device_hours(u.unused_time) AS reserved_unused_hours, u.unused_work AS reserved_unused_work
FROM (
	SELECT s.*
	FROM (
		SELECT d.account, d.region, d.accelerator, d.hour, CASE WHEN f.capacity_length > 0 AND f.unknown_length = 0 THEN f.capacity_time END AS capacity_time,
			d.reserved_time, d.allocated_time, d.used_time, true AS in_use, d.unused_time, d.unused_work
		FROM (
			SELECT c.account, c.region, c.accelerator, c.hour, sum(c.device_time) FILTER (WHERE c.measure = 'reserved') AS reserved_time,
				sum(c.device_time) FILTER (WHERE c.measure = 'allocated') AS allocated_time, sum(c.device_time) FILTER (WHERE c.measure = 'used') AS used_time,
				sum(c.device_time) FILTER (WHERE c.measure = 'unused') AS unused_time,
				-- of one basis only
				CASE WHEN min(c.basis) = max(c.basis) THEN compute_ledger.with_basis(compute_ledger.sum(compute_ledger.with_basis(c.work, 0)), min(c.basis)) END AS unused_work
			FROM (
				SELECT h.account, h.region, compute_ledger.accelerator_trunc('memory', h.accelerator) AS accelerator, h.hour, h.measure,
					CASE WHEN h.shared > 0 THEN h.device_time END AS device_time, NULL::integer AS basis, NULL::compute_ledger.compute_unit AS work
				FROM compute_ledger._usage_hourly AS h
				UNION ALL
				SELECT n.account, n.region, n.accelerator, n.hour, 'unused', CASE WHEN n.shared > 0 THEN n.device_time END,
					CASE WHEN n.rated > 0 THEN n.basis END, CASE WHEN n.rated > 0 THEN n.work END
				FROM compute_ledger._unused_hourly AS n
			) AS c
			GROUP BY c.account, c.region, c.accelerator, c.hour
		) AS d
		LEFT JOIN compute_ledger._fleet_hourly AS f ON f.hour = d.hour AND f.region = d.region AND f.accelerator OPERATOR(compute_ledger.=) d.accelerator
		UNION ALL
		SELECT NULL, f.region, f.accelerator, f.hour, CASE WHEN f.capacity_length > 0 AND f.unknown_length = 0 THEN f.capacity_time END,
			CASE WHEN f.reserved_length > 0 THEN f.reserved_time END, CASE WHEN f.allocated_length > 0 THEN f.allocated_time END, CASE WHEN f.used_length > 0 THEN f.used_time END,
			f.length > f.reserved_length, f.unused_time, f.unused_work
		FROM compute_ledger._fleet_hourly AS f
	) AS s
	-- here and not in the end, so that names which nobody asks for are not looked up
	WHERE (SELECT compute_ledger._sees_everything())
) AS u
LEFT JOIN compute_ledger.region AS r ON r.id = u.region
LEFT JOIN compute_ledger.account AS a ON a.id = u.account;
COMMENT ON VIEW compute_ledger.utilization_hourly IS 'How well the devices in a region are used, by hours of UTC, as of rollup_state.as_of: utilization_daily hour by hour, with the same rows. For roles that see the whole ledger; others see no rows.';
COMMENT ON COLUMN compute_ledger.utilization_hourly.account IS 'account that used them; NULL: all accounts together';
COMMENT ON COLUMN compute_ledger.utilization_hourly.account_name IS 'its name; NULL for all accounts together';
COMMENT ON COLUMN compute_ledger.utilization_hourly.region IS 'region where';
COMMENT ON COLUMN compute_ledger.utilization_hourly.region_name IS 'its name';
COMMENT ON COLUMN compute_ledger.utilization_hourly.accelerator IS 'chip or class that it was identified as; of MIG slices, the device';
COMMENT ON COLUMN compute_ledger.utilization_hourly.hour IS 'start of the hour; the last one as far as as_of';
COMMENT ON COLUMN compute_ledger.utilization_hourly.capacity_hours IS 'device-hours that table capacity holds for that hour; NULL if it holds none, or slices of which the share of the device is not known';
COMMENT ON COLUMN compute_ledger.utilization_hourly.reserved_hours IS 'device-hours of measure reserved; NULL if there are none';
COMMENT ON COLUMN compute_ledger.utilization_hourly.allocated_hours IS 'device-hours of measure allocated; NULL if there are none';
COMMENT ON COLUMN compute_ledger.utilization_hourly.used_hours IS 'device-hours of measure used; NULL if there are none';
COMMENT ON COLUMN compute_ledger.utilization_hourly.allocation IS 'allocated over capacity, to 6 decimals, 0 where nothing was allocated or used, whatever was reserved; NULL if either is not known';
COMMENT ON COLUMN compute_ledger.utilization_hourly.utilization IS 'used over capacity, to 6 decimals, 0 where nothing was allocated or used, whatever was reserved; NULL if either is not known';
COMMENT ON COLUMN compute_ledger.utilization_hourly.use_of_allocated IS 'used over allocated, to 6 decimals; NULL if either is not known';
COMMENT ON COLUMN compute_ledger.utilization_hourly.reserved_unused_hours IS 'device-hours that were reserved and that no usage that names the reservation drew; NULL if there are none';
COMMENT ON COLUMN compute_ledger.utilization_hourly.reserved_unused_work IS 'what they could have done: their work at the rate that the records of the reservations have; NULL if there are none, or no rate was known';
