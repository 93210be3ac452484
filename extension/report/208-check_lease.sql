-- check_ledger(), goes on: leases of work, and what was reported under them.

CREATE FUNCTION _check_lease() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- as _check_capacity()
	clock timestamptz := greatest(statement_timestamp(), (SELECT max(c.at) FROM compute_ledger.reservation_change AS c));
BEGIN
	RETURN QUERY
	SELECT 'lease', format('lease %s', l.id), f.fault
	FROM (SELECT o.*, lead(o.id) OVER w AS next, lead(o.taken) OVER w AS taken_again FROM compute_ledger.lease AS o WINDOW w AS (PARTITION BY o.reservation ORDER BY o.id)) AS l
	CROSS JOIN LATERAL (VALUES
		(NOT EXISTS (SELECT FROM compute_ledger.reservation AS r WHERE r.id = l.reservation), format('is of reservation %s, which does not exist', l.reservation)),
		(l.taken_again < l.expires, format('was good until %s, and its work was taken again at %s, under %s', l.expires, l.taken_again, l.next)),
		(l.taken_again IS DISTINCT FROM l.replaced, format('was replaced at %s, and its work was taken again at %s', coalesce(l.replaced::text, 'no time'), coalesce(l.taken_again::text, 'no time')))
	) AS f (holds, fault)
	WHERE f.holds;

	RETURN QUERY
	SELECT 'lease report', format('report %s', p.id), f.fault
	FROM compute_ledger.lease_report AS p
	LEFT JOIN compute_ledger.reservation AS r ON r.id = p.reservation
	LEFT JOIN compute_ledger.lease AS l ON l.id = p.lease
	CROSS JOIN LATERAL (VALUES
		(r.id IS NULL, format('is of reservation %s, which does not exist', p.reservation)),
		(p.lease IS NOT NULL AND l.reservation IS DISTINCT FROM p.reservation, format('is of reservation %s, and lease %s is not', p.reservation, p.lease)),
		(p.answer IN ('running', 'renewed', 'ended', 'given back') AND l.replaced < p.at, format('was acted on, %s, when the work had been taken again, at %s', p.answer, l.replaced)),
		(p.answer = 'ended' AND r.state IN ('held', 'confirmed', 'running'), format('has ended reservation %s, which is %s', r.id, r.state)),
		(p.answer = 'running' AND r.id IS NOT NULL AND r.started_at IS NULL, format('has started reservation %s, which has not', r.id))
	) AS f (holds, fault)
	WHERE f.holds;

	RETURN QUERY
	SELECT 'work not given up', format('reservation %s', r.id), format('is running, and nobody has said anything of it since before %s: lease %s has expired', l.expires, l.id)
	FROM compute_ledger.lease AS l JOIN compute_ledger.reservation AS r ON r.id = l.reservation
	WHERE l.replaced IS NULL AND l.closed IS NULL AND r.state = 'running' AND l.expires + (compute_ledger._lease_terms()).grace < clock - interval '1 day';
END
$$;
COMMENT ON FUNCTION _check_lease() IS 'part of check_ledger(): leases against their reservations and each other, and reports against both; as advice: work that is to be given up for more than a day';
