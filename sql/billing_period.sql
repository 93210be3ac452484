-- Billing calendars: instants that are generated once.
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set VERBOSITY terse
\pset null '(null)'
-- a ledger of this test's own
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
RESET client_min_messages;
SELECT create_ledger();

-- The periods of a calendar as its zone's clock shows them.
CREATE FUNCTION local_periods(calendar_name text, first integer, last integer) RETURNS TABLE (number integer, starts timestamp, ends timestamp, starts_at timestamptz, lasts interval)
	LANGUAGE sql SET search_path = public, compute_ledger AS $$
	SELECT p.number, p.starts_at AT TIME ZONE c.time_zone, p.ends_at AT TIME ZONE c.time_zone, p.starts_at, p.ends_at - p.starts_at
	FROM billing_period AS p JOIN billing_calendar AS c ON c.id = p.calendar
	WHERE c.name = calendar_name AND p.number BETWEEN first AND last ORDER BY p.number $$;
CREATE FUNCTION calendar(calendar_name text) RETURNS bigint
	LANGUAGE sql SET search_path = public, compute_ledger AS $$ SELECT id FROM billing_calendar WHERE name = calendar_name $$;

-- Month ends: from the anchor each time, so that they never drift.
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES
	('on the 31st', '2026-01-31', 'Asia/Shanghai'), ('on the 30th', '2026-01-30', 'Asia/Shanghai'), ('on the 29th', '2026-01-29', 'Asia/Shanghai'),
	('leap day', '2024-02-29', 'UTC');
SELECT generate_billing_periods(id, '2100-01-01Z') > 0 AS more FROM billing_calendar WHERE name LIKE 'on the %' ORDER BY name;
SELECT number, starts, lasts FROM local_periods('on the 31st', 0, 4);
SELECT c.name, count(*) AS periods,
	count(*) FILTER (WHERE extract(day FROM p.starts_at AT TIME ZONE c.time_zone) <> least(extract(day FROM c.anchor),
		extract(day FROM date_trunc('month', p.starts_at AT TIME ZONE c.time_zone) + interval '1 month - 1 day'))) AS on_another_day
FROM billing_calendar AS c JOIN billing_period AS p ON p.calendar = c.id
WHERE c.name LIKE 'on the %' AND p.starts_at < '2100-01-01Z' GROUP BY c.name ORDER BY c.name;
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('leap years', '2024-02-29', 'UTC', '1 year');
SELECT generate_billing_periods(calendar('leap years'), '2100-01-01Z') > 0 AS more;
SELECT number, starts FROM local_periods('leap years', 0, 4) WHERE number IN (0, 1, 4);

-- DST: New York skips 02:30 on 2026-03-08 and has 01:30 twice on 2026-11-01.
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES
	('half past two', '2026-03-06 02:30', 'America/New_York', '1 day'), ('half past one', '2026-10-30 01:30', 'America/New_York', '1 day'),
	('months from the skipped hour', '2025-12-08 02:30', 'America/New_York', '1 month'), ('midnight', '2026-03-01', 'America/New_York', '1 day');
SELECT * FROM local_periods('half past two', 0, 4);
SELECT * FROM local_periods('half past one', 0, 4);
SELECT * FROM local_periods('months from the skipped hour', 2, 4);
SELECT * FROM local_periods('midnight', 6, 8);
-- Samoa had no 2011-12-30: no period, and the numbers say so.
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('days in Samoa', '2011-12-28', 'Pacific/Apia', '1 day'), ('months in Samoa', '2011-10-30', 'Pacific/Apia', '1 month');
SELECT * FROM local_periods('days in Samoa', 0, 4);
SELECT * FROM local_periods('months in Samoa', 1, 3);

