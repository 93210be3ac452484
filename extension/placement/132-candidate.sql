-- Which pools a request may run in, as far as can be said without looking at what is booked.

CREATE TYPE _placement_pool AS (
	pool bigint,
	accelerator accelerator,
	granule integer,
	slot_minutes integer,
	guest boolean,
	reason text,
	price_per_hour numeric,
	ready timestamptz,
	rate compute_rate,
	region integer,
	link_class text,
	hold interval,
	until timestamptz,
	allowed tstzmultirange,
	priced tstzrange[],
	prices bigint[],
	list_prices bigint[],
	hourly numeric[],
	currency text,
	data_price numeric,
	results_price numeric,
	floor numeric
);
COMMENT ON TYPE _placement_pool IS 'a pool as a request meets it: reason, why it is out as far as class, region, policy, price, ceiling, basis and transfers say, NULL if it is not; price_per_hour, the lowest of a device-hour while it is allowed; ready, the earliest start, when the data are there; until, its horizon; rate, of a device in the basis asked for, or bf16; allowed, when there is a price that is not above the ceiling and policy has nothing against it; priced, prices, list_prices: which prices win when, and hourly, what a device-hour costs then at the least; currency, that in which the account''s payer is billed; prices of a GB from the data and to where results go, 0 for none; floor, the least that a device-hour of its idle capacity costs in that currency';

