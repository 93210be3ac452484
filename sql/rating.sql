-- Rating: worked examples that can be followed by hand.  t/110_rating.pl compares random ledgers with plain SQL.
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set VERBOSITY terse
SELECT create_ledger() >= 0 AS made;

-- Rounding once, half to even, of ratios that do not end.
SELECT _round_ratio(1, 3, 12), _round_ratio(5, 2, 0) AS two, _round_ratio(7, 2, 0) AS four, _round_ratio(-5, 2, 0) AS minus_two, _round_ratio(25, 200, 2) AS a_tie,
	_round_ratio(25000000000000000000001, 200000000000000000000000, 2) AS above_it;
SELECT _round_ratio(1, 0, 2);
SELECT _round_ratio(1, 'NaN', 2);

-- What the rounding of money promises, against counting on the integers beside it.
SELECT v AS value, _round_ratio(v, 1, 0) AS to_0, _round_ratio(v, 1, 1) AS to_1, _round_ratio(v, 10, 0) AS tens
FROM (VALUES (0.5), (1.5), (2.5), (-0.5), (-1.5), (-2.5), (0.25), (0.35), (-0.25), (15), (25), (-15), (-25), (24.999), (25.001), ('NaN'), ('-Infinity')) AS x (v);
SELECT setseed(0.25);
WITH sample AS (
	-- mantissas near ties, in every scale from 10^-30 to 10^20
	SELECT m * 10::numeric ^ s AS v, d
	FROM (SELECT floor(random() * 2000 - 1000)::numeric * (CASE WHEN random() < 0.5 THEN 5 ELSE 1 END) AS m,
			floor(random() * 50 - 30)::integer AS s, floor(random() * 7 - 3)::integer AS off
		FROM generate_series(1, 20000)) AS r, LATERAL (SELECT off - s AS d) AS digits
), scaled AS (
	SELECT v, greatest(d, 0) AS d, 10::numeric ^ greatest(-d, 0) AS divisor, CASE WHEN d < 0 THEN v / 10::numeric ^ -d ELSE v * 10::numeric ^ d END AS x FROM sample
), plain AS (
	-- the integer below, the rest, and the rule written out
	SELECT floor(x) AS below, x - floor(x) AS rest, _round_ratio(v, divisor, d) * 10::numeric ^ d AS rounded, _round_ratio(-v, divisor, d) * 10::numeric ^ d AS mirrored FROM scaled
)
SELECT count(*) AS values, count(*) FILTER (WHERE rest = 0.5) > 500 AS many_ties,
	count(*) FILTER (WHERE rounded <> below + CASE WHEN rest > 0.5 OR rest = 0.5 AND mod(below, 2) <> 0 THEN 1 ELSE 0 END) AS wrong,
	count(*) FILTER (WHERE rounded <> -mirrored) AS lopsided
FROM plain;

-- One payer; usage is put in place by hand.
SELECT create_account('rating', currency => 'USD') > 0 AS a, create_account('rating/x', parent => 'rating') > 0 AS b, create_account('rating/y', parent => 'rating', time_zone => 'Asia/Shanghai') > 0 AS c,
	create_region('rating-r') > 0 AS d, generate_billing_periods(NULL, '2026-03-01') >= 0 AS e;
DO $$ BEGIN PERFORM _make_usage_partition(m) FROM unnest(ARRAY[date '2025-12-01', '2026-01-01', '2026-02-01']) AS m; END $$;
CREATE TEMP VIEW my_close AS SELECT * FROM period_close WHERE payer = account_id('rating');
CREATE TEMP VIEW my_charge AS SELECT * FROM charge WHERE payer = account_id('rating');
CREATE FUNCTION use(account text, chip text, starts timestamptz, ends timestamptz, devices numeric, rate text DEFAULT '1000 TFLOPS@bf16', measure text DEFAULT 'allocated') RETURNS void LANGUAGE sql AS $$
	INSERT INTO usage_record (account, started_at, ended_at, batch, region, revision, basis, accelerator, rate, devices, measure, source, source_id, account_name, region_name, accelerator_name)
	SELECT account_id(account), starts, ends, 0, region_id('rating-r'), 0, basis_code(rate::compute_rate), chip::accelerator, rate::compute_rate, devices, measure, 'rating', account || starts || chip, account, 'rating-r', chip
