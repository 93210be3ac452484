# Killing a server as a crash would, and starting it again; not a test.
package Crash;
use strict;
use warnings;
use PostgreSQL::Test::Utils;
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

1;
