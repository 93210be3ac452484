CREATE TABLE compute_ledger.region_version (
	region integer NOT NULL REFERENCES compute_ledger.region,
	parent integer REFERENCES compute_ledger.region CHECK (parent <> region),
	level text NOT NULL CHECK (level IN ('provider', 'country', 'region', 'site')),
	title text,
	jurisdiction text REFERENCES compute_ledger.country,
	latitude numeric CHECK (latitude BETWEEN -90 AND 90),
	longitude numeric CHECK (longitude BETWEEN -180 AND 180),
	source text,
	valid tstzrange NOT NULL DEFAULT '(,)',
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT region_version_valid_check CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE),
	CONSTRAINT region_version_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	CONSTRAINT region_version_excl EXCLUDE USING gist (int4range(region, region, '[]') WITH =, valid WITH &&, recorded WITH &&)
		DEFERRABLE
);
COMMENT ON TABLE compute_ledger.region_version IS 'What is known of regions, while it is valid and as it was recorded. Changed with INSERT, UPDATE and DELETE of the rows whose recorded range is open: what they said before is kept as closed rows.';
COMMENT ON COLUMN compute_ledger.region_version.region IS 'the region';
COMMENT ON COLUMN compute_ledger.region_version.parent IS 'what it is part of; NULL at the top';
COMMENT ON COLUMN compute_ledger.region_version.level IS 'provider, country, region or site; a parent''s level is above its own';
COMMENT ON COLUMN compute_ledger.region_version.title IS 'name for people';
COMMENT ON COLUMN compute_ledger.region_version.jurisdiction IS 'country whose law holds there, ISO 3166-1 alpha-2; NULL: not one, or not known';
COMMENT ON COLUMN compute_ledger.region_version.latitude IS 'degrees north';
COMMENT ON COLUMN compute_ledger.region_version.longitude IS 'degrees east';
COMMENT ON COLUMN compute_ledger.region_version.source IS 'where this is from';
COMMENT ON COLUMN compute_ledger.region_version.valid IS 'when this holds';
COMMENT ON COLUMN compute_ledger.region_version.recorded IS 'when the ledger knew it; set by the ledger';

CREATE INDEX region_version_region_idx ON compute_ledger.region_version (region);
CREATE INDEX region_version_parent_idx ON compute_ledger.region_version (parent) WHERE upper_inf(recorded);

CREATE TRIGGER a_tree BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.region_version
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._tree_touch('region');
CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.region_version
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('region');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.region_version
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON compute_ledger.region_version
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.region_version
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.region_version
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

CREATE POLICY visible ON compute_ledger.region_version FOR SELECT USING (true);