-- Bills that went wrong elsewhere.
-- A trial of 30 days from 23:30 in Los Angeles, over a change of the clock: billed on the 31st, not on the 1st.
INSERT INTO billing_calendar (name, anchor, time_zone)
VALUES ('after the trial', timestamptz '2017-03-01 23:30-08' AT TIME ZONE 'America/Los_Angeles' + interval '30 days', 'America/Los_Angeles');
SELECT number, starts, starts_at FROM local_periods('after the trial', 0, 2);
-- A subscription of 08:09:02 UTC on the 1st in Juneau: the same instant two months later is still November there, and is in one period.
INSERT INTO billing_calendar (name, anchor, time_zone)
VALUES ('Juneau', timestamptz '2015-10-01 08:09:02Z' AT TIME ZONE 'America/Juneau', 'America/Juneau');
SELECT * FROM local_periods('Juneau', 0, 2);
SELECT t AS at, (SELECT number FROM billing_period WHERE id = billing_period(calendar('Juneau'), t)) AS period
FROM unnest(ARRAY['2015-12-01 08:09:02Z', '2015-12-01 09:09:01.999999Z', '2015-12-01 09:09:02Z']::timestamptz[]) AS t;
-- Two accounts in New York, one made before the clock changed and one after: the same usage is in the same months.
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('made in winter', '2023-02-01', 'America/New_York'), ('made in summer', '2023-04-01', 'America/New_York');
SELECT t AS at, c.name, (SELECT (p.starts_at AT TIME ZONE c.time_zone)::date FROM billing_period AS p WHERE p.id = billing_period(c.id, t)) AS month_of
FROM unnest(ARRAY['2023-04-01 03:59:59.999999Z', '2023-04-01 04:00Z', '2023-11-01 03:59Z', '2023-12-01 04:30Z']::timestamptz[]) AS t, billing_calendar AS c
WHERE c.name LIKE 'made in %' ORDER BY t, c.name;
-- One June in London and another in Copenhagen.
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('London', '2022-01-01', 'Europe/London'), ('Copenhagen', '2022-01-01', 'Europe/Copenhagen');
SELECT c.name, (SELECT (p.starts_at AT TIME ZONE c.time_zone)::date FROM billing_period AS p WHERE p.id = billing_period(c.id, '2022-06-30 22:30Z')) AS month_of
FROM billing_calendar AS c WHERE c.name IN ('London', 'Copenhagen') ORDER BY 1;
-- The end of a customer's day is the end of a period in every zone, so that no day is in two and none in none.
INSERT INTO billing_calendar (name, anchor, time_zone)
SELECT 'every/' || z, '2010-01-01', z FROM unnest(ARRAY['Africa/Cairo', 'America/Asuncion', 'America/Caracas', 'America/Havana', 'America/Los_Angeles', 'America/Sao_Paulo',
	'America/St_Johns', 'Asia/Amman', 'Asia/Beirut', 'Asia/Gaza', 'Asia/Kathmandu', 'Asia/Pyongyang', 'Asia/Shanghai', 'Asia/Tehran', 'Atlantic/Azores', 'Australia/Lord_Howe',
	'Europe/Istanbul', 'Europe/London', 'Europe/Moscow', 'Pacific/Apia', 'Pacific/Auckland', 'Pacific/Chatham', 'Pacific/Kiritimati', 'UTC']) AS z;
ANALYZE billing_period, billing_calendar;
WITH day AS (
	SELECT c.id, c.time_zone, d::date AS day, min(p.number) AS one, max(p.number) AS other,
		(min(p.starts_at) <= d AT TIME ZONE c.time_zone AND max(p.ends_at) >= (d + interval '1 day') AT TIME ZONE c.time_zone) AS whole
	FROM billing_calendar AS c, generate_series(timestamp '2010-01-01', '2013-12-31', interval '1 day') AS d, billing_period AS p
	WHERE c.name LIKE 'every/%' AND p.calendar = c.id AND p.starts_at < '2014-01-02Z'
		AND p.starts_at < (d + interval '1 day') AT TIME ZONE c.time_zone AND p.ends_at > d AT TIME ZONE c.time_zone
	GROUP BY c.id, c.time_zone, d
)
-- Samoa's missing day has no instants
SELECT count(*) AS days, count(*) FILTER (WHERE one <> other) AS in_two_periods, count(*) FILTER (WHERE NOT whole) AS not_whole FROM day;

