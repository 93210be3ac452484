# What docs/operations.md says of recovery to a point in time: the ledger is sound as it was then, what had been recorded by
# then is there, recorded time goes on, and what sources send again comes to what was lost, and nothing twice.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('first');
$node->init(has_archiving => 1, allows_streaming => 1);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nsearch_path = 'public, compute_ledger'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE ledger');
$node->safe_psql('ledger', 'CREATE EXTENSION compute_ledger');
$node->safe_psql('ledger', q{
	SELECT create_ledger();
	SELECT create_account('acme', currency => 'EUR'), create_region('hall-1'), create_price('nvidia/h100', 'EUR', 3.00);});
$node->backup('base');

# Usage that a source sends, from one number to another, some of it in other months.
sub sent
{
	my ($from, $to) = @_;
	return qq{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, labels)
		SELECT 'slurm', g, 'acme', 'hall-1', 'NVIDIA H100 80GB HBM3', g, to_char(timestamp '2026-01-05' + g * interval '1 day', 'YYYY-MM-DD"T"HH24:MI"Z"'), to_char(timestamp '2026-01-05' + g * interval '1 day 20 minutes', 'YYYY-MM-DD"T"HH24:MI"Z"'), '{"user": "ada"}'
		FROM generate_series($from, $to) AS g;
		SELECT accepted, duplicate FROM accept_usage();};
}
my $records = q{SELECT source_id, revision, devices, started_at, ended_at FROM usage_record ORDER BY 1, 2};
is($node->safe_psql('ledger', sent(1, 40)), '40|0', 'usage comes in');
is($node->safe_psql('ledger', q{SELECT close_period('acme', '[2026-01-01,2026-02-01)'); SELECT refresh_rollups() IS NOT NULL}), "1\nt", '... and is billed');
my $then = $node->safe_psql('ledger', 'SELECT pg_sleep(0.1); SELECT clock_timestamp()') =~ s/^\n//r;
my ($charges, $mark) = map { $node->safe_psql('ledger', $_) } 'SELECT sum(cost), count(*) FROM charge', 'SELECT ledger_watermark()';
$node->safe_psql('ledger', 'SELECT pg_sleep(0.1)');
is($node->safe_psql('ledger', sent(41, 70)), '30|0', 'more comes in, which is lost');
my $all = $node->safe_psql('ledger', $records);
$node->safe_psql('ledger', 'SELECT pg_switch_wal()');

my $again = PostgreSQL::Test::Cluster->new('again');
$again->init_from_backup($node, 'base', has_restoring => 1, standby => 0);
$again->append_conf('postgresql.conf', "recovery_target_time = '$then'\nrecovery_target_action = 'promote'\n");
$again->start;
$again->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'the server stays in recovery';
is($again->safe_psql('ledger', 'SELECT count(*) FROM usage_record'), '40', 'what was recorded by then is there');
is($again->safe_psql('ledger', 'SELECT sum(cost), count(*) FROM charge'), $charges, '... with its charges');
is($again->safe_psql('ledger', 'SELECT * FROM check_ledger()'), '', 'the ledger is sound');
is($again->safe_psql('ledger', "SELECT ledger_stamp() > '$mark'"), 't', 'recorded time goes on');
is($again->safe_psql('ledger', sent(1, 70)), '30|40', 'sources send everything again: what was lost is accepted, the rest are duplicates');
is($again->safe_psql('ledger', $records), $all, 'the records are those that there were');
is($again->safe_psql('ledger', 'SELECT refresh_rollups() IS NOT NULL; SELECT * FROM check_ledger()'), 't', 'the ledger is sound after that, too');
is($again->safe_psql('ledger', q{SELECT close_period('acme', '[2026-02-01,2026-03-01)') > 1}), 't', '... and goes on to close periods');
$again->stop;
$node->stop;
done_testing();
