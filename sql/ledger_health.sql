-- The view ledger_health: every figure above nothing, beside the same counted otherwise.
CREATE DATABASE regress_health;
\c regress_health
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
\pset format unaligned
\pset tuples_only on
SELECT create_ledger() > 0;
-- ages in whole hours: nothing here takes one
CREATE VIEW health AS SELECT measure, label, CASE WHEN measure LIKE '%seconds' THEN round((value / 3600)::numeric) || ' h' ELSE value::text END AS value, detail FROM ledger_health;
-- a ledger in which there is nothing
SELECT * FROM health;
-- who has one snapshot does not know how far recorded time has come
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT measure, value FROM ledger_health WHERE measure LIKE 'watermark%';
COMMIT;

SELECT create_account('acme', currency => 'EUR', time_zone => 'America/New_York') > 0, create_account('acme/lab', parent => 'acme') > 0,
	create_account('zenith', currency => 'USD', time_zone => 'Asia/Kolkata') > 0, create_region('hall-1') > 0;
SELECT create_price('nvidia/h100', 'EUR', 3.00) > 0, create_price('nvidia/l4', 'EUR', 1.00, number_format => 'fp8') > 0;
CREATE FUNCTION ago(span interval) RETURNS text LANGUAGE sql AS $$ SELECT to_char(date_trunc('minute', now() - span), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, number_format)
SELECT 's', n, a, 'hall-1', c, '2', ago(f), ago(u), m
FROM (VALUES
	('priced', 'acme', 'NVIDIA H100 80GB HBM3', interval '95 days', interval '94 days', NULL),
	-- no price for the chip, no price in the currency, and one for its format
	('no price', 'acme/lab', 'NVIDIA A100-SXM4-40GB', '20 days', '19 days', NULL),
	('later', 'acme/lab', 'NVIDIA A100-SXM4-40GB', '9 days', '8 days', NULL),
	('other currency', 'zenith', 'NVIDIA H100 80GB HBM3', '10 days', '9 days', NULL),
	('for fp8', 'acme/lab', 'NVIDIA L4', '40 days', '39 days', 'fp8'),
	('3 hours', 'acme', 'NVIDIA H100 80GB HBM3', '3 hours', NULL, NULL),
	('3 days', 'acme', 'NVIDIA H100 80GB HBM3', '3 days', NULL, NULL),
	('10 days', 'acme', 'NVIDIA H100 80GB HBM3', '10 days', NULL, NULL),
	('40 days', 'acme', 'NVIDIA H100 80GB HBM3', '40 days', NULL, NULL),
	('41 days', 'acme', 'NVIDIA H100 80GB HBM3', '41 days', NULL, NULL),
	('unknown', 'acme', 'Voodoo 2', '2 days', '1 day', NULL),
	('unknown, too', 'acme', 'Voodoo 3', '2 days', '1 day', NULL),
	('nobody''s', 'umbrella', 'NVIDIA L4', '2 days', '1 day', NULL),
	('retried', 'later', 'NVIDIA H100 80GB HBM3', '2 days', '1 day', NULL)) AS v (n, a, c, f, u, m);
SELECT taken, accepted, rejected FROM accept_usage();
-- has ended since, or is taken back
INSERT INTO usage_inbox (source, source_id, revision, account, region, accelerator, devices, started_at, ended_at, retracted)
SELECT 's', '41 days', '1', 'acme', 'hall-1', 'NVIDIA H100 80GB HBM3', '2', ago('41 days'), ago('40 days'), NULL;
SELECT accepted FROM accept_usage();
SELECT create_account('later', parent => 'acme', currency => 'EUR') > 0;
SELECT accepted, rejected FROM retry_rejected(sqlstate => 'LC006');
UPDATE usage_source SET open_limit = '12 days' WHERE source = 's';
SELECT refresh_rollups() IS NOT NULL;
UPDATE rollup_state SET as_of = as_of - interval '7 hours';
INSERT INTO usage_inbox (source, source_id, received_at) SELECT 's', 'waits ' || g, now() - g * interval '5 hours' FROM generate_series(1, 3) AS g;
SELECT count(_make_usage_partition((date_trunc('month', now()) + g * interval '1 month')::date)) >= 2 FROM generate_series(0, 4) AS g WHERE g <> 3;

