# The replays of real traces, a small part of each: they run, and what they say is what is so.
use strict;
use warnings;
use File::Temp;
use FindBin;
use lib "$FindBin::Bin/../bench/replay.d";
use IPC::Run;
use Order;
use Placement;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# ------------------------------------------------------------------ the simulators, by hand

# A pool of 10: 6 wide from 0 to 10; then 8 wide, 4 wide for 5, 4 wide for 20.
my @jobs = map { { submitted => $_->[0], width => $_->[1], run => $_->[2], limit => $_->[2] } } [ 0, 6, 10 ], [ 1, 8, 10 ], [ 2, 4, 5 ], [ 3, 4, 20 ];
is_deeply(Order::serve(\@jobs, 10, 0), [ 0, 10, 20, 20 ], 'FIFO: nobody goes before the first');
is_deeply(Order::serve(\@jobs, 10, 1), [ 0, 10, 2, 20 ], 'EASY: who is gone when the first starts may');
is_deeply(Order::conservative(\@jobs, 10), [ 0, 10, 2, 20 ], 'conservative: who delays nobody may');
# 2 wide for long: EASY lets it in beside the first; a third, 6 wide, is delayed by it
push @jobs, { submitted => 4, width => 2, run => 30, limit => 30 };
is_deeply(Order::serve(\@jobs, 10, 1), [ 0, 10, 2, 20, 7 ], 'EASY: who leaves room for the first may');
is_deeply([ Order::waits(\@jobs, [ 0, 10, 2, 20, 7 ]) ], [ 0.0058, 0.017, 0.017 ], 'mean, 95% and longest wait');
is(Order::worst_account(\@jobs, [ 0, 10, 2, 20, 7 ], [ 1, 1, 1, 2, 2 ]), (37 / 20 + 33 / 30) / 2, 'the worst account, by its mean slowdown');

my $book = Placement::new_book([ { devices => 10 } ])->[0];
Placement::take($book, 5, 10, 4);
Placement::take($book, 20, 30, 8);
is(Placement::earliest($book, 0, 6, 20), 0, 'what fits now starts now');
is(Placement::earliest($book, 0, 7, 6), 10, 'the first gap that is long enough');
is(Placement::earliest($book, 0, 7, 11), 30, '... or the end of all');
my $booked = [ [ 5, 10, 4 ], [ 20, 30, 8 ] ];
is_deeply([ map { Placement::earliest_by_force($booked, 10, 0, @$_) } [ 6, 20 ], [ 7, 6 ], [ 7, 11 ] ], [ 0, 10, 30 ], 'brute force finds the same');

# Brute force sees what is wrong with a decision.
my $world = { pools => [ { devices => 10, rate => 3120, price => 1 }, { devices => 10, rate => 9894, price => 2 } ] };
my $request = { at => 0, devices => 8, minutes => 600, pools => [ 0, 1 ] };
my $objections = sub {
	my ($pool, $start, $delay_value) = @_;
	return join '; ', Placement::objections($world, [ [], [ [ 0, 100, 4 ] ] ], $request, Placement::offer($world, $request, $pool, $start, $delay_value), $delay_value);
};
is($objections->(1, 100, 0.1), '', 'the faster chip is cheaper and earlier: nothing against it');
like($objections->(0, 0, 0.1), qr/^pool 2 has 54.\d\d, which is less than 88.00; pool 2 is both cheaper and earlier/, '... but against the other');
like($objections->(1, 101, 0.1), qr/the first start is 100, not 101/, '... and against waiting for nothing');
like($objections->(1, 99, 0.1), qr/the first start is 100, not 99/, '... and against a start at which it is not free');

# ------------------------------------------------------------------ and the ledger, on real traces

SKIP:
{
	my $data = '../shared/data';
	skip "no $data/trace_alibaba_spot2026_job_sample.csv", 6 unless -r "$data/trace_alibaba_spot2026_job_sample.csv";

	my ($mean) = Order::waits(Order::read_jobs($data, 1), Order::serve(Order::read_jobs($data, 1), 40_000, 0));
	is(sprintf('%.1f', $mean), '145.9', 'FIFO on 40 GPUs, thousand seconds in the mean');

	my $node = PostgreSQL::Test::Cluster->new('replay');
	$node->init;
	$node->append_conf('postgresql.conf', "jit = off\n");
	$node->start;
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres');
	my $replay = sub {
		my ($out, $err) = ('', '');
		IPC::Run::run([ $^X, 'bench/replay.d/run', '--data', $data, @_ ], '>', \$out, '2>', \$err);
		diag("$out$err") if $?;
		return ($? >> 8, $out);
	};
	# at the highest load, so that something is in the way
	my ($status, $said) = $replay->(qw(--seeds 1 --load 1.2 --requests 40 placement));
	like($said, qr/^PASS .*of 40 first offers of quote\(\) none is worse/m, 'quote(): 40 decisions, none worse than another offer');
	like($said, qr/^PASS .*they are the decisions of the simulator/m, '... and all those of the simulator');
	($status, $said) = $replay->(qw(--gpus 8 --requests 80 order));
	like($said, qr/^PASS .*every job starts when the simulator of conservative backfilling lets it start$/m, 'schedule(): 80 jobs start as they should');
	($status, $said) = $replay->(qw(--gpus 8 --requests 40 limits));
	like($said, qr/^PASS .*limits times 3: the mean is/m, '... with limits that are too long, too');
	($status, $said) = $replay->(qw(--gpus 8 --requests 40 --seeds 1 fair));
	like($said, qr/bounded slowdown of the worst account: \d/, '... and in fair-share order');
}
done_testing();
