-- Names of accelerators as systems print them.
SET search_path = public, compute_ledger;
\pset null (null)

-- One chip, many names: all of these are the SXM5 module of 80 GB.
SELECT name, identify(name) FROM (VALUES
	(1, 'NVIDIA H100 80GB HBM3'), (2, 'NVIDIA-H100-80GB-HBM3'), (3, 'gpu:nvidia_h100_80gb_hbm3:8(S:0-1)'),
	(4, 'gres/gpu:nvidia_h100_80gb_hbm3=8'), (5, '10de:2330'), (6, '0x233010DE'),
	(7, '3b:00.0 3D controller [0302]: NVIDIA Corporation GH100 [H100 SXM5 80GB] [10de:2330] (rev a1)'),
	(8, 'nvidia.com/gpu.product=NVIDIA-H100-80GB-HBM3'), (9, 'H100 SXM5 (80 GB)'), (10, 'nvidia/h100-sxm5-80gb'),
	(11, 'GH100 [H100 SXM5 80GB]'), (12, 'p5.48xlarge'), (13, 'Standard_ND96isr_H100_v5'), (14, 'h100 sxm5 81559MiB')
) AS v (n, name) ORDER BY n;

-- A name that does not say which variant is the class of those it may be.
SELECT name, identify(name) FROM (VALUES
	(1, 'A100'), (2, 'A100 80GB'), (3, 'A100-PCIE'), (4, 'A100 SXM'), (5, 'H100'), (6, 'H100 HBM3'), (7, 'NVIDIA H200'),
	(8, 'V100-32GB'), (9, 'V100M16'), (10, 'GH200'), (11, 'NVIDIA GH200 480GB'), (12, 'NVIDIA GH200 120GB'), (13, 'T4 (16 GB)'),
	(14, 'NVIDIA-L4-24GB'), (15, 'RTX 6000'), (16, 'RTX PRO 6000 Blackwell'), (17, 'nvidia.com/gpu'), (18, 'MI250X/MI250'),
	(19, 'A100|A800'), (20, 'gpu:a100:2,gpu:a100_3g.20gb:1'), (21, 'RTX 4090'), (22, 'NVIDIA GeForce RTX 4090 Laptop GPU')
) AS v (n, name) ORDER BY n;

-- Variants are never merged, and what nothing explains is not known.
SELECT left(name, 40) AS name, identify(name) FROM (VALUES
	(1, 'A100-SXM4-40GB'), (2, 'A100-SXM4-80GB'), (3, 'A100-SXM-64GB'), (4, 'H20'), (5, 'H20-3e'), (6, 'L40'), (7, 'L40S'), (8, 'L40Q'),
	(9, 'A100x'), (10, 'A100Z'), (11, 'NVIDIA H100 Foo'), (12, 'AMD A100'), (13, 'G2'), (14, 'GPU-series-1'), (15, 'MISC'), (16, 'gpu:4'),
	(17, 'gpu'), (18, ''), (19, '   '), (20, '10de:ffff'), (21, 't3.large'), (22, 'A100 40GB 80GB'), (23, 'A100 SXM4 PCIe'), (24, repeat('A100 ', 1000)),
	(25, 'gpu:volta'), (26, '1c.3g.20gb A100')
) AS v (n, name) ORDER BY n;
SELECT identify(NULL), identify(NULL, 'slurm'), identify('h100', NULL), identify_strict(NULL);

-- MIG devices.
SELECT name, identify(name) FROM (VALUES
	(1, 'NVIDIA A100-SXM4-40GB MIG 1g.5gb'), (2, 'NVIDIA-A100-SXM4-80GB-MIG-3g.40gb'), (3, 'a100_3g.20gb'), (4, 'gpu:a100_1g.5gb:2'),
	(5, 'A30 MIG 1g.6gb+me'), (6, 'NVIDIA-H100-80GB-HBM3-MIG-1g.10gb.me'), (7, 'RTX PRO 6000 Blackwell Server Edition MIG 1g.24gb+me.all'),
	(8, 'NVIDIA H100 80GB HBM3 MIG 1g.20gb-me'), (9, 'nvidia.com/mig-1g.5gb'), (10, 'NVIDIA H200 NVL MIG 7g.141gb')
) AS v (n, name) ORDER BY n;

