SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
SET IntervalStyle = postgres;
\pset format unaligned
\pset tuples_only on

-- Text: in any zone, out in UTC; neighbours of one level become one step.
SELECT '{}'::device_profile;
SELECT ' { 2026-01-01 01:00+01 8 , 2026-01-01T08:30:00.5Z 4.142857,2026-01-01T09:00:00Z 4.142857,
	2026-01-02T00:00:00-00:30 0 } '::device_profile;
SELECT '{2026-01-01T00:00:00Z 0, 2026-01-02T00:00:00Z -0.0000006, 2026-01-03T00:00:00.000001Z 0}'::device_profile;
SELECT '{-4713-11-24T00:00:00Z 5490000000000, 0000-02-29T00:00:00Z 1, 294276-12-31T23:59:59.999999Z 0}'::device_profile;
SELECT '{2026-01-01T00:00:00Z 1, 2026-01-02T00:00:00Z 0}'::device_profile::text::device_profile =
	'{2026-01-01T00:00:00Z 1, 2026-01-02T00:00:00Z 0}';
-- The fewest decimals that read back, for every unit of a device.
SELECT count(*) FILTER (WHERE p::text::device_profile IS DISTINCT FROM p) AS differ,
	max(length(level_at(p, '2026-01-01')::text)) AS longest
FROM (SELECT device_profile('2026-01-01', '2026-01-02', n / 1680000.0) AS p FROM generate_series(1, 1680000, 397) AS n GROUP BY n) AS s;
SELECT string_agg(level_at(p, '2026-01-01')::text, ' ' ORDER BY n)
FROM (SELECT n, device_profile('2026-01-01', '2026-01-02', 1.0 / n) AS p FROM generate_series(1, 9) AS n GROUP BY n) AS s;
SELECT sum(p) = '{2026-01-01T00:00:00Z 1, 2026-01-02T00:00:00Z 0}' AS seven_sevenths
FROM (SELECT device_profile('2026-01-01', '2026-01-02', 1.0 / 7) AS p FROM generate_series(1, 7) GROUP BY generate_series) AS s;

-- Numbers of devices round half to even, to 1/1,680,000.
SELECT n, level_at(device_profile('2026-01-01', '2026-01-02', n), '2026-01-01')
FROM (VALUES (0.00000029761904761904761904), (0.00000029761904761904761905), (0.000000892857142857142857),
	(0.000000892857142857142858), (1e-30), (123456.7891), (-0.5)) AS v (n) GROUP BY n ORDER BY n;

-- What is refused.
SELECT ''::device_profile;
SELECT '{'::device_profile;
SELECT '{2026-01-01T00:00:00Z 1}'::device_profile;
SELECT '{2026-01-01T00:00:00Z 1, 2026-01-01T00:00:00Z 0}'::device_profile;
SELECT '{2026-01-02T00:00:00Z 1, 2026-01-01T00:00:00Z 0}'::device_profile;
SELECT '{2026-01-01T00:00:00Z 1, 2026-01-02T00:00:00Z 0,}'::device_profile;
SELECT '{2026-01-01T00:00:00Z 1, 2026-01-02T00:00:00Z 0} x'::device_profile;
SELECT '{2026-01-01T00:00:00Z 1, 2026-01-02T00:00:00Z 0}@bf16'::device_profile;
SELECT '{2026-01-01T00:00:00 1, 2026-01-02T00:00:00Z 0}'::device_profile;
SELECT '{2026-02-29T00:00:00Z 1, 2026-03-02T00:00:00Z 0}'::device_profile;
SELECT '{2026-01-01T24:00:00Z 1, 2026-03-02T00:00:00Z 0}'::device_profile;
SELECT '{294277-01-01T00:00:00Z 1, 294277-01-02T00:00:00Z 0}'::device_profile;
SELECT '{2026-01-01T00:00:00Z 1e3, 2026-01-02T00:00:00Z 0}'::device_profile;
SELECT '{2026-01-01T00:00:00Z NaN, 2026-01-02T00:00:00Z 0}'::device_profile;
SELECT '{2026-01-01T00:00:00Z ., 2026-01-02T00:00:00Z 0}'::device_profile;
SELECT '{2026-01-01T00:00:00Z 5490102402890, 2026-01-02T00:00:00Z 0}'::device_profile;

-- Periods: bounds do not matter, order does not either; NULL rows and empty periods add nothing.
CREATE TEMP TABLE used (period tstzrange, devices numeric);
INSERT INTO used VALUES
	('[2026-01-01 00:00, 2026-01-01 12:00)', 8), ('(2026-01-01 06:00, 2026-01-01 18:00]', 0.5),
	('[2026-01-01 12:00, 2026-01-01 18:00)', 8), ('[2026-01-02 00:00, 2026-01-02 06:00)', 2),
	('empty', 100), ('[2026-01-01 06:00, 2026-01-01 06:00]', 100), (NULL, 100), ('[2026-01-01, 2026-01-02)', NULL);
