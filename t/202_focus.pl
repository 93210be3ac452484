# FOCUS 1.2: the view of the ledger's charges, sound by focus_check(); the rules against the specification's
# sentences; and what the check says of a real provider's file.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = '../shared/data';
my $node = PostgreSQL::Test::Cluster->new('focus');
$node->init;
$node->start;
my $path = 'SET search_path = public, compute_ledger; SET timezone = \'UTC\'; SET client_min_messages = warning;';

sub run_sql { return $node->safe_psql('postgres', "$path $_[0]") }
sub is_sql { my ($sql, $expected, $name) = @_; is(run_sql($sql), $expected, $name); return }

run_sql('CREATE EXTENSION compute_ledger; SELECT create_ledger()');

# ------------------------------------------------------------------ the ledger's own charges
is_sql('SELECT count(*) FROM focus_1_2', 0, 'a new ledger has a view without rows');
is_sql('SELECT * FROM focus_check()', '', 'which is sound');
run_sql(q{
	UPDATE focus_issuer SET invoice_issuer = 'Compute Exchange', provider = 'Hub East';
	SELECT create_account('acme', currency => 'USD', time_zone => 'Asia/Shanghai', title => 'Acme Ltd.');
	SELECT create_account('acme/lab', parent => 'acme');
	SELECT create_account('acme/web', parent => 'acme', title => 'Web');
	SELECT create_region('east', level => 'region', title => 'East');
	SELECT create_region('east/s1', level => 'site', parent => 'east');
	-- flat with a list price, tiers with a fee and a free quantity, packages, work, an instance a month
	SELECT create_price('nvidia/h100', 'USD', 2.5);
	SELECT create_price('nvidia/h100', 'USD', 2.125, account => 'acme', title => 'contract 7');
	SELECT create_price('nvidia/a100', 'USD', account => 'acme', tier_bounds => '{10, 40}', tier_prices => '{1.3333333, 1.1, 0.7}', tier_fees => '{0, 5, 0}', free => 2);
	SELECT create_price('nvidia/a100', 'USD', 1.5);
	SELECT create_price('nvidia/l40s', 'USD', 7, account => 'acme', model => 'package', package_size => 3);
	SELECT create_price('nvidia/h200', 'USD', 0.37, unit => 'PFLOPh@bf16', title => 'spot');
	SELECT create_price('nvidia/b200', 'USD', 37000, unit => 'instance-month', devices_per_instance => 8);
	SELECT record_usage('s', '1', 'acme/lab', 'east', 'NVIDIA H100 80GB HBM3', 8, '2026-01-10 01:00+00', '2026-01-10 04:20+00');
	SELECT record_usage('s', '2', 'acme', 'east', 'NVIDIA H100 80GB HBM3', 1, '2026-01-10 15:00+00', '2026-01-10 17:00:00.000001+00');
	SELECT record_usage('s', '3', 'acme/web', 'east/s1', 'NVIDIA A100-SXM4-80GB', 3, '2026-01-11 01:00+00', '2026-01-11 22:20:01+00');
	SELECT record_usage('s', '4', 'acme/web', 'east', 'NVIDIA L40S', 1, '2026-01-12 01:00+00', '2026-01-12 05:00+00');
	SELECT record_usage('s', '5', 'acme/web', 'east', 'nvidia/h200-sxm5-141gb', 7, '2026-01-13 01:00+00', '2026-01-13 05:00:01+00');
	SELECT record_usage('s', '6', 'acme/web', 'east', 'NVIDIA B200', 16, '2026-01-14 01:00+00', '2026-01-20 05:00:01+00');
	SELECT record_usage('s', '7', 'acme/web', 'east', 'NVIDIA V100-SXM2-16GB', 1, '2026-01-14 01:00+00', '2026-01-14 05:00:01+00');
});
my $january = q{(SELECT b.period FROM billing_period AS b JOIN billing_calendar AS c ON c.id = b.calendar
	WHERE c.name = 'month/Asia/Shanghai' AND b.period @> timestamptz '2026-01-15 00:00+00')};
(my $february = $january) =~ s/2026-01-15/2026-02-15/;

