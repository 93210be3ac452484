# Sixteen sessions call every function of pools, bookings and policy at once, at all isolation levels, over several pools, while
# capacity is lowered, accounts are moved, licences are withdrawn and sessions are killed.  At no instant that anybody could see is
# more booked than there is, added up from the reservations; there is no deadlock, and no error but those that are meant.
#
# COMPUTE_LEDGER_SECONDS says how long (12), COMPUTE_LEDGER_SEED in which order.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run;
use List::Util qw(sum0);
use Time::HiRes qw(sleep time);

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261201;
my $seconds = $ENV{COMPUTE_LEDGER_SECONDS} // 12;
my $clients = 16;
srand($seed);
note "seed $seed, $seconds s";

my $node = PostgreSQL::Test::Cluster->new('booking_attack');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\nmax_connections = 60\ndeadlock_timeout = '200ms'\nclient_min_messages = error\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_account('net', currency => 'USD', jurisdiction => 'DE'), create_account('house', currency => 'USD', jurisdiction => 'DE');
	SELECT create_account('a' || n, parent => CASE WHEN n % 2 = 0 THEN 'net' ELSE 'house' END, jurisdiction => 'DE') FROM generate_series(1, 8) AS n;
	SELECT create_region('south'), create_region('north');
	-- 1 to 3 of whole cards, the third with guests; 4 has outages and what its centre holds itself, and so may be short; 5 and 6 trade cards
	SELECT create_pool(CASE WHEN n < 3 THEN 'south' ELSE 'north' END, (CASE n WHEN 5 THEN 'nvidia/a100-sxm4-40gb' WHEN 6 THEN 'nvidia/a100-sxm4-40gb:1g.5gb' ELSE 'nvidia/h100-sxm5-80gb' END)::accelerator,
		'p' || n, granule => CASE n WHEN 2 THEN 4 ELSE 1 END, hold => '2 seconds', host => CASE n WHEN 3 THEN 'house' END) FROM generate_series(1, 6) AS n;
	SELECT offer_devices(n, CASE n WHEN 6 THEN 0 ELSE 24 END, tstzrange(date_trunc('day', now()), NULL)) FROM generate_series(1, 6) AS n;
	SELECT set_guest_share(3, 0.5, tstzrange(date_trunc('day', now()), NULL));
	-- what is idle of the first four is for those who give way
	SELECT offer_idle(n, 0.1, 'USD', CASE n WHEN 4 THEN interval '0' ELSE interval '1 minute' END) FROM generate_series(1, 4) AS n;
	SELECT create_policy('house'), create_access_rule('needs one', 'house', 'needs_licence', 'rule 1', accounts => '{a1,a2}'), create_access_rule('flagged', 'house', 'deny', 'rule 2', flags => '{barred}');
	SELECT grant_licence('a1', 'needs one', '[2020-01-01Z,2100-01-01Z)'), create_price('nvidia', 'USD', 2), create_price('nvidia', 'USD', 1, measure => 'reserved');
	CREATE TABLE found (at timestamptz, pool bigint, guests boolean, instant timestamptz, booked bigint, may numeric);
	CREATE SEQUENCE request;

	-- Some reservation, mostly one of the last.
	CREATE FUNCTION pick() RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM reservation WHERE id >= (SELECT max(id) FROM reservation) - random() * random() * 300 ORDER BY id LIMIT 1 $$;
	CREATE FUNCTION soon(minutes integer) RETURNS timestamptz LANGUAGE sql AS $$ SELECT date_trunc('minute', clock_timestamp()) + make_interval(mins => $1) $$;

	-- Brings in usage that names some reservation.
	CREATE FUNCTION use() RETURNS bigint LANGUAGE sql AS $$
		INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, reservation)
		SELECT 'jobs', clock_timestamp()::text || random(), a.name, g.name, p.accelerator::text, '1', (now() - interval '1 minute')::text, now()::text, 'ledger:' || r.id
		FROM (SELECT pick() AS id OFFSET 0) AS x JOIN reservation AS r USING (id) JOIN account AS a ON a.id = r.account JOIN pool AS p ON p.id = r.pool JOIN region AS g ON g.id = p.region;
		SELECT accepted FROM accept_usage() $$;

	-- What is booked at each instant from now on, added up from the reservations as they are, where it is more than may be.
	CREATE FUNCTION overbooked(pools bigint[]) RETURNS SETOF found LANGUAGE sql AS $$
		WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now)
		, taken AS MATERIALIZED (
			SELECT r.pool, g.guests, x.period, x.devices
			FROM clock CROSS JOIN reservation AS r
			CROSS JOIN LATERAL (
				SELECT tstzrange(greatest(r.since, lower(r.occupies)), upper(r.occupies)) * r.occupies, r.devices::bigint WHERE NOT isempty(r.occupies)
				UNION ALL SELECT s.period, s.level::bigint FROM steps(r.earlier) AS s) AS x (period, devices)
			CROSS JOIN (VALUES (false), (true)) AS g (guests)
			WHERE r.pool = ANY (pools) AND (r.guest OR NOT g.guests) AND NOT (r.state = 'held' AND r.held_until <= clock.now)
				AND upper(x.period) > clock.now)
		, instant AS (
			SELECT DISTINCT t.pool, t.guests, greatest(lower(t.period), clock.now) AS at FROM clock, taken AS t)
		, level AS (SELECT i.pool, i.guests, i.at, (SELECT sum(t.devices) FROM taken AS t WHERE t.pool = i.pool AND t.guests = i.guests AND t.period @> i.at) AS devices FROM instant AS i)
		SELECT clock.now, l.pool, l.guests, l.at, l.devices, may.devices
		FROM clock CROSS JOIN level AS l CROSS JOIN LATERAL (SELECT coalesce(level_at(_pool_limit(l.pool, tstzrange(l.at, l.at + interval '1 microsecond'), l.guests), l.at), 0)) AS may (devices)
		WHERE l.devices > may.devices
	$$;
});
my @accounts = map { "a$_" } 1 .. 8;

