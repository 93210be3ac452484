-- Agents take work under leases: S23 and S25 of the cases, expiry, grace, the operator's word.
CREATE DATABASE regress_dispatch;
\c regress_dispatch
SET client_min_messages = warning;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
SELECT create_ledger() IS NOT NULL;
SELECT create_region('r1', jurisdiction => 'US') IS NOT NULL, create_region('r1/hall', parent => 'r1', level => 'site') IS NOT NULL, create_region('r2', jurisdiction => 'US') IS NOT NULL;
SELECT create_account('a', currency => 'USD') IS NOT NULL;
CREATE FUNCTION said(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	detail text;
	hint text;
BEGIN
	EXECUTE sql INTO answer;
	RETURN concat('ok ', answer);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' / ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;
CREATE FUNCTION day(hours text) RETURNS tstzrange LANGUAGE sql AS $$ SELECT regexp_replace(hours, '(\d\d:\d\d)', '2083-03-01 \1+00', 'g')::tstzrange $$;
CREATE FUNCTION at(hour text) RETURNS timestamptz LANGUAGE sql AS $$ SELECT ('2083-03-01 ' || hour || '+00')::timestamptz $$;
CREATE FUNCTION hour(at timestamptz) RETURNS text LANGUAGE sql AS $$ SELECT to_char(at, 'HH24:MI:SS') $$;
-- What an agent takes, by reservations from a first one on.
CREATE FUNCTION takes(who text, hour text, first bigint, "limit" integer DEFAULT 1, lead interval DEFAULT '0') RETURNS TABLE (w bigint, lease bigint, expires text, state text) LANGUAGE sql AS $$
	SELECT t.reservation - first, t.lease, hour(t.expires), t.state FROM take_work(who, takes."limit", takes.lead, now => at(hour)) AS t
$$;

SELECT create_pool('r1', 'nvidia/h100-sxm5-80gb') AS p, create_pool('r1/hall', 'nvidia/h100-sxm5-80gb') AS q, create_pool('r2', 'nvidia/h100-sxm5-80gb') AS o \gset
SELECT offer_devices(:p, 32, '[2083-01-01,)');
SELECT offer_devices(:q, 32, '[2026-01-01,)');
SELECT offer_devices(:o, 32, '[2083-01-01,)');
UPDATE queue_setting SET lease = '5 minutes', grace = '10 minutes' WHERE upper_inf(recorded);
SELECT setval('lease_id_seq', 40);

-- ------------------------------------------------------------------ S23: the same name, another lease

SELECT reservation AS w FROM book('a', :p, 8, day('[12:00,16:00)'), request => 'job 7', confirmed => true, now => at('11:00')) \gset
SELECT * FROM takes('a', '11:59', :w);
SELECT lease, hour(expires), reservation = :w, booking = :w, pieces = ARRAY[:w]::bigint[], request, pool = :p, region, accelerator, partition, devices, period = day('[12:00,16:00)'), state, preempted_at FROM take_work('a', now => at('12:00'));
SELECT report_work(41, 'started', now => at('12:00'));
SELECT * FROM takes('b', '12:04:59', :w, 10);
SELECT * FROM takes('a', '12:06', :w);
SELECT report_work(41, 'heartbeat', at('12:07'), now => at('12:07')), report_work(41, 'ended', at('12:07'), 'all done', now => at('12:07'));
SELECT id, hour(expires), agent, hour(replaced), closed FROM lease ORDER BY id;
SELECT state FROM reservation WHERE id = :w;
SELECT said('SELECT (renew_lease(41, now => at(''12:07''))).lease');
SELECT report_work(42, 'started', now => at('12:08')), report_work(42, 'ended', at('12:09'), now => at('12:10')), report_work(42, 'ended', at('12:09'), now => at('12:10'));
SELECT state, hour(ended_at), hour(upper(occupies)) FROM reservation WHERE id = :w;
SELECT lease, event, hour(at), hour(claimed), detail, answer FROM lease_report ORDER BY id;
SELECT action, hour(at) FROM reservation_change WHERE reservation = :w ORDER BY id;
SELECT * FROM takes('a', '12:30', :w);

-- ------------------------------------------------------------------ S25: whose clock

SELECT reservation AS x FROM book('a', :p, 8, day('[13:00,16:00)'), confirmed => true, now => at('12:30')) \gset
SELECT * FROM takes('a', '13:00', :x);
-- B's clock is 10 minutes fast, C's 10 minutes slow: what they say judges nothing.
SELECT * FROM takes('b', '13:01', :x);
SELECT * FROM takes('c', '13:04:59', :x);
SELECT * FROM takes('c', '13:05', :x);
SELECT report_work(44, 'started', at('12:57'), now => at('13:07'));
SELECT hour(started_at) FROM reservation WHERE id = :x;
SELECT report_work(44, 'ended', at('12:59'), now => at('13:09'));
SELECT hour(ended_at) FROM reservation WHERE id = :x;

-- ------------------------------------------------------------------ an expired lease permits nothing

SELECT reservation AS y FROM book('a', :p, 8, day('[14:00,16:00)'), confirmed => true, now => at('13:30')) \gset
SELECT * FROM takes('a', '13:58', :y, lead => '2 minutes');
SELECT report_work(45, 'started', now => at('13:59'));
SELECT lease, hour(expires) FROM renew_lease(45, now => at('14:02'));
SELECT report_work(45, 'started', now => at('14:03'));
SELECT hour(l.expires), r.state FROM lease AS l, reservation AS r WHERE l.id = 45 AND r.id = :y;
-- The end of a lease is excluded.
SELECT said('SELECT (renew_lease(45, now => at(''14:08''))).lease');
SELECT report_work(45, 'heartbeat', now => at('14:08')), report_work(45, 'started', now => at('14:08'));
-- But the end is believed.
SELECT report_work(45, 'ended', now => at('14:12'));
SELECT state, hour(ended_at) FROM reservation WHERE id = :y;
SELECT said('SELECT (renew_lease(45, now => at(''14:12''))).lease');

-- ------------------------------------------------------------------ grace

SELECT reservation AS z FROM book('a', :q, 32, day('[15:00,15:20)'), confirmed => true, now => at('14:30')) \gset
SELECT reservation AS zz FROM book('a', :q, 32, day('[15:20,18:00)'), confirmed => true, now => at('14:30')) \gset
SELECT * FROM takes('a', '15:00', :z);
SELECT report_work(46, 'started', now => at('15:04'));
-- It expires at 15:09: still there at 15:18, and lost when the grace is over, whenever somebody looks.
SELECT e FROM expire_leases(now => at('15:18:59')) AS e;
SELECT lease, agent, hour(expires), hour(grace_until), state FROM agent_lease WHERE reservation = :z;
SELECT e = :z FROM expire_leases(now => at('15:30')) AS e;
SELECT state, hour(ended_at), hour(upper(occupies)), reason FROM reservation WHERE id = :z;
SELECT lease, event, hour(at), answer FROM lease_report ORDER BY id DESC LIMIT 1;
SELECT report_work(46, 'ended', now => at('15:31'));
-- Before that another agent may take it, and say that it has ended.
SELECT * FROM takes('b', '15:31', :z);
SELECT report_work(47, 'started', now => at('15:32'));
SELECT * FROM takes('c', '15:40', :z);
SELECT report_work(47, 'ended', now => at('15:41')), report_work(48, 'ended', now => at('15:41'));
-- While nobody has said that one has ended, the next does not start in its place; an operator may say so, too.
SELECT reservation AS u FROM book('a', :o, 32, day('[16:00,16:30)'), confirmed => true, now => at('15:45')) \gset
SELECT reservation AS v FROM book('a', :o, 32, day('[16:30,17:00)'), confirmed => true, now => at('15:45')) \gset
SELECT * FROM takes('a', '16:00', :u);
SELECT report_work(49, 'started', now => at('16:00')), report_work(49, 'heartbeat', now => at('16:04'));
SELECT * FROM takes('a', '16:10', :u);
SELECT report_work(50, 'heartbeat', now => at('16:14')), report_work(50, 'heartbeat', now => at('16:18')), report_work(50, 'heartbeat', now => at('16:22')), report_work(50, 'heartbeat', now => at('16:26'));
SELECT * FROM takes('b', '16:30', :u, 2);
SELECT report_work(51, 'started', now => at('16:30'));
SELECT said(format('SELECT confirm_end(%s, now => at(''16:32''))', :v));
SELECT confirm_end(:u, at('16:31'), 'looked at the rack', now => at('16:32')), confirm_end(:u, now => at('16:32'));
SELECT report_work(50, 'ended', now => at('16:33')), report_work(51, 'started', now => at('16:33'));
SELECT lease, event, hour(at), hour(claimed), detail, answer FROM lease_report WHERE reservation = :u ORDER BY id;
SELECT state, hour(ended_at), hour(upper(occupies)), hour(waited_until) FROM reservation WHERE id IN (:u, :v) ORDER BY id;
-- One that is there longer than it was for, and of which nobody says anything, is in the way until the grace is over.
SELECT report_work(51, 'heartbeat', now => at('16:37')), report_work(51, 'heartbeat', now => at('16:41')), report_work(51, 'heartbeat', now => at('16:45')), report_work(51, 'heartbeat', now => at('16:49')), report_work(51, 'heartbeat', now => at('16:53'));
SELECT reservation AS t FROM book('a', :o, 32, day('[17:00,18:00)'), confirmed => true, now => at('16:54')) \gset
SELECT * FROM takes('b', '16:57', :v, lead => '3 minutes');
SELECT report_work(52, 'heartbeat', now => at('17:01')), report_work(52, 'heartbeat', now => at('17:05'));
SELECT report_work(52, 'started', now => at('17:07:59')), report_work(52, 'started', now => at('17:08'));
SELECT state, hour(ended_at), hour(upper(occupies)), hour(waited_until) FROM reservation WHERE id IN (:v, :t) ORDER BY id;

-- ------------------------------------------------------------------ giving back; what was given up; what cannot be

SELECT reservation AS g FROM book('a', :p, 8, day('[18:00,20:00)'), confirmed => true, now => at('17:30')) \gset
SELECT * FROM takes('a', '18:00', :g);
SELECT report_work(53, 'failed', detail => 'no image', now => at('18:01')), report_work(53, 'started', now => at('18:01'));
-- nor is an end of what was given back one
SELECT report_work(53, 'ended', now => at('18:01')), (SELECT state FROM reservation WHERE id = (SELECT l.reservation FROM lease AS l WHERE l.id = 53)) AS state;
SELECT * FROM takes('b', '18:01', :g);
SELECT report_work(54, 'started', now => at('18:01')), cancel_reservation(:g, now => at('18:02'));
SELECT state, expires > at('18:03') FROM renew_lease(54, now => at('18:03'));
SELECT report_work(54, 'heartbeat', now => at('18:03')), report_work(54, 'ended', now => at('18:03'));
-- What is given up while an agent has it is in the way until that says it is gone, or the grace is over; and not of bookings.
SELECT reservation AS c1 FROM book('a', :o, 32, day('[20:00,22:00)'), confirmed => true, now => at('18:30')) \gset
SELECT lease AS l1 FROM take_work('a', pool => :o, now => at('20:00')) \gset
SELECT report_work(:l1, 'started', now => at('20:04')), report_work(:l1, 'heartbeat', now => at('20:08'));
SELECT cancel_reservation(:c1, now => at('20:10'));
SELECT hour(there_until) FROM reservation WHERE id = :c1;
SELECT reservation AS c2 FROM book('a', :o, 32, day('[20:11,21:00)'), confirmed => true, now => at('20:11')) \gset
SELECT lease AS l2 FROM take_work('b', pool => :o, now => at('20:11')) \gset
SELECT report_work(:l2, 'started', now => at('20:11'));
SELECT state, hour(expires) FROM renew_lease(:l1, now => at('20:12'));
SELECT report_work(:l1, 'ended', at('20:12'), now => at('20:13')), report_work(:l2, 'started', now => at('20:13'));
SELECT state, hour(ended_at), hour(there_until), hour(waited_until) FROM reservation WHERE id IN (:c1, :c2) ORDER BY id;
SELECT end_reservation(:c2, now => at('20:14'));
SELECT reservation AS c3 FROM book('a', :o, 32, day('[20:15,21:00)'), confirmed => true, now => at('20:15')) \gset
SELECT said(format('SELECT start_reservation(%s, now => at(''20:27:59''))', :c3)), start_reservation(:c3, now => at('20:28'));
SELECT report_work(:l2, 'ended', now => at('20:30'));
SELECT state, hour(ended_at), hour(there_until), hour(waited_until) FROM reservation WHERE id IN (:c2, :c3) ORDER BY id;
-- A report of the pool says so, too.
SELECT confirm_end(:c3, now => at('21:00'));
SELECT reservation AS c4 FROM book('a', :o, 32, day('[21:30,23:00)'), confirmed => true, now => at('21:00')) \gset
SELECT lease AS l4 FROM take_work('a', pool => :o, now => at('21:30')) \gset
SELECT report_work(:l4, 'started', now => at('21:30')), cancel_reservation(:c4, now => at('21:31'));
SELECT reservation AS c5 FROM book('a', :o, 32, day('[21:32,23:00)'), confirmed => true, now => at('21:31')) \gset
SELECT report_pool(:o, ARRAY[ROW(32, NULL, :c4, NULL)]::pool_use[], now => at('21:32')) > 0, hour(there_until) FROM reservation WHERE id = :c4;
SELECT said(format('SELECT start_reservation(%s, now => at(''21:32''))', :c5)) ~ 'is still there';
SELECT report_pool(:o, now => at('21:33')) > 0, start_reservation(:c5, now => at('21:33'));
SELECT state, hour(ended_at), hour(there_until), hour(waited_until) FROM reservation WHERE id IN (:c4, :c5) ORDER BY id;
SELECT end_reservation(:c5, now => at('21:34'));
-- What has to give way is told so when its lease is renewed, and what it reports is believed.
SELECT offer_idle(:o, 1, 'USD', now => at('21:35')) > 0;
SELECT count(*) FROM (VALUES ('[22:00,23:00)'), ('[23:00,23:30)')) AS h (hours), LATERAL book('a', :o, 16, day(h.hours), confirmed => true, preemptible => true, now => at('21:40')) AS b;
SELECT min(lease) AS l6, max(lease) AS l7 FROM take_work('a', 2, '2 hours', :o, now => at('22:00')) \gset
SELECT report_work(:l6, 'started', now => at('22:00'));
SELECT count(*) FROM book('a', :o, 32, day('[22:10,23:30)'), confirmed => true, now => at('22:01'));
SELECT state, hour(upper(period)), hour(preempted_at), hour(expires) FROM renew_lease(:l6, now => at('22:02')) UNION ALL SELECT state, hour(upper(period)), hour(preempted_at), hour(expires) FROM renew_lease(:l7, now => at('22:02'));
SELECT report_work(:l6, 'ended', at('22:05'), now => at('22:06')), report_work(:l6, 'ended', now => at('22:06')), report_work(:l7, 'ended', now => at('22:06'));
SELECT state, hour(upper(occupies)), hour(ended_at) FROM reservation WHERE pool = :o AND preempt_notice IS NOT NULL ORDER BY id;
-- What the queue has booked is known by the id under which it was submitted.
SELECT create_price('nvidia/h100', 'USD', 2) > 0;
SELECT submit_request(placement_request('a', '{nvidia/h100}', 4, '1 hour', regions => '{r1/hall}'), request => 'job 9', now => at('21:00')) > 0;
SELECT count(*) FROM schedule(now => at('21:00'));
SELECT request, region, devices, hour(lower(period)), state FROM take_work('a', pool => :q, now => at('21:00'));
-- Who starts his own booking needs no agent; one that is held is no work.
SELECT reservation AS h FROM book('a', :p, 8, day('[19:00,20:00)'), now => at('18:50')) \gset
SELECT reservation AS i FROM book('a', :p, 8, day('[19:00,20:00)'), confirmed => true, now => at('18:50')) \gset
SELECT start_reservation(:i, at('19:00'));
SELECT * FROM takes('a', '19:01', :g);
\echo what is to come is not read, whatever was known when it was planned
ANALYZE reservation;
INSERT INTO reservation (booking, booked, pool, account, guest, devices, period, occupies, since, state)
SELECT 1, at('12:00'), :q, (SELECT id FROM account WHERE name = 'a'), false, 1, p.period, p.period, at('12:00'), 'confirmed'
FROM generate_series(1, 2000) AS n, LATERAL (SELECT tstzrange(at('23:00') + n * interval '1 day', at('23:30') + n * interval '1 day') AS period) AS p;
BEGIN;
SELECT idx_tup_fetch + seq_tup_read AS before FROM pg_stat_xact_user_tables WHERE relid = 'reservation'::regclass \gset
SELECT count(*) FROM take_work('a', pool => :q, now => at('22:30'));
SELECT idx_tup_fetch + seq_tup_read - :before < 100 AS few FROM pg_stat_xact_user_tables WHERE relid = 'reservation'::regclass;
COMMIT;
DELETE FROM reservation WHERE pool = :q AND period >> day('[12:00,23:59)');

SELECT said(format('SELECT %s', c)) FROM unnest(ARRAY[$$take_work(NULL)$$, $$take_work('')$$, $$take_work('a', 0)$$, $$take_work('a', NULL)$$, $$take_work('a', 1001)$$, $$take_work('a', lead => '-1 s')$$, $$take_work('a', pool => 4242)$$, $$take_work(repeat('a', 1001))$$,
	$$renew_lease(NULL)$$, $$renew_lease(4242)$$, $$report_work(4242, 'ended')$$, $$report_work(54, 'done')$$, $$report_work(54, NULL)$$, $$report_work(54, 'ended', 'infinity')$$, $$report_work(54, 'ended', detail => repeat('a', 10001))$$,
	$$confirm_end(NULL)$$, $$confirm_end(4242)$$, $$take_work('a', now => 'infinity')$$]) AS c;
DELETE FROM lease_report;
SELECT check_name, object, detail FROM check_ledger() WHERE severity <> 'advice';
-- Whoever goes round it is found.
CREATE FUNCTION breaks(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		SET LOCAL session_replication_role = replica;
		EXECUTE statement;
		RETURN QUERY SELECT concat_ws(' | ', c.check_name, c.object, c.detail, nullif(c.severity, 'breach')) FROM check_ledger(false) AS c WHERE c.check_name ~ 'lease|work' ORDER BY 1;
		RAISE 'undo' USING ERRCODE = 'XX999';
	EXCEPTION WHEN SQLSTATE 'XX999' THEN
		SET LOCAL session_replication_role = origin;
	END;
END $$;
SELECT breaks(s) FROM unnest(ARRAY[$$UPDATE lease SET reservation = 4242 WHERE id = 43$$, $$UPDATE lease SET expires = '2083-03-01 12:06:01Z' WHERE id = 41$$, $$UPDATE lease SET replaced = NULL, reservation = 4242 WHERE id = 41$$,
	$$UPDATE lease SET replaced = '2083-03-01 12:07Z' WHERE id = 42$$, $$UPDATE lease_report SET reservation = 4242 WHERE id = 1$$, $$UPDATE lease_report SET lease = 43 WHERE id = 1$$,
	$$UPDATE reservation SET state = 'running' WHERE id = (SELECT reservation FROM lease WHERE id = 42)$$, $$UPDATE reservation SET started_at = NULL WHERE id = (SELECT reservation FROM lease WHERE id = 41)$$,
	$$UPDATE lease SET closed = NULL, expires = '2083-02-27Z', taken = '2083-02-27Z' WHERE id = 44; UPDATE reservation SET state = 'running' WHERE id = (SELECT reservation FROM lease WHERE id = 44); DELETE FROM lease_report WHERE lease = 44$$]) AS s;

-- ------------------------------------------------------------------ what is read

-- Neither what is to come nor what is over and was never started; two are due.
BEGIN;
INSERT INTO reservation (booking, booked, pool, account, guest, devices, period, occupies, since, state)
SELECT 1000000 + n, now(), :q, a.id, false, 1, s.period, s.period, lower(s.period), 'confirmed'
FROM account AS a, generate_series(-4000, 4000) AS n, LATERAL (SELECT tstzrange(t, t + interval '70 minutes') AS period FROM (SELECT timestamptz '2090-03-01Z' + n * interval '1 hour' AS t) AS t) AS s
WHERE a.name = 'a';
CREATE FUNCTION rows_read() RETURNS bigint LANGUAGE sql AS $$ SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'compute_ledger.reservation'::regclass $$;
SELECT rows_read() AS before \gset
SELECT count(*) FROM take_work('a', 10, pool => :q, now => '2090-03-01 00:05Z');
SELECT rows_read() - :before AS read \gset
SELECT CASE WHEN :read < 100 THEN 'few' ELSE 'many: ' || :read END;
ANALYZE reservation;
SELECT rows_read() AS before \gset
SELECT count(*) FROM take_work('a', 10, pool => :q, now => '2090-03-02 00:15Z');
SELECT rows_read() - :before AS read \gset
SELECT CASE WHEN :read < 100 THEN 'few' ELSE 'many: ' || :read END;
ROLLBACK;

-- ------------------------------------------------------------------ whose work it is

CREATE ROLE regress_dispatch_agent;
SELECT grant_access('regress_dispatch_agent', 'agent', region => 'r1');
SELECT reservation AS k FROM book('a', :q, 8, tstzrange(date_trunc('minute', now()), date_trunc('minute', now()) + interval '1 day'), confirmed => true) \gset
SET ROLE regress_dispatch_agent;
SELECT count(*) = 1 AS one, max(lease) AS last FROM take_work('a', 10) \gset
\echo :one
SELECT said('SELECT take_work(''a'', now => now())'), said(format('SELECT take_work(''a'', pool => %s)', :o)), said('SELECT renew_lease(51)'), said(format('SELECT confirm_end(%s)', :v)), said('SELECT count(*) FROM lease');
SELECT report_work(:last, 'started'), report_work(:last, 'heartbeat'), report_work(:last, 'ended'), count(*) FROM agent_lease WHERE lease = :last;
RESET ROLE;
SELECT l.taken_by = session_user, l.expires - l.taken >= interval '5 minutes', r.state FROM lease AS l JOIN reservation AS r ON r.id = l.reservation WHERE l.id = :last;
SELECT revoke_access('regress_dispatch_agent', 'agent', region => 'r1');
SELECT check_name, object, detail FROM check_ledger() WHERE severity <> 'advice';
DROP ROLE regress_dispatch_agent;
\c contrib_regression
DROP DATABASE regress_dispatch;
