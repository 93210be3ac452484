-- Reservations as usage and money: what is reserved, drawn, left unused and beyond.  t/112_reserved_usage.pl compares random ones with plain SQL.
\set VERBOSITY terse
CREATE DATABASE regress_reserved_usage;
\c regress_reserved_usage
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SELECT create_ledger() >= 0 AS made;
SELECT create_account('ru', currency => 'USD', valid_from => '2026-01-01') > 0 AS ru, create_account('ru/a', parent => 'ru', valid_from => '2026-01-01') > 0 AS a,
	create_account('ru/b', parent => 'ru', valid_from => '2026-01-01') > 0 AS b, create_region('ru-east') > 0 AS east, create_region('ru-west') > 0 AS west,
	generate_billing_periods(NULL, '2026-09-01') >= 0 AS periods;
SELECT create_pool('ru-east', 'nvidia/h100-sxm5-80gb') AS pool \gset
SELECT count(*) AS none FROM offer_devices(:pool, 100, '[2026-01-01 00:00Z,)', now => '2026-01-01 00:00Z');
-- What was booked an hour before it begins.
CREATE FUNCTION reserve(account text, devices integer, period tstzrange, in_pool bigint DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
	SELECT b.reservation FROM book(account, coalesce(in_pool, pool_id('ru-east', 'nvidia/h100-sxm5-80gb')), devices, period, confirmed => true, now => lower(period) - interval '1 hour') AS b
$$;

-- ------------------------------------------------------------------ the record of a reservation

SELECT reserve('ru/a', 8, '[2026-03-02 00:00Z,2026-03-03 00:00Z)') AS r \gset
SELECT count(*) AS none_before_it_begins FROM record_reservations('2026-03-01 23:59Z') AS n WHERE n > 0;
SELECT record_reservations('2026-03-02 00:00Z') AS one, record_reservations('2026-03-02 09:00Z') AS none;
SELECT source, source_id = :r || '/1' AS id, revision, devices, started_at, ended_at, measure, accelerator, account_name, reservation = :r AS reservation, reservation_name = 'ledger:' || :r AS name
FROM usage_record WHERE reservation = :r;
-- Nobody else may bring in what the ledger makes.
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, measure) VALUES ('compute_ledger', 'x', 'ru/a', 'ru-east', 'H100', '8', '2026-03-02T00:00Z', 'reserved');
SELECT accepted, rejected FROM accept_usage();
SELECT sqlstate, reason, detail, hint FROM usage_rejected WHERE source = 'compute_ledger';
SELECT record_usage('compute_ledger', 'x', 'ru/a', 'ru-east', 'H100', 8, '2026-03-02 00:00Z');

-- ------------------------------------------------------------------ what names it

-- The ledger's number and the centre's id are told apart by the word before them, and nothing is guessed.
SELECT reserve('ru/a', 8, '[2026-03-05 00:00Z,2026-03-06 00:00Z)') AS c \gset
UPDATE reservation SET centre_id = :'r' WHERE id = :c;
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, reservation, measure)
SELECT 'ru', i, 'ru/b', g, 'nvidia/h100-sxm5-80gb', '1', '2026-02-01T00:00Z', '2026-02-01T01:00Z', v, m
FROM (VALUES ('ledger', 'ru-east', 'ledger:' || :r, NULL), ('centre', 'ru-east', 'centre:' || :r, NULL), ('elsewhere', 'ru-west', 'centre:' || :r, NULL),
	('bare', 'ru-east', :'r', NULL), ('unknown', 'ru-east', 'ledger:999999', NULL), ('zeros', 'ru-east', 'ledger:0' || :r, NULL), ('large', 'ru-east', 'ledger:9999999999999999999', NULL),
	('empty', 'ru-east', '', NULL), ('spelt', 'ru-east', 'Ledger:' || :r, NULL), ('twice', 'ru-east', 'ledger:' || :r, 'reserved'), ('nothing', 'ru-east', 'centre:', NULL)) AS x (i, g, v, m);
SELECT taken, accepted, rejected FROM accept_usage();
SELECT source_id, reservation = :r AS first, reservation = :c AS second, reservation_name IS NOT NULL AS named FROM usage_record WHERE source = 'ru' ORDER BY source_id;
SELECT source_id, sqlstate, replace(reason, :'r', 'R') AS reason, detail FROM usage_rejected WHERE source = 'ru' ORDER BY source_id;
-- A digest has it where there is one.
SELECT count(DISTINCT usage_digest('a', 'r', 'H100', 8, '2026-05-01 00:00Z', 'infinity', 'allocated', NULL, NULL, NULL, NULL, v)) AS three FROM (VALUES (NULL), ('ledger:1'), ('centre:1')) AS x (v);
SELECT usage_digest('a', 'r', 'H100', 8, '2026-05-01 00:00Z', 'infinity', 'allocated', NULL, NULL, NULL, NULL, NULL) = usage_digest('a', 'r', 'H100', 8, '2026-05-01 00:00Z', 'infinity', 'allocated', NULL, NULL, NULL, NULL) AS same;
-- When the agent has reported the id, what was rejected is taken.
SELECT retry_rejected(sqlstate => 'LC025', mend => '{"reservation": "centre:late"}') IS NOT NULL AS retried;
UPDATE reservation SET centre_id = 'late' WHERE id = :r;
SELECT accepted, rejected FROM retry_rejected(sqlstate => 'LC025', mend => '{"region": "ru-east", "reservation": "centre:late"}');
-- An id that comes again is the one whose time it is.
UPDATE reservation SET centre_id = 'again' WHERE id IN (:r, :c);
SELECT record_usage('ru', 'again 1', 'ru/b', 'ru-east', 'nvidia/h100-sxm5-80gb', 1, '2026-03-05 01:00Z', '2026-03-05 02:00Z', reservation => 'centre:again') > 0 AS recorded;
SELECT reservation = :c AS second FROM usage_record WHERE source_id = 'again 1';
\set VERBOSITY default
SELECT record_usage('ru', 'again 2', 'ru/b', 'ru-east', 'nvidia/h100-sxm5-80gb', 1, '2026-03-04 01:00Z', '2026-03-04 02:00Z', reservation => 'centre:again');
\set VERBOSITY terse
UPDATE reservation SET centre_id = NULL WHERE id = :c;

