# Every type of the extension, found in the catalogs so that none is forgotten: binary and text COPY, mutated binary
# values, hash partitions, dump and restore, and logical replication.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('publisher');
$node->init(allows_streaming => 'logical');
$node->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;
my $setup = 'CREATE EXTENSION compute_ledger; ALTER DATABASE postgres SET search_path = public, compute_ledger';
$_->safe_psql('postgres', $setup) for $node, $subscriber;

# Values by type, as SQL that returns one column.
my $intervals = q{(VALUES (1, tstzrange '[2026-01-01,2026-01-03)', 8.0), (1, tstzrange '[2026-01-02,2026-02-01)', 0.142857),
	(2, tstzrange '[2026-01-01,2026-01-01 00:00:00.000001)', 1000000), (3, tstzrange 'empty', 1), (4, tstzrange '[1970-01-01,2100-01-01)', 0.5)) AS i (g, period, n)};
my $many = q{(SELECT 1 AS g, tstzrange(t, t + interval '90 minutes') AS period, extract(hour FROM t) + 1 AS n FROM generate_series(timestamptz '2026-01-01', '2026-03-01', '1 hour') AS t) AS i};
my %values = (
	compute_unit => q{SELECT x::compute_unit FROM unnest(ARRAY['0 FLOPh', '1 FLOP', '-1 FLOP@fp8', '27.7032 PFLOPh@bf16', '-12345678901234567890 FLOP@65535',
		'2596148429267413814265248164610047 FLOP', '-2596148429267413814265248164610048 FLOP@1000']) AS x},
	compute_rate => q{SELECT x::compute_rate FROM unnest(ARRAY['0 FLOPS', '1 MFLOPS', '-1 MFLOPS@fp8', '989.4 TFLOPS@bf16', '2596148429267413814265248164610047 MFLOPS@int4']) AS x},
	accelerator => q{SELECT accelerator FROM accelerator_model UNION SELECT x::accelerator FROM unnest(ARRAY['any', 'nvidia', 'nvidia/a100-80gb', 'nvidia/a100-pcie-40gb:1g.5gb', 'nvidia/h100-sxm5-80gb:1g.10gb+me']) AS x},
	quantity_sum => q{SELECT x::quantity_sum FROM unnest(ARRAY['(0,0,flop)', '(2,-7,bf16)', '(3,7788445287802241442795744493830141,1001)']) AS x},
	device_profile => "SELECT device_profile(period, n) FROM $intervals GROUP BY g UNION SELECT device_profile(period, n) FROM $many",
	rate_profile => "SELECT rate_profile(period, n * '1 TFLOPS\@bf16'::compute_rate) FROM $intervals GROUP BY g UNION SELECT rate_profile(period, n * '1e30 FLOPS'::compute_rate) FROM $many",
);
# Key types of GiST indexes exist in index pages only: no table may hold them.
my %internal = map { $_ => 1 } qw(accelerator_span);

my @types = map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', q{
	SELECT typname, typsend::regproc, EXISTS (SELECT FROM pg_opclass JOIN pg_am AS a ON a.oid = opcmethod WHERE opcintype = t.oid AND amname = 'hash' AND opcdefault)
	FROM pg_type AS t
	WHERE typnamespace = 'compute_ledger'::regnamespace AND typcategory <> 'A' AND typtype = 'b' ORDER BY typname COLLATE "C"});
@types = grep { !$internal{ $_->[0] } } @types;

