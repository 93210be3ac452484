-- compute_unit: an amount of work, in whole FLOP of one basis.
SET search_path = public, compute_ledger;

-- Text: any unit in, one form out.
SELECT t, t::compute_unit AS canonical, t::compute_unit::numeric AS flop
FROM unnest(ARRAY[
	'0 FLOP', '1 FLOP', '-1 FLOPs', '3600 FLOP', '1 FLOPh', '1FLOP-hour', '1 FLOP-hours', '1 FLOP-day',
	'2 FLOP-days', '1 FLOPS-second', '1 FLOPS-hour', '1 PFLOPS-day', '1.5e3 EFLOPS-days', '1 PFLOP/s-day',
	'27.7032 PFLOPh@bf16', '27703200000000000 FLOPh@BF16', '+.5 kFLOP', '5. FLOP', E' \t1e3FLOP@1000 ',
	'1EFLOP', '1E3EFLOP', '1 ZFLOPh', '1 YFLOPh', '1 RFLOP', '1 QFLOP@65535', '1 FLOP@4',
	'0.5 FLOP', '1.5 FLOP', '2.5 FLOP', '0.50000000000000000000000000000000000000000000000000000001 FLOP',
	'0.00013888888888888888888888888888888888888888888 FLOPh', '0.000138888888888888888888888888888888888888888889 FLOPh',
	'1e-999999999999 FLOP', '0e999999999999 FLOP',
	'2596148429267413814265248164610047 FLOP', '-2596148429267413814265248164610048 FLOP',
	'2596148429267413814265248164610047.49 FLOP', '721.152341463170503962568934613902 RFLOPh']) WITH ORDINALITY AS x (t, i)
ORDER BY i;

-- What is no amount says why.
SELECT '10 FLOPS'::compute_unit;
\echo :LAST_ERROR_SQLSTATE
SELECT '10'::compute_unit;
SELECT 'PFLOPh'::compute_unit;
SELECT '1 FLOP@fp7'::compute_unit;
\echo :LAST_ERROR_SQLSTATE
SELECT '2596148429267413814265248164610047.5 FLOP'::compute_unit;
\echo :LAST_ERROR_SQLSTATE
DO $$
DECLARE
	t text;
	refused text[] := '{}';
BEGIN
	FOREACH t IN ARRAY ARRAY['', ' ', 'NaN', 'NaN FLOP', 'Infinity FLOP', '. FLOP', '- FLOP', '1.2.3 FLOP', '1 FLOPh junk',
		'1 pFLOPh', '1 mFLOP', '1 KFLOP', '1 flop', '1 FLOPH', '1 FLOP-week', '1 FLOPs-hour', '1 FLOPh@', '1 FLOPh @bf16',
		'1 FLOPh@ bf16', '1 FLOPh@bf16@bf16', '0x10 FLOP', '1_000 FLOP', '1,5 FLOP', '--1 FLOP', '1e FLOP', '1 e3 FLOP', '1 PPFLOP',
		'1 FLOP@999', '1 FLOP@11', '1 FLOP@65536', '1 FLOP@01000', '1 FLOP@-1', '1 FLOP@bf', '1 FLOP@bf160', '1e34 FLOP',
		'1e999999999999 FLOP', '-2596148429267413814265248164610049 FLOP', '1 TFLOPS', '1 FLOP/s']
	LOOP
		BEGIN
			RAISE WARNING 'accepted %: %', t, t::compute_unit;
		EXCEPTION WHEN invalid_text_representation OR numeric_value_out_of_range OR SQLSTATE 'LC002' THEN
			refused := refused || t;
		END;
	END LOOP;
	RAISE NOTICE '% refused', cardinality(refused);
END
$$;

-- Arithmetic is exact, or rounded once, half to even.
SELECT '1 PFLOPh@bf16'::compute_unit + '1 FLOP@bf16' AS add, '1 PFLOPh'::compute_unit - '1 FLOP' AS sub,
	-'1 PFLOPh'::compute_unit AS neg, abs('-1 PFLOPh'::compute_unit) AS abs;
