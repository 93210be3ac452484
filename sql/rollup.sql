SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
\pset format unaligned
\pset tuples_only on

-- The aggregate under the rollups, without a ledger: records with a start, an end, a part of them, its zone, devices, rate, achieved work.
CREATE TEMP TABLE used (n int, started timestamptz, ended timestamptz, since timestamptz, until timestamptz, zone text, devices numeric, rate compute_rate, achieved compute_unit);
INSERT INTO used (n, started, ended, since, until, zone, devices, rate, achieved)
SELECT n, s, e, s, e, z, d, r::compute_rate, a::compute_unit FROM (VALUES
	-- midnight at half past
	(1, timestamptz '2026-03-01 17:30', timestamptz '2026-03-01 19:15', 'Asia/Kolkata', 8, '989.4 TFLOPS@bf16', '10 PFLOPh'),
	-- a seventh, whose work is rounded so that the parts add up
	(2, '2026-03-01 17:59:59.999999', '2026-03-01 19:00:00.000001', 'UTC', 1.0 / 7, '1 MFLOPS@bf16', NULL),
	(2, '2026-03-01 18:00', '2026-03-01 18:00:00.000003', 'UTC', 0.5, '1 MFLOPS@bf16', '7 FLOP@bf16'),
	-- the day on which clocks go forward, and the one on which they go back
	(3, '2026-03-28 12:00', '2026-03-30 12:00', 'Europe/Berlin', 1, NULL, NULL),
	(3, '2026-10-24 12:00', '2026-10-26 12:00', 'Europe/Berlin', 1, NULL, NULL),
	-- a day that there never was
	(4, '2011-12-29 12:00', '2011-12-31 12:00', 'Pacific/Apia', 1, NULL, NULL)) AS v (n, s, e, z, d, r, a);
-- a record that changes zone, in two parts
INSERT INTO used VALUES
	(5, '2026-03-01 17:00', '2026-03-01 18:00', '2026-03-01 17:00', '2026-03-01 17:20', 'Asia/Tokyo', 0.3, '3 MFLOPS@fp8', '1 FLOP'),
	(5, '2026-03-01 17:00', '2026-03-01 18:00', '2026-03-01 17:20', '2026-03-01 18:00', 'UTC', 0.3, '3 MFLOPS@fp8', '1 FLOP');
CREATE TEMP VIEW cells AS
SELECT u.n, c.* FROM (SELECT n, _usage_cells(started, ended, since, until, zone, devices, 1680000, rate, achieved, NULL, true) AS cells FROM used GROUP BY n) AS u, unnest(u.cells) AS c;
-- All of time is more hours than one group has.
SELECT _usage_cells('4713-01-01 BC', '294276-01-01', '4713-01-01 BC', '294276-01-01', 'UTC', 1, 1680000, NULL, NULL, NULL, true);
SELECT * FROM cells WHERE n IN (1, 2, 5) ORDER BY n, hour, day;
SELECT n, day, _cell_hours(sum(device_time)) AS hours, sum(started) AS started FROM cells WHERE n IN (3, 4) GROUP BY n, day ORDER BY n, day;
-- A slice: device time by its share, half to even once a record; work by what is counted. Without a share there is no device time.
SELECT u.n, CASE WHEN c.shared > 0 THEN _cell_hours(c.device_time) END AS device_hours, c.device_time, c.work, c.started
FROM (SELECT n, _usage_cells('2026-03-01 17:00', '2026-03-01 17:30', '2026-03-01 17:00', '2026-03-01 17:30', 'UTC', devices, share, '7 TFLOPS@bf16', NULL, NULL, true) AS cells
	FROM (VALUES (1, 7.0, 240000), (2, 0.00001875, 240000), (3, 0.00002291666666666666666667, 240000), (4, 7, NULL), (5, 7, NULL), (5, 14, 240000)) AS v (n, devices, share)
	GROUP BY n) AS u
