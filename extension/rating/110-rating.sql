-- Rating: from usage records to charges.
--
-- The engine is C: rating.h says how it works.  It calls the functions here that say what
-- usage is rated by, as of a recorded time: who pays, places in the trees, days, prices.
-- What is charged by the sum of usage comes out of it as charges; what is charged by the
-- level of usage (peaks, percentiles, reserved capacity) comes out as parts of records,
-- and the statement of _rate() makes charges of them: there are few.

CREATE TYPE rated_charge AS (
	kind text,
	book text,
	account bigint,
	payer bigint,
	billing_period bigint,
	price bigint,
	list_price bigint,
	region integer,
	accelerator accelerator,
	number_format text,
	measure text,
	basis integer,
	rate compute_rate,
	share integer,
	day date,
	period tstzrange,
	amount numeric,
	quantity numeric,
	unit text,
	work compute_unit,
	tiers jsonb,
	unit_price numeric,
	list_unit_price numeric,
	list_cost numeric,
	contracted_cost numeric,
	cost numeric,
	currency text,
	records bigint,
	corrects bigint,
	reservation bigint
);
COMMENT ON TYPE rated_charge IS 'Row of rate_usage(): a charge before it is stored. Table charge has these columns.';
COMMENT ON COLUMN rated_charge.kind IS 'usage: usage at a price; unpriced: usage that has none; drawn: usage that a reservation covers, which has no price of its own; reservation used, reservation unused: of a reservation, what was drawn of it and what was not; instance, peak, percentile: a price per instance-month, or for the peak or a sampled percentile of devices in a billing period; commitment: what was missing to a minimum commitment; rounding: what the rounded charges of an account under a price differ by from their sum, rounded once; reserved used, reserved unused, beyond: reserved capacity, and what was used beyond it';
COMMENT ON COLUMN rated_charge.book IS 'the price book';
COMMENT ON COLUMN rated_charge.account IS 'whose usage it is';
COMMENT ON COLUMN rated_charge.payer IS 'the account that is billed: the nearest one up the tree with a billing calendar; of a correction, the one that was billed for that period';
COMMENT ON COLUMN rated_charge.billing_period IS 'the billing period of the usage';
COMMENT ON COLUMN rated_charge.price IS 'the price that won; NULL if there was none';
COMMENT ON COLUMN rated_charge.list_price IS 'the price that wins among those without an account';
COMMENT ON COLUMN rated_charge.region IS 'region of the usage; NULL for what is charged over several';
COMMENT ON COLUMN rated_charge.accelerator IS 'chip or class that was used; NULL for what is charged over several';
COMMENT ON COLUMN rated_charge.number_format IS 'number format of the usage; NULL: not known, or several';
COMMENT ON COLUMN rated_charge.measure IS 'reserved, allocated, used, forgone or preemptible';
COMMENT ON COLUMN rated_charge.basis IS 'code of the basis of rate';
COMMENT ON COLUMN rated_charge.rate IS 'the normalised rate of one device, or of one MIG slice, as the records froze it: the factor from hours of these to work';
COMMENT ON COLUMN rated_charge.share IS 'the part of a device that one of what was used is, in 1/1,680,000, as the records froze it: less than 1680000 for MIG slices and vGPUs; NULL: not known, or several';
COMMENT ON COLUMN rated_charge.day IS 'day in the account''s time zone; NULL for what is charged for a whole billing period';
COMMENT ON COLUMN rated_charge.period IS 'the part of the day, or billing period, that was rated';
COMMENT ON COLUMN rated_charge.amount IS 'device time as an exact integer, in microseconds of 1/1,680,000 of a device; of MIG slices, their share of the device; NULL: the share is not known';
COMMENT ON COLUMN rated_charge.quantity IS 'the quantity in units; device-hours have 12 decimals and are differences of rounded running totals, so that they add up';
COMMENT ON COLUMN rated_charge.unit IS 'unit of quantity, unit_price and list_unit_price';
COMMENT ON COLUMN rated_charge.work IS 'nominal work: rate x devices (slices, of MIG slices) x time, rounded half to even as differences of running totals';
COMMENT ON COLUMN rated_charge.tiers IS 'quantity and cost in each tier';
COMMENT ON COLUMN rated_charge.unit_price IS 'price of a unit, if there is one for all of the quantity';
COMMENT ON COLUMN rated_charge.list_unit_price IS 'list price of a unit, if there is one for all of the quantity';
COMMENT ON COLUMN rated_charge.list_cost IS 'cost at list prices; NULL if there is no list price';
COMMENT ON COLUMN rated_charge.contracted_cost IS 'cost at the price that won';
COMMENT ON COLUMN rated_charge.cost IS 'what is billed, rounded once, half to even, to the currency''s ledger scale';
COMMENT ON COLUMN rated_charge.currency IS 'currency of all amounts of money of the row, ISO 4217';
COMMENT ON COLUMN rated_charge.records IS 'number of rows that trace_charge() shows: parts of records, or 1 for what is made of none';
COMMENT ON COLUMN rated_charge.corrects IS 'of a correction: the closed billing period that it corrects';
COMMENT ON COLUMN rated_charge.reservation IS 'of a reservation, and of usage that names one: its number; of kind usage or unpriced: what goes beyond it, or draws on it for nothing because account, region, chip or time are not its';

