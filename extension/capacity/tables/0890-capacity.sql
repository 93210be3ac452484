CREATE TABLE compute_ledger.capacity (
	region integer NOT NULL REFERENCES compute_ledger.region,
	accelerator compute_ledger.accelerator NOT NULL,
	devices numeric NOT NULL CHECK (devices >= 0 AND devices <= 1000000000),
	share integer CHECK (share BETWEEN 1 AND 1680000),
	valid tstzrange NOT NULL CHECK (NOT lower_inf(valid)),
	source text,
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	partition text COLLATE "C" NOT NULL DEFAULT '',
	pool bigint NOT NULL REFERENCES compute_ledger.pool,
	CONSTRAINT capacity_valid_check1 CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE),
	CONSTRAINT capacity_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	CONSTRAINT capacity_valid_excl EXCLUDE USING gist (int8range(pool, pool, '[]') WITH =, valid WITH &&, recorded WITH &&)
);
COMMENT ON TABLE compute_ledger.capacity IS 'how many devices of a kind there are in a region, or in a partition of it, and when: what a centre has, the denominator of utilisation; what of it can be booked is in pool_offer. Change it with INSERT, UPDATE and DELETE: what is replaced stays, with the time until which it was held to be true.';
COMMENT ON COLUMN compute_ledger.capacity.region IS 'where the devices are; usage counts against the capacity of the same region';
COMMENT ON COLUMN compute_ledger.capacity.accelerator IS 'the chip, as usage is identified; usage counts against the capacity of the same chip, and MIG slices, of either, as their share of it';
COMMENT ON COLUMN compute_ledger.capacity.devices IS 'number of devices, or of MIG slices, in service';
COMMENT ON COLUMN compute_ledger.capacity.share IS 'the part of a device that one of devices is, in 1/1,680,000: device_share(accelerator) when the row was written; set by the ledger; NULL: not known';
COMMENT ON COLUMN compute_ledger.capacity.valid IS 'when they are there; it has a start';
COMMENT ON COLUMN compute_ledger.capacity.source IS 'where the number is from';
COMMENT ON COLUMN compute_ledger.capacity.recorded IS 'when the ledger held the row to be true; without an end: it still does';
COMMENT ON COLUMN compute_ledger.capacity.partition IS 'the part of the region''s devices of this kind; empty: the only one';
COMMENT ON COLUMN compute_ledger.capacity.pool IS 'the pool of this region, accelerator and partition; set by the ledger, which makes it where there is none';

CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.capacity
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('region', 'accelerator', 'partition');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.capacity
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON compute_ledger.capacity
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid();
CREATE TRIGGER c_complete BEFORE INSERT OR UPDATE ON compute_ledger.capacity
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._capacity_complete();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.capacity
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.capacity
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
