\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

\echo '== 11. The same totals, another way'
\echo
\echo 'Compute again with plain numeric arithmetic, row by row and unrounded: work() rounds each row to a'
\echo 'whole FLOP, so the difference is at most half a FLOP a row. And the card-hours again, as the'
\echo 'integral of the profiles, which keep cards in steps of 1/1680000: other fractions are rounded to'
\echo 'that, by at most half a step a row.'
\echo
\set ECHO queries
SELECT sum(work)::numeric AS "FLOP by sum(work)", sum(plain) AS "FLOP by plain numeric",
       abs(sum(work)::numeric - sum(plain)) <= count(*) * 0.5 AS agrees,
       sum(work) = (SELECT sum(work) FROM usage_daily) AS "rollups agree"
FROM (SELECT work(rate, period, devices),
             normalized_rate(accelerator, :'basis')::numeric * devices
             * extract(epoch FROM upper(period) - lower(period)) AS plain
      FROM usage) AS u
WHERE work IS NOT NULL;

SELECT round(by_sum, 6) AS "card-hours by sum", round(by_profile, 6) AS "by profiles",
       abs(by_sum - by_profile) <= 0.000001 + rounded AS agrees
FROM (SELECT sum(cards * extract(epoch FROM upper(period) - lower(period))) / 3600 AS by_sum,
             coalesce(sum(extract(epoch FROM upper(period) - lower(period)) / 3600 * 0.5 / 1680000)
                      FILTER (WHERE cards * 1680000 % 1 <> 0), 0) AS rounded,
             integral(device_profile(period, cards)) AS by_profile
      FROM usage) AS s;
\set ECHO none
SELECT root, billed @> period AS some, coalesce(billed, 'empty') AS billed FROM book, stretch WHERE NOT isempty(period)
UNION ALL SELECT '', false, 'empty' LIMIT 1 \gset book_
\if :book_some
\echo 'And the cost, price by price, with plain numeric arithmetic: a charge is rounded once, to the'
\echo 'digits that the ledger keeps of its currency.'
\echo
\set ECHO queries
SELECT r.currency, sum(r.cost) AS "cost by charges", round(p.plain, 8) AS "by plain numeric",
       abs(sum(r.cost) - p.plain) <= count(*) * 0.5 / 10::numeric ^ c.ledger_scale AS agrees
FROM rated AS r
JOIN currency AS c ON c.code = r.currency
JOIN (SELECT p.currency,
             sum(p.price * CASE p.unit WHEN 'device-hour' THEN u.cards * u.seconds
                                       WHEN 'slice-hour' THEN u.devices * u.seconds
                                       ELSE u.work::numeric / 1000000000000000 END) / 3600 AS plain
      FROM (SELECT *, extract(epoch FROM upper(period) - lower(period)) AS seconds,
                   work(rate, period, devices) AS work FROM usage) AS u
      JOIN (SELECT DISTINCT accelerator, price FROM rated) AS m USING (accelerator)
      JOIN compute_ledger.price AS p ON p.id = m.price
      WHERE (u.source, u.source_id) NOT IN (SELECT source, source_id FROM late)
      GROUP BY p.currency) AS p ON p.currency = r.currency
WHERE r.cost IS NOT NULL
GROUP BY r.currency, p.plain, c.ledger_scale ORDER BY r.currency;

SELECT coalesce(sum(h.cost), 0) AS "charged and corrected",
       coalesce(sum(n.cost), 0) AS "rated once more",
       sum(h.cost) IS NOT DISTINCT FROM sum(n.cost) AS agrees
FROM (SELECT sum(cost) AS cost FROM charge) AS h,
     (SELECT sum(cost) AS cost
      FROM rate_usage(:'book_root', :'book_billed')) AS n;
\set ECHO none
\endif
