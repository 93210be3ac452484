\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'
SELECT root, currency FROM book \gset
SELECT count(*) > 0 AS given FROM inventory \gset inventory_

\echo
\echo '== 1. Into the ledger'
\echo
\echo 'Usage comes in as text, whatever it says, by COPY or INSERT into usage_inbox. The cells of the'
\echo 'file are there now, each row under the number of its line. A record''s name for ever is its source'
\echo 'and its name there: here the region, and job, accelerator and start.'
\echo
\echo 'compute-ledger load --inbox-only --lines FILE'
\echo
\echo 'Who and where: one who pays, the accounts under him, and the regions that the ledger does not know'
\echo 'yet. create_account() makes one account; rows make many.'
\echo
\set ECHO queries
SELECT create_account(:'root', currency => :'currency', time_zone => :'zone') AS "who pays";
\echo

WITH made AS (
    INSERT INTO account (name)
    SELECT DISTINCT account FROM usage_inbox
    WHERE account <> '' AND account = btrim(account) AND octet_length(account) <= 1000
    RETURNING id)
INSERT INTO account_version (account, parent, valid)
SELECT id, account_id(:'root'), '(,)' FROM made;
\echo

WITH made AS (
    INSERT INTO region (name)
    SELECT region
    FROM (SELECT region FROM usage_inbox UNION SELECT region FROM inventory
          EXCEPT SELECT name FROM region) AS r
    WHERE region <> '' AND region = btrim(region) AND octet_length(region) <= 1000
    RETURNING id)
INSERT INTO region_version (region, level, valid) SELECT id, 'region', '(,)' FROM made;
\echo

SELECT (SELECT count(DISTINCT account) FROM account_tree()
        WHERE ancestor = account_id(:'root') AND depth = 1) AS accounts,
       (SELECT count(*) FROM region WHERE name IN (SELECT region FROM usage_inbox)) AS regions;
\set ECHO none
\echo 'On what: identify() turns a name as nvidia-smi, Kubernetes, Slurm, the PCI bus or a price list'
\echo 'spells it into a chip. A name that leaves the variant open gives a class and is never guessed'
\echo 'further; a name it does not know gives NULL. share is what one device of the name is of a card: a'
\echo 'MIG slice is less than one. The ledger keeps it with each record.'
\echo
\set ECHO queries
CREATE TABLE name AS
SELECT name, identify(:name_source) AS accelerator, 'unknown' AS kind, 1.0 AS share
FROM (SELECT DISTINCT accelerator AS name FROM usage_inbox) AS n;
\echo

UPDATE name AS n
SET share = device_share(n.accelerator) / 1680000.0,
    kind = CASE WHEN EXISTS (SELECT FROM accelerator_model AS m
                             WHERE m.accelerator <@ n.accelerator AND m.accelerator <> n.accelerator
                               AND upper_inf(m.recorded)) THEN 'class'
                ELSE 'chip' END
WHERE n.accelerator IS NOT NULL;
\echo
\set ECHO none
\if :inventory_given
\echo 'Where a name gives a class only, and the region''s inventory has just one chip of that class, it'
\echo 'is that chip. accelerator_alias takes this down, with its origin, for names that come from there;'
\echo 'from now on identify() goes by it.'
\echo
\set ECHO queries
\endif
INSERT INTO accelerator_alias (alias, system, accelerator, source)
SELECT min(n.name), f.system, min(coalesce(i.chip, n.accelerator)),
       CASE WHEN min(i.chip) IS NULL THEN 'the system that prints the name'
            ELSE 'the inventory of ' || f.system END
FROM (SELECT DISTINCT accelerator AS name, lower(source COLLATE "C") AS system
      FROM usage_inbox) AS f
JOIN name AS n USING (name)
LEFT JOIN LATERAL (SELECT min(i.accelerator) AS chip FROM inventory AS i
                   WHERE lower(i.region COLLATE "C") = f.system
                     AND i.accelerator <@ n.accelerator AND n.kind = 'class'
                   HAVING min(i.accelerator) = max(i.accelerator)) AS i ON true
