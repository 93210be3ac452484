# What a backend keeps of the tables of names is what its snapshot sees in them, whoever changes them and however:
# each way is tried while sessions have the tables in memory, and in the end many at random, against SQL.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('kept');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "max_prepared_transactions = 10\nautovacuum = off\nsearch_path = 'public, compute_ledger'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');

# Five chips of each kind, of which rows may come and go: by an alias, by a word and by an instance type.
my $made = q{
	CREATE VIEW taught AS
	SELECT n, (SELECT accelerator FROM accelerator_alias WHERE alias = 'kept alias ' || n AND upper_inf(recorded)) AS alias,
		(SELECT meaning::accelerator FROM accelerator_word WHERE word = 'keptword' || chr(96 + n) AND upper_inf(recorded)) AS word,
		(SELECT accelerator FROM accelerator_instance WHERE sku = 'kept.' || n || 'xlarge' AND upper_inf(recorded)) AS instance
	FROM generate_series(1, 5) AS n;
	-- the first names of a statement are looked up one by one, for the others the whole table is read
	CREATE VIEW answered_singly AS
	SELECT n, identify('Kept Alias ' || n) AS alias, identify('keptword' || chr(96 + n)) AS word, (identify_instance('Kept.' || n || 'xlarge')).accelerator AS instance
	FROM generate_series(1, 5) AS n;
	CREATE VIEW answered AS
	WITH a AS MATERIALIZED (
		SELECT n, identify('Kept Alias ' || n) AS alias, identify('keptword' || chr(96 + n)) AS word, (identify_instance('Kept.' || n || 'xlarge')).accelerator AS instance
		FROM generate_series(-20, 5) AS n)
	SELECT * FROM a WHERE n > 0;
};
$node->safe_psql('postgres', $made);

