# Functions with arguments that nobody means: NULL in each place, empty, huge and infinite, numbers of what is not there and of what is
# another's; by the owner and by every kind of access.  Not a test.
package Hostile;
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BookingModel;

# A ledger of acme's and zenith's with something booked, in which each kind of access has a role; booker and reader are acme's, agent
# the region south's.
sub new
{
	my ($class, $name, %more) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\nclient_min_messages = error\n");
	$node->start;
	$node->safe_psql('postgres', q{CREATE ROLE owner LOGIN; CREATE ROLE admin LOGIN; CREATE ROLE biller LOGIN; CREATE ROLE booker LOGIN; CREATE ROLE agent LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE meter LOGIN; CREATE ROLE nobody LOGIN; CREATE DATABASE ledger OWNER owner});
	my $self = bless { node => $node, values => { values_of_types() }, by_name => {}, by_type => {}, %more }, $class;
	$self->as('owner', q{
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
	return $self;
}

# Runs SQL as a role.
sub as
{
	my ($self, $role, $sql) = @_;
	my ($rc, $out, $err) = $self->{node}->psql('ledger', $sql, on_error_stop => 1, extra_params => [ '-U', $role ]);
	BAIL_OUT("$role: " . substr($err, 0, 1000)) if $rc != 0;
	return $out;
}

# ------------------------------------------------------------------ arguments

# What is tried of each type.
sub values_of_types
{
	my $piece = sub { return "{\"(" . join(',', @_) . ")\"}" };
	my $good = '\"[2090-01-10 00:00:00+00,2090-01-11 00:00:00+00)\"';
	return (
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
}

sub literal { my ($v, $type) = @_; return "NULL::$type" if !defined $v; (my $q = $v) =~ s/'/''/g; return "'$q'::$type" }
sub args { my ($c, $types) = @_; return join ', ', map { literal($c->[$_], $types->[$_]) } 0 .. $#$c }

# A value that is good, by type and name.
sub sound
{
	my ($self, $type, $name) = @_;
	my %by_name = (account => 'acme', region => 'south', state => 'accepted', answer => 'accepted', now => undef, as_of => undef, verified => 'true', time_zone => 'Europe/Berlin', event => 'book', request => undef, devices => 8, drain => 'false',
		from_time => '01:00', to_time => '02:00', reason => 'works', share => '0.5', at => '2090-01-02Z', until => '2090-01-08Z', from => '2090-01-08Z', to_pool => 3, from_pool => 2, effect => 'deny', %{ $self->{by_name} });
	return $by_name{"$name $type"} if exists $by_name{"$name $type"};
	return $by_name{$name} if exists $by_name{$name};
	my %by_type = (bigint => 1, integer => 8, 'timestamp with time zone' => '2090-01-02Z', tstzrange => '[2090-01-10Z,2090-01-11Z)', daterange => '[2090-01-10,2090-01-12)', interval => '1 hour', accelerator => 'nvidia/h100-sxm5-80gb',
		boolean => 'true', numeric => 1, 'reservation_piece[]' => $self->{values}{'reservation_piece[]'}[3], %{ $self->{by_type} });
	return $by_type{$type};
}

# The functions that some files make: signature, name, names and types of arguments.
sub functions
{
	my ($self, @files) = @_;
	my $names = join ',', map { my $sql = slurp_file($_); map { "'$_'" } $sql =~ /^CREATE FUNCTION ([a-z]\w*)\(/mg } @files;
	my @functions = map { [ split /\|/, $_, -1 ] } split /\n/, $self->as('owner', qq{
		SELECT p.oid::regprocedure, p.proname, array_to_string(p.proargnames[1:p.pronargs], ','), (SELECT string_agg(format_type(t, NULL), ';' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n))
		FROM pg_proc AS p WHERE p.pronamespace = 'compute_ledger'::regnamespace AND p.proname IN ($names) AND p.prorettype <> 'trigger'::regtype ORDER BY 1::text COLLATE "C"});
	@$_[ 2, 3 ] = ([ split /,/, $_->[2] ], [ map { s/^compute_ledger\.//r } split /;/, $_->[3] ]) for @functions;
	cmp_ok(scalar(@functions), '>', 10, 'functions: ' . join ' ', map { $_->[1] } @functions);
	return @functions;
}

# Calls of functions: all values of each argument among what is good, NULL everywhere, and so many random ones.
sub calls
{
	my ($self, $random, @functions) = @_;
	my (@calls, %untested);
	for my $f (@functions)
	{
		my ($signature, $name, $arguments, $types) = @$f;
		$untested{$_}++ for grep { !exists $self->{values}{$_} } @$types;
		my @lists = map { [ undef, @{ $self->{values}{$_} // [] } ] } @$types;
		my @choices = ([ map { undef } @lists ]);
		for my $p (0 .. $#lists)
		{
			push @choices, map { my $v = $_; [ map { $_ == $p ? $v : $self->sound($types->[$_], $arguments->[$_]) } 0 .. $#lists ] } @{ $lists[$p] };
		}
		push @choices, map { [ map { $_->[ rand @$_ ] } @lists ] } 1 .. $random;
		push @calls, map { [ $name, "compute_ledger.$name(" . args($_, $types) . ')' ] } @choices;
	}
	ok(!%untested, 'every argument type has values to try') or diag join ', ', sort keys %untested;
	return @calls;
}

# ------------------------------------------------------------------ what comes of it

# Everything that is stored, to see what has changed.
sub stored
{
	my ($self) = @_;
	$self->{tables} //= [ split /\n/, $self->as('owner', q{SELECT c.oid::regclass FROM pg_class AS c WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1::text COLLATE "C"}) ];
	return $self->as('owner', join '', map { "SELECT '$_', count(*), md5(string_agg(t::text, ',' ORDER BY t::text COLLATE \"C\")) FROM $_ AS t;" } @{ $self->{tables} });
}

# Each kind of access makes the calls: all are answered, or refused with a code that is meant, and who is acme's is told nothing of zenith.
sub ask
{
	my ($self, $calls, @meant) = @_;
	my %meant = map { ($_ => 1) } 'ok', @meant;
	my $before = $self->stored;
	my %allowed;
	for my $role (qw(owner admin biller agent booker reader meter nobody))
	{
		# who may do less is asked in one transaction, so that what he could change would be seen; and what he is told is read
		my $all = $role =~ /owner|admin/;
		my $told = $role =~ /booker|reader|nobody/ ? q{string_agg(f::text, ' ')} : 'count(*)::text';
		my @sql = map { 'SELECT concat_ws(\' \', left(try($call$SELECT ' . $told . ' FROM ' . $_->[1] . ' AS f$call$), 2000));' } @$calls;
		my ($out, $err) = ('', '');
		$self->{node}->psql('ledger', "SET statement_timeout = '20s';\n" . ($all ? join "\n", map { "BEGIN; $_ ROLLBACK;" } @sql : join "\n", 'BEGIN;', @sql, 'ROLLBACK;'),
			stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-U', $role ]);
		is($err, '', "$role: nothing but refusals");
		my @said = split /\n(?=ok|\w{5} )/, $out;
		is(scalar(@said), scalar(@$calls), "$role: every call is answered") or next;
		my %wrong;
		for my $n (0 .. $#$calls)
		{
			my ($name, $call) = @{ $calls->[$n] };
			my ($code) = $said[$n] =~ /^(\S+)/;
			$allowed{$role}{$name}++ if $code !~ /^42501/;
			my $what = substr($call, 0, 400) . "\n--> " . substr($said[$n], 0, 400);
			$wrong{"$name $code"} //= $what if !$meant{$code} || $said[$n] =~ /^\w{5} .*(?:violates|Failing row|null value in|of relation)/s;
			$wrong{"$name names another"} //= $what if $role =~ /booker|reader|nobody/ && $said[$n] =~ /zenith/ && $call !~ /zenith/;
		}
		is(join("\n", map { "$_: $wrong{$_}" } sort keys %wrong), '', "$role: each refusal has a code that is meant");
		note "$role may call " . join ' ', sort keys %{ $allowed{$role} // {} };
	}
	is($self->stored, $before, 'nothing has changed');
	return;
}

# What is another's is refused in the words of what is nobody's: in arguments of these names, instead of what is good, a value of each
# pair and then the other; as these roles.
sub pairs
{
	my ($self, $of, $roles, @functions) = @_;
	my @pairs;
	for my $f (@functions)
	{
		my ($signature, $name, $arguments, $types) = @$f;
		for my $p (grep { $of->{ $arguments->[$_] } && ($arguments->[$_] eq 'account' || $types->[$_] ne 'text') } 0 .. $#$arguments)
		{
			push @pairs, map { my $pair = $_; [ $signature, map { my $v = $_; "compute_ledger.$name(" . args([ map { $_ == $p ? $v : $arguments->[$_] eq 'now' ? undef : $self->sound($types->[$_], $arguments->[$_]) } 0 .. $#$arguments ], $types) . ')' } @$pair ] } @{ $of->{ $arguments->[$p] } };
		}
	}
	my %values = map { ($_ => 1) } map { @$_ } map { @$_ } values %$of;
	my $values = join '|', sort keys %values;
	for my $role (@$roles)
	{
		my @differ;
		for my $pair (@pairs)
		{
			my @said = map { $self->as($role, "BEGIN; SELECT left(try(\$call\$SELECT f::text FROM $_ AS f\$call\$), 500); ROLLBACK") } @{$pair}[ 1, 2 ];
			s/\b(?:$values)\b/?/g for @said;
			push @differ, "$pair->[0]: $said[0] <> $said[1]" if $said[0] ne $said[1];
		}
		is(join("\n", @differ), '', "$role: what is another's is refused as what is nobody's: " . @pairs . ' pairs');
	}
	return;
}

1;
