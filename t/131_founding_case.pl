# The founding case: four centres of 2,000 cards answer one request of 6,000, in the demo's month with its 195,000 jobs in place.
# Its start is the first that brute force finds, over all instants of change and all sets of pools; and it is exact in how many cards are to spare.
#
# The jobs are in place as what the centres hold themselves: as reports of what runs at an instant (report_pool()), and as all that
# runs over the month, the future included, which no report could say and which is put in beneath it.
use strict;
use warnings;
use File::Temp;
use IPC::Run;
use List::Util qw(max min sum);
use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::Local qw(timegm);

my $epoch = timegm(0, 0, 16, 31, 4, 2026);    # June in Chinese time
my $minutes = 60 * 24 * 75;                   # what is offered: from then on

# The pools, and by which names jobs say that they run on their chips: those that are left out are of chips that nobody knows.
my @pools = (
	[ 'beijing', 'nvidia/h800-sxm5-80gb', 512, qr/H800|2324/ ], [ 'beijing', 'nvidia/h20-96gb', 672, qr/H20/ ],
	[ 'beijing', 'nvidia/a800-sxm4-80gb', 816, qr/A800/i ],
	[ 'shanghai', 'nvidia/h800-sxm5-80gb', 336, qr/H800/ ], [ 'shanghai', 'nvidia/h20-96gb', 1024, qr/H20|2329/ ],
	[ 'shanghai', 'huawei/ascend-910b3', 640, qr/910B3/ ],
	[ 'guangzhou', 'nvidia/a800-sxm4-80gb', 512, qr/A800/ ], [ 'guangzhou', 'huawei/ascend-910b2', 1200, qr/910B/ ],
	[ 'guangzhou', 'cambricon/mlu370-x8', 288, qr/MLU/ ],
	[ 'wuhan', 'huawei/ascend-910b4-32gb', 1024, qr/910B4/ ], [ 'wuhan', 'hygon/k100-ai', 720, qr/K100|dcu/i ],
	[ 'wuhan', 'cambricon/mlu370-x8', 256, qr/MLU/ ]);
my $eight = "'{nvidia/a800-sxm4-80gb,nvidia/h20-96gb,huawei,hygon}'";    # as many as a request may be spread over
my @eight = grep { $pools[$_][1] !~ /h800|mlu/ } 0 .. $#pools;

# ------------------------------------------------------------------ the month
my $dir = File::Temp->newdir(CLEANUP => 1);
IPC::Run::run([ 'scripts/demo.d/scenario', "$dir" ], '>', \my $made) or die 'scripts/demo.d/scenario';
my @jobs;                                      # pool, start, end, 700ths of a card
my %seen;
open my $in, '<', "$dir/usage.csv" or die $!;
while (<$in>)
{
	chomp;
	my ($region, undef, $name, $devices, $start, $end, $job) = split /,/;
	next if $. == 1 || !defined $job || $job =~ /^bad-/ || $seen{"$region/$job"}++;
	my ($pool) = grep { $pools[$_][0] eq $region && $name =~ $pools[$_][3] } 0 .. $#pools;
	next unless defined $pool;
	push @jobs, [ $pool, instant($start), instant($end), $name =~ /MIG.([123])g/ ? 100 * $1 * $devices : int(700 * $devices + 0.5) ];
}
close $in;
cmp_ok(scalar @jobs, '>', 194_000, 'the jobs of the month are in place');

sub instant
{
	my ($y, $mon, $d, $h, $m, $s, $zone) = $_[0] =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(Z|\+08:00)$/ or die $_[0];
	return timegm($s, $m, $h, $d, $mon - 1, $y) - ($zone eq 'Z' ? 0 : 8 * 3600);
}

sub stamp { return strftime('%Y-%m-%d %H:%M:%SZ', gmtime $_[0]); }