CROSS JOIN LATERAL unnest(u.cells) AS c
ORDER BY u.n;
-- What goes on was done when it was recorded: before the first hour ends, at once, in the time up to now.
SELECT u.n, c.hour, c.achieved
FROM (SELECT n, _usage_cells('2026-03-01 17:30', 'infinity', '2026-03-01 17:30', '2026-03-01 18:30', 'UTC', 1, 1680000, NULL, '70 FLOP', recorded, true) AS cells
	FROM (VALUES (1, timestamptz '2026-03-01 17:45'), (2, '2026-03-01 17:29'), (3, '2026-03-01 18:40')) AS r (n, recorded)
	GROUP BY n) AS u
CROSS JOIN LATERAL unnest(u.cells) AS c
ORDER BY u.n, c.hour;
-- Sums are those of the records.
SELECT n, sum(device_time) = (SELECT sum((extract(epoch FROM u.until - u.since) * 1000000)::bigint * round(u.devices * 1680000)) FROM used AS u WHERE u.n = c.n) AS device_time,
	sum(work) = (SELECT sum(work(u.rate, tstzrange(u.started, u.ended), u.devices)) FROM used AS u WHERE u.n = c.n AND u.since = u.started) AS work,
	sum(achieved), sum(started)
FROM cells AS c GROUP BY n ORDER BY n;
-- NULLs, nothing, and what is refused.
SELECT _usage_cells(started, NULL, since, until, zone, devices, 1680000, rate, achieved, NULL, true) IS NULL, _usage_cells(started, ended, since, since, zone, devices, 1680000, rate, achieved, NULL, true) FROM used WHERE n = 1;
\set VERBOSITY sqlstate
SELECT _usage_cells(started, ended, since, until, zone, devices, 1680000, rate, achieved, NULL, true) FROM used;
SELECT _usage_cells(started, ended, since - interval '1 us', until, zone, devices, 1680000, rate, achieved, NULL, true) FROM used;
SELECT _usage_cells(started, 'infinity', since, 'infinity', zone, devices, 1680000, rate, achieved, NULL, true) FROM used;
SELECT _usage_cells(started, ended, since, until, 'Nowhere/City', devices, 1680000, rate, achieved, NULL, true) FROM used;
SELECT _usage_cells(started, ended, since, until, zone, 'NaN', 1680000, rate, achieved, NULL, true) FROM used;
SELECT _usage_cells(started, ended, since, until, zone, devices, 1680000, '2596 QFLOPS@bf16', achieved, NULL, true) FROM used;
\set VERBOSITY default
-- more than 119 years by the hour: of one record at once, of several when they come to so many
SELECT _usage_cells(at, at + length, at, at + length, 'UTC', 1, 1680000, NULL, NULL, NULL, true)
FROM (VALUES (timestamptz '1900-01-01 00:00Z', interval '1048577 hours')) AS r (at, length);
SELECT cardinality(_usage_cells(at, at + length, at, at + length, 'UTC', 1, 1680000, NULL, NULL, NULL, true))
FROM (VALUES (timestamptz '1900-01-01 00:00Z', interval '700000 hours'), ('2000-01-01 00:00Z', '348576 hours'), ('2100-01-01 00:00Z', '1 hour')) AS r (at, length);

-- In parallel it is the same.
CREATE TABLE rollup_parallel AS
SELECT n % 5 AS k, timestamptz '2026-01-01' + n * interval '17.000001 min' AS started, timestamptz '2026-01-01' + n * interval '19.5 min' AS ended, (n % 9 + 1)::numeric / 8 AS devices
FROM generate_series(1, 20000) AS n;
ANALYZE rollup_parallel;
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE alone AS
SELECT k, _usage_cells(started, ended, started, ended, 'Asia/Kathmandu', devices, 1680000, '1.000001 TFLOPS@bf16', '1 PFLOP', NULL, true) AS cells FROM rollup_parallel GROUP BY k;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*), bool_and(a.cells::text = p.cells::text) FROM alone AS a
JOIN (SELECT k, _usage_cells(started, ended, started, ended, 'Asia/Kathmandu', devices, 1680000, '1.000001 TFLOPS@bf16', '1 PFLOP', NULL, true) AS cells FROM rollup_parallel GROUP BY k) AS p USING (k);
DROP TABLE rollup_parallel;

