# Cells of usage records, mutated at random: whatever comes, accept_usage() ends, every row is accepted, a duplicate or
# rejected with a reason, and the same rows sent again change nothing. In a database in UTF-8, and in others, whose text may
# hold bytes that are no characters.
use strict;
use warnings;
use Encode ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{USAGE_SEED} || 20240501;
my $rows = $ENV{USAGE_ROWS} || 20000;
note "seed $seed";
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('usage_fuzz');
$node->init;
# what can be read in parallel is, as it would be from tables that are large
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\nmin_parallel_table_scan_size = 0\nmin_parallel_index_scan_size = 0\nparallel_setup_cost = 0\nparallel_tuple_cost = 0\n");
$node->start;

my @columns = qw(source source_id revision account region accelerator devices started_at ended_at measure number_format achieved_work run labels retracted);
# Sound cells, and odd ones that come whole or as a piece in another cell.
my %sound = (
	source => [qw(slurm k8s), 'the cloud'],
	revision => [ '', 0, 1, 2, 3 ],
	account => [ 'acme', 'acme research', "caf\x{e9}", 'group, "quoted"' ],
	region => [ 'here', 'there' ],
	accelerator => [ 'NVIDIA H100 80GB HBM3', 'A100-SXM4-80GB', 'L4', 'amd/mi300x', 'GRID A100D-1-10C', 'nvidia/h100-sxm5-80gb' ],
	devices => [ 1, 8, '0.5', '2.50', '1e2', '  4 ' ],
	started_at => [ '2024-05-01T00:00:00Z', '2024-05-02 12:30:15.123456+08', '1714521600', '1714521600.25', '2024-02-29 23:59:59', '2024-05-03T10:00 Europe/Berlin', '2024-05-01T00:00+0530' ],
	ended_at => [ '', '2024-06-01T00:00:00Z', '2024-06-02 12:30:15.123456789-03:30', '1717200000', '2024-06-03 10:00:00.5 America/Argentina/Buenos_Aires' ],
	measure => [ '', 'allocated', 'used', 'RESERVED' ],
	number_format => [ '', 'bf16', 'FP8', 'int8' ],
	achieved_work => [ '', '27.7 PFLOPh', '1e21 FLOP', '3 PFLOPh@bf16' ],
	run => [ '', 'run 7', "\x{3bb}" ],
	labels => [ '', '{}', '{"a":"b"}', '{"a":{"b":[1,2.50,true,null]},"c":"\u00e9"}', '{"project":"p","n":12345678901234567}' ],
	retracted => [ '', '', '', 'f', 'true' ],
);
my @odd = ('', ' ', "\t", "\n", "\r\n", "\\", '\N', '\.', '"', "'", '%s%n', '0', '-0', '-1', '1e400', '1e-400', '1e131072', '9' x 400, '0.' . '3' x 400, 'NaN', 'Infinity', '-Infinity', '1_000', '0x10', '1,5',
	'2147483647', '2147483648', '9223372036854775808', 'now', 'today', 'epoch', 'infinity', '-infinity', 'allballs', '294276-12-31 23:59:59Z', '4714-11-24 BC', '0000-00-00', '99999999999', '999999999999', '2024-13-01', '2024-05-01 24:00:00Z',
	'2024-05-01 00:00:60Z', '2024-05-01 00:00:00+99', '2024-05-01 00:00:00 Mars/Base', '2024-05-01 00:00:00.' . '9' x 300 . 'Z', '12345678', '20240501T000000Z', 'May 3 2024 10:00 UTC', ' CST', ' UTC+8', ' Asia/Shanghai+8', ' Mars/Base', 'Z', 'T', '+', '-', '.', 'e', ':', '@', 'FLOP', 'PFLOPS', '1e9999 FLOP', '-1 FLOP', '1 FLOP@', '1 FLOP@65536',
	'null', 'true', '[', ']', '{', '}', '{"a":1', '{"a":1}}', '{"a":1,"a":2}', '{"":""}', '{"a":"\u0000"}', '{"a":"\ud800"}', '{"a":1e999999}', '{"a":-0}', '[' x 1000, '{"a":' x 800, '{"a":' . '[' x 490 . ']' x 490 . '}', '"' . 'x' x 3000 . '"',
	'x' x 999, 'x' x 1001, 'x' x 70000, "\x{e9}" x 500, "\x{feff}", "\x{200b}", "\x{202e}", "\x{10ffff}", "\x{1f600}", "e\x{301}", "\x{ff18}", "\x{a0}8", "\x7f", "\x01");