$$;
CREATE FUNCTION charges(asked text DEFAULT '[2026-01-01,2026-02-01)', account text DEFAULT 'rating')
	RETURNS TABLE (kind text, account text, chip text, day date, quantity numeric, unit text, unit_price numeric, list_cost numeric, cost numeric, records bigint) LANGUAGE sql AS $$
	SELECT r.kind, a.name, r.accelerator::text, r.day, trim_scale(r.quantity), r.unit, r.unit_price, trim_scale(r.list_cost), trim_scale(r.cost), r.records
	FROM rate_usage(account, asked::tstzrange, NULL, 'rating') AS r JOIN account AS a ON a.id = r.account
	ORDER BY a.name COLLATE "C", r.accelerator, r.day NULLS LAST, r.kind COLLATE "C", r.price
$$;

-- Graduated: 10 at 2, then 90 at 1.50, then 1.  One pool for the payer, in order of time; the crossing splits the part in which it lies.
INSERT INTO price (book, accelerator, currency, model, tier_bounds, tier_prices) VALUES ('rating', 'nvidia/h100', 'USD', 'graduated', '{10,100}', '{2,1.5,1}');
SELECT use('rating/x', 'nvidia/h100-sxm5-80gb', '2026-01-05 00:00Z', '2026-01-05 04:00Z', 2);		-- 8
SELECT use('rating/y', 'nvidia/h100-pcie-80gb', '2026-01-05 02:00Z', '2026-01-05 03:00Z', 8);		-- 8: 2 in the first tier
SELECT use('rating/x', 'nvidia/h100-sxm5-80gb', '2026-01-06 00:00Z', '2026-01-08 00:00Z', 4);		-- 96 a day: 84, 12 | 96
SELECT * FROM charges();
SELECT r.day, t FROM rate_usage('rating', '[2026-01-01,2026-02-01)', NULL, 'rating') AS r, jsonb_array_elements(r.tiers) AS t ORDER BY r.period, r.account, t->'tier';
-- only an account below: its tiers are those of all
SELECT * FROM charges(account => 'rating/y');

-- A contract for y, half-open in time: the part of usage after it begins is under it; the list price stays beside it.
INSERT INTO price (book, account, accelerator, currency, price, valid) VALUES ('rating', account_id('rating/y'), 'nvidia/h200', 'USD', 3, '[2026-01-10 06:00:00.000001Z,)');
INSERT INTO price (book, accelerator, currency, price) VALUES ('rating', 'nvidia/h200', 'USD', 4);
SELECT use('rating/y', 'nvidia/h200-sxm5-141gb', '2026-01-10 05:00Z', '2026-01-10 07:00Z', 1);
SELECT * FROM charges('[2026-01-10 00:00Z,2026-01-11 00:00Z)');

-- Nothing prices it: reported and counted, without a cost.
SELECT use('rating/x', 'amd/mi300x', '2026-01-12 00:00Z', '2026-01-12 01:30Z', 8);
SELECT * FROM charges('[2026-01-12 00:00Z,2026-01-13 00:00Z)');

-- Volume: not monotone.  100,000 units cost 70, one more makes it 50.0004.
INSERT INTO price (book, accelerator, currency, model, tier_bounds, tier_prices, tier_fees) VALUES ('rating', 'nvidia/t4', 'USD', 'volume', '{100000}', '{0.0006,0.0004}', '{10,10}');
SELECT use('rating/x', 'nvidia/t4', '2026-01-13 00:00Z', '2026-01-14 01:00Z', 4000);
SELECT * FROM charges('[2026-01-13 00:00Z,2026-01-15 00:00Z)') WHERE chip = 'nvidia/t4';
SELECT use('rating/x', 'nvidia/t4', '2026-01-15 00:00Z', '2026-01-15 01:00Z', 1);
SELECT sum(cost) FROM charges() WHERE chip = 'nvidia/t4';

-- Packages of 24 device-hours, the first 5 free: ceil((8 + 20 - 5) / 24) = 1, and one more with the last.
INSERT INTO price (book, accelerator, currency, model, price, package_size, free) VALUES ('rating', 'nvidia/l4', 'USD', 'package', 7, 24, 5);
SELECT use('rating/x', 'nvidia/l4', '2026-01-16 00:00Z', '2026-01-16 08:00Z', 1);
SELECT use('rating/x', 'nvidia/l4', '2026-01-16 09:00Z', '2026-01-16 19:00Z', 2);
SELECT use('rating/x', 'nvidia/l4', '2026-01-17 00:00Z', '2026-01-17 02:00Z', 1);
SELECT * FROM charges() WHERE chip = 'nvidia/l4';

