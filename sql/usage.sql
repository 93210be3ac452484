-- Usage: cells, what is accepted, what is rejected and why, revisions, retries.
\set VERBOSITY terse
CREATE DATABASE regress_usage;
\c regress_usage
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SELECT create_ledger() >= 0 AS there_is_a_ledger;

-- ------------------------------------------------------------------ cells

-- The forms of an instant give what core gives, with any zone.
SET timezone = 'America/New_York';
SELECT c, _usage_timestamptz(c, NULL, NULL)::text AS read, _usage_timestamptz(c, NULL, NULL) = c::timestamptz AS like_core
FROM unnest(ARRAY[
	'2026-03-08T01:59:59Z', '2026-03-08 01:59:59.5', '2026-11-01 01:30:00-04', '2026-11-01 01:30:00-05:00', '2026-05-01 00:00', '2026-05-01T00:00:00.123456Z', '2026-05-01 00:00:00.999999999Z',
	'2024-02-29T23:59:59+0530', '2026-05-01T00:00-1559', '0001-01-01 00:00:00Z', '9999-12-31T23:59:59.999999Z', '1999-12-31 23:59:59.999999Z', '2026-05-01 00:00:00 Europe/Berlin',
	'2026-05-01T00:00 America/Argentina/Buenos_Aires', '2026-05-01T00:00:00.25 UTC', '2026-05-01 00:00 GMT', '2026-05-01 00:00 Etc/UTC']) AS c;
-- Up to nine decimals, rounded half to even.
SELECT c, _usage_timestamptz('2026-05-01T00:00:0' || c || 'Z', NULL, NULL) - '2026-05-01 00:00Z' AS read
FROM unnest(ARRAY['1.5', '1.0000005', '1.0000015', '1.000000500', '1.000000501', '1.000000499', '1.0000014999', '9.999999500', '9.999999499', '1.123456789', '1.', '1.0123456789']) AS c;
-- Nothing else: not what core takes for another instant than the one who wrote it, not what is none, and no other spelling.
SELECT c, _usage_timestamptz(c, NULL, NULL) FROM unnest(ARRAY[
	'2026-07-01 00:00 CST', '2026-07-01 00:00 UTC+8', 'Wed Jul  1 00:00:00 CST 2026', '2026-07-01 00:00:00 IST', '2026-07-01T00:00:00EST', '2026-07-01 00:00:00 GMT+0800', '2026-07-01 00:00:00+08:00 (CST)', 'Wed, 01 Jul 2026 00:00:00 GMT',
	'07/01/2026 00:00:00', '01/07/2026', '01.07.2026 00:00', '2026/07/01 00:00:00', '2026-07-01', '20260701', '20260701T000000Z', '2026-7-1 0:00', '2026-07-01T00Z', '2026-07-01 00:00:00 AM', '2026-W27-3', '2026-182', 'J2461223', 'July 1 2026 00:00 UTC',
	'2026-05-01t00:00:00z', '2026-05-01  00:00Z', ' 2026-05-01 00:00Z', '2026-05-01 00:00Z ', E'2026-05-01T00:00Z\n', '2026-05-01 00:00:00 +08', '2026-05-01T00:00:00+8', '2026-05-01T00:00:00+080', '2026-05-01T00:00:00+08:0', '2026-05-01T00:00:00+08:00:00',
	'2026-05-01T00:00:00−08:00', '2026-05-01T00:00:00,5Z', '2026-05-01_00:00:00Z', '2026-05-01T00:00:00ZZ', '2026-05-01T00:00:00Z+08', '2026-05-01 00:00 europe/berlin', '2026-05-01 00:00 Europe/Atlantis', '2026-05-01 00:00 EST5EDT',
	'2026-05-01T00:00:60Z', '2026-06-30T23:59:60Z', '2026-05-01T24:00:00Z', '2026-05-01T25:00Z', '2026-05-01T00:61Z', '2026-02-29T00:00Z', '2026-06-31T00:00Z', '2026-13-01T00:00Z', '2026-00-01T00:00Z', '2026-01-00T00:00Z', '2026-05-01T00:00+16', '2026-05-01T00:00+08:60',
	'0000-01-01T00:00Z', '10000-01-01T00:00Z', '02026-05-01T00:00Z', '-2026-05-01T00:00Z', '0044-03-15T00:00Z BC', '0044-03-15 00:00:00 BC', 'infinity', '-infinity', 'now', 'TODAY', 'tomorrow', 'yesterday 12:00', 'epoch', 'allballs', 'noon', 'Unknown', 'None', '',  ' ', 'T', 'Z',
	'1777593600', '1777593600.25', '1777593600000', '12345678', '-1777593600', '1.7775936e9', '0']) AS c
WHERE _usage_timestamptz(c, NULL, NULL) IS NOT NULL;
-- Unix seconds, from whoever writes them; who does may write the other forms too.
SELECT c, _usage_timestamptz(c, NULL, true) AS read, _usage_timestamptz(c, NULL, true) = to_timestamp(c::float8) AS like_core FROM unnest(ARRAY['1777593600', '1777593600.25', '100000000', '99999999999']) AS c;
SELECT c, _usage_timestamptz(c, NULL, true) FROM unnest(ARRAY['1777593600.0000005', '1777593600.0000015', '2026-05-01T00:00Z', '1777593600000', '12345678', '177759360', '1777593600.', '1777593600.1234567890', '+1777593600', '-1777593600', '1777593600Z', '1777593600 ', '1.7775936e9']) AS c;
-- Clocks that are put back, by an hour, by half of one and at midnight; and forward; the zone of the cell, then of the source, then of the session.
SELECT c, _usage_timestamptz(c, 'Asia/Kolkata', NULL)::text AS read, (_usage_cell_error('ended_at', c, 'Asia/Kolkata', NULL)).detail
FROM unnest(ARRAY['2026-10-25 01:59:59 Europe/Berlin', '2026-10-25 02:00 Europe/Berlin', '2026-10-25 02:59:59.999999 Europe/Berlin', '2026-10-25 03:00 Europe/Berlin', '2026-03-29 01:59:59 Europe/Berlin', '2026-03-29 02:00 Europe/Berlin', '2026-03-29 03:00 Europe/Berlin',
	'2024-11-02 23:59 America/Havana', '2024-11-03 00:30 America/Havana', '2024-11-03 01:00 America/Havana', '2024-03-10 00:30 America/Havana', '2026-04-05 01:29 Australia/Lord_Howe', '2026-04-05 01:30 Australia/Lord_Howe', '2026-04-05 01:59 Australia/Lord_Howe',
	'2026-04-05 02:00 Australia/Lord_Howe', '2026-10-04 02:15 Australia/Lord_Howe', '2026-10-04 02:30 Australia/Lord_Howe', '2011-12-29 23:59 Pacific/Apia', '2011-12-30 12:00 Pacific/Apia', '2011-12-31 00:00 Pacific/Apia', '2026-10-25 02:30']) AS c;
