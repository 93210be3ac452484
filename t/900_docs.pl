# The examples in the documentation print what the documentation says.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('docs');
$node->init;
$node->start;

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
delete $ENV{PGDATABASE};

for my $page ('README.md', sort glob('docs/*.md'))
{
	next unless -e $page && slurp_file($page) =~ /^```sql$/m;
	my $said = `scripts/docs-examples $page 2>&1`;
	is($? >> 8, 0, "examples of $page") or diag $said;
}
ok(1, 'all pages visited');
done_testing();
