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
SELECT coalesce(region, 'all regions') AS region, coalesce(account, 'all accounts') AS account, jobs,
       round(card_hours, 1) AS card_hours, format(compute, 'PFLOPh', 1) AS compute
FROM compute
ORDER BY compute.region NULLS LAST, compute.account IS NULL, compute.compute DESC NULLS LAST, compute.account COLLATE "C" LIMIT 80;
\set ECHO none
SELECT count(*) > 80 AS many, count(*) - 80 AS more FROM compute \gset compute_
\if :compute_many
\echo 'and' :compute_more 'more rows, in the table demo.compute. All together:'
\echo
\set ECHO queries
SELECT jobs, round(card_hours, 1) AS card_hours, format(compute, 'PFLOPh', 1) AS compute
FROM compute WHERE region IS NULL;
\set ECHO none
\endif
