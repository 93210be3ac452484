# Every SQL-callable function and operator of the extension, with NULL, empty, extreme and infinite arguments:
# each call returns or raises a proper error, and the server never falls over or reports an internal error.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('function_fuzz');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');

# Argument values by type; a function with an argument of a type that is not listed fails the test, so that
# a new type is not forgotten.
my %values = (
	'compute_ledger.compute_unit' => [ '0 FLOPh', '1 FLOP', '-1 FLOP@bf16', '27.7032 PFLOPh@bf16', '2596148429267413814265248164610047 FLOP',
		'-2596148429267413814265248164610048 FLOP', '1 FLOP@1001' ],
	'compute_ledger.compute_rate' => [ '0 FLOPS', '1 MFLOPS', '-1 MFLOPS@fp64', '989.4 TFLOPS@bf16', '2596148429267413814265248164610047 MFLOPS',
		'-2596148429267413814265248164610048 MFLOPS', '1 MFLOPS@65535' ],
	'compute_ledger.accelerator' => [ 'nvidia', 'nvidia/h100', 'nvidia/h100-sxm5-80gb', 'nvidia/a100-80gb', 'nvidia/a100-pcie-40gb:1g.5gb', 'pcifffe/zzzzzzzzzzzz', 'google/tpu-v5p' ],
	'compute_ledger.accelerator_span' => [],    # made by GiST only, has no input
	'compute_ledger.quantity_sum' => [ '(0,0,flop)', '(2,-7,bf16)', '(3,7788445287802241442795744493830141,1001)' ],
	'compute_ledger.device_profile' => [],
	'compute_ledger.rate_profile' => [],
	'compute_ledger.rated_charge' => [],
	'text' => [ '', ' ', 'bf16', 'flop', 'PFLOPh', 'nvidia/h100', 'NVIDIA H100 80GB HBM3', 'Asia/Shanghai', "\x{1F600}", 'x' x 5000, '%s%n', '2023-10' ],
	'pg_catalog.bool' => [ 'true', 'false' ],
	'boolean' => [ 'true', 'false' ],
	'smallint' => [ 0, 1, -1, 32767, -32768 ],
	'integer' => [ 0, 1, -1, 17, 2147483647, -2147483648 ],
	'bigint' => [ 0, 1, -1, '9223372036854775807', '-9223372036854775808' ],
	'numeric' => [ 0, 1, -1, '0.5', '1e-30', '1e40', '-1e40', 'NaN', 'Infinity', '-Infinity', '1e1000' ],
	'double precision' => [ 0, 1, -1, '0.5', '1e300', '1e-300', 'NaN', 'Infinity', '-Infinity' ],
	'interval' => [ '0', '1 microsecond', '3.5 hours', '-1 day', '1 month', '178000000 years', '2562047788:00:54.775807', '-2562047788:00:54.775807' ],
	'timestamp with time zone' => [ 'epoch', 'infinity', '-infinity', '4714-11-24 00:00:00+00 BC', '294276-12-31 23:59:59.999999+00', '2026-03-29 01:30:00+00' ],
	'tstzrange' => [ 'empty', '(,)', '[2026-01-01,)', '(,2026-01-01)', '[2026-01-01,2026-01-02)', '(2026-01-01,2026-01-02]', '[2026-01-01,2026-01-01]',
		'[-infinity,infinity]', '[4714-11-24 00:00:00+00 BC,294276-12-31 23:59:59+00)' ],
	'date' => [ '2026-01-01', 'infinity', '-infinity', '4714-11-24 BC' ],
	'jsonb' => [ '{}', '[]', 'null', '{"a":1}' ],
	'name' => [ '', 'postgres', 'nobody', 'x' x 70 ],
	'oid' => [ 0, 1, 10, '4294967295' ],
	'pg_node_tree' => [],    # has no input
	'xid' => [ 0, 1, 2, 3, 1000, '4294967295' ],
	'regclass' => [ 0, '4294967295', 'pg_class', 'pg_stats', 'pg_class_oid_index', 'compute_ledger.focus_rule' ],
	'regprocedure' => [ 0, 'now()', 'compute_ledger.focus_check(regclass, name)' ],
	'timestamp without time zone' => [ 'epoch', 'infinity', '-infinity', '2026-03-29 02:30:00', '294276-12-31 23:59:59.999999' ],
	'daterange' => [ 'empty', '(,)', '[2026-01-01,2026-02-01)', '[4714-11-24 BC,5874897-12-31)' ],
	'time without time zone' => [ '00:00', '02:30', '24:00' ],
	'tstzmultirange' => [ '{}', '{(,)}', '{[2026-01-01,2026-01-02),[2026-01-03,)}' ],
	'compute_ledger.reservation_piece[]' => [ '{}', '{NULL}', '{"(1,8,)","(,,)"}' ],
	'compute_ledger.booked_reservation[]' => [ '{}', '{NULL}', '{"(1,1,1,8,,held,)"}' ],
	'compute_ledger.pool_use[]' => [ '{}', '{NULL}' ],
	'compute_ledger.placement_request' => [ '(' . ',' x 21 . ')', '(acme,{nvidia/h100},8,01:00:00,,,,,,1,"",,0,f,0,,0,,,,0,f)',
		'(acme,"{any,NULL}",9223372036854775807,178000000 years,,x,infinity,-infinity,"{NULL}",2147483647,,,NaN,,Infinity,,-1e40,-1 day,NaN,Infinity,1e1000,)',
		'(acme,{any},,,1 PFLOPh@bf16,,294276-12-31 00:00:00+00,,,8,,,1e12,,,,,,,,1e18,t)' ],
	'compute_ledger._placement_pool' => [ '(' . ',' x 21 . ')' ],
	'compute_ledger._placement_offer' => [ '(' . ',' x 10 . ')', '("{1,2}","{8}",infinity,-infinity,0.5,1,1,0,[],f,NaN)' ],
	(map { ("compute_ledger.${_}[]" => [ '{}', '{NULL}' ]) } qw(_offer_piece _placement_offer _placement_pool _placement_try _request_plan)),
	'compute_ledger._usage_move[]' => [ '{}', '{NULL}', '{"(,,,,,,,)"}', '{"(,1,1,2,2,Europe/Berlin,2026-01-01 00:00:00+00,2026-02-01 00:00:00+00)"}' ],
	'tid[]' => [ '{}', '{NULL}', '{"(0,1)","(4294967295,65535)"}' ],
	'compute_ledger._request_plan' => [],
	'bytea' => [ '\x', '\x00', '\x' . 'ff' x 40 ],
);
for my $v ([ '[2026-01-01,2026-01-02)', 1 ], [ '[2026-01-01,2026-03-02)', '0.142857' ], [ '[4714-11-24 00:00:00+00 BC,294276-12-31 23:59:59+00)', 1000000 ])
{
	push @{ $values{'compute_ledger.device_profile'} }, $node->safe_psql('postgres',
		"SELECT compute_ledger.device_profile('$v->[0]'::tstzrange, $v->[1])");
	push @{ $values{'compute_ledger.rate_profile'} }, $node->safe_psql('postgres',
		"SELECT compute_ledger.rate_profile('$v->[0]'::tstzrange, ('$v->[1]' || ' TFLOPS\@bf16')::compute_ledger.compute_rate)");
}