WHERE n.accelerator IS NOT NULL AND octet_length(n.name) <= 256
GROUP BY f.system, accelerator_name_key(n.name)
HAVING min(coalesce(i.chip, n.accelerator)) IS DISTINCT FROM identify(min(n.name), f.system);
\set ECHO none
\if :inventory_given
\echo
\endif

-- accept_usage() empties the inbox, and a record does not say on which line of which file it stood.
CREATE TABLE file AS SELECT id AS line, * FROM usage_inbox;
ALTER TABLE file DROP COLUMN id;
ANALYZE file, name;
\echo 'One record is held back, to come late (section 9): of those that were written over a day after'
\echo 'their end, if any, the largest that has a price.'
\echo
\set ECHO queries
CREATE TABLE late AS
SELECT f.line, f.source, f.source_id, f.account, f.region, n.accelerator, f.devices, f.period
FROM (SELECT *, avg(extract(epoch FROM upper(period))) OVER (ORDER BY line ROWS 100 PRECEDING)
                - extract(epoch FROM upper(period)) > 86400 AS is_late
      FROM (SELECT line, source, source_id, account, region, accelerator AS name, devices::numeric,
                   tstzrange(started_at::timestamptz, ended_at::timestamptz) AS period
            FROM file WHERE is_plain(started_at, ended_at, devices)) AS f) AS f
JOIN (SELECT source, name, identify(name, source) AS accelerator
      FROM (SELECT DISTINCT source, accelerator AS name FROM file) AS n) AS n USING (source, name)
JOIN account ON account.name = f.account
JOIN region ON region.name = f.region
WHERE is_late
  AND upper(period) <= date_trunc('month', now(), :'zone')    -- of a month that is over
  AND normalized_rate(n.accelerator, :'basis') IS NOT NULL
  AND EXISTS (SELECT FROM price_list AS p WHERE p.class @> n.accelerator)
ORDER BY devices * (upper(period) - lower(period)) DESC, line LIMIT 1;
\echo

CREATE TABLE held (LIKE usage_inbox);
WITH record AS (
    DELETE FROM usage_inbox
    WHERE (source, source_id) IN (SELECT source, source_id FROM late) RETURNING *)
INSERT INTO held SELECT * FROM record;
\echo
\set ECHO none
\echo 'What the sources write: instants with an offset or as seconds since 1970; one without an offset is'
\echo 'of the time zone of the load.'
\echo
\set ECHO queries
INSERT INTO usage_source (source, time_zone, unix_seconds)
SELECT DISTINCT source, :'zone', true FROM file WHERE octet_length(source) <= 1000;
\echo
\set ECHO none
\if :ahead_given
\echo 'The clock of this machine may be behind that of the file, and what is in the future is rejected:'
\echo 'the sources may be ahead.'
\echo
\set ECHO queries
UPDATE usage_source SET clock_tolerance = interval :'ahead';
\echo
\set ECHO none
\endif
\echo 'accept_usage() takes what is in the inbox. Every row ends as accepted, as a duplicate of one, or'
\echo 'as rejected with its reasons.'
\echo
\set ECHO queries
SELECT * FROM accept_usage(:'basis');
\set ECHO none
ANALYZE _usage_record;
ANALYZE usage_key;
SELECT refresh_rollups() \g /dev/null
-- One row for each fault. Two rows of the file that say the same have the same faults.
CREATE VIEW refused AS
SELECT DISTINCT f.line, e.fault, e.sqlstate, e.reason, e.detail, e.hint, r.accelerator,
	array_to_string(ARRAY[f.region, f.account, f.accelerator, f.devices, f.started_at, f.ended_at, f.run, f.number_format, f.achieved_work], ',', '') AS row
FROM usage_rejected AS r
CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(r.faults) AS (sqlstate text, reason text, detail text, hint text)) WITH ORDINALITY AS e (sqlstate, reason, detail, hint, fault)
JOIN file AS f ON f.source = r.source AND f.source_id = r.source_id
	AND ROW(f.region, f.account, f.accelerator, f.devices, f.started_at, f.ended_at, f.run, f.number_format, f.achieved_work)
		IS NOT DISTINCT FROM ROW(r.region, r.account, r.accelerator, r.devices, r.started_at, r.ended_at, r.run, r.number_format, r.achieved_work)
