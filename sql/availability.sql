-- What is free: of a pool, and over regions and classes of chips; the calendar.
-- In a database of its own: what it prints has numbers of pools.
CREATE DATABASE regress_availability;
\c regress_availability
SET client_min_messages = warning;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
SELECT create_ledger() IS NOT NULL;
SELECT create_region('eu', 'country') IS NOT NULL, create_region('eu/a', parent => 'eu') IS NOT NULL, create_region('eu/b', parent => 'eu') IS NOT NULL, create_region('eu-x') IS NOT NULL;
SELECT create_account('a', currency => 'USD') IS NOT NULL, create_account('b', currency => 'USD') IS NOT NULL;
SELECT create_pool('eu/a', 'nvidia/h100-sxm5-80gb') AS p, create_pool('eu/b', 'nvidia/h100-pcie-80gb') AS q, create_pool('eu/b', 'nvidia/a100-sxm4-40gb') AS r,
	create_pool('eu/b', 'nvidia/a100-sxm4-40gb:1g.5gb') AS s, create_pool('eu-x', 'nvidia/h100-sxm5-80gb') AS x \gset
SELECT offer_devices(p, n, '[2083-01-01,2083-06-01)') FROM (VALUES (:p, 16), (:q, 8), (:r, 4), (:s, 14), (:x, 100)) AS v (p, n);
\set clock '''2083-02-28 12:00+00'''

-- A region is asked for with all under it, by elements of the path; a class with all in it.
SELECT c, g, availability(g, c::accelerator, '[2083-03-01,2083-03-02)', now => :clock)
FROM (VALUES ('eu', 'nvidia/h100'), ('eu', 'nvidia/h100-sxm5-80gb'), ('eu/b', 'nvidia'), ('eu', 'any'), ('eu', 'nvidia/a100-sxm4-40gb:1g.5gb'), ('eu-x', 'nvidia'), (NULL, 'nvidia'), ('eu', NULL), ('eu', 'amd')) AS v (g, c);
-- A hold is free again when it has run out, and not before; where more is booked than there is, nothing is free, and others' pools lose nothing.
SELECT count(*) FROM book('a', :p, 10, '[2083-03-01,2083-03-02)', hold => '10 min', now => :clock);
SELECT count(*) FROM book('a', :q, 8, '[2083-03-01,2083-03-02)', confirmed => true, now => :clock);
SELECT t, availability('eu', 'nvidia/h100', '[2083-03-01,2083-03-02)', now => t::timestamptz), pool_availability(:p, '[2083-03-01,2083-03-02)', now => t::timestamptz)
FROM unnest('{2083-02-28 12:09:59.9+00,2083-02-28 12:10+00}'::text[]) AS t;
SELECT record_outage(:q, 8, '[2083-02-28,2083-03-01 12:00)', now => :clock) IS NOT NULL;
SELECT availability('eu', 'nvidia/h100', '[2083-03-01,2083-03-02)', now => '2083-02-28 13:00+00'), pool_availability(:q, '[2083-03-01,2083-03-02)', now => '2083-02-28 13:00+00');
-- It is what the rows add up to: random bookings, of some hours, days and months.
SELECT setseed(0.25);
DO $$
BEGIN
	FOR i IN 1 .. 200 LOOP
		BEGIN
			PERFORM compute_ledger.book('b', 1 + floor(random() * 3)::bigint, 1 + floor(random() * 4)::bigint,
				tstzrange(s, s + interval '1 hour' * (1 + floor(exp(random() * 6.5)))), confirmed => random() < 0.5, hold => '1 day', now => '2083-02-28 12:00+00')
			FROM (SELECT '2083-03-01 00:00+00'::timestamptz + interval '1 hour' * floor(random() * 1500) AS s) AS r;
		EXCEPTION WHEN SQLSTATE 'LC020' THEN
			NULL;
		END;
	END LOOP;
END
$$;
SELECT count(*) > 50 FROM reservation;
SELECT p.id, t::date, pool_availability(p.id, '[2083-03-01,2083-05-15)', now => t) = (
	SELECT coalesce((SELECT device_profile(s.period, s.level) FROM steps(_pool_limit(p.id, '[2083-03-01,2083-05-15)', false)
		- coalesce((SELECT device_profile(r.occupies * '[2083-03-01,2083-05-15)'::tstzrange, r.devices) FROM reservation AS r
			WHERE r.pool = p.id AND NOT (r.state = 'held' AND r.held_until <= t)), '{}')) AS s WHERE s.level > 0), '{}'))
