-- Export-control figures and classes.
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\pset null '(null)'

-- Worked values: H100 1979 x 8 over 814 mm2, A100 624 x 8, H20 296 x 8 = 148 x 16 over 814 mm2.
SELECT a, tpp(a), round(performance_density(a), 2) AS density, export_class(a, '2022-10') AS "2022-10", export_class(a, '2023-10') AS "2023-10",
	export_class(a, '2024-12') AS "2024-12", export_class(a, '2025-04') AS "2025-04", export_class(a, '2026-01-review') AS review
FROM unnest(ARRAY['nvidia/h100-sxm5-80gb', 'nvidia/a100-sxm4-80gb', 'nvidia/a100-sxm4-80gb:1g.10gb', 'nvidia/a800-sxm4-80gb',
	'nvidia/h20-96gb', 'nvidia/h20']::accelerator[]) AS a;
SELECT peak_rate('nvidia/h20', 'bf16') AS bf16, peak_rate('nvidia/h20', 'fp16') AS fp16, peak_rate('nvidia/h20', 'fp8') AS fp8,
	peak_rate('nvidia/h20', 'int8') AS int8, (export_figures('nvidia/h20')).die_area;
-- One package is one circuit: two dies that the driver lists by themselves are added up, two packages on a board are not.
SELECT a, peak_rate(a, 'fp16') AS a_device, f.tpp, f.die_area, round(f.performance_density, 2) AS density, f.io_bandwidth AS io, f.memory_bandwidth AS dram,
	export_class(a, '2022-10') AS "2022-10", export_class(a, '2023-10') AS "2023-10"
FROM unnest(ARRAY['amd/mi250x', 'amd/mi210', 'huawei/ascend-910c', 'intel/max-1550', 'intel/max-1100', 'nvidia/k80', 'nvidia/a16', 'nvidia/gb200']::accelerator[]) AS a, export_figures(a) AS f;
INSERT INTO accelerator_model (accelerator, name, die_area, data_center, devices_per_module) VALUES ('pci0007/tile', 'Tile', 500, true, 4);
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pci0007/tile', 'int8', '300 TFLOPS@int8');
SELECT tpp('pci0007/tile') AS four_packages, export_class('pci0007/tile', '2023-10');
UPDATE accelerator_model SET devices_per_package = 2 WHERE accelerator = 'pci0007/tile';
SELECT tpp('pci0007/tile') AS two_packages_of_two, export_class('pci0007/tile', '2023-10');
\set VERBOSITY terse
UPDATE accelerator_model SET devices_per_package = 8 WHERE accelerator = 'pci0007/tile';
\set VERBOSITY default
-- Not designed or marketed for data centres: not a plain 3A090.a, and not free either.
SELECT tpp('nvidia/rtx-4090') > 4800 AS above, export_class('nvidia/rtx-4090', '2023-10');
SELECT variant, rank, class, holds, reason FROM export_tests('nvidia/h20-96gb', '2025-04');

-- A chip that a rule names has its class whatever is known of it; in every shipped rule the rows that name chips come first.
SELECT a, tpp(a), export_class(a, '2024-12') AS "2024-12", export_class(a, '2025-04') AS "2025-04"
FROM unnest(ARRAY['amd/mi308x', 'amd/mi308x-oam-192gb', 'nvidia/h20-141gb', 'nvidia/h20-3e', 'amd/mi309x', 'nvidia/h100-sxm5-80gb']::accelerator[]) AS a;
SELECT n.rule, n.rank, n.accelerator, f.rank AS figures_first
FROM export_rule AS n JOIN export_rule AS f USING (rule)
WHERE n.accelerator IS NOT NULL AND f.accelerator IS NULL AND f.rank < n.rank AND n.shipped AND f.shipped AND upper_inf(n.recorded) AND upper_inf(f.recorded);
-- The review of 2026 is of exports from the US.
SELECT a, export_class(a, '2026-01-review') FROM unnest(ARRAY['nvidia/h200-sxm-141gb', 'nvidia/h20', 'nvidia/b200', 'amd/mi308x']::accelerator[]) AS a;