CREATE FUNCTION _is_by_sum(kind text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN kind OPERATOR(pg_catalog.=) ANY ('{usage,unpriced,instance,drawn,reservation used,reservation unused}');
COMMENT ON FUNCTION _is_by_sum(text) IS 'whether charges of this kind are for the usage of one account, chip and day, by its sum; NULL for NULL';

-- ------------------------------------------------------------------ what usage is rated by

CREATE FUNCTION _round_ratio(dividend numeric, divisor numeric, digits integer) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'round_ratio';
COMMENT ON FUNCTION _round_ratio(numeric, numeric, integer) IS 'dividend / divisor, rounded once, half to even, to so many digits after the point, 0 to 100: the one rounding in SQL, too (of a number: divisor 1). NaN and infinities stay what they are; NULL for NULL; 22023 for a divisor that is not finite and above zero';

CREATE FUNCTION _rating_prices(prices bigint[]) RETURNS TABLE (id bigint, account bigint, pool_number bigint, unit text, model text, currency text, digits integer,
		committed boolean, work compute_unit, devices_per_instance numeric, price numeric, tier_bounds numeric[], tier_prices numeric[], tier_fees numeric[],
		package_size numeric, free numeric, factor numeric)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT p.id, p.account, dense_rank() OVER (ORDER BY p.pool IS NULL, p.pool, CASE WHEN p.pool IS NULL THEN p.key END, coalesce('@' || compute_ledger.basis(p.work), p.unit), CASE WHEN p.pool IS NOT NULL THEN p.currency END), p.unit, p.model, p.currency, k.ledger_scale,
		p.committed_devices IS NOT NULL, p.work, p.devices_per_instance, p.price, p.tier_bounds, p.tier_prices, p.tier_fees, p.package_size, p.free, p.factor
	FROM compute_ledger.price AS p
	JOIN compute_ledger.currency AS k ON k.code = p.currency
	WHERE p.id = ANY (prices);
END
$$;
COMMENT ON FUNCTION _rating_prices(bigint[]) IS 'prices as rating reads them; pool_number: the same for what accumulates together, the prices of a pool or the versions of one key that count the same; digits: of a charge in the currency';

-- Functions of their own, so that the statement is planned for as many rows as there are.
CREATE FUNCTION _billed_accounts(as_of timestamptz)
	RETURNS TABLE (account bigint, payer bigint, calendar bigint, time_zone text, currency text, valid tstzrange, lapsed boolean)
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH paid AS MATERIALIZED (
		SELECT p.*, lead(lower(p.valid)) OVER (PARTITION BY p.account ORDER BY lower(p.valid) NULLS FIRST) AS next
		FROM compute_ledger._payers(as_of) AS p
	)
	SELECT p.account, p.payer, p.calendar, p.time_zone, p.currency, p.valid, false FROM paid AS p
	UNION ALL
	-- the rest of the billing period in which it ended, or until it is valid again
	SELECT p.account, p.payer, p.calendar, p.time_zone, p.currency, tstzrange(upper(p.valid), least(b.ends_at, p.next)), true
	FROM paid AS p
	JOIN compute_ledger._billing_periods(as_of) AS b ON b.calendar = p.calendar AND b.starts_at < upper(p.valid) AND b.ends_at > upper(p.valid)
	WHERE NOT upper_inf(p.valid) AND (p.next > upper(p.valid) OR p.next IS NULL)
$$;
COMMENT ON FUNCTION _billed_accounts(timestamptz) IS 'payers(), and where an account has ended, or is not valid for a time, who paid for it last, to the end of the billing period in which that began (lapsed): what is used then has no price, and is that payer''s to settle';

CREATE FUNCTION _rating_places(as_of timestamptz, payers bigint[], accounts bigint[], root bigint, from_at timestamptz, to_at timestamptz)
	RETURNS TABLE (account bigint, owner bigint, payer bigint, calendar bigint, time_zone text, currency text, starts timestamptz, ends timestamptz, asked boolean, lapsed boolean)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH node AS MATERIALIZED (
		SELECT t.account, t.ancestor, t.depth, coalesce(lower(t.valid), '-infinity') AS starts, coalesce(upper(t.valid), 'infinity') AS ends
		FROM compute_ledger._account_tree(as_of) AS t
		WHERE t.account = ANY (accounts)
	), branch AS (
		-- an account between two changes of its ancestors
		SELECT x.account, x.at AS starts, lead(x.at, 1, _rating_places.to_at) OVER (PARTITION BY x.account ORDER BY x.at) AS ends
		FROM (
			SELECT n.account, greatest(n.starts, _rating_places.from_at) AS at FROM node AS n
			UNION
			SELECT n.account, greatest(n.ends, _rating_places.from_at) FROM node AS n
		) AS x
		WHERE x.at < _rating_places.to_at
	)
	SELECT p.account,
		-- whom usage belongs to that names an account which was merged into another
		coalesce(o.owner, p.account) AS owner,
		p.payer, p.calendar, p.time_zone, p.currency, x.starts, x.ends,
		root IS NULL OR coalesce(u.valid @> x.at, false) AS asked,
		p.lapsed
	FROM compute_ledger._billed_accounts(as_of) AS p
	JOIN branch AS b ON b.account = p.account
	CROSS JOIN LATERAL (
		SELECT greatest(b.starts, lower(p.valid)) AS starts, least(b.ends, upper(p.valid)) AS ends,
			CASE WHEN p.lapsed THEN lower(p.valid) - interval '1 microsecond' ELSE greatest(b.starts, lower(p.valid)) END AS at) AS x
	-- joined once for all: looked for in node for each account, they took minutes for ten thousand
	LEFT JOIN (SELECT n.account, n.ancestor AS owner, n.starts, n.ends FROM node AS n WHERE n.depth = 0) AS o
		ON o.account = p.account AND o.starts <= x.at AND x.at < o.ends
	LEFT JOIN (SELECT n.account, range_agg(tstzrange(n.starts, n.ends)) AS valid FROM node AS n WHERE n.ancestor = root GROUP BY n.account) AS u
		ON u.account = p.account
	WHERE p.payer = ANY (payers) AND x.starts < x.ends
$$;
COMMENT ON FUNCTION _rating_places(timestamptz, bigint[], bigint[], bigint, timestamptz, timestamptz) IS 'accounts that payers pay for, between two changes of the accounts above them: whose usage it is (owner differs for a merged account), who pays, and whether it is under root then; lapsed: after its end, or in a gap of its validity, where it stands as it stood before';

CREATE FUNCTION _rating_sites(as_of timestamptz, from_at timestamptz, to_at timestamptz) RETURNS TABLE (region integer, starts timestamptz, ends timestamptz)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
	-- a region between two changes of its ancestors
	SELECT x.region, x.at AS starts, lead(x.at, 1, to_at) OVER (PARTITION BY x.region ORDER BY x.at) AS ends
	FROM (
		SELECT t.region, greatest(lower(t.valid), from_at) AS at FROM compute_ledger._region_tree(as_of) AS t
		UNION
		SELECT t.region, greatest(upper(t.valid), from_at) FROM compute_ledger._region_tree(as_of) AS t
		UNION
		SELECT r.id, from_at FROM compute_ledger.region AS r
	) AS x
	WHERE x.at < to_at
$$;
COMMENT ON FUNCTION _rating_sites(timestamptz, timestamptz, timestamptz) IS 'regions between two changes of the regions above them';

CREATE FUNCTION _rating_days(time_zones text[], asked tstzrange, from_at timestamptz, to_at timestamptz) RETURNS TABLE (time_zone text, day date, starts timestamptz, ends timestamptz, month bigint)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT x.time_zone, (x.at AT TIME ZONE x.time_zone)::date AS day, x.at AS starts, lead(x.at) OVER (PARTITION BY x.time_zone ORDER BY x.at) AS ends,
		(1000000 * extract(epoch FROM compute_ledger._local_start(m.month + interval '1 month', x.time_zone) - compute_ledger._local_start(m.month, x.time_zone)))::bigint AS month
	FROM (
		SELECT z.time_zone, compute_ledger._local_start(d, z.time_zone) AS at
		FROM unnest(time_zones) AS z (time_zone),
			generate_series(date_trunc('day', (from_at AT TIME ZONE z.time_zone)) - interval '1 day', (to_at AT TIME ZONE z.time_zone) + interval '2 days', interval '1 day') AS d
		UNION
		SELECT z.time_zone, a.at FROM unnest(time_zones) AS z (time_zone), (VALUES (lower(asked)), (upper(asked))) AS a (at) WHERE a.at > from_at AND a.at < to_at
	) AS x,
		LATERAL (SELECT date_trunc('month', x.at AT TIME ZONE x.time_zone)) AS m (month)
$$;
COMMENT ON FUNCTION _rating_days(text[], tstzrange, timestamptz, timestamptz) IS 'days of time zones, cut at the bounds of the period asked for; month: microseconds of the calendar month that the day is in';

CREATE FUNCTION _billed_measures(book text, as_of timestamptz, period tstzrange) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(m.measure), '{allocated}')
	FROM (VALUES ('reserved'), ('allocated'), ('used'), ('forgone'), ('preemptible')) AS m (measure)
	WHERE EXISTS (SELECT FROM compute_ledger.price AS p
		WHERE p.book = _billed_measures.book AND p.measure = m.measure AND p.recorded @> _billed_measures.as_of AND p.valid && _billed_measures.period)