WHERE r.retried_in IS NULL
UNION ALL
SELECT line, 1, NULL, reason, NULL, NULL, NULL, row FROM unreadable WHERE file = 'usage';
\set ECHO queries
SELECT :records AS rows, taken, accepted, duplicate, rejected, unreadable, held AS "held back",
       :records = taken + unreadable + held AND taken = accepted + duplicate + rejected AS "adds up"
FROM (SELECT coalesce(sum(taken), 0) AS taken, coalesce(sum(accepted), 0) AS accepted,
             coalesce(sum(duplicate), 0) AS duplicate, coalesce(sum(rejected), 0) AS rejected
      FROM usage_batch) AS b,
     (SELECT count(*) AS unreadable FROM unreadable WHERE file = 'usage') AS u,
     (SELECT count(*) AS held FROM held) AS h;

SELECT count(*) AS records,
       count(*) FILTER (WHERE ended_at < latest - interval '1 day') AS "over a day late",
       count(*) FILTER (WHERE ended_at = 'infinity') AS "not ended"
FROM (SELECT r.ended_at, max(nullif(r.ended_at, 'infinity')) OVER (ORDER BY f.line) AS latest
      FROM usage_record AS r
      JOIN (SELECT source, source_id, min(line) AS line FROM file
            GROUP BY source, source_id) AS f USING (source, source_id)
      WHERE r.superseded = 'infinity') AS r;
\set ECHO none
SELECT count(*) > 0 AS any FROM usage_rejected \gset rejected_
\if :rejected_any
\echo 'What was rejected waits in usage_rejected and can be taken again when it is mended:'
\echo 'retry_rejected(), after a name was added to accelerator_alias, say.'
\echo
\set ECHO queries
SELECT f.sqlstate, f.reason, count(*) AS rows
FROM usage_rejected, jsonb_to_recordset(faults) AS f (sqlstate text, reason text)
GROUP BY f.sqlstate, f.reason ORDER BY rows DESC, f.sqlstate, f.reason COLLATE "C" LIMIT 40;
\set ECHO none
\endif
SELECT count(*) > 0 AS any, count(*) > 40 AS many, count(*) - 40 AS more FROM refused WHERE sqlstate <> 'LC003' OR sqlstate IS NULL OR accelerator = '' \gset refused_
\if :refused_any
\echo 'Where it stands in the file, a row for each fault, but for unknown names (section 2). A line'
\echo 'without an SQLSTATE is no row of CSV: it has no cells that an inbox could take.'
\echo
\set ECHO queries
SELECT line, sqlstate, reason
FROM refused WHERE sqlstate <> 'LC003' OR sqlstate IS NULL OR accelerator = ''
ORDER BY line, fault LIMIT 40;
\set ECHO none
\if :refused_many
\echo 'and' :refused_more 'more, in the view demo.refused (--refused FILE writes them all):'
\echo
\set ECHO queries
SELECT sqlstate, regexp_replace(reason, '"[^"]*"|[0-9]+', '...', 'g') AS reason, count(*) AS rows
FROM refused WHERE sqlstate <> 'LC003' OR sqlstate IS NULL OR accelerator = ''
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20;
\set ECHO none
\endif
\endif
SELECT EXISTS (SELECT FROM capacity_checked WHERE reason IS NOT NULL UNION ALL SELECT FROM price_checked WHERE reason IS NOT NULL
	UNION ALL SELECT FROM unreadable WHERE file <> 'usage') AS any \gset other_
\if :other_any
\echo 'Refused rows of the capacity and price files.'
\echo
\set ECHO queries
SELECT 'capacity' AS file, line, reason FROM capacity_checked WHERE reason IS NOT NULL
UNION ALL
SELECT 'price', line, reason FROM price_checked WHERE reason IS NOT NULL
UNION ALL
SELECT file, line, reason FROM unreadable WHERE file <> 'usage'
ORDER BY 1, 2;
\set ECHO none
\endif