SELECT u * 8::smallint AS int2, u * 8 AS int4, u * 8::bigint AS int8, u * 8.5 AS numeric,
	8::smallint * u = u * 8 AND 8 * u = u * 8 AND 8::bigint * u = u * 8 AND 8.5 * u = u * 8.5 AS commutes
FROM (SELECT '3.4629 PFLOPh@bf16'::compute_unit) AS x (u);
SELECT (n || ' FLOP')::compute_unit / 2 AS "n/2", ((n || ' FLOP')::compute_unit / 2)::numeric AS half,
	((n || ' FLOP')::compute_unit * 0.5)::numeric AS "n*0.5", ((n || ' FLOP')::compute_unit / 2.0)::numeric AS "n/2.0",
	((n || ' FLOP')::compute_unit / 0.3)::numeric AS "n/0.3"
FROM generate_series(-5, 5) AS n;
SELECT '1 PFLOPh@bf16'::compute_unit / '3 TFLOPh@bf16' AS ratio, utilization('380 PFLOPh', '1 EFLOPh@bf16') AS mfu;
-- No operator takes double precision, which would make x * 8 inexact; nor is there one that adds a rate to an amount.
SELECT oid::regoperator FROM pg_operator
WHERE (oprleft IN ('compute_unit'::regtype, 'compute_rate'::regtype) OR oprright IN ('compute_unit'::regtype, 'compute_rate'::regtype))
	AND (oprleft IN ('float4'::regtype, 'float8'::regtype) OR oprright IN ('float4'::regtype, 'float8'::regtype) OR oprname = '+' AND oprleft <> oprright);
SELECT '1 PFLOPh@bf16'::compute_unit + '1 PFLOPh@fp8';
\echo :LAST_ERROR_SQLSTATE
SELECT '1 PFLOPh@1000'::compute_unit / '1 PFLOPh@1001';
SELECT '700 RFLOPh'::compute_unit + '700 RFLOPh';
\echo :LAST_ERROR_SQLSTATE
SELECT -'-2596148429267413814265248164610048 FLOP'::compute_unit;
SELECT '-2596148429267413814265248164610048 FLOP'::compute_unit / -1;
SELECT '1 PFLOPh'::compute_unit * 9223372036854775807;
SELECT '1 PFLOPh'::compute_unit / 0;
SELECT '1 PFLOPh'::compute_unit / 0.0;
SELECT '1 PFLOPh'::compute_unit * 'NaN'::numeric;
SELECT '1 PFLOPh'::compute_unit / 'Infinity'::numeric;

-- Numbers and text
SELECT 1.5::numeric::compute_unit, 2.5::numeric::compute_unit::numeric, 1e20::float8::compute_unit, '27 PFLOPh@bf16'::compute_unit::float8,
	flop_hours('27.7032 PFLOPh@bf16'), flop_hours('1 FLOP'), flop_hours('-7201 FLOP');
SELECT 'NaN'::numeric::compute_unit;
SELECT '-Infinity'::float8::compute_unit;
SELECT 2.6e33::float8::compute_unit;
SELECT format('27.7032 PFLOPh@bf16'::compute_unit, 'PFLOPh'), format('27.7032 PFLOPh@bf16'::compute_unit, 'EFLOPS-day', 5),
	format('27.7032 PFLOPh@bf16'::compute_unit, 'TFLOP-hours', 0), format('-1 FLOP'::compute_unit, 'kFLOP', 3),
	format('-1 FLOP'::compute_unit, 'kFLOP', 2), format('25 FLOP'::compute_unit, 'kFLOP'), format('35 FLOP'::compute_unit, 'kFLOP');
SELECT format('1 FLOP'::compute_unit, 'FLOPS');
SELECT format('1 FLOP'::compute_unit, 'FLOP', 101);

