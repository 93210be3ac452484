# Bases of two databases: each names its own without asking the other, codes differ and stay over dump and restore, and
# check_bases() reads the other side over postgres_fdw, over dblink and from CSV.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('basis');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nsearch_path = 'public, compute_ledger'\n");
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();

# Of each database: its own basis, one that both have, and what the other says otherwise.
my %rate = (beijing => 2.5, shanghai => 2.4);
for my $db (sort keys %rate)
{
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, "CREATE EXTENSION compute_ledger;
		INSERT INTO basis (name, description) VALUES ('$db.example/rate-card-2026', 'of its own'), ('common.example/weights', 'of both');
		INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('$db.example/rate-card-2026', 'nvidia/h100', '3 TFLOPS'),
			('common.example/weights', 'nvidia/a100', '1 TFLOPS'), ('common.example/weights', 'nvidia/h100', '$rate{$db} TFLOPS')");
}
my %code = map { $_ => $node->safe_psql($_, "SELECT basis_code('$_.example/rate-card-2026'), basis_code('common.example/weights')") } keys %rate;
is($code{beijing}, '59800|' . (split /\|/, $code{shanghai})[1], 'a basis of both has one code');
isnt($code{beijing}, $code{shanghai}, 'what each has for itself has two');
is($node->safe_psql('shanghai', "SELECT basis_name('1 FLOP\@59800'::compute_unit) IS NULL"), 't', 'so that no amount of the one is taken for one of the other');

# What is different, told three ways.
my $found = "other factors|common.example/weights|nvidia/h100 counts for 2.5 TFLOPS here and 2.4 TFLOPS there, in {(,)}.";
my $host = $node->host;
my $port = $node->port;
my $user = $node->safe_psql('beijing', 'SELECT current_user');
$node->safe_psql('beijing', "CREATE EXTENSION postgres_fdw;
	CREATE SERVER shanghai FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'shanghai', extensions 'compute_ledger');
	CREATE USER MAPPING FOR CURRENT_USER SERVER shanghai OPTIONS (user '$user');
	CREATE SCHEMA shanghai;
	IMPORT FOREIGN SCHEMA compute_ledger LIMIT TO (basis, basis_factor) FROM SERVER shanghai INTO shanghai");
is($node->safe_psql('beijing', "SELECT * FROM check_bases('shanghai.basis')"), '', 'postgres_fdw: codes and names agree');
is($node->safe_psql('beijing', "SELECT * FROM check_bases('shanghai.basis', 'shanghai.basis_factor')"), $found, 'postgres_fdw: and the factor that does not is found');

$node->safe_psql('beijing', "CREATE EXTENSION dblink;
	CREATE VIEW bases_there AS SELECT * FROM dblink('host=$host port=$port user=$user dbname=shanghai', 'SELECT code, name FROM compute_ledger.basis') AS b (code integer, name text);
	CREATE VIEW factors_there AS SELECT * FROM dblink('host=$host port=$port user=$user dbname=shanghai',
		'SELECT basis, accelerator, rate, valid, recorded FROM compute_ledger.basis_factor') AS f (basis text, accelerator text, rate text, valid text, recorded text)");
is($node->safe_psql('beijing', "SELECT * FROM check_bases('bases_there', 'factors_there')"), $found, 'dblink');

$node->safe_psql('shanghai', "\\copy (SELECT * FROM compute_ledger.basis) TO '$dir/basis.csv' (FORMAT csv, HEADER)\n\\copy (SELECT * FROM compute_ledger.basis_factor) TO '$dir/factor.csv' (FORMAT csv, HEADER)");
is($node->safe_psql('beijing', "CREATE TEMP TABLE b (LIKE compute_ledger.basis);
	CREATE TEMP TABLE f (LIKE compute_ledger.basis_factor);
	\\copy b FROM '$dir/basis.csv' (FORMAT csv, HEADER)\n\\copy f FROM '$dir/factor.csv' (FORMAT csv, HEADER)
	SELECT * FROM check_bases('b', 'f')"), $found, 'CSV');

# A name registered with a code of one's own, in one of them.
$node->safe_psql('shanghai', "INSERT INTO basis (code, name) VALUES (59800, 'shanghai.example/second'), (2000, 'both.example/second')");
$node->safe_psql('beijing', "INSERT INTO basis (name) VALUES ('both.example/second')");
is($node->safe_psql('beijing', "SELECT fault, basis FROM check_bases('shanghai.basis')"), "one code, two names|beijing.example/rate-card-2026\none name, two codes|both.example/second", 'codes given by hand');

# Anybody may ask, with his own rights only.
$node->safe_psql('beijing', 'CREATE ROLE somebody; GRANT USAGE ON SCHEMA shanghai TO somebody');
is(($node->psql('beijing', "\\set VERBOSITY verbose\nSET ROLE somebody; SELECT * FROM check_bases('shanghai.basis')"))[2] =~ /(ERROR:  42501|permission denied)/ ? 1 : 0, 1, 'he reads nothing that he may not read');

# Dump and restore keep the codes, given and computed ones.
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $codes = 'SELECT code, name FROM basis WHERE NOT shipped ORDER BY code';
my $before = $node->safe_psql('shanghai', $codes);
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/dump", $node->connstr('shanghai') ], 'dumped');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('restored'), "$dir/dump" ], 'and restored');
is($node->safe_psql('restored', $codes), $before, 'the codes are the same');
like($before, qr/^2000\|both\.example\/second$/m, 'a given one among them');
$node->safe_psql('restored', "UPDATE basis SET description = 'restored' WHERE code = 2000");
is($node->safe_psql('restored', 'SELECT sum(compute_ledger.basis_code(rate)) FROM basis_factor'), $node->safe_psql('shanghai', 'SELECT sum(compute_ledger.basis_code(rate)) FROM basis_factor'), 'and those in the factors');

$node->stop;
done_testing();