$$;
COMMENT ON FUNCTION _billed_measures(text, timestamptz, tstzrange) IS 'the measures that a price book bills by in a billing period, as of a recorded time: those that any price of it is for that is valid at some time of the period, and allocated if there is none';

-- ------------------------------------------------------------------ the engine

CREATE FUNCTION _rate_charges(book text, as_of timestamptz, payers bigint[], accounts bigint[], root bigint, period tstzrange, starts timestamptz, ends timestamptz) RETURNS SETOF rated_charge
	LANGUAGE c STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'rate_charges';
COMMENT ON FUNCTION _rate_charges(text, timestamptz, bigint[], bigint[], bigint, tstzrange, timestamptz, timestamptz) IS 'what payers are billed for the accounts that they pay for, by the sum of usage, in billing periods from starts to ends, cut at the bounds of the period asked for, and, when a billing period is over, what rounding these charges has left of their sum. Charges that do not lie in that period and under root have the kind counted: they count towards minimum commitments. Rows of kind part are parts of records that are not charged by their sum: price, period, amount and, as quantity, devices; rows of kind list what they cost at list prices, by days, NULL where they have none. 22003 for usage beyond 128 bits';

CREATE FUNCTION _rate_parts(book text, as_of timestamptz, payers bigint[], accounts bigint[], root bigint, period tstzrange, starts timestamptz, ends timestamptz, charge rated_charge,
		OUT record bigint, OUT part_from timestamptz, OUT part_to timestamptz, OUT devices numeric, OUT amount numeric, OUT quantity numeric, OUT cost numeric) RETURNS SETOF record
	LANGUAGE c STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'rate_parts';
COMMENT ON FUNCTION _rate_parts(text, timestamptz, bigint[], bigint[], bigint, tstzrange, timestamptz, timestamptz, rated_charge) IS 'the parts of records that a charge is made of, in the order in which they count; the period is that of the charge. Of what is not charged by its sum, quantity and cost are NULL';

CREATE FUNCTION _rate_all_parts(book text, as_of timestamptz, payers bigint[], accounts bigint[], root bigint, period tstzrange, starts timestamptz, ends timestamptz, charges rated_charge[],
		OUT number integer, OUT record bigint, OUT amount numeric, OUT cost numeric) RETURNS SETOF record
	LANGUAGE c STABLE ROWS 100000
	SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'rate_all_parts';
COMMENT ON FUNCTION _rate_all_parts(text, timestamptz, bigint[], bigint[], bigint, tstzrange, timestamptz, timestamptz, rated_charge[]) IS 'the parts of records that many charges which are charged by their sum are made of, in one pass: number of the charge in the array, record, amount and share of the cost. The charges are whole ones of what is rated';

CREATE FUNCTION _scaled_tier_cost(model text, price numeric, tier_bounds numeric[], tier_prices numeric[], tier_fees numeric[],
		package_size numeric, free numeric, q0 numeric, q1 numeric, total numeric, scale numeric) RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT compute_ledger._tier_cost(model, CASE model WHEN 'package' THEN price * scale ELSE price END,
		CASE WHEN tier_bounds IS NOT NULL THEN ARRAY(SELECT b.bound * scale FROM unnest(tier_bounds) WITH ORDINALITY AS b (bound, i) ORDER BY b.i) END, tier_prices,
		CASE WHEN tier_fees IS NOT NULL THEN ARRAY(SELECT f.fee * scale FROM unnest(tier_fees) WITH ORDINALITY AS f (fee, i) ORDER BY f.i) END, package_size * scale, free * scale, q0, q1, total)
$$;
COMMENT ON FUNCTION _scaled_tier_cost(text, numeric, numeric[], numeric[], numeric[], numeric, numeric, numeric, numeric, numeric, numeric) IS '_tier_cost() of quantities in parts of which scale make the unit of the price; the cost is in such parts, too';

CREATE FUNCTION _rating_terms(as_of timestamptz, payers bigint[], accounts bigint[], root bigint, period tstzrange, starts timestamptz, ends timestamptz)
	RETURNS TABLE (account bigint, owner bigint, payer bigint, billing_period bigint, time_zone text, currency text, asked boolean,
		period_starts timestamptz, period_ends timestamptz, from_at timestamptz, to_at timestamptz)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.account, t.owner, t.payer, t.billing_period, t.time_zone, t.currency, t.asked, t.period_starts, t.period_ends, lower(v.valid), upper(v.valid)
	FROM (
		SELECT y.account, y.owner, y.payer, b.id AS billing_period, y.time_zone, y.currency,
			y.asked AND _rating_terms.period @> tstzrange(b.starts_at, least(b.ends_at, _rating_terms.ends)) AS asked, b.starts_at AS period_starts, b.ends_at AS period_ends,
			range_agg(tstzrange(greatest(b.starts_at, y.starts), least(b.ends_at, y.ends))) AS valid
		FROM compute_ledger._rating_places(as_of, payers, accounts, root, _rating_terms.starts, _rating_terms.ends) AS y
		JOIN compute_ledger._billing_periods(as_of) AS b ON b.calendar = y.calendar AND b.starts_at < y.ends AND b.ends_at > y.starts
		WHERE NOT y.lapsed AND b.starts_at < _rating_terms.ends AND b.ends_at > _rating_terms.starts AND tstzrange(b.starts_at, b.ends_at) && _rating_terms.period
		GROUP BY y.account, y.owner, y.payer, b.id, y.time_zone, y.currency, y.asked, b.starts_at, b.ends_at
	) AS t, unnest(t.valid) AS v (valid)
