-- Some ten lines about the whole, printed before all else: each is computed here, from what the pages before made.
\set ECHO none
SET search_path = demo, public, compute_ledger;

CREATE FUNCTION thousands(amount numeric) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT btrim(to_char(amount, 'FM999,999,999,999,999,990'))
$$;
CREATE FUNCTION counted(number bigint, thing text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT format('%s %s', number, thing || CASE WHEN number = 1 THEN '' ELSE 's' END)
$$;
-- The first few of a list, and how many more there are.
CREATE FUNCTION shortened(items text[], most int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT array_to_string(items[:most], ', ') || CASE WHEN cardinality(items) > most THEN format(' and %s more', cardinality(items) - most) ELSE '' END
$$;

SELECT count(*) > 0 AS inventory FROM inventory \gset
\echo
\echo '== In short'
\echo
\pset tuples_only on
\pset border 0
WITH batch AS (
	SELECT coalesce(sum(accepted), 0) AS accepted, coalesce(sum(duplicate), 0) AS duplicate, coalesce(sum(rejected), 0) AS rejected FROM usage_batch
), used AS (
	SELECT u.*, cards * extract(epoch FROM upper(period) - lower(period)) / 3600 AS card_hours, work(rate, period, devices) AS work FROM usage AS u
), total AS (
	SELECT coalesce(sum(card_hours), 0) AS card_hours, sum(work) AS work, count(DISTINCT account) AS accounts, count(DISTINCT region) AS regions,
		count(DISTINCT name) AS names, count(DISTINCT accelerator) AS chips,
		min(lower(period)) AS first, max(upper(period)) AS last, coalesce(sum(card_hours) FILTER (WHERE rate IS NULL), 0) AS uncounted
	FROM used
), fill AS (
	SELECT region, coalesce(cards, peak(profile, period)) AS cards, 100 * average(profile, period) / nullif(coalesce(cards, peak(profile, period)), 0) AS percent
	FROM (SELECT region, sum(profile) AS profile FROM in_use GROUP BY region) AS u
	LEFT JOIN (SELECT region, sum(devices) AS cards FROM inventory GROUP BY region) AS c USING (region), stretch AS s
	WHERE NOT isempty(s.period)
), bill AS (
	SELECT currency, sum(cost) AS cost, coalesce(sum(cost) FILTER (WHERE corrects IS NOT NULL), 0) AS corrected, count(*) AS charges FROM charge
	WHERE cost IS NOT NULL GROUP BY currency
), line (number, what, says) AS (
	SELECT 1, 'what came in', format('%s rows from %s and %s', thousands(:records), counted(t.regions, 'region'), counted(t.accounts, 'account')) FROM total AS t
	UNION ALL
	SELECT 2, 'accepted', format('%s; %s came twice, %s late', thousands(b.accepted), thousands(b.duplicate), (SELECT count(*) FROM held)) FROM batch AS b
	UNION ALL
	SELECT 3, 'of what time', coalesce(format('%s to %s, %s', to_char(t.first AT TIME ZONE :'zone', 'YYYY-MM-DD HH24:MI'), to_char(t.last AT TIME ZONE :'zone', 'YYYY-MM-DD HH24:MI'), :'zone'), 'none')
	FROM total AS t
	UNION ALL
	SELECT 4, 'on what', format('%s spellings of %s chips and classes of them', t.names, t.chips) FROM total AS t
	UNION ALL
	SELECT 5, 'it counts for', format('%s card-hours, and %s PFLOPh@%s', thousands(round(t.card_hours)), thousands(round(coalesce(flop_hours(t.work) / 1000000000000000, 0))), :'basis') FROM total AS t
	UNION ALL
	SELECT 6, 'who used it', coalesce((SELECT shortened(array_agg(format('%s %s%%', left(account, 20), round(100 * hours / nullif(t.card_hours, 0), 1)) ORDER BY hours DESC, account COLLATE "C"), 3)
		FROM (SELECT account, sum(card_hours) AS hours FROM used GROUP BY account) AS a), 'nobody') FROM total AS t
	UNION ALL
	SELECT 7, 'how full', coalesce((SELECT shortened(array_agg(format('%s %s%%', left(region, 20), coalesce(round(percent, 1)::text, '?')) ORDER BY percent DESC NULLS LAST, region COLLATE "C"), 4)
		|| CASE WHEN :'inventory' = 'f' THEN ' (of the observed peak)' ELSE format(', of %s cards', thousands(sum(cards))) END FROM fill), 'nothing was used')
	UNION ALL
	SELECT 8, 'what it costs', coalesce((SELECT string_agg(format('%s %s in %s charges%s', to_char(cost, 'FM999,999,999,999,990.00'), currency, thousands(charges),
		CASE WHEN corrected <> 0 THEN format(', %s of it corrections', to_char(corrected, 'FM999,999,999,990.00')) ELSE '' END), '; ' ORDER BY currency) FROM bill),
		'nothing is billed yet: no billing period with usage is over')
	UNION ALL
	SELECT 9, 'centres as one', format('%s cards for a day at %s; in use %s%% alone, %s%% joined', thousands(j.cards), coalesce(thousands(round(j.total)) || ' ' || j.currency, 'no price'),
		coalesce(round(j.alone), 0), coalesce(round(j.joined), 0)) FROM joining AS j
	UNION ALL
	SELECT 10, 'what was wrong', format('%s rejected (%s of unknown chips), %s unreadable; %s card-hours unrated', thousands(b.rejected),
		thousands((SELECT count(*) FROM usage_rejected WHERE sqlstate = 'LC003')),
		(SELECT count(*) FROM unreadable WHERE file = 'usage'), thousands(round(t.uncounted))) FROM batch AS b, total AS t
	UNION ALL
	SELECT 11, 'what was checked', format('check_ledger() and focus_check() found %s', coalesce(nullif((SELECT count(*) FROM check_ledger()) + (SELECT count(*) FROM focus_check()), 0)::text, 'nothing'))
)
SELECT what, CASE WHEN length(says) > 80 THEN left(says, 77) || '...' ELSE says END FROM line ORDER BY number;
