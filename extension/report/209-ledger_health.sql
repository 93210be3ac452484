-- The health of a ledger: what whoever runs it watches, a row a figure.
--
-- It is asked every few seconds, so that nothing here reads all records: each part says what it reads.

CREATE FUNCTION _seconds_since(since timestamptz, at timestamptz) RETURNS double precision
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN isfinite(since) THEN extract(epoch FROM greatest(at - since, '0'))::double precision WHEN since > at THEN 0 ELSE 'infinity' END;
COMMENT ON FUNCTION _seconds_since(timestamptz, timestamptz) IS 'seconds from one instant to another, 0 if that is earlier; infinity from -infinity; NULL for NULL';

CREATE FUNCTION _open_accounts(OUT account bigint, OUT time_zone text, OUT currency text, OUT valid tstzrange, OUT from_day date, OUT to_day date) RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
AS $$
	-- reads accounts and closings
	SELECT p.account, p.time_zone, p.currency, v.valid,
		(coalesce(lower(v.valid), '-infinity') AT TIME ZONE p.time_zone)::date, (upper(v.valid) AT TIME ZONE p.time_zone)::date
	FROM compute_ledger._payers() AS p
	LEFT JOIN (
		SELECT c.payer, max(b.ends_at) AS closed_until
		FROM compute_ledger.period_close AS c JOIN compute_ledger.billing_period AS b ON b.id = c.billing_period
		WHERE c.book = 'sale'
		GROUP BY c.payer
	) AS c ON c.payer = p.payer
	CROSS JOIN LATERAL (SELECT p.valid * tstzrange(c.closed_until, statement_timestamp())) AS v (valid)
	WHERE NOT isempty(v.valid)
$$;
COMMENT ON FUNCTION _open_accounts() IS 'part of ledger_health: when accounts are paid for after the end of the last period of their payer that was closed in book sale, and until now, with the first and the last day of it';

CREATE FUNCTION _unpriced(accounts bigint[], accelerators accelerator[], regions integer[], measures text[], currencies text[], period tstzrange) RETURNS TABLE (n bigint, valid tstzmultirange)
	LANGUAGE sql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
	-- what is not known to be of a number format is priced if it is in any
	WITH format AS (
		SELECT DISTINCT k.number_format AS format FROM compute_ledger.price_key AS k WHERE k.book = 'sale' UNION SELECT ''
	), asked AS MATERIALIZED (
		SELECT row_number() OVER () AS m, u.n, u.account, u.accelerator, u.region, u.measure, u.currency, f.format
		FROM unnest(accounts, accelerators, regions, measures, currencies) WITH ORDINALITY AS u (account, accelerator, region, measure, currency, n) CROSS JOIN format AS f
	), gap AS (
		SELECT a.n, a.m, coalesce(range_agg(p.valid) FILTER (WHERE p.price IS NULL), '{}') AS valid
		FROM (
			SELECT array_agg(a.account ORDER BY a.m) AS accounts, array_agg(a.accelerator ORDER BY a.m) AS accelerators, array_agg(a.region ORDER BY a.m) AS regions,
				array_agg(a.format ORDER BY a.m) AS formats, array_agg(a.measure ORDER BY a.m) AS measures, array_agg(a.currency ORDER BY a.m) AS currencies
			FROM asked AS a
		) AS l
		CROSS JOIN LATERAL compute_ledger._winning_prices('sale', 'infinity', l.accounts, l.accelerators, l.regions, l.formats, l.measures, l.currencies, _unpriced.period) AS p
		JOIN asked AS a ON a.m = p.combination
		GROUP BY a.n, a.m
	)
	SELECT g.n, range_intersect_agg(g.valid) FROM gap AS g GROUP BY g.n HAVING NOT isempty(range_intersect_agg(g.valid))
$$;
COMMENT ON FUNCTION _unpriced(bigint[], accelerator[], integer[], text[], text[], tstzrange) IS 'part of ledger_health: when, in a period, no price of book sale is for each of several uses (no account: list prices only), whatever its number format; those that always have one are left out';

