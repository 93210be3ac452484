-- What may be booked changes under what is booked: S06, S11, S12 of the cases, outages, shares of guests, gangs.
-- In a database of its own: what it prints has numbers of pools.
CREATE DATABASE regress_offer;
\c regress_offer
SET client_min_messages = warning;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
SELECT create_ledger() IS NOT NULL;
SELECT create_region('r1', jurisdiction => 'US') IS NOT NULL;
SELECT create_account('a', currency => 'USD') IS NOT NULL, create_account('home', currency => 'USD') IS NOT NULL, create_account('home/x', parent => 'home') IS NOT NULL;
\set clock '''2083-02-28 12:00+00'''

-- ------------------------------------------------------------------ an offer is lowered

SELECT create_pool('r1', 'nvidia/h100-sxm5-80gb') AS p \gset
SELECT offer_devices(:p, 64, '[2083-01-01,)');
-- Monday is 2083-03-01.
SELECT reservation AS r1 FROM book('a', :p, 40, '[2083-03-01,2083-03-05)', priority => 2, confirmed => true, now => :clock) \gset
SELECT reservation AS r2 FROM book('a', :p, 16, '[2083-03-03,2083-03-04)', priority => 1, confirmed => true, now => :clock) \gset
SELECT offer_devices(:p, 48, '[2083-03-02,2083-03-06)', now => :clock);
SELECT count(*) FROM pool_offer WHERE pool = :p;
SELECT offer_devices(:p, 48, '[2083-03-01,2083-03-03)', now => :clock);
SELECT offer_devices(:p, 56, '[2083-03-02,2083-03-06)', now => :clock);
SELECT offer_devices(:p, 48, '[2083-03-02,2083-03-06)', drain => true, now => :clock) = :r2;
SELECT id = :r1, state, occupies, reason FROM reservation WHERE pool = :p ORDER BY id;
SELECT action, state, occupies, reason FROM reservation_change WHERE reservation = :r2 ORDER BY id;
SELECT pool_availability(:p, '[2083-03-01,2083-03-07)', now => :clock);
-- An offer that is raised, or is lowered where nothing is booked or it is over, is in nobody's way, though the pool be short.
SELECT record_outage(:p, 60, '[2083-02-28,2083-03-03)', now => :clock) AS o \gset
SELECT offer_devices(:p, 50, '[2083-03-01,2083-03-02)', now => :clock);
SELECT offer_devices(:p, 0, '[2083-03-05,)', now => :clock);
SELECT offer_devices(:p, 0, '[2083-02-01,2083-02-28 12:00)', now => :clock);
SELECT offer_devices(:p, 49, '[2083-03-01,2083-03-02)', now => :clock);
SELECT reservation = :r1, devices, booked, short FROM short_reservations(:p, now => :clock);
SELECT pool_availability(:p, '[2083-03-01,2083-03-07)', now => :clock);
-- A plan is held to what was planned, too: the outage may be over sooner.
SELECT offer_devices(:p, 39, '[2083-03-01,2083-03-02)', now => :clock);
SELECT end_outage(:o, now => :clock);
SELECT count(*) FROM short_reservations(:p, now => :clock);
-- What has begun goes on until it is in the way; of what is drained the lowest priority goes first, then the latest booked.
SELECT offer_devices(:p, 8, '[2083-03-04 06:00,2083-03-04 09:00)', drain => true, now => '2083-03-03') = :r1;
SELECT state, period, occupies FROM reservation WHERE id = :r1;
SELECT offer_devices(:p, 40, '[2083-03-05,)', now => :clock);
SELECT reservation AS r3 FROM book('a', :p, 16, '[2083-03-06,2083-03-08)', confirmed => true, now => :clock) \gset
SELECT reservation AS r4 FROM book('a', :p, 16, '[2083-03-06,2083-03-08)', confirmed => true, now => '2083-02-28 12:01+00') \gset
SELECT reservation AS r5 FROM book('a', :p, 8, '[2083-03-06,2083-03-08)', priority => -1, confirmed => true, now => '2083-02-28 11:59+00') \gset
SELECT array_agg(d) = ARRAY[:r5, :r4]::bigint[] FROM offer_devices(:p, 16, '[2083-03-06,2083-03-07)', drain => true, now => '2083-02-28 13:00+00') AS d;

