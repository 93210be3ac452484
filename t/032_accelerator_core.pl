# The core of the accelerator type needs nothing of PostgreSQL: it is built by itself with sanitizers and fuzzed.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/..";
my $dir = PostgreSQL::Test::Utils::tempdir();
my $compiler = $ENV{CC} || 'cc';
plan skip_all => "no $compiler" if system("$compiler --version >/dev/null 2>&1") != 0;

# Sanitizers where the compiler has them.
my $program = "$dir/accelerator_core";
my @build = ("-O1 -g -Wall -Wextra -I'$root/src'", "'$root/t/accelerator_core.c' '$root/src/accelerator/accelerator_core.c' '$root/src/accelerator/accelerator_words.c' -o '$program'");
my $sanitized = system("$compiler -fsanitize=address,undefined -fno-sanitize-recover $build[0] $build[1] 2>/dev/null") == 0;
ok($sanitized || system("$compiler $build[0] $build[1]") == 0, 'the core builds without PostgreSQL' . ($sanitized ? ', with sanitizers' : ''));
my ($out, $err) = run_command([ $program, $sanitized ? 300000 : 3000000 ]);
like($out, qr/^\d+ values packed, \d+ mutated values and \d+ texts taken, [1-9]\d* contained$/, 'every property holds') or diag $out;
is($err, '', 'and no sanitizer complains');
note $out;
done_testing();
