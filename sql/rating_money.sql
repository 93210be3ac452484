-- Money that was wrong once: cases from outside, each with the right value, and another of its kind.
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET client_min_messages = warning;
SET datestyle = ISO;
SELECT create_ledger() >= 0 AS made;
SELECT create_region('money') > 0 AS region;
CREATE FUNCTION used(id text, account text, chip text, devices numeric, started timestamptz, ended timestamptz) RETURNS boolean LANGUAGE sql
	RETURN record_usage('money', id, account, 'money', chip, devices, started, ended) > 0;
\pset format unaligned

-- Usage goes on after the end of its account: it has no price, and is the last payer's to settle.
SELECT create_account('money/ends', currency => 'USD') > 0 AS made, create_price('any', 'USD', 2, account => 'money/ends') > 0 AS priced;
SELECT used('1', 'money/ends', 'H100', 1, '2026-06-19 20:00Z', '2026-06-20 04:00Z');
UPDATE account_version SET valid = tstzrange(NULL, '2026-06-20Z') WHERE account = (SELECT id FROM account WHERE name = 'money/ends') AND upper_inf(recorded);
SELECT kind, day, trim_scale(quantity) AS quantity, trim_scale(cost) AS cost FROM rate_usage('money/ends', '[2026-06-01Z,2026-07-01Z)') ORDER BY day;
-- asked for the rest of the period alone, too
SELECT kind, day, trim_scale(quantity) AS quantity FROM rate_usage('money/ends', '[2026-06-20Z,2026-07-01Z)');
-- a gap of an account below: what is used in it is unpriced, what follows is not
SELECT create_account('money/gap', currency => 'USD') > 0 AS made, create_account('money/gap/x', parent => 'money/gap') > 0 AS below, create_price('any', 'USD', 2, account => 'money/gap') > 0 AS priced;
SELECT used('2', 'money/gap/x', 'H100', 1, '2026-06-10 00:00Z', '2026-06-11 00:00Z');
DO $$
DECLARE
	x bigint := (SELECT id FROM account WHERE name = 'money/gap/x');
BEGIN
	UPDATE account_version SET valid = tstzrange(NULL, '2026-06-10 10:00Z') WHERE account = x AND upper_inf(recorded);
	INSERT INTO account_version (account, parent, kind, valid) SELECT x, id, 'internal', tstzrange('2026-06-10 18:00Z', NULL) FROM account WHERE name = 'money/gap';
END
$$;
SELECT kind, day, trim_scale(sum(quantity)) AS quantity, trim_scale(sum(cost)) AS cost, sum(records) AS parts FROM rate_usage('money/gap', '[2026-06-01Z,2026-07-01Z)') GROUP BY kind, day ORDER BY kind;

-- A minimum and moves within the payer: nothing is cut.
SELECT create_account('money/p', currency => 'USD') > 0 AS p, create_account('money/d1', parent => 'money/p') > 0 AS d1, create_account('money/d2', parent => 'money/p') > 0 AS d2,
	create_account('money/a', parent => 'money/d1') > 0 AS a, create_price('H100', 'USD', 10, account => 'money/a', minimum => 3000) > 0 AS priced;
SELECT used('3', 'money/a', 'nvidia/h100-sxm5-80gb', 1, '2026-03-20Z', '2026-03-26 16:00Z');
CREATE VIEW minimum AS SELECT kind, trim_scale(sum(cost)) AS cost, jsonb_agg(tiers) FILTER (WHERE kind = 'commitment') AS tiers, sum(records) AS records FROM rate_usage('money/p', '[2026-03-01,2026-04-01)') GROUP BY kind ORDER BY kind;
SELECT * FROM minimum;
SELECT move_account('money/a', 'money/d2', '2026-03-16 12:00Z');
SELECT * FROM minimum;
SELECT move_account('money/d1', 'money/d2', '2026-03-17 12:00Z');
SELECT change_account('money/a', '2026-03-18Z', time_zone => 'Asia/Tokyo');
SELECT * FROM minimum;
-- what was counted towards it
SELECT trim_scale(t.cost) AS cost, t.note FROM rate_usage('money/p', '[2026-03-01,2026-04-01)') AS r CROSS JOIN LATERAL trace_charge(r) AS t WHERE r.kind = 'commitment' ORDER BY t.part_from, t.note;

-- Levels are whole units: three sevenths, and a peak of one.
SELECT create_account('money/f', currency => 'USD') > 0 AS made, create_price('H100', 'USD', 7, account => 'money/f', committed_devices => 1, committed_price => 7) > 0 AS reserved,
	create_price('T4', 'USD', 1000000, account => 'money/f', unit => 'peak-device') > 0 AS peak;
SELECT bool_and(used('f' || i, 'money/f', 'nvidia/h100-sxm5-80gb', 0.142857142857, '2026-03-02Z', '2026-03-03Z')) FROM generate_series(1, 3) AS i;
SELECT used('t1', 'money/f', 'Tesla T4', 0.142857142857, '2026-03-02Z', '2026-03-03Z');
SELECT kind, day, trim_scale(quantity) AS quantity, amount, trim_scale(cost) AS cost FROM rate_usage('money/f', '[2026-03-01,2026-04-01)') WHERE day = '2026-03-02' OR kind = 'peak' ORDER BY kind;
SELECT r.kind, t.source_id, t.note FROM rate_usage('money/f', '[2026-03-01,2026-04-01)') AS r CROSS JOIN LATERAL trace_charge(r) AS t WHERE r.kind = 'peak';

