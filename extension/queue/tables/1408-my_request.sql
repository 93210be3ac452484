CREATE VIEW compute_ledger.my_request WITH (security_barrier = true) AS
SELECT
	r.id, r.account, r.asked, r.devices, r.band, r.request, r.submitted,
	compute_ledger._request_state(r.state, (SELECT compute_ledger._reservation_state(b.state, b.held_until, b.occupies, statement_timestamp())
		FROM compute_ledger.reservation AS b WHERE b.booking = r.booking ORDER BY b.id LIMIT 1)) AS state,
	q.place, r.pool, r.planned, r.first_planned, r.latest, r.fixed, compute_ledger._waits_for(r.state, r.devices, r.not_before, r.pool, r.planned, r.turn) AS waits_for,
	r.moved, r.moved_at, r.booking, r.placed_at, r.cancelled_at, r.reason
FROM compute_ledger.request AS r
LEFT JOIN (SELECT o.id, row_number() OVER (ORDER BY o.band DESC, o.turn, o.submitted, o.id) AS place FROM compute_ledger.request AS o WHERE o.state = 'queued') AS q ON q.id = r.id
WHERE r.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts() UNION SELECT compute_ledger._bookable_accounts()))
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_request IS 'The requests to the queue of the accounts that you see or book for.';
COMMENT ON COLUMN compute_ledger.my_request.state IS 'queued, cancelled, or, once it has a booking, placed, running, or what has become of that';
COMMENT ON COLUMN compute_ledger.my_request.place IS 'place among all that wait; NULL: it does not wait';
COMMENT ON COLUMN compute_ledger.my_request.waits_for IS 'what it waits for';
PERFORM compute_ledger._comment_like('compute_ledger.my_request', 'compute_ledger.request');
