# device_profile, rate_profile and bucket_sum against plain SQL, on random intervals and on real traces:
# window functions over +n/-n events, range_agg, percentile_disc, generate_series over local time.
use strict;
use warnings;
use File::Basename;
use File::Spec;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(dirname(File::Spec->rel2abs(__FILE__)));
my $data = "$root/../shared/data";
my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20260701;
note "seed $seed";

my $node = PostgreSQL::Test::Cluster->new('profile');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nintervalstyle = postgres\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');

# Asserts that a query returns no row; what it returns is the counterexample.
sub no_rows
{
	my ($sql, $name) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql);
	ok($rc == 0 && $out eq '', $name) or diag $rc == 0 ? substr($out, 0, 2000) : $err;
}

# Asserts that a query returns one true value.
sub holds
{
	my ($sql, $name) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql);
	is($rc == 0 ? $out : $err, 't', $name);
}

$node->safe_psql('postgres', q{
	-- The intervals under test, of several sources; n are devices.
	CREATE TABLE work (source text, region int, s timestamptz NOT NULL, e timestamptz NOT NULL, n numeric NOT NULL);

	-- What plain SQL makes of them: the level from each instant to the next.
	CREATE VIEW level AS
	SELECT source, region, t AS s, lead(t) OVER w AS e, sum(n) OVER w AS n
	FROM (SELECT source, region, t, sum(n) AS n
		FROM (SELECT source, region, s AS t, n FROM work WHERE s < e UNION ALL SELECT source, region, e, -n FROM work WHERE s < e) AS events
		GROUP BY source, region, t) AS sums
	WINDOW w AS (PARTITION BY source, region ORDER BY t);

	CREATE TABLE profile (source text, region int, p device_profile, r rate_profile);

	-- The local times at which buckets of days and months begin, as instants.
	CREATE FUNCTION local_buckets(first timestamptz, last timestamptz, width interval, zone text, since timestamp)
	RETURNS TABLE (b timestamptz, e timestamptz) LANGUAGE sql STABLE AS $$
		SELECT b, e FROM (SELECT b, lead(b) OVER (ORDER BY b) AS e
			FROM (SELECT DISTINCT l AT TIME ZONE zone AS b
				FROM generate_series(since, last AT TIME ZONE zone + 2 * width, width) AS l) AS starts) AS s
		WHERE e > first AND b < last
	$$;
});

# Random intervals: narrow and wide in time, on whole seconds and not, corrections (negative), empty ones.
$node->safe_psql('postgres', qq{
	SELECT setseed($seed % 1000 / 1000.0);
	INSERT INTO work SELECT 'random', i % 4, s, s + d,
		(ARRAY[0.5, 1, 1, 2, 4, 8, 16, 0.25, 0.0625, -1])[1 + floor(random() * 10)::int]
	FROM generate_series(1, 12000) AS i,
		LATERAL (SELECT timestamptz '2025-09-01' + floor(random() * 90 * 86400e6 + 0 * i) * interval '1 microsecond' AS s,
			floor(exp(random() * 14 + 0 * i)) * (CASE i % 3 WHEN 0 THEN interval '1 second' ELSE interval '1 microsecond' END) AS d) AS r;
	INSERT INTO work SELECT 'seconds', i % 2, s, s + floor(random() * 5000) * interval '1 second', 1 + i % 8
	FROM generate_series(1, 2000) AS i,
		LATERAL (SELECT timestamptz '2026-03-29' + floor(random() * 20000 + 0 * i) * interval '1 second' AS s) AS r;
	INSERT INTO work SELECT 'years', 0, s, s + floor(random() * 400) * interval '1 hour', 1
	FROM generate_series(1, 600) AS i,
		LATERAL (SELECT timestamptz '2006-01-01' + floor(random() * 20 * 365 * 24 * 60 + 0 * i) * interval '1 minute' AS s) AS r;
});

