# The instants of usage: the reader alone, fuzzed with sanitizers; in a server against PostgreSQL's own timestamptz and AT TIME
# ZONE, over many zones and around every change of their clocks.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/..";
my $dir = PostgreSQL::Test::Utils::tempdir();
my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261101;
note "seed $seed";

SKIP:
{
	my $compiler = $ENV{CC} || 'cc';
	skip "no $compiler", 3 if system("$compiler --version >/dev/null 2>&1") != 0;
	my $program = "$dir/usage_instant";
	my $build = "-O1 -g -Wall -Wextra -D_GNU_SOURCE -I'$root/src' '$root/t/usage_instant.c' '$root/src/usage/usage_instant_core.c' -o '$program'";
	my $sanitized = system("$compiler -fsanitize=address,undefined -fno-sanitize-recover $build 2>/dev/null") == 0;
	ok($sanitized || system("$compiler $build") == 0, 'the reader builds without PostgreSQL' . ($sanitized ? ', with sanitizers' : ''));
	my ($out, $err) = run_command([ $program, 300000, $seed ]);
	like($out, qr/^300000 written, of changed ones [1-9]\d{3,} read, [1-9]\d{3,} refused$/, 'it reads what is written, and refuses what is in no form') or diag $out;
	is($err, '', 'and no sanitizer complains');
}

my $node = PostgreSQL::Test::Cluster->new('usage_instant');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nsearch_path = 'public, compute_ledger'\njit = off\n");
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION compute_ledger");
my $seeded = "DO 'BEGIN PERFORM setseed(0.25); END';";

# Every name Area/Location that PostgreSQL knows; those without a digit can stand in a cell.
$node->safe_psql('postgres', q{CREATE TABLE zone AS SELECT name, row_number() OVER (ORDER BY name COLLATE "C") AS i FROM pg_timezone_names WHERE name ~ '^[A-Z][A-Za-z_-]*/[A-Za-z_/-]*$' OR name IN ('UTC', 'GMT')});
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM zone'), '>', 300, 'there are many time zones');

