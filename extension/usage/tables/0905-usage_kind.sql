-- Never partitioned, and never emptied: it says of every record, and of those in months that were detached, what they are of.
CREATE TABLE compute_ledger.usage_kind (
	number integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	region integer NOT NULL,
	basis integer NOT NULL,
	share integer,
	accelerator compute_ledger.accelerator NOT NULL,
	rate compute_ledger.compute_rate,
	rate_recorded timestamptz,
	measure text COLLATE "C" NOT NULL,
	number_format text COLLATE "C",
	source text COLLATE "C" NOT NULL,
	region_name text NOT NULL,
	accelerator_name text NOT NULL,
	digest bytea NOT NULL CONSTRAINT usage_kind_digest_key UNIQUE,
	CONSTRAINT usage_kind_basis_check CHECK (compute_ledger.basis_code(rate) = basis),
	CONSTRAINT usage_kind_share_check CHECK (share BETWEEN 1 AND 1680000),
	CONSTRAINT usage_kind_measure_check CHECK (measure IN ('allocated', 'reserved', 'used', 'forgone', 'preemptible'))
);
COMMENT ON TABLE compute_ledger.usage_kind IS 'What usage was of, one row for each combination that was ever accepted: a source''s name of an accelerator, a region and a measure, with what they meant and counted for then. accept_usage() and its like add to it; nothing is changed or taken away.';
COMMENT ON COLUMN compute_ledger.usage_kind.number IS 'number, _usage_record.kind';
COMMENT ON COLUMN compute_ledger.usage_kind.region IS 'region where';
COMMENT ON COLUMN compute_ledger.usage_kind.basis IS 'code of the basis that rate is in';
COMMENT ON COLUMN compute_ledger.usage_kind.share IS 'the part of a device that one of devices was when it was accepted, in 1/1,680,000: less than all of it for a MIG slice and for a vGPU; NULL: not known, of a slice of a device of which it was not known how many it is divided into, or of a vGPU of a card whose memory was not';
COMMENT ON COLUMN compute_ledger.usage_kind.accelerator IS 'chip or class that the name was identified as when it was accepted';
COMMENT ON COLUMN compute_ledger.usage_kind.rate IS 'what one of devices counted for in the basis when it was accepted; NULL: no rate was known';
COMMENT ON COLUMN compute_ledger.usage_kind.rate_recorded IS 'since when this database had held the row true that the rate is from: lower(recorded) of accelerator_peak or basis_factor; NULL without a rate';
COMMENT ON COLUMN compute_ledger.usage_kind.measure IS 'reserved, allocated or used; forgone: what was reserved and given up too late, or not taken, and preemptible: what was reserved and gives way to others; these of source compute_ledger only';
COMMENT ON COLUMN compute_ledger.usage_kind.number_format IS 'number format that was computed in; NULL: not known';
COMMENT ON COLUMN compute_ledger.usage_kind.source IS 'system that the record is from, first part of the key';
COMMENT ON COLUMN compute_ledger.usage_kind.region_name IS 'name of the region as it came';
COMMENT ON COLUMN compute_ledger.usage_kind.accelerator_name IS 'name of the accelerator as it came';
COMMENT ON COLUMN compute_ledger.usage_kind.digest IS 'the first 16 bytes of the SHA-256 of the other columns but number, as values, by which the row is found: NULLs may be among them, and names be longer than an index takes';

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON compute_ledger.usage_kind
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._refuse_usage_change();
CREATE TRIGGER immutable_truncate BEFORE TRUNCATE ON compute_ledger.usage_kind
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._refuse_usage_change();

-- it says nothing of accounts
CREATE POLICY visible ON compute_ledger.usage_kind FOR SELECT USING (true);
