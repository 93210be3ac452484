-- A pass of the queue: plans all requests that wait, and books those whose time it is.
--
-- One pass at a time holds the row of queue_pass.  What it plans it reads without a lock on any pool; what it then books it
-- books under the pools' locks, so that a booking that came between is seen, and the request waits for the next pass.

CREATE FUNCTION _queue_pools(now timestamptz, latest timestamptz)
	RETURNS TABLE (pool bigint, granule integer, slot_minutes integer, first timestamptz, until timestamptz, lead bigint, changed boolean, overrun bigint,
		free device_profile, free_to_guests device_profile)
	LANGUAGE plpgsql STABLE ROWS 50
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	pools bigint[];
	span tstzrange;
BEGIN
	SELECT array_agg(p.id ORDER BY p.id), tstzrange($1, greatest(max(least($1 + p.horizon, $2)), $1 + interval '1 minute')) INTO pools, span
	FROM compute_ledger.pool AS p
	WHERE p.doubted IS NULL AND p.id IN (SELECT f.pool FROM compute_ledger.request_fit AS f);
	IF pools IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT p.id, p.granule, p.slot_minutes, compute_ledger._slot_start($1, p.slot_minutes), least($1 + p.horizon, upper(span)),
		-- what gives way does so after its notice
		CASE WHEN p.preempt_notice > interval '0' AND EXISTS (SELECT FROM compute_ledger.reservation AS r
				WHERE r.pool = p.id AND NOT isempty(r.occupies) AND upper(r.occupies) > $1 AND r.preempt_notice IS NOT NULL)
			THEN extract(epoch FROM p.preempt_notice)::bigint * 1000000 ELSE 0 END,
		coalesce((s.seen ->> p.id::text)::bigint <> p.changes, false),
		coalesce((SELECT sum(t.devices) FROM compute_ledger._still_there(p.id, $1) AS t
			WHERE EXISTS (SELECT FROM compute_ledger.reservation AS r WHERE r.pool = p.id AND r.state = 'running' AND upper(r.occupies) <= $1)
				OR EXISTS (SELECT FROM compute_ledger.pool_report AS o WHERE o.pool = p.id)), 0)::bigint,
		a.free,
		CASE WHEN EXISTS (SELECT FROM compute_ledger.guest_share AS g WHERE int8range(g.pool, g.pool, '[]') = int8range(p.id, p.id, '[]') AND upper_inf(g.recorded) AND g.valid && span)
			THEN compute_ledger._pool_limit(p.id, span, true) OPERATOR(compute_ledger.-) compute_ledger._book_level(p.id, true, span, $1) END
	FROM compute_ledger._pools_available(pools, span, $1, true) AS a
	JOIN compute_ledger.pool AS p ON p.id = a.pool
	CROSS JOIN compute_ledger.queue_pass AS s;
END
$$;
COMMENT ON FUNCTION _queue_pools(timestamptz, timestamptz) IS 'part of a pass: pools in which requests may run, on what starts and ends lie, the first start, the last end, what begins so many microseconds later is booked too, whether they offer something else than at the last pass, how many devices are in use by those who should have ended, what is free, and what of it for guests (NULL: they are not limited)';

CREATE FUNCTION _queue_fits(now timestamptz)
	RETURNS TABLE (kind bigint, pool bigint, guest boolean, starts timestamptz, ends timestamptz, delay bigint, price double precision, transfer double precision, rate compute_rate, speed compute_rate)
	LANGUAGE plpgsql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	SET enable_nestloop = off