-- ------------------------------------------------------------------ case S13: reserved 8, used 6, then 10

SELECT create_price('nvidia/h100-sxm5-80gb', 'USD', 2, account => 'ru', measure => 'reserved', book => 'ru') > 0 AS reserved,
	create_price('nvidia/h100-sxm5-80gb', 'USD', 3, account => 'ru', measure => 'allocated', book => 'ru') > 0 AS allocated,
	create_price('nvidia/h100-sxm5-80gb', 'USD', 3, account => 'ru', measure => 'allocated', book => 'ru without') > 0 AS without;
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, reservation)
VALUES ('ru', 'job 1', 'ru/a', 'ru-east', 'nvidia/h100-sxm5-80gb', '6', '2026-03-02T00:00Z', '2026-03-03T00:00Z', 'ledger:' || :r),
	('ru', 'job 2', 'ru/a', 'ru-east', 'nvidia/h100-sxm5-80gb', '4', '2026-03-02T06:00Z', '2026-03-02T12:00Z', 'ledger:' || :r);
SELECT accepted FROM accept_usage();
SELECT kind, measure, trim_scale(quantity) AS quantity, trim_scale(unit_price) AS unit_price, trim_scale(cost) AS cost, records, reservation = :r AS names_it
FROM rate_usage('ru', '[2026-03-02 00:00Z,2026-03-03 00:00Z)', book => 'ru') ORDER BY measure DESC, kind;
SELECT trim_scale(sum(cost)) AS cost FROM rate_usage('ru', '[2026-03-02 00:00Z,2026-03-03 00:00Z)', book => 'ru');
-- A book that has no price for reserved charges all of what ran.
SELECT kind, measure, trim_scale(quantity) AS quantity, trim_scale(cost) AS cost FROM rate_usage('ru', '[2026-03-02 00:00Z,2026-03-03 00:00Z)', book => 'ru without');
-- Taken apart: what is beyond is shared by levels.
SELECT r.kind, t.source_id, lower(r.period)::date AS day, t.part_from::time, t.part_to::time, t.devices, trim_scale(t.quantity) AS quantity, trim_scale(t.cost) AS cost
FROM rate_usage('ru', '[2026-03-02 00:00Z,2026-03-03 00:00Z)', book => 'ru') AS r, trace_charge(r) AS t WHERE r.reservation = :r ORDER BY r.measure DESC, r.kind, t.part_from, t.source_id;

-- ------------------------------------------------------------------ what changes while it runs

-- What a book charges in March, by kinds.
CREATE FUNCTION charged(account text, reservation bigint, period tstzrange DEFAULT '[2026-03-01 00:00Z,2026-04-01 00:00Z)', book text DEFAULT 'ru')
	RETURNS TABLE (kind text, measure text, quantity numeric, cost numeric) LANGUAGE sql AS $$
	SELECT r.kind, r.measure, trim_scale(sum(r.quantity)), trim_scale(sum(r.cost)) FROM rate_usage(account, period, book => book) AS r
	WHERE r.reservation = charged.reservation GROUP BY r.kind, r.measure ORDER BY r.measure DESC, r.kind
$$;
CREATE FUNCTION job(id text, account text, devices numeric, period tstzrange, reservation bigint, measure text DEFAULT 'allocated', region text DEFAULT 'ru-east', chip text DEFAULT 'nvidia/h100-sxm5-80gb', work compute_unit DEFAULT NULL)
	RETURNS boolean LANGUAGE sql AS $$
	SELECT record_usage('ru', id, account, region, chip, devices, lower(period), upper(period), measure, achieved_work => work, reservation => 'ledger:' || reservation) > 0
