-- Changing what may be booked: offers, maintenance, blackouts, outages, shares of guests, cards cut into slices.
--
-- What is planned does not take from what is booked: it is refused, or drains.  What has happened is always recorded, and
-- leaves the pool short.  Each change locks the pool first, and is judged from then on by the clock of bookings.

-- ------------------------------------------------------------------ the book under another limit

CREATE FUNCTION _limits_before(pool bigint, period tstzrange, at timestamptz, OUT judged tstzrange, OUT limits device_profile[])
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- nobody is in the way of what is over, nor beyond the last reservation
	SELECT tstzrange(b.starts, b.ends) INTO judged
	FROM (SELECT greatest(lower(_limits_before.period), at) AS starts, least(upper(_limits_before.period), max(upper(r.occupies))) AS ends
		FROM compute_ledger.reservation AS r
		WHERE r.pool = _limits_before.pool AND NOT isempty(r.occupies) AND upper(r.occupies) > greatest(lower(_limits_before.period), at)
		HAVING count(*) > 0) AS b
	WHERE b.starts < b.ends;
	limits := CASE WHEN judged IS NOT NULL THEN compute_ledger._judged_limits(pool, judged) END;
END
$$;
COMMENT ON FUNCTION _limits_before(bigint, tstzrange, timestamptz) IS 'before a change of what may be booked of a pool in a period: what of the period is yet to come and booked (NULL: nothing), and what may be booked then; for _settle_limits()';

