-- What has changed of the rollups between two recorded times, both times -infinity or later: what is to be added to
-- the sums as of the earlier one (before) so that they are those as of the later one (upto); of -infinity all of it.
--
-- A record counts as of an instant if it was recorded by then and not superseded by then.  So it changes the
-- sums if it was recorded or superseded in between, if it goes on, by the time in between, or if its account's
-- usage counted for somebody else, or in other days.  Everything else is the same as of both.

CREATE FUNCTION _rollup_zones(upto timestamptz) RETURNS TABLE (account bigint, owner bigint, payer bigint, time_zone text, since timestamptz, until timestamptz)
	LANGUAGE plpgsql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	WITH paid AS MATERIALIZED (
		SELECT p.account, p.payer, p.time_zone, p.valid FROM compute_ledger._payers(upto) AS p
	), merged AS MATERIALIZED (
		SELECT t.account, t.ancestor AS target, t.valid
		FROM compute_ledger._account_tree(upto) AS t
		WHERE t.depth = 0 AND t.ancestor <> t.account
	), gone AS MATERIALIZED (
		SELECT m.account, range_agg(m.valid) AS valid FROM merged AS m GROUP BY m.account
	), segment AS MATERIALIZED (
		-- usage is its account's at the time: of a merged one, that of the one it was merged into
		SELECT p.account, p.account AS owner, p.payer, p.time_zone, unnest(tstzmultirange(p.valid) - coalesce(g.valid, '{}')) AS valid
		FROM paid AS p LEFT JOIN gone AS g ON g.account = p.account
		UNION ALL
		SELECT p.account, m.target, p.payer, p.time_zone, p.valid * m.valid
		FROM paid AS p JOIN merged AS m ON m.account = p.account AND m.valid && p.valid
	)
	SELECT v.account, v.owner, v.payer, v.time_zone, coalesce(lower(v.valid), '-infinity'), coalesce(upper(v.valid), 'infinity')
	FROM (
		SELECT s.account, s.owner, s.payer, s.time_zone, unnest(range_agg(s.valid)) AS valid
		FROM segment AS s
		GROUP BY s.account, s.owner, s.payer, s.time_zone
		UNION ALL
		SELECT a.id, a.id, a.id, 'UTC', unnest('{(,)}'::tstzmultirange - coalesce(range_agg(s.valid), '{}'))
		FROM compute_ledger.account AS a LEFT JOIN segment AS s ON s.account = a.id
		GROUP BY a.id
	) AS v;
END
$$;
COMMENT ON FUNCTION _rollup_zones(timestamptz) IS 'part of refresh_rollups(): whose the usage of each account is, as it was known at a recorded time, who pays for it, and the zone of the days in which it counts; itself and UTC where no version of the account says it';

CREATE FUNCTION _change_rollup_zones(before timestamptz, upto timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE lower(v.recorded) > before AND lower(v.recorded) <= upto)
		AND NOT EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE NOT upper_inf(v.recorded) AND upper(v.recorded) > before AND upper(v.recorded) <= upto)
		AND NOT EXISTS (SELECT FROM compute_ledger.account_merge AS m WHERE lower(m.recorded) > before AND lower(m.recorded) <= upto OR upper(m.recorded) > before AND upper(m.recorded) <= upto)
		AND NOT EXISTS (SELECT FROM compute_ledger.account AS a WHERE NOT EXISTS (SELECT FROM compute_ledger._rollup_zone AS z WHERE z.account = a.id))
	THEN
		RETURN;
	END IF;
	-- few of them are others, whatever has changed
	WITH now AS MATERIALIZED (
		SELECT n.account, n.owner, n.payer, n.time_zone, n.since, n.until FROM compute_ledger._rollup_zones(upto) AS n
	), gone AS (
		UPDATE compute_ledger._rollup_zone AS z SET "is" = false
		WHERE NOT EXISTS (SELECT FROM now AS n
			WHERE n.account = z.account AND n.owner = z.owner AND n.payer = z.payer AND n.time_zone = z.time_zone AND n.since = z.since AND n.until = z.until)
	)
	INSERT INTO compute_ledger._rollup_zone AS z (account, owner, payer, time_zone, since, until, was, "is")
	SELECT n.account, n.owner, n.payer, n.time_zone, n.since, n.until, false, true FROM now AS n
	ON CONFLICT (account, owner, payer, time_zone, since, until) DO UPDATE SET "is" = true WHERE NOT z."is";
END
$$;
COMMENT ON FUNCTION _change_rollup_zones(timestamptz, timestamptz) IS 'part of refresh_rollups(): makes _rollup_zone say what it was at one recorded time and is at another';

