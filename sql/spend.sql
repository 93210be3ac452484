-- Spend by label: keys and values, rules for what has no record, reservations, readers.  t/209_spend.pl shares out random ledgers.
CREATE DATABASE regress_spend;
\c regress_spend
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SELECT create_ledger() > 0;
SELECT create_account('acme', currency => 'EUR') > 0, create_account('acme/lab', parent => 'acme') > 0, create_account('zenith', currency => 'EUR') > 0, create_region('hall') > 0;
SELECT create_price('nvidia/h100', 'EUR', 3) > 0, create_price('nvidia/h100', 'EUR', 2, measure => 'reserved') > 0,
	create_price('nvidia/a100', 'EUR', 10, unit => 'peak-device') > 0, create_price('nvidia/l4', 'EUR', 1, account => 'acme', committed_devices => 2, committed_price => 0.5) > 0;

-- ------------------------------------------------------------------ keys and values

INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, run, labels) VALUES
	('s', '1', 'acme', 'hall', 'NVIDIA H100 80GB HBM3', '1', '2026-03-01T00:00Z', '2026-03-01T01:00Z', 'r', '{"run": "not this", "team": "a", "n": 1, "o": {"k": [1]}, "t": true}'),
	('s', '2', 'acme', 'hall', 'NVIDIA H100 80GB HBM3', '1', '2026-03-01T00:00Z', '2026-03-01T02:00Z', NULL, '{"run": "l", "team": "", "n": "1"}'),
	('s', '3', 'acme', 'hall', 'NVIDIA H100 80GB HBM3', '1', '2026-03-01T00:00Z', '2026-03-01T03:00Z', NULL, '{"team": null}'),
	('s', '4', 'acme', 'hall', 'NVIDIA H100 80GB HBM3', '1', '2026-03-01T00:00Z', '2026-03-01T04:00Z', NULL, NULL);
SELECT accepted FROM accept_usage();
SELECT k.key, s.* FROM unnest('{team,run,n,o,t,none,""}'::text[]) WITH ORDINALITY AS k (key, i) CROSS JOIN LATERAL spend_by(k.key, 'acme', '[2026-03-01,2026-03-02)') AS s ORDER BY k.i, s.cost DESC;
SELECT * FROM spend_by(NULL, 'acme', '[2026-03-01,2026-03-02)');
SELECT * FROM spend_by('team', 'nobody', '[2026-03-01,2026-03-02)');
SELECT * FROM spend_by('team', NULL, NULL);
SELECT * FROM spend_by('team', 'acme', '[2026-03-01,2026-03-02)', 'infinity');
SELECT count(*) FROM spend_by('team', 'acme', '[2020-03-01,2020-03-02)');
SELECT count(*) FROM spend_by('team', 'acme', '[2026-03-01,2026-03-02)', '-infinity');

-- ------------------------------------------------------------------ what no record is behind

-- a reservation of 8 of which 2 are drawn for a quarter of the time, and what names it and is of another account; 2 that were committed to, of which 1 is used; a peak
SELECT create_pool('hall', 'nvidia/h100-sxm5-80gb') AS pool \gset
SELECT FROM offer_devices(:pool, 16, '[2026-02-01 00:00Z,)', now => '2026-02-01 00:00Z');
SELECT reservation FROM book('acme', :pool, 8, '[2026-03-10 00:00Z,2026-03-12 00:00Z)', confirmed => true, now => '2026-03-09 12:00Z') \gset
SELECT start_reservation(:reservation, now => '2026-03-10 00:00Z');
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, labels, reservation) VALUES
	('s', '11', 'acme', 'hall', 'NVIDIA H100 80GB HBM3', '2', '2026-03-10T00:00Z', '2026-03-10T12:00Z', '{"team": "a"}', 'ledger:' || :reservation),
	('s', '12', 'acme/lab', 'hall', 'NVIDIA H100 80GB HBM3', '4', '2026-03-10T00:00Z', '2026-03-10T12:00Z', '{"team": "b"}', 'ledger:' || :reservation),
	('s', '13', 'acme/lab', 'hall', 'NVIDIA H100 80GB HBM3', '1', '2026-03-11T00:00Z', '2026-03-11T12:00Z', '{"team": "b"}', 'ledger:' || :reservation),
	('s', '14', 'acme/lab', 'hall', 'NVIDIA L4', '1', '2026-03-01T00:00Z', '2026-03-01T12:00Z', '{"team": "c"}', NULL),
	('s', '15', 'acme', 'hall', 'NVIDIA A100-SXM4-40GB', '2', '2026-03-01T00:00Z', '2026-03-01T12:00Z', '{"team": "a"}', NULL),
	('s', '16', 'acme/lab', 'hall', 'NVIDIA A100-SXM4-40GB', '1', '2026-03-01T00:00Z', '2026-03-01T12:00Z', '{"team": "c"}', NULL);
