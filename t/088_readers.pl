# Readers: whatever a reader asks of accounts that are not his, plans, counts of rows, buffers, messages and statistics are the
# same whether there is such an account or not.  Every view and every function that he may use is tried, with each way of
# planning on and off.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('readers');
$node->init;
# what is compared must not change by itself
$node->append_conf('postgresql.conf', "autovacuum = off\ntimezone = 'UTC'\n");
$node->start;

# Runs SQL as a role; ends the test with an error.
sub as
{
	my ($role, $sql) = @_;
	my ($rc, $out, $err) = $node->psql('ledger', "SET client_min_messages = warning; SET search_path = compute_ledger; $sql", on_error_stop => 1, extra_params => [ '-U', $role ]);
	BAIL_OUT("$role: " . substr($err, 0, 1000)) if $rc != 0;
	return $out;
}

# ------------------------------------------------------------------ a ledger of two customers, and a third that only reads
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE ROLE reader LOGIN; CREATE DATABASE ledger OWNER owner');
as('owner', q{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_account('acme', currency => 'USD'), create_account('acme research', parent => 'acme');
	SELECT setval(pg_get_serial_sequence('compute_ledger.account', 'id'), 7000);
	SELECT create_account('zenith', currency => 'USD', title => 'Zenith Ltd'), create_account('zenith labs', parent => 'zenith', title => 'Zenith Labs');
	SELECT create_account('zenith gone', parent => 'zenith');
	SELECT merge_account('zenith gone', 'zenith labs', '2026-09-10Z');
	SELECT create_price('nvidia/h100', 'USD', 2), create_price('nvidia/h100', 'USD', 1.5, account => 'acme', title => 'acme 1'), create_price('nvidia/h100', 'USD', 1.25, account => 'zenith', title => 'zenith 1');
	INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, run, labels)
	SELECT s.name, a.name || i, a.name, 'aws/us-east-1', 'NVIDIA H100 80GB HBM3', a.devices, t.at, t.at + i * interval '10 minutes', a.name || ' run', jsonb_build_object('of', a.name)
	FROM (VALUES ('acme', 2, 40, 0), ('acme research', 3, 30, 0), ('zenith', 5, 900, 1), ('zenith labs', 7, 600, 2)) AS a (name, devices, n, seconds)
	CROSS JOIN LATERAL generate_series(1, a.n) AS i
	CROSS JOIN LATERAL (SELECT timestamptz '2026-08-01Z' + i * interval '1 hour' + a.seconds * interval '1 second') AS t (at)
	CROSS JOIN LATERAL (SELECT CASE WHEN a.name ~ 'zenith' THEN 'zenith source' ELSE 'acme source' END) AS s (name);
	INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, run)
	SELECT 'zenith source', 'wrong ' || i, a, 'nowhere ' || a, 'NVIDIA H100 80GB HBM3', 1, '2026-08-01Z', '2026-08-02Z', a || ' run' FROM generate_series(1, 20) AS i, unnest('{acme,zenith,zenith labs}'::text[]) AS a});
# what policy says to it is recorded, too
as('owner', "SELECT create_policy('house'), create_access_rule('none', 'house', 'deny', 'clause 1', accelerators => '{nvidia/h100}', valid => '(,2026-10-01)')");
as('owner', $_) for 'SELECT accept_usage(max_rows => 70)', "SELECT set_flag('zenith', 'flagged')", 'SELECT accept_usage()';
as('owner', q{
	SELECT create_pool('aws/us-east-1', 'nvidia/h100') AS pool \gset
	SELECT offer_devices(:pool, 100000, '[2020-01-01,)');
	SELECT book(a.name, :pool, a.devices, tstzrange(date_trunc('hour', now()) + (a.devices * 100 + i) * interval '1 minute', date_trunc('hour', now()) + (a.devices * 100 + 60 + i) * interval '1 minute'), hold => '1 day', confirmed => i % 2 = 0)
	FROM (VALUES ('acme', 2, 40), ('acme research', 3, 30), ('zenith', 5, 900), ('zenith labs', 7, 600)) AS a (name, devices, n) CROSS JOIN LATERAL generate_series(1, a.n) AS i;
	SELECT submit_request(placement_request(a.name, '{nvidia/h100}', devices => a.devices * 100 + i, time_limit => a.devices * interval '1 hour', max_cost => 1000000 + a.devices), -a.devices, a.name || i)
	FROM (VALUES ('acme', 2, 4), ('acme research', 3, 3), ('zenith', 5, 90), ('zenith labs', 7, 60)) AS a (name, devices, n) CROSS JOIN LATERAL generate_series(1, a.n) AS i;
	SELECT count(*) FROM schedule()});