-- A MIG device on a chip that cannot be divided, or not in that many, is not known; a slice of compute instances has their slices.
SELECT name, identify(name) FROM (VALUES
	(1, 'Tesla T4 MIG 1g.5gb'), (2, 'NVIDIA L40S MIG 2g.12gb'), (3, 'V100-SXM2-16GB MIG 1g.5gb'), (4, 'A30 MIG 7g.24gb'), (5, 'A30 MIG 4g.24gb'), (6, 'RTX 4090 MIG 1g.10gb'),
	(7, 'A100 MIG 1c.2g.10gb'), (8, 'NVIDIA H200 MIG 2c.3g.71gb'), (9, '1c.3g.40gb'), (10, 'A100 MIG 4c.3g.20gb'), (11, 'RTX PRO 5000 Blackwell MIG 1g.24gb'), (12, 'RTX PRO 5000 Blackwell MIG 4g.48gb'), (13, 'MI300X CPX'), (14, 'AMD Instinct MI355X DPX'), (15, 'amd.com/cpx_nps4'), (16, 'MI250X CPX')
) AS v (n, name) ORDER BY n;

-- vGPUs: the card, or the MIG slice that a profile is; a profile that no card of the name has is not known.
SELECT name, identify(name), (identify_instance(name)).devices, _vgpu_share(name, NULL) AS share FROM (VALUES
	(1, 'NVIDIA A10-12Q'), (2, 'nvidia.com/GRID_T4-1Q'), (3, 'GRID M10-0Q'), (4, 'NVIDIA A16-4A'), (5, 'GRID A100-4C'), (6, 'GRID A100X-40C'), (7, 'GRID A100D-80C'), (8, 'GRID A100DX-16C'),
	(9, 'GRID V100DX-32C'), (10, 'GRID P100X-16Q'), (11, 'NVIDIA H100XL-94C'), (12, 'NVIDIA H200-70C'), (13, 'GRID RTX8000P-48Q'), (14, 'NVIDIA RTX6000-Ada-12Q'), (15, 'NVIDIA RTXA5000-24Q'),
	(16, 'NVIDIA A100-1-5CME'), (17, 'NVIDIA H100XM-2-20C'), (18, 'NVIDIA A10-48Q'), (19, 'NVIDIA 24Q'), (20, 'MI300X-24Q'), (21, 'A100X'), (22, 'A100DX'), (23, '2x GRID T4-4C'), (24, 'gpu:grid_t4-4c:2'), (25, 'NVIDIA A10')
) AS v (n, name) ORDER BY n;
SELECT _accelerator_share('NVIDIA A10-12Q', NULL, 'nvidia/a10') AS vgpu, _accelerator_share('A100 MIG 1g.5gb', NULL, 'nvidia/a100:1g.5gb') AS mig,
	_accelerator_share('NVIDIA A10', NULL, 'nvidia/a10') AS whole, _accelerator_share(NULL, NULL, NULL) AS nothing, _vgpu_rate('125 TFLOPS@fp16', 840000) AS half, _vgpu_rate('125 TFLOPS@fp16', NULL) AS whole_rate, _vgpu_rate('125 TFLOPS@fp16', 0) AS unknown;

-- What tools print beside a name: sizes that were measured, indexes, UUIDs, versions, labels.
SELECT name, identify(name) FROM (VALUES
	(1, 'NVIDIA A100-SXM4-80GB, 81920 MiB'), (2, 'NVIDIA H100 80GB HBM3, 81559 MiB'), (3, 'NVIDIA GH200 480GB, 97871 MiB'), (4, 'Tesla T4, 15360 MiB'), (5, 'NVIDIA A100-SXM4-40GB, 81920 MiB'), (6, 'NVIDIA GB10, [N/A]'),
	(7, '0, NVIDIA H100 80GB HBM3, 81559 MiB, 535.129.03'), (8, 'GPU-5c8d9e2a-1234-5678-9abc-123456789abc, NVIDIA L4, 23034 MiB'), (9, '00000000:3B:00.0, NVIDIA L40S'),
	(10, 'GPU 13: NVIDIA A100-SXM4-40GB (UUID: GPU-5c8d9e2a-1234-5678-9abc-123456789abc)'), (11, 'modelName="Tesla T4"'),
	(12, 'DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-5c",modelName="NVIDIA A100-SXM4-80GB",Hostname="n1"} 37'), (13, 'DCGM_FI_DEV_GPU_UTIL{modelName="NVIDIA A100-SXM4-80GB",GPU_I_PROFILE="1g.10gb"} 37'),
	(14, 'H100 (79.6 GiB)'), (15, 'P800 OAM (96.0GB)'), (16, 'RTX 4090, 5090'), (17, 'gfx942:sramecc+:xnack-'), (18, 'gfx1100')
) AS v (n, name) ORDER BY n;

