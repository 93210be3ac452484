-- What policy says to usage and to reservations, and what is kept of it.
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\pset null '(null)'
SELECT create_ledger() >= 0 AS made;
SELECT create_account('d', currency => 'USD', jurisdiction => 'FR') > 0 AS d, create_account('d/x', parent => 'd') > 0 AS x;
SELECT create_region('here', 'region', NULL, 'FR') > 0 AS here, create_region('there', 'region', NULL, 'US') > 0 AS there;
-- without a policy nothing is kept
SELECT record_usage('s', '0', 'd', 'there', 'NVIDIA H100 80GB HBM3', 8, '2026-03-01Z', '2026-03-02Z') > 0 AS recorded;
SELECT count(*) FROM policy_decision;

-- ------------------------------------------------------------------ usage that should not have been is recorded, and flagged
SELECT create_policy('house');
SELECT create_access_rule('at home', 'house', 'deny', 'article 5', flags => '{stays}', destinations_not => '{FR}'),
	create_access_rule('licensed', 'house', 'needs_licence', 'article 6', accelerators => '{nvidia/h100}', valid => '[2026-04-01,)'),
	create_access_rule('known', 'house', 'deny', 'article 7', headquarters => '{KP}', accelerators => '{nvidia/a100}');
SELECT set_flag('d', 'stays');
SELECT set_party('d', 'FR', 'FR'), grant_licence('d', 'licensed', '[2026-04-01,2026-05-01)') > 0 AS licence;
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES
	('s', '1', 'd', 'here', 'NVIDIA H100 80GB HBM3', '8', '2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'),
	('s', '2', 'd', 'there', 'NVIDIA H100 80GB HBM3', '8', '2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'),
	('s', '3', 'd', 'here', 'NVIDIA H100 80GB HBM3', '8', '2026-04-20T00:00:00Z', '2026-05-03T00:00:00Z'),
	('s', '4', 'd/x', 'here', 'NVIDIA A100-SXM4-80GB', '8', '2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'),
	('s', '5', 'd', 'here', 'NVIDIA H100 80GB HBM3', '8', '2026-06-01T00:00:00Z', NULL);
SELECT taken, accepted, rejected FROM accept_usage();
SELECT r.source_id, d.effect, d.policy, d.rule, d.clause, regexp_replace(d.reason, '2026-1.*', '...') AS reason, CASE WHEN r.ended_at < 'infinity' THEN d.during END AS during
FROM policy_decision AS d JOIN usage_record AS r ON r.id = d.usage ORDER BY r.source_id;
SELECT count(*) AS as_then FROM policy_decision AS d JOIN account AS a ON a.id = d.account JOIN region AS g ON g.id = d.region
	CROSS JOIN LATERAL screen(a.name, d.accelerator, g.name, d.period, as_of => d.as_of) AS s
WHERE (s.effect, s.rule, s.during) = (d.effect, d.rule, d.during) AND s.reason IS NOT DISTINCT FROM d.reason;
-- one record at a time, and one that was rejected
SELECT record_usage('s', '6', 'd', 'there', 'NVIDIA H100 80GB HBM3', 8, '2026-03-01Z', '2026-03-02Z') > 0 AS recorded;
SELECT action, effect, rule FROM policy_decision ORDER BY id DESC LIMIT 1;
-- what turns out to be another chip is asked about as that; and what is identified anew otherwise stays flagged
INSERT INTO accelerator_alias (alias, accelerator, source) VALUES ('card x', 'nvidia/t4', 's');
SELECT record_usage('s', '7', 'd', 'here', 'card x', 8, '2026-06-01Z', '2026-06-02Z') > 0 AS recorded;
SELECT count(*) AS flagged FROM policy_decision AS p JOIN usage_record AS r ON r.id = p.usage WHERE r.source_id = '7';
UPDATE accelerator_alias SET accelerator = 'nvidia/h100-sxm5-80gb' WHERE alias = 'card x' AND upper_inf(recorded);
SELECT accepted FROM reidentify(source => 's', accelerator_name => 'card x');
SELECT accepted FROM reidentify('fp8', source => 's', accelerator_name => 'card x');
SELECT p.action, p.accelerator, p.effect, p.rule, r.identification, r.superseded = 'infinity' AS current FROM policy_decision AS p JOIN usage_record AS r ON r.id = p.usage WHERE r.source_id = '7' ORDER BY p.id;
SELECT count(*) AS current FROM check_ledger(false) WHERE check_name = 'usage against policy' AND detail ~ 'h100-sxm5-80gb in here.*licensed';
-- they do not change
UPDATE policy_decision SET effect = 'review';
DELETE FROM policy_decision;
TRUNCATE policy_decision;

