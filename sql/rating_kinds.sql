-- What is not charged by the sum of its usage: peak and percentile of devices, reserved capacity, minimum commitments.
-- Late records change such charges as a whole: rate_diff() says why, corrections bill the difference, and traces add up.
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set VERBOSITY terse
SELECT create_ledger() >= 0 AS made;
SELECT create_account('kinds', currency => 'USD') > 0 AS a, create_account('kinds/x', parent => 'kinds') > 0 AS b, create_account('kinds/y', parent => 'kinds') > 0 AS c,
	create_region('kinds-r') > 0 AS d, generate_billing_periods(NULL, '2025-05-01') >= 0 AS e;
DO $$ BEGIN PERFORM _make_usage_partition('2025-01-01'); END $$;
CREATE FUNCTION use(id text, account text, chip text, starts timestamptz, ends timestamptz, devices numeric) RETURNS void LANGUAGE sql AS $$
	INSERT INTO usage_record (account, started_at, ended_at, batch, region, revision, basis, accelerator, rate, devices, measure, source, source_id, account_name, region_name, accelerator_name)
	SELECT account_id(account), starts, ends, 0, region_id('kinds-r'), 0, 5, chip::accelerator, '1000 TFLOPS@bf16', devices, 'allocated', 'kinds', id, account, 'kinds-r', chip
