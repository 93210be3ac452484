# rate_usage() against a plain formulation of the same rules, row by row, on random ledgers: trees that move,
# prices of all models that change at any microsecond, pools, time zones, billing calendars, revisions, two
# recorded times.  Everything that costs is compared to the last digit.
use strict;
use warnings;
use File::Basename;
use File::Spec;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20260315;
my $rounds = $ENV{COMPUTE_LEDGER_ROUNDS} // 4;
note "seed $seed, $rounds rounds";

my $node = PostgreSQL::Test::Cluster->new('rating');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nintervalstyle = postgres\nwork_mem = '64MB'\njit = off\nfsync = off\n");
$node->start;

my $naive = do {
	local $/;
	open my $file, '<', dirname(File::Spec->rel2abs(__FILE__)) . '/110_rating_naive.sql' or die $!;
	<$file>;
};

# Runs a query and returns its one value.
sub value
{
	my ($db, $sql) = @_;
	return $node->safe_psql($db, $sql);
}

# Asserts that a query returns no row; what it returns is the counterexample.
sub no_rows
{
	my ($db, $sql, $name) = @_;
	my ($rc, $out, $err) = $node->psql($db, $sql);
	my $ok = ok($rc == 0 && $out eq '', $name);
	diag $rc == 0 ? substr($out, 0, 2000) : $err if !$ok;
	return $ok;
}

# The charges as of a time, beside those of the naive formulation.
sub compare
{
	my ($db, $as_of, $asked, $name) = @_;
	return no_rows($db, qq{
		WITH fast AS (
			SELECT account, payer, billing_period, price, list_price, region, accelerator, number_format, measure, basis, rate, share, day, amount, records, unit, cost, list_cost, quantity,
				(SELECT sum((t->>'cost')::numeric) FROM jsonb_array_elements(tiers) AS t) AS tiers_cost,
				(SELECT sum((t->>'quantity')::numeric) FROM jsonb_array_elements(tiers) AS t) AS tiers_quantity
			FROM rate_usage(NULL, '$asked', '$as_of') WHERE kind <> 'rounding'
		), plain AS (
			SELECT * FROM naive.charges('sale', '$as_of', '$asked')
		)
		SELECT 'fast', f.*, p.*
		FROM fast AS f
		FULL JOIN plain AS p ON p.account = f.account AND p.payer = f.payer AND p.billing_period = f.billing_period AND p.price IS NOT DISTINCT FROM f.price AND p.list_price IS NOT DISTINCT FROM f.list_price
			AND p.region = f.region AND p.accelerator = f.accelerator AND p.number_format IS NOT DISTINCT FROM f.number_format
			AND p.measure = f.measure AND p.basis = f.basis AND p.rate = f.rate AND p.share IS NOT DISTINCT FROM f.share AND p.day = f.day
		WHERE f.amount IS DISTINCT FROM p.amount OR f.records IS DISTINCT FROM p.records OR f.cost IS DISTINCT FROM p.cost
			OR f.list_cost IS DISTINCT FROM p.list_cost OR f.tiers_cost <> f.cost OR f.tiers_quantity <> f.quantity
			OR abs(f.quantity - p.quantity) > 0.000000000001
		LIMIT 3}, $name);
}

