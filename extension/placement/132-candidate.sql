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

CREATE FUNCTION _find_winners(account bigint, currency text, measure text, chips accelerator[], regions integer[], period tstzrange)
	RETURNS TABLE (accelerator accelerator, region integer, valid tstzrange, price bigint, list_price bigint, unit text, work compute_unit, per_unit numeric)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	asked integer := cardinality(chips);
BEGIN
	RETURN QUERY
	WITH won AS MATERIALIZED (
		SELECT c.chip, c.region, w.valid, w.price, w.list_price
		FROM unnest(chips, regions) WITH ORDINALITY AS c (chip, region, n)
		JOIN compute_ledger._winning_prices('sale', 'infinity', array_fill(account, ARRAY[asked]), chips, regions,
			array_fill(NULL::text, ARRAY[asked]), array_fill(measure, ARRAY[asked]), array_fill(currency, ARRAY[asked]), period) AS w ON w.combination = c.n
	), term AS MATERIALIZED (
		SELECT t.* FROM compute_ledger._rating_prices(ARRAY(SELECT w.price FROM won AS w UNION SELECT w.list_price FROM won AS w)) AS t
	)
	-- at the lowest tier; a price that follows the list takes its terms from there
	SELECT w.chip, w.region, w.valid, w.price, w.list_price, t.unit, t.work, CASE p.model WHEN 'list' THEN p.factor ELSE 1 END * CASE
		WHEN t.free > 0 THEN 0 WHEN t.model = 'flat' THEN t.price WHEN t.model = 'package' THEN t.price / t.package_size
		ELSE (SELECT min(x.price) FROM unnest(t.tier_prices) AS x (price)) END
	FROM won AS w
	LEFT JOIN term AS p ON p.id = w.price
	LEFT JOIN term AS t ON t.id = CASE p.model WHEN 'list' THEN w.list_price ELSE w.price END;
END
$$;
COMMENT ON FUNCTION _find_winners(bigint, text, text, accelerator[], integer[], tstzrange) IS 'which prices of book sale win for what an account uses of a chip in a region, the elements of one place of two arrays, and when, with the least that a unit costs';

CREATE FUNCTION _kept_winners(account bigint, currency text, measure text, chips accelerator[], regions integer[], period tstzrange)
	RETURNS TABLE (accelerator accelerator, region integer, valid tstzrange, price bigint, list_price bigint, unit text, work compute_unit, per_unit numeric)
	LANGUAGE c STABLE CALLED ON NULL INPUT ROWS 100 AS 'MODULE_PATHNAME', 'kept_winners';
COMMENT ON FUNCTION _kept_winners(bigint, text, text, accelerator[], integer[], tstzrange) IS 'the same, from what the session has found before as long as no price, account or region has changed';

CREATE FUNCTION _winners(account bigint, currency text, preemptible boolean, chips accelerator[], regions integer[], period tstzrange)
	RETURNS TABLE (accelerator accelerator, region integer, valid tstzrange, price bigint, list_price bigint, unit text, work compute_unit, per_unit numeric)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	-- what a reservation is billed by
	measure text := CASE WHEN preemptible THEN 'preemptible'
		WHEN EXISTS (SELECT FROM compute_ledger.price_key AS k JOIN compute_ledger.price AS p ON p.key = k.id
			WHERE k.book = 'sale' AND k.measure = 'reserved' AND upper_inf(p.recorded) AND p.valid && _winners.period) THEN 'reserved'
		ELSE 'allocated' END;
	-- whole months or so, for those who ask next
	wide tstzrange := CASE WHEN period <@ tstzrange('2000-01-01 00:00+00', '3000-01-01 00:00+00')
		THEN tstzrange(date_bin('30 days', lower(period), '2000-01-01 00:00+00'), date_bin('30 days', upper(period), '2000-01-01 00:00+00') + interval '720 hours') ELSE period END;
BEGIN
	RETURN QUERY
	SELECT w.accelerator, w.region, w.valid * period, w.price, w.list_price, w.unit, w.work, w.per_unit
	FROM compute_ledger._kept_winners(account, currency, measure, chips, regions, wide) AS w
	WHERE w.valid && period;
