-- Accounts: versions with two times, the tree, merges, payers.
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set VERBOSITY terse
\pset null '(null)'
-- a ledger of this test's own
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
RESET client_min_messages;
SELECT create_ledger();

-- Currencies and countries.
SELECT code, minor_digits, ledger_scale FROM currency WHERE code IN ('CNY', 'JPY', 'KWD', 'CLF', 'USD') ORDER BY code;
SELECT count(*) FROM country;
SELECT load_currencies();
INSERT INTO currency VALUES ('GPUC', 'compute credits', 0, 6);
INSERT INTO currency VALUES ('usd', 'no', 2, 8);
UPDATE currency SET ledger_scale = 4 WHERE code = 'GPUC' RETURNING ledger_scale;

-- A tree.
SELECT create_account('acme', 'provider', currency => 'CNY', time_zone => 'Asia/Shanghai', jurisdiction => 'CN', jurisdiction_verified => true) AS acme;
SELECT create_account('lab', parent => 'acme'), create_account('works', parent => 'acme', currency => 'USD', time_zone => 'Europe/Berlin');
SELECT create_account('team', parent => 'lab', title => 'A team'), create_account('job', parent => 'team');
SELECT a.name AS account, b.name AS ancestor, t.depth, t.level, t.valid
FROM account_tree() AS t JOIN account AS a ON a.id = t.account JOIN account AS b ON b.id = t.ancestor
ORDER BY 1, t.depth;

-- Versions that are no tree: a circle ends, what has a parent that is not there is a root, NULLs do no harm.
SELECT thing, path FROM _tree_path('{1,2,1,3}', '{NULL,1,2,9}', array_fill('(,)'::tstzrange, '{4}')) ORDER BY path;
SELECT count(*) FROM _tree_path('{1,2}', NULL, '{}');

-- What is refused.
SELECT create_account('lab', parent => 'acme');
SELECT create_account('nobody', parent => 'no such account');
SELECT create_account('nobody');
SELECT create_account('nobody', 'friend', parent => 'acme');
SELECT create_account('nobody', parent => 'acme', jurisdiction => 'XX');
SELECT create_account('nobody', parent => 'acme', currency => 'XXX');
SELECT create_account('nobody', parent => 'acme', time_zone => 'Mars/Olympus');
SELECT create_account('nobody', parent => 'acme', time_zone => 'EST5EDT4');
SELECT create_account('nobody', parent => 'acme', calendar => 'no such calendar');
SELECT create_account('nobody', parent => 'acme', jurisdiction_verified => true);
SELECT count(*) AS nobody FROM account WHERE name = 'nobody';
UPDATE account SET name = 'other' WHERE name = 'lab';
UPDATE currency SET ledger_scale = 2 WHERE code = 'CNY';
SELECT move_account('team', 'works', NULL);
SELECT move_account('team', 'works', 'infinity');
INSERT INTO account_version (account, parent, valid) SELECT id, account_id('lab'), '(,-infinity)' FROM account WHERE name = 'team';
TRUNCATE account_version;
SELECT move_account('lab', 'job', '2026-05-01Z');
SELECT move_account('acme', 'acme', '2026-05-01Z');
SELECT move_account('team', NULL, '2026-05-01Z');

-- A cycle at some valid time only, made of two moves that are each right alone.
BEGIN;
SELECT move_account('lab', 'works', '2026-05-01Z');
SELECT move_account('works', 'team', '2026-07-01Z');
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
-- A version of a parent that ends before its child's does.
BEGIN;
UPDATE account_version SET valid = '[,2026-06-01Z)' WHERE account = account_id('lab') AND upper_inf(recorded);
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
BEGIN;
DELETE FROM account_version WHERE account = account_id('team') AND upper_inf(recorded);
COMMIT;
-- Taken apart and put together again is right at the end.
BEGIN;
DELETE FROM account_version WHERE account = account_id('team') AND upper_inf(recorded);
INSERT INTO account_version (account, parent, valid)
SELECT a.id, b.id, v::tstzrange FROM account AS a, account AS b, unnest(ARRAY['[,2026-02-01Z)', '[2026-02-01Z,)']) AS v WHERE a.name = 'team' AND b.name = 'lab';
COMMIT;
-- Two that overlap are not.
INSERT INTO account_version (account, parent, valid) SELECT a.id, NULL, '[2026-01-15Z,2026-02-15Z)' FROM account AS a WHERE a.name = 'team';
INSERT INTO account_version (account, parent, valid, currency, time_zone) SELECT a.id, NULL, '[2026-01-15Z,2026-02-15Z)', 'USD', 'UTC' FROM account AS a WHERE a.name = 'team';

