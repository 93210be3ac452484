-- Checks of pools: what they offer, and that no more of it is booked.  By itself: it adds up rows, not the book.

CREATE FUNCTION _check_capacity() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- by the clock of bookings, which a replay may have brought further: what is over is not judged
	clock timestamptz := greatest(statement_timestamp(), (SELECT max(c.at) FROM compute_ledger.reservation_change AS c));
BEGIN
	RETURN QUERY
	SELECT 'capacity and pool', 'pool ' || c.pool, format('has capacity of %s in region %s, partition "%s", and is of another', c.accelerator, c.region, c.partition)
	FROM compute_ledger.capacity AS c LEFT JOIN compute_ledger.pool AS p ON p.id = c.pool
	WHERE p.id IS NULL OR p.region <> c.region OR p.accelerator OPERATOR(compute_ledger.<>) c.accelerator OR p.partition <> c.partition;
	RETURN QUERY
	SELECT 'reduction and event', 'reduction ' || r.id, format('is part of event %s of another pool or kind, or of none', r.event)
	FROM compute_ledger.pool_reduction AS r LEFT JOIN compute_ledger.pool_reduction AS e ON e.id = r.event
	WHERE (e.pool = r.pool AND e.kind = r.kind AND e.event = e.id) IS NOT TRUE;
	RETURN QUERY
	SELECT 'doubted pool', 'pool ' || p.id, format('is doubted since %s: %s', p.doubted, p.doubted_why)
	FROM compute_ledger.pool AS p WHERE p.doubted < clock - interval '1 day';

	RETURN QUERY
	WITH change AS (
		-- what begins and what ends
		SELECT r.pool, b.at, b.sign * r.offered AS offered, b.sign * r.planned AS planned, b.sign * r.closed AS closed, b.sign * r.happened AS happened, b.sign * r.share AS share,
			b.sign * r.booked AS booked, b.sign * r.guests AS guests, b.sign * r.there AS there
		FROM (
			SELECT o.pool, o.valid, o.devices::bigint AS offered, 0 AS planned, 0 AS closed, 0 AS happened, 0::numeric AS share, 0 AS booked, 0 AS guests, 0::numeric AS there
			FROM compute_ledger.pool_offer AS o WHERE upper_inf(o.recorded)
			UNION ALL
			SELECT r.pool, r.valid, 0, CASE WHEN r.kind IN ('maintenance', 'blackout') THEN coalesce(r.devices, 0) ELSE 0 END, (r.devices IS NULL)::integer,
				CASE WHEN r.kind IN ('maintenance', 'blackout') THEN 0 ELSE r.devices END, 0, 0, 0, 0
			FROM compute_ledger.pool_reduction AS r WHERE r.withdrawn = 'infinity'
			UNION ALL
			SELECT s.pool, s.valid, 0, 0, 0, 0, s.share - 1, 0, 0, 0
			FROM compute_ledger.guest_share AS s WHERE upper_inf(s.recorded)
			UNION ALL
			SELECT r.pool, l.period, 0, 0, 0, 0, 0, l.level::bigint, CASE WHEN r.guest THEN l.level::bigint ELSE 0 END, 0
			FROM compute_ledger.reservation AS r
			CROSS JOIN LATERAL compute_ledger.steps(compute_ledger._reservation_profile(r.occupies, r.since, r.devices, r.earlier)) AS l
			WHERE NOT isempty(r.occupies) AND upper(r.occupies) > clock AND NOT (r.state = 'held' AND r.held_until <= clock)
			UNION ALL
			SELECT c.pool, c.valid, 0, 0, 0, 0, 0, 0, 0, c.devices
			FROM compute_ledger.capacity AS c WHERE upper_inf(c.recorded)
		) AS r
		CROSS JOIN LATERAL (VALUES (greatest(lower(r.valid), clock), 1), (coalesce(upper(r.valid), 'infinity'), -1)) AS b (at, sign)
		WHERE coalesce(upper(r.valid), 'infinity') > clock
	), level AS (
		SELECT c.pool, c.at, p.granule, p.host IS NOT NULL AS has_guests, sum(sum(c.offered)) OVER w AS offered, sum(sum(c.planned)) OVER w AS planned, sum(sum(c.closed)) OVER w AS closed,
			sum(sum(c.happened)) OVER w AS happened, 1 + sum(sum(c.share)) OVER w AS share, sum(sum(c.booked)) OVER w AS booked, sum(sum(c.guests)) OVER w AS guests,
			sum(sum(c.there)) OVER w AS there, EXISTS (SELECT FROM compute_ledger.capacity AS k WHERE k.pool = c.pool AND upper_inf(k.recorded)) AS known
		FROM change AS c JOIN compute_ledger.pool AS p ON p.id = c.pool
		GROUP BY c.pool, c.at, p.granule, p.host
		WINDOW w AS (PARTITION BY c.pool ORDER BY c.at)
	), judged AS (
		SELECT l.*, CASE WHEN l.closed > 0 THEN 0 ELSE trunc(greatest(l.offered - l.planned, 0) / l.granule) * l.granule END AS by_plan,
			CASE WHEN l.closed > 0 THEN 0 ELSE trunc(greatest(l.offered - l.planned - l.happened, 0) / l.granule) * l.granule END AS by_all
		FROM level AS l
		WHERE l.at < 'infinity'
	), found (name, pool, at, what) AS (
		SELECT 'overbooked', j.pool, j.at, format('%s devices are booked of %s that are offered, less what was planned', j.booked, j.by_plan)
		FROM judged AS j WHERE j.booked > j.by_plan
		UNION ALL
		SELECT 'overbooked', j.pool, j.at, format('guests have %s devices of the %s that are for them', j.guests, trunc(j.by_plan * j.share / j.granule) * j.granule)
		FROM judged AS j WHERE j.has_guests AND j.guests > trunc(j.by_plan * j.share / j.granule) * j.granule
		UNION ALL
		SELECT 'short pool', j.pool, j.at, format('%s devices are booked, and %s are there', j.booked, j.by_all)
		FROM judged AS j WHERE j.booked > j.by_all AND j.booked <= j.by_plan
		UNION ALL
		SELECT 'offered and not there', j.pool, j.at, format('%s devices are offered, and capacity is %s', j.offered, j.there)
		FROM judged AS j WHERE j.known AND j.offered > j.there
	)
	SELECT f.name, 'pool ' || f.pool, format('from %s on, %s', min(f.at), (array_agg(f.what ORDER BY f.at))[1])
	FROM found AS f
	GROUP BY f.name, f.pool;
END
$$;
COMMENT ON FUNCTION _check_capacity() IS 'part of check_ledger(): capacity against its pools, reductions against their events, and, from now on, what is booked against what is offered less what was planned; as advice: pools that are short, that offer more than is there, or are doubted for more than a day';
