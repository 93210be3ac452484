# Agents that take work in many short transactions and keep nothing in a session: through PgBouncer in transaction mode, where it is
# installed, so that the calls of one agent come over several connections.  Agents are killed in the middle, and once a server
# process: others take over, all work is started and ended once, and no two leases of it are good at a time.
#
# COMPUTE_LEDGER_SEED says in which order agents are killed.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run;
use Time::HiRes qw(sleep time);

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261130;
srand($seed);
note "seed $seed";
my ($agents, $work) = (6, 120);

my $node = PostgreSQL::Test::Cluster->new('dispatch');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\nrestart_after_crash = on\nclient_min_messages = error\n");
$node->start;
$node->safe_psql('postgres', qq{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_account('acme', currency => 'USD'), create_region('site');
	CREATE ROLE agent LOGIN;
	SELECT grant_access('agent', 'agent', region => 'site');
	UPDATE queue_setting SET lease = '2 seconds', grace = '5 minutes' WHERE upper_inf(recorded);
	SELECT offer_devices(create_pool('site', 'nvidia/h100-sxm5-80gb', 'p' || n), 64, '[2020-01-01Z,)') FROM generate_series(1, 3) AS n;
	SELECT book('acme', pool_id('site', 'nvidia/h100-sxm5-80gb', 'p' || 1 + n % 3), 1, tstzrange(date_trunc('minute', now()), date_trunc('minute', now()) + interval '3 hours'), confirmed => true) FROM generate_series(1, $work) AS n;
});

# ------------------------------------------------------------------ PgBouncer

my ($program) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin';
my ($bouncer, $connstr) = (undef, $node->connstr('postgres'));
if ($program)
{
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	append_to_file("$dir/users", "\"agent\" \"\"\n");
	append_to_file("$dir/pgbouncer.ini", join "\n", '[databases]', 'postgres = host=' . $node->host . ' port=' . $node->port . ' dbname=postgres', '[pgbouncer]', 'listen_addr =', "listen_port = $port",
		"unix_socket_dir = $dir", 'auth_type = trust', "auth_file = $dir/users", 'pool_mode = transaction', 'default_pool_size = 3', 'server_login_retry = 1', "logfile = $dir/log", '');
	$bouncer = IPC::Run::start([ $program, '-q', "$dir/pgbouncer.ini" ], '>', '/dev/null', '2>&1');
	my $until = time + 10;
	sleep 0.05 until -S "$dir/.s.PGSQL.$port" || time > $until;
	$connstr = "host=$dir port=$port dbname=postgres";
}
else { note 'PgBouncer is not installed: agents connect directly' }

# ------------------------------------------------------------------ agents

# What an agent does: it takes a piece of work, says that it has started, that it goes on, and that it has ended.
my $turn = q{SELECT coalesce(max(t.lease), 0) AS lease, count(*) > 0 AS has, pg_backend_pid() AS pid FROM take_work('agent') AS t \gset
\if :has
\echo pid :pid
SELECT 'started', report_work(:lease, 'started');
SELECT pg_sleep(0.02);
SELECT 'renewed', lease FROM renew_lease(:lease);
SELECT 'beat', report_work(:lease, 'heartbeat');
SELECT 'ended', report_work(:lease, 'ended');
\else
SELECT pg_sleep(0.05);
\endif
};
my $script = $node->basedir . '/agent.sql';
append_to_file($script, $turn x 40);
my ($started, @outputs) = (0);

sub start
{
	my $out = $node->basedir . '/agent' . ++$started;
	push @outputs, $out;
	return IPC::Run::start([ 'psql', '-XAtq', '-U', 'agent', '-v', 'VERBOSITY=verbose', '-d', $connstr, '-f', $script ], '>', $out, '2>&1');
}

my $left = sub { my ($n) = $node->psql('postgres', q{SELECT count(*) FROM reservation WHERE state IN ('confirmed', 'running')}) ? undef : $node->safe_psql('postgres', q{SELECT count(*) FROM reservation WHERE state IN ('confirmed', 'running')}); return $n // -1 };
my @runs = map { start() } 1 .. $agents;
my ($killed, $crashed) = (0, 0);
my $until = time + 600;
my $next = time + 0.5;
while ((my $n = $left->()) != 0 && time < $until)
{
	for my $run (@runs)
	{
		next if $run->pumpable;
		eval { IPC::Run::finish($run) };
		$run = start();
	}
	if (time > $next && $n > $work / 4)
	{
		my $run = $runs[ rand @runs ];
		$run->signal('KILL');
		eval { IPC::Run::finish($run) };
		$killed++;
		$next = time + 0.3;
	}
	if (!$crashed && $n >= 0 && $n < $work / 2)
	{
		# a server process that is at work for an agent; the server starts again by itself
		my $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE usename = 'agent' ORDER BY state = 'active' DESC LIMIT 1});
		$crashed = kill 'KILL', $pid if $pid;
		sleep 1;
	}
	sleep 0.1;
}
$_->signal('KILL') for @runs;
eval { IPC::Run::finish($_) } for @runs;
if ($bouncer)
{
	$bouncer->signal('INT');
	eval { IPC::Run::finish($bouncer) };
}

my $said = join '', map { slurp_file($_) } @outputs;
my %errors;
$errors{$1}++ while $said =~ /(?:ERROR|FATAL|PANIC):  (\w{5})/g;
note "$started agents, $killed killed; ", join ', ', map { "$_ ($errors{$_})" } sort keys %errors;
is(join(' ', grep { !/^(57P0.|08...|LC030|25P02|58000)$/ } sort keys %errors), '', 'no error but of connections that were lost, and leases that had expired') or diag substr $said, 0, 2000;
ok($crashed, 'a server process was killed');
cmp_ok($killed, '>', 3, 'and agents');
SKIP:
{
	skip 'PgBouncer is not installed', 1 if !$program;
	ok((grep { my %pids = map { ($_ => 1) } slurp_file($_) =~ /^pid (\d+)$/mg; keys %pids > 1 } @outputs), 'the calls of one agent came over several connections');
}
is($node->safe_psql('postgres', q{SELECT state, count(*) FROM reservation GROUP BY 1}), "ended|$work", 'all work was done');
is($node->safe_psql('postgres', q{SELECT count(*) FROM reservation AS r WHERE (SELECT count(*) FROM reservation_change AS c WHERE c.reservation = r.id AND c.action = 'start') <> 1
	OR (SELECT count(*) FROM reservation_change AS c WHERE c.reservation = r.id AND c.action = 'end') <> 1}), 0, 'each piece was started once, and ended once');
is($node->safe_psql('postgres', q{SELECT count(*) FROM lease AS a JOIN lease AS b ON b.reservation = a.reservation AND b.id > a.id WHERE b.taken < a.expires}), 0, 'no two leases were good at a time');
is($node->safe_psql('postgres', q{SELECT count(*) FROM lease_report AS p JOIN lease AS l ON l.id = p.lease
	WHERE p.answer IN ('running', 'renewed') AND (p.at >= l.expires OR p.at >= l.replaced)}), 0, 'nothing was done under a lease that was not good');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM lease WHERE replaced IS NOT NULL'), '>', 0, 'work of agents that were killed was taken over');
is($node->safe_psql('postgres', q{SELECT * FROM check_ledger(false) WHERE severity <> 'advice'}), '', 'check_ledger() finds nothing');
done_testing();
