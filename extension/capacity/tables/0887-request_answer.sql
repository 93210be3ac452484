CREATE TABLE compute_ledger.request_answer (
	scope text COLLATE "C" NOT NULL,
	request text COLLATE "C" NOT NULL,
	digest bytea NOT NULL,
	answer jsonb NOT NULL,
	recorded timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (scope, request)
);
COMMENT ON TABLE compute_ledger.request_answer IS 'What was answered to calls that carry an id of the caller''s: the same call again gets the same answer, another one under that id is an error. A call that is refused leaves no row.';
COMMENT ON COLUMN compute_ledger.request_answer.scope IS 'whose ids these are: account:NUMBER or region:NUMBER';
COMMENT ON COLUMN compute_ledger.request_answer.request IS 'the caller''s id';
COMMENT ON COLUMN compute_ledger.request_answer.digest IS 'SHA-256 of what the call said';
COMMENT ON COLUMN compute_ledger.request_answer.answer IS 'the answer';
COMMENT ON COLUMN compute_ledger.request_answer.recorded IS 'when it was answered';

CREATE POLICY visible ON compute_ledger.request_answer FOR SELECT USING (false);