-- Every boundary of the rules, on chips made for it: dense TOPS in 8 bits, die area, data centre, I/O, DRAM.
CREATE TABLE made (chip accelerator, tops numeric, area numeric, data_center boolean, io numeric, dram numeric);
INSERT INTO made VALUES
	('pci0002/a', 600, 1000, true, 600, 6499), ('pci0002/b', 599.999999, 1000, true, 599.9, 6500),
	('pci0002/c', 600, 1000, false, 600, 1000), ('pci0002/d', 200, 270, true, 64, 1000), ('pci0002/e', 200, 270.3, true, 64, 1000),
	('pci0002/f', 199.999999, 100, true, 64, 1000), ('pci0002/g', 300, 1500, true, 64, 1000), ('pci0002/h', 300, 1501, true, 64, 1000),
	('pci0002/i', 200, 500, true, 64, 1000), ('pci0002/j', 200, 501, true, 64, 1000), ('pci0002/k', 2625, 1000, true, 900, 6000),
	('pci0002/l', 2624.999999, 1000, true, 900, 6000), ('pci0002/m', 200, 270, false, 64, 1000);
INSERT INTO accelerator_model (accelerator, name, die_area, data_center, io_bandwidth, memory_bandwidth)
SELECT chip, chip::text, area, data_center, io, dram FROM made;
INSERT INTO accelerator_peak (accelerator, number_format, rate) SELECT chip, 'int8', (tops || ' TFLOPS@int8')::compute_rate FROM made;
SELECT chip, tpp(chip), round(performance_density(chip), 4) AS density, m.data_center AS dc, export_class(chip, '2022-10') AS "2022-10",
	export_class(chip, '2023-10') AS "2023-10", export_class(chip, '2026-01-review') AS review
FROM made AS m ORDER BY chip;
-- The same from the text of the rules, written a second time.
SELECT count(*) AS checked, count(*) FILTER (WHERE export_class(chip, '2023-10') <> want) AS wrong FROM (
	SELECT chip, CASE
		WHEN data_center AND (t >= 4800 OR t >= 1600 AND t / area >= 5.92) THEN '3A090.a'
		WHEN t >= 4800 THEN '3A090.a-nac'
		WHEN data_center AND (t >= 2400 AND t < 4800 AND t / area >= 1.6 AND t / area < 5.92
			OR t >= 1600 AND t / area >= 3.2 AND t / area < 5.92) THEN '3A090.b'
		ELSE 'none' END AS want
	FROM (SELECT *, tops * 8 AS t FROM made) AS m) AS x;

-- What is not known is unknown where the class turns on it, never free.
INSERT INTO accelerator_model (accelerator, name, die_area, data_center) VALUES
	('pci0003/nothing', 'no figures', NULL, NULL), ('pci0003/area', 'no area', NULL, true), ('pci0003/dc', 'no marketing', 1000, NULL),
	('pci0003/fp32', 'fp32 only', 800, true), ('pci0003/small', 'small, no area', NULL, true), ('pci0003/big', 'big, no area', NULL, true),
	('pci0003/fp32big', 'fp32 only, big', NULL, true);
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES
	('pci0003/area', 'int8', '300 TFLOPS@int8'), ('pci0003/dc', 'int8', '600 TFLOPS@int8'), ('pci0003/fp32', 'fp32', '20 TFLOPS@fp32'),
	('pci0003/small', 'bf16', '99 TFLOPS@bf16'), ('pci0003/big', 'bf16', '300 TFLOPS@bf16'), ('pci0003/fp32big', 'fp32', '150 TFLOPS@fp32');
SELECT a, tpp(a), performance_density(a) AS density, export_class(a, '2022-10') AS "2022-10", export_class(a, '2023-10') AS "2023-10",
	export_class(a, '2026-01-review') AS review
FROM unnest(ARRAY['pci0003/nothing', 'pci0003/area', 'pci0003/dc', 'pci0003/fp32', 'pci0003/small', 'pci0003/big', 'pci0003/fp32big',
	'pci0003/never-seen', 'pci0004', 'any']::accelerator[]) AS a;
-- A class is what all of its variants are, or unknown.
SELECT export_class('pci0002', '2023-10') AS mixed, export_class('pci0003', '2023-10') AS mixed_too;
INSERT INTO accelerator_model (accelerator, name, data_center) VALUES ('pci0005/x-pcie', 'X PCIe', true), ('pci0005/x-sxm', 'X SXM', true);
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES
	('pci0005/x-pcie', 'fp8', '700 TFLOPS@fp8'), ('pci0005/x-sxm', 'fp8', '1400 TFLOPS@fp8');
