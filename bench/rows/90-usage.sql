-- A million records of use in a month as text, 1000 accounts, 8 regions, 40 names of chips, 4 sources.
-- accept_usage() reads them, resolves their names, compares their keys and digests and writes _usage_record
-- and usage_key.  The peer is what is left if all that is done already: a plain INSERT ... SELECT of the same
-- rows, in the order in which they came, into tables with the same columns, constraints, indexes and partitions.
-- @setup
SELECT compute_ledger.create_ledger();
SELECT create_account('root', kind => 'provider', time_zone => 'UTC', currency => 'USD');
INSERT INTO account (name) SELECT 'team-' || i FROM generate_series(1, 10000) AS i;
INSERT INTO account_version (account, parent)
SELECT a.id, r.id FROM account AS a, account AS r WHERE a.name LIKE 'team-%' AND r.name = 'root';
SELECT count(create_region('region-' || i)) FROM generate_series(1, 8) AS i;
CREATE TABLE chip AS
SELECT (row_number() OVER (ORDER BY launched DESC NULLS LAST, name)) AS k, name
FROM accelerator_model WHERE upper_inf(recorded) AND identify(name) IS NOT NULL LIMIT 40;
CREATE TABLE feed AS
SELECT i, 'source-' || i % 4 AS source, 'job-' || i AS source_id, 'team-' || 1 + floor(random() * 1000) AS account, 'region-' || 1 + floor(random() * 8) AS region,
	c.name AS accelerator, (1 + floor(random() * 8))::text AS devices, to_char(s.at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at,
	to_char(s.at + random() * interval '4 hours', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ended_at, 'allocated' AS measure, 'run-' || i % 5000 AS run,
	'{"project": "p' || i % 100 || '", "queue": "main"}' AS labels
FROM (SELECT i, timestamp '2024-05-01' + random() * interval '31 days' AS at, 1 + floor(random() * 40) AS k FROM generate_series(1, {million}) AS i) AS s
JOIN chip AS c USING (k)
ORDER BY i;
VACUUM (ANALYZE) feed, account, account_version;
-- the same rows, ready made
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, run, labels)
SELECT source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, run, labels FROM feed ORDER BY i;
SELECT * FROM accept_usage();
CREATE TABLE made_record AS SELECT r.* FROM _usage_record AS r JOIN feed AS f USING (source_id) ORDER BY f.i;
CREATE TABLE made_key AS SELECT k.* FROM usage_key AS k ORDER BY k.record;
CREATE TABLE plain_record (LIKE _usage_record INCLUDING ALL) PARTITION BY RANGE (started_at);
CREATE TABLE plain_record_2024_05 PARTITION OF plain_record FOR VALUES FROM ('2024-05-01 00:00Z') TO ('2024-06-01 00:00Z');
CREATE TABLE plain_key (LIKE usage_key INCLUDING ALL);
CREATE TABLE plain_batch (LIKE usage_batch INCLUDING ALL);
VACUUM (ANALYZE) made_record, made_key;
-- rows of the feed as others that were not sent before, of so many accounts
CREATE SEQUENCE sent;
CREATE PROCEDURE send(number bigint, accounts bigint DEFAULT 1000) LANGUAGE sql AS $$
	INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, run, labels)
	SELECT f.source, 'job-' || f.i + s.n * {million}, 'team-' || 1 + (f.i * 7919::bigint + s.n * 37) % accounts, f.region, f.accelerator, f.devices, f.started_at, f.ended_at, f.measure, f.run, f.labels
	FROM feed AS f, (SELECT nextval('sent') AS n OFFSET 0) AS s WHERE f.i <= number ORDER BY f.i;
$$;
-- so many records in the ledger and in the plain tables
CREATE PROCEDURE fill(rows bigint) LANGUAGE plpgsql AS $$
BEGIN
	WHILE (SELECT count(*) FROM usage_key) < rows LOOP
		TRUNCATE usage_inbox;
		CALL send({million});
		PERFORM accept_usage();
		COMMIT;
	END LOOP;
	IF (SELECT count(*) FROM plain_key) < rows THEN
		TRUNCATE plain_record, plain_key;
		INSERT INTO plain_key SELECT * FROM usage_key ORDER BY record;
		INSERT INTO plain_record SELECT * FROM _usage_record ORDER BY id;
	END IF;
END
$$;

