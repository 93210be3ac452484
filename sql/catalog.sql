-- The shipped figures of accelerators, and the checks that a suspicious figure does not pass.
SET search_path = public, compute_ledger;
SET jit = off;	-- compiling the view of all checks takes longer than running it

-- Copies, so that the checks can be tried on figures that were spoilt.
CREATE TEMP TABLE model AS
	SELECT accelerator, name, vendor, family, architecture, launched, memory_gb, memory_bandwidth, io_bandwidth, tdp, die_area,
		mig_slices, devices_per_module, devices_per_package, data_center, class, source, recorded
	FROM accelerator_model WHERE shipped AND upper_inf(recorded);
CREATE TEMP TABLE peak AS
	SELECT accelerator, number_format, rate, source, recorded FROM accelerator_peak WHERE shipped AND upper_inf(recorded);

-- The bits of an operation, for total processing performance.
CREATE TEMP TABLE bits (number_format text, bits int, rank int);
INSERT INTO bits VALUES ('fp64', 64, 1), ('fp32', 32, 2), ('tf32', NULL, 3), ('fp16', 16, 4), ('bf16', 16, 5), ('fp8', 8, 6), ('fp6', 6, 7), ('fp4', 4, 8), ('int8', 8, 9), ('int4', 4, 10);

-- One line a chip: the rates in TFLOPS, each from the most specific row; a class counts where no variant of its own has a row.
CREATE TEMP VIEW rates AS
SELECT c.accelerator, m.family, m.architecture, m.vendor, m.data_center, m.class, r.*,
	coalesce(r.fp16, r.bf16) AS half
FROM (SELECT DISTINCT accelerator FROM peak) AS c
LEFT JOIN LATERAL (
	SELECT family, architecture, vendor, data_center, class FROM model
	WHERE model.accelerator @> c.accelerator OR c.accelerator @> model.accelerator
	ORDER BY model.accelerator @> c.accelerator DESC, specificity(model.accelerator) DESC, model.accelerator LIMIT 1) AS m ON true
CROSS JOIN LATERAL (
	SELECT max(t) FILTER (WHERE f = 'fp64') AS fp64, max(t) FILTER (WHERE f = 'fp32') AS fp32, max(t) FILTER (WHERE f = 'tf32') AS tf32,
		max(t) FILTER (WHERE f = 'fp16') AS fp16, max(t) FILTER (WHERE f = 'bf16') AS bf16, max(t) FILTER (WHERE f = 'fp8') AS fp8,
		max(t) FILTER (WHERE f = 'fp6') AS fp6, max(t) FILTER (WHERE f = 'fp4') AS fp4, max(t) FILTER (WHERE f = 'int8') AS int8,
		max(t) FILTER (WHERE f = 'int4') AS int4, max(t * bits) AS tpp, max(t) AS best
	FROM (
		SELECT DISTINCT ON (p.number_format) p.number_format, p.rate::numeric / 1e12, b.bits
		FROM peak AS p JOIN bits AS b USING (number_format)
		WHERE p.accelerator @> c.accelerator AND (form_factor(c.accelerator) IN ('laptop', 'maxq') AND form_factor(p.accelerator) IS NULL) IS NOT TRUE
		ORDER BY p.number_format, specificity(p.accelerator) DESC) AS x (f, t, bits)) AS r;