-- What was known before is kept, whatever is written into recorded, and does not change.
SELECT count(*) AS closed FROM account_version WHERE NOT upper_inf(recorded);
UPDATE account_version SET title = 'no' WHERE NOT upper_inf(recorded);
DELETE FROM account_version WHERE NOT upper_inf(recorded);
UPDATE account_version SET account = account_id('job') WHERE account = account_id('team') AND upper_inf(recorded);
UPDATE account_version SET recorded = '[2000-01-01Z,)', title = 'The team' WHERE account = account_id('team') AND upper_inf(recorded);
INSERT INTO account (name) VALUES ('forger');
INSERT INTO account_version (account, parent, recorded) SELECT a.id, account_id('lab'), '[2000-01-01Z,2001-01-01Z)' FROM account AS a WHERE a.name = 'forger';
SELECT count(*) AS forged FROM account_version WHERE lower(recorded) < '2020-01-01Z';
SELECT count(*) AS versions, count(*) FILTER (WHERE upper_inf(recorded)) AS current FROM account_version WHERE account = account_id('team');
-- An UPDATE that changes nothing leaves no trace; nor does what the transaction itself made.
UPDATE account_version SET title = title WHERE upper_inf(recorded);
BEGIN;
UPDATE account_version SET title = 'x' WHERE account = account_id('job') AND upper_inf(recorded);
UPDATE account_version SET title = 'y' WHERE account = account_id('job') AND upper_inf(recorded);
COMMIT;
SELECT title, upper_inf(recorded) AS current FROM account_version WHERE account = account_id('job') ORDER BY recorded;
-- Infinite bounds have one form.
SELECT DISTINCT valid FROM account_version WHERE account = account_id('forger');

-- Payers: the root, until an account gets a calendar of its own.
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('works from the 15th', '2026-01-15', 'Europe/Berlin');
SELECT change_account('works', '2026-03-01Z', calendar => 'works from the 15th');
SELECT move_account('job', 'works', '2026-04-01Z');
SELECT a.name AS account, b.name AS payer, c.name AS calendar, p.time_zone, p.currency, p.valid
FROM payers() AS p JOIN account AS a ON a.id = p.account JOIN account AS b ON b.id = p.payer JOIN billing_calendar AS c ON c.id = p.calendar
ORDER BY a.name COLLATE "C", p.valid;
SELECT change_account('acme', '2026-01-01Z', jurisdiction => 'HK');
SELECT jurisdiction, jurisdiction_verified, valid FROM account_version WHERE account = account_id('acme') AND upper_inf(recorded) ORDER BY valid;
SELECT change_account('nobody', '2026-01-01Z', kind => 'internal');

