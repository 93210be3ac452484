-- Reservations and the usage records that the ledger makes of them.

CREATE FUNCTION _check_reserved_usage(at timestamptz) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
BEGIN
	-- where nothing is due: what is to come of one that has not started may still become another
	RETURN QUERY
	WITH made AS MATERIALIZED (
		SELECT u.reservation, u.source_id AS line, u.measure, u.started_at, u.ended_at, u.devices, u.account, u.region, u.accelerator
		FROM compute_ledger.usage_record AS u
		WHERE u.source = 'compute_ledger' AND u.superseded = 'infinity' AND u.reservation IS NOT NULL
	), settled AS MATERIALIZED (
		SELECT r.id, r.account, p.region, p.accelerator
		FROM compute_ledger.reservation AS r
		JOIN compute_ledger.pool AS p ON p.id = r.pool
		WHERE r.usage_due IS NULL AND r.confirmed_at IS NOT NULL AND (r.state <> 'confirmed' OR upper(r.occupies) <= at)
	)
	SELECT 'reserved usage', format('reservation %s', coalesce(m.reservation, l.reservation)),
		CASE WHEN m.line IS NULL THEN format('%s devices from %s to %s have no record', l.devices, l.started_at, l.ended_at)
			WHEN l.line IS NULL THEN format('record %s, of %s devices from %s to %s, is of none', m.line, m.devices, m.started_at, m.ended_at)
			ELSE format('record %s is of %s devices %s from %s to %s, and it is of %s %s from %s to %s', m.line, m.devices, m.measure, m.started_at, m.ended_at, l.devices, l.measure, l.started_at, l.ended_at) END
	FROM (SELECT s.id AS reservation, u.* FROM settled AS s CROSS JOIN LATERAL compute_ledger._reservation_usage(s.id, at) AS u) AS l
	FULL JOIN (SELECT m.* FROM made AS m WHERE m.reservation IN (SELECT s.id FROM settled AS s)) AS m ON m.line = l.line
	WHERE (m.measure, m.started_at, m.ended_at, m.devices) IS DISTINCT FROM (l.measure, l.started_at, l.ended_at, l.devices)
	UNION ALL
	SELECT 'reserved usage', format('reservation %s', m.reservation), format('record %s is of no reservation, or of another region or chip', m.line)
	FROM made AS m
	LEFT JOIN (SELECT r.id, p.region, p.accelerator FROM compute_ledger.reservation AS r JOIN compute_ledger.pool AS p ON p.id = r.pool) AS s ON s.id = m.reservation
	WHERE s.id IS NULL OR s.region <> m.region OR s.accelerator OPERATOR(compute_ledger.<>) m.accelerator;
END
$$;
COMMENT ON FUNCTION _check_reserved_usage(timestamptz) IS 'part of check_ledger(): records of source compute_ledger that are not what their reservations are';
