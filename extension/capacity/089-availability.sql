-- What is free: what may be booked less what is, at each instant and never below 0.

CREATE FUNCTION _available("limit" device_profile, booked device_profile) RETURNS device_profile
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION _available(device_profile, device_profile) IS 'what is left of one profile less another, 0 where that is below 0';

-- Inlined, so that profiles stay in memory as they are.
CREATE FUNCTION _pools_available(pools bigint[], period tstzrange, at timestamptz) RETURNS TABLE (pool bigint, "limit" device_profile, booked device_profile, free device_profile)
	LANGUAGE sql STABLE
AS $$
	SELECT p.pool, compute_ledger._pool_limit(p.pool, $2, false),
		CASE WHEN r.devices IS NULL THEN compute_ledger._book_sum(p.pool, false, $2) ELSE compute_ledger._book_sum(p.pool, false, $2) OPERATOR(compute_ledger.-) r.devices END,
		compute_ledger._available(CASE WHEN r.devices IS NULL THEN compute_ledger._pool_limit(p.pool, $2, false) ELSE compute_ledger._pool_limit(p.pool, $2, false) OPERATOR(compute_ledger.+) r.devices END,
			compute_ledger._book_sum(p.pool, false, $2))
	FROM pg_catalog.unnest($1) AS p (pool)
	LEFT JOIN (
		-- holds that have run out and are in the book still
		SELECT h.pool, compute_ledger.device_profile(h.occupies OPERATOR(pg_catalog.*) $2, h.devices) AS devices
		FROM compute_ledger.reservation AS h
		WHERE h.pool OPERATOR(pg_catalog.=) ANY ($1) AND h.state OPERATOR(pg_catalog.=) 'held' AND h.held_until OPERATOR(pg_catalog.<=) $3 AND h.occupies OPERATOR(pg_catalog.&&) $2
		GROUP BY h.pool
	) AS r ON r.pool OPERATOR(pg_catalog.=) p.pool
$$;
COMMENT ON FUNCTION _pools_available(bigint[], tstzrange, timestamptz) IS 'of each of some pools, what may be booked of it, what is and what is free over a period, at an instant of the clock of bookings';

CREATE FUNCTION _pool_availability(pool bigint, period tstzrange, now timestamptz DEFAULT NULL) RETURNS device_profile
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked tstzrange := compute_ledger._pool_period(period, false);
	at timestamptz := compute_ledger._booking_clock(now);
	pools bigint[];
BEGIN
	PERFORM compute_ledger._require_ledger();
	SELECT CASE WHEN p.doubted IS NULL THEN ARRAY[p.id] ELSE '{}' END INTO pools FROM compute_ledger.pool AS p WHERE p.id = _pool_availability.pool;
	IF NOT FOUND THEN
		PERFORM compute_ledger._refuse('42704', format('pool %s does not exist', coalesce(pool::text, 'NULL')), hint => 'pool_id() gives the number of a pool.');
	END IF;
	RETURN coalesce((SELECT a.free FROM compute_ledger._pools_available(pools, asked, at) AS a), '{}');
END
$$;
COMMENT ON FUNCTION _pool_availability(bigint, tstzrange, timestamptz) IS 'what pool_availability() does';

CREATE FUNCTION pool_availability(pool bigint, period tstzrange, now timestamptz DEFAULT NULL) RETURNS device_profile
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._pool_availability(pool, period, now);
END
$$;
COMMENT ON FUNCTION pool_availability(bigint, tstzrange, timestamptz) IS 'how many devices of a pool are free at each instant of a period [start,end), whoever asks: what is offered less what is taken from it, rounded down to the granule, less what is booked, holds that have run out left out; never below 0, and nothing while the pool is doubted. Guests may get less. 42704 unknown pool, 22023 a period that cannot be.';

CREATE FUNCTION _availability(region text, accelerator accelerator, period tstzrange, now timestamptz DEFAULT NULL) RETURNS device_profile
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked tstzrange := compute_ledger._pool_period(period, false);
	place integer := compute_ledger._region_id(region);
	at timestamptz;
	pools bigint[];
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF region IS NOT NULL AND place IS NULL THEN
		PERFORM compute_ledger._refuse('LC007', format('unknown region: "%s"', region),
			hint => compute_ledger._similar_names(region, ARRAY(SELECT r.name FROM compute_ledger.region AS r)));
	END IF;
	at := compute_ledger._booking_clock(now);
	pools := compute_ledger._pools_in(place, accelerator, at);
	RETURN coalesce((SELECT compute_ledger.sum(a.free) FROM compute_ledger._pools_available(pools, asked, at) AS a), '{}');
