-- What agents of centres say: answers and reports; S15, S25 and S33 of the cases.
-- In a database of its own: what it prints has numbers of pools.
CREATE DATABASE regress_agent;
\c regress_agent
SET client_min_messages = warning;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
SELECT create_ledger() IS NOT NULL;
SELECT create_region('there', jurisdiction => 'US') IS NOT NULL, create_region('there/hall', 'site', parent => 'there') IS NOT NULL, create_region('elsewhere') IS NOT NULL;
SELECT create_account('a', currency => 'USD') IS NOT NULL;
SELECT create_pool('there/hall', 'nvidia/h100-sxm5-80gb') AS p, create_pool('elsewhere', 'nvidia/h100-sxm5-80gb') AS q \gset
SELECT offer_devices(:p, 64, '[2083-01-01,)'), offer_devices(:q, 64, '[2083-01-01,)');
\set clock '''2083-02-28 12:00+00'''

-- ------------------------------------------------------------------ answers

SELECT reservation AS r1 FROM book('a', :p, 8, '[2083-03-01,2083-03-02)', confirmed => true, now => :clock) \gset
SELECT answer_reservation(:r1, 'accepted', centre_id => 'res-77', request => 'q1', now => '2083-02-28 12:01+00');
-- A call that comes again has the first answer; another one under its id is an error; a refusal leaves nothing.
SELECT answer_reservation(:r1, 'accepted', centre_id => 'res-77', request => 'q1', now => '2083-02-28 12:02+00');
SELECT answer_reservation(:r1, 'accepted', centre_id => 'res-78', request => 'q1', now => '2083-02-28 12:02+00');
SELECT answer_reservation(:r1, 'accepted', centre_id => 'res-78', request => 'q2', now => '2083-02-28 12:02+00');
SELECT answer_reservation(:r1, 'accepted', centre_id => 'res-77', request => 'q2', now => '2083-02-28 12:02+00');
SELECT state, accepted_at, centre_id FROM reservation WHERE id = :r1;
SELECT reservation AS r2 FROM book('a', :p, 8, '[2083-03-01,2083-03-02)', confirmed => true, now => :clock) \gset
SELECT answer_reservation(:r2, 'accepted', centre_id => 'res-77', now => :clock);
-- Refused, all pieces are freed together, and the pool is doubted until the next report.
SELECT array_agg(reservation) AS g FROM book('a', ARRAY[(:q, 8, '[2083-03-01,2083-03-02)'), (:p, 16, '[2083-03-01,2083-03-02)')]::reservation_piece[], confirmed => true, now => :clock) \gset
SELECT answer_reservation((:'g'::bigint[])[2], 'refused', 'the hall is too hot', request => 'q3', now => :clock);
SELECT answer_reservation((:'g'::bigint[])[2], 'refused', 'the hall is too hot', request => 'q3', now => :clock);
SELECT answer_reservation((:'g'::bigint[])[1], 'refused', now => :clock), answer_reservation((:'g'::bigint[])[1], 'lost', now => :clock);
SELECT answer_reservation((:'g'::bigint[])[1], 'accepted', now => :clock);
SELECT pool = :p, state, occupies, reason FROM reservation WHERE id = ANY (:'g'::bigint[]) ORDER BY id;
SELECT id = :p, doubted, doubted_why FROM pool WHERE doubted IS NOT NULL;
SELECT book('a', :p, 8, '[2083-03-05,2083-03-06)', now => :clock);
SELECT pool_availability(:p, '[2083-03-01,2083-03-02)', now => :clock), availability('there', 'nvidia/h100', '[2083-03-01,2083-03-02)', :clock);
SELECT report_pool(:p, now => :clock) IS NOT NULL;
SELECT pool_availability(:p, '[2083-03-01,2083-03-02)', now => :clock), availability('there', 'nvidia/h100', '[2083-03-01,2083-03-02)', :clock);
-- Lost is the one, from now on.
SELECT answer_reservation(:r2, 'lost', 'a rack is gone', now => '2083-03-01 06:00+00');
SELECT state, occupies, ended_at FROM reservation WHERE id = :r2;
SELECT report_pool(:p, down => 16, now => '2083-03-01 06:30+00') IS NOT NULL;
SELECT pool_availability(:p, '[2083-03-01,2083-03-02)', now => '2083-03-01 06:30+00');

