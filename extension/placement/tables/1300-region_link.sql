CREATE TABLE compute_ledger.region_link (
	from_region integer NOT NULL REFERENCES compute_ledger.region,
	to_region integer NOT NULL REFERENCES compute_ledger.region,
	price_per_gb numeric CONSTRAINT region_link_price_per_gb_check CHECK (price_per_gb >= 0 AND price_per_gb <= 1e18),
	currency text REFERENCES compute_ledger.currency,
	gbps numeric CONSTRAINT region_link_gbps_check CHECK (gbps >= 1e-6 AND gbps <= 1e18),
	latency interval CONSTRAINT region_link_latency_check CHECK (latency >= '0' AND latency <= '36500 days'),
	source text,
	valid tstzrange NOT NULL DEFAULT '(,)',
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT region_link_currency_check CHECK ((price_per_gb IS NULL) = (currency IS NULL)),
	CONSTRAINT region_link_valid_check CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE),
	CONSTRAINT region_link_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	CONSTRAINT region_link_excl EXCLUDE USING gist (int4range(from_region, from_region, '[]') WITH =, int4range(to_region, to_region, '[]') WITH =, valid WITH &&, recorded WITH &&)
);
COMMENT ON TABLE compute_ledger.region_link IS 'What it takes to bring data from one region, with all under it, to another: price, bandwidth, latency. Of the rows that two regions are under, that of the deepest pair counts. Changed by set_region_link(), or with INSERT, UPDATE and DELETE of the rows whose recorded range is open.';
COMMENT ON COLUMN compute_ledger.region_link.from_region IS 'where the data come from';
COMMENT ON COLUMN compute_ledger.region_link.to_region IS 'where they go';
COMMENT ON COLUMN compute_ledger.region_link.price_per_gb IS 'price of a GB, 10^9 bytes, in this direction; NULL: not known, which is not 0';
COMMENT ON COLUMN compute_ledger.region_link.currency IS 'currency of price_per_gb';
COMMENT ON COLUMN compute_ledger.region_link.gbps IS 'bandwidth, in 10^9 bits a second; NULL: not known';
COMMENT ON COLUMN compute_ledger.region_link.latency IS 'time there and back; NULL: not known';
COMMENT ON COLUMN compute_ledger.region_link.source IS 'where this is from';
COMMENT ON COLUMN compute_ledger.region_link.valid IS 'when this holds';
COMMENT ON COLUMN compute_ledger.region_link.recorded IS 'when the ledger held the row to be true; without an end: it still does';

CREATE INDEX region_link_region_idx ON compute_ledger.region_link (from_region, to_region) WHERE upper_inf(recorded);

CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.region_link
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('from_region', 'to_region');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.region_link
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON compute_ledger.region_link
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.region_link
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.region_link
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

CREATE POLICY visible ON compute_ledger.region_link FOR SELECT USING (true);
