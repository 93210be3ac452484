CREATE TABLE compute_ledger.account_merge (
	account bigint NOT NULL REFERENCES compute_ledger.account,
	merged_into bigint NOT NULL REFERENCES compute_ledger.account CHECK (merged_into <> account),
	at timestamptz NOT NULL CHECK (isfinite(at)),
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT account_merge_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	CONSTRAINT account_merge_excl EXCLUDE USING gist (int8range(account, account, '[]') WITH =, recorded WITH &&)
);
COMMENT ON TABLE compute_ledger.account_merge IS 'Accounts that were merged into others: from then on usage under the old name is the new account''s. Written by merge_account().';
COMMENT ON COLUMN compute_ledger.account_merge.account IS 'the account that ended';
COMMENT ON COLUMN compute_ledger.account_merge.merged_into IS 'the account that its name means from then on';
COMMENT ON COLUMN compute_ledger.account_merge.at IS 'from when on';
COMMENT ON COLUMN compute_ledger.account_merge.recorded IS 'when the ledger knew it; set by the ledger';

CREATE INDEX account_merge_merged_into_idx ON compute_ledger.account_merge (merged_into);

CREATE TRIGGER a_tree BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.account_merge
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._tree_touch('account');
CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.account_merge
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('account');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.account_merge
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.account_merge
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.account_merge
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

CREATE POLICY visible ON compute_ledger.account_merge FOR SELECT USING (account IN (SELECT compute_ledger._visible_accounts()));
