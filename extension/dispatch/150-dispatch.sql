-- Agents take work: reservations that are to run, under a lease with a number.
--
-- The number is what counts: of two who believe that they have a reservation, the one with the last number given out for it has.
-- All is judged by the clock of bookings when a call is at work, and nothing is kept in a session, so that each call may
-- come over another connection.

CREATE TYPE leased_work AS (
	lease bigint,
	expires timestamptz,
	reservation bigint,
	booking bigint,
	pieces bigint[],
	request text,
	pool bigint,
	region text,
	accelerator accelerator,
	partition text,
	devices integer,
	period tstzrange,
	state text,
	preempted_at timestamptz
);
COMMENT ON TYPE leased_work IS 'What take_work() and renew_lease() answer: a lease, until when it is good, and the reservation as it is: its booking with the numbers of all pieces of that, the id of the call that booked it, or submitted the request, where it runs, devices and period, state, and when it was told to give way.';

-- ------------------------------------------------------------------ leases

CREATE FUNCTION _lease_terms(OUT lease interval, OUT grace interval)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT s.lease, s.grace FROM compute_ledger.queue_setting AS s WHERE upper_inf(s.recorded)
$$;
COMMENT ON FUNCTION _lease_terms() IS 'how long a lease is good, and how long after its end devices stay occupied, as set now';

CREATE FUNCTION _leased_work(lease bigint, clock timestamptz) RETURNS leased_work
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ROW(l.id, l.expires, r.id, r.booking, ARRAY(SELECT o.id FROM compute_ledger.reservation AS o WHERE o.booking = r.booking ORDER BY o.id),
		coalesce(r.request, (SELECT q.request FROM compute_ledger.request AS q WHERE q.booking = r.booking)),
		r.pool, g.name, p.accelerator, p.partition, r.devices, r.period, compute_ledger._reservation_state(r.state, r.held_until, r.occupies, $2), r.preempted_at)::compute_ledger.leased_work
	FROM compute_ledger.lease AS l
	JOIN compute_ledger.reservation AS r ON r.id = l.reservation
	JOIN compute_ledger.pool AS p ON p.id = r.pool
	JOIN compute_ledger.region AS g ON g.id = p.region
	WHERE l.id = $1
$$;
COMMENT ON FUNCTION _leased_work(bigint, timestamptz) IS 'a lease and its reservation, as take_work() answers';