$$;
-- Case S14: 8 [10,14), at 12 only 4 from then on; or it ends at 12.
SELECT reserve('ru/a', 8, '[2026-03-07 10:00Z,2026-03-07 14:00Z)') AS r \gset
SELECT start_reservation(:r, now => '2026-03-07 09:59Z');
SELECT start_reservation(:r, now => '2026-03-07 10:00Z'), start_reservation(:r, now => '2026-03-07 10:01Z');
BEGIN;
SELECT FROM shrink_reservation(:r, devices => 4, now => '2026-03-07 12:00Z');
SELECT record_reservations('2026-03-07 12:00Z') AS two;
SELECT source_id = :r || '/1' AS first, revision, devices, started_at, ended_at FROM usage_record WHERE reservation = :r AND superseded = 'infinity' ORDER BY started_at;
SELECT trim_scale(sum(devices * extract(epoch FROM ended_at - started_at) / 3600)) AS device_hours FROM usage_record WHERE reservation = :r AND superseded = 'infinity';
SELECT end_reservation(:r, now => '2026-03-07 13:00Z');
SELECT source_id = :r || '/1' AS first, revision, devices, started_at, ended_at FROM usage_record WHERE reservation = :r AND superseded = 'infinity' ORDER BY started_at;
ROLLBACK;
SELECT end_reservation(:r, at => '2026-03-07 12:01Z', now => '2026-03-07 12:00Z');
SELECT end_reservation(:r, at => '2026-03-07 09:00Z', now => '2026-03-07 12:00Z');
SELECT end_reservation(:r, at => '2026-03-07 11:00Z', now => '2026-03-07 12:00Z') AS ended, end_reservation(:r, now => '2026-03-07 12:00Z') AS again;
SELECT * FROM charged('ru', :r);
SELECT start_reservation(:r, now => '2026-03-07 13:00Z');
SELECT count(*) AS free_again FROM book('ru/b', :pool, 100, '[2026-03-07 12:00Z,2026-03-07 14:00Z)', now => '2026-03-07 12:00Z');

-- Case S15: the one before is still there.
SELECT create_pool('ru-east', 'nvidia/h100-sxm5-80gb', 'small') AS small \gset
SELECT count(*) AS none FROM offer_devices(:small, 8, '[2026-01-01 00:00Z,)', now => '2026-01-01 00:00Z');
SELECT reserve('ru/a', 8, '[2026-03-08 10:00Z,2026-03-08 12:00Z)', :small) AS r1, reserve('ru/b', 8, '[2026-03-08 12:00Z,2026-03-08 14:00Z)', :small) AS r2 \gset
SELECT start_reservation(:r1, now => '2026-03-08 10:00Z');
SELECT record_reservations('2026-03-08 12:00Z') AS as_if_it_could_start;
DO $$
DECLARE
	one bigint := (SELECT min(id) FROM reservation WHERE pool = pool_id('ru-east', 'nvidia/h100-sxm5-80gb', 'small'));
BEGIN
	PERFORM start_reservation(one + 1, now => '2026-03-08 12:10Z');
EXCEPTION WHEN OTHERS THEN
	RAISE NOTICE '% %', SQLSTATE, replace(replace(SQLERRM, (one + 1)::text, 'R2'), one::text, 'R1');
END
$$;
SELECT count(*) AS accepted FROM book('ru/b', :small, 8, '[2026-03-08 14:00Z,2026-03-08 16:00Z)', now => '2026-03-08 12:10Z');
SELECT end_reservation(:r1, at => '2026-03-08 12:20Z', now => '2026-03-08 12:21Z');
SELECT start_reservation(:r2, now => '2026-03-08 12:21Z');
SELECT job('overrun', 'ru/a', 8, '[2026-03-08 10:00Z,2026-03-08 12:20Z)', :r1) AS job;
SELECT * FROM charged('ru', :r1);
-- who waited is not charged for it
SELECT started_at, ended_at, revision FROM usage_record WHERE reservation = :r2 AND superseded = 'infinity';

-- Who starts while another is still there, when there is room for both at last, has waited until then.
SELECT reserve('ru/a', 4, '[2026-03-09 10:00Z,2026-03-09 12:00Z)', :small) AS a, reserve('ru/a', 4, '[2026-03-09 10:00Z,2026-03-09 12:30Z)', :small) AS c, reserve('ru/b', 4, '[2026-03-09 12:00Z,2026-03-09 14:00Z)', :small) AS b \gset
SELECT end_reservation(:r2, now => '2026-03-08 14:00Z'), start_reservation(:a, now => '2026-03-09 10:00Z'), start_reservation(:c, now => '2026-03-09 10:00Z');
SELECT start_reservation(:b, now => '2026-03-09 12:10Z');
SELECT end_reservation(:c, now => '2026-03-09 12:20Z'), start_reservation(:b, now => '2026-03-09 12:20Z'), end_reservation(:a, now => '2026-03-09 13:00Z');
SELECT started_at, ended_at FROM usage_record WHERE reservation = :b AND superseded = 'infinity';
-- What ended in time, and is said later, was not there longer.
SELECT reserve('ru/a', 8, '[2026-03-09 15:00Z,2026-03-09 16:00Z)', :small) AS a \gset
SELECT end_reservation(:b, now => '2026-03-09 14:00Z'), start_reservation(:a, now => '2026-03-09 15:00Z'), end_reservation(:a, at => '2026-03-09 15:30Z', now => '2026-03-09 18:00Z');
SELECT r.ended_at, u.started_at, u.ended_at FROM reservation AS r JOIN usage_record AS u ON u.reservation = r.id AND u.superseded = 'infinity' WHERE r.id = :a;

-- ------------------------------------------------------------------ what does not draw

