# unrestorable_objects() names what pg_dump prints so that it is not restored, all of it and nothing else, and what
# docs/administration.md says to write instead is restored and gives the same.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('unrestorable');
$node->init;
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();
$node->safe_psql('postgres', 'CREATE DATABASE original');
$node->safe_psql('original', 'CREATE EXTENSION compute_ledger');
is($node->safe_psql('original', 'SELECT * FROM compute_ledger.unrestorable_objects()'), '', 'nothing of the extension itself');
$node->safe_psql('original', 'SELECT compute_ledger.create_ledger()');
is($node->safe_psql('original', 'SELECT * FROM compute_ledger.unrestorable_objects()'), '', 'nothing of the ledger');

# The names say what is expected: bad_..., or fine_....
my $path = 'SET search_path = public, compute_ledger;';
my @objects = (
	# joins
	'VIEW bad_using AS SELECT a, t.n FROM t JOIN s USING (a)',
	'VIEW bad_using_two AS SELECT a, x FROM t FULL JOIN s USING (x, a)',
	'VIEW bad_natural AS SELECT a FROM (SELECT a FROM t) AS p NATURAL JOIN (SELECT a FROM s) AS q',
	'VIEW bad_nested AS WITH w AS (SELECT (SELECT count(*) FROM t JOIN s USING (u)) AS n) SELECT w.n FROM w',
	'VIEW fine_using AS SELECT t.a, t.n FROM t JOIN s ON t.a = s.a',
	'VIEW fine_using_two AS SELECT coalesce(t.a, s.a) AS a, coalesce(t.x, s.x) AS x FROM t FULL JOIN s ON t.x = s.x AND t.a = s.a',
	'VIEW fine_natural AS SELECT p.a FROM (SELECT a FROM t) AS p JOIN (SELECT a FROM s) AS q ON p.a = q.a',
	'VIEW fine_nested AS WITH w AS (SELECT (SELECT count(*) FROM t JOIN s ON t.u = s.u) AS n) SELECT w.n FROM w',
	'VIEW fine_core AS SELECT x, nullif(t.n, s.n) AS n FROM t JOIN s USING (x) WHERE t.n IS DISTINCT FROM 3',
	# expressions
	'VIEW bad_distinct AS SELECT t.ctid, t.u IS DISTINCT FROM s.u AS changed FROM t, s',
	'VIEW bad_same AS SELECT t.ctid, t.u IS NOT DISTINCT FROM s.u AS same FROM t, s',
	'VIEW bad_nullif AS SELECT n, nullif(a, b) AS a FROM t',
	q{VIEW bad_case AS SELECT n, CASE a WHEN 'nvidia/t4' THEN 'small' WHEN b THEN 'same' ELSE 'large' END AS size FROM t},
	'VIEW fine_distinct AS SELECT t.ctid, coalesce(t.u <> s.u, (t.u IS NULL) <> (s.u IS NULL)) AS changed FROM t, s',
	'VIEW fine_same AS SELECT t.ctid, coalesce(t.u = s.u, t.u IS NULL AND s.u IS NULL) AS same FROM t, s',
	'VIEW fine_nullif AS SELECT n, CASE WHEN a = b THEN NULL ELSE a END AS a FROM t',
	q{VIEW fine_case AS SELECT n, CASE WHEN a = 'nvidia/t4' THEN 'small' WHEN a = b THEN 'same' ELSE 'large' END AS size FROM t},
	'VIEW fine_text AS SELECT n, a::text IS DISTINCT FROM b::text AS changed FROM t',
	# rows of columns of both kinds
	'VIEW bad_in AS SELECT n FROM t WHERE (n, a) IN (SELECT n, a FROM s)',
	'VIEW bad_in_ours_first AS SELECT n FROM t WHERE (a, n) IN (SELECT a, n FROM s)',
	'VIEW bad_less AS SELECT n FROM t WHERE (n, u) < (3, u)',
	'VIEW bad_less_ours_first AS SELECT n FROM t WHERE (u, n) < (u, 3)',
	'VIEW bad_all AS SELECT n FROM t WHERE (n, a) <> ALL (SELECT n, a FROM s WHERE n IS NOT NULL)',
	'VIEW bad_single AS SELECT n FROM t WHERE (n, a) = (SELECT n, a FROM s WHERE n = 1)',
	'VIEW fine_in AS SELECT n FROM t WHERE EXISTS (SELECT FROM s WHERE t.n = s.n AND t.a = s.a)',
	'VIEW fine_in_ours AS SELECT n FROM t WHERE (a, u) IN (SELECT a, u FROM s)',
	'VIEW fine_less AS SELECT n FROM t WHERE n < 3 OR n = 3 AND u < u',
	'VIEW fine_less_ours AS SELECT n FROM t WHERE (u, u) < (u, u)',
	'VIEW fine_equal AS SELECT n FROM t WHERE (n, a) = (3, b)',
	# what says its operator, or needs none
	q{VIEW fine_list AS SELECT n FROM t WHERE a IN ('nvidia/t4', 'nvidia/h100-sxm5-80gb') OR a = ANY (ARRAY[b]) OR u BETWEEN u AND u OR a <@ 'nvidia'},
	'VIEW fine_sorted AS SELECT DISTINCT a, greatest(u, u) AS u, count(*) OVER (PARTITION BY a ORDER BY u) AS n FROM t ORDER BY u DESC',
	'VIEW fine_grouped AS SELECT a, sum(u) FROM t GROUP BY a UNION SELECT a, u FROM s EXCEPT SELECT b, u FROM t',
	'VIEW fine_arrays AS SELECT ARRAY[a] IS DISTINCT FROM ARRAY[b] AS changed, t IS DISTINCT FROM t AS never FROM t',
	# all else that keeps expressions
	'MATERIALIZED VIEW bad_stored AS SELECT nullif(u, u) AS u FROM t',
	q{FUNCTION bad_return(a accelerator) RETURNS boolean LANGUAGE sql RETURN a IS DISTINCT FROM 'nvidia/t4'},
	'FUNCTION bad_atomic() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT count(*) FROM t JOIN s USING (a); END',
	q{FUNCTION bad_argument(a accelerator DEFAULT nullif('nvidia/t4'::accelerator, 'nvidia/t4')) RETURNS boolean LANGUAGE sql AS 'SELECT true'},
	q{FUNCTION fine_text_body(a accelerator) RETURNS boolean LANGUAGE sql SET search_path = compute_ledger AS $$ SELECT a IS DISTINCT FROM 'nvidia/t4' $$},
	'RULE bad_rule AS ON UPDATE TO t WHERE old.a IS DISTINCT FROM new.a DO ALSO SELECT 1',
	'RULE bad_rule_action AS ON DELETE TO t DO ALSO SELECT count(*) FROM t JOIN s USING (a)',
	'TRIGGER bad_trigger BEFORE UPDATE ON s FOR EACH ROW WHEN (old.a IS DISTINCT FROM new.a) EXECUTE FUNCTION suppress_redundant_updates_trigger()',
	'TRIGGER fine_trigger BEFORE UPDATE ON s FOR EACH ROW WHEN (coalesce(old.a <> new.a, (old.a IS NULL) <> (new.a IS NULL))) EXECUTE FUNCTION suppress_redundant_updates_trigger()',
	q{POLICY bad_policy ON t USING (a IS DISTINCT FROM 'nvidia/t4')},
	q{POLICY bad_policy_check ON t WITH CHECK (nullif(a, 'nvidia/t4') IS NOT NULL)},
	q{TABLE bad_check (a accelerator CHECK (a IS DISTINCT FROM 'nvidia/t4'))},
	q{TABLE bad_default (a accelerator DEFAULT nullif('nvidia/t4'::accelerator, 'nvidia/l4'))},
	q{TABLE bad_generated (a accelerator, b boolean GENERATED ALWAYS AS (a IS DISTINCT FROM 'nvidia/t4') STORED)},
	q{TABLE bad_partitioned (a accelerator, n integer) PARTITION BY LIST ((a IS DISTINCT FROM 'nvidia/t4'))},
	q{TABLE fine_partitioned (a accelerator CHECK (a <> 'nvidia/t4')) PARTITION BY LIST (a)},
	q{TABLE fine_partition PARTITION OF fine_partitioned FOR VALUES IN ('nvidia/l4')},
	'INDEX bad_index ON t (nullif(a, b))',
	'INDEX bad_partial ON t (n) WHERE a IS DISTINCT FROM b',
	'INDEX fine_index ON t (a, u) WHERE a <> b',
	'STATISTICS bad_statistics ON n, (nullif(a, b)) FROM t',
	q{DOMAIN bad_domain AS accelerator CHECK (VALUE IS DISTINCT FROM 'nvidia/t4')},
	q{DOMAIN bad_domain_default AS accelerator DEFAULT nullif('nvidia/t4'::accelerator, 'nvidia/l4')},
	q{DOMAIN fine_domain AS accelerator DEFAULT 'nvidia/t4' CHECK (VALUE <> 'nvidia/l4')});

