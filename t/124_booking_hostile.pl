# Every function of pools, bookings and policy with arguments that nobody means: NULL in each place, empty, huge and infinite, numbers
# of what is not there and of what is another's; by the owner and by every kind of access.  Each is answered or refused with a code
# of its own, nothing is changed that must not be, and what another has is refused in the words of what nobody has.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use BookingModel;


my $node = PostgreSQL::Test::Cluster->new('booking_hostile');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\nclient_min_messages = error\n");
$node->start;
$node->safe_psql('postgres', q{CREATE ROLE owner LOGIN; CREATE ROLE admin LOGIN; CREATE ROLE biller LOGIN; CREATE ROLE booker LOGIN; CREATE ROLE agent LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE meter LOGIN; CREATE ROLE nobody LOGIN; CREATE DATABASE ledger OWNER owner});

# Runs SQL as a role.
sub as
{
	my ($role, $sql) = @_;
	my ($rc, $out, $err) = $node->psql('ledger', $sql, on_error_stop => 1, extra_params => [ '-U', $role ]);
	BAIL_OUT("$role: " . substr($err, 0, 1000)) if $rc != 0;
	return $out;
}

as('owner', q{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_account('acme', currency => 'USD', jurisdiction => 'DE'), create_account('acme lab', parent => 'acme', jurisdiction => 'DE'), create_account('zenith', currency => 'USD', jurisdiction => 'DE');
	SELECT create_region('south'), create_region('north');
	SELECT create_pool('south', 'nvidia/h100-sxm5-80gb', granule => 8, horizon => '99 years'), create_pool('north', 'nvidia/a100-sxm4-40gb', horizon => '99 years'), create_pool('north', 'nvidia/a100-sxm4-40gb:1g.5gb');
	SELECT offer_devices(n, 64, '[2090-01-01Z,)', now => '2090-01-01Z') FROM generate_series(1, 2) AS n;
	SELECT plan_maintenance(1, 8, '[2090-02-01Z,2090-02-02Z)', now => '2090-01-01Z'), record_outage(2, 1, '[2090-01-01Z,2090-03-01Z)', now => '2090-01-01Z');
	SELECT book('acme', 1, 8, '[2090-01-04Z,2090-01-06Z)', confirmed => true, now => '2090-01-01Z'), book('zenith', 1, 8, '[2090-01-04Z,2090-01-06Z)', confirmed => true, request => 'z1', now => '2090-01-01Z'),
		book('acme lab', 2, 1, '[2090-01-04Z,2090-01-06Z)', hold => '90 years', now => '2090-01-01Z'), book('zenith', 2, 1, '[2090-01-04Z,2090-01-06Z)', hold => '90 years', now => '2090-01-01Z');
	SELECT grant_access('admin', 'admin'), grant_access('biller', 'biller'), grant_access('booker', 'booker', 'acme'), grant_access('agent', 'agent', region => 'south'), grant_access('reader', 'reader', 'acme'), grant_access('meter', 'meter');
	GRANT USAGE ON SCHEMA public TO PUBLIC;
} . BookingModel::try());