my $dir = PostgreSQL::Test::Utils::tempdir;
chmod 0755, $dir;
srand(20261122);
for my $t (@types)
{
	my ($type, $send, $hashed) = @$t;
	ok($values{$type}, "there are values of type $type to try") or next;
	$node->safe_psql('postgres', qq{
		CREATE TABLE t_$type (id int PRIMARY KEY, v $type);
		INSERT INTO t_$type SELECT row_number() OVER (), v FROM ($values{$type}) AS s (v);
		CREATE TABLE t_${type}_binary (LIKE t_$type); CREATE TABLE t_${type}_text (LIKE t_$type);
		COPY t_$type TO '$dir/$type.binary' (FORMAT binary); COPY t_${type}_binary FROM '$dir/$type.binary' (FORMAT binary);
		COPY t_$type TO '$dir/$type.text'; COPY t_${type}_text FROM '$dir/$type.text'});
	for my $how (qw(binary text))
	{
		is($node->safe_psql('postgres', "SELECT count(*) FROM t_$type AS a LEFT JOIN t_${type}_$how AS b USING (id) WHERE $send(a.v) IS DISTINCT FROM $send(b.v) OR a.v::text IS DISTINCT FROM b.v::text"),
			'0', "$how COPY of $type brings back the same values");
	}

	# Mutated binary values: refused with a proper error, or read as a value that is written just so and read back from its text.
	my @bytes = map { pack 'H*', $_ } split /\n/, $node->safe_psql('postgres', "SELECT encode($send(v), 'hex') FROM t_$type ORDER BY length($send(v)), id LIMIT 40");
	my $script = "\\set VERBOSITY verbose\nCREATE TABLE t_${type}_mutant (raw bytea, v $type);\n";
	my $mutants = 300;
	for my $i (1 .. $mutants)
	{
		my $raw = $bytes[ rand @bytes ];
		for (1 .. 1 + rand 3)
		{
			my $what = rand;
			if ($what < 0.5 && length $raw) { substr($raw, rand length $raw, 1) = chr rand 256 }
			elsif ($what < 0.65 && length $raw) { my $at = rand length $raw; substr($raw, $at, 1) = chr(ord(substr $raw, $at, 1) ^ 1 << rand 8) }
			elsif ($what < 0.75) { $raw = substr $raw, 0, rand(1 + length $raw) }
			elsif ($what < 0.85) { $raw .= chr rand 256 }
			elsif (length $raw > 8) { substr($raw, rand(-7 + length $raw), 8) = rand() < 0.5 ? "\xff" x 8 : "\x80" . "\0" x 7 }
		}
		my $file = "$dir/$type.$i";
		open my $out, '>:raw', $file or die "$file: $!";
		print $out "PGCOPY\n\xff\r\n\0", pack('NN', 0, 0), pack('n', 2), pack('N/a* N/a*', $raw, $raw), pack('n', 0xffff);
		close $out;
		$script .= "COPY t_${type}_mutant FROM '$file' (FORMAT binary);\n";
	}
	my ($out, $err) = ('', '');
	$node->psql('postgres', $script, stdout => \$out, stderr => \$err, on_error_stop => 0);
	my @refused = $err =~ /ERROR:  (\w{5}):/g;
	my @odd = grep { !/^(22|08P01|LC)/ } @refused;
	is(scalar @odd, 0, "mutated binary values of $type are refused properly") or diag join ' ', @odd;
	my $read = $node->safe_psql('postgres', "SELECT count(*) FROM t_${type}_mutant");
	is($read + @refused, $mutants, "each is refused (" . @refused . ") or read ($read)");
	is($node->safe_psql('postgres', "SELECT count(*) FROM t_${type}_mutant WHERE $send(v) <> raw OR $send((v::text)::$type) <> raw"), '0', 'and what is read is canonical');

	next unless $hashed eq 't';
	$node->safe_psql('postgres', qq{
		CREATE TABLE t_${type}_hash (id int, v $type) PARTITION BY HASH (v);
		CREATE TABLE t_${type}_hash0 PARTITION OF t_${type}_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
		CREATE TABLE t_${type}_hash1 PARTITION OF t_${type}_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
		INSERT INTO t_${type}_hash SELECT * FROM t_$type});
	is($node->safe_psql('postgres', "SELECT count(*) FROM t_$type AS a WHERE NOT EXISTS (SELECT FROM t_${type}_hash AS h WHERE h.v = a.v AND h.id = a.id)"),
		'0', "hash partitions of $type hold every value");
	my $first = $node->safe_psql('postgres', "SELECT v FROM t_$type WHERE id = 1");
	my $plan = $node->safe_psql('postgres', "EXPLAIN (COSTS OFF) SELECT * FROM t_${type}_hash WHERE v = '$first'");
	is(scalar(() = $plan =~ /hash[01]/g) > 0 && $plan !~ /Append/, 1, 'and one of them is pruned') or diag $plan;
}

# Dump and restore, and logical replication, text and binary.
my %sum = map { $_->[0] => "SELECT md5(string_agg(id || ' ' || v::text, ',' ORDER BY id)) FROM t_$_->[0]" } @types;
my $schema = '';
$schema .= "CREATE TABLE t_$_->[0] (id int PRIMARY KEY, v $_->[0]);" for @types;
$subscriber->safe_psql('postgres', $schema);
$node->safe_psql('postgres', 'CREATE PUBLICATION p FOR TABLE ' . join ', ', map { "t_$_->[0]" } @types);
my $connection = $node->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION s CONNECTION '$connection' PUBLICATION p WITH (binary = true)");
$subscriber->wait_for_subscription_sync($node, 's');
$node->safe_psql('postgres', "INSERT INTO t_$_->[0] SELECT id + 1000, v FROM t_$_->[0]") for @types;
$node->wait_for_catchup('s');
is($subscriber->safe_psql('postgres', $sum{$_->[0]}), $node->safe_psql('postgres', $sum{$_->[0]}), "logical replication of $_->[0]") for @types;
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');

command_ok([ 'pg_dump', '-Fc', '-f', "$dir/all.dump", '-d', $node->connstr('postgres') ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), "$dir/all.dump" ], 'restore');
is($node->safe_psql('restored', $sum{$_->[0]}), $node->safe_psql('postgres', $sum{$_->[0]}), "$_->[0] is restored") for @types;

$subscriber->stop;
$node->stop;
done_testing();
