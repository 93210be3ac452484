\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

\echo
\echo '== 4. Normalised compute by region and account'
\echo
\echo 'sum(compute_unit) is exact integer arithmetic: the same to the last FLOP in any order, in parallel, on any node.'
\echo
\set ECHO queries
CREATE TABLE compute AS
SELECT region, account, count(*) AS jobs,
       sum(cards * extract(epoch FROM upper(period) - lower(period))) / 3600 AS card_hours,
       sum(used) AS compute
FROM usage
GROUP BY GROUPING SETS ((region, account), (region), ());
\echo
\set ECHO none
SELECT count(*) > 80 AS many FROM compute \gset compute_
\set ECHO queries
\if :compute_many
\echo 'There are many: the twenty largest accounts, the regions, and all. The rest is in the table demo.compute.'
\echo
SELECT region, account, jobs, round(card_hours, 1) AS card_hours, format(compute, 'PFLOPh', 1) AS compute
FROM compute WHERE account IS NOT NULL
ORDER BY compute.compute DESC NULLS LAST, region COLLATE "C", account COLLATE "C" LIMIT 20;

SELECT coalesce(region, 'all regions') AS region, jobs, round(card_hours, 1) AS card_hours, format(compute, 'PFLOPh', 1) AS compute
FROM compute WHERE account IS NULL
ORDER BY compute.region COLLATE "C" NULLS LAST;
\else
SELECT coalesce(region, 'all regions') AS region, coalesce(account, 'all accounts') AS account, jobs,
       round(card_hours, 1) AS card_hours, format(compute, 'PFLOPh', 1) AS compute
FROM compute
ORDER BY compute.region COLLATE "C" NULLS LAST, compute.account IS NULL, compute.compute DESC NULLS LAST, compute.account COLLATE "C";
\endif
\set ECHO none