-- Merges: the old account ends, its name and number go on for the new one.
SELECT ledger_watermark() AS before_merge \gset
SELECT pg_sleep(0.01);
SELECT merge_account('lab', 'no such account', '2026-06-01Z');
SELECT merge_account('lab', 'lab', '2026-06-01Z');
SELECT merge_account('lab', 'team', '2026-06-01Z');
SELECT merge_account('lab', 'works', 'infinity');
SELECT merge_account('lab', 'works', '2026-06-01Z');
SELECT merge_account('lab', 'acme', '2026-07-01Z');
SELECT merge_account('works', 'lab', '2026-07-01Z');
SELECT merge_account('works', 'lab', '2026-05-01Z');
-- a chain
SELECT create_account('group', 'customer', parent => 'acme');
SELECT merge_account('works', 'group', '2026-08-01Z');
SELECT a.name AS account, t.depth, b.name AS ancestor, t.valid
FROM account_tree() AS t JOIN account AS a ON a.id = t.account JOIN account AS b ON b.id = t.ancestor
WHERE a.name IN ('lab', 'team')
ORDER BY 1, t.valid, t.depth;
SELECT t AS at, (SELECT name FROM account WHERE id = account_id('lab', t)) AS lab, (SELECT name FROM account WHERE id = account_id('works', t)) AS works
FROM unnest(ARRAY['2026-05-31Z', '2026-06-01Z', '2026-07-31Z', '2026-08-01Z']::timestamptz[]) AS t;
SELECT n.name, a.name AS means, n.valid FROM account_names() AS n JOIN account AS a ON a.id = n.account WHERE n.name IN ('lab', 'works') ORDER BY 1, 3;
-- What was known before the merge says so.
SELECT a.name AS account, t.depth, b.name AS ancestor, t.valid
FROM account_tree(:'before_merge') AS t JOIN account AS a ON a.id = t.account JOIN account AS b ON b.id = t.ancestor
WHERE a.name = 'lab' ORDER BY t.valid, t.depth;
INSERT INTO account_version (account, parent, valid) SELECT a.id, b.id, '[2027-01-01Z,)' FROM account AS a, account AS b WHERE a.name = 'lab' AND b.name = 'acme';
-- An account that has ended, or not begun, is not meant.
SELECT create_account('new', parent => 'acme', valid_from => '2026-09-01Z') > 0 AS made;
SELECT account_id('new', '2026-08-31Z') AS early, account_id('new', '2026-09-01Z') IS NOT NULL AS there, account_id('unknown') AS unknown, account_id(NULL) AS none;

-- A larger tree, moved about, against the tree at single instants.
SELECT setseed(0.5);
BEGIN;
INSERT INTO account (name) SELECT 'n' || n FROM generate_series(1, 400) AS n;
INSERT INTO account_version (account, parent, time_zone, currency)
SELECT a.id, b.id, 'UTC', 'USD'
FROM generate_series(1, 400) AS n JOIN account AS a ON a.name = 'n' || n LEFT JOIN account AS b ON n > 4 AND b.name = 'n' || (n / 3 + 1);
COMMIT;
-- an account moves under one of a lower number only: no cycle whenever
DO $$
BEGIN
	FOR i IN 1 .. 300 LOOP
		PERFORM compute_ledger.move_account('n' || (5 + (i * 37) % 396), 'n' || (1 + floor(random() * (4 + (i * 37) % 396)))::integer,
			timestamptz '2026-01-01Z' + i % 50 * interval '1 day');
		COMMIT;
	END LOOP;
END
$$;
WITH instant AS (
	SELECT timestamptz '2025-12-31Z' + i * interval '12 hours' AS at FROM generate_series(0, 110, 5) AS i
), plain AS (
	WITH RECURSIVE up AS (
		SELECT i.at, v.account, v.account AS ancestor, v.parent, 0 AS depth
		FROM instant AS i, account_version AS v WHERE upper_inf(v.recorded) AND v.valid @> i.at
		UNION ALL
		SELECT u.at, u.account, v.account, v.parent, u.depth + 1
		FROM up AS u JOIN account_version AS v ON v.account = u.parent AND upper_inf(v.recorded) AND v.valid @> u.at
	)
	SELECT at, account, ancestor, depth, max(depth) OVER (PARTITION BY at, account) - depth AS level FROM up
), tree AS (
	SELECT i.at, t.account, t.ancestor, t.depth, t.level FROM instant AS i JOIN account_tree() AS t ON t.valid @> i.at
	WHERE NOT EXISTS (SELECT FROM account_merge AS m WHERE m.account = t.account AND m.at <= i.at)
)
SELECT (SELECT count(*) FROM plain) > 30000 AS many, (SELECT max(depth) FROM plain) > 6 AS deep,
	(SELECT count(*) FROM (TABLE plain EXCEPT TABLE tree) AS x) AS missing,
	(SELECT count(*) FROM (TABLE tree EXCEPT TABLE plain) AS x) AS too_many,
	(SELECT count(*) FROM tree) - (SELECT count(*) FROM plain) AS twice;