# Random instants, written with an offset, in the forms that have one, and by core's own output under every zone.
is($node->safe_psql('postgres', $seeded . q{
	WITH instant AS MATERIALIZED (
		SELECT n, timestamptz '1971-01-01Z' + (random() * 2522880000)::bigint * interval '1 s' + (random() * 999999)::int * interval '1 us' AS at,
			(random() * 1800 - 900)::int AS minutes
		FROM generate_series(1, 20000) AS n
	), text AS (
		SELECT i.at, i.minutes, o.local, to_char(o.local, 'YYYY-MM-DD') || CASE WHEN n % 2 = 0 THEN 'T' ELSE ' ' END || to_char(o.local, 'HH24:MI:SS.US') AS clock,
			CASE WHEN minutes < 0 THEN '-' ELSE '+' END || to_char(abs(minutes) / 60, 'FM00') AS hours, to_char(abs(minutes) % 60, 'FM00') AS rest
		FROM instant AS i CROSS JOIN LATERAL (SELECT at AT TIME ZONE 'UTC' + minutes * interval '1 min' AS local) AS o
	), form AS (
		SELECT at, f FROM text CROSS JOIN LATERAL (VALUES (clock || hours || rest), (clock || hours || ':' || rest),
			(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')), (at::text)) AS v (f)
		UNION ALL
		SELECT at, clock || hours FROM text WHERE minutes % 60 = 0
	)
	SELECT count(*) > 80000 AND count(DISTINCT at) > 19000, count(*) FILTER (WHERE _usage_timestamptz(f, NULL, NULL) IS DISTINCT FROM at OR f::timestamptz <> at) FROM form}), 't|0', 'with offsets: what core reads');
is($node->safe_psql('postgres', $seeded . q{
	SELECT count(DISTINCT t) > 20000, count(*) FILTER (WHERE _usage_timestamptz(t, NULL, true) IS DISTINCT FROM to_timestamp(s) + us * interval '1 us')
	FROM (SELECT s, us, s || '.' || to_char(us, 'FM000000') AS t
		FROM (SELECT (100000000 + random() * 9000000000)::bigint AS s, (random() * 999999)::int AS us FROM generate_series(1, 30000)) AS r) AS u}), 't|0', 'Unix seconds');

# Local times: at random in every zone, and in steps of 10 minutes around every change of a clock from 1990 to 2037.  How often a
# zone's clocks show a time is counted in another way: by the offsets a day before and after.
$node->safe_psql('postgres', $seeded . q{
	CREATE TABLE local AS
	SELECT name, timestamp '1971-01-01' + (random() * 2522880000)::bigint * interval '1 s' AS clock FROM zone, generate_series(1, 30);
	CREATE TABLE changed AS
	SELECT name, day FROM (SELECT name, day, day AT TIME ZONE name AS there, lead(day AT TIME ZONE name) OVER (PARTITION BY name ORDER BY day) AS next
		FROM zone, generate_series(timestamptz '1990-01-01Z', '2037-01-01Z', interval '1 day') AS day WHERE zone.i % 6 = 0 OR name IN ('Europe/Berlin', 'America/Havana', 'Australia/Lord_Howe', 'Pacific/Apia', 'Africa/Casablanca')) AS d
	WHERE next - there <> interval '1 day';
	INSERT INTO local SELECT name, (day AT TIME ZONE name) + m * interval '10 minutes' FROM changed, generate_series(-24, 168) AS m;
	ANALYZE local;
	CREATE TABLE shown AS
	SELECT name, clock, (SELECT array_agg(DISTINCT t.at) FROM (VALUES (before), (after)) AS o (gap)
		CROSS JOIN LATERAL (SELECT (clock AT TIME ZONE 'UTC') - gap AS at) AS t WHERE t.at AT TIME ZONE name = clock) AS at
	FROM (SELECT name, clock, (u - interval '1 day') AT TIME ZONE name - (u - interval '1 day') AT TIME ZONE 'UTC' AS before,
			(u + interval '1 day') AT TIME ZONE name - (u + interval '1 day') AT TIME ZONE 'UTC' AS after
		FROM (SELECT name, clock, clock AT TIME ZONE 'UTC' AS u FROM local) AS l) AS g});
my $form = q{to_char(clock, 'YYYY-MM-DD"T"HH24:MI:SS')};
is($node->safe_psql('postgres', "SELECT count(*) > 100000, count(*) FILTER (WHERE cardinality(at) = 2) > 1000, count(*) FILTER (WHERE at IS NULL) > 1000 FROM shown"), 't|t|t',
	'there are times that are shown once, twice and never');
for my $way ([ "$form || ' ' || name, NULL", 'named in the cell' ], [ "$form, name", 'of the source' ])
{
	is($node->safe_psql('postgres', "SELECT name, clock, at, _usage_timestamptz($way->[0], NULL) FROM shown
		WHERE _usage_timestamptz($way->[0], NULL) IS DISTINCT FROM CASE WHEN cardinality(at) = 1 THEN at[1] END
			OR (cardinality(at) = 1 AND at[1] <> clock AT TIME ZONE name) LIMIT 5"), '', "a time zone $way->[1]: what is shown once is what core says, and nothing else is read");
}
is($node->safe_psql('postgres', "SELECT count(DISTINCT _usage_cell_error('started_at', $form || ' ' || name, NULL, NULL)::text ~ 'twice'),
	count(*) FILTER (WHERE (_usage_cell_error('started_at', $form || ' ' || name, NULL, NULL)).detail !~ CASE WHEN at IS NULL THEN 'never showed' ELSE 'showed this time twice' END),
	count(*) FILTER (WHERE (_usage_cell_error('started_at', $form || ' ' || name, NULL, NULL)).sqlstate <> '22007')
	FROM shown WHERE cardinality(at) IS DISTINCT FROM 1"), '2|0|0', 'which says why');
# The session's, where neither says one.
for my $zone ('Europe/Berlin', 'America/Havana', 'Australia/Lord_Howe', 'Pacific/Apia')
{
	is($node->safe_psql('postgres', "SET timezone = '$zone'; SELECT count(*) > 1000, count(*) FILTER (WHERE _usage_timestamptz($form, NULL, NULL) IS DISTINCT FROM _usage_timestamptz($form, name, NULL)) FROM shown WHERE name = '$zone'"),
		't|0', "the session's: $zone");
}
# A name is looked up in a cell as it is spelt; what is a rule to core, of which it takes any and keeps each for ever, is none.
is($node->safe_psql('postgres', q{
	SELECT string_agg(z, ' ') FROM unnest(ARRAY['CST', 'EST', 'IST', 'CEST', 'CET', 'EST5EDT', 'CST6CDT', 'PRC', 'UTC+8', 'UTC-8', 'GMT+8', 'Etc/GMT-8', 'Asia/Shanghai+8', 'Mars/Base+5', 'Mars/Base', '<+08>-8', '+8', '+08', 'Z',
		'europe/berlin', 'EUROPE/BERLIN', 'right/UTC', 'posix/UTC', 'Right/UTC', 'Posix/Europe/Berlin', 'localtime', 'posixrules', 'Europe', 'Europe/', '/Europe/Berlin', 'Europe//Berlin', '../zoneinfo/UTC', 'Europe/../UTC',
		'utc', 'UTC ', ' UTC', 'Europe/Berlin ', 'Europe/Berlin CEST', repeat('A/', 3000), 'A' || repeat('/b', 127), '']) AS z
	WHERE _usage_timestamptz('2026-07-01T00:00:00 ' || z, NULL, NULL) IS NOT NULL}), '', 'no abbreviation, no rule and no path is a name');

$node->stop;
done_testing();
