CREATE VIEW compute_ledger.pool_terms WITH (security_invoker = true) AS
SELECT t.pool, t.region_name, t.accelerator, t.partition, t.granule, t.slot_minutes, t.horizon, t.hold, t.counts, t.notice, t.outage_credit, t.preempt_notice, t.link_class, t.floor_price, t.floor_currency, t.title
FROM compute_ledger._pool_terms() AS t;
COMMENT ON VIEW compute_ledger.pool_terms IS 'How pools are booked, and by which terms bookings made now are charged; for whoever books. It names no account.';
COMMENT ON COLUMN compute_ledger.pool_terms.pool IS 'number of the pool';
COMMENT ON COLUMN compute_ledger.pool_terms.region_name IS 'region of the pool';
PERFORM compute_ledger._comment_like('compute_ledger.pool_terms', 'compute_ledger.pool');
