# Reference tables in the hands of an owner who is no superuser; over dump and
# restore; and over ALTER EXTENSION UPDATE.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use File::Copy;
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $project = abs_path(dirname(abs_path(__FILE__)) . '/..');
my $node = PostgreSQL::Test::Cluster->new('reference');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN;');
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

# Runs SQL as a role; returns what it printed.
sub as
{
	my ($role, $db, $sql) = @_;
	return $node->safe_psql($db, $sql, extra_params => [ '-U', $role ]);
}

# Runs SQL as a role; returns the SQLSTATE of its error, or 00000.
sub sqlstate
{
	my ($role, $db, $sql) = @_;
	my (undef, undef, $err) = $node->psql($db, $sql, extra_params => [ '-U', $role, '-v', 'VERBOSITY=sqlstate' ]);
	return $err =~ /ERROR:\s+(\w{5})/ ? $1 : '00000';
}

# Writes a file.
sub write_file
{
	my ($file, $text) = @_;
	open my $out, '>', $file or die "$file: $!";
	print $out $text;
	close $out;
}

# Makes a database that alice owns.
sub database_of_alice
{
	my ($db) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db OWNER alice TEMPLATE template0");
}

# The tables that scripts fill from catalogs, and those of the user's rows.
my %catalog;
for my $part (sort glob("$project/extension/*/[0-9]*.sql"))
{
	$catalog{$_} = 1 for slurp_file($part) =~ /^-- \@catalog (\w+)/mg;
}
my @catalog = map { /^-- \@catalog (\w+)/mg } map { slurp_file($_) } sort glob("$project/extension/*/[0-9]*.sql");
# Of those, the ones that take rows of the user's are dumped; the others are part of the code.
my %dumps = map { $_ => 1 } map { /pg_extension_config_dump\('(\w+)', 'WHERE NOT shipped'\)/g } map { slurp_file($_) } sort glob("$project/extension/*/[0-9]*.sql");
my @tables = sort grep { $dumps{$_} } keys %{ { map { $_ => 1 } @catalog, 'basis_factor' } };
my @constant = sort grep { !$dumps{$_} } keys %{ { map { $_ => 1 } @catalog } };
ok($catalog{$_}, "$_ has a catalog") for qw(basis accelerator_model accelerator_peak export_rule);

# Everything in the reference tables, as one text.
sub contents
{
	my ($db, $which) = @_;
	return join "\n", map {
		$node->safe_psql($db, "SET timezone = 'UTC'; SELECT '$_', t.* FROM compute_ledger.$_ AS t WHERE $which ORDER BY t::text COLLATE \"C\"")
	} @tables;
}

my $user_rows = q{
	INSERT INTO basis (code, name, description) VALUES (1234, 'alice.example/weights', 'hers'), (1235, 'alice.example/unused', NULL);
	INSERT INTO basis_factor (basis, accelerator, rate, valid) VALUES
		('alice.example/weights', 'nvidia/a100', '1 TFLOPS', '[2026-01-01,2026-07-01)'),
		('alice.example/weights', 'nvidia/a100', '2 TFLOPS', '[2026-07-01,)'),
		('alice.example/weights', 'nvidia/h100', '3 TFLOPS', '(,)');
	INSERT INTO accelerator_model (accelerator, name, mig_slices) VALUES ('pci00aa/own', 'her chip', 7), ('nvidia/a100', 'her name for it', NULL),
		('pci00aa/next', 'she had it first', NULL);
	INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pci00aa/own', 'bf16', '7 TFLOPS@bf16'), ('pci00aa/next', 'bf16', '8 TFLOPS@bf16');
	INSERT INTO export_rule (rule, rank, class, tpp_from) VALUES ('alice.example/house', 1, 'ask', 100);
};
my $user_changes = q{
	UPDATE basis_factor SET rate = '30 TFLOPS@1234' WHERE accelerator = 'nvidia/h100';
	DELETE FROM accelerator_peak WHERE accelerator = 'pci00aa/own';
	UPDATE accelerator_model SET name = 'her chip, renamed' WHERE accelerator = 'pci00aa/own';
};
my $aliases = 'INSERT INTO accelerator_alias (alias, accelerator) VALUES (\'her big box\', \'nvidia/h100-sxm5-80gb\');';
$aliases = '' unless $catalog{accelerator_alias};
my $path = 'SET search_path = public, compute_ledger; ';
my $answers = q{SELECT normalized_rate('nvidia/a100-sxm4-80gb', 'alice.example/weights', '2026-03-01'),
	normalized_rate('nvidia/h100-sxm5-80gb', '1234', '2026-03-01'), peak_rate('pci00aa/own:1g.5gb', 'bf16'), peak_rate('pci00aa/next', 'bf16'),
	export_class('nvidia/a100', 'alice.example/house'), basis_name(1234), basis_code('alice.example/unused')};
