-- Requests that wait: submitting, cancelling, explaining.

CREATE FUNCTION _request_change_guard() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._refuse('23001', 'the history of requests does not change');
END
$$;
COMMENT ON FUNCTION _request_change_guard() IS 'trigger, BEFORE UPDATE OR DELETE OR TRUNCATE of request_change: refuses (23001)';

-- ------------------------------------------------------------------ kinds

CREATE FUNCTION _kind_of(asked placement_request) RETURNS placement_request
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- work is of this kind by its basis
	asked.basis := CASE WHEN asked.work IS NOT NULL THEN asked.basis END;
	asked.devices := NULL;
	asked.time_limit := NULL;
	asked.work := NULL;
	asked.not_before := NULL;
	asked.deadline := NULL;
	asked.max_cost := NULL;
	asked.delay_value := NULL;
	RETURN asked;
END
$$;
COMMENT ON FUNCTION _kind_of(placement_request) IS 'of a request what says in which pools it may run: without how much, how long, when and how dear it may be in all';

CREATE FUNCTION _kind_digest(account bigint, kind placement_request) RETURNS bytea
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET datestyle = 'ISO, MDY'
	SET intervalstyle = 'postgres'
	SET timezone = 'UTC'
	RETURN sha256(convert_to(account || ' ' || kind::text, 'UTF8'));
COMMENT ON FUNCTION _kind_digest(bigint, placement_request) IS 'SHA-256 of an account and a kind of request';

CREATE FUNCTION _kind_stamp() RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT concat_ws(' ', (SELECT v.version FROM compute_ledger.policy_version AS v),
		(SELECT md5(string_agg(concat_ws(' ', p.id, p.granule, p.slot_minutes, p.host, p.link_class, p.doubted IS NOT NULL), ',' ORDER BY p.id)) FROM compute_ledger.pool AS p),
		(SELECT count(*) || ' ' || max(lower(p.recorded)) FROM compute_ledger.price AS p WHERE upper_inf(p.recorded)),
		(SELECT count(*) || ' ' || max(lower(l.recorded)) FROM compute_ledger.region_link AS l WHERE upper_inf(l.recorded)),
		(SELECT md5(string_agg(format('%L %L %s', e.workload, e.link_class, e.efficiency), ',' ORDER BY e.workload, e.link_class)) FROM compute_ledger.scaling_efficiency AS e WHERE e.sites = 1))
$$;
COMMENT ON FUNCTION _kind_stamp() IS 'the state of what says in which pools requests may run, as a text that changes with it: policies, and the trees of accounts and regions; pools; prices; links of regions; efficiencies';

