-- Reservations: booking, and changing what is booked.
\set VERBOSITY terse
CREATE DATABASE regress_reservation;
\c regress_reservation
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SELECT create_ledger() IS NOT NULL;
SELECT create_account('acme', currency => 'USD'), create_account('lab', parent => 'acme'), create_account('zenith', currency => 'USD');
SELECT create_region('north') IS NOT NULL AND create_region('south') IS NOT NULL;

-- Runs a call at an instant of one day, 2027-01-01, with the arguments that are said; errors as they are.
CREATE FUNCTION at(clock text, call text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
	detail text;
	command text := format('SELECT x::text FROM compute_ledger.%s AS x', replace(replace(call, 'now', format('now => %L::timestamptz', '2027-01-01 ' || clock || 'Z')), '''[', '''[2027-01-01 '));
BEGIN
	RETURN QUERY EXECUTE regexp_replace(command, ',(\d)', ',2027-01-01 \1', 'g');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN NEXT concat_ws(': ', SQLSTATE, SQLERRM, nullif(detail, ''));
END
$$;
-- What is booked, by the days' and months' rows, beside the sum of reservations that overlap, at every instant at which something changes.
CREATE FUNCTION the_book_is_right() RETURNS boolean LANGUAGE sql AS $$
	WITH taken AS (
		SELECT r.pool, r.guest, s.period, s.level
		FROM reservation AS r
		CROSS JOIN LATERAL (
			SELECT r.occupies * tstzrange(r.since, NULL), r.devices::numeric
			UNION ALL
			SELECT r.occupies * e.period, e.level FROM steps(r.earlier) AS e
		) AS s (period, level)
		WHERE NOT isempty(s.period)
	), instant AS (
		SELECT pool, lower(period) AS at FROM taken UNION SELECT pool, upper(period) FROM taken
		UNION SELECT d.pool, d.day::timestamptz + n * interval '12 hours' FROM pool_day AS d, generate_series(0, 2) AS n
		UNION SELECT m.pool, m.month::timestamptz FROM pool_month AS m
	)
	SELECT bool_and(coalesce((SELECT sum(t.level) FROM taken AS t WHERE t.pool = i.pool AND t.period @> i.at AND (t.guest OR NOT g.guests)), 0)
		= level_at(_book_sum(i.pool, g.guests, tstzrange(i.at, i.at + interval '1 microsecond')), i.at)) IS NOT FALSE
		AND NOT EXISTS (SELECT FROM pool_day AS d WHERE d.peak <> d.base + coalesce(peak(d.profile), 0) OR d.base < 0)
	FROM instant AS i CROSS JOIN (VALUES (false), (true)) AS g (guests)
$$;
-- A new pool of so many devices.
CREATE FUNCTION make_pool(partition text, devices bigint, granule integer DEFAULT 1, slot_minutes integer DEFAULT 1, host text DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	pool bigint := create_pool('north', 'nvidia/h100-sxm5-80gb', partition => partition, granule => granule, slot_minutes => slot_minutes, host => host);
BEGIN
	PERFORM offer_devices(pool, devices, '[2027-01-01 00:00Z,)', now => '2026-12-31 00:00Z');
	RETURN pool;
END
$$;
-- Now and then a part of it is read, by number: what was booked so far.
CREATE FUNCTION reservations(pool bigint) RETURNS TABLE (id bigint, devices integer, occupies text, state text) LANGUAGE sql AS $$
	SELECT r.id, r.devices, CASE WHEN isempty(r.occupies) THEN 'nothing' ELSE to_char(lower(r.occupies), 'DD HH24:MI') || ' to ' || to_char(upper(r.occupies), 'DD HH24:MI') END, r.state
	FROM reservation AS r WHERE r.pool = reservations.pool ORDER BY r.id
$$;

-- ------------------------------------------------------------------ booking

\echo the peak of what overlaps counts, not the sum of it
SELECT make_pool('peak', 10) AS p \gset
SELECT at('07:00', format($$book('acme', %s, %s, '%s', now)$$, :p, b.devices, b.period)) FROM (VALUES (6, '[08:00,10:00)'), (6, '[10:00,12:00)'), (4, '[09:00,11:00)'), (1, '[09:00,11:00)')) AS b (devices, period);
\echo touching periods
SELECT make_pool('touching', 8) AS p \gset
SELECT at('07:00', format($$book('acme', %s, 8, '%s', now)$$, :p, b.period)) FROM (VALUES ('[09:00,13:00)'), ('[13:00,17:00)'), ('[12:59,17:00)'), ('[17:00,18:00)')) AS b (period);
SELECT sum(integral(_reservation_profile(r.occupies, r.since, r.devices, r.earlier))), the_book_is_right() FROM reservation AS r WHERE r.pool = :p;
\echo each fault by its name, and no row
SELECT make_pool('faults', 64, 8, 15) AS p \gset
SELECT call, at('07:01', call) FROM unnest(string_to_array(format($$book('acme', %1$s, 8, '[12:00,12:00)', now)
book('acme', %1$s, 0, '[12:00,13:00)', now)
book('acme', %1$s, -8, '[12:00,13:00)', now)
book('acme', %1$s, NULL, '[12:00,13:00)', now)
book('acme', %1$s, 12, '[12:00,13:00)', now)
book('acme', %1$s, 2147483648, '[12:00,13:00)', now)
book('acme', %1$s, 9223372036854775807, '[12:00,13:00)', now)
book('acme', %1$s, 1000000000, '[12:00,13:00)', now)
book('acme', %1$s, 72, '[12:00,13:00)', now)
book('acme', %1$s, 8, '[12:07,13:00)', now)
book('acme', %1$s, 8, '[12:00,13:07)', now)
book('acme', %1$s, 8, '[06:45,13:00)', now)
book('acme', %1$s, 8, '[06:00,07:00)', now)
book('acme', %1$s, 8, tstzrange(NULL, '2027-01-02'), now)
book('acme', %1$s, 8, tstzrange('2027-01-02', NULL), now)
book('acme', %1$s, 8, tstzrange('2027-01-02', 'infinity'), now)
book('acme', %1$s, 8, tstzrange('-infinity', '2027-01-02'), now)
book('acme', %1$s, 8, tstzrange('2027-01-02', '2027-01-03', '(]'), now)
book('acme', %1$s, 8, tstzrange('2027-01-02', '2028-01-03'), now)
book('acme', %1$s, 8, tstzrange('2027-01-02', '294276-01-03'), now)
book('acme', %1$s, 8, NULL::tstzrange, now)
book('acme', NULL::bigint, 8, '[12:00,13:00)', now)
book('acme', 4242, 8, '[12:00,13:00)', now)
book(NULL, %1$s, 8, '[12:00,13:00)', now)
book('nobody', %1$s, 8, '[12:00,13:00)', now)
book('acme', %1$s, 8, '[12:00,13:00)', priority => NULL, now)
book('acme', %1$s, 8, '[12:00,13:00)', confirmed => NULL, now)
book('acme', %1$s, 8, '[12:00,13:00)', hold => '0', now)
book('acme', %1$s, 8, '[12:00,13:00)', request => '', now)
book('acme', '{}'::compute_ledger.reservation_piece[], now)
book('acme', NULL::compute_ledger.reservation_piece[], now)
book('acme', ARRAY[NULL]::compute_ledger.reservation_piece[], now)
book('acme', ARRAY[ROW(%1$s, 2147483647, '[12:00,13:00)'), ROW(%1$s, 2147483647, '[12:00,13:00)')]::compute_ledger.reservation_piece[], now)$$, :p), E'\n')) AS call;
SELECT count(*), the_book_is_right() FROM reservation AS r WHERE r.pool = :p;
\echo what has begun in this slot may be booked; infinite times are none
SELECT at('07:01', format($$book('acme', %s, 8, '[07:00,07:15)', now)$$, :p));
SELECT x FROM book('acme', :p, 8, '[2027-01-01,2027-01-02)', now => 'infinity') AS x;

\echo all pieces or none
SELECT make_pool('a', 8) AS a, make_pool('b', 8) AS b \gset
SELECT at('07:00', format($$book('acme', ARRAY[ROW(%2$s, 8, '[10:00,12:00)'), ROW(%1$s, 6, '[10:00,12:00)'), ROW(%1$s, 2, '[11:00,12:00)')]::compute_ledger.reservation_piece[], now)$$, :a, :b));
SELECT at('07:00', format($$book('acme', ARRAY[ROW(%s, 2, '[10:00,11:00)'), ROW(%s, 1, '[10:00,11:00)')]::compute_ledger.reservation_piece[], now)$$, :a, :b));
SELECT count(*), count(DISTINCT booking), the_book_is_right() FROM reservation WHERE pool IN (:a, :b);
SELECT confirm_reservation(max(id), now => '2027-01-01 07:14:59Z') FROM reservation;
SELECT state, held_until, usage_due FROM reservation WHERE pool IN (:a, :b) ORDER BY id;
SELECT cancel_reservation(max(id), now => '2027-01-01 10:30Z') FROM reservation;
SELECT * FROM reservations(:a);
SELECT the_book_is_right();

\echo who guests are, and what they share
SELECT make_pool('guests', 16, 4, host => 'acme') AS p \gset
SELECT set_guest_share(:p, 0.5, '(,)', now => '2026-12-31 00:00Z');
SELECT at('07:00', format($$book('%s', %s, %s, '[10:00,12:00)', now)$$, b.account, :p, b.devices)) FROM (VALUES ('zenith', 8), ('zenith', 4), ('lab', 8), ('acme', 4)) AS b (account, devices);
SELECT r.account, r.guest, the_book_is_right() FROM reservation AS r WHERE r.pool = :p ORDER BY r.id;
SELECT guests, profile FROM pool_day WHERE pool = :p ORDER BY 1;
SELECT cancel_reservation(min(id), now => '2027-01-01 07:05Z') FROM reservation WHERE pool = :p;
SELECT guests, profile, the_book_is_right() FROM pool_day WHERE pool = :p ORDER BY 1;

-- ------------------------------------------------------------------ holds

\echo a hold ends at its instant, whether somebody tidies up or not
SELECT make_pool('held', 8) AS p \gset
SELECT (book('acme', :p, 8, '[2027-01-01 14:00Z,2027-01-01 16:00Z)', hold => '10 minutes', now => '2027-01-01 12:00Z')).reservation AS h \gset
SELECT the_book_is_right(), _book_level(:p, false, '[2027-01-01,2027-01-02)', '2027-01-01 12:09:59.999999Z'), _book_level(:p, false, '[2027-01-01,2027-01-02)', '2027-01-01 12:10Z');
BEGIN;
SELECT confirm_reservation(:h, now => '2027-01-01 12:09:59.9Z'), confirm_reservation(:h, now => '2027-01-01 12:10:01Z');
ROLLBACK;
SELECT at('12:09:59.999999', format($$book('acme', %s, 8, '[14:00,16:00)', now)$$, :p));
SELECT at('12:10:01', format($$book('zenith', %s, 8, '[14:00,16:00)', now)$$, :p));
SELECT at('12:10:02', format('confirm_reservation(%s, now)', :h));
SELECT at('12:10:02', format('cancel_reservation(%s, now)', :h));
SELECT at('12:10:02', format($$extend_reservation(%s, '2027-01-01 17:00Z', now)$$, :h));
SELECT state, ended_at, the_book_is_right() FROM reservation WHERE id = :h;

\echo confirmed twice, cancelled twice
SELECT confirm_reservation(:h + 1, now => '2027-01-01 12:11Z'), confirm_reservation(:h + 1, now => '2027-01-01 12:12Z');
SELECT cancel_reservation(:h + 1, 'not needed', now => '2027-01-01 12:13Z'), cancel_reservation(:h + 1, now => '2027-01-01 12:14Z');
SELECT at('12:15', format('confirm_reservation(%s, now)', :h + 1));
SELECT at('12:15', 'confirm_reservation(424242, now)');
SELECT at('12:15', 'cancel_reservation(NULL, now)');
SELECT action, at, state, occupies, reason FROM reservation_change WHERE reservation = :h + 1 ORDER BY id;

-- ------------------------------------------------------------------ changing

\echo what is held is not in its own way
SELECT make_pool('own', 8) AS p \gset
SELECT (book('acme', :p, 8, '[2027-01-01 10:00Z,2027-01-01 14:00Z)', confirmed => true, now => '2027-01-01 07:00Z')).reservation AS r \gset
SELECT at('08:00', format($$extend_reservation(%s, '2027-01-01 18:00Z', now)$$, :r));
SELECT at('08:00', format($$move_reservation(%s, '[12:00,20:00)', now)$$, :r));
SELECT at('08:00', format($$move_reservation(%s, '[12:00,20:00)', 8, now)$$, :r));
SELECT at('08:00', format($$move_reservation(%s, '[12:00,20:00)', 9, now)$$, :r));
SELECT at('08:00', format($$book('acme', %s, 8, '[10:00,12:00)', now)$$, :p));
SELECT at('08:00', format($$move_reservation(%s, '[11:59,20:00)', now)$$, :r));
SELECT at('08:00', format($$shrink_reservation(%s, 4, '2027-01-01 19:00Z', now)$$, :r));
SELECT * FROM reservations(:p);
SELECT action, devices, period FROM reservation_change WHERE reservation = :r ORDER BY id;
SELECT the_book_is_right();

\echo time that has passed stays as it was
SELECT make_pool('past', 8) AS p \gset
SELECT (book('acme', :p, 8, '[2027-01-01 10:00Z,2027-01-01 14:00Z)', confirmed => true, now => '2027-01-01 07:00Z')).reservation AS r \gset
SELECT call, at('12:00', format(call, :r)) FROM unnest(ARRAY[$$move_reservation(%s, '[11:00,14:00)', now)$$, $$move_reservation(%s, '[10:00,11:00)', now)$$, $$shrink_reservation(%s, until => '2027-01-01 11:00Z', now)$$,
	$$extend_reservation(%s, '2027-01-01 13:00Z', now)$$, $$shrink_reservation(%s, until => '2027-01-01 15:00Z', now)$$, $$shrink_reservation(%s, 9, now)$$, $$shrink_reservation(%s, now)$$, $$extend_reservation(%s, NULL, now)$$,
	$$extend_reservation(%s, 'infinity', now)$$, $$move_reservation(%s, NULL, now)$$, $$shrink_reservation(%s, until => '2027-01-01 09:00Z', now)$$, $$shrink_reservation(%s, 0, now)$$]) AS call;
BEGIN;
SELECT at('12:00', format($$shrink_reservation(%s, 4, now)$$, :r));
SELECT devices, since, earlier, usage_due, integral(_reservation_profile(occupies, since, devices, earlier)), the_book_is_right() FROM reservation WHERE id = :r;
SELECT at('12:30', format($$move_reservation(%s, '[10:00,15:00)', 6, now)$$, :r));
SELECT devices, since, earlier, usage_due, integral(_reservation_profile(occupies, since, devices, earlier)), the_book_is_right() FROM reservation WHERE id = :r;
SELECT at('13:00', format($$cancel_reservation(%s, now)$$, :r));
SELECT devices, since, earlier, usage_due, integral(_reservation_profile(occupies, since, devices, earlier)), the_book_is_right() FROM reservation WHERE id = :r;
ROLLBACK;
SELECT at('12:00', format($$cancel_reservation(%s, now)$$, :r));
SELECT integral(_reservation_profile(occupies, since, devices, earlier)), the_book_is_right() FROM reservation WHERE id = :r;
SELECT at('12:00', format($$book('acme', %s, 8, '[12:00,14:00)', confirmed => true, now)$$, :p));
SELECT at('14:00', format($$extend_reservation(%s, '2027-01-01 15:00Z', now)$$, :r + 1));
SELECT at('14:00', format($$cancel_reservation(%s, now)$$, :r + 1));

\echo a change that is refused leaves what was there
SELECT make_pool('refused', 8) AS p \gset
SELECT (book('acme', :p, 4, '[2027-01-01 10:00Z,2027-01-01 14:00Z)', confirmed => true, now => '2027-01-01 07:00Z')).reservation AS r \gset
SELECT (book('zenith', :p, 8, '[2027-01-01 15:00Z,2027-01-01 16:00Z)', now => '2027-01-01 07:00Z')).devices;
SELECT at('07:01', format($$extend_reservation(%s, '2027-01-01 15:01Z', now)$$, :r));
SELECT at('07:01', format($$move_reservation(%s, '[10:00,14:00)', 9, now)$$, :r));
SELECT * FROM reservations(:p);
SELECT at('07:20', format($$extend_reservation(%s, '2027-01-01 15:01Z', now)$$, :r));
SELECT the_book_is_right();

-- ------------------------------------------------------------------ calls that come twice

\echo the same call again is the same booking
SELECT make_pool('twice', 64) AS p \gset
SELECT at('07:00', format($$book('acme', %s, 8, '[10:00,12:00)', 'q1', now)$$, :p)) FROM generate_series(1, 3);
SELECT at('09:00', format($$book('acme', %s, 8, '[10:00,12:00)', 'q1', now)$$, :p));
SELECT at('07:00', format($$book('acme', %s, 12, '[10:00,12:00)', 'q1', now)$$, :p));
SELECT at('07:00', format($$book('zenith', %s, 8, '[10:00,12:00)', 'q1', now)$$, :p));
SELECT at('07:00', format($$book('acme', %s, 65, '[10:00,12:00)', 'q2', now)$$, :p));
SELECT at('07:00', format($$book('acme', %s, 4, '[10:00,12:00)', 'q2', now)$$, :p));
SELECT count(*), sum(devices) FROM reservation WHERE pool = :p;
SELECT min(id) AS r FROM reservation WHERE pool = :p \gset
SELECT at('07:05', format($$extend_reservation(%s, '2027-01-01 13:00Z', 'q3', now)$$, :r)) FROM generate_series(1, 2);
SELECT at('07:05', format($$extend_reservation(%s, '2027-01-01 14:00Z', 'q3', now)$$, :r));
SET datestyle = 'SQL, DMY';
SET timezone = 'Asia/Tokyo';
SELECT at('07:05', format($$extend_reservation(%s, '2027-01-01 13:00Z', 'q3', now)$$, :r));
RESET timezone;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SELECT scope, request, length(digest) FROM request_answer ORDER BY 1, 2;

-- ------------------------------------------------------------------ days and months

\echo long bookings are in the rows of months
SELECT make_pool('long', 8) AS p \gset
SELECT (book('acme', :p, 8, '[2027-01-10 06:00Z,2027-12-20 18:00Z)', confirmed => true, now => '2027-01-01 07:00Z')).reservation AS r \gset
SELECT count(*), sum(base) FROM pool_month WHERE pool = :p;
SELECT count(*), sum(base), count(profile) FROM pool_day WHERE pool = :p;
SELECT at('07:00', format($$book('acme', %s, 1, tstzrange('2027-06-15', '2027-06-16'), now)$$, :p));
SELECT at('07:00', format($$move_reservation(%s, tstzrange('2027-01-10 06:00Z', '2027-06-15'), now)$$, :r));
SELECT at('07:00', format($$book('acme', %s, 8, tstzrange('2027-06-15', '2027-06-16'), now)$$, :p));
SELECT at('07:00', format($$extend_reservation(%s, '2027-06-15 00:01Z', now)$$, :r));
SELECT cancel_reservation(:r, now => '2027-02-10 12:34:56.789Z');
SELECT month, base FROM pool_month WHERE pool = :p AND base <> 0;
SELECT count(*), sum(base), count(profile), the_book_is_right() FROM pool_day WHERE pool = :p;

\echo as plain SQL over the reservations says, at random
SELECT make_pool('random', 20, host => 'acme') AS p \gset
SELECT set_guest_share(:p, 0.4, '(,)', now => '2026-12-31 00:00Z'), plan_maintenance(:p, 7, '[2027-01-20 12:00Z,2027-02-10 00:00Z)', now => '2026-12-31 00:00Z');
SELECT setseed(0.11);
DO $$
DECLARE
	p bigint := (SELECT max(id) FROM compute_ledger.pool);
	clock timestamptz := '2027-01-01 00:00Z';
	wanted tstzrange;
	number integer;
	r record;
	expected boolean;
	got boolean;
	kind text;
	counts jsonb := '{}';
BEGIN
	FOR n_th IN 1 .. 400 LOOP
		clock := clock + random() * random() * interval '12 hours';
		-- of what is there, or new
		SELECT o.* INTO r FROM compute_ledger.reservation AS o
		WHERE o.pool = p AND compute_ledger._reservation_state(o.state, o.held_until, o.occupies, clock) IN ('held', 'confirmed') ORDER BY random() LIMIT 1;
		kind := (ARRAY['book', 'book', 'book', 'move', 'move', 'cancel', 'confirm'])[1 + floor(random() * 7)];
		IF kind <> 'book' AND r.id IS NULL THEN
			CONTINUE;
		END IF;
		number := 1 + floor(random() * 9);
		wanted := tstzrange(date_trunc('minute', clock) + floor(random() * random() * 60 * 24 * 40) * interval '1 minute', NULL);
		IF kind = 'move' AND lower(r.period) <= clock THEN
			wanted := tstzrange(lower(r.period), NULL);
		END IF;
		wanted := tstzrange(lower(wanted), date_trunc('minute', greatest(lower(wanted), clock)) + (1 + floor(random() ^ 3 * 60 * 24 * 70)) * interval '1 minute');
		IF kind IN ('book', 'move') THEN
			-- at every instant at which something begins, and at the start
			SELECT bool_and(taken.devices + n.devices <= 20 - CASE WHEN i.at >= '2027-01-20 12:00Z' AND i.at < '2027-02-10 00:00Z' THEN 7 ELSE 0 END
				AND (NOT n.guest OR taken.guests + n.devices <= floor(0.4 * (20 - CASE WHEN i.at >= '2027-01-20 12:00Z' AND i.at < '2027-02-10 00:00Z' THEN 7 ELSE 0 END))))
			INTO expected
			FROM (VALUES (number, CASE WHEN kind = 'book' THEN n_th % 3 = 0 ELSE r.guest END)) AS n (devices, guest)
			CROSS JOIN (
				SELECT greatest(lower(wanted), clock) UNION SELECT '2027-01-20 12:00Z' UNION SELECT '2027-02-10 00:00Z'
				UNION SELECT lower(o.occupies) FROM compute_ledger.reservation AS o WHERE o.pool = p
				UNION SELECT o.since FROM compute_ledger.reservation AS o WHERE o.pool = p
			) AS i (at)
			CROSS JOIN LATERAL (
				SELECT coalesce(sum(o.devices), 0) AS devices, coalesce(sum(o.devices) FILTER (WHERE o.guest), 0) AS guests
				FROM compute_ledger.reservation AS o
				WHERE o.pool = p AND o.occupies @> i.at AND o.since <= i.at AND compute_ledger._reservation_state(o.state, o.held_until, o.occupies, clock) <> 'lapsed'
					AND (kind = 'book' OR o.id <> r.id)
			) AS taken
			WHERE i.at <@ wanted AND i.at >= clock
				-- what a reservation has already it keeps
				AND NOT (kind = 'move' AND r.occupies @> i.at AND number <= r.devices);
		END IF;
		BEGIN
			CASE kind
				WHEN 'book' THEN PERFORM compute_ledger.book(CASE n_th % 3 WHEN 0 THEN 'zenith' ELSE 'lab' END, p, number, wanted, hold => random() * interval '3 days', now => clock);
				WHEN 'move' THEN PERFORM compute_ledger.move_reservation(r.id, wanted, number, now => clock);
				WHEN 'cancel' THEN PERFORM compute_ledger.cancel_reservation(r.id, now => clock);
				ELSE PERFORM compute_ledger.confirm_reservation(r.id, now => clock);
			END CASE;
			got := true;
		EXCEPTION WHEN SQLSTATE 'LC020' THEN
			got := false;
		END;
		IF kind IN ('book', 'move') AND coalesce(expected, true) <> got THEN
			RAISE WARNING '%: % of % devices over % at %: expected %, got %', n_th, kind, number, wanted, clock, expected, got;
		END IF;
		counts := counts || jsonb_build_object(kind || '_' || got, coalesce((counts ->> (kind || '_' || got))::integer, 0) + 1);
		IF n_th % 40 = 0 AND NOT the_book_is_right() THEN
			RAISE WARNING '%: the book is wrong', n_th;
		END IF;
	END LOOP;
	-- both answers were often right
	IF (counts ->> 'book_true')::integer < 50 OR (counts ->> 'book_false')::integer < 20 OR (counts ->> 'move_true')::integer < 50 OR (counts ->> 'move_false')::integer < 10 THEN
		RAISE WARNING '%', counts;
	END IF;
END
$$;
SELECT the_book_is_right();

-- ------------------------------------------------------------------ what is in doubt, and what is half there

\echo what is in doubt gives nothing more, and takes back
SELECT make_pool('doubt', 64) AS p \gset
SELECT reservation AS r FROM book('acme', :p, 8, '[2027-01-01 10:00Z,2027-01-01 12:00Z)', confirmed => true, now => '2027-01-01 07:00Z') \gset
SELECT reservation AS o FROM book('acme', :p, 8, '[2027-01-01 10:00Z,2027-01-01 12:00Z)', confirmed => true, now => '2027-01-01 07:00Z') \gset
SELECT count(answer_reservation(:o, 'refused', 'node down', now => '2027-01-01 07:01Z'));
SELECT book('acme', :p, 8, '[2027-01-01 10:00Z,2027-01-01 12:00Z)', now => '2027-01-01 07:02Z');
SELECT extend_reservation(:r, '2027-01-01 13:00Z', now => '2027-01-01 07:02Z');
SELECT move_reservation(:r, '[2027-01-01 10:00Z,2027-01-01 12:00Z)', 50, now => '2027-01-01 07:02Z');
SELECT move_reservation(:r, '[2027-01-01 11:00Z,2027-01-01 13:00Z)', now => '2027-01-01 07:02Z');
SELECT (shrink_reservation(:r, 4, now => '2027-01-01 07:02Z')).devices, (shrink_reservation(:r, until => '2027-01-01 11:00Z', now => '2027-01-01 07:02Z')).period = '[2027-01-01 10:00Z,2027-01-01 11:00Z)' AS shorter;
SELECT count(report_pool(:p, '{}', now => '2027-01-01 07:03Z'));
\echo half a gang is not confirmed
SELECT make_pool('half', 8) AS p, make_pool('other half', 8) AS q \gset
SELECT min(reservation) AS r, max(reservation) AS o FROM book('acme', ARRAY[(:p, 8, '[2027-01-01 10:00Z,2027-01-01 12:00Z)'), (:q, 8, '[2027-01-01 10:00Z,2027-01-01 12:00Z)')]::reservation_piece[], now => '2027-01-01 07:00Z') \gset
SELECT count(answer_reservation(:o, 'lost', now => '2027-01-01 07:01Z'));
SELECT at('07:02', format('confirm_reservation(%s, now)', :r)) ~ '^LC021: reservation \d+ was lost' AS refused;
SELECT cancel_reservation(:r, now => '2027-01-01 07:02Z');
SELECT count(report_pool(pool, '{}', now => '2027-01-01 07:03Z')) FROM unnest(ARRAY[:p, :q]) AS pool;
\echo the bounds of a period are a part of what a call says
SELECT make_pool('bounds', 8) AS p \gset
SELECT (book('acme', :p, 8, '[2027-01-01 10:00Z,2027-01-01 12:00Z)', 'bounds', now => '2027-01-01 07:00Z')).devices;
SELECT book('acme', :p, 8, '(2027-01-01 10:00Z,2027-01-01 12:00Z]', 'bounds', now => '2027-01-01 07:00Z');
\echo holds that have run out do not pile up, also where they are in no way
SELECT make_pool('piled up', 100) AS p \gset
SELECT count(book('acme', :p, 1, tstzrange('2027-01-01 10:00Z', '2027-01-01 12:00Z'), hold => '1 minute', now => timestamptz '2027-01-01 07:00Z' + n * interval '10 minutes')) FROM generate_series(1, 12) AS n;
SELECT state, count(*) FROM reservation WHERE pool = :p GROUP BY 1 ORDER BY 1;
SELECT the_book_is_right();

\echo a guest is who is one when his booking begins
SELECT make_pool('lodging', 8) AS p \gset
SELECT create_account('lodger', parent => 'acme') > 0 AS made;
UPDATE pool SET host = (SELECT id FROM account WHERE name = 'acme') WHERE id = :p;
SELECT count(move_account('lodger', 'zenith', '2027-06-01Z'));
SELECT count(*) FROM set_guest_share(:p, 0, now => '2027-01-01Z');
SELECT (book('lodger', :p, 8, '[2027-05-30Z,2027-06-02Z)', now => '2027-01-01 07:00Z')).state;
SELECT book('lodger', :p, 8, '[2027-06-02Z,2027-06-03Z)', now => '2027-01-01 07:00Z');

-- ------------------------------------------------------------------ who sees what, and what stays

\echo history does not change
UPDATE reservation_change SET at = at;
DELETE FROM reservation_change;
TRUNCATE reservation_change;

\echo every breach is found
SELECT check_name, object, detail FROM check_ledger();
CREATE FUNCTION broken(command text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL session_replication_role = replica;
	EXECUTE command;
	SET LOCAL session_replication_role = origin;
	RETURN QUERY SELECT DISTINCT c.check_name || ': ' || c.detail FROM _check_book() AS c ORDER BY 1;
	RAISE EXCEPTION 'undone' USING ERRCODE = 'ZZ000';
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
END
$$;
SELECT min(r.id) AS r, min(r.pool) AS p FROM reservation AS r JOIN pool AS q ON q.id = r.pool WHERE q.partition = 'past' \gset
SELECT c, b FROM unnest(string_to_array(format($$UPDATE reservation SET devices = devices + 1 WHERE id = %1$s
UPDATE reservation SET guest = true WHERE id = %1$s
UPDATE pool_day SET base = base + 1 WHERE pool = %2$s
UPDATE pool_day SET peak = peak + 1 WHERE pool = %2$s
UPDATE pool_month SET base = base - 1 WHERE pool = %2$s
DELETE FROM pool_day WHERE pool = %2$s
UPDATE reservation SET booking = 424242 WHERE id = %1$s
UPDATE reservation AS r SET booking = (SELECT min(o.id) FROM reservation AS o WHERE o.account <> r.account AND o.booking = o.id) WHERE id = %1$s
UPDATE reservation SET account = 424242 WHERE id = %1$s
UPDATE reservation SET pool = 424242 WHERE id = %1$s
UPDATE reservation SET state = 'confirmed' WHERE id = %1$s
UPDATE reservation SET ended_at = NULL WHERE id = %1$s
UPDATE reservation SET since = since + interval '1 hour' WHERE id = %1$s
UPDATE reservation_change SET devices = 7 WHERE reservation = %1$s
DELETE FROM reservation_change WHERE reservation = %1$s
DELETE FROM reservation WHERE id = %1$s$$, :r, :p), E'\n')) AS c, broken(c) AS b;
SELECT the_book_is_right();

\c postgres
DROP DATABASE regress_reservation;