-- Account, region, chip and time are the reservation's, or it is charged as if it named none, and flagged.
SELECT reserve('ru/a', 8, '[2026-03-10 00:00Z,2026-03-10 10:00Z)') AS r \gset
SELECT record_reservations('2026-03-10 00:00Z') AS one;
SELECT job('its own', 'ru/a', 1, '[2026-03-10 00:00Z,2026-03-10 01:00Z)', :r), job('account', 'ru/b', 1, '[2026-03-10 00:00Z,2026-03-10 01:00Z)', :r),
	job('region', 'ru/a', 1, '[2026-03-10 00:00Z,2026-03-10 01:00Z)', :r, region => 'ru-west'), job('chip', 'ru/a', 1, '[2026-03-10 00:00Z,2026-03-10 01:00Z)', :r, chip => 'nvidia/h200'),
	job('class', 'ru/a', 1, '[2026-03-10 00:00Z,2026-03-10 01:00Z)', :r, chip => 'nvidia/h100'), job('time', 'ru/a', 1, '[2026-03-10 10:00Z,2026-03-10 11:00Z)', :r);
SELECT create_price('nvidia', 'USD', 1, account => 'ru', measure => 'allocated', book => 'ru') > 0 AS whatever;
SELECT t.source_id, r.kind, trim_scale(t.quantity) AS quantity FROM rate_usage('ru', '[2026-03-10 00:00Z,2026-03-11 00:00Z)', book => 'ru') AS r, trace_charge(r) AS t
WHERE r.measure = 'allocated' ORDER BY t.source_id;
SELECT check_name, severity, regexp_replace(detail, 'reservation \d+', 'reservation R') AS detail FROM check_ledger() WHERE check_name = 'usage beside its reservation' AND detail NOT LIKE '%2026-02-01%' ORDER BY detail;

-- ------------------------------------------------------------------ each measure by itself, and work

SELECT reserve('ru/a', 4, '[2026-03-11 00:00Z,2026-03-11 10:00Z)') AS r \gset
SELECT record_reservations('2026-03-11 00:00Z') AS one;
SELECT create_price('nvidia/h100-sxm5-80gb', 'USD', 5, account => 'ru', measure => 'used', book => 'ru') > 0 AS used;
SELECT job('allocated', 'ru/a', 6, '[2026-03-11 00:00Z,2026-03-11 10:00Z)', :r, 'allocated'), job('used', 'ru/a', 5, '[2026-03-11 02:00Z,2026-03-11 08:00Z)', :r, 'used');
SELECT * FROM charged('ru', :r);
-- of the work that a record achieved, what is beyond has its share by level
SELECT create_price('nvidia/h100-sxm5-80gb', 'USD', 1, account => 'ru', measure => 'reserved', book => 'ru work') > 0 AS reserved,
	create_price('nvidia/h100-sxm5-80gb', 'USD', 0.5, account => 'ru', measure => 'used', unit => 'PFLOPh', book => 'ru work') > 0 AS used;
SELECT job('worked', 'ru/a', 8, '[2026-03-11 08:00Z,2026-03-11 12:00Z)', :r, 'used', work => '400 PFLOPh');
SELECT * FROM charged('ru', :r, book => 'ru work');

-- ------------------------------------------------------------------ what is given up, and what nobody came for

SELECT create_price('nvidia/h100-sxm5-80gb', 'USD', 0.5, account => 'ru', measure => 'forgone', book => 'ru') > 0 AS forgone;
-- Given up with less notice than three hours: until it has run out.
SELECT create_pool('ru-east', 'nvidia/h100-sxm5-80gb', 'notice') AS pool \gset
UPDATE pool SET notice = '3 hours' WHERE id = :pool;
SELECT count(*) AS none FROM offer_devices(:pool, 100, '[2026-01-01 00:00Z,)', now => '2026-01-01 00:00Z');
SELECT b.reservation AS early, c.reservation AS late, d.reservation AS running, e.reservation AS held
FROM book('ru/a', :pool, 8, '[2026-03-12 10:00Z,2026-03-12 14:00Z)', confirmed => true, now => '2026-03-11 00:00Z') AS b,
	book('ru/a', :pool, 8, '[2026-03-12 10:00Z,2026-03-12 14:00Z)', confirmed => true, now => '2026-03-11 00:00Z') AS c,
	book('ru/a', :pool, 8, '[2026-03-12 10:00Z,2026-03-12 20:00Z)', confirmed => true, now => '2026-03-11 00:00Z') AS d,
	book('ru/a', :pool, 8, '[2026-03-12 10:00Z,2026-03-12 14:00Z)', hold => '1 day', now => '2026-03-12 00:00Z') AS e \gset
SELECT cancel_reservation(:early, now => '2026-03-12 07:00Z'), cancel_reservation(:late, now => '2026-03-12 09:00Z'), cancel_reservation(:held, now => '2026-03-12 09:30Z');
SELECT start_reservation(:running, now => '2026-03-12 10:00Z');
SELECT end_reservation(:running, now => '2026-03-12 15:00Z');
SELECT count(*) AS nothing FROM charged('ru', :early) UNION ALL SELECT count(*) FROM charged('ru', :held);
SELECT * FROM charged('ru', :late);
SELECT * FROM charged('ru', :running);
-- What is given up and got again is not forgone: moved away and back, shrunk and extended.
SELECT b.reservation AS moved, c.reservation AS shrunk
FROM book('ru/a', :pool, 8, '[2026-03-20 10:00Z,2026-03-20 12:00Z)', confirmed => true, now => '2026-03-19 00:00Z') AS b,
	book('ru/a', :pool, 8, '[2026-03-20 10:00Z,2026-03-20 12:00Z)', confirmed => true, now => '2026-03-19 00:00Z') AS c \gset
