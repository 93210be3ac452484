CREATE TABLE compute_ledger.account_flag (
	account bigint NOT NULL REFERENCES compute_ledger.account,
	flag text COLLATE "C" NOT NULL CONSTRAINT account_flag_flag_check CHECK (flag <> '' AND flag = btrim(flag) AND octet_length(flag) <= 1000),
	source text,
	valid tstzrange NOT NULL DEFAULT '(,)',
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT account_flag_valid_check CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE),
	CONSTRAINT account_flag_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded))
);
COMMENT ON TABLE compute_ledger.account_flag IS 'Words that rules go by, which hold for an account and all that is under it: personal-data, publicly-funded. Changed with INSERT, UPDATE and DELETE of the rows whose recorded range is open.';
COMMENT ON COLUMN compute_ledger.account_flag.account IS 'the account';
COMMENT ON COLUMN compute_ledger.account_flag.flag IS 'the word';
COMMENT ON COLUMN compute_ledger.account_flag.source IS 'where this is from';
COMMENT ON COLUMN compute_ledger.account_flag.valid IS 'when this holds';
COMMENT ON COLUMN compute_ledger.account_flag.recorded IS 'when the ledger knew it; set by the ledger';

CREATE INDEX account_flag_account_idx ON compute_ledger.account_flag (account);

CREATE TRIGGER a_policy BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.account_flag
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._policy_touch();
CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.account_flag
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('account', 'flag');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.account_flag
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON compute_ledger.account_flag
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.account_flag
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.account_flag
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

CREATE POLICY visible ON compute_ledger.account_flag FOR SELECT USING (account IN (SELECT compute_ledger._visible_accounts()));
