-- What lies between regions, and what spreading work over sites costs of it.

CREATE FUNCTION _set_region_link(from_region text, to_region text, price_per_gb numeric DEFAULT NULL, currency text DEFAULT NULL, gbps numeric DEFAULT NULL, latency interval DEFAULT NULL,
		valid tstzrange DEFAULT '(,)', source text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	numbers integer[];
	old compute_ledger.region_link;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF from_region IS NULL OR to_region IS NULL THEN
		PERFORM compute_ledger._refuse('22023', 'a link is from a region to a region');
	ELSIF (price_per_gb IS NULL) <> (currency IS NULL) THEN
		PERFORM compute_ledger._refuse('22023', 'a price of a GB has a currency, and a currency a price');
	ELSIF NOT (price_per_gb BETWEEN 0 AND 1e18) THEN
		PERFORM compute_ledger._refuse('22023', format('a price of a GB is from 0 to 1e18: %s', price_per_gb));
	ELSIF NOT (gbps BETWEEN 1e-6 AND 1e18) THEN
		PERFORM compute_ledger._refuse('22023', format('a bandwidth is from 1e-6 to 1e18 Gbit/s: %s', gbps), hint => 'NULL: it is not known.');
	ELSIF NOT (latency BETWEEN '0' AND '36500 days') THEN
		PERFORM compute_ledger._refuse('22023', format('a latency is not below 0, and has an end: %s', latency));
	END IF;
	PERFORM compute_ledger._check_currency(currency);
	PERFORM compute_ledger._check_time('a link', valid);
	numbers := compute_ledger._region_numbers(ARRAY[from_region, to_region]);
	FOR old IN
		SELECT * FROM compute_ledger.region_link AS l
		WHERE l.from_region = numbers[1] AND l.to_region = numbers[2] AND upper_inf(l.recorded) AND l.valid && _set_region_link.valid
	LOOP
		DELETE FROM compute_ledger.region_link AS l
		WHERE l.from_region = numbers[1] AND l.to_region = numbers[2] AND upper_inf(l.recorded) AND l.valid = old.valid;
		INSERT INTO compute_ledger.region_link (from_region, to_region, price_per_gb, currency, gbps, latency, source, valid)
		SELECT old.from_region, old.to_region, old.price_per_gb, old.currency, old.gbps, old.latency, old.source, r.rest
		FROM unnest(tstzmultirange(old.valid) - tstzmultirange(_set_region_link.valid)) AS r (rest)
		-- no time is from infinity on
		WHERE (lower(r.rest) < 'infinity' AND upper(r.rest) > '-infinity') IS NOT FALSE;
	END LOOP;
	INSERT INTO compute_ledger.region_link (from_region, to_region, price_per_gb, currency, gbps, latency, source, valid)
	VALUES (numbers[1], numbers[2], _set_region_link.price_per_gb, _set_region_link.currency, _set_region_link.gbps, _set_region_link.latency, _set_region_link.source, _set_region_link.valid);
END
$$;
COMMENT ON FUNCTION _set_region_link(text, text, numeric, text, numeric, interval, tstzrange, text) IS 'what set_region_link() does';

CREATE FUNCTION set_region_link(from_region text, to_region text, price_per_gb numeric DEFAULT NULL, currency text DEFAULT NULL, gbps numeric DEFAULT NULL, latency interval DEFAULT NULL,
		valid tstzrange DEFAULT '(,)', source text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._set_region_link(from_region, to_region, price_per_gb, currency, gbps, latency, valid, source);
END
$$;
COMMENT ON FUNCTION set_region_link(text, text, numeric, text, numeric, interval, tstzrange, text) IS
'says what it takes, always or in a time, to bring data from a region and all under it to another: price of a GB (10^9 bytes) in a currency, bandwidth in Gbit/s, latency there and back; what is NULL is not known, and never taken to be 0. In the place of what was said for these two regions in that time; of the rows that data are under, that of the deepest pair counts, and within one region none is asked for. For admins. LC007 unknown region, 23503 unknown currency, 22023 a value that cannot be.';

CREATE FUNCTION _set_scaling_efficiency(link_class text, sites integer, efficiency numeric, workload text DEFAULT '', source text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF (sites BETWEEN 1 AND 8) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('work is spread over 1 to 8 sites, not %s', coalesce(sites::text, 'NULL')));
	ELSIF NOT (efficiency BETWEEN 1e-6 AND 1) THEN
		PERFORM compute_ledger._refuse('22023', format('an efficiency is from 1e-6 to 1: %s', efficiency), hint => 'NULL takes the figure away.');
	ELSIF octet_length(workload) > 1000 OR octet_length(link_class) > 1000 THEN
		PERFORM compute_ledger._refuse('22023', 'names of workloads and of what links devices have at most 1000 bytes');
	END IF;
	DELETE FROM compute_ledger.scaling_efficiency AS e
	WHERE e.workload = coalesce(_set_scaling_efficiency.workload, '') AND e.link_class = coalesce(_set_scaling_efficiency.link_class, '') AND e.sites = _set_scaling_efficiency.sites;
	INSERT INTO compute_ledger.scaling_efficiency (workload, link_class, sites, efficiency, source)
	SELECT coalesce(_set_scaling_efficiency.workload, ''), coalesce(_set_scaling_efficiency.link_class, ''), _set_scaling_efficiency.sites, _set_scaling_efficiency.efficiency, _set_scaling_efficiency.source
	WHERE _set_scaling_efficiency.efficiency IS NOT NULL;
END
$$;
COMMENT ON FUNCTION _set_scaling_efficiency(text, integer, numeric, text, text) IS 'what set_scaling_efficiency() does';

CREATE FUNCTION set_scaling_efficiency(link_class text, sites integer, efficiency numeric, workload text DEFAULT '', source text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._set_scaling_efficiency(link_class, sites, efficiency, workload, source);
END
$$;
COMMENT ON FUNCTION set_scaling_efficiency(text, integer, numeric, text, text) IS
'says what part of their work devices do when they are spread over so many sites, 1 to 8, whose pools have a link class (empty or NULL: none): above 0 and at most 1; NULL takes the figure away. For a kind of work, or (empty) for all for which there is no figure of their own. Without a figure for several sites nothing is split over them. For admins. 22023 a value that cannot be.';

-- ------------------------------------------------------------------ what counts for two regions

CREATE FUNCTION _region_ways(regions integer[], at timestamptz) RETURNS TABLE (region integer, above integer, up integer)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	-- up by an index, from few
	SET enable_hashjoin = off
	SET enable_mergejoin = off
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE way AS (
		SELECT DISTINCT r.region, r.region AS above, 0 AS up FROM unnest(regions) AS r (region) WHERE r.region IS NOT NULL
		UNION ALL
		SELECT w.region, v.parent, w.up + 1
		FROM way AS w
		CROSS JOIN LATERAL (SELECT v.parent, v.valid, v.recorded FROM compute_ledger.region_version AS v WHERE v.region = w.above OFFSET 0) AS v
		WHERE upper_inf(v.recorded) AND v.valid @> at AND v.parent IS NOT NULL AND w.up < 100
	)
	SELECT w.region, w.above, w.up FROM way AS w;
END
$$;
COMMENT ON FUNCTION _region_ways(integer[], timestamptz) IS 'of each of some regions itself (up 0) and what it is part of, at an instant, as it is known now';

CREATE FUNCTION _region_links(from_regions integer[], to_regions integer[], at timestamptz)
	RETURNS TABLE (from_region integer, to_region integer, within boolean, price_per_gb numeric, currency text, gbps numeric, latency interval)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH way AS MATERIALIZED (
		SELECT w.* FROM compute_ledger._region_ways(from_regions || to_regions, at) AS w
	), pair AS MATERIALIZED (
		SELECT f.region AS from_region, t.region AS to_region,
			EXISTS (SELECT FROM way AS w WHERE w.region = f.region AND w.above = t.region OR w.region = t.region AND w.above = f.region) AS within
		FROM (SELECT DISTINCT f.region FROM unnest(from_regions) AS f (region)) AS f
		CROSS JOIN (SELECT DISTINCT t.region FROM unnest(to_regions) AS t (region)) AS t
	), said AS (
		SELECT DISTINCT ON (p.from_region, p.to_region) p.from_region, p.to_region, l.price_per_gb, l.currency, l.gbps, l.latency
		FROM pair AS p
		JOIN way AS f ON f.region = p.from_region
		JOIN way AS t ON t.region = p.to_region
		JOIN compute_ledger.region_link AS l ON l.from_region = f.above AND l.to_region = t.above AND upper_inf(l.recorded) AND l.valid @> at
		WHERE NOT p.within
		ORDER BY p.from_region, p.to_region, f.up + t.up, f.up
	)
	SELECT p.from_region, p.to_region, p.within, CASE WHEN p.within THEN 0 ELSE s.price_per_gb END, s.currency, s.gbps, CASE WHEN p.within THEN '0' ELSE s.latency END
	FROM pair AS p
	LEFT JOIN said AS s ON s.from_region = p.from_region AND s.to_region = p.to_region;
END
$$;
COMMENT ON FUNCTION _region_links(integer[], integer[], timestamptz) IS 'what it takes, at an instant, to bring data from each of some regions to each of others, as region_link has it for the deepest pair that they are under: the fewest steps up from both, and of these from the first. within: one is in the other, and it costs nothing; NULL: not known';
