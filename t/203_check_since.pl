# check_ledger(since): what was recorded or superseded since is checked, and no more is read.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('check_since');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nautovacuum = off\nfsync = off\njit = off\n");
$node->start;
my $db = 'postgres';

sub query { return $node->safe_psql($db, $_[0]) }
sub owner { query($_) for @_ }

owner('CREATE EXTENSION compute_ledger', 'SELECT create_ledger()',
	q{SELECT create_account('org', time_zone => 'Europe/Berlin', currency => 'EUR'), create_account('team', parent => 'org'), create_account('lab', parent => 'org'), create_account('old', parent => 'org')},
	q{SELECT create_region('r', 'provider')},
	q{INSERT INTO price (accelerator, price, currency) VALUES ('any', 2, 'EUR')},
	q{INSERT INTO accelerator_alias (alias, accelerator) VALUES ('Name', 'nvidia/l4')},
	q{INSERT INTO capacity (region, accelerator, devices, valid) SELECT id, 'nvidia/h100-sxm5-80gb', 64, '[2025-09-01,)' FROM region WHERE name = 'r'},
	q{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at)
		SELECT 'x', n, (ARRAY['org', 'team', 'lab', CASE WHEN n > 200 THEN 'old' ELSE 'lab' END])[1 + n % 4], 'r', (ARRAY['NVIDIA H100 80GB HBM3', 'Name'])[1 + n % 2], 1 + n % 8,
			timestamptz '2025-08-10' + n * interval '11 hours 7 minutes', timestamptz '2025-08-10' + n * interval '13 hours 8 minutes 1.000001 s'
		FROM generate_series(1, 300) AS n},
	'SELECT accept_usage()',
	q{SELECT close_period('org', b.period) FROM account AS a JOIN payers() AS p ON p.account = a.id AND p.payer = a.id JOIN billing_period AS b ON b.calendar = p.calendar WHERE a.name = 'org' AND b.period && '[2025-08-15,2025-09-15]' ORDER BY b.starts_at},
	'SELECT refresh_rollups()');
is(query('SELECT * FROM check_ledger()'), '', 'a sound ledger');
my $since = query('SELECT ledger_watermark()');
is(query("SELECT * FROM check_ledger(since => '$since')"), '', 'and nothing since');

# What comes since: new records, a revision, a lower one that is late, a retraction, names that mean something else, a merger, a closing.
owner(
	q{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES
		('x', 'new', 'team', 'r', 'NVIDIA H100 80GB HBM3', '4', '2025-12-20T12:00Z', '2025-12-22T12:00Z'), ('x', 'late', 'lab', 'r', 'NVIDIA H100 80GB HBM3', '4', '2025-11-03T22:30Z', '2025-11-04T12:00Z'),
		('x', 'bad', 'nobody', 'r', 'NVIDIA H100 80GB HBM3', '4', '2025-12-20T12:00Z', '2025-12-22T12:00Z')},
	q{INSERT INTO usage_inbox (source, source_id, revision, account, region, accelerator, devices, started_at, ended_at) VALUES ('x', '250', '3', 'team', 'r', 'NVIDIA H100 80GB HBM3', '2', '2025-12-23T12:00Z', '2025-12-24T12:00Z')},
	q{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at) VALUES ('x', 'closed', 'team', 'r', 'NVIDIA H100 80GB HBM3', '4', '2025-09-20T12:00Z', '2025-09-22T12:00Z')},
	q{INSERT INTO usage_inbox (source, source_id, revision, retracted) VALUES ('x', '254', '1', 'true')},
	'SELECT accept_usage()',
	q{INSERT INTO usage_inbox (source, source_id, revision, account, region, accelerator, devices, started_at, ended_at) VALUES ('x', '250', '1', 'team', 'r', 'NVIDIA H100 80GB HBM3', '2', '2025-12-23T12:00Z', '2025-12-24T12:00Z')},
	'SELECT accept_usage()',
	q{UPDATE accelerator_alias SET accelerator = 'nvidia/t4' WHERE alias = 'Name'},
	q{SELECT reidentify(accelerator_name => 'Name', started => '[2025-12-01,2025-12-20)')},
	q{SELECT create_account('newer', parent => 'org')},
	q{SELECT merge_account('old', 'lab', '2025-12-10')},
	q{SELECT close_period('org', b.period) FROM account AS a JOIN payers() AS p ON p.account = a.id AND p.payer = a.id JOIN billing_period AS b ON b.calendar = p.calendar WHERE a.name = 'org' AND timestamptz '2025-10-15' <@ b.period},
	'SELECT refresh_rollups()');
