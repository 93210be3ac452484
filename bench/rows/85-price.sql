-- The price of one use among 100,000 rows: 1,000 accounts in a tree, 40 chips, 40 regions; a list by chip, region and
-- month, contracts for every account and chip, and 30,000 spot prices of one key.  Beside it, 20 look-ups of a
-- row of the same table by its primary key, each a statement of its own, as the explanation is.
-- @setup
SELECT create_ledger();
SELECT create_account('a1', currency => 'USD', time_zone => 'UTC');
INSERT INTO account (name) SELECT 'a' || n FROM generate_series(2, 1000) AS n;
INSERT INTO account_version (account, parent)
SELECT c.id, p.id FROM generate_series(2, 1000) AS n JOIN account AS c ON c.name = 'a' || n JOIN account AS p ON p.name = 'a' || greatest(n / 10, 1);
CREATE TABLE place AS SELECT row_number() OVER (ORDER BY region)::int4 AS n, region FROM region_version WHERE level = 'region' AND upper_inf(recorded) ORDER BY region LIMIT 40;
CREATE TABLE chip AS
SELECT (row_number() OVER (ORDER BY launched DESC NULLS LAST, accelerator))::int4 AS n, accelerator
FROM accelerator_model WHERE upper_inf(recorded) AND specificity(accelerator) >= 11 LIMIT 40;
INSERT INTO price (accelerator, region, currency, price, valid)
SELECT accelerator, region, 'USD', 1 + c.n * 0.1, tstzrange(m, m + interval '1 month')
FROM chip AS c, place, generate_series('2026-01-01'::timestamptz, '2026-12-01', '1 month') AS m;
INSERT INTO price (accelerator, currency, price) SELECT DISTINCT accelerator_trunc('model', accelerator), 'USD', 5 FROM chip;
INSERT INTO price (account, accelerator, currency, model, tier_bounds, tier_prices)
SELECT a.id, accelerator, 'USD', 'graduated', '{1000,10000}', '{2,1.8,1.5}' FROM account AS a, chip;
INSERT INTO price (account, accelerator, region, currency, price)
SELECT a.id, accelerator, region, 'USD', 2 FROM account AS a, chip JOIN place ON true WHERE a.id % 40 + 1 = place.n AND a.id <= 270;
INSERT INTO price (accelerator, region, number_format, currency, price, valid)
SELECT c.accelerator, p.region, 'bf16', 'USD', 1 + (i % 100) * 0.01, tstzrange(t, t + interval '86.4 s')
FROM (SELECT accelerator FROM chip WHERE n = 1) AS c, (SELECT region FROM place WHERE n = 1) AS p,
	generate_series(0, 29999) AS i, LATERAL (SELECT '2026-01-01'::timestamptz + i * interval '86.4 s') AS x (t);
CREATE TABLE asked AS
SELECT x.n, 'a' || (1 + floor(random() * 1000)::int4) AS account, c.accelerator::text AS accelerator, r.name AS region, '2026-01-01'::timestamptz + random() * interval '30 days' AS at
FROM (SELECT n, 1 + floor(random() * 40)::int4 AS xc, 1 + floor(random() * 40)::int4 AS xr FROM generate_series(1, 200) AS n) AS x
JOIN chip AS c ON c.n = CASE WHEN x.n % 4 = 0 THEN 1 ELSE xc END JOIN place AS p ON p.n = CASE WHEN x.n % 4 = 0 THEN 1 ELSE xr END JOIN region AS r ON r.id = p.region;
CREATE TABLE quantity AS SELECT (random() * 20000)::numeric(12,6) AS q0, (20000 + random() * 100)::numeric(12,6) AS q1 FROM generate_series(1, {million});
VACUUM (FREEZE, ANALYZE) quantity, price, price_key, account, account_version, region, region_version, asked;

