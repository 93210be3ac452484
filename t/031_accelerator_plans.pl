# Plans and estimates of accelerator classes: the planner serves "column <@ class" from the default btree and "column @> chip"
# from GiST because they are cheapest, with row estimates within a factor of 3 on real names.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/..";
my $node = PostgreSQL::Test::Cluster->new('accelerator_plans');
$node->init;
$node->append_conf('postgresql.conf', 'max_parallel_workers_per_gather = 0');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION compute_ledger;
	ALTER DATABASE postgres SET search_path = public, compute_ledger;
});

# The identities that the catalog holds, in its order.
my @chips;
{
	open my $in, '<', "$root/catalog/accelerator_model.csv" or die "accelerator_model.csv: $!";
	my %seen;
	while (<$in>)
	{
		push @chips, $1 if m{^([a-z-]+/[^,]+),} && !$seen{$1}++;
	}
	close $in;
}
cmp_ok(scalar @chips, '>=', 150, 'the catalog has chips to try');

# Usage of all of them: few chips have most of it (Zipf's law), in no order.
my $values = join ',', map { "($_, '$chips[$_ - 1]')" } 1 .. @chips;
my $count = @chips;
$node->safe_psql('postgres', qq{
	CREATE TABLE chip (n int, accelerator accelerator);
	INSERT INTO chip VALUES $values;
	CREATE TABLE usage AS
		SELECT accelerator, g AS id, g % 1000 AS amount
		FROM generate_series(1, 200000) AS g
		JOIN chip ON n = least($count, floor(exp(ln($count + 1) * ((hashint4(g)::bigint & 1048575) / 1048576.0))))
		ORDER BY hashint4(g + 1);
	CREATE INDEX usage_accelerator ON usage (accelerator);
	VACUUM ANALYZE usage;
	CREATE TABLE class (accelerator accelerator PRIMARY KEY);
});

