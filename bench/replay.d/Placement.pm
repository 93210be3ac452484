# Placement over five centres, in simulated time: what is asked for, the rules by which others and quote() choose, and a
# book that is kept here.  Knows nothing of the ledger.  Times are whole minutes from the beginning.
#
# From the trace (Alibaba's spot GPU cluster, 184 days, 2026):
#   centres    each node of a known chip is dealt to one of five; its price is drawn, for each centre and chip, from the
#              prices that brokers printed in October 2025 for that chip, or for its stand-in where they print none
#   requests   drawn with replacement from the sample of its jobs until they are the load that is wanted, each at a minute
#              drawn from the 184 days.  GPUs are workers x GPUs each, rounded up; the duration is taken to be that on an
#              A100, so that the work is the same wherever it runs.  What it may run on is drawn, because the sample does not say.
package Placement;
use strict;
use warnings;
use List::Util qw(min sum0);

our $DAYS = 184;

# By the name of the trace: the name here, peak in bf16 (0.1 TFLOPS, dense), whose printed prices count, and the least
# number of GPUs a machine of that price has.  An A5000 is of the A10's die and memory; A800 and H800 are an A100 and an H100 with slower links.
our %CHIP = (
	'A10' => { accelerator => 'nvidia/a10', rate => 1250, priced => 'A5000', gpus => 1 },
	'A100-SXM4-80GB' => { accelerator => 'nvidia/a100-sxm4-80gb', rate => 3120, priced => 'A100-80G', gpus => 8 },
	'A800-SXM4-80GB' => { accelerator => 'nvidia/a800-sxm4-80gb', rate => 3120, priced => 'A100-80G', gpus => 8 },
	'H800' => { accelerator => 'nvidia/h800-sxm5-80gb', rate => 9894, priced => 'H100', gpus => 8 });
my $REFERENCE = $CHIP{'A100-SXM4-80GB'}{rate};
my @CHIPS = sort keys %CHIP;
my @FAMILIES = (\@CHIPS, [ 'A100-SXM4-80GB', 'A800-SXM4-80GB' ], ['H800'], [ 'A100-SXM4-80GB', 'A800-SXM4-80GB', 'H800' ]);

# ------------------------------------------------------------------ the trace

# Reads a CSV file without quotes into a list of hashes.
sub read_rows
{
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!\n";
	chomp(my $head = <$in>);
	my @columns = split /,/, $head;
	my @rows;
	while (my $line = <$in>)
	{
		chomp $line;
		my %row;
		@row{@columns} = split /,/, $line, -1;
		push @rows, \%row;
	}
	return \@rows;
}

# Reads the nodes, the jobs and the prices.
sub read_trace
{
	my ($dir) = @_;
	my %prices;
	for my $row (@{ read_rows("$dir/prices_multicloud_shadeform_2025.csv") })
	{
		for my $chip (@CHIPS)
		{
			push @{ $prices{$chip} }, $row->{Price} / $row->{AcceleratorCount}
			  if $row->{AcceleratorName} eq $CHIP{$chip}{priced} && $row->{AcceleratorCount} >= $CHIP{$chip}{gpus};
		}
	}
	return {
		nodes => [ grep { $CHIP{ $_->{gpu_model} } } @{ read_rows("$dir/trace_alibaba_spot2026_nodes.csv") } ],
		jobs => read_rows("$dir/trace_alibaba_spot2026_job_sample.csv"),
		prices => \%prices };
}

sub round_up
{
	my ($x) = @_;
	return int($x) < $x ? int($x) + 1 : int($x);
}

# Minutes that a request takes in a pool: its work over what its devices do there, rounded up.
sub minutes
{
	my ($request, $pool) = @_;
	return round_up($request->{minutes} * $REFERENCE / $pool->{rate});
}

