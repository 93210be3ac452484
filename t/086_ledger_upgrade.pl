# pg_upgrade of a ledger from an older PostgreSQL: it is the same and goes on working.
#
# Needs a second, older PostgreSQL with the extension installed: the folder of its programs in PG_OLD_BINDIR, or any that
# Debian's layout has beside this one.
use strict;
use warnings;
use File::Spec;
use FindBin;
use lib $FindBin::RealBin;
use LedgerFixture;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Returns the major version that programs in a folder are of, and where they keep extensions.
sub programs
{
	my ($bin) = @_;
	my ($version) = (`"$bin/pg_config" --version 2>/dev/null` // '') =~ /(\d+)/;
	my $share = `"$bin/pg_config" --sharedir 2>/dev/null`;
	chomp $share;
	return ($version // 0, $share);
}
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $bindir = `$pg_config --bindir`);
my ($version) = programs($bindir);
my @older;
for my $bin ($ENV{PG_OLD_BINDIR} ? $ENV{PG_OLD_BINDIR} : sort glob('/usr/lib/postgresql/*/bin'))
{
	my ($old, $share) = programs($bin);
	push @older, [ $old, $bin ] if $old >= 15 && $old < $version && -x "$bin/postgres" && -e "$share/extension/compute_ledger.control";
}
plan skip_all => "no PostgreSQL older than $version with compute_ledger installed (PG_OLD_BINDIR names its programs)" unless @older;

for my $from (@older)
{
	my ($oldversion, $oldbin) = @$from;
	(my $prefix = $oldbin) =~ s{/bin/?$}{};
	my $old = PostgreSQL::Test::Cluster->new("old$oldversion", install_path => $prefix);
	$old->init;
	$old->start;
	is($old->safe_psql('postgres', 'SHOW server_version_num') =~ /^$oldversion/ ? 'old' : 'other', 'old', "PostgreSQL $oldversion runs");
	LedgerFixture::make($old, 'ledger');
	# installed by a superuser, in a database of another's: what the owner may do in the schema must come along
	$old->safe_psql('postgres', 'CREATE DATABASE theirs OWNER alice');
	$old->safe_psql('theirs', 'CREATE EXTENSION compute_ledger');
	my $contents = LedgerFixture::contents($old, 'ledger');
	my $rated = LedgerFixture::rated($old, 'ledger');
	$old->stop;

	my $new = PostgreSQL::Test::Cluster->new("from$oldversion");
	$new->init(extra => $version >= 18 ? ['--no-data-checksums'] : []);
	my $dir = PostgreSQL::Test::Utils::tempdir();
	# it writes into the folder that it runs in
	command_ok([ 'sh', '-c', 'cd "$0" && exec "$@"', $dir, "$bindir/pg_upgrade", '--no-sync', '-d', File::Spec->rel2abs($old->data_dir),
		'-D', File::Spec->rel2abs($new->data_dir), '-b', $oldbin, '-B', $bindir, '-s', $new->host, '-p', $old->port, '-P', $new->port ], "pg_upgrade from $oldversion to $version");
	$new->start;
	LedgerFixture::same(LedgerFixture::contents($new, 'ledger'), $contents, "from $oldversion");
	LedgerFixture::goes_on($new, 'ledger', $rated);
	my ($rc, $out, $err) = LedgerFixture::sql($new, 'theirs', 'alice', 'SELECT compute_ledger.create_ledger()');
	is("$out$err", '1', 'and where there was no ledger, the owner makes one');
	$new->stop;
}
done_testing();
