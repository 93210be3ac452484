# Names of accelerators: the answer key and the other lists of names beside the
# checkout, one chip by its names in several systems, mutated names, databases of
# other encodings, parallel plans, dump and restore.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = '../shared/data';
my $have_data = -r "$data/names_alias_truth.csv";

my $node = PostgreSQL::Test::Cluster->new('identify');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION compute_ledger;
	ALTER DATABASE postgres SET search_path = public, compute_ledger; ALTER DATABASE postgres SET timezone = 'UTC'");

# Loads a CSV file with a header into a table of text columns c1, c2, ...
sub load_csv
{
	my ($table, $file, $columns) = @_;
	my $copy = "$node->{_basedir}/$table.csv";
	PostgreSQL::Test::Utils::append_to_file($copy, slurp_file("$data/$file"));
	my $list = join ', ', map { "c$_ text" } 1 .. $columns;
	$node->safe_psql('postgres', "CREATE TABLE $table ($list); COPY $table FROM '$copy' (FORMAT csv, HEADER)");
	return;
}

# Asserts that a query returns no row; shows the rows otherwise.
sub none
{
	my ($query, $what) = @_;
	is($node->safe_psql('postgres', $query), '', $what);
	return;
}

# Asserts that at least so many per cent of the names in a table are known.
sub known
{
	my ($query, $percent, $what) = @_;
	my ($all, $known, $missing) = split /\|/, $node->safe_psql('postgres',
		"SELECT count(*), count(identify(name)), coalesce(string_agg(name, '; ') FILTER (WHERE identify(name) IS NULL), '') FROM ($query) AS n (name)"), 3;
	cmp_ok(100 * $known, '>=', $percent * $all, "$what: $known of $all names known, at least $percent%") or diag("unknown: $missing");
	return;
}