# A session that has the tables in memory.
sub session
{
	my ($at, $db) = @_;
	my $session = $at->background_psql($db // 'postgres', on_error_stop => 0);
	$session->set_query_timer_restart();    # the time limit is each query's
	$session->query(q{SELECT count(identify('never met ' || n)) FROM generate_series(1, 40) AS n});
	return $session;
}

# Says what a session answers that the tables do not say to it, in one statement; it has the tables in memory before and after.
sub wrong
{
	my ($session) = @_;
	return $session->query(q{SELECT s, a, t FROM answered_singly AS s JOIN answered AS a USING (n) JOIN taught AS t USING (n)
		WHERE (s.alias, s.word, s.instance) IS DISTINCT FROM (t.alias, t.word, t.instance) OR (a.alias, a.word, a.instance) IS DISTINCT FROM (t.alias, t.word, t.instance)});
}

# Says what a session answers for one chip: alias, word, instance type.
sub answer
{
	my ($session, $n) = @_;
	return $session->query("SELECT alias, word, instance FROM answered WHERE n = $n");
}

sub teach
{
	my ($n, $chip) = @_;
	return "INSERT INTO accelerator_alias (alias, accelerator) VALUES ('kept alias $n', '$chip'); INSERT INTO accelerator_word (kind, word, meaning) VALUES ('model', 'keptword' || chr(96 + $n), '$chip');"
	  . " INSERT INTO accelerator_instance (sku, provider, accelerator, devices) VALUES ('kept.${n}xlarge', 'kept', '$chip', 1);";
}

sub change
{
	my ($n, $chip) = @_;
	return "UPDATE accelerator_alias SET accelerator = '$chip' WHERE alias = 'kept alias $n' AND upper_inf(recorded); UPDATE accelerator_word SET meaning = '$chip' WHERE word = 'keptword' || chr(96 + $n) AND upper_inf(recorded);"
	  . " UPDATE accelerator_instance SET accelerator = '$chip' WHERE sku = 'kept.${n}xlarge' AND upper_inf(recorded);";
}

sub forget
{
	my ($n) = @_;
	return "DELETE FROM accelerator_alias WHERE alias = 'kept alias $n' AND upper_inf(recorded); DELETE FROM accelerator_word WHERE word = 'keptword' || chr(96 + $n) AND upper_inf(recorded);"
	  . " DELETE FROM accelerator_instance WHERE sku = 'kept.${n}xlarge' AND upper_inf(recorded);";
}

my $one = session($node);
my $two = session($node);
my $none = '||';
my ($l4, $t4, $a30) = map { "$_|$_|$_" } 'nvidia/l4', 'nvidia/t4', 'nvidia/a30';

# ------------------------------------------------------------------ kept, and for how long
is(answer($one, 1), $none, 'nothing is taught yet');
my $reads = q{SELECT sum(seq_scan + coalesce(idx_scan, 0)) FROM pg_stat_xact_user_tables WHERE schemaname = 'compute_ledger'};
is($one->query(qq{BEGIN; CREATE TEMP TABLE before AS $reads; SELECT count(identify('met first ' || n)) FROM generate_series(1, 40) AS n; SELECT ($reads) - sum FROM before; ROLLBACK}), "0\n0", 'another statement reads no table');
is($one->query(q{SELECT string_agg(DISTINCT ident, ' ' ORDER BY ident) FILTER (WHERE ident ~ '_(alias|word|variant|instance)$'), count(*) - count(DISTINCT ident) FROM pg_backend_memory_contexts WHERE name = 'compute_ledger names'}),
	'accelerator_alias accelerator_instance accelerator_variant accelerator_word|0', 'each table is kept, once');

# ------------------------------------------------------------------ what others commit
$node->safe_psql('postgres', teach(1, 'nvidia/l4'));
is(answer($one, 1), $l4, 'rows of another\'s');
$node->safe_psql('postgres', change(1, 'nvidia/t4'));
is(answer($one, 1), $t4, 'changed');
$node->safe_psql('postgres', 'BEGIN;' . change(1, 'nvidia/a30') . 'ROLLBACK');
is(answer($one, 1), $t4, 'changed, and rolled back');
$one->query('BEGIN');
is(answer($one, 1), $t4, 'in a READ COMMITTED transaction');
$node->safe_psql('postgres', forget(1));
is(answer($one, 1), $none, 'what is committed meanwhile is seen');
$one->query('COMMIT');
is(answer($two, 1), $none, 'by a session that had not asked meanwhile, too');
$one->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
is(answer($one, 1), $none, 'in a REPEATABLE READ transaction');
$node->safe_psql('postgres', teach(1, 'nvidia/l4'));
is(answer($one, 1), $none, 'it is not');
is(wrong($one), '', 'the tables say the same');
is(answer($two, 1), $l4, 'others see it');
$one->query('COMMIT');
is(answer($one, 1), $l4, 'and it does, afterwards');

# A cursor's snapshot is older than that of the statements beside it.
$one->query(q{BEGIN; DECLARE c CURSOR FOR SELECT identify('kept alias 2'), identify('keptwordb' || left('', n)), (identify_instance('kept.2xlarge')).accelerator FROM generate_series(1, 5) AS n});
is($one->query('FETCH c'), $none, 'a cursor');
$node->safe_psql('postgres', teach(2, 'nvidia/t4'));
is($one->query('FETCH c'), $none, 'does not see what came later');
is(answer($one, 2), $t4, 'a statement beside it does');
is($one->query('FETCH c'), $none, 'the cursor still does not');
is(answer($one, 2), $t4, 'and the statement still does');
$one->query('COMMIT');
$one->query(q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1});
my $snapshot = $one->query('SELECT pg_export_snapshot()');
$node->safe_psql('postgres', change(2, 'nvidia/a30'));
is(answer($two, 2), $a30, 'a session is up to date');
$two->query("BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '$snapshot'");
is(answer($two, 2), $t4, 'and takes an older snapshot');
$_->query('COMMIT') for $one, $two;
is(answer($two, 2), $a30, 'and gives it back');

# ------------------------------------------------------------------ one's own
$one->query('BEGIN');
$one->query(change(2, 'nvidia/l4'));
is(answer($one, 2), $l4, 'one\'s own change');
is(answer($two, 2), $a30, 'is not others\'');
$one->query('SAVEPOINT s');
$one->query(change(2, 'nvidia/t4'));
is(answer($one, 2), $t4, 'another after a savepoint');
$one->query('ROLLBACK TO s');
is(answer($one, 2), $l4, 'is taken back');
$one->query(forget(2));
is(answer($one, 2), $none, 'deleted');
$one->query('ROLLBACK');
is(answer($one, 2), $a30, 'and all rolled back');
is($one->query(q{DO $$
	BEGIN
		FOR i IN 1 .. 3 LOOP
			BEGIN
				INSERT INTO accelerator_alias (alias, accelerator) VALUES ('kept alias 3', 'nvidia/l4');
				ASSERT identify('kept alias 3') = 'nvidia/l4';
				RAISE division_by_zero;
			EXCEPTION WHEN division_by_zero THEN
				ASSERT identify('kept alias 3') IS NULL;
			END;
		END LOOP;
	END
	$$; SELECT 'done'}), 'done', 'in a block with an exception');