as('owner', "SELECT close_period('acme', '[2026-08-01,2026-09-01)'), close_period('zenith', '[2026-08-01,2026-09-01)')");
as('owner', "SELECT refresh_rollups(); SELECT grant_access('reader', 'reader', 'acme')");
# Twelve hours of the reader's in a quiet time, one behind the other in the rollups; and twelve in a busy one, with much of Zenith's between.
sub used
{
	my ($source, $account, $day, $hours) = @_;
	return "INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
		SELECT '$source source', 'later ' || h, '$account', 'aws/us-east-1', 'NVIDIA H100 80GB HBM3', 4, h, h + interval '1 hour' FROM generate_series($hours) AS i CROSS JOIN LATERAL (SELECT timestamptz '$day Z' + i * interval '1 hour') AS t (h);";
}
as('owner', used('acme', 'acme', '2026-09-20', '0, 11') . 'SELECT accept_usage(); SELECT refresh_rollups()');
as('owner', used('acme', 'acme', '2026-09-25', "$_, $_") . used('zenith', 'zenith', '2026-09-25', $_ * 80 . ', ' . ($_ * 80 + 79)) . 'SELECT accept_usage(); SELECT refresh_rollups()') for 0 .. 11;
$node->safe_psql('ledger', 'GRANT CREATE ON SCHEMA public TO reader; VACUUM ANALYZE');

