-- Small, too; of all accounts that a payer pays for.
CREATE MATERIALIZED VIEW compute_ledger._spend_monthly AS
SELECT s.book, s.payer, s.region, s.accelerator, s.currency, date_trunc('month', s.day::timestamp)::date AS month,
	CASE WHEN sum(s.timed) > 0 THEN compute_ledger._device_hours(sum(s.device_time)) END AS device_hours,
	CASE WHEN sum(s.listed) > 0 THEN sum(s.list_cost) END AS list_cost, CASE WHEN sum(s.contracted) > 0 THEN sum(s.contracted_cost) END AS contracted_cost,
	CASE WHEN sum(s.costed) > 0 THEN sum(s.cost) END AS cost, sum(s.charges)::bigint AS charges
FROM compute_ledger._spend_daily AS s
GROUP BY s.book, s.payer, s.region, s.accelerator, s.currency, date_trunc('month', s.day::timestamp)::date;
COMMENT ON MATERIALIZED VIEW compute_ledger._spend_monthly IS 'what spend_monthly shows';

CREATE UNIQUE INDEX _spend_monthly_key ON compute_ledger._spend_monthly (month, payer, book, region, accelerator, currency) NULLS NOT DISTINCT;