-- Neither gap nor overlap, by constraint.
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('guarded', '2026-01-01', 'UTC');
SELECT max(number) AS last, max(ends_at) AS reached FROM billing_period WHERE calendar = calendar('guarded') \gset
INSERT INTO billing_period (calendar, number, previous, starts_at, ends_at) VALUES (calendar('guarded'), :last + 1, :last, timestamptz :'reached' + interval '1 day', timestamptz :'reached' + interval '31 days');
INSERT INTO billing_period (calendar, number, previous, starts_at, ends_at) VALUES (calendar('guarded'), :last + 1, :last, timestamptz :'reached' - interval '1 day', timestamptz :'reached' + interval '31 days');
INSERT INTO billing_period (calendar, number, previous, starts_at, ends_at) VALUES (calendar('guarded'), :last + 1, :last - 1, '2026-02-02Z', '2026-02-03Z');
INSERT INTO billing_period (calendar, number, previous, starts_at, ends_at) VALUES (calendar('guarded'), :last + 1, NULL, '2020-01-01Z', '2020-02-01Z');
INSERT INTO billing_period (calendar, number, previous, starts_at, ends_at) VALUES (calendar('guarded'), :last + 1, :last, :'reached', :'reached');
INSERT INTO billing_period (calendar, number, previous, starts_at, ends_at) VALUES (calendar('guarded'), :last + 1, :last, :'reached', 'infinity');
INSERT INTO billing_period (calendar, number, previous, starts_at, ends_at) VALUES (calendar('guarded'), :last + 2, :last + 1, :'reached', timestamptz :'reached' + interval '1 day');
UPDATE billing_period SET ends_at = ends_at + interval '1 hour' WHERE calendar = calendar('guarded') AND number = 1;
UPDATE billing_period SET starts_at = starts_at + interval '1 hour' WHERE calendar = calendar('guarded') AND number = 1;
DELETE FROM billing_period WHERE calendar = calendar('guarded') AND number = 1;

-- Generating.
SELECT generate_billing_periods(calendar('guarded'), timestamptz :'reached' - interval '1 microsecond') AS nothing;
SELECT generate_billing_periods(calendar('guarded'), :'reached') AS one;
SELECT generate_billing_periods(calendar('guarded'), timestamptz :'reached' + interval '10 years') > 110 AS many;
SELECT generate_billing_periods(calendar('guarded'), '2000-01-01Z') AS before_the_anchor;
SELECT billing_period(calendar('guarded'), '2025-12-31 23:59:59.999999Z') AS before, billing_period(calendar('guarded'), '2026-01-01Z') IS NOT NULL AS first, billing_period(calendar('guarded'), '2999-01-01Z') AS later;
SELECT generate_billing_periods(calendar('guarded'), 'infinity');
SELECT generate_billing_periods(calendar('guarded'), NULL);
SELECT generate_billing_periods(NULL, '20000-01-01Z');
SELECT generate_billing_periods(-1, '2026-01-01Z');
SELECT generate_billing_periods(NULL, '2026-01-01Z') AS nothing;

-- Rules that make no sense, and rules that do.
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('bad', '2026-01-01', 'UTC', '1 hour');
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('bad', '2026-01-01', 'UTC', '0 days');
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('bad', '2026-01-01', 'UTC', '-1 month');
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('bad', '2026-01-01', 'UTC', '1 month -3 days');
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('bad', '2026-01-01', 'UTC', '1 month 12:00');
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('bad', 'infinity', 'UTC');
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('bad', '1066-10-14', 'UTC');
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('bad', '2026-01-01', 'CEST');
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('bad', '2026-01-01', 'europe/berlin');
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('quarters', '2026-01-01', 'UTC', '3 months'), ('fortnights', '2026-01-05', 'UTC', '14 days'), ('mixed', '2026-01-31', 'UTC', '1 month 1 day');
SELECT number, starts FROM local_periods('quarters', 0, 2);
SELECT number, starts FROM local_periods('fortnights', 0, 2);
SELECT number, starts FROM local_periods('mixed', 0, 3);
UPDATE billing_calendar SET anchor = '2026-01-02' WHERE name = 'quarters';
UPDATE billing_calendar SET title = 'by the quarter' WHERE name = 'quarters';

