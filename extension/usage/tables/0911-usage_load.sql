CREATE TABLE compute_ledger.usage_load (
	digest bytea CHECK (octet_length(digest) = 32),
	file text NOT NULL,
	first_line bigint NOT NULL,
	last_line bigint NOT NULL,
	batches bigint[],
	loaded_by name NOT NULL DEFAULT session_user,
	recorded timestamptz NOT NULL DEFAULT compute_ledger._ledger_stamp(),
	PRIMARY KEY (digest, loaded_by),
	CONSTRAINT usage_load_lines_check CHECK (0 < first_line AND first_line <= last_line)
);
COMMENT ON TABLE compute_ledger.usage_load IS 'Chunks of files that compute-ledger load has loaded, each noted in the transaction that loaded it. A load that is run again by the same role goes on after them; what others have noted it does not rely on. Rows may be deleted: what is loaded again then is duplicates, by the keys of its records.';
COMMENT ON COLUMN compute_ledger.usage_load.digest IS 'SHA-256 of the file up to the end of the chunk, chunk by chunk, and of how it is read';
COMMENT ON COLUMN compute_ledger.usage_load.file IS 'what the file was called';
COMMENT ON COLUMN compute_ledger.usage_load.first_line IS 'first line of the chunk';
COMMENT ON COLUMN compute_ledger.usage_load.last_line IS 'its last line';
COMMENT ON COLUMN compute_ledger.usage_load.batches IS 'batches that took its rows, in the order of the names of their sources; NULL: it was only put into the inbox';
COMMENT ON COLUMN compute_ledger.usage_load.loaded_by IS 'role whose session loaded it';
COMMENT ON COLUMN compute_ledger.usage_load.recorded IS 'when it was recorded';

CREATE POLICY visible ON compute_ledger.usage_load FOR SELECT USING ((SELECT compute_ledger._has_access('meter')));