-- ------------------------------------------------------------------ reports

-- What local jobs hold is taken from the pool, what our reservations hold is in the book already (S33).
SELECT create_pool('there', 'nvidia/h20-96gb') AS s \gset
SELECT offer_devices(:s, 64, '[2083-01-01,)');
SELECT reservation AS r3 FROM book('a', :s, 16, '[2083-03-01 08:00,2083-03-01 15:00)', confirmed => true, now => '2083-03-01 07:00+00') \gset
SELECT report_pool(:s, ARRAY[(16, '2083-03-01 15:00+00', :r3, NULL), (24, '2083-03-01 15:00+00', NULL, NULL)]::pool_use[], request => 'x1', claimed => '2083-03-01 23:50+00', now => '2083-03-01 11:50+00') AS n \gset
SELECT pool_availability(:s, '[2083-03-01 12:00,2083-03-01 16:00)', now => '2083-03-01 11:50+00');
SELECT count(*) FROM book('a', :s, 24, '[2083-03-01 12:00,2083-03-01 15:00)', now => '2083-03-01 11:50+00');
SELECT count(*) FROM book('a', :s, 32, '[2083-03-01 12:00,2083-03-01 15:00)', now => '2083-03-01 11:50+00');
SELECT count(*) FROM book('a', :s, 64, '[2083-03-01 15:00,2083-03-01 16:00)', now => '2083-03-01 11:50+00');
-- The same report once more is the same report, something else under its id is an error.
SELECT report_pool(:s, ARRAY[(16, '2083-03-01 15:00+00', :r3, NULL), (24, '2083-03-01 15:00+00', NULL, NULL)]::pool_use[], request => 'x1', claimed => '2083-03-01 23:50+00', now => '2083-03-01 11:51+00') = :n;
SELECT report_pool(:s, down => 1, request => 'x1', now => '2083-03-01 11:51+00');
SELECT report_pool(:s, ARRAY[(1, NULL, -1, NULL)]::pool_use[], request => 'x2', now => '2083-03-01 11:51+00');
SELECT report_pool(:s, ARRAY[(1, NULL, NULL, 'res-77')]::pool_use[], request => 'x2', now => '2083-03-01 11:51+00');
SELECT report_pool(:s, ARRAY[(1, NULL, :r1, NULL)]::pool_use[], request => 'x2', now => '2083-03-01 11:51+00');
-- The next report takes the place of the last; what is as it was goes on, what was stays known.
SELECT report_pool(:s, ARRAY[(24, '2083-03-01 15:00+00', NULL, NULL), (8, NULL, NULL, NULL)]::pool_use[], 2, '2083-03-01 14:00+00', request => 'x2', now => '2083-03-01 12:00+00') IS NOT NULL;
SELECT report_pool(:s, ARRAY[(24, '2083-03-01 15:00+00', NULL, NULL)]::pool_use[], 3, '2083-03-01 14:00+00', request => 'x3', now => '2083-03-01 12:30+00') IS NOT NULL;
SELECT kind, devices, valid FROM pool_reduction WHERE pool = :s AND withdrawn = 'infinity' ORDER BY valid, kind;
SELECT pool_availability(:s, '[2083-03-01 11:00,2083-03-01 15:00)', now => '2083-03-01 12:30+00');
-- What is held until an instant that is over holds nothing.
SELECT report_pool(:s, ARRAY[(24, '2083-03-01 12:00+00', NULL, NULL)]::pool_use[], 3, '2083-03-01 12:40+00', now => '2083-03-01 12:40+00') IS NOT NULL;
SELECT pool_availability(:s, '[2083-03-01 12:40,2083-03-01 15:00)', now => '2083-03-01 12:40+00');
SELECT down, held, claimed FROM pool_report WHERE pool = :s ORDER BY id;
-- What is down is recorded though it is booked, and what is in its way is listed.
SELECT report_pool(:s, down => 50, now => '2083-03-01 13:00+00') IS NOT NULL;
SELECT reservation = :r3, devices, short FROM short_reservations(:s, now => '2083-03-01 13:00+00') ORDER BY 1 DESC;

