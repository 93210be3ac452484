-- Idle capacity: preemptible reservations, who gives way to whom, with which notice, and what it costs.
CREATE DATABASE regress_idle;
\c regress_idle
SET client_min_messages = warning;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
SELECT create_ledger() IS NOT NULL;
SELECT create_region('r1', jurisdiction => 'US') IS NOT NULL, create_region('r2', jurisdiction => 'US') IS NOT NULL, create_region('r3', jurisdiction => 'US') IS NOT NULL;
SELECT create_account('a', currency => 'USD') IS NOT NULL, create_account('b', currency => 'USD') IS NOT NULL, create_account('home', currency => 'USD') IS NOT NULL;
-- A call, what it answers or how it is refused.
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
CREATE FUNCTION hours(period tstzrange) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN isempty(period) THEN 'empty' ELSE concat('[', to_char(lower(period), 'HH24:MI'), ',', to_char(upper(period), 'HH24:MI'), ')') END
$$;
-- Reservations of a pool, by the order of their numbers.
CREATE FUNCTION shown(of_pool bigint) RETURNS TABLE (n bigint, devices integer, period text, occupies text, state text, told text, reason text) LANGUAGE sql AS $$
	SELECT row_number() OVER (ORDER BY r.id), r.devices, hours(r.period), hours(r.occupies), r.state, to_char(r.preempted_at, 'HH24:MI'), r.reason
	FROM reservation AS r WHERE r.pool = of_pool ORDER BY r.id
$$;
-- Hours of one day.
CREATE FUNCTION day(hours text) RETURNS tstzrange LANGUAGE sql AS $$ SELECT regexp_replace(hours, '(\d\d:\d\d)', '2083-03-01 \1+00', 'g')::tstzrange $$;
CREATE FUNCTION at(hour text) RETURNS timestamptz LANGUAGE sql AS $$ SELECT ('2083-03-01 ' || hour || '+00')::timestamptz $$;

-- ------------------------------------------------------------------ offering it

SELECT create_pool('r1', 'nvidia/h100-sxm5-80gb') AS p, create_pool('r2', 'nvidia/h100-sxm5-80gb') AS q \gset
SELECT offer_devices(:p, 16, '[2083-01-01,)');
SELECT offer_devices(:q, 16, '[2083-01-01,)');
SELECT said(format($$SELECT reservation FROM book('a', %s, 8, day('[10:00,12:00)'), preemptible => true, now => at('09:00'))$$, :p)) ~ '22023 / pool \d+ does not offer its idle capacity';
SELECT said(format('SELECT offer_idle(%s, %s)', :p, o)) FROM (VALUES ('-1, ''USD'''), ('''NaN'', ''USD'''), ('1'), ('1, ''XXQ'''), ('1, ''USD'', NULL'), ('1, ''USD'', ''-1 s''')) AS o (o);
SELECT offer_idle(:p, 0.4, 'USD', '10 minutes', now => at('00:00')) > 0, offer_idle(:q, 0.6, 'USD', '1 hour', now => at('00:00')) > 0;
SELECT offer_idle(:p, 0.5, 'USD', now => at('00:00:30')) > 0;
SELECT pool = :p, preempt_notice, floor_price, floor_currency FROM pool_terms ORDER BY pool;
SELECT region, measure, price, unit, valid FROM price WHERE upper_inf(recorded) ORDER BY region, valid;
SELECT create_price('nvidia/h100', 'USD', 3) > 0, create_price('nvidia/h100', 'USD', 2, measure => 'reserved') > 0;
-- The same once more is the same price; another one at the same time is refused, and nothing changes.
SELECT said(format('SELECT offer_idle(%s, 0.5, ''USD'', now => at(''00:00:40'')) = (SELECT max(id) FROM price WHERE price = 0.5)', :p)), said(format('SELECT offer_idle(%s, 0.4, ''USD'', now => at(''00:00'')) > 0', :p));

-- ------------------------------------------------------------------ giving way