# Real traces, where they are.
sub load_csv
{
	my ($file, $insert) = @_;
	my $path = "$data/$file";
	if (!-e $path)
	{
		note "skipped: $file is not beside the project (../shared/data)";
		return 0;
	}
	my $plain = PostgreSQL::Test::Utils::tempdir() . '/data.csv';
	system_or_bail('sh', '-c', ($path =~ /\.gz$/ ? 'zcat' : 'cat') . " '$path' >$plain");
	open my $in, '<', $plain or die $!;
	(my $header = <$in>) =~ s/\r?\n//;
	close $in;
	my @columns = split /,/, $header;
	$node->safe_psql('postgres', 'CREATE TEMP TABLE raw (' . join(', ', map { "\"$_\" text" } @columns) . ");\n\\copy raw FROM '$plain' CSV HEADER\n$insert");
	return 1;
}
my $traces = 0;
$traces += load_csv('trace_alibaba_gpu2023_pods.csv', q{
	INSERT INTO work SELECT 'gpu2023', hashtext(coalesce(gpu_spec, '')) % 2, timestamptz '2023-01-01' + scheduled_time::numeric * interval '1 second',
		timestamptz '2023-01-01' + deletion_time::numeric * interval '1 second', greatest(num_gpu::numeric * gpu_milli::numeric / 1000, 0)
	FROM raw WHERE scheduled_time <> '' AND num_gpu <> '0' AND deletion_time::numeric >= scheduled_time::numeric});
$traces += load_csv('trace_alibaba_gpu2025_dlrm.csv.gz', q{
	INSERT INTO work SELECT 'gpu2025', 0, timestamptz '2025-01-01' + coalesce(nullif(scheduled_time, ''), '0')::numeric * interval '1 second',
		timestamptz '2025-01-01' + coalesce(nullif(deletion_time, ''), '2678400')::numeric * interval '1 second', gpu_request::numeric
	FROM raw WHERE role = 'HN' AND coalesce(nullif(scheduled_time, ''), '0')::numeric <= coalesce(nullif(deletion_time, ''), '2678400')::numeric});
$traces += load_csv('trace_hydra_heterogeneous_durations.csv', q{
	INSERT INTO work SELECT 'hydra', 0, timestamptz '2025-06-01' + submit_s::numeric * interval '1 second',
		timestamptz '2025-06-01' + (submit_s::numeric + v100_s::numeric) * interval '1 second', 1 FROM raw});
$traces += load_csv('trace_slurm_sacct_phillips.csv', q{
	INSERT INTO work SELECT 'sacct', 0, (start || 'Z')::timestamptz, ("end" || 'Z')::timestamptz, ncpus::numeric
	FROM raw WHERE start ~ '^\d' AND "end" ~ '^\d' AND start <= "end"});
note "$traces of 4 traces loaded";

$node->safe_psql('postgres', q{
	CREATE INDEX ON work (source, region);
	INSERT INTO profile SELECT source, region, device_profile(s, e, n), rate_profile(s, e, '989.4 TFLOPS@bf16'::compute_rate * n)
	FROM work GROUP BY source, region;
	CREATE TABLE level_at AS SELECT * FROM level WHERE e IS NOT NULL;
	CREATE INDEX ON level_at (source, region, s);
	ANALYZE;
});
note $node->safe_psql('postgres', q{SELECT source, count(*) FROM work GROUP BY source ORDER BY source COLLATE "C"});

# Every step, and what follows from all of them.
no_rows(q{
	WITH ours AS (SELECT source, region, lower(period) AS s, upper(period) AS e, level AS n FROM profile, steps(p)),
	-- neighbours of one level are one step, and levels of zero at the ends are none
	marked AS (SELECT *, sum(CASE WHEN n = before THEN 0 ELSE 1 END) OVER (PARTITION BY source, region ORDER BY s) AS island
		FROM (SELECT *, coalesce(lag(n) OVER (PARTITION BY source, region ORDER BY s), 0) AS before FROM level_at) AS l),
	joined AS (SELECT source, region, min(s) AS s, max(e) AS e, n FROM marked GROUP BY source, region, island, n),
	theirs AS (SELECT j.* FROM joined AS j JOIN profile AS p USING (source, region) WHERE j.e <= upper(extent(p.p)) AND j.s >= lower(extent(p.p)))
	(SELECT 'ours', * FROM (TABLE ours EXCEPT TABLE theirs) AS x) UNION ALL (SELECT 'theirs', * FROM (TABLE theirs EXCEPT TABLE ours) AS x) LIMIT 5},
	'steps are those of window functions over events');
