-- What offers cost: by the prices of the time of use, counted and rounded as rating does it.

CREATE TYPE _offer_piece AS (
	offer integer,
	pool bigint,
	devices bigint,
	starts timestamptz,
	ends timestamptz
);
COMMENT ON TYPE _offer_piece IS 'a piece of one of several offers';

CREATE FUNCTION _compute_costs(pools _placement_pool[], pieces _offer_piece[])
	RETURNS TABLE (offer integer, piece integer, cost numeric, worst numeric)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH part AS MATERIALIZED (
		SELECT i.offer, i.piece, p.accelerator, s.price, s.list_price, lower(x.period) AS starts,
			i.devices * (1000000 * extract(epoch FROM upper(x.period) - lower(x.period))) AS device_time
		FROM unnest(pieces) WITH ORDINALITY AS i (offer, pool, devices, starts, ends, piece)
		JOIN unnest(pools) AS p ON p.pool = i.pool
		CROSS JOIN LATERAL unnest(p.priced, p.prices, p.list_prices) AS s (valid, price, list_price)
		CROSS JOIN LATERAL (SELECT s.valid * tstzrange(i.starts, i.ends) AS period) AS x
		WHERE NOT isempty(x.period)
	), term AS MATERIALIZED (
		SELECT t.* FROM compute_ledger._rating_prices(ARRAY(SELECT p.price FROM part AS p UNION SELECT p.list_price FROM part AS p)) AS t
	), counted AS (
		-- tiers are counted from the beginning of the offer
		SELECT p.offer, p.piece, p.price, t.model, t.price AS unit_price, t.tier_bounds, t.tier_prices, t.tier_fees, t.package_size, t.free, coalesce(w.factor, 1) AS factor, t.digits,
			p.device_time * u.parts AS units, u.scale,
			sum(p.device_time * u.parts) OVER (PARTITION BY p.offer, t.pool_number ORDER BY p.starts, p.piece ROWS UNBOUNDED PRECEDING) AS until,
			sum(p.device_time * u.parts) OVER (PARTITION BY p.offer, t.pool_number) AS total
		FROM part AS p
		LEFT JOIN term AS w ON w.id = p.price
		LEFT JOIN term AS t ON t.id = CASE w.model WHEN 'list' THEN p.list_price ELSE p.price END
		LEFT JOIN LATERAL compute_ledger._price_units(t.unit, t.work, p.accelerator) AS u ON true
	), due AS (
		SELECT c.offer, c.piece, c.price, c.digits, c.scale, bool_or(c.units IS NULL OR c.model IS NULL) AS is_unknown,
			sum(c.factor * CASE WHEN c.model = 'flat' AND c.free = 0 THEN c.unit_price * c.units
				ELSE compute_ledger._scaled_tier_cost(c.model, c.unit_price, c.tier_bounds, c.tier_prices, c.tier_fees, c.package_size, c.free, c.until - c.units, c.until, c.total, c.scale) END) AS due,
			-- whatever the tier, the package begun, and nothing for nothing
			sum(c.factor * CASE c.model WHEN 'flat' THEN c.unit_price * c.units WHEN 'package' THEN c.unit_price * (c.units / c.package_size + c.scale)
				ELSE (SELECT max(x.price) FROM unnest(c.tier_prices) AS x (price)) * c.units + coalesce((SELECT sum(x.fee) FROM unnest(c.tier_fees) AS x (fee)), 0) * c.scale END) AS worst
		FROM counted AS c
		GROUP BY c.offer, c.piece, c.price, c.digits, c.scale
	)
	SELECT d.offer, d.piece::integer,
		CASE WHEN NOT bool_or(d.is_unknown) THEN sum(compute_ledger._round_ratio(d.due, d.scale, d.digits)) END,
		CASE WHEN NOT bool_or(d.is_unknown) THEN sum(compute_ledger._round_ratio(d.worst, d.scale, d.digits)) END
	FROM due AS d
	GROUP BY d.offer, d.piece;
END
$$;
COMMENT ON FUNCTION _compute_costs(_placement_pool[], _offer_piece[]) IS 'what each piece of some offers costs in its pool, rounded once for each price, as a charge is; NULL where a part has no price; worst: in the highest tier. Tiers, packages and free quantities are counted from the beginning of each offer, over its pieces';

CREATE FUNCTION _transfer_costs(asked placement_request, pools _placement_pool[], pieces _offer_piece[], base timestamptz)
	RETURNS TABLE (offer integer, place bigint, what text, from_region integer, to_region integer, gb numeric, price_per_gb numeric, cost numeric)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	data_region integer := compute_ledger._region_id(asked.data_region);
	results_region integer := compute_ledger._region_id(asked.results_region);
	digits integer;
	regions integer[];
