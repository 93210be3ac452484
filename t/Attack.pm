# Sessions that call functions at random, all at once, and are killed while they are at it; meanwhile everything that is booked is
# added up from the reservations.  Not a test.
package Attack;
use strict;
use warnings;
use Exporter qw(import);
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(chance one_of);

sub chance { return rand() < $_[0] }
sub one_of { return $_[ rand @_ ] }

# A server with a ledger, on which few wait for long.
sub server
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\nmax_connections = 60\ndeadlock_timeout = '200ms'\nclient_min_messages = error\n");
	$node->start;
	$node->safe_psql('postgres', q{
		CREATE EXTENSION compute_ledger;
		SELECT create_ledger();
		CREATE TABLE found (at timestamptz, pool bigint, guests boolean, instant timestamptz, booked bigint, may numeric);
		CREATE SEQUENCE call;

		-- Some reservation, mostly one of the last.
		CREATE FUNCTION pick() RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM reservation WHERE id >= (SELECT max(id) FROM reservation) - random() * random() * 300 ORDER BY id LIMIT 1 $$;
		CREATE FUNCTION soon(minutes integer) RETURNS timestamptz LANGUAGE sql AS $$ SELECT date_trunc('minute', clock_timestamp()) + make_interval(mins => $1) $$;

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
	return $node;
}

# One transaction of a session, as psql reads it, with one of some calls.
sub transaction
{
	my (@calls) = @_;
	my $level = one_of('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');
	my $call = one_of(@calls)->();
	my $from = $call =~ /\br\.id/ ? ' FROM (SELECT pick() AS id OFFSET 0) AS p JOIN reservation AS r USING (id) CROSS JOIN LATERAL ' : ' FROM ';
	my $before = chance(0.3) && $level ne 'READ COMMITTED' ? "SELECT pick() > 0;\n" : '';
	return "BEGIN ISOLATION LEVEL $level;\n${before}SELECT count(*)$from$call AS call;\n" . (chance(0.05) ? 'ROLLBACK' : 'COMMIT') . ";\n";
}

# ------------------------------------------------------------------ sessions

# Starts a session that has some hundred transactions to do.
my $started = 0;
sub start
{
	my ($self, $n) = @_;
	# files: what is piped would wait for somebody to pump it
	my $file = $self->{node}->basedir . '/session' . ++$started;
	append_to_file("$file.sql", join '', map { $self->{transaction}->($n) } 1 .. 200);
	# by hand: IPC::Run takes one that ends just when it looks for an error, and mixes up what it has open of others
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		open STDOUT, '>', "$file.out" and open STDERR, '>&', \*STDOUT
			and exec 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $self->{node}->connstr('postgres') . ' application_name=attack', '-f', "$file.sql";
		POSIX::_exit(1);
	}
	return { n => $n, out => "$file.out", pid => $pid };
}