-- A memory size or a form factor that no variant has makes the class, never another variant.
SELECT name, identify(name) FROM (VALUES
	(1, 'H100 PCIe 96 GB'), (2, 'A100 SXM4 32GB'), (3, 'V100 PCIe 24GB'), (4, 'H100 SXM2'), (5, 'H100 SXM2 80GB'), (6, 'H100-SXM-2-80G'), (7, 'RTX 4090 48G'), (8, 'RTX 4090 OAM'), (9, 'RTX 3090 Laptop GPU'),
	(10, 'GeForce GTX 1650 Mobile / Max-Q'), (11, 'GeForce RTX 2070 with Max-Q Design')
) AS v (n, name) ORDER BY n;

-- Names that hold the digits of another chip.
SELECT name, source, identify(name, source) FROM (VALUES
	(1, 'Quadro 4000', NULL), (2, 'Quadro 5000M', NULL), (3, 'Quadro 600', NULL), (4, 'NVIDIA 4000', NULL), (5, 'RTX 4000', NULL), (6, 'GRID M40', NULL), (7, 'Tesla M40', NULL), (8, '10de:13bd:10de:110a', NULL), (9, 'Radeon R7 250XE', NULL),
	(10, 'Ascend910ProB', NULL), (11, 'Ascend910B', 'cann'), (12, 'Ascend910B', 'npu-smi'), (13, 'Ascend910B3', 'cann'), (14, 'RTX 9090', NULL), (15, 'MTT X700', NULL), (16, 'MLU370-X9', NULL), (17, 'RTX_2080S', NULL), (18, 'RTX 4070 TiS', NULL)
) AS v (n, name, source) ORDER BY n;

-- Clouds, boxes and what makers' tools print, of 2025 and 2026; and words that are no accelerator.
SELECT name, source, identify(name, source) FROM (VALUES
	(1, 'ecs.gn8v-8x.48xlarge', 'aliyun'), (2, 'ecs.gn8v-tee.4xlarge', 'aliyun'), (3, 'ecs.ebmgn8v.48xlarge', 'aliyun'), (4, 'ecs.gn8is-4x.16xlarge', 'aliyun'), (5, 'ecs.sgn8ia-m48.24xlarge', 'aliyun'),
	(6, 'ecs.vgn7i-vws-m24.7xlarge', 'aliyun'), (7, 'ecs.ebmgn9g.64xlarge', 'aliyun'), (8, 'ecs.gni2.3xlarge', 'volcengine'), (9, 'ecs.ebmhpcpni2l.32xlarge', 'volcengine'),
	(10, 'vbm-256c-3072gb-8-b200-gpu', 'vultr'), (11, 'vcg-a40-24c-120g-48vram', 'vultr'), (12, 'Standard_NC64ds_xl_RTXPRO6000BSE_v6', 'azure'), (13, 'standardNDISRGB200V6NDRFamily', 'azure'),
	(14, 'StandardNCCads2023Family', 'azure'), (14.5, 'Standard NCADSH100v5 Family vCPUs', 'azure'), (15, 'trn3u.48xlarge', 'aws'), (16, 'gb300-4x', 'coreweave'), (17, 'gpu-l40s-d', 'nebius'), (18, 'nvidia-l4-vws', 'gcp'),
	(19, 'NVIDIA_TESLA_T4_VWS', 'vertex'), (20, 'gres/shard:l40s=4', 'slurm'), (21, 'gres/gpu:h100.shard', 'slurm'), (22, 'PPU-ZW810E', 'free'), (23, 'MXC600-A', 'mx-smi'),
	(24, 'Ascend310P6', 'gpustack'), (25, 'Ascend310B5', 'gpustack'), (26, 'Ascend910_9591', 'gpustack'), (27, 'ascend950pr_9589', 'vllm-ascend'), (28, 'H100-SXM-8-80G', 'scaleway'),
	(29, 'tt-quietbox', 'gpuhunt'), (30, 'RBLN-CA22', 'free'), (31, 'RNGD', 'free'), (32, 'furiosa.ai/rngd', 'k8s'), (33, 'Atlas 800T A3', 'vllm-ascend'), (34, 'Atlas 900 A3 SuperPoD', 'vllm-ascend'),
	(35, 'Atlas 800T A2', 'vllm-ascend'), (36, 'Atlas 200I A2', 'vllm-ascend'), (37, 'MXC550 OAM', 'mx-smi'), (38, 'Kunlunxin R200-8FS', 'xpu-smi'),
	(39, 'GPU: 1*NVIDIA-V100(32GB)|CPU: 8 cores 64GB', 'huawei'), (40, 'NVIDIA Jetson AGX Orin Developer Kit', 'free'), (41, 'Xavier (nvgpu)', 'free'), (42, 'NVIDIA H200-SXM-141GBx8', 'mlperf'),
	(43, 'BM.GPU.MI355X-v1.8', 'oci'), (44, 'HCCPNV5.48XLARGE2304', 'tencent'), (45, 'PNV5b.8XLARGE96', 'tencent'), (46, 'Q_P4000', 'vast'),
	(47, 'Chengdu Haiguang IC Design Co., Ltd. BW1000', 'hy-smi'), (48, 'Apple M4 Max', 'free'), (49, 'Intel Xeon Gold 6248R', 'free'), (50, 'server', 'free'), (51, 'UUID', 'free'),
	(52, 'SXM4', 'free'), (53, 'BV166M', 'free')
) AS v (n, name, source) ORDER BY n;