# A volatile function sees what the statement that calls it has written so far.
is($one->query(q{BEGIN;
	CREATE FUNCTION asks(n int) RETURNS text LANGUAGE plpgsql VOLATILE AS $$BEGIN PERFORM identify('met before ' || i || n) FROM generate_series(1, 30) AS i; RETURN coalesce(identify('kept alias ' || n)::text, '-'); END$$;
	INSERT INTO accelerator_alias (alias, accelerator, source) SELECT 'kept alias ' || n, 'nvidia/l4', asks(n - 1) FROM generate_series(3, 5) AS n;
	SELECT string_agg(source, ' ' ORDER BY alias) FROM accelerator_alias WHERE alias LIKE 'kept alias%' AND alias > 'kept alias 3'; ROLLBACK}), 'nvidia/l4 nvidia/l4', 'within a statement');
is(wrong($one), '', 'nothing is left of it');

# ------------------------------------------------------------------ two phases
$node->safe_psql('postgres', 'BEGIN;' . teach(3, 'nvidia/l4') . q{PREPARE TRANSACTION 'kept'});
is(answer($one, 3), $none, 'a prepared transaction');
$node->safe_psql('postgres', q{COMMIT PREPARED 'kept'});
is(answer($one, 3), $l4, 'is committed');

# ------------------------------------------------------------------ whatever fires no trigger
my $replica = 'SET session_replication_role = replica;';
$node->safe_psql('postgres', $replica . change(3, 'nvidia/t4'));
is(answer($one, 3), $t4, 'changed as a replica');
$node->safe_psql('postgres', 'BEGIN; ALTER TABLE accelerator_alias DISABLE TRIGGER ALL; ' . change(3, 'nvidia/a30') . 'ALTER TABLE accelerator_alias ENABLE TRIGGER ALL; COMMIT');
is(answer($one, 3), $a30, 'changed without triggers');
$node->safe_psql('postgres', q{COPY accelerator_alias (alias, accelerator) FROM STDIN;
kept alias 4	nvidia/l4
\.
});
is(answer($one, 4), 'nvidia/l4||', 'copied');
$node->safe_psql('postgres', forget(4));
is(answer($one, 4), $none, 'and deleted');
$node->safe_psql('postgres', q{INSERT INTO accelerator_alias (alias, accelerator) SELECT 'kept many ' || n, 'nvidia/l4' FROM generate_series(1, 3000) AS n});
is($one->query(q{SELECT count(identify('kept many ' || n)) FROM generate_series(1, 3000) AS n}), 3000, 'so many that the table grows');
$node->safe_psql('postgres', q{DELETE FROM accelerator_alias WHERE alias LIKE 'kept many%' AND upper_inf(recorded)});
$node->safe_psql('postgres', "VACUUM $_; VACUUM (FREEZE) $_; ALTER TABLE $_ SET (fillfactor = 50); VACUUM FULL $_") for qw(accelerator_alias accelerator_word accelerator_variant accelerator_instance);
is(wrong($_), '', 'after VACUUM, FREEZE and FULL') for $one, $two;
$node->safe_psql('postgres', "$replica BEGIN; CREATE TEMP TABLE t AS SELECT * FROM accelerator_alias; TRUNCATE accelerator_alias; INSERT INTO accelerator_alias SELECT * FROM t WHERE NOT (alias LIKE 'kept%'); COMMIT");
is(answer($one, 3), '|nvidia/a30|nvidia/a30', 'truncated and loaded again');
$node->safe_psql('postgres', "$replica BEGIN; TRUNCATE accelerator_alias; ROLLBACK");
is(wrong($_), '', 'truncated and rolled back') for $one, $two;
is($one->query("$replica BEGIN; SAVEPOINT s; TRUNCATE accelerator_word; SELECT identify('H100 PCIe') IS NULL; ROLLBACK TO s; SELECT identify('H100 PCIe') IS NULL; COMMIT; RESET session_replication_role"), "t\nf", 'one\'s own TRUNCATE');
$node->safe_psql('postgres', q{CREATE TABLE heir () INHERITS (accelerator_alias); INSERT INTO heir (alias, accelerator) VALUES ('kept alias 5', 'nvidia/l4')});
is(answer($one, 5), 'nvidia/l4||', 'a table that inherits');
$node->safe_psql('postgres', q{UPDATE heir SET accelerator = 'nvidia/t4'});
is(answer($one, 5), 'nvidia/t4||', 'changed');
# PostgreSQL notices with the next ANALYZE that there is no heir any more
$node->safe_psql('postgres', 'DROP TABLE heir; ANALYZE accelerator_alias');
is($node->safe_psql('postgres', q{SELECT relhassubclass FROM pg_class WHERE relname = 'accelerator_alias'}), 'f', 'without heirs');
is(answer($one, 5), $none, 'and dropped');

