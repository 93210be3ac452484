CREATE VIEW compute_ledger.usage_daily WITH (security_barrier = true) AS
SELECT d.account, a.name AS account_name, d.region, r.name AS region_name, d.accelerator, d.measure, d.basis,
	d.day, CASE WHEN d.shared > 0 THEN compute_ledger._cell_hours(d.device_time) END AS device_hours, CASE WHEN d.shared > 0 THEN d.device_time END AS device_time,
	CASE WHEN d.rated > 0 THEN d.work END AS work, CASE WHEN d.achieving > 0 THEN d.achieved END AS achieved, d.started
FROM compute_ledger._usage_daily AS d
LEFT JOIN compute_ledger.account AS a ON a.id = d.account
LEFT JOIN compute_ledger.region AS r ON r.id = d.region
WHERE d.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts()));
COMMENT ON VIEW compute_ledger.usage_daily IS 'Usage by days of the account''s time zone, as of rollup_state.as_of: the sums of usage_hourly.';
COMMENT ON COLUMN compute_ledger.usage_daily.account IS 'account that used it';
COMMENT ON COLUMN compute_ledger.usage_daily.account_name IS 'its name';
COMMENT ON COLUMN compute_ledger.usage_daily.region IS 'region where';
COMMENT ON COLUMN compute_ledger.usage_daily.region_name IS 'its name';
COMMENT ON COLUMN compute_ledger.usage_daily.accelerator IS 'chip or class that it was identified as';
COMMENT ON COLUMN compute_ledger.usage_daily.measure IS 'reserved, allocated or used';
COMMENT ON COLUMN compute_ledger.usage_daily.basis IS 'code of the basis that work is in';
COMMENT ON COLUMN compute_ledger.usage_daily.day IS 'day of the account''s time zone: 23 to 25 hours where clocks change';
COMMENT ON COLUMN compute_ledger.usage_daily.device_hours IS 'device-hours, of MIG slices their share of the device (NULL if it is not known of any of them), rounded as those of usage_hourly, whose sum it is';
COMMENT ON COLUMN compute_ledger.usage_daily.device_time IS 'the same exactly: an integer, in 1/1,680,000 device x microsecond; NULL as device_hours';
COMMENT ON COLUMN compute_ledger.usage_daily.work IS 'nominal work; NULL if no rate was known for any of it';
COMMENT ON COLUMN compute_ledger.usage_daily.achieved IS 'work that was really done, in basis flop; NULL if none of the records says';
COMMENT ON COLUMN compute_ledger.usage_daily.started IS 'records that begin on that day; adds up to the number of records';
