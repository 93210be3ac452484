# A ledger in dumps: restored, it is the same and goes on working.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LedgerFixture;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->start;
LedgerFixture::make($node, 'original');
my $contents = LedgerFixture::contents($node, 'original');
my $rated = LedgerFixture::rated($node, 'original');
my $dir = PostgreSQL::Test::Utils::tempdir();

# Makes an empty database that belongs to alice.
sub empty { $node->safe_psql('postgres', "CREATE DATABASE $_[0] OWNER alice") }

command_ok([ 'pg_dump', '-f', "$dir/plain.sql", $node->connstr('original') ], 'pg_dump, plain');
empty('plain');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql", $node->connstr('plain') ], 'and psql');
LedgerFixture::same(LedgerFixture::contents($node, 'plain'), $contents, 'plain');
LedgerFixture::goes_on($node, 'plain', $rated);

command_ok([ 'pg_dump', '-Fd', '-j4', '-f', "$dir/directory", $node->connstr('original') ], 'pg_dump, directory, -j4');
empty('directory');
command_ok([ 'pg_restore', '-j4', '--exit-on-error', '-d', $node->connstr('directory'), "$dir/directory" ], 'and pg_restore -j4 --exit-on-error');
LedgerFixture::same(LedgerFixture::contents($node, 'directory'), $contents, 'directory');
LedgerFixture::goes_on($node, 'directory', $rated);

# The owner of the database needs no superuser for that.
command_ok([ 'pg_dump', '-U', 'alice', '-Fd', '-j4', '-f', "$dir/owner", $node->connstr('original') ], 'pg_dump by the owner');
empty('owner');
command_ok([ 'pg_restore', '-U', 'alice', '-j4', '--exit-on-error', '-d', $node->connstr('owner'), "$dir/owner" ], 'and pg_restore');
LedgerFixture::same(LedgerFixture::contents($node, 'owner'), $contents, 'owner');
LedgerFixture::goes_on($node, 'owner', $rated);

# What was dumped is as it was.
LedgerFixture::same(LedgerFixture::contents($node, 'original'), $contents, 'original');
# A dump of the copy, which went on, is restored as well.
command_ok([ 'pg_dump', '-Fd', '-j4', '-f', "$dir/again", $node->connstr('directory') ], 'a copy is dumped');
empty('again');
command_ok([ 'pg_restore', '-j4', '--exit-on-error', '-d', $node->connstr('again'), "$dir/again" ], 'and restored');
LedgerFixture::same(LedgerFixture::contents($node, 'again'), LedgerFixture::contents($node, 'directory'), 'again');

# ------------------------------------------------------------------ restored without owners and privileges
# Says what a role is told: SQLSTATE, message and hint.
sub told
{
	my ($db, $role, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql($db, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
	my ($error) = $err =~ /ERROR:  (\w{5}: [^\n]*)/;
	my ($hint) = $err =~ /HINT:  ([^\n]*)/;
	return join ' ', $error // '00000', $hint // ();
}
my @entrusted = (q{_make_usage_partition('2031-01-01')}, q{_refresh_rollup('_spend_monthly', false)}, '_sync_relations(10)');
my $mend = qr/As the owner of the database, run SELECT compute_ledger\.create_ledger\(\)\./;

empty('bare');
# what the default privileges give here is nothing of the ledger's
$node->safe_psql('bare', 'ALTER DEFAULT PRIVILEGES FOR ROLE alice GRANT SELECT ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES FOR ROLE alice GRANT ALL ON SEQUENCES TO other');
command_ok([ 'pg_restore', '-U', 'alice', '--no-owner', '--no-privileges', '--exit-on-error', '-d', $node->connstr('bare'), "$dir/owner" ], 'pg_restore --no-owner --no-privileges');
for my $call (@entrusted)
{
	like(told('bare', $_, "SELECT compute_ledger.$call"), qr/^55000: everybody may call function [^ ]+, which only the ledger may $mend/, "$call refuses everybody, $_") for qw(other alice);
}
is($node->safe_psql('bare', q{SELECT count(*) FROM pg_class WHERE relname ~ '2031'}), '0', 'and has done nothing');
like(told('bare', 'alice', "SELECT compute_ledger.$_"), qr/^55000: .*$mend/, "$_ says what to do")
	for 'accept_usage()', 'mark_watermark()', 'refresh_rollups()', q{close_period('acme', '[2026-09-01,2026-10-01)')}, q{grant_access('biller', 'biller')}, 'check_ledger()', q{rate_usage('acme', '[2026-09-01,2026-10-01)')};
is((LedgerFixture::sql($node, 'bare', 'alice', 'SELECT compute_ledger.create_ledger()', 'create_ledger() mends it'))[1], '0', 'in no step');
LedgerFixture::same(LedgerFixture::contents($node, 'bare'), $contents, 'mended');
is((LedgerFixture::sql($node, 'bare', 'alice', 'GRANT REFERENCES ON compute_ledger.account TO other; SELECT compute_ledger.create_ledger()', 'run again'))[1], '0', 'it does nothing');
is($node->safe_psql('bare', q{SELECT has_table_privilege('other', 'compute_ledger.account', 'REFERENCES')}), 't', 'and takes nothing that the owner has granted');
LedgerFixture::goes_on($node, 'bare', $rated);

# By a superuser: all is his, and has no more rights for that.
empty('bare_superusers');
command_ok([ 'pg_restore', '--no-owner', '--no-privileges', '--exit-on-error', '-d', $node->connstr('bare_superusers'), "$dir/owner" ], 'the same by a superuser');
like(told('bare_superusers', 'other', "SELECT compute_ledger.$_"), qr/^42501: a superuser cannot use/, "$_ is a superuser's, and refuses") for @entrusted;
like(told('bare_superusers', 'alice', 'SELECT compute_ledger.create_ledger()'), qr/^55000: database bare_superusers belongs to role alice, and its ledger to role .* administration\.md, has the statements/, 'the owner is told who can help');
my ($statements) = slurp_file("$FindBin::RealBin/../docs/administration.md") =~ /^```psql\n(ALTER SCHEMA compute_ledger OWNER.*?)^```/ms;
$statements =~ s/\bthe_owner\b/alice/g;
$node->safe_psql('bare_superusers', $statements);
is((LedgerFixture::sql($node, 'bare_superusers', 'alice', 'SELECT compute_ledger.create_ledger()', 'after that, create_ledger() mends it'))[1], '0', 'in no step');
LedgerFixture::same(LedgerFixture::contents($node, 'bare_superusers'), $contents, 'handed over and mended');
LedgerFixture::goes_on($node, 'bare_superusers', $rated);

$node->stop;
done_testing();
