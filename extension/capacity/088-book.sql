-- The book of a pool: what of it is booked, kept flat so that a booking does not add up those that are there.

CREATE FUNCTION _stated_clock(now timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT isfinite(now) THEN
		PERFORM compute_ledger._refuse('22023', format('the time of a booking cannot be %s', now));
	ELSIF now IS NOT NULL AND NOT compute_ledger._has_access('admin', compute_ledger._calling_role()) THEN
		PERFORM compute_ledger._refuse('42501', 'only admins say what time it is',
			hint => 'Leave argument now out: it is for replays and tests.');
	END IF;
	RETURN now;
END
$$;
COMMENT ON FUNCTION _stated_clock(timestamptz) IS 'the time that was given, by admins only (42501), or NULL; 22023 for one that is infinite';

CREATE FUNCTION _booking_clock(now timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN now IS NULL THEN clock_timestamp() ELSE compute_ledger._stated_clock(now) END;
END
$$;
COMMENT ON FUNCTION _booking_clock(timestamptz) IS 'the time by which bookings are judged: that of the clock at the call (NULL), which is made under the pool''s lock, or the one given, by admins only (42501); 22023 for one that is infinite';

-- What is in C reads and writes pool_day and pool_month: by days and months, so that they take as long with many
-- reservations as with few.  Whoever changes has the lock of the pool's row.

CREATE FUNCTION _book_change(pool bigint, guest boolean, was device_profile, is_now device_profile, checked boolean) RETURNS timestamptz
	LANGUAGE c VOLATILE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'book_change';
COMMENT ON FUNCTION _book_change(bigint, boolean, device_profile, device_profile, boolean) IS 'puts what a reservation takes up in the place of what it took up, in the book of a pool and, of a guest''s, in that of guests: NULL; or, where checked, and more would be booked than may be at an instant at which something is added, changes nothing and returns the first such instant';

CREATE FUNCTION _book_sum(pool bigint, guests boolean, period tstzrange) RETURNS device_profile
	LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'book_sum';
COMMENT ON FUNCTION _book_sum(bigint, boolean, tstzrange) IS 'what of a pool is booked over a period, by all or by guests, with holds that have run out and are in the book still';

CREATE FUNCTION _book_current(pool bigint) RETURNS boolean
	LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION _book_current(bigint) IS 'whether nobody has booked in a pool, whose row is locked, since the snapshot was taken by which the transaction sees it; true where each statement has its own, NULL for NULL';

CREATE FUNCTION _book_level(pool bigint, guests boolean, period tstzrange, at timestamptz) RETURNS device_profile
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	lapsed compute_ledger.device_profile;
BEGIN
	SELECT compute_ledger.device_profile(r.occupies * _book_level.period, r.devices) INTO lapsed
	FROM compute_ledger.reservation AS r
	WHERE r.pool = _book_level.pool AND r.state = 'held' AND r.held_until <= _book_level.at
		AND (r.guest OR NOT guests) AND r.occupies && _book_level.period;
	IF lapsed IS NULL THEN
		RETURN compute_ledger._book_sum(pool, guests, period);
	END IF;
	RETURN compute_ledger._book_sum(pool, guests, period) OPERATOR(compute_ledger.-) lapsed;
END
$$;
COMMENT ON FUNCTION _book_level(bigint, boolean, tstzrange, timestamptz) IS 'what of a pool is booked over a period, by all or by guests, at an instant of the clock of bookings: holds that have run out by then are not';

CREATE FUNCTION _reservation_profile(occupies tstzrange, since timestamptz, devices integer, earlier device_profile) RETURNS device_profile
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'reservation_profile';
COMMENT ON FUNCTION _reservation_profile(tstzrange, timestamptz, integer, device_profile) IS 'what a row of table reservation takes up in its pool, of its columns of these names; NULL if one of them is, but for earlier';

CREATE FUNCTION _reservation_state(state text, held_until timestamptz, occupies tstzrange, at timestamptz) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN state OPERATOR(pg_catalog.=) 'held' AND held_until OPERATOR(pg_catalog.<=) at THEN 'lapsed'
		WHEN state OPERATOR(pg_catalog.=) ANY (ARRAY['held', 'confirmed', 'running']) AND upper(occupies) OPERATOR(pg_catalog.<=) at THEN 'ended'
		ELSE state END;
COMMENT ON FUNCTION _reservation_state(text, timestamptz, tstzrange, timestamptz) IS 'the state of a reservation at an instant, of its columns: a hold has lapsed, and what has an end has ended, whether somebody has noted it or not';

-- ------------------------------------------------------------------ changes of reservations

CREATE FUNCTION _fold_lapsed(pool bigint, clock timestamptz, most bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r record;
	count bigint := 0;
BEGIN
	FOR r IN
		SELECT h.id FROM compute_ledger.reservation AS h
		WHERE h.pool = _fold_lapsed.pool AND h.state = 'held' AND h.held_until <= clock
		ORDER BY h.id LIMIT most
	LOOP
		PERFORM compute_ledger._change_reservation(r.id, 'lapse', clock, state => 'lapsed', occupies => 'empty');
		count := count + 1;
	END LOOP;
	RETURN count;
END
$$;
COMMENT ON FUNCTION _fold_lapsed(bigint, timestamptz, bigint) IS 'takes holds that have run out, so many at most (NULL: all), out of the book of a pool, whose lock the caller has; returns how many';

CREATE FUNCTION _shortage_due(pool bigint, period tstzrange, certain boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT certain AND NOT EXISTS (SELECT FROM compute_ledger.pool_reduction AS o
		WHERE int8range(o.pool, o.pool, '[]') = int8range(_shortage_due.pool, _shortage_due.pool, '[]') AND o.valid && period AND o.kind IN ('outage', 'local') AND o.withdrawn = 'infinity')
	THEN
		RETURN;
	END IF;
	UPDATE compute_ledger.reservation AS r SET usage_due = least(r.usage_due, greatest(lower(r.occupies), lower(_shortage_due.period)))
	WHERE r.id IN (SELECT o.id FROM compute_ledger.reservation AS o
		WHERE o.pool = _shortage_due.pool AND NOT isempty(o.occupies) AND upper(o.occupies) > lower(_shortage_due.period) AND o.occupies && _shortage_due.period AND o.confirmed_at IS NOT NULL
		ORDER BY o.id FOR UPDATE);
END
$$;
COMMENT ON FUNCTION _shortage_due(bigint, tstzrange, boolean) IS 'what reservations of a pool have had in a period may have become another, where an outage, or what the centre holds, makes the pool short, or certainly: their usage is due';

CREATE FUNCTION _limit_changed() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._shortage_due(NEW.pool, NEW.valid, TG_ARGV[0] = 'certain');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _limit_changed() IS 'trigger, AFTER INSERT OR UPDATE FOR EACH ROW of pool_offer and pool_reduction; argument certain: of what has happened';

CREATE FUNCTION _reservations_keep_account() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	clock timestamptz := clock_timestamp();
	valid tstzmultirange := (SELECT coalesce(range_agg(v.valid), '{}') FROM compute_ledger.account_version AS v WHERE v.account = OLD.account AND upper_inf(v.recorded));
	of_nobody record;
BEGIN
	-- most changes take no time from an account
	IF TG_TABLE_NAME = 'account_version' THEN
		IF valid @> OLD.valid THEN
			RETURN NULL;
		END IF;
	END IF;
	-- under its own name, or under that of one that was merged into it
	SELECT string_agg(format('%s (from %s)', r.id, r.starts), ', ' ORDER BY r.id) AS list, min(r.name) AS name INTO of_nobody
	FROM (
		SELECT r.id, a.name, lower(r.occupies) AS starts
		FROM compute_ledger.reservation AS r JOIN compute_ledger.account AS a ON a.id = r.account
		WHERE r.account IN (SELECT OLD.account UNION SELECT l.account FROM compute_ledger._account_alias(NULL) AS l WHERE l.target = OLD.account)
			AND NOT isempty(r.occupies) AND (r.usage_due IS NOT NULL OR compute_ledger._reservation_state(r.state, r.held_until, r.occupies, clock) IN ('held', 'confirmed', 'running'))
			AND (r.account <> OLD.account OR NOT valid @> lower(r.occupies)) AND compute_ledger._account_id(a.name, lower(r.occupies)) IS NULL
		LIMIT 10
	) AS r;
	IF of_nobody.list IS NOT NULL THEN
		PERFORM compute_ledger._refuse('23000', format('account "%s" would not be valid when reservations of it begin', of_nobody.name),
			detail => format('Reservations: %s.', of_nobody.list), hint => 'Cancel what is to come, and call record_reservations() for what is over.');
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _reservations_keep_account() IS 'constraint trigger, AFTER UPDATE OR DELETE FOR EACH ROW of account_version and account_merge, at the end of the transaction: reservations that stand, or whose usage is due, have an account when they begin (23000); that of who books is looked up when those who change accounts are waited for';

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
		SELECT o.id, lower(o.period) AS starts, least(until, o.started_at, upper(o.occupies)) AS waited
		FROM compute_ledger.reservation AS o
		WHERE o.pool = r.pool AND NOT isempty(o.occupies) AND upper(o.occupies) > upper(r.occupies) AND o.confirmed_at IS NOT NULL
			AND lower(o.period) >= upper(r.occupies) AND lower(o.period) < until AND least(until, o.started_at, upper(o.occupies)) > greatest(lower(o.period), o.waited_until)
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
			UPDATE compute_ledger.reservation AS o SET waited_until = w.waited, usage_due = least(o.usage_due, w.starts) WHERE o.id = w.id;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _note_waits(bigint, timestamptz) IS 'when a reservation that was there longer than it was for has ended: notes until when those after it in its pool, whose lock the caller has, could not start, because there was no room for both';

CREATE FUNCTION _has_no_room(reservation bigint, at timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r compute_ledger.reservation;
	instant timestamptz;
	overrun numeric;
BEGIN
	SELECT * INTO r FROM compute_ledger.reservation AS o WHERE o.id = _has_no_room.reservation;
	instant := greatest(at, lower(r.occupies));
	IF isempty(r.occupies) OR instant >= upper(r.occupies) THEN
		RETURN false;
	END IF;
	-- who is there longer than he should is in the way now, perhaps not when its time comes
	SELECT coalesce(sum(o.devices), 0) INTO overrun
	FROM compute_ledger.reservation AS o
	WHERE instant = at AND r.started_at IS NULL AND o.pool = r.pool AND o.id <> r.id AND o.state = 'running' AND o.preempted_at IS NULL AND upper(o.occupies) <= at;
	RETURN overrun + compute_ledger.level_at(compute_ledger._book_level(r.pool, false, tstzrange(instant, instant + interval '1 microsecond'), at), instant)
		> compute_ledger.level_at(compute_ledger._pool_limit(r.pool, tstzrange(instant, instant + interval '1 microsecond'), false), instant);
END
$$;
COMMENT ON FUNCTION _has_no_room(bigint, timestamptz) IS 'whether a reservation, under its pool''s lock, could not have what it takes up, now or when it begins, because more is booked then than there is, or those before it are still there';

CREATE FUNCTION _change_reservation(reservation bigint, action text, clock timestamptz, state text DEFAULT NULL, occupies tstzrange DEFAULT NULL, reason text DEFAULT NULL,
	period tstzrange DEFAULT NULL, devices integer DEFAULT NULL, checked boolean DEFAULT false, ended timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
	r record;
	was compute_ledger.device_profile;
	is_now compute_ledger.device_profile;
	new_since timestamptz;
	new_earlier compute_ledger.device_profile;
	over boolean;
	could_not_be_had boolean;
BEGIN
	SELECT o.* INTO STRICT r FROM compute_ledger.reservation AS o WHERE o.id = reservation FOR UPDATE;
	state := coalesce(state, r.state);
	period := coalesce(period, r.period);
	occupies := coalesce(occupies, CASE WHEN period = r.period THEN r.occupies ELSE period END);
	devices := coalesce(devices, r.devices);
	over := state NOT IN ('held', 'confirmed', 'running');
	ended := coalesce(ended, clock);
	new_since := r.since;
	new_earlier := r.earlier;
	IF clock <= lower(r.period) THEN
		new_since := lower(period);
	ELSIF devices <> r.devices THEN
		-- what it had until now stays
		new_earlier := compute_ledger._reservation_profile(r.occupies * tstzrange(NULL, clock), r.since, r.devices, r.earlier);
		new_since := clock;
	END IF;
	was := compute_ledger._reservation_profile(r.occupies, r.since, r.devices, r.earlier);
	is_now := compute_ledger._reservation_profile(occupies, new_since, devices, new_earlier);
	could_not_be_had := action IN ('cancel', 'end', 'shrink', 'move') AND r.notice > '0' AND compute_ledger._has_no_room(reservation, clock);
	PERFORM compute_ledger._book_reservation(r.pool, r.guest, was, is_now, clock, checked, r.preempt_notice IS NULL AND state IN ('confirmed', 'running'));
	UPDATE compute_ledger.reservation AS o
	SET state = state, period = period, occupies = occupies, devices = devices, since = new_since, earlier = new_earlier,
		held_until = CASE WHEN state = 'confirmed' OR state = 'running' THEN NULL ELSE o.held_until END,
		confirmed_at = CASE action WHEN 'confirm' THEN clock ELSE o.confirmed_at END,
		-- what the centre has accepted is what it was asked for
		accepted_at = CASE WHEN action = 'accept' THEN clock WHEN action NOT IN ('extend', 'move') THEN o.accepted_at END,
		centre_id = CASE WHEN action <> 'move' OR o.started_at IS NOT NULL THEN o.centre_id END,
		started_at = CASE action WHEN 'start' THEN clock ELSE o.started_at END,
		-- another end is agreed
		preempted_at = CASE WHEN action = 'preempt' THEN clock WHEN action NOT IN ('extend', 'move') THEN o.preempted_at END,
		ended_at = CASE WHEN over THEN CASE action WHEN 'lapse' THEN o.held_until ELSE ended END END,
		reason = coalesce(reason, o.reason),
		-- from when on the usage of it may be another one; whoever records it sees whether it is
		usage_due = CASE WHEN o.confirmed_at IS NOT NULL OR action = 'confirm' THEN
			least(o.usage_due, CASE WHEN action IN ('confirm', 'start') THEN lower(period) ELSE greatest(least(lower(o.period), lower(period)), clock) END) END
	WHERE o.id = reservation;
	INSERT INTO compute_ledger.reservation_change (reservation, action, at, state, devices, period, occupies, reason, could_not_be_had)
	VALUES (reservation, action, clock, state, devices, period, occupies, reason, could_not_be_had);
	IF was OPERATOR(compute_ledger.<>) is_now THEN
		PERFORM compute_ledger._shortage_due(r.pool, compute_ledger.extent(was OPERATOR(compute_ledger.-) is_now), false);
	END IF;
	IF over AND r.state = 'running' AND ended > upper(r.occupies) THEN
		PERFORM compute_ledger._note_waits(reservation, ended);
	END IF;
END
$$;
COMMENT ON FUNCTION _change_reservation(bigint, text, timestamptz, text, tstzrange, text, tstzrange, integer, boolean, timestamptz) IS 'the one way to change a reservation, under its pool''s lock: puts what it takes up now in the place of what it took up, in the book too, and keeps its history. What is NULL stays as it is; another number of devices counts from clock on, once the reservation has begun. checked: LC020 if there is no capacity for what is added; ended: when it ended, if that was before clock';

CREATE FUNCTION _preempt(pool bigint, guests boolean, at timestamptz, clock timestamptz) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
AS $$
DECLARE
	first record;
	piece record;
BEGIN
	SELECT r.id, r.booking INTO first
	FROM compute_ledger.reservation AS r
	WHERE r.pool = _preempt.pool AND r.preempt_notice IS NOT NULL AND NOT isempty(r.occupies) AND upper(r.occupies) > at AND r.occupies @> at AND (r.guest OR NOT guests)
		AND r.state IN ('held', 'confirmed', 'running') AND clock + r.preempt_notice <= at
	ORDER BY r.priority, r.booked DESC, r.id DESC LIMIT 1;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	-- what was booked together gives way together
	FOR piece IN
		SELECT o.id, o.pool FROM compute_ledger.reservation AS o
		WHERE o.booking = first.booking AND o.state IN ('held', 'confirmed', 'running') AND upper(o.occupies) > at
		ORDER BY o.pool, o.id
	LOOP
		-- out of the order of locks, so nobody is waited for
		PERFORM FROM compute_ledger.pool AS p WHERE p.id = piece.pool FOR NO KEY UPDATE SKIP LOCKED;
		IF NOT FOUND THEN
			PERFORM compute_ledger._refuse('40001', format('reservation %s is to give way, and the pool of another piece of its booking is being booked', first.id), hint => 'Run the transaction again.');
		END IF;
		-- one that has begun goes on until it is in the way; of another, nobody asked for a part
		PERFORM compute_ledger._cut_reservation(r.id, e.ends, CASE WHEN e.ends <= greatest(lower(r.period), clock) THEN 'preempted' END, 'preempt', 'gives way to another booking', clock)
		FROM compute_ledger.reservation AS r
		CROSS JOIN LATERAL (SELECT CASE WHEN lower(r.period) <= clock THEN at ELSE lower(r.period) END AS ends) AS e
		WHERE r.id = piece.id AND r.state IN ('held', 'confirmed', 'running') AND upper(r.occupies) > at;
	END LOOP;
	RETURN true;
END
$$;
COMMENT ON FUNCTION _preempt(bigint, boolean, timestamptz, timestamptz) IS 'makes room in a pool, whose lock the caller has, at an instant: the preemptible reservation of lowest priority, and then the latest booked, of those there then (or of guests) whose notice can be kept, gives way, with all pieces of its booking: it ends then if it has begun, and else is given up; false: there is none. 40001 if somebody books in a pool of another piece';

CREATE FUNCTION _book_reservation(pool bigint, guest boolean, was device_profile, is_now device_profile, clock timestamptz, checked boolean, preempting boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	at timestamptz := compute_ledger._book_change(pool, guest, was, is_now, checked);
	extent tstzrange;
	free compute_ledger.device_profile;
	of_guests boolean;
BEGIN
	IF at IS NOT NULL AND compute_ledger._fold_lapsed(pool, clock) > 0 THEN
		at := compute_ledger._book_change(pool, guest, was, is_now, checked);
	END IF;
	LOOP
		IF at IS NULL THEN
			RETURN;
		END IF;
		-- what would be there without the reservation
		extent := compute_ledger.extent(is_now);
		of_guests := false;
		LOOP
			free := compute_ledger._pool_limit(pool, extent, of_guests) OPERATOR(compute_ledger.-) (compute_ledger._book_sum(pool, of_guests, extent) OPERATOR(compute_ledger.-) was);
			EXIT WHEN of_guests OR NOT guest OR compute_ledger.level_at(free, at) < compute_ledger.level_at(is_now, at);
			of_guests := true;
		END LOOP;
		EXIT WHEN NOT preempting OR NOT compute_ledger._preempt(pool, of_guests, at, clock);
		at := compute_ledger._book_change(pool, guest, was, is_now, checked);
	END LOOP;
	PERFORM compute_ledger._refuse('LC020', format('pool %s has no capacity for %s devices at %s', pool, compute_ledger.level_at(is_now, at), at),
		detail => format('At that instant %s devices%s are free.', greatest(compute_ledger.level_at(free, at), 0), CASE WHEN of_guests THEN ' of those for guests' ELSE '' END),
		hint => 'availability() says how many devices are free and when.');
END
$$;
COMMENT ON FUNCTION _book_reservation(bigint, boolean, device_profile, device_profile, timestamptz, boolean, boolean) IS 'changes the book of the pool from what a reservation took up to what it takes up; checked: LC020, with how much is free and without whose the rest is, if there is no capacity for what is added, even when holds that have run out are taken out and, where preempting, preemptible reservations give way';

CREATE FUNCTION _cut_reservation(reservation bigint, until timestamptz, state text, action text, reason text, clock timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rest tstzrange := (SELECT r.occupies * tstzrange(NULL, until) FROM compute_ledger.reservation AS r WHERE r.id = _cut_reservation.reservation);
BEGIN
	PERFORM compute_ledger._change_reservation(reservation, action, clock, state => _cut_reservation.state, occupies => rest, reason => _cut_reservation.reason,
		period => CASE WHEN _cut_reservation.state IS NULL THEN rest END);
END
$$;
COMMENT ON FUNCTION _cut_reservation(bigint, timestamptz, text, text, text, timestamptz) IS 'ends a reservation before its time, under its pool''s lock: from until on it takes up nothing, and nothing at all where that is not after its start. state NULL: it stays what it is, and its period ends then';

CREATE FUNCTION _reservation_change_guard() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._refuse('23001', 'the history of reservations does not change');
END
$$;
COMMENT ON FUNCTION _reservation_change_guard() IS 'trigger, BEFORE UPDATE OR DELETE OR TRUNCATE of reservation_change: refuses (23001)';