SELECT FROM move_reservation(:moved, '[2026-03-20 14:00Z,2026-03-20 16:00Z)', now => '2026-03-20 09:30Z');
SELECT FROM move_reservation(:moved, '[2026-03-20 10:00Z,2026-03-20 12:00Z)', now => '2026-03-20 09:31Z');
SELECT FROM shrink_reservation(:shrunk, until => '2026-03-20 11:00Z', now => '2026-03-20 10:50Z');
SELECT FROM extend_reservation(:shrunk, '2026-03-20 12:00Z', now => '2026-03-20 10:51Z');
SELECT record_reservations('2026-03-20 12:00Z') AS two;
SELECT * FROM charged('ru', :moved) UNION ALL SELECT * FROM charged('ru', :shrunk);
-- In a pool where only what was started counts: who comes late, and who does not come.
SELECT create_pool('ru-east', 'nvidia/h100-sxm5-80gb', 'started') AS pool \gset
UPDATE pool SET counts = 'started' WHERE id = :pool;
SELECT count(*) AS none FROM offer_devices(:pool, 100, '[2026-01-01 00:00Z,)', now => '2026-01-01 00:00Z');
SELECT reserve('ru/a', 8, '[2026-03-13 10:00Z,2026-03-13 14:00Z)', :pool) AS late, reserve('ru/a', 8, '[2026-03-13 10:00Z,2026-03-13 14:00Z)', :pool) AS never \gset
SELECT record_reservations('2026-03-13 10:30Z') AS none_yet;
SELECT start_reservation(:late, now => '2026-03-13 11:00Z');
SELECT * FROM charged('ru', :late);
SELECT record_reservations('2026-03-13 13:59Z') AS none_yet, record_reservations('2026-03-13 14:00Z') AS no_show;
SELECT * FROM charged('ru', :never);

-- What runs in it has started it, whether anybody said so or not; and no longer when it is taken back.
SELECT reserve('ru/a', 8, '[2026-03-13 15:00Z,2026-03-13 19:00Z)', :pool) AS used \gset
SELECT record_reservations('2026-03-13 19:00Z') AS no_show, job('somebody else', 'ru/b', 8, '[2026-03-13 15:00Z,2026-03-13 19:00Z)', :used), job('came late', 'ru/a', 8, '[2026-03-13 16:00Z,2026-03-13 18:00Z)', :used);
SELECT record_reservations('2026-03-13 19:01Z') AS two;
SELECT c.account = (SELECT id FROM account WHERE name = 'ru/a') AS own, c.kind, c.measure, trim_scale(c.quantity) AS quantity, trim_scale(c.cost) AS cost
FROM rate_usage('ru', '[2026-03-13 15:00Z,2026-03-13 19:00Z)', book => 'ru') AS c WHERE c.reservation = :used ORDER BY 1, 3, 2;
BEGIN;
SELECT record_usage('ru', 'came late', NULL, NULL, NULL, NULL, NULL, revision => 1, retracted => true) IS NULL AS retracted, record_reservations('2026-03-13 19:02Z') AS two;
SELECT source_id = :used || '/forgone/1' AS all_forgone, devices, started_at, ended_at FROM usage_record WHERE source = 'compute_ledger' AND reservation = :used AND superseded = 'infinity';
ROLLBACK;

-- ------------------------------------------------------------------ outages

-- What a centre could not give is not charged: of 8, 4 were there for an hour, which the one that is drained last has first.
SELECT create_pool('ru-east', 'nvidia/h100-sxm5-80gb', 'broken') AS pool \gset
SELECT count(*) AS none FROM offer_devices(:pool, 12, '[2026-01-01 00:00Z,)', now => '2026-01-01 00:00Z');
SELECT (SELECT b.reservation FROM book('ru/a', :pool, 8, '[2026-03-14 10:00Z,2026-03-14 14:00Z)', confirmed => true, now => '2026-03-14 00:00Z') AS b) AS low,
	(SELECT b.reservation FROM book('ru/b', :pool, 4, '[2026-03-14 10:00Z,2026-03-14 14:00Z)', priority => 1, confirmed => true, now => '2026-03-14 01:00Z') AS b) AS high \gset
