# Columns of other types, and NULLs, under what reads them in C: an error that names the column, and a server that lives.
#
# The owner of a database may put any table in the place of one of the ledger; so may who installed the extension with reference data.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LedgerFixture;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('column_types');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\n");
$node->start;
LedgerFixture::make($node, 'ledger');

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261130;
srand $seed;
note("seed $seed");

# A value of every plausible type.
my %values = (
	'boolean' => 'true', 'smallint' => '7', 'integer' => '7', 'bigint' => '7', 'numeric' => '1.5', 'double precision' => '1.5', 'text' => 'x',
	'character varying' => 'x', 'text[]' => '{x}', 'bytea' => '\x01', 'date' => '2026-08-01', 'timestamp without time zone' => '2026-08-01',
	'timestamp with time zone' => '2026-08-01Z', 'tstzrange' => '(,)', 'numeric[]' => '{1}', 'jsonb' => '{}', 'uuid' => '00000000-0000-0000-0000-000000000001',
	'compute_ledger.compute_unit' => '1 FLOP', 'compute_ledger.compute_rate' => '1 MFLOPS@bf16', 'compute_ledger.accelerator' => 'nvidia/h100',
);

# Puts a table in the place of one, of which a column is something else, and calls; returns the errors of each case.
sub try_cases
{
	my ($db, $role, @cases) = @_;
	my $script = "SET search_path = compute_ledger, public;\nSET client_min_messages = error;\n";
	for my $case (@cases)
	{
		my ($name, $table, $column, $expression, $call) = @$case;
		my $columns = $node->safe_psql($db, qq{SELECT string_agg(CASE attname WHEN '$column' THEN \$\$$expression AS $column\$\$ ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
			FROM pg_attribute WHERE attrelid = 'compute_ledger.$table'::regclass AND attnum > 0 AND NOT attisdropped});
		$script .= "\\warn case $name\nBEGIN;\nALTER TABLE compute_ledger.$table RENAME TO was;\nCREATE TABLE compute_ledger.$table AS SELECT $columns FROM compute_ledger.was;\n"
			. "\\warn call\n$call\nROLLBACK;\n";
	}
	$script .= "\\warn case end\nSELECT 'alive';\n";
	my ($out, $err) = ('', '');
	$node->psql($db, $script, stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-U', $role ]);
	like($out, qr/alive\s*\z/, "$db: the server lives");
	my %errors;
	for my $part (split /^(?:psql:[^\n]*: )?case /m, $err)
	{
		my ($name, $before, $after) = $part =~ /\A([^\n]+)\n(.*?)^call\n(.*)\z/ms or next;
		$errors{$name} = $after;
		diag("$name: $before") if $before ne '';
	}
	return \%errors;
}

# All cases of a table's columns, each with every type that it has not, or some of them, and NULL where it has none.
sub test_table
{
	my ($db, $role, $table, $columns, $nullable, $call, $all_refused) = @_;
	my %nullable = map { $_ => 1 } split ' ', $nullable;
	my (@cases, @bad);
	for my $column (split ' ', $columns)
	{
		my $own = $node->safe_psql($db, qq{SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'compute_ledger.$table'::regclass AND attname = '$column'});
		my @types = sort keys %values;
		@types = map { $types[rand @types] } 1 .. 3 if !$all_refused;
		for my $type (@types)
		{
			push @cases, [ "$table.$column $type", $table, $column, "'$values{$type}'::$type", $call ] if $type ne $own;
		}
		push @cases, [ "$table.$column null", $table, $column, "NULL::$own", $call ] if !$nullable{$column};
	}
	my $errors = try_cases($db, $role, @cases);
	for my $case (@cases)
	{
		my ($name, undef, $column) = @$case;
		my $error = $errors->{$name};
		push @bad, "$name: " . ($error // 'lost')
			if !defined $error || $error =~ /internal error|XX000|cache lookup|invalid memory/
			|| ($all_refused && ($error !~ /ERROR:/ || $error !~ /\b\Q$column\E\b/));
	}
	is(join("\n", @bad), '', "$table: " . scalar(@cases) . ' cases');
	return;
}

my $rate = q{SELECT count(*) FROM rate_usage('acme', '[2026-08-01Z,2026-09-01Z)'); SELECT count(*) FROM rate_usage('zenith', '[2026-08-01Z,2026-09-01Z)');};
test_table('ledger', 'alice', '_usage_record', 'account kind id started_at ended_at recorded devices achieved_work reservation first_recorded',
	'account started_at ended_at recorded achieved_work reservation first_recorded', $rate, 1);
test_table('ledger', 'alice', 'usage_kind', 'number region basis accelerator rate share measure number_format', 'rate share number_format', $rate, 1);
# By rollups, too.
test_table('ledger', 'alice', '_usage_record', 'account kind id started_at ended_at recorded superseded devices achieved_work', '', 'SELECT refresh_rollups();', 0);
test_table('ledger', 'alice', 'usage_kind', 'number region basis accelerator rate share measure number_format', '', 'SELECT refresh_rollups();', 0);
test_table('ledger', 'alice', 'ledger_mark', 'watermark', 'watermark', 'SELECT compute_ledger._ledger_stamp();', 1);

# Read by functions in SQL, which refuse, or make the right type of it.
for my $table (qw(account account_version price price_tier region_version billing_period billing_calendar period_close price_key price_book))
{
	next if $node->safe_psql('ledger', "SELECT to_regclass('compute_ledger.$table') IS NULL") eq 't';
	test_table('ledger', 'alice', $table, $node->safe_psql('ledger', "SELECT string_agg(quote_ident(attname), ' ') FROM pg_attribute WHERE attrelid = 'compute_ledger.$table'::regclass AND attnum > 0 AND NOT attisdropped"),
		'', $rate, 0);
}

# What a reader sees, and his hours.
$node->safe_psql('ledger', 'CREATE ROLE seer');
LedgerFixture::sql($node, 'ledger', 'alice', q{SET search_path = compute_ledger, public; SELECT grant_access('seer', 'reader', 'acme'), refresh_rollups();});
is($node->safe_psql('ledger', q{SET SESSION AUTHORIZATION alice; SELECT count(*) > 0 FROM compute_ledger.my_usage_hourly}), 't', 'hours of usage');
test_table('ledger', 'alice', '_usage_hourly', 'account region accelerator measure basis hour day device_time work achieved started shared rated achieving', 'account work achieved',
	'CREATE INDEX ON _usage_hourly (account); SELECT count(*) FROM my_usage_hourly;', 1);
test_table('ledger', 'alice', 'region', 'id name', 'id name', 'CREATE INDEX ON region (id); SELECT count(*) FROM my_usage_hourly;', 1);
my $seen = q{SELECT _granted_subtree(kind, 'seer') FROM unnest('{reader,booker,agent}'::text[]) AS k (kind);};
test_table('ledger', 'alice', 'ledger_access', 'role kind account region', 'role kind account region', $seen, 1);
test_table('ledger', 'alice', 'account_version', 'account parent valid recorded', '', "CREATE INDEX ON account_version (account); CREATE INDEX ON account_version (parent); $seen", 0);
test_table('ledger', 'alice', 'account_merge', 'account merged_into at recorded', '', "CREATE INDEX ON account_merge (merged_into); $seen", 0);

# The book of a pool, and what it is beside.
LedgerFixture::sql($node, 'ledger', 'alice', q{SET search_path = compute_ledger, public; SELECT create_pool('aws', 'nvidia/h100-sxm5-80gb', host => 'acme') AS pool \gset
	SELECT offer_devices(:pool, 8, '[2020-01-01,)'), set_guest_share(:pool, 0.5), plan_maintenance(:pool, 1, '[2099-01-01,2099-01-02)');
	SELECT book('zenith', :pool, 2, '[2027-03-01 12:00Z,2027-05-02 12:00Z)', confirmed => true, now => '2027-02-01Z');});
my $book = q{SELECT _book_sum(1, g, '(,)'), _pool_limit(1, '[2027-01-01,2028-01-01)', g, true) FROM unnest('{t,f}'::boolean[]) AS g;}
	. q{SELECT book('zenith', 1, 1, '[2027-03-01 12:00Z,2027-03-02 12:00Z)', now => '2027-02-01Z');};
is($node->safe_psql('ledger', 'SELECT count(*) FROM compute_ledger.pool_day'), '66', 'days of a booking, of all and of guests');
test_table('ledger', 'alice', 'pool_day', 'day base peak profile pool guests', 'profile pool guests', $book, 0);
test_table('ledger', 'alice', 'pool_month', 'month base', '', $book, 0);
test_table('ledger', 'alice', $_, $node->safe_psql('ledger', "SELECT string_agg(quote_ident(attname), ' ') FROM pg_attribute WHERE attrelid = 'compute_ledger.$_'::regclass AND attnum > 0 AND NOT attisdropped"), '', $book, 0)
	for qw(pool pool_offer pool_reduction guest_share reservation);

# What is free of it, as quote() looks for it, the second time at what is kept.
my $quote = q{SELECT quote(placement_request('zenith', '{nvidia/h100}', 1, '1 hour', not_before => '2027-03-01 13:00Z'), now => '2027-02-01Z');} x 2;
like((LedgerFixture::sql($node, 'ledger', 'alice', "SET search_path = compute_ledger, public; $quote"))[1], qr/pieces/, 'an offer');
test_table('ledger', 'alice', 'pool_month', 'pool guests month base', '', "CREATE INDEX ON pool_month (pool, guests, month); $quote", 0);
test_table('ledger', 'alice', 'pool', 'id', '', "CREATE INDEX ON pool (id); $quote", 0);

# Functions of others' in the place of those that a batch of usage asks.
for my $case (
	['_add_usage_kind', "(text, text) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN length(\$2); END'"],
	['_region_id', "(name text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'"],
	['_reservations_named', "(text, integer) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN 12345678; END'"])
{
	my ($name, $rest) = @$case;
	my ($rc, $out, $err) = LedgerFixture::sql($node, 'ledger', 'alice', qq{SET search_path = compute_ledger, public;
		BEGIN; ALTER FUNCTION $name RENAME TO was; CREATE FUNCTION compute_ledger.$name$rest;
		INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, reservation)
		VALUES ('types', '1', 'acme', 'aws', 'T4', '1', '2026-08-02T00:00:00Z', '2026-08-03T00:00:00Z', NULL), ('types', '2', 'acme', 'aws', 'T4', '1', '2026-08-02T00:00:00Z', '2026-08-03T00:00:00Z', 'ledger:1');
		SELECT accept_usage();});
	like($err, qr/ERROR:  function (?:compute_ledger\.)?$name\(.*\) does not (?:exist|return)/, "another $name()");
}

# Reference data.
my $super = $node->safe_psql('postgres', 'SELECT current_user');
my $identify = q{SELECT identify('no such thing 77'), identify('H100'), (identify_instance('p5.48xlarge')).devices;};
test_table('ledger', $super, 'accelerator_word', 'kind word meaning family shipped', 'kind meaning family', $identify, 1);
test_table('ledger', $super, 'accelerator_variant', 'accelerator form memory_gb memory_type', 'form memory_gb memory_type', $identify, 1);
test_table('ledger', $super, 'accelerator_model', 'accelerator mig_slices devices_per_package shipped', 'mig_slices devices_per_package', $identify, 1);
test_table('ledger', $super, 'accelerator_instance', 'sku provider accelerator devices shipped', 'devices', $identify, 1);
test_table('ledger', $super, 'accelerator_alias', 'accelerator shipped system alias', 'accelerator', q{SELECT identify(name) FROM unnest('{NVIDIA H100 80GB HBM3,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t}'::text[]) AS u (name);}, 1);
my $peak = q{SELECT peak_rate('nvidia/h100-sxm5-80gb', 'bf16'), normalized_rate('nvidia/h100-sxm5-80gb:1g.10gb', 'bf16'); SELECT count(*) FROM normalized_rates('bf16');};
test_table('ledger', $super, 'accelerator_peak', 'accelerator rate shipped', 'rate', $peak, 1);
test_table('ledger', $super, 'basis_factor', 'accelerator rate valid shipped', 'valid', q{SELECT count(*) FROM normalized_rates('h100-hour');}, 0);
test_table('ledger', $super, 'accelerator_model', 'accelerator mig_slices', 'accelerator mig_slices', $peak, 0);

# A price that its table's constraints forbid.
for my $change ("price = NULL", "model = 'volume'", "model = 'graduated', price = NULL, tier_bounds = '{1,2}', tier_prices = '{1}'", "model = 'package'", "model = 'package', package_size = 0",
	"model = 'list', price = NULL", "unit = 'instance-month'", "unit = 'instance-month', devices_per_instance = 0", "tier_fees = '{1,2,3}'", "model = 'no such'")
{
	my ($out, $err) = ('', '');
	$node->psql('ledger', qq{SET search_path = compute_ledger, public;
		BEGIN; ALTER TABLE price RENAME TO was; CREATE TABLE price AS SELECT * FROM was; UPDATE price SET $change; $rate},
		stdout => \$out, stderr => \$err, on_error_stop => 1, extra_params => [ '-U', 'alice' ]);
	like($err, qr/ERROR:  (?:price \d+ is not one that|unknown model of price|.*null)/, "a price with $change");
}
is($node->safe_psql('ledger', 'SELECT 1'), 1, 'the server lives');

# No function in C belongs to anybody who may not make one, so that nobody else declares it other than the code expects.
is($node->safe_psql('ledger', q{SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang JOIN pg_roles AS r ON r.oid = p.proowner
	WHERE l.lanname IN ('c', 'internal') AND p.pronamespace = 'compute_ledger'::regnamespace AND NOT r.rolsuper}), '', 'functions in C are a superuser\'s');
my ($rc, $out, $err) = LedgerFixture::sql($node, 'ledger', 'alice', 'ALTER FUNCTION compute_ledger._usage_timestamptz(text, text, boolean) CALLED ON NULL INPUT');
like($err, qr/must be owner of function/, 'and the owner of the database cannot alter them');

done_testing();
