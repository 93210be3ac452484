CREATE VIEW compute_ledger.my_reservation WITH (security_barrier = true) AS
SELECT
	r.id, r.booking, r.pool, r.account, r.request, r.booked, r.devices, r.period, r.occupies,
	CASE WHEN r.preempted_at IS NOT NULL AND compute_ledger._reservation_state(r.state, r.held_until, r.occupies, statement_timestamp()) = 'ended' THEN 'preempted'
		ELSE compute_ledger._reservation_state(r.state, r.held_until, r.occupies, statement_timestamp()) END AS state,
	r.priority, r.held_until, r.confirmed_at, r.accepted_at, r.started_at, r.ended_at, r.waited_until, r.reason, r.centre_id, r.guest, r.counts, r.notice, r.outage_credit, r.preempt_notice, r.preempted_at
FROM compute_ledger.reservation AS r
WHERE r.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts() UNION SELECT compute_ledger._bookable_accounts()))
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_reservation IS 'The reservations of the accounts that you see or book for, as table reservation has them.';
COMMENT ON COLUMN compute_ledger.my_reservation.state IS 'as in table reservation, as it is now: a hold that has run out has lapsed, and what has reached its end has ended, whether that was noted or not';
PERFORM compute_ledger._comment_like('compute_ledger.my_reservation', 'compute_ledger.reservation');
