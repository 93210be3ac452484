-- Records as they are read.  Where nothing of a kind is asked for, the planner leaves usage_kind out, as it may with a left
-- join to a unique key.
CREATE VIEW compute_ledger.usage_record WITH (security_invoker = true) AS
SELECT
	r.id, r.account, r.started_at, r.ended_at, r.recorded, r.superseded, r.batch, k.region, r.revision, k.basis, r.identification, k.accelerator, k.rate, k.rate_recorded,
	k.share, r.devices, k.measure, k.number_format, r.achieved_work, r.reservation, r.reservation_name, k.source, r.source_id, r.account_name, k.region_name,
	k.accelerator_name, r.run, r.labels, r.first_recorded
FROM compute_ledger._usage_record AS r
LEFT JOIN compute_ledger.usage_kind AS k ON k.number = r.kind;
ALTER VIEW compute_ledger.usage_record ALTER COLUMN id SET DEFAULT nextval('compute_ledger.usage_record_id_seq');
ALTER VIEW compute_ledger.usage_record ALTER COLUMN recorded SET DEFAULT compute_ledger._ledger_stamp();
ALTER VIEW compute_ledger.usage_record ALTER COLUMN superseded SET DEFAULT 'infinity';
ALTER VIEW compute_ledger.usage_record ALTER COLUMN identification SET DEFAULT 0;
ALTER VIEW compute_ledger.usage_record ALTER COLUMN share SET DEFAULT 1680000;
COMMENT ON VIEW compute_ledger.usage_record IS 'Usage that was accepted, one row a revision (and one more each time it is identified anew). What was known as of an instant t: recorded <= t AND t < superseded. Never changed but for superseded.';
PERFORM compute_ledger._comment_like('compute_ledger.usage_record', 'compute_ledger._usage_record');
PERFORM compute_ledger._comment_like('compute_ledger.usage_record', 'compute_ledger.usage_kind');

CREATE TRIGGER immutable INSTEAD OF UPDATE OR DELETE ON compute_ledger.usage_record
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._refuse_usage_change();
-- for what the owner brings in by hand
CREATE TRIGGER kind INSTEAD OF INSERT ON compute_ledger.usage_record
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._insert_usage_record();
