# The rollups against plain SQL that takes every record apart at every hour and every local midnight: random records
# with open ends, revisions, retractions, fractions of devices, over month and DST boundaries, in odd time zones.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20260701;
note "seed $seed";

my $node = PostgreSQL::Test::Cluster->new('rollup');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\n");
$node->start;
my $db = 'postgres';
my $superuser = $node->safe_psql($db, 'SELECT current_user');
$node->safe_psql($db, q{CREATE ROLE ledger_owner LOGIN; ALTER DATABASE postgres OWNER TO ledger_owner; GRANT CREATE ON SCHEMA public TO ledger_owner;
	GRANT SET ON PARAMETER session_replication_role TO ledger_owner; CREATE ROLE bill LOGIN; CREATE ROLE read LOGIN; CREATE ROLE nobody LOGIN});
# An owner who is no superuser: he, and not the extension's owner, refreshes.
$ENV{PGUSER} = 'ledger_owner';
$node->safe_psql($db, 'CREATE EXTENSION compute_ledger; SELECT create_ledger()');

sub query { return $node->safe_psql($db, $_[0]) }
sub query_as { return $node->safe_psql($db, $_[1], extra_params => [ '-U', $_[0] ]) }

# Rows in a that are not in b, or more often, and the reverse.
sub same
{
	my ($a, $b, $what) = @_;
	is(query("WITH one AS MATERIALIZED ($a), two AS MATERIALIZED ($b) SELECT (SELECT count(*) > 0 FROM one), (SELECT count(*) FROM (SELECT one::text FROM one EXCEPT ALL SELECT two::text FROM two) AS x), (SELECT count(*) FROM (SELECT two::text FROM two EXCEPT ALL SELECT one::text FROM one) AS x)"),
		't|0|0', $what)
	  or diag(query("WITH one AS ($a), two AS ($b) (SELECT one::text || ' expected' FROM one EXCEPT ALL SELECT two::text || ' expected' FROM two) UNION ALL (SELECT two::text || ' found' FROM two EXCEPT ALL SELECT one::text || ' found' FROM one) ORDER BY 1 LIMIT 6"));
}

is(query('SELECT count(*) FROM usage_hourly'), '0', 'a new ledger has empty rollups');
is(query('SELECT as_of FROM rollup_state'), '-infinity', 'and says that they were never filled');

# Accounts of zones with whole hours, half and quarter hours, DST of half an hour, midnights that are skipped and that come twice, and one
# that moves to another zone.
my @zones = ('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'America/St_Johns', 'Pacific/Apia', 'America/Havana');
query(q{
	SELECT create_account('org', time_zone => 'UTC', currency => 'EUR');
	SELECT create_region('here/1', 'provider'), create_region('here/2', 'provider');
});
query("SELECT create_account('a$_', parent => 'org', time_zone => '$zones[$_]')") for 0 .. $#zones;
query(q{
	SELECT create_account('moves', parent => 'org', time_zone => 'Europe/Berlin');
	SELECT create_account('late', parent => 'org', time_zone => 'Asia/Tokyo', valid_from => '2011-11-03 07:30');
	SELECT create_account('merged', parent => 'org', time_zone => 'Asia/Tokyo');
});
query(q{
	SELECT change_account('moves', '2011-11-03 10:20:30.5', time_zone => 'Asia/Kathmandu');
	SELECT merge_account('merged', 'moves', '2011-11-13 04:13:14.5');
}) if query(q{SELECT count(*) FROM pg_proc WHERE proname = 'change_account'});

my $records = <<"SQL";
SELECT setseed(($seed % 1000) / 1000.0);
SELECT _make_usage_partition(m::date) FROM generate_series(date '2011-09-01', '2012-04-01', '1 month') AS m;
INSERT INTO usage_record (account, started_at, ended_at, recorded, superseded, batch, region, revision, basis, accelerator, share, rate, devices, measure, achieved_work, source, source_id, account_name, region_name, accelerator_name)
SELECT a.id, s.at, CASE WHEN n % 13 = 0 THEN 'infinity' ELSE s.at + length END,
	timestamptz '2011-12-01' + interval '1 hour' * floor(random() * 1000), 'infinity', 1, g.id, 0, b.code, c.chip, CASE WHEN mig_slices(c.chip) IS NULL THEN 1680000 WHEN n % 29 > 0 THEN 240000 END,
	CASE WHEN n % 17 > 0 THEN with_basis(c.rate, b.code) END, d.devices, (ARRAY['allocated', 'reserved', 'used'])[1 + n % 3],
	CASE WHEN n % 5 = 0 THEN ('1234.5678' || n || ' PFLOPh' || (ARRAY['', '\@bf16'])[1 + n % 2])::compute_unit END, 'test', n::text, 'x', 'x', 'x'
FROM (SELECT n, random() AS r, random() AS q, random() AS p FROM generate_series(1, 1000) AS n) AS x
CROSS JOIN LATERAL (SELECT timestamptz '2011-10-12' + interval '1 us' * floor(r * 9000000000000)::bigint AS at, interval '1 us' * (1 + floor(10 ^ (q * 11.8)))::bigint AS length) AS s
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS k, count(*) OVER () AS accounts FROM account) AS a ON a.k = 1 + n % a.accounts
JOIN region AS g ON g.name = 'here/' || (1 + n % 2)
JOIN (VALUES (0, 5), (1, 8)) AS b (k, code) ON b.k = n % 2
JOIN (VALUES (0, 'nvidia/h100-sxm5-80gb'::accelerator, '989.4 TFLOPS'::compute_rate), (1, 'nvidia/a100-pcie-40gb:1g.5gb', '44.571429 TFLOPS'), (2, 'nvidia/a100', '312.000001 TFLOPS')) AS c (k, chip, rate) ON c.k = n % 3
JOIN (VALUES (0, 8.0), (1, 1.0 / 7), (2, 0.3333333333333), (3, 1), (4, 8.0000001), (5, 12345.5)) AS d (k, devices) ON d.k = floor(p * 6);
SET session_replication_role = replica;
-- some had another revision before, some were retracted since, some are known only later
UPDATE _usage_record SET superseded = recorded + interval '100 hours' * random() WHERE id % 7 = 0;
UPDATE _usage_record SET recorded = '2012-02-01' WHERE id % 11 = 0 AND superseded = 'infinity';
ANALYZE _usage_record;
SQL
query($records);

