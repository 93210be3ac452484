-- MIG slices: a slice is a share of its device, in charges, rollups and reports.
\set VERBOSITY terse
CREATE DATABASE regress_rating_slice;
\c regress_rating_slice
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SELECT create_ledger() > 0 AS there_is_a_ledger;
SELECT create_region('r') > 0 AS r, create_account('a', currency => 'USD') > 0 AS a, generate_billing_periods(NULL, '2026-08-01') IS NOT NULL AS periods;

-- ------------------------------------------------------------------ shares

SELECT x, device_share(x::accelerator) FROM unnest(ARRAY['any', 'nvidia', 'nvidia/a100-sxm4-40gb', 'nvidia/a100-sxm4-40gb:1g.5gb', 'nvidia/a100-sxm4-40gb:3g.20gb', 'nvidia/a100:7g.40gb',
	'nvidia/a100-sxm4-40gb:8g.40gb', 'nvidia/a30:2g.12gb', 'nvidia/t4:1g.5gb', NULL]) AS x;
-- a device is divided so that a slice is a whole number of units
INSERT INTO accelerator_model (accelerator, name, mig_slices) VALUES ('nvidia/l4', 'L4', 9);
INSERT INTO accelerator_model (accelerator, name, mig_slices) VALUES ('nvidia/l4', 'L4', 11);
BEGIN;
INSERT INTO accelerator_model (accelerator, name, mig_slices) SELECT 'nvidia/l4', 'L4', 12;
SELECT device_share('nvidia/l4:5g.10gb');
ROLLBACK;
-- The level is rounded once, half to even: a little less than 3.5 units, 4.5 units, a little more than 3.5; a third of 3/7.
SELECT devices, share, _usage_level(devices, share) AS level
FROM (VALUES (1, 1680000), (7, 240000), (0.0000145833333333333333, 240000), (0.00001875, 240000), (0.000014583333333333333333333334, 240000), (0.333333333333, 720000), (1000000000, 1680000), (NULL, 1), (1, NULL)) AS v (devices, share);
SELECT _usage_level(1, 0);
SELECT _usage_level(1, 1680001);
SELECT _usage_level('NaN', 1);
SELECT _usage_level(1e13, 1680000);
-- k slices of n are k/n of the level, for all there are
SELECT count(*) AS wrong FROM generate_series(1, 14) AS n, generate_series(1, n) AS k WHERE 1680000 % n = 0 AND _usage_level(n, 1680000 / n * k) <> k * 1680000;

-- ------------------------------------------------------------------ by the device-hour

SELECT create_price('nvidia/a100', 'USD', 7) > 0 AS priced;
SELECT count(record_usage('s', 'm' || n, 'a', 'r', 'NVIDIA A100-SXM4-40GB MIG 1g.5gb', 1, '2026-06-01Z', '2026-06-01 01:00Z')) FROM generate_series(1, 7) AS n;
SELECT sum(cost) FROM rate_usage('a', '[2026-06-01Z,2026-07-01Z)');
-- Layouts of a card: 3g + 2g + 2g is one, so are 4g + 3g, and half a 7g is half.
SELECT count(record_usage('s', 'l' || n, 'a', 'r', 'NVIDIA A100-SXM4-40GB MIG ' || p, d, '2026-06-02Z', '2026-06-02 10:00Z'))
FROM (VALUES (1, '3g.20gb', 1), (2, '2g.10gb', 2), (3, '4g.20gb', 1), (4, '3g.20gb', 1), (5, '7g.40gb', 0.5)) AS v (n, p, d);
SELECT accelerator, share, amount, quantity, unit, trim_scale(unit_price) AS unit_price, cost, work FROM rate_usage('a', '[2026-06-01Z,2026-07-01Z)') ORDER BY day, accelerator;
SELECT sum(amount) = 2.5 * 10 * 6048000000000000 AS cards, sum(cost) FROM rate_usage('a', '[2026-06-02Z,2026-06-03Z)');
-- What is frozen, and the digest, which does not say it.
SELECT DISTINCT r.share, r.rate, r.devices, k.digest = substr(usage_digest(r.account_name, r.region_name, r.accelerator_name, r.devices, r.started_at, r.ended_at, r.measure, r.number_format, r.achieved_work, r.run, r.labels), 1, 16) AS digest
FROM usage_record AS r JOIN usage_key AS k ON k.record = r.id ORDER BY r.share, r.devices;
-- Parts of a record say what it counts.
SELECT t.source_id, t.devices, t.amount, t.quantity, t.unit, t.cost FROM rate_usage('a', '[2026-06-02Z,2026-06-03Z)') AS r, trace_charge(r) AS t WHERE r.share IN (480000, 1680000) ORDER BY 1;

