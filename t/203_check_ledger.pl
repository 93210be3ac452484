# check_ledger(): nothing on a sound ledger, and every breach when it is made, and nothing else.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('check_ledger');
$node->init;
# statistics that change meanwhile would change how much is read
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nautovacuum = off\n");
$node->start;
my $db = 'postgres';
$node->safe_psql($db, 'CREATE ROLE ledger_owner LOGIN; GRANT SET ON PARAMETER session_replication_role TO ledger_owner; ALTER DATABASE postgres OWNER TO ledger_owner; GRANT CREATE ON SCHEMA public TO ledger_owner; CREATE ROLE audit LOGIN; CREATE ROLE read LOGIN; GRANT USAGE ON SCHEMA public TO PUBLIC');
$ENV{PGUSER} = 'ledger_owner';
$node->safe_psql($db, 'CREATE EXTENSION compute_ledger; SELECT create_ledger(); GRANT USAGE ON SCHEMA compute_ledger TO PUBLIC');

# As the owner, statement by statement: each is recorded by itself.
sub owner { $node->safe_psql($db, $_) for @_ }
my $found = q{SELECT string_agg(DISTINCT check_name, ', ' ORDER BY check_name) FROM check_ledger()};
sub sound { is($node->safe_psql($db, 'SELECT check_name, object, detail FROM check_ledger()'), '', $_[0]) }

sound('a new ledger');
# one record stays open
owner(q{INSERT INTO usage_source (source, open_limit) VALUES ('slurm', NULL)});

# A ledger with some of everything.
owner(
	q{SELECT create_account('org', time_zone => 'Europe/Berlin', currency => 'EUR'), create_account('team', parent => 'org'), create_account('lab', parent => 'org'), create_account('idle', parent => 'org'), create_account('idler', parent => 'org')},
	q{SELECT create_account('other', time_zone => 'UTC', currency => 'USD'), create_account('old', parent => 'org'), create_account('older', parent => 'org')},
	q{SELECT create_region('vendor', 'provider'), create_region('vendor/a', 'region', 'vendor'), create_region('vendor/b', 'region', 'vendor'), create_region('vendor/c', 'region', 'vendor')},
	q{INSERT INTO price (accelerator, model, tier_bounds, tier_prices, currency, pool) VALUES ('nvidia/h100', 'graduated', '{100, 1000}', '{3, 2.5, 2}', 'EUR', 'hopper')},
	q{INSERT INTO price (accelerator, price, currency) VALUES ('nvidia/a100', 1.5, 'EUR'), ('amd/mi300x', 2, 'EUR')},
	q{INSERT INTO price (accelerator, measure, unit, price, currency) VALUES ('nvidia/h100', 'used', 'PFLOPh@bf16', 0.1, 'EUR')},
	q{INSERT INTO price (accelerator, account, price, currency) SELECT 'nvidia/h100', id, 1, 'USD' FROM account WHERE name = 'other'},
	q{INSERT INTO price (book, accelerator, price, currency) VALUES ('cost', 'any', 1, 'EUR')},
	q{INSERT INTO price (book, accelerator, measure, price, currency) VALUES ('cost', 'any', 'used', 0.5, 'EUR')},
	q{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, achieved_work)
		SELECT 'slurm', n, (ARRAY['org', 'team', 'lab', 'other'])[1 + n % 4], (ARRAY['vendor/a', 'vendor/b'])[1 + n % 2], (ARRAY['NVIDIA H100 80GB HBM3', 'NVIDIA A100-SXM4-80GB'])[CASE WHEN n % 4 < 3 AND n % 5 = 0 THEN 2 ELSE 1 END],
			1 + n % 8, timestamptz '2025-09-01' + n * interval '7 hours 7 minutes', timestamptz '2025-09-01' + n * interval '11 hours 8 minutes 1.000001 s', CASE WHEN n % 4 < 3 AND n % 7 = 0 AND n % 5 > 0 THEN 'used' ELSE 'allocated' END,
			CASE WHEN n % 9 = 0 THEN n || '.5 PFLOPh' END
		FROM generate_series(1, 200) AS n},
	q{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at) VALUES
		('slurm', 'open', 'team', 'vendor/a', 'NVIDIA H100 80GB HBM3', '0.5', '2025-11-29T12:00Z'), ('slurm', 'bad', 'team', 'vendor/a', 'no such chip', '1', '2025-10-29T12:00Z'),
		('slurm', 'worse', 'nobody', 'vendor/a', 'NVIDIA H100 80GB HBM3', '1', '2025-10-29T12:00Z'), ('slurm', 'good', 'team', 'vendor/a', 'NVIDIA H100 80GB HBM3', '1', '2025-12-02T12:00Z')},
	'SELECT accept_usage()',
	q{INSERT INTO usage_inbox (source, source_id, revision, account, region, accelerator, devices, started_at, ended_at) VALUES
		('slurm', 'good', '2', 'team', 'vendor/a', 'NVIDIA H100 80GB HBM3', '1', '2025-12-02T12:00Z', '2025-12-03T12:00Z'),
		('slurm', 'good', '2', 'team', 'vendor/a', 'NVIDIA H100 80GB HBM3', '1', '2025-12-02T12:00Z', '2025-12-03T12:00Z')},
	'SELECT accept_usage()',
	q{INSERT INTO usage_inbox (source, source_id, revision, account, region, accelerator, devices, started_at, ended_at) VALUES
		('slurm', 'good', '1', 'lab', 'vendor/a', 'NVIDIA H100 80GB HBM3', '1', '2026-01-02T12:00Z', '2026-01-03T12:00Z')},
	q{INSERT INTO usage_inbox (source, source_id, revision, retracted) VALUES ('slurm', '7', '1', 'true')},
	'SELECT accept_usage()',
	q{SELECT retry_rejected(mend => '{"accelerator": "NVIDIA H100 80GB HBM3"}', sqlstate => (SELECT sqlstate FROM usage_rejected WHERE source_id = 'bad'))},
	q{SELECT merge_account('old', 'older', '2025-08-01')},
	q{SELECT close_period(a.name, b.period) FROM account AS a JOIN payers() AS p ON p.account = a.id AND p.payer = a.id JOIN billing_period AS b ON b.calendar = p.calendar WHERE a.name IN ('org', 'other') AND timestamptz '2025-09-15' <@ b.period});
