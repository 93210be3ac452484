# Mutated input of device_profile and rate_profile, as text and as binary COPY: whatever goes in, either the
# value comes out again the same in both forms, or the error is one of those documented.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Fuzz;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20260701;
srand($seed);
note "seed $seed";

my $node = PostgreSQL::Test::Cluster->new('profile_fuzz');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');

$node->safe_psql('postgres', q{
	CREATE TABLE sink_device (x device_profile);
	CREATE TABLE sink_rate (x rate_profile);
	CREATE TABLE mutant (t text, type text, r text);
	CREATE FUNCTION read_text(t text, type text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		same boolean;
	BEGIN
		EXECUTE format('SELECT x = x::text::%1$s AND x::text = x::text::%1$s::text AND %1$s_send(x) = %1$s_send(x - x + x) FROM (SELECT %2$L::%1$s AS x) AS s', type, t) INTO same;
		RETURN CASE WHEN same THEN 'same' ELSE 'other' END;
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$;
	CREATE FUNCTION read_binary(file text, type text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		same boolean;
	BEGIN
		TRUNCATE sink_device, sink_rate;
		EXECUTE format('COPY sink_%s FROM %L (FORMAT binary)', type, file);
		EXECUTE format('SELECT count(*) = 1 AND bool_and(x = x::text::%1$s_profile AND length(x::text) > 1) FROM sink_%1$s', type) INTO same;
		RETURN CASE WHEN same THEN 'same' ELSE 'other' END;
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$;
});

my %corpus = (
	device_profile => [ '{}', '{2026-01-01T00:00:00Z 8, 2026-01-01T08:30:00.5Z 4.142857, 2026-01-02T00:00:00Z 0}',
		'{-4713-11-24T00:00:00Z 5490000000000, 0000-02-29T00:00:00+14 1, 294276-12-31T23:59:59.999999Z 0}',
		' { 2026-01-01 00:00-05:30:15 -0.0000006 , 2026-01-02T00:00:00Z 0 } ' ],
	rate_profile => [ '{}', '{}@bf16', '{2026-01-01T00:00:00Z 989.4 TFLOPS, 2026-01-01T08:30:00.5Z 1 MFLOPS, 2026-01-02T00:00:00Z 0 FLOPS}@bf16',
		'{2026-01-01 00:00Z -2596.1484 QFLOPS, 2026-01-01T08:00Z 1e3 EFLOPS, 2026-01-02T00:00:00Z 0 FLOP/s} @1001' ]);
my @alphabet = (split(//, "0123456789.+-:TZ @,{}eE\t\n"), '2026-01-01T00:00:00Z', 'FLOPS', 'NaN', '@', '999999999999999999', "\x{e9}", '0' x 300);

my $copy = "COPY mutant (t, type) FROM stdin (ENCODING 'UTF8');\n" . Fuzz::mutants(\%corpus, \@alphabet, 30);
$node->safe_psql('postgres', "$copy\\.\nUPDATE mutant SET r = read_text(t, type)");
is($node->safe_psql('postgres', q{SELECT type, r, min(t) FROM mutant WHERE r IS NULL OR NOT r = ANY ('{same,22P02,22003}') GROUP BY 1, 2}), '',
	'mutated text: the same value in every form, or a documented error');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT (type, r)) FROM mutant}), 6, 'of each type some are accepted, some are invalid, some out of range');

# Soft errors: COPY ... ON_ERROR and pg_input_is_valid say no without an error.
SKIP:
{
	skip 'soft errors came with PostgreSQL 16', 1 if $node->safe_psql('postgres', 'SHOW server_version_num') < 160000;
	is($node->safe_psql('postgres', q{SELECT count(*) FROM mutant WHERE pg_input_is_valid(t, type) <> (r = 'same')}), '0', 'pg_input_is_valid agrees');
}