-- Tiers, a free quantity and a pool are of devices, whatever they are divided into.
SELECT create_price('nvidia/a100', 'USD', book => 'tiers', tier_bounds => '{10}', tier_prices => '{7,1}', free => 1) > 0 AS tiers;
SELECT sum(quantity) AS cards, sum(cost) FROM rate_usage('a', '[2026-06-01Z,2026-07-01Z)', book => 'tiers');
SELECT create_price('nvidia/a100', 'USD', 720, book => 'instance', unit => 'instance-month', devices_per_instance => 1) > 0 AS instance;
SELECT sum(quantity * 720) AS hours, sum(cost) FROM rate_usage('a', '[2026-06-01Z,2026-07-01Z)', book => 'instance');
-- The peak is 2.5 cards, and so is the highest percentile.
SELECT create_price('nvidia/a100', 'USD', 100, book => 'peak', unit => 'peak-device') > 0 AS peak, create_price('nvidia/a100', 'USD', 100, book => 'percentile', unit => 'percentile-device', percentile => 1, sample_step => '1 hour') > 0 AS percentile;
SELECT kind, quantity, cost FROM rate_usage('a', '[2026-06-01Z,2026-07-01Z)', book => 'peak');
SELECT kind, quantity, cost FROM rate_usage('a', '[2026-06-01Z,2026-07-01Z)', book => 'percentile');
-- Reserved capacity: two cards are reserved; of 2.5 in use half a card is beyond.
SELECT create_price('nvidia/a100', 'USD', 7, account => 'a', book => 'reserved', committed_devices => 2, committed_price => 1) > 0 AS reserved;
SELECT kind, quantity, cost FROM rate_usage('a', '[2026-06-01Z,2026-07-01Z)', book => 'reserved') WHERE day = '2026-06-02' ORDER BY kind;
-- Nominal work has the share in its rate, and once only.
SELECT create_price('nvidia/a100', 'USD', 1, book => 'work', unit => 'TFLOPh@bf16') > 0 AS work;
SELECT r.day, sum(r.quantity) AS rated, sum(r.cost) AS cost, (SELECT sum(work(u.rate, tstzrange(u.started_at, u.ended_at), u.devices)) FROM usage_record AS u WHERE u.started_at::date = r.day) AS records, sum(r.work) AS work
FROM rate_usage('a', '[2026-06-01Z,2026-07-01Z)', book => 'work') AS r GROUP BY r.day ORDER BY r.day;

-- ------------------------------------------------------------------ by the slice-hour

SELECT create_price('any', 'USD', 1, unit => 'slice-hour');
SELECT create_price('nvidia/a100', 'USD', 1, unit => 'slice-hour');
SELECT create_price('A100', 'USD', 1, unit => 'slice-hours');
SELECT create_price('nvidia/a100-sxm4-40gb:3g.20gb', 'USD', 4, unit => 'slice-hour', committed_devices => 1, committed_price => 1, account => 'a');
SELECT create_price('nvidia/a100-sxm4-40gb:3g.20gb', 'USD', 4, unit => 'slice-hour', free => 0.00000000000000001);
SELECT create_price('nvidia/a100-sxm4-40gb:3g.20gb', 'USD', unit => 'slice-hour', tier_bounds => '{15}', tier_prices => '{4,2}') > 0 AS by_slice;
UPDATE price SET accelerator = 'nvidia/a100' WHERE unit = 'slice-hour';
SELECT accelerator, amount, quantity, unit, tiers, cost, list_cost FROM rate_usage('a', '[2026-06-02Z,2026-06-03Z)') WHERE share = 720000;
SELECT place, terms FROM explain_price('a', 'NVIDIA A100-SXM4-40GB MIG 3g.20gb', 'r', '2026-06-02') ORDER BY place;

-- ------------------------------------------------------------------ a share that is not known

