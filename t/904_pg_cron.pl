# The monthly run that docs/how-to.md sets up with pg_cron, run by pg_cron.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $libdir = `$ENV{PG_CONFIG} --pkglibdir`;
chomp $libdir;
plan skip_all => 'pg_cron is not installed' unless -e "$libdir/pg_cron.so";

my $node = PostgreSQL::Test::Cluster->new('cron');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'ledger'\ncron.use_background_workers = on\nmax_worker_processes = 20\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE ledger');
$node->safe_psql('ledger', q{
	CREATE EXTENSION pg_cron;
	CREATE EXTENSION compute_ledger;
	SELECT compute_ledger.create_ledger();
	ALTER DATABASE ledger SET search_path = public, compute_ledger;});
$node->safe_psql('ledger', q{
	SELECT create_account('acme', currency => 'EUR', time_zone => 'Europe/Berlin'), create_account('unpriced', currency => 'USD', time_zone => 'Europe/Berlin');
	SELECT create_region('hall-1');
	SELECT create_price('nvidia/h100', 'EUR', 3.00);
	INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES
		('slurm', '1', 'acme', 'hall-1', 'NVIDIA H100 80GB HBM3', '4', '2026-01-14 00:00+01', '2026-01-15 00:00+01'),
		('slurm', '2', 'unpriced', 'hall-1', 'NVIDIA H100 80GB HBM3', '4', '2026-01-14 00:00+01', '2026-01-15 00:00+01');});

# The statements as the page has them; psql runs them one by one.
my $page = slurp_file('docs/how-to.md');
my ($procedure) = $page =~ /^(CREATE PROCEDURE close_what_is_over\(\).*?^\$\$;)$/ms or die 'the page has no procedure';
my (@jobs) = $page =~ /^(SELECT cron\.schedule\(.*\);)$/mg;
is(scalar @jobs, 3, 'the page has three jobs');
$node->safe_psql('ledger', join("\n", $procedure, @jobs));
is($node->safe_psql('ledger', 'SELECT count(*) FROM cron.job WHERE active'), '3', 'pg_cron takes their schedules');

# Nobody waits for the fourth of a month: each is let run when the server starts.
for my $job ([ 'accept usage' => 'SELECT count(*) FROM usage_record', 2 ],
	[ 'refresh rollups' => 'SELECT count(*) FROM usage_daily', 2 ],
	[ 'close months' => q{SELECT count(*) FROM charge AS h JOIN account AS a ON a.id = h.account WHERE a.name = 'acme' AND h.cost = 288}, 1 ])
{
	my ($name, $query, $rows) = @$job;
	$node->safe_psql('ledger', "UPDATE cron.job SET schedule = CASE jobname WHEN '$name' THEN '\@reboot' ELSE '0 0 1 1 *' END");
	$node->restart;
	ok($node->poll_query_until('ledger', "SELECT count(*) > 0 FROM cron.job_run_details AS d JOIN cron.job AS j USING (jobid) WHERE j.jobname = '$name' AND d.status = 'succeeded'"),
		"the job \"$name\" runs")
	  or diag $node->safe_psql('ledger', 'SELECT * FROM cron.job_run_details');
	is($node->safe_psql('ledger', $query), $rows, '... and does its work');
}
is($node->safe_psql('ledger', q{SELECT count(*) FROM period_close AS c JOIN account AS a ON a.id = c.payer JOIN billing_period AS b ON b.id = c.billing_period
		WHERE a.name = 'unpriced' AND b.period @> timestamptz '2026-01-14Z'}), '0', 'a month that cannot be closed is left');
is($node->safe_psql('ledger', q{SELECT count(*) FROM check_ledger() WHERE severity = 'error'}), '0', 'and the ledger is sound');
$node->stop;
done_testing();
