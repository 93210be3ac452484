-- Starting and ending reservations.
--
-- A reservation that is there is running, until somebody says that it has ended.  While one is there longer than it was for,
-- what comes after it cannot start if there is no room for both; its bookings stay as they are.

CREATE FUNCTION _lock_to_start(reservation bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r record;
	role name := compute_ledger._calling_role();
BEGIN
	SELECT o.pool, o.account, p.region INTO r FROM compute_ledger.reservation AS o JOIN compute_ledger.pool AS p ON p.id = o.pool WHERE o.id = _lock_to_start.reservation;
	IF NOT FOUND OR NOT (r.account IN (SELECT compute_ledger._bookable_accounts(role)) OR r.region IN (SELECT compute_ledger._agent_regions(role))) THEN
		PERFORM compute_ledger._refuse('42704', format('reservation %s does not exist', coalesce(reservation::text, 'NULL')));
	END IF;
	PERFORM compute_ledger._lock_for_booking(r.pool);
	PERFORM FROM compute_ledger.reservation AS o WHERE o.id = _lock_to_start.reservation FOR UPDATE;
END
$$;
COMMENT ON FUNCTION _lock_to_start(bigint) IS 'locks the pool of a reservation and the reservation; 42704 if there is none for whose account the calling role may book, or for whose region it is an agent';

CREATE FUNCTION _in_its_place(reservation bigint, clock timestamptz) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r compute_ledger.reservation;
	there bigint;
	overrun bigint;
	room numeric;
BEGIN
	SELECT * INTO r FROM compute_ledger.reservation AS o WHERE o.id = _in_its_place.reservation;
	SELECT sum(t.devices), min(t.reservation) INTO there, overrun FROM compute_ledger._still_there(r.pool, clock) AS t;
	-- what is there in its own time is in the book, where it has its place beside this one
	IF overrun IS NULL THEN
		RETURN NULL;
	END IF;
	there := there + coalesce((SELECT sum(o.devices) FROM compute_ledger.reservation AS o
		WHERE o.pool = r.pool AND o.id <> r.id AND o.state = 'running' AND upper(o.occupies) > clock), 0);
	room := compute_ledger.level_at(compute_ledger._pool_limit(r.pool, tstzrange(clock, clock + interval '1 microsecond'), false), clock);
	RETURN CASE WHEN there + r.devices > room THEN overrun END;
END
$$;
COMMENT ON FUNCTION _in_its_place(bigint, timestamptz) IS 'a reservation that is there longer than it was for, and leaves no room for another to start; NULL: none';

CREATE FUNCTION _start_reservation(reservation bigint, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- first in the order of locks; whoever has it records what is due
	recording boolean := compute_ledger._lock_usage_sources('{compute_ledger}', false) <> '{}';
	policed boolean := compute_ledger._lock_policy();
	clock timestamptz;
	r compute_ledger.reservation;
	state_now text;
	overrun bigint;
BEGIN
	PERFORM compute_ledger._lock_to_start(reservation);
	clock := compute_ledger._booking_clock(now);
	SELECT * INTO r FROM compute_ledger.reservation AS o WHERE o.id = _start_reservation.reservation;
	state_now := compute_ledger._reservation_state(r.state, r.held_until, r.occupies, clock);
	IF state_now = 'running' THEN
		RETURN 'running already';
	ELSIF state_now = 'held' THEN
		PERFORM compute_ledger._refuse('LC021', format('reservation %s is not confirmed', reservation),
			detail => format('It is held until %s.', r.held_until), hint => 'Call confirm_reservation() first.');
	ELSIF state_now <> 'confirmed' THEN
		PERFORM compute_ledger._refuse_state(r.id, state_now, CASE state_now WHEN 'lapsed' THEN r.held_until ELSE coalesce(r.ended_at, upper(r.occupies)) END);
	ELSIF clock < lower(r.period) THEN
		PERFORM compute_ledger._refuse('LC021', format('reservation %s has not begun', reservation),
			detail => format('It is for %s, and it is %s.', r.period, clock), hint => 'move_reservation() gives it another time.');
	END IF;
	overrun := compute_ledger._in_its_place(r.id, clock);
	IF overrun IS NOT NULL THEN
		PERFORM compute_ledger._refuse('LC021', format('reservation %s cannot start yet: reservation %s is still there', reservation, overrun),
			detail => format('That was for a time that ended at %s, and there is no room for both.', (SELECT upper(o.occupies) FROM compute_ledger.reservation AS o WHERE o.id = overrun)),
			hint => 'Try again when it has ended, or say that it has with end_reservation(). The wait is not charged.');
	END IF;
	IF policed THEN
		PERFORM compute_ledger._keep_decision('start', r.id, compute_ledger._ask_policy(r.account, q.accelerator, q.region, tstzrange(clock, upper(r.period))))
		FROM compute_ledger.pool AS q WHERE q.id = r.pool;
	END IF;
	-- who waited until now may start although others are still there
	PERFORM compute_ledger._note_waits(t.reservation, clock) FROM compute_ledger._still_there(r.pool, clock) AS t;
	-- the next start under an older snapshot would not see this one: what both write gives it 40001
	UPDATE compute_ledger.pool_month AS m SET base = m.base
	WHERE m.pool = r.pool AND NOT m.guests AND m.month = date_trunc('month', clock AT TIME ZONE 'UTC')::date;
	PERFORM compute_ledger._change_reservation(r.id, 'start', clock, state => 'running');
	IF recording THEN
		PERFORM compute_ledger._try_reserved_usage(clock);
	END IF;
	RETURN 'running';
END
$$;
COMMENT ON FUNCTION _start_reservation(bigint, timestamptz) IS 'what start_reservation() does';

CREATE FUNCTION start_reservation(reservation bigint, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._start_reservation(reservation, now);
END
$$;
COMMENT ON FUNCTION start_reservation(bigint, timestamptz) IS 'says that a reservation, a confirmed one whose time it is, is there: "running", or "running already". Its usage is recorded, with what else is due, if nobody else is recording any; otherwise it stays due. LC021 before its time, if it is not confirmed, when it is over or was given up, and while another one that should have ended is in its place. LC026 if the operator''s policies do not allow the rest of it any more. For whoever may book for its account and agents of its region; to all others there is none (42704). now: another time than the clock''s, for replays, by admins only (42501).';

CREATE FUNCTION _end_reservation(reservation bigint, at timestamptz DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	recording boolean := compute_ledger._lock_usage_sources('{compute_ledger}', false) <> '{}';
	clock timestamptz;
	r compute_ledger.reservation;
BEGIN
	PERFORM compute_ledger._lock_to_start(reservation);
	clock := compute_ledger._booking_clock(now);
	SELECT * INTO r FROM compute_ledger.reservation AS o WHERE o.id = _end_reservation.reservation;
	IF r.state = 'ended' OR r.state = 'preempted' AND r.started_at IS NOT NULL THEN
		RETURN 'ended already';
	ELSIF r.started_at IS NULL OR r.state <> 'running' THEN
		PERFORM compute_ledger._refuse('LC021', format('reservation %s is not running', reservation),
			detail => format('It is %s.', compute_ledger._reservation_state(r.state, r.held_until, r.occupies, clock)),
			hint => CASE WHEN r.state IN ('held', 'confirmed') THEN 'cancel_reservation() gives up what has not started.' END);
	ELSIF at > clock THEN
		PERFORM compute_ledger._refuse('22023', format('it is not %s yet', at), hint => 'shrink_reservation() lets a reservation end at a time that is to come.');
	ELSIF at < r.started_at THEN
		PERFORM compute_ledger._refuse('22023', format('reservation %s was not there yet at %s', reservation, at), detail => format('It started at %s.', r.started_at));
	END IF;
	-- What has passed is not given back, whenever it is said to have ended; of an overrun it says how long that was.
	-- Who gives way pays until it is gone.
	PERFORM compute_ledger._change_reservation(r.id, 'end', clock, state => CASE WHEN r.preempted_at IS NULL THEN 'ended' ELSE 'preempted' END,
		occupies => r.occupies * tstzrange(NULL, CASE WHEN r.preempted_at IS NULL THEN clock ELSE greatest(coalesce(at, clock), r.preempted_at) END),
		ended => at);
	IF recording THEN
		PERFORM compute_ledger._try_reserved_usage(clock);
	END IF;
	RETURN 'ended';
END
$$;
COMMENT ON FUNCTION _end_reservation(bigint, timestamptz, timestamptz) IS 'what end_reservation() does';

CREATE FUNCTION end_reservation(reservation bigint, at timestamptz DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._end_reservation(reservation, at, now);
END
$$;
COMMENT ON FUNCTION end_reservation(bigint, timestamptz, timestamptz) IS 'says that a reservation that was running has ended: "ended", or "ended already". What is left of its time is free from now on, and counts no more; what has passed stays. Of one that was there longer than it was for, or had to give way, at says until when, if that was before now. LC021 if it was not running; 22023 for an end that is to come, or before it started. For whoever may book for its account and agents of its region; to all others there is none (42704). now: another time than the clock''s, for replays, by admins only (42501).';