SELECT accepted FROM accept_usage();
SELECT end_reservation(:reservation, now => '2026-03-12 00:00Z');
SELECT kind, sum(cost) FROM rate_usage('acme', '[2026-03-01,2026-04-01)') GROUP BY kind ORDER BY kind;
CREATE VIEW teams AS SELECT * FROM spend_by('team', 'acme', '[2026-03-01,2026-04-01)');
SELECT * FROM teams;
-- without the rule the records of a reservation are its own
UPDATE spend_rule SET share = 'not';
SELECT * FROM teams;
UPDATE spend_rule SET share = 'evenly' WHERE what = 'unused reservation';
SELECT * FROM teams;
UPDATE spend_rule SET share = 'by spend' WHERE what IN ('unused reservation', 'unused commitment');
SELECT * FROM teams;
UPDATE spend_rule SET share = 'by use' WHERE what = 'used reservation';
SELECT * FROM teams;
SELECT sum(cost) = (SELECT sum(cost) FROM rate_usage('acme', '[2026-03-01,2026-04-01)')) FROM teams;
UPDATE spend_rule SET share = 'by use' WHERE what = 'rounding';
UPDATE spend_rule SET share = 'by chance';
INSERT INTO spend_rule VALUES ('fee', 'not', 'again');
DELETE FROM spend_rule;
UPDATE spend_key SET key = 'other';
TRUNCATE spend_key CASCADE;
INSERT INTO spend_key VALUES ('');

-- ------------------------------------------------------------------ closed, and seen by a reader

INSERT INTO spend_key VALUES ('team');
SELECT close_period('acme', '[2026-03-01,2026-04-01)') > 0, refresh_rollups() IS NOT NULL;
CREATE VIEW kept AS SELECT key, value, currency, sum(cost) AS cost, coalesce(sum(cost) FILTER (WHERE shared), 0) AS shared FROM spend_label GROUP BY key, value, currency;
SELECT count(*) FROM (SELECT value, currency, cost, shared FROM kept WHERE key = 'team' EXCEPT SELECT * FROM teams) AS d;
SELECT count(*) > 0 FROM kept WHERE key = 'run';
CREATE TEMP TABLE shared_before AS SELECT * FROM spend_share;
SELECT refresh_rollups() IS NOT NULL;
SELECT count(*) FROM (SELECT * FROM spend_share EXCEPT ALL SELECT * FROM shared_before) AS d;
-- as of a time before the closing nothing was charged
SELECT refresh_rollups('2026-03-05') IS NOT NULL;
SELECT count(*) FROM spend_label;
SELECT refresh_rollups() IS NOT NULL;
SELECT count(*) > 0 FROM spend_label;
DELETE FROM spend_key WHERE key = 'user';
SELECT DISTINCT key FROM spend_share ORDER BY 1;
UPDATE spend_rule SET share = 'not' WHERE what = 'unused commitment';
SELECT count(*) FROM spend_share;
SELECT refresh_rollups() IS NOT NULL;
SELECT count(*) FROM (SELECT value, currency, cost, shared FROM kept WHERE key = 'team' EXCEPT SELECT * FROM teams) AS d;
SELECT "x_Kind", "Tags", sum("EffectiveCost") FROM focus_1_2 WHERE "Tags" IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM (SELECT "x_Kind", "x_Day", "x_Account", "Tags", "EffectiveCost" FROM focus_1_2 EXCEPT ALL
	SELECT "x_Kind", "x_Day", "x_Account", "Tags", "EffectiveCost" FROM focus_rated(NULL::focus_1_2, 'acme', '[2026-03-01,2026-04-01)')) AS d;