CREATE FUNCTION _oldest_unpriced(OUT since timestamptz, OUT detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
DECLARE
	first_day date;
	whole tstzrange;
	billed text[];
BEGIN
	-- a ledger without prices bills nobody
	IF NOT EXISTS (SELECT FROM compute_ledger.price_key AS k WHERE k.book = 'sale') THEN
		RETURN;
	END IF;
	-- the rollup's days that are not closed; usage_daily would show a meter none
	SELECT min(o.from_day) INTO first_day FROM compute_ledger._open_accounts() AS o;
	SELECT tstzrange(timezone('UTC', (min(u.day) - 2)::timestamp), statement_timestamp()) INTO whole FROM compute_ledger._usage_daily AS u WHERE u.day >= first_day;
	IF whole IS NULL OR lower_inf(whole) THEN
		RETURN;
	END IF;
	billed := compute_ledger._billed_measures('sale', 'infinity', whole);
	WITH open AS MATERIALIZED (
		SELECT o.* FROM compute_ledger._open_accounts() AS o
	), used AS MATERIALIZED (
		SELECT u.account, u.region, u.accelerator, u.measure, o.currency, o.time_zone, o.valid, u.day
		FROM compute_ledger._usage_daily AS u JOIN open AS o ON o.account = u.account AND u.day >= o.from_day AND u.day <= o.to_day
		WHERE u.day >= first_day AND u.measure = ANY (billed)
	), kind AS MATERIALIZED (
		-- most is at list prices, of which there are few
		SELECT row_number() OVER () AS n, k.* FROM (SELECT DISTINCT u.region, u.accelerator, u.measure, u.currency FROM used AS u) AS k
	), unlisted AS MATERIALIZED (
		SELECT k.*, g.valid
		FROM (SELECT array_agg(NULL::bigint) AS accounts, array_agg(k.accelerator ORDER BY k.n) AS accelerators, array_agg(k.region ORDER BY k.n) AS regions,
				array_agg(k.measure ORDER BY k.n) AS measures, array_agg(k.currency ORDER BY k.n) AS currencies FROM kind AS k) AS l
		CROSS JOIN LATERAL compute_ledger._unpriced(l.accounts, l.accelerators, l.regions, l.measures, l.currencies, whole) AS g
		JOIN kind AS k ON k.n = g.n
	), suspect AS MATERIALIZED (
		SELECT u.account, u.region, u.accelerator, u.measure, u.currency, p.period
		FROM unlisted AS k
		JOIN used AS u ON u.region = k.region AND u.accelerator OPERATOR(compute_ledger.=) k.accelerator AND u.measure = k.measure AND u.currency = k.currency
		CROSS JOIN LATERAL (SELECT tstzrange(compute_ledger._local_start(u.day, u.time_zone), compute_ledger._local_start(u.day + 1, u.time_zone)) * u.valid) AS p (period)
		WHERE k.valid && p.period
	), own AS MATERIALIZED (
		SELECT row_number() OVER () AS n, s.account, s.region, s.accelerator, s.measure, s.currency, range_agg(s.period) AS periods
		FROM suspect AS s
		GROUP BY s.account, s.region, s.accelerator, s.measure, s.currency
	)
	SELECT lower(g.valid * o.periods), format('%s of account "%s" in region "%s", %s', o.accelerator, a.name, r.name, o.measure)
	INTO since, detail
	FROM (SELECT array_agg(o.account ORDER BY o.n) AS accounts, array_agg(o.accelerator ORDER BY o.n) AS accelerators, array_agg(o.region ORDER BY o.n) AS regions,
			array_agg(o.measure ORDER BY o.n) AS measures, array_agg(o.currency ORDER BY o.n) AS currencies FROM own AS o) AS l
	CROSS JOIN LATERAL compute_ledger._unpriced(l.accounts, l.accelerators, l.regions, l.measures, l.currencies, whole) AS g
	JOIN own AS o ON o.n = g.n
	JOIN compute_ledger.account AS a ON a.id = o.account
	JOIN compute_ledger.region AS r ON r.id = o.region
	WHERE g.valid && o.periods
	ORDER BY 1, a.name, o.accelerator, r.name, o.measure
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
	-- a meter is told of none that it did not send
	names boolean := compute_ledger._sees_everything(compute_ledger._calling_role());
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
	RETURN QUERY SELECT 'unpriced_age_seconds', NULL::text, compute_ledger._seconds_since(unpriced.since, at), CASE WHEN names THEN unpriced.detail END;

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
		(SELECT format('(%s, %s) of account "%s"', o.source, o.source_id, o.account_name) FROM oldest AS o WHERE names) FROM open AS o
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

	-- placement: what waits in the queue and when it was last gone through, pools that are doubted, leases that are over, by their indexes
	RETURN QUERY
	WITH waiting AS MATERIALIZED (
		SELECT count(*) AS requests, min(q.submitted) AS oldest FROM compute_ledger.request AS q WHERE q.state = 'queued'
	), doubted AS MATERIALIZED (
		SELECT p.id, p.doubted, p.doubted_why FROM compute_ledger.pool AS p WHERE p.doubted IS NOT NULL
	), silent AS MATERIALIZED (
		SELECT l.id, l.reservation, l.agent, l.expires FROM compute_ledger.lease AS l WHERE l.expires <= at AND l.replaced IS NULL AND l.closed IS NULL
	)
	SELECT 'queue_requests', NULL::text, w.requests::double precision, NULL::text FROM waiting AS w
	UNION ALL
	SELECT 'queue_age_seconds', NULL, compute_ledger._seconds_since(w.oldest, at), NULL FROM waiting AS w
	UNION ALL
	SELECT 'queue_pass_age_seconds', NULL, compute_ledger._seconds_since(p.made, at), CASE WHEN p.made IS NULL THEN 'never made' END FROM (SELECT q.at FROM compute_ledger.queue_pass AS q) AS p (made)
	UNION ALL
	SELECT 'pools_doubted', NULL, count(*), NULL FROM doubted AS d
	UNION ALL
	SELECT 'pool_doubted_age_seconds', NULL, compute_ledger._seconds_since(min(d.doubted), at), (array_agg(format('pool %s: %s', d.id, d.doubted_why) ORDER BY d.doubted, d.id))[1] FROM doubted AS d
	UNION ALL
	SELECT 'leases_expired', NULL, count(*), NULL FROM silent AS l
	UNION ALL
	SELECT 'lease_expired_age_seconds', NULL, compute_ledger._seconds_since(min(l.expires), at),
		(array_agg(format('lease %s of reservation %s, agent "%s"', l.id, l.reservation, l.agent) ORDER BY l.expires, l.id))[1] FROM silent AS l;

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
	SELECT 'closings_due', NULL::text, closing.due::double precision, CASE WHEN names THEN closing.detail END
	UNION ALL
	SELECT 'closing_age_seconds', NULL, compute_ledger._seconds_since(closing.since, at), NULL;
END
$$;
COMMENT ON FUNCTION _ledger_health() IS 'what ledger_health shows';
