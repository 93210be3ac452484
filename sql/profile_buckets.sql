-- Buckets: hours, days and months of a time zone.
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
\pset format unaligned
\pset tuples_only on

CREATE FUNCTION one(text, text) RETURNS device_profile LANGUAGE sql AS
	'SELECT device_profile($1::timestamptz, $2::timestamptz, 1)';

-- UTC.
SELECT * FROM buckets(one('2026-01-01 22:30', '2026-01-02 01:00:00.000001'), '1 hour');
SELECT * FROM buckets(one('2026-01-31 12:00', '2026-03-01'), '1 month');
SELECT * FROM buckets(one('2026-01-31 12:00', '2026-05-01'), '3 months');
SELECT * FROM buckets(one('2026-01-01', '2026-01-13'), '7 days');
SELECT * FROM buckets(one('2024-02-29', '2027-01-01'), '1 year');
SELECT count(*) FROM buckets('{}'::device_profile, '1 hour');

-- Days of 23 and 25 hours, and of none: Apia left 30 December 2011 out.
SELECT * FROM buckets(one('2026-03-07', '2026-03-10'), '1 day', 'America/New_York');
SELECT * FROM buckets(one('2026-10-31 12:00', '2026-11-03'), '1 day', 'America/New_York');
SELECT * FROM buckets(one('2011-12-28 10:00', '2012-01-01'), '1 day', 'Pacific/Apia');
SELECT * FROM buckets(one('2026-03-15', '2026-04-15'), '1 month', 'Europe/Berlin');

-- Hours by the clock: all of one length where clocks change by whole hours ...
SELECT count(*), min(upper(period) - lower(period)), max(upper(period) - lower(period)), sum(amount) FROM buckets(one('2026-01-01', '2027-01-01'), '1 hour', 'America/New_York');
SELECT min(lower(period)), count(*), min(upper(period) - lower(period)), max(upper(period) - lower(period)) FROM buckets(one('2026-01-01', '2027-01-01'), '1 hour', 'Asia/Kathmandu');
-- ... but not where they change by half an hour: Lord Howe, 4 April and 3 October.
SELECT lower(period) AT TIME ZONE 'Australia/Lord_Howe', amount FROM buckets(one('2026-04-04 13:00', '2026-04-04 17:00'), '1 hour', 'Australia/Lord_Howe');
SELECT lower(period) AT TIME ZONE 'Australia/Lord_Howe', amount FROM buckets(one('2026-10-03 13:30', '2026-10-03 17:00'), '1 hour', 'Australia/Lord_Howe');
SELECT count(*), min(upper(period) - lower(period)), max(upper(period) - lower(period)) FROM buckets(one('2026-01-01', '2027-01-01'), '30 minutes', 'Australia/Lord_Howe');
-- ... nor where the width is longer than the change: six hours of a day.
SELECT lower(period) AT TIME ZONE 'America/New_York', amount FROM buckets(one('2026-03-08 05:00', '2026-03-09 04:00'), '6 hours', 'America/New_York');
SELECT lower(period) AT TIME ZONE 'America/New_York', amount FROM buckets(one('2026-11-01 04:00', '2026-11-02 05:00'), '6 hours', 'America/New_York');
SELECT lower(period) AT TIME ZONE 'Europe/Berlin', amount FROM buckets(one('2026-10-24 22:00', '2026-10-25 06:00'), '2 hours', 'Europe/Berlin');
SELECT lower(period) AT TIME ZONE 'America/New_York', amount FROM buckets(one('2026-03-08 05:00', '2026-03-08 10:00'), '2 hours', 'America/New_York');

-- Origins.
SELECT lower(period) FROM buckets(one('2026-01-01', '2026-01-02'), '12 hours', 'UTC', '2020-01-01 05:00');
SELECT lower(period) AT TIME ZONE 'Europe/Berlin' FROM buckets(one('2026-03-27 12:00', '2026-03-30'), '1 day', 'Europe/Berlin', '2020-01-01 06:00 Europe/Berlin');
SELECT lower(period) FROM buckets(one('2026-01-15', '2026-04-15'), '1 month', 'UTC', '2020-01-31');
SELECT lower(period) FROM buckets(one('2026-01-01', '2026-01-20'), '7 days', 'UTC', '2026-01-04');
SELECT lower(period) FROM buckets(one('2026-01-01', '2026-01-20'), '7 days', 'UTC', '2036-01-06');

-- Parts add up to the whole, rounded or not.
SELECT sum(amount) = integral(p) AS adds_up, integral(p), count(*)
FROM (SELECT device_profile('2026-01-01 00:00:00.123457', '2026-01-03 00:00:00.000001', 1.0 / 7) AS p) AS s, buckets(p, '7 minutes') GROUP BY p;
SELECT sum(amount) = integral(p) AS adds_up, integral(p), count(*)
FROM (SELECT rate_profile('2026-01-01 00:00:00.123457', '2026-03-03 00:00:00.000001', '3 MFLOPS@bf16'::compute_rate) AS p) AS s, buckets(p, '1 day', 'Asia/Shanghai') GROUP BY p;

-- The far ends of time.
SELECT count(*) FROM buckets(one('4714-11-24 00:00 BC', '4713-01-01 BC'), '1 day', 'UTC');
SELECT count(*) FROM buckets(one('4714-11-24 00:00 BC', '4713-01-01 BC'), '1 month', 'UTC');
SELECT count(*) FROM buckets(one('294276-12-31 20:00', '294276-12-31 22:59:59'), '1 hour', 'UTC');
SELECT count(*) FROM buckets(one('294276-12-31 20:00', '294276-12-31 23:59:59'), '1 hour', 'UTC');
SELECT count(*) FROM buckets(one('294276-01-01', '294276-12-01'), '1 day', 'Europe/Berlin');
SELECT count(*), max(amount) FROM buckets(one('1800-01-01', '2200-01-01'), '1 year', 'Europe/Paris');

-- What is refused.
SELECT * FROM buckets('{}'::device_profile, '0');
SELECT * FROM buckets('{}'::device_profile, '-1 hour');
SELECT * FROM buckets('{}'::device_profile, '1 day 12 hours');
SELECT * FROM buckets('{}'::device_profile, '1 month 1 day');
SELECT * FROM buckets('{}'::device_profile, '1 hour', 'Mars/Olympus');
SELECT * FROM buckets('{}'::device_profile, '1 hour', repeat('x', 300));
SELECT * FROM buckets('{}'::device_profile, '1 hour', 'UTC', 'infinity');
SELECT * FROM buckets(one('2026-01-01', '2026-01-02'), '2000000000 days');
SELECT * FROM buckets(one('2026-01-01', '2026-01-02'), '150000000 years');
DROP FUNCTION one;
