# Quantities at rest and on the way: hash partitions, COPY in both formats, dump and restore, logical
# replication in both formats.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('quantity_storage');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\n");
$node->start;
my $other = PostgreSQL::Test::Cluster->new('quantity_subscriber');
$other->init;
$other->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\n");
$other->start;
$_->safe_psql('postgres', 'CREATE EXTENSION compute_ledger') for $node, $other;

my $tables = q{
	CREATE TABLE used (amount compute_unit, rate compute_rate(1001), amounts compute_unit(fp8)[], state quantity_sum, PRIMARY KEY (amount)) PARTITION BY HASH (amount);
	CREATE TABLE used0 PARTITION OF used FOR VALUES WITH (MODULUS 3, REMAINDER 0);
	CREATE TABLE used1 PARTITION OF used FOR VALUES WITH (MODULUS 3, REMAINDER 1);
	CREATE TABLE used2 PARTITION OF used FOR VALUES WITH (MODULUS 3, REMAINDER 2);
	CREATE TABLE plain (LIKE used);
};
$_->safe_psql('postgres', $tables) for $node, $other;
$node->safe_psql('postgres', q{
	CREATE FUNCTION some_amount(i int) RETURNS compute_unit LANGUAGE sql RETURN
		with_basis((i * ('1e' || i % 29)::numeric * CASE WHEN i % 3 = 0 THEN -1 ELSE 1 END)::compute_unit, CASE i % 4 WHEN 0 THEN 'flop' WHEN 1 THEN 'bf16' WHEN 2 THEN '1000' ELSE '65535' END);
	INSERT INTO used SELECT some_amount(i), with_basis((i * 1e12)::compute_rate, '1001'), ARRAY[with_basis((i * 7e12)::compute_unit, 'fp8'), NULL], format('(%s,%s,bf16)', i, i * 1e20)::quantity_sum
	FROM generate_series(1, 3000) AS i ON CONFLICT DO NOTHING;
	INSERT INTO used VALUES ('2596148429267413814265248164610047 FLOP'), ('-2596148429267413814265248164610048 FLOP@fp4'), ('0 FLOP@int4');
});
my $digest = q{SELECT count(*), md5(string_agg(used::text, ';' ORDER BY amount)) FROM used};
my $expected = $node->safe_psql('postgres', $digest);
like($expected, qr/^2\d\d\d|^30/, 'there are rows');
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT FROM used GROUP BY tableoid HAVING count(*) > 500) AS x'), 3, 'the hash spreads them over the partitions');
like($node->safe_psql('postgres', q{EXPLAIN (COSTS OFF) SELECT FROM used WHERE amount = '100 FLOP'}), qr/\A(?!.*Append).*used\d/s, 'one partition is read for one value');
is($node->safe_psql('postgres', q{SELECT count(*) FROM used AS u WHERE NOT EXISTS (SELECT FROM used AS v WHERE v.amount = u.amount)}), 0, 'every row is found again');
is($node->safe_psql('postgres', q{SELECT count(*) FROM used AS u, LATERAL (SELECT count(*) FROM used AS v WHERE v.amount = u.amount::text::compute_unit OFFSET 0) AS x (n) WHERE n <> 1 AND u.amount::text LIKE '1%'}), 0, 'by pruning too');

# COPY, dump and restore
my $dir = PostgreSQL::Test::Utils::tempdir();
chmod 0777, $dir;
for my $format ('text', 'csv', 'binary')
{
	my $copied = $node->safe_psql('postgres', qq{TRUNCATE plain; COPY (TABLE used) TO '$dir/used.$format' (FORMAT $format); COPY plain FROM '$dir/used.$format' (FORMAT $format);
		SELECT count(*), md5(string_agg(plain::text, ';' ORDER BY amount)) FROM plain});
	is($copied, $expected, "COPY, format $format, round trip");
}
$node->safe_psql('postgres', 'CREATE DATABASE restored');
command_ok([ 'bash', '-c', 'pg_dump -d "$0" | psql -X -q -v ON_ERROR_STOP=1 -d "$1"', $node->connstr('postgres'), $node->connstr('restored') ], 'dump and restore');
is($node->safe_psql('restored', $digest), $expected, 'the same rows after it');
is($node->safe_psql('restored', q{SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'used'::regclass AND attnum > 0}),
	'compute_unit, compute_rate(1001), compute_unit(fp8)[], quantity_sum', 'and the same types');

# Logical replication
$node->safe_psql('postgres', 'CREATE PUBLICATION quantities FOR TABLE used WITH (publish_via_partition_root = true)');
for my $binary ('false', 'true')
{
	$other->safe_psql('postgres', 'TRUNCATE used');
	$other->safe_psql('postgres', "CREATE SUBSCRIPTION quantities CONNECTION '" . $node->connstr . " dbname=postgres' PUBLICATION quantities WITH (binary = $binary)");
	$other->wait_for_subscription_sync($node, 'quantities');
	$node->safe_psql('postgres', qq{
		INSERT INTO used SELECT with_basis((1e30 + i)::compute_unit, '@{[ $binary eq 'true' ? 'int8' : 'tf32' ]}'), '1 TFLOPS\@1001', '{1 FLOP\@fp8}', '(1,5,flop)' FROM generate_series(1, 500) AS i;
		UPDATE used SET rate = rate * 2 WHERE amount > '1 PFLOP\@1000'; DELETE FROM used WHERE amount < '0 FLOP'});
	$node->wait_for_catchup('quantities');
	is($other->safe_psql('postgres', $digest), $node->safe_psql('postgres', $digest), "logical replication, binary = $binary");
	$other->safe_psql('postgres', 'DROP SUBSCRIPTION quantities');
}

done_testing();
