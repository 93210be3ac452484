-- COPY in of a usage table, beside the same table with numeric(20,6) in the quantity's place.
-- The target table is unlogged and emptied before each run.
-- @setup
CREATE UNLOGGED TABLE usage_compute_unit (id int8, region int4, account int4, chip accelerator,
	started timestamptz, ended timestamptz, used compute_unit);
CREATE UNLOGGED TABLE usage_numeric (id int8, region int4, account int4, chip accelerator,
	started timestamptz, ended timestamptz, used numeric(20,6));
INSERT INTO usage_numeric
SELECT n, floor(random() * 16), floor(random() * 1000), (ARRAY['nvidia/h100-sxm5-80gb', 'nvidia/a800-sxm4-80gb', 'huawei/ascend-910b3-64gb',
	'nvidia/h20-sxm5-96gb']::accelerator[])[1 + floor(random() * 4)::int], s, s + interval '1 second' * floor(random() * 14400), random() * 1e6
FROM (SELECT n, timestamptz '2026-01-01' + interval '1 second' * floor(random() * 30 * 86400) AS s FROM generate_series(1, {rows}) AS n) AS r;
INSERT INTO usage_compute_unit
SELECT id, region, account, chip, started, ended, compute_unit '1 TFLOPh@bf16' * used FROM usage_numeric;
-- @for t in compute_unit numeric
COPY usage_{t} TO '{dir}/{t}.text';
COPY usage_{t} TO '{dir}/{t}.binary' (FORMAT binary);
-- @end

-- @for f,target in text,1.15 binary,1.0
-- @case copy-{f}: COPY in of a usage table, {f}
-- @for t in compute_unit numeric
-- @before {t}
TRUNCATE usage_compute_unit, usage_numeric;
-- @run {t}
COPY usage_{t} FROM '{dir}/{t}.{f}' (FORMAT {f});
-- @end
-- @ratio compute_unit / numeric <= {target}
-- @end