SELECT tpp('pci0005/x') AS no_one_figure, export_class('pci0005/x', '2023-10') AS agreed, count(DISTINCT variant) AS variants
FROM export_tests('pci0005/x', '2023-10');
-- No catalogued chip is classed on a figure that is not there.
SELECT count(*) AS free_without_figures
FROM accelerator_model AS m, export_figures(m.accelerator) AS f
WHERE export_class(m.accelerator, '2023-10') = 'none' AND upper_inf(m.recorded)
	AND f.tpp_complete IS NOT TRUE AND EXISTS (SELECT FROM accelerator_peak AS p WHERE p.accelerator @> m.accelerator);

-- Formats: bit length x TOPS, the largest.
INSERT INTO accelerator_model (accelerator, name) VALUES ('pci0006/x', 'X');
INSERT INTO accelerator_peak (accelerator, number_format, rate) SELECT 'pci0006/x', f, (r || ' TFLOPS@' || f)::compute_rate
FROM (VALUES ('fp64', 1), ('fp32', 2), ('tf32', 3), ('fp16', 5), ('bf16', 6), ('fp8', 10), ('fp6', 15), ('fp4', 20), ('int8', 12), ('int4', 25)) AS v (f, r);
SELECT tpp, tpp_format FROM export_figures('pci0006/x');
-- tf32 multiplies 19 bits: at the rate of bf16 that is more, at half of it less; the chips come out as Epoch AI publishes them.
INSERT INTO accelerator_model (accelerator, name, data_center) VALUES ('pci0006/t', 'T', true), ('pci0006/half', 'Half', true);
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES
	('pci0006/t', 'tf32', '100 TFLOPS@tf32'), ('pci0006/t', 'bf16', '100 TFLOPS@bf16'),
	('pci0006/half', 'tf32', '50 TFLOPS@tf32'), ('pci0006/half', 'bf16', '99 TFLOPS@bf16');
SELECT a, tpp, tpp_format, tpp_complete FROM unnest(ARRAY['pci0006/t', 'pci0006/half']::accelerator[]) AS a, export_figures(a);
SELECT a, tpp(a) FROM unnest(ARRAY['aws/trainium1', 'aws/inferentia2']::accelerator[]) AS a;

-- Unknown rules, NULL, rules of one's own, and what was known when.
SELECT export_class('nvidia/h20', '2021-10');
SELECT export_class(NULL, '2023-10') AS no_chip, export_class('nvidia/h20', NULL) AS no_rule, tpp(NULL) AS tpp, performance_density(NULL) AS density;
INSERT INTO export_rule (rule, rank, class, tpp_from) VALUES ('example.org/house', 1, 'ask', 1000), ('2023-10', 1, 'house', 2000);
SELECT export_class('pci0002/m', 'example.org/house') AS own, export_class('nvidia/h20', '2023-10') AS own_replaces;
DELETE FROM export_rule WHERE rule = '2023-10' AND NOT shipped;
SELECT export_class('nvidia/h20', '2023-10');
SELECT now() AS before \gset
SELECT pg_sleep(0.01) \g /dev/null
UPDATE export_rule SET class = 'board' WHERE rule = 'example.org/house';
UPDATE accelerator_peak SET rate = '125 TFLOPS@int8' WHERE accelerator = 'pci0002/i';
SELECT a, export_class(a, 'example.org/house') AS now, export_class(a, 'example.org/house', :'before') AS as_known_before
FROM unnest(ARRAY['pci0002/i', 'pci0002/m']::accelerator[]) AS a;
SELECT (export_figures('pci0002/i')).tpp AS now, (export_figures('pci0002/i', :'before')).tpp AS as_known_before;
UPDATE export_rule SET tpp_from = 0 WHERE shipped;
-- A rule that names chips: in the class, apart from it, or what may be either.
INSERT INTO export_rule (rule, rank, class, accelerator) VALUES ('example.org/named', 1, 'listed', 'nvidia/h20-96gb');
SELECT a, export_class(a, 'example.org/named')
FROM unnest(ARRAY['nvidia/h20-96gb', 'nvidia/h20-sxm-96gb', 'nvidia/h20', 'nvidia/h20-sxm', 'nvidia/h20-sxm-141gb', 'nvidia/h100']::accelerator[]) AS a;
\set VERBOSITY terse
INSERT INTO export_rule (rule, rank, class) VALUES ('example.org/house', 2, 'none');
\set VERBOSITY default
SELECT has_table_privilege('public', 'export_rule', 'SELECT') AS all_read, has_table_privilege('public', 'export_rule', 'INSERT, UPDATE, DELETE') AS all_write;

DROP TABLE made;
