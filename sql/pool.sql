-- Pools: what they offer, what is taken from it, and what may be booked.
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
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
