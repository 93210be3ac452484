-- Reservations as usage of measure reserved, or preemptible, whose source is the ledger itself.
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
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	had compute_ledger.device_profile := '{}';
	has compute_ledger.device_profile;
	change record;
BEGIN
	-- the most that it was to have at an instant, with no more notice than that before it
	FOR change IN
		SELECT h.at, compute_ledger._level_profile(h.occupied, h.devices_before) AS profile
		FROM (
			SELECT c.action, c.at, c.could_not_be_had, lag(c.occupies) OVER w AS occupied, lag(c.devices) OVER w AS devices_before, lag(c.state) OVER w AS state_before
			FROM compute_ledger.reservation_change AS c
			WHERE c.reservation = _given_up.reservation
			WINDOW w AS (ORDER BY c.id)
		) AS h
		WHERE h.action IN ('cancel', 'end', 'shrink', 'move') AND h.state_before IN ('confirmed', 'running') AND NOT h.could_not_be_had
	LOOP
		had := had OPERATOR(compute_ledger.+) coalesce(compute_ledger._above_zero(
			compute_ledger.clip(change.profile, tstzrange(change.at, change.at + notice)) OPERATOR(compute_ledger.-) had), '{}');
	END LOOP;
	-- less what it has in the end
	SELECT compute_ledger._reservation_profile(r.occupies, r.since, r.devices, r.earlier) INTO has FROM compute_ledger.reservation AS r WHERE r.id = _given_up.reservation;
	RETURN compute_ledger._above_zero(had OPERATOR(compute_ledger.-) has);
END
$$;
COMMENT ON FUNCTION _given_up(bigint, interval) IS 'what the holder of a reservation gave up of it when it was confirmed, and did not get again, from when he did until the notice had run out; NULL: nothing';

CREATE FUNCTION _short_of(reservation bigint) RETURNS device_profile
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r record;
	before compute_ledger.device_profile;
	own compute_ledger.device_profile;
BEGIN
	SELECT v.* INTO r FROM compute_ledger.reservation AS v WHERE v.id = _short_of.reservation;
	IF isempty(r.occupies) OR NOT EXISTS (SELECT FROM compute_ledger.pool_reduction AS o
		WHERE int8range(o.pool, o.pool, '[]') = int8range(r.pool, r.pool, '[]') AND o.valid && r.occupies AND o.kind IN ('outage', 'local') AND o.withdrawn = 'infinity')
	THEN
		RETURN NULL;
	END IF;
	-- what is drained last is served first
	SELECT compute_ledger.sum(compute_ledger._reservation_profile(o.occupies, o.since, o.devices, o.earlier)) INTO before
	FROM compute_ledger.reservation AS o
	WHERE o.pool = r.pool AND NOT isempty(o.occupies) AND upper(o.occupies) > lower(r.occupies) AND o.occupies && r.occupies AND o.confirmed_at IS NOT NULL AND NOT (o.state = 'refused' AND o.started_at IS NULL)
		AND (o.preempt_notice IS NOT NULL, -o.priority::bigint, o.booked, o.id) < (r.preempt_notice IS NOT NULL, -r.priority::bigint, r.booked, r.id);
	before := coalesce(compute_ledger.clip(before, r.occupies), '{}');
	own := compute_ledger._reservation_profile(r.occupies, r.since, r.devices, r.earlier);
	-- Of what there is, they have theirs, as far as it goes, and it lacks what it has more than the rest: because of what has
	-- happened, so much more than without.
	RETURN compute_ledger._above_zero(
		coalesce(compute_ledger._above_zero(own OPERATOR(compute_ledger.-)
			coalesce(compute_ledger._above_zero(compute_ledger._pool_limit(r.pool, r.occupies, false) OPERATOR(compute_ledger.-) before), '{}')), '{}')
		OPERATOR(compute_ledger.-) coalesce(compute_ledger._above_zero(own OPERATOR(compute_ledger.-)
			coalesce(compute_ledger._above_zero(compute_ledger._pool_limit(r.pool, r.occupies, false, false) OPERATOR(compute_ledger.-) before), '{}')), '{}'));
END
$$;
COMMENT ON FUNCTION _short_of(bigint) IS 'what a reservation could not have, because an outage, or what the centre holds, left its pool fewer devices than are booked: those that are drained first go without first; NULL: nothing';