sub chance { return rand() < $_[0] }
sub one_of { return $_[ rand @_ ] }
sub soon { my ($minutes) = @_; return "soon($minutes)" }
sub span { my $from = int rand one_of(3, 60, 6000); my $to = $from + 1 + int rand one_of(3, 300, 20000); return "tstzrange(soon($from), soon($to))" }
sub devices { my ($pool) = @_; return ($pool == 2 ? 4 : 1) * (1 + int rand 6) }
sub account { return "'" . one_of(@accounts) . "'" }
sub request { return chance(0.3) ? ", request => 'q' || " . (chance(0.7) ? "nextval('request')" : 'currval(pg_get_serial_sequence(\'booking\', \'id\')) % 50') : '' }
sub options { return (chance(0.5) ? ', confirmed => true' : '') . (chance(0.5) ? ', priority => ' . int rand 3 : '') . (chance(0.3) ? ', preemptible => true' : '') }

# What is called, how often, and what of it.
my @calls = (
	[ 25, sub { my $p = 1 + int rand 6; return "book(@{[ account() ]}, $p, @{[ devices($p) ]}, @{[ span() ]}@{[ options() ]})" } ],
	[ 8, sub { my @p = map { 1 + int rand 6 } 0 .. 1 + rand 3; my $s = span(); return "book(@{[ account() ]}, ARRAY[" . join(', ', map { "ROW($_, @{[ devices($_) ]}, $s)" } @p) . "]::reservation_piece[]@{[ options() ]})" } ],
	[ 6, sub { return 'confirm_reservation(pick())' } ],
	[ 6, sub { return 'cancel_reservation(pick())' } ],
	[ 6, sub { return 'extend_reservation(r.id, upper(r.period) + make_interval(mins => ' . int(1 + rand 500) . '))' } ],
	[ 5, sub { return chance(0.5) ? 'shrink_reservation(r.id, r.devices - ' . one_of(1, 4) . ')' : 'shrink_reservation(r.id, until => upper(r.period) - interval \'1 minute\')' } ],
	[ 6, sub { return 'move_reservation(r.id, ' . (chance(0.5) ? span() : "tstzrange(lower(r.period), upper(r.period) + interval '5 minutes')") . (chance(0.3) ? ', r.devices + 4' : '') . ')' } ],
	[ 4, sub { return 'start_reservation(pick())' } ],
	[ 4, sub { return 'end_reservation(pick())' } ],
	[ 2, sub { return 'record_reservations()' } ],
	[ 4, sub { my $p = 1 + int rand 5; return "offer_devices($p, @{[ 12 + int rand 20 ]}, " . (chance(0.5) ? 'tstzrange(soon(0), NULL)' : span()) . ', drain => ' . one_of('true', 'false') . ')' } ],
	[ 3, sub { my $p = 1 + int rand 5; return "plan_maintenance($p, @{[ devices($p) ]}, @{[ span() ]}, drain => " . one_of('true', 'false') . ')' } ],
	[ 2, sub { return 'cancel_maintenance((SELECT min(id) FROM pool_reduction WHERE kind = \'maintenance\' AND withdrawn = \'infinity\'))' } ],
	[ 1, sub { return "record_outage(4, @{[ devices(4) ]}, tstzrange(clock_timestamp(), soon(@{[ 1 + int rand 50 ]})))" } ],
	[ 1, sub { return 'end_outage((SELECT max(id) FROM pool_reduction WHERE kind = \'outage\'), clock_timestamp())' } ],
	[ 1, sub { return 'set_guest_share(3, ' . one_of('0.25', '0.5', '0.75') . ', tstzrange(soon(0), NULL))' } ],
	[ 2, sub { return one_of("move_devices(5, 6, 1, soon(@{[ int rand 500 ]}))", "move_devices(6, 5, 1, soon(@{[ int rand 500 ]}))") } ],
	[ 3, sub { return 'pool_availability(' . (1 + int rand 6) . ', ' . span() . ')' } ],
	[ 2, sub { return "availability('north', 'nvidia/h100', " . span() . ')' } ],
	[ 3, sub { return 'answer_reservation(pick(), ' . one_of("'accepted'", "'accepted'", "'refused', 'no room'", "'lost', 'burnt'") . ", centre_id => 'c' || clock_timestamp()" . ')' } ],
	# what the centre holds itself may leave a pool short, too
	[ 3, sub { my $p = 1 + int rand 4; return "report_pool($p" . ($p == 4 && chance(0.5) ? ", ARRAY[ROW(1, soon(@{[ int rand 30 ]}), NULL, NULL)]::pool_use[]" : '') . ')' } ],
	[ 1, sub { return "drain_reservations(4, @{[ span() ]})" } ],
	[ 1, sub { return 'short_reservations(4)' } ],
	[ 2, sub { return "grant_licence('a" . (1 + int rand 2) . "', 'needs one', tstzrange(soon(0), soon(10000)))" } ],
	[ 2, sub { return 'withdraw_licence((SELECT min(id) FROM licence WHERE upper_inf(recorded)))' } ],
	[ 1, sub { return "set_flag('a3', 'barred', @{[ span() ]})" } ],
	[ 1, sub { return "set_party(@{[ account() ]}, 'DE', " . one_of("'DE'", 'NULL') . ')' } ],
	[ 2, sub { return "screen(@{[ account() ]}, 'nvidia/h100-sxm5-80gb', 'south', @{[ span() ]})" } ],
	[ 1, sub { return 'rescreen()' } ],
	[ 2, sub { return 'use()' } ],
	[ 2, sub { return "move_account(@{[ account() ]}, " . one_of("'net'", "'house'") . ', date_trunc(\'second\', clock_timestamp()) + interval \'1 day\' * random())' } ],
);
my @choices = map { ($_->[1]) x $_->[0] } @calls;

