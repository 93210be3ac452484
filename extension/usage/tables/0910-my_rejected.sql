CREATE VIEW compute_ledger.my_rejected WITH (security_barrier = true) AS
SELECT
	r.id, r.sqlstate, r.reason, r.detail, r.recorded, r.received_at, r.source, r.source_id, r.revision, r.account, r.region, r.accelerator, r.devices,
	r.started_at, r.ended_at, r.measure, r.number_format, r.achieved_work, r.run, r.labels, r.retracted, r.reservation,
	r.retried_in IS NOT NULL AS retried
FROM compute_ledger.usage_rejected AS r
WHERE r.account = ANY (ARRAY(SELECT a.name FROM compute_ledger.account AS a WHERE a.id = ANY (ARRAY(SELECT compute_ledger._visible_accounts()))))
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_rejected IS 'Records that were rejected and whose account is, to the letter, the name of one that you see, as they came, with the first reason.';
COMMENT ON COLUMN compute_ledger.my_rejected.retried IS 'whether retry_rejected() has taken it again';
PERFORM compute_ledger._comment_like('compute_ledger.my_rejected', 'compute_ledger.usage_rejected');
