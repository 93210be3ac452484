# Eight writers at the same time, with batches that overlap, in any order, some of them
# twice, leave the same ledger as one clean feed.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run qw(start finish);

my $seed = $ENV{USAGE_SEED} || 20240501;
my $records = $ENV{USAGE_RECORDS} || 1500;
my $writers = 8;
note "seed $seed";
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('usage_writers');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nmax_connections = 30\n");
$node->start;

# The feed: records of three sources over three months, a third with corrections, some of which
# move to another month, some of them taken back, some open at first.
my @feed;
for my $n (1 .. $records)
{
	my $revisions = rand() < 0.35 ? 1 + int(rand(4)) : 1;
	for my $r (0 .. $revisions - 1)
	{
		my $start = 1704067200 + int(rand(90 * 86400));
		my $retracted = $r > 0 && rand() < 0.25;
		push @feed, join "\t", 'source-' . $n % 3, "job-$n", $r,
			$retracted ? ('') x 7 : (
				'team-' . int(rand(10)), 'region-' . int(rand(3)), (qw(H100 A100-SXM4-80GB H200 L4))[ int(rand(4)) ], 1 + int(rand(8)),
				$start, ($r == 0 && $revisions > 1 ? '' : $start + 1 + int(rand(86400))), (qw(allocated used reserved))[ int(rand(3)) ]),
			$retracted ? 't' : '';
	}
}
my $columns = 'source, source_id, revision, account, region, accelerator, devices, started_at, ended_at, measure, retracted';

for my $db (qw(clean busy))
{
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, <<'SQL');
CREATE EXTENSION compute_ledger;
SELECT compute_ledger.create_ledger();
SELECT compute_ledger.create_account('root', time_zone => 'UTC', currency => 'USD');
SELECT count(compute_ledger.create_account('team-' || n, parent => 'root')) FROM generate_series(0, 9) AS n;
SELECT count(compute_ledger.create_region('region-' || n)) FROM generate_series(0, 2) AS n;
INSERT INTO compute_ledger.usage_source (source, unix_seconds) SELECT 'source-' || n, true FROM generate_series(0, 2) AS n;
SQL
}

# Makes a script that sends rows, and accepts them in the same transaction or in the next.
sub script
{
	my ($chunks) = @_;
	my $sql = "\\set ON_ERROR_STOP 1\nSET client_min_messages = warning;\n";
	for my $chunk (@$chunks)
	{
		my $together = rand() < 0.5;
		$sql .= "BEGIN;\n" if $together;
		$sql .= "COPY compute_ledger.usage_inbox ($columns) FROM stdin WITH (NULL '');\n" . join('', map { "$_\n" } @$chunk) . "\\.\n";
		$sql .= "SELECT taken = accepted + duplicate + rejected FROM compute_ledger.accept_usage();\n";
		$sql .= "COMMIT;\n" if $together;
	}
	return $sql;
}

# Puts a list in a random order.
sub shuffle
{
	my @list = @_;
	for (my $i = @list; --$i > 0;)
	{
		my $j = int(rand($i + 1));
		@list[ $i, $j ] = @list[ $j, $i ];
	}
	return @list;
}

$node->safe_psql('clean', script([ \@feed ]));