for my $round (1 .. $rounds)
{
	my $db = "round$round";
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, "CREATE EXTENSION compute_ledger");
	$node->safe_psql($db, "SELECT create_ledger()");
	$node->safe_psql($db, $naive);
	$node->safe_psql($db, "SELECT naive.build(" . ($seed + $round) . ", 16)");
	my $first = value($db, 'SELECT ledger_watermark()');
	my $asked = '[2026-02-20 00:00+00,2026-04-10 00:00+00)';
	my $some = '[2026-03-03 07:30+00,2026-03-29 01:17:03.000001+00)';
	compare($db, $first, $asked, "round $round: as first known");
	my $digest = q{SELECT md5(string_agg(r::text, E'\n' ORDER BY r::text)) FROM rate_usage(NULL, '%s', '%s') AS r};
	my $before = value($db, sprintf $digest, $asked, $first);
	$node->safe_psql($db, "SELECT naive.change(" . ($seed + $round) . ")");
	is(value($db, sprintf $digest, $asked, $first), $before, "round $round: what was recorded later does not change it");
	my $second = value($db, 'SELECT ledger_watermark()');
	isnt(value($db, sprintf $digest, $asked, $second), $before, "round $round: but what is known now differs");
	compare($db, $second, $asked, "round $round: as known after changes");
	compare($db, $second, $some, "round $round: a part of the period, cut within days");
	# the parts of a period add up to it, wherever it is cut; of the day that is cut, each part is rounded
	my $cut = '2026-03-17 11:11:11.000007+00';
	no_rows($db, qq{
		WITH parts AS (
			SELECT account, payer, billing_period, price, list_price, region, accelerator, number_format, measure, rate, share, day, sum(amount) AS amount, sum(cost) AS cost
			FROM (SELECT * FROM rate_usage(NULL, '[2026-02-20 00:00+00,$cut)', '$second') UNION ALL SELECT * FROM rate_usage(NULL, '[$cut,2026-04-10 00:00+00)', '$second')) AS x
			WHERE kind <> 'rounding'
			GROUP BY account, payer, billing_period, price, list_price, region, accelerator, number_format, measure, rate, share, day
		)
		SELECT w.account, w.price, w.day, w.amount, p.amount, w.cost, p.cost
		FROM (SELECT * FROM rate_usage(NULL, '$asked', '$second') WHERE kind <> 'rounding') AS w
		FULL JOIN parts AS p ON p.account = w.account AND p.payer = w.payer AND p.billing_period = w.billing_period AND p.price IS NOT DISTINCT FROM w.price AND p.list_price IS NOT DISTINCT FROM w.list_price
			AND p.region = w.region AND p.accelerator = w.accelerator AND p.number_format IS NOT DISTINCT FROM w.number_format
			AND p.measure = w.measure AND p.rate = w.rate AND p.share IS NOT DISTINCT FROM w.share AND p.day = w.day
		WHERE p.amount IS DISTINCT FROM w.amount
			OR abs(p.cost - w.cost) > CASE WHEN w.day BETWEEN '2026-03-16' AND '2026-03-18' THEN 0.00000001 ELSE 0 END
		LIMIT 3}, "round $round: the parts of a period add up to it");
	# one account at a time gives the rows of all
	no_rows($db, qq{
		SELECT count(*) FROM (
			SELECT r.* FROM account AS a, LATERAL rate_usage(a.name, '$asked', '$second') AS r
			WHERE r.account = a.id AND a.id % 10 = 3
			EXCEPT ALL
			SELECT * FROM rate_usage(NULL, '$asked', '$second')) AS x
		HAVING count(*) > 0}, "round $round: an account is rated by all usage of its payer");
	# what is rated and what has no price are what was used
	no_rows($db, qq{
		WITH used AS (
			SELECT r.accelerator, r.share, sum(t.length * _usage_level(r.devices, r.share)) AS amount
			FROM usage_record AS r
			CROSS JOIN LATERAL (SELECT (extract(epoch FROM least(r.ended_at, '2026-04-10 00:00+00') - greatest(r.started_at, '2026-02-20 00:00+00')) * 1000000)::numeric AS length) AS t
			WHERE r.recorded <= '$second' AND r.superseded > '$second' AND r.started_at < '2026-04-10 00:00+00' AND r.ended_at > '2026-02-20 00:00+00'
				AND r.measure = 'allocated'
			GROUP BY r.accelerator, r.share
		), charged AS (
			SELECT r.accelerator, r.share, sum(r.amount) AS amount
			FROM rate_usage(NULL, '$asked', '$second') AS r
			WHERE r.measure = 'allocated'
			GROUP BY r.accelerator, r.share
		)
		SELECT u.*, c.*
		FROM used AS u FULL JOIN charged AS c ON c.accelerator = u.accelerator AND c.share IS NOT DISTINCT FROM u.share
		WHERE c.amount IS DISTINCT FROM u.amount
		LIMIT 3}, "round $round: what is charged is what was used");
	# the parts of a charge add up to it
	no_rows($db, qq{
		SELECT c.account, c.day, c.price, c.share, c.cost, c.quantity, c.records, t.*
		FROM (SELECT c, (c).* FROM rate_usage(NULL, '$asked', '$second') AS c WHERE (c).account % 7 = 1 ORDER BY (c).account, (c).day, (c).price LIMIT 25) AS c,
			LATERAL (SELECT count(*) AS n, sum(t.cost) AS cost, sum(t.quantity) AS quantity, sum(t.amount) AS amount,
					sum(extract(epoch FROM t.part_to - t.part_from) * 1000000 * _usage_level(t.devices, c.share)) AS area
				FROM trace_charge(c.c, '$second') AS t) AS t
		WHERE t.n <> c.records OR t.cost IS DISTINCT FROM c.cost OR t.quantity <> c.quantity OR t.amount IS DISTINCT FROM c.amount OR t.area IS DISTINCT FROM c.amount
		LIMIT 3}, "round $round: the parts of a charge add up to it");
	$node->safe_psql('postgres', "DROP DATABASE $db");
}