-- Counts: of names, of lists, of instance types; never a part of a device that nobody said.
SELECT name, provider, (identify_instance(name, provider)).* FROM (VALUES
	(1, '8x_h100', NULL), (2, '8x H100', NULL), (3, '2xRTX4090', NULL), (4, 'H100 x8', NULL), (5, 'A100-sxm4-80Gx4', NULL), (6, '4*MI300X', NULL), (7, 'V100:8', 'skypilot'), (8, 'MI250X:4', 'skypilot'), (9, 'A100:0.5', 'skypilot'),
	(10, 'MLU370-X8', NULL), (11, 'MTT X500', NULL), (12, 'MI25 x2', NULL), (13, 'gpu:nvidia_a100_80gb_pcie:4', NULL), (14, 'billing=8,cpu=8,gres/gpu:nvidia_rtx_a6000=2,gres/gpu=2,mem=39.06G,node=1', NULL),
	(15, 'gres/gpu:a100=1,gres/gpu:a40=2', NULL), (16, 'gres/gpu:a100=0', NULL), (17, 'gres/shard:a100=8', NULL), (18, 'gres/gpu:a100.shard', NULL), (19, 'gpu:a100', NULL), (20, 'gpu:4', NULL), (21, 'nvidia.com/gpu: 8', NULL),
	(22, 'tpu-v2-8', NULL), (23, 'v2-8', NULL), (24, 'v2-1', NULL), (25, 'tpu7x-64', NULL), (26, 'tpu-v5p-8:2', 'skypilot'), (27, '2x p5.48xlarge', NULL), (28, 'a3-highgpu-0g', NULL), (29, '0x A100', NULL),
	(30, 'DGX B200', NULL), (31, 'HGX H100', NULL), (32, '2x DGX H100', NULL), (33, 'A100|A800', NULL), (34, 'massedcompute_A100-sxm4-80G-DGXx8', NULL), (35, 'hyperstack_RTXPro6000x2', NULL), (36, 'amd_h100', NULL), (37, 'gtx_h100', NULL),
	(38, 'Ascend: 8*ascend-snt9b1|ARM: 192 cores 1536GB', NULL), (39, 'Ascend: 1 * SNT9B2 | 24 vCPUs | 192 GiB', NULL), (40, 'vcg-a100-1c-6g-4vram', 'vultr'), (41, 'ecs.vgn7i-vws-m12.3xlarge', 'aliyun'), (42, 'Standard_ND96is_noIB_H100_v5', 'azure'),
	(43, 'Atlas 800I A3', NULL), (44, 'tt-galaxy-bh', NULL), (45, 'A100', NULL),
	-- what is sold as one is two devices of the driver's: by hand, by a seller; not in Slurm, nor as a resource
	(46, '4x MI250X', NULL), (47, '8x Ascend 910C', NULL), (48, 'hyperstack_MI250X', NULL), (49, 'gpu:amd_instinct_mi250x:8', NULL), (50, 'huawei.com/Ascend910C: 16', NULL), (51, 'AMD Instinct MI250X', NULL), (52, '8x Tesla K80', NULL), (53, '4x GB200', NULL)
) AS v (n, name, provider) ORDER BY n;

