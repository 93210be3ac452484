-- check_ledger(): what the owner may not do to the books, and advice.  t/203_check_ledger.pl breaks everything else.
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set VERBOSITY terse
SELECT create_ledger() >= 0 AS made;
SELECT create_account('books', currency => 'USD') > 0 AS a, create_account('books/x', parent => 'books') > 0 AS x, create_region('books-r', 'provider') > 0 AS r;
SELECT record_usage('books', '1', 'books/x', 'books-r', 'NVIDIA H100 80GB HBM3', 8, '2026-03-02Z', '2026-03-03Z') > 0 AS one,
	record_usage('books', '2', 'books/x', 'books-r', 'NVIDIA H100 80GB HBM3', 8, '2026-04-02Z', '2026-04-03Z') > 0 AS two;

-- What was accepted stays as it was, whoever asks.
UPDATE usage_record SET devices = 100 WHERE source = 'books' AND source_id = '1';
UPDATE usage_record SET account = account_id('books') WHERE source = 'books';
UPDATE usage_record SET accelerator = 'nvidia/t4' WHERE source = 'books';
UPDATE _usage_record SET superseded = ledger_stamp() WHERE account = account_id('books/x');
UPDATE usage_record_2026_03 SET run = 'x' WHERE account = account_id('books/x');
DELETE FROM usage_record_2026_03 WHERE account = account_id('books/x');
DELETE FROM usage_record WHERE source = 'books';
TRUNCATE _usage_record;
UPDATE usage_kind SET measure = 'used' WHERE source = 'books';
DELETE FROM usage_kind WHERE source = 'books';
TRUNCATE usage_kind;
TRUNCATE usage_record_2026_03;
UPDATE usage_key SET record = record + 1;
DELETE FROM usage_key WHERE key = _usage_key_of('1', 0);
TRUNCATE usage_key;
TRUNCATE period_close CASCADE;
-- nor as the role whose functions may
SET ROLE pg_database_owner;
UPDATE usage_record SET superseded = ledger_stamp() WHERE source = 'books';
UPDATE _usage_record SET superseded = ledger_stamp() WHERE account = account_id('books/x');
UPDATE usage_kind SET measure = 'used' WHERE source = 'books';
RESET ROLE;
-- the ledger's functions do what they are for
SELECT record_usage('books', '1', 'books/x', 'books-r', 'NVIDIA H100 80GB HBM3', 4, '2026-03-02Z', '2026-03-03Z', revision => 1) > 0 AS revised;
SELECT taken, accepted FROM reidentify('fp8', 'books');
SELECT count(*) AS records, count(*) FILTER (WHERE superseded < 'infinity') AS superseded FROM usage_record WHERE source = 'books';
-- and no more than that, were they to try
CREATE FUNCTION books_try() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = compute_ledger, pg_temp AS $$
	UPDATE _usage_record SET superseded = 'infinity' WHERE kind IN (SELECT number FROM usage_kind WHERE source = 'books') AND superseded < 'infinity'
$$;
GRANT CREATE ON SCHEMA public TO pg_database_owner;
ALTER FUNCTION books_try() OWNER TO pg_database_owner;
SELECT books_try();
DROP FUNCTION books_try();
-- a month goes, and comes back, as a partition
BEGIN;
ALTER TABLE _usage_record DETACH PARTITION usage_record_2026_03;
TRUNCATE usage_record_2026_03;
ROLLBACK;
BEGIN;
ALTER TABLE _usage_record DETACH PARTITION usage_record_2026_03;
UPDATE usage_record_2026_03 SET devices = 5 WHERE account = account_id('books/x') AND revision = 1;
ALTER TABLE _usage_record ATTACH PARTITION usage_record_2026_03 FOR VALUES FROM ('2026-03-01Z') TO ('2026-04-01Z');
SELECT check_name, count(*) FROM check_ledger(false) WHERE object IN (SELECT 'record ' || id FROM usage_record WHERE source = 'books') GROUP BY 1;
ALTER TABLE _usage_record DETACH PARTITION usage_record_2026_03;
DROP TABLE usage_record_2026_03;
ROLLBACK;

-- Records without an end, the oldest first; what is older than its source allows is advice.
SELECT record_usage('books', 'young', 'books/x', 'books-r', 'L4', 1, statement_timestamp() - interval '29 days', NULL) > 0 AS young,
	record_usage('books', 'old', 'books/x', 'books-r', 'L4', 2, statement_timestamp() - interval '31 days', NULL) > 0 AS old;
