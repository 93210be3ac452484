CREATE TABLE compute_ledger.usage_key (
	source text COLLATE "C" NOT NULL,
	source_id text COLLATE "C" NOT NULL,
	revision integer NOT NULL CHECK (revision >= 0),
	digest bytea NOT NULL,
	record bigint,
	started_at timestamptz,
	retracted boolean NOT NULL,
	batch bigint NOT NULL,
	recorded timestamptz NOT NULL DEFAULT compute_ledger._ledger_stamp(),
	PRIMARY KEY (source, source_id, revision),
	CONSTRAINT usage_key_record_check CHECK (retracted = (record IS NULL) AND retracted = (started_at IS NULL))
);
ALTER TABLE compute_ledger.usage_key ALTER digest SET STORAGE PLAIN;
COMMENT ON TABLE compute_ledger.usage_key IS 'Every revision of every record that was ever accepted. Not partitioned: it outlives the months of usage_record.';
COMMENT ON COLUMN compute_ledger.usage_key.source IS 'system that the record is from';
COMMENT ON COLUMN compute_ledger.usage_key.source_id IS 'name of the record in its source';
COMMENT ON COLUMN compute_ledger.usage_key.revision IS 'the highest one of a record is the one that counts';
COMMENT ON COLUMN compute_ledger.usage_key.digest IS 'SHA-256 of what the revision says, as values and not as text: usage_digest()';
COMMENT ON COLUMN compute_ledger.usage_key.record IS 'id of its row in usage_record, the last one if it was identified anew; NULL for a retraction';
COMMENT ON COLUMN compute_ledger.usage_key.started_at IS 'start of that row, which tells its partition; NULL for a retraction';
COMMENT ON COLUMN compute_ledger.usage_key.retracted IS 'whether this revision takes the record back';
COMMENT ON COLUMN compute_ledger.usage_key.batch IS 'batch in which it was accepted';
COMMENT ON COLUMN compute_ledger.usage_key.recorded IS 'when it was recorded';

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON compute_ledger.usage_key
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._refuse_usage_change('record');
CREATE TRIGGER immutable_truncate BEFORE TRUNCATE ON compute_ledger.usage_key
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._refuse_usage_change('record');