SKIP:
{
	skip "no lists of names in $data", 1 unless $have_data;

	# ------------------------------------------------------------------ the answer key
	# What the key says that type accelerator cannot, or that the design decides
	# otherwise; docs/identify.md lists the same rows.
	load_csv('truth', 'names_alias_truth.csv', 7);
	$node->safe_psql('postgres', q{
		CREATE TABLE amended (key text PRIMARY KEY, accelerator accelerator);
		INSERT INTO amended VALUES
			('nvidia/a100-unspecified', 'nvidia/a100'), ('nvidia/v100-unspecified', 'nvidia/v100'), ('nvidia/gh200-unspecified', 'nvidia/gh200'),
			('nvidia/quadro-rtx-6000', 'nvidia/rtx-6000'), ('amd/radeon-pro-v520', 'amd/pro-v520'),
			('huawei/ascend-910b-unspecified', 'huawei/ascend-910b'), ('huawei/ascend-unspecified-910', 'huawei/ascend-910'),
			('huawei/ascend-910b4-1', 'huawei/ascend-910b4-64gb'),
			('unknown/alibaba-g3', NULL), ('unknown/alibaba-gpu-series-1', NULL), ('unknown/alibaba-misc', NULL);
		CREATE FUNCTION answer(text) RETURNS accelerator LANGUAGE sql AS
			'SELECT CASE WHEN EXISTS (SELECT FROM amended WHERE key = $1) THEN (SELECT accelerator FROM amended WHERE key = $1) ELSE $1::accelerator END';
		CREATE TABLE answers AS SELECT c1 AS name, c2 AS system, answer(c3) AS accelerator FROM truth});
	none('SELECT name, accelerator, identify(name) FROM answers WHERE accelerator IS NOT NULL AND (identify(name) @> accelerator) IS NOT TRUE',
		'every name of the answer key is its chip or a class that holds it');
	none('SELECT name, system, accelerator, identify(name, system) FROM answers WHERE accelerator IS NOT NULL AND (identify(name, system) @> accelerator) IS NOT TRUE',
		'also when the system is given');
	none('SELECT name, identify(name) FROM answers WHERE accelerator IS NULL AND (identify(name) IS NOT NULL OR identify(name, system) IS NOT NULL)',
		'masked names are not known');
	none('SELECT name, accelerator FROM answers WHERE accelerator IS NOT NULL AND model(accelerator) IS NOT NULL AND model(identify(name)) IS NULL AND name NOT IN (\'RTX6000\', \'birentech.com/gpu\', \'enflame.com/gcu\')',
		'and the model is known, but for names that are of several');
	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM answers WHERE identify(name) = accelerator'), '>=', 225, 'most are the very chip');
	none('SELECT sku, accelerator FROM answers AS a (sku, system, accelerator), identify_instance(sku) AS i (chip, devices)
		WHERE system LIKE \'%-sku\' AND (i.chip @> a.accelerator IS NOT TRUE OR i.devices IS NULL)', 'instance types of the answer key have their chip and a number of devices');

	# ------------------------------------------------------------------ coverage
	load_csv('nv', 'names_nvidia_pci.csv', 5);
	load_csv('ids', 'names_pci_ids.csv', 6);
	load_csv('k8s', 'names_k8s_labels.csv', 3);
	load_csv('gres', 'names_slurm_gres.csv', 3);
	load_csv('sky', 'names_skypilot_accelerators.csv', 2);
	load_csv('amd', 'names_amdgpu_ids.csv', 3);
	load_csv('mig', 'names_mig_allowed_hami.csv', 2);
	load_csv('vnpu', 'names_ascend_vnpu_hami.csv', 9);
	load_csv('epoch', 'specs_epoch_ml_hardware.csv', 36);
	known('SELECT DISTINCT c1 FROM nv', 98, 'NVIDIA driver');
	known('SELECT DISTINCT c5 FROM nv', 98, 'node labels of the NVIDIA driver names');
	known('SELECT DISTINCT c6 FROM ids', 80, 'names in pci.ids');
	known("SELECT DISTINCT c1 FROM k8s WHERE c1 !~ 'Virtual|labels|matched'", 97, 'Kubernetes labels and resources');
	known("SELECT DISTINCT c1 FROM gres WHERE c2 = 'no'", 95, 'Slurm GRES');
	known('SELECT DISTINCT c1 FROM sky', 100, 'SkyPilot');
	known('SELECT DISTINCT c3 FROM amd', 80, 'amdgpu.ids');
	known("SELECT DISTINCT c1 || ' MIG ' || c2 FROM mig", 100, 'MIG profiles');
	known('SELECT DISTINCT c1 FROM vnpu UNION SELECT c2 FROM vnpu UNION SELECT c3 FROM vnpu', 100, 'Ascend');
	known('SELECT DISTINCT c1 FROM epoch', 95, 'Epoch AI hardware');
	none(q{SELECT c1, identify(c1) FROM gres WHERE c2 = 'yes' AND model(identify(c1)) IS NOT NULL AND c1 <> 'gpu:b100'}, 'placeholders of tests are no models');
	none(q{SELECT c1, c2, identify(c1 || ' MIG ' || c2) FROM mig WHERE mig_profile(identify(c1 || ' MIG ' || c2)) IS DISTINCT FROM c2}, 'MIG profiles are read as they are')
		if $node->safe_psql('postgres', "SELECT count(*) FROM pg_proc WHERE proname = 'mig_profile'");

	# ------------------------------------------------------------------ one chip, several systems
	none('SELECT DISTINCT c1, c5, identify(c1), identify(c5) FROM nv WHERE identify(c1) IS DISTINCT FROM identify(c5)', 'a node label means what the driver\'s name means');
	none(q{SELECT DISTINCT c1 FROM nv WHERE identify(upper(c1)) IS DISTINCT FROM identify(c1) OR identify(lower(replace(c1, ' ', '_'))) IS DISTINCT FROM identify(c1)
		OR identify('gpu:' || lower(replace(c1, ' ', '_')) || ':4') IS DISTINCT FROM identify(c1)}, 'nor do case and separators count');
	none(q{SELECT DISTINCT c1, c2, identify(c1), identify(pci) FROM (SELECT *, '10de:' || c2 || coalesce(':' || c3 || ':' || c4, '') AS pci FROM nv) AS n
		WHERE identify(c1) IS NOT NULL AND identify(pci) IS NOT NULL AND NOT (identify(pci) @> identify(c1) OR identify(c1) @> identify(pci))},
		'a PCI id and the name of the same device never contradict each other');
	none(q{SELECT c1, c3, c6, identify(c6), identify(pci) FROM (SELECT *, c1 || ':' || c3 || coalesce(':' || c4 || ':' || c5, '') AS pci FROM ids) AS n
		WHERE identify(c6) IS NOT NULL AND identify(pci) IS NOT NULL AND NOT (identify(pci) @> identify(c6) OR identify(c6) @> identify(pci))
		AND c6 <> 'MLU370-S4' AND pci <> '1002:74bd'}, 'nor in pci.ids');
	known(q{SELECT DISTINCT '10de:' || c2 || coalesce(':' || c3 || ':' || c4, '') FROM nv WHERE c1 NOT LIKE 'Matrox%'}, 95, 'PCI ids of the NVIDIA driver');
	known(q{SELECT DISTINCT c1 || ':' || c3 || coalesce(':' || c4 || ':' || c5, '') FROM ids WHERE identify(c6) IS NOT NULL AND model(identify(c6)) IS NOT NULL AND c6 !~ 'NVSwitch|Airbrush'}, 97, 'PCI ids of accelerators in pci.ids');
	none(q{SELECT DISTINCT c1, identify(c1), identify(c1 || ' wonderful') FROM nv WHERE identify(c1 || ' wonderful') IS NOT NULL OR identify(c1 || 'Q') IS NOT DISTINCT FROM identify(c1) AND identify(c1) IS NOT NULL},
		'an unknown word makes a name unknown, and a letter glued to it is not overlooked');

	# ------------------------------------------------------------------ instance types
	load_csv('aws', 'instance_gpu_map_aws.csv', 5);
	load_csv('azure', 'instance_gpu_map_azure.csv', 7);
	load_csv('family', 'names_azure_family_to_gpu.csv', 2);
	load_csv('gcp', 'prices_gcp_history_us_eu.csv', 10);
	load_csv('aws21', 'prices_aws_accelerators_2021.csv', 13);
	load_csv('broker', 'prices_multicloud_shadeform_2025.csv', 8);
	# A p6e-gb200.36xlarge has 4 GPUs; 36 is the number of an UltraServer of nine.
	none(q{SELECT c1, c2, c3, i.* FROM aws, identify_instance(c1, 'aws') AS i WHERE (identify(c2) @> accelerator AND devices = c3::numeric) IS NOT TRUE
		AND c1 NOT IN ('p6e-gb200.36xlarge', 'dl2q.24xlarge')}, 'AWS');
	none(q{SELECT c1, c6, i.* FROM aws21, identify_instance(c1, 'ec2') AS i WHERE c4 <> 'fpga' AND (identify(c6) @> accelerator AND devices = c7::numeric) IS NOT TRUE}, 'AWS 2021');
	none(q{SELECT c2, c6, i.* FROM azure, identify_instance(c2, 'azure') AS i WHERE (devices = c6::numeric) IS NOT TRUE}, 'Azure');
	none(q{SELECT c1, c2, i.* FROM family, identify_instance(c1) AS i WHERE (identify(c2) @> accelerator) IS NOT TRUE}, 'Azure families');
	none(q{SELECT DISTINCT c1, c2, c3, i.* FROM gcp, identify_instance(c1, 'gcp') AS i WHERE (identify(c2, 'gcp') @> accelerator AND devices = c3::numeric) IS NOT TRUE}, 'Google Cloud');
	none(q{SELECT DISTINCT c1, c2, c3, i.* FROM broker, identify_instance(c1, 'shadeform') AS i WHERE (identify(c2) @> accelerator AND devices = c3::numeric) IS NOT TRUE
		AND c1 NOT LIKE '%-eu'}, 'a broker\'s names that are made of a seller, a chip and a number');

	# ------------------------------------------------------------------ traces
	load_csv('tres', 'slurm_tres_strings.csv', 3);
	none(q{SELECT c1, c3, identify(c1) FROM tres WHERE (c3 IS NULL) <> (identify(c1) IS NULL)}, 'TRES strings');
	none(q{SELECT c1, c3, identify(c1) FROM tres WHERE c3 IS NOT NULL AND c3 !~ ';' AND identify(c1) IS DISTINCT FROM identify(c3)}, 'TRES strings of one type mean the type');

	# ------------------------------------------------------------------ counts
	none(q{SELECT name FROM (SELECT c1 FROM gres WHERE c2 = 'no' UNION SELECT DISTINCT c1 FROM nv) AS n (name), identify_instance(name) AS i
		WHERE (identify(name) IS DISTINCT FROM i.accelerator AND NOT EXISTS (SELECT FROM accelerator_instance WHERE sku = lower(translate(name, '_ ', '--')))) OR i.devices <> trunc(i.devices)},
		'a name means the same when it is asked how many it is, and a whole number');
	none(q{SELECT c1, c2, i.* FROM tres, identify_instance(c1) AS i WHERE c3 IS NOT NULL AND i.devices IS DISTINCT FROM nullif(c2, '')::numeric}, 'TRES strings have their number of devices');
}