$$;
COMMENT ON FUNCTION _rating_terms(timestamptz, bigint[], bigint[], bigint, tstzrange, timestamptz, timestamptz) IS 'the times of a billing period in which an account, or what it was merged into (owner), is paid for by one payer, has one time zone and one currency: moves under the payer cut nothing; asked: it is under root, and all of the billing period so far is asked for';

-- Longer than a function should be: each step takes sets from several before it, and a function takes no set.
CREATE FUNCTION _rate(book text, as_of timestamptz, payers bigint[], accounts bigint[], root bigint, period tstzrange, starts timestamptz, ends timestamptz) RETURNS SETOF rated_charge
	LANGUAGE plpgsql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
DECLARE
	own_currency boolean := EXISTS (SELECT FROM compute_ledger.price_book AS b WHERE b.book = _rate.book AND b.currency = 'own');
BEGIN
	RETURN QUERY
	WITH rated AS MATERIALIZED (
		SELECT r.* FROM compute_ledger._rate_charges(_rate.book, _rate.as_of, payers, accounts, root, _rate.period, _rate.starts, _rate.ends) AS r
	), term AS MATERIALIZED (
		SELECT t.* FROM compute_ledger._rating_terms(_rate.as_of, payers, accounts, root, _rate.period, _rate.starts, _rate.ends) AS t
	), listed AS MATERIALIZED (
		-- what usage that is not charged by its sum costs at list prices
		SELECT r.price, r.payer, r.billing_period, CASE WHEN bool_and(r.list_cost IS NOT NULL) THEN sum(r.list_cost) END AS list_cost
		FROM rated AS r
		WHERE r.kind = 'list'
		GROUP BY r.price, r.payer, r.billing_period
	), beside AS MATERIALIZED (
		-- its parts
		SELECT r.price, r.payer, r.billing_period, lower(r.period) AS part_from, upper(r.period) AS part_to, r.amount, r.quantity AS devices
		FROM rated AS r
		WHERE r.kind = 'part'
	), level AS MATERIALIZED (
		SELECT b.price, b.payer, b.billing_period, compute_ledger.device_profile(b.part_from, b.part_to, b.devices) AS profile, sum(b.amount) AS amount, count(*) AS parts
		FROM beside AS b
		GROUP BY b.price, b.payer, b.billing_period
	), highest AS (
		-- a level is a whole number of units of 1/1,680,000; a price that holds for a part of the period counts for that part
		SELECT p.id, l.payer, l.billing_period, p.unit, p.account, p.accelerator, p.region, p.number_format, p.measure, p.currency, k.ledger_scale AS digits,
			p.model, p.price, p.tier_bounds, p.tier_prices, p.tier_fees, p.package_size, p.free, l.amount, l.parts, w.asked, w.from_at, least(w.to_at, _rate.ends) AS until,
			compute_ledger._round_ratio(1680000 * CASE p.unit WHEN 'peak-device' THEN compute_ledger.peak(l.profile)
				ELSE compute_ledger.sampled_percentile(l.profile, p.percentile, p.sample_step, tstzrange(w.from_at, least(w.to_at, _rate.ends))) END, 1, 0)
				* extract(epoch FROM w.to_at - w.from_at) AS units,
			1680000 * extract(epoch FROM w.period_ends - w.period_starts) AS scale
		FROM level AS l
		JOIN compute_ledger.price AS p ON p.id = l.price AND p.unit IN ('peak-device', 'percentile-device')
		JOIN compute_ledger.currency AS k ON k.code = p.currency
		CROSS JOIN LATERAL (
			SELECT bool_or(t.asked) AS asked, t.period_starts, t.period_ends, greatest(t.period_starts, lower(p.valid)) AS from_at, least(t.period_ends, upper(p.valid)) AS to_at
			FROM term AS t
			WHERE t.account = l.payer AND t.payer = l.payer AND t.billing_period = l.billing_period
			GROUP BY t.period_starts, t.period_ends
		) AS w
	), committed AS MATERIALIZED (
		SELECT p.*, k.ledger_scale AS digits, t.owner, t.payer, t.time_zone, t.asked, t.billing_period, x.from_at, x.to_at,
			compute_ledger._round_ratio(p.committed_devices * 1680000, 1, 0) AS units
		FROM compute_ledger.price AS p
		JOIN compute_ledger.currency AS k ON k.code = p.currency
		JOIN term AS t ON t.account = p.account AND (t.currency = p.currency OR own_currency)
		CROSS JOIN LATERAL (SELECT greatest(t.from_at, lower(p.valid)), least(t.to_at, upper(p.valid))) AS x (from_at, to_at)
		WHERE p.book = _rate.book AND p.recorded @> _rate.as_of AND p.committed_devices IS NOT NULL AND p.account = ANY (accounts) AND x.from_at < x.to_at
	), step AS MATERIALIZED (
		SELECT l.price, l.payer, l.billing_period, s.period, compute_ledger._round_ratio(s.level * 1680000, 1, 0) AS units
		FROM level AS l CROSS JOIN LATERAL compute_ledger.steps(l.profile) AS s
		WHERE l.price IN (SELECT c.id FROM committed AS c)
	), reserved AS (
		-- by days: what of the committed devices was used, was not, and what was used beyond
		SELECT c.id, c.owner, c.payer, c.billing_period, c.asked, d.day, x.from_at, x.to_at, coalesce(u.used, 0) AS used, coalesce(u.beyond, 0) AS beyond,
			c.units * (1000000 * extract(epoch FROM x.to_at - x.from_at))::bigint - coalesce(u.used, 0) AS unused,
			(SELECT count(*) FROM beside AS b WHERE b.price = c.id AND b.payer = c.payer AND b.billing_period = c.billing_period AND b.part_from < x.to_at AND b.part_to > x.from_at) AS parts
		FROM committed AS c
		JOIN compute_ledger._rating_days(ARRAY(SELECT DISTINCT t.time_zone FROM term AS t), _rate.period, _rate.starts, _rate.ends) AS d ON d.time_zone = c.time_zone AND d.starts < c.to_at AND d.ends > c.from_at
		CROSS JOIN LATERAL (SELECT greatest(c.from_at, d.starts), least(c.to_at, d.ends, _rate.ends)) AS x (from_at, to_at)
		LEFT JOIN LATERAL (
			SELECT sum(least(s.units, c.units) * t.length) AS used, sum(greatest(s.units - c.units, 0) * t.length) AS beyond
			FROM step AS s
			CROSS JOIN LATERAL (SELECT (1000000 * extract(epoch FROM upper(s.period * tstzrange(x.from_at, x.to_at)) - lower(s.period * tstzrange(x.from_at, x.to_at))))::bigint) AS t (length)
			WHERE s.price = c.id AND s.payer = c.payer AND s.billing_period = c.billing_period AND s.period && tstzrange(x.from_at, x.to_at)
		) AS u ON true
		WHERE x.from_at < x.to_at
	), running AS (
		SELECT c.*, r.day, r.from_at AS day_from, r.to_at AS day_to, r.used, r.beyond, r.unused, r.parts, 6048000000000000 AS scale,
			sum(r.used) OVER w AS used_until, sum(r.unused) OVER w AS unused_until, sum(r.beyond) OVER w AS beyond_until,
			sum(r.beyond) OVER (PARTITION BY r.id, r.payer, r.billing_period) AS beyond_total, sum(r.used + r.beyond) OVER (PARTITION BY r.id, r.payer, r.billing_period) AS total,
			l.list_cost AS list_total
		FROM reserved AS r
		JOIN committed AS c ON c.id = r.id AND c.payer = r.payer AND c.billing_period = r.billing_period AND r.from_at >= c.from_at AND r.from_at < c.to_at
		LEFT JOIN listed AS l ON l.price = r.id AND l.payer = r.payer AND l.billing_period = r.billing_period
		WINDOW w AS (PARTITION BY r.id, r.payer, r.billing_period ORDER BY r.from_at ROWS UNBOUNDED PRECEDING)
	), by_level AS (
		SELECT h.asked, CASE h.unit WHEN 'peak-device' THEN 'peak' ELSE 'percentile' END AS kind, h.payer AS account, h.payer, h.billing_period, h.id AS price, h.region, h.accelerator, h.number_format, h.measure,
			NULL::date AS day, tstzrange(h.from_at, h.until) AS period, h.amount, compute_ledger._round_ratio(h.units, h.scale, 12) AS quantity, h.unit,
			CASE WHEN h.model = 'flat' AND h.free = 0 THEN h.price END AS unit_price,
			compute_ledger._scaled_tier_cost(h.model, h.price, h.tier_bounds, h.tier_prices, h.tier_fees, h.package_size, h.free, 0, h.units, h.units, h.scale) AS due, h.scale, h.digits,
			l.list_cost, h.currency, h.parts, h.account IS NULL AS is_list
		FROM highest AS h
		LEFT JOIN listed AS l ON l.price = h.id AND l.payer = h.payer AND l.billing_period = h.billing_period
		UNION ALL
		SELECT r.asked, v.kind, r.owner, r.payer, r.billing_period, r.id, r.region, r.accelerator, r.number_format, r.measure, r.day, tstzrange(r.day_from, r.day_to), v.amount,
			compute_ledger._round_ratio(v.until, r.scale, 12) - compute_ledger._round_ratio(v.until - v.amount, r.scale, 12), 'device-hour', v.unit_price,
			CASE v.kind WHEN 'beyond' THEN compute_ledger._scaled_tier_cost(r.model, r.price, r.tier_bounds, r.tier_prices, r.tier_fees, r.package_size, r.free,
					v.until - v.amount, v.until, r.beyond_total, r.scale)
				ELSE v.amount * r.committed_price END, r.scale, r.digits,
			-- of the list cost of the billing period, what was used has a share by its amount
			CASE WHEN v.kind <> 'reserved unused' THEN compute_ledger._round_ratio((v.all_until + v.amount) * r.list_total, r.total, r.digits)
				- compute_ledger._round_ratio(v.all_until * r.list_total, r.total, r.digits) END,
			r.currency, CASE v.kind WHEN 'reserved unused' THEN 1 ELSE r.parts END, false
		FROM running AS r
		CROSS JOIN LATERAL (VALUES ('reserved used', r.used, r.used_until, r.committed_price, r.used_until - r.used + r.beyond_until - r.beyond),
			('reserved unused', r.unused, r.unused_until, r.committed_price, 0),
			('beyond', r.beyond, r.beyond_until, CASE WHEN r.model = 'flat' AND r.free = 0 THEN r.price END, r.used_until + r.beyond_until - r.beyond)) AS v (kind, amount, until, unit_price, all_until)
		WHERE v.amount > 0
	), level_cost AS MATERIALIZED (
		SELECT l.*, compute_ledger._round_ratio(l.due, l.scale, l.digits) AS cost FROM by_level AS l
	), rounding AS MATERIALIZED (
		-- when a billing period is over: what the rounded charges of an account under a price differ from their sum, rounded once
		SELECT l.account, l.price, l.payer, l.billing_period, l.currency, bool_and(l.asked) AND _rate.period @> tstzrange(b.starts_at, b.ends_at) AS asked, b.ends_at,
			compute_ledger._round_ratio(sum(l.due), l.scale, l.digits) - sum(l.cost) AS cost
		FROM level_cost AS l
		JOIN compute_ledger.billing_period AS b ON b.id = l.billing_period
		WHERE b.ends_at <= _rate.ends
		GROUP BY l.account, l.price, l.payer, l.billing_period, l.currency, l.scale, l.digits, b.starts_at, b.ends_at
	), costed AS MATERIALIZED (
		SELECT r.price, r.payer, r.billing_period, r.cost FROM rated AS r WHERE r.cost IS NOT NULL
		UNION ALL
		SELECT l.price, l.payer, l.billing_period, l.cost FROM level_cost AS l
		UNION ALL
		SELECT r.price, r.payer, r.billing_period, r.cost FROM rounding AS r WHERE r.cost <> 0
	), minimum AS (
		-- when a billing period is over: the part of a minimum commitment that falls to a payer, and what was charged under it
		SELECT p.id, p.minimum, t.payer, t.billing_period, p.region, p.accelerator, p.number_format, p.measure, p.currency,
			(array_agg(t.owner ORDER BY x.to_at DESC))[1] AS account, (array_agg(t.asked ORDER BY x.to_at DESC))[1] AS asked, min(x.from_at) AS from_at, max(x.to_at) AS to_at,
			compute_ledger._round_ratio(sum(extract(epoch FROM x.to_at - x.from_at)), extract(epoch FROM t.period_ends - t.period_starts), 12) AS share,
			compute_ledger._round_ratio(p.minimum * sum(extract(epoch FROM x.to_at - x.from_at)), extract(epoch FROM t.period_ends - t.period_starts), k.ledger_scale) AS due,
			coalesce((SELECT sum(c.cost) FROM costed AS c WHERE c.price = p.id AND c.payer = t.payer AND c.billing_period = t.billing_period), 0) AS counted,
			(SELECT count(*) FROM costed AS c WHERE c.price = p.id AND c.payer = t.payer AND c.billing_period = t.billing_period) AS charges
		FROM compute_ledger.price AS p
		JOIN compute_ledger.currency AS k ON k.code = p.currency
		JOIN term AS t ON t.account = p.account AND (t.currency = p.currency OR own_currency)
		CROSS JOIN LATERAL (SELECT greatest(t.from_at, lower(p.valid)), least(t.to_at, upper(p.valid))) AS x (from_at, to_at)
		WHERE p.book = _rate.book AND p.recorded @> _rate.as_of AND p.minimum IS NOT NULL AND p.account = ANY (accounts) AND x.from_at < x.to_at AND t.period_ends <= _rate.ends
		GROUP BY p.id, p.minimum, t.payer, t.billing_period, p.region, p.accelerator, p.number_format, p.measure, p.currency, t.period_starts, t.period_ends, k.ledger_scale
	)
	SELECT r.*
	FROM rated AS r
	WHERE r.kind NOT IN ('counted', 'part', 'list')
	UNION ALL
	SELECT l.kind, _rate.book, l.account, l.payer, l.billing_period, l.price, CASE WHEN l.is_list THEN l.price END, l.region, l.accelerator, l.number_format, l.measure, NULL, NULL, NULL, l.day, l.period,
		l.amount, l.quantity, l.unit, NULL, NULL, l.unit_price, CASE WHEN l.is_list THEN l.unit_price END, CASE WHEN l.is_list THEN l.cost ELSE l.list_cost END, l.cost, l.cost, l.currency, l.parts, NULL, NULL
	FROM level_cost AS l
	WHERE l.asked
	UNION ALL
	SELECT 'rounding', _rate.book, r.account, r.payer, r.billing_period, r.price, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, tstzrange(r.ends_at - interval '1 microsecond', r.ends_at),
		NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, r.cost, r.cost, r.currency, 1, NULL, NULL
	FROM rounding AS r
	WHERE r.cost <> 0 AND r.asked
	UNION ALL
	SELECT 'commitment', _rate.book, m.account, m.payer, m.billing_period, m.id, NULL, m.region, m.accelerator, m.number_format, m.measure, NULL, NULL, NULL, NULL, tstzrange(m.from_at, m.to_at),
		NULL, m.share, 'billing-period', NULL, jsonb_build_array(jsonb_build_object('minimum', m.minimum, 'share', m.share, 'counted', m.counted)), NULL, NULL, NULL,
		m.due - m.counted, m.due - m.counted, m.currency, m.charges + 1, NULL, NULL
	FROM minimum AS m
	WHERE m.due > m.counted AND m.asked;