sound('after closing a period');
owner(
	# late and corrected
	q{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES ('slurm', 'late', 'team', 'vendor/a', 'NVIDIA H100 80GB HBM3', '4', '2025-09-20T12:00Z', '2025-09-22T12:00Z')},
	q{INSERT INTO usage_inbox (source, source_id, revision, retracted) VALUES ('slurm', '9', '1', 'true')},
	'SELECT accept_usage()');
sound('after late usage of a closed period');
owner(
	q{SELECT close_period('org', b.period) FROM account AS a JOIN payers() AS p ON p.account = a.id AND p.payer = a.id JOIN billing_period AS b ON b.calendar = p.calendar WHERE a.name = 'org' AND timestamptz '2025-10-15' <@ b.period},
	q{SELECT reidentify('fp8', started => '[2025-12-01,2025-12-15)')},
	q{INSERT INTO capacity (region, accelerator, devices, valid) SELECT id, 'nvidia/h100-sxm5-80gb', 64, '[2025-09-01,)' FROM region WHERE name = 'vendor/a'},
	q{SELECT grant_access('audit', 'auditor'), grant_access('read', 'reader', 'team'), grant_access('read', 'agent', region => 'aws')},
	'SELECT refresh_rollups()');
sound('after corrections, a new basis and a refresh');
cmp_ok($node->safe_psql($db, 'SELECT count(*) FROM charge WHERE corrects IS NOT NULL'), '>', 0, 'there are corrections');
owner(
	q{INSERT INTO price (accelerator, region, price, currency) SELECT 'nvidia', id, 4, 'EUR' FROM region WHERE name = 'vendor/c'},
	q{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES ('slurm', 'new', 'team', 'vendor/c', 'NVIDIA H100 80GB HBM3', '4', '2025-12-20T12:00Z', '2025-12-22T12:00Z')},
	'SELECT accept_usage()');
sound('with usage that the rollups do not have yet');
# bookings
owner(
	q{SELECT create_account('host', currency => 'USD')},
	q{UPDATE pool SET granule = 8, host = (SELECT id FROM account WHERE name = 'host')},
	q{SELECT offer_devices(id, 60, '[2025-09-01,)'), set_guest_share(id, 0.5) FROM pool},
	q{SELECT plan_maintenance(id, 4, tstzrange(date_trunc('hour', now()) + interval '1 day', date_trunc('hour', now()) + interval '2 days')) FROM pool},
	q{SELECT book(a.account, p.id, a.devices, tstzrange(date_trunc('hour', now()) + interval '1 day', date_trunc('hour', now()) + interval '2 days'), confirmed => true) FROM pool AS p, (VALUES ('org', 24), ('host', 32)) AS a (account, devices)},
	q{SELECT create_pool('vendor/b', 'nvidia/h100-sxm5-80gb')});
sound('with bookings');