# Each row goes to one writer at least, to two and a half on average.
my $folder = PostgreSQL::Test::Utils::tempdir();
my @share = map { [] } 1 .. $writers;
for my $row (@feed)
{
	my @to = (shuffle(0 .. $writers - 1))[ 0 .. int(rand(4)) ];
	push @{ $share[$_] }, $row for @to;
}
my (@runs, @files, @outputs);
for my $w (0 .. $writers - 1)
{
	my @rows = shuffle(@{ $share[$w] });
	my @chunks;
	while (@rows)
	{
		my @chunk = splice @rows, 0, 1 + int(rand(400));
		push @chunks, \@chunk;
		push @chunks, [ shuffle(@chunk) ] if rand() < 0.2;    # a replay
	}
	my $file = "$folder/writer_$w.sql";
	append_to_file($file, script(\@chunks));
	$outputs[$w] = '';
	push @runs, start([ 'psql', '-XAtq', '-d', $node->connstr('busy'), '-f', $file ], '>', \$outputs[$w], '2>', \my $errors, IPC::Run::timeout(600));
}
my $failed = grep { !finish($_) } @runs;
is($failed, 0, 'no writer failed');
is(join('', map { my $o = $_; $o =~ s/[t\n]//g; $o } @outputs), '', 'in every batch all that was taken was accepted, duplicate or rejected');
is($node->safe_psql('busy', 'SELECT count(*) FROM compute_ledger.usage_inbox'), 0, 'the inbox is empty');

# The ledger without numbers of rows, times of record and batches.
my %digest = (
	records => "SELECT concat_ws('|', r.source, r.source_id, r.revision, a.name, g.name, r.accelerator, r.rate, compute_ledger.basis_name(r.basis), r.devices, r.started_at, r.ended_at,
		r.measure, r.account_name, r.region_name, r.accelerator_name, r.superseded = 'infinity', r.tableoid::regclass)
		FROM compute_ledger.usage_record AS r JOIN compute_ledger.account AS a ON a.id = r.account JOIN compute_ledger.region AS g ON g.id = r.region",
	keys => "SELECT concat_ws('|', k.source, k.source_id, k.revision, encode(k.digest, 'hex'), k.retracted, k.started_at) FROM compute_ledger.usage_key AS k",
	rejected => "SELECT concat_ws('|', r.source, r.source_id, r.revision, r.sqlstate) FROM compute_ledger.usage_rejected AS r");
for my $what (sort keys %digest)
{
	my $query = qq(SELECT count(*), encode(sha256(convert_to(coalesce(string_agg(line, E'\\n' ORDER BY line COLLATE "C"), ''), 'UTF8')), 'hex') FROM ($digest{$what}) AS l (line));
	my $clean = $node->safe_psql('clean', $query);
	note "$what: $clean";
	is($node->safe_psql('busy', $query), $clean, "$what are the same");
}
is($node->safe_psql('clean', 'SELECT count(*) FROM compute_ledger.usage_key'), scalar @feed, 'the clean feed was accepted whole');
cmp_ok($node->safe_psql('busy', 'SELECT sum(duplicate) FROM compute_ledger.usage_batch'), '>', scalar @feed, 'and the busy one came more than twice');

for my $db (qw(clean busy))
{
	is($node->safe_psql($db, 'SELECT * FROM compute_ledger._check_usage()'), '', "$db: the ledger finds no fault with itself");
	is($node->safe_psql($db, <<'SQL'), 0, "$db: the counts of all batches are those of their rows");
SELECT count(*) FROM compute_ledger.usage_batch AS b
WHERE b.accepted <> (SELECT count(*) FROM compute_ledger.usage_key AS k WHERE k.batch = b.id)
	OR b.rejected <> (SELECT count(*) FROM compute_ledger.usage_rejected AS r WHERE r.batch = b.id)
SQL
	is($node->safe_psql($db, <<'SQL'), 0, "$db: the highest revision is current, unless it takes the record back, and at no time were there two");
SELECT count(*) FROM (
	SELECT k.source, k.source_id, max(k.revision) AS highest, bool_or(k.retracted AND k.revision = h.highest) AS is_retracted,
		count(*) FILTER (WHERE r.superseded = 'infinity') AS current, max(r.revision) FILTER (WHERE r.superseded = 'infinity') AS current_revision,
		(SELECT count(*) FROM compute_ledger.usage_record AS x JOIN compute_ledger.usage_record AS y USING (source, source_id)
		WHERE x.source = k.source AND x.source_id = k.source_id AND x.id < y.id AND tstzrange(x.recorded, x.superseded) && tstzrange(y.recorded, y.superseded)) AS crossings
	FROM compute_ledger.usage_key AS k
	JOIN (SELECT source, source_id, max(revision) AS highest FROM compute_ledger.usage_key GROUP BY 1, 2) AS h USING (source, source_id)
	LEFT JOIN compute_ledger.usage_record AS r ON r.id = k.record
	GROUP BY k.source, k.source_id) AS s
WHERE crossings > 0 OR current <> CASE WHEN is_retracted THEN 0 ELSE 1 END OR current_revision <> highest
SQL
}
done_testing();
