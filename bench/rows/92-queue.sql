-- A pass over 1,000, 10,000 and 100,000 requests of 100 accounts that wait for 50 pools, which are all busy for another hour: so
-- everything is planned, nothing is booked, and a pass can be made again.
-- @setup
SELECT create_ledger();
SELECT create_account('root', currency => 'USD'), create_region('net', 'provider');
SELECT count(create_account('root/' || n, parent => 'root')) FROM generate_series(1, 100) AS n;
SELECT count(create_region('net/' || n, 'region', 'net')) FROM generate_series(1, 25) AS n;
SELECT count(create_pool('net/' || n, chip::accelerator, granule => 8)) FROM generate_series(1, 25) AS n, unnest('{nvidia/h100-sxm5-80gb,nvidia/a100-sxm4-80gb}'::text[]) AS chip;
SELECT count(*) FROM pool AS p, offer_devices(p.id, 512, '[2026-01-01,)');
SELECT create_price('nvidia/h100', 'USD', 2), create_price('nvidia/a100', 'USD', 1);
SELECT count(*) FROM pool AS p, book('root', p.id, 512, '[2040-03-01 00:00Z,2040-03-01 01:00Z)', confirmed => true, now => '2040-03-01 00:00Z');
-- as submit_request() would
INSERT INTO request (account, asked, kind, devices, length, band, submitted)
SELECT a.id, q.asked, _kind_digest(a.id, _kind_of(q.asked)), (q.asked).devices, (q.asked).time_limit, 0, '2040-02-01 00:00Z'::timestamptz + n * interval '1 second'
FROM generate_series(1, {tenth}) AS n
CROSS JOIN LATERAL (SELECT 1 + floor(random() * 100 + n * 0)::integer AS account, 8 * (1 + floor(random() * 8)::integer) AS devices, (1 + floor(random() * 72)::integer) * interval '1 hour' AS length,
	(ARRAY['{nvidia/h100}', '{nvidia/a100}', '{nvidia/h100,nvidia/a100}'])[1 + floor(random() * 3)::integer]::accelerator[] AS chips) AS x
JOIN account AS a ON a.name = 'root/' || x.account
CROSS JOIN LATERAL (SELECT _check_request(placement_request(a.name, x.chips, x.devices, x.length)) AS asked) AS q;
CREATE FUNCTION waiting(n integer) RETURNS void LANGUAGE sql AS $$
	UPDATE compute_ledger.request SET state = CASE WHEN id <= n THEN 'queued' ELSE 'cancelled' END, pool = NULL, planned = NULL, first_planned = NULL, latest = NULL, turn = NULL, head = false
$$;
VACUUM (FREEZE, ANALYZE) account, account_version, pool, pool_offer, pool_reduction, pool_day, price, price_key, reservation, region, region_version, request;
-- so that it is known where requests of each kind may run
SELECT count(*) FROM schedule(now => '2040-03-01 00:00Z');

-- @case schedule: schedule over 50 pools, requests that have no plan yet: 1,000, 10,000, 100,000
-- @before 1/100 of them
SELECT waiting({tenth} / 100);
VACUUM request;
-- @before 1/10 of them
SELECT waiting({tenth} / 10);
VACUUM request;
-- @before all
SELECT waiting({tenth});
VACUUM request;
-- @run 1/100 of them
SELECT count(*) FROM schedule(now => '2040-03-01 00:00Z');
-- @run 1/10 of them
SELECT count(*) FROM schedule(now => '2040-03-01 00:00Z');
-- @run all
SELECT count(*) FROM schedule(now => '2040-03-01 00:00Z');
-- @ratio 1/10 of them / 1/100 of them <= 26.7; twice n log n
-- @ratio all / 1/100 of them <= 333; twice n log n
-- @speed 1/100 of them per 1000
-- @speed all per {tenth}; 5,000 hoped for

-- @case schedule-again: the same when they have been planned, and nothing has changed
-- @check all are planned, none before the hour is over, and never more than there are devices
SELECT (SELECT bool_and(planned IS NOT NULL AND lower(planned) >= '2040-03-01 01:00Z') FROM request)
	AND (SELECT max(level) <= 512 FROM (SELECT peak(device_profile(planned, devices)) AS level FROM request GROUP BY pool) AS p);
-- @run all
SELECT count(*) FROM schedule(now => '2040-03-01 00:00Z');
-- @speed all per {tenth}