-- By work: 1,000 TFLOPS for 3.6 hours is 3.6 PFLOPh; usage counted in another basis has no price.
INSERT INTO price (book, accelerator, currency, price, unit) VALUES ('rating', 'nvidia/b200', 'USD', 1.25, 'PFLOPh@bf16');
SELECT use('rating/x', 'nvidia/b200-sxm6-180gb', '2026-01-18 00:00Z', '2026-01-18 03:36Z', 1);
SELECT use('rating/x', 'nvidia/b200-sxm6-180gb', '2026-01-18 00:00Z', '2026-01-18 01:00Z', 1, '2000 TFLOPS@fp8');
-- a rate is in the basis that the record says: sums by basis rest on it
INSERT INTO usage_record (account, started_at, ended_at, batch, region, revision, basis, accelerator, rate, devices, measure, source, source_id, account_name, region_name, accelerator_name)
VALUES (account_id('rating/x'), '2026-01-18 00:00Z', '2026-01-18 01:00Z', 0, region_id('rating-r'), 0, basis_code('bf16'), 'nvidia/b200-sxm6-180gb', '2000 TFLOPS@fp8', 1, 'allocated', 'rating', 'basis', 'rating/x', 'rating-r', 'B200');
SELECT * FROM charges() WHERE chip = 'nvidia/b200-sxm6-180gb';

-- By achieved work: 10 PFLOPh done evenly over 4 hours, a quarter of it before midnight; usage that does not say what it achieved has no price.
INSERT INTO price (book, accelerator, currency, model, unit, tier_bounds, tier_prices) VALUES ('rating', 'nvidia/gb200', 'USD', 'graduated', 'PFLOPh', '{4}', '{3,2}');
SELECT use('rating/x', 'nvidia/gb200', '2026-01-18 23:00Z', '2026-01-19 03:00Z', 1), use('rating/x', 'nvidia/gb200', '2026-01-19 04:00Z', '2026-01-19 05:00Z', 1);
SET session_replication_role = replica;
UPDATE _usage_record SET achieved_work = '10 PFLOPh' WHERE kind IN (SELECT number FROM usage_kind WHERE accelerator = 'nvidia/gb200') AND started_at = '2026-01-18 23:00Z';
RESET session_replication_role;
SELECT * FROM charges() WHERE chip = 'nvidia/gb200';
SELECT t.part_from, t.part_to, t.quantity, t.unit, trim_scale(t.cost) AS cost FROM rate_usage('rating', '[2026-01-01,2026-02-01)', NULL, 'rating') AS r, LATERAL trace_charge(r) AS t
WHERE r.accelerator = 'nvidia/gb200' ORDER BY 1;
-- a part of it ends in no whole FLOP: what is cut is rounded on the way up, so that parts add up
INSERT INTO price (book, accelerator, currency, price, unit) VALUES ('rating', 'nvidia/gb300', 'USD', 1, 'FLOP');
SELECT use('rating/x', 'nvidia/gb300', '2026-01-17 12:00Z', '2026-01-20 12:00Z', 1);
SET session_replication_role = replica;
UPDATE _usage_record SET achieved_work = '11 FLOP' WHERE kind IN (SELECT number FROM usage_kind WHERE accelerator = 'nvidia/gb300');
RESET session_replication_role;
SELECT day, quantity, cost FROM charges() WHERE chip = 'nvidia/gb300';
-- half of 7 is 4: half to even is of the whole share, not of what is left over of it
SELECT use('rating/x', 'nvidia/gb300', '2026-01-21 23:59:59.999999Z', '2026-01-22 00:00:00.000001Z', 1);
SET session_replication_role = replica;
UPDATE _usage_record SET achieved_work = '7 FLOP' WHERE kind IN (SELECT number FROM usage_kind WHERE accelerator = 'nvidia/gb300') AND started_at > '2026-01-21';
RESET session_replication_role;
SELECT day, quantity, cost FROM charges() WHERE chip = 'nvidia/gb300' AND day > '2026-01-20';
-- called by hand: nothing infinite, nothing unknown
SELECT _rate_charges('rating', now(), '{1}', '{1}', NULL, '(,)', '2026-01-01', 'infinity');
SELECT _rate_charges('rating', now(), '{1}', '{1}', NULL, '(,)', '-infinity', '2026-01-01');
SELECT _rate_charges(NULL, now(), '{1}', '{1}', NULL, '(,)', '2026-01-01', '2026-01-02');
SELECT _rate_parts('rating', now(), '{1}', '{1}', NULL, '(,)', '2026-01-01', '2026-01-02', NULL);
SELECT count(*) FROM _rate_charges('rating', now(), '{NULL}', '{NULL}', NULL, 'empty', '2026-01-01', '2026-01-02');
-- finer than what is counted
INSERT INTO price (book, currency, unit, model, tier_bounds, tier_prices) VALUES ('rating', 'USD', 'FLOP', 'graduated', '{0.5}', '{2,1}');
INSERT INTO price (book, currency, model, price, package_size) VALUES ('rating', 'USD', 'package', 1, 0.0000000000001);

