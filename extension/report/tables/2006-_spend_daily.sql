-- What is charged for a whole billing period is of no day: it counts on the first.
CREATE MATERIALIZED VIEW compute_ledger._spend_daily AS
SELECT c.book, c.payer, c.account, c.region, c.accelerator, c.measure, c.kind,
	coalesce(c.day, (lower(c.period) AT TIME ZONE coalesce(z.time_zone, 'UTC'))::date) AS day, c.currency,
	compute_ledger._device_hours(sum(c.amount)) AS device_hours, sum(c.amount) AS device_time, sum(c.list_cost) AS list_cost, sum(c.contracted_cost) AS contracted_cost, sum(c.cost) AS cost, count(*) AS charges
FROM compute_ledger.charge AS c
LEFT JOIN (
	SELECT p.account, p.time_zone, p.valid
	FROM compute_ledger._payers((SELECT s.as_of FROM compute_ledger.rollup_state AS s)) AS p
) AS z ON c.day IS NULL AND z.account = c.account AND z.valid @> lower(c.period)
WHERE c.recorded <= (SELECT s.as_of FROM compute_ledger.rollup_state AS s)
GROUP BY c.book, c.payer, c.account, c.region, c.accelerator, c.measure, c.kind,
	coalesce(c.day, (lower(c.period) AT TIME ZONE coalesce(z.time_zone, 'UTC'))::date), c.currency;
COMMENT ON MATERIALIZED VIEW compute_ledger._spend_daily IS 'what spend_daily shows, of all accounts';

CREATE UNIQUE INDEX _spend_daily_key ON compute_ledger._spend_daily (account, day, book, payer, region, accelerator, measure, kind, currency) NULLS NOT DISTINCT;
