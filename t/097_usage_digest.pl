# The digest of usage records as a client makes it: src/digest built without a server, against PostgreSQL's common library,
# says of records at random what usage_digest() says of them.
use strict;
use warnings;
use Encode ();
use File::Basename;
use File::Spec;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(dirname(File::Spec->rel2abs(__FILE__)));
my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
my ($include, $cc, $libs, $libdir, $pkglibdir) =
  map { my $said = `$pg_config $_` // ''; chomp $said; $said } '--includedir-server', '--cc', '--libs', '--libdir', '--pkglibdir';
$cc = 'cc' if $cc eq '' || system("command -v $cc >/dev/null 2>&1");
plan skip_all => 'no C compiler' if system("command -v $cc >/dev/null 2>&1");
plan skip_all => 'no libpgcommon.a and libpgport.a to link with'
  unless grep { -e "$_/libpgcommon.a" && -e "$_/libpgport.a" } $libdir, $pkglibdir;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20260801;
srand($seed);

# The hash is OpenSSL's where PostgreSQL was built with it.
my @compile = ($cc, '-O1', '-g', '-Wall', '-Wextra', '-DFRONTEND', '-isystem', $include, '-I', "$root/src");
my @link = ('-L', $libdir, '-L', $pkglibdir, '-lpgcommon', '-lpgport', grep { $_ eq '-lcrypto' } split ' ', $libs);
my @harness = ("$root/t/usage_digest.c", "$root/src/digest/digest.c");
my @sanitize = ('-fsanitize=address,undefined', '-fno-sanitize-recover=all');
PostgreSQL::Test::Utils::append_to_file("$dir/probe.c", "int main(void) { return 0; }\n");
plan skip_all => 'no OpenSSL to link with' if system("$cc -o $dir/probe $dir/probe.c @link >/dev/null 2>&1");
@sanitize = () if system("$cc @sanitize $dir/probe.c -o $dir/probe >/dev/null 2>&1 && $dir/probe");
note @sanitize ? 'with sanitizers' : 'the compiler has no sanitizers';
system_or_bail(@compile, @sanitize, '-o', "$dir/digest", @harness, @link);

sub pick { return $_[ int rand @_ ] }

# Text as SQL and as a field, both in hexadecimal: whatever it holds, it is one line without quotes.
sub text_of
{
	my ($text) = @_;
	my $hex = unpack 'H*', Encode::encode_utf8($text);
	return ("convert_from('\\x$hex', 'UTF8')", "s $hex");
}

# A value of labels, as JSON and as fields.  Keys are sorted by length, then by bytes.
sub json
{
	my ($depth) = @_;
	my $what = int(rand($depth > 3 ? 5 : 7));
	return ('null', 'n') if $what == 0;
	return ('true', 't') if $what == 1;
	return ('false', 'f') if $what == 2;
	if ($what == 3)
	{
		my ($json, $plain) = @{ pick([ 1, 1 ], [ '2.50', '2.5' ], [ '-0.0', '0' ], [ '1e2', '100' ], [ '12345678901234567890.0', '12345678901234567890' ]) };
		return ($json, "d $plain");
	}
	if ($what == 4)
	{
		my $string = pick('', 'x', "caf\x{e9}", "\x{1f600}", 'y' x 500, 'z' x 2000);
		return ("\"$string\"", (text_of($string))[1]);
	}
	if ($what == 5)
	{
		my @values = map { [ json($depth + 1) ] } 1 .. int(rand(4));
		return ('[' . join(', ', map { $_->[0] } @values) . ']', '[', (map { @$_[ 1 .. $#$_ ] } @values), ']');
	}
	return object($depth + 1);
}

sub object
{
	my ($depth) = @_;
	my %values = map { (pick('a' .. 'f') x (1 + int(rand(3)))) => [ json($depth) ] } 1 .. int(rand(5));
	my @keys = sort { length $a <=> length $b || $a cmp $b } keys %values;
	return ('{' . join(', ', map { "\"$_\": $values{$_}[0]" } reverse @keys) . '}',
		'{', (map { ((text_of($_))[1], @{ $values{$_} }[ 1 .. $#{ $values{$_} } ]) } @keys), '}');
}


# Records as SQL and as fields.  What the server sends of a number and of an instant stands in the fields as %1, %2 and %3.
my (@values, @fields);
for (1 .. 500)
{
	my @texts = map { [ text_of(pick('acme', '', "caf\x{e9}", "\x{7b97}\x{529b}", "it's \"so\"\n", 'x' x int(rand(3000)))) ] } 1 .. 6;
	my $number = pick('0', '0.0', '-0.50', '8', '8.000', '100', '1e3', '1e-20', '123456789012345678901234567890.1200', 'NaN', 'Infinity', int(rand(1000)) . '.' . int(rand(1000)) . '0');
	my @instants = map { pick('2026-05-01 12:30:15.123456+08', '1999-12-31 23:59:59.999999Z', '2000-01-01Z', 'infinity', '-infinity', '4000-01-01Z') } 1 .. 2;
	my $amount = pick(0, 1, -7, int(rand(2**53)), '2596148429267413814265248164610047', '-2596148429267413814265248164610048');
	my ($basis, $code) = @{ pick([ 'flop', 0 ], [ 'bf16', 5 ], [ 1001, 1001 ], [ 65535, 65535 ]) };
	my ($json, @labels) = object(0);
	my @record = (
		@texts[ 0 .. 2 ], [ "numeric '$number'", 'd %1' ],
		(map { [ "timestamptz '$instants[$_]'", 'i %' . ($_ + 2) ] } 0 .. 1),
		@texts[ 3 .. 4 ], [ "compute_ledger.compute_unit '$amount FLOP\@$basis'", "q $amount $code" ], $texts[5],
		[ 'convert_from(\'\x' . unpack('H*', Encode::encode_utf8($json)) . '\', \'UTF8\')::jsonb', @labels ]);
	for my $field (@record)
	{
		@$field = ('NULL', 'n') if rand() < 0.1;
	}
	# a record that names no reservation says nothing of it
	push @record, rand() < 0.5 ? ['NULL'] : [ text_of(pick('ledger:17', "centre:caf\x{e9}")) ];
	push @values, '(' . join(', ', map { $_->[0] } @record) . ')';
	push @fields, [ map { @$_[ 1 .. $#$_ ] } @record ];
}

my $node = PostgreSQL::Test::Cluster->new('usage_digest');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');
sub microseconds { return "('x' || encode(timestamptz_send($_[0]), 'hex'))::bit(64)::bigint" }
my @server = split /\n/, $node->safe_psql('postgres', 'SELECT d, ' . microseconds('s') . ', ' . microseconds('e') . <<SQL . join(', ', @values) . ') AS v (a, r, c, d, s, e, m, f, w, n, l, v)');
, encode(compute_ledger.usage_digest(a, r, c, d, s, e, m, f, w, n, l, v), 'hex')
FROM (VALUES (NULL::text, NULL::text, NULL::text, NULL::numeric, NULL::timestamptz, NULL::timestamptz, NULL::text, NULL::text, NULL::compute_ledger.compute_unit, NULL::text, NULL::jsonb, NULL::text),
SQL
$node->stop;
unshift @fields, [ ('n') x 11 ];
is(scalar @server, scalar @fields, 'the server has a digest of every record');

my (@expected, $lines);
for my $n (0 .. $#fields)
{
	my @sent = split /\|/, $server[$n];
	push @expected, $sent[3];
	$lines .= join("\n", map { s/%(\d)/$sent[$1 - 1]/r } @{ $fields[$n] }) . "\n.\n";
}
PostgreSQL::Test::Utils::append_to_file("$dir/fields", $lines);
is(`$dir/digest <$dir/fields 2>&1`, join("\n", @expected) . "\n", "a client makes the same (seed $seed)");

# The harness itself can fail: planted faults are found.
for my $fault (
	[ qr/pg_hton64\(\(uint64\) len\)/, '(uint64) len', 'a length in the order of this machine' ],
	[ qr/== '0'/, q(== '9'), 'zeros that say nothing are kept' ],
	[ qr/pg_cryptohash_update\(state->sha, data, len\) < 0/, 'false', 'text that fills the buffer is left out' ])
{
	my ($from, $to, $what) = @$fault;
	my $source = PostgreSQL::Test::Utils::slurp_file("$root/src/digest/digest.c");
	my $broken = $source =~ s/$from/$to/r;
	isnt($broken, $source, "a fault to plant: $what");
	unlink "$dir/broken.c";
	PostgreSQL::Test::Utils::append_to_file("$dir/broken.c", $broken);
	system_or_bail(@compile, '-o', "$dir/broken", $harness[0], "$dir/broken.c", @link);
	isnt(`$dir/broken <$dir/fields 2>&1`, join("\n", @expected) . "\n", 'is found');
}

done_testing();