-- What is as the maker says although a check would doubt it.  Reasons: docs/reference-data.md.
CREATE TEMP TABLE exception (check_name text, accelerator accelerator, reason text);
INSERT INTO exception VALUES
	('bf16 is fp16', 'amd/mi100', 'bf16 at half rate'),
	('tf32 is half of fp16', 'aws', 'tf32 at the rate of bf16'),
	('tf32 is half of fp16', 'enflame', 'tf32 at the rate of fp16'),
	('fp8 is twice fp16', 'aws/inferentia2', 'cFP8 at the rate of bf16'),
	('fp8 is twice fp16', 'aws/trainium1', 'cFP8 at the rate of bf16'),
	('fp8 is twice fp16', 'aws/trainium2', '1299 against 667'),
	('fp8 is twice fp16', 'aws/trainium3', 'MXFP8 at 3.75 times bf16'),
	('fp8 is twice fp16', 'nvidia/vr200', '17.5 against 4'),
	('fp8 is twice fp16', 'intel/gaudi3', 'fp8 at the rate of bf16'),
	('fp8 is twice fp16', 'huawei/ascend-950pr', '804 against 425'),
	('fp8 is twice fp16', 'tenstorrent', 'fp8 at 3.5 times fp16'),
	('int8 is twice fp16', 'nvidia/p4', 'fp16 crippled, int8 by dot products'),
	('int8 is twice fp16', 'nvidia/p40', 'fp16 crippled, int8 by dot products'),
	('int8 is twice fp16', 'nvidia/b300', 'int8 units cut down'),
	('int8 is twice fp16', 'nvidia/gb300', 'int8 units cut down'),
	('int8 is twice fp16', 'amd/mi100', 'int8 at the rate of fp16'),
	('int8 is twice fp16', 'amd/mi210', 'int8 at the rate of fp16'),
	('int8 is twice fp16', 'amd/mi250', 'int8 at the rate of fp16'),
	('int8 is twice fp16', 'amd/mi250x', 'int8 at the rate of fp16'),
	('int8 is twice fp16', 'google/tpu-v4i', 'int8 at the rate of bf16'),
	('int8 is twice fp16', 'google/tpu-v4', 'int8 at the rate of bf16'),
	('int8 is twice fp16', 'huawei/ascend-950pr', '804 against 425'),
	('int8 is twice fp16', 'cambricon/mlu370-s4', '192 against 72'),
	('int8 is twice fp16', 'cambricon/mlu370-s8', '192 against 72'),
	('int8 is twice fp16', 'cambricon/mlu370-x4', '256 against 96'),
	('int8 is twice fp16', 'cambricon/mlu370-x8', '256 against 96'),
	('int8 is twice fp16', 'iluvatar/mr-v100', 'int8 at four times fp16'),
	('int8 is twice fp16', 'kunlunxin/k1', 'int8 at four times fp16'),
	('int8 is twice fp16', 'kunlunxin/k100', 'int8 at four times fp16'),
	('int8 is twice fp16', 'kunlunxin/k200', 'int8 at four times fp16'),
	('int8 is twice fp16', 'groq/lpu-v1', 'int8 at four times fp16'),
	('int8 is twice fp16', 'qualcomm/ai100-ultra', '870 against 288'),
	('int4 is twice int8', 'nvidia/l40s', 'as printed: 733 for both'),
	('int4 is twice int8', 'amd/mi100', 'int4 at the rate of int8'),
	('int4 is twice int8', 'amd/mi210', 'int4 at the rate of int8'),
	('int4 is twice int8', 'amd/mi250', 'int4 at the rate of int8'),
	('int4 is twice int8', 'amd/mi250x', 'int4 at the rate of int8'),
	('narrower is not slower', 'nvidia/p4', 'fp16 crippled'),
	('narrower is not slower', 'nvidia/p40', 'fp16 crippled'),
	('narrower is not slower', 'nvidia/p6', 'fp16 crippled'),
	('narrower is not slower', 'nvidia/gtx-1060', 'fp16 crippled'),
	('narrower is not slower', 'nvidia/gtx-1070', 'fp16 crippled'),
	('narrower is not slower', 'nvidia/gtx-1080', 'fp16 crippled'),
	('narrower is not slower', 'nvidia/gtx-1080-ti', 'fp16 crippled'),
	('narrower is not slower', 'nvidia/titan-xp', 'fp16 crippled'),
	('narrower is not slower', 'nvidia/quadro-p2000', 'fp16 crippled'),
	('narrower is not slower', 'nvidia/quadro-p4000', 'fp16 crippled'),
	('narrower is not slower', 'nvidia/quadro-p5000', 'fp16 crippled'),
	('narrower is not slower', 'nvidia/quadro-p6000', 'fp16 crippled');

-- Matrix rate of fp16 over the rate of fp32, by architecture: below the first it is a vector rate, above the second a sparse one.
-- GA100 (826 mm2) and the data-centre Blackwells have more tensor throughput than the other chips of their architecture.
CREATE TEMP TABLE matrix_ratio (architecture text, more_tensor boolean, above numeric, at_most numeric);
INSERT INTO matrix_ratio VALUES
	('Volta', false, 2.1, 8.2), ('Turing', false, 2.1, 8.2), ('Ampere', false, 1.1, 4.1), ('Ampere', true, 4.1, 16.2), ('Ada Lovelace', false, 1.1, 4.1),
	('Hopper', false, 2.1, 15), ('Grace Hopper', false, 2.1, 15), ('Blackwell', false, 1.1, 4.3), ('Blackwell', true, 4.4, 32), ('Grace Blackwell', true, 4.4, 32),
	('Blackwell Ultra', true, 4.4, 32), ('CDNA', false, 2.1, 4.1), ('CDNA 2', false, 2.1, 4.1), ('CDNA 3', false, 2.1, 8.1), ('CDNA 4', false, 2.1, 16.1), ('Xe HPC', false, 2.1, 16.1);

