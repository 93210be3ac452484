# Sixteen sessions call every function of placement, queue and dispatch at once, at all isolation levels, beside bookings, while
# capacity is lowered, prices and policies change, accounts move, agents and their sessions die, and two do nothing but pass after
# pass.  No instant that anybody could see is overbooked, no piece is without its gang, no two have the same work, there is no
# deadlock, and no error but those that are meant.
#
# COMPUTE_LEDGER_SECONDS says how long (12), COMPUTE_LEDGER_SEED in which order.
use strict;
use warnings;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Attack;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261204;
my $seconds = $ENV{COMPUTE_LEDGER_SECONDS} // 12;
srand($seed);
note "seed $seed, $seconds s";

my $node = Attack::server('dispatch_attack');
$node->safe_psql('postgres', q{
	SELECT create_account('net', currency => 'USD', jurisdiction => 'DE'), create_account('house', currency => 'USD', jurisdiction => 'DE');
	SELECT create_account('a' || n, parent => CASE WHEN n % 2 = 0 THEN 'net' ELSE 'house' END, jurisdiction => 'DE') FROM generate_series(1, 8) AS n;
	SELECT create_region('south'), create_region('north'), create_region('east');
	-- 1 to 4 of like cards, the third with guests; 5 of others, that may be short
	SELECT create_pool((ARRAY['south', 'south', 'north', 'east', 'north'])[n], (CASE n WHEN 5 THEN 'nvidia/a100-sxm4-40gb' ELSE 'nvidia/h100-sxm5-80gb' END)::accelerator,
		'p' || n, granule => CASE n WHEN 2 THEN 4 ELSE 1 END, hold => '2 seconds', host => CASE n WHEN 3 THEN 'house' END) FROM generate_series(1, 5) AS n;
	SELECT offer_devices(n, 24, tstzrange(date_trunc('day', now()) - interval '1 day', NULL), now => now() - interval '1 day') FROM generate_series(1, 5) AS n;
	SELECT set_guest_share(3, 0.5, tstzrange(date_trunc('day', now()), NULL)), create_price('nvidia', 'USD', 2), create_price('nvidia', 'USD', 1, measure => 'reserved');
	SELECT offer_idle(n, 0.1, 'USD', CASE n WHEN 1 THEN interval '0' ELSE interval '1 minute' END) FROM generate_series(1, 4) AS n;
	SELECT set_region_link(f, t, 0.01, 'USD', 10, '20 ms') FROM unnest('{north,south,east}'::text[]) AS f, unnest('{north,south,east}'::text[]) AS t WHERE f <> t;
	SELECT set_scaling_efficiency('', n, 1 - n * 0.02) FROM generate_series(2, 4) AS n;
	SELECT create_policy('house'), create_access_rule('needs one', 'house', 'needs_licence', 'rule 1', accounts => '{a1,a2}'), create_access_rule('flagged', 'house', 'deny', 'rule 2', flags => '{barred}');
	SELECT grant_licence('a1', 'needs one', '[2020-01-01Z,2100-01-01Z)');
	UPDATE queue_setting SET lease = '2 seconds', grace = '1 second', patience = '1 minute' WHERE upper_inf(recorded);
	CREATE TABLE two (at timestamptz, what text);

	-- Some request, and some lease, mostly one of the last.
	CREATE FUNCTION asked() RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM request WHERE id >= (SELECT max(id) FROM request) - random() * random() * 100 ORDER BY id LIMIT 1 $$;
	CREATE FUNCTION leased() RETURNS bigint LANGUAGE sql AS $$ SELECT coalesce((SELECT min(id) FROM lease WHERE replaced IS NOT NULL AND random() < 0.1), (SELECT id FROM lease WHERE id >= (SELECT max(id) FROM lease) - random() * random() * 20 ORDER BY id LIMIT 1)) $$;
	-- The first offer for a request, or some other one.
	CREATE FUNCTION offered(asked placement_request) RETURNS jsonb LANGUAGE sql AS $$ SELECT q.offer FROM quote(asked, 3) AS q WHERE q.rank IS NOT NULL ORDER BY random() * q.rank LIMIT 1 $$;
	CREATE FUNCTION dearer() RETURNS bigint LANGUAGE sql AS $$
		UPDATE price SET price = 1 + round(random()::numeric, 2) WHERE upper_inf(recorded) AND measure = 'reserved' RETURNING id $$;
	CREATE FUNCTION settle() RETURNS bigint LANGUAGE sql AS $$
		UPDATE queue_setting SET patience = make_interval(mins => (random() * 60)::integer), half_life = make_interval(days => 1 + (random() * 9)::integer) WHERE upper_inf(recorded) RETURNING 1::bigint $$;

	-- Two that are at the same work, and gangs that are there by half, of what was reserved or came from the queue.
	CREATE FUNCTION doubled() RETURNS SETOF two LANGUAGE sql AS $$
		SELECT clock_timestamp(), format('reservation %s is under %s leases', l.reservation, count(*)) FROM lease AS l WHERE l.replaced IS NULL GROUP BY l.reservation HAVING count(*) > 1
		UNION ALL
		SELECT clock_timestamp(), format('lease %s was given before %s, whose time was not over', n.id, l.id)
		FROM lease AS l JOIN lease AS n ON n.reservation = l.reservation AND n.id > l.id AND (n.taken < l.expires OR l.replaced IS NULL)
		UNION ALL
		SELECT clock_timestamp(), format('booking %s of %s has %s pieces, of %s accounts, with %s periods', r.booking, min(r.request), count(*), count(DISTINCT r.account), count(DISTINCT b.period))
		FROM reservation AS r JOIN reservation_change AS b ON b.reservation = r.id AND b.action = 'book' WHERE r.request ~ '^s' GROUP BY r.booking
		HAVING count(*) <> (SELECT jsonb_array_length(a.answer) FROM request_answer AS a WHERE a.scope = 'account:' || min(r.account) AND a.request = min(r.request)) OR count(DISTINCT r.account) > 1 OR count(DISTINCT b.period) > 1
		UNION ALL
		SELECT clock_timestamp(), format('request %s, %s, with booking %s of %s devices for account %s', q.id, q.state, q.booking, sum(b.devices), min(r.account))
		FROM request AS q LEFT JOIN reservation AS r ON r.booking = q.booking LEFT JOIN reservation_change AS b ON b.reservation = r.id AND b.action = 'book'
		GROUP BY q.id
		HAVING q.state = 'queued' AND q.booking IS NOT NULL OR q.state = 'placed' AND (sum(b.devices) = q.devices AND min(r.account) = q.account AND bool_and(b.period = q.planned)) IS NOT TRUE $$;
});
# gangs, work that has begun, for agents to take at once, and some that was taken and of which nobody was heard
$node->safe_psql('postgres', q{
	SELECT submit_request(placement_request('a' || n % 6 + 3, '{nvidia}', 1 + n % 4, make_interval(mins => 61 + n)), now => now() - interval '1 hour') FROM generate_series(1, 40) AS n;
	SELECT reserve(placement_request('a' || n + 2, '{nvidia}', 8 * n, '2 hours', sites => 3, not_before => now() - interval '59 minutes'), request => 's' || nextval('call'), confirmed => n < 3, now => now() - interval '1 hour') FROM generate_series(1, 4) AS n;
	SELECT schedule(now => now() - interval '1 hour');
	SELECT report_work(w.lease, 'started', now => now() - interval '10 minutes') FROM take_work('dead', 6, now => now() - interval '10 minutes') AS w;
	-- and some that others take again
	SELECT count(*) FROM take_work('silent', 4, now => now() - interval '10 minutes');
});
my @accounts = map { "a$_" } 1 .. 8;

