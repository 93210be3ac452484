CREATE VIEW compute_ledger.open_usage WITH (security_invoker = true) AS
SELECT r.source, r.source_id, r.account_name, r.started_at, statement_timestamp() - r.started_at AS age, r.devices, r.accelerator
FROM compute_ledger.usage_record AS r
WHERE r.ended_at = 'infinity' AND r.superseded = 'infinity'
ORDER BY r.started_at, r.id;
COMMENT ON VIEW compute_ledger.open_usage IS 'Usage without an end yet, the oldest first: it is billed until a revision with an end, or a retraction, comes. check_ledger() reports what is older than usage_source.open_limit.';
COMMENT ON COLUMN compute_ledger.open_usage.source IS 'system that the record is from';
COMMENT ON COLUMN compute_ledger.open_usage.source_id IS 'name of the record in its source';
COMMENT ON COLUMN compute_ledger.open_usage.account_name IS 'name of the account as it came';
COMMENT ON COLUMN compute_ledger.open_usage.started_at IS 'start';
COMMENT ON COLUMN compute_ledger.open_usage.age IS 'time since the start';
COMMENT ON COLUMN compute_ledger.open_usage.devices IS 'number of devices';
COMMENT ON COLUMN compute_ledger.open_usage.accelerator IS 'chip or class that the name was identified as';
