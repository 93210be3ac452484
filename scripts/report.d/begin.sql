-- Whose page it is and of when; sets what figures.sql reads.
-- Ends without a word on standard output where there is no page.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT :'zone' <> '' AS given \gset zone_
\if :zone_given
SET LOCAL TIME ZONE :'zone';
\endif
SELECT current_setting('TimeZone') AS zone, compute_ledger.sees_everything() AS everything, :'account' <> '' AS given \gset
\if :given
\if :everything
-- a role that reads this account and nothing else
SELECT min(r.rolname) AS role, min(r.rolname) IS NOT NULL AS found
FROM compute_ledger.ledger_access AS a JOIN pg_roles AS r ON r.oid = a.role
WHERE a.kind = 'reader' AND a.account = compute_ledger.account_id(:'account') AND pg_has_role(r.oid, 'MEMBER') AND NOT compute_ledger.sees_everything(r.rolname)
	AND NOT EXISTS (SELECT FROM compute_ledger.ledger_access AS o WHERE o.kind = 'reader' AND o.account <> a.account AND pg_has_role(r.oid, o.role, 'USAGE')) \gset reader_
\if :reader_found
SET LOCAL ROLE :"reader_role";
SELECT compute_ledger.sees_everything() AS everything \gset
\else
\warn 'report: no role that you are a member of reads just this account: make one with CREATE ROLE and compute_ledger.grant_access(role, \'reader\', account)'
\q
\endif
\else
\warn 'report: --account is for roles that see the whole ledger; without it the page shows what you may see'
\q
\endif
\endif
\if :everything
\set usage usage_daily
\set hourly usage_hourly
\set spend spend_daily
\set labels spend_label
\set charges charge
\set rejected usage_rejected
\set waiting 'r.retried_in IS NULL'
\else
\set usage my_usage_daily
\set hourly my_usage_hourly
\set spend my_spend_daily
\set labels my_spend_label
\set charges my_charge
\set rejected my_rejected
\set waiting 'NOT r.retried'
\endif
SELECT :'period' ~ '^\d{4}-\d{2}$' AS month, :'period' = '' AS latest, s.as_of = '-infinity' AS never FROM compute_ledger.rollup_state AS s \gset
\if :never
\warn 'report: there are no rollups yet: call compute_ledger.refresh_rollups() first'
\q
\endif
\if :latest
SELECT to_char(coalesce(max(u.day), CURRENT_DATE), 'YYYY-MM') AS period, true AS month FROM compute_ledger.:"usage" AS u \gset
\endif
\if :month
SELECT daterange((:'period' || '-01')::date, ((:'period' || '-01')::date + interval '1 month')::date) AS period \gset
\endif
SELECT lower(p.days) AS since, upper(p.days) AS until, coalesce(lower(p.days) > '2000-01-01' AND upper(p.days) - lower(p.days) <= 3660 AND NOT isempty(p.days), false) AS good,
	CASE WHEN upper(p.days) - lower(p.days) <= 62 THEN 'day' ELSE 'month' END AS bucket
FROM (SELECT :'period'::daterange AS days) AS p \gset
\if :good
\else
\warn 'report: --period needs a month (2026-06) or days ([2026-06-01,2026-06-15)), ten years at most'
\q
\endif
\ir figures.sql