sub span { my $from = int rand one_of(3, 60, 600); my $to = $from + 1 + int rand one_of(3, 300, 2000); return "tstzrange(soon($from), soon($to))" }
sub devices { return 1 + int rand one_of(4, 8, 30) }
sub account { return "'" . one_of(@accounts) . "'" }
sub key { my ($kind) = @_; return chance(0.4) ? ", request => '$kind' || " . (chance(0.7) ? "nextval('call')" : "(SELECT last_value FROM call)") : '' }
sub options { return (chance(0.6) ? ', confirmed => true' : '') }

# What is asked of a placement.
sub asked
{
	my @what = ("@{[ account() ]}, '{@{[ one_of('nvidia', 'nvidia', 'nvidia/h100', 'nvidia/h100,nvidia/a100', 'nvidia/a100') ]}}'");
	if (chance(0.8)) { push @what, "@{[ 4 * devices() ]}, make_interval(mins => @{[ 1 + int rand one_of(3, 100, 1000) ]})" }
	elsif (chance(0.5)) { push @what, "devices => @{[ devices() ]}, work => '@{[ 1 + int rand 100 ]} PFLOPh\@bf16'" }
	else { push @what, "work => '@{[ 1 + int rand 100 ]} PFLOPh\@bf16', deadline => soon(@{[ 10 + int rand 3000 ]})" }
	push @what, "sites => @{[ 1 + int rand 4 ]}" if chance(0.4);
	push @what, "not_before => soon(@{[ int rand 100 ]})" if chance(0.2);
	push @what, "regions => '{@{[ one_of('north', 'south,east', 'east') ]}}'" if chance(0.2);
	push @what, "data_region => '@{[ one_of('north', 'east') ]}', data_gb => @{[ int rand 5000 ]}" if chance(0.2);
	push @what, "ceiling => @{[ one_of(0.5, 1.3, 3) ]}" if chance(0.2);
	push @what, "delay_value => @{[ rand 2 ]}" if chance(0.3);
	push @what, 'preemptible => true' if chance(0.15);
	return 'placement_request(' . join(', ', @what) . ')';
}

