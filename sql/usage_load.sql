-- What compute-ledger load notes and asks: record_load() and compare_usage().
\set VERBOSITY terse
CREATE DATABASE regress_usage_load;
\c regress_usage_load
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SELECT create_ledger() >= 0 AS there_is_a_ledger;
SELECT create_account('acme', currency => 'USD') > 0 AND create_region('east') > 0 AS made;

\echo a chunk is noted once, unless it is loaded again
SELECT record_load(sha256('1'), 'a.csv', 2, 11, '{1,2}'), record_load(sha256('2'), 'a.csv', 12, 21, NULL);
SELECT record_load(sha256('1'), 'b.csv', 2, 12, '{3}');
SELECT record_load(sha256('1'), 'b.csv', 2, 12, '{3}', again => true);
SELECT digest = sha256('1') AS first, file, first_line, last_line, batches, loaded_by = session_user AS mine, recorded <= ledger_stamp() AS past FROM usage_load ORDER BY last_line;
SELECT record_load('\x00', 'a.csv', 2, 11, '{}');
SELECT record_load(sha256('3'), 'a.csv', 3, 2, '{}');
SELECT record_load(sha256('3'), 'a.csv', 0, 2, '{}');
SELECT record_load(NULL, 'a.csv', 2, 3, '{}');
SELECT record_load(sha256('3'), NULL, 2, 3, '{}');

\echo what the ledger has of a record
SELECT record_usage('s', '1', 'acme', 'east', 'H100', 8, '2026-06-03 06:00Z', '2026-06-03 09:00Z') > 0 AS recorded;
SELECT record_usage('s', '1', 'acme', 'east', 'H100', 7, '2026-06-03 06:00Z', '2026-06-03 09:00Z', revision => 1) > 0 AS recorded;
SELECT record_usage('s', '2', NULL, NULL, NULL, NULL, NULL, retracted => true) IS NULL AS retracted;
CREATE FUNCTION digest(devices numeric) RETURNS bytea LANGUAGE sql AS $$
	SELECT usage_digest('acme', 'east', 'H100', devices, '2026-06-03 08:00+02', '2026-06-03 09:00Z', 'allocated', NULL, NULL, NULL, NULL)
$$;
SELECT q.*, c.* FROM ROWS FROM (
		unnest('{s,s,s,s,s,s,t,s,NULL}'::text[]), unnest('{1,1,1,1,1,2,1,3,1}'::text[]), unnest('{0,0,1,2,NULL,0,0,0,0}'::int[])) AS q (source, source_id, revision),
	LATERAL compare_usage(ARRAY[q.source], ARRAY[q.source_id], ARRAY[q.revision], ARRAY[digest(8)]) AS c;
SELECT compare_usage('{s,s,t,s,s}', '{1,1,1,2,1}', '{0,1,0,0,1}', ARRAY[digest(8.00), digest(7), digest(8), sha256('retracted'), NULL]);
SELECT compare_usage('{}', '{}', '{}', '{}'), compare_usage(NULL, NULL, NULL, NULL);
SELECT count(*) FROM usage_key;

\echo who may
CREATE ROLE load_meter;
CREATE ROLE load_reader;
SELECT grant_access('load_meter', 'meter'), grant_access('load_reader', 'reader', 'acme');
\echo a note of another role stands for nothing
SET SESSION AUTHORIZATION load_meter;
SELECT compute_ledger.record_load(sha256('1'), 'mine.csv', 1, 1, NULL), compute_ledger.record_load(sha256('1'), 'mine.csv', 1, 2, NULL, again => true);
RESET SESSION AUTHORIZATION;
SELECT file, last_line, loaded_by = session_user AS mine FROM usage_load WHERE digest = sha256('1') ORDER BY mine;
SET ROLE load_meter;
SELECT record_load(sha256('4'), 'c.csv', 2, 3, '{}');
SELECT count(*) FROM usage_load;
SELECT compare_usage('{s}', '{1}', '{0}', ARRAY[digest(8)]);
DELETE FROM usage_load;
INSERT INTO usage_load (digest, file, first_line, last_line) VALUES (sha256('5'), 'c', 1, 1);
SET ROLE load_reader;
SELECT record_load(sha256('4'), 'c.csv', 2, 3, '{}');
SELECT compare_usage('{s}', '{1}', '{0}', ARRAY[digest(8)]);
SELECT count(*) FROM usage_load;
RESET ROLE;
SELECT revoke_access('load_meter', 'meter'), revoke_access('load_reader', 'reader', 'acme');
DROP ROLE load_meter, load_reader;
\c postgres
DROP DATABASE regress_usage_load;