SELECT check_name, object, detail FROM check_ledger() WHERE check_name = 'spend by label';

CREATE ROLE regress_spend_acme;
CREATE ROLE regress_spend_lab;
SELECT grant_access('regress_spend_acme', 'reader', 'acme'), grant_access('regress_spend_lab', 'reader', 'acme/lab');
-- the lab goes elsewhere: what is charged to acme for all is acme's, and what the lab's records say is not
SELECT move_account('acme/lab', 'zenith', '2026-06-01');
SET ROLE regress_spend_acme;
SELECT DISTINCT account_name, kind, value FROM my_spend_label WHERE key = 'team' ORDER BY 1, 2, 3;
SELECT value, cost > 0 FROM spend_by('team', 'acme', '[2026-03-01,2026-04-01)');
-- shared out as the rollup has it, by what others spent, too; and of others' values not even how many there are
SELECT count(*) FROM (SELECT value, currency, sum(cost), coalesce(sum(cost) FILTER (WHERE shared), 0) FROM my_spend_label WHERE key = 'team' GROUP BY 1, 2 EXCEPT SELECT * FROM spend_by('team', 'acme', '[2026-03-01,2026-04-01)')) AS d;
SELECT count(*) - count(DISTINCT (charge, key, coalesce(value, 'none'), shared)) FROM my_spend_label;
SELECT count(*) FROM spend_label;
SELECT count(*) FROM spend_share;
SELECT * FROM spend_by('team', 'zenith', '[2026-03-01,2026-04-01)');
SELECT * FROM spend_by('team', 'nobody', '[2026-03-01,2026-04-01)');
SELECT * FROM spend_by('team', NULL, '[2026-03-01,2026-04-01)');
SELECT * FROM spend_by('team', 'acme', '[2026-03-01,2026-04-01)', book => 'purchase');
SELECT DISTINCT "Tags" FROM my_focus_1_2 ORDER BY 1;
SET ROLE regress_spend_lab;
SELECT account_name, kind, value, sum(cost) FROM my_spend_label WHERE key = 'team' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT * FROM spend_by('team', 'acme/lab', '[2026-03-01,2026-04-01)');
RESET ROLE;

-- ------------------------------------------------------------------ months that are detached

CREATE TEMP TABLE whole AS SELECT * FROM spend_label WHERE key = 'team';
ALTER TABLE _usage_record DETACH PARTITION usage_record_2026_03;
-- another rule: what was shared out stays, as the records are not there; by a new key nothing has a value until they come back
UPDATE spend_rule SET share = 'evenly' WHERE what = 'unused reservation';
INSERT INTO spend_key VALUES ('n');
SELECT refresh_rollups() IS NOT NULL;
SELECT count(*) FROM (SELECT * FROM whole EXCEPT ALL SELECT * FROM spend_label WHERE key = 'team') AS d;
SELECT key, count(value) > 0 AS valued, sum(cost) = (SELECT sum(cost) FROM charge) AS whole FROM spend_share GROUP BY key ORDER BY key;
SELECT key, complete, stale FROM spend_shared ORDER BY key;
SELECT check_name, object, detail FROM check_ledger() WHERE check_name = 'spend by label';
ALTER TABLE _usage_record ATTACH PARTITION usage_record_2026_03 FOR VALUES FROM ('2026-03-01Z') TO ('2026-04-01Z');
SELECT refresh_rollups() IS NOT NULL;
SELECT key, count(value) > 0 AS valued, sum(cost) = (SELECT sum(cost) FROM charge) AS whole FROM spend_share GROUP BY key ORDER BY key;
UPDATE spend_rule SET share = 'evenly' WHERE what = 'unused reservation';
SELECT refresh_rollups() IS NOT NULL;
SELECT count(*) > 0 FROM (SELECT * FROM whole EXCEPT ALL SELECT * FROM spend_label WHERE key = 'team') AS d;
SELECT key, complete, stale FROM spend_shared ORDER BY key;

\c postgres
DROP DATABASE regress_spend;
DROP ROLE regress_spend_acme, regress_spend_lab;
