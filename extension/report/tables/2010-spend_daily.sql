CREATE VIEW compute_ledger.spend_daily WITH (security_barrier = true) AS
SELECT s.book, s.payer, p.name AS payer_name, s.account, a.name AS account_name, s.region, r.name AS region_name, s.accelerator, s.measure, s.kind,
	s.day, s.currency, CASE WHEN s.timed > 0 THEN compute_ledger._device_hours(s.device_time) END AS device_hours, CASE WHEN s.timed > 0 THEN s.device_time END AS device_time,
	CASE WHEN s.listed > 0 THEN s.list_cost END AS list_cost, CASE WHEN s.contracted > 0 THEN s.contracted_cost END AS contracted_cost, CASE WHEN s.costed > 0 THEN s.cost END AS cost, s.charges
FROM compute_ledger._spend_daily AS s
LEFT JOIN compute_ledger.account AS a ON a.id = s.account
LEFT JOIN compute_ledger.account AS p ON p.id = s.payer
LEFT JOIN compute_ledger.region AS r ON r.id = s.region
WHERE s.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts()))
	AND (s.book = 'sale' OR (SELECT compute_ledger._sees_everything()));
COMMENT ON VIEW compute_ledger.spend_daily IS 'What was charged, by days of the account''s time zone, as of rollup_state.as_of: the sums of table charge, that is of closed billing periods. What the open one comes to is for rate_usage() to say. Books other than sale are for roles that see the whole ledger.';
COMMENT ON COLUMN compute_ledger.spend_daily.book IS 'price book';
COMMENT ON COLUMN compute_ledger.spend_daily.payer IS 'account that is billed';
COMMENT ON COLUMN compute_ledger.spend_daily.payer_name IS 'its name';
COMMENT ON COLUMN compute_ledger.spend_daily.account IS 'account whose usage it is';
COMMENT ON COLUMN compute_ledger.spend_daily.account_name IS 'its name';
COMMENT ON COLUMN compute_ledger.spend_daily.region IS 'region where; NULL for what is charged for none';
COMMENT ON COLUMN compute_ledger.spend_daily.region_name IS 'its name';
COMMENT ON COLUMN compute_ledger.spend_daily.accelerator IS 'chip or class that it was identified as; NULL for what is charged for none';
COMMENT ON COLUMN compute_ledger.spend_daily.measure IS 'measure that was billed; NULL for what is charged for none';
COMMENT ON COLUMN compute_ledger.spend_daily.kind IS 'kind of charge; unpriced usage has no cost';
COMMENT ON COLUMN compute_ledger.spend_daily.day IS 'day of the account''s time zone; of what is charged for a whole billing period, its first';
COMMENT ON COLUMN compute_ledger.spend_daily.currency IS 'currency of the costs';
COMMENT ON COLUMN compute_ledger.spend_daily.device_hours IS 'device-hours charged, rounded to 12 decimals; NULL where the share of a device that MIG slices are is not known of any';
COMMENT ON COLUMN compute_ledger.spend_daily.device_time IS 'the same exactly: an integer, in 1/1,680,000 device x microsecond';
COMMENT ON COLUMN compute_ledger.spend_daily.list_cost IS 'cost at list prices; NULL if none of it has one';
COMMENT ON COLUMN compute_ledger.spend_daily.contracted_cost IS 'cost at the prices that won';
COMMENT ON COLUMN compute_ledger.spend_daily.cost IS 'what is billed; corrections count on the day of the usage';
COMMENT ON COLUMN compute_ledger.spend_daily.charges IS 'number of charges';
