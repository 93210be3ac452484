CREATE TABLE compute_ledger.pool_offer (
	pool bigint NOT NULL REFERENCES compute_ledger.pool,
	devices integer NOT NULL CONSTRAINT pool_offer_devices_check CHECK (devices BETWEEN 0 AND 1000000000),
	valid tstzrange NOT NULL CHECK (NOT lower_inf(valid)),
	source text,
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT pool_offer_valid_check1 CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE),
	CONSTRAINT pool_offer_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	CONSTRAINT pool_offer_excl EXCLUDE USING gist (int8range(pool, pool, '[]') WITH =, valid WITH &&, recorded WITH &&)
);
COMMENT ON TABLE compute_ledger.pool_offer IS 'How many devices of a pool a centre offers, and when. Where there is no row nothing is offered. Written by offer_devices() and move_devices(); what is replaced stays, with the time until which it was held to be true.';
COMMENT ON COLUMN compute_ledger.pool_offer.pool IS 'the pool';
COMMENT ON COLUMN compute_ledger.pool_offer.devices IS 'devices offered; what is no multiple of the pool''s granule cannot be booked';
COMMENT ON COLUMN compute_ledger.pool_offer.valid IS 'when; without an end: until further notice';
COMMENT ON COLUMN compute_ledger.pool_offer.source IS 'where the number is from';
COMMENT ON COLUMN compute_ledger.pool_offer.recorded IS 'when the ledger held the row to be true; without an end: it still does';

CREATE INDEX pool_offer_pool_idx ON compute_ledger.pool_offer (pool, coalesce(upper(valid), 'infinity'::timestamptz)) WHERE upper_inf(recorded);

CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.pool_offer
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('pool');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.pool_offer
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON compute_ledger.pool_offer
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.pool_offer
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.pool_offer
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

CREATE TRIGGER z_limit AFTER INSERT OR UPDATE ON compute_ledger.pool_offer
	FOR EACH ROW WHEN (upper_inf(NEW.recorded)) EXECUTE FUNCTION compute_ledger._limit_changed('perhaps');

CREATE POLICY visible ON compute_ledger.pool_offer FOR SELECT USING (true);
