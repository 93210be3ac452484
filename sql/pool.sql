-- Pools: what they offer, what is taken from it, and what may be booked.
-- In a database of its own: what it prints has numbers of pools.
CREATE DATABASE regress_pool;
\c regress_pool
SET client_min_messages = warning;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
SELECT create_ledger() IS NOT NULL;

SELECT create_region('r1', jurisdiction => 'US') IS NOT NULL;
SELECT create_pool('r1', 'nvidia/h100-sxm5-80gb', granule => 8) AS p \gset
SELECT pool_id('r1', 'nvidia/h100-sxm5-80gb') = :p;

-- ------------------------------------------------------------------ offers

-- Where nothing was said nothing is offered; a number takes the place of what was there.
SELECT _pool_limit(:p, '[2027-03-01,2027-03-08)', false);
SELECT offer_devices(:p, 64, '[2027-03-01,)');
SELECT offer_devices(:p, 61, '[2027-03-03,2027-03-04)', source => 'three are down');
SELECT _pool_limit(:p, '[2027-03-01,2027-03-08)', false);
SELECT devices, valid, source FROM pool_offer WHERE upper_inf(recorded) ORDER BY valid;
SELECT offer_devices(:p, 40, '[2027-03-02,2027-03-03 12:00)');
SELECT offer_devices(:p, 0, '[2027-03-05,)');
SELECT offer_devices(:p, 8, '[2027-02-01,2027-03-01)');
SELECT _pool_limit(:p, '[2027-01-01,2027-03-08)', false);
SELECT devices, valid, source FROM pool_offer WHERE upper_inf(recorded) ORDER BY valid;

-- ------------------------------------------------------------------ capacity

-- What there is names its pool, which is made where there is none and offers nothing.
INSERT INTO capacity (region, accelerator, devices, valid) SELECT id, 'nvidia/h100-sxm5-80gb', 64, '[2027-03-01,)' FROM region WHERE name = 'r1';
INSERT INTO capacity (region, accelerator, devices, valid, partition) SELECT id, 'nvidia/h100-sxm5-80gb', 16, '[2027-03-01,)', 'west' FROM region WHERE name = 'r1';
\set VERBOSITY terse
INSERT INTO capacity (region, accelerator, devices, valid, partition) SELECT id, 'nvidia/h100-sxm5-80gb', 8, '[2027-03-05,)', 'west' FROM region WHERE name = 'r1';
\set VERBOSITY default
SELECT c.devices, c.partition, c.pool = pool_id('r1', 'nvidia/h100-sxm5-80gb', c.partition) AS its_pool, p.granule FROM capacity AS c JOIN pool AS p ON p.id = c.pool ORDER BY c.devices;
UPDATE capacity SET partition = 'east' WHERE partition = 'west';
-- A pool stays what it is; the rest can be changed while it is not booked.
UPDATE pool SET partition = 'north' WHERE partition = 'west';
UPDATE pool SET granule = 4, host = NULL, horizon = '90 days' WHERE partition = 'west' RETURNING granule, horizon;

-- ------------------------------------------------------------------ maintenance

