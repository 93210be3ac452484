# Closing periods while others record: who is waited for and for how long, and a load of writers beside which every
# closing goes through and nothing is lost.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{LEDGER_CLOSING_SECONDS} || 6;
my $node = PostgreSQL::Test::Cluster->new('closing');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nmax_prepared_transactions = 4\nfsync = off\njit = off\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_region('r');
	INSERT INTO price (accelerator, currency, price) VALUES ('any', 'USD', 2);
	CREATE ROLE "some meter" LOGIN;
	SELECT grant_access('some meter', 'meter');
});

# Returns SQLSTATE, seconds and all that is said of a statement; each is a transaction of its own.
sub try_sql
{
	my ($sql) = @_;
	my $began = time;
	my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql");
	my ($state) = $err =~ /ERROR:  (\w{5}):/;
	return ($state // '00000', time - $began, "$out$err");
}

# ------------------------------------------------------------------ who is waited for
# A period of a day that is over in a few seconds.  What is recorded before is of writers that a closing needs.
$node->safe_psql('postgres', q{
	INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('edge', clock_timestamp() AT TIME ZONE 'UTC' + interval '6 seconds' - interval '1100 days', 'UTC', '1 day');
	SELECT create_account('edge', currency => 'USD', calendar => 'edge');
	SELECT generate_billing_periods(NULL, clock_timestamp() + interval '3 days');
	CREATE TABLE edge AS SELECT b.* FROM billing_period AS b JOIN billing_calendar AS c ON c.id = b.calendar WHERE c.name = 'edge' AND b.period @> clock_timestamp();
	SELECT _make_usage_partition((starts_at AT TIME ZONE 'UTC')::date) FROM edge;	-- who waits for another to make it is no writer yet
	GRANT SELECT ON edge TO "some meter"});
my $close = q{SELECT close_period('edge', (SELECT period FROM edge), wait => '%s')};
my $use = q{record_usage('%s', '1', 'edge', 'r', 'H100', 1, (SELECT starts_at FROM edge), (SELECT starts_at + interval '1 hour' FROM edge))};
$node->safe_psql('postgres', sprintf "BEGIN; SELECT $use; PREPARE TRANSACTION 'somebody''s gid'", 'prepared');
my $script = $node->basedir . '/writer.sql';
append_to_file($script, sprintf qq{SET application_name = 'writer';\nBEGIN;\nSELECT $use;\n\\! sleep 14\nCOMMIT;\n}, 'open');
my $said = '';
my $writer = IPC::Run::start([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-U', 'some meter', '-d', $node->connstr('postgres'), '-f', $script ], '>', \$said, '2>&1');
my ($state, $took, $text) = try_sql(sprintf $close, '10 seconds');
is($state, 'LC011', 'a period that is not over is not closed') or diag $text;
cmp_ok($took, '<', 3, '... and nobody waits for its end');
$node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM ledger_writers()}) or diag $said;
my ($pid) = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE application_name = 'writer'});
is($node->safe_psql('postgres', 'SELECT pid, gid, role FROM ledger_writers() ORDER BY since'), "|somebody's gid|" . $node->safe_psql('postgres', 'SELECT current_user') . "\n$pid||some meter", 'who writes');
# one that has recorded something itself before the end
my $own = $node->basedir . '/own.sql';
append_to_file($own, q{\set VERBOSITY verbose
BEGIN; SELECT ledger_stamp() IS NOT NULL; SELECT pg_sleep(extract(epoch FROM ends_at - clock_timestamp()) + 0.01) FROM edge; SELECT close_period('edge', (SELECT period FROM edge), wait => '100 ms'); COMMIT;});
my $own_said = '';
IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', $own ], '>', \$own_said, '2>&1');
like($own_said, qr/55P03.*gid/s, 'a transaction that has recorded something waits for others all the same');
is($node->safe_psql('postgres', 'SELECT clock_timestamp() >= ends_at FROM edge'), 't', 'it is over now');
($state, $took, $text) = try_sql(sprintf $close, '300 milliseconds');
is($state, '55P03', 'it waits for a writer that may have recorded something before its end') or diag $text;
cmp_ok($took, '>=', 0.3, '... for as long as it was told');
like($text, qr/running since .*prepared transaction 'somebody''s gid' of role/s, '... and says whose it is');
is($node->safe_psql('postgres', 'SELECT count(*) FROM ledger_writers()'), 2, 'who waits is no writer');
($state, $took, $text) = try_sql("SELECT mark_watermark(); BEGIN ISOLATION LEVEL REPEATABLE READ; " . sprintf $close, '1 minute');
is($state, 'LC011', 'with one snapshot there is nothing to wait for') or diag $text;
like($text, qr/READ COMMITTED/, '... and it says so');
cmp_ok($took, '<', 10, '... at once');
$node->safe_psql('postgres', "COMMIT PREPARED 'somebody''s gid'");
($state, $took, $text) = try_sql(sprintf $close, '0');
is($state, '55P03', 'without waiting') or diag $text;
like($text, qr/process $pid, role "some meter"/, '... it says which session, and of which role');
is($node->safe_psql('postgres', 'SELECT count(*) FROM period_close'), 0, 'nothing is closed');
# a writer that began after the end of the period is not waited for
$node->safe_psql('postgres', q{BEGIN; SELECT ledger_stamp(); PREPARE TRANSACTION 'later'});
($state, $took, $text) = try_sql(sprintf $close, '1 minute');
is($state, '00000', 'it closes as soon as the writer has ended') or diag $text;
$writer->finish;
unlike($said, qr/ERROR|FATAL/, 'which nobody disturbed') or diag $said;
is($node->safe_psql('postgres', 'SELECT sum(cost) FROM charge WHERE corrects IS NULL') + 0, 4, 'with all that was recorded before the end of the period');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'later'});
# own records alone: from before the end
$node->safe_psql('postgres', q{
	INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('edge2', clock_timestamp() AT TIME ZONE 'UTC' + interval '2 seconds' - interval '1100 days', 'UTC', '1 day');
	SELECT create_account('edge2', currency => 'USD', calendar => 'edge2');
	SELECT generate_billing_periods(NULL, clock_timestamp() + interval '3 days');
	DELETE FROM edge;
	INSERT INTO edge SELECT b.* FROM billing_period AS b JOIN billing_calendar AS c ON c.id = b.calendar WHERE c.name = 'edge2' AND b.period @> clock_timestamp()});
