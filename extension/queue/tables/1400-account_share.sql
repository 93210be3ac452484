CREATE TABLE compute_ledger.account_share (
	account bigint NOT NULL REFERENCES compute_ledger.account,
	shares numeric NOT NULL CONSTRAINT account_share_shares_check CHECK (shares >= 0 AND shares <= 1000000000),
	valid tstzrange NOT NULL DEFAULT '(,)',
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT account_share_valid_check CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE),
	CONSTRAINT account_share_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	CONSTRAINT account_share_excl EXCLUDE USING gist (int8range(account, account, '[]') WITH =, valid WITH &&, recorded WITH &&)
);
COMMENT ON TABLE compute_ledger.account_share IS 'What part of the compute an account is to have, against those beside it in the tree, and when; an account without a row has 1. Written by set_share(); what is replaced stays, with the time until which it was held to be true.';
COMMENT ON COLUMN compute_ledger.account_share.account IS 'the account';
COMMENT ON COLUMN compute_ledger.account_share.shares IS 'its shares: twice as many are twice the part; 0: it is served when nobody beside it waits';
COMMENT ON COLUMN compute_ledger.account_share.valid IS 'when';
COMMENT ON COLUMN compute_ledger.account_share.recorded IS 'when the ledger held the row to be true; without an end: it still does';

CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.account_share
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('account');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.account_share
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON compute_ledger.account_share
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.account_share
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.account_share
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

CREATE POLICY visible ON compute_ledger.account_share FOR SELECT USING (account IN (SELECT compute_ledger._visible_accounts()));
