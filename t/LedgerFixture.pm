# A ledger with something of everything in it, for tests of what happens to the database as a whole; not a test.
package LedgerFixture;
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Test::More;

# Makes the roles and a database with a filled ledger that belongs to alice.
sub make
{
	my ($node, $db) = @_;
	make_roles($node);
	$node->safe_psql('postgres', "CREATE DATABASE $db OWNER alice");
	my ($rc, $out, $err) = sql($node, $db, 'alice', q{
		CREATE EXTENSION compute_ledger;
		SET search_path = public, compute_ledger;
		SELECT create_ledger();
		SELECT create_account('acme', time_zone => 'Europe/Berlin', currency => 'USD', jurisdiction => 'DE');
		SELECT create_account('acme research', 'internal', parent => 'acme');
		SELECT create_account('acme old', 'internal', parent => 'acme');
		SELECT create_account('zenith', time_zone => 'UTC', currency => 'USD', jurisdiction => 'US');
		SELECT create_account('zenith labs', 'internal', parent => 'zenith', valid_from => '2026-01-01Z');
		SELECT move_account('acme research', 'zenith', '2026-08-15Z');
		SELECT merge_account('acme old', 'acme research', '2026-08-20Z');
		INSERT INTO price (accelerator, currency, model, tier_bounds, tier_prices, valid)
			VALUES ('nvidia', 'USD', 'graduated', '{100,1000}', '{3,2.5,2}', '[2026-01-01Z,)');
		INSERT INTO price (account, accelerator, currency, price, valid) SELECT id, 'nvidia/h100', 'USD', 1.999, '[2026-01-01Z,)' FROM account WHERE name = 'zenith';
		UPDATE price SET price = 1.9 WHERE model = 'flat';
		SELECT grant_access('meter', 'meter'), grant_access('biller', 'biller'), grant_access('auditor', 'auditor'), grant_access('admin', 'admin'),
			grant_access('reader', 'reader', 'acme'), grant_access('other', 'reader', 'zenith');
	});
	is($err, '', "$db: a ledger with accounts, prices and access");
	bring_in($node, $db, 'a', '2026-08', 50);
	# each in a transaction of its own: one that has recorded something holds its own watermark back
	sql($node, $db, 'alice', q{SELECT compute_ledger.close_period('acme', '[2026-08-01 00:00 Europe/Berlin,2026-09-01 00:00 Europe/Berlin)');
		SELECT compute_ledger.close_period('zenith', '[2026-08-01Z,2026-09-01Z)')}, 'closed');
	bring_in($node, $db, 'b', '2026-09', 30);
	bring_in($node, $db, 'late', '2026-08', 5);
	sql($node, $db, 'alice', q{SELECT compute_ledger.refresh_rollups()}, 'rollups made')
		if $node->safe_psql($db, q{SELECT count(*) FROM pg_proc WHERE proname = 'refresh_rollups'});
	sql($node, $db, 'alice', q{SELECT compute_ledger.mark_watermark()}, 'watermark marked');
	return;
}

# Makes the roles, which are the cluster's.
sub make_roles
{
	my ($node) = @_;
	$node->safe_psql('postgres', join '', map { "CREATE ROLE $_ LOGIN;" } qw(alice meter biller auditor admin reader other));
	return;
}

# Runs SQL as a role; with a name it is a test that nothing fails.
sub sql
{
	my ($node, $db, $role, $sql, $name) = @_;
	my ($out, $err) = ('', '');
	my $rc = $node->psql($db, $sql, stdout => \$out, stderr => \$err, on_error_stop => 1, extra_params => [ '-U', $role ]);
	is("$rc$err", '0', "$db: $name") if defined $name;
	return ($rc, $out, $err);
}