END
$$;
COMMENT ON FUNCTION _availability(text, accelerator, tstzrange, timestamptz) IS 'what availability() does';

CREATE FUNCTION availability(region text, accelerator accelerator, period tstzrange, now timestamptz DEFAULT NULL) RETURNS device_profile
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._availability(region, accelerator, period, now);
END
$$;
COMMENT ON FUNCTION availability(text, accelerator, tstzrange, timestamptz) IS 'how many devices are free at each instant of a period [start,end) in all pools together of a region and all under it (NULL: everywhere) and of a chip or a class of chips (NULL: all). Slices are counted only where a MIG profile is named, and by themselves. What is free in several pools is not for one booking of one piece. LC007 unknown region; the rest is as of one pool.';

CREATE FUNCTION _pools_in(region integer, accelerator accelerator, at timestamptz) RETURNS bigint[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN ARRAY(
		WITH RECURSIVE matching AS MATERIALIZED (
			SELECT p.id, p.region FROM compute_ledger.pool AS p
			WHERE (p.accelerator OPERATOR(compute_ledger.<@) _pools_in.accelerator) IS NOT FALSE AND p.doubted IS NULL
				AND (compute_ledger.mig_profile(p.accelerator) IS NULL) = (compute_ledger.mig_profile(_pools_in.accelerator) IS NULL)
		), above (region, ancestor) AS (
			SELECT DISTINCT m.region, m.region FROM matching AS m
			UNION
			SELECT a.region, v.parent
			FROM above AS a JOIN compute_ledger.region_version AS v ON v.region = a.ancestor
			WHERE upper_inf(v.recorded) AND v.valid @> at AND v.parent IS NOT NULL
		)
		SELECT m.id FROM matching AS m
		WHERE _pools_in.region IS NULL OR m.region IN (SELECT a.region FROM above AS a WHERE a.ancestor = _pools_in.region));
END
$$;
COMMENT ON FUNCTION _pools_in(integer, accelerator, timestamptz) IS 'pools that are not doubted, in a region and all under it as the tree stands at an instant (NULL: everywhere), of a chip or a class of chips (NULL: all), or of one MIG profile';

CREATE FUNCTION _booking_calendar() RETURNS TABLE (pool bigint, region_name text, accelerator accelerator, partition text, day date, offered numeric, bookable numeric, booked numeric, free numeric, doubted boolean)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	today date := (statement_timestamp() AT TIME ZONE 'UTC')::date;
	days tstzrange := tstzrange(today AT TIME ZONE 'UTC', (today + 92) AT TIME ZONE 'UTC');
	pools bigint[] := ARRAY(SELECT p.id FROM compute_ledger.pool AS p);
	-- more than any pool has
	ceiling compute_ledger.device_profile := (SELECT compute_ledger.device_profile(days, 1000000000));
BEGIN
	RETURN QUERY
		SELECT p.id, r.name, p.accelerator, p.partition, d.day, compute_ledger.peak(o.offered, d.period),
			1000000000 - compute_ledger.peak(ceiling OPERATOR(compute_ledger.-) a."limit", d.period), compute_ledger.peak(a.booked, d.period),
			CASE WHEN p.doubted IS NULL THEN 1000000000 - compute_ledger.peak(ceiling OPERATOR(compute_ledger.-) a.free, d.period) ELSE 0 END, p.doubted IS NOT NULL
		FROM compute_ledger.pool AS p
		JOIN compute_ledger.region AS r ON r.id = p.region
		JOIN (
			SELECT f.pool, compute_ledger.device_profile(f.valid * days, f.devices) AS offered
			FROM compute_ledger.pool_offer AS f WHERE upper_inf(f.recorded) AND f.valid && days
			GROUP BY f.pool) AS o ON o.pool = p.id
		JOIN compute_ledger._pools_available(pools, days, statement_timestamp()) AS a ON a.pool = p.id
		CROSS JOIN LATERAL (
			SELECT n.day::date AS day, tstzrange(n.day AT TIME ZONE 'UTC', (n.day + interval '1 day') AT TIME ZONE 'UTC') AS period
			FROM generate_series(today::timestamp, today + 91, interval '1 day') AS n (day)) AS d;
END
$$;
COMMENT ON FUNCTION _booking_calendar() IS 'what booking_calendar shows';