$$;
INSERT INTO price (book, accelerator, currency, price, unit) VALUES ('kinds', 'google', 'USD', 100, 'peak-device');
INSERT INTO price (book, accelerator, currency, price, unit, percentile, sample_step) VALUES ('kinds', 'aws', 'USD', 100, 'percentile-device', 0.5, '1 hour');
INSERT INTO price (book, account, accelerator, currency, price, minimum) VALUES ('kinds', account_id('kinds/x'), 'intel', 'USD', 1, 310);
INSERT INTO price (book, account, accelerator, currency, price, committed_devices, committed_price, valid) VALUES ('kinds', account_id('kinds/y'), 'cerebras', 'USD', 5, 4, 2, '[2025-01-10Z,2025-01-12Z)');
SELECT use('p1', 'kinds/x', 'google/tpu-v5p', '2025-01-03 00:00Z', '2025-01-05 00:00Z', 4), use('p2', 'kinds/y', 'google/tpu-v5e', '2025-01-04 23:00Z', '2025-01-06 00:00Z', 2);
SELECT use('q1', 'kinds/x', 'aws/trainium2', '2025-01-01 00:00Z', '2025-01-21 00:00Z', 2);
SELECT use('m1', 'kinds/x', 'intel/gaudi3', '2025-01-20 00:00Z', '2025-01-21 00:00Z', 8);
SELECT use('r1', 'kinds/y', 'cerebras/wse-3', '2025-01-10 00:00Z', '2025-01-11 00:00Z', 3);
CREATE FUNCTION close_month(month date) RETURNS boolean LANGUAGE sql AS $$
	SELECT close_period('kinds', tstzrange(month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC'), 'kinds') > 0
$$;
SELECT close_month('2025-01-01') AS january;
-- the traces of what was stored, beside it
CREATE FUNCTION stored(month date) RETURNS TABLE (kind text, account text, day date, quantity numeric, cost numeric, records bigint, parts bigint, adds_up boolean) LANGUAGE sql AS $$
	SELECT c.kind, a.name, c.day, trim_scale(c.quantity), trim_scale(c.cost), c.records, t.parts, t.cost = c.cost AND t.quantity = c.quantity
	FROM charge AS c JOIN account AS a ON a.id = c.account JOIN billing_period AS b ON b.id = c.billing_period
	CROSS JOIN LATERAL (SELECT count(*) AS parts, sum(t.quantity) AS quantity, sum(t.cost) AS cost FROM trace_charge(c.id) AS t) AS t
	WHERE c.book = 'kinds' AND b.starts_at = month::timestamp AT TIME ZONE 'UTC'
	ORDER BY c.kind COLLATE "C", c.day, a.name COLLATE "C", c.cost
$$;
CREATE FUNCTION differs(since timestamptz) RETURNS TABLE (account text, chip text, day date, quantity_a numeric, quantity_b numeric, cost_a numeric, cost_b numeric, difference numeric, reasons text[]) LANGUAGE sql AS $$
	SELECT a.name, d.accelerator::text, d.day, trim_scale(d.quantity_a), trim_scale(d.quantity_b), trim_scale(d.cost_a), trim_scale(d.cost_b), trim_scale(d.difference), d.reasons
	FROM rate_diff('kinds', '[2025-01-01,2025-02-01)', since, NULL, 'kinds') AS d JOIN account AS a ON a.id = d.charged_account
	ORDER BY d.accelerator, d.day, a.name COLLATE "C", d.difference
$$;
SELECT * FROM stored('2025-01-01');

-- One late record for each: a higher peak, more samples, less of a shortfall, and what was reserved and unused becomes used, and is used beyond.
SELECT max(as_of) AS closed_at FROM period_close WHERE book = 'kinds' \gset
SELECT use('p3', 'kinds/y', 'google/tpu-v5p', '2025-01-05 12:00Z', '2025-01-05 13:00Z', 6);
SELECT use('q2', 'kinds/y', 'aws/trainium2', '2025-01-01 00:00Z', '2025-01-25 00:00Z', 1);
SELECT use('m2', 'kinds/x', 'intel/gaudi3', '2025-01-22 00:00Z', '2025-01-22 10:00Z', 4);
SELECT use('r2', 'kinds/y', 'cerebras/wse-3', '2025-01-10 12:00Z', '2025-01-11 12:00Z', 3);
SELECT * FROM differs(:'closed_at');
SELECT r.kind, a.name, r.day, trim_scale(r.quantity) AS quantity, trim_scale(r.cost) AS cost FROM rate_corrections('kinds', NULL, 'kinds') AS r JOIN account AS a ON a.id = r.account ORDER BY r.kind COLLATE "C", r.day, r.cost;
SELECT close_month('2025-02-01') AS february;
SELECT * FROM stored('2025-02-01');
SELECT count(*) FROM rate_corrections('kinds', NULL, 'kinds');
-- what a correction is made of: shares of all the records, as they are now and as they were
SELECT c.kind, c.day, t.source_id, t.part_from, t.part_to, trim_scale(t.quantity) AS quantity, trim_scale(t.cost) AS cost
FROM charge AS c, trace_charge(c.id) AS t WHERE c.book = 'kinds' AND c.corrects IS NOT NULL AND c.kind IN ('peak', 'beyond', 'commitment', 'reserved unused')
ORDER BY c.kind COLLATE "C", c.day, t.part_from, t.record, t.quantity;

-- What came goes again: the peak's record is retracted, the price is another, and the minimum is gone.
SELECT max(as_of) AS closed_at FROM period_close WHERE book = 'kinds' \gset
SET session_replication_role = replica;
UPDATE _usage_record SET superseded = ledger_stamp() WHERE kind IN (SELECT number FROM usage_kind WHERE source = 'kinds') AND source_id IN ('p3', 'r2');
RESET session_replication_role;
UPDATE price SET price = 90 WHERE book = 'kinds' AND unit = 'percentile-device' AND upper_inf(recorded);
UPDATE price SET minimum = NULL WHERE book = 'kinds' AND minimum IS NOT NULL AND upper_inf(recorded);
SELECT * FROM differs(:'closed_at');
SELECT close_month('2025-03-01') AS march;
SELECT * FROM stored('2025-03-01');
-- in the end all is billed that it costs
SELECT (SELECT sum(cost) FROM charge WHERE book = 'kinds') = (SELECT sum(cost) FROM rate_usage('kinds', '[2025-01-01,2025-04-01)', NULL, 'kinds')) AS all_is_billed;

-- A tree change moves usage out of a peak and out of reserved capacity; a reason is given that no record is.
SELECT max(as_of) AS closed_at FROM period_close WHERE book = 'kinds' \gset
SELECT move_account('kinds/y', NULL, '2025-01-05') FROM (SELECT change_account('kinds/y', '2025-01-05', currency => 'USD', time_zone => 'UTC')) AS c;
SELECT * FROM differs(:'closed_at');
SELECT kind, day, trim_scale(sum(cost)) AS cost FROM rate_corrections('kinds', NULL, 'kinds') GROUP BY kind, day ORDER BY kind COLLATE "C", day;
SELECT close_month('2025-04-01') AS april;
SELECT kind, day, cost, adds_up FROM stored('2025-04-01');
SELECT check_name, object, detail FROM check_ledger() WHERE check_name IN ('closing', 'charge of another closing', 'billed twice', 'charges and rating', 'correction for nobody');


-- Time that passes, on an open record.
SELECT generate_billing_periods(NULL, statement_timestamp()) >= 0 AS generated;
SELECT b.starts_at, b.ends_at, _make_usage_partition(statement_timestamp()::date) IS NOT NULL AS partition FROM payers() AS p JOIN billing_period AS b ON b.calendar = p.calendar AND b.period @> statement_timestamp() WHERE p.account = account_id('kinds') AND p.payer = p.account AND p.valid @> statement_timestamp() \gset
SELECT use('t1', 'kinds/x', 'intel/gaudi3', greatest(:'starts_at', statement_timestamp() - interval '1 minute'), 'infinity', 1);
SELECT ledger_watermark() AS first_at \gset
SELECT pg_sleep(0.1);
SELECT DISTINCT d.reasons, d.difference > 0 AS more FROM rate_diff('kinds', tstzrange(:'starts_at', :'ends_at'), :'first_at', NULL, 'kinds') AS d;

DROP FUNCTION use, close_month, stored, differs;