-- List costs are of all of a charge or of none of it; a list price by another unit is no price of its quantity.
SELECT create_account('money/l', currency => 'USD') > 0 AS made, create_price('amd/mi300x', 'USD', 4, valid_from => '2026-03-02 12:00Z') > 0 AS list, create_price('amd/mi300x', 'USD', 3, account => 'money/l') > 0 AS contract,
	create_price('google/tpu-v5p', 'USD', 4) > 0 AS list, create_price('google/tpu-v5p', 'USD', 1, account => 'money/l', unit => 'PFLOPh@bf16') > 0 AS contract;
SELECT used('l1', 'money/l', 'amd/mi300x', 1, '2026-03-02Z', '2026-03-03Z'), used('l2', 'money/l', 'google/tpu-v5p', 1, '2026-03-02Z', '2026-03-03Z');
SELECT accelerator, trim_scale(quantity) AS quantity, unit, unit_price, list_unit_price, trim_scale(list_cost) AS list_cost, trim_scale(cost) AS cost FROM rate_usage('money/l', '[2026-03-01,2026-04-01)') ORDER BY accelerator, period;

-- What is used of reserved capacity fills no free quantity of the price that follows.
SELECT create_account('money/k', currency => 'USD') > 0 AS made, create_price('V100', 'USD', 9, account => 'money/k', committed_devices => 10, committed_price => 1, valid_until => '2026-03-03Z') > 0 AS reserved,
	create_price('V100', 'USD', 10, account => 'money/k', free => 24, valid_from => '2026-03-03Z') > 0 AS free;
SELECT used('k', 'money/k', 'Tesla V100-SXM2-16GB', 1, '2026-03-02Z', '2026-03-04Z');
SELECT kind, day, trim_scale(quantity) AS quantity, trim_scale(cost) AS cost FROM rate_usage('money/k', '[2026-03-01,2026-04-01)') WHERE kind <> 'reserved unused' ORDER BY day;

-- What is rounded day by day adds up to what is rounded once.
SELECT create_account('money/m', currency => 'USD') > 0 AS made, create_price('H100', 'USD', 9, account => 'money/m', unit => 'instance-month', devices_per_instance => 8) > 0 AS month,
	create_price('L4', 'USD', 6.12e-10, account => 'money/m') > 0 AS tiny;
SELECT used('m', 'money/m', 'nvidia/h100-sxm5-80gb', 8, '2024-02-01Z', '2024-03-01Z'), used('m4', 'money/m', 'nvidia/l4', 1, '2026-04-01Z', '2026-05-01Z');
SELECT trim_scale(sum(cost)) AS month FROM rate_usage('money/m', '[2024-02-01Z,2024-03-01Z)');
SELECT kind, trim_scale(sum(cost)) AS cost FROM rate_usage('money/m', '[2026-04-01Z,2026-05-01Z)') GROUP BY kind ORDER BY kind;
SELECT trim_scale(sum(cost)) AS cost FROM rate_usage('money/m', '[2026-04-01Z,2026-05-01Z)');
-- not of a part of the period
SELECT count(*) FILTER (WHERE kind = 'rounding') AS rounding FROM rate_usage('money/m', '[2026-04-01Z,2026-04-30Z)');

-- What is used is rated, with a price or without; what nobody is billed for is told.
SELECT object, detail FROM check_ledger() WHERE check_name IN ('used and rated', 'usage after its account');
SELECT create_account('money/over', currency => 'USD') > 0 AS made, used('over', 'money/over', 'H100', 2, '2026-05-30Z', '2026-06-02Z');
UPDATE account_version SET valid = tstzrange(NULL, '2026-05-31Z') WHERE account = (SELECT id FROM account WHERE name = 'money/over') AND upper_inf(recorded);
SELECT object, detail FROM check_ledger() WHERE check_name IN ('used and rated', 'usage after its account');
SELECT kind, day, trim_scale(quantity) AS quantity FROM rate_usage('money/over', '[2026-05-01Z,2026-07-01Z)') ORDER BY day;

-- A merger and a contract with commitments: from then on they serve all usage of the account that goes on, and are charged to it.
SELECT create_account('money/q', currency => 'USD') > 0 AS q, create_account('money/o', parent => 'money/q') > 0 AS o, create_account('money/n', parent => 'money/q') > 0 AS n;
SELECT create_price('H100', 'USD', 4, account => 'money/q') > 0 AS above, create_price('H100', 'USD', 3, account => 'money/o', committed_devices => 8, committed_price => 1, minimum => 10000) > 0 AS contract;
SELECT merge_account('money/o', 'money/n', '2026-04-15Z');
SELECT used('merged', 'money/o', 'nvidia/h100-sxm5-80gb', 8, '2026-05-01Z', '2026-06-01Z');
SELECT a.name, r.kind, trim_scale(sum(r.cost)) AS cost FROM rate_usage('money/q', '[2026-05-01,2026-06-01)') AS r JOIN account AS a ON a.id = r.account GROUP BY 1, 2 ORDER BY 2;
-- in the month of the merger both have a part of one minimum, charged to the one that goes on
SELECT a.name, r.kind, trim_scale(sum(r.cost)) AS cost FROM rate_usage('money/q', '[2026-04-01,2026-05-01)') AS r JOIN account AS a ON a.id = r.account GROUP BY 1, 2 ORDER BY 2, 1;