is_sql('SELECT count(*) FROM focus_1_2', 0, 'what is not closed is not in the view');
run_sql("CREATE TABLE open AS SELECT * FROM focus_rated(NULL::focus_1_2, 'acme', $january)");
is_sql(q{SELECT * FROM focus_check('open')}, '', 'but can be had as if it were, and is sound');
is_sql('SELECT count(*) > 10, count("InvoiceId"), count(DISTINCT "x_ChargeId") = count(*) FROM open', 't|0|t', 'without an invoice');
run_sql("SELECT close_period('acme', $january, waive => '{acme/web}')");
is_sql('SELECT * FROM focus_check()', '', 'the charges of a closed period are sound');
is_sql(q{SELECT (SELECT sum("BilledCost") FROM open) = sum("BilledCost") FILTER (WHERE "x_Kind" <> 'payable'), count("InvoiceId") = count(*), count(DISTINCT "x_ChargeId") = count(*) FROM focus_1_2}, 't|t|t', 'the same, with an invoice');
is_sql(q{SELECT "x_ChargeId", "ChargeCategory", "ChargeFrequency", "ChargeDescription", "BilledCost" <> 0, "EffectiveCost" = "BilledCost", "ListCost" = "BilledCost", "ContractedCost" = "BilledCost",
		num_nonnulls("PricingQuantity", "ConsumedQuantity", "ContractedUnitPrice", "ListUnitPrice", "PricingUnit", "SkuId", "SkuPriceId", "SkuPriceDetails", "SkuMeter", "RegionId", "x_Accelerator", "PricingCategory", "SubAccountId"), "ChargePeriodStart" = "BillingPeriodStart"
	FROM focus_1_2 WHERE "x_Kind" = 'payable'}, '1-USD/payable|Adjustment|One-Time|Rounding to what is payable|t|t|t|t|0|t', 'and an adjustment to what is payable');
is_sql(q{
	SELECT sum("BilledCost") = (SELECT sum(cost) FROM charge), sum("EffectiveCost") = (SELECT sum(cost) FROM charge),
		abs(sum("ContractedCost") - (SELECT sum(cost) FROM charge)) < 1e-6, abs(sum("ListCost") - (SELECT sum(coalesce(list_cost, cost)) FROM charge)) < 1e-6,
		sum("ConsumedQuantity") = (SELECT sum(quantity) FROM charge WHERE kind <> 'unpriced'),
		sum("x_Work") = (SELECT sum(work) FROM charge WHERE kind <> 'unpriced'), sum("x_Records") = (SELECT sum(records) FROM charge WHERE kind <> 'unpriced')
	FROM focus_1_2 WHERE "x_Kind" <> 'payable'}, 't|t|t|t|t|t|t', 'its sums are those of the charges');
is_sql(q{
	SELECT "PricingUnit", min("ConsumedUnit"), min("PricingCategory"), sum("PricingQuantity")::numeric(10, 2), sum("BilledCost")::numeric(10, 2) FROM focus_1_2
	WHERE "ChargeCategory" <> 'Adjustment' GROUP BY 1 ORDER BY "PricingUnit" COLLATE "C"}, join("\n",
	'3 L40S-Hours|L40S-Hours|Standard|2.00|14.00', 'A100-Hours|A100-Hours|Standard|64.00|61.73', 'Fees||Standard|1.00|5.00', 'H100-Hours|H100-Hours|Standard|28.67|60.92',
	'Instance-Months|Instance-Months|Standard|0.40|14720.46', 'PFLOP-Hours|PFLOP-Hours|Dynamic|27.71|10.25'),
	'units are written as the specification has them, a fee is a charge of its own, spot prices are dynamic');
is_sql(q{
	SELECT "BillingAccountName", "SubAccountName", "RegionId", "RegionName", "AvailabilityZone", "InvoiceIssuerName", "ProviderName", "PublisherName", "BillingPeriodStart", "ChargePeriodStart", "ListUnitPrice", "ContractedUnitPrice", "SkuId", "SkuPriceDetails"
	FROM focus_1_2 WHERE "ChargeDescription" LIKE '%(tier 2)%'},
	'Acme Ltd.|Web|east|East|east/s1|Compute Exchange|Hub East|Hub East|2025-12-31 16:00:00+00|2026-01-10 16:00:00+00|1.5|1.1|nvidia/a100-sxm4-80gb|east/s1|allocated|'
	. '{"x_Tier": 2, "GpuCount": 1, "x_Measure": "allocated", "x_Accelerator": "nvidia/a100-sxm4-80gb"}',
	'names, regions and sites, times, prices');
is_sql(q{SELECT count(*), count("SubAccountId"), min("SubAccountName") FROM focus_1_2 WHERE "PricingUnit" = 'H100-Hours'}, '3|1|acme/lab', 'an account without a title goes by its name; a payer is no sub-account of itself');

