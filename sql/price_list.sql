-- Prices that follow the list: model list.
-- a ledger of this test's own
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set VERBOSITY terse
\pset null '(null)'
SELECT create_ledger() IS NOT NULL AS ledger;
SELECT create_account('a', currency => 'USD') > 0 AS a, create_account('b', currency => 'USD') > 0 AS b, create_account('b/lab', parent => 'b') > 0 AS lab, create_account('b/own', parent => 'b') > 0 AS own,
	create_account('one', currency => 'USD') > 0 AS one, create_account('list', currency => 'USD') > 0 AS list, create_region('list-test') > 0 AS region;

-- ------------------------------------------------------------------ rows

SELECT create_price('any', 'USD', account => 'a', factor => 0.8) > 0 AS a, create_price('any', 'USD', account => 'b/lab', factor => 0.5, minimum => 500) > 0 AS lab, create_price('any', 'USD', account => 'one', factor => 1) > 0 AS one;
SELECT model, factor, unit, price, minimum FROM price ORDER BY id;
SELECT count(*) FROM price_tier;
SELECT create_price('any', 'USD', account => 'a', factor => 0.8);
SELECT create_price('H100', 'USD', factor => 0.8);
SELECT create_price('H100', 'USD', 2, account => 'a', factor => 0.8);
SELECT create_price('H100', 'USD', account => 'a', factor => -1);
SELECT create_price('H100', 'USD', account => 'a', model => 'list');
SELECT create_price('H100', 'USD', 2, account => 'a', factor => 0.8, model => 'flat');
SELECT create_price('H100', 'USD', account => 'a', factor => 0.8, tier_prices => '{1}');
SELECT create_price('H100', 'USD', account => 'a', factor => 0.8, free => 1);
SELECT create_price('H100', 'USD', account => 'a', factor => 0.8, pool => 'p');
SELECT create_price('H100', 'USD', account => 'a', factor => 0.8, unit => 'PFLOPh');
SELECT create_price('H100', 'USD', account => 'a', factor => 0.8, committed_devices => 1, committed_price => 1);
SELECT create_price('H100', 'USD', account => 'a', factor => 1e-31);
SELECT _tier_cost('list', NULL, NULL, NULL, NULL, NULL, 0, 0, 1);

-- ------------------------------------------------------------------ what is charged

-- The list: flat; in tiers whose pool counts all that a payer uses; by work; by the month; changing within a day; and none for the B200.
SELECT create_price('H100', 'USD', 4) > 0 AS flat, create_price('A100', 'USD', tier_bounds => '{24}', tier_prices => '{2,1}', tier_fees => '{10,0}', pool => 'ampere') > 0 AS tiers,
	create_price('A40', 'USD', 3, pool => 'ampere') > 0 AS pooled,
	create_price('L40S', 'USD', 5, unit => 'PFLOPh@bf16') > 0 AS work, create_price('T4', 'USD', 744, unit => 'instance-month', devices_per_instance => 1) > 0 AS months,
	create_price('L4', 'USD', 1, valid_until => '2025-03-01 06:00') > 0 AS before, create_price('L4', 'USD', 2, unit => 'PFLOPh@bf16', valid_from => '2025-03-01 06:00') > 0 AS after,
	create_price('V100', 'USD', 0.000000015) > 0 AS fine, create_price('A100', 'USD', 9, account => 'b/own') > 0 AS own;
CREATE FUNCTION use(account text, chip text, starts timestamptz, hours numeric, devices numeric DEFAULT 1) RETURNS boolean LANGUAGE sql AS
$$ SELECT record_usage('s', concat_ws(' ', account, chip, starts), account, 'list-test', chip, devices, starts, starts + hours * interval '1 hour') IS NOT NULL $$;
SELECT count(use('a', c, '2025-03-01', 12)) FROM unnest(ARRAY['nvidia/h100-sxm5-80gb', 'nvidia/l40s', 'nvidia/t4', 'nvidia/l4', 'nvidia/b200']) AS c;
SELECT use('a', 'nvidia/v100-sxm2-16gb', '2025-03-01', 1);
SELECT accelerator, kind, unit, quantity, unit_price, list_unit_price, list_cost, cost, tiers FROM rate_usage('a', '[2025-03-01,2025-04-01)') ORDER BY accelerator, unit;
-- the list's pool: b/own's 12 h under a contract of its own count in it, and b/lab's 24 h after them are half in each tier, half of 24 + 12
SELECT use('b/own', 'nvidia/a100-sxm4-80gb', '2025-03-01', 12), use('b/lab', 'nvidia/a100-sxm4-80gb', '2025-03-02', 24);
SELECT a.name, r.kind, r.quantity, r.unit_price, r.list_cost, r.cost FROM rate_usage('b', '[2025-03-01,2025-04-01)') AS r JOIN account AS a ON a.id = r.account ORDER BY 1, 2 DESC;
-- what parts of records cost adds up
SELECT use('b/lab', 'nvidia/a100-sxm4-80gb', '2025-03-02 00:30', 7.7), use('b/lab', 'nvidia/a100-sxm4-80gb', '2025-03-02 11:45', 3.21, 0.3);
SELECT close_period(a, '[2025-03-01,2025-04-01)', waive => '{a}') IS NOT NULL AS closed FROM unnest('{a,b}'::text[]) AS a;
SELECT count(*) AS charges, count(*) FILTER (WHERE (t.records, t.quantity, t.cost) IS DISTINCT FROM (c.records, c.quantity, c.cost)) AS differ
FROM charge AS c CROSS JOIN LATERAL (SELECT count(*) AS records, sum(t.quantity) AS quantity, sum(t.cost) AS cost FROM trace_charge(c.id) AS t) AS t WHERE c.kind <> 'commitment';
SELECT * FROM check_ledger();
SELECT count(*) FROM focus_check();

-- A share of 1 is the list itself: random use of all chips, the same by two payers.
SELECT setseed(0.3);
CREATE TEMP TABLE used AS SELECT n, c[1 + floor(random() * 6)::integer] AS chip, '2025-02-01'::timestamptz + random() * interval '27 days' AS starts, round((0.1 + random() * 30)::numeric, 3) AS hours, 1 + floor(random() * 8) AS devices
FROM generate_series(1, 150) AS n, (SELECT ARRAY['nvidia/h100-sxm5-80gb', 'nvidia/l40s', 'nvidia/t4', 'nvidia/l4', 'nvidia/a100-sxm4-80gb', 'nvidia/a40']) AS x (c);
SELECT count(use(a, chip, starts, hours, devices::numeric)) FROM used, unnest('{one,list}'::text[]) AS a;
WITH r AS MATERIALIZED (SELECT * FROM rate_usage(NULL, '[2025-02-01,2025-03-01)') WHERE kind <> 'rounding')
SELECT count(*) > 100 AS many, count(*) FILTER (WHERE (o.quantity, o.unit, o.cost, o.list_cost, o.list_price, o.unit_price) IS DISTINCT FROM (l.quantity, l.unit, l.cost, l.cost, l.list_price, l.unit_price)) AS differ
FROM (SELECT * FROM r WHERE account = account_id('one')) AS o
FULL JOIN (SELECT * FROM r WHERE account = account_id('list')) AS l ON (o.accelerator, o.day, o.list_price) = (l.accelerator, l.day, l.list_price);

-- ------------------------------------------------------------------ what is told

SELECT place, wins, terms FROM explain_price('a', 'H100', 'list-test', '2025-03-01');
-- and none for those that come after it
DROP FUNCTION use;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