# ------------------------------------------------------------------ traces
$node->safe_psql('postgres', 'CREATE DATABASE trace');
$node->safe_psql('trace', q{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_account('big', currency => 'USD'), create_region('r');
	SELECT create_price('nvidia/l4', 'USD', tier_bounds => '{10}', tier_prices => '{0.3333333, 0.2222222}');
	INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
	SELECT 's' || i % 2, i, 'big', 'r', 'NVIDIA L4', '1', to_char(f, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), to_char(f + interval '0.777777 s', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
	FROM generate_series(1, 80000) AS i, LATERAL (SELECT timestamp '2026-01-10' + i * interval '1 s') AS t (f);
	SELECT accepted FROM accept_usage();
	SELECT close_period('big', '[2026-01-01Z,2026-02-01Z)');
	CREATE ROLE trace_auditor LOGIN;
	SELECT grant_access('trace_auditor', 'auditor');
});
# What a part takes while it is made is given back: a trace holds its list of parts, and no more.
my $peak = q{SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\s+(\d+)'))[1]::int};
my ($before, $parts, $after) = split /\n/, $node->safe_psql('trace', qq{
	SET work_mem = '1MB';
	SELECT FROM (SELECT count(*) AS n FROM rate_usage('big', '[2026-01-01Z,2026-02-01Z)')) AS r WHERE r.n = 0;
	$peak;
	SELECT count(*) FROM (SELECT c.id FROM charge AS c WHERE c.kind = 'usage' ORDER BY c.records DESC LIMIT 1) AS c, LATERAL trace_charge(c.id);
	$peak;
});
note "$parts parts, $before kB for the rating, $after kB in all";
is($parts, 80000, 'a charge of many parts');
cmp_ok($after - $before, '<', $parts * 0.4, 'a trace takes less than 400 bytes a part');

# A rating that traces share is of what row-level security shows, and a policy of one's own may go by a setting.
$node->safe_psql('trace', q{CREATE POLICY by_source ON compute_ledger._usage_record AS RESTRICTIVE FOR SELECT USING (kind IN (SELECT k.number FROM compute_ledger.usage_kind AS k WHERE k.source = current_setting('app.source')))});
my ($status, $out, $err) = $node->psql('trace', q{
	DO $$
	DECLARE
		s text;
	BEGIN
		FOREACH s IN ARRAY ARRAY['s0', 'none', 's1'] LOOP
			PERFORM set_config('app.source', s, true);
			RAISE NOTICE '%: %', s, (SELECT count(*) FROM charge AS c CROSS JOIN LATERAL trace_charge(c.id) AS t WHERE c.kind = 'usage' AND t.source = s);
		END LOOP;
	END
	$$}, extra_params => [ '-U', 'trace_auditor' ]);
is(join(' ', $err =~ /NOTICE:\s+(\w+: \d+)/g), 's0: 40000 none: 0 s1: 40000', 'a trace shows what the policies show now');

done_testing();