-- Pairs of which the second is the first with other memory or a slower link: equal in these formats.
CREATE TEMP TABLE sibling (a accelerator, b accelerator, formats text);
INSERT INTO sibling VALUES
	('nvidia/a100', 'nvidia/a800', 'fp64 fp32 tf32 fp16 bf16 int8 int4'), ('nvidia/h100-sxm', 'nvidia/h800-sxm', 'fp32 tf32 fp16 bf16 fp8 int8'), ('nvidia/h100-pcie', 'nvidia/h800-pcie', 'fp32 tf32 fp16 bf16 fp8 int8'),
	('nvidia/h100-sxm', 'nvidia/h200-sxm', 'fp64 fp32 tf32 fp16 bf16 fp8 int8'), ('nvidia/h100-sxm', 'nvidia/gh200', 'fp64 fp32 tf32 fp16 bf16 fp8 int8'), ('nvidia/h100-nvl', 'nvidia/h200-nvl', 'fp64 fp32 tf32 fp16 bf16 fp8 int8'),
	('nvidia/h20', 'nvidia/h20-3e', 'fp64 fp32 tf32 fp16 bf16 fp8 int8'), ('nvidia/t4', 'nvidia/t4g', 'fp64 fp32 fp16 int8 int4'), ('nvidia/b200', 'nvidia/b300', 'tf32 fp16 bf16 fp8 fp6'), ('nvidia/gb200', 'nvidia/gb300', 'tf32 fp16 bf16 fp8 fp6'),
	('nvidia/rtx-6000', 'nvidia/rtx-8000', 'fp32 fp16 int8 int4'), ('nvidia/rtx-6000', 'nvidia/titan-rtx', 'fp32 fp16 int8 int4'), ('nvidia/rtx-5090', 'nvidia/rtx-5090d', 'fp32'),
	('amd/mi300x', 'amd/mi325x', 'fp64 fp32 tf32 fp16 bf16 fp8 int8'), ('kunlunxin/r200', 'kunlunxin/rg800', 'fp32 fp16 int8'), ('aws/inferentia2', 'aws/trainium1', 'fp32 tf32 fp16 bf16 fp8 int8'),
	('hygon/bw', 'hygon/bw1000', 'fp64 fp32 tf32 fp16 bf16 int8'), ('cambricon/mlu370-x4', 'cambricon/mlu370-x8', 'fp32 fp16 bf16 int8'), ('huawei/ascend-910', 'huawei/ascend-910a', 'fp16 int8');

CREATE FUNCTION pg_temp.off(a numeric, b numeric, tolerance numeric) RETURNS boolean
	LANGUAGE sql IMMUTABLE AS 'SELECT abs(a - b) > tolerance * b';

