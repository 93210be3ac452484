-- Reservations as usage and money: what is reserved, drawn, left unused and beyond.  t/112_reserved_usage.pl compares random ones with plain SQL.
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set VERBOSITY terse
SELECT create_ledger() >= 0 AS made;
SELECT create_account('ru', currency => 'USD', valid_from => '2026-01-01') > 0 AS ru, create_account('ru/a', parent => 'ru', valid_from => '2026-01-01') > 0 AS a,
	create_account('ru/b', parent => 'ru', valid_from => '2026-01-01') > 0 AS b, create_region('ru-east') > 0 AS east, create_region('ru-west') > 0 AS west,
	generate_billing_periods(NULL, '2026-09-01') >= 0 AS periods;
SELECT create_pool('ru-east', 'nvidia/h100-sxm5-80gb') > 0 AS pool;
-- A reservation as the book has it.
CREATE FUNCTION reserve(account text, devices integer, period tstzrange, state text DEFAULT 'confirmed', centre text DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
	WITH b AS (INSERT INTO booking (account, booked, booked_by) SELECT a.id, lower(period), 'me' FROM account AS a WHERE a.name = reserve.account RETURNING id, account),
	r AS (INSERT INTO reservation (booking, pool, account, guest, devices, period, occupies, since, state, confirmed_at, centre_id, usage_due)
		SELECT b.id, (SELECT p.id FROM pool AS p WHERE p.region = region_id('ru-east')), b.account, false, devices, period, period, lower(period), state, lower(period), centre, lower(period) FROM b RETURNING *),
	c AS (INSERT INTO reservation_change (reservation, action, at, state, devices, period, occupies) SELECT r.id, 'book', lower(period), r.state, r.devices, r.period, r.occupies FROM r)
	SELECT r.id FROM r
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
SELECT reserve('ru/a', 8, '[2026-03-05 00:00Z,2026-03-06 00:00Z)', centre => :'r') AS c \gset
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
