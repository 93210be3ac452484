-- Offers over 200 pools of 50 regions, with 1,000 reservations of 24 hours in each: beside 1,000 selects of a row by its primary
-- key, each sent by the client, and the same over 200 others with 100 in each.  Prices differ from pool to pool.
-- @setup
SELECT create_ledger();
SELECT create_account('a', currency => 'USD'), create_region('net', 'provider');
SELECT count(create_region('net/' || n, 'region', 'net')) FROM generate_series(1, 50) AS n;
SELECT count(create_pool('net/' || n, chip::accelerator, p)) FROM generate_series(1, 50) AS n, unnest('{nvidia/h100-sxm5-80gb,nvidia/a100-sxm4-80gb}'::text[]) AS chip, unnest('{a,b,c,d}'::text[]) AS p;
SELECT count(create_pool('net/' || n, 'nvidia/h200')) FROM generate_series(1, 50) AS n;
SELECT count(*) FROM pool AS p, offer_devices(p.id, CASE WHEN p.accelerator <@ 'nvidia/a100' THEN 24 ELSE 176 END, '[2026-01-01,)');
SELECT count(create_price(chip, 'USD', round((2 + random())::numeric, 4), region => 'net/' || n)) FROM generate_series(1, 50) AS n, unnest('{nvidia/h100-sxm5-80gb,nvidia/a100-sxm4-80gb,nvidia/h200}'::text[]) AS chip;
-- 4 devices each: about 140 of 176 are booked, and 14 of 24
INSERT INTO reservation (booking, booked, pool, account, guest, devices, period, occupies, since, state)
SELECT 1, now(), p.id, a.id, false, 4, tstzrange(s.at, s.at + interval '1 day'), tstzrange(s.at, s.at + interval '1 day'), s.at, 'confirmed'
FROM account AS a, pool AS p, generate_series(1, 1000) AS n, LATERAL (SELECT '2040-03-01 00:00+00'::timestamptz + ((n * 7) % (29 * 24)) * interval '1 hour' AS at) AS s
WHERE a.name = 'a' AND n <= CASE WHEN p.accelerator <@ 'nvidia/h100' THEN 1000 WHEN p.accelerator <@ 'nvidia/a100' THEN 100 END;
INSERT INTO pool_day (pool, guests, day, base, peak, profile)
SELECT d.pool, false, d.day, d.base, d.base + coalesce(peak(d.profile), 0), d.profile
FROM (
	SELECT r.pool, d.day, coalesce(sum(r.devices) FILTER (WHERE d.period <@ r.occupies), 0) AS base,
		device_profile(r.occupies * d.period, r.devices) FILTER (WHERE NOT d.period <@ r.occupies) AS profile
	FROM reservation AS r
	JOIN (SELECT t::date AS day, tstzrange(t, t + interval '1 day') AS period FROM generate_series('2040-03-01 00:00+00'::timestamptz, '2040-03-31', '1 day') AS t) AS d ON d.period && r.occupies
	GROUP BY r.pool, d.day) AS d;
VACUUM (FREEZE, ANALYZE) account, account_version, pool, pool_offer, pool_reduction, pool_day, price, price_key, reservation, region, region_version;

-- @for name,days,now,wide,narrow in quote,0,01,8,8 quote-busy,26,05,40,12
-- @case {name}: quote over 200 pools with 1,000 reservations each, the devices free after {days} days, 5 times
-- @check every pool is offered or is out with a reason, and the first offer is the least dear
SELECT count(*) FILTER (WHERE rank IS NOT NULL) = 10 AND count(DISTINCT pool) + 10 = 450 AND bool_and(rank IS NOT NULL OR reason IS NOT NULL) AND min(objective) FILTER (WHERE rank = 1) = min(objective)
FROM quote(placement_request('a', '{nvidia/h100}', {wide}, '10 hours', delay_value => 0.1), now => '2040-03-{now} 00:00Z');
-- @check 1,000 reservations are in the way in each
SELECT bool_and(n = CASE WHEN p.accelerator <@ 'nvidia/h100' THEN 1000 ELSE 100 END) FROM (SELECT pool, count(*) AS n FROM reservation GROUP BY pool) AS r JOIN pool AS p ON p.id = r.pool;
-- @run quote
DO $$
BEGIN
	FOR i IN 1 .. 5 LOOP
		PERFORM compute_ledger.quote(compute_ledger.placement_request('a', '{nvidia/h100}', {wide}, '10 hours', delay_value => 0.1), now => '2040-03-{now} 00:00Z');
	END LOOP;
END
$$;
-- @run 100 reservations each
DO $$
BEGIN
	FOR i IN 1 .. 5 LOOP
		PERFORM compute_ledger.quote(compute_ledger.placement_request('a', '{nvidia/a100}', {narrow}, '10 hours', delay_value => 0.1), now => '2040-03-{now} 00:00Z');
	END LOOP;
END
$$;
-- @run 1,000 selects
SELECT format('SELECT granule FROM compute_ledger.pool WHERE id = %s', n % 450 + 1) FROM generate_series(1, 5 * 1000) AS n \gexec
-- @ratio quote / 1,000 selects <= 1.0
-- @ratio quote / 100 reservations each <= 1.25; flat in the reservations
-- @speed quote per 1000; pools
-- @end

-- 50 pools: the first offer, booked, by 8 clients at once, beside an UPDATE of a row by 8 clients at once.
-- @case reserve: reserve (screen, price, book) in 50 pools, 8 clients
-- @before reserve
VACUUM pool_day, pool_month, reservation, reservation_change;
-- @before UPDATE
CREATE TABLE IF NOT EXISTS counter AS SELECT n, 0 AS seen FROM generate_series(1, 1000) AS n;
CREATE UNIQUE INDEX IF NOT EXISTS counter_idx ON counter (n);
VACUUM (ANALYZE) counter;
-- @p95 reserve
\set d random(1, 20)
\set h random(1, 72)
SELECT reserve(placement_request('a', '{nvidia/h200}', :d, :h * interval '1 hour', delay_value => 0.1), now => '2040-03-01 00:00Z');
-- @p95 UPDATE
\set n random(1, 1000)
UPDATE counter SET seen = seen + 1 WHERE n = :n;
-- @ratio reserve / UPDATE <= 20; 95th percentiles
