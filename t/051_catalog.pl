# The shipped figures of accelerators against public tables beside the checkout:
# where they agree, and every place where they do not, with the reason.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = '../shared/data';
plan skip_all => "no public tables to compare with in $data" unless -r "$data/specs_epoch_ml_hardware.csv";

my $node = PostgreSQL::Test::Cluster->new('catalog');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');

# Loads a CSV file with a header into a table of text columns c1, c2, ...
sub load_csv
{
	my ($table, $file, $columns) = @_;
	my $abs = "$node->{_basedir}/$table.csv";
	PostgreSQL::Test::Utils::append_to_file($abs, slurp_file("$data/$file"));
	my $list = join ', ', map { "c$_ text" } 1 .. $columns;
	$node->safe_psql('postgres', "CREATE TABLE $table ($list); COPY $table FROM '$abs' (FORMAT csv, HEADER)");
	return;
}

# Loads lines of "a | b | c" into a table.
sub load_lines
{
	my ($table, $columns, $text) = @_;
	my @rows = map { [ map { s/^\s+|\s+$//gr } split /\|/ ] } grep { /\S/ } split /\n/, $text;
	$node->safe_psql('postgres', "CREATE TABLE $table ($columns); INSERT INTO $table VALUES "
		. join(', ', map { '(' . join(', ', map { $_ eq '' ? 'NULL' : "'" . s/'/''/gr . "'" } @$_) . ')' } @rows));
	return;
}

# Asserts that a query returns no row; shows the rows otherwise.
sub none
{
	my ($query, $name) = @_;
	my $rows = $node->safe_psql('postgres', "SET search_path = public, compute_ledger; $query");
	is($rows, '', $name);
	return;
}

load_csv('epoch', 'specs_epoch_ml_hardware.csv', 36);
load_csv('conflict', 'specs_published_conflicts.csv', 6);
load_csv('measured', 'measured_tflops.csv', 5);
load_csv('truth', 'names_alias_truth.csv', 7);
load_csv('fact', 'facts_export_control_h20.csv', 5);

$node->safe_psql('postgres', <<'SQL');
SET search_path = public, compute_ledger;
-- The shipped rate of a chip in TFLOPS, from the most specific row.
CREATE FUNCTION tflops(a accelerator, f text) RETURNS numeric LANGUAGE sql STABLE
	SET search_path = public, compute_ledger
	AS $$ SELECT rate::numeric / 1e12 FROM accelerator_peak
		WHERE shipped AND upper_inf(recorded) AND number_format = f AND accelerator @> a
		ORDER BY specificity(accelerator) DESC LIMIT 1 $$;
SQL

# ------------------------------------------------------------------ Epoch AI's table
# Name there | identity here | devices that one of its rows is
load_lines('epoch_map', 'name text, accelerator compute_ledger.accelerator, devices int', <<'MAP');
Meta MTIA 300 | meta/mtia-300 | 1
Amazon Trainium3 | aws/trainium3 | 1
Huawei Ascend 920 | huawei/ascend-920 | 1
NVIDIA GB300 (Blackwell Ultra) | nvidia/gb300 | 1
AMD Instinct MI355X | amd/mi355x | 1
AMD Instinct MI350X | amd/mi350x | 1
NVIDIA B200 | nvidia/b200 | 1
Maia 100 (M100) | microsoft/maia-100 | 1
Meta MTIA v2 (MTIA 200) | meta/mtia-v2 | 1
Google TPU v5p | google/tpu-v5p | 1
AMD Instinct MI300X | amd/mi300x | 1
AMD Radeon Instinct MI308X | amd/mi308x | 1
NVIDIA HGX H20 | nvidia/h20-96gb | 1
NVIDIA L2 PCle | nvidia/l2 | 1
Google TPU v5e | google/tpu-v5e | 1
MetaX MXC500 (PCIe) | metax/c500-pcie | 1
MetaX MXN100 | metax/n100 | 1
Meta MTIA v1 (MTIA 100) | meta/mtia-v1 | 1
AWS Inferentia2 | aws/inferentia2 | 1
NVIDIA H800 SXM5 | nvidia/h800-sxm5-80gb | 1
NVIDIA L4 | nvidia/l4 | 1
NVIDIA GeForce RTX 4070 | nvidia/rtx-4070 | 1
Intel Data Center GPU Max 1100 | intel/max-1100 | 1
Intel Data Center GPU Max 1350 | intel/max-1350 | 2
Intel Data Center GPU Max 1550 | intel/max-1550 | 2
AMD Instinct MI300A | amd/mi300a | 1
Baidu Kunlun RG800 | kunlunxin/rg800 | 1
MetaX MXC500 (OAM) | metax/c500-oam | 1
Tianshu Zhixin Zhikai 100 | iluvatar/mr-v100 | 1
NVIDIA A800 PCIe 40 GB | nvidia/a800-pcie-40gb | 1
AMD Radeon RX 7900 XTX | amd/rx-7900-xtx | 1
Amazon Trainium1 | aws/trainium1 | 1
NVIDIA L40 | nvidia/l40 | 1
NVIDIA H100 PCIe | nvidia/h100-pcie-80gb | 1
NVIDIA GeForce RTX 4090 | nvidia/rtx-4090 | 1
NVIDIA H100 SXM5 80GB | nvidia/h100-sxm5-80gb | 1
NVIDIA GeForce RTX 4080 | nvidia/rtx-4080 | 1
NVIDIA A800 SXM | nvidia/a800-sxm4-80gb | 1
Intel Habana Gaudi2 | intel/gaudi2 | 1
NVIDIA GeForce RTX 3090 Ti | nvidia/rtx-3090-ti | 1
Cambricon MLU370-X8 | cambricon/mlu370-x8 | 1
Huawei Ascend 910B | huawei/ascend-910b | 1
Baidu Kunlun R200 (150W) | kunlunxin/r200-16gb | 1
Cambricon MLU370-S4/S8 | cambricon/mlu370-s4 | 1
Cambricon MLU370-S4 | cambricon/mlu370-s4 | 1
Tesla D1 Dojo | tesla/d1 | 1
Shensuan-1 | hygon/shensuan-1 | 1
Google TPU v4 | google/tpu-v4 | 1
NVIDIA RTX A4000 | nvidia/rtx-a4000 | 1
NVIDIA A10G | nvidia/a10g | 1
NVIDIA RTX A5000 | nvidia/rtx-a5000 | 1
NVIDIA A10 PCIe | nvidia/a10 | 1
Tianshu Zhixin Tiangai 100 (BI-V100) | iluvatar/bi-v100 | 1
NVIDIA A100 SXM4 80 GB | nvidia/a100-sxm4-80gb | 1
NVIDIA RTX A6000 | nvidia/rtx-a6000 | 1
NVIDIA A40 PCIe | nvidia/a40 | 1
NVIDIA GeForce RTX 3080 | nvidia/rtx-3080 | 1
NVIDIA GeForce RTX 3090 | nvidia/rtx-3090 | 1
NVIDIA A100 PCIe | nvidia/a100-pcie-40gb | 1
NVIDIA A100 SXM4 40 GB | nvidia/a100-sxm4-40gb | 1
NVIDIA A100 | nvidia/a100 | 1
Google TPU v4i | google/tpu-v4i | 1
Baidu Kunlun K200 | kunlunxin/k200 | 1
NVIDIA Tesla V100S PCIe 32 GB | nvidia/v100s-pcie-32gb | 1
T-Head Hanguang 800 | alibaba/hanguang-800 | 1
Huawei Ascend 910A | huawei/ascend-910a | 1
Huawei Ascend 910 | huawei/ascend-910 | 1
Cambricon MLU270-F4 | cambricon/mlu270-f4 | 1
Intel Habana GAUDI HL-205 | intel/gaudi | 1
NVIDIA Quadro RTX 4000 | nvidia/rtx-4000 | 1
Huawei Ascend 310 | huawei/ascend-310 | 1
NVIDIA Tesla T4 | nvidia/t4 | 1
NVIDIA Quadro RTX 6000 | nvidia/rtx-6000 | 1
NVIDIA Quadro RTX 8000 | nvidia/rtx-8000 | 1
Google TPU v3 | google/tpu-v3 | 1
NVIDIA Tesla V100 PCIe 32 GB | nvidia/v100-pcie-32gb | 1
NVIDIA Tesla V100 SXM3 32 GB | nvidia/v100-sxm3-32gb | 1
NVIDIA Tesla V100 SXM2 32 GB | nvidia/v100-sxm2-32gb | 1
NVIDIA Titan V | nvidia/titan-v | 1
NVIDIA Tesla V100 SXM2 | nvidia/v100-sxm2-16gb | 1
NVIDIA Tesla V100 SXM2 16 GB | nvidia/v100-sxm2-16gb | 1
Google TPU v2 | google/tpu-v2 | 1
NVIDIA TITAN Xp | nvidia/titan-xp | 1
NVIDIA GeForce GTX 1080 Ti | nvidia/gtx-1080-ti | 1
MT-2000 | nudt/matrix-2000 | 1
NVIDIA Quadro P5000 | nvidia/quadro-p5000 | 1
NVIDIA Quadro P6000 | nvidia/quadro-p6000 | 1
NVIDIA P40 | nvidia/p40 | 1
NVIDIA Tesla P4 | nvidia/p4 | 1
NVIDIA Tesla P100 PCIe 16GB | nvidia/p100-pcie-16gb | 1
NVIDIA P100 PCIe 16GB | nvidia/p100-pcie-16gb | 1
NVIDIA GeForce GTX 1080 | nvidia/gtx-1080 | 1
Google TPU v1 | google/tpu-v1 | 1
NVIDIA GeForce GTX TITAN X | nvidia/gtx-titan-x | 1
NVIDIA Tesla K80 | nvidia/k80 | 2
NVIDIA GeForce GTX 980 | nvidia/gtx-980 | 1
NVIDIA GeForce GTX Titan Black | nvidia/titan-black | 1
NVIDIA Tesla K40t | nvidia/k40 | 1
NVIDIA Quadro K6000 | nvidia/quadro-k6000 | 1
NVIDIA GeForce GTX 780 | nvidia/gtx-780 | 1
NVIDIA GeForce GTX TITAN | nvidia/gtx-titan | 1
NVIDIA Tesla K20c | nvidia/k20 | 1
NVIDIA Tesla K20X | nvidia/k20x | 1
NVIDIA Tesla C2050 | nvidia/c2050 | 1
Huawei Ascend 910B1 (v1) | huawei/ascend-910b1 | 1
Huawei Ascend 910B3 | huawei/ascend-910b3 | 1
Huawei Ascend 910B4 | huawei/ascend-910b4-32gb | 1
NVIDIA Rubin CPX | nvidia/rubin-cpx | 1
Huawei Ascend 950DT | huawei/ascend-950dt | 1
Huawei Ascend 970 | huawei/ascend-970 | 1
Cambricon Siyuan 690 | cambricon/mlu690 | 1
MAP

# Rows of it that have no identity of their own here, and why.
load_lines('epoch_left_out', 'name text, reason text', <<'OUT');
AMD Radeon Instinct MI300 | an early name; sold as MI300A and MI300X
Huawei Ascend 910A Pro | longer than a model name can be
Huawei Ascend 910A Premium | longer than a model name can be
Huawei Ascend 910B Pro | longer than a model name can be
Huawei Ascend 910B1 (v2) | has no rate
NVIDIA Tesla V100 DGXS 16 GB | a workstation's V100: vector rates and clocks of its own
NVIDIA V100 | the form is not said, and the rates differ by form
NVIDIA P100 | the form is not said, and the rates differ by form
NVIDIA Tesla P100 DGXS | a workstation's P100
NVIDIA VR300 (Rubin Ultra) | announced, without figures
OUT

# Where a figure here differs from it by more than 2 percent, and why (docs/reference-data.md).
load_lines('epoch_differs', 'name text, quantity text, reason text', <<'DIFF');
Meta MTIA 300 | tpp | theirs is the MTIA 200's
AMD Instinct MI355X | fp8 | theirs is the MI350X's
AMD Instinct MI355X | fp4 | theirs is the MI350X's
AMD Instinct MI355X | int4 | a copy of fp4: no int4 units
AMD Instinct MI355X | tpp | theirs counts vector fp16
AMD Instinct MI350X | int4 | a copy of fp4: no int4 units
AMD Instinct MI350X | tpp | theirs counts vector fp16
NVIDIA GB300 (Blackwell Ultra) | memory | NVIDIA's newest datasheet has 279
NVIDIA GB300 (Blackwell Ultra) | int4 | a copy of fp4: no int4 units
NVIDIA B200 | int4 | a copy of fp4: no int4 units
NVIDIA B200 | fp64 | vector, computed from clocks; the datasheet has 37
NVIDIA B200 | fp32 | computed from clocks; the datasheet has 75
Meta MTIA v2 (MTIA 200) | memory | on-chip memory
Meta MTIA v2 (MTIA 200) | bandwidth | of on-chip memory
Meta MTIA v1 (MTIA 100) | memory | on-chip memory
Meta MTIA v1 (MTIA 100) | bandwidth | of on-chip memory
AMD Instinct MI300X | fp64 | vector; the matrix rate is twice that
AMD Instinct MI300A | fp64 | vector; the matrix rate is twice that
AMD Radeon Instinct MI308X | 16 bits | vector, of the full MI300X; no rate is shipped
AMD Radeon Instinct MI308X | fp64 | vector, of the full MI300X; no rate is shipped
AMD Radeon Instinct MI308X | fp32 | vector, of the full MI300X; no rate is shipped
AMD Radeon Instinct MI308X | bandwidth | twice that of the same memory on the MI300X
MetaX MXC500 (PCIe) | bandwidth | ten times too much
MetaX MXC500 (OAM) | bandwidth | ten times too much
MetaX MXC500 (OAM) | fp32 | vector; the matrix rate is twice that
Amazon Trainium1 | int8 | the present documentation has 380
NVIDIA H800 SXM5 | fp64 | limited to 1 by the datasheet
NVIDIA H800 SXM5 | fp32 | computed from other clocks than the datasheet's
NVIDIA H800 SXM5 | tf32 | the datasheet has that of the H100
NVIDIA GeForce RTX 4070 | 16 bits | vector
NVIDIA GeForce RTX 4070 | tdp | that of the RTX 4070 Ti
Intel Data Center GPU Max 1100 | 16 bits | vector
Intel Data Center GPU Max 1100 | die | of the two stacks of a Max 1550; the card has one
Intel Data Center GPU Max 1100 | tpp | from vector rates
Intel Data Center GPU Max 1350 | 16 bits | vector
Intel Data Center GPU Max 1350 | tpp | from vector rates
Intel Data Center GPU Max 1550 | 16 bits | vector
Intel Data Center GPU Max 1550 | tpp | from vector rates
NVIDIA A800 PCIe 40 GB | fp64 | vector; the tensor rate is twice that
AMD Radeon RX 7900 XTX | tdp | the vendor has 355
NVIDIA H100 PCIe | fp64 | vector; the tensor rate is twice that
NVIDIA H100 SXM5 80GB | fp64 | vector; the tensor rate is twice that
NVIDIA GeForce RTX 4080 | 16 bits | vector
NVIDIA A800 SXM | fp64 | vector; the tensor rate is twice that
Intel Habana Gaudi2 | 16 bits | the vendor has 432
Intel Habana Gaudi2 | tpp | from 450 at 16 bits
NVIDIA RTX A4000 | 16 bits | vector
NVIDIA RTX A4000 | fp64 | at 1/32; the chip has 1/64
NVIDIA RTX A4000 | tpp | from vector rates
NVIDIA A10G | 16 bits | vector
NVIDIA A10G | fp64 | at 1/32; the chip has 1/64
NVIDIA A10G | tpp | from vector rates
NVIDIA RTX A5000 | 16 bits | vector
NVIDIA RTX A5000 | fp64 | at 1/32; the chip has 1/64
NVIDIA RTX A5000 | tpp | from vector rates
NVIDIA A10 PCIe | 16 bits | vector
NVIDIA A10 PCIe | fp64 | at 1/32; the chip has 1/64
Tianshu Zhixin Tiangai 100 (BI-V100) | 16 bits | the vendor states 147
Tianshu Zhixin Tiangai 100 (BI-V100) | fp32 | the vendor states 37
Tianshu Zhixin Tiangai 100 (BI-V100) | int8 | the vendor states 295
Tianshu Zhixin Tiangai 100 (BI-V100) | tpp | from 256 at int8
NVIDIA A100 SXM4 80 GB | fp64 | vector; the tensor rate is twice that
NVIDIA RTX A6000 | 16 bits | vector
NVIDIA RTX A6000 | fp64 | at 1/32; the chip has 1/64
NVIDIA RTX A6000 | tpp | from vector rates
NVIDIA GeForce RTX 3080 | 16 bits | vector
NVIDIA GeForce RTX 3080 | tpp | from vector rates
NVIDIA GeForce RTX 3090 | 16 bits | vector
NVIDIA A100 PCIe | fp64 | vector; the tensor rate is twice that
NVIDIA A100 PCIe | bandwidth | that of the 80 GB card
NVIDIA A100 PCIe | tdp | that of the 80 GB card
NVIDIA A100 SXM4 40 GB | fp64 | vector; the tensor rate is twice that
NVIDIA A100 | fp64 | vector; the tensor rate is twice that
Huawei Ascend 910A | bandwidth | Hot Chips 31 has 1.2 TB/s
Huawei Ascend 910 | bandwidth | Hot Chips 31 has 1.2 TB/s
Huawei Ascend 910 | die | with memory and dummy dies
NVIDIA Quadro RTX 4000 | 16 bits | vector
NVIDIA Quadro RTX 4000 | tpp | from vector rates
NVIDIA Quadro RTX 6000 | 16 bits | vector
NVIDIA Quadro RTX 6000 | tpp | from vector rates
NVIDIA Quadro RTX 8000 | 16 bits | vector
NVIDIA Quadro RTX 8000 | tpp | from vector rates
NVIDIA Tesla V100 SXM3 32 GB | bandwidth | that of the SXM2 module
NVIDIA Tesla V100 SXM3 32 GB | tdp | that of the SXM2 module
NVIDIA Titan V | 16 bits | vector
NVIDIA Titan V | tpp | from vector rates
Google TPU v2 | bandwidth | the paper has 700
Google TPU v2 | tpp | not recomputed when 45 became 46
NVIDIA P40 | bandwidth | twice that of its memory
NVIDIA Tesla K80 | bandwidth | of one GPU of the two
NVIDIA Tesla K80 | die | of one GPU of the two
NVIDIA Tesla P100 PCIe 16GB | fp32 | computed from clocks; the datasheet has 9.3
NVIDIA P100 PCIe 16GB | 16 bits | rounded up; the datasheet has 18.7
NVIDIA P100 PCIe 16GB | fp32 | rounded up; the datasheet has 9.3
Google TPU v1 | memory | 8 GiB in bytes
NVIDIA Rubin CPX | fp4 | not said to be dense; no rate is shipped
DIFF

$node->safe_psql('postgres', <<'SQL');
SET search_path = public, compute_ledger;
CREATE VIEW epoch_compared AS
WITH e AS (
	SELECT c1 AS name, m.accelerator, m.devices, m.devices * coalesce(tflops(m.accelerator, 'fp16'), tflops(m.accelerator, 'bf16')) AS half,
		coalesce(nullif(c6, ''), nullif(c17, ''))::numeric AS e_half, x.*, nullif(c34, '')::numeric AS e_tpp, c9, c10, c13, c22
	FROM epoch JOIN epoch_map AS m ON m.name = c1,
		LATERAL (VALUES (nullif(c7, '')::numeric, nullif(c8, '')::numeric, nullif(c14, '')::numeric, nullif(c15, '')::numeric,
			nullif(c16, '')::numeric, nullif(c19, '')::numeric, nullif(c20, '')::numeric)) AS x (fp8, fp4, fp64, fp32, tf32, int8, int4))
SELECT name, q AS quantity, round(ours, 4) AS ours, round(theirs, 4) AS theirs FROM e, LATERAL (
	SELECT '16 bits', half, e_half / 1e12
	UNION ALL SELECT f, devices * tflops(accelerator, f), t / 1e12
		FROM (VALUES ('fp8', fp8), ('fp4', fp4), ('fp64', fp64), ('fp32', fp32), ('tf32', tf32), ('int8', int8), ('int4', int4)) AS v (f, t)
	UNION ALL SELECT 'tpp', devices * tpp(accelerator) / coalesce((SELECT devices_per_package FROM accelerator_model AS m
		WHERE m.shipped AND upper_inf(m.recorded) AND m.accelerator = e.accelerator), 1), e_tpp / 1e12
	UNION ALL SELECT k, v, t FROM accelerator_model AS m, LATERAL (VALUES
			('memory', devices * m.memory_gb, nullif(c9, '')::numeric / 1e9), ('bandwidth', devices * memory_bandwidth, nullif(c10, '')::numeric / 1e9),
			('tdp', m.tdp, nullif(c13, '')::numeric), ('die', devices * m.die_area, nullif(c22, '')::numeric)) AS w (k, v, t)
		WHERE m.shipped AND upper_inf(m.recorded) AND m.accelerator = e.accelerator AND v IS NOT NULL
) AS r (q, ours, theirs)
WHERE theirs IS NOT NULL;
SQL

none('SELECT c1 FROM epoch WHERE c1 NOT IN (SELECT name FROM epoch_map UNION SELECT name FROM epoch_left_out)', 'every row of the Epoch AI table is compared or left out with a reason');
none('SELECT name FROM epoch_map UNION SELECT name FROM epoch_left_out EXCEPT SELECT c1 FROM epoch', 'and every name is in it');
none(q{SELECT name, quantity, ours, theirs FROM epoch_compared AS c WHERE (ours IS NULL OR abs(ours - theirs) > 0.02 * theirs)
	AND NOT EXISTS (SELECT FROM epoch_differs AS d WHERE d.name = c.name AND d.quantity = c.quantity)}, 'figures agree with it, or the difference has a reason');
none(q{SELECT name, quantity FROM epoch_differs AS d WHERE NOT EXISTS (SELECT FROM epoch_compared AS c WHERE c.name = d.name AND c.quantity = d.quantity
	AND (ours IS NULL OR abs(ours - theirs) > 0.02 * theirs))}, 'and every such difference is still one');
my $compared = $node->safe_psql('postgres', 'SELECT count(*) FROM epoch_compared');
cmp_ok($compared, '>', 500, "$compared figures compared");
is($node->safe_psql('postgres', q{SELECT count(*) > 80 FROM epoch_compared WHERE quantity = 'tpp' AND abs(ours - theirs) <= 0.02 * theirs}), 't',
	'total processing performance comes out as published');

# ------------------------------------------------------------------ figures published in conflict
load_lines('device', 'name text, accelerator compute_ledger.accelerator', <<'DEVICE');
NVIDIA A100 | nvidia/a100
NVIDIA A100 SXM | nvidia/a100-sxm4-80gb
NVIDIA H100 PCIe | nvidia/h100-pcie-80gb
NVIDIA H100 SXM | nvidia/h100-sxm5-80gb
NVIDIA H200 SXM | nvidia/h200-sxm-141gb
NVIDIA H800 SXM | nvidia/h800-sxm5-80gb
NVIDIA H20 | nvidia/h20-96gb
NVIDIA L20 | nvidia/l20
NVIDIA L2 | nvidia/l2
NVIDIA L4 | nvidia/l4
NVIDIA A10 | nvidia/a10
NVIDIA A30 | nvidia/a30
NVIDIA T4 | nvidia/t4
NVIDIA V100 SXM2 | nvidia/v100-sxm2-16gb
NVIDIA B100 | nvidia/b100
NVIDIA B200 | nvidia/b200
Huawei Ascend 910B | huawei/ascend-910b
Huawei Ascend 310 | huawei/ascend-310
Biren BR100 | biren/br100
Cambricon MLU370 | cambricon/mlu370
Iluvatar BI-V100 | iluvatar/bi-v100
DEVICE

# A published figure that is not the dense one here, nor twice it: decided against.
load_lines('decided', 'device text, quantity text, value numeric, reason text', <<'DECIDED');
NVIDIA A100 | bf16 | 156 | the tf32 figure: the datasheet has bf16 as fp16
NVIDIA L2 | bf16 | 95.6 | digits swapped: half of int8 (193) is 96.5
NVIDIA B100 | bf16 | 1800 | rounded from 1750
NVIDIA B200 | fp64 | 90 | of the superchip with two, early sheet
NVIDIA B200 | fp32 | 180 | of the superchip with two, early sheet
NVIDIA B200 | fp16 | 2500 | of a GPU in GB200
NVIDIA B200 | fp8 | 5000 | of a GPU in GB200
NVIDIA B200 | int8 | 10000 | sparse, of a GPU in GB200
NVIDIA B200 | fp4 | 5000 | the fp8 figure of a GPU in GB200
NVIDIA H800 SXM | fp64 | 34 | the H100's: fp64 of the H800 is limited to 1
NVIDIA A100 SXM | fp16 | 300 | rounded
NVIDIA A100 SXM | fp16 | 600 | sparse and rounded
Huawei Ascend 910B | fp16 | 320 | below what was measured (328)
Huawei Ascend 910B | fp16 | 220 | below what was measured (328)
Huawei Ascend 910B | int8 | 640 | twice the 320 that was measured past; no int8 figure is shipped
Biren BR100 | fp16 | 256 | the fp32 figure; no fp16 figure is shipped
Iluvatar BI-V100 | fp16 | 128 | the vendor states 147
Iluvatar BI-V100 | int8 | 256 | the vendor states 295
DECIDED

$node->safe_psql('postgres', <<'SQL');
SET search_path = public, compute_ledger;
CREATE VIEW conflict_judged AS
SELECT c1 AS device, c2 AS quantity, c3::numeric AS value, c4 AS sparsity, t AS ours,
	CASE WHEN abs(c3::numeric - t) <= 0.005 * t THEN 'dense' WHEN abs(c3::numeric - 2 * t) <= 0.005 * t THEN 'sparse' END AS verdict
FROM conflict JOIN device ON name = c1, LATERAL (SELECT tflops(accelerator, c2) AS t) AS x
WHERE c2 ~ '^(fp|bf|tf|int)[0-9]+$';
SQL
none('SELECT DISTINCT c1 FROM conflict EXCEPT SELECT name FROM device', 'every device with conflicting figures is known');
none(q{SELECT * FROM conflict_judged AS j WHERE sparsity ~ '^dense' AND verdict IS DISTINCT FROM 'dense'
	AND NOT EXISTS (SELECT FROM decided AS d WHERE d.device = j.device AND d.quantity = j.quantity AND d.value = j.value)}, 'figures published as dense are the ones shipped, or decided against');
none(q{SELECT * FROM conflict_judged AS j WHERE sparsity ~ '^sparse' AND verdict IS DISTINCT FROM 'sparse'
	AND NOT EXISTS (SELECT FROM decided AS d WHERE d.device = j.device AND d.quantity = j.quantity AND d.value = j.value)}, 'figures published as sparse are twice the ones shipped, or decided against');
none(q{SELECT * FROM conflict_judged AS j WHERE verdict IS NULL
	AND NOT EXISTS (SELECT FROM decided AS d WHERE d.device = j.device AND d.quantity = j.quantity AND d.value = j.value)}, 'every other figure is one of them, or decided against');
none(q{SELECT * FROM decided AS d WHERE NOT EXISTS (SELECT FROM conflict_judged AS j WHERE d.device = j.device AND d.quantity = j.quantity AND d.value = j.value AND verdict IS DISTINCT FROM 'dense')},
	'and what was decided against is published and not shipped');
none(q{SELECT j.* FROM conflict_judged AS j JOIN accelerator_peak AS p ON p.shipped JOIN device AS d ON d.name = j.device AND p.accelerator @> d.accelerator
	WHERE j.quantity = p.number_format AND sparsity ~ '^sparse' AND p.rate::numeric / 1e12 = j.value AND p.accelerator = d.accelerator}, 'no sparse figure is shipped');

# ------------------------------------------------------------------ what was measured
load_lines('measured_device', 'name text, accelerator compute_ledger.accelerator', <<'DEVICE');
NVIDIA A800 | nvidia/a800
Huawei Ascend 910B | huawei/ascend-910b
NVIDIA B200 180GB | nvidia/b200-180gb
Tesla V100S 32GB | nvidia/v100s-pcie-32gb
NVIDIA A100 40GB | nvidia/a100-40gb
RTX 3090 24GB | nvidia/rtx-3090-24gb
RTX 2080 Ti | nvidia/rtx-2080-ti
NVIDIA A40 | nvidia/a40
NVIDIA L20 | nvidia/l20
DEVICE
none('SELECT DISTINCT c1 FROM measured EXCEPT SELECT name FROM measured_device', 'every measured device is known');
# A GeForce clocks itself over its rated boost as long as it stays cool; a data-centre part does not.
none(q{SELECT c1, c2, c3, tflops(d.accelerator, c2) FROM measured JOIN measured_device AS d ON name = c1,
		LATERAL (SELECT data_center FROM accelerator_model AS m WHERE shipped AND upper_inf(recorded) AND m.accelerator @> d.accelerator ORDER BY specificity(m.accelerator) DESC LIMIT 1) AS m
	WHERE c3::numeric > tflops(d.accelerator, c2) * CASE WHEN data_center THEN 1 ELSE 1.25 END}, 'no measured rate exceeds the peak');
none(q{SELECT c1, c2, c4 FROM measured JOIN measured_device AS d ON name = c1 WHERE (tflops(d.accelerator, c2) IS NULL) <> (c4 ~ 'no native')}, 'and what has no peak has no such units');

# ------------------------------------------------------------------ identities
none(q{SELECT DISTINCT c3 FROM truth AS t WHERE c4 <> 'masked' AND c3 !~ 'unspecified|^unknown' AND length(regexp_replace(split_part(c3, '/', 2), '-(sxm[0-9]?|pcie|oam|nvl)?(-?[0-9]+gb)?$', '')) <= 12
	AND NOT EXISTS (SELECT FROM accelerator_model AS m WHERE m.shipped AND upper_inf(m.recorded) AND (m.accelerator @> t.c3::accelerator OR t.c3::accelerator @> m.accelerator))},
	'every chip that names are mapped to has a model row');

SKIP:
{
	my $names = '../shared/cases/names_2026.csv';
	skip "no names to look for in $names", 1 unless -r $names;
	my $copy = "$node->{_basedir}/names.csv";
	PostgreSQL::Test::Utils::append_to_file($copy, slurp_file($names));
	$node->safe_psql('postgres', "CREATE TABLE fresh (name text, system text, expected text, now text); COPY fresh FROM '$copy' (FORMAT csv, HEADER)");
	none(q{SELECT DISTINCT expected FROM fresh AS t WHERE expected ~ '/'
		AND NOT EXISTS (SELECT FROM accelerator_model AS m WHERE m.shipped AND upper_inf(m.recorded) AND (m.accelerator @> t.expected::accelerator OR t.expected::accelerator @> m.accelerator))},
		'and so has every chip that names of 2025 and 2026 are mapped to');
}

# ------------------------------------------------------------------ export rules
none(q{SELECT c2, c3 FROM fact WHERE c1 = 'chip' AND c2 ~ 'FP16/BF16' AND c3::numeric NOT IN (tflops('nvidia/h20-96gb', 'fp16'), tflops('nvidia/h20-96gb', 'bf16'))
	OR c1 = 'chip' AND c2 ~ 'FP8/INT8' AND c3::numeric NOT IN (tflops('nvidia/h20-96gb', 'fp8'), tflops('nvidia/h20-96gb', 'int8'))
	OR c2 ~ 'die area' AND c3::numeric <> (SELECT die_area FROM accelerator_model WHERE shipped AND upper_inf(recorded) AND accelerator = 'nvidia/h20-96gb')
	OR c2 = 'NVIDIA H20 TPP' AND c3::numeric <> tpp('nvidia/h20-96gb')
	OR c2 = 'NVIDIA H20 performance density' AND c3::numeric <> round(tpp('nvidia/h20-96gb') / 814, 2)}, 'the H20 is as the export rules saw it');

$node->stop;
done_testing();
