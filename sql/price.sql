-- Prices: what rows are refused, what a quantity costs, which key wins.
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET client_min_messages = warning;
\set SHOW_CONTEXT never
\pset null '(null)'
SELECT create_ledger() IS NOT NULL AS ledger;

-- ------------------------------------------------------------------ rows in

-- Each way to say a price, and what the ledger makes of it.
INSERT INTO price (book, accelerator, currency, price, title) VALUES ('p-ways', 'nvidia/h100', 'USD', 2.50, 'flat');
INSERT INTO price (book, accelerator, currency, model, tier_bounds, tier_prices, tier_fees, unit, free, pool, title)
VALUES ('p-ways', 'nvidia/a100', 'USD', 'graduated', '{100.5,1000}', '{3,2.5,2}', '{0,1,0}', 'PFLOPh@bf16', 10, 'work', 'graduated');
INSERT INTO price (book, accelerator, currency, model, tier_bounds, tier_prices, unit, pool, title)
VALUES ('p-ways', 'amd', 'USD', 'volume', '{1000}', '{2,1}', 'PFLOPh@bf16', 'work', 'volume');
INSERT INTO price (book, accelerator, currency, model, package_size, price, unit, title)
VALUES ('p-ways', 'google', 'USD', 'package', 100, 80, 'PFLOPh', 'package');
INSERT INTO price (book, accelerator, currency, price, unit, devices_per_instance, title)
VALUES ('p-ways', 'intel', 'USD', 37000, 'instance-month', 8, 'instance-month');
INSERT INTO price (book, accelerator, currency, price, unit, title)
VALUES ('p-ways', 'aws', 'USD', 100, 'peak-device', 'peak');
INSERT INTO price (book, accelerator, currency, price, unit, percentile, sample_step, title)
VALUES ('p-ways', 'huawei', 'CNY', 100, 'percentile-device', 0.95, '5 minutes', 'percentile');
-- one tier is a tier; a graduated price without bounds is flat; no class is any
INSERT INTO price (book, accelerator, currency, model, tier_prices, title) VALUES ('p-ways', NULL, 'USD', 'graduated', '{7}', 'one tier');
SELECT title, accelerator, unit, work, model, price, tier_bounds, tier_prices, valid, upper_inf(recorded) AS current
FROM price WHERE book = 'p-ways' ORDER BY id;
SELECT p.title, t.tier, t.above, t.up_to, t.unit_price, t.fee FROM price_tier AS t JOIN price AS p ON p.id = t.price
WHERE p.book = 'p-ways' AND p.model <> 'flat' ORDER BY p.id, t.tier;
SELECT p.title, _price_terms(p.unit, p.devices_per_instance, p.percentile, p.sample_step, p.model, p.currency, p.price, p.tier_bounds, p.tier_prices, p.tier_fees,
	p.package_size, p.free, p.pool, 1000, 8, 1.5) AS terms
FROM price AS p WHERE p.book = 'p-ways' ORDER BY p.id;
SELECT * FROM price_pool WHERE book = 'p-ways';

-- What is refused, and how that is told.
CREATE PROCEDURE try(statement text) LANGUAGE plpgsql AS $$
DECLARE
	constraint_name text;
BEGIN
	EXECUTE statement;
	RAISE EXCEPTION 'was not refused: %', statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS constraint_name = CONSTRAINT_NAME;
	IF SQLSTATE = 'P0001' THEN
		RAISE;
	END IF;
	RAISE INFO '% % %', SQLSTATE, SQLERRM, constraint_name;
