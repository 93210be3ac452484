# Mutated input of compute_unit, compute_rate and quantity_sum, as text and as binary COPY: whatever goes in,
# either the value comes out again the same, or the error is one of those documented.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Fuzz;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20250301;
srand($seed);
note "seed $seed";

my $node = PostgreSQL::Test::Cluster->new('quantity_fuzz');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');
my $soft = $node->safe_psql('postgres', 'SHOW server_version_num') >= 160000;

$node->safe_psql('postgres', q{
	CREATE FUNCTION read_text(t text, type text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		first text;
		again text;
	BEGIN
		EXECUTE format('SELECT %L::%s::text', t, type) INTO first;
		EXECUTE format('SELECT %L::%s::text', first, type) INTO again;
		RETURN CASE WHEN first = again THEN 'same' ELSE 'other' END;
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$;
	CREATE FUNCTION read_binary(file text, type text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		ok boolean;
	BEGIN
		TRUNCATE sink_unit, sink_rate, sink_sum;
		EXECUTE format('COPY sink_%s FROM %L (FORMAT binary)', type, file);
		EXECUTE format('SELECT count(*) = 1 AND bool_and(x::text::%s::text = x::text) FROM sink_%s', CASE type WHEN 'sum' THEN 'quantity_sum' ELSE 'compute_' || type END, type) INTO ok;
		RETURN CASE WHEN ok THEN 'same' ELSE 'other' END;
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$;
	CREATE TABLE sink_unit (x compute_unit);
	CREATE TABLE sink_rate (x compute_rate);
	CREATE TABLE sink_sum (x quantity_sum);
	CREATE TABLE mutant (t text, type text);
});

# Text
my %corpus = (
	compute_unit => [ '27.7032 PFLOPh@bf16', '0 FLOPh', '-0.0003 FLOPh@1000', '721.152341463170503962568934613902 RFLOPh', '1e3 EFLOPS-day@65535', '.5 kFLOP', '1EFLOP', '1 PFLOP/s-days' ],
	compute_rate => [ '989.4 TFLOPS@bf16', '2596148429.267413814265248164610047 QFLOPS', '-1 MFLOP/s', '1e6FLOPS@fp8', '1EFLOPS' ],
	quantity_sum => [ '(0,0,flop)', '(3,-4,bf16)', '(140737488355328,-365375409332725729550921208179070754913983135744,bf16)', '(70000,181730390048718967,1001)' ]);
my @alphabet = (split(//, "0123456789.+-eE @/()_,kMGTPEZYRQFLOPShdaybf\t\n"), 'FLOP', 'hour', '@', '999999999999999999', "\x{e9}", '00000000');

my $copy = "COPY mutant FROM stdin (ENCODING 'UTF8');\n" . Fuzz::mutants(\%corpus, \@alphabet, 6);
$node->safe_psql('postgres', "$copy\\.\nCREATE TABLE outcome AS SELECT t, type, read_text(t, type) AS r FROM mutant;");
is($node->safe_psql('postgres', q{SELECT t, type, r FROM outcome WHERE NOT r = ANY ('{same,22P02,22003,LC002}') LIMIT 5}), '', 'mutated text: the same value, or a documented error');
cmp_ok($node->safe_psql('postgres', q{SELECT min(n) FROM (SELECT count(*) AS n FROM outcome WHERE r = 'same' GROUP BY type) AS x}), '>', 200, 'of each type many are accepted');
cmp_ok($node->safe_psql('postgres', q{SELECT min(n) FROM (SELECT count(*) AS n FROM outcome WHERE r <> 'same' GROUP BY type) AS x}), '>', 200, 'and many refused');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT r, ',' ORDER BY r) FROM outcome WHERE type = 'compute_unit'}), '22003,22P02,LC002,same', 'every error occurs');

SKIP: {
	skip 'no soft errors before PostgreSQL 16', 3 unless $soft;
	is($node->safe_psql('postgres', q{SELECT t, type, r FROM outcome WHERE pg_input_is_valid(t, type) <> (r = 'same') LIMIT 5}), '', 'soft errors: the same verdict');
	is($node->safe_psql('postgres', q{SELECT t, type, r FROM outcome WHERE r <> 'same' AND (pg_input_error_info(t, type)).sql_error_code <> r LIMIT 5}), '', 'and the same code');
	is($node->safe_psql('postgres', q{SELECT (pg_input_error_info('1 FLOP', 'compute_unit(bf16)')).sql_error_code}), 'LC001', 'a column of another basis too');
}

