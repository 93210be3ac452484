# What usage draws on reservations, against a plain formulation in SQL of the same rules, on random ledgers: reservations
# of several levels, some of which give way to others, whole devices and slices, accounts that are merged, prices for reserved that hold for a part of the
# time, records that name the reservation of another account, region or chip.  Every record is compared in exact integers,
# the whole in money; then check_ledger() proves the sums.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261130;
my $rounds = $ENV{COMPUTE_LEDGER_ROUNDS} // 3;
note "seed $seed, $rounds rounds";

my $node = PostgreSQL::Test::Cluster->new('reserved_usage');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\njit = off\nfsync = off\n");
$node->start;

sub no_rows
{
	my ($db, $sql, $name) = @_;
	my ($rc, $out, $err) = $node->psql($db, $sql);
	ok($rc == 0 && $out eq '', $name) or diag $rc == 0 ? substr($out, 0, 3000) : $err;
	return;
}

my $setup = q{
	SELECT create_ledger();
	SELECT create_account('top', currency => 'USD', valid_from => '2026-01-01'), create_account('a', parent => 'top', valid_from => '2026-01-01'),
		create_account('b', parent => 'top', valid_from => '2026-01-01'), create_account('gone', parent => 'top', valid_from => '2026-01-01'),
		create_region('east'), create_region('west'), generate_billing_periods(NULL, '2026-08-01');
	SELECT create_pool('east', 'nvidia/h100-sxm5-80gb'), create_pool('east', 'nvidia/h100'), create_pool('east', 'nvidia/a100-sxm4-40gb:1g.5gb');
	-- reserved has a price from 03-03 on, and there is none for reserved slices after 03-09
	SELECT create_price('nvidia/h100', 'USD', 2.37, account => 'top', measure => 'reserved', valid_from => '2026-03-03 05:00Z'),
		create_price('nvidia/a100-sxm4-40gb:1g.5gb', 'USD', 0.731, account => 'top', measure => 'reserved', unit => 'slice-hour', valid_from => '2026-03-01', valid_until => '2026-03-09 12:34:56.789Z'),
		create_price('nvidia/h100', 'USD', 0.61, account => 'top', measure => 'preemptible', valid_from => '2026-03-02', valid_until => '2026-03-10 17:00Z'),
		create_price('nvidia/a100-sxm4-40gb:1g.5gb', 'USD', 0.2, account => 'top', measure => 'preemptible', unit => 'slice-hour', valid_from => '2026-03-04'),
		create_price('nvidia', 'USD', account => 'top', measure => 'allocated', tier_bounds => '{50,400}', tier_prices => '{4.1,3.3,2.9}', tier_fees => '{0,1,0}'),
		create_price('nvidia', 'USD', 0.11, account => 'top', measure => 'used');
};
my $random = q{
	SELECT setseed(SEED / 100000000.0);
	-- as the book has them, but for the book itself and history: one level, or two
	WITH r AS MATERIALIZED (
		SELECT nextval('reservation_id_seq') AS id, 1 + floor(random() * 3)::bigint AS pool, (SELECT array_agg(a.id ORDER BY a.id) FROM account AS a WHERE a.name IN ('a', 'b', 'gone'))[1 + floor(random() * 3)::int + 0 * i] AS account,
			1 + floor(random() * 12)::int AS devices, 1 + floor(random() * 12)::int AS before,
			date_trunc('hour', timestamptz '2026-03-01Z' + random() * interval '12 days') AS starts, (1 + floor(random() * 60))::int * interval '17 minutes' AS length, random() < 0.4 AS changed, CASE WHEN random() < 0.4 THEN interval '5 minutes' END AS gives_way
		FROM generate_series(1, 40) AS i
	)
	INSERT INTO reservation (id, booking, booked, pool, account, guest, devices, period, occupies, since, earlier, state, confirmed_at, started_at, usage_due, preempt_notice)
	SELECT r.id, r.id, '2026-02-01Z', (SELECT array_agg(p.id ORDER BY p.id) FROM pool AS p)[r.pool], r.account, false, r.devices, tstzrange(r.starts, r.starts + r.length), tstzrange(r.starts, r.starts + r.length),
		CASE WHEN r.changed THEN r.starts + r.length / 3 ELSE r.starts END,
		CASE WHEN r.changed THEN _level_profile(tstzrange(r.starts, r.starts + r.length / 3), r.before) END, 'running', '2026-02-01Z', r.starts, r.starts, r.gives_way
	FROM r;
	SELECT record_reservations('2026-03-20Z');
	INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, achieved_work, number_format, reservation)
	SELECT 'r', j.i || '-' || clock_timestamp(), CASE WHEN random() < 0.1 THEN 'a' ELSE j.name END, CASE WHEN random() < 0.05 THEN 'west' ELSE 'east' END,
		CASE WHEN random() < 0.05 THEN 'nvidia/l4-pcie-24gb' WHEN j.accelerator = 'nvidia/h100' THEN 'nvidia/h100-sxm5-80gb' ELSE j.accelerator::text END,
		CASE WHEN random() < 0.2 THEN round(random()::numeric * 3 + 0.001, 3 + floor(random() * 6)::int) ELSE 1 + floor(random() * 6) END,
		to_char(j.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
		CASE WHEN random() < 0.05 THEN NULL ELSE to_char((j.at + random() * interval '9 hours' + interval '1 s') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END,
		CASE WHEN random() < 0.3 THEN 'used' ELSE 'allocated' END, CASE WHEN random() < 0.3 THEN floor(random() * 1000) || ' PFLOP' END, CASE WHEN random() < 0.3 THEN 'bf16' END,
		CASE WHEN random() < 0.9 THEN 'ledger:' || j.id END
	FROM (
		SELECT i, r.id, a.name, p.accelerator,
			CASE WHEN random() < 0.3 THEN lower(r.period) ELSE lower(r.period) - interval '2 hours' + random() * (upper(r.period) - lower(r.period) + interval '3 hours') END AS at
		FROM reservation AS r JOIN account AS a ON a.id = r.account JOIN pool AS p ON p.id = r.pool, generate_series(1, 12) AS i
	) AS j;
	SELECT accepted, rejected FROM accept_usage();
};

# Records, reservations and what is drawn, an instant at a time; all in integers of 1/1,680,000 x microsecond.
my $plain = q{
	CREATE SCHEMA plain;
	CREATE VIEW plain.record AS
	SELECT r.id, r.reservation, r.measure, r.accelerator, r.region, r.share, _usage_level(r.devices, r.share) AS level, _usage_level(r.devices, 1680000) AS counted,
		coalesce(m.merged_into, r.account) AS owner_after, r.account AS owner_before, m.at AS merged,
		tstzrange(r.started_at, least(r.ended_at, '2026-04-01Z')) AS period
	FROM usage_record AS r LEFT JOIN account_merge AS m ON m.account = r.account AND upper_inf(m.recorded)
	WHERE r.superseded = 'infinity' AND r.reservation IS NOT NULL AND r.started_at < '2026-04-01Z';
	CREATE VIEW plain.reserved AS
	SELECT r.*, p.period * r.period AS priced
	FROM plain.record AS r
	JOIN LATERAL (SELECT p.valid AS period FROM price AS p WHERE p.measure = r.measure AND upper_inf(p.recorded) AND p.accelerator @> r.accelerator AND p.valid && r.period) AS p ON true
	WHERE r.measure IN ('reserved', 'preemptible');
	CREATE VIEW plain.drawing AS
	-- what may draw, and when: its own account, or what that was merged into
	SELECT d.id, d.reservation, d.measure, d.level, d.counted, x.period
	FROM plain.record AS d
	JOIN (SELECT DISTINCT v.reservation, v.accelerator, v.region, v.share, v.owner_before, v.owner_after, v.merged FROM plain.record AS v WHERE v.measure IN ('reserved', 'preemptible')) AS v ON v.reservation = d.reservation
	CROSS JOIN LATERAL (SELECT CASE WHEN v.owner_before = d.owner_before THEN d.period
			WHEN v.owner_after = d.owner_after THEN d.period * tstzrange(greatest(v.merged, d.merged), NULL) END) AS x (period)
	WHERE d.measure IN ('allocated', 'used') AND v.accelerator @> d.accelerator AND v.region = d.region AND v.share = d.share AND x.period IS NOT NULL AND NOT isempty(x.period);
	CREATE VIEW plain.instant AS
	SELECT i.reservation, i.at AS since, lead(i.at) OVER (PARTITION BY i.reservation ORDER BY i.at) AS until
	FROM (SELECT reservation, lower(priced) AS at FROM plain.reserved UNION SELECT reservation, upper(priced) FROM plain.reserved
		UNION SELECT reservation, lower(period) FROM plain.drawing UNION SELECT reservation, upper(period) FROM plain.drawing) AS i;
	CREATE MATERIALIZED VIEW plain.span AS
	SELECT i.reservation, i.since, i.until, (extract(epoch FROM i.until - i.since) * 1000000)::bigint AS length,
		coalesce((SELECT sum(v.level) FROM plain.reserved AS v WHERE v.reservation = i.reservation AND v.priced @> i.since), 0) AS reserved,
		coalesce((SELECT sum(d.level) FROM plain.drawing AS d WHERE d.reservation = i.reservation AND d.period @> i.since AND d.measure = 'allocated'), 0) AS allocated,
		coalesce((SELECT sum(d.level) FROM plain.drawing AS d WHERE d.reservation = i.reservation AND d.period @> i.since AND d.measure = 'used'), 0) AS used
	FROM plain.instant AS i WHERE i.until IS NOT NULL;
	-- of each record what is beyond, and of each reservation what is drawn
	CREATE MATERIALIZED VIEW plain.part AS
	SELECT s.reservation, 'beyond' AS kind, d.id AS record, s.length * (_round_ratio(b.beyond * d.until, b.all_of_it, 0) - _round_ratio(b.beyond * (d.until - d.level), b.all_of_it, 0)) AS amount
	FROM plain.span AS s
	CROSS JOIN LATERAL (SELECT d.id, d.level, d.measure, sum(d.level) OVER (PARTITION BY d.measure ORDER BY d.id) AS until FROM plain.drawing AS d WHERE d.reservation = s.reservation AND d.period @> s.since) AS d
	CROSS JOIN LATERAL (SELECT CASE d.measure WHEN 'used' THEN s.used ELSE s.allocated END AS all_of_it, greatest(CASE d.measure WHEN 'used' THEN s.used ELSE s.allocated END - s.reserved, 0) AS beyond) AS b
	UNION ALL
	SELECT s.reservation, 'drawn of it', v.id, s.length * greatest(least(s.reserved, s.allocated), least(s.reserved, s.used))
	FROM plain.span AS s JOIN plain.reserved AS v ON v.reservation = s.reservation AND v.priced @> s.since;
};

for my $round (1 .. $rounds)
{
	my $db = "round$round";
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, 'CREATE EXTENSION compute_ledger');
	$node->safe_psql($db, $setup);
	$node->safe_psql($db, $random =~ s/SEED/$seed + $round/er);
	$node->safe_psql($db, q{SELECT merge_account('gone', 'a', at => '2026-03-06 07:08:09.123456Z')}) if $round % 2;
	$node->safe_psql($db, $plain);
	# what the engine says, a part of a record a row
	$node->safe_psql($db, q{CREATE TABLE rated AS SELECT c.kind, c.measure, c.reservation, c.amount AS charged, c.quantity AS of_charge, c.records, c.cost AS cost_of_charge, row_number() OVER () AS charge, c.rated
		FROM (SELECT r AS rated, r.* FROM rate_usage('top', '[2026-03-01 00:00Z,2026-04-01 00:00Z)') AS r) AS c WHERE c.kind <> 'rounding'});
	$node->safe_psql($db, q{CREATE TABLE traced AS SELECT c.charge, c.kind, c.measure, c.reservation, t.record, t.part_from, t.part_to, t.devices, t.amount, t.quantity, t.cost FROM rated AS c CROSS JOIN LATERAL trace_charge(c.rated) AS t});
	is($node->safe_psql($db, q{SELECT count(DISTINCT (kind, measure)) FROM rated WHERE reservation IS NOT NULL}), 10, "round $round: there is something of each kind to compare");
	note $node->safe_psql($db, q{SELECT string_agg(format('%s %s: %s', kind, measure, n), ', ' ORDER BY kind, measure) FROM (SELECT kind, measure, count(*) AS n FROM rated WHERE reservation IS NOT NULL GROUP BY kind, measure) AS k});
	no_rows($db, q{
		SELECT p.record, p.amount AS plain, t.amount AS rated
		FROM (SELECT record, sum(amount) AS amount FROM plain.part WHERE kind = 'beyond' GROUP BY record) AS p
		FULL JOIN (SELECT t.record, sum(t.amount) AS amount FROM traced AS t WHERE t.kind IN ('usage', 'unpriced') AND t.record IN (SELECT d.id FROM plain.drawing AS d)
				AND EXISTS (SELECT FROM plain.drawing AS d WHERE d.id = t.record AND d.period @> t.part_from) GROUP BY t.record) AS t ON t.record = p.record
		WHERE coalesce(p.amount, 0) <> coalesce(t.amount, 0) LIMIT 5}, "round $round: what each record has beyond");
	no_rows($db, q{
		SELECT p.record, p.amount AS plain, t.amount AS rated
		FROM (SELECT record, sum(amount) AS amount FROM plain.part WHERE kind = 'drawn of it' GROUP BY record) AS p
		FULL JOIN (SELECT t.record, sum(t.amount) AS amount FROM traced AS t WHERE t.kind = 'reservation used' GROUP BY t.record) AS t ON t.record = p.record
		WHERE coalesce(p.amount, 0) <> coalesce(t.amount, 0) LIMIT 5}, "round $round: what is drawn of each reservation");
	# reserved = drawn + unused, used = drawn + beyond, of every record, whatever draws
	no_rows($db, q{
		SELECT r.id, r.measure, r.level * (extract(epoch FROM upper(r.period) - lower(r.period)) * 1000000)::bigint AS recorded, sum(t.amount) AS rated
		FROM plain.record AS r LEFT JOIN traced AS t ON t.record = r.id
		WHERE upper(r.period) < '2026-04-01Z'
		GROUP BY r.id, r.measure, r.level, r.period
		HAVING r.level * (extract(epoch FROM upper(r.period) - lower(r.period)) * 1000000)::bigint IS DISTINCT FROM sum(t.amount) LIMIT 5}, "round $round: all of each record is there once");
	no_rows($db, q{
		SELECT r.charge, r.kind, r.charged, sum(t.amount), r.of_charge, sum(t.quantity), r.cost_of_charge, sum(t.cost), r.records, count(*)
		FROM rated AS r JOIN traced AS t USING (charge)
		GROUP BY r.charge, r.kind, r.charged, r.of_charge, r.cost_of_charge, r.records
		HAVING r.charged <> sum(t.amount) OR r.of_charge <> sum(t.quantity) OR r.cost_of_charge <> sum(t.cost) OR r.records <> count(*) LIMIT 5}, "round $round: traces add up to their charges");
	no_rows($db, q{SELECT * FROM check_ledger() WHERE severity = 'breach' AND check_name NOT IN ('unpriced usage', 'book of a pool', 'history of reservations')}, "round $round: check_ledger() finds that it adds up");
	# and nothing depends on what is asked for
	no_rows($db, q{
		SELECT kind, measure, reservation, sum(amount), sum(cost) FROM (
			SELECT kind, measure, reservation, amount, cost FROM rate_usage('top', '[2026-03-01 00:00Z,2026-04-01 00:00Z)') WHERE kind <> 'rounding'
			UNION ALL SELECT kind, measure, reservation, -amount, -cost FROM rate_usage('top', '[2026-03-01 00:00Z,2026-03-05 11:22:33Z)') WHERE kind <> 'rounding'
			UNION ALL SELECT kind, measure, reservation, -amount, -cost FROM rate_usage('top', '[2026-03-05 11:22:33Z,2026-04-01 00:00Z)') WHERE kind <> 'rounding') AS x
		GROUP BY kind, measure, reservation HAVING sum(amount) <> 0 OR abs(sum(cost)) > 0.00001 LIMIT 5}, "round $round: parts of the month add up to it");
}
$node->stop;
done_testing();