FROM pool AS p, unnest('{2083-02-28 13:00+00,2083-03-01 12:00+00}'::timestamptz[]) AS t WHERE p.id <= 3 ORDER BY 1, 2;
-- What pools have together is their sum.
SELECT availability('eu', NULL, '[2083-03-01,2083-05-15)', now => '2083-02-28 13:00+00') = sum(pool_availability(p, '[2083-03-01,2083-05-15)', now => '2083-02-28 13:00+00')) FROM unnest(ARRAY[:p, :q, :r]::bigint[]) AS p;
-- Together and one by one is the same, of more pools than are read at once: some with more booked than there is, some with holds
-- that have run out, some full, and over months that are booked as such.
SELECT count(create_region('many/' || n)) FROM generate_series(1, 10) AS n;
SELECT count(create_pool('many/' || n, 'nvidia/a100-sxm4-80gb', p::text)) FROM generate_series(1, 10) AS n, generate_series(1, 15) AS p;
SELECT count(*) FROM pool AS p, offer_devices(p.id, 8 * (p.id % 7), CASE p.id % 3 WHEN 0 THEN tstzrange('2083-03-05', '2083-04-10 12:00+00') ELSE '[2083-01-01,)' END) WHERE p.accelerator = 'nvidia/a100-sxm4-80gb';
DO $$
BEGIN
	FOR i IN 1 .. 1500 LOOP
		BEGIN
			PERFORM compute_ledger.book('b', p.id, 1 + floor(random() * 6)::bigint, tstzrange(s, s + interval '1 hour' * (1 + floor(exp(random() * 7.3)))),
				confirmed => random() < 0.5, hold => interval '1 hour' * (20 + i % 10), now => '2083-02-28 12:00+00')
			FROM (SELECT '2083-03-01 00:00+00'::timestamptz + interval '1 hour' * floor(random() * 1000) AS s) AS r,
				(SELECT p.id FROM compute_ledger.pool AS p WHERE p.accelerator OPERATOR(compute_ledger.=) 'nvidia/a100-sxm4-80gb' AND p.id % 5 <> 0 ORDER BY random() LIMIT 1) AS p;
		EXCEPTION WHEN SQLSTATE 'LC020' THEN
			NULL;
		END;
	END LOOP;
END
$$;
SELECT count(record_outage(p.id, 12, '[2083-02-28,2083-03-20)', now => '2083-02-28 13:00+00')) FROM pool AS p WHERE p.accelerator = 'nvidia/a100-sxm4-80gb' AND p.id % 4 = 0;
SELECT (SELECT count(*) > 600 FROM reservation), (SELECT count(*) > 20 FROM pool_month WHERE base > 0);
SELECT t::time, availability(NULL, 'nvidia/a100-sxm4-80gb', period, now => t) = sum(pool_availability(p.id, period, now => t)),
	availability(NULL, 'nvidia/a100-sxm4-80gb', period, now => t) = (SELECT sum(a.free) FROM _pools_available(array_agg(p.id) || array_agg(p.id) || NULL::bigint, period, t) AS a),
	bool_and(pool_availability(p.id, period, now => t) = (SELECT coalesce(device_profile(s.period, s.level), '{}') FROM steps(_pool_limit(p.id, period, false) - _book_level(p.id, false, period, t)) AS s WHERE s.level > 0))
