# Default privileges of the owner of the database, and of who installs the extension, which give everything to everybody:
# nothing of it arrives at the ledger, neither when it is made nor at what is made later, as data arrive.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('default_privileges');
$node->init;
$node->start;
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql('postgres', 'CREATE ROLE alice LOGIN; CREATE ROLE "Eve" LOGIN; CREATE ROLE meter LOGIN; CREATE DATABASE plain OWNER alice; CREATE DATABASE generous OWNER alice');

sub as
{
	my ($role, $db, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql($db, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
	return ($err =~ /ERROR:  (\w{5}): /m ? $1 : '00000', $out, $err);
}

# Everything to PUBLIC and to Eve: from the installer, from the owner, everywhere and in the ledger's schema.
sub generous
{
	my ($where) = @_;
	return join '', map { my $to = $_; map { "ALTER DEFAULT PRIVILEGES $where GRANT ALL ON $_ TO $to;" } qw(TABLES SEQUENCES FUNCTIONS TYPES) } 'PUBLIC', '"Eve"';
}
$node->safe_psql('generous', generous('FOR ROLE alice') . generous(qq(FOR ROLE "$superuser")));

# What happens after the ledger is made: months arrive (one of them in a partition that the owner detached before), are rolled up and billed.
sub live
{
	my ($db) = @_;
	for ([ 'alice', 'CREATE EXTENSION compute_ledger' ], [ 'alice', $db eq 'generous' ? generous('IN SCHEMA compute_ledger') : 'SELECT 1' ],
		[ 'alice', q{SET search_path = public, compute_ledger;
			SELECT create_ledger(), create_account('acme', time_zone => 'UTC', currency => 'USD'), grant_access('meter', 'meter');
			INSERT INTO price (accelerator, currency, price, valid) VALUES ('nvidia', 'USD', 2, '[2024-01-01Z,)')} ],
		(map { [ 'meter', qq{INSERT INTO compute_ledger.usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
			SELECT 'test', '$_ ' || i, 'acme', 'aws/us-east-1', 'NVIDIA H100 80GB HBM3', i, '$_-01T00:00:00Z', '$_-02T00:00:00Z' FROM generate_series(1, 3) AS i;
			SELECT compute_ledger.accept_usage()} ] } '2024-03', '2024-04', '2024-05'),
		[ 'alice', 'ALTER TABLE compute_ledger._usage_record DETACH PARTITION compute_ledger.usage_record_2024_04' ],
		[ 'meter', q{SELECT compute_ledger.record_usage('test', 'late', 'acme', 'aws/us-east-1', 'H100', 1, '2024-04-05Z', '2024-04-06Z')} ],
		[ 'alice', q{SELECT compute_ledger.refresh_rollups(); SELECT compute_ledger.close_period('acme', '[2024-03-01Z,2024-04-01Z)')} ],
		[ 'alice', q{SELECT compute_ledger.create_ledger()} ])
	{
		my ($state, $out, $err) = as($_->[0], $db, $_->[1]);
		is($state, '00000', "$db: " . ($_->[1] =~ s/\s+/ /gr =~ s/^(.{60}).*/$1.../r)) or diag $err;
	}
}
live($_) for qw(plain generous);

# Privileges of everything in the schema; types aside, which are for everybody anyway.
sub privileges
{
	my ($db) = @_;
	return $node->safe_psql($db, q{
		SELECT c.relkind, c.oid::regclass, (SELECT string_agg(format('%s=%s%s', CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END, e.privilege_type, CASE WHEN e.is_grantable THEN '*' END), ' ' ORDER BY e::text)
			FROM aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) AS e)
		FROM pg_class AS c WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') ORDER BY c.oid::regclass::text COLLATE "C";
		SELECT p.prokind, p.oid::regprocedure, (SELECT string_agg(CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END, ' ' ORDER BY e::text)
			FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS e)
		FROM pg_proc AS p WHERE p.pronamespace = 'compute_ledger'::regnamespace ORDER BY p.oid::regprocedure::text COLLATE "C"});
}
my ($plain, $got) = map { privileges($_) } qw(plain generous);
like($plain, qr/^r\|compute_ledger\.$_\|/m, "there is $_") for qw(usage_record_2024_03 usage_record_2024_04 usage_record_2024_04_2);
like($plain, qr/^m\|compute_ledger\._spend_monthly\|/m, 'there are materialized views');
# functions of whoever may call them are for Eve, who is everybody as well
my %left;
$left{$_}++ for split /\n/, $plain;
is(join("\n", grep { !$left{$_} } split /\n/, $got), '', 'default privileges change nothing');
is(scalar(split /\n/, $got), scalar(split /\n/, $plain), 'of as many objects');

# Eve tries.
my @relations = split /\n/, $node->safe_psql('generous', q{
	SELECT c.oid::regclass FROM pg_class AS c WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') ORDER BY 1});
my @open = grep { (as('Eve', 'generous', "SELECT 1 FROM $_ LIMIT 0"))[0] ne '42501' } @relations;
is("@open", '', 'Eve reads nothing of ' . @relations . ' relations');
for my $call (q{SELECT compute_ledger.grant_access('Eve', 'admin')}, 'SELECT compute_ledger.accept_usage()', q{SELECT compute_ledger._make_usage_partition('2024-01-01')},
	q{SELECT nextval('compute_ledger.usage_record_id_seq')}, q{SELECT setval('compute_ledger.usage_inbox_id_seq', 1)}, q{INSERT INTO compute_ledger.accelerator_alias (alias, accelerator) VALUES ('x', 'nvidia/l4')})
{
	is((as('Eve', 'generous', $call))[0], '42501', "nor does she do anything: $call");
}

$node->stop;
done_testing();