no_rows(q{SELECT * FROM profile JOIN (SELECT source, region, greatest(max(n), 0) AS peak, min(s), max(e) FROM level_at GROUP BY source, region) AS l USING (source, region)
	WHERE peak(p) <> l.peak OR peak(r) <> '989.4 TFLOPS@bf16'::compute_rate * l.peak OR peak(p, extent(p)) > peak(p)}, 'peak');
no_rows(q{SELECT source, integral(p), i FROM profile JOIN (SELECT source, region, sum(n * (extract(epoch FROM e) - extract(epoch FROM s))) / 3600 AS i,
		sum(work('989.4 TFLOPS@bf16'::compute_rate * n, tstzrange(s, e))) AS w FROM work GROUP BY source, region) AS l USING (source, region)
	WHERE abs(integral(p) - i) > 0.5e-12 OR integral(r) <> w}, 'integral');
no_rows(q{SELECT source, busy(p), b FROM profile JOIN (SELECT source, region, sum(e - s) FILTER (WHERE n > 0) AS b FROM level_at GROUP BY source, region) AS l USING (source, region)
	WHERE busy(p) <> b OR busy(r) <> b}, 'busy');
no_rows(q{SELECT source FROM profile JOIN (SELECT source, region, range_agg(tstzrange(s, e)) FILTER (WHERE n > 0) AS b FROM level_at GROUP BY source, region) AS l USING (source, region)
	WHERE busy_ranges(p) <> b}, 'busy_ranges is range_agg of where the level is above zero');
no_rows(q{SELECT source FROM profile JOIN (SELECT source, region, range_agg(tstzrange(s, e)) AS b FROM work WHERE source NOT IN ('random') AND n > 0 GROUP BY source, region) AS l USING (source, region)
	WHERE busy_ranges(p) <> b}, 'and of the intervals, where there are no corrections');

# Windows: random ones, some beyond the ends.
$node->safe_psql('postgres', qq{
	SELECT setseed($seed % 997 / 1000.0);
	CREATE TABLE windows AS SELECT source, region, p, r, w, a, z FROM profile, generate_series(1, 12) AS i,
		LATERAL (SELECT lower(extent(p)) - interval '1 hour' + random() * (upper(extent(p)) - lower(extent(p)) + interval '2 hours') + i * interval '0' AS a,
			(ARRAY[interval '1 second', '1 minute', '1 hour', '1 day', '100 days'])[1 + floor(random() * 5)::int] * (random() + i * 0) AS d) AS s,
		LATERAL (SELECT a + d + interval '1 microsecond' AS z) AS t, LATERAL (SELECT tstzrange(a, z) AS w) AS u;
	CREATE TABLE piece AS SELECT w.source, w.region, w.w, greatest(l.s, w.a) AS s, least(l.e, w.z) AS e, l.n
		FROM windows AS w JOIN level_at AS l ON l.source = w.source AND l.region = w.region AND l.s < w.z AND l.e > w.a;
	CREATE INDEX ON piece (source, region, w);
	ANALYZE;
});
no_rows(q{SELECT source, region, w, peak(p, w), top, covered, z - a FROM windows LEFT JOIN (SELECT source, region, w, max(n) AS top, sum(e - s) AS covered FROM piece GROUP BY 1, 2, 3) AS l USING (source, region, w)
	WHERE peak(p, w) <> CASE WHEN covered = z - a THEN top ELSE greatest(coalesce(top, 0), 0) END}, 'peak of windows');
no_rows(q{SELECT source, region, w, integral(p, w), i FROM windows LEFT JOIN (SELECT source, region, w, sum(n * (extract(epoch FROM e) - extract(epoch FROM s))) / 3600 AS i FROM piece GROUP BY 1, 2, 3) AS l USING (source, region, w)
	WHERE abs(integral(p, w) - coalesce(i, 0)) > 0.5e-12
		OR abs(average(p, w) - coalesce(i, 0) * 3600 / (extract(epoch FROM z) - extract(epoch FROM a))) > 0.5e-12 + 1e-15
		OR integral(r, w) <> integral(clip(r, w)) OR integral(p, w) <> integral(clip(p, w))}, 'integral and average of windows');
no_rows(q{SELECT source, region, w, busy(p, w), b FROM windows LEFT JOIN (SELECT source, region, w, sum(e - s) AS b FROM piece WHERE n > 0 GROUP BY 1, 2, 3) AS l USING (source, region, w)
	WHERE busy(p, w) <> coalesce(b, '0') OR busy(p, w) <> busy(clip(r, w))}, 'busy in windows');