is(query('SELECT * FROM check_ledger()'), '', 'sound after what has come since');
is(query("SELECT * FROM check_ledger(since => '$since')"), '', 'and so is what has come since');

# Breaks something, and compares what is found with what the full check finds.
sub breaks
{
	my ($what, $statement, $found) = @_;
	my $broken = "SET client_min_messages = warning; BEGIN; SET LOCAL session_replication_role = replica; $statement; SET LOCAL session_replication_role = origin";
	my $rerate = $what =~ /charge/ ? 'true' : 'false';
	my $all = query("$broken; SELECT check_name, object FROM check_ledger($rerate) ORDER BY 1, 2; ROLLBACK");
	my $new = query("$broken; SELECT check_name, object FROM check_ledger(since => '$since', rerate => $rerate) ORDER BY 1, 2; ROLLBACK");
	isnt($all, '', "$what: the full check finds it");
	if ($found) { is($new, $all, "$what: and so does that of what has come since") }
	else { is($new, '', "$what: that of what has come since does not") }
}
my $new = "source_id = 'new'";
breaks('a new record is changed', "UPDATE _usage_record SET run = 'x' WHERE $new", 1);
breaks('a late record is changed', "UPDATE _usage_record SET devices = 5 WHERE source_id = 'late'", 1);
breaks('a new record is lost', "DELETE FROM _usage_record WHERE $new", 1);
breaks('a new key is lost', "DELETE FROM usage_key WHERE record = (SELECT id FROM usage_record WHERE $new)", 1);
breaks('a new retraction is lost', "DELETE FROM usage_key WHERE record IS NULL", 1);
breaks('a record that was retracted is current', "UPDATE _usage_record SET superseded = 'infinity' WHERE source_id = '254'", 1);
breaks('a new record of another batch', "UPDATE _usage_record SET batch = batch - 1 WHERE $new", 1);
breaks('a new record of another time', "UPDATE _usage_record SET recorded = recorded + interval '1 us' WHERE $new", 1);
breaks('a record that was identified anew is of another time', 'UPDATE _usage_record SET first_recorded = first_recorded + interval \'1 us\' WHERE id = (SELECT max(id) FROM usage_record WHERE identification > 0)', 1);
breaks('a new record of another account', "UPDATE _usage_record SET account = 424242 WHERE $new", 1);
breaks('a new record in another region', "UPDATE _usage_record SET kind = (SELECT _usage_kind(k.source, 424242, k.region_name, k.accelerator, k.accelerator_name, k.share, k.rate, k.rate_recorded, k.basis, k.measure, k.number_format) FROM usage_kind AS k WHERE k.number = kind) WHERE $new", 1);
breaks('a new record of another share', "UPDATE _usage_record SET kind = (SELECT _usage_kind(k.source, k.region, k.region_name, k.accelerator, k.accelerator_name, 1, k.rate, k.rate_recorded, k.basis, k.measure, k.number_format) FROM usage_kind AS k WHERE k.number = kind) WHERE $new", 1);
breaks('a new record of another key', "UPDATE _usage_record SET revision = 7 WHERE $new", 1);
breaks('a count of a new batch', "UPDATE usage_batch SET accepted = accepted + 1, taken = taken + 1 WHERE id = (SELECT batch FROM usage_record WHERE $new)", 1);
breaks('a row that was rejected is lost', "DELETE FROM usage_rejected WHERE source_id = 'bad'", 1);
breaks('the batch of a row that was rejected is lost', "DELETE FROM usage_batch WHERE id = (SELECT batch FROM usage_rejected WHERE source_id = 'bad')", 1);
breaks('new records lie in a default partition', do { my $m = 'usage_record_2025_11'; "ALTER TABLE _usage_record DETACH PARTITION $m; ALTER TABLE _usage_record ATTACH PARTITION $m DEFAULT" }, 1);
breaks('a record that was superseded is current', "UPDATE _usage_record SET superseded = 'infinity' WHERE source_id = '250' AND revision = 0", 1);
breaks('a record was superseded later', "UPDATE _usage_record SET superseded = superseded + interval '1 us' WHERE source_id = '250' AND revision = 0", 1);
breaks('a record that was superseded is changed', "UPDATE _usage_record SET run = 'x' WHERE source_id = '250' AND revision = 0", 1);
breaks('a lower revision that came late is current', "UPDATE _usage_record SET superseded = 'infinity' WHERE source_id = '250' AND revision = 1", 1);
breaks('the highest revision is not current', "UPDATE _usage_record SET superseded = clock_timestamp() WHERE source_id = '250' AND revision = 3", 1);
breaks('a record that was identified anew is changed', 'UPDATE _usage_record SET run = \'x\' WHERE id = (SELECT max(id) FROM usage_record WHERE identification > 0)', 1);
breaks('a new charge is lost', 'DELETE FROM charge WHERE id = (SELECT max(id) FROM charge)', 1);
breaks('a new charge at another price', 'UPDATE charge SET unit_price = unit_price / 2 WHERE id = (SELECT max(id) FROM charge WHERE unit_price > 0)', 1);
breaks('an hour of usage in a month with changes', "UPDATE _usage_hourly SET device_time = device_time + 1 WHERE hour = '2025-11-04 02:00'", 1);
breaks('a day of usage in a month with changes', "UPDATE _usage_daily SET device_time = device_time + 1 WHERE day = '2025-12-01'", 1);
breaks('who pays in a month with changes', "UPDATE _usage_monthly SET allocated_time = allocated_time + 1 WHERE month = '2025-11-01'", 1);
breaks('utilization in a month with changes', "UPDATE _utilization_daily SET allocated_time = allocated_time + 1 WHERE day = '2025-12-31'; UPDATE _fleet_hourly SET capacity_time = capacity_time + 1 WHERE hour = '2025-11-01'", 1);
breaks('an old record is changed', "UPDATE _usage_record SET run = 'x' WHERE source_id = '7'", 0);
breaks('an old key is lost', "DELETE FROM usage_key WHERE record = (SELECT id FROM usage_record WHERE source_id = '7')", 0);
breaks('an old charge at another price', 'UPDATE charge SET unit_price = unit_price / 2 WHERE id = (SELECT min(id) FROM charge WHERE unit_price > 0)', 0);
breaks('an hour of usage in another month', "UPDATE _usage_hourly SET device_time = device_time + 1 WHERE hour = (SELECT min(hour) FROM _usage_hourly)", 0);

# What is done since to what was there.
breaks('a correction is lost', 'UPDATE period_close SET charges = charges - 1 WHERE id = (SELECT close FROM charge WHERE corrects IS NOT NULL ORDER BY id LIMIT 1); DELETE FROM charge WHERE id = (SELECT min(id) FROM charge WHERE corrects IS NOT NULL)', 1);
breaks('a charge of since is of an older closing', 'UPDATE charge SET close = (SELECT min(id) FROM period_close) WHERE id = (SELECT max(id) FROM charge)', 1);
breaks('an account ends before its usage', q{UPDATE account_version SET valid = tstzrange(lower(valid), '2025-09-10'), recorded = tstzrange(ledger_watermark(), NULL) WHERE account = (SELECT id FROM account WHERE name = 'team') AND upper_inf(recorded)}, 1);

is(query('SELECT * FROM check_ledger(since => NULL)'), '', 'since no time: everything');
my ($rc, $out, $err) = $node->psql($db, q{SELECT check_ledger(since => 'infinity')}, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
like($err, qr/LC012/, 'since a time to come');

done_testing();
