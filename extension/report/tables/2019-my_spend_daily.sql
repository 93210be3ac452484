CREATE VIEW compute_ledger.my_spend_daily WITH (security_barrier = true) AS
SELECT
	s.book, s.payer, s.payer_name, s.account, s.account_name, s.region, s.region_name, s.accelerator, s.measure, s.kind, s.day, s.currency,
	s.device_hours, s.device_time, s.list_cost, s.contracted_cost, s.cost, s.charges
FROM compute_ledger.spend_daily AS s
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_spend_daily IS 'View spend_daily, which shows the accounts that you see, for roles that see no others.';
PERFORM compute_ledger._comment_like('compute_ledger.my_spend_daily', 'compute_ledger.spend_daily');