# Whole cards in use of each pool: steps [from, to, cards].
sub in_use
{
	my ($from, $to, @of) = @_;
	my @change = map { {} } @pools;
	for my $job (@of)
	{
		my ($pool, $start, $end, $part) = @$job;
		$start = max($start, $from);
		$end = min($end, $to);
		next if $start >= $end;
		$change[$pool]{$start} += $part;
		$change[$pool]{$end} -= $part;
	}
	my @steps;
	for my $pool (0 .. $#pools)
	{
		my ($level, $last) = (0);
		for my $at (sort { $a <=> $b } keys %{ $change[$pool] })
		{
			$level += $change[$pool]{$at};
			my $cards = int(($level + 699) / 700);
			if ($last && $last->[2] != $cards) { $last->[1] = $at; push @{ $steps[$pool] }, $last if $last->[2]; $last = undef; }
			$last //= [ $at, undef, $cards ];
		}
	}
	return \@steps;
}

# Cards free in each minute of each pool, at the worst instant of it.
sub free_by_minute
{
	my ($steps) = @_;
	my @free;
	for my $pool (0 .. $#pools)
	{
		my @minute = ($pools[$pool][2]) x $minutes;
		for my $step (@{ $steps->[$pool] })
		{
			my ($from, $to, $cards) = @$step;
			for my $m (int(($from - $epoch) / 60) .. int(($to - $epoch + 59) / 60) - 1)
			{
				$minute[$m] = min($minute[$m], $pools[$pool][2] - $cards);
			}
		}
		push @free, \@minute;
	}
	return \@free;
}

# The first minute from which some set of at most eight of the pools has the devices for so long, and how many are to spare then:
# of the first minute and all in which something becomes free, and of all the sets.
my %sets;

sub brute_force
{
	my ($free, $members, $devices, $length, $first) = @_;
	my $count = @$members;
	$sets{$count} //= [ map { my $set = $_; my @in = grep { $set >> $_ & 1 } 0 .. $count - 1; @in <= 8 ? \@in : () } 1 .. 2**$count - 1 ];
	for my $m ($first .. $minutes - $length)
	{
		next if sum(map { $free->[$_][$m] } @$members) < $devices;
		next unless $m == $first || grep { $free->[$_][$m] > $free->[$_][ $m - 1 ] } @$members;
		my @least = map { my $of = $free->[$_]; min(@{$of}[ $m .. $m + $length - 1 ]) } @$members;
		next if sum(@least) < $devices;
		my $most = max(map { sum(@least[@$_]) } @{ $sets{$count} });
		return ($m, $most - $devices) if $most >= $devices;
	}
	return;
}

# ------------------------------------------------------------------ the ledger
my $node = PostgreSQL::Test::Cluster->new('founding');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\nsynchronous_commit = off\n");
$node->start;
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET search_path = public, compute_ledger; CREATE EXTENSION compute_ledger');
$node->safe_psql('postgres', "SELECT create_ledger(), create_account('acme', currency => 'CNY'), create_price('any', 'CNY', 5);
	SELECT set_scaling_efficiency('', n, 0.95) FROM generate_series(2, 8) AS n;"
	. join '', map { "SELECT create_region('$_');" } qw(beijing shanghai guangzhou wuhan));
my $since = stamp($epoch);
my @number = map { $node->safe_psql('postgres', "SELECT create_pool('$_->[0]', '$_->[1]')") } @pools;
$node->safe_psql('postgres', join '', map { "SELECT offer_devices($number[$_], $pools[$_][2], tstzrange('$since', timestamptz '$since' + interval '75 days'), now => '$since');" } 0 .. $#pools);

# The start that quote() gives, in minutes; 'none' if there is none.
sub quoted
{
	my ($now, $devices, $minutes, $accelerators) = @_;
	return $node->safe_psql('postgres', sprintf(q{SELECT coalesce(min(extract(epoch FROM starts) - %d)::bigint / 60, -1)
		FROM quote(placement_request('acme', %s, %d, '%d minutes', sites => 8, delay_value => 1000000), "limit" => 1, now => '%s') WHERE rank = 1},
		$epoch, $accelerators, $devices, $minutes, stamp($epoch + 60 * $now)));
}

# What was asked is what brute force says, and so it is with as many cards more as were to spare, and with one more than that.
sub compare
{
	my ($free, $members, $accelerators, $devices, $length, $first, $name) = @_;
	my ($start, $spare) = brute_force($free, $members, $devices, $length, $first);
	is(quoted($first, $devices, $length, $accelerators), $start // -1, "$name: $devices cards start when brute force says") or return;
	return unless defined $start;
	is(quoted($first, $devices + $spare, $length, $accelerators), $start, "... and so would $spare more, which are to spare");
	my ($later) = brute_force($free, $members, $devices + $spare + 1, $length, $start);
	is(quoted($first, $devices + $spare + 1, $length, $accelerators), $later // -1, '... but one more than that ' . (defined $later ? 'later' : 'never'));
	cmp_ok($later // $minutes, '>', $start, '... which is not then');
	return ($start, $spare);
}

# ------------------------------------------------------------------ what runs at an instant, as the centres report it
my @all = (0 .. $#pools);
for my $first (map { $_ * 60 } 9 * 24 + 15, 15 * 24, 21 * 24 + 10)
{
	my $now = $epoch + 60 * $first;
	my $steps = in_use($now, $epoch + 60 * $minutes, grep { $_->[1] <= $now && $_->[2] > $now } @jobs);
	for my $pool (@all)
	{
		# it only gets less: what is held until the end of each step
		my @step = @{ $steps->[$pool] };
		my @held = map { my $goes = $step[$_][2] - ($_ < $#step ? $step[ $_ + 1 ][2] : 0); "ROW($goes, '" . stamp($step[$_][1]) . "', NULL, NULL)::pool_use" } 0 .. $#step;
		$node->safe_psql('postgres', "SELECT report_pool($number[$pool], ARRAY[" . join(',', @held) . "]::pool_use[], now => '" . stamp($now) . "')");
	}
	my $free = free_by_minute($steps);
	my $at = stamp($now);
	my ($start) = compare($free, \@all, "'{any}'", 6000, 24 * 60, $first, "asked at $at");
	cmp_ok($start, '>', $first, '... some hours later, when enough of what ran has ended');
	($start, my $spare) = compare($free, \@eight, $eight, 6000, 24 * 60, $first, '... of eight pools');

	# as many fewer, from whichever of the pools, and one more
	my ($largest) = sort { $free->[$b][$start] <=> $free->[$a][$start] } @eight;
	next if $spare + 1 > $free->[$largest][$start];
	my $period = sprintf "tstzrange('%s', '%s')", stamp($now), stamp($epoch + 60 * $minutes);
	my $taken = $spare ? $node->safe_psql('postgres', "SELECT maintenance FROM plan_maintenance($number[$largest], $spare, $period, now => '$at')") : '';
	is(quoted($first, 6000, 24 * 60, $eight), $start, "... $spare cards fewer change nothing");
	my $one = $node->safe_psql('postgres', "SELECT maintenance FROM plan_maintenance($number[$largest], 1, $period, now => '$at')");
	$_ -= $spare + 1 for @{ $free->[$largest] }[ $first .. $minutes - 1 ];
	my ($later) = brute_force($free, \@eight, 6000, 24 * 60, $first);
	is(quoted($first, 6000, 24 * 60, $eight), $later // -1, '... and one more makes it ' . (defined $later ? 'later' : 'impossible'));
	cmp_ok($later // $minutes, '>', $start, '... which is not then');
	$node->safe_psql('postgres', "SELECT cancel_maintenance($_, now => '$at')") for grep { $_ ne '' } $taken, $one;
}

# spread over more sites, it does less than fewer do
$node->safe_psql('postgres', "SELECT set_scaling_efficiency('', n, 0.9 / n, 'chatty') FROM generate_series(2, 8) AS n");
like($node->safe_psql('postgres', sprintf(q{SELECT count(rank), min(reason) FROM quote(placement_request('acme', '{any}', 6000, '1 day', sites => 8, workload => 'chatty'), now => '%s')},
	stamp($epoch + 60 * 21 * 1440))), qr/^0\|.*\d sites do [0-9.]+ of \d+ that one does/, 'where it is not worth it, it is refused, and says why');

# ------------------------------------------------------------------ all that runs over the month
my $days = 30;
my $steps = in_use($epoch, $epoch + 86400 * $days, @jobs);
my $rows = join '', map { my $pool = $_; map { sprintf "%d\t0\tlocal\t%d\t[\"%s\",\"%s\")\n", $number[$pool], $_->[2], stamp($_->[0]), stamp($_->[1]) } @{ $steps->[$pool] } } @all;
# nothing is booked there, so there is nothing for triggers to do
$node->safe_psql('postgres', "UPDATE pool_reduction SET withdrawn = now();\nSET session_replication_role = replica;\nCOPY pool_reduction (pool, event, kind, devices, valid) FROM STDIN;\n$rows\\.\nANALYZE pool_reduction;");
cmp_ok($rows =~ tr/\n//, '>', 150_000, 'what the centres hold changes often');
my $free = free_by_minute($steps);
my ($start) = compare($free, \@all, "'{any}'", 6000, 24 * 60, 0, 'all jobs of the month in place');
is($start, 1440 * $days, '... when all of them have ended: there never were so many');
for my $ask ([ 2000, 60 ], [ 2600, 240 ], [ 3000, 180 ], [ 3400, 30 ], [ 4000, 15 ], [ 2500, 1440 ])
{
	my ($devices, $length) = @$ask;
	compare($free, \@all, "'{any}'", $devices, $length, 0, "... for $length minutes");
}

$node->stop;
done_testing();
