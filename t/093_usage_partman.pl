# pg_partman takes the partitions of usage_record over, and usage goes on being accepted.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('usage_partman');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE SCHEMA partman');
plan skip_all => 'pg_partman is not installed' if $node->psql('postgres', 'CREATE EXTENSION pg_partman SCHEMA partman') != 0;
my $version = $node->safe_psql('postgres', "SELECT extversion FROM pg_extension WHERE extname = 'pg_partman'");
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION compute_ledger;
SELECT compute_ledger.create_ledger();
SELECT compute_ledger.create_account('root', time_zone => 'UTC', currency => 'USD');
SELECT compute_ledger.create_region('here');
CREATE FUNCTION send(id text, started timestamptz) RETURNS void LANGUAGE sql AS
	$$ INSERT INTO compute_ledger.usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
	VALUES ('s', id, 'root', 'here', 'H100', '1', started::text, (started + interval '1 minute')::text) $$;
SELECT send('old-' || n, date_trunc('month', now()) - make_interval(months => n * 2)) FROM generate_series(0, 3) AS n;
SELECT compute_ledger.accept_usage();
SQL
my $type = $version =~ /^4/ ? "'native', 'monthly'" : "'1 month'";
$node->safe_psql('postgres', <<SQL);
SELECT partman.create_parent('compute_ledger._usage_record', 'started_at', $type, p_premake := 3,
	p_start_partition := to_char(date_trunc('month', now() + interval '1 month'), 'YYYY-MM-DD'));
UPDATE compute_ledger.usage_source SET clock_tolerance = '1000 days';
SELECT send('month-' || n, date_trunc('month', now()) + make_interval(months => n)) FROM generate_series(-8, 2) AS n;
SQL
is($node->safe_psql('postgres', 'SELECT accepted FROM compute_ledger.accept_usage()'), 11, 'usage is accepted');
is($node->safe_psql('postgres', "SELECT count(*) FROM compute_ledger._usage_record WHERE tableoid::regclass::text LIKE '%default'"), 5, 'months that are not there wait in the default partition');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_inherits WHERE inhparent = 'compute_ledger._usage_record'::regclass AND inhrelid::regclass::text ~ 'usage_record_2'"), 4, 'no other partitions are made');
like(($node->psql('postgres', "CALL partman.partition_data_proc('compute_ledger._usage_record')"))[2], qr/rows of table _usage_record_default never change/, 'rows are not moved in passing');
$node->safe_psql('postgres', "SET session_replication_role = replica; CALL partman.partition_data_proc('compute_ledger._usage_record')");
$node->safe_psql('postgres', "SELECT partman.run_maintenance('compute_ledger._usage_record')");
is($node->safe_psql('postgres', "SELECT count(*) FROM compute_ledger._usage_record WHERE tableoid::regclass::text LIKE '%default'"), 0, 'until they are given partitions');
$node->safe_psql('postgres', "SELECT send('month-' || n, date_trunc('month', now()) + make_interval(months => n)) FROM generate_series(-8, 2) AS n");
is($node->safe_psql('postgres', 'SELECT duplicate FROM compute_ledger.accept_usage()'), 11, 'what is sent again is known');
is($node->safe_psql('postgres', 'SELECT * FROM compute_ledger._check_usage()'), '', 'the ledger finds no fault with itself');
done_testing();