-- Running from 10 on; not begun; of lower priority, or booked later.
SELECT reservation AS a1 FROM book('a', :p, 8, day('[10:00,20:00)'), confirmed => true, preemptible => true, now => at('09:00')) \gset
SELECT reservation AS a2 FROM book('a', :p, 4, day('[10:00,20:00)'), confirmed => true, preemptible => true, now => at('09:01')) \gset
SELECT reservation AS a3 FROM book('a', :p, 4, day('[10:00,20:00)'), confirmed => true, preemptible => true, priority => -1, now => at('09:00')) \gset
SELECT start_reservation(:a1, at('10:00')), start_reservation(:a2, at('10:00')), start_reservation(:a3, at('10:00'));
-- A preemptible one takes from nobody, nor does what is only held, and nobody is cut short of the notice.
SELECT said(format($$SELECT 1 FROM book('b', %s, 4, day('[13:00,14:00)'), confirmed => true, preemptible => true, now => at('12:00'))$$, :p));
SELECT said(format($$SELECT 1 FROM book('b', %s, 4, day('[13:00,14:00)'), now => at('12:00'))$$, :p));
SELECT said(format($$SELECT 1 FROM book('b', %s, 4, day('[12:04,14:00)'), confirmed => true, now => at('12:00'))$$, :p));
SELECT said(format($$SELECT 1 FROM book('b', %s, 24, day('[13:00,14:00)'), confirmed => true, now => at('12:00'))$$, :p));
SELECT * FROM shown(:p);
-- The lowest priority, from the notice on, and no more than is needed.
SELECT reservation AS b1 FROM book('b', :p, 4, day('[12:05,14:00)'), confirmed => true, now => at('12:00')) \gset
SELECT * FROM shown(:p);
-- Then the latest booked; where it is in the way, not before.
SELECT reservation AS b2 FROM book('b', :p, 4, day('[13:00,14:00)'), confirmed => true, now => at('12:00')) \gset
SELECT * FROM shown(:p);
-- What is under notice is taken up until it has ended; what is freed is whose it was freed for.
SELECT pool_availability(:p, day('[12:00,20:00)'), now => at('12:00'));
SELECT start_reservation(:b1, at('12:05'));
SELECT action, state, hours(occupies), reason FROM reservation_change WHERE reservation = :a3 ORDER BY id;
SELECT reservation = :a3, state, hours(period), to_char(preempted_at, 'HH24:MI') FROM _agent_reservation() WHERE reservation = :a3;
-- It ends before: free for anybody until then, and it pays until it was gone.
SELECT end_reservation(:a2, at('12:40'), now => at('12:45')), end_reservation(:a2, now => at('12:46'));
SELECT pool_availability(:p, day('[12:30,13:30)'), now => at('12:45'));
-- The end is reported late: until the notice had passed it was there, and what came for it has started.
SELECT end_reservation(:a3, now => at('12:20'));
SELECT * FROM shown(:p) WHERE told IS NOT NULL;
SELECT record_reservations(at('15:00')) > 0;
SELECT reservation - :a1 AS n, measure, devices, hours(tstzrange(started_at, ended_at)) FROM usage_record WHERE source = 'compute_ledger' AND superseded = 'infinity' ORDER BY reservation, started_at;

-- ------------------------------------------------------------------ extending, moving; guests; what has not begun

