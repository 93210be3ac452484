-- check_ledger(), goes on: requests of the queue, and what was answered to callers who gave an id.

CREATE FUNCTION _answer_scopes(account bigint) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE stood AS (
		SELECT $1 AS account
		UNION
		SELECT m.account FROM stood AS s JOIN compute_ledger.account_merge AS m ON m.merged_into = s.account
	)
	SELECT array_agg('account:' || s.account) FROM stood AS s
$$;
COMMENT ON FUNCTION _answer_scopes(bigint) IS 'part of check_ledger(): scopes of request_answer in which what an account has now may have been answered: that of the account, and of those that were merged into it';

CREATE FUNCTION _check_queue() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
BEGIN
	RETURN QUERY
	SELECT 'request', format('request %s', q.id), f.fault
	FROM compute_ledger.request AS q
	LEFT JOIN (
		-- as it was booked: what has become of it since is the reservations' matter
		SELECT r.booking, count(*) AS pieces, sum(c.devices) AS devices, min(r.account) AS account, max(r.account) AS last_account, min(lower(c.period)) AS starts, max(lower(c.period)) AS last_start,
			min(upper(c.period)) AS first_end, max(upper(c.period)) AS ends, min(r.pool) AS pool
		FROM compute_ledger.reservation AS r LEFT JOIN compute_ledger.reservation_change AS c ON c.reservation = r.id AND c.action = 'book'
		WHERE r.booking IN (SELECT o.booking FROM compute_ledger.request AS o)
		GROUP BY r.booking
	) AS b ON b.booking = q.booking
	CROSS JOIN LATERAL (VALUES
		(q.state = 'queued' AND num_nonnulls(q.booking, q.placed_at, q.cancelled_at) > 0, 'is queued, and was placed or cancelled'),
		(q.state = 'placed' AND num_nulls(q.booking, q.placed_at, q.pool, q.planned) > 0, 'is placed, and does not say where, when or by which booking'),
		((q.state = 'cancelled') <> (q.cancelled_at IS NOT NULL), format('is %s, and says that it was%s cancelled', q.state, CASE WHEN q.cancelled_at IS NOT NULL THEN '' ELSE ' not' END)),
		((q.booking IS NULL) <> (q.placed_at IS NULL), 'has a booking and was never placed, or the other way'),
		(q.booking IS NOT NULL AND b.booking IS NULL, format('has booking %s, which does not exist', q.booking)),
		(b.account <> q.account OR b.last_account <> q.account, format('is for another account than its booking, %s', q.booking)),
		(b.devices <> q.devices, format('is to have %s devices, and the %s pieces of its booking, %s, were %s', q.devices, b.pieces, q.booking, b.devices)),
		(b.starts <> b.last_start OR b.first_end <> b.ends, format('the pieces of its booking, %s, do not begin and end together', q.booking)),
		(b.booking IS NOT NULL AND tstzrange(b.starts, b.ends) <> q.planned OR b.pieces = 1 AND b.pool <> q.pool, format('was placed in pool %s for %s, and its booking, %s, was for something else', q.pool, q.planned, q.booking)),
		(EXISTS (SELECT FROM compute_ledger.request AS o WHERE o.booking = q.booking AND o.id < q.id), format('has the booking of another request, %s', q.booking)),
		((q.asked).devices <> q.devices, format('asks for %s devices, and is to have %s', (q.asked).devices, q.devices)),
	((q.pool IS NULL) <> (q.planned IS NULL), 'is planned for a time and in no pool, or the other way'),
		(q.planned IS NOT NULL AND num_nulls(q.first_planned, q.latest) > 0, 'is planned, and was never planned first'),
		(q.request IS NOT NULL AND NOT EXISTS (SELECT FROM compute_ledger.request_answer AS a
			WHERE a.scope = ANY (compute_ledger._answer_scopes(q.account)) AND a.request = q.request AND a.answer = jsonb_build_object('request', q.id)), format('its number was not the answer to request "%s"', left(q.request, 80)))
	) AS f (holds, fault)
	WHERE f.holds;

	RETURN QUERY
	SELECT 'history of requests', format('request %s', coalesce(q.id, h.request)), f.fault
	FROM compute_ledger.request AS q
	FULL JOIN (
		SELECT c.request, (array_agg(c.action ORDER BY c.id))[1] AS first, (array_agg(c.action ORDER BY c.id DESC))[1] AS last, (array_agg(c.planned ORDER BY c.id DESC))[1] AS planned,
			(array_agg(c.at ORDER BY c.id DESC))[1] AS at, (array_agg(c.at ORDER BY c.id))[1] AS submitted, (array_agg(lower(c.planned) ORDER BY c.id) FILTER (WHERE c.action IN ('plan', 'place')))[1] AS first_planned,
			count(*) FILTER (WHERE c.action = 'submit') AS submits, count(*) FILTER (WHERE c.action = 'place') AS places, count(*) FILTER (WHERE c.action = 'cancel') AS cancels
		FROM compute_ledger.request_change AS c GROUP BY c.request
	) AS h ON h.request = q.id
	CROSS JOIN LATERAL (VALUES
		(h.request IS NULL, 'has no history'),
		(q.id IS NULL, 'has a history and does not exist')
		UNION ALL SELECT v.* FROM (VALUES (h.first <> 'submit' OR h.submits <> 1 OR h.submitted <> q.submitted, format('was submitted at %s, and its history says something else', q.submitted)),
		(h.places > 1 OR h.cancels > 1 OR h.cancels = 1 AND h.last <> 'cancel' OR h.places = 1 AND h.last NOT IN ('place', 'cancel'), 'went on when it had been placed or cancelled'),
		((h.last = 'cancel') <> (q.state = 'cancelled') OR (h.last = 'place') <> (q.state = 'placed'), format('is %s, and the last that its history says of it is %s', q.state, h.last)),
		((h.places = 1) <> (q.booking IS NOT NULL) OR h.places = 1 AND h.planned IS DISTINCT FROM q.planned OR coalesce(CASE h.last WHEN 'cancel' THEN h.at <> q.cancelled_at WHEN 'place' THEN h.at <> q.placed_at END, false),
			'was placed or cancelled at another time, or for another one, than its history says'),
		(h.first_planned IS DISTINCT FROM q.first_planned, format('was planned first for %s, and its history says %s', coalesce(q.first_planned::text, 'no time'), coalesce(h.first_planned::text, 'no time')))
		) AS v WHERE num_nulls(q.id, h.request) = 0
	) AS f (holds, fault)
	WHERE f.holds;

	-- What was answered is there, all of it.
	RETURN QUERY
	SELECT 'answer', format('request "%s" of %s', left(n.request, 80), n.scope), format('was answered with %s reservations, of which %s are there, of its account and one booking', n.said, n.there)
	FROM (
		SELECT a.scope, a.request, count(*) AS said, count(r.id) AS there
		FROM compute_ledger.request_answer AS a
		CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(a.answer) = 'array' THEN a.answer END) AS e (piece)
		LEFT JOIN compute_ledger.reservation AS r ON r.id = (e.piece ->> 'reservation')::bigint AND r.booking = (a.answer -> 0 ->> 'booking')::bigint AND a.scope = ANY (compute_ledger._answer_scopes(r.account))
		GROUP BY a.scope, a.request
	) AS n
	WHERE n.said <> n.there
	UNION ALL
	SELECT 'answer', format('request "%s" of %s', left(a.request, 80), a.scope), format('was answered with request %s, which is not there, or another''s', a.answer ->> 'request')
	FROM compute_ledger.request_answer AS a
	WHERE a.answer ? 'request' AND NOT EXISTS (SELECT FROM compute_ledger.request AS q WHERE q.id = (a.answer ->> 'request')::bigint AND q.request = a.request AND a.scope = ANY (compute_ledger._answer_scopes(q.account)))
	UNION ALL
	SELECT 'answer', format('booking %s', b.booking), format('has %s pieces, and request "%s" was answered with %s', b.pieces, left(b.request, 80), coalesce(a.said::text, 'nothing'))
	FROM (SELECT r.booking, r.account, r.request, count(*) AS pieces FROM compute_ledger.reservation AS r WHERE r.request IS NOT NULL GROUP BY r.booking, r.account, r.request) AS b
	CROSS JOIN LATERAL (
		SELECT max(CASE jsonb_typeof(a.answer) WHEN 'array' THEN jsonb_array_length(a.answer) END) AS said
		FROM compute_ledger.request_answer AS a
		WHERE a.scope = ANY (compute_ledger._answer_scopes(b.account)) AND a.request = b.request AND (a.answer -> 0 ->> 'booking')::bigint = b.booking
	) AS a
	WHERE a.said IS DISTINCT FROM b.pieces;

	-- What the last pass planned has room, as long as nobody has booked beside the queue, or changed what is offered.
	RETURN QUERY
	WITH pass AS MATERIALIZED (
		SELECT s.at FROM compute_ledger.queue_pass AS s WHERE s.at IS NOT NULL
	), plan AS MATERIALIZED (
		SELECT q.pool, q.planned, q.devices, compute_ledger._is_guest(q.account, p.host, lower(q.planned)) AS guest
		FROM compute_ledger.request AS q JOIN compute_ledger.pool AS p ON p.id = q.pool CROSS JOIN pass AS s
		WHERE q.state = 'queued' AND lower(q.planned) >= s.at
	), of_pool AS (
		SELECT p.pool, g.guests, compute_ledger.device_profile(p.planned, p.devices) AS planned, tstzrange(min(lower(p.planned)), max(upper(p.planned))) AS span
		FROM plan AS p CROSS JOIN (VALUES (false), (true)) AS g (guests)
		WHERE p.guest OR NOT g.guests
		GROUP BY p.pool, g.guests
	), missing AS (
		SELECT o.pool, o.guests, o.planned, a.free, (SELECT min(lower(x.period)) FROM compute_ledger.steps(o.planned OPERATOR(compute_ledger.-) a.free) AS x WHERE x.level > 0) AS at
		FROM of_pool AS o CROSS JOIN pass AS s
		CROSS JOIN LATERAL compute_ledger._pools_available(ARRAY[o.pool], o.span, s.at, true, o.guests) AS a
	)
	SELECT 'plan without room', format('pool %s', m.pool), format('from %s on, %s devices are planned%s, and %s are free: the next pass plans anew', m.at, compute_ledger.level_at(m.planned, m.at),
		(CASE WHEN NOT m.guests THEN '' ELSE ' for guests' END), compute_ledger.level_at(m.free, m.at))
	FROM missing AS m WHERE m.at IS NOT NULL;
END
$$;
COMMENT ON FUNCTION _check_queue() IS 'part of check_ledger(): requests against their bookings, their history and what was answered; answers to calls with an id against what there is; as advice: plans for which there is no room any more';