# What there should be as of an instant, taken apart by plain SQL.
sub pieces
{
	my ($as_of) = @_;
	return <<"SQL";
SELECT r.id, coalesce((SELECT m.merged_into FROM account_merge AS m WHERE m.account = r.account AND m.at <= p.a AND m.recorded @> timestamptz '$as_of'), r.account) AS account,
	r.region, r.accelerator, r.measure, r.basis, date_trunc('hour', p.a, 'UTC') AS hour, (p.a AT TIME ZONE z.time_zone)::date AS day,
	trim_scale(_round_ratio(r.devices * r.share, 1, 0) * (extract(epoch FROM p.b - p.a) * 1000000)::bigint) AS device_time,
	work(r.rate, tstzrange(r.started_at, p.b), r.devices)::numeric - work(r.rate, tstzrange(r.started_at, p.a), r.devices)::numeric AS work,
	trim_scale(_round_ratio(r.achieved_work::numeric * extract(epoch FROM least(p.b, r.done) - r.started_at), extract(epoch FROM r.done - r.started_at), 0)
		- _round_ratio(r.achieved_work::numeric * extract(epoch FROM least(p.a, r.done) - r.started_at), extract(epoch FROM r.done - r.started_at), 0)) AS achieved,
	(p.a = r.started_at)::int AS started
FROM (SELECT u.id, u.account, u.region, u.accelerator, u.measure, u.basis, u.devices, u.share, u.rate, u.achieved_work, u.started_at, CASE WHEN u.ended_at = 'infinity' THEN '$as_of' ELSE u.ended_at END AS ended_at,
		-- of what goes on, when it was recorded
		CASE WHEN u.ended_at = 'infinity' THEN greatest(u.recorded, u.started_at + interval '1 us') ELSE u.ended_at END AS done
	FROM usage_record AS u WHERE u.recorded <= '$as_of' AND '$as_of' < u.superseded) AS r
CROSS JOIN LATERAL (
	SELECT y.time_zone, tstzrange(r.started_at, r.ended_at) * y.valid AS valid FROM payers AS y WHERE y.account = r.account
	UNION ALL
	SELECT 'UTC', unnest(tstzmultirange(tstzrange(r.started_at, r.ended_at)) - coalesce((SELECT range_agg(y.valid) FROM payers AS y WHERE y.account = r.account), '{}'))) AS z
CROSS JOIN LATERAL (
	SELECT t.at AS a, lead(t.at) OVER (ORDER BY t.at) AS b
	FROM (SELECT lower(z.valid) UNION SELECT upper(z.valid)
		UNION SELECT h FROM generate_series(date_trunc('hour', lower(z.valid), 'UTC'), upper(z.valid), '1 hour') AS h
		UNION SELECT m.at FROM account_merge AS m WHERE m.account = r.account
		-- where a midnight comes twice, an hour before is the first
		UNION SELECT m AT TIME ZONE z.time_zone - b FROM generate_series(date_trunc('day', lower(z.valid) AT TIME ZONE z.time_zone) - interval '1 day', upper(z.valid) AT TIME ZONE z.time_zone + interval '1 day', '1 day') AS m,
			(VALUES (interval '0'), ('1 hour')) AS b (b)) AS t (at)
	WHERE t.at BETWEEN lower(z.valid) AND upper(z.valid)) AS p
WHERE NOT isempty(z.valid) AND r.started_at < r.ended_at AND p.a < p.b
SQL
}