# What comes late is a correction in the next period.
run_sql(qq{
	SELECT record_usage('s', '11', 'acme/lab', 'east', 'NVIDIA H100 80GB HBM3', 2, '2026-01-10 03:00+00', '2026-01-10 04:20+00');
	SELECT record_usage('s', '3', 'acme/web', 'east/s1', 'NVIDIA A100-SXM4-80GB', 3, '2026-01-11 01:00+00', '2026-01-11 20:20:01+00', revision => 1);
	SELECT record_usage('s', '12', 'acme', 'east', 'NVIDIA H100 80GB HBM3', 1, '2026-02-10 15:00+00', '2026-02-10 17:00:00.000001+00');
});
run_sql("SELECT close_period('acme', $february)");
is_sql('SELECT * FROM focus_check()', '', 'corrections are sound');
is_sql(q{
	SELECT "x_Accelerator", "ChargePeriodStart" < "BillingPeriodStart", "BilledCost"::numeric(10, 2), "ListCost"::numeric(10, 2), "PricingQuantity"::numeric(10, 2), "x_CorrectsBillingPeriod" IS NOT NULL
	FROM focus_1_2 WHERE "ChargeClass" = 'Correction' ORDER BY "x_Accelerator"},
	"nvidia/a100-sxm4-80gb|t|-4.20|-9.00|-6.00|t\nnvidia/h100-sxm5-80gb|t|5.67|6.67|2.67|t", 'they are marked, and may be negative');

# What is committed to, and prices of what goes on at once.
run_sql(q{
	SELECT create_account('beta', currency => 'EUR', time_zone => 'UTC');
	SELECT create_account('beta/lab', parent => 'beta');
	SELECT create_price('nvidia/h100', 'EUR', 2.125, account => 'beta', committed_devices => 4, committed_price => 1.25, title => 'contract 7',
		valid_from => '2026-01-10', valid_until => '2026-01-12');
	SELECT create_price('nvidia/a100', 'EUR', 1.1, account => 'beta/lab', minimum => 500, title => 'contract 8');
	SELECT create_price('nvidia/l40s', 'EUR', 100, account => 'beta', unit => 'peak-device');
	SELECT create_price('nvidia/l4', 'EUR', 100, account => 'beta', unit => 'percentile-device', percentile => 0.95, sample_step => '5 min');
	SELECT record_usage('s', '21', 'beta/lab', 'east', 'NVIDIA H100 80GB HBM3', 8, '2026-01-10 01:00+00', '2026-01-10 04:20+00');
	SELECT record_usage('s', '22', 'beta/lab', 'east', 'NVIDIA A100-SXM4-80GB', 3, '2026-01-11 01:00+00', '2026-01-11 22:20:01+00');
	SELECT record_usage('s', '23', 'beta', 'east', 'NVIDIA L40S', 5, '2026-01-11 01:00+00', '2026-01-11 22:20:01+00');
	SELECT record_usage('s', '24', 'beta', 'east', 'NVIDIA L4', 5, '2026-01-11 01:00+00', '2026-01-14 22:20:01+00');
	SELECT close_period('beta', '[2026-01-01, 2026-02-01)');
});
is_sql('SELECT * FROM focus_check()', '', 'commitments are sound');
is_sql(q{
	SELECT "x_Kind", "ChargeCategory", count(*), min("CommitmentDiscountCategory"), min("CommitmentDiscountStatus"), sum("CommitmentDiscountQuantity")::numeric(8, 2), min("CommitmentDiscountUnit"), sum("ConsumedQuantity")::numeric(8, 2),
		sum("BilledCost")::numeric(8, 2), sum("EffectiveCost")::numeric(8, 2), min("PricingCategory"), min("CommitmentDiscountName")
	FROM focus_1_2 WHERE "CommitmentDiscountId" IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2}, join("\n",
	'commitment|Purchase|1|Spend||429.60|EUR||429.60|0.00|Standard|contract 8', 'commitment|Usage|1|Spend|Unused|429.60|EUR||0.00|429.60|Committed|contract 8',
	'reserved unused|Purchase|2|Usage||178.67|H100-Hours||223.33|0.00|Standard|contract 7', 'reserved unused|Usage|2|Usage|Unused|178.67|H100-Hours||0.00|223.33|Committed|contract 7',
	'reserved used|Purchase|1|Usage||13.33|H100-Hours||16.67|0.00|Standard|contract 7', 'reserved used|Usage|1|Usage|Used|13.33|H100-Hours|13.33|0.00|16.67|Committed|contract 7'),
	'what was committed to is bought, and used or not');
