-- Chips as a key: grouping and class filters beside text.  40 chips, the k-th with a share of
-- 1/k; the class nvidia/h20 is the last two, 1.2% of the rows.  The text column has
-- collation C, whose comparisons are memcmp and whose btree serves LIKE 'prefix%'.
-- @setup
CREATE TABLE chip (k int4 PRIMARY KEY, name text COLLATE "C");
INSERT INTO chip
SELECT row_number() OVER (), name
FROM unnest(string_to_array(
	'nvidia/a800-sxm4-80gb nvidia/h800-sxm5-80gb nvidia/h100-sxm5-80gb nvidia/a100-sxm4-80gb huawei/ascend-910b3-64gb '
	'nvidia/a100-sxm4-40gb nvidia/h200-sxm5-141gb nvidia/v100-sxm2-32gb nvidia/a10-pcie-24gb nvidia/t4-pcie-16gb '
	'nvidia/v100-sxm2-16gb nvidia/l40s-pcie-48gb nvidia/a100-pcie-40gb nvidia/l4-pcie-24gb nvidia/h100-pcie-80gb '
	'nvidia/a800-pcie-80gb nvidia/a100-pcie-80gb nvidia/a40-pcie-48gb nvidia/a30-pcie-24gb nvidia/l20-pcie-48gb '
	'nvidia/p100-pcie-16gb nvidia/v100-pcie-16gb nvidia/rtx-4090-24gb nvidia/rtx-a6000-48gb nvidia/l40-pcie-48gb '
	'amd/mi300x-oam-192gb amd/mi250x-oam-128gb amd/mi210-pcie-64gb intel/gaudi2-oam-96gb intel/gaudi3-oam-128gb '
	'google/tpu-v4 google/tpu-v5e google/tpu-v5p aws/trainium1-32gb aws/inferentia2-32gb '
	'cambricon/mlu370-x8-48gb nvidia/p4-pcie-8gb nvidia/k80-pcie-24gb nvidia/h20-sxm5-96gb nvidia/h20-sxm5-141gb', ' ')) AS name;
CREATE TABLE pick AS
SELECT array_agg(name ORDER BY k) AS names, array_agg(bound ORDER BY k) AS bounds
FROM (SELECT k, name, (sum(1.0 / k) OVER (ORDER BY k))::float8 AS bound FROM chip) AS z;
CREATE TABLE by_text (region int4 NOT NULL, account int4 NOT NULL, chip text COLLATE "C" NOT NULL, used compute_unit NOT NULL);
INSERT INTO by_text
SELECT floor(random() * 16), floor(random() * 1000), names[least(40, 1 + width_bucket(random() * bounds[40], bounds))],
	compute_unit '1 MFLOPh@bf16' * (random() * 1e12)::int8
FROM pick, generate_series(1, {rows});
CREATE TABLE by_accelerator (region int4 NOT NULL, account int4 NOT NULL, chip accelerator NOT NULL, used compute_unit NOT NULL);
INSERT INTO by_accelerator SELECT region, account, chip::accelerator, used FROM by_text;
CREATE INDEX ON by_text (chip);
CREATE INDEX ON by_accelerator (chip);
VACUUM (FREEZE, ANALYZE) by_text, by_accelerator;
SELECT sum(pg_prewarm(t)) FROM unnest(ARRAY['by_text', 'by_accelerator', 'by_text_chip_idx', 'by_accelerator_chip_idx']) AS t;

-- @case group-by-chip: sum by chip, 40 chips
-- @check the sums are the same
SELECT count(*) = 0 FROM (SELECT chip::text COLLATE "C", sum(used) FROM by_accelerator GROUP BY chip
	EXCEPT SELECT chip, sum(used) FROM by_text GROUP BY chip) AS x;
-- @run accelerator
SELECT chip, sum(used) FROM by_accelerator GROUP BY chip;
-- @run text
SELECT chip, sum(used) FROM by_text GROUP BY chip;
-- @ratio accelerator / text <= 0.9

-- @case class-filter-heap: rows of a class, heap fetches
-- @check both tables are in random order
SELECT max(abs(correlation)) < 0.1 FROM pg_stats WHERE tablename IN ('by_text', 'by_accelerator') AND attname = 'chip';
-- @check the sums are the same
SELECT (SELECT sum(used) FROM by_accelerator WHERE chip <@ 'nvidia/h20') = (SELECT sum(used) FROM by_text WHERE chip LIKE 'nvidia/h20-%');
-- @run <@
SELECT sum(used) FROM by_accelerator WHERE chip <@ 'nvidia/h20';
-- @run LIKE
SELECT sum(used) FROM by_text WHERE chip LIKE 'nvidia/h20-%';
-- @ratio <@ / LIKE <= 1.05
-- @case class-filter-index: rows of a class, index only
-- @run <@
SELECT count(*) FROM by_accelerator WHERE chip <@ 'nvidia/h20';
-- @run LIKE
SELECT count(*) FROM by_text WHERE chip LIKE 'nvidia/h20-%';
-- @ratio <@ / LIKE <= 0.8
