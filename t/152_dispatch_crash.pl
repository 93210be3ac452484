# kill -9 while requests are submitted, planned, placed, reserved and worked on, twenty times: what was answered is there, no gang
# and no request is there by half, a report is there with what came of it, and what is sent again is answered as it was.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Crash;

plan skip_all => 'needs /proc' unless -e '/proc/self/stat';

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261205;
my $rounds = $ENV{COMPUTE_LEDGER_ROUNDS} // 20;
my $clients = 5;
my $calls = 15;
srand($seed);
note "seed $seed, $rounds rounds";

my $node = Crash::server('dispatch_crash');
$node->safe_psql('postgres', q{
	SELECT create_account('acme', currency => 'USD'), create_account('blue', currency => 'USD'), create_region('site'), create_price('nvidia', 'USD', 2, valid_from => '2026-01-01Z'), set_scaling_efficiency('', 2, 0.9);
	SELECT create_pool('site', 'nvidia/h100-sxm5-80gb', 'p' || n) FROM generate_series(1, 3) AS n;
	SELECT offer_devices(n, 32, '[2027-01-01Z,)', now => '2027-01-01Z') FROM generate_series(1, 3) AS n;
});

sub one_of { return $_[ rand @_ ] }

# What a client sends in an hour: requests, some of which it cancels, gangs over two sites, passes, and work from its taking to its end.
sub script
{
	my ($round, $client) = @_;
	my $now = sprintf "now => timestamptz '2027-02-01Z' + interval '%d hours'", $round;
	my $sql = '';
	for my $n (1 .. $calls)
	{
		my $key = "$round/$client/$n";
		my $what = "placement_request('@{[ one_of('acme', 'blue') ]}', '{nvidia}', @{[ one_of(1, 4, 20) ]}, '@{[ 1 + int rand 4 ]} hours'";
		my $kind = one_of('submit', 'submit', 'reserve', 'work');
		if ($kind eq 'submit')
		{
			$sql .= "SELECT 'submit', 's$key', submit_request($what), request => 's$key', $now);\n";
			$sql .= "SELECT 'cancel', r.id, cancel_request(r.id, $now) FROM (SELECT id FROM request WHERE request = 's$key') AS r;\n" if rand() < 0.3;
			$sql .= "SELECT 'place', request, booking FROM schedule($now);\n" if rand() < 0.5;
		}
		elsif ($kind eq 'reserve')
		{
			$sql .= "SELECT 'reserve', 'g$key', string_agg(reservation::text, ',' ORDER BY reservation) FROM reserve($what, sites => 2), request => 'g$key', confirmed => true, $now);\n" =~ s/, (?:1|4), '/, 40, '/r;
		}
		else
		{
			$sql .= "SELECT coalesce(max(lease), 0) AS lease FROM take_work('c$client', $now) \\gset\n";
			$sql .= "SELECT 'work', lease, '$_', report_work(lease, '$_', $now) FROM (VALUES (:lease)) AS l (lease) WHERE lease > 0;\n" for 'started', (rand() < 0.7 ? 'ended' : ());
		}
	}
	return $sql;
}

# How long it takes undisturbed.
my $length = Crash::undisturbed($node, $clients, \&script);
note sprintf '%d calls of each of %d clients take %.2f s', $calls, $clients, $length;
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM request WHERE state = 'placed'"), '>', 0, 'undisturbed, requests are placed');

my ($cut, %answered) = (0);
for my $round (1 .. $rounds)
{
	my ($killed, @lines) = Crash::round($node, $round, $clients, \&script, $length * 0.8, qw(LC020 LC021 LC027));
	$cut += $killed;
	$answered{ $_->[0] }++ for @lines;
	my %missing = (
		submit => 'NOT EXISTS (SELECT FROM request AS r WHERE r.id = b::bigint AND r.request = a)',
		cancel => "b = 'cancelled' AND NOT EXISTS (SELECT FROM request AS r WHERE r.id = a::bigint AND r.state = 'cancelled')",
		place => 'NOT EXISTS (SELECT FROM request AS r JOIN reservation AS v ON v.id = r.booking WHERE r.id = a::bigint AND r.booking = b::bigint)',
		reserve => "b <> '' AND b IS DISTINCT FROM (SELECT string_agg(v.id::text, ',' ORDER BY v.id) FROM reservation AS v WHERE v.request = a)",
		work => 'NOT EXISTS (SELECT FROM lease_report AS p WHERE p.lease = a::bigint AND p.event = b AND p.answer = c)');
	for my $kind (sort keys %missing)
	{
		my $values = join ', ', map { "('$_->[1]', '@{[ $_->[2] // '' ]}', '@{[ ($_->[3] // '') =~ s/'/''/gr ]}')" } grep { $_->[0] eq $kind } @lines or next;
		is($node->safe_psql('postgres', "SELECT * FROM (VALUES $values) AS v (a, b, c) WHERE $missing{$kind}"), '', "round $round: $kind: what was answered is there");
	}
	is($node->safe_psql('postgres', 'SELECT * FROM check_ledger() WHERE severity <> \'advice\''), '', "round $round: check_ledger() finds nothing") if $round % 4 == 0 || $round == $rounds;
	is($node->safe_psql('postgres', 'SELECT * FROM _check_queue() WHERE check_name !~ \'plan\' UNION ALL SELECT * FROM _check_lease() WHERE check_name !~ \'given up\' UNION ALL SELECT * FROM _check_book()'), '', "round $round: nothing is there by half");
	# sent again, it is answered as before
	my %again = map { ("$_->[0] $_->[1]" => $_->[2] // '') } Crash::again($node, $clients, qr/^SELECT '(?:submit|reserve)'/);
	is(join(' ', map { $_->[1] } grep { $_->[0] =~ /submit|reserve/ && ($_->[2] // '') ne ($again{"$_->[0] $_->[1]"} // '') } @lines), '', "round $round: what is sent again is answered as before");
}
note join ', ', "$cut of @{[ $rounds * $clients ]} sessions were cut off", map { "$_ $answered{$_}" } sort keys %answered;
cmp_ok($cut, '>=', $rounds, 'sessions were cut off');
cmp_ok($answered{$_} // 0, '>', $rounds / 4, "... and there were answers before: $_") for qw(submit place reserve work);
done_testing();
