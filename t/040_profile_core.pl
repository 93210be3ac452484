# The pure core of profiles against sums over the intervals, under ASan and UBSan where the compiler has them:
# sorting, coding, every question, and damaged stored bytes.
use strict;
use warnings;
use File::Basename;
use File::Spec;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(dirname(File::Spec->rel2abs(__FILE__)));
my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
chomp(my ($include, $cc) = map { scalar `$pg_config $_` } '--includedir-server', '--cc');
$cc = 'cc' if $cc eq '' || system("command -v $cc >/dev/null 2>&1");
plan skip_all => 'no C compiler' if system("command -v $cc >/dev/null 2>&1");

my $dir = PostgreSQL::Test::Utils::tempdir();
my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20260701;
my $rounds = $ENV{COMPUTE_LEDGER_PROFILE_ROUNDS} // 300;

# Outside of the server, qsort is the C library's.
my @compile = ($cc, '-O1', '-g', '-Wall', '-Dpg_qsort=qsort', '-isystem', $include, '-I', "$root/src");
open my $probe, '>', "$dir/probe.c" or die $!;
print $probe "int main(void) { return 0; }\n";
close $probe;
my @sanitize = ('-fsanitize=address,undefined', '-fno-sanitize-recover=all');
@sanitize = () if system("$cc @sanitize $dir/probe.c -o $dir/probe >/dev/null 2>&1 && $dir/probe");
note @sanitize ? 'with sanitizers' : 'the compiler has no sanitizers';
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my @sources = map { "$root/src/profile/profile$_.c" } '', '_codec', '_normal', '_query', '_run';
system_or_bail(@compile, @sanitize, '-o', "$dir/profile_core", "$root/t/profile_core.c", @sources);
my $said = `$dir/profile_core $rounds $seed 2>&1`;
is($?, 0, "every answer is right (seed $seed)") or diag $said;
is($said, "$rounds rounds\n", 'in every round');

# The sort of large profiles, at a size at which many are.
system_or_bail(@compile, @sanitize, '-DSORT_LARGE=64', '-o', "$dir/profile_large", "$root/t/profile_core.c", @sources);
$said = `$dir/profile_large $rounds $seed 2>&1`;
is($said, "$rounds rounds\n", 'with the sort of large profiles');

# The harness itself can fail: planted faults are found.
for my $fault (
	[ 'profile_normal.c', qr/out \+= delta != 0;/, 'out++;', 'steps that change nothing are kept' ],
	[ 'profile_codec.c', qr/highest = Max\(highest, level\);/, '', 'the directory forgets the highest level' ],
	[ 'profile_run.c', qr/b->at < a->at/, 'b->at > a->at', 'runs are merged backwards' ],
	[ 'profile_run.c', qr/width_of\(2 \* largest\)/, 'width_of(largest)', 'a change of level has no room for its sign' ],
	[ 'profile_query.c', qr/put_off = i;/, 'put_off = i > 0 ? i - 1 : i;', 'a fit begins in the wrong block' ],
	[ 'profile_query.c', qr/if \(segment\.level > 0\)\n/, "if (segment.level >= 0)\n", 'idle time is busy' ])
{
	my ($file, $from, $to, $what) = @$fault;
	open my $in, '<', "$root/src/profile/$file" or die $!;
	my $source = do { local $/; <$in> };
	close $in;
	my $broken = $source =~ s/$from/$to/r;
	isnt($broken, $source, "a fault to plant: $what");
	open my $out, '>', "$dir/broken_$file" or die $!;
	print $out $broken;
	close $out;
	system_or_bail(@compile, '-Wno-unused', '-o', "$dir/broken", "$root/t/profile_core.c",
		(grep { !/\Q$file\E$/ } @sources), "$dir/broken_$file");
	# some take luck
	my $output = `$dir/broken @{[ 5 * $rounds ]} $seed 2>&1`;
	isnt($?, 0, 'is found') or diag $output;
}

done_testing();
