# The type accelerator against definitions of its own written in Perl and plain SQL: text, binary, order, containment;
# index scans against sequential ones; hostile text and binary; replication.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

srand(20261122);
my $node = PostgreSQL::Test::Cluster->new('accelerator');
$node->init(allows_streaming => 'logical');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION compute_ledger;
	ALTER DATABASE postgres SET search_path = public, compute_ledger;
});
my $version = $node->safe_psql('postgres', 'SHOW server_version_num');
my $dir = PostgreSQL::Test::Utils::tempdir();

# Random values, by their parts; few of each kind, so that classes and members meet.
my @vendors = qw(nvidia amd huawei pci1234);
my @models = qw(h100 h200 a100 tpu-v5p x mi300x a-b.c+ abcdefghijkl 910b3 h-100);
my @forms = qw(sxm sxm4 sxm5 pcie nvl oam laptop maxq m.2 nvl72);
my @migs = qw(1g.5gb 1g.10gb 1g.10gb+me 7g.80gb 2g.48gb-me 1g.24gb+me.all+gfx 14g.65534gb+gfx);

sub pick { return $_[ int rand @_ ] }

sub random_parts
{
	my %p;
	return \%p if rand() < 0.02;
	$p{vendor} = pick(@vendors);
	return \%p if rand() < 0.05;
	$p{model} = pick(@models);
	$p{form} = pick(@forms) if rand() < 0.6;
	$p{gb} = pick(40, 80, 1, 65534) if rand() < 0.6;
	$p{mig} = pick(@migs) if rand() < 0.3;
	return \%p;
}

# The text form, by its definition.
sub text_of
{
	my $p = shift;
	return 'any' unless $p->{vendor};
	return $p->{vendor} unless $p->{model};
	return "$p->{vendor}/$p->{model}" . ($p->{form} ? "-$p->{form}" : '') . ($p->{gb} ? "-$p->{gb}gb" : '') . ($p->{mig} ? ":$p->{mig}" : '');
}

# The 16 bytes, by their definition.
my %vendor_id = (nvidia => 0x10de, amd => 0x1002, huawei => 0x19e5, pci1234 => 0x1234);
my %form_code = (sxm => 0x10, sxm4 => 0x14, sxm5 => 0x15, pcie => 0x20, nvl => 0x30, oam => 0x40, 'm.2' => 0x60, laptop => 0x70, maxq => 0x71, nvl72 => 0xa7);

