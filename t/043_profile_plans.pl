# Profiles under the executor: parallel and partition-wise plans, spilling, windows, stored in TOAST and read
# in slices.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('profile_plans');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nmax_parallel_workers_per_gather = 2\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');

$node->safe_psql('postgres', q{
	SELECT setseed(0.5);
	CREATE TABLE work (region int, account int, s timestamptz, e timestamptz, n numeric, r compute_rate);
	INSERT INTO work SELECT i % 4, i % 500, s, s + d, n, '989.4 TFLOPS@bf16'::compute_rate * n
	FROM generate_series(1, 200000) AS i, LATERAL (SELECT timestamptz '2026-01-01' + floor(random() * 30 * 86400 + 0 * i) * interval '1 second' AS s,
		(1 + floor(exp(random() * 10 + 0 * i))) * interval '1 second' AS d, (ARRAY[0.5, 1, 1.0 / 7, 2, 8])[1 + i % 5] AS n) AS r;
	CREATE TABLE parted (LIKE work) PARTITION BY LIST (account);
	CREATE TABLE parted_0 PARTITION OF parted DEFAULT;
	DO $$ BEGIN FOR p IN 1 .. 3 LOOP EXECUTE format('CREATE TABLE parted_%s PARTITION OF parted FOR VALUES IN (%s)', p, (SELECT string_agg(a::text, ',') FROM generate_series(p - 1, 499, 4) AS a)); END LOOP; END $$;
	INSERT INTO parted TABLE work;
	ANALYZE;
});
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_sort = off;';
my $partitionwise = 'SET enable_partitionwise_aggregate = on; SET max_parallel_workers_per_gather = 0; SET enable_sort = off;';
my $serial = 'SET max_parallel_workers_per_gather = 0;';

for my $case (
	[ 'device_profile', 'device_profile(s, e, n)::text' ],
	[ 'device_profile of ranges', 'device_profile(tstzrange(s, e), n)::text' ],
	[ 'rate_profile', 'rate_profile(s, e, r)::text' ],
	[ 'bucket_sum of devices', "bucket_sum(s, e, n, '1 hour', 'Asia/Kathmandu')::text" ],
	[ 'bucket_sum of rates', "bucket_sum(tstzrange(s, e), r, '1 month')::text" ])
{
	my ($name, $what) = @$case;
	my $query = "SELECT region, $what FROM %s GROUP BY region ORDER BY region";
	my $expected = $node->safe_psql('postgres', $serial . sprintf $query, 'work');
	my $plan = $node->safe_psql('postgres', $parallel . 'EXPLAIN (COSTS OFF) ' . sprintf $query, 'work');
	like($plan, qr/Finalize.*Gather.*Partial.*Parallel Seq Scan/s, "$name: parallel plan");
	is(length($expected) > 300 ? $node->safe_psql('postgres', $parallel . sprintf $query, 'work') : 'too little', $expected, "$name: the same in parallel");
	for my $participation ('on', 'off')
	{
		my $sorted = "$parallel SET enable_sort = on; SET enable_hashagg = off; SET parallel_leader_participation = $participation;";
		is($node->safe_psql('postgres', $sorted . sprintf $query, 'work'), $expected, "$name: the same through a sort, with the leader's participation $participation");
	}
	$plan = $node->safe_psql('postgres', $partitionwise . 'EXPLAIN (COSTS OFF) ' . sprintf $query, 'parted');
	like($plan, qr/Finalize.*Append.*Partial.*Partial.*Partial.*Partial/s, "$name: partition-wise plan");
	is($node->safe_psql('postgres', $partitionwise . sprintf $query, 'parted'), $expected, "$name: the same partition by partition");
}
my $sum = $node->safe_psql('postgres', 'CREATE TABLE stored AS SELECT account, device_profile(s, e, n) AS p FROM work GROUP BY account; SELECT device_profile(s, e, n)::text FROM work');
like($node->safe_psql('postgres', $parallel . 'EXPLAIN (COSTS OFF) SELECT sum(p) FROM stored'), qr/Finalize.*Gather.*Partial/s, 'sum of profiles: parallel plan');
is($node->safe_psql('postgres', $parallel . 'SELECT sum(p)::text FROM stored'), $sum, 'sum of profiles: the same in parallel');

