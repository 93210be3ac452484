\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

SELECT count(*) > 0 AS some FROM usage WHERE achieved IS NOT NULL \gset achieved_
\echo '== 7. Achieved against nominal work'
\echo
\if :achieved_some
\echo 'Where a record says what was achieved, utilization() divides it by the peak of the number format that was used'
\echo '(model FLOP utilisation): the one place where quantities of two bases meet.'
\echo
\set ECHO queries
SELECT account, number_format, count(*) AS jobs, format(sum(achieved), 'PFLOPh', 1) AS achieved,
       format(sum(nominal), 'PFLOPh', 1) AS nominal,
       round(100 * utilization(sum(achieved), sum(nominal)), 1) AS "MFU %"
FROM (SELECT *, work(peak_rate(accelerator, number_format), period, devices) AS nominal FROM usage) AS u
WHERE achieved IS NOT NULL AND nominal IS NOT NULL
GROUP BY account, number_format
ORDER BY sum(nominal) DESC, account COLLATE "C" LIMIT 40;    -- the 40 largest
\set ECHO none
SELECT count(*) > 0 AS some, count(*) AS rows FROM usage WHERE achieved IS NOT NULL AND peak_rate(accelerator, number_format) IS NULL \gset unrated_
\if :unrated_some
\echo :unrated_rows 'more say what they achieved, but not in which number format, or the chip has no known peak in it.'
\echo
\endif
\else
\echo 'No record of this file says what work it achieved (the optional column achieved_work), so there is nothing to show.'
\echo
\endif

\echo '== 8. Cost by account'
\echo
\echo 'A price holds for a chip or a class of chips, by the device-hour or by the PFLOPh. The most specific class that'
\echo 'contains a chip wins, as in routing tables. A MIG slice without a price of its own pays its share of the card''s.'
\if :invented_prices
\echo 'These prices are INVENTED, to show how it is done: --prices FILE takes yours.'
\endif
\echo
\set ECHO queries
SELECT class, unit, price, currency FROM price ORDER BY class;

CREATE TABLE chip_price AS
SELECT DISTINCT ON (u.accelerator) u.accelerator, p.*
FROM (SELECT accelerator, count(used) > 0 AS has_rate FROM usage GROUP BY accelerator) AS u
JOIN price AS p ON p.class @> u.accelerator AND (u.has_rate OR p.unit = 'device-hour')
ORDER BY u.accelerator, specificity(p.class) DESC;
\echo
SELECT accelerator, class AS "price of", price, currency, unit FROM chip_price ORDER BY accelerator;
\set ECHO none
\echo 'Amounts are exact numbers until the end: money is rounded once, to the cent, when an account''s bill is written.'
\echo
\set ECHO queries
CREATE TABLE cost AS
SELECT account, currency, count(*) AS jobs,
       round(sum(CASE unit WHEN 'device-hour'
                           THEN price * CASE WHEN mig_slices(class) IS NULL THEN cards ELSE devices END
                                * extract(epoch FROM upper(period) - lower(period))
                           ELSE price * used::numeric / 1000000000000000 END) / 3600, 2) AS cost,
       sum(used) AS compute, count(used) = count(*) AS all_measured
FROM usage JOIN chip_price USING (accelerator)
GROUP BY account, currency;
\echo
SELECT coalesce(account, 'all accounts') AS account, sum(jobs) AS jobs, format(sum(compute), 'PFLOPh', 1) AS compute,
       sum(cost) AS cost, currency,
       CASE WHEN bool_and(all_measured)
            THEN round(sum(cost) / nullif(flop_hours(sum(compute)) / 1000000000000000, 0), 2) END AS "per PFLOPh"
FROM cost
GROUP BY GROUPING SETS ((currency, account), (currency))
ORDER BY currency, cost.account IS NOT NULL, sum(cost) DESC, cost.account COLLATE "C" LIMIT 60;
\set ECHO none
SELECT count(*) + count(DISTINCT currency) > 60 AS many, count(*) + count(DISTINCT currency) - 60 AS more FROM cost \gset cost_
\if :cost_many
\echo 'and' :cost_more 'more, in the table demo.cost.'
\echo
\endif
SELECT count(*) > 0 AS some FROM usage AS u WHERE NOT EXISTS (SELECT FROM chip_price AS p WHERE p.accelerator = u.accelerator) \gset unpriced_
\if :unpriced_some
\echo 'Use without a price: nothing is charged for it, and nothing of it is lost.'
\echo
\set ECHO queries
SELECT u.name, u.accelerator, count(*) AS jobs,
       round(sum(cards * extract(epoch FROM upper(period) - lower(period))) / 3600, 1) AS card_hours
FROM usage AS u
WHERE NOT EXISTS (SELECT FROM chip_price AS p WHERE p.accelerator = u.accelerator)
GROUP BY u.name, u.accelerator ORDER BY 4 DESC, 1;
\set ECHO none
\endif
