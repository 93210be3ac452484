-- check_ledger() of requests: nothing on a sound queue, and every breach when it is made.
-- In a database of its own: what it prints has numbers of requests.
CREATE DATABASE regress_check_queue;
\c regress_check_queue
SET client_min_messages = warning;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
SELECT create_ledger() IS NOT NULL;
SELECT count(create_account(n, currency => 'USD')) FROM unnest('{acme,blue}'::text[]) AS n;
SELECT create_region('r') IS NOT NULL, create_price('nvidia', 'USD', 2) > 0, set_scaling_efficiency('', 2, 0.9);
SELECT create_pool('r', 'nvidia/h100-sxm5-80gb', 'p' || n) FROM generate_series(1, 2) AS n;
SELECT offer_devices(n, 16, '[2084-01-01Z,)', now => '2084-01-01Z') FROM generate_series(1, 2) AS n;
-- 1 to 3 begin at once, 4 and 5 are planned, 6 comes later; 7 and 8 are cancelled, one when it was placed
SELECT submit_request(placement_request(account, '{nvidia}', devices, make_interval(hours => hours)), request => id, now => '2084-01-01 10:00Z')
FROM (VALUES ('acme', 16, 2, 'a1'), ('blue', 8, 2, 'b1'), ('blue', 8, 2, NULL), ('acme', 16, 3, 'a2'), ('blue', 4, 3, 'b2')) AS v (account, devices, hours, id);
SELECT count(*) FROM schedule(now => '2084-01-01 10:00Z');
SELECT submit_request(placement_request('acme', '{nvidia}', devices, '1 hour'), now => '2084-01-01 10:01Z') FROM unnest('{1,8,2}'::bigint[]) AS devices;
SELECT cancel_request(7, now => '2084-01-01 10:01Z'), cancel_request(3, now => '2084-01-01 10:01Z');
SELECT count(*) FROM schedule(now => '2084-01-01 10:02Z');
-- a gang of two pools, beside them a booking
SELECT count(*) FROM reserve(placement_request('acme', '{nvidia}', 20, '1 hour', sites => 2, not_before => '2084-01-03Z'), request => 'g1', confirmed => true, now => '2084-01-01 10:03Z');
SELECT report_work(w.lease, 'started', now => '2084-01-01 10:04Z') FROM take_work('x', now => '2084-01-01 10:04Z') AS w;
SELECT id, state, pool, planned, booking FROM request ORDER BY id;
SELECT check_name, object, detail FROM check_ledger();