# A share that is out of range where the whole is not: only the whole counts.
$node->safe_psql('postgres', q{
	CREATE TABLE extreme (part int, n numeric) PARTITION BY LIST (part);
	CREATE TABLE extreme_1 PARTITION OF extreme FOR VALUES IN (1);
	CREATE TABLE extreme_2 PARTITION OF extreme FOR VALUES IN (2);
	INSERT INTO extreme SELECT 1, 5000000000000 FROM generate_series(1, 1000);
	INSERT INTO extreme SELECT 2, -5000000000000 FROM generate_series(1, 1000);
	INSERT INTO extreme VALUES (1, 42);
	ANALYZE extreme});
my $extreme = q{SELECT device_profile('2026-01-01', '2026-01-02', n) FROM extreme};
like($node->safe_psql('postgres', "$partitionwise EXPLAIN (COSTS OFF) $extreme"), qr/Partial.*Partial/s, 'partial sums far out of range');
is($node->safe_psql('postgres', "$partitionwise $extreme"), '{2026-01-01T00:00:00Z 42, 2026-01-02T00:00:00Z 0}', 'cancel');
is($node->safe_psql('postgres', "$parallel SET debug_parallel_query = on; $extreme") // '', '{2026-01-01T00:00:00Z 42, 2026-01-02T00:00:00Z 0}', 'in parallel, too')
  if $node->safe_psql('postgres', 'SHOW server_version_num') >= 160000;

# An aggregate that somebody makes without a final function returns the state, which is a value like any other: in memory,
# in a row, compressed, and in a TOAST table.
$node->safe_psql('postgres', q{
	CREATE AGGREGATE raw_profile(timestamptz, timestamptz, numeric) (SFUNC = device_profile_accum, STYPE = device_profile);
	CREATE AGGREGATE raw_rate(timestamptz, timestamptz, compute_rate) (SFUNC = rate_profile_accum, STYPE = rate_profile);
	CREATE TABLE raw (account int, p device_profile, r rate_profile);
	CREATE TABLE packed (account int, p device_profile, r rate_profile);
	ALTER TABLE packed ALTER p SET STORAGE main, ALTER r SET STORAGE main;
	INSERT INTO raw SELECT account, raw_profile(s, e, n), raw_rate(s, e, r) FROM work WHERE account < 20 GROUP BY account;
	INSERT INTO raw SELECT -1, raw_profile(s, e, n), raw_rate(s, e, r) FROM work;
	INSERT INTO raw SELECT -2, raw_profile(s, e, n), raw_rate(s, e, r) FROM work WHERE account < 3 AND e < '2026-01-02';
	INSERT INTO packed SELECT account, raw_profile(s, e, n), raw_rate(s, e, r) FROM work WHERE account < 3 GROUP BY account;
	INSERT INTO packed SELECT * FROM raw WHERE account = -2;
	CREATE TABLE value AS SELECT account, device_profile(s, e, n) AS p, rate_profile(s, e, r) AS r FROM work WHERE account < 20 GROUP BY account;
	INSERT INTO value SELECT -1, device_profile(s, e, n), rate_profile(s, e, r) FROM work;
	INSERT INTO value SELECT -2, device_profile(s, e, n), rate_profile(s, e, r) FROM work WHERE account < 3 AND e < '2026-01-02'});
is($node->safe_psql('postgres', q{SELECT account FROM raw_like(ARRAY['raw', 'packed']) AS f (account, same) WHERE NOT same}
			=~ s/^/CREATE FUNCTION raw_like(tables text[]) RETURNS TABLE (account int, same boolean) LANGUAGE plpgsql AS \$\$
	DECLARE t text;
	BEGIN
		FOREACH t IN ARRAY tables LOOP
			RETURN QUERY EXECUTE format('SELECT s.account, s.p = v.p AND s.r = v.r AND s.p::text = v.p::text AND s.r::text = v.r::text
				AND device_profile_hash(s.p) = device_profile_hash(v.p) AND device_profile_send(s.p) = device_profile_send(v.p)
				AND s.p - v.p = ''{}'' AND v.r - s.r = ''{}\@bf16'' AND sum_of = v.p + v.p AND peak(s.p) = peak(v.p) AND integral(s.r) = integral(v.r)
				AND level_at(s.p, ''2026-01-09'') = level_at(v.p, ''2026-01-09'') AND extent(s.r) = extent(v.r)
				AND clip(s.p, ''[2026-01-09, 2026-01-11)'') = clip(v.p, ''[2026-01-09, 2026-01-11)'')
				AND earliest_fit(s.p, 1, ''1 hour'', ''[2026-01-02,)'') IS NOT DISTINCT FROM earliest_fit(v.p, 1, ''1 hour'', ''[2026-01-02,)'')
				FROM %I AS s JOIN value AS v USING (account), LATERAL (SELECT sum(x) AS sum_of FROM (VALUES (s.p), (s.p)) AS x (x)) AS y', t);
		END LOOP;
	END \$\$; /r), '', 'states as values: the same answers');
is($node->safe_psql('postgres', q{SELECT count(*), bool_or(pg_column_size(p) < 1500), bool_or(pg_column_size(p) > 1000000) FROM (TABLE raw UNION ALL TABLE packed) AS s}), '26|t|t',
	'of all sizes');
is($node->safe_psql('postgres', q{SELECT raw_profile(s, e, n) = device_profile(s, e, n), device_profile_hash(raw_profile(s, e, n)) = device_profile_hash(device_profile(s, e, n)),
	peak(raw_profile(s, e, n)) = peak(device_profile(s, e, n)) FROM work WHERE account = 7}), 't|t|t', 'in memory');
is($node->safe_psql('postgres', "$parallel SELECT bool_and(p = q) FROM (SELECT account, sum(p) AS p FROM (TABLE raw UNION ALL TABLE raw) AS s GROUP BY account) AS a JOIN (SELECT account, p + p AS q FROM value) AS v USING (account)"), 't',
	'summed');

# Hash aggregation that spills: results do not depend on work_mem.
is($node->safe_psql('postgres', "$serial SET enable_sort = off; SET work_mem = '64kB'; SELECT md5(string_agg(account || p::text, ',' ORDER BY account)) FROM (SELECT account, device_profile(s, e, n) AS p FROM work GROUP BY account) AS s"),
	$node->safe_psql('postgres', "$serial SET work_mem = '1GB'; SELECT md5(string_agg(account || p::text, ',' ORDER BY account)) FROM (SELECT account, device_profile(s, e, n) AS p FROM work GROUP BY account) AS s"),
	'spilling hash aggregation');
# GROUPING SETS share states between phases; DISTINCT and FILTER go through sorts.
is($node->safe_psql('postgres', "$serial SELECT count(*) FROM (SELECT region, account, device_profile(s, e, n) AS p FROM work GROUP BY ROLLUP (region, account)) AS s WHERE region IS NULL AND p::text <> '$sum'"), '0', 'grouping sets');
# A moving window: the state is made anew or goes on growing, and earlier rows stay what they were.
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT i, peak(device_profile(s, e, n) OVER w) AS ours, device_profile(s, e, n) OVER w AS p,
		array_agg(ROW (s, e, n)::work_row) OVER w AS rows FROM (SELECT row_number() OVER (ORDER BY s, e, n) AS i, s, e, n FROM work WHERE account = 7) AS a WINDOW w AS (ORDER BY i ROWS BETWEEN 5 PRECEDING AND 3 FOLLOWING)) AS b
	WHERE ours <> peak(p) OR p <> (SELECT device_profile(s, e, n) FROM unnest(rows))} =~ s/^/CREATE TYPE work_row AS (s timestamptz, e timestamptz, n numeric); /r), '0', 'moving window');
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT i, device_profile(s, e, n) OVER (ORDER BY i) AS p, array_agg(ROW (s, e, n)::work_row) OVER (ORDER BY i) AS rows
		FROM (SELECT row_number() OVER (ORDER BY s, e, n) AS i, s, e, n FROM work WHERE account = 7) AS a) AS b WHERE p <> (SELECT device_profile(s, e, n) FROM unnest(rows))}), '0', 'growing window');

