\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

\echo
\echo '== 1. What the file holds'
\echo
\echo 'Every line was read as text and judged by set-based SQL (scripts/demo.d/20-check.sql). A row is used, or it is a'
\echo 'duplicate of an earlier one, or it is refused with its reasons; the three add up to the rows of the file.'
\echo
\set ECHO queries
SELECT count(*) AS rows,
       count(*) FILTER (WHERE verdict = 'used') AS used,
       count(*) FILTER (WHERE verdict = 'duplicate') AS duplicates,
       count(*) FILTER (WHERE verdict = 'refused') AS refused,
       (SELECT count(*) FROM (SELECT ended, max(ended) OVER (ORDER BY line) AS latest
                              FROM checked WHERE verdict = 'used') AS c
        WHERE ended < latest - interval '1 day') AS "over a day late"
FROM checked;
\set ECHO none
SELECT count(*) > 0 AS any, count(*) > 40 AS many, count(*) - 40 AS more FROM refused \gset refused_
\if :refused_any
\echo 'The refused rows: their line in the file, and why.'
\echo
\set ECHO queries
SELECT line, reason, left(row, 32) AS row
FROM refused ORDER BY line LIMIT 40;
\set ECHO none
\if :refused_many
\echo 'and' :refused_more 'more, in the table demo.refused (--refused FILE writes them all):'
\echo
\set ECHO queries
SELECT regexp_replace(reason, '''[^'']*''|[0-9]+', '...', 'g') AS reason, count(*) AS rows
FROM refused GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20;
\set ECHO none
\endif
\endif
SELECT EXISTS (SELECT FROM capacity_checked WHERE reason IS NOT NULL UNION ALL SELECT FROM price_checked WHERE reason IS NOT NULL) AS any \gset other_
\if :other_any
\echo 'Refused rows of the capacity and price files.'
\echo
\set ECHO queries
SELECT 'capacity' AS file, line, reason FROM capacity_checked WHERE reason IS NOT NULL
UNION ALL
SELECT 'price', line, reason FROM price_checked WHERE reason IS NOT NULL
ORDER BY 1, 2;
\set ECHO none
\endif

CREATE TABLE capacity (region text, name text, accelerator accelerator, devices numeric);
-- Spellings of one chip are one line; an unknown name is a line of its own.
INSERT INTO capacity
SELECT region, min(name), accelerator, sum(devices)
FROM (SELECT region, name, devices, identify(:name_source) AS accelerator FROM capacity_checked WHERE reason IS NULL) AS c
GROUP BY region, accelerator, CASE WHEN accelerator IS NULL THEN name END;
CREATE TABLE price_list (class accelerator PRIMARY KEY, unit text, price numeric, currency text);
INSERT INTO price_list SELECT class, unit, price, currency FROM price_checked WHERE reason IS NULL;

\echo '== 2. Which chips the names mean'
\echo
\echo 'identify() turns a name as nvidia-smi, Kubernetes, Slurm, the PCI bus or a price list spells it into a chip. A name'
\echo 'that leaves the variant open gives a class and is never guessed further; a name it does not know gives NULL.'
\echo 'share is what one device of the name is of a card: a MIG slice is less than one. Device-hours count slices whole.'
\echo
\set ECHO queries
CREATE TABLE name AS
SELECT name, identify(:name_source) AS accelerator, rows, device_hours
FROM (SELECT name, count(*) AS rows,
             sum(devices * extract(epoch FROM ended - started)) / 3600 AS device_hours
      FROM checked WHERE verdict = 'used' GROUP BY name) AS n;
\echo

ALTER TABLE name ADD kind text, ADD share numeric;
\echo
UPDATE name AS n
SET share = coalesce(mig_slices(n.accelerator)::numeric
                     / (SELECT max(m.mig_slices) FROM accelerator_model AS m
                        WHERE m.accelerator @> accelerator_trunc('memory', n.accelerator)
                          AND upper_inf(m.recorded)), 1),
    kind = CASE WHEN n.accelerator IS NULL THEN 'unknown'
                WHEN EXISTS (SELECT FROM accelerator_model AS m
                             WHERE m.accelerator <@ n.accelerator AND m.accelerator <> n.accelerator
                               AND upper_inf(m.recorded)) THEN 'class'
                ELSE 'chip' END;
\echo

SELECT kind, count(*) AS names, sum(rows) AS rows, round(sum(device_hours), 1) AS device_hours
FROM name GROUP BY kind ORDER BY kind;

\set ECHO none
SELECT count(*) FILTER (WHERE kind = 'unknown') > 0 AS any, count(*) > 60 AS many, count(*) - 60 AS more FROM name \gset names_
\set ECHO queries
\if :names_many
SELECT name, kind, accelerator, round(share, 4) AS share, rows, round(device_hours, 1) AS device_hours
FROM name ORDER BY rows DESC, name COLLATE "C" LIMIT 60;
\echo 'and' :names_more 'more names, in the table demo.name.'
\echo
\else
SELECT name, kind, accelerator, round(share, 4) AS share, rows, round(device_hours, 1) AS device_hours
FROM name ORDER BY accelerator NULLS LAST, name COLLATE "C";
\endif
\set ECHO none
\if :names_any
\echo 'The unknown ones, all of them. Their rows stay: in device-hours they count; compute and price they have none.'
\echo
\set ECHO queries
SELECT name, rows, round(device_hours, 1) AS device_hours
FROM name WHERE kind = 'unknown' ORDER BY rows DESC, name COLLATE "C";
\set ECHO none
\endif