BEGIN
	IF asked.data_gb = 0 AND asked.results_gb = 0 AND asked.between_gb = 0 THEN
		RETURN;
	END IF;
	SELECT c.ledger_scale INTO digits FROM compute_ledger.currency AS c WHERE c.code = pools[1].currency;
	IF asked.between_gb > 0 THEN
		regions := ARRAY(SELECT DISTINCT p.region FROM unnest(pieces) AS i JOIN unnest(pools) AS p ON p.pool = i.pool);
	END IF;
	RETURN QUERY
	WITH piece AS MATERIALIZED (
		SELECT i.offer, i.n, p.region, p.data_price, p.results_price, i.devices, sum(i.devices) OVER (PARTITION BY i.offer) AS whole
		FROM unnest(pieces) WITH ORDINALITY AS i (offer, pool, devices, starts, ends, n)
		JOIN unnest(pools) AS p ON p.pool = i.pool
	), link AS MATERIALIZED (
		SELECT l.* FROM compute_ledger._region_links(regions, regions, base) AS l WHERE asked.between_gb > 0
	)
	SELECT i.offer, i.n, 'data', data_region, i.region, compute_ledger._round_ratio(x.gb, x.parts, 9), i.data_price, compute_ledger._round_ratio(x.gb * i.data_price, x.parts, digits)
	FROM piece AS i
	CROSS JOIN LATERAL (SELECT CASE WHEN asked.data_moved THEN asked.data_gb * i.devices ELSE asked.data_gb END AS gb, CASE WHEN asked.data_moved THEN i.whole ELSE 1 END AS parts) AS x
	WHERE asked.data_gb > 0 AND i.region <> data_region
	UNION ALL
	SELECT i.offer, i.n, 'results', i.region, results_region, compute_ledger._round_ratio(asked.results_gb * i.devices, i.whole, 9), i.results_price,
		compute_ledger._round_ratio(asked.results_gb * i.devices * i.results_price, i.whole, digits)
	FROM piece AS i
	WHERE asked.results_gb > 0 AND i.region <> results_region
	UNION ALL
	SELECT i.offer, i.n, 'between', i.region, j.region, asked.between_gb, CASE WHEN l.within OR l.currency = pools[1].currency THEN l.price_per_gb END,
		compute_ledger._round_ratio(asked.between_gb * CASE WHEN l.within OR l.currency = pools[1].currency THEN l.price_per_gb END, 1, digits)
	FROM piece AS i
	JOIN piece AS j ON j.offer = i.offer AND j.n <> i.n AND j.region <> i.region
	JOIN link AS l ON l.from_region = i.region AND l.to_region = j.region
	WHERE asked.between_gb > 0;
END
$$;
COMMENT ON FUNCTION _transfer_costs(placement_request, _placement_pool[], _offer_piece[], timestamptz) IS 'what is brought from where to where for each of some offers, and what it costs, each transfer once: data to each piece that is elsewhere, results back, what goes from each piece to each other; price and cost NULL where they are not known';

CREATE FUNCTION _offer_costs(asked placement_request, pools _placement_pool[], pieces _offer_piece[], base timestamptz)
	RETURNS TABLE (offer integer, cost numeric, worst numeric, transfer_cost numeric, lines jsonb)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH compute AS (
		SELECT c.offer, CASE WHEN count(*) = count(c.cost) THEN sum(c.cost) END AS cost, sum(c.worst) AS worst,
			jsonb_agg(jsonb_build_object('what', 'compute', 'pool', i.pool, 'devices', i.devices, 'starts', i.starts, 'ends', i.ends, 'cost', c.cost) ORDER BY c.piece) AS lines
		FROM compute_ledger._compute_costs(pools, pieces) AS c
		CROSS JOIN LATERAL (SELECT (pieces[c.piece]).*) AS i
		GROUP BY c.offer
	), transfer AS (
		SELECT t.offer, CASE WHEN count(*) = count(t.cost) THEN sum(t.cost) END AS cost,
			jsonb_agg(jsonb_build_object('what', t.what, 'from', f.name, 'to', g.name, 'gb', trim_scale(t.gb), 'price_per_gb', trim_scale(t.price_per_gb), 'cost', t.cost) ORDER BY t.what, t.place, t.to_region) AS lines
		FROM compute_ledger._transfer_costs(asked, pools, pieces, base) AS t
		JOIN compute_ledger.region AS f ON f.id = t.from_region
		JOIN compute_ledger.region AS g ON g.id = t.to_region
		GROUP BY t.offer
	)
	SELECT c.offer, c.cost, c.worst, CASE WHEN t.offer IS NULL THEN 0 ELSE t.cost END, c.lines || coalesce(t.lines, '[]')
	FROM compute AS c
	LEFT JOIN transfer AS t ON t.offer = c.offer;
END
$$;
COMMENT ON FUNCTION _offer_costs(placement_request, _placement_pool[], _offer_piece[], timestamptz) IS 'what each of some offers costs, computing and transfers, with a line for each; NULL where it is not known. base: when transfers begin';