sub bytes_of
{
	my $p = shift;
	my $model = 0;
	for my $i (0 .. 11)
	{
		my $c = $i < length($p->{model} // '') ? 1 + index('abcdefghijklmnopqrstuvwxyz0123456789-.+', substr($p->{model}, $i, 1)) : 0;
		use integer;    # 64 bits, wrapping like unsigned ones
		$model = $model * 40 + $c;
	}
	my ($slices, $attrs, $gb) = (0, 0, 0);
	if ($p->{mig})
	{
		($slices, $gb) = $p->{mig} =~ /^(\d+)g\.(\d+)gb/;
		$attrs |= 1 if $p->{mig} =~ /\+me(?!\.)/;
		$attrs |= 2 if $p->{mig} =~ /\+gfx/;
		$attrs |= 4 if $p->{mig} =~ /\+me\.all/;
		$attrs |= 8 if $p->{mig} =~ /-me/;
	}
	return unpack 'H*', pack 'n q> C n C n', $vendor_id{ $p->{vendor} // '' } // 0, $model, $form_code{ $p->{form} // '' } // 0, $p->{gb} // 0, $attrs << 4 | $slices, $gb;
}

# Containment, by its definition.
sub contains
{
	my ($c, $a) = @_;
	for my $part (qw(vendor model gb mig))
	{
		next unless defined $c->{$part};
		return 0 unless defined $a->{$part} && $c->{$part} eq $a->{$part};
	}
	return 1 unless defined $c->{form};
	return 0 unless defined $a->{form};
	return 1 if $c->{form} eq $a->{form};
	return 1 if $c->{form} eq 'sxm' && $a->{form} =~ /^sxm\d$/;
	return $c->{form} eq 'laptop' && $a->{form} eq 'maxq' ? 1 : 0;
}

my @values = map { random_parts() } 1 .. 3000;
my $file = "$dir/values.tsv";
{
	my $lines = join '', map { my $p = $values[$_]; join("\t", $_, text_of($p), bytes_of($p)) . "\n" } 0 .. $#values;
	append_to_file($file, $lines);
}
$node->safe_psql('postgres', "CREATE TABLE v (id int PRIMARY KEY, t text, bytes text); COPY v FROM '$file';
	CREATE TABLE a AS SELECT id, t::accelerator AS a FROM v; ANALYZE a;");
is($node->safe_psql('postgres', 'SELECT count(*) FROM v JOIN a USING (id) WHERE a::text IS DISTINCT FROM t'), '0', 'text is written as defined');
is($node->safe_psql('postgres', "SELECT count(*) FROM v JOIN a USING (id) WHERE encode(accelerator_send(a), 'hex') IS DISTINCT FROM bytes"), '0', 'bytes are as defined');
is($node->safe_psql('postgres', 'SELECT count(*) FROM a WHERE upper(a::text)::accelerator <> a'), '0', 'case does not matter');
is($node->safe_psql('postgres', 'SELECT count(*) FROM a WHERE make_accelerator(vendor(a), model(a), form_factor(a), memory_gb(a), mig_profile(a)) IS DISTINCT FROM a'),
	'0', 'a value is what its parts make');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY a, id) AS n, row_number() OVER (ORDER BY accelerator_send(a), id) AS m FROM a) AS s WHERE n <> m}),
	'0', 'the order is that of the bytes');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM a AS x JOIN a AS y ON y.id BETWEEN x.id + 1 AND x.id + 20
	WHERE ROW(x.a < y.a, x.a <= y.a, x.a = y.a, x.a <> y.a, x.a >= y.a, x.a > y.a)
		IS DISTINCT FROM ROW(accelerator_send(x.a) < accelerator_send(y.a), accelerator_send(x.a) <= accelerator_send(y.a), accelerator_send(x.a) = accelerator_send(y.a),
			accelerator_send(x.a) <> accelerator_send(y.a), accelerator_send(x.a) >= accelerator_send(y.a), accelerator_send(x.a) > accelerator_send(y.a))
		OR sign(accelerator_cmp(x.a, y.a)) <> sign(byteacmp(accelerator_send(x.a), accelerator_send(y.a)))
		OR (x.a = y.a AND (accelerator_hash(x.a) <> accelerator_hash(y.a) OR accelerator_hash_extended(x.a, 42) <> accelerator_hash_extended(y.a, 42)))
		OR accelerator_hash(x.a)::bigint & 4294967295 <> accelerator_hash_extended(x.a, 0) & 4294967295}),
	'0', 'comparison operators and hashes agree with the bytes');
my ($buckets, $distinct) = split /\|/, $node->safe_psql('postgres', q{
	SELECT count(DISTINCT accelerator_hash(x)), count(*) FROM (SELECT ('nvidia/' || chr(97 + g % 26) || g || '-' || (1 + g % 65534) || 'gb')::accelerator AS x FROM generate_series(1, 100000) AS g) AS s});
cmp_ok($buckets, '>', $distinct - 10, '100,000 values have as many hashes, but for the few that chance makes equal');