-- A customer moves to another zone: the period before ends where the next one starts.
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('mover', '2026-01-01', 'Asia/Shanghai');
SELECT ledger_watermark() AS before_change \gset
SELECT pg_sleep(0.01);
SELECT change_billing_calendar('mover', 2, 'America/Los_Angeles') AS starts_at;
SELECT number, previous, starts_at, ends_at, ends_at - starts_at AS lasts FROM billing_period WHERE calendar = calendar('mover') AND number <= 4 ORDER BY number;
SELECT change_billing_calendar('mover', 5, 'Asia/Shanghai', rule => '3 months') AS starts_at;
SELECT number, starts_at, ends_at, ends_at - starts_at AS lasts FROM billing_period WHERE calendar = calendar('mover') AND number BETWEEN 3 AND 6 ORDER BY number;
SELECT generate_billing_periods(calendar('mover'), '2100-01-01Z') > 30 AS goes_on;
SELECT number, starts_at FROM billing_period WHERE id = billing_period(calendar('mover'), '2039-12-31Z');
-- What was known before.
SELECT number, starts_at, ends_at FROM billing_periods(:'before_change') WHERE calendar = calendar('mover') AND number BETWEEN 0 AND 3 ORDER BY starts_at;
SELECT count(*) AS periods, count(*) FILTER (WHERE starts_at IS DISTINCT FROM before) AS gaps
FROM (SELECT starts_at, lag(ends_at, 1, starts_at) OVER (ORDER BY starts_at) AS before FROM billing_periods(:'before_change') WHERE calendar = calendar('mover') AND starts_at < '2026-09-30Z') AS p;
-- What is refused.
SELECT change_billing_calendar('no such calendar', 2, 'UTC');
SELECT change_billing_calendar('mover', 0, 'UTC');
SELECT change_billing_calendar('mover', 4000, 'UTC');
SELECT change_billing_calendar('mover', 3, 'UTC');
SELECT change_billing_calendar('mover', 7, 'Moon/Base');
SELECT change_billing_calendar('mover', 7, anchor => '2026-01-01');
CREATE TABLE bill (period bigint REFERENCES billing_period);
INSERT INTO bill SELECT id FROM billing_period WHERE calendar = calendar('mover') AND number = 8;
SELECT change_billing_calendar('mover', 9, 'UTC');
SELECT change_billing_calendar('mover', 8, 'UTC');
SELECT change_billing_calendar('mover', 10, 'UTC') AS starts_at;
-- Every calendar of this test, without a gap or an overlap.
SELECT count(DISTINCT calendar) > 30 AS calendars, count(*) FILTER (WHERE starts_at IS DISTINCT FROM before) AS broken
FROM (SELECT calendar, starts_at, lag(ends_at, 1, starts_at) OVER (PARTITION BY calendar ORDER BY starts_at) AS before FROM billing_period) AS p;
DROP TABLE bill;
-- ------------------------------------------------------------------ months
-- month/ZONE is the calendar months of its zone and nothing else: accounts that name no calendar rely on that.
SELECT create_account('by the month', time_zone => 'Pacific/Auckland', currency => 'NZD') > 0 AS made;
SELECT name, anchor, time_zone, rule FROM billing_calendar WHERE name LIKE 'month/%' ORDER BY name COLLATE "C";
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('month/UTC', '2000-01-02', 'UTC');
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('month/UTC', '2000-01-01', 'Europe/Berlin');
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('month/Mars', '2000-01-01', 'UTC');
-- intervals of 30 days, or of 720 hours, are equal to a month, and are none
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('month/UTC', '2000-01-01', 'UTC', '30 days');
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('month/UTC', '2000-01-01', 'UTC', '720 hours');
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('month/UTC', '2000-01-01', 'UTC', '2 months');
UPDATE billing_calendar SET name = 'month/UTC' WHERE name = 'London';
UPDATE billing_calendar SET name = 'Auckland' WHERE name = 'month/Pacific/Auckland';
SELECT change_billing_calendar('month/Pacific/Auckland', 300, 'UTC');
-- one that is right is the one that accounts get
INSERT INTO billing_calendar (name, anchor, time_zone, title) VALUES ('month/Asia/Tokyo', '2000-01-01', 'Asia/Tokyo', 'mine');
UPDATE billing_calendar SET title = 'ours' WHERE name = 'month/Asia/Tokyo';
SELECT create_account('in Tokyo', time_zone => 'Asia/Tokyo', currency => 'JPY') > 0 AS made;
SELECT a.name, c.name AS calendar, c.title FROM payers() AS p JOIN account AS a ON a.id = p.account JOIN billing_calendar AS c ON c.id = p.calendar WHERE a.name IN ('by the month', 'in Tokyo') ORDER BY a.name;