# What is to be read does not depend on how the session wants its own queries planned: the same rows of the same tables.
my %contrary = (from_collapse_limit => 1, geqo_threshold => 2, join_collapse_limit => 1, plan_cache_mode => 'force_generic_plan', jit => 'on');
my @contrary = map { my ($name, $value) = split /=/; "$name = " . ($contrary{$name} // ($value eq 'on' ? 'off' : 'on')) } split /\n/, $node->safe_psql($db,
	q{SELECT c FROM pg_proc, unnest(proconfig) AS c WHERE oid = 'compute_ledger._check_ledger(boolean,timestamptz)'::regprocedure AND c ~ '^(enable_|geqo|jit|join_|from_|plan_)' ORDER BY 1});
cmp_ok(scalar @contrary, '>=', 22, 'settings of the planner that are held');
my $november = q{(SELECT b.period FROM payers() AS p JOIN account AS a ON a.id = p.account AND a.id = p.payer AND a.name = 'org' JOIN billing_period AS b ON b.calendar = p.calendar WHERE timestamptz '2025-11-15' <@ b.period)};
# what workers read is counted elsewhere
my $prepare = "SET max_parallel_workers_per_gather = 0; SELECT $november AS november \\gset\n";
for my $call ('check_ledger()', "rate_usage('org', :'november')", "rate_corrections('org')", "close_period('org', :'november')", 'refresh_rollups()', "rate_diff('org', :'november', '2000-01-01', NULL)")
{
	my $reads = sub {
		my ($set) = @_;
		return $node->safe_psql($db, "SET ROLE ledger_owner; SET client_min_messages = warning; $prepare BEGIN; $set SELECT count(*) FROM $call AS f \\gset\n"
			. "SELECT relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE schemaname = 'compute_ledger' ORDER BY 1; ROLLBACK");
	};
	my $usual = $reads->('');
	my $all = join '', map { "SET LOCAL $_;" } @contrary;
	is($reads->($all), $usual, "$call reads the same under other settings");
	next if $call ne 'check_ledger()';
	isnt($reads->("ALTER FUNCTION _check_ledger(boolean,timestamptz) RESET ALL; ALTER FUNCTION _check_ledger(boolean,timestamptz) SET search_path = pg_catalog, pg_temp; $all"), $usual, 'and would not if they were not held');
}

# Who may, and that it writes nothing.
is($node->safe_psql($db, 'BEGIN READ ONLY; SELECT count(*) FROM compute_ledger.check_ledger()', extra_params => [ '-U', 'audit' ]), '0', 'an auditor, in a read-only transaction');
is($node->safe_psql($db, 'SELECT count(*) FROM check_ledger(false)'), '0', 'without rating');
my ($rc, $out, $err) = $node->psql($db, 'SELECT compute_ledger.check_ledger()', extra_params => [ '-U', 'read', '-v', 'VERBOSITY=sqlstate' ]);
like($err, qr/42501/, 'not a reader');

# Breaks something as somebody who goes round all triggers, looks, and undoes it.
my %seen;
sub breaks
{
	my ($what, $expected, $statement, $object) = @_;
	my $rerate = $expected =~ /rating|unpriced|rated/ ? 'true' : 'false';
	my $rows = $node->safe_psql($db, "SET client_min_messages = warning; BEGIN; SET LOCAL session_replication_role = replica; $statement; SET LOCAL session_replication_role = origin; SELECT check_name, object, detail FROM check_ledger($rerate); ROLLBACK");
	my %names = map { (split /\|/)[0] => 1 } grep { /\|/ } split /\n/, $rows;
	# a key that leads to nothing does not say when it came
	if ($what ne 'a key too many' && $expected =~ /batch|key|digest|revision|record|closing|charge|billed|usage|unpriced|utilization/)
	{
		my $since = $node->safe_psql($db, "SET client_min_messages = warning; BEGIN; SET LOCAL session_replication_role = replica; $statement; SET LOCAL session_replication_role = origin; SELECT string_agg(DISTINCT check_name, ', ' ORDER BY check_name), count(*) FROM check_ledger($rerate, '2000-01-01'); ROLLBACK");
		is($since =~ s/.*\n//sr, "$expected|" . scalar(grep { /\|/ } split /\n/, $rows), "$what: and of what has come since before all of it");
	}
	is(join(', ', sort keys %names), $expected, $what) or diag($rows);
	like($rows, $object, "$what: which one") if $object;
	$seen{$_} = 1 for keys %names;
}

# pools
breaks('capacity of another pool', 'capacity and pool', q{UPDATE capacity SET pool = (SELECT max(id) FROM pool)}, qr/^capacity and pool\|pool \d+\|has capacity of nvidia\/h100-sxm5-80gb in region \d+, partition "", and is of another$/m);
breaks('a lower offer', 'overbooked', q{UPDATE pool_offer SET devices = 59 WHERE upper_inf(recorded)}, qr/, 56 devices are booked of 48 that are offered, less what was planned$/m);
breaks('more maintenance', 'overbooked', q{UPDATE pool_reduction SET devices = 5}, qr/^overbooked\|pool \d+\|from /m);
breaks('a smaller share', 'overbooked', q{UPDATE guest_share SET share = 0.4}, qr/, guests have 24 devices of the 16 that are for them$/m);
breaks('maintenance of another pool', 'reduction and event', q{UPDATE pool_reduction SET event = 0}, qr/^reduction and event\|reduction \d+\|is part of event 0 of another pool or kind, or of none$/m);
is($node->safe_psql($db, q{BEGIN; SELECT record_outage(min(id), 1, tstzrange(now(), NULL)) > 0 FROM pool; UPDATE pool SET doubted = now() - interval '2 days', doubted_why = 'x' WHERE id = (SELECT min(id) FROM pool);
	UPDATE capacity SET devices = 59; SELECT check_name, severity FROM check_ledger(false) WHERE check_name !~ '^(capacity in|utilization)' ORDER BY 1; ROLLBACK}),
	"t\ndoubted pool|advice\noffered and not there|advice\nshort pool|advice", 'what is worth a look in pools');
$seen{$_} = 1 foreach 'doubted pool', 'offered and not there', 'short pool';

# usage
breaks('a count of a batch', 'batch counts', 'UPDATE usage_batch SET accepted = accepted + 1, taken = taken + 1 WHERE id = 2', qr/^batch counts\|batch 2\|/m);
breaks('a rejected row is lost', 'batch counts', q{DELETE FROM usage_rejected WHERE source_id = 'worse'}, qr/^batch counts\|batch 1\|/m);
breaks('a batch is lost', 'batch counts', 'DELETE FROM usage_batch WHERE id = 1', qr/no row in usage_batch/);
breaks('a retried row waits again', 'retried counts', 'UPDATE usage_rejected SET retried_in = NULL WHERE retried_in IS NOT NULL');
breaks('a key is lost', 'batch counts, record without key', q{DELETE FROM usage_key WHERE key = _usage_key_of('new', 0)}, qr/\(slurm, new, 0\)/);
breaks('a record is lost', 'key without record', q{DELETE FROM _usage_record WHERE source_id = 'good' AND revision = 1}, qr/key \(slurm, good, 1\)/);
breaks('a record is changed', 'digest', q{UPDATE _usage_record SET run = 'x' WHERE source_id = 'good' AND revision = 1});
breaks('a record is of another key', 'key and record', q{UPDATE _usage_record SET revision = 7 WHERE source_id = 'new' AND revision = 0}, qr/\(slurm, new, 7\)/);
breaks('a key of no source', 'batch counts, key of no source', q{INSERT INTO usage_key (source, digest, key, batch) VALUES (424242, 'x', _usage_key_of('x', 0), 1)}, qr/^key of no source\|source 424242\|1 keys are of a source that there is not$/m);
breaks('a key too many', 'batch counts', q{INSERT INTO usage_key (record, source, month, digest, key) SELECT 424242, number, 3, 'x', _usage_key_of('x', 0) FROM usage_source WHERE source = 'slurm'}, qr/^batch counts\|usage_key\|/m);
breaks('no key', 'batch counts, no key', q{INSERT INTO usage_key (source, digest, key, batch) SELECT number, 'x', '\x05ff', 1 FROM usage_source WHERE source = 'slurm'}, qr/^no key\|usage_key\|no key: 05ff of source \d+$/m);
is($node->safe_psql($db, q{BEGIN; SET LOCAL session_replication_role = replica; UPDATE usage_source SET source = 'other' WHERE source = 'slurm'; SET LOCAL session_replication_role = origin; SELECT count(*) > 0 FROM check_ledger(false) WHERE check_name = 'key and record'; ROLLBACK}), 't', 'a source has another name');
breaks('a record of another time', 'batch of record, current revision', q{UPDATE _usage_record SET recorded = recorded - interval '1 us' WHERE source_id = 'good'}, qr/^batch of record\|record \d+\|says that it was recorded at /m);
breaks('records change their batches', 'batch of record, usage_hourly', q{UPDATE _usage_record AS r SET batch = o.batch, recorded = o.recorded, superseded = o.superseded FROM (SELECT min(id) AS first, max(id) AS last FROM usage_record WHERE source = 'slurm' AND identification = 0 AND revision = 0 AND superseded = 'infinity') AS e, usage_record AS o
	WHERE r.id IN (e.first, e.last) AND o.id IN (e.first, e.last) AND o.id <> r.id}, qr/^batch of record\|record \d+\|says that it is of batch /m);
breaks('a first time is another', 'batch of record, current revision', q{UPDATE _usage_record SET first_recorded = first_recorded - interval '10 days' WHERE identification > 0}, qr/^batch of record\|record \d+\|says that its revision was first recorded at /m);
breaks('two revisions are current', 'current revision, usage_hourly', q{UPDATE _usage_record SET superseded = 'infinity' WHERE source_id = 'good' AND revision = 0}, qr/says infinity/);
breaks('a revision was superseded at another time', 'current revision', q{UPDATE _usage_record SET superseded = superseded + interval '1 us' WHERE source_id = 'good' AND revision = 0}, qr/revision 0 of \(slurm, good\)/);
breaks('the highest revision is not current', 'current revision', q{UPDATE _usage_record SET superseded = clock_timestamp() WHERE source_id = 'new'}, qr/\(slurm, new\) is the highest/);
breaks('a retracted record is current', 'current revision, usage_hourly', q{UPDATE _usage_record SET superseded = 'infinity' WHERE source_id = '7'}, qr/^current revision\|record \d+\|revision 0 of \(slurm, 7\)/m);
breaks('a record of no account', 'account of record, usage of no account', q{UPDATE _usage_record SET account = 424242 WHERE source_id = 'good' AND revision = 1}, qr/account 424242/);
breaks('a record of no region', 'region of record, usage of no region', q{UPDATE _usage_record SET kind = (SELECT _usage_kind(k.source, 424242, k.region_name, k.accelerator, k.accelerator_name, k.share, k.rate, k.rate_recorded, k.basis, k.measure, k.number_format) FROM usage_kind AS k WHERE k.number = kind) WHERE source_id = 'good' AND revision = 1}, qr/region 424242/);
breaks('a record of no kind', 'accelerator of record, current revision, key and record, usage of no kind', q{UPDATE _usage_record SET kind = 424242 WHERE source_id = 'good' AND revision = 1}, qr/^usage of no kind\|kind 424242\|1 records name a kind of usage that there is not$/m);
breaks('a kind says something else', 'digest', q{UPDATE usage_kind SET measure = 'used' WHERE number = (SELECT kind FROM _usage_record WHERE source_id = 'new')}, qr/^digest\|kind \d+\|what it says is not what was accepted$/m);
breaks('a record in a default partition', 'batch counts, current revision, default partition, partition without trigger, record without key', q{CREATE TABLE elsewhere PARTITION OF _usage_record DEFAULT;
	INSERT INTO _usage_record (account, started_at, ended_at, recorded, superseded, batch, kind, revision, devices, source_id, account_name)
	SELECT account, '2020-01-01', '2020-01-02', recorded, recorded, batch, kind, revision, devices, source_id, account_name FROM _usage_record WHERE source_id = 'new'}, qr/holds 1 records of 2020-01/);
is($node->safe_psql($db, q{BEGIN; DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE _usage_record DETACH PARTITION %s', tableoid::regclass) FROM _usage_record WHERE source_id = 'good' AND revision = 1); END $$; SELECT string_agg(check_name, ', ') FROM check_ledger(false) WHERE check_name <> 'usage_hourly'; ROLLBACK}),
	'', 'a month that is detached takes its records with it, and its keys stay');

breaks('a record of another account', 'account of record', q{UPDATE _usage_record SET account = (SELECT id FROM account WHERE name = 'idle') WHERE source_id = 'new'}, qr/^account of record\|record \d+\|names account "team" and counts as usage of account \d+$/m);
breaks('a record in another region', 'region of record', q{UPDATE _usage_record SET kind = (SELECT _usage_kind(k.source, (SELECT id FROM region WHERE name = 'vendor/b'), k.region_name, k.accelerator, k.accelerator_name, k.share, k.rate, k.rate_recorded, k.basis, k.measure, k.number_format) FROM usage_kind AS k WHERE k.number = kind) WHERE source_id = 'new'}, qr/names region "vendor\/c"/);
breaks('a record of another chip', 'accelerator of record', q{UPDATE _usage_record SET kind = (SELECT _usage_kind(k.source, k.region, k.region_name, 'nvidia/t4', k.accelerator_name, k.share, k.rate, k.rate_recorded, k.basis, k.measure, k.number_format) FROM usage_kind AS k WHERE k.number = kind) WHERE source_id = 'new'}, qr/names accelerator "NVIDIA H100 80GB HBM3" and counts as nvidia\/t4, like 1 records in all/);
breaks('a key and its record are lost', 'batch counts', q{DELETE FROM usage_key WHERE key = _usage_key_of('new', 0); DELETE FROM _usage_record WHERE source_id = 'new'});

# advice
is($node->safe_psql($db, q{BEGIN; UPDATE usage_source SET open_limit = '200 days'; SELECT check_name, severity, detail ~ '^\(slurm, (open|bad)\) of account "team" has no end and is [0-9]+ days [0-9:]+ old: [0-9.]+ x nvidia/h100-sxm5-80gb$' FROM check_ledger(false); ROLLBACK}),
	"open usage|advice|t\nopen usage|advice|t", 'records that have been open for long');
is($node->safe_psql($db, q{BEGIN; UPDATE usage_source SET open_limit = '900 years'; SELECT count(*) FROM check_ledger(false); ROLLBACK}), '0', 'or not for long enough');
$seen{'open usage'} = 1;

# trees
my $version = "(account, parent, valid, recorded) SELECT id, (SELECT id FROM account WHERE name = 'org'), '[2025-01-01,2025-02-01)', '[2020-01-01,)' FROM account WHERE name = 'idle'";
breaks('versions of an account overlap', 'account versions overlap', "ALTER TABLE account_version DROP CONSTRAINT account_version_excl; INSERT INTO account_version $version", qr/account idle/);
breaks('a parent that is not there', 'account without parent', q{INSERT INTO account (id, name) VALUES (424242, 'ghost'); UPDATE account_version SET parent = 424242 WHERE account = (SELECT id FROM account WHERE name = 'idle')}, qr/account idle\|is under account ghost/);
breaks('a parent that ends before', 'account without parent', q{UPDATE account_version SET parent = (SELECT id FROM account WHERE name = 'old') WHERE account = (SELECT id FROM account WHERE name = 'idle')}, qr/account idle\|is under account old/);
breaks('a cycle of accounts', 'account above itself', q{UPDATE account_version AS v SET parent = (SELECT id FROM account WHERE name = CASE a.name WHEN 'idle' THEN 'idler' ELSE 'idle' END) FROM account AS a WHERE a.id = v.account AND a.name LIKE 'idle%'}, qr/account idle\|.*\n.*account idler\|/);
breaks('a merged account goes on', 'merged account goes on', q{UPDATE account_version SET valid = '(,)' WHERE account = (SELECT id FROM account WHERE name = 'old')}, qr/account old/);
breaks('a circle of mergers', 'account merged into itself, merged account goes on', q{INSERT INTO account_merge (account, merged_into, at, recorded) SELECT merged_into, account, '2025-09-01', '[2025-01-01,)' FROM account_merge}, qr/itself\|account older/);
breaks('versions of a region overlap', 'region versions overlap', q{ALTER TABLE region_version DROP CONSTRAINT region_version_excl; INSERT INTO region_version (region, level, valid, recorded) SELECT id, 'region', '[2025-01-01,2025-02-01)', '[2020-01-01,)' FROM region WHERE name = 'vendor/b'}, qr/region vendor\/b/);
breaks('a region that is nowhere', 'region without parent', q{INSERT INTO region (id, name) VALUES (424242, 'ghost'); UPDATE region_version SET parent = 424242 WHERE region = (SELECT id FROM region WHERE name = 'vendor/b')}, qr/is under region ghost/);
breaks('a cycle of regions', 'region above itself', q{UPDATE region_version AS v SET parent = (SELECT id FROM region WHERE name = CASE r.name WHEN 'vendor/a' THEN 'vendor/b' ELSE 'vendor/a' END) FROM region AS r WHERE r.id = v.region AND r.name IN ('vendor/a', 'vendor/b')}, qr/region vendor\/a\|.*\n.*region vendor\/b\|/);

# billing periods
my $early = q{WHERE number = 5 AND calendar = (SELECT calendar FROM payers() WHERE account = (SELECT id FROM account WHERE name = 'org') LIMIT 1)};
breaks('a gap between billing periods', 'gap in billing calendar', "UPDATE billing_period SET ends_at = ends_at - interval '1 us' $early", qr/period 6 starts/);
breaks('billing periods that overlap', 'billing periods overlap', "UPDATE billing_period SET ends_at = ends_at + interval '1 us' $early");
breaks('an empty billing period', 'empty billing period, gap in billing calendar', "ALTER TABLE billing_period DROP CONSTRAINT billing_period_not_empty; UPDATE billing_period SET ends_at = starts_at $early");

# prices
my $spare = q{WHERE accelerator::text = 'amd/mi300x'};
breaks('prices that overlap', 'prices overlap', "ALTER TABLE price DROP CONSTRAINT prices_of_one_key_do_not_overlap; INSERT INTO price (id, key, book, accelerator, measure, unit, model, currency, price, free, valid, recorded) SELECT 424242, key, book, accelerator, measure, unit, model, currency, price, free, '[2025-01-01,2025-02-01)', recorded FROM price $spare", qr/price 424242/);
breaks('a price under a key that is not its own', 'price and key', "UPDATE price SET measure = 'used' $spare");
breaks('a price for nobody', 'price of nobody', "UPDATE price SET account = 424242 $spare; UPDATE price_key SET account = 424242 $spare", qr/account 424242/);
breaks('tiers that do not ascend', 'price tiers', "UPDATE price SET model = 'volume', price = NULL, tier_bounds = '{5, 3}', tier_prices = '{1, 2, 3}' $spare");
breaks('a unit that is not its own', 'unit of work', "UPDATE price SET unit = 'TFLOPh\@bf16', work = '1 PFLOPh\@bf16' $spare");

# access
breaks('access of a role that is gone', 'access of no role', q{INSERT INTO ledger_access (role, kind, granted_by) VALUES (424242, 'auditor', 'x')}, qr/role 424242/);
breaks('access to an account that is not there', 'access to no account', q{UPDATE ledger_access SET account = 424242 WHERE account IS NOT NULL}, qr/role read/);
breaks('access to a region that is not there', 'access to no region', q{UPDATE ledger_access SET region = 424242 WHERE region IS NOT NULL}, qr/role read/);

# charges
breaks('a count of a closing', 'closing', 'UPDATE period_close SET charges = charges + 1 WHERE id = (SELECT max(id) FROM period_close)');
breaks('what is payable', 'payable', q{UPDATE period_close SET payable = '{"EUR": 1}' WHERE id = (SELECT max(id) FROM period_close)});
breaks('the difference of what is payable', 'payable', q{UPDATE period_close SET payable_difference = NULL WHERE id = (SELECT max(id) FROM period_close)});
breaks('the cost of a closing', 'closing, payable', q{UPDATE period_close SET cost = '{"EUR": 1}' WHERE id = (SELECT max(id) FROM period_close)});
breaks('a closing that never was', 'closing number', 'UPDATE period_close SET number = 3 WHERE number = 2', qr/has number 3, and the one before it 1$/m);
breaks('a closing is lost, with its charges', 'charge of another closing, closing number, spend by label, spend_daily', q{DELETE FROM charge WHERE close = 1; DELETE FROM period_close WHERE id = 1}, qr/has number 2, and the one before it is missing$/m);
breaks('closings in another order', 'charge and closing, closing number', q{UPDATE period_close SET recorded = recorded - interval '1 year', as_of = as_of - interval '1 year' WHERE number = 2}, qr/was made before the one with the number before it/m);
breaks('a closing before its period was over', 'charge and closing, closing time', q{UPDATE period_close SET as_of = '2025-09-03', recorded = '2025-09-04' WHERE id = (SELECT max(p.id) FROM period_close AS p WHERE p.number = 1)});
breaks('a charge as of another time', 'charge and closing', q{UPDATE charge SET as_of = as_of - interval '1 us' WHERE id = (SELECT max(id) FROM charge)});
breaks('another unit price', 'charge and price', q{UPDATE charge SET unit_price = unit_price / 2 WHERE id = (SELECT min(id) FROM charge WHERE unit_price > 0)}, qr/which price \d+ does not say/);
breaks('another list price', 'charge and price', q{UPDATE charge SET list_unit_price = 4.99 WHERE id = (SELECT min(id) FROM charge WHERE amount > 0)}, qr/has a list price of 4.99 a unit/);
breaks('another tier', 'charge and tiers', q{UPDATE charge SET tiers = jsonb_set(tiers, '{0,cost}', '0.01') WHERE id = (SELECT min(id) FROM charge WHERE amount > 0)});
breaks('another quantity', 'charge and quantity, charge and tiers', q{UPDATE charge SET quantity = quantity + 1 WHERE id = (SELECT min(id) FROM charge WHERE amount > 0)});
breaks('another cost by its price', 'charge and quantity, spend_daily', q{UPDATE charge SET contracted_cost = contracted_cost + 1 WHERE id = (SELECT min(id) FROM charge WHERE amount > 0)});

breaks('another share', 'charges and rating, share of record, usage_hourly', q{UPDATE _usage_record SET kind = (SELECT _usage_kind(k.source, k.region, k.region_name, k.accelerator, k.accelerator_name, 1, k.rate, k.rate_recorded, k.basis, k.measure, k.number_format) FROM usage_kind AS k WHERE k.number = kind) WHERE source_id = '3'}, qr/^share of record\|record \d+\|says that one \S+ is 1 of 1680000 of a device/m);
breaks('another quantity of work', 'charge and quantity', q{UPDATE charge SET quantity = quantity * 2 WHERE id = (SELECT min(c.id) FROM charge AS c WHERE c.measure = 'used' AND c.unit = 'PFLOPh@bf16' AND c.corrects IS NULL)}, qr/PFLOPh\@bf16 at 0.1, and costs/);
breaks('no unit price', 'charge and quantity', q{UPDATE charge SET unit_price = NULL WHERE id = (SELECT min(c.id) FROM charge AS c WHERE c.measure = 'used' AND c.corrects IS NULL)});
breaks('a charge for another time', 'charge and closing', q{UPDATE charge SET period = tstzrange(lower(period) - interval '1 year', upper(period)) WHERE id = (SELECT min(id) FROM charge WHERE amount > 0)}, qr/and its billing period is from/);

# triggers, policies, rules
breaks('a trigger of less', 'table without trigger', 'DROP TRIGGER immutable ON charge; CREATE TRIGGER immutable BEFORE UPDATE OF id OR DELETE OR TRUNCATE ON charge FOR EACH STATEMENT EXECUTE FUNCTION _refuse_change()', qr/table compute_ledger\.charge\|has no trigger against UPDATE, DELETE, TRUNCATE$/m);
breaks('prices that keep no history', 'table without trigger', 'DROP TRIGGER a_recorded ON price', qr/table compute_ledger\.price\|has no trigger of _bitemporal_row\(\)$/m);
breaks('closings that are hidden', 'row security', 'CREATE POLICY z ON rollup_state AS RESTRICTIVE FOR SELECT USING (true)', qr/has policy z, which hides rows from the ledger/);
breaks('closings that are shown', 'row security', 'ALTER TABLE period_close DISABLE ROW LEVEL SECURITY', qr/table compute_ledger\.period_close\|is off$/m);
breaks('a rule', 'rule on a table', 'CREATE RULE r AS ON DELETE TO charge DO INSTEAD NOTHING', qr/table compute_ledger\.charge\|has rule r$/m);
breaks('a trigger is off', 'trigger off', 'ALTER TABLE _usage_record DISABLE TRIGGER immutable', qr/^trigger off\|table compute_ledger\._usage_record\|trigger immutable is disabled$/m);
breaks('a trigger is gone', 'table without trigger', 'DROP TRIGGER immutable ON usage_key', qr/table compute_ledger\.usage_key\|has no trigger against UPDATE, DELETE$/m);
breaks('a kind can be changed', 'table without trigger', 'DROP TRIGGER immutable ON usage_kind', qr/^table without trigger\|table compute_ledger\.usage_kind\|has no trigger against UPDATE, DELETE$/m);
breaks('a month can be emptied', 'partition without trigger', 'DROP TRIGGER immutable_truncate ON usage_record_2025_09', qr/has no trigger against TRUNCATE$/m);
breaks('a charge is lost', 'charges and rating, closing, spend by label, spend_daily', 'DELETE FROM charge WHERE id = (SELECT min(id) FROM charge WHERE amount > 0)');
breaks('a charge is changed', 'charges and rating, spend_daily', 'UPDATE charge SET list_cost = list_cost + 0.01 WHERE id = (SELECT min(id) FROM charge WHERE amount > 0)');
breaks('a charge of another closing', 'charge of another closing, charges and rating, spend_daily', q{UPDATE charge SET book = 'cost' WHERE id = (SELECT min(id) FROM charge WHERE amount > 0)});
breaks('a correction of whom the closing did not look at', 'charge of another closing, charges and rating', q{UPDATE charge SET corrects_payer = (SELECT id FROM account WHERE name = 'other') WHERE id = (SELECT min(id) FROM charge WHERE corrects IS NOT NULL)}, qr/^charge of another closing\|charge \d+\|corrects what account/m);
breaks('a correction of what was not closed', 'charge and closing, charge of another closing, charges and rating', q{UPDATE charge SET corrects = (SELECT max(id) FROM billing_period) WHERE id = (SELECT min(id) FROM charge WHERE corrects IS NOT NULL)}, qr/^charge of another closing\|charge \d+\|corrects what account/m);
my $copy = 'kind, book, account, payer, billing_period, price, list_price, region, accelerator, number_format, measure, basis, rate, share, day, period, amount, quantity, unit, work, tiers, list_cost, contracted_cost, cost, currency, records, close, as_of, recorded';
breaks('usage that is billed twice', 'billed twice, charges and rating, closing, spend by label, spend_daily', "INSERT INTO charge ($copy) SELECT $copy FROM charge WHERE id = (SELECT min(id) FROM charge WHERE amount > 0)", qr/^billed twice\|record \d+\|from 2025-09/m);
breaks('usage without a price in a closed period', 'charges and rating, closing, spend by label, spend_daily, unpriced usage', q{UPDATE charge SET kind = 'unpriced', price = NULL, cost = NULL, contracted_cost = NULL, tiers = NULL WHERE id = (SELECT min(id) FROM charge WHERE amount > 0)}, qr/^unpriced usage\|closing/m);
breaks('usage without a price in the open one', 'unpriced usage', q{UPDATE price SET valid = '[2000-01-01,2000-02-01)' WHERE accelerator::text = 'nvidia' AND region IS NOT NULL; UPDATE price SET valid = tstzrange(NULL, '2025-12-10') WHERE accelerator::text = 'nvidia/h100' AND measure = 'allocated'}, qr/^unpriced usage\|account "team", nvidia\/h100-sxm5-80gb, allocated\|/m);
breaks('usage where there are no billing periods', 'usage that cannot be rated', q{DELETE FROM billing_period WHERE starts_at >= '2025-10-31 12:00'}, qr/has no period/);

# rollups
breaks('rollups that lag behind what they say', 'rollup zones', 'UPDATE rollup_state SET as_of = ledger_watermark()');
breaks('a rollup that is empty', 'rollup not filled', 'REFRESH MATERIALIZED VIEW _spend_monthly WITH NO DATA', qr/spend_monthly/);
breaks('an account that counts in other days', 'rollup zones', q{UPDATE _rollup_zone SET time_zone = 'Asia/Kolkata' WHERE account = (SELECT min(account) FROM _rollup_zone)}, qr/^rollup zones\|account \d+\|/m);
breaks('no state of the rollups', 'rollup state', 'DELETE FROM rollup_state');
breaks('days and utilization that are not their hours', 'usage_daily, utilization_daily, utilization_hourly, utilization_monthly', 'UPDATE _usage_monthly SET used_time = used_time + 1; UPDATE _usage_daily SET device_time = device_time + 1; UPDATE _utilization_daily SET allocated_time = allocated_time + 1; UPDATE _fleet_hourly SET used_time = used_time + 1');
breaks('hours of usage and of all that are no hours', 'capacity in utilization, usage_daily, usage_hourly, utilization_daily, utilization_hourly', q{UPDATE _usage_hourly SET hour = hour + interval '30 minutes' WHERE hour = (SELECT min(hour) FROM _usage_hourly); UPDATE _fleet_hourly SET hour = hour + interval '30 minutes' WHERE hour = (SELECT max(hour) FROM _fleet_hourly)}, qr/^usage_hourly\|account \d+, /m);
breaks('an hour of a day far away', 'usage_daily, usage_hourly, utilization_daily, utilization_hourly', q{UPDATE _usage_hourly SET hour = hour - interval '1 hour', day = day + 64 WHERE hour = (SELECT min(hour) FROM _usage_hourly)});
breaks('amounts that are none', 'usage_daily, usage_hourly, utilization_daily, utilization_hourly', q{UPDATE _usage_hourly SET device_time = 'NaN' WHERE hour = (SELECT min(hour) FROM _usage_hourly); UPDATE _utilization_daily SET allocated_time = allocated_time + 0.5});
breaks('amounts that are too large', 'usage_hourly', q{UPDATE _usage_hourly SET length = 9000000000000000000});
breaks('another capacity', 'capacity in utilization', 'UPDATE capacity SET devices = devices + 0.5', qr/nvidia\/h100-sxm5-80gb/);

# Late usage of a closed period of an account that has ended, and that nobody pays for: this needs nobody with more rights than sense.
owner(
	q{UPDATE account_version SET valid = tstzrange(lower(valid), '2025-12-01') WHERE account = (SELECT id FROM account WHERE name = 'other') AND upper_inf(recorded)},
	q{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES ('slurm', 'later', 'other', 'vendor/a', 'NVIDIA H100 80GB HBM3', '4', '2025-09-20T12:00Z', '2025-09-22T12:00Z')},
	'SELECT accept_usage()');
like($node->safe_psql($db, 'SELECT check_name, object, detail FROM check_ledger()'), qr/\Acorrection for nobody\|account "other"\|billing period \d+ under book sale has to be corrected by 192\.0+ USD in \d charges, and nobody pays for the account any more\nusage after its account\|account "other"\|[\d.]+ device-hours from 2025-12-01 00:00:00\+00 to 2025-12-02 \S+, after the billing period in which it ended\z/, 'a correction that nobody would be billed');
is($node->safe_psql($db, 'SELECT check_name FROM check_ledger(false)'), 'usage after its account', 'which only rating shows');
$seen{$_} = 1 foreach 'correction for nobody', 'usage after its account';
owner(q{SELECT merge_account('other', 'org', '2025-12-01')});
sound('when it is merged into an account that is billed');
owner(q{SELECT close_period('org', b.period) FROM payers() AS p JOIN account AS a ON a.id = p.account AND a.id = p.payer AND a.name = 'org' JOIN billing_period AS b ON b.calendar = p.calendar WHERE timestamptz '2025-12-15' <@ b.period});
is($node->safe_psql($db, q{SELECT p.name, o.name, sum(c.cost)::integer, c.currency FROM charge AS c JOIN account AS p ON p.id = c.payer JOIN account AS o ON o.id = c.corrects_payer WHERE o.name = 'other' GROUP BY p.name, o.name, c.currency}),
	'org|other|192|USD', 'and billed to that');
owner('SELECT refresh_rollups()');
sound('after that');

# All that it can say has been said.
my $sources = $node->safe_psql($db, q{SELECT string_agg(prosrc, E'\n') FROM pg_proc WHERE proname LIKE '\_check\_%' AND pronamespace = 'compute_ledger'::regnamespace AND pg_get_function_result(oid) LIKE 'TABLE(check_name%'});
my %known = map { $_ => 1 } $sources =~ /(?:SELECT|THEN|ELSE) '([a-z_ ]+)'(?=,|\s+WHEN|\s+ELSE|\s+END,)/g;
delete @known{qw(records rollup advice)};
# sql/check_ledger.sql, sql/reservation.sql, sql/price_currency.sql, sql/reserved_usage.sql, sql/dispatch.sql, sql/check_queue.sql, t/087_policy.pl
$seen{$_} = 1 foreach 'request', 'history of requests', 'answer', 'plan without room', 'lease', 'lease report', 'work not given up', 'book of a pool', 'reservation', 'history of reservations', 'commitment that serves nobody', 'currency of a price', 'reserved usage', 'reserved and unused', 'reservation not recorded', 'reservation still there', 'usage beside its reservation', 'policy version', 'policies overlap', 'rules overlap', 'licences overlap', 'parties overlap', 'rule of nothing', 'licence of nothing', 'party of nobody', 'decision and reservation', 'decision and usage', 'reservation without decision', 'decision', 'usage against policy';
is(join(', ', sort keys %known), join(', ', sort keys %seen), 'every check has found something');

done_testing();
