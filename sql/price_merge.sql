-- Contracts of accounts that were merged into others.
-- a ledger of this test's own
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '(null)'
SELECT create_ledger() IS NOT NULL AS ledger;

-- A contract goes on serving after its account is merged, the sub-accounts that came along, and all other usage of the account that goes on.
SELECT create_account('q', currency => 'USD') > 0 AS q, create_account('o', parent => 'q') > 0 AS o, create_account('o/team', parent => 'o') > 0 AS team, create_account('n', parent => 'q') > 0 AS n,
	create_region('merge-test') > 0 AS region;
SELECT create_price('H100', 'USD', 4) > 0 AS list, create_price('H100', 'USD', 3, account => 'o') > 0 AS contract, create_price('nvidia', 'USD', 3.5, account => 'q') > 0 AS above;
SELECT merge_account('o', 'n', '2025-04-15');
SELECT record_usage('s', a || d, a, 'merge-test', 'nvidia/h100-sxm5-80gb', 1, d::timestamptz, d::timestamptz + interval '1 day') IS NOT NULL AS recorded
FROM unnest(ARRAY['o', 'o/team', 'n']) AS a, unnest(ARRAY['2025-04-14', '2025-05-01']) AS d;
SELECT a.name, r.day, r.unit_price, sum(r.cost) AS cost FROM rate_usage('q', '[2025-04-01,2025-06-01)') AS r JOIN account AS a ON a.id = r.account GROUP BY 1, 2, 3 ORDER BY 2, 1;
-- that of the account that goes on goes before
SELECT create_price('H100', 'USD', 2, account => 'n', valid_from => '2025-05-01 12:00') > 0 AS contract;
SELECT a.name, r.unit_price, sum(r.quantity) AS hours FROM rate_usage('q', '[2025-05-01,2025-06-01)') AS r JOIN account AS a ON a.id = r.account GROUP BY 1, 2 ORDER BY 1, 2 DESC;

-- Of several the latest merger first, of one instant the higher number, each followed by those merged into it, then the parent.
SELECT create_account(x, parent => 'q') > 0 AS made FROM unnest(ARRAY['early', 'late', 'late too', 'into late']) AS x;
SELECT create_price('L4', 'USD', p, account => a) > 0 AS made FROM (VALUES ('early', 5), ('late', 4), ('late too', 3), ('into late', 2), ('q', 1)) AS x (a, p);
SELECT merge_account('into late', 'late', '2025-05-02'), merge_account('early', 'n', '2025-05-03'), merge_account('late', 'n', '2025-05-04'), merge_account('late too', 'n', '2025-05-04');
SELECT d AS at, string_agg(price_account, ', ' ORDER BY place) AS way FROM unnest(ARRAY['2025-05-02', '2025-05-03', '2025-05-04']::timestamptz[]) AS d, explain_price('n', 'L4', 'merge-test', d) GROUP BY d ORDER BY d;
SELECT place, price_account, reason FROM explain_price('into late', 'L4', 'merge-test', '2025-05-05');
SELECT DISTINCT p.price FROM _winning_prices('sale', ledger_watermark(), account_id('n'), 'nvidia/l4', region_id('merge-test'), NULL, 'allocated', 'USD', '[2025-05-04,2025-05-05)') AS w JOIN price AS p ON p.id = w.price;

-- A merger that is recorded when the period is closed corrects it: the contract that came along serves usage that was billed by the list.
SELECT create_account('r', currency => 'USD') > 0 AS r, create_account('r/old', parent => 'r') > 0 AS old, create_account('r/new', parent => 'r') > 0 AS new;
SELECT create_price('A100', 'USD', 2) > 0 AS list, create_price('A100', 'USD', 1, account => 'r/old') > 0 AS contract;
SELECT record_usage('s', 'r', 'r/new', 'merge-test', 'nvidia/a100-sxm4-80gb', 1, '2025-03-10', '2025-03-11') IS NOT NULL AS recorded;
SELECT close_period('r', '[2025-03-01,2025-04-01)') IS NOT NULL AS closed;
SELECT merge_account('r/old', 'r/new', '2025-03-10 12:00');
SELECT close_period('r', '[2025-04-01,2025-05-01)') IS NOT NULL AS closed;
SELECT sum(cost) FILTER (WHERE corrects IS NULL) AS billed, sum(cost) FILTER (WHERE corrects IS NOT NULL) AS corrected FROM charge WHERE payer = account_id('r');
SELECT * FROM check_ledger();
-- and none for those that come after it
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