END
$$;
-- prices
CALL try($$INSERT INTO price (currency, price) VALUES ('USD', -1)$$);
CALL try($$INSERT INTO price (currency, price) VALUES ('USD', 'NaN')$$);
CALL try($$INSERT INTO price (currency, price) VALUES ('USD', 'Infinity')$$);
CALL try($$INSERT INTO price (currency, price) VALUES ('USD', 1e131071)$$);
CALL try($$INSERT INTO price (currency, price) VALUES ('USD', 1e30)$$);
CALL try($$INSERT INTO price (currency, price) VALUES ('USD', 1e-31)$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices, tier_fees) VALUES ('USD', 'volume', '{10}', '{3,2}', '{1,1e131071}')$$);
CALL try($$INSERT INTO price (currency, price, free, unit) VALUES ('USD', 1, 1e131071, 'peak-device')$$);
CALL try($$INSERT INTO price (currency, price, account, minimum) SELECT 'USD', 1, 1, 1e30$$);
CALL try($$INSERT INTO price (currency, price, account, committed_devices, committed_price) SELECT 'USD', 1, 1, 1, 1e30$$);
INSERT INTO price (book, currency, price) VALUES ('p-large', 'USD', 1e30 - 1e-30), ('p-large-too', 'USD', 1.000000000000000000000000000000000000000);
CALL try($$INSERT INTO price (currency) VALUES ('USD')$$);
CALL try($$INSERT INTO price (price) VALUES (1)$$);
CALL try($$INSERT INTO price (currency, price) VALUES ('XYZ', 1)$$);
CALL try($$INSERT INTO price (currency, price, free) VALUES ('USD', 1, -1)$$);
CALL try($$INSERT INTO price (currency, price, measure) VALUES ('USD', 1, 'wished for')$$);
-- tiers
CALL try($$INSERT INTO price (currency, model, price) VALUES ('USD', 'steps', 1)$$);
CALL try($$INSERT INTO price (currency, model, price) VALUES ('USD', 'graduated', 1)$$);
CALL try($$INSERT INTO price (currency, price, tier_prices) VALUES ('USD', 1, '{1}')$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices) VALUES ('USD', 'graduated', '{20,10}', '{3,2,1}')$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices) VALUES ('USD', 'volume', '{10,10}', '{3,2,1}')$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices) VALUES ('USD', 'graduated', '{0,10}', '{3,2,1}')$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices) VALUES ('USD', 'graduated', '{10,NULL}', '{3,2,1}')$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices) VALUES ('USD', 'graduated', '{10,Infinity}', '{3,2,1}')$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices) VALUES ('USD', 'graduated', '{10}', '{3,2,1}')$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices) VALUES ('USD', 'graduated', '{10}', '{3,-2}')$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices) VALUES ('USD', 'graduated', '{10}', '{3,NULL}')$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices, tier_fees) VALUES ('USD', 'graduated', '{10}', '{3,2}', '{1}')$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices, tier_fees) VALUES ('USD', 'graduated', '{10}', '{3,2}', '{1,-1}')$$);
CALL try($$INSERT INTO price (currency, model, tier_bounds, tier_prices) VALUES ('USD', 'graduated', '{{10}}', '{{3,2}}')$$);
CALL try($$INSERT INTO price (currency, model, price) VALUES ('USD', 'package', 1)$$);
CALL try($$INSERT INTO price (currency, model, price, package_size) VALUES ('USD', 'package', 1, 0)$$);
CALL try($$INSERT INTO price (currency, price, package_size) VALUES ('USD', 1, 10)$$);
-- units
CALL try($$INSERT INTO price (currency, price, unit) VALUES ('USD', 1, 'gpu-hour')$$);
CALL try($$INSERT INTO price (currency, price, unit) VALUES ('USD', 1, 'PFLOPh@bf61')$$);
CALL try($$INSERT INTO price (currency, price, unit) VALUES ('USD', 1, 'PFLOPS@bf16')$$);
CALL try($$INSERT INTO price (currency, price, unit) VALUES ('USD', 1, '')$$);
CALL try($$INSERT INTO price (currency, price, unit) VALUES ('USD', 1, 'instance-month')$$);
CALL try($$INSERT INTO price (currency, price, devices_per_instance) VALUES ('USD', 1, 8)$$);
CALL try($$INSERT INTO price (currency, price, unit, percentile) VALUES ('USD', 1, 'percentile-device', 0.95)$$);
CALL try($$INSERT INTO price (currency, price, unit, percentile, sample_step) VALUES ('USD', 1, 'percentile-device', 1.5, '5 min')$$);
CALL try($$INSERT INTO price (currency, price, unit, percentile, sample_step) VALUES ('USD', 1, 'percentile-device', 0.95, '0')$$);
-- pools and commitments
CALL try($$INSERT INTO price (book, currency, price, pool) VALUES ('p-ways', 'USD', 1, 'work')$$);
CALL try($$INSERT INTO price (currency, price, minimum) VALUES ('USD', 1, 1000)$$);
CALL try($$INSERT INTO price (currency, price, committed_devices, committed_price) VALUES ('USD', 1, 8, 1)$$);
-- validity
CALL try($$INSERT INTO price (currency, price, valid) VALUES ('USD', 1, 'empty')$$);
CALL try($$INSERT INTO price (currency, price, valid) VALUES ('USD', 1, '[2026-01-01,2026-02-01]')$$);
CALL try($$INSERT INTO price (currency, price, valid) VALUES ('USD', 1, '(2026-01-01,2026-02-01)')$$);
INSERT INTO price (book, currency, price, valid) VALUES ('p-overlap', 'USD', 1, '[2026-01-01,2026-02-01)'), ('p-overlap', 'USD', 2, '[2026-02-01,infinity)');
CALL try($$INSERT INTO price (book, currency, price, valid) VALUES ('p-overlap', 'USD', 1, '[2026-01-31 23:59:59.999999,2026-02-01)')$$);
CALL try($$INSERT INTO price (book, currency, price, valid, accelerator) VALUES ('p-overlap', 'USD', 1, '[2100-01-01,)', 'any')$$);
CALL try($$INSERT INTO price (currency, price, account) VALUES ('USD', 1, 0)$$);
CALL try($$INSERT INTO price (currency, price, number_format) VALUES ('USD', 1, '')$$);
-- another key is no overlap
INSERT INTO price (book, currency, price, number_format) VALUES ('p-overlap', 'USD', 1, 'bf16');
INSERT INTO price (book, currency, price, measure) VALUES ('p-overlap', 'USD', 1, 'used');
SELECT price, number_format, measure, valid FROM price WHERE book = 'p-overlap' ORDER BY id;
-- a unit in a basis of one's own, by its name
INSERT INTO basis (name, description) VALUES ('price.example/weights', 'weights of a contract');
INSERT INTO price (book, currency, price, unit) VALUES ('p-basis', 'USD', 1, 'PFLOPh@price.example/weights');
SELECT unit, basis(work) = basis_code('price.example/weights')::text AS by_name FROM price WHERE book = 'p-basis';