# ------------------------------------------------------------------ names of 2025 and 2026
SKIP:
{
	my $cases = '../shared/cases/names_2026.csv';
	skip "no $cases", 2 unless -r $cases;
	my $copy = "$node->{_basedir}/names_2026.csv";
	PostgreSQL::Test::Utils::append_to_file($copy, slurp_file($cases));
	$node->safe_psql('postgres', "CREATE TABLE n2026 (name text, system text, expected text, was text); COPY n2026 FROM '$copy' (FORMAT csv, HEADER)");
	none(q{SELECT name, system, expected, identify(name, system) FROM n2026 WHERE identify(name, system) IS NOT NULL AND (identify(name, system) @> nullif(expected, '')::accelerator) IS NOT TRUE},
		'names of 2025 and 2026: none wrong');
	none(q{SELECT count(*) FILTER (WHERE identify(name, system) IS NOT DISTINCT FROM nullif(expected, '')::accelerator), count(*) FROM n2026
		HAVING count(*) FILTER (WHERE identify(name, system) IS NOT DISTINCT FROM nullif(expected, '')::accelerator) < 0.95 * count(*)},
		'at least 95% of them the very chip or class');
}

# ------------------------------------------------------------------ the catalog's own names
none(q{SELECT accelerator, name, identify(name) FROM accelerator_model WHERE shipped AND upper_inf(recorded)
	AND identify(name) IS NOT NULL AND NOT (identify(name) @> accelerator OR accelerator @> identify(name))}, 'the names in accelerator_model never mean another chip');
