CREATE TABLE compute_ledger.policy_version (
	-- the key changes: FOR KEY SHARE waits for it, and a transaction with one snapshot that does not see it gets 40001
	version bigint PRIMARY KEY,
	transaction xid8,
	changed timestamptz
);
COMMENT ON TABLE compute_ledger.policy_version IS 'One row: the state of everything that an answer of screen() rests on. Whoever books locks the table against those that change it, and in a transaction with one snapshot the row FOR KEY SHARE; whoever changes policies, rules, licences, parties, flags, the trees of accounts and regions or the reference data that rules ask for changes its key first.';
COMMENT ON COLUMN compute_ledger.policy_version.version IS 'counts the changes';
COMMENT ON COLUMN compute_ledger.policy_version.transaction IS 'the transaction that made the last change';
COMMENT ON COLUMN compute_ledger.policy_version.changed IS 'recorded time of the last change: asked as of it, screen() answers as it did from then on until the next change; NULL: there was none';

INSERT INTO compute_ledger.policy_version (version) VALUES (0);

-- after a_tree: the trees are locked before
CREATE TRIGGER a_tree_policy BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.account_version
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._policy_touch();
CREATE TRIGGER a_tree_policy BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.account_merge
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._policy_touch();
CREATE TRIGGER a_tree_policy BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.region_version
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._policy_touch();

CREATE POLICY visible ON compute_ledger.policy_version FOR SELECT USING (true);
