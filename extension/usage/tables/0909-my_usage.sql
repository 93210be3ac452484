-- Not over usage_record, which reads with the rights of who asks.
CREATE VIEW compute_ledger.my_usage WITH (security_barrier = true) AS
SELECT
	r.id, r.account, r.started_at, r.ended_at, r.recorded, r.superseded, k.region, r.revision, k.basis, r.identification, k.accelerator, k.rate, k.rate_recorded,
	k.share, r.devices, k.measure, k.number_format, r.achieved_work, r.reservation, r.reservation_name, k.source, r.source_id, r.account_name, k.region_name,
	k.accelerator_name, r.run, r.labels, r.first_recorded
FROM compute_ledger._usage_record AS r
LEFT JOIN compute_ledger.usage_kind AS k ON k.number = r.kind
WHERE r.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts()))
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_usage IS 'Usage of the accounts that you see, as view usage_record has it: with what was superseded, and with what goes on.';
PERFORM compute_ledger._comment_like('compute_ledger.my_usage', 'compute_ledger.usage_record');