AS $$
#variable_conflict use_column
BEGIN
	-- its plans are kept, where a function in SQL would be planned at every call
	RETURN QUERY
	SELECT k.id, f.pool, f.guest, coalesce(lower(f.allowed), '-infinity'), coalesce(upper(f.allowed), 'infinity'), (extract(epoch FROM f.delay) * 1000000)::bigint,
		f.price::double precision, f.transfer::double precision, c.rate, f.speed
	FROM compute_ledger.request_kind AS k
	LEFT JOIN compute_ledger.request_fit AS f ON f.kind = k.id
	LEFT JOIN (SELECT p.id, compute_ledger.normalized_rate(p.accelerator, s.basis, $1) AS rate
		FROM compute_ledger.pool AS p CROSS JOIN compute_ledger.queue_setting AS s WHERE upper_inf(s.recorded)) AS c ON c.id = f.pool
	WHERE k.digest IN (SELECT r.kind FROM compute_ledger.request AS r WHERE r.state = 'queued');
END
$$;
COMMENT ON FUNCTION _queue_fits(timestamptz) IS 'part of a pass: where and when requests of the kinds that wait may run; a row without a pool for a kind that may not anywhere';

CREATE FUNCTION _queue_accounts(now timestamptz) RETURNS TABLE (account bigint, parent bigint, shares double precision, work double precision, own double precision)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	waiting bigint[] := ARRAY(SELECT DISTINCT r.account FROM compute_ledger.request AS r WHERE r.state = 'queued');
BEGIN
	-- nobody comes before himself
	IF cardinality(waiting) = 1 THEN
		RETURN QUERY SELECT v.account, NULL::bigint, 1::double precision, 0::double precision, 0::double precision
		FROM compute_ledger.account_version AS v WHERE v.account = waiting[1] AND upper_inf(v.recorded) AND v.valid @> $1;
		RETURN;
	END IF;
	RETURN QUERY
	WITH RECURSIVE tree AS (
		SELECT v.account, v.parent FROM compute_ledger.account_version AS v WHERE v.account = ANY (waiting) AND upper_inf(v.recorded) AND v.valid @> $1
		UNION
		SELECT v.account, v.parent
		FROM tree AS t JOIN compute_ledger.account_version AS v ON v.account = t.parent
		WHERE upper_inf(v.recorded) AND v.valid @> $1
	)
	SELECT t.account, t.parent, coalesce(s.shares, 1)::double precision, (coalesce(w.work, 0) + coalesce(w.ahead, 0))::double precision, (coalesce(w.own, 0) + coalesce(w.own_ahead, 0))::double precision
	FROM tree AS t
	LEFT JOIN compute_ledger._account_work($1) AS w ON w.account = t.account
	LEFT JOIN compute_ledger.account_share AS s ON s.account = t.account AND upper_inf(s.recorded) AND s.valid @> $1;
END
$$;
COMMENT ON FUNCTION _queue_accounts(timestamptz) IS 'part of a pass: the accounts whose requests wait and all above them, their shares, and the work that they and all below (work), or they themselves (own), have had, and are still to have of what they were given';

CREATE FUNCTION _queue_requests(now timestamptz)
	RETURNS TABLE (id bigint, account bigint, kind bigint, band integer, submitted timestamptz, devices bigint, length bigint, work compute_unit, not_before timestamptz, most double precision,
		pool bigint, starts timestamptz, ends timestamptz, latest timestamptz, fixed timestamptz, turn double precision,
		deadline timestamptz)
	LANGUAGE plpgsql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	SET enable_nestloop = off
AS $$
#variable_conflict use_column
BEGIN
	-- its plans are kept, where a function in SQL would be planned at every call
	RETURN QUERY
	SELECT r.id, r.account, k.id, r.band, r.submitted, r.devices, (extract(epoch FROM r.length) * 1000000)::bigint, r.work, r.not_before,
		r.max_cost::double precision, r.pool, lower(r.planned), upper(r.planned), r.latest, r.fixed, r.turn,
		(r.asked).deadline
	FROM compute_ledger.request AS r JOIN compute_ledger.request_kind AS k ON k.digest = r.kind
	WHERE r.state = 'queued';
END
$$;
COMMENT ON FUNCTION _queue_requests(timestamptz) IS 'part of a pass: the requests that wait, and their stored plans';