my $sums = 'sum(device_time) AS device_time, sum(work) AS work, sum(achieved) AS achieved, sum(started) AS started';
for my $as_of ('2011-12-20 11:12:13.141592', '2012-03-05')
{
	# as the accounts are known now: they were recorded after this as_of
	query('DROP TABLE IF EXISTS payers, pieces; CREATE TABLE payers AS SELECT account, time_zone, valid FROM payers()');
	query("CREATE TABLE pieces AS " . pieces($as_of));
	query("SELECT refresh_rollups('$as_of')");
	is(query('SELECT as_of, refreshed_by FROM rollup_state'), query("SELECT timestamptz '$as_of', session_user"), "refreshed as of $as_of");
	my $key = 'account, region, accelerator, measure, basis';
	# without the accounts' versions, days are UTC
	same("SELECT $key, sum(device_time)::numeric AS device_time, sum(work) AS work, sum(achieved) AS achieved, sum(started) AS started FROM pieces GROUP BY $key",
		"SELECT $key, sum(device_time), sum(work)::numeric, sum(achieved)::numeric, sum(started) FROM usage_hourly GROUP BY $key", "sums as of $as_of");
	is(query('SELECT count(*) FROM _usage_hourly WHERE day <> (hour AT TIME ZONE \'UTC\')::date'), '0', 'as of a time at which no account was known, days are UTC');
}

