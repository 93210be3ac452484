-- The queue: who is served first, when and where each is planned to begin, and what is booked.
-- In a database of its own: what it prints has numbers of pools and requests.
CREATE DATABASE regress_queue;
\c regress_queue
SET client_min_messages = warning;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
\pset null '-'
SELECT create_ledger() IS NOT NULL;
SELECT count(create_account(n, currency => 'USD', jurisdiction => 'DE')) FROM unnest('{acme,blue,red}'::text[]) AS n;
SELECT count(create_region(r)) FROM unnest('{r1,r2}'::text[]) AS r;
SELECT create_price('nvidia', 'USD', 2, valid_from => '2026-01-01Z') > 0, create_price('nvidia', 'USD', 2.2, region => 'r2', valid_from => '2026-01-01Z') > 0;

-- A pool of its own for each case, so many devices.
CREATE FUNCTION pg_temp.pool(devices bigint, chip text, region text DEFAULT 'r1') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	pool bigint := create_pool(region, chip::accelerator);
BEGIN
	PERFORM offer_devices(pool, devices, '[2050-01-01Z,)', now => '2050-01-01Z');
	RETURN pool;
END
$$;
-- Submits a request on a day of January 2050, by the clock.
CREATE FUNCTION pg_temp.ask(account text, chips text, devices bigint, length interval, at text, band integer DEFAULT 0, not_before text DEFAULT NULL, ceiling numeric DEFAULT NULL, work compute_unit DEFAULT NULL,
		deadline text DEFAULT NULL, regions text[] DEFAULT NULL, max_cost numeric DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
	SELECT submit_request(placement_request(account, chips::accelerator[], devices => devices, time_limit => length, work => work, not_before => ('2050-01-' || not_before || 'Z')::timestamptz,
		deadline => ('2050-01-' || deadline || 'Z')::timestamptz, ceiling => ceiling, regions => regions, max_cost => max_cost), band, now => ('2050-01-' || at || 'Z')::timestamptz)
$$;
-- A pass; what it books, and the queue after it.
CREATE FUNCTION pg_temp.pass(at text, horizon interval DEFAULT NULL) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT format('%s begins: %s of pool %s, %s to %s', s.request, s.devices, s.pool, to_char(lower(s.period), 'DD HH24:MI'), to_char(upper(s.period), 'DD HH24:MI'))
		FROM schedule(now => ('2050-01-' || at || 'Z')::timestamptz, horizon => horizon) AS s;
	RETURN QUERY SELECT format('%s. %s waits for %s: pool %s, %s to %s, at the latest %s%s%s', q.place, q.request, q.waits_for, coalesce(q.pool::text, '-'), coalesce(to_char(lower(q.planned), 'DD HH24:MI'), '-'),
		coalesce(to_char(upper(q.planned), 'DD HH24:MI'), '-'), coalesce(to_char(q.latest, 'DD HH24:MI'), '-'), CASE WHEN q.head THEN ', head' END, ', moved: ' || q.moved) FROM queue AS q;
END
$$;
CREATE FUNCTION pg_temp.try(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
BEGIN
	EXECUTE call;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', code || ' ' || message, nullif(detail, ''));
END
$$;
CREATE FUNCTION pg_temp.clear() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(cancel_request(r.id)) FROM request AS r WHERE r.state = 'queued'
$$;

\echo a request goes before the head where it is back in time (S20)
SELECT pg_temp.pool(16, 'nvidia/h100-sxm5-80gb') AS p \gset
SELECT count(*) FROM book('acme', :p, 8, '[2050-01-02 12:00Z,2050-01-02 14:00Z)', confirmed => true, now => '2050-01-02 11:00Z');
SELECT pg_temp.ask('acme', '{nvidia/h100}', 16, '4 hours', '02 12:00'), pg_temp.ask('acme', '{nvidia/h100}', 8, '2:01', '02 12:00'), pg_temp.ask('acme', '{nvidia/h100}', 8, '2:00', '02 12:00');
SELECT pg_temp.pass('02 12:00');
\echo a second pass finds nothing to do
SELECT pg_temp.pass('02 12:00');
SELECT count(*) FROM request_change;
SELECT explain_request(2, now => '2050-01-02 12:30Z');
SELECT pg_temp.pass('02 14:00');
SELECT explain_request(1, now => '2050-01-02 14:30Z');
SELECT pg_temp.pass('02 18:00');

\echo a wide one among narrow ones begins when it was planned (S21)
SELECT pg_temp.pool(8, 'nvidia/h200-sxm5-141gb') AS p \gset
SELECT count(book('acme', :p, 1, tstzrange(timestamptz '2050-01-03 11:00Z' + i * interval '7 minutes', timestamptz '2050-01-03 12:00Z' + i * interval '7 minutes'), confirmed => true, now => '2050-01-03 11:00Z'))
FROM generate_series(1, 8) AS i;
SELECT pg_temp.ask('acme', '{nvidia/h200}', 8, '1 hour', '03 12:00') AS wide \gset
SELECT pg_temp.pass('03 12:00');
CREATE TEMP TABLE begun AS SELECT s.* FROM generate_series(1, 12) AS i
	CROSS JOIN LATERAL (SELECT pg_temp.ask('acme', '{nvidia/h200}', 1, CASE WHEN i % 2 = 1 THEN interval '1 hour' ELSE make_interval(mins => greatest(1, 56 - i * 7)) END,
		to_char(timestamp '2050-01-03 12:00' + i * interval '7 minutes', 'DD HH24:MI'))) AS a (request)
	CROSS JOIN LATERAL (SELECT * FROM schedule(now => timestamptz '2050-01-03 12:00Z' + i * interval '7 minutes' + a.request * interval '0')) AS s;
SELECT request - :wide AS number, devices, to_char(lower(period), 'HH24:MI'), to_char(upper(period), 'HH24:MI') FROM begun ORDER BY lower(period), request;
SELECT first_planned, lower(planned) AS began FROM request WHERE id = :wide;
SELECT pg_temp.clear();

\echo the one that can go anywhere leaves the place that another needs (S22)
SELECT pg_temp.pool(8, 'nvidia/a100-sxm4-80gb') AS r1, pg_temp.pool(8, 'nvidia/a100-sxm4-80gb', 'r2') AS r2 \gset
SELECT pg_temp.ask('blue', '{nvidia/a100}', 8, '4 hours', '04 11:59', band => 1, ceiling => 2.5) AS l, pg_temp.ask('red', '{nvidia/a100}', 8, '4 hours', '04 12:00', band => 2, regions => '{r1}') AS h \gset
SELECT request = :h AS h, pool = :r1 AS in_r1, period FROM schedule(now => '2050-01-04 12:01Z') ORDER BY request DESC;
\echo with a ceiling it waits, and is told why
SELECT pg_temp.ask('blue', '{nvidia/a100}', 8, '4 hours', '05 11:59', band => 1, ceiling => 2.1) AS l, pg_temp.ask('red', '{nvidia/a100}', 8, '4 hours', '05 12:00', band => 2, regions => '{r1}') AS h \gset
SELECT pg_temp.pass('05 12:01');
SELECT explain_request(:l, now => '2050-01-05 12:01Z');
SELECT pg_temp.pass('05 16:01');

\echo bands, then what was had, then age
SELECT pg_temp.pool(4, 'nvidia/a10') AS p \gset
SELECT count(*) FROM book('acme', :p, 4, '[2050-01-06 12:00Z,2050-01-06 14:00Z)', confirmed => true, now => '2050-01-06 11:00Z');
SELECT pg_temp.ask('acme', '{nvidia/a10}', 4, '1 hour', '06 12:00') AS acme, pg_temp.ask('acme', '{nvidia/a10}', 4, '1 hour', '06 12:01', band => 1) AS higher,
	pg_temp.ask('blue', '{nvidia/a10}', 4, '1 hour', '06 12:02') AS blue, pg_temp.ask('acme', '{nvidia/a10}', 4, '1 hour', '06 12:03', band => -1) AS lower \gset
SELECT pg_temp.pass('06 12:05');
\echo a higher band pushes the head; it is told why, and goes on to be promised what it has then
SELECT pg_temp.ask('red', '{nvidia/a10}', 4, '30 minutes', '06 12:06', band => 3) IS NOT NULL;
SELECT pg_temp.pass('06 12:10');
\echo so do a booking from outside, and capacity that is lost
SELECT count(*) FROM book('acme', :p, 4, '[2050-01-06 14:00Z,2050-01-06 15:00Z)', confirmed => true, now => '2050-01-06 12:11Z');
SELECT pg_temp.pass('06 12:15');
SELECT plan_maintenance(:p, 4, '[2050-01-06 16:00Z,2050-01-06 17:00Z)', now => '2050-01-06 12:16Z') IS NOT NULL;
SELECT pg_temp.pass('06 12:20');
\echo a pass that comes too late
SELECT pg_temp.pass('06 18:00');
SELECT request, action, at, reason FROM request_change WHERE action = 'move' ORDER BY id;
\echo somebody is there longer than he should be
SELECT pg_temp.clear() > 0;
SELECT b.reservation AS r FROM book('acme', :p, 4, '[2050-01-07 12:00Z,2050-01-07 13:00Z)', confirmed => true, now => '2050-01-07 12:00Z') AS b \gset
SELECT start_reservation(:r, now => '2050-01-07 12:00Z'), pg_temp.ask('blue', '{nvidia/a10}', 4, '1 hour', '07 12:30') IS NOT NULL;
SELECT pg_temp.pass('07 12:30');
SELECT pg_temp.pass('07 13:00');
SELECT end_reservation(:r, now => '2050-01-07 13:00:30Z');
SELECT pg_temp.pass('07 13:01');

\echo whoever comes later does not push a request beyond its promise, whatever his share
SELECT pg_temp.pool(2, 'nvidia/l4') AS p \gset
SELECT count(*) FROM book('acme', :p, 2, '[2050-01-08 12:00Z,2050-01-08 13:00Z)', confirmed => true, now => '2050-01-08 11:00Z');
UPDATE queue_setting SET patience = '2 hours' WHERE upper_inf(recorded);
SELECT pg_temp.ask('acme', '{nvidia/l4}', 2, '1 hour', '08 12:00'), pg_temp.ask('acme', '{nvidia/l4}', 2, '1 hour', '08 12:00');
SELECT pg_temp.pass('08 12:00');
SELECT count(create_account('new' || i, currency => 'USD', jurisdiction => 'DE')) FROM generate_series(1, 5) AS i;
SELECT count(pg_temp.ask('new' || i, '{nvidia/l4}', 2, '1 hour', '08 12:01')) FROM generate_series(1, 5) AS i;
SELECT pg_temp.pass('08 12:02');
SELECT pg_temp.clear();
\echo with patience 0 it keeps its first plan
UPDATE queue_setting SET patience = '0' WHERE upper_inf(recorded);
SELECT pg_temp.ask('acme', '{nvidia/l4}', 2, '1 hour', '08 12:10'), pg_temp.ask('acme', '{nvidia/l4}', 2, '1 hour', '08 12:10');
SELECT pg_temp.pass('08 12:10');
SELECT count(pg_temp.ask('new' || i, '{nvidia/l4}', 2, '1 hour', '08 12:11')) FROM generate_series(1, 2) AS i;
SELECT pg_temp.pass('08 12:12');
SELECT pg_temp.clear();
UPDATE queue_setting SET patience = '1 day' WHERE upper_inf(recorded);

\echo an earliest start, an amount of work, a deadline, a horizon
SELECT pg_temp.ask('acme', '{nvidia/l4}', 1, '1 hour', '09 12:00', not_before => '10 06:00'), pg_temp.ask('blue', '{nvidia/l4}', 1, NULL, '09 12:00', work => '1000 TFLOPh@bf16'),
	pg_temp.ask('red', '{nvidia/l4}', NULL, NULL, '09 12:00', work => '400 TFLOPh@bf16', deadline => '09 14:30');
SELECT pg_temp.pass('09 12:00');
SELECT pg_temp.pass('10 05:59');
SELECT pg_temp.pass('10 06:00');
SELECT pg_temp.ask('acme', '{nvidia/l4}', 2, '1 hour', '10 06:00'), pg_temp.ask('blue', '{nvidia/l4}', 2, '23 hours', '10 06:00');
SELECT pg_temp.pass('10 06:00', '12 hours');
SELECT pg_temp.clear();

\echo what can never be placed is refused
SELECT pg_temp.try(c) FROM unnest(ARRAY[
	$$SELECT pg_temp.ask('acme', '{nvidia/l4}', 3, '1 hour', '11 12:00')$$,
	$$SELECT pg_temp.ask('acme', '{nvidia/l4}', 1, '400 days', '11 12:00')$$,
	$$SELECT pg_temp.ask('acme', '{nvidia/l4}', 1, '1 hour', '11 12:00', ceiling => 1)$$,
	$$SELECT pg_temp.ask('acme', '{nvidia/l4}', 2, '10 hour', '11 12:00', max_cost => 39.99)$$,
	$$SELECT pg_temp.ask('acme', '{amd/mi300x}', 1, '1 hour', '11 12:00')$$,
	$$SELECT pg_temp.ask('red', '{nvidia/l4}', NULL, NULL, '11 12:00', work => '4000 TFLOPh@bf16', deadline => '11 14:30')$$,
	$$SELECT pg_temp.ask('acme', '{nvidia/l4}', 1, '1 hour', '11 12:00', band => 1000001)$$,
	$$SELECT pg_temp.ask('acme', '{nvidia/l4}', 1, '1 hour', '11 12:00', band => NULL)$$,
	$$SELECT pg_temp.ask('nobody', '{nvidia/l4}', 1, '1 hour', '11 12:00')$$,
	$$SELECT pg_temp.ask('acme', '{nvidia/l4}', 0, '1 hour', '11 12:00')$$,
	$$SELECT pg_temp.ask('acme', '{nvidia/l4}', 1, '0', '11 12:00')$$,
	$$SELECT submit_request(NULL)$$,
	$$SELECT submit_request(placement_request('acme', '{nvidia/l4}', devices => 1, time_limit => '1 hour', preemptible => true), now => '2050-01-11 12:00Z')$$,
	$$SELECT submit_request(placement_request('acme', '{nvidia/l4}', devices => 1, time_limit => '1 hour'), now => 'infinity')$$,
	$$SELECT * FROM schedule(now => 'infinity')$$, $$SELECT * FROM schedule(horizon => '0')$$, $$SELECT * FROM schedule(horizon => '-1 day')$$, $$SELECT * FROM schedule(horizon => '101 years')$$,
	$$SELECT cancel_request(NULL)$$, $$SELECT cancel_request(-1)$$, $$SELECT explain_request(9223372036854775807)$$, $$DELETE FROM request_change$$]) AS c;
SELECT create_access_rule('not red', 'policy', 'deny', 'clause 1', accounts => '{red}') FROM create_policy('policy', 'allow');
SELECT pg_temp.try($$SELECT pg_temp.ask('red', '{nvidia/l4}', 1, '1 hour', '11 12:00')$$);
\echo whoever waited when a rule came waits on, and is told so
SELECT pg_temp.ask('blue', '{nvidia/l4}', 2, '1 hour', '11 12:00') AS waits \gset
SELECT create_access_rule('not blue', 'policy', 'deny', 'clause 2', accounts => '{blue}');
SELECT pg_temp.pass('11 12:00');
SELECT explain_request(:waits, now => '2050-01-11 12:00Z') WHERE true LIMIT 3;
DELETE FROM access_rule WHERE rule = 'not blue';
SELECT pg_temp.pass('11 12:01');

\echo the same call again
SELECT submit_request(placement_request('acme', '{nvidia/l4}', devices => 1, time_limit => '1 hour'), request => 'q1', now => '2050-01-12 12:00Z') AS n \gset
SELECT submit_request(placement_request('acme', '{nvidia/l4}', devices => 1, time_limit => '1 hour'), request => 'q1', now => '2050-01-12 12:01Z') = :n;
SELECT pg_temp.try(c) FROM unnest(ARRAY[$$SELECT submit_request(placement_request('acme', '{nvidia/l4}', devices => 2, time_limit => '1 hour'), request => 'q1', now => '2050-01-12 12:01Z')$$,
	$$SELECT submit_request(placement_request('acme', '{nvidia/l4}', devices => 1, time_limit => '1 hour'), -1, 'q1', now => '2050-01-12 12:01Z')$$]) AS c;

\echo cancelling
SELECT cancel_request(:n, 'not needed', now => '2050-01-12 12:02Z'), cancel_request(:n, now => '2050-01-12 12:03Z');
SELECT explain_request(:n, now => '2050-01-12 12:30Z');
SELECT pg_temp.ask('acme', '{nvidia/l4}', 2, '2 hours', '12 13:00') AS n \gset
SELECT pg_temp.pass('12 13:00');
SELECT cancel_request(:n, now => '2050-01-12 13:30Z'), cancel_request(:n, now => '2050-01-12 13:31Z');
SELECT occupies FROM reservation WHERE booking = (SELECT booking FROM request WHERE id = :n);
SELECT action, at, reason FROM request_change WHERE request = :n ORDER BY id;

\echo guests have their share
SELECT create_account('host', currency => 'USD', jurisdiction => 'DE') > 0;
SELECT create_pool('r1', 'nvidia/v100', host => 'host') AS p \gset
SELECT count(*) FROM offer_devices(:p, 8, '[2050-01-01Z,)', now => '2050-01-01Z');
SELECT count(*) FROM set_guest_share(:p, 0.5, now => '2050-01-01Z');
SELECT pg_temp.try($$SELECT pg_temp.ask('acme', '{nvidia/v100}', 5, '1 hour', '13 12:00')$$);
SELECT pg_temp.ask('acme', '{nvidia/v100}', 4, '1 hour', '13 12:00'), pg_temp.ask('blue', '{nvidia/v100}', 2, '1 hour', '13 12:00'), pg_temp.ask('host', '{nvidia/v100}', 4, '1 hour', '13 12:00');
SELECT pg_temp.pass('13 12:00');
SELECT pg_temp.clear();

\echo whose requests a reader, a booker and another see
SELECT pg_temp.ask('acme', '{nvidia/l4}', 2, '5 hours', '14 12:00') AS acme, pg_temp.ask('blue', '{nvidia/l4}', 2, '5 hours', '14 12:00') AS blue \gset
SELECT pg_temp.pass('14 12:00');
CREATE ROLE queue_reader; CREATE ROLE queue_booker; CREATE ROLE queue_agent;
SELECT grant_access('queue_reader', 'reader', 'acme'), grant_access('queue_booker', 'booker', 'blue'), grant_access('queue_agent', 'agent', region => 'r1');
SET ROLE queue_reader;
SELECT count(*) FILTER (WHERE account <> 1), count(*) > 0 FROM my_request;
SELECT state, place, waits_for FROM my_request WHERE state = 'queued';
SELECT pg_temp.try(c) FROM unnest(ARRAY['SELECT * FROM queue', 'SELECT * FROM fair_share()', 'SELECT * FROM request', format('SELECT explain_request(%s)', :blue), format('SELECT explain_request(%s)', :acme), format('SELECT cancel_request(%s)', :acme), 'SELECT * FROM schedule()',
	'SELECT set_share(''acme'', 10)', 'UPDATE queue_setting SET patience = ''0''']) AS c;
RESET ROLE;
SET ROLE queue_booker;
SELECT state, place, waits_for FROM my_request ORDER BY id DESC LIMIT 1;
SELECT pg_temp.try(c) FROM unnest(ARRAY[format('SELECT cancel_request(%s)', :acme), 'SELECT * FROM schedule(now => ''2050-01-14 12:00Z'')', 'SELECT * FROM schedule(horizon => ''1 second'')',
	$$SELECT submit_request(placement_request('acme', '{nvidia/l4}', devices => 1, time_limit => '1 hour'))$$, $$SELECT submit_request(placement_request('blue', '{nvidia/l4}', devices => 1, time_limit => '1 hour'), 1)$$,
	$$SELECT submit_request(placement_request('blue', '{nvidia/l4}', devices => 1, time_limit => '1 hour'), now => '2050-01-14 12:00Z')$$]) AS c;
RESET ROLE;
SET ROLE queue_agent;
SELECT count(*) FROM schedule();
RESET ROLE;
\echo a pass books what is due of all, and tells of what the caller may see
SELECT pg_temp.clear() > 0;
SELECT create_pool('r2', 'nvidia/l40s') AS p \gset
SELECT count(*) FROM offer_devices(:p, 8, '[2026-01-01Z,)', now => '2026-01-01Z');
SELECT submit_request(placement_request('acme', '{nvidia/l40s}', devices => 1, time_limit => '1 minute')) AS acme, submit_request(placement_request('blue', '{nvidia/l40s}', devices => 1, time_limit => '1 minute')) AS blue \gset
SET ROLE queue_booker;
SELECT account_name, devices FROM schedule();
RESET ROLE;
SELECT id = :blue AS blue, state FROM request WHERE id IN (:acme, :blue) ORDER BY id;

\echo whose account has ended waits no more
UPDATE account_version SET valid = '(,2050-01-20Z)' WHERE account = (SELECT id FROM account WHERE name = 'blue') AND upper_inf(recorded);
SELECT book('acme', :p, 8, '[2050-01-19 12:00Z,2050-01-21 12:00Z)', confirmed => true, now => '2050-01-19 11:00Z') IS NOT NULL AS full;
SELECT submit_request(placement_request('blue', '{nvidia/l40s}', devices => 1, time_limit => '1 hour'), now => '2050-01-19 12:00Z') AS blue, submit_request(placement_request('acme', '{nvidia/l40s}', devices => 1, time_limit => '1 hour'), now => '2050-01-19 12:00Z') \gset
SELECT pg_temp.pass('19 12:00');
SELECT pg_temp.pass('21 12:00');
SELECT explain_request(:blue, now => '2050-01-21 12:00Z');
SELECT action, to_char(at, 'DD HH24:MI'), reason FROM request_change WHERE request = :blue ORDER BY id;

\echo inside its parent who has had much stands behind its own; the subtree counts as a whole
SELECT pg_temp.pool(3, 'nvidia/l40') AS p \gset
SELECT count(create_account(n, currency => 'USD', jurisdiction => 'DE')) FROM unnest('{p,z}'::text[]) AS n;
SELECT count(create_account(n, parent => 'p')) FROM unnest('{x,y}'::text[]) AS n;
SELECT count(book('x', :p, 3, '[2050-02-01Z,2050-02-04Z)', confirmed => true, now => '2050-02-01Z')), count(book('z', :p, 3, '[2050-02-04Z,2050-02-05Z)', confirmed => true, now => '2050-02-04Z'));
SELECT count(book('acme', :p, 3, '[2050-02-05Z,2050-02-06Z)', confirmed => true, now => '2050-02-05Z'));
SELECT count(submit_request(placement_request(n, '{nvidia/l40}', devices => 3, time_limit => '1 hour'), now => '2050-02-05Z')) FROM unnest('{x,y,z}'::text[]) AS n;
SELECT count(*) FROM schedule(now => '2050-02-05Z');
SELECT place, account_name, shares, to_char(lower(planned), 'DD HH24:MI') FROM queue WHERE account_name IN ('x', 'y', 'z');
\echo a promise that is not kept because its pool is in doubt is told
SELECT pg_temp.clear() > 0;
SELECT pg_temp.pool(16, 'nvidia/b200') AS p, pg_temp.pool(16, 'nvidia/b200', 'r2') AS p2 \gset
SELECT count(*) FROM book('z', ARRAY[ROW(:p, 16, '[2050-01-25 12:00Z,2050-01-25 14:00Z)'), ROW(:p2, 16, '[2050-01-25 12:00Z,2050-01-28 14:00Z)')]::reservation_piece[], confirmed => true, now => '2050-01-25 11:00Z');
SELECT pg_temp.ask('acme', '{nvidia/b200}', 12, '1 hour', '25 12:00') AS first, pg_temp.ask('acme', '{nvidia/b200}', 12, '2 hours', '25 12:00') AS second \gset
SELECT pg_temp.pass('25 12:00');
UPDATE pool SET doubted = '2050-01-25 12:30Z' WHERE id = :p;
SELECT pg_temp.pass('25 13:00');
SELECT pg_temp.pass('25 13:00');
UPDATE pool SET doubted = '2050-01-25 12:30Z' WHERE id = :p2;
SELECT pg_temp.pass('25 13:10');
SELECT pg_temp.pass('25 13:20');
SELECT request - :first AS n, action, at, planned, reason FROM request_change WHERE request IN (:first, :second) ORDER BY id;
UPDATE pool SET doubted = NULL WHERE id IN (:p, :p2);
\echo what would end after its deadline does not begin
SELECT pg_temp.clear();
SELECT pg_temp.ask('acme', '{nvidia/b200}', 8, '2 hours', '25 13:30', deadline => '25 16:00') AS late \gset
SELECT pg_temp.ask('z', '{nvidia/b200}', 8, '2 hours', '25 13:30', deadline => '25 16:00', regions => '{r2}') AS never \gset
SELECT pg_temp.pass('25 13:30');
SELECT e FROM explain_request(:never, now => '2050-01-25 13:30Z') AS e WHERE e !~ 'asked for';
SELECT pg_temp.pass('25 14:01');
SELECT e FROM explain_request(:late, now => '2050-01-25 14:01Z') AS e WHERE e !~ 'asked for';
SELECT pg_temp.try($$SELECT pg_temp.ask('acme', '{nvidia/b200}', 8, '2 hours', '25 13:30', deadline => '25 15:00')$$), pg_temp.try($$SELECT pg_temp.ask('acme', '{nvidia/b200}', 8, '2 hours', '25 15:30', deadline => '25 15:00')$$);
SELECT pg_temp.clear();
\echo max_cost is that of the time at which it runs
SELECT create_price('nvidia/b200', 'USD', 10, valid_from => '2026-01-01Z') > 0, create_price('nvidia/b200', 'USD', 1, valid_from => '2050-01-26Z', supersede => true) > 0;
SELECT pg_temp.ask('acme', '{nvidia/b200}', 8, '2 hours', '25 14:05', max_cost => 20) AS cheap, pg_temp.ask('acme', '{nvidia/b200}', 8, '2 hours', '25 14:05', max_cost => 160) AS dear,
	pg_temp.ask('acme', '{nvidia/b200}', 8, '11 hours', '25 14:05', max_cost => 100) AS longer \gset
SELECT pg_temp.pass('25 14:05');
SELECT pg_temp.pass('25 14:06');
SELECT pg_temp.pass('26 00:00');
SELECT pg_temp.try($$SELECT pg_temp.ask('acme', '{nvidia/b200}', 8, '2 hours', '25 14:05', max_cost => 15)$$);
\echo work takes longer where one site loses some of it
SELECT pg_temp.ask('acme', '{nvidia/b200}', 8, NULL, '26 12:00', work => '36 PFLOPh@bf16');
SELECT pg_temp.pass('26 12:00');
SELECT set_scaling_efficiency('', 1, 0.5);
SELECT pg_temp.ask('acme', '{nvidia/b200}', 8, NULL, '26 18:00', work => '36 PFLOPh@bf16');
SELECT to_char(ends, 'DD HH24:MI') FROM quote(placement_request('acme', '{nvidia/b200}', 8, work => '36 PFLOPh@bf16'), now => '2050-01-26 18:00Z') WHERE rank = 1;
SELECT pg_temp.pass('26 18:00');
SELECT set_scaling_efficiency('', 1, NULL);
\echo kinds that nobody waits for go when something has changed
SELECT pg_temp.ask('acme', '{nvidia/b200}', 16, '1 hour', '26 22:00', not_before => '27 12:00') IS NOT NULL;
SELECT pg_temp.pass('26 22:00');
SELECT count(*) FROM request_kind AS k WHERE NOT EXISTS (SELECT FROM request AS r WHERE r.kind = k.digest AND r.state = 'queued');
SELECT count(DISTINCT f.kind) FROM request_fit AS f;
\echo of tiers the dearest counts against max_cost and ceiling
SELECT create_price('amd/mi300x', 'USD', model => 'volume', tier_bounds => '{10}', tier_prices => '{5,1}', valid_from => '2026-01-01Z') > 0;
SELECT pg_temp.pool(16, 'amd/mi300x') AS p \gset
SELECT pg_temp.ask('acme', '{amd/mi300x}', 8, '1 hour', '27 14:00', max_cost => 40), pg_temp.try($$SELECT pg_temp.ask('acme', '{amd/mi300x}', 8, '1 hour', '27 14:00', max_cost => 39)$$);
SELECT substring(pg_temp.try($$SELECT pg_temp.ask('acme', '{amd/mi300x}', 8, '1 hour', '27 14:00', ceiling => 4)$$) FROM 'pool [0-9]+: above[^;.]*'), pg_temp.ask('acme', '{amd/mi300x}', 8, '1 hour', '27 14:00', ceiling => 5);
SELECT pg_temp.pass('27 14:00');
\echo what was booked ahead, until preemptible work has gone, counts for who has it
SELECT count(create_account(n, currency => 'USD', jurisdiction => 'DE')) AS two, pg_temp.pool(16, 'nvidia/h20') AS p FROM unnest('{left,right}'::text[]) AS n \gset
SELECT offer_idle(:p, 0.5, 'USD', '6 hours', now => '2050-01-28 00:00Z') > 0, (book('z', :p, 16, '[2050-01-28 12:00Z,2050-01-31 12:00Z)', confirmed => true, preemptible => true, now => '2050-01-28 11:00Z')).devices;
SELECT pg_temp.ask('left', '{nvidia/h20}', 8, '10 hours', '28 13:00');
SELECT pg_temp.pass('28 13:00');
SELECT account_name, work, ahead FROM fair_share(now => '2050-01-28 13:00Z') WHERE account_name IN ('left', 'right');
SELECT pg_temp.ask('left', '{nvidia/h20}', 8, '10 hours', '28 13:10'), pg_temp.ask('right', '{nvidia/h20}', 8, '10 hours', '28 13:20');
SELECT pg_temp.pass('28 13:20');
\echo whose account was merged waits for the other one; whose account comes again waits for that
SELECT count(create_account(n, currency => 'USD', jurisdiction => 'DE')) AS two, pg_temp.pool(8, 'nvidia/t4') AS p FROM unnest('{small,large}'::text[]) AS n \gset
SELECT create_account('later', parent => 'large') > 0, (book('z', :p, 8, '[2050-01-28 14:00Z,2050-01-31 12:00Z)', confirmed => true, now => '2050-01-28 13:30Z')).devices;
SELECT submit_request(placement_request('small', '{nvidia/t4}', devices => 8, time_limit => '1 hour'), request => 'before the merge', now => '2050-01-28 14:00Z') AS small, pg_temp.ask('later', '{nvidia/t4}', 8, '1 hour', '28 14:00') AS later \gset
SELECT (book('small', :p, 8, '[2050-02-10Z,2050-02-11Z)', 'booked before the merge', now => '2050-01-28 14:00Z')).booking AS booked,
	(SELECT min(r.booking) FROM reserve(placement_request('small', '{nvidia/t4}', devices => 8, time_limit => '1 hour', not_before => '2050-02-12Z'), 'reserved before the merge', now => '2050-01-28 14:00Z') AS r) AS reserved \gset
SELECT count(*) FROM schedule(now => '2050-01-28 14:00Z');
SELECT merge_account('small', 'large', '2050-01-29Z');
UPDATE account_version SET valid = '(,2050-01-29Z)' WHERE account = (SELECT id FROM account WHERE name = 'later') AND upper_inf(recorded);
INSERT INTO account_version (account, parent, valid) SELECT l.id, o.id, '[2050-01-31Z,)' FROM account AS l, account AS o WHERE l.name = 'later' AND o.name = 'large';
SELECT explain_request(:later, now => '2050-01-29Z');
SELECT count(*) FROM schedule(now => '2050-01-29Z');
SELECT r.id = :small AS is_small, a.name, r.state, r.planned IS NOT NULL AS planned, k.account = r.account AS judged_for_it FROM request AS r JOIN account AS a ON a.id = r.account LEFT JOIN request_kind AS k ON k.digest = r.kind WHERE r.id IN (:small, :later) ORDER BY r.id;
SELECT action, to_char(at, 'DD HH24:MI'), reason FROM request_change WHERE request = :small ORDER BY id;
-- what was asked before the merge gets the same answers after it, and what the other account asks is another thing
SELECT submit_request(placement_request('small', '{nvidia/t4}', devices => 8, time_limit => '1 hour'), request => 'before the merge', now => '2050-01-29Z') = :small AS submitted,
	(book('small', :p, 8, '[2050-02-10Z,2050-02-11Z)', 'booked before the merge', now => '2050-01-29Z')).booking = :booked AS booked,
	(SELECT min(r.booking) FROM reserve(placement_request('small', '{nvidia/t4}', devices => 8, time_limit => '1 hour', not_before => '2050-02-12Z'), 'reserved before the merge', now => '2050-01-29Z') AS r) = :reserved AS reserved,
	(book('large', :p, 8, '[2050-02-14Z,2050-02-15Z)', 'booked before the merge', now => '2050-01-29Z')).booking <> :booked AS another,
	(book('small', :p, 8, '[2050-02-16Z,2050-02-17Z)', 'after the merge', now => '2050-01-29Z')).booking = (book('small', :p, 8, '[2050-02-16Z,2050-02-17Z)', 'after the merge', now => '2050-01-29Z')).booking AS after;
SELECT check_name, object, detail FROM check_ledger() WHERE check_name IN ('request', 'answer');
SELECT s.request = :small AS is_small, s.account_name, to_char(lower(s.period), 'DD HH24:MI') FROM schedule(now => '2050-01-31 12:00Z') AS s;
SELECT s.request = :later AS is_later, s.account_name, to_char(lower(s.period), 'DD HH24:MI') FROM schedule(now => '2050-01-31 13:00Z') AS s;
SELECT revoke_access('queue_reader', 'reader', 'acme'), revoke_access('queue_booker', 'booker', 'blue'), revoke_access('queue_agent', 'agent', region => 'r1');
DROP ROLE queue_reader; DROP ROLE queue_booker; DROP ROLE queue_agent;
\c postgres
DROP DATABASE regress_queue;