# Counts what a session was told.
sub count
{
	my ($self, $session) = @_;
	my $out = slurp_file($session->{out});
	$self->{done} += () = $out =~ /^\d+$/mg;
	for ($out =~ /(?:ERROR|FATAL):  (\w{5}: [^\n]*)/g)
	{
		my $code = substr $_, 0, 5;
		$self->{errors}{$code}++;
		$self->{said}{$code}{ substr($_, 7, 120) =~ s/\d+/N/gr =~ s/: [^:]*$//r }++;
	}
	return;
}

# Lets sessions attack a server for some seconds: 16 of what transaction says, which is given the number of the session.  Looks at
# what is booked of some pools, and does what looks asks for, again and again; every second two sessions are killed, one of them
# together with its psql.  On a machine that has other work it goes on until "enough" says so, ten times as long at most.
sub run
{
	my ($node, $seconds, $transaction, $pools, $looks, $enough) = @_;
	my $self = bless { node => $node, transaction => $transaction, pools => $pools, seconds => $seconds, errors => {}, said => {}, done => 0, killed => 0, looks => 0 }, __PACKAGE__;
	my $until = time + $seconds;
	my @sessions = map { $self->start($_) } 1 .. 16;
	my $watch = $node->background_psql('postgres');
	{
		# it would say every query and every answer
		no warnings qw(redefine once);
		*PostgreSQL::Test::BackgroundPsql::note = sub { };
	}
	my $next_kill = time + 1;
	while (time < $until || $enough && time < $until + 10 * $seconds && !$enough->())
	{
		for my $s (@sessions)
		{
			next if waitpid($s->{pid}, POSIX::WNOHANG()) == 0;
			$self->count($s);
			$s = $self->start($s->{n});
		}
		eval { $watch->query_safe("BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO found SELECT * FROM overbooked('$pools'); @{[ $looks // '' ]} COMMIT"); 1 } or die 'a look failed: ', (grep { /ERROR/ && !/ attack ERROR/ } split /\n/, slurp_file($node->logfile)), ": $@";
		$self->{looks}++;
		if (time > $next_kill)
		{
			kill 'KILL', one_of(@sessions)->{pid};
			$self->{killed} += $node->safe_psql('postgres', q{SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = 'attack' ORDER BY random() LIMIT 2) AS a});
			$next_kill = time + 1;
		}
		sleep 0.05;
	}
	$watch->quit;
	$node->safe_psql('postgres', q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'attack'});
	for my $s (@sessions)
	{
		waitpid $s->{pid}, 0;
		$self->count($s);
	}
	note "$self->{done} transactions answered, $self->{looks} looks, $self->{killed} sessions killed while they were at it";
	note join ', ', map { "$_ ($self->{errors}{$_})" } sort keys %{ $self->{errors} };
	note $_ for $self->said(sort keys %{ $self->{said} });
	return $self;
}

# What was said under some codes.
sub said
{
	my ($self, @codes) = @_;
	return map { my $code = $_; map { "$code: $_ ($self->{said}{$code}{$_})" } sort keys %{ $self->{said}{$code} } } @codes;
}

# Tests what has come of it: so much done a second, nothing overbooked, no deadlock, and no errors but those that are meant.
sub judge
{
	my ($self, $rate, @meant) = @_;
	my ($node, $errors) = @$self{qw(node errors)};
	my %meant = map { ($_ => 1) } @meant;
	my @other = grep { !$meant{$_} } sort keys %$errors;
	cmp_ok($self->{done}, '>', $rate * $self->{seconds}, 'much was done');
	# the server says who waited for whom
	is($errors->{'40P01'} // 0, 0, 'no deadlock') or diag slurp_file($node->logfile) =~ /(ERROR:  deadlock detected.*?)^\S[^\n]*LOG: /ms;
	is("@other", '', 'no error but those that are meant') or diag join "\n", $self->said(@other);
	is($node->safe_psql('postgres', 'SELECT * FROM found LIMIT 10'), '', 'at no instant was more booked than there was');
	is($node->safe_psql('postgres', "SELECT * FROM overbooked('$self->{pools}') LIMIT 10"), '', 'nor is now');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT FROM reservation GROUP BY booking HAVING count(*) <> (SELECT count(*) FROM reservation_change AS c WHERE c.action = 'book' AND c.reservation = ANY (array_agg(reservation.id)))) AS half}), 0, 'every piece that was booked has its history');
	is($node->safe_psql('postgres', 'SELECT * FROM check_ledger() WHERE severity <> \'advice\''), '', 'check_ledger() finds nothing') or diag $node->safe_psql('postgres', q{
		SELECT c.reservation, c.action, c.at, c.state, c.devices, c.occupies, r.usage_due, r.state FROM check_ledger() AS f CROSS JOIN LATERAL regexp_matches(f::text, 'reservation ([0-9]+)') AS n (of)
		JOIN reservation_change AS c ON c.reservation = n.of[1]::bigint JOIN reservation AS r ON r.id = c.reservation ORDER BY c.id});
	return;
}

1;
