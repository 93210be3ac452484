-- What is used is what is rated, with a price or without: of the measures that a book bills.

CREATE FUNCTION _used_and_rated(book text, since timestamptz, at timestamptz, payer bigint DEFAULT NULL) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
	WITH place AS MATERIALIZED (
		SELECT b.account, b.payer, b.calendar, b.valid FROM compute_ledger._billed_accounts(at) AS b
	), bill AS MATERIALIZED (
		SELECT b.id, b.calendar, b.ends_at, tstzrange(b.starts_at, least(b.ends_at, at)) AS period, compute_ledger._billed_measures($1, at, tstzrange(b.starts_at, b.ends_at)) AS measures
		FROM compute_ledger._billing_periods(at) AS b
		WHERE b.starts_at < at AND b.ends_at > since
	), side AS (
		SELECT p.payer, b.id AS billing_period, r.reservation, r.measure, NULL AS kind,
			sum(compute_ledger._usage_level(r.devices, r.share)::numeric * (1000000 * extract(epoch FROM upper(x.valid) - lower(x.valid)))::bigint) AS used, 0 AS rated
		FROM compute_ledger.usage_record AS r
		JOIN place AS p ON p.account = r.account AND ($4 IS NULL OR p.payer = $4) AND p.valid && tstzrange(r.started_at, r.ended_at)
		JOIN bill AS b ON b.calendar = p.calendar AND b.period && (p.valid * tstzrange(r.started_at, r.ended_at)) AND r.measure = ANY (b.measures)
		CROSS JOIN LATERAL (SELECT b.period * p.valid * tstzrange(r.started_at, r.ended_at)) AS x (valid)
		WHERE r.recorded <= at AND r.superseded > at AND r.started_at < at
		GROUP BY p.payer, b.id, r.reservation, r.measure
		UNION ALL
		SELECT c.payer, c.billing_period, c.reservation, c.measure, c.kind, 0, sum(c.amount)
		FROM compute_ledger._rating_scope(NULL, tstzrange(since, at), at) AS s
		-- peaks, percentiles and reserved capacity stand in billing periods that are asked for as a whole
		CROSS JOIN LATERAL compute_ledger._rate($1, at, CASE WHEN $4 IS NULL THEN s.payers ELSE ARRAY[$4] END,
			CASE WHEN $4 IS NULL THEN s.accounts ELSE ARRAY(SELECT DISTINCT y.account FROM place AS y WHERE y.payer = $4) END, NULL,
			tstzrange(s.starts, (SELECT max(b.ends_at) FROM bill AS b)), s.starts, s.ends) AS c
		WHERE s.payers IS NOT NULL AND s.starts < s.ends AND (compute_ledger._is_by_sum(c.kind) OR c.kind IN ('peak', 'percentile', 'reserved used', 'beyond'))
		GROUP BY c.payer, c.billing_period, c.reservation, c.measure, c.kind
	), reserved AS (
		-- of a reservation, and of what names it, by each measure; what is charged by levels is of none
		SELECT s.payer, s.billing_period, s.reservation, s.measure, sum(s.used) AS used, sum(s.rated) AS rated,
			coalesce(sum(s.rated) FILTER (WHERE s.kind = 'reservation used'), 0) AS drawn_of_it, coalesce(sum(s.rated) FILTER (WHERE s.kind = 'drawn'), 0) AS drawn
		FROM side AS s
		WHERE s.reservation IS NOT NULL
			AND NOT EXISTS (SELECT FROM side AS o WHERE o.payer = s.payer AND o.billing_period = s.billing_period AND o.kind IN ('peak', 'percentile', 'reserved used', 'beyond'))
		GROUP BY s.payer, s.billing_period, s.reservation, s.measure
	)
	SELECT 'used and rated', format('account "%s", billing period %s', a.name, s.billing_period),
		format('under book %s %s device-hours were used, and %s are rated, with a price or without', $1, compute_ledger._device_hours(sum(s.used)), compute_ledger._device_hours(sum(s.rated)))
	FROM side AS s
	JOIN compute_ledger.account AS a ON a.id = s.payer
	GROUP BY a.name, s.payer, s.billing_period
	HAVING sum(s.used) <> sum(s.rated)
	UNION ALL
	SELECT 'reservation and usage', format('reservation %s, billing period %s', r.reservation, r.billing_period),
		CASE WHEN r.measure IN ('reserved', 'preemptible') THEN format('under book %s %s device-hours were reserved, and %s are drawn or unused', $1, compute_ledger._device_hours(r.used), compute_ledger._device_hours(r.rated))
			ELSE format('under book %s %s device-hours of it were %s, and %s are drawn or beyond', $1, compute_ledger._device_hours(r.used), r.measure, compute_ledger._device_hours(r.rated)) END
	FROM reserved AS r
	WHERE r.used <> r.rated
	UNION ALL
	SELECT 'reservation and usage', format('reservation %s, billing period %s', r.reservation, r.billing_period),
		format('under book %s %s device-hours that were %s are drawn on it, and of it only %s', $1, compute_ledger._device_hours(d.drawn), d.measure, compute_ledger._device_hours(coalesce(r.drawn_of_it, 0)))
	FROM (SELECT d.reservation, d.measure, sum(d.drawn) AS drawn, min(d.billing_period) AS billing_period FROM reserved AS d WHERE d.measure NOT IN ('reserved', 'preemptible') GROUP BY d.reservation, d.measure) AS d
	LEFT JOIN (SELECT o.reservation, sum(o.drawn_of_it) AS drawn_of_it FROM reserved AS o WHERE o.measure IN ('reserved', 'preemptible') GROUP BY o.reservation) AS o ON o.reservation = d.reservation
	CROSS JOIN LATERAL (SELECT d.reservation, d.billing_period, o.drawn_of_it) AS r
	WHERE d.drawn > coalesce(r.drawn_of_it, 0)
