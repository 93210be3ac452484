-- Reservations as usage of measure reserved, whose source is the ledger itself.
--
-- One record for each level of a reservation, from its start, or that of the level, to its end: it is known when it begins,
-- so that nothing has to happen for it to end.  What changes later makes a revision.  What is given up with less notice than
-- its pool asks for, and in a pool where only what was started counts what was not, is usage of measure forgone.
--
-- reservation.usage_due says when there is something to make.  There is no worker: start_reservation() and accept_usage()
-- make what is due, or record_reservations().

CREATE FUNCTION _above_zero(profile device_profile) RETURNS device_profile
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT compute_ledger.device_profile(s.period, s.level) FROM compute_ledger.steps(profile) AS s WHERE s.level > 0
$$;
COMMENT ON FUNCTION _above_zero(device_profile) IS 'a profile where it is above zero; NULL where that is nowhere, and for NULL';

CREATE FUNCTION _level_profile(period tstzrange, devices numeric) RETURNS device_profile
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT compute_ledger.device_profile(v.period, v.devices) FROM (VALUES (period, devices)) AS v (period, devices)
$$;
COMMENT ON FUNCTION _level_profile(tstzrange, numeric) IS 'so many devices over a period; NULL for NULL';

CREATE FUNCTION _given_up(reservation bigint, notice interval) RETURNS device_profile
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT compute_ledger.sum(compute_ledger._above_zero(compute_ledger.clip(
		compute_ledger._level_profile(h.occupied, h.devices_before) OPERATOR(compute_ledger.-) compute_ledger._level_profile(h.occupies, h.devices),
		tstzrange(h.at, h.at + notice))))
	FROM (
		SELECT c.action, c.at, c.occupies, c.devices, lag(c.occupies) OVER w AS occupied, lag(c.devices) OVER w AS devices_before, lag(c.state) OVER w AS state_before
		FROM compute_ledger.reservation_change AS c
		WHERE c.reservation = _given_up.reservation
		WINDOW w AS (ORDER BY c.id)
	) AS h
	WHERE h.action IN ('cancel', 'end', 'shrink', 'move') AND h.state_before IN ('confirmed', 'running')
$$;
COMMENT ON FUNCTION _given_up(bigint, interval) IS 'what the holder of a reservation gave up of it when it was confirmed, from when he did until the notice had run out; NULL: nothing';

