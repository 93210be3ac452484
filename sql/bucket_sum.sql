SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
\pset format unaligned
\pset tuples_only on

CREATE TEMP TABLE used (period tstzrange, devices numeric, rate compute_rate);
INSERT INTO used VALUES
	('[2026-01-01 00:30, 2026-01-01 03:15)', 8, '989.4 TFLOPS@bf16'), ('(2026-01-01 02:00, 2026-01-01 04:00]', 1.0 / 7, '1 MFLOPS@bf16'),
	('[2026-01-01 02:10, 2026-01-01 02:20:00.000001)', 0.5, '312 TFLOPS@bf16'), ('empty', 100, '1 EFLOPS@bf16'),
	(NULL, 100, '1 EFLOPS'), ('[2026-01-01, 2026-01-02)', NULL, NULL), ('[2027-01-01, 2027-01-02)', 0, '0 FLOPS@bf16');
SELECT b.* FROM (SELECT bucket_sum(period, devices, '1 hour') AS s FROM used) AS s, unnest(s) AS b;
SELECT b.* FROM (SELECT bucket_sum(period, rate, '1 hour') AS s FROM used) AS s, unnest(s) AS b;
SELECT bucket_sum(lower(period), upper(period), devices, '1 hour') = bucket_sum(period, devices, '1 hour', 'UTC' ORDER BY devices DESC),
	bucket_sum(lower(period), upper(period), rate, '1 hour') = bucket_sum(period, rate, '1 hour', 'UTC' ORDER BY devices)
FROM used WHERE NOT isempty(period) AND devices IS NOT NULL;
SELECT bucket_sum(period, devices, '1 hour') IS NULL AS none, bucket_sum(period, devices, NULL) IS NULL AS no_width FROM used WHERE period IS NULL;
SELECT bucket_sum(period, devices, '1 hour') FROM used WHERE isempty(period);
SELECT b.* FROM (SELECT bucket_sum('2026-03-28', '2026-03-31', 1, '1 day', 'Europe/Berlin') AS s) AS s, unnest(s) AS b;
SELECT b.* FROM (SELECT bucket_sum('2026-01-15', '2026-04-15', 1, '1 month') AS s) AS s, unnest(s) AS b;

-- The same as buckets() of a profile, in any order of rows, for every kind of width.
CREATE TEMP TABLE many AS
	SELECT tstzrange(s, s + (1 + n * 7919 % 1000000) * interval '1 second' * (n % 7)) AS period, (n % 9 - 1)::numeric / 7 AS devices, n % 3 AS part
	FROM generate_series(1, 3000) AS n, LATERAL (SELECT timestamptz '2026-03-01' + (n * 104729 % 31536000) * interval '1.000001 second') AS t (s);
CREATE FUNCTION differ(width interval, zone text) RETURNS TABLE (buckets bigint, differ bigint, sum_differs boolean) LANGUAGE sql STABLE AS $$
	WITH b AS MATERIALIZED (SELECT (b).* FROM (SELECT buckets(device_profile(period, devices), width, zone) AS b FROM many) AS s),
	u AS MATERIALIZED (SELECT b.* FROM (SELECT bucket_sum(period, devices, width, zone) AS s FROM many) AS s, unnest(s) AS b)
	SELECT count(*), count(*) FILTER (WHERE u.amount IS DISTINCT FROM b.amount), sum(u.amount) <> (SELECT integral(device_profile(period, devices)) FROM many)
	FROM b FULL JOIN u USING (period)
$$;
SELECT w, z, d.* FROM (VALUES ('1 hour'), ('17 minutes'), ('6 hours'), ('1 day'), ('7 days'), ('1 month'), ('3 months')) AS w (w),
	(VALUES ('UTC'), ('America/New_York'), ('Europe/Berlin'), ('Asia/Kathmandu'), ('Australia/Lord_Howe')) AS z (z), differ(w::interval, z) AS d
WHERE d.differ > 0 OR d.sum_differs;
SELECT bucket_sum(period, devices, '1 hour' ORDER BY period) = bucket_sum(period, devices, '1 hour' ORDER BY period DESC),
	bucket_sum(period, devices, '1 day', 'Asia/Shanghai' ORDER BY period) = bucket_sum(period, devices, '1 day', 'Asia/Shanghai' ORDER BY period DESC) FROM many;
-- A width a group.
SELECT part, cardinality(bucket_sum(period, devices, (part + 1) * interval '1 day')) FROM many GROUP BY part ORDER BY part;

-- What is refused.
SELECT bucket_sum(period, devices, n * interval '1 hour') FROM used, generate_series(1, 2) AS n;
SELECT bucket_sum(period, devices, '1 hour', z) FROM used, (VALUES ('UTC'), ('Europe/Berlin')) AS v (z);
SELECT bucket_sum(period, devices, '0') FROM used;
SELECT bucket_sum(period, devices, '1 hour', 'Mars/Olympus') FROM used;
SELECT bucket_sum(tstzrange(NULL, '2026-01-01'), 1, '1 hour');
SELECT bucket_sum('2026-01-02', '2026-01-01', 1, '1 hour');
SELECT bucket_sum(period, coalesce(rate, '1 TFLOPS@fp8'), '1 hour') FROM used;
SELECT bucket_sum('0001-01-01', '2026-01-01', 1, '1 hour');
SELECT bucket_sum('2026-01-01', '2026-01-03', 'NaN'::numeric, '1 hour');
SELECT bucket_sum('2026-01-01', '2026-01-03', '2596148429 QFLOPS'::compute_rate, '1 hour');
-- A few far buckets are no burden.
SELECT cardinality(bucket_sum(p, 1, '1 day')) FROM (VALUES ('[2026-01-01, 2026-01-02)'::tstzrange), ('[0001-01-01, 0001-01-02)'), ('[3000-01-01, 3000-01-02)')) AS v (p);
DROP FUNCTION differ;
