CREATE TABLE compute_ledger.rollup_state (
	single boolean PRIMARY KEY DEFAULT true CHECK (single),
	as_of timestamptz NOT NULL DEFAULT '-infinity',
	parts oid[] NOT NULL DEFAULT '{}',
	refreshed_at timestamptz,
	refreshed_by name
);
COMMENT ON TABLE compute_ledger.rollup_state IS 'what the rollups show: one row, written by refresh_rollups()';
COMMENT ON COLUMN compute_ledger.rollup_state.single IS 'there is one row';
COMMENT ON COLUMN compute_ledger.rollup_state.as_of IS 'the recorded time that the rollups show: what was recorded later is not in them, and usage without an end yet counts up to here; -infinity before the first refresh';
COMMENT ON COLUMN compute_ledger.rollup_state.parts IS 'the partitions of usage_record that there were then: after one has gone, or one with earlier records has come, everything is computed anew';
COMMENT ON COLUMN compute_ledger.rollup_state.refreshed_at IS 'when refresh_rollups() was last run';
COMMENT ON COLUMN compute_ledger.rollup_state.refreshed_by IS 'by whom';

INSERT INTO compute_ledger.rollup_state DEFAULT VALUES;

CREATE POLICY visible ON compute_ledger.rollup_state FOR SELECT USING (true);