-- An instance of 8 for the whole of January, and half of it for a day.
INSERT INTO price (book, accelerator, currency, price, unit, devices_per_instance) VALUES ('rating', 'nvidia/a100', 'USD', 37000, 'instance-month', 8);
SELECT use('rating/x', 'nvidia/a100-sxm4-80gb', '2025-12-31 12:00Z', '2026-02-01 06:00Z', 8);
SELECT count(*), sum(quantity), round(sum(cost), 2) FROM charges() WHERE unit = 'instance-month';
SELECT use('rating/y', 'nvidia/a100-sxm4-80gb', '2026-01-20 00:00+08', '2026-01-21 00:00+08', 4);
SELECT quantity, cost, round(37000 / 31.0 / 2, 8) AS half_a_day FROM charges(account => 'rating/y') WHERE unit = 'instance-month';

-- Peak, and the 95th percentile of samples: over the billing period, for the account that is billed.
INSERT INTO price (book, account, accelerator, currency, price, unit) VALUES ('rating', account_id('rating/x'), 'google', 'USD', 100, 'peak-device');
INSERT INTO price (book, account, accelerator, currency, price, unit, percentile, sample_step) VALUES ('rating', account_id('rating/y'), 'google', 'USD', 100, 'percentile-device', 0.95, '5 minutes');
SELECT use('rating/x', 'google/tpu-v5p', '2026-01-03 00:00Z', '2026-01-05 00:00Z', 4);
SELECT use('rating/x', 'google/tpu-v5p', '2026-01-04 23:00Z', '2026-01-06 00:00Z', 16);
SELECT use('rating/y', 'google/tpu-v5p', '2026-01-01 00:00Z', '2026-02-01 00:00Z', 2);
SELECT use('rating/y', 'google/tpu-v5p', '2026-01-09 00:00Z', '2026-01-10 13:06Z', 64);	-- 446 of 8,928 samples: the 8,482nd is not among them
SELECT * FROM charges() WHERE chip = 'google';
SELECT use('rating/y', 'google/tpu-v5p', '2026-01-10 13:10Z', '2026-01-10 13:11Z', 64);	-- 447
SELECT * FROM charges() WHERE kind = 'percentile';

-- A minimum that is not reached, and reserved capacity: used, not used, and beyond.
INSERT INTO price (book, account, accelerator, currency, price, minimum, valid) VALUES ('rating', account_id('rating/x'), 'intel', 'USD', 1, 3100, '[2026-01-11Z,)');
SELECT use('rating/x', 'intel/gaudi3', '2026-01-20 00:00Z', '2026-01-21 00:00Z', 8);
SELECT * FROM charges() WHERE chip LIKE 'intel%';
INSERT INTO price (book, account, accelerator, currency, price, committed_devices, committed_price, valid) VALUES ('rating', account_id('rating/x'), 'cerebras', 'USD', 5, 4, 2, '[2026-01-10Z,2026-01-12Z)');
SELECT use('rating/x', 'cerebras/wse-3', '2026-01-10 00:00Z', '2026-01-11 12:00Z', 3), use('rating/x', 'cerebras/wse-3', '2026-01-11 00:00Z', '2026-01-11 13:00Z', 3);
SELECT * FROM charges() WHERE chip LIKE 'cerebras%';
-- beside a list price: 147 device-hours cost 100 x 6 + 47 x 5 there, shared by what was used within and beyond; those of a peak cost half a dollar each
INSERT INTO price (book, accelerator, currency, model, tier_bounds, tier_prices) VALUES ('rating', 'cerebras', 'USD', 'graduated', '{100}', '{6,5}');
INSERT INTO price (book, accelerator, currency, price) VALUES ('rating', 'google', 'USD', 0.5);
SELECT * FROM charges() WHERE chip LIKE 'cerebras%' OR chip = 'google';
SELECT sum(list_cost) = 100 * 6 + 47 * 5 AS all_of_it FROM charges() WHERE chip LIKE 'cerebras%';

