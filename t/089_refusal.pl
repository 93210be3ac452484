# What the ledger refuses it refuses in the user's words: what is wrong, with a way out, and without a line of context for
# each function of ours that it came through.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('refusal');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');

# What psql shows by default.
sub said
{
	my ($sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 0, extra_params => [ '-v', 'SHOW_CONTEXT=errors' ]);
	return $err =~ s/^psql:<stdin>:\d+: //mgr;
}
is(said('SELECT accept_usage()'), "ERROR:  there is no ledger in this database\nHINT:  As the owner of the database, run SELECT compute_ledger.create_ledger().", 'no ledger');
$node->safe_psql('postgres', $_) for 'SELECT create_ledger()', q{SELECT create_account('acme', currency => 'USD'), create_account('acme lab', parent => 'acme'), create_region('east')},
	q{SELECT create_price('nvidia/h100', 'USD', 3, valid_from => '2026-01-01'), create_price('nvidia/h100', 'USD', 4, account => 'acme', valid_from => '2026-07-01', valid_until => '2027-01-01')},
	q{INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('fiscal', '2026-02-01', 'UTC')};

# Prices in each other's way name the price, and what to do.
my $id = $node->safe_psql('postgres', 'SELECT min(id) FROM price');
my $price = $id + 1;
is(said(q{SELECT create_price('H100', 'USD', 2.5, valid_from => '2026-10-01')}),
	"ERROR:  price $id is for the same use, and is valid then already\nDETAIL:  It says: 3 USD a device-hour. It is valid from 2026-01-01 00:00:00+00.\nHINT:  Add supersede => true: it ends where the new one begins.", 'a price that goes on');
like(said(q{SELECT create_price('H100', 'USD', 2.5, account => 'acme', valid_from => '2026-02-01')}),
	qr/^ERROR:  price $price is .*\nDETAIL:  It says: 4 USD a device-hour. It is valid from 2026-07-01 00:00:00\+00 until 2027-01-01 00:00:00\+00.\nHINT:  Let the new one end where that begins: valid_until => '2026-07-01 00:00:00\+00'.$/, 'one that begins later');
like(said(q{SELECT create_price('H100', 'USD', 2.5)}), qr/^HINT:  Let the new one end where that begins/m, 'one for all times, before one');
like(said(q{SELECT create_price('H100', 'USD', 2.5, valid_from => '2026-01-01', supersede => true)}), qr/^HINT:  To change what it costs from an instant on, give valid_from and supersede => true; to correct it, UPDATE compute_ledger.price \.\.\. WHERE id = $id.$/m, 'one that begins then');
is(said(q{BEGIN; SELECT create_price('H100', 'USD', 2.5, valid_from => '2026-10-01', supersede => true); ROLLBACK}), '', 'with what the hint says there is none in the way');
is(said(q{BEGIN; SELECT create_price('H100', 'USD', 2.5, account => 'acme', valid_from => '2026-02-01', valid_until => '2026-07-01 00:00:00+00'); ROLLBACK}), '', 'nor with the other one');
like(said(q{INSERT INTO price (accelerator, currency, price) VALUES ('nvidia/h100', 'USD', 1)}), qr/^ERROR:  conflicting key value violates exclusion constraint "prices_of_one_key_do_not_overlap"$/m, 'an INSERT of his own');
is(said(q{INSERT INTO price (accelerator, currency, price) VALUES ('nvidia/h100', 'USD', 1) ON CONFLICT DO NOTHING}), '', 'may leave what is there');

