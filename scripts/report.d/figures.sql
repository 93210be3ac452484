-- What the page shows: each statement prints a line, a JSON object.  Decimals are text, so that no digit is lost.
-- Variables: since, until (dates), zone, bucket (day or month), and the views to read: usage, hourly, spend, charges, rejected;
-- waiting is the condition on rejected.
WITH kind AS (
	SELECT a.name, v.title
	FROM (SELECT :'account' AS name) AS a
	LEFT JOIN compute_ledger.my_account AS v ON v.name = a.name
)
SELECT jsonb_build_object('about', jsonb_build_object(
	'account', nullif(k.name, ''), 'title', k.title, 'role', current_user, 'database', current_database(), 'everything', :'everything'::boolean, 'zone', :'zone', 'bucket', :'bucket',
	'since', :'since', 'until', :'until', 'last', :'until'::date - 1,
	'as_of', to_char(s.as_of AT TIME ZONE :'zone', 'YYYY-MM-DD HH24:MI'), 'now', to_char(statement_timestamp() AT TIME ZONE :'zone', 'YYYY-MM-DD HH24:MI'),
	'currencies', (SELECT jsonb_object_agg(c.code, c.minor_digits) FROM compute_ledger.currency AS c)))
FROM kind AS k, compute_ledger.rollup_state AS s;

SELECT jsonb_build_object('usage', coalesce(jsonb_agg(u), '[]')) FROM (
	SELECT u.measure, b.name AS basis, sum(u.device_hours)::text AS hours, compute_ledger.format(compute_ledger.sum(u.work), 'PFLOPh', 1) AS work,
		sum(u.started)::text AS records, count(DISTINCT u.account) AS accounts
	FROM compute_ledger.:"usage" AS u LEFT JOIN compute_ledger.basis AS b ON b.code = u.basis AND b.shipped = (u.basis < 1000)
	WHERE u.day >= :'since' AND u.day < :'until'
	GROUP BY u.measure, b.name
	ORDER BY array_position('{allocated,used,reserved}', u.measure), u.measure, b.name
) AS u;

SELECT jsonb_build_object('hours', coalesce(jsonb_agg(u), '[]')) FROM (
	SELECT u.measure, u.account_name AS account, sum(u.device_hours)::text AS hours, sum(u.started)::text AS records
	FROM compute_ledger.:"usage" AS u
	WHERE u.day >= :'since' AND u.day < :'until' AND u.device_hours IS NOT NULL
	GROUP BY u.measure, u.account, u.account_name
	ORDER BY u.account_name COLLATE "C"
) AS u;

-- of the capacity, in each region by the hour of the day, by day or month, and in all
\if :everything
SELECT jsonb_build_object('share', coalesce(jsonb_agg(u), '[]')) FROM (
	SELECT u.region_name AS region, u.at, u.bucket,
		sum(u.capacity_hours)::text AS capacity,
		sum(coalesce(u.allocated_hours, 0)) FILTER (WHERE u.allocation IS NOT NULL)::text AS allocated,
		sum(u.capacity_hours) FILTER (WHERE u.allocation IS NOT NULL)::text AS allocated_of,
		sum(coalesce(u.used_hours, 0)) FILTER (WHERE u.utilization IS NOT NULL)::text AS used,
		sum(u.capacity_hours) FILTER (WHERE u.utilization IS NOT NULL)::text AS used_of,
		bool_or(u.used_hours IS NOT NULL) AS any_used, bool_or(u.allocated_hours IS NOT NULL) AS any_allocated
	FROM (
		SELECT u.*, to_char(u.hour AT TIME ZONE :'zone', 'HH24') AS at, date_trunc(:'bucket', u.hour AT TIME ZONE :'zone')::date AS bucket
		FROM compute_ledger.utilization_hourly AS u
		WHERE u.account IS NULL AND u.capacity_hours > 0
			AND u.hour >= :'since'::timestamp AT TIME ZONE :'zone' AND u.hour < :'until'::timestamp AT TIME ZONE :'zone'
	) AS u
	GROUP BY GROUPING SETS ((u.region_name, u.at), (u.region_name, u.bucket), (u.region_name))
	ORDER BY u.region_name COLLATE "C", u.at, u.bucket
) AS u;
\else
SELECT jsonb_build_object('share', jsonb_build_array());
\endif

