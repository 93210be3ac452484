CREATE TABLE compute_ledger.tree_change (
	tree text PRIMARY KEY CHECK (tree IN ('account', 'region')),
	transaction xid8,
	changed timestamptz
);
COMMENT ON TABLE compute_ledger.tree_change IS 'One row for each tree, locked by the transaction that changes it.';
COMMENT ON COLUMN compute_ledger.tree_change.tree IS 'the tree: account or region';
COMMENT ON COLUMN compute_ledger.tree_change.transaction IS 'the transaction that changes it now; NULL in what is committed';
COMMENT ON COLUMN compute_ledger.tree_change.changed IS 'recorded time of the last change';

CREATE CONSTRAINT TRIGGER tree_check AFTER UPDATE ON compute_ledger.tree_change
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.transaction IS NOT NULL)
	EXECUTE FUNCTION compute_ledger._tree_check();

INSERT INTO compute_ledger.tree_change (tree) VALUES ('account'), ('region');
