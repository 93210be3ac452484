CREATE TABLE compute_ledger.pool_month (
	pool bigint NOT NULL REFERENCES compute_ledger.pool,
	guests boolean NOT NULL,
	month date NOT NULL,
	base bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (pool, guests, month)
);
COMMENT ON TABLE compute_ledger.pool_month IS 'What of a pool is booked by reservations that cover whole months of UTC, above pool_day. Every booking writes the rows of its months, so that another one under an older snapshot gets 40001.';
COMMENT ON COLUMN compute_ledger.pool_month.pool IS 'the pool';
COMMENT ON COLUMN compute_ledger.pool_month.guests IS 'as in pool_day';
COMMENT ON COLUMN compute_ledger.pool_month.month IS 'first day of the month, UTC';
COMMENT ON COLUMN compute_ledger.pool_month.base IS 'devices of what covers the whole month';

CREATE POLICY visible ON compute_ledger.pool_month FOR SELECT USING (true);