# Many a refusal: message, and that nothing else is said but a detail and a hint.
my $long = 'x' x 1001;
for my $case (
	[ q{SELECT create_price('A100', 'USD', -1)}, '23514: price -1 is not a number from 0 on' ],
	[ q{INSERT INTO price (accelerator, currency, price) VALUES ('any', 'USD', 'NaN')}, '23514: price NaN is not a number from 0 on' ],
	[ q{SELECT create_price('A100', 'USD', 1, measure => 'wished')}, '23514: unknown measure of a price: "wished"' ],
	[ q{SELECT create_price('A100', 'USD', 1, factor => 0.5)}, '23514: a price that follows the list has an account|23514: a price of model list has a factor and no price' ],
	[ q{SELECT create_price('A100', 'USD', 1, minimum => 5)}, q{23514: a minimum or committed devices are an account's} ],
	[ q{SELECT create_price('A100', 'USD', 1, unit => 'percentile-device')}, '23514: a price by the percentile-device needs percentile and sample_step' ],
	[ q{SELECT create_price('A100', 'USD', 1, unit => 'dollar')}, '22023: unknown unit of price: "dollar"' ],
	[ q{SELECT create_price('H100', 'usd', 1)}, '23503: unknown currency: "usd"' ],
	[ q{SELECT create_price('H100', 'EUR', 1, account => 'acme')}, '22023: account "acme" is not billed in EUR' ],
	[ q{SELECT create_price('H100', 'USD', 1, account => 'nobody')}, 'LC006: unknown account: "nobody"' ],
	[ q{SELECT create_price('H100', 'USD', 1, region => 'nowhere')}, 'LC007: unknown region: "nowhere"' ],
	[ qq{SELECT create_price('H100', 'USD', 1, book => '$long')}, '23514: name of a price book has 1001 bytes, not 1 to 1000' ],
	[ q{SELECT create_price('Voodoo', 'USD', 1)}, 'LC003: unrecognized accelerator name: "Voodoo"' ],
	[ q{SELECT create_account('acme', currency => 'USD')}, '23505: account "acme" exists already' ],
	[ q{SELECT create_account('new')}, '23502: account "new" has no parent and needs a currency' ],
	[ q{SELECT create_account(' new', currency => 'USD')}, '23514: name of an account is empty, or has blanks before or after it: " new"' ],
	[ qq{SELECT create_account('$long', currency => 'USD')}, '54000: name of an account is too long' ],
	[ q{SELECT create_account('new', kind => 'friend', currency => 'USD')}, '23514: unknown kind of account: "friend"' ],
	[ q{SELECT create_account('new', currency => 'XXY')}, '23503: unknown currency: "XXY"' ],
	[ q{SELECT create_account('new', jurisdiction => 'XX', currency => 'USD')}, '23503: unknown jurisdiction: "XX"' ],
	[ q{SELECT create_account('new', parent => 'nobody')}, 'LC006: account "nobody" does not exist' ],
	[ q{SELECT change_account('acme', '2026-01-01', kind => 'friend')}, '23514: unknown kind of account: "friend"' ],
	[ q{SELECT move_account('acme', 'acme lab', '2026-01-01')}, '23000: account "acme" would be above itself|23000: ' ],
	[ q{SELECT create_region('east')}, '23505: region "east" exists already' ],
	[ q{SELECT create_region('far', level => 'planet')}, '23514: unknown level of a region: "planet"' ],
	[ q{SELECT create_region('far', latitude => 91)}, '23514: latitude 91 of a region is not from -90 to 90 degrees' ],
	[ qq{SELECT create_region('$long')}, '54000: name of a region is too long' ],
	[ q{INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('c', '2026-01-01', 'UTC', '1 hour')}, '23514: a billing period cannot be 01:00:00 long' ],
	[ q{INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('month/x', '2026-01-01', 'UTC')}, '23514: name "month/x" is kept for the calendar months of a time zone' ],
	[ q{INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('c', '1066-01-01', 'UTC')}, '23514: billing calendar "c" would begin at 1066-01-01 00:00:00' ],
	[ qq{INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('$long', '2026-01-01', 'UTC')}, '54000: name of a billing calendar is too long' ],
	[ q{UPDATE billing_calendar SET rule = '2 months' WHERE name = 'fiscal'}, '23001: the rule of a billing calendar does not change' ],
	[ q{SELECT change_billing_calendar('none', 1)}, '42704: billing calendar "none" does not exist' ],
	[ q{SELECT record_usage('s', '1', 'acme', 'east', 'Voodoo', 1, '2026-01-01Z', '2026-01-02Z')}, 'LC003: unknown accelerator "Voodoo"' ],
	[ q{SELECT record_usage('s', '1', 'acme', 'east', 'H100', 1, '2026-01-02Z', '2026-01-01Z')}, '22000: reversed period' ],
	[ q{SELECT accept_usage('nonsense')}, 'LC002: unknown basis "nonsense"' ],
	[ q{SELECT retry_rejected(mend => '[]')}, '22023: mend is not a JSON object' ],
	[ q{SELECT rate_usage('nobody', '[2026-01-01,2026-02-01)')}, 'LC006: ' ],
	[ q{SELECT close_period('acme', '[2099-01-01,2099-02-01)')}, '(?:LC011|22023|55000): ' ],
	[ q{SELECT rate_usage('acme', '[2026-01-01,2026-02-01)', 'infinity')}, '(?:LC012|22023): ' ],
	[ q{SELECT grant_access('nobody', 'auditor')}, '42704: role "nobody" does not exist' ],
	[ q{SELECT grant_access(current_user, 'king')}, '22023: unknown kind of access: "king"' ],
	[ q{SELECT revoke_access(current_user, 'auditor')}, '42704: role ' ],
	[ q{SET ROLE pg_monitor; SELECT focus_check('focus_1_2')}, '42501: permission denied for relation compute_ledger.focus_1_2' ],
	[ q{UPDATE usage_key SET batch = 1; TRUNCATE usage_key}, '23001: ' ])
{
	my ($sql, $expected) = @$case;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 0, extra_params => [ '-v', 'SHOW_CONTEXT=errors', '-v', 'VERBOSITY=verbose' ]);
	$err =~ s/^psql:<stdin>:\d+: //mg;
	my $name = $sql =~ s/x{99,}/x.../r;
	like($err, qr/\AERROR:  (?:$expected)/, $name);
	unlike($err, qr/^CONTEXT:/m, '  without a context');
}
# Names that are like one that is not known, to those who see them all.
like(said(q{SELECT create_account('new', parent => 'ACME')}), qr/^HINT:  Similar names: "acme", "acme lab".$/m, 'similar accounts');
like(said(q{SELECT create_price('A100', 'USD', 1, region => 'East')}), qr/^HINT:  Similar names: "east"/m, 'similar regions');
unlike(said(q{SELECT create_price('A100', 'USD', 1, account => 'zz')}), qr/HINT/, 'or none');
# Too long: how long, and how long it may be.
like(said("SELECT create_account('$long', currency => 'USD')"), qr/^DETAIL:  It has 1001 bytes, and 1000 is the most: "x{40}\.\.\."$/m, 'how long a name may be');
is($node->safe_psql('postgres', "SELECT create_account(left('$long', 1000), currency => 'USD') > 0"), 't', 'and so long it may be');

# What is outside stays, and the error is as others are.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION monthly(name text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM create_account(name, currency => 'USD'); END $$;
CREATE FUNCTION typed(a accelerator, name text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('SELECT monthly(%L) FROM compute_ledger.ledger_version', name); END $$;
CREATE FUNCTION caught(OUT state text, OUT message text, OUT hint text, OUT name text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM create_account('acme', currency => 'USD');
EXCEPTION WHEN unique_violation THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT, name = CONSTRAINT_NAME;
END $$;
SQL
is(said(q{SELECT typed('nvidia/t4', 'acme')}), <<'TEXT' =~ s/\n\z//r, q{the user's own functions stay});
ERROR:  account "acme" exists already
HINT:  change_account() changes it, from an instant on.
CONTEXT:  SQL statement "SELECT create_account(name, currency => 'USD')"
PL/pgSQL function monthly(text) line 1 at PERFORM
SQL statement "SELECT monthly('acme') FROM compute_ledger.ledger_version"
PL/pgSQL function typed(accelerator,text) line 1 at EXECUTE
TEXT
is($node->safe_psql('postgres', 'SELECT * FROM caught()'), '23505|account "acme" exists already|change_account() changes it, from an instant on.|account_name_key', 'an error can be caught and told');
is(said(q{SELECT monthly('fine'); SELECT monthly('acme')}) =~ s/\n.*//sr, 'ERROR:  account "acme" exists already', 'and the next one has its own');
like(said(q{DO $$ BEGIN PERFORM 1 / 0; END $$}), qr/^CONTEXT:.*\n?PL\/pgSQL function inline_code_block line 1/m, 'nothing is lost of what others say');

# Whoever may say no says it here.
is($node->safe_psql('postgres', q{SELECT string_agg(p.proname, ', ' ORDER BY 1) FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
	WHERE p.pronamespace = 'compute_ledger'::regnamespace AND l.lanname = 'plpgsql' AND p.prosrc ~ 'RAISE EXCEPTION'
		AND NOT EXISTS (SELECT FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e' WHERE t.tgfoid = p.oid)}),
	'', 'no function of the ledger raises an error by itself');

$node->stop;
done_testing();