-- @case explain-price: explain_price, 100,000 price rows
-- @check there are 100,000 rows, 30,000 of one key
SELECT count(*) BETWEEN 99000 AND 101000 AND (SELECT max(n) = 30000 FROM (SELECT count(*) AS n FROM price GROUP BY key) AS k) FROM price;
-- @check the winners are those that plain SQL finds
SELECT count(*) = 20 AND bool_and(e.price = x.price)
FROM (SELECT * FROM asked WHERE n % 10 = 0) AS a CROSS JOIN LATERAL explain_price(a.account, a.accelerator, a.region, a.at, 'bf16') AS e
CROSS JOIN LATERAL (
	SELECT p.id AS price FROM price AS p
	LEFT JOIN account_tree() AS t ON t.account = account_id(a.account) AND t.ancestor = p.account
	LEFT JOIN region_tree() AS r ON r.region = region_id(a.region) AND r.ancestor = p.region
	WHERE p.accelerator @> a.accelerator::accelerator AND p.valid @> a.at AND (p.number_format IS NULL OR p.number_format = 'bf16')
		AND (p.account IS NULL OR t.ancestor IS NOT NULL) AND (p.region IS NULL OR r.ancestor IS NOT NULL)
	ORDER BY t.depth, specificity(p.accelerator) DESC, r.depth, p.number_format IS NULL LIMIT 1) AS x
WHERE e.place = 1;
-- @run explain_price
DO $$
DECLARE
	a record;
BEGIN
	FOR a IN SELECT * FROM asked LOOP
		EXECUTE format('SELECT * FROM compute_ledger.explain_price(%L, %L, %L, %L, %L)', a.account, a.accelerator, a.region, a.at, 'bf16');
	END LOOP;
END
$$;
-- @run 20 look-ups
DO $$
DECLARE
	a record;
BEGIN
	FOR a IN SELECT * FROM asked, generate_series(1, 20) AS i LOOP
		EXECUTE format('SELECT * FROM compute_ledger.price WHERE id = %s', a.n * 400 + a.i);
	END LOOP;
END
$$;
-- @ratio explain_price / 20 look-ups <= 1.0

-- Of one key with 30,000 prices, the table analyzed: at most a millisecond each.
-- @case explain-spot: explain_price, one of 30,000 spot prices of one key
-- @run spot
DO $$
DECLARE
	a record;
BEGIN
	FOR a IN SELECT * FROM asked WHERE n % 4 = 0 ORDER BY n LIMIT 50 LOOP
		EXECUTE format('SELECT * FROM compute_ledger.explain_price(%L, %L, %L, %L, %L)', a.account, a.accelerator, a.region, a.at, 'bf16');
	END LOOP;
END
$$;
-- @speed spot >= 1000 per 50

-- For rating: 20,000 combinations of account, chip and region at once.
-- @case winning-prices: _winning_prices, 20,000 combinations over a month
-- @run combinations
SELECT count(w.price) FROM (SELECT array_agg(a.id) AS accounts, array_agg(c.accelerator) AS chips, array_agg(p.region) AS regions, array_agg(NULL::text) AS formats, array_agg('allocated'::text) AS measures, array_agg('USD'::text) AS currencies
	FROM account AS a, chip AS c, place AS p WHERE a.id <= 500 AND p.n = (a.id * 7 + c.n) % 40 + 1) AS x,
	_winning_prices('sale', ledger_watermark(), accounts, chips, regions, formats, measures, currencies, '[2026-02-01,2026-03-01)') AS w;
-- @speed combinations >= 10000 per 20000
-- @case winning-spot: _winning_prices, one combination with 30,000 spot prices
-- @run spot
SELECT count(w.price) FROM chip AS c, place AS p, _winning_prices('sale', ledger_watermark(), NULL, c.accelerator, p.region, 'bf16', 'allocated', 'USD', '[2026-01-01,2026-02-01)') AS w WHERE c.n = 1 AND p.n = 1;
-- @speed spot >= 100000 per 30000

-- @case tier-cost: _tier_cost, 1 million quantities
-- @run flat
SELECT sum(_tier_cost('flat', 2.5, NULL, NULL, NULL, NULL, 0, q0, q1)) FROM quantity;
-- @run graduated
SELECT sum(_tier_cost('graduated', NULL, '{1000,10000}', '{2,1.8,1.5}', NULL, NULL, 0, q0, q1)) FROM quantity;
-- @run numeric
SELECT sum((q1 - q0) * 2.5) FROM quantity;
-- @speed flat >= 1000000 per {million}
-- @ratio graduated / flat
-- @ratio flat / numeric
