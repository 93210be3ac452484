\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

SELECT count(*) > 0 AS given FROM inventory AS i CROSS JOIN stretch AS s
WHERE region_id(i.region) IS NOT NULL AND model(i.accelerator) IS NOT NULL AND i.devices BETWEEN 1 AND 1000000000 AND NOT isempty(s.period) \gset pools_
\echo '== 12. What can be booked, and what was refused'
\echo
\if :pools_given
\echo 'Had the largest jobs been booked beforehand: a pool for each chip of a region, of which the'
\echo 'centre offers two fifths; the rest stays for those who queue. A pool takes bookings up to what it'
\echo 'offers at every instant, and no further.'
\echo
\set ECHO queries
CREATE TABLE offered AS
SELECT i.region, i.accelerator, floor(i.devices * 0.4)::bigint AS devices, s.period,
       coalesce(pool_id(i.region, i.accelerator), create_pool(i.region, i.accelerator)) AS pool
FROM inventory AS i, stretch AS s
WHERE region_id(i.region) IS NOT NULL AND model(i.accelerator) IS NOT NULL
  AND i.devices BETWEEN 1 AND 1000000000;
\echo

SELECT count(*) AS drained
FROM offered AS o, offer_devices(o.pool, o.devices, o.period, now => lower(o.period));
\echo
\set ECHO none
\echo 'Rules of the operator''s own, with the clause that each stands on. (Ready-made ones ship with the'
\echo 'extension: load_policy(). What they say is policy, and no legal advice.)'
\echo
\set ECHO queries
SELECT create_policy('house rules'),
       create_access_rule('domestic chips', 'house rules', 'deny',
                          'grant 12, section 4: domestic chips only', flags => '{publicly-funded}',
                          accelerators => '{nvidia,amd,intel}'),
       create_access_rule('data stays', 'house rules', 'deny',
                          'contract, annex B: finance data stays in Shanghai',
                          flags => '{finance-data}',
                          regions_not => (SELECT array_agg(name) FROM region
                                          WHERE name = 'shanghai'));
\echo

SELECT a.name AS account, f.flag, set_flag(a.name, f.flag) AS set
FROM account AS a
JOIN (VALUES ('^campus-', 'publicly-funded', true),
             ('-finance$', 'finance-data', region_id('shanghai') IS NOT NULL))
         AS f (form, flag, ours)
  ON a.name ~ f.form AND f.ours
ORDER BY 1;
\set ECHO none
\echo 'The bookings: the 300 jobs with most card-hours, whole cards for whole hours, each asked for a day'
\echo 'ahead, or on the first day. They are held: what is confirmed becomes usage, and is billed. What is'
\echo 'refused says why.'
\echo
\set ECHO queries
CREATE TABLE asked AS
SELECT row_number() OVER (ORDER BY at, source_id COLLATE "C", source COLLATE "C") AS id, j.*,
       NULL::bigint AS reservation, NULL::text AS code, NULL::text AS refusal, NULL::text AS clause
FROM (SELECT u.source, u.source_id, u.account, o.pool, ceil(u.cards)::bigint AS devices,
             tstzrange(date_trunc('hour', lower(u.period)),
                       date_trunc('hour', upper(u.period) - interval '1 us')
                       + interval '1 hour') AS hours,
             greatest(lower(u.period) - interval '1 day', lower(o.period)) AS at
      FROM usage AS u
      CROSS JOIN LATERAL (SELECT * FROM offered AS f
                          WHERE f.region = u.region AND f.accelerator @> u.accelerator
                          ORDER BY specificity(f.accelerator) DESC LIMIT 1) AS o
      WHERE u.account IS NOT NULL AND u.cards >= 1
      ORDER BY u.cards * (upper(u.period) - lower(u.period)) DESC,
               u.source_id COLLATE "C", u.source COLLATE "C" LIMIT 300) AS j;
\echo

DO $$
DECLARE
    a demo.asked;
    detail text;
BEGIN
    FOR a IN SELECT * FROM demo.asked ORDER BY id LOOP
        BEGIN
            UPDATE demo.asked AS t SET reservation = b.reservation
            FROM compute_ledger.book(a.account, a.pool, a.devices, a.hours, hold => '60 days',
                                     now => a.at) AS b
            WHERE t.id = a.id;
        EXCEPTION WHEN SQLSTATE 'LC020' OR SQLSTATE 'LC026' OR SQLSTATE '22023' THEN
            GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
            UPDATE demo.asked AS t
            SET code = SQLSTATE, refusal = SQLERRM, clause = substring(detail FROM 'Clause: (.*?);')
            WHERE t.id = a.id;
        END;
    END LOOP;
END $$;
\echo

SELECT coalesce(code, 'booked') AS answer,
       CASE code WHEN 'LC020' THEN 'no capacity' ELSE clause END AS because,
       count(*) AS requests, count(DISTINCT account) AS accounts,
       sum(devices * extract(epoch FROM upper(hours) - lower(hours)) / 3600)::bigint AS "card-hours"
FROM asked GROUP BY 1, 2 ORDER BY count(code) > 0, 1, 2;

SELECT account, refusal
FROM (SELECT DISTINCT ON (code, clause) id, account, refusal FROM asked
      WHERE code IS NOT NULL ORDER BY code, clause, id) AS r
ORDER BY id;
\set ECHO none
\echo 'How full each centre is: what is booked of what it offers, on average and at the busiest instant,'
\echo 'and what was asked for and not booked, in card-hours. availability() says what is free.'
\echo
\set ECHO queries
SELECT o.region, o.offered,
       round(100 - 100 * average(availability(o.region, NULL, o.period, lower(o.period)), o.period)
                   / o.offered, 1) AS "booked %",
       round(100 * peak(b.booked) / o.offered, 1) AS "at most %", b.refused
FROM (SELECT region, period, sum(devices) AS offered FROM offered GROUP BY 1, 2) AS o
LEFT JOIN (SELECT f.region,
                  device_profile(a.hours, a.devices) FILTER (WHERE a.code IS NULL) AS booked,
                  sum(a.devices * extract(epoch FROM upper(a.hours) - lower(a.hours)) / 3600)
                      FILTER (WHERE a.code IS NOT NULL)::bigint AS refused
           FROM asked AS a JOIN offered AS f USING (pool) GROUP BY 1) AS b USING (region)
ORDER BY 1;
\set ECHO none
\else
\echo 'No inventory was given (--capacity FILE), so nobody knows what there is to book.'
\echo
\endif