-- Every doubt, before exceptions.
CREATE TEMP VIEW doubt (check_name, accelerator, detail) AS
	WITH r AS MATERIALIZED (SELECT * FROM rates)
	-- rows
	SELECT 'a model has every rate', r.accelerator, NULL FROM r
		WHERE NOT EXISTS (SELECT FROM model AS m WHERE m.accelerator @> r.accelerator OR r.accelerator @> m.accelerator)
	UNION ALL SELECT 'a source is named', accelerator, 'model' FROM model WHERE coalesce(btrim(source), '') = ''
	UNION ALL SELECT 'a source is named', accelerator, number_format FROM peak WHERE coalesce(btrim(source), '') = ''
	UNION ALL SELECT 'one current row', accelerator, number_format FROM peak GROUP BY 2, 3 HAVING count(*) > 1
	UNION ALL SELECT 'one current row', accelerator, 'model' FROM model GROUP BY 2 HAVING count(*) > 1
	UNION ALL SELECT 'names differ', min(accelerator), name FROM model GROUP BY name HAVING count(*) > 1 AND count(DISTINCT accelerator_trunc('model', accelerator)) > 1
	UNION ALL SELECT 'vendor is the maker', accelerator, vendor FROM model WHERE vendor IS DISTINCT FROM vendor(accelerator)
	UNION ALL SELECT 'format is the basis', accelerator, number_format FROM peak WHERE number_format <> basis(rate)
	UNION ALL SELECT 'class is known', accelerator, class FROM model WHERE coalesce(class, '') NOT IN ('general', 'intelligent', 'super')
	-- sizes that no chip has
	UNION ALL SELECT 'rate is in range', accelerator, rate::text FROM peak WHERE rate::numeric NOT BETWEEN 1e10 AND 5e16
	UNION ALL SELECT 'memory is the identity''s', accelerator, memory_gb::text FROM model WHERE memory_gb(accelerator) <> memory_gb
	UNION ALL SELECT 'memory is in range', accelerator, memory_gb::text FROM model WHERE memory_gb NOT BETWEEN 1 AND 500
	UNION ALL SELECT 'bandwidth fits memory', accelerator, memory_bandwidth || ' GB/s, ' || memory_gb || ' GB' FROM model
		WHERE memory_bandwidth / memory_gb NOT BETWEEN 1.5 AND 130 OR memory_bandwidth > 25000
	UNION ALL SELECT 'power is in range', accelerator, tdp::text FROM model WHERE tdp NOT BETWEEN 5 AND 1500
	UNION ALL SELECT 'die fits reticles', accelerator, die_area::text FROM model WHERE die_area NOT BETWEEN 90 AND 2 * 858 AND NOT accelerator <@ 'cerebras'
	UNION ALL SELECT 'launched in time', accelerator, launched::text FROM model WHERE launched NOT BETWEEN '2010-01-01' AND '2026-11-22'
	UNION ALL SELECT 'slices are the maker''s', accelerator, mig_slices::text FROM model
		WHERE mig_slices IS NOT NULL AND NOT CASE vendor
			WHEN 'nvidia' THEN mig_slices IN (2, 4, 7) AND architecture ~ 'Ampere|Hopper|Blackwell'
			WHEN 'amd' THEN mig_slices = CASE WHEN accelerator <@ 'amd/mi300a' THEN 6 ELSE 8 END AND architecture ~ 'CDNA [34]'
			ELSE false END
	-- one rule: a row is of one device, and where more of them are sold as one its name says so
	UNION ALL SELECT 'a part says of how many', accelerator, concat_ws(', ', name, devices_per_module) FROM model
		WHERE coalesce(devices_per_module, 1) <> CASE substring(name FROM 'one (?:GPU|NPU|SoC) of ([a-z]+)\)$') WHEN 'two' THEN 2 WHEN 'four' THEN 4 ELSE 1 END
	UNION ALL SELECT 'a package is on a module', accelerator, concat_ws(', ', devices_per_package, devices_per_module) FROM model
		WHERE devices_per_package > coalesce(devices_per_module, 1) OR devices_per_module % devices_per_package <> 0
	-- ratios between formats
	UNION ALL SELECT 'bf16 is fp16', accelerator, fp16 || ', ' || bf16 FROM r
		WHERE pg_temp.off(bf16, CASE WHEN family = 'GeForce' THEN fp16 / 2 ELSE fp16 END, 0.01)
	UNION ALL SELECT 'tf32 is half of fp16', accelerator, half || ', ' || tf32 FROM r
		WHERE pg_temp.off(tf32, CASE WHEN family = 'GeForce' THEN half / 4 ELSE half / 2 END, 0.02)
	UNION ALL SELECT 'fp8 is twice fp16', accelerator, half || ', ' || fp8 FROM r WHERE pg_temp.off(fp8, 2 * half, 0.02)
	UNION ALL SELECT 'int8 is twice fp16', accelerator, half || ', ' || int8 FROM r WHERE pg_temp.off(int8, 2 * half, 0.02)
	UNION ALL SELECT 'int4 is twice int8', accelerator, int8 || ', ' || int4 FROM r WHERE pg_temp.off(int4, 2 * int8, 0.02)
	UNION ALL SELECT 'narrower is not slower', accelerator, concat_ws(', ', fp64, fp32, tf32, half, fp8, fp6, fp4) FROM r
		WHERE fp64 > fp32 OR fp32 > half OR fp32 > tf32 * 1.01 OR tf32 > half OR half > fp8 OR fp8 > fp6 OR fp8 > fp4 OR fp6 > fp4
	-- vector for matrix, sparse for dense
	UNION ALL SELECT CASE WHEN half / fp32 < above THEN 'fp16 is a matrix rate' ELSE 'fp16 is dense' END, r.accelerator, half || ' over ' || fp32
		FROM r JOIN matrix_ratio AS q ON q.architecture = r.architecture
			AND q.more_tensor = (r.architecture ~ '^Grace Blackwell|Ultra' OR r.accelerator <@ 'nvidia/b100' OR r.accelerator <@ 'nvidia/b200'
				OR r.architecture = 'Ampere' AND EXISTS (SELECT FROM model AS m WHERE (m.accelerator @> r.accelerator OR r.accelerator @> m.accelerator) AND m.die_area = 826))
		WHERE half / fp32 NOT BETWEEN above AND at_most
	UNION ALL SELECT 'siblings agree', b.accelerator, a.number_format || ': ' || a.rate || ', ' || b.rate
		FROM sibling AS s JOIN peak AS a ON a.accelerator = s.a JOIN peak AS b ON b.accelerator = s.b AND b.number_format = a.number_format
		WHERE a.number_format = ANY (string_to_array(s.formats, ' ')) AND pg_temp.off(a.rate::numeric, b.rate::numeric, 0.005)
	UNION ALL SELECT 'siblings agree', s.b, 'no ' || f FROM sibling AS s, unnest(string_to_array(s.formats, ' ')) AS f
		WHERE NOT EXISTS (SELECT FROM peak WHERE accelerator = s.a AND number_format = f) OR NOT EXISTS (SELECT FROM peak WHERE accelerator = s.b AND number_format = f)
	-- classes of compute and of export rules
	UNION ALL SELECT 'class fits fp64', accelerator, class FROM r
		WHERE class <> 'general' AND (coalesce(fp64, 0) / best >= 0.1) <> (class = 'super')
	UNION ALL SELECT 'host port cannot decide', m.accelerator, m.io_bandwidth::text FROM model AS m JOIN r ON r.accelerator @> m.accelerator,
			LATERAL (SELECT coalesce(m.devices_per_package, 1)) AS p (devices)
		WHERE r.tpp * p.devices >= 4800 AND m.io_bandwidth * p.devices >= 472 AND m.io_bandwidth * p.devices < 600
	-- numbers of things
	UNION ALL SELECT '150 chips have a rate', NULL, count(DISTINCT accelerator)::text FROM peak HAVING count(DISTINCT accelerator) < 150
	UNION ALL SELECT 'every maker is there', NULL, v FROM unnest('{nvidia,amd,intel,google,aws,huawei,hygon,cambricon,biren,iluvatar,moorethreads,metax,enflame,kunlunxin,alibaba,microsoft,meta,groq,graphcore,sambanova,tesla,qualcomm,sunway}'::text[]) AS v
		WHERE NOT EXISTS (SELECT FROM peak WHERE vendor(accelerator) = v);

