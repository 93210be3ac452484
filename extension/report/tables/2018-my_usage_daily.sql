CREATE VIEW compute_ledger.my_usage_daily WITH (security_barrier = true) AS
SELECT
	d.account, d.account_name, d.region, d.region_name, d.accelerator, d.measure, d.basis, d.day, d.device_hours, d.device_time, d.work, d.achieved,
	d.started
FROM compute_ledger.usage_daily AS d
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_usage_daily IS 'View usage_daily, which shows the accounts that you see, for roles that see no others.';
PERFORM compute_ledger._comment_like('compute_ledger.my_usage_daily', 'compute_ledger.usage_daily');