-- no two ways at one instant
SELECT count(*) AS overlaps FROM account_tree() AS a JOIN account_tree() AS b ON b.account = a.account AND b.depth = a.depth AND b.valid && a.valid AND (b.ancestor, b.valid) <> (a.ancestor, a.valid);
-- as of every time at which something was recorded the tree is whole
WITH version AS MATERIALIZED (
	SELECT r.at, v.account, v.parent, v.valid
	FROM (SELECT DISTINCT lower(recorded) AS at FROM account_version) AS r JOIN account_version AS v ON v.recorded @> r.at
), whole AS MATERIALIZED (
	SELECT at, account, range_agg(valid) AS valid FROM version GROUP BY at, account
)
SELECT count(DISTINCT v.at) > 100 AS times, count(DISTINCT v.at) FILTER (WHERE v.parent IS NOT NULL AND (v.valid <@ p.valid) IS NOT TRUE) AS bad
FROM version AS v LEFT JOIN whole AS p ON p.at = v.at AND p.account = v.parent;
-- A tree has at most 100 accounts above an account, by whichever way it grows, and so have chains of mergers.
BEGIN;
SELECT count(create_account('deep' || i, parent => CASE WHEN i > 0 THEN 'deep' || i - 1 END, currency => CASE WHEN i = 0 THEN 'USD' END)) FROM generate_series(0, 100) AS i;
COMMIT;
SELECT max(level) AS level, count(*) FROM account_tree() AS t JOIN account AS a ON a.id = t.account WHERE a.name ~ '^deep';
SELECT create_account('deep101', parent => 'deep100');
SELECT create_account('above', currency => 'USD') > 0 AS made;
SELECT move_account('deep0', 'above', '2026-01-01Z');
SELECT move_account('deep50', 'above', '2026-01-01Z');
SELECT create_account('deep101', parent => 'deep100', valid_from => '2026-01-01Z') > 0 AS made;
SELECT create_account('deep102', parent => 'deep100');
-- one that is put in between, at a time at which what is under it is elsewhere
SELECT move_account('above', 'deep48', '2026-01-01Z');
SELECT move_account('above', 'deep49', '2026-01-01Z');
-- a long cycle
BEGIN;
SELECT count(create_account('round' || i, parent => CASE WHEN i > 0 THEN 'round' || i - 1 END, currency => CASE WHEN i = 0 THEN 'USD' END)) FROM generate_series(0, 200) AS i;
SELECT move_account('round0', 'round200', '-infinity');
COMMIT;
BEGIN;
SELECT count(create_account('merged' || i, currency => 'USD')) FROM generate_series(0, 101) AS i;
COMMIT;
SELECT count(merge_account('merged' || i, 'merged' || i + 1, timestamptz '2026-01-01Z' + i * interval '1 hour')) FROM generate_series(0, 99) AS i;
SELECT merge_account('merged100', 'merged101', '2026-03-01Z');
SELECT merge_account('merged100', 'merged0', '2026-03-01Z');
-- past merge_account(): into one that has ended by then
SELECT create_account('old lab', currency => 'USD') > 0 AND create_account('new lab', currency => 'USD') > 0 AS made;
SELECT merge_account('old lab', 'new lab', '2026-05-01Z');
UPDATE account_version SET valid = tstzrange(NULL, '2026-04-01Z') WHERE account = account_id('new lab') AND upper_inf(recorded);
UPDATE account_version SET valid = tstzrange(NULL, '2026-06-01Z') WHERE account = account_id('new lab') AND upper_inf(recorded);
-- and what that one was merged into before can no more be taken from it
SELECT create_account('last lab', currency => 'USD') > 0 AS made;
SELECT merge_account('new lab', 'last lab', '2026-04-01Z');
DELETE FROM account_merge WHERE account = (SELECT id FROM account WHERE name = 'new lab') AND upper_inf(recorded);
UPDATE account_merge SET at = '2026-05-15Z' WHERE account = (SELECT id FROM account WHERE name = 'new lab') AND upper_inf(recorded);
-- past merge_account(): a circle
BEGIN;
DELETE FROM account_version WHERE account = (SELECT id FROM account WHERE name = 'merged100') AND upper_inf(recorded);
INSERT INTO account_merge (account, merged_into, at) SELECT a.id, b.id, '2026-03-01Z' FROM account AS a, account AS b WHERE a.name = 'merged100' AND b.name = 'merged0';
COMMIT;
-- and none for those that come after it
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
RESET client_min_messages;
