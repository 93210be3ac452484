# A large load of which one row in twenty is bad, in every way that there is: the others
# are in, and each bad one has its reason.  USAGE_ROWS says how many; 20000 unless set.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $rows = $ENV{USAGE_ROWS} || 20000;
my $node = PostgreSQL::Test::Cluster->new('usage_load');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION compute_ledger;
SELECT compute_ledger.create_ledger();
SELECT compute_ledger.create_account('root', time_zone => 'UTC', currency => 'USD');
SELECT count(compute_ledger.create_account('team-' || n, parent => 'root')) FROM generate_series(0, 19) AS n;
SELECT count(compute_ledger.create_region('region-' || n)) FROM generate_series(0, 3) AS n;
SQL

# Every bad way, the column it is in, what stands there, and how it ends.
my @ways = (
	[ 'conflict', 'devices', q('9'), 'LC008' ],
	[ 'unknown chip', 'accelerator', q('Pentium 4'), 'LC003' ],
	[ 'unknown account', 'account', q('nobody'), 'LC006' ],
	[ 'unknown region', 'region', q('nowhere'), 'LC007' ],
	[ 'empty period', 'ended_at', q(started_at), '22000' ],
	[ 'reversed period', 'ended_at', q('2024-01-01T00:00:00Z'), '22000' ],
	[ 'no devices', 'devices', q('0'), '22003' ],
	[ 'negative devices', 'devices', q('-4'), '22003' ],
	[ 'devices that are no number', 'devices', q('eight'), '22P02' ],
	[ 'start in the future', 'started_at', q('2999-01-01T00:00:00Z'), 'LC009' ],
	[ 'end in the future', 'ended_at', q('2999-01-01T00:00:00Z'), 'LC009' ],
	[ 'a clock that was never set', 'started_at', q('1970-01-01T00:00:00Z'), 'LC009' ],
	[ 'no start', 'started_at', q(''), '23502' ],
	[ 'infinite start', 'started_at', q('-infinity'), '22007' ],
	[ 'infinite end', 'ended_at', q('infinity'), '22007' ],
	[ 'a day that is not', 'started_at', q('2024-02-30T00:00:00Z'), '22007' ],
	[ 'a start that is no instant', 'started_at', q('last tuesday'), '22007' ],
	[ 'an end that moves', 'ended_at', q('today'), '22007' ],
	[ 'labels that are no JSON', 'labels', q('{team: x}'), '22P02' ],
	[ 'labels that are no object', 'labels', q('["x"]'), '22023' ],
	[ 'work without a unit', 'achieved_work', q('17'), '22P02' ],
	[ 'an unknown measure', 'measure', q('estimated'), '22P02' ],
	[ 'a revision that is no number', 'revision', q('latest'), '22P02' ],
	[ 'no source', 'source', q(NULL), '23502' ],
	[ 'a key that is too long', 'source_id', q(source_id || repeat('x', 1000)), '54000' ]);
my @columns = qw(source source_id revision account region accelerator devices started_at ended_at measure achieved_work labels);

