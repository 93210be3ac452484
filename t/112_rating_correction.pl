# Corrections on random ledgers: whatever is recorded of the past, no closed period that it changes is passed over, and
# what is billed for a closed period in the end, whoever was billed, is what its usage costs.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20250601;
my $rounds = $ENV{COMPUTE_LEDGER_ROUNDS} // 24;
srand($seed);
note "seed $seed, $rounds rounds";

my $node = PostgreSQL::Test::Cluster->new('rating_correction');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\n");
$node->start;
my $db = 'postgres';

sub one_of { $_[ rand @_ ] }
sub day { sprintf '2025-%02d-%02d %02d:00Z', 1 + rand 3, 1 + rand 28, rand 24 }
# of a change: also before all usage, and after it
sub since { one_of("2024-12-01Z", "2025-01-01Z", "2025-02-01Z", day(), day(), day(), '2025-06-01Z') }

my @payers = map { "p$_" } 1 .. 6;
my @accounts = (@payers, map { ("$_/a", "$_/b", "$_/b/c") } @payers);
my @regions = qw(v v/e v/e/1 v/w v/w/1);
my @chips = qw(nvidia/h100-sxm5-80gb nvidia/a100-pcie-40gb amd/mi300x google/tpu-v5p cerebras/wse-3);
my @classes = qw(any nvidia nvidia/h100 nvidia/h100-sxm5-80gb nvidia/a100 amd amd/mi300x google intel cerebras nvidia/b200);

$node->safe_psql($db, 'CREATE EXTENSION compute_ledger; SELECT create_ledger()');
$node->safe_psql($db, join ';', (map { "SELECT create_account('$_', currency => 'USD', time_zone => '" . one_of('UTC', 'UTC', 'Asia/Shanghai') . "')" } @payers),
	(map { my $above = s{/[^/]+$}{}r; "SELECT create_account('$_', parent => '$above')" } grep { m{/} } @accounts),
	"SELECT create_region('v', 'provider')", "SELECT create_region('v/e', 'region', 'v')", "SELECT create_region('v/e/1', 'site', 'v/e')", "SELECT create_region('v/w', 'region', 'v')", "SELECT create_region('v/w/1', 'site', 'v/w')",
	"SELECT generate_billing_periods(NULL, '2025-12-01')", map { "SELECT _make_usage_partition('$_')" } qw(2024-12-01 2025-01-01 2025-02-01 2025-03-01 2025-04-01));
$node->safe_psql($db, q{
	INSERT INTO price (accelerator, currency, model, tier_bounds, tier_prices, pool) VALUES ('any', 'USD', 'graduated', '{50,200}', '{3,2,1}', 'all');
	INSERT INTO price (accelerator, currency, price, unit) VALUES ('google', 'USD', 10, 'peak-device');
	INSERT INTO price (account, accelerator, currency, price, minimum) SELECT id, 'amd', 'USD', 1.5, 500 FROM account WHERE name IN ('p1/a', 'p2');
	INSERT INTO price (account, accelerator, currency, price, committed_devices, committed_price) SELECT id, 'cerebras', 'USD', 4, 2, 1 FROM account WHERE name IN ('p3', 'p4/b')});

my $records = 0;

sub late_record
{
	my ($measure) = @_;
	return sprintf q{INSERT INTO usage_record (account, started_at, ended_at, batch, region, revision, basis, accelerator, rate, devices, measure, source, source_id, account_name, region_name, accelerator_name)
		SELECT u.account, u.starts, u.starts + interval '%d minutes', 0, region_id('%s'), 0, 5, '%s', '1000 TFLOPS@bf16', %d, '%s', 'x', '%d', 'x', 'x', 'x'
		FROM (SELECT account_id('%s', s.starts) AS account, s.starts FROM (SELECT timestamptz '%s') AS s (starts)) AS u WHERE u.account IS NOT NULL},
		1 + rand 3000, one_of(@regions), one_of(@chips), 1 + rand 4, $measure // 'allocated', ++$records, one_of(@accounts), day();
}