END
$$;
COMMENT ON FUNCTION _winners(bigint, text, boolean, accelerator[], integer[], tstzrange) IS 'the same for what an account reserves: of measure reserved if the book has a price for it in the period, else allocated; of measure preemptible for what gives way';

CREATE FUNCTION _request_pools(account bigint, asked placement_request, at timestamptz, these bigint[] DEFAULT NULL) RETURNS SETOF _placement_pool
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	base timestamptz := greatest(at, asked.not_before);
	wanted integer[] := compute_ledger._region_numbers(asked.regions);
	data_region integer := CASE WHEN asked.data_gb > 0 OR asked.max_latency IS NOT NULL THEN compute_ledger._region_id(asked.data_region) END;
	results_region integer := CASE WHEN asked.results_gb > 0 THEN compute_ledger._region_id(asked.results_region) END;
	currency text := (compute_ledger._billed_currencies(account, tstzrange(base, base, '[]')))[1];
	basis text := coalesce(asked.basis, 'bf16');
	numbers bigint[] := coalesce(these, ARRAY(SELECT p.id FROM compute_ledger.pool AS p));
	all_pools compute_ledger._placement_pool[];
	chips compute_ledger.accelerator[];
	regions integer[];
	period tstzrange;
BEGIN
	-- what the pools are, and where
	SELECT array_agg(ROW(p.id, p.accelerator, p.granule, p.slot_minutes, coalesce(h.guest, false),
			CASE WHEN NOT x.is_of THEN 'is not of an accelerator that was asked for'
				WHEN NOT x.is_in THEN 'is not in a region that was asked for'
				WHEN p.doubted IS NOT NULL THEN 'what it offers is in doubt'
				WHEN asked.preemptible AND p.preempt_notice IS NULL THEN 'gives no idle capacity away' END,
			NULL, NULL, NULL, p.region, coalesce(p.link_class, ''), p.hold, date_bin(make_interval(mins => p.slot_minutes), at + p.horizon, '2000-01-01 00:00+00'),
			NULL, NULL, NULL, NULL, NULL, currency, 0, 0,
			CASE WHEN asked.preemptible AND p.floor_currency = currency THEN p.floor_price END)::compute_ledger._placement_pool ORDER BY p.id)
	INTO all_pools
	FROM (SELECT DISTINCT i.id FROM unnest(numbers) AS i (id)) AS i
	JOIN compute_ledger.pool AS p ON p.id = i.id
	LEFT JOIN (SELECT o.host, compute_ledger._is_guest(account, o.host, base) AS guest FROM (SELECT DISTINCT o.host FROM compute_ledger.pool AS o WHERE o.host IS NOT NULL) AS o) AS h ON h.host = p.host
	CROSS JOIN LATERAL (SELECT
		EXISTS (SELECT FROM unnest(asked.accelerators) AS a (class) WHERE p.accelerator OPERATOR(compute_ledger.<@) a.class
			AND (compute_ledger.mig_profile(p.accelerator) IS NULL) = (compute_ledger.mig_profile(a.class) IS NULL)) AS is_of,
		wanted IS NULL OR p.region IN (SELECT w.region FROM compute_ledger._region_ways(ARRAY(SELECT DISTINCT o.region FROM compute_ledger.pool AS o), base) AS w WHERE w.above = ANY (wanted)) AS is_in) AS x;
	SELECT coalesce(array_agg(c.accelerator), '{}'), coalesce(array_agg(c.region), '{}'), tstzrange(base, greatest(max(c.until), base + interval '1 day'))
	INTO chips, regions, period
	FROM (SELECT p.accelerator, p.region, max(p.until) AS until FROM unnest(all_pools) AS p WHERE p.reason IS NULL GROUP BY p.accelerator, p.region) AS c;
	RETURN QUERY
	WITH won AS MATERIALIZED (
		SELECT w.* FROM compute_ledger._winners(account, currency, asked.preemptible, chips, regions, period) AS w
	), unit AS MATERIALIZED (
		SELECT k.*, u.parts * 3600000000 AS parts, u.scale
		FROM (SELECT DISTINCT w.accelerator, w.unit, w.work FROM won AS w) AS k
		CROSS JOIN LATERAL compute_ledger._price_units(k.unit, k.work, k.accelerator) AS u
	), segment AS MATERIALIZED (
		SELECT w.*, u.parts / u.scale * w.per_unit AS per_hour
		FROM won AS w
		LEFT JOIN unit AS u ON u.accelerator OPERATOR(compute_ledger.=) w.accelerator AND u.unit = w.unit AND (u.work OPERATOR(compute_ledger.=) w.work OR u.work IS NULL AND w.work IS NULL)
	), price AS (
		SELECT s.accelerator, s.region, array_agg(s.valid) AS priced, array_agg(s.price) AS prices, array_agg(s.list_price) AS list_prices, array_agg(s.per_hour) AS hourly,
			range_agg(s.valid) FILTER (WHERE s.per_hour <= coalesce(asked.ceiling, s.per_hour)) AS allowed,
			min(s.per_hour) AS lowest, max(s.per_hour) AS highest,
			min(format('price %s is by the %s, which an offer does not tell', s.price, s.unit)) FILTER (WHERE s.price IS NOT NULL AND s.per_hour IS NULL) AS fault
		FROM (SELECT s.* FROM segment AS s ORDER BY s.accelerator USING OPERATOR(compute_ledger.<), s.region, s.valid) AS s
		GROUP BY s.accelerator, s.region
	), judged AS MATERIALIZED (
		SELECT q.accelerator, q.region, range_agg(j.stands) AS stands,
			(array_agg(concat_ws(', ', CASE j.effect WHEN 'deny' THEN 'policy denies it' WHEN 'review' THEN 'policy wants it reviewed first' ELSE 'policy asks for a licence' END
				|| CASE WHEN j.rule IS NOT NULL THEN format(': rule "%s" of policy "%s"', j.rule, j.policy) ELSE format(': default of policy "%s"', j.policy) END,
				j.clause, j.reason) ORDER BY j.place))[1] AS clause
		FROM compute_ledger._judge(array_fill(account, ARRAY[cardinality(chips)]), chips, regions, period, 'book', NULL, NULL) AS j
		JOIN unnest(chips, regions) WITH ORDINALITY AS q (accelerator, region, n) ON q.n = j.question
		WHERE j.effect <> 'allow'
		GROUP BY q.accelerator, q.region
	), link AS MATERIALIZED (
		SELECT l.* FROM compute_ledger._region_links(ARRAY[data_region], regions, base) AS l WHERE data_region IS NOT NULL
	), back AS MATERIALIZED (
		SELECT l.* FROM compute_ledger._region_links(regions, ARRAY[results_region], base) AS l WHERE results_region IS NOT NULL
	), rate AS MATERIALIZED (
		SELECT k.accelerator, compute_ledger.normalized_rate(k.accelerator, basis, base) AS basis_rate FROM (SELECT DISTINCT q.accelerator FROM unnest(chips) AS q (accelerator)) AS k
	), figure AS MATERIALIZED (
		SELECT p.*, f.price_per_gb AS in_price, f.within AS is_within, f.currency AS in_currency, f.gbps, f.latency, b.price_per_gb AS out_price, b.currency AS out_currency,
			c.priced AS c_priced, c.prices AS c_prices, c.list_prices AS c_list_prices, c.hourly AS c_hourly, c.lowest, c.highest, c.fault, j.clause,
			k.basis_rate,
			compute_ledger._slot_start(base + CASE WHEN asked.data_gb > 0 AND NOT f.within THEN least(asked.data_gb * 8 / f.gbps, 3200000000) * interval '1 second' ELSE interval '0' END, p.slot_minutes) AS earliest,
			coalesce(c.allowed, '{}') AS affordable, coalesce(c.allowed, '{}') - coalesce(j.stands, '{}')
				- CASE WHEN p.floor > c.lowest THEN (SELECT range_agg(h.valid) FROM unnest(c.priced, c.hourly) AS h (valid, hourly) WHERE h.hourly < p.floor) ELSE '{}' END AS bookable
		FROM unnest(all_pools) AS p
		LEFT JOIN rate AS k ON k.accelerator OPERATOR(compute_ledger.=) p.accelerator
		LEFT JOIN price AS c ON c.accelerator OPERATOR(compute_ledger.=) p.accelerator AND c.region = p.region
		LEFT JOIN judged AS j ON j.accelerator OPERATOR(compute_ledger.=) p.accelerator AND j.region = p.region
		LEFT JOIN link AS f ON f.to_region = p.region
		LEFT JOIN back AS b ON b.from_region = p.region
	)
	SELECT f.pool, f.accelerator, f.granule, f.slot_minutes, f.guest,
		CASE WHEN f.reason IS NOT NULL THEN f.reason
			WHEN asked.devices % f.granule <> 0 AND asked.sites = 1 THEN format('is booked in multiples of %s devices', f.granule)
			WHEN currency IS NULL THEN 'the account is billed in no currency'
			WHEN asked.basis IS NOT NULL AND f.basis_rate IS NULL THEN format('%s has no rate in basis %s', f.accelerator, basis)
			WHEN f.lowest IS NULL AND f.fault IS NOT NULL THEN f.fault
			WHEN f.lowest IS NULL AND asked.preemptible THEN format('has no price for idle capacity in %s', currency)
			WHEN f.highest < f.floor THEN format('below the floor for idle capacity: %s for a device-hour', compute_ledger._money_text(f.lowest, currency))
			WHEN f.lowest IS NULL THEN format('has no price in %s', currency)
			WHEN isempty(f.affordable) THEN format('above the ceiling: %s for a device-hour', compute_ledger._money_text(f.lowest, currency))
			WHEN asked.max_latency IS NOT NULL AND f.latency IS NULL THEN format('no latency is known from %s to %s', asked.data_region, g.name)
			WHEN f.latency > asked.max_latency THEN format('too far from the data: %s', f.latency)
			WHEN asked.data_gb > 0 AND f.in_price IS NULL THEN format('no price of transfer from %s to %s', asked.data_region, g.name)
			WHEN asked.data_gb > 0 AND f.in_currency <> currency THEN format('price of transfer from %s to %s is in %s, not in %s', asked.data_region, g.name, f.in_currency, currency)
			WHEN asked.data_gb > 0 AND NOT f.is_within AND f.gbps IS NULL THEN format('no bandwidth is known from %s to %s', asked.data_region, g.name)
			WHEN asked.results_gb > 0 AND f.out_price IS NULL THEN format('no price of transfer from %s to %s', g.name, asked.results_region)
			WHEN asked.results_gb > 0 AND f.out_currency <> currency THEN format('price of transfer from %s to %s is in %s, not in %s', g.name, asked.results_region, f.out_currency, currency)
			WHEN f.earliest >= f.until THEN format('its horizon, %s, is before the earliest start', f.until)
			WHEN isempty(f.bookable * tstzmultirange(tstzrange(f.earliest, greatest(f.until, f.earliest), '[]')))
				THEN coalesce(f.clause, format('has no price from %s on, or none that is not above the ceiling', f.earliest)) END,
		f.lowest, f.earliest, f.basis_rate, f.region, f.link_class, f.hold, f.until, f.bookable * tstzmultirange(tstzrange(f.earliest, greatest(f.until, f.earliest))),
		f.c_priced, f.c_prices, f.c_list_prices, f.c_hourly, f.currency, coalesce(f.in_price, 0), coalesce(f.out_price, 0), f.floor
	FROM figure AS f
	LEFT JOIN compute_ledger.region AS g ON g.id = f.region AND (asked.data_gb > 0 OR asked.results_gb > 0 OR asked.max_latency IS NOT NULL)
	ORDER BY f.pool;
END
$$;
COMMENT ON FUNCTION _request_pools(bigint, placement_request, timestamptz, bigint[]) IS 'all pools, or some (these), as a request of an account that _check_request() has passed meets them at an instant of the clock of bookings; what is booked of them is not looked at';
