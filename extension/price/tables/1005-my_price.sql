CREATE VIEW compute_ledger.my_price WITH (security_barrier = true) AS
SELECT
	p.id, p.book, p.account, p.accelerator, p.region, p.number_format, p.measure, p.unit, p.work, p.devices_per_instance, p.percentile, p.sample_step,
	p.model, p.currency, p.price, p.tier_bounds, p.tier_prices, p.tier_fees, p.package_size, p.factor, p.free, p.pool, p.minimum, p.committed_devices,
	p.committed_price, p.title, p.valid, p.recorded
FROM compute_ledger.price AS p
WHERE p.book = 'sale' AND (p.account IS NULL OR p.account = ANY (ARRAY(SELECT compute_ledger._price_accounts())))
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_price IS 'The prices of book sale that you are billed by: the list, the contracts of the accounts that you see, and those of the accounts that these are under now; as table price has them, with what was replaced.';
PERFORM compute_ledger._comment_like('compute_ledger.my_price', 'compute_ledger.price');
