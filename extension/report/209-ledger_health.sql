-- The health of a ledger: what whoever runs it watches, a row a figure.
--
-- It is asked every few seconds, so that nothing here reads all records: each part says what it reads.

CREATE FUNCTION _seconds_since(since timestamptz, at timestamptz) RETURNS double precision
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN extract(epoch FROM greatest(at - since, '0'))::double precision;
COMMENT ON FUNCTION _seconds_since(timestamptz, timestamptz) IS 'seconds from one instant to another, 0 if that is earlier; NULL for NULL';

CREATE FUNCTION _open_accounts(OUT account bigint, OUT payer bigint, OUT time_zone text, OUT currency text, OUT calendar bigint, OUT valid tstzrange, OUT closed_until timestamptz) RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
AS $$
	-- reads accounts and closings
	SELECT p.account, p.payer, p.time_zone, p.currency, p.calendar, p.valid * tstzrange(c.closed_until, statement_timestamp()), coalesce(c.closed_until, '-infinity')
	FROM compute_ledger._payers() AS p
	LEFT JOIN (
		SELECT c.payer, max(b.ends_at) AS closed_until
		FROM compute_ledger.period_close AS c JOIN compute_ledger.billing_period AS b ON b.id = c.billing_period
		WHERE c.book = 'sale'
		GROUP BY c.payer
	) AS c ON c.payer = p.payer
	WHERE p.valid && tstzrange(c.closed_until, statement_timestamp())
$$;
COMMENT ON FUNCTION _open_accounts() IS 'part of ledger_health: who pays for which account, when, after the end of the last period of his that was closed in book sale, and until now';