-- Other makers.
SELECT name, identify(name) FROM (VALUES
	(1, 'huawei.com/Ascend910B3'), (2, '910B4-1'), (3, 'Ascend910B4'), (4, 'AMD Instinct MI300X'), (5, 'MI50 32GB'), (6, 'Gaudi HL-205'),
	(7, 'HL-325L'), (8, 'Intel Data Center GPU Max 1550'), (9, 'tpu-v5-lite-podslice'), (10, 'v5litepod-16'), (11, 'Trainium2'), (12, 'NeuronDevice (Inferentia2)'),
	(13, 'MLU370-X8'), (14, 'iluvatar.ai/BI-V100-vgpu'), (15, 'MTT S4000'), (16, 'MXC500 (OAM)'), (17, 'T20(32GB) [CloudBlazer]'), (18, 'Kunlun P800'),
	(19, 'Hygon DCU K100 AI'), (20, 'birentech.com/gpu'), (21, 'hanguang 800'), (22, '1ed5:0323'), (23, '19e5:d500'), (24, '1002:738c (rev 01)'), (25, 'S60'),
	(26, 'Enflame S60')
) AS v (n, name) ORDER BY n;

-- The same name means one thing here and another there.
SELECT source, identify('nvidia-tesla-a100', source) AS "nvidia-tesla-a100", identify('A100', source) AS "A100", identify('NVIDIA H800', source) AS "NVIDIA H800"
FROM (VALUES (1, NULL), (2, 'gke'), (3, 'skypilot'), (4, 'nvidia-smi'), (5, ' GCP '), (6, 'nobody')) AS v (n, source) ORDER BY n;
SELECT identify('cloud.google.com/gke-accelerator: nvidia-tesla-a100'), identify('"nvidia-tesla-a100"');

-- Instance types.
SELECT sku, provider, (identify_instance(sku, provider)).* FROM (VALUES
	(1, 'p4d.24xlarge', NULL), (2, 'ml.p4d.24xlarge', 'aws'), (3, 'p4d.24xlarge', 'azure'), (4, 'g6f.xlarge', 'amazon'), (5, 'Standard_NV6ads_A10_v5', 'azure'),
	(6, 'NC6s v3', 'azure'), (7, 'a3-highgpu-8g', 'gcp'), (8, 'g4-standard-6', NULL), (9, 'v4-8', 'gcp'), (10, 'ct5lp-hightpu-4t', NULL),
	(11, 'ecs.gn7i-c16g1.4xlarge', 'aliyun'), (12, 'BM.GPU.H100.8', 'oci'), (13, 'gpu_8x_h100_sxm5', 'lambda'), (14, 'datacrunch_A100-sxm4-80Gx4', 'shadeform'),
	(15, 'hyperstack_L40', 'shadeform'), (16, 't3.large', 'aws'), (17, '', NULL), (18, NULL, 'aws'), (19, 'standardNDSv2Family', 'azure'), (20, 'A100x8', NULL)
) AS v (n, sku, provider) ORDER BY n;

-- A name that is not known is an error with the nearest ones, if that is asked for.
\set VERBOSITY default
SELECT identify_strict('NVIDIA A100-SXM4-80GB');
SELECT identify_strict('MI30OX');
SELECT identify_strict('nothing like it at all');
SELECT identify_strict('G2', 'alibaba2023');

