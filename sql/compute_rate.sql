-- compute_rate: work per time, in whole MFLOP/s of one basis.
SET search_path = public, compute_ledger;

SELECT t, t::compute_rate AS canonical, t::compute_rate::numeric AS flop_per_second
FROM unnest(ARRAY['0 FLOPS', '1 MFLOPS', '-1 MFLOP/s', '989.4 TFLOPS@bf16', '989400 GFLOP/s@bf16', '1e3TFLOPS@1001', '1979 TFLOPS@FP8',
	'1000 FLOPS', '500 kFLOPS', '1500 kFLOPS', '500.0000000000001 kFLOPS', '1 QFLOPS', '2596148429.267413814265248164610047 QFLOPS',
	'-2596148429.267413814265248164610048 QFLOPS', '2596148429.2674138142652481646100474999 QFLOPS']) WITH ORDINALITY AS x (t, i) ORDER BY i;
SELECT '989.4 TFLOP'::compute_rate;
SELECT '989.4 TFLOPh@bf16'::compute_rate;
SELECT '989.4'::compute_rate;
SELECT '2596148429.2674138142652481646100475 QFLOPS'::compute_rate;
SELECT '989.4 TFLOPS@bf16'::compute_rate(fp8);

-- 1 MFLOP/s for 1 microsecond is 1 FLOP.
SELECT ('1 MFLOPS'::compute_rate * interval '1 microsecond')::numeric;
SELECT '989.4 TFLOPS@bf16'::compute_rate * interval '3.5 hours' * 8;
SELECT interval '1 day 2 hours' * '989.4 TFLOPS@bf16'::compute_rate, '989.4 TFLOPS@bf16'::compute_rate * interval '-1 hour';
SELECT '989.4 TFLOPS@bf16'::compute_rate * interval '1 month';
\echo :LAST_ERROR_SQLSTATE
SELECT '2 QFLOPS'::compute_rate * interval '1000000 days';
SELECT '27.7032 PFLOPh@bf16'::compute_unit / interval '3.5 hours', '5 FLOP'::compute_unit / interval '2 microseconds', '7 FLOP'::compute_unit / interval '2 microseconds';
SELECT '1 FLOP'::compute_unit / interval '0';
SELECT duration_of('27.7032 PFLOPh@bf16', '989.4 TFLOPS@bf16'), '27.7032 PFLOPh@bf16'::compute_unit / '989.4 TFLOPS@bf16'::compute_rate AS seconds,
	duration_of('5 FLOP', '2 MFLOPS'), duration_of('-7 FLOP', '2 MFLOPS');
SELECT duration_of('1 FLOP@bf16', '1 MFLOPS');
SELECT duration_of('1 FLOP', '0 FLOPS');
SELECT duration_of('1 RFLOP', '1 MFLOPS');
\echo :LAST_ERROR_SQLSTATE

SET timezone = 'UTC';
SELECT work('989.4 TFLOPS@bf16', '[2025-03-01 14:00,2025-03-01 17:30)'), work('989.4 TFLOPS@bf16', '[2025-03-01 14:00,2025-03-01 17:30)', 8),
	work('989.4 TFLOPS@bf16', '[2025-03-01 14:00,2025-03-01 17:30)', 0.142857), work('989.4 TFLOPS@bf16', 'empty', 8), work('1 MFLOPS', '(2025-03-01,2025-03-01 00:00:00.000003]', 0.5)::numeric;
-- The product of the three is rounded once: half a device of what would be out of range.
SELECT work('2000000000 QFLOPS', '[1000-01-01,1000-01-01 00:00:01)', 0.0000012980742146337069071326240823050235), work('2000000000 QFLOPS', '[4000-01-01 BC,290000-01-01)', 0);
SELECT work('1 TFLOPS', '[2025-03-01,)');
\echo :LAST_ERROR_SQLSTATE
SELECT work('1 TFLOPS', '[2025-03-01,infinity)');
SELECT work('1 TFLOPS', NULL), work('1 TFLOPS', '[2025-03-01,2025-03-02)', NULL);
SELECT work('1 TFLOPS', '[2025-03-01,2025-03-02)', 'NaN');
SELECT work('2000000000 QFLOPS', '[4000-01-01 BC,290000-01-01)', 1);

