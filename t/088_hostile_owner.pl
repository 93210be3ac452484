# An owner of the database who waits for a superuser: whatever he does to what is his, no function for users runs it for one.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('hostile_owner');
$node->init;
$node->start;
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

# Runs SQL as a role that logs in; returns its output, and its SQLSTATE with the message in @said.
my @said;
sub as
{
	my ($role, $db, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql($db, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose', '-v', 'ON_ERROR_STOP=1' ]);
	@said = $err =~ /ERROR:  (\w{5}): /m ? ($1, $err) : ('00000', $err);
	return $out;
}
sub ok_as
{
	my ($role, $db, $sql, $name) = @_;
	my $out = as($role, $db, $sql);
	is($said[0], '00000', $name) or diag $said[1];
	return $out;
}

# The owner's code: takes back what rights there are, raises its owner, and leaves a trace that no rollback removes.
my $rise = q{
	CREATE SEQUENCE public.ran;
	CREATE FUNCTION public.rise() RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM nextval('public.ran');
		BEGIN
			PERFORM set_config('role', 'none', true);
			EXECUTE 'ALTER ROLE owner SUPERUSER';
			RETURN true;
		EXCEPTION WHEN OTHERS THEN
		END;
		BEGIN
			EXECUTE 'RESET SESSION AUTHORIZATION';
			EXECUTE 'ALTER ROLE owner SUPERUSER';
		EXCEPTION WHEN OTHERS THEN
		END;
		RETURN true;
	END $$;
	CREATE FUNCTION public.rise_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.rise(); RETURN coalesce(NEW, OLD); END $$;
	GRANT EXECUTE ON FUNCTION public.rise(), public.rise_trigger() TO PUBLIC;
	GRANT USAGE ON SEQUENCE public.ran TO PUBLIC;
};
sub ran { return $node->safe_psql($_[0], 'SELECT is_called::integer * last_value FROM public.ran') }
my $risen = q{SELECT rolsuper FROM pg_roles WHERE rolname = 'owner'};

$node->safe_psql('postgres', q{
	CREATE ROLE owner LOGIN;
	CREATE ROLE member LOGIN IN ROLE owner;
	CREATE ROLE meter LOGIN;
	CREATE ROLE boss LOGIN SUPERUSER;
	CREATE ROLE bosses IN ROLE boss;
	CREATE ROLE deputy LOGIN NOINHERIT IN ROLE bosses;
});
sub database
{
	my ($db) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db OWNER owner");
	ok_as('owner', $db, "CREATE EXTENSION compute_ledger; $rise", "$db: an owner who is no superuser installs the extension");
}

# A superuser's ways to call something: himself, and with rights that he has given up as he thinks.
my %ways = (
	'connected' => '%s',
	'SET ROLE' => 'SET ROLE owner; %s',
	'SET LOCAL ROLE' => 'BEGIN; SET LOCAL ROLE owner; %s; COMMIT',
	'SET SESSION AUTHORIZATION' => 'SET SESSION AUTHORIZATION owner; %s',
	'both' => 'SET SESSION AUTHORIZATION owner; SET ROLE owner; %s',
	'in a transaction' => 'BEGIN; SELECT 1; %s; COMMIT');

# Tries a statement in all ways: it is refused, and nothing of the owner's has run.
sub refused
{
	my ($db, $statement, $name) = @_;
	for my $way (sort keys %ways)
	{
		my $before = ran($db);
		as('boss', $db, sprintf $ways{$way}, $statement);
		is($said[0], '42501', "$name, $way: refused") or diag $said[1];
		like($said[1], qr/a superuser cannot use a ledger whose owner is not a superuser.*HINT:  Connect as the owner of the database/s, 'for that reason');
		is(ran($db), $before, 'and nothing of the owner\'s has run');
		is($node->safe_psql('postgres', $risen), 'f', 'who is what he was');
	}
}

# ------------------------------------------------------------------ before there is a ledger
database('early');
my $version = q{
	CREATE TABLE compute_ledger.ledger_version (step integer PRIMARY KEY CHECK (step > 0), extension_version text NOT NULL, made_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, made_by name NOT NULL);
};
ok_as('owner', 'early', $version . q{
	CREATE TRIGGER rise BEFORE INSERT ON compute_ledger.ledger_version FOR EACH ROW EXECUTE FUNCTION public.rise_trigger()}, 'a table is there that the ledger will write to');
refused('early', 'SELECT compute_ledger.create_ledger()', 'create_ledger()');

# A member of the owner's role is no superuser, and yet not to be had.
my %extras = (
	'trigger rise' => 'CREATE TRIGGER rise BEFORE INSERT ON compute_ledger.ledger_version FOR EACH ROW EXECUTE FUNCTION public.rise_trigger()',
	'trigger late' => 'CREATE CONSTRAINT TRIGGER late AFTER INSERT ON compute_ledger.ledger_version DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.rise_trigger()',
	'rule rise' => 'CREATE RULE rise AS ON INSERT TO compute_ledger.ledger_version DO ALSO SELECT public.rise()',
	'forced row-level security' => 'CREATE POLICY rise ON compute_ledger.ledger_version USING (public.rise()); ALTER TABLE compute_ledger.ledger_version ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
	'inheritance of compute_ledger.ledger_version by public.heir' => 'CREATE TABLE public.heir () INHERITS (compute_ledger.ledger_version)',
	'index compute_ledger.rise' => 'ALTER FUNCTION public.rise() IMMUTABLE; CREATE INDEX rise ON compute_ledger.ledger_version ((public.rise()))',
	'constraint rise' => 'ALTER TABLE compute_ledger.ledger_version ADD CONSTRAINT rise CHECK (public.rise())',
	'default of column extension_version' => 'ALTER TABLE compute_ledger.ledger_version ALTER extension_version SET DEFAULT public.rise()::text',
	'type public.risen of column step' => 'CREATE DOMAIN public.risen AS integer CHECK (public.rise()); ALTER TABLE compute_ledger.ledger_version ALTER step TYPE public.risen');
for my $extra (sort keys %extras)
{
	as('owner', 'early', "DROP TABLE compute_ledger.ledger_version CASCADE; ALTER FUNCTION public.rise() VOLATILE; $version $extras{$extra}");
	is($said[0], '00000', "planted: $extra") or diag $said[1];
	my $before = ran('early');
	as('member', 'early', 'SELECT compute_ledger.create_ledger()');
	is($said[0], '55000', 'a member of the owner\'s role is refused') or diag $said[1];
	like($said[1], qr/table "ledger_version" is not as the ledger makes it\nDETAIL:  It has [^\n]*\Q$extra\E/, 'and told why');
	is(ran('early'), $before, 'and nothing has run');
	as('owner', 'early', 'DROP DOMAIN IF EXISTS public.risen CASCADE');
}
# What is added while create_ledger() looks: it waits, or is waited for.
as('owner', 'early', "DROP TABLE compute_ledger.ledger_version CASCADE; $version");
as('member', 'early', 'SELECT compute_ledger.create_ledger()');
is($said[0], '42P07', 'a table that is as the ledger makes it, and of no step, is in the way as others are');
my $other = $node->background_psql('early', extra_params => [ '-U', 'owner' ]);
$other->query_safe('BEGIN; CREATE TRIGGER late BEFORE INSERT ON compute_ledger.ledger_version FOR EACH ROW EXECUTE FUNCTION public.rise_trigger()');
my $waiting = $node->background_psql('early', on_error_stop => 0, extra_params => [ '-U', 'member' ]);
$waiting->query_until(qr/asked/, "\\echo asked\nSELECT compute_ledger.create_ledger();\n");
$node->poll_query_until('early', q{SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'compute_ledger.ledger_version'::regclass}) or die 'it does not wait';
$other->query_safe('COMMIT');
$other->quit;
$waiting->query('SELECT 1');
like($waiting->{stderr}, qr/is not as the ledger makes it/, 'what was added meanwhile is seen');
$waiting->quit;

# ------------------------------------------------------------------ later: everything that is the owner's
database('late');
ok_as('owner', 'late', q{
	SELECT compute_ledger.create_ledger();
	SELECT compute_ledger.create_account('acme', currency => 'USD');
	SELECT compute_ledger.grant_access('meter', 'meter');
	SELECT compute_ledger.mark_watermark()}, 'a ledger in use');
my @tables = split /\n/, $node->safe_psql('late', q{SELECT c.oid::regclass FROM pg_class AS c WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
	AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')});
cmp_ok(scalar(@tables), '>', 20, 'tables: ' . scalar(@tables));
ok_as('owner', 'late', join(";\n", map { (
	"CREATE TRIGGER a_rise BEFORE INSERT OR UPDATE OR DELETE ON $_ FOR EACH ROW EXECUTE FUNCTION public.rise_trigger()",
	"CREATE TRIGGER a_rise_once BEFORE INSERT OR UPDATE OR DELETE ON $_ FOR EACH STATEMENT EXECUTE FUNCTION public.rise_trigger()",
	"CREATE CONSTRAINT TRIGGER z_rise AFTER INSERT OR UPDATE OR DELETE ON $_ DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.rise_trigger()") } @tables), 'triggers on every table');
# The trap works: who writes to another's table runs his code, and giving up rights for that is no help.
my $before = ran('late');
ok_as('boss', 'late', q{SET ROLE owner; INSERT INTO compute_ledger.ledger_mark (watermark) VALUES ('2020-01-01')}, 'a superuser writes to a table of the owner\'s, with SET ROLE');
cmp_ok(ran('late'), '>', $before, 'what the owner attached to it runs');
is($node->safe_psql('postgres', $risen), 't', 'and the owner has become superuser');
$node->safe_psql('postgres', 'ALTER ROLE owner NOSUPERUSER');

refused('late', 'SELECT compute_ledger.mark_watermark()', 'mark_watermark() with triggers');
refused('late', q{SELECT compute_ledger.grant_access('member', 'auditor')}, 'grant_access() with triggers');
ok_as('owner', 'late', q{
	ALTER TABLE compute_ledger.ledger_mark RENAME TO old_mark;
	CREATE VIEW compute_ledger.ledger_mark AS SELECT m.watermark FROM compute_ledger.old_mark AS m WHERE public.rise();
	GRANT ALL ON compute_ledger.ledger_mark TO pg_database_owner}, 'a view in the place of a table');
refused('late', 'SELECT compute_ledger.ledger_watermark()', 'a function that only reads');
$before = ran('late');
for my $way ('%s', 'SET ROLE bosses; %s', 'SET ROLE boss; %s')
{
	as('deputy', 'late', sprintf $way, 'SELECT compute_ledger.ledger_watermark()');
	is($said[0], '42501', "who could become a superuser is refused like one: $way");
	like($said[1], $way =~ /boss;/ ? qr/DETAIL:  The owner's code would run with all rights/ : qr/DETAIL:  Role "deputy" is a member of superuser "boss", which the owner's code could become/, 'and told why') or diag $said[1];
}
is(ran('late'), $before, 'and nothing of the owner\'s has run');
# Whose the database is now does not say who made the ledger.
$node->safe_psql('postgres', 'ALTER DATABASE late OWNER TO boss');
as('boss', 'late', 'SELECT compute_ledger.ledger_watermark()');
is($said[0], '42501', 'a superuser who has taken the database over is refused');
like($said[1], qr/HINT:  The database belonged to role "owner" when the ledger was made, and its tables still do/, 'and told why');
is(ran('late'), $before, 'and nothing of the former owner\'s has run');
$node->safe_psql('postgres', 'ALTER DATABASE late OWNER TO owner');
ok_as('owner', 'late', 'SELECT compute_ledger.ledger_watermark()', 'which the owner may');
cmp_ok(ran('late'), '>', $before, 'and his code runs for himself');

# Every function that is his, replaced by his own.
ok_as('owner', 'late', q{
	SET check_function_bodies = off;
	DO $do$
	DECLARE f record;
	BEGIN
		FOR f IN
			SELECT p.*, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result, p.oid::regprocedure AS name
			FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
			WHERE p.pronamespace = 'compute_ledger'::regnamespace AND p.proowner = 'pg_database_owner'::regrole AND p.prokind = 'f'
		LOOP
			EXECUTE format('CREATE OR REPLACE FUNCTION compute_ledger.%I(%s) RETURNS %s LANGUAGE plpgsql %s AS $f$ BEGIN PERFORM public.rise(); RETURN%s; END $f$',
				f.proname, f.arguments, f.result, CASE f.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END,
				CASE WHEN f.prorettype = 'trigger'::regtype THEN ' NEW' WHEN f.proretset OR f.prorettype = 'void'::regtype OR f.proargmodes::text ~ '[obt]' THEN '' ELSE ' NULL' END);
		END LOOP;
	END $do$}, 'all functions of his, replaced');
my @calls = split /\n/, $node->safe_psql('late', q{
	SELECT format('SELECT * FROM compute_ledger.%I(%s)', p.proname, a.arguments)
	FROM pg_proc AS p
	CROSS JOIN LATERAL (
		SELECT (SELECT string_agg(CASE WHEN t.type = 'anyelement'::regtype THEN 'NULL::integer' ELSE 'NULL::' || format_type(t.type, NULL) END, ', ' ORDER BY t.place)
			FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, place)
			WHERE every OR t.place <= p.pronargs - p.pronargdefaults)
		FROM (VALUES (true), (false)) AS e (every)) AS a (arguments)
	WHERE p.pronamespace = 'compute_ledger'::regnamespace AND p.proname !~ '^_' AND p.prosrc ~ '\m_check_caller\M'
	GROUP BY 1 ORDER BY 1});
cmp_ok(scalar(@calls), '>', 40, 'calls: ' . scalar(@calls));
for my $way (sort keys %ways)
{
	$before = ran('late');
	my @wrong;
	my ($out, $err) = ('', '');
	# all in one session
	my $close = $ways{$way} =~ /^BEGIN/ ? 'ROLLBACK;' : '';
	$node->psql('late', join("\n", map { sprintf($ways{$way}, $_) . ";$close RESET ROLE; RESET SESSION AUTHORIZATION;" } @calls), stdout => \$out, stderr => \$err,
		extra_params => [ '-U', 'boss', '-v', 'VERBOSITY=verbose' ], on_error_stop => 0);
	my $refused = () = $err =~ /ERROR:  42501: a superuser cannot use a ledger whose owner is not a superuser/g;
	my @others = grep { /ERROR:/ && !/a superuser cannot use/ } split /\n/, $err;
	is($refused, scalar(@calls), "every function refuses a superuser, $way");
	is("@others", '', 'and says nothing else');
	is(ran('late'), $before, 'nothing of the owner\'s has run');
	is($node->safe_psql('postgres', $risen), 'f', 'who is what he was');
}
# A function of a superuser's with his rights, called by the owner.
$node->safe_psql('late', q{
	CREATE FUNCTION public.helpful() RETURNS timestamptz LANGUAGE sql SECURITY DEFINER AS 'SELECT compute_ledger.ledger_watermark()';
	GRANT EXECUTE ON FUNCTION public.helpful() TO PUBLIC});
$before = ran('late');
as('owner', 'late', 'SELECT public.helpful()');
is($said[0], '42501', 'a superuser\'s function that others may call is refused as well');
is(ran('late'), $before, 'before anything runs');
# What belongs to who installs is not the owner's to replace.
as('owner', 'late', q{CREATE OR REPLACE FUNCTION compute_ledger.ledger_watermark() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM public.rise(); RETURN now(); END $$});
is($said[0], '42501', 'the functions for users are not the owner\'s');
for my $change ('RENAME TO another', 'SECURITY DEFINER', 'OWNER TO owner', 'SET role = none')
{
	as('owner', 'late', "ALTER FUNCTION compute_ledger.ledger_watermark() $change");
	is($said[0], '42501', "nor to be altered: $change");
}
as('owner', 'late', 'ALTER EXTENSION compute_ledger DROP FUNCTION compute_ledger._check_caller()');
is($said[0], '42501', 'nor can he take the check out of the extension');
is($node->safe_psql('postgres', $risen), 'f', 'after all of this the owner is no superuser');

# ------------------------------------------------------------------ who is not refused
database('fair');
ok_as('owner', 'fair', q{
	SELECT compute_ledger.create_ledger();
	SELECT compute_ledger.create_account('acme', currency => 'USD');
	SELECT compute_ledger.grant_access('meter', 'meter')}, 'the owner uses his ledger');
ok_as('meter', 'fair', q{
	INSERT INTO compute_ledger.usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
	VALUES ('test', 1, 'acme', 'aws/us-east-1', 'NVIDIA H100 80GB HBM3', 8, '2026-08-01T00:00:00Z', '2026-08-02T00:00:00Z');
	SELECT compute_ledger.accept_usage()}, 'a meter too');
ok_as('owner', 'fair', 'SELECT compute_ledger.refresh_rollups()', 'rollups');
# Inside REFRESH, PostgreSQL itself lets nobody change roles: what a superuser may do for maintenance goes on working.
ok_as('boss', 'fair', "REFRESH MATERIALIZED VIEW compute_ledger.$_; REFRESH MATERIALIZED VIEW CONCURRENTLY compute_ledger.$_", "a superuser refreshes $_")
	for qw(_utilization_monthly _spend_monthly);
# Nor is what the owner makes of the functions for users in views of his own in the way of that, and a trap in it catches nobody.
ok_as('owner', 'fair', q{
	CREATE SCHEMA mine;
	CREATE MATERIALIZED VIEW mine.payers AS SELECT p.*, public.rise() FROM compute_ledger.payers() AS p}, 'a materialized view of the owner\'s');
$before = ran('fair');
ok_as('boss', 'fair', 'REFRESH MATERIALIZED VIEW mine.payers', 'is refreshed by a superuser');
cmp_ok(ran('fair'), '>', $before, 'what is in it runs');
is($node->safe_psql('postgres', $risen), 'f', 'and raises nobody');
ok_as('owner', 'fair', q{
	CREATE FUNCTION mine.mark() RETURNS timestamptz LANGUAGE sql AS 'SELECT compute_ledger.mark_watermark()';
	CREATE CONSTRAINT TRIGGER rise AFTER INSERT OR DELETE ON compute_ledger.ledger_mark DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.rise_trigger();
	CREATE MATERIALIZED VIEW mine.marks AS SELECT mine.mark() WITH NO DATA}, 'one that writes, with a trigger for later');
as('boss', 'fair', 'REFRESH MATERIALIZED VIEW mine.marks');
like($said[1], qr/cannot fire deferred trigger within security-restricted operation/, 'is refused by PostgreSQL');
is($node->safe_psql('postgres', $risen), 'f', 'and raises nobody');
ok_as('owner', 'fair', 'DROP SCHEMA mine CASCADE; DROP TRIGGER rise ON compute_ledger.ledger_mark', 'gone');
ok_as('boss', 'fair', 'VACUUM ANALYZE; REINDEX SCHEMA compute_ledger', 'and cleans up');
my $dump = $node->basedir . '/fair.dump';
$node->command_ok([ 'pg_dump', '-U', 'boss', '-Fc', '-f', $dump, '-d', $node->connstr('fair') ], 'and dumps');
$node->safe_psql('postgres', 'CREATE DATABASE again OWNER owner');
$node->command_ok([ 'pg_restore', '-U', 'boss', '--exit-on-error', '-d', $node->connstr('again'), $dump ], 'and restores into a database of the owner\'s');
is(ok_as('owner', 'again', 'SELECT * FROM compute_ledger.usage_hourly ORDER BY hour', 'which the owner reads'),
	ok_as('owner', 'fair', 'SELECT * FROM compute_ledger.usage_hourly ORDER BY hour', 'as he did'), 'the same');
# A superuser's own database is his own.
$node->safe_psql('postgres', 'CREATE DATABASE own OWNER boss');
ok_as('boss', 'own', q{
	CREATE EXTENSION compute_ledger;
	SELECT compute_ledger.create_ledger();
	SELECT compute_ledger.create_account('acme', currency => 'USD'), compute_ledger.mark_watermark();
	SELECT compute_ledger.grant_access('meter', 'meter')}, 'a superuser has a ledger in a database of his own');
ok_as($superuser, 'own', 'SELECT compute_ledger.ledger_watermark(), compute_ledger.create_ledger(); SET ROLE meter; SELECT compute_ledger.accept_usage()', 'which other superusers use, with SET ROLE, too');
ok_as('meter', 'own', 'SELECT compute_ledger.accept_usage()', 'and roles with access');

$node->stop;
done_testing();
