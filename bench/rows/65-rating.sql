-- Rating a month: usage records of 1,000 accounts, 200 of which are billed, 40 chips, 8 regions; an account uses three
-- chips in one or two regions.  320 list prices (a chip in a region) and 100 contracts, all of three graduated tiers.
-- Beside it what one writes by hand who has put an integer price id and the hours into every row beforehand: the same
-- rows with two more columns, one price a row, no tiers, no days, no time that a price is valid.
-- @setup
SELECT create_ledger();
DO $$
BEGIN
	FOR c IN 1 .. 200 LOOP
		PERFORM create_account('customer ' || c, currency => 'USD');
		FOR a IN 1 .. 4 LOOP
			PERFORM create_account('customer ' || c || ' team ' || a, parent => 'customer ' || c);
		END LOOP;
	END LOOP;
	FOR r IN 1 .. 8 LOOP
		PERFORM create_region('bench-' || r);
	END LOOP;
	PERFORM generate_billing_periods(NULL, '2026-03-01'), _make_usage_partition('2026-01-01');
END
$$;
CREATE TABLE chip AS
SELECT (row_number() OVER (ORDER BY accelerator))::integer AS n, accelerator, rate
FROM (SELECT DISTINCT ON (accelerator) accelerator, rate FROM accelerator_peak WHERE number_format IN ('bf16', 'fp16') ORDER BY accelerator, number_format) AS x LIMIT 40;
INSERT INTO price (accelerator, region, currency, model, tier_bounds, tier_prices)
SELECT c.accelerator, r.id, 'USD', 'graduated', ARRAY[2000, 20000], ARRAY[2 + c.n * 0.01, 1.8 + c.n * 0.01, 1.5 + r.id % 10 * 0.01]
FROM chip AS c, region AS r WHERE r.name LIKE 'bench-%';
INSERT INTO price (account, accelerator, currency, model, tier_bounds, tier_prices)
SELECT a.id, c.accelerator, 'USD', 'graduated', ARRAY[1000, 10000], ARRAY[1.9, 1.7, 1.4]
FROM account AS a JOIN chip AS c ON c.n = a.id % 40 + 1 WHERE a.name ~ '^customer \d+0?$' AND a.id % 2 = 0 LIMIT 100;
INSERT INTO _usage_record (account, started_at, ended_at, batch, kind, revision, devices, source_id, account_name, run)
SELECT a.id, s.at, s.at + interval '1 second' * (60 + floor(-10800 * ln(1 - random()))), 1,
	_usage_kind('slurm', r.id, r.name, c.accelerator, c.accelerator::text, 1680000, c.rate, NULL, basis_code(c.rate), 'allocated', 'bf16'), 0,
	(ARRAY[1, 1, 2, 4, 8, 8])[1 + floor(random() * 6)::integer], 'job ' || i, a.name, 'run ' || i % 1000
FROM (SELECT i, floor(random() * 1000)::integer AS account, floor(random() * 3)::integer AS chip, floor(random() * 2)::integer AS region,
		timestamptz '2026-01-01' + interval '1 microsecond' * floor(random() * 30.9 * 86400000000) AS at
	FROM generate_series(1, {rows}) AS i) AS s
JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS n, id, name FROM account) AS a ON a.n = s.account
JOIN chip AS c ON c.n = (s.account * 7 + s.chip * 11) % 40 + 1
JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS n, id, name FROM region WHERE name LIKE 'bench-%') AS r ON r.n = (s.account + s.region * (s.account % 2)) % 8;
-- the fee of hand-made rating: price and hours are in the row
CREATE TABLE usage_by_hand AS
SELECT u.*, p.n AS price, round((extract(epoch FROM u.ended_at - u.started_at) / 3600)::numeric * u.devices, 6) AS hours
FROM usage_record AS u JOIN (SELECT row_number() OVER (ORDER BY c.accelerator, r.id)::integer AS n, c.accelerator, r.id FROM chip AS c, region AS r WHERE r.name LIKE 'bench-%') AS p
	ON p.accelerator = u.accelerator AND p.id = u.region;