CREATE TEMP VIEW finding AS
	SELECT d.* FROM doubt AS d
	WHERE NOT EXISTS (SELECT FROM exception AS e WHERE e.check_name = d.check_name AND e.accelerator @> d.accelerator);

SELECT check_name, accelerator, detail FROM finding ORDER BY 1, 2, 3;

-- An exception that is not needed would hide the next mistake.
SELECT check_name, accelerator FROM exception AS e
WHERE NOT EXISTS (SELECT FROM doubt AS d WHERE d.check_name = e.check_name AND e.accelerator @> d.accelerator) ORDER BY 1, 2;

-- Every check finds what it is there for: each line spoils one thing and says which check sees it.
CREATE TEMP TABLE spoil (n int GENERATED ALWAYS AS IDENTITY, check_name text, statement text);
INSERT INTO spoil (check_name, statement) VALUES
	('a model has every rate', $$INSERT INTO peak VALUES ('nvidia/no-such', 'fp16', '100 TFLOPS@fp16', 's')$$),
	('a source is named', $$UPDATE model SET source = ' ' WHERE accelerator = 'nvidia/t4'$$),
	('a source is named', $$UPDATE peak SET source = NULL WHERE accelerator = 'nvidia/t4' AND number_format = 'fp16'$$),
	('one current row', $$INSERT INTO peak SELECT * FROM peak WHERE accelerator = 'nvidia/t4' AND number_format = 'fp16'$$),
	('one current row', $$INSERT INTO model SELECT * FROM model WHERE accelerator = 'nvidia/t4'$$),
	('names differ', $$UPDATE model SET name = 'NVIDIA A10' WHERE accelerator = 'nvidia/a10g'$$),
	('vendor is the maker', $$UPDATE model SET vendor = 'amd' WHERE accelerator = 'nvidia/t4'$$),
	('format is the basis', $$UPDATE peak SET rate = '65 TFLOPS@bf16' WHERE accelerator = 'nvidia/t4' AND number_format = 'fp16'$$),
	('class is known', $$UPDATE model SET class = NULL WHERE accelerator = 'nvidia/t4'$$),
	('rate is in range', $$UPDATE peak SET rate = rate / 100000 WHERE accelerator = 'google/tpu-v3'$$),
	('rate is in range', $$UPDATE peak SET rate = rate * 1000 WHERE accelerator = 'google/tpu-v3'$$),
	('memory is the identity''s', $$UPDATE model SET memory_gb = 141 WHERE accelerator = 'nvidia/h100-sxm5-80gb'$$),
	('memory is in range', $$UPDATE model SET memory_gb = 0.256 WHERE accelerator = 'meta/mtia-v2'$$),
	('bandwidth fits memory', $$UPDATE model SET memory_bandwidth = 18000 WHERE accelerator = 'metax/c500-pcie'$$),
	('bandwidth fits memory', $$UPDATE model SET memory_bandwidth = 10300, memory_gb = 64 WHERE accelerator = 'amd/mi308x'$$),
	('power is in range', $$UPDATE model SET tdp = 0.7 WHERE accelerator = 'nvidia/h100-sxm5-80gb'$$),
	('die fits reticles', $$UPDATE model SET die_area = 46225 WHERE accelerator = 'nvidia/a100'$$),
	('launched in time', $$UPDATE model SET launched = '2202-05-14' WHERE accelerator = 'nvidia/a100'$$),
	('slices are the maker''s', $$UPDATE model SET mig_slices = 7 WHERE accelerator = 'nvidia/t4'$$),
	('slices are the maker''s', $$UPDATE model SET mig_slices = 7 WHERE accelerator = 'amd/mi300x'$$),
	('slices are the maker''s', $$UPDATE model SET mig_slices = 8 WHERE accelerator = 'amd/mi250x'$$),
	('a part says of how many', $$UPDATE model SET devices_per_module = NULL, devices_per_package = NULL WHERE accelerator = 'amd/mi250x'$$),
	('a part says of how many', $$UPDATE model SET name = 'NVIDIA A16' WHERE accelerator = 'nvidia/a16'$$),
	('a package is on a module', $$UPDATE model SET devices_per_package = 3 WHERE accelerator = 'huawei/ascend-910c'$$),
	('bf16 is fp16', $$UPDATE peak SET rate = '156 TFLOPS@bf16' WHERE accelerator = 'nvidia/a100' AND number_format = 'bf16'$$),
	('bf16 is fp16', $$UPDATE peak SET rate = '330.3 TFLOPS@bf16' WHERE accelerator = 'nvidia/rtx-4090' AND number_format = 'bf16'$$),
	('tf32 is half of fp16', $$UPDATE peak SET rate = '312 TFLOPS@tf32' WHERE accelerator = 'nvidia/a100' AND number_format = 'tf32'$$),
	('tf32 is half of fp16', $$UPDATE peak SET rate = '756 TFLOPS@tf32' WHERE accelerator = 'nvidia/h100-pcie' AND number_format = 'tf32'$$),
	('fp8 is twice fp16', $$UPDATE peak SET rate = '3.958 PFLOPS@fp8' WHERE accelerator = 'nvidia/h100-sxm' AND number_format = 'fp8'$$),
	('int8 is twice fp16', $$UPDATE peak SET rate = '1.248 PFLOPS@int8' WHERE accelerator = 'nvidia/a100' AND number_format = 'int8'$$),
	('int8 is twice fp16', $$UPDATE peak SET rate = '485 TFLOPS@int8' WHERE accelerator = 'nvidia/l4' AND number_format = 'int8'$$),
	('int4 is twice int8', $$UPDATE peak SET rate = '130 TFLOPS@int4' WHERE accelerator = 'nvidia/t4' AND number_format = 'int4'$$),
	('narrower is not slower', $$UPDATE peak SET rate = '5 PFLOPS@fp6' WHERE accelerator = 'amd/mi355x' AND number_format = 'fp6'$$),
	('narrower is not slower', $$UPDATE peak SET rate = '4 PFLOPS@fp4' WHERE accelerator = 'nvidia/b200' AND number_format = 'fp4'$$),
	('narrower is not slower', $$UPDATE peak SET rate = '180 TFLOPS@fp64' WHERE accelerator = 'nvidia/b200' AND number_format = 'fp64'$$),
	('fp16 is a matrix rate', $$UPDATE peak SET rate = '28.26 TFLOPS@fp16' WHERE accelerator = 'nvidia/v100-pcie' AND number_format = 'fp16'$$),
	('fp16 is a matrix rate', $$UPDATE peak SET rate = '77.97 TFLOPS@fp16' WHERE accelerator = 'nvidia/a100' AND number_format = 'fp16'$$),
	('fp16 is a matrix rate', $$UPDATE peak SET rate = '38.71 TFLOPS@fp16' WHERE accelerator = 'nvidia/rtx-a6000' AND number_format = 'fp16'$$),
	('fp16 is a matrix rate', $$UPDATE peak SET rate = '52.43 TFLOPS@fp16' WHERE accelerator = 'intel/max-1550' AND number_format = 'fp16'$$),
	('fp16 is dense', $$UPDATE peak SET rate = rate * 2 WHERE accelerator = 'nvidia/h100-sxm' AND number_format IN ('tf32', 'fp16', 'bf16', 'fp8', 'int8')$$),
	('fp16 is dense', $$UPDATE peak SET rate = rate * 2 WHERE accelerator = 'nvidia/l4' AND number_format IN ('tf32', 'fp16', 'bf16', 'fp8', 'int8', 'int4')$$),
	('fp16 is dense', $$UPDATE peak SET rate = rate * 2 WHERE accelerator = 'nvidia/b200' AND number_format NOT IN ('fp64', 'fp32')$$),
	('fp16 is dense', $$UPDATE peak SET rate = rate * 2 WHERE accelerator = 'amd/mi300x' AND number_format NOT IN ('fp64', 'fp32')$$),
	('siblings agree', $$UPDATE peak SET rate = rate * 0.7 WHERE accelerator = 'nvidia/a800'$$),
	('siblings agree', $$DELETE FROM peak WHERE accelerator = 'nvidia/gh200' AND number_format = 'fp8'$$),
	('class fits fp64', $$UPDATE model SET class = 'super' WHERE accelerator = 'nvidia/a100'$$),
	('class fits fp64', $$UPDATE model SET class = 'intelligent' WHERE accelerator = 'amd/mi250x'$$),
	('host port cannot decide', $$UPDATE model SET io_bandwidth = 500 WHERE accelerator = 'nvidia/a800-sxm4-80gb'$$),
	('host port cannot decide', $$UPDATE model SET io_bandwidth = 250 WHERE accelerator = 'amd/mi250x'$$),
	('150 chips have a rate', $$DELETE FROM peak WHERE vendor(accelerator) IN ('nvidia', 'amd')$$),
	('every maker is there', $$DELETE FROM peak WHERE vendor(accelerator) = 'alibaba'$$);