SELECT device_profile(period, devices) FROM used;
SELECT device_profile(lower(period), upper(period), devices) = device_profile(period, devices ORDER BY devices DESC) FROM used WHERE NOT isempty(period);
SELECT device_profile(period, devices) IS NULL AS none FROM used WHERE false;
SELECT device_profile(period, devices) IS NULL AS none FROM used WHERE period IS NULL;
SELECT device_profile(period, devices) FROM used WHERE isempty(period);
SELECT device_profile('2026-01-01', '2026-01-01', 3);
SELECT device_profile(tstzrange('2026-01-01', NULL), 1);
SELECT device_profile(tstzrange('-infinity', '2026-01-01'), 1);
SELECT device_profile('2026-01-01', 'infinity', 1);
SELECT device_profile('2026-01-02', '2026-01-01', 1);
SELECT device_profile('2026-01-01', '2026-01-02', 'NaN');
SELECT device_profile('2026-01-01', '2026-01-02', '-Infinity');
SELECT device_profile('2026-01-01', '2026-01-02', 5490102402891);
SELECT device_profile('2026-01-01', '2026-01-02', 1e200);
-- Only the result has to be in range.
SELECT device_profile('2026-01-01', '2026-01-02', n) FROM (VALUES (5490102402889.5), (5490102402889.5)) AS v (n);
SELECT device_profile('2026-01-01', '2026-01-02', n) FROM (VALUES (5490102402889.5), (5490102402889.5), (-5490102402889.5), (-5490102402888.5)) AS v (n);

-- Accessors.
CREATE TEMP TABLE profile AS SELECT device_profile(period, devices) AS p FROM used;
SELECT peak(p), peak(p, '[2026-01-01 18:00, 2026-01-02 03:00)'), peak(p, '[2026-01-01 18:00, 2026-01-02)'),
	peak(p, 'empty') IS NULL, peak(p, '(,)'), peak(p, '[2025-01-01, 2025-02-01)') FROM profile;
SELECT level_at(p, '2025-12-31 23:59:59.999999'), level_at(p, '2026-01-01'), level_at(p, '2026-01-01 06:00'),
	level_at(p, '2026-01-02 06:00'), level_at(p, 'infinity'), level_at(p, '-infinity') FROM profile;
SELECT integral(p), integral(p, '[2026-01-01 05:00, 2026-01-01 06:00:00.000001)'), integral(p, 'empty'), integral(p, '[2026-01-02,)') FROM profile;
SELECT average(p, '[2026-01-01, 2026-01-02)'), average(p, '[2026-01-01, 2026-01-04)'), average(p, 'empty') IS NULL FROM profile;
SELECT percentile(p, 0, '[2026-01-01, 2026-01-02)'), percentile(p, 0.25, '[2026-01-01, 2026-01-02)'),
	percentile(p, 0.2500001, '[2026-01-01, 2026-01-02)'), percentile(p, 0.5, '[2026-01-01, 2026-01-02)'),
	percentile(p, 1, '[2026-01-01, 2026-01-02)'), percentile(p, 0.5, 'empty') IS NULL FROM profile;
SELECT sampled_percentile(p, 0.95, '5 minutes', '[2026-01-01, 2026-01-02)'), sampled_percentile(p, 0, '5 hours', '[2026-01-01, 2026-01-02)'),
	sampled_percentile(p, 1, '1 day', '[2026-01-02 05:59:59, 2026-01-05)') FROM profile;
SELECT busy(p), busy(p, '[2026-01-01 17:00, 2026-01-02 00:00:01)'), busy(p, 'empty'), busy(p - p - p) FROM profile;
SELECT busy_ranges(p), busy_ranges(p - p), busy_ranges(p - (p + p)) FROM profile;
SELECT clip(p, '[2026-01-01 05:00, 2026-01-01 06:30)'), clip(p, 'empty'), clip(p, '(,)') = p, clip(p, '[2026-01-01 18:00, 2026-01-02)') FROM profile;
SELECT extent(p), extent(p - p) IS NULL FROM profile;
SELECT s.* FROM profile, steps(p) AS s;
SELECT count(*) FROM steps('{}'::device_profile);
SELECT peak(p), integral(p), busy(p), level_at(p, '2026-01-01') FROM (VALUES ('{}'::device_profile)) AS v (p);

-- Errors of accessors.
SELECT average('{}'::device_profile, '[2026-01-01,)');
SELECT percentile('{}'::device_profile, 0.5, '(, 2026-01-01)');
SELECT percentile('{}'::device_profile, 1.1, '[2026-01-01, 2026-01-02)');
SELECT percentile('{}'::device_profile, 'NaN', '[2026-01-01, 2026-01-02)');
SELECT sampled_percentile('{}'::device_profile, 0.5, '1 month', '[2026-01-01, 2026-01-02)');
SELECT sampled_percentile('{}'::device_profile, 0.5, '0', '[2026-01-01, 2026-01-02)');

