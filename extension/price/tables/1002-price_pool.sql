CREATE TABLE compute_ledger.price_pool (
	book text NOT NULL,
	name text NOT NULL CHECK (name <> ''),
	unit text NOT NULL,
	currency text NOT NULL,
	PRIMARY KEY (book, name, currency),
	UNIQUE (book, name, unit, currency)
);
COMMENT ON TABLE compute_ledger.price_pool IS 'The pools that prices name, made by the trigger of table price: the quantities of one payer under all prices that name a pool add up, and that sum decides the tier. So they are all counted in one unit. Prices in another currency have a pool of their own.';
COMMENT ON COLUMN compute_ledger.price_pool.book IS 'price book';
COMMENT ON COLUMN compute_ledger.price_pool.name IS 'name of the pool';
COMMENT ON COLUMN compute_ledger.price_pool.unit IS 'unit of all its prices';
COMMENT ON COLUMN compute_ledger.price_pool.currency IS 'currency of all its prices';