-- What is found when somebody goes round the functions, and nothing but that.
CREATE FUNCTION pg_temp.breaks(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		SET LOCAL session_replication_role = replica;
		EXECUTE statement;
		RETURN NEXT left(statement, 60);
		RETURN QUERY SELECT concat_ws(' | ', ' ', c.check_name, c.object, c.detail, nullif(c.severity, 'breach')) COLLATE "C" FROM check_ledger(false) AS c ORDER BY 1;
		RAISE 'undo' USING ERRCODE = 'XX999';
	EXCEPTION WHEN SQLSTATE 'XX999' THEN
		SET LOCAL session_replication_role = origin;
	END;
END $$;
\echo requests and their bookings
SELECT pg_temp.breaks(s) FROM unnest(ARRAY[
	$$UPDATE request SET state = 'queued' WHERE id = 1$$,
	$$UPDATE request SET state = 'placed' WHERE id = 4$$,
	$$UPDATE request SET booking = NULL WHERE id = 1$$,
	$$UPDATE request SET booking = 4242 WHERE id = 1$$,
	$$UPDATE request SET booking = 2 WHERE id = 1$$,
	$$UPDATE request SET cancelled_at = NULL WHERE id = 7$$,
	$$UPDATE request SET account = 2 WHERE id = 4$$,
	$$UPDATE request SET account = 2 WHERE id = 1$$,
	$$UPDATE request SET devices = 15 WHERE id = 1$$,
	$$UPDATE request SET planned = '[2084-01-01 10:00Z,2084-01-01 13:00Z)' WHERE id = 1$$,
	$$UPDATE request SET pool = 3 WHERE id = 2$$,
	$$UPDATE request SET pool = NULL WHERE id = 4$$,
	$$UPDATE request SET latest = NULL WHERE id = 4$$,
	$$UPDATE request SET request = 'a1' WHERE id = 4$$]) AS s;
\echo a gang of the queue, all of it, from start to end
SELECT pg_temp.breaks(s) FROM unnest(ARRAY[
	$$UPDATE request SET booking = g.booking, devices = 20, planned = g.period FROM reservation AS g WHERE g.request = 'g1' AND request.id = 1; UPDATE reservation_change SET period = '[2084-01-03 00:00Z,2084-01-03 00:30Z)' WHERE action = 'book' AND reservation = (SELECT max(id) FROM reservation)$$,
	$$UPDATE request SET booking = g.booking, devices = 20, planned = g.period FROM reservation AS g WHERE g.request = 'g1' AND request.id = 1; DELETE FROM reservation WHERE id = (SELECT max(id) FROM reservation)$$]) AS s;
\echo their history
SELECT pg_temp.breaks(s) FROM unnest(ARRAY[
	$$DELETE FROM request_change WHERE request = 6$$,
	$$DELETE FROM request WHERE id = 8$$,
	$$DELETE FROM request_change WHERE request = 4 AND action = 'submit'$$,
	$$UPDATE request_change SET at = '2084-01-01 09:00Z' WHERE request = 4 AND action = 'submit'$$,
	$$INSERT INTO request_change (request, action, at) VALUES (7, 'plan', '2084-01-01 10:05Z')$$,
	$$INSERT INTO request_change (request, action, at) VALUES (4, 'cancel', '2084-01-01 10:05Z')$$,
	$$UPDATE request_change SET planned = '[2084-01-01 10:00Z,2084-01-01 11:00Z)' WHERE request = 1 AND action = 'place'$$,
	$$UPDATE request SET cancelled_at = '2084-01-01 10:05Z' WHERE id = 7$$,
	$$UPDATE request SET first_planned = '2084-01-01 10:05Z' WHERE id = 4$$]) AS s;
\echo what was answered
SELECT pg_temp.breaks(s) FROM unnest(ARRAY[
	$$UPDATE request_answer SET answer = '{"request": 4}' WHERE request = 'a1'$$,
	$$UPDATE request_answer SET answer = '{"request": 4242}' WHERE request = 'a1'$$,
	$$DELETE FROM request_answer WHERE request = 'g1'$$,
	$$UPDATE request_answer SET answer = answer - 1 WHERE request = 'g1'$$,
	$$UPDATE request_answer SET scope = 'account:2' WHERE request = 'g1'$$]) AS s;
\echo plans for which there is no room, as advice
SELECT pg_temp.breaks(s) FROM unnest(ARRAY[
	$$UPDATE request SET planned = '[2084-01-01 11:00Z,2084-01-01 14:00Z)' WHERE id = 4$$,
	$$UPDATE request SET devices = 17 WHERE id = 4$$,
	$$UPDATE pool SET host = 2; INSERT INTO guest_share (pool, share) VALUES (1, 0.5), (2, 0.5)$$]) AS s;
\echo what was acted on after the work had been taken again
SELECT pg_temp.breaks(s) FROM unnest(ARRAY[
	$$UPDATE lease SET replaced = '2084-01-01 10:03Z', expires = '2084-01-01 10:03Z', taken = '2084-01-01 10:02Z' WHERE id = 1; INSERT INTO lease (reservation, agent, taken, expires) SELECT reservation, 'y', '2084-01-01 10:03Z', '2084-01-01 10:10Z' FROM lease WHERE id = 1$$]) AS s;
\echo and who takes the guards away
SELECT pg_temp.breaks(s) FROM unnest(ARRAY[$$DROP TRIGGER immutable ON request_change$$, $$DROP TRIGGER immutable ON lease_report$$, $$DROP TRIGGER a_recorded ON account_share$$]) AS s;
SELECT check_name, object, detail FROM check_ledger();
\c contrib_regression
DROP DATABASE regress_check_queue;