$node->safe_psql('original', "$path " . <<'SQL');
CREATE TABLE t (a accelerator, b accelerator, u compute_unit, n integer, x text);
INSERT INTO t VALUES ('nvidia/t4', 'nvidia/l4', '1 PFLOPh@bf16', 1, 'x'), ('nvidia/l4', 'nvidia/l4', '2 PFLOPh@bf16', 3, 'y'), ('nvidia/h100-sxm5-80gb', 'nvidia/l4', '3 PFLOPh@bf16', 4, NULL), (NULL, 'nvidia/l4', NULL, 5, 'z');
CREATE TABLE s AS SELECT a, u, n, x FROM t WHERE n <> 3;
INSERT INTO s VALUES ('nvidia/l4', '2 PFLOPh@bf16', NULL, 'y');
SQL
$node->safe_psql('original', "$path CREATE $_") for @objects;
$node->safe_psql('original', "$path CREATE TEMP VIEW bad_temporary AS SELECT a FROM t JOIN s USING (a); SELECT 1 / (count(*) = 0)::int FROM unrestorable_objects() WHERE object ~ 'temporary'");

# Which of them are in a database; an object that is part of another goes by the other's name.
my $there = q{SELECT DISTINCT n FROM (SELECT relname FROM pg_class UNION ALL SELECT proname FROM pg_proc UNION ALL SELECT rulename FROM pg_rewrite UNION ALL SELECT tgname FROM pg_trigger
	UNION ALL SELECT polname FROM pg_policy UNION ALL SELECT stxname FROM pg_statistic_ext UNION ALL SELECT typname FROM pg_type WHERE typtype = 'd') AS o (n) WHERE n ~ '^(bad|fine)_' ORDER BY 1};
