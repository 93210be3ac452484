\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

-- The payer of all, under another name where the file has an account of this one.
CREATE TABLE book AS
SELECT 'everyone' || repeat('_', (SELECT count(*)::int FROM (SELECT DISTINCT account FROM usage) AS u WHERE account ~ '^everyone_*$')) AS root,
	coalesce((SELECT currency FROM price_list GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1), 'CNY') AS currency,
	NULL::tstzrange AS billed;
SELECT root, currency, coalesce(nullif(regexp_replace(:'name_source', '^name(, )?', ''), ''), 'NULL') AS system FROM book \gset

\echo '== 8. Into the ledger'
\echo
\echo 'So far there were only types, functions and aggregates, on tables of our own. create_ledger() has made the tables that keep'
\echo 'usage, prices and what was billed, with their history. First who and where: one who pays, the accounts under him, and'
\echo 'the regions that the ledger does not know yet. create_account() makes one account; rows make many.'
\echo
\set ECHO queries
SELECT create_account(:'root', currency => :'currency', time_zone => :'zone') AS "who pays";
\echo

WITH made AS (INSERT INTO account (name) SELECT DISTINCT account FROM usage RETURNING id)
INSERT INTO account_version (account, parent, valid) SELECT id, account_id(:'root'), '(,)' FROM made;

WITH made AS (INSERT INTO region (name) SELECT DISTINCT region FROM usage WHERE region_id(region) IS NULL RETURNING id)
INSERT INTO region_version (region, level, valid) SELECT id, 'region', '(,)' FROM made;

SELECT (SELECT count(DISTINCT account) FROM account_tree() WHERE ancestor = account_id(:'root') AND depth = 1) AS accounts,
       (SELECT count(DISTINCT region) FROM usage WHERE region_id(region) IS NOT NULL) AS regions;
\set ECHO none
\echo 'Usage comes in as text, whatever it says, by COPY or INSERT into usage_inbox; accept_usage() takes it from there. Every row ends'
\echo 'as accepted, as a duplicate, or as rejected with its reason. One record is held back, to come late (section 10): of those that came'
\echo 'over a day late, the largest.'
\echo
INSERT INTO usage_source (source, clock_tolerance, system) VALUES ('demo', '100 years', :system);
\set ECHO queries
-- A class that the region's inventory made a chip of (section 3) comes in as that chip.
CREATE VIEW feed AS
SELECT c.line, 'demo' AS source, CASE WHEN c.job <> '' THEN concat_ws('/', c.region, c.job, c.name, c.started) ELSE 'line ' || c.line END AS source_id,
       s.account, s.region, coalesce(n.chip, s.name) AS accelerator, s.devices, s.started, s.ended, c.number_format, s.achieved, s.job
FROM checked AS c
JOIN staging AS s USING (line)
LEFT JOIN (SELECT DISTINCT u.region, u.name, u.accelerator::text AS chip
           FROM usage AS u JOIN name AS n USING (name)
           WHERE u.accelerator <> n.accelerator) AS n ON n.region = c.region AND n.name = c.name
WHERE c.verdict IN ('used', 'duplicate');
\echo

CREATE TABLE late AS
SELECT u.*, f.source_id
FROM (SELECT line, max(ended) OVER (ORDER BY line) - ended > interval '1 day' AS late FROM checked WHERE verdict = 'used') AS c
JOIN usage AS u USING (line) JOIN feed AS f USING (line)
WHERE u.used IS NOT NULL AND NOT isempty(u.period) AND EXISTS (SELECT FROM price_list AS p WHERE p.class @> u.accelerator)
ORDER BY c.late DESC, u.devices * (upper(u.period) - lower(u.period)) DESC, line LIMIT 1;
\echo

INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, number_format, achieved_work, run)
SELECT source, source_id, account, region, accelerator, devices, started, ended, number_format, achieved, job
FROM feed WHERE source_id NOT IN (SELECT source_id FROM late)
ORDER BY line;
\echo

CREATE TABLE accepted AS
SELECT * FROM accept_usage(:'basis');
\echo

SELECT taken, accepted, duplicate, rejected FROM accepted;
\set ECHO none
SELECT count(*) > 0 AS some FROM usage_rejected \gset rejected_
\if :rejected_some
\echo 'What was rejected waits in usage_rejected, and can be taken again when it is mended: retry_rejected(), after a name was'
\echo 'added to accelerator_alias, say.'
\echo
\set ECHO queries
SELECT sqlstate, reason, count(*) AS rows
FROM usage_rejected GROUP BY sqlstate, reason ORDER BY rows DESC, reason COLLATE "C" LIMIT 40;
\set ECHO none
\endif
\echo 'It is what sections 1 to 4 said: rows used that have a known chip and a duration, duplicates, and normalised compute.'
\echo
\set ECHO queries
SELECT accepted = (SELECT count(*) FROM usage AS u WHERE accelerator IS NOT NULL AND NOT isempty(period)
                   AND line NOT IN (SELECT line FROM late)) AS "records agree",
       format(compute, 'PFLOPh', 1) AS compute,
       compute IS NOT DISTINCT FROM (SELECT sum(used) FROM usage WHERE NOT isempty(period) AND line NOT IN (SELECT line FROM late)) AS "compute agrees"
FROM accepted, (SELECT sum(work(rate, tstzrange(started_at, ended_at), devices)) AS compute
                FROM usage_record WHERE superseded = 'infinity') AS r;
\set ECHO none
