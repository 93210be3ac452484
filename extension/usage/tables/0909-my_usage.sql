CREATE VIEW compute_ledger.my_usage WITH (security_barrier = true) AS
SELECT
	r.id, r.account, r.started_at, r.ended_at, r.recorded, r.superseded, r.region, r.revision, r.basis, r.identification, r.accelerator, r.rate,
	r.rate_recorded, r.share, r.devices, r.measure, r.number_format, r.achieved_work, r.reservation, r.reservation_name, r.source, r.source_id, r.account_name, r.region_name,
	r.accelerator_name, r.run, r.labels, r.first_recorded
FROM compute_ledger.usage_record AS r
WHERE r.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts()))
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_usage IS 'Usage of the accounts that you see, as table usage_record has it: with what was superseded, and with what goes on.';
PERFORM compute_ledger._comment_like('compute_ledger.my_usage', 'compute_ledger.usage_record');
