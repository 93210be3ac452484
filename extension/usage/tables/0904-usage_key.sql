-- Columns in an order that leaves no gaps; no more than eight of them, so that NULLs take no room either.
CREATE TABLE compute_ledger.usage_key (
	record bigint,
	source integer NOT NULL,
	month smallint,
	digest bytea NOT NULL,
	key bytea NOT NULL,
	batch bigint,
	PRIMARY KEY (source, key),
	CONSTRAINT usage_key_record_check CHECK ((record IS NULL) = (month IS NULL) AND (record IS NULL) = (batch IS NOT NULL))
);
COMMENT ON TABLE compute_ledger.usage_key IS 'Every revision of every record that was ever accepted. Not partitioned: it outlives the months of usage_record.';
COMMENT ON COLUMN compute_ledger.usage_key.record IS 'id of its row in usage_record, the last one if it was identified anew; NULL: it is a retraction, which takes the record back';
COMMENT ON COLUMN compute_ledger.usage_key.source IS 'number of the system that the record is from, of usage_source';
COMMENT ON COLUMN compute_ledger.usage_key.month IS 'month (UTC) in which that row starts, which tells its partition, counted from January 2000; NULL for a retraction';
COMMENT ON COLUMN compute_ledger.usage_key.digest IS 'the first 16 bytes of the SHA-256 of what the revision says, as values and not as text: usage_digest(); of a retraction, of the word retracted';
COMMENT ON COLUMN compute_ledger.usage_key.key IS 'name of the record in its source, which usage_record has as text, and revision: one more than its length and its bytes in UTF-8 up to 32; of a longer one a 0 and the 16 bytes of the UUID that it is, or a 1 and the 32 of its SHA-256, as of one that has no form in UTF-8; then the four bytes of the revision, unless it is 0, of which the highest is the one that counts';
COMMENT ON COLUMN compute_ledger.usage_key.batch IS 'batch in which a retraction was accepted; NULL for a record, whose row says it';

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON compute_ledger.usage_key
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._refuse_usage_change('record');
CREATE TRIGGER immutable_truncate BEFORE TRUNCATE ON compute_ledger.usage_key
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._refuse_usage_change('record');

-- Retractions, of which there are few.
CREATE INDEX usage_key_batch_idx ON compute_ledger.usage_key (batch) WHERE record IS NULL;