-- The same arithmetic as amounts
SELECT '1 TFLOPS@bf16'::compute_rate + '1 MFLOPS@bf16', '1 TFLOPS'::compute_rate - '2 TFLOPS', -'1 TFLOPS'::compute_rate, abs('-1 TFLOPS'::compute_rate);
SELECT r * 2::smallint, 2 * r, r * 2::bigint, r * 0.3333333333, r / 3, r / 3.0, r / '3 TFLOPS@fp8' FROM (SELECT '1979 TFLOPS@fp8'::compute_rate) AS x (r);
SELECT '1 TFLOPS@bf16'::compute_rate - '1 TFLOPS@fp8';
SELECT utilization('1 PFLOPh', '1 PFLOPh@bf16'), basis('1 TFLOPS@bf16'::compute_rate), with_basis('1 TFLOPS@bf16'::compute_rate, '2000');
SELECT 1500000::numeric::compute_rate, 500000::numeric::compute_rate, 2.5e6::float8::compute_rate, '1 TFLOPS'::compute_rate::float8;
SELECT format('989.4 TFLOPS@bf16'::compute_rate, 'PFLOPS', 3), format('989.4 TFLOPS'::compute_rate, 'GFLOP/s', 0);
SELECT format('989.4 TFLOPS@bf16'::compute_rate, 'PFLOPh', 3);

-- Aggregates and frames
SELECT sum(r), avg(r), min(r), max(r) FROM (SELECT (n || ' GFLOPS@int8')::compute_rate FROM generate_series(1, 1000) AS n) AS x (r);
SELECT i, sum(r) OVER (ORDER BY r RANGE BETWEEN '1 TFLOPS' PRECEDING AND '1 TFLOPS' FOLLOWING) FROM (SELECT i, (i || ' TFLOPS')::compute_rate FROM generate_series(1, 4) AS i) AS x (i, r);
SELECT sum(r) FROM (VALUES ('1 TFLOPS@bf16'::compute_rate), ('1 TFLOPS')) AS x (r);
CREATE TABLE rated (rate compute_rate(fp8));
INSERT INTO rated VALUES ('1 TFLOPS@bf16');
INSERT INTO rated VALUES ('1 TFLOPS@fp8');
SELECT * FROM rated WHERE rate >= '1 TFLOPS@bf16';
SELECT * FROM rated WHERE rate >= '1 TFLOPS@fp8';
DROP TABLE rated;

-- What resolved to PostgreSQL's own functions and operators still does, with compute_ledger in the search_path.
PREPARE days AS SELECT interval '1 day' * $1, $1 * interval '1 day';
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'days';
EXECUTE days (2);
SELECT interval '1 hour' * '3', abs('-5'), format('%s of %s', 'a'::text, 5), format('%s', 'a'), format('%s: %L', 'a', 5::bigint), format('%s', NULL);
SELECT format('1 TFLOPS'::compute_rate, 'GFLOPS'::varchar, 1::smallint), format('1 TFLOPS'::compute_rate, 'GFLOPS', NULL::int), format('1 TFLOPS'::compute_rate, NULL::text);
SELECT format('1 TFLOPS'::compute_rate, 1);
SELECT format('1 TFLOPS'::compute_rate, 'GFLOPS', 'x'::text);
DEALLOCATE days;

-- Text has a length; a value at the limit is read.
SELECT (repeat('0', 149990) || '7 FLOPS')::compute_rate;
SELECT (repeat('0', 150000) || '7 FLOPS')::compute_rate;
SELECT repeat('9', 10000000)::compute_rate;