# Draws five centres, and requests of that load in the order of their arrival.  A request that none of its pools could hold
# empty is refused by everybody: it is counted, and is no part of the load.
sub world
{
	my ($trace, $seed, $load) = @_;
	srand $seed;
	my %devices;
	$devices{ int rand 5 }{ $_->{gpu_model} } += $_->{gpu_capacity_num} for @{ $trace->{nodes} };
	my @pools;
	for my $centre (0 .. 4)
	{
		for my $chip (@CHIPS)
		{
			my $printed = $trace->{prices}{$chip};
			push @pools, { centre => $centre, chip => $chip, devices => $devices{$centre}{$chip} // 0, rate => $CHIP{$chip}{rate}, price => $printed->[ rand @$printed ] };
		}
	}
	my $left = $load * $DAYS * 1440 * sum0(map { $_->{devices} * $_->{rate} } @pools);
	my (@requests, $refused);
	while ($left > 0)
	{
		my $job = $trace->{jobs}[ rand @{ $trace->{jobs} } ];
		my $at = int rand $DAYS * 1440;
		my $family = $FAMILIES[ rand() < 0.5 ? 0 : 1 + int rand $#FAMILIES ];
		my $centre = int rand 5;
		my %may = map { $_ => 1 } @$family;
		delete $may{A10} if $job->{gpu_request} >= 8;    # its nodes have one each
		my $request = { at => $at, centre => $centre, devices => round_up($job->{gpu_request} * $job->{worker_num}), minutes => round_up($job->{duration} / 60), chips => [ sort keys %may ] };
		$request->{pools} = [ grep { $may{ $pools[$_]{chip} } && $pools[$_]{devices} >= $request->{devices} } 0 .. $#pools ];
		if (!@{ $request->{pools} }) { $refused++; next }
		$request->{shortest} = min map { minutes($request, $pools[$_]) } @{ $request->{pools} };
		$left -= $request->{devices} * $request->{minutes} * $REFERENCE;
		push @requests, $request;
	}
	my @order = sort { $requests[$a]{at} <=> $requests[$b]{at} || $a <=> $b } 0 .. $#requests;
	return { pools => \@pools, requests => [ @requests[@order] ], refused => $refused // 0 };
}

# ------------------------------------------------------------------ the book

# A book of empty pools: for each the instants at which what is free changes, and how much is free from there on.
sub new_book
{
	my ($pools) = @_;
	return [ map { { at => [0], free => [ $_->{devices} ] } } @$pools ];
}

# Finds the first start, from now on, at which so many devices are free for so long.
sub earliest
{
	my ($book, $now, $devices, $minutes) = @_;
	my ($at, $free) = @$book{qw(at free)};
	while (@$at > 1 && $at->[1] <= $now) { shift @$at; shift @$free }
	$at->[0] = $now if $at->[0] < $now;
	my $i = 0;
	while (1)
	{
		$i++ while $free->[$i] < $devices;
		my $end = $at->[$i] + $minutes;
		my $k = $i;
		$k++ while $k < @$at && $at->[$k] < $end && $free->[$k] >= $devices;
		return $at->[$i] if $k == @$at || $at->[$k] >= $end;
		$i = $k;
	}
}

# Takes devices out of a book from start to end.
sub take
{
	my ($book, $start, $end, $devices) = @_;
	my ($from, $to) = (cut($book, $start), cut($book, $end));
	$book->{free}[$_] -= $devices for $from .. $to - 1;
	return;
}

# Makes t an instant of the book, and returns its place.
sub cut
{
	my ($book, $t) = @_;
	my ($at, $free) = @$book{qw(at free)};
	my ($low, $high) = (0, scalar @$at);
	while ($low < $high)
	{
		my $middle = ($low + $high) >> 1;
		if ($at->[$middle] < $t) { $low = $middle + 1 }
		else { $high = $middle }
	}
	return $low if $low < @$at && $at->[$low] == $t;
	splice @$at, $low, 0, $t;
	splice @$free, $low, 0, $free->[ $low - 1 ];
	return $low;
}

# ------------------------------------------------------------------ who goes where

# What of two keys comes first: lists of numbers.
sub before
{
	my ($a, $b) = @_;
	for my $i (0 .. $#$a)
	{
		return $a->[$i] < $b->[$i] if abs($a->[$i] - $b->[$i]) > 1e-7;
	}
	return 0;
}

# By rule: what orders the offers of the pools, each with pool, start, end, money and sum (money and delay).
our %RULE = (
	quote => sub { [ $_->{sum}, $_->{end}, $_->{pool} ] },
	alphabetical => sub { [ $_->{start}, $_->{pool} ] },
	cheapest => sub { [ $_->{start}, $_->{money}, $_->{pool} ] });

sub offer
{
	my ($world, $request, $pool, $start, $delay_value) = @_;
	my $minutes = minutes($request, $world->{pools}[$pool]);
	my $money = $request->{devices} * $minutes / 60 * $world->{pools}[$pool]{price};
	my $end = $start + $minutes;
	return { pool => $pool, start => $start, end => $end, money => $money, sum => $money + $delay_value * $request->{devices} * ($end - $request->{at}) / 60 };
}

# The first by a rule of the earliest offers of these pools.
sub decide
{
	my ($world, $book, $request, $pools, $rule, $delay_value) = @_;
	my ($best, $key);
	for my $pool (@$pools)
	{
		local $_ = offer($world, $request, $pool, earliest($book->[$pool], $request->{at}, $request->{devices}, minutes($request, $world->{pools}[$pool])), $delay_value);
		my $its = $RULE{$rule}->();
		($best, $key) = ($_, $its) if !$best || before($its, $key);
	}
	return $best;
}

# Runs all requests by a rule; pools_of says which pools a request may have, if not all that can hold it.
sub replay
{
	my ($world, $rule, $delay_value, $pools_of) = @_;
	my $book = new_book($world->{pools});
	my @placed;
	for my $request (@{ $world->{requests} })
	{
		my $pools = $pools_of ? $pools_of->($request) : $request->{pools};
		next unless @$pools;
		my $offer = decide($world, $book, $request, $pools, $rule, $delay_value);
		take($book->[ $offer->{pool} ], @$offer{qw(start end)}, $request->{devices});
		push @placed, [ $request, $offer ];
	}
	return \@placed;
}

# What became of them: money, device-hours of delay beyond the shortest run, hours waited in the mean and at the 95th percentile.
sub measure
{
	my ($placed) = @_;
	my @waits = sort { $a <=> $b } map { ($_->[1]{start} - $_->[0]{at}) / 60 } @$placed;
	return {
		placed => scalar @$placed,
		money => sum0(map { $_->[1]{money} } @$placed),
		delay => sum0(map { $_->[0]{devices} * ($_->[1]{end} - $_->[0]{at} - $_->[0]{shortest}) / 60 } @$placed),
		wait => @waits ? sum0(@waits) / @waits : 0,
		wait95 => @waits ? $waits[ round_up(0.95 * @waits) - 1 ] : 0 };
}

# ------------------------------------------------------------------ by brute force

# The first start in a pool from what is booked there, [start, end, devices] each: every instant at which it could lie is
# tried, and the level of the book is made anew for it.  Shares nothing with the above.
sub earliest_by_force
{
	my ($booked, $devices, $now, $wanted, $minutes) = @_;
	my %change = ($now => 0);
	for (@$booked)
	{
		my ($start, $end, $n) = @$_;
		$change{ $start > $now ? $start : $now } += $n;
		$change{$end} -= $n;
	}
	my @instants = sort { $a <=> $b } keys %change;
	my ($level, @level) = (0);
	push @level, $level += $change{$_} for @instants;
  START:
	for my $i (0 .. $#instants)
	{
		for (my $k = $i; $k < @instants && $instants[$k] < $instants[$i] + $minutes; $k++)
		{
			next START if $level[$k] + $wanted > $devices;
		}
		return $instants[$i];
	}
	die 'a pool does not get empty';
}

# All that speaks against an offer, by what is booked: a list of what is wrong.
sub objections
{
	my ($world, $booked, $request, $offer, $delay_value) = @_;
	my @faults;
	for my $pool (@{ $request->{pools} })
	{
		my $start = earliest_by_force($booked->[$pool], $world->{pools}[$pool]{devices}, $request->{at}, $request->{devices}, minutes($request, $world->{pools}[$pool]));
		my $other = offer($world, $request, $pool, $start, $delay_value);
		push @faults, sprintf 'pool %d has %.2f, which is less than %.2f', $pool + 1, $other->{sum}, $offer->{sum} if $other->{sum} < $offer->{sum} - 0.001;
		push @faults, sprintf 'pool %d is both cheaper and earlier', $pool + 1 if $other->{money} < $offer->{money} - 0.001 && $other->{end} < $offer->{end};
		push @faults, sprintf 'pool %d: the first start is %d, not %d', $pool + 1, $start, $offer->{start} if $pool == $offer->{pool} && $start != $offer->{start};
		push @faults, sprintf 'pool %d: ends at %d for %.4f, not at %d for %.4f', $pool + 1, @$offer{qw(end money)}, @$other{qw(end money)}
		  if $pool == $offer->{pool} && $start == $offer->{start} && ($other->{end} != $offer->{end} || abs($other->{money} - $offer->{money}) > 0.001);
	}
	push @faults, sprintf 'pool %d cannot hold it', $offer->{pool} + 1 unless grep { $_ == $offer->{pool} } @{ $request->{pools} };
	return @faults;
}

1;
