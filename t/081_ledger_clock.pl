# Recorded time under load: many writers, some of which give up or are prepared, and bills made meanwhile.  No bill
# changes afterwards, and none lags behind what was committed before the first writer that is still in flight.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{LEDGER_CLOCK_SECONDS} || 4;
my $node = PostgreSQL::Test::Cluster->new('ledger_clock');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 20\nmax_connections = 40\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION compute_ledger;
	SELECT compute_ledger.create_ledger();
	CREATE TABLE writes (n bigint GENERATED ALWAYS AS IDENTITY, recorded timestamptz NOT NULL DEFAULT compute_ledger.ledger_stamp());
	CREATE INDEX ON writes (recorded);
	CREATE TABLE bills (watermark timestamptz, writes bigint, sum numeric, late boolean);
	-- volatile: each statement has a snapshot of its own
	CREATE FUNCTION make_bill() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		before timestamptz;		-- the last of what is committed before anybody looks at the writers
		first timestamptz;
		mark timestamptz;
	BEGIN
		SELECT max(w.recorded) INTO before FROM writes AS w;
		SELECT min(w.since) INTO first FROM compute_ledger.ledger_writers() AS w;
		mark := compute_ledger.ledger_watermark();
		INSERT INTO bills SELECT mark, count(*), sum(w.n), before < first AND mark < before FROM writes AS w WHERE w.recorded <= mark;
	END
	$$;
});
my $folder = PostgreSQL::Test::Utils::tempdir();
my %script = (
	short => 'INSERT INTO writes DEFAULT VALUES;',
	long => 'BEGIN; INSERT INTO writes DEFAULT VALUES; SELECT pg_sleep(random() * 0.05); INSERT INTO writes DEFAULT VALUES; END;',
	aborted => 'BEGIN; INSERT INTO writes DEFAULT VALUES; ROLLBACK;',
	undone => 'BEGIN; SAVEPOINT s; INSERT INTO writes DEFAULT VALUES; ROLLBACK TO s; INSERT INTO writes DEFAULT VALUES; END;',
	prepared => q{BEGIN; INSERT INTO writes DEFAULT VALUES; PREPARE TRANSACTION 'w:client_id'; SELECT pg_sleep(random() * 0.02); COMMIT PREPARED 'w:client_id';},
	marks => 'SELECT compute_ledger.mark_watermark(); SELECT pg_sleep(0.05);',
	bill => 'SELECT make_bill();',
);
for (keys %script)
{
	(my $lines = $script{$_}) =~ s/; */;\n/g;
	append_to_file("$folder/$_.sql", $lines);
}
my %weight = (short => 8, long => 3, aborted => 2, undone => 2, prepared => 2, marks => 1, bill => 6);
my ($out, $err) = run_command([ 'pgbench', '-n', '-c', '16', '-j', '2', '-T', $seconds, map({ ('-f', "$folder/$_.sql\@$weight{$_}") } sort keys %weight), $node->connstr('postgres') ]);
like($out, qr/number of failed transactions: 0 /, 'nothing failed') or diag "$out$err";
note $out =~ /(number of transactions actually processed: \d+)/;
my ($bills, $writes) = split /\|/, $node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM bills), (SELECT count(*) FROM writes)');
cmp_ok($bills, '>', 50, "$bills bills");
cmp_ok($writes, '>', 200, "of $writes writes");
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM bills AS b, LATERAL (SELECT count(*) AS writes, sum(w.n) AS sum FROM writes AS w WHERE w.recorded <= b.watermark) AS now
	WHERE (now.writes, now.sum) IS DISTINCT FROM (b.writes, b.sum)}), '0', 'no bill has changed');
# A writer may have read the clock and not have its lock yet when he is looked for: rare.
my $late = $node->safe_psql('postgres', 'SELECT count(*) FROM bills WHERE late');
cmp_ok($late * 20, '<', $bills, "nor lags behind what was committed before the first writer in flight ($late)");
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM bills AS b WHERE b.writes < (SELECT count(*) FROM writes AS w WHERE w.recorded <= b.watermark + interval \'1 second\')'), '>', 10,
	'bills were made while others wrote');
is($node->safe_psql('postgres', 'SELECT count(*) FROM compute_ledger.ledger_writers()'), '0', 'no writer is left');

$node->stop;
done_testing();
