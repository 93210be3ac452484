# Killing a server as a crash would, while clients are at it, and starting it again; not a test.
package Crash;
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

# What /proc says of a process: its state and its parent; nothing if there is none.
sub process
{
	my ($pid) = @_;
	open my $stat, '<', "/proc/$pid/stat" or return;
	return (<$stat> // '') =~ /^\d+ \(.*\) (\S) (\d+)/s;
}

# Kills the server and everything that it runs, all at once, so that nothing of it can go on, and starts it again.
sub kill_server
{
	my ($node) = @_;
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	my $until = time + 60;
	kill 'STOP', $postmaster;    # so that it starts nothing more
	sleep 0.01 until (process($postmaster))[0] =~ /[TZ]/ || time > $until;
	my @pids = ($postmaster, grep { ((process($_))[1] // 0) == $postmaster } map { /(\d+)/ } glob '/proc/[0-9]*');
	kill 'KILL', @pids;
	$node->{_pid} = undef;
	# One that nobody has waited for yet is a zombie, holds nothing, and must not look like a server that runs.
	while (grep { ((process($_))[0] // 'Z') ne 'Z' } @pids)
	{
		die 'a killed process goes on' if time > $until;
		sleep 0.02;
	}
	unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock';
	$node->start;
	return;
}

# A server with a ledger.
sub server
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	# What the system was given outlives the server, on the disk or not: fsync makes no difference here, and every start would wait for it.
	$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\nsynchronous_commit = on\njit = off\nrestart_after_crash = off\nclient_min_messages = error\n");
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger; SELECT create_ledger()');
	return $node;
}

# Starts clients that send what script says for a round and a client.
sub start
{
	my ($node, $round, $clients, $script) = @_;
	return map {
		my $file = $node->basedir . "/client$_";
		unlink "$file.sql";
		append_to_file("$file.sql", $script->($round, $_));
		IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres'), '-f', "$file.sql" ], '>', "$file.out", '2>', "$file.err");
	} 1 .. $clients;
}

# Lets clients send the script of round 0 to its end; how many seconds that takes.
sub undisturbed
{
	my ($node, $clients, $script) = @_;
	my $began = time;
	IPC::Run::finish($_) for start($node, 0, $clients, $script);
	return time - $began;
}

# Kills the server while clients send the script of a round, within so many seconds, and tests that no error was another than those
# that are meant.  How many of them were cut off, and what they were answered: a list of fields for each line.
sub round
{
	my ($node, $round, $clients, $script, $seconds, @meant) = @_;
	my %meant = map { ($_ => 1) } @meant;
	my @runs = start($node, $round, $clients, $script);
	sleep 0.05 + rand $seconds;
	kill_server($node);
	IPC::Run::finish($_) for @runs;
	my ($cut, @lines) = (0);
	for my $client (1 .. $clients)
	{
		my $err = slurp_file($node->basedir . "/client$client.err");
		$cut++ if $err =~ /server closed the connection|terminating connection|could not connect|connection to server/;
		my %errors = map { ($_ => 1) } $err =~ /ERROR:  (\w{5})/g;
		is(join(' ', grep { !$meant{$_} } sort keys %errors), '', "round $round: nothing else is wrong") or diag substr $err, 0, 500;
		push @lines, map { [ split /\|/ ] } split /\n/, slurp_file($node->basedir . "/client$client.out");
	}
	return $cut, @lines;
}

# Sends those lines of the scripts again that match, in one session; what that is answered.
sub again
{
	my ($node, $clients, $match) = @_;
	my @calls = grep { /$match/ } split /\n/, join '', map { slurp_file($node->basedir . "/client$_.sql") } 1 .. $clients;
	my ($out, $err) = ('', '');
	$node->psql('postgres', join("\n", @calls), stdout => \$out, stderr => \$err, on_error_stop => 0);
	return map { [ split /\|/ ] } split /\n/, $out;
}

1;