# Into pages that are kept nearly empty, a row opens a new page and changes no other.
$node->safe_psql('postgres', 'ALTER TABLE accelerator_alias SET (fillfactor = 10)');
$node->safe_psql('postgres', 'VACUUM FULL accelerator_alias');
for my $n (1 .. 40)
{
	my $known = $one->query(qq{SELECT count(identify('kept page ' || n)) FROM (SELECT generate_series(901, 920) UNION ALL SELECT generate_series(1, 40)) AS s (n)});
	fail("$known of " . ($n - 1) . ' names in new pages') if $known != $n - 1;
	$node->safe_psql('postgres', "INSERT INTO accelerator_alias (alias, accelerator) VALUES ('kept page $n', 'nvidia/l4')");
}
pass('names in new pages');
$node->safe_psql('postgres', q{DELETE FROM accelerator_alias WHERE alias LIKE 'kept page%' AND upper_inf(recorded); ALTER TABLE accelerator_alias RESET (fillfactor)});

# ------------------------------------------------------------------ who may not read, and who reads a part
$node->safe_psql('postgres', 'CREATE ROLE guest; GRANT SELECT ON answered TO guest; REVOKE SELECT ON accelerator_word FROM PUBLIC');
$one->query('SET ROLE guest');
is(answer($one, 3), '', 'who may not read a table');
like($one->{stderr}, qr/permission denied for table accelerator_word/, 'is refused, though it is in memory');
$one->{stderr} = '';
$one->query('RESET ROLE');
is(answer($one, 3), '|nvidia/a30|nvidia/a30', 'others are not');
$node->safe_psql('postgres', q{CREATE FUNCTION owners_word() RETURNS text STABLE SECURITY DEFINER LANGUAGE plpgsql AS $$BEGIN RETURN identify('keptwordc'); END$$});
$one->query('SET ROLE guest');
is($one->query('SELECT owners_word()'), 'nvidia/a30', 'for the owner, in a function');
is($one->query(q{SELECT owners_word(), identify('keptwordc')}), '', 'and beside it, in one statement, for the guest');
like($one->{stderr}, qr/permission denied for table accelerator_word/, 'refused again');
$one->{stderr} = '';
$one->query('RESET ROLE');
$node->safe_psql('postgres', q{GRANT SELECT ON accelerator_word TO PUBLIC; ALTER TABLE accelerator_instance ENABLE ROW LEVEL SECURITY; CREATE POLICY others ON accelerator_instance TO guest USING (provider <> 'kept')});
is(answer($one, 3), '|nvidia/a30|nvidia/a30', 'who is above a policy');
$one->query('SET ROLE guest');
is(answer($one, 3), '|nvidia/a30|', 'who is under it');
is($one->query('SELECT (identify_instance($$p4d.24xlarge$$)).devices'), '8', 'sees the rest');
$one->query('RESET ROLE');
is(answer($one, 3), '|nvidia/a30|nvidia/a30', 'above it again');
# what a policy sees may change within a transaction that writes nothing
$node->safe_psql('postgres', q{CREATE POLICY tenant ON accelerator_instance AS RESTRICTIVE TO guest USING (provider <> 'kept' OR current_setting('kept.tenant', true) = 'a')});
$node->safe_psql('postgres', q{DROP POLICY others ON accelerator_instance; CREATE POLICY others ON accelerator_instance TO guest USING (true)});
$one->query('SET ROLE guest; BEGIN');
is($one->query(q{SET LOCAL kept.tenant = 'a'}) . answer($one, 3), '|nvidia/a30|nvidia/a30', 'a tenant sees its row');
is($one->query(q{SET LOCAL kept.tenant = 'b'}) . answer($one, 3), '|nvidia/a30|', 'and another one does not, in one transaction');
$one->query('COMMIT; RESET ROLE');
$node->safe_psql('postgres', 'DROP POLICY tenant ON accelerator_instance');
$node->safe_psql('postgres', 'DROP POLICY others ON accelerator_instance; ALTER TABLE accelerator_instance DISABLE ROW LEVEL SECURITY; REVOKE ALL ON answered FROM guest; DROP ROLE guest');

