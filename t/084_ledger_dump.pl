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

$node->stop;
done_testing();