# Brings n records of each of four accounts in a month in, and has them accepted, as the meter; returns the counts.
sub bring_in
{
	my ($node, $db, $series, $month, $n) = @_;
	my ($rc, $out, $err) = sql($node, $db, 'meter', qq{
		INSERT INTO compute_ledger.usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, run, labels)
		SELECT 'slurm', '$series' || i || '/' || a, a, 'aws/us-east-1', 'NVIDIA H100 80GB HBM3', 1 + i % 8, t, t + i * interval '7 minutes', 'run ' || i, '{"series": "$series"}'
		FROM generate_series(1, $n) AS i, unnest('{acme,acme research,zenith,zenith labs}'::text[]) AS a,
			LATERAL (SELECT timestamptz '$month-01 00:00Z' + i * interval '13 hours') AS s (t);
		INSERT INTO compute_ledger.usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
		VALUES ('slurm', '$series-bad', 'nobody', 'aws/us-east-1', 'NVIDIA H100 80GB HBM3', 1, '$month-01T00:00Z', '$month-02T00:00Z');
		SELECT taken, accepted, duplicate, rejected FROM compute_ledger.accept_usage()});
	is("$rc$err", '0', "$db: usage of $month is brought in");
	return $out;
}

# Everything in the ledger that a copy of it must have: rows of every table and materialized view, privileges, policies,
# constraints, indexes, triggers, what functions may be called by whom.
sub contents
{
	my ($node, $db) = @_;
	my @relations = split /\n/, $node->safe_psql($db, q{
		SELECT c.oid::regclass FROM pg_class AS c
		WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND c.relispopulated ORDER BY 1::text COLLATE "C"});
	my %contents;
	@contents{@relations} = split /\n/, $node->safe_psql($db, "SET timezone = 'UTC';" . join '', map {
		"SELECT count(*) || ' ' || coalesce(md5(string_agg(r::text, chr(10) ORDER BY r::text COLLATE \"C\")), '') FROM $_ AS r;" } @relations);
	$contents{catalog} = $node->safe_psql($db, q{
		SET timezone = 'UTC';
		SELECT n.nspowner::regrole, (SELECT array_agg(concat_ws(' ', e.grantee::regrole, e.privilege_type) ORDER BY e.grantee, e.privilege_type) FROM aclexplode(n.nspacl) AS e(grantor, grantee, privilege_type, g))
		FROM pg_namespace AS n WHERE n.nspname = 'compute_ledger';
		SELECT c.relkind, c.oid::regclass, c.relrowsecurity, c.reloptions, c.relowner::regrole,
			(SELECT array_agg(concat_ws(' ', e.grantor::regrole, e.grantee::regrole, e.privilege_type) ORDER BY e.grantor, e.grantee, e.privilege_type) FROM aclexplode(c.relacl) AS e(grantor, grantee, privilege_type, g)
				WHERE e.privilege_type <> 'MAINTAIN'),
			obj_description(c.oid, 'pg_class') FROM pg_class AS c WHERE relnamespace = 'compute_ledger'::regnamespace AND relkind <> 'c' ORDER BY 2::text COLLATE "C";
		SELECT polrelid::regclass, polname, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy ORDER BY 1::text COLLATE "C", 2;
		SELECT conrelid::regclass, conname, translate(pg_get_constraintdef(oid), '()', '') FROM pg_constraint WHERE connamespace = 'compute_ledger'::regnamespace AND contype <> 'n' ORDER BY 1::text COLLATE "C", 2;
		SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid WHERE relnamespace = 'compute_ledger'::regnamespace ORDER BY 1::text COLLATE "C";
		SELECT tgrelid::regclass, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1::text COLLATE "C", 2;
		SELECT p.oid::regprocedure, p.proowner::regrole, p.prosecdef,
			(SELECT array_agg(concat_ws(' ', e.grantee::regrole, e.privilege_type) ORDER BY e.grantee, e.privilege_type) FROM aclexplode(p.proacl) AS e(grantor, grantee, privilege_type, g)),
			(SELECT array_agg(d.deptype ORDER BY 1) FROM pg_depend AS d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype IN ('e', 'x'))
		FROM pg_proc AS p WHERE pronamespace = 'compute_ledger'::regnamespace ORDER BY 1::text COLLATE "C"});
	return \%contents;
}

