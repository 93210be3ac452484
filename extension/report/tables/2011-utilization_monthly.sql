CREATE VIEW compute_ledger.utilization_monthly WITH (security_barrier = true) AS
SELECT u.payer, p.name AS payer_name, u.region, r.name AS region_name, u.accelerator, u.month,
	u.capacity_hours, u.reserved_hours, u.allocated_hours, u.used_hours, u.allocation, u.utilization, u.use_of_allocated
FROM (SELECT m.* FROM compute_ledger._utilization_monthly AS m WHERE (SELECT compute_ledger._sees_everything())) AS u
LEFT JOIN compute_ledger.region AS r ON r.id = u.region
LEFT JOIN compute_ledger.account AS p ON p.id = u.payer;
COMMENT ON VIEW compute_ledger.utilization_monthly IS 'How well the devices in a region are used, by months of UTC, as of rollup_state.as_of: a row for each account that pays, with what was used by the accounts that it paid for at the time, and one without, which is all together and also there in months in which there was only capacity. Leave one or the other out before you add up. For roles that see the whole ledger; others see no rows.';
COMMENT ON COLUMN compute_ledger.utilization_monthly.payer IS 'account that pays; NULL: all together';
COMMENT ON COLUMN compute_ledger.utilization_monthly.payer_name IS 'its name; NULL for all together';
COMMENT ON COLUMN compute_ledger.utilization_monthly.region IS 'region where';
COMMENT ON COLUMN compute_ledger.utilization_monthly.region_name IS 'its name';
COMMENT ON COLUMN compute_ledger.utilization_monthly.accelerator IS 'chip or class that it was identified as; of MIG slices, the device';
COMMENT ON COLUMN compute_ledger.utilization_monthly.month IS 'first day of the month of UTC; the last one as far as as_of';
COMMENT ON COLUMN compute_ledger.utilization_monthly.capacity_hours IS 'device-hours that table capacity holds for that month; NULL if it holds none, or slices of which the share of the device is not known';
COMMENT ON COLUMN compute_ledger.utilization_monthly.reserved_hours IS 'device-hours of measure reserved; NULL if there are none';
COMMENT ON COLUMN compute_ledger.utilization_monthly.allocated_hours IS 'device-hours of measure allocated; NULL if there are none';
COMMENT ON COLUMN compute_ledger.utilization_monthly.used_hours IS 'device-hours of measure used; NULL if there are none';
COMMENT ON COLUMN compute_ledger.utilization_monthly.allocation IS 'allocated over capacity, to 6 decimals, 0 where nothing was allocated or used, whatever was reserved; NULL if either is not known';
COMMENT ON COLUMN compute_ledger.utilization_monthly.utilization IS 'used over capacity, to 6 decimals, 0 where nothing was allocated or used, whatever was reserved; NULL if either is not known';
COMMENT ON COLUMN compute_ledger.utilization_monthly.use_of_allocated IS 'used over allocated, to 6 decimals; NULL if either is not known';
