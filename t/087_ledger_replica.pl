# A ledger on replicas: a physical standby, which is promoted, and a logical replica.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LedgerFixture;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical');
$primary->start;
LedgerFixture::make($primary, 'ledger');

# ------------------------------------------------------------------ physical
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
sub on_standby { my ($rc, $out, $err) = LedgerFixture::sql($standby, 'ledger', @_); return wantarray ? ($rc, $out, $err) : $out }
my (undef, $marked) = LedgerFixture::sql($primary, 'ledger', 'biller', 'SELECT compute_ledger.mark_watermark()', 'a mark');
$primary->wait_for_catchup($standby);
is(on_standby('biller', 'SELECT compute_ledger.ledger_watermark()'), $marked, 'on a standby the watermark is the last mark');
LedgerFixture::bring_in($primary, 'ledger', 'd', '2026-09', 3);
LedgerFixture::sql($primary, 'ledger', 'meter', q{INSERT INTO compute_ledger.usage_inbox (source, source_id) VALUES ('slurm', 'waits')}, 'something waits');
(undef, my $again) = LedgerFixture::sql($primary, 'ledger', 'biller', 'SELECT max(watermark) FROM compute_ledger.ledger_mark');
$primary->wait_for_catchup($standby);
is(on_standby('biller', 'SELECT compute_ledger.ledger_watermark()'), $again, 'and moves on with the marks');
LedgerFixture::same(LedgerFixture::contents($standby, 'ledger'), LedgerFixture::contents($primary, 'ledger'), 'the standby');
is(LedgerFixture::rated($standby, 'ledger'), LedgerFixture::rated($primary, 'ledger'), 'the same bill on the standby');
is(on_standby('reader', 'SELECT string_agg(name, $$,$$ ORDER BY name) FROM compute_ledger.my_account'), 'acme,acme old', 'a reader sees his own on the standby');
# every view and materialized view can be read there
for my $relation (split /\n/, $standby->safe_psql('ledger', q{
	SELECT p.object FROM compute_ledger._access_privileges() AS p WHERE p.privilege = 'SELECT' AND 'auditor' = ANY (p.kinds) ORDER BY 1}))
{
	my ($rc, $out, $err) = on_standby('auditor', "SELECT count(*) FROM compute_ledger.$relation");
	my (undef, $there) = LedgerFixture::sql($primary, 'ledger', 'auditor', "SELECT count(*) FROM compute_ledger.$relation");
	is("$out$err", $there, "$relation on the standby");
}
for my $write ('SELECT compute_ledger.accept_usage()', 'SELECT compute_ledger.mark_watermark()', 'SELECT compute_ledger.ledger_stamp()')
{
	my ($rc, $out, $err) = on_standby('admin', $write);
	like($err, qr/read-only transaction|during recovery/, "$write does not work on a standby");
}
# The standby takes over, with a clock that is behind.
$primary->wait_for_catchup($standby);
$standby->promote;
my ($rc, $out, $err) = on_standby('alice', q{BEGIN; INSERT INTO compute_ledger.ledger_mark VALUES (now() + interval '10 seconds'); COMMIT;
	SELECT compute_ledger.ledger_stamp() > max(watermark) FROM compute_ledger.ledger_mark});
is("$out$err", 't', 'stamps are later than what was marked, though the clock is not');
is(on_standby('alice', 'DELETE FROM compute_ledger.ledger_mark WHERE watermark > now() RETURNING 1'), '1', 'the clock is right again');
on_standby('alice', 'DELETE FROM compute_ledger.usage_inbox');
LedgerFixture::goes_on($standby, 'ledger', LedgerFixture::rated($standby, 'ledger'));
$standby->stop;

# ------------------------------------------------------------------ logical
# As docs/ledger.md says: the tables by a dump of the schema, the rows by a publication of all that is not shipped.
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init(allows_streaming => 'logical');
$replica->start;
LedgerFixture::make_roles($replica);
$replica->safe_psql('postgres', 'CREATE DATABASE ledger OWNER alice');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/schema.sql';
command_ok([ 'pg_dump', '--schema-only', '-f', $dump, $primary->connstr('ledger') ], 'the schema is dumped');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $replica->connstr('ledger') ], 'and restored');
$primary->safe_psql('ledger', q{
	DO $$
	BEGIN
		EXECUTE (SELECT 'CREATE PUBLICATION ledger FOR TABLE ' || string_agg(c.oid::regclass || CASE WHEN d.objid IS NULL THEN '' ELSE ' WHERE (NOT shipped)' END, ', ')
				|| ' WITH (publish_via_partition_root = true)'
			FROM pg_class AS c LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
			WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
				AND (d.objid IS NULL OR EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'shipped')));
	END
	$$});
