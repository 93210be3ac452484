CREATE VIEW compute_ledger.spend_label WITH (security_invoker = true) AS
SELECT s.key, s.value, c.book, c.payer, p.name AS payer_name, c.account, a.name AS account_name, c.region, r.name AS region_name, c.accelerator, c.kind, s.day, c.currency, s.cost, s.by_rule AS shared, c.id AS charge
FROM compute_ledger.spend_share AS s
JOIN compute_ledger.charge AS c ON c.id = s.charge
-- left joins: names that nobody asks for are not looked up
LEFT JOIN compute_ledger.account AS a ON a.id = c.account
LEFT JOIN compute_ledger.account AS p ON p.id = c.payer
LEFT JOIN compute_ledger.region AS r ON r.id = c.region
WHERE c.recorded <= (SELECT t.as_of FROM compute_ledger.rollup_state AS t);
COMMENT ON VIEW compute_ledger.spend_label IS 'Spend by label: the charges of closed billing periods, shared out over the values that usage records have for the keys in spend_key, as of rollup_state.as_of: all values of a key add up to what spend_daily shows. What the open period comes to is for spend_by() to say. Give it a key.';
COMMENT ON COLUMN compute_ledger.spend_label.key IS 'a label, or run';
COMMENT ON COLUMN compute_ledger.spend_label.value IS 'its value; NULL: none';
COMMENT ON COLUMN compute_ledger.spend_label.book IS 'price book';
COMMENT ON COLUMN compute_ledger.spend_label.payer IS 'account that is billed';
COMMENT ON COLUMN compute_ledger.spend_label.payer_name IS 'its name';
COMMENT ON COLUMN compute_ledger.spend_label.account IS 'account that is charged';
COMMENT ON COLUMN compute_ledger.spend_label.account_name IS 'its name';
COMMENT ON COLUMN compute_ledger.spend_label.region IS 'region where; NULL for what is charged for none';
COMMENT ON COLUMN compute_ledger.spend_label.region_name IS 'its name';
COMMENT ON COLUMN compute_ledger.spend_label.accelerator IS 'chip or class; NULL for what is charged for none';
COMMENT ON COLUMN compute_ledger.spend_label.kind IS 'kind of charge';
COMMENT ON COLUMN compute_ledger.spend_label.day IS 'day of the account''s time zone; of what is charged for a whole billing period, its first';
COMMENT ON COLUMN compute_ledger.spend_label.currency IS 'currency of the cost';
COMMENT ON COLUMN compute_ledger.spend_label.cost IS 'the value''s share of what is billed';
COMMENT ON COLUMN compute_ledger.spend_label.shared IS 'whether table spend_rule has shared it out';
COMMENT ON COLUMN compute_ledger.spend_label.charge IS 'the charge';
