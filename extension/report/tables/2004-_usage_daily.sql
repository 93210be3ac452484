CREATE MATERIALIZED VIEW compute_ledger._usage_daily AS
SELECT h.account, h.region, h.accelerator, h.measure, h.basis, h.day,
	sum(h.device_hours) AS device_hours, sum(h.device_time) AS device_time,
	compute_ledger.sum(h.work) AS work, compute_ledger.sum(h.achieved) AS achieved, sum(h.started)::bigint AS started
FROM compute_ledger._usage_hourly AS h
GROUP BY h.account, h.region, h.accelerator, h.measure, h.basis, h.day;
COMMENT ON MATERIALIZED VIEW compute_ledger._usage_daily IS 'what usage_daily shows, of all accounts';

CREATE UNIQUE INDEX _usage_daily_key ON compute_ledger._usage_daily (account, region, accelerator, measure, basis, day) NULLS NOT DISTINCT;
