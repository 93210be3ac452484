\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null ''

-- Whose: the account with a correction, if there is one, else the largest; of what is closed.
SELECT count(*) > 0 AS some, min(name) AS account
FROM (SELECT a.name FROM charge AS h JOIN account AS a ON a.id = h.account WHERE h.cost IS NOT NULL
	GROUP BY a.name ORDER BY count(h.corrects) DESC, sum(h.cost) DESC, a.name COLLATE "C" LIMIT 1) AS a \gset bill_
\echo '== 14. One customer''s bill'
\echo
\if :bill_some
\echo 'What is closed is in the table charge. It adds up to this for one account: the one with a'
\echo 'correction, if there is one, else the largest. Figures are rounded here, for reading; charges keep'
\echo 'the digits that the ledger has of a currency, and what they are rounded by is a charge, too.'
\echo
\set ECHO queries
SELECT CASE WHEN grouping(item) = 1 THEN 'to pay' ELSE item END AS item,
       CASE WHEN grouping(item) = 0 THEN round(sum(quantity), 2) END AS quantity, unit, price,
       round(sum(cost), 2) AS cost, currency
FROM (SELECT CASE WHEN h.kind = 'rounding' THEN 'rounding' ELSE h.accelerator::text END
             || CASE WHEN h.corrects IS NULL THEN '' ELSE ', correction' END AS item,
             h.quantity, h.unit, CASE WHEN h.kind <> 'rounding' THEN p.price END AS price,
             h.cost, h.currency
      FROM charge AS h
      JOIN account AS a ON a.id = h.account
      JOIN price AS p ON p.id = h.price    -- what is unpriced has none, and is not billed
      WHERE a.name = :'bill_account') AS h
GROUP BY GROUPING SETS ((currency, item, unit, price), (currency))
ORDER BY currency, grouping(item), unit IS NULL, item COLLATE "C", price LIMIT 60;
\set ECHO none
\else
\echo 'No billing period is closed, so nobody has a bill yet.'
\echo
\endif
