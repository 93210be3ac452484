CREATE VIEW compute_ledger.ledger_health WITH (security_invoker = true) AS
SELECT h.measure, h.label, h.value, h.detail
FROM compute_ledger._ledger_health() AS h;
COMMENT ON VIEW compute_ledger.ledger_health IS 'What whoever runs the ledger watches, a row a figure, now: how far recorded time is behind the clock, what waits in the inbox, what was rejected, has no price or no end, how old the rollups are, what waits in the queue, which pools and leases are in doubt, and what is to be made or closed. It reads what waits and what is open, never all records. For meters, billers, auditors and admins.';
COMMENT ON COLUMN compute_ledger.ledger_health.measure IS 'name of the figure, with its unit where that is no count';
COMMENT ON COLUMN compute_ledger.ledger_health.label IS 'of a figure that has several rows: of which part it is, an SQLSTATE or an age';
COMMENT ON COLUMN compute_ledger.ledger_health.value IS 'the figure; NULL: there is nothing that it could be of, as there is no oldest record of none';
COMMENT ON COLUMN compute_ledger.ledger_health.detail IS 'which it is, for people: who holds the watermark, the oldest record, the first period';
