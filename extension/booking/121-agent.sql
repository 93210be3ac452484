-- What the agents of centres say: the last word on reservations, and what is there.

CREATE TYPE pool_use AS (
	devices bigint,
	until timestamptz,
	reservation bigint,
	centre_id text
);
COMMENT ON TYPE pool_use IS 'Devices of a pool that are held, as report_pool() takes it: how many, until when (NULL: not known), and for which reservation, by the ledger''s number or by the id that its centre''s agent gave; neither: for the centre''s own jobs.';

-- ------------------------------------------------------------------ answers

CREATE FUNCTION _answer_reservation(reservation bigint, answer text, reason text DEFAULT NULL, centre_id text DEFAULT NULL, request text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	r record;
	place integer;
	other bigint;
	clock timestamptz;
	call jsonb := jsonb_build_object('call', 'answer_reservation', 'reservation', reservation, 'answer', answer, 'reason', reason, 'centre_id', centre_id);
	said text;
BEGIN
	PERFORM compute_ledger._require_ledger();
	SELECT p.region, o.pool, ARRAY(SELECT q.pool FROM compute_ledger.reservation AS q WHERE q.booking = o.booking) AS pools INTO r
	FROM compute_ledger.reservation AS o JOIN compute_ledger.pool AS p ON p.id = o.pool
	WHERE o.id = reservation AND p.region IN (SELECT compute_ledger._agent_regions(compute_ledger._calling_role()));
	IF NOT FOUND THEN
		PERFORM compute_ledger._refuse('42704', format('reservation %s does not exist, or is not in a region that you answer for', coalesce(reservation::text, 'NULL')));
	ELSIF (answer IN ('accepted', 'refused', 'lost')) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('unknown answer: "%s"', coalesce(answer, 'NULL')), hint => 'Answers are accepted, refused and lost.');
	ELSIF centre_id = '' OR octet_length(centre_id) > 1000 THEN
		PERFORM compute_ledger._refuse('22023', 'the centre''s id of a reservation is empty or longer than 1000 bytes');
	END IF;
	place := r.region;
	IF answer = 'accepted' THEN
		PERFORM compute_ledger._lock_pools('{}', ARRAY[r.pool]);
	ELSE
		PERFORM compute_ledger._lock_pools(ARRAY[r.pool], r.pools);
	END IF;
	clock := compute_ledger._booking_clock(now);
	said := compute_ledger._answered('region:' || place, request, call) ->> 'answer';
	IF said IS NOT NULL THEN
		RETURN said;
	END IF;
	SELECT o.*, compute_ledger._reservation_state(o.state, o.held_until, o.occupies, clock) AS state_now INTO r
	FROM compute_ledger.reservation AS o WHERE o.id = reservation FOR UPDATE;
	IF r.state_now NOT IN ('held', 'confirmed', 'running') THEN
		IF answer = 'accepted' THEN
			PERFORM compute_ledger._refuse('LC024', format('reservation %s is %s', reservation, r.state_now),
				detail => format('Since %s.', CASE r.state_now WHEN 'lapsed' THEN r.held_until ELSE coalesce(r.ended_at, upper(r.occupies)) END), hint => 'Hold nothing for it.');
		END IF;
		said := r.state_now || ' already';
	ELSIF answer = 'accepted' THEN
		IF centre_id IS NOT NULL AND r.centre_id <> centre_id AND r.accepted_at IS NOT NULL THEN
			PERFORM compute_ledger._refuse('LC024', format('reservation %s was accepted as "%s"', reservation, left(r.centre_id, 80)));
		END IF;
		-- usage that names the id has to find one
		SELECT o.id INTO other FROM compute_ledger.reservation AS o JOIN compute_ledger.pool AS p ON p.id = o.pool
		WHERE o.centre_id = _answer_reservation.centre_id AND o.id <> r.id AND o.period && r.period AND p.region = place LIMIT 1;
		IF FOUND THEN
			PERFORM compute_ledger._refuse('LC024', format('"%s" is reservation %s, of the same time', left(centre_id, 80), other), hint => 'Give each reservation of a region an id of its own.');
		END IF;
		said := CASE WHEN r.accepted_at IS NULL THEN 'accepted' ELSE 'accepted already' END;
		IF r.accepted_at IS NULL THEN
			PERFORM compute_ledger._change_reservation(reservation, 'accept', clock, reason => reason);
		END IF;
		UPDATE compute_ledger.reservation AS o SET centre_id = coalesce(_answer_reservation.centre_id, o.centre_id) WHERE o.id = reservation;
	ELSE
		IF answer = 'refused' AND r.state_now = 'running' THEN
			PERFORM compute_ledger._refuse('LC024', format('reservation %s is running, and is not refused', reservation), hint => 'Answer lost if its devices are gone.');
		END IF;
		-- refused are all pieces of the booking, lost is the one
		FOR r IN
			SELECT o.id FROM compute_ledger.reservation AS o
			WHERE o.booking = r.booking AND (answer = 'refused' OR o.id = reservation)
				AND compute_ledger._reservation_state(o.state, o.held_until, o.occupies, clock) IN ('held', 'confirmed', 'running')
			ORDER BY o.id
		LOOP
			PERFORM compute_ledger._cut_reservation(r.id, clock, answer, CASE answer WHEN 'refused' THEN 'refuse' ELSE 'lose' END, reason, clock);
		END LOOP;
		UPDATE compute_ledger.pool AS p SET doubted = clock, doubted_why = format('reservation %s was %s: %s', reservation, answer, coalesce(reason, 'no reason was given'))
		FROM compute_ledger.reservation AS o WHERE o.id = reservation AND p.id = o.pool;
		said := answer;
	END IF;
	PERFORM compute_ledger._keep_answered('region:' || place, request, call, jsonb_build_object('answer', said));
	RETURN said;
