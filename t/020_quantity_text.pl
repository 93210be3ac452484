# The text form of quantities, over millions of values: reads back, fewest digits, nearest.
# The pure core is compiled with a harness and run by itself.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(dirname(File::Spec->rel2abs(__FILE__)));
my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
chomp(my ($include, $cc) = map { scalar `$pg_config $_` } '--includedir-server', '--cc');
$cc = 'cc' if $cc eq '' || system("command -v $cc >/dev/null 2>&1");
plan skip_all => 'no C compiler' if system("command -v $cc >/dev/null 2>&1");

my $dir = PostgreSQL::Test::Utils::tempdir();
my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20250301;
my $count = $ENV{COMPUTE_LEDGER_TEXT_VALUES} // 4_000_000;
system_or_bail($cc, '-O2', '-Wall', '-I', $include, '-I', "$root/src", '-o', "$dir/quantity_text",
	"$root/t/quantity_text.c", "$root/src/quantity/quantity.c");
my $said = `$dir/quantity_text $count $seed`;
is($?, 0, "round trip, fewest digits, nearest (seed $seed)") or diag $said;
is($said, ($count + 40002) . " values\n", 'for every value');

# The harness itself can fail: a core that rounds the last digit away is caught.
open my $in, '<', "$root/src/quantity/quantity.c" or die $!;
my $source = do { local $/; <$in> };
close $in;
my $broken = $source =~ s{value = \(50 \* magnitude \+ 9\) / 18;}{value = (50 * magnitude) / 18;}r;
isnt($broken, $source, 'a fault to plant');
open my $out, '>', "$dir/broken.c" or die $!;
print $out $broken;
close $out;
system_or_bail($cc, '-O2', '-I', $include, '-I', "$root/src", '-o', "$dir/broken",
	"$root/t/quantity_text.c", "$dir/broken.c");
$said = `$dir/broken 1000 $seed`;
isnt($?, 0, 'a planted fault is found');
like($said, qr/prints as/, 'and shown');

done_testing();
