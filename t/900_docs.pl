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
	my $whole = $page eq 'docs/how-to.md' ? '--whole' : '';    # each statement with what it prints
	my $said = `scripts/docs-examples $whole $page 2>&1`;
	is($? >> 8, 0, "examples of $page") or diag $said;
}

# Who reads on from the README stays in one database.
my $said = `scripts/docs-examples --together README.md docs/quickstart.md 2>&1`;
is($? >> 8, 0, 'README and quickstart after each other') or diag $said;
$said = `scripts/docs-examples --together docs/quickstart.md README.md 2>&1`;
is($? >> 8, 0, '... and the other way round') or diag $said;

# Links between pages lead to a file, and to a heading where they name one.
my @pages = ('README.md', 'CHANGELOG.md', sort glob('docs/*.md'));
my @dead;
my $links = 0;
for my $page (@pages)
{
	my $text = slurp_file($page) =~ s/^```.*?^```$//msgr =~ s/`[^`\n]*`//gr;
	while ($text =~ /\]\(([^)\s]+)\)/g)
	{
		my $link = $1;
		next if $link =~ /^[a-z]+:/;
		$links++;
		my ($to, $heading) = split /#/, $link, 2;
		my $file = $to eq '' ? $page : $page =~ s/[^\/]*$//r . $to;
		push @dead, "$page: $link" unless -e $file && (!defined $heading || has_heading($file, $heading));
	}
}
cmp_ok($links, '>', 20, 'pages link to each other');
is("@dead", '', 'no link is dead');

# Every page can be found from the README, at once or by way of another page.
my %found = ('README.md' => 1);
my @todo = keys %found;
while (defined(my $page = shift @todo))
{
	for my $link (slurp_file($page) =~ /\]\(([^)#\s]+\.md)(?:#[^)\s]*)?\)/g)
	{
		my $file = $page =~ s/[^\/]*$//r . $link;
		push @todo, $file if -e $file && !$found{$file}++;
	}
}
is(join(' ', grep { !$found{$_} } glob('docs/*.md')), '', 'every page can be reached from the README');

# Whether a page has a heading that Markdown gives this anchor.
sub has_heading
{
	my ($file, $anchor) = @_;
	for my $heading (slurp_file($file) =~ /^#+ +(.*)$/mg)
	{
		my $is = lc $heading =~ s/[^\w\s-]//gr =~ s/\s/-/gr;
		return 1 if $is eq $anchor;
	}
	return 0;
}
done_testing();
