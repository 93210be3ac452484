\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

SELECT root, billed IS NOT NULL AS some, coalesce(billed, 'empty') AS billed FROM book \gset book_
\if :book_some
\echo '== 9. Closing the month, and a record that comes late'
\echo
\echo 'close_period() stores the charges of a billing period; they never change again. It refuses while'
\echo 'there is usage without a price, unless the account is waived by name.'
\echo
\set ECHO queries
CREATE TABLE closed AS
SELECT b.period, close_period(:'book_root', b.period,
         waive => ARRAY(SELECT DISTINCT a.name FROM rated AS r JOIN account AS a ON a.id = r.account
                        WHERE r.kind = 'unpriced')) AS close
FROM (SELECT b.period
      FROM payers() AS p JOIN account AS a ON a.id = p.account AND a.name = :'book_root'
      JOIN billing_period AS b USING (calendar)
      WHERE b.period <@ :'book_billed'::tstzrange
      ORDER BY b.period) AS b;
\echo
SELECT to_char(lower(c.period) AT TIME ZONE :'zone', 'YYYY-MM-DD') AS period,
       count(*) AS charges, round(sum(h.cost), 2) AS cost, h.currency
FROM closed AS c JOIN charge AS h USING (close)
GROUP BY c.period, h.currency ORDER BY c.period, h.currency LIMIT 60;
\echo
\echo 'What is payable is the total, rounded once to the minor unit of its currency; in FOCUS the'
\echo 'difference is an adjustment, so that an invoice adds up to it.'
\echo
SELECT to_char(lower(c.period) AT TIME ZONE :'zone', 'YYYY-MM-DD') AS period,
       d.key AS currency, p.cost->>d.key AS cost, d.value AS payable,
       f.billed AS "BilledCost in FOCUS"
FROM closed AS c JOIN period_close AS p ON p.id = c.close, jsonb_each_text(p.payable) AS d,
     LATERAL (SELECT sum("BilledCost") AS billed
              FROM focus_1_2 WHERE "InvoiceId" = p.id || '-' || d.key) AS f
ORDER BY c.period, d.key LIMIT 60;
\set ECHO none
\endif
SELECT count(*) > 0 AS some, clock_timestamp() AS before FROM held \gset late_
\if :late_some
\echo 'Now the record arrives that was held back.'
\echo
\set ECHO queries
INSERT INTO usage_inbox SELECT * FROM held
RETURNING account, region, accelerator, devices, started_at, ended_at;

SELECT taken, accepted, duplicate, rejected FROM accept_usage(:'basis');
\set ECHO none
\if :book_some
\echo 'The closed charges stay what they are. rate_diff() says what differs between the two times of'
\echo 'record, and why; rate_corrections() what has to be booked for it: the delta, under the prices of'
\echo 'the time of use, in the period that is open now.'
\echo
\set ECHO queries
SELECT a.name AS account, d.day, round(d.quantity_a, 3) AS "then", round(d.quantity_b, 3) AS now,
       d.unit, round(d.difference, 2) AS "cost more", d.reasons
FROM rate_diff(:'book_root', :'book_billed',
               :'late_before', ledger_watermark()) AS d
JOIN account AS a ON a.id = d.charged_account
ORDER BY d.day, a.name COLLATE "C" LIMIT 10;

SELECT a.name AS account, d.day, d.accelerator, round(d.quantity, 3) AS quantity,
       round(d.cost, 2) AS cost, d.currency,
       (SELECT to_char(b.starts_at AT TIME ZONE :'zone', 'YYYY-MM')
        FROM billing_period AS b WHERE b.id = d.corrects) AS corrects
FROM rate_corrections(:'book_root') AS d JOIN account AS a ON a.id = d.account
ORDER BY d.day, a.name COLLATE "C" LIMIT 10;
\set ECHO none
SELECT count(*) = 1 AS some, min(b.period::text) AS period, to_char(min(b.starts_at) AT TIME ZONE :'zone', 'YYYY-MM') AS name
FROM (SELECT b.* FROM payers() AS p JOIN account AS a ON a.id = p.account AND a.name = :'book_root' JOIN billing_period AS b USING (calendar)
	WHERE b.starts_at = upper(:'book_billed'::tstzrange) AND b.ends_at <= CURRENT_TIMESTAMP) AS b \gset next_
\if :next_some
\echo 'Closing the next month,' :next_name 'books it.'
\echo
\set ECHO queries
CREATE TABLE next_closed AS
SELECT close_period(:'book_root', :'next_period',
         waive => ARRAY(SELECT a.name FROM account AS a)) AS close;
\echo

SELECT kind, currency, count(*) AS charges, count(corrects) AS corrections, sum(cost) AS cost
FROM charge JOIN next_closed USING (close)
GROUP BY kind, currency ORDER BY kind, currency;
\set ECHO none
\endif
\endif
\endif
