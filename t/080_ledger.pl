# A ledger's life: who makes it, what stands in its way, how it is migrated, and what DROP EXTENSION says.
use strict;
use warnings;
use File::Basename;
use File::Copy;
use File::Path qw(make_path);
use File::Spec;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $project = dirname(dirname(File::Spec->rel2abs(__FILE__)));
my ($version) = slurp_file("$project/compute_ledger.control") =~ /^default_version\s*=\s*'(.*)'/m;
my $node = PostgreSQL::Test::Cluster->new('ledger');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 4\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE ROLE alice LOGIN;
	CREATE ROLE carol LOGIN IN ROLE alice;
	CREATE ROLE bob LOGIN;
});

# Runs SQL as a role; returns its output, and its SQLSTATE with the message, detail and hint in @said.
my @said;
sub as
{
	my ($role, $db, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql($db, $sql, stdout => \$out, stderr => \$err,
		extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
	@said = $err =~ /ERROR:  (\w{5}): /m ? ($1, $err) : ('00000', $err);
	return $out;
}

# Makes a database that belongs to alice, with the extension installed by a role.
sub database
{
	my ($db, $installer) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db OWNER alice");
	my $out = as($installer // 'alice', $db, 'CREATE EXTENSION compute_ledger');
	is($said[0], '00000', "$db: extension installed") or diag $said[1];
}
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

# ------------------------------------------------------------------ who makes it
database('mine');
as('alice', 'mine', 'SELECT compute_ledger.ledger_watermark()');
is($said[0], '55000', 'without a ledger, 55000');
like($said[1], qr/HINT:  As the owner of the database, run SELECT compute_ledger\.create_ledger\(\)/, 'and what to do');
as('bob', 'mine', 'SELECT compute_ledger.create_ledger()');
is($said[0], '42501', 'a stranger makes no ledger');
is(as('alice', 'mine', 'SELECT compute_ledger.create_ledger()'), '1', 'the owner of the database makes it, and is no superuser') or diag $said[1];
is(as('alice', 'mine', 'SELECT compute_ledger.create_ledger()'), '0', 'once more does nothing');
is($said[0], '00000', 'and no error');
is(as('carol', 'mine', 'SELECT compute_ledger.create_ledger()'), '0', 'a member of the owner\'s role may call it');

# What a ledger consists of, with its privileges and policies.
sub inventory
{
	my ($db) = @_;
	return $node->safe_psql($db, q{
		SELECT c.relkind, c.oid::regclass, c.relrowsecurity, c.reloptions, pg_get_userbyid(c.relowner),
			(SELECT array_agg(e::text ORDER BY e::text) FROM aclexplode(c.relacl) AS e)
		FROM pg_class AS c WHERE relnamespace = 'compute_ledger'::regnamespace AND relkind <> 'c' ORDER BY 2::text COLLATE "C";
		SELECT polrelid::regclass, polname, polcmd, polroles, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
		FROM pg_policy ORDER BY 1::text COLLATE "C", 2;
		SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
		WHERE connamespace = 'compute_ledger'::regnamespace ORDER BY 1::text COLLATE "C", 2;
		SELECT attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, pg_get_expr(adbin, adrelid)
		FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
		WHERE relnamespace = 'compute_ledger'::regnamespace AND attnum > 0 AND relkind <> 'c' ORDER BY 1::text COLLATE "C", 2;
		SELECT p.oid::regprocedure, prosrc, proacl FROM pg_proc AS p WHERE pronamespace = 'compute_ledger'::regnamespace ORDER BY 1::text COLLATE "C";
		SELECT tgrelid::regclass, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1::text COLLATE "C", 2});
}

# Compares a ledger with an inventory, and shows what differs and no more.
sub same
{
	my ($db, $expected, $name) = @_;
	my %left;
	$left{$_}++ for split /\n/, $expected;
	my @more = grep { !$left{$_} || !$left{$_}-- } split /\n/, inventory($db);
	is(join("\n", (map { "+ $_" } @more), map { "- $_" } grep { $left{$_} } sort keys %left), '', $name);
}
my $made = inventory('mine');
database('superusers', $superuser);
as($superuser, 'superusers', 'SELECT compute_ledger.create_ledger()');
is($said[0], '42501', 'a superuser makes none for an owner who is none');
like($said[1], qr/HINT:  Connect as the owner of the database, or as a role that grant_access\(\) was given for/, 'and is told who can');
is(as('alice', 'superusers', 'SELECT compute_ledger.create_ledger()'), '1', 'the owner can, whoever installed the extension');
database('carols', $superuser);
is(as('carol', 'carols', 'SELECT compute_ledger.create_ledger()'), '1', 'a member of the owner\'s role makes it') or diag $said[1];
is(as('carol', 'carols', 'BEGIN; SELECT compute_ledger.create_ledger(); SELECT current_user; COMMIT; SELECT current_user'),
	"0\ncarol\ncarol", 'and stays who he is');
is($node->safe_psql('carols', q{SELECT tableowner FROM pg_tables WHERE tablename = 'ledger_version'}), 'alice', 'for the owner');

# ------------------------------------------------------------------ DROP EXTENSION
as('alice', 'mine', 'DROP EXTENSION compute_ledger');
is($said[0], '2BP01', 'the extension does not go while there is a ledger');
like($said[1], qr/depends on (type|function) compute_ledger\./, 'because its tables need it');
same('mine', $made, 'and nothing has changed');

# ------------------------------------------------------------------ what stands in the way
# Every name that the ledger needs, taken by somebody else's object of another kind.
my @relations = split /\n/, $node->safe_psql('mine', q{
	SELECT relname FROM pg_class AS c WHERE relnamespace = 'compute_ledger'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition
		AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e') ORDER BY 1});
cmp_ok(scalar(@relations), '>=', 3, 'the ledger has relations: ' . scalar(@relations));
my %foreign = (
	table => sub { "CREATE TABLE compute_ledger.$_[0] (theirs text); INSERT INTO compute_ledger.$_[0] VALUES ('kept')" },
	view => sub { "CREATE VIEW compute_ledger.$_[0] AS SELECT 'kept'::text AS theirs" },
	'materialized view' => sub { "CREATE MATERIALIZED VIEW compute_ledger.$_[0] AS SELECT 'kept'::text AS theirs" },
	sequence => sub { "CREATE SEQUENCE compute_ledger.$_[0]" },
	type => sub { "CREATE TYPE compute_ledger.$_[0] AS ENUM ('theirs')" },
	domain => sub { "CREATE DOMAIN compute_ledger.$_[0] AS text" },
);
database('taken');
my @kinds = sort keys %foreign;
for my $i (0 .. $#relations)
{
	# each name once, and each kind in turn; the version table with all kinds
	for my $kind ($relations[$i] eq 'ledger_version' ? @kinds : $kinds[$i % @kinds])
	{
		my $name = $relations[$i];
		as('alice', 'taken', $foreign{$kind}->($name));
		is($said[0], '00000', "a $kind named $name is there") or diag $said[1];
		as('alice', 'taken', 'SELECT compute_ledger.create_ledger()');
		like($said[0], qr/^(42P07|42710)$/, "a foreign $kind named $name is refused") or diag $said[1];
		like($said[1], qr/(relation|type) "$name" already exists.*DETAIL:  The ledger needs this name in schema compute_ledger.*HINT:  Rename or drop/s,
			'with what it is and what to do');
		is($node->safe_psql('taken', q{SELECT count(*) FROM pg_class AS c WHERE relnamespace = 'compute_ledger'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
			AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e')}), $kind =~ /type|domain/ ? '0' : '1', 'nothing of a ledger is left behind');
		is(as('alice', 'taken', "SELECT theirs FROM compute_ledger.$name"), 'kept', 'and it is as it was') if $kind =~ /table|view/;
		as('alice', 'taken', "DROP $kind compute_ledger.$name");
	}
}
for my $function (split /\n/, $node->safe_psql('mine', q{
	SELECT p.oid::regprocedure FROM pg_proc AS p WHERE pronamespace = 'compute_ledger'::regnamespace
		AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e') ORDER BY 1}))
{
	as('alice', 'taken', "CREATE FUNCTION $function RETURNS text LANGUAGE sql AS 'SELECT ''theirs''::text'");
	as('alice', 'taken', 'SELECT compute_ledger.create_ledger()');
	is($said[0], '42723', "a foreign function $function is refused") or diag $said[1];
	like($said[1], qr/DETAIL:  The ledger needs this name/, 'with the reason');
	as('alice', 'taken', "DROP FUNCTION $function");
}
# A table that looks like the ledger's, with nothing in it, takes no steps' place.
as('alice', 'taken', 'CREATE TABLE compute_ledger.ledger_version (step integer)');
as('alice', 'taken', 'SELECT compute_ledger.create_ledger()');
is($said[0], '42P07', 'a table with other columns is not the ledger\'s');
as('alice', 'taken', 'DROP TABLE compute_ledger.ledger_version');
is(as('alice', 'taken', 'SELECT compute_ledger.create_ledger()'), '1', 'with all of that gone, the ledger is made') or diag $said[1];
same('taken', $made, 'like any other');

# ------------------------------------------------------------------ migration
# A next version whose ledger has one more step: a table, a column with a value for what is there, and a function that needs both.
my $next = '99.0';
my $script = <<'SQL';
\echo Use "ALTER EXTENSION compute_ledger UPDATE TO '99.0'" to load this file. \quit
CREATE OR REPLACE FUNCTION compute_ledger._ledger_steps() RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 2;
CREATE FUNCTION compute_ledger._ledger_step_2() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CREATE TABLE compute_ledger.motto (words text PRIMARY KEY);
	CREATE POLICY visible ON compute_ledger.motto FOR SELECT USING (true);
	ALTER TABLE compute_ledger.ledger_mark ADD COLUMN motto text REFERENCES compute_ledger.motto;
	INSERT INTO compute_ledger.motto VALUES ('nothing is lost');
	UPDATE compute_ledger.ledger_mark SET motto = 'nothing is lost';
END
$$;
CREATE FUNCTION compute_ledger.mottos() RETURNS SETOF text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	RETURN QUERY SELECT m.motto FROM compute_ledger.ledger_mark AS m;
END
$$;
ALTER FUNCTION compute_ledger.mottos() OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION compute_ledger.mottos() FROM PUBLIC;
ALTER FUNCTION compute_ledger._access_privileges() RENAME TO _access_privileges_1;
CREATE FUNCTION compute_ledger._access_privileges() RETURNS TABLE (object text, privilege text, kinds text[])
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT l.object, l.privilege, l.kinds FROM compute_ledger._access_privileges_1() AS l
	UNION ALL VALUES ('motto', 'SELECT', '{auditor}'::text[]), ('mottos', 'EXECUTE', '{auditor}')
$$;
SQL

SKIP:
{
	my $setting = $node->safe_psql('postgres', q{SELECT name FROM pg_settings WHERE name IN ('extension_control_path', 'extension_destdir') ORDER BY name LIMIT 1});
	skip 'this server finds extensions in one place only (no extension_control_path, no extension_destdir)', 1 unless $setting;
	my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
	chomp(my $share = `$pg_config --sharedir`);
	my $dest = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir()) . '/dest';
	my $was = $node->safe_psql('postgres', "SHOW $setting");
	make_path("$dest$share/extension");
	my ($installed) = grep { -e "$_/compute_ledger.control" }
		($setting eq 'extension_destdir' ? "$was$share/extension" : map { "$_/extension" } split /:/, $was), "$share/extension";
	copy($_, "$dest$share/extension") or die "$_: $!" for "$installed/compute_ledger.control", "$installed/compute_ledger--$version.sql";
	append_to_file("$dest$share/extension/compute_ledger--$version--$next.sql", $script);
	chmod 0644, glob("$dest$share/extension/*");
	$node->append_conf('postgresql.conf', $setting eq 'extension_destdir' ? "extension_destdir = '$dest'" : "extension_control_path = '$dest$share:\$system'");
	if ($setting eq 'extension_destdir')
	{
		chomp(my $lib = `$pg_config --pkglibdir`);
		make_path("$dest$lib");
		my ($library) = grep { -e } map { "$_$lib/compute_ledger.so" } $was, '';
		copy($library, "$dest$lib") or die "$library: $!";
		chmod 0755, "$dest$lib/compute_ledger.so";
	}
	$node->restart;

	database('old');
	as('alice', 'old', q{SELECT compute_ledger.create_ledger(); SELECT compute_ledger.grant_access('bob', 'auditor'); SELECT compute_ledger.mark_watermark()});
	is($said[0], '00000', 'a ledger of the first version, with access and a mark') or diag $said[1];
	my $kept = as('alice', 'old', 'SELECT role, kind, account, granted_at, granted_by FROM compute_ledger.ledger_access; SELECT watermark FROM compute_ledger.ledger_mark');
	like($kept, qr/bob\|auditor/, 'there is something to keep');
	my $before = as('bob', 'old', 'SELECT compute_ledger.ledger_watermark()');
	as('alice', 'old', "ALTER EXTENSION compute_ledger UPDATE TO '$next'");
	is($said[0], '00000', 'updated') or diag $said[1];
	# what every function for users does that works on the ledger, as far as it can be called without arguments (look-ups in SQL
	# check nothing; load_* is called by create_ledger() itself)
	my @entries = split /\n/, $node->safe_psql('old', q{
		SELECT DISTINCT p.oid::regprocedure::text || CASE WHEN p.prokind = 'p' THEN ' (procedure)' ELSE '' END COLLATE "C"
		FROM pg_proc AS p JOIN compute_ledger._access_privileges() AS l ON l.object = p.proname AND l.privilege = 'EXECUTE'
		WHERE p.pronamespace = 'compute_ledger'::regnamespace AND p.pronargs = p.pronargdefaults
			AND p.proname !~ '^_load_' AND p.proname NOT IN ('_ledger_stamp', '_visible_accounts', '_sees_everything', '_has_access', '_require_ledger') AND p.prorettype <> 'trigger'::regtype
			AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')
			AND EXISTS (SELECT FROM pg_proc AS f WHERE '_' || f.proname = p.proname AND f.pronamespace = p.pronamespace)
		ORDER BY 1});
	cmp_ok(scalar(@entries), '>=', 2, 'entry functions: ' . scalar(@entries));
	for my $entry (@entries)
	{
		(my $call = $entry) =~ s/\(.*//;
		as('alice', 'old', $entry =~ / \(procedure\)/ ? "CALL $call()" : "SELECT $call()");
		is($said[0], '55000', "$call() waits for the migration") or diag $said[1];
		like($said[1], qr/HINT:  As the owner of the database, run SELECT compute_ledger\.create_ledger\(\)/, 'and says what to do');
	}
	as('alice', 'old', q{SELECT compute_ledger.grant_access('bob', 'biller')});
	is($said[0], '55000', 'grant_access() too');
	is(as('alice', 'old', 'SELECT compute_ledger.create_ledger()'), '1', 'one step') or diag $said[1];
	is(as('alice', 'old', 'SELECT compute_ledger.create_ledger()'), '0', 'and no more');
	is(as('bob', 'old', 'SELECT compute_ledger.mottos(); SELECT words FROM compute_ledger.motto'), "nothing is lost\nnothing is lost",
		'the new version goes on, and who had access has it to what is new') or diag $said[1];
	is(as('alice', 'old', 'SELECT role, kind, account, granted_at, granted_by FROM compute_ledger.ledger_access; SELECT watermark FROM compute_ledger.ledger_mark'),
		$kept, 'what was there is there');
	cmp_ok(as('bob', 'old', 'SELECT compute_ledger.ledger_watermark()'), 'gt', $before, 'time goes on');
	is(as('alice', 'old', 'SELECT step, extension_version, made_by FROM compute_ledger.ledger_version ORDER BY step'), "1|$version|alice\n2|$next|alice",
		'the ledger knows how it came to be');

	# a new ledger takes both steps, and is the same
	database('new');
	as('alice', 'new', "ALTER EXTENSION compute_ledger UPDATE TO '$next'");
	is(as('alice', 'new', 'SELECT compute_ledger.create_ledger()'), '2', 'a new ledger takes both steps');
	as('alice', 'new', q{SELECT compute_ledger.grant_access('bob', 'auditor')});
	same('new', inventory('old'), 'and is what the migrated one is');

	# the step that fails leaves the ledger as it was
	database('stuck');
	as('alice', 'stuck', 'SELECT compute_ledger.create_ledger(); CREATE VIEW compute_ledger.motto AS SELECT 1 AS words');
	as('alice', 'stuck', "ALTER EXTENSION compute_ledger UPDATE TO '$next'");
	as('alice', 'stuck', 'SELECT compute_ledger.create_ledger()');
	is($said[0], '42P07', 'a foreign object stops a migration');
	is(as('alice', 'stuck', 'SELECT max(step) FROM compute_ledger.ledger_version'), '1', 'which is all or nothing');
	as('alice', 'stuck', 'DROP VIEW compute_ledger.motto');
	is(as('alice', 'stuck', 'SELECT compute_ledger.create_ledger()'), '1', 'and can be tried again');

	# a ledger ahead of its extension
	as('alice', 'mine', "INSERT INTO compute_ledger.ledger_version VALUES (2, '99.0', now(), 'alice')");
	as('alice', 'mine', 'SELECT compute_ledger.create_ledger()');
	is($said[0], '55000', 'an extension that is older than the ledger does nothing to it');
	like($said[1], qr/HINT:  Run ALTER EXTENSION compute_ledger UPDATE/, 'and says what to do');
	as('alice', 'mine', 'DELETE FROM compute_ledger.ledger_version WHERE step = 2');
}

# ------------------------------------------------------------------ another owner
$node->safe_psql('postgres', 'ALTER DATABASE mine OWNER TO bob');
as('bob', 'mine', 'SELECT compute_ledger.create_ledger()');
is($said[0], '55000', 'who gets the database has not got the ledger yet');
like($said[1], qr/database mine belongs to role bob, and its ledger to role alice.*HINT:  As superuser, run REASSIGN OWNED BY alice TO bob in this database/s,
	'and is told how to get it');
as('alice', 'mine', 'SELECT compute_ledger.create_ledger()');
is($said[0], '42501', 'who had the database does nothing to it any more');
$node->safe_psql('mine', 'REASSIGN OWNED BY alice TO bob');
is(as('bob', 'mine', 'SELECT compute_ledger.create_ledger()'), '0', 'REASSIGN OWNED hands it over') or diag $said[1];
as('bob', 'mine', q{SELECT compute_ledger.grant_access('carol', 'auditor')});
is($said[0], '00000', 'access and all') or diag $said[1];
is(as('carol', 'mine', 'SELECT kind FROM compute_ledger.ledger_access'), 'auditor', 'which works');

# ------------------------------------------------------------------ prepared transactions
database('prepared');
as('alice', 'prepared', q{SELECT compute_ledger.create_ledger(); CREATE TABLE writes (at timestamptz DEFAULT compute_ledger.ledger_stamp());
	BEGIN; INSERT INTO writes DEFAULT VALUES RETURNING at; PREPARE TRANSACTION 'w'});
is($said[0], '00000', 'a writer is prepared') or diag $said[1];
my $mark = as('alice', 'prepared', 'SELECT compute_ledger.mark_watermark()');
is($said[0], '00000', 'a watermark with a prepared writer') or diag $said[1];
$node->restart;
is(as('alice', 'prepared', "SELECT compute_ledger.ledger_watermark() = compute_ledger.ledger_watermark() AND compute_ledger.ledger_watermark() < now() - interval '1 microsecond'"), 't', 'a prepared writer holds the watermark over a restart');
as('alice', 'prepared', q{COMMIT PREPARED 'w'});
is(as('alice', 'prepared', "SELECT at > '$mark', count(*) OVER () FROM writes"), 't|1', 'what it wrote is above every watermark taken meanwhile');
is(as('alice', 'prepared', 'SELECT compute_ledger.ledger_watermark() > max(at) FROM writes'), 't', 'and below those taken after');

$node->stop;
done_testing();