INSERT INTO accelerator_alias (alias, accelerator) VALUES ('T4 slice', 'nvidia/t4-pcie-16gb:1g.4gb');
SELECT record_usage('s', 't4', 'a', 'r', 'T4 slice', 3, '2026-06-03Z', '2026-06-03 02:00Z', achieved_work => '6 PFLOPh') > 0 AS recorded;
SELECT devices, share, rate FROM usage_record WHERE source_id = 't4';
SELECT create_price('nvidia/t4', 'USD', 1) > 0 AS by_device;
SELECT kind, share, amount, quantity, unit, cost, work FROM rate_usage('a', '[2026-06-03Z,2026-06-04Z)');
SELECT count(*) FROM rate_usage('a', '[2026-06-03Z,2026-06-04Z)') AS r, trace_charge(r) AS t WHERE t.amount IS NULL AND t.quantity = 6 AND t.devices = 3 AND t.cost IS NULL;
DELETE FROM price WHERE book <> 'sale' AND upper_inf(recorded);
SELECT object, regexp_replace(detail, 'region [0-9]+', 'region r') AS detail FROM check_ledger();
SELECT close_period('a', '[2026-06-01Z,2026-07-01Z)');
-- the rest is counted as ever: what was achieved, and slices
SELECT create_price('nvidia/t4', 'USD', 1, book => 'work', unit => 'PFLOPh') > 0 AS by_work, create_price('nvidia/t4:1g.4gb', 'USD', 0.25, book => 'slices', unit => 'slice-hour') > 0 AS by_slice;
SELECT kind, amount, quantity, unit, cost FROM rate_usage('a', '[2026-06-03Z,2026-06-04Z)', book => 'work');
SELECT kind, amount, quantity, unit, cost FROM rate_usage('a', '[2026-06-03Z,2026-06-04Z)', book => 'slices');
-- and so is half of what the list asks for slices
SELECT create_price('nvidia/t4:1g.4gb', 'USD', 0.25, book => 'half', unit => 'slice-hour') > 0 AS list, create_price('any', 'USD', account => 'a', book => 'half', factor => 0.5) > 0 AS half;
SELECT kind, amount, quantity, unit, cost, list_cost FROM rate_usage('a', '[2026-06-03Z,2026-06-04Z)', book => 'half');
DELETE FROM price WHERE book <> 'sale' AND upper_inf(recorded);
SELECT refresh_rollups(concurrent => false) IS NOT NULL AS refreshed;
SELECT accelerator, day, device_hours, device_time, work, achieved, started FROM usage_daily ORDER BY day, accelerator;
SELECT accelerator, day, capacity_hours, allocated_hours, allocation FROM utilization_daily WHERE account IS NULL ORDER BY day;
-- waived, it is in no device-hours; what it turns out to be then is a correction
SELECT close_period('a', '[2026-06-01Z,2026-07-01Z)', waive => '{a}') > 0 AS closed;
SELECT kind, amount, quantity, unit, cost FROM charge WHERE day = '2026-06-03';
SELECT object, regexp_replace(detail, 'region [0-9]+', 'region r') AS detail FROM check_ledger();
SELECT "x_Kind", "PricingUnit", "PricingQuantity", "SkuMeter", "SkuPriceDetails" ->> 'GpuCount' AS gpus, "BilledCost" FROM focus_1_2 WHERE "x_Day" = '2026-06-02' ORDER BY "x_ChargeId";
SELECT * FROM focus_check();
INSERT INTO accelerator_model (accelerator, name, mig_slices) VALUES ('nvidia/t4', 'T4', 4);
SELECT taken FROM reidentify();
SELECT identification, share, superseded = 'infinity' AS counts FROM usage_record WHERE source_id = 't4' ORDER BY id;
SELECT taken FROM reidentify();
SELECT kind, amount, quantity, unit, cost, currency FROM rate_corrections('a') ORDER BY kind;
SELECT close_period('a', '[2026-07-01Z,2026-08-01Z)') > 0 AS closed;
SELECT c.kind, t.source_id, t.amount, t.quantity, t.unit, t.cost FROM charge AS c, trace_charge(c.id) AS t WHERE c.corrects IS NOT NULL ORDER BY c.kind, t.record;
SELECT count(*) AS other FROM rate_corrections('a');
SELECT object, regexp_replace(detail, 'region [0-9]+', 'region r') AS detail FROM check_ledger();

-- ------------------------------------------------------------------ capacity