# One transaction of a session, as psql reads it.
sub transaction
{
	my $level = one_of('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');
	my $call = one_of(@choices)->();
	my $from = $call =~ /\br\.id/ ? ' FROM (SELECT pick() AS id OFFSET 0) AS p JOIN reservation AS r USING (id) CROSS JOIN LATERAL ' : ' FROM ';
	my $before = chance(0.3) && $level ne 'READ COMMITTED' ? "SELECT pick() > 0;\n" : '';
	return "BEGIN ISOLATION LEVEL $level;\n${before}SELECT count(*)$from$call AS call;\n" . (chance(0.05) ? 'ROLLBACK' : 'COMMIT') . ";\n";
}

# ------------------------------------------------------------------ sessions

my (%errors, %said, $killed, $done);

# Starts a session that has some hundred transactions to do.
my $started = 0;
sub start
{
	# files: what is piped would wait for somebody to pump it
	my $file = $node->basedir . '/session' . ++$started;
	append_to_file("$file.sql", join '', map { transaction() } 1 .. 200);
	return { out => "$file.out", run => IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres') . ' application_name=attack', '-f', "$file.sql" ], '>', "$file.out", '2>&1') };
}

# Counts what a session was told.
sub count
{
	my ($session) = @_;
	my $out = slurp_file($session->{out});
	$done += () = $out =~ /^\d+$/mg;
	for ($out =~ /(?:ERROR|FATAL):  (\w{5}: [^\n]*)/g)
	{
		my $code = substr $_, 0, 5;
		$errors{$code}++;
		$said{$code}{ substr($_, 7, 120) =~ s/\d+/N/gr =~ s/: [^:]*$//r }++;
	}
	return;
}

my $until = time + $seconds;
my @sessions = map { start() } 1 .. $clients;
my $watch = $node->background_psql('postgres');
{
	# it would say every query and every answer
	no warnings qw(redefine once);
	*PostgreSQL::Test::BackgroundPsql::note = sub { };
}
my ($looks, $next_kill) = (0, time + 1);
while (time < $until)
{
	for my $s (@sessions)
	{
		IPC::Run::pump_nb($s->{run}) if $s->{run}->pumpable;
		next if $s->{run}->pumpable;
		IPC::Run::finish($s->{run});
		count($s);
		$s = start();
	}
	$watch->query_safe("BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO found SELECT * FROM overbooked('{1,2,3,5,6}'); COMMIT");
	$looks++;
	if (time > $next_kill)
	{
		$killed += $node->safe_psql('postgres', q{SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = 'attack' ORDER BY random() LIMIT 2) AS a});
		$next_kill = time + 1;
	}
	sleep 0.05;
}
$watch->quit;
$node->safe_psql('postgres', q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'attack'});
for my $s (@sessions)
{
	IPC::Run::finish($s->{run});
	count($s);
}
note $node->safe_psql('postgres', q{SELECT count(*) FROM reservation_change WHERE action = 'preempt'}) . ' reservations gave way';
note "$done transactions answered, $looks looks, $killed sessions killed while they were at it";
note join ', ', map { "$_ ($errors{$_})" } sort keys %errors;
for my $code (sort keys %said)
{
	note "$code: $_ ($said{$code}{$_})" for sort keys %{ $said{$code} };
}

