# Sums of quantities are the same to the last bit under every plan: serial, parallel, partition-wise,
# distributed, moving frames.  Each plan is asserted, so that none of them is tested in vain.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('quantity_plans');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\njit = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');
$node->safe_psql('postgres', q{
	SELECT setseed(0.25);
	CREATE TABLE used (id int, region int, kind int, amount compute_unit(bf16), rate compute_rate(bf16), n numeric) PARTITION BY LIST (region);
	CREATE TABLE used0 PARTITION OF used FOR VALUES IN (0, 1);
	CREATE TABLE used1 PARTITION OF used FOR VALUES IN (2, 3);
	CREATE TABLE used2 PARTITION OF used DEFAULT;
	INSERT INTO used SELECT id, id % 6, id % 7, with_basis(n::compute_unit, 'bf16'), with_basis((n * 1000000)::compute_rate, 'bf16'), n
	FROM (SELECT id, round(((random() - 0.4) * 1e9)::numeric * ('1e' || (random() * 20)::int)::numeric) FROM generate_series(1, 60000) AS id) AS x (id, n);
	CREATE TABLE plain AS SELECT * FROM used;
	CREATE INDEX ON plain (amount);
	VACUUM ANALYZE;
});

# Runs a query with settings; the plan must be like the pattern.  Returns its output.
sub run_as
{
	my ($name, $settings, $query, $pattern) = @_;
	my $set = join '', map { "SET $_;" } @$settings;
	like($node->safe_psql('postgres', "$set EXPLAIN (COSTS OFF) $query"), $pattern, "$name: the plan");
	return $node->safe_psql('postgres', "$set $query");
}

my @parallel = ('parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0', 'max_parallel_workers_per_gather = 3');
my @serial = ('max_parallel_workers_per_gather = 0');
my $bits = q{compute_unit_send(sum(amount)), compute_unit_send(avg(amount)), compute_unit_send(min(amount)), compute_unit_send(max(amount)),
	compute_rate_send(sum(rate)), compute_rate_send(avg(rate)), compute_rate_send(min(rate)), compute_rate_send(max(rate))};

my $whole = "SELECT $bits FROM plain";
my $serial = run_as('serial', \@serial, $whole, qr/\AAggregate/);
is(run_as('parallel', \@parallel, $whole, qr/Finalize Aggregate.*Gather.*Partial Aggregate.*Parallel Seq Scan/s), $serial, 'parallel: the same bits');
is($node->safe_psql('postgres', q{SELECT compute_unit_send(with_basis(sum(n)::compute_unit, 'bf16')) FROM plain}), (split /\|/, $serial)[0], 'and what numeric says');
is(run_as('sorted', [ @serial, 'enable_seqscan = off' ], "SELECT $bits FROM (SELECT * FROM plain ORDER BY amount DESC OFFSET 0) AS x", qr/Index.*Scan Backward/), $serial, 'in index order: the same bits');

my $groups = "SELECT region, $bits FROM used GROUP BY region ORDER BY region";
my $by_region = run_as('serial groups', \@serial, $groups, qr/HashAggregate/);
is(run_as('partition-wise', [ @serial, 'enable_partitionwise_aggregate = on' ], $groups, qr/Append.*HashAggregate.*HashAggregate/s), $by_region, 'partition-wise: the same bits');
is(run_as('parallel groups', [ @parallel, 'enable_partitionwise_aggregate = on' ], $groups, qr/Gather/), $by_region, 'parallel partition-wise: the same bits');
is(run_as('parallel groups by sort', [ @parallel, 'enable_hashagg = off' ], $groups =~ s/FROM used/FROM plain/r, qr/Finalize GroupAggregate.*Partial GroupAggregate/s), $by_region, 'parallel by sort: the same bits');
my $across = "SELECT kind, $bits FROM used GROUP BY kind ORDER BY kind";
is(run_as('partial partition-wise', [ @serial, 'enable_partitionwise_aggregate = on' ], $across, qr/Finalize.*Append.*Partial HashAggregate/s),
	run_as('serial across', \@serial, $across, qr/HashAggregate/), 'partial partition-wise: the same bits');
