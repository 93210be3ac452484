-- Fair share: who has had how much for his share.
-- In a database of its own: what it prints has numbers of accounts.
CREATE DATABASE regress_fair_share;
\c regress_fair_share
SET client_min_messages = warning;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
\pset null '-'
SELECT create_ledger() IS NOT NULL;
SELECT count(create_region(r)) FROM unnest('{east}'::text[]) AS r;

-- So many PFLOPh, in one second.
CREATE FUNCTION pg_temp.use(account text, pflopha numeric, at timestamptz, reservation text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
	SELECT record_usage('test', account || ' ' || at, account, 'east', 'nvidia/a100-sxm4-80gb', pflopha * 3600 / 0.312, at, at + interval '1 second')
$$;
CREATE FUNCTION pg_temp.shares(at timestamptz) RETURNS TABLE (account text, shares numeric, part numeric, work numeric, ahead numeric, used numeric, factor numeric) LANGUAGE sql AS $$
	SELECT repeat(' ', level) || account_name, shares, round(part, 4), round(work::numeric / 1e15 / 3600, 3), round(ahead::numeric / 1e15 / 3600, 3), round(used, 4), round(factor, 3) FROM fair_share(at)
$$;
CREATE FUNCTION pg_temp.try(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	by_name text;
BEGIN
	EXECUTE call;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, by_name = CONSTRAINT_NAME;
	RETURN code || ' ' || message;
END
$$;

\echo what was used counts for half after its half-life (S16)
SELECT count(create_account(n, currency => 'USD')) FROM unnest('{A,B}'::text[]) AS n;
SELECT pg_temp.use('A', 100, '2026-03-01 00:00Z'), pg_temp.use('A', 30, '2026-03-14 23:59:59Z'), pg_temp.use('B', 60, '2026-03-14 23:59:59Z');
SELECT half_life, basis, patience FROM queue_setting;
SELECT * FROM pg_temp.shares('2026-03-15 00:00Z');
-- nothing after now
SELECT * FROM pg_temp.shares('2026-03-08 00:00:01Z');
SELECT * FROM pg_temp.shares('2026-02-01 00:00Z');
\echo a half-life that is none is refused by its name
SELECT v, pg_temp.try(format('UPDATE queue_setting SET half_life = %L WHERE upper_inf(recorded)', v)) FROM unnest('{0,-1 day,1001 years,NULL}'::text[]) AS v;
SELECT pg_temp.try('UPDATE queue_setting SET ' || v || ' WHERE upper_inf(recorded)') FROM unnest('{basis = ''flop'',basis = ''none'',patience = ''-1 s'',lease = ''0'',grace = ''-1 s'',half_life = NULL}'::text[]) AS v;
SELECT pg_temp.try('INSERT INTO queue_setting DEFAULT VALUES');
UPDATE queue_setting SET half_life = '1000 years' WHERE upper_inf(recorded);
SELECT half_life, upper_inf(recorded) FROM queue_setting ORDER BY lower(recorded);
SELECT pg_temp.try('UPDATE queue_setting SET half_life = ''1 day''');
SELECT pg_temp.try('TRUNCATE queue_setting');
\echo without decay A has had 130
SELECT * FROM pg_temp.shares('2026-03-15 00:00Z');

\echo the integral over time, against sums of short pieces
UPDATE queue_setting SET half_life = '7 days' WHERE upper_inf(recorded);
SELECT abs(w.whole / p.pieces - 1) < 1e-6 AS pieces_are_the_whole, abs(w.whole / (1e15 * 86400 * 10 * 7 / ln(2.0) * (1 - power(2.0, -3.0 / 7.0))) - 1) < 1e-9 AS by_formula
FROM (SELECT _decayed_work('1 PFLOPS@bf16', 10, '2026-01-01Z', '2026-01-04Z', '2026-01-04Z', 7 * 86400) AS whole) AS w
CROSS JOIN (SELECT sum(_decayed_work('1 PFLOPS@bf16', 10, t, t + interval '1 hour', '2026-01-04Z', 7 * 86400)) AS pieces FROM generate_series(timestamptz '2026-01-01Z', '2026-01-03 23:00Z', interval '1 hour') AS t) AS p;
SELECT _decayed_work('1 PFLOPS@bf16', 10, '2026-01-02Z', '2026-01-01Z', '2026-01-04Z', 1), _decayed_work('1 PFLOPS@bf16', 10, '2026-01-05Z', 'infinity', '2026-01-04Z', 1),
	_decayed_work('1 PFLOPS@bf16', 1, '2025-01-01Z', '2025-01-02Z', '2026-01-04Z', 1), _decayed_work(NULL, 1, '2025-01-01Z', '2025-01-02Z', '2026-01-04Z', 1);
SELECT pg_temp.try(c) FROM unnest(ARRAY['SELECT _decayed_work(''1 PFLOPS@bf16'', 1, ''-infinity'', ''2025-01-02Z'', ''2026-01-04Z'', 1)', 'SELECT _decayed_work(''1 PFLOPS@bf16'', 1, ''2025-01-01Z'', ''2025-01-02Z'', ''infinity'', 1)',
	'SELECT _decayed_work(''1 PFLOPS@bf16'', 1, ''2025-01-01Z'', ''2025-01-02Z'', ''2026-01-04Z'', 0)', 'SELECT _decayed_work(''1 PFLOPS@bf16'', 1, ''2025-01-01Z'', ''2025-01-02Z'', ''2026-01-04Z'', ''NaN'')',
	'SELECT _decayed_work(''2596148429267413 YFLOPS@bf16'', 1000000000, ''0001-01-01Z'', ''9999-01-02Z'', ''9999-01-04Z'', 1e18)', 'SELECT _decayed_work(''1 PFLOPS@bf16'', ''NaN'', ''2025-01-01Z'', ''2025-01-02Z'', ''2026-01-04Z'', 1)']) AS c;

\echo closing an account changes no history (S17)
UPDATE queue_setting SET half_life = '1000 years' WHERE upper_inf(recorded);
SELECT count(create_account(n, currency => 'USD')) FROM unnest('{P,Q}'::text[]) AS n;
SELECT create_account('x', parent => 'P') > 0;
SELECT pg_temp.use('x', 800, '2026-03-20 00:00Z'), pg_temp.use('Q', 400, '2026-03-20 00:00Z');
UPDATE account_version SET valid = '(,2026-04-01Z)' WHERE account = (SELECT id FROM account WHERE name = 'x') AND upper_inf(recorded);
SELECT create_account('y', parent => 'P', valid_from => '2026-04-01Z') > 0;
SELECT s.* FROM pg_temp.shares('2026-04-02 00:00Z') AS s WHERE btrim(s.account) IN ('P', 'Q', 'x', 'y');
\echo what was moved counts where it was used
SELECT create_account('w', parent => 'P') > 0;
SELECT pg_temp.use('w', 50, '2026-03-21 00:00Z'), pg_temp.use('w', 10, '2026-05-02 00:00Z');
SELECT move_account('w', 'Q', '2026-05-01Z');
SELECT s.* FROM pg_temp.shares('2026-05-03 00:00Z') AS s WHERE btrim(s.account) IN ('P', 'Q', 'w');

\echo each device-second once: reserved, and used beyond it
SELECT create_account('R', currency => 'USD') > 0;
SELECT create_pool('east', 'nvidia/a100-sxm4-80gb') AS pool \gset
SELECT count(*) FROM offer_devices(:pool, 100, '[2026-01-01Z,)', now => '2026-01-01Z');
-- 8 x 24 h reserved; 10 are used for 6 h of it: 8 x 24 + 2 x 6 = 204 device-hours = 63.648 PFLOPh
SELECT reservation AS r FROM book('R', :pool, 8, '[2026-06-01Z,2026-06-02Z)', confirmed => true, now => '2026-05-31Z') \gset
SELECT count(record_usage('test', 'beyond' || i, 'R', 'east', 'nvidia/a100-sxm4-80gb', 5, '2026-06-01 06:00Z', '2026-06-01 12:00Z', reservation => 'ledger:' || :r)) FROM generate_series(1, 2) AS i;
SELECT count(record_usage('test', 'used', 'R', 'east', 'nvidia/a100-sxm4-80gb', 8, '2026-06-01 00:00Z', '2026-06-02 00:00Z', 'used', reservation => 'ledger:' || :r)) AS not_counted_twice;
SELECT s.* FROM pg_temp.shares('2026-06-03 00:00Z') AS s WHERE s.account = 'R';
-- half of it has been
SELECT s.* FROM pg_temp.shares('2026-06-01 06:00Z') AS s WHERE s.account = 'R';
-- who names what is not his own draws on nothing, and has it to himself: 10 x 10 x 0.312 = 31.2; R has no more than before
SELECT create_account('S', currency => 'USD') > 0 AS made;
SELECT record_usage('test', 'of another', 'S', 'east', 'nvidia/a100-sxm4-80gb', 10, '2026-06-01 00:00Z', '2026-06-01 10:00Z', reservation => 'ledger:' || :r) > 0 AS recorded;
SELECT s.account, s.work FROM pg_temp.shares('2026-06-01 12:00Z') AS s WHERE s.account IN ('R', 'S');
-- a hold that nobody confirmed, and one that was given up before its time, are nothing
SELECT reservation AS h FROM book('R', :pool, 50, '[2026-06-05Z,2026-06-06Z)', now => '2026-06-04Z') \gset
SELECT reservation AS c FROM book('R', :pool, 40, '[2026-06-07Z,2026-06-08Z)', confirmed => true, now => '2026-06-04Z') \gset
SELECT cancel_reservation(:c, now => '2026-06-04 01:00Z');
-- what was changed while it ran counts as it was: 4 x 12 + 2 x 12 = 72 = 22.464
SELECT reservation AS s FROM book('R', :pool, 4, '[2026-06-10Z,2026-06-11Z)', confirmed => true, now => '2026-06-04Z') \gset
SELECT (shrink_reservation(:s, 2, now => '2026-06-10 12:00Z')).devices;
SELECT s.* FROM pg_temp.shares('2026-06-12 00:00Z') AS s WHERE s.account = 'R';

\echo in another basis
INSERT INTO basis (code, name) VALUES (40123, 'test/hours');
INSERT INTO basis_factor (accelerator, basis, rate, valid, source) VALUES ('nvidia/a100', 'test/hours', with_basis('1 MFLOPS'::compute_rate, 40123), '(,)', 'one an hour');
UPDATE queue_setting SET basis = 'test/hours' WHERE upper_inf(recorded);
SELECT account_name, basis_name(work), round(work::numeric / 1e6 / 3600, 3) AS device_hours FROM fair_share('2026-06-12 00:00Z') WHERE account_name IN ('R', 'A') ORDER BY 1;
UPDATE queue_setting SET basis = 'bf16' WHERE upper_inf(recorded);

\echo shares
SELECT set_share('P', 3), set_share('Q', 0), set_share('A', 2, '[2026-07-01Z,2026-08-01Z)'), set_share('A', 5, '[2026-07-10Z,2026-07-20Z)');
SELECT a.name, s.shares, s.valid FROM account_share AS s JOIN account AS a ON a.id = s.account WHERE upper_inf(s.recorded) ORDER BY 1, lower(s.valid);
SELECT s.account, s.shares, s.part, s.factor FROM pg_temp.shares('2026-07-15 00:00Z') AS s WHERE s.account IN ('A', 'B', 'P', 'Q', 'R');
SELECT pg_temp.try(c) FROM unnest(ARRAY['SELECT set_share(''A'', -1)', 'SELECT set_share(''A'', NULL)', 'SELECT set_share(''A'', ''NaN'')', 'SELECT set_share(''A'', ''Infinity'')', 'SELECT set_share(''nobody'', 1)', 'SELECT set_share(NULL, 1)',
	'SELECT set_share(''A'', 1, NULL)', 'SELECT set_share(''A'', 1, ''empty'')', 'SELECT fair_share(''infinity'')', 'DELETE FROM account_share', 'TRUNCATE account_share']) AS c;
SELECT count(*) FILTER (WHERE upper_inf(recorded)), count(*) FILTER (WHERE NOT upper_inf(recorded)) > 0 AS history_stays FROM account_share;
\c postgres
DROP DATABASE regress_fair_share;