CREATE FUNCTION _still_judged(judged timestamptz, at timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- it says what is known up to the horizon; what is planned is not beyond a part of that
	RETURN judged <= at AND judged > at - least(interval '30 days', (SELECT min(p.horizon) / 4 FROM compute_ledger.pool AS p));
END
$$;
COMMENT ON FUNCTION _still_judged(timestamptz, timestamptz) IS 'whether what was worked out of a kind as of an instant serves another one';

CREATE FUNCTION _kind_fits(account bigint, kind placement_request, at timestamptz)
	RETURNS TABLE (pool bigint, allowed tstzrange, guest boolean, delay interval, price numeric, worst numeric, currency text, transfer numeric, speed compute_rate)
	LANGUAGE plpgsql STABLE ROWS 50
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	pools compute_ledger._placement_pool[] := ARRAY(SELECT p FROM unnest(compute_ledger._request_pools(account, kind, at)) AS p WHERE p.reason IS NULL);
BEGIN
	RETURN QUERY
	WITH hour AS MATERIALIZED (
		-- at each of its prices
		SELECT row_number() OVER () AS n, p.pool, p.granule, s.valid, s.hourly, x.starts, x.ends
		FROM unnest(pools) AS p
		CROSS JOIN LATERAL unnest(p.priced, p.hourly) AS s (valid, hourly)
		CROSS JOIN LATERAL (SELECT greatest(lower(s.valid), p.ready) AS starts, least(upper(s.valid), greatest(lower(s.valid), p.ready) + interval '1 hour') AS ends) AS x
		WHERE x.starts < x.ends
	), level AS MATERIALIZED (
		-- what has tiers, or packages, is as dear as that hour may be; else it is not rounded
		SELECT h.pool, h.valid, CASE WHEN abs(d.worst - h.hourly) < 0.000001 THEN h.hourly ELSE d.worst END AS price, d.worst
		FROM hour AS h
		JOIN compute_ledger._compute_costs(pools, ARRAY(SELECT ROW(o.n, o.pool, o.granule, o.starts, o.ends)::compute_ledger._offer_piece FROM hour AS o)) AS c ON c.offer = h.n
		CROSS JOIN LATERAL (SELECT c.worst * 3600 / (h.granule * extract(epoch FROM h.ends - h.starts)) AS worst) AS d
	), step AS (
		-- of many prices not each
		SELECT l.pool, max(l.price) AS price
		FROM (SELECT l.pool, l.price, ntile(16) OVER (PARTITION BY l.pool ORDER BY l.price) AS part FROM (SELECT DISTINCT l.pool, l.price FROM level AS l WHERE l.price <= coalesce(kind.ceiling, l.price)) AS l) AS l
		GROUP BY l.pool, l.part
	), cheap AS (
		-- while it is no dearer
		SELECT s.pool, s.price, range_agg(l.valid) AS valid
		FROM step AS s JOIN level AS l ON l.pool = s.pool AND l.price <= s.price
		GROUP BY s.pool, s.price
	), dear AS (
		SELECT l.pool, max(l.worst) AS worst FROM level AS l GROUP BY l.pool
	)
	SELECT DISTINCT ON (p.pool, x.allowed) p.pool, x.allowed, p.guest, CASE WHEN kind.data_gb > 0 THEN p.ready - at ELSE interval '0' END, c.price, d.worst, p.currency,
		p.data_price * kind.data_gb + p.results_price * kind.results_gb, CASE WHEN kind.basis IS NOT NULL THEN p.rate OPERATOR(compute_ledger.*) (compute_ledger._pool_efficiencies(kind, p.link_class))[1] END
	FROM unnest(pools) AS p
	JOIN cheap AS c ON c.pool = p.pool
	JOIN dear AS d ON d.pool = p.pool
	CROSS JOIN LATERAL unnest(p.allowed * c.valid) AS a (span)
	CROSS JOIN LATERAL (SELECT tstzrange(CASE WHEN lower(a.span) > p.ready THEN lower(a.span) END, CASE WHEN upper(a.span) < p.until THEN upper(a.span) END) AS allowed) AS x
	ORDER BY p.pool, x.allowed, c.price;
END
$$;
COMMENT ON FUNCTION _kind_fits(bigint, placement_request, timestamptz) IS 'where and when requests of a kind may run, as request_fit has it, at an instant of the clock of bookings';

CREATE FUNCTION _judge_kinds(at timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stamp_now text := compute_ledger._kind_stamp();
	k record;
BEGIN
	INSERT INTO compute_ledger.request_kind (digest, account, asked)
	SELECT DISTINCT ON (r.kind) r.kind, r.account, compute_ledger._kind_of(r.asked)
	FROM compute_ledger.request AS r
	WHERE r.state = 'queued' AND NOT EXISTS (SELECT FROM compute_ledger.request_kind AS o WHERE o.digest = r.kind);
	-- what nobody waits for, and may have changed, is worked out when it is asked for again
	FOR k IN
		SELECT o.id FROM compute_ledger.request_kind AS o
		WHERE (o.stamp = stamp_now AND compute_ledger._still_judged(o.judged, at)) IS NOT TRUE
			AND o.digest NOT IN (SELECT r.kind FROM compute_ledger.request AS r WHERE r.state = 'queued')
		ORDER BY o.id
	LOOP
		DELETE FROM compute_ledger.request_fit AS f WHERE f.kind = k.id;
		DELETE FROM compute_ledger.request_kind AS o WHERE o.id = k.id;
	END LOOP;
	FOR k IN
		SELECT o.* FROM compute_ledger.request_kind AS o
		WHERE (o.stamp = stamp_now AND compute_ledger._still_judged(o.judged, at)) IS NOT TRUE
			AND EXISTS (SELECT FROM compute_ledger.request AS r WHERE r.state = 'queued' AND r.kind = o.digest)
			-- of an account that comes again once it has come
			AND EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE v.account = o.account AND upper_inf(v.recorded) AND v.valid @> at)
		ORDER BY o.id
	LOOP
		DELETE FROM compute_ledger.request_fit AS f WHERE f.kind = k.id;
		INSERT INTO compute_ledger.request_fit (kind, pool, allowed, guest, delay, price, worst, currency, transfer, speed)
		SELECT k.id, f.pool, f.allowed, f.guest, f.delay, f.price, f.worst, f.currency, f.transfer, f.speed FROM compute_ledger._kind_fits(k.account, k.asked, at) AS f;
		UPDATE compute_ledger.request_kind AS o SET judged = at, stamp = stamp_now WHERE o.id = k.id;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _judge_kinds(timestamptz) IS 'part of a pass, which holds the lock of queue_pass: works out anew where requests that wait may run, of kinds of which that is not known, or may have changed';

-- ------------------------------------------------------------------ submitting

CREATE FUNCTION _fitting(account bigint, asked placement_request, at timestamptz, OUT devices bigint, OUT fault text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	kind compute_ledger.placement_request := compute_ledger._kind_of(asked);
	cached bigint := (SELECT k.id FROM compute_ledger.request_kind AS k
		WHERE k.digest = compute_ledger._kind_digest(account, kind) AND k.stamp = compute_ledger._kind_stamp() AND compute_ledger._still_judged(k.judged, at));
	starts timestamptz := greatest(at, asked.not_before);
	f record;
	most bigint := 0;
	wide bigint;
	most_cost numeric;
	tried bigint[] := '{}';
BEGIN
	FOR f IN
		SELECT k.*, p.granule, p.slot_minutes, date_bin(make_interval(mins => p.slot_minutes), at + p.horizon, '2000-01-01 00:00+00') AS until
		FROM (
			SELECT c.pool, c.allowed, c.guest, c.delay, c.price, c.transfer, c.speed FROM compute_ledger.request_fit AS c WHERE c.kind = cached
			UNION ALL
			SELECT n.pool, n.allowed, n.guest, n.delay, n.price, n.transfer, n.speed FROM compute_ledger._kind_fits(account, kind, at) AS n WHERE cached IS NULL
		) AS k
		JOIN compute_ledger.pool AS p ON p.id = k.pool
		ORDER BY k.pool, k.allowed
	LOOP
		DECLARE
			span tstzrange := f.allowed * tstzrange(greatest(starts, at + f.delay), greatest(least(f.until, asked.deadline), starts, at + f.delay));
			offered compute_ledger.device_profile := CASE WHEN NOT isempty(span) THEN compute_ledger._pool_limit(f.pool, span, f.guest) END;
			length interval;
			cost numeric;
		BEGIN
			tried := tried || f.pool;
			most := greatest(most, compute_ledger.peak(offered)::bigint);
			-- a number that was asked for, or the fewest that keep the deadline
			wide := coalesce(asked.devices, f.granule);
			WHILE offered IS NOT NULL AND wide <= compute_ledger.peak(offered) AND wide % f.granule = 0 LOOP
				length := compute_ledger._placement_length(asked, f.speed, wide, 1, f.slot_minutes);
				cost := f.price * wide * extract(epoch FROM length) / 3600 + f.transfer;
				IF cost > asked.max_cost THEN
					most_cost := least(most_cost, cost);
				ELSIF compute_ledger.earliest_fit(offered, wide, length, span) IS NOT NULL AND wide < coalesce(devices, wide + 1) THEN
					devices := wide;
					EXIT;
				END IF;
				EXIT WHEN asked.devices IS NOT NULL;
				wide := wide * 2;
			END LOOP;
		END;
		EXIT WHEN devices = asked.devices;
	END LOOP;
	IF devices IS NULL THEN
		fault := CASE WHEN asked.deadline <= starts THEN format('its deadline, %s, is over', asked.deadline)
			WHEN most_cost IS NOT NULL THEN format('it costs at least %s, and may cost %s', trim_scale(round(most_cost, 6)), asked.max_cost)
			WHEN asked.devices IS NULL AND most > 0 THEN format('no number of devices, up to %s, does it by %s', most, asked.deadline)
			WHEN most > 0 THEN format('no pool in which it may run offers %s devices for so long%s: at most %s at a time', asked.devices, ' before ' || asked.deadline, most)
			ELSE (SELECT string_agg(DISTINCT format('pool %s: %s', p.pool, p.reason), '; ') FROM (
				SELECT q.pool, x.reason
				FROM unnest(compute_ledger._request_pools(account, asked, at)) AS q
				-- what has tiers may have no reason there
				CROSS JOIN LATERAL (SELECT coalesce(q.reason, CASE WHEN asked.ceiling IS NOT NULL AND q.pool <> ALL (tried) THEN 'above the ceiling in its dearest tier' END) AS reason) AS x
				WHERE x.reason IS NOT NULL ORDER BY q.pool LIMIT 20) AS p) END;
		fault := coalesce(fault, 'no pool in which it may run can be had before ' || asked.deadline, 'there is no pool');
	END IF;
END
$$;
COMMENT ON FUNCTION _fitting(bigint, placement_request, timestamptz) IS 'whether a request of an account would have room in an empty pool: on how many devices, those it asks for, or else the fewest that keep its deadline; or the reason why not';

CREATE FUNCTION _submit_request(asked placement_request, band integer DEFAULT 0, request text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	clock timestamptz := compute_ledger._booking_clock(now);
	account_id bigint;
	scope text;
	call jsonb;
	answer jsonb;
	fits record;
	number bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF (band BETWEEN -1000000 AND 1000000) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('a band is from -1000000 to 1000000, not %s', coalesce(band::text, 'NULL')));
	ELSIF band > 0 AND NOT compute_ledger._has_access('admin', compute_ledger._calling_role()) THEN
		PERFORM compute_ledger._refuse('42501', 'a band above 0 is for admins to give');
	END IF;
	call := jsonb_build_array('submit', compute_ledger._request_said(asked), band);
	asked := compute_ledger._check_request(asked);
	account_id := compute_ledger._booking_account(asked.account, clock);
	IF request IS NOT NULL THEN
		scope := compute_ledger._request_scope(asked.account);
		-- one after the other: the same call may be at work
		PERFORM FROM compute_ledger.account AS a WHERE a.name = asked.account FOR NO KEY UPDATE;
		answer := compute_ledger._answered(scope, request, call);
		IF answer IS NOT NULL THEN
			RETURN (answer ->> 'request')::bigint;
		END IF;
	END IF;
	IF asked.preemptible THEN
		PERFORM compute_ledger._refuse('LC029', 'a preemptible request does not wait', hint => 'reserve() gives it idle capacity that there is.');
	ELSIF asked.sites > 1 THEN
		-- each piece is a request of its own, or reserve() divides it
		asked.sites := 1;
	END IF;
	fits := compute_ledger._fitting(account_id, asked, clock);
	IF fits.devices IS NULL THEN
		PERFORM compute_ledger._refuse('LC029', 'this request can never be placed', detail => fits.fault || '.', hint => 'quote() says of each pool what is in the way.');
	END IF;
	INSERT INTO compute_ledger.request (account, asked, kind, devices, length, work, not_before, max_cost, band, request, submitted)
	VALUES (account_id, asked, compute_ledger._kind_digest(account_id, compute_ledger._kind_of(asked)), fits.devices, asked.time_limit, asked.work, asked.not_before, asked.max_cost,
		band, request, clock)
	RETURNING id INTO number;
	INSERT INTO compute_ledger.request_change (request, action, at) VALUES (number, 'submit', clock);
	IF request IS NOT NULL THEN
		PERFORM compute_ledger._keep_answered(scope, request, call, jsonb_build_object('request', number));
	END IF;
	RETURN number;
END
$$;
COMMENT ON FUNCTION _submit_request(placement_request, integer, text, timestamptz) IS 'what submit_request() does';

CREATE FUNCTION submit_request(asked placement_request, band integer DEFAULT 0, request text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._submit_request(asked, band, request, now);
END
$$;
COMMENT ON FUNCTION submit_request(placement_request, integer, text, timestamptz) IS 'lets a request wait in the queue, and returns its number; schedule() plans and books it. It runs in one pool, and not preemptible. band, -1,000,000 to 1,000,000: a higher one is served first; above 0 for admins (42501). request: the caller''s id of the call; the same call again gets the same number. For bookers of the account and admins. LC029 if it can never be placed: no pool that it may run in would have room for it if it were empty, with the reason; LC006 unknown account, LC022 the id stood for another call, 22023 a request that cannot be. now: another time than the clock''s, by admins only (42501).';

-- ------------------------------------------------------------------ cancelling

CREATE FUNCTION _own_request(request bigint, readable boolean) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	role name := compute_ledger._calling_role();
BEGIN
	IF NOT EXISTS (SELECT FROM compute_ledger.request AS r WHERE r.id = _own_request.request
		AND (r.account IN (SELECT compute_ledger._bookable_accounts(role)) OR readable AND r.account IN (SELECT compute_ledger._visible_accounts(role))))
	THEN
		PERFORM compute_ledger._refuse('42704', format('request %s does not exist', coalesce(request::text, 'NULL')));
	END IF;
END
$$;
COMMENT ON FUNCTION _own_request(bigint, boolean) IS 'raises 42704 if there is no such request of an account that the calling role may book for, or, where readable, sees';

CREATE FUNCTION _cancel_request(request bigint, reason text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	clock timestamptz := compute_ledger._booking_clock(now);
	r record;
	said text;
BEGIN
	PERFORM compute_ledger._own_request(request, false);
	-- a pass may be booking it; whoever cancels it too waits here, and not where he has the pool
	SELECT o.state, o.booking INTO r FROM compute_ledger.request AS o WHERE o.id = _cancel_request.request FOR NO KEY UPDATE;
	IF r.state = 'cancelled' THEN
		RETURN 'cancelled already';
	END IF;
	said := 'cancelled';
	IF r.state = 'placed' THEN
		-- the first piece has the number of the booking
		said := compute_ledger._cancel_reservation(r.booking, reason, now);
		IF said <> 'cancelled' THEN
			RETURN said;
		END IF;
	END IF;
	UPDATE compute_ledger.request AS o SET state = 'cancelled', cancelled_at = clock, reason = _cancel_request.reason WHERE o.id = _cancel_request.request;
	INSERT INTO compute_ledger.request_change (request, action, at, pool, planned, reason)
	SELECT o.id, 'cancel', clock, o.pool, o.planned, o.reason FROM compute_ledger.request AS o WHERE o.id = _cancel_request.request;
	RETURN said;
END
$$;
COMMENT ON FUNCTION _cancel_request(bigint, text, timestamptz) IS 'what cancel_request() does';

CREATE FUNCTION cancel_request(request bigint, reason text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._cancel_request(request, reason, now);
END
$$;
COMMENT ON FUNCTION cancel_request(bigint, text, timestamptz) IS 'takes a request out of the queue: "cancelled", or "cancelled already"; one that was placed has its booking cancelled, as cancel_reservation() does and with what that says. For bookers of the account and admins; to all others there is none (42704). now: another time than the clock''s, by admins only (42501).';

-- ------------------------------------------------------------------ explaining

CREATE FUNCTION _request_state(state text, of_booking text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN state OPERATOR(pg_catalog.=) 'placed' THEN coalesce(nullif(of_booking, 'confirmed'), state) ELSE state END;
COMMENT ON FUNCTION _request_state(text, text) IS 'the state of a request, of its column and the state of its booking: once it is placed, what has become of that';

CREATE FUNCTION _waits_for(state text, devices bigint, not_before timestamptz, pool bigint, planned tstzrange, turn double precision) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN state <> 'queued' THEN NULL
		WHEN turn IS NULL THEN 'the next pass'
		WHEN planned IS NULL THEN 'room in a pool in which it may run'
		WHEN lower(planned) <= not_before THEN 'its earliest start'
		ELSE format('%s devices of pool %s', devices, pool) END
$$;
COMMENT ON FUNCTION _waits_for(text, bigint, timestamptz, bigint, tstzrange, double precision) IS 'what a request waits for, of its columns; NULL: it does not wait';

CREATE FUNCTION _explain_request(request bigint, now timestamptz DEFAULT NULL) RETURNS SETOF text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET datestyle = 'ISO, MDY'
AS $$
#variable_conflict use_column
DECLARE
	clock timestamptz := compute_ledger._booking_clock(now);
	r compute_ledger.request;
	before bigint;
	state_now text;
BEGIN
	PERFORM compute_ledger._own_request(request, true);
	SELECT * INTO r FROM compute_ledger.request AS o WHERE o.id = _explain_request.request;
	SELECT compute_ledger._request_state(r.state, compute_ledger._reservation_state(o.state, o.held_until, o.occupies, clock)) INTO state_now
	FROM compute_ledger.reservation AS o WHERE o.booking = r.booking ORDER BY o.id LIMIT 1;
	RETURN NEXT format('Request %s of "%s", submitted %s: %s devices for %s, band %s.', r.id, (r.asked).account, r.submitted, r.devices,
		coalesce(r.length::text, r.work::text), r.band);
	IF r.state = 'queued' AND NOT EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE v.account = r.account AND upper_inf(v.recorded) AND v.valid @> clock) THEN
		RETURN NEXT 'It is not planned: its account is not valid now.';
		RETURN;
	ELSIF r.state = 'placed' THEN
		RETURN NEXT format('It was booked at %s in pool %s for %s (booking %s), and is %s.', r.placed_at, r.pool, r.planned, r.booking, state_now);
		RETURN;
	ELSIF r.state = 'cancelled' THEN
		RETURN NEXT format('It was cancelled at %s%s.', r.cancelled_at, coalesce(': ' || r.reason, ''));
		RETURN;
	ELSIF r.turn IS NULL THEN
		RETURN NEXT 'It waits for the next pass of the queue.';
	ELSE
		SELECT count(*) INTO before FROM compute_ledger.request AS o WHERE o.state = 'queued' AND (o.band > r.band OR o.band = r.band AND o.turn < r.turn);
		RETURN NEXT format('%s requests are served before it.', before);
		IF r.planned IS NULL THEN
			RETURN NEXT format('It has no planned start: no pool in which it may run has room for it within its horizon%s.', ' and before its deadline, ' || (r.asked).deadline);
		ELSE
			RETURN NEXT format('It is planned in pool %s for %s: it waits for %s.', r.pool, r.planned, compute_ledger._waits_for(r.state, r.devices, r.not_before, r.pool, r.planned, r.turn));
			RETURN NEXT format('Requests of its band that come later do not push it beyond %s.', least(r.latest, r.fixed));
		END IF;
		IF r.moved IS NOT NULL THEN
			RETURN NEXT format('At %s it was planned later than it had been promised: %s.', r.moved_at, r.moved);
		END IF;
	END IF;
	RETURN QUERY
	SELECT format('Pool %s is out: %s.', p.pool, p.reason)
	FROM unnest(compute_ledger._request_pools(r.account, r.asked, clock)) AS p WHERE p.reason IS NOT NULL ORDER BY p.pool;
END
$$;
COMMENT ON FUNCTION _explain_request(bigint, timestamptz) IS 'what explain_request() does';

CREATE FUNCTION explain_request(request bigint, now timestamptz DEFAULT NULL) RETURNS SETOF text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._explain_request(request, now) AS t;
END
$$;
COMMENT ON FUNCTION explain_request(bigint, timestamptz) IS 'says of a request what has become of it, or how many are served before it, where and when it is planned, what it waits for, until when others may push it, why it was moved, and which pools are out for which reason: a line each, times in UTC. For bookers and readers of the account, billers, auditors and admins; to all others there is none (42704). now: another time than the clock''s, by admins only (42501).';