$$;
COMMENT ON FUNCTION _used_and_rated(text, timestamptz, timestamptz, bigint) IS 'part of check_ledger(): payers, or one of them, and billing periods for which what was used is not what is rated under a book, and reservations for which reserved is not drawn and unused together, or what was used not drawn and beyond';

CREATE FUNCTION _check_conservation(at timestamptz, rerate boolean, since timestamptz) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
DECLARE
	used_since timestamptz;
	-- of whom something was recorded since
	accounts bigint[] := ARRAY(
		SELECT v.account FROM compute_ledger.account_version AS v WHERE since > '-infinity' AND (lower(v.recorded) > since OR upper(v.recorded) > since)
		UNION
		SELECT m.account FROM compute_ledger.account_merge AS m WHERE since > '-infinity' AND (lower(m.recorded) > since OR upper(m.recorded) > since));
	k record;
	alone record;
BEGIN
	SELECT min(o.since) INTO used_since
	FROM (
		SELECT u.started_at AS since FROM compute_ledger.usage_record AS u
		WHERE u.recorded <= at AND u.started_at < at AND (u.recorded > since OR u.superseded > since AND u.superseded < 'infinity' OR u.account = ANY (accounts))
		UNION ALL
		-- what goes on, and other prices
		SELECT greatest(u.started_at, since) FROM compute_ledger.usage_record AS u WHERE since > '-infinity' AND u.recorded <= since AND u.ended_at = 'infinity' AND u.superseded = 'infinity'
		UNION ALL
		SELECT coalesce(lower(p.valid), '-infinity') FROM compute_ledger.price AS p WHERE since > '-infinity' AND (lower(p.recorded) > since OR upper(p.recorded) > since)
	) AS o;
	IF used_since = '-infinity' THEN
		SELECT min(u.started_at) INTO used_since FROM compute_ledger.usage_record AS u;
	END IF;
	IF used_since IS NULL THEN
		RETURN;
	END IF;

	-- What nobody is billed for: after the end of an account, when the billing period in which it ended is over, too.
	RETURN QUERY
	WITH known AS MATERIALIZED (
		SELECT b.account, range_agg(b.valid) AS valid FROM compute_ledger._billed_accounts(at) AS b GROUP BY b.account
	), beyond AS (
		SELECT r.account, r.devices, unnest(tstzmultirange(tstzrange(r.started_at, least(r.ended_at, at))) - coalesce(n.valid, '{}')) AS valid
		FROM compute_ledger.usage_record AS r
		LEFT JOIN known AS n ON n.account = r.account
		WHERE (r.recorded > since OR r.account = ANY (accounts) OR r.ended_at = 'infinity') AND r.recorded <= at AND r.superseded > at AND r.started_at < at
			AND (tstzrange(r.started_at, least(r.ended_at, at)) <@ n.valid) IS NOT TRUE
	)
	SELECT 'usage after its account', format('account "%s"', coalesce(a.name, b.account::text)),
		format('%s device-hours from %s to %s, after the billing period in which it ended', trim_scale(round(sum(b.devices * extract(epoch FROM upper(b.valid) - lower(b.valid)) / 3600), 6)), min(lower(b.valid)), max(upper(b.valid)))
	FROM beyond AS b
	LEFT JOIN compute_ledger.account AS a ON a.id = b.account
	GROUP BY a.name, b.account;

	IF NOT rerate THEN
		RETURN;
	END IF;
	FOR k IN SELECT DISTINCT p.book FROM compute_ledger.price AS p WHERE p.recorded @> at ORDER BY p.book LOOP
		BEGIN
			RETURN QUERY SELECT u.check_name, u.object, u.detail FROM compute_ledger._used_and_rated(k.book, used_since, at) AS u;
		EXCEPTION
			WHEN object_not_in_prerequisite_state THEN
				RETURN QUERY SELECT 'usage that cannot be rated', 'book ' || k.book, SQLERRM;
			WHEN numeric_value_out_of_range THEN
				-- a payer whose usage or prices have no sum, which _check_charges() says, hides no other
				FOR alone IN SELECT DISTINCT b.payer FROM compute_ledger._billed_accounts(at) AS b LOOP
					BEGIN
						RETURN QUERY SELECT u.check_name, u.object, u.detail FROM compute_ledger._used_and_rated(k.book, used_since, at, alone.payer) AS u;
					EXCEPTION
						WHEN numeric_value_out_of_range THEN
							NULL;
						WHEN object_not_in_prerequisite_state THEN
							RETURN QUERY SELECT 'usage that cannot be rated', 'book ' || k.book, SQLERRM;
					END;
				END LOOP;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _check_conservation(timestamptz, boolean, timestamptz) IS 'part of check_ledger(): of the measures that a book bills, what is used is what is rated, for each payer and billing period, with rerate; and usage after the end of its account that nobody is billed for';