-- ------------------------------------------------------------------ as it was known
-- Calendars are extended and changed, accounts go to other zones and other calendars: the periods that were known at an
-- earlier recorded time stay what they were, and so do the bills.
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('replayed', '2024-01-10', 'Asia/Shanghai'), ('kept', '2024-01-01', 'UTC');
SELECT create_account('in Shanghai', time_zone => 'Asia/Shanghai', currency => 'CNY', calendar => 'replayed') > 0 AS a,
	create_account('its team', parent => 'in Shanghai') > 0 AS b, create_account('its lab', parent => 'in Shanghai', calendar => 'kept') > 0 AS c,
	create_account('at home', time_zone => 'Europe/Berlin', currency => 'EUR') > 0 AS d, create_region('somewhere') > 0 AS e;
INSERT INTO price (account, accelerator, currency, model, tier_bounds, tier_prices, valid)
SELECT a.id, 'nvidia', c, 'graduated', '{50,500}', '{4,3,2}', '[2024-01-01Z,)' FROM (VALUES ('in Shanghai', 'CNY'), ('at home', 'EUR')) AS p (name, c) JOIN account AS a USING (name);
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
SELECT 'replay', a || i, a, 'somewhere', 'NVIDIA H100 80GB HBM3', 1 + i % 3, timestamptz '2024-01-12Z' + i * interval '29 hours', timestamptz '2024-01-12Z' + i * interval '29 hours' + interval '20 hours'
FROM unnest(ARRAY['in Shanghai', 'its team', 'its lab', 'at home']) AS a, generate_series(0, 120) AS i;
SELECT taken, accepted FROM accept_usage();
CREATE TABLE known (step integer PRIMARY KEY, at timestamptz, reach timestamptz);
CREATE TABLE known_period (step integer, id bigint, calendar bigint, number integer, starts_at timestamptz, ends_at timestamptz);
CREATE TABLE known_bill (step integer, payer text, charge rated_charge);
-- What is known now of what was known then; note() is called then.
CREATE FUNCTION periods_known(known) RETURNS TABLE (step integer, id bigint, calendar bigint, number integer, starts_at timestamptz, ends_at timestamptz)
	LANGUAGE sql SET search_path = public, compute_ledger AS $$
	-- not of calendars made since, nor what was not generated then
	SELECT $1.step, p.* FROM billing_periods($1.at) AS p JOIN billing_calendar AS c ON c.id = p.calendar WHERE c.recorded <= $1.at AND p.ends_at <= $1.reach $$;
CREATE FUNCTION bills_known(known) RETURNS TABLE (step integer, payer text, charge rated_charge)
	LANGUAGE sql SET search_path = public, compute_ledger AS $$
	SELECT $1.step, a, r FROM unnest(ARRAY['in Shanghai', 'its lab', 'at home']) AS a, rate_usage(a, '[2024-01-12Z,2024-06-20Z)', $1.at) AS r $$;
CREATE PROCEDURE note(step integer) LANGUAGE plpgsql SET search_path = public, compute_ledger AS $$
DECLARE
	this known;
BEGIN
	INSERT INTO known SELECT note.step, ledger_watermark(), (SELECT min(m.reach) FROM (SELECT max(p.ends_at) AS reach FROM billing_period AS p GROUP BY p.calendar) AS m) RETURNING * INTO this;
	INSERT INTO known_period SELECT * FROM periods_known(this);
	INSERT INTO known_bill SELECT * FROM bills_known(this);