SELECT z, _usage_timestamptz('2026-11-01 01:30', z, NULL), _usage_timestamptz('2026-11-01 01:30-05', z, NULL)
FROM unnest(ARRAY[NULL, 'America/New_York', 'Asia/Tokyo', 'UTC', 'no such zone']) AS z;
SET timezone = 'UTC';
SELECT _usage_timestamptz('2026-11-01 01:30', NULL, NULL), _usage_timestamptz(NULL, NULL, NULL);
SELECT c, _usage_month(c, NULL, NULL), _usage_month(c, 'Asia/Tokyo', true) FROM unnest(ARRAY['2026-05-01 00:00:00+08', '2026-05-01 00:00', '1999-12-31T23:59:59Z', '1969-12-31T23:59:59Z', '1777593600', 'infinity', 'x', NULL]) AS c;
-- What is said of those that are none.
SELECT left(c, 30) AS c, (e).sqlstate, left((e).reason, 50) AS reason, left((e).detail, 100) AS detail, (e).hint FROM unnest(ARRAY['2026-07-01 00:00 CST', '2026-07-01 00:00 UTC+8', 'Wed Jul  1 00:00:00 CST 2026', '1777593600', '2026-02-30 00:00Z', 'infinity', '2026-05-01 00:00 ' || repeat('A/', 200), '2026-07-01 00:00', '2026-07-01T00:00Z', NULL]) AS c,
	LATERAL (SELECT _usage_cell_error('started_at', c, 'no such zone', NULL) AS e) AS x;

SELECT c, _usage_numeric(c) FROM unnest(ARRAY['8', '8.0', '08', '-3', '+0.250', '.5', '5.', '1e3', '12E-3', ' 7 ', '1000000000000000000000', 'NaN', '', '1,5', 'eight', '1e', '1e999999', '-', '.', '1.2.3']) AS c;
SELECT c, _usage_revision(c) FROM unnest(ARRAY['0', '7', '2147483647', '2147483648', '-1', '1.0', 'x', '', '+3']) AS c;
SELECT c, _usage_boolean(c) FROM unnest(ARRAY['t', 'true', 'YES', 'on', '1', 'f', 'false', 'off', ' true ', 'ja', '', '2']) AS c;
SELECT c, _usage_labels(c) FROM unnest(ARRAY['{}', ' { } ', '{"a":"b"}', '{"a":1,"b":true,"c":null,"d":false}', '{"a":01}', '{"a":1.50}', '{"a":{"b":[1,2]}}', '{"a":"\u0041"}', '{"a":"\u0000"}',
	'{"a":1e10}', '{"a":1e999999}', '[]', 'null', '"a"', '{"a"}', '{"a":}', '{"a":1,}', '{"a":1} x', '{', '', '{"a":"b']) AS c;
SELECT _usage_labels('{"a":' || repeat('[', 400) || repeat(']', 400) || '}') IS NOT NULL AS deep, _usage_labels('{"a":' || repeat('[', 100000) || repeat(']', 100000) || '}') IS NULL AS too_deep;
SELECT c, _usage_work(c) FROM unnest(ARRAY['27.7 PFLOPh', '1e21 FLOP', '3 PFLOPh@bf16', '12', '3 PFLOPS', '1 FLOPh@nothing', '1e99 FLOP', '']) AS c;

-- The digest is of values, and is the same for ever.
SELECT encode(usage_digest('a', 'r', 'H100', 8, '2026-05-01 00:00Z', 'infinity', 'allocated', NULL, NULL, NULL, NULL), 'hex') AS digest;
SELECT encode(usage_digest('a', 'r', 'H100', 0.125, '2026-05-01 00:00Z', '2026-05-02 00:00Z', 'used', 'bf16', '3 PFLOPh', 'run', '{"b": [1.50, true, null], "a": {"x": "y"}}'), 'hex') AS digest;
-- Written out by hand after the description.
SELECT encode(sha256(
	'\x01'::bytea
	|| '\x730000000000000001'::bytea || 'a'::bytea || '\x730000000000000001'::bytea || 'r'::bytea || '\x730000000000000004'::bytea || 'H100'::bytea
	|| '\x640000000000000001'::bytea || '8'::bytea
	|| '\x690000000000000008'::bytea || int8send((extract(epoch FROM timestamptz '2026-05-01 00:00Z' - timestamptz '2000-01-01 00:00Z') * 1000000)::bigint)
	|| '\x690000000000000008'::bytea || '\x7fffffffffffffff'::bytea
	|| '\x730000000000000009'::bytea || 'allocated'::bytea
	|| '\x6e0000000000000000'::bytea || '\x6e0000000000000000'::bytea || '\x6e0000000000000000'::bytea || '\x6e0000000000000000'::bytea), 'hex') AS digest;
SELECT count(DISTINCT usage_digest('a', 'r', 'H100', d, s::timestamptz, 'infinity', 'allocated', NULL, w, NULL, l)) AS one
FROM (VALUES
	(8, '2026-05-01 00:00Z', compute_unit '3 PFLOPh', jsonb '{"a": 1, "b": [2.0]}'), (8.000, '2026-05-01 08:00+08', '3000 TFLOPh', '{"b": [2], "a": 1.00}')) AS v (d, s, w, l);
SELECT count(DISTINCT usage_digest(a, r, 'H100', d, '2026-05-01 00:00Z', 'infinity', 'allocated', NULL, w, NULL, l)) AS eight
FROM (VALUES ('a', 'r', 8, NULL::compute_unit, NULL::jsonb), ('ar', '', 8, NULL, NULL), ('', 'ar', 8, NULL, NULL), ('a', 'r', 80, NULL, NULL), ('a', 'r', 8, '0 FLOP', NULL), ('a', 'r', 8, '0 FLOP@bf16', NULL),
	('a', 'r', 8, NULL, '{"a": "1"}'), ('a', 'r', 8, NULL, '{"a": 1}')) AS v (a, r, d, w, l);

-- ------------------------------------------------------------------ accounts and regions to use

SELECT count(create_account(n, time_zone => 'UTC', currency => 'USD')) FROM unnest(ARRAY['ada', 'bob']) AS n;
SELECT create_account('new', time_zone => 'UTC', currency => 'USD', valid_from => '2024-05-10 00:00Z') > 0 AS made;
SELECT create_region('here', 'region') > 0 AS made;
CREATE VIEW record AS
SELECT source_id, revision AS rev, a.name AS account, g.name AS region, accelerator, rate, basis_name(basis) AS basis, trim_scale(devices) AS n, started_at, ended_at, measure, superseded = 'infinity' AS current,
	superseded = usage_record.recorded AS never, (SELECT p.tableoid::regclass FROM _usage_record AS p WHERE p.id = usage_record.id) AS partition
FROM usage_record JOIN account AS a ON a.id = account JOIN region AS g ON g.id = region ORDER BY usage_record.id;

-- ------------------------------------------------------------------ one at a time

