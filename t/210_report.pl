# The page that scripts/report writes: its tables, and what its plots say, against plain SQL on the tables of three random
# ledgers whose accounts and regions have names that are anything but names; what a reader's page holds; how a browser shows it.
use strict;
use warnings;
use Encode;
use File::Temp;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261101;
note "seed $seed";
for my $program (qw(node npm))
{
	plan skip_all => "$program is not installed: nothing draws" unless grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

my $node = PostgreSQL::Test::Cluster->new('report');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\njit = off\n");
$node->start;
my $dir = File::Temp->newdir(CLEANUP => 1);

# Runs scripts/report on a database; returns status, standard output and error.
sub run_report
{
	my ($db, @options) = @_;
	my ($out, $err) = ('', '');
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => $db, HOME => "$dir", npm_config_cache => "$dir/npm");
	IPC::Run::run([ 'scripts/report', '--modules', "$dir/modules", @options ], '<', \'', '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

# A page as text.
sub page
{
	my ($db, $name, @options) = @_;
	my ($status, $out, $err) = run_report($db, '--output', "$dir/$name.html", @options);
	is("$status$err", '0', "page $name is written") or return '';
	is($out, "$dir/$name.html\n", '... and its path is printed');
	return Encode::decode('UTF-8', slurp_file("$dir/$name.html"), Encode::FB_CROAK);
}

sub text
{
	my ($html) = @_;
	$html =~ s/<[^>]*>//g;
	my %entity = (lt => '<', gt => '>', quot => '"', amp => '&');
	return $html =~ s/&(?:#(\d+)|(lt|gt|quot|amp));/$1 ? chr $1 : $entity{$2}/ger;
}

# The rows of a table but its heading, as A|B|C.
sub rows
{
	my ($html) = @_;
	return map { join '|', map { text($_) } /<t[hd]\b[^>]*>(.*?)<\/t[hd]>/gs } $html =~ /<tr>(.*?)<\/tr>/gs;
}

# The figures of a page by id: heading, body and foot of the table, texts of the wide and of the narrow plot.
sub figures
{
	my ($page) = @_;
	my %figures;
	while ($page =~ m{<figure id="([^"]+)">(.*?)</figure>}gs)
	{
		my ($id, $figure) = ($1, $2);
		my ($head, $body, $foot) = map { my ($part) = $figure =~ m{<$_>(.*?)</$_>}s; [ rows($part // '') ] } qw(thead tbody tfoot);
		my @texts = map { my ($svg) = $figure =~ m{(<svg class="$_".*?</svg>)}s; [ map { text($_) } ($svg // '') =~ m{<text[^>]*>(.*?)</text>}gs ] } qw(wide narrow);
		$figures{$id} = { head => $head->[0], body => $body, foot => $foot->[0], wide => $texts[0], narrow => $texts[1], html => $figure };
	}
	return \%figures;
}

# ------------------------------------------------------------------ ledgers
my @names = ('acme', '<script>alert(1)</script>', ']]>', 'a & b "c" \'d\'', '__proto__', '{b} {c}', "\x{5317}\x{4eac}\x{5b9e}\x{9a8c}\x{5ba4}", "left\x{202e}right",
	'<style>*{display:none}</style>', 'x' x 90, '</table></figure>', '&lt;b&gt;');
my @regions = ('east', '<b>west</b>', "\x{4e1c}-2 &amp;", 'north/1');

sub literal { return "'" . Encode::encode('UTF-8', $_[0] =~ s/'/''/gr) . "'" }

# One with everything that a page shows; two branches, of which the first is one reader's.
sub make_ledger
{
	my ($db, $n) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	my $accounts = join '; ', map { my $name = literal($names[$_]); "SELECT create_account($name, parent => '" . ($_ % 2 ? 'one' : 'two') . "')" } 0 .. $#names;
	my $regions = join '; ', map { 'SELECT create_region(' . literal($_) . ", 'provider')" } @regions;
	my $all = 'ARRAY[' . join(', ', map { literal($_) } @names) . ']';
	my $where = 'ARRAY[' . join(', ', map { literal($_) } @regions) . ']';
	my $usage = sub {
		my ($series, $count, $month) = @_;
		return qq{
		SELECT setseed(($seed % 1000 + $n) / 1999.0);
		INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, labels)
		SELECT 'test', '$series' || i, ($all)[1 + floor(random() * 12)::int], ($where)[1 + floor(random() * 4)::int], ('{H100-SXM5-80GB,A100-SXM4-80GB,H200,910B2,MI300X,L40S,H20,A30,L4,T4}'::text[])[1 + floor(random() * 10)::int],
			(1 + floor(random() * 16))::text, s.t::text, (s.t + random() * interval '90 hours')::text, CASE WHEN random() < 0.2 THEN 'used' ELSE 'allocated' END,
			CASE WHEN i % 4 > 0 THEN jsonb_build_object('user', '<i>' || i % 23 || ']]>') END
		FROM generate_series(1, $count) AS i, LATERAL (SELECT timestamptz '$month' + random() * interval '26 days') AS s (t);
		SELECT accepted FROM accept_usage();};
	};
	$node->safe_psql($db, qq{
		CREATE EXTENSION compute_ledger;
		SELECT create_ledger();
		SELECT create_account('one', currency => 'EUR', time_zone => 'Asia/Kolkata', title => 'Number <i>One</i>'), create_account('two', currency => 'JPY', time_zone => 'UTC');
		$accounts; $regions;
		INSERT INTO capacity (region, accelerator, devices, valid)
		SELECT r.id, a.chip::accelerator, 40 + r.id % 7 * 10, tstzrange('2025-04-01 00:00Z', NULL)
		FROM (SELECT * FROM region WHERE name = ANY ($where)) AS r, unnest('{nvidia/h100-sxm5-80gb,nvidia/a100-sxm4-80gb}'::text[]) AS a (chip);});
	$node->safe_psql($db, q{
		SELECT create_price('nvidia/h100', 'EUR', 2.5), create_price('nvidia/h100', 'JPY', 400), create_price('nvidia/a100', 'EUR', 1.2345), create_price('nvidia/a100', 'JPY', 180.5), create_price('nvidia', 'EUR', 0.7);
		SELECT create_price('nvidia/h100', 'EUR', 2.1, account => 'one', committed_devices => 2, committed_price => 1.5), create_price('amd', 'JPY', 250, account => 'two'),
			create_price('nvidia/h200', 'EUR', account => 'one', tier_bounds => '{10}', tier_prices => '{3, 2}'), create_price('nvidia/l4', 'JPY', 33.3, account => 'two', minimum => 900000);
	});
	$node->safe_psql($db, $usage->('may', 150, '2025-05-01 00:00Z'));
	$node->safe_psql($db, "SELECT close_period('$_->[0]', '[2025-05-01 00:00 $_->[1], 2025-06-01 00:00 $_->[1])', waive => ARRAY(SELECT name FROM account))") for [ 'one', 'Asia/Kolkata' ], [ 'two', 'UTC' ];
	$node->safe_psql($db, $usage->('late', 12, '2025-05-03 00:00Z'));
	$node->safe_psql($db, "SELECT close_period('$_->[0]', '[2025-06-01 00:00 $_->[1], 2025-07-01 00:00 $_->[1])', waive => ARRAY(SELECT name FROM account))") for [ 'one', 'Asia/Kolkata' ], [ 'two', 'UTC' ];
	$node->safe_psql($db, qq{
		INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
		SELECT 'test', 'bad' || i, CASE i % 3 WHEN 0 THEN '<img src=x onerror=alert(1)>' ELSE ($all)[1 + i % 12] END, 'east', CASE i % 5 WHEN 0 THEN 'no such </table>' ELSE 'H200' END, CASE i % 4 WHEN 1 THEN '-1' ELSE '1' END, '2025-05-0' || 1 + i % 9 || 'T00:00Z', '2025-05-01T00:00Z'
		FROM generate_series(1, 40) AS i;
		SELECT rejected FROM accept_usage();
		SELECT refresh_rollups()});
	$node->safe_psql($db, "CREATE ROLE ${db}_one LOGIN; SELECT grant_access('${db}_one', 'reader', 'one')");
	return;
}

# ------------------------------------------------------------------ plain SQL
# What numbers look like, as functions of the test's own.
my $show = q{
	CREATE FUNCTION pg_temp.n(x numeric, d int) RETURNS text LANGUAGE sql AS $$ SELECT replace(to_char(round(x, d), 'FM999,999,999,999,990' || CASE d WHEN 0 THEN '' ELSE '.' || repeat('0', d) END), '-', U&'\2212') $$;
	CREATE FUNCTION pg_temp.k(x numeric) RETURNS text LANGUAGE sql AS $$
		SELECT pg_temp.n(x / u.size, CASE WHEN abs(x) / u.size >= 100 THEN 0 WHEN abs(x) / u.size >= 10 OR u.unit = '' THEN 1 ELSE 2 END) || u.unit
		FROM (VALUES (1e6, 'M'), (1e3, 'k'), (0, '')) AS s (least, unit), LATERAL (SELECT greatest(s.least, 1) AS size, s.unit) AS u WHERE abs(x) >= s.least ORDER BY s.least DESC LIMIT 1 $$;
	CREATE FUNCTION pg_temp.p(a numeric, b numeric) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN b = 0 THEN U&'\2013' ELSE pg_temp.n(100 * a / b, 1) || '%' END $$;
};

# What queries say of what is charged and used in May, in lines as pages have them, by the names of the queries.
sub lines
{
	my ($db, $queries, $where) = @_;
	my ($out, $err) = ('', '');
	$node->psql($db, qq{
		SET client_min_messages = warning; $show
		CREATE TEMP TABLE seen AS SELECT a.id, a.name FROM account AS a WHERE } . ($where // 'true') . q{;
		-- charges of May, each on the day of its use, or on the first of its billing period
		CREATE TEMP TABLE c AS
		SELECT c.*, a.name, d.d, m.minor_digits AS m
		FROM charge AS c JOIN seen AS a ON a.id = c.account JOIN currency AS m ON m.code = c.currency,
			LATERAL (SELECT coalesce(c.day, (lower(c.period) AT TIME ZONE CASE c.currency WHEN 'EUR' THEN 'Asia/Kolkata' ELSE 'UTC' END)::date) AS d) AS d
		WHERE c.book = 'sale' AND d.d >= '2025-05-01' AND d.d < '2025-06-01';
		CREATE TEMP TABLE local AS SELECT id, CASE WHEN id IN (SELECT account FROM account_version WHERE parent = account_id('one') OR account = account_id('one')) THEN 'Asia/Kolkata' ELSE 'UTC' END AS zone FROM account;
		CREATE TEMP TABLE rejected AS SELECT * FROM usage_rejected WHERE } . ($where ? "account IN (SELECT name FROM seen)" : 'true') . q{;
		-- records by the hour: device-seconds
		CREATE TEMP TABLE h AS
		SELECT r.name AS region, u.accelerator, u.measure, a.name, h.h, u.devices * extract(epoch FROM least(u.ended_at, h.h + interval '1 hour') - greatest(u.started_at, h.h)) AS seconds
		FROM usage_record AS u JOIN seen AS a ON a.id = u.account JOIN region AS r ON r.id = u.region, generate_series(date_trunc('hour', u.started_at), u.ended_at, interval '1 hour') AS h (h)
		WHERE u.superseded = 'infinity' AND least(u.ended_at, h.h + interval '1 hour') > greatest(u.started_at, h.h);
		-- records in May, of their account's days: device-seconds
		CREATE TEMP TABLE may AS
		SELECT a.name, u.measure, u.devices * extract(epoch FROM least(u.ended_at, timestamp '2025-06-01' AT TIME ZONE l.zone) - greatest(u.started_at, timestamp '2025-05-01' AT TIME ZONE l.zone)) AS seconds
		FROM usage_record AS u JOIN seen AS a ON a.id = u.account JOIN local AS l ON l.id = a.id
		WHERE u.superseded = 'infinity' AND u.ended_at > timestamp '2025-05-01' AT TIME ZONE l.zone AND u.started_at < timestamp '2025-06-01' AT TIME ZONE l.zone;
		\\pset null ''
		} . join('', map { qq{\\echo == $_\n$queries->{$_};\n} } sort keys %$queries), stdout => \$out, stderr => \$err, on_error_stop => 1);
	die $err if $err;
	my %lines = map { $_ => [] } keys %$queries;
	my $name;
	for my $line (split /\n/, Encode::decode('UTF-8', $out))
	{
		if ($line =~ /^== (.*)/) { $name = $1 }
		elsif (defined $name) { push @{ $lines{$name} }, $line }
	}
	return \%lines;
}

# Rows of a heat map's table: of capacity by regions, as far as it is known.
sub shares
{
	my ($measure, $by) = @_;
	return qq{
		WITH g AS (SELECT l, l AT TIME ZONE 'Europe/Paris' AS h, $by AS at FROM generate_series(timestamp '2025-05-01', '2025-05-31 23:00', '1 hour') AS l),
		k AS (
			SELECT r.name AS region, g.at, c.devices, u.hours, u.there
			FROM capacity AS c JOIN region AS r ON r.id = c.region CROSS JOIN g
			LEFT JOIN (SELECT region, accelerator, h, sum(h.seconds) FILTER (WHERE h.measure = '$measure') / 3600 AS hours, true AS there FROM h GROUP BY 1, 2, 3) AS u ON u.h = g.h AND u.region = r.name AND u.accelerator = c.accelerator
		), s AS (
			SELECT region, at, sum(hours) AS hours, sum(devices) FILTER (WHERE there IS NULL OR hours IS NOT NULL) AS capacity, grouping(at) = 1 AS foot FROM k GROUP BY GROUPING SETS ((region, at), (region))
		)
		SELECT coalesce(at, 'All') || '|' || string_agg(coalesce(pg_temp.p(coalesce(hours, 0), capacity), U&'\\2013'), '|' ORDER BY region COLLATE "C") FROM s GROUP BY at, foot ORDER BY foot, at};
}

# Rows of a heat map's table: of devices, on average.
sub devices
{
	my ($by, $hours) = @_;
	return qq{
		WITH t AS (
			SELECT region, at, sum(seconds) / 3600 / CASE WHEN grouping(at) = 1 THEN 744 ELSE $hours END AS devices, grouping(at) = 1 AS foot
			FROM (SELECT region, seconds, $by AS at FROM h WHERE measure = 'allocated' AND h >= '2025-05-01 00:00 Europe/Paris' AND h < '2025-06-01 00:00 Europe/Paris') AS x
			GROUP BY GROUPING SETS ((region, at), (region))
		)
		SELECT coalesce(a.at, 'All') || '|' || string_agg(coalesce(pg_temp.n(t.devices, 1), U&'\\2013'), '|' ORDER BY r.region COLLATE "C")
		FROM (SELECT DISTINCT at, foot FROM t) AS a CROSS JOIN (SELECT DISTINCT region FROM t) AS r LEFT JOIN t ON t.region = r.region AND t.at IS NOT DISTINCT FROM a.at GROUP BY a.at, a.foot ORDER BY a.foot, a.at};
}

# Rows of the table of spend: the chips by what they cost, of many the first seven and the rest.
sub spend
{
	my ($currency) = @_;
	return qq{
		WITH chip AS (
			SELECT accelerator, row_number() OVER (ORDER BY sum(cost) DESC) AS n, count(*) OVER () AS all FROM c WHERE currency = '$currency' AND cost IS NOT NULL GROUP BY accelerator
		), k AS (SELECT accelerator, CASE WHEN n > 7 AND chip.all > 8 THEN 8 ELSE n END AS n FROM chip),
		s AS (
			SELECT d.d, k.n, coalesce(sum(c.cost), 0) AS cost, grouping(d.d) = 1 AS foot
			FROM (SELECT DISTINCT d FROM c WHERE currency = '$currency' AND cost IS NOT NULL) AS d CROSS JOIN k LEFT JOIN c ON c.currency = '$currency' AND c.d = d.d AND c.accelerator IS NOT DISTINCT FROM k.accelerator
			GROUP BY GROUPING SETS ((d.d, k.n), (k.n))
		)
		SELECT coalesce(d::text, 'All') || '|' || pg_temp.n(sum(cost), min(f.m)) || '|' || string_agg(pg_temp.n(cost, f.m), '|' ORDER BY n)
		FROM s, (SELECT min(minor_digits) AS m FROM currency WHERE code = '$currency') AS f GROUP BY d, foot ORDER BY foot, d};
}

# Rows of the table of a label: its fifteen dearest values, the others, and what has none.
sub labels
{
	my ($currency) = @_;
	return qq{
		WITH l AS (
			SELECT value, sum(cost) AS cost, coalesce(sum(cost) FILTER (WHERE shared), 0) AS shared, row_number() OVER (ORDER BY value IS NULL, sum(cost) DESC) AS n
			FROM spend_label AS l JOIN seen ON seen.id = l.account WHERE key = 'user' AND book = 'sale' AND currency = '$currency' AND day >= '2025-05-01' AND day < '2025-06-01' GROUP BY value
		), k AS (SELECT CASE WHEN value IS NULL THEN 17 ELSE least(n, 16) END AS n, min(value) AS value, count(*) AS values, sum(cost) AS cost, sum(shared) AS shared FROM l GROUP BY 1),
		f AS (SELECT minor_digits AS m, (SELECT sum(cost) FROM c WHERE currency = '$currency') AS total FROM currency WHERE code = '$currency')
		(SELECT concat_ws('|', CASE n WHEN 17 THEN 'without' WHEN 16 THEN values || ' others' ELSE value END, pg_temp.n(cost, m), pg_temp.p(cost, total), pg_temp.n(shared, m)) FROM k, f ORDER BY n)
		UNION ALL SELECT concat_ws('|', 'All', pg_temp.n(total, m), pg_temp.p(total, total), pg_temp.n((SELECT sum(shared) FROM k), m)) FROM f WHERE total IS NOT NULL};
}

# What to expect of each figure, by id: body and foot as one list.
my %query = (
	'allocated-hour' => shares('allocated', "to_char(l, 'HH24')"),
	'allocated-day' => shares('allocated', "to_char(l, 'YYYY-MM-DD')"),
	'used-hour' => shares('used', "to_char(l, 'HH24')"),
	'used-day' => shares('used', "to_char(l, 'YYYY-MM-DD')"),
	'devices-hour' => devices("to_char(h AT TIME ZONE 'Europe/Paris', 'HH24')", 31),
	'devices-day' => devices("to_char(h AT TIME ZONE 'Europe/Paris', 'YYYY-MM-DD')", 24),
	'accounts-hours' => q{
		WITH s AS (SELECT name, sum(seconds) / 3600 AS hours, grouping(name) = 1 AS foot FROM may WHERE measure = 'allocated' GROUP BY GROUPING SETS ((name), ())),
		b AS (SELECT a.name, count(*) AS n FROM usage_record AS u JOIN seen AS a ON a.id = u.account JOIN local AS l ON l.id = a.id WHERE u.superseded = 'infinity' AND measure = 'allocated'
			AND u.started_at >= timestamp '2025-05-01' AT TIME ZONE l.zone AND u.started_at < timestamp '2025-06-01' AT TIME ZONE l.zone AND u.ended_at > u.started_at GROUP BY a.name)
		SELECT concat_ws('|', coalesce(s.name, 'All'), pg_temp.n(s.hours, 1), pg_temp.p(s.hours, sum(s.hours) FILTER (WHERE NOT foot) OVER ()), pg_temp.n(coalesce(b.n, sum(b.n) OVER ()), 0))
		FROM s LEFT JOIN b ON b.name = s.name ORDER BY foot, s.hours DESC},
	rejected => q{
		WITH r AS (SELECT sqlstate, reason, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, sqlstate, reason COLLATE "C") AS place FROM rejected GROUP BY 1, 2)
		(SELECT concat_ws('|', sqlstate, reason, n) FROM r WHERE place <= 12 ORDER BY place)
		UNION ALL SELECT '|other reasons|' || sum(n) FROM r WHERE place > 12 HAVING count(*) > 0
		UNION ALL SELECT 'All||' || sum(n) FROM r},
	'label-1' => labels('EUR'),
	'label-2' => labels('JPY'),
	map { my $currency = $_; (
		"spend-$currency" => spend($currency),
		"totals-$currency" => qq{SELECT pg_temp.k(sum(cost)) FROM c WHERE currency = '$currency' AND cost IS NOT NULL GROUP BY d ORDER BY d},
		"accounts-$currency" => qq{
			WITH s AS (SELECT name, sum(cost) AS cost, sum(list_cost) AS list, sum(cost) FILTER (WHERE list_cost IS NOT NULL) AS listed, min(m) AS m, grouping(name) = 1 AS foot FROM c WHERE currency = '$currency' AND cost IS NOT NULL GROUP BY GROUPING SETS ((name), ()))
			SELECT concat_ws('|', coalesce(name, 'All'), pg_temp.n(cost, m), pg_temp.p(cost, max(CASE WHEN foot THEN cost END) OVER ()), coalesce(pg_temp.n(list, m), U&'\\2013'), coalesce(pg_temp.p(list - listed, list), U&'\\2013')) FROM s ORDER BY foot, cost DESC},
		"savings-$currency" => qq{
			WITH s AS (SELECT accelerator, sum(list_cost) AS list, sum(cost) AS cost, min(m) AS m, grouping(accelerator) = 1 AS foot FROM c WHERE currency = '$currency' AND list_cost IS NOT NULL AND cost IS NOT NULL GROUP BY GROUPING SETS ((accelerator), ()))
			SELECT concat_ws('|', CASE WHEN foot THEN 'All' ELSE coalesce(accelerator::text, 'no chip') END, pg_temp.n(list, m), pg_temp.n(cost, m), pg_temp.n(list - cost, m), pg_temp.p(list - cost, list)) FROM s ORDER BY foot, list DESC},
		"commitments-$currency" => qq{
			WITH s AS (
				SELECT name, CASE WHEN kind = 'commitment' THEN 'Minimum, short of' ELSE 'Capacity' END AS what, accelerator, coalesce(sum(cost) FILTER (WHERE kind = 'reserved used'), 0) AS used, coalesce(sum(cost) FILTER (WHERE kind <> 'reserved used'), 0) AS unused,
					coalesce(sum(quantity) FILTER (WHERE kind = 'reserved used'), 0) AS uh, coalesce(sum(quantity) FILTER (WHERE kind = 'reserved unused'), 0) AS nh, min(m) AS m, grouping(name) = 1 AS foot
				FROM c WHERE currency = '$currency' AND kind IN ('reserved used', 'reserved unused', 'commitment') GROUP BY GROUPING SETS ((name, 2, accelerator), ()))
			SELECT concat_ws('|', CASE WHEN foot THEN 'All' ELSE name END, CASE WHEN foot THEN '' ELSE what END, CASE WHEN foot THEN '' ELSE coalesce(accelerator::text, '') END, pg_temp.n(uh, 1), pg_temp.n(nh, 1), pg_temp.n(used, m), pg_temp.n(unused, m), pg_temp.p(used, used + unused))
			FROM s ORDER BY foot, used + unused DESC},
		"late-$currency" => qq{
			WITH s AS (SELECT d, count(*) AS n, sum(cost) AS cost, min(m) AS m, grouping(d) = 1 AS foot FROM c WHERE currency = '$currency' AND corrects IS NOT NULL AND kind <> 'rounding' AND cost IS NOT NULL GROUP BY GROUPING SETS ((d), ()))
			SELECT concat_ws('|', coalesce(d::text, 'All'), pg_temp.n(n, 0), pg_temp.n(cost, m)) FROM s WHERE n > 0 ORDER BY foot, d},
	) } qw(EUR JPY),
);

# What a page must show of a name.
sub shown { return $_[0] =~ s/[\x{202e}]/\x{fffd}/gr }

# A plot says what its table says: every name, cut short where it is long, and every figure that its bars or cells stand for.
sub compare_plot
{
	my ($id, $figure, $what) = @_;
	my @body = map { [ split /\|/, $_, -1 ] } @{ $figure->{body} };
	for my $kind (qw(wide narrow))
	{
		my @texts = @{ $figure->{$kind} };
		my %left;
		$left{$_}++ for @texts;
		my @missing;
		my $want = sub {    # one of several ways to say it
			for (@_) { if ($left{$_}) { $left{$_}--; return } }
			push @missing, $_[0];
		};
		my $name = sub {
			my ($text) = @_;
			return if !$left{$text} && grep { /^(.+)\x{2026}$/ && index($text, $1) == 0 && $left{$_}-- } @texts;
			$want->($text);
		};
		if ($id =~ /^(?:allocated|used|devices)-/)
		{
			my @heads = split /\|/, $figure->{head};
			$name->($_) for @heads[ 1 .. $#heads ];
			for my $row (@body)
			{
				$want->($row->[0] =~ s/^2025-05-//r);
				$want->($_, s/%$//r) for grep { $_ ne "\x{2013}" } @$row[ 1 .. $#$row ];
			}
		}
		elsif ($id =~ /^spend-/) { $want->($_->[0] =~ s/^2025-05-//r) for @body }
		elsif ($id =~ /^(?:accounts|label)-/) { $name->($_->[0]), $want->($_->[1]) for @body }
		elsif ($id =~ /^savings-/) { $name->($_->[0]), $want->($_->[1]), $want->($_->[2]) for @body }
		elsif ($id =~ /^commitments-/) { $name->("$_->[0]" . ($_->[2] ? " $_->[2]" : '')), $want->($_->[7]) for @body }
		elsif ($id =~ /^late-/) { $want->($_->[0]), $want->($_->[2]) for @body }
		elsif ($id eq 'rejected') { $name->($_->[0] ? "$_->[0] $_->[1]" : $_->[1]), $want->($_->[2]) for @body }
		is(join(', ', @missing), '', "$what: the $kind plot says what the table says");
	}
}

sub compare
{
	my ($db, $page, $where, $what, @not) = @_;
	my $figures = figures($page);
	my %not = map { $_ => 1 } @not;
	my $lines = lines($db, \%query, $where);
	for my $id (grep { !/^totals-/ } sort keys %query)
	{
		my $expected = [ map { shown($_) } @{ $lines->{$id} } ];
		if ($not{$id} || !@$expected || "@$expected" =~ /^All(?:\||\z)/)
		{
			ok(!$figures->{$id}, "$what: no figure $id");
			next;
		}
		my $figure = $figures->{$id} or fail("$what: figure $id") or next;
		my $found = [ @{ $figure->{body} }, $figure->{foot} ];
		$found = [ map { join '|', (split /\|/, $_, -1)[ 0 .. 2 ] } @$found ] if $id eq 'rejected';    # without the times
		is_deeply($found, $expected, "$what: $id is what SQL says");
		compare_plot($id, $figure, "$what: $id");
		next unless $id =~ /^spend-(.*)/;
		my $totals = join ' ', @{ $lines->{"totals-$1"} };
		for my $kind (qw(wide narrow))
		{
			# in their order, after what the axis says
			my @left = split / /, $totals;
			for my $text (@{ $figure->{$kind} }) { shift @left if @left && $left[0] eq $text }
			is("@left", '', "$what: and its bars have totals, $kind");
		}
	}
	is(join(' ', grep { !$query{$_} } sort keys %$figures), '', "$what: no other figure");
	return;
}

# Nothing in it runs or is fetched, whatever names say.
sub harmless
{
	my ($page, $what) = @_;
	unlike($page, qr/<script|javascript:|<img|<iframe|<object|<link|\son\w+=[^<>]*>|\@import|url\(/i, "$what: no script, nothing that is fetched");
	is(join(' ', grep { $_ ne 'http://www.w3.org/2000/svg' } $page =~ m{\bhttps?://[^\s"'<>]*}g), '', "$what: no address");
	my %open;
	$page =~ s{<(/?)(section|figure|table|details|svg|div|main|header|p|ul|dl)\b}{$open{$2} += $1 ? -1 : 1; ''}ge;
	is(join(' ', grep { $open{$_} } sort keys %open), '', "$what: what is opened is closed");
	return;
}

my ($status, $out, $err);
$node->safe_psql('postgres', 'CREATE DATABASE empty');
$node->safe_psql('empty', 'CREATE EXTENSION compute_ledger; SELECT create_ledger()');
($status, $out, $err) = run_report('empty', '--output', "$dir/empty.html");
is("$status $err", "2 report: there are no rollups yet: call compute_ledger.refresh_rollups() first\n", 'without rollups there is no page');
$node->safe_psql('empty', 'SELECT refresh_rollups()');
($status, $out, $err) = run_report('empty', '--output', "$dir/empty.html");
if ($err =~ /npm could not fetch/)
{
	$node->stop;
	diag $err;
	pass('without npm\'s registry the command says so');
	SKIP: { skip 'npm cannot fetch Apache ECharts: no page is drawn', 1 }
	done_testing();
	exit;
}
is("$status$err", '0', 'an empty ledger has a page');
my $page = Encode::decode('UTF-8', slurp_file("$dir/empty.html"));
like($page, qr/Nothing was used in this period\..*Nothing was charged.*No account used anything.*Nothing that was charged.*Nothing was charged for a commitment.*No record waits/s, '... which says that there is nothing');
harmless($page, 'empty');

my @kept;
for my $n (1 .. 3)
{
	my $db = "ledger$n";
	make_ledger($db, $n);
	my @options = ('--period', '2025-05', '--timezone', 'Europe/Paris');
	$page = page($db, "all$n", @options);
	harmless($page, $db);
	compare($db, $page, undef, $db, 'devices-hour', 'devices-day');
	like(text($page), qr/\Q$_\E/, "$db: name $_") for map { shown($_) } @names[ 1 .. 6, 8, 10, 11 ];
	$page = page($db, "one$n", @options, '--account', 'one');
	harmless($page, "$db, reader");
	compare($db, $page, q{a.id IN (SELECT account FROM account_version WHERE parent = account_id('one') OR account = account_id('one'))}, "$db, reader",
		qw(allocated-hour allocated-day used-hour used-day));
	my %seen = map { $names[$_] => 1 } grep { $_ % 2 } 0 .. $#names;
	is(join(', ', grep { my $name = shown($_); !$seen{$_} && text($page) =~ /(?<![\w;])\Q$name\E(?![\w;])/ } @names, 'two'), '', "$db, reader: no name of another account");
	like($page, qr{<h1><bdi>Number &#60;i&#62;One&#60;/i&#62;</bdi></h1>}, "$db, reader: the title of the account");
}

# ------------------------------------------------------------------ whose page, of when
($status, $out, $err) = run_report('ledger1', '--account', 'two', '--output', "$dir/no.html");
is("$status$out", '2', 'an account that no role reads has no page');
like($err, qr/no role that you are a member of reads just this account/, '... and it is said why');
$node->safe_psql('ledger1', q{CREATE ROLE wide LOGIN; SELECT grant_access('wide', 'reader', 'two'), grant_access('wide', 'reader', 'one')});
($status, $out, $err) = run_report('ledger1', '--account', 'two', '--output', "$dir/no.html");
is($status, 2, 'nor does one whose only reader reads others, too');
{
	local $ENV{PGUSER} = 'ledger1_one';
	my $mine = page('ledger1', 'mine', '--period', '2025-05', '--timezone', 'Europe/Paris');
	my ($theirs) = map { Encode::decode('UTF-8', slurp_file("$dir/$_.html")) } 'one1';
	my $main = sub { my ($main) = $_[0] =~ m{(<main>.*</main>)}s; return $main };
	is($main->($mine), $main->($theirs), 'a reader gets the same page by himself');
	($status, $out, $err) = run_report('ledger1', '--account', 'one');
	is("$status $err", "2 report: --account is for roles that see the whole ledger; without it the page shows what you may see\n", '... and no other');
}
for my $period ('2025-13', '2025-05-01', '[2025-05-01,2025-05-01)', '[,2025-05-01)', q{'; DROP TABLE charge})
{
	($status, $out, $err) = run_report('ledger1', '--period', $period);
	is("$status$out", '2', "no page of period $period");
}
like(page('ledger1', 'days', '--period', '[2025-05-03,2025-05-05)'), qr/from 2025-05-03 to 2025-05-04/, 'a page of some days');
like(page('ledger1', 'year', '--period', '[2025-01-01,2026-01-01)'), qr{<tbody>\n<tr><th scope="row" class="text">2025-05</th>}, 'a year goes by months');
like(page('ledger1', 'latest'), qr/Compute from 2025-0[56]-01/, 'without a period it is the month of the latest usage');

# ------------------------------------------------------------------ in a browser
my ($browser) = grep { -x } map { "$_/chromium" } split /:/, $ENV{PATH};
SKIP:
{
	skip 'chromium is not installed: no page is opened', 8 unless $browser;
	my $open = sub {
		my ($out, $err) = ('', '');
		IPC::Run::run([ $browser, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars', '--no-first-run', '--disable-background-networking', "--user-data-dir=$dir/chromium", @_ ], '<', \'', '>', \$out, '2>', \$err, IPC::Run::timeout(120));
		return $out;
	};
	for my $file ('all1', 'one1')
	{
		for my $width (1100, 360)
		{
			# what the page is like inside, from a page around it
			append_to_file("$dir/frame-$file-$width.html", qq{<body><iframe id="f" src="$file.html" style="width:${width}px;height:900px;border:0"></iframe><pre id="said"></pre><script>
				const f = document.getElementById('f');
				f.onload = () => { const d = f.contentDocument, visible = (kind) => [...d.querySelectorAll('svg.' + kind)].filter((s) => s.getBoundingClientRect().width > 0).length;
					document.getElementById('said').textContent = ['wide=' + d.documentElement.scrollWidth, 'figures=' + d.querySelectorAll('figure').length, 'drawn=' + visible('wide') + ',' + visible('narrow'),
						'inside=' + [...d.querySelectorAll('svg')].every((s) => s.getBoundingClientRect().right <= $width + 1), 'heading=' + d.querySelector('h1').textContent, 'scripts=' + d.scripts.length].join(' '); };
				</script></body>});
			my ($said) = $open->('--allow-file-access-from-files', '--virtual-time-budget=10000', '--dump-dom', "file://$dir/frame-$file-$width.html") =~ /<pre id="said">(.*?)<\/pre>/s;
			my $figures = keys %{ figures(Encode::decode('UTF-8', slurp_file("$dir/$file.html"))) };
			my $heading = $file eq 'all1' ? 'All accounts' : 'Number &lt;i&gt;One&lt;/i&gt;';
			is($said, "wide=$width figures=$figures drawn=" . ($width > 640 ? "$figures,0" : "0,$figures") . " inside=true heading=$heading scripts=0", "$file is well laid out at a width of $width");
			$open->("--window-size=$width,1600", "--screenshot=$dir/$file-$width.png", "file://$dir/$file.html");
			cmp_ok(-s "$dir/$file-$width.png" // 0, '>', 10_000, '... and can be looked at');
			IPC::Run::run([ 'cp', "$dir/$file-$width.png", "$dir/$file.html", $ENV{COMPUTE_LEDGER_SCREENSHOTS} ]) if $ENV{COMPUTE_LEDGER_SCREENSHOTS};
		}
	}
}

$node->stop;
done_testing();
