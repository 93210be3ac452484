\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

\echo '== 5. Cards in use: peak, 95th percentile, and utilisation'
\echo
\echo 'device_profile() folds the intervals into a step function of time; profiles add up with sum().'
\echo 'peak() is the most that ever ran at once; sampled_percentile() is the nearest rank over 5-minute'
\echo 'samples, as 95th-percentile bills use it.'
\echo
\set ECHO queries
CREATE TABLE in_use AS
SELECT region, accelerator, CASE WHEN accelerator IS NULL THEN name END AS unknown,
       device_profile(period, cards) AS profile
FROM usage
GROUP BY 1, 2, 3;
\echo
\set ECHO none
SELECT count(*) > 0 AS given FROM inventory \gset capacity_
\if :capacity_given
\echo 'Utilisation is the average use over the whole time, by the cards that the inventory counts.'
\echo
\set ECHO queries
SELECT coalesce(u.region, c.region) AS region, c.cards, round(u.peak, 2) AS peak,
       round(u.p95, 2) AS p95, round(u.average, 1) AS average,
       round(100 * u.average / nullif(c.cards, 0), 1) AS "utilisation %"
FROM (SELECT region, peak(sum(profile), s.period), average(sum(profile), s.period),
             sampled_percentile(sum(profile), 0.95, interval '5 minutes', s.period) AS p95
      FROM in_use, stretch AS s GROUP BY region, s.period) AS u
FULL JOIN (SELECT region, sum(devices) AS cards FROM inventory GROUP BY region) AS c USING (region)
ORDER BY 1;
\set ECHO none
\echo 'The same by chip. A use is counted with the narrowest line of the inventory that contains its chip'
\echo '(of a name unknown to both, the same name); what no line contains has none.'
\echo
\set ECHO queries
SELECT u.region, coalesce(i.accelerator::text, i.name, u.accelerator::text, u.unknown) AS chip,
       i.devices AS cards,
       round(peak(sum(u.profile), s.period), 2) AS peak,
       round(sampled_percentile(sum(u.profile), 0.95, interval '5 minutes', s.period), 2) AS p95,
       round(100 * average(sum(u.profile), s.period) / nullif(i.devices, 0), 1) AS "utilisation %"
FROM stretch AS s, in_use AS u
LEFT JOIN LATERAL (SELECT * FROM inventory AS c
                   WHERE c.region = u.region
                     AND (c.accelerator @> u.accelerator OR c.name = u.unknown)
                   ORDER BY specificity(c.accelerator) DESC NULLS LAST LIMIT 1) AS i ON true
GROUP BY 1, 2, 3, s.period
UNION ALL
SELECT c.region, coalesce(c.accelerator::text, c.name), c.devices, 0, 0, 0.0
FROM inventory AS c
WHERE NOT EXISTS (SELECT FROM in_use AS u
                  WHERE u.region = c.region
                    AND (c.accelerator @> u.accelerator OR c.name = u.unknown))
ORDER BY 1, 3 DESC NULLS LAST, 2;
\set ECHO none
\else
\echo 'No inventory was given (--capacity FILE), so utilisation here is average use by the OBSERVED PEAK:'
\echo 'it says how even the use was, not how much of the machines was used, and it flatters them.'
\echo
\set ECHO queries
SELECT region, round(peak, 2) AS peak, round(p95, 2) AS p95, round(average, 1) AS average,
       round(100 * average / nullif(peak, 0), 1) AS "% of observed peak"
FROM (SELECT region, peak(sum(profile), s.period), average(sum(profile), s.period),
             sampled_percentile(sum(profile), 0.95, interval '5 minutes', s.period) AS p95
      FROM in_use, stretch AS s GROUP BY region, s.period) AS u
ORDER BY region;

SELECT u.region, coalesce(u.accelerator::text, u.unknown) AS chip,
       round(peak(u.profile, s.period), 2) AS peak,
       round(sampled_percentile(u.profile, 0.95, interval '5 minutes', s.period), 2) AS p95,
       round(100 * average(u.profile, s.period) / nullif(peak(u.profile, s.period), 0), 1)
           AS "% of observed peak"
FROM in_use AS u, stretch AS s
ORDER BY 1, u.accelerator NULLS LAST, 2;
\set ECHO none
\endif
