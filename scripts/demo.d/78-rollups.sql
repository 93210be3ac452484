\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

\echo
\echo '== 10. Reading it'
\echo
\echo 'Materialized views hold usage by hour and day, spend by day, and what was allocated of the'
\echo 'inventory, chip by chip (MIG slices count as their share of the card); refresh_rollups() computes'
\echo 'them.'
\echo
SELECT count(*) > 0 AS given FROM inventory WHERE accelerator IS NOT NULL \gset capacity_
\if :capacity_given
\set ECHO queries
INSERT INTO capacity (region, accelerator, devices, valid)
SELECT region_id(c.region), c.accelerator, c.devices, s.period
FROM inventory AS c, stretch AS s
WHERE region_id(c.region) IS NOT NULL AND c.accelerator IS NOT NULL AND NOT isempty(s.period);
\echo
\set ECHO none
\endif
\set ECHO queries
SELECT refresh_rollups() <= ledger_watermark() AS refreshed;

SELECT account_name AS account, region_name AS region, day,
       round(sum(device_hours), 1) AS device_hours, format(sum(work), 'PFLOPh', 1) AS compute,
       sum(started) AS records
FROM usage_daily
GROUP BY account_name, region_name, day ORDER BY sum(device_hours) DESC, day, 1, 2 LIMIT 5;    -- the five largest

SELECT day, currency, sum(charges) AS charges, round(sum(cost), 2) AS cost
FROM spend_daily
WHERE cost IS NOT NULL
GROUP BY day, currency ORDER BY day, currency LIMIT 31;
\set ECHO none
\if :capacity_given
\set ECHO queries
SELECT region_name AS region, accelerator, round(sum(capacity_hours), 1) AS capacity_hours,
       round(sum(allocated_hours), 1) AS allocated_hours,
       round(100 * sum(allocated_hours) / nullif(sum(capacity_hours), 0), 1) AS "allocated %"
FROM utilization_daily
WHERE account IS NULL
GROUP BY region_name, accelerator HAVING sum(capacity_hours) > 0
ORDER BY region_name COLLATE "C", accelerator LIMIT 60;
\set ECHO none
\endif
\echo 'Their sums are those of the tables, to the microsecond.'
\echo
\set ECHO queries
SELECT sum(h.device_time) AS "1/1,680,000 device x microsecond",
       sum(h.device_time) = d.device_time AS "days agree",
       sum(h.device_time) = r.device_time AS "records agree",
       sum(h.started) = r.records AS "number agrees"
FROM usage_hourly AS h,
     (SELECT sum(device_time) AS device_time FROM usage_daily) AS d,
     (SELECT sum(round(devices * share) * 1000000
                 * extract(epoch FROM upper(period) - lower(period))) AS device_time,
             count(*) AS records
      FROM usage WHERE accelerator IS NOT NULL) AS r
GROUP BY d.device_time, r.device_time, r.records;
\set ECHO none
\echo 'The charges are there as FOCUS, too, the FinOps Open Cost and Usage Specification. focus_check()'
\echo 'looks for breaches of it, check_ledger() for anything in the ledger that contradicts what it'
\echo 'promises. Neither finds any.'
\echo
\set ECHO queries
SELECT "ChargeCategory", "ChargeClass", "RegionId", count(*) AS rows,
       round(sum("ListCost"), 2) AS "ListCost", round(sum("BilledCost"), 2) AS "BilledCost",
       "BillingCurrency"
FROM focus_1_2
GROUP BY "ChargeCategory", "ChargeClass", "RegionId", "BillingCurrency"
ORDER BY "ChargeCategory", "ChargeClass" NULLS FIRST, "RegionId" COLLATE "C", "BillingCurrency"
LIMIT 40;

SELECT * FROM focus_check();

SELECT * FROM check_ledger();
\set ECHO none
