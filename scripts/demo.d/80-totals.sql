\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

\echo '== 9. The same totals, another way'
\echo
\echo 'Compute again with plain numeric arithmetic, row by row and unrounded: work() rounds each row to a whole FLOP, so'
\echo 'the difference is at most half a FLOP a row. And the card-hours again, as the integral of the profiles, which keep'
\echo 'cards in steps of 1/1680000: other fractions are rounded to that, by at most half a step a row.'
\echo
\set ECHO queries
SELECT sum(used)::numeric AS "FLOP by sum(work)", sum(plain) AS "FLOP by plain numeric",
       abs(sum(used)::numeric - sum(plain)) <= count(*) * 0.5 AS agrees
FROM (SELECT used, normalized_rate(accelerator, :'basis')::numeric * devices
                   * extract(epoch FROM upper(period) - lower(period)) AS plain
      FROM usage) AS u
WHERE used IS NOT NULL;

SELECT round(by_sum, 6) AS "card-hours by sum", round(by_profile, 6) AS "by profiles",
       abs(by_sum - by_profile) <= 0.000001 + rounded AS agrees
FROM (SELECT sum(cards * extract(epoch FROM upper(period) - lower(period))) / 3600 AS by_sum,
             coalesce(sum(extract(epoch FROM upper(period) - lower(period)) / 3600 * 0.5 / 1680000)
                      FILTER (WHERE cards * 1680000 % 1 <> 0), 0) AS rounded
      FROM usage) AS s,
     (SELECT integral(sum(profile)) AS by_profile FROM in_use) AS p;
\set ECHO none