my $created = 0;
my @kinds = (
	[ 'late record' => 6 => sub { late_record() } ],
	[ 'late record of another measure' => 1 => sub { late_record('used') } ],
	[ 'retraction' => 3 => sub { "SET session_replication_role = replica; UPDATE _usage_record SET superseded = ledger_stamp() WHERE id = (SELECT id FROM usage_record WHERE superseded = 'infinity' ORDER BY md5(id::text || '" . rand() . "') LIMIT 1)" } ],
	[ 'price' => 4 => sub {
			my ($account, $region, $from) = (one_of('NULL', 'NULL', "account_id('" . one_of(@accounts) . "')"), one_of('NULL', "region_id('" . one_of(@regions) . "')"), since());
			"INSERT INTO price (account, region, accelerator, currency, price, valid) VALUES ($account, $region, '" . one_of(@classes) . "', 'USD', 1 + " . int(rand 9) . ", tstzrange('$from', " . one_of('NULL', "timestamptz '$from' + interval '" . int(1 + rand 40) . " days'") . '))' } ],
	[ 'price of another measure' => 1 => sub { "INSERT INTO price (accelerator, measure, currency, price, valid) VALUES ('" . one_of(@classes) . "', 'used', 'USD', 1, '[2025-06-01,)')" } ],
	[ 'another price' => 2 => sub { "UPDATE price SET price = price + 1 WHERE id = (SELECT id FROM price WHERE upper_inf(recorded) AND price IS NOT NULL ORDER BY md5(id::text || '" . rand() . "') LIMIT 1)" } ],
	[ 'no price' => 1 => sub { "DELETE FROM price WHERE id = (SELECT id FROM price WHERE upper_inf(recorded) AND accelerator <> 'any' ORDER BY md5(id::text || '" . rand() . "') LIMIT 1)" } ],
	[ 'another minimum' => 1 => sub { 'UPDATE price SET minimum = minimum + 10 WHERE minimum IS NOT NULL AND upper_inf(recorded)' } ],
	[ 'move' => 4 => sub { "SELECT move_account('" . one_of(@accounts) . "', '" . one_of(@accounts) . "', '" . since() . "')" } ],
	[ 'merger' => 1 => sub { "SELECT merge_account('" . one_of(@accounts) . "', '" . one_of(@accounts) . "', '" . one_of('2025-02-01Z', day()) . "')" } ],
	[ 'time zone' => 1 => sub { "SELECT change_account('" . one_of(@accounts) . "', '" . since() . "', time_zone => '" . one_of('UTC', 'Asia/Shanghai', 'Europe/Berlin') . "')" } ],
	[ 'calendar' => 1 => sub { "SELECT change_account('" . one_of(@accounts) . "', '" . since() . "', calendar => 'month/UTC')" } ],
	[ 'title' => 1 => sub { "SELECT change_account('" . one_of(@accounts) . "', '" . since() . "', title => 'x" . rand() . "')" } ],
	[ 'new account' => 2 => sub { "SELECT create_account('new" . ++$created . "', parent => '" . one_of(@accounts) . "')" } ],
	[ 'new region' => 1 => sub { "SELECT create_region('new" . ++$created . "', 'site', '" . one_of(@regions) . "')" } ],
	[ 'region' => 1 => sub { "UPDATE region_version SET parent = region_id('" . one_of(qw(v/e v/w)) . "') WHERE region = region_id('" . one_of(qw(v/e/1 v/w/1)) . "') AND upper_inf(recorded)" } ],
	[ 'end' => 1 => sub { "UPDATE account_version SET valid = tstzrange(lower(valid), '2025-03-01Z') WHERE account = account_id('" . one_of(grep { m{/a$|/c$} } @accounts) . "', '2025-02-28Z') AND upper_inf(recorded) AND valid \@> timestamptz '2025-03-02Z'" } ],
);
my @lots = map { my $kind = $_; ($kind) x $kind->[1] } @kinds;

