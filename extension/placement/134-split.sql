-- Sets of pools: over which a request may be split, from when on, and what of its work that loses.

CREATE FUNCTION _split_fits(devices bigint, duration interval, slot_minutes integer, fewest integer, sites integer, most integer, origin timestamptz, delay double precision, most_money double precision, deadline timestamptz,
		free device_profile[], granules integer[], units double precision[], fixed double precision[], efficiencies double precision[], pairs double precision[],
		OUT starts timestamptz, OUT members bigint[], OUT share bigint[], OUT reason text) RETURNS SETOF record
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'split_fits';
COMMENT ON FUNCTION _split_fits(bigint, interval, integer, integer, integer, integer, timestamptz, double precision, double precision, timestamptz, device_profile[], integer[], double precision[], double precision[], double precision[], double precision[]) IS
'the best, so many of them at most, of sets of 2 to so many sites that have so many devices for so long together, from an instant at which something becomes free on: of as few as have them then, those that do more than fewer would, by money, no more than most_money, and delay x microseconds from origin to the end, those that end by the deadline first. Of each site what is free, its granule, money for a device and for a piece, and its efficiency on 1 to 8 sites (NaN: not known); pairs: money for each two of them, or none. members: places in these arrays, with the devices of each. A row with a reason only where fewer sites always do as much';