sub pick { return $_[ int rand @_ ] }

# Changes a cell: characters, or pieces of it, go, come, are said twice or in another order.
sub mutate
{
	my ($cell) = @_;
	for (1 .. 1 + int(rand(3)))
	{
		my $n = length $cell;
		my $at = int(rand($n + 1));
		my $len = int(rand(8));
		my $how = int(rand(9));
		if ($how == 0) { $cell = pick(@odd) }
		elsif ($how == 1) { substr($cell, $at, 0) = pick(@odd) }
		elsif ($how == 2) { substr($cell, $at, $len) = '' }
		elsif ($how == 3) { substr($cell, $at, 0) = substr($cell, $at, $len) x (1 + int(rand(4))) }
		elsif ($how == 4) { substr($cell, $at, 1) = chr(32 + int(rand(95))) if $at < $n }
		elsif ($how == 5) { substr($cell, $at, 1) = chr(ord(substr($cell, $at, 1)) ^ (1 << int(rand(7)))) if $at < $n }
		elsif ($how == 6) { $cell = substr($cell, $at) . substr($cell, 0, $at) }
		elsif ($how == 7) { substr($cell, $at, 0) = chr(1 + int(rand(0x24f))) }
		else { $cell = pick(@{ $sound{ pick(grep { $_ ne 'source_id' } @columns) } }) }
	}
	$cell =~ tr/\0//d;
	return substr($cell, 0, 80000);
}

