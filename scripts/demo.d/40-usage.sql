\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'
SELECT count(*) > 0 AS given FROM capacity \gset capacity_

\echo '== 3. From device-hours to normalised compute'
\echo
\echo 'A chip''s dense' :basis 'rate times devices times time: work() is exact to one FLOP, rounded once a row. A column'
\echo 'held to a basis refuses any other. A MIG slice counts its share of the card, in compute and in cards.'
\echo '1 PFLOPh is 10^15 operations a second for an hour, 3.6 x 10^18 of them; what stands behind the @ says of what kind.'
\if :capacity_given
\echo 'Where a name gave a class only, and the region''s inventory has just one chip of that class, it was that chip.'
\endif
\echo
\set ECHO queries
CREATE TABLE usage (
    line bigint PRIMARY KEY, region text, account text, name text, accelerator accelerator,
    devices numeric, cards numeric, period tstzrange, number_format text,
    achieved compute_unit(flop), used compute_unit(:basis));
\echo

INSERT INTO usage
SELECT c.line, c.region, c.account, c.name, a.accelerator,
       c.devices, c.devices * n.share, tstzrange(c.started, c.ended), c.number_format,
       c.achieved, work(normalized_rate(a.accelerator, :'basis'), tstzrange(c.started, c.ended), c.devices)
FROM checked AS c
JOIN name AS n USING (name)
LEFT JOIN (SELECT i.region, n.name, min(i.accelerator) AS accelerator
           FROM name AS n JOIN capacity AS i ON i.accelerator <@ n.accelerator
           WHERE n.kind = 'class'
           GROUP BY i.region, n.name HAVING min(i.accelerator) = max(i.accelerator)) AS i USING (region, name)
CROSS JOIN LATERAL (SELECT coalesce(i.accelerator, n.accelerator) AS accelerator) AS a
WHERE c.verdict = 'used';
\echo
\set ECHO none
ANALYZE usage;
-- A use of no length is an empty range, without bounds.
SELECT CASE WHEN count(lower(period)) = 0 THEN 'empty'
	ELSE tstzrange(date_trunc('hour', min(lower(period))),
		date_trunc('hour', max(upper(period)) + interval '1 hour' - interval '1 microsecond')) END AS span,
	to_char(min(lower(period)) AT TIME ZONE :'zone', 'YYYY-MM-DD HH24:MI') AS first,
	to_char(max(upper(period)) AT TIME ZONE :'zone', 'YYYY-MM-DD HH24:MI') AS last,
	count(lower(period)) > 0 AS some, max(upper(period)) - min(lower(period)) > interval '40 days' AS long,
	coalesce(max(upper(period)) - min(lower(period)) <= interval '49 hours', false) AS short
FROM usage \gset usage_
SELECT EXISTS (SELECT FROM usage AS u JOIN name AS n USING (name) WHERE u.accelerator <> n.accelerator) AS some \gset narrowed_
\if :narrowed_some
\echo 'The classes that the inventory made chips of:'
\echo
\set ECHO queries
SELECT u.region, u.name, n.accelerator AS class, u.accelerator AS chip, count(*) AS rows
FROM usage AS u JOIN name AS n USING (name)
WHERE u.accelerator <> n.accelerator
GROUP BY u.region, u.name, n.accelerator, u.accelerator
ORDER BY u.region, u.accelerator, u.name COLLATE "C" LIMIT 60;
\set ECHO none
\endif
SELECT count(*) > 0 AS some FROM usage WHERE accelerator IS NOT NULL AND used IS NULL \gset unrated_
\if :unrated_some
\echo 'Names that are known, but for which there is no rate (a class whose chips differ, or a format that the chip lacks):'
\echo 'like unknown names, they count in card-hours only. Basis:' :basis
\echo
\set ECHO queries
SELECT name, accelerator, count(*) AS rows,
       round(sum(cards * extract(epoch FROM upper(period) - lower(period))) / 3600, 1) AS card_hours
FROM usage WHERE accelerator IS NOT NULL AND used IS NULL
GROUP BY name, accelerator ORDER BY 4 DESC NULLS LAST, 1;
\set ECHO none
\endif
CREATE TABLE stretch (period tstzrange);
INSERT INTO stretch VALUES (:'usage_span');
\if :usage_some
\echo 'The use spans' :usage_first 'to' :usage_last 'in time zone' :zone
\endif