my %made = map { $_ => 1 } split /\n/, $node->safe_psql('original', $there);
cmp_ok(scalar(grep { /^bad/ } keys %made), '>', 30, 'objects that should fail');
cmp_ok(scalar(grep { /^fine/ } keys %made), '>', 20, 'and objects that should not');

my $list = $node->safe_psql('original', 'SELECT type, object, construct, operator FROM compute_ledger.unrestorable_objects()');
note $list;
my %listed = map { /\b((?:bad|fine)_\w+?)(?:_(?:a_)?check)?\b(?!.*\bon )/ || /\b((?:bad|fine)_\w+)/; ($1 => 1) } map { (split /\|/)[1] } split /\n/, $list;

command_ok([ 'pg_dump', '-f', "$dir/dump.sql", $node->connstr('original') ], 'pg_dump');
# Restores a dump as far as it goes and returns what is there then.
sub restored
{
	my ($db, $sql) = @_;
	append_to_file("$dir/$db.sql", $sql);
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	run_log([ 'psql', '-Xq', '-v', 'VERBOSITY=terse', '-f', "$dir/$db.sql", $node->connstr($db) ], '>', \my $out, '2>', \my $err);
	return (join(' ', sort split /\n/, $node->safe_psql($db, $there)), $err);
}
my $dump = slurp_file("$dir/dump.sql");
my ($restored, $errors) = restored('copy', $dump);
my %restored = map { $_ => 1 } split / /, $restored;
my @lost = sort grep { !$restored{$_} } keys %made;
# a table of which only a policy, rule or default is lost is there, and so is a column's default
is("@lost", join(' ', sort grep { /^bad/ } keys %made), 'what is lost is what is called bad');
is(join(' ', sort keys %listed), "@lost", 'and what the function names');
unlike($errors, qr/fine_/, 'nothing else fails');

# As docs/administration.md has it: a dump that was made already.  A comparison of rows that begins with a column of ours
# says that all its operators are compute_ledger's.
my ($all, $left) = restored('mended', $dump =~ s/^SELECT pg_catalog.set_config\('search_path', '', false\);$/SELECT pg_catalog.set_config('search_path', 'compute_ledger', false);/mr);
is($all, join(' ', grep { !/_ours_first$/ } sort keys %made), 'nearly all of a dump is restored with a search_path');
unlike($left =~ s/^.*_ours_first.*$//mgr, qr/(?:bad|fine)_/, 'and nothing else fails');
is($node->safe_psql('mended', 'SELECT type, object, construct, operator FROM compute_ledger.unrestorable_objects()'), $list =~ s/^.*_ours_first.*\n//mgr, 'what is restored means the same');

# What to write instead says the same.
for my $view (qw(using using_two natural nested distinct same nullif case in less))
{
	my $sorted = sub { "$path SELECT coalesce(string_agg(v::text, E'\\n' ORDER BY v::text COLLATE \"C\"), '') FROM $_[0]_$view AS v" };
	is($node->safe_psql('copy', $sorted->('fine')), $node->safe_psql('original', $sorted->('bad')), "instead of bad_$view: fine_$view");
}

$node->stop;
done_testing();
