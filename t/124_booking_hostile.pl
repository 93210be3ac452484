# Every function of pools, bookings and policy with arguments that nobody means: NULL in each place, empty, huge and infinite, numbers
# of what is not there and of what is another's; by the owner and by every kind of access.  Each is answered or refused with a code
# of its own, nothing is changed that must not be, and what another has is refused in the words of what nobody has.
use strict;
use warnings;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Hostile;

srand($ENV{COMPUTE_LEDGER_SEED} // 20261203);
my $hostile = Hostile->new('booking_hostile');
my @functions = $hostile->functions(glob 'extension/capacity/*.sql extension/booking/*.sql extension/policy/*.sql extension/usage/092-reserved_usage.sql');
my @calls = $hostile->calls(40, @functions);
$hostile->ask(\@calls, qw(22023 22000 22003 22008 22007 23514 23505 23503 23001 42704 LC002 LC003 LC004 LC006 LC007 LC020 LC021 LC022 LC023 LC024 LC025 LC026 LC012 42501 55000 54000 23502));
my $numbers = [ [ 2, 77772 ], [ 4, 77774 ] ];
$hostile->pairs({ account => [ [ 'zenith', 'xenith' ] ], reservation => $numbers, id => $numbers }, [qw(booker reader nobody)], @functions);
is($hostile->as('owner', 'SELECT * FROM check_ledger()'), '', 'check_ledger() finds nothing');
done_testing();
