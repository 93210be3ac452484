-- What a record that goes on says it achieved: done from its start until it was recorded, whenever one asks.
\set VERBOSITY terse
CREATE DATABASE regress_rating_open;
\c regress_rating_open
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SELECT create_ledger() > 0 AS there_is_a_ledger;
SELECT create_region('r') > 0 AS r, create_account('acme', currency => 'USD') > 0 AS acme, generate_billing_periods(NULL, '2026-05-01') IS NOT NULL AS periods,
	create_price('nvidia/h100', 'USD', 1, unit => 'PFLOPh') > 0 AS price;

-- Records of last winter: recorded then.
SELECT count(record_usage('slurm', n::text, 'acme', 'r', 'NVIDIA H100 80GB HBM3', 8, started, ended, achieved_work => work::compute_unit)) AS recorded
FROM (VALUES (1, timestamptz '2026-01-20Z', NULL::timestamptz, '120 PFLOPh'), (2, '2026-01-31 18:00Z', NULL, '7 PFLOPh'), (3, '2026-02-10 00:03Z', NULL, '5 PFLOPh'),
	(4, '2026-01-31 18:00Z', '2026-02-01 18:00Z', '8 PFLOPh'), (5, '2026-03-01Z', NULL, '0 FLOP')) AS v (n, started, ended, work);
SELECT record_usage('slurm', '1', 'acme', 'r', 'NVIDIA H100 80GB HBM3', 8, '2026-01-20Z', NULL, achieved_work => '150 PFLOPh', revision => 1) > 0 AS revised;
CREATE TABLE known AS
SELECT * FROM (VALUES ('1', 0, timestamptz '2026-01-20 12:00Z'), ('1', 1, '2026-01-25Z'), ('2', 0, '2026-02-01 12:00Z'), ('3', 0, '2026-02-10 00:00Z'), ('4', 0, '2026-02-01 18:00Z'), ('5', 0, '2026-03-02Z')) AS v (source_id, revision, at);
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE usage_batch AS b SET recorded = k.at FROM known AS k JOIN usage_record AS u USING (source_id, revision) WHERE u.batch = b.id;
UPDATE _usage_record AS r SET recorded = k.at, superseded = CASE WHEN r.superseded < 'infinity' THEN timestamptz '2026-01-25Z' ELSE 'infinity' END FROM known AS k WHERE (k.source_id, k.revision) = (r.source_id, r.revision);
COMMIT;

-- All of record 1 in January; record 2: 2 of 3 parts; record 3, which starts before it was recorded, at once.
SELECT lower(b.period)::date AS period, sum(r.quantity) AS quantity, sum(r.cost) AS cost
FROM (VALUES (tstzrange('2026-01-01Z', '2026-02-01Z')), ('[2026-02-01Z,2026-03-01Z)'), ('[2026-03-01Z,2026-04-01Z)'), ('[2026-04-01Z,2026-05-01Z)')) AS b (period), rate_usage('acme', b.period) AS r
GROUP BY b.period ORDER BY b.period;
SELECT day, quantity, cost FROM rate_usage('acme', '[2026-01-01Z,2026-03-01Z)') WHERE quantity > 0 ORDER BY day;
SELECT t.source_id, t.revision, t.part_from::date AS day, t.quantity, t.cost
FROM rate_usage('acme', '[2026-01-31Z,2026-02-02Z)') AS r, trace_charge(r) AS t ORDER BY 3, 1;
-- to the microsecond, and the parts add up
SELECT c.part, sum(r.quantity) AS quantity
FROM (VALUES (1, tstzrange('2026-02-10 00:00Z', '2026-02-10 00:03:00.000001Z')), (2, '[2026-02-10 00:03:00.000001Z,2026-02-11Z)')) AS c (part, period), rate_usage('acme', c.period) AS r
GROUP BY c.part ORDER BY c.part;
-- Rollups say the same.
SELECT refresh_rollups(concurrent => false) IS NOT NULL AS refreshed;
SELECT d.day, d.achieved FROM usage_daily AS d WHERE d.achieved > '0 FLOP' ORDER BY d.day;
SELECT sum(d.achieved) FROM usage_daily AS d;
SELECT count(*) AS days, count(*) FILTER (WHERE abs(d.achieved::numeric - r.quantity * 3600 * 1e15) < 3600000) AS same
FROM usage_daily AS d LEFT JOIN rate_usage('acme', '[2026-01-01Z,2026-05-01Z)') AS r ON r.day = d.day WHERE d.day < '2026-05-01';
SELECT check_name, object, detail FROM check_ledger() WHERE severity = 'breach';

-- What is closed stays as it is, however late one closes the next, and whatever the chip turns out to be.
SELECT close_period('acme', '[2026-01-01Z,2026-02-01Z)') > 0 AS closed;
SELECT sum(quantity), sum(cost) FROM charge;
SELECT ledger_watermark() AS first \gset
INSERT INTO accelerator_alias (alias, accelerator) VALUES ('NVIDIA H100 80GB HBM3', 'nvidia/h100-sxm4-80gb');
SELECT taken FROM reidentify('fp8');
SELECT close_period('acme', '[2026-02-01Z,2026-03-01Z)') > 0 AS closed;
SELECT close_period('acme', '[2026-03-01Z,2026-04-01Z)') > 0 AS closed;
SELECT b.starts_at::date AS period, sum(c.quantity) AS quantity, sum(c.cost) AS cost
FROM charge AS c JOIN billing_period AS b ON b.id = coalesce(c.corrects, c.billing_period) GROUP BY 1 ORDER BY 1;
SELECT sum(quantity), sum(cost) FROM charge;
SELECT check_name, object, detail FROM check_ledger() WHERE severity = 'breach';
-- At two times of record all is the same.
SELECT count(*) FROM (
	SELECT r.day, sum(r.quantity), sum(r.cost) FROM rate_usage('acme', '[2026-01-01Z,2026-05-01Z)', :'first') AS r GROUP BY r.day
	EXCEPT
	SELECT r.day, sum(r.quantity), sum(r.cost) FROM rate_usage('acme', '[2026-01-01Z,2026-05-01Z)') AS r GROUP BY r.day) AS d;

-- What one transaction has chosen is not another's, also where both come in one message.
BEGIN\; SELECT _rated_as_of('2026-02-01Z')\; COMMIT\; BEGIN\; SELECT _rated_as_of(NULL) IS NULL AS nothing_chosen\; COMMIT;

\c contrib_regression
DROP DATABASE regress_rating_open;
