CREATE TABLE compute_ledger.usage_source (
	source text COLLATE "C" PRIMARY KEY,
	clock_tolerance interval NOT NULL DEFAULT '5 minutes'
		CONSTRAINT usage_source_clock_tolerance_check CHECK (clock_tolerance >= '0'),
	open_limit interval DEFAULT '30 days'
		CONSTRAINT usage_source_open_limit_check CHECK (open_limit > '0'),
	system text,
	time_zone text,
	unix_seconds boolean NOT NULL DEFAULT false,
	title text,
	last_batch bigint,
	number integer NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE
);
COMMENT ON TABLE compute_ledger.usage_source IS 'Systems that send usage. A source is added by itself when something from it is taken for the first time; writers of one source take turns on its row.';
COMMENT ON COLUMN compute_ledger.usage_source.source IS 'name of the source, as its records give it; empty for records that name none';
COMMENT ON COLUMN compute_ledger.usage_source.clock_tolerance IS 'how far ahead of this server''s clock a record may start or end';
COMMENT ON COLUMN compute_ledger.usage_source.open_limit IS 'how old a record without an end may become before check_ledger() reports it; NULL: any age';
COMMENT ON COLUMN compute_ledger.usage_source.system IS 'what prints the names of accelerators, as identify() takes it for its second argument; NULL: the name of the source';
COMMENT ON COLUMN compute_ledger.usage_source.time_zone IS 'name of the zone, from pg_timezone_names, in which its instants are that say none themselves; NULL: that of the session that accepts them';
COMMENT ON COLUMN compute_ledger.usage_source.unix_seconds IS 'whether it writes instants as seconds since 1970, nine to eleven digits with decimals or without; the other forms are read all the same';
COMMENT ON COLUMN compute_ledger.usage_source.title IS 'for people';
COMMENT ON COLUMN compute_ledger.usage_source.last_batch IS 'the batch that last took something from this source';
COMMENT ON COLUMN compute_ledger.usage_source.number IS 'number that usage_key has for it; like the name it stays what it is, once usage was accepted';

CREATE TRIGGER guard BEFORE INSERT OR UPDATE OF time_zone ON compute_ledger.usage_source
	FOR EACH ROW WHEN (NEW.time_zone IS NOT NULL) EXECUTE FUNCTION compute_ledger._usage_source_guard();
CREATE TRIGGER immutable BEFORE UPDATE OF source, number OR DELETE ON compute_ledger.usage_source
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._refuse_source_change();
CREATE TRIGGER immutable_truncate BEFORE TRUNCATE ON compute_ledger.usage_source
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._refuse_source_change();
CREATE TRIGGER turn BEFORE INSERT ON compute_ledger.usage_source
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._usage_source_turn();

CREATE POLICY visible ON compute_ledger.usage_source FOR SELECT USING ((SELECT compute_ledger._has_access('meter')));