-- ------------------------------------------------------------------ history

UPDATE price SET price = 3, recorded = '(,)', key = 1 WHERE book = 'p-overlap' AND upper(valid) = '2026-02-01';
UPDATE price SET valid = tstzrange(lower(valid), '2027-01-01') WHERE book = 'p-overlap' AND lower(valid) = '2026-02-01';
DELETE FROM price WHERE book = 'p-overlap' AND number_format = 'bf16';
SELECT price, number_format, measure, valid, upper_inf(recorded) AS current,
	count(*) OVER (PARTITION BY key, upper_inf(recorded)) AS of_this_key
FROM price WHERE book = 'p-overlap' ORDER BY id;
CALL try($$UPDATE price SET price = 9 WHERE book = 'p-overlap' AND NOT upper_inf(recorded)$$);
CALL try($$DELETE FROM price WHERE book = 'p-overlap' AND NOT upper_inf(recorded)$$);
-- a closed row does not overlap a current one, and its id stays with it
INSERT INTO price (book, currency, price, number_format) VALUES ('p-overlap', 'USD', 5, 'bf16');
SELECT count(*) AS versions, count(DISTINCT id) AS ids, count(DISTINCT key) AS keys FROM price WHERE book = 'p-overlap' AND number_format = 'bf16';
-- what a transaction made itself leaves no trace
BEGIN;
INSERT INTO price (book, currency, price) VALUES ('p-trace', 'USD', 1);
UPDATE price SET price = 2 WHERE book = 'p-trace';
UPDATE price SET price = 3 WHERE book = 'p-trace';
COMMIT;
SELECT price, upper_inf(recorded) AS current FROM price WHERE book = 'p-trace';

