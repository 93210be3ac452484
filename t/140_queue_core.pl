# The planner of the queue against arrays of levels and a plain search, under ASan and UBSan where the compiler has them.
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
my $rounds = $ENV{COMPUTE_LEDGER_QUEUE_ROUNDS} // 1000;

# Outside of the server, qsort is the C library's.
my @compile = ($cc, '-O1', '-g', '-Wall', '-Dpg_qsort=qsort', '-isystem', $include, '-I', "$root/src");
open my $probe, '>', "$dir/probe.c" or die $!;
print $probe "int main(void) { return 0; }\n";
close $probe;
my @sanitize = ('-fsanitize=address,undefined', '-fno-sanitize-recover=all');
@sanitize = () if system("$cc @sanitize $dir/probe.c -o $dir/probe >/dev/null 2>&1 && $dir/probe");
note @sanitize ? 'with sanitizers' : 'the compiler has no sanitizers';
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my @sources = map { "$root/src/queue/$_.c" } 'timeline', 'plan';
system_or_bail(@compile, @sanitize, '-o', "$dir/queue_core", "$root/t/queue_core.c", @sources);
my $said = `$dir/queue_core $rounds $seed 2>&1`;
is($?, 0, "every plan is right (seed $seed)") or diag $said;
is($said, "$rounds rounds\n", 'in every round');

# The harness itself can fail: planted faults are found.
for my $fault (
	[ 'timeline.c', qr/blocked - start >= length/, 'blocked - start > length', 'a start needs more room than there is' ],
	[ 'timeline.c', qr/node->level \+= devices;\n\tadd_between/, "add_between", 'a node keeps its level' ],
	[ 'plan.c', qr/size_place\(devices, true\); wide/, 'size_place(devices, false); wide', 'a bound is taken for that of a smaller size' ],
	[ 'plan.c', qr/had_a < had_b/, 'had_a > had_b', 'who has had most comes first' ],
	[ 'plan.c', qr/plan->rounds == 1 \? request->latest : [^;]*?patience\)/, "PG_INT64_MAX)", 'nobody keeps his plan' ],
	[ 'plan.c', qr/else if \(request->kept\)\n\t\t\tmove_up\(pass, request\)/, 'else', 'who keeps his plan keeps it too long' ])
{
	my ($file, $from, $to, $what) = @$fault;
	my $source = slurp_file("$root/src/queue/$file");
	my $broken = $source =~ s/$from/$to/r;
	isnt($broken, $source, "a fault to plant: $what");
	append_to_file("$dir/broken_$what.c" =~ s/ /_/gr, $broken);
	system_or_bail(@compile, '-Wno-unused', '-o', "$dir/broken", "$root/t/queue_core.c",
		(grep { !/\Q$file\E$/ } @sources), "$dir/broken_$what.c" =~ s/ /_/gr);
	my $output = `$dir/broken $rounds $seed 2>&1`;
	isnt($?, 0, 'is found') or diag $output;
}

done_testing();