-- Nightly in New York over the day on which the clock jumps: 02:30 does not exist, and is 03:30.
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb') AS w \gset
SELECT offer_devices(:w, 8, '[2027-01-01,)');
SELECT maintenance AS m FROM plan_maintenance(:w, 8, '[2027-03-13,2027-03-16)', '02:30', '04:00', 'America/New_York', reason => 'nightly') \gset
SELECT valid, devices, reason FROM pool_reduction WHERE event = :m ORDER BY valid;
SELECT integral(device_profile('[2027-03-13,2027-03-16)', 8) - _pool_limit(:w, '[2027-03-13,2027-03-16)', false));
-- Over midnight, on Saturdays, where the clock is put back; and where the clock is put forward over all of it.
SELECT unnest(_recurring_periods('[2027-10-01,2027-11-15)', '23:00', '01:30', 'America/New_York', '{6}'));
SELECT unnest(_recurring_periods('[2027-03-13,2027-03-16)', '02:00', '03:00', 'America/New_York', NULL));
SELECT _recurring_periods('[2027-03-14,2027-03-15)', '02:00', '03:00', 'America/New_York', NULL);
SELECT _recurring_periods('[2027-03-14,2027-03-15)', '22:00', '24:00', 'UTC', NULL);
SELECT _recurring_periods('[2027-03-14,2027-03-15)', '02:00', '02:00', 'UTC', NULL);
SELECT _recurring_periods('[2027-03-14,)', '02:00', '03:00', 'UTC', NULL);
SELECT _recurring_periods('[2027-03-14,infinity)', '02:00', '03:00', 'UTC', NULL);
SELECT _recurring_periods('[2027-03-14,2047-03-14)', '02:00', '03:00', 'UTC', NULL);
SELECT _recurring_periods('empty', '02:00', '03:00', 'UTC', NULL);
SELECT _recurring_periods('[2027-03-14,2027-03-15)', '02:00', '03:00', 'Nowhere/At_All', NULL);
SELECT _recurring_periods('[2027-03-14,2027-03-15)', '02:00', '03:00', NULL, NULL);
SELECT _recurring_periods('[2027-03-14,2027-03-15)', '02:00', '03:00', 'UTC', '{8}');
-- What has begun ends, what is to come goes, what is over stays.
SELECT cancel_maintenance(:m, now => '2027-03-14 07:45+00');
SELECT valid, withdrawn = 'infinity' AS holds FROM pool_reduction WHERE event = :m ORDER BY valid, id;
SELECT cancel_maintenance(-1);
-- Overlapping reductions add up, and leave nothing below 0; a blackout leaves nothing.
SELECT maintenance AS m FROM plan_maintenance(:w, 3, '[2027-04-01,2027-04-03)') \gset
SELECT count(*) FROM plan_maintenance(:w, 6, '[2027-04-02,2027-04-04)');
SELECT count(*) FROM plan_blackout(:w, '[2027-04-05,2027-04-06)', 'year''s end');
SELECT _pool_limit(:w, '[2027-03-31,2027-04-07)', false);
SELECT cancel_maintenance(:m);
SELECT _pool_limit(:w, '[2027-03-31,2027-04-07)', false);
-- A blackout that recurs: but on Fridays, over the night in which the clock is put back.
SELECT maintenance AS b FROM plan_blackout(:w, '[2027-10-28,2027-11-02)', '22:00', '06:00', 'Europe/Berlin', '{1,2,3,4,6,7}', 'quiet', now => '2027-10-01Z') \gset
SELECT kind, devices, valid, reason FROM pool_reduction WHERE event = :b ORDER BY valid;
SELECT _pool_limit(:w, '[2027-10-31,2027-11-02)', false);
SELECT plan_blackout(:w, '[2027-10-28,2027-11-02)'::daterange, '22:00', '06:00', 'Nowhere/At_All');
SELECT plan_blackout(:w, '[2027-10-28,2027-11-02)'::daterange, '22:00', NULL, 'UTC');
SELECT cancel_maintenance(:b, now => '2027-10-31 23:00Z');
SELECT count(*) FILTER (WHERE withdrawn = 'infinity'), max(upper(valid)) FILTER (WHERE withdrawn = 'infinity') FROM pool_reduction WHERE event = :b;
-- A pool that has no host has no guests; the share of others is rounded down to the granule.
SELECT set_guest_share(:p, 0.3), set_guest_share(:p, 0.5, '[2027-03-02,2027-03-03)');
SELECT _pool_limit(:p, '[2027-03-01,2027-03-04)', true);
SELECT share, valid FROM guest_share WHERE upper_inf(recorded) ORDER BY valid;

-- ------------------------------------------------------------------ outages

SELECT record_outage(:w, 100, '[2027-04-10,)', 'power', now => '2027-04-10 01:00+00') AS o \gset
SELECT record_outage(:w, 100, '[2027-05-10,)', now => '2027-04-10');
SELECT _pool_limit(:w, '[2027-04-09,2027-04-12)', false);
SELECT end_outage(:o, now => '2027-04-10 06:00+00');
SELECT _pool_limit(:w, '[2027-04-09,2027-04-12)', false);
SELECT end_outage(:o, '2027-04-10 05:00+00');
SELECT valid, withdrawn = 'infinity' AS holds FROM pool_reduction WHERE event = :o ORDER BY id;
SELECT end_outage(:o, '2027-04-10 00:00+00');
SELECT _pool_limit(:w, '[2027-04-09,2027-04-12)', false);
SELECT end_outage(:m);

-- ------------------------------------------------------------------ cards cut into slices

SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb:1g.5gb') AS s, create_pool('r1', 'nvidia/a100-sxm4-40gb:3g.20gb') AS t \gset
SELECT c, _devices_per_card(c::accelerator) FROM unnest('{nvidia/a100-sxm4-40gb,nvidia/a100-sxm4-40gb:1g.5gb,nvidia/a100-sxm4-40gb:1g.10gb,nvidia/a100-sxm4-40gb:2g.10gb,nvidia/a100-sxm4-40gb:3g.20gb,nvidia/h200-sxm5-141gb:3g.71gb,nvidia/h100-nvl-94gb:1g.24gb,nvidia/a30-pcie-24gb:1g.6gb}'::text[]) AS c;
SELECT _devices_per_card('nvidia/a100:1g.5gb');
SELECT _devices_per_card('nvidia/v100-sxm2-16gb:1g.5gb');
SELECT move_devices(:w, :s, 2, '2027-06-01'), move_devices(:s, :t, 1, '2027-06-10');
SELECT p.accelerator, o.devices, o.valid FROM pool_offer AS o JOIN pool AS p ON p.id = o.pool WHERE upper_inf(o.recorded) AND o.pool IN (:w, :s, :t) ORDER BY 1, 3;
SELECT move_devices(:w, :s, 7, '2027-06-01');
SELECT move_devices(:w, :w, 1, '2027-06-01');
SELECT move_devices(:w, :p, 1, '2027-06-01');
SELECT move_devices(:t, :w, 1, '2027-06-01');
SELECT move_devices(:t, :w, 1, '2027-06-11');
SELECT move_devices(:t, :w, 1, '2026-06-01');
SELECT p.accelerator, o.devices, o.valid FROM pool_offer AS o JOIN pool AS p ON p.id = o.pool WHERE upper_inf(o.recorded) AND o.pool IN (:w, :s, :t) ORDER BY 1, 3;

-- ------------------------------------------------------------------ what cannot be

SELECT offer_devices(:w, -1, '[2027-01-01,)');
SELECT offer_devices(:w, NULL, '[2027-01-01,)');
SELECT offer_devices(:w, 9223372036854775807, '[2027-01-01,)');
SELECT offer_devices(:w, 8, NULL);
SELECT offer_devices(:w, 8, 'empty');
SELECT offer_devices(:w, 8, '(,2027-01-01)');
SELECT offer_devices(:w, 8, '[-infinity,2027-01-01)');
SELECT offer_devices(:w, 8, '[2027-01-01,2027-01-02]');
SELECT offer_devices(:w, 8, '(2027-01-01,2027-01-02)');
SELECT offer_devices(-5, 8, '[2027-01-01,)');
SELECT offer_devices(NULL, 8, '[2027-01-01,)');
SELECT offer_devices(:w, 8, '[2028-01-01,infinity)');
SELECT valid FROM pool_offer WHERE pool = :w AND upper_inf(recorded) AND valid @> '2028-01-01'::timestamptz;
SELECT plan_maintenance(:w, 0, '[2027-01-01,)');
SELECT plan_maintenance(:w, NULL, '[2027-01-01,)');
SELECT plan_blackout(NULL, '[2027-01-01,)');
SELECT record_outage(:w, 0, '[2026-01-01,)');
SELECT record_outage(NULL, 1, '[2026-01-01,)');
SELECT end_outage(:o, 'infinity');
SELECT end_outage(NULL), cancel_maintenance(NULL);
SELECT set_guest_share(:w, 1.1);
SELECT set_guest_share(:w, 'NaN');
SELECT set_guest_share(:w, NULL);
SELECT move_devices(:w, NULL, 1, '2027-06-01');
SELECT move_devices(:w, :s, 0, '2027-06-01');
SELECT move_devices(:w, :s, 1, 'infinity');
SELECT move_devices(:w, :s, 1, NULL);
SELECT create_pool('nowhere', 'nvidia/a100-sxm4-40gb');
SELECT create_pool(NULL, 'nvidia/a100-sxm4-40gb');
SELECT create_pool('r1', 'any');
SELECT create_pool('r1', NULL);
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb');
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', ' x');
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', granule => 0);
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', slot_minutes => 7);
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', horizon => '-1 day');
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', hold => NULL);
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', floor_price => 1);
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', floor_price => 'NaN', floor_currency => 'USD');
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', host => 'nobody');
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', counts => 'held');
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', counts => NULL);
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', notice => '-1 second');
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', notice => '101 years');
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', notice => NULL);
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', outage_credit => 1.01);
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', outage_credit => 'NaN');
SELECT create_pool('r1', 'nvidia/a100-sxm4-40gb', 'x', outage_credit => NULL);
-- ------------------------------------------------------------------ terms

-- The terms by which its bookings are charged are given with it; a reservation keeps those that it was booked by.
SELECT create_pool('r1', 'nvidia/h100-sxm5-80gb', 'terms', counts => 'started', notice => '3 hours', outage_credit => 0.5) AS t \gset
SELECT partition, counts, notice, outage_credit FROM pool_terms WHERE partition = 'terms';
SELECT create_account('tenant', currency => 'USD') IS NOT NULL;
SELECT offer_devices(:t, 8, '[2027-03-01,)');
SELECT devices FROM book('tenant', :t, 8, '[2027-03-02,2027-03-03)', confirmed => true, now => '2027-03-01');
UPDATE pool SET counts = 'booked', notice = '0', outage_credit = 1 WHERE id = :t;
SELECT counts, notice, outage_credit FROM reservation WHERE pool = :t;
\c contrib_regression
DROP DATABASE regress_pool;