# Row n is bad in way (n / 20) mod the number of ways if 20 divides n.
my $n_ways = @ways;
my %cell;
for my $i (0 .. $#ways)
{
	push @{ $cell{ $ways[$i][1] } }, "WHEN $i THEN $ways[$i][2]";
}
my $select = join ', ', map { $cell{$_} ? "CASE way " . join(' ', @{ $cell{$_} }) . " ELSE $_ END" : $_ } @columns;
my $columns = join ', ', @columns;
$node->safe_psql('postgres', <<SQL);
CREATE TABLE feed AS
SELECT n, CASE WHEN n % 20 = 0 THEN n / 20 % $n_ways END AS way,
	'source-' || n % 3 AS source, 'job-' || n AS source_id, NULL::text AS revision, 'team-' || n * 7 % 20 AS account, 'region-' || n % 4 AS region,
	(ARRAY['NVIDIA H100 80GB HBM3', 'A100-SXM4-80GB', 'AMD Instinct MI300X', 'H200', 'L40S'])[1 + n % 5] AS accelerator, (1 + n % 8)::text AS devices,
	to_char(s, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at, to_char(s + n % 977 * interval '1 minute' + interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS ended_at,
	CASE n % 3 WHEN 0 THEN 'used' END AS measure, CASE n % 11 WHEN 0 THEN n || ' TFLOPh' END AS achieved_work, CASE n % 2 WHEN 0 THEN '{"n": ' || n || '}' END AS labels
FROM generate_series(1, $rows) AS n, LATERAL (SELECT timestamp '2024-03-01' + n * interval '7 seconds' AS s) AS x;
-- what the conflicts are in conflict with
INSERT INTO compute_ledger.usage_inbox ($columns) SELECT $columns FROM feed WHERE way = 0;
INSERT INTO compute_ledger.usage_inbox ($columns) SELECT $select FROM feed;
SQL
# A conflict has the devices of row n changed; with 9 devices there is none by chance.
my $first = $node->safe_psql('postgres', "SELECT count(*) FROM feed WHERE way = 0");
my $began = time;
my $result = $node->safe_psql('postgres', "SELECT taken, accepted, duplicate, rejected FROM compute_ledger.accept_usage()");
note sprintf('accepted %d rows in %.1f s', $rows + $first, time - $began);
my $bad = int($rows / 20);
is($result, join('|', $rows + $first, $rows - $bad + $first, 0, $bad), "all but $bad are accepted");
is($node->safe_psql('postgres', 'SELECT count(*) FROM compute_ledger.usage_inbox'), 0, 'nothing is left');

for my $i (0 .. $#ways)
{
	my ($what, $column, $value, $state) = @{ $ways[$i] };
	my $id = $column eq 'source_id' ? "left(r.source_id, -1000)" : 'r.source_id';
	is($node->safe_psql('postgres', <<SQL), $node->safe_psql('postgres', "SELECT count(*) || '|$state' FROM feed WHERE way = $i"), $what);
SELECT count(*) || '|' || string_agg(DISTINCT r.sqlstate, ',')
FROM feed AS f JOIN compute_ledger.usage_rejected AS r ON $id = f.source_id
WHERE f.way = $i AND r.reason <> ''
SQL
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM compute_ledger.usage_rejected'), $bad, 'and no more than that');
$node->safe_psql('postgres', 'ANALYZE');
is($node->safe_psql('postgres', <<'SQL'), 0, 'every good row is there, as it was sent');
SELECT count(*) FROM feed AS f
LEFT JOIN compute_ledger.usage_record AS r ON r.source = f.source AND r.source_id = f.source_id AND r.revision = 0
	AND r.account_name = f.account AND r.region_name = f.region AND r.accelerator_name = f.accelerator AND r.devices = f.devices::numeric
	AND r.started_at = f.started_at::timestamptz AND r.ended_at = f.ended_at::timestamptz AND r.measure = coalesce(f.measure, 'allocated')
	AND r.labels IS NOT DISTINCT FROM f.labels::jsonb
	AND coalesce(compute_ledger.flop_hours(r.achieved_work), 0) = coalesce(substring(f.achieved_work FROM '\d+')::numeric * 1000000000000, 0)
	AND r.superseded = 'infinity'
WHERE (f.way IS NULL OR f.way = 0) AND r.id IS NULL
SQL
is($node->safe_psql('postgres', 'SELECT count(*) FROM compute_ledger.usage_record'), $rows - $bad + $first, 'and no other');

# All of it once more: duplicates, and the same reasons.
$node->safe_psql('postgres', "INSERT INTO compute_ledger.usage_inbox ($columns) SELECT $select FROM feed");
is($node->safe_psql('postgres', "SELECT taken, accepted, duplicate, rejected FROM compute_ledger.accept_usage()"),
	join('|', $rows, 0, $rows - $bad, $bad), 'sent again it changes nothing');

# Mended: what was unknown is known now, the rest is told what it should have been.
$node->safe_psql('postgres', <<'SQL');
INSERT INTO compute_ledger.accelerator_alias (alias, accelerator) VALUES ('Pentium 4', 'intel/gaudi2-oam-96gb');
SELECT compute_ledger.create_account('nobody', parent => 'root');
SELECT compute_ledger.create_region('nowhere');
SQL
my $unknown = $node->safe_psql('postgres', 'SELECT count(*) FROM feed WHERE way IN (1, 2, 3)');
is($node->safe_psql('postgres', "SELECT string_agg(concat_ws('|', taken, accepted, duplicate, rejected), ' ') FROM unnest(ARRAY['LC003', 'LC006', 'LC007']) AS s, LATERAL compute_ledger.retry_rejected(sqlstate => s)"),
	join(' ', map { my $n = $node->safe_psql('postgres', "SELECT count(*) FROM feed WHERE way = $_"); join('|', 2 * $n, $n, $n, 0) } 1 .. 3),
	'what was rejected twice for a name is accepted once when the name is known');
is($node->safe_psql('postgres', "SELECT count(*) FROM compute_ledger.usage_rejected"), 2 * $bad, 'and the rejections are kept');

# What the planner knows of the inbox is wrong where a VACUUM came while it was empty and others were writing into it: names are
# hashed all the same, and the batch is not, whatever its size.
$node->safe_psql('postgres', q{INSERT INTO compute_ledger.account (name) SELECT 'many-' || n FROM generate_series(1, 2000) AS n;
	INSERT INTO compute_ledger.account_version (account, parent) SELECT a.id, r.id FROM compute_ledger.account AS a, compute_ledger.account AS r WHERE a.name LIKE 'many-%' AND r.name = 'root'});
my $writer = $node->background_psql('postgres');
$writer->query_safe(q{BEGIN; INSERT INTO compute_ledger.usage_inbox (source, source_id) SELECT 'writing', n FROM generate_series(1, 5000) AS n});
$node->safe_psql('postgres', 'VACUUM compute_ledger.usage_inbox');
is($node->safe_psql('postgres', q{SELECT reltuples < 100 FROM pg_class WHERE oid = 'compute_ledger.usage_inbox'::regclass}), 't', 'the inbox is taken for an empty one');
$node->safe_psql('postgres', q{INSERT INTO compute_ledger.usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
	SELECT 'plan', n, 'many-' || 1 + n % 2000, 'region-0', 'H100', 1, '2024-05-01T00:00Z', '2024-05-01T01:00Z' FROM generate_series(1, 4000) AS n});
my ($out, $plans);
$node->psql('postgres', "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off;
	SET client_min_messages = log; SELECT accepted FROM compute_ledger.accept_usage(source => 'plan')", stdout => \$out, stderr => \$plans);
is($out, 4000, 'what was put in is taken');
for my $names (qw(accounts regions names rates reservations))
{
	my @scans = grep { /CTE Scan on $names / && /actual/ } split /\n/, $plans;
	is(scalar(grep { !/never executed|loops=1\)/ } @scans), 0, "$names: read once") or diag join "\n", @scans;
}
my @hashed = grep { /-> +Hash  \(/ && /rows=4000 loops=1\)/ } split /\n/, $plans;
is(join("\n", @hashed), '', 'no row of the batch is hashed');
$writer->query_safe('ROLLBACK');
$writer->quit;
done_testing();