SELECT record_reservations('2026-03-14 10:00Z') AS two;
SELECT record_outage(:pool, 4, '[2026-03-14 11:00Z,)', now => '2026-03-14 11:05Z') AS outage \gset
SELECT record_reservations('2026-03-14 11:06Z') AS two_levels;
SELECT end_outage(:outage, '2026-03-14 12:00Z', now => '2026-03-14 12:01Z');
SELECT record_reservations('2026-03-14 12:02Z') AS revised;
SELECT source_id, revision, devices, started_at, ended_at FROM usage_record WHERE reservation = :low AND superseded = 'infinity' ORDER BY started_at;
SELECT * FROM charged('ru', :low);
SELECT * FROM charged('ru', :high);
-- What the centre refused was never there. And whatever priority somebody gives himself, the others are recorded.
SELECT (SELECT b.reservation FROM book('ru/a', :pool, 4, '[2026-03-15 10:00Z,2026-03-15 14:00Z)', confirmed => true, now => '2026-03-14 00:00Z') AS b) AS refused,
	(SELECT b.reservation FROM book('ru/a', :pool, 4, '[2026-03-15 10:00Z,2026-03-15 14:00Z)', priority => -2147483648, confirmed => true, now => '2026-03-14 00:00Z') AS b) AS lowest \gset
SELECT record_reservations('2026-03-15 10:00Z') AS two, record_outage(:pool, 5, '[2026-03-15 10:00Z,2026-03-15 11:00Z)', now => '2026-03-15 10:30Z') > 0 AS outage;
SELECT answer_reservation(:refused, 'refused', now => '2026-03-15 11:00Z');
SELECT record_reservations('2026-03-15 11:00Z') AS retracted_and_cut;
SELECT * FROM charged('ru', :refused) UNION ALL SELECT * FROM charged('ru', :lowest);
-- No fee for what could not be had. What was planned is no outage.
SELECT create_pool('ru-east', 'nvidia/h100-sxm5-80gb', 'dark') AS dark \gset
UPDATE pool SET notice = '2 hours' WHERE id = :dark;
SELECT count(*) AS none FROM offer_devices(:dark, 8, '[2026-01-01 00:00Z,)', now => '2026-01-01 00:00Z');
SELECT reserve('ru/a', 8, '[2026-03-16 12:00Z,2026-03-16 16:00Z)', :dark) AS dark_one, reserve('ru/a', 8, '[2026-03-17 10:00Z,2026-03-17 14:00Z)', :dark) AS past \gset
SELECT record_outage(:dark, 8, '[2026-03-16 11:00Z,2026-03-16 20:00Z)', now => '2026-03-16 11:00Z') > 0 AS outage, cancel_reservation(:dark_one, now => '2026-03-16 12:31Z');
SELECT record_reservations('2026-03-17 14:00Z') AS the_other;
SELECT (plan_maintenance(:dark, 8, '[2026-03-17 00:00Z,2026-03-18 00:00Z)', now => '2026-03-17 15:00Z')).maintenance > 0 AS planned, record_outage(:dark, 1, '[2026-03-17 11:00Z,2026-03-17 11:30Z)', now => '2026-03-17 15:00Z') > 0 AS outage;
SELECT record_reservations('2026-03-17 15:00Z') AS none;
SELECT :dark_one AS reservation, c.* FROM charged('ru', :dark_one) AS c UNION ALL SELECT :past, c.* FROM charged('ru', :past) AS c;
-- where the pool gives half of it back
BEGIN;
UPDATE reservation SET usage_due = lower(period), outage_credit = 0.5 WHERE id = :low;
SELECT record_reservations('2026-03-14 14:00Z') AS one;
SELECT devices, started_at, ended_at FROM usage_record WHERE reservation = :low AND superseded = 'infinity' ORDER BY started_at;
ROLLBACK;

-- ------------------------------------------------------------------ closing

