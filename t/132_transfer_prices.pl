# What AWS takes for a GB from each of its regions to each other, as links, and a pool in each: what quote() says that data and
# results cost is the price list's, pair by pair and direction by direction, the cheapest sum is first, and where the list has
# no price the pool is out and named.  The list is beside the checkout.
use strict;
use warnings;
use List::Util qw(uniq);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $list = '../shared/data/transfer_costs_aws.csv';
plan skip_all => 'the prices of transfers are not beside the checkout' unless -e $list;

# Prices in hundred-thousandths of a dollar, so that sums are exact.
my %price;
for my $line (split /\n/, slurp_file($list))
{
	next unless $line =~ /^([a-z0-9-]+),([a-z0-9-]+),0\.([0-9]{1,5})$/ && $2 ne 'internet';
	$price{$1}{$2} = $3 . '0' x (5 - length $3);
}
my @regions = sort(uniq(keys %price, map { keys %$_ } values %price));
cmp_ok(scalar @regions, '>', 20, 'the list has regions');

my $node = PostgreSQL::Test::Cluster->new('transfer_prices');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', join ";\n", 'CREATE EXTENSION compute_ledger', 'SELECT create_ledger()', "SELECT create_account('acme', currency => 'USD')",
	"SELECT create_price('nvidia/h100', 'USD', 2)",
	(map { my $r = $_; "SELECT offer_devices(create_pool(create_name, 'nvidia/h100'), 8, '[2027-01-01Z,)', now => '2026-12-01Z') FROM (SELECT '$r' AS create_name, create_region('$r')) AS r" } @regions),
	# a GB a second
	(map { my $from = $_; map { "SELECT set_region_link('$from', '$_', ${\ $price{$from}{$_}} / 100000.0, 'USD', gbps => 8, source => 'aws')" } sort keys %{ $price{$from} } } sort keys %price));

my ($offers, $out) = (0, 0);
my @wrong;
for my $from (@regions)
{
	my ($before, $rank) = (-1, 0);
	for my $line (split /\n/, $node->safe_psql('postgres', qq{
		SELECT q.rank, r.name, q.transfer_cost * 100000, q.total, q.starts, q.reason
		FROM quote(placement_request('acme', '{nvidia/h100}', 8, '10 hours', not_before => '2027-02-01Z', data_region => '$from', data_gb => 3600, results_gb => 10), 100, now => '2027-01-15Z') AS q
		JOIN pool AS p ON p.id = coalesce(q.pool, q.pieces[1].pool) JOIN region AS r ON r.id = p.region
		ORDER BY q.rank}))
	{
		my ($rank, $to, $cost, $total, $starts, $reason) = split /\|/, $line;
		my ($there, $back) = $from eq $to ? (0, 0) : ($price{$from}{$to}, $price{$to}{$from});
		if ($rank eq '')
		{
			$out++;
			my $missing = defined $there ? "$to to $from" : "$from to $to";
			push @wrong, "$from, $to: $reason" unless (!defined $there || !defined $back) && $reason eq "no price of transfer from $missing";
			next;
		}
		$offers++;
		push @wrong, "$from, $to: $cost" unless defined $there && defined $back && $cost == 3600 * $there + 10 * $back;
		push @wrong, "$from, $to: $total after $before" unless $total >= $before && $total eq sprintf('%.8f', 160 + $cost / 100000);
		push @wrong, "$from, $to: $starts" unless $starts eq ($from eq $to ? '2027-02-01 00:00:00+00' : '2027-02-01 01:00:00+00');
		$before = $total;
	}
}
is(join("\n", @wrong[0 .. ($#wrong < 9 ? $#wrong : 9)]), '', 'what transfers cost is what the list says');
is($offers + $out, @regions * @regions, 'of every region from every other');
cmp_ok($offers, '>', 500, "$offers offers");
cmp_ok($out, '>', 0, "$out without a price");

done_testing();
