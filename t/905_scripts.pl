# What scripts/test says at its end.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;

# A line of what was skipped: the number is right-aligned to seven columns.
sub line { return sprintf("%7d  %s\n", @_); }

my $dir = PostgreSQL::Test::Utils::tempdir;
mkdir "$dir/work";

# What finish prints after these lines of bash.
sub ending
{
	my ($counts) = @_;
	unlink "$dir/work/counts";
	return `bash -c '. scripts/lib.sh; . scripts/testlib.sh; work=$dir/work; $counts; finish'`;
}

is(ending('ok; ok; skip "t/1.pl: no trace"; skip "t/1.pl: no trace"; skip "t/2.pl: no trace"; skip "warnings: clang is not installed"; not_ok "t/3.pl"'),
	"\n== Failed\n  t/3.pl\n\n== Skipped, and why\n" . line(3, 'no trace (t/1.pl, t/2.pl)') . line(1, 'warnings: clang is not installed')
	  . "\n4 skipped\n\n2 passed, 1 failed\n", 'failures, then skipped by reason, then the last line');
is($? >> 8, 1, '... and the status says that one failed');
is(ending('ok'), "\n1 passed, 0 failed\n", 'nothing is said of what there is not');
is($? >> 8, 0, '... and the status is good');
is(ending(':'), "\n0 passed, 0 failed\n", 'no test at all');
is($? >> 8, 1, '... is no success');

# Of several versions the reasons are added up.
is(`printf '3  no trace (t/1.pl)\n1  no clang\n2  no trace (t/1.pl)\n' | bash -c '. scripts/lib.sh; . scripts/testlib.sh; say_skipped'`,
	"\n== Skipped, and why\n" . line(5, 'no trace (t/1.pl)') . line(1, 'no clang') . "\n6 skipped\n", 'reasons of several versions');
done_testing();