-- Every charge can be taken apart, and the parts add up to it.
SELECT r.kind, r.accelerator, r.day, r.cost, t.*
FROM (SELECT r, (r).* FROM rate_usage('rating', '[2026-01-01,2026-02-01)', NULL, 'rating') AS r) AS r,
	LATERAL (SELECT count(*) AS n, sum(t.cost) AS cost, sum(t.quantity) AS quantity FROM trace_charge(r.r) AS t) AS t
WHERE t.n <> r.records OR t.cost IS DISTINCT FROM r.cost OR t.quantity <> r.quantity;
-- so can those of a part of a day
SELECT count(*) > 4 AS some, bool_and(r.period <@ p.period AND t.n = r.records AND t.cost IS NOT DISTINCT FROM r.cost AND t.quantity = r.quantity) AS same
FROM (VALUES (tstzrange('2026-01-05 07:00Z', '2026-01-05 19:30Z')), (tstzrange('2026-01-18 23:30Z', '2026-01-19 01:00Z'))) AS p (period),
	LATERAL (SELECT r, (r).* FROM rate_usage('rating', p.period, NULL, 'rating') AS r) AS r,
	LATERAL (SELECT count(*) AS n, sum(t.cost) AS cost, sum(t.quantity) AS quantity FROM trace_charge(r.r) AS t) AS t
WHERE r.kind IN ('usage', 'unpriced', 'instance');
SELECT t.source_id, t.part_from, t.part_to, t.devices, t.amount, t.quantity, t.cost
FROM (SELECT r FROM rate_usage('rating', '[2026-01-01,2026-02-01)', NULL, 'rating') AS r WHERE r.day = '2026-01-05' AND r.account = account_id('rating/y') AND r.unit = 'device-hour') AS r, trace_charge(r.r) AS t;

-- Closing: not while something has no price, unless it is waived.
SELECT close_period('rating', '[2026-01-01,2026-02-01)', 'rating');
SELECT close_period('rating/x', '[2026-01-01,2026-02-01)');
SELECT close_period('rating', '[2026-01-01,2026-01-31)');
SELECT close_period('nobody', '[2026-01-01,2026-02-01)');
SELECT generate_billing_periods(NULL, statement_timestamp()) >= 0 AS generated;
DO $$
BEGIN
	PERFORM close_period('rating', b.period, 'rating') FROM payers() AS p JOIN billing_period AS b ON b.calendar = p.calendar AND b.period @> statement_timestamp() WHERE p.account = account_id('rating');
EXCEPTION WHEN SQLSTATE 'LC011' THEN
	RAISE NOTICE 'the current period is not over';
END
$$;
SELECT close_period('rating', '[2026-01-01,2026-02-01)', 'rating', waive => '{rating/x}') IS NOT NULL AS closed;
SELECT close_period('rating', '[2026-01-01,2026-02-01)', 'rating') = (SELECT id FROM my_close) AS closed_before;
SELECT (SELECT sum(cost) FROM my_charge) = (SELECT sum(cost) FROM rate_usage('rating', '[2026-01-01,2026-02-01)', NULL, 'rating')) AS same, charges = (SELECT count(*) FROM my_charge) AS counted, waived FROM my_close;
UPDATE charge SET cost = 0;
DELETE FROM period_close;
TRUNCATE charge;
SELECT count(*) FROM rate_corrections('rating', NULL, 'rating');

