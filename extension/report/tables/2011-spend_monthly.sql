CREATE VIEW compute_ledger.spend_monthly WITH (security_barrier = true) AS
SELECT s.book, s.payer, p.name AS payer_name, s.region, r.name AS region_name, s.accelerator, s.month, s.currency,
	s.device_hours, s.list_cost, s.contracted_cost, s.cost, s.charges
FROM (SELECT m.* FROM compute_ledger._spend_monthly AS m WHERE (SELECT compute_ledger._sees_everything())) AS s
LEFT JOIN compute_ledger.account AS p ON p.id = s.payer
LEFT JOIN compute_ledger.region AS r ON r.id = s.region;
COMMENT ON VIEW compute_ledger.spend_monthly IS 'What was charged, by who pays, region, chip and month, as of rollup_state.as_of: the sums of spend_daily. For roles that see the whole ledger; others see no rows.';
COMMENT ON COLUMN compute_ledger.spend_monthly.book IS 'price book';
COMMENT ON COLUMN compute_ledger.spend_monthly.payer IS 'account that is billed';
COMMENT ON COLUMN compute_ledger.spend_monthly.payer_name IS 'its name';
COMMENT ON COLUMN compute_ledger.spend_monthly.region IS 'region where; NULL for what is charged for none';
COMMENT ON COLUMN compute_ledger.spend_monthly.region_name IS 'its name';
COMMENT ON COLUMN compute_ledger.spend_monthly.accelerator IS 'chip or class that it was identified as; NULL for what is charged for none';
COMMENT ON COLUMN compute_ledger.spend_monthly.month IS 'first day of the month that the days of spend_daily are in';
COMMENT ON COLUMN compute_ledger.spend_monthly.currency IS 'currency of the costs';
COMMENT ON COLUMN compute_ledger.spend_monthly.device_hours IS 'device-hours charged, rounded to 12 decimals; NULL where the share of a device that MIG slices are is not known of any';
COMMENT ON COLUMN compute_ledger.spend_monthly.list_cost IS 'cost at list prices; NULL if none of it has one';
COMMENT ON COLUMN compute_ledger.spend_monthly.contracted_cost IS 'cost at the prices that won';
COMMENT ON COLUMN compute_ledger.spend_monthly.cost IS 'what is billed';
COMMENT ON COLUMN compute_ledger.spend_monthly.charges IS 'number of charges';
