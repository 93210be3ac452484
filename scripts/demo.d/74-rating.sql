\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

SELECT root FROM book \gset
-- Whole billing periods, as far as they are over: the last twelve of them.
SELECT count(*) > 0 AS some, CASE WHEN count(*) > 0 THEN tstzrange(min(b.starts_at), max(b.ends_at)) ELSE 'empty' END AS span,
	to_char(min(b.starts_at) AT TIME ZONE :'zone', 'YYYY-MM-DD') AS first, to_char(max(b.ends_at) AT TIME ZONE :'zone', 'YYYY-MM-DD') AS last
FROM (SELECT b.* FROM payers() AS p JOIN account AS a ON a.id = p.account AND a.name = :'root' JOIN billing_period AS b USING (calendar)
	WHERE b.ends_at <= CURRENT_TIMESTAMP AND EXISTS (SELECT FROM stretch AS s WHERE s.period && b.period)
	ORDER BY b.starts_at DESC LIMIT 12) AS b \gset billed_
UPDATE book SET billed = nullif(:'billed_span', 'empty')::tstzrange;
\echo
\echo '== 8. What it costs'
\echo
\echo 'A price holds for a chip or a class of chips, by the device-hour or by the work, for an account, a'
\echo 'region, a time, ... The most specific one wins, as in routing tables. A price that would leave a'
\echo 'tie is refused. Of a device-hour a MIG slice pays its share of the card.'
\if :invented_prices
\echo 'These prices are INVENTED, to show how it is done: --prices FILE takes yours.'
\endif
\echo
\set ECHO queries
SELECT class, unit, price, currency,
       create_price(class::text, currency, price,
           unit => CASE unit WHEN 'PFLOPh' THEN 'PFLOPh@' || :'basis' ELSE unit END) AS "price row"
FROM (SELECT * FROM price_list ORDER BY class) AS p;
\set ECHO none
\if :billed_some
SELECT count(*) > 0 AS some, min(account) AS account, min(accelerator) AS accelerator, min(region) AS region, min(lower(period)) AS at FROM late \gset why_
\if :why_some
\echo 'explain_price() tells which price a use is under, and which ones lost, and why: here of the record'
\echo 'that was held back.'
\echo
\set ECHO queries
SELECT place, wins, price, price_accelerator, terms, reason
FROM explain_price(:'why_account', :'why_accelerator', :'why_region', :'why_at');
\set ECHO none
\endif
\echo 'rate_usage() says what the usage of a period costs, as of any recorded time: here of the whole'
\echo 'months that the file reaches into (the last twelve),'
\echo 'from' :billed_first 'to' :billed_last
\echo
\set ECHO queries
CREATE TABLE rated AS
SELECT * FROM rate_usage(:'root', :'billed_span');
\echo
SELECT coalesce(a.name, 'all accounts') AS account, count(*) AS charges,
       format(sum(r.work), 'PFLOPh', 1) AS compute, round(sum(r.cost), 2) AS cost, r.currency,
       CASE WHEN count(r.work) = count(*)
            THEN round(sum(r.cost) / nullif(flop_hours(sum(r.work)) / 1000000000000000, 0), 2)
            END AS "per PFLOPh"
FROM rated AS r JOIN account AS a ON a.id = r.account
WHERE r.cost IS NOT NULL
GROUP BY GROUPING SETS ((r.currency, a.name), (r.currency))
ORDER BY r.currency, a.name IS NOT NULL, sum(r.cost) DESC, a.name COLLATE "C" LIMIT 60;

SELECT g.name AS region, round(sum(r.cost), 2) AS cost, r.currency,
       count(DISTINCT r.accelerator) AS chips, count(DISTINCT r.price) AS prices
FROM rated AS r JOIN region AS g ON g.id = r.region
WHERE r.cost IS NOT NULL
GROUP BY r.currency, g.name ORDER BY r.currency, sum(r.cost) DESC, g.name COLLATE "C" LIMIT 60;
\set ECHO none
SELECT count(*) > 0 AS some FROM rated WHERE kind = 'unpriced' \gset unpriced_
\if :unpriced_some
\echo 'Usage that no price fits (a class whose chips differ has no rate, and so no price by work). It is'
\echo 'said, and not billed at zero.'
\echo
\set ECHO queries
SELECT r.accelerator, count(*) AS rows, round(sum(r.quantity), 1) AS device_hours
FROM rated AS r WHERE r.kind = 'unpriced' GROUP BY r.accelerator ORDER BY 3 DESC, 1;
\set ECHO none
\endif
\else
\echo 'There is no usage in a billing period that is over by the clock of this machine, so there is'
\echo 'nothing to rate or to close yet.'
\echo
\endif
