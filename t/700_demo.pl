# The demo: its generator is deterministic, its loader loses no row, and its totals are what plain SQL says.
use strict;
use warnings;
use Digest::SHA;
use File::Temp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('demo');
$node->init;
$node->start;
my $dir = File::Temp->newdir(CLEANUP => 1);

# Runs a program of the project; returns exit status, standard output and error.
sub run_program
{
	my @command = @_;
	my ($out, $err) = ('', '');
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'none');
	$ENV{PGDATABASE} = shift(@command) =~ s/^db=//r if $command[0] =~ /^db=/;
	IPC::Run::run(\@command, '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

# A fresh database with the extension.
sub fresh_database
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, "CREATE EXTENSION compute_ledger; ALTER DATABASE $name SET search_path = demo, public, compute_ledger");
	return $name;
}

sub write_file
{
	my ($name, $content) = @_;
	open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!";
	print $out $content;
	close $out;
	return "$dir/$name";
}

# ---------------------------------------------------------------- the generator
mkdir "$dir/$_" for qw(a b);
my ($status, $made) = run_program('scripts/demo.d/scenario', "$dir/a");
is($status, 0, 'the scenario is made');
my ($jobs, $records, $twice, $bad) = $made =~ /^(\d+) jobs, (\d+) records, (\d+) of them sent twice, (\d+) bad rows$/
  or diag $made;
run_program('scripts/demo.d/scenario', '--seed', '7', "$dir/b");
my %digest = map { $_ => Digest::SHA->new(256)->addfile("$dir/$_/usage.csv")->hexdigest } qw(a b);
isnt($digest{a}, $digest{b}, 'another seed gives other bytes');
is($digest{a}, 'fe6b95be52e9fc3713930992dd9046aef6b46193626b9a04cf202b60b6f6fe35', 'this one always the same')  # on every platform, with every Perl
  or diag('if the scenario was changed on purpose, put the new digest here');

# ---------------------------------------------------------------- the scenario
my $db = fresh_database('scenario');
($status, my $report, my $said) =
  run_program("db=$db", 'scripts/demo.d/run', '--usage', "$dir/a/usage.csv", '--capacity', "$dir/a/capacity.csv", '--timezone', 'Asia/Shanghai');
is($status, 0, 'the demo runs') or diag $report, $said;

is($node->safe_psql($db, 'SELECT verdict, count(*) FROM checked GROUP BY verdict ORDER BY verdict'),
	join("\n", "duplicate|$twice", "refused|$bad", 'used|' . ($records - $twice - $bad)),
	'duplicates, refused and used rows are those that the generator made');
is($node->safe_psql($db, 'SELECT count(*) FROM checked'), $records, 'and add up to the rows of the file');
is($node->safe_psql($db, 'SELECT count(*) FROM usage'), $jobs, 'every job is used once');
is($node->safe_psql($db, 'SELECT sum(rows) FROM name'), $jobs, 'names are counted over all of them');
is($node->safe_psql($db, q{SELECT name FROM usage WHERE used IS NULL GROUP BY name ORDER BY name COLLATE "C"}), "NVIDIA Graphics Device\ngres/gpu",
	'only names that mean no chip have no compute');