-- ------------------------------------------------------------------ what a quantity costs

-- Worked by hand: 0.0006 up to 100,000, then 0.0004, a fee of 10 on each tier.
SELECT q, _tier_cost('volume', NULL, '{100000}', '{0.0006,0.0004}', '{10,10}', NULL, 0, 0, q) AS volume,
	_tier_cost('graduated', NULL, '{100000}', '{0.0006,0.0004}', '{10,10}', NULL, 0, 0, q) AS graduated
FROM unnest('{0,1,100000,100000.5,100001}'::numeric[]) AS q;
-- 100.5 lies in the first tier of bounds 100.5 and 200, and 100.500001 does not
SELECT q, _tier_cost('graduated', NULL, '{100.5,200}', '{2,1,0.5}', NULL, NULL, 0, 0, q) AS graduated,
	_tier_cost('volume', NULL, '{100.5,200}', '{2,1,0.5}', NULL, NULL, 0, 0, q) AS volume
FROM unnest('{100,100.5,100.500001,101,200,201}'::numeric[]) AS q;
-- 3 free, packages of 10
SELECT q, _tier_cost('package', 5, NULL, NULL, NULL, 10, 3, 0, q) AS package FROM unnest('{0,3,3.000001,13,13.000001,23}'::numeric[]) AS q;
-- a size whose quotients have no end
SELECT q, _tier_cost('package', 1, NULL, NULL, NULL, 0.7, 0, 0, q) AS package FROM unnest('{0.7,1.4,2.1,2.100000000000000001,70000000000000000.7}'::numeric[]) AS q;
SELECT _tier_cost('flat', 2.5, NULL, NULL, NULL, NULL, NULL, 4, 10), _tier_cost('flat', 2.5, NULL, NULL, NULL, NULL, 5, 4, 10), _tier_cost('flat', 2.5, NULL, NULL, NULL, NULL, 5, 10, 4),
	_tier_cost('flat', 2.5, NULL, NULL, NULL, NULL, 5, NULL, 4), _tier_cost(NULL, 2.5, NULL, NULL, NULL, NULL, 5, 1, 4);
CALL try($$SELECT _tier_cost('flat', 1, NULL, NULL, NULL, NULL, 0, -1, 1)$$);
CALL try($$SELECT _tier_cost('flat', 1, NULL, NULL, NULL, NULL, 0, 0, 'NaN')$$);
CALL try($$SELECT _tier_cost('flat', NULL, NULL, NULL, NULL, NULL, 0, 0, 1)$$);
CALL try($$SELECT _tier_cost('volume', NULL, '{1}', '{1,1}', NULL, NULL, 0, 0, 2, 1)$$);
CALL try($$SELECT _tier_cost('graduated', NULL, '{1}', '{1}', NULL, NULL, 0, 0, 2)$$);
CALL try($$SELECT _tier_cost('graduated', NULL, '{1}', NULL, NULL, NULL, 0, 0, 2)$$);
CALL try($$SELECT _tier_cost('steps', 1, NULL, NULL, NULL, NULL, 0, 0, 2)$$);
CALL try($$SELECT _tier_cost('package', 1, NULL, NULL, NULL, 0, 0, 0, 2)$$);