-- The user's rows win: aliases, words, variants, instance types.
BEGIN;
INSERT INTO accelerator_alias (alias, accelerator) VALUES ('Alpha Cluster GPU', 'nvidia/h800-sxm5-80gb'), ('special', 'amd/mi300x'), ('A100', 'nvidia/a100-sxm4-40gb');
INSERT INTO accelerator_alias (alias, system, accelerator) VALUES ('A100', 'site-b', 'nvidia/a100-sxm4-80gb'), ('T4', '', NULL);
SELECT identify('alpha_cluster-GPU'), identify('gpu:special:2'), identify('A100'), identify('a100', 'Site-B'), identify('gres/gpu:a100=4'), identify('T4');
ROLLBACK;
BEGIN;
INSERT INTO accelerator_word (kind, word, meaning, family) VALUES ('model', 'hyperchip ##', 'pci1ee0/hyper-##', 'hyper'), ('suffix', 'turbo', '-t', 'hyper'), ('noise', 'sprinkles', NULL, NULL);
SELECT identify('HyperChip42'), identify('hyperchip-42 Turbo 64GB with sprinkles'), identify('Biren hyperchip 42'), identify('NVIDIA hyperchip 42'), identify('H100 Turbo');
INSERT INTO accelerator_variant (accelerator, form, memory_gb) VALUES ('pci1ee0/hyper-42-oam-64gb', 'oam', 64), ('pci1ee0/hyper-42-pcie-32gb', 'pcie', 32);
SELECT identify('HyperChip42'), identify('hyperchip 42 OAM'), identify('hyperchip 42 32GB'), identify('hyperchip 42 (48 GB)');
INSERT INTO accelerator_instance (sku, provider, accelerator, devices) VALUES ('hc.%xlarge', 'alpha', 'biren/hyper-42', 0.5), ('p4d.24xlarge', 'aws', 'nvidia/a100-sxm4-40gb', 7);
SELECT (identify_instance('HC.4xlarge')).*;
SELECT (identify_instance('p4d.24xlarge')).*;
ROLLBACK;
SELECT identify('A100'), identify('HyperChip42'), (identify_instance('p4d.24xlarge')).devices;

-- Constraints: what cannot be used is refused, and shipped rows cannot be changed.
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('model', 'Upper', 'nvidia/upper');
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('model', 'x #', 'nvidia/x-##');
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('vendor', 'acme', 'nvidia/h100');
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('form', 'slab', 'slab');
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('suffix', 'turbo', '-t');
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('verb', 'run', 'nvidia');
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('noise', 'wow', 'x');
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('vgpu', 'board', 'nvidia/a100 40 gb');
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('system', 'box', 'boxed');
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('model', 'two words', 'nvidia/a100 40gb');
\set VERBOSITY terse
INSERT INTO accelerator_alias (alias, accelerator) VALUES ('---', 'nvidia/h100');
INSERT INTO accelerator_alias (alias, system, accelerator) VALUES ('x', 'Slurm', 'nvidia/h100');
INSERT INTO accelerator_variant (accelerator) VALUES ('nvidia');
INSERT INTO accelerator_variant (accelerator, form) VALUES ('nvidia/h100', 'slab');
INSERT INTO accelerator_instance (sku, provider, accelerator) VALUES ('P4D', 'aws', 'nvidia/a100');
INSERT INTO accelerator_instance (sku, provider, accelerator, devices) VALUES ('p4d', 'aws', 'nvidia/a100', 0);
INSERT INTO accelerator_instance (sku, provider, accelerator) VALUES ('*a*a*a*b', 'aws', 'nvidia/a100');
INSERT INTO accelerator_alias (alias, accelerator) VALUES ('one name', 'nvidia/h100'), ('one-NAME', 'nvidia/a100');
DELETE FROM accelerator_alias WHERE alias = '10de:2330';
UPDATE accelerator_word SET word = 'h1000' WHERE word = 'h100';
INSERT INTO accelerator_variant (shipped, accelerator) VALUES (true, 'nvidia/h100');
TRUNCATE accelerator_instance;

-- A changed alias keeps its history.
INSERT INTO accelerator_alias (alias, accelerator) VALUES ('history test', 'nvidia/a100');
UPDATE accelerator_alias SET accelerator = 'nvidia/a100-sxm4-40gb' WHERE alias = 'history test';
SELECT identify('history-test');
SELECT accelerator, upper_inf(recorded) AS current FROM accelerator_alias WHERE alias = 'history test' ORDER BY recorded;
DELETE FROM accelerator_alias WHERE alias = 'history test' AND upper_inf(recorded);
SELECT identify('history-test'), count(*) FROM accelerator_alias WHERE alias = 'history test';