-- Usage that goes on is, from a merger on, that of the account it was merged into, as in charges.
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SELECT create_ledger() >= 0 AS made;
SELECT create_account('merge', currency => 'USD') > 0 AS top;
SELECT count(create_account('merge/' || n, parent => 'merge', time_zone => CASE n WHEN 'c' THEN 'Asia/Shanghai' END)) FROM unnest('{a,b,c}'::text[]) AS n;
SELECT create_region('merge-r', 'provider') > 0 AS r;
INSERT INTO price (book, accelerator, currency, price) VALUES ('merge', 'any', 'USD', 1);
SELECT record_usage('merge', '1', 'merge/a', 'merge-r', 'L4', 1, '2026-03-02Z', '2026-03-06Z') > 0 AS one, record_usage('merge', '2', 'merge/b', 'merge-r', 'L4', 2, '2026-03-02Z', '2026-03-03Z') > 0 AS two;
SELECT merge_account('merge/a', 'merge/b', '2026-03-03Z');
SELECT merge_account('merge/b', 'merge/c', '2026-03-04 06:00Z');
-- A time before all others is none.
DO $$ BEGIN PERFORM refresh_rollups('-infinity'); EXCEPTION WHEN invalid_parameter_value THEN RAISE WARNING '%', SQLERRM; END $$;
SELECT refresh_rollups(concurrent => false) IS NOT NULL AS refreshed;
SELECT account_name, day, device_hours FROM usage_daily WHERE account_name LIKE 'merge/%' ORDER BY 1, 2;
SELECT a.name, r.day, trim_scale(sum(r.quantity)) FROM rate_usage('merge', '[2026-03-01,2026-04-01)', NULL, 'merge') AS r JOIN account AS a ON a.id = r.account GROUP BY 1, 2 ORDER BY 1, 2;
SELECT check_name, detail FROM _check_rollups();

-- What an account has moves by the hour where all of it goes one way: records are read only for the hours of which a part does, for what
-- another account keeps, and where days begin within hours.
CREATE FUNCTION moved() RETURNS TABLE (records text, owner text, to_owner text, to_payer text, time_zone text, since timestamptz, until timestamptz) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM _change_rollup_zones(s.as_of, _ledger_watermark()) FROM rollup_state AS s;
	RETURN QUERY
	SELECT a.name, o.name, n.name, p.name, m.time_zone, m.since, m.until
	FROM rollup_state AS s CROSS JOIN LATERAL unnest(_usage_moves(s.as_of)) AS m
	LEFT JOIN account AS a ON a.id = m.account LEFT JOIN account AS o ON o.id = m.owner LEFT JOIN account AS n ON n.id = m.to_owner LEFT JOIN account AS p ON p.id = m.to_payer
	ORDER BY 1, 2, 6;
	PERFORM refresh_rollups();
END $$;
SELECT record_usage('merge', '3', 'merge', 'merge-r', 'L4', 1, '2026-03-02Z', '2026-03-04Z') > 0 AS three;
SELECT count(create_account('to/' || n, time_zone => n, currency => 'USD')) FROM unnest('{UTC,Asia/Kolkata}'::text[]) AS n;
SELECT refresh_rollups() IS NOT NULL AS refreshed;
-- another payer and other days for some
SELECT change_account('merge/b', '2026-03-01Z', time_zone => 'Asia/Tokyo');
SELECT * FROM moved();
-- all that c has, of three accounts, from within an hour on
SELECT merge_account('merge/c', 'to/UTC', '2026-03-05 12:34Z');
SELECT * FROM moved();
-- and only some of what it has
DELETE FROM account_merge WHERE account = account_id('merge/b', '2026-03-01Z') AND upper_inf(recorded);
SELECT * FROM moved();
-- India's days begin within hours
SELECT merge_account('merge', 'to/Asia/Kolkata', '2026-03-01Z');
SELECT * FROM moved();
SELECT account_name, min(day), max(day), sum(device_hours) FROM usage_daily WHERE account_name ~ '^(merge|to/)' GROUP BY 1 ORDER BY 1;
SELECT check_name, detail FROM _check_rollups();
