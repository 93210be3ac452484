# Access: each kind of role logs in and tries every table, view, materialized view, sequence and function of the ledger.
# They are looked up in the catalogs, so that what is added later is tried, too.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use JSON::PP qw(decode_json);

my $node = PostgreSQL::Test::Cluster->new('access');
$node->init;
$node->start;
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

# Runs SQL as a role that logs in; returns its output, and its SQLSTATE with the message in @said.
my @said;
sub as
{
	my ($role, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql('ledger', $sql, stdout => \$out, stderr => \$err,
		extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
	@said = $err =~ /ERROR:  (\w{5}): /m ? ($1, $err) : ('00000', $err);
	return $out;
}
# Tries statements as a role, in one session, undoing each; returns [SQLSTATE, output, error] of each.  A statement
# that begins with = is a query, whose rows are its output.
sub try_as
{
	my ($role, @statements) = @_;
	return () unless @statements;
	my $out = as($role, q{
		CREATE FUNCTION pg_temp.try(sql text, OUT state text, OUT told text, OUT error text) LANGUAGE plpgsql AS $f$
		BEGIN
			BEGIN
				IF sql ~ '^=' THEN
					EXECUTE format('SELECT string_agg(x::text, chr(10)) FROM (%s) AS x', substr(sql, 2)) INTO told;
				ELSE
					EXECUTE sql;
				END IF;
				RAISE EXCEPTION USING ERRCODE = 'ZZ000';
			EXCEPTION WHEN OTHERS THEN
				state := CASE WHEN SQLSTATE = 'ZZ000' THEN '00000' ELSE SQLSTATE END;
				error := SQLERRM;
			END;
		END
		$f$;
		SET client_min_messages = error;
		} . join "\n", map { my $q = "\$try\$$_\$try\$"; "SELECT encode(convert_to(state, 'UTF8'), 'hex'), encode(convert_to(coalesce(told, ''), 'UTF8'), 'hex'), encode(convert_to(error, 'UTF8'), 'hex') FROM pg_temp.try($q);" } @statements);
	my @got = map { [ map { pack 'H*', $_ } split /\|/, $_, 3 ] } split /\n/, $out;
	is(scalar(@got), scalar(@statements), "$role tried " . @statements . ' statements') or diag $said[1];
	return @got;
}
sub ok_as
{
	my ($role, $sql, $name) = @_;
	my $out = as($role, $sql);
	is($said[0], '00000', $name) or diag $said[1];
	return $out;
}

# The owner of the database has no rights beyond it; the roles are there already.
$node->safe_psql('postgres', q{
	CREATE ROLE owner LOGIN;
	CREATE ROLE reader LOGIN;     -- of acme
	CREATE ROLE analyst LOGIN;    -- of acme's research
	CREATE ROLE team;
	CREATE ROLE member LOGIN IN ROLE team;
	CREATE ROLE apart LOGIN NOINHERIT IN ROLE team;
	CREATE ROLE meter LOGIN;
	CREATE ROLE booker LOGIN;     -- for acme's research
	CREATE ROLE agent LOGIN;      -- of one region of aws
	CREATE ROLE biller LOGIN;
	CREATE ROLE auditor LOGIN;
	CREATE ROLE admin LOGIN;
	CREATE ROLE nobody LOGIN;
	CREATE DATABASE ledger OWNER owner;
});
ok_as('owner', 'CREATE EXTENSION compute_ledger; SELECT compute_ledger.create_ledger()', 'a ledger');

# Two customers.  Everything of Zenith's carries its name or a number that nothing else has.
my $zenith = qr/zenith|77000000\d\d/i;
ok_as('owner', q{
	SELECT compute_ledger.create_account('acme', 'customer', time_zone => 'UTC', currency => 'USD', jurisdiction => 'US');
	SELECT compute_ledger.create_account('acme research', 'internal', parent => 'acme');
	SELECT compute_ledger.create_account('acme merged', 'internal', parent => 'acme');
	DO $$ BEGIN PERFORM setval(pg_get_serial_sequence('compute_ledger.account', 'id'), 7700000000); END $$;
	SELECT compute_ledger.create_account('zenith', 'customer', time_zone => 'UTC', currency => 'USD', jurisdiction => 'US', title => 'Zenith Ltd');
	SELECT compute_ledger.create_account('zenith labs', 'internal', parent => 'zenith', title => 'of Zenith');
	SELECT compute_ledger.create_account('zenith old', 'internal', parent => 'zenith', title => 'once of Zenith');
	SELECT compute_ledger.merge_account('acme merged', 'acme research', now());
	SELECT compute_ledger.merge_account('zenith old', 'zenith labs', now())}, 'accounts');
ok_as('owner', q{
	INSERT INTO compute_ledger.price (account, accelerator, currency, price, title)
	SELECT a.id, 'nvidia/h100', 'USD', CASE a.name WHEN 'acme' THEN 2 ELSE 7700000050 END, a.name FROM compute_ledger.account AS a WHERE a.name IN ('acme', 'zenith');
	INSERT INTO compute_ledger.price (accelerator, currency, price, title) VALUES ('nvidia', 'USD', 3, 'list price');
	INSERT INTO compute_ledger.price (book, accelerator, currency, price, title) VALUES ('cost', 'nvidia', 'USD', 1, 'what it costs: zenith''s and acme''s alike')}, 'prices');
ok_as('owner', q{
	SELECT compute_ledger.create_pool('aws/us-east-1', 'nvidia/h100') AS pool \gset
	SELECT compute_ledger.offer_devices(:pool, 64, '[2020-01-01,)');
	SELECT compute_ledger.book(a, :pool, 7, tstzrange(date_trunc('hour', now()) + interval '1 day', date_trunc('hour', now()) + interval '2 days'), hold => '1 hour')
	FROM unnest('{acme,acme research,zenith,zenith labs}'::text[]) AS a;
	SELECT compute_ledger.submit_request(compute_ledger.placement_request(a, '{nvidia/h100}', devices => 7, time_limit => '1 hour'))
	FROM unnest('{acme,acme research,zenith,zenith labs}'::text[]) AS a}, 'bookings and requests');

ok_as('owner', q{
	SELECT compute_ledger.create_policy('house'), compute_ledger.create_access_rule('none', 'house', 'deny', 'clause 1', accelerators => '{nvidia/h100}', valid => '(,2026-10-01)')}, 'a policy');

my @kinds = ([ 'reader', 'reader', 'acme' ], [ 'analyst', 'reader', 'acme research' ], [ 'team', 'reader', 'acme research' ],
	[ 'booker', 'booker', 'acme research' ], [ 'agent', 'agent', undef, 'aws/us-east-1' ],
	[ 'meter', 'meter' ], [ 'biller', 'biller' ], [ 'auditor', 'auditor' ], [ 'admin', 'admin' ]);
sub arguments { return join ', ', map { defined $_ ? "'$_'" : 'NULL' } @_ }
ok_as('owner', 'SELECT compute_ledger.grant_access(' . arguments(@$_) . ')', join ' ', 'granted:', grep { defined } @$_) for @kinds;

# Usage of both, brought in by the meter.
ok_as('meter', q{
	COPY compute_ledger.usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, run, labels) FROM STDIN WITH (FORMAT csv);
test,a1,acme,aws/us-east-1,NVIDIA H100 80GB HBM3,8,2026-08-01T00:00:00Z,2026-08-03T00:00:00Z,acme run,"{""owner"": ""acme""}"
test,a2,acme research,aws/us-east-1,NVIDIA H100 80GB HBM3,2,2026-08-01T00:00:00Z,,research run,
test,a3,acme,nowhere at all,NVIDIA H100 80GB HBM3,2,2026-08-01T00:00:00Z,2026-08-03T00:00:00Z,rejected run,
test,z1,zenith,aws/us-east-1,NVIDIA H100 80GB HBM3,7,2026-08-01T00:00:00Z,2026-08-03T00:00:00Z,zenith run,"{""owner"": ""zenith""}"
test,z2,zenith labs,aws/us-east-1,NVIDIA H100 80GB HBM3,7,2026-08-01T00:00:00Z,,zenith labs run,
test,z3,zenith,nowhere at all,NVIDIA H100 80GB HBM3,2,2026-08-01T00:00:00Z,2026-08-03T00:00:00Z,zenith's rejected run,
\.
}, 'a meter puts usage into the inbox');
as('meter', 'SELECT * FROM compute_ledger.usage_inbox');
is($said[0], '42501', 'and does not read it back');
for my $cell ("received_by) VALUES ('postgres'", "received_at) VALUES ('2001-01-01'", 'id) VALUES (424242')
{
	as('meter', "INSERT INTO compute_ledger.usage_inbox ($cell)");
	is($said[0], '42501', "nor does it say who brought it, when, and in which place: $cell");
}
ok_as('meter', 'SELECT * FROM compute_ledger.accept_usage()', 'it has it accepted');
is($node->safe_psql('ledger', 'SELECT count(*) FROM compute_ledger.usage_record'), '4', 'four records');
ok_as('biller', "SELECT compute_ledger.close_period($_, '[2026-08-01,2026-09-01)')", "a biller closes a period of $_") for "'acme'", "'zenith'";
ok_as('biller', 'SELECT * FROM compute_ledger.refresh_rollups()', 'and has rollups made') if $node->safe_psql('ledger', q{SELECT count(*) FROM pg_proc WHERE proname = 'refresh_rollups'});
ok_as('meter', q{
	INSERT INTO compute_ledger.usage_inbox (source, source_id, account) VALUES ('test', 'z9', 'zenith')}, 'more waits in the inbox');

# ------------------------------------------------------------------ what there is
my (%object, %column);    # name => [kind, whether it is a partition]; its first column
for (split /\n/, $node->safe_psql('ledger', q{
	SELECT c.oid::regclass, c.relkind, c.relispartition, (SELECT quote_ident(a.attname) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attidentity = '' AND a.attgenerated = '' AND NOT a.attisdropped
			ORDER BY a.attnum LIMIT 1)
	FROM pg_class AS c
	WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
	ORDER BY 1::text COLLATE "C"}))
{
	my ($name, $kind, $partition, $first) = split /\|/;
	$object{$name} = [ $kind, $partition ];
	$column{$name} = $first;
}
my @relations = sort keys %object;
note scalar(@relations), ' relations';
my %listed;    # what the list of privileges says: kind => privilege => object
for (split /\n/, $node->safe_psql('ledger', 'SELECT k, object, privilege FROM compute_ledger._access_privileges(), unnest(kinds) AS k'))
{
	my ($kind, $name, $privilege) = split /\|/;
	$listed{$kind}{$privilege}{ $privilege eq 'EXECUTE' ? $name : "compute_ledger.$name" } = 1;
}

# Functions of the ledger, with a call for each: arguments that ask for Zenith's.  Those for users may be called by whom the
# functions of their names with _ are granted to.
my @functions;
for (split /\n/, $node->safe_psql('ledger', q{
	SELECT p.proname, p.prokind, p.prosecdef, p.proretset OR p.prorettype = 'record'::regtype,
		coalesce((SELECT string_agg(CASE
				WHEN t.type = 'oid'::regtype THEN '10'
				WHEN t.type IN ('anyelement'::regtype, 'anyarray'::regtype) THEN '7700000001'
				-- the time it is taken to be is for admins, and not what is asked here
				WHEN t.type = 'compute_ledger.placement_request'::regtype THEN '''(zenith,{nvidia/h100},8,01:00:00,,,,,,1,"",,0,f,0,,0,,,,0,f)'''
				WHEN n.name = 'now' THEN 'NULL'
				WHEN n.name IN ('role') THEN '''biller'''
				WHEN n.name = 'book' THEN '''sale'''
				WHEN n.name = 'state' THEN '''held'''
				WHEN n.name = 'kind' THEN '''auditor'''
				WHEN t.type IN ('text'::regtype, 'name'::regtype) THEN '''zenith'''
				WHEN t.type = 'bigint'::regtype THEN '7700000001'
				WHEN t.type = 'integer'::regtype THEN '1'
				WHEN t.type = 'numeric'::regtype THEN '1'
				-- only admins say what time it is
				WHEN n.name = 'now' THEN 'NULL'
				WHEN t.type IN ('timestamptz'::regtype, 'timestamp'::regtype) THEN 'now()'
				WHEN t.type = 'date'::regtype THEN '''2026-08-01'''
				WHEN t.type = 'tstzrange'::regtype THEN '''[2026-08-01,2026-09-01)'''
				WHEN t.type = 'interval'::regtype THEN '''1 day'''
				WHEN t.type = 'boolean'::regtype THEN 'true'
				WHEN t.type = 'regclass'::regtype THEN '''compute_ledger.account'''
				WHEN t.type = 'regprocedure'::regtype THEN '''compute_ledger.create_ledger()'''
				WHEN t.type = 'compute_ledger.accelerator'::regtype THEN '''nvidia/h100'''
				ELSE 'NULL' END || CASE WHEN t.type::regtype::text ~ '^any' THEN '' ELSE '::' || format_type(t.type, NULL) END, ', ' ORDER BY t.place)
			FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, place)
			LEFT JOIN unnest(p.proargnames) WITH ORDINALITY AS n (name, place) USING (place)), ''),
		p.oid::regprocedure
	FROM pg_proc AS p
	WHERE p.pronamespace = 'compute_ledger'::regnamespace AND p.prokind IN ('f', 'p') AND p.prorettype <> 'trigger'::regtype
		-- parts of aggregates are not called from SQL
		AND NOT 'internal'::regtype = ANY (p.proargtypes)
		-- not for everybody, or for who may call what does the work
		AND (NOT EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS e WHERE e.grantee = 0)
			OR EXISTS (SELECT FROM pg_proc AS i WHERE i.pronamespace = p.pronamespace AND i.proname = '_' || p.proname AND i.proowner = 'pg_database_owner'::regrole))
	ORDER BY p.oid::regprocedure::text COLLATE "C"}))
{
	my ($name, $prokind, $definer, $set, $arguments, $signature) = split /\|/;
	$listed{$_}{EXECUTE}{$name} = $listed{$_}{EXECUTE}{"_$name"} // 0 for $name =~ /^_/ ? () : keys %listed;
	push @functions, { name => $name, definer => $definer eq 't', signature => $signature,
		call => $prokind eq 'p' ? "CALL compute_ledger.$name($arguments)" : "=SELECT * FROM compute_ledger.$name($arguments)" };
}
cmp_ok(scalar(@functions), '>=', 10, scalar(@functions) . ' functions that are not for everybody');