($state, $took, $text) = try_sql(q{BEGIN; SELECT ledger_stamp() IS NOT NULL; SELECT pg_sleep(extract(epoch FROM ends_at - clock_timestamp()) + 0.01) FROM edge; SELECT close_period('edge2', (SELECT period FROM edge)); COMMIT});
is($state, 'LC011', 'a transaction that began to record before the end of the period does not close it') or diag $text;
like($text, qr/Commit, and close it/, '... and says what to do');
is((try_sql(q{SELECT close_period('edge2', (SELECT period FROM edge))}))[0], '00000', 'another does');

# ------------------------------------------------------------------ a load of writers
$node->safe_psql('postgres', q{
	SELECT create_account('c' || i, currency => 'USD') FROM generate_series(0, 11) AS i;
	SELECT generate_billing_periods(NULL, '2026-02-01');
	-- closes the first period from 2024 on that is not closed
	CREATE FUNCTION close_next(n int) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		next tstzrange;
	BEGIN
		SELECT b.period INTO next
		FROM account AS a JOIN billing_calendar AS c ON c.name = 'month/UTC' JOIN billing_period AS b ON b.calendar = c.id
		WHERE a.name = 'c' || n AND b.starts_at >= '2024-01-01' AND b.ends_at <= '2026-01-01'
			AND NOT EXISTS (SELECT FROM period_close AS p WHERE p.payer = a.id AND p.billing_period = b.id)
		ORDER BY b.starts_at LIMIT 1;
		RETURN CASE WHEN next IS NOT NULL THEN close_period('c' || n, next) END;
	END
	$$;
	CREATE FUNCTION write(source text, n int) RETURNS bigint LANGUAGE sql AS $$
		SELECT record_usage(source, gen_random_uuid()::text, 'c' || n, 'r', (ARRAY['H100', 'A100', 'L4'])[n % 3 + 1], n % 4 + 1, t, t + interval '1 minute' * (n * 17 + 1))
		FROM (SELECT timestamptz '2024-01-01Z' + interval '1 second' * floor(random() * 60000000) AS t) AS x
	$$});