SELECT source_id, account_name, age > interval '30 days' AS is_old, devices, accelerator FROM open_usage WHERE source = 'books';
SELECT check_name, severity, regexp_replace(detail, '31 days.* old', '31 days old') AS detail FROM check_ledger(false) WHERE detail LIKE '(books, %';
UPDATE usage_source SET open_limit = '40 days' WHERE source = 'books';
SELECT check_name FROM check_ledger(false) WHERE detail LIKE '(books, %';
UPDATE usage_source SET open_limit = '1 hour' WHERE source = 'books';
SELECT count(*) FROM check_ledger(false) WHERE detail LIKE '(books, %';
UPDATE usage_source SET open_limit = NULL WHERE source = 'books';
SELECT count(*) FROM check_ledger(false) WHERE detail LIKE '(books, %';
UPDATE usage_source SET open_limit = '0' WHERE source = 'books';
SELECT record_usage('books', 'old', 'books/x', 'books-r', 'L4', 2, k.started_at, k.started_at + interval '1 hour', revision => 1) > 0 AS ended FROM usage_record AS k WHERE k.source_id = 'old';
SELECT source_id FROM open_usage WHERE source = 'books';

-- Committed devices that served nobody, while an account below that is billed itself paid on demand.
INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('books-own', '2026-01-01', 'UTC');
SELECT create_account('books/y', parent => 'books', calendar => 'books-own') > 0 AS y;
-- whoever makes such a price is told, and not of prices that serve all below
SELECT create_price('B200', 'USD', 10, account => 'books', book => 'books', committed_devices => 8, committed_price => 2) > 0 AS told,
	create_price('H100', 'USD', 10, account => 'books/y', book => 'books', committed_devices => 8, committed_price => 2) > 0 AS nobody_below,
	create_price('H100', 'USD', 10, account => 'books', book => 'books') > 0 AS nothing_committed;
INSERT INTO price (book, account, accelerator, currency, price, committed_devices, committed_price) SELECT 'books', account_id('books'), 'amd/mi300x', 'USD', 10, 8, 2;
INSERT INTO price (book, accelerator, currency, price) VALUES ('books', 'any', 'USD', 1);
SELECT record_usage('books', 'y1', 'books/y', 'books-r', 'nvidia/b200', 8, '2026-05-02Z', '2026-05-03Z') > 0 AS below,
	record_usage('books', 'y2', 'books/y', 'books-r', 'amd/mi300x', 8, '2026-05-02Z', '2026-05-03Z') > 0 AS below_too,
	record_usage('books', 'y3', 'books', 'books-r', 'amd/mi300x', 1, '2026-05-30Z', '2026-05-30 01:00Z') > 0 AS itself;
SELECT generate_billing_periods(NULL, '2026-06-01') >= 0 AS periods;
SELECT pg_sleep(0.01);
SELECT close_period('books', '[2026-05-01Z,2026-06-01Z)', 'books') > 0 AS closed;
SELECT check_name FROM check_ledger(false) WHERE check_name LIKE 'commitment%';
SELECT close_period('books/y', '[2026-05-01Z,2026-06-01Z)', 'books') > 0 AS closed;
SELECT check_name, detail, severity FROM check_ledger(false) WHERE check_name LIKE 'commitment%';

-- What peaks and reserved capacity count is rated, too, in a billing period that began before the first use.
SELECT create_price('L40S', 'USD', 100, account => 'books', book => 'books', unit => 'peak-device') > 0 AS peak,
	create_price('A100', 'USD', 1, account => 'books', book => 'books', committed_devices => 1, committed_price => 1) > 0 AS reserved,
	record_usage('books', 'peak', 'books', 'books-r', 'NVIDIA L40S', 3, '2026-03-02Z', '2026-03-03Z') > 0 AS l40s,
	record_usage('books', 'reserved', 'books', 'books-r', 'NVIDIA A100-SXM4-80GB', 3, '2026-03-02Z', '2026-03-03Z') > 0 AS a100;
SELECT pg_sleep(0.01);
SELECT detail FROM check_ledger() WHERE check_name = 'used and rated' AND object LIKE 'account "books%';
-- no ledger for those that come after it
SET client_min_messages = warning;
DROP SCHEMA compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