# plpgsql variables hold expanded values; changing a copy changes no other.
is($node->safe_psql('postgres', q{
	DO $$
	DECLARE
		a device_profile := '{}';
		b device_profile;
	BEGIN
		FOR i IN 1 .. 100 LOOP
			b := a;
			a := device_profile_accum(a, timestamptz '2026-01-01' + i * interval '1 hour', timestamptz '2026-01-02' + i * interval '1 hour', i);
			IF peak(b) <> coalesce((SELECT peak(device_profile(timestamptz '2026-01-01' + j * interval '1 hour', timestamptz '2026-01-02' + j * interval '1 hour', j)) FROM generate_series(1, i - 1) AS j), 0) THEN
				RAISE 'copy % changed', i;
			END IF;
		END LOOP;
		IF a <> (SELECT device_profile(timestamptz '2026-01-01' + j * interval '1 hour', timestamptz '2026-01-02' + j * interval '1 hour', j) FROM generate_series(1, 100) AS j) THEN
			RAISE 'sum differs';
		END IF;
	END $$;
	SELECT 'done'}), 'done', 'plpgsql variables');

# A long profile in a TOAST table is read in slices: few buffers, and the same answers.
$node->safe_psql('postgres', q{
	CREATE TABLE long AS SELECT k, device_profile(s, s + interval '1500 microseconds', 1 + hashint4(i) % 5 + 5) AS p, rate_profile(s, s + interval '1500 microseconds', '1 TFLOPS'::compute_rate * (1 + i % 97)) AS r
	FROM (VALUES (10000), (160000)) AS v (k), LATERAL (SELECT i, timestamptz '2026-01-01' + i * interval '1 millisecond' + (i * 7919 % 400) * interval '1 microsecond' AS s FROM generate_series(1, k) AS i) AS g GROUP BY k;
	CREATE TABLE plain (LIKE long);
	ALTER TABLE plain ALTER p SET STORAGE extended, ALTER r SET STORAGE extended;
	INSERT INTO plain SELECT k, p + '{}', r + '{}' FROM long;
	VACUUM long; });