CREATE FUNCTION _between_money(asked placement_request, regions integer[], currency text, at timestamptz) RETURNS double precision[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN (
		SELECT ARRAY(
			SELECT CASE WHEN l.within THEN 0 WHEN l.currency = $3 THEN (asked).between_gb * l.price_per_gb ELSE 'Infinity' END::double precision
			FROM unnest(regions) WITH ORDINALITY AS f (region, n)
			CROSS JOIN unnest(regions) WITH ORDINALITY AS t (region, n)
			JOIN compute_ledger._region_links(regions, regions, greatest(at, (asked).not_before)) AS l ON l.from_region = f.region AND l.to_region = t.region
			WHERE (asked).between_gb > 0
			ORDER BY f.n, t.n));
END
$$;
COMMENT ON FUNCTION _between_money(placement_request, integer[], text, timestamptz) IS 'what it costs to bring what goes between pieces from each of some regions to each, row by row; infinity where that is not known; empty if nothing goes between pieces';

CREATE TYPE _placement_sites AS (
	pools bigint[],
	free device_profile[],
	granules integer[],
	rates compute_rate[],
	prices double precision[],
	data double precision[],
	results double precision[],
	figures numeric[],
	regions integer[],
	currency text,
	slot_minutes integer
);
COMMENT ON TYPE _placement_sites IS 'pools over which a request may be split, in the order of their numbers: what is free of each while it is allowed, its granule, rate, price of a device-hour, money for the data and for results, and its efficiencies, 8 for each; slot_minutes: a slot of all of them';

CREATE FUNCTION _sites(asked placement_request, candidates _placement_pool[], at timestamptz, preempting boolean) RETURNS _placement_sites
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	numbers bigint[] := ARRAY(SELECT p.pool FROM unnest(candidates) AS p WHERE p.reason IS NULL AND NOT isempty(p.allowed) ORDER BY p.pool);
	slot integer := 1;
	minutes integer;
	whole tstzrange;
	sites compute_ledger._placement_sites;
BEGIN
	FOR minutes IN SELECT DISTINCT p.slot_minutes FROM unnest(candidates) AS p WHERE p.pool = ANY (numbers) LOOP
		slot := lcm(slot, minutes);
	END LOOP;
	SELECT tstzrange(min(lower(p.allowed)), max(upper(p.allowed))) INTO whole FROM unnest(candidates) AS p WHERE p.pool = ANY (numbers);
	SELECT numbers, array_agg((SELECT coalesce(compute_ledger.sum(compute_ledger.clip(CASE WHEN g.pool IS NULL THEN a.free ELSE compute_ledger._lesser(a.free, g.free) END, r.range)), '{}') FROM unnest(p.allowed) AS r (range)) ORDER BY p.pool),
		array_agg(p.granule ORDER BY p.pool), array_agg(p.rate ORDER BY p.pool), array_agg(p.price_per_hour::double precision ORDER BY p.pool),
		array_agg((asked.data_gb * p.data_price)::double precision ORDER BY p.pool), array_agg((asked.results_gb * p.results_price)::double precision ORDER BY p.pool),
		(SELECT array_agg(e.figure ORDER BY i.pool, e.k) FROM unnest(candidates) AS i CROSS JOIN LATERAL unnest(compute_ledger._pool_efficiencies(asked, i.link_class)) WITH ORDINALITY AS e (figure, k)
			WHERE i.pool = ANY (numbers)),
		array_agg(p.region ORDER BY p.pool), min(p.currency), slot
	INTO sites
	FROM unnest(candidates) AS p
	JOIN compute_ledger._pools_available(numbers, whole, at, preempting) AS a ON a.pool = p.pool
	LEFT JOIN compute_ledger._pools_available(ARRAY(SELECT i.pool FROM unnest(candidates) AS i WHERE i.guest AND i.pool = ANY (numbers)), whole, at, preempting, true) AS g ON g.pool = p.pool;
	RETURN sites;
END
$$;
COMMENT ON FUNCTION _sites(placement_request, _placement_pool[], timestamptz, boolean) IS 'the pools over which a request may be split';

CREATE FUNCTION _split_offers(asked placement_request, candidates _placement_pool[], most integer, at timestamptz, preempting boolean, OUT offers _placement_offer[], OUT reason text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	s compute_ledger._placement_sites;
	run record;
	fit record;
	length interval;
BEGIN
	offers := '{}';
	-- a query by itself takes longer than the rest
	IF asked.sites = 1 OR asked.devices IS NULL THEN
		RETURN;
	END IF;
	IF (SELECT count(*) < 2 FROM unnest(candidates) AS p WHERE p.reason IS NULL AND NOT isempty(p.allowed)) THEN
		RETURN;
	END IF;
	s := compute_ledger._sites(asked, candidates, at, preempting);
	IF NOT EXISTS (SELECT FROM unnest(s.figures) WITH ORDINALITY AS f (figure, n) WHERE f.figure IS NOT NULL AND f.n % 8 <> 1) THEN
		reason := 'no figure says what work over several sites loses';
		RETURN;
	END IF;
	FOR run IN
		-- the time that work takes follows from how fast the slowest of its devices are, and what is lost
		SELECT DISTINCT k.sites AS fewest, k.sites, r.rate, f.figure AS efficiency
		FROM generate_series(2, asked.sites) AS k (sites) CROSS JOIN unnest(s.rates) AS r (rate) JOIN unnest(s.figures) WITH ORDINALITY AS f (figure, n) ON (f.n - k.sites) % 8 = 0
		WHERE asked.work IS NOT NULL AND f.figure IS NOT NULL
		UNION ALL
		SELECT 2, asked.sites, NULL, NULL WHERE asked.work IS NULL
	LOOP
		length := compute_ledger._placement_length(asked, run.rate, asked.devices, run.efficiency, s.slot_minutes);
		CONTINUE WHEN length IS NULL;
		FOR fit IN
			SELECT f.* FROM compute_ledger._split_fits(asked.devices, length, s.slot_minutes, run.fewest, run.sites, most, at, (asked.delay_value * asked.devices / 3600000000)::double precision,
				coalesce(asked.max_cost * 1.000000001, 'Infinity')::double precision, coalesce(asked.deadline, 'infinity'),
				s.free, s.granules,
				ARRAY(SELECT p.price * extract(epoch FROM length)::double precision / 3600 + (CASE WHEN asked.data_moved THEN p.data ELSE 0 END + p.results) / asked.devices
					FROM unnest(s.prices, s.data, s.results) WITH ORDINALITY AS p (price, data, results, n) ORDER BY p.n),
				ARRAY(SELECT CASE WHEN asked.data_moved THEN 0 ELSE p.data END FROM unnest(s.data) WITH ORDINALITY AS p (data, n) ORDER BY p.n),
				ARRAY(SELECT CASE WHEN run.rate OPERATOR(compute_ledger.>) s.rates[(f.n + 7) / 8] OR run.efficiency > f.figure THEN 'NaN' ELSE coalesce(f.figure, 'NaN') END::double precision
					FROM unnest(s.figures) WITH ORDINALITY AS f (figure, n) ORDER BY f.n),
				compute_ledger._between_money(asked, s.regions, s.currency, at)) AS f
		LOOP
			IF fit.reason IS NOT NULL THEN
				reason := coalesce(reason, fit.reason);
			ELSE
				offers := offers || (SELECT ROW(array_agg(s.pools[m.place] ORDER BY m.place), array_agg(m.devices ORDER BY m.place), fit.starts, fit.starts + length,
						min(s.figures[8 * (m.place - 1) + cardinality(fit.members)]), NULL, NULL, NULL, NULL, NULL, NULL, NULL, false)::compute_ledger._placement_offer
					FROM unnest(fit.members, fit.share) AS m (place, devices));
			END IF;
		END LOOP;
	END LOOP;
	offers := coalesce(compute_ledger._cost_offers(asked, candidates, offers, at, preempting), '{}');
	IF offers = '{}' THEN
		reason := coalesce(reason, format('no %s sites can have them together', asked.sites));
	END IF;
END
$$;
COMMENT ON FUNCTION _split_offers(placement_request, _placement_pool[], integer, timestamptz, boolean) IS 'offers of several pools each, among them the best, so many of them; reason: why there is none, where the request may be split';
