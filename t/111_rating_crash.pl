# kill -9 in the middle of rating and closing: after recovery nothing is charged twice and nothing is lost.
use strict;
use warnings;
use IPC::Run;
use List::Util qw(shuffle);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use FindBin;
use lib $FindBin::RealBin;
use Crash;

plan skip_all => 'needs /proc' unless -e '/proc/self/stat';

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20260401;
my $rounds = $ENV{COMPUTE_LEDGER_ROUNDS} // 20;
srand($seed);
note "seed $seed, $rounds rounds";

my $node = PostgreSQL::Test::Cluster->new('rating_crash');
$node->init;
# What the system was given outlives the server, on the disk or not: fsync makes no difference here, and every start would wait for it.
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\nsynchronous_commit = on\nfull_page_writes = on\njit = off\nrestart_after_crash = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_account('c' || i, currency => 'USD') FROM generate_series(1, 30) AS i;
	SELECT create_region('r');
	SELECT generate_billing_periods(NULL, '2026-03-01');
	INSERT INTO price (accelerator, currency, model, tier_bounds, tier_prices) VALUES ('any', 'USD', 'graduated', '{100,1000}', '{2,1.7,1.3}');
	INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, number_format)
	SELECT 'crash', 'u' || i, 'c' || i % 30 + 1, 'r', (ARRAY['nvidia/h100-sxm5-80gb', 'nvidia/a100-pcie-40gb'])[i % 2 + 1], i % 8 + 1, s, s + interval '1 minute' * (i % 700 + 1), 'bf16'
	FROM (SELECT i, timestamptz '2026-01-01Z' + interval '7 minutes 13 seconds' * i AS s FROM generate_series(1, 6000) AS i) AS x;
	SELECT * FROM accept_usage();
});
sleep 1.1;

# All that has been billed, and what it should be.
my $state = q{
	SELECT count(*), coalesce(sum(charges), 0), (SELECT count(*) FROM charge), (SELECT count(*) FROM charge AS c WHERE NOT EXISTS (SELECT FROM period_close AS p WHERE p.id = c.close)),
		(SELECT count(*) FROM (SELECT FROM charge WHERE corrects IS NULL GROUP BY account, price, region, accelerator, measure, day, billing_period HAVING count(*) > 1) AS twice)
	FROM period_close};

# Asserts that what is stored is whole, and agrees with rating unless that is not asked for.
sub is_whole
{
	my ($name, $quick) = @_;
	my ($closings, $said, $stored, $orphans, $twice) = split /\|/, $node->safe_psql('postgres', $state);
	is("$stored|$orphans|$twice", "$said|0|0", "$name: $closings closings, each whole");
	return if $quick;
	my $wrong = $node->safe_psql('postgres', q{
		SELECT count(*) FROM (
			SELECT p.id, p.payer, sum(c.cost) AS cost,
				(SELECT sum(r.cost) FROM account AS a, rate_usage(a.name, b.period, p.as_of) AS r WHERE a.id = p.payer) AS rated
			FROM period_close AS p JOIN billing_period AS b ON b.id = p.billing_period LEFT JOIN charge AS c ON c.close = p.id AND c.corrects IS NULL
			WHERE p.id % 5 = (SELECT max(id) FROM period_close) % 5
			GROUP BY p.id, p.payer, b.period, p.as_of) AS x
		WHERE x.cost IS DISTINCT FROM x.rated});
	is($wrong, 0, "$name: and what rating says of that time");
}

