SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
SET IntervalStyle = postgres;
\pset format unaligned
\pset tuples_only on

-- Text.
SELECT '{}'::rate_profile, '{}@bf16'::rate_profile, '{ } @flop'::rate_profile;
SELECT '{2026-01-01T00:00:00Z 7915.2 TFLOPS, 2026-01-01T08:30:00Z 1 MFLOP/s, 2026-01-02T00:00:00Z 0 FLOPS}@bf16'::rate_profile;
SELECT '{2026-01-01T00:00:00Z 1 MFLOPS, 2026-01-01T08:30:00Z -1 YFLOPS, 2026-01-02T00:00:00Z 0 FLOPS}@1001'::rate_profile;
SELECT '{2026-01-01T00:00:00Z 1, 2026-01-02T00:00:00Z 0 FLOPS}'::rate_profile;
SELECT '{2026-01-01T00:00:00Z 1 TFLOPh, 2026-01-02T00:00:00Z 0 FLOPS}'::rate_profile;
SELECT '{2026-01-01T00:00:00Z 1 TFLOPS@bf16, 2026-01-02T00:00:00Z 0 FLOPS}'::rate_profile;
SELECT '{2026-01-01T00:00:00Z 1e60 TFLOPS, 2026-01-02T00:00:00Z 0 FLOPS}'::rate_profile;
SELECT '{2026-01-01T00:00:00Z 1 TFLOPS, 2026-01-02T00:00:00Z 0 FLOPS}@nothing'::rate_profile;
SELECT '{2026-01-01T00:00:00Z 1 TFLOPS, 2026-01-02T00:00:00Z 1 FLOPS}@bf16'::rate_profile;
SELECT '{2026-01-01T00:00:00Z 1 TFLOPS}@bf16'::rate_profile;

-- Aggregates.
CREATE TEMP TABLE used (period tstzrange, rate compute_rate);
INSERT INTO used VALUES
	('[2026-01-01 00:00, 2026-01-01 12:00)', '989.4 TFLOPS@bf16'), ('(2026-01-01 06:00, 2026-01-01 18:00]', '312 TFLOPS@bf16'),
	('[2026-01-01 12:00, 2026-01-01 18:00)', '989.4 TFLOPS@bf16'), ('[2026-01-02 00:00, 2026-01-02 06:00)', '1 MFLOPS@bf16'),
	('empty', '1 EFLOPS@bf16'), (NULL, '1 EFLOPS'), ('[2026-01-01, 2026-01-02)', NULL);
SELECT rate_profile(period, rate) FROM used;
SELECT rate_profile(lower(period), upper(period), rate) = rate_profile(period, rate ORDER BY rate DESC) FROM used WHERE NOT isempty(period);
SELECT rate_profile(period, rate) IS NULL AS none FROM used WHERE period IS NULL;
SELECT rate_profile(period, rate) FROM used WHERE isempty(period);
-- One basis; an empty period has one, too.
SELECT rate_profile(period, coalesce(rate, '1 TFLOPS@fp8')) FROM used;
SELECT rate_profile(period, with_basis(rate, CASE WHEN isempty(period) THEN 'fp8' ELSE 'bf16' END)) FROM used;
SELECT '{}@bf16'::rate_profile + '{}@fp8';
SELECT sum(p) FROM (VALUES ('{}@bf16'::rate_profile), ('{}@1001')) AS v (p);
SELECT rate_profile(tstzrange('2026-01-01', NULL), '1 TFLOPS');
SELECT rate_profile('2026-01-02', '2026-01-01', '1 TFLOPS'::compute_rate);

