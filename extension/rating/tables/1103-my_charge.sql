CREATE VIEW compute_ledger.my_charge WITH (security_barrier = true) AS
SELECT
	c.id, c.kind, c.book, c.account, c.payer, c.billing_period, c.price, c.list_price, c.region, c.accelerator, c.number_format, c.measure, c.basis,
	c.rate, c.share, c.day, c.period, c.amount, c.quantity, c.unit, c.work, c.tiers, c.unit_price, c.list_unit_price, c.list_cost, c.contracted_cost,
	c.cost, c.currency, c.records, c.corrects, c.reservation, c.close, c.as_of, c.recorded
FROM compute_ledger.charge AS c
WHERE c.book = 'sale' AND c.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts()))
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_charge IS 'Charges of book sale for the usage of the accounts that you see, as table charge has them. What the open period comes to is what rate_usage() says.';
PERFORM compute_ledger._comment_like('compute_ledger.my_charge', 'compute_ledger.charge');