-- Against the formulas written out, on random tariffs and quantities; and the parts add up to the whole, whichever they are.
SELECT setseed(0.6);
CREATE TEMP TABLE tariff AS
SELECT n, (ARRAY['flat', 'graduated', 'volume', 'package'])[1 + n % 4] AS model, round((random() * 10)::numeric, 3) AS price,
	bounds, (SELECT array_agg(round((random() * 10 + b * 0)::numeric, 3)) FROM generate_series(0, cardinality(bounds)) AS b) AS prices,
	CASE WHEN random() < 0.5 THEN (SELECT array_agg(floor(random() * 20 + b * 0)::numeric) FROM generate_series(0, cardinality(bounds)) AS b) END AS fees,
	round((0.1 + random() * 20)::numeric, 2) AS size, CASE WHEN random() < 0.5 THEN round((random() * 30)::numeric, 2) ELSE 0 END AS free
FROM (SELECT n, ARRAY(SELECT DISTINCT round((0.01 + random() * 100 + n * 0)::numeric, 2) FROM generate_series(1, n % 5) ORDER BY 1) AS bounds FROM generate_series(1, 1000) AS n) AS t;
CREATE TEMP TABLE whole AS
SELECT t.*, q,
	CASE model
		WHEN 'flat' THEN b * price
		WHEN 'package' THEN ceil(b * 100 / (size * 100)) * price
		WHEN 'graduated' THEN (SELECT sum(greatest(0, least(b, coalesce(bounds[k], b)) - coalesce(bounds[k - 1], 0)) * prices[k]
				+ CASE WHEN b > coalesce(bounds[k - 1], 0) THEN coalesce(fees[k], 0) ELSE 0 END) FROM generate_series(1, cardinality(prices)) AS k)
		ELSE coalesce((SELECT b * prices[k] + coalesce(fees[k], 0) FROM generate_series(1, cardinality(prices)) AS k
			WHERE b > coalesce(bounds[k - 1], 0) AND b <= coalesce(bounds[k], b)), 0)
	END AS cost
FROM tariff AS t, LATERAL (SELECT round((random() * 150 + i * 0)::numeric, 2) AS q FROM generate_series(1, 10) AS i
	UNION ALL SELECT unnest(bounds) + free UNION ALL SELECT unnest(bounds) + free + 0.01) AS r, LATERAL (SELECT greatest(0, q - free)) AS x (b);
SELECT model, count(*) > 2000 AS many,
	count(*) FILTER (WHERE cost <> _tier_cost(model, price, bounds, prices, fees, size, free, 0, q)) AS wrong,
	count(*) FILTER (WHERE cost <> (SELECT sum(_tier_cost(model, price, bounds, prices, fees, size, free, q * i / 8, q * (i + 1) / 8, q)) FROM generate_series(0, 7) AS i)) AS parts_wrong,
	count(*) FILTER (WHERE _tier_cost(model, price, bounds, prices, fees, size, free, q / 3, q, q) <> -_tier_cost(model, price, bounds, prices, fees, size, free, q, q / 3, q)) AS lopsided
FROM whole GROUP BY model ORDER BY model COLLATE "C";

-- ------------------------------------------------------------------ no two keys tie

-- accelerator_classes() lists exactly the classes that contain a chip, the most specific first: against @> over all
-- classes of all chips of the catalog, of their MIG slices, and with holes.
CREATE TEMP TABLE chip AS
SELECT DISTINCT accelerator FROM accelerator_model WHERE upper_inf(recorded)
UNION SELECT unnest(ARRAY['nvidia/a100-sxm4-80gb:1g.10gb', 'nvidia/a100-sxm4-80gb:2g.20gb', 'nvidia/h100-sxm5-80gb:1g.10gb+me', 'nvidia/h100-pcie-80gb:7g.80gb',
	'nvidia/a100-80gb', 'nvidia/a100-sxm', 'nvidia/a100', 'nvidia', 'any', 'amd/mi300x-oam-192gb', 'pci1ee0/br100', 'nvidia/a100:1g.5gb']::accelerator[]);