is_sql(q{SELECT "x_Kind", "PricingUnit", "PricingQuantity"::int, "BilledCost"::int FROM focus_1_2 WHERE "x_Kind" IN ('peak', 'percentile') ORDER BY 1}, "peak|Peak-Devices|5|500\npercentile|Percentile-Devices|5|500", 'devices at one time');
is_sql(q{SELECT sum("BilledCost") = (SELECT sum(cost) FROM charge), sum("EffectiveCost") = (SELECT sum(cost) FROM charge) FROM focus_1_2 WHERE "x_Kind" <> 'payable'}, 't|t', 'and nothing is billed twice');

# What is payable.
run_sql(q{
	SELECT create_account('yen', currency => 'JPY', time_zone => 'UTC');
	SELECT create_account('dinar', currency => 'KWD', time_zone => 'UTC');
	SELECT create_account('exact', currency => 'CHF', time_zone => 'UTC');
	SELECT create_account('free', currency => 'USD', time_zone => 'UTC');
	SELECT create_price('nvidia/a30', c, p, account => a) FROM (VALUES ('JPY', 100.5, 'yen'), ('KWD', 1.0015, 'dinar'), ('CHF', 1.25, 'exact')) AS x (c, p, a);
	SELECT record_usage('s', '31' || a, a, 'east', 'NVIDIA A30', 1, '2026-01-10 01:00+00', '2026-01-10 02:00+00') FROM unnest(ARRAY['yen', 'dinar', 'exact']) AS a;
	SELECT close_period(a, '[2026-01-01, 2026-02-01)') FROM unnest(ARRAY['yen', 'dinar', 'exact', 'free']) AS a;
});
is_sql(q{SELECT a.name, p.cost, p.payable, p.payable_difference FROM period_close AS p JOIN account AS a ON a.id = p.payer WHERE a.name IN ('yen', 'dinar', 'exact', 'free') ORDER BY 1}, join("\n",
	'dinar|{"KWD": 1.001500000}|{"KWD": 1.002}|{"KWD": 0.000500000}', 'exact|{"CHF": 1.25000000}|{"CHF": 1.25}|{"CHF": 0.00000000}', 'free|||', 'yen|{"JPY": 100.500000}|{"JPY": 100}|{"JPY": -0.500000}'),
	'what is payable is rounded to the minor unit, half to even');
is_sql(q{SELECT count(*) FROM focus_1_2 WHERE "x_Kind" = 'payable' AND "BillingCurrency" IN ('CHF', 'KWD', 'JPY')}, 2, 'what is exact has no adjustment');
is_sql(q{SELECT count(*), count(*) FILTER (WHERE f.billed IS DISTINCT FROM d.value::numeric) FROM period_close AS p CROSS JOIN LATERAL jsonb_each_text(p.payable) AS d
	LEFT JOIN (SELECT "InvoiceId", sum("BilledCost") AS billed FROM focus_1_2 GROUP BY 1) AS f ON f."InvoiceId" = p.id || '-' || d.key}, '6|0', 'the sum of an invoice is what is payable');
is_sql('SELECT * FROM focus_check()', '', 'which is sound');
is_sql('SELECT check_name, object, detail FROM check_ledger()', '', 'as check_ledger() says');
run_sql(q{SET session_replication_role = replica; UPDATE period_close SET payable = '{"JPY": 101}' WHERE payable ? 'JPY'});
is_sql(q{SELECT check_name, detail FROM check_ledger()}, 'payable|{"JPY": 101} is payable, by {"JPY": -0.500000} more than {"JPY": 100.500000}', '... or else it says so');
run_sql(q{SET session_replication_role = replica; UPDATE period_close SET payable = '{"JPY": 100}' WHERE payable ? 'JPY'});
# a charge of what rounding adds to a period
run_sql(q{INSERT INTO charge (kind, book, account, payer, billing_period, price, measure, period, unit, contracted_cost, cost, currency, records, close, as_of)
	SELECT 'rounding', c.book, c.account, c.payer, c.billing_period, c.price, c.measure, tstzrange(b.ends_at - interval '1 microsecond', b.ends_at), u.unit, -0.00000001, -0.00000001, c.currency, 0, c.close, c.as_of
	FROM (SELECT * FROM charge WHERE currency = 'JPY' LIMIT 1) AS c JOIN billing_period AS b ON b.id = c.billing_period, (VALUES ('device-hour'), ('instance-month'), (NULL)) AS u (unit)});