# ------------------------------------------------------------------ SERIALIZABLE
# Each asks for what the other teaches: in no order could both have seen nothing.
answer($_, 4) for $one, $two;
$_->query('BEGIN ISOLATION LEVEL SERIALIZABLE') for $one, $two;
is(answer($one, 4) . answer($two, 5), "$none$none", 'two transactions ask');
$one->query(q{INSERT INTO accelerator_alias (alias, accelerator) VALUES ('kept alias 5', 'nvidia/l4'); COMMIT});
$two->query(q{INSERT INTO accelerator_alias (alias, accelerator) VALUES ('kept alias 4', 'nvidia/l4'); COMMIT});
like($two->{stderr}, qr/could not serialize access/, 'and one of them fails');
$_->{stderr} = '' for $one, $two;
$_->query('ROLLBACK') for $one, $two;
is(wrong($_), '', 'after that') for $one, $two;
$node->safe_psql('postgres', forget($_)) for 1 .. 5;

# ------------------------------------------------------------------ a restore, a standby, a subscription
$node->safe_psql('postgres', 'CREATE DATABASE target');
$node->safe_psql('target', "CREATE EXTENSION compute_ledger; SET search_path = public, compute_ledger; $made");
my $third = session($node, 'target');
is(answer($third, 1), $none, 'before a restore');
$node->safe_psql('postgres', teach(1, 'nvidia/l4'));
my $dump = PostgreSQL::Test::Utils::tempdir . '/kept.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, 'postgres' ], 'dump');
$node->safe_psql('target', 'DROP EXTENSION compute_ledger CASCADE; DROP SCHEMA compute_ledger');
is($third->query(q{SELECT 1 FROM pg_proc WHERE proname = 'identify'}), '', 'without the extension');
my (undef, $err) = run_command([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('target'), '-f', $dump, '-o', '/dev/null' ]);
is($err, '', 'restore');
is(answer($third, 1), $l4, 'after it');
$third->quit;

$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
my $there = session($standby);
is(answer($there, 1), $l4, 'on a standby');
$node->safe_psql('postgres', change(1, 'nvidia/t4'));
$node->wait_for_catchup($standby);
is(answer($there, 1), $t4, 'what arrives is seen');
$there->quit;
$standby->stop;

