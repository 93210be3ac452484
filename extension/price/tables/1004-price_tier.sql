CREATE VIEW compute_ledger.price_tier WITH (security_invoker = true) AS
SELECT p.id AS price, t.tier::integer AS tier,
	coalesce(p.tier_bounds[t.tier - 1], 0) + p.free AS above, p.tier_bounds[t.tier] + p.free AS up_to,
	t.price AS unit_price, coalesce(p.tier_fees[t.tier], 0) AS fee, p.currency
FROM compute_ledger.price AS p, unnest(coalesce(p.tier_prices, ARRAY[p.price])) WITH ORDINALITY AS t (price, tier)
WHERE p.model NOT IN ('package', 'list');
COMMENT ON VIEW compute_ledger.price_tier IS 'The tiers of the prices, a row each; a flat price has one; one that follows the list has none.';
COMMENT ON COLUMN compute_ledger.price_tier.price IS 'id of the price';
COMMENT ON COLUMN compute_ledger.price_tier.tier IS 'number of the tier, from 1';
COMMENT ON COLUMN compute_ledger.price_tier.above IS 'quantity that the tier begins above, the free quantity included';
COMMENT ON COLUMN compute_ledger.price_tier.up_to IS 'quantity that the tier ends with; NULL: no end';
COMMENT ON COLUMN compute_ledger.price_tier.unit_price IS 'price of a unit';
COMMENT ON COLUMN compute_ledger.price_tier.fee IS 'fee of the tier';
COMMENT ON COLUMN compute_ledger.price_tier.currency IS 'currency of both';
