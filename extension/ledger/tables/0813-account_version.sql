CREATE TABLE compute_ledger.account_version (
	account bigint NOT NULL REFERENCES compute_ledger.account,
	parent bigint REFERENCES compute_ledger.account CHECK (parent <> account),
	kind text NOT NULL DEFAULT 'customer' CHECK (kind IN ('customer', 'provider', 'internal')),
	title text,
	jurisdiction text REFERENCES compute_ledger.country,
	jurisdiction_verified boolean NOT NULL DEFAULT false CHECK (NOT (jurisdiction_verified AND jurisdiction IS NULL)),
	time_zone text,
	currency text REFERENCES compute_ledger.currency,
	calendar bigint REFERENCES compute_ledger.billing_calendar,
	valid tstzrange NOT NULL DEFAULT '(,)',
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT account_version_root_check CHECK (parent IS NOT NULL OR (time_zone IS NOT NULL AND currency IS NOT NULL)),
	CONSTRAINT account_version_valid_check CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE),
	CONSTRAINT account_version_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	CONSTRAINT account_version_excl EXCLUDE USING gist (int8range(account, account, '[]') WITH =, valid WITH &&, recorded WITH &&)
		DEFERRABLE
);
COMMENT ON TABLE compute_ledger.account_version IS 'What is known of accounts, while it is valid and as it was recorded. Changed with INSERT, UPDATE and DELETE of the rows whose recorded range is open: what they said before is kept as closed rows. The tree is checked at the end of the transaction.';
COMMENT ON COLUMN compute_ledger.account_version.account IS 'the account';
COMMENT ON COLUMN compute_ledger.account_version.parent IS 'the account it belongs to; NULL for the root of a tree';
COMMENT ON COLUMN compute_ledger.account_version.kind IS 'customer, provider or internal';
COMMENT ON COLUMN compute_ledger.account_version.title IS 'name for people';
COMMENT ON COLUMN compute_ledger.account_version.jurisdiction IS 'country whose law it is under, ISO 3166-1 alpha-2; NULL: not known';
COMMENT ON COLUMN compute_ledger.account_version.jurisdiction_verified IS 'whether the jurisdiction was verified, and not only stated';
COMMENT ON COLUMN compute_ledger.account_version.time_zone IS 'zone whose days its charges are for, a name from pg_timezone_names; NULL: its parent''s';
COMMENT ON COLUMN compute_ledger.account_version.currency IS 'currency it is billed in if it pays; NULL: its parent''s';
COMMENT ON COLUMN compute_ledger.account_version.calendar IS 'billing calendar, if this account is billed for itself and for what is under it; NULL: its parent is, or, for a root, it is billed by the calendar months of its zone';
COMMENT ON COLUMN compute_ledger.account_version.valid IS 'when this holds';
COMMENT ON COLUMN compute_ledger.account_version.recorded IS 'when the ledger knew it; set by the ledger';

CREATE INDEX account_version_account_idx ON compute_ledger.account_version (account);
CREATE INDEX account_version_parent_idx ON compute_ledger.account_version (parent) WHERE upper_inf(recorded);
CREATE INDEX account_version_recorded_idx ON compute_ledger.account_version (lower(recorded));
CREATE INDEX account_version_closed_idx ON compute_ledger.account_version (upper(recorded)) WHERE NOT upper_inf(recorded);

CREATE TRIGGER a_tree BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.account_version
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._tree_touch('account');
CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.account_version
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('account');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.account_version
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON compute_ledger.account_version
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.account_version
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.account_version
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

CREATE POLICY visible ON compute_ledger.account_version FOR SELECT USING (account IN (SELECT compute_ledger._visible_accounts()));
