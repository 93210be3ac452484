-- A moving sum over 101 rows, in the order of the table: no sort on either side.
-- @setup
CREATE TABLE used_int8 (region int4 NOT NULL, account int4 NOT NULL, used int8 NOT NULL);
INSERT INTO used_int8
SELECT floor(random() * 16), floor(random() * 1000), (random() * 1e12)::int8 FROM generate_series(1, {rows});
CREATE TABLE used_compute_unit (region int4 NOT NULL, account int4 NOT NULL, used compute_unit NOT NULL);
INSERT INTO used_compute_unit SELECT region, account, compute_unit '1 MFLOPh@bf16' * used FROM used_int8;
-- The peers that are many times slower get a tenth of the rows.
CREATE TABLE million_compute_unit AS SELECT * FROM used_compute_unit LIMIT {million};
CREATE TABLE million_float8 AS SELECT region, account, used::float8 FROM used_int8 LIMIT {million};
CREATE TABLE million_numeric AS SELECT region, account, (used::numeric / 1000000)::numeric(20,6) AS used FROM used_int8 LIMIT {million};
VACUUM (FREEZE, ANALYZE);
SELECT sum(pg_prewarm(t)) FROM unnest(ARRAY['used_int8', 'used_compute_unit']) AS t;
-- @setup needs unit
CREATE EXTENSION unit;
CREATE TABLE million_unit AS SELECT region, account, used::float8 * '1 J'::unit AS used FROM used_int8 LIMIT {million};
VACUUM (FREEZE, ANALYZE) million_unit;

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

-- @case moving-sum-beside: moving sum over 101 rows, a tenth of the rows
-- @for t in compute_unit numeric float8
-- @run {t}
SELECT count(s) FROM (SELECT sum(used) OVER (ROWS BETWEEN 50 PRECEDING AND 50 FOLLOWING) AS s FROM million_{t}) AS x;
-- @end
-- @run unit needs unit
SELECT count(s) FROM (SELECT sum(used) OVER (ROWS BETWEEN 50 PRECEDING AND 50 FOLLOWING) AS s FROM million_unit) AS x;
-- @ratio compute_unit / numeric
-- @ratio compute_unit / float8
-- @ratio compute_unit / unit