CREATE TYPE _request_plan AS (
	request bigint,
	pool bigint,
	starts timestamptz,
	ends timestamptz,
	turn double precision,
	head boolean,
	due boolean,
	moved text,
	rounds integer
);
COMMENT ON TYPE _request_plan IS 'where and when a pass lets a request begin (pool NULL: nowhere); turn: rises in the order of service within its band; head: it is the first of its band; due: it is to be booked now; moved: why it begins later than it was promised; rounds: how often it was all planned';

CREATE FUNCTION _plan_queue(now timestamptz, until timestamptz) RETURNS SETOF _request_plan
	LANGUAGE c STABLE STRICT ROWS 1000 AS 'MODULE_PATHNAME', 'plan_queue';
COMMENT ON FUNCTION _plan_queue(timestamptz, timestamptz) IS 'plans all requests that wait, in the order of service, each to begin as early as delays nobody before it, none to end after an instant; those that would begin later than they were promised keep their stored plans. Changes nothing.';

CREATE FUNCTION _place_request(request bigint, plan _request_plan, policed boolean, clock timestamptz) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r record;
	piece compute_ledger.reservation_piece;
	worst record;
	made compute_ledger.booked_reservation[];
BEGIN
	-- whoever has it locked is cancelling it
	SELECT o.account, o.devices, o.kind INTO r FROM compute_ledger.request AS o WHERE o.id = _place_request.request AND o.state = 'queued' FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	piece := ROW(plan.pool, r.devices, tstzrange(plan.starts, plan.ends));
	SELECT f.worst * r.devices * extract(epoch FROM plan.ends - plan.starts) / 3600 + f.transfer AS money, f.currency,
		compute_ledger.work(compute_ledger.normalized_rate(p.accelerator, 'bf16', plan.starts), piece.period, r.devices) AS work INTO worst
	FROM compute_ledger.request_kind AS k JOIN compute_ledger.request_fit AS f ON f.kind = k.id AND f.pool = plan.pool AND f.allowed @> piece.period
	JOIN compute_ledger.pool AS p ON p.id = f.pool
	WHERE k.digest = r.kind;
	BEGIN
		PERFORM compute_ledger._hold_budget(r.account, worst.money, worst.currency, worst.work);
		made := compute_ledger._book_asked(r.account, NULL, ARRAY[piece], 0, true, NULL, NULL, clock, CASE WHEN policed THEN compute_ledger._ask_pieces(r.account, ARRAY[piece]) END);
	EXCEPTION WHEN SQLSTATE 'LC020' OR SQLSTATE 'LC024' OR SQLSTATE 'LC026' OR SQLSTATE '22023' OR SQLSTATE '42704' OR serialization_failure THEN
		IF SQLSTATE = '40001' AND current_setting('transaction_isolation') <> 'read committed' THEN
			RAISE;
		END IF;
		-- something has changed since it was planned: the next pass sees it
		RETURN NULL;
	END;
	UPDATE compute_ledger.request AS o
	SET state = 'placed', booking = made[1].booking, placed_at = clock, pool = plan.pool, planned = piece.period, first_planned = coalesce(o.first_planned, plan.starts),
		latest = coalesce(o.latest, plan.starts), head = plan.head, moved = coalesce(plan.moved, o.moved), moved_at = CASE WHEN plan.moved IS NOT NULL THEN clock ELSE o.moved_at END
	WHERE o.id = _place_request.request;
	INSERT INTO compute_ledger.request_change (request, action, at, pool, planned, reason) VALUES (_place_request.request, 'place', clock, plan.pool, piece.period, plan.moved);
	RETURN made[1].booking;
END
$$;
COMMENT ON FUNCTION _place_request(bigint, _request_plan, boolean, timestamptz) IS 'part of a pass, which has the locks of policies and of the pool: books a request as it was planned; its booking, or NULL if it cannot be booked so any more, or waits no more';