END
$$;
COMMENT ON FUNCTION _rate(text, timestamptz, bigint[], bigint[], bigint, tstzrange, timestamptz, timestamptz) IS 'all charges of payers: those of _rate_charges() that are asked for, peaks and percentiles, reserved capacity, and, when a billing period is over, what rounding has left and what is missing to minimum commitments';

-- ------------------------------------------------------------------ who asks for what

CREATE FUNCTION _rated_as_of(as_of timestamptz) RETURNS timestamptz
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rated_as_of';
COMMENT ON FUNCTION _rated_as_of(timestamptz) IS 'remembers the recorded time that was chosen where none was asked for, and returns it; of NULL, returns the one that this transaction chose last, NULL if it has chosen none';

CREATE FUNCTION _as_of(as_of timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	mark timestamptz := compute_ledger._ledger_watermark();
BEGIN
	IF as_of > mark THEN
		PERFORM compute_ledger._refuse('LC012', format('what is recorded up to %s is not known yet', as_of),
			detail => format('The watermark is %s: what is recorded later may still change.', mark),
			hint => CASE WHEN isfinite(as_of) THEN 'Ask as of an earlier time, or wait until the writers that are in flight have ended.'
					ELSE 'rate_draft() rates what is visible now, what this transaction has recorded included.' END);
	END IF;
	RETURN coalesce(as_of, compute_ledger._rated_as_of(mark));
END
$$;
COMMENT ON FUNCTION _as_of(timestamptz) IS 'the recorded time as of which to look: the watermark for NULL; LC012 beyond the watermark. What runs after it, in a statement of its own, sees everything up to there';

CREATE FUNCTION _rating_scope(account text, period tstzrange, as_of timestamptz,
		OUT root bigint, OUT payers bigint[], OUT accounts bigint[], OUT starts timestamptz, OUT ends timestamptz)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing text;
BEGIN
	IF period IS NULL OR isempty(period) OR lower_inf(period) OR upper_inf(period) OR NOT isfinite(lower(period)) OR NOT isfinite(upper(period)) THEN
		PERFORM compute_ledger._refuse('22023', 'usage is rated for a finite period');
	END IF;
	IF account IS NOT NULL THEN
		-- by name, whoever it was merged into: its usage is asked for
		SELECT a.id INTO root FROM compute_ledger.account AS a WHERE a.name = account;
		IF NOT FOUND THEN
			PERFORM compute_ledger._refuse('LC006', format('account "%s" does not exist', account));
		END IF;
	END IF;
	WITH asked AS MATERIALIZED (
		SELECT t.account, t.valid FROM compute_ledger._account_tree(as_of) AS t
		WHERE t.ancestor = root OR root IS NULL AND t.depth = 0
	), paid AS MATERIALIZED (
		SELECT p.account, p.payer, p.calendar, p.valid, p.lapsed FROM compute_ledger._billed_accounts(as_of) AS p
	), paying AS MATERIALIZED (
		SELECT DISTINCT p.payer
		FROM paid AS p JOIN asked AS a ON a.account = p.account
			AND CASE WHEN p.lapsed THEN a.valid @> lower(p.valid) - interval '1 microsecond' AND p.valid && period ELSE p.valid && (a.valid * period) END
	), relevant AS (
		SELECT p.account, p.payer, p.calendar, p.valid FROM paid AS p JOIN paying AS y ON y.payer = p.payer
	)
	SELECT (SELECT array_agg(y.payer ORDER BY y.payer) FROM paying AS y),
		(SELECT array_agg(DISTINCT r.account) FROM relevant AS r),
		b.starts, least(b.ends, as_of), b.missing
	INTO payers, accounts, starts, ends, missing
	FROM (
		SELECT min(b.starts_at) AS starts, max(b.ends_at) AS ends,
			(SELECT string_agg(quote_ident(k.name), ', ' ORDER BY k.name) FROM compute_ledger.billing_calendar AS k
				WHERE k.id = ANY (array_agg(c.calendar) FILTER (WHERE b.id IS NULL))) AS missing
		FROM (SELECT DISTINCT r.calendar, u.at
				FROM relevant AS r, LATERAL (VALUES (greatest(lower(r.valid), lower(period))), (least(upper(r.valid), upper(period), as_of) - interval '1 microsecond')) AS u (at)
				WHERE r.valid && period AND greatest(lower(r.valid), lower(period)) < least(upper(r.valid), upper(period), as_of)) AS c
		LEFT JOIN compute_ledger._billing_periods(as_of) AS b ON b.calendar = c.calendar AND b.starts_at <= c.at AND b.ends_at > c.at
	) AS b;
	IF missing IS NOT NULL THEN
		PERFORM compute_ledger._refuse('55000', format('billing calendar %s has no period for all of %s', missing, period),
			hint => 'Run generate_billing_periods().');
	END IF;
END
$$;
COMMENT ON FUNCTION _rating_scope(text, tstzrange, timestamptz) IS 'what has to be rated to answer for an account''s subtree (NULL: all accounts) in a period: the payers, all accounts that they pay for, and the time of their billing periods, as far as it is known; LC006 for an unknown account, 55000 where billing periods have not been generated';

CREATE FUNCTION _rate_account(account text, period tstzrange, as_of timestamptz, book text) RETURNS SETOF rated_charge
	LANGUAGE sql STABLE ROWS 10000
AS $$
	-- one statement: all of it sees the same.  It is inlined, so that what comes of it is not stored once more
	SELECT r.*
	FROM compute_ledger._rating_scope(account, period, as_of) AS s
	CROSS JOIN LATERAL compute_ledger._rate(book, as_of, s.payers, s.accounts, s.root, period, s.starts, s.ends) AS r
	WHERE s.payers IS NOT NULL AND s.starts OPERATOR(pg_catalog.<) s.ends
$$;
COMMENT ON FUNCTION _rate_account(text, tstzrange, timestamptz, text) IS 'the charges for the usage of an account and all that was under it at the time (NULL: of all accounts) in a period, of what is visible to one snapshot, as of a recorded time';

CREATE FUNCTION _rate_own_usage(account text, period tstzrange, as_of timestamptz, book text, role name DEFAULT current_user) RETURNS SETOF rated_charge
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 10000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF NOT compute_ledger._sees_name(account, role) THEN
		PERFORM compute_ledger._refuse('42501', format('permission denied for %s', coalesce('account "' || account || '"', 'all accounts')),
			hint => 'View my_account shows the accounts that you may ask for.');
	ELSIF book IS DISTINCT FROM 'sale' THEN
		PERFORM compute_ledger._refuse('42501', format('permission denied for price book "%s"', book));
	END IF;
	-- of what was under it then, that which the role sees now
	as_of := compute_ledger._as_of(as_of);
	RETURN QUERY
	SELECT r.* FROM compute_ledger._rate_account(account, period, as_of, book) AS r
	WHERE r.account IN (SELECT compute_ledger._visible_accounts(role));
END
$$;
COMMENT ON FUNCTION _rate_own_usage(text, tstzrange, timestamptz, text, name) IS 'what rate_usage() does for readers';

CREATE FUNCTION _rate_usage(account text, period tstzrange, as_of timestamptz DEFAULT NULL, book text DEFAULT 'sale') RETURNS SETOF rated_charge
	LANGUAGE plpgsql VOLATILE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
BEGIN
	IF NOT compute_ledger._sees_everything() THEN
		RETURN QUERY SELECT r.* FROM compute_ledger._rate_own_usage(account, period, as_of, book) AS r;
		RETURN;
	END IF;
	PERFORM compute_ledger._require_ledger();
	IF as_of IS NULL AND compute_ledger._own_stamp() IS NOT NULL THEN
		RAISE NOTICE 'what this transaction has recorded is not rated yet'
			USING HINT = 'It is when the transaction has been committed; rate_draft() shows what it would be.';
	END IF;
	as_of := compute_ledger._as_of(as_of);
	RETURN QUERY
	SELECT * FROM compute_ledger._rate_account(account, period, as_of, book);
END
$$;
COMMENT ON FUNCTION _rate_usage(text, tstzrange, timestamptz, text) IS 'what rate_usage() does';

CREATE FUNCTION rate_usage(account text, period tstzrange, as_of timestamptz DEFAULT NULL, book text DEFAULT 'sale') RETURNS SETOF rated_charge
	LANGUAGE plpgsql VOLATILE ROWS 10000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._rate_usage(account, period, as_of, book) AS t;
END
$$;
COMMENT ON FUNCTION rate_usage(text, tstzrange, timestamptz, text) IS 'the charges for the usage of an account and all that was under it at the time (NULL: of all accounts) in a period, as of a recorded time, by default the watermark: the same rows whenever it is asked, since nothing is recorded any more below the watermark. Tiers go by all usage of the billing period that the account''s payer is billed for. What the transaction itself has recorded is above the watermark: a NOTICE says so. A reader may ask for an account that he sees, under book sale, and gets the charges for accounts that he sees. LC006 unknown account, 42501 another account than a reader''s, whether there is one of that name or not, LC012 a recorded time beyond the watermark, 55000 without billing periods.';

CREATE FUNCTION _rate_draft(account text, period tstzrange, book text DEFAULT 'sale') RETURNS SETOF rated_charge
	LANGUAGE plpgsql VOLATILE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
DECLARE
	as_of timestamptz;
BEGIN
	PERFORM compute_ledger._require_ledger();
	RAISE NOTICE 'these charges are a draft'
		USING DETAIL = 'They are of what is visible now, what this transaction has recorded included; open records count up to now. Asked again, they may be others.',
			HINT = 'Bills are made of rate_usage() and close_period().';
	as_of := greatest(compute_ledger._own_stamp(), clock_timestamp());
	RETURN QUERY
	SELECT * FROM compute_ledger._rate_account(account, period, as_of, book);
END
$$;
COMMENT ON FUNCTION _rate_draft(text, tstzrange, text) IS 'what rate_draft() does';

CREATE FUNCTION rate_draft(account text, period tstzrange, book text DEFAULT 'sale') RETURNS SETOF rated_charge
	LANGUAGE plpgsql VOLATILE ROWS 10000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._rate_draft(account, period, book) AS t;
END
$$;
COMMENT ON FUNCTION rate_draft(text, tstzrange, text) IS 'what rate_usage() would say of what is visible now, what this transaction has recorded included, with open records up to now: for a look at what a price or a move would change, BEGIN; ...; SELECT ... FROM rate_draft(...); ROLLBACK. A draft, as a NOTICE says: writers that are in flight may still add to it, so that it must not be stored or billed, cannot be asked for again, and has no trace. LC006, 55000.';

CREATE FUNCTION _rate_payer(payer bigint, period tstzrange, as_of timestamptz, book text) RETURNS SETOF rated_charge
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM compute_ledger._rate(book, as_of, ARRAY[payer],
		ARRAY(SELECT DISTINCT p.account FROM compute_ledger._billed_accounts(as_of) AS p WHERE p.payer = _rate_payer.payer AND p.valid && period),
		NULL, period, lower(period), least(upper(period), as_of))
$$;
COMMENT ON FUNCTION _rate_payer(bigint, tstzrange, timestamptz, text) IS 'the charges of all that a payer is billed for in one of its billing periods, as of a recorded time not beyond the watermark';

CREATE FUNCTION _level_instant(parts tstzrange[], devices numeric[], price bigint, period tstzrange, OUT at timestamptz, OUT note text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH level AS MATERIALIZED (
		SELECT compute_ledger.device_profile(lower(u.part), upper(u.part), u.devices) AS profile FROM unnest(parts, devices) AS u (part, devices)
	), sample AS (
		SELECT g.at, row_number() OVER (ORDER BY compute_ledger.level_at(l.profile, g.at), g.at) AS rank, count(*) OVER () AS n, ceil(p.percentile * count(*) OVER ()) AS wanted
		FROM level AS l
		JOIN compute_ledger.price AS p ON p.id = _level_instant.price AND p.unit = 'percentile-device'
		CROSS JOIN LATERAL generate_series(lower(_level_instant.period), upper(_level_instant.period) - interval '1 microsecond', p.sample_step) AS g (at)
	)
	(SELECT s.at, format('sample %s of %s by level, at %s', s.rank, s.n, s.at) FROM sample AS s WHERE s.rank = greatest(s.wanted, 1))
	UNION ALL
	(SELECT lower(t.period), format('peak, at %s', lower(t.period))
	FROM level AS l
	JOIN compute_ledger.price AS p ON p.id = _level_instant.price AND p.unit = 'peak-device'
	CROSS JOIN LATERAL compute_ledger.steps(l.profile) AS t
	ORDER BY t.level DESC, lower(t.period)
	LIMIT 1)
$$;
COMMENT ON FUNCTION _level_instant(tstzrange[], numeric[], bigint, tstzrange) IS 'the first instant at which usage, given by its parts, has the level that a price per peak or percentile of devices charges in a period, and what it is: the peak, or which sample by rank';

CREATE FUNCTION _trace_in(charge rated_charge, as_of timestamptz, payers bigint[], accounts bigint[], root bigint, period tstzrange, starts timestamptz, ends timestamptz,
		OUT record bigint, OUT part_from timestamptz, OUT part_to timestamptz, OUT devices numeric, OUT amount numeric, OUT quantity numeric, OUT cost numeric, OUT note text) RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
	WITH part AS MATERIALIZED (
		SELECT p.*, sum(p.amount) OVER (ORDER BY p.part_from, p.record ROWS UNBOUNDED PRECEDING) AS until, sum(p.amount) OVER () AS total
		FROM compute_ledger._rate_parts(charge.book, as_of, payers, accounts, root, period, starts, ends, charge) AS p
		WHERE charge.kind NOT IN ('reserved unused', 'rounding', 'commitment')
	), decisive AS MATERIALIZED (
		SELECT i.at, i.note
		FROM (SELECT array_agg(tstzrange(p.part_from, p.part_to)) AS parts, array_agg(p.devices) AS devices FROM part AS p) AS a
		CROSS JOIN LATERAL compute_ledger._level_instant(a.parts, a.devices, charge.price, charge.period) AS i
		WHERE charge.kind IN ('peak', 'percentile')
	)
	SELECT p.record, p.part_from, p.part_to, p.devices, p.amount,
		-- of what is not charged by its sum, every part has a share by its amount
		CASE WHEN compute_ledger._is_by_sum(charge.kind) THEN p.quantity
			ELSE compute_ledger._round_ratio(p.until * charge.quantity, p.total, 12) - compute_ledger._round_ratio((p.until - p.amount) * charge.quantity, p.total, 12) END,
		CASE WHEN compute_ledger._is_by_sum(charge.kind) THEN p.cost
			ELSE compute_ledger._round_ratio(p.until * charge.cost, p.total, k.ledger_scale) - compute_ledger._round_ratio((p.until - p.amount) * charge.cost, p.total, k.ledger_scale) END,
		d.note
	FROM part AS p
	JOIN compute_ledger.currency AS k ON k.code = charge.currency
	LEFT JOIN decisive AS d ON p.part_from <= d.at AND d.at < p.part_to
$$;
COMMENT ON FUNCTION _trace_in(rated_charge, timestamptz, bigint[], bigint[], bigint, tstzrange, timestamptz, timestamptz) IS 'the parts of records that a charge is made of, with their shares of its quantity and cost, in a rating that has it: what is rated is given as to _rate()';

CREATE FUNCTION _trace(charge rated_charge, period tstzrange, as_of timestamptz,
		OUT record bigint, OUT part_from timestamptz, OUT part_to timestamptz, OUT devices numeric, OUT amount numeric, OUT quantity numeric, OUT unit text, OUT cost numeric, OUT note text) RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
	SELECT t.record, t.part_from, t.part_to, t.devices, t.amount, t.quantity, charge.unit, t.cost, t.note
	FROM compute_ledger._trace_in(charge, as_of, ARRAY[charge.payer],
		ARRAY(SELECT DISTINCT p.account FROM compute_ledger._billed_accounts(as_of) AS p WHERE p.payer = charge.payer AND p.valid && period),
		NULL, period, lower(period), least(upper(period), as_of)) AS t
	UNION ALL
	SELECT NULL, lower(charge.period), upper(charge.period), NULL, charge.amount, charge.quantity, charge.unit,
		CASE charge.kind WHEN 'commitment' THEN charge.cost + (charge.tiers -> 0 ->> 'counted')::numeric ELSE charge.cost END,
		CASE charge.kind WHEN 'commitment' THEN format('%s of a minimum of %s', trim_scale(charge.quantity), charge.tiers -> 0 ->> 'minimum') END
	WHERE charge.kind IN ('reserved unused', 'rounding', 'commitment')
	UNION ALL
	-- what was counted towards a minimum
	SELECT NULL, lower(r.period), upper(r.period), NULL, NULL, 0, charge.unit, -r.cost, concat_ws(', ', r.kind, a.name, r.accelerator::text, r.day)
	FROM compute_ledger._rate_payer(charge.payer, period, as_of, charge.book) AS r
	JOIN compute_ledger.account AS a ON a.id = r.account
	WHERE charge.kind = 'commitment' AND r.price = charge.price AND r.billing_period = charge.billing_period AND r.kind <> 'commitment'
$$;
COMMENT ON FUNCTION _trace(rated_charge, tstzrange, timestamptz) IS 'the parts of records that a charge is made of, or the charges that were counted towards a minimum, as of a recorded time not beyond the watermark; its billing period is given';