-- ------------------------------------------------------------------ maintenance, blackouts

SELECT plan_maintenance(:p, 1, '[2083-03-06,2083-03-07)', now => :clock);
SELECT plan_blackout(:p, '[2083-03-07,2083-03-08)', now => :clock);
SELECT plan_maintenance(:p, 30, '[2083-03-01,2083-03-10)', '23:00', '01:00', 'Europe/Berlin', now => :clock);
SELECT drained = ARRAY[:r3]::bigint[] FROM plan_blackout(:p, '[2083-03-07,2083-03-08)', 'audit', drain => true, now => :clock);
SELECT state, reason FROM reservation WHERE id = :r3;
-- A hold that has run out is in nobody's way.
SELECT reservation AS h FROM book('a', :p, 40, '[2083-03-10,2083-03-11)', hold => '10 min', now => :clock) \gset
SELECT plan_blackout(:p, '[2083-03-10,2083-03-11)', now => '2083-02-28 12:09:59.9+00');
SELECT drained FROM plan_blackout(:p, '[2083-03-10,2083-03-11)', now => '2083-02-28 12:10+00');

-- ------------------------------------------------------------------ granule

SELECT create_pool('r1', 'nvidia/h100-sxm5-80gb', 'nodes', granule => 8) AS g \gset
SELECT offer_devices(:g, 64, '[2083-01-01,)'), offer_devices(:g, 61, '[2083-03-01,2083-03-02)', source => '3 cards down');
SELECT book('a', :g, 64, '[2083-03-01,2083-03-02)', now => :clock);
SELECT reservation AS r6 FROM book('a', :g, 56, '[2083-03-01,2083-03-02)', confirmed => true, now => :clock) \gset
SELECT pool_availability(:g, '[2083-03-01,2083-03-03)', now => :clock);
SELECT offer_devices(:g, 40, '[2083-03-01,2083-03-02)', source => 'they sit in 3 nodes', now => :clock);
UPDATE pool SET granule = 4 WHERE id = :g;

-- ------------------------------------------------------------------ cards cut into slices

SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb') AS w, create_pool('r1', 'nvidia/a100-sxm4-40gb:1g.5gb') AS s \gset
SELECT offer_devices(:w, 8, '[2083-01-01,)');
SELECT reservation AS r7 FROM book('a', :w, 7, '[2083-02-25,2083-03-05)', confirmed => true, now => '2083-02-01') \gset
SELECT move_devices(:w, :s, 2, '2083-03-01', now => '2083-02-01');
SELECT count(*) FROM pool_offer WHERE pool = :s;
SELECT cancel_reservation(:r7, now => '2083-02-01');
SELECT reservation AS r8 FROM book('a', :w, 6, '[2083-02-25,2083-03-05)', confirmed => true, now => '2083-02-01') \gset
SELECT move_devices(:w, :s, 2, '2083-03-01', now => '2083-02-01');
SELECT pool, devices, valid FROM pool_offer WHERE pool IN (:w, :s) AND upper_inf(recorded) ORDER BY pool, valid;
SELECT reservation AS r9 FROM book('a', :s, 14, '[2083-03-01,2083-03-10)', confirmed => true, now => '2083-02-01') \gset
SELECT move_devices(:s, :w, 1, '2083-03-05', now => '2083-02-01');
SELECT pool, devices, valid FROM pool_offer WHERE pool IN (:w, :s) AND upper_inf(recorded) ORDER BY pool, valid;
SELECT move_devices(:s, :w, 1, '2083-03-05', drain => true, now => '2083-02-01') = :r9;
SELECT pool, devices, valid FROM pool_offer WHERE pool IN (:w, :s) AND upper_inf(recorded) ORDER BY pool, valid;

-- ------------------------------------------------------------------ guests

