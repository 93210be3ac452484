CREATE VIEW compute_ledger.my_period_close WITH (security_barrier = true) AS
SELECT c.id, c.payer, a.name AS payer_name, c.number, c.billing_period, b.starts_at, b.ends_at, c.as_of, c.charges, c.cost, c.payable, c.payable_difference, c.recorded
FROM compute_ledger.period_close AS c
JOIN compute_ledger.billing_period AS b ON b.id = c.billing_period
JOIN compute_ledger.account AS a ON a.id = c.payer
WHERE c.book = 'sale' AND c.payer = ANY (ARRAY(SELECT compute_ledger._visible_accounts()))
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_period_close IS 'The closed billing periods of book sale of payers that you see, and what is payable for each.';
COMMENT ON COLUMN compute_ledger.my_period_close.payer_name IS 'its name';
PERFORM compute_ledger._comment_like('compute_ledger.my_period_close', r) FROM unnest('{compute_ledger.period_close,compute_ledger.billing_period}'::regclass[]) AS r;