CREATE FUNCTION _changed_zones(before timestamptz) RETURNS bigint[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT DISTINCT z.account FROM compute_ledger._rollup_zone AS z WHERE z.was <> z."is" AND before > '-infinity');
END
$$;
COMMENT ON FUNCTION _changed_zones(timestamptz) IS 'part of refresh_rollups(): the accounts whose usage, or a part of it, counts otherwise than it did as of a recorded time; none as of -infinity, as of which nothing counts';

-- All usage of an owner that counts for another from now on, or in other days, or is paid for by another, takes its cells along: what the
-- records say is in them.  Records are read where a part of what an owner has goes another way than the rest, and for hours of which a part does, or which are in two days.
CREATE FUNCTION _usage_moves(before timestamptz) RETURNS _usage_move[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(
		WITH pair AS MATERIALIZED (
			SELECT w.account, w.owner, w.payer, i.owner AS to_owner, i.payer AS to_payer, nullif(i.time_zone, w.time_zone) AS time_zone,
				(i.owner, i.payer, i.time_zone) <> (w.owner, w.payer, w.time_zone) AS changed, tstzrange(greatest(w.since, i.since), least(w.until, i.until)) AS period
			FROM compute_ledger._rollup_zone AS w
			JOIN compute_ledger._rollup_zone AS i ON i.account = w.account AND i.since < w.until AND i.until > w.since
			WHERE before > '-infinity' AND w.was AND i."is"
				AND w.owner IN (SELECT z.owner FROM compute_ledger._rollup_zone AS z WHERE z.was AND NOT z."is")
		), way AS MATERIALIZED (
			SELECT p.owner, p.payer, p.to_owner, p.to_payer, p.time_zone, bool_or(p.changed) AS changed, range_agg(p.period) AS periods
			FROM pair AS p
			GROUP BY p.owner, p.payer, p.to_owner, p.to_payer, p.time_zone
		), move AS MATERIALIZED (
			SELECT w.owner, w.payer, w.to_owner, w.to_payer, w.time_zone, m.since, m.until
			FROM way AS w
			CROSS JOIN LATERAL unnest(w.periods - coalesce((SELECT range_agg(o.period) FROM way AS v CROSS JOIN LATERAL unnest(v.periods) AS o (period)
				WHERE v.owner = w.owner AND (v.payer, v.to_owner, v.to_payer, v.time_zone) IS DISTINCT FROM (w.payer, w.to_owner, w.to_payer, w.time_zone)), '{}')) AS p (period)
			CROSS JOIN LATERAL (SELECT date_trunc('hour', lower(p.period) + interval '3599.999999 seconds', 'UTC') AS since, date_trunc('hour', upper(p.period), 'UTC') AS until) AS m
			CROSS JOIN LATERAL (SELECT min(h.hour) AS first, max(h.hour) AS last FROM compute_ledger._usage_hourly AS h WHERE h.account = w.owner) AS k
			WHERE w.changed AND m.since < m.until
				AND CASE WHEN w.time_zone IS NOT NULL AND k.first IS NOT NULL
					THEN compute_ledger._days_on_hours(w.time_zone, greatest(m.since, k.first), least(m.until, k.last + interval '1 hour')) ELSE true END
		)
		SELECT ROW(NULL, m.owner, m.payer, m.to_owner, m.to_payer, m.time_zone, m.since, m.until)::compute_ledger._usage_move FROM move AS m
		UNION ALL
		SELECT ROW(p.account, NULL, NULL, NULL, NULL, NULL, lower(a.period), upper(a.period))::compute_ledger._usage_move
		FROM pair AS p
		CROSS JOIN LATERAL unnest(tstzmultirange(p.period) - coalesce((SELECT range_agg(tstzrange(m.since, m.until)) FROM move AS m
			WHERE (m.owner, m.payer, m.to_owner, m.to_payer, m.time_zone) IS NOT DISTINCT FROM (p.owner, p.payer, p.to_owner, p.to_payer, p.time_zone)), '{}')) AS a (period)
		WHERE p.changed);
END
$$;
COMMENT ON FUNCTION _usage_moves(timestamptz) IS 'part of refresh_rollups(): what is to be done where the usage of accounts, or a part of it, counts otherwise than it did as of a recorded time; nothing as of -infinity, as of which nothing counts';

CREATE FUNCTION _changed_records(before timestamptz, within boolean, moves _usage_move[] DEFAULT '{}') RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	accounts bigint[];
	since timestamptz;
	until timestamptz;
BEGIN
	SELECT array_agg(DISTINCT m.account), min(m.since), max(m.until) INTO accounts, since, until FROM unnest(moves) AS m WHERE m.account IS NOT NULL;
	-- rows as they stand in the table are handed over without being copied, and what is behind the columns that are looked at is not even read
	RETURN 'SELECT u.* FROM compute_ledger._usage_record AS u WHERE '
		|| CASE WHEN before > '-infinity' THEN $q$(u.recorded > $1 AND u.recorded <= $2
			OR u.superseded > $1 AND u.superseded < 'infinity'
			OR u.ended_at = 'infinity' AND u.superseded = 'infinity'
			-- what the ledger makes of reservations ends when they do, which may not be yet
			OR u.reservation IS NOT NULL AND u.ended_at > $1$q$
			|| CASE WHEN accounts IS NULL THEN ')'
				ELSE format(' OR u.account = ANY (%L::bigint[]) AND u.started_at < %L::timestamptz AND u.ended_at > %L::timestamptz)', accounts, until, since) END
		ELSE 'u.recorded <= $2 AND u.superseded > $2' || CASE WHEN within THEN ' AND u.started_at < $5 AND u.ended_at > $4' ELSE '' END END;
END
$$;
COMMENT ON FUNCTION _changed_records(timestamptz, boolean, _usage_move[]) IS 'part of refresh_rollups(): a query for the records by which usage may have changed between two recorded times, $1 and $2, with those of accounts whose usage counts otherwise and does not move by the cell; of -infinity as $1, for all, or for what lies within $4 and $5';

CREATE FUNCTION _capacity_change(before timestamptz, upto timestamptz) RETURNS TABLE (region integer, accelerator accelerator, hour timestamptz, device_time numeric, length bigint, unknown bigint)
	LANGUAGE plpgsql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT g.region, g.accelerator, g.hour, g.device_time, g.length::bigint, g.unknown::bigint
	FROM (
		SELECT c.region, c.accelerator, h.hour, coalesce(sum(c.sign * c.level * p.length), 0) AS device_time, sum(c.sign * p.length) AS length,
			coalesce(sum(c.sign * p.length) FILTER (WHERE c.level IS NULL), 0) AS unknown
		FROM (
			SELECT k.region, compute_ledger.accelerator_trunc('memory', k.accelerator) AS accelerator, compute_ledger._usage_level(k.devices, k.share)::numeric AS level, s.sign, s.since, s.until
			FROM compute_ledger.capacity AS k
			CROSS JOIN LATERAL (
				SELECT -1 AS sign, lower(k.valid) AS since, least(upper(k.valid), before) AS until
				WHERE k.recorded @> before AND NOT k.recorded @> upto
				UNION ALL
				SELECT 1, CASE WHEN k.recorded @> before THEN greatest(lower(k.valid), before) ELSE lower(k.valid) END, least(upper(k.valid), upto)
				WHERE k.recorded @> upto
			) AS s
			WHERE s.since < s.until
		) AS c
		CROSS JOIN LATERAL generate_series(date_trunc('hour', c.since, 'UTC'), c.until - interval '1 microsecond', interval '1 hour') AS h (hour)
		CROSS JOIN LATERAL (SELECT (extract(epoch FROM least(c.until, h.hour + interval '1 hour') - greatest(c.since, h.hour)) * 1000000)::bigint AS length) AS p
		GROUP BY c.region, c.accelerator, h.hour
	) AS g
	WHERE g.device_time <> 0 OR g.length <> 0 OR g.unknown <> 0;
END
$$;
COMMENT ON FUNCTION _capacity_change(timestamptz, timestamptz) IS 'part of refresh_rollups(): what is to be added to the capacity of _fleet_hourly; and how much of its length is of slices whose share is not known';

-- Of each reservation, at every instant, reserved = drawn + unused: drawn is the most that usage of one measure that names it is, as far as it is
-- reserved.  Rating draws alike, in books that have a price for it.
CREATE FUNCTION _unused_parts(upto timestamptz, former boolean, these bigint[]) RETURNS TABLE (account bigint, region integer, accelerator accelerator, share integer, rate compute_rate, basis integer,
		period tstzrange, devices numeric)
	LANGUAGE plpgsql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	WITH merged AS MATERIALIZED (
		SELECT z.account, z.owner AS target, tstzrange(z.since, z.until) AS valid
		FROM compute_ledger._rollup_zone AS z
		WHERE z.owner <> z.account AND CASE WHEN former THEN z.was ELSE z."is" END
	), record AS MATERIALIZED (
		-- usage is its account's at the time: of a merged one, that of the one it was merged into
		SELECT u.reservation, u.source = 'compute_ledger' AS own, u.measure, o.account, u.region, u.accelerator, u.devices, u.share, u.rate, u.basis, o.period
		FROM compute_ledger.usage_record AS u
		CROSS JOIN LATERAL (SELECT tstzrange(u.started_at, least(u.ended_at, upto)) AS period) AS r
		CROSS JOIN LATERAL (
			SELECT u.account, unnest(tstzmultirange(r.period) - coalesce((SELECT range_agg(m.valid) FROM merged AS m WHERE m.account = u.account), '{}')) AS period
			UNION ALL
			SELECT m.target, m.valid * r.period FROM merged AS m WHERE m.account = u.account AND m.valid && r.period
		) AS o
		-- what gives way to others is kept from nobody
		WHERE u.reservation IS NOT NULL AND (these IS NULL OR u.reservation = ANY (these)) AND u.measure NOT IN ('forgone', 'preemptible')
			AND u.recorded <= upto AND u.superseded > upto AND u.started_at < upto
	), drawn AS MATERIALIZED (
		SELECT d.reservation, compute_ledger.sum(d.profile) FILTER (WHERE d.measure = 'allocated') AS allocated, compute_ledger.sum(d.profile) FILTER (WHERE d.measure = 'used') AS used
		FROM (
			SELECT r.reservation, u.measure, compute_ledger.device_profile(r.period * u.period, u.devices) AS profile
			FROM record AS r JOIN record AS u ON u.reservation = r.reservation
			WHERE r.own AND NOT u.own AND u.account = r.account AND u.region = r.region AND r.accelerator OPERATOR(compute_ledger.@>) u.accelerator
				AND u.share IS NOT DISTINCT FROM r.share AND u.period && r.period
			GROUP BY r.reservation, u.measure
		) AS d
		GROUP BY d.reservation
	)
	SELECT r.account, r.region, r.accelerator, r.share, r.rate, r.basis, r.period, r.devices
	FROM record AS r
	WHERE r.own AND NOT EXISTS (SELECT FROM drawn AS d WHERE d.reservation = r.reservation)
	UNION ALL
	SELECT r.account, r.region, r.accelerator, r.share, r.rate, r.basis, r.period * s.period, s.level
	FROM (
		SELECT o.reservation, compute_ledger.device_profile(o.period, o.devices) AS profile
		FROM record AS o
		WHERE o.own AND o.reservation IN (SELECT d.reservation FROM drawn AS d)
		GROUP BY o.reservation
	) AS w
	JOIN drawn AS d ON d.reservation = w.reservation
	-- the larger of the two: the one, and what the other is above it
	CROSS JOIN LATERAL (SELECT coalesce(d.allocated, '{}') AS one, coalesce(d.used, '{}') AS other) AS v
	CROSS JOIN LATERAL compute_ledger.steps(w.profile OPERATOR(compute_ledger.-) (v.one OPERATOR(compute_ledger.+)
		coalesce(compute_ledger._above_zero(v.other OPERATOR(compute_ledger.-) v.one), '{}'))) AS s
	JOIN record AS r ON r.reservation = w.reservation AND r.own AND r.period && s.period
	WHERE s.level > 0;
END
$$;
COMMENT ON FUNCTION _unused_parts(timestamptz, boolean, bigint[]) IS 'part of refresh_rollups(): what is reserved and not drawn, as it was known at a recorded time, of these reservations (NULL: of all), with the accounts as they were at the last refresh (former) or are';

CREATE FUNCTION _unused_change(before timestamptz, upto timestamptz) RETURNS TABLE (account bigint, region integer, accelerator accelerator, basis integer, hour timestamptz,
		device_time numeric, work compute_unit, length bigint, shared bigint, rated bigint)
	LANGUAGE plpgsql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	-- by what is asked for: a day or all of it
	SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	changed bigint[] := compute_ledger._changed_zones(before);
	these bigint[];
	others bigint[] := '{}';
BEGIN
	IF before > '-infinity' THEN
		-- all of a reservation is looked at anew where a record that names it came, went or began since, or its account counts otherwise
		these := ARRAY(
			SELECT u.reservation FROM compute_ledger.usage_record AS u WHERE u.recorded > before AND u.recorded <= upto AND u.reservation IS NOT NULL
			UNION
			SELECT u.reservation FROM compute_ledger.usage_record AS u WHERE u.superseded > before AND u.superseded <= upto AND u.superseded < 'infinity' AND u.reservation IS NOT NULL
			UNION
			SELECT u.reservation FROM compute_ledger.usage_record AS u WHERE u.started_at >= before AND u.started_at < upto AND u.reservation IS NOT NULL
			UNION
			SELECT u.reservation FROM compute_ledger.usage_record AS u WHERE u.account = ANY (changed) AND u.reservation IS NOT NULL);
		-- others go on
		others := ARRAY(
			SELECT DISTINCT u.reservation FROM compute_ledger.usage_record AS u
			WHERE u.source = 'compute_ledger' AND u.reservation IS NOT NULL AND u.ended_at > before AND u.reservation <> ALL (these));
	END IF;
	RETURN QUERY
	SELECT g.account, g.region, g.accelerator, g.basis, c.hour, c.device_time, c.work, c.length, c.shared, c.rated
	FROM (
		SELECT p.account, p.region, compute_ledger.accelerator_trunc('memory', p.accelerator) AS accelerator, p.basis,
			compute_ledger._usage_cells(lower(p.period), upper(p.period), p.since, upper(p.period), 'UTC', p.devices, p.share, p.rate, NULL, NULL, p.added) AS cells
		FROM (
			SELECT u.*, true AS added, lower(u.period) AS since FROM compute_ledger._unused_parts(upto, false, these) AS u
			UNION ALL
			SELECT u.*, false, lower(u.period) FROM compute_ledger._unused_parts(before, true, these) AS u WHERE these <> '{}'
			UNION ALL
			SELECT u.*, true, greatest(lower(u.period), before) FROM compute_ledger._unused_parts(upto, false, others) AS u WHERE others <> '{}' AND upper(u.period) > before
		) AS p
		GROUP BY p.account, p.region, compute_ledger.accelerator_trunc('memory', p.accelerator), p.basis
	) AS g, unnest(g.cells) AS c;
END
$$;
COMMENT ON FUNCTION _unused_change(timestamptz, timestamptz) IS 'part of refresh_rollups(): what is to be added to _unused_hourly';

CREATE FUNCTION _spend_change(before timestamptz, upto timestamptz) RETURNS TABLE (account bigint, payer bigint, region integer, day date, accelerator accelerator, book text, measure text, kind text, currency text,
		charges bigint, timed bigint, listed bigint, contracted bigint, costed bigint, device_time numeric, list_cost numeric, contracted_cost numeric, cost numeric)
	LANGUAGE plpgsql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	-- by what is asked for: a day or all of it
	SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	changed bigint[] := compute_ledger._changed_zones(before);
BEGIN
	RETURN QUERY
	SELECT c.account, c.payer, c.region, d.day, c.accelerator, c.book, c.measure, c.kind, c.currency,
		sum(s.sign)::bigint, coalesce(sum(s.sign) FILTER (WHERE c.amount IS NOT NULL), 0)::bigint, coalesce(sum(s.sign) FILTER (WHERE c.list_cost IS NOT NULL), 0)::bigint,
		coalesce(sum(s.sign) FILTER (WHERE c.contracted_cost IS NOT NULL), 0)::bigint, coalesce(sum(s.sign) FILTER (WHERE c.cost IS NOT NULL), 0)::bigint,
		coalesce(sum(s.sign * c.amount), 0), coalesce(sum(s.sign * c.list_cost), 0), coalesce(sum(s.sign * c.contracted_cost), 0), coalesce(sum(s.sign * c.cost), 0)
	FROM compute_ledger.charge AS c
	CROSS JOIN LATERAL (
		SELECT 1 AS sign WHERE c.recorded <= upto
		UNION ALL
		-- a day by another zone
		SELECT -1 WHERE c.recorded <= before
	) AS s
	LEFT JOIN compute_ledger._rollup_zone AS z ON c.day IS NULL AND z.account = c.account AND CASE WHEN s.sign > 0 THEN z."is" ELSE z.was END AND z.since <= lower(c.period) AND z.until > lower(c.period)
	CROSS JOIN LATERAL (SELECT coalesce(c.day, (lower(c.period) AT TIME ZONE coalesce(z.time_zone, 'UTC'))::date) AS day) AS d
	WHERE c.recorded > before AND c.recorded <= upto OR c.day IS NULL AND c.account = ANY (changed)
	GROUP BY c.account, c.payer, c.region, d.day, c.accelerator, c.book, c.measure, c.kind, c.currency;
END
$$;
COMMENT ON FUNCTION _spend_change(timestamptz, timestamptz) IS 'part of refresh_rollups(): what is to be added to _spend_daily';
