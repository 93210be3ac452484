# kill -9 while bookings are in flight, twenty times: what was answered is there, no gang is there by half, and what is sent again
# is answered as it was.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Crash;

plan skip_all => 'needs /proc' unless -e '/proc/self/stat';

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261202;
my $rounds = $ENV{COMPUTE_LEDGER_ROUNDS} // 20;
my $clients = 6;
my $calls = 60;
srand($seed);
note "seed $seed, $rounds rounds";

my $node = Crash::server('booking_crash');
$node->safe_psql('postgres', q{
	SELECT create_account('acme', currency => 'USD'), create_region('site');
	SELECT create_pool('site', 'nvidia/h100-sxm5-80gb', 'p' || n) FROM generate_series(1, 3) AS n;
	SELECT offer_devices(n, 64, '[2027-01-01Z,)', now => '2027-01-01Z') FROM generate_series(1, 3) AS n;
});

# What a client sends: bookings of one pool or of two, some of which it confirms, makes longer, or cancels.
sub script
{
	my ($round, $client) = @_;
	my $sql = '';
	for my $n (1 .. $calls)
	{
		my $day = sprintf "timestamptz '2027-02-01Z' + interval '%d hours'", rand 2000;
		my $period = sprintf "tstzrange($day, $day + interval '%d hours')", 1 + rand one_of(5, 100, 1000);
		my ($p, $q) = rand() < 0.5 ? (1, 2) : (3, 1);
		my $what = rand() < 0.5 ? "$p, @{[ 1 + int rand 3 ]}, $period" : "ARRAY[ROW($p, 1, $period), ROW($q, 2, $period)]::reservation_piece[]";
		my $request = "r$round/$client/$n";
		my $call = "book('acme', $what, request => '$request', now => '2027-01-01Z')";
		$sql .= "SELECT '$request', string_agg(reservation::text, ',' ORDER BY reservation) FROM $call;\n";
		$sql .= "SELECT 'then', r.id, " . one_of(map { "$_\_reservation(r.id" } qw(confirm cancel)) . ", now => '2027-01-01Z') FROM (SELECT min(x.id) AS id FROM reservation AS x WHERE x.request = '$request') AS r WHERE r.id IS NOT NULL;\n" if rand() < 0.5;
	}
	return $sql;
}

sub one_of { return $_[ rand @_ ] }

# How long it takes undisturbed.
my $length = Crash::undisturbed($node, $clients, \&script);
note sprintf '%d calls of each of %d clients take %.2f s', $calls, $clients, $length;
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM reservation'), '>', $calls, 'undisturbed, there are bookings');

my ($cut, $answered) = (0, 0);
for my $round (1 .. $rounds)
{
	my ($killed, @lines) = Crash::round($node, $round, $clients, \&script, $length * 0.8, qw(LC020 LC021));
	$cut += $killed;
	my @then = map { [ @{$_}[ 1 .. $#$_ ] ] } grep { $_->[0] eq 'then' } @lines;
	my @booked = grep { $_->[0] ne 'then' && ($_->[1] // '') ne '' } @lines;
	$answered += @booked;
	# what was answered is there
	my $values = join ', ', map { "('$_->[0]', '$_->[1]')" } @booked;
	is($node->safe_psql('postgres', "SELECT count(*) FROM (VALUES $values) AS a (request, reservations)
		WHERE a.reservations IS DISTINCT FROM (SELECT string_agg(r.id::text, ',' ORDER BY r.id) FROM reservation AS r WHERE r.request = a.request)
			OR NOT EXISTS (SELECT FROM request_answer AS q WHERE q.request = a.request)"), 0, "round $round: " . @booked . ' bookings that were answered are there') if @booked;
	my $states = join ', ', map { "($_->[0], '$_->[1]')" } @then;
	is($node->safe_psql('postgres', "SELECT count(*) FROM (VALUES $states) AS a (id, state) JOIN reservation AS r USING (id) WHERE r.state <> a.state"), 0, "round $round: and " . @then . ' changes') if @then;
	is($node->safe_psql('postgres', q{SELECT
		(SELECT count(*) FROM reservation AS r WHERE NOT EXISTS (SELECT FROM reservation AS b WHERE b.id = r.booking) OR NOT EXISTS (SELECT FROM request_answer AS q WHERE q.request = r.request)),
		(SELECT count(*) FROM request_answer AS q WHERE NOT EXISTS (SELECT FROM reservation AS r WHERE r.request = q.request)),
		(SELECT count(*) FROM (SELECT FROM reservation GROUP BY booking HAVING count(DISTINCT state) > 1 OR count(DISTINCT pool) = 1 AND count(*) > 1) AS half),
		(SELECT count(*) FROM reservation AS r WHERE NOT EXISTS (SELECT FROM reservation_change AS c WHERE c.reservation = r.id AND c.action = 'book'))}), '0|0|0|0', "round $round: nothing is there by half");
	is($node->safe_psql('postgres', 'SELECT * FROM check_ledger()'), '', "round $round: check_ledger() finds nothing") if $round % 4 == 0 || $round == $rounds;
	# sent again, it is answered as before; what was not answered is, once
	my %again = map { ($_->[0] => $_->[1]) } grep { $_->[0] =~ /^r/ } Crash::again($node, $clients, qr/^SELECT 'r/);
	is(join(' ', map { $_->[0] } grep { ($again{ $_->[0] } // '') ne $_->[1] } @booked), '', "round $round: what is sent again is answered as before");
}
note "$answered bookings were answered before a crash, $cut of @{[ $rounds * $clients ]} sessions were cut off";
cmp_ok($cut, '>=', $rounds, 'sessions were cut off');
cmp_ok($answered, '>', $rounds, '... and had been answered before');

done_testing();