# What is called, how often, and what of it.
my @calls = (
	[ 3, sub { return "quote(@{[ asked() ]}, @{[ 1 + int rand 5 ]})" } ],
	[ 6, sub { return "reserve(@{[ asked() ]}@{[ key('s') ]}@{[ options() ]})" } ],
	[ 6, sub { return "reserve(offered(@{[ asked() ]})@{[ key('s') ]}@{[ options() ]})" } ],
	[ 14, sub { return "submit_request(@{[ asked() ]}@{[ chance(0.2) ? ', band => ' . one_of(-1, 1) : '' ]}@{[ key('q') ]})" } ],
	[ 6, sub { return 'cancel_request(asked())' } ],
	[ 2, sub { return 'explain_request(asked())' } ],
	[ 5, sub { return 'schedule(' . (chance(0.2) ? "horizon => '@{[ one_of('1 hour', '3 days') ]}'" : '') . ')' } ],
	[ 1, sub { return one_of('fair_share()', 'queue', 'my_request', 'agent_lease') } ],
	[ 1, sub { return "set_share(@{[ account() ]}, @{[ int rand 4 ]}, @{[ one_of(\"'(,)'\", span()) ]})" } ],
	[ 1, sub { return 'settle()' } ],
	[ 1, sub { my @r = one_of([ 'north', 'south' ], [ 'south', 'east' ]); return "set_region_link('$r[0][0]', '$r[0][1]', @{[ rand ]}::numeric, 'USD', @{[ one_of(1, 10) ]})" } ],
	[ 1, sub { return "set_scaling_efficiency('', @{[ 2 + int rand 3 ]}, @{[ one_of('0.3', '0.6', '0.9', 'NULL') ]})" } ],
	[ 2, sub { return 'dearer()' } ],
	[ 1, sub { return "offer_idle(@{[ 1 + int rand 4 ]}, @{[ one_of('0.05', '0.2') ]}, 'USD', '@{[ one_of(0, '1 minute', '5 minutes') ]}')" } ],
	[ 12, sub { return "take_work('@{[ one_of('x', 'y') ]}', @{[ one_of(1, 1, 3) ]}, lead => '@{[ one_of(0, '2 minutes', '2 hours') ]}'@{[ chance(0.3) ? ', pool => ' . (1 + int rand 5) : '' ]})" } ],
	[ 8, sub { return 'renew_lease(leased())' } ],
	[ 16, sub { return "report_work(leased(), '@{[ one_of('started', 'started', 'heartbeat', 'heartbeat', 'ended', 'failed') ]}')" } ],
	[ 2, sub { return 'confirm_end(pick())' } ],
	[ 2, sub { return 'expire_leases()' } ],
	# beside bookings
	[ 5, sub { my $p = 1 + int rand 5; return "book(@{[ account() ]}, $p, @{[ $p == 2 ? 4 : devices() ]}, @{[ span() ]}@{[ options() ]}@{[ chance(0.3) ? ', preemptible => true' : '' ]})" } ],
	[ 3, sub { return 'confirm_reservation(pick())' } ],
	[ 6, sub { return 'cancel_reservation(pick())' } ],
	[ 2, sub { return 'start_reservation(pick())' } ],
	[ 2, sub { return 'end_reservation(pick())' } ],
	[ 2, sub { return 'move_reservation(r.id, ' . span() . ')' } ],
	[ 2, sub { return 'shrink_reservation(r.id, r.devices - 1)' } ],
	[ 3, sub { my $p = 1 + int rand 5; return "offer_devices($p, @{[ 12 + int rand 20 ]}, " . (chance(0.5) ? 'tstzrange(soon(0), NULL)' : span()) . ', drain => ' . one_of('true', 'false') . ')' } ],
	[ 1, sub { my $p = 1 + int rand 5; return "plan_maintenance($p, @{[ $p == 2 ? 4 : devices() ]}, @{[ span() ]}, drain => " . one_of('true', 'false') . ')' } ],
	[ 1, sub { return "record_outage(5, @{[ devices() ]}, tstzrange(clock_timestamp(), soon(@{[ 1 + int rand 50 ]})))" } ],
	[ 1, sub { return 'set_guest_share(3, ' . one_of('0.25', '0.5', '0.75') . ', tstzrange(soon(0), NULL))' } ],
	[ 1, sub { return "grant_licence('a" . (1 + int rand 2) . "', 'needs one', tstzrange(soon(0), soon(10000)))" } ],
	[ 1, sub { return 'withdraw_licence((SELECT min(id) FROM licence WHERE upper_inf(recorded)))' } ],
	[ 1, sub { return "set_flag('a3', 'barred', @{[ span() ]})" } ],
	[ 1, sub { return 'rescreen()' } ],
	[ 1, sub { return 'record_reservations()' } ],
	[ 1, sub { return "move_account(@{[ account() ]}, " . one_of("'net'", "'house'") . ', date_trunc(\'second\', clock_timestamp()) + interval \'1 day\' * random())' } ],
);
my @choices = map { ($_->[1]) x $_->[0] } @calls;