# Zenith has something in every view of which a reader sees a part: else not seeing it would say nothing.
my @partial = grep { $listed{reader}{SELECT}{$_} && /\.my_/ } @relations;
cmp_ok(scalar(@partial), '>=', 11, 'readers have views: ' . join ' ', map { s/.*\.//r } @partial);
my @whole = try_as($superuser, map { "=SELECT r::text FROM $_ AS r" } @partial);
like($whole[$_][1], $zenith, "$partial[$_] has rows of Zenith's") for 0 .. $#partial;

# ------------------------------------------------------------------ readers
# what must not come out, and what must
my %expect = (
	reader => [ qr/$zenith/, 'acme' ],
	# who pays for the research, and by which contract, an analyst sees
	analyst => [ qr/$zenith|\bacme run\b/, 'acme research' ],
	member => [ qr/$zenith|\bacme run\b/, 'acme research' ],
	booker => [ qr/$zenith|\bacme run\b/, undef, 'booker' ],
	agent => [ qr/$zenith|\bacme run\b/, undef, 'agent' ],
	nobody => [ qr/./, undef ],
	apart => [ qr/./, undef ],
);
for my $role (sort keys %expect)
{
	my ($foreign, $own, $kind) = @{ $expect{$role} };
	my %may = %{ $listed{ $kind // ($own ? 'reader' : 'none') } // {} };
	my (@wrong, @leaks, @seen);
	my @selected = try_as($role, map { $object{$_}[0] eq 'S' ? "=SELECT last_value FROM $_" : "=SELECT r::text FROM $_ AS r" } @relations);
	for my $i (0 .. $#relations)
	{
		my ($relation, $state, $told) = ($relations[$i], @{ $selected[$i] });
		push @wrong, "$relation: $state" if $state ne ($may{SELECT}{$relation} ? '00000' : '42501');
		push @leaks, "$relation: $1" if $told =~ /^(.*$foreign.*)$/m;
		push @seen, $relation if length $told;
	}
	# what a condition sees must not be more: a cheap function that tells all, and no row-level security
	my @visible = grep { $may{SELECT}{$_} } @relations;
	as($role, join '', q{CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'told: %', $1; RETURN true; END $$;},
		map { "SELECT count(*) FROM $_ AS r WHERE pg_temp.tell(r::text);" } @visible);
	push @leaks, "a function was told: $1" while $said[1] =~ /told: (.*$foreign.*)$/mg;
	cmp_ok(scalar(() = $said[1] =~ /told: /g), '>', 10, "$role: the function was told something") if $own;
	my @off = try_as($role, map { "DO \$off\$ BEGIN SET LOCAL row_security = off; PERFORM FROM $_; END \$off\$" } grep { $object{$_}[0] =~ /[rp]/ } @visible);
	push @leaks, map { "row_security = off: $_->[0]" } grep { $_->[0] ne '42501' } @off;
	my @writes = map {
		my ($relation, $kind) = ($_, $object{$_}[0]);
		my $column = $column{$relation};
		$kind =~ /[Sm]/ ? () : ("INSERT INTO $relation DEFAULT VALUES", "UPDATE $relation SET $column = $column", "DELETE FROM $relation",
			$kind eq 'v' ? () : ("TRUNCATE $relation", "LOCK $relation"))
	} @relations;
	my @written = try_as($role, @writes);
	# a view that cannot be written at all says so first
	push @wrong, map { "$writes[$_]: $written[$_][0]" } grep { $written[$_][0] !~ /^(42501|55000|0A000)$/ } 0 .. $#writes;
	is("@wrong", '', "$role: privileges on relations are those listed");
	is(join("\n", @leaks), '', "$role: no row of anybody else's");
	if ($own)
	{
		for my $relation (qw(my_account my_usage my_charge my_usage_hourly my_usage_daily my_spend_daily my_focus_1_2))
		{
			cmp_ok(scalar(grep { $_ eq "compute_ledger.$relation" } @seen), '==', 1, "$role sees its own of $relation");
		}
		is(as($role, 'SELECT name FROM compute_ledger.my_account ORDER BY name'), $own eq 'acme' ? "acme\nacme merged\nacme research" : "acme merged\nacme research",
			"$role: the account and what is under it, merged accounts included");
		is(as($role, 'SELECT string_agg(DISTINCT a.name, $$,$$ ORDER BY a.name) FROM compute_ledger.my_account AS a WHERE a.id IN (SELECT account FROM compute_ledger.my_usage UNION SELECT account FROM compute_ledger.my_charge)'),
			$own eq 'acme' ? 'acme,acme research' : 'acme research', "$role: their usage and charges");
		is(as($role, q{SELECT coalesce(parent_name, 'none') FROM compute_ledger.my_account WHERE name = 'acme research'}), $own eq 'acme' ? 'acme' : 'none', "$role: no account above");
	}

	# functions: refused, or nothing of Zenith's
	my (@open, @told);
	my @called = try_as($role, map { $_->{call} } @functions);
	for my $i (0 .. $#functions)
	{
		my ($f, $state, $told, $error) = ($functions[$i], @{ $called[$i] });
		push @open, "$f->{signature}: $state $error" if !$may{EXECUTE}{ $f->{name} } && $state ne '42501';
		# a request is what it is made of
		push @told, "$f->{call}: $told" if $told =~ /$foreign/ && $f->{name} !~ /^_?placement_request$/;
	}
	is(join("\n", @open), '', "$role: functions that are not for it are refused");
	is(join("\n", @told), '', "$role: no function tells of others");
}
# What readers may call works for them.
my @readers = grep { $listed{reader}{EXECUTE}{ $_->{name} } } @functions;
my @called = try_as('reader', map { $_->{call} =~ s/zenith/acme/gr =~ s/'biller'::name/current_user/gr } @readers);
is(join("\n", map { "$readers[$_]{signature}: $called[$_][2]" } grep { $called[$_][0] eq '42501' } 0 .. $#readers), '',
	'readers may call what is listed, with all that it calls');

# ------------------------------------------------------------------ tricks
is(as('reader', q{SELECT count(*) FROM compute_ledger.visible_accounts('biller')}), '0', 'a role given in an argument is believed of those that one can become only');
is(as('reader', q{SELECT compute_ledger.sees_everything('biller'), compute_ledger.has_access('admin', 'admin'), compute_ledger.has_access('reader')}), 'f|f|t', 'in all of these functions');
is(as('reader', q{SELECT count(*) FROM (SELECT compute_ledger.visible_accounts('analyst') UNION ALL SELECT compute_ledger.visible_accounts('owner')) AS a}), '0', 'and also of no other reader or the owner');
as('reader', 'SET ROLE biller');
is($said[0], '42501', 'a reader becomes nobody else');
as('reader', "SELECT set_config('role', 'biller', false)");
is($said[0], '42501', 'neither by a setting');
$node->safe_psql('ledger', 'CREATE SCHEMA reader AUTHORIZATION reader');
as('reader', q{
	CREATE FUNCTION reader.pg_has_role(name, name, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
	CREATE FUNCTION reader.pg_has_role(name, oid, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
	CREATE FUNCTION reader.has_access(text, name) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
	CREATE FUNCTION reader.sees_everything(name) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
	CREATE FUNCTION reader.eq(bigint, bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
	CREATE OPERATOR reader.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = reader.eq);
	CREATE TEMP TABLE ledger_access AS SELECT 'reader'::regrole AS role, 'auditor'::text AS kind, NULL::bigint AS account;
	CREATE TEMP TABLE pg_roles AS SELECT oid, rolname FROM pg_catalog.pg_roles});
for my $path ('reader, pg_catalog, pg_temp', 'pg_temp, reader, pg_catalog', 'reader')
{
	my $told = as('reader', "SET search_path = $path; CREATE TEMP TABLE pg_roles AS SELECT oid, rolname FROM pg_catalog.pg_roles;
		SELECT a.name FROM compute_ledger.my_account AS a; SELECT r::text FROM compute_ledger.my_usage AS r; SELECT id FROM compute_ledger.visible_accounts() AS id");
	is($said[0], '00000', "search_path = $path") or diag $said[1];
	unlike($told, $zenith, 'shows no more');
	is(scalar(grep { /^acme/ } split /\n/, $told), 3, 'and no less');
}
as('reader', 'CREATE FUNCTION compute_ledger.theirs() RETURNS int LANGUAGE sql AS $$SELECT 1$$');
is($said[0], '42501', 'nobody but the owner makes anything in the schema');
as('reader', "SELECT compute_ledger.grant_access('reader', 'auditor')");
is($said[0], '42501', 'nobody grants himself anything');
as('reader', 'ALTER TABLE compute_ledger.account DISABLE ROW LEVEL SECURITY');
is($said[0], '42501', 'nor turns the conditions off');
is(as($superuser, "SET SESSION AUTHORIZATION reader; SELECT count(*) FROM compute_ledger.my_account WHERE name ~ 'zenith'"), '0', 'who is made a reader is one');
is(as($superuser, "SET ROLE reader; SELECT count(*) FROM compute_ledger.my_account WHERE name ~ 'zenith'"), '0', 'also with SET ROLE');
as('reader', "PREPARE p AS SELECT name FROM compute_ledger.my_account");
is(as($superuser, "PREPARE p AS SELECT count(*) FROM compute_ledger.my_account; EXECUTE p; SET ROLE reader; EXECUTE p; RESET ROLE; SET ROLE analyst; EXECUTE p"), "6\n3\n2",
	'a prepared statement shows what the role sees that runs it');

# ------------------------------------------------------------------ bookers and agents
my $names = $node->safe_psql('ledger', q{SELECT string_agg(format('(%s, %L)', a.id, a.name), ', ') FROM compute_ledger.account AS a});
sub accounts_of { return as($_[0], 'SELECT string_agg(a.name, $$,$$ ORDER BY a.name) FROM compute_ledger._bookable_accounts() AS b JOIN (VALUES ' . $names . ') AS a (id, name) ON a.id = b') }
is(accounts_of('booker'), 'acme merged,acme research', 'a booker books for the account and what is under it');
is(as('booker', q{SELECT DISTINCT account, state FROM compute_ledger.my_reservation}), as('owner', q{SELECT id || '|held' FROM compute_ledger.account WHERE name = 'acme research'}), 'and sees what is booked for them');
is(accounts_of($_), '', "$_: for none") for qw(reader agent meter biller auditor);
is(accounts_of('admin'), 'acme,acme merged,acme research,zenith,zenith labs,zenith old', 'an admin for all');
is(as('booker', q{SELECT count(*) FROM compute_ledger._bookable_accounts('admin')}), '0', 'who books for what is asked of roles that one can become only');
is(as('agent', q{SELECT string_agg(r.name, ',' ORDER BY r.name) FROM compute_ledger._agent_regions() AS a JOIN compute_ledger.region AS r ON r.id = a}), 'aws/us-east-1', 'an agent is one of its region');
is(as('admin', q{SELECT count(*) = (SELECT count(*) FROM compute_ledger.region) FROM compute_ledger._agent_regions()}), 't', 'an admin of all');
is(as('booker', q{SELECT count(*) FROM compute_ledger._agent_regions()}) . as('agent', q{SELECT count(*) FROM compute_ledger._agent_regions('admin')}), '00', 'others of none');
ok_as('owner', q{SELECT compute_ledger.grant_access('agent', 'agent', region => 'aws')}, 'a wider region');
is(as('agent', q{SELECT count(*) > 10, bool_and(r.name ~ '^aws') FROM compute_ledger._agent_regions() AS a JOIN compute_ledger.region AS r ON r.id = a}), 't|t', 'brings all under it');
ok_as('owner', q{SELECT compute_ledger.revoke_access('agent', 'agent', region => 'aws')}, 'and goes');
is(as('agent', q{SELECT count(*) FROM compute_ledger._agent_regions()}), '1', 'alone');

# ------------------------------------------------------------------ the other kinds
for my $kind (qw(meter biller auditor admin))
{
	my (@wrong, @broken, @blind);
	my @asked = map { my $r = $_; map { [ $r, $_ ] } $object{$r}[0] eq 'S' ? qw(SELECT UPDATE) : qw(SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER) } @relations;
	my @has = try_as($kind, map { '=SELECT has_' . ($object{ $_->[0] }[0] eq 'S' ? 'sequence' : 'table') . "_privilege('$_->[0]', '$_->[1]')" } @asked);
	for my $i (0 .. $#asked)
	{
		my ($relation, $privilege) = @{ $asked[$i] };
		push @wrong, "$privilege on $relation: $has[$i][1]" if $has[$i][1] ne ($listed{$kind}{$privilege}{$relation} ? '(t)' : '(f)');
	}
	my @may = grep { $listed{$kind}{SELECT}{$_} } @relations;
	# an age is another one at every look
	my @all = map { "=SELECT to_jsonb(r) - 'age' - CASE WHEN to_jsonb(r) ->> 'measure' LIKE '%_seconds' THEN '{value,detail}'::text[] ELSE '{}' END FROM $_ AS r ORDER BY 1" } @may;
	my @seen = try_as($kind, @all);
	my @there = try_as($superuser, @all);
	for my $i (0 .. $#may)
	{
		push @broken, "$may[$i]: $seen[$i][2]" if $seen[$i][0] ne '00000';
		push @blind, $may[$i] if $kind ne 'meter' && $seen[$i][1] ne $there[$i][1];
	}
	is(join("\n", @wrong), '', "$kind has the privileges listed, and no other");
	is(join("\n", @broken), '', "$kind can use them");
	is("@blind", '', "$kind sees all there is") if $kind ne 'meter';
	my @open;
	my @called = try_as($kind, map { $_->{call} } @functions);
	for my $i (0 .. $#functions)
	{
		my ($f, $state, $told, $error) = ($functions[$i], @{ $called[$i] });
		push @open, "$f->{signature}: $state $error" if $listed{$kind}{EXECUTE}{ $f->{name} } ? $state eq '42501' : $state ne '42501';
	}
	is(join("\n", @open), '', "$kind may call what is listed, with all that that calls, and nothing else");
}
# Who sees what is asked once a query: in the plan of a view it is asked in InitPlans, and nowhere else.
{
	# the nodes of a plan that ask for each row
	my $asks_each;
	$asks_each = sub {
		my ($node, $text) = @_;
		my $parent = $node->{'Parent Relationship'} // '';
		return () if $parent eq 'InitPlan' || $parent eq 'SubPlan' && $text =~ /hashed $node->{'Subplan Name'}\b/;
		my @here = grep { /\b_?(sees_everything|visible_accounts|has_access|price_accounts)\(/ } map { ref $_ eq 'ARRAY' ? @$_ : ref $_ ? () : $_ } map { $node->{$_} } grep { $_ ne 'Plans' } keys %$node;
		return (@here, map { $asks_each->($_, $text) } @{ $node->{Plans} // [] });
	};
	for my $role ('biller', 'reader')
	{
		my (@each, $asked);
		for my $view (grep { $object{$_}[0] eq 'v' && $listed{$role}{SELECT}{$_} } @relations)
		{
			my $plan = as($role, "EXPLAIN (VERBOSE, COSTS off, FORMAT JSON) SELECT * FROM $view");
			$asked += $plan =~ /sees_everything|visible_accounts/;
			push @each, map { "$view: $_" } $asks_each->(decode_json($plan)->[0]{Plan}, $plan);
		}
		is(join("\n", @each), '', "$role: no view asks for each row who sees what");
		cmp_ok($asked, '>=', 10, "$role: $asked views ask");
	}
	as('owner', 'CREATE VIEW compute_ledger.each AS SELECT e.everything AND u.length > 0 AS everything FROM compute_ledger._utilization_daily AS u CROSS JOIN (SELECT compute_ledger._sees_everything()) AS e (everything)');
	my @found = $asks_each->(decode_json(as('owner', 'EXPLAIN (VERBOSE, COSTS off, FORMAT JSON) SELECT * FROM compute_ledger.each'))->[0]{Plan}, '');
	cmp_ok(scalar(@found), '>', 0, 'one that did would be found');
	as('owner', 'DROP VIEW compute_ledger.each');
}

unlike(join('', map { $_->[1] } try_as('meter', map { "=SELECT r::text FROM $_ AS r" } grep { /charge|usage_record|price|account/ } @relations)), $zenith, 'a meter reads no usage, prices, charges or accounts');
# One role with two kinds has the privileges of both and no more rows than the wider.
ok_as('owner', "SELECT compute_ledger.grant_access('reader', 'meter')", 'a reader may be a meter, too');
is(as('reader', "SELECT count(*) FROM compute_ledger.my_account WHERE name ~ 'zenith'") . as('reader', "SELECT count(*) FROM compute_ledger.my_usage WHERE run ~ 'zenith'"), '00', 'and sees no more of others for that');
as('reader', "SELECT * FROM compute_ledger.explain_price('acme', 'H100', 'aws/us-east-1', book => 'cost')");
is($said[0], '42501', 'prices of another book are not explained to a reader');
is(as('reader', "SELECT count(*) FROM compute_ledger.my_price WHERE book <> 'sale'") . as('reader', "SELECT count(*) FROM compute_ledger.my_charge WHERE book <> 'sale'"), '00', 'nor shown');
ok_as('owner', "SELECT compute_ledger.revoke_access('reader', 'meter')", 'no longer a meter');
as('reader', "INSERT INTO compute_ledger.usage_inbox (source) VALUES ('x')");
is($said[0], '42501', 'it brings nothing in');
is(as('reader', 'SELECT count(*) FROM compute_ledger.my_account'), '3', 'and is still a reader');

# ------------------------------------------------------------------ granting
ok_as('admin', "SELECT compute_ledger.grant_access('nobody', 'reader', 'zenith labs')", 'an admin grants');
is(as('nobody', 'SELECT string_agg(name, $$,$$ ORDER BY name) FROM compute_ledger.my_account'), 'zenith labs,zenith old', 'and it works at once');
is(as('auditor', "SELECT kind, account > 7700000000, granted_by FROM compute_ledger.ledger_access WHERE role = 'nobody'::regrole"), 'reader|t|admin', 'an auditor sees who granted what');
ok_as('admin', "SELECT compute_ledger.grant_access('nobody', 'reader', 'zenith labs')", 'granted twice');
is(as('auditor', "SELECT count(*) FROM compute_ledger.ledger_access WHERE role = 'nobody'::regrole"), '1', 'is granted once');
ok_as('admin', "SELECT compute_ledger.grant_access('nobody', 'reader', 'acme research')", 'a second account');
ok_as('admin', "SELECT compute_ledger.revoke_access('nobody', 'reader', 'zenith labs')", 'the first is revoked');
is(as('nobody', 'SELECT string_agg(name, $$,$$ ORDER BY name) FROM compute_ledger.my_account'), 'acme merged,acme research', 'the second remains');
$node->safe_psql('postgres', 'ALTER ROLE nobody RENAME TO somebody');
is(as('somebody', 'SELECT count(*) FROM compute_ledger.my_account'), '2', 'a role that is renamed keeps its access');
$node->safe_psql('postgres', 'ALTER ROLE somebody RENAME TO nobody');
as($superuser, 'DROP ROLE nobody');
is($said[0], '2BP01', 'a role that has access is not dropped');
ok_as('owner', "SELECT compute_ledger.revoke_access('nobody', 'reader', 'acme research')", 'once it is revoked');
ok_as($superuser, 'DROP ROLE nobody', 'it is');
$node->safe_psql('ledger', 'DROP OWNED BY analyst; DROP ROLE analyst; CREATE ROLE analyst LOGIN');
ok_as('owner', "SELECT compute_ledger.grant_access('analyst', 'reader', 'zenith labs')", 'a role that is made anew under an old name');
is(as('analyst', 'SELECT string_agg(name, $$,$$ ORDER BY name) FROM compute_ledger.my_account'), 'zenith labs,zenith old', 'has nothing of the old one\'s');
ok_as('owner', 'SELECT compute_ledger.create_ledger()', 'what is left of the old one');
is(as('auditor', q{SELECT count(*) FROM compute_ledger.ledger_access AS a WHERE NOT EXISTS (SELECT FROM pg_roles WHERE oid = a.role)}), '0', 'create_ledger() clears away');
for my $case (
	[ q{'no such role', 'auditor'}, '42704', qr/role "no such role" does not exist/ ],
	[ q{'reader', 'god'}, '22023', qr/HINT:  Kinds are reader, meter, booker, agent, biller, auditor and admin/ ],
	[ q{'reader', NULL}, '22023', qr/unknown kind/ ],
	[ q{NULL, 'auditor'}, '42704', qr/does not exist/ ],
	[ q{'reader', 'reader'}, '22023', qr/a reader needs an account.*HINT:  Name the account/s ],
	[ q{'reader', 'auditor', 'acme'}, '22023', qr/cannot be limited to an account/ ],
	[ q{'reader', 'booker'}, '22023', qr/a booker needs an account.*HINT:  Name the account/s ],
	[ q{'reader', 'agent'}, '22023', qr/an agent needs a region.*HINT:  Name the region/s ],
	[ q{'reader', 'agent', 'acme', 'aws'}, '22023', qr/cannot be limited to an account/ ],
	[ q{'reader', 'booker', 'acme', 'aws'}, '22023', qr/cannot be limited to a region/ ],
	[ q{'reader', 'agent', region => 'no such region'}, 'LC007', qr/unknown region: "no such region"/ ],
	[ q{'reader', 'reader', 'no such account'}, 'LC006', qr/unknown account: "no such account"/ ])
{
	for my $function ('grant_access', 'revoke_access')
	{
		as('owner', "SELECT compute_ledger.$function($case->[0])");
		is($said[0], $case->[1], "$function($case->[0])");
		like($said[1], $case->[2], 'and why');
	}
}
as('owner', "SELECT compute_ledger.revoke_access('reader', 'auditor')");
is($said[0], '42704', 'what was not granted cannot be revoked');
like($said[1], qr/role "reader" is not auditor/, 'and that is said');
as('owner', "SELECT compute_ledger.revoke_access('reader', 'reader', 'zenith')");
like($said[1], qr/42704: role "reader" is not reader of zenith/, 'account and all');

# When all is revoked, nothing is left.
ok_as('owner', 'SELECT compute_ledger.revoke_access(' . arguments(@$_) . ')', join ' ', 'revoked:', grep { defined } @$_) for grep { $_->[0] ne 'analyst' } @kinds;
ok_as('owner', "SELECT compute_ledger.revoke_access('analyst', 'reader', 'zenith labs')", 'revoked: analyst');
ok_as($superuser, 'DROP OWNED BY reader', 'what the reader made');
ok_as($superuser, 'DROP ROLE reader, analyst, meter, booker, agent, biller, auditor, admin, team', 'no privilege is left');
is($node->safe_psql('ledger', 'SELECT count(*) FROM compute_ledger.ledger_access'), '0', 'and no row');

$node->stop;
done_testing();