CREATE TABLE price_by_hand AS
SELECT row_number() OVER (ORDER BY c.accelerator, r.id)::integer AS id, 2 + c.n * 0.01 AS price FROM chip AS c, region AS r WHERE r.name LIKE 'bench-%';
ALTER TABLE price_by_hand ADD PRIMARY KEY (id);
-- Spot prices: one every 80 seconds of February, 30,000 charges of 300,000 records of one account; beside it one price for all of the month.
SELECT create_account('spot', currency => 'USD'), create_region('spot'), _make_usage_partition('2026-02-01');
INSERT INTO _usage_record (account, started_at, ended_at, batch, kind, revision, devices, source_id, account_name)
SELECT account_id('spot'), at, at + interval '1 second' * (60 + random() * 7200), 1,
	_usage_kind('spot', region_id('spot'), 'spot', 'nvidia/h100-sxm5-80gb', 'h100', 1680000, '989.4 TFLOPS@bf16', NULL, 5, 'allocated', 'bf16'), 0, 1 + i % 8, 'job ' || i, 'spot'
FROM (SELECT i, timestamptz '2026-02-01' + random() * interval '27.9 days' AS at FROM generate_series(1, 300000) AS i) AS x;
INSERT INTO price (book, accelerator, currency, price) VALUES ('one', 'nvidia/h100', 'USD', 2), ('spot', 'nvidia/h100', 'USD', 2);
INSERT INTO price (book, accelerator, region, currency, price, valid)
SELECT 'spot', 'nvidia/h100-sxm5-80gb', region_id('spot'), 'USD', 1 + (i % 100) * 0.01, tstzrange(t, t + interval '80 s')
FROM generate_series(0, 29999) AS i, LATERAL (SELECT timestamptz '2026-02-01' + i * interval '80 s') AS x (t);
VACUUM (FREEZE, ANALYZE) usage_record_2026_01, usage_record_2026_02, usage_by_hand, price_by_hand, price, price_key, account_version, region_version;
ANALYZE _usage_record;
SELECT sum(pg_prewarm(t)) FROM unnest(ARRAY['usage_record_2026_01', 'usage_by_hand']::regclass[]) AS t;

-- @case rate-month: rate a month
-- @check every device-microsecond is charged
SELECT (SELECT sum(amount) FROM rate_usage(NULL, '[2026-01-01,2026-03-01)'))
	= (SELECT sum(extract(epoch FROM ended_at - started_at) * devices) * 1680000 * 1000000 FROM usage_record);
-- @check nothing is without a price, and the tiers add up to the cost
SELECT bool_and(cost IS NOT NULL) AND sum(cost) = sum((SELECT sum((t->>'cost')::numeric) FROM jsonb_array_elements(tiers) AS t))
FROM rate_usage(NULL, '[2026-01-01,2026-02-01)') WHERE kind = 'usage';
-- @run rate_usage
SELECT count(*), sum(cost) FROM rate_usage(NULL, '[2026-01-01,2026-02-01)');
-- @run by hand
SELECT count(*), sum(cost) FROM (SELECT u.account, u.price, sum(u.hours * p.price) AS cost FROM usage_by_hand AS u JOIN price_by_hand AS p ON p.id = u.price GROUP BY u.account, u.price) AS x;
-- @ratio rate_usage / by hand <= 1.5

-- @case rate-spot: rate 300,000 records under 30,000 spot prices
-- @check every spot price is charged
SELECT count(DISTINCT price) = 30000 FROM rate_usage('spot', '[2026-02-01,2026-03-01)', NULL, 'spot') WHERE list_price IS NOT NULL AND price <> (SELECT id FROM price WHERE book = 'spot' AND region IS NULL);
-- @run spot prices
SELECT count(*), sum(cost) FROM rate_usage('spot', '[2026-02-01,2026-03-01)', NULL, 'spot');
-- @run one price
SELECT count(*), sum(cost) FROM rate_usage('spot', '[2026-02-01,2026-03-01)', NULL, 'one');
-- @ratio spot prices / one price