CREATE TEMP TABLE class AS
SELECT DISTINCT make_accelerator(vendor(a), CASE WHEN m > 0 THEN model(a) END, CASE WHEN f = 1 THEN form_factor(a) WHEN f = 2 THEN substring(form_factor(a) FROM '^(sxm|laptop)') END,
	CASE WHEN g > 0 THEN memory_gb(a) END, CASE WHEN s > 0 THEN mig_profile(a) END) AS class
FROM chip AS c (a), generate_series(0, 1) AS m, generate_series(0, 2) AS f, generate_series(0, 1) AS g, generate_series(0, 1) AS s
WHERE m > 0 OR f = 0 AND g = 0 AND s = 0
UNION SELECT make_accelerator(vendor(a)) FROM chip AS c (a) UNION SELECT 'any'
UNION SELECT unnest(accelerator_classes(a)) FROM chip AS c (a);
WITH listed AS (
	SELECT a, class, place FROM chip AS c (a), unnest(accelerator_classes(a)) WITH ORDINALITY AS u (class, place)
), contained AS (
	SELECT a, c.class FROM chip AS x (a) JOIN class AS c ON c.class @> a
)
SELECT (SELECT count(*) > 1000 FROM contained) AS many, (SELECT count(*) FROM (TABLE contained EXCEPT SELECT a, class FROM listed) AS x) AS left_out,
	(SELECT count(*) FROM (SELECT a, class FROM listed EXCEPT TABLE contained) AS x) AS too_many,
	(SELECT count(*) FROM listed AS l JOIN listed AS m ON m.a = l.a AND m.place > l.place WHERE specificity(m.class) >= specificity(l.class)) AS tied_or_misplaced;
-- So of all keys that one use is under, no two have the same place in the order: four accounts and none, all classes, four
-- regions and none, with and without a number format.
SELECT count(*) > 10000 AS many, count(*) - count(DISTINCT (a, account, specificity(class), region, format)) AS ties
FROM chip AS c (a), unnest(accelerator_classes(a)) AS u (class), generate_series(0, 4) AS account, generate_series(0, 4) AS region, generate_series(0, 1) AS format;
CALL try($$SELECT accelerator_classes(class_max('nvidia'))$$);
-- Nor do accounts tie: in a forest that merged at random (what would go in circles is refused), at no time is an account
-- twice in a way, or two in one place; and a walk at each instant finds the same accounts in the same order.
DO $$
BEGIN
	PERFORM setseed(0.4);
	PERFORM create_account('tie 1', currency => 'USD');
	PERFORM create_account('tie ' || n, parent => 'tie ' || greatest(1, (n * random())::integer - 1)) FROM generate_series(2, 40) AS n;
	FOR n IN 1 .. 60 LOOP
		BEGIN
			PERFORM merge_account('tie ' || 1 + floor(random() * 40)::integer, 'tie ' || 1 + floor(random() * 40)::integer, '2026-01-01'::timestamptz + floor(random() * 20) * interval '1 day');
			SET CONSTRAINTS ALL IMMEDIATE;
			SET CONSTRAINTS ALL DEFERRED;
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
END
$$;
CREATE TEMP TABLE way AS SELECT row_number() OVER () AS n, w.* FROM _price_way(NULL) AS w;
SELECT (SELECT count(*) > 15 FROM account_merge) AS many, (SELECT max(place % 1000000) > 3 FROM way) AS some_of_many, count(b.n) AS ties, count(*) FILTER (WHERE b.ancestor = a.ancestor) AS twice
FROM way AS a LEFT JOIN way AS b ON b.account = a.account AND b.n > a.n AND b.valid && a.valid AND (b.place = a.place OR b.ancestor = a.ancestor);
CREATE FUNCTION stand(account bigint, at timestamptz) RETURNS SETOF bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN NEXT account;
	RETURN QUERY SELECT s.* FROM (SELECT m.account FROM account_merge AS m WHERE m.merged_into = $1 AND m.at <= $2 ORDER BY m.at DESC, m.account DESC) AS m, LATERAL stand(m.account, $2) AS s;