-- What comes late is charged in the next period that is closed: a record in the middle of the pool moves what follows into higher tiers.
SELECT as_of AS closed_at FROM my_close \gset
SELECT use('rating/y', 'nvidia/h100-sxm5-80gb', '2026-01-05 20:00Z', '2026-01-05 21:00Z', 8);
SET session_replication_role = replica;
UPDATE _usage_record SET superseded = ledger_stamp() WHERE kind IN (SELECT number FROM usage_kind WHERE accelerator = 'nvidia/l4') AND started_at = '2026-01-16 09:00Z';
RESET session_replication_role;
UPDATE price SET price = 3.5 WHERE accelerator = 'nvidia/h200' AND account IS NOT NULL AND upper_inf(recorded);
INSERT INTO price (book, accelerator, currency, price) VALUES ('rating', 'amd', 'USD', 0.5);
SELECT pg_sleep(1.01);
SELECT a.name, r.accelerator, r.day, trim_scale(r.quantity) AS quantity, trim_scale(r.cost) AS cost, r.records, r.corrects IS NOT NULL AS corrects
FROM rate_corrections('rating', NULL, 'rating') AS r JOIN account AS a ON a.id = r.account ORDER BY r.accelerator, r.day, a.name COLLATE "C", r.cost;
SELECT a.name, d.accelerator, d.day, trim_scale(d.quantity_a) AS qa, trim_scale(d.quantity_b) AS qb, trim_scale(d.difference) AS difference, d.reasons
FROM rate_diff('rating', '[2026-01-01,2026-02-01)', :'closed_at', NULL, 'rating') AS d JOIN account AS a ON a.id = d.charged_account ORDER BY d.accelerator, d.day, a.name COLLATE "C", d.difference;
SELECT close_period('rating', '[2026-02-01,2026-03-01)', 'rating') IS NOT NULL AS closed;
SELECT count(*) FILTER (WHERE corrects IS NULL) AS february, count(*) FILTER (WHERE corrects IS NOT NULL) AS corrections,
	(SELECT sum(cost) FROM my_charge WHERE corrects IS NOT NULL OR billing_period = p.billing_period) = (SELECT sum(cost) FROM rate_usage('rating', '[2026-01-01,2026-02-01)', NULL, 'rating')) AS january_is_right
FROM my_charge AS c, (SELECT billing_period FROM my_close ORDER BY id LIMIT 1) AS p WHERE c.billing_period <> p.billing_period GROUP BY p.billing_period;
SELECT count(*) FROM rate_corrections('rating', NULL, 'rating');
SELECT c.accelerator, c.day, t.source_id, t.devices, trim_scale(t.quantity) AS quantity, trim_scale(t.cost) AS cost
FROM my_charge AS c, trace_charge(c.id) AS t WHERE c.corrects IS NOT NULL ORDER BY c.accelerator, c.day, c.id, t.part_from, t.cost;
SELECT c.id FROM my_charge AS c, LATERAL (SELECT sum(t.cost) AS cost FROM trace_charge(c.id) AS t) AS t WHERE t.cost IS DISTINCT FROM c.cost;
-- and what was billed then is what is said of that time still
SELECT (SELECT sum(cost) FROM my_charge WHERE close = p.id) = (SELECT sum(cost) FROM rate_usage('rating', '[2026-01-01,2026-02-01)', p.as_of, 'rating')) AS same FROM my_close AS p ORDER BY id LIMIT 1;

-- What cannot be asked.
SELECT count(*) FROM rate_usage('rating', '[2026-01-01,)');
SELECT count(*) FROM rate_usage('rating', NULL);
SELECT count(*) FROM rate_usage('nobody', '[2026-01-01,2026-02-01)');
SELECT count(*) FROM rate_usage('rating', '[1960-01-01,1960-02-01)');
DO $$
DECLARE
	hint text;
BEGIN
	PERFORM rate_usage('rating', '[2026-01-01,2026-02-01)', 'infinity');
EXCEPTION WHEN SQLSTATE 'LC012' THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RAISE NOTICE 'that is not known yet' USING HINT = hint;
END
$$;
SELECT trace_charge(0);

-- A merge: from then on what the old name used is the new account's, and before it stays what it was.
SELECT create_account('rating/old', parent => 'rating') > 0 AS a, create_account('rating/new', parent => 'rating') > 0 AS b;
SELECT use('rating/old', 'nvidia/v100', '2026-01-26 00:00Z', '2026-01-28 00:00Z', 1), use('rating/new', 'nvidia/v100', '2026-01-27 00:00Z', '2026-01-28 00:00Z', 1);
INSERT INTO price (book, accelerator, currency, price) VALUES ('rating', 'nvidia/v100', 'USD', 1);
SELECT * FROM charges(account => 'rating/old') UNION ALL SELECT * FROM charges(account => 'rating/new');
SELECT merge_account('rating/old', 'rating/new', '2026-01-27 12:00Z');
SELECT * FROM charges(account => 'rating/old') UNION ALL SELECT * FROM charges(account => 'rating/new');