# As of now, when the accounts are known, with their zones.
query('DROP TABLE pieces');
query(q{
	SET session_replication_role = replica;
	UPDATE _usage_record SET superseded = '2012-03-06' WHERE ended_at = 'infinity' AND superseded = 'infinity';
	SELECT _make_usage_partition(m::date) FROM generate_series(now() - interval '2 months', now(), '1 month') AS m;
	RESET session_replication_role;
	INSERT INTO usage_record (account, started_at, ended_at, recorded, batch, region, revision, basis, accelerator, share, rate, devices, measure, achieved_work, source, source_id, account_name, region_name, accelerator_name)
	SELECT account, date_trunc('day', now()) - interval '17 days 3 hours 2 minutes 1.000001 seconds', 'infinity', CASE WHEN id % 2 = 0 THEN '2012-03-06' ELSE now() - interval '9 days 1.000001 seconds' END, 1, region, 0, basis, accelerator, share, rate, devices, measure, achieved_work, 'open', id::text, 'x', 'x', 'x'
	FROM usage_record WHERE id % 37 = 0;
	SET session_replication_role = replica;
	UPDATE _usage_record SET ended_at = now() + interval '2 minutes' WHERE kind IN (SELECT number FROM usage_kind WHERE source = 'open') AND id % 5 = 0;
});
my $now = query('SELECT refresh_rollups()');
query('CREATE TABLE pieces AS ' . pieces($now));
sub compare
{
	my ($what) = @_;
	same("SELECT account, region, accelerator, measure, basis, hour, day, $sums FROM pieces GROUP BY account, region, accelerator, measure, basis, hour, day",
		'SELECT account, region, accelerator, measure, basis, hour, day, device_time, work::numeric, achieved::numeric, started FROM usage_hourly', "hours $what");
	same("SELECT account, region, accelerator, measure, basis, day, $sums FROM pieces GROUP BY account, region, accelerator, measure, basis, day",
		'SELECT account, region, accelerator, measure, basis, day, device_time, work::numeric, achieved::numeric, started FROM usage_daily', "days $what");
	same(q{SELECT account, region, accelerator_trunc('memory', accelerator) AS accelerator, (hour AT TIME ZONE 'UTC')::date AS day, sum(device_time) FILTER (WHERE measure = 'reserved') AS r, sum(device_time) FILTER (WHERE measure = 'allocated') AS a, sum(device_time) FILTER (WHERE measure = 'used') AS u
			FROM pieces GROUP BY GROUPING SETS ((account, region, accelerator_trunc('memory', accelerator), (hour AT TIME ZONE 'UTC')::date), (region, accelerator_trunc('memory', accelerator), (hour AT TIME ZONE 'UTC')::date))},
		'SELECT account, region, accelerator, day, CASE WHEN reserved_length > 0 THEN reserved_time END, CASE WHEN allocated_length > 0 THEN allocated_time END, CASE WHEN used_length > 0 THEN used_time END FROM _utilization_daily
		UNION ALL SELECT NULL, region, accelerator, day, CASE WHEN reserved_length > 0 THEN reserved_time END, CASE WHEN allocated_length > 0 THEN allocated_time END, CASE WHEN used_length > 0 THEN used_time END FROM _fleet_daily WHERE length > 0', "utilization $what");
	is(query('SELECT count(*) FILTER (WHERE device_hours IS DISTINCT FROM trim_scale(_device_hours(device_time))) FROM usage_daily'), '0', 'device-hours are the device time, rounded');
	is(query("SELECT sum(started) = (SELECT count(*) FROM usage_record WHERE superseded > '$now' AND recorded <= '$now' AND started_at < '$now') FROM usage_daily"), 't', 'records are counted where they begin');
}
compare('as of now');
cmp_ok(query("SELECT count(*) FROM (SELECT FROM usage_hourly GROUP BY account, region, accelerator, measure, basis, hour HAVING count(*) > 1) AS s"), '>', 50, 'hours in which a local day begins are in two rows');

# What comes later is there after the next refresh, which readers need not wait for.
query("INSERT INTO usage_record (account, started_at, ended_at, recorded, batch, region, revision, basis, accelerator, share, rate, devices, measure, source, source_id, account_name, region_name, accelerator_name)
	SELECT account, started_at + interval '3 days', CASE WHEN ended_at < 'infinity' THEN ended_at + interval '3 days 1 us' ELSE ended_at END, _ledger_stamp(), 1, region, 0, basis, accelerator, share, rate, devices, measure, 'more', source_id, 'x', 'x', 'x' FROM usage_record WHERE id % 3 = 0 AND (ended_at < 'infinity' OR source = 'open');
	SET session_replication_role = replica;
	UPDATE _usage_record SET superseded = _ledger_stamp() WHERE kind IN (SELECT number FROM usage_kind WHERE source = 'test') AND id % 9 = 4 AND superseded = 'infinity' AND recorded < '2012-01-01'");
my $reader = $node->background_psql($db);
$reader->query_safe('BEGIN; SELECT count(*) FROM _usage_hourly; SELECT count(*) FROM _utilization_monthly');
query('DROP TABLE pieces');
$now = query("SET lock_timeout = '60s'; SELECT refresh_rollups()");
query('CREATE TABLE pieces AS ' . pieces($now));
compare('after a refresh beside a reader');
$reader->query_safe('COMMIT');
$reader->quit;
$now = query('SELECT refresh_rollups(NULL, false)');
query('DROP TABLE pieces');
query('CREATE TABLE pieces AS ' . pieces($now));
compare('after one that is not concurrent');

# Capacity.
query(q{
	INSERT INTO capacity (region, accelerator, devices, valid)
	SELECT id, 'nvidia/h100-sxm5-80gb', 16, tstzrange('2011-12-01 06:00', '2011-12-05') FROM region WHERE name = 'here/1';
	INSERT INTO capacity (region, accelerator, devices, valid)
	SELECT id, 'nvidia/h100-sxm5-80gb', 20.5, tstzrange('2011-12-05', '2011-12-06 12:00') FROM region WHERE name = 'here/1';
	INSERT INTO capacity (region, accelerator, devices, valid, source)
	SELECT id, 'amd/mi300x', 8, tstzrange(date_trunc('day', now()) - interval '2 days', NULL), 'rack 7' FROM region WHERE name = 'here/2';
	INSERT INTO capacity (region, accelerator, devices, valid)
	SELECT g.id, v.chip::accelerator, v.devices, v.valid
	FROM region AS g, (VALUES ('nvidia/a100-pcie-40gb', 4, tstzrange('2011-12-01', '2011-12-04')), ('nvidia/a100-pcie-40gb:1g.5gb', 11, '[2011-12-01,2011-12-03)'),
		('nvidia/a100-pcie-40gb:3g.20gb', 1, '[2011-12-01,2011-12-03)'), ('nvidia/a100-pcie-40gb:8g.40gb', 1, '[2011-12-03,2011-12-04)')) AS v (chip, devices, valid)
	WHERE g.name = 'here/2';
});
$now = query('SELECT refresh_rollups()');
is(query("SELECT day, trim_scale(capacity_hours) FROM utilization_daily WHERE account IS NULL AND accelerator = 'nvidia/h100-sxm5-80gb' AND capacity_hours IS NOT NULL ORDER BY day"),
	"2011-12-01|288\n2011-12-02|384\n2011-12-03|384\n2011-12-04|384\n2011-12-05|492\n2011-12-06|246", 'capacity by days');
is(query("SELECT count(*) > 0 AND bool_and(allocation IS NOT DISTINCT FROM round(allocated_hours / capacity_hours, 6) AND utilization IS NOT DISTINCT FROM round(used_hours / capacity_hours, 6)) FROM utilization_daily WHERE capacity_hours > 0 AND num_nonnulls(allocated_hours, used_hours) > 0"), 't', 'utilization is use over capacity');
is(query("SELECT count(*), sum(capacity_hours) = round(8 * (extract(epoch FROM timestamptz '$now' - (date_trunc('day', timestamptz '$now') - interval '2 days')) / 3600), 12), count(used_hours) FROM utilization_daily WHERE accelerator = 'amd/mi300x'"),
	'3|t|0', 'idle capacity has rows, the last as far as as_of');
is(query("SELECT DISTINCT allocation, utilization, use_of_allocated FROM utilization_daily WHERE accelerator = 'amd/mi300x'"), '0.000000|0.000000|', 'of which nothing is used');
is(query("SELECT day, trim_scale(capacity_hours) FROM utilization_daily WHERE account IS NULL AND region_name = 'here/2' AND accelerator = 'nvidia/a100-pcie-40gb' AND day BETWEEN '2011-12-01' AND '2011-12-03' ORDER BY day"),
	"2011-12-01|144\n2011-12-02|144\n2011-12-03|", 'slices are capacity by their share, where it is known');
query("UPDATE capacity SET devices = 4 WHERE source = 'rack 7' AND upper_inf(recorded)");
is(query("SELECT count(*), count(*) FILTER (WHERE upper_inf(recorded)) FROM capacity WHERE source = 'rack 7'"), '2|1', 'what was held to be true before stays');
query('SELECT refresh_rollups()');
is(query("SELECT trim_scale(max(capacity_hours)) FROM utilization_daily WHERE accelerator = 'amd/mi300x'"), '96', 'and the rollup has what is true now');
query("SELECT refresh_rollups('$now')");
is(query("SELECT trim_scale(max(capacity_hours)) FROM utilization_daily WHERE accelerator = 'amd/mi300x'"), '192', 'and, as of then, what was');

# The hours of utilization are those of the days, and each hour is what its records and its capacity say.
my $hours = q{SELECT account, region, accelerator, (hour AT TIME ZONE 'UTC')::date AS day, sum(capacity_hours) AS c, sum(reserved_hours) AS r, sum(allocated_hours) AS a, sum(used_hours) AS u,
	bool_and(allocation IS NOT DISTINCT FROM round(coalesce(allocated_hours, CASE WHEN account IS NULL AND used_hours IS NULL OR num_nonnulls(reserved_hours, used_hours) = 0 THEN 0 END) / nullif(capacity_hours, 0), 6)) AS right_ratio
	FROM utilization_hourly GROUP BY 1, 2, 3, 4};
is(query("SELECT count(*) > 100, count(*) FILTER (WHERE h.day IS NULL OR d.day IS NULL), count(*) FILTER (WHERE h.account IS NULL AND (abs(h.c - d.capacity_hours) > 1e-10 OR (h.c IS NULL) <> (d.capacity_hours IS NULL)) OR (h.r IS NULL) <> (d.reserved_hours IS NULL) OR abs(h.r - d.reserved_hours) > 1e-10
		OR (h.a IS NULL) <> (d.allocated_hours IS NULL) OR abs(h.a - d.allocated_hours) > 1e-10 OR (h.u IS NULL) <> (d.used_hours IS NULL) OR abs(h.u - d.used_hours) > 1e-10), count(*) FILTER (WHERE NOT h.right_ratio)
	FROM ($hours) AS h FULL JOIN utilization_daily AS d ON d.account IS NOT DISTINCT FROM h.account AND d.region = h.region AND d.accelerator = h.accelerator AND d.day = h.day"), 't|0|0|0', 'utilization by the hour adds up to that by the day');
is(query("SELECT hour, trim_scale(capacity_hours) FROM utilization_hourly WHERE account IS NULL AND region_name = 'here/1' AND accelerator = 'nvidia/h100-sxm5-80gb' AND hour BETWEEN '2011-12-04 23:00' AND '2011-12-05 00:00' ORDER BY hour"),
	"2011-12-04 23:00:00+00|16\n2011-12-05 00:00:00+00|20.5", 'capacity that changes at an hour');
query("UPDATE capacity SET devices = 3 WHERE source = 'rack 7' AND upper_inf(recorded); INSERT INTO capacity (region, accelerator, devices, valid) SELECT id, 'nvidia/l4', 4, '[2011-12-01 00:15,2011-12-01 02:45)' FROM region WHERE name = 'here/2'");
query('SELECT refresh_rollups()');
is(query("SELECT hour::time, trim_scale(capacity_hours) FROM utilization_hourly WHERE account IS NULL AND region_name = 'here/2' AND accelerator = 'nvidia/l4' AND capacity_hours IS NOT NULL ORDER BY hour"),
	"00:00:00|3\n01:00:00|4\n02:00:00|3", 'and within one');
like(query("SET enable_seqscan = off; EXPLAIN (COSTS off) SELECT * FROM utilization_hourly WHERE hour >= '2011-12-01' AND hour < '2011-12-02'"), qr/_usage_hourly_hour_idx( on _usage_hourly h)?\n\s*Index Cond: .*2011-12-01/, 'of a day only its hours are read');

# Who may.
my ($rc, $out, $err) = $node->psql($db, "SELECT refresh_rollups(clock_timestamp() + interval '1 hour')", extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
like($err, qr/LC012/, 'no rollup of what may yet be recorded');
query(q{
	SELECT grant_access('bill', 'biller'), grant_access('read', 'reader', 'a2');
});
my $all = query('SELECT count(*) FROM usage_daily');
is(query_as('bill', q{SELECT refresh_rollups() <= clock_timestamp()}), 't', 'a biller refreshes');
is(query_as('bill', 'SELECT count(*) FROM usage_daily'), $all, 'and sees everything');
is(query_as('read', q{SELECT DISTINCT account_name FROM my_usage_daily UNION SELECT account_name FROM my_usage_hourly}), 'a2', 'a reader sees his accounts');
is(query_as('read', 'SELECT sum(device_time) FROM my_usage_hourly'), query("SELECT sum(device_time) FROM usage_daily WHERE account_name = 'a2'"), 'all of it');
for my $relation (qw(_rollup_zone _usage_hourly _usage_daily _unused_hourly _utilization_daily _fleet_hourly _fleet_daily _usage_monthly _capacity_monthly _spend_daily _utilization_monthly _spend_monthly capacity usage_hourly usage_daily utilization_daily utilization_hourly spend_daily utilization_monthly spend_monthly))
{
	($rc, $out, $err) = $node->psql($db, "SELECT * FROM compute_ledger.$relation", extra_params => [ '-U', 'read', '-v', 'VERBOSITY=sqlstate' ]);
	like($err, qr/42501/, "$relation is not for readers");
}
for my $role (qw(read nobody))
{
	($rc, $out, $err) = $node->psql($db, "SELECT compute_ledger.refresh_rollups()", extra_params => [ '-U', $role, '-v', 'VERBOSITY=sqlstate' ]);
	like($err, qr/42501/, "$role may not refresh");
}
($rc, $out, $err) = $node->psql($db, "SELECT _refresh_rollup('pg_class', false)", extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
like($err, qr/22023/, 'nothing but rollups is refreshed on behalf of the owner');

# A restored database has its rollups filled, also by a superuser: REFRESH MATERIALIZED VIEW has the rights of their owner.
$ENV{PGUSER} = $superuser;
my $dump = $node->basedir . '/ledger.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr($db) ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored OWNER ledger_owner');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'restore');
my $digest = q{SELECT md5(string_agg(u::text, ',' ORDER BY u::text COLLATE "C")) FROM compute_ledger._usage_hourly AS u};
is($node->safe_psql('restored', $digest), query($digest), 'rollups are the same after a restore');

done_testing();
