# Order of service in one pool, in simulated time: FIFO, EASY and conservative backfilling, and what waits are made of.
# Knows nothing of the ledger.
#
# From the trace (pods of Alibaba's GPU cluster, 2023): rows with a scheduled_time and num_gpu > 0, in the order of the
# file where they come at the same second.  A job is as wide as num_gpu x gpu_milli, in thousandths of a GPU, out of one pool
# in which any part of any GPU will do; it comes at creation_time and runs for deletion_time - scheduled_time seconds.
package Order;
use strict;
use warnings;
use List::Util qw(max sum0);
use Placement;

# Reads the jobs, in the order of their arrival: submitted, width, run and limit, all but the width in seconds.
sub read_jobs
{
	my ($dir, $factor) = @_;
	my @jobs;
	for my $row (@{ Placement::read_rows("$dir/trace_alibaba_gpu2023_pods.csv") })
	{
		next if $row->{scheduled_time} eq '' || $row->{num_gpu} <= 0;
		my $run = $row->{deletion_time} - $row->{scheduled_time};
		push @jobs, { submitted => $row->{creation_time}, width => $row->{num_gpu} * $row->{gpu_milli}, run => $run, limit => $run * $factor };
	}
	my @order = sort { $jobs[$a]{submitted} <=> $jobs[$b]{submitted} || $a <=> $b } 0 .. $#jobs;
	return [ @jobs[@order] ];
}

# FIFO, and EASY: who is not the first may start where he does not delay the first, by the limits of those that run.  Returns
# when each starts.
sub serve
{
	my ($jobs, $width, $backfill) = @_;
	my ($free, $next, @running, @queue, @starts) = ($width, 0);    # running: [end, end by the limit, width], by end
	my $start = sub {
		my ($n, $now) = @_;
		my $job = $jobs->[$n];
		$starts[$n] = $now;
		$free -= $job->{width};
		my $one = [ $now + $job->{run}, $now + $job->{limit}, $job->{width} ];
		my ($low, $high) = (0, scalar @running);
		while ($low < $high)
		{
			my $middle = ($low + $high) >> 1;
			if ($running[$middle][0] <= $one->[0]) { $low = $middle + 1 }
			else { $high = $middle }
		}
		splice @running, $low, 0, $one;
	};
	while ($next < @$jobs || @running)
	{
		my $now = $next < @$jobs && (!@running || $jobs->[$next]{submitted} < $running[0][0]) ? $jobs->[$next]{submitted} : $running[0][0];
		$free += (shift @running)->[2] while @running && $running[0][0] <= $now;
		push @queue, $next++ while $next < @$jobs && $jobs->[$next]{submitted} <= $now;
		$start->(shift @queue, $now) while @queue && $jobs->[ $queue[0] ]{width} <= $free;
		next unless $backfill && @queue && $free > 0;

		# when the first starts at the latest, and what is free beside it then
		my ($beside, $latest) = ($free - $jobs->[ $queue[0] ]{width});
		for my $one (sort { $a->[1] <=> $b->[1] } @running)
		{
			last if defined $latest && $one->[1] > $latest;
			$beside += $one->[2];
			$latest = $one->[1] if $beside >= 0;
		}
		my @still = shift @queue;
		for my $n (@queue)
		{
			my $job = $jobs->[$n];
			my $back = $now + $job->{limit} <= $latest;
			if ($job->{width} > $free || !$back && $job->{width} > $beside) { push @still, $n; next }
			$beside -= $job->{width} unless $back;
			$start->($n, $now);
		}
		@queue = @still;
	}
	return \@starts;
}

# Conservative backfilling with exact limits: each gets, as it comes, the first start that delays nobody before it.
sub conservative
{
	my ($jobs, $width) = @_;
	my ($book) = @{ Placement::new_book([ { devices => $width } ]) };
	my @starts;
	for my $job (@$jobs)
	{
		my $start = Placement::earliest($book, @$job{qw(submitted width run)});
		Placement::take($book, $start, $start + $job->{run}, $job->{width});
		push @starts, $start;
	}
	return \@starts;
}

# Waits of them all, in thousand seconds: mean, 95th percentile (nearest rank), longest.
sub waits
{
	my ($jobs, $starts) = @_;
	my @waits = sort { $a <=> $b } map { ($starts->[$_] - $jobs->[$_]{submitted}) / 1000 } 0 .. $#$jobs;
	return (sum0(@waits) / @waits, $waits[ Placement::round_up(0.95 * @waits) - 1 ], $waits[-1]);
}

# The bounded slowdown of the account that is worst off: the mean of its jobs' (wait + run) / run, of which a run counts for at
# least ten seconds.
sub worst_account
{
	my ($jobs, $starts, $accounts) = @_;
	my (%sum, %jobs);
	for my $n (0 .. $#$jobs)
	{
		my ($submitted, $run) = @{ $jobs->[$n] }{qw(submitted run)};
		$sum{ $accounts->[$n] } += max(1, ($starts->[$n] - $submitted + $run) / max(10, $run));
		$jobs{ $accounts->[$n] }++;
	}
	return max(map { $sum{$_} / $jobs{$_} } keys %sum);
}

1;