is(run_as('spilled hash', [ @serial, 'enable_sort = off', 'work_mem = 64', 'hash_mem_multiplier = 1' ], "SELECT sum(hashtextextended(x::text, 0)) FROM (SELECT id / 2 AS id, $bits FROM plain GROUP BY 1) AS x", qr/HashAggregate/),
	run_as('not spilled', [ @serial, 'enable_sort = off', "work_mem = '64MB'" ], "SELECT sum(hashtextextended(x::text, 0)) FROM (SELECT id / 2 AS id, $bits FROM plain GROUP BY 1) AS x", qr/HashAggregate/), 'spilled hash aggregate: the same bits');

# A distributed database aggregates on the nodes, sends the states as text or binary, and combines.
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_aggregate AS a JOIN pg_proc AS p ON p.oid = aggfnoid JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	WHERE proargtypes::text IN (SELECT oid::text FROM pg_type WHERE typname IN ('compute_unit', 'compute_rate'))
		AND proname IN ('sum', 'avg', 'min', 'max') AND (aggtranstype = 'internal'::regtype OR aggcombinefn = 0 OR proparallel <> 's')}), 0, 'no internal states, all combine, all parallel safe');
$node->safe_psql('postgres', q{
	CREATE AGGREGATE partial_sum(compute_unit) (SFUNC = compute_unit_accum, STYPE = quantity_sum, INITCOND = '(0,0,flop)');
	CREATE AGGREGATE combined_sum(quantity_sum) (SFUNC = quantity_sum_combine, STYPE = quantity_sum, INITCOND = '(0,0,flop)', FINALFUNC = compute_unit_sum_final);
});
is($node->safe_psql('postgres', q{SELECT compute_unit_send(combined_sum(state::quantity_sum)) FROM (SELECT partial_sum(amount)::text AS state FROM used GROUP BY id % 64) AS x}),
	(split /\|/, $serial)[0], 'states that travelled as text: the same bits');
is($node->safe_psql('postgres', q{SELECT combined_sum(state) IS NULL FROM (SELECT partial_sum(amount) AS state FROM used WHERE false) AS x}), 't', 'a node without rows changes nothing');

