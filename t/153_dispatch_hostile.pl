# Every function of placement, queue and dispatch with arguments that nobody means, requests that cannot be and offers that were
# forged among them; by the owner and by every kind of access.  Each is answered or refused with a code of its own, nothing is changed
# that must not be, nobody is told of another's requests, and what another has is refused in the words of what nobody has.
use strict;
use warnings;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Hostile;

srand($ENV{COMPUTE_LEDGER_SEED} // 20261206);
my $hostile = Hostile->new('dispatch_hostile', by_name => { 'request bigint' => 1, basis => undef, regions => undef, workload => '', deadline => '2090-02-01Z', data_region => undef, results_region => undef, link_class => '', band => 0, sites => 1,
	limit => 3, horizon => undef, hold => undef, work => undef, data_gb => 0, results_gb => 0, between_gb => 0, max_latency => undef, currency => 'USD', from_region => 'south', to_region => 'north', event => 'heartbeat', detail => undef, lead => '1 hour', pool => 4, preemptible => 'false', lease => 1 });

# what is there now, of both: requests that wait, one of another who could begin at once, work that was taken in two regions
$hostile->as('owner', q{
	SELECT set_share('acme', 2), create_price('nvidia', 'USD', 2, valid_from => '2020-01-01Z'), set_region_link('south', 'north', 0.01, 'USD', 10), set_scaling_efficiency('', 2, 0.9);
	SELECT create_pool('south', 'nvidia/l40s', hold => '1 day', horizon => '99 years'), create_pool('north', 'nvidia/l40s', hold => '1 day', horizon => '99 years');
	SELECT offer_devices(n, 64, tstzrange(date_trunc('hour', now()) - interval '1 day', NULL), now => now() - interval '1 day') FROM generate_series(4, 5) AS n;
	SELECT offer_idle(4, 0.1, 'USD');
	SELECT book(account, pool, 8, tstzrange(date_trunc('hour', now()) - interval '1 hour', date_trunc('hour', now()) + interval '1 day'), confirmed => true, now => now() - interval '2 hours')
	FROM (VALUES ('acme', 4), ('zenith', 4), ('zenith', 5)) AS v (account, pool);
	SELECT report_work(w.lease, 'started') FROM generate_series(4, 5) AS n CROSS JOIN LATERAL take_work('x', pool => n) AS w;
	SELECT submit_request(placement_request('acme', '{nvidia/l40s}', 64, '1 hour', not_before => '2090-01-10Z'), request => 'a1', now => '2090-01-01Z'),
		submit_request(placement_request('zenith', '{nvidia/l40s}', 8, '1 hour'), request => 'zenith 1');
	SELECT count(*) FROM reserve(placement_request('zenith', '{nvidia/l40s}', 100, '1 hour', sites => 2, not_before => '2090-01-15Z'), request => 'zenith 2')});

# Requests, as text: some that can be, and each with something that cannot.
my $request = sub { my (@what) = @_; return 'placement_request(' . join(', ', @what) . ')' };
my $good = $request->(q('acme'), q('{nvidia/l40s}'), 8, q('1 hour'), q(not_before => '2090-01-10Z'));
my @asked = map { $hostile->as('owner', "SELECT ($_)::text") } $good, 'NULL::placement_request', $request->('NULL', 'NULL'),
	(map { $good =~ s/'acme'/$_/r } q('zenith'), q(''), q(repeat('x', 5000))),
	(map { $good =~ s/'\{nvidia\/l40s\}'/$_/r } q('{}'), q('{NULL}'), q('{{nvidia},{amd}}'), q(array_fill('nvidia'::accelerator, '{101}')), q(array_fill('nvidia'::accelerator, '{100}'))),
	(map { $good =~ s/ 8,/ $_,/r } 0, -1, 7, '1000000000', '9223372036854775807', 'NULL'),
	(map { $good =~ s/'1 hour'/$_/r } q('178000000 years'), q('-1 day'), q('1 month'), q('1 microsecond'), q('36500 days'), 'NULL'),
	(map { $good =~ s/\)$/, $_)/r } q(basis => 'no such'), q(deadline => 'infinity'), q(deadline => '2000-01-01Z'), q(regions => '{no such}'), q(regions => '{south,NULL}'), q(regions => array_fill('south'::text, '{1001}')), 'sites => 0', 'sites => 9',
		'sites => 2', 'sites => 8', q(workload => repeat('x', 5000)), q(data_region => 'north', data_gb => 'NaN'), q(data_region => 'north', data_gb => 1e12), q(data_region => 'north', data_gb => 1), q(data_gb => 1), q(data_region => 'no such'), 'results_gb => -1',
		q(results_gb => 5, results_region => 'north'), 'between_gb => 1e40', q(data_region => 'south', max_latency => '-1 s'), q(data_region => 'south', max_latency => '0'), q(ceiling => 'NaN'), 'ceiling => 0', 'max_cost => -1', 'max_cost => 0',
		q(delay_value => 'Infinity'), 'delay_value => 1e18', 'preemptible => true', 'preemptible => NULL, sites => NULL, data_gb => NULL'),
	(map { $request->(q('acme'), q('{nvidia/l40s}'), $_) } q(work => '1e12 PFLOPh@bf16', devices => 1), q(work => '1e-18 PFLOPh@bf16', devices => 64), q(work => '-1 PFLOPh@bf16', devices => 1), q(work => '1 PFLOPh', devices => 1),
		q(work => '1 PFLOPh@bf16', deadline => '2090-01-10Z'), q(work => '1e12 PFLOPh@bf16', deadline => '2090-01-10Z', not_before => '2090-01-09Z')),
	$request->(q('acme'), q('{any}'), 1, q('1 hour'), q(not_before => '-infinity')), $request->(q('acme'), q('{any}'), 1, q('1 hour'), q(not_before => '4714-11-24 00:00:00+00 BC')), $request->(q('acme'), q('{any}'), 1, q('1 hour'), q(not_before => '294276-12-31 00:00:00+00'));
