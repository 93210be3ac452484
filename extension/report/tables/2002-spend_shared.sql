CREATE TABLE compute_ledger.spend_shared (
	close bigint NOT NULL,
	key text COLLATE "C" NOT NULL REFERENCES compute_ledger.spend_key,
	PRIMARY KEY (close, key)
);
COMMENT ON TABLE compute_ledger.spend_shared IS 'Which closings'' charges have been shared out by which keys. Written by refresh_rollups().';
COMMENT ON COLUMN compute_ledger.spend_shared.close IS 'the closing';
COMMENT ON COLUMN compute_ledger.spend_shared.key IS 'the key';
