# Policy: who may write and ask it; that dumps keep it; that check_ledger() finds what the owner does round it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('policy');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE ledger_owner LOGIN; GRANT SET ON PARAMETER session_replication_role TO ledger_owner; CREATE ROLE adm LOGIN; CREATE ROLE read LOGIN; CREATE ROLE book LOGIN; CREATE ROLE audit LOGIN; CREATE ROLE bill LOGIN; CREATE DATABASE ledger OWNER ledger_owner; CREATE DATABASE restored OWNER ledger_owner');

# Runs statements as a role, each by itself; returns what they printed, or their SQLSTATE and message.
sub as
{
	my ($role, @sql) = @_;
	my $out = '';
	for (@sql)
	{
		my ($rc, $printed, $err) = $node->psql('ledger', $_, on_error_stop => 1, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
		return $1 if $err =~ /ERROR:\s+(\w{5}: [^\n]*)/;
		$out .= $printed;
	}
	return $out;
}

as('ledger_owner', 'CREATE EXTENSION compute_ledger', 'SELECT create_ledger()', 'GRANT USAGE ON SCHEMA compute_ledger TO PUBLIC');
as('ledger_owner', q{SELECT create_account('acme', currency => 'USD', jurisdiction => 'FR'), create_account('acme/lab', parent => 'acme'), create_account('zenith', currency => 'USD', jurisdiction => 'US')},
	q{SELECT create_region('eu', 'provider', NULL, 'FR'), create_region('us', 'provider', NULL, 'US')},
	q{SELECT grant_access('adm', 'admin'), grant_access('read', 'reader', 'acme'), grant_access('book', 'booker', 'acme'), grant_access('audit', 'auditor'), grant_access('bill', 'biller')});

# ------------------------------------------------------------------ who may
is(as('adm', q{SELECT create_policy('house')}, q{SELECT create_access_rule('at home', 'house', 'deny', 'article 5', flags => '{stays}', destinations_not => '{FR}')},
	q{SELECT create_access_rule('not zenith', 'house', 'needs_licence', 'article 6', accounts => '{zenith}')}, q{SELECT set_flag('acme', 'stays')}, q{SELECT set_party('acme', 'FR', 'FR', subtree => true)}), '', 'an admin makes a policy');
like(as('adm', q{SELECT grant_licence('zenith', 'not zenith', '[2027-01-01,2027-06-01)')}), qr/^\d+$/, 'and grants a licence');
my $asked = sub { "SELECT effect, rule FROM screen('$_[0]', 'nvidia/h100', 'us', '[2027-05-01,2027-05-02)')" };
is(as($_, $asked->('acme/lab')), 'deny|at home', "$_ asks for acme") for qw(adm read book audit bill);
is(as($_, $asked->('zenith')), 'allow|not zenith', "$_ asks for zenith") for qw(adm audit bill);
is(as($_, $asked->('zenith')), 'LC006: unknown account: "zenith"', "$_ does not ask for zenith") for qw(read book);
is(as($_, $asked->('zenit')), 'LC006: unknown account: "zenit"', 'nor for nobody') for qw(read book);
is(as('read', q{SELECT effect FROM screen_many('{acme,zenith}', '{nvidia/h100,nvidia/h100}', '{eu,eu}', '[2027-05-01,2027-05-02)')}), 'LC006: unknown account: "zenith"', 'nor among others');
is(as('read', q{SELECT string_agg(effect, ' ') FROM screen_many('{acme,acme/lab}', '{nvidia/h100,nvidia/h100}', '{us,eu}', '[2027-05-01,2027-05-02)')}), 'deny allow', 'of their own they ask many');
for my $role (qw(read book audit bill))
{
	like(as($role, $_), qr/^42501: permission denied/, "$role: no $_")
	  for "SELECT set_party('acme', 'FR', 'FR')", "SELECT set_flag('acme', 'x')", "SELECT create_policy('p')", "SELECT create_access_rule('r', 'house', 'deny', 'c')", "SELECT grant_licence('acme', 'at home', '(,)')",
	  'SELECT withdraw_licence(1)', "SELECT load_policy('us-export')", 'DELETE FROM access_rule', 'UPDATE licence SET valid = valid', 'DELETE FROM policy_decision', 'UPDATE policy_version SET version = 0';
}
like(as($_, 'SELECT rescreen()'), qr/^42501: permission denied/, "$_ does not see all reservations") for qw(read book bill);
unlike(as('read', q{SELECT used, reason, clause FROM screen('acme', 'nvidia/h100', 'us', '[2027-05-01,2027-05-02)')}), qr/zenith/, 'an answer names nobody else');

# ------------------------------------------------------------------ a ledger with decisions, in a dump
as('ledger_owner', q{SELECT create_pool('eu', 'nvidia/h100'), create_pool('us', 'nvidia/h100')}, q{SELECT offer_devices(id, 80, '[2026-01-01,)') FROM pool},
	q{SELECT book('acme', (SELECT min(id) FROM pool), 8, '[2027-05-01,2027-05-03)', now => '2026-12-01')}, q{SELECT book('zenith', (SELECT max(id) FROM pool), 8, '[2027-05-01,2027-05-03)', now => '2026-12-01')},
	q{SELECT record_usage('s', '1', 'acme', 'us', 'NVIDIA H100 80GB HBM3', 8, '2026-05-01Z', '2026-05-02Z')},
	q{INSERT INTO country_group (name, country) VALUES ('own', 'FR')});
is(as('read', 'SELECT count(*), count(reservation), count(usage) FROM my_policy_decision'), '2|1|1', 'a reader sees the decisions about his accounts');
is(as('book', 'SELECT count(*), count(reservation), count(usage), count(DISTINCT account_name) FROM my_policy_decision'), '2|1|1|1', 'whoever books for them as well');
is(as('audit', 'SELECT count(*) FROM policy_decision'), '3', 'an auditor all');
my $sound = q{SELECT string_agg(concat_ws('|', check_name, object, detail), E'\n') FROM check_ledger()};
my $advice = 'usage against policy|account "acme"|1 records that are current, of nvidia/h100-sxm5-80gb in us, were not allowed: deny by rule "at home" (article 5)';
is(as('audit', $sound), $advice, 'check_ledger() tells what should not have been, and nothing else');
my $dump = $node->basedir . '/ledger.sql';
$node->command_ok([ 'pg_dump', '-U', 'ledger_owner', '-f', $dump, 'ledger' ], 'a dump');
$node->command_ok([ 'psql', '-X', '-q', '-U', 'ledger_owner', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'restored' ], 'and its restore');
is($node->safe_psql('restored', $sound, extra_params => [ '-U', 'ledger_owner' ]), $advice, 'is as sound');
is($node->safe_psql('restored', q{SELECT effect FROM screen('acme', 'nvidia/h100', 'us', '[2027-05-01,2027-05-02)')}, extra_params => [ '-U', 'ledger_owner' ]), 'deny', 'and gives the same answers');

# ------------------------------------------------------------------ what is found
# Breaks something as the owner, round the triggers, asserts what is found, and takes it back.
sub breaks
{
	my ($name, $expected, @sql) = @_;
	my (undef, $out, $err) = $node->psql('ledger', join(";\n", 'BEGIN', 'SET LOCAL session_replication_role = replica', @sql,
		q{SELECT coalesce(string_agg(DISTINCT check_name, ', ' ORDER BY check_name) FILTER (WHERE severity = 'breach'), 'nothing') FROM check_ledger()}, 'ROLLBACK'), on_error_stop => 1, extra_params => [ '-U', 'ledger_owner' ]);
	$out =~ s/\A(?:\d*\n)*//;
	is("$out$err", $expected, $name);
	return;
}
breaks('nothing', 'nothing', 'SELECT 1');
breaks('a rule that was not counted', 'policy version', q{INSERT INTO access_rule (policy, rule, effect, clause, accelerators, recorded) VALUES ('house', 'new', 'deny', 'c', '{nvidia/t4}', tstzrange(now() + interval '1 hour', NULL))});
breaks('no version', 'policy version', 'DELETE FROM policy_version');
breaks('two policies of a name', 'policies overlap', 'ALTER TABLE access_policy DROP CONSTRAINT access_policy_excl', 'INSERT INTO access_policy SELECT * FROM access_policy');
breaks('two rules of a name', 'rules overlap', 'ALTER TABLE access_rule DROP CONSTRAINT access_rule_excl', q{INSERT INTO access_rule SELECT * FROM access_rule WHERE rule = 'not zenith'});
breaks('two licences of a number', 'licences overlap', 'ALTER TABLE licence DROP CONSTRAINT licence_excl', 'INSERT INTO licence SELECT * FROM licence');
breaks('two parties of an account', 'parties overlap', 'ALTER TABLE account_party DROP CONSTRAINT account_party_excl', 'INSERT INTO account_party SELECT * FROM account_party');
breaks('a rule of no policy', 'rule of nothing', q{UPDATE access_rule SET policy = 'moon' WHERE rule = 'at home'}, 'TRUNCATE policy_decision', 'TRUNCATE reservation_change, reservation, pool_day, pool_month CASCADE');
breaks('a rule about no account', 'rule of nothing', q{UPDATE access_rule SET accounts_not = '{424242}' WHERE rule = 'at home'});
breaks('a rule about no region', 'rule of nothing', q{UPDATE access_rule SET regions_not = '{424242}' WHERE rule = 'at home'});
breaks('a licence for no rule', 'licence of nothing', q{INSERT INTO licence (kind, rule, account, valid, recorded) SELECT 'licence', 'moon', account, valid, recorded FROM licence});
breaks('a licence of nobody', 'licence of nothing', q{ALTER TABLE licence DROP CONSTRAINT licence_account_fkey}, q{INSERT INTO licence (kind, rule, account, valid, recorded) SELECT 'licence', rule, 424242, valid, recorded FROM licence});
breaks('a flag of nobody', 'party of nobody', q{UPDATE account_flag SET account = 424242 WHERE false}, q{INSERT INTO account_flag (account, flag, recorded) SELECT 424242, flag, recorded FROM account_flag});
breaks('a decision that was changed', 'decision', q{UPDATE policy_decision SET effect = 'review' WHERE effect = 'deny'});
breaks('one that names another rule', 'decision', q{UPDATE policy_decision SET rule = 'not zenith' WHERE effect = 'deny'});
breaks('a licence that was taken back in the past', 'decision', q{DELETE FROM licence});
breaks('a rule that was made milder in the past', 'decision', q{UPDATE access_rule SET effect = 'review' WHERE rule = 'at home'});
breaks('a party that was another in the past', 'decision', q{UPDATE access_rule SET flags = '{moves}' WHERE rule = 'at home'});
breaks('a decision of another account', 'decision and reservation', q{UPDATE policy_decision SET account = account_id('acme/lab') WHERE reservation IS NOT NULL AND account = account_id('acme')});
breaks('a decision about no reservation', 'decision and reservation', q{UPDATE policy_decision SET reservation = 424242, recorded = recorded WHERE account = account_id('acme') AND reservation IS NOT NULL}, 'DELETE FROM reservation_change', 'DELETE FROM reservation', 'DELETE FROM pool_day');
breaks('a decision about other usage', 'decision and usage', q{UPDATE policy_decision SET period = tstzrange(lower(period) - interval '1 hour', upper(period)), during = tstzmultirange(tstzrange(lower(period) - interval '1 hour', upper(period))) WHERE usage IS NOT NULL});
breaks('a booking without a decision', 'reservation without decision', q{DELETE FROM policy_decision WHERE reservation = (SELECT min(id) FROM reservation)});
breaks('no trigger that keeps decisions', 'table without trigger', 'DROP TRIGGER immutable ON policy_decision');
breaks('no history of licences', 'table without trigger', 'DROP TRIGGER y_updated ON licence');
is(as('audit', $sound), $advice, 'nothing is left of that');

done_testing();
