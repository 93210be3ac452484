# Spend by label on small random ledgers (OracleWorld.pm), whose records have labels and runs: all values of a key and what has
# none are the charges, to the last digit, whatever the rules are; by values they are what trace_charge() says, added up
# here; and what closed periods keep is the same.
#
# COMPUTE_LEDGER_SEED and COMPUTE_LEDGER_ROUNDS say which ledgers, and how many.
use strict;
use warnings;
use File::Basename;
use File::Spec;
use List::Util qw(min);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use lib dirname(File::Spec->rel2abs(__FILE__));
use Oracle;
use OracleWorld;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20260209;
my $rounds = $ENV{COMPUTE_LEDGER_ROUNDS} // 6;
note "seed $seed, $rounds rounds";

my $node = PostgreSQL::Test::Cluster->new('spend');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\nclient_min_messages = warning\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE ledger');
$node->safe_psql('ledger', 'CREATE EXTENSION compute_ledger');
$node->safe_psql('ledger', 'SELECT create_ledger()');
my $now = $node->safe_psql('postgres', 'SELECT (extract(epoch FROM now()) * 1000000)::bigint');

my ($around, @zones) = @{ $OracleWorld::epochs[0] };
unshift @zones, 'UTC', 'Asia/Shanghai';
my $middle = $node->safe_psql('postgres', "SELECT extract(epoch FROM timestamptz '$around 00:00+00')::bigint * 1000000");
my $clock = OracleClock->new($middle, split /\n/, $node->safe_psql('postgres', OracleClock::query($middle, @zones)));
my %features = map { ($_ => 1) } @OracleWorld::features;

# ------------------------------------------------------------------ ledgers

my @worlds = map { OracleWorld::enter(OracleWorld::make($_, \%features, { middle => $middle, zones => \@zones, clock => $clock }, $now), "w$_", 0) } $seed .. $seed + $rounds - 1;
my $labels = q{UPDATE usage_inbox SET run = CASE WHEN h % 3 > 0 THEN 'run ' || h % 5 END,
		labels = CASE h % 4 WHEN 0 THEN NULL WHEN 1 THEN '{"team": "ocr"}' WHEN 2 THEN format('{"team": "%s", "user": "u%s"}', h % 7, h % 2) ELSE '{"user": null, "run": "in labels", "team": {"a": 1}}' END
	FROM (SELECT id AS i, abs(hashtext(concat(source_id, revision))) AS h FROM usage_inbox) AS x WHERE x.i = id AND retracted IS NULL;};