sub plan_of { return $node->safe_psql('postgres', "EXPLAIN (COSTS OFF) $_[0]") }
my $range = qr/Index Cond: \(\(\(?(?:\w+\.)?accelerator >= .*accelerator <= /;

# A class of about 1% of the rows.
my ($class) = $node->safe_psql('postgres', q{
	SELECT accelerator_trunc('model', accelerator) FROM usage GROUP BY 1 ORDER BY abs(count(*) - 2000), 1 LIMIT 1});
for my $q ("accelerator <\@ '$class'", "'$class' \@> accelerator")
{
	my $plan = plan_of("SELECT sum(amount) FROM usage WHERE $q");
	like($plan, $range, "constant: $q");
	like($plan, qr/usage_accelerator/, 'on the default btree');
}
like(plan_of("SELECT count(*) FROM usage WHERE accelerator <\@ '$class'"), qr/Index Only Scan using usage_accelerator.*$range/s, 'index-only scan');
unlike(plan_of("SELECT count(*) FROM usage WHERE accelerator <\@ '$class'"), qr/Filter/, 'without a filter: the range is exact');
like(plan_of("SELECT count(*) FROM usage WHERE accelerator <\@ 'nvidia/a100-80gb'"), qr/$range.*\n *Filter: \(accelerator <\@/, 'with one where the class has a hole');
like(plan_of("SELECT count(*) FROM usage WHERE accelerator <\@ 'nvidia/a100-sxm4-80gb:1g.10gb'"), qr/Index Cond: \(accelerator = /, 'a value that states everything is looked up');
like($node->safe_psql('postgres', "PREPARE q (accelerator) AS SELECT sum(amount) FROM usage WHERE accelerator <\@ \$1; SET plan_cache_mode = force_generic_plan; EXPLAIN (COSTS OFF) EXECUTE q ('$class')"),
	$range, 'parameter of a generic plan');
like(plan_of("SELECT sum(amount) FROM usage WHERE accelerator <\@ (SELECT accelerator FROM chip LIMIT 1)"), $range, 'result of a subquery');
like(plan_of('SELECT * FROM usage WHERE accelerator_contained(accelerator, ' . "'$class')"), $range, 'the function');
unlike(plan_of("SELECT sum(amount) FROM usage WHERE accelerator <\@ NULL"), qr/Seq Scan on usage/, 'NULL reads nothing');

# A join on <@ with few classes: nested loop with the index inside.
$node->safe_psql('postgres', "INSERT INTO class VALUES ('$class'), ('google/tpu-v4'); ANALYZE class");
for my $q ('u.accelerator <@ c.accelerator', 'c.accelerator @> u.accelerator')
{
	my $plan = plan_of("SELECT sum(amount) FROM class AS c JOIN usage AS u ON $q");
	like($plan, qr/Nested Loop.*$range/s, "join: $q");
	like($plan, qr/class_max\(c\.accelerator\)/, 'with the end of the class computed for each');
}
like(plan_of("SELECT * FROM class AS c WHERE EXISTS (SELECT FROM usage AS u WHERE u.accelerator <\@ c.accelerator)"), qr/$range/, 'semijoin');

# BRIN, and an order that is not the type's.
$node->safe_psql('postgres', q{
	CREATE TABLE sorted AS SELECT * FROM usage ORDER BY accelerator;
	CREATE INDEX sorted_brin ON sorted USING brin (accelerator) WITH (pages_per_range = 4);
	ANALYZE sorted;
	CREATE FUNCTION accelerator_backwards(accelerator, accelerator) RETURNS int LANGUAGE sql IMMUTABLE STRICT
		AS 'SELECT compute_ledger.accelerator_cmp($2, $1)';
	CREATE OPERATOR CLASS backwards FOR TYPE accelerator USING btree AS
		OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 accelerator_backwards(accelerator, accelerator);
});
like(plan_of("SELECT * FROM sorted WHERE accelerator <\@ '$class'"), qr/sorted_brin\n *$range/, 'BRIN');
$node->safe_psql('postgres', 'CREATE TABLE other AS SELECT * FROM usage; CREATE INDEX other_backwards ON other (accelerator backwards); ANALYZE other');
my $counts = q{SELECT (SELECT count(*) FROM other WHERE accelerator <@ '%s') = (SELECT count(*) FROM usage WHERE accelerator <@ '%s')};
is($node->safe_psql('postgres', 'SET enable_seqscan = off; ' . sprintf($counts, $class, $class)), 't', 'an index in another order gives no wrong answer');
unlike(plan_of("SELECT * FROM other WHERE accelerator <\@ '$class'"), $range, 'it is not asked for a range');

# A table of more than 10,000 classes: all that the catalog's chips and their usual MIG slices belong to, and the same of
# as many models of like names as it takes.
$node->safe_psql('postgres', q{
	CREATE TABLE rule (class accelerator PRIMARY KEY, n serial);
	CREATE FUNCTION all_classes(a accelerator) RETURNS SETOF accelerator LANGUAGE sql AS $$
		SELECT make_accelerator(CASE WHEN v THEN vendor(a) END, CASE WHEN m AND v THEN model(a) END,
			CASE WHEN m AND v THEN f END, CASE WHEN g AND m AND v THEN memory_gb(a) END, CASE WHEN s AND m AND v THEN mig_profile(a) END)
		FROM (VALUES (true), (false)) AS v (v), (VALUES (true), (false)) AS m (m), (VALUES (true), (false)) AS g (g), (VALUES (true), (false)) AS s (s),
			(SELECT NULL UNION SELECT form_factor(a) UNION SELECT 'sxm' WHERE form_factor(a) ~ '^sxm') AS f (f)
	$$;
	INSERT INTO rule (class)
	SELECT DISTINCT class
	FROM (SELECT accelerator FROM chip
			UNION ALL SELECT make_accelerator(vendor(accelerator), model(accelerator), form_factor(accelerator), memory_gb(accelerator), p)
				FROM chip, unnest(ARRAY['1g.5gb', '1g.10gb', '1g.10gb+me', '2g.10gb', '2g.20gb', '3g.20gb', '3g.40gb', '4g.20gb', '4g.40gb', '7g.40gb', '7g.80gb']) AS p
				WHERE accelerator <@ 'nvidia' AND model(accelerator) ~ '^(a100|a30|a800|h100|h200|h20|h800|gh200|b200|gb200)$'
			UNION ALL SELECT make_accelerator(vendor(accelerator), left(model(accelerator), 9) || x, form_factor(accelerator), gb)
				FROM chip, unnest(ARRAY['s', 'x', '-ti', 'd', 'e', 'p', '-lp', 'v2']) AS x, unnest(ARRAY[16, 32, 48, 96]) AS gb) AS real,
		all_classes(accelerator) AS class;
	CREATE INDEX rule_gist ON rule USING gist (class);
	VACUUM ANALYZE rule;
	CREATE FUNCTION estimate(q text, OUT planned float8, OUT actual float8) LANGUAGE plpgsql AS $$
	DECLARE plan json;
	BEGIN
		EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || q INTO plan;
		planned := greatest(1, (plan -> 0 -> 'Plan' ->> 'Plan Rows')::float8);
		actual := greatest(1, (plan -> 0 -> 'Plan' ->> 'Actual Rows')::float8);
	END $$;
});
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM rule'), '>=', 10000, 'a table of at least 10,000 classes');
like(plan_of("SELECT * FROM rule WHERE class \@> 'nvidia/h100-sxm5-80gb'"), qr/(?:Index|Bitmap Index|Index Only) Scan (?:using|on) rule_gist.*\n *Index Cond: \(class \@> 'nvidia\/h100-sxm5-80gb'/, 'GiST serves class @> chip');
like(plan_of("SELECT * FROM rule WHERE 'nvidia/h100-sxm5-80gb' <\@ class"), qr/rule_gist/, 'and chip <@ class');
like(plan_of('SELECT * FROM chip, rule WHERE class @> accelerator'), qr/Nested Loop.*rule_gist.*\n *Index Cond: \(class \@> chip\.accelerator\)/s, 'and a join on it');
like(plan_of("SELECT * FROM rule WHERE class && 'nvidia/h100-80gb'"), qr/rule_gist.*\n *Index Cond: \(class && /, 'and class && class');

# Estimates: how many are off by more than a factor of 3, and the worst.
sub off
{
	my ($what, $table, $column, $operator, $set) = @_;
	my ($n, $off, $worst) = split /\|/, $node->safe_psql('postgres', qq{
		SELECT count(*), count(*) FILTER (WHERE planned / actual > 3.0001 OR actual / planned > 3.0001), round(max(greatest(planned / actual, actual / planned))::numeric, 1)
		FROM (SELECT DISTINCT a FROM ($set) AS s (a)) AS s, estimate(pg_catalog.format('SELECT * FROM $table WHERE $column $operator %L', a))});
	note "$what: $off of $n off by more than 3, the worst by $worst";
	return ($n, $off);
}
# (Of what has fewer rows, ANALYZE may have read too few to tell.)
my ($n, $off) = off('usage <@ class', 'usage', 'accelerator', '<@', 'SELECT c FROM (SELECT accelerator FROM usage GROUP BY 1 HAVING count(*) >= 300) AS u, all_classes(accelerator) AS c');
cmp_ok($n, '>', 100, 'classes of what is used');
is($off, 0, 'usage <@ class: estimates within a factor of 3');
($n, $off) = off('class @> chip', 'rule', 'class', '@>', 'SELECT accelerator FROM chip');
is($off, 0, "class \@> chip: $n estimates within a factor of 3");
($n, $off) = off('class @> slice', 'rule', 'class', '@>', 'SELECT class FROM rule WHERE mig_slices(class) IS NOT NULL');
is($off, 0, "class \@> slice: $n estimates within a factor of 3");
($n, $off) = off('class <@ class', 'rule', 'class', '<@', 'SELECT class FROM rule WHERE n % 10 = 0');
cmp_ok($off, '<=', 0.05 * $n, "class <\@ class: $off of $n estimates are not within a factor of 3");
my ($planned, $actual) = split /\|/, $node->safe_psql('postgres', q{SELECT * FROM estimate('SELECT * FROM usage AS u JOIN rule AS r ON r.class @> u.accelerator')});
cmp_ok($planned / $actual, '<', 3, "join of usage and classes: $planned rows planned, $actual found");
cmp_ok($actual / $planned, '<', 3, 'in the other direction too');
($planned, $actual) = split /\|/, $node->safe_psql('postgres', q{SELECT * FROM estimate('SELECT * FROM usage AS u JOIN class AS c ON u.accelerator <@ c.accelerator')});
cmp_ok($planned / $actual, '<', 3, "join of usage and two classes: $planned rows planned, $actual found");
cmp_ok($actual / $planned, '<', 3, 'in the other direction too');

# The same on the names of a public GPU catalogue and the nodes of a real cluster.
SKIP:
{
	my $data = "$root/../shared/data";
	skip 'the public data sets are not beside the checkout', 3 unless -r "$data/trace_alibaba_gpu2023_nodes.csv" && -r "$data/specs_gpu_catalog.csv";
	my %model = (P100 => 'nvidia/p100-pcie-16gb', T4 => 'nvidia/t4', V100M16 => 'nvidia/v100-sxm2-16gb', V100M32 => 'nvidia/v100-sxm2-32gb', A10 => 'nvidia/a10', G1 => 'nvidia/a100', G2 => 'nvidia/a100-sxm4-80gb', G3 => 'nvidia/a800');
	my @rows;
	open my $in, '<', "$data/trace_alibaba_gpu2023_nodes.csv" or die;
	while (<$in>)
	{
		chomp;
		my ($sn, undef, undef, $gpus, $name) = split /,/;
		push @rows, ("('$model{$name}')") x $gpus if $name && $model{$name};
	}
	close $in;
	$node->safe_psql('postgres', 'CREATE TABLE gpu (accelerator accelerator); INSERT INTO gpu VALUES ' . join(',', @rows) . '; ANALYZE gpu');
	my ($n, $off) = off('GPUs of a cluster', 'gpu', 'accelerator', '<@', 'SELECT c FROM (SELECT DISTINCT accelerator FROM gpu) AS g, all_classes(accelerator) AS c');
	is($off, 0, "the GPUs of a cluster: $n estimates within a factor of 3");

	my (%classes, %vendor);
	%vendor = (NVIDIA => 'nvidia', AMD => 'amd', ATI => 'amd', Intel => 'intel');
	open $in, '<', "$data/specs_gpu_catalog.csv" or die;
	while (<$in>)
	{
		my (undef, $name, $maker) = split /,/;
		my $gb = (split /,/)[14];
		next unless defined $gb && $gb =~ /^\d/ && $vendor{$maker};
		($name = lc $name) =~ s/\b(?:geforce|radeon|quadro|tesla|pcie|sxm\d|nvl|gb|\d+ ?gb)\b//g;
		$name =~ s/[^a-z0-9]+/-/g;
		$name =~ s/^-|-$//g;
		$name = substr $name, 0, 12;
		$name =~ s/-$//;
		next if $name eq '' || $gb < 1 || $name =~ /(?:^|-)(?:mxm|oam|laptop|maxq|som|socket)$/;
		$gb = int $gb;
		$classes{$_} = 1 for $vendor{$maker}, map { "$vendor{$maker}/$name$_" } '', '-pcie', "-${gb}gb", "-pcie-${gb}gb", "-mxm", "-mxm-${gb}gb";
	}
	close $in;
	$node->safe_psql('postgres', 'CREATE TABLE name (class accelerator PRIMARY KEY, n serial); INSERT INTO name SELECT unnest FROM unnest(ARRAY[' . join(',', map { "'$_'" } sort keys %classes) . ']::accelerator[]);
		CREATE INDEX ON name USING gist (class); ANALYZE name');
	note scalar(keys %classes) . ' classes of the catalogue';
	($n, $off) = off('catalogue @>', 'name', 'class', '@>', 'SELECT class FROM name WHERE n % 10 = 0 AND model(class) IS NOT NULL');
	is($off, 0, "a catalogue: $n estimates of class \@> chip within a factor of 3");
	($n, $off) = off('catalogue <@', 'name', 'class', '<@', 'SELECT class FROM name WHERE n % 10 = 0');
	cmp_ok($off, '<=', 0.05 * $n, "a catalogue: $off of $n estimates of class <\@ class are not within a factor of 3");
}

$node->stop;
done_testing();