SELECT record_usage('one', 'r1', 'ada', 'here', 'NVIDIA H100 80GB HBM3', 8, '2024-05-01 00:00Z', '2024-05-01 04:00Z') AS id \gset
SELECT record_usage('one', 'r1', 'ada', 'here', 'NVIDIA H100 80GB HBM3', 8.0, '2024-05-01 02:00+02', '2024-05-01 04:00Z') = :id AS same_row;
SELECT record_usage('one', 'r1', 'ada', 'here', 'NVIDIA H100 80GB HBM3', 7, '2024-05-01 00:00Z', '2024-05-01 04:00Z');
SELECT record_usage('one', 'r2', 'eve', 'here', 'H100', 8, '2024-05-01 00:00Z');
SELECT record_usage('one', 'r2', 'new', 'here', 'H100', 8, '2024-05-01 00:00Z');
SELECT record_usage('one', 'r2', 'ada', 'there', 'H100', 8, '2024-05-01 00:00Z');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H1000', 8, '2024-05-01 00:00Z');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 0, '2024-05-01 00:00Z');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 'NaN', '2024-05-01 00:00Z');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', NULL, '2024-05-01 00:00Z');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, NULL);
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, '-infinity', '2024-05-01 00:00Z');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z', 'infinity');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z', '2024-05-01 00:00Z');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z', '2024-04-01 00:00Z');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, now() + interval '1 hour');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z', now() + interval '1 hour');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, '1970-01-01 00:00Z', '1970-01-01 01:00Z');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z', measure => 'guessed');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z', number_format => 'bf17');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z', labels => '[1]');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z', revision => -1);
SELECT record_usage('one', NULL, 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z');
SELECT record_usage('one', repeat('x', 3000), 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z');
SELECT record_usage('one', 'r2', 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z', basis => 'nothing');
-- a source whose clock is ahead
UPDATE usage_source SET clock_tolerance = '2 hours' WHERE source = 'one';
SELECT record_usage('one', 'r3', 'ada', 'here', 'H100', 8, now() + interval '1 hour') > 0 AS accepted;
SELECT record_usage('one', 'r3', NULL, NULL, NULL, NULL, NULL, revision => 1, retracted => true) IS NULL AS retracted;
-- What was an error left nothing behind.
SELECT source_id, rev, account, region, accelerator, rate, basis, n, measure, current FROM record;
SELECT count(*) AS rejected FROM usage_rejected;
SELECT count(*) AS batches, sum(taken) AS taken, sum(accepted) AS accepted, sum(duplicate) AS duplicate, sum(rejected) AS rejected FROM usage_batch;

-- ------------------------------------------------------------------ many at a time

COPY usage_inbox (source, source_id, revision, account, region, accelerator, devices, started_at, ended_at, measure, number_format, achieved_work, run, labels, retracted) FROM stdin WITH (FORMAT csv);
cluster,a,,ada,here,A100-SXM4-80GB,2,2024-05-31T23:00:00Z,2024-06-01T01:00:00Z,,,,,,
cluster,a,0,ada,here,A100-SXM4-80GB,2.0,2024-06-01 01:00 Europe/Berlin,2024-06-01 03:00:00+02,allocated,,,,,false
cluster,a,0,ada,here,A100-SXM4-80GB,3,2024-06-01 01:00 Europe/Berlin,2024-06-01 03:00:00+02,allocated,,,,,
cluster,b,0,ada,here,A100-SXM4-80GB,1,2024-05-02T00:00:00Z,,used,BF16,12 PFLOPh,train-7,"{""team"": ""x"", ""n"": 1.0}",
cluster,b,2,ada,here,A100-SXM4-80GB,1,2024-06-02T00:00:00Z,2024-06-02T12:00:00Z,used,bf16,,,,
cluster,b,1,bob,here,A100-SXM4-80GB,1,2024-05-02T00:00:00Z,2024-05-02T12:00:00Z,used,bf16,,,,
cluster,c,5,,,,,,,,,,,,true
cluster,c,4,bob,here,AMD Instinct MI300X,0.5,2024-05-03T00:00:00Z,2024-05-03T12:00:00Z,,,,,,
cluster,d,0,bob,here,no such chip,1,2024-05-03T00:00:00Z,2024-05-03T12:00:00Z,,,,,,
cluster,e,0,eve,here,H100,1,2024-05-03T00:00:00Z,2024-05-03T12:00:00Z,,,,,,
cluster,f,0,bob,nowhere,H100,1,2024-05-03T00:00:00Z,2024-05-03T12:00:00Z,,,,,,
cluster,g,0,bob,here,H100,many,2024-05-03T00:00:00Z,2024-05-03T12:00:00Z,,,,,,
cluster,h,0,bob,here,H100,1,yesterday,2024-05-03T12:00:00Z,,,,,,
cluster,i,0,bob,here,H100,1,2024-05-03T12:00:00Z,2024-05-03T12:00:00Z,,,,,,
cluster,j,0,bob,here,H100,1,,2024-05-03T12:00:00Z,,,,,,
cluster,k,0,bob,here,H100,-1,2024-05-03T00:00:00Z,2024-05-03T12:00:00Z,,,,,,
cluster,l,0,bob,here,H100,1,9999-05-03T00:00:00Z,,,,,,,
cluster,m,0,bob,here,H100,1,2024-05-03T00:00:00Z,infinity,,,,,,
cluster,n,0,bob,here,H100,1,2024-05-03T00:00:00Z,,,,1 parsec,,,
cluster,n1,0,bob,here,H100,1,2024-05-03T00:00:00Z,,,,-1 FLOP,,,
cluster,n2,0,bob,here,H100,1,2024-05-03T00:00:00Z,,,,1000000000000000000000000000001 FLOP,,,
cluster,n3,0,bob,here,H100,1,2024-05-03T00:00:00Z,,,,1 PFLOPh@bf16,,,
cluster,o,0,bob,here,H100,1,2024-05-03T00:00:00Z,,,,,,"[1, 2]",
cluster,p,first,bob,here,H100,1,2024-05-03T00:00:00Z,,,,,,,
cluster,q,,bob,here,H100,1,2024-05-03T00:00:00Z,,,,,,,perhaps
,r,,bob,here,H100,1,2024-05-03T00:00:00Z,,,,,,,
cluster,s,,bob,here,H100,1,2024-05-03T00:00:00Z,soon,,,,,,
\.
SELECT taken, accepted, duplicate, rejected, taken = accepted + duplicate + rejected AS adds_up FROM accept_usage();
SELECT count(*) AS left_in_the_inbox FROM usage_inbox;
SELECT taken FROM accept_usage();
SELECT source_id, rev, account, accelerator, rate, n, started_at, ended_at, measure, current, never, partition FROM record WHERE source_id IN ('a', 'b', 'c');
SELECT _usage_key_text(k.key) AS source_id, _usage_key_revision(k.key) AS rev, k.record IS NULL AS retracted FROM usage_key AS k JOIN usage_source AS s ON s.number = k.source WHERE s.source = 'cluster' ORDER BY 1, 2;
SELECT coalesce(source_id, '-') AS source_id, sqlstate, reason FROM usage_rejected ORDER BY id;
SELECT number_format, achieved_work, run, labels, account_name, region_name, accelerator_name FROM usage_record WHERE source_id = 'b' AND revision = 0;

-- Sent once more it is all duplicates or rejected for the same reasons.
INSERT INTO usage_inbox (source, source_id, revision, account, region, accelerator, devices, started_at, ended_at, measure, number_format, achieved_work, run, labels)
SELECT source, source_id, revision::text, account_name, region_name, accelerator_name, devices::text, started_at::text, nullif(ended_at::text, 'infinity'), measure, number_format, achieved_work::text, run, labels::text
FROM usage_record WHERE source = 'cluster';
SELECT taken, accepted, duplicate, rejected FROM accept_usage();

-- ------------------------------------------------------------------ mending

INSERT INTO accelerator_alias (alias, accelerator) VALUES ('no such chip', 'nvidia/h100-sxm5-80gb');
SELECT taken, accepted, duplicate, rejected FROM retry_rejected(sqlstate => 'LC003');
SELECT source_id, accelerator, rate FROM record WHERE source_id = 'd';
SELECT taken, accepted, duplicate, rejected FROM retry_rejected(sqlstate => 'LC007');
SELECT taken, accepted, duplicate, rejected FROM retry_rejected(sqlstate => 'LC007', mend => '{"region": "here"}');
SELECT taken FROM retry_rejected(sqlstate => 'LC007');
SELECT retry_rejected(mend => '{"where": "here"}');
SELECT retry_rejected(mend => '[]');
-- Each rejection stays, with what became of it.
SELECT r.source_id, r.region, r.sqlstate, b.kind AS retried, b.accepted, b.rejected
FROM usage_rejected AS r LEFT JOIN usage_batch AS b ON b.id = r.retried_in WHERE r.source_id IN ('d', 'f') ORDER BY r.id;

-- The name means another chip now: the row is superseded, not changed.
UPDATE accelerator_alias SET accelerator = 'nvidia/a100-sxm4-40gb' WHERE alias = 'no such chip';
SELECT taken, accepted FROM reidentify(accelerator_name => 'no such chip');
SELECT source_id, revision, identification, accelerator, rate, superseded = 'infinity' AS current FROM usage_record WHERE source_id = 'd' ORDER BY id;
SELECT taken FROM reidentify(accelerator_name => 'no such chip');
SELECT taken, accepted FROM reidentify('fp8', started => '[2024-06-01, 2024-07-01)');
SELECT source_id, revision, identification, basis_name(basis), rate FROM usage_record WHERE started_at >= '2024-06-01' AND superseded = 'infinity' AND started_at < '2024-07-01' ORDER BY id;
-- Its key leads to the new row, so that the source's own next revision supersedes that.
INSERT INTO usage_inbox (source, source_id, revision, account, region, accelerator, devices, started_at) VALUES ('cluster', 'd', '1', 'bob', 'here', 'H100', '1', '2024-05-03T00:00:00Z');
SELECT accepted FROM accept_usage();
SELECT revision, identification, accelerator, superseded = 'infinity' AS current FROM usage_record WHERE source_id = 'd' ORDER BY id;

-- A basis of one's own whose factor changes: each record has the rate of its start.
INSERT INTO basis (name) VALUES ('example.org/weights');
INSERT INTO basis_factor (basis, accelerator, rate, valid) VALUES
	('example.org/weights', 'nvidia/h100', '2 TFLOPS', '(,2024-05-04 00:00Z)'), ('example.org/weights', 'nvidia/h100', '3 TFLOPS', '["2024-05-04 00:00Z",)');
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
SELECT 'cluster', 'w' || d, 'bob', 'here', c, '1', '2024-05-0' || d || ' 00:00Z', '2024-05-06 00:00Z'
FROM generate_series(3, 5) AS d, unnest(ARRAY['NVIDIA H100 80GB HBM3']) AS c;
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES ('cluster', 'w9', 'bob', 'here', 'NVIDIA A100-SXM4-40GB', '1', '2024-05-03 00:00Z', '2024-05-06 00:00Z');
SELECT accepted FROM accept_usage('example.org/weights');
SELECT source_id, rate = with_basis(compute_rate '2 TFLOPS', basis) AS two, rate = with_basis(compute_rate '3 TFLOPS', basis) AS three, rate_recorded IS NULL AS none, basis_name(basis)
FROM usage_record WHERE source_id ~ '^w' ORDER BY source_id;

-- Numbers of records are in the order of the inbox, by which rating tells records apart that start at the same time: however
-- the rows lie, with records that come twice and without, and with joins that do not fit into memory.
SELECT count(create_account('order-' || n, time_zone => 'UTC', currency => 'USD')) FROM generate_series(1, 300) AS n;
CREATE FUNCTION send_backwards(source text, first bigint, repeats integer) RETURNS void LANGUAGE sql SET search_path = public, compute_ledger AS $$
	INSERT INTO usage_inbox (id, source, source_id, revision, account, region, accelerator, devices, started_at, run)
	SELECT first + 5000 - n, source, CASE WHEN n > 5000 - repeats THEN 'twice' ELSE 'n' || n END, n % 2, 'order-' || 1 + n * 7 % 320, 'here',
		(ARRAY['H100', 'A100', 'no such thing', 'L4'])[1 + n % 4] || CASE WHEN n % 5 = 0 THEN ' ' || n ELSE '' END, 1, '2024-05-03T00:00Z', first + 5000 - n
	FROM generate_series(1, 5000) AS n $$;
SET work_mem = '64kB';
SELECT send_backwards('order 1', 10000000, 0);
SELECT taken, accepted > 2000 AS many, rejected > 1000 AS bad FROM accept_usage();
SELECT send_backwards('order 2', 20000000, 200);
SELECT taken, accepted > 2000 AS many, rejected > 1000 AS bad FROM accept_usage();
INSERT INTO accelerator_alias (alias, accelerator) VALUES ('no such thing', 'nvidia/l4');
SELECT taken > 1000 AS many, accepted > 500 AS mended FROM retry_rejected('order 1', 'LC003');
RESET work_mem;
SELECT source, batch - min(batch) OVER (PARTITION BY source) AS batch, records > 500 AS many, out_of_order
FROM (SELECT source, batch, count(*) AS records, count(*) FILTER (WHERE place < before) AS out_of_order
	FROM (SELECT r.source, r.batch, r.run::bigint AS place, lag(r.run::bigint) OVER (PARTITION BY r.batch ORDER BY r.id) AS before FROM usage_record AS r WHERE r.source LIKE 'order%') AS o
	GROUP BY source, batch) AS b
ORDER BY 1, 2;

-- ------------------------------------------------------------------ instants of a source

-- Three zones are called CST; what says UTC+8 is eight hours off in one way of reading it; each is rejected, once for its start and once for its end.
SET timezone = 'Asia/Shanghai';
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES
	('h', '1', 'ada', 'here', 'H100', '1', '2024-07-01 00:00 CST', '2024-07-01 01:00 CST'),
	('h', '2', 'ada', 'here', 'H100', '1', '2024-07-01 00:00 UTC+8', '2024-07-01 01:00 UTC+8'),
	('h', '3', 'ada', 'here', 'H100', '1', 'Mon Jul  1 00:00:00 CST 2024', 'Mon Jul  1 01:00:00 CST 2024'),
	('h', '4', 'ada', 'here', 'H100', '1', '1719763200', '1719766800'),
	('h', '5', 'ada', 'here', 'H100', '1', '2024-07-01 00:00', '2024-07-01 01:00'),
	('h', '6', 'ada', 'here', 'H100', '1', '2024-07-01 00:00 Asia/Shanghai', '2024-07-01T01:00:00+08');
SELECT accepted, rejected FROM accept_usage();
SELECT source_id, f.* FROM usage_rejected, jsonb_to_recordset(faults) AS f ("column" text, sqlstate text, reason text, detail text, hint text) WHERE source = 'h' ORDER BY id, f."column" DESC;
SELECT source_id, started_at, ended_at FROM usage_record WHERE source = 'h' ORDER BY source_id;
-- A source that says what it means: its zone, and that its numbers are Unix seconds; what the session's zone is does not matter then.
UPDATE usage_source SET time_zone = 'America/Havana', unix_seconds = true WHERE source = 'h';
UPDATE usage_source SET time_zone = 'CST' WHERE source = 'h';
INSERT INTO usage_source (source, time_zone) VALUES ('h2', 'Mars/Base');
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES
	('h', '4', 'ada', 'here', 'H100', '1', '1719763200', '1719766800'),
	('h', '7', 'ada', 'here', 'H100', '1', '2024-06-30 23:30', '2024-07-01 01:00'),
	('h', '8', 'ada', 'here', 'H100', '1', '2024-11-02 23:30', '2024-11-03 00:30'),
	('h', '9', 'ada', 'here', 'H100', '1', '2024-03-10 00:30', '2024-03-10 01:30'),
	('h', '10', 'ada', 'here', 'H100', '1', '2024-08-31 20:30', '2024-09-01 02:00');
SELECT taken, accepted, rejected FROM accept_usage();
SELECT source_id, started_at, ended_at, r.tableoid::regclass AS partition FROM _usage_record AS r JOIN usage_kind AS k ON k.number = r.kind WHERE source = 'h' ORDER BY source_id;
SELECT source_id, reason, detail, hint FROM usage_rejected WHERE source = 'h' AND source_id IN ('8', '9') ORDER BY id;
-- What names no source, or one that is too long, is in the zone of the source without a name, all the way.
UPDATE usage_source SET time_zone = 'Europe/Berlin', unix_seconds = true WHERE source = '';
INSERT INTO usage_source (source, time_zone) VALUES (repeat('y', 1001), 'Asia/Tokyo');
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at) VALUES
	(repeat('y', 1001), 'long', 'ada', 'here', 'H100', '1', '2024-03-31 02:30'), (repeat('y', 1001), 'number', 'ada', 'here', 'H100', '1', '1719763200'), (NULL, 'none', 'ada', 'here', 'H100', '1', '2024-07-01 00:00');
SELECT taken, accepted, rejected FROM accept_usage();
SELECT source_id, f ->> 'reason' AS reason, f ->> 'detail' AS detail FROM usage_rejected, jsonb_array_elements(faults) AS f WHERE source_id IN ('long', 'number', 'none') ORDER BY id;
-- What was rejected before is read as the source is known now; and mended.
SELECT taken, accepted, duplicate, rejected FROM retry_rejected('h', mend => '{"started_at": "1719763200", "ended_at": "1719766800.5"}', ids => ARRAY(SELECT id FROM usage_rejected WHERE source = 'h' AND source_id = '3'));
SELECT taken, accepted, duplicate, rejected FROM retry_rejected('h', '22007');
SELECT source_id, started_at, ended_at FROM usage_record WHERE source = 'h' AND source_id IN ('3', '4') ORDER BY source_id;
SET timezone = 'UTC';

-- ------------------------------------------------------------------ all faults of a record

INSERT INTO usage_inbox (source, source_id, revision, account, region, accelerator, devices, started_at, ended_at, measure, number_format, achieved_work, labels, retracted) VALUES
	('all', '1', '-1', 'eve', 'nowhere', 'Voodoo 3', 'many', '2024-05-03 00:00 CST', 'soon', 'guessed', 'bf17', 'much', '[]', 'perhaps'),
	('all', '2', NULL, 'new', 'nowhere', 'Voodoo 3', '0', '2024-05-03T12:00Z', '2024-05-03T11:00Z', NULL, NULL, NULL, NULL, NULL),
	('all', '3', NULL, 'new', 'here', 'H100', NULL, NULL, '2024-05-03T11:00Z', NULL, NULL, NULL, NULL, NULL),
	('all', '4', NULL, 'ada', 'here', 'H100', '1', '1999-05-03T12:00Z', '9999-05-03T11:00Z', NULL, NULL, NULL, NULL, NULL),
	(NULL, NULL, NULL, 'ada', 'here', 'H100', '1', '2024-05-03T12:00Z', NULL, NULL, NULL, NULL, NULL, NULL),
	(repeat('x', 1001), '5', NULL, 'ada', 'nowhere', 'H100', '1', '2024-05-03T12:00Z', NULL, NULL, NULL, NULL, NULL, NULL),
	('all', '6', '2', 'eve', NULL, NULL, 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'true'),
	('all', '7', NULL, 'ada', 'here', 'H100', '1', '2024-05-03T12:00Z', '2024-05-03T13:00Z', NULL, NULL, NULL, NULL, NULL),
	('all', '7', NULL, 'eve', 'nowhere', 'H100', '1', '2024-05-03T12:00Z', '2024-05-03T13:00Z', NULL, NULL, NULL, NULL, NULL);
SELECT taken, accepted, duplicate, rejected FROM accept_usage();
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES ('all', '7', 'eve', 'nowhere', 'H100', '1', '2024-05-03T12:00Z', '2024-05-03T13:00Z');
SELECT taken, accepted, duplicate, rejected FROM accept_usage();
SELECT coalesce(left(source, 5), '-') AS source, source_id, place, f.fault ->> 'column' AS column, f.fault ->> 'sqlstate' AS sqlstate, left(f.fault ->> 'reason', 60) AS reason
FROM usage_rejected, jsonb_array_elements(faults) WITH ORDINALITY AS f (fault, place) WHERE source = 'all' OR source IS NULL OR source ~ '^xxx' ORDER BY id, place;
SELECT DISTINCT ON (f.fault ->> 'sqlstate', f.fault ->> 'detail') f.fault ->> 'sqlstate' AS sqlstate, f.fault ->> 'detail' AS detail, f.fault ->> 'hint' AS hint
FROM usage_rejected, jsonb_array_elements(faults) AS f (fault) WHERE source = 'all' AND f.fault ->> 'detail' !~ 'by the clock' ORDER BY 1, 2;
-- The columns beside are those of the first; every fault has all five.
SELECT count(*) AS wrong FROM usage_rejected AS r
WHERE (r.sqlstate, r.reason, r.detail, r.hint) IS DISTINCT FROM (r.faults -> 0 ->> 'sqlstate', r.faults -> 0 ->> 'reason', r.faults -> 0 ->> 'detail', r.faults -> 0 ->> 'hint')
	OR EXISTS (SELECT FROM jsonb_array_elements(r.faults) AS f WHERE NOT f ?& '{column,sqlstate,reason,detail,hint}' OR EXISTS (SELECT FROM jsonb_each_text(f) AS e WHERE e.value IS NULL));
-- One that is the second or third of a record's faults is retried as well, and what is left of them is another row.
SELECT create_region('nowhere', 'region') > 0 AS made;
SELECT taken, accepted, rejected FROM retry_rejected('all', 'LC007');
SELECT source_id, count(*) FILTER (WHERE retried_in IS NULL) AS waiting, (array_agg((SELECT string_agg(f ->> 'sqlstate', ' ') FROM jsonb_array_elements(faults) AS f) ORDER BY id)) AS faults
FROM usage_rejected WHERE source = 'all' GROUP BY source_id ORDER BY source_id;
-- Of one record the first is the error, and the others are in its detail.
\set VERBOSITY default
SELECT record_usage('all', '8', 'eve', 'anywhere', 'Voodoo 3', 8, '2024-05-01 00:00Z');
SELECT record_usage('all', '8', 'ada', 'here', 'H100', 8, '2024-05-01 00:00Z', '20000-01-01 00:00Z');
\set VERBOSITY terse

-- ------------------------------------------------------------------ what holds

-- Counts, keys, and one current row a record.
SELECT count(*) AS wrong FROM usage_batch AS b
WHERE taken <> accepted + duplicate + rejected
	OR rejected <> (SELECT count(*) FROM usage_rejected AS r WHERE r.batch = b.id)
	OR accepted <> (SELECT count(*) FROM usage_record AS r WHERE r.batch = b.id) + (SELECT count(*) FROM usage_key AS k WHERE k.batch = b.id)
	OR (kind = 'retry' AND taken <> (SELECT count(*) FROM usage_rejected AS r WHERE r.retried_in = b.id));
SELECT count(*) AS wrong FROM (
	SELECT k.source, _usage_key_text(k.key), count(*) FILTER (WHERE r.superseded = 'infinity') AS current, bool_and(k.record IS NULL OR r.id IS NOT NULL) AS all_there,
		(array_agg(k.record IS NULL ORDER BY k.key DESC))[1] AS is_retracted, max(_usage_key_revision(k.key)) AS highest, max(r.revision) FILTER (WHERE r.superseded = 'infinity') AS current_revision
	FROM usage_key AS k LEFT JOIN usage_record AS r ON r.id = k.record AND _usage_month_number(r.started_at) = k.month
	GROUP BY 1, 2) AS k
WHERE NOT all_there OR current <> CASE WHEN is_retracted THEN 0 ELSE 1 END OR current_revision <> highest;

-- The same, and more, by the ledger itself.
SELECT * FROM _check_usage();

-- Months come as they are needed; one that is detached keeps its keys, and its name.
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
WHERE inhparent = '_usage_record'::regclass AND c.relname < 'usage_record_2024_07' ORDER BY 1;
ALTER TABLE _usage_record DETACH PARTITION usage_record_2024_05;
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES
	('cluster', 'a', 'ada', 'here', 'A100-SXM4-80GB', '2', '2024-05-31T23:00:00Z', '2024-06-01T01:00:00Z'), ('cluster', 'late', 'ada', 'here', 'A100-SXM4-80GB', '2', '2024-05-31T23:00:00Z', '2024-06-01T01:00:00Z');
SELECT taken, accepted, duplicate, rejected FROM accept_usage();
SELECT source_id, partition FROM record WHERE started_at < '2024-06-01';
SELECT * FROM _check_usage();
-- Keys tell of it what is there, what differs and what is new.  A higher revision is taken, and there is nothing for it to supersede.
SELECT * FROM compare_usage(ARRAY['cluster', 'cluster', 'cluster', 'nobody'], ARRAY['a', 'a', 'a', 'a'], ARRAY[0, 0, 1, 0],
	ARRAY[usage_digest('ada', 'here', 'A100-SXM4-80GB', 2, '2024-05-31 23:00Z', '2024-06-01 01:00Z', 'allocated', NULL, NULL, NULL, NULL), sha256('x'), sha256('x'), NULL]);
SELECT record_usage('cluster', 'a', 'ada', 'here', 'A100-SXM4-80GB', 3, '2024-05-31 23:00Z', '2024-06-01 01:00Z');
SELECT record_usage('cluster', 'a', 'ada', 'here', 'A100-SXM4-80GB', 3, '2024-05-31 23:00Z', '2024-06-01 01:00Z', revision => 1) > 0 AS revised;
SELECT count(*) AS wrong FROM _check_usage();

-- By its name and number a source's records are known for ever.
UPDATE usage_source SET source = 'other' WHERE source = 'cluster';
UPDATE usage_source SET number = DEFAULT WHERE source = 'cluster';
DELETE FROM usage_source WHERE source = 'cluster';
TRUNCATE usage_source;
BEGIN;
INSERT INTO usage_source (source) VALUES ('never used');
UPDATE usage_source SET source = 'still not used' WHERE source = 'never used';
DELETE FROM usage_source WHERE source = 'still not used';
UPDATE usage_source SET source = source, title = 'a cluster' WHERE source = 'cluster';
ROLLBACK;

-- What a key is made of: a name of up to 32 bytes, a UUID, a longer name; then the revision.
SELECT left(n, 10) AS name, octet_length(n) AS bytes, octet_length(_usage_key_of(n, 0)) AS key, octet_length(_usage_key_of(n, 1)) AS revised, _usage_key_text(_usage_key_of(n, 7)) AS text, _usage_key_revision(_usage_key_of(n, 7)) AS seven, _usage_key_revision(_usage_key_of(n, 0)) AS none
FROM (VALUES (1, '9'), (2, repeat('x', 32)), (3, repeat('x', 33)), (4, '0b5a1c2d-9e3f-4a5b-8c7d-001122334455'), (5, '0B5A1C2D-9E3F-4A5B-8C7D-001122334455'), (6, '0b5a1c2d-9e3f-4a5b-8c7d_001122334455'), (7, U&'m\00fc\4e2d')) AS v (i, n) ORDER BY i;
SELECT bool_and(_usage_key_of(n::text, 0) < _usage_key_of(n::text, 1) AND _usage_key_of(n::text, 2147483647) < _usage_key_of((n + 1)::text, 0)) AS in_order, _usage_key_of(NULL, 0) IS NULL AND _usage_key_of('1', NULL) IS NULL AS null
FROM generate_series(1, 1200) AS n;
-- what is no key
SELECT k, _usage_key_revision(k) AS revision, _usage_key_text(k) AS text FROM (VALUES (''::bytea), ('\x02'), ('\x023900000000'), ('\x0239ffffffff'), ('\x023900000001'), ('\xff39'), ('\x0100'), ('\x02c1'), ('\x0200')) AS v (k);
-- a UUID is not the beginning of a hash
SELECT _usage_key_of(h.long, 0) BETWEEN _usage_key_of(h.uuid, 0) AND _usage_key_of(h.uuid, 2147483647) AS mixed_up
FROM (SELECT repeat('x', 33), encode(substr(sha256(convert_to(repeat('x', 33), 'UTF8')), 1, 16), 'hex')::uuid::text) AS h (long, uuid);
SELECT at, _usage_month_number(at) AS month, at >= _usage_month_starts(_usage_month_number(at)) AND (at < _usage_month_starts(_usage_month_number(at) + 1) OR at = 'infinity') AS in_it
FROM (VALUES (timestamptz '-infinity'), ('4713-01-02 00:00Z BC'), ('0732-12-31 23:59Z BC'), ('0500-02-03 00:00Z'), ('1999-12-31 23:59:59.999999Z'), ('2000-01-01 00:00Z'), ('2024-02-29 12:00Z'), ('4730-08-31 23:59Z'), ('4730-09-01 00:00Z'), ('294276-12-31 00:00Z'), ('infinity')) AS v (at);
-- What another tool makes is left to it.
SELECT _make_usage_partition('2024-06-15') IS NULL AS is_there;
CREATE TABLE usage_record_q4 PARTITION OF _usage_record FOR VALUES FROM ('2027-10-01 00:00Z') TO ('2028-01-01 00:00Z');
SELECT _make_usage_partition('2027-12-01') IS NULL AS is_there, _make_usage_partition('2028-01-01') AS made;

-- The first rows only.
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at) SELECT 'few', n, 'ada', 'here', 'A100', 1, '2024-06-03T00:00Z' FROM generate_series(1, 5) AS n;
SELECT taken FROM accept_usage(max_rows => 2);
SELECT taken FROM accept_usage(max_rows => 0);
SELECT taken FROM accept_usage();
SELECT count(*) AS one_batch_each FROM usage_batch WHERE taken IN (2, 3) AND id > (SELECT max(id) FROM usage_batch WHERE accepted > 0) - 2;

-- Of one source only: its first rows, all of them; what names none, or one that is too long, goes by an empty name; the others stay.
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at)
SELECT s, 'of ' || n, 'ada', 'here', 'A100', 1, '2024-06-03T00:00Z' FROM generate_series(1, 3) AS n, (VALUES ('few'), ('many'), (NULL), (repeat('x', 1001))) AS v (s);
SELECT taken, accepted, waiting FROM accept_usage(source => 'nobody''s');
SELECT taken, accepted, waiting FROM accept_usage(source => 'many', max_rows => 2);
SELECT left(source, 5) AS source, count(*) FROM usage_inbox GROUP BY source ORDER BY source;
SELECT taken, accepted, waiting FROM accept_usage(source => 'many');
SELECT taken, accepted, rejected FROM accept_usage(source => '');
SELECT taken, accepted, rejected FROM accept_usage(source => repeat('y', 1001));
SELECT source, count(*) FROM usage_inbox GROUP BY source;
SELECT count(*) AS new FROM usage_source WHERE source = 'nobody''s';
SELECT taken, accepted, waiting FROM accept_usage(source => NULL);

