# What scripts/test says at its end.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir;
mkdir "$dir/work";

# What finish prints after these lines of bash.
sub ending
{
	my ($counts) = @_;
	unlink "$dir/work/counts";
	return `bash -c '. scripts/lib.sh; . scripts/testlib.sh; work=$dir/work; $counts; finish'`;
}

is(ending('ok; ok; skip "t/1.pl: no trace"; skip "t/1.pl: no trace"; skip "t/2.pl: no trace"; skip "warnings: clang is not installed"; not_ok "t/3.pl"'), <<'END', 'failures, then skipped by reason, then the last line');

== Failed
  t/3.pl

== Skipped, and why
      3  no trace (t/1.pl, t/2.pl)
      1  warnings: clang is not installed

4 skipped

2 passed, 1 failed
END
is($? >> 8, 1, '... and the status says that one failed');
is(ending('ok'), "\n1 passed, 0 failed\n", 'nothing is said of what there is not');
is($? >> 8, 0, '... and the status is good');
is(ending(':'), "\n0 passed, 0 failed\n", 'no test at all');
is($? >> 8, 1, '... is no success');

# Of several versions the reasons are added up.
is(`printf '3  no trace (t/1.pl)\n1  no clang\n2  no trace (t/1.pl)\n' | bash -c '. scripts/lib.sh; . scripts/testlib.sh; say_skipped'`, <<'END', 'reasons of several versions');

== Skipped, and why
      5  no trace (t/1.pl)
      1  no clang

6 skipped
END
done_testing();
