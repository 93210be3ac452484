-- Reservations and the book of their pools.

CREATE FUNCTION _check_book() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
BEGIN
	RETURN QUERY
	WITH taken AS MATERIALIZED (
		SELECT p.id AS pool, g.guests, compute_ledger.sum(compute_ledger._reservation_profile(r.occupies, r.since, r.devices, r.earlier)) AS devices
		FROM compute_ledger.pool AS p
		CROSS JOIN (VALUES (false), (true)) AS g (guests)
		LEFT JOIN compute_ledger.reservation AS r ON r.pool = p.id AND (r.guest OR NOT g.guests) AND NOT isempty(r.occupies)
		GROUP BY p.id, g.guests
	)
	SELECT 'book of a pool', format('pool %s', t.pool), format('%s booked at %s%s, and its reservations are %s', compute_ledger.level_at(b.devices, d.at), d.at,
		(CASE WHEN NOT t.guests THEN '' ELSE ' by guests' END), compute_ledger.level_at(t.devices, d.at))
	FROM taken AS t
	CROSS JOIN LATERAL (SELECT compute_ledger._book_sum(t.pool, t.guests, '(,)') AS devices) AS b
	CROSS JOIN LATERAL (SELECT lower(compute_ledger.extent(b.devices OPERATOR(compute_ledger.-) coalesce(t.devices, '{}'))) AS at) AS d
	WHERE d.at IS NOT NULL
	UNION ALL
	SELECT 'book of a pool', format('pool %s, %s', d.pool, d.day), format('its peak%s is %s, and is %s', (CASE WHEN NOT d.guests THEN '' ELSE ' of guests' END), d.peak, d.base + coalesce(compute_ledger.peak(d.profile), 0))
	FROM compute_ledger.pool_day AS d
	WHERE d.peak <> d.base + coalesce(compute_ledger.peak(d.profile), 0);

	RETURN QUERY
	SELECT 'reservation', format('reservation %s', r.id), f.fault
	FROM compute_ledger.reservation AS r
	LEFT JOIN compute_ledger.reservation AS b ON b.id = r.booking AND b.booking = b.id
	CROSS JOIN LATERAL (VALUES
		(b.id IS NULL, format('is a piece of booking %s, which does not exist', r.booking)),
		((b.account, b.booked, b.request) IS DISTINCT FROM (r.account, r.booked, r.request) AND b.id IS NOT NULL, 'is for another account, time or request than its booking'),
		(NOT EXISTS (SELECT FROM compute_ledger.account AS a WHERE a.id = r.account), format('is for account %s, which does not exist', r.account)),
		(NOT EXISTS (SELECT FROM compute_ledger.pool AS p WHERE p.id = r.pool), format('is in pool %s, which does not exist', r.pool)),
		(r.state IN ('held', 'confirmed', 'running') AND r.occupies <> r.period, format('is %s and does not take up its period', r.state)),
		(r.state = 'lapsed' AND NOT isempty(r.occupies), 'has lapsed and takes up something'),
		((r.state = 'held') AND r.held_until IS NULL OR r.state IN ('confirmed', 'running') AND (r.held_until IS NOT NULL OR r.confirmed_at IS NULL), format('is %s, and its times say something else', r.state)),
		((r.state IN ('held', 'confirmed', 'running')) <> (r.ended_at IS NULL), format('is %s, and has %sended', r.state, (CASE WHEN r.ended_at IS NOT NULL THEN '' ELSE 'not ' END))),
		(CASE WHEN r.earlier IS NULL THEN r.since <> lower(r.period) ELSE r.since < lower(r.period) OR NOT compute_ledger.extent(r.earlier) <@ tstzrange(lower(r.period), r.since) END,
			'what it had earlier is not from its start until its devices were changed'),
		(r.preempted_at IS NOT NULL AND r.preempt_notice IS NULL, 'gives way to none, and was told to'),
		(r.state = 'preempted' AND r.preempted_at IS NULL, 'gave way, and was not told to'),
		(r.there_until IS NOT NULL AND r.state IN ('held', 'confirmed', 'running'), 'stands, and is to be gone')
	) AS f (holds, fault)
	WHERE f.holds;

	RETURN QUERY
	SELECT 'history of reservations', format('reservation %s', coalesce(r.id, c.reservation)),
		CASE WHEN c.reservation IS NULL THEN format('has no history') WHEN r.id IS NULL THEN format('has a history and does not exist') ELSE 'is not what its last change says' END
	FROM compute_ledger.reservation AS r
	FULL JOIN (SELECT DISTINCT ON (h.reservation) h.* FROM compute_ledger.reservation_change AS h ORDER BY h.reservation, h.id DESC) AS c ON c.reservation = r.id
	WHERE (c.state, c.devices, c.period, c.occupies) IS DISTINCT FROM (r.state, r.devices, r.period, r.occupies);
END
$$;
COMMENT ON FUNCTION _check_book() IS 'part of check_ledger(): what is booked of pools by days and months, against their reservations; and reservations against their bookings and their history';
