CREATE TABLE compute_ledger.ledger_version (
	step integer PRIMARY KEY CHECK (step > 0),
	extension_version text NOT NULL,
	made_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
	made_by name NOT NULL
);
COMMENT ON TABLE compute_ledger.ledger_version IS 'the steps that made this ledger what it is';
COMMENT ON COLUMN compute_ledger.ledger_version.step IS 'number of the step';
COMMENT ON COLUMN compute_ledger.ledger_version.extension_version IS 'version of the extension that took it';
COMMENT ON COLUMN compute_ledger.ledger_version.made_at IS 'when it was taken';
COMMENT ON COLUMN compute_ledger.ledger_version.made_by IS 'who called create_ledger()';

CREATE POLICY visible ON compute_ledger.ledger_version FOR SELECT USING (true);
