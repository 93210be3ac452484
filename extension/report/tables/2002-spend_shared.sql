CREATE TABLE compute_ledger.spend_shared (
	close bigint NOT NULL,
	key text COLLATE "C" NOT NULL REFERENCES compute_ledger.spend_key,
	complete boolean NOT NULL,
	stale boolean NOT NULL DEFAULT false,
	PRIMARY KEY (close, key)
);
COMMENT ON TABLE compute_ledger.spend_shared IS 'Which closings'' charges have been shared out by which keys. Written by refresh_rollups().';
COMMENT ON COLUMN compute_ledger.spend_shared.close IS 'the closing';
COMMENT ON COLUMN compute_ledger.spend_shared.key IS 'the key';
COMMENT ON COLUMN compute_ledger.spend_shared.complete IS 'whether the records were there then; if they were detached, nothing has a value, and the closing is shared out again once they are attached';
COMMENT ON COLUMN compute_ledger.spend_shared.stale IS 'whether a rule has changed since, so that the next refresh shares the closing out anew';