# Containment, overlap, specificity, the end of a class.
my (@expect, $members);
for my $c (@values[ 0 .. 299 ])
{
	my $n = grep { contains($c, $_) } @values;
	push @expect, $n;
	$members += $n;
}
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM a WHERE a.a <@ c.a) FROM a AS c WHERE id < 300 ORDER BY id'), join("\n", @expect), "<\@ is as defined ($members members of 300 classes)");
is($node->safe_psql('postgres', 'SELECT count(*) FROM a AS x, a AS y WHERE x.id < 300 AND (x.a <@ y.a) <> (y.a @> x.a)'), '0', '@> is its commutator');
is($node->safe_psql('postgres', 'SELECT count(*) FROM a AS c, a AS x WHERE c.id < 300 AND x.a <@ c.a AND NOT (x.a >= c.a AND x.a <= class_max(c.a))'), '0', 'a class ends at class_max');
is($node->safe_psql('postgres', 'SELECT count(*) FROM a WHERE class_max(a)::text::accelerator <> class_max(a) OR class_max(class_max(a)) <> class_max(a) OR NOT class_max(a) <@ a'),
	'0', 'the end of a class reads back, is its own end and is in the class');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM (SELECT DISTINCT a FROM a WHERE id < 600) AS x, (SELECT DISTINCT a FROM a WHERE id < 600) AS y
	WHERE (x.a && y.a) <> ((vendor(x.a) = vendor(y.a)) IS NOT FALSE AND (model(x.a) = model(y.a)) IS NOT FALSE AND (memory_gb(x.a) = memory_gb(y.a)) IS NOT FALSE
		AND (mig_profile(x.a) = mig_profile(y.a)) IS NOT FALSE
		AND (form_factor(x.a) = form_factor(y.a) OR form_factor(x.a) = 'sxm' AND form_factor(y.a) ~ '^sxm' OR form_factor(y.a) = 'sxm' AND form_factor(x.a) ~ '^sxm'
			OR form_factor(x.a) = 'laptop' AND form_factor(y.a) = 'maxq' OR form_factor(y.a) = 'laptop' AND form_factor(x.a) = 'maxq') IS NOT FALSE)}),
	'0', '&&: no part that both state differs');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM (SELECT DISTINCT a FROM a WHERE id < 1000) AS x, (SELECT DISTINCT a FROM a WHERE id < 1000) AS y
	WHERE x.a <> y.a AND x.a @> y.a AND specificity(x.a) >= specificity(y.a)}), '0', 'a class is less specific than what it contains');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM (SELECT DISTINCT a FROM a) AS chip, LATERAL (SELECT count(*) AS n, count(DISTINCT specificity(c.a)) AS s FROM (SELECT DISTINCT a FROM a) AS c WHERE c.a @> chip.a) AS k
	WHERE n <> s}), '0', 'no two classes that contain one chip tie');