END
$$;
CREATE FUNCTION climb(account bigint, at timestamptz) RETURNS SETOF bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
	next bigint := account_id((SELECT a.name FROM account AS a WHERE a.id = $1), $2);
BEGIN
	WHILE next IS NOT NULL LOOP
		RETURN QUERY SELECT stand(next, $2);
		next := (SELECT v.parent FROM account_version AS v WHERE v.account = next AND upper_inf(v.recorded) AND v.valid @> $2);
	END LOOP;
END
$$;
SELECT count(*) > 500 AS many_ways, count(*) FILTER (WHERE ARRAY(SELECT climb(a.id, at)) IS DISTINCT FROM ARRAY(SELECT w.ancestor FROM way AS w WHERE w.account = a.id AND w.valid @> at ORDER BY w.place)) AS wrong
FROM account AS a, generate_series('2025-12-31'::timestamptz, '2026-01-22', '1 day') AS at;
DROP FUNCTION stand, climb;

-- ------------------------------------------------------------------ the sweep

-- Against the winner at every instant, on random intervals, in which keys do not overlap themselves.
CREATE TEMP TABLE candidate AS
SELECT g, rank, row_number() OVER ()::bigint AS price, rank <= 3 AS is_list, starts, lead(starts) OVER (PARTITION BY g, rank ORDER BY starts) AS ends
FROM (SELECT DISTINCT g, rank, '2026-01-01'::timestamptz + floor(random() * 20)::integer * interval '1 day' AS starts
	FROM generate_series(1, 500) AS g, generate_series(1, 6) AS rank, generate_series(1, 6)) AS x;
UPDATE candidate SET ends = starts + interval '3 days' WHERE ends IS NULL;
DELETE FROM candidate WHERE random() < 0.4;
INSERT INTO candidate SELECT g, -1, NULL, NULL, '2025-12-30', '2026-02-01' FROM generate_series(1, 500) AS g;
CREATE INDEX ON candidate (g);
CREATE TEMP TABLE swept AS
SELECT g, s.* FROM (SELECT g, _price_winner(rank, price, is_list, starts, ends) AS a FROM candidate GROUP BY g) AS c, unnest(a) AS s;
CREATE INDEX ON swept (g);
ANALYZE candidate;
ANALYZE swept;
SELECT count(*) > 10000 AS many,
	count(*) FILTER (WHERE (s.price, s.list_price) IS DISTINCT FROM (
		(SELECT c.price FROM candidate AS c WHERE c.g = d.g AND c.starts <= at AND at < c.ends ORDER BY c.rank DESC LIMIT 1),
		(SELECT c.price FROM candidate AS c WHERE c.g = d.g AND c.is_list AND c.starts <= at AND at < c.ends ORDER BY c.rank DESC LIMIT 1))) AS wrong
FROM generate_series(1, 500) AS d (g), generate_series('2025-12-30'::timestamptz, '2026-01-31', '1 day') AS at
LEFT JOIN LATERAL (SELECT * FROM swept AS s WHERE s.g = d.g AND s.starts <= at AND at < s.ends) AS s ON true;
-- in order, without gap, and no longer than needed
SELECT count(*) FILTER (WHERE starts <> coalesce(before, '2025-12-30')) AS gaps, count(*) FILTER (WHERE same) AS too_short
FROM (SELECT starts, lag(ends) OVER w AS before, (price, list_price) IS NOT DISTINCT FROM (lag(price) OVER w, lag(list_price) OVER w) AND lag(ends) OVER w IS NOT NULL AS same
	FROM swept WINDOW w AS (PARTITION BY g ORDER BY starts)) AS x;
SELECT _price_winner(1, 1, true, NULL, NULL), _price_winner(1, 1, true, now(), now()), (SELECT _price_winner(1, 1, true, NULL, NULL) WHERE false);
DROP PROCEDURE try;
