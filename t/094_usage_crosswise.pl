# Many sessions that accept usage several times in one transaction, of each other's sources in any order: none waits for
# another or has to be repeated, and in the end everything that was sent is there, once, and no more.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $transactions = $ENV{USAGE_TRANSACTIONS} || 30;
my $node = PostgreSQL::Test::Cluster->new('usage_crosswise');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\ndeadlock_timeout = '20ms'\nlog_min_messages = fatal\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION compute_ledger;
SELECT compute_ledger.create_ledger();
SELECT compute_ledger.create_account('acme', time_zone => 'UTC', currency => 'USD');
SELECT compute_ledger.create_region('here');
CREATE TABLE sent (source text, source_id text, started timestamptz, bad boolean);
CREATE SEQUENCE tries;
CREATE TABLE seen (waiting bigint);
-- Sends a few records of a source and accepts; the inbox may hold others' records, too.
CREATE FUNCTION send(s text, name text, month int) RETURNS void LANGUAGE sql AS $$
	WITH new AS (
		INSERT INTO sent
		SELECT s, name || '/' || n, timestamptz '2023-01-01Z' + month * interval '1 month' + n * interval '1 hour', n = 3 FROM generate_series(1, 4) AS n
		RETURNING *
	)
	INSERT INTO compute_ledger.usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
	SELECT source, source_id, CASE WHEN bad THEN 'nobody' ELSE 'acme' END, 'here', 'H100', '1', started::text, (started + interval '1 hour')::text FROM new $$;
SQL
my $script = PostgreSQL::Test::Utils::tempdir() . '/crosswise.sql';
append_to_file($script, <<'PGBENCH');
\set one random(1, 4)
\set two random(1, 4)
\set month random(0, 11)
\set before random(1, 3)
SELECT nextval('tries') AS name \gset
\if :before = 1
SELECT send('source ' || :two, 'c:client_id-:name', :month);
\endif
BEGIN;
SELECT send('source ' || :one, 'a:client_id-:name', :month);
SELECT accepted FROM compute_ledger.accept_usage();
SELECT send('source ' || :two, 'b:client_id-:name', :month);
SELECT accepted FROM compute_ledger.accept_usage();
INSERT INTO seen SELECT waiting FROM compute_ledger.accept_usage();
END;
PGBENCH
my ($out, $err) = run_command([ 'pgbench', '-n', '-c', '6', '-j', '2', '-t', $transactions, '--max-tries', '1000', '--random-seed', '20240501', '-f', $script, $node->connstr('postgres') ]);
my $all = 6 * $transactions;
like($out, qr{number of transactions actually processed: $all/$all}, 'all transactions went through in the end') or diag "$out\n$err";
my ($retried) = $out =~ /number of transactions retried: (\d+)/;
is($retried // 0, 0, 'all of them at once');
cmp_ok($node->safe_psql('postgres', 'SELECT sum(waiting) FROM seen'), '>', 0, 'and some left to others what was theirs');
is($node->safe_psql('postgres', 'SELECT waiting FROM compute_ledger.accept_usage()'), '0', 'nobody keeps anything any more');
is($node->safe_psql('postgres', 'SELECT count(*) FROM compute_ledger.usage_inbox'), '0', 'nothing at all');
is($node->safe_psql('postgres', q{
	SELECT count(*), count(*) FILTER (WHERE s.source IS NULL), count(*) FILTER (WHERE r.source IS NULL)
	FROM sent AS s FULL JOIN compute_ledger.usage_record AS r ON (r.source, r.source_id, r.started_at) = (s.source, s.source_id, s.started)
	WHERE NOT s.bad OR s.source IS NULL}) =~ s/^\d+/n/r, 'n|0|0', 'every good record that was sent is there, and no other');
is($node->safe_psql('postgres', q{
	SELECT count(*), count(*) FILTER (WHERE s.source IS NULL), count(*) FILTER (WHERE r.source IS NULL)
	FROM sent AS s FULL JOIN compute_ledger.usage_rejected AS r ON (r.source, r.source_id) = (s.source, s.source_id)
	WHERE s.bad OR s.source IS NULL}) =~ s/^\d+/n/r, 'n|0|0', 'every bad one was rejected, once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT source, source_id FROM compute_ledger.usage_record UNION ALL SELECT source, source_id FROM compute_ledger.usage_rejected) AS r'),
	$node->safe_psql('postgres', 'SELECT count(*) FROM sent'), 'as many as were sent');
is($node->safe_psql('postgres', 'SELECT * FROM compute_ledger._check_usage()'), '', 'the ledger finds no fault with itself');

$node->stop;
done_testing();