# Index scans give what sequential scans give: indexes that were built, and ones that grew.
$node->safe_psql('postgres', q{
	CREATE TABLE built AS SELECT a FROM a;
	CREATE TABLE grown (a accelerator);
});
for my $am ('btree (a)', 'brin (a) WITH (pages_per_range = 1)', 'brin (a accelerator_minmax_multi_ops) WITH (pages_per_range = 1)', 'gist (a)', 'hash (a)', 'brin (a accelerator_bloom_ops)')
{
	my $operators = $am =~ /gist/ ? q{'<@', '@>', '&&', '='} : $am =~ /hash|bloom/ ? q{'='} : q{'<@', '=', '<', '<=', '>', '>='};
	$node->safe_psql('postgres', "CREATE INDEX i ON grown USING $am; INSERT INTO grown SELECT a FROM a ORDER BY hashint4(id); CREATE INDEX j ON built USING $am; VACUUM ANALYZE grown; VACUUM ANALYZE built;");
	my $wrong = $node->safe_psql('postgres', qq{
		CREATE OR REPLACE FUNCTION differences(target regclass, OUT wrong bigint, OUT indexed bigint) LANGUAGE plpgsql AS \$\$
		DECLARE c record; n bigint; m bigint; plan text; line text;
		BEGIN
			wrong := 0; indexed := 0;
			FOR c IN SELECT a, o FROM a, unnest(ARRAY[$operators]) AS o WHERE id < 120 LOOP
				SET LOCAL enable_seqscan = off;
				SET LOCAL enable_bitmapscan = on; SET LOCAL enable_indexscan = on; SET LOCAL enable_indexonlyscan = on;
				plan := '';
				FOR line IN EXECUTE pg_catalog.format('EXPLAIN SELECT count(*) FROM %s WHERE a %s %L', target, c.o, c.a) LOOP plan := plan || line; END LOOP;
				indexed := indexed + (plan ~ 'Index Cond')::int;
				EXECUTE pg_catalog.format('SELECT count(*) FROM %s WHERE a %s %L', target, c.o, c.a) INTO n;
				SET LOCAL enable_seqscan = on;
				SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off;
				EXECUTE pg_catalog.format('SELECT count(*) FROM %s WHERE a %s %L', target, c.o, c.a) INTO m;
				wrong := wrong + (n <> m)::int;
			END LOOP;
		END \$\$;
		SELECT wrong, indexed = 120 * array_length(ARRAY[$operators], 1) FROM differences('built') UNION ALL SELECT wrong, indexed = 120 * array_length(ARRAY[$operators], 1) FROM differences('grown')});
	is($wrong, "0|t\n0|t", "$am: every scan used the index and found what a sequential one does");
	$node->safe_psql('postgres', 'DROP INDEX i, j; TRUNCATE grown');
}
is($node->safe_psql('postgres', q{
	CREATE INDEX built_gist ON built USING gist (a);
	VACUUM built;
	SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = on;
	SELECT count(*), bool_and(a <@ 'nvidia') FROM built WHERE a <@ 'nvidia';
	}), $node->safe_psql('postgres', "SELECT count(*), true FROM a WHERE a <@ 'nvidia'"), 'GiST index-only scan returns the values');
like($node->safe_psql('postgres', "SET enable_seqscan = off; SET enable_bitmapscan = off; EXPLAIN (COSTS OFF) SELECT a FROM built WHERE a <@ 'nvidia'"),
	qr/Index Only Scan using built_gist/, 'and it was one');
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT count(*) FROM built GROUP BY a) AS s}),
	$node->safe_psql('postgres', q{SET enable_hashagg = off; SELECT count(*) FROM (SELECT count(*) FROM built GROUP BY a) AS s}), 'hashed and sorted groups agree');