CREATE FUNCTION sqlstate_of(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT reserve('ru/a', 8, '[2026-03-30 12:00Z,2026-04-02 00:00Z)') AS r \gset
-- nobody says for long that the one before has ended
SELECT create_pool('ru-east', 'nvidia/h100-sxm5-80gb', 'waits') AS waits \gset
SELECT count(*) AS none FROM offer_devices(:waits, 8, '[2026-01-01 00:00Z,)', now => '2026-01-01 00:00Z');
SELECT reserve('ru/b', 8, '[2026-03-20 10:00Z,2026-03-20 12:00Z)', :waits) AS overruns, reserve('ru/b', 8, '[2026-03-20 12:00Z,2026-03-20 14:00Z)', :waits) AS kept_waiting \gset
SELECT start_reservation(:overruns, '2026-03-20 10:00Z');
SELECT record_reservations('2026-03-20 14:00Z') AS one;
\set VERBOSITY default
DO $$
BEGIN
	PERFORM close_period('ru', '[2026-03-01 00:00Z,2026-04-01 00:00Z)', 'ru');
EXCEPTION WHEN OTHERS THEN
	RAISE NOTICE '% %', SQLSTATE, SQLERRM;
END
$$;
\set VERBOSITY terse
-- An account does not end before what is reserved for it begins: neither what is to come, nor what is not recorded yet.
SELECT create_account('ru end', currency => 'USD', valid_from => '2026-01-01') > 0 AS ends, create_account('ru into', currency => 'USD', valid_from => '2026-01-01') > 0 AS into;
SELECT reserve('ru end', 1, '[2026-03-28 00:00Z,2026-03-29 00:00Z)') AS nobodys, reserve('ru end', 1, '[2026-03-26 00:00Z,2026-03-27 12:00Z)') AS over \gset
\set VERBOSITY default
DO $$
BEGIN
	UPDATE account_version SET valid = '[2026-01-01 00:00Z,2026-03-27 00:00Z)' WHERE account = (SELECT id FROM account WHERE name = 'ru end') AND upper_inf(recorded);
	SET CONSTRAINTS ALL IMMEDIATE;
EXCEPTION WHEN integrity_constraint_violation THEN
	RAISE NOTICE '% %', SQLSTATE, regexp_replace(SQLERRM, '\d{2,}', 'N');
END
$$;
\set VERBOSITY terse
-- nor one that it was merged into; a merger itself leaves it one
BEGIN;
SELECT merge_account('ru end', 'ru into', '2026-03-27 00:00Z');
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
UPDATE account_version SET valid = '[2026-01-01 00:00Z,2026-03-27 06:00Z)' WHERE account = (SELECT id FROM account WHERE name = 'ru into') AND upper_inf(recorded);
SELECT sqlstate_of('SET CONSTRAINTS ALL IMMEDIATE');
ROLLBACK;
-- nor is anything booked for, or moved to, a time at which there is none
BEGIN;
SELECT cancel_reservation(:nobodys, now => '2026-03-01 00:00Z'), record_reservations('2026-03-27 12:00Z') > 0 AS recorded;
UPDATE account_version SET valid = '[2026-01-01 00:00Z,2026-03-27 00:00Z)' WHERE account = (SELECT id FROM account WHERE name = 'ru end') AND upper_inf(recorded);
SET CONSTRAINTS ALL IMMEDIATE;
SELECT reserve('ru end', 1, '[2026-03-20 00:00Z,2026-03-21 00:00Z)') AS earlier \gset
SELECT sqlstate_of(format($$SELECT move_reservation(%s, '[2026-03-28 00:00Z,2026-03-29 00:00Z)', now => '2026-03-01 00:00Z')$$, :earlier)) AS moved,
	sqlstate_of(format($$SELECT book('ru end', ARRAY[ROW(%1$s, 1, '[2026-03-20 00:00Z,2026-03-21 00:00Z)'), ROW(%1$s, 1, '[2026-03-28 00:00Z,2026-03-29 00:00Z)')]::reservation_piece[], now => '2026-03-01 00:00Z')$$, pool)) AS booked
FROM reservation WHERE id = :earlier;
ROLLBACK;
-- what has none all the same stays due, and keeps no other from being closed
SELECT cancel_reservation(:over, now => '2026-03-25 00:00Z');
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE account_version SET valid = '[2026-01-01 00:00Z,2026-03-27 00:00Z)' WHERE account = (SELECT id FROM account WHERE name = 'ru end') AND upper_inf(recorded);
COMMIT;
SELECT count(*) AS none FROM record_reservations('2026-03-28 12:00Z') AS n WHERE n > 0;
SELECT usage_due FROM reservation WHERE id = :nobodys;
SELECT close_period('ru end', '[2026-03-01 00:00Z,2026-04-01 00:00Z)', 'ru work') > 0 AS closed;
-- made in the transaction that closes, it is not known yet
BEGIN;
SELECT record_reservations('2026-04-03 00:00Z') AS one;
SELECT close_period('ru', '[2026-03-01 00:00Z,2026-04-01 00:00Z)', 'ru');
ROLLBACK;
SELECT record_reservations('2026-04-03 00:00Z') AS one;
SELECT close_period('ru', '[2026-03-01 00:00Z,2026-04-01 00:00Z)', 'ru') > 0 AS closed;
SELECT c.kind, c.measure, count(*), trim_scale(sum(c.quantity)) AS quantity, trim_scale(sum(c.cost)) AS cost FROM charge AS c WHERE c.book = 'ru' GROUP BY c.kind, c.measure ORDER BY c.kind, c.measure;
-- Drawn later: a correction takes from what was unused and from nothing else; and is explained.
SELECT job('too late', 'ru/a', 10, '[2026-03-30 12:00Z,2026-03-30 18:00Z)', :r) AS recorded;
-- Said after the closing, the wait is taken back by a correction, too.
SELECT end_reservation(:overruns, at => '2026-03-20 13:00Z', now => '2026-04-05 00:00Z'), record_reservations('2026-04-05 00:00Z') AS made_already;
SELECT r.kind, r.measure, r.day, trim_scale(r.quantity) AS quantity, trim_scale(r.cost) AS cost FROM rate_corrections('ru', book => 'ru') AS r ORDER BY r.kind, r.measure, r.day;
SELECT d.measure, d.day, trim_scale(d.cost_a) AS was, trim_scale(d.cost_b) AS is_now, d.reasons
FROM rate_diff('ru', '[2026-03-01,2026-04-01)', (SELECT as_of FROM period_close WHERE book = 'ru'), NULL, 'ru') AS d ORDER BY d.measure, d.day, d.cost_a, d.cost_b;
SELECT close_period('ru', '[2026-04-01 00:00Z,2026-05-01 00:00Z)', 'ru') > 0 AS closed;
SELECT c.kind, t.source_id = :r || '/1' AS of_it, t.part_from, t.part_to, t.devices, trim_scale(t.quantity) AS quantity, trim_scale(t.cost) AS cost
FROM charge AS c, trace_charge(c.id) AS t WHERE c.book = 'ru' AND c.corrects IS NOT NULL ORDER BY c.kind, t.part_from, t.quantity;
SELECT check_name, object, detail FROM check_ledger() WHERE severity = 'breach' AND check_name <> 'unpriced usage';

-- What the ledger made is what the reservation is, and is made in time.
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE _usage_record SET devices = 9 WHERE reservation = :running AND source_id = :running || '/1' AND superseded = 'infinity';
UPDATE _usage_record SET reservation = 999999 WHERE reservation = :never AND kind IN (SELECT number FROM usage_kind WHERE source = 'compute_ledger');
UPDATE reservation SET usage_due = '2026-04-01', state = 'running' WHERE id = :late;
SELECT check_name, object, detail, severity
FROM check_ledger(false) WHERE check_name IN ('reserved usage', 'reservation not recorded', 'reservation still there') ORDER BY 1, 2;
ROLLBACK;

-- ------------------------------------------------------------------ FOCUS, rollups

SELECT create_price('nvidia/h100-sxm5-80gb', 'USD', 2, measure => 'reserved') > 0 AS reserved, create_price('nvidia/h100-sxm5-80gb', 'USD', 3) > 0 AS allocated;
SELECT "CapacityReservationId" = :r::text AS id, "CapacityReservationStatus", "ChargeCategory", "x_Kind", sum("BilledCost") AS billed, sum("EffectiveCost") AS effective, sum("ConsumedQuantity") AS consumed, min("ChargeDescription") LIKE '%reservation%' AS said
FROM focus_rated(NULL::focus_1_2, 'ru', '[2026-03-30 00:00Z,2026-04-03 00:00Z)') WHERE "x_Reservation" = :r GROUP BY 1, 2, 3, 4 ORDER BY 4;
CREATE TABLE bill AS SELECT * FROM focus_rated(NULL::focus_1_2, 'ru', '[2026-03-01 00:00Z,2026-04-03 00:00Z)');
SELECT requirement, count(*) FROM focus_check('bill') GROUP BY requirement ORDER BY 1;
-- What is reserved until a time to come counts until the recorded time.
SELECT count(*) > 0 AS periods FROM generate_billing_periods(NULL, (clock_timestamp() + interval '2 months')::date);
SELECT (SELECT id FROM account WHERE name = 'ru/b') AS b, date_trunc('hour', clock_timestamp()) AS at \gset
SELECT reserve('ru/b', 1, tstzrange(:'at'::timestamptz - interval '2 hours', :'at'::timestamptz + interval '1 day')) > 0 AS r;
SELECT record_reservations() AS one;
SELECT refresh_rollups() > :'at' AS refreshed;
SELECT as_of FROM rollup_state \gset
-- Reserved and not drawn is, in utilization, what rating says is unused; of a case worked by hand, 8 for a day of which 156 device-hours are drawn, 36.
SELECT count(*) AS days, sum(trim_scale(r.quantity)) = sum(u.reserved_unused_hours) AS the_sum, count(*) FILTER (WHERE r.quantity IS DISTINCT FROM u.reserved_unused_hours) AS others
FROM (SELECT c.account, c.day, round(sum(c.quantity), 12) AS quantity FROM rate_usage('ru', '[2026-03-01 00:00Z,2026-03-30 00:00Z)', book => 'ru') AS c WHERE c.kind = 'reservation unused' GROUP BY c.account, c.day) AS r
FULL JOIN (SELECT * FROM utilization_daily WHERE account IS NOT NULL AND reserved_unused_hours IS NOT NULL AND day BETWEEN '2026-03-01' AND '2026-03-29') AS u ON u.account = r.account AND u.day = r.day;
SELECT account_name, day, trim_scale(reserved_hours) AS reserved, trim_scale(reserved_unused_hours) AS unused, reserved_unused_work, trim_scale(allocated_hours) AS allocated
FROM utilization_daily WHERE day = '2026-03-02' ORDER BY day, account NULLS FIRST;
SELECT hour, trim_scale(reserved_unused_hours) AS unused, reserved_unused_work FROM utilization_hourly WHERE account IS NULL AND hour BETWEEN '2026-03-02 04:00Z' AND '2026-03-02 13:00Z' AND hour NOT BETWEEN '2026-03-02 07:00Z' AND '2026-03-02 10:00Z' ORDER BY hour;
-- and it is checked: that it adds up, and that no more is unused, nor less, than was reserved
BEGIN;
DELETE FROM _unused_hourly;
SELECT check_name, count(*) > 0 FROM _check_rollups() GROUP BY 1 ORDER BY 1;
ROLLBACK;
SELECT sum(device_hours) BETWEEN 2 AND 3 AS until_now FROM usage_hourly WHERE account = :b AND hour >= :'at'::timestamptz - interval '2 hours';
SELECT sum(quantity) BETWEEN 2 AND 3 AS until_now FROM rate_usage('ru/b', tstzrange(:'at'::timestamptz - interval '2 hours', :'at'::timestamptz + interval '1 day'), book => 'ru') WHERE measure = 'reserved';
SELECT check_name, object, detail FROM check_ledger() WHERE severity = 'breach' AND check_name NOT IN ('unpriced usage');

\c postgres
DROP DATABASE regress_reserved_usage;