SELECT * FROM health WHERE measure <> 'closing_age_seconds' AND measure <> 'closings_due' AND measure <> 'unpriced_age_seconds';
-- The same, counted otherwise.
CREATE VIEW apart AS
SELECT 'open_records' AS measure, count(*)::numeric AS value FROM open_usage
UNION ALL SELECT 'open_records_overdue', count(*) FROM check_ledger() WHERE check_name = 'open usage'
UNION ALL SELECT 'open_age_seconds', round(extract(epoch FROM max(age)) / 60) FROM open_usage
UNION ALL SELECT 'unpriced_age_seconds', round(extract(epoch FROM now() - min(lower(r.period))) / 60) FROM rate_usage(NULL, tstzrange(now() - interval '60 days', now())) AS r WHERE r.kind = 'unpriced'
UNION ALL (
	WITH due AS (
		SELECT DISTINCT p.payer, b.ends_at FROM payers() AS p JOIN billing_period AS b ON b.calendar = p.calendar
		WHERE b.ends_at <= now() AND b.period && p.valid AND b.ends_at > (SELECT min(r.started_at) FROM usage_record AS r)
			AND NOT EXISTS (SELECT FROM period_close AS c WHERE c.payer = p.payer AND c.billing_period = b.id))
	SELECT 'closings_due', count(*) FROM due
	UNION ALL SELECT 'closing_age_seconds', round(extract(epoch FROM now() - min(ends_at)) / 60) FROM due);