cmp_ok($node->safe_psql('postgres', q{SELECT 100 * count(identify(name)) FILTER (WHERE identify(name) @> accelerator) / count(*) FROM accelerator_model WHERE shipped AND upper_inf(recorded)}), '>=', 97,
	'and nearly all of them mean the row\'s chip or its class');

# ------------------------------------------------------------------ mutated names
# Any text has an answer: never an error, never a crash, twice the same.
my $seed = 20261122;
sub dice { $seed = ($seed * 1103515245 + 12345) & 0x7fffffff; return ($seed >> 8) % $_[0]; }
my @seeds = ('NVIDIA H100 80GB HBM3', 'NVIDIA-A100-SXM4-80GB-MIG-3g.40gb', 'gres/gpu:nvidia_a100_1g.5gb=2', 'cpu=8,gres/gpu:a100=1,gres/gpu:a40=2', '10de:20b0:10de:1450',
	'pci:v000010DEd00002330sv000010DEsd000016C1bc03sc02i00', '3b:00.0 3D controller [0302]: NVIDIA Corporation GH100 [H100 SXM5 80GB] [10de:2330] (rev a1)', '1002:66a1 (rev 06)',
	'nvidia.com/gpu.product: "Tesla-T4"', 'cloud.google.com/gke-accelerator=nvidia-tesla-a100', 'Standard_NV6ads_A10_v5', 'datacrunch_A100-sxm4-80Gx4', 'MI250X/MI250',
	'huawei.com/Ascend910B4-1', "\x{5bd2}\x{6b66}\x{7eaa} MLU370-X8", "\x{6607}\x{817e}910B3", 'nvidia/a100-pcie-40gb:1g.5gb+me', 'RTX PRO 6000 Blackwell Max-Q Workstation Edition', 'T20(32GB) [CloudBlazer]',
	'0, NVIDIA H100 80GB HBM3, 81559 MiB, 535.104.05', 'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c8d9e2a-1234-5678-9abc-123456789abc)', 'DCGM_FI_DEV_GPU_UTIL{gpu="0",modelName="NVIDIA A100-SXM4-80GB"} 37', 'GRID A100X-40C', 'NVIDIA A30-1-6CME', '8x_h100',
	'Ascend: 8*ascend-snt9b1|ARM: 192 cores', 'mps:100,gpu:a100:2(S:0),gres/shard:a100=8', 'NVIDIA H100 MIG 1c.3g.40gb', "\x{ff2e}\x{ff36}\x{ff29}\x{ff24}\x{ff29}\x{ff21}\x{3000}\x{ff21}100\x{2011}80GB", 'Standard_ND96is_noIB_H100_v5', 'tpu-v5p-8:2', 'P800 OAM (96.0GB)');