FROM pool AS p, unnest('{2083-02-28 13:00+00,2083-03-01 12:00+00}'::timestamptz[]) AS t, unnest('{"[2083-03-01 05:30+00,2083-05-01 07:00+00)","[2083-03-10,2083-03-10 01:00+00)"}'::tstzrange[]) AS period
WHERE p.accelerator = 'nvidia/a100-sxm4-80gb' GROUP BY t, period ORDER BY t, period;
-- Numbers that nobody can have booked are refused where they come to too much, and never wrapped around.
BEGIN;
INSERT INTO pool_day (pool, guests, day, base, peak) VALUES (:x, false, '2083-03-01', 9223372036854775807, 9223372036854775807);
SELECT pool_availability(:x, '[2083-03-01,2083-03-02)');
ROLLBACK;
BEGIN;
SELECT create_pool('eu/b', 'nvidia/h100-nvl-94gb') AS y \gset
INSERT INTO pool_day (pool, guests, day, base) VALUES (:p, false, '2083-05-30', 5000000000000), (:q, false, '2083-05-30', 5000000000000), (:x, false, '2083-05-30', -5000000000000), (:y, false, '2083-05-30', -5000000000000);
SELECT availability(NULL, 'nvidia/h100', '[2083-05-30,2083-05-31)', now => '2083-03-02'), availability(NULL, 'nvidia/h100', '[2083-05-31,2083-06-01)', now => '2083-03-02');
ROLLBACK;

-- ------------------------------------------------------------------ the calendar

SELECT count(*), min(day) = (now() AT TIME ZONE 'UTC')::date, max(day) - min(day) FROM booking_calendar;
SELECT offer_devices(:p, 61, tstzrange(now(), NULL)), offer_devices(:x, 10, tstzrange(now(), NULL));
UPDATE pool SET granule = 8 WHERE id = :x;
SELECT count(*) FROM book('a', :p, 5, tstzrange(date_trunc('day', now(), 'UTC') + interval '2 days', date_trunc('day', now(), 'UTC') + interval '60 hours'), confirmed => true);
SELECT count(*) FROM plan_maintenance(:p, 7, tstzrange(date_trunc('day', now(), 'UTC') + interval '66 hours', date_trunc('day', now(), 'UTC') + interval '72 hours'));
SELECT pool = :p AS p, day - (now() AT TIME ZONE 'UTC')::date AS day, offered, bookable, booked, free, doubted FROM booking_calendar
WHERE pool IN (:p, :x) AND day - (now() AT TIME ZONE 'UTC')::date IN (1, 2, 3) ORDER BY pool, day;

-- ------------------------------------------------------------------ who may ask

CREATE ROLE regress_availability;
SELECT pool_availability(:p, '[2083-03-01,2083-03-02)') IS NOT NULL;
SET ROLE regress_availability;
SELECT availability('eu', 'nvidia/h100', '[2083-03-01,2083-03-02)');
SELECT count(*) FROM booking_calendar;
RESET ROLE;
SELECT grant_access('regress_availability', 'booker', 'a');
SET ROLE regress_availability;
SELECT availability('eu', 'nvidia/h100', '[2083-03-01,2083-03-02)') IS NOT NULL, pool_availability(:p, '[2083-03-01,2083-03-02)') IS NOT NULL;
SELECT count(*) > 0 FROM booking_calendar;
SELECT pool, granule, hold FROM pool_terms WHERE pool = :x;
SELECT availability('eu', 'nvidia/h100', '[2083-03-01,2083-03-02)', now => :clock);
RESET ROLE;
SELECT revoke_access('regress_availability', 'booker', 'a');
DROP ROLE regress_availability;

-- ------------------------------------------------------------------ what cannot be

SELECT availability('nowhere', 'nvidia/h100', '[2083-03-01,2083-03-02)');
SELECT availability('eu', 'nvidia/h100', NULL);
SELECT availability('eu', 'nvidia/h100', 'empty');
SELECT availability('eu', 'nvidia/h100', '[2083-03-01,)');
SELECT availability('eu', 'nvidia/h100', '(,2083-03-01)');
SELECT availability('eu', 'nvidia/h100', '[2083-03-01,infinity)');
SELECT pool_availability(NULL, '[2083-03-01,2083-03-02)');
SELECT pool_availability(-1, '[2083-03-01,2083-03-02)');
SELECT pool_availability(:p, '[2083-03-01,2083-03-02)', 'infinity');
SELECT pool_availability(:p, '[0001-01-03,9999-03-02)') IS NOT NULL;
SELECT pool_availability(:p, '[4714-11-24 00:00Z BC,2083-03-02)');
SELECT pool_availability(:p, '[2083-03-02,290000-03-02)');
\c contrib_regression
DROP DATABASE regress_availability;
