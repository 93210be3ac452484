# Sixteen sessions call every function of pools, bookings and policy at once, at all isolation levels, over several pools, while
# capacity is lowered, accounts are moved, licences are withdrawn and sessions are killed.  At no instant that anybody could see is
# more booked than there is, added up from the reservations; there is no deadlock, and no error but those that are meant.
#
# COMPUTE_LEDGER_SECONDS says how long (12), COMPUTE_LEDGER_SEED in which order.
use strict;
use warnings;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Attack;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261201;
my $seconds = $ENV{COMPUTE_LEDGER_SECONDS} // 12;
srand($seed);
note "seed $seed, $seconds s";

my $node = Attack::server('booking_attack');
$node->safe_psql('postgres', q{
	SELECT create_account('net', currency => 'USD', jurisdiction => 'DE'), create_account('house', currency => 'USD', jurisdiction => 'DE');
	SELECT create_account('a' || n, parent => CASE WHEN n % 2 = 0 THEN 'net' ELSE 'house' END, jurisdiction => 'DE') FROM generate_series(1, 8) AS n;
	SELECT create_region('south'), create_region('north');
	-- 1 to 3 of whole cards, the third with guests; 4 has outages and what its centre holds itself, and so may be short; 5 and 6 trade cards
	SELECT create_pool(CASE WHEN n < 3 THEN 'south' ELSE 'north' END, (CASE n WHEN 5 THEN 'nvidia/a100-sxm4-40gb' WHEN 6 THEN 'nvidia/a100-sxm4-40gb:1g.5gb' ELSE 'nvidia/h100-sxm5-80gb' END)::accelerator,
		'p' || n, granule => CASE n WHEN 2 THEN 4 ELSE 1 END, hold => '2 seconds', host => CASE n WHEN 3 THEN 'house' END) FROM generate_series(1, 6) AS n;
	SELECT offer_devices(n, CASE n WHEN 6 THEN 0 ELSE 24 END, tstzrange(date_trunc('day', now()), NULL)) FROM generate_series(1, 6) AS n;
	SELECT set_guest_share(3, 0.5, tstzrange(date_trunc('day', now()), NULL));
	-- what is idle of the first four is for those who give way
	SELECT offer_idle(n, 0.1, 'USD', CASE n WHEN 4 THEN interval '0' ELSE interval '1 minute' END) FROM generate_series(1, 4) AS n;
	SELECT create_policy('house'), create_access_rule('needs one', 'house', 'needs_licence', 'rule 1', accounts => '{a1,a2}'), create_access_rule('flagged', 'house', 'deny', 'rule 2', flags => '{barred}');
	SELECT grant_licence('a1', 'needs one', '[2020-01-01Z,2100-01-01Z)'), create_price('nvidia', 'USD', 2), create_price('nvidia', 'USD', 1, measure => 'reserved');

	-- Brings in usage that names some reservation.
	CREATE FUNCTION use() RETURNS bigint LANGUAGE sql AS $$
		INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, reservation)
		SELECT 'jobs', clock_timestamp()::text || random(), a.name, g.name, p.accelerator::text, '1', (now() - interval '1 minute')::text, now()::text, 'ledger:' || r.id
		FROM (SELECT pick() AS id OFFSET 0) AS x JOIN reservation AS r USING (id) JOIN account AS a ON a.id = r.account JOIN pool AS p ON p.id = r.pool JOIN region AS g ON g.id = p.region;
		SELECT accepted FROM accept_usage() $$;
});
my @accounts = map { "a$_" } 1 .. 8;

sub soon { my ($minutes) = @_; return "soon($minutes)" }
sub span { my $from = int rand one_of(3, 60, 6000); my $to = $from + 1 + int rand one_of(3, 300, 20000); return "tstzrange(soon($from), soon($to))" }
sub devices { my ($pool) = @_; return ($pool == 2 ? 4 : 1) * (1 + int rand 6) }
sub account { return "'" . one_of(@accounts) . "'" }
sub request { return chance(0.3) ? ", request => 'q' || " . (chance(0.7) ? "nextval('call')" : 'currval(pg_get_serial_sequence(\'booking\', \'id\')) % 50') : '' }
sub options { return (chance(0.5) ? ', confirmed => true' : '') . (chance(0.5) ? ', priority => ' . int rand 3 : '') . (chance(0.3) ? ', preemptible => true' : '') }