my $folder = PostgreSQL::Test::Utils::tempdir();
my %script = (
	short => 'SELECT write(\'s:client_id\', (random() * 11)::int);',
	long => 'BEGIN; SELECT write(\'s:client_id\', (random() * 11)::int); SELECT pg_sleep(random() * 0.3); SELECT write(\'s:client_id\', (random() * 11)::int); END;',
	aborted => 'BEGIN; SELECT write(\'s:client_id\', (random() * 11)::int); SELECT pg_sleep(random() * 0.1); ROLLBACK;',
	# of the accounts that only this client closes
	one => 'SELECT close_next((random() * 5)::int * 2 + :client_id);',
	two => 'BEGIN; SELECT close_next((random() * 5)::int * 2 + :client_id); SELECT pg_sleep(random() * 0.1); SELECT close_next((random() * 5)::int * 2 + :client_id); END;',
	both => 'BEGIN; SELECT write(\'b:client_id\', :client_id); SELECT close_next(:client_id); SELECT write(\'b:client_id\', :client_id); END;',
);
for (keys %script)
{
	(my $lines = $script{$_}) =~ s/; */;\n/g;
	append_to_file("$folder/$_.sql", $lines);
}
my ($writers, $closers) = ('', '');
my @load = map { my ($clients, $said, @files) = @$_;
	IPC::Run::start([ 'pgbench', '-n', '-c', $clients, '-j', 1, '-T', $seconds, map({ ('-f', "$folder/$_.sql") } @files), $node->connstr('postgres') ], '>', $said, '2>&1') }
	[ 8, \$writers, qw(short long aborted) ], [ 2, \$closers, qw(one two both) ];
$_->finish for @load;
for ([ 'writers', $writers ], [ 'closings', $closers ])
{
	like($_->[1], qr/number of failed transactions: 0 /, "no fault of $_->[0]");
	unlike($_->[1], qr/ERROR|aborted in command/, "... at all") or diag $_->[1];
	note "$_->[0]: $1 transactions" if $_->[1] =~ /transactions actually processed: (\d+)/;
}
my ($closings, $records, $corrections) = split /\|/, $node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM period_close), (SELECT count(*) FROM usage_record), (SELECT count(*) FROM charge WHERE corrects IS NOT NULL)});
cmp_ok($closings, '>', 10, "$closings closings");
cmp_ok($records, '>', 20, "beside $records records");
is($node->safe_psql('postgres', 'SELECT check_name, object, detail FROM check_ledger()'), '', 'check_ledger() finds nothing');
# With a last closing of everybody, all that was used in closed periods is billed, and once.
$node->safe_psql('postgres', q{SELECT count(close_next(i)) FROM generate_series(0, 11) AS i, generate_series(1, 24); SELECT count(close_period('c' || i, '[2026-01-01Z,2026-02-01Z)')) FROM generate_series(0, 11) AS i});
is($node->safe_psql('postgres', q{SELECT count(*) FROM rate_corrections(NULL)}), 0, 'in the end nothing is to be corrected');
is($node->safe_psql('postgres', q{SELECT (SELECT sum(cost) FROM charge WHERE billing_period IN (SELECT id FROM billing_period WHERE starts_at >= '2024-01-01' AND ends_at <= '2026-02-01'))
	= (SELECT sum(cost) FROM rate_usage(NULL, '[2024-01-01Z,2026-02-01Z)'))}), 't', 'all that was used is billed, and once');
is($node->safe_psql('postgres', q{SELECT count(*) FROM usage_record AS r JOIN account AS a ON a.id = r.account WHERE a.name ~ '^c'}) > 0, 1, 'there is some');

$node->stop;
done_testing();
