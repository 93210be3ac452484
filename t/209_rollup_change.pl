# Rollups to which what has changed is added, against rollups that are computed anew: random ledgers, in which everything
# that can be recorded is, between refreshes; and what check_ledger() says of a cell that is wrong.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261130;
my $rounds = $ENV{COMPUTE_LEDGER_ROUNDS} // 27;
srand($seed);
note "seed $seed, $rounds rounds";

my $node = PostgreSQL::Test::Cluster->new('rollup_change');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\n");
$node->start;
my $db = 'postgres';

sub query { return $node->safe_psql($db, $_[0]) }
sub one_of { return $_[ rand @_ ] }

# Instants of the last weeks, and a little to come; a month is over, to be closed.
my $start = query(q{SELECT date_trunc('month', now() - interval '31 days')});
my $micros = query("SELECT (extract(epoch FROM now() - timestamptz '$start') * 1000000)::bigint");
sub at { return "timestamptz '$start' + interval '" . int(rand($micros)) . " microseconds'" }
sub hour { return "date_trunc('hour', " . at() . ')' }
sub since { return one_of(hour(), hour(), at(), "timestamptz '$start' - interval '1 year'", "now() + interval '1 year'") }

my @payers = map { "p$_" } 1 .. 3;
my @accounts = (@payers, map { ("$_/a", "$_/b", "$_/b/c") } @payers);
my @zones = ('UTC', 'UTC', 'Asia/Kolkata', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns');
my @regions = ('r/1', 'r/2');
my @chips = ([ 'nvidia/h100-sxm5-80gb', '1680000', "'989.4 TFLOPS'" ], [ 'nvidia/h100-sxm5-80gb', '1680000', "'989.4 TFLOPS'" ], [ 'nvidia/a100-pcie-40gb:1g.5gb', '240000', "'44.571429 TFLOPS'" ],
	[ 'nvidia/a100-pcie-40gb:1g.5gb', 'NULL', "'44.571429 TFLOPS'" ], [ 'nvidia/a100-pcie-40gb', '1680000', 'NULL' ], [ 'amd/mi300x', '1680000', "'1307.4 TFLOPS'" ]);

query('CREATE EXTENSION compute_ledger; SELECT create_ledger()');
query(join ';', (map { "SELECT create_account('$_', currency => 'USD', time_zone => '" . one_of(@zones) . "')" } @payers),
	(map { my $above = s{/[^/]+$}{}r; "SELECT create_account('$_', parent => '$above')" } grep { m{/} } @accounts),
	"SELECT create_region('r', 'provider')", (map { "SELECT create_region('$_', 'region', 'r')" } @regions),
	q{SELECT generate_billing_periods(NULL, (now() + interval '40 days')::date)},
	"SELECT _make_usage_partition(m::date) FROM generate_series(timestamptz '$start' - interval '10 days', now() + interval '40 days', '1 month') AS m");
query(q{
	INSERT INTO price (accelerator, currency, model, tier_bounds, tier_prices, pool) VALUES ('any', 'USD', 'graduated', '{50,200}', '{3,2,1.123}', 'all');
	INSERT INTO price (account, accelerator, currency, price, minimum) SELECT id, 'amd', 'USD', 1.5, 500 FROM account WHERE name IN ('p1/a', 'p2');
	INSERT INTO price (account, accelerator, currency, price, committed_devices, committed_price) SELECT id, 'nvidia/a100', 'USD', 4, 2, 1 FROM account WHERE name IN ('p3');
	INSERT INTO accelerator_alias (alias, accelerator) VALUES ('Old Name', 'nvidia/l4');
	SELECT create_pool('r/1', 'nvidia/h100-sxm5-80gb');
	SELECT create_pool('r/2', 'amd/mi300x')});
query("SELECT offer_devices(id, 1000, tstzrange('$start', NULL), now => '$start') FROM pool");

my ($records, $created) = (0, 0);

# Of a reservation (SQL that gives one), or not; in one of the chips or the reservation's.
sub record
{
	my ($reservation, $what) = @_;
	my ($chip, $share, $rate) = @{ one_of(@chips) };
	my $basis = one_of(5, 5, 5, 8);
	my $begin = rand() < 0.05 ? "now() + interval '2 minutes'" : at();
	my $devices = one_of(1, 8, '1.0/7', '0.3333333333', '1e-9', 2);
	my $length = one_of('1 microsecond', '17 minutes 0.000001 seconds', int(rand 3000) . ' minutes', int(rand 20) . ' days');
	my $end = rand() < 0.12 ? "'infinity'" : "least(x.at + interval '$length', now() + interval '3 minutes')";
	my $achieved = rand() < 0.3 ? "'1234567.89 TFLOPh'" : 'NULL';
	$records++;
	return "INSERT INTO usage_record (account, started_at, ended_at, batch, region, revision, basis, accelerator, share, rate, devices, measure, achieved_work, reservation, source, source_id, account_name, region_name, accelerator_name)
		SELECT r.account, x.at, greatest($end, x.at + interval '1 microsecond'), 0, p.region, 0, 5, p.accelerator, 1680000, CASE WHEN r.id % 5 > 0 THEN '989.4 TFLOPS\@bf16'::compute_rate END, $devices, '" . one_of('allocated', 'used') . "', $achieved, r.id, 'x', '$records', 'x', 'x', 'x'
		FROM (SELECT * FROM reservation ORDER BY md5(id::text || '" . rand() . "') LIMIT 1) AS r JOIN pool AS p ON p.id = r.pool
		CROSS JOIN LATERAL (SELECT least(lower(r.period) + (coalesce(upper(r.period), now()) - lower(r.period)) * " . (rand() - 0.1) . ", now()) AS at) AS x" if $reservation;
	return "INSERT INTO usage_record (account, started_at, ended_at, batch, region, revision, basis, accelerator, share, rate, devices, measure, achieved_work, source, source_id, account_name, region_name, accelerator_name)
		SELECT u.account, u.at, greatest($end, u.at + interval '1 microsecond'), 0, region_id('" . one_of(@regions) . "'), 0, $basis, '$chip', $share, with_basis(${rate}::compute_rate, $basis), $devices, '" . one_of(qw(allocated reserved used)) . "', $achieved, 'x', '$records', 'x', 'x', 'x'
		FROM (SELECT account_id('" . one_of(@accounts) . "', s.at) AS account, s.at FROM (SELECT $begin AS at) AS s) AS u, LATERAL (SELECT u.at) AS x WHERE u.account IS NOT NULL";
}

sub random_row { return "ORDER BY md5($_[0]::text || '" . rand() . "') LIMIT 1" }
# A record by the front door, in SQL that a revision of it can repeat.
sub offered { return "SELECT record_usage('door', '" . int(rand 40) . "', '" . one_of(@accounts) . "', '" . one_of(@regions) . "', '" . one_of('Old Name', 'H100', 'A100', 'L4') . "', " . one_of(1, 2.5, 8) . ", x.at, " . one_of('NULL', "least(x.at + interval '" . int(rand 100) . " hours 1 second', now())", "least(x.at + interval '9 hours', now())") . ', revision => ' . int(rand 6) . ", measure => '" . one_of(qw(allocated used)) . "', achieved_work => " . one_of('NULL', "'12.5 PFLOPh'") . ') FROM (SELECT ' . at() . ' AS at) AS x' }

my @kinds = (
	[ 'late record' => 6 => sub { record() } ],
	[ 'record of a reservation' => 4 => sub { record(1) } ],
	[ 'record, revision' => 4 => sub { offered() } ],
	[ 'retraction' => 1 => sub { "INSERT INTO usage_inbox (source, source_id, revision, retracted) VALUES ('door', '" . int(rand 40) . "', 7, 'true'); SELECT accept_usage()" } ],
	[ 'superseded' => 3 => sub { "SET session_replication_role = replica; UPDATE _usage_record SET superseded = ledger_stamp() WHERE id = (SELECT id FROM usage_record WHERE superseded = 'infinity' AND source <> 'compute_ledger' " . random_row('id') . ')' } ],
	[ 'another end' => 2 => sub { "SET session_replication_role = replica; WITH o AS (UPDATE _usage_record SET superseded = ledger_stamp() WHERE id = (SELECT id FROM usage_record WHERE superseded = 'infinity' AND source = 'x' AND ended_at = 'infinity' AND started_at < now() " . random_row('id') . ") RETURNING *)
		INSERT INTO _usage_record (account, started_at, ended_at, batch, kind, revision, devices, achieved_work, reservation, source_id, account_name)
		SELECT account, started_at, now(), 0, kind, revision + 1, devices, achieved_work, reservation, source_id, 'x' FROM o" } ],
	[ 'identified anew' => 1 => sub { "UPDATE accelerator_alias SET accelerator = '" . one_of('nvidia/l4', 'nvidia/t4', 'amd/mi300x') . "' WHERE alias = 'Old Name'; SELECT reidentify(accelerator_name => 'Old Name')" } ],
	[ 'another basis' => 1 => sub { "SELECT reidentify('" . one_of('fp8', 'bf16') . "', " . one_of("source => 'door'", "source => 'compute_ledger'", 'started => tstzrange(' . hour() . ', NULL)') . ')' } ],
	[ 'move' => 3 => sub { "SELECT move_account('" . one_of(@accounts) . "', '" . one_of(@accounts) . "', " . since() . ')' } ],
	[ 'merger' => 2 => sub { "SELECT merge_account('" . one_of(@accounts) . "', '" . one_of(@accounts) . "', " . one_of(hour(), at()) . ')' } ],
	[ 'no merger' => 1 => sub { 'DELETE FROM account_merge WHERE upper_inf(recorded) AND account = (SELECT account FROM account_merge WHERE upper_inf(recorded) ' . random_row('account') . ')' } ],
	[ 'time zone' => 2 => sub { "SELECT change_account('" . one_of(@accounts) . "', " . since() . ", time_zone => '" . one_of(@zones) . "')" } ],
	[ 'calendar' => 1 => sub { "SELECT change_account('" . one_of(@accounts) . "', " . since() . ", calendar => 'month/UTC')" } ],
	[ 'end of an account' => 1 => sub { "UPDATE account_version SET valid = tstzrange(lower(valid), x.at) FROM (SELECT " . at() . " AS at) AS x WHERE account = account_id('" . one_of(grep { m{/c$} } @accounts) . "', now()) AND upper_inf(recorded) AND valid \@> x.at" } ],
	[ 'new account' => 1 => sub { my $name = 'new' . ++$created; push @accounts, $name; "SELECT create_account('$name', parent => '" . one_of(@payers) . "'" . one_of('', ', valid_from => ' . at()) . ')' } ],
	[ 'capacity' => 2 => sub { "INSERT INTO capacity (region, accelerator, devices, valid, partition) SELECT id, '" . one_of('nvidia/h100-sxm5-80gb', 'nvidia/a100-pcie-40gb', 'nvidia/a100-pcie-40gb:1g.5gb', 'nvidia/a100-pcie-40gb:8g.40gb', 'amd/mi300x') . "', " . one_of(0, 8, 20.5) . ', tstzrange(x.at, ' . one_of('NULL', "x.at + interval '" . int(1 + rand 900) . " hours'") . "), '" . one_of('', 'q', 's') . "' FROM region, (SELECT " . one_of(at(), hour()) . " AS at) AS x WHERE name = '" . one_of(@regions) . "'" } ],
	[ 'another capacity' => 2 => sub { 'UPDATE capacity SET ' . one_of('devices = devices + 1', "valid = tstzrange(lower(valid), lower(valid) + interval '33 hours')", "valid = tstzrange(lower(valid) + interval '1 us', upper(valid))") . ' WHERE upper_inf(recorded) AND ctid = (SELECT ctid FROM capacity WHERE upper_inf(recorded) ' . random_row('ctid') . ')' } ],
	[ 'no capacity' => 1 => sub { 'DELETE FROM capacity WHERE upper_inf(recorded) AND ctid = (SELECT ctid FROM capacity WHERE upper_inf(recorded) ' . random_row('ctid') . ')' } ],
	[ 'reservation' => 4 => sub { "WITH b AS (SELECT (book('" . one_of(@accounts) . "', " . one_of(1, 2) . ', ' . int(1 + rand 9) . ', tstzrange(x.at, x.at + ' . one_of("interval '4 hours'", "interval '" . int(1 + rand 20) . " days'") . "), confirmed => true, preemptible => " . one_of('false', 'false', 'true') . ", now => x.at - interval '1 hour')).reservation AS id, x.at FROM (SELECT date_trunc('minute', " . one_of(at(), "now() - interval '5 hours'") . ") AS at) AS x) SELECT start_reservation(id, now => at) FROM b" } ],
	[ 'less of a reservation' => 2 => sub { "SELECT shrink_reservation(id, devices => 1, now => least(now(), date_trunc('minute', lower(period) + interval '2 hours'))) FROM reservation WHERE state = 'running' AND devices > 1 " . random_row('id') } ],
	[ 'end of a reservation' => 2 => sub { "SELECT end_reservation(id, now => least(now(), date_trunc('minute', lower(period) + interval '3 hours'))) FROM reservation WHERE state = 'running' " . random_row('id') } ],
	[ 'usage of reservations' => 2 => sub { 'SELECT record_reservations(' . one_of('now()', '') . ')' } ],
	[ 'price' => 1 => sub { "UPDATE price SET price = price + 1 WHERE id = (SELECT id FROM price WHERE upper_inf(recorded) AND price IS NOT NULL " . random_row('id') . ')' } ],
	[ 'closing' => 3 => sub { 'closing' } ],
	[ 'refresh of the past' => 1 => sub { "SELECT refresh_rollups((SELECT as_of - (interval '1 second' * " . rand() . ') FROM rollup_state))' } ],
	[ 'a month detached, or back' => 1 => sub { "DO \$\$ DECLARE part text := (SELECT c.relname FROM pg_class AS c WHERE c.relname ~ '^usage_record_20' AND c.relkind = 'r' ORDER BY c.relname LIMIT 1); first date := to_date(right(part, 7), 'YYYY_MM');
		BEGIN IF (SELECT c.relispartition FROM pg_class AS c WHERE c.oid = part::regclass) THEN EXECUTE format('ALTER TABLE _usage_record DETACH PARTITION %I', part);
		ELSE EXECUTE format('ALTER TABLE _usage_record ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, first || ' 00:00Z', (first + interval '1 month')::date || ' 00:00Z'); END IF; END \$\$" } ],
);
my @lots = map { my $kind = $_; ($kind) x $kind->[1] } @kinds;

# Closes the next period of a random payer.
sub close_next
{
	return query(q{
		SELECT coalesce((SELECT format('SELECT close_period(%L, %L, waive => (SELECT array_agg(name) FROM account))', n.name, n.period)
			FROM (SELECT DISTINCT ON (a.name) a.name, b.period FROM payers() AS p JOIN account AS a ON a.id = p.payer
				JOIN billing_period AS b ON b.calendar = p.calendar AND b.period && p.valid
				WHERE p.account = p.payer AND b.starts_at >= (SELECT min(started_at) - interval '1 month' FROM usage_record) AND b.ends_at < now()
					AND NOT EXISTS (SELECT FROM period_close AS c WHERE c.payer = p.payer AND c.billing_period = b.id)
				ORDER BY a.name, b.starts_at) AS n } . random_row('n.name') . q{), 'SELECT 1')});
}

# Runs a statement, which the ledger may refuse.
my (%done, %refused);
sub try
{
	my ($kind, $statement) = @_;
	my ($out, $err) = ('', '');
	$statement = close_next() if $statement eq 'closing';
	$node->psql($db, $statement, stdout => \$out, stderr => \$err, on_error_stop => 1, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($err, qr/^$|ERROR:\s+(23000|23001|23P01|22000|22023|55000|LC0\d\d|23514|23505|42704|P0001)\b/, "$kind: refused for a reason") or diag "$statement: $err" if $err;
	$done{$kind}++ if $err eq '';
	$refused{$kind}++ if $err ne '';
	return $err eq '';
}

# What users see, with numbers in one form.
my @views = qw(usage_hourly usage_daily utilization_hourly utilization_daily utilization_monthly spend_daily spend_monthly);
my %list = map {
	$_ => query("SELECT string_agg(CASE atttypid WHEN 'numeric'::regtype THEN format('trim_scale(%I)', attname) ELSE quote_ident(attname) END, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '$_'::regclass AND attnum > 0")
} @views;

# Compares what the refresh has made with what it makes of everything; returns the numbers of rows.
sub compare
{
	my ($what, @did) = @_;
	my $sql = join '', 'BEGIN;', (map { "CREATE TEMP TABLE one_$_ ON COMMIT DROP AS SELECT ROW($list{$_})::text AS r FROM $_;" } @views),
		# in several passes over the records, for a part of the accounts each
		"SET LOCAL maintenance_work_mem = '1MB'; SET LOCAL work_mem = '64kB'; SET LOCAL hash_mem_multiplier = 1;",
		'SELECT refresh_rollups((SELECT as_of FROM rollup_state), false) IS NULL;',
		(map { "SELECT '$_', count(*) FROM one_$_; SELECT format('$_: %s %s', d.side, d.r) FROM ((SELECT 'only added', r FROM one_$_ EXCEPT ALL SELECT 'only added', ROW($list{$_})::text FROM $_) UNION ALL (SELECT 'only anew', ROW($list{$_})::text FROM $_ EXCEPT ALL SELECT 'only anew', r FROM one_$_)) AS d (side, r) LIMIT 4;" } @views), 'ROLLBACK';
	my @lines = grep { $_ ne 'f' } split /\n/, query($sql);
	my @counts = grep { /^\w+\|\d+$/ } @lines;
	my @others = grep { !/^\w+\|\d+$/ } @lines;
	is("@others", '', "$what: what was added is what there is (@counts)") or diag join "\n", @did;
	is(query('SELECT * FROM _check_rollups() LIMIT 5'), '', "$what: and check_ledger() finds nothing") or diag join "\n", @did;
	return @counts;
}

query(join ';', map { record() } 1 .. 60);
query('SELECT refresh_rollups()');
compare('at first');
my @counts;
for my $round (1 .. $rounds)
{
	my @did;
	for my $n (1 .. 2 + rand 5)
	{
		my ($kind, undef, $make) = @{ $n == 1 && $round <= @kinds ? $kinds[ $round - 1 ] : one_of(@lots) };
		my $statement = $make->();
		push @did, "$kind: $statement" if try($kind, $statement);
	}
	query('SELECT refresh_rollups()');
	@counts = compare("round $round", @did);
}
note join ', ', map { "$_ $done{$_}" . ($refused{$_} ? " ($refused{$_} refused)" : '') } sort keys %done;
is(join(', ', grep { !$done{$_} } map { $_->[0] } @kinds), '', 'everything was recorded') if $rounds >= @kinds;
if ($rounds >= @kinds)
{
	cmp_ok((split /\|/)[1], q{>}, 0, "there are rows: $_") for @counts;
}

# A cell that is wrong is found, whatever is wrong with it.
for my $table (qw(_usage_hourly _usage_daily _unused_hourly _utilization_daily _fleet_hourly _fleet_daily _usage_monthly _capacity_monthly _spend_daily))
{
	# some of its columns, by the seed
	my @columns = split /\n/, query("SELECT attname FROM pg_attribute WHERE attrelid = '$table'::regclass AND attnum > 0 AND (atttypid IN ('numeric'::regtype, 'compute_unit'::regtype) OR atttypid = 'bigint'::regtype AND attname NOT IN ('account', 'payer')) ORDER BY attnum");
	for my $column (map { splice @columns, rand @columns, 1 } 1 .. 2)
	{
		my $plus = $column =~ /work|achieved/ ? "$column + with_basis('1 FLOP'::compute_unit, basis_code($column))" : "$column + 1";
		cmp_ok(query("BEGIN; UPDATE $table SET $column = $plus WHERE ctid = (SELECT ctid FROM $table WHERE $column IS NOT NULL ORDER BY ctid DESC LIMIT 1); SELECT count(*) FROM _check_rollups(); ROLLBACK"), '>', 0, "$table.$column")
			if query("SELECT count(*) FROM $table WHERE $column IS NOT NULL");
	}
	cmp_ok(query("BEGIN; DELETE FROM $table WHERE ctid = (SELECT ctid FROM $table LIMIT 1); SELECT count(*) FROM _check_rollups(); ROLLBACK"), '>', 0, "$table, a row less")
	  if query("SELECT count(*) FROM $table");
}
# Moved from one hour of a day to another, the sums stay.
cmp_ok(query(q{BEGIN; UPDATE _usage_hourly AS h SET device_time = h.device_time + CASE h.ctid WHEN x.a THEN 1 ELSE -1 END FROM (SELECT (array_agg(ctid))[1] AS a, (array_agg(ctid))[2] AS b FROM _usage_hourly GROUP BY account, region, accelerator, measure, basis, day HAVING count(*) > 1 LIMIT 1) AS x WHERE h.ctid IN (x.a, x.b);
	SELECT count(*) FROM _check_rollups(); ROLLBACK}), '>', 0, 'an hour too little, an hour too much');
done_testing();
