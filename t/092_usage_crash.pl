# The server is killed in the middle of accept_usage(), twenty times at random: nothing
# that was accepted is lost, nothing is there twice, and what was not accepted is in the inbox.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run qw(start);
use Time::HiRes qw(time usleep);
use FindBin;
use lib $FindBin::RealBin;
use Crash;

plan skip_all => 'needs /proc' unless -e '/proc/self/stat';
my $seed = $ENV{USAGE_SEED} || 20240602;
my $rounds = $ENV{USAGE_ROUNDS} || 20;
my $rows = $ENV{USAGE_ROWS} || 1000;
note "seed $seed";
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('usage_crash');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nrestart_after_crash = off\ncheckpoint_timeout = 30s\nmax_wal_size = 64MB\nsynchronous_commit = on\njit = off\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION compute_ledger;
SELECT compute_ledger.create_ledger();
SELECT compute_ledger.create_account('root', time_zone => 'UTC', currency => 'USD');
SELECT compute_ledger.create_region('here');
SQL

# Sends some rows: new ones, corrections of old ones, old ones again, bad ones; one month after the other.
my $sent = 0;
sub send_rows
{
	my ($round) = @_;
	$node->safe_psql('postgres', <<SQL);
INSERT INTO compute_ledger.usage_inbox (source, source_id, revision, account, region, accelerator, devices, started_at, ended_at)
SELECT 'source-' || (n - o) % 3, 'job-' || r || '-' || n - o, CASE n % 10 WHEN 8 THEN 1 ELSE 0 END, CASE n % 20 WHEN 3 THEN 'nobody' ELSE 'root' END, 'here', 'H100', '1',
	d::text, (d + interval '1 hour')::text
FROM generate_series(10, $rows + 9) AS n
CROSS JOIN LATERAL (SELECT CASE WHEN n % 10 < 7 THEN 0 ELSE 7 END, $round - CASE WHEN n % 10 < 7 THEN 0 ELSE 1 END) AS y (o, r)
CROSS JOIN LATERAL (SELECT timestamptz '2022-01-01 00:00Z' + make_interval(months => r, mins => n - o)) AS x (d)
SQL
	$sent += $rows;
}

# How long it takes undisturbed.
send_rows(0);
my $began = time;
$node->safe_psql('postgres', 'SELECT compute_ledger.accept_usage()');
my $length = time - $began;
note sprintf('accept_usage of %d rows takes %.2f s', $rows, $length);

my ($before, $during, $after) = (0, 0, 0);
for my $round (1 .. $rounds)
{
	send_rows($round);
	my $waiting = $node->safe_psql('postgres', 'SELECT count(*) FROM compute_ledger.usage_inbox');
	my ($out, $err) = ('', '');
	my $run = start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT taken FROM compute_ledger.accept_usage()' ], '>', \$out, '2>', \$err);
	usleep(1_000_000 * rand($length * 1.2 * $waiting / $rows));    # a batch that did not get in comes again with the next
	Crash::kill_server($node);
	eval { $run->finish };
	my $left = $node->safe_psql('postgres', 'SELECT count(*) FROM compute_ledger.usage_inbox');
	my $acknowledged = $out =~ /^\d+$/m ? 1 : 0;
	ok($left == $waiting || $left == 0, "round $round: all of the batch or nothing");
	is($left, 0, "round $round: what was acknowledged is there") if $acknowledged;
	$acknowledged ? $after++ : $left == 0 ? $during++ : $before++;
	# Every row that was ever sent is in the inbox or was taken.
	is($node->safe_psql('postgres', <<'SQL'), $sent, "round $round: nothing is lost");
SELECT (SELECT count(*) FROM compute_ledger.usage_inbox) + (SELECT sum(taken) FROM compute_ledger.usage_batch)
SQL
	is($node->safe_psql('postgres', <<'SQL'), '0', "round $round: nothing is there twice or half");
SELECT (SELECT count(*) FROM compute_ledger.usage_batch AS b
	WHERE b.accepted <> (SELECT count(*) FROM compute_ledger.usage_record AS r WHERE r.batch = b.id)
		OR b.rejected <> (SELECT count(*) FROM compute_ledger.usage_rejected AS r WHERE r.batch = b.id))
	+ (SELECT count(*) FROM (SELECT FROM compute_ledger.usage_record GROUP BY source, source_id, revision HAVING count(*) > 1) AS d)
	+ (SELECT count(*) FROM (SELECT FROM compute_ledger.usage_record GROUP BY source, source_id HAVING count(*) FILTER (WHERE superseded = 'infinity') <> 1) AS d)
	+ (SELECT abs(count(*) - (SELECT count(*) FROM compute_ledger.usage_key)) FROM compute_ledger.usage_record)
	+ (SELECT count(*) FROM compute_ledger.usage_key AS k WHERE NOT EXISTS (SELECT FROM compute_ledger.usage_record AS r WHERE r.id = k.record AND compute_ledger._usage_month_number(r.started_at) = k.month))
SQL
}
note "of $rounds rounds, $after had answered, $during had committed without, $before had not";
cmp_ok($before, '>', 0, 'some were killed before the end');

$node->safe_psql('postgres', 'SELECT compute_ledger.accept_usage()');
# What one feed without accidents gives.
is($node->safe_psql('postgres', <<'SQL'), $node->safe_psql('postgres', "SELECT count(*), 0 FROM (SELECT n, r FROM generate_series(10, $rows + 9) AS n, generate_series(0, $rounds) AS r WHERE n % 10 < 7 AND n % 20 <> 3) AS x"), 'in the end every good row is there once, and no other');
SELECT count(*), count(*) FILTER (WHERE source_id !~ '^job-\d+-\d+$') FROM compute_ledger.usage_record WHERE revision = 0 AND source_id ~ '^job-\d+-\d*[0-6]$'
SQL
is($node->safe_psql('postgres', 'SELECT * FROM compute_ledger._check_usage()'), '', 'the ledger finds no fault with itself');
done_testing();