-- ------------------------------------------------------------------ bookings: every piece is asked about, and the answer kept
SELECT create_pool('here', 'nvidia/h100') AS here, create_pool('there', 'nvidia/h100') AS there, create_pool('here', 'nvidia/t4') AS t4 \gset
SELECT p.offered FROM unnest(ARRAY[:here, :there, :t4]) AS q (pool) LEFT JOIN LATERAL offer_devices(q.pool, 100, '[2026-01-01,)') AS p (offered) ON true;
SELECT withdraw_licence(id, '2026-05-01') FROM licence WHERE upper_inf(recorded);
SELECT grant_licence('d', 'licensed', '[2026-06-01,2026-07-01)') AS june \gset
SELECT state FROM book('d', :there, 8, '[2026-06-03,2026-06-04)', now => '2026-06-01Z');
SELECT state FROM book('d', :here, 8, '[2026-06-20,2026-07-04)', now => '2026-06-01Z');
-- one piece of two is not allowed: none is booked, and nothing kept
SELECT state FROM book('d', ARRAY[(:here, 8, '[2026-06-03,2026-06-04)'), (:there, 8, '[2026-06-03,2026-06-04)')]::reservation_piece[], now => '2026-06-01Z');
SELECT count(*) FROM policy_decision WHERE reservation IS NOT NULL;
SELECT reservation AS r FROM book('d', ARRAY[(:here, 8, '[2026-06-03,2026-06-05)'), (:t4, 1, '[2026-07-03,2026-07-04)')]::reservation_piece[], confirmed => true, now => '2026-06-01Z') LIMIT 1 \gset
SELECT extend_reservation(:r, '2026-07-02', now => '2026-06-01Z');
SELECT move_reservation(:r, '[2026-07-03,2026-07-05)', now => '2026-06-01Z');
SELECT (move_reservation(:r, '[2026-06-10,2026-06-12)', now => '2026-06-01Z')).state AS moved, (shrink_reservation(:r, 4, now => '2026-06-01Z')).state AS shrunk;
SELECT (extend_reservation(:r, '2026-06-13', now => '2026-06-01Z')).state AS extended;
-- a hold is asked about again when it is confirmed
SELECT reservation AS h FROM book('d', :here, 8, '[2026-06-20,2026-06-25)', now => '2026-06-01Z') \gset
BEGIN;
SELECT withdraw_licence(:june, '2026-06-22');
SELECT confirm_reservation(:h, now => '2026-06-01Z');
ROLLBACK;
SELECT confirm_reservation(:h, now => '2026-06-01Z');
SELECT action, effect, period FROM policy_decision WHERE reservation = :h ORDER BY id;
SELECT cancel_reservation(:h, now => '2026-06-01Z');
-- what a change made unlawful
SELECT count(*) FROM rescreen(now => '2026-06-02Z');
SELECT withdraw_licence(:june, '2026-06-12');
SELECT reservation = :r AS it, account_name, state, effect, rule, reason, during FROM rescreen(now => '2026-06-02Z');
SELECT start_reservation(:r, now => '2026-06-10Z');
UPDATE licence SET valid = '[2026-06-01,2026-06-20)' WHERE upper_inf(recorded) AND id = :june;
SELECT start_reservation(:r, now => '2026-06-10Z');
SELECT count(*) FROM rescreen(now => '2026-06-02Z');
-- by its number, whatever it was called
SELECT d.action, d.effect, d.rule, d.reason = format('rule "licensed" is lifted by licence %s', :june) AS licensed, d.period, d.version - min(d.version) OVER () AS version
FROM policy_decision AS d WHERE d.reservation >= :r ORDER BY d.id;
SELECT count(*) FILTER (WHERE s.effect = d.effect AND s.rule IS NOT DISTINCT FROM d.rule) AS as_then, count(*) FROM policy_decision AS d JOIN account AS a ON a.id = d.account JOIN region AS g ON g.id = d.region
	CROSS JOIN LATERAL screen(a.name, d.accelerator, g.name, d.period, as_of => d.as_of) AS s;
SELECT check_name, severity, count(*) FROM check_ledger() WHERE check_name ~ 'policy|decision|licence|rule' GROUP BY 1, 2 ORDER BY 1;
-- and nothing is left to do
SELECT cancel_reservation(:r, now => '2026-06-11Z'), record_reservations(now => '2026-08-01Z') > 0 AS recorded;

-- the tests that come after have no policy, and no usage that was against one
INSERT INTO usage_inbox (source, source_id, revision, retracted) SELECT DISTINCT 's', r.source_id, '1', 'true' FROM usage_record AS r WHERE r.source = 's' AND r.source_id IN ('2', '3', '4', '5', '6', '7');
SELECT accepted FROM accept_usage();
DELETE FROM access_policy WHERE upper_inf(recorded);
DELETE FROM access_rule WHERE upper_inf(recorded);
DELETE FROM licence WHERE upper_inf(recorded);
DELETE FROM account_flag WHERE upper_inf(recorded);
DELETE FROM account_party WHERE upper_inf(recorded);