-- @case accept-usage: accept_usage, 1 million rows of the inbox
-- @check all were accepted, and the peer has the same rows
SELECT (SELECT count(*) = {million} AND min(superseded) = 'infinity' FROM usage_record) AND (SELECT count(*) = {million} FROM made_record)
	AND NOT EXISTS (SELECT FROM usage_rejected);
-- @before accept_usage
SET session_replication_role = replica;	-- records are for ever
TRUNCATE usage_inbox, _usage_record, usage_key, usage_batch;
RESET session_replication_role;
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, run, labels)
SELECT source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, run, labels FROM feed ORDER BY i;
CHECKPOINT;
-- @run accept_usage
SELECT * FROM accept_usage();
-- @before plain INSERT
TRUNCATE plain_record, plain_key;
CHECKPOINT;
-- @run plain INSERT
WITH k AS (INSERT INTO plain_key SELECT * FROM made_key) INSERT INTO plain_record SELECT * FROM made_record;
-- @ratio accept_usage / plain INSERT <= 3; into tables with the same indexes, rows ready made

-- @case accept-batch: accept_usage, 100,000 rows, when there are 10 million records
-- @before accept_usage
CALL fill({rows});
TRUNCATE usage_inbox;
CALL send(100000);
CHECKPOINT;
-- @run accept_usage
SELECT * FROM accept_usage();
-- @before plain INSERT
CALL fill({rows});
SELECT nextval('sent') AS n \gset
SELECT :n * {million} AS sent \gset
DROP TABLE IF EXISTS more_record, more_key;
CREATE TABLE more_record AS
SELECT 100 * {rows} + :sent + id AS id, 2 + (account + :n * 37) % 1000 AS account, started_at, ended_at, recorded, superseded, batch, kind, revision, identification, devices, achieved_work, reservation, reservation_name,
	'job-' || substr(source_id, 5)::bigint + :sent AS source_id, account_name, run, labels, first_recorded
FROM made_record LIMIT 100000;
CREATE TABLE more_key AS
SELECT r.id AS record, k.source, k.month, k.digest, _usage_key_of(r.source_id, 0) AS key, k.batch
FROM more_record AS r JOIN made_key AS k ON k.record = r.id - :sent - 100 * {rows} ORDER BY r.id;
CHECKPOINT;
-- @run plain INSERT
WITH k AS (INSERT INTO plain_key SELECT * FROM more_key) INSERT INTO plain_record SELECT * FROM more_record;
-- @ratio accept_usage / plain INSERT <= 1.7; into tables with as many rows

-- @case accept-vacuumed: accept_usage, 100,000 rows of 10,000 accounts, when the planner takes the inbox to be empty
-- @before accept_usage
TRUNCATE usage_inbox;
CALL send(100000, 10000);
ANALYZE usage_inbox;
-- @run accept_usage
SELECT * FROM accept_usage();
-- @before after VACUUM
TRUNCATE usage_inbox;
CALL send(100000, 10000);
DELETE FROM usage_inbox WHERE id < (SELECT max(id) FROM usage_inbox);
VACUUM (ANALYZE) usage_inbox;
DELETE FROM usage_inbox;
CALL send(100000, 10000);
-- @run after VACUUM
SELECT * FROM accept_usage();
-- @ratio after VACUUM / accept_usage <= 1.2

-- @case record-usage: record_usage, 1 client
-- @client record_usage
\set n random(1, 1000000000000)
\set a random(1, 1000)
\set r random(1, 8)
\set k random(1, 8)
SELECT record_usage('clients-' || 4, 'job-' || :n, 'team-' || :a, 'region-' || :r,
	(ARRAY['NVIDIA H100 80GB HBM3', 'A100-SXM4-80GB', 'L40S', 'H200', 'A10', 'T4', 'V100-SXM2-16GB', 'H800'])[:k], 8, '2024-05-01 00:00Z', '2024-05-01 04:00Z',
	run => 'run-1', labels => '{"project": "p1", "queue": "main"}');
