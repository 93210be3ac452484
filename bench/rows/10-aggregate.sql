-- sum, avg, min, max and the moving sum of compute_unit beside the same over core's types.  One table a type,
-- the same columns in the same order: region int4 (16 of them), account int4, used T.  The
-- amounts are the same in all: used_int8 holds MFLOPh, used_numeric TFLOPh with six decimals.
-- @setup
CREATE TABLE used_int8 (region int4 NOT NULL, account int4 NOT NULL, used int8 NOT NULL);
INSERT INTO used_int8
SELECT floor(random() * 16), floor(random() * 1000), (random() * 1e12)::int8 FROM generate_series(1, {rows});
CREATE TABLE used_compute_unit (region int4 NOT NULL, account int4 NOT NULL, used compute_unit NOT NULL);
INSERT INTO used_compute_unit SELECT region, account, compute_unit '1 MFLOPh@bf16' * used FROM used_int8;
CREATE TABLE used_numeric (region int4 NOT NULL, account int4 NOT NULL, used numeric(20,6) NOT NULL);
INSERT INTO used_numeric SELECT region, account, used::numeric / 1000000 FROM used_int8;
CREATE TABLE used_float8 (region int4 NOT NULL, account int4 NOT NULL, used float8 NOT NULL);
INSERT INTO used_float8 SELECT region, account, used FROM used_int8;
VACUUM (FREEZE, ANALYZE) used_int8, used_compute_unit, used_numeric, used_float8;
SELECT sum(pg_prewarm(t)) FROM unnest(ARRAY['used_int8', 'used_compute_unit', 'used_numeric', 'used_float8']) AS t;

-- For moving sums over types that take many times as long, a fortieth of the rows.
-- @setup
-- @for t in compute_unit numeric float8
CREATE TABLE few_{t} AS SELECT * FROM used_{t} LIMIT {million} / 4;
-- @end
VACUUM (FREEZE, ANALYZE) few_compute_unit, few_numeric, few_float8;
-- @setup needs unit
CREATE EXTENSION unit;
CREATE TABLE few_unit AS SELECT region, account, used * '1 J'::unit AS used FROM few_float8;
VACUUM (FREEZE, ANALYZE) few_unit;

-- @for f in sum avg min max
-- @case {f}: {f}, all rows
-- @run compute_unit
SELECT {f}(used) FROM used_compute_unit;
-- @run int8
SELECT {f}(used) FROM used_int8;
-- @ratio compute_unit / int8 <= 1.08
-- @case {f}-by-region: {f} by region
-- @run compute_unit
SELECT region, {f}(used) FROM used_compute_unit GROUP BY region;
-- @run int8
SELECT region, {f}(used) FROM used_int8 GROUP BY region;
-- @ratio compute_unit / int8 <= 1.08
-- @end

-- @case sum-beside: sum, all rows
-- @check the sums are the same
SELECT (SELECT sum(used) FROM used_compute_unit) = ((SELECT sum(used) FROM used_int8) || 'MFLOPh@bf16')::compute_unit
	AND (SELECT sum(used) FROM used_int8) = (SELECT sum(used) FROM used_numeric) * 1000000;
-- @run compute_unit
SELECT sum(used) FROM used_compute_unit;
-- @run numeric(20,6)
SELECT sum(used) FROM used_numeric;
-- @run float8
SELECT sum(used) FROM used_float8;
-- @ratio compute_unit / numeric(20,6) <= 0.60
-- @ratio compute_unit / float8; not exact
-- @case sum-by-region-beside: sum by region
-- @run compute_unit
SELECT region, sum(used) FROM used_compute_unit GROUP BY region;
-- @run numeric(20,6)
SELECT region, sum(used) FROM used_numeric GROUP BY region;
-- @ratio compute_unit / numeric(20,6); grouping costs both the same

-- Moving sums in the order of the table: no sort on either side.
-- @case moving-sum: moving sum over 101 rows
-- @check the sums are the same
SELECT bool_and(u = compute_unit '1 MFLOPh@bf16' * i)
FROM (SELECT row_number() OVER (), sum(used) OVER (ROWS BETWEEN 50 PRECEDING AND 50 FOLLOWING) FROM used_int8 LIMIT 10000) AS a (n, i)
JOIN (SELECT row_number() OVER (), sum(used) OVER (ROWS BETWEEN 50 PRECEDING AND 50 FOLLOWING) FROM used_compute_unit LIMIT 10000) AS b (n, u) USING (n);
-- @run compute_unit
SELECT count(s) FROM (SELECT sum(used) OVER (ROWS BETWEEN 50 PRECEDING AND 50 FOLLOWING) AS s FROM used_compute_unit) AS x;
-- @run int8
SELECT count(s) FROM (SELECT sum(used) OVER (ROWS BETWEEN 50 PRECEDING AND 50 FOLLOWING) AS s FROM used_int8) AS x;
-- @ratio compute_unit / int8 <= 0.95

-- @case moving-sum-beside: moving sum over 101 rows, a fortieth of the rows
-- @for t in compute_unit numeric float8
-- @run {t}
SELECT count(s) FROM (SELECT sum(used) OVER (ROWS BETWEEN 50 PRECEDING AND 50 FOLLOWING) AS s FROM few_{t}) AS x;
-- @end
-- @run unit needs unit
SELECT count(s) FROM (SELECT sum(used) OVER (ROWS BETWEEN 50 PRECEDING AND 50 FOLLOWING) AS s FROM few_unit) AS x;
-- @ratio compute_unit / numeric
-- @ratio compute_unit / float8
-- @ratio compute_unit / unit
