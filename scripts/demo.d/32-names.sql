\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

\echo '== 2. Which chips the names mean'
\echo
\echo 'What follows reads the ledger. Usage under a name that it does not know has been rejected and has'
\echo 'no chip, so no compute and no price; but somebody had the devices. This view has both: the current'
\echo 'revision of each record, and what waits for a name.'
\echo
\set ECHO queries
CREATE VIEW usage AS
SELECT r.source, r.source_id, a.name AS account, g.name AS region, r.accelerator_name AS name,
       r.accelerator, r.devices, r.share, r.devices * r.share / 1680000 AS cards,
       tstzrange(r.started_at, e.ended_at) AS period, r.rate, r.number_format, r.achieved_work
FROM usage_record AS r
JOIN account AS a ON a.id = r.account
JOIN region AS g ON g.id = r.region
CROSS JOIN LATERAL (    -- what goes on is counted up to what the rollups show
    SELECT CASE WHEN r.ended_at = 'infinity'
                THEN greatest(r.started_at, (SELECT as_of FROM rollup_state))
                ELSE r.ended_at END AS ended_at) AS e
WHERE r.superseded = 'infinity'
UNION ALL
SELECT source, source_id, account, region, name, NULL, devices, NULL, devices,
       tstzrange(started_at, greatest(started_at, ended_at)), NULL, number_format, achieved_work
FROM (SELECT DISTINCT ON (source, source_id) source, source_id, account, region,
             accelerator AS name, devices::numeric, instant(started_at) AS started_at,
             coalesce(instant(nullif(ended_at, '')), (SELECT as_of FROM rollup_state)) AS ended_at,
             lower(nullif(number_format, '')) AS number_format,
             nullif(achieved_work, '')::compute_unit AS achieved_work
      FROM usage_rejected    -- the first fault; the name is looked at last: all else is sound
      WHERE sqlstate = 'LC003' AND accelerator <> '' AND retried_in IS NULL
      ORDER BY source, source_id, id) AS r;
\echo

CREATE TABLE named AS
SELECT n.name, n.kind, n.accelerator, n.share, u.rows, u.device_hours
FROM (SELECT name, count(*) AS rows,
             sum(devices * extract(epoch FROM upper(period) - lower(period))) / 3600 AS device_hours
      FROM usage GROUP BY name) AS u
JOIN name AS n USING (name);
\echo

SELECT kind, count(*) AS names, sum(rows) AS rows, round(sum(device_hours), 1) AS device_hours
FROM named GROUP BY kind ORDER BY kind;

\set ECHO none
SELECT count(*) FILTER (WHERE kind = 'unknown') > 0 AS any, count(*) > 60 AS many, count(*) - 60 AS more FROM named \gset names_
\set ECHO queries
\if :names_many
SELECT name, kind, accelerator, round(share, 4) AS share, rows, round(device_hours, 1) AS hours
FROM named ORDER BY rows DESC, name COLLATE "C" LIMIT 60;
\echo 'and' :names_more 'more names, in the table demo.named.'
\echo
\else
SELECT name, kind, accelerator, round(share, 4) AS share, rows, round(device_hours, 1) AS hours
FROM named ORDER BY accelerator NULLS LAST, name COLLATE "C";
\endif
\set ECHO none
\if :names_any
\echo 'The unknown ones, all of them. Their rows stay: in device-hours they count; compute and price they'
\echo 'have none.'
\echo
\set ECHO queries
SELECT name, rows, round(device_hours, 1) AS device_hours
FROM named WHERE kind = 'unknown' ORDER BY rows DESC, name COLLATE "C";
\set ECHO none
\endif
SELECT EXISTS (SELECT FROM usage_record AS r JOIN name AS n ON n.name = r.accelerator_name WHERE r.accelerator <> n.accelerator) AS some \gset narrowed_
\if :narrowed_some
\echo 'The classes that the inventory made chips of. A record keeps the name as it came, and the chip as'
\echo 'it was identified when it was accepted:'
\echo
\set ECHO queries
SELECT r.region_name AS region, n.name, n.accelerator AS class, r.accelerator AS chip,
       count(*) AS rows
FROM usage_record AS r JOIN name AS n ON n.name = r.accelerator_name
WHERE r.accelerator <> n.accelerator
GROUP BY r.region_name, n.name, n.accelerator, r.accelerator
ORDER BY r.region_name, r.accelerator, n.name COLLATE "C" LIMIT 60;
\set ECHO none
\endif
