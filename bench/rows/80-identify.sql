-- Names as systems print them: 25 products in 12 forms, of which some do not exist together and
-- are unknown.  The names repeat at random, as they do in a log.
-- @setup
CREATE TABLE raw_name AS
SELECT row_number() OVER ()::int4 AS n, name
FROM (
	SELECT DISTINCT f.name
	FROM unnest(ARRAY['A100-SXM4-40GB', 'A100-SXM4-80GB', 'A100-PCIE-40GB', 'A100 80GB PCIe', 'A800-SXM4-80GB',
		'H100 80GB HBM3', 'H100 PCIe', 'H100 NVL', 'H200', 'H800', 'H20', 'L40S', 'L40', 'L20', 'L4', 'A10', 'A30', 'A40',
		'Tesla V100-SXM2-16GB', 'Tesla V100-SXM2-32GB', 'Tesla P100-PCIE-16GB', 'Tesla T4', 'Tesla K80',
		'GeForce RTX 4090', 'RTX A6000']) AS product,
		LATERAL (VALUES ('NVIDIA ' || product), (product), (lower(product)), (upper(product)),
			('NVIDIA-' || replace(product, ' ', '-')), ('nvidia.com/gpu.product=NVIDIA-' || replace(product, ' ', '-')),
			('gres/gpu:' || lower(translate(product, ' -', '__'))), ('nvidia_' || lower(translate(product, ' -', '__'))),
			('NVIDIA-' || replace(product, ' ', '-') || '-SHARED'), ('NVIDIA ' || product || ' MIG 1g.10gb'),
			('  Nvidia ' || product || ' '), (replace(product, 'Tesla ', '') || ' GPU')) AS f (name)
	UNION
	SELECT unnest(ARRAY['10de:2330', '10de:20b5', '10DE:1DB6', '1002:74a1', 'Ascend 910B3', 'huawei.com/Ascend910', 'ascend-910b4', 'MLU370-X8',
		'cambricon.com/mlu370', 'AMD Instinct MI300X', 'AMD Instinct MI250X / MI250', 'mi210', 'Intel Gaudi2', 'HL-225', 'TPU v5p', 'tpu-v4',
		'aws-trainium', 'Hygon DCU Z100', 'BI-V100', 'MTT S4000', 'MXC500', 'unknown', 'GPU-0a1b2c3d', 'Matrox G200eW3'])
) AS d (name)
ORDER BY hashtextextended(name, 0)
LIMIT 300;
CREATE TABLE logged AS
SELECT names[1 + floor(random() * 300)::int4] AS name
FROM (SELECT array_agg(name) AS names FROM raw_name) AS r, generate_series(1, {million});
-- The same names, each made different by blanks around it: no name is met twice.
CREATE TABLE logged_once AS
SELECT repeat(' ', a) || name || repeat(' ', b) AS name
FROM raw_name, generate_series(0, 19) AS a, generate_series(0, 19) AS b ORDER BY random() LIMIT {tenth};
VACUUM (FREEZE, ANALYZE) raw_name, logged, logged_once;

-- @case identify: identify, 1 million calls over 300 different raw names
-- @check there are 300 names, most of them known
SELECT count(*) = 300 AND count(identify(name)) > 200 FROM raw_name;
-- @run identify
SELECT count(identify(name)) FROM logged;
-- @run length
SELECT count(length(name)) FROM logged;
-- @speed identify >= 500000 per {million}
-- @ratio identify / length

-- @case identify-once: identify, 100,000 names, none met before
-- @run identify
SELECT count(identify(name)) FROM logged_once;
-- @speed identify >= 25000 per {tenth}

-- @case identify-statement: identify, 1,000 statements of one name each, in transactions of their own
-- @run identify
DO $$
DECLARE
	names text[] := (SELECT array_agg(name ORDER BY n) FROM raw_name);
BEGIN
	FOR i IN 1 .. 1000 LOOP
		EXECUTE format('SELECT identify(%L)', names[1 + i % 300]);
		COMMIT;
	END LOOP;
END
$$;
-- @run length
DO $$
DECLARE
	names text[] := (SELECT array_agg(name ORDER BY n) FROM raw_name);
BEGIN
	FOR i IN 1 .. 1000 LOOP
		EXECUTE format('SELECT length(%L)', names[1 + i % 300]);
		COMMIT;
	END LOOP;
END
$$;
-- @speed identify >= 3334 per 1000
-- @ratio identify / length