my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\n");
$subscriber->start;
$subscriber->safe_psql('postgres', "CREATE EXTENSION compute_ledger; SET search_path = public, compute_ledger; $made");
$there = session($subscriber);
is(answer($there, 1), $none, 'on a subscriber');
my @tables = qw(accelerator_alias accelerator_word accelerator_variant accelerator_instance);
$node->safe_psql('postgres', 'CREATE PUBLICATION names FOR TABLE ' . join ', ', map { "$_ WHERE (NOT shipped)" } @tables);
(my $connection = $node->connstr('postgres')) =~ s{'}{''}g;
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION names CONNECTION '$connection' PUBLICATION names");
$subscriber->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')}) or die 'not in sync';
is(answer($there, 1), $t4, 'what is there first arrives');
$node->safe_psql('postgres', change(1, 'nvidia/a30') . teach(2, 'nvidia/l4'));
$node->wait_for_catchup('names');
is(answer($there, 1), $a30, 'what is changed');
is(answer($there, 2), $l4, 'and what comes later');
$node->safe_psql('postgres', forget(1));
$node->wait_for_catchup('names');
is(answer($there, 1), $none, 'and what goes');
is(wrong($there), '', 'by the tables, too');
$there->quit;
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION names');
$subscriber->stop;

# Without WAL for new files, pages have no LSN: then another file tells.
my $minimal = PostgreSQL::Test::Cluster->new('minimal');
$minimal->init;
$minimal->append_conf('postgresql.conf', "wal_level = minimal\nmax_wal_senders = 0\nwal_skip_threshold = 0\nautovacuum = off\nsearch_path = 'public, compute_ledger'\n");
$minimal->start;
$minimal->safe_psql('postgres', "CREATE EXTENSION compute_ledger; SET search_path = public, compute_ledger; $made");
$there = session($minimal);
for my $chip (qw(nvidia/l4 nvidia/t4 nvidia/a30))
{
	$minimal->safe_psql('postgres', "$replica BEGIN; TRUNCATE accelerator_alias; INSERT INTO accelerator_alias (alias, accelerator) VALUES ('kept alias 1', '$chip'); COMMIT");
	is(answer($there, 1), "$chip||", "a file without WAL, $chip");
}
$there->query("$replica BEGIN; TRUNCATE accelerator_alias; COPY accelerator_alias (alias, accelerator) FROM PROGRAM 'echo kept alias 1,nvidia/l4' (FORMAT csv, FREEZE)");
is(answer($there, 1), 'nvidia/l4||', 'copied, and frozen at once');
$there->query('DELETE FROM accelerator_alias');
is(answer($there, 1), $none, 'and deleted by the same transaction');
for my $chip (qw(nvidia/l4 nvidia/t4))
{
	$there->query("DELETE FROM accelerator_alias; INSERT INTO accelerator_alias (alias, accelerator) VALUES ('kept alias 1', '$chip')");
	is(answer($there, 1), "$chip||", "one\'s own, $chip");
}
$there->query('ROLLBACK');
is(answer($there, 1), 'nvidia/a30||', 'rolled back');
$there->quit;
$minimal->stop;

# ------------------------------------------------------------------ at random
# Three sessions do anything in any order, each with names of its own, so that none waits for another.
my $seed = 20261130;
sub dice { $seed = ($seed * 1103515245 + 12345) & 0x7fffffff; return ($seed >> 8) % $_[0]; }
$node->safe_psql('postgres', forget($_)) for 1 .. 5;
my @sessions = map { { psql => $_, level => 0 } } $one, $two, session($node);
my @chips = qw(nvidia/l4 nvidia/t4 nvidia/a30 nvidia/a40);
my ($asked, @wrong) = (0);

# Says whether a session has got an error, and ends its transaction then: a serialization failure is no fault.
sub failed
{
	my ($s, $step) = @_;
	my $err = $s->{psql}->{stderr};
	$s->{psql}->{stderr} = '';
	return 0 if $err !~ /ERROR/;
	push @wrong, "$step: $err" if $err !~ /could not serialize access/;
	$s->{psql}->query('ROLLBACK');
	$s->{psql}->{stderr} = '';
	$s->{level} = 0;
	return 1;
}
for my $step (1 .. 800)
{
	my $i = dice(scalar @sessions);
	my $s = $sessions[$i];
	my $n = $i + 1;
	my $chip = $chips[ dice(scalar @chips) ];
	my $what = dice(12);
	my $sql =
		$what < 4 ? ''
		: $what == 4 ? forget($n) . teach($n, $chip)
		: $what == 5 ? change($n, $chip)
		: $what == 6 ? forget($n)
		: $what == 7 && !$s->{level} ? 'BEGIN ISOLATION LEVEL ' . ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')[ dice(3) ]
		: $what == 7 ? "SAVEPOINT s$s->{level}"
		: $what == 8 && $s->{level} > 1 ? 'ROLLBACK TO s' . ($s->{level} - 1)
		: $what == 9 && $s->{level} > 1 ? 'RELEASE s' . ($s->{level} - 1)
		: $what == 10 && $s->{level} ? 'COMMIT'
		: $what == 11 && $s->{level} ? 'ROLLBACK'
		: $what == 10 ? (map { "VACUUM $_" } @tables)[ dice(scalar @tables) ] : '';
	$s->{level} = $sql =~ /^(COMMIT|ROLLBACK)$/ ? 0 : $s->{level} + ($sql =~ /^(BEGIN|SAVEPOINT)/ ? 1 : $sql =~ /^RELEASE/ ? -1 : 0);
	$s->{psql}->query($sql) if $sql ne '';
	next if failed($s, $step);
	my $differs = wrong($s->{psql});
	next if failed($s, $step);
	$asked++;
	push @wrong, "$step: $sql: $differs" if $differs ne '';
}
is(join("\n", @wrong), '', "sessions answer what the tables say to them, $asked times");
cmp_ok($asked, '>', 600, 'most of the time');
$_->{psql}->quit for @sessions;
$node->stop;
done_testing();