CREATE FUNCTION _judged_limits(pool bigint, period tstzrange) RETURNS device_profile[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	-- What has happened may be over sooner: a plan is held to what was planned, too.
	SELECT array_agg(CASE WHEN NOT v.guests OR p.host IS NOT NULL
		THEN compute_ledger._pool_limit(p.id, $2, v.guests, v.happened) END ORDER BY v.guests, v.happened)
	FROM compute_ledger.pool AS p CROSS JOIN (VALUES (false, false), (false, true), (true, false), (true, true)) AS v (guests, happened)
	WHERE p.id = $1
$$;
COMMENT ON FUNCTION _judged_limits(bigint, tstzrange) IS 'what may be booked of a pool over a period: by all, as planned and as it is, and by guests (NULL: it has none), as planned and as it is';

CREATE FUNCTION _in_the_way(pool bigint, guests boolean, periods tstzmultirange, at timestamptz)
	RETURNS TABLE (reservation bigint, devices integer, period tstzrange, place bigint)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.id, r.devices, r.occupies, row_number() OVER (ORDER BY r.preempt_notice IS NULL, r.priority, r.booked DESC, r.id DESC)
	FROM compute_ledger.reservation AS r
	WHERE r.pool = $1 AND NOT isempty(r.occupies) AND upper(r.occupies) > lower($3) AND r.occupies && $3
		AND (r.guest OR NOT $2) AND NOT (r.state = 'held' AND r.held_until <= $4)
$$;
COMMENT ON FUNCTION _in_the_way(bigint, boolean, tstzmultirange, timestamptz) IS 'reservations of a pool, or those of guests, that take up some of it in some periods, in the order in which they are drained: preemptible ones first, then the lowest priority, then the latest booked';

CREATE FUNCTION _lock_pools(changed bigint[], booked bigint[]) RETURNS bigint[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	locked bigint[] := ARRAY(SELECT DISTINCT p FROM unnest(changed || booked) AS p ORDER BY p);
	next bigint;
BEGIN
	FOREACH next IN ARRAY locked LOOP
		IF (next = ANY (changed)) IS NOT FALSE THEN
			PERFORM compute_ledger._lock_pool(next);
			IF NOT compute_ledger._book_current(next) THEN
				PERFORM compute_ledger._refuse('40001', format('pool %s was booked after this transaction''s snapshot was taken', next), hint => 'Run the transaction again.');
			END IF;
		ELSE
			PERFORM FROM compute_ledger.pool AS p WHERE p.id = next FOR NO KEY UPDATE;
		END IF;
	END LOOP;
	RETURN locked;
END
$$;
COMMENT ON FUNCTION _lock_pools(bigint[], bigint[]) IS 'locks pools in order of number: some to change what may be booked of them, and others of which only what is booked changes; all that are locked. 40001 where one to be changed was booked since the transaction''s snapshot';

CREATE FUNCTION _drained_pools(pools bigint[], period tstzrange) RETURNS bigint[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(DISTINCT o.pool), '{}')
	FROM compute_ledger.reservation AS r JOIN compute_ledger.reservation AS o ON o.booking = r.booking
	WHERE r.pool = ANY ($1) AND NOT isempty(r.occupies) AND upper(r.occupies) > lower($2) AND r.occupies && $2
$$;
COMMENT ON FUNCTION _drained_pools(bigint[], tstzrange) IS 'where the pieces are of bookings that may be drained from pools in a period';

CREATE FUNCTION _drain(pool bigint, guests boolean, excess tstzmultirange, locked bigint[], reason text, at timestamptz) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	first record;
	piece record;
	ends timestamptz;
BEGIN
	SELECT w.reservation, w.period, r.state INTO STRICT first
	FROM compute_ledger._in_the_way(pool, guests, excess, at) AS w JOIN compute_ledger.reservation AS r ON r.id = w.reservation ORDER BY w.place LIMIT 1;
	-- a clock that was put back may find what has started, or ended, to come
	IF lower(first.period) <= at OR first.state NOT IN ('held', 'confirmed') THEN
		-- it goes on until it is in the way
		ends := greatest(lower(excess * tstzmultirange(first.period)), at);
		PERFORM compute_ledger._cut_reservation(first.reservation, ends, CASE WHEN first.state NOT IN ('held', 'confirmed', 'running') THEN first.state
			WHEN ends <= greatest(lower(first.period), at) THEN 'drained' END, 'drain', reason, at);
		RETURN NEXT first.reservation;
		RETURN;
	END IF;
	-- nobody asked for a part of it
	FOR piece IN
		SELECT o.id, o.pool, lower(o.period) AS starts
		FROM compute_ledger.reservation AS r JOIN compute_ledger.reservation AS o ON o.booking = r.booking
		WHERE r.id = first.reservation AND o.state IN ('held', 'confirmed') AND lower(o.period) > at
		ORDER BY o.id
	LOOP
		IF piece.pool <> ALL (locked) THEN
			PERFORM compute_ledger._refuse('40001', 'a booking over several pools was made meanwhile', hint => 'Run the transaction again.');
		END IF;
		PERFORM compute_ledger._cut_reservation(piece.id, piece.starts, 'drained', 'drain', reason, at);
		RETURN NEXT piece.id;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _drain(bigint, boolean, tstzmultirange, bigint[], text, timestamptz) IS 'drains the reservation of lowest priority, and then the latest booked, of those of a pool, or its guests, that take up some of it in some periods: it is given up if it has not begun, with all pieces of its booking that have not, and else ends where it is first in the way; the reservations drained. 40001 if a piece is in a pool that is not locked';

CREATE FUNCTION _settle_limits(pool bigint, judged tstzrange, limits device_profile[], locked bigint[], drain boolean, reason text, at timestamptz) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	allowed compute_ledger.device_profile[];
	lowered tstzmultirange;
	excess tstzmultirange;
	list text;
BEGIN
	IF judged IS NULL THEN
		RETURN;
	END IF;
	allowed := compute_ledger._judged_limits(pool, judged);
	FOR i IN 1 .. 4 LOOP
		lowered := compute_ledger.busy_ranges(limits[i] OPERATOR(compute_ledger.-) allowed[i]);
		CONTINUE WHEN isempty(lowered) IS NOT FALSE;
		LOOP
			excess := lowered * compute_ledger.busy_ranges(compute_ledger._book_level(pool, i > 2, judged, at) OPERATOR(compute_ledger.-) allowed[i]);
			EXIT WHEN isempty(excess);
			IF drain IS NOT TRUE THEN
				SELECT string_agg(format('%s (%s devices, %s)', w.reservation, w.devices, w.period), ', ' ORDER BY w.place) FILTER (WHERE w.place <= 20)
					|| CASE WHEN count(*) > 20 THEN format(' and %s more', count(*) - 20) ELSE '' END
				INTO list
				FROM compute_ledger._in_the_way(pool, i > 2, excess, at) AS w;
				PERFORM compute_ledger._refuse('LC023', format('pool %s would have fewer devices than are booked%s', pool, CASE WHEN i > 2 THEN ' by guests' ELSE '' END),
					detail => format('From %s on. Reservations in the way, in the order in which they would be drained: %s.', lower(excess), list),
					hint => 'drain => true gives them up, from the lowest priority and the latest booked on, until the rest fits.');
			END IF;
			RETURN QUERY SELECT d FROM compute_ledger._drain(pool, i > 2, excess, locked, reason, at) AS d;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _settle_limits(bigint, tstzrange, device_profile[], bigint[], boolean, text, timestamptz) IS 'after a change of what may be booked of a pool, with what _limits_before() said: where less may be booked than before and more is, drains, and returns the reservations drained, or refuses with the reservations in the way (LC023)';

-- ------------------------------------------------------------------ offers

CREATE FUNCTION _offer_devices(pool bigint, devices bigint, period tstzrange, drain boolean DEFAULT false, source text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number integer := compute_ledger._pool_devices(devices, 0);
	changed tstzrange := compute_ledger._pool_period(period, true);
	at timestamptz;
	before record;
	locked bigint[];
BEGIN
	PERFORM compute_ledger._require_ledger();
	locked := compute_ledger._lock_pools(ARRAY[pool], CASE WHEN drain THEN compute_ledger._drained_pools(ARRAY[pool], changed) END);
	at := compute_ledger._booking_clock(now);
	before := compute_ledger._limits_before(pool, changed, at);
	PERFORM compute_ledger._write_offer(pool, number, changed, source);
	RETURN QUERY SELECT s FROM compute_ledger._settle_limits(pool, before.judged, before.limits, locked, drain, 'fewer devices are offered', at) AS s;
END
$$;
COMMENT ON FUNCTION _offer_devices(bigint, bigint, tstzrange, boolean, text, timestamptz) IS 'what offer_devices() does';

CREATE FUNCTION offer_devices(pool bigint, devices bigint, period tstzrange, drain boolean DEFAULT false, source text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._offer_devices(pool, devices, period, drain, source, now) AS t;
END
$$;
COMMENT ON FUNCTION offer_devices(bigint, bigint, tstzrange, boolean, text, timestamptz) IS 'lets a pool offer so many devices, 0 to 1,000,000,000, in a period [start,end), or [start,) until further notice, in place of what it offered then; where nothing was said a pool offers nothing. Returns the reservations drained. LC023 where more is booked, from now on, than it would have, with the reservations in the way; drain => true drains these: preemptible ones first, from the lowest priority and then the latest booked on, until the rest fits, those that have not begun are given up, with all pieces of their bookings, and others end where they are in the way. 42704 unknown pool, 22023 devices or period that cannot be.';

CREATE FUNCTION _set_guest_share(pool bigint, share numeric, period tstzrange DEFAULT '(,)', drain boolean DEFAULT false, now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed tstzrange := CASE WHEN period = '(,)' THEN period ELSE compute_ledger._pool_period(period, true) END;
	at timestamptz;
	before record;
	locked bigint[];
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF (share BETWEEN 0 AND 1) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('share of guests %s is not from 0 to 1', coalesce(share::text, 'NULL')), hint => '1 does not limit them.');
	END IF;
	locked := compute_ledger._lock_pools(ARRAY[pool], CASE WHEN drain THEN compute_ledger._drained_pools(ARRAY[pool], changed) END);
	at := compute_ledger._booking_clock(now);
	before := compute_ledger._limits_before(pool, changed, at);
	PERFORM compute_ledger._cut_valid('compute_ledger.guest_share', pool, changed);
	INSERT INTO compute_ledger.guest_share (pool, share, valid)
	VALUES (_set_guest_share.pool, _set_guest_share.share, changed);
	RETURN QUERY SELECT s FROM compute_ledger._settle_limits(pool, before.judged, before.limits, locked, drain, 'a smaller share is for guests', at) AS s;
END
$$;
COMMENT ON FUNCTION _set_guest_share(bigint, numeric, tstzrange, boolean, timestamptz) IS 'what set_guest_share() does';

CREATE FUNCTION set_guest_share(pool bigint, share numeric, period tstzrange DEFAULT '(,)', drain boolean DEFAULT false, now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._set_guest_share(pool, share, period, drain, now) AS t;
END
$$;
COMMENT ON FUNCTION set_guest_share(bigint, numeric, tstzrange, boolean, timestamptz) IS 'sets the largest share, 0 to 1, of what may be booked of a pool at an instant that guests may hold together, always or in a period [start,end) or [start,): who is not of the subtree of the pool''s host. Where nothing is set they are not limited. Returns the reservations drained; drain, LC023, 42704 and 22023 as offer_devices() has them.';

-- ------------------------------------------------------------------ what is taken from it

CREATE FUNCTION _take_devices(pool bigint, kind text, devices integer, periods tstzrange[], reason text, reported boolean DEFAULT false) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number bigint := nextval('compute_ledger.pool_reduction_id_seq');
BEGIN
	INSERT INTO compute_ledger.pool_reduction (id, event, pool, kind, devices, valid, reason, reported)
	SELECT CASE p.place WHEN 1 THEN number ELSE nextval('compute_ledger.pool_reduction_id_seq') END, number,
		_take_devices.pool, _take_devices.kind, _take_devices.devices, p.period, _take_devices.reason, _take_devices.reported
	FROM unnest(periods) WITH ORDINALITY AS p (period, place);
	RETURN number;
END
$$;
COMMENT ON FUNCTION _take_devices(bigint, text, integer, tstzrange[], text, boolean) IS 'takes devices (NULL: all) from what a pool offers in some periods, and returns the number of that event';

CREATE FUNCTION _give_back_devices(event bigint, kinds text[], until timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- what was goes on to be known
	WITH ended AS (
		UPDATE compute_ledger.pool_reduction AS r SET withdrawn = compute_ledger._ledger_stamp()
		WHERE r.event = _give_back_devices.event AND r.kind = ANY (kinds) AND r.withdrawn = 'infinity' AND coalesce(upper(r.valid), 'infinity') > until
		RETURNING r.*
	)
	INSERT INTO compute_ledger.pool_reduction (event, pool, kind, devices, valid, reason, reported)
	SELECT e.event, e.pool, e.kind, e.devices, tstzrange(lower(e.valid), until), e.reason, e.reported
	FROM ended AS e WHERE lower(e.valid) < until;
END
$$;
COMMENT ON FUNCTION _give_back_devices(bigint, text[], timestamptz) IS 'ends what an event, of some kinds, takes from a pool, at an instant';

CREATE FUNCTION _plan_reduction(pool bigint, kind text, devices integer, periods tstzrange[], reason text, drain boolean, now timestamptz, OUT maintenance bigint, OUT drained bigint[])
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed tstzrange := tstzrange(lower(periods[1]), upper(periods[cardinality(periods)]));
	at timestamptz;
	before record;
	locked bigint[];
BEGIN
	PERFORM compute_ledger._require_ledger();
	locked := compute_ledger._lock_pools(ARRAY[pool], CASE WHEN drain THEN compute_ledger._drained_pools(ARRAY[pool], changed) END);
	at := compute_ledger._booking_clock(now);
	before := compute_ledger._limits_before(pool, changed, at);
	maintenance := compute_ledger._take_devices(pool, kind, devices, periods, reason);
	drained := ARRAY(SELECT s FROM compute_ledger._settle_limits(pool, before.judged, before.limits, locked, drain, concat_ws(': ', kind, reason), at) AS s);
END
$$;
COMMENT ON FUNCTION _plan_reduction(bigint, text, integer, tstzrange[], text, boolean, timestamptz) IS 'plans to take devices (NULL: all) from a pool in some periods, in order; the number of that event and the reservations drained; LC023 as offer_devices()';

CREATE FUNCTION _plan_maintenance(pool bigint, devices bigint, period tstzrange, reason text DEFAULT NULL, drain boolean DEFAULT false, now timestamptz DEFAULT NULL)
	RETURNS TABLE (maintenance bigint, drained bigint[])
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT p.* FROM compute_ledger._plan_reduction(pool, 'maintenance', compute_ledger._pool_devices(devices, 1),
		ARRAY[compute_ledger._pool_period(period, true)], reason, drain, now) AS p;
END
$$;
COMMENT ON FUNCTION _plan_maintenance(bigint, bigint, tstzrange, text, boolean, timestamptz) IS 'what plan_maintenance() does';

CREATE FUNCTION plan_maintenance(pool bigint, devices bigint, period tstzrange, reason text DEFAULT NULL, drain boolean DEFAULT false, now timestamptz DEFAULT NULL)
	RETURNS TABLE (maintenance bigint, drained bigint[])
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._plan_maintenance(pool, devices, period, reason, drain, now) AS t;
END
$$;
COMMENT ON FUNCTION plan_maintenance(bigint, bigint, tstzrange, text, boolean, timestamptz) IS 'plans that so many devices of a pool, 1 to 1,000,000,000, are not there in a period [start,end), or [start,) until further notice; with others that overlap they add up. Its number, for cancel_maintenance(), and the reservations drained; drain, LC023, 42704 and 22023 as offer_devices() has them.';

CREATE FUNCTION _recurring_periods(days daterange, from_time time, to_time time, time_zone text, weekdays integer[]) RETURNS tstzrange[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	periods tstzrange[];
BEGIN
	IF days IS NULL OR isempty(days) OR (isfinite(lower(days)) AND isfinite(upper(days))) IS NOT TRUE OR upper(days) - lower(days) > 3660 THEN
		PERFORM compute_ledger._refuse('22023', format('what recurs needs its first and its last day, at most 3660 days in all, not %s', coalesce(days::text, 'NULL')));
	ELSIF (from_time <> to_time) IS NOT TRUE OR time_zone IS NULL THEN
		PERFORM compute_ledger._refuse('22023', format('what recurs needs two times of the day and a time zone, not %s to %s in %s', coalesce(from_time::text, 'NULL'), coalesce(to_time::text, 'NULL'), coalesce(time_zone, 'NULL')));
	ELSIF NOT EXISTS (SELECT FROM pg_timezone_names AS z WHERE z.name = time_zone) THEN
		PERFORM compute_ledger._refuse('22023', format('unknown time zone: "%s"', time_zone), hint => 'Zones have names such as America/New_York.');
	ELSIF weekdays = '{}' OR NOT weekdays <@ '{1,2,3,4,5,6,7}' THEN
		PERFORM compute_ledger._refuse('22023', format('days of the week are 1 (Monday) to 7 (Sunday), not %s', weekdays), hint => 'NULL means every day.');
	END IF;
	SELECT array_agg(p.period ORDER BY p.period) INTO periods
	FROM generate_series(lower(days)::timestamp, upper(days) - 1, interval '1 day') AS d (day)
	CROSS JOIN LATERAL (SELECT compute_ledger._local_start(d.day + from_time, time_zone) AS starts,
		compute_ledger._local_start(d.day + CASE WHEN to_time < from_time THEN interval '1 day' ELSE interval '0' END + to_time, time_zone) AS ends) AS i
	-- where the clock is put forward over all of it there is nothing
	CROSS JOIN LATERAL (SELECT CASE WHEN i.starts < i.ends THEN tstzrange(i.starts, i.ends) END AS period) AS p
	WHERE p.period IS NOT NULL AND (extract(isodow FROM d.day) = ANY (weekdays)) IS NOT FALSE;
	IF periods IS NULL THEN
		PERFORM compute_ledger._refuse('22023', format('there is no such time in %s', days));
	END IF;
	RETURN periods;
END
$$;
COMMENT ON FUNCTION _recurring_periods(daterange, time, time, text, integer[]) IS 'the periods from one time of the day to another, of the next day if that is before the first, on the days of a range that are such days of the week (1 Monday to 7 Sunday; NULL: all): each end is a local time in the zone, resolved by itself';

CREATE FUNCTION _plan_maintenance(pool bigint, devices bigint, days daterange, from_time time, to_time time, time_zone text, weekdays integer[] DEFAULT NULL,
	reason text DEFAULT NULL, drain boolean DEFAULT false, now timestamptz DEFAULT NULL)
	RETURNS TABLE (maintenance bigint, drained bigint[])
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT p.* FROM compute_ledger._plan_reduction(pool, 'maintenance', compute_ledger._pool_devices(devices, 1),
		compute_ledger._recurring_periods(days, from_time, to_time, time_zone, weekdays), reason, drain, now) AS p;
END
$$;
COMMENT ON FUNCTION _plan_maintenance(bigint, bigint, daterange, time, time, text, integer[], text, boolean, timestamptz) IS 'what plan_maintenance() does';

CREATE FUNCTION plan_maintenance(pool bigint, devices bigint, days daterange, from_time time, to_time time, time_zone text, weekdays integer[] DEFAULT NULL,
	reason text DEFAULT NULL, drain boolean DEFAULT false, now timestamptz DEFAULT NULL)
	RETURNS TABLE (maintenance bigint, drained bigint[])
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._plan_maintenance(pool, devices, days, from_time, to_time, time_zone, weekdays, reason, drain, now) AS t;
END
$$;
COMMENT ON FUNCTION plan_maintenance(bigint, bigint, daterange, time, time, text, integer[], text, boolean, timestamptz) IS 'plans maintenance that recurs: on the days of a range of at most 3660, or those of them that are such days of the week (1 Monday to 7 Sunday), from one wall-clock time to another, of the next day if that is earlier, in a named zone. Start and end are resolved each by itself and stored as instants: a time that the clock skips is as long after the skip''s start as it is past it on the clock, of one that it shows twice the second is meant. One number stands for all; the rest is as of a single one.';

CREATE FUNCTION _plan_blackout(pool bigint, period tstzrange, reason text DEFAULT NULL, drain boolean DEFAULT false, now timestamptz DEFAULT NULL)
	RETURNS TABLE (maintenance bigint, drained bigint[])
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT p.* FROM compute_ledger._plan_reduction(pool, 'blackout', NULL, ARRAY[compute_ledger._pool_period(period, true)], reason, drain, now) AS p;
END
$$;
COMMENT ON FUNCTION _plan_blackout(bigint, tstzrange, text, boolean, timestamptz) IS 'what plan_blackout() does';

CREATE FUNCTION plan_blackout(pool bigint, period tstzrange, reason text DEFAULT NULL, drain boolean DEFAULT false, now timestamptz DEFAULT NULL)
	RETURNS TABLE (maintenance bigint, drained bigint[])
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._plan_blackout(pool, period, reason, drain, now) AS t;
END
$$;
COMMENT ON FUNCTION plan_blackout(bigint, tstzrange, text, boolean, timestamptz) IS 'plans that nothing of a pool can be booked in a period, whatever it offers; the rest is as of plan_maintenance(), and cancel_maintenance() takes it back';

CREATE FUNCTION _plan_blackout(pool bigint, days daterange, from_time time, to_time time, time_zone text, weekdays integer[] DEFAULT NULL,
	reason text DEFAULT NULL, drain boolean DEFAULT false, now timestamptz DEFAULT NULL)
	RETURNS TABLE (maintenance bigint, drained bigint[])
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT p.* FROM compute_ledger._plan_reduction(pool, 'blackout', NULL,
		compute_ledger._recurring_periods(days, from_time, to_time, time_zone, weekdays), reason, drain, now) AS p;
END
$$;
COMMENT ON FUNCTION _plan_blackout(bigint, daterange, time, time, text, integer[], text, boolean, timestamptz) IS 'what plan_blackout() does';

CREATE FUNCTION plan_blackout(pool bigint, days daterange, from_time time, to_time time, time_zone text, weekdays integer[] DEFAULT NULL,
	reason text DEFAULT NULL, drain boolean DEFAULT false, now timestamptz DEFAULT NULL)
	RETURNS TABLE (maintenance bigint, drained bigint[])
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._plan_blackout(pool, days, from_time, to_time, time_zone, weekdays, reason, drain, now) AS t;
END
$$;
COMMENT ON FUNCTION plan_blackout(bigint, daterange, time, time, text, integer[], text, boolean, timestamptz) IS 'plans blackouts that recur, by days, wall-clock times and a named zone, as plan_maintenance() has them; the rest is as of a single one';

CREATE FUNCTION _cancel_maintenance(maintenance bigint, now timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	whose bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	SELECT r.pool INTO whose FROM compute_ledger.pool_reduction AS r
	WHERE r.event = maintenance AND r.kind IN ('maintenance', 'blackout') LIMIT 1;
	IF whose IS NULL THEN
		PERFORM compute_ledger._refuse('42704', format('maintenance %s does not exist', coalesce(maintenance::text, 'NULL')), hint => 'Numbers are those that plan_maintenance() and plan_blackout() returned: column event of pool_reduction.');
	END IF;
	PERFORM compute_ledger._lock_pool(whose);
	PERFORM compute_ledger._give_back_devices(maintenance, '{maintenance,blackout}', compute_ledger._booking_clock(now));
END
$$;
COMMENT ON FUNCTION _cancel_maintenance(bigint, timestamptz) IS 'what cancel_maintenance() does';

CREATE FUNCTION cancel_maintenance(maintenance bigint, now timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._cancel_maintenance(maintenance, now);
END
$$;
COMMENT ON FUNCTION cancel_maintenance(bigint, timestamptz) IS 'takes back what is still to come of a maintenance or a blackout, all that recurs included; what has begun ends now, and what is over stays. 42704 for a number that is none.';

-- ------------------------------------------------------------------ what has happened

CREATE FUNCTION _check_agent(pool bigint) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- a pool of another's and one that is not there are refused alike
	IF NOT EXISTS (SELECT FROM compute_ledger.pool AS p
		WHERE p.id = _check_agent.pool AND p.region IN (SELECT compute_ledger._agent_regions(compute_ledger._calling_role())))
	THEN
		PERFORM compute_ledger._refuse('42704', format('pool %s does not exist, or is not in a region that you answer for', coalesce(pool::text, 'NULL')), hint => 'grant_access(role, ''agent'', region => ...) gives a region.');
	END IF;
END
$$;
COMMENT ON FUNCTION _check_agent(bigint) IS 'refuses (42704) a pool for which the calling role is no agent';

CREATE FUNCTION _record_outage(pool bigint, devices bigint, period tstzrange, reason text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number integer := compute_ledger._pool_devices(devices, 1);
	changed tstzrange := compute_ledger._pool_period(period, true);
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._check_agent(pool);
	PERFORM compute_ledger._lock_pool(pool);
	IF lower(changed) > compute_ledger._booking_clock(now) THEN
		PERFORM compute_ledger._refuse('22023', format('an outage has happened, and cannot begin at %s', lower(changed)), hint => 'What is to come is planned: plan_maintenance().');
	END IF;
	RETURN compute_ledger._take_devices(pool, 'outage', number, ARRAY[changed], reason);
END
$$;
COMMENT ON FUNCTION _record_outage(bigint, bigint, tstzrange, text, timestamptz) IS 'what record_outage() does';

CREATE FUNCTION record_outage(pool bigint, devices bigint, period tstzrange, reason text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._record_outage(pool, devices, period, reason, now);
END
$$;
COMMENT ON FUNCTION record_outage(bigint, bigint, tstzrange, text, timestamptz) IS 'records that so many devices of a pool, 1 to 1,000,000,000, have failed, from an instant that is not to come, until one at which they are expected back or, [start,), until further notice; its number, for end_outage(). It is recorded whatever is booked: short_reservations() lists what is in its way. For admins, and agents of the pool''s region. 42704 unknown pool, 22023 devices or period that cannot be.';

CREATE FUNCTION _end_outage(outage bigint, at timestamptz DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	whose bigint;
	clock timestamptz;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF NOT isfinite(at) THEN
		PERFORM compute_ledger._refuse('22023', format('an outage does not end at %s', at));
	END IF;
	SELECT r.pool INTO whose FROM compute_ledger.pool_reduction AS r
	WHERE r.event = outage AND r.kind = 'outage' LIMIT 1;
	IF whose IS NULL THEN
		PERFORM compute_ledger._refuse('42704', format('outage %s does not exist', coalesce(outage::text, 'NULL')), hint => 'Numbers are those that record_outage() returned: column event of pool_reduction.');
	END IF;
	PERFORM compute_ledger._check_agent(whose);
	PERFORM compute_ledger._lock_pool(whose);
	clock := compute_ledger._booking_clock(now);
	PERFORM compute_ledger._give_back_devices(outage, '{outage}', coalesce(at, clock));
END
$$;
COMMENT ON FUNCTION _end_outage(bigint, timestamptz, timestamptz) IS 'what end_outage() does';

CREATE FUNCTION end_outage(outage bigint, at timestamptz DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._end_outage(outage, at, now);
END
$$;
COMMENT ON FUNCTION end_outage(bigint, timestamptz, timestamptz) IS 'says that an outage is over at an instant (NULL: now), at its start: that there was none; one that ends before stays as it is. For admins, and agents of the pool''s region. 42704 for a number that is none.';

-- ------------------------------------------------------------------ what is short

CREATE FUNCTION _excess(pool bigint, guests boolean, period tstzrange, at timestamptz) RETURNS tstzmultirange
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN compute_ledger.busy_ranges(compute_ledger._book_level(pool, guests, period, at)
		OPERATOR(compute_ledger.-) compute_ledger._pool_limit(pool, period, guests));
END
$$;
COMMENT ON FUNCTION _excess(bigint, boolean, tstzrange, timestamptz) IS 'when in a period that has an end more of a pool is booked, by guests or by all, than may be';

CREATE FUNCTION _short_reservations(pool bigint, period tstzrange DEFAULT NULL, now timestamptz DEFAULT NULL)
	RETURNS TABLE (reservation bigint, devices integer, booked tstzrange, short tstzmultirange)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	at timestamptz := compute_ledger._booking_clock(now);
	before record;
	excess tstzmultirange;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF NOT (compute_ledger._sees_everything(compute_ledger._calling_role()) AND EXISTS (SELECT FROM compute_ledger.pool AS p WHERE p.id = _short_reservations.pool)) THEN
		PERFORM compute_ledger._check_agent(pool);
	END IF;
	before := compute_ledger._limits_before(pool, compute_ledger._pool_period(coalesce(period, tstzrange(at, NULL)), true), at);
	IF before.judged IS NULL THEN
		RETURN;
	END IF;
	excess := compute_ledger._excess(pool, false, before.judged, at)
		+ CASE WHEN before.limits[4] IS NULL THEN '{}' ELSE compute_ledger._excess(pool, true, before.judged, at) END;
	RETURN QUERY SELECT w.reservation, w.devices, w.period, excess * tstzmultirange(w.period)
	FROM compute_ledger._in_the_way(pool, false, excess, at) AS w
	ORDER BY w.place;
END
$$;
COMMENT ON FUNCTION _short_reservations(bigint, tstzrange, timestamptz) IS 'what short_reservations() does';

CREATE FUNCTION short_reservations(pool bigint, period tstzrange DEFAULT NULL, now timestamptz DEFAULT NULL)
	RETURNS TABLE (reservation bigint, devices integer, booked tstzrange, short tstzmultirange)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._short_reservations(pool, period, now) AS t;
END
$$;
COMMENT ON FUNCTION short_reservations(bigint, tstzrange, timestamptz) IS 'the reservations of a pool that take up some of it, from now on and in a period (NULL: any), where more is booked than may be, because of what has happened: their devices, what they take up, when in it the pool is short; in the order in which drain_reservations() would give them up. For billers, auditors and admins, and agents of the pool''s region.';

CREATE FUNCTION _drain_reservations(pool bigint, period tstzrange, reason text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed tstzrange := compute_ledger._pool_period(period, false);
	at timestamptz;
	before record;
	locked bigint[];
BEGIN
	PERFORM compute_ledger._require_ledger();
	locked := compute_ledger._lock_pools(ARRAY[pool], compute_ledger._drained_pools(ARRAY[pool], changed));
	at := compute_ledger._booking_clock(now);
	before := compute_ledger._limits_before(pool, changed, at);
	IF before.judged IS NOT NULL THEN
		-- as if it had only now become so little
		RETURN QUERY SELECT s FROM compute_ledger._settle_limits(pool, before.judged, ARRAY[NULL, compute_ledger._book_level(pool, false, before.judged, at),
			NULL, CASE WHEN before.limits[4] IS NOT NULL THEN compute_ledger._book_level(pool, true, before.judged, at) END], locked, true, coalesce(reason, 'the pool is short'), at) AS s;
	END IF;
END
$$;
COMMENT ON FUNCTION _drain_reservations(bigint, tstzrange, text, timestamptz) IS 'what drain_reservations() does';

CREATE FUNCTION drain_reservations(pool bigint, period tstzrange, reason text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._drain_reservations(pool, period, reason, now) AS t;
END
$$;
COMMENT ON FUNCTION drain_reservations(bigint, tstzrange, text, timestamptz) IS 'drains what of a pool is booked beyond what may be in a period [start,end), as an outage has left it, and returns the reservations drained, as offer_devices() with drain; nothing that begins after the period is. 42704 unknown pool, 22023 a period that cannot be.';

-- ------------------------------------------------------------------ cards cut into slices

CREATE FUNCTION _move_devices(from_pool bigint, to_pool bigint, devices bigint, "from" timestamptz, drain boolean DEFAULT false, now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cards integer := compute_ledger._pool_devices(devices, 1);
	changed tstzrange := compute_ledger._pool_period(tstzrange("from", NULL), true);
	given record;
	taken record;
	piece record;
	at timestamptz;
	before record;
	locked bigint[];
BEGIN
	PERFORM compute_ledger._require_ledger();
	locked := compute_ledger._lock_pools(ARRAY[from_pool, to_pool], CASE WHEN drain THEN compute_ledger._drained_pools(ARRAY[from_pool], changed) END);
	SELECT p.region, p.accelerator, compute_ledger._devices_per_card(p.accelerator) AS a_card INTO given FROM compute_ledger.pool AS p WHERE p.id = from_pool;
	SELECT p.region, p.accelerator, compute_ledger._devices_per_card(p.accelerator) AS a_card INTO taken FROM compute_ledger.pool AS p WHERE p.id = to_pool;
	IF from_pool = to_pool THEN
		PERFORM compute_ledger._refuse('22023', 'devices are moved from one pool to another');
	ELSIF given.region <> taken.region OR compute_ledger.accelerator_trunc('memory', given.accelerator) OPERATOR(compute_ledger.<>) compute_ledger.accelerator_trunc('memory', taken.accelerator) THEN
		PERFORM compute_ledger._refuse('22023', format('pools %s and %s are not of the same cards in the same region', from_pool, to_pool),
			detail => format('They are of %s and of %s.', given.accelerator, taken.accelerator));
	END IF;
	at := compute_ledger._booking_clock(now);
	before := compute_ledger._limits_before(from_pool, changed, at);
	IF NOT EXISTS (SELECT FROM compute_ledger.pool_offer AS o WHERE o.pool = from_pool AND upper_inf(o.recorded) AND o.valid @> "from" AND o.devices > 0) THEN
		PERFORM compute_ledger._refuse('22023', format('pool %s offers nothing at %s', from_pool, "from"));
	END IF;
	FOR piece IN
		SELECT o.devices, o.valid * changed AS valid, o.source FROM compute_ledger.pool_offer AS o
		WHERE o.pool = from_pool AND upper_inf(o.recorded) AND o.valid && changed AND o.devices > 0
		ORDER BY o.valid
	LOOP
		IF piece.devices < cards::bigint * given.a_card THEN
			PERFORM compute_ledger._refuse('22023', format('pool %s offers fewer than %s devices', from_pool, cards::bigint * given.a_card),
				detail => format('It offers %s in %s.', piece.devices, piece.valid));
		END IF;
		PERFORM compute_ledger._write_offer(from_pool, piece.devices - cards * given.a_card, piece.valid, piece.source);
		PERFORM compute_ledger._write_offer(to_pool, compute_ledger._pool_devices(o.devices + cards::bigint * taken.a_card, 0), o.valid, o.source)
		FROM (
			SELECT o.devices, o.valid * piece.valid AS valid, o.source FROM compute_ledger.pool_offer AS o
			WHERE o.pool = to_pool AND upper_inf(o.recorded) AND o.valid && piece.valid
			UNION ALL
			SELECT 0, g.valid, piece.source
			FROM unnest(tstzmultirange(piece.valid) - (SELECT coalesce(range_agg(o.valid), '{}') FROM compute_ledger.pool_offer AS o
				WHERE o.pool = to_pool AND upper_inf(o.recorded))) AS g (valid)
		) AS o;
	END LOOP;
	RETURN QUERY SELECT s FROM compute_ledger._settle_limits(from_pool, before.judged, before.limits, locked, drain, 'cards are moved to another pool', at) AS s;
END
$$;
COMMENT ON FUNCTION _move_devices(bigint, bigint, bigint, timestamptz, boolean, timestamptz) IS 'what move_devices() does';

CREATE FUNCTION move_devices(from_pool bigint, to_pool bigint, devices bigint, "from" timestamptz, drain boolean DEFAULT false, now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._move_devices(from_pool, to_pool, devices, "from", drain, now) AS t;
END
$$;
COMMENT ON FUNCTION move_devices(bigint, bigint, bigint, timestamptz, boolean, timestamptz) IS 'moves whole cards from what one pool offers to what another of the same cards in the same region offers, from an instant on and as long as the first offers them: cards that are cut into slices of another profile, or put together, or given to another partition. A pool of a MIG profile offers as many slices more or less as a card makes (LC004 where that is not known); what is left over of a card is in no pool. Both pools change or neither. Returns the reservations drained; drain, LC023, 42704 and 22023 as offer_devices() has them, 22023 also for pools of other cards, and where the first offers fewer.';
