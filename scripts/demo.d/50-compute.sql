\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

\echo '== 3. From device-hours to normalised compute'
\echo
\echo 'A record also keeps its chip''s dense' :basis 'rate as it was when it was accepted.'
\echo 'Rate times devices times time: work() is exact to one FLOP, rounded once a record. A MIG slice'
\echo 'counts its share of the card, in compute and in cards. 1 PFLOPh is 10^15 operations a second for'
\echo 'an hour, 3.6 x 10^18 of them; what stands behind the @ says of what kind.'
\echo
\set ECHO queries
SELECT accelerator, rate, trim_scale(devices) AS devices, upper(period) - lower(period) AS duration,
       format(work(rate, period, devices), 'PFLOPh', 3) AS work
FROM usage WHERE rate IS NOT NULL
ORDER BY devices * (upper(period) - lower(period)) DESC, source_id COLLATE "C" LIMIT 5;    -- the five largest
\set ECHO none
-- A use of no length is an empty range, without bounds.
SELECT CASE WHEN count(lower(period)) = 0 THEN 'empty'
	ELSE tstzrange(date_trunc('hour', min(lower(period))),
		date_trunc('hour', max(upper(period)) + interval '1 hour' - interval '1 microsecond')) END AS span,
	to_char(min(lower(period)) AT TIME ZONE :'zone', 'YYYY-MM-DD HH24:MI') AS first,
	to_char(max(upper(period)) AT TIME ZONE :'zone', 'YYYY-MM-DD HH24:MI') AS last,
	count(lower(period)) > 0 AS some, coalesce(bool_or(accelerator IS NOT NULL AND rate IS NULL), false) AS unrated
FROM usage \gset usage_
\if :usage_unrated
\echo 'Names that are known, but for which there is no rate (a class whose chips differ, or a format that'
\echo 'the chip lacks):'
\echo 'like unknown names, they count in card-hours only. Basis:' :basis
\echo
\set ECHO queries
SELECT name, accelerator, count(*) AS rows,
       round(sum(cards * extract(epoch FROM upper(period) - lower(period))) / 3600, 1) AS card_hours
FROM usage WHERE accelerator IS NOT NULL AND rate IS NULL
GROUP BY name, accelerator ORDER BY 4 DESC NULLS LAST, 1;
\set ECHO none
\endif
CREATE TABLE stretch (period tstzrange);
INSERT INTO stretch VALUES (:'usage_span');
\if :usage_some
\echo 'The use spans' :usage_first 'to' :usage_last 'in time zone' :zone
\endif

\echo
\echo '== 4. Normalised compute by region and account'
\echo
\echo 'usage_daily has the usage of each account, region and chip by day, as refresh_rollups() last added'
\echo 'it up (section 10). sum(compute_unit) is exact integer arithmetic: the same to the last FLOP in'
\echo 'any order, in parallel, on any node. A column held to a basis refuses any other.'
\echo
\set ECHO queries
CREATE TABLE compute (
    region text, account text, jobs bigint, card_hours numeric, compute compute_unit(:basis));
\echo

INSERT INTO compute
SELECT region, account, sum(jobs), sum(card_hours), sum(work)
FROM (SELECT d.region_name AS region, d.account_name AS account, d.started AS jobs,
             d.device_hours AS card_hours, d.work
      FROM usage_daily AS d
      UNION ALL
      SELECT region, account, 1, cards * extract(epoch FROM upper(period) - lower(period)) / 3600,
             NULL
      FROM usage WHERE accelerator IS NULL) AS u
GROUP BY GROUPING SETS ((region, account), (region), ());
\echo
\set ECHO none
SELECT count(*) > 80 AS many FROM compute \gset compute_
\set ECHO queries
\if :compute_many
\echo 'There are many: the twenty largest accounts, the regions, and all. The rest is in the table'
\echo 'demo.compute.'
\echo
SELECT region, account, jobs, round(card_hours, 1) AS card_hours,
       format(compute, 'PFLOPh', 1) AS compute
FROM compute WHERE account IS NOT NULL
ORDER BY compute.compute DESC NULLS LAST, region COLLATE "C", account COLLATE "C" LIMIT 20;

SELECT coalesce(region, 'all regions') AS region, jobs, round(card_hours, 1) AS card_hours,
       format(compute, 'PFLOPh', 1) AS compute
FROM compute WHERE account IS NULL
ORDER BY compute.region COLLATE "C" NULLS LAST;
\else
SELECT coalesce(region, 'all regions') AS region, coalesce(account, 'all accounts') AS account,
       jobs, round(card_hours, 1) AS card_hours, format(compute, 'PFLOPh', 1) AS compute
FROM compute
ORDER BY compute.region COLLATE "C" NULLS LAST, compute.account IS NULL,
         compute.compute DESC NULLS LAST, compute.account COLLATE "C";
\endif
\set ECHO none