# Moving frames: the inverse transition against one sum per row.  A volatile argument turns it off.
$node->safe_psql('postgres', q{CREATE FUNCTION restarting(x compute_unit) RETURNS compute_unit LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN x; END'});
for my $frame ('ORDER BY id ROWS BETWEEN 50 PRECEDING AND 50 FOLLOWING',
	"ORDER BY amount RANGE BETWEEN '3 PFLOP\@bf16' PRECEDING AND '2 PFLOP\@bf16' FOLLOWING",
	"ORDER BY amount DESC RANGE BETWEEN '3 PFLOP\@bf16' PRECEDING AND '2 PFLOP\@bf16' FOLLOWING",
	'PARTITION BY region ORDER BY id ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING',
	'ORDER BY region GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW',
	'ORDER BY id ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING EXCLUDE CURRENT ROW')
{
	my $query = "SELECT md5(string_agg(coalesce(compute_unit_send(s)::text, '-') || coalesce(compute_unit_send(a)::text, '-'), ',' ORDER BY id)) FROM (SELECT id, sum(%s) OVER w AS s, avg(%s) OVER w AS a FROM plain WHERE id <= 3000 WINDOW w AS ($frame)) AS x";
	is(run_as($frame, \@serial, sprintf($query, 'amount', 'amount'), qr/WindowAgg/),
		$node->safe_psql('postgres', sprintf($query, 'restarting(amount)', 'restarting(amount)')), 'moving and restarted: the same bits');
}

# Statistics: the estimate of an inequality is within a bucket of the histogram, that of a range too.
for my $where ("amount < '0 FLOP\@bf16'", "amount > '1 EFLOP\@bf16'", "amount BETWEEN '1 PFLOP\@bf16' AND '10 EFLOP\@bf16'")
{
	my $explain = $node->safe_psql('postgres', "EXPLAIN (FORMAT JSON) SELECT * FROM plain WHERE $where");
	my ($estimate) = $explain =~ /"Plan Rows": (\d+)/;
	my $rows = $node->safe_psql('postgres', "SELECT count(*) FROM plain WHERE $where");
	cmp_ok(abs($estimate - $rows), '<', 0.02 * 60000, "estimate of $where: $estimate, $rows rows");
}
like($node->safe_psql('postgres', 'EXPLAIN (COSTS OFF) SELECT max(amount) FROM plain'), qr/Index Only Scan Backward/, 'max by index');
like($node->safe_psql('postgres', 'SET enable_hashjoin = off; SET enable_nestloop = off; EXPLAIN (COSTS OFF) SELECT FROM plain AS a JOIN plain AS b USING (amount)'), qr/Merge Join/, 'merge join');
like($node->safe_psql('postgres', 'SET enable_mergejoin = off; SET enable_nestloop = off; EXPLAIN (COSTS OFF) SELECT FROM plain AS a JOIN plain AS b USING (amount)'), qr/Hash Join/, 'hash join');

# A comparison with a constant of another basis has one answer, whatever the planner sees of it, and is never an error:
# it warns where it sees the constant.  restarting() takes the column's basis away from the planner.
for my $case (
	[ '= $1', '1 PFLOP@fp8' ], [ '<> $1', '1 PFLOP@fp8' ], [ '< $1', '1 PFLOP@fp8' ], [ '>= $1', '1 PFLOP' ], [ '> $1', '1 PFLOP@bf16' ],
	[ 'IN ($1)', '1 PFLOP@fp8' ], [ 'IN ($1, $2)', '1 PFLOP@fp8', '0 FLOP@bf16' ], [ 'NOT IN ($1, $2)', '1 PFLOP@fp8', '0 FLOP@bf16' ],
	[ '= ANY (ARRAY[$1, $2])', '1 PFLOP@fp8', '0 FLOP@bf16' ], [ '<> ALL (ARRAY[$1, $2]::compute_unit[])', '1 PFLOP@fp8', '0 FLOP' ],
	[ '> ANY (ARRAY[$1])', '1 PFLOP@fp8' ], [ 'BETWEEN $1 AND $2', '1 PFLOP', '1 EFLOP@fp8' ], [ 'IS DISTINCT FROM $1', '1 PFLOP@fp8' ])
{
	my ($condition, @values) = @$case;
	(my $literal = $condition) =~ s/\$(\d)/'$values[$1 - 1]'::compute_unit/g;
	my $arguments = join ', ', map { "'$_'" } @values;
	my $types = join ', ', map { 'compute_unit' } @values;
	my $truth = $node->safe_psql('postgres', "SELECT count(*) FROM plain WHERE restarting(amount) $literal");
	for my $how (
		[ 'a constant', "SELECT count(*) FROM plain WHERE amount $literal" ],
		[ 'by the index', "SET enable_seqscan = off; SELECT count(*) FROM plain WHERE amount $literal" ],
		[ 'partitioned', "SELECT count(*) FROM used WHERE amount $literal" ],
		map({ [ "a parameter, $_", "PREPARE q ($types) AS SELECT count(*) FROM plain WHERE amount $condition; SET plan_cache_mode = $_; EXECUTE q ($arguments); EXECUTE q ($arguments)" ] }
			'force_custom_plan', 'force_generic_plan'))
	{
		my ($rc, $out, $err) = $node->psql('postgres', $how->[1]);
		is("$rc: " . join(' ', keys %{ { map { $_ => 1 } split /\n/, $out } }), "0: $truth", "amount $literal: $how->[0]");
		unlike($err, qr/ERROR/, 'no error');
	}
}
for my $where ("amount > '1 PFLOP\@fp8'", "'1 PFLOP' <= amount", "amount = with_basis('1 PFLOP\@bf16'::compute_unit, 'fp8')", "amount IN ('1 PFLOP\@fp8')")
{
	my ($rc, undef, $err) = $node->psql('postgres', "EXPLAIN SELECT FROM plain WHERE $where");
	is($rc, 0, "$where is planned");
	like($err, qr/WARNING:.*different bases: bf16 and (fp8|flop)/, 'with a warning that names both');
}

done_testing();