-- Accessors.
CREATE TEMP TABLE profile AS SELECT rate_profile(period, rate) AS p FROM used;
SELECT peak(p), peak(p, '[2026-01-01 18:00, 2026-01-02 03:00)'), peak(p, 'empty') IS NULL, level_at(p, '2026-01-01 06:00'), basis(p), basis('{}'::rate_profile) FROM profile;
SELECT integral(p) = sum(work(rate, period)) AS exact, integral(p), integral(p, '[2026-01-01 05:00, 2026-01-01 06:00:00.000001)'), integral(p, 'empty') FROM profile, used GROUP BY p;
SELECT average(p, '[2026-01-01, 2026-01-02)'), percentile(p, 0.5, '[2026-01-01, 2026-01-02)'), sampled_percentile(p, 0.95, '5 minutes', '[2026-01-01, 2026-01-02)') FROM profile;
SELECT busy(p), busy(p, '[2026-01-02 05:00,)'), busy_ranges(p), clip(p, '[2026-01-02 05:00, 2026-01-03)'), extent(p) FROM profile;
SELECT s.* FROM profile, steps(p) AS s;
SELECT b.* FROM profile, buckets(p, '1 day') AS b;
SELECT p + p = sum, p - p, p = p, p <> p + p FROM profile, LATERAL (SELECT sum(q) FROM (VALUES (p), (NULL), (p)) AS v (q)) AS s;
SELECT '{}@bf16'::rate_profile = '{}'::rate_profile AS same, count(DISTINCT q) FROM (VALUES ('{}@bf16'::rate_profile), ('{}')) AS v (q);
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'rate_profile_ops';
-- Averages round half to even to one MFLOP/s.
SELECT n, average(rate_profile('2026-01-01 00:00:00', '2026-01-01 00:00:01', format('%s MFLOPS', n)::compute_rate), '[2026-01-01 00:00:00, 2026-01-01 00:00:02)')
FROM (VALUES (1), (3), (-1), (-3), (5)) AS v (n) GROUP BY n ORDER BY n;

-- Rates far beyond 64 bits.
CREATE TEMP TABLE wide AS
	SELECT rate_profile(t, t + interval '5 hours', format('%s YFLOPS@fp8', n)::compute_rate) AS p, sum(work(format('%s YFLOPS@fp8', n)::compute_rate, tstzrange(t, t + interval '5 hours'))) AS work
	FROM generate_series(1, 300) AS n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 hour') AS s (t);
SELECT peak(p), integral(p) = work, level_at(p, '2026-01-03 00:30'), p = p::text::rate_profile, busy(p), p + p - p = p, pg_column_size(p) < 8000 FROM wide;
SELECT percentile(p, 0.5, '[2026-01-01, 2026-01-14)'), peak(clip(p, '[2026-01-02, 2026-01-02 02:00)')), count(*) FROM wide, steps(p) GROUP BY p;
SELECT p FROM (SELECT clip(p, '[2026-01-13 12:00, 2026-01-13 13:00:00)') + '{2026-01-13T12:00:00Z 1 MFLOPS, 2026-01-13T14:00:00Z 0 FLOPS}@fp8' AS p FROM wide) AS s;
SELECT '{2026-01-01T00:00:00Z 2596148429.267413 QFLOPS, 2026-01-01T12:00:00Z -2596148429.267413 QFLOPS, 2026-01-02T00:00:00Z 0 FLOPS}'::rate_profile;
SELECT rate_profile('2026-01-01', '2026-01-02', r) FROM (VALUES ('2596148429 QFLOPS'::compute_rate), ('2596148429 QFLOPS')) AS v (r);
SELECT rate_profile('2026-01-01', '2026-01-02', r) FROM (VALUES ('2596148429 QFLOPS'::compute_rate), ('2596148429 QFLOPS'), ('-2596148429 QFLOPS')) AS v (r);
SELECT integral('{2026-01-01T00:00:00Z 2596148429 QFLOPS, 2026-01-02T00:00:00Z 0 FLOPS}'::rate_profile);
SELECT peak('{2026-01-01T00:00:00Z 2596148429 QFLOPS, 2026-01-02T00:00:00Z 0 FLOPS}'::rate_profile);
