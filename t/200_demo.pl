# The demo: its generator is deterministic, its loader loses no row, and its totals are what plain SQL says.
use strict;
use warnings;
use Digest::SHA;
use Encode;
use File::Spec;
use File::Temp;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('demo');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\n");    # compiling would take longer than most of what is run here
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

# A fresh database with the extension: a copy of one that has it.
$node->safe_psql('postgres', 'CREATE DATABASE extended');
$node->safe_psql('extended', 'CREATE EXTENSION compute_ledger');

sub fresh_database
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE extended");
	$node->safe_psql('postgres', "ALTER DATABASE $name SET search_path = demo, public, compute_ledger");
	return $name;
}

# Runs the demo on files in a database of its own; the clock of this machine may be anywhere.
sub run_demo
{
	my ($database, @options) = @_;
	fresh_database($database);
	my @result = run_program("db=$database", 'scripts/demo.d/run', '--ahead', '100 years', @options);
	is(join("\n", grep { length(Encode::decode('UTF-8', $_)) > 100 } split /\n/, $result[1]), '', "no line of report $database is over 100 columns");
	return @result;
}

sub write_file
{
	my ($name, $content) = @_;
	open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!";
	print $out $content;
	close $out;
	return "$dir/$name";
}

# ------------------------------------------------------------------ the generator
mkdir "$dir/$_" for qw(a b);
my $other = IPC::Run::start([ 'scripts/demo.d/scenario', '--seed', '7', "$dir/b" ], '>', File::Spec->devnull);    # beside what follows
my ($status, $made) = run_program('scripts/demo.d/scenario', "$dir/a");
is($status, 0, 'the scenario is made');
my ($jobs, $records, $twice, $bad) = $made =~ /^(\d+) jobs, (\d+) records, (\d+) of them sent twice, (\d+) bad rows$/
  or diag $made;
is(digest('a'), '1da3ed09bb646b68dab16502e79ca2c826aeeb7350fd55b8e0c687a0faad27ac', 'always the same bytes')    # on every platform, with every Perl
  or diag('if the scenario was changed on purpose, put the new digest here');

sub digest { return Digest::SHA->new(256)->addfile("$dir/$_[0]/usage.csv")->hexdigest; }

# ------------------------------------------------------------------ the scenario
my $db = 'scenario';
($status, my $report, my $said) = run_demo($db, '--usage', "$dir/a/usage.csv", '--capacity', "$dir/a/capacity.csv", '--timezone', 'Asia/Shanghai');
is($status, 0, 'the demo runs') or diag $report, $said;
ok($other->finish, 'another seed gives another month');
isnt(digest('b'), digest('a'), '... of other bytes');