-- Basis
SELECT basis('1 FLOP'::compute_unit), basis('1 FLOP@bf16'::compute_unit), basis('1 FLOP@1001'::compute_unit), with_basis('1 PFLOPh@bf16'::compute_unit, 'fp8'), with_basis('1 PFLOPh'::compute_unit, '1001');
SELECT with_basis('1 PFLOPh@bf16'::compute_unit, '17');

-- A column held to one basis
CREATE TABLE held (used compute_unit(bf16), other compute_unit(1001), several compute_unit(int8)[]);
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'held'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO held VALUES ('1 PFLOPh@bf16', '1 PFLOPh@1001', '{1 FLOP@int8}');
INSERT INTO held VALUES ('1 PFLOPh@fp8', NULL, NULL);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO held SELECT with_basis(used, 'fp8') FROM held;
INSERT INTO held VALUES (NULL, '1 PFLOPh', NULL);
INSERT INTO held VALUES (NULL, NULL, '{1 FLOP@int8, 1 FLOP@int4}');
INSERT INTO held VALUES (NULL, NULL, ARRAY['1 FLOP@int4'::compute_unit]);
UPDATE held SET used = with_basis(used, '1001');
COPY held FROM stdin;
1 FLOP@bf16	\N	{1 FLOP}
\.
SELECT used::compute_unit(fp8) FROM held;
SELECT with_basis(used, 'fp8')::compute_unit(fp8) FROM held;
SELECT '1 FLOP'::compute_unit(bf16, fp8);
SELECT '1 FLOP'::compute_unit(bf);
CREATE DOMAIN bf16_work AS compute_unit(bf16) CHECK (VALUE >= '0 FLOP@bf16');
SELECT '1 FLOP'::bf16_work;
SELECT '-1 FLOP@bf16'::bf16_work;
SELECT '1 FLOP@bf16'::compute_unit::bf16_work;
DO $$
DECLARE
	held compute_unit(bf16) := '1 FLOP@bf16';
BEGIN
	held := '1 FLOP@fp8'::compute_unit;
EXCEPTION WHEN SQLSTATE 'LC001' THEN
	RAISE NOTICE '%', SQLERRM;
END
$$;
CREATE TABLE parts (used compute_unit(bf16)) PARTITION BY LIST (used);
CREATE TABLE part (used compute_unit(fp8));
ALTER TABLE parts ATTACH PARTITION part DEFAULT;
ALTER TABLE held ALTER used TYPE compute_unit(fp8);
ALTER TABLE held ALTER used TYPE compute_unit;
ALTER TABLE held ALTER used TYPE compute_unit(bf16);
DROP TABLE parts, part;

-- Order is total: by basis code, then by amount.
SELECT array_agg(u ORDER BY u) FROM unnest(ARRAY['1 FLOP@fp8', '2 FLOP', '-5 PFLOPh@bf16', '1 FLOP@bf16', '-1 FLOP', '0 FLOP', NULL, '-7 FLOP@1000']::compute_unit[]) AS u;
SELECT '1 FLOP'::compute_unit < '1 FLOP@bf16' AS lt, '2 FLOP'::compute_unit <= '2 FLOP' AS le, '1 FLOP'::compute_unit = '1 FLOP@bf16' AS eq,
	'1 FLOP'::compute_unit <> '1 FLOP@bf16' AS ne, '2 FLOP'::compute_unit >= '3 FLOP' AS ge, '-2 FLOP'::compute_unit > '-3 FLOP' AS gt,
	greatest('1 FLOP'::compute_unit, '2 FLOP') AS greatest;
-- The planner warns of what cannot be meant, where it sees it.
SELECT * FROM held WHERE used > '1 FLOP@fp8';
SELECT * FROM held WHERE '1 FLOP' = used;
SELECT * FROM held WHERE used <> NULL;
SELECT used FROM held WHERE used > '1 FLOP@bf16' AND '1 FLOP@1001' < other;

