\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

SELECT count(*) > 0 AS some FROM usage WHERE achieved_work IS NOT NULL \gset achieved_
\echo '== 7. Achieved against nominal work'
\echo
\if :achieved_some
\echo 'Where a record says what was achieved, utilization() divides it by the peak of the number format'
\echo 'that was used (model FLOP utilisation): the one place where quantities of two bases meet.'
\echo
\set ECHO queries
SELECT account, number_format, count(*) AS jobs,
       format(sum(achieved_work), 'PFLOPh', 1) AS achieved,
       format(sum(nominal), 'PFLOPh', 1) AS nominal,
       round(100 * utilization(sum(achieved_work), sum(nominal)), 1) AS "MFU %"
FROM (SELECT *, work(peak_rate(accelerator, number_format), period, devices) AS nominal
      FROM usage) AS u
WHERE achieved_work IS NOT NULL AND nominal IS NOT NULL
GROUP BY account, number_format
ORDER BY sum(nominal) DESC, account COLLATE "C" LIMIT 40;    -- the 40 largest
\set ECHO none
SELECT count(*) > 0 AS some, count(*) AS rows FROM usage WHERE achieved_work IS NOT NULL AND peak_rate(accelerator, number_format) IS NULL \gset unrated_
\if :unrated_some
\echo :unrated_rows 'more say what they achieved, but not in which number format, or the chip has no'
\echo 'known peak in it.'
\echo
\endif
\else
\echo 'No record of this file says what work it achieved (the optional column achieved_work), so there is'
\echo 'nothing to show.'
\echo
\endif