(my $connection = $primary->connstr('ledger')) =~ s{'}{''}g;
$replica->safe_psql('ledger', "CREATE SUBSCRIPTION ledger CONNECTION '$connection' PUBLICATION ledger");
$replica->wait_for_subscription_sync($primary, 'ledger') if $replica->can('wait_for_subscription_sync');
$replica->poll_query_until('ledger', q{SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')}) or die 'not in sync';

# The rows of the ledger's tables, materialized views aside: those are refreshed where they are.
sub rows
{
	my ($node) = @_;
	my $contents = LedgerFixture::contents($node, 'ledger');
	my %matview = map { $_ => 1 } split /\n/, $node->safe_psql('ledger', q{SELECT oid::regclass FROM pg_class WHERE relkind = 'm'});
	return join "\n", map { "$_: $contents->{$_}" } grep { $_ ne 'catalog' && !$matview{$_} } sort keys %$contents;
}
is(rows($replica), rows($primary), 'the logical replica has all rows');
(undef, my $before) = LedgerFixture::sql($primary, 'ledger', 'biller', 'SELECT max(watermark) FROM compute_ledger.ledger_mark');
($rc, $out, $err) = LedgerFixture::sql($replica, 'ledger', 'biller', 'SELECT compute_ledger.ledger_watermark()');
is("$out$err", $before, 'on a logical replica the watermark is the last mark that arrived');
is(LedgerFixture::rated($replica, 'ledger'), LedgerFixture::rated($primary, 'ledger'), 'the same bill');
(undef, $out) = LedgerFixture::sql($replica, 'ledger', 'reader', 'SELECT string_agg(name, $$,$$ ORDER BY name) FROM compute_ledger.my_account');
is($out, 'acme,acme old', 'a reader sees his own');
# What happens from now on: usage of months that are there, prices, accounts, access, an alias.
LedgerFixture::bring_in($primary, 'ledger', 'e', '2026-08', 7);
LedgerFixture::sql($primary, 'ledger', 'alice', q{
	UPDATE compute_ledger.price SET price = 1.8 WHERE model = 'flat' AND upper_inf(recorded);
	SELECT compute_ledger.move_account('zenith labs', 'acme', '2026-09-10Z');
	SELECT compute_ledger.revoke_access('other', 'reader', 'zenith');
	INSERT INTO compute_ledger.accelerator_alias (alias, accelerator) VALUES ('the replicated chip', 'nvidia/l40'), ('gone', 'nvidia/l4');
	UPDATE compute_ledger.accelerator_alias SET accelerator = 'nvidia/l4' WHERE alias = 'the replicated chip' AND upper_inf(recorded);
	DELETE FROM compute_ledger.accelerator_alias WHERE alias = 'gone' AND upper_inf(recorded)}, 'more happens');
(undef, $marked) = LedgerFixture::sql($primary, 'ledger', 'biller', 'SELECT compute_ledger.mark_watermark()', 'another mark');
$primary->wait_for_catchup('ledger');
is(rows($replica), rows($primary), 'the replica follows');
(undef, $out) = LedgerFixture::sql($replica, 'ledger', 'biller', 'SELECT compute_ledger.ledger_watermark()');
is($out, $marked, 'its watermark too');
(undef, $out) = LedgerFixture::sql($replica, 'ledger', 'biller', q{SELECT compute_ledger.identify('the replicated chip')});
is($out, 'nvidia/l4', 'and it identifies by the same names');
# Materialized views are made where they are.
for my $node ($replica, $primary)
{
	LedgerFixture::sql($node, 'ledger', 'biller', 'SELECT compute_ledger.refresh_rollups()', 'rollups of ' . $node->name);
}
is(LedgerFixture::contents($replica, 'ledger')->{"compute_ledger.$_"}, LedgerFixture::contents($primary, 'ledger')->{"compute_ledger.$_"}, "$_ of both")
	for qw(_usage_hourly _usage_daily);
# It takes over.
$replica->safe_psql('ledger', 'DROP SUBSCRIPTION ledger');
(undef, $out) = LedgerFixture::sql($replica, 'ledger', 'biller', 'SELECT compute_ledger.ledger_watermark() > max(watermark) FROM compute_ledger.ledger_mark');
is($out, 't', 'without its subscription it has its own watermark again');

$replica->stop;
$primary->stop;
done_testing();
