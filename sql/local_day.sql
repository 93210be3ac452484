-- Local days, of charges, rollups, billing periods and buckets: what (instant AT TIME ZONE zone)::date says, though the midnight comes twice.
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SELECT create_ledger() >= 0 AS made;
-- Havana's clock goes from 01:00 to 00:00, and so does that of the Azores; Lord Howe's from 02:00 to 01:30
SELECT _local_start('2024-11-03', 'America/Havana') AS havana, _local_start('2024-10-27', 'Atlantic/Azores') AS azores, _local_start('2024-11-03 00:30', 'America/Havana') AS the_second,
	_local_start('2024-03-10', 'America/Havana') AS skipped, _local_start('2024-03-10 02:30', 'America/New_York') AS skipped_too, _local_start('2011-12-30 12:00', 'Pacific/Apia') AS a_day;
-- the day before is the one before, everywhere; but where a clock went back past midnight
SELECT count(*) AS days, count(*) FILTER (WHERE (s.at AT TIME ZONE z.name)::date < d::date) AS early,
	string_agg(DISTINCT z.name, ',' ORDER BY z.name) FILTER (WHERE ((s.at - interval '1 us') AT TIME ZONE z.name)::date >= d::date) AS late
FROM unnest('{UTC,Europe/Berlin,America/New_York,America/Havana,Atlantic/Azores,America/Sao_Paulo,America/Santiago,America/Asuncion,Asia/Amman,Asia/Beirut,Asia/Tehran,Asia/Gaza,Africa/Cairo,Australia/Lord_Howe,Asia/Kathmandu,America/St_Johns}'::text[]) AS z (name),
	generate_series(timestamp '2000-01-01', '2030-01-01', '1 day') AS d, LATERAL (SELECT _local_start(d, z.name)) AS s (at);

SELECT create_account('day', currency => 'USD') > 0 AS a, create_account('day/h', parent => 'day', time_zone => 'America/Havana') > 0 AS h, create_account('day/z', parent => 'day', time_zone => 'Atlantic/Azores') > 0 AS z, create_region('day-r', 'provider') > 0 AS r;
INSERT INTO price (book, accelerator, currency, price) VALUES ('day', 'nvidia/l4', 'USD', 1);
SELECT record_usage('day', 'h', 'day/h', 'day-r', 'L4', 1, '2024-11-03 04:00Z', '2024-11-03 06:00Z') > 0 AS h,
	record_usage('day', 'z', 'day/z', 'day-r', 'L4', 2, '2024-10-26 12:00Z', '2024-10-28 12:00Z') > 0 AS z;
SELECT a.name, r.day, r.period, trim_scale(r.quantity) AS quantity FROM rate_usage('day', '[2024-10-01,2024-12-01)', NULL, 'day') AS r JOIN account AS a ON a.id = r.account ORDER BY 1, 2;
SELECT refresh_rollups(concurrent => false) IS NOT NULL AS refreshed;
SELECT account_name, day, device_hours FROM usage_daily WHERE account_name LIKE 'day/%' ORDER BY 1, 2;
-- every quarter of an hour is in the charge of its day
SELECT count(*) FROM rate_usage('day', '[2024-10-01,2024-12-01)', NULL, 'day') AS r JOIN account AS a ON a.id = r.account,
	generate_series(lower(r.period), upper(r.period) - interval '15 minutes', '15 minutes') AS t
WHERE r.day <> (t AT TIME ZONE CASE a.name WHEN 'day/h' THEN 'America/Havana' ELSE 'Atlantic/Azores' END)::date;
-- billing periods: a calendar month, and days
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('day-months', '2020-01-01', 'America/Havana', '1 month'), ('day-days', '2020-10-24', 'Atlantic/Azores', '1 day');
SELECT c.name, p.starts_at, p.ends_at FROM billing_period AS p JOIN billing_calendar AS c ON c.id = p.calendar
WHERE c.name = 'day-months' AND p.number IN (9, 10) OR c.name = 'day-days' AND p.number < 3 ORDER BY 1, 2;
SELECT change_billing_calendar('day-months', 10, anchor => '2020-11-01');
-- buckets of a profile, of days and months
SELECT period, amount FROM buckets(device_profile_accum('{}', '[2020-10-31 12:00Z,2020-11-02 12:00Z)', 1), '1 day', 'America/Havana');
SELECT period, amount FROM buckets(device_profile_accum('{}', '[2020-10-15Z,2020-11-15Z)', 1), '1 month', 'America/Havana');
-- an hour that the clock shows half of again is two
SELECT period, amount FROM buckets(device_profile_accum('{}', '[2020-04-04 13:00Z,2020-04-04 17:00Z)', 1), '1 hour', 'Australia/Lord_Howe');
SELECT period, amount FROM buckets(device_profile_accum('{}', '[2020-11-01 04:00Z,2020-11-01 09:00Z)', 1), '2 hours', 'America/New_York');