-- ------------------------------------------------------------------ who is still there

-- S15: one runs beyond its end, the next waits for it, later bookings go on.
SELECT create_pool('there', 'nvidia/l40s-48gb') AS o \gset
SELECT offer_devices(:o, 8, '[2083-01-01,)');
SELECT reservation AS o1 FROM book('a', :o, 8, '[2083-03-01 10:00,2083-03-01 12:00)', confirmed => true, now => :clock) \gset
SELECT reservation AS o2 FROM book('a', :o, 8, '[2083-03-01 12:00,2083-03-01 14:00)', confirmed => true, now => :clock) \gset
SELECT start_reservation(:o1, '2083-03-01 10:00+00');
SELECT start_reservation(:o2, '2083-03-01 12:10+00');
SELECT count(*) FROM book('a', :o, 8, '[2083-03-01 14:00,2083-03-01 16:00)', now => '2083-03-01 12:10+00');
SELECT report_pool(:o, ARRAY[(6, '2083-03-01 12:20+00', :o1, NULL)]::pool_use[], now => '2083-03-01 12:12+00') IS NOT NULL;
SELECT reservation = :o1, devices FROM _still_there(:o, '2083-03-01 12:12+00');
SELECT pool_availability(:o, '[2083-03-01 12:00,2083-03-01 20:00)', now => '2083-03-01 12:12+00');
SELECT report_pool(:o, now => '2083-03-01 12:20+00') IS NOT NULL;
SELECT start_reservation(:o2, '2083-03-01 12:20+00');
-- One that has ended, and of which a report says that it is there still, keeps the next waiting, too.
SELECT end_reservation(:o2, now => '2083-03-01 13:00+00');
SELECT reservation AS o3 FROM book('a', :o, 8, '[2083-03-01 13:00,2083-03-01 14:00)', confirmed => true, now => '2083-03-01 13:00+00') \gset
SELECT report_pool(:o, ARRAY[(8, NULL, :o2, NULL)]::pool_use[], now => '2083-03-01 13:01+00') IS NOT NULL;
SELECT start_reservation(:o3, '2083-03-01 13:02+00');
SELECT report_pool(:o, now => '2083-03-01 13:03+00') IS NOT NULL;
SELECT start_reservation(:o3, '2083-03-01 13:04+00');

-- Who waited until a report said that the one before was gone is not charged for that.
SELECT r.waited_until FROM reservation AS r WHERE r.id = :o2;
SELECT line, measure, started_at, ended_at FROM _reservation_usage(:o2, '2083-03-01 15:00+00');
-- What was given up while it ran, and is held, keeps the next waiting, too.
SELECT create_pool('there', 'nvidia/l4-24gb') AS l \gset
SELECT offer_devices(:l, 8, '[2083-01-01,)');
SELECT reservation AS l1 FROM book('a', :l, 8, '[2083-03-01 10:00,2083-03-01 12:00)', confirmed => true, now => :clock) \gset
SELECT start_reservation(:l1, '2083-03-01 10:00+00'), cancel_reservation(:l1, now => '2083-03-01 10:30+00');
SELECT reservation AS l2 FROM book('a', :l, 8, '[2083-03-01 10:30,2083-03-01 12:00)', confirmed => true, now => '2083-03-01 10:30+00') \gset
SELECT report_pool(:l, ARRAY[(8, NULL, :l1, NULL)]::pool_use[], now => '2083-03-01 10:32+00') IS NOT NULL;
SELECT start_reservation(:l2, '2083-03-01 10:33+00');
SELECT report_pool(:l, now => '2083-03-01 10:40+00') IS NOT NULL;
SELECT start_reservation(:l2, '2083-03-01 10:40+00');
SELECT waited_until FROM reservation WHERE id = :l2;
-- What the centre refused it never gave, and nobody pays for.
SELECT reservation AS l3 FROM book('a', :l, 8, '[2083-03-01 14:00,2083-03-01 16:00)', confirmed => true, now => :clock) \gset
SELECT record_reservations('2083-03-01 14:30+00') > 0;
SELECT answer_reservation(:l3, 'refused', now => '2083-03-01 15:00+00');
SELECT record_reservations('2083-03-01 15:01+00') > 0;
SELECT count(*) FROM usage_record WHERE reservation = :l3 AND superseded = 'infinity' AND devices > 0;
-- What was moved or extended is to be accepted again.
SELECT report_pool(:l, now => '2083-03-01 15:02+00') IS NOT NULL;
SELECT reservation AS l4 FROM book('a', :l, 8, '[2083-03-02 10:00,2083-03-02 12:00)', confirmed => true, now => '2083-03-01 16:00+00') \gset
SELECT answer_reservation(:l4, 'accepted', centre_id => 'x4', now => '2083-03-01 16:00+00');
SELECT count(*) FROM extend_reservation(:l4, '2083-03-02 13:00+00', now => '2083-03-01 16:01+00');
SELECT accepted_at, centre_id FROM reservation WHERE id = :l4;
SELECT answer_reservation(:l4, 'accepted', centre_id => 'x5', now => '2083-03-01 16:02+00');
SELECT count(*) FROM move_reservation(:l4, '[2083-03-02 14:00+00,2083-03-02 17:00+00)', now => '2083-03-01 16:03+00');
SELECT accepted_at, centre_id FROM reservation WHERE id = :l4;