# Starts two sessions that close every account's periods, each in a transaction of its own.
sub start_closing
{
	my @sessions;
	for my $month ('[2026-01-01 00:00Z,2026-02-01 00:00Z)', '[2026-02-01 00:00Z,2026-03-01 00:00Z)')
	{
		# a file: what is piped in would wait for somebody to pump it
		my $script = $node->basedir . '/close' . @sessions . '.sql';
		open my $file, '>', $script or die "$script: $!";
		print $file map { "SELECT close_period('c$_', '$month');\n" } shuffle(1 .. 30);
		close $file;
		my ($out, $err) = ('', '');
		push @sessions, { err => \$err, harness => IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', $script ], '>', \$out, '2>', \$err) };
	}
	return @sessions;
}

# Makes room for what there is to kill: undoes, as nobody can, some of the closings.
sub undo
{
	my ($which) = @_;
	$node->safe_psql('postgres', qq{
		SET session_replication_role = replica;
		DELETE FROM charge WHERE close IN (SELECT id FROM period_close WHERE $which);
		DELETE FROM period_close WHERE $which;
		UPDATE period_close SET number = number + 1000000;
		UPDATE period_close AS p SET number = n.number
		FROM (SELECT c.id, row_number() OVER (PARTITION BY c.book, c.payer ORDER BY c.number) AS number FROM period_close AS c) AS n WHERE n.id = p.id});
}

# How long it takes undisturbed.
my $began = time;
for my $session (start_closing())
{
	$session->{harness}->finish;
	is(${ $session->{err} }, '', 'undisturbed, closings are not in the way of each other');
}
my $length = time - $began;
is_whole('undisturbed');
undo('true');

my $killed_in_closing = 0;
my $closings = 0;
for my $round (1 .. $rounds)
{
	my $open = 60 - $node->safe_psql('postgres', 'SELECT count(*) FROM period_close');
	my @sessions = start_closing();
	sleep rand($length * $open / 60);
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM period_close');
	Crash::kill_server($node);
	for my $session (@sessions)
	{
		$session->{harness}->finish;
		$killed_in_closing++ if ${ $session->{err} } =~ /server closed the connection/;
		unlike(${ $session->{err} }, qr/ERROR:  /, "round $round: nothing else is wrong");
	}
	my $closed = $node->safe_psql('postgres', 'SELECT count(*) FROM period_close');
	$closings += $closed - 60 + $open;
	cmp_ok($closed, '>=', $before, "round $round: no closing that was seen is lost");
	is_whole("round $round", $round % 4 != 0);
	undo("id % 2 = $round % 2") if $round < $rounds;
}
note "$closings closings, $killed_in_closing of @{[ 2 * $rounds ]} sessions were killed before they were done";
cmp_ok($killed_in_closing, '>=', $rounds / 2, 'sessions were killed while they closed periods');
cmp_ok($closings, '>', 0, '... and had closed some');
sleep 1.1;
$node->safe_psql('postgres', join '', map { ("SELECT close_period('c$_', '[2026-01-01 00:00Z,2026-02-01 00:00Z)');", "SELECT close_period('c$_', '[2026-02-01 00:00Z,2026-03-01 00:00Z)');") } 1 .. 30);
is_whole('at the end');
is($node->safe_psql('postgres', q{SELECT count(*) FROM period_close}), 60, 'everything is closed');
is($node->safe_psql('postgres', q{SELECT (SELECT sum(cost) FROM charge) = (SELECT sum(cost) FROM rate_usage(NULL, '[2026-01-01,2026-03-01)'))}), 't', 'and billed once');

is($node->safe_psql('postgres', 'SELECT * FROM check_ledger()'), '', 'check_ledger() finds nothing');

# A ledger that was dumped and restored says the same, as of the same recorded times.
my $digest = q{SELECT md5(string_agg(r::text, E'\n' ORDER BY r::text)) FROM rate_usage(NULL, '[2026-01-01,2026-03-01)', (SELECT max(as_of) FROM period_close)) AS r};
my $dump = $node->backup_dir . '/rating.sql';
mkdir $node->backup_dir;
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'restore');
is($node->safe_psql('restored', $digest), $node->safe_psql('postgres', $digest), 'rating says the same after dump and restore');
is($node->safe_psql('restored', q{SELECT close_period('c1', '[2026-01-01 00:00Z,2026-02-01 00:00Z)') = (SELECT p.id FROM period_close AS p JOIN account AS a ON a.id = p.payer JOIN billing_period AS b ON b.id = p.billing_period WHERE a.name = 'c1' AND b.starts_at = '2026-01-01Z')}),
	't', 'what is closed stays closed');
is($node->safe_psql('restored', q{SELECT count(*) FROM account AS a, rate_corrections(a.name) WHERE a.name IN ('c1', 'c2')}), 0, 'and nothing is to be corrected');

done_testing();