-- Batches in which no row has a start that can be read are taken as well.
INSERT INTO usage_inbox (source, source_id, revision, retracted) VALUES ('no start', 'gone', '1', 'true');
SELECT taken, accepted, duplicate, rejected FROM accept_usage(max_rows => 1);
INSERT INTO usage_inbox (source, source_id, started_at) VALUES ('no start', 'odd', 'yesterday-ish'), ('no start', 'none', NULL);
SELECT taken, accepted, duplicate, rejected FROM accept_usage();
SELECT count(*) FROM usage_inbox;

-- Who writes a source that is there takes no lock for adding it, by which those that are new would have to wait for him.
BEGIN;
SELECT cardinality(_lock_usage_sources(ARRAY['cluster', 'few'], false)) AS sources, _lock_usage_sources(ARRAY['cluster'], true) IS NOT NULL AS waited;
SELECT count(*) AS turns FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND objsubid = 21843;
SELECT cardinality(_lock_usage_sources(ARRAY['few', 'brand new'], false)) AS sources;
SELECT count(*) AS turns FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND objsubid = 21843;
ROLLBACK;

-- What records are of stands once, whichever way they came; a name as long as identify() takes is no longer than a kind may have.
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, measure)
SELECT 'kinds', n, 'ada', 'here', CASE WHEN n < 6 THEN 'A100' ELSE 'A100' || repeat(' ', 4000) END, 1, '2024-06-03T00:00Z', '2024-06-03T01:00Z', CASE n % 2 WHEN 0 THEN 'used' END
FROM generate_series(1, 7) AS n;
SELECT taken, accepted FROM accept_usage();
SELECT record_usage('kinds', 'one', 'bob', 'here', 'A100', 3, '2024-06-04 00:00Z', '2024-06-04 01:00Z') > 0 AS recorded;
SELECT left(k.accelerator_name, 5) AS name, k.measure, count(DISTINCT k.number) AS kinds, count(*) AS records
FROM _usage_record AS r JOIN usage_kind AS k ON k.number = r.kind WHERE k.source = 'kinds' GROUP BY k.accelerator_name, k.measure ORDER BY k.accelerator_name, k.measure;
-- one that was rolled back is added again
BEGIN;
SAVEPOINT a;
SELECT record_usage('kinds', 'two', 'bob', 'here', 'H100', 3, '2024-06-04 00:00Z', '2024-06-04 01:00Z') > 0 AS recorded;
ROLLBACK TO a;
SELECT record_usage('kinds', 'two', 'bob', 'here', 'H100', 3, '2024-06-04 00:00Z', '2024-06-04 01:00Z') > 0 AS recorded;
COMMIT;
-- by hand
INSERT INTO usage_record (account, started_at, ended_at, batch, region, revision, basis, accelerator, devices, measure, source, source_id, account_name, region_name, accelerator_name)
SELECT r.account, r.started_at, r.ended_at, 0, r.region, 9, r.basis, 'nvidia/h100', 1, 'allocated', r.source, r.source_id, 'bob', 'here', 'H100' FROM usage_record AS r WHERE r.source_id = 'two'
RETURNING id > 0 AS id, recorded > '2024-01-01' AS recorded, superseded, identification, share;
SELECT revision, accelerator, share, rate IS NULL AS no_rate FROM usage_record WHERE source_id = 'two' ORDER BY revision;
SELECT _usage_kind(NULL, 1, 'here', 'nvidia/h100', 'H100', 1680000, NULL, NULL, 5, 'allocated', NULL);
SELECT _usage_kind('kinds', 1, 'here', 'nvidia/h100', 'H100', 0, NULL, NULL, 5, 'allocated', NULL);
SELECT _usage_kind('kinds', 1, 'here', 'nvidia/h100', 'H100', 1, NULL, NULL, 5, 'borrowed', NULL);
SELECT count(*) AS wrong FROM usage_kind AS k
WHERE k.digest <> _usage_kind_digest(k.source, k.region, k.region_name, k.accelerator, k.accelerator_name, k.share, k.rate, k.rate_recorded, k.basis, k.measure, k.number_format)
	OR k.number <> _usage_kind(k.source, k.region, k.region_name, k.accelerator, k.accelerator_name, k.share, k.rate, k.rate_recorded, k.basis, k.measure, k.number_format);