SELECT (extend_reservation(:b1, at('15:00'), now => at('13:50'))).devices;
SELECT (extend_reservation(:b1, at('18:00'), now => at('13:50'))).devices, cancel_reservation(:b1, now => at('13:55'));
SELECT reservation AS h FROM book('b', :p, 16, day('[21:00,22:00)'), confirmed => true, preemptible => true, now => at('13:55')) \gset
SELECT reservation AS m FROM book('b', :p, 8, day('[22:00,23:00)'), confirmed => true, now => at('13:55')) \gset
SELECT (move_reservation(:m, day('[21:30,22:30)'), now => at('14:00'))).devices;
SELECT state, hours(period), hours(occupies), reason, notice FROM reservation WHERE id = :h;
-- Another end is agreed: it is told again if need be.
SELECT reservation AS e FROM book('a', :p, 8, day('[15:00,20:00)'), confirmed => true, preemptible => true, now => at('14:00')) \gset
SELECT reservation AS f FROM book('b', :p, 8, day('[18:00,19:00)'), confirmed => true, now => at('15:30')) \gset
SELECT hours(period), to_char(preempted_at, 'HH24:MI') FROM reservation WHERE id = :e;
SELECT cancel_reservation(:f, now => at('15:31')), (extend_reservation(:e, at('20:00'), now => at('15:32'))).devices;
SELECT hours(period), preempted_at, state FROM reservation WHERE id = :e;
-- Where guests are too many, one of theirs gives way.
SELECT create_pool('r1', 'nvidia/h100-sxm5-80gb', 'shared', host => 'home') AS g \gset
SELECT offer_devices(:g, 16, '[2083-01-01,)');
SELECT set_guest_share(:g, 0.5);
SELECT offer_idle(:g, 0.4, 'USD', now => at('14:00')) > 0;
SELECT reservation AS g1 FROM book('a', :g, 8, day('[16:00,20:00)'), confirmed => true, preemptible => true, now => at('15:00')) \gset
SELECT reservation AS g2 FROM book('home', :g, 4, day('[16:00,20:00)'), confirmed => true, preemptible => true, priority => -1, now => at('15:00')) \gset
SELECT count(*) FROM book('b', :g, 4, day('[17:00,18:00)'), confirmed => true, now => at('15:00'));
SELECT * FROM shown(:g);

-- ------------------------------------------------------------------ gangs

-- What was booked together gives way together, with the longest notice of its pools.
SELECT cancel_reservation(:e, now => at('14:58'));
SELECT min(reservation) AS g1 FROM book('a', ARRAY[ROW(:q, 16, day('[15:00,23:00)')), ROW(:p, 2, day('[15:00,23:00)'))]::reservation_piece[], confirmed => true, preemptible => true, now => at('14:59')) \gset
SELECT said(format($$SELECT 1 FROM book('b', %s, 8, day('[15:30,16:00)'), confirmed => true, now => at('15:00'))$$, :p));
SELECT said(format($$SELECT 1 FROM book('b', %s, 8, day('[15:40,16:00)'), confirmed => true, now => at('15:00'))$$, :q));
SELECT count(*) FROM book('b', :q, 8, day('[16:00,16:30)'), confirmed => true, now => at('15:00'));
SELECT pool = :p, state, hours(period), preempt_notice FROM reservation WHERE booking = :g1 ORDER BY pool;
-- What a pool has less of, it takes from those that give way first.
SELECT reservation AS d1 FROM book('a', :q, 8, day('[20:00,21:00)'), confirmed => true, preemptible => true, priority => 5, now => at('15:00')) \gset
SELECT reservation AS d2 FROM book('a', :q, 8, day('[20:00,21:00)'), confirmed => true, now => at('15:00')) \gset
SELECT offer_devices(:q, 8, day('[20:00,22:00)'), drain => true, now => at('15:00')) = :d1;
-- Not offered any more: what was booked stays.
SELECT offer_idle(:q, NULL, now => at('15:00'));
SELECT said(format($$SELECT 1 FROM book('a', %s, 1, day('[16:00,17:00)'), preemptible => true, now => at('15:00'))$$, :q)) ~ 'does not offer';
-- A request that comes again says whether it gives way.
SELECT said(format($$SELECT devices FROM book('a', %s, 1, day('[22:00,23:00)'), request => 'x', preemptible => %s, now => at('15:00'))$$, :p, v)) FROM unnest('{true,true,false}'::text[]) AS v;
SELECT said(format($$SELECT 1 FROM book('a', %s, 1, day('[22:00,23:00)'), preemptible => NULL, now => at('15:00'))$$, :p));

-- ------------------------------------------------------------------ what it costs

