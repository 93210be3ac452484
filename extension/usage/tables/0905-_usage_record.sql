-- Not an identity column: from PostgreSQL 17 on a table with one cannot be attached.
CREATE SEQUENCE compute_ledger.usage_record_id_seq;
COMMENT ON SEQUENCE compute_ledger.usage_record_id_seq IS 'ids of usage_record';
CREATE TABLE compute_ledger._usage_record (
	id bigint NOT NULL DEFAULT nextval('compute_ledger.usage_record_id_seq'),
	account bigint NOT NULL,
	started_at timestamptz NOT NULL,
	ended_at timestamptz NOT NULL,
	recorded timestamptz NOT NULL DEFAULT compute_ledger._ledger_stamp(),
	superseded timestamptz NOT NULL DEFAULT 'infinity',
	batch bigint NOT NULL,
	kind integer NOT NULL,
	revision integer NOT NULL,
	identification integer NOT NULL DEFAULT 0,
	devices numeric NOT NULL,
	achieved_work compute_ledger.compute_unit,
	reservation bigint,
	reservation_name text,
	source_id text COLLATE "C" NOT NULL,
	account_name text NOT NULL,
	run text,
	labels jsonb,
	first_recorded timestamptz,
	PRIMARY KEY (id, started_at),
	CONSTRAINT usage_record_period_check CHECK (started_at < ended_at AND started_at > '-infinity'),
	CONSTRAINT usage_record_recorded_check CHECK (recorded <= superseded),
	CONSTRAINT usage_record_first_recorded_check CHECK ((identification = 0) = (first_recorded IS NULL)),
	CONSTRAINT usage_record_devices_check CHECK (devices > 0 AND devices <= 1000000000)
) PARTITION BY RANGE (started_at);
ALTER SEQUENCE compute_ledger.usage_record_id_seq OWNED BY compute_ledger._usage_record.id;
COMMENT ON TABLE compute_ledger._usage_record IS 'what usage_record shows, without what usage_kind has of it, one partition a month (UTC) of the start. Never changed but for superseded.';
COMMENT ON COLUMN compute_ledger._usage_record.id IS 'number of the row; in a batch, in the order of the inbox (of usage_rejected, when it is retried), by which rating tells records apart that start at the same time';
COMMENT ON COLUMN compute_ledger._usage_record.account IS 'account that used it';
COMMENT ON COLUMN compute_ledger._usage_record.started_at IS 'start, included';
COMMENT ON COLUMN compute_ledger._usage_record.ended_at IS 'end, excluded; infinity: none is known yet';
COMMENT ON COLUMN compute_ledger._usage_record.recorded IS 'from when on this revision counted; for one that came after a higher revision, when it came';
COMMENT ON COLUMN compute_ledger._usage_record.superseded IS 'from when on a higher revision, or the same identified anew, counted; infinity: it still does; the same as recorded: it never did';
COMMENT ON COLUMN compute_ledger._usage_record.batch IS 'batch in which it was accepted';
COMMENT ON COLUMN compute_ledger._usage_record.kind IS 'what was used, where and by what it counts, in usage_kind';
COMMENT ON COLUMN compute_ledger._usage_record.revision IS 'revision, third part of the key';
COMMENT ON COLUMN compute_ledger._usage_record.identification IS '0: as it was identified when it was accepted; n: for the n-th time anew, by reidentify(), which supersedes the row before';
COMMENT ON COLUMN compute_ledger._usage_record.devices IS 'number of devices, or of MIG slices';
COMMENT ON COLUMN compute_ledger._usage_record.achieved_work IS 'work that was really done; NULL: not known';
COMMENT ON COLUMN compute_ledger._usage_record.reservation IS 'number of the reservation that it ran in, or, of source compute_ledger, that it is of; NULL: none';
COMMENT ON COLUMN compute_ledger._usage_record.reservation_name IS 'the reservation as it came';
COMMENT ON COLUMN compute_ledger._usage_record.source_id IS 'name of the record in its source, second part of the key';
COMMENT ON COLUMN compute_ledger._usage_record.account_name IS 'name of the account as it came';
COMMENT ON COLUMN compute_ledger._usage_record.run IS 'what it was used for';
COMMENT ON COLUMN compute_ledger._usage_record.labels IS 'anything else: an object';
COMMENT ON COLUMN compute_ledger._usage_record.first_recorded IS 'of a row that was identified anew, when the first one of its revision was recorded; NULL: recorded says it';

-- rating, and every question about an account
CREATE INDEX usage_record_account_idx ON compute_ledger._usage_record (account, started_at);
-- what a reservation is charged for, and what draws on it; few
CREATE INDEX usage_record_reservation_idx ON compute_ledger._usage_record (reservation) WHERE reservation IS NOT NULL;
-- what came since, for late usage: rows lie in the order in which they were recorded
CREATE INDEX usage_record_times_idx ON compute_ledger._usage_record USING brin (recorded, ended_at) WITH (pages_per_range = 32);
-- what ceased to count since; few
CREATE INDEX usage_record_superseded_idx ON compute_ledger._usage_record (superseded) WHERE superseded < 'infinity';
-- what goes on; few
CREATE INDEX usage_record_open_idx ON compute_ledger._usage_record (started_at) WHERE ended_at = 'infinity' AND superseded = 'infinity';
-- what the ledger made of reservations, which may go on, and what names them
CREATE INDEX usage_record_own_idx ON compute_ledger._usage_record (ended_at) WHERE reservation IS NOT NULL;

-- every partition has this one, and one against TRUNCATE of its own
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON compute_ledger._usage_record
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._refuse_usage_change('superseded');
CREATE TRIGGER immutable_truncate BEFORE TRUNCATE ON compute_ledger._usage_record
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._refuse_usage_change('superseded');

CREATE POLICY visible ON compute_ledger._usage_record FOR SELECT USING (account IN (SELECT compute_ledger._visible_accounts()));