-- Two profiles.
SELECT p + p = sum, p - p = '{}', p + p - p = p, p - (p + p) FROM profile, LATERAL (SELECT sum(q) FROM (VALUES (p), (NULL), (p)) AS v (q)) AS s;
SELECT sum(p) IS NULL FROM profile WHERE false;
SELECT '{2026-01-01T00:00:00Z 5490102402889, 2026-01-02T00:00:00Z 0}'::device_profile + '{2026-01-01T00:00:00Z 1, 2026-01-02T00:00:00Z 0}';
SELECT device_profile_accum(NULL, '[2026-01-01, 2026-01-02)', 3), device_profile_accum(p, NULL, 3) = p, device_profile_merge(p, NULL) = p, device_profile_accum(NULL, NULL, NULL) FROM profile;
SELECT device_profile_accum(device_profile_accum(NULL, '[2026-01-01, 2026-01-02)', 5490102402889), '[2026-01-01, 2026-01-02)', 5490102402889);

-- Equality, DISTINCT by hash and by sort, joins.
SELECT p = p, p <> p, p < p + p OR p > p + p, p <= p, p >= p, device_profile_cmp(p, p), device_profile_hash(p) = device_profile_hash(p - p + p) FROM profile;
SELECT count(DISTINCT q) FROM profile, LATERAL (VALUES (p), (p + p), (p), (p + p - p)) AS v (q);
SELECT count(*) FROM (SELECT q FROM profile, LATERAL (VALUES (p), (p + p), (p), (p + p - p)) AS v (q) GROUP BY q) AS g;
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'device_profile_ops';

-- Binary round trip through a column, and the stored form of a long profile.
SELECT device_profile_send(device_profile('2000-01-01 00:00:00.000001+00', '2000-01-01 00:00:00.000002+00', 1));
CREATE TEMP TABLE long AS
	SELECT device_profile(t, t + interval '90 seconds', 1 + n % 5) AS p
	FROM generate_series(1, 20000) AS n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 minute') AS s (t);
SELECT pg_column_size(p) < 150000 AS compact, attstorage FROM long, pg_attribute WHERE attrelid = 'long'::regclass AND attname = 'p';
SELECT peak(p), integral(p), busy(p), level_at(p, '2026-01-05 00:00:45'), integral(p, '[2026-01-05, 2026-01-06)'),
	peak(p, '[2026-01-05 00:00, 2026-01-05 00:01)'), extent(p) FROM long;
SELECT p = p::text::device_profile, clip(p, '[2026-01-05, 2026-01-05 00:03)') FROM long;

-- Window functions: a state goes on growing after it was looked at.
SELECT period, device_profile(period, devices) OVER w, peak(device_profile(period, devices) OVER w)
FROM used WHERE NOT isempty(period) AND devices IS NOT NULL
WINDOW w AS (ORDER BY period ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);
SELECT period, peak(device_profile(period, devices) OVER (ORDER BY period)) FROM used WHERE NOT isempty(period) AND devices IS NOT NULL;

-- Where there is room first.
CREATE TEMP TABLE room AS SELECT '{2026-01-01T00:00:00Z 16, 2026-01-01T08:00:00Z 2, 2026-01-01T09:00:00Z 8, 2026-01-01T12:00:00Z 10, 2026-01-02T00:00:00Z 0}'::device_profile AS p;
SELECT earliest_fit(p, 8, '4 hours', '(,)'), earliest_fit(p, 8, '9 hours', '(,)'), earliest_fit(p, 8, '15 hours', '[2026-01-01, 2026-01-03)'),
	earliest_fit(p, 8, '15:00:00.000001', '(,)') IS NULL AS never FROM room;
SELECT earliest_fit(p, 8, '4 hours', '[2026-01-01 04:00, 2026-01-02)'), earliest_fit(p, 8, '4 hours', '[2026-01-01 04:00:00.000001, 2026-01-02)'),
	earliest_fit(p, 8, '4 hours', '[2026-01-01 10:00, 2026-01-01 13:59:59)') IS NULL AS never, earliest_fit(p, 8, '1 second', 'empty') IS NULL AS empty,
	earliest_fit(p, 17, '1 second', '(,)') IS NULL AS too_many, earliest_fit(p, 8, '1 day', '(,)') IS NULL AS too_long, earliest_fit('{}', 1, '1 second', '(,)') IS NULL AS nothing FROM room;
SELECT earliest_fit(p, 0, '1 hour', '(,)') FROM room;
SELECT earliest_fit(p, 1, '1 month', '(,)') FROM room;
SELECT earliest_fit(p, 1, '-1 hour', '(,)') FROM room;

-- Of a long text that is wrong the beginning is shown.
SELECT ('{' || repeat('x', 600) || '}')::device_profile;