my @sql = ($clock->sql, (map { $_->{sql}[0] } @worlds), $labels, 'SELECT accept_usage();', 'SELECT refresh_rollups();');
for my $w (@worlds)
{
	my $first = { %$w, accounts => $w->{first_accounts} };
	my $names = join ',', map { "$w->{name}a$_" } 0 .. $#{ $w->{accounts} };
	for my $n (0 .. $#{ $first->{accounts} })
	{
		my $place = Oracle::place($first, $n, $w->{from});
		push @sql, map { "SELECT close_period('$w->{name}a$n', " . OracleWorld::range($_->{from}, $_->{to}) . ", '$w->{name}', '{$names}');" }
			grep { $place->{payer} == $n && $_->{from} >= $w->{from} && $_->{to} <= min($w->{to}, $now) } $clock->bills($place->{calendar}, $w->{from}, $w->{to});
	}
}
# what comes late, and closings that correct
push @sql, "INSERT INTO spend_key VALUES ('team');", 'SELECT refresh_rollups();', (map { @{ $_->{sql} }[ 1, 2 ] } @worlds), $labels, 'SELECT accept_usage();', 'SELECT generate_billing_periods(NULL, now() + interval \'200 days\');';
my ($out, $err);
$node->psql('ledger', join("\n", @sql), stdout => \$out, stderr => \$err, on_error_stop => 0);
is(substr($err, 0, 2000), '', 'ledgers are entered');
$node->safe_psql('ledger', q{
	DO $$
	DECLARE
		due record;
	BEGIN
		FOR due IN SELECT DISTINCT b.book, a.name, p.period FROM period_close AS c JOIN account AS a ON a.id = c.payer JOIN price_book AS b ON b.book = c.book
			JOIN billing_period AS o ON o.id = c.billing_period JOIN billing_period AS p ON p.calendar = o.calendar AND p.number = o.number + 1
		LOOP
			BEGIN
				PERFORM close_period(due.name, due.period, due.book, ARRAY(SELECT name FROM account));
			EXCEPTION WHEN OTHERS THEN
				RAISE LOG '%', SQLERRM;
			END;
		END LOOP;
	END
	$$;
	SELECT refresh_rollups();});
cmp_ok($node->safe_psql('ledger', 'SELECT count(*) FROM charge WHERE corrects IS NOT NULL'), '>', 0, 'some closings correct');
note $node->safe_psql('ledger', q{SELECT string_agg(format('%s %s', n, kind), ', ') FROM (SELECT kind, count(*) AS n FROM charge GROUP BY 1 ORDER BY 1) AS c});

# ------------------------------------------------------------------ sums and values

# Rows that a query returns, of which there should be none.
sub none
{
	my ($query, $name) = @_;
	my $rows = $node->safe_psql('ledger', $query);
	is(substr($rows, 0, 2000), '', $name);
	return;
}

my $asked = join ' UNION ALL ', map { my $w = $_; my $middle = ($w->{from} + $w->{to}) / 2 + 12345678901; map { "SELECT '$w->{name}' AS book, " . OracleWorld::range(@$_) . ' AS period' } [ $w->{from}, $w->{to} ], [ $w->{from}, $middle ] } @worlds;
$node->safe_psql('ledger', "CREATE TABLE asked AS $asked; CREATE TABLE key (key text); INSERT INTO key VALUES ('team'), ('run');
	CREATE TABLE due AS SELECT a.book, a.period, c.currency, sum(c.cost) AS cost FROM asked AS a CROSS JOIN LATERAL rate_usage(a.book || 'a0', a.period, book => a.book) AS c WHERE c.cost IS NOT NULL GROUP BY 1, 2, 3;");
cmp_ok($node->safe_psql('ledger', 'SELECT count(*) FROM due WHERE cost <> 0'), '>', 0, 'there is something to share out');
my $unequal = q{WITH said AS MATERIALIZED (SELECT a.book, a.period, k.key, s.* FROM asked AS a CROSS JOIN key AS k CROSS JOIN LATERAL spend_by(k.key, a.book || 'a0', a.period, book => a.book) AS s)
	SELECT * FROM (SELECT book, period, key, currency, sum(cost) AS cost FROM said GROUP BY 1, 2, 3, 4) AS s FULL JOIN (SELECT d.*, k.key FROM due AS d CROSS JOIN key AS k) AS d USING (book, period, key, currency)
	WHERE s.cost IS DISTINCT FROM d.cost;};
my $kept = q{SELECT c.id, k.key, c.cost, s.cost FROM charge AS c CROSS JOIN spend_key AS k LEFT JOIN (SELECT charge, key, sum(cost) AS cost FROM spend_share GROUP BY 1, 2) AS s ON s.charge = c.id AND s.key = k.key
	WHERE c.cost IS DISTINCT FROM s.cost;};
for my $rule (qw(not evenly by_spend))
{
	$node->safe_psql('ledger', "UPDATE spend_rule SET share = '" . ($rule =~ tr/_/ /r) . "'; SELECT refresh_rollups();");
	none($unequal, "all values are the charges: $rule");
	none($kept, "so they are of closed periods: $rule");
	none(q{SELECT object, detail FROM check_ledger() WHERE check_name = 'spend by label'}, '... and check_ledger() agrees');
	if ($rule eq 'not')
	{
		none(q{WITH part AS MATERIALIZED (
				SELECT a.book, a.period, c.currency, t.record, t.cost FROM asked AS a CROSS JOIN LATERAL rate_usage(a.book || 'a0', a.period, book => a.book) AS c CROSS JOIN LATERAL trace_charge(c) AS t WHERE c.cost IS NOT NULL
			), traced AS (
				SELECT p.book, p.period, k.key, CASE k.key WHEN 'run' THEN coalesce(r.run, r.labels ->> 'run') ELSE r.labels ->> k.key END AS value, p.currency, sum(p.cost) AS cost
				FROM part AS p CROSS JOIN key AS k LEFT JOIN usage_record AS r ON r.id = p.record
				GROUP BY 1, 2, 3, 4, 5
			), said AS (
				SELECT a.book, a.period, k.key, s.value, s.currency, s.cost FROM asked AS a CROSS JOIN key AS k CROSS JOIN LATERAL spend_by(k.key, a.book || 'a0', a.period, book => a.book) AS s
			)
			(SELECT * FROM traced EXCEPT SELECT * FROM said) UNION ALL (SELECT * FROM said EXCEPT SELECT * FROM traced)}, 'by values they are what trace_charge() says');
		none(q{WITH part AS MATERIALIZED (SELECT c.id, t.record, t.cost FROM charge AS c CROSS JOIN LATERAL trace_charge(c.id) AS t WHERE c.cost IS NOT NULL), traced AS (
				SELECT p.id, k.key, CASE k.key WHEN 'run' THEN coalesce(r.run, r.labels ->> 'run') ELSE r.labels ->> k.key END AS value, sum(p.cost) AS cost
				FROM part AS p CROSS JOIN spend_key AS k LEFT JOIN usage_record AS r ON r.id = p.record
				GROUP BY 1, 2, 3
			), said AS (SELECT charge, key, value, sum(cost) FROM spend_label GROUP BY 1, 2, 3)
			(SELECT * FROM traced EXCEPT SELECT * FROM said) UNION ALL (SELECT * FROM said EXCEPT SELECT * FROM traced)}, '... and so they are of closed periods');
	}
	else
	{
		# each share is within one unit of what it is in proportion
		none(q{WITH ruled AS (
				SELECT c.*, k.key FROM charge AS c CROSS JOIN spend_key AS k WHERE c.kind IN ('commitment', 'rounding', 'reserved unused')
			), spent AS (
				SELECT r.id, r.key, r.cost AS due, r.currency, s.value, CASE WHEN r.book IS NULL THEN 0 ELSE sum(s.cost) END AS cost
				FROM ruled AS r
				JOIN (SELECT DISTINCT p.id AS close, t.account, t.ancestor FROM period_close AS p JOIN billing_period AS b ON b.id = p.billing_period CROSS JOIN LATERAL account_tree(p.as_of) AS t WHERE t.valid && b.period) AS t
					ON t.close = r.close AND t.ancestor = r.account
				JOIN charge AS o ON o.close = r.close AND o.account = t.account AND o.corrects IS NOT DISTINCT FROM r.corrects AND o.corrects_payer IS NOT DISTINCT FROM r.corrects_payer AND o.currency = r.currency
				JOIN spend_share AS s ON s.charge = o.id AND s.key = r.key AND o.kind NOT IN ('commitment', 'rounding', 'reserved unused')
				GROUP BY r.id, r.key, r.cost, r.book, r.currency, s.value, CASE WHEN } . ($rule eq 'by_spend' ? 's.account' : '1') . q{ > 0 THEN } . ($rule eq 'by_spend' ? 's.account' : '1') . q{ END
				HAVING sum(s.cost) > 0
			), wanted AS (
				SELECT id, key, value, currency, sum(due * } . ($rule eq 'by_spend' ? 'cost' : '1') . q{ / total) AS cost, count(*) AS n
				FROM (SELECT s.*, sum(} . ($rule eq 'by_spend' ? 'cost' : '1') . q{) OVER (PARTITION BY id, key) AS total FROM spent AS s) AS s
				GROUP BY 1, 2, 3, 4
			)
			SELECT w.*, g.cost FROM wanted AS w JOIN currency AS m ON m.code = w.currency
			LEFT JOIN (SELECT charge, key, value, sum(cost) AS cost FROM spend_share GROUP BY 1, 2, 3) AS g ON g.charge = w.id AND g.key = w.key AND g.value IS NOT DISTINCT FROM w.value
			WHERE (abs(g.cost - w.cost) <= w.n * 10.0 ^ -m.ledger_scale) IS NOT TRUE}, "what has no record is shared out: $rule");
		cmp_ok($node->safe_psql('ledger', q{SELECT count(*) FROM spend_share WHERE by_rule AND value IS NOT NULL}), '>', 0, '... over values');
	}
}

# ------------------------------------------------------------------ what is broken

$node->safe_psql('ledger', q{UPDATE spend_share SET cost = cost + 0.01 WHERE ctid = (SELECT ctid FROM spend_share ORDER BY charge LIMIT 1);
	INSERT INTO spend_share SELECT 0, 'team', 'x', account, 1, day, false FROM spend_share LIMIT 1;});
is($node->safe_psql('ledger', q{SELECT count(*) FROM check_ledger() WHERE check_name = 'spend by label' AND severity = 'breach'}), '2', 'check_ledger() finds what does not add up, and what is of no charge');

done_testing();