CREATE FUNCTION pg_temp.seen(statement text, check_name text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	changed bigint;
	seen boolean;
BEGIN
	BEGIN
		EXECUTE statement;
		GET DIAGNOSTICS changed = ROW_COUNT;
		IF changed = 0 THEN RAISE EXCEPTION 'nothing was spoilt by: %', statement; END IF;
		seen := EXISTS (SELECT FROM finding AS f WHERE f.check_name = seen.check_name);
		RAISE EXCEPTION USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
		RETURN seen;
	END;
END $$;
SELECT check_name, statement FROM spoil WHERE NOT pg_temp.seen(statement, check_name) ORDER BY n;
-- and no check is left out
SELECT DISTINCT replace(m[1], '''''', '''') AS check_name
FROM regexp_matches(pg_get_viewdef('doubt'::regclass), $$(?:SELECT\s+|THEN |ELSE )'((?:[^']|'')+)'::text$$, 'g') AS m
EXCEPT SELECT check_name FROM spoil ORDER BY 1;
SELECT count(*) AS tried, count(DISTINCT check_name) AS checks FROM spoil;
SELECT count(*) AS findings_after FROM finding;

-- What sources disagree about, as docs/reference-data.md decides it; NULL is a decision too.
SELECT a, memory_gb, memory_bandwidth, round(fp64, 2) AS fp64, round(fp32, 2) AS fp32, round(half, 1) AS half, round(fp8, 1) AS fp8, round(fp4) AS fp4, round(int8, 1) AS int8
FROM unnest('{biren/br100,nvidia/b200,nvidia/gb200,nvidia/b300,nvidia/gb300,nvidia/vr200,intel/gaudi3,moorethreads/mtt-s5000,sunway/sw26010-pro,amd/mi308x,cambricon/mlu590,iluvatar/bi-v150,metax/c550-oam,metax/c600,kunlunxin/p800,alibaba/ppu,enflame/s60,enflame/l600}'::accelerator[]) WITH ORDINALITY AS x (a, n)
LEFT JOIN model ON model.accelerator = a LEFT JOIN rates ON rates.accelerator = a ORDER BY n;
-- Chips of 2025 and 2026, and how many formats have a rate.
SELECT a, memory_gb, (SELECT count(DISTINCT number_format) FROM peak AS p WHERE p.accelerator @> a) AS formats, model.accelerator IS NULL AS missing
FROM unnest('{nvidia/rtx-5070-ti,nvidia/rtx-4080-s,nvidia/rtx-pro-2000,nvidia/rtx-pro-4000,nvidia/rtx-pro-4500,nvidia/rtx4000sfada,nvidia/l40g,amd/rx-9070-xt,intel/arc-b580,intel/arc-pro-b50,intel/arc-pro-b60,intel/arc-pro-b70,nvidia/agx-orin-64gb,nvidia/orin,nvidia/jetson-thor,amd/mi430x,amd/mi440x,amd/mi455x,nvidia/vr200,tenstorrent/p100a,tenstorrent/p150,cambricon/mlu580,cambricon/mlu585,hygon/z100l,biren/br166,huawei/ascend910b2c}'::accelerator[]) WITH ORDINALITY AS x (a, n)
LEFT JOIN model ON model.accelerator = a ORDER BY n;

-- The worked values of the export rules: TPP, and TPP over the die.
SELECT r.accelerator, round(tpp) AS tpp, m.die_area, round(tpp / m.die_area, 1) AS density
FROM (VALUES ('nvidia/h100-sxm'::accelerator, 'nvidia/h100-sxm5-80gb'::accelerator), ('nvidia/a100', 'nvidia/a100-sxm4-80gb'), ('nvidia/a800', 'nvidia/a800-sxm4-80gb'),
	('nvidia/h20', 'nvidia/h20-96gb'), ('nvidia/rtx-4090', 'nvidia/rtx-4090'), ('nvidia/rtx-4090d', 'nvidia/rtx-4090d'), ('nvidia/rtx-5090d', 'nvidia/rtx-5090d')) AS v (class, chip)
JOIN rates AS r ON r.accelerator = v.class JOIN model AS m ON m.accelerator = v.chip
ORDER BY r.tpp DESC, 1;
-- A node as its driver lists it: what Slurm and npu-smi count, times the rate, is what the modules have.
SELECT node, devices, devices / coalesce(m.devices_per_module, 1) AS modules, devices * m.memory_gb AS gb, devices * peak_rate(m.accelerator, f) AS node_rate
FROM (VALUES ('Frontier, 4 MI250X', 8, 'amd/mi250x'::accelerator, 'fp16'), ('Atlas 800 A3, 8 Ascend 910C', 16, 'huawei/ascend-910c', 'fp16'), ('Aurora, 6 Max 1550', 12, 'intel/max-1550', 'fp16'),
	('p2.16xlarge, 8 K80', 16, 'nvidia/k80', 'fp32'), ('4 AI 100 Ultra', 16, 'qualcomm/ai100-ultra', 'int8'), ('8 MI300X in SPX', 8, 'amd/mi300x', 'fp16'), ('DGX B200', 8, 'nvidia/b200', 'fp16')) AS v (node, devices, a, f)
JOIN model AS m ON m.accelerator = v.a ORDER BY node;