CREATE FUNCTION _money_text(amount numeric, currency text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT round(m.amount, greatest(scale(m.amount), c.minor_digits))::text || ' ' || c.code
	FROM compute_ledger.currency AS c
	CROSS JOIN LATERAL (SELECT trim_scale(compute_ledger._round_ratio($1, 1, c.ledger_scale)) AS amount) AS m
	WHERE c.code = $2
$$;
COMMENT ON FUNCTION _money_text(numeric, text) IS 'an amount of money for people to read, rounded as a charge is: 2.20 USD';

CREATE FUNCTION _slot_start(at timestamptz, slot_minutes integer) RETURNS timestamptz
	-- to be inlined
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN date_bin(make_interval(mins => slot_minutes), at + make_interval(mins => slot_minutes) - interval '1 microsecond', '2000-01-01 00:00+00');
COMMENT ON FUNCTION _slot_start(timestamptz, integer) IS 'the first start of a slot that is not before an instant';

CREATE FUNCTION _price_units(unit text, work compute_unit, chip accelerator, OUT parts numeric, OUT scale numeric)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- as rating counts reserved usage, which is recorded in basis bf16
	parts := CASE
		WHEN unit = 'device-hour' THEN compute_ledger.device_share(chip)
		WHEN unit = 'slice-hour' THEN 1680000
		WHEN compute_ledger.basis(work) = 'bf16' THEN 1680000 * compute_ledger.normalized_rate(chip, 'bf16')::numeric / 1000000 END;
	scale := CASE WHEN work IS NULL THEN 6048000000000000 ELSE 1680000 * work::numeric END;
END
$$;
COMMENT ON FUNCTION _price_units(text, compute_unit, accelerator) IS 'how a price counts the time of one device of a chip: so many parts a microsecond, of which scale are its unit; parts NULL: by what an offer does not tell (peaks, percentiles, instance-months, work achieved or of another basis)';

CREATE FUNCTION _find_prices(account bigint, currency text, measure text, chips accelerator[], regions integer[], period tstzrange)
	RETURNS TABLE (place bigint, valid tstzrange, price bigint, list_price bigint, hourly numeric, unit text)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	asked integer := cardinality(chips);
BEGIN
	RETURN QUERY
	WITH won AS MATERIALIZED (
		SELECT c.n, c.chip, w.valid, w.price, w.list_price
		FROM unnest(chips) WITH ORDINALITY AS c (chip, n)
		JOIN compute_ledger._winning_prices('sale', 'infinity', array_fill(account, ARRAY[asked]), chips, regions,
			array_fill(NULL::text, ARRAY[asked]), array_fill(measure, ARRAY[asked]), array_fill(currency, ARRAY[asked]), period) AS w ON w.combination = c.n
	), term AS MATERIALIZED (
		SELECT t.* FROM compute_ledger._rating_prices(ARRAY(SELECT w.price FROM won AS w UNION SELECT w.list_price FROM won AS w)) AS t
	), segment AS MATERIALIZED (
		-- at the lowest tier; a price that follows the list takes its terms from there
		SELECT w.n, w.chip, w.valid, w.price, w.list_price, t.unit, t.work, CASE p.model WHEN 'list' THEN p.factor ELSE 1 END * CASE
			WHEN t.free > 0 THEN 0 WHEN t.model = 'flat' THEN t.price WHEN t.model = 'package' THEN t.price / t.package_size
			ELSE (SELECT min(x.price) FROM unnest(t.tier_prices) AS x (price)) END AS per_unit
		FROM won AS w
		LEFT JOIN term AS p ON p.id = w.price
		LEFT JOIN term AS t ON t.id = CASE p.model WHEN 'list' THEN w.list_price ELSE w.price END
	), unit AS MATERIALIZED (
		SELECT k.*, u.parts * 3600000000 AS parts, u.scale
		FROM (SELECT DISTINCT s.chip, s.unit, s.work FROM segment AS s) AS k
		CROSS JOIN LATERAL compute_ledger._price_units(k.unit, k.work, k.chip) AS u
	)
	SELECT s.n, s.valid, s.price, s.list_price, u.parts / u.scale * s.per_unit, s.unit
	FROM segment AS s
	LEFT JOIN unit AS u ON u.chip OPERATOR(compute_ledger.=) s.chip AND u.unit = s.unit AND (u.work OPERATOR(compute_ledger.=) s.work OR u.work IS NULL AND s.work IS NULL)
	ORDER BY s.n, s.valid;
END
$$;
COMMENT ON FUNCTION _find_prices(bigint, text, text, accelerator[], integer[], tstzrange) IS 'which prices of book sale win for what an account uses of a chip in a region, the elements of one place of two arrays, and when, in the order of time, with the least that a device-hour costs (NULL: it is by a unit that an offer does not tell)';

CREATE FUNCTION _judged_against(account bigint, chips accelerator[], regions integer[], period tstzrange) RETURNS TABLE (question bigint, stands tstzmultirange, clause text)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT j.question, range_agg(j.stands),
		(array_agg(concat_ws(', ', CASE j.effect WHEN 'deny' THEN 'policy denies it' WHEN 'review' THEN 'policy wants it reviewed first' ELSE 'policy asks for a licence' END
			|| CASE WHEN j.rule IS NOT NULL THEN format(': rule "%s" of policy "%s"', j.rule, j.policy) ELSE format(': default of policy "%s"', j.policy) END,
			j.clause, j.reason) ORDER BY j.place))[1]
	FROM compute_ledger._judge(array_fill(account, ARRAY[cardinality(chips)]), chips, regions, period, 'book', NULL, NULL) AS j
	WHERE j.effect <> 'allow'
	GROUP BY j.question;
END
$$;
COMMENT ON FUNCTION _judged_against(bigint, accelerator[], integer[], tstzrange) IS 'of chips in regions, the elements of one place of two arrays, those that policy does not let an account book in all of a period: when not, and its first word on it';

CREATE FUNCTION _pool_links(regions integer[], base timestamptz, data_region text, results_region text, data_gb numeric)
	RETURNS TABLE (region integer, name text, within boolean, in_price numeric, in_currency text, gbps numeric, latency interval, out_price numeric, out_currency text, ready timestamptz)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT g.id, g.name, f.within, f.price_per_gb, f.currency, f.gbps, f.latency, b.price_per_gb, b.currency,
		base + CASE WHEN data_gb > 0 AND NOT f.within THEN least(data_gb * 8 / f.gbps, 3200000000) * interval '1 second' ELSE interval '0' END
	FROM compute_ledger.region AS g
	LEFT JOIN compute_ledger._region_links(ARRAY[compute_ledger._region_id(data_region)], regions, base) AS f ON f.to_region = g.id AND data_region IS NOT NULL
	LEFT JOIN compute_ledger._region_links(regions, ARRAY[compute_ledger._region_id(results_region)], base) AS b ON b.from_region = g.id AND results_region IS NOT NULL
	WHERE g.id = ANY (regions);
END
$$;
COMMENT ON FUNCTION _pool_links(integer[], timestamptz, text, text, numeric) IS 'of regions, what it takes at an instant to bring data there (NULL: none), and results from there (NULL: none), and when so many GB of data are there';

CREATE FUNCTION _request_pools(account bigint, asked placement_request, at timestamptz, these bigint[] DEFAULT NULL, brief boolean DEFAULT false) RETURNS _placement_pool[]
	LANGUAGE c STABLE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'request_pools';
COMMENT ON FUNCTION _request_pools(bigint, placement_request, timestamptz, bigint[], boolean) IS 'all pools, or some (these), or those of the chips that are asked for (brief), as a request of an account that _check_request() has passed meets them at an instant of the clock of bookings; what is booked of them is not looked at';
