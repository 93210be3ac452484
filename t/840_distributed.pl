# Regions in clusters of their own, read through postgres_fdw: what is asked by region is computed there, at the same
# time in all of them, and equals what one table of everything gives.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $hub = PostgreSQL::Test::Cluster->new('hub');
my $far = PostgreSQL::Test::Cluster->new('far');
for my $node ($hub, $far)
{
	$node->init;
	# of zones and forms of dates that differ
	$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\njit = off\ntimezone = '" . ($node == $hub ? 'Asia/Shanghai' : 'America/New_York') . "'\n");
	$node->start;
}
plan(skip_all => 'postgres_fdw is not installed')
  if $hub->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'}) eq '0';
my $columns = q{(region text NOT NULL, zone text NOT NULL, account int, accelerator accelerator, period tstzrange, devices numeric, amount compute_unit(bf16), rate compute_rate(bf16))};
$hub->safe_psql('postgres', 'CREATE EXTENSION compute_ledger; CREATE EXTENSION postgres_fdw');
$hub->safe_psql('postgres', "CREATE TABLE used $columns PARTITION BY LIST (region); CREATE TABLE all_used $columns");
for my $region ('east', 'west')
{
	$far->safe_psql('postgres', "CREATE DATABASE $region");
	$far->safe_psql($region, "CREATE EXTENSION compute_ledger; CREATE TABLE used $columns; CREATE INDEX ON used (accelerator)");
	$hub->safe_psql('postgres', "CREATE SERVER $region FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '${\ $far->host}', port '${\ $far->port}', dbname '$region', extensions 'compute_ledger', async_capable 'true');
		CREATE USER MAPPING FOR CURRENT_USER SERVER $region;
		CREATE FOREIGN TABLE used_$region PARTITION OF used FOR VALUES IN ('$region') SERVER $region OPTIONS (table_name 'used')");
}
# What is written through the hub arrives as it is.
$hub->safe_psql('postgres', q{
	SELECT setseed(0.5);
	INSERT INTO all_used
	SELECT region, CASE region WHEN 'east' THEN 'Asia/Shanghai' ELSE 'Europe/Berlin' END, (random() * 9)::int, (ARRAY['nvidia/h100-sxm5-80gb', 'nvidia/h100-pcie-80gb', 'nvidia/a100-sxm4-80gb:1g.10gb', 'nvidia/t4', 'huawei/ascend-910b3'])[1 + n % 5]::accelerator,
		tstzrange(s, s + random() * interval '30 hours'), round((random() * 16)::numeric, (random() * 4)::int),
		with_basis(round((random() * 1e20)::numeric)::compute_unit, 'bf16'), with_basis(((random() * 1e9)::int::numeric * 1000000)::compute_rate, 'bf16')
	FROM (SELECT n, CASE WHEN random() < 0.5 THEN 'east' ELSE 'west' END AS region, '2026-03-20 00:00Z'::timestamptz + random() * interval '40 days' AS s FROM generate_series(1, 4000) AS n OFFSET 0) AS x;
	INSERT INTO used SELECT * FROM all_used;
	ANALYZE used, all_used});
is($hub->safe_psql('postgres', 'SELECT count(*) FROM (TABLE used EXCEPT ALL TABLE all_used) AS x'), 0, 'rows come back as they were');

my $settings = 'SET enable_partitionwise_aggregate = on;';

# Asserts that a query over the regions is two asynchronous foreign scans that send the pattern, and gives what one table gives.
sub ships
{
	my ($name, $query, $sent) = @_;
	my $plan = $hub->safe_psql('postgres', "$settings EXPLAIN (VERBOSE, COSTS OFF) $query");
	my @remote = $plan =~ /Remote SQL: (.*)/g;
	my $scans = () = $plan =~ /Async Foreign Scan/g;
	is($scans, 2, "$name: two asynchronous scans") or diag($plan);
	is(scalar(grep { /$sent/ } @remote), 2, "$name: it is sent") or diag($plan);
	my $there = $hub->safe_psql('postgres', "$settings $query");
	(my $here = $query) =~ s/\bused\b/all_used/g;
	isnt($there, '', "$name: there is an answer");
	is($there, $hub->safe_psql('postgres', $here), "$name: the same as from one table");
	return;
}

# Asserts that a query reads rows instead.
sub does_not_ship
{
	my ($name, $query, $not_sent) = @_;
	my $plan = $hub->safe_psql('postgres', "$settings EXPLAIN (VERBOSE, COSTS OFF) $query");
	my @remote = $plan =~ /Remote SQL: (.*)/g;
	is(scalar(grep { /$not_sent/ } @remote), 0, "$name: it is not sent") or diag($plan);
	my $there = $hub->safe_psql('postgres', "$settings $query");
	(my $here = $query) =~ s/\bused\b/all_used/g;
	is($there, $hub->safe_psql('postgres', $here), "$name: and is the same all the same");
	return;
}

for my $aggregate ('sum(amount)', 'avg(amount)', 'min(amount)', 'max(rate)', 'sum(rate)', 'sum(amount / interval \'1 hour\')',
	'device_profile(period, devices)', 'device_profile(lower(period), upper(period), devices)', 'rate_profile(period, rate)',
	'peak(device_profile(period, devices))', 'peak(rate_profile(period, rate))', 'integral(device_profile(period, devices))',
	map { my $level = $_; map { ("bucket_sum(period, $level, $_)", "bucket_sum(lower(period), upper(period), $level, $_)") } "'1 hour'", "'1 month'", "'1 day', zone" } 'devices', 'rate')
{
	my ($function) = $aggregate =~ /^(\w+)/;
	ships($aggregate, "SELECT region, $aggregate FROM used GROUP BY region ORDER BY region", qr/\b$function\(.*GROUP BY/);
}
ships('groups of regions and accounts', 'SELECT region, account, sum(amount), peak(device_profile(period, devices)) FROM used GROUP BY region, account ORDER BY 1, 2', qr/sum\(.*peak\(.*GROUP BY/);
my $by_region = q{GROUP BY region ORDER BY region};
ships('a class', "SELECT region, sum(devices), count(*) FROM used WHERE accelerator <@ 'nvidia/h100' $by_region", qr/<@/);
ships('a class, with bucket_sum', "SELECT region, bucket_sum(period, devices, '1 day') FROM used WHERE accelerator <@ 'nvidia/h100' $by_region", qr/bucket_sum\(.*<@.*GROUP BY/);
ships('one chip', "SELECT region, count(*) FROM used WHERE accelerator = 'nvidia/t4' $by_region", qr/\.=\) 'nvidia\/t4'/);
ships('several', "SELECT region, count(*) FROM used WHERE accelerator IN ('nvidia/t4', 'nvidia/h100-pcie-80gb') $by_region", qr/\.=\) ANY/);
ships('several classes', "SELECT region, count(*) FROM used WHERE accelerator <@ ANY (ARRAY['nvidia/h100', 'huawei']::accelerator[]) $by_region", qr/<@\) ANY/);
ships('a subquery', "SELECT region, count(*) FROM used WHERE accelerator <@ (SELECT identify('H100')) $by_region", qr/<@\) \S*\$1/);
ships('parts of a chip', "SELECT region, vendor(accelerator), sum(devices) FROM used GROUP BY 1, 2 ORDER BY 1, 2", qr/vendor\(.*GROUP BY/);
ships('an amount', "SELECT region, count(*) FROM used WHERE amount > '10 EFLOP\@bf16' $by_region", qr/amount OPERATOR\(compute_ledger\.>\)/);
ships('rows of a class', "SELECT region, account, period, amount FROM used WHERE accelerator <@ 'nvidia/h100' AND account = 3 ORDER BY 1, 2, 3, 4", qr/<@/);

# What depends on tables or settings is not sent; in a subquery it is computed first.
does_not_ship('identify() beside a column', "SELECT region, count(*) FROM used WHERE accelerator <@ identify('H100') $by_region", qr/identify|<@/);
# A zone that is a constant has a collation that comes from no column, and postgres_fdw sends nothing of that kind.
does_not_ship('bucket_sum with a constant zone', "SELECT region, bucket_sum(period, devices, '1 day', 'Asia/Shanghai') FROM used $by_region", qr/bucket_sum/);
ships('buckets of the profile instead', q{SELECT region, b.* FROM (SELECT region, device_profile(period, devices) AS p FROM used GROUP BY region) AS r, buckets(p, '1 day', 'Asia/Shanghai') AS b ORDER BY 1, 2}, qr/device_profile\(.*GROUP BY/);
# Over all regions together nothing of an aggregate is sent; by region first, then rolled up, it is, and is exact.
does_not_ship('one number of all regions', 'SELECT sum(amount), peak(device_profile(period, devices)) FROM used', qr/sum|profile/);
ships('two steps: a sum', 'SELECT sum(s) FROM (SELECT region, sum(amount) AS s FROM used GROUP BY region) AS r', qr/sum\(.*GROUP BY/);
ships('two steps: a peak', 'SELECT peak(sum(p)) FROM (SELECT region, device_profile(period, devices) AS p FROM used GROUP BY region) AS r', qr/device_profile\(.*GROUP BY/);
ships('two steps: buckets', q{SELECT b.period, sum(b.amount) FROM (SELECT region, bucket_sum(period, rate, '1 day') AS s FROM used GROUP BY region) AS r, unnest(s) AS b GROUP BY b.period ORDER BY b.period}, qr/bucket_sum\(.*GROUP BY/);
for my $case ([ 'sum(amount)', 'sum(sum)', 'sum(amount) AS sum' ], [ 'peak(device_profile(period, devices))', 'peak(sum(p))', 'device_profile(period, devices) AS p' ], [ 'peak(rate_profile(period, rate))', 'peak(sum(p))', 'rate_profile(period, rate) AS p' ])
{
	is($hub->safe_psql('postgres', "$settings SELECT $case->[1] FROM (SELECT region, $case->[2] FROM used GROUP BY region) AS r"), $hub->safe_psql('postgres', "SELECT $case->[0] FROM all_used"), "$case->[0] in two steps is that in one");
}

# Whatever may be listed under extensions belongs to the extension, arrays of its types included.
is($hub->safe_psql('postgres', q{SELECT string_agg(t.oid::regtype::text, ' ') FROM pg_type AS e JOIN pg_type AS t ON t.oid = e.typarray JOIN pg_depend AS d ON d.classid = 'pg_type'::regclass AND d.objid = e.oid AND d.deptype = 'e'
	WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'compute_ledger')
		AND NOT EXISTS (SELECT FROM pg_depend AS a WHERE a.classid = 'pg_type'::regclass AND a.objid = t.oid AND a.deptype = 'e' AND a.refobjid = d.refobjid)}), '', 'array types belong to the extension');

$_->stop for $hub, $far;
done_testing();