# What is called, how often, and what of it.
my @calls = (
	[ 25, sub { my $p = 1 + int rand 6; return "book(@{[ account() ]}, $p, @{[ devices($p) ]}, @{[ span() ]}@{[ options() ]})" } ],
	[ 8, sub { my @p = map { 1 + int rand 6 } 0 .. 1 + rand 3; my $s = span(); return "book(@{[ account() ]}, ARRAY[" . join(', ', map { "ROW($_, @{[ devices($_) ]}, $s)" } @p) . "]::reservation_piece[]@{[ options() ]})" } ],
	[ 6, sub { return 'confirm_reservation(pick())' } ],
	[ 6, sub { return 'cancel_reservation(pick())' } ],
	[ 6, sub { return 'extend_reservation(r.id, upper(r.period) + make_interval(mins => ' . int(1 + rand 500) . '))' } ],
	[ 5, sub { return chance(0.5) ? 'shrink_reservation(r.id, r.devices - ' . one_of(1, 4) . ')' : 'shrink_reservation(r.id, until => upper(r.period) - interval \'1 minute\')' } ],
	[ 6, sub { return 'move_reservation(r.id, ' . (chance(0.5) ? span() : "tstzrange(lower(r.period), upper(r.period) + interval '5 minutes')") . (chance(0.3) ? ', r.devices + 4' : '') . ')' } ],
	[ 4, sub { return 'start_reservation(pick())' } ],
	[ 4, sub { return 'end_reservation(pick())' } ],
	[ 2, sub { return 'record_reservations()' } ],
	[ 4, sub { my $p = 1 + int rand 5; return "offer_devices($p, @{[ 12 + int rand 20 ]}, " . (chance(0.5) ? 'tstzrange(soon(0), NULL)' : span()) . ', drain => ' . one_of('true', 'false') . ')' } ],
	[ 3, sub { my $p = 1 + int rand 5; return "plan_maintenance($p, @{[ devices($p) ]}, @{[ span() ]}, drain => " . one_of('true', 'false') . ')' } ],
	[ 2, sub { return 'cancel_maintenance((SELECT min(id) FROM pool_reduction WHERE kind = \'maintenance\' AND withdrawn = \'infinity\'))' } ],
	[ 1, sub { return "record_outage(4, @{[ devices(4) ]}, tstzrange(clock_timestamp(), soon(@{[ 1 + int rand 50 ]})))" } ],
	[ 1, sub { return 'end_outage((SELECT max(id) FROM pool_reduction WHERE kind = \'outage\'), clock_timestamp())' } ],
	[ 1, sub { return 'set_guest_share(3, ' . one_of('0.25', '0.5', '0.75') . ', tstzrange(soon(0), NULL))' } ],
	[ 2, sub { return one_of("move_devices(5, 6, 1, soon(@{[ int rand 500 ]}))", "move_devices(6, 5, 1, soon(@{[ int rand 500 ]}))") } ],
	[ 3, sub { return 'pool_availability(' . (1 + int rand 6) . ', ' . span() . ')' } ],
	[ 2, sub { return "availability('north', 'nvidia/h100', " . span() . ')' } ],
	[ 3, sub { return 'answer_reservation(pick(), ' . one_of("'accepted'", "'accepted'", "'refused', 'no room'", "'lost', 'burnt'") . ", centre_id => 'c' || clock_timestamp()" . ')' } ],
	# what the centre holds itself may leave a pool short, too
	[ 3, sub { my $p = 1 + int rand 4; return "report_pool($p" . ($p == 4 && chance(0.5) ? ", ARRAY[ROW(1, soon(@{[ int rand 30 ]}), NULL, NULL)]::pool_use[]" : '') . ')' } ],
	[ 1, sub { return "drain_reservations(4, @{[ span() ]})" } ],
	[ 1, sub { return 'short_reservations(4)' } ],
	[ 2, sub { return "grant_licence('a" . (1 + int rand 2) . "', 'needs one', tstzrange(soon(0), soon(10000)))" } ],
	[ 2, sub { return 'withdraw_licence((SELECT min(id) FROM licence WHERE upper_inf(recorded)))' } ],
	[ 1, sub { return "set_flag('a3', 'barred', @{[ span() ]})" } ],
	[ 1, sub { return "set_party(@{[ account() ]}, 'DE', " . one_of("'DE'", 'NULL') . ')' } ],
	[ 2, sub { return "screen(@{[ account() ]}, 'nvidia/h100-sxm5-80gb', 'south', @{[ span() ]})" } ],
	[ 1, sub { return 'rescreen()' } ],
	[ 2, sub { return 'use()' } ],
	[ 2, sub { return "move_account(@{[ account() ]}, " . one_of("'net'", "'house'") . ', date_trunc(\'second\', clock_timestamp()) + interval \'1 day\' * random())' } ],
);
my @choices = map { ($_->[1]) x $_->[0] } @calls;

Attack::run($node, $seconds, sub { Attack::transaction(@choices) }, '{1,2,3,5,6}')
	->judge(20, qw(40001 57P01 LC020 LC021 LC022 LC023 LC024 LC025 LC026 22023 22000 22008 23000 23001 42704 55000));
note $node->safe_psql('postgres', q{SELECT count(*) FROM reservation_change WHERE action = 'preempt'}) . ' reservations gave way';
note $node->safe_psql('postgres', "SELECT string_agg(state || ' ' || n, ', ' ORDER BY state) FROM (SELECT state, count(*) AS n FROM reservation GROUP BY 1) AS s");
done_testing();