# The lines of the file that are rows, as anybody would read them.
my (undef, @lines) = split /\n/, slurp_file("$dir/a/usage.csv");
my @unreadable = grep { tr/,// != 8 || /\xef\xbf/ } @lines;
my @unknown = grep { /,gres\/gpu,/ } @lines;
my %unknown = map { $_ => 1 } @unknown;
my $number = 1;
$node->safe_psql($db, "CREATE TABLE raw (line int, region text, account text, name text, devices text, started text, ended text, job text, number_format text, achieved text);\n"
	. "COPY raw FROM STDIN (FORMAT csv);\n" . join("\n", grep { tr/,// == 9 && !/\xef\xbf/ } map { $number++; "$number,$_" } @lines) . "\n\\.\n");
is(scalar @unreadable, 2, 'two lines are no rows');
is($node->safe_psql($db, 'SELECT sum(accepted), sum(duplicate), sum(rejected) FROM usage_batch'),
	join('|', $jobs - keys %unknown, $twice - (@unknown - keys %unknown), $bad - @unreadable + @unknown),
	'accepted, duplicate and rejected rows are those that the generator made');
is($node->safe_psql($db, 'SELECT sum(taken) FROM usage_batch'), $records - @unreadable, 'and add up to the rows of the file');
is($node->safe_psql($db, 'SELECT count(*) FROM file'), $records - @unreadable, 'each of which has a line');
is($node->safe_psql($db, 'SELECT count(*) FROM usage'), $jobs, 'every job is used once');
is($node->safe_psql($db, 'SELECT sum(rows) FROM named'), $jobs - 1, 'names are counted over all of them, but the one that comes late');
is($node->safe_psql($db, q{SELECT name FROM usage WHERE rate IS NULL GROUP BY name ORDER BY name COLLATE "C"}), "NVIDIA Graphics Device\ngres/gpu",
	'only names that mean no chip have no compute');
is($node->safe_psql($db, q{SELECT string_agg(sqlstate, ' ' ORDER BY sqlstate COLLATE "C") FROM usage_rejected WHERE accelerator <> 'gres/gpu'}),
	'22000 22003 22003 22007 22007 22P02 22P02 22P02 23502 LC003 LC006 LC008 LC009', 'each bad row has its SQLSTATE');
is($node->safe_psql($db, 'SELECT count(*), count(DISTINCT line) FROM refused'), join('|', $bad + @unknown + 1, $bad + @unknown), 'and its line; a day that is not is the start and the end of one');
is($node->safe_psql($db, q{SELECT DISTINCT region_name, accelerator_name, accelerator::text FROM usage_record
		WHERE accelerator_name IN ('NVIDIA H20', 'A800', '910B4', 'NVIDIA Graphics Device', 'hygon.com/dcu') ORDER BY 1, 2}), join("\n",
		'beijing|NVIDIA Graphics Device|nvidia', 'beijing|NVIDIA H20|nvidia/h20-96gb', 'guangzhou|A800|nvidia/a800-sxm4-80gb',
		'guangzhou|NVIDIA Graphics Device|nvidia/a800-sxm4-80gb', 'shanghai|NVIDIA Graphics Device|nvidia', 'shanghai|NVIDIA H20|nvidia/h20-96gb',
		'wuhan|910B4|huawei/ascend-910b4-32gb', 'wuhan|hygon.com/dcu|hygon/k100-ai'),
	'a class is the chip that the region has of it, if there is one');
# What was used, once; and what of it the first sections show.
$node->safe_psql($db, q{CREATE TABLE used AS SELECT * FROM usage;
	CREATE VIEW shown AS SELECT * FROM used WHERE (source, source_id) NOT IN (SELECT source, source_id FROM late)});

my %sql = (
	'usage is what the file says' => [ '0', q{
		WITH row AS (    -- a record's first line; the bad ones are left out by their names
			SELECT DISTINCT ON (region, job, name, started) region, account, name, devices::numeric, tstzrange(started::timestamptz, ended::timestamptz) AS period,
				nullif(number_format, ''), nullif(achieved, '')::compute_unit::numeric
			FROM raw WHERE job !~ '^bad-' ORDER BY region, job, name, started, line
		), record AS (SELECT region, account, name, devices, period, number_format, achieved_work::numeric FROM used)
		SELECT (SELECT count(*) FROM (SELECT * FROM row EXCEPT ALL SELECT * FROM record) AS d) + (SELECT count(*) FROM (SELECT * FROM record EXCEPT ALL SELECT * FROM row) AS d)} ],
	'no group of cards is ever used beyond what there is' => [ 't', q{
		-- Plain SQL: +n and -n events, ends before starts; MIG slices as sevenths.
		WITH event AS (
			SELECT region, accelerator_trunc('memory', accelerator) AS chip, at, sum(change) AS change
			FROM (SELECT region, accelerator, lower(period) AS at, cards AS change FROM used WHERE accelerator IS NOT NULL AND NOT isempty(period)
				UNION ALL SELECT region, accelerator, upper(period), -cards FROM used WHERE accelerator IS NOT NULL AND NOT isempty(period)) AS e
			GROUP BY 1, 2, 3
		), level AS (SELECT region, chip, sum(change) OVER (PARTITION BY region, chip ORDER BY at) AS level FROM event
		), top AS (SELECT region, chip, max(level) AS peak FROM level GROUP BY 1, 2)
		SELECT bool_and(peak <= devices + 0.000001) AND count(*) = (SELECT count(*) FROM inventory)
		FROM top JOIN inventory USING (region) WHERE inventory.accelerator @> top.chip} ],
	'peaks are those of plain SQL' => [ 't', q{
		WITH event AS (
			SELECT region, at, sum(change) AS change
			FROM (SELECT region, lower(period) AS at, cards AS change FROM shown WHERE NOT isempty(period)
				UNION ALL SELECT region, upper(period), -cards FROM shown WHERE NOT isempty(period)) AS e
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
			FROM (SELECT *, substring(accelerator::text FROM ':([0-9])g')::numeric AS slices FROM shown) AS u
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
			FROM (SELECT account, accelerator::text AS a, devices, extract(epoch FROM upper(period) - lower(period)) AS seconds FROM used) AS u
			GROUP BY account
		)
		SELECT bool_and(abs(price_seconds / 25200 - cost) <= charges * 0.000000005 + 0.000001) AND count(*) = 9
		FROM plain JOIN (SELECT name AS account, sum(cost) AS cost, count(*) AS charges FROM charge JOIN account ON account.id = charge.account
			GROUP BY name) AS c USING (account)} ],
	'no account is charged for the usage of another' => [ 't', q{
		SELECT bool_and(abs(c.hours - u.hours) < 0.000001) AND count(*) = 9
		FROM (SELECT a.name AS account, sum(amount) / 6048000000000000 AS hours FROM charge AS h JOIN account AS a ON a.id = h.account GROUP BY a.name) AS c
		JOIN (SELECT account, sum(cards * extract(epoch FROM upper(period) - lower(period))) / 3600 AS hours FROM used WHERE accelerator IS NOT NULL
			GROUP BY account) AS u USING (account)} ],
	'the late record is charged once, as a correction' => [ 't', q{
		SELECT count(*) > 0 AND bool_and(h.account = (SELECT a.id FROM late AS l JOIN account AS a ON a.name = l.account))
			AND abs(sum(h.amount) / 6048000000000000 - (SELECT devices * extract(epoch FROM upper(period) - lower(period)) / 3600 FROM late)) < 0.000001
		FROM charge AS h WHERE h.corrects IS NOT NULL} ],
	'spend by day is the sum of the charges' => [ 't', q{
		SELECT sum(s.cost) = (SELECT sum(cost) FROM charge) AND sum(s.cost) > 20000000 FROM spend_daily AS s} ],
	'the profiles hold every card-hour' => [ 't', q{
		SELECT abs(sum(cards * extract(epoch FROM upper(period) - lower(period))) / 3600 -
			(SELECT sum(integral(profile)) FROM in_use)) < 0.000001 FROM shown} ],
	'days add up to the compute of the month' => [ 't', q{
		SELECT bool_and(b.amount = compute.compute) AND count(*) = 4
		FROM (SELECT region, sum(amount) AS amount
			FROM (SELECT region, rate_profile(period, normalized_rate(accelerator, 'fp16') * devices) AS profile FROM shown GROUP BY region) AS p,
				buckets(profile, '1 day', 'Asia/Shanghai') GROUP BY region) AS b
		JOIN compute USING (region) WHERE compute.account IS NULL} ],
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
like($report, qr/^ *rows +\| +taken +\| +accepted +\| +duplicate +\| +rejected +\| +unreadable +\| +held back +\| +adds up *\n[-+]+\n *$records .*\| t$/m, 'the report has its first table');
cmp_ok(($report =~ /over a day late \| not ended *\n[-+]+\n +\d+ \| +(\d+) \| +0$/m)[0], '>', 1000, 'late records are there');
like($report, qr/^ *$_ +\|/m, "the report tells of $_") for qw(beijing shanghai guangzhou wuhan lantern-llm);
like($report, qr/^ *gres\/gpu +\|/m, 'the report lists the unknown name');
unlike($report . $said, qr/ERROR|WARNING/, 'nothing is wrong on the way');
like($report, qr/^SELECT \* FROM $_\(\);\n.*\n[-+]+\n\n/m, "$_() finds nothing") for qw(focus_check check_ledger);
# The founding case, and the queue: alone and joined.
like($report, qr/^ +1 \| +[78] \| 1[678] \d\d:\d\d .*\| +0\.8[46] \| /m, 'the request of 6,000 cards has an offer, over pools of all centres');
like($report, qr/^ \d sites do [0-9.]+ of \d+ that one does +\| +12$/m, 'and none where splitting is not worth it');
is($node->safe_psql($db, q{SELECT count(*), bool_and(p.devices <= h.cards), sum(p.devices), count(DISTINCT h.region) FROM offer, unnest(pieces) AS p JOIN hourly AS h USING (pool) WHERE rank = 1 GROUP BY rank}) =~ s/^[78]\|//r,
	't|6000|4', 'its pieces add up to 6,000 cards in four centres');
is($node->safe_psql($db, q{SELECT bool_and(s.request IS NULL) AND (SELECT count(*) FROM request) = 0 AND (SELECT count(*) FROM reservation WHERE state <> 'cancelled') = 0 FROM sample AS s}), 't',
	'nothing of the trials stays');
is($node->safe_psql($db, q{
		-- +n and -n events, ends before starts
		WITH event AS (
			SELECT o.anywhere, o.pool, o.starts AS at, s.devices AS change FROM sample AS s JOIN (SELECT false AS anywhere, * FROM alone UNION ALL SELECT true, * FROM joined) AS o USING (id) WHERE o.starts IS NOT NULL
			UNION ALL
			SELECT o.anywhere, o.pool, o.starts + s.length, -s.devices FROM sample AS s JOIN (SELECT false AS anywhere, * FROM alone UNION ALL SELECT true, * FROM joined) AS o USING (id) WHERE o.starts IS NOT NULL
		), level AS (SELECT anywhere, pool, sum(change) OVER (PARTITION BY anywhere, pool ORDER BY at, change) AS level FROM event)
		SELECT bool_and(l.level <= ceil(h.cards * g.share)) AND count(DISTINCT (l.anywhere, l.pool)) > 20 FROM level AS l JOIN hourly AS h USING (pool) CROSS JOIN given AS g}), 't',
	'the queue never gave out more than there was');
is($node->safe_psql($db, q{SELECT count(*) FROM ran AS r JOIN sample AS s USING (id) WHERE NOT anywhere AND (ran_in <> r.region OR starts < at)}), '0', 'alone, each job ran in its own centre');
is($node->safe_psql($db, q{SELECT count(starts) FILTER (WHERE anywhere) > count(starts) FILTER (WHERE NOT anywhere),
		sum(hours) FILTER (WHERE anywhere) > 1.05 * sum(hours) FILTER (WHERE NOT anywhere), count(*) FILTER (WHERE refused ~ 'domestic chips' AND anywhere) > 0,
		count(*) FILTER (WHERE account = 'harbor-finance' AND ran_in <> 'shanghai') FROM ran}), 't|t|t|0',
	'joined, more begin and more is in use; and whom policy keeps out of a centre is not in it');
like($report, qr/agrees *\n[-+]+\n.*\| t *\n/, 'the report checks itself');
unlike($report, qr/\| f *$/m, 'and finds no difference');

# Some ten lines before all else say what it comes to, as the database says it; a bill is the last thing.
my ($summary) = $report =~ /\A\n== In short\n\n((?:\S.*\n){11})\n/;
ok($summary, 'the report starts with eleven lines') or diag substr($report, 0, 2000);
sub commas { my ($n) = @_; 1 while $n =~ s/^(\d+)(\d{3})/$1,$2/; return $n; }
my ($counted, $rejected) = split /\|/, $node->safe_psql($db, 'SELECT (SELECT count(*) FROM usage_record), sum(rejected) FROM usage_batch');
my ($hours, $work) = split /\|/, $node->safe_psql($db,
	'SELECT round(sum(cards * extract(epoch FROM upper(period) - lower(period))) / 3600), round(sum(work(rate, period, devices))::numeric / 3.6e18) FROM usage');
$_ = commas($_) for $counted, $hours, $work, my $rows = $records;
like($summary, qr/^what came in +$rows rows from 4 regions and 9 accounts$/m, '... what came in');
like($summary, qr/^accepted +$counted; \d+ came twice, 1 late$/m, '... what of it counts');
like($summary, qr/^it counts for +$hours card-hours, and $work PFLOPh\@fp16$/m, '... for how much');
like($summary, qr/^who used it +lantern-llm [0-9.]+%, kite-autonomy /m, '... by whom');
like($summary, qr/^how full +beijing 7[0-9.]+%, .* of 8,000 cards$/m, '... how full it was');
like($summary, qr/^centres as one +6,000 cards for a day at [0-9,]+ CNY; in use \d\d% alone, \d\d% joined$/m, '... what joining brings');
like($summary, qr/^what was wrong +$rejected rejected .*, 2 unreadable; /m, '... and what was wrong');
like($summary, qr/^what was checked +.* found nothing$/m, '... and checked');
SKIP:
{
	skip 'the month is not over by the clock of this machine', 11 unless $over;
	is(($summary =~ /^what it costs +([0-9,.]+) CNY in /m)[0] =~ tr/,//dr, $node->safe_psql($db, 'SELECT round(sum(cost), 2) FROM charge'), '... what it costs');
	my ($bill) = $report =~ /^== 14\. .*?\n((?: [^\n|]+ \|.*\n)+)\n*\z/ms or diag substr($report, -3000);
	my $late = $node->safe_psql($db, 'SELECT account FROM late');
	is($bill =~ /^ to pay .* ([0-9.]+) \| CNY/m ? $1 : '', $node->safe_psql($db, "SELECT round(sum(cost), 2) FROM charge JOIN account ON account.id = account WHERE name = '$late'"),
		'the bill at the end comes to what the charges come to');
	like($bill, qr/, correction +\|/, '... and has the correction');
	my ($picture) = slurp_file('README.md') =~ /^```\n(what came in.*?)^```/ms;
	# What the queue makes of the month follows from every rule that it has: the pages say about how much.
	my ($about, $is) = map { [ /in use (\d+)% alone, (\d+)% joined$/m ] } $picture, $summary;
	s/in use \d+% alone, \d+% joined$/in use .../m for $picture, $summary;
	is($picture, $summary, 'the README shows what the report starts with');
	push @$about, slurp_file('docs/demo.md') =~ /^\| cards in use \| (\d+)% \| (\d+)% \|$/m;
	push @$about, map { tr/,//dr / 20 } slurp_file('docs/demo.md') =~ /^\| jobs that began, of 1,300 \| ([\d,]+) \| ([\d,]+) \|$/m;
	push @$is, @$is[ 0, 1 ], split /\|/, $node->safe_psql($db, 'SELECT count(starts) FILTER (WHERE NOT anywhere) / 20.0, count(starts) FILTER (WHERE anywhere) / 20.0 FROM ran');
	is(scalar @$about, 6, 'the README and the page of the demo say what joining brings');
	cmp_ok(abs($about->[$_] - $is->[$_]), '<=', 3, '... about') for 0 .. $#$about;
}

# ------------------------------------------------------------------ bad rows
my $good = 'r,a,NVIDIA H800,8,2026-06-03T10:00:00+08:00,2026-06-03T12:00:00+08:00';
my $hour = '2026-06-03T10:00:00Z,2026-06-03T11:00:00Z';
my @cases = (    # row, what must be said of it (undef: it is accepted; 'same': a duplicate): SQLSTATE (none: it is no row) and reasons
	[ "$good,j1,bf16,11 PFLOPh", undef ],
	[ "$good,j1,bf16,11 PFLOPh", 'same' ],
	[ 'r,a,NVIDIA H800,8.0,2026-06-03T10:00:00+08:00,1780459200,j1,BF16,11000 TFLOPh', 'same' ],
	[ "$good,j1,bf16,12 PFLOPh", 'LC008', qr/^revision 0 of this record is there and says something else$/ ],
	[ "$good,,,", undef ],
	[ "$good,,,", undef ],
	[ '"r, quoted ""twice""",a,no such chip,.5,2026-06-03 10:00+0800,2026-06-03 10:00:00.000001Z,j2,FP16,1e18 FLOP', 'LC003', qr/^unknown accelerator "no such chip"$/ ],
	[ '"r, quoted ""twice""",a,no such chip,.5,2026-06-03 10:00+0800,2026-06-03 10:00:00.000001Z,j2,FP16,1e18 FLOP', 'LC003', qr/^unknown accelerator "no such chip"$/ ],
	[ 'r,b,neither this,2,1780459200,1780462800.5,,,', 'LC003', qr/^unknown accelerator "neither this"$/ ],
	[ 'r,b,nor that,2,2026-06-03T10:00:00Z,,,,', 'LC003', qr/^unknown accelerator "nor that"$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,2026-06-03T10:00:00Z,j3,,', '22000', qr/^empty period$/ ],
	[ "r,a,NVIDIA H800,1e3,$hour,,,", undef ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00,2026-06-03 11:00,,,', undef ],    # in the time zone of the load
	[ 'r,c,NVIDIA A800-SXM4-80GB,1,2026-06-03T10:00:00Z,,,,', undef ],         # it goes on
	[ 'r,a,NVIDIA H800,1,2024-02-29T10:00:00Z,2024-02-29T11:00:00Z,,,', undef ],
	[ 'r,b,NVIDIA H800,999999999,2026-05-03T10:00:00Z,2026-06-03T10:00:00Z,,,1 QFLOP', undef ],
	[ "r,back\\slash\ttab \xe5\x8c\x97\xe4\xba\xac,NVIDIA H800,1,$hour,,,", undef ],
	[ "skypilot,a,A100,1,$hour,,,", undef ],    # a region that is called like a system
	[ ",a,NVIDIA H800,1,$hour,,,", 'LC007', qr/^unknown region ""$/ ],
	[ "r,,NVIDIA H800,1,$hour,,,", 'LC006', qr/^unknown account ""$/ ],
	[ "r,\" blank \",NVIDIA H800,1,$hour,,,", 'LC006', qr/^unknown account " blank "$/ ],
	[ 'r,' . 'long' x 300 . ",NVIDIA H800,1,$hour,,,", 'LC006', qr/^unknown account "(long)+"$/ ],
	[ 'long' x 300 . ",a,NVIDIA H800,1,$hour,,,", '54000', qr/^source or source_id is too long$/, qr/^unknown region "(long)+"$/ ],
	[ "r,a,NVIDIA H800,1,$hour," . 'long' x 300 . ',,', '54000', qr/^source or source_id is too long$/ ],
	[ "r,a,,1,$hour,,,", 'LC003', qr/^unknown accelerator ""$/ ],
	[ "r,a,NVIDIA H800,,$hour,,,", '23502', qr/^no devices$/ ],
	[ "r,a,NVIDIA H800,eight,$hour,,,", '22P02', qr/^cannot read devices "eight"$/ ],
	[ "r,a,NVIDIA H800,NaN,$hour,,,", '22003', qr/^number of devices out of range: NaN$/ ],
	[ "r,a,NVIDIA H800,9999999999,$hour,,,", '22003', qr/^number of devices out of range: 9999999999$/ ],
	[ "r,a,NVIDIA H800,-8,$hour,,,", '22003', qr/^number of devices out of range: -8$/ ],
	[ "r,a,NVIDIA H800,0.0,$hour,,,", '22003', qr/^number of devices out of range: 0.0$/ ],
	[ 'r,a,NVIDIA H800,1,,,,,', '23502', qr/^no start$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-31T10:00:00Z,2026-06-03T11:00:00Z,,,', '22007', qr/^cannot read started_at "2026-06-31T10:00:00Z"$/ ],
	[ 'r,a,NVIDIA H800,1,2026-02-28T10:00:00Z,2026-02-29T11:00:00Z,,,', '22007', qr/^cannot read ended_at "2026-02-29T11:00:00Z"$/ ],
	[ 'r,a,NVIDIA H800,1,yesterday,now,,,', '22007', qr/^cannot read started_at "yesterday"$/, qr/^cannot read ended_at "now"$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03 10:00 CST,2026-06-03 11:00 UTC+8,,,', '22007', qr/^cannot read started_at "2026-06-03 10:00 CST"$/, qr/^cannot read ended_at "2026-06-03 11:00 UTC\+8"$/ ],
	[ 'r,a,NVIDIA H800,1,-infinity,infinity,,,', '22007', qr/^cannot read started_at "-infinity"$/, qr/^cannot read ended_at "infinity"$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,infinity,,,', '22007', qr/^cannot read ended_at "infinity"$/ ],
	[ 'r,a,NVIDIA H800,1,0000-01-01T00:00:00Z,2026-06-03T11:00:00Z,,,', '22007', qr/^cannot read started_at/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T25:00:00Z,2026-06-04T11:00:00Z,,,', '22007', qr/^cannot read started_at/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00+99:00,2026-06-04T11:00:00Z,,,', '22007', qr/^cannot read started_at/ ],
	[ 'r,a,NVIDIA H800,1,1970-01-01T00:00:00Z,2026-06-03T11:00:00Z,,,', 'LC009', qr/^start is before 2000$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T12:00:00Z,2026-06-03T11:00:00Z,,,', '22000', qr/^reversed period$/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z,9999-12-31T23:59:59Z,,,', 'LC009', qr/^end is in the future$/ ],
	[ "r,a,NVIDIA H800,1,$hour,,bf61,", '22P02', qr/^cannot read number_format "bf61"$/ ],
	[ "r,a,NVIDIA H800,1,$hour,,flop,", '22P02', qr/^cannot read number_format "flop"$/ ],
	[ "r,a,NVIDIA H800,1,$hour,,,12 TFLOPS", '22P02', qr/^cannot read achieved_work "12 TFLOPS"$/ ],
	[ "r,a,NVIDIA H800,1,$hour,,,lots", '22P02', qr/^cannot read achieved_work "lots"$/ ],
	[ "r,a,NVIDIA H800,1,$hour,,,1e99 FLOP", '22003', qr/^cannot read achieved_work/ ],
	[ "r,a,NVIDIA H800,1,$hour,,,1 PFLOPh\@bf16", '22023', qr/^cannot read achieved_work "1 PFLOPh\@bf16"$/ ],
	[ "r,a,NVIDIA H800,1,$hour,,,-1 PFLOPh", '22003', qr/^cannot read achieved_work "-1 PFLOPh"$/ ],
	[ "r,a,NVIDIA H800,1,$hour,,,1 RFLOPh", '22003', qr/^cannot read achieved_work "1 RFLOPh"$/ ],
	[ "r,a,NVIDIA H800,1,$hour,,,999999999999999 PFLOPh", '22003', qr/^cannot read achieved_work/ ],
	[ ',,,-1,2026-06-03T12:00:00Z,2026-06-03T11:00:00Z,,,', '22000', qr/^reversed period$/, qr/^number of devices/, qr/^unknown account/, qr/^unknown region/, qr/^unknown accelerator/ ],
	[ 'r,a,NVIDIA H800,1,2026-06-03T10:00:00Z', '', qr/^5 cells where the header names 9 columns$/ ],
	[ "r,a,NVIDIA H800,1,$hour,,,,", '', qr/^10 cells where the header names 9 columns$/ ],
	[ "r,a,\"NVIDIA H800,1,$hour,,,", '', qr/^a quote that is never closed$/ ],
	[ "r,a,NVIDIA \"H800\",1,$hour,,,", '', qr/^a quote in the middle of a cell$/ ],
	[ "r,\xff\xfe,NVIDIA H800,1,$hour,,,", '', qr/^not valid UTF-8$/ ],
	[ "r,\xed\xa0\x80,NVIDIA H800,1,$hour,,,", '', qr/^not valid UTF-8$/ ],
	[ "r,a\0b,NVIDIA H800,1,$hour,,,", '', qr/^holds a NUL byte$/ ],
	[ 'r,' . ('x' x 10_000) . ",NVIDIA H800,1,$hour,,,", '', qr/^longer than 10000 bytes$/ ],
	[ '\\.', '', qr/^1 cell where the header names 9 columns$/ ],
	[ "$good,last,,", undef ],
);
my $header = 'region,account,accelerator,devices,start,end,job,number_format,achieved_work';
my $file = write_file('bad.csv', join("\n", $header, map { $_->[0] } @cases));    # and no newline at the end
$db = 'bad';
($status, $report, $said) = run_demo($db, '--usage', $file, '--source', 'gke', '--refused', "$dir/refused.csv");
is($status, 0, 'bad rows do not stop the load') or diag $report, $said;
my %refused;
for (split /\n/, $node->safe_psql($db, 'SELECT line, sqlstate, reason FROM refused ORDER BY line, fault'))
{
	my ($line, $sqlstate, $reason) = split /\|/, $_, 3;
	push @{ $refused{$line} }, [ $sqlstate, $reason ];
}
my %count = (accepted => 0, duplicate => 0, rejected => 0, unreadable => 0);
for my $i (0 .. $#cases)
{
	my ($row, $sqlstate, @want) = @{ $cases[$i] };
	my $refused = $refused{ $i + 2 };
	my $shown = substr($row, 0, 80) =~ s/[^ -~]/?/gr;
	$count{ !defined $sqlstate ? 'accepted' : $sqlstate eq 'same' ? 'duplicate' : $sqlstate ? 'rejected' : 'unreadable' }++;
	if (@want)
	{
		is($refused && $refused->[0][0], $sqlstate, "refused: $shown");
		is(scalar @$refused, scalar @want, '... for so many reasons');
		like($refused->[$_][1], $want[$_], '... and why') for 0 .. $#want;
	}
	else { is($refused, undef, "not refused: $shown"); }
}
is($node->safe_psql($db, 'SELECT accepted, duplicate, rejected, (SELECT count(*) FROM unreadable) FROM usage_batch'),
	join('|', @count{qw(accepted duplicate rejected unreadable)}), 'no row is lost, and none is there twice');
is($node->safe_psql($db, "SELECT account FROM usage WHERE account LIKE 'back%'"), "back\\slash\ttab \xe5\x8c\x97\xe4\xba\xac", 'text comes in as it is');
is($node->safe_psql($db, "SELECT region, devices, number_format, achieved_work::numeric FROM usage WHERE name = 'no such chip'"),
	'r, quoted "twice"|0.5|fp16|1000000000000000000', 'and so do quoted cells, fractions and amounts');
is($node->safe_psql($db, q{SELECT period FROM usage WHERE name = 'neither this'}),
	'["2026-06-03 04:00:00+00","2026-06-03 05:00:00.5+00")', 'seconds since 1970 are instants also where the name is unknown');
is($node->safe_psql($db, q{SELECT bool_and(upper(u.period) = s.as_of), count(*) FROM usage AS u, rollup_state AS s
		WHERE lower(u.period) = '2026-06-03 10:00Z' AND u.name IN ('nor that', 'NVIDIA A800-SXM4-80GB')}),
	't|2', 'what goes on counts up to now');
my %written = map { $_ => 1 } slurp_file("$dir/refused.csv") =~ /^(\d+),/mg;
is(scalar keys %written, $count{rejected} + $count{unreadable}, '--refused writes every refused row');
like(slurp_file("$dir/refused.csv"), qr/^\d+,22007,"cannot read ended_at ""2026-06-03 11:00 UTC\+8""",.*,"Write an offset, as in [^"]*",/m, 'with what to do');
is($node->safe_psql($db, q{SELECT source, accelerator FROM usage_record WHERE accelerator_name = 'A100'}), 'skypilot|nvidia/a100-sxm4-40gb',
	'a name means what it means in the system that the file is from');
like($report, qr/OBSERVED PEAK/, 'without an inventory, utilisation says what it is against');
like($report, qr/^ *no such chip +\|/m, 'an unknown name is listed');
unlike($report, qr/^.*\| f *$/m, 'and the totals agree');

# ------------------------------------------------------------------ columns in any order; BOM; CRLF; blank lines; unknown columns
$file = write_file('order.csv', "\xef\xbb\xbfEnd,Start, DEVICES ,account,cluster,region,Accelerator\r\n"
	. "2026-06-03T12:00:00Z,2026-06-03T10:00:00Z,2,a,x,r,NVIDIA A800-SXM4-80GB\r\n\r\n \r\n"
	. "2026-06-03T13:00:00Z,2026-06-03T10:00:00Z, 4 ,b,x,r, \"NVIDIA A800-SXM4-80GB\" \r\n");
$db = 'in_order';
($status, $report, $said) = run_demo($db, '--usage', $file,
	'--capacity', write_file('capacity.csv', "devices,region,accelerator\n4,r,NVIDIA A800-SXM4-80GB\n4,r,NVIDIA-A800-SXM4-80GB\nmany,r,NVIDIA H20\n"),
	'--prices', write_file('prices.csv', "accelerator,unit,price,currency\nnvidia,device-hour,1.005,USD\nnvidia/a800,PFLOPh,2,USD\nbroken//,PFLOPh,2,USD\namd,day,2,USD\nnvidia/h20,device-hour,2,XYZ\n"));
is($status, 0, 'columns in any order, a byte order mark, CRLF') or diag $report, $said;
like($said, qr/not used: column "cluster"/, 'a column that is not used is named');
like($report, qr/^5 lines: 1 names the columns, 2 are blank, 2 are rows\.$/m, 'blank lines are counted');
is($node->safe_psql($db, 'SELECT sum(devices), sum(achieved_work) FROM usage'), '6|', 'the cells are where they belong');
is($node->safe_psql($db, 'SELECT devices FROM inventory'), '8', 'two spellings of one chip are one line of the inventory');
like($report, qr/^ *capacity \| +4 \| devices is not a decimal number: 'many'$/m, 'a bad capacity row is reported');
like($report, qr/^ *price +\| +4 \| not an accelerator/m, 'a bad price row is reported');
like($report, qr/^ *price +\| +5 \| the unit is not device-hour, slice-hour or PFLOPh: 'day'$/m, 'and one with another unit');
like($report, qr/^ *price +\| +6 \| not a currency code: 'XYZ'$/m, 'and one in no currency');
SKIP:
{
	skip 'the month is not over by the clock of this machine', 1 unless $over;
	is($node->safe_psql($db, "SELECT round(sum(cost), 2), min(currency) FROM charge JOIN account ON account.id = charge.account WHERE name = 'a'"), '2.50|USD',
		'the most specific price wins: 4 h x 0.312 x 2');
}

# ------------------------------------------------------------------ uses without length, and fractions that profiles cannot hold exactly
$file = write_file('mixed.csv', "region,account,accelerator,devices,start,end\n"
	. "q,a,NVIDIA A800-SXM4-80GB,1,2026-06-03T10:00:00Z,2026-06-03T10:00:00Z\n"
	. "r,a,NVIDIA A800-SXM4-80GB,0.3333337,2026-06-03T10:00:00Z,2026-07-03T10:00:00Z\n" x 50);
for my $capacity ([], [ '--capacity', write_file('none.csv', "region,accelerator,devices\nq,NVIDIA A800-SXM4-80GB,0\nr,NVIDIA A800-SXM4-80GB,0\n") ])
{
	($status, $report, $said) = run_demo('mixed' . @$capacity, '--usage', $file, @$capacity);
	is($status, 0, 'a region where nothing ran' . (@$capacity ? ', or that has no cards,' : '') . ' is reported') or diag $report, $said;
	like($report, qr/^ *51 \| +51 \| +50 \| +0 \| +1 \| +0 \| +0 \| t$/m, '... its failed job is refused');
	like($report, qr/These prices are INVENTED/, 'the prices of the demo are said to be invented');
	like($report, qr/12000\.013200 \| +12000\.\d+ \| t$/m, 'any fraction is reported, and the profiles agree to their rounding');
}

# ------------------------------------------------------------------ two small centres, which can be joined
$file = write_file('two.csv', "region,account,accelerator,devices,start,end\n"
	. "q,a,NVIDIA A800-SXM4-80GB,8,2026-06-03T10:00:00Z,2026-06-04T10:00:00Z\nq,b,NVIDIA A800-SXM4-80GB,0.5,2026-06-03T10:00:00Z,2026-06-04T12:00:00Z\n"
	. "r,b,NVIDIA A800-SXM4-80GB,4,2026-06-03T11:20:00Z,2026-06-03T14:00:00Z\nr,b,NVIDIA H20,16,2026-06-03T11:20:00Z,2026-06-03T14:00:00Z\n");
$db = 'two';
($status, $report, $said) = run_demo($db, '--usage', $file, '--capacity',
	write_file('two-capacity.csv', "region,accelerator,devices\nq,NVIDIA A800-SXM4-80GB,16\nr,NVIDIA A800-SXM4-80GB,8\nr,NVIDIA H20,16\nr,MLU370-X8,1\n"));
is($status, 0, 'a few jobs of two centres') or diag $report, $said;
is($node->safe_psql($db, q{SELECT cards, total > 0 FROM joining}), '31|t', 'two centres answer a request that neither could take');
like($report, qr/^ no pool of his is wide enough +\| +3 \| +2$/m, 'too wide for what is offered is said so');

for my $broken (
	[ '', qr/the file is empty; its first line must name the columns/ ],
	[ "region,account,accelerator,devices,start\n", qr/does not name the column "end"/ ],
	[ "region;account;accelerator;devices;start;end\n", qr/does not name the columns "region", .*; the delimiter is a comma$/ ],
	[ "region,account,accelerator,devices,start,end,End\n", qr/names the column "end" twice/ ],
	[ "\x1f\x8b\x08\x00\xff\n", qr/not a CSV file in UTF-8/ ])
{
	my ($content, $message) = @$broken;
	my ($rc, undef, $err) = run_program('scripts/demo.d/read-csv', 'usage', write_file('broken.csv', $content), "$dir/counts", "$dir/unreadable");
	isnt($rc, 0, 'a file without its columns is refused');
	like($err, $message, '... and says why');
}
($status) = run_demo('stops', '--usage', "$dir/broken.csv");
isnt($status, 0, 'and the demo stops');

# A file with good form and no row that can be used.
($status, $report, $said) = run_demo('nothing', '--usage', write_file('nothing.csv', "$header\n"));
is($status, 0, 'a file without rows gives an empty report') or diag $report, $said;

# ------------------------------------------------------------------ a real trace
my ($pods, $nodes) = map { "../shared/data/trace_alibaba_gpu2023_$_.csv" } qw(pods nodes);
SKIP:
{
	skip 'the Alibaba trace is not beside the checkout', 8 unless -e $pods && -e $nodes;
	mkdir "$dir/alibaba";
	($status, my $counts) = run_program('scripts/convert-alibaba-gpu2023', $pods, $nodes, "$dir/alibaba");
	is($status, 0, 'the trace is converted');
	like($counts, qr/^pods +8152 +read\n +1088 +asks for no GPU: left out\n +861 +never scheduled: left out\n +6203 +written$/m,
		'what is left out is counted');
	$db = 'alibaba';
	my $page = slurp_file('docs/alibaba-gpu2023.md');
	my ($prices) = $page =~ /^(accelerator,unit,.*?)^```/ms;
	($status, $report, $said) = run_demo($db, '--usage', "$dir/alibaba/usage.csv",
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
	is($node->safe_psql($db, 'SELECT sum(devices) FROM inventory'), $node->safe_psql($db, 'SELECT sum(gpu::int) FROM trace_nodes'),
		'the inventory is that of the nodes');
	is($node->safe_psql($db, "SELECT name, rows FROM named WHERE kind = 'unknown' AND name IN ('G2', 'G3', 'any') ORDER BY name"),
		$node->safe_psql($db, q{SELECT coalesce(gpu_spec, 'any') AS name, count(*) FROM trace_pods
			WHERE num_gpu <> '0' AND scheduled_time IS NOT NULL AND coalesce(gpu_spec, 'any') IN ('any', 'G2', 'G3') GROUP BY 1 ORDER BY 1}),
		'masked and open types are unknown, and listed');
}

$node->stop;
done_testing();