-- A book bills by the measures that it has prices for: what a job used beside what it was allocated is not without a price.
SELECT use('rating/new', 'nvidia/p100', '2026-01-29 00:00Z', '2026-01-30 00:00Z', 2), use('rating/new', 'nvidia/p100', '2026-01-29 06:00Z', '2026-01-29 12:00Z', 2, measure => 'used');
SELECT kind, measure, trim_scale(quantity) AS quantity FROM rate_usage('rating/new', '[2026-01-29,2026-01-30)', NULL, 'rating-measure') ORDER BY measure;
INSERT INTO price (book, accelerator, currency, price) VALUES ('rating-measure', 'nvidia/p100', 'USD', 1);
SELECT kind, measure, trim_scale(quantity) AS quantity FROM rate_usage('rating/new', '[2026-01-29,2026-01-30)', NULL, 'rating-measure') ORDER BY measure;
INSERT INTO price (book, accelerator, measure, currency, price) VALUES ('rating-measure', 'nvidia/t4', 'used', 'USD', 1);
SELECT kind, measure, trim_scale(quantity) AS quantity FROM rate_usage('rating/new', '[2026-01-29,2026-01-30)', NULL, 'rating-measure') ORDER BY measure;

-- What its own transaction has recorded, a closing leaves to the next one, and no NULL waives everybody.
SELECT create_account('rating-alone', currency => 'USD') > 0 AS account;
INSERT INTO price (book, accelerator, currency, price) VALUES ('rating-alone', 'nvidia/p100', 'USD', 1);
BEGIN;
SELECT use('rating-alone', 'nvidia/p100', '2026-01-05 00:00Z', '2026-01-06 00:00Z', 2), use('rating-alone', 'nvidia/k80', '2026-01-05 00:00Z', '2026-01-06 00:00Z', 2);
\set VERBOSITY terse
SELECT close_period('rating-alone', '[2026-01-01,2026-02-01)', 'rating-alone') > 0 AS january;
SELECT p.charges, p.as_of < ledger_stamp() AS before, p.as_of = (SELECT max(watermark) FROM ledger_mark) AS marked FROM period_close AS p WHERE p.book = 'rating-alone';
SELECT close_period('rating-alone', '[2026-02-01,2026-03-01)', 'rating-alone', wait => '-1 second');
ROLLBACK;
SELECT use('rating-alone', 'nvidia/p100', '2026-01-05 00:00Z', '2026-01-06 00:00Z', 2), use('rating-alone', 'nvidia/k80', '2026-01-05 00:00Z', '2026-01-06 00:00Z', 2);
SELECT close_period('rating-alone', '[2026-01-01,2026-02-01)', 'rating-alone', waive => ARRAY['somebody', NULL]);
-- two closings in one transaction
BEGIN;
SELECT close_period('rating-alone', '[2026-01-01,2026-02-01)', 'rating-alone', waive => ARRAY['rating-alone']) > 0 AS january;
SELECT close_period('rating-alone', '[2026-02-01,2026-03-01)', 'rating-alone') > 0 AS february;
COMMIT;
SELECT count(*) FROM rate_corrections('rating-alone', NULL, 'rating-alone');
-- what is traced depends on no setting
SET datestyle = 'German';
SET timezone = 'Asia/Shanghai';
SELECT sum(t.cost) = c.cost AS adds_up FROM charge AS c, trace_charge(c.id) AS t WHERE c.book = 'rating-alone' AND c.cost IS NOT NULL GROUP BY c.cost;
RESET timezone;
RESET datestyle;
-- a rating is kept for the charges that a statement traces, but not when what it saw is no longer what there is
BEGIN;
SET LOCAL session_replication_role = replica;
DO $$
DECLARE
	was text;
	is_now text;
BEGIN
	SELECT string_agg(t.devices || ': ' || trim_scale(t.quantity), ', ' ORDER BY c.id) INTO was FROM charge AS c, trace_charge(c.id) AS t WHERE c.book = 'rating-alone';
	UPDATE _usage_record AS r SET devices = 3 WHERE r.account = account_id('rating-alone');
	SELECT string_agg(t.devices || ': ' || trim_scale(t.quantity), ', ' ORDER BY c.id) INTO is_now FROM charge AS c, trace_charge(c.id) AS t WHERE c.book = 'rating-alone';
	RAISE NOTICE 'was %; is now %', was, is_now;