my $expected = '1 TFLOPS@1234|30 TFLOPS@1234||8 TFLOPS@bf16|ask|alice.example/weights|1235';

# ------------------------------------------------------------------ who may do what
database_of_alice('ledger');
as('alice', 'ledger', 'CREATE EXTENSION compute_ledger');
as('alice', 'ledger', "$path $user_rows $aliases");
as('alice', 'ledger', "$path $user_changes");
is(as('alice', 'ledger', "$path $answers"), $expected, 'an owner of the database adds and changes rows of her own');
is(as('bob', 'ledger', "$path $answers"), $expected, 'anybody reads them');

for my $table (@tables)
{
	is(sqlstate('bob', 'ledger', "SELECT count(*) FROM compute_ledger.$table"), '00000', "bob reads $table");
	is(sqlstate('bob', 'ledger', "INSERT INTO compute_ledger.$table (shipped) VALUES (false)"), '42501', 'and inserts nothing');
	is(sqlstate('bob', 'ledger', "UPDATE compute_ledger.$table SET shipped = false"), '42501', 'updates nothing');
	is(sqlstate('bob', 'ledger', "DELETE FROM compute_ledger.$table"), '42501', 'and deletes nothing');
	is(sqlstate('alice', 'ledger', "TRUNCATE compute_ledger.$table"), '42501', "alice does not truncate $table");
	is(sqlstate('alice', 'ledger', "ALTER TABLE compute_ledger.$table DISABLE TRIGGER ALL"), '42501', 'nor switches its triggers off');
	next if $table eq 'basis_factor';
	is(sqlstate('alice', 'ledger', "UPDATE compute_ledger.$table SET shipped = shipped WHERE shipped"), 'LC005', 'nor changes its shipped rows');
}
for my $table (@constant)
{
	is(sqlstate('bob', 'ledger', "SELECT count(*) FROM compute_ledger.$table"), '00000', "bob reads $table");
	is(sqlstate('alice', 'ledger', $_), '42501', "alice has no rows in $table: $_")
		for "INSERT INTO compute_ledger.$table (shipped) VALUES (false)", "UPDATE compute_ledger.$table SET shipped = shipped", "DELETE FROM compute_ledger.$table";
}
is($node->safe_psql('ledger', q{
	SELECT count(*) FROM pg_proc AS p JOIN pg_roles AS r ON r.oid = p.proowner
	WHERE p.prosecdef AND r.rolsuper AND p.pronamespace = 'compute_ledger'::regnamespace}), '0',
	'no SECURITY DEFINER function belongs to a superuser');
my (undef, undef, $shipped_error) = $node->psql('ledger', "\\set VERBOSITY sqlstate\nDELETE FROM compute_ledger.accelerator_peak WHERE shipped");
like($shipped_error, qr/LC005/, 'a superuser does not delete shipped rows either');