CREATE FUNCTION _leave(reservation bigint, gone timestamptz, clock timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE compute_ledger.reservation AS r SET there_until = NULL, ended_at = greatest(gone, r.ended_at) WHERE r.id = _leave.reservation;
	UPDATE compute_ledger.lease AS l SET closed = clock WHERE l.reservation = _leave.reservation AND l.replaced IS NULL;
	PERFORM compute_ledger._note_waits(reservation, gone);
END
$$;
COMMENT ON FUNCTION _leave(bigint, timestamptz, timestamptz) IS 'notes when a reservation that was given up while an agent had it was gone, under the locks of its pool and itself';

CREATE FUNCTION _give_up_lost(pools bigint[], clock timestamptz) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
AS $$
DECLARE
	terms record := compute_ledger._lease_terms();
	w record;
	lost record;
BEGIN
	FOR w IN
		SELECT l.id, l.reservation, r.pool
		FROM compute_ledger.lease AS l JOIN compute_ledger.reservation AS r ON r.id = l.reservation
		WHERE l.replaced IS NULL AND l.closed IS NULL AND l.expires <= clock - terms.grace AND r.pool = ANY (pools) AND r.state = 'running'
		ORDER BY r.pool, l.reservation
	LOOP
		-- nobody is waited for: the next call finds it
		PERFORM FROM compute_ledger.pool AS p WHERE p.id = w.pool FOR NO KEY UPDATE SKIP LOCKED;
		CONTINUE WHEN NOT FOUND;
		PERFORM FROM compute_ledger.reservation AS r WHERE r.id = w.reservation AND r.state = 'running' FOR UPDATE SKIP LOCKED;
		CONTINUE WHEN NOT FOUND;
		UPDATE compute_ledger.lease AS l SET closed = clock
		WHERE l.id = w.id AND l.replaced IS NULL AND l.closed IS NULL AND l.expires <= clock - terms.grace
		RETURNING l.id, l.reservation, l.expires + terms.grace AS at INTO lost;
		CONTINUE WHEN NOT FOUND;
		PERFORM compute_ledger._change_reservation(r.id, 'lose', clock, state => 'lost', occupies => r.occupies * tstzrange(NULL, lost.at),
			reason => 'its agent was not heard of', ended => lost.at)
		FROM compute_ledger.reservation AS r WHERE r.id = lost.reservation;
		INSERT INTO compute_ledger.lease_report (lease, reservation, event, at, answer)
		VALUES (lost.id, lost.reservation, 'lost', clock, format('given up from %s on', lost.at));
		RETURN NEXT lost.reservation;
	END LOOP;
	-- what was given up while an agent had it is gone by then, too: who waited for it is noted
	FOR w IN
		SELECT r.id, r.pool, r.there_until AS gone FROM compute_ledger.reservation AS r
		WHERE r.pool = ANY (pools) AND r.there_until <= clock
		ORDER BY r.pool, r.id
	LOOP
		PERFORM FROM compute_ledger.pool AS p WHERE p.id = w.pool FOR NO KEY UPDATE SKIP LOCKED;
		CONTINUE WHEN NOT FOUND;
		PERFORM FROM compute_ledger.reservation AS r WHERE r.id = w.id AND r.there_until = w.gone FOR UPDATE SKIP LOCKED;
		CONTINUE WHEN NOT FOUND;
		PERFORM compute_ledger._leave(w.id, w.gone, clock);
	END LOOP;
END
$$;
COMMENT ON FUNCTION _give_up_lost(bigint[], timestamptz) IS 'running work of pools whose lease has expired, and of which nobody has heard until the grace was over, is lost: it ends when that was over; these reservations. What is in a pool that somebody is at work on is left for the next call';

CREATE FUNCTION _agent_pools(pool bigint) RETURNS bigint[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF pool IS NOT NULL THEN
		PERFORM compute_ledger._check_agent(pool);
		RETURN ARRAY[pool];
	END IF;
	RETURN ARRAY(SELECT p.id FROM compute_ledger.pool AS p WHERE p.region IN (SELECT compute_ledger._agent_regions(compute_ledger._calling_role())) ORDER BY p.id);
END
$$;
COMMENT ON FUNCTION _agent_pools(bigint) IS 'the pools for which the calling role is agent; or the one named, if it is among them (42704)';

CREATE FUNCTION _take_work(agent text, "limit" integer DEFAULT 1, lead interval DEFAULT '0', pool bigint DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF leased_work
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
	pools bigint[];
	clock timestamptz;
	w record;
	number bigint;
	taken integer := 0;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF coalesce(agent, '') = '' OR octet_length(agent) > 1000 THEN
		PERFORM compute_ledger._refuse('22023', 'the name of an agent is NULL, empty or longer than 1000 bytes');
	ELSIF ("limit" BETWEEN 1 AND 1000) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('work is taken 1 to 1000 at a time, not %s', coalesce("limit"::text, 'NULL')));
	ELSIF (lead >= '0' AND lead <= '100 years') IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('work is taken 0 to 100 years before its time, not %s', coalesce(lead::text, 'NULL')));
	END IF;
	pools := compute_ledger._agent_pools(_take_work.pool);
	clock := compute_ledger._booking_clock(now);
	PERFORM compute_ledger._give_up_lost(pools, clock);
	FOR w IN
		SELECT r.id
		FROM (
			-- as reservation_due_idx has it: what is to come is not read, nor what is over and was never started
			SELECT o.id, o.state, o.period, o.occupies
			FROM unnest(pools) AS p (id) JOIN compute_ledger.reservation AS o ON int8range(o.pool, o.pool, '[]') @> p.id AND o.occupies && tstzrange(clock, clock + lead, '[]')
			WHERE o.state = 'confirmed'
			UNION ALL
			-- also what should have ended
			SELECT o.id, o.state, o.period, o.occupies FROM compute_ledger.reservation AS o WHERE o.pool = ANY (pools) AND o.state = 'running'
			OFFSET 0) AS r
		WHERE NOT EXISTS (SELECT FROM compute_ledger.lease AS l WHERE l.reservation = r.id AND l.replaced IS NULL AND l.expires > clock)
			-- who starts what he booked himself needs no agent
			AND (r.state = 'confirmed' OR EXISTS (SELECT FROM compute_ledger.lease AS l WHERE l.reservation = r.id AND l.replaced IS NULL))
		ORDER BY lower(r.period), r.id
	LOOP
		-- as it is now, and nobody else is taking it
		PERFORM FROM compute_ledger.reservation AS r
		WHERE r.id = w.id AND (r.state = 'confirmed' AND lower(r.occupies) <= clock + lead AND upper(r.occupies) > clock OR r.state = 'running')
		FOR NO KEY UPDATE SKIP LOCKED;
		CONTINUE WHEN NOT FOUND;
		UPDATE compute_ledger.lease AS l SET replaced = clock
		WHERE l.id IN (SELECT o.id FROM compute_ledger.lease AS o WHERE o.reservation = w.id AND o.replaced IS NULL AND o.expires <= clock FOR NO KEY UPDATE SKIP LOCKED);
		INSERT INTO compute_ledger.lease (reservation, agent, taken, expires)
		SELECT w.id, _take_work.agent, clock, clock + t.lease FROM compute_ledger._lease_terms() AS t
		ON CONFLICT (reservation) WHERE replaced IS NULL DO NOTHING
		RETURNING id INTO number;
		CONTINUE WHEN NOT FOUND;
		RETURN NEXT compute_ledger._leased_work(number, clock);
		taken := taken + 1;
		EXIT WHEN taken = "limit";
	END LOOP;
END
$$;
COMMENT ON FUNCTION _take_work(text, integer, interval, bigint, timestamptz) IS 'what take_work() does';

CREATE FUNCTION take_work(agent text, "limit" integer DEFAULT 1, lead interval DEFAULT '0', pool bigint DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF leased_work
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._take_work(agent, "limit", lead, pool, now) AS t;
END
$$;
COMMENT ON FUNCTION take_work(text, integer, interval, bigint, timestamptz) IS 'takes work, at most so much (1 to 1000), for an agent, under a lease: confirmed reservations of the pools in its regions (or of one of them) whose time it is, or will be so soon (lead, 0 to 100 years), the earliest first, and running ones whose lease has expired. What another call is taking is left to it, and nobody waits. A lease is good for as long as queue_setting says; its number is higher than that of any lease before. Work whose grace is over is lost before. agent is only kept. 42704 for a pool that is in no region that the caller is agent of; 22023 for what cannot be. now: another time than the clock''s, for replays, by admins only (42501).';

CREATE FUNCTION _lease(lease bigint, OUT reservation bigint, OUT pool bigint)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT r.id, r.pool INTO reservation, pool
	FROM compute_ledger.lease AS l JOIN compute_ledger.reservation AS r ON r.id = l.reservation JOIN compute_ledger.pool AS p ON p.id = r.pool
	WHERE l.id = _lease.lease AND p.region IN (SELECT compute_ledger._agent_regions(compute_ledger._calling_role()));
	IF NOT FOUND THEN
		PERFORM compute_ledger._refuse('42704', format('lease %s does not exist, or is not in a region that you answer for', coalesce(lease::text, 'NULL')));
	END IF;
END
$$;
COMMENT ON FUNCTION _lease(bigint) IS 'what was taken under a number; 42704 if nothing was, or in no region of which the calling role is agent';

CREATE FUNCTION _lease_fault(lease bigint, clock timestamptz) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN l.replaced IS NOT NULL THEN 'old number' WHEN l.closed IS NOT NULL THEN 'closed' WHEN l.expires <= $2 THEN 'expired' END
	FROM compute_ledger.lease AS l WHERE l.id = $1
$$;
COMMENT ON FUNCTION _lease_fault(bigint, timestamptz) IS 'why a lease permits nothing: old number, closed or expired; NULL: it is good';

CREATE FUNCTION _extend_lease(lease bigint, clock timestamptz) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	state text := (SELECT r.state FROM compute_ledger.lease AS l JOIN compute_ledger.reservation AS r ON r.id = l.reservation WHERE l.id = _extend_lease.lease);
BEGIN
	IF state NOT IN ('held', 'confirmed', 'running') THEN
		RETURN state;
	END IF;
	UPDATE compute_ledger.lease AS l SET expires = greatest(l.expires, clock + t.lease) FROM compute_ledger._lease_terms() AS t WHERE l.id = _extend_lease.lease;
	RETURN 'renewed';
END
$$;
COMMENT ON FUNCTION _extend_lease(bigint, timestamptz) IS 'a lease that is good is so for as long again from now on: "renewed"; of what was given up it is not, and that is the answer';

CREATE FUNCTION _still_leased() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NEW.there_until := (SELECT l.expires + t.grace FROM compute_ledger.lease AS l CROSS JOIN compute_ledger._lease_terms() AS t
		WHERE l.reservation = NEW.id AND l.replaced IS NULL AND l.closed IS NULL AND l.expires + t.grace > NEW.ended_at);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _still_leased() IS 'trigger, BEFORE UPDATE OF state of reservation, FOR EACH ROW that was running and is given up or ended: while an agent has it, its devices are occupied until it says that it is gone, or the grace is over';

CREATE FUNCTION _renew_lease(lease bigint, now timestamptz DEFAULT NULL) RETURNS leased_work
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	clock timestamptz;
	fault text;
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._lease(lease);
	PERFORM FROM compute_ledger.lease AS l WHERE l.id = _renew_lease.lease FOR NO KEY UPDATE;
	clock := compute_ledger._booking_clock(now);
	fault := compute_ledger._lease_fault(lease, clock);
	IF fault IS NOT NULL THEN
		PERFORM compute_ledger._refuse('LC030', format('lease %s is not good any more: %s', lease, fault),
			detail => (SELECT CASE fault WHEN 'old number' THEN format('The work was taken again at %s.', l.replaced) WHEN 'closed' THEN format('It was closed at %s.', l.closed) ELSE format('It expired at %s.', l.expires) END
				FROM compute_ledger.lease AS l WHERE l.id = _renew_lease.lease),
			hint => 'Stop what runs under it, and report that it has ended.');
	END IF;
	PERFORM compute_ledger._extend_lease(lease, clock);
	RETURN compute_ledger._leased_work(lease, clock);
END
$$;
COMMENT ON FUNCTION _renew_lease(bigint, timestamptz) IS 'what renew_lease() does';

CREATE FUNCTION renew_lease(lease bigint, now timestamptz DEFAULT NULL) RETURNS leased_work
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._renew_lease(lease, now);
END
$$;
COMMENT ON FUNCTION renew_lease(bigint, timestamptz) IS 'makes a lease good for as long again from now on, unless the reservation was given up, and returns it with that as it is: whether it goes on, until when, and whether it was told to give way. LC030 if it has expired (its end is excluded), was closed, or the work was taken again: it permits nothing then. 42704 if there is none in a region that the caller is agent of. now: another time than the clock''s, for replays, by admins only (42501).';

-- ------------------------------------------------------------------ reports

CREATE FUNCTION _check_report(detail text, claimed timestamptz) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF octet_length(detail) > 10000 THEN
		PERFORM compute_ledger._refuse('22023', 'what a report says is longer than 10000 bytes');
	ELSIF NOT isfinite(claimed) THEN
		PERFORM compute_ledger._refuse('22023', format('nothing happens at %s', claimed));
	END IF;
END
$$;
COMMENT ON FUNCTION _check_report(text, timestamptz) IS 'refuses (22023) what a report cannot say';

CREATE FUNCTION _end_work(reservation bigint, claimed timestamptz, now timestamptz, clock timestamptz) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r compute_ledger.reservation;
BEGIN
	SELECT * INTO r FROM compute_ledger.reservation AS o WHERE o.id = _end_work.reservation;
	IF r.state IN ('held', 'confirmed') THEN
		RETURN 'not started';
	ELSIF r.state <> 'running' THEN
		IF r.there_until IS NOT NULL THEN
			PERFORM compute_ledger._leave(r.id, least(CASE WHEN claimed BETWEEN r.ended_at AND clock THEN claimed ELSE clock END, r.there_until), clock);
		END IF;
		RETURN CASE WHEN r.state = 'preempted' AND r.started_at IS NOT NULL THEN 'ended' ELSE r.state END || ' already';
	END IF;
	-- what an agent says of time is believed where it can be
	UPDATE compute_ledger.lease AS l SET closed = clock WHERE l.reservation = r.id AND l.replaced IS NULL;
	PERFORM compute_ledger._end_reservation(reservation, CASE WHEN claimed BETWEEN r.started_at AND clock THEN claimed END, now);
	RETURN 'ended';
END
$$;
COMMENT ON FUNCTION _end_work(bigint, timestamptz, timestamptz, timestamptz) IS 'ends a reservation, whose lock the caller has, if it is running, or notes that it is gone, and closes its lease; what came of it';

CREATE FUNCTION _report_work(lease bigint, event text, at timestamptz DEFAULT NULL, detail text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w record;
	clock timestamptz;
	fault text;
	said text;
	message text;
BEGIN
	PERFORM compute_ledger._require_ledger();
	w := compute_ledger._lease(lease);
	IF (event IN ('started', 'heartbeat', 'ended', 'failed')) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('unknown event: "%s"', coalesce(left(event, 80), 'NULL')), hint => 'Events are started, heartbeat, ended and failed.');
	END IF;
	PERFORM compute_ledger._check_report(detail, at);
	IF event <> 'heartbeat' THEN
		-- in the order of locks
		PERFORM compute_ledger._lock_policy();
		PERFORM compute_ledger._lock_for_booking(w.pool);
		PERFORM FROM compute_ledger.reservation AS r WHERE r.id = w.reservation FOR UPDATE;
	END IF;
	PERFORM FROM compute_ledger.lease AS l WHERE l.id = _report_work.lease FOR NO KEY UPDATE;
	clock := compute_ledger._booking_clock(now);
	fault := compute_ledger._lease_fault(lease, clock);
	IF fault IS NOT NULL AND NOT (event IN ('ended', 'failed') AND fault <> 'old number') THEN
		said := fault;
	ELSIF event = 'heartbeat' THEN
		said := compute_ledger._extend_lease(lease, clock);
	ELSE
		IF event <> 'started' THEN
			said := compute_ledger._end_work(w.reservation, at, now, clock);
		END IF;
		IF said = 'not started' AND (event = 'failed' OR fault = 'closed') THEN
			UPDATE compute_ledger.lease AS l SET expires = greatest(clock, l.taken), closed = clock WHERE l.id = _report_work.lease AND fault IS NULL;
			said := CASE WHEN fault IS NULL THEN 'given back' ELSE fault END;
		ELSIF said IS NULL OR said = 'not started' THEN
			-- what has ended was there
			PERFORM compute_ledger._give_up_lost(ARRAY[w.pool], clock);
			BEGIN
				said := compute_ledger._start_reservation(w.reservation, now);
				IF event = 'ended' THEN
					said := compute_ledger._end_work(w.reservation, at, now, clock);
				ELSE
					PERFORM compute_ledger._extend_lease(lease, clock);
				END IF;
			EXCEPTION WHEN SQLSTATE 'LC021' OR SQLSTATE 'LC026' THEN
				-- the report is kept nevertheless
				GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
				said := 'refused: ' || message;
			END;
		END IF;
	END IF;
	INSERT INTO compute_ledger.lease_report (lease, reservation, event, at, claimed, detail, answer)
	VALUES (_report_work.lease, w.reservation, _report_work.event, clock, _report_work.at, _report_work.detail, said);
	RETURN said;
END
$$;
COMMENT ON FUNCTION _report_work(bigint, text, timestamptz, text, timestamptz) IS 'what report_work() does';

CREATE FUNCTION report_work(lease bigint, event text, at timestamptz DEFAULT NULL, detail text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._report_work(lease, event, at, detail, now);
END
$$;
COMMENT ON FUNCTION report_work(bigint, text, timestamptz, text, timestamptz) IS 'what an agent says of work that it took: started and heartbeat, which renew the lease, ended, or failed. It is always recorded, and acted on under a good lease only: the answer says what came of it, such as running, renewed, ended, given back; else old number, expired or closed, and nothing changes. An end reported under the last number given out is believed also when that has expired, not when it gave the work back. An end of what nobody said has started is a start, too; failed gives back what has not started, for others to take. A start that is not possible is answered refused, with the reason. at: when it was so, by the agent''s clock; a claim, which judges nothing, but that of an end after the start and not in the future is believed. 42704 if there is no such lease in a region that the caller is agent of; 22023 an unknown event, detail of more than 10,000 bytes. now: another time than the clock''s, for replays, by admins only (42501).';

CREATE FUNCTION _confirm_end(reservation bigint, at timestamptz DEFAULT NULL, detail text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	place bigint;
	clock timestamptz;
	said text;
BEGIN
	PERFORM compute_ledger._require_ledger();
	SELECT r.pool INTO place
	FROM compute_ledger.reservation AS r JOIN compute_ledger.pool AS p ON p.id = r.pool
	WHERE r.id = _confirm_end.reservation AND p.region IN (SELECT compute_ledger._agent_regions(compute_ledger._calling_role()));
	IF NOT FOUND THEN
		PERFORM compute_ledger._refuse('42704', format('reservation %s does not exist, or is not in a region that you answer for', coalesce(reservation::text, 'NULL')));
	END IF;
	PERFORM compute_ledger._check_report(detail, at);
	PERFORM compute_ledger._lock_for_booking(place);
	PERFORM FROM compute_ledger.reservation AS r WHERE r.id = _confirm_end.reservation FOR UPDATE;
	clock := compute_ledger._booking_clock(now);
	said := compute_ledger._end_work(reservation, at, now, clock);
	IF said = 'not started' THEN
		PERFORM compute_ledger._refuse('LC021', format('reservation %s is not running', reservation), hint => 'cancel_reservation() gives up what has not started.');
	END IF;
	INSERT INTO compute_ledger.lease_report (lease, reservation, event, at, claimed, detail, answer)
	SELECT (SELECT l.id FROM compute_ledger.lease AS l WHERE l.reservation = _confirm_end.reservation AND l.replaced IS NULL),
		_confirm_end.reservation, 'confirmed end', clock, _confirm_end.at, _confirm_end.detail, said;
	RETURN said;
END
$$;
COMMENT ON FUNCTION _confirm_end(bigint, timestamptz, text, timestamptz) IS 'what confirm_end() does';

CREATE FUNCTION confirm_end(reservation bigint, at timestamptz DEFAULT NULL, detail text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._confirm_end(reservation, at, detail, now);
END
$$;
COMMENT ON FUNCTION confirm_end(bigint, timestamptz, text, timestamptz) IS 'an operator''s word that running work has ended, whatever lease there is and whether it is good: "ended", or what it is already. It closes the lease, and is recorded with the reports. at: when it ended, believed where that lies after the start and not in the future. For agents of the region and admins; to all others there is no such reservation (42704). LC021 if it has not started. now: another time than the clock''s, for replays, by admins only (42501).';

CREATE FUNCTION _expire_leases(now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	RETURN QUERY SELECT g FROM compute_ledger._give_up_lost(compute_ledger._agent_pools(NULL), compute_ledger._booking_clock(now)) AS g;
END
$$;
COMMENT ON FUNCTION _expire_leases(timestamptz) IS 'what expire_leases() does';

CREATE FUNCTION expire_leases(now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT e FROM compute_ledger._expire_leases(now) AS e;
END
$$;
COMMENT ON FUNCTION expire_leases(timestamptz) IS 'gives up what is lost in the regions that the caller is agent of: running work whose lease has expired and of which nobody has said anything until the grace was over. It ends when the grace was over, whenever this is called, and what is left of its time is free. The numbers of these reservations. take_work() does the same by itself. now: another time than the clock''s, for replays, by admins only (42501).';

CREATE FUNCTION _agent_lease() RETURNS TABLE (lease bigint, reservation bigint, pool bigint, agent text, taken timestamptz, expires timestamptz, grace_until timestamptz, closed timestamptz, state text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	role name := compute_ledger._calling_role();
	terms record := compute_ledger._lease_terms();
BEGIN
	RETURN QUERY
		SELECT l.id, l.reservation, r.pool, l.agent, l.taken, l.expires, l.expires + terms.grace, l.closed,
			CASE WHEN l.closed IS NOT NULL THEN 'closed' WHEN l.expires <= statement_timestamp() THEN 'expired' ELSE 'open' END
		FROM compute_ledger.lease AS l
		JOIN compute_ledger.reservation AS r ON r.id = l.reservation
		JOIN compute_ledger.pool AS p ON p.id = r.pool
		WHERE l.replaced IS NULL AND (p.region IN (SELECT compute_ledger._agent_regions(role)) OR compute_ledger._sees_everything(role));
END
$$;
COMMENT ON FUNCTION _agent_lease() IS 'what agent_lease shows';