my @junk = ('', ' ', '-', '/', ':', '=', '[', ']', '(', ')', ',', '|', '+', '.', '#', '%', '_', "\x{e9}", "\x{5361}", "\x{1f600}", '0', '9', '99999999999', 'g', 'gb', 'x', 'x8', "\t", "\n", '\\u', "''", '~', "\x{feff}", "\x{200b}", "\x{2212}", "\x{d7}", 'modelName="', '|CPU:', '0x', '1c.', '-24Q', '*', ':8', '{', '}', '"');
my @mutants;
for my $i (1 .. 20000)
{
	my $name = $seeds[ dice(scalar @seeds) ];
	for (0 .. dice(5))
	{
		my $at = dice(length($name) + 1);
		my $how = dice(5);
		if ($how == 0) { substr($name, $at, 0) = $junk[ dice(scalar @junk) ]; }
		elsif ($how == 1 && $at < length $name) { substr($name, $at, 1) = $junk[ dice(scalar @junk) ]; }
		elsif ($how == 2 && $at < length $name) { substr($name, $at, dice(4)) = ''; }
		elsif ($how == 3) { $name .= $seeds[ dice(scalar @seeds) ]; }
		else { $name = $name x (1 + dice(3)); }
		$name = substr($name, 0, 6000);
	}
	$name =~ s/([\\\t\n\r])/{ "\\" => "\\\\", "\t" => "\\t", "\n" => "\\n", "\r" => "\\r" }->{$1}/ge;
	utf8::encode($name);
	push @mutants, $name;
}
my $mutants = "$node->{_basedir}/mutants.txt";
PostgreSQL::Test::Utils::append_to_file($mutants, join('', map { "$_\n" } @mutants));
$node->safe_psql('postgres', "CREATE TABLE mutant (name text); COPY mutant FROM '$mutants'");
my ($all, $known) = split /\|/, $node->safe_psql('postgres', 'SELECT count(*), count(identify(name)) FROM mutant');
is($all, 20000, 'mutated names are all answered');
cmp_ok($known, '>', 500, 'some of them are still names') or diag($known);
cmp_ok($known, '<', 12000, 'and most are not');
none(q{SELECT name FROM mutant WHERE identify(name) IS DISTINCT FROM identify(name || '') OR identify(name) IS DISTINCT FROM identify(name, '') LIMIT 3}, 'the answer depends on nothing else');
none(q{SELECT m.name FROM mutant AS m, identify_instance(name) AS i WHERE devices <= 0 LIMIT 3}, 'no instance type has no devices');
none(q{SELECT name, identify(name) FROM mutant WHERE identify(identify(name)::text) IS DISTINCT FROM identify(name) AND model(identify(name)) IS NOT NULL LIMIT 3}, 'an answer\'s own text means the answer');
my ($rc, undef, $err) = $node->psql('postgres', q{
	DO $$
	DECLARE m record; known integer := 0; unknown integer := 0;
	BEGIN
		FOR m IN SELECT name FROM mutant LIMIT 400 LOOP
			BEGIN
				IF compute_ledger.identify_strict(m.name) IS NOT NULL THEN known := known + 1; END IF;
			EXCEPTION WHEN SQLSTATE 'LC003' THEN unknown := unknown + 1;
			END;
		END LOOP;
		IF known + unknown <> 400 OR unknown = 0 OR known = 0 THEN RAISE 'known %, unknown %', known, unknown; END IF;
	END
	$$});
is($rc, 0, 'identify_strict either answers or raises LC003') or diag($err);

# ------------------------------------------------------------------ names beyond ASCII; encodings
is($node->safe_psql('postgres', "SELECT string_agg(identify(name)::text, ' ' ORDER BY n) FROM (VALUES (1, U&'\\5BD2\\6B66\\7EAA MLU370-X8'), (2, U&'\\6607\\817E910B3'), (3, U&'\\601D\\5143590'),
	(4, U&'\\5929\\5793100'), (5, U&'\\6D77\\5149DCU Z100'), (6, U&'\\534E\\4E3A\\6607\\817E910B'), (7, U&'\\6469\\5C14\\7EBF\\7A0B MTT S4000 \\663E\\5361'), (8, U&'NVIDIA\\00AE A100\\2122 80GB PCIe')) AS v (n, name)"),
	'cambricon/mlu370-x8 huawei/ascend-910b3 cambricon/mlu590 iluvatar/bi-v100 hygon/z100 huawei/ascend-910b moorethreads/mtt-s4000 nvidia/a100-pcie-80gb', 'Chinese names');