is_sql(q{SELECT "ChargeCategory", "ChargeDescription", count(*), sum("BilledCost"), sum("EffectiveCost"), sum("ListCost"), sum("ContractedCost"), count("PricingQuantity"), count("SkuId") FROM focus_1_2 WHERE "x_Kind" = 'rounding' AND "BillingCurrency" = 'JPY' GROUP BY 1, 2},
	"Adjustment|Rounding of the period's charges|3|-0.00000003|-0.00000003|-0.00000003|-0.00000003|0|0", 'a charge of kind rounding is an adjustment, too');
is_sql('SELECT * FROM focus_check()', '', 'and sound');
run_sql(q{SET session_replication_role = replica; DELETE FROM charge WHERE kind = 'rounding' AND currency = 'JPY'});

# Who sees what.
run_sql(q{CREATE ROLE lab LOGIN; CREATE ROLE clerk LOGIN; CREATE ROLE nobody LOGIN; SELECT grant_access('lab', 'reader', 'acme/lab'); SELECT grant_access('clerk', 'auditor')});
is($node->safe_psql('postgres', 'SELECT string_agg(DISTINCT "SubAccountName", \',\') FROM compute_ledger.my_focus_1_2', extra_params => [ '-U', 'lab' ]), 'acme/lab', 'a reader sees the rows of the accounts below');
is($node->safe_psql('postgres', q{SELECT * FROM compute_ledger.focus_check('compute_ledger.my_focus_1_2')}, extra_params => [ '-U', 'lab' ]) =~ s/^EffectiveCost-13.*//gmr, '', 'which are sound by themselves, but for the part of a commitment');
is(($node->psql('postgres', 'SELECT * FROM compute_ledger.focus_1_2', extra_params => [ '-U', 'lab' ]))[0], 3, 'and not what is under that');
is_sql('SELECT count(*) FROM (SELECT f::text FROM focus_1_2 AS f EXCEPT SELECT m::text FROM my_focus_1_2 AS m) AS d', '0', 'who sees everything sees the same in either');
is($node->safe_psql('postgres', 'SELECT count(*) FROM compute_ledger.focus_1_2', extra_params => [ '-U', 'clerk' ]), run_sql('SELECT count(*) FROM focus_1_2'), 'an auditor sees all');
is(($node->psql('postgres', 'SELECT * FROM compute_ledger.focus_1_2', extra_params => [ '-U', 'nobody' ]))[0], 3, 'who was given nothing sees nothing');

# ------------------------------------------------------------------ a file
# As a file, whatever the settings of the session that writes it: sound when it is read back, with the values of the view.
# A price that changes within a second makes charges whose time is shorter than what is written.
run_sql(q{
	SELECT create_account('short', currency => 'USD', time_zone => 'UTC');
	SELECT create_price('nvidia/a40', 'USD', p, account => 'short', valid_from => f, valid_until => t)
	FROM (VALUES (1, timestamptz '2026-01-10 01:00+00', timestamptz '2026-01-10 02:00:00.25+00'), (2, '2026-01-10 02:00:00.25+00', '2026-01-10 02:00:00.75+00'),
		(3, '2026-01-10 02:00:00.75+00', NULL)) AS x (p, f, t);
	SELECT record_usage('s', '41', 'short', 'east', 'NVIDIA A40', 3600000, '2026-01-10 01:30+00', '2026-01-10 03:00+00');
	SELECT close_period('short', '[2026-01-01, 2026-02-01)');
});
my $hostile = "SET timezone = 'Asia/Shanghai'; SET datestyle = 'German'; SET intervalstyle = 'sql_standard'; SET extra_float_digits = -15; SET bytea_output = 'escape'; SET lc_time = 'C';";
my @written;
for my $settings ($path, "$path $hostile")
{
	my $file = $node->basedir . '/bill' . @written . '.csv';
	$node->safe_psql('postgres', "$settings\n\\copy (SELECT * FROM focus_1_2_text ORDER BY \"x_ChargeId\") TO '$file' (FORMAT csv, HEADER)");
	push @written, slurp_file($file);
}
is($written[1], $written[0], 'what is written of the bill does not depend on settings');
run_sql(q{SELECT format('CREATE TABLE filed (%s)', string_agg(format('%I text', attname), ', ' ORDER BY attnum)) FROM pg_attribute WHERE attrelid = 'focus_1_2_text'::regclass AND attnum > 0 \gexec
});
$node->safe_psql('postgres', "$path $hostile\n\\copy filed FROM '" . $node->basedir . "/bill1.csv' (FORMAT csv, HEADER)");
is($node->safe_psql('postgres', "$path $hostile SELECT * FROM focus_check('filed')"), '', 'what is read back is sound');
is_sql('SELECT count(*) > 30, count(*) = (SELECT count(*) FROM focus_1_2) FROM filed', 't|t', 'all of it');
is_sql(q{SELECT count(*) FROM filed WHERE "ChargePeriodStart" !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$' OR "BilledCost" ~* 'e' OR '' IN ("Tags", "InvoiceId", "SubAccountId")}, 0, 'as the specification writes it');
is_sql(q{SELECT string_agg(format('%s - %s', "ChargePeriodStart", "ChargePeriodEnd"), ', ' ORDER BY "x_Price"::int) FROM filed WHERE "x_Account" = 'short'},
	'2026-01-10T01:00:00Z - 2026-01-10T02:00:00Z, 2026-01-10T02:00:00Z - 2026-01-10T02:00:01Z, 2026-01-10T02:00:00Z - 2026-01-11T00:00:00Z', 'a period of less than a second is not empty');
my $apart = run_sql(q{SELECT string_agg(format(CASE WHEN atttypid = 'timestamptz'::regtype THEN
		'CASE WHEN f.%1$I IS NULL THEN t.%1$I IS NOT NULL ELSE t.%1$I IS NULL OR t.%1$I::timestamptz - f.%1$I NOT BETWEEN interval %2$L AND interval %3$L END'
		ELSE 't.%1$I::%4$s IS DISTINCT FROM f.%1$I' END, attname, '-1 s', '1 s', format_type(atttypid, atttypmod)), ' OR ')
	FROM pg_attribute WHERE attrelid = 'focus_1_2'::regclass AND attnum > 0});
is_sql(qq{SELECT t.* FROM filed AS t FULL JOIN focus_1_2 AS f ON f."x_ChargeId" = t."x_ChargeId" WHERE $apart}, '', 'and says what the view says');
is_sql(q{SELECT attname FROM pg_attribute WHERE attrelid = 'focus_1_2_text'::regclass AND attnum > 0 AND (atttypid <> 'text'::regtype OR col_description(attrelid, attnum) IS NULL)}, '', 'in text');
is($node->safe_psql('postgres', 'SELECT string_agg(DISTINCT "SubAccountName", \',\') FROM compute_ledger.my_focus_1_2_text', extra_params => [ '-U', 'lab' ]), 'acme/lab', 'a reader writes his own rows');

# ------------------------------------------------------------------ the rules and the specification
is_sql(q{SELECT r.requirement FROM focus_rule AS r WHERE r.requirement !~ ('^' || r.focus_column || '-[0-9]+$')}, '', 'every rule is numbered within its column');
is_sql(q{SELECT DISTINCT m[1] FROM focus_rule AS r, regexp_matches(r.violated, '\{(\w+)', 'g') AS m
	WHERE m[1] NOT IN (SELECT focus_column FROM focus_column) AND m[1] NOT IN ('values', 'currencies', 'subcategories', 'numbers', 'strings')}, '', 'every rule names columns that there are');
is_sql(q{SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = 'focus_1_2'::regclass AND a.attnum > 0 AND a.attname NOT LIKE 'x\_%'
	EXCEPT SELECT focus_column FROM focus_column}, '', 'all columns of the view are the specification\'s, or start with x_');
is_sql(q{SELECT c.focus_column FROM focus_column AS c LEFT JOIN pg_attribute AS a ON a.attrelid = 'focus_1_2'::regclass AND a.attname = c.focus_column
	WHERE format_type(a.atttypid, NULL) IS DISTINCT FROM CASE c.data_type WHEN 'Decimal' THEN 'numeric' WHEN 'Date/Time' THEN 'timestamp with time zone' WHEN 'JSON' THEN 'jsonb' ELSE 'text' END},
	'', 'it has all of them, in their types');

# Loads a CSV file into a table of text columns with the names of its header.
sub load_csv
{
	my ($table, $file) = @_;
	my $copy = $node->basedir . "/$table.csv";
	PostgreSQL::Test::Utils::append_to_file($copy, slurp_file("$data/$file"));
	my ($header) = slurp_file($copy) =~ /^(.*?)\r?\n/;
	my @columns = map { "\"$_\"" } split /,/, $header;
	run_sql("CREATE TABLE $table (line int GENERATED ALWAYS AS IDENTITY, " . join(', ', map { "$_ text" } @columns) . ");
		COPY $table (" . join(', ', @columns) . ") FROM '$copy' (FORMAT csv, HEADER, NULL 'NULL')");
	return;
}

SKIP:
{
	skip "no copy of the specification's requirements in $data", 4 unless -r "$data/focus_1_2_requirements.csv";
	load_csv('requirement', 'focus_1_2_requirements.csv');
	load_csv('specified', 'focus_1_2_columns.csv');
	load_csv('allowed', 'focus_1_2_allowed_values.csv');
	run_sql(q{CREATE TABLE must AS SELECT column_id, row_number() OVER (PARTITION BY column_id ORDER BY line) AS n, requirement FROM requirement});
	is_sql(q{SELECT count(*) FROM must WHERE requirement LIKE '%MUST%'}, run_sql('SELECT count(*) FROM focus_rule'), 'there are as many rules as sentences that say MUST');
	is_sql(q{SELECT m.requirement, r.requirement FROM (SELECT column_id || '-' || n AS id, requirement FROM must WHERE requirement LIKE '%MUST%') AS m
		FULL JOIN focus_rule AS r ON r.requirement = m.id WHERE r.requirement IS NULL OR m.id IS NULL}, '', 'one for each');
	is_sql(q{SELECT s.column_id, c.focus_column FROM specified AS s FULL JOIN focus_column AS c
		ON (c.focus_column, c.level, c.data_type, c.nullable) = (s.column_id, lower(s.feature_level), s.data_type, s.allows_nulls <> 'False')
		WHERE s.column_id IS NULL OR c.focus_column IS NULL}, '', 'the columns are those of the specification');
	is_sql(q{SELECT a.column_id, a.value_1, v.focus_column, v.value FROM allowed AS a FULL JOIN (SELECT * FROM focus_value WHERE focus_column <> 'SkuPriceDetails') AS v
		ON v.focus_column = a.column_id AND CASE a.column_id WHEN 'ServiceSubcategory' THEN (v.parent, v.value) = (a.value_1, a.value_2) ELSE v.value = a.value_1 END
		WHERE a.column_id IS NULL OR v.value IS NULL}, '', 'and so are the values');
}

# ------------------------------------------------------------------ the specification's own examples
SKIP:
{
	skip "no copy of the specification's examples in $data", 2 unless -r "$data/focus_1_2_scenarios.csv";
	load_csv('example', 'focus_1_2_scenarios.csv');
	# They are excerpts: each is a file of the columns that it has, without the word null.  What is not there is left out here.
	run_sql(q{
		SELECT format('UPDATE example SET %s', string_agg(format('%I = nullif(nullif(%1$I, %L), %L)', attname, '', 'null'), ', ')) FROM pg_attribute WHERE attrelid = 'example'::regclass AND attnum > 1 \gexec
		SELECT format('CREATE TABLE %I AS SELECT line, %s FROM example WHERE scenario = %L', 'e' || row_number() OVER (ORDER BY e.scenario), string_agg(quote_ident(e.key), ', '), e.scenario)
		FROM (SELECT DISTINCT scenario, c.key FROM example AS r, jsonb_each_text(to_jsonb(r)) AS c WHERE c.value IS NOT NULL AND c.key NOT IN ('line', 'scenario', 'SkuPriceid')) AS e GROUP BY e.scenario \gexec
	});
	my $faults = run_sql(q{SELECT string_agg(format('SELECT %L AS example, f.requirement, f.focus_column FROM focus_check(%L, %L) AS f WHERE f.detail NOT LIKE %L', regexp_replace(x.scenario, '^.*/', ''), x.name, 'line', 'the column is missing%'), ' UNION ALL ')
		FROM (SELECT scenario, 'e' || row_number() OVER (ORDER BY scenario) AS name FROM example GROUP BY scenario) AS x});
	# what is written otherwise, by its columns, and what else is breached
	is(run_sql(qq{
		WITH fault AS MATERIALIZED ($faults), written AS (
			SELECT DISTINCT f.example, f.focus_column FROM fault AS f JOIN focus_rule AS r USING (requirement) WHERE r.scope IN ('type', 'format')
		)
		SELECT f.example || ': ' || concat_ws('; ', (SELECT replace(string_agg(w.focus_column, ' ' ORDER BY w.focus_column COLLATE "C"), 'BillingPeriodEnd BillingPeriodStart ChargePeriodEnd ChargePeriodStart', 'instants') FROM written AS w WHERE w.example = f.example),
			string_agg(DISTINCT f.requirement, ' ' ORDER BY f.requirement) FILTER (WHERE (f.example, f.focus_column) NOT IN (SELECT w.example, w.focus_column FROM written AS w)))
		FROM fault AS f GROUP BY f.example ORDER BY f.example COLLATE "C"}), <<'END' =~ s/\n\z//r, 'their faults are their own');
commitment_discount_purchase_scenario_2: ChargePeriodEnd
commitment_discount_purchase_scenario_3: ChargePeriodEnd
one_hundred_percent_utilization_with_commitment_discount_flexibility_with_1_resource: ListCost-10 ListUnitPrice-11
saas_spend_agreements_a1: instants; ConsumedQuantity-7 ServiceCategory-4 ServiceSubcategory-4
saas_spend_agreements_b1: instants; ConsumedQuantity-7 ServiceCategory-3 ServiceCategory-4 ServiceName-4 ServiceSubcategory-3 ServiceSubcategory-4
saas_spend_agreements_b2: instants; ConsumedQuantity-7 ServiceCategory-3 ServiceCategory-4 ServiceName-4 ServiceSubcategory-3 ServiceSubcategory-4
simple_saas_agreements_a1: BilledCost instants ContractedCost ContractedUnitPrice EffectiveCost ListCost ListUnitPrice
simple_saas_agreements_b: BilledCost instants ContractedCost ContractedUnitPrice EffectiveCost ListCost ListUnitPrice
simple_saas_agreements_c: BilledCost instants ContractedCost ContractedUnitPrice EffectiveCost ListCost ListUnitPrice
virtual_currency_pricing_model_a1: instants
virtual_currency_pricing_model_a2: instants
virtual_currency_pricing_model_b1: instants EffectiveCost
virtual_currency_pricing_model_b2: instants
virtual_currency_pricing_model_b3: instants
virtual_currency_pricing_model_c: instants
END
	is_sql(q{SELECT requirement FROM focus_check('example') WHERE requirement = 'EffectiveCost-13'}, '', 'purchases and usage of different examples are not taken for the whole term of one discount');
}

# ------------------------------------------------------------------ a real file
SKIP:
{
	skip "no sample of a provider's file in $data", 3 unless -r "$data/focus_1_0_sample.csv";
	load_csv('sample', 'focus_1_0_sample.csv');
	# It is of version 1.0 and by no means sound: these are its breaches, and the check finds no others.
	my $breaches = join("\n", qw(BillingPeriodEnd-3|700 BillingPeriodStart-3|700 ChargePeriodEnd-3|700 ChargePeriodStart-3|700 CommitmentDiscountQuantity-1|1 CommitmentDiscountUnit-1|1
		ContractedCost-10|8 ContractedUnitPrice-10|1 ContractedUnitPrice-12|8 EffectiveCost-11|1 PricingQuantity-10|8 RegionName-6|2 ResourceId-6|28 ResourceType-5|28 ResourceType-6|558
		ServiceName-6|1 SkuMeter-1|1 SkuPriceDetails-1|1));
	is_sql(q{SELECT requirement, count(*) FROM focus_check('sample', 'Id') GROUP BY 1 ORDER BY requirement COLLATE "C"}, $breaches, 'the breaches of a sample of a real provider\'s file, as text');
	run_sql(q{SELECT format('CREATE TABLE typed AS SELECT %s FROM sample', string_agg(format('%I::%s AS %1$I', a.attname,
			CASE c.data_type WHEN 'Decimal' THEN 'numeric' WHEN 'Date/Time' THEN 'timestamptz' WHEN 'JSON' THEN 'jsonb' ELSE 'text' END), ', '))
		FROM pg_attribute AS a LEFT JOIN focus_column AS c ON c.focus_column = a.attname WHERE a.attrelid = 'sample'::regclass AND a.attnum > 0 \gexec
		});
	is_sql(q{SELECT requirement, count(*) FROM focus_check('typed') GROUP BY 1 ORDER BY requirement COLLATE "C"}, join("\n", grep { !/Period/ } split /\n/, $breaches), 'in the types of the specification there is no question of how times are written');
	is_sql(q{SELECT count(*) FROM focus_check('typed') AS f JOIN typed AS t ON t.ctid::text = f.row_reference
		WHERE f.requirement = 'ResourceType-6' AND t."ResourceType" IS NULL AND t."ResourceId" IS NOT NULL}, 558, 'the rows that it names are the rows');
}

$node->stop;
done_testing();
