CREATE TABLE compute_ledger.guest_share (
	pool bigint NOT NULL REFERENCES compute_ledger.pool,
	share numeric NOT NULL CONSTRAINT guest_share_share_check CHECK (share BETWEEN 0 AND 1),
	valid tstzrange NOT NULL DEFAULT '(,)',
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT guest_share_valid_check CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE),
	CONSTRAINT guest_share_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	CONSTRAINT guest_share_excl EXCLUDE USING gist (int8range(pool, pool, '[]') WITH =, valid WITH &&, recorded WITH &&)
);
COMMENT ON TABLE compute_ledger.guest_share IS 'The largest share of a pool that guests may hold together, and when; where there is no row guests are not limited. Guests are the accounts outside the subtree of the pool''s host.';
COMMENT ON COLUMN compute_ledger.guest_share.pool IS 'the pool';
COMMENT ON COLUMN compute_ledger.guest_share.share IS 'share, 0 to 1, of what can be booked at the instant, rounded down to the pool''s granule';
COMMENT ON COLUMN compute_ledger.guest_share.valid IS 'when';
COMMENT ON COLUMN compute_ledger.guest_share.recorded IS 'when the ledger held the row to be true; without an end: it still does';

CREATE INDEX guest_share_pool_idx ON compute_ledger.guest_share (pool, coalesce(upper(valid), 'infinity'::timestamptz)) WHERE upper_inf(recorded);

CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.guest_share
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('pool');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.guest_share
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON compute_ledger.guest_share
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.guest_share
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.guest_share
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

CREATE POLICY visible ON compute_ledger.guest_share FOR SELECT USING (true);