-- they are read where they are asked for
CREATE FUNCTION reads_kinds(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan::text ~ 'usage_kind';
END
$$;
SELECT q, reads_kinds(q) FROM (VALUES ('SELECT sum(devices), max(recorded) FROM usage_record WHERE account = 1'), ('SELECT count(*) FROM my_usage'), ('SELECT source_id FROM usage_record WHERE measure = ''used''')) AS v (q);

-- ------------------------------------------------------------------ batches

-- Accounts that were merged, and merged again: each row of a batch means what record_usage() takes it for.
SELECT count(create_account(n, time_zone => 'UTC', currency => 'USD', valid_from => '2024-03-01 00:00Z')) FROM unnest(ARRAY['old', 'older', 'whole']) AS n;
SELECT merge_account('older', 'old', '2024-04-01 00:00Z'), merge_account('old', 'whole', '2024-05-01 00:00Z');
CREATE VIEW of_merged AS
SELECT n::text AS source_id, (ARRAY['old', 'older', 'whole'])[1 + n % 3] AS account, timestamptz '2024-03-01 00:00Z' + n * interval '12 hours' AS started_at
FROM generate_series(-3, 200) AS n;
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
SELECT 'batch', m.source_id, m.account, 'here', 'H100', 1, m.started_at::text, (m.started_at + interval '1 hour')::text FROM of_merged AS m;
SELECT taken, accepted, rejected FROM accept_usage();
SELECT count(record_usage('by one', m.source_id, m.account, 'here', 'H100', 1, m.started_at, m.started_at + interval '1 hour')) FROM of_merged AS m WHERE m.started_at >= '2024-03-01 00:00Z';
SELECT b.account_name, a.name AS account, count(*), min(b.started_at), max(b.started_at), count(*) FILTER (WHERE b.account <> o.account) AS not_as_by_one
FROM usage_record AS b JOIN account AS a ON a.id = b.account LEFT JOIN usage_record AS o ON o.source = 'by one' AND o.source_id = b.source_id
WHERE b.source = 'batch' GROUP BY 1, 2 ORDER BY 1, 4;

-- More repeats than work_mem holds, with cells that are stored out of line: each record twice and in two revisions, of which every
-- fifth says something else the second time, and every seventh, of a region that is none, is rejected with all that it said.
CREATE FUNCTION long_labels(n integer) RETURNS text LANGUAGE sql AS $$ SELECT jsonb_build_object('n', n, 'x', string_agg(md5((n * 100 + i)::text), '')) #>> '{}' FROM generate_series(1, 100) AS i $$;
CREATE VIEW repeated AS
SELECT 'r' || n AS source_id, r AS revision, CASE WHEN n % 7 = 0 THEN 'nowhere at all' ELSE 'here' END AS region, 1 + (n % 5 = 0 AND i = 2)::integer AS devices, long_labels(n + r) AS labels
FROM generate_series(1, 2) AS i, generate_series(1, 70) AS n, generate_series(0, 1) AS r ORDER BY i, n DESC;
SET work_mem = '64kB';
INSERT INTO usage_inbox (source, source_id, revision, account, region, accelerator, devices, started_at, ended_at, labels)
SELECT 'repeats', source_id, revision, 'whole', region, 'H100', devices, '2024-06-01T00:00Z', '2024-06-01T01:00Z', labels FROM repeated;
SELECT pg_relation_size(reltoastrelid) > 500000 AS out_of_line FROM pg_class WHERE oid = 'usage_inbox'::regclass;
SELECT taken, accepted, duplicate, rejected FROM accept_usage();
SELECT count(*), count(*) FILTER (WHERE r.superseded = 'infinity') AS current, count(*) FILTER (WHERE r.devices = 1 AND r.labels = d.labels::jsonb) AS as_sent
FROM usage_record AS r JOIN (SELECT DISTINCT ON (source_id, revision) * FROM repeated) AS d USING (source_id, revision) WHERE r.source = 'repeats';
SELECT r.sqlstate, count(*), count(*) FILTER (WHERE r.labels = d.labels) AS as_sent
FROM usage_rejected AS r JOIN (SELECT DISTINCT ON (source_id, revision) * FROM repeated) AS d ON d.source_id = r.source_id AND d.revision::text = r.revision WHERE r.source = 'repeats' GROUP BY 1 ORDER BY 1;

-- More keys than maintenance_work_mem holds: what comes again is found all the same, among the first of them and among the last, and records have the order
-- in which they came.
SET maintenance_work_mem = '1MB';
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
SELECT 'many keys', (n - 1) % 33500 + 1, 'whole', 'here', 'H100', CASE WHEN n > 67000 - 100 THEN 2 ELSE 1 END, '2024-06-01T00:00Z', '2024-06-01T01:00Z'
FROM generate_series(1, 67000) AS n WHERE n <= 33600 OR n > 67000 - 300;
SELECT taken, accepted, duplicate, rejected FROM accept_usage();
SELECT count(*), count(DISTINCT r.source_id) AS records, sum(r.devices) AS devices, bool_and(r.place = r.source_id::bigint) AS in_order
FROM (SELECT source_id, devices, row_number() OVER (ORDER BY id) AS place FROM usage_record WHERE source = 'many keys') AS r;
RESET maintenance_work_mem;
-- A batch of nothing but duplicates: nothing of it is left in the transaction.
BEGIN;
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
SELECT 'batch', m.source_id, m.account, 'here', 'H100', 1, m.started_at::text, (m.started_at + interval '1 hour')::text FROM of_merged AS m WHERE m.started_at >= '2024-03-01 00:00Z';
SELECT taken, accepted, duplicate, rejected FROM accept_usage();
SELECT count(*) AS kept FROM pg_backend_memory_contexts WHERE name LIKE 'compute_ledger judged%';
COMMIT;

-- What is to be written is handed over once, to a later statement as well; whoever asks otherwise is refused.
BEGIN;
INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
SELECT 'batch', 'more' || n, 'whole', 'here', 'H100', 1, '2024-06-01T00:00Z', '2024-06-01T01:00Z' FROM generate_series(1, 3000) AS n;
SELECT j.* FROM _judge_usage('accept', 900001, 5, now(), '{batch}', NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS j;
SELECT count(*), count(DISTINCT k.key) AS keys FROM _judged_keys(900001) AS k;
SELECT count(*) FROM _judged_records(NULL);
\set VERBOSITY sqlstate
SAVEPOINT a;
SELECT count(*) FROM _judged_keys(900001);
ROLLBACK TO a;
SELECT count(*) FROM _judged_rejected(900001);
ROLLBACK TO a;
SELECT count(*) FROM _judged_records(900002);
ROLLBACK TO a;
SELECT _judge_usage('take', 900001, 5, now(), '{batch}', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
ROLLBACK TO a;
SELECT _judge_usage('accept', NULL, 5, now(), '{batch}', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
ROLLBACK TO a;
\set VERBOSITY terse
SELECT count(*), count(DISTINCT r.source_id) AS records FROM _judged_records(900001) AS r;
SELECT count(*) AS kept FROM pg_backend_memory_contexts WHERE name LIKE 'compute_ledger judged%';
ROLLBACK;
RESET work_mem;

\c postgres
DROP DATABASE regress_usage;
