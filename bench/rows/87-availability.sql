-- What is free in 200 pools of 50 regions over 30 days, with 1,000 reservations of 24 hours in each, beside 20 x 200
-- look-ups of a row by its primary key in a function, and the same with 100 in each.
-- @setup
SELECT create_ledger();
SELECT create_account('a', currency => 'USD'), create_region('net', 'provider');
SELECT count(create_region('net/' || n, 'region', 'net')) FROM generate_series(1, 50) AS n;
SELECT count(create_pool('net/' || n, chip::accelerator, p)) FROM generate_series(1, 50) AS n, unnest('{nvidia/h100-sxm5-80gb,nvidia/a100-sxm4-80gb}'::text[]) AS chip, unnest('{a,b,c,d}'::text[]) AS p;
SELECT count(*) FROM pool AS p, offer_devices(p.id, 1000, '[2026-01-01,)');
INSERT INTO reservation (booking, booked, pool, account, guest, devices, period, occupies, since, state)
SELECT 1, now(), p.id, a.id, false, 1 + floor(random() * 8)::integer, tstzrange(s.at, s.at + interval '1 day'), tstzrange(s.at, s.at + interval '1 day'), s.at, 'confirmed'
FROM account AS a, pool AS p, generate_series(1, 1000) AS n, LATERAL (SELECT '2040-03-01 00:00+00'::timestamptz + (n * 0 + floor(random() * 29 * 24)) * interval '1 hour' AS at) AS s
WHERE a.name = 'a' AND n <= CASE WHEN p.accelerator <@ 'nvidia/h100' THEN 1000 ELSE 100 END;
INSERT INTO pool_day (pool, guests, day, base, peak, profile)
SELECT d.pool, false, d.day, d.base, d.base + coalesce(peak(d.profile), 0), d.profile
FROM (
	SELECT r.pool, d.day, coalesce(sum(r.devices) FILTER (WHERE d.period <@ r.occupies), 0) AS base,
		device_profile(r.occupies * d.period, r.devices) FILTER (WHERE NOT d.period <@ r.occupies) AS profile
	FROM reservation AS r
	JOIN (SELECT t::date AS day, tstzrange(t, t + interval '1 day') AS period FROM generate_series('2040-03-01 00:00+00'::timestamptz, '2040-03-31', '1 day') AS t) AS d ON d.period && r.occupies
	GROUP BY r.pool, d.day) AS d;
VACUUM (FREEZE, ANALYZE) pool, pool_offer, pool_reduction, pool_day, reservation, region, region_version;

-- @case availability: availability of 200 pools over 30 days, 1,000 reservations each
-- @check it is what the reservations leave
SELECT availability('net', 'nvidia/h100', '[2040-03-01,2040-03-31)') = device_profile('[2040-03-01,2040-03-31)', 200 * 1000)
	- (SELECT device_profile(r.occupies * '[2040-03-01,2040-03-31)'::tstzrange, r.devices) FROM reservation AS r JOIN pool AS p ON p.id = r.pool WHERE p.accelerator <@ 'nvidia/h100');
-- @run availability
DO $$
BEGIN
	FOR i IN 1 .. 10 LOOP
		PERFORM compute_ledger.availability('net', 'nvidia/h100', '[2040-03-01,2040-03-31)');
	END LOOP;
END
$$;
-- @run 20 x 200 look-ups
DO $$
DECLARE
	granule integer;
BEGIN
	FOR i IN 1 .. 10 * 20 * 200 LOOP
		SELECT p.granule INTO granule FROM compute_ledger.pool AS p WHERE p.id = i % 200 + 1;
	END LOOP;
END
$$;
-- @run 100 reservations each
DO $$
BEGIN
	FOR i IN 1 .. 10 LOOP
		PERFORM compute_ledger.availability('net', 'nvidia/a100', '[2040-03-01,2040-03-31)');
	END LOOP;
END
$$;
-- @ratio availability / 20 x 200 look-ups <= 1.0
-- @ratio availability / 100 reservations each