CREATE FUNCTION _started_by_use(reservations bigint[]) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- whoever changes one has its usage due anyway
	UPDATE compute_ledger.reservation AS r SET usage_due = least(r.usage_due, lower(r.period))
	WHERE r.id IN (SELECT o.id FROM compute_ledger.reservation AS o
		WHERE o.id = ANY (reservations) AND o.counts = 'started' AND o.confirmed_at IS NOT NULL ORDER BY o.id FOR NO KEY UPDATE SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION _started_by_use(bigint[]) IS 'part of accept_usage(): usage that names reservations has come, or has ceased to count; of those of which only what was started counts, the usage is due';

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
	started timestamptz;
BEGIN
	SELECT * INTO r FROM compute_ledger.reservation AS v WHERE v.id = _reservation_usage.reservation;
	-- what the centre refused was never there
	IF r.confirmed_at IS NULL OR r.state = 'refused' AND r.started_at IS NULL THEN
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
		-- what runs in it has started it, too
		SELECT least(r.started_at, min(u.started_at)) INTO started
		FROM compute_ledger.usage_record AS u
		JOIN compute_ledger.pool AS p ON p.id = r.pool
		WHERE u.reservation = r.id AND u.source <> 'compute_ledger' AND u.superseded = 'infinity' AND u.measure IN ('allocated', 'used')
			AND u.account = r.account AND u.region = p.region AND p.accelerator OPERATOR(compute_ledger.@>) u.accelerator AND tstzrange(u.started_at, u.ended_at) && r.occupies;
		-- whoever has not come yet may come until the end
		IF r.state <> 'confirmed' OR started IS NOT NULL OR upper(r.occupies) <= now THEN
			forgone := CASE WHEN started IS NULL THEN taken ELSE compute_ledger.clip(taken, tstzrange(NULL, started)) END;
		END IF;
		taken := compute_ledger.clip(taken, tstzrange(coalesce(started, 'infinity'), NULL));
	END IF;
	IF r.notice > interval '0' THEN
		SELECT compute_ledger.sum(f.profile) INTO forgone FROM (VALUES (forgone), (compute_ledger._given_up(r.id, r.notice))) AS f (profile);
	END IF;
	RETURN QUERY
	SELECT format('%s/%s%s', r.id, CASE l.measure WHEN 'forgone' THEN 'forgone/' END, row_number() OVER (PARTITION BY l.measure ORDER BY s.period)),
		l.measure, lower(s.period), upper(s.period), s.level
	FROM (VALUES (CASE WHEN r.preempt_notice IS NULL THEN 'reserved' ELSE 'preemptible' END, taken), ('forgone', forgone)) AS l (measure, profile)
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
	-- keys are looked up in their index, whatever was known of the size of the table when this was planned
	SET enable_seqscan = off
AS $$
DECLARE
	own integer;
	due bigint[];
	lines jsonb;
	given jsonb;
	taken record;
BEGIN
	IF NOT EXISTS (SELECT FROM compute_ledger.reservation AS r WHERE r.usage_due <= now) THEN
		RETURN 0;
	END IF;
	IF compute_ledger._lock_usage_sources('{compute_ledger}', false) = '{}' THEN
		RETURN 0;
	END IF;
	SELECT s.number INTO own FROM compute_ledger.usage_source AS s WHERE s.source = 'compute_ledger';
	-- what somebody is changing stays due
	SELECT array_agg(l.id) INTO due
	FROM (SELECT r.id FROM compute_ledger.reservation AS r WHERE r.usage_due <= now ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED) AS l;
	SELECT coalesce(jsonb_agg(to_jsonb(u) || jsonb_build_object('reservation', r.id, 'begun', u.started_at <= now,
		'is_of_nobody', u.started_at <= now AND compute_ledger._account_id(a.name, u.started_at) IS NULL)), '[]')
	INTO lines
	FROM compute_ledger.reservation AS r
	JOIN compute_ledger.account AS a ON a.id = r.account
	CROSS JOIN LATERAL compute_ledger._reservation_usage(r.id, now) AS u
	WHERE r.id = ANY (due);
	WITH line AS MATERIALIZED (
		SELECT l.*
		FROM jsonb_to_recordset(lines) AS l (reservation bigint, line text, measure text, started_at timestamptz, ended_at timestamptz, devices numeric, begun boolean, is_of_nobody boolean)
	), changed AS (
		SELECT l.reservation, l.line, coalesce(k.revision + 1, 0) AS revision, false AS retracted, l.measure, l.started_at, l.ended_at, l.devices
		FROM line AS l
		LEFT JOIN LATERAL (SELECT compute_ledger._usage_key_revision(e.key) AS revision, e.record, e.month FROM compute_ledger.usage_key AS e
			WHERE e.source = own AND e.key BETWEEN compute_ledger._usage_key_of(l.line, 0) AND compute_ledger._usage_key_of(l.line, 2147483647) ORDER BY e.key DESC LIMIT 1) AS k ON true
		LEFT JOIN LATERAL (SELECT u.started_at, u.ended_at, u.devices FROM compute_ledger.usage_record AS u
			WHERE u.id = k.record AND u.started_at >= compute_ledger._usage_month_starts(k.month) AND u.started_at < compute_ledger._usage_month_starts(k.month + 1)) AS n ON true
		WHERE l.begun AND NOT l.is_of_nobody AND (n.started_at, n.ended_at, n.devices) IS DISTINCT FROM (l.started_at, l.ended_at, l.devices)
		UNION ALL
		SELECT n.reservation, n.source_id, n.revision + 1, true, NULL, NULL, NULL, NULL
		FROM compute_ledger.usage_record AS n
		WHERE n.reservation = ANY (due) AND n.source = 'compute_ledger' AND n.superseded = 'infinity' AND n.source_id NOT IN (SELECT l.line FROM line AS l)
	)
	SELECT coalesce(jsonb_agg(jsonb_build_object('id', x.n, 'received_at', CURRENT_TIMESTAMP, 'received_by', session_user, 'source', 'compute_ledger', 'source_id', x.line,
			'revision', x.revision::text, 'retracted', x.retracted::text, 'account', a.name, 'region', g.name, 'accelerator', p.accelerator::text, 'devices', x.devices::text,
			'started_at', (x.started_at AT TIME ZONE 'UTC')::text || 'Z', 'ended_at', (x.ended_at AT TIME ZONE 'UTC')::text || 'Z', 'measure', x.measure,
			'reservation', 'ledger:' || x.reservation)), '[]')
	INTO given
	FROM (SELECT c.*, row_number() OVER (ORDER BY c.started_at, c.reservation, c.line) AS n FROM changed AS c) AS x
	JOIN compute_ledger.reservation AS r ON r.id = x.reservation
	JOIN compute_ledger.account AS a ON a.id = r.account
	JOIN compute_ledger.pool AS p ON p.id = r.pool
	JOIN compute_ledger.region AS g ON g.id = p.region;
	SELECT * INTO taken FROM compute_ledger._take_usage('reserve', 'bf16', given => given);
	IF taken.accepted + taken.duplicate < jsonb_array_length(given) THEN
		-- what could not be taken, because somebody is making the month, stays due
		due := ARRAY(SELECT unnest(due) EXCEPT SELECT substr(g.reservation, 8)::bigint
			FROM jsonb_to_recordset(given) AS g (source_id text, revision integer, reservation text)
			LEFT JOIN LATERAL (SELECT true AS made FROM compute_ledger.usage_key AS e
				WHERE e.source = own AND e.key = compute_ledger._usage_key_of(g.source_id, g.revision) LIMIT 1) AS k ON true
			WHERE k.made IS NULL);
	END IF;
	UPDATE compute_ledger.reservation AS r
	SET usage_due = least(d.next, CASE WHEN r.state = 'confirmed' AND r.counts = 'started' AND upper(r.occupies) > now THEN upper(r.occupies) END)
	FROM (
		SELECT u.id, min(u.next) AS next
		FROM (SELECT unnest(due) AS id, NULL::timestamptz AS next
			UNION ALL
			-- and so does what has no account at its start
			SELECT l.reservation, l.started_at FROM jsonb_to_recordset(lines) AS l (reservation bigint, started_at timestamptz, begun boolean, is_of_nobody boolean) WHERE NOT l.begun OR l.is_of_nobody) AS u
		WHERE u.id = ANY (due)
		GROUP BY u.id
	) AS d
	WHERE r.id = d.id;
	RETURN taken.accepted;
END
$$;
COMMENT ON FUNCTION _make_reserved_usage(timestamptz) IS 'what record_reservations() does, at an instant: of reservations that nobody is changing, if nobody else is making records of reservations; returns how many records it made';

CREATE FUNCTION _try_reserved_usage(now timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	detail text;
BEGIN
	PERFORM compute_ledger._make_reserved_usage(now);
EXCEPTION
	WHEN transaction_rollback THEN
		RAISE;
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
		RAISE WARNING 'usage of reservations was not recorded: %', SQLERRM
			USING DETAIL = detail, HINT = 'It stays due; record_reservations() raises the error.';
END
$$;
COMMENT ON FUNCTION _try_reserved_usage(timestamptz) IS 'does what record_reservations() does beside something else, which an error in it does not stop: a WARNING, and what is due stays due; but for those that a repetition of the transaction mends (class 40)';

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