# The script loads into a database of any encoding; what that cannot hold is left out.
my %words;
for my $encoding ('UTF8', 'LATIN1', 'SQL_ASCII', 'EUC_CN')
{
	$node->safe_psql('postgres', "CREATE DATABASE in_$encoding ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->safe_psql(lc("in_$encoding"), 'CREATE EXTENSION compute_ledger');
	$words{$encoding} = $node->safe_psql(lc("in_$encoding"), 'SELECT count(*) FROM compute_ledger.accelerator_word');
}
ok($words{LATIN1} > 0 && $words{LATIN1} < $words{UTF8}, 'LATIN1 goes without Chinese names');
is($words{SQL_ASCII}, $words{LATIN1}, 'as does SQL_ASCII');
ok($words{EUC_CN} > $words{LATIN1}, 'EUC_CN has those in simplified characters');
$node->safe_psql('postgres', "CREATE DATABASE in_old_strings ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
is($node->safe_psql('in_old_strings', 'SET standard_conforming_strings = off; CREATE EXTENSION compute_ledger;
	SELECT count(*) FROM compute_ledger.accelerator_word'), $words{UTF8}, 'and into one that reads a backslash as an escape');

# ------------------------------------------------------------------ dump and restore
my $dir = PostgreSQL::Test::Utils::tempdir;
my $all = contents('ledger', 'true');
my $users = contents('ledger', 'NOT shipped');
like($users, qr/her chip\|/, 'history is there to be kept');
$node->command_ok([ 'pg_dump', '-U', 'alice', '-f', "$dir/plain.sql", 'ledger' ], 'plain dump by the owner');
$node->command_ok([ 'pg_dump', '-U', 'alice', '-Fc', '-f', "$dir/custom.dump", 'ledger' ], 'custom dump by the owner');

my $dump = slurp_file("$dir/plain.sql");
my %dumped = map { $_ => 0 } @tables;
while ($dump =~ /^COPY compute_ledger\.(\w+) \(shipped, .*?\n(.*?)^\\\.$/msg)
{
	my ($table, $rows) = ($1, $2);
	$dumped{$table} = () = $rows =~ /^f\t/mg;
	unlike($rows, qr/^t\t/m, "no shipped row of $table is in the dump");
}
my %kept = map { $_ => $node->safe_psql('ledger', "SELECT count(*) FROM compute_ledger.$_ WHERE NOT shipped") } @tables;
is_deeply(\%dumped, \%kept, 'every row of the user is in the dump');

# A parallel restore loads tables in any order: the same, but the other way round.
my ($list) = run_command([ 'pg_restore', '-l', "$dir/custom.dump" ]);
my @data = $list =~ /^(.* TABLE DATA .*)$/mg;
ok(@data >= @tables, 'every reference table has its data');
write_file("$dir/reversed.list", join '', map { "$_\n" } (grep { !/ TABLE DATA / } split /\n/, $list), reverse @data);

for my $how (
	[ 'plain_alice', 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-U', 'alice', '-f', "$dir/plain.sql", '-d' ],
	[ 'plain_superuser', 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql", '-d' ],
	[ 'custom_alice', 'pg_restore', '-U', 'alice', '--exit-on-error', "$dir/custom.dump", '-d' ],
	[ 'custom_reversed', 'pg_restore', '-U', 'alice', '--exit-on-error', '-L', "$dir/reversed.list", "$dir/custom.dump", '-d' ],
	[ 'custom_parallel', 'pg_restore', '-j', '2', '--exit-on-error', "$dir/custom.dump", '-d' ])
{
	my ($db, @command) = @$how;
	database_of_alice($db);
	$node->command_ok([ @command, $db ], "restore into $db");
	is(contents($db, 'true'), $all, 'the same rows, to the microsecond');
	is(as('alice', $db, "$path $answers"), $expected, 'and the same answers');
	is(sqlstate('alice', $db, 'UPDATE compute_ledger.accelerator_peak SET source = NULL WHERE shipped'), 'LC005', 'shipped rows are guarded');
	is(sqlstate('alice', $db, "UPDATE compute_ledger.accelerator_model SET name = name || '!' WHERE NOT shipped AND upper_inf(recorded)"), '00000', 'the others are alice\'s');
}

# ------------------------------------------------------------------ ALTER EXTENSION UPDATE
# A next version: the same code, another catalog, built by the same script.
my ($version) = slurp_file("$project/compute_ledger.control") =~ /^default_version\s*=\s*'(.*)'/m;
my $next = '99.0';
my $tree = "$dir/tree";
make_path("$tree/extension/updates", "$tree/catalog", "$tree/scripts");
for my $part (map { glob "$project/extension/$_" } '*.sql', '*/*.sql', '*/tables/*.sql')
{
	(my $copy = $part) =~ s/^\Q$project\E/$tree/;
	make_path(dirname($copy));
	copy($part, $copy) or die "$part: $!";
}
copy($_, "$tree/catalog") or die "$_: $!" for glob("$project/catalog/*.csv");
copy($_, "$tree/scripts") or die "$_: $!" for glob("$project/scripts/install-script");
chmod 0644, grep { -f } glob("$tree/*/* $tree/*/*/* $tree/*/*/*/*");

# Writes a changed copy of a catalog.
sub change_catalog
{
	my ($name, $change) = @_;
	my $text = slurp_file("$tree/catalog/$name.csv");
	my $changed = $change->($text);
	isnt($changed, $text, "$name changes");
	open my $out, '>', "$tree/catalog/$name.csv" or die $!;
	print $out $changed;
	close $out;
}
(my $control = slurp_file("$project/compute_ledger.control")) =~ s/^default_version.*$/default_version = '$next'/m;
write_file("$tree/compute_ledger.control", $control);
# one rate is corrected (its old row stays, closed), one model comes, one goes
change_catalog('accelerator_peak', sub {
	my ($t) = @_;
	$t =~ s{^nvidia/a100,bf16,312 TFLOPS\@bf16,(.*),"\[2026-11-22 00:00:00\+00,\)"$}
		{nvidia/a100,bf16,312 TFLOPS\@bf16,$1,"[2026-11-22 00:00:00+00,2027-01-01 00:00:00+00)"\nnvidia/a100,bf16,313 TFLOPS\@bf16,$1,"[2027-01-01 00:00:00+00,)"}m;
	return $t;
});
change_catalog('accelerator_model', sub {
	my ($t) = @_;
	$t =~ s/^nvidia\/k10,.*\n//m;
	my ($header) = $t =~ /^(.*)$/m;
	$t .= join(',', map { $_ eq 'accelerator' ? 'pci00aa/next' : $_ eq 'name' ? 'shipped at last' : $_ eq 'recorded' ? '"[2027-01-01 00:00:00+00,)"' : '' } split /,/, $header) . "\n";
	return $t;
});
change_catalog('basis', sub { "$_[0]11,fp2,two bits\n" });
# and functions come: one that reads reference data, and internal ones of the ledger, in SQL and in C
my $functions = <<'SQL';
CREATE FUNCTION compute_ledger._next_version() RETURNS integer LANGUAGE sql IMMUTABLE RETURN 99;
COMMENT ON FUNCTION compute_ledger._next_version() IS 'in SQL';
CREATE FUNCTION compute_ledger._next_boolean(text) RETURNS boolean LANGUAGE c IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'usage_boolean';
COMMENT ON FUNCTION compute_ledger._next_boolean(text) IS 'in C';
SQL
my $for_all = "CREATE FUNCTION compute_ledger.basis_names() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT b.name FROM compute_ledger.basis AS b';\nCOMMENT ON FUNCTION compute_ledger.basis_names() IS 'all';\n";
write_file("$tree/extension/reference/059-next.sql", $for_all);
write_file("$tree/extension/report/299-next.sql", $functions);

# Scripts of both versions, where the server finds them.
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $share = `$pg_config --sharedir`);
my $extension_dir = "$dir/dest$share/extension";
make_path($extension_dir);
write_file("$tree/extension/updates/compute_ledger--$version--$next.sql", join '', $for_all, $functions, map { "-- \@catalog $_\n" } @catalog);
for my $script ([ $project, "compute_ledger--$version.sql" ], [ $tree, "compute_ledger--$next.sql" ],
	[ $tree, "compute_ledger--$version--$next.sql", "$version--$next" ])
{
	my ($from, $file, @update) = @$script;
	my ($out, $err);
	ok(IPC::Run::run([ $^X, "$tree/scripts/install-script", $from, @update ], '>', \$out, '2>', \$err), "make $file") or diag $err;
	write_file("$extension_dir/$file", $out);
}
copy("$tree/compute_ledger.control", $extension_dir) or die $!;
write_file("$tree/extension/updates/compute_ledger--0.0.1--0.0.2.sql", "SELECT 1;\n-- \@catalog basis\n");
my ($early) = run_command([ $^X, "$tree/scripts/install-script", $tree, '0.0.1--0.0.2' ]);
unlike($early, qr/INSERT|DELETE/, 'a step to an older version brings no rows');
like($early, qr/^SELECT 1;$/m, 'but the rest of it');

SKIP:
{
	my $setting = $node->safe_psql('postgres', q{SELECT name FROM pg_settings WHERE name IN ('extension_control_path', 'extension_destdir') ORDER BY name LIMIT 1});
	skip 'this server finds extensions in one place only (no extension_control_path, no extension_destdir)', 1 unless $setting;
	$node->append_conf('postgresql.conf', $setting eq 'extension_destdir' ? "extension_destdir = '$dir/dest'" : "extension_control_path = '$dir/dest$share:\$system'");
	if ($setting eq 'extension_destdir')
	{
		# $libdir is looked for in there, too
		my $was = $node->safe_psql('postgres', 'SHOW extension_destdir');
		chomp(my $lib = `$pg_config --pkglibdir`);
		make_path("$dir/dest$lib");
		my ($library) = grep { -e } map { "$_$lib/compute_ledger.so" } $was, '';
		copy($library, "$dir/dest$lib") or die "$library: $!";
		chmod 0755, "$dir/dest$lib/compute_ledger.so";
	}
	$node->restart;

	database_of_alice('old');
	as('alice', 'old', "CREATE EXTENSION compute_ledger VERSION '$version'");
	as('alice', 'old', "$path $user_rows $aliases");
	as('alice', 'old', "$path $user_changes");
	my $before = contents('old', 'NOT shipped');
	my $shipped_before = contents('old', 'shipped');
	as('alice', 'old', 'ALTER EXTENSION compute_ledger UPDATE');
	is(as('alice', 'old', q{SELECT extversion FROM pg_extension WHERE extname = 'compute_ledger'}), $next, 'updated by the owner');
	is(contents('old', 'NOT shipped'), $before, 'the user\'s rows stay as they were, history and all');
	isnt(contents('old', 'shipped'), $shipped_before, 'shipped rows do not');

	database_of_alice('new');
	as('alice', 'new', 'CREATE EXTENSION compute_ledger');
	is(contents('old', 'shipped'), contents('new', 'shipped'), 'installed new = installed old and updated: rows');
	my $members = q{SELECT pg_describe_object(classid, objid, objsubid) || coalesce(obj_description(objid, classid::regclass::name), '')
			|| coalesce((SELECT format('%s %s', p.proowner::regrole, p.proacl) FROM pg_proc AS p WHERE classid = 'pg_proc'::regclass AND p.oid = objid), '')
			|| coalesce((SELECT format('%s %s', c.relowner::regrole, c.relacl) FROM pg_class AS c WHERE classid = 'pg_class'::regclass AND c.oid = objid), '')
		FROM pg_depend WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'compute_ledger') AND deptype = 'e' ORDER BY 1};
	is($node->safe_psql('old', $members), $node->safe_psql('new', $members), 'and objects, and who may do what with them');
	is($node->safe_psql('old', q{SELECT p.proname, p.proowner::regrole, has_function_privilege('bob', p.oid, 'EXECUTE'), has_function_privilege('alice', p.oid, 'EXECUTE')
			FROM pg_proc AS p WHERE p.proname ~ '^_next_(version|boolean)$|^basis_names$' ORDER BY 1}),
		"_next_boolean|$superuser|f|t\n_next_version|pg_database_owner|f|t\nbasis_names|$superuser|t|t", 'functions that an update brings are for whom they should be');
	is($node->safe_psql('old', q{SELECT array(SELECT c::regclass FROM unnest(extconfig) AS c)::text || extcondition::text FROM pg_extension WHERE extname = 'compute_ledger'}),
		$node->safe_psql('new', q{SELECT array(SELECT c::regclass FROM unnest(extconfig) AS c)::text || extcondition::text FROM pg_extension WHERE extname = 'compute_ledger'}),
		'and what is dumped');

	is(as('alice', 'old', "$path SELECT peak_rate('nvidia/a100-sxm4-80gb', 'bf16')"), '313 TFLOPS@bf16', 'the corrected rate is in force');
	is(as('alice', 'old', "$path SELECT normalized_rate('nvidia/a100-sxm4-80gb', 'bf16', now(), '2026-12-01')"), '312 TFLOPS@bf16',
		'and what was held to be true before can be asked for');
	is(as('alice', 'old', "$path SELECT string_agg(name, ',' ORDER BY shipped) FROM accelerator_model WHERE accelerator = 'pci00aa/next'"),
		'she had it first,shipped at last', 'a shipped row for what the user has a row for');
	is(as('alice', 'old', "$path $answers"), $expected, 'and the answers are still hers');
	is(sqlstate('alice', 'old', 'DELETE FROM compute_ledger.accelerator_model WHERE shipped'), 'LC005', 'shipped rows are guarded after it');

	# A dump of the old version restored where the new one is installed.
	database_of_alice('moved');
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-U', 'alice', '-f', "$dir/plain.sql", '-d', 'moved' ], 'a dump of the old version goes into the new one');
	is(contents('moved', 'NOT shipped'), $users, 'with the user\'s rows');
	is(contents('moved', 'shipped'), contents('new', 'shipped'), 'and the new version\'s');
}

$node->stop;
done_testing();