CREATE FUNCTION _store_plans(plans _request_plan[], clock timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET enable_nestloop = off
AS $$
DECLARE
	patience interval := (SELECT s.patience FROM compute_ledger.queue_setting AS s WHERE upper_inf(s.recorded));
BEGIN
	WITH fresh AS MATERIALIZED (
		SELECT p.request, p.pool, CASE WHEN p.pool IS NOT NULL THEN tstzrange(p.starts, p.ends) END AS planned, p.turn, p.head, p.moved,
			-- what it is promised, it is promised anew where that could not be kept
			CASE WHEN p.pool IS NULL THEN r.latest ELSE greatest(coalesce(r.latest, p.starts + patience), p.starts) END AS latest,
			CASE WHEN p.pool IS NULL THEN r.fixed WHEN p.head OR p.starts > r.fixed THEN p.starts ELSE r.fixed END AS fixed,
			r.latest IS NULL AND p.pool IS NOT NULL AS is_first
		FROM unnest(plans) AS p JOIN compute_ledger.request AS r ON r.id = p.request
		WHERE r.state = 'queued' AND (r.pool IS DISTINCT FROM p.pool OR r.turn IS DISTINCT FROM p.turn OR r.head <> p.head OR p.moved IS NOT NULL
			OR lower(r.planned) IS DISTINCT FROM CASE WHEN p.pool IS NOT NULL THEN p.starts END OR upper(r.planned) IS DISTINCT FROM CASE WHEN p.pool IS NOT NULL THEN p.ends END)
	), free AS MATERIALIZED (
		-- who has one locked is cancelling it
		SELECT r.id FROM compute_ledger.request AS r WHERE r.state = 'queued' AND r.id IN (SELECT f.request FROM fresh AS f) ORDER BY r.id FOR UPDATE SKIP LOCKED
	), stored AS (
		UPDATE compute_ledger.request AS r
		SET pool = f.pool, planned = f.planned, turn = f.turn, head = f.head, latest = f.latest, fixed = f.fixed, first_planned = coalesce(r.first_planned, lower(f.planned)),
			moved = coalesce(f.moved, r.moved), moved_at = CASE WHEN f.moved IS NOT NULL THEN clock ELSE r.moved_at END
		FROM fresh AS f JOIN free AS o ON o.id = f.request
		-- those that were placed long ago are not looked through
		WHERE r.id = f.request AND r.state = 'queued'
		RETURNING r.id, f.is_first, f.moved, f.pool, f.planned
	)
	INSERT INTO compute_ledger.request_change (request, action, at, pool, planned, reason)
	SELECT s.id, CASE WHEN s.moved IS NOT NULL THEN 'move' ELSE 'plan' END, clock, s.pool, s.planned, s.moved
	FROM stored AS s WHERE s.is_first OR s.moved IS NOT NULL
	ORDER BY s.id;
	-- whose account is not valid any more is not planned
	UPDATE compute_ledger.request AS r SET pool = NULL, planned = NULL
	WHERE r.id IN (SELECT o.id FROM compute_ledger.request AS o
		WHERE o.state = 'queued' AND o.planned IS NOT NULL AND NOT EXISTS (SELECT FROM unnest(plans) AS p WHERE p.request = o.id)
		ORDER BY o.id FOR UPDATE SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION _store_plans(_request_plan[], timestamptz) IS 'part of a pass: stores plans of requests that still wait, where they are others than those stored';

CREATE FUNCTION _follow_accounts(clock timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a record;
	survivor bigint;
	-- whoever has one locked is cancelling it
	waiting bigint[];
BEGIN
	FOR a IN
		SELECT o.id, o.name, EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE v.account = o.id AND upper_inf(v.recorded) AND lower(v.valid) > clock) AS is_to_come
		FROM (SELECT DISTINCT r.account FROM compute_ledger.request AS r WHERE r.state = 'queued') AS r JOIN compute_ledger.account AS o ON o.id = r.account
		WHERE NOT EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE v.account = o.id AND upper_inf(v.recorded) AND v.valid @> clock)
		ORDER BY o.id
	LOOP
		survivor := compute_ledger._account_id(a.name, clock);
		CONTINUE WHEN survivor IS NULL AND a.is_to_come;
		waiting := ARRAY(SELECT r.id FROM compute_ledger.request AS r WHERE r.state = 'queued' AND r.account = a.id ORDER BY r.id FOR UPDATE SKIP LOCKED);
		IF survivor IS NOT NULL THEN
			UPDATE compute_ledger.request AS r SET account = survivor, kind = compute_ledger._kind_digest(survivor, compute_ledger._kind_of(r.asked)) WHERE r.id = ANY (waiting);
		ELSE
			UPDATE compute_ledger.request AS r SET state = 'cancelled', cancelled_at = clock, reason = 'its account has ended' WHERE r.id = ANY (waiting);
		END IF;
		INSERT INTO compute_ledger.request_change (request, action, at, pool, planned, reason)
		SELECT r.id, CASE WHEN survivor IS NOT NULL THEN 'follow' ELSE 'cancel' END, clock, r.pool, r.planned, CASE WHEN survivor IS NOT NULL THEN 'its account was merged into another' ELSE r.reason END
		FROM compute_ledger.request AS r WHERE r.id = ANY (waiting) ORDER BY r.id;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _follow_accounts(timestamptz) IS 'part of a pass, which holds the lock of queue_pass: requests of an account that was merged are those of the account that it stands for; those of one that has ended are cancelled';

CREATE FUNCTION _schedule(now timestamptz DEFAULT NULL, horizon interval DEFAULT NULL)
	RETURNS TABLE (request bigint, booking bigint, account_name text, pool bigint, devices bigint, period tstzrange)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	role name := compute_ledger._calling_role();
	policed boolean;
	clock timestamptz;
	plans compute_ledger._request_plan[];
	p compute_ledger._request_plan;
	booking bigint;
	begun bigint[] := '{}';
	placed bigint[] := '{}';
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF horizon <= interval '0' OR horizon > interval '100 years' THEN
		PERFORM compute_ledger._refuse('22023', format('a pass looks ahead for some time, at most 100 years: %s', horizon));
	END IF;
	-- what is planned beyond it would be lost for others
	IF horizon IS NOT NULL AND NOT compute_ledger._has_access('admin', role) THEN
		PERFORM compute_ledger._refuse('42501', 'only admins say how far ahead a pass plans', hint => 'Leave argument horizon out.');
	END IF;
	policed := compute_ledger._lock_policy();
	PERFORM FROM compute_ledger.queue_pass FOR UPDATE;
	-- the clock of this pass is after that of the one before
	clock := compute_ledger._booking_clock(now);
	PERFORM compute_ledger._follow_accounts(clock);
	IF NOT EXISTS (SELECT FROM compute_ledger.request AS r WHERE r.state = 'queued') THEN
		RETURN;
	END IF;
	PERFORM compute_ledger._judge_kinds(clock);
	plans := ARRAY(SELECT q FROM compute_ledger._plan_queue(clock, clock + coalesce(horizon, interval '100 years')) AS q);
	PERFORM compute_ledger._lock_for_booking(l.pool) FROM (SELECT DISTINCT q.pool FROM unnest(plans) AS q WHERE q.due ORDER BY q.pool) AS l;
	FOR p IN SELECT q.* FROM unnest(plans) AS q WHERE q.due ORDER BY q.request LOOP
		booking := compute_ledger._place_request(p.request, p, policed, clock);
		IF booking IS NOT NULL THEN
			begun := begun || p.request;
			placed := placed || booking;
		END IF;
	END LOOP;
	PERFORM compute_ledger._store_plans(plans, clock);
	UPDATE compute_ledger.queue_pass AS s
	SET passes = s.passes + 1, at = clock, waiting = cardinality(plans), begun = cardinality(placed), rounds = (plans[1]).rounds,
		seen = (SELECT jsonb_object_agg(o.id, o.changes) FROM compute_ledger.pool AS o);
	RETURN QUERY
	SELECT r.id, r.booking, a.name, r.pool, r.devices, r.planned
	FROM compute_ledger.request AS r JOIN compute_ledger.account AS a ON a.id = r.account
	WHERE r.id = ANY (begun) AND (compute_ledger._sees_everything(role) OR r.account IN (SELECT compute_ledger._bookable_accounts(role) UNION SELECT compute_ledger._visible_accounts(role)))
	ORDER BY r.id;
END
$$;
COMMENT ON FUNCTION _schedule(timestamptz, interval) IS 'what schedule() does';

CREATE FUNCTION schedule(now timestamptz DEFAULT NULL, horizon interval DEFAULT NULL)
	RETURNS TABLE (request bigint, booking bigint, account_name text, pool bigint, devices bigint, period tstzrange)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._schedule(now, horizon) AS t;
END
$$;
COMMENT ON FUNCTION schedule(timestamptz, interval) IS 'makes a pass of the queue: plans all requests that wait, by band, then by what their accounts have had for their shares, then by age, each to begin as early as delays nobody before it, and books, confirmed, what can begin now (at the first start of a slot from now on): of these it returns those of accounts that the caller sees or books for. Plans are stored, and are not booked. horizon: plans no further ahead than so long, at most 100 years (NULL: as far as the pools can be booked); for admins (42501). Passes follow one another; a second one at the same time waits, and finds nothing to do. For bookers, agents and admins. now: another time than the clock''s, by admins only (42501). 22023 a horizon that cannot be.';

CREATE FUNCTION _queue()
	RETURNS TABLE (place bigint, request bigint, band integer, account bigint, account_name text, submitted timestamptz, devices bigint, time_limit interval, work compute_unit,
		shares numeric[], had numeric[], pool bigint, planned tstzrange, latest timestamptz, head boolean, waits_for text, moved text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET enable_nestloop = off
AS $$
	-- as the last pass had it
	WITH pass AS MATERIALIZED (
		SELECT coalesce(s.at, 'epoch') AS at FROM compute_ledger.queue_pass AS s
	), figure AS MATERIALIZED (
		SELECT w.account, w.work + w.ahead AS had FROM pass AS s CROSS JOIN LATERAL compute_ledger._account_work(s.at) AS w
	), factor AS MATERIALIZED (
		SELECT p.account, array_agg(coalesce(s.shares, 1) ORDER BY a.place) AS shares, array_agg(coalesce(f.had, 0) ORDER BY a.place) AS had
		FROM pass AS c CROSS JOIN compute_ledger._account_path(NULL) AS p CROSS JOIN LATERAL unnest(p.path) WITH ORDINALITY AS a (id, place)
		LEFT JOIN compute_ledger.account_share AS s ON s.account = a.id AND upper_inf(s.recorded) AND s.valid @> c.at
		LEFT JOIN figure AS f ON f.account = a.id
		WHERE p.valid @> c.at AND p.account IN (SELECT r.account FROM compute_ledger.request AS r WHERE r.state = 'queued')
		GROUP BY p.account
	)
	SELECT row_number() OVER (ORDER BY r.band DESC, r.turn, r.submitted, r.id), r.id, r.band, r.account, a.name, r.submitted, r.devices, r.length, r.work,
		f.shares, f.had, r.pool, r.planned, least(r.latest, r.fixed), r.head, compute_ledger._waits_for(r.state, r.devices, r.not_before, r.pool, r.planned, r.turn), r.moved
	FROM compute_ledger.request AS r
	JOIN compute_ledger.account AS a ON a.id = r.account
	LEFT JOIN factor AS f ON f.account = r.account
	WHERE r.state = 'queued'
	ORDER BY 1
$$;
COMMENT ON FUNCTION _queue() IS 'what queue shows';