sub buffers
{
	my ($expression, $k) = @_;
	my $json = $node->safe_psql('postgres', "SELECT 1 FROM long WHERE $expression IS NULL; EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) SELECT $expression FROM long WHERE k = $k");
	$json =~ /"Plan": \{.*?"Shared Hit Blocks": (\d+),\s*"Shared Read Blocks": (\d+)/s or die $json;
	return $1 + $2;
}
my $whole = buffers('integral(p)', 160000);
cmp_ok($whole, '>', 100, "the whole is $whole buffers");
for my $expression ("level_at(p, '2026-01-01 00:01:00.0007')", "peak(p, '[2026-01-01 00:01:00, 2026-01-01 00:02:01.1)')", "integral(p, '[2026-01-01 00:01:00, 2026-01-01 00:01:01)')",
	"earliest_fit(p, 9, '1000 microseconds', '[2026-01-01 00:01:00,)')", "clip(p, '[2026-01-01 00:01:00, 2026-01-01 00:01:01)')", 'peak(p)', 'extent(p)')
{
	my $slices = buffers($expression, 160000);
	cmp_ok($slices, '<', $whole / 4, "$expression: $slices buffers");
	is($node->safe_psql('postgres', "SELECT bool_and(($expression)::text = (SELECT ($expression)::text FROM plain WHERE plain.k = long.k) AND ($expression)::text = (SELECT (" . ($expression =~ s/\(p\b/(p + '{}'/r) . ")::text FROM long AS l WHERE l.k = long.k)) FROM long"), 't', 'the same from slices, from compressed storage and from memory');
}
is($node->safe_psql('postgres', q{SELECT bool_and(l.p = p.p AND l.r = p.r) FROM long AS l JOIN plain AS p USING (k)}), 't', 'equal in either storage');
is($node->safe_psql('postgres', q{SELECT bool_and(level_at(r, t) = (SELECT level_at(r + '{}', t))) FROM long, generate_series(timestamptz '2026-01-01', '2026-01-01 00:03', '7.77 seconds') AS t}), 't', 'rates from slices');

# Binary COPY, hash partitions.
my $file = PostgreSQL::Test::Utils::tempdir() . '/copy.bin';
$node->safe_psql('postgres', "CREATE TABLE again (LIKE long);\n\\copy long TO '$file' (FORMAT binary)\n\\copy again FROM '$file' (FORMAT binary)");
is($node->safe_psql('postgres', 'SELECT count(*) FROM long JOIN again USING (k, p, r)'), '2', 'binary COPY and back');
$node->safe_psql('postgres', q{
	CREATE TABLE hashed (LIKE stored) PARTITION BY HASH (p);
	CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	INSERT INTO hashed SELECT account, p + '{}' FROM stored;});
cmp_ok($node->safe_psql('postgres', 'SELECT min(c) FROM (SELECT count(*) AS c FROM hashed GROUP BY tableoid) AS s'), '>', 150, 'hash partitions');
is($node->safe_psql('postgres', 'SELECT count(*) FROM stored JOIN hashed USING (p, account)'), '500', 'joined again');

done_testing();