sub literal
{
	my ($v, $type) = @_;
	return "NULL::$type" unless defined $v;
	(my $q = $v) =~ s/'/''/g;
	return "'$q'::$type";
}

# Functions that SQL can call: no argument or result that only C understands.
my @functions = map { [ split /\|/, $_, -1 ] } split /\n/, $node->safe_psql('postgres', q{
	SELECT p.oid::regprocedure, p.proname, p.prokind, p.proretset,
		(SELECT string_agg(format_type(t, NULL), ',' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n))
	FROM pg_proc AS p
	WHERE pronamespace = 'compute_ledger'::regnamespace
		AND NOT prorettype IN ('internal'::regtype, 'trigger'::regtype, 'event_trigger'::regtype)
		AND NOT proargtypes::oid[] && ARRAY['internal'::regtype, 'cstring'::regtype, 'cstring[]'::regtype]::oid[]
	ORDER BY 1::text COLLATE "C"});
cmp_ok(scalar @functions, '>', 100, 'the functions are found');

srand(20261122);
my (@script, %untested, $calls);
for my $f (@functions)
{
	my ($signature, $name, $kind, $set, $types) = @$f;
	my @types = split /,(?![^(]*\))/, $types // '';
	my @lists;
	for my $t (@types)
	{
		(my $key = $t) =~ s/^compute_ledger\.//;
		my $full = exists $values{"compute_ledger.$t"} ? "compute_ledger.$t" : $t;
		if ($full =~ /^(.*)\[\]$/ && exists $values{$1})
		{
			push @lists, [ map { [ $_, $full ] } undef, '{}', '{NULL}' ];
		}
		elsif ($full =~ /^"?any/ || $full eq 'record') { push @lists, [ map { [ $_, 'text' ] } undef, 'x' ] }
		elsif (exists $values{$full}) { push @lists, [ map { [ $_, $full ] } undef, @{ $values{$full} } ] }
		else { push @lists, [ [ undef, $full ] ]; $untested{$t}++ }
	}

	# All combinations where they are few, else a seeded choice of them; every NULL position is in.
	my $total = 1;
	$total *= @$_ for @lists;
	my @choices;
	if ($total <= 80)
	{
		for my $i (0 .. $total - 1)
		{
			my $r = $i;
			push @choices, [ map { my $c = $_->[ $r % @$_ ]; $r = int($r / @$_); $c } @lists ];
		}
	}
	else
	{
		push @choices, [ map { $_->[0] } @lists ];
		for my $p (0 .. $#lists)
		{
			push @choices, [ map { $_ == $p ? $lists[$_][0] : $lists[$_][-1] } 0 .. $#lists ];
		}
		push @choices, [ map { $_->[ int rand @$_ ] } @lists ] for 1 .. 80;
	}
	for my $c (@choices)
	{
		my $args = join ', ', map { literal(@$_) } @$c;
		my $call = "compute_ledger.\"$name\"($args)";
		my $sql = $kind eq 'w' ? "SELECT $call OVER ()"
		  : $set eq 't' ? "SELECT count(*) FROM (SELECT * FROM $call AS f LIMIT 1000) AS s"
		  : "SELECT length(($call)::text)";
		# buckets or days of hundreds of thousands of years, or two billion tiers, are as many rows: they must give way to a cancel.
		$sql = "SET statement_timeout = '300ms'; $sql; SET statement_timeout = '60s'" if $name =~ /^(buckets|_days_on_hours)$/;
		push @script, "$sql;";
		$calls++;
	}
}
ok(!%untested, 'every argument type has values to try') or diag join ', ', sort keys %untested;

# One session for all.
my $log_start = -s $node->logfile;
my ($out, $err) = ('', '');
$node->psql('postgres', "SET statement_timeout = '60s';\nSET client_min_messages = error;\n\\set VERBOSITY verbose\n" . join("\n", @script) . "\nSELECT 'finished';",
	stdout => \$out, stderr => \$err, on_error_stop => 0);
like($out, qr/finished\s*\z/, "$calls calls were answered");
my @internal = $err =~ /^(.*ERROR:  XX\d\d\d:.*)$/mg;
is(scalar @internal, 0, 'none with an internal error') or diag join "\n", @internal[ 0 .. ($#internal < 20 ? $#internal : 20) ];
my @lines = ('', '', '', @script);
my %slow;
$slow{ ($lines[ $_ - 1 ] // '') =~ /compute_ledger\."(\w+)"/ ? $1 : $_ }++ for $err =~ /^psql:<stdin>:(\d+): ERROR:  57014:/mg;
my @slow = grep { !/^(bucket(s|_sum)|_days_on_hours)$/ } sort keys %slow;
is(scalar @slow, 0, 'none ran into the time limit but what makes billions of rows') or diag join ', ', map { "$_ ($slow{$_})" } @slow;
note join ', ', map { "$_ ($slow{$_})" } sort keys %slow;
my $log = slurp_file($node->logfile, $log_start);
unlike($log, qr/PANIC|terminated by signal|server process .* was terminated/, 'the server stayed up');
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'and answers');

$node->stop;
done_testing();
