# Sixteen clients submit and cancel requests while two make passes of the queue: nothing is lost, nothing is booked twice or
# beyond what there is, and nobody deadlocks.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{COMPUTE_LEDGER_QUEUE_SECONDS} // 10;
my $node = PostgreSQL::Test::Cluster->new('queue_clients');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\nclient_min_messages = warning\ndeadlock_timeout = '100ms'\nmax_connections = 40\n");
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]) }

sql(q{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_account('a' || i, currency => 'USD', jurisdiction => 'DE') FROM generate_series(1, 16) AS i;
	SELECT create_region('site');
	SELECT create_price('nvidia', 'USD', 2, valid_from => '2026-01-01Z');
	SELECT offer_devices(create_pool('site', 'nvidia/h100-sxm5-80gb', host => 'a1'), 3000, '[2026-01-01Z,)');
	SELECT offer_devices(create_pool('site', 'nvidia/a100-sxm4-80gb'), 2000, '[2026-01-01Z,)');
	SELECT set_guest_share(1, 0.75);
	CREATE TABLE said (what text, answer text);
	-- Calls, and notes what was answered, or the code of the refusal, and of a deadlock where.
	CREATE FUNCTION try(what text, call text) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		answer text;
		place text;
	BEGIN
		BEGIN
			EXECUTE call INTO answer;
			answer := 'ok ' || coalesce(answer, '');
		EXCEPTION WHEN deadlock_detected THEN
			GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
			answer := SQLSTATE || ' ' || place;
		WHEN OTHERS THEN
			answer := SQLSTATE || ' ' || SQLERRM;
		END;
		INSERT INTO said VALUES (what, answer);
	END
	$$;
});

append_to_file($node->basedir . '/submit.sql', <<'SQL');
\set a random(1, 16)
\set d random(1, 40)
\set m random(1, 4)
SELECT try('submit', format($$SELECT submit_request(placement_request('a%s', '{nvidia/h100,nvidia/a100}', devices => %s, time_limit => '%s minutes'))$$, :a, :d, :m));
SQL
append_to_file($node->basedir . '/cancel.sql', <<'SQL');
\set back random(0, 60)
SELECT try('cancel', format('SELECT cancel_request(%s)', (SELECT max(id) FROM request) - :back));
SQL
append_to_file($node->basedir . '/both.sql', <<'SQL');
\set a random(1, 16)
BEGIN;
SELECT try('book', format($$SELECT (book('a%s', 2, 1, tstzrange(date_trunc('minute', now()) + interval '1 minute', date_trunc('minute', now()) + interval '2 minutes'), confirmed => true)).reservation$$, :a));
SELECT try('submit', format($$SELECT submit_request(placement_request('a%s', '{nvidia/a100}', devices => 1, time_limit => '1 minute'))$$, :a));
COMMIT;
SQL
append_to_file($node->basedir . '/pass.sql', "SELECT try('pass', 'SELECT count(*) FROM schedule()');\n");

# Starts pgbench with some scripts; answers what it says.
my @runs;
sub bench
{
	my ($name, $clients, @scripts) = @_;
	my $out = '';
	push @runs, [ $name, \$out, IPC::Run::start([ 'pgbench', '-n', '-c', $clients, '-j', 1, '-T', $seconds, '-h', $node->host, '-p', $node->port,
		(map { ('-f', $node->basedir . "/$_") } @scripts), 'postgres' ], '>', \$out, '2>&1') ];
}
bench('clients', 16, 'submit.sql@5', 'cancel.sql@3', 'both.sql@1');
bench('passes', 2, 'pass.sql');
$_->[2]->finish for @runs;
for my $run (@runs)
{
	unlike(${ $run->[1] }, qr/abort|deadlock|ERROR/i, "$run->[0]: nobody was stopped") or diag ${ $run->[1] };
}
note sql(q{SELECT string_agg(what || ' ' || answer || ': ' || n, E'\n' ORDER BY what, answer) FROM (SELECT what, regexp_replace(answer, '\d+', 'N', 'g') AS answer, count(*) AS n FROM said GROUP BY 1, 2) AS s});

is(sql(q{SELECT count(*) FROM said WHERE answer LIKE '40P01%'}), 0, 'no deadlock') or diag sql(q{SELECT what || ' ' || answer FROM said WHERE answer LIKE '40P01%'});
is(sql(q{SELECT string_agg(DISTINCT left(answer, 5), ' ') FROM said WHERE what IN ('submit', 'pass') AND answer NOT LIKE 'ok%'}), '', 'submissions and passes are not refused');
cmp_ok(sql(q{SELECT count(*) FROM request WHERE state = 'placed'}), '>', 20, 'requests were placed');
cmp_ok(sql(q{SELECT count(*) FROM said WHERE what = 'pass' AND answer LIKE 'ok%'}), '>', 5, 'passes were made');
is(sql(q{SELECT count(*) FROM (SELECT substr(answer, 4)::bigint FROM said WHERE what = 'submit' AND answer LIKE 'ok%' EXCEPT ALL SELECT id FROM request) AS lost}), 0, 'nothing that was submitted is lost');
is(sql(q{SELECT count(*) FROM request AS r WHERE (r.state = 'placed' OR r.booking IS NOT NULL) AND (SELECT count(*) FROM reservation AS o WHERE o.booking = r.booking) <> 1}), 0, 'what was placed has one reservation');
is(sql(q{SELECT count(*) FROM (SELECT booking FROM request WHERE booking IS NOT NULL GROUP BY booking HAVING count(*) > 1) AS b}), 0, 'none was booked twice');
is(sql(q{SELECT count(*) FROM reservation AS o WHERE NOT EXISTS (SELECT FROM request AS r WHERE r.booking = o.booking) AND NOT EXISTS (SELECT FROM said AS s WHERE s.what = 'book' AND s.answer = 'ok ' || o.id)}), 0, 'and nothing else was booked');
is(sql(q{SELECT count(*) FROM request AS r JOIN reservation AS o ON o.booking = r.booking WHERE r.state = 'cancelled' AND o.state <> 'cancelled'}), 0, 'what was cancelled is');
is(sql(q{SELECT count(*) FROM said WHERE what = 'cancel' AND answer = 'ok cancelled'}), sql(q{SELECT count(*) FROM request WHERE state = 'cancelled'}), 'each once');
is(sql(q{SELECT count(*) FROM request AS r WHERE NOT EXISTS (SELECT FROM request_change AS c WHERE c.request = r.id AND c.action = 'submit')
	OR (r.booking IS NOT NULL) <> EXISTS (SELECT FROM request_change AS c WHERE c.request = r.id AND c.action = 'place') OR (r.state = 'cancelled') <> EXISTS (SELECT FROM request_change AS c WHERE c.request = r.id AND c.action = 'cancel')}),
	0, 'and has its history');
is(sql(q{SELECT count(*) FROM pool AS p CROSS JOIN LATERAL (SELECT peak(device_profile(o.occupies, o.devices)) AS peak, peak(device_profile(o.occupies, o.devices) FILTER (WHERE o.guest)) AS guests FROM reservation AS o WHERE o.pool = p.id) AS b
	WHERE b.peak > (SELECT f.devices FROM pool_offer AS f WHERE f.pool = p.id) OR p.id = 1 AND b.guests > 2250}), 0, 'nor more than there is');
is(sql(q{SELECT count(*) FROM check_ledger() WHERE severity = 'breach'}), 0, 'check_ledger() finds no breach') or diag sql('SELECT * FROM check_ledger()');

$node->stop;
done_testing();