# What a good agent does, and one that forgets to say the end.
sub work { return "SELECT coalesce(max(lease), 0) AS lease FROM take_work('z') \\gset\n" . join '', map { "SELECT report_work(:lease, '$_');\n" } 'started', (chance(0.7) ? 'ended' : ()) }

# Of the sessions two make passes, two are agents, and the others do anything.
sub transaction { my ($n) = @_; return $n > 2 && $n < 5 ? work() : Attack::transaction($n < 3 ? sub { 'schedule()' } : @choices) }

my $missing = q{SELECT string_agg(what, ', ') FROM (VALUES ('placed', EXISTS (SELECT FROM request WHERE state = 'placed')), ('planned', EXISTS (SELECT FROM request_change WHERE action = 'plan')),
	('cancelled', EXISTS (SELECT FROM request WHERE state = 'cancelled')), ('gangs', EXISTS (SELECT FROM reservation GROUP BY booking HAVING count(*) > 1)), ('lost', EXISTS (SELECT FROM lease_report WHERE event = 'lost')),
	('started', EXISTS (SELECT FROM lease_report WHERE answer = 'running')), ('ended', EXISTS (SELECT FROM lease_report WHERE answer = 'ended')), ('old', EXISTS (SELECT FROM lease_report WHERE answer = 'old number'))) AS v (what, was) WHERE NOT was};
my $attack = Attack::run($node, $seconds, \&transaction, '{1,2,3,4}', 'INSERT INTO two SELECT * FROM doubled();', sub { return $node->safe_psql('postgres', $missing) eq '' });
note $node->safe_psql('postgres', q{SELECT concat_ws(', ', (SELECT passes || ' passes' FROM queue_pass), (SELECT string_agg(state || ' ' || n, ', ' ORDER BY state) FROM (SELECT state, count(*) AS n FROM request GROUP BY 1) AS s),
	(SELECT string_agg(action || ' ' || n, ', ' ORDER BY action) FROM (SELECT action, count(*) AS n FROM request_change GROUP BY 1) AS s),
	(SELECT count(*) || ' leases' FROM lease), (SELECT string_agg(event || ' ' || answer || ' ' || n, ', ' ORDER BY event, answer) FROM (SELECT event, left(answer, 12) AS answer, count(*) AS n FROM lease_report GROUP BY 1, 2) AS s),
	(SELECT count(*) || ' gangs' FROM (SELECT FROM reservation GROUP BY booking HAVING count(*) > 1) AS g), (SELECT count(*) || ' gave way' FROM reservation_change WHERE action = 'preempt'))});
$attack->judge(5, qw(40001 57P01 LC020 LC021 LC022 LC023 LC024 LC025 LC026 LC027 LC028 LC029 LC030 22023 22000 22008 23000 23001 23P01 42704 55000));
is($node->safe_psql('postgres', 'SELECT * FROM two LIMIT 10'), '', 'no two had the same work, and no gang was there by half');
is($node->safe_psql('postgres', 'SELECT * FROM doubled() LIMIT 10'), '', 'nor are now');
is($node->safe_psql('postgres', $missing), '', 'something of everything happened');
done_testing();