# Runs one statement; it may be one that the ledger refuses.
sub try
{
	my ($kind, $statement) = @_;
	my ($out, $err) = ('', '');
	my $rc = $node->psql($db, $statement, stdout => \$out, stderr => \$err, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($err, qr/^$|ERROR:\s+(23000|23001|23P01|22023|55000|LC006|23514)\b/, "$kind: refused for a reason") or diag "$statement: $err" if $err;
	return $err eq '';
}

# Closes the next period of a random payer, or of all.
sub close_next
{
	my $n = int $_[0];
	my @next = split /\n/, $node->safe_psql($db, qq{
		SELECT format('SELECT close_period(%L, %L, waive => (SELECT array_agg(name) FROM account))', n.name, n.period)
		FROM (SELECT DISTINCT ON (a.name) a.name, b.period FROM payers() AS p JOIN account AS a ON a.id = p.payer
			JOIN billing_period AS b ON b.calendar = p.calendar AND b.period && p.valid
			WHERE p.account = p.payer AND b.starts_at >= '2024-12-31 12:00Z' AND b.ends_at < '2025-12-02Z'
				AND NOT EXISTS (SELECT FROM period_close AS c WHERE c.payer = p.payer AND c.billing_period = b.id)
			ORDER BY a.name, b.starts_at) AS n
		ORDER BY md5(n.name || '} . rand() . qq{') LIMIT $n});
	$node->safe_psql($db, $_) for @next;
	return scalar @next;
}

$node->safe_psql($db, join ';', map { late_record() } 1 .. 200);
close_next(100) for 1 .. 2;
cmp_ok($node->safe_psql($db, q{SELECT count(*) FROM charge}), '>', 200, 'there are charges');

# Every closed period is rated, and compared with those that would be.
my ($periods, $changed, $rated, %done) = (0, 0, 0);
my $look = q{
	SELECT m.mark AS mark FROM (SELECT ledger_watermark() AS mark) AS m \gset
	CREATE TEMP TABLE picked AS SELECT * FROM _changed_periods('sale', ARRAY(SELECT DISTINCT payer FROM period_close), :'mark');
	SELECT count(*), count(*) FILTER (WHERE d.n > 0), (SELECT count(*) FROM picked),
		string_agg(format('account %s, period %s', p.payer, p.billing_period), '; ') FILTER (WHERE d.n > 0 AND NOT EXISTS (SELECT FROM picked AS k WHERE k.payer = p.payer AND k.billing_period = p.billing_period))
	FROM period_close AS p JOIN billing_period AS b ON b.id = p.billing_period
	CROSS JOIN LATERAL (SELECT count(*) AS n FROM _corrections(p.payer, p.billing_period, b.period, :'mark', 'sale')) AS d;
};
my $names = q{('closing', 'charge of another closing', 'billed twice', 'charges and rating')};
for my $round (1 .. $rounds)
{
	my @did;
	for my $n (1 .. 2 + rand 4)
	{
		# each kind at least once
		my ($kind, undef, $make) = @{ $n == 1 && $round <= @kinds ? $kinds[ $round - 1 ] : one_of(@lots) };
		my $statement = $make->();
		$done{$kind}++;
		push @did, "$kind: $statement" if try($kind, $statement);
	}
	my ($all, $really, $picked, $missed) = split /\|/, $node->safe_psql($db, $look), -1;
	is($missed, '', "round $round: none of $really that changed is passed over, of $all") or diag join "\n", @did;
	$periods += $all;
	$changed += $really;
	$rated += $picked;
	close_next(1 + rand 2) if $round % 2 == 0;
	is($node->safe_psql($db, "SELECT check_name, object, detail FROM _check_charges(ledger_watermark(), true, true, '-infinity') WHERE check_name IN $names"), '', "round $round: what was billed is what it costs") if $round % 12 == 0;
}
note "$periods closed periods were looked at, $changed had changed, $rated were rated: " . join ', ', map { "$done{$_} x $_" } sort keys %done;
is(join(', ', grep { !$done{$_} } map { $_->[0] } @kinds), '', 'everything was tried') if $rounds >= 24;
cmp_ok($changed, '>', 0, 'periods changed');
cmp_ok($rated, '<', $periods, 'not all were rated');

# In the end all is billed that there is somebody to bill for.
close_next(100);
is($node->safe_psql($db, q{SELECT DISTINCT a.name FROM rate_corrections(NULL) AS r JOIN account AS a ON a.id = r.payer
	EXCEPT SELECT a.name FROM _correction_payers('sale', ledger_watermark(), ledger_watermark()) AS f JOIN account AS a ON a.id = f.account WHERE f.payer IS NULL}), '', 'nothing is left for anybody');
is($node->safe_psql($db, "SELECT check_name, object, detail FROM check_ledger() WHERE check_name IN $names"), '', 'check_ledger() finds nothing');
is($node->safe_psql($db, q{
	SELECT c.id, c.kind, c.account, c.payer, c.corrects_payer, c.day, c.period, c.cost, t.cost, c.quantity, t.quantity, c.close FROM charge AS c CROSS JOIN LATERAL (SELECT sum(t.cost) AS cost, sum(t.quantity) AS quantity FROM trace_charge(c.id) AS t) AS t
	WHERE c.corrects IS NOT NULL AND c.cost IS NOT NULL AND (coalesce(t.cost, 0) <> c.cost OR coalesce(t.quantity, 0) <> c.quantity)}), '', 'every correction is the sum of its parts');
done_testing();