# Binary: the bytes of good values, changed.
my $dir = PostgreSQL::Test::Utils::tempdir();
chmod 0777, $dir;
my @bytes;
for my $type (sort keys %corpus)
{
	for my $t (@{ $corpus{$type} })
	{
		push @bytes, [ $type =~ s/_profile//r, pack 'H*', $node->safe_psql('postgres', "SELECT encode(${type}_send('$t'), 'hex')") ];
	}
}
my $list = "COPY mutant (t, type) FROM stdin;\n";
my @interesting = map { pack 'H*', $_ } qw(00 01 ff 7fffffffffffffff 8000000000000000 ffffffff 7fffffff 00000000);
for my $i (1 .. 3000)
{
	my ($type, $b) = @{ $bytes[ rand @bytes ] };
	for (1 .. 1 + rand 3)
	{
		my $at = int rand(1 + length $b);
		my $what = int rand 5;
		if ($what == 0 && $at < length $b) { substr($b, $at, 1) ^= chr(1 << int rand 8) }
		elsif ($what == 1) { my $x = $interesting[ rand @interesting ]; substr($b, $at, length $x, $x) if $at + length($x) <= length $b }
		elsif ($what == 2) { $b = substr($b, 0, $at) }
		elsif ($what == 3) { substr($b, $at, 0, $interesting[ rand @interesting ]) }
	}
	my $file = "$dir/$i";
	Fuzz::write_binary($file, $b);
	$list .= "$file\t$type\n";
}
$node->safe_psql('postgres', "TRUNCATE mutant;\n$list\\.\n");
$node->safe_psql('postgres', q{
	CREATE TABLE outcome (type text, r text, file text);
	DO $$
	DECLARE
		m record;
	BEGIN
		FOR m IN SELECT * FROM mutant LOOP
			INSERT INTO outcome VALUES (m.type, read_binary(m.t, m.type), m.t);
		END LOOP;
	END $$});
is($node->safe_psql('postgres', q{SELECT type, r, min(file) FROM outcome WHERE r IS NULL OR NOT r = ANY ('{same,22P03,08P01}') GROUP BY 1, 2}), '',
	'mutated binary: the same value, or a documented error');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT (type, r)) FROM outcome}), 6, 'of each type some are accepted, some are invalid, some too short or too long');

# What recv refuses although every byte could be read.
sub refused
{
	my ($hex, $type, $detail, $name) = @_;
	Fuzz::write_binary("$dir/one", pack 'H*', $hex);
	my ($rc, undef, $err) = $node->psql('postgres', "COPY sink_$type FROM '$dir/one' (FORMAT binary)");
	like($err, $detail, $name);
}
my $one = '0000000000000001' . '0000000000000008';
my $end = '0000000000000002' . '0000000000000000';
refused("0200" . "00000002$one$end", 'device', qr/unsupported version 2 of binary device_profile/, 'another version');
refused("0101" . "00000002$one$end", 'device', qr/unsupported flags 1 in binary device_profile/, 'unknown flags');
refused("0100" . "00000002$end$one", 'device', qr/Instants must ascend/, 'instants that do not ascend');
refused("0100" . "00000001$one", 'device', qr/last level must be zero/, 'a level that never ends');
refused("0100" . "00000002" . '7fffffffffffffff' . '0000000000000008' . $end, 'device', qr/An instant is out of range/, 'infinity');
refused("0100" . "00000002" . '8000000000000000' . '0000000000000008' . $end, 'device', qr/An instant is out of range/, '-infinity');
refused("0100" . "ffffffff$one$end", 'device', qr/insufficient data|invalid binary/, 'more steps than bytes');
refused("0100" . "000b" . "00000000", 'rate', qr/The basis is not known/, 'an unassigned basis');
refused("0100" . "0000" . "00000002" . '0000000000000001' . '0000800000000000' . '0000000000000000' . '0000000000000002' . '00' x 16, 'rate', qr/A level is out of range/, 'a rate of 2^111');

done_testing();