# The functions, by the files that make them.
my @names = map { my $sql = slurp_file($_); $sql =~ /^CREATE FUNCTION ([a-z]\w*)\(/mg } map { glob } qw(extension/capacity/*.sql extension/booking/*.sql extension/policy/*.sql extension/usage/092-reserved_usage.sql);
my $names = join ',', map { "'$_'" } @names;
my @functions = map { [ split /\|/, $_, -1 ] } split /\n/, as('owner', qq{
	SELECT p.oid::regprocedure, p.proname, array_to_string(p.proargnames[1:p.pronargs], ','), (SELECT string_agg(format_type(t, NULL), ';' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n)), p.pronargs - p.pronargdefaults
	FROM pg_proc AS p WHERE p.pronamespace = 'compute_ledger'::regnamespace AND p.proname IN ($names) AND p.prorettype <> 'trigger'::regtype ORDER BY 1::text COLLATE "C"});
cmp_ok(scalar(@functions), '>', 15, 'functions: ' . join ' ', map { $_->[1] } @functions);

my $piece = sub { return "{\"(" . join(',', @_) . ")\"}" };
my $good = '\"[2090-01-10 00:00:00+00,2090-01-11 00:00:00+00)\"';
my %values = (
	'text' => [ '', ' ', 'acme', 'zenith', 'no such', 'south', 'north', 'x' x 5000, "\x{1F600}", '%s%n', 'Europe/Berlin', 'accepted', 'refused', 'lost', 'deny', 'allow', 'book', 'DE' ],
	'bigint' => [ 0, 1, 2, 3, 4, -1, 8, 16, 77777, '9223372036854775807', '-9223372036854775808' ],
	'integer' => [ 0, 1, -1, 8, 2147483647, -2147483648 ],
	'smallint' => [ 0, 1, -1, 32767 ],
	'boolean' => [ 'true', 'false' ],
	'numeric' => [ 0, 1, -1, '0.5', '1e-30', '1e40', 'NaN', 'Infinity', '-Infinity' ],
	'interval' => [ '0', '1 microsecond', '1 hour', '-1 day', '1 month', '178000000 years' ],
	'timestamp with time zone' => [ '2090-01-02Z', '2090-01-05Z', '2090-06-01Z', 'epoch', 'infinity', '-infinity', '4714-11-24 00:00:00+00 BC', '294276-12-31 23:59:59.999999+00' ],
	'tstzrange' => [ 'empty', '(,)', '[2090-01-10Z,)', '(,2090-01-10Z)', '[2090-01-10Z,2090-01-11Z)', '(2090-01-10Z,2090-01-11Z]', '[2090-01-10Z,2090-01-10Z]', '[-infinity,infinity]', '[2090-01-10Z,infinity)', '[4714-11-24 00:00:00+00 BC,294276-12-31 23:59:59+00)', '[2000-01-01Z,2100-01-01Z)' ],
	'daterange' => [ 'empty', '(,)', '[2090-01-10,2090-01-12)', '[2090-01-10,)', '[4714-11-24 BC,5874897-01-01)', '[-infinity,infinity]' ],
	'date' => [ '2090-01-10', 'infinity', '-infinity', '4714-11-24 BC' ],
	'time without time zone' => [ '00:00', '02:30', '24:00' ],
	'compute_ledger.accelerator' => [ 'nvidia', 'nvidia/h100-sxm5-80gb', 'nvidia/a100-sxm4-40gb:1g.5gb', 'google/tpu-v5p' ],
	'accelerator' => [ 'nvidia', 'nvidia/h100-sxm5-80gb', 'nvidia/a100-sxm4-40gb:1g.5gb', 'google/tpu-v5p' ],
	'reservation_piece[]' => [ '{}', '{NULL}', '{"(,,)"}', $piece->(1, 8, $good), $piece->(77777, 8, $good), $piece->(2, 1, 'empty'), $piece->(2, '9223372036854775807', $good), $piece->(2, -1, $good), '{{"(1,8,' . $good . ')"},{"(1,8,' . $good . ')"}}',
		'{' . join(',', ('"(1,8,' . $good . ')"') x 500) . '}' ],
	'jsonb' => [ '{}', '[]', 'null', '{"a": 1}', '[{"reservation": 1, "devices": 8}]', '[1e400]', '"x"' ],
	'integer[]' => [ '{}', '{NULL}', '{1,7}', '{8}', '{{1},{2}}' ],
	'bigint[]' => [ '{}', '{NULL}', '{1,77777}', '{{1},{2}}' ],
	'text[]' => [ '{}', '{NULL}', '{acme,zenith}', '{{a},{b}}' ],
	'accelerator[]' => [ '{}', '{NULL}', '{nvidia,google/tpu-v5p}', '{{nvidia},{amd}}' ],
	'name' => [ '', 'booker', 'admin', 'no such role' ],
	'pool_use[]' => [ '{}', '{NULL}', '{"(,,,)"}', '{"(8,,,)"}', '{"(8,2090-03-01 00:00:00+00,1,)"}', '{"(8,,2,)"}', '{"(8,,77777,x)"}', '{"(0,,,)"}', '{"(9223372036854775807,,,)","(9223372036854775807,,,)"}', '{"(8,infinity,,)"}' ],
);
sub literal { my ($v, $type) = @_; return "NULL::$type" if !defined $v; (my $q = $v) =~ s/'/''/g; return "'$q'::$type" }

srand($ENV{COMPUTE_LEDGER_SEED} // 20261203);
my (@calls, %untested);
for my $f (@functions)
{
	my ($signature, $name, $arguments, $types) = @$f;
	my @types = map { s/^compute_ledger\.//r } split /;/, $types;
	my @lists;
	for my $t (@types)
	{
		$untested{$t}++ if !exists $values{$t};
		push @lists, [ undef, @{ $values{$t} // [] } ];
	}
	# a NULL in each place among what is good, NULL everywhere, and random ones
	my @choices = ([ map { undef } @lists ]);
	for my $p (0 .. $#lists)
	{
		push @choices, map { my $v = $_; [ map { $_ == $p ? $v : sound($types[$_], (split /,/, $arguments)[$_]) } 0 .. $#lists ] } @{ $lists[$p] };
	}
	push @choices, [ map { $_->[ rand @$_ ] } @lists ] for 1 .. 40;
	push @calls, map { [ $name, "compute_ledger.$name(" . args($_, \@types) . ')' ] } @choices;
}
ok(!%untested, 'every argument type has values to try') or diag join ', ', sort keys %untested;

sub args { my ($c, $types) = @_; return join ', ', map { literal($c->[$_], $types->[$_]) } 0 .. $#$c }

# A value that is good, by type and name.
sub sound
{
	my ($type, $name) = @_;
	my %by_name = (account => 'acme', region => 'south', state => 'accepted', answer => 'accepted', now => undef, as_of => undef, verified => 'true', time_zone => 'Europe/Berlin', event => 'book', request => undef, devices => 8, drain => 'false',
		from_time => '01:00', to_time => '02:00', reason => 'works', share => '0.5', at => '2090-01-02Z', until => '2090-01-08Z', from => '2090-01-08Z', to_pool => 3, from_pool => 2, effect => 'deny');
	return $by_name{$name} if exists $by_name{$name};
	my %by_type = (bigint => 1, integer => 8, 'timestamp with time zone' => '2090-01-02Z', tstzrange => '[2090-01-10Z,2090-01-11Z)', daterange => '[2090-01-10,2090-01-12)', interval => '1 hour', accelerator => 'nvidia/h100-sxm5-80gb',
		boolean => 'true', numeric => 1, 'reservation_piece[]' => $values{'reservation_piece[]'}[3]);
	return $by_type{$type};
}

# Everything that is stored, to see what has changed.
my @tables = split /\n/, as('owner', q{SELECT c.oid::regclass FROM pg_class AS c WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1::text COLLATE "C"});
sub stored { return as('owner', join '', map { "SELECT '$_', count(*), md5(string_agg(t::text, ',' ORDER BY t::text COLLATE \"C\")) FROM $_ AS t;" } @tables) }

my $before = stored();
my %meant = map { ($_ => 1) } qw(ok 22023 22000 22003 22008 22007 23514 23505 23503 23001 42704 LC002 LC003 LC004 LC006 LC007 LC020 LC021 LC022 LC023 LC024 LC025 LC026 LC012 42501 55000 54000 23502);
my %allowed;
for my $role (qw(owner admin biller agent booker reader meter nobody))
{
	my @sql = map { 'BEGIN; SELECT concat_ws(\' \', left(try($call$SELECT count(*)::text FROM ' . $_->[1] . ' AS f$call$), 2000)); ROLLBACK;' } @calls;
	my ($out, $err) = ('', '');
	if ($role =~ /owner|admin/)
	{
		$node->psql('ledger', "SET statement_timeout = '20s';\n" . join("\n", @sql), stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-U', $role ]);
	}
	else
	{
		# who may do less is asked less often, and what he does stays, so that what he could change is seen
		@sql = map { 'SELECT concat_ws(\' \', left(try($call$SELECT count(*)::text FROM ' . $_->[1] . ' AS f$call$), 2000));' } @calls;
		$node->psql('ledger', "SET statement_timeout = '20s'; BEGIN;\n" . join("\n", @sql) . "\nROLLBACK;", stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-U', $role ]);
	}
	is($err, '', "$role: nothing but refusals");
	my @said = split /\n(?=ok|\w{5} )/, $out;
	is(scalar(@said), scalar(@calls), "$role: every call is answered") or next;
	my %wrong;
	for my $n (0 .. $#calls)
	{
		my ($code) = $said[$n] =~ /^(\S+)/;
		$allowed{$role}{ $calls[$n][0] }++ if $code !~ /^42501/;
		$wrong{"$calls[$n][0] $code"} //= substr($calls[$n][1], 0, 400) . "\n--> " . substr($said[$n], 0, 400) if !$meant{$code} || $said[$n] =~ /violates|Failing row|null value in|of relation/;
		$wrong{"$calls[$n][0] names another"} //= "$calls[$n][1]\n--> $said[$n]" if $role =~ /booker|reader/ && $said[$n] =~ /zenith/ && $calls[$n][1] !~ /zenith/;
	}
	is(join("\n", map { "$_: $wrong{$_}" } sort keys %wrong), '', "$role: each refusal has a code that is meant");
	note "$role may call " . join ' ', sort keys %{ $allowed{$role} // {} };
}
is(stored(), $before, 'nothing has changed');

# ------------------------------------------------------------------ what is another's, and what is nobody's
my @pairs;
for my $f (@functions)
{
	my ($signature, $name, $arguments, $types) = @$f;
	my @types = map { s/^compute_ledger\.//r } split /;/, $types;
	my @arguments = split /,/, $arguments;
	for my $p (grep { $arguments[$_] =~ /^(reservation|account|id)$/ } 0 .. $#arguments)
	{
		for my $pair ($arguments[$p] eq 'account' ? [ 'zenith', 'xenith' ] : ([ 2, 77772 ], [ 4, 77774 ]))
		{
			push @pairs, [ $signature, map { my $v = $_; "compute_ledger.$name(" . args([ map { $_ == $p ? $v : $arguments[$_] eq 'now' ? undef : sound($types[$_], $arguments[$_]) } 0 .. $#arguments ], \@types) . ')' } @$pair ];
		}
	}
}
for my $role (qw(booker reader nobody))
{
	my @differ;
	for my $pair (@pairs)
	{
		my @said = map { as($role, "BEGIN; SELECT left(try(\$call\$SELECT f::text FROM $_ AS f\$call\$), 500); ROLLBACK") } @{$pair}[ 1, 2 ];
		s/\b(zenith|xenith|2|4|77772|77774)\b/?/g for @said;
		push @differ, "$pair->[0]: $said[0] <> $said[1]" if $said[0] ne $said[1];
	}
	is(join("\n", @differ), '', "$role: what is another's is refused as what is nobody's");
}
is(as('owner', 'SELECT * FROM check_ledger()'), '', 'check_ledger() finds nothing');
done_testing();
