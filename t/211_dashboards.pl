# The dashboards for Grafana: their form by the types of @grafana/schema, and each panel's query, with Grafana's macros and
# variables put in, as the role that it is for, on some of the demo's data: the types that Grafana reads, the order of time,
# and figures against plain SQL on the tables.  A customer sees nothing more, whatever the variables say.
use strict;
use warnings;
use File::Temp;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @boards = qw(operator finops customer);
my %board = map { $_ => decode_json(slurp_file("dashboards/$_.json")) } @boards;
my $dir = File::Temp->newdir(CLEANUP => 1);

# ------------------------------------------------------------------ form
for my $name (@boards)
{
	my $board = $board{$name};
	is("$board->{uid} $board->{schemaVersion}", "compute-ledger-$name 39", "$name: fixed uid and schemaVersion");
	ok(!exists $board->{id}, "$name: no id of one Grafana's");
	my @variables = @{ $board->{templating}{list} };
	is("$variables[0]{name} $variables[0]{type} $variables[0]{query}", 'datasource datasource grafana-postgresql-datasource', "$name: the data source is a variable");
	my %declared = map { $_->{name} => 1 } @variables;
	my (%ids, %taken, @faults);
	for my $panel (@{ $board->{panels} })
	{
		push @faults, "id $panel->{id} twice" if $ids{ $panel->{id} }++;
		my $pos = $panel->{gridPos};
		push @faults, "$panel->{title} is outside" if $pos->{x} + $pos->{w} > 24;
		for my $x ($pos->{x} .. $pos->{x} + $pos->{w} - 1)
		{
			for my $y ($pos->{y} .. $pos->{y} + $pos->{h} - 1) { push @faults, "$panel->{title} overlaps" if $taken{"$x,$y"}++ }
		}
		next if $panel->{type} eq 'row';
		push @faults, "$panel->{title} says nothing of itself" unless $panel->{description};
		for my $with ($panel, @{ $panel->{targets} }) { push @faults, "$panel->{title} has another data source" unless $with->{datasource}{uid} eq '${datasource}' }
		push @faults, "$panel->{title} has more than one query" unless @{ $panel->{targets} } == 1;
		push @faults, map { "$panel->{title}: variable $_" } grep { !$declared{$_} } $panel->{targets}[0]{rawSql} =~ /\$\{(\w+)/g;
		push @faults, "$panel->{title}: a variable that is not quoted" if $panel->{targets}[0]{rawSql} =~ /\$\{\w+\}|\$(?!__|\{)\w/;
	}
	is(join('; ', @faults), '', "$name: panels have places, queries and quoted variables");
}
my $provisioned = slurp_file('dashboards/provisioning/datasources/compute_ledger.yaml');
like($provisioned, qr/^    type: grafana-postgresql-datasource$/m, 'the data source that is provisioned is of the type that dashboards ask for');
unlike($provisioned, qr/password: (?!\$)/, '... and has no password in the file');

# The types of Grafana's own.
sub check_types
{
	my (@boards) = @_;
	my $text = "import type { WrittenDashboard, PanelOptions, PanelCustom } from './types';\n";
	my $json = JSON::PP->new->canonical;
	for my $n (0 .. $#boards)
	{
		$text .= "export const board$n: WrittenDashboard = " . $json->encode($boards[$n]) . ";\n";
		for my $panel (@{ $boards[$n]{panels} })
		{
			$text .= "export const options${n}_$panel->{id}: PanelOptions<'$panel->{type}'> = " . $json->encode($panel->{options} // {}) . ";\n";
			$text .= "export const custom${n}_$panel->{id}: PanelCustom<'$panel->{type}'> = " . $json->encode($panel->{fieldConfig}{defaults}{custom} // {}) . ";\n";
		}
	}
	unlink "$dir/boards.ts";
	append_to_file("$dir/boards.ts", $text);
	my $out = '';
	IPC::Run::run([ "$dir/node_modules/.bin/tsc", qw(--noEmit --strict --skipLibCheck --module esnext --moduleResolution bundler --target es2022), "$dir/boards.ts" ], '<', \'', '>', \$out, '2>', \$out);
	return $out;
}

SKIP:
{
	skip 'npm is not installed: dashboards are not held against @grafana/schema', 4 unless 2 == grep { my $program = $_; grep { -x "$_/$program" } split /:/, $ENV{PATH} } qw(node npm);
	IPC::Run::run([ 'cp', map({ "t/grafana/$_" } qw(package.json package-lock.json types.ts)), "$dir/" ]);
	my $said = '';
	local %ENV = (%ENV, HOME => "$dir", npm_config_cache => "$dir/npm");
	IPC::Run::run([ 'npm', 'ci', '--prefix', "$dir", '--ignore-scripts', '--no-audit', '--no-fund' ], '<', \'', '>', \$said, '2>', \$said)
	  or skip 'npm cannot fetch @grafana/schema: dashboards are not held against it', 4;
	is(check_types(@board{@boards}), '', 'dashboards have the types of @grafana/schema');
	for my $wrong ([ 'schemaVersion', '"39"' ], [ 'graphTooltip', '7' ], [ 'pannels', '[]' ])
	{
		isnt(check_types({ %{ $board{customer} }, $wrong->[0] => JSON::PP->new->allow_nonref->decode($wrong->[1]) }), '', "... which tell of a wrong $wrong->[0]");
	}
}

# ------------------------------------------------------------------ a ledger: every 40th row of the demo's month, a year before
my $node = PostgreSQL::Test::Cluster->new('dashboards');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\njit = off\n");
$node->start;
my $db = 'postgres';
sub query { return $node->safe_psql($db, "SET search_path = public, compute_ledger; SET client_min_messages = warning;\n" . $_[0]) }

mkdir "$dir/month";
my $made = '';
ok(IPC::Run::run([ 'scripts/demo.d/scenario', "$dir/month" ], '>', \$made), 'the demo\'s month is made');
my $n = 0;
my $rows = join "\n", grep { $n++ % 40 == 7 && tr/,// == 8 && !/[\x80-\xff]/ } map { s/2026-/2025-/gr } split /\n/, slurp_file("$dir/month/usage.csv");
my (undef, @capacity) = split /\n/, slurp_file("$dir/month/capacity.csv");
my (undef, @prices) = split /\n/, slurp_file('scripts/demo.d/price.csv');
query('CREATE EXTENSION compute_ledger; SELECT create_ledger();
	CREATE TABLE raw (region text, account text, name text, devices text, started text, ended text, job text, number_format text, achieved text);
	COPY raw FROM STDIN (FORMAT csv);' . "\n$rows\n\\.\n"
	. "CREATE TABLE cards (region text, name text, devices numeric);\nCOPY cards FROM STDIN (FORMAT csv);\n" . join("\n", @capacity) . "\n\\.\n"
	. "CREATE TABLE list (class text, unit text, price numeric, currency text);\nCOPY list FROM STDIN (FORMAT csv);\n" . join("\n", @prices) . "\n\\.\n");
query(q{
	SELECT create_account(name, currency => 'CNY', time_zone => 'Asia/Shanghai') FROM unnest('{everyone,lantern-llm}'::text[]) AS name;
	SELECT create_account(account, parent => 'everyone') FROM (SELECT DISTINCT account FROM raw WHERE account NOT IN ('', 'lantern-llm')) AS a;
	SELECT create_region(region, 'provider') FROM (SELECT DISTINCT region FROM cards) AS r;
	INSERT INTO capacity (region, accelerator, devices, valid)
	SELECT region_id(region), identify(name), sum(devices) / 40, '[2025-06-01 00:00+08, 2025-07-01 00:00+08)' FROM cards WHERE identify(name) IS NOT NULL GROUP BY 1, 2;
	SELECT create_price(class, currency, price, unit => unit) FROM list WHERE unit IN ('device-hour', 'PFLOPh');
	SELECT create_price('nvidia/h800', 'CNY', 15, account => 'lantern-llm', committed_devices => 3, committed_price => 12), create_price('nvidia/h20', 'CNY', 9, account => 'lantern-llm', minimum => 1e6);
	INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, number_format, labels)
	SELECT 'demo', row_number() OVER (ORDER BY r)::text, account, region, name, devices, started, ended, number_format, CASE WHEN right(job, 1) > '2' THEN jsonb_build_object('user', 'user ' || right(job, 1)) END FROM raw AS r;
	SELECT accepted FROM accept_usage('fp16')});
query("SELECT close_period('$_', '[2025-06-01 00:00+08, 2025-07-01 00:00+08)', waive => ARRAY(SELECT name FROM account))") for qw(everyone lantern-llm);
query(q{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
	SELECT 'demo', 'late ' || a, a, 'beijing', 'NVIDIA H20', 4, '2025-06-12T00:00Z', '2025-06-12T07:30Z' FROM unnest('{lantern-llm,jade-weather}'::text[]) AS a;
	INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at) VALUES ('demo', 'bad', 'lantern-llm', 'beijing', 'NVIDIA H20', '-4', '2025-06-12T00:00Z'), ('demo', 'bad too', 'jade-weather', 'beijing', 'NVIDIA H20', '-5', '2025-06-12T00:00Z');
	SELECT accepted FROM accept_usage('fp16')});
query("SELECT close_period('$_', '[2025-07-01 00:00+08, 2025-08-01 00:00+08)', waive => ARRAY(SELECT name FROM account))") for qw(everyone lantern-llm);
query(q{SELECT refresh_rollups();
	CREATE ROLE grafana_auditor LOGIN; CREATE ROLE grafana_customer LOGIN; SELECT grant_access('grafana_auditor', 'auditor'), grant_access('grafana_customer', 'reader', 'lantern-llm')});
my %role = (operator => 'grafana_auditor', finops => 'grafana_auditor', customer => 'grafana_customer');

# ------------------------------------------------------------------ as Grafana asks
my ($from, $to) = ('2025-05-31T16:00:00Z', '2025-06-30T15:59:59.999Z');

sub literal { return "'" . $_[0] =~ s/'/''/gr . "'" }

# Puts variables and macros in as Grafana's data source does.
sub expand
{
	my ($sql, $value) = @_;
	$sql =~ s/\$\{(\w+):sqlstring\}/join ',', map { literal($_) } @{ $value->{$1} }/ge;
	$sql =~ s/\$__timeFilter\(([^()]*)\)/$1 BETWEEN '$from' AND '$to'/g;
	$sql =~ s/\$__timeFrom\(\)/'$from'/g;
	$sql =~ s/\$__timeTo\(\)/'$to'/g;
	die "not expanded: $sql" if $sql =~ /\$__|\$\{/;
	return $sql;
}

sub ask
{
	my ($role, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql($db, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role ]);
	return ($out, $err);
}

# The values that a board's variables have, first what the later ones may use.
sub values_of
{
	my ($name) = @_;
	my %value;
	for my $variable (grep { $_->{type} eq 'query' } @{ $board{$name}{templating}{list} })
	{
		my ($out, $err) = ask($role{$name}, expand($variable->{query}, \%value));
		is($err, '', "$name: variable $variable->{name}");
		my @all = split /\n/, $out;
		cmp_ok(scalar @all, '>', 0, '... has values');
		$value{ $variable->{name} } = $variable->{multi} ? \@all : [ $all[0] ];
	}
	return \%value;
}

# ------------------------------------------------------------------ plain SQL
# Hours of use within the time shown, by region, chip, account and hour; charges, by their days.
query(q{
	CREATE TABLE shown AS SELECT timestamptz '2025-05-31 16:00Z' AS since, timestamptz '2025-06-30 16:00Z' AS until;
	CREATE TABLE h AS
	SELECT r.name AS region, accelerator_trunc('memory', u.accelerator) AS chip, a.name AS account, h.h, u.devices * u.share / 1680000 * extract(epoch FROM least(u.ended_at, h.h + interval '1 hour') - greatest(u.started_at, h.h)) / 3600 AS hours
	FROM usage_record AS u JOIN account AS a ON a.id = u.account JOIN region AS r ON r.id = u.region CROSS JOIN shown, generate_series(date_trunc('hour', u.started_at), u.ended_at, interval '1 hour') AS h (h)
	WHERE u.superseded = 'infinity' AND least(u.ended_at, h.h + interval '1 hour') > greatest(u.started_at, h.h) AND h.h >= since AND h.h < until;
	CREATE TABLE c AS SELECT c.*, a.name FROM charge AS c JOIN account AS a ON a.id = c.account WHERE book = 'sale' AND coalesce(c.day, (lower(c.period) AT TIME ZONE 'Asia/Shanghai')::date) BETWEEN '2025-06-01' AND '2025-06-30';
	CREATE TABLE held AS SELECT sum(devices) * 720 AS hours FROM capacity;
});

my %lantern = (h => "h WHERE account = 'lantern-llm'", c => "c WHERE name = 'lantern-llm' AND cost IS NOT NULL");
my $spent = sub { my ($from) = @_; return [ 'sum(value)', "SELECT sum(cost) FROM $from" ] };
my $saved = sub { my ($from) = @_; return "SELECT 1 - sum(cost) / sum(list_cost) FROM $from AND list_cost IS NOT NULL" };
my $committed = sub { my ($from) = @_; return [ 'sum(used) * 1e6 + sum(unused)', "SELECT coalesce(sum(cost) FILTER (WHERE kind = 'reserved used'), 0) * 1e6 + sum(cost) FILTER (WHERE kind IN ('reserved unused', 'commitment')) FROM $from" ] };
my $known = 'h JOIN (SELECT DISTINCT r.name AS region, c.accelerator AS chip FROM capacity AS c JOIN region AS r ON r.id = c.region) AS k USING (region, chip)';
my %expected = (    # of each panel: a figure of what it shows, and the query for it
	'operator/Allocated of the capacity' => [ 'allocated', "SELECT sum(h.hours) / min(held.hours) FROM $known CROSS JOIN held" ],
	'operator/Device-hours allocated' => [ 'allocated', 'SELECT sum(hours) FROM h' ],
	'operator/Reserved and unused' => [ 'unused', 'SELECT 0' ],
	'operator/Rollups are of' => [ 'age < 1000', 'SELECT true' ],
	'operator/Allocated of the capacity, by region' => [ "max(value) FILTER (WHERE time = '2025-06-10 03:00Z' AND metric = 'wuhan')",
		"SELECT sum(hours) / (SELECT sum(devices) FROM capacity WHERE region = region_id('wuhan')) FROM $known WHERE region = 'wuhan' AND h = '2025-06-10 03:00Z'" ],
	'operator/Devices' => [ 'sum(capacity) * 10 + sum(allocated)', 'SELECT min(held.hours) * 10 + sum(h.hours) FROM h, held' ],
	'operator/By region and chip' => [ "sum(allocated) FILTER (WHERE region = 'beijing')", "SELECT sum(hours) FROM h WHERE region = 'beijing'" ],
	'operator/Records begun, by region' => [ "sum(value) FILTER (WHERE metric = 'shanghai')", q{SELECT count(*) FROM usage_record, shown WHERE superseded = 'infinity' AND started_at < ended_at AND region = region_id('shanghai') AND started_at BETWEEN since AND until} ],
	'operator/Recorded time is behind by' => [ 'lag < 1000', 'SELECT true' ],
	'operator/In the inbox' => [ 'records', 'SELECT count(*) FROM usage_inbox' ],
	'operator/Rejected' => [ 'records', 'SELECT count(*) FROM usage_rejected' ],
	'operator/Open' => [ 'records', q{SELECT count(*) FROM usage_record WHERE ended_at = 'infinity'} ],
	'operator/Closings due' => [ 'closings > 0', 'SELECT true' ],
	'operator/Months ahead' => [ 'months', 'SELECT -1' ],
	'operator/All figures' => [ 'count(*)', 'SELECT count(*) FROM ledger_health' ],
	'operator/Rejected, by reason' => [ 'sum(records)', 'SELECT count(*) FROM usage_rejected' ],
	'finops/Spend' => [ 'spend', 'SELECT sum(cost) FROM c' ],
	'finops/Below list' => [ 'saved', $saved->('c WHERE true') ],
	'finops/Corrections' => [ 'corrections', 'SELECT sum(cost) FROM c WHERE corrects IS NOT NULL' ],
	'finops/Device-hours without a price' => [ 'unpriced', q{SELECT sum(amount) / 1680000 / 3.6e9 FROM c WHERE kind = 'unpriced'} ],
	'finops/Spend by chip' => $spent->('c WHERE cost IS NOT NULL'),
	'finops/By account' => [ "sum(saved) FILTER (WHERE account = 'lantern-llm')", "SELECT sum(list_cost - cost) FROM c WHERE name = 'lantern-llm'" ],
	'finops/By chip' => [ "sum(cost) FILTER (WHERE chip = 'nvidia/h20-96gb')", "SELECT sum(cost) FROM c WHERE accelerator = 'nvidia/h20-96gb'" ],
	'finops/Spend by label' => [ "sum(cost) + 1e9 * count(*)", 'SELECT sum(cost) + 8e9 FROM c' ],
	'finops/Commitments, used and unused' => $committed->('c'),
	'finops/Closed billing periods' => [ 'sum(payable)', q{SELECT sum(round(cost, 2)) FROM (SELECT payer, sum(cost) AS cost FROM c WHERE corrects IS NULL GROUP BY payer) AS p} ],
	'customer/Device-hours allocated' => [ 'allocated', "SELECT sum(hours) FROM $lantern{h}" ],
	'customer/Records begun' => [ 'records', q{SELECT count(*) FROM usage_record, shown WHERE superseded = 'infinity' AND started_at < ended_at AND account = account_id('lantern-llm') AND started_at BETWEEN since AND until} ],
	'customer/Spend' => [ 'spend', "SELECT sum(cost) FROM $lantern{c}" ],
	'customer/Below list' => [ 'saved', $saved->($lantern{c}) ],
	'customer/Devices allocated, by region' => [ "max(value) FILTER (WHERE time = '2025-06-10 03:00Z' AND metric = 'beijing')", "SELECT sum(hours) FROM $lantern{h} AND region = 'beijing' AND h = '2025-06-10 03:00Z'" ],
	'customer/Device-hours, by account' => [ "sum(value) FILTER (WHERE time = '2025-06-10 00:00Z')", "SELECT sum(hours) FROM $lantern{h} AND (h AT TIME ZONE 'Asia/Shanghai')::date = '2025-06-10'" ],
	'customer/Spend by chip' => $spent->($lantern{c}),
	'customer/Spend by label' => [ "sum(cost) + 1e9 * count(*)", "SELECT sum(cost) + 8e9 FROM $lantern{c}" ],
	'customer/By account and chip' => [ "sum(cost) FILTER (WHERE chip = 'nvidia/h800-sxm5-80gb')", "SELECT sum(cost) FROM $lantern{c} AND accelerator = 'nvidia/h800-sxm5-80gb'" ],
	'customer/Commitments, used and unused' => $committed->("c WHERE name = 'lantern-llm'"),
	'customer/Closed billing periods' => [ 'sum(payable)', q{SELECT round(sum(cost), 2) FROM c WHERE corrects IS NULL AND payer = account_id('lantern-llm')} ],
	'customer/Rejected' => [ 'count(*)', q{SELECT count(*) FROM usage_rejected WHERE account = 'lantern-llm'} ],
);

# ------------------------------------------------------------------ each panel
my %types = map { $_ => 1 } ('timestamp with time zone', 'double precision', 'text');
for my $name (@boards)
{
	my $value = values_of($name);
	for my $panel (grep { $_->{targets} } @{ $board{$name}{panels} })
	{
		my $what = "$name/$panel->{title}";
		my $sql = expand($panel->{targets}[0]{rawSql}, $value);
		my ($out, $err) = ask($role{$name}, "$sql \\gdesc\n");
		is($err, '', "$what can be asked");
		my %column = map { split /\|/, $_, 2 } split /\n/, $out;
		is(join(', ', map { "$_ $column{$_}" } grep { !$types{ $column{$_} } } sort keys %column), '', '... its types are those that Grafana reads');
		my ($rows) = ask($role{$name}, "SELECT count(*) FROM ($sql) AS r");
		cmp_ok($rows, '>', 0, '... it has rows');
		if ($panel->{targets}[0]{format} eq 'time_series')
		{
			is($column{time}, 'timestamp with time zone', '... has a time');
			is((ask($role{$name}, "SELECT count(*) FROM (SELECT time < lag(time) OVER () AS back FROM ($sql) AS r) AS t WHERE back OR back IS NULL AND false"))[0], '0', '... which ascends');
		}
		my $expected = delete $expected{$what} or fail("$what is compared") or next;
		my ($figure) = ask($role{$name}, "SELECT f FROM (SELECT $expected->[0] AS f FROM ($sql) AS r) AS f") or next;
		my $right = query($expected->[1]);
		my $same = $figure eq $right || $figure =~ /^-?[\d.e+-]+$/ && abs($figure - $right) <= 1e-9 * abs($right);
		ok($same, "$what is what the tables say") or diag "$figure, expected $right";
	}
}
is(join(', ', sort keys %expected), '', 'every panel that is expected is there');

# ------------------------------------------------------------------ a customer asks for more
my @others = grep { $_ ne 'lantern-llm' } split /\n/, query('SELECT name FROM account ORDER BY name');
cmp_ok(scalar @others, '>', 5, 'there are others');
my $value = values_of('customer');
is("@{ $value->{account} }", 'lantern-llm', 'his variable offers his account only');
for my $panel (grep { $_->{targets} } @{ $board{customer}{panels} })
{
	my $sql = $panel->{targets}[0]{rawSql};
	my ($own) = ask('grafana_customer', expand($sql, $value));
	is((ask('grafana_customer', expand($sql, { %$value, account => [ 'lantern-llm', @others ] })))[0], $own, "$panel->{title}: all accounts are his own");
	my ($none, $err) = ask('grafana_customer', expand($sql, { %$value, account => [ @others, "x') OR true OR account IN ('" ] }));
	is($err, '', "$panel->{title}: others' accounts can be asked for");
	unlike($none, qr/[1-9]/, '... and show nothing') unless $sql !~ /\$\{account/;
	# what a browser sends is any SQL: with quotes broken out of, too
	my ($all) = ask('grafana_customer', expand($sql =~ s/account(?:_name)? IN \(\$\{account:sqlstring\}\)/true/r, $value));
	is($all, $own, '... nor does a query without the condition');
}
for my $relation (split /\n/, query(q{SELECT c.relname FROM pg_class AS c WHERE relnamespace = 'compute_ledger'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND (relname ~ 'charge|usage|spend|account|price$|utilization' AND relname !~ '^my_|^spend_(key|rule)$')}))
{
	my ($out, $err) = ask('grafana_customer', "SELECT count(*) FROM compute_ledger.$relation");
	like($err, qr/permission denied/, "his role cannot read $relation");
}

$node->stop;
done_testing();
