CREATE VIEW compute_ledger.agent_reservation WITH (security_invoker = true) AS
SELECT a.reservation, a.booking, a.pool, a.devices, a.period, a.state, a.held_until, a.accepted_at, a.centre_id, a.started_at, a.preempted_at
FROM compute_ledger._agent_reservation() AS a;
COMMENT ON VIEW compute_ledger.agent_reservation IS 'What an agent is to answer and to carry out: reservations of the pools in its regions that take up some of them from now on, or are running still, and those that it has accepted and that were given up before their end. It names no account.';
COMMENT ON COLUMN compute_ledger.agent_reservation.reservation IS 'number of the reservation';
COMMENT ON COLUMN compute_ledger.agent_reservation.state IS 'as it is now: a hold that has run out has lapsed';
PERFORM compute_ledger._comment_like('compute_ledger.agent_reservation', 'compute_ledger.reservation');