my %sql = (
	'no group of cards is ever used beyond what there is' => [ 't', q{
		-- Plain SQL: +n and -n events, ends before starts; MIG slices as sevenths.
		WITH event AS (
			SELECT region, accelerator_trunc('memory', accelerator) AS chip, at, sum(change) AS change
			FROM (SELECT region, accelerator, lower(period) AS at, cards AS change FROM usage WHERE accelerator IS NOT NULL AND NOT isempty(period)
				UNION ALL SELECT region, accelerator, upper(period), -cards FROM usage WHERE accelerator IS NOT NULL AND NOT isempty(period)) AS e
			GROUP BY 1, 2, 3
		), level AS (SELECT region, chip, sum(change) OVER (PARTITION BY region, chip ORDER BY at) AS level FROM event
		), top AS (SELECT region, chip, max(level) AS peak FROM level GROUP BY 1, 2)
		SELECT bool_and(peak <= devices + 0.000001) AND count(*) = (SELECT count(*) FROM capacity)
		FROM top JOIN capacity USING (region) WHERE capacity.accelerator @> top.chip} ],
	'peaks are those of plain SQL' => [ 't', q{
		WITH event AS (
			SELECT region, at, sum(change) AS change
			FROM (SELECT region, lower(period) AS at, cards AS change FROM usage WHERE NOT isempty(period)
				UNION ALL SELECT region, upper(period), -cards FROM usage WHERE NOT isempty(period)) AS e
			GROUP BY 1, 2
		), top AS (SELECT region, max(level) AS peak FROM
			(SELECT region, sum(change) OVER (PARTITION BY region ORDER BY at) AS level FROM event) AS l GROUP BY region)
		SELECT bool_and(abs(top.peak - p.peak) < 0.001) AND count(*) = 4
		FROM top JOIN (SELECT region, peak(sum(profile)) AS peak FROM in_use GROUP BY region) AS p USING (region)} ],
	'compute by region and account is what plain numeric arithmetic says' => [ 't', q{
		-- A row: rate x devices x seconds, rounded half to even to a FLOP; a slice's rate is its share, rounded to an MFLOP/s.
		WITH record AS (
			SELECT region, account, devices * extract(epoch FROM upper(period) - lower(period)) *
				CASE WHEN slices IS NULL THEN flops ELSE round(flops * slices / 7, -6) END AS x
			FROM (SELECT *, substring(accelerator::text FROM ':([0-9])g')::numeric AS slices FROM usage) AS u
			JOIN (VALUES ('a800', 312e12), ('h800', 989.4e12), ('h20', 148e12), ('ascend-910b', 376e12), ('ascend-910b2', 376e12),
				('ascend-910b3', 313e12), ('ascend-910b4', 280e12), ('k100-ai', 196e12), ('mlu370-x8', 96e12)) AS peak (model, flops)
			ON peak.model = substring(accelerator::text FROM '/(ascend-[0-9a-z]+|mlu370-x8|k100-ai|[a-z0-9]+)')
		), summed AS (
			SELECT region, account, sum(floor(x) + CASE WHEN x - floor(x) > 0.5 OR (x - floor(x) = 0.5 AND floor(x) % 2 = 1) THEN 1 ELSE 0 END) AS flop
			FROM record GROUP BY region, account
		)
		SELECT bool_and(summed.flop = compute::numeric) AND count(*) = (SELECT count(*) FROM compute WHERE account IS NOT NULL)
		FROM summed JOIN compute USING (region, account)} ],
	'cost by account is what plain numeric arithmetic says' => [ 't', q{
		-- The price of every chip, written out by hand from price.csv.
		WITH plain AS (
			SELECT account, sum(CASE
				WHEN a ~ ':1g' THEN 1.35 * 7 * devices * seconds * 1
				WHEN a ~ 'a800.*:[0-9]g' THEN 7.60 * devices * seconds * substring(a FROM ':([0-9])g')::numeric
				WHEN a ~ 'a800' THEN 7 * 7.60 * devices * seconds
				WHEN a ~ 'h800' THEN 7 * 18.80 * devices * seconds
				WHEN a ~ 'h20' THEN 7 * 6.40 * devices * seconds
				WHEN a ~ '910b$' THEN 7 * 15.20 * 0.376 * devices * seconds
				WHEN a ~ '910b2' THEN 7 * 5.90 * devices * seconds
				WHEN a ~ '910b3' THEN 7 * 15.20 * 0.313 * devices * seconds
				WHEN a ~ '910b4' THEN 7 * 15.20 * 0.280 * devices * seconds
				WHEN a ~ '^hygon/' THEN 7 * 3.80 * devices * seconds
				WHEN a ~ '^cambricon/' THEN 7 * 16.50 * 0.096 * devices * seconds END) AS price_seconds
			FROM (SELECT account, accelerator::text AS a, devices, extract(epoch FROM upper(period) - lower(period)) AS seconds FROM usage) AS u
			GROUP BY account
		)
		SELECT bool_and(abs(price_seconds / 25200 - cost) <= charges * 0.000000005 + 0.000001) AND count(*) = 9
		FROM plain JOIN (SELECT name AS account, sum(cost) AS cost, count(*) AS charges FROM charge JOIN account ON account.id = charge.account
			GROUP BY name) AS c USING (account)} ],
	'every row that is used, but for unknown names, is a record, and every one of them once' => [ 't', q{
		SELECT count(*) = (SELECT count(*) FROM usage WHERE accelerator IS NOT NULL) AND count(DISTINCT source_id) = count(*)
		FROM usage_record WHERE superseded = 'infinity'} ],
	'what is rejected is what has an unknown name' => [ 't', q{
		SELECT count(*) = (SELECT count(*) FROM checked AS c JOIN name AS n USING (name) WHERE n.accelerator IS NULL AND c.verdict <> 'refused')
			AND bool_and(sqlstate = 'LC003') FROM usage_rejected} ],
	'records agree with the tables in account, region, chip, devices, time and compute' => [ '0', q{
		SELECT count(*) FROM (
			SELECT a.name, g.name, r.accelerator, r.devices, tstzrange(r.started_at, r.ended_at), work(r.rate, tstzrange(r.started_at, r.ended_at), r.devices)::numeric
			FROM usage_record AS r JOIN account AS a ON a.id = r.account JOIN region AS g ON g.id = r.region WHERE r.superseded = 'infinity'
			EXCEPT ALL
			SELECT account, region, accelerator, devices, period, used::numeric FROM usage) AS d} ],
	'no account is charged for the usage of another' => [ 't', q{
		SELECT bool_and(abs(c.hours - u.hours) < 0.000001) AND count(*) = 9
		FROM (SELECT a.name AS account, sum(amount) / 6048000000000000 AS hours FROM charge AS h JOIN account AS a ON a.id = h.account GROUP BY a.name) AS c
		JOIN (SELECT account, sum(devices * extract(epoch FROM upper(period) - lower(period))) / 3600 AS hours FROM usage WHERE accelerator IS NOT NULL
			GROUP BY account) AS u USING (account)} ],
	'the late record is charged once, as a correction' => [ 't', q{
		SELECT count(*) > 0 AND bool_and(h.account = (SELECT a.id FROM late AS l JOIN account AS a ON a.name = l.account))
			AND abs(sum(h.amount) / 6048000000000000 - (SELECT devices * extract(epoch FROM upper(period) - lower(period)) / 3600 FROM late)) < 0.000001
		FROM charge AS h WHERE h.corrects IS NOT NULL} ],
	'spend by day is the sum of the charges' => [ 't', q{
		SELECT sum(s.cost) = (SELECT sum(cost) FROM charge) AND sum(s.cost) > 20000000 FROM spend_daily AS s} ],
	'the ledger checks itself' => [ '0', 'SELECT count(*) FROM check_ledger()' ],
	'the profiles hold every card-hour' => [ 't', q{
		SELECT abs(sum(cards * extract(epoch FROM upper(period) - lower(period))) / 3600 -
			(SELECT sum(integral(profile)) FROM in_use)) < 0.000001 FROM usage} ],
	'days add up to the compute of the month' => [ 't', q{
		SELECT bool_and(b.amount = compute.compute) AND count(*) = 4
		FROM (SELECT region, sum(amount) AS amount
			FROM (SELECT region, rate_profile(period, normalized_rate(accelerator, 'fp16') * devices) AS profile FROM usage GROUP BY region) AS p,
				buckets(profile, '1 day', 'Asia/Shanghai') GROUP BY region) AS b
		JOIN compute USING (region) WHERE compute.account IS NULL} ],
	'late records are there' => [ 't', q{
		SELECT count(*) > 1000 FROM (SELECT ended, max(ended) OVER (ORDER BY line) AS latest FROM checked WHERE verdict = 'used') AS c
		WHERE ended < latest - interval '1 day'} ],
);
# A billing period is closed when it is over, by the clock.
my $over = time >= 1785542400;    # August 2026
for my $name (sort keys %sql)
{
	SKIP:
	{
		skip 'the month is not over by the clock of this machine', 1 if !$over && $sql{$name}[1] =~ /\b(charge|spend_daily)\b/;
		is($node->safe_psql($db, $sql{$name}[1]), $sql{$name}[0], $name);
	}
}
like($report, qr/^ *rows +\| +used +\| +duplicates +\| +refused/m, 'the report has its first table');
like($report, qr/^ *$_ +\|/m, "the report tells of $_") for qw(beijing shanghai guangzhou wuhan lantern-llm);
like($report, qr/^ *gres\/gpu +\|/m, 'the report lists the unknown name');
unlike($report . $said, qr/ERROR|WARNING/, 'nothing is wrong on the way');
like($report, qr/agrees *\n[-+]+\n.*\| t *\n/, 'the report checks itself');
unlike($report, qr/\| f *$/m, 'and finds no difference');

