# Accounts, regions and calendars at size, for a database owner who is no superuser, for the roles that he
# grants access to, and through dump and restore.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('account');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE ROLE owner LOGIN;
	CREATE ROLE clerk LOGIN;
	CREATE ROLE viewer LOGIN;
	CREATE DATABASE ledger OWNER owner});
my $path = 'SET search_path = public, compute_ledger; SET timezone = UTC; SET datestyle = ISO;';

# Runs SQL as a role; returns what it prints.
sub as
{
	my ($role, $sql, $db) = @_;
	return $node->safe_psql($db // 'ledger', "$path $sql", extra_params => [ '-U', $role ]);
}

# Runs SQL as a role; returns the SQLSTATE of its error, or 00000.
sub sqlstate
{
	my ($role, $sql) = @_;
	my (undef, undef, $err) = $node->psql('ledger', "$path $sql", extra_params => [ '-U', $role, '-v', 'VERBOSITY=sqlstate' ]);
	return $err =~ /ERROR:\s+(\w{5})/ ? $1 : '00000';
}

# Runs SQL as the owner and notes how long it took.
sub timed
{
	my ($what, $sql) = @_;
	my $start = time;
	my $out = as('owner', $sql);
	note sprintf('%s: %.0f ms', $what, 1000 * (time - $start));
	return $out;
}

as('owner', 'CREATE EXTENSION compute_ledger; SELECT create_ledger()');

# ------------------------------------------------------------------ a large tree
# 10,000 accounts on eight levels; every 20th is billed for itself.
timed('10,000 accounts', q{
	BEGIN;
	INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('own', '2020-01-15', 'Europe/Berlin');
	INSERT INTO account (id, name) SELECT n, 'account-' || n FROM generate_series(1, 10000) AS n;
	WITH level (l, first, last) AS (VALUES (0, 1, 1), (1, 2, 10), (2, 11, 60), (3, 61, 300), (4, 301, 1000), (5, 1001, 2500), (6, 2501, 5000), (7, 5001, 10000))
	INSERT INTO account_version (account, parent, time_zone, currency, calendar)
	SELECT n, CASE WHEN l.l > 0 THEN p.first + (n * 7919) % (p.last - p.first + 1) END,
		CASE WHEN l.l = 0 THEN 'UTC' WHEN n % 11 = 0 THEN 'Asia/Shanghai' END, CASE WHEN l.l = 0 THEN 'CNY' WHEN n % 13 = 0 THEN 'USD' END,
		CASE WHEN n % 20 = 0 THEN (SELECT id FROM billing_calendar WHERE name = 'own') END
	FROM level AS l CROSS JOIN LATERAL generate_series(l.first, l.last) AS n LEFT JOIN level AS p ON p.l = l.l - 1;
	COMMIT});
# 1,000 accounts of every level move once, to another parent of the same level, over 100 days.
timed('1,000 moves in one transaction', q{
	BEGIN;
	SELECT count(_split_account(n, timestamptz '2026-01-01Z' + n % 100 * interval '1 day')) FROM generate_series(12, 9993, 10) AS n;
	WITH level (l, first, last) AS (VALUES (0, 1, 1), (1, 2, 10), (2, 11, 60), (3, 61, 300), (4, 301, 1000), (5, 1001, 2500), (6, 2501, 5000), (7, 5001, 10000))
	UPDATE account_version AS v SET parent = p.first + (v.account * 104729) % (p.last - p.first + 1)
	FROM level AS l, level AS p
	WHERE v.account BETWEEN l.first AND l.last AND p.l = l.l - 1 AND v.account % 10 = 2 AND v.account > 10 AND upper_inf(v.recorded) AND NOT lower_inf(v.valid);
	COMMIT});
as('owner', 'VACUUM ANALYZE account_version');

# The tree as a walk up from each account finds it, for an instant.
sub walk
{
	my ($at) = @_;
	my %version = map { my @v = split /\|/, $_, -1; $v[0] => \@v } split /\n/, as('owner', qq{
		SELECT account, parent, calendar, time_zone, currency FROM account_version WHERE upper_inf(recorded) AND valid @> timestamptz '$at'});
	my $month = as('owner', q{SELECT id FROM billing_calendar WHERE name = 'month/UTC'});
	my (@tree, @payer);
	for my $account (keys %version)
	{
		my @way = ($account);
		push @way, $version{ $way[-1] }[1] while $version{ $way[-1] }[1] ne '';
		push @tree, "$account|$way[$_]|$_|" . ($#way - $_) for 0 .. $#way;
		my ($payer) = grep { $version{ $way[$_] }[2] ne '' || $_ == $#way } 0 .. $#way;
		my ($zone) = grep { $_ ne '' } map { $version{$_}[3] } @way;
		my ($currency) = grep { $_ ne '' } map { $version{$_}[4] } @way[ $payer .. $#way ];
		my $calendar = $version{ $way[$payer] }[2];
		push @payer, join '|', $account, $way[$payer], $calendar eq '' ? $month : $calendar, $zone, $currency;
	}
	return (join("\n", sort @tree), join("\n", sort @payer));
}

is(as('owner', q{SELECT count(*) FILTER (WHERE NOT lower_inf(valid)), count(DISTINCT account) FROM account_version WHERE upper_inf(recorded)}), '999|10000', 'accounts have moved');
for my $at ('2025-12-31 12:00Z', '2026-02-11 00:00Z', '2026-02-10 23:59:59.999999Z', '2027-01-01Z')
{
	my ($tree, $payer) = walk($at);
	ok($tree eq join("\n", sort split /\n/, as('owner', "SELECT account, ancestor, depth, level FROM account_tree() WHERE valid @> timestamptz '$at'")), "the tree at $at is what a walk finds");
	ok($payer eq join("\n", sort split /\n/, as('owner', "SELECT account, payer, calendar, time_zone, currency FROM payers() WHERE valid @> timestamptz '$at'")), "and so are the payers");
}
timed($_, "SELECT count(*) FROM $_") for 'account_tree()', 'payers()', 'region_tree()';
is(as('owner', 'SELECT max(level), count(DISTINCT account) FROM account_tree()'), '7|10000', 'eight levels');
is(sqlstate('owner', q{SELECT move_account('account-2', (SELECT name FROM account WHERE id = (SELECT min(account) FROM account_tree() WHERE ancestor = 2 AND depth = 6 AND valid @> timestamptz '2026-06-01Z')), '2026-05-01Z')}), '23000', 'nothing moves under what is under it');
timed('one move', q{SELECT move_account('account-7000', 'account-2600', '2026-05-01Z')});

# ------------------------------------------------------------------ many names
timed('90,000 more accounts', q{
	BEGIN;
	INSERT INTO account (id, name) SELECT n, 'account-' || n FROM generate_series(10001, 100000) AS n;
	INSERT INTO account_version (account, parent) SELECT n, 2501 + n % 2500 FROM generate_series(10001, 100000) AS n;
	SELECT setval(pg_get_serial_sequence('compute_ledger.account', 'id'), 100000);
	COMMIT});
as('owner', q{SELECT merge_account('account-' || n, 'account-' || n + 1, '2026-06-01Z') FROM generate_series(20001, 20100, 2) AS n; VACUUM ANALYZE account_version});
as('owner', 'VACUUM ANALYZE account');
is(timed('100,000 names at once', q{
	WITH asked AS (SELECT 'account-' || n AS name, timestamptz '2026-07-01Z' AS at FROM generate_series(1, 110000) AS n)
	SELECT count(*), count(n.account), count(*) FILTER (WHERE n.account <> substr(a.name, 9)::bigint) FROM asked AS a LEFT JOIN account_names() AS n ON n.name = a.name AND n.valid @> a.at}),
	'110000|100000|50', 'many names are resolved at once, merges followed');
is(timed('1,000 names one by one', q{
	SELECT count(account_id('account-' || n, '2026-07-01Z')), count(*) FILTER (WHERE account_id('account-' || n, '2026-07-01Z') <> n) FROM generate_series(19501, 20500) AS n}),
	'1000|50', 'and so are single ones');

# ------------------------------------------------------------------ roles
as('owner', q{SELECT grant_access('clerk', 'admin'), grant_access('viewer', 'reader', 'account-2')});
is(as('clerk', q{SELECT create_account('clerk-1', parent => 'account-2') > 0, create_region('clerk-1') > 0}), 't|t', 'an admin makes accounts and regions');
is(sqlstate('clerk', q{SELECT move_account('clerk-1', 'account-3', '2026-08-01Z'), merge_account('clerk-1', 'account-4', '2026-09-01Z')}), '00000', 'moves and merges them');
is(sqlstate('clerk', q{UPDATE account_version SET title = 'x' WHERE account = 3 AND upper_inf(recorded)}), '00000', 'changes versions');
is(sqlstate('clerk', q{INSERT INTO billing_calendar (name, anchor, time_zone) VALUES ('the clerk''s', '2026-01-01', 'UTC')}), '00000', 'makes calendars');
is(sqlstate('clerk', q{SELECT change_billing_calendar('the clerk''s', 4, 'Asia/Shanghai'), generate_billing_periods(NULL, '2030-01-01Z')}), '00000', 'and lets them go on otherwise');
is(sqlstate('clerk', q{UPDATE account_version SET title = 'x' WHERE NOT upper_inf(recorded)}), '23001', 'but not what was recorded');
is(sqlstate('clerk', q{DELETE FROM billing_period}), '42501', 'nor what was generated');
is(sqlstate('clerk', q{SET ROLE pg_database_owner}), '42501', 'nor becomes the owner');
is(sqlstate('clerk', q{SELECT _check_accounts(now())}), '42501', 'checks that the ledger makes by itself are not his');
is(as('viewer', q{SELECT count(*) = (SELECT count(*) FROM visible_accounts()), count(*) = count(DISTINCT id), count(*) FILTER (WHERE parent_name = 'account-2') > 0, max(parent_name) FILTER (WHERE name = 'account-2') IS NULL FROM my_account}),
	't|t|t|t', 'a reader has what he sees, once, and where it stands, but not under what');
is(sqlstate('viewer', $_), '42501', "he may not: $_") for q{SELECT * FROM account_tree()}, q{SELECT * FROM account_names()}, q{SELECT account_id('account-2')}, q{SELECT * FROM account_version}, q{SELECT * FROM billing_calendar}, q{SELECT * FROM payers()}, q{SELECT create_account('mine', parent => 'account-2')}, q{DELETE FROM account_version},
	q{SELECT * FROM tree_change}, q{SELECT generate_billing_periods(NULL, '2031-01-01Z')}, q{INSERT INTO region (name) VALUES ('x')}, q{UPDATE currency SET ledger_scale = 2};

# ------------------------------------------------------------------ dump and restore
my @tables = qw(currency country tree_change billing_calendar billing_calendar_change billing_period billing_period_replaced account account_version account_merge region region_version);
sub contents
{
	my ($db) = @_;
	return join "\n", map { $_ . '|' . as('owner', "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")) FROM $_ AS t", $db) } @tables;
}
my $before = contents('ledger');
my $dir = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', 'CREATE DATABASE plain OWNER owner TEMPLATE template0; CREATE DATABASE parallel OWNER owner TEMPLATE template0');
$node->command_ok([ 'pg_dump', '-U', 'owner', '-Fd', '-f', "$dir/dir", 'ledger' ], 'dump into a directory');
$node->command_ok([ 'pg_dump', '-f', "$dir/plain.sql", 'ledger' ], 'plain dump');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql", '-d', 'plain' ], 'plain restore');
$node->command_ok([ 'pg_restore', '-j4', '--exit-on-error', '-d', 'parallel', "$dir/dir" ], 'parallel restore');
for my $db ('plain', 'parallel')
{
	is(contents($db), $before, "$db: the same rows, recorded when they were");
	is(as('owner', q{SELECT create_account('after', parent => 'account-2') > 100000}, $db), 't', "$db: goes on");
	is(as('owner', q{SELECT count(*) FROM account_tree() WHERE account = (SELECT account_id('after'))}, $db), '3', "$db: the tree too");
	is(as('owner', q{UPDATE account_version SET title = 'y' WHERE account = account_id('after') AND upper_inf(recorded); SELECT count(*) FROM account_version WHERE account = account_id('after')}, $db), '2', "$db: keeps history");
	is(as('owner', q{SELECT generate_billing_periods(NULL, '2035-01-01Z') > 100}, $db), 't', "$db: and generates");
}

# A chain of many accounts, made in one transaction: refused, and can be cancelled.
my ($out, $err);
my $chain = q{BEGIN; SELECT count(create_account('chain-' || i, parent => CASE WHEN i > 1 THEN 'chain-' || i - 1 END, currency => CASE WHEN i = 1 THEN 'USD' END)) FROM generate_series(1, 10000) AS i;};
$node->psql('ledger', "$path $chain COMMIT", stderr => \$err, extra_params => [ '-U', 'owner' ]);
like($err, qr/account "chain-102" is too deep in the tree/, 'a chain of 10,000 accounts is refused');
$node->psql('ledger', "\\set VERBOSITY verbose\n$path $chain SET LOCAL statement_timeout = '10ms'; SET CONSTRAINTS ALL IMMEDIATE", stderr => \$err, extra_params => [ '-U', 'owner' ]);
like($err, qr/57014/, 'and the check of it can be cancelled');
# beside one another they are no deeper than two
is(as('owner', q{BEGIN; SELECT count(create_account('child-' || i, parent => 'account-2')) FROM generate_series(1, 10000) AS i; COMMIT;}), '10000', '10,000 accounts under one');

$node->stop;
done_testing();