# Binary: a COPY file of one row and one column around the bytes
my $dir = PostgreSQL::Test::Utils::tempdir();
chmod 0755, $dir;
my $list = "COPY mutant FROM stdin;\n";
my $n = 0;
for my $type ('unit', 'rate', 'sum')
{
	for my $try (1 .. 700)
	{
		my $bytes;
		if ($type eq 'sum')
		{
			# version, basis, carry, upper half, lower half, count
			my $count = (0, 1, 2, 1000, 1 << 47, (1 << 47) + 1)[ rand 6 ];
			$bytes = pack('nnNNNNNNN', (1, 1, 1, 0, 2)[ rand 5 ], (0, 0, 5, 5, 1000, 11, 999)[ rand 7 ], (0, 0, 0, 1, 0xffffffff, 1 << 30)[ rand 6 ], (0, 0, 0xffffffff, int rand 2**32)[ rand 4 ], (0, 0xffffffff, int rand 2**32)[ rand 3 ],
				int rand 2**32, (0, int rand 2**32)[ rand 2 ], $count >> 32, $count & 0xffffffff);
		}
		else
		{
			$bytes = pack('n', (int rand 20, int rand 65536, 1000, 999, 65535)[ rand 5 ]) . join '', map { chr int rand 256 } 1 .. 14;
		}
		if (rand() < 0.15)
		{
			$bytes = rand() < 0.5 ? substr($bytes, 0, rand length $bytes) : $bytes . 'x' x (1 + rand 4);
		}
		Fuzz::write_binary("$dir/$n.bin", $bytes);
		$list .= "$dir/$n.bin\t$type\n";
		$n++;
	}
}
$node->safe_psql('postgres', "TRUNCATE mutant; $list\\.\nCREATE TABLE binary_outcome AS SELECT t, type, NULL::text AS r FROM mutant;");
$node->safe_psql('postgres', q{
	DO $$
	DECLARE
		m record;
	BEGIN
		FOR m IN SELECT * FROM mutant LOOP
			UPDATE binary_outcome SET r = read_binary(m.t, m.type) WHERE t = m.t;
		END LOOP;
	END $$});
is($node->safe_psql('postgres', q{SELECT type, r, count(*) FROM binary_outcome WHERE r IS NULL OR NOT r = ANY ('{same,22P03,08P01}') GROUP BY 1, 2}), '', 'mutated binary: the same value, or a documented error');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT (type, r)) FROM binary_outcome}), 9, 'of each type some are accepted, some are invalid, some too short or too long');

# Every basis there can be
my $all = "PGCOPY\n\xff\r\n\0" . pack('NN', 0, 0);
my @valid = (0 .. 10, 1000 .. 65535);
$all .= pack('nNn', 1, 16, $_) . "\x80" . ("\0" x 12) . chr($_ & 255) for @valid;
open my $f, '>:raw', "$dir/all.bin" or die $!;
print $f $all, pack('n', 0xffff);
close $f;
$node->safe_psql('postgres', "TRUNCATE sink_unit; COPY sink_unit FROM '$dir/all.bin' (FORMAT binary)");
is($node->safe_psql('postgres', 'SELECT count(DISTINCT basis(x)), bool_and(x::text::compute_unit = x) FROM sink_unit'), scalar(@valid) . '|t', 'every assigned basis is accepted and reads back');
$list = "TRUNCATE mutant; COPY mutant FROM stdin;\n";
for my $basis (11 .. 999)
{
	Fuzz::write_binary("$dir/b$basis.bin", pack('n', $basis) . "\0" x 14);
	$list .= "$dir/b$basis.bin\tunit\n";
}
is($node->safe_psql('postgres', "$list\\.\nSELECT DISTINCT read_binary(t, type) FROM mutant"), '22P03', 'every unassigned basis is refused');

# Binary COPY and a column that is held to a basis
Fuzz::write_binary("$dir/fp8.bin", pack('n', 6) . "\0" x 14);
$node->safe_psql('postgres', 'CREATE TABLE held (x compute_unit(bf16)); CREATE TABLE held_array (x compute_unit(bf16)[])');
my ($rc, undef, $err) = $node->psql('postgres', "COPY held FROM '$dir/fp8.bin' (FORMAT binary)");
like($err, qr/basis fp8 does not fit type compute_unit\(bf16\)/, 'binary COPY of another basis is refused');
$node->safe_psql('postgres', "COPY (SELECT ARRAY['1 FLOP\@fp8'::compute_unit]) TO '$dir/array.bin' (FORMAT binary)");
($rc, undef, $err) = $node->psql('postgres', "COPY held_array FROM '$dir/array.bin' (FORMAT binary)");
like($err, qr/basis fp8 does not fit type compute_unit\(bf16\)/, 'and of an array');

done_testing();
