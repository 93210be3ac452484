-- Whose currency counts: prices, winners, pools and what is told where lists stand side by side in several currencies.
-- a ledger of this test's own
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\pset null '(null)'
SELECT create_ledger() IS NOT NULL AS ledger;
SELECT create_account('usd', currency => 'USD') IS NOT NULL AS usd, create_account('eur', currency => 'EUR') IS NOT NULL AS eur,
	create_account('turn', currency => 'EUR') IS NOT NULL AS turn, create_account('turn/lab', parent => 'turn') IS NOT NULL AS lab,
	create_region('currency-test') IS NOT NULL AS region;
SELECT change_account('turn', '2025-02-15', currency => 'USD');

-- ------------------------------------------------------------------ keys, pools, books

-- one key, two currencies: side by side in a book of the payer's currency
SELECT create_price('H100', 'USD', 4) > 0 AS usd, create_price('H100', 'EUR', 3.5, valid_from => '2025-01-01') > 0 AS eur;
\set VERBOSITY terse
SELECT create_price('H100', 'USD', 5, title => 'again');
\set VERBOSITY default
SELECT create_price('H100', 'EUR', 3.6, valid_from => '2025-06-01', supersede => true) > 0 AS supersedes_its_own_currency;
SELECT currency, price, valid FROM price WHERE upper_inf(recorded) AND book = 'sale' ORDER BY currency, valid;
-- and not in one of its own currency
SELECT create_price('any', 'USD', 1, book => 'cost') > 0 AS usd;
\set VERBOSITY terse
SELECT create_price('any', 'EUR', 1, book => 'cost');
\set VERBOSITY default
INSERT INTO price_book (book, currency) VALUES ('cost of partners', 'own');
SELECT create_price('any', 'USD', 1, book => 'cost of partners', valid_until => '2025-02-01') > 0 AS usd,
	create_price('any', 'EUR', 2, book => 'cost of partners', valid_from => '2025-02-01') > 0 AS eur, create_price('any', 'EUR', 2, book => 'resale') > 0 AS resale;
SELECT b.book, b.currency, array_agg(DISTINCT k.currency ORDER BY k.currency) AS keys FROM price_book AS b LEFT JOIN price_key AS k USING (book)
WHERE b.book IN ('sale', 'cost', 'cost of partners', 'resale') GROUP BY b.book ORDER BY b.book;
UPDATE price_book SET currency = 'payer' WHERE book = 'cost';
-- another currency is another key
UPDATE price SET currency = 'CHF' WHERE book = 'resale';
SELECT currency, count(*), count(DISTINCT key) FROM price WHERE book = 'resale' GROUP BY currency ORDER BY currency;
UPDATE price SET currency = 'CHF' WHERE book = 'cost' AND upper_inf(recorded);
SELECT count(*), count(DISTINCT key) FROM price WHERE book = 'cost';
-- a pool in two currencies is two
SELECT create_price('A100', 'USD', model => 'graduated', tier_bounds => '{24}', tier_prices => '{2,1}', pool => 'ampere') > 0 AS usd,
	create_price('A100', 'EUR', model => 'graduated', tier_bounds => '{24}', tier_prices => '{20,10}', pool => 'ampere') > 0 AS eur;
SELECT book, name, unit, currency FROM price_pool WHERE name = 'ampere' ORDER BY currency;
SELECT create_price('A40', 'EUR', 1, pool => 'ampere', unit => 'peak-device');
-- a contract that could never serve
SELECT create_price('H100', 'EUR', 3, account => 'usd');
SELECT create_price('H100', 'EUR', 3, account => 'turn', valid_from => '2025-02-15');
SELECT create_price('H100', 'USD', 3, account => 'turn/lab', valid_until => '2025-02-15');
SELECT create_price('H100', 'USD', 2, account => 'turn/lab', valid_from => '2025-02-01') > 0 AS some_of_the_time,
	create_price('H100', 'EUR', 3, account => 'usd', book => 'cost') > 0 AS of_its_own_currency;