-- devices at work on average, where there is no capacity to compare with; of the hours that the rollups know
SELECT jsonb_build_object('devices', coalesce(jsonb_agg(d), '[]')) FROM (
	SELECT u.measure, u.region, u.at, u.bucket, (u.hours / h.hours)::text AS devices
	FROM (
		SELECT u.measure, u.region_name AS region, u.at, u.bucket, sum(u.device_hours) AS hours
		FROM (
			SELECT u.*, to_char(u.hour AT TIME ZONE :'zone', 'HH24') AS at, date_trunc(:'bucket', u.hour AT TIME ZONE :'zone')::date AS bucket
			FROM compute_ledger.:"hourly" AS u
			WHERE u.hour >= :'since'::timestamp AT TIME ZONE :'zone' AND u.hour < :'until'::timestamp AT TIME ZONE :'zone'
		) AS u
		GROUP BY GROUPING SETS ((u.measure, u.region_name, u.at), (u.measure, u.region_name, u.bucket), (u.measure, u.region_name))
	) AS u
	JOIN (
		SELECT h.at, h.bucket, count(*) AS hours
		FROM (
			SELECT to_char(h.hour AT TIME ZONE :'zone', 'HH24') AS at, date_trunc(:'bucket', h.hour AT TIME ZONE :'zone')::date AS bucket
			FROM compute_ledger.rollup_state AS s,
				generate_series(date_trunc('hour', :'since'::timestamp AT TIME ZONE :'zone'),
					least(:'until'::timestamp AT TIME ZONE :'zone', s.as_of) - interval '1 microsecond', interval '1 hour') AS h (hour)
		) AS h
		GROUP BY GROUPING SETS ((h.at), (h.bucket), ())
	) AS h ON h.at IS NOT DISTINCT FROM u.at AND h.bucket IS NOT DISTINCT FROM u.bucket
	WHERE u.hours IS NOT NULL
	ORDER BY u.region COLLATE "C", u.at, u.bucket
) AS d;

SELECT jsonb_build_object('spend', coalesce(jsonb_agg(s), '[]')) FROM (
	SELECT s.currency, date_trunc(:'bucket', s.day::timestamp)::date AS bucket, s.accelerator::text AS accelerator, sum(s.cost)::text AS cost
	FROM compute_ledger.:"spend" AS s
	WHERE s.book = 'sale' AND s.day >= :'since' AND s.day < :'until' AND s.cost IS NOT NULL
	GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
) AS s;

-- by account and by chip; list and agreed are what the same would have cost, as far as there was a list price
SELECT jsonb_build_object('cost', coalesce(jsonb_agg(s), '[]')) FROM (
	SELECT s.currency, s.account_name AS account, s.accelerator::text AS accelerator, sum(s.cost)::text AS cost,
		sum(s.list_cost) FILTER (WHERE s.list_cost IS NOT NULL)::text AS list, sum(s.cost) FILTER (WHERE s.list_cost IS NOT NULL)::text AS listed
	FROM compute_ledger.:"spend" AS s
	WHERE s.book = 'sale' AND s.day >= :'since' AND s.day < :'until' AND s.cost IS NOT NULL
	GROUP BY GROUPING SETS ((s.currency, s.account, s.account_name), (s.currency, s.accelerator))
	HAVING grouping(s.account) = 0 OR grouping(s.accelerator) = 0
	ORDER BY s.currency, s.account_name COLLATE "C", s.accelerator
) AS s;

-- by the values of each label that is kept; what has none comes last
SELECT jsonb_build_object('labels', coalesce(jsonb_agg(v), '[]')) FROM (
	SELECT v.key, v.currency, v.what, max(CASE v.what WHEN 'value' THEN v.value END) AS value, count(*)::text AS values, sum(v.cost)::text AS cost, sum(v.shared)::text AS shared
	FROM (
		SELECT v.*, CASE WHEN v.value IS NULL THEN 'none' WHEN v.place <= 15 THEN 'value' ELSE 'others' END AS what
		FROM (
			SELECT l.key, l.currency, l.value, sum(l.cost) AS cost, coalesce(sum(l.cost) FILTER (WHERE l.shared), 0) AS shared,
				row_number() OVER (PARTITION BY l.key, l.currency ORDER BY l.value IS NULL, sum(l.cost) DESC, l.value COLLATE "C") AS place
			FROM compute_ledger.:"labels" AS l
			WHERE l.book = 'sale' AND l.day >= :'since' AND l.day < :'until'
			GROUP BY l.key, l.currency, l.value
		) AS v
	) AS v
	GROUP BY v.key, v.currency, v.what, CASE v.what WHEN 'value' THEN v.place END
	ORDER BY v.key COLLATE "C", v.currency, array_position('{value,others,none}', v.what), min(v.place)
) AS v;