-- @client plain INSERT
\set n random(1, 1000000000000)
\set a random(1, 1000)
\set r random(1, 8)
WITH k AS (
	INSERT INTO plain_key (record, source, month, digest, key)
	VALUES (:n, 4, 292, substr(sha256('x'), 1, 16), convert_to('job-' || :n, 'UTF8'))
), b AS (
	INSERT INTO plain_batch (kind, taken, accepted, duplicate, rejected, basis, extension_version, names_recorded, recorded)
	VALUES ('record', 1, 1, 0, 0, 5, '0.1.0', now(), now())
)
INSERT INTO plain_record (id, account, started_at, ended_at, recorded, batch, kind, revision, devices, source_id, account_name, run, labels)
VALUES (:n, :a, '2024-05-01 00:00Z', '2024-05-01 04:00Z', now(), :n, :r, 0, 8, 'job-' || :n, 'team-' || :a, 'run-1', '{"project": "p1", "queue": "main"}');
-- @ratio record_usage / plain INSERT <= 3; into the same three tables, rows ready made
-- @speed record_usage per 2000

-- @case record-usage-8: record_usage, 8 clients of 8 sources
-- @clients record_usage
\set n random(1, 1000000000000)
\set a random(1, 1000)
\set r random(1, 8)
\set k random(1, 8)
SELECT record_usage('clients-' || :client_id, 'job-' || :n, 'team-' || :a, 'region-' || :r,
	(ARRAY['NVIDIA H100 80GB HBM3', 'A100-SXM4-80GB', 'L40S', 'H200', 'A10', 'T4', 'V100-SXM2-16GB', 'H800'])[:k], 8, '2024-05-01 00:00Z', '2024-05-01 04:00Z',
	run => 'run-1', labels => '{"project": "p1", "queue": "main"}');
-- @clients plain INSERT
\set n random(1, 1000000000000)
\set a random(1, 1000)
\set r random(1, 8)
WITH k AS (
	INSERT INTO plain_key (record, source, month, digest, key)
	VALUES (:n, :client_id, 292, substr(sha256('x'), 1, 16), convert_to('job-' || :n, 'UTF8'))
), b AS (
	INSERT INTO plain_batch (kind, taken, accepted, duplicate, rejected, basis, extension_version, names_recorded, recorded)
	VALUES ('record', 1, 1, 0, 0, 5, '0.1.0', now(), now())
)
INSERT INTO plain_record (id, account, started_at, ended_at, recorded, batch, kind, revision, devices, source_id, account_name, run, labels)
VALUES (:n, :a, '2024-05-01 00:00Z', '2024-05-01 04:00Z', now(), :n, :r, 0, 8, 'job-' || :n, 'team-' || :a, 'run-1', '{"project": "p1", "queue": "main"}');
-- @ratio record_usage / plain INSERT <= 5; into the same three tables, rows ready made
-- @speed record_usage per 4000

-- @case record-usage-one: record_usage, 8 clients of one source
-- @clients record_usage
\set n random(1, 1000000000000)
\set a random(1, 1000)
\set r random(1, 8)
\set k random(1, 8)
SELECT record_usage('clients-' || 4, 'job-' || :n, 'team-' || :a, 'region-' || :r,
	(ARRAY['NVIDIA H100 80GB HBM3', 'A100-SXM4-80GB', 'L40S', 'H200', 'A10', 'T4', 'V100-SXM2-16GB', 'H800'])[:k], 8, '2024-05-01 00:00Z', '2024-05-01 04:00Z',
	run => 'run-1', labels => '{"project": "p1", "queue": "main"}');
-- @clients plain INSERT
\set n random(1, 1000000000000)
\set a random(1, 1000)
\set r random(1, 8)
WITH k AS (
	INSERT INTO plain_key (record, source, month, digest, key)
	VALUES (:n, 4, 292, substr(sha256('x'), 1, 16), convert_to('job-' || :n, 'UTF8'))
), b AS (
	INSERT INTO plain_batch (kind, taken, accepted, duplicate, rejected, basis, extension_version, names_recorded, recorded)
	VALUES ('record', 1, 1, 0, 0, 5, '0.1.0', now(), now())
)
INSERT INTO plain_record (id, account, started_at, ended_at, recorded, batch, kind, revision, devices, source_id, account_name, run, labels)
VALUES (:n, :a, '2024-05-01 00:00Z', '2024-05-01 04:00Z', now(), :n, :r, 0, 8, 'job-' || :n, 'team-' || :a, 'run-1', '{"project": "p1", "queue": "main"}');
-- @ratio record_usage / plain INSERT <= 6; into the same three tables, rows ready made
-- @speed record_usage per 4000