SELECT * FROM _check_prices(true);
INSERT INTO price (account, accelerator, currency, price, title) SELECT id, 'nvidia/h200', 'EUR', 1, 'never' FROM account WHERE name = 'usd';
SELECT check_name, detail FROM _check_prices(true);
DELETE FROM price WHERE title = 'never';

-- ------------------------------------------------------------------ what is charged

SELECT record_usage('s', a || d, a, 'currency-test', c, 1, d::date + time '00:00', d::date + time '12:00') IS NOT NULL AS recorded
FROM unnest(ARRAY['usd', 'eur', 'turn/lab']) AS a, unnest(ARRAY['2025-02-13', '2025-02-14', '2025-02-15', '2025-02-16', '2025-02-17']) AS d, unnest(ARRAY['nvidia/h100-sxm5-80gb']) AS c;
SELECT a.name, r.kind, r.currency, r.unit_price, r.list_unit_price, sum(r.quantity) AS hours, sum(r.cost) AS cost, count(*) AS days
FROM rate_usage(NULL, '[2025-02-01,2025-03-01)') AS r JOIN account AS a ON a.id = r.account
GROUP BY a.name, r.kind, r.currency, r.unit_price, r.list_unit_price ORDER BY 1, 3, 4;
-- of a book of its own currency, what it asks
SELECT r.currency, r.unit_price, sum(r.cost) AS cost FROM rate_usage('turn', '[2025-02-01,2025-03-01)', book => 'cost of partners') AS r GROUP BY 1, 2 ORDER BY 1;
-- pools begin anew with the currency: 24 h of 36 at the first price before, and 24 of 48 after
SELECT record_usage('s', 'p' || d, 'turn/lab', 'currency-test', 'nvidia/a100-sxm4-80gb', 1, d::date + time '00:00', d::date + time '12:00') IS NOT NULL AS recorded
FROM unnest(ARRAY['2025-02-12', '2025-02-13', '2025-02-14', '2025-02-15', '2025-02-16', '2025-02-17', '2025-02-18']) AS d;
SELECT r.currency, t->>'tier' AS tier, sum((t->>'quantity')::numeric) AS hours, sum((t->>'cost')::numeric) AS cost
FROM rate_usage('turn', '[2025-02-01,2025-03-01)') AS r, jsonb_array_elements(r.tiers) AS t GROUP BY 1, 2 ORDER BY 1, 2;

-- Case 11 of a bill in EUR and a list in USD: nothing prices it, and it is told why.
SELECT record_usage('s', 'l4', 'eur', 'currency-test', 'nvidia/l4', 1, '2025-02-01', '2025-02-01 01:00') IS NOT NULL AS recorded, create_price('L4', 'USD', 4) > 0 AS usd, create_price('L4', 'CNY', 28) > 0 AS cny;
SELECT kind, cost, currency, quantity FROM rate_usage('eur', '[2025-02-01,2025-03-01)') WHERE accelerator = 'nvidia/l4';
SELECT place, wins, reason, terms FROM explain_price('eur', 'L4', 'currency-test', '2025-02-01');
SELECT close_period('eur', '[2025-02-01,2025-03-01)');
SELECT close_period('eur', '[2025-02-01,2025-03-01)', waive => '{eur}') IS NOT NULL AS waived;
SELECT kind, currency, cost FROM charge WHERE account = account_id('eur') AND accelerator = 'nvidia/l4';

-- ------------------------------------------------------------------ what is told

SELECT place, wins, reason, price_account, terms FROM explain_price('turn/lab', 'H100', 'currency-test', '2025-02-14');
SELECT place, wins, reason, price_account, terms FROM explain_price('turn/lab', 'H100', 'currency-test', '2025-02-16');
SELECT place, wins, reason, terms FROM explain_price(NULL, 'H100', NULL, '2025-02-16');
SELECT place, wins, reason, terms FROM explain_price(NULL, 'H100', NULL, '2025-02-16', currency => 'EUR');
SELECT place, wins, reason, terms FROM explain_price('usd', 'H100', NULL, '2025-02-16', book => 'cost');
SELECT * FROM explain_price('turn', 'H100', NULL, '2025-02-16', currency => 'EUR');
-- and none for those that come after it
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