-- ------------------------------------------------------------------ only pools of one's own region

CREATE ROLE regress_agent;
SELECT grant_access('regress_agent', 'agent', region => 'there');
SET ROLE regress_agent;
SELECT report_pool(:p) IS NOT NULL;
SELECT report_pool(:q);
SELECT report_pool(:p, now => '2083-03-01');
SELECT answer_reservation((:'g'::bigint[])[1], 'accepted');
SELECT answer_reservation(:r1, 'accepted');
SELECT record_outage(:q, 1, '[2026-01-01,)');
SELECT short_reservations(:q);
SELECT count(*) >= 0 FROM short_reservations(:p);
SELECT pool, devices, period, state, centre_id FROM agent_reservation WHERE reservation = :r1;
SELECT count(*) FROM agent_reservation WHERE pool = :q;
SELECT count(*) FROM reservation;
SELECT offer_devices(:p, 1, '[2083-01-01,)');
RESET ROLE;
-- what was accepted and is given up is to be freed
SELECT cancel_reservation(:r1);
SET ROLE regress_agent;
SELECT pool, devices, period, state, centre_id FROM agent_reservation WHERE reservation = :r1;
RESET ROLE;
SELECT revoke_access('regress_agent', 'agent', region => 'there');
DROP ROLE regress_agent;

-- ------------------------------------------------------------------ what cannot be

SELECT answer_reservation(NULL, 'accepted');
SELECT answer_reservation(:r1, NULL);
SELECT answer_reservation(:r1, 'maybe');
SELECT answer_reservation(:r1, 'accepted', centre_id => '');
SELECT answer_reservation(:r1, 'accepted', request => '');
SELECT report_pool(NULL);
SELECT report_pool(:p, NULL);
SELECT report_pool(:p, ARRAY[NULL]::pool_use[]);
SELECT report_pool(:p, ARRAY[(0, NULL, NULL, NULL)]::pool_use[]);
SELECT report_pool(:p, ARRAY[(9223372036854775807, NULL, NULL, NULL)]::pool_use[]);
SELECT report_pool(:p, ARRAY[(1000000000, NULL, NULL, NULL), (1000000000, NULL, NULL, NULL)]::pool_use[]);
SELECT report_pool(:p, ARRAY[(1, 'infinity', NULL, NULL)]::pool_use[]);
SELECT report_pool(:p, down => -1);
SELECT report_pool(:p, down => NULL);
SELECT report_pool(:p, down_until => '-infinity');
SELECT report_pool(:p, claimed => 'infinity');
SELECT * FROM check_ledger() WHERE severity = 'breach';
\c contrib_regression
DROP DATABASE regress_agent;
