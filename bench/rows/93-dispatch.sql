-- An agent asks for work, and there is none yet: of a pool with 100,000 bookings to come, and of one with as many that are
-- over and were never started, beside one with 100.
-- @setup
SELECT create_ledger();
SELECT create_account('a', currency => 'USD'), create_region('net', 'provider');
SELECT create_pool('net', 'nvidia/h100-sxm5-80gb', p) FROM unnest('{many,past,few}'::text[]) AS p;
-- as book() would, one after the other
INSERT INTO reservation (booking, booked, pool, account, guest, devices, period, occupies, since, state)
SELECT 1, now(), p.id, a.id, false, 4, s.period, s.period, lower(s.period), 'confirmed'
FROM account AS a, pool AS p, generate_series(1, 100000) AS n, LATERAL (SELECT tstzrange(t, t + interval '1 day') AS period FROM (SELECT '2040-03-01 00:00+00'::timestamptz + CASE p.partition WHEN 'past' THEN -1440 - n ELSE n END * interval '1 minute' AS t) AS t) AS s
WHERE a.name = 'a' AND n <= CASE p.partition WHEN 'few' THEN 100 ELSE 100000 END;
VACUUM (FREEZE, ANALYZE) account, account_version, pool, reservation, region, region_version;

-- @case take-work: take_work() with 100,000 bookings in the pool, to come or never started, 200 times
-- @check the first can be had when it begins, and not before
SELECT (SELECT count(*) = 0 FROM take_work('agent', 1000, pool => pool_id('net', 'nvidia/h100-sxm5-80gb', 'many'), now => '2040-03-01 00:00Z'))
	AND (SELECT count(*) FROM take_work('agent', 1000, '3 minutes', pool_id('net', 'nvidia/h100-sxm5-80gb', 'few'), '2040-03-01 00:00Z')) = 3;
-- @for run,pool in take_work,many take_work-past,past
-- @run {run}
DO $$
BEGIN
	FOR i IN 1 .. 200 LOOP
		PERFORM compute_ledger.take_work('agent', pool => compute_ledger.pool_id('net', 'nvidia/h100-sxm5-80gb', '{pool}'), now => '2040-03-01 00:00Z');
	END LOOP;
END
$$;
-- @end
-- @run 100 to come
DO $$
BEGIN
	FOR i IN 1 .. 200 LOOP
		PERFORM compute_ledger.take_work('agent', pool => compute_ledger.pool_id('net', 'nvidia/h100-sxm5-80gb', 'few'), now => '2040-03-01 00:00Z');
	END LOOP;
END
$$;
-- @ratio take_work / 100 to come <= 1.25; flat in what is to come
-- @ratio take_work-past / 100 to come <= 1.25; flat in what was never started
-- @speed take_work per 200; calls