CREATE FUNCTION _note_waits(reservation bigint, until timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r compute_ledger.reservation;
	w record;
	instant tstzrange;
	there bigint;
BEGIN
	SELECT * INTO r FROM compute_ledger.reservation AS o WHERE o.id = _note_waits.reservation;
	FOR w IN
		SELECT o.id, lower(o.period) AS starts, upper(o.occupies) AS ends
		FROM compute_ledger.reservation AS o
		WHERE o.pool = r.pool AND NOT isempty(o.occupies) AND upper(o.occupies) > upper(r.occupies) AND o.confirmed_at IS NOT NULL
			AND lower(o.period) >= upper(r.occupies) AND lower(o.period) < until AND (o.started_at IS NULL OR o.started_at >= until)
			AND (o.waited_until IS NULL OR o.waited_until < least(until, upper(o.occupies)))
		ORDER BY o.id
		FOR UPDATE
	LOOP
		instant := tstzrange(w.starts, w.starts + interval '1 microsecond');
		SELECT sum(o.devices) INTO there
		FROM compute_ledger.reservation AS o
		WHERE o.pool = r.pool AND o.started_at IS NOT NULL AND (o.id = r.id OR o.state = 'running' OR o.ended_at > upper(o.occupies))
			AND upper(o.occupies) <= w.starts AND (o.id = r.id OR coalesce(o.ended_at, until) > w.starts);
		IF there + compute_ledger.level_at(compute_ledger._book_level(r.pool, false, instant, until), w.starts)
			> compute_ledger.level_at(compute_ledger._pool_limit(r.pool, instant, false), w.starts)
		THEN
			UPDATE compute_ledger.reservation AS o SET waited_until = least(until, w.ends), usage_due = least(o.usage_due, w.starts) WHERE o.id = w.id;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _note_waits(bigint, timestamptz) IS 'when a reservation that was there longer than it was for has ended: notes until when those after it in its pool, whose lock the caller has, could not start, because there was no room for both';

CREATE FUNCTION _short_of(reservation bigint) RETURNS device_profile
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r record;
	before compute_ledger.device_profile;
BEGIN
	SELECT v.*, b.booked INTO r FROM compute_ledger.reservation AS v JOIN compute_ledger.booking AS b ON b.id = v.booking WHERE v.id = _short_of.reservation;
	IF isempty(r.occupies) OR NOT EXISTS (SELECT FROM compute_ledger.pool_reduction AS o
		WHERE int8range(o.pool, o.pool, '[]') = int8range(r.pool, r.pool, '[]') AND o.valid && r.occupies AND o.kind IN ('outage', 'local') AND o.withdrawn = 'infinity')
	THEN
		RETURN NULL;
	END IF;
	-- what is drained last is served first
	SELECT compute_ledger.sum(compute_ledger._reservation_profile(o.occupies, o.since, o.devices, o.earlier)) INTO before
	FROM compute_ledger.reservation AS o
	JOIN compute_ledger.booking AS b ON b.id = o.booking
	WHERE o.pool = r.pool AND NOT isempty(o.occupies) AND upper(o.occupies) > lower(r.occupies) AND o.occupies && r.occupies AND o.confirmed_at IS NOT NULL
		AND (-o.priority, b.booked, o.id) < (-r.priority, r.booked, r.id);
	-- of what there is, they have theirs, as far as it goes; it lacks what it has more than the rest
	RETURN compute_ledger._above_zero(compute_ledger._reservation_profile(r.occupies, r.since, r.devices, r.earlier) OPERATOR(compute_ledger.-)
		coalesce(compute_ledger._above_zero(compute_ledger._pool_limit(r.pool, r.occupies, false) OPERATOR(compute_ledger.-) coalesce(compute_ledger.clip(before, r.occupies), '{}')), '{}'));
END
$$;
COMMENT ON FUNCTION _short_of(bigint) IS 'what a reservation could not have, because an outage, or what the centre holds, left its pool fewer devices than are booked: those that are drained first go without first; NULL: nothing';

CREATE FUNCTION _reservation_usage(reservation bigint, now timestamptz)
	RETURNS TABLE (line text, measure text, started_at timestamptz, ended_at timestamptz, devices numeric)
	LANGUAGE plpgsql STABLE ROWS 1
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r compute_ledger.reservation;
	counts tstzrange;
	taken compute_ledger.device_profile;
	forgone compute_ledger.device_profile;
	short compute_ledger.device_profile;
BEGIN
	SELECT * INTO r FROM compute_ledger.reservation AS v WHERE v.id = _reservation_usage.reservation;
	IF r.confirmed_at IS NULL THEN
		RETURN;
	END IF;
	-- who waited for others to end is not charged for that
	counts := r.occupies * tstzrange(r.waited_until, NULL);
	taken := compute_ledger.clip(compute_ledger._reservation_profile(r.occupies, r.since, r.devices, r.earlier), counts);
	short := compute_ledger._short_of(r.id);
	IF short IS NOT NULL THEN
		SELECT taken OPERATOR(compute_ledger.-) coalesce(compute_ledger.device_profile(s.period * counts, s.level * r.outage_credit), '{}') INTO taken
		FROM compute_ledger.steps(short) AS s WHERE s.level > 0;
	END IF;
	IF r.counts = 'started' THEN
		-- whoever has not come yet may come until the end
		IF r.state <> 'confirmed' OR upper(r.occupies) <= now THEN
			forgone := CASE WHEN r.started_at IS NULL THEN taken ELSE compute_ledger.clip(taken, tstzrange(NULL, r.started_at)) END;
		END IF;
		taken := compute_ledger.clip(taken, tstzrange(coalesce(r.started_at, 'infinity'), NULL));
	END IF;
	IF r.notice > interval '0' THEN
		SELECT compute_ledger.sum(f.profile) INTO forgone FROM (VALUES (forgone), (compute_ledger._given_up(r.id, r.notice))) AS f (profile);
	END IF;
	RETURN QUERY
	SELECT format('%s/%s%s', r.id, CASE l.measure WHEN 'forgone' THEN 'forgone/' END, row_number() OVER (PARTITION BY l.measure ORDER BY s.period)),
		l.measure, lower(s.period), upper(s.period), s.level
	FROM (VALUES ('reserved', taken), ('forgone', forgone)) AS l (measure, profile)
	CROSS JOIN LATERAL compute_ledger.steps(l.profile) AS s
	WHERE s.level > 0;
END
$$;
COMMENT ON FUNCTION _reservation_usage(bigint, timestamptz) IS 'the records that the ledger makes of a reservation, as it is now: what it took, by levels, and what was forgone; line: their source_id';

CREATE FUNCTION _make_reserved_usage(now timestamptz) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET datestyle = 'ISO, YMD'
	-- @planner
AS $$
DECLARE
	due bigint[];
	given jsonb;
	made bigint;
BEGIN
	IF NOT EXISTS (SELECT FROM compute_ledger.reservation AS r WHERE r.usage_due <= now) THEN
		RETURN 0;
	END IF;
	IF compute_ledger._lock_usage_sources('{compute_ledger}', false) = '{}' THEN
		RETURN 0;
	END IF;
	-- What somebody is changing stays due; so does what has no account at its start.
	SELECT array_agg(l.id) INTO due
	FROM (SELECT r.id FROM compute_ledger.reservation AS r WHERE r.usage_due <= now ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED) AS l;
	SELECT array_agg(u.id) INTO due
	FROM (
		SELECT r.id
		FROM compute_ledger.reservation AS r
		JOIN compute_ledger.account AS a ON a.id = r.account
		LEFT JOIN LATERAL compute_ledger._reservation_usage(r.id, now) AS u ON u.started_at <= now
		WHERE r.id = ANY (due)
		GROUP BY r.id
		HAVING coalesce(bool_and(u.line IS NULL OR compute_ledger._account_id(a.name, u.started_at) IS NOT NULL), true)
	) AS u;
	IF due IS NULL THEN
		RETURN 0;
	END IF;
	WITH line AS MATERIALIZED (
		SELECT r.id AS reservation, u.*
		FROM compute_ledger.reservation AS r
		CROSS JOIN LATERAL compute_ledger._reservation_usage(r.id, now) AS u
		WHERE r.id = ANY (due) AND u.started_at <= now
	), gone AS (
		SELECT n.reservation, n.source_id AS line
		FROM compute_ledger.usage_record AS n
		WHERE n.reservation = ANY (due) AND n.source = 'compute_ledger' AND n.superseded = 'infinity' AND n.source_id NOT IN (SELECT l.line FROM line AS l)
	), old AS (
		SELECT o.line, k.revision, k.retracted, n.started_at, n.ended_at, n.devices
		FROM (SELECT l.line FROM line AS l UNION ALL SELECT g.line FROM gone AS g) AS o
		CROSS JOIN LATERAL (SELECT e.revision, e.retracted, e.record, e.started_at FROM compute_ledger.usage_key AS e
			WHERE e.source = 'compute_ledger' AND e.source_id = o.line ORDER BY e.revision DESC LIMIT 1) AS k
		LEFT JOIN compute_ledger.usage_record AS n ON n.id = k.record AND n.started_at = k.started_at
	)
	SELECT jsonb_agg(jsonb_build_object('id', x.n, 'received_at', CURRENT_TIMESTAMP, 'received_by', session_user, 'source', 'compute_ledger', 'source_id', x.line,
			'revision', x.revision::text, 'retracted', x.retracted::text, 'account', a.name, 'region', g.name, 'accelerator', p.accelerator::text, 'devices', x.devices::text,
			'started_at', (x.started_at AT TIME ZONE 'UTC')::text || 'Z', 'ended_at', (x.ended_at AT TIME ZONE 'UTC')::text || 'Z', 'measure', x.measure,
			'reservation', 'ledger:' || x.reservation))
	INTO given
	FROM (
		SELECT row_number() OVER (ORDER BY l.started_at, l.reservation, l.line) AS n, l.reservation, l.line, coalesce(o.revision + 1, 0) AS revision, false AS retracted,
			l.measure, l.started_at, l.ended_at, l.devices
		FROM line AS l
		LEFT JOIN old AS o ON o.line = l.line
		WHERE (o.started_at, o.ended_at, o.devices) IS DISTINCT FROM (l.started_at, l.ended_at, l.devices)
		UNION ALL
		SELECT 0, g.reservation, g.line, o.revision + 1, true, NULL, NULL, NULL, NULL
		FROM gone AS g
		JOIN old AS o ON o.line = g.line AND NOT o.retracted
	) AS x
	JOIN compute_ledger.reservation AS r ON r.id = x.reservation
	JOIN compute_ledger.account AS a ON a.id = r.account
	JOIN compute_ledger.pool AS p ON p.id = r.pool
	JOIN compute_ledger.region AS g ON g.id = p.region;
	made := 0;
	IF given IS NOT NULL THEN
		SELECT t.accepted INTO made FROM compute_ledger._take_usage('reserve', 'bf16', given => given) AS t;
	END IF;
	-- What could not be taken, because somebody is making the month, stays due.
	UPDATE compute_ledger.reservation AS r SET usage_due = (
		SELECT min(d.at)
		FROM (SELECT u.started_at FROM compute_ledger._reservation_usage(r.id, now) AS u WHERE u.started_at > now
			UNION ALL
			SELECT upper(r.occupies) WHERE r.state = 'confirmed' AND upper(r.occupies) > now AND r.counts = 'started') AS d (at))
	WHERE r.id = ANY (due)
		AND NOT EXISTS (SELECT FROM jsonb_to_recordset(given) AS g (source_id text, revision integer, reservation text)
			WHERE g.reservation = 'ledger:' || r.id
				AND NOT EXISTS (SELECT FROM compute_ledger.usage_key AS k WHERE k.source = 'compute_ledger' AND k.source_id = g.source_id AND k.revision = g.revision));
	RETURN made;
END
$$;
COMMENT ON FUNCTION _make_reserved_usage(timestamptz) IS 'what record_reservations() does, at an instant: of reservations that nobody is changing, if nobody else is making records of reservations; returns how many records it made';

CREATE FUNCTION _record_reservations(now timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	RETURN compute_ledger._make_reserved_usage(compute_ledger._booking_clock(now));
END
$$;
COMMENT ON FUNCTION _record_reservations(timestamptz) IS 'what record_reservations() does';

CREATE FUNCTION record_reservations(now timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._record_reservations(now);
END
$$;
COMMENT ON FUNCTION record_reservations(timestamptz) IS 'makes the usage records of reservations that are due, of source compute_ledger: of each that is confirmed and has begun, one for every level, from its start to its end, however late it is made, and a revision of those that have changed since. Returns how many records, retractions included. It waits for nobody: what another transaction is changing, or making, stays due for the next call. start_reservation() and accept_usage() do the same by themselves. now: another time than the clock''s, for replays, by admins only (42501).';