$hostile->{values}{placement_request} = \@asked;
$hostile->{by_type}{placement_request} = $asked[0];

# Offers: one as it was made, and what somebody may make of it.
my $offer = $hostile->as('owner', "SELECT offer FROM quote($good) WHERE rank = 1");
my @forged = split /\n/, $hostile->as('owner', "SELECT jsonb_set(offer, path::text[], value::jsonb)::text FROM (SELECT \$\$$offer\$\$::jsonb AS offer) AS o, (VALUES " . join(', ',
	(map { "('{pieces,0,pool}', '$_')" } 2, 5, 77777, -1, '"x"', 'null', '9223372036854775807', '1e30', '[]'), (map { "('{pieces,0,devices}', '$_')" } 0, -8, 7, 16, '9223372036854775807', '1e30', '"NaN"', 'null', '{}'),
	(map { ("('{pieces,0,starts}', '$_')", "('{pieces,0,ends}', '$_')") } '"infinity"', '"-infinity"', '"2090-01-10T00:30:00Z"', '"1970-01-01"', '"x"', 'null', '5'),
	(map { "('{pieces}', '$_')" } '[]', '{}', 'null', '[1]', '[[]]', '[null]', '[{}]', '"x"'),
	(map { "('{request,account}', '$_')" } '"zenith"', '"no such"', '"acme lab"', 'null', '5', '{}'), (map { "('{request,accelerators}', '$_')" } '[]', '"x"', '[[["nvidia"]]]', '[[[[[[["nvidia"]]]]]]]', '{"a": 1}'),
	(map { "('{request,$_->[0]}', '$_->[1]')" } [ 'devices', '"abc"' ], [ 'devices', -1 ], [ 'work', '"x"' ], [ 'time_limit', '"x"' ], [ 'regions', '["no such"]' ], [ 'preemptible', 'true' ], [ 'preemptible', '7' ], [ 'sites', 99 ], [ 'ceiling', 0 ], [ 'data_gb', 1 ]),
	(map { "('{request}', '$_')" } 'null', '[]', '5', '{}'), (map { "('{total}', '$_')" } 0, -1, '"NaN"', '1e100', 'null', '"x"', '[1]'), (map { "('{currency}', '$_')" } '"EUR"', 'null', '5', '"no such"'),
	(map { ("('{quoted}', '$_')", "('{expires}', '$_')") } '"infinity"', '"-infinity"', '"1970-01-01"', '"2099-01-01"', 'null', '"x"'))
	. ') AS v (path, value)');