SELECT create_pool('r1', 'nvidia/h100-sxm5-80gb', 'hosted', host => 'home') AS o \gset
SELECT offer_devices(:o, 16, '[2083-01-01,)');
SELECT reservation AS g1 FROM book('a', :o, 8, '[2083-03-01,2083-03-02)', confirmed => true, now => :clock) \gset
SELECT set_guest_share(:o, 0.4, now => :clock);
SELECT set_guest_share(:o, 0.5, now => :clock);
SELECT book('a', :o, 1, '[2083-03-01,2083-03-02)', now => :clock);
SELECT reservation IS NOT NULL FROM book('home/x', :o, 8, '[2083-03-01,2083-03-02)', confirmed => true, now => :clock);
SELECT set_guest_share(:o, 0.25, '[2083-03-01 12:00,)', drain => true, now => :clock) = :g1;
SELECT guest, state FROM reservation WHERE pool = :o ORDER BY id;
UPDATE pool SET host = NULL WHERE id = :o;

-- ------------------------------------------------------------------ a gang is drained together

SELECT create_pool('r1', 'nvidia/h20-96gb', 'x') AS x, create_pool('r1', 'nvidia/h20-96gb', 'y') AS y \gset
SELECT offer_devices(:x, 8, '[2083-01-01,)'), offer_devices(:y, 8, '[2083-01-01,)');
SELECT count(*) FROM book('a', ARRAY[(:y, 8, '[2083-03-01,2083-03-02)'), (:x, 8, '[2083-03-01,2083-03-02)')]::reservation_piece[], confirmed => true, now => :clock);
SELECT count(*) FROM offer_devices(:y, 7, '[2083-03-01 12:00,2083-03-01 13:00)', drain => true, now => :clock);
SELECT pool = :x, state, occupies FROM reservation WHERE pool IN (:x, :y) ORDER BY id;
SELECT pool_availability(:x, '[2083-03-01,2083-03-02)', now => :clock);

-- ------------------------------------------------------------------ outages

-- What has happened is recorded whatever is booked; nothing that begins after its end is drained.
SELECT reservation AS e1 FROM book('a', :x, 4, '[2083-03-01,2083-03-02)', confirmed => true, now => :clock) \gset
SELECT reservation AS e2 FROM book('a', :x, 4, '[2083-03-01 06:00,2083-03-02)', confirmed => true, now => :clock) \gset
SELECT reservation AS e3 FROM book('a', :x, 8, '[2083-03-02,2083-03-03)', confirmed => true, now => :clock) \gset
SELECT record_outage(:x, 6, '[2083-03-01 05:00,2083-03-01 12:00)', 'cooling', now => '2083-03-01 05:00+00') AS o \gset
SELECT reservation, devices, short FROM short_reservations(:x, now => '2083-03-01 05:00+00');
SELECT pool_availability(:x, '[2083-03-01,2083-03-03)', now => '2083-03-01 05:00+00');
SELECT array_agg(d) = ARRAY[:e2, :e1]::bigint[] FROM drain_reservations(:x, '[2083-03-01 05:00,2083-03-01 12:00)', 'cooling', now => '2083-03-01 05:00+00') AS d;
SELECT state, occupies FROM reservation WHERE id IN (:e1, :e2, :e3) ORDER BY id;
SELECT drain_reservations(:x, '[2083-03-01 05:00,)');
SELECT drain_reservations(:x, '[2083-01-01,2083-01-02)');
-- What a clock that was put back finds started is drained, too.
SELECT start_reservation(:e3, now => '2083-03-02 00:00+00');
SELECT offer_devices(:x, 0, '[2083-03-02,2083-03-03)', drain => true, now => '2083-03-01 12:00+00') = :e3;
SELECT state, occupies FROM reservation WHERE id = :e3;
SELECT short_reservations(-1);
SELECT short_reservations(NULL);

-- What is booked is what the reservations say.
SELECT * FROM check_ledger() WHERE severity = 'breach';
\c contrib_regression
DROP DATABASE regress_offer;
