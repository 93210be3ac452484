# Random queries over the extension's types and functions (sqlsmith, seeded): no crash, no internal error.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'sqlsmith is not installed' if system('command -v sqlsmith >/dev/null 2>&1') != 0;

my $node = PostgreSQL::Test::Cluster->new('sqlsmith');
$node->init;
$node->append_conf('postgresql.conf', "statement_timeout = '2s'\nwork_mem = '16MB'\n");
$node->start;
$node->safe_psql('postgres', q{
	SET statement_timeout = 0;
	CREATE EXTENSION compute_ledger;
	ALTER DATABASE postgres SET search_path = public, compute_ledger;
});
$node->safe_psql('postgres', q{
	SET statement_timeout = 0;
	CREATE TABLE used (id int PRIMARY KEY, chip accelerator, used compute_unit(bf16), rate compute_rate, period tstzrange, since timestamptz, devices numeric);
	INSERT INTO used SELECT i, (ARRAY['nvidia/h100-sxm5-80gb', 'nvidia/a100', 'huawei/ascend-910b3-64gb', 'google/tpu-v5p'])[1 + i % 4]::accelerator,
		'1 PFLOPh@bf16'::compute_unit * i, '1 TFLOPS@bf16'::compute_rate * i,
		tstzrange('2026-01-01'::timestamptz + i * interval '1 hour', '2026-01-01'::timestamptz + i * interval '2 hours'), '2026-01-01'::timestamptz + i * interval '1 hour', i / 8.0
	FROM generate_series(1, 200) AS i;
	CREATE TABLE profile AS SELECT chip, device_profile(period, devices) AS devices, rate_profile(period, rate) AS rate FROM used GROUP BY chip;
	CREATE INDEX ON used (chip); CREATE INDEX ON used USING gist (chip); CREATE INDEX ON used (used);
	ANALYZE;
});

my $seed = $ENV{SQLSMITH_SEED} // 20261122;
my $queries = $ENV{SQLSMITH_QUERIES} // 3000;
my $host = $node->host;
my $port = $node->port;
my $user = getpwuid($<);
my $log_start = -s $node->logfile;
my $out = `timeout 300 sqlsmith --exclude-catalog --max-queries=$queries --seed=$seed --target="host=$host port=$port dbname=postgres user=$user" 2>&1`;
my $log = slurp_file($node->logfile, $log_start);
unlike($log, qr/PANIC|terminated by signal|TRAP:/, 'the server stayed up');
# amvalidate() of PostgreSQL's own says so of what is no operator class
my @internal = grep { !/cache lookup failed for operator class/ } grep { /XX000|cache lookup failed|unrecognized node|invalid memory alloc/ } split /\n/, $log;
is(scalar @internal, 0, 'no internal error') or diag join "\n", @internal[ 0 .. ($#internal < 10 ? $#internal : 10) ];
my @statements = $log =~ /compute_ledger|accelerator|compute_unit/g;
cmp_ok(scalar @statements, '>', 10, 'the extension was in what was tried') or diag $out;
is($node->safe_psql('postgres', 'SELECT count(*) FROM used') > 0, 1, 'and the server answers');
$node->stop;
done_testing();
