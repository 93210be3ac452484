# record_usage() and accept_usage() are two ways in that go by one set of rules.  The same records, made at random, go into one
# ledger one by one and into another one through the inbox; between them accounts, regions, names, rates, sources and
# reservations change in both.  Then all of it is compared: what was recorded, what counts, what was refused with which
# words, keys, what goes on, decisions of policy, usage of reservations that is due.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{USAGE_SEED} || 20261130;
my $rows = $ENV{USAGE_ROWS} || 2000;
note "seed $seed";
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('record_usage');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\nsearch_path = 'public, compute_ledger'\n");
$node->start;

sub pick { return $_[ int rand @_ ] }
sub quoted { my ($v) = @_; return defined $v ? "'" . $v =~ s/'/''/gr . "'" : 'NULL' }

# ------------------------------------------------------------------ records, and changes between them

my %cell = (
	source => [ ('slurm') x 4, ('k8s') x 3, 'cloud', 'new', '', undef, 'compute_ledger', 'y' x 1001 ],
	account => [ ('acme') x 5, ('lab') x 5, ('merged') x 3, 'late', 'ended', 'unknown', '', undef ],
	region => [ ('here') x 6, 'there', 'coming', 'unknown', undef ],
	accelerator => [ ('NVIDIA H100 80GB HBM3') x 4, 'A100-SXM4-80GB', 'L4', 'Ascend910B', 'GRID A100D-1-10C', 'NVIDIA A100-SXM4-40GB MIG 1g.5gb', 'MIG 1g.5gb', 'Chip X', 'Chip Y', 'Voodoo 2', '', undef ],
	devices => [ (1, 8, '0.5', '2.50', '4000000') x 3, 0, -1, 'NaN', '0.0000001', '1000000001', undef ],
	started_at => [ (map { sprintf('2024-%02d-%02d %02d:00Z', 1 + int(rand(6)), 1 + int(rand(28)), int(rand(24))) } 1 .. 30), '2024-03-10 00:00Z', '2024-03-09 23:59:59.999999Z', '1999-12-31 23:59:59Z', '2100-01-01 00:00Z', undef ],
	hours => [ (1, 5, 24.5, 800) x 4, (undef) x 4, 0, -3, 1000000 ],
	measure => [ ('allocated') x 8, 'used', 'RESERVED', 'Used', '', 'guessed', 'forgone', undef ],
	number_format => [ (undef) x 6, 'bf16', 'FP8', 'bf17', '' ],
	achieved_work => [ (undef) x 6, '27.7 PFLOPh', '1e21 FLOP' ],
	run => [ undef, '', 'train-7' ],
	labels => [ (undef) x 4, '{}', '{"b": [1.50, true], "a": "x"}', '[1]', '"text"' ],
	revision => [ (0) x 8, 1, 1, 2, 3, -1, undef ],
	retracted => [ ('false') x 12, 'true', undef ],
	basis => [ ('bf16') x 8, 'fp8', 'FP64', 'example.org/weights', 'example.org/none' ],
	reservation => [ (undef) x 12, 'ledger:1', 'ledger:2', 'ledger:99', 'centre:7', 'centre:8', '7' ]);
my @columns = qw(source source_id account region accelerator devices started_at hours measure number_format achieved_work run labels revision retracted basis reservation);

# What changes in the meantime, in both ledgers; each is done once.
my @changes = (
	q{SELECT create_policy('house'); SELECT create_access_rule('no L4', 'house', 'deny', 'clause 1', accelerators => '{nvidia/l4}')},
	q{SELECT create_region('coming')},
	q{SELECT create_account('late', parent => 'acme', valid_from => '2024-03-10 00:00Z')},
	q{UPDATE account_version SET valid = tstzrange(lower(valid), '2024-04-01 00:00Z') WHERE account = (SELECT id FROM account WHERE name = 'ended') AND upper_inf(recorded)},
	q{SELECT merge_account('merged', 'lab', '2024-03-15 00:00Z')},
	q{INSERT INTO accelerator_alias (alias, accelerator) VALUES ('Chip X', 'nvidia/t4-pcie-16gb')},
	q{UPDATE accelerator_alias SET accelerator = 'nvidia/l4-pcie-24gb' WHERE alias = 'Chip X' AND upper_inf(recorded)},
	q{DELETE FROM accelerator_alias WHERE alias = 'Chip X' AND upper_inf(recorded)},
	q{INSERT INTO accelerator_alias (alias, system, accelerator) VALUES ('Chip Y', 'site', 'nvidia/h200')},
	q{UPDATE usage_source SET system = 'site' WHERE source = 'k8s'},
	q{INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('nvidia/l4', 'bf16', '100 TFLOPS@bf16')},
	q{INSERT INTO basis (name) VALUES ('example.org/weights')},
	q{INSERT INTO basis_factor (basis, accelerator, rate, valid) VALUES ('example.org/weights', 'nvidia', '2 TFLOPS', '(,2024-03-10 00:00Z)'), ('example.org/weights', 'nvidia/h100', '3 TFLOPS', '[2024-03-10 00:00Z,)')},
	q{UPDATE basis_factor SET rate = '4 TFLOPS' WHERE basis = 'example.org/weights' AND accelerator = 'nvidia/h100' AND upper_inf(recorded)},
	q{UPDATE usage_source SET clock_tolerance = '100 years' WHERE source = 'cloud'},
	q{SELECT answer_reservation(2, 'accepted', centre_id => '7', now => '2024-02-29 00:00Z')},
	q{UPDATE account_version SET title = 'another' WHERE account = (SELECT id FROM account WHERE name = 'lab') AND upper_inf(recorded)});

my (@feed, %used);
for my $n (1 .. $rows)
{
	my %row = map { $_ => pick(@{ $cell{$_} // [''] }) } @columns;
	# most are sound but for a cell or two
	my %usual = (source => 'slurm', account => 'acme', region => 'here', accelerator => 'NVIDIA H100 80GB HBM3', devices => 8, started_at => '2024-02-03 00:00Z', hours => 4, measure => 'allocated',
		number_format => undef, achieved_work => undef, run => undef, labels => undef, revision => 0, retracted => 'false', basis => 'bf16', reservation => undef);
	for my $column (keys %usual) { $row{$column} = $usual{$column} if rand() < 0.75 }
	$row{source_id} = rand() < 0.01 ? pick('', undef, 'z' x 1001) : 'job ' . int(rand($rows));
	# the same again, or a higher revision of it
	if (@feed && rand() < 0.3)
	{
		my %other = %{ pick(@feed) };
		$other{revision} += int(rand(3)) if defined $other{revision} && rand() < 0.5;
		$other{hours} = pick(@{ $cell{hours} }) if rand() < 0.2;
		%row = %other;
	}
	push @feed, \%row;
}
my $every = int($rows / (@changes + 1));
is(scalar(@changes) > 15 && $every > 50, 1, 'changes come between records');

# ------------------------------------------------------------------ two ledgers

for my $db (qw(single many))
{
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, q{
		CREATE EXTENSION compute_ledger;
		SELECT create_ledger();
		SELECT create_account('acme', time_zone => 'UTC', currency => 'USD', valid_from => '2000-01-01 00:00Z');
		SELECT count(create_account(n, parent => 'acme', valid_from => '2000-01-01 00:00Z')) FROM unnest(ARRAY['lab', 'merged', 'ended']) AS n;
		SELECT create_region('here'), create_region('there');
		SELECT create_pool('here', 'nvidia/h100-sxm5-80gb') AS pool \gset
		SELECT FROM offer_devices(:pool, 100, '[2024-02-01 00:00Z,)', now => '2024-02-01 00:00Z');
		UPDATE pool SET counts = 'started';
		SELECT FROM book('acme', :pool, 8, '[2024-03-01 00:00Z,2024-03-03 00:00Z)', confirmed => true, now => '2024-02-02 00:00Z');
		SELECT FROM book('lab', :pool, 8, '[2024-03-01 00:00Z,2024-03-03 00:00Z)', confirmed => true, now => '2024-02-02 00:00Z');
		CREATE TABLE outcome (n serial, source text, source_id text, revision int, started_at timestamptz, sqlstate text, message text, detail text, hint text);
		CREATE TABLE feed (n int PRIMARY KEY, source text, source_id text, account text, region text, accelerator text, devices numeric, started_at timestamptz, ended_at timestamptz, measure text,
			number_format text, achieved_work compute_unit, run text, labels jsonb, revision integer, retracted boolean, basis text, reservation text);
	});
	my $n = 0;
	$node->safe_psql($db, join "\n", map {
		my %r = %$_;
		$n++;
		my $end = defined $r{hours} && defined $r{started_at} ? "timestamptz " . quoted($r{started_at}) . " + interval '$r{hours} hours'" : 'NULL';
		"INSERT INTO feed VALUES ($n, " . join(', ', map({ quoted($r{$_}) } @columns[ 0 .. 6 ]), $end, map { quoted($r{$_}) } @columns[ 8 .. $#columns ]) . ');' } @feed);
}

# One by one: a few in a transaction, in one session, so that what it has found before is there when things change.
my $single = q{
	CREATE FUNCTION record_one(f feed) RETURNS void LANGUAGE plpgsql SET search_path = public, compute_ledger AS $$
	DECLARE
		o outcome;
	BEGIN
		PERFORM record_usage(f.source, f.source_id, f.account, f.region, f.accelerator, f.devices, f.started_at, f.ended_at, f.measure, f.number_format, f.achieved_work, f.run, f.labels, f.revision,
			f.retracted, f.basis, f.reservation);
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS o.sqlstate = RETURNED_SQLSTATE, o.message = MESSAGE_TEXT, o.detail = PG_EXCEPTION_DETAIL, o.hint = PG_EXCEPTION_HINT;
		INSERT INTO outcome (source, source_id, revision, started_at, sqlstate, message, detail, hint) VALUES (f.source, f.source_id, f.revision, f.started_at, o.sqlstate, o.message, o.detail, o.hint);
	END $$;
};
# Through the inbox: up to 30 at once, of one basis, no key twice.
my $many = q{
	CREATE FUNCTION accept_some(first int, last int) RETURNS void LANGUAGE plpgsql SET search_path = public, compute_ledger AS $$
	DECLARE
		b record;
	BEGIN
		INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, number_format, achieved_work, run, labels, revision, retracted, reservation)
		SELECT f.source, f.source_id, f.account, f.region, f.accelerator, f.devices::text, (f.started_at AT TIME ZONE 'UTC')::text || 'Z', (f.ended_at AT TIME ZONE 'UTC')::text || 'Z', f.measure,
			f.number_format, f.achieved_work::text, f.run, f.labels::text, f.revision::text, f.retracted::text, f.reservation
		FROM feed AS f WHERE f.n BETWEEN first AND last ORDER BY f.n;
		FOR b IN SELECT f.n, f.basis FROM feed AS f WHERE f.n = last LOOP
			SELECT * INTO b FROM accept_usage(b.basis);
		END LOOP;
		INSERT INTO outcome (source, source_id, revision, started_at, sqlstate, message, detail, hint)
		SELECT r.source, r.source_id, r.revision::int, r.started_at::timestamptz, r.sqlstate, r.reason, concat(r.detail, (SELECT string_agg(format(E'\nAlso: %s.', f.fault ->> 'reason'), '' ORDER BY f.place)
			FROM jsonb_array_elements(r.faults) WITH ORDINALITY AS f (fault, place) WHERE f.place > 1)), r.hint
		FROM usage_rejected AS r WHERE r.batch = b.batch ORDER BY r.id;
	EXCEPTION WHEN SQLSTATE 'LC002' THEN
		INSERT INTO outcome (source, source_id, revision, started_at, sqlstate, message, detail, hint)
		SELECT f.source, f.source_id, f.revision, f.started_at, SQLSTATE, SQLERRM, '', 'Register it in table "basis", or use one that is there.' FROM feed AS f WHERE f.n BETWEEN first AND last ORDER BY f.n;
	END $$;
};
my (@single, @many, %keys);
my ($first, $left) = (1, 0);
for my $n (1 .. $rows)
{
	my $r = $feed[ $n - 1 ];
	my $key = join "\0", map { $_ // '' } @$r{qw(source source_id)};
	if ($n > 1 && ($left == 0 || $keys{$key} || ($r->{basis} // '') ne ($feed[ $n - 2 ]{basis} // '') || $n % $every == 0))
	{
		push @many, "SELECT accept_some($first, " . ($n - 1) . ');';
		($first, $left, %keys) = ($n, int(rand(30)));
	}
	$keys{$key} = 1;
	$left--;
	if ($n % $every == 0 && @changes)
	{
		my $change = shift @changes;
		push @single, "$change;";
		push @many, "$change;";
	}
	push @single, rand() < 0.2 ? "BEGIN; SELECT record_one(f) FROM feed AS f WHERE n = $n; COMMIT;" : "SELECT record_one(f) FROM feed AS f WHERE n = $n;";
}
push @many, "SELECT accept_some($first, $rows);";
for ([ 'single', $single, @single ], [ 'many', $many, @many ])
{
	my ($db, @sql) = @$_;
	my $file = PostgreSQL::Test::Utils::tempdir() . "/$db.sql";
	append_to_file($file, join "\n", @sql);
	my ($rc, $out, $err) = $node->psql($db, "\\i $file", on_error_stop => 1);
	is("$rc $err", '0 ', "$db: all are in") or BAIL_OUT($err);
}

# ------------------------------------------------------------------ compared

# Says what a query returns in both ledgers; a test that it is the same.
sub same
{
	my ($name, $sql) = @_;
	my ($one, $other) = map { $node->safe_psql($_, $sql) } qw(single many);
	my $lines = () = $one =~ /\n/g;
	ok($one eq $other && $lines > 0, "the same $name, " . ($lines + 1) . ' rows') or do
	{
		my %seen = map { $_ => 1 } split /\n/, $other;
		my @only = grep { !$seen{$_} } split /\n/, $one;
		%seen = map { $_ => 1 } split /\n/, $one;
		my @others = grep { !$seen{$_} } split /\n/, $other;
		diag join "\n", 'one by one:', @only[ 0 .. ($#only > 5 ? 5 : $#only) ], 'from the inbox:', @others[ 0 .. ($#others > 5 ? 5 : $#others) ];
	};
	return $one;
}

same('records', q{SELECT a.name, r.started_at, r.ended_at, r.superseded = 'infinity' AS counts, r.superseded = r.recorded AS never, g.name, r.revision, r.basis, r.identification, r.accelerator, r.rate,
	r.rate_recorded IS NULL, r.share, r.devices::text, r.measure, r.number_format, r.achieved_work, r.reservation, r.reservation_name, r.source, r.source_id, r.account_name, r.region_name, r.accelerator_name,
	r.run, r.labels, (SELECT p.tableoid::regclass FROM _usage_record AS p WHERE p.id = r.id), r.id = k.record AND _usage_month_number(r.started_at) = k.month AND k.batch IS NULL AS has_key
	FROM usage_record AS r JOIN account AS a ON a.id = r.account JOIN region AS g ON g.id = r.region JOIN usage_source AS s ON s.source = r.source
	LEFT JOIN usage_key AS k ON k.source = s.number AND k.key = _usage_key_of(r.source_id, r.revision)
	WHERE r.source <> 'compute_ledger'
	ORDER BY r.source, r.source_id, r.revision});
same('keys', q{SELECT s.source, _usage_key_text(k.key), _usage_key_revision(k.key), k.digest, k.record IS NULL, k.month FROM usage_key AS k JOIN usage_source AS s ON s.number = k.source WHERE s.source <> 'compute_ledger' ORDER BY s.source, k.key});
same('open usage', q{SELECT source, source_id, account_name, started_at, devices::text, accelerator FROM open_usage ORDER BY source, source_id});
same('months', q{SELECT DISTINCT tableoid::regclass::text FROM _usage_record ORDER BY 1});
same('decisions', q{SELECT d.action, a.name, d.accelerator, lower(d.period), CASE WHEN r.ended_at < 'infinity' THEN upper(d.period) END, d.effect, d.rule, r.source_id, r.revision FROM policy_decision AS d JOIN account AS a ON a.id = d.account
	JOIN usage_record AS r ON r.id = d.usage ORDER BY r.source, r.source_id, r.revision});
# accept_usage() makes what is due of them now and then
$node->safe_psql($_, 'SELECT record_reservations()') for qw(single many);
same('usage of reservations', q{SELECT r.id, r.state, r.usage_due, u.measure, u.devices::text, u.started_at, u.ended_at
	FROM reservation AS r LEFT JOIN usage_record AS u ON u.reservation = r.id AND u.source = 'compute_ledger' AND u.superseded = 'infinity' ORDER BY 1, 4, 6});
same('sums of batches', q{SELECT s, n FROM (SELECT sum(accepted), sum(duplicate) FROM usage_batch WHERE kind <> 'reserve') AS b (a, d), LATERAL (VALUES ('accepted', a), ('duplicate', d)) AS v (s, n)});
my $all = same('refusals', q{SELECT o.source, o.source_id, o.revision, o.started_at, o.sqlstate, o.message, regexp_replace(o.detail, 'it may be .*?\+00', 'it may be so late', 'g') AS detail, o.hint
	FROM outcome AS o ORDER BY o.n});
my %kinds = map { (split /\|/)[4] // '' => 1 } grep { /\|/ } split /\n/, $all;
my $accepted = $node->safe_psql('single', 'SELECT count(*) FROM usage_key');
cmp_ok($accepted, '>', $rows / 6, "many were recorded: $accepted");
is(join(' ', grep { !$kinds{$_} } qw(LC003 LC006 LC007 LC008 LC009 LC025 42501 22000 22003 22P02 23502 54000 LC002)), '', 'and refused for every reason there is');
for my $db (qw(single many))
{
	is($node->safe_psql($db, 'SELECT * FROM _check_usage()'), '', "$db: the ledger finds no fault with itself");
}

$node->stop;
done_testing();