push @forged, $hostile->as('owner', q{SELECT jsonb_set(o, '{pieces}', (SELECT jsonb_agg(p.piece) FROM generate_series(1, 8) CROSS JOIN LATERAL (SELECT o -> 'pieces' -> 0 AS piece) AS p))::text FROM (SELECT $$} . $offer . q{$$::jsonb AS o) AS o}),
	$hostile->as('owner', q{SELECT jsonb_set(o, '{request,regions}', to_jsonb(array_fill('south'::text, '{20000}')))::text FROM (SELECT $$} . $offer . q{$$::jsonb AS o) AS o}), '[' x 1000 . ']' x 1000, '{"request":' x 500 . '1' . '}' x 500;
push @{ $hostile->{values}{jsonb} }, $offer, @forged;
push @{ $hostile->{values}{text} }, 'started', 'heartbeat', 'ended', 'failed', 'bf16', 'zenith 1';
$hostile->{by_type}{jsonb} = $offer;
$hostile->{by_type}{'accelerator[]'} = '{nvidia/l40s}';
$hostile->{values}{compute_unit} = [ '1 PFLOPh@bf16', '-1 PFLOPh@bf16', '1 PFLOPh', '1e12 PFLOPh@fp8' ];

my @functions = $hostile->functions(glob 'extension/placement/*.sql extension/queue/*.sql extension/dispatch/*.sql');
my @calls = $hostile->calls(25, @functions);
push @calls, map { [ $_, "compute_ledger.$_" ] } qw(queue my_request agent_lease region_link scaling_efficiency account_share queue_setting request request_change request_kind request_fit lease lease_report);
note @calls . ' calls';
$hostile->ask(\@calls, qw(22023 22000 22003 22008 22007 22P02 23514 23505 23503 23001 42704 LC002 LC003 LC004 LC006 LC007 LC020 LC021 LC022 LC023 LC024 LC025 LC026 LC027 LC028 LC029 LC030 42501 55000 54000));
my $numbers = [ [ 2, 77772 ] ];
# the second lease and the fourth reservation are zenith's in the north, where the agent is none
$hostile->pairs({ account => [ [ 'zenith', 'xenith' ] ], asked => [ [ $asked[3], $asked[3] =~ s/zenith/xenith/r ] ], offer => [ [ $offer =~ s/acme/zenith/r, $offer =~ s/acme/xenith/r ] ], request => $numbers, reservation => [ [ 4, 77774 ] ], lease => $numbers }, [qw(booker reader agent nobody)], @functions);
# a retry comes over another session, with other settings
my $retried = join '; ', map { "SELECT $_" } "submit_request($good, request => 'again 1')", "reservation FROM reserve($good, request => 'again 2')";
is($hostile->as('owner', "SET timezone = 'America/New_York'; SET intervalstyle = 'iso_8601'; SET datestyle = 'German'; SET extra_float_digits = -15; $retried"), $hostile->as('owner', $retried), 'the same call from a session with other settings is the same call');
is($hostile->as('owner', 'SELECT * FROM check_ledger() WHERE severity <> \'advice\''), '', 'check_ledger() finds nothing');
done_testing();