# Hostile text: a mutation is refused, or is read as a value that prints as a text that reads back.
my @seeds = ((map { text_of($_) } @values[ 0 .. 39 ]), 'nvidia/h100~', 'any~', 'pci10de/x-sxm5-80gb:1g.10gb+me');
my @soup = (split(//, 'abgmnxz0159-+.:/~ _'), '-80gb', '-sxm5', '-pcie', ':1g.5gb', '+me', '+gfx', 'gb', "\x{e9}", '65535', '00', 'pci', 'any');
my @mutants = map {
	my $s = pick(@seeds);
	for (0 .. int rand 3)
	{
		my $at = int rand(1 + length $s);
		my $what = rand();
		if ($what < 0.4) { substr($s, $at, 0) = pick(@soup) }
		elsif ($what < 0.7) { substr($s, $at, 1) = pick(@soup) if $at < length $s }
		else { substr($s, $at, 1 + int rand 3) = '' if $at < length $s }
	}
	$s;
} 1 .. 20000;
{
	open my $out, '>:utf8', "$dir/mutants" or die;
	print $out map { "$_\n" } grep { !/[\\\t\n]/ } @mutants;
	close $out;
}
is($node->safe_psql('postgres', qq{
	SET client_encoding = utf8;
	CREATE TABLE mutants (t text);
	COPY mutants FROM '$dir/mutants' (ENCODING 'utf8');
	CREATE FUNCTION try(t text) RETURNS text LANGUAGE plpgsql AS \$\$
	DECLARE a accelerator; code text; detail text;
	BEGIN
		a := t::accelerator;
		IF a::text::accelerator = a AND (a::text = lower(t) OR (t ~* '^(pci|habana|any)|~|[+]gfx')) THEN RETURN 'read'; END IF;
		RETURN 'read as ' || a;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
		RETURN CASE WHEN code = '22P02' AND detail <> '' THEN 'refused' ELSE code || t END;
	END \$\$;
	SELECT string_agg(DISTINCT r, ',' ORDER BY r) FROM mutants, try(t) AS r}), 'read,refused', 'mutated text');
my ($read, $refused) = split /\|/, $node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE try(t) = 'read') > 1000, count(*) FILTER (WHERE try(t) = 'refused') > 1000 FROM mutants");
is("$read$refused", 'tt', 'some of it was read, some refused');
SKIP:
{
	skip 'soft errors came with PostgreSQL 16', 1 if $version < 160000;
	is($node->safe_psql('postgres', "SELECT count(*) FROM mutants WHERE pg_input_is_valid(t, 'accelerator') <> (try(t) = 'read')"), '0', 'bad text is a soft error');
}

# Hostile binary: the same, through COPY.
my $psql = "SET client_min_messages = error;\n";
my $tried = 0;
for my $n (1 .. 1500)
{
	my $bytes = pack 'H*', bytes_of(pick(@values));
	$bytes = pack 'H*', $node->safe_psql('postgres', "SELECT encode(accelerator_send(class_max('" . text_of($values[$n]) . "')), 'hex')") if $n <= 20;
	if ($n % 10 == 0) { $bytes = join '', map { chr int rand 256 } 1 .. 16 }
	else
	{
		for (0 .. int rand 3)
		{
			my $at = int rand 16;
			substr($bytes, $at, 1) = chr pick(0, 255, 1, int rand 256, ord(substr $bytes, $at, 1) ^ 1 << int rand 8);
		}
	}
	my $length = $n % 100 == 0 ? pick(0, 15, 17) : 16;
	$bytes = substr $bytes . "\0" x 16, 0, $length;
	open my $out, '>:raw', "$dir/b$n" or die;
	print $out "PGCOPY\n\xff\r\n\0", pack('N N', 0, 0), pack('n N', 1, $length), $bytes, pack('n', 0xffff);
	close $out;
	$psql .= "COPY received FROM '$dir/b$n' (FORMAT binary);\n";
	$tried++;
}
my ($out, $err) = ('', '');
$node->safe_psql('postgres', 'CREATE TABLE received (a accelerator)');
$node->psql('postgres', "\\set VERBOSITY verbose\n$psql", stdout => \$out, stderr => \$err, on_error_stop => 0);
my $got = $node->safe_psql('postgres', 'SELECT count(*) FROM received');
my $refusals = () = $err =~ /ERROR:  (?:22P03|08P01)/g;
is($got + $refusals, $tried, "mutated binary: $got taken, $refusals refused with 22P03 or 08P01");
cmp_ok($got, '>', 20, 'some were taken');
cmp_ok($refusals, '>', 500, 'most were not');
is($node->safe_psql('postgres', 'SELECT count(*) FROM received WHERE a::text::accelerator IS DISTINCT FROM a'), '0', 'what was taken reads back from its text');

# A key over accelerator and time.
SKIP:
{
	skip 'keys WITHOUT OVERLAPS came with PostgreSQL 18', 2 if $version < 180000;
	$node->safe_psql('postgres', "CREATE TABLE owned (a accelerator, valid daterange, PRIMARY KEY (a, valid WITHOUT OVERLAPS)); INSERT INTO owned VALUES ('nvidia/t4', '[2026-01-01,2026-02-01)')");
	is($node->psql('postgres', "INSERT INTO owned VALUES ('nvidia/t4', '[2026-02-01,2026-03-01)'), ('nvidia/t4g', '[2026-01-01,2026-03-01)')"), 0, 'what does not overlap is taken');
	isnt($node->psql('postgres', "INSERT INTO owned VALUES ('nvidia/t4', '[2026-01-31,2026-02-02)')"), 0, 'what overlaps is refused');
}
SKIP:
{
	skip 'btree_gist is not installed', 1 unless $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'btree_gist'");
	$node->safe_psql('postgres', "CREATE EXTENSION btree_gist SCHEMA public; CREATE TABLE factor (basis int, a accelerator, valid daterange, EXCLUDE USING gist (basis WITH =, a WITH =, valid WITH &&));
		INSERT INTO factor VALUES (1, 'nvidia/t4', '[2026-01-01,)'), (2, 'nvidia/t4', '[2026-01-01,)'), (1, 'nvidia/h100', '[2026-01-01,)')");
	my ($ret, undef, $stderr) = $node->psql('postgres', "INSERT INTO factor VALUES (1, 'nvidia/t4', '[2027-01-01,)')");
	like($stderr, qr/violates exclusion constraint/, 'exclusion with btree_gist for another column');
}

# Binary COPY, a hash-partitioned table, logical replication.
$node->safe_psql('postgres', "COPY a TO '$dir/copy' (FORMAT binary); CREATE TABLE again (LIKE a); COPY again FROM '$dir/copy' (FORMAT binary)");
is($node->safe_psql('postgres', 'SELECT count(*) FROM a FULL JOIN again USING (id) WHERE a.a IS DISTINCT FROM again.a'), '0', 'binary COPY round trip');
$node->safe_psql('postgres', q{
	CREATE TABLE parted (id int, a accelerator, PRIMARY KEY (a, id)) PARTITION BY HASH (a);
	CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 0);
	CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 1);
	CREATE TABLE parted_2 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 2);
	INSERT INTO parted SELECT * FROM a;
	ANALYZE parted;
});
is($node->safe_psql('postgres', 'SELECT count(*) FROM a LEFT JOIN parted AS p ON p.a = a.a AND p.id = a.id WHERE p.id IS NULL'), '0', 'hash partitions hold every row');
my %scanned = map { $_ => 1 } $node->safe_psql('postgres', "EXPLAIN (COSTS OFF) SELECT * FROM parted WHERE a = 'nvidia/h100'") =~ / on (parted_\d)/g;
is(scalar keys %scanned, 1, 'a constant prunes to one partition');