-- Keys.
SELECT accelerator_name_key(name) FROM (VALUES (1, 'NVIDIA H100-80GB_HBM3'), (2, '910B4-1'), (3, '10DE:2330'), (4, '10de:20b0:10de:1450'),
	(5, '1002:66a1 (rev 06)'), (6, 'pci:v000010DEd00002330sv000010DEsd000016C1bc03sc02i00'), (7, '--'), (8, repeat('x', 257)), (9, '12:30')) AS v (n, name) ORDER BY n;

-- Every shipped row can be used: the canonical text of each is known as itself, and each PCI id as what its row says.
SELECT count(*) FROM accelerator_variant WHERE identify(accelerator::text) IS DISTINCT FROM accelerator;
SELECT count(*) FROM accelerator_alias WHERE shipped AND upper_inf(recorded) AND identify(alias, system) IS DISTINCT FROM accelerator;
SELECT count(*) FROM accelerator_instance WHERE sku !~ '[%#*]' AND identify_instance(sku, split_part(provider, ' ', 1)) IS DISTINCT FROM ROW(accelerator, devices);

-- A canonical text means itself, whatever system printed it, until the user teaches otherwise.
SELECT count(*) FROM accelerator_model AS m, (SELECT DISTINCT system FROM accelerator_alias WHERE shipped) AS s
WHERE m.shipped AND specificity(m.accelerator) > 1 AND identify(m.accelerator::text, s.system) IS DISTINCT FROM m.accelerator;
INSERT INTO accelerator_alias (alias, accelerator, system) VALUES ('nvidia/h800', 'nvidia/h800-pcie-80gb', 'our-cluster');
SELECT identify('nvidia/h800', 'our-cluster'), identify('nvidia/h800', 'nvidia-smi'), identify('NVIDIA H800', 'nvidia-smi');
DELETE FROM accelerator_alias WHERE system = 'our-cluster' AND upper_inf(recorded);

-- What is too long to be a name is not remembered.
SELECT identify(repeat('h100 ', 4000000)) IS NULL AS unknown, (identify_instance(repeat('p4d', 4000000))).devices IS NULL AS no_type,
	(SELECT sum(total_bytes) < 4000000 FROM pg_backend_memory_contexts WHERE ident = 'identify') AS forgotten;

-- A name of very many parts is none, and is given up at once, however many ways there are through it.
BEGIN;
SET LOCAL statement_timeout = '20 s';
SELECT identify(repeat('H20 ', n)), identify(repeat('H20,', n)) FROM unnest('{47,48,49,60}'::integer[]) AS n;
ROLLBACK;

-- How a device is divided and sold: the user's row before a shipped one, then the most specific.
BEGIN;
SELECT (identify_instance('4x MI250X')).*, identify('NVIDIA L4 MIG 1g.6gb') AS l4, identify('NVIDIA A30 MIG 4g.24gb') AS a30, identify('Example X1 MIG 2g.20gb') AS x1;
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('vendor', 'example', 'pcifd01'), ('model', 'x1', 'pcifd01/x1');
SELECT identify('Example X1 MIG 2g.20gb') AS nothing_told;
INSERT INTO accelerator_model (accelerator, name, mig_slices, devices_per_module, devices_per_package)
VALUES ('amd/mi250x', 'in another mode', NULL, 1, 1), ('nvidia/l4', 'divided', 4, NULL, NULL), ('nvidia/a30', 'in two', 2, NULL, NULL), ('pcifd01/x1', 'whole', NULL, NULL, NULL);
SELECT (identify_instance('4x MI250X')).*, identify('NVIDIA L4 MIG 1g.6gb') AS l4, identify('NVIDIA A30 MIG 4g.24gb') AS a30, identify('Example X1 MIG 2g.20gb') AS x1;
ROLLBACK;

-- The part of a rate that a vGPU is, rounded once, half to even.
SELECT rate, _vgpu_rate(rate::compute_rate, 280000) FROM unnest('{15 MFLOPS,21 MFLOPS,14 MFLOPS}'::text[]) AS rate;