no_rows(q{SELECT w.source, w.region, t, level_at(p, t), n FROM (SELECT *, a + (z - a) * 0.37 AS t FROM windows) AS w LEFT JOIN level_at AS l ON l.source = w.source AND l.region = w.region AND l.s <= t AND l.e > t
	WHERE level_at(p, t) <> coalesce(n, 0)}, 'level_at');
no_rows(q{SELECT w.source, t, level_at(p, t), n FROM windows AS w, LATERAL (SELECT s AS t, n FROM level_at AS l WHERE l.source = w.source AND l.region = w.region ORDER BY md5(s::text || w::text) LIMIT 10) AS l
	WHERE level_at(p, t) <> n OR level_at(clip(p, tstzrange(t, NULL)), t) <> n OR level_at(clip(p, tstzrange(NULL, t)), t) <> 0}, 'level_at the instants themselves');
no_rows(q{SELECT source, w FROM windows WHERE clip(p, w) + clip(p, tstzrange(NULL, a)) + clip(p, tstzrange(z, NULL)) <> p OR p - clip(p, w) + clip(p, w) <> p}, 'cut and joined, a profile is what it was');

# Percentiles: where everything happens on whole seconds, seconds are samples.
no_rows(q{
	WITH w AS (SELECT source, region, p, r, timestamptz '2026-03-29 00:20' AS a, timestamptz '2026-03-29 03:00' AS z FROM profile WHERE source = 'seconds'),
	samples AS MATERIALIZED (SELECT source, region, t, n FROM w JOIN level_at AS l USING (source, region) CROSS JOIN LATERAL generate_series(greatest(s, a), least(e, z) - interval '1 second', '1 second') AS t)
	SELECT source, region, f, percentile(p, f, tstzrange(a, z)), theirs, theirs5
	FROM w CROSS JOIN (VALUES (0), (0.0001), (0.05), (0.25), (0.5), (0.75), (0.95), (0.999), (1)) AS f (f),
		LATERAL (SELECT count(*) AS seconds, percentile_disc(f) WITHIN GROUP (ORDER BY n) AS theirs,
			percentile_disc(f) WITHIN GROUP (ORDER BY n) FILTER (WHERE extract(minute FROM t)::int % 5 = 0 AND extract(second FROM t) = 0) AS theirs5
			FROM samples AS s WHERE s.source = w.source AND s.region = w.region) AS q
	WHERE seconds <> 9600 OR percentile(p, f, tstzrange(a, z)) <> theirs OR sampled_percentile(p, f, '1 second', tstzrange(a, z)) <> theirs
		OR sampled_percentile(p, f, '5 minutes', tstzrange(a, z)) <> theirs5
		OR percentile(r, f, tstzrange(a, z)) <> '989.4 TFLOPS@bf16'::compute_rate * theirs}, 'percentile and sampled_percentile are percentile_disc of samples');
no_rows(q{
	-- materialized, or the percentile would be found anew for every row that it is compared with
	WITH found AS MATERIALIZED (SELECT source, region, w, a, z, f, percentile(p, f, w) AS ours FROM windows, (VALUES (0.05), (0.5), (0.95), (0.99)) AS f (f))
	SELECT source, region, w, f, ours, below, at_most FROM found,
		LATERAL (SELECT coalesce(sum(extract(epoch FROM e) - extract(epoch FROM s)) FILTER (WHERE n < ours), 0) AS below, coalesce(sum(extract(epoch FROM e) - extract(epoch FROM s)) FILTER (WHERE n <= ours), 0) AS at_most,
			extract(epoch FROM z) - extract(epoch FROM a) - coalesce(sum(extract(epoch FROM e) - extract(epoch FROM s)), 0) AS idle
			FROM piece WHERE (piece.source, piece.region, piece.w) = (found.source, found.region, found.w)) AS l
	WHERE NOT (below + CASE WHEN ours > 0 THEN idle ELSE 0 END < f * (extract(epoch FROM z) - extract(epoch FROM a))
		AND at_most + CASE WHEN ours >= 0 THEN idle ELSE 0 END >= f * (extract(epoch FROM z) - extract(epoch FROM a)))}, 'percentiles of random windows split the time as they should');