INSERT INTO capacity (region, accelerator, devices, valid)
SELECT region_id('r'), c.chip::accelerator, c.devices, c.valid
FROM (VALUES ('nvidia/a100-sxm4-40gb', 1, tstzrange('2026-06-01Z', '2026-06-05Z')), ('nvidia/a100-sxm4-40gb:1g.5gb', 7, '[2026-06-01Z,2026-06-03Z)'), ('nvidia/a100-sxm4-40gb:3g.20gb', 7, '[2026-06-02Z,2026-06-03Z)'),
	('nvidia/l4-pcie-24gb:1g.5gb', 7, '[2026-06-02Z,2026-06-03Z)')) AS c (chip, devices, valid);
SELECT accelerator, share FROM capacity ORDER BY 1;
SELECT refresh_rollups() IS NOT NULL AS refreshed;
SELECT accelerator, day, trim_scale(capacity_hours) AS capacity_hours, trim_scale(allocated_hours) AS allocated_hours, allocation, utilization FROM utilization_daily WHERE account IS NULL ORDER BY accelerator, day;
SELECT object, regexp_replace(detail, 'region [0-9]+', 'region r') AS detail FROM check_ledger();
-- what is found: another's share
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE _usage_record SET kind = (SELECT _usage_kind(k.source, k.region, k.region_name, k.accelerator, k.accelerator_name, 1680000, k.rate, k.rate_recorded, k.basis, k.measure, k.number_format) FROM usage_kind AS k WHERE k.number = kind) WHERE source_id = 'm1';
SELECT check_name, regexp_replace(object, 'region [0-9]+', 'region r') AS object FROM check_ledger(false) WHERE check_name = 'usage_hourly';
ROLLBACK;

-- ------------------------------------------------------------------ vGPUs

-- The name says the part of the card, by memory; the accelerator is the card. Time and work are that part of the card's.
SELECT create_account('v', currency => 'USD') > 0 AS v, generate_billing_periods(NULL, '2026-08-01') IS NOT NULL AS periods, create_price('nvidia/a10', 'USD', 6, account => 'v') > 0 AS a10, create_price('nvidia/a100', 'USD', 10, account => 'v') > 0 AS a100;
SELECT count(record_usage('s', 'v' || n, 'v', 'r', name, d, '2026-06-03Z', '2026-06-03 10:00Z'))
FROM (VALUES (1, 'NVIDIA A10-12Q', 2), (2, 'NVIDIA A10', 1), (3, 'NVIDIA A10-4Q', 1.5), (4, 'GRID A100-4C', 1)) AS v (n, name, d);
SELECT source_id, accelerator_name, accelerator, rate, share, trim_scale(devices) AS devices FROM usage_record WHERE source_id LIKE 'v%' ORDER BY 1;
SELECT accelerator, share, amount, quantity, unit, cost, work FROM rate_usage('v', '[2026-06-01Z,2026-07-01Z)') ORDER BY accelerator, share;
-- Identified anew, a name that has become another's is counted anew, and one that is still the same is not.
SELECT taken, accepted FROM reidentify(accelerator_name => 'NVIDIA A10-12Q');
BEGIN;
INSERT INTO accelerator_alias (alias, accelerator) VALUES ('NVIDIA A10-12Q', 'nvidia/a10');
SELECT taken, accepted FROM reidentify(accelerator_name => 'NVIDIA A10-12Q');
SELECT identification, rate, share FROM usage_record WHERE source_id = 'v1' ORDER BY 1;
ROLLBACK;
SELECT refresh_rollups() IS NOT NULL AS refreshed;
SELECT check_name, object, regexp_replace(detail, 'region [0-9]+', 'region r') AS detail FROM check_ledger() WHERE object NOT LIKE 'region%';
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE _usage_record SET kind = (SELECT _usage_kind(k.source, k.region, k.region_name, k.accelerator, k.accelerator_name, 1680000, k.rate, k.rate_recorded, k.basis, k.measure, k.number_format) FROM usage_kind AS k WHERE k.number = kind) WHERE source_id = 'v1';
SELECT check_name, detail FROM check_ledger() WHERE check_name = 'share of record';
ROLLBACK;
-- A card whose memory is not known has no part.
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('model', 'mystery card', 'nvidia/mystery');
SELECT identify('Mystery Card-8Q'), _accelerator_share('Mystery Card-8Q', NULL, 'nvidia/mystery') AS share, (identify_instance('Mystery Card-8Q')).*;
DELETE FROM accelerator_word WHERE word = 'mystery card' AND upper_inf(recorded);

\c contrib_regression
DROP DATABASE regress_rating_slice;
