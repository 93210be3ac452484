# monitoring/prometheus-sql-exporter.yml, run by prometheus-sql-exporter: what Prometheus is given is what ledger_health shows.
use strict;
use warnings;
use HTTP::Tiny;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my ($exporter) = grep { -x } map { "$_/prometheus-sql-exporter" } split /:/, $ENV{PATH};
plan skip_all => 'prometheus-sql-exporter is not installed' unless $exporter;

my $node = PostgreSQL::Test::Cluster->new('exporter');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE ROLE ledger_monitor LOGIN; CREATE DATABASE ledger OWNER owner');
$node->safe_psql('ledger', 'CREATE EXTENSION compute_ledger');
$node->safe_psql('ledger', q{
	SET search_path = public, compute_ledger;
	SELECT create_ledger();
	SELECT create_account('acme', currency => 'EUR'), create_region('hall-1');
	INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at) VALUES
		('slurm', '1', 'acme', 'hall-1', 'NVIDIA H100 80GB HBM3', '8', to_char(now() - interval '40 days', 'YYYY-MM-DD"T"HH24:MI:SSOF')),
		('slurm', '2', 'acme', 'hall-1', 'Voodoo 2', '1', to_char(now() - interval '3 hours', 'YYYY-MM-DD"T"HH24:MI:SSOF'));
	SELECT accept_usage();
	INSERT INTO usage_inbox (source, received_at) SELECT 'slurm', now() - interval '2 days' FROM generate_series(1, 3);
	SELECT grant_access('ledger_monitor', 'meter');}, extra_params => [ '-U', 'owner' ]);

my $config = slurp_file('monitoring/prometheus-sql-exporter.yml');
ok($config =~ s{'postgres://ledger_monitor\@/ledger\?host=/var/run/postgresql&sslmode=disable'}{'postgres://ledger_monitor@/ledger?host=@{[ $node->host ]}&port=@{[ $node->port ]}&sslmode=disable'}, 'the file names a connection');
ok($config =~ s/interval: 30s/interval: 1s/, '... and an interval');
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/exporter.yml", $config);
my $port = PostgreSQL::Test::Cluster::get_free_port();
my ($out, $err) = ('', '');
my $run = IPC::Run::start([ $exporter, '-config.file', "$dir/exporter.yml", '-web.listen-address', "127.0.0.1:$port" ], '>', \$out, '2>', \$err);

# What it exports: measure and label, to the value.
my %exported;
for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
{
	my $page = HTTP::Tiny->new(timeout => 5)->get("http://127.0.0.1:$port/metrics")->{content} // '';
	%exported = ();
	while ($page =~ /^sql_ledger_health\{(.*)\} (\S+)$/mg)
	{
		my ($labels, $value) = ($1, $2);
		my %label = $labels =~ /(\w+)="((?:[^"\\]|\\.)*)"/g;
		$exported{"$label{measure}|$label{label}"} = $value;
	}
	last if %exported;
	sleep 0.1;
}
ok(%exported > 0, 'it exports something') or diag $err;

my %shown = map { my ($key, $value) = /^(.*)\|([^|]*)$/; ($key => $value) } split /\n/, $node->safe_psql('ledger', q{SELECT measure, coalesce(label, ''), value FROM compute_ledger.ledger_health WHERE value IS NOT NULL}, extra_params => [ '-U', 'owner' ]);
is(join(' ', sort keys %exported), join(' ', sort keys %shown), 'every figure is exported, and none that there is not');
for my $key (sort keys %shown)
{
	# ages go on
	my $far = $key =~ /seconds/ ? 600 : 0;
	ok(abs(($exported{$key} // 'nan') - $shown{$key}) <= $far, "$key is what it is") or diag "exported $exported{$key}, shown $shown{$key}";
}
is($exported{'inbox_records|'}, 3, 'records wait');
cmp_ok($exported{'open_age_seconds|'}, '>', 39 * 86400, 'one has been open for long');
is($exported{'rejected_records_by_sqlstate|LC003'}, 1, 'one was rejected');
$run->signal('TERM');
$run->finish;
$node->stop;
done_testing();
