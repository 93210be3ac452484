# Who may install the extension, and what a hostile database cannot do to the one who does.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('install');
$node->init;
$node->start;

# Runs SQL as a role on a database; returns (exit status, standard output, standard error).
sub as_role
{
	my ($role, $db, $sql) = @_;
	my ($out, $err) = ('', '');
	my $rc = $node->psql($db, $sql, stdout => \$out, stderr => \$err,
		extra_params => [ '-U', $role ]);
	return ($rc, $out, $err);
}

$node->safe_psql('postgres', q{
	CREATE ROLE owner LOGIN;
	CREATE ROLE other LOGIN;
	CREATE DATABASE owned OWNER owner;
});

my ($rc, $out, $err) = as_role('other', 'owned', 'CREATE EXTENSION compute_ledger');
isnt($rc, 0, 'a role without CREATE on the database is refused');
like($err, qr/permission denied/, 'with the reason');

($rc, $out, $err) = as_role('owner', 'owned', 'CREATE EXTENSION compute_ledger');
is($rc, 0, 'the owner of the database, no superuser, may install') or diag $err;

($rc, $out, $err) = as_role('other', 'owned', q{
	SELECT '989.4 TFLOPS@bf16'::compute_ledger.compute_rate OPERATOR(compute_ledger.*) interval '3.5 hours' OPERATOR(compute_ledger.*) 8});
is($out, '27.7032 PFLOPh@bf16', 'everybody may use it') or diag $err;

($rc, $out, $err) = as_role('owner', 'owned', 'DROP EXTENSION compute_ledger');
is($rc, 0, 'and the owner may drop it') or diag $err;

# What somebody left in the schema could capture a name that the script uses.  Each of these is refused,
# and none of what was planted runs as superuser.
my %plant = (
	'a function' => q{CREATE FUNCTION compute_ledger.lower(varchar) RETURNS text LANGUAGE plpgsql AS $f$
		BEGIN EXECUTE 'ALTER ROLE owner SUPERUSER'; RETURN $1; END $f$},
	'an operator' => q{CREATE FUNCTION public.evil(varchar, varchar) RETURNS bool LANGUAGE plpgsql AS $f$
			BEGIN EXECUTE 'ALTER ROLE owner SUPERUSER'; RETURN true; END $f$;
		CREATE OPERATOR compute_ledger.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.evil)},
	'a type' => q{CREATE DOMAIN compute_ledger.numrange AS text},
	'a composite type' => q{CREATE TYPE compute_ledger.numrange AS (a int)},
);
for my $what (sort keys %plant)
{
	$node->safe_psql('postgres', 'CREATE DATABASE planted OWNER owner');
	as_role('owner', 'planted', 'CREATE SCHEMA compute_ledger');
	my ($planted, undef, $said) = as_role('owner', 'planted', $plant{$what});
	is($planted, 0, "$what can be planted") or diag $said;
	($rc, $out, $err) = as_role('owner', 'planted', 'CREATE EXTENSION compute_ledger');
	isnt($rc, 0, "CREATE EXTENSION refuses a schema with $what");
	like($err, qr/already (contains|exists)/, 'and names it');
	$node->safe_psql('postgres', 'DROP DATABASE planted');
}

# Objects in public and in pg_temp are not looked at by the script at all.
$node->safe_psql('postgres', 'CREATE DATABASE planted OWNER owner');
as_role('owner', 'planted', q{
	CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE plpgsql AS $f$
		BEGIN EXECUTE 'ALTER ROLE owner SUPERUSER'; RETURN $1; END $f$;
	ALTER DATABASE planted SET search_path = pg_temp, public, pg_catalog});
($rc, $out, $err) = as_role('owner', 'planted', q{
	CREATE FUNCTION pg_temp.upper(varchar) RETURNS text LANGUAGE plpgsql AS $f$
		BEGIN EXECUTE 'ALTER ROLE owner SUPERUSER'; RETURN $1; END $f$;
	CREATE TEMP TABLE basis (x text);
	CREATE EXTENSION compute_ledger});
is($rc, 0, 'objects in public and pg_temp change nothing') or diag $err;
is( $node->safe_psql('planted', q{SELECT count(*) FROM pg_class WHERE relnamespace = 'compute_ledger'::regnamespace AND relname = 'basis'}),
	'1', 'tables are made in the extension\'s own schema');
is($node->safe_psql('postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'owner'}),
	'f', 'nobody became superuser');

# Tables that a ledger left behind do not stand in the way.
$node->safe_psql('postgres', 'CREATE DATABASE again OWNER owner');
($rc, $out, $err) = as_role('owner', 'again', q{
	CREATE SCHEMA compute_ledger; CREATE TABLE compute_ledger.account (id int);
	CREATE VIEW compute_ledger.accounts AS SELECT * FROM compute_ledger.account; CREATE EXTENSION compute_ledger});
is($rc, 0, 'a schema that holds tables and views is taken') or diag $err;

# The schema and the extension come back from a dump, also for the owner.
is( $node->safe_psql('again', q{
	SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'compute_ledger'}),
	'owner', 'the schema belongs to the installer');

$node->stop;
done_testing();