# Rows as COPY reads them: characters, not yet bytes.
sub feed
{
	my ($count) = @_;
	my @feed;
	for my $n (1 .. $count)
	{
		my %row = map { $_ => pick(@{ $sound{$_} // [''] }) } @columns;
		$row{source_id} = 'job ' . int(rand($count));
		# most have one bad cell or two, some have none
		$row{$_} = mutate($row{$_}) for map { pick(@columns) } 1 .. int(rand(4));
		push @feed, join("\t", map { my $c = $row{$_}; rand() < 0.01 ? '\N' : $c =~ s/([\\\t\n\r])/{ "\\" => "\\\\", "\t" => "\\t", "\n" => "\\n", "\r" => "\\r" }->{$1}/ger } @columns);
	}
	return @feed;
}

my $folder = PostgreSQL::Test::Utils::tempdir();
# Sends a file and accepts; returns the counts.
sub send_file
{
	my ($db, $file, $encoding) = @_;
	my ($out, $err) = ('', '');
	my $rc = $node->psql($db, "\\set ON_ERROR_STOP 1\nSET client_encoding = '$encoding';\n\\copy compute_ledger.usage_inbox (" . join(', ', @columns) . ") FROM '$file'\n"
		. 'SELECT taken, accepted, duplicate, rejected FROM compute_ledger.accept_usage()', stdout => \$out, stderr => \$err);
	is("$rc $err", '0 ', "$db: all is read") or diag substr($err, 0, 2000);
	return split /\|/, $out =~ s/.*\n//sr;
}

my %bytes = (
	utf8 => sub { Encode::encode('UTF-8', $_[0]) },
	# bytes that are no characters in UTF-8, some of them (0x81, 0x8d, ...) none in Windows-1252 either
	sql_ascii => sub { my $b = Encode::encode('UTF-8', $_[0]); $b =~ s/([\x80-\xff])/rand() < 0.5 ? $1 : chr(128 + int(rand(128)))/ge; $b },
	win1252 => sub { my $b = $_[0]; $b =~ s/([^\x00-\x7f])/chr(128 + ord($1) % 128)/ge; $b });
for (([ 'utf8', 'UTF8', $rows ]), [ 'sql_ascii', 'SQL_ASCII', $rows / 4 ], [ 'win1252', 'WIN1252', $rows / 4 ])
{
	my ($db, $encoding, $count) = @$_;
	$node->safe_psql('postgres', "CREATE DATABASE $db ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql($db, <<'SQL');
CREATE EXTENSION compute_ledger;
SELECT compute_ledger.create_ledger();
SELECT compute_ledger.create_account('acme', time_zone => 'UTC', currency => 'USD');
SELECT compute_ledger.create_account('acme research', parent => 'acme'), compute_ledger.create_account('group, "quoted"', parent => 'acme');
SELECT compute_ledger.create_region('here'), compute_ledger.create_region('there');
INSERT INTO compute_ledger.usage_source (source, time_zone, unix_seconds) VALUES ('slurm', 'Australia/Lord_Howe', true), ('the cloud', NULL, true);
SQL
	my @feed = feed($count);
	my $file = "$folder/$db.txt";
	open my $out, '>:raw', $file or die;
	print $out $bytes{$db}->($_), "\n" for @feed;
	close $out;
	my ($taken, $accepted, $duplicate, $rejected) = send_file($db, $file, $encoding);
	note "$db: $taken taken, $accepted accepted, $duplicate duplicate, $rejected rejected";
	is($taken, $count, "$db: all $count rows are taken");
	is($accepted + $duplicate + $rejected, $count, "$db: and each is accepted, a duplicate or rejected");
	cmp_ok($accepted, '>', $count / 20, "$db: many are accepted");
	cmp_ok($rejected, '>', $count / 10, "$db: and many rejected");
	is($node->safe_psql($db, 'SELECT count(*) FROM compute_ledger.usage_inbox'), '0', "$db: the inbox is empty");
	is($node->safe_psql($db, 'SELECT (SELECT count(*) FROM compute_ledger.usage_key), (SELECT count(*) FROM compute_ledger.usage_rejected)'), "$accepted|$rejected", "$db: they are where they belong");
	is($node->safe_psql($db, q{SELECT sqlstate, reason FROM compute_ledger.usage_rejected WHERE sqlstate !~ '^(22|23|54|LC)...$' OR reason = '' LIMIT 5}), '', "$db: with a reason each");
	is($node->safe_psql($db, q{SELECT f FROM compute_ledger.usage_rejected, jsonb_array_elements(faults) AS f
		WHERE NOT f ?& '{column,sqlstate,reason,detail,hint}' OR 'null' IN (f -> 'column', f -> 'sqlstate', f -> 'reason', f -> 'detail', f -> 'hint') LIMIT 5}), '', "$db: a column, a detail and a hint");
	cmp_ok($node->safe_psql($db, 'SELECT count(*) FROM compute_ledger.usage_rejected WHERE jsonb_array_length(faults) > 1'), '>', $count / 20, "$db: some of them for several");
	my $kinds = $node->safe_psql($db, 'SELECT count(DISTINCT sqlstate) FROM compute_ledger.usage_rejected');
	cmp_ok($kinds, '>=', 10, "$db: for $kinds kinds of them");
	# two bytes that are no characters of it, and one that is those in UTF-8
	is($node->safe_psql($db, q{SELECT compute_ledger._usage_key_of(E'\\xc3\\x81', 0) <> compute_ledger._usage_key_of(E'\\xc1', 0)}), 't', "$db: of two names each has its key") if $db ne 'utf8';
	is($node->safe_psql($db, q{SELECT compute_ledger._usage_key_of(U&'m\\00fc', 0)}), '\x046dc3bc', "$db: a name has the same key in any encoding") if $db ne 'sql_ascii';
	my @again = send_file($db, $file, $encoding);
	is("@again", join(' ', $count, 0, $accepted + $duplicate, $rejected), "$db: sent again, nothing is new");
	is($node->safe_psql($db, 'SELECT * FROM compute_ledger._check_usage()'), '', "$db: the ledger finds no fault with itself");
	# each as a row of its own, as an error or not: the same
	my $alone = $node->safe_psql($db, 'SELECT taken, accepted + duplicate + rejected FROM compute_ledger.retry_rejected()');
	is($alone, 2 * $rejected . '|' . 2 * $rejected, "$db: what was rejected can be tried again");
}
unlike(slurp_file($node->logfile), qr/PANIC|FATAL|terminated by signal|ERROR:  XX/, 'the server stayed up');

$node->stop;
done_testing();