is($node->safe_psql('postgres', "SELECT string_agg(coalesce(identify(name)::text, '-'), ' ' ORDER BY n) FROM (VALUES (1, U&'\\FF2E\\FF36\\FF29\\FF24\\FF29\\FF21\\3000\\FF21\\FF11\\FF10\\FF10'), (2, U&'\\FEFFNVIDIA H100'), (3, U&'NVIDIA\\200B A10'),
	(4, U&'NVIDIA A100\\2212SXM4\\201180GB'), (5, U&'4\\00D7 MI300X'), (6, U&'8\\5361 H100'), (7, U&'GPU\\FF1Aa100\\FF1A4'), (8, U&'\\58C1\\783A106C'), (9, U&'\\6606\\4ED1\\82AF3\\4EE3 P800'), (10, U&'\\5929\\5793 200'), (11, U&'NVIDIA A1\\00D700')) AS v (n, name)"),
	'nvidia/a100 nvidia/h100 nvidia/a10 nvidia/a100-sxm4-80gb amd/mi300x nvidia/h100 nvidia/a100 biren/br106c kunlunxin/p800-oam iluvatar/bi-v200 -', 'full-width letters, signs that have no width, counts and generations');
is($node->safe_psql('postgres', "SELECT (identify_instance(U&'8\\5361 H100')).devices, (identify_instance(U&'4\\00D7 MI300X')).devices"), '8|4', 'and their numbers');
for my $encoding ('LATIN1', 'SQL_ASCII', 'EUC_CN')
{
	my $db = lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $db ENCODING '$encoding' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($db, 'CREATE EXTENSION compute_ledger');
	is($node->safe_psql($db, q{SELECT compute_ledger.identify('NVIDIA A100-SXM4-40GB'), compute_ledger.identify(chr(200) || ' A100')}), 'nvidia/a100-sxm4-40gb|', "a database of $encoding") if $encoding eq 'LATIN1';
	is($node->safe_psql($db, q{SELECT compute_ledger.identify('NVIDIA A100-SXM4-40GB')}), 'nvidia/a100-sxm4-40gb', "the extension loads into a database of $encoding");
}

# ------------------------------------------------------------------ parallel plans
$node->safe_psql('postgres', q{CREATE TABLE many AS SELECT name FROM (SELECT DISTINCT alias AS name FROM accelerator_alias) AS a, generate_series(1, 100); ANALYZE many});
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;';
my $query = 'SELECT count(*), count(a), count(DISTINCT a) FROM (SELECT identify(name) AS a FROM many) AS q';
like($node->safe_psql('postgres', "$parallel EXPLAIN $query"), qr/Parallel Seq Scan/, 'identify runs in parallel workers');
is($node->safe_psql('postgres', "$parallel $query"), $node->safe_psql('postgres', "SET max_parallel_workers_per_gather = 0; $query"), 'and they give the same answers');

# ------------------------------------------------------------------ dump and restore
$node->safe_psql('postgres', 'CREATE DATABASE origin');
$node->safe_psql('origin', q{CREATE EXTENSION compute_ledger; SET search_path = compute_ledger;
	INSERT INTO accelerator_alias (alias, accelerator) VALUES ('our big box', 'nvidia/h800-sxm5-80gb'), ('A100', 'nvidia/a100-sxm4-40gb');
	INSERT INTO accelerator_word (kind, word, meaning) VALUES ('model', 'hyperchip ##', 'pci00aa/hyper-##');
	INSERT INTO accelerator_variant (accelerator, form, memory_gb) VALUES ('pci00aa/hyper-42-oam-64gb', 'oam', 64);
	INSERT INTO accelerator_instance (sku, provider, accelerator, devices) VALUES ('hc.%xlarge', 'ours', 'pci00aa/hyper-42', 0.25)});
my $ours = q{SELECT compute_ledger.identify('our_big-box'), compute_ledger.identify('A100'), compute_ledger.identify('HyperChip 42'), compute_ledger.identify_instance('HC.4xlarge')};
my $expected = 'nvidia/h800-sxm5-80gb|nvidia/a100-sxm4-40gb|pci00aa/hyper-42-oam-64gb|(pci00aa/hyper-42,1)';
is($node->safe_psql('origin', $ours), $expected, 'rows of the user\'s own');
my $dump = PostgreSQL::Test::Utils::tempdir . '/origin.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, 'origin' ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', 'restored', '-f', $dump, '-o', '/dev/null' ], 'restore');
is($node->safe_psql('restored', $ours), $expected, 'are there after a restore');
is($node->safe_psql('restored', q{SELECT count(*) FROM compute_ledger.accelerator_alias WHERE shipped}), $node->safe_psql('origin', q{SELECT count(*) FROM compute_ledger.accelerator_alias WHERE shipped}),
	'beside the shipped ones, each once');

$node->stop;
done_testing();