CREATE FUNCTION _oldest_unpriced(OUT since timestamptz, OUT detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
DECLARE
	open_from timestamptz;
	formats text[] := ARRAY(SELECT DISTINCT k.number_format FROM compute_ledger.price_key AS k WHERE k.book = 'sale' UNION SELECT '');
BEGIN
	-- a ledger without prices bills nobody
	IF NOT EXISTS (SELECT FROM compute_ledger.price_key AS k WHERE k.book = 'sale') THEN
		RETURN;
	END IF;
	SELECT min(o.closed_until) INTO open_from FROM compute_ledger._open_accounts() AS o;
	WITH cell AS MATERIALIZED (
		-- reads the rollup's days that are not closed
		SELECT u.account, u.region, u.accelerator, u.measure, o.currency,
			tstzrange(compute_ledger._local_start(u.day, o.time_zone), compute_ledger._local_start(u.day + 1, o.time_zone)) * o.valid AS period
		FROM compute_ledger.usage_daily AS u
		JOIN compute_ledger._open_accounts() AS o ON o.account = u.account
			AND tstzrange(compute_ledger._local_start(u.day, o.time_zone), compute_ledger._local_start(u.day + 1, o.time_zone)) && o.valid
		WHERE u.day >= (open_from - interval '1 day')::date
	), whole AS MATERIALIZED (
		SELECT tstzrange(min(lower(c.period)), max(upper(c.period))) AS period FROM cell AS c
	), combination AS MATERIALIZED (
		SELECT row_number() OVER () AS n, d.*
		FROM (
			SELECT DISTINCT c.account, c.region, c.accelerator, c.measure, c.currency, f.format
			FROM cell AS c CROSS JOIN unnest(formats) AS f (format)
			-- a cell knows no number format
			WHERE c.measure = ANY (compute_ledger._billed_measures('sale', 'infinity', (SELECT w.period FROM whole AS w)))
		) AS d
	), gap AS MATERIALIZED (
		SELECT m.account, m.region, m.accelerator, m.measure, m.currency, range_intersect_agg(m.valid) AS valid
		FROM (
			SELECT c.n, c.account, c.region, c.accelerator, c.measure, c.currency, coalesce(range_agg(p.valid) FILTER (WHERE p.price IS NULL), '{}') AS valid
			FROM (
				SELECT array_agg(c.account ORDER BY c.n) AS accounts, array_agg(c.accelerator ORDER BY c.n) AS accelerators, array_agg(c.region ORDER BY c.n) AS regions,
					array_agg(c.format ORDER BY c.n) AS formats, array_agg(c.measure ORDER BY c.n) AS measures, array_agg(c.currency ORDER BY c.n) AS currencies
				FROM combination AS c
			) AS a
			CROSS JOIN LATERAL compute_ledger._winning_prices('sale', 'infinity', a.accounts, a.accelerators, a.regions, a.formats, a.measures, a.currencies, (SELECT w.period FROM whole AS w)) AS p
			JOIN combination AS c ON c.n = p.combination
			GROUP BY c.n, c.account, c.region, c.accelerator, c.measure, c.currency
		) AS m
		GROUP BY m.account, m.region, m.accelerator, m.measure, m.currency
	)
	SELECT lower(g.valid * range_agg(c.period)), format('%s of account "%s" in region "%s", %s', c.accelerator, a.name, r.name, c.measure)
	INTO since, detail
	FROM gap AS g
	JOIN cell AS c ON c.account = g.account AND c.region = g.region AND c.accelerator OPERATOR(compute_ledger.=) g.accelerator AND c.measure = g.measure AND c.currency = g.currency
	JOIN compute_ledger.account AS a ON a.id = c.account
	JOIN compute_ledger.region AS r ON r.id = c.region
	WHERE NOT isempty(g.valid)
	GROUP BY g.valid, c.accelerator, c.measure, a.name, r.name
	HAVING g.valid && range_agg(c.period)
	ORDER BY 1, a.name, c.accelerator, r.name, c.measure
	LIMIT 1;
END
$$;
COMMENT ON FUNCTION _oldest_unpriced(OUT timestamptz, OUT text) IS 'part of ledger_health: the start of the oldest time in which usage that is not billed yet has no price in book sale, by the days of usage_daily as of its last refresh, and what it is; NULL: there is none. Usage that only prices of another number format are for is not among it.';

CREATE FUNCTION _closings_due(OUT due bigint, OUT since timestamptz, OUT detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
DECLARE
	part record;
	first timestamptz;
BEGIN
	-- the first month with usage: a row of a partition or two
	FOR part IN SELECT p.starts, p.ends FROM compute_ledger._usage_partitions() AS p WHERE isfinite(p.starts) ORDER BY p.starts LOOP
		IF EXISTS (SELECT FROM compute_ledger.usage_record AS r WHERE r.started_at >= part.starts AND r.started_at < part.ends) THEN
			first := part.starts;
			EXIT;
		END IF;
	END LOOP;
	-- and accounts, billing periods and closings
	WITH ended AS (
		SELECT DISTINCT p.payer, b.id, b.period, b.ends_at
		FROM compute_ledger._payers() AS p
		JOIN compute_ledger.billing_period AS b ON b.calendar = p.calendar AND b.ends_at > first AND b.ends_at <= statement_timestamp() AND b.period && p.valid
		-- months begin elsewhere at another time than in UTC
		WHERE b.ends_at > first + interval '1 day'
			OR EXISTS (SELECT FROM compute_ledger.usage_record AS r WHERE r.account = p.account AND r.started_at >= first AND r.started_at < b.ends_at)
	), open AS (
		SELECT e.* FROM ended AS e
		WHERE NOT EXISTS (SELECT FROM compute_ledger.period_close AS c WHERE c.book = 'sale' AND c.payer = e.payer AND c.billing_period = e.id)
	)
	SELECT count(*), min(o.ends_at), (array_agg(format('account "%s" from %s to %s', a.name, lower(o.period), upper(o.period)) ORDER BY o.ends_at, a.name))[1]
	INTO due, since, detail
	FROM open AS o JOIN compute_ledger.account AS a ON a.id = o.payer;
END
$$;
COMMENT ON FUNCTION _closings_due(OUT bigint, OUT timestamptz, OUT text) IS 'part of ledger_health: billing periods since the first usage that are over and that their payers have not closed in book sale, the end of the first of them, and which it is';

CREATE FUNCTION _ledger_health(OUT measure text, OUT label text, OUT value double precision, OUT detail text) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 30
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET datestyle = 'ISO, YMD'
AS $$
DECLARE
	at timestamptz := clock_timestamp();
	mark timestamptz;
	unpriced record;
	closing record;
BEGIN
	mark := compute_ledger._ledger_watermark();

	-- locks
	RETURN QUERY
	SELECT 'watermark_lag_seconds', NULL::text, compute_ledger._seconds_since(mark, at), nullif(concat_ws(', ',
		CASE WHEN compute_ledger._follows_marks() THEN 'what is stored is followed' END,
		(SELECT concat_ws(', ', CASE WHEN w.pid IS NULL THEN format('prepared transaction %s', w.gid) ELSE format('process %s', w.pid) END,
				format('role %s', w.role), nullif(w.application_name, ''), format('since %s', w.since))
			FROM compute_ledger._ledger_writers() AS w ORDER BY w.since, w.pid LIMIT 1)), '')
	UNION ALL
	SELECT 'watermark_writers', NULL, count(*), NULL FROM compute_ledger._writer_locks();

	-- what waits in the inbox
	RETURN QUERY
	SELECT v.measure, NULL::text, v.value, NULL::text
	FROM (SELECT count(*) AS records, min(i.received_at) AS oldest FROM compute_ledger.usage_inbox AS i) AS i
	CROSS JOIN LATERAL (VALUES ('inbox_records', i.records::double precision), ('inbox_age_seconds', compute_ledger._seconds_since(i.oldest, at))) AS v (measure, value);

	-- what was rejected and waits, by its index
	RETURN QUERY
	WITH pending AS MATERIALIZED (
		SELECT r.sqlstate, count(*) AS records, min(r.id) AS first FROM compute_ledger.usage_rejected AS r WHERE r.retried_in IS NULL GROUP BY r.sqlstate
	), oldest AS MATERIALIZED (
		SELECT p.sqlstate, p.records, r.recorded, r.reason, min(r.recorded) OVER () AS first
		FROM pending AS p JOIN compute_ledger.usage_rejected AS r ON r.id = p.first
	)
	SELECT 'rejected_records', NULL, coalesce(sum(o.records), 0)::double precision, NULL FROM oldest AS o
	UNION ALL
	SELECT 'rejected_age_seconds', NULL, compute_ledger._seconds_since(min(o.recorded), at), (array_agg(o.reason ORDER BY o.recorded, o.sqlstate))[1] FROM oldest AS o
	UNION ALL
	(SELECT 'rejected_records_by_sqlstate', o.sqlstate, o.records, o.reason FROM oldest AS o ORDER BY o.sqlstate);

	unpriced := compute_ledger._oldest_unpriced();
	RETURN QUERY SELECT 'unpriced_age_seconds', NULL::text, compute_ledger._seconds_since(unpriced.since, at), unpriced.detail;

	-- what goes on, by its index
	RETURN QUERY
	WITH open AS MATERIALIZED (
		SELECT r.source, r.source_id, r.account_name, r.started_at, at - r.started_at AS age FROM compute_ledger.usage_record AS r WHERE r.ended_at = 'infinity' AND r.superseded = 'infinity'
	), oldest AS (
		SELECT o.* FROM open AS o ORDER BY o.age DESC, o.source, o.source_id LIMIT 1
	)
	SELECT 'open_records', NULL, count(*)::double precision, NULL FROM open
	UNION ALL
	SELECT 'open_age_seconds', NULL, compute_ledger._seconds_since(min(o.started_at), at),
		(SELECT format('(%s, %s) of account "%s"', o.source, o.source_id, o.account_name) FROM oldest AS o) FROM open AS o
	UNION ALL
	(SELECT 'open_records_by_age', b.label, (SELECT count(*) FROM open AS o WHERE o.age > b.over AND o.age <= b.up_to), NULL
	FROM (VALUES (1, 'up to 1 day', interval '-1000 years', interval '1 day'), (2, 'up to 7 days', '1 day', '7 days'), (3, 'up to 30 days', '7 days', '30 days'),
		(4, 'over 30 days', '30 days', '30000 years')) AS b (n, label, over, up_to)
	ORDER BY b.n)
	UNION ALL
	SELECT 'open_records_overdue', NULL, count(*), NULL FROM open AS o JOIN compute_ledger.usage_source AS s ON s.source = o.source WHERE o.age > s.open_limit;

	RETURN QUERY
	SELECT 'rollup_age_seconds', NULL::text, CASE WHEN isfinite(s.as_of) THEN compute_ledger._seconds_since(s.as_of, at) END, CASE WHEN NOT isfinite(s.as_of) THEN 'never refreshed' END
	FROM compute_ledger.rollup_state AS s;

	-- the catalog
	RETURN QUERY
	SELECT 'partitions_ahead', NULL::text, CASE WHEN p.upto IS NULL THEN -1 WHEN p.upto = 'infinity' THEN 'infinity'
			ELSE (extract(year FROM p.upto) - extract(year FROM m.month)) * 12 + extract(month FROM p.upto) - extract(month FROM m.month) - 1 END::double precision, NULL::text
	FROM (SELECT date_trunc('month', at) AS month) AS m
	CROSS JOIN LATERAL (
		SELECT coalesce(max(upper(r.valid)), CASE WHEN count(*) > 0 THEN 'infinity'::timestamptz END) AS upto
		FROM (SELECT unnest(range_agg(tstzrange(p.starts, nullif(p.ends, 'infinity')))) AS valid FROM compute_ledger._usage_partitions() AS p WHERE p.starts IS NOT NULL) AS r
		WHERE r.valid @> at
	) AS p;

	closing := compute_ledger._closings_due();
	RETURN QUERY
	SELECT 'closings_due', NULL::text, closing.due::double precision, closing.detail
	UNION ALL
	SELECT 'closing_age_seconds', NULL, compute_ledger._seconds_since(closing.since, at), NULL;
END
$$;
COMMENT ON FUNCTION _ledger_health() IS 'what ledger_health shows';
