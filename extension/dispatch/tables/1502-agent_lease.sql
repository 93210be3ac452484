CREATE VIEW compute_ledger.agent_lease WITH (security_invoker = true) AS
SELECT a.lease, a.reservation, a.pool, a.agent, a.taken, a.expires, a.grace_until, a.closed, a.state
FROM compute_ledger._agent_lease() AS a;
COMMENT ON VIEW compute_ledger.agent_lease IS 'Who has taken the work of the pools in an agent''s regions: the last lease of each reservation. It names no account.';
COMMENT ON COLUMN compute_ledger.agent_lease.lease IS 'number of the lease';
COMMENT ON COLUMN compute_ledger.agent_lease.pool IS 'pool of the reservation';
COMMENT ON COLUMN compute_ledger.agent_lease.grace_until IS 'until when its devices stay occupied if nobody says anything: then it is lost';
COMMENT ON COLUMN compute_ledger.agent_lease.state IS 'open; expired, and nobody has taken it again; closed';
PERFORM compute_ledger._comment_like('compute_ledger.agent_lease', 'compute_ledger.lease');