CREATE VIEW differs AS
SELECT a.*, h.value AS is FROM apart AS a JOIN ledger_health AS h USING (measure)
WHERE abs(CASE WHEN h.measure LIKE '%seconds' THEN h.value / 60 ELSE h.value END - a.value) > CASE WHEN h.measure LIKE '%seconds' THEN 1 ELSE 0 END OR a.value = 0;
SELECT * FROM differs;
SELECT measure, regexp_replace(detail, '[0-9]{4}-[0-9: -]+\+00', 'DATE', 'g') FROM ledger_health WHERE measure IN ('unpriced_age_seconds', 'closings_due');
-- a meter is told the same figures
CREATE ROLE regress_health_meter;
SELECT grant_access('regress_health_meter', 'meter');
CREATE TEMP TABLE owners AS SELECT measure, label FROM ledger_health WHERE value IS NOT NULL;
GRANT SELECT ON owners TO regress_health_meter;
SET ROLE regress_health_meter;
SELECT measure, label FROM owners EXCEPT SELECT measure, label FROM ledger_health WHERE value IS NOT NULL;
RESET ROLE;
-- what is closed is not due, nor is its usage without a price
CREATE TEMP TABLE before AS SELECT value FROM ledger_health WHERE measure = 'closings_due';
SELECT count(close_period(a.name, b.period, waive => '{acme,acme/lab,zenith,later}')) > 0 FROM payers() AS p JOIN account AS a ON a.id = p.payer AND p.account = p.payer JOIN billing_period AS b ON b.calendar = p.calendar
WHERE a.name = 'acme' AND b.ends_at <= now() AND b.ends_at > now() - interval '96 days';
SELECT h.value < b.value FROM ledger_health AS h, before AS b WHERE h.measure = 'closings_due';
SELECT * FROM differs WHERE measure <> 'unpriced_age_seconds';
SELECT create_price('nvidia/a100', 'EUR', 2.00) > 0, create_price('nvidia/h100', 'USD', 2.00) > 0;
SELECT value, detail FROM ledger_health WHERE measure = 'unpriced_age_seconds';
-- who holds the watermark
BEGIN;
SELECT ledger_stamp() IS NOT NULL, pg_sleep(0.2) IS NOT NULL;
SELECT value >= 0.2, detail LIKE format('process %s, role %s, %s, since 2%%', pg_backend_pid(), session_user, current_setting('application_name')) FROM ledger_health WHERE measure = 'watermark_lag_seconds';
SELECT value FROM ledger_health WHERE measure = 'watermark_writers';
COMMIT;
-- a default partition is of no month
CREATE TABLE usage_other (LIKE _usage_record INCLUDING ALL);
ALTER TABLE _usage_record ATTACH PARTITION usage_other DEFAULT;
SELECT value FROM ledger_health WHERE measure = 'partitions_ahead';
-- placement: a queue that was gone through 5 hours ago, pools that are doubted, an agent that is not heard of
SELECT create_pool('hall-1', 'nvidia/h100-sxm5-80gb', n) AS pool FROM unnest('{a,b,c}'::text[]) AS n ORDER BY n;
SELECT count(*) FROM pool AS p, offer_devices(p.id, 8, tstzrange(date_trunc('hour', now()) - interval '2 days', NULL), now => now() - interval '2 days');
SELECT count(submit_request(placement_request('zenith', '{nvidia/h100}', devices => 8, time_limit => '10 days'), now => now() - n * interval '4 hours')) FROM generate_series(2, 6) AS n;
SELECT count(*) FROM schedule(now => now() - interval '5 hours');
SELECT count(*) FROM take_work('agent 1', 2, now => now() - interval '4 hours');
SELECT report_work(min(l.id), 'ended', now => now() - interval '4 hours' + interval '1 second') FROM lease AS l;
SELECT count(*) FROM pool AS p, LATERAL (SELECT min(r.id) AS id FROM reservation AS r WHERE r.pool = p.id AND r.state = 'confirmed' AND r.id NOT IN (SELECT l.reservation FROM lease AS l)) AS r,
	LATERAL answer_reservation(r.id, 'refused', 'fire', now => now() - interval '3 hours') WHERE r.id IS NOT NULL;
SELECT * FROM health WHERE measure ~ '^(queue|pool|lease)';
SELECT 'queue_requests' AS measure, count(*) FROM queue UNION ALL SELECT 'pools_doubted', count(DISTINCT pool) FROM booking_calendar WHERE doubted
UNION ALL SELECT 'leases_expired', count(*) FROM agent_lease WHERE state = 'expired';

-- no record is read that has ended
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
SELECT 's', g, 'acme', 'hall-1', 'NVIDIA H100 80GB HBM3', '1', ago(g * interval '10 minutes'), ago(g * interval '10 minutes' - interval '5 minutes') FROM generate_series(1, 3000) AS g;
SELECT accepted FROM accept_usage('bf16');
VACUUM (ANALYZE) _usage_record, usage_rejected;
-- a session that has counted nothing yet
\c -
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
BEGIN;
SELECT count(*) > 0 FROM ledger_health;
SELECT sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid)) < 100 FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = '_usage_record'::regclass;
COMMIT;
-- who may look
CREATE ROLE regress_health_reader;
SELECT grant_access('regress_health_reader', 'reader', 'acme');
-- the oldest of what is open, or to be closed, is of an account that a meter is not told of; what was rejected, a meter has sent
SELECT count(*) > 0 FROM ledger_health WHERE detail LIKE '%account "%';
SET ROLE regress_health_meter;
SELECT count(*) > 10, count(*) FILTER (WHERE detail LIKE '%account "%' AND measure NOT LIKE 'rejected%') AS told FROM ledger_health;
SET ROLE regress_health_reader;
SELECT count(*) FROM ledger_health;
RESET ROLE;

\c postgres
DROP DATABASE regress_health;
DROP ROLE regress_health_meter, regress_health_reader;