END
$$;
ROLLBACK;
-- what goes on is traced as of when it was rated, though the clock went on; a rating before, as of another time, does not matter
DO $$ BEGIN PERFORM _make_usage_partition(date_trunc('month', statement_timestamp())::date); END $$;
SELECT use('rating-alone', 'nvidia/p100', date_trunc('month', statement_timestamp()), 'infinity', 1);
INSERT INTO price (book, accelerator, currency, price) VALUES ('rating-open', 'nvidia/p100', 'USD', 3600000000);
SELECT count(*) > 0 AS some, bool_and(t.cost = r.cost AND t.quantity = r.quantity) AS same
FROM (SELECT count(*) AS n FROM rate_usage('rating-alone', '[2026-01-01,2026-02-01)', '2026-01-15', 'rating-open')) AS b,
	LATERAL (SELECT r, (r).* FROM rate_usage('rating-alone', tstzrange(date_trunc('month', statement_timestamp()), statement_timestamp() + interval '1 day' * (b.n + 1)), NULL, 'rating-open') AS r) AS r,
	LATERAL (SELECT sum(t.cost) AS cost, sum(t.quantity) AS quantity FROM trace_charge(r.r) AS t) AS t;

-- What a transaction has recorded itself is not rated, which is said; it is in a draft, which is another's price, too.
\set VERBOSITY default
SELECT create_account('rating-draft', currency => 'USD') > 0 AS account;
INSERT INTO price (book, accelerator, currency, price) VALUES ('rating-draft', 'any', 'USD', 2);
SELECT use('rating-draft', 'nvidia/p100', '2026-01-05 00:00Z', '2026-01-06 00:00Z', 1);
BEGIN;
SELECT kind, trim_scale(cost) AS cost FROM rate_usage('rating-draft', '[2026-01-01,2026-02-01)', NULL, 'rating-draft');
SELECT use('rating-draft', 'nvidia/p100', '2026-01-06 00:00Z', '2026-01-07 00:00Z', 1);
INSERT INTO price (book, account, accelerator, currency, price) VALUES ('rating-draft', account_id('rating-draft'), 'nvidia', 'USD', 1);
SELECT kind, trim_scale(cost) AS cost FROM rate_usage('rating-draft', '[2026-01-01,2026-02-01)', NULL, 'rating-draft');
-- who says as of when knows what he does
SELECT kind, trim_scale(cost) AS cost FROM rate_usage('rating-draft', '[2026-01-01,2026-02-01)', ledger_watermark(), 'rating-draft');
SELECT day, trim_scale(cost) AS cost FROM rate_draft('rating-draft', '[2026-01-01,2026-02-01)', 'rating-draft') ORDER BY day;
ROLLBACK;
SET client_min_messages = warning;
SELECT kind, trim_scale(cost) AS cost FROM rate_draft('rating-draft', '[2026-01-01,2026-02-01)', 'rating-draft');
-- without anything in flight it is what rating says, of all accounts and books
SELECT count(*) AS differ FROM (
	(SELECT * FROM rate_draft(NULL, '[2026-01-01,2026-02-01)', 'rating') EXCEPT ALL SELECT * FROM rate_usage(NULL, '[2026-01-01,2026-02-01)', NULL, 'rating'))
	UNION ALL
	(SELECT * FROM rate_usage(NULL, '[2026-01-01,2026-02-01)', NULL, 'rating') EXCEPT ALL SELECT * FROM rate_draft(NULL, '[2026-01-01,2026-02-01)', 'rating'))) AS x;
\set VERBOSITY terse
SELECT count(*) FROM rate_draft('nobody', '[2026-01-01,2026-02-01)');
\set VERBOSITY default
-- an open record counts up to now
BEGIN;
SELECT record_usage('rating-draft', 'open', 'rating-draft', (SELECT name FROM region ORDER BY id LIMIT 1), 'nvidia/p100', 1, now() - interval '1 hour', NULL) > 0 AS open;
SELECT sum(amount) BETWEEN 1680000 * 3600000000::numeric AND 1680000 * 3700000000::numeric AS an_hour
FROM rate_draft('rating-draft', tstzrange(now() - interval '2 hours', now() + interval '1 hour'), 'rating-draft');
ROLLBACK;
RESET client_min_messages;
DROP FUNCTION use, charges;
