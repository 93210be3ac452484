-- The function is the fence: all that it reads is of accounts that the caller sees.
CREATE VIEW compute_ledger.my_usage_hourly WITH (security_barrier = true) AS
SELECT
	h.account, h.account_name, h.region, h.region_name, h.accelerator, h.measure COLLATE "C" AS measure, h.basis, h.hour, h.day, compute_ledger._cell_hours(h.device_time) AS device_hours,
	h.device_time, h.work, h.achieved, h.started
FROM compute_ledger._own_usage_hourly(NULL, NULL) AS h;
COMMENT ON VIEW compute_ledger.my_usage_hourly IS 'View usage_hourly, which shows the accounts that you see, for roles that see no others.';
PERFORM compute_ledger._comment_like('compute_ledger.my_usage_hourly', 'compute_ledger.usage_hourly');