-- Aggregates
SELECT sum(u), avg(u), min(u), max(u), count(u) FROM (SELECT (n || ' PFLOPh@bf16')::compute_unit FROM generate_series(1, 100) AS n) AS x (u);
SELECT sum(u), avg(u), min(u), max(u) FROM (SELECT '1 FLOP'::compute_unit LIMIT 0) AS x (u);
SELECT sum(u), avg(u), min(u), max(u) FROM (VALUES (NULL::compute_unit), ('3 FLOP@int4'), (NULL)) AS x (u);
SELECT avg(u)::numeric, sum(u)::numeric FROM (VALUES ('1 FLOP'::compute_unit), ('2 FLOP')) AS x (u);
SELECT sum(u) FROM (VALUES ('1 FLOP@bf16'::compute_unit), ('1 FLOP@fp8')) AS x (u);
\echo :LAST_ERROR_SQLSTATE
SELECT avg(u) FROM (VALUES ('1 FLOP@bf16'::compute_unit), ('1 FLOP@1001')) AS x (u);
SELECT min(u), max(u) FROM (VALUES ('1 FLOP@fp8'::compute_unit), ('2 FLOP@bf16')) AS x (u);
-- Only the result has to fit.
SELECT sum(u) FROM (SELECT (s || '721 RFLOPh')::compute_unit FROM (VALUES (''), ('-')) AS v (s), generate_series(1, 100000) ORDER BY s DESC) AS x (u);
SELECT avg(u) FROM (SELECT '-721 RFLOPh'::compute_unit FROM generate_series(1, 200001)) AS x (u);
SELECT sum(u) FROM (SELECT '721 RFLOPh'::compute_unit FROM generate_series(1, 2)) AS x (u);
-- Frames; a frame may move on to another basis.
SELECT i, sum(u) OVER rows, avg(u) OVER rows, sum(u) OVER ranges FROM (VALUES (1, '1 FLOPh'::compute_unit), (2, '2 FLOPh'), (3, NULL), (4, '4 FLOPh'), (5, '7 FLOPh')) AS x (i, u)
WINDOW rows AS (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), ranges AS (ORDER BY u RANGE BETWEEN '2 FLOPh' PRECEDING AND '3 FLOPh' FOLLOWING)
ORDER BY i;
SELECT i, sum(u) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING) FROM (VALUES (1, '1 FLOPh@bf16'::compute_unit), (2, '2 FLOPh@fp8'), (3, NULL), (4, '4 FLOPh')) AS x (i, u);
SELECT sum(u) OVER (ORDER BY u RANGE BETWEEN '-1 FLOP' PRECEDING AND CURRENT ROW) FROM (VALUES ('1 FLOPh'::compute_unit)) AS x (u);
SELECT sum(u) OVER (ORDER BY u RANGE BETWEEN '1 FLOP@fp8' PRECEDING AND CURRENT ROW) FROM (VALUES ('1 FLOPh'::compute_unit)) AS x (u);

-- The state of sum and avg is a value like any other: what a distributed database sends between nodes.
SELECT aggfnoid::text, aggtranstype::regtype, aggmtranstype::regtype, aggcombinefn::text FROM pg_aggregate
WHERE aggfnoid IN ('sum(compute_unit)'::regprocedure, 'avg(compute_unit)'::regprocedure, 'min(compute_unit)'::regprocedure) ORDER BY 1;
SELECT compute_unit_accum('(0,0,flop)', '3 FLOP@bf16'), compute_unit_remove('(2,3,bf16)', '1 FLOP@bf16'), compute_unit_remove('(1,3,bf16)', '3 FLOP@bf16'),
	quantity_sum_combine('(2,3,bf16)', '(1,-7,bf16)'), quantity_sum_combine('(0,0,flop)', '(1,-7,bf16)'), compute_unit_sum_final('(3,-4,bf16)'),
	compute_unit_avg_final('(3,-4,bf16)'), compute_unit_sum_final('(0,0,flop)');