# ------------------------------------------------------------------ what the reader is told
# told(sql) is what EXPLAIN shows of a statement, or its error, with what it counted in the statistics of all tables that anybody
# may look at.  try(sql) runs a statement and returns its error.
as('reader', q{
	CREATE FUNCTION public.try(sql text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE sql;
		RETURN 'done';
	EXCEPTION WHEN OTHERS THEN
		RETURN concat(SQLSTATE, ' ', SQLERRM);
	END
	$$;
	CREATE FUNCTION public.explained(sql text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		line text;
		lines text := '';
	BEGIN
		FOR line IN EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, VERBOSE, TIMING off, SUMMARY off) ' || sql LOOP
			lines := lines || line || chr(10);
		END LOOP;
		RETURN lines;
	EXCEPTION WHEN OTHERS THEN
		RETURN concat(lines, SQLSTATE, ' ', SQLERRM);
	END
	$$;
	CREATE VIEW public.counter AS
	SELECT s.relname, s.seq_scan, s.seq_tup_read, s.idx_scan, s.idx_tup_fetch FROM pg_stat_xact_all_tables AS s WHERE s.schemaname = 'compute_ledger';
	CREATE FUNCTION public.told(sql text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		before public.counter[] := ARRAY(SELECT c FROM public.counter AS c);
		lines text := public.explained(sql);
	BEGIN
		RETURN lines || chr(10) || coalesce((SELECT string_agg(format('counted in %s: %s', n.relname,
				ARRAY[n.seq_scan - o.seq_scan, n.seq_tup_read - o.seq_tup_read, n.idx_scan - o.idx_scan, n.idx_tup_fetch - o.idx_tup_fetch]), chr(10) ORDER BY n.relname)
			FROM public.counter AS n JOIN unnest(before) AS o USING (relname) WHERE (n) IS DISTINCT FROM (o)), '');
	END
	$$});

# What differs in what the reader is told of pairs of statements, a line each: name, one of something that is there, one of
# what is not.  Each is run before it counts, so that everything is in memory; what differs is tried again, because plans
# that are kept are made anew now and then, and those take buffers too.
sub differences
{
	my ($settings, @pairs) = @_;
	my @differ = differ($settings, @pairs);
	for (1 .. 4)
	{
		@differ = differ($settings, map { $_->[0] } @differ) if @differ;
	}
	return map { $_->[1] } @differ;
}
sub differ
{
	my ($settings, @pairs) = @_;
	# what each of several processes does is not the same twice
	my $sql = "$settings; SET max_parallel_workers_per_gather = 0; CREATE TEMP TABLE answer (n int, side int, told text); SET search_path = public, compute_ledger;";
	# plans that are made for each of the first five runs
	$sql .= "DO \$do\$ BEGIN FOR i IN 1 .. 12 LOOP PERFORM * FROM compute_ledger.my_price; PERFORM public.try('SELECT * FROM compute_ledger.rate_usage(''nobody'', NULL)'); END LOOP; END \$do\$;\n";
	for my $n (0 .. $#pairs)
	{
		for my $side (1, 2)
		{
			my $statement = "\$s\$$pairs[$n][$side]\$s\$";
			$sql .= "DO \$do\$ BEGIN PERFORM public.told($statement); END \$do\$;\n" if $side == 1;
			$sql .= "DO \$do\$ BEGIN INSERT INTO answer VALUES ($n, $side, public.told($statement)); END \$do\$;\n";
		}
	}
	$sql .= q{SELECT a.n, encode(convert_to(a.told, 'UTF8'), 'hex'), encode(convert_to(b.told, 'UTF8'), 'hex') FROM answer AS a JOIN answer AS b ON b.n = a.n AND a.side = 1 AND b.side = 2 ORDER BY a.n};
	my @differ;
	for (split /\n/, as('reader', $sql))
	{
		my ($n, @told) = split /\|/;
		my ($name, undef, undef, $there, $absent) = @{ $pairs[$n] };
		my ($lines_there, $lines_absent) = map { [ split /\n/ ] } map { pack 'H*', $_ } @told;
		# what was asked for is in conditions and messages, and may be in others by chance
		for my $value ($there, $absent)
		{
			my $asked = $value =~ /[a-z]enith/i ? qr/\Q$value\E/ : qr/(?<=')\Q$value\E(?=')|(?:(?<=[<>=] )|(?<=Output: ))\Q$value\E\b/;
			s/$asked/?/g for @$lines_there, @$lines_absent;
		}
		my @a = @$lines_there;
		my @b = @$lines_absent;
		next if join("\n", @a) eq join("\n", @b);
		my ($first) = grep { ($a[$_] // '') ne ($b[$_] // '') } 0 .. (@a > @b ? $#a : $#b);
		push @differ, [ $pairs[$n], "$name: " . ($a[$first] // 'nothing') . ' <> ' . ($b[$first] // 'nothing') ];
	}
	return @differ;
}

# ------------------------------------------------------------------ views
# Of each column of each view a value that is in rows of Zenith's and nowhere else, and one that is in no row.
my @views = split /\n/, as('owner', q{SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind = 'v' AND c.relname ~ '^my_' ORDER BY c.relname COLLATE "C"});
is(join(' ', @views), 'my_account my_charge my_focus_1_2 my_focus_1_2_text my_period_close my_policy_decision my_price my_rejected my_request my_reservation my_spend_daily my_spend_label my_usage my_usage_daily my_usage_hourly', 'views for readers');
my (@pairs, %tried);
for my $view (@views)
{
	for (split /\n/, as('owner', qq{
		SELECT quote_ident(a.attname), format_type(a.atttypid, NULL), a.atttypid IN ('text'::regtype, 'jsonb'::regtype) FROM pg_attribute AS a
		WHERE a.attrelid = '$view'::regclass AND a.attnum > 0 ORDER BY a.attnum}))
	{
		my ($column, $type, $is_text) = split /\|/;
		next if $type eq 'jsonb' || $type eq 'boolean' || $type =~ /\[\]$/;
		my %own = map { $_ => 1 } split /\n/, as('reader', "SELECT DISTINCT ${column}::text FROM $view");
		my ($value) = grep { $_ ne '' && !$own{$_} } split /\n/, as('owner', "SELECT ${column}::text FROM $view GROUP BY 1 ORDER BY count(*) DESC, 1");
		next if !defined $value || $value =~ /infinity|^\(/;
		# of the same length and form, without a zero at the end that is not shown, and nowhere
		(my $absent = $value) =~ s/zenith/xenith/g;
		$absent =~ s/Zenith/Xenith/g;
		$absent =~ s{(\d)(?=\+00$)}{$1 % 9 + 1}e if $absent eq $value;
		$absent =~ s{\b20(\d\d)-}{19$1-}g if $absent eq $value && $value =~ /^[\["(]*20\d\d-/;
		$absent =~ s{(\d)(?=\D*$)}{$1 % 9 + 1}e if $absent eq $value && $value =~ /^[\d.+-]+$/;
		next if $absent eq $value;
		next if as('owner', "SELECT count(*) FROM $view WHERE ${column}::text = '$absent'") ne '0';
		# of the larger views no more than one for each column
		my @operators = $view =~ /focus/ ? ('=') : $type =~ /range|accelerator|compute|text/ ? ('=', 'joined') : ('=', '>=', '<', 'joined');
		for my $operator (@operators)
		{
			my $form = $operator eq 'joined' ? "SELECT * FROM (VALUES ('?'::$type)) AS x (x) JOIN compute_ledger.$view AS v ON v.$column = x.x"
				: "SELECT * FROM compute_ledger.$view WHERE $column $operator '?'::$type";
			$form =~ s/ = / OPERATOR(compute_ledger.=) / if $type =~ /accelerator|compute/;
			my @asked = map { $form =~ s/\?/$_/r } $value, $absent;
			# his own rows that they find are the same: none, or all that are older
			next if $operator =~ /[<>]/ && as('reader', "SELECT (SELECT count(*) FROM ($asked[0]) AS q) = (SELECT count(*) FROM ($asked[1]) AS q)") ne 't';
			push @pairs, [ "$view.$column $operator", @asked, $value, $absent ];
		}
		$tried{$view}++;
	}
}
cmp_ok($tried{$_} // 0, '>=', 3, "$_: " . ($tried{$_} // 0) . ' columns have something of another account\'s') for @views;
# the tables themselves are refused in the same words
push @pairs, map { my $form = $_; [ "$form", (map { $form =~ s/\?/$_/r } 'zenith', 'xenith'), 'zenith', 'xenith' ] } "SELECT 1 FROM compute_ledger.account WHERE name = '?'",
	"SELECT 1 FROM compute_ledger.usage_record WHERE account_name = '?' AND started_at >= '2026-08-01Z'", "SELECT 1 FROM compute_ledger.usage_rejected WHERE account = '?'", "SELECT 1 FROM compute_ledger.usage_daily WHERE account_name = '?'";
my @planning = split /\n/, as('owner', q{SELECT name FROM pg_settings WHERE name ~ '^enable_' ORDER BY name});
is(join("\n", differences('SET jit = off', @pairs)), '', scalar(@pairs) . ' conditions on views tell nothing');
is(join("\n", differences(join('; ', 'SET jit = off', map { "SET $_ = off" } @planning), @pairs)), '', 'nor with every way of planning off');
is(join("\n", differences(join('; ', 'SET jit = off', "SET $_ = on", map { "SET $_ = off" } grep { /scan|join|nestloop/ } @planning), @pairs)), '', 'nor with indexes and joins off') for 'enable_seqscan';
# one by one, a few conditions of each view
my %few;
my @few = grep { my ($view) = $_->[0] =~ /^(\w+)/; ++$few{$view} <= ($view =~ /focus/ ? 1 : 2) } @pairs;
for my $off (@planning)
{
	is(join("\n", differences("SET jit = off; SET $off = off", @few)), '', "nor without $off");
	is(join("\n", differences(join('; ', 'SET jit = off', (map { "SET $_ = off" } grep { $_ ne $off } @planning), "SET $off = on"), @few)), '', "nor with $off only") if $off =~ /scan|nestloop|join/;
}

# Nor does a period: what others used in it, and on how many pages one's own rows lie for that, or whether there was anything at all.
my ($quiet, $busy) = ('2026-09-20 00:00:00+00', '2026-09-25 00:00:00+00');
my @periods = map { my $form = $_; [ "a period: $form", (map { $form =~ s/\?/$_/gr } $quiet, $busy), $quiet, $busy ] }
	"SELECT * FROM compute_ledger.my_usage_hourly WHERE hour >= '?'::timestamptz AND hour < '?'::timestamptz + interval '12 hours'",
	"SELECT sum(device_hours) FROM compute_ledger.my_usage_hourly WHERE hour BETWEEN '?'::timestamptz AND '?'::timestamptz + interval '11 hours' AND account_name = 'acme'",
	"SELECT hour, sum(device_time) FROM compute_ledger.my_usage_hourly WHERE '?'::timestamptz + interval '12 hours' > hour AND '?'::timestamptz <= hour GROUP BY hour",
	"SELECT * FROM compute_ledger._own_usage_hourly('?'::timestamptz, '?'::timestamptz + interval '11 hours')",
	"SELECT * FROM compute_ledger.my_usage_daily WHERE day = '?'::timestamptz::date",
	"SELECT * FROM compute_ledger.my_usage WHERE started_at >= '?'::timestamptz AND started_at < '?'::timestamptz + interval '12 hours'";
is(as('reader', $periods[0][$_] =~ s/\*/count(*), min(hour)/r), "12|" . $periods[0][$_ + 2], 'the reader has twelve hours in it') for 1, 2;
is(join("\n", differences('SET jit = off', @periods)), '', scalar(@periods) . ' queries of a quiet and a busy time tell nothing');
is(join("\n", differences(join('; ', 'SET jit = off', map { "SET $_ = off" } @planning), @periods)), '', 'nor with every way of planning off');

# The test sees what it looks for: with no OFFSET 0, with no barrier, and with a table that only row-level security protects.
sub found
{
	my ($change, $back, $asked, $name) = @_;
	as('owner', $change);
	my @differ = map { $_->[1] =~ s/ +/ /gr } differ('SET jit = off', @$asked);
	cmp_ok(scalar(@differ), '>', 0, $name . ($differ[0] ? ": $differ[0]" : ''));
	as('owner', $back);
	return;
}
for my $view (grep { !/^my_(focus_1_2_text|usage_hourly)$/ } @views)
{
	my @asked = grep { $_->[0] =~ /^$view\./ } @pairs;
	my $definition = as('owner', "SELECT pg_get_viewdef('$view'::regclass)");
	(my $open = $definition) =~ s/\s+OFFSET 0;\s*\z/;/ or fail("$view has no OFFSET 0");
	my $back = "CREATE OR REPLACE VIEW $view WITH (security_barrier = true) AS $definition";
	found("CREATE OR REPLACE VIEW $view WITH (security_barrier = true) AS $open", $back, \@asked, "$view without OFFSET 0 tells");
	found("CREATE OR REPLACE VIEW $view WITH (security_barrier = false) AS $definition", $back, \@asked, "$view without the barrier tells") if $view =~ /^my_(usage|charge|price|rejected|account)$/;
}

# A function is the fence of my_usage_hourly.  Without it, and where it reads no more than the period, the view tells, too.
my $fenced = as('owner', "SELECT pg_get_viewdef('my_usage_hourly'::regclass)");
found(q{CREATE OR REPLACE VIEW my_usage_hourly WITH (security_barrier = true) AS SELECT h.account, h.account_name, h.region, h.region_name, h.accelerator, h.measure, h.basis, h.hour, h.day,
	h.device_hours, h.device_time, h.work, h.achieved, h.started FROM usage_hourly AS h}, "CREATE OR REPLACE VIEW my_usage_hourly WITH (security_barrier = true) AS $fenced",
	[ grep { $_->[0] =~ /^my_usage_hourly\./ } @pairs ], 'my_usage_hourly without its function tells');
my $whole = $node->safe_psql('ledger', "SELECT pg_get_functiondef('compute_ledger._own_usage_hourly(timestamptz, timestamptz, name)'::regprocedure)");
(my $part = $whole) =~ s/RETURN QUERY.*?;/RETURN QUERY SELECT h.account, a.name, h.region, NULL::text, h.accelerator, h.measure, h.basis, h.hour, h.day, h.device_time, h.work, h.achieved, h.started
		FROM compute_ledger._usage_hourly AS h JOIN compute_ledger.account AS a ON a.id = h.account
		WHERE h.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts(role))) AND h.hour BETWEEN since AND until;/s;
$node->safe_psql('ledger', $part);
my @told = map { $_->[1] =~ s/ +/ /gr } differ('SET jit = off; SET enable_seqscan = off', @periods[ 0 .. 3 ]);
cmp_ok(scalar(@told), '>', 0, 'a function that reads no more than the period tells' . ($told[0] ? ": $told[0]" : ''));
$node->safe_psql('ledger', $whole);

# Asked by hand it says what the view says: its bounds are what they come to, and only of the call that the conditions are of.
my $own = 'compute_ledger._own_usage_hourly(NULL, NULL)';
for my $condition (q{hour >= (jsonb_path_query_first('["2026-09-22"]', '$[0]') #>> '{}')::timestamptz}, q{hour >= '2026-09-25'::timestamptz - make_interval(days => 3)},
	q{hour < '2026-09-25'::timestamptz - make_interval()})
{
	my $view = as('reader', "SELECT count(*) FROM my_usage_hourly WHERE $condition OR random() < 0");
	cmp_ok($view, '>', 0, "there are hours with $condition");
	is(as('reader', "SELECT count(*) FROM my_usage_hourly WHERE $condition"), $view, 'as many in the view');
	is(as('reader', "SELECT count(*) FROM $own WHERE $condition"), $view, 'and from its function');
}
my $hour = "hour = '$busy'::timestamptz";
is(as('reader', "SELECT count(*) FROM (SELECT $own, hour FROM (SELECT * FROM $own AS h) AS s WHERE s.$hour OFFSET 0) AS x"),
	as('reader', "SELECT (SELECT count(*) FROM $own AS a) * count(*) FROM $own AS h WHERE h.$hour"), 'a call in the target list has no bounds of one in FROM');
is(as('reader', "SELECT min(ordinality) FROM $own WITH ORDINALITY WHERE $hour"), as('reader', "SELECT min(ordinality) FROM (SELECT * FROM $own WITH ORDINALITY OFFSET 0) AS h WHERE $hour"),
	'hours are counted before they are left out');

# ------------------------------------------------------------------ functions
# Every function that reads the ledger and that the reader may call, with arguments that name what is there and what is not.
my (@calls, @first);
for my $names ([ 'zenith', 'xenith' ], [ 'zenith labs', 'xenith labs' ], [ 'zenith gone', 'xenith gone' ])
{
	my @ids = map { $_ eq 'there' ? as('owner', "SELECT id FROM account WHERE name = '$names->[0]'") : '7999' } qw(there absent);
	for my $side (0, 1)
	{
		my ($name, $id) = ($names->[$side], $ids[$side]);
		my $i = 0;
		for (split /\n/, as('reader', qq{
			SELECT p.oid::regprocedure, p.proname || '(' || coalesce((SELECT string_agg(CASE
					WHEN n.name = 'role' THEN 'current_user'
					WHEN n.name = 'accelerator' THEN '''H100'''
					WHEN n.name IN ('region', 'number_format', 'currency') THEN 'NULL'
					WHEN n.name = 'measure' THEN '''allocated'''
					WHEN n.name = 'book' THEN '''sale'''
					WHEN n.name = 'at' THEN '''2026-08-05Z'''
					WHEN t.type IN ('text'::regtype, 'name'::regtype) THEN '''$name'''
					WHEN t.type = 'text[]'::regtype THEN '''{$name}'''
					WHEN t.type IN ('bigint'::regtype, 'integer'::regtype) THEN '$id'
					WHEN t.type = 'bigint[]'::regtype THEN '''{$id}'''
					WHEN t.type = 'tstzrange'::regtype THEN '''[2026-08-01,2026-09-01)'''
					WHEN t.type = 'regclass'::regtype THEN '''compute_ledger.my_account'''
					ELSE 'NULL' END || CASE WHEN n.name = 'role' THEN '' ELSE '::' || format_type(t.type, NULL) END, ', ' ORDER BY t.place)
				FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, place)
				LEFT JOIN unnest(p.proargnames) WITH ORDINALITY AS n (name, place) USING (place)), '') || ')'
			FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql')
			WHERE p.pronamespace = 'compute_ledger'::regnamespace AND p.prokind = 'f' AND p.provolatile <> 'i' AND p.prorettype <> 'trigger'::regtype
				AND has_function_privilege(p.oid, 'EXECUTE') AND NOT 'anyelement'::regtype = ANY (p.proargtypes) AND p.proname !~ '^_?focus'
			ORDER BY 1::text COLLATE "C"}))
		{
			my ($signature, $call) = split /\|/, $_, 2;
			# as it stands, and where an error is caught
			for my $sql ("SELECT * FROM compute_ledger.$call", "SELECT public.try(\$t\$SELECT * FROM compute_ledger.$call\$t\$)")
			{
				$calls[$i] //= [ "$signature of $names->[0]" ];
				push @{ $calls[$i] }, $sql;
				push @{ $calls[$i] }, $name eq $names->[1] ? $names->@* : () if $side;
				$i++;
			}
		}
	}
	# the names are different, and so may be the numbers
	my @differ = differences('SET jit = off', @calls);
	s/\b(?:\Q$ids[0]\E|7999)\b/?/g for @differ;
	is(join("\n", grep { !/: (.*) <> \1$/ } @differ), '', scalar(@calls) . " calls with $names->[0] tell nothing");
	@first = grep { $_->[0] =~ /^(rate_usage|explain_price)/ } @calls unless @first;
	@calls = ();
}
my $definition = as('owner', "SELECT pg_get_functiondef('_sees_name(text, name)'::regprocedure)");
found(q{CREATE OR REPLACE FUNCTION _sees_name(account text, role name) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
	AS 'SELECT a.id IN (SELECT compute_ledger._visible_accounts(role)) FROM compute_ledger.account AS a WHERE a.name = account'}, $definition, \@first, 'a look-up of the name tells');
# Of his own he is told, as others are.
my $period = "'[2026-08-01,2026-09-01)'";
is(as('reader', q{SELECT terms, title FROM explain_price('acme research', 'H100', NULL, '2026-08-05Z') WHERE place = 1}), '1.5 USD a device-hour|acme 1', 'a price of his own');
for my $account ('acme', 'acme research')
{
	my $rate = "SELECT count(*), sum(cost), md5(string_agg(r::text, ',' ORDER BY r::text COLLATE \"C\")) FROM rate_usage('$account', $period, (SELECT as_of FROM my_period_close)) AS r";
	my $own = as('reader', $rate);
	like($own, qr/^[1-9]\d*\|[1-9]/, "he rates $account");
	is($own, as('owner', $rate =~ s/FROM my_period_close/FROM period_close WHERE payer = 1/r), 'as the owner does');
}
is(as('reader', "SELECT public.try(\$\$SELECT compute_ledger.rate_usage($_->[0], $period$_->[1])\$\$)"), "42501 permission denied for $_->[2]", "not $_->[2]")
	for [ q{'zenith'}, '', 'account "zenith"' ], [ q{'no such'}, '', 'account "no such"' ], [ 'NULL', '', 'all accounts' ], [ q{'acme'}, q{, book => 'cost'}, 'price book "cost"' ];
# what has moved away is rated for its new readers only
as('owner', "SELECT move_account('acme research', 'zenith', '2026-09-15Z')");
is(as('reader', "SELECT (SELECT count(*) FROM my_account WHERE name ~ 'research') + count(*) FROM rate_usage('acme', $period) WHERE account <> 1"), '0', 'an account that has moved away is not his any more, in charges of before neither');

$node->stop;
done_testing();
