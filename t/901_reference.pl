# docs/reference.md is what the extension's own comments say, and docs/errors.md knows every SQLSTATE of its own.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('reference_page');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');

local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'postgres';
my $page = `scripts/reference-page`;
is($?, 0, 'the page can be made');
my @made = split /\n/, $page;
my @kept = split /\n/, slurp_file('docs/reference.md');
my %kept = map { $_ => 1 } @kept;
my %made = map { $_ => 1 } @made;
my @missing = grep { !$kept{$_} } @made;
my @stale = grep { !$made{$_} } @kept;
is(scalar(@missing), 0, 'docs/reference.md lacks nothing') or diag join "\n", @missing;
is(scalar(@stale), 0, 'and holds nothing that is gone') or diag join "\n", @stale;
my ($public, $internal) = split /^## Internal functions$/m, join("\n", @kept);
unlike($public, qr/^\| `_\w+\(/m, 'what begins with an underscore is among the internal functions');
unlike($internal // '', qr/^\| `[^_]/m, 'and nothing else is');

# src/base/errcodes.h is the list of SQLSTATEs of our own: docs/errors.md explains each, something raises it, and there are no others.
my $errors = slurp_file('docs/errors.md');
my %listed;
my $header = slurp_file('src/base/errcodes.h');
$listed{"$2$3$4$5$6"} = $1 while $header =~ /^#define (ERRCODE_\w+)\s+MAKE_SQLSTATE\('(.)','(.)','(.)','(.)','(.)'\)/mg;
cmp_ok(scalar(keys %listed), '>', 0, 'SQLSTATEs of our own: ' . keys %listed);
my %used;
for my $file (map { glob } qw(src/*/*.c extension/*.sql extension/*/*.sql extension/*/tables/*.sql catalog/*.csv docs/*.md README.md CHANGELOG.md sql/*.sql isolation/specs/*.spec t/*.pl t/*.pm bench/* scripts/* scripts/demo.d/*))
{
	next unless -f $file;
	my $text = slurp_file($file);
	my $raises = $file =~ /^(src|extension)/;
	push @{ $used{$1}{ $raises ? 'raised' : 'told' } }, $file while $text =~ /\b(LC\d{3})\b/g;
	for my $state ($raises ? keys %listed : ())
	{
		push @{ $used{$state}{raised} }, $file if $text =~ /\b$listed{$state}\b/;
	}
}
for my $state (sort keys %listed)
{
	like($errors, qr/^\| `$state`/m, "docs/errors.md explains $state");
	ok($used{$state}{raised}, "and something raises $listed{$state}");
}
is(join(' ', map { my $state = $_; map { "$state in $_" } map { @$_ } values %{ $used{$state} } } grep { !$listed{$_} } sort keys %used), '', 'no other SQLSTATE of class LC is spoken of');

$node->stop;
done_testing();
