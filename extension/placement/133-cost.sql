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
	LANGUAGE c STABLE CALLED ON NULL INPUT ROWS 20 AS 'MODULE_PATHNAME', 'compute_costs';
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

CREATE FUNCTION _offer_lines(asked placement_request, pools _placement_pool[], pieces _offer_piece[], costs numeric[], base timestamptz)
	RETURNS TABLE (offer integer, transfer_cost numeric, lines jsonb)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH compute AS (
		SELECT i.offer, jsonb_agg(jsonb_build_object('what', 'compute', 'pool', i.pool, 'devices', i.devices, 'starts', i.starts, 'ends', i.ends, 'cost', i.cost) ORDER BY i.place) AS lines
		FROM ROWS FROM (unnest(pieces), unnest(costs)) WITH ORDINALITY AS i (offer, pool, devices, starts, ends, cost, place)
		GROUP BY i.offer
	), transfer AS (
		SELECT t.offer, CASE WHEN count(*) = count(t.cost) THEN sum(t.cost) END AS cost,
			jsonb_agg(jsonb_build_object('what', t.what, 'from', f.name, 'to', g.name, 'gb', trim_scale(t.gb), 'price_per_gb', trim_scale(t.price_per_gb), 'cost', t.cost) ORDER BY t.what, t.place, t.to_region) AS lines
		FROM compute_ledger._transfer_costs(asked, pools, pieces, base) AS t
		JOIN compute_ledger.region AS f ON f.id = t.from_region
		JOIN compute_ledger.region AS g ON g.id = t.to_region
		GROUP BY t.offer
	)
	SELECT c.offer, CASE WHEN t.offer IS NULL THEN 0 ELSE t.cost END, c.lines || coalesce(t.lines, '[]')
	FROM compute AS c
	LEFT JOIN transfer AS t ON t.offer = c.offer;
END
$$;
COMMENT ON FUNCTION _offer_lines(placement_request, _placement_pool[], _offer_piece[], numeric[], timestamptz) IS 'what the transfers of each of some offers cost (NULL: it is not known), and a line for all that costs something; costs: of computing each piece. base: when transfers begin';