# ---------------------------------------------------------------- bad rows
my $good = 'r,a,NVIDIA H800,8,2026-06-03T10:00:00+08:00,2026-06-03T12:00:00+08:00';
my @cases = (    # row, what must be said of it (undef: it is used; 'same': a duplicate)
	[ "$good,j1,bf16,11 PFLOPh", undef ],
	[ "$good,j1,bf16,11 PFLOPh", 'same' ],
	[ "$good,j1,bf16,12 PFLOPh", qr/^contradicts line 2: same region, job, accelerator and start/ ],
	[ "$good,,,", undef ],
	[ "$good,,,", undef ],
	[ '"r, quoted ""twice""",a,no such chip,.5,2026-06-03 10:00+0800,2026-06-03 10:00:00.000001Z,j2,FP16,1e18 FLOP', undef ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T10:00:00Z,j3,,', undef ],
	[ ',a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^no region$/ ],
	[ 'r,,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^no account$/ ],
	[ 'r,a,,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^no accelerator$/ ],
	[ 'r,a,NVIDIA H800,,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^no devices$/ ],
	[ 'r,a,NVIDIA H800,eight,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^devices is not a decimal number: 'eight'$/ ],
	[ 'r,a,NVIDIA H800,1e3,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^devices is not a decimal number: '1e3'$/ ],
	[ 'r,a,NVIDIA H800,NaN,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^devices is not a decimal number: 'NaN'$/ ],
	[ 'r,a,NVIDIA H800,9999999999,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^devices is not below ten million: 9999999999$/ ],
	[ 'r,a,NVIDIA H800,99999999,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^devices is not below ten million: 99999999$/ ],
	[ 'r,a,NVIDIA H800,-8,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^devices is not above 0: -8$/ ],
	[ 'r,a,NVIDIA H800,0.0,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^devices is not above 0: 0.0$/ ],
	[ 'r,a,NVIDIA H800,1,,,,,', qr/^no start; no end$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-31T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^start is not a time: '2026-06-31T10:00:00Z'$/ ],
	[ 'r,a,NVIDIA H800,1,2026-02-28T10:00:00Z,2026-02-29T11:00:00Z,,,', qr/^end is not a time: '2026-02-29T11:00:00Z'$/ ],
	[ 'r,a,NVIDIA H800,1,2024-02-29T10:00:00Z,2024-02-29T11:00:00Z,,,', undef ],
	[ 'r,a,NVIDIA H800,1,yesterday,now,,,', qr/^start is not a time: 'yesterday'; end is not a time: 'now'$/ ],
	[ 'r,a,NVIDIA H800,1,-infinity,infinity,,,', qr/^start is not a time: '-infinity'; end is not a time: 'infinity'$/ ],
	[ 'r,a,NVIDIA H800,1,0000-01-01T00:00:00Z,2026-06-03T11:00:00Z,,,', qr/^start is not a time/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T25:00:00Z,2026-06-04T11:00:00Z,,,', qr/^start is not a time/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00+99:00,2026-06-04T11:00:00Z,,,', qr/^start is not a time/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00,2026-06-03 11:00,,,', qr/^start has no time zone: '2026-06-03T10:00:00'; end has no time zone/ ],
	[ 'r,a,NVIDIA H800,1,1970-01-01T00:00:00Z,2026-06-03T11:00:00Z,,,', qr/^start is before the year 2000/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T12:00:00Z,2026-06-03T11:00:00Z,,,', qr/^ends before it starts$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,9999-12-31T23:59:59Z,,,', qr/^lasts over ten years \(an end that was never set\?\)$/ ],
	[ 'r,b,NVIDIA H800,9999999,2016-06-03T10:00:00Z,2026-06-03T10:00:00Z,,,1 QFLOP', undef ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,bf61,', qr/^not a number format: 'bf61'$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,flop,', qr/^not a number format: 'flop'$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,12 TFLOPS', qr/^achieved_work is not an amount of work: '12 TFLOPS'$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,lots', qr/^achieved_work is not an amount of work: 'lots'$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,1e99 FLOP', qr/^achieved_work is not an amount of work/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,1 PFLOPh@bf16', qr/^achieved_work counts operations as such/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,-1 PFLOPh', qr/^achieved_work is below 0/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,1 RFLOPh', qr/^achieved_work is above 1 QFLOP: 1 RFLOPh$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,99999999999999999 QFLOPh', qr/^achieved_work is not an amount of work/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,999999999999999 PFLOPh', qr/^achieved_work is not an amount of work/ ],
	[ ',,,-1,2026-06-03T12:00:00Z,2026-06-03T11:00:00Z,,,', qr/^no region; no account; no accelerator; devices is not above 0: -1; ends before it starts$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z', qr/^5 cells where the header names 9 columns$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,,', qr/^10 cells where the header names 9 columns$/ ],
	[ 'r,a,"NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^a quote that is never closed$/ ],
	[ 'r,a,NVIDIA "H800",1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^a quote in the middle of a cell$/ ],
	[ "r,\xff\xfe,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,", qr/^not valid UTF-8$/ ],
	[ "r,\xed\xa0\x80,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,", qr/^not valid UTF-8$/ ],
	[ "r,a\0b,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,", qr/^holds a NUL byte$/ ],
	[ 'r,' . ('x' x 10_000) . ',NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,', qr/^longer than 10000 bytes$/ ],
	[ "r,back\\slash\ttab \xe5\x8c\x97\xe4\xba\xac,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T11:00:00Z,,,", undef ],
	[ '\\.', qr/^1 cell where the header names 9 columns$/ ],
	[ "$good,last,,", undef ],
);
my $header = 'region,account,accelerator,devices,start,end,job,number_format,achieved_work';
my $file = write_file('bad.csv', join("\n", $header, map { $_->[0] } @cases));    # and no newline at the end
$db = fresh_database('bad');
($status, $report, $said) = run_program("db=$db", 'scripts/demo.d/run', '--usage', $file, '--refused', "$dir/refused.csv");
is($status, 0, 'bad rows do not stop the load') or diag $report, $said;
my %verdict = map { my ($line, $verdict, $reason) = split /\|/, $_, 3; ($line => [ $verdict, $reason ]) }
  split /\n/, $node->safe_psql($db, 'SELECT line, verdict, reason FROM checked');
for my $i (0 .. $#cases)
{
	my ($row, $want) = @{ $cases[$i] };
	my ($verdict, $reason) = @{ $verdict{ $i + 2 } // [ 'lost', '' ] };
	my $shown = substr($row, 0, 80) =~ s/[^ -~]/?/gr;
	if    (!defined $want)   { is($verdict, 'used', "used: $shown") or diag $reason; }
	elsif ($want eq 'same')  { is($verdict, 'duplicate', "a duplicate: $shown"); }
	else                     { is($verdict, 'refused', "refused: $shown"); like($reason, $want, '... and why'); }
}
is(scalar keys %verdict, scalar @cases, 'no row is lost');
is($node->safe_psql($db, "SELECT account FROM usage WHERE account LIKE 'back%'"), "back\\slash\ttab \xe5\x8c\x97\xe4\xba\xac", 'text comes in as it is');
is($node->safe_psql($db, "SELECT region, devices, number_format, achieved::numeric FROM usage WHERE name = 'no such chip'"),
	'r, quoted "twice"|0.5|fp16|1000000000000000000', 'and so do quoted cells, fractions and amounts');
my $refused = grep { ref $_->[1] } @cases;
is(scalar(() = slurp_file("$dir/refused.csv") =~ /^\d+,/mg), $refused, '--refused writes every refused row');
like($report, qr/OBSERVED PEAK/, 'without an inventory, utilisation says what it is against');
like($report, qr/^ *no such chip +\|/m, 'an unknown name is listed');

# ------------------------------------------------- columns in any order; BOM; CRLF; blank lines; unknown columns
$file = write_file('order.csv', "\xef\xbb\xbfEnd,Start, DEVICES ,account,cluster,region,Accelerator\r\n"
	. "2026-06-03T12:00:00Z,2026-06-03T10:00:00Z,2,a,x,r,NVIDIA A800-SXM4-80GB\r\n\r\n \r\n"
	. "2026-06-03T13:00:00Z,2026-06-03T10:00:00Z, 4 ,b,x,r, \"NVIDIA A800-SXM4-80GB\" \r\n");
$db = fresh_database('in_order');
($status, $report, $said) = run_program("db=$db", 'scripts/demo.d/run', '--usage', $file,
	'--capacity', write_file('capacity.csv', "devices,region,accelerator\n4,r,NVIDIA A800-SXM4-80GB\n4,r,NVIDIA-A800-SXM4-80GB\nmany,r,NVIDIA H20\n"),
	'--prices', write_file('prices.csv', "accelerator,unit,price,currency\nnvidia,device-hour,1.005,USD\nnvidia/a800,PFLOPh,2,USD\nbroken//,PFLOPh,2,USD\namd,day,2,USD\nnvidia/h20,device-hour,2,XYZ\n"));
is($status, 0, 'columns in any order, a byte order mark, CRLF') or diag $report, $said;
like($said, qr/not used: column "cluster"/, 'a column that is not used is named');
like($report, qr/^5 lines: 1 names the columns, 2 are blank, 2 are rows\.$/m, 'blank lines are counted');
is($node->safe_psql($db, 'SELECT sum(devices), sum(achieved) FROM usage'), '6|', 'the cells are where they belong');
is($node->safe_psql($db, 'SELECT devices FROM capacity'), '8', 'two spellings of one chip are one line of the inventory');
like($report, qr/^ *capacity \| +4 \| devices is not a decimal number: 'many'$/m, 'a bad capacity row is reported');
like($report, qr/^ *price +\| +4 \| not an accelerator/m, 'a bad price row is reported');
like($report, qr/^ *price +\| +5 \| the unit is not device-hour or PFLOPh: 'day'$/m, 'and one with another unit');
like($report, qr/^ *price +\| +6 \| not a currency code: 'XYZ'$/m, 'and one in no currency');
SKIP:
{
	skip 'the month is not over by the clock of this machine', 1 unless $over;
	is($node->safe_psql($db, "SELECT round(sum(cost), 2), min(currency) FROM charge JOIN account ON account.id = charge.account WHERE name = 'a'"), '2.50|USD',
		'the most specific price wins: 4 h x 0.312 x 2');
}

# ------------------------------------------------- uses without length, and fractions that profiles cannot hold exactly
$file = write_file('instants.csv', "region,account,accelerator,devices,start,end\nr,a,NVIDIA A800-SXM4-80GB,1,2026-06-03T10:00:00Z,2026-06-03T10:00:00Z\n");
$db = fresh_database('instants');
($status, $report, $said) = run_program("db=$db", 'scripts/demo.d/run', '--usage', $file);
is($status, 0, 'a file of nothing but failed jobs is reported') or diag $report, $said;
like($report, qr/^ *1 \| +1 \| +0 \| +0 \|/m, '... and its row counts');
like($report, qr/These prices are INVENTED/, 'the prices of the demo are said to be invented');

$file = write_file('mixed.csv', slurp_file($file) . "s,a,NVIDIA A800-SXM4-80GB,1,2026-06-03T10:00:00Z,2026-06-03T12:00:00Z\n");
for my $capacity ([], [ '--capacity', write_file('none.csv', "region,accelerator,devices\nr,NVIDIA A800-SXM4-80GB,0\ns,NVIDIA A800-SXM4-80GB,0\n") ])
{
	$db = fresh_database('mixed' . @$capacity);
	($status, $report, $said) = run_program("db=$db", 'scripts/demo.d/run', '--usage', $file, @$capacity);
	is($status, 0, 'a region where nothing ran' . (@$capacity ? ', or that has no cards,' : '') . ' is reported') or diag $report, $said;
}

$file = write_file('fractions.csv', "region,account,accelerator,devices,start,end\n"
	. "r,a,NVIDIA A800-SXM4-80GB,0.3333337,2026-06-03T10:00:00Z,2026-07-03T10:00:00Z\n" x 50);
$db = fresh_database('fractions');
($status, $report, $said) = run_program("db=$db", 'scripts/demo.d/run', '--usage', $file);
is($status, 0, 'any fraction is reported') or diag $report, $said;
like($report, qr/12000\.013200 \| +12000\.\d+ \| t$/m, '... and the profiles agree to their rounding');

for my $broken (
	[ '', qr/the file is empty; its first line must name the columns/ ],
	[ "region,account,accelerator,devices,start\n", qr/does not name the column "end"/ ],
	[ "region;account;accelerator;devices;start;end\n", qr/does not name the columns "region", .*; the delimiter is a comma$/ ],
	[ "region,account,accelerator,devices,start,end,End\n", qr/names the column "end" twice/ ],
	[ "\x1f\x8b\x08\x00\xff\n", qr/not a CSV file in UTF-8/ ])
{
	my ($content, $message) = @$broken;
	my ($rc, undef, $err) = run_program('scripts/demo.d/read-csv', 'usage', write_file('broken.csv', $content));
	isnt($rc, 0, 'a file without its columns is refused');
	like($err, $message, '... and says why');
}
$db = fresh_database('stops');
($status) = run_program("db=$db", 'scripts/demo.d/run', '--usage', "$dir/broken.csv");
isnt($status, 0, 'and the demo stops');

# A file with good form and no row that can be used.
$db = fresh_database('nothing');
($status, $report, $said) = run_program("db=$db", 'scripts/demo.d/run', '--usage', write_file('nothing.csv', "$header\n"));
is($status, 0, 'a file without rows gives an empty report') or diag $report, $said;

# ---------------------------------------------------------------- a real trace
my ($pods, $nodes) = map { "../shared/data/trace_alibaba_gpu2023_$_.csv" } qw(pods nodes);
SKIP:
{
	skip 'the Alibaba trace is not beside the checkout', 8 unless -e $pods && -e $nodes;
	mkdir "$dir/alibaba";
	($status, my $counts) = run_program('scripts/convert-alibaba-gpu2023', $pods, $nodes, "$dir/alibaba");
	is($status, 0, 'the trace is converted');
	like($counts, qr/^pods +8152 +read\n +1088 +asks for no GPU: left out\n +861 +never scheduled: left out\n +6203 +written$/m,
		'what is left out is counted');
	$db = fresh_database('alibaba');
	my $page = slurp_file('docs/alibaba-gpu2023.md');
	my ($prices) = $page =~ /^(accelerator,unit,.*?)^```/ms;
	($status, $report, $said) = run_program("db=$db", 'scripts/demo.d/run', '--usage', "$dir/alibaba/usage.csv",
		'--capacity', "$dir/alibaba/capacity.csv", '--prices', write_file('alibaba-prices.csv', $prices));
	is($status, 0, 'the demo runs on it') or diag $report, $said;
	my ($shown) = $page =~ /here without the SQL:\n\n```\n(.*?)^```/ms;
	my %printed = map { s/ +\z//r => 1 } split /\n/, $report;
	is(join("\n", grep { length && !$printed{$_} } split /\n/, $shown), '', 'its page shows what it prints');
	# The trace itself, as the database reads it.
	my ($columns, $copy) = ('', '');
	for my $table ([ pods => $pods ], [ nodes => $nodes ])
	{
		my @lines = split /\n/, slurp_file($table->[1]);
		$copy .= "CREATE TABLE trace_$table->[0] (" . join(', ', map { "$_ text" } split /,/, shift @lines) . ");\n"
		  . "COPY trace_$table->[0] FROM STDIN (FORMAT csv);\n" . join("\n", @lines) . "\n\\.\n";
	}
	$node->safe_psql($db, $copy);
	is($node->safe_psql($db, q{SELECT count(*), sum(cards * extract(epoch FROM upper(period) - lower(period)))::numeric(20, 3), sum(devices)
			FROM usage}),
		$node->safe_psql($db, q{SELECT count(*), (sum(num_gpu::numeric * gpu_milli::numeric / 1000 * (deletion_time::numeric - scheduled_time::numeric)))::numeric(20, 3),
			trim_scale(sum(num_gpu::numeric * gpu_milli::numeric / 1000)) FROM trace_pods WHERE num_gpu <> '0' AND scheduled_time IS NOT NULL}),
		'pods, GPU-seconds and GPUs are those of the trace');
	is($node->safe_psql($db, 'SELECT sum(devices) FROM capacity'), $node->safe_psql($db, 'SELECT sum(gpu::int) FROM trace_nodes'),
		'the inventory is that of the nodes');
	is($node->safe_psql($db, "SELECT name, rows FROM name WHERE kind = 'unknown' AND name IN ('G2', 'G3', 'any') ORDER BY name"),
		$node->safe_psql($db, q{SELECT coalesce(gpu_spec, 'any') AS name, count(*) FROM trace_pods
			WHERE num_gpu <> '0' AND scheduled_time IS NOT NULL AND coalesce(gpu_spec, 'any') IN ('any', 'G2', 'G3') GROUP BY 1 ORDER BY 1}),
		'masked and open types are unknown, and listed');
}

$node->stop;
done_testing();
