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

# docs/errors.md has every SQLSTATE of our own.
my $errors = slurp_file('docs/errors.md');
my $header = slurp_file('src/base/errcodes.h');
while ($header =~ /MAKE_SQLSTATE\('(.)','(.)','(.)','(.)','(.)'\)/g)
{
	my $state = "$1$2$3$4$5";
	like($errors, qr/^\| `$state`/m, "docs/errors.md explains $state");
}

$node->stop;
done_testing();
