-- Booking devices of pools, and changing what is booked.
--
-- Who books locks the rows of the pools FOR NO KEY UPDATE, in order of their numbers, and only then looks at the clock, at
-- what is offered and at what is booked.  Bookings of one pool so follow one another, those of different pools do not wait
-- for each other, and who changes what a pool offers, which updates its row, waits for both and is waited for.

CREATE TYPE reservation_piece AS (
	pool bigint,
	devices bigint,
	period tstzrange
);
COMMENT ON TYPE reservation_piece IS 'What book() is asked for: devices of a pool over a period.';

CREATE TYPE booked_reservation AS (
	reservation bigint,
	booking bigint,
	pool bigint,
	devices integer,
	period tstzrange,
	state text,
	held_until timestamptz
);
COMMENT ON TYPE booked_reservation IS 'What book(), extend_reservation(), shrink_reservation() and move_reservation() answer: a reservation as it is then.';

-- ------------------------------------------------------------------ calls that come twice

CREATE FUNCTION _request_scope(account text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- the account that has the name, whatever it means by now: that is another once it was merged
	RETURN 'account:' || (SELECT a.id FROM compute_ledger.account AS a WHERE a.name = _request_scope.account);
END
$$;
COMMENT ON FUNCTION _request_scope(text) IS 'within which the id of a call stands for it that books for an account or lets a request wait: the name that was said; NULL for none';

CREATE FUNCTION _answered(scope text, request text, call jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	earlier record;
BEGIN
	IF request = '' OR octet_length(request) > 1000 THEN
		PERFORM compute_ledger._refuse('22023', 'the id of a request is empty or longer than 1000 bytes');
	END IF;
	SELECT a.digest, a.answer INTO earlier
	FROM compute_ledger.request_answer AS a
	WHERE a.scope = _answered.scope AND a.request = _answered.request;
	IF earlier.digest <> sha256(convert_to(call::text, 'UTF8')) THEN
		PERFORM compute_ledger._refuse('LC022', format('request "%s" has said something else before', left(request, 80)),
			detail => 'The id of a request stands for one call and all that it says.', hint => 'Give another call an id of its own.');
	END IF;
	RETURN earlier.answer;
END
$$;
COMMENT ON FUNCTION _answered(text, text, jsonb) IS 'what was answered to a call with this id, NULL if there was none, or no id; LC022 if it said something else, 22023 for an id that is none';

CREATE FUNCTION _keep_answered(scope text, request text, call jsonb, answer jsonb) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF request IS NULL THEN
		RETURN;
	END IF;
	INSERT INTO compute_ledger.request_answer (scope, request, digest, answer)
	VALUES (_keep_answered.scope, _keep_answered.request, sha256(convert_to(call::text, 'UTF8')), _keep_answered.answer)
	ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		-- the same call would have waited for the same pools, and found the answer then
		PERFORM compute_ledger._refuse('LC022', format('request "%s" has said something else at the same time', left(request, 80)),
			hint => 'Give another call an id of its own.');
	END IF;
END
$$;
COMMENT ON FUNCTION _keep_answered(text, text, jsonb, jsonb) IS 'keeps the answer to a call with an id, of one without none; LC022 if another call has taken the id since _answered() was asked';

CREATE FUNCTION _earlier_answer(scope text, request text, call jsonb) RETURNS booked_reservation[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer jsonb := compute_ledger._answered(scope, request, call);
BEGIN
	IF answer IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY(SELECT ROW(a.reservation, a.booking, a.pool, a.devices, tstzrange(a.starts, a.ends), a.state, a.held_until)::compute_ledger.booked_reservation
		FROM ROWS FROM (jsonb_to_recordset(answer) AS (reservation bigint, booking bigint, pool bigint, devices integer, starts timestamptz, ends timestamptz, state text, held_until timestamptz))
			WITH ORDINALITY AS a ORDER BY a.ordinality);
END
$$;
COMMENT ON FUNCTION _earlier_answer(text, text, jsonb) IS 'the reservations that were answered to a call with this id, as _answered()';

CREATE FUNCTION _keep_answer(scope text, request text, call jsonb, answer booked_reservation[]) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
	-- instants as JSON has them, whatever the session's DateStyle
	SELECT compute_ledger._keep_answered($1, $2, $3, jsonb_agg(jsonb_build_object('reservation', a.reservation, 'booking', a.booking, 'pool', a.pool, 'devices', a.devices,
		'starts', lower(a.period), 'ends', upper(a.period), 'state', a.state, 'held_until', a.held_until) ORDER BY a.ordinality))
	FROM unnest($4) WITH ORDINALITY AS a
$$;
COMMENT ON FUNCTION _keep_answer(text, text, jsonb, booked_reservation[]) IS 'keeps reservations as the answer to a call with an id, as _keep_answered()';

-- ------------------------------------------------------------------ what may be asked for

CREATE FUNCTION _lock_policy() RETURNS boolean
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'lock_policy';
COMMENT ON FUNCTION _lock_policy() IS 'keeps policies, and all that they rest on, as they are until the transaction ends, and returns whether there are any; 40001 in a transaction with a snapshot that is older. In the order of locks after the trees, before accounts and pools.';

CREATE FUNCTION _lock_for_booking(pool bigint, OUT id bigint, OUT granule integer, OUT slot_minutes integer, OUT horizon interval, OUT hold interval, OUT host bigint, OUT doubted timestamptz,
		OUT counts text, OUT notice interval, OUT outage_credit numeric)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT q.id, q.granule, q.slot_minutes, q.horizon, q.hold, q.host, q.doubted, q.counts, q.notice, q.outage_credit
	INTO id, granule, slot_minutes, horizon, hold, host, doubted, counts, notice, outage_credit
	FROM compute_ledger.pool AS q WHERE q.id = _lock_for_booking.pool FOR NO KEY UPDATE;
	IF id IS NULL THEN
		PERFORM compute_ledger._refuse('42704', CASE WHEN pool IS NULL THEN 'a booking needs a pool' ELSE format('pool %s does not exist', pool) END,
			hint => 'pool_id() gives the number of a pool.');
	END IF;
END
$$;
COMMENT ON FUNCTION _lock_for_booking(bigint) IS 'for whoever books in a pool or changes what is booked: waits until nobody else does, or changes what it offers, and says how it is booked; 42704 for a pool that does not exist';

CREATE FUNCTION _check_piece(pool bigint, granule integer, slot_minutes integer, horizon interval, doubted timestamptz, devices bigint, period tstzrange, clock timestamptz, start_stays boolean, end_stays boolean) RETURNS void
	LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'check_piece';
COMMENT ON FUNCTION _check_piece(bigint, integer, integer, interval, timestamptz, bigint, tstzrange, timestamptz, boolean, boolean) IS 'raises LC024 if the pool is in doubt, since an instant that is not infinite; 22023, with the name of what is wrong, for what cannot be booked in a pool with these terms: devices that are no multiple of the granule; a period that is over, ends beyond the horizon, begins before the slot of now, or is not on the pool''s minutes. A start and an end that stay what they were are what they are. What _pool_devices() and _pool_period() refuse has been refused';

CREATE FUNCTION _book_piece(booking bigint, account bigint, request text, pool bigint, devices bigint, period tstzrange, priority integer, confirmed boolean, hold interval, clock timestamptz, is_booked boolean, preempt_notice interval,
		OUT reservation bigint, OUT booking_id bigint, OUT held_until timestamptz, OUT judged_at timestamptz, OUT full_at timestamptz, OUT guest boolean, OUT lapsed boolean)
	LANGUAGE c VOLATILE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'book_piece';
COMMENT ON FUNCTION _book_piece(bigint, bigint, text, bigint, bigint, tstzrange, integer, boolean, interval, timestamptz, boolean, interval) IS 'part of book(): locks a pool, reads the clock (unless one is given), and books and stores one piece, of a new booking (NULL) or of one that is there; full_at: the first instant at which there is no capacity, and nothing is stored. is_booked: it is in the book of the pool already. preempt_notice: of a preemptible one. lapsed: holds that have run out are in the book';

CREATE FUNCTION _preempt_notice(pools bigint[]) RETURNS interval
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	q record;
BEGIN
	SELECT p.id, p.preempt_notice INTO q
	FROM compute_ledger.pool AS p WHERE p.id = ANY (pools) ORDER BY p.preempt_notice DESC NULLS FIRST, p.id LIMIT 1;
	IF FOUND AND q.preempt_notice IS NULL THEN
		PERFORM compute_ledger._refuse('22023', format('pool %s does not offer its idle capacity', q.id), hint => 'offer_idle() offers it; pool_terms shows where it is.');
	END IF;
	RETURN q.preempt_notice;
END
$$;
COMMENT ON FUNCTION _preempt_notice(bigint[]) IS 'the notice with which preemptible pieces in pools give way together: the longest that one of them gives; 22023 for a pool that takes none';

CREATE FUNCTION _booking_account(account text, at timestamptz) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- NULL: any
	bookable bigint[];
	found bigint;
BEGIN
	IF NOT compute_ledger._has_access('admin', compute_ledger._calling_role()) THEN
		bookable := ARRAY(SELECT compute_ledger._bookable_accounts(compute_ledger._calling_role()));
		-- no look-up of the name: what is done would depend on whether there is such an account
		IF NOT EXISTS (SELECT FROM (SELECT a.name FROM compute_ledger.account AS a WHERE a.id = ANY (bookable) OFFSET 0) AS b WHERE b.name = account) THEN
			PERFORM compute_ledger._refuse('LC006', format('unknown account: "%s"', account));
		END IF;
	END IF;
	-- most names mean the account that has them; one that was merged is not valid any more
	found := compute_ledger._account_named(account, at);
	IF found IS NULL THEN
		found := compute_ledger._account_id(account, at);
		IF found IS NULL OR found <> ALL (bookable) THEN
			PERFORM compute_ledger._refuse('LC006', format('unknown account: "%s"', account), detail => format('At %s there is no account of this name.', at));
		END IF;
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION _booking_account(text, timestamptz) IS 'the account that a name means at an instant, for which the calling role may book; LC006 for any other, whether it is there or not';

CREATE FUNCTION _is_guest(account bigint, host bigint, at timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- up from the account, by indexes: it is asked while others wait
	RETURN host IS NOT NULL AND NOT EXISTS (
		WITH RECURSIVE way AS (
			SELECT _is_guest.account AS id
			UNION
			SELECT u.above
			FROM way AS w CROSS JOIN LATERAL (
				SELECT v.parent AS above FROM compute_ledger.account_version AS v
				WHERE v.account = w.id AND upper_inf(v.recorded) AND v.valid @> at AND v.parent IS NOT NULL
				UNION ALL
				SELECT m.merged_into FROM compute_ledger.account_merge AS m
				WHERE int8range(m.account, m.account, '[]') = int8range(w.id, w.id, '[]') AND upper_inf(m.recorded) AND m.at <= _is_guest.at
			) AS u
		)
		SELECT FROM way AS w WHERE w.id = host);
END
$$;
COMMENT ON FUNCTION _is_guest(bigint, bigint, timestamptz) IS 'whether an account is outside the subtree of a pool''s host at an instant; a pool without a host (NULL) has no guests';

-- ------------------------------------------------------------------ booking

CREATE FUNCTION _ask_pieces(account bigint, pieces reservation_piece[]) RETURNS jsonb[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(SELECT compute_ledger._ask_policy($1, q.accelerator, q.region, u.period)
		FROM unnest($2) WITH ORDINALITY AS u (pool, devices, period, place) JOIN compute_ledger.pool AS q ON q.id = u.pool ORDER BY u.place)
$$;
COMMENT ON FUNCTION _ask_pieces(bigint, reservation_piece[]) IS 'what policy answers to pieces that are to be booked for an account, as _ask_policy()';

CREATE FUNCTION _book_asked(account bigint, request text, pieces reservation_piece[], priority integer, confirmed boolean, hold interval, notice interval, clock timestamptz, allowed jsonb[], briefly boolean DEFAULT false) RETURNS booked_reservation[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
	answer compute_ledger.booked_reservation[];
	piece compute_ledger.reservation_piece;
	made record;
BEGIN
	FOREACH piece IN ARRAY pieces LOOP
		IF piece.pool IS NULL THEN
			PERFORM compute_ledger._lock_for_booking(piece.pool);
		END IF;
		made := compute_ledger._book_piece((answer[1]).booking, account, request, piece.pool, piece.devices, piece.period, priority, confirmed, hold, clock, false, notice);
		IF made.full_at IS NOT NULL THEN
			IF briefly AND NOT made.lapsed AND (notice IS NOT NULL OR NOT confirmed) THEN
				-- nobody gives way
				RAISE SQLSTATE 'LC020';
			END IF;
			-- as it is, or without holds that have run out
			PERFORM compute_ledger._book_reservation(piece.pool, made.guest, '{}', compute_ledger._reservation_profile(piece.period, lower(piece.period), piece.devices::integer, NULL), made.judged_at, true, confirmed AND notice IS NULL);
			made := compute_ledger._book_piece((answer[1]).booking, account, request, piece.pool, piece.devices, piece.period, priority, confirmed, hold, made.judged_at, true, notice);
		END IF;
		clock := made.judged_at;
		answer := answer || ROW(made.reservation, made.booking_id, piece.pool, piece.devices, piece.period, CASE WHEN confirmed THEN 'confirmed' ELSE 'held' END, made.held_until)::compute_ledger.booked_reservation;
		IF allowed IS NOT NULL THEN
			PERFORM compute_ledger._keep_decision('book', made.reservation, allowed[cardinality(answer)]);
		END IF;
		IF made.lapsed THEN
			-- each booking takes some out, so there are never many
			PERFORM compute_ledger._fold_lapsed(piece.pool, clock, 8);
		END IF;
	END LOOP;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION _book_asked(bigint, text, reservation_piece[], integer, boolean, interval, interval, timestamptz, jsonb[], boolean) IS 'books all pieces for an account, whoever calls, or refuses, and keeps what policy has answered (NULL: there is none). Of several pools the caller has the locks. notice: with which preemptible ones give way; clock NULL: that of the server; briefly: what has no capacity is refused (LC020) without a word';

CREATE FUNCTION _book_pieces(account text, pieces reservation_piece[], request text, priority integer, confirmed boolean, hold interval, preemptible boolean, now timestamptz, said jsonb DEFAULT NULL, briefly boolean DEFAULT false) RETURNS booked_reservation[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	-- rows are looked up in indexes, whatever was known of the tables' size when this was planned
	SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
	policed boolean;
	account_id bigint;
	scope text;
	call jsonb;
	answer compute_ledger.booked_reservation[];
	pools bigint[];
	starts timestamptz;
	clock timestamptz;
	allowed jsonb[];
	notice interval;
BEGIN
	IF coalesce(cardinality(pieces), 0) = 0 THEN
		PERFORM compute_ledger._refuse('22023', 'a booking needs at least one piece');
	ELSIF priority IS NULL OR confirmed IS NULL OR preemptible IS NULL THEN
		PERFORM compute_ledger._refuse('22023', 'priority, or whether it is confirmed, or preemptible, is NULL');
	ELSIF hold <= interval '0' OR hold > interval '100 years' THEN
		PERFORM compute_ledger._refuse('22023', format('a booking is held for some time: %s', hold));
	ELSIF (hold IS NOT NULL OR priority > 0) AND NOT compute_ledger._has_access('admin', compute_ledger._calling_role()) THEN
		-- what is held costs nothing, and who has priority takes from others
		IF priority > 0 THEN
			PERFORM compute_ledger._refuse('42501', 'a priority above 0 is for admins to give');
		ELSIF hold > (SELECT min(p.hold) FROM unnest(pieces) AS q JOIN compute_ledger.pool AS p ON p.id = q.pool) THEN
			PERFORM compute_ledger._refuse('22023', format('a booking is not held longer than its pool does: %s', hold), hint => 'pool_terms says how long that is.');
		END IF;
	END IF;
	IF cardinality(pieces) = 1 THEN
		starts := lower((pieces[array_lower(pieces, 1)]).period);
		pools := ARRAY[(pieces[array_lower(pieces, 1)]).pool];
	ELSE
		SELECT min(lower(q.period)), array_agg(DISTINCT q.pool ORDER BY q.pool) INTO starts, pools FROM unnest(pieces) AS q;
	END IF;
	-- from here on accounts stay as they are, too
	policed := compute_ledger._lock_policy();
	account_id := compute_ledger._booking_account(account, coalesce(starts, CURRENT_TIMESTAMP));
	IF cardinality(pieces) > 1 THEN
		PERFORM compute_ledger._booking_account(account, q.starts) FROM (SELECT DISTINCT lower(u.period) AS starts FROM unnest(pieces) AS u) AS q WHERE q.starts > starts;
	END IF;
	IF request IS NOT NULL THEN
		scope := compute_ledger._request_scope(account);
		call := coalesce(said, jsonb_build_array('book', (SELECT jsonb_agg(jsonb_build_array(q.pool, q.devices, extract(epoch FROM lower(q.period)), lower_inc(q.period), extract(epoch FROM upper(q.period)), upper_inc(q.period))) FROM unnest(pieces) AS q),
			priority, confirmed, extract(epoch FROM hold)) || CASE WHEN preemptible THEN '["preemptible"]' ELSE '[]' END::jsonb);
		answer := compute_ledger._earlier_answer(scope, request, call);
		IF answer IS NOT NULL THEN
			RETURN answer;
		END IF;
	END IF;
	-- what policy says does not turn on what is booked: it is asked before others wait
	IF policed THEN
		allowed := compute_ledger._ask_pieces(account_id, pieces);
	END IF;
	-- all pools before any is looked at; one is locked when it is booked
	IF request IS NOT NULL OR cardinality(pools) > 1 OR preemptible THEN
		PERFORM compute_ledger._lock_for_booking(q.pool) FROM unnest(pools) AS q (pool);
	END IF;
	IF preemptible THEN
		notice := compute_ledger._preempt_notice(pools);
	END IF;
	IF request IS NOT NULL THEN
		-- the same call may have been at work
		answer := compute_ledger._earlier_answer(scope, request, call);
		IF answer IS NOT NULL THEN
			RETURN answer;
		END IF;
	END IF;
	IF now IS NOT NULL THEN
		clock := compute_ledger._booking_clock(now);
	END IF;
	answer := compute_ledger._book_asked(account_id, request, pieces, priority, confirmed, hold, notice, clock, allowed, briefly);
	IF request IS NOT NULL THEN
		PERFORM compute_ledger._keep_answer(scope, request, call, answer);
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION _book_pieces(text, reservation_piece[], text, integer, boolean, interval, boolean, timestamptz, jsonb, boolean) IS 'part of book(): books all pieces, or refuses; said: all that the call said to which request belongs, NULL: these pieces; briefly: as _book_asked()';

CREATE FUNCTION _book(account text, pieces reservation_piece[], request text DEFAULT NULL, priority integer DEFAULT 0, confirmed boolean DEFAULT false,
		hold interval DEFAULT NULL, preemptible boolean DEFAULT false, now timestamptz DEFAULT NULL) RETURNS SETOF booked_reservation
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT b.* FROM unnest(compute_ledger._book_pieces(account, pieces, request, priority, confirmed, hold, preemptible, now)) AS b;
END
$$;
COMMENT ON FUNCTION _book(text, reservation_piece[], text, integer, boolean, interval, boolean, timestamptz) IS 'what book() does';

CREATE FUNCTION book(account text, pieces reservation_piece[], request text DEFAULT NULL, priority integer DEFAULT 0, confirmed boolean DEFAULT false,
		hold interval DEFAULT NULL, preemptible boolean DEFAULT false, now timestamptz DEFAULT NULL) RETURNS SETOF booked_reservation
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT b.* FROM compute_ledger._book(account, pieces, request, priority, confirmed, hold, preemptible, now) AS b;
END
$$;
COMMENT ON FUNCTION book(text, reservation_piece[], text, integer, boolean, interval, boolean, timestamptz) IS 'books devices of pools over periods for an account, all pieces or none, and returns them in their order. They are held, for as long as the pools say or hold does, until confirm_reservation(); or confirmed at once. request is the caller''s id of the call: the same call again books nothing more and gets the same answer. hold is no longer than the pool''s, unless an admin says so. A higher priority is drained later; one above 0 is for admins (42501). preemptible: it gets idle capacity of pools that offer it, at the price of measure preemptible, and gives way, with the notice that the pool gives, where something that is confirmed and not preemptible would not fit otherwise. now is for admins: the time it is taken to be. For bookers of the account and admins. LC020 no capacity, LC006 unknown account, LC022 the id stood for another call, LC024 the pool is in doubt, LC026 the operator''s policies do not allow it, 42704 unknown pool, 22023 what cannot be booked.';

CREATE FUNCTION _book(account text, pool bigint, devices bigint, period tstzrange, request text DEFAULT NULL, priority integer DEFAULT 0, confirmed boolean DEFAULT false,
		hold interval DEFAULT NULL, preemptible boolean DEFAULT false, now timestamptz DEFAULT NULL) RETURNS booked_reservation
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	-- as _book_pieces()
	SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
	made record;
BEGIN
	-- most bookings ask for nothing else: each expression and statement less is felt where many book
	IF request IS NULL AND hold IS NULL AND now IS NULL AND priority <= 0 AND confirmed IS NOT NULL AND pool IS NOT NULL AND NOT preemptible AND NOT compute_ledger._lock_policy() THEN
		made := compute_ledger._book_piece(NULL, compute_ledger._booking_account(account, coalesce(lower(period), CURRENT_TIMESTAMP)), NULL, pool, devices, period, priority, confirmed, NULL, NULL, false, NULL);
		IF made.lapsed AND made.full_at IS NULL THEN
			PERFORM compute_ledger._fold_lapsed(pool, made.judged_at, 8);
		END IF;
		IF made.full_at IS NULL THEN
			RETURN ROW(made.reservation, made.booking_id, pool, devices, period, CASE WHEN confirmed THEN 'confirmed' ELSE 'held' END, made.held_until)::compute_ledger.booked_reservation;
		END IF;
	END IF;
	RETURN (compute_ledger._book_pieces(account, ARRAY[ROW(pool, devices, period)::compute_ledger.reservation_piece], request, priority, confirmed, hold, preemptible, now))[1];
END
$$;
COMMENT ON FUNCTION _book(text, bigint, bigint, tstzrange, text, integer, boolean, interval, boolean, timestamptz) IS 'what book() does';

CREATE FUNCTION book(account text, pool bigint, devices bigint, period tstzrange, request text DEFAULT NULL, priority integer DEFAULT 0, confirmed boolean DEFAULT false,
		hold interval DEFAULT NULL, preemptible boolean DEFAULT false, now timestamptz DEFAULT NULL) RETURNS booked_reservation
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._book(account, pool, devices, period, request, priority, confirmed, hold, preemptible, now);
END
$$;
COMMENT ON FUNCTION book(text, bigint, bigint, tstzrange, text, integer, boolean, interval, boolean, timestamptz) IS 'books devices of one pool over a period for an account, as with pieces';

-- ------------------------------------------------------------------ changing

CREATE FUNCTION _lock_booking(reservation bigint, whole boolean) RETURNS bigint[]
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r record;
	role name := compute_ledger._calling_role();
	pool_id bigint;
BEGIN
	SELECT o.booking, o.account INTO r FROM compute_ledger.reservation AS o WHERE o.id = _lock_booking.reservation;
	IF NOT FOUND OR NOT (compute_ledger._has_access('admin', role) OR r.account IN (SELECT compute_ledger._bookable_accounts(role))) THEN
		PERFORM compute_ledger._refuse('42704', format('reservation %s does not exist', coalesce(reservation::text, 'NULL')));
	END IF;
	FOREACH pool_id IN ARRAY ARRAY(SELECT DISTINCT o.pool FROM compute_ledger.reservation AS o
		WHERE o.booking = r.booking AND (whole OR o.id = _lock_booking.reservation) ORDER BY o.pool)
	LOOP
		PERFORM compute_ledger._lock_for_booking(pool_id);
	END LOOP;
	-- as they are now
	RETURN ARRAY(SELECT o.id FROM compute_ledger.reservation AS o
		WHERE o.booking = r.booking AND (whole OR o.id = _lock_booking.reservation) ORDER BY o.id FOR UPDATE);
END
$$;
COMMENT ON FUNCTION _lock_booking(bigint, boolean) IS 'locks the pools of a reservation, or of the whole booking that it is a piece of, and then these reservations, and returns them; 42704 if there is none for whose account the calling role may book';

CREATE FUNCTION _refuse_state(reservation bigint, state text, at timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._refuse('LC021', format('reservation %s %s at %s', reservation, CASE WHEN state IN ('lapsed', 'ended') THEN state ELSE 'was ' || state END, at));
END
$$;
COMMENT ON FUNCTION _refuse_state(bigint, text, timestamptz) IS 'raises LC021: what a reservation has become, and when';

CREATE FUNCTION _confirm_reservation(reservation bigint, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- before the pools
	policed boolean := compute_ledger._lock_policy();
	ids bigint[] := compute_ledger._lock_booking(reservation, true);
	clock timestamptz := compute_ledger._booking_clock(now);
	r record;
	held bigint[] := '{}';
	gone bigint;
	gone_state text;
	gone_at timestamptz;
BEGIN
	FOR r IN SELECT o.*, compute_ledger._reservation_state(o.state, o.held_until, o.occupies, clock) AS state_now FROM compute_ledger.reservation AS o WHERE o.id = ANY (ids) ORDER BY o.id LOOP
		CASE WHEN r.state_now = 'held' THEN
			held := held || r.id;
		WHEN r.state_now NOT IN ('confirmed', 'running') THEN
			-- of a booking that is held, any piece; else the one that is named
			IF gone IS NULL OR r.id = reservation THEN
				gone := r.id;
				gone_state := r.state_now;
				gone_at := CASE r.state_now WHEN 'lapsed' THEN r.held_until ELSE coalesce(r.ended_at, upper(r.occupies)) END;
			END IF;
		ELSE
		END CASE;
	END LOOP;
	IF gone = reservation OR gone IS NOT NULL AND held <> '{}' THEN
		PERFORM compute_ledger._refuse_state(gone, gone_state, gone_at);
	END IF;
	IF held = '{}' THEN
		RETURN 'confirmed already';
	END IF;
	FOR r IN SELECT o.id, o.account, o.period, q.accelerator, q.region FROM compute_ledger.reservation AS o JOIN compute_ledger.pool AS q ON q.id = o.pool WHERE o.id = ANY (held) ORDER BY o.id LOOP
		IF policed THEN
			PERFORM compute_ledger._keep_decision('confirm', r.id, compute_ledger._ask_policy(r.account, r.accelerator, r.region, tstzrange(greatest(lower(r.period), clock), upper(r.period))));
		END IF;
		PERFORM compute_ledger._change_reservation(r.id, 'confirm', clock, state => 'confirmed');
	END LOOP;
	RETURN 'confirmed';
END
$$;
COMMENT ON FUNCTION _confirm_reservation(bigint, timestamptz) IS 'what confirm_reservation() does';

CREATE FUNCTION confirm_reservation(reservation bigint, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._confirm_reservation(reservation, now);
END
$$;
COMMENT ON FUNCTION confirm_reservation(bigint, timestamptz) IS 'confirms a booking that is held, with all its pieces, of which one is named: "confirmed", or "confirmed already". From its start on it counts as reserved, whether anything runs or not. LC021 if it has lapsed (the end of the hold is excluded), ended, or was given up; LC026 if the operator''s policies do not allow it any more; 42704 if there is none that the caller may book for.';

CREATE FUNCTION _cancel_reservation(reservation bigint, reason text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[] := compute_ledger._lock_booking(reservation, true);
	clock timestamptz := compute_ledger._booking_clock(now);
	r record;
	named record;
	done bigint := 0;
BEGIN
	FOR r IN SELECT o.*, compute_ledger._reservation_state(o.state, o.held_until, o.occupies, clock) AS state_now FROM compute_ledger.reservation AS o WHERE o.id = ANY (ids) ORDER BY o.id LOOP
		IF r.id = reservation THEN
			named := r;
		END IF;
		IF r.state_now IN ('held', 'confirmed', 'running') THEN
			PERFORM compute_ledger._cut_reservation(r.id, clock, 'cancelled', 'cancel', reason, clock);
			done := done + 1;
		END IF;
	END LOOP;
	IF done > 0 THEN
		RETURN 'cancelled';
	ELSIF named.state = 'cancelled' THEN
		RETURN 'cancelled already';
	END IF;
	PERFORM compute_ledger._refuse_state(named.id, named.state_now, CASE named.state_now WHEN 'lapsed' THEN named.held_until ELSE coalesce(named.ended_at, upper(named.occupies)) END);
END
$$;
COMMENT ON FUNCTION _cancel_reservation(bigint, text, timestamptz) IS 'what cancel_reservation() does';

CREATE FUNCTION cancel_reservation(reservation bigint, reason text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._cancel_reservation(reservation, reason, now);
END
$$;
COMMENT ON FUNCTION cancel_reservation(bigint, text, timestamptz) IS 'gives up a booking, with all its pieces, of which one is named, from now on: "cancelled", or "cancelled already", which changes nothing. What has passed of it stays as it was. LC021 if it has lapsed, ended, or was given up otherwise; 42704 if there is none that the caller may book for.';

-- One piece, and what of it may be changed: a start that has happened is fixed, and so is what has passed.
CREATE FUNCTION _alter_reservation(reservation bigint, action text, request text, now timestamptz, period tstzrange DEFAULT NULL, devices bigint DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS booked_reservation
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	scope text;
	call jsonb := jsonb_build_array(action, reservation, extract(epoch FROM lower(period)), lower_inc(period), extract(epoch FROM upper(period)), upper_inc(period), devices, extract(epoch FROM until));
	answer compute_ledger.booked_reservation[];
	clock timestamptz;
	r record;
	p record;
	state_now text;
	begun boolean;
	account text;
	-- before the pools
	policed boolean := action <> 'shrink' AND compute_ledger._lock_policy();
BEGIN
	PERFORM compute_ledger._lock_booking(reservation, false);
	clock := compute_ledger._booking_clock(now);
	SELECT o.* INTO r FROM compute_ledger.reservation AS o WHERE o.id = reservation;
	IF request IS NOT NULL THEN
		scope := 'account:' || r.account;
		answer := compute_ledger._earlier_answer(scope, request, call);
		IF answer IS NOT NULL THEN
			RETURN answer[1];
		END IF;
	END IF;
	state_now := compute_ledger._reservation_state(r.state, r.held_until, r.occupies, clock);
	IF state_now NOT IN ('held', 'confirmed', 'running') THEN
		PERFORM compute_ledger._refuse_state(r.id, state_now, CASE state_now WHEN 'lapsed' THEN r.held_until ELSE coalesce(r.ended_at, upper(r.occupies)) END);
	END IF;
	begun := lower(r.period) <= clock;
	IF until IS NOT NULL THEN
		IF NOT isfinite(until) OR until <= lower(r.period) THEN
			PERFORM compute_ledger._refuse('22023', format('reservation %s begins at %s and cannot end at %s', reservation, lower(r.period), until));
		END IF;
		period := tstzrange(lower(r.period), until);
	END IF;
	period := coalesce(period, r.period);
	p := compute_ledger._lock_for_booking(r.pool);
	devices := coalesce(devices, r.devices);
	IF period <> r.period OR devices <> r.devices THEN
		PERFORM compute_ledger._pool_devices(devices, 1);
		period := compute_ledger._pool_period(period, false);
		IF begun AND lower(period) <> lower(r.period) THEN
			PERFORM compute_ledger._refuse('LC021', format('reservation %s began at %s', reservation, lower(r.period)), detail => 'A start that has happened is fixed.',
				hint => 'Give a period that begins then.');
		END IF;
		IF lower(period) <> lower(r.period) THEN
			SELECT a.name INTO account FROM compute_ledger.account AS a WHERE a.id = r.account;
			IF compute_ledger._account_id(account, lower(period)) IS NULL THEN
				PERFORM compute_ledger._refuse('LC006', format('account "%s" is not valid at %s', account, lower(period)), hint => 'Choose another time.');
			END IF;
		END IF;
		-- what gives something back is not in doubt
		PERFORM compute_ledger._check_piece(r.pool, p.granule, p.slot_minutes, p.horizon, CASE WHEN devices <= r.devices AND period <@ r.period THEN 'infinity' ELSE coalesce(p.doubted, 'infinity') END,
			devices, period, clock, lower(period) = lower(r.period), upper(period) = upper(r.period));
		IF action = 'extend' AND upper(period) < upper(r.period) OR action = 'shrink' AND (upper(period) > upper(r.period) OR devices > r.devices) THEN
			PERFORM compute_ledger._refuse('22023', format('reservation %s has %s devices until %s, and is to be %s', reservation, r.devices, upper(r.period), CASE action WHEN 'extend' THEN 'extended' ELSE 'shrunk' END),
				hint => 'extend_reservation() gives it a later end, shrink_reservation() an earlier one or fewer devices, and move_reservation() another period.');
		END IF;
		IF policed THEN
			PERFORM compute_ledger._keep_decision(action, reservation, compute_ledger._ask_policy(r.account, q.accelerator, q.region, tstzrange(greatest(lower(period), CASE WHEN begun THEN clock END), upper(period))))
			FROM compute_ledger.pool AS q WHERE q.id = r.pool;
		END IF;
		PERFORM compute_ledger._change_reservation(reservation, action, clock, period => period, devices => devices::integer, checked => true);
	END IF;
	answer := ARRAY[ROW(r.id, r.booking, r.pool, devices::integer, period, r.state, r.held_until)::compute_ledger.booked_reservation];
	IF request IS NOT NULL THEN
		PERFORM compute_ledger._keep_answer(scope, request, call, answer);
	END IF;
	RETURN answer[1];
END
$$;
COMMENT ON FUNCTION _alter_reservation(bigint, text, text, timestamptz, tstzrange, bigint, timestamptz) IS 'what extend_reservation(), shrink_reservation() and move_reservation() have in common: another period, or another end, or another number of devices of one piece';

CREATE FUNCTION _extend_reservation(reservation bigint, until timestamptz, request text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS booked_reservation
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF until IS NULL THEN
		PERFORM compute_ledger._refuse('22023', 'a reservation is extended to an instant');
	END IF;
	RETURN compute_ledger._alter_reservation(reservation, 'extend', request, now, until => _extend_reservation.until);
END
$$;
COMMENT ON FUNCTION _extend_reservation(bigint, timestamptz, text, timestamptz) IS 'what extend_reservation() does';

CREATE FUNCTION extend_reservation(reservation bigint, until timestamptz, request text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS booked_reservation
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._extend_reservation(reservation, until, request, now);
END
$$;
COMMENT ON FUNCTION extend_reservation(bigint, timestamptz, text, timestamptz) IS 'gives a reservation a later end, if there is capacity for what is added, and returns it; it has not ended yet. request is the caller''s id of the call, as in book(). LC020 no capacity, and nothing changes; LC021 it has lapsed, ended or was given up; LC022 the id stood for another call; LC026 the operator''s policies do not allow it; 22023 an end that is none, earlier, or cannot be booked; 42704 no such reservation that the caller may book for.';

CREATE FUNCTION _shrink_reservation(reservation bigint, devices bigint DEFAULT NULL, until timestamptz DEFAULT NULL, request text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS booked_reservation
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF devices IS NULL AND until IS NULL THEN
		PERFORM compute_ledger._refuse('22023', 'a reservation is shrunk to fewer devices, or to an earlier end');
	END IF;
	RETURN compute_ledger._alter_reservation(reservation, 'shrink', request, now, devices => _shrink_reservation.devices, until => _shrink_reservation.until);
END
$$;
COMMENT ON FUNCTION _shrink_reservation(bigint, bigint, timestamptz, text, timestamptz) IS 'what shrink_reservation() does';

CREATE FUNCTION shrink_reservation(reservation bigint, devices bigint DEFAULT NULL, until timestamptz DEFAULT NULL, request text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS booked_reservation
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._shrink_reservation(reservation, devices, until, request, now);
END
$$;
COMMENT ON FUNCTION shrink_reservation(bigint, bigint, timestamptz, text, timestamptz) IS 'gives a reservation fewer devices, an earlier end, or both (NULL: as it is), and returns it. Once it has begun, fewer devices count from now on: what has passed stays. No end lies before now; end_reservation() ends it now. Errors as in extend_reservation().';

CREATE FUNCTION _move_reservation(reservation bigint, period tstzrange, devices bigint DEFAULT NULL, request text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS booked_reservation
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF period IS NULL THEN
		PERFORM compute_ledger._refuse('22023', 'a reservation is moved to a period');
	END IF;
	RETURN compute_ledger._alter_reservation(reservation, 'move', request, now, period => _move_reservation.period, devices => _move_reservation.devices);
END
$$;
COMMENT ON FUNCTION _move_reservation(bigint, tstzrange, bigint, text, timestamptz) IS 'what move_reservation() does';

CREATE FUNCTION move_reservation(reservation bigint, period tstzrange, devices bigint DEFAULT NULL, request text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS booked_reservation
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._move_reservation(reservation, period, devices, request, now);
END
$$;
COMMENT ON FUNCTION move_reservation(bigint, tstzrange, bigint, text, timestamptz) IS 'gives a reservation another period in the same pool, and another number of devices (NULL: as it is), if there is capacity, and returns it: what it holds itself is not in its way. Once it has begun its start is fixed, and another number of devices counts from now on. Errors as in extend_reservation(); LC021 also for another start of what has begun.';
