# The queue in simulated time: who has had how much after thirty days, whether pools stand idle, and how long a wide request
# waits among narrow ones.  Each run has accounts and a time of its own; a pass is made whenever something ends.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('queue_fair');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\nsynchronous_commit = off\njit = off\nclient_min_messages = warning\n");
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]) }

sql(q{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_region('site');
	SELECT create_price('nvidia', 'USD', 2, valid_from => '2026-01-01Z');
	SELECT offer_devices(create_pool('site', 'nvidia/a100-sxm4-80gb'), 120, '[2026-01-01Z,)', now => '2026-01-01Z');
	SELECT offer_devices(create_pool('site', 'nvidia/h100-sxm5-80gb'), 64, '[2026-01-01Z,)', now => '2026-01-01Z');
	SELECT offer_devices(create_pool('site', 'nvidia/l4'), 100, '[2026-01-01Z,)', now => '2026-01-01Z');
	SELECT offer_devices(create_pool('site', 'nvidia/t4'), 8, '[2026-01-01Z,)', now => '2026-01-01Z');
	INSERT INTO basis (code, name) VALUES (40123, 'test/device');
	INSERT INTO basis_factor (accelerator, basis, rate, valid, source) VALUES ('nvidia', 'test/device', with_basis('1 TFLOPS'::compute_rate, 40123), '(,)', 'each chip the same');

	CREATE TABLE again (id bigint PRIMARY KEY);
	CREATE TABLE fault (run integer, at timestamptz, what text);

	-- Makes the accounts of a run.
	CREATE FUNCTION accounts(run integer, letters text[]) RETURNS bigint LANGUAGE sql AS $$
		SELECT count(create_account(l || run, currency => 'USD', jurisdiction => 'DE')) FROM unnest(letters) AS l
	$$;

	-- Submits so many requests like one another: the first is submitted, the others are put beside it.
	CREATE FUNCTION ask(account text, chips text, devices bigint, length interval, at timestamptz, copies integer DEFAULT 1) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		first bigint := submit_request(placement_request(account, chips::accelerator[], devices => devices, time_limit => length), now => at);
	BEGIN
		INSERT INTO request (account, asked, kind, devices, length, band, submitted)
		SELECT r.account, r.asked, r.kind, r.devices, r.length, r.band, r.submitted FROM request AS r CROSS JOIN generate_series(2, copies) WHERE r.id = first;
		RETURN first;
	END
	$$;

	-- What a pass must not do, given the queue before it: whoever was the first of the band begins no later.
	CREATE FUNCTION pass(run integer, at timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		begun bigint;
	BEGIN
		CREATE TEMP TABLE IF NOT EXISTS before (id bigint, starts timestamptz);
		TRUNCATE before;
		INSERT INTO before SELECT r.id, least(r.fixed, CASE WHEN r.head THEN lower(r.planned) END) FROM request AS r WHERE r.state = 'queued' AND (r.head OR r.fixed IS NOT NULL);
		SELECT count(*) INTO begun FROM schedule(now => at);
		INSERT INTO fault SELECT run, at, format('request %s would begin at %s, and not by %s', r.id, lower(r.planned), b.starts)
		FROM before AS b JOIN request AS r ON r.id = b.id WHERE r.state <> 'cancelled' AND (lower(r.planned) <= b.starts) IS NOT TRUE;
		INSERT INTO fault SELECT run, at, format('request %s was moved', r.id) FROM request AS r WHERE r.moved_at = at;
		RETURN begun;
	END
	$$;

	-- Three accounts that always wait for a chip of some classes: each has so many requests at first, and another one whenever
	-- one begins (more).
	CREATE PROCEDURE run_days(run integer, start timestamptz, days integer, letters text[], chips text[], devices bigint, lengths interval[], waiting integer, more boolean) LANGUAGE plpgsql AS $$
	DECLARE
		at timestamptz := start;
		r record;
	BEGIN
		PERFORM ask(a.l || run, a.c, devices, a.n, at, waiting) FROM unnest(letters, chips, lengths) AS a (l, c, n);
		COMMIT;
		WHILE at < start + days * interval '1 day' LOOP
			WHILE pass(run, at) > 0 AND more LOOP
				FOR r IN SELECT q.id, q.account, (q.asked).account AS name, (q.asked).accelerators AS chips, q.devices, q.length FROM request AS q WHERE q.placed_at = at AND q.submitted >= start AND NOT EXISTS (SELECT FROM again AS g WHERE g.id = q.id) ORDER BY q.id LOOP
					PERFORM ask(r.name, r.chips::text, r.devices, r.length, at);
					INSERT INTO again VALUES (r.id);
				END LOOP;
			END LOOP;
			-- a pool with room for a request that may run in it
			INSERT INTO fault SELECT run, at, format('pool %s has %s devices and request %s waits', p.id, o.devices - u.used, q.id)
			FROM pool AS p JOIN pool_offer AS o ON o.pool = p.id
			CROSS JOIN LATERAL (SELECT coalesce(sum(b.devices), 0) AS used FROM reservation AS b WHERE b.pool = p.id AND b.occupies @> at) AS u
			CROSS JOIN LATERAL (SELECT q.id FROM request AS q JOIN request_kind AS k ON k.digest = q.kind JOIN request_fit AS f ON f.kind = k.id AND f.pool = p.id
				WHERE q.state = 'queued' AND q.devices <= o.devices - u.used LIMIT 1) AS q;
			COMMIT;
			SELECT min(upper(b.occupies)) INTO at FROM reservation AS b WHERE upper(b.occupies) > at;
		END LOOP;
		PERFORM cancel_request(q.id) FROM request AS q WHERE q.state = 'queued';
		COMMIT;
	END
	$$;

	-- Normalised work of each account in a time, in PFLOPh.
	CREATE FUNCTION work(run integer, letters text[], period tstzrange, basis text DEFAULT 'bf16') RETURNS TABLE (letter text, work numeric) LANGUAGE sql AS $$
		SELECT l, sum(r.devices * extract(epoch FROM upper(r.occupies * period) - lower(r.occupies * period)) * normalized_rate(p.accelerator, basis)::numeric) / 3600e15
		FROM unnest(letters) AS l JOIN account AS a ON a.name = l || run JOIN reservation AS r ON r.account = a.id JOIN pool AS p ON p.id = r.pool
		WHERE r.occupies && period
		GROUP BY 1 ORDER BY 1
	$$;
});

sub faults { my ($run) = @_; return sql("SELECT count(*) || coalesce(': ' || min(what), '') FROM fault WHERE run = $run") }

# The least and the greatest of what the accounts of a run have had, and that as a ratio.
sub spread
{
	my ($run, $start, $days, $letters) = @_;
	my $said = sql("SELECT string_agg(letter || ' ' || round(work, 1), ', ' ORDER BY letter) || '|' || round(max(work) / min(work), 4) FROM work($run, '$letters', tstzrange('$start', timestamptz '$start' + interval '$days days'))");
	note "run $run: $said";
	return (split /\|/, $said)[1];
}

# ------------------------------------------------------------------ thirty days of three accounts of equal shares
# What was used at first counts to the end.
sql("UPDATE queue_setting SET half_life = '60 days' WHERE upper_inf(recorded)");
my ($start, $days) = ('2030-01-01 00:00Z', 30);
my $three = q{'{a,b,c}', ARRAY['{nvidia/a100}', '{nvidia/h100}', '{nvidia/a100,nvidia/h100}']};
sql("SELECT accounts(1, '{a,b,c}')");
sql("CALL run_days(1, '$start', $days, $three, 8, '{20 hours,24 hours,28 hours}', 4, true)");
cmp_ok(spread(1, $start, $days, '{a,b,c}'), '<=', 1.03, 'each has had as much work as the others, within 3%');
is(faults(1), '0', 'no pool stood idle, and no promise was broken');

($start) = ('2031-01-01 00:00Z');
sql("SELECT accounts(2, '{a,b,c}')");
sql("CALL run_days(2, '$start', $days, $three, 8, '{24 hours,24 hours,24 hours}', 500, false)");
cmp_ok(spread(2, $start, $days, '{a,b,c}'), '<=', 1.03, 'so it is where all is submitted at once');
is(faults(2), '0', 'no pool stood idle, and no promise was broken');

# The control: where each device-hour counts the same, work is not shared evenly.
($start) = ('2032-01-01 00:00Z');
sql("UPDATE queue_setting SET basis = 'test/device' WHERE upper_inf(recorded)");
sql("SELECT accounts(3, '{a,b,c}')");
sql("CALL run_days(3, '$start', $days, $three, 8, '{24 hours,24 hours,24 hours}', 500, false)");
cmp_ok(spread(3, $start, $days, '{a,b,c}'), '>', 2, 'counted in device-hours one has more than twice the work of another');
sql("UPDATE queue_setting SET basis = 'bf16' WHERE upper_inf(recorded)");

# ------------------------------------------------------------------ shares of 3 to 1, twice
my @course;
$days = 15;
for my $run (4, 5)
{
	$start = '203' . ($run - 1) . '-01-01 00:00Z';
	sql("SELECT accounts($run, '{a,b}'); SELECT set_share('a$run', 3)");
	sql("CALL run_days($run, '$start', $days, '{a,b}', ARRAY['{nvidia/h100}', '{nvidia/h100}'], 8, '{9 hours,14 hours}', 2, true)");
	my $ratio = sql("SELECT round(max(work) FILTER (WHERE letter = 'a') / max(work) FILTER (WHERE letter = 'b'), 3) FROM work($run, '{a,b}', tstzrange('$start', timestamptz '$start' + interval '$days days'))");
	note "3:1: $ratio";
	cmp_ok(abs($ratio / 3 - 1), '<=', 0.03, 'shares of 3 to 1 give 3 to 1, within 3%');
	is(faults($run), '0', 'no pool stood idle, and no promise was broken');
	push @course, sql("SELECT string_agg(left((asked).account, 1) || ' ' || lower(planned) - '$start', ',' ORDER BY id) FROM request WHERE submitted >= '$start' AND state = 'placed'");
}
is($course[1], $course[0], 'the same run gives the same');

# ------------------------------------------------------------------ levels (S18)
# x and y stand under A, z under B; y never asks
sql(q{
	SELECT create_account(n, currency => 'USD', jurisdiction => 'DE') FROM unnest('{A,B}'::text[]) AS n;
	SELECT create_account(n, parent => p) FROM (VALUES ('x', 'A'), ('y', 'A'), ('z', 'B')) AS v (n, p);
	SELECT ask(n, '{nvidia/l4}', 1, '1 hour', '2036-01-01Z', 2500) FROM unnest('{x,z}'::text[]) AS n;
	SELECT pass(6, timestamptz '2036-01-01Z' + i * interval '1 hour') FROM generate_series(0, 29) AS i;
});
is(sql(q{SELECT string_agg(a.name || ' ' || n, ', ' ORDER BY a.name) FROM (SELECT account, count(*) AS n FROM request WHERE state = 'placed' AND submitted = '2036-01-01Z' GROUP BY 1) AS c JOIN account AS a ON a.id = c.account}),
	'x 1500, z 1500', 'what an idle one does not want is that of its own level');
is(faults(6), '0', 'no promise was broken');
sql(q{SELECT cancel_request(id) FROM request WHERE state = 'queued'});

# ------------------------------------------------------------------ sand and the couch (S21), also of ever new accounts
# An 8-wide request among 1-wide ones of an hour, that come every six minutes and keep the pool full.
sub couch
{
	my ($run, $start, $patience, $new, $hours) = @_;
	sql("UPDATE queue_setting SET patience = '$patience' WHERE upper_inf(recorded)");
	sql("SELECT accounts($run, '{wide,narrow}')");
	sql(qq{
		SELECT ask('narrow$run', '{nvidia/t4}', 1, '1 hour', '$start', 16);
		SELECT pass($run, '$start');
		-- who is wide has had much already
		SELECT count(*) FROM book('wide$run', (SELECT id FROM pool WHERE accelerator = 'nvidia/l4'), 100, tstzrange(timestamptz '$start' - interval '2 days', '$start'), confirmed => true, now => timestamptz '$start' - interval '2 days');
	});
	my $wide = sql("SELECT ask('wide$run', '{nvidia/t4}', 8, '1 hour', '$start')");
	sql("SELECT pass($run, '$start')");
	my $bound = sql("SELECT max(upper(planned)) + interval '$patience' FROM request WHERE state <> 'cancelled' AND submitted >= '$start' AND id <> $wide");
	sql(qq{
		DO \$\$
		DECLARE at timestamptz := '$start';
		BEGIN
			FOR i IN 1 .. $hours * 10 LOOP
				at := at + interval '6 minutes';
				IF $new THEN
					PERFORM create_account(format('new $run/%s', i), currency => 'USD', jurisdiction => 'DE');
				END IF;
				PERFORM ask(CASE WHEN $new THEN format('new $run/%s', i) ELSE 'narrow$run' END, '{nvidia/t4}', 1, '1 hour', at, 2);
				PERFORM pass($run, at);
			END LOOP;
		END
		\$\$});
	my ($state, $in_time, $text) = split /\|/, sql("SELECT state, state = 'placed' AND lower(planned) <= '$bound', format('planned %s first, bound %s, began %s', first_planned, '$bound', lower(planned)) FROM request WHERE id = $wide");
	note "run $run: $text";
	sql("SELECT cancel_request(id) FROM request WHERE state = 'queued'");
	return $state eq 'placed' ? $in_time eq 't' ? 'in time' : 'late' : 'never';
}
is(couch(7, '2037-01-01 00:00Z', '2 hours', 'false', 6), 'in time', 'a wide request begins by its bound, among narrow ones of one account');
is(couch(8, '2037-02-01 00:00Z', '2 hours', 'true', 6), 'in time', 'and among those of ever new accounts');
is(couch(9, '2037-03-01 00:00Z', '100 years', 'true', 6), 'never', 'without a promise it does not (control)');
is(faults($_), '0', 'no promise was broken') for 7 .. 8;

$node->stop;
done_testing();