my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->start;
$subscriber->safe_psql('postgres', 'CREATE EXTENSION compute_ledger; ALTER DATABASE postgres SET search_path = public, compute_ledger');
$subscriber->safe_psql('postgres', 'CREATE TABLE replicated (id int, a accelerator PRIMARY KEY)');
$node->safe_psql('postgres', "CREATE TABLE replicated (id int, a accelerator PRIMARY KEY); CREATE PUBLICATION p FOR TABLE replicated; INSERT INTO replicated SELECT min(id), a FROM a WHERE id < 1000 GROUP BY a");
my $conninfo = $node->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION s CONNECTION '$conninfo' PUBLICATION p WITH (binary = true)");
$subscriber->wait_for_subscription_sync($node, 's');
$node->safe_psql('postgres', "INSERT INTO replicated SELECT min(id), a FROM a WHERE a NOT IN (SELECT a FROM replicated) GROUP BY a; UPDATE replicated SET id = -id WHERE a <\@ 'nvidia'; DELETE FROM replicated WHERE a = 'any'");
$node->wait_for_catchup('s');
my $all = q{SELECT count(*), md5(string_agg(id || a::text, ',' ORDER BY a)) FROM replicated};
is($subscriber->safe_psql('postgres', $all), $node->safe_psql('postgres', $all), 'logical replication in binary');

$subscriber->stop;
$node->stop;
done_testing();
