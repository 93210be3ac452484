-- Capacity, and all accounts together, are for roles that see the whole ledger, which is asked once a query.
CREATE VIEW compute_ledger.utilization_daily WITH (security_barrier = true) AS
SELECT u.account, a.name AS account_name, u.region, r.name AS region_name, u.accelerator, u.day,
	compute_ledger._device_hours(u.capacity_time) AS capacity_hours, compute_ledger._device_hours(u.reserved_time) AS reserved_hours,
	compute_ledger._device_hours(u.allocated_time) AS allocated_hours, compute_ledger._device_hours(u.used_time) AS used_hours,
	round(CASE WHEN u.in_use THEN u.allocated_time ELSE 0 END / nullif(u.capacity_time, 0), 6) AS allocation,
	round(CASE WHEN u.in_use THEN u.used_time ELSE 0 END / nullif(u.capacity_time, 0), 6) AS utilization,
	round(u.used_time / nullif(u.allocated_time, 0), 6) AS use_of_allocated,
	compute_ledger._device_hours(u.unused_time) AS reserved_unused_hours, u.unused_work AS reserved_unused_work
FROM (
	SELECT s.*
	FROM (
		SELECT d.account, d.region, d.accelerator, d.day, CASE WHEN f.capacity_length > 0 AND f.unknown_length = 0 THEN f.capacity_time END AS capacity_time,
			CASE WHEN d.reserved_length > 0 THEN d.reserved_time END AS reserved_time, CASE WHEN d.allocated_length > 0 THEN d.allocated_time END AS allocated_time,
			CASE WHEN d.used_length > 0 THEN d.used_time END AS used_time, true AS in_use, d.unused_time, d.unused_work
		FROM compute_ledger._utilization_daily AS d
		LEFT JOIN compute_ledger._fleet_daily AS f ON f.day = d.day AND f.region = d.region AND f.accelerator OPERATOR(compute_ledger.=) d.accelerator
		UNION ALL
		SELECT NULL, f.region, f.accelerator, f.day, CASE WHEN f.capacity_length > 0 AND f.unknown_length = 0 THEN f.capacity_time END,
			CASE WHEN f.reserved_length > 0 THEN f.reserved_time END, CASE WHEN f.allocated_length > 0 THEN f.allocated_time END, CASE WHEN f.used_length > 0 THEN f.used_time END,
			f.length > f.reserved_length, f.unused_time, f.unused_work
		FROM compute_ledger._fleet_daily AS f
	) AS s
	-- here and not in the end, so that names which nobody asks for are not looked up
	WHERE (SELECT compute_ledger._sees_everything())
) AS u
LEFT JOIN compute_ledger.region AS r ON r.id = u.region
LEFT JOIN compute_ledger.account AS a ON a.id = u.account;
COMMENT ON VIEW compute_ledger.utilization_daily IS 'How well the devices in a region are used, by days of UTC, as of rollup_state.as_of: a row for each account, and one without an account, which is all accounts together and also there on days on which there was only capacity. Leave one or the other out before you add up. For roles that see the whole ledger; others see no rows.';
COMMENT ON COLUMN compute_ledger.utilization_daily.account IS 'account that used them; NULL: all accounts together';
COMMENT ON COLUMN compute_ledger.utilization_daily.account_name IS 'its name; NULL for all accounts together';
COMMENT ON COLUMN compute_ledger.utilization_daily.region IS 'region where';
COMMENT ON COLUMN compute_ledger.utilization_daily.region_name IS 'its name';
COMMENT ON COLUMN compute_ledger.utilization_daily.accelerator IS 'chip or class that it was identified as; of MIG slices, the device';
COMMENT ON COLUMN compute_ledger.utilization_daily.day IS 'day of UTC; the last one as far as as_of';
COMMENT ON COLUMN compute_ledger.utilization_daily.capacity_hours IS 'device-hours that table capacity holds for that day; NULL if it holds none, or slices of which the share of the device is not known';
COMMENT ON COLUMN compute_ledger.utilization_daily.reserved_hours IS 'device-hours of measure reserved; NULL if there are none';
COMMENT ON COLUMN compute_ledger.utilization_daily.allocated_hours IS 'device-hours of measure allocated; NULL if there are none';
COMMENT ON COLUMN compute_ledger.utilization_daily.used_hours IS 'device-hours of measure used; NULL if there are none';
COMMENT ON COLUMN compute_ledger.utilization_daily.allocation IS 'allocated over capacity, to 6 decimals, 0 where nothing was allocated or used, whatever was reserved; NULL if either is not known';
COMMENT ON COLUMN compute_ledger.utilization_daily.utilization IS 'used over capacity, to 6 decimals, 0 where nothing was allocated or used, whatever was reserved; NULL if either is not known';
COMMENT ON COLUMN compute_ledger.utilization_daily.use_of_allocated IS 'used over allocated, to 6 decimals; NULL if either is not known';
COMMENT ON COLUMN compute_ledger.utilization_daily.reserved_unused_hours IS 'device-hours that were reserved and that no usage that names the reservation drew; NULL if there are none';
COMMENT ON COLUMN compute_ledger.utilization_daily.reserved_unused_work IS 'what they could have done: their work at the rate that the records of the reservations have; NULL if there are none, or no rate was known';