# Compares a copy with the original, and shows what differs and no more.
sub same
{
	my ($got, $expected, $name) = @_;
	my @differ = grep { $_ ne 'catalog' && ($got->{$_} // 'missing') ne ($expected->{$_} // 'missing') } sort keys %{ { %$got, %$expected } };
	is(join(' ', map { "$_: " . ($got->{$_} // 'missing') . ' for ' . ($expected->{$_} // 'nothing') } @differ), '', "$name: rows");
	my %left;
	$left{$_}++ for split /\n/, $expected->{catalog};
	my @more = grep { !$left{$_} || !$left{$_}-- } split /\n/, $got->{catalog};
	is(join("\n", (map { "+ $_" } @more), map { "- $_" } grep { $left{$_} } sort keys %left), '', "$name: privileges, policies, constraints, indexes, triggers, functions");
	return;
}

# A ledger goes on: it knows what it has taken, takes more, rates, closes, corrects, and shows each what is his.
sub goes_on
{
	my ($node, $db, $rated) = @_;
	is(bring_in($node, $db, 'a', '2026-08', 50), '201|0|200|1', "$db: what was taken once is not taken again");
	is(rated($node, $db), $rated, "$db: the same bill, as of the same time");
	is(bring_in($node, $db, 'c', '2026-10', 20), '81|80|0|1', "$db: new usage is, in a month that was not there yet");
	sql($node, $db, 'biller', q{SELECT compute_ledger.close_period('acme', '[2026-09-01 00:00 Europe/Berlin,2026-10-01 00:00 Europe/Berlin)')}, 'the next period closes');
	my ($rc, $out) = sql($node, $db, 'biller', q{SELECT count(*) FILTER (WHERE corrects IS NULL) > 0, count(*) FILTER (WHERE corrects IS NOT NULL) > 0, count(DISTINCT recorded) FROM compute_ledger.charge});
	is($out, 't|t|3', "$db: with corrections of the one before");
	($rc, $out) = sql($node, $db, 'reader', q{SELECT string_agg(name, ',' ORDER BY name) FROM compute_ledger.my_account; SELECT count(DISTINCT account) FROM compute_ledger.my_usage});
	is($out, "acme,acme old\n1", "$db: a reader sees his own");
	($rc, $out) = sql($node, $db, 'reader', q{SELECT count(*) FROM compute_ledger.usage_inbox});
	isnt($rc, 0, "$db: and nothing else");
	($rc, $out) = sql($node, $db, 'other', q{SELECT string_agg(name, ',' ORDER BY name) FROM compute_ledger.my_account});
	is($out, 'acme old,acme research,zenith,zenith labs', "$db: another reader his");
	sql($node, $db, 'admin', q{SELECT compute_ledger.revoke_access('other', 'reader', 'zenith')}, 'access is revoked');
	($rc, $out) = sql($node, $db, 'other', q{SELECT count(*) FROM compute_ledger.my_account});
	isnt($rc, 0, "$db: which takes effect");
	($rc, $out) = sql($node, $db, 'alice', q{SELECT compute_ledger.create_ledger()});
	is($out, '0', "$db: the ledger needs nothing");
	if ($node->safe_psql($db, q{SELECT count(*) FROM pg_proc WHERE proname = 'check_ledger'}))
	{
		sql($node, $db, 'alice', q{SELECT compute_ledger.refresh_rollups()}, 'rollups made again');
		($rc, $out) = sql($node, $db, 'auditor', q{SELECT * FROM compute_ledger.check_ledger()});
		is($out, '', "$db: nothing is found wrong");
	}
	return;
}

# A bill as of the last mark that was stored before the copy was made.
sub rated
{
	my ($node, $db) = @_;
	my ($rc, $out) = sql($node, $db, 'biller', q{
		SET timezone = 'UTC';
		SELECT count(*), md5(string_agg(r::text, chr(10) ORDER BY r::text COLLATE "C")) FROM compute_ledger.rate_usage('zenith', '[2026-09-01Z,2026-10-01Z)',
			(SELECT min(recorded) FROM compute_ledger.usage_batch WHERE id = 3)) AS r}, 'September is rated');
	like($out, qr/^[1-9]\d*\|/, "$db: to charges");
	return $out;
}

1;