# Buckets of months and days begin at local midnights; of hours, at full hours.
for my $zone ('UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Shanghai', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia', 'Africa/Cairo', 'America/Sao_Paulo')
{
	for my $width ('1 day', '7 days', '1 month', '3 months', '1 year')
	{
		no_rows(qq{
			WITH one AS (SELECT p, r FROM profile WHERE source = 'years'),
			b AS (SELECT l.* FROM one, local_buckets(lower(extent(p)), upper(extent(p)), '$width', '$zone', '2001-01-01') AS l),
			theirs AS (SELECT b.b, b.e, coalesce(sum(extract(epoch FROM least(w.e, b.e) - greatest(w.s, b.b))) FILTER (WHERE w.s IS NOT NULL), 0) / 3600 AS n FROM b LEFT JOIN work AS w ON w.source = 'years' AND w.s < b.e AND w.e > b.b GROUP BY 1, 2),
			ours AS (SELECT lower(period) AS b, upper(period) AS e, amount FROM one, buckets(p, '$width', '$zone')),
			passed AS (SELECT (u).period, (u).amount FROM (SELECT unnest(bucket_sum(s, e, n, '$width', '$zone')) AS u FROM work WHERE source = 'years') AS s)
			SELECT * FROM (SELECT t.*, o.amount, q.amount AS passed FROM theirs AS t FULL JOIN ours AS o USING (b, e) FULL JOIN passed AS q ON q.period = tstzrange(b, e)) AS x
			WHERE amount IS DISTINCT FROM passed OR n IS NULL OR abs(amount - n) > 1e-12 LIMIT 5}, "buckets of $width in $zone");
	}
	next if $zone eq 'Australia/Lord_Howe';
	no_rows(qq{
		WITH one AS (SELECT p, r FROM profile WHERE source = 'random' AND region = 1),
		theirs AS (SELECT b, sum(n * (extract(epoch FROM least(e, b + interval '1 hour')) - extract(epoch FROM greatest(s, b)))) / 3600 AS n
			FROM work, generate_series(date_trunc('hour', s, '$zone'), e - interval '1 microsecond', '1 hour') AS b WHERE source = 'random' AND region = 1 AND s < e GROUP BY 1),
		ours AS (SELECT lower(period) AS b, upper(period) - lower(period) AS w, amount FROM one, buckets(p, '1 hour', '$zone')),
		passed AS (SELECT (u).period, (u).amount FROM (SELECT unnest(bucket_sum(tstzrange(s, e), n, '1 hour', '$zone')) AS u FROM work WHERE source = 'random' AND region = 1) AS s)
		SELECT * FROM (SELECT t.*, o.w, coalesce(o.amount, 0) AS amount, coalesce(q.amount, 0) AS passed FROM theirs AS t FULL JOIN ours AS o USING (b) FULL JOIN passed AS q ON lower(q.period) = b) AS x
		WHERE w <> '1 hour' OR amount <> passed OR abs(amount - coalesce(n, 0)) > 1e-12 LIMIT 5}, "hours of $zone");
}

# They add up, whatever the width: numeric to the last digit, compute_unit to the last FLOP.
no_rows(q{SELECT source, region, width, zone FROM profile, (VALUES ('1 hour'), ('17 minutes'), ('5 hours'), ('1 day'), ('1 month')) AS w (width), (VALUES ('UTC'), ('Australia/Lord_Howe'), ('Europe/Berlin')) AS z (zone)
	WHERE source <> 'years' AND ((SELECT sum(amount) FROM buckets(p, width::interval, zone)) <> integral(p) OR (SELECT sum(amount) FROM buckets(r, width::interval, zone)) <> integral(r)
		OR (SELECT bool_or(lower(period) <> before) FROM (SELECT period, lag(upper(period)) OVER (ORDER BY period) AS before FROM buckets(p, width::interval, zone)) AS s))},
	'buckets add up to the integral, without gap or overlap');
no_rows(q{SELECT * FROM profile AS q, LATERAL (SELECT array_agg(row(period, amount)::compute_bucket ORDER BY period) AS b FROM buckets(r, '1 hour', 'Asia/Kathmandu')) AS s
	WHERE source IN ('seconds', 'hydra', 'gpu2023') AND b <> (SELECT bucket_sum(s, e, '989.4 TFLOPS@bf16'::compute_rate * n, '1 hour', 'Asia/Kathmandu') FROM work AS w WHERE w.source = q.source AND w.region = q.region)},
	'bucket_sum of rates is buckets of the profile');

# Lord Howe's clock changes by half an hour: the hour by the clock that an instant is in, the first time round or the second.
no_rows(q{
	WITH b AS (SELECT lower(period) AS b, upper(period) AS e FROM buckets(device_profile_accum('{}', '[2010-01-01, 2027-01-01)', 1), '1 hour', 'Australia/Lord_Howe'))
	SELECT b AT TIME ZONE 'Australia/Lord_Howe', e AT TIME ZONE 'Australia/Lord_Howe' FROM b
	WHERE date_trunc('hour', b AT TIME ZONE 'Australia/Lord_Howe') <> date_trunc('hour', (e - interval '1 microsecond') AT TIME ZONE 'Australia/Lord_Howe')
		OR e - b <> CASE WHEN extract(minute FROM b AT TIME ZONE 'Australia/Lord_Howe') = 30 THEN interval '30 minutes'
			ELSE interval '1 hour' END
	UNION ALL SELECT min(b), max(e) FROM b WHERE e - b <> '1 hour' HAVING count(*) <> 34}, 'hours of Lord Howe');

# Where there is room: islands of enough level, from the steps in SQL.
no_rows(qq{
	WITH q AS (SELECT source, region, p, i, (peak(p) * (0.2 + 0.7 * random()))::numeric(20, 4) AS need, floor(exp(random() * 12)) * interval '1 second' + i * interval '0' AS d,
			lower(extent(p)) + random() * (upper(extent(p)) - lower(extent(p))) * 0.5 AS a FROM profile, generate_series(1, 6) AS i, (SELECT setseed($seed % 991 / 1000.0)) AS z),
	runs AS (SELECT q.*, min(greatest(l.s, a)) AS s, max(l.e) AS e FROM q,
		LATERAL (SELECT s, e, n, sum(CASE WHEN n < need THEN 1 ELSE 0 END) OVER (ORDER BY s) AS island FROM level_at AS l WHERE l.source = q.source AND l.region = q.region AND l.e > a) AS l
		WHERE n >= need GROUP BY source, region, p, i, need, d, a, island),
	theirs AS (SELECT q.source, q.region, q.p, q.i, q.need, q.d, q.a, (SELECT min(r.s) FROM runs AS r WHERE (r.source, r.region, r.i) = (q.source, q.region, q.i) AND r.e - r.s >= r.d) AS t FROM q)
	SELECT source, region, need, d, a, t, earliest_fit(p, need, d, tstzrange(a, NULL)) FROM theirs WHERE earliest_fit(p, need, d, tstzrange(a, NULL)) IS DISTINCT FROM t LIMIT 5}, 'earliest_fit finds the first island that is long enough');
cmp_ok($node->safe_psql('postgres', q{SELECT count(earliest_fit(p, peak(p) * 0.5, '10 minutes', '(,)')) FROM profile}), '>', 5, 'and there are some');

# Stored and rolled up, added and subtracted, in any order.
no_rows(q{
	WITH days AS (SELECT source, region, date_trunc('day', s) AS day, device_profile(s, e, n) AS p, rate_profile(tstzrange(s, e), '989.4 TFLOPS@bf16'::compute_rate * n) AS r FROM work GROUP BY 1, 2, 3),
	rolled AS (SELECT source, region, sum(p ORDER BY md5(day::text)) AS p, sum(r) AS r FROM days GROUP BY 1, 2)
	SELECT source, region FROM rolled JOIN profile AS q USING (source, region) WHERE rolled.p <> q.p OR rolled.r <> q.r}, 'sum of stored profiles is the profile of the intervals');
no_rows(q{SELECT source, region FROM (SELECT source, region, device_profile(s, e, n ORDER BY md5(s::text || e::text)) AS a, device_profile(tstzrange(s, e, '(]'), n ORDER BY s DESC) AS b FROM work GROUP BY 1, 2) AS w JOIN profile AS q USING (source, region)
	WHERE a <> p OR b <> p}, 'in any order');
no_rows(q{SELECT source, region FROM profile WHERE p::text::device_profile <> p OR r::text::rate_profile <> r}, 'text reads back');

done_testing();
