-- What is free: what may be booked less what is, at each instant and never below 0.

CREATE FUNCTION _pools_available(pools bigint[], period tstzrange, at timestamptz, preempting boolean DEFAULT false, guests boolean DEFAULT false) RETURNS TABLE (pool bigint, "limit" device_profile, booked device_profile, free device_profile)
	LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'pools_available';
COMMENT ON FUNCTION _pools_available(bigint[], tstzrange, timestamptz, boolean, boolean) IS 'of each of some pools, what may be booked of it, what is and what is free over a period that has an end, at an instant of the clock of bookings; preempting: for whom preemptible reservations give way, so that they are not booked once their notice has passed; guests: of what guests may have and have booked';

CREATE FUNCTION _pools_free(pools bigint[], period tstzrange, at timestamptz) RETURNS device_profile
	LANGUAGE c STABLE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'pools_free';
COMMENT ON FUNCTION _pools_free(bigint[], tstzrange, timestamptz) IS 'what is free of some pools together, as _pools_available() has it of each';

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
	RETURN compute_ledger._pools_free(pools, asked, at);
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
	RETURN compute_ledger._pools_free(pools, asked, at);
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
		WITH RECURSIVE subtree (region) AS (
			SELECT _pools_in.region
			UNION
			SELECT v.region
			FROM subtree AS s
			CROSS JOIN LATERAL (SELECT v.region, v.valid FROM compute_ledger.region_version AS v WHERE v.parent = s.region AND upper_inf(v.recorded) OFFSET 0) AS v
			WHERE v.valid @> at
		)
		SELECT p.id FROM compute_ledger.pool AS p
		WHERE (p.accelerator OPERATOR(compute_ledger.<@) _pools_in.accelerator) IS NOT FALSE AND p.doubted IS NULL
			AND (compute_ledger.mig_profile(p.accelerator) IS NULL) = (compute_ledger.mig_profile(_pools_in.accelerator) IS NULL)
			AND (_pools_in.region IS NULL OR p.region IN (SELECT s.region FROM subtree AS s)));
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

CREATE FUNCTION _pool_terms() RETURNS TABLE (pool bigint, region_name text, accelerator accelerator, partition text, granule integer, slot_minutes integer, horizon interval, hold interval,
	counts text, notice interval, outage_credit numeric, preempt_notice interval, link_class text, floor_price numeric, floor_currency text, title text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.id, r.name, p.accelerator, p.partition, p.granule, p.slot_minutes, p.horizon, p.hold, p.counts, p.notice, p.outage_credit, p.preempt_notice, p.link_class, p.floor_price, p.floor_currency, p.title
	FROM compute_ledger.pool AS p JOIN compute_ledger.region AS r ON r.id = p.region
$$;
COMMENT ON FUNCTION _pool_terms() IS 'what pool_terms shows';