END
$$;
CALL note(1);
SELECT generate_billing_periods(calendar('replayed'), '2060-01-01Z') > 300 AS extended, generate_billing_periods(calendar('month/Europe/Berlin'), '2060-01-01Z') > 300 AS extended_too;
CALL note(2);
SELECT change_billing_calendar('replayed', 3, 'America/Los_Angeles') AS changed;
CALL note(3);
SELECT change_billing_calendar('replayed', 4, anchor => '2024-05-15 12:00', rule => '14 days') AS changed_again;
CALL note(4);
SELECT change_account('at home', '2024-04-15Z', time_zone => 'America/New_York');
CALL note(5);
SELECT change_account('in Shanghai', '2024-03-01Z', calendar => 'kept'), change_account('its team', '2024-02-01Z', time_zone => 'UTC');
SELECT generate_billing_periods(calendar('replayed'), '2065-01-01Z') > 100 AS extended, generate_billing_periods(calendar('kept'), '2065-01-01Z') > 100 AS extended_too;
CALL note(6);
CREATE TABLE replayed_period AS SELECT p.* FROM known AS k, periods_known(k) AS p;
CREATE TABLE replayed_bill AS SELECT b.* FROM known AS k, bills_known(k) AS b;
SELECT k.step,
	(SELECT count(*) FROM (SELECT * FROM known_period AS n WHERE n.step = k.step EXCEPT ALL SELECT * FROM replayed_period AS r WHERE r.step = k.step) AS d) AS periods_gone,
	(SELECT count(*) FROM (SELECT * FROM replayed_period AS r WHERE r.step = k.step EXCEPT ALL SELECT * FROM known_period AS n WHERE n.step = k.step) AS d) AS periods_new,
	(SELECT count(*) FROM (SELECT * FROM known_bill AS n WHERE n.step = k.step EXCEPT ALL SELECT * FROM replayed_bill AS r WHERE r.step = k.step) AS d) AS charges_gone,
	(SELECT count(*) FROM (SELECT * FROM replayed_bill AS r WHERE r.step = k.step EXCEPT ALL SELECT * FROM known_bill AS n WHERE n.step = k.step) AS d) AS charges_new
FROM known AS k ORDER BY k.step;
-- Each step made another bill, but the one that only extended the calendars.
SELECT k.step, (SELECT count(*) FROM known_period AS n WHERE n.step = k.step) > 1000 AS periods,
	(SELECT count(*) FROM (SELECT n.payer, (n.charge).* FROM known_bill AS n WHERE n.step = k.step EXCEPT SELECT n.payer, (n.charge).* FROM known_bill AS n WHERE n.step = k.step - 1) AS d) > 0 AS other_charges,
	(SELECT count(*) FROM known_bill AS n WHERE n.step = k.step AND (n.charge).cost IS NULL) AS unpriced
FROM known AS k ORDER BY k.step;
-- What was known is without a gap or an overlap, whenever.
SELECT k.step, count(*) FILTER (WHERE p.starts_at IS DISTINCT FROM p.before) AS broken, count(*) FILTER (WHERE p.starts_at > '2026-01-01Z') > 0 AS goes_on
FROM known AS k, LATERAL (SELECT b.starts_at, lag(b.ends_at, 1, b.starts_at) OVER (PARTITION BY b.calendar ORDER BY b.starts_at) AS before FROM billing_periods(k.at) AS b) AS p
GROUP BY k.step ORDER BY k.step;
-- A period beyond what was generated, by a rule that nobody knew yet, is none.
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('beyond', '2024-01-01', 'UTC');
SELECT ledger_watermark() AS before_beyond, (SELECT max(ends_at) FROM billing_period WHERE calendar = calendar('beyond')) AS reach \gset
SELECT change_billing_calendar('beyond', 2, anchor => '2024-03-15') AS changed;
SELECT generate_billing_periods(calendar('beyond'), timestamptz :'reach' + interval '2 years') > 20 AS extended;
SELECT count(*) AS before_reach FROM billing_periods(:'before_beyond') WHERE calendar = calendar('beyond') AND ends_at > :'reach';
SELECT count(*) FILTER (WHERE starts_at IS DISTINCT FROM before) AS broken, max(ends_at) = :'reach' AS as_it_was
FROM (SELECT starts_at, ends_at, lag(ends_at, 1, starts_at) OVER (ORDER BY starts_at) AS before FROM billing_periods(:'before_beyond') WHERE calendar = calendar('beyond')) AS p;
DROP PROCEDURE note(integer);
DROP FUNCTION bills_known(known), periods_known(known);
DROP TABLE known, known_period, known_bill, replayed_period, replayed_bill;
-- and none for those that come after it
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
RESET client_min_messages;
