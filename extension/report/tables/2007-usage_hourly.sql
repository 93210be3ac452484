-- What readers read.  These views look at the tables as their owner, so they have to say themselves who sees what.
CREATE VIEW compute_ledger.usage_hourly WITH (security_barrier = true) AS
SELECT h.account, a.name AS account_name, h.region, r.name AS region_name, h.accelerator, h.measure, h.basis,
	h.hour, h.day, CASE WHEN h.shared > 0 THEN compute_ledger._cell_hours(h.device_time) END AS device_hours, CASE WHEN h.shared > 0 THEN h.device_time END AS device_time,
	CASE WHEN h.rated > 0 THEN h.work END AS work, CASE WHEN h.achieving > 0 THEN h.achieved END AS achieved, h.started
FROM compute_ledger._usage_hourly AS h
LEFT JOIN compute_ledger.account AS a ON a.id = h.account
LEFT JOIN compute_ledger.region AS r ON r.id = h.region
WHERE h.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts()));
COMMENT ON VIEW compute_ledger.usage_hourly IS 'Usage by hours of UTC, as of rollup_state.as_of: what the accounts that you see used in each hour in which they used anything. An hour in which a day of the account''s time zone begins otherwise than on the hour has a row for either day.';
COMMENT ON COLUMN compute_ledger.usage_hourly.account IS 'account that used it';
COMMENT ON COLUMN compute_ledger.usage_hourly.account_name IS 'its name';
COMMENT ON COLUMN compute_ledger.usage_hourly.region IS 'region where';
COMMENT ON COLUMN compute_ledger.usage_hourly.region_name IS 'its name';
COMMENT ON COLUMN compute_ledger.usage_hourly.accelerator IS 'chip or class that it was identified as';
COMMENT ON COLUMN compute_ledger.usage_hourly.measure IS 'reserved, allocated or used';
COMMENT ON COLUMN compute_ledger.usage_hourly.basis IS 'code of the basis that work is in';
COMMENT ON COLUMN compute_ledger.usage_hourly.hour IS 'start of the hour';
COMMENT ON COLUMN compute_ledger.usage_hourly.day IS 'day of the account''s time zone that it is in';
COMMENT ON COLUMN compute_ledger.usage_hourly.device_hours IS 'device-hours, of MIG slices their share of the device (NULL if it is not known of any of them), rounded to 12 decimals so that the hours of one account, region, accelerator, measure and basis add up to their rounded sum';
COMMENT ON COLUMN compute_ledger.usage_hourly.device_time IS 'the same exactly: an integer, in 1/1,680,000 device x microsecond; 6,048,000,000,000,000 are a device-hour; NULL as device_hours';
COMMENT ON COLUMN compute_ledger.usage_hourly.work IS 'nominal work: rate x devices (slices, of MIG slices) x time, as the records froze the rate; NULL if no rate was known for any of it';
COMMENT ON COLUMN compute_ledger.usage_hourly.achieved IS 'work that was really done, by the share of its records'' time (of one that goes on: until it was recorded), in basis flop whatever basis it was given in; NULL if none of the records says';
COMMENT ON COLUMN compute_ledger.usage_hourly.started IS 'records that begin in it; adds up to the number of records';
