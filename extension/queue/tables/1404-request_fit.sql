CREATE TABLE compute_ledger.request_fit (
	kind bigint NOT NULL REFERENCES compute_ledger.request_kind,
	pool bigint NOT NULL REFERENCES compute_ledger.pool,
	allowed tstzrange NOT NULL,
	guest boolean NOT NULL,
	delay interval NOT NULL,
	price numeric NOT NULL,
	worst numeric,
	currency text,
	transfer numeric NOT NULL,
	speed compute_ledger.compute_rate,
	PRIMARY KEY (kind, pool, allowed)
);
COMMENT ON TABLE compute_ledger.request_fit IS 'Where requests of a kind may run, as far as class, region, policy, price, ceiling, basis and transfers say.';
COMMENT ON COLUMN compute_ledger.request_fit.kind IS 'the kind';
COMMENT ON COLUMN compute_ledger.request_fit.pool IS 'the pool';
COMMENT ON COLUMN compute_ledger.request_fit.allowed IS 'when; without an end: as far as the pool can be booked';
COMMENT ON COLUMN compute_ledger.request_fit.guest IS 'whether the account is a guest in the pool';
COMMENT ON COLUMN compute_ledger.request_fit.delay IS 'how long the data are on their way';
COMMENT ON COLUMN compute_ledger.request_fit.price IS 'of a device-hour: no more in this time; of a shorter time there may be a lower one; of what has tiers, as dear as an hour may be';
COMMENT ON COLUMN compute_ledger.request_fit.worst IS 'and at its highest at all times, in the highest tier, with all fees';
COMMENT ON COLUMN compute_ledger.request_fit.currency IS 'currency of both';
COMMENT ON COLUMN compute_ledger.request_fit.transfer IS 'price of all that goes there and comes back';
COMMENT ON COLUMN compute_ledger.request_fit.speed IS 'rate of a device in the basis of the work that is asked for, less what one site loses; NULL: a time is asked for';

CREATE POLICY visible ON compute_ledger.request_fit FOR SELECT USING (false);
