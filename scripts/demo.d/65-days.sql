\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

SELECT CASE WHEN span <= interval '49 hours' THEN '1 hour' WHEN span <= interval '45 days' THEN '1 day' ELSE '1 month' END AS width,
	CASE WHEN span <= interval '49 hours' THEN 'Dy DD Mon HH24:MI' WHEN span <= interval '45 days' THEN 'Dy DD Mon' ELSE 'Mon YYYY' END AS shape,
	count(*) > 0 AS some
FROM (SELECT max(upper(period)) - min(lower(period)) AS span FROM usage WHERE rate IS NOT NULL) AS s WHERE span > interval '0' GROUP BY 1, 2
UNION ALL SELECT '1 day', '', false LIMIT 1 \gset bucket_
\echo '== 6. Compute over time'
\echo
\if :bucket_some
\echo 'rate_profile() is the same for rates; buckets() cuts it at the hours, days or months of a time'
\echo 'zone, and the buckets add up to the integral exactly. By region (psql''s \\crosstabview puts them'
\echo 'side by side), at most the eight largest,'
\echo 'in PFLOPh of' :basis
\echo
\set ECHO queries
SELECT to_char(lower(b.period) AT TIME ZONE :'zone', :'bucket_shape') AS "from", region,
       round(flop_hours(b.amount) / 1000000000000000, 1) AS pfloph
FROM (SELECT region, rate_profile(period, rate * devices) AS profile
      FROM usage
      WHERE region IN (SELECT region FROM compute WHERE account IS NULL AND region IS NOT NULL
                       ORDER BY compute DESC NULLS LAST LIMIT 8)
      GROUP BY region) AS p,
     buckets(profile, :'bucket_width', :'zone') AS b
ORDER BY lower(b.period), region
\crosstabview
\set ECHO none
\else
\echo 'Nothing here has a rate and lasts, so there is nothing to show. Basis:' :basis
\echo
\endif