-- what was committed to: capacity and reservations, used and not, and what minimums were short of
SELECT jsonb_build_object('commitments', coalesce(jsonb_agg(s), '[]')) FROM (
	SELECT s.currency, k.what, s.account_name AS account, s.accelerator::text AS accelerator,
		sum(s.device_hours) FILTER (WHERE k.used)::text AS used_hours, sum(s.device_hours) FILTER (WHERE NOT k.used AND k.what <> 'minimum')::text AS unused_hours,
		sum(s.cost) FILTER (WHERE k.used)::text AS used, sum(s.cost) FILTER (WHERE NOT k.used)::text AS unused
	FROM compute_ledger.:"spend" AS s
	JOIN (VALUES ('reserved used', 'capacity', true), ('reserved unused', 'capacity', false), ('reservation used', 'reservation', true),
		('reservation unused', 'reservation', false), ('commitment', 'minimum', false)) AS k (kind, what, used) ON k.kind = s.kind
	WHERE s.book = 'sale' AND s.day >= :'since' AND s.day < :'until' AND s.cost IS NOT NULL
	GROUP BY s.currency, k.what, s.account, s.account_name, s.accelerator
	ORDER BY s.currency, k.what, s.account_name COLLATE "C", s.accelerator
) AS s;

-- Charges for what came after its period was closed, by the day of the use; of those that the rollups know.  What is charged for
-- a whole period is on its first day, which begins at midnight of a zone from 10 hours west to 13 hours east.  What rounding
-- makes of it came at no time.
SELECT jsonb_build_object('late', coalesce(jsonb_agg(c), '[]')) FROM (
	SELECT c.currency, date_trunc(:'bucket', c.use::timestamp)::date AS bucket, count(*)::text AS charges, sum(c.cost)::text AS cost
	FROM (
		SELECT c.currency, c.cost, coalesce(c.day, (lower(c.period) AT TIME ZONE 'UTC' + interval '13 hours')::date) AS use
		FROM compute_ledger.:"charges" AS c, compute_ledger.rollup_state AS s
		WHERE c.book = 'sale' AND c.corrects IS NOT NULL AND c.cost IS NOT NULL AND c.kind <> 'rounding' AND c.recorded <= s.as_of
	) AS c
	WHERE c.use >= :'since' AND c.use < :'until'
	GROUP BY 1, 2 ORDER BY 1, 2
) AS c;

SELECT jsonb_build_object('unpriced', sum(s.device_hours)::text)
FROM compute_ledger.:"spend" AS s
WHERE s.book = 'sale' AND s.day >= :'since' AND s.day < :'until' AND s.kind = 'unpriced';

-- of no period: what has no start that can be read belongs to none
SELECT jsonb_build_object('rejected', coalesce(jsonb_agg(r), '[]')) FROM (
	SELECT r.sqlstate, r.reason, count(*)::text AS records, to_char(min(r.recorded) AT TIME ZONE :'zone', 'YYYY-MM-DD HH24:MI') AS first,
		to_char(max(r.recorded) AT TIME ZONE :'zone', 'YYYY-MM-DD HH24:MI') AS last
	FROM compute_ledger.:"rejected" AS r
	WHERE :waiting
	GROUP BY r.sqlstate, r.reason
	ORDER BY count(*) DESC, r.sqlstate, r.reason COLLATE "C"
	LIMIT 12
) AS r;

SELECT jsonb_build_object('rejected_records', count(*)::text)
FROM compute_ledger.:"rejected" AS r
WHERE :waiting;

SELECT jsonb_build_object('closings', coalesce(jsonb_agg(c), '[]')) FROM (
	SELECT c.payer_name AS payer, c.number, to_char(c.starts_at AT TIME ZONE :'zone', 'YYYY-MM-DD') AS since, to_char(c.ends_at AT TIME ZONE :'zone', 'YYYY-MM-DD') AS until,
		p.key AS currency, p.value AS payable
	FROM compute_ledger.my_period_close AS c LEFT JOIN LATERAL jsonb_each_text(c.payable) AS p ON true
	WHERE c.starts_at < :'until'::timestamp AT TIME ZONE :'zone' AND c.ends_at > :'since'::timestamp AT TIME ZONE :'zone'
	ORDER BY c.starts_at, c.payer_name COLLATE "C", c.number, p.key
	LIMIT 100
) AS c;