SELECT compute_unit_accum(NULL, '3 FLOP') IS NULL AS a, compute_unit_accum('(1,3,flop)', NULL) AS b, compute_unit_remove('(1,3,flop)', NULL) AS c, compute_unit_remove(NULL, NULL) IS NULL AS d,
	compute_unit_max_accum(NULL, '3 FLOP') AS e, compute_unit_max_accum('4 FLOP', '3 FLOP') AS f, compute_unit_min_accum('4 FLOP', NULL) AS g, compute_unit_min_accum('4 FLOP', '3 FLOP') AS h, compute_unit_min_accum(NULL, NULL) IS NULL AS i;
SELECT s, quantity_sum_send(s) FROM unnest(ARRAY['(140737488355328,-365375409332725729550921208179070754913983135744,bf16)',
	'(140737488355328,365375409332725729550921208179070754773245647,flop)', '(1,-2596148429267413814265248164610048,1001)']::quantity_sum[]) AS s;
SELECT compute_unit_avg_final('(140737488355328,-365375409332725729550921208179070754913983135744,bf16)');
SELECT '(1,2596148429267413814265248164610048,flop)'::quantity_sum;
DO $$
DECLARE
	t text;
	n int := 0;
BEGIN
	FOREACH t IN ARRAY ARRAY['', '()', '(1,2)', '(0,1,flop)', '(0,0,bf16)', '(-1,0,flop)', '(1,1,fp7)', '(1,,flop)', '(,1,flop)', '(1,1,flop', '(1,1,flop) ',
		'(140737488355329,1,flop)', '(99999999999999999999999,1,flop)', '(1,99999999999999999999999999999999999999999999999999999999999999999,flop)',
		'(1,-2596148429267413814265248164610049,flop)', '(2,5192296858534827628530496329220095,flop)']
	LOOP
		BEGIN
			RAISE WARNING 'accepted %: %', t, t::quantity_sum;
		EXCEPTION WHEN invalid_text_representation THEN
			n := n + 1;
		END;
	END LOOP;
	RAISE NOTICE '% refused', n;
END
$$;
SELECT compute_unit_remove('(0,0,flop)', '1 FLOP');
SELECT quantity_sum_combine('(1,3,bf16)', '(1,3,fp8)');
SELECT quantity_sum_combine('(140737488355328,3,bf16)', '(1,3,bf16)');

-- Operator classes
SELECT amname, opcname, amvalidate(c.oid) FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = opcmethod
WHERE opcintype IN ('compute_unit'::regtype, 'compute_rate'::regtype) ORDER BY 2, 1;
CREATE TABLE amounts AS SELECT ((i * 7919 % 10007)::numeric * 1e15)::compute_unit AS used FROM generate_series(1, 10000) AS i;
CREATE INDEX amounts_btree ON amounts (used);
CREATE INDEX amounts_hash ON amounts USING hash (used);
CREATE INDEX amounts_brin ON amounts USING brin (used);
CREATE INDEX amounts_multi ON amounts USING brin (used compute_unit_minmax_multi_ops);
ANALYZE amounts;
SELECT min(used), max(used) FROM amounts;
EXPLAIN (COSTS OFF) SELECT used FROM amounts WHERE used BETWEEN '1 PFLOPh' AND '1.01 PFLOPh' ORDER BY used;
SELECT count(*) FROM amounts WHERE used BETWEEN '1 PFLOPh' AND '1.01 PFLOPh';
DROP INDEX amounts_btree;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM amounts WHERE used = '1000 TFLOP';
SELECT count(*) FROM amounts WHERE used = '1000 TFLOP';
DROP INDEX amounts_hash, amounts_brin;
EXPLAIN (COSTS OFF) SELECT count(*) FROM amounts WHERE used < '1 PFLOPh';
SELECT count(*) FROM amounts WHERE used < '1 PFLOPh';
RESET enable_seqscan;
DROP TABLE amounts, held;
DROP DOMAIN bf16_work;

-- Text has a length; a value at the limit is read.
SELECT (repeat('0', 149990) || '7 FLOP')::compute_unit;
SELECT (repeat('0', 150000) || '7 FLOP')::compute_unit;
SELECT repeat('9', 10000000)::compute_unit;
