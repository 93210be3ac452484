CREATE TABLE compute_ledger.account_party (
	account bigint NOT NULL REFERENCES compute_ledger.account,
	title text,
	headquarters text REFERENCES compute_ledger.country,
	parent text,
	parent_headquarters text REFERENCES compute_ledger.country,
	verified boolean NOT NULL DEFAULT false,
	subtree boolean NOT NULL DEFAULT false,
	source text,
	valid tstzrange NOT NULL DEFAULT '(,)',
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT account_party_valid_check CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE),
	CONSTRAINT account_party_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	CONSTRAINT account_party_excl EXCLUDE USING gist (int8range(account, account, '[]') WITH =, valid WITH &&, recorded WITH &&)
		DEFERRABLE
);
COMMENT ON TABLE compute_ledger.account_party IS 'Who is behind an account, and when: the legal entity, and the one at the top of those that own it. The tree of owners is not the tree of accounts. Changed with INSERT, UPDATE and DELETE of the rows whose recorded range is open.';
COMMENT ON COLUMN compute_ledger.account_party.account IS 'the account';
COMMENT ON COLUMN compute_ledger.account_party.title IS 'name of the legal entity, for people';
COMMENT ON COLUMN compute_ledger.account_party.headquarters IS 'country of its headquarters, ISO 3166-1 alpha-2; NULL: not known';
COMMENT ON COLUMN compute_ledger.account_party.parent IS 'name of its ultimate parent, for people';
COMMENT ON COLUMN compute_ledger.account_party.parent_headquarters IS 'country of the headquarters of its ultimate parent; of a party that has no parent, its own; NULL: not known, which is not the same';
COMMENT ON COLUMN compute_ledger.account_party.verified IS 'whether this was verified, and not only stated';
COMMENT ON COLUMN compute_ledger.account_party.subtree IS 'whether the accounts under it that have no row of their own are of the same party; a reseller''s are not';
COMMENT ON COLUMN compute_ledger.account_party.source IS 'where this is from';
COMMENT ON COLUMN compute_ledger.account_party.valid IS 'when this holds';
COMMENT ON COLUMN compute_ledger.account_party.recorded IS 'when the ledger knew it; set by the ledger';

CREATE INDEX account_party_account_idx ON compute_ledger.account_party (account);

CREATE TRIGGER a_policy BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.account_party
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._policy_touch();
CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.account_party
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('account');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.account_party
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON compute_ledger.account_party
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid();
CREATE TRIGGER c_guard BEFORE INSERT OR UPDATE ON compute_ledger.account_party
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._party_guard();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.account_party
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.account_party
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

CREATE POLICY visible ON compute_ledger.account_party FOR SELECT USING (account IN (SELECT compute_ledger._visible_accounts()));