END
$$;
COMMENT ON FUNCTION _answer_reservation(bigint, text, text, text, text, timestamptz) IS 'what answer_reservation() does';

CREATE FUNCTION answer_reservation(reservation bigint, answer text, reason text DEFAULT NULL, centre_id text DEFAULT NULL, request text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._answer_reservation(reservation, answer, reason, centre_id, request, now);
END
$$;
COMMENT ON FUNCTION answer_reservation(bigint, text, text, text, text, timestamptz) IS 'what a centre says of a reservation in its pool: accepted, with the id that it has there; refused, which frees all pieces of its booking together; or lost, which ends this one. The pool of what was refused or lost is doubted until the agent''s next report: nothing is booked in it. Returns the answer, or what the reservation is already (accepted already, cancelled already). request: the agent''s id of the call, whose repetition gets the first answer again. LC024 for what cannot be said of the reservation as it is, LC022 if the request said something else before, 42704 if there is none in a region that the caller is agent of, 22023 an unknown answer.';

CREATE FUNCTION _agent_reservation() RETURNS TABLE (reservation bigint, booking bigint, pool bigint, devices integer, period tstzrange, state text, held_until timestamptz,
	accepted_at timestamptz, centre_id text, started_at timestamptz, preempted_at timestamptz)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	clock timestamptz := statement_timestamp();
	role name := compute_ledger._calling_role();
	pools bigint[] := ARRAY(SELECT p.id FROM compute_ledger.pool AS p WHERE p.region IN (SELECT compute_ledger._agent_regions(role)) OR compute_ledger._sees_everything(role));
BEGIN
	RETURN QUERY
		SELECT r.id, r.booking, r.pool, r.devices, r.period, compute_ledger._reservation_state(r.state, r.held_until, r.occupies, clock), r.held_until, r.accepted_at, r.centre_id, r.started_at, r.preempted_at
		FROM compute_ledger.reservation AS r
		WHERE r.id IN (
			SELECT o.id FROM compute_ledger.reservation AS o WHERE o.pool = ANY (pools) AND NOT isempty(o.occupies) AND upper(o.occupies) > clock
			UNION
			SELECT o.id FROM compute_ledger.reservation AS o WHERE o.pool = ANY (pools) AND o.state = 'running'
			UNION
			-- what the centre is to free
			SELECT o.id FROM compute_ledger.reservation AS o WHERE o.pool = ANY (pools) AND o.accepted_at IS NOT NULL AND o.state NOT IN ('held', 'confirmed', 'running') AND upper(o.period) > clock);
END
$$;
COMMENT ON FUNCTION _agent_reservation() IS 'what agent_reservation shows';

-- ------------------------------------------------------------------ reports

CREATE FUNCTION _reservation_held(pool bigint, reservation bigint, centre_id text, at timestamptz) RETURNS bigint
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.id FROM compute_ledger.reservation AS r
	WHERE r.pool = $1 AND CASE WHEN $2 IS NOT NULL THEN r.id = $2 AND ($3 IS NULL OR r.centre_id = $3) ELSE r.centre_id = $3 END
	-- a centre may use an id again
	ORDER BY lower(r.period) <= $4 DESC, lower(r.period) DESC LIMIT 1
$$;
COMMENT ON FUNCTION _reservation_held(bigint, bigint, text, timestamptz) IS 'the reservation of a pool that a report means, by the ledger''s number, or by its centre''s id at an instant; NULL: none';

CREATE FUNCTION _report_pool(pool bigint, held pool_use[] DEFAULT '{}', down bigint DEFAULT 0, down_until timestamptz DEFAULT NULL, request text DEFAULT NULL,
	claimed timestamptz DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	place integer;
	clock timestamptz;
	call jsonb := jsonb_build_object('call', 'report_pool', 'pool', pool, 'held', to_jsonb(held), 'down', down, 'down_until', down_until, 'claimed', claimed);
	fault text;
	named bigint[];
	change record;
	report bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._check_agent(pool);
	PERFORM compute_ledger._pool_devices(down, 0);
	IF held IS NULL OR EXISTS (SELECT FROM unnest(held) AS h WHERE (h.devices BETWEEN 1 AND 1000000000) IS NOT TRUE OR NOT isfinite(h.until)) OR NOT isfinite(down_until) OR NOT isfinite(claimed) THEN
		PERFORM compute_ledger._refuse('22023', 'what is held is 1 to 1000000000 devices, until an instant or NULL');
	ELSIF (SELECT sum(h.devices) FROM unnest(held) AS h) > 1000000000 THEN
		PERFORM compute_ledger._refuse('22023', 'more than 1000000000 devices are held');
	END IF;
	PERFORM compute_ledger._lock_pool(pool);
	clock := compute_ledger._booking_clock(now);
	SELECT p.region INTO place FROM compute_ledger.pool AS p WHERE p.id = _report_pool.pool;
	report := (compute_ledger._answered('region:' || place, request, call) ->> 'report')::bigint;
	IF report IS NOT NULL THEN
		RETURN report;
	END IF;
	SELECT coalesce(h.reservation::text, h.centre_id) INTO fault
	FROM unnest(held) AS h
	WHERE (h.reservation IS NOT NULL OR h.centre_id IS NOT NULL) AND compute_ledger._reservation_held(pool, h.reservation, h.centre_id, clock) IS NULL
	LIMIT 1;
	IF FOUND THEN
		PERFORM compute_ledger._refuse('LC024', format('pool %s has no reservation "%s"', pool, left(fault, 80)),
			hint => 'A reservation is named by its number, or by the id that answer_reservation() gave; what the centre''s own jobs hold names none.');
	END IF;
	-- What runs beyond its end and is not held any more has ended; what has ended and is held, or was until now, was there as long.
	named := ARRAY(SELECT n.id FROM unnest(held) AS h CROSS JOIN LATERAL compute_ledger._reservation_held(pool, h.reservation, h.centre_id, clock) AS n (id) WHERE n.id IS NOT NULL);
	FOR change IN
		SELECT r.id, r.state, r.preempted_at IS NOT NULL AS gave_way FROM compute_ledger.reservation AS r
		WHERE r.id IN (SELECT s.reservation FROM compute_ledger._still_there(_report_pool.pool, clock) AS s UNION SELECT unnest(named)
				UNION SELECT o.id FROM compute_ledger.reservation AS o WHERE o.pool = _report_pool.pool AND o.state = 'running' AND upper(o.occupies) <= clock) AND r.started_at IS NOT NULL
			AND CASE r.state WHEN 'running' THEN upper(r.occupies) <= clock AND r.id <> ALL (named) ELSE r.ended_at < clock END
		ORDER BY r.id
	LOOP
		IF change.state = 'running' THEN
			PERFORM compute_ledger._cut_reservation(change.id, clock, CASE WHEN change.gave_way THEN 'preempted' ELSE 'ended' END, 'end', 'not held any more, as the centre reports', clock);
		ELSE
			UPDATE compute_ledger.reservation AS r SET ended_at = clock WHERE r.id = change.id;
		END IF;
		UPDATE compute_ledger.reservation AS r SET there_until = NULL WHERE r.id = change.id AND r.there_until IS NOT NULL AND r.id <> ALL (named);
		PERFORM compute_ledger._note_waits(change.id, clock);
	END LOOP;
	-- What is not for a reservation is taken from the pool, and so is what is down; what is as it was reported before stays.
	FOR change IN
		SELECT o.event, n.kind, n.devices, n.until
		FROM (
			SELECT 'local' AS kind, sum(h.devices)::integer AS devices, h.until
			FROM unnest(held) AS h WHERE h.reservation IS NULL AND h.centre_id IS NULL AND coalesce(h.until, 'infinity') > clock
			GROUP BY h.until
			UNION ALL
			SELECT 'outage', down::integer, down_until WHERE down > 0 AND coalesce(down_until, 'infinity') > clock
		) AS n
		FULL JOIN (
			SELECT r.event, r.kind, r.devices, upper(r.valid) AS until
			FROM compute_ledger.pool_reduction AS r
			WHERE r.pool = _report_pool.pool AND r.reported AND r.withdrawn = 'infinity' AND coalesce(upper(r.valid), 'infinity') > clock
		) AS o ON (o.kind, o.devices, coalesce(o.until, 'infinity')) = (n.kind, n.devices, coalesce(n.until, 'infinity'))
		WHERE o.event IS NULL OR n.kind IS NULL
	LOOP
		IF change.event IS NOT NULL THEN
			PERFORM compute_ledger._give_back_devices(change.event, '{local,outage}', clock);
		ELSE
			PERFORM compute_ledger._take_devices(pool, change.kind, change.devices, ARRAY[tstzrange(clock, change.until)], 'reported by the centre', true);
		END IF;
	END LOOP;
	UPDATE compute_ledger.pool AS p SET doubted = NULL, doubted_why = NULL WHERE p.id = _report_pool.pool AND p.doubted IS NOT NULL;
	INSERT INTO compute_ledger.pool_report (pool, at, claimed, down, down_until, held, request, reported_by)
	VALUES (_report_pool.pool, clock, _report_pool.claimed, _report_pool.down, _report_pool.down_until, to_jsonb(_report_pool.held), _report_pool.request, session_user)
	RETURNING id INTO report;
	PERFORM compute_ledger._keep_answered('region:' || place, request, call, jsonb_build_object('report', report));
	RETURN report;
END
$$;
COMMENT ON FUNCTION _report_pool(bigint, pool_use[], bigint, timestamptz, text, timestamptz, timestamptz) IS 'what report_pool() does';

CREATE FUNCTION report_pool(pool bigint, held pool_use[] DEFAULT '{}', down bigint DEFAULT 0, down_until timestamptz DEFAULT NULL, request text DEFAULT NULL,
	claimed timestamptz DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._report_pool(pool, held, down, down_until, request, claimed, now);
END
$$;
COMMENT ON FUNCTION report_pool(bigint, pool_use[], bigint, timestamptz, text, timestamptz, timestamptz) IS 'what a centre''s agent reports of a pool, in place of its last report: devices that are held, and by which reservation, the rest being its own jobs'', until when (NULL: not known); devices that are down, until when. What is not for a reservation is not booked until then; what is booked already is short, and short_reservations() lists it. It is as of now by the clock of bookings; claimed, the agent''s time, is only kept. Ends the doubt of the pool. The number of the report. request: as in answer_reservation(). LC024 a reservation that the pool does not have, LC022 if the request said something else before, 42704 if it is no pool in a region that the caller is agent of, 22023 numbers and times that cannot be.';

-- ------------------------------------------------------------------ who is still there

CREATE FUNCTION _still_there(pool bigint, at timestamptz) RETURNS TABLE (reservation bigint, devices bigint)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH report AS MATERIALIZED (
		SELECT r.at, n.id, sum(h.devices)::bigint AS devices
		FROM (SELECT p.at, p.held FROM compute_ledger.pool_report AS p WHERE p.pool = $1 ORDER BY p.id DESC LIMIT 1) AS r
		CROSS JOIN LATERAL jsonb_to_recordset(r.held) AS h (devices bigint, reservation bigint, centre_id text)
		CROSS JOIN LATERAL compute_ledger._reservation_held($1, h.reservation, h.centre_id, r.at) AS n (id)
		-- the rest are the centre's own jobs
		WHERE h.reservation IS NOT NULL OR h.centre_id IS NOT NULL
		GROUP BY r.at, n.id
	)
	-- as many as a report after its end has it
	SELECT r.id, coalesce((SELECT p.devices FROM report AS p WHERE p.id = r.id AND p.at >= upper(r.occupies)), r.devices)
	FROM compute_ledger.reservation AS r
	WHERE r.pool = $1 AND r.state = 'running' AND upper(r.occupies) <= $2
		-- what has given way is there only if it was seen
		AND (r.preempted_at IS NULL OR EXISTS (SELECT FROM report AS p WHERE p.id = r.id AND p.at >= upper(r.occupies)))
	UNION ALL
	SELECT r.id, p.devices
	FROM report AS p JOIN compute_ledger.reservation AS r ON r.id = p.id
	WHERE r.state NOT IN ('held', 'confirmed', 'running') AND p.at >= r.ended_at
	UNION ALL
	-- of what was given up while an agent had it, the end is still to be reported
	SELECT r.id, r.devices
	FROM compute_ledger.reservation AS r
	WHERE r.pool = $1 AND r.state NOT IN ('held', 'confirmed', 'running') AND r.there_until > $2
		AND NOT EXISTS (SELECT FROM report AS p WHERE p.id = r.id AND p.at >= r.ended_at)
$$;
COMMENT ON FUNCTION _still_there(bigint, timestamptz) IS 'reservations that hold devices of a pool beyond their end, and how many: those that run and have not been ended, those that the last report of the pool''s agent says are there though they have, or were given up, and those that were while an agent had them';
