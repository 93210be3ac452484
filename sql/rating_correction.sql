-- Corrections of closed billing periods whose payer is no payer any more: it was merged into another account, moved
-- under one, or both.  Whoever pays for it when a period is closed is billed, once.
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set VERBOSITY terse
SELECT create_ledger() >= 0 AS made;

-- s and t pay; a to e are payers in January, and are under s, or t, or nobody, from February on.
SELECT create_account('cor/s', currency => 'USD') > 0 AS s, create_account('cor/t', currency => 'USD') > 0 AS t, create_region('cor-r') > 0 AS r, generate_billing_periods(NULL, '2025-08-01') >= 0 AS periods;
SELECT count(create_account('cor/' || a, currency => 'USD', time_zone => CASE a WHEN 'c' THEN 'Asia/Shanghai' END)) FROM unnest('{a,b,c,d,e}'::text[]) AS a;
SELECT count(create_account('cor/' || a || '/1', parent => 'cor/' || a)) FROM unnest('{a,b,c,d,e,s}'::text[]) AS a;
DO $$ BEGIN PERFORM _make_usage_partition(m) FROM unnest(ARRAY[date '2024-12-01', '2025-01-01', '2025-02-01', '2025-03-01']) AS m; END $$;
INSERT INTO price (book, accelerator, currency, model, tier_bounds, tier_prices) VALUES ('cor', 'nvidia/h100', 'USD', 'graduated', '{10}', '{2,1}');
CREATE FUNCTION use(account text, day text, hours integer, source_id text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO usage_record (account, started_at, ended_at, batch, region, revision, basis, accelerator, rate, devices, measure, source, source_id, account_name, region_name, accelerator_name)
	SELECT account_id(account, day::timestamptz), day::timestamptz, day::timestamptz + hours * interval '1 hour', 0, region_id('cor-r'), 0, 5, 'nvidia/h100-sxm5-80gb', '1000 TFLOPS@bf16', 1, 'allocated', 'cor', source_id, account, 'cor-r', 'H100'
$$;
CREATE FUNCTION retract(id text) RETURNS void LANGUAGE sql SET session_replication_role = replica AS $$ UPDATE _usage_record SET superseded = ledger_stamp() WHERE kind IN (SELECT number FROM usage_kind WHERE source = 'cor') AND source_id = $1 $$;
CREATE FUNCTION close_month(account text, month text) RETURNS boolean LANGUAGE sql AS $$
	SELECT close_period(account, tstzrange(month::timestamp AT TIME ZONE z.zone, (month::timestamp + interval '1 month') AT TIME ZONE z.zone), 'cor') IS NOT NULL
	FROM (SELECT CASE account WHEN 'cor/c' THEN 'Asia/Shanghai' ELSE 'UTC' END) AS z (zone)
$$;
-- what is due of each account's closed periods, as rate_corrections() shows it to an account
CREATE FUNCTION due(asked text) RETURNS TABLE (payer text, account text, corrects text, day date, quantity numeric, cost numeric) LANGUAGE sql AS $$
	SELECT p.name, a.name, to_char(b.starts_at, 'YYYY-MM'), r.day, trim_scale(r.quantity), trim_scale(r.cost)
	FROM rate_corrections(asked, NULL, 'cor') AS r JOIN account AS p ON p.id = r.payer JOIN account AS a ON a.id = r.account JOIN billing_period AS b ON b.id = r.corrects
	ORDER BY p.name COLLATE "C", a.name COLLATE "C", r.day, r.cost
$$;
-- what the corrections came to that a closing billed
CREATE FUNCTION billed(asked text, month text) RETURNS TABLE (payer text, corrects_payer text, account text, corrects text, day date, cost numeric, traced boolean) LANGUAGE sql AS $$
	SELECT p.name, o.name, a.name, to_char(b.starts_at, 'YYYY-MM'), c.day, trim_scale(c.cost),
		(SELECT (sum(t.cost), sum(t.quantity)) = (c.cost, c.quantity) FROM trace_charge(c.id) AS t)
	FROM charge AS c JOIN account AS p ON p.id = c.payer JOIN account AS o ON o.id = c.corrects_payer JOIN account AS a ON a.id = c.account
	JOIN billing_period AS b ON b.id = c.corrects JOIN billing_period AS n ON n.id = c.billing_period
	WHERE c.book = 'cor' AND p.name = asked AND to_char(n.starts_at, 'YYYY-MM') = month
	ORDER BY o.name COLLATE "C", a.name COLLATE "C", c.day
$$;
-- what has been billed for January usage of the accounts, and what it costs as known now
CREATE TEMP VIEW settled AS
	SELECT o.name, (SELECT trim_scale(sum(c.cost)) FROM charge AS c JOIN billing_period AS b ON b.id = coalesce(c.corrects, c.billing_period)
			WHERE c.book = 'cor' AND coalesce(c.corrects_payer, c.payer) = o.id AND b.starts_at BETWEEN '2024-12-31' AND '2025-01-02') AS billed,
		(SELECT trim_scale(sum(r.cost)) FROM rate_usage(o.name, CASE o.name WHEN 'cor/c' THEN '[2024-12-31 16:00Z,2025-01-31 16:00Z)' ELSE '[2025-01-01Z,2025-02-01Z)' END::tstzrange, NULL, 'cor') AS r) AS costs
	FROM account AS o WHERE o.name ~ '^cor/.$' ORDER BY o.name COLLATE "C";
CREATE TEMP VIEW wrong AS SELECT check_name, object, detail FROM _check_charges(ledger_watermark(), true, true, '-infinity')
	WHERE check_name IN ('closing', 'charge of another closing', 'billed twice', 'charges and rating', 'correction for nobody');

SELECT a, use('cor/' || a || '/1', '2025-01-05', 12, a || '1'), use('cor/' || a, '2025-01-06', 3, a || '2') FROM unnest('{a,b,c,d,e,s}'::text[]) AS a;
SELECT a, close_month('cor/' || a, '2025-01-01') FROM unnest('{a,b,c,d,e,s,t}'::text[]) AS a ORDER BY a;
SELECT * FROM settled;

-- a is merged into s; b is moved under s; c is merged into d, and d under s, a chain; e is moved under t, and t into s later: two moves.
SELECT merge_account('cor/a', 'cor/s', '2025-02-01');
SELECT move_account('cor/b', 'cor/s', '2025-02-01');
SELECT merge_account('cor/c', 'cor/d', '2025-02-01');
SELECT move_account('cor/d', 'cor/s', '2025-02-10');
SELECT move_account('cor/e', 'cor/t', '2025-02-01');
SELECT move_account('cor/t', 'cor/s', '2025-03-15');
-- nothing of January has changed by that
SELECT * FROM due(NULL);
SELECT * FROM _changed_periods('cor', ARRAY(SELECT id FROM account WHERE name LIKE 'cor/_'), ledger_watermark());

-- Late records and retractions of January, for each: of the payer's own, and of an account under it.
SELECT a, use('cor/' || a || '/1', '2025-01-04', 1, a || '3'), retract(a || '2') FROM unnest('{a,b,c,d,e}'::text[]) AS a;
SELECT * FROM due(NULL);
-- who is asked shows his own, and those whom he pays for now: s of all but himself, t of none any more
SELECT payer, count(*), sum(cost) FROM due('cor/s') GROUP BY payer ORDER BY payer COLLATE "C";
SELECT payer, count(*), sum(cost) FROM due('cor/t') GROUP BY payer;
SELECT payer, count(*), sum(cost) FROM due('cor/c') GROUP BY payer;

-- d pays for c until it is moved itself, which is before the end of February: s is billed for both, and t for e.
SELECT close_month('cor/d', '2025-02-01') AS d, close_month('cor/t', '2025-02-01') AS t, close_month('cor/s', '2025-02-01') AS s;
SELECT * FROM billed('cor/d', '2025-02');
SELECT * FROM billed('cor/t', '2025-02');
SELECT * FROM billed('cor/s', '2025-02');
SELECT a.name, f.name AS former FROM period_close AS p JOIN account AS a ON a.id = p.payer, unnest(p.former_payers) AS u (id) JOIN account AS f ON f.id = u.id
WHERE p.book = 'cor' ORDER BY p.id, f.name COLLATE "C";
SELECT * FROM due(NULL);
SELECT * FROM settled;

-- More of the same comes late: e has moved on with t.  A second closing bills what the first did not, and a third nothing.
SELECT a, use('cor/' || a || '/1', '2025-01-07', 2, a || '4') FROM unnest('{a,c,e}'::text[]) AS a;
SELECT a, retract(a || '3') FROM unnest('{b,e}'::text[]) AS a;
SELECT * FROM due('cor/s');
SELECT close_month('cor/s', '2025-03-01') AS s, close_month('cor/t', '2025-03-01') AS t;
SELECT * FROM billed('cor/s', '2025-03');
SELECT * FROM billed('cor/t', '2025-03');
SELECT * FROM due(NULL);
SELECT close_month('cor/s', '2025-04-01') AS s;
SELECT * FROM billed('cor/s', '2025-04');
SELECT * FROM settled;
SELECT * FROM wrong;
-- a correction of a correction shows what came and what went
SELECT c.day, t.source_id, t.quantity, t.cost FROM charge AS c JOIN account AS a ON a.id = c.corrects_payer, trace_charge(c.id) AS t
WHERE c.book = 'cor' AND a.name = 'cor/e' ORDER BY c.id, t.part_from, t.quantity;

-- A move of the past: e is said to have been under s all the time.  Its January goes back, and comes to s.
SELECT move_account('cor/e', 'cor/s', '2025-01-01');
SELECT payer, account, day, quantity, cost FROM due('cor/s');
SELECT close_month('cor/s', '2025-05-01') AS s;
SELECT payer, corrects_payer, account, corrects, sum(cost) AS cost, bool_and(traced) AS traced FROM billed('cor/s', '2025-05') GROUP BY 1, 2, 3, 4 ORDER BY 2, 3;
SELECT (SELECT sum(billed) FROM settled) = sum(r.cost) AS all_is_billed FROM rate_usage(NULL, '[2025-01-01Z,2025-02-01Z)', NULL, 'cor') AS r JOIN account AS a ON a.id = r.account WHERE a.name LIKE 'cor/%';
SELECT * FROM due(NULL);
SELECT * FROM wrong;

-- An account that ends while another pays for it: its last payer is billed.
UPDATE account_version SET valid = tstzrange(lower(valid), '2025-04-01') WHERE account IN (account_id('cor/b'), account_id('cor/b/1')) AND upper_inf(recorded) AND upper_inf(valid);
SELECT use('cor/b/1', '2025-01-08', 1, 'b5');
SELECT * FROM due('cor/s');
SELECT close_month('cor/s', '2025-06-01') AS s;
SELECT * FROM billed('cor/s', '2025-06');

-- One that was its own payer to the end has nobody: check_ledger() says so.  It is moved under somebody, and is billed.
SELECT create_account('cor/z', currency => 'USD') > 0 AS z;
SELECT use('cor/z', '2025-01-05', 5, 'z1');
SELECT close_month('cor/z', '2025-01-01') AS z;
UPDATE account_version SET valid = tstzrange(lower(valid), '2025-02-01') WHERE account = (SELECT id FROM account WHERE name = 'cor/z') AND upper_inf(recorded);
SELECT retract('z1');
SELECT * FROM due('cor/z');
SELECT check_name, object, regexp_replace(detail, 'period \d+', 'period N') AS detail FROM wrong;
SELECT merge_account('cor/z', 'cor/t', '2025-02-01');
SELECT * FROM wrong;
SELECT close_month('cor/s', '2025-07-01') AS s;
SELECT * FROM billed('cor/s', '2025-07');
SELECT * FROM wrong;
SELECT * FROM due(NULL);

-- A calendar that changes in the middle of a period: each part is billed with the period of its own calendar, once.
INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('cor-half', '2025-02-15', 'UTC', '1 month');
SELECT create_account('cor/k', currency => 'USD') > 0 AS k;
SELECT change_account('cor/k', '2025-02-15', calendar => 'cor-half');
SELECT use('cor/k', '2025-02-10', 3, 'k1'), use('cor/k', '2025-02-14 20:00', 8, 'k2'), use('cor/k', '2025-02-20', 5, 'k3'), use('cor/k', '2025-03-10', 1, 'k4');
SELECT close_period('cor/k', '[2025-02-01 00:00Z,2025-03-01 00:00Z)', 'cor') > 0 AS february;
SELECT close_period('cor/k', '[2025-02-15 00:00Z,2025-03-15 00:00Z)', 'cor') > 0 AS half;
SELECT b.starts_at, c.day, trim_scale(c.quantity) AS quantity, trim_scale(c.cost) AS cost FROM charge AS c JOIN account AS a ON a.id = c.payer JOIN billing_period AS b ON b.id = c.billing_period
WHERE c.book = 'cor' AND a.name = 'cor/k' ORDER BY b.starts_at, c.day;
SELECT * FROM due('cor/k');
-- said later never to have changed: what was charged goes back, and comes with the periods of the first calendar
UPDATE account_version SET calendar = (SELECT id FROM billing_calendar WHERE name = 'month/UTC') WHERE account = account_id('cor/k') AND upper_inf(recorded);
SELECT * FROM due('cor/k');
SELECT close_period('cor/k', '[2025-03-01 00:00Z,2025-04-01 00:00Z)', 'cor') > 0 AS march;
SELECT (SELECT sum(c.cost) FROM charge AS c WHERE c.book = 'cor' AND c.payer = account_id('cor/k')) = sum(r.cost) AS all_is_billed FROM rate_usage('cor/k', '[2025-02-01Z,2025-04-01Z)', NULL, 'cor') AS r;
SELECT * FROM wrong;

DROP VIEW settled, wrong;
DROP FUNCTION use, retract, close_month, due, billed;