cmp_ok($done, '>', 20 * $seconds, 'much was done');
is($errors{'40P01'} // 0, 0, 'no deadlock');
my %meant = map { ($_ => 1) } qw(40001 57P01 LC020 LC021 LC022 LC023 LC024 LC025 LC026 22023 22000 22008 23000 23001 42704 55000);
is(join(' ', grep { !$meant{$_} } sort keys %errors), '', 'no error but those that are meant') or diag join "\n", map { my $code = $_; map { "$_ ($said{$code}{$_})" } sort keys %{ $said{$code} } } grep { !$meant{$_} } sort keys %errors;
is($node->safe_psql('postgres', 'SELECT * FROM found LIMIT 10'), '', 'at no instant was more booked than there was');
is($node->safe_psql('postgres', "SELECT * FROM overbooked('{1,2,3,5,6}') LIMIT 10"), '', 'nor is now');
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT FROM reservation GROUP BY booking HAVING count(*) <> (SELECT count(*) FROM reservation_change AS c WHERE c.action = 'book' AND c.reservation = ANY (array_agg(reservation.id)))) AS half}), 0, 'every piece that was booked has its history');
is($node->safe_psql('postgres', 'SELECT * FROM check_ledger() WHERE severity <> \'advice\''), '', 'check_ledger() finds nothing') or diag $node->safe_psql('postgres', q{
	SELECT c.reservation, c.action, c.at, c.state, c.devices, c.occupies, r.usage_due, r.state FROM check_ledger() AS f CROSS JOIN LATERAL regexp_matches(f::text, 'reservation ([0-9]+)') AS n (of)
	JOIN reservation_change AS c ON c.reservation = n.of[1]::bigint JOIN reservation AS r ON r.id = c.reservation ORDER BY c.id});
note $node->safe_psql('postgres', "SELECT string_agg(state || ' ' || n, ', ' ORDER BY state) FROM (SELECT state, count(*) AS n FROM reservation GROUP BY 1) AS s");
done_testing();