SELECT create_account('pay', currency => 'USD') IS NOT NULL;
SELECT create_pool('r3', 'nvidia/h100-sxm5-80gb') AS o \gset
SELECT offer_devices(:o, 16, '[2026-01-01,)');
SELECT offer_idle(:o, 0.25, 'USD', now => '2026-01-01 00:00Z') > 0;
SELECT reservation AS u FROM book('pay', :o, 8, '[2026-05-01 00:00Z,2026-05-02 00:00Z)', confirmed => true, preemptible => true, now => '2026-04-30 23:00Z') \gset
SELECT start_reservation(:u, now => '2026-05-01 00:00Z');
SELECT count(*) FROM book('pay', :o, 16, '[2026-05-01 12:00Z,2026-05-01 13:00Z)', confirmed => true, now => '2026-05-01 11:00Z');
SELECT end_reservation(:u, at => '2026-05-01 11:59Z', now => '2026-05-01 13:00Z');
-- 6 of 8 until 6, 10 until 11:59.
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, reservation)
VALUES ('m', '1', 'pay', 'r3', 'nvidia/h100-sxm5-80gb', '6', '2026-05-01 00:00Z', '2026-05-01 06:00Z', 'ledger:' || :u),
	('m', '2', 'pay', 'r3', 'nvidia/h100-sxm5-80gb', '10', '2026-05-01 06:00Z', '2026-05-01 11:59Z', 'ledger:' || :u);
SELECT accepted FROM accept_usage();
SELECT record_reservations() >= 0;
SELECT kind, measure, quantity, cost FROM rate_usage('pay', '[2026-05-01,2026-06-01)') ORDER BY kind, measure;
-- What is quoted for it is what it costs; not below the floor.
SELECT rank, (pieces[1]).pool = :o AS pool, cost, total, currency FROM quote(placement_request('pay', '{nvidia/h100}', 8, '2 hours', regions => '{r3}', preemptible => true, not_before => '2026-06-01 00:00Z', deadline => '2026-06-02 00:00Z'), now => '2026-05-31 00:00Z') WHERE rank IS NOT NULL;
SELECT reservation AS s, state FROM reserve(placement_request('pay', '{nvidia/h100}', 8, '2 hours', regions => '{r3}', preemptible => true, not_before => '2026-06-01 00:00Z', deadline => '2026-06-02 00:00Z'), confirmed => true, now => '2026-05-31 00:00Z') \gset
SELECT preempt_notice, period FROM reservation WHERE id = :s;
SELECT record_reservations() > 0;
SELECT kind, measure, quantity, cost FROM rate_usage('pay', '[2026-06-01,2026-07-01)') ORDER BY kind, measure;
SELECT create_price('nvidia/h100', 'USD', 0.2, account => 'pay', measure => 'preemptible', valid_from => '2026-07-01') > 0;
SELECT rank, reason FROM quote(placement_request('pay', '{nvidia/h100}', 8, '2 hours', regions => '{r3}', preemptible => true, not_before => '2026-07-02 00:00Z', deadline => '2026-07-03 00:00Z'), now => '2026-07-01 00:00Z') WHERE pool = :o;
-- Somebody who gives way to none is offered what others give way for, from their notice on.
SELECT rank, lower((pieces[1]).period) AS starts FROM quote(placement_request('pay', '{nvidia/h100}', 16, '1 hour', regions => '{r3}', not_before => '2026-06-01 00:00Z', deadline => '2026-06-02 00:00Z'), now => '2026-05-31 23:58Z') WHERE rank IS NOT NULL;
-- What gives way is kept from nobody: it is not what was reserved and not drawn.
SELECT refresh_rollups() IS NOT NULL;
SELECT day, reserved_hours, reserved_unused_hours, allocated_hours FROM utilization_daily WHERE account IS NULL AND region_name = 'r3' AND reserved_hours > 0;
SELECT check_name, object, detail FROM check_ledger() WHERE severity <> 'advice';
-- Whoever goes round it is found.
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE reservation SET preempt_notice = NULL WHERE id = :u;
SELECT check_name, replace(object, :'u', 'u'), detail FROM check_ledger(false) WHERE check_name = 'reservation';
UPDATE reservation SET preempted_at = NULL, preempt_notice = '0' WHERE id = :u;
SELECT check_name, replace(object, :'u', 'u'), detail FROM check_ledger(false) WHERE check_name = 'reservation';
ROLLBACK;
\c contrib_regression
DROP DATABASE regress_idle;
