-- Rating: from usage records to charges.
--
-- Usage records are read once, grouped into combinations of what decides a price:
-- account, region, accelerator, number format, measure, and the rate that was frozen.
-- There are few of those, so everything that cuts their time can be joined: the price
-- that wins, the payer, the billing period, the day of the account's zone, and the
-- account's and the region's place in their trees.  What comes out is a cell: a
-- combination in a segment of time in which nothing changes.  Its quantity is a sum,
-- for which the records need no order.
--
-- Order matters in a pool of tiers only, and only where it reaches a bound.  The cells
-- of a pool are put into islands, spans of time that none of its cells reaches out of.
-- In an island in which no bound is reached, every unit costs the same.  In the others
-- cells are taken apart into the parts of records, in order of (start, id).
--
-- All of this is integers: amounts are microseconds of 1/1,680,000 of a device, and of
-- work FLOP / 1,680,000; bounds of tiers are scaled up to them.  What is divided is
-- divided and rounded once, at the end.

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
	corrects bigint
);
COMMENT ON TYPE rated_charge IS 'Row of rate_usage(): a charge before it is stored. The columns are those of table charge.';

-- ------------------------------------------------------------------ what C does

CREATE FUNCTION _usage_set_accum(internal, record bigint, starts timestamptz, ends timestamptz, devices numeric) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_set_accum';
CREATE FUNCTION _usage_set_combine(internal, internal) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_set_combine';
CREATE FUNCTION _usage_set_serialize(internal) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_set_serialize';
CREATE FUNCTION _usage_set_deserialize(bytea, internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_set_deserialize';
CREATE FUNCTION _usage_set_final(internal) RETURNS bytea
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_set_final';
COMMENT ON FUNCTION _usage_set_accum(internal, bigint, timestamptz, timestamptz, numeric) IS 'transition of _usage_set';
COMMENT ON FUNCTION _usage_set_combine(internal, internal) IS 'combines two states of _usage_set';
COMMENT ON FUNCTION _usage_set_serialize(internal) IS 'writes a state of _usage_set for another process';
COMMENT ON FUNCTION _usage_set_deserialize(bytea, internal) IS 'reads a state of _usage_set from another process';
COMMENT ON FUNCTION _usage_set_final(internal) IS 'result of _usage_set';
CREATE AGGREGATE _usage_set(record bigint, starts timestamptz, ends timestamptz, devices numeric) (
	SFUNC = _usage_set_accum, STYPE = internal, SSPACE = 1024,
	FINALFUNC = _usage_set_final, FINALFUNC_MODIFY = READ_WRITE,
	COMBINEFUNC = _usage_set_combine, SERIALFUNC = _usage_set_serialize, DESERIALFUNC = _usage_set_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE _usage_set(bigint, timestamptz, timestamptz, numeric) IS 'the intervals of usage records in one value, for _usage_amounts() and _usage_parts(); a row with a NULL or an empty interval is left out; 54000 for more than 33 million';

CREATE FUNCTION _usage_amounts(usage bytea, starts timestamptz[], ends timestamptz[], OUT amounts numeric[], OUT parts bigint[]) RETURNS record
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_amounts';
COMMENT ON FUNCTION _usage_amounts(bytea, timestamptz[], timestamptz[]) IS 'for each of the periods, which ascend and do not overlap: the usage in it, in microseconds of 1/1,680,000 device, and the number of records that have a part in it';

CREATE FUNCTION _usage_parts(usage bytea, starts timestamptz[], ends timestamptz[],
		OUT period integer, OUT record bigint, OUT part_from timestamptz, OUT part_to timestamptz, OUT level bigint, OUT amount numeric) RETURNS SETOF record
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME', 'usage_parts';
COMMENT ON FUNCTION _usage_parts(bytea, timestamptz[], timestamptz[]) IS 'the part of every record in every one of the periods, which ascend, do not overlap, and count from 1: when it was, at which level in 1/1,680,000 device, and its amount, level x microseconds';

CREATE FUNCTION _round_ratio(dividend numeric, divisor numeric, digits integer) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rating_round_ratio';
COMMENT ON FUNCTION _round_ratio(numeric, numeric, integer) IS 'dividend / divisor, rounded once, half to even, to so many digits after the point; 22023 for a divisor that is not above zero';

CREATE FUNCTION _bounds_below(bounds numeric[], quantity numeric) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN width_bucket(quantity, bounds) - coalesce((bounds[width_bucket(quantity, bounds)] = quantity)::integer, 0);
COMMENT ON FUNCTION _bounds_below(numeric[], numeric) IS 'how many of the ascending bounds lie below a quantity';

CREATE FUNCTION _packages(quantity numeric, size numeric) RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN quantity > 0 THEN div(quantity, size) + (mod(quantity, size) > 0)::integer ELSE 0 END;
COMMENT ON FUNCTION _packages(numeric, numeric) IS 'packages begun by a quantity; 0 for a negative one';

-- A type, a count and a function of its own, so that the statement is planned for as many prices as there are.
CREATE FUNCTION _rating_prices(prices bigint[]) RETURNS TABLE (id bigint, account bigint, pool_number bigint, unit text, model text, currency text, digits integer,
		scale numeric, work_basis text, devices_per_instance numeric, committed_devices numeric,
		price numeric, tier_prices numeric[], tier_fees numeric[], free numeric, scaled_free numeric, scaled_size numeric,
		bounds numeric[], volume_bounds numeric[], turns numeric[])
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.id, p.account, dense_rank() OVER (ORDER BY p.pool IS NULL, p.pool, CASE WHEN p.pool IS NULL THEN p.key END), p.unit, p.model, p.currency, k.ledger_scale,
		s.scale, compute_ledger.basis(p.work), p.devices_per_instance, p.committed_devices,
		p.price, p.tier_prices, p.tier_fees, p.free, p.free * s.scale, p.package_size * s.scale,
		CASE WHEN p.model = 'graduated' THEN ARRAY(SELECT (p.free + b.bound) * s.scale FROM unnest(0::numeric || p.tier_bounds) WITH ORDINALITY AS b (bound, i) ORDER BY b.i)
			ELSE ARRAY[p.free * s.scale] END,
		ARRAY(SELECT b.bound * s.scale FROM unnest(p.tier_bounds) WITH ORDINALITY AS b (bound, i) ORDER BY b.i),
		-- not the bound at 0 where it costs no fee to begin
		CASE WHEN p.free > 0 OR EXISTS (SELECT FROM unnest(p.tier_fees) AS f (fee) WHERE f.fee <> 0)
				THEN ARRAY[p.free * s.scale] ELSE '{}' END
			|| CASE WHEN p.model = 'graduated' THEN ARRAY(SELECT (p.free + b.bound) * s.scale FROM unnest(p.tier_bounds) WITH ORDINALITY AS b (bound, i) ORDER BY b.i)
				ELSE '{}' END
	FROM compute_ledger.price AS p
	JOIN compute_ledger.currency AS k ON k.code = p.currency,
		LATERAL (SELECT CASE
			WHEN p.work IS NOT NULL THEN p.work::numeric * 1680000
			WHEN p.unit = 'device-hour' THEN 6048000000000000
			ELSE 1 END) AS s (scale)
	WHERE p.id = ANY (prices)
$$;
ALTER FUNCTION _rating_prices(bigint[]) OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _rating_prices(bigint[]) FROM PUBLIC;
COMMENT ON FUNCTION _rating_prices(bigint[]) IS 'prices as rating reads them: scale, what one of the unit is in integers (1 where quantities are no integers); pool_number, the same for what accumulates together; bounds, the quantities, scaled, above which tiers begin, from 1 on (tier 0 is free); turns, those of them at which the price of a unit changes or a fee is due';

CREATE FUNCTION _tier_numbers(first integer, last integer) RETURNS SETOF integer
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE ROWS 1 AS 'generate_series_int4';
COMMENT ON FUNCTION _tier_numbers(integer, integer) IS 'the whole numbers from first to last, of which the planner expects one';

-- Functions of their own, so that the statement is planned for as many rows as there are.
CREATE FUNCTION _rating_places(as_of timestamptz, payers bigint[], accounts bigint[], root bigint, from_at timestamptz, to_at timestamptz)
	RETURNS TABLE (account bigint, owner bigint, payer bigint, calendar bigint, time_zone text, currency text, starts timestamptz, ends timestamptz, asked boolean)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH node AS MATERIALIZED (
		SELECT t.account, t.ancestor, t.depth, coalesce(lower(t.valid), '-infinity') AS starts, coalesce(upper(t.valid), 'infinity') AS ends
		FROM compute_ledger.account_tree(as_of) AS t
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
			coalesce((SELECT n.ancestor FROM node AS n
				WHERE n.account = p.account AND n.depth = 0
					AND n.starts <= greatest(b.starts, lower(p.valid)) AND greatest(b.starts, lower(p.valid)) < n.ends), p.account) AS owner,
		p.payer, p.calendar, p.time_zone, p.currency,
			greatest(b.starts, lower(p.valid)) AS starts, least(b.ends, upper(p.valid)) AS ends,
			root IS NULL OR EXISTS (
				SELECT FROM node AS n
				WHERE n.account = p.account AND n.ancestor = root
					AND n.starts <= greatest(b.starts, lower(p.valid)) AND greatest(b.starts, lower(p.valid)) < n.ends) AS asked
		FROM compute_ledger.payer(as_of) AS p
		JOIN branch AS b ON b.account = p.account
		WHERE p.payer = ANY (payers) AND greatest(b.starts, lower(p.valid)) < least(b.ends, upper(p.valid))
$$;
ALTER FUNCTION _rating_places(timestamptz, bigint[], bigint[], bigint, timestamptz, timestamptz) OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _rating_places(timestamptz, bigint[], bigint[], bigint, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION _rating_places(timestamptz, bigint[], bigint[], bigint, timestamptz, timestamptz) IS 'accounts that payers pay for, between two changes of the accounts above them: whose usage it is (owner differs for a merged account), who pays, and whether it is under root then';

CREATE FUNCTION _rating_sites(as_of timestamptz, from_at timestamptz, to_at timestamptz) RETURNS TABLE (region integer, starts timestamptz, ends timestamptz)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
	-- a region between two changes of its ancestors
	SELECT x.region, x.at AS starts, lead(x.at, 1, to_at) OVER (PARTITION BY x.region ORDER BY x.at) AS ends
	FROM (
		SELECT t.region, greatest(lower(t.valid), from_at) AS at FROM compute_ledger.region_tree(as_of) AS t
		UNION
		SELECT t.region, greatest(upper(t.valid), from_at) FROM compute_ledger.region_tree(as_of) AS t
		UNION
		SELECT r.id, from_at FROM compute_ledger.region AS r
	) AS x
	WHERE x.at < to_at
$$;
ALTER FUNCTION _rating_sites(timestamptz, timestamptz, timestamptz) OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _rating_sites(timestamptz, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION _rating_sites(timestamptz, timestamptz, timestamptz) IS 'regions between two changes of the regions above them';

CREATE FUNCTION _rating_days(time_zones text[], asked tstzrange, from_at timestamptz, to_at timestamptz) RETURNS TABLE (time_zone text, day date, starts timestamptz, ends timestamptz)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT x.time_zone, (x.at AT TIME ZONE x.time_zone)::date AS day, x.at AS starts, lead(x.at) OVER (PARTITION BY x.time_zone ORDER BY x.at) AS ends
	FROM (
		SELECT z.time_zone, d AT TIME ZONE z.time_zone AS at
		FROM unnest(time_zones) AS z (time_zone),
			generate_series(date_trunc('day', (from_at AT TIME ZONE z.time_zone)) - interval '1 day', (to_at AT TIME ZONE z.time_zone) + interval '2 days', interval '1 day') AS d
		UNION
		SELECT z.time_zone, a.at FROM unnest(time_zones) AS z (time_zone), (VALUES (lower(asked)), (upper(asked))) AS a (at) WHERE a.at > from_at AND a.at < to_at
	) AS x
$$;
ALTER FUNCTION _rating_days(text[], tstzrange, timestamptz, timestamptz) OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _rating_days(text[], tstzrange, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION _rating_days(text[], tstzrange, timestamptz, timestamptz) IS 'days of time zones, cut at the bounds of the period asked for';

CREATE FUNCTION _rating_segments(book text, as_of timestamptz, payers bigint[], period tstzrange, from_at timestamptz, to_at timestamptz, root bigint, payees bigint[],
		accounts bigint[], regions integer[], accelerators accelerator[], number_formats text[], measures text[], bases integer[], rates compute_rate[])
	RETURNS TABLE (n bigint, i bigint, starts timestamptz, ends timestamptz, account bigint, region integer, accelerator accelerator, number_format text, measure text, basis integer, rate compute_rate, factor numeric,
		payer bigint, currency text, billing_period bigint, day date, asked boolean, price bigint, list_price bigint, pool_number bigint, list_pool_number bigint, month numeric, kind_number bigint)
	LANGUAGE sql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH kind AS MATERIALIZED (
		SELECT u.*, compute_ledger.basis(u.rate) AS rate_basis, u.rate::numeric / 1000000 AS factor
		FROM unnest(accounts, regions, accelerators, number_formats, measures, bases, rates) WITH ORDINALITY
			AS u (account, region, accelerator, number_format, measure, basis, rate, n)
	), place AS MATERIALIZED (
		SELECT p.* FROM compute_ledger._rating_places(as_of, payers, payees, root, from_at, to_at) AS p
	), bill AS MATERIALIZED (
		SELECT b.id, b.calendar, b.starts_at AS starts, b.ends_at AS ends
		FROM compute_ledger.billing_periods(as_of) AS b
		WHERE b.calendar = ANY (ARRAY(SELECT DISTINCT p.calendar FROM place AS p))
			AND b.starts_at < to_at AND b.ends_at > from_at AND tstzrange(b.starts_at, b.ends_at) && _rating_segments.period
	), day AS MATERIALIZED (
		SELECT d.* FROM compute_ledger._rating_days(ARRAY(SELECT DISTINCT p.time_zone FROM place AS p), _rating_segments.period, from_at, to_at) AS d
	), priced AS MATERIALIZED (
		SELECT w.combination AS n, coalesce(lower(w.valid), '-infinity') AS starts, coalesce(upper(w.valid), 'infinity') AS ends, w.price, w.list_price
		FROM compute_ledger._winning_prices(book, as_of, accounts, accelerators, regions, number_formats, measures, tstzrange(from_at, to_at)) AS w
	), price AS MATERIALIZED (
		SELECT p.* FROM compute_ledger._rating_prices(ARRAY(SELECT w.price FROM priced AS w UNION SELECT w.list_price FROM priced AS w)) AS p
	), owned AS MATERIALIZED (
		-- combinations that are charged as one: accounts of which one was merged into the other
		SELECT k.n, y.owner, dense_rank() OVER (ORDER BY y.owner, k.region, k.accelerator, k.number_format, k.measure, k.basis, k.rate) AS kind_number
		FROM kind AS k
		JOIN (SELECT DISTINCT p.account, p.owner FROM place AS p) AS y ON y.account = k.account
	), site AS MATERIALIZED (
		SELECT g.* FROM compute_ledger._rating_sites(as_of, from_at, to_at) AS g
	)
	SELECT k.n, row_number() OVER (PARTITION BY k.n ORDER BY x.starts) AS i, x.starts, x.ends,
		y.owner AS account, k.region, k.accelerator, k.number_format, k.measure, k.basis, k.rate, k.factor,
		y.payer, y.currency, b.id AS billing_period, d.day,
		y.asked AND x.starts >= coalesce(lower(_rating_segments.period), '-infinity') AND x.ends <= coalesce(upper(_rating_segments.period), 'infinity') AS asked,
		u.id AS price, v.id AS list_price, u.pool_number, v.pool_number AS list_pool_number,
		CASE WHEN 'instance-month' IN (u.unit, v.unit) THEN
			extract(epoch FROM (date_trunc('month', d.day::timestamp) + interval '1 month') AT TIME ZONE y.time_zone
				- date_trunc('month', d.day::timestamp) AT TIME ZONE y.time_zone) * 1680000000000 END AS month,
		o.kind_number
	FROM priced AS w
	JOIN kind AS k ON k.n = w.n
	JOIN place AS y ON y.account = k.account AND y.starts < w.ends AND y.ends > w.starts
	JOIN owned AS o ON o.n = k.n AND o.owner = y.owner
	JOIN site AS g ON g.region = k.region
	JOIN bill AS b ON b.calendar = y.calendar AND b.starts < y.ends AND b.ends > y.starts
	JOIN day AS d ON d.time_zone = y.time_zone AND d.starts < w.ends AND d.ends > w.starts
	CROSS JOIN LATERAL (SELECT greatest(from_at, w.starts, y.starts, g.starts, b.starts, d.starts), least(to_at, w.ends, y.ends, g.ends, b.ends, d.ends)) AS x (starts, ends)
	LEFT JOIN price AS u ON u.id = w.price AND (u.work_basis IS NULL OR u.work_basis = k.rate_basis)
	LEFT JOIN price AS v ON v.id = w.list_price AND (v.work_basis IS NULL OR v.work_basis = k.rate_basis) AND v.unit NOT IN ('peak-device', 'percentile-device')
	WHERE x.starts < x.ends
$$;
ALTER FUNCTION _rating_segments(text, timestamptz, bigint[], tstzrange, timestamptz, timestamptz, bigint, bigint[], bigint[], integer[], accelerator[], text[], text[], integer[], compute_rate[]) OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _rating_segments(text, timestamptz, bigint[], tstzrange, timestamptz, timestamptz, bigint, bigint[], bigint[], integer[], accelerator[], text[], text[], integer[], compute_rate[]) FROM PUBLIC;
COMMENT ON FUNCTION _rating_segments(text, timestamptz, bigint[], tstzrange, timestamptz, timestamptz, bigint, bigint[], bigint[], integer[], accelerator[], text[], text[], integer[], compute_rate[]) IS 'for each combination (the n-th elements of the arrays): its segments of time in which nothing changes, numbered in order, with what holds in them';

CREATE FUNCTION _billed_measures(book text, as_of timestamptz) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(m.measure), '{allocated}')
	FROM (VALUES ('reserved'), ('allocated'), ('used')) AS m (measure)
	WHERE EXISTS (SELECT FROM compute_ledger.price AS p
		WHERE p.book = _billed_measures.book AND p.measure = m.measure AND p.recorded @> _billed_measures.as_of)
$$;
ALTER FUNCTION _billed_measures(text, timestamptz) OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _billed_measures(text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION _billed_measures(text, timestamptz) IS 'the measures that a price book bills by, as of a recorded time: those that any price of it is for, and allocated in a book without prices';

-- ------------------------------------------------------------------ the statement

-- Parameters: $1 book, $2 as_of, $3 payers, all of whose usage is rated, $4 the period asked for,
-- $5 and $6 from when to when usage counts, $7 the charge to take apart into parts (NULL: none), $8 the
-- account whose subtree is asked for (NULL: all accounts), $9 the accounts that $3 pay for.
CREATE FUNCTION _rating_statement() RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$ SELECT $$
WITH place AS MATERIALIZED (
	SELECT p.* FROM compute_ledger._rating_places($2, $3, $9, $8, $5, $6) AS p
), bill AS MATERIALIZED (
	SELECT b.id, b.calendar, b.starts_at AS starts, b.ends_at AS ends
	FROM compute_ledger.billing_periods($2) AS b
	WHERE b.calendar = ANY (ARRAY(SELECT DISTINCT p.calendar FROM place AS p))
		AND b.starts_at < $6 AND b.ends_at > $5 AND tstzrange(b.starts_at, b.ends_at) && $4
), combination AS MATERIALIZED (
	SELECT row_number() OVER () AS n, r.account, r.region, r.accelerator, r.number_format, r.measure, r.basis, r.rate,
		compute_ledger._usage_set(r.id, r.started_at, r.ended_at, r.devices) AS usage
	FROM compute_ledger.usage_record AS r
	WHERE r.account = ANY ($9) AND r.started_at < $6 AND r.ended_at > $5 AND r.recorded <= $2 AND r.superseded > $2
		AND r.measure = ANY ((SELECT compute_ledger._billed_measures($1, $2))::text[])
	GROUP BY r.account, r.region, r.accelerator, r.number_format, r.measure, r.basis, r.rate
), segment AS MATERIALIZED (
	SELECT s.*
	FROM (
		SELECT array_agg(c.account ORDER BY c.n) AS accounts, array_agg(c.region ORDER BY c.n) AS regions, array_agg(c.accelerator ORDER BY c.n) AS accelerators,
			array_agg(c.number_format ORDER BY c.n) AS number_formats, array_agg(c.measure ORDER BY c.n) AS measures, array_agg(c.basis ORDER BY c.n) AS bases, array_agg(c.rate ORDER BY c.n) AS rates
		FROM combination AS c
	) AS a, LATERAL compute_ledger._rating_segments($1, $2, $3, $4, $5, $6, $8, $9, a.accounts, a.regions, a.accelerators, a.number_formats, a.measures, a.bases, a.rates) AS s
), price AS MATERIALIZED (
	SELECT p.* FROM compute_ledger._rating_prices(ARRAY(SELECT s.price FROM segment AS s UNION SELECT s.list_price FROM segment AS s)) AS p
), amount AS MATERIALIZED (
	-- computed once a combination, before anything joins it
	SELECT g.n, u.i, u.amount, u.parts
	FROM (
		SELECT s.n, array_agg(s.starts ORDER BY s.i) AS starts, array_agg(s.ends ORDER BY s.i) AS ends
		FROM segment AS s
		GROUP BY s.n
	) AS g
	JOIN combination AS c ON c.n = g.n
	CROSS JOIN LATERAL compute_ledger._usage_amounts(c.usage, g.starts, g.ends) AS a
	CROSS JOIN LATERAL unnest(a.amounts, a.parts) WITH ORDINALITY AS u (amount, parts, i)
	WHERE u.parts > 0
), cell AS MATERIALIZED (
	SELECT row_number() OVER () AS c, s.*, a.amount, a.parts,
		CASE p.unit WHEN 'instance-month' THEN round(a.amount / (p.devices_per_instance * s.month), 30)
			ELSE a.amount * CASE WHEN p.work_basis IS NULL THEN 1 ELSE s.factor END END AS units,
		CASE l.unit WHEN 'instance-month' THEN round(a.amount / (l.devices_per_instance * s.month), 30)
			ELSE a.amount * CASE WHEN l.work_basis IS NULL THEN 1 ELSE s.factor END END AS list_units,
		-- priced by what goes on at once, not by a sum: see below
		coalesce(p.unit IN ('peak-device', 'percentile-device') OR p.committed_devices IS NOT NULL
			AND EXISTS (SELECT FROM place AS y WHERE y.account = p.account AND y.payer = s.payer), false) AS special
	FROM segment AS s
	JOIN amount AS a ON a.n = s.n AND a.i = s.i
	LEFT JOIN price AS p ON p.id = s.price
	LEFT JOIN price AS l ON l.id = s.list_price
), reached AS (
	-- from here to turning only what is needed: many windows
	SELECT c.c, c.payer, c.billing_period, c.pool_number, c.list_pool_number, c.starts, c.ends, c.price, c.list_price, c.units, c.list_units,
		max(c.ends) OVER (PARTITION BY c.payer, c.billing_period, c.pool_number ORDER BY c.starts ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach,
		max(c.ends) OVER (PARTITION BY c.payer, c.billing_period, c.list_pool_number ORDER BY c.starts ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS list_reach,
		bool_and(c.price IS NOT DISTINCT FROM c.list_price) OVER (PARTITION BY c.payer, c.billing_period, c.pool_number) AS one_listed,
		bool_and(c.price IS NOT DISTINCT FROM c.list_price) OVER (PARTITION BY c.payer, c.billing_period, c.list_pool_number) AS all_listed
	FROM cell AS c
), island AS (
	SELECT r.*,
		count(*) FILTER (WHERE r.reach IS NULL OR r.starts >= r.reach) OVER (PARTITION BY r.payer, r.billing_period, r.pool_number ORDER BY r.starts) AS island,
		count(*) FILTER (WHERE r.list_reach IS NULL OR r.starts >= r.list_reach) OVER (PARTITION BY r.payer, r.billing_period, r.list_pool_number ORDER BY r.starts) AS list_island
	FROM reached AS r
), summed AS (
	SELECT i.*,
		sum(i.units) OVER (PARTITION BY i.payer, i.billing_period, i.pool_number ORDER BY i.island) AS until,
		sum(i.units) OVER (PARTITION BY i.payer, i.billing_period, i.pool_number, i.island) AS inside,
		sum(i.units) OVER (PARTITION BY i.payer, i.billing_period, i.pool_number) AS total,
		sum(i.list_units) OVER (PARTITION BY i.payer, i.billing_period, i.list_pool_number ORDER BY i.list_island) AS list_until,
		sum(i.list_units) OVER (PARTITION BY i.payer, i.billing_period, i.list_pool_number, i.list_island) AS list_inside,
		sum(i.list_units) OVER (PARTITION BY i.payer, i.billing_period, i.list_pool_number) AS list_total
	FROM island AS i
), turning AS (
	SELECT s.*, s.one_listed AND s.all_listed AS listed,
		bool_or(compute_ledger._bounds_below(p.turns, s.until) > compute_ledger._bounds_below(p.turns, s.until - s.inside)
			OR compute_ledger._packages(s.until - p.scaled_free, p.scaled_size) > compute_ledger._packages(s.until - s.inside - p.scaled_free, p.scaled_size))
			OVER (PARTITION BY s.payer, s.billing_period, s.pool_number, s.island) AS turns,
		NOT (s.one_listed AND s.all_listed) AND
		bool_or(compute_ledger._bounds_below(l.turns, s.list_until) > compute_ledger._bounds_below(l.turns, s.list_until - s.list_inside)
			OR compute_ledger._packages(s.list_until - l.scaled_free, l.scaled_size) > compute_ledger._packages(s.list_until - s.list_inside - l.scaled_free, l.scaled_size))
			OVER (PARTITION BY s.payer, s.billing_period, s.list_pool_number, s.list_island) AS list_turns
	FROM summed AS s
	LEFT JOIN price AS p ON p.id = s.price
	LEFT JOIN price AS l ON l.id = s.list_price
), rated AS MATERIALIZED (
	SELECT c.*, t.island, t.list_island, t.until, t.inside, t.total, t.list_until, t.list_inside, t.list_total, t.listed,
		c.special OR coalesce(t.turns, false) OR coalesce(t.list_turns, false)
			OR coalesce((c.account, c.payer, c.billing_period, c.day) = (($7).account, ($7).payer, ($7).billing_period, ($7).day), false) AS apart,
		dense_rank() OVER (ORDER BY c.kind_number, c.billing_period, c.payer, c.day, c.price) AS charge
	FROM turning AS t
	JOIN cell AS c ON c.c = t.c
), part AS MATERIALIZED (
	SELECT g.n, g.i[x.period] AS i, x.record, x.part_from, x.part_to, x.level, x.amount
	FROM (
		SELECT r.n, array_agg(r.i ORDER BY r.i) AS i, array_agg(r.starts ORDER BY r.i) AS starts, array_agg(r.ends ORDER BY r.i) AS ends
		FROM rated AS r
		WHERE r.apart
		GROUP BY r.n
	) AS g
	JOIN combination AS c ON c.n = g.n
	CROSS JOIN LATERAL compute_ledger._usage_parts(c.usage, g.starts, g.ends) AS x
), item AS MATERIALIZED (
	SELECT r.n, r.i, r.charge, r.asked, r.special, r.listed, r.price, r.list_price, r.starts AS part_from, r.ends AS part_to, NULL::bigint AS record, NULL::bigint AS level,
		r.amount, r.parts, r.units, r.until - r.inside AS q0, r.total, r.list_units, r.list_until - r.list_inside AS list_q0, r.list_total
	FROM rated AS r
	WHERE NOT r.apart
	UNION ALL
	SELECT r.n, r.i, r.charge, r.asked, r.special, r.listed, r.price, r.list_price, a.part_from, a.part_to, a.record, a.level,
		a.amount, 1, u.units, r.until - r.inside - u.units
			+ sum(u.units) OVER (PARTITION BY r.payer, r.billing_period, r.pool_number, r.island ORDER BY a.part_from, a.record ROWS UNBOUNDED PRECEDING), r.total,
		u.list_units, CASE WHEN NOT r.listed THEN r.list_until - r.list_inside - u.list_units
			+ sum(u.list_units) OVER (PARTITION BY r.payer, r.billing_period, r.list_pool_number, r.list_island ORDER BY a.part_from, a.record ROWS UNBOUNDED PRECEDING) END, r.list_total
	FROM part AS a
	JOIN rated AS r ON r.n = a.n AND r.i = a.i
	LEFT JOIN price AS p ON p.id = r.price
	LEFT JOIN price AS l ON l.id = r.list_price
	CROSS JOIN LATERAL (SELECT
		CASE p.unit WHEN 'instance-month' THEN round(a.amount / (p.devices_per_instance * r.month), 30)
			ELSE a.amount * CASE WHEN p.work_basis IS NULL THEN 1 ELSE r.factor END END,
		CASE l.unit WHEN 'instance-month' THEN round(a.amount / (l.devices_per_instance * r.month), 30)
			ELSE a.amount * CASE WHEN l.work_basis IS NULL THEN 1 ELSE r.factor END END) AS u (units, list_units)
), billed AS (
	-- b: at the price that won, which is the list price, too; c: at the price that won; l: at the list price
	SELECT i.n, i.i, i.record, i.part_from, i.charge, i.asked, CASE WHEN i.listed THEN 'b' ELSE 'c' END AS role, i.price, i.units, i.q0, i.q0 + i.units AS q1, i.total
	FROM item AS i
	WHERE i.price IS NOT NULL AND NOT i.special
	UNION ALL
	SELECT i.n, i.i, i.record, i.part_from, i.charge, i.asked, 'l', i.list_price, i.list_units, i.list_q0, i.list_q0 + i.list_units, i.list_total
	FROM item AS i
	WHERE i.list_price IS NOT NULL AND NOT i.listed AND NOT i.special
), tiered AS (
	SELECT b.n, b.i, b.record, b.part_from, b.charge, b.asked, b.role, b.price,
		CASE WHEN t.t > 0 AND p.model = 'volume' THEN 1 + compute_ledger._bounds_below(p.volume_bounds, b.total - p.scaled_free) ELSE t.t END AS tier,
		least(b.q1, p.bounds[t.t + 1]) - greatest(b.q0, p.bounds[t.t]) AS units,
		(p.bounds[t.t] >= b.q0)::integer AS entered,
		CASE WHEN t.t > 0 AND p.model = 'package' THEN compute_ledger._packages(b.q1 - p.scaled_free, p.scaled_size) - compute_ledger._packages(b.q0 - p.scaled_free, p.scaled_size) END AS packages
	FROM billed AS b
	JOIN price AS p ON p.id = b.price
	CROSS JOIN LATERAL compute_ledger._tier_numbers(width_bucket(b.q0, p.bounds), greatest(width_bucket(b.q0, p.bounds), compute_ledger._bounds_below(p.bounds, b.q1))) AS t (t)
)
$$ $function$;
COMMENT ON FUNCTION _rating_statement() IS 'what rate_usage() and trace_charge() have in common: WITH clauses up to tiered, the quantities of cells, or parts of records, in tiers';

CREATE FUNCTION _rating_quantities() RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$ SELECT $$
, base AS (
	SELECT r.charge, r.asked, min(r.c) AS c,
		CASE WHEN min(coalesce(r.list_price, 0)) = max(coalesce(r.list_price, 0)) THEN min(r.list_price) END AS list_price,
		min(r.starts) AS starts, max(r.ends) AS ends, sum(r.amount) AS amount, sum(r.units) AS units, sum(r.parts) AS parts
	FROM rated AS r
	WHERE NOT r.special
	GROUP BY r.charge, r.asked
), running_total AS (
	SELECT b.*, r.price, coalesce(p.scale, 6048000000000000) AS scale, coalesce(p.unit, 'device-hour') AS unit,
		coalesce(p.currency, r.currency) AS money, p.digits, p.model IN ('graduated', 'volume', 'package') OR p.free > 0 AS has_tiers,
		sum(b.units) OVER (PARTITION BY r.kind_number, r.payer, r.billing_period, p.unit ORDER BY b.starts, b.charge, b.asked ROWS UNBOUNDED PRECEDING) AS units_until,
		sum(b.amount) OVER (PARTITION BY r.kind_number, r.payer, r.billing_period ORDER BY b.starts, b.charge, b.asked ROWS UNBOUNDED PRECEDING) AS amount_until
	FROM base AS b
	JOIN cell AS r ON r.c = b.c
	LEFT JOIN price AS p ON p.id = r.price
), quantified AS MATERIALIZED (
	SELECT t.*, r.account, r.payer, r.billing_period, r.region, r.accelerator, r.number_format, r.measure, r.basis, r.rate, r.factor, r.day
	FROM running_total AS t
	JOIN cell AS r ON r.c = t.c
)
$$ $function$;
COMMENT ON FUNCTION _rating_quantities() IS 'what rate_usage() and trace_charge() append to _rating_statement(): what is charged, without its cost';

CREATE FUNCTION _rating_charges() RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$ SELECT $$
, tier AS (
	SELECT t.charge, t.asked, t.role, t.price, t.tier, sum(t.units) AS units, sum(t.entered) AS entered, sum(t.packages) AS packages
	FROM tiered AS t
	GROUP BY t.charge, t.asked, t.role, t.price, t.tier
), due AS (
	-- what is due for a tier, times the scale of its unit
	SELECT t.charge, t.asked, t.role, t.tier, t.units, p.scale, p.currency, p.digits,
		CASE WHEN t.tier = 0 THEN 0 ELSE coalesce(p.tier_prices[t.tier], p.price) END AS unit_price,
		coalesce(t.entered * p.tier_fees[t.tier], 0) AS fee, t.packages,
		CASE WHEN t.tier = 0 THEN 0 WHEN t.packages IS NULL THEN t.units * coalesce(p.tier_prices[t.tier], p.price) ELSE t.packages * p.price * p.scale END
			+ coalesce(t.entered * p.tier_fees[t.tier], 0) * p.scale AS due
	FROM tier AS t
	JOIN price AS p ON p.id = t.price
), cost AS MATERIALIZED (
	SELECT d.charge, d.asked, max(d.digits) FILTER (WHERE d.role <> 'l') AS digits, count(*) FILTER (WHERE d.role <> 'l') AS tiers,
		min(d.tier) FILTER (WHERE d.role <> 'l') AS tier, min(d.fee) FILTER (WHERE d.role <> 'l') AS fee, min(d.packages) FILTER (WHERE d.role <> 'l') AS packages,
		min(d.unit_price) FILTER (WHERE d.role <> 'l') AS tier_price,
		compute_ledger._round_ratio(sum(d.due) FILTER (WHERE d.role <> 'l'), max(d.scale) FILTER (WHERE d.role <> 'l'), max(d.digits) FILTER (WHERE d.role <> 'l')) AS cost,
		CASE WHEN count(*) FILTER (WHERE d.role <> 'l' AND (d.fee <> 0 OR d.packages IS NOT NULL)) = 0
			AND min(d.unit_price) FILTER (WHERE d.role <> 'l') = max(d.unit_price) FILTER (WHERE d.role <> 'l')
			THEN min(d.unit_price) FILTER (WHERE d.role <> 'l') END AS unit_price,
		CASE WHEN min(d.currency) <> max(d.currency) THEN NULL
			WHEN min(d.scale) FILTER (WHERE d.role <> 'c') = max(d.scale) FILTER (WHERE d.role <> 'c')
			THEN compute_ledger._round_ratio(sum(d.due) FILTER (WHERE d.role <> 'c'), max(d.scale) FILTER (WHERE d.role <> 'c'), max(d.digits) FILTER (WHERE d.role <> 'l'))
			ELSE compute_ledger._round_half_even(sum(compute_ledger._round_ratio(d.due, d.scale, 40)) FILTER (WHERE d.role <> 'c'), max(d.digits) FILTER (WHERE d.role <> 'l')) END AS list_cost,
		CASE WHEN count(*) FILTER (WHERE d.role <> 'c' AND (d.fee <> 0 OR d.packages IS NOT NULL)) = 0
			AND min(d.unit_price) FILTER (WHERE d.role <> 'c') = max(d.unit_price) FILTER (WHERE d.role <> 'c')
			THEN min(d.unit_price) FILTER (WHERE d.role <> 'c') END AS list_unit_price
	FROM due AS d
	GROUP BY d.charge, d.asked
), breakdown AS (
	-- parts of what the charge says, as differences of rounded running totals
	SELECT u.charge, u.asked, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('tier', u.tier,
			'quantity', trim_scale(compute_ledger._round_ratio(u.units_until, u.scale, 12) - compute_ledger._round_ratio(u.units_until - u.units, u.scale, 12)),
			'unit_price', CASE WHEN u.packages IS NULL THEN u.unit_price END, 'packages', u.packages, 'fee', nullif(u.fee, 0),
			'cost', trim_scale(compute_ledger._round_ratio(u.due_until, u.scale, u.digits) - compute_ledger._round_ratio(u.due_until - u.due, u.scale, u.digits)))) ORDER BY u.tier) AS tiers
	FROM (
		SELECT d.charge, d.asked, d.tier, d.units, d.unit_price, d.packages, d.fee, d.due, d.scale, d.digits,
			q.units_until - q.units + sum(d.units) OVER w AS units_until, sum(d.due) OVER w AS due_until
		FROM due AS d
		JOIN quantified AS q ON q.charge = d.charge AND q.asked = d.asked
		JOIN cost AS k ON k.charge = d.charge AND k.asked = d.asked
		WHERE d.role <> 'l' AND q.has_tiers AND q.asked AND k.tiers > 1
		WINDOW w AS (PARTITION BY d.charge, d.asked ORDER BY d.tier)
	) AS u
	GROUP BY u.charge, u.asked
)
, charged AS MATERIALIZED (
	SELECT q.asked, CASE WHEN q.price IS NULL THEN 'unpriced' WHEN q.unit = 'instance-month' THEN 'instance' ELSE 'usage' END AS kind,
		$1 AS book, q.account, q.payer, q.billing_period, q.price, CASE WHEN q.price IS NOT NULL THEN q.list_price END AS list_price, q.region, q.accelerator, q.number_format, q.measure, q.basis, q.rate,
		q.day, tstzrange(q.starts, q.ends) AS period, q.amount,
		compute_ledger._round_ratio(q.units_until, q.scale, 12) - compute_ledger._round_ratio(q.units_until - q.units, q.scale, 12) AS quantity,
		q.unit,
		compute_ledger.with_basis((compute_ledger._round_ratio(q.amount_until * q.factor, 1680000, 0)
			- compute_ledger._round_ratio((q.amount_until - q.amount) * q.factor, 1680000, 0))::compute_ledger.compute_unit, compute_ledger.basis(q.rate)) AS work,
		CASE WHEN c.tiers > 1 THEN b.tiers WHEN q.has_tiers THEN jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('tier', c.tier,
			'quantity', trim_scale(compute_ledger._round_ratio(q.units_until, q.scale, 12) - compute_ledger._round_ratio(q.units_until - q.units, q.scale, 12)),
			'unit_price', CASE WHEN c.packages IS NULL THEN c.tier_price END, 'packages', c.packages, 'fee', nullif(c.fee, 0), 'cost', trim_scale(c.cost)))) END AS tiers,
		c.unit_price, CASE WHEN q.price IS NOT NULL THEN c.list_unit_price END AS list_unit_price, CASE WHEN q.price IS NOT NULL THEN c.list_cost END AS list_cost, c.cost AS contracted_cost, c.cost, q.money AS currency, q.parts::bigint AS records, NULL::bigint AS corrects
	FROM quantified AS q
	LEFT JOIN cost AS c ON c.charge = q.charge AND c.asked = q.asked
	LEFT JOIN breakdown AS b ON b.charge = q.charge AND b.asked = q.asked
), window_of AS MATERIALIZED (
	-- the time of a billing period in which an account is billed to a payer
	SELECT y.account, y.payer, y.time_zone, y.asked AND $4 @> tstzrange(b.starts, least(b.ends, $6)) AS asked, b.id AS billing_period, b.starts, b.ends,
		greatest(b.starts, y.starts) AS from_at, least(b.ends, y.ends) AS to_at
	FROM place AS y
	JOIN bill AS b ON b.calendar = y.calendar AND b.starts < y.ends AND b.ends > y.starts
), beside AS MATERIALIZED (
	-- usage that is not charged by its sum
	SELECT i.price, r.payer, r.billing_period, i.part_from, i.part_to, i.amount, trim_scale(round(i.level::numeric / 1680000, 7)) AS devices
	FROM item AS i
	JOIN rated AS r ON r.n = i.n AND r.i = i.i
	WHERE i.special
), highest AS (
	SELECT p.id, s.payer, s.billing_period, p.unit, p.percentile, p.sample_step, p.valid, p.account, p.accelerator, p.region, p.number_format, p.measure, p.currency, p.model, p.price, p.tier_bounds, p.tier_prices, p.tier_fees, p.package_size, p.free,
		s.profile, s.amount, s.parts
	FROM (
		SELECT b.price, b.payer, b.billing_period, compute_ledger.device_profile(b.part_from, b.part_to, b.devices) AS profile, sum(b.amount) AS amount, count(*) AS parts
		FROM beside AS b
		GROUP BY b.price, b.payer, b.billing_period
	) AS s
	JOIN compute_ledger.price AS p ON p.id = s.price
	WHERE p.unit IN ('peak-device', 'percentile-device')
), leveled AS (
	SELECT h.*, w.asked, w.from_at, x.until,
		-- a price that holds for a part of the period counts for that part
		compute_ledger._round_ratio(CASE h.unit WHEN 'peak-device' THEN compute_ledger.peak(h.profile, tstzrange(w.from_at, x.until))
				ELSE compute_ledger.sampled_percentile(h.profile, h.percentile, h.sample_step, tstzrange(w.from_at, x.until)) END
			* extract(epoch FROM w.to_at - w.from_at), extract(epoch FROM w.ends - w.starts), 12) AS quantity
	FROM highest AS h
	CROSS JOIN LATERAL (
		SELECT w.asked, w.starts, w.ends, greatest(w.starts, lower(h.valid)) AS from_at, least(w.ends, upper(h.valid)) AS to_at
		FROM window_of AS w
		WHERE w.account = h.payer AND w.payer = h.payer AND w.billing_period = h.billing_period
		LIMIT 1
	) AS w
	CROSS JOIN LATERAL (SELECT least(w.to_at, $6)) AS x (until)
), commitment AS MATERIALIZED (
	SELECT p.*, w.payer, w.time_zone, w.asked, w.billing_period, w.starts, w.ends, x.from_at, x.to_at
	FROM compute_ledger.price AS p
	JOIN window_of AS w ON w.account = p.account
	CROSS JOIN LATERAL (SELECT greatest(w.from_at, lower(p.valid)), least(w.to_at, upper(p.valid))) AS x (from_at, to_at)
	WHERE p.book = $1 AND p.recorded @> $2 AND (p.minimum IS NOT NULL OR p.committed_devices IS NOT NULL) AND p.account = ANY ($9) AND x.from_at < x.to_at
), level AS (
	SELECT c.id AS price, c.payer, c.billing_period, c.from_at, s.period, s.level
	FROM commitment AS c
	CROSS JOIN LATERAL (
		SELECT compute_ledger.device_profile(b.part_from, b.part_to, b.devices) AS profile
		FROM beside AS b
		WHERE b.price = c.id AND b.payer = c.payer AND b.billing_period = c.billing_period
	) AS f
	CROSS JOIN LATERAL compute_ledger.steps(f.profile) AS s
	WHERE c.committed_devices IS NOT NULL
), reserved AS (
	-- by days: what of the committed devices was used, was not, and what was used beyond
	SELECT c.id, c.payer, c.billing_period, c.asked, c.account, c.region, c.accelerator, c.number_format, c.measure, c.currency, c.committed_price, c.model, c.price, c.tier_bounds, c.tier_prices, c.tier_fees, c.package_size, c.free,
		d.day, x.from_at, x.to_at, coalesce(u.used, 0) AS used, coalesce(u.beyond, 0) AS beyond,
		c.committed_devices * 1680000 * 1000000 * extract(epoch FROM x.to_at - x.from_at) - coalesce(u.used, 0) AS unused,
		(SELECT count(*) FROM beside AS b WHERE b.price = c.id AND b.payer = c.payer AND b.billing_period = c.billing_period AND b.part_from < x.to_at AND b.part_to > x.from_at) AS parts
	FROM commitment AS c
	JOIN compute_ledger._rating_days(ARRAY(SELECT DISTINCT w.time_zone FROM window_of AS w), $4, $5, $6) AS d ON d.time_zone = c.time_zone AND d.starts < c.to_at AND d.ends > c.from_at
	CROSS JOIN LATERAL (SELECT greatest(c.from_at, d.starts), least(c.to_at, d.ends, $6)) AS x (from_at, to_at)
	LEFT JOIN LATERAL (
		SELECT sum(least(l.level, c.committed_devices) * t.length) AS used, sum(greatest(l.level - c.committed_devices, 0) * t.length) AS beyond
		FROM level AS l
		CROSS JOIN LATERAL (SELECT extract(epoch FROM upper(l.period * tstzrange(x.from_at, x.to_at)) - lower(l.period * tstzrange(x.from_at, x.to_at))) * 1680000 * 1000000) AS t (length)
		WHERE l.price = c.id AND l.payer = c.payer AND l.billing_period = c.billing_period AND l.from_at = c.from_at AND l.period && tstzrange(x.from_at, x.to_at)
	) AS u ON true
	WHERE c.committed_devices IS NOT NULL AND x.from_at < x.to_at
), running AS (
	SELECT r.*, 6048000000000000 AS scale, k.ledger_scale AS digits,
		sum(r.used) OVER w AS used_until, sum(r.unused) OVER w AS unused_until, sum(r.beyond) OVER w AS beyond_until,
		sum(r.beyond) OVER (PARTITION BY r.id, r.payer, r.billing_period) AS beyond_total
	FROM reserved AS r
	JOIN compute_ledger.currency AS k ON k.code = r.currency
	WINDOW w AS (PARTITION BY r.id, r.payer, r.billing_period ORDER BY r.from_at ROWS UNBOUNDED PRECEDING)
), period_charge AS MATERIALIZED (
	SELECT l.asked, CASE l.unit WHEN 'peak-device' THEN 'peak' ELSE 'percentile' END AS kind, l.payer AS account, l.payer, l.billing_period, l.id AS price, l.region, l.accelerator, l.number_format, l.measure,
		NULL::date AS day, tstzrange(l.from_at, l.until) AS period, l.amount, l.quantity, l.unit, CASE l.model WHEN 'flat' THEN CASE WHEN l.free = 0 THEN l.price END END AS unit_price,
		compute_ledger._round_half_even(compute_ledger._tier_cost(l.model, l.price, l.tier_bounds, l.tier_prices, l.tier_fees, l.package_size, l.free, 0, l.quantity, l.quantity), k.ledger_scale) AS cost,
		l.currency, l.parts, l.account IS NULL AS is_list
	FROM leveled AS l
	JOIN compute_ledger.currency AS k ON k.code = l.currency
	UNION ALL
	SELECT r.asked, v.kind, r.account, r.payer, r.billing_period, r.id, r.region, r.accelerator, r.number_format, r.measure, r.day, tstzrange(r.from_at, r.to_at), v.amount,
		compute_ledger._round_ratio(v.until, r.scale, 12) - compute_ledger._round_ratio(v.until - v.amount, r.scale, 12), 'device-hour', v.unit_price,
		CASE v.kind WHEN 'beyond' THEN compute_ledger._round_ratio(compute_ledger._tier_cost(r.model, CASE r.model WHEN 'package' THEN r.price * r.scale ELSE r.price END,
				ARRAY(SELECT b.bound * r.scale FROM unnest(r.tier_bounds) WITH ORDINALITY AS b (bound, i) ORDER BY b.i), r.tier_prices,
				ARRAY(SELECT f.fee * r.scale FROM unnest(r.tier_fees) WITH ORDINALITY AS f (fee, i) ORDER BY f.i), r.package_size * r.scale, r.free * r.scale,
				v.until - v.amount, v.until, r.beyond_total), r.scale, r.digits)
			ELSE compute_ledger._round_ratio(v.amount * r.committed_price, r.scale, r.digits) END,
		r.currency, CASE v.kind WHEN 'reserved unused' THEN 0 ELSE r.parts END, false
	FROM running AS r
	CROSS JOIN LATERAL (VALUES ('reserved used', r.used, r.used_until, r.committed_price), ('reserved unused', r.unused, r.unused_until, r.committed_price),
		('beyond', r.beyond, r.beyond_until, CASE WHEN r.model = 'flat' AND r.free = 0 THEN r.price END)) AS v (kind, amount, until, unit_price)
	WHERE v.amount > 0
), short AS (
	-- what the charges under a price fall short of its minimum, when the period is over
	SELECT c.id, c.payer, c.billing_period, c.asked, c.account, c.region, c.accelerator, c.number_format, c.measure, c.currency, c.from_at, c.to_at,
		compute_ledger._round_ratio(extract(epoch FROM c.to_at - c.from_at), extract(epoch FROM c.ends - c.starts), 12) AS share,
		compute_ledger._round_ratio(c.minimum * extract(epoch FROM c.to_at - c.from_at), extract(epoch FROM c.ends - c.starts), k.ledger_scale)
			- coalesce((SELECT sum(x.cost) FROM charged AS x WHERE x.price = c.id AND x.payer = c.payer AND x.billing_period = c.billing_period), 0)
			- coalesce((SELECT sum(x.cost) FROM period_charge AS x WHERE x.price = c.id AND x.payer = c.payer AND x.billing_period = c.billing_period), 0) AS missing
	FROM commitment AS c
	JOIN compute_ledger.currency AS k ON k.code = c.currency
	WHERE c.minimum IS NOT NULL AND c.ends <= $6
)
SELECT c.kind, c.book, c.account, c.payer, c.billing_period, c.price, c.list_price, c.region, c.accelerator, c.number_format, c.measure, c.basis, c.rate, c.day, c.period,
	c.amount, c.quantity, c.unit, c.work, c.tiers, c.unit_price, c.list_unit_price, c.list_cost, c.contracted_cost, c.cost, c.currency, c.records, c.corrects
FROM charged AS c
WHERE c.asked
UNION ALL
SELECT p.kind, $1, p.account, p.payer, p.billing_period, p.price, CASE WHEN p.is_list THEN p.price END, p.region, p.accelerator, p.number_format, p.measure, NULL, NULL, p.day, p.period,
	p.amount, p.quantity, p.unit, NULL, NULL, p.unit_price, CASE WHEN p.is_list THEN p.unit_price END, CASE WHEN p.is_list THEN p.cost END, p.cost, p.cost, p.currency, p.parts, NULL
FROM period_charge AS p
WHERE p.asked
UNION ALL
SELECT 'commitment', $1, s.account, s.payer, s.billing_period, s.id, NULL, s.region, s.accelerator, s.number_format, s.measure, NULL, NULL, NULL, tstzrange(s.from_at, s.to_at),
	NULL, s.share, 'billing-period', NULL, NULL, NULL, NULL, NULL, s.missing, s.missing, s.currency, 0, NULL
FROM short AS s
WHERE s.missing > 0 AND s.asked
$$ $function$;
COMMENT ON FUNCTION _rating_charges() IS 'what rate_usage() appends to _rating_quantities(): charges and their cost';

-- ------------------------------------------------------------------ who asks for what

CREATE FUNCTION _as_of(as_of timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	mark timestamptz := compute_ledger.ledger_watermark();
BEGIN
	IF as_of > mark THEN
		RAISE EXCEPTION 'what is recorded up to % is not known yet', as_of
			USING ERRCODE = 'LC012',
				DETAIL = format('The watermark is %s: what is recorded later may still change.', mark),
				HINT = 'Ask as of an earlier time, or wait until the writers that are in flight have ended.';
	END IF;
	RETURN coalesce(as_of, mark);
END
$$;
REVOKE ALL ON FUNCTION _as_of(timestamptz) FROM PUBLIC;
ALTER FUNCTION _as_of(timestamptz) OWNER TO pg_database_owner;
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
		RAISE EXCEPTION 'usage is rated for a finite period'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF account IS NOT NULL THEN
		-- by name, whoever it was merged into: its usage is asked for
		SELECT a.id INTO root FROM compute_ledger.account AS a WHERE a.name = account;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'account "%" does not exist', account
				USING ERRCODE = 'LC006';
		END IF;
	END IF;
	WITH asked AS MATERIALIZED (
		SELECT t.account, t.valid FROM compute_ledger.account_tree(as_of) AS t
		WHERE (t.ancestor = root OR root IS NULL AND t.depth = 0) AND t.valid && period
	), paid AS MATERIALIZED (
		SELECT p.account, p.payer, p.calendar, p.valid FROM compute_ledger.payer(as_of) AS p
	), paying AS MATERIALIZED (
		SELECT DISTINCT p.payer
		FROM paid AS p JOIN asked AS a ON a.account = p.account AND p.valid && (a.valid * period)
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
		LEFT JOIN compute_ledger.billing_periods(as_of) AS b ON b.calendar = c.calendar AND b.starts_at <= c.at AND b.ends_at > c.at
	) AS b;
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'billing calendar % has no period for all of %', missing, period
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'Run generate_billing_periods().';
	END IF;
END
$$;
REVOKE ALL ON FUNCTION _rating_scope(text, tstzrange, timestamptz) FROM PUBLIC;
ALTER FUNCTION _rating_scope(text, tstzrange, timestamptz) OWNER TO pg_database_owner;
COMMENT ON FUNCTION _rating_scope(text, tstzrange, timestamptz) IS 'what has to be rated to answer for an account''s subtree (NULL: all accounts) in a period: the payers, all accounts that they pay for, and the time of their billing periods, as far as it is known; LC006 for an unknown account, 55000 where billing periods have not been generated';

CREATE FUNCTION _rating_parts() RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$ SELECT $$
, due AS (
	SELECT t.n, t.i, t.record, sum(CASE WHEN t.tier = 0 THEN 0 WHEN t.packages IS NULL THEN t.units * coalesce(p.tier_prices[t.tier], p.price) ELSE t.packages * p.price * p.scale END
			+ coalesce(t.entered * p.tier_fees[t.tier], 0) * p.scale) AS due
	FROM tiered AS t
	JOIN price AS p ON p.id = t.price
	WHERE t.role <> 'l' AND t.record IS NOT NULL
	GROUP BY t.n, t.i, t.record
), chosen AS (
	SELECT i.*, q.scale, q.digits, q.unit, q.units_until - q.units AS before, d.due
	FROM quantified AS q
	JOIN item AS i ON i.charge = q.charge AND i.asked = q.asked
	LEFT JOIN due AS d ON d.n = i.n AND d.i = i.i AND d.record = i.record
	WHERE q.asked AND q.account = ($7).account AND q.payer = ($7).payer AND q.billing_period = ($7).billing_period AND q.day = ($7).day
		AND q.price IS NOT DISTINCT FROM ($7).price AND q.region = ($7).region
		AND q.accelerator OPERATOR(compute_ledger.=) ($7).accelerator AND q.number_format IS NOT DISTINCT FROM ($7).number_format
		AND q.measure = ($7).measure AND q.basis = ($7).basis
		AND (q.rate OPERATOR(compute_ledger.=) ($7).rate OR q.rate IS NULL AND ($7).rate IS NULL)
)
, beside AS (
	-- of what is not charged by its sum, every part has a share by its amount
	SELECT i.record, x.part_from, x.part_to, i.level, i.level * extract(epoch FROM x.part_to - x.part_from) * 1000000 AS amount
	FROM item AS i
	JOIN rated AS r ON r.n = i.n AND r.i = i.i
	CROSS JOIN LATERAL (SELECT greatest(i.part_from, lower(($7).period)), least(i.part_to, upper(($7).period))) AS x (part_from, part_to)
	WHERE i.special AND i.price = ($7).price AND r.payer = ($7).payer AND r.billing_period = ($7).billing_period AND x.part_from < x.part_to
		AND ($7).kind IN ('peak', 'percentile', 'reserved used', 'beyond')
), shared AS (
	SELECT b.*, sum(b.amount) OVER (ORDER BY b.part_from, b.record ROWS UNBOUNDED PRECEDING) AS until, sum(b.amount) OVER () AS total
	FROM beside AS b
)
SELECT u.record, u.part_from, u.part_to, trim_scale(round(u.level::numeric / 1680000, 7)), u.amount,
	compute_ledger._round_ratio(u.before + u.units_until, u.scale, 12) - compute_ledger._round_ratio(u.before + u.units_until - u.units, u.scale, 12), u.unit,
	compute_ledger._round_ratio(u.due_until, u.scale, u.digits) - compute_ledger._round_ratio(u.due_until - u.due, u.scale, u.digits)
FROM (
	SELECT c.*, sum(c.units) OVER w AS units_until, sum(c.due) OVER w AS due_until
	FROM chosen AS c
	WINDOW w AS (ORDER BY c.part_from, c.record ROWS UNBOUNDED PRECEDING)
) AS u
UNION ALL
SELECT s.record, s.part_from, s.part_to, trim_scale(round(s.level::numeric / 1680000, 7)), s.amount,
	compute_ledger._round_ratio(s.until * ($7).quantity, s.total, 12) - compute_ledger._round_ratio((s.until - s.amount) * ($7).quantity, s.total, 12), ($7).unit,
	compute_ledger._round_ratio(s.until * ($7).cost, s.total, k.ledger_scale) - compute_ledger._round_ratio((s.until - s.amount) * ($7).cost, s.total, k.ledger_scale)
FROM shared AS s
JOIN compute_ledger.currency AS k ON k.code = ($7).currency
UNION ALL
SELECT NULL, lower(($7).period), upper(($7).period), NULL, ($7).amount, ($7).quantity, ($7).unit, ($7).cost
WHERE ($7).kind IN ('reserved unused', 'commitment')
$$ $function$;
COMMENT ON FUNCTION _rating_parts() IS 'what trace_charge() appends to _rating_quantities(): the parts of records that a charge is made of';

CREATE FUNCTION rate_usage(account text, period tstzrange, as_of timestamptz DEFAULT NULL, book text DEFAULT 'sale') RETURNS SETOF rated_charge
	LANGUAGE plpgsql VOLATILE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	SET enable_sort = off
	SET enable_mergejoin = off
	SET enable_nestloop = off
	SET jit = off
AS $$
DECLARE
	scope record;
BEGIN
	PERFORM compute_ledger._require_ledger();
	as_of := compute_ledger._as_of(as_of);
	SELECT * INTO scope FROM compute_ledger._rating_scope(account, period, as_of);
	IF scope.payers IS NULL OR scope.starts IS NULL OR scope.starts >= scope.ends THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE compute_ledger._rating_statement() || compute_ledger._rating_quantities() || compute_ledger._rating_charges()
		USING book, as_of, scope.payers, period, scope.starts, scope.ends, NULL::compute_ledger.rated_charge, scope.root, scope.accounts;
END
$$;
ALTER FUNCTION rate_usage(text, tstzrange, timestamptz, text) OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION rate_usage(text, tstzrange, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION rate_usage(text, tstzrange, timestamptz, text) IS 'the charges for the usage of an account and all that was under it at the time (NULL: of all accounts) in a period, as of a recorded time, by default the watermark: the same rows whenever it is asked, since nothing is recorded any more below the watermark. Tiers go by all usage of the billing period that the account''s payer is billed for. LC006 unknown account, LC012 a recorded time beyond the watermark, 55000 without billing periods.';

CREATE FUNCTION _rate_payer(payer bigint, period tstzrange, as_of timestamptz, book text) RETURNS SETOF rated_charge
	LANGUAGE plpgsql VOLATILE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	SET enable_sort = off
	SET enable_mergejoin = off
	SET enable_nestloop = off
	SET jit = off
AS $$
BEGIN
	RETURN QUERY EXECUTE compute_ledger._rating_statement() || compute_ledger._rating_quantities() || compute_ledger._rating_charges()
		USING book, as_of, ARRAY[payer], period, lower(period), least(upper(period), as_of), NULL::compute_ledger.rated_charge, NULL::bigint,
			ARRAY(SELECT DISTINCT p.account FROM compute_ledger.payer(as_of) AS p WHERE p.payer = _rate_payer.payer AND p.valid && period);
END
$$;
ALTER FUNCTION _rate_payer(bigint, tstzrange, timestamptz, text) OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _rate_payer(bigint, tstzrange, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION _rate_payer(bigint, tstzrange, timestamptz, text) IS 'the charges of all that a payer is billed for in one of its billing periods, as of a recorded time not beyond the watermark';

CREATE FUNCTION _trace(charge rated_charge, period tstzrange, as_of timestamptz,
		OUT record bigint, OUT part_from timestamptz, OUT part_to timestamptz, OUT devices numeric, OUT amount numeric, OUT quantity numeric, OUT unit text, OUT cost numeric) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	SET enable_sort = off
	SET enable_mergejoin = off
	SET enable_nestloop = off
	SET jit = off
AS $$
BEGIN
	RETURN QUERY EXECUTE compute_ledger._rating_statement() || compute_ledger._rating_quantities() || compute_ledger._rating_parts()
		USING charge.book, as_of, ARRAY[charge.payer], charge.period, lower(period), least(upper(period), as_of), charge, NULL::bigint,
			ARRAY(SELECT DISTINCT p.account FROM compute_ledger.payer(as_of) AS p WHERE p.payer = charge.payer AND p.valid && period);
END
$$;
ALTER FUNCTION _trace(rated_charge, tstzrange, timestamptz) OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _trace(rated_charge, tstzrange, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION _trace(rated_charge, tstzrange, timestamptz) IS 'the parts of records that a charge is made of, as of a recorded time not beyond the watermark; its billing period is given';
