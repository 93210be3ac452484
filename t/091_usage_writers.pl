# Eight writers at the same time, with batches that overlap, in any order, some of them
# twice, leave the same ledger as one clean feed.  A writer that is stuck keeps nobody else's usage out.
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
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nmax_connections = 30\nmax_prepared_transactions = 5\n");
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
# What a writer left because another had its source the next one has taken; or nobody, at the end.
is($node->safe_psql('busy', 'SELECT waiting FROM compute_ledger.accept_usage()'), 0, 'nothing is kept by anybody');
is($node->safe_psql('busy', 'SELECT count(*) FROM compute_ledger.usage_inbox'), 0, 'the inbox is empty');

# The ledger without numbers of rows, times of record and batches.
my %digest = (
	records => "SELECT concat_ws('|', r.source, r.source_id, r.revision, a.name, g.name, r.accelerator, r.rate, compute_ledger.basis_name(r.basis), r.devices, r.started_at, r.ended_at,
		r.measure, r.account_name, r.region_name, r.accelerator_name, r.superseded = 'infinity', (SELECT p.tableoid::regclass FROM compute_ledger._usage_record AS p WHERE p.id = r.id))
		FROM compute_ledger.usage_record AS r JOIN compute_ledger.account AS a ON a.id = r.account JOIN compute_ledger.region AS g ON g.id = r.region",
	keys => "SELECT concat_ws('|', s.source, compute_ledger._usage_key_text(k.key), compute_ledger._usage_key_revision(k.key), encode(k.digest, 'hex'), k.record IS NULL, k.month) FROM compute_ledger.usage_key AS k JOIN compute_ledger.usage_source AS s ON s.number = k.source",
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
WHERE b.accepted <> (SELECT count(*) FROM compute_ledger.usage_key AS k WHERE k.batch = b.id) + (SELECT count(*) FROM compute_ledger.usage_record AS r WHERE r.batch = b.id)
	OR b.rejected <> (SELECT count(*) FROM compute_ledger.usage_rejected AS r WHERE r.batch = b.id)
SQL
	is($node->safe_psql($db, <<'SQL'), 0, "$db: the highest revision is current, unless it takes the record back, and at no time were there two");
SELECT count(*) FROM (
	SELECT k.source, k.name, max(k.revision) AS highest, bool_or(k.record IS NULL AND k.revision = k.highest) AS is_retracted,
		count(*) FILTER (WHERE r.superseded = 'infinity') AS current, max(r.revision) FILTER (WHERE r.superseded = 'infinity') AS current_revision,
		(SELECT count(*) FROM compute_ledger.usage_record AS x JOIN compute_ledger.usage_record AS y USING (source, source_id)
		WHERE x.source = s.source AND x.source_id = k.name AND x.id < y.id AND tstzrange(x.recorded, x.superseded) && tstzrange(y.recorded, y.superseded)) AS crossings
	FROM (SELECT *, max(revision) OVER (PARTITION BY source, name) AS highest
		FROM (SELECT *, compute_ledger._usage_key_text(key) AS name, compute_ledger._usage_key_revision(key) AS revision FROM compute_ledger.usage_key) AS k) AS k
	JOIN compute_ledger.usage_source AS s ON s.number = k.source
	LEFT JOIN compute_ledger.usage_record AS r ON r.id = k.record
	GROUP BY k.source, k.name, s.source) AS s
WHERE crossings > 0 OR current <> CASE WHEN is_retracted THEN 0 ELSE 1 END OR current_revision <> highest
SQL
}

# A stuck writer: a prepared transaction that has taken usage of a source that was there, of a new one, and of a new month.
my $accept = 'SELECT taken, accepted, rejected, waiting FROM compute_ledger.accept_usage()';
$node->safe_psql('busy', <<'SQL');
CREATE FUNCTION send(source text, name text, started timestamptz DEFAULT '2024-01-01 00:00Z') RETURNS void LANGUAGE sql AS $$
	INSERT INTO compute_ledger.usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
	VALUES (source, name, 'team-1', 'region-1', 'H100', '1', (started AT TIME ZONE 'UTC')::text || 'Z', (started AT TIME ZONE 'UTC' + interval '1 hour')::text || 'Z') $$;
BEGIN;
SET LOCAL application_name = 'collector';
SELECT send('stuck', 'a'), send('source-9', 'b'), send('source-9', 'c', '2024-07-01 00:00Z');
INSERT INTO compute_ledger.usage_source (source) VALUES ('source-8');
SELECT compute_ledger.accept_usage();
PREPARE TRANSACTION 'forgotten';
SQL
$node->safe_psql('busy', "SELECT send('source-9', 'd'), send('source-8', 'd'), send('free', 'd'), send('free', 'e', '2024-08-01 00:00Z')");
is($node->safe_psql('busy', "SET statement_timeout = '30s'; $accept"), '1|1|0|3', 'of the sources and the month of a stuck writer nothing is taken, all else is');
$node->append_conf('postgresql.conf', "max_locks_per_transaction = 20\n");
$node->restart;
is($node->safe_psql('busy', "SET statement_timeout = '30s'; $accept"), '0|0|0|3', 'nor after a restart');
is($node->safe_psql('busy', "SELECT pid, gid, role = current_user, age > '0' FROM compute_ledger.ledger_writers()"), '|forgotten|t|t', 'who it is');
my ($status, $stdout, $stderr) = $node->psql('busy', "SET lock_timeout = '100ms'; SELECT compute_ledger.record_usage('source-9', 'd', 'team-1', 'region-1', 'H100', 1, '2024-01-01 00:00Z')");
like($stderr, qr/canceling statement due to lock timeout/, 'one record waits for its source');
is($node->safe_psql('busy', "SELECT compute_ledger.record_usage('free', 'f', 'team-1', 'region-1', 'H100', 1, '2024-01-01 00:00Z') > 0"), 't', 'and for no other');
# Names come from outside: they do not fill the table of locks, or the turns.
$node->safe_psql('busy', "SELECT count(send('many-' || n, 'x')) FROM generate_series(1, 20000) AS n");
is($node->safe_psql('busy', "SELECT taken + waiting, waiting BETWEEN 3 AND 1000 FROM compute_ledger.accept_usage()"), '20003|t', 'twenty thousand new sources, with few locks; few share theirs with one that is being added');
$node->safe_psql('busy', "COMMIT PREPARED 'forgotten'");
is($node->safe_psql('busy', 'SELECT taken = accepted, waiting FROM compute_ledger.accept_usage()'), 't|0', 'what waited is taken when it has ended');
is($node->safe_psql('busy', 'SELECT count(*) FROM compute_ledger.usage_inbox'), 0, 'all of it');
is($node->safe_psql('busy', 'SELECT * FROM compute_ledger._check_usage()'), '', 'and the ledger finds no fault with itself');
done_testing();
