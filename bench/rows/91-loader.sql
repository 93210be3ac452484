-- A million records of use in a month, of 1000 accounts, 8 regions, 40 names of chips, 2 sources, in a file of CSV that 90-usage
-- would have in its inbox; and the same in two files of a source each.  The peer is psql's \copy of the file into the inbox and
-- one accept_usage() of all of it.  Elapsed time, with --cpu too: what side by side is worth cannot be seen otherwise.
-- @setup
SELECT compute_ledger.create_ledger();
SELECT create_account('root', kind => 'provider', time_zone => 'UTC', currency => 'USD');
INSERT INTO account (name) SELECT 'team-' || i FROM generate_series(1, 1000) AS i;
INSERT INTO account_version (account, parent)
SELECT a.id, r.id FROM account AS a, account AS r WHERE a.name LIKE 'team-%' AND r.name = 'root';
SELECT count(create_region('region-' || i)) FROM generate_series(1, 8) AS i;
CREATE TABLE chip AS
SELECT (row_number() OVER (ORDER BY launched DESC NULLS LAST, name)) AS k, name
FROM accelerator_model WHERE upper_inf(recorded) AND identify(name) IS NOT NULL LIMIT 40;
CREATE TABLE feed AS
SELECT 'source-' || i % 2 AS source, 'job-' || i AS source_id, 'team-' || 1 + floor(random() * 1000) AS account, 'region-' || 1 + floor(random() * 8) AS region,
	c.name AS accelerator, (1 + floor(random() * 8))::text AS devices, to_char(s.at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at,
	to_char(s.at + random() * interval '4 hours', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ended_at, 'allocated' AS measure, 'run-' || i % 5000 AS run,
	'{"project": "p' || i % 100 || '", "queue": "main"}' AS labels
FROM (SELECT i, timestamp '2024-05-01' + random() * interval '31 days' AS at, 1 + floor(random() * 40) AS k FROM generate_series(1, {million}) AS i) AS s
JOIN chip AS c USING (k)
ORDER BY i;
COPY feed TO '{dir}/feed.csv' (FORMAT csv, HEADER);
COPY (SELECT * FROM feed WHERE source = 'source-0') TO '{dir}/feed-0.csv' (FORMAT csv, HEADER);
COPY (SELECT * FROM feed WHERE source = 'source-1') TO '{dir}/feed-1.csv' (FORMAT csv, HEADER);
-- the partition, and what is looked up
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, run, labels) SELECT * FROM feed LIMIT 100;
SELECT * FROM accept_usage();
VACUUM (ANALYZE) account, account_version;

-- @case load: compute-ledger load, 1 million rows of CSV
-- @for label in psql one two
-- @before {label}
SET session_replication_role = replica;	-- records are for ever
TRUNCATE usage_inbox, _usage_record, usage_key, usage_batch, usage_load;
RESET session_replication_role;
CHECKPOINT;
-- @end
-- @shell psql
psql -Xq -v ON_ERROR_STOP=1 -c "\copy compute_ledger.usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, run, labels) from '{dir}/feed.csv' (format csv, header)" -c "SELECT compute_ledger.accept_usage()"
-- @shell one
compute-ledger load {dir}/feed.csv
-- @shell two
compute-ledger load {dir}/feed-0.csv & compute-ledger load {dir}/feed-1.csv & wait -n && wait -n
-- @ratio one / psql <= 1.11; at least 0.9 x its speed
-- @ratio two / psql <= 0.714; two loaders of a source each, at least 1.4 x its speed
