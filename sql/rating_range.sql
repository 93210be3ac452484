-- Usage that has no sum, and prices that cannot be added up: what is told, and that others are rated beside them.
-- a ledger of this test's own
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set VERBOSITY default
SELECT create_ledger() IS NOT NULL AS ledger;
SELECT create_account('sound', currency => 'USD') > 0 AS sound, create_account('vast', currency => 'USD') > 0 AS vast, create_account('vast/lab', parent => 'vast') > 0 AS lab,
	create_account('wide', currency => 'USD') > 0 AS wide, create_account('wide/0', parent => 'wide') > 0 AS wide_0, create_account('wide/1', parent => 'wide') > 0 AS wide_1,
	create_account('forced', currency => 'USD') > 0 AS forced, create_region('range-test') > 0 AS region;
SELECT create_price('H100', 'USD', 2) AS hours, create_price('A100', 'USD', 3, unit => 'PFLOPh@bf16') AS work, create_price('L4', 'USD', 1, account => 'forced') AS forced;
SELECT record_usage('s', 's1', 'sound', 'range-test', 'nvidia/h100-sxm5-80gb', 1, '2025-03-01', '2025-03-02') IS NOT NULL AS sound,
	record_usage('s', 's2', 'sound', 'range-test', 'nvidia/b200', 1, '2025-03-01', '2025-03-02') IS NOT NULL AS unpriced,
	record_usage('s', 'f', 'forced', 'range-test', 'nvidia/l4', 1, '2025-03-01', '2025-03-02') IS NOT NULL AS forced;
-- of 128 bits: the account, or the payer of several, and the price
SELECT count(record_usage('s', 'v' || n, 'vast/lab', 'range-test', 'nvidia/a100-sxm4-80gb', 1000000000, '2025-03-01', '2025-04-01')) AS lab,
	count(record_usage('s', 'w' || n, 'wide/' || n % 2, 'range-test', 'nvidia/a100-sxm4-80gb', 1000000000, '2025-03-01', '2025-04-01')) AS wide FROM generate_series(1, 140) AS n;
SELECT sum(cost) FROM rate_usage('vast', '[2025-03-01,2025-04-01)');
SELECT sum(cost) FROM rate_usage('wide', '[2025-03-01,2025-04-01)');
-- a price that was forced past the trigger
SET session_replication_role = replica;
UPDATE price SET price = 1e131071 WHERE id = 3;
RESET session_replication_role;
SELECT sum(cost) FROM rate_usage('forced', '[2025-03-01,2025-04-01)');
-- others are rated, and the check says all that it finds
SELECT kind, cost FROM rate_usage('sound', '[2025-03-01,2025-04-01)') ORDER BY kind;
SELECT * FROM check_ledger();
-- a closed period likewise
UPDATE price SET price = 1 WHERE id = 3;
SELECT close_period('forced', '[2025-03-01,2025-04-01)') IS NOT NULL AS closed;
SET session_replication_role = replica;
UPDATE price SET price = 1e131071 WHERE price = 1 AND account = account_id('forced');
RESET session_replication_role;
SELECT check_name, object, detail FROM check_ledger();
-- and none for those that come after it
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
