# Cases in which other systems went wrong, end to end: each says what must come out, in devices, hours and money.
# The clock of bookings is an argument, so that each case has its own day.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run;
use FindBin;
use lib $FindBin::RealBin;
use BookingModel;


my $node = PostgreSQL::Test::Cluster->new('booking_cases');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\nclient_min_messages = warning\ndeadlock_timeout = '100ms'\n");
$node->start;
{
	# it would say every query and every answer
	no warnings qw(redefine once);
	*PostgreSQL::Test::BackgroundPsql::note = sub { };
}
$node->safe_psql('postgres', q{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_account(name, currency => 'USD', jurisdiction => 'DE') FROM unnest('{blue,green,red}'::text[]) AS name;
	SELECT create_region('site');
} . BookingModel::try());

# Runs SQL, and answers what it says.
sub sql { return $node->safe_psql('postgres', $_[0]) }

# What a call answers, or the code of its refusal, with its words.
sub try
{
	my ($call) = @_;
	return sql("SELECT try(\$call\$SELECT string_agg(f::text, ';') FROM ($call) AS f\$call\$)");
}

sub is_ok { my ($said, $name) = @_; return like($said, qr/^ok/, $name) }
sub is_refused { my ($said, $code, $name) = @_; return like($said, qr/^$code /, "$name: refused") }

# A pool of its own for each case, of so many devices from the first of January on.
my $pools = 0;
sub pool
{
	my ($devices, %o) = @_;
	my $chip = delete $o{chip} // 'nvidia/h100-sxm5-80gb';
	$pools++;
	my $pool = sql("SELECT create_pool('site', '$chip', 'case $pools'" . join('', map { ", $_ => '$o{$_}'" } sort keys %o) . ')');
	sql("SELECT offer_devices($pool, $devices, '[2027-01-01Z,)', now => '2027-01-01Z')") if $devices;
	return $pool;
}

# An instant of the day of a case, by its clock; a period.
sub at { my ($time) = @_; return $time =~ /-/ ? "$time+00" : "2027-01-11 $time+00" }
sub span { my ($from, $to) = @_; return '[' . at($from) . ',' . at($to) . ')' }

# Books devices of a pool: answers the number of the reservation, or the refusal.
sub book
{
	my ($pool, $devices, $from, $to, %o) = @_;
	my $account = delete $o{account} // 'blue';
	$o{now} = at($o{now} // '08:00');
	$o{confirmed} //= 'true';
	my $said = sql("SELECT try(\$call\$SELECT string_agg(b.reservation::text, ',') FROM book('$account', $pool, $devices, '" . span($from, $to) . "'" . join('', map { ", $_ => '$o{$_}'" } sort keys %o) . ') AS b$call$)');
	return $said =~ /^ok (\d+)$/ ? $1 : $said;
}

sub is_booked { my ($said, $name) = @_; return like($said, qr/^\d+$/, "$name: booked") }

# What is free in a pool, as from-to:devices by the clock.
sub free
{
	my ($pool, $from, $to, $now) = @_;
	return sql("SELECT string_agg(to_char(lower(s.period), 'HH24:MI') || '-' || to_char(upper(s.period), 'HH24:MI') || ':' || trim_scale(s.level), ' ' ORDER BY s.period)
		FROM steps(pool_availability($pool, '" . span($from, $to) . "', now => '" . at($now // '08:00') . "')) AS s WHERE s.level <> 0");
}

sub device_hours { my ($pool) = @_; return sql("SELECT trim_scale(sum(r.devices * extract(epoch FROM upper(r.occupies) - lower(r.occupies)) / 3600)) FROM reservation AS r WHERE r.pool = $pool AND NOT isempty(r.occupies)") }

# Runs scripts side by side, one a client; answers what each printed, errors included.
sub side_by_side
{
	my (@scripts) = @_;
	my @runs;
	for my $n (0 .. $#scripts)
	{
		# files: what is piped would wait for somebody to pump it
		my $file = $node->basedir . "/client$n";
		unlink "$file.sql";
		append_to_file("$file.sql", $scripts[$n]);
		push @runs, IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres'), '-f', "$file.sql" ], '>', "$file.out", '2>&1');
	}
	IPC::Run::finish($_) for @runs;
	return map { slurp_file($node->basedir . "/client$_.out") } 0 .. $#scripts;
}

# ------------------------------------------------------------------ sixteen clients want more than there is
for my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	my $pool = pool(100);
	my $book = "SELECT 'booked ' || b.reservation FROM book('blue', $pool, 8, '" . span('10:00', '12:00') . "', confirmed => true, now => '" . at('08:00') . "') AS b";
	my @out = side_by_side(("BEGIN ISOLATION LEVEL $level; SELECT count(*) >= 0 FROM reservation; SELECT pg_sleep(0.3); $book; COMMIT;") x 16);
	my $booked = grep { /^booked \d/m } @out;
	is(scalar(grep { /deadlock|40P01/ } @out), 0, "$level: no deadlock");
	is(scalar(grep { !/^booked \d|ERROR:  (40001|LC020)/m } @out), 0, "$level: each was booked, refused, or told to try again") or diag @out;
	is(scalar(grep { /ERROR:  40001/ } @out), 0, "$level: nobody has to try again") if $level eq 'READ COMMITTED';
	# who is told to try again does
	for my $n (grep { $out[$_] =~ /ERROR:  40001/ } 0 .. $#out)
	{
		$booked++ if is_again($level, $book);
	}
	is($booked, 12, "$level: 12 of 16 are booked");
	is(free($pool, '10:00', '12:00'), '10:00-12:00:4', "$level: four are free");
}

# Books after a serialization failure.
sub is_again
{
	my ($level, $book) = @_;
	my ($out) = side_by_side("BEGIN ISOLATION LEVEL $level; $book; COMMIT;");
	like($out, qr/booked|LC020/, "$level: tried again, it is booked or refused");
	return $out =~ /^booked \d/m;
}

# ------------------------------------------------------------------ less is offered, by somebody who has not seen the last booking
for my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	for my $change ("offer_devices(%s, 4, '[2027-01-01Z,)', now => '" . at('08:00') . "')", "plan_maintenance(%s, 4, '" . span('09:00', '13:00') . "', now => '" . at('08:00') . "')", "plan_blackout(%s, '" . span('09:00', '13:00') . "', now => '" . at('08:00') . "')")
	{
		my $pool = pool(8);
		my $session = $node->background_psql('postgres', on_error_stop => 0);
		$session->query("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM reservation");
		is_booked(book($pool, 8, '10:00', '12:00'), 'meanwhile all is booked');
		$session->{stderr} = '';
		$session->query('\set VERBOSITY verbose');
		$session->query('SELECT * FROM ' . sprintf $change, $pool);
		my ($code) = $session->{stderr} =~ /ERROR:  (\w+)/;
		$session->query('COMMIT');
		$session->quit;
		like($code // 'it was changed', $level eq 'READ COMMITTED' ? qr/^LC023$/ : qr/^(LC023|40001)$/, "$level: " . ($change =~ /^(\w+)/)[0] . ' of an older snapshot does not take what is booked');
	}
}

# ------------------------------------------------------------------ a booking that has waited for a change sees it
for my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	for my $change ("offer_devices(%s, 4, '[2027-01-01Z,)', now => '" . at('08:00') . "')", "plan_maintenance(%s, 4, '" . span('09:00', '13:00') . "', now => '" . at('08:00') . "')",
		"plan_blackout(%s, '" . span('09:00', '13:00') . "', now => '" . at('08:00') . "')", "record_outage(%s, 4, '" . span('07:00', '13:00') . "', now => '" . at('08:00') . "')",
		"set_guest_share(%s, 0.5, now => '" . at('08:00') . "')", "move_devices(%s, (SELECT max(id) FROM pool), 4, '" . at('09:00') . "', now => '" . at('08:00') . "')")
	{
		my $pool = pool(8, host => 'green');
		pool(0);
		my $session = $node->background_psql('postgres');
		$session->query_safe('BEGIN; SELECT FROM ' . sprintf $change, $pool);
		my $file = $node->basedir . '/waits';
		unlink "$file.sql";
		append_to_file("$file.sql", "BEGIN ISOLATION LEVEL $level; SELECT 'booked' FROM book('blue', $pool, 8, '" . span('10:00', '12:00') . "', now => '" . at('08:00') . "'); COMMIT;");
		my $run = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres'), '-f', "$file.sql" ], '>', "$file.out", '2>&1');
		$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'book'") or die 'it does not wait';
		$session->query_safe('COMMIT');
		$session->quit;
		IPC::Run::finish($run);
		like(slurp_file("$file.out"), $level eq 'READ COMMITTED' ? qr/ERROR:  LC020/ : qr/ERROR:  (LC020|40001)/, "$level: a booking sees the " . ($change =~ /^(\w+)/)[0] . ' that it has waited for');
	}
}

# ------------------------------------------------------------------ the highest instant counts, not the sum of what overlaps
{
	my $pool = pool(10);
	is_booked(book($pool, 6, '08:00', '10:00', now => '07:00'), 'six before ten');
	is_booked(book($pool, 6, '10:00', '12:00', now => '07:00'), 'six from ten on');
	is_booked(book($pool, 4, '09:00', '11:00', now => '07:00'), 'four across');
	is_refused(book($pool, 1, '09:00', '11:00', now => '07:00'), 'LC020', 'one more across');
}

# ------------------------------------------------------------------ periods that touch
{
	my $pool = pool(8);
	is_booked(book($pool, 8, '09:00', '13:00'), 'until one');
	is_booked(book($pool, 8, '13:00', '17:00'), 'from one on');
	is_refused(book($pool, 8, '12:59', '17:00'), 'LC020', 'from a minute before');
	is_booked(book($pool, 8, '17:00', '18:00'), 'from five on');
	is(device_hours($pool), 72, 'no instant is used twice and none is lost');
}

# ------------------------------------------------------------------ maintenance at night when the clocks change
{
	my $pool = pool(8);
	sql("SELECT plan_maintenance($pool, 8, '[2027-03-13,2027-03-16)'::daterange, '02:30'::time, '04:00'::time, 'America/New_York', now => '2027-03-01Z')");
	is(sql("SELECT string_agg(to_char(lower(s.period), 'MM-DD HH24:MI') || '-' || to_char(upper(s.period), 'HH24:MI'), ' ' ORDER BY s.period)
		FROM steps((SELECT device_profile('[2027-03-13Z,2027-03-16Z)'::tstzrange, 8)) - pool_availability($pool, '[2027-03-13Z,2027-03-16Z)', now => '2027-03-01Z')) AS s WHERE s.level <> 0"),
		'03-13 07:30-09:00 03-14 07:30-08:00 03-15 06:30-08:00', 'each end is a local time of its own');
	is(sql("SELECT string_agg(trim_scale(8 * extract(epoch FROM upper(d.day) - lower(d.day)) / 3600 - integral(pool_availability($pool, d.day, now => '2027-03-01Z')))::text, ' ' ORDER BY d.day)
		FROM unnest('{\"[2027-03-13Z,2027-03-14Z)\",\"[2027-03-14Z,2027-03-15Z)\",\"[2027-03-15Z,2027-03-16Z)\"}'::tstzrange[]) AS d (day)"), '12 4 12', 'device-hours');
	is_booked(book($pool, 8, '2027-03-14 08:00', '2027-03-14 20:00', now => '2027-03-01 00:00'), 'all of the pool from its end on');
	is_refused(book($pool, 8, '2027-03-14 07:59', '2027-03-14 08:00', now => '2027-03-01 00:00'), 'LC020', 'a minute before');
}

# ------------------------------------------------------------------ what is no booking
{
	my $pool = pool(64, granule => 8, slot_minutes => 15);
	my $before = sql('SELECT (SELECT count(*) FROM reservation) + (SELECT count(*) FROM reservation_change)');
	my $now = "now => '" . at('08:00') . "'";
	for my $wrong ([ 8, "'empty'", 'an empty period' ], [ 8, "tstzrange('" . at('12:00') . "', '" . at('12:00') . "')", 'a period without length' ], [ 8, "tstzrange('" . at('12:00') . "', NULL)", 'no end' ],
		[ 8, "tstzrange(NULL, '" . at('12:00') . "')", 'no start' ], [ 8, "tstzrange('" . at('12:00') . "', 'infinity')", 'an infinite end' ], [ 8, 'NULL', 'no period' ], [ 0, "'" . span('12:00', '13:00') . "'", 'no devices' ],
		[ -8, "'" . span('12:00', '13:00') . "'", 'fewer than none' ], [ 'NULL', "'" . span('12:00', '13:00') . "'", 'NULL devices' ], [ 12, "'" . span('12:00', '13:00') . "'", 'half a node' ],
		[ 8, "'" . span('12:07', '13:00') . "'", 'a start that is no quarter' ], [ 8, "'" . span('12:00', '13:07') . "'", 'an end that is no quarter' ], [ 8, "'" . span('2029-01-01 00:00', '2029-01-02 00:00') . "'", 'beyond the horizon' ])
	{
		my ($devices, $period, $name) = @$wrong;
		like(try("SELECT b.* FROM book('blue', $pool, ${devices}::bigint, ${period}::tstzrange, $now) AS b"), qr/^22/, "$name: refused");
	}
	like(try("SELECT b.* FROM book('blue', $pool, 8, tstzrange('" . at('12:00') . "', '" . at('10:00') . "'), $now) AS b"), qr/^22/, 'an end before the start: refused');
	is(sql('SELECT (SELECT count(*) FROM reservation) + (SELECT count(*) FROM reservation_change)'), $before, 'no row comes of it');
	is(free($pool, '12:00', '14:00'), '12:00-14:00:64', 'and everything is free');
}

# ------------------------------------------------------------------ less is offered than is booked
{
	my $pool = pool(64);
	my %o = (now => '2027-01-04 00:00');
	my $r1 = book($pool, 40, '2027-01-11 00:00', '2027-01-15 00:00', %o, priority => 1, account => 'blue');
	my $r2 = book($pool, 16, '2027-01-13 00:00', '2027-01-14 00:00', %o, priority => 0, account => 'green');
	my $lower = sub {
		my ($devices, $from, $to, $drain) = @_;
		return try("SELECT d FROM offer_devices($pool, $devices, '[2027-01-$from 00:00Z,2027-01-$to 00:00Z)', drain => $drain, now => '2027-01-04Z') AS d");
	};
	my $said = $lower->(48, 12, 16, 'false');
	is_refused($said, 'LC023', '48 from Tuesday to Saturday');
	like($said, qr/\b$r1\b/, 'the one is named');
	like($said, qr/\b$r2\b/, 'and the other');
	unlike($said, qr/blue|green/, 'and nobody\'s account');
	is_ok($lower->(48, 11, 13, 'false'), '48 on Monday and Tuesday');
	is_ok($lower->(56, 12, 16, 'false'), '56 from Tuesday to Saturday');
	is($lower->(48, 12, 16, 'true'), "ok ($r2)", 'told to drain, it drains the one of lower priority, and only that');
	is(sql("SELECT string_agg(state, ' ' ORDER BY id) FROM reservation WHERE pool = $pool"), 'confirmed drained', 'states');
	is(free($pool, '2027-01-13 00:00', '2027-01-14 00:00', '2027-01-04 00:00'), '00:00-00:00:8', 'and what it had is free');
}

# ------------------------------------------------------------------ what one holds is not in one's own way
{
	my $pool = pool(8);
	my $r = book($pool, 8, '10:00', '14:00');
	my $now = "now => '" . at('08:00') . "'";
	is_ok(try("SELECT extend_reservation($r, '" . at('18:00') . "', $now)"), 'longer');
	is_ok(try("SELECT move_reservation($r, '" . span('12:00', '20:00') . "', $now)"), 'later, over itself');
	is_ok(try("SELECT move_reservation($r, '" . span('12:00', '20:00') . "', 8, $now)"), 'as it is');
	is(sql("SELECT count(*) || ' ' || min(devices) || ' ' || (min(occupies::text)::tstzrange = '" . span('12:00', '20:00') . "') FROM reservation WHERE pool = $pool"), '1 8 true', 'one reservation');
	is(free($pool, '10:00', '21:00'), '10:00-12:00:8 20:00-21:00:8', 'what it left is free');
	is_refused(try("SELECT move_reservation($r, '" . span('12:00', '20:00') . "', 16, $now)"), 'LC020', 'more than there is');
	is(free($pool, '10:00', '21:00'), '10:00-12:00:8 20:00-21:00:8', 'a change that is refused leaves it as it was');
}

# ------------------------------------------------------------------ cancelled twice at once
{
	my $pool = pool(16);
	my ($r1, $r2) = map { book($pool, 8, '10:00', '12:00') } 1, 2;
	my $now = "now => '" . at('08:30') . "'";
	my @out = side_by_side(("BEGIN; SELECT 1; SELECT pg_sleep(0.2); SELECT cancel_reservation($r1, $now); SELECT pg_sleep(0.1); COMMIT;") x 2);
	is(join(' ', sort map { s/^1\s*//r =~ s/\s*$//r } @out), 'cancelled cancelled already', 'one acts, the other is told');
	is(free($pool, '10:00', '12:00'), '10:00-12:00:8', 'it gives back eight, once');
	@out = side_by_side(("SELECT 'booked' FROM book('red', $pool, 8, '" . span('10:00', '12:00') . "', $now)") x 2);
	is(join(' ', sort map { /^booked/ ? 'booked' : /ERROR:  (LC020)/ ? $1 : $_ } @out), 'LC020 booked', 'so one more is booked, and one is not');
	is(sql("SELECT count(*) FROM reservation_change WHERE reservation = $r1 AND action = 'cancel'"), 1, 'and its history says so once');
}

# ------------------------------------------------------------------ a hold runs out, and nobody tidies up
{
	my $hold = sub { my ($pool) = @_; return book($pool, 8, '13:00', '14:00', now => '12:00', confirmed => 'false', hold => '10 minutes') };
	my $pool = pool(8);
	my $r = $hold->($pool);
	is_ok(try("SELECT confirm_reservation($r, now => '" . at('12:09:59.9') . "')"), 'confirmed in time');
	$pool = pool(8);
	$r = $hold->($pool);
	is(free($pool, '13:00', '14:00', '12:09:59.999999'), '', 'held to the last microsecond');
	is(free($pool, '13:00', '14:00', '12:10'), '13:00-14:00:8', 'free at its end');
	is_refused(book($pool, 8, '13:00', '14:00', now => '12:09:59.999999'), 'LC020', 'too early');
	is_booked(book($pool, 8, '13:00', '14:00', now => '12:10:01'), 'after it');
	my $said = try("SELECT confirm_reservation($r, now => '" . at('12:10:02') . "')");
	is_refused($said, 'LC021', 'confirming it');
	like($said, qr/lapsed at 2027-01-11 12:10:00/, 'and when it lapsed is said');
	is(sql("SELECT state FROM reservation WHERE id = $r"), 'lapsed', 'who had the lock next has noted it');
}

# ------------------------------------------------------------------ two gangs crosswise
{
	my ($p1, $p2) = map { pool(8) } 1, 2;
	my $round = sub {
		my ($a, $b, $n) = @_;
		return join '', map { "SELECT coalesce((SELECT min(b.booking) FROM book('blue', ARRAY[ROW($a, 8, '" . span('10:00', '12:00') . "'), ROW($b, 8, '" . span('10:00', '12:00') . "')]::reservation_piece[], now => '" . at('08:00') . "') AS b), 0) AS booking \\gset\n"
			. "SELECT cancel_reservation((SELECT min(id) FROM reservation WHERE booking = :booking), now => '" . at('08:00') . "') WHERE :booking > 0;\n\\set booking 0\n" } 1 .. $n;
	};
	my @out = side_by_side(map { "\\set booking 0\n" . $round->($_ % 2 ? ($p1, $p2) : ($p2, $p1), 15) } 1 .. 16);
	is(scalar(grep { /40P01|deadlock/ } @out), 0, 'no deadlock');
	my %errors = map { ($_ => 1) } map { /ERROR:  (\w+)/g } @out;
	is(join(' ', sort keys %errors), 'LC020', 'the loser is told that there is no capacity');
	cmp_ok(scalar(grep { /cancelled/ } @out), '>', 1, 'several got both');
	is(sql("SELECT count(*) FROM (SELECT FROM reservation WHERE pool IN ($p1, $p2) GROUP BY booking HAVING count(*) <> 2 OR count(DISTINCT state) > 1) AS half"), 0, 'no piece is alone');
	is(free($p1, '10:00', '12:00') . free($p2, '10:00', '12:00'), '10:00-12:00:8' x 2, 'and everything is given back');
}

# ------------------------------------------------------------------ whole nodes of ragged capacity
{
	my $pool = pool(64, granule => 8);
	sql("SELECT offer_devices($pool, 61, '[2027-01-01Z,)', now => '2027-01-02Z')");
	is_refused(book($pool, 64, '10:00', '12:00'), 'LC020', 'eight nodes of 61 cards');
	is(free($pool, '10:00', '12:00'), '10:00-12:00:56', 'seven are free');
	my $r = book($pool, 56, '10:00', '12:00');
	is_booked($r, 'seven nodes');
	my $said = try("SELECT d FROM offer_devices($pool, 40, '[2027-01-01Z,)', now => '" . at('08:00') . "') AS d");
	is_refused($said, 'LC023', 'five nodes, as the dead cards sit in three');
	like($said, qr/\b$r\b/, 'and what is in the way is named');
}

# ------------------------------------------------------------------ cards are cut into slices
{
	my $from = '2027-03-01 00:00Z';
	my ($w, $s) = (pool(8, chip => 'nvidia/a100-sxm4-40gb'), pool(0, chip => 'nvidia/a100-sxm4-40gb:1g.5gb'));
	my $both = sub { return sql("SELECT level_at(pool_availability($w, '[2027-03-05Z,2027-03-06Z)', now => '2027-02-01Z'), '2027-03-05Z') || ' ' || level_at(pool_availability($s, '[2027-03-05Z,2027-03-06Z)', now => '2027-02-01Z'), '2027-03-05Z')") };
	my $r = book($w, 7, '2027-02-25 00:00', '2027-03-05 00:00', now => '2027-02-01 00:00');
	my $said = try("SELECT d FROM move_devices($w, $s, 2, '$from', now => '2027-02-01Z') AS d");
	is_refused($said, 'LC023', 'two cards of eight, with seven booked');
	like($said, qr/\b$r\b/, 'what is in the way is named');
	is($both->(), '8 0', 'nothing has changed in either pool');
	is_ok(try("SELECT shrink_reservation($r, 6, now => '2027-02-01Z')"), 'one less is booked');
	is_ok(try("SELECT d FROM move_devices($w, $s, 2, '$from', now => '2027-02-01Z') AS d"), 'two cards are cut');
	is($both->(), '6 14', 'six cards and fourteen slices');
	is(sql("SELECT level_at(pool_availability($w, '[2027-02-20Z,2027-02-21Z)', now => '2027-02-01Z'), '2027-02-20Z')"), 8, 'from then on');
	$r = book($s, 14, '2027-03-01 00:00', '2027-03-10 00:00', now => '2027-02-01 00:00');
	is_booked($r, 'all slices');
	$said = try("SELECT d FROM move_devices($s, $w, 1, '2027-03-05Z', now => '2027-02-01Z') AS d");
	is_refused($said, 'LC023', 'one card made whole again');
	like($said, qr/\b$r\b/, 'what is in the way is named');
	is(sql("SELECT level_at(pool_availability($w, '[2027-03-05Z,2027-03-06Z)', now => '2027-02-01Z'), '2027-03-05Z')"), 6, 'and no card is made of nothing');
}

# ------------------------------------------------------------------ numbers that wrap
{
	my ($p1, $p2) = map { pool(8) } 1, 2;
	my $before = sql('SELECT count(*) FROM reservation');
	my $period = span('10:00', '12:00');
	for my $devices (2147483647, 9223372036854775807)
	{
		my ($twice, $apart) = map { my ($a, $b) = @$_; try("SELECT b.* FROM book('blue', ARRAY[ROW($a, $devices, '$period'), ROW($b, $devices, '$period')]::reservation_piece[], now => '" . at('08:00') . "') AS b") } [ $p1, $p1 ], [ $p1, $p2 ];
		like($_, qr/^(22\d\d\d|LC020) /, "pieces of $devices: refused") for $twice, $apart;
	}
	like(try("SELECT b.* FROM book('blue', $p1, 8, '[2027-01-12Z,200000-01-01Z)', now => '" . at('08:00') . "') AS b"), qr/^(22\d\d\d|LC020) /, 'for 198,000 years: refused');
	like(try("SELECT d FROM offer_devices($p1, 9223372036854775807, '[2027-01-12Z,)', now => '" . at('08:00') . "') AS d"), qr/^22\d\d\d /, 'more on offer than there can be: refused');
	is(sql('SELECT count(*) FROM reservation'), $before, 'no row comes of it');
	is(free($p1, '10:00', '12:00'), '10:00-12:00:8', 'and what is free has not changed');
}

# ------------------------------------------------------------------ the answer got lost
{
	my $pool = pool(64);
	my $call = sub { my ($account, $devices) = @_; return "SELECT b.reservation, b.booking, b.devices, b.state, b.period FROM book('$account', $pool, $devices, '" . span('10:00', '12:00') . "', request => 'q1', confirmed => true, now => '" . at('08:00') . "') AS b" };
	my $first = try($call->('blue', 8));
	is_ok($first, 'the first time');
	my @out = side_by_side(($call->('blue', 8) . ';') x 2);
	is($out[0], $out[1], 'sent twice more at once, it is answered the same');
	is(try($call->('blue', 8)), $first, 'and the same as at first');
	is_refused(try($call->('blue', 12)), 'LC022', 'another number of devices under that name');
	is(device_hours($pool), 16, 'one reservation');
	my $other = try($call->('green', 12));
	is_ok($other, 'another account has names of its own');
	is(device_hours($pool), 16 + 24, 'and a reservation of its own');
	# who books for that account alone is told what he would be told if the first had not been
	$node->safe_psql('postgres', q{CREATE ROLE elsewhere LOGIN; SELECT grant_access('elsewhere', 'booker', 'red'); GRANT USAGE ON SCHEMA public TO elsewhere});
	my $elsewhere = sub { my ($out, $err) = ('', ''); $node->psql('postgres', "\\set VERBOSITY verbose\n\\set SHOW_CONTEXT never\n$_[0]", stdout => \$out, stderr => \$err, extra_params => [ '-U', 'elsewhere' ]); return $out . $err =~ s/^LOCATION:.*\n//mgr };
	my $soon = "tstzrange(date_trunc('hour', clock_timestamp()) + interval '2 days', date_trunc('hour', clock_timestamp()) + interval '50 hours')";
	sql("SELECT offer_devices($pool, 64, '[2026-01-01Z,)')");
	my $ask = sub { my ($account, $request, $devices) = @_; return $elsewhere->("SELECT devices, state FROM book('$account', $pool, $devices, $soon, request => '$request')") };
	is($ask->('red', 'q1', 12), '12|held', 'the name is free to another role for its account');
	is($ask->('red', 'q1', 12), '12|held', 'and its own answer is what it gets again');
	like($ask->('red', 'q1', 8), qr/LC022: request "q1" has said something else before/, 'nor does it stand for two calls there');
	is($ask->('blue', 'q1', 8) =~ s/q1/?/gr, $ask->('blue', 'never sent', 8) =~ s/never sent/?/gr, 'for the first account it is refused, whether the name was used or not');
	like($ask->('blue', 'q1', 8), qr/LC006: unknown account: "blue"/, 'as if there were none');
	my ($r) = $first =~ /^ok \((\d+),/;
	is($elsewhere->("SELECT extend_reservation($r, '" . at('13:00') . "', request => 'q1')") =~ s/\b$r\b/?/gr, $elsewhere->("SELECT extend_reservation(77777, '" . at('13:00') . "', request => 'q1')") =~ s/77777/?/gr, 'nor does its reservation exist');
	is($elsewhere->('SELECT count(*), min(devices) FROM my_reservation WHERE pool = ' . $pool), '1|12', 'nor is it shown');
	like($elsewhere->('SELECT count(*) FROM request_answer'), qr/42501: permission denied/, 'nor are the answers');
	is(device_hours($pool), 16 + 24 + 24, 'and nothing of the first has changed');
	$elsewhere->("SELECT cancel_reservation(id) FROM my_reservation WHERE pool = $pool");
	# what was refused is not the answer for ever
	my $refused = sub { my ($now) = @_; return try("SELECT b.* FROM book('blue', $pool, 64, '" . span('10:00', '12:00') . "', request => 'q2', now => '" . at($now) . "') AS b") };
	is_refused($refused->('08:01'), 'LC020', 'a request without room');
	sql("SELECT cancel_reservation(id, now => '" . at('08:02') . "') FROM reservation WHERE pool = $pool");
	is_ok($refused->('08:03'), 'is booked when there is some');
}

# ------------------------------------------------------------------ nobody's clock but the ledger's
{
	my $pool = pool(8);
	$node->safe_psql('postgres', q{CREATE ROLE booker LOGIN; SELECT grant_access('booker', 'booker', 'blue'); GRANT USAGE ON SCHEMA public TO booker});
	my $booker = sub { my ($out, $err) = ('', ''); $node->psql('postgres', "\\set VERBOSITY verbose\n$_[0]", stdout => \$out, stderr => \$err, extra_params => [ '-U', 'booker' ]); return $out . $err };
	sql("SELECT offer_devices($pool, 8, tstzrange(now() - interval '1 day', NULL))");
	my $from = "date_trunc('minute', clock_timestamp()) + interval '1 hour'";
	my $book = sub { my ($now) = @_; return $booker->("SELECT b.reservation FROM book('blue', $pool, 8, tstzrange($from, $from + interval '1 hour')$now) AS b") };
	like($booker->("SELECT book('blue', $pool, 8, tstzrange($from, $from + interval '1 hour'), hold => '99 years')"), qr/22023: a booking is not held longer than its pool does/, 'a booker does not hold what he does not pay for');
	like($booker->("SELECT book('blue', $pool, 8, tstzrange($from, $from + interval '1 hour'), priority => 1)"), qr/42501: a priority above 0 is for admins to give/, 'nor go before others');
	like($book->(", now => clock_timestamp() + interval '10 minutes'"), qr/ERROR:  42501/, 'a booker says no time of his own');
	like($book->(''), qr/^\d+$/, 'he books by the ledger\'s');
	is(sql("SELECT held_until - clock_timestamp() BETWEEN interval '14 minutes' AND interval '15 minutes' FROM reservation WHERE pool = $pool"), 't', 'and holds by it');
	# the start of the transaction is not what counts
	like($booker->("BEGIN; SELECT 1; SELECT pg_sleep(1.2); SELECT b.held_until - now() > interval '10.9 seconds' FROM book('blue', $pool, 8, tstzrange($from + interval '1 day', $from + interval '25 hours'), hold => '10 seconds') AS b; COMMIT"), qr/^1\n+t$/, 'as it is when he has the lock');
}

# ------------------------------------------------------------------ the past of a reservation that runs
{
	my $run = sub {
		my $pool = pool(8);
		my $r = book($pool, 8, '10:00', '14:00');
		sql("SELECT start_reservation($r, now => '" . at('10:00') . "')");
		return ($pool, $r);
	};
	my $hours = sub { my ($r) = @_; return sql("SELECT trim_scale(coalesce(integral(earlier), 0) + coalesce(devices * extract(epoch FROM upper(occupies) - since), 0) / 3600) FROM reservation WHERE id = $r") };
	my ($pool, $r) = $run->();
	my $now = "now => '" . at('12:00') . "'";
	like(try("SELECT move_reservation($r, '" . span('11:00', '14:00') . "', $now)"), qr/^(22|LC021)/, 'another start: refused');
	like(try("SELECT shrink_reservation($r, until => '" . at('11:00') . "', $now)"), qr/^(22|LC021)/, 'an end that has passed: refused');
	is($hours->($r), 32, 'nothing has changed');
	is_ok(try("SELECT shrink_reservation($r, 4, $now)"), 'four from now on');
	is($hours->($r), 24, 'eight for two hours, four for two');
	is(free($pool, '12:00', '14:00', '12:00'), '12:00-14:00:4', 'and four are free');
	($pool, $r) = $run->();
	is_ok(try("SELECT end_reservation($r, $now)"), 'ended');
	is($hours->($r), 16, 'eight for two hours');
	is(free($pool, '12:00', '14:00', '12:00'), '12:00-14:00:8', 'and eight are free');
	is_refused(try("SELECT extend_reservation($r, '" . at('16:00') . "', $now)"), 'LC021', 'what has ended is not made longer');
}

# ------------------------------------------------------------------ ended off the pool's minutes, by maintenance that does not keep to them
{
	my $pool = pool(8, slot_minutes => 15);
	my $r = book($pool, 8, '10:00', '14:00');
	sql("SELECT start_reservation($r, now => '" . at('10:00') . "')");
	is(try("SELECT array_to_string(m.drained, ',') FROM plan_maintenance($pool, 4, '" . span('12:07', '18:00') . "', drain => true, now => '" . at('11:00') . "') AS m"), "ok ($r)", 'what runs ends where it is in the way');
	is(free($pool, '11:00', '19:00', '11:00'), '12:07-18:00:4 18:00-19:00:8', 'and not before');
	is_ok(try("SELECT shrink_reservation($r, 4, now => '" . at('11:30') . "')"), 'it is made smaller, its end stays where it was put');
	is(free($pool, '11:00', '19:00', '11:30'), '11:30-18:00:4 18:00-19:00:8', 'for what is left of its time');
}

# ------------------------------------------------------------------ the one before is still there
{
	my $pool = pool(8);
	my ($r1, $r2) = (book($pool, 8, '10:00', '12:00'), book($pool, 8, '12:00', '14:00'));
	is_ok(try("SELECT start_reservation($r1, now => '" . at('10:00') . "')"), 'the first starts');
	is(sql("SELECT state FROM reservation WHERE id = $r2"), 'confirmed', 'the second is confirmed');
	my $said = try("SELECT start_reservation($r2, now => '" . at('12:10') . "')");
	is_refused($said, 'LC021', 'the second starts while the first is there');
	like($said, qr/\b$r1\b/, 'and is told what is in its way');
	is_booked(book($pool, 8, '14:00', '16:00', now => '12:10'), 'later ones go on');
	is(sql("SELECT state FROM reservation WHERE id = $r2"), 'confirmed', 'the second stays confirmed');
	is_ok(try("SELECT end_reservation($r1, at => '" . at('12:20') . "', now => '" . at('12:21') . "')"), 'the first ends late');
	is_ok(try("SELECT start_reservation($r2, now => '" . at('12:21') . "')"), 'and the second starts');
	is(sql("SELECT to_char(ended_at, 'HH24:MI') || ' ' || to_char(upper(occupies), 'HH24:MI') FROM reservation WHERE id = $r1"), '12:20 12:00', 'when it ended is known, and it has taken up no more than it was for');
	# nobody ends it: the centre reports that it is there, and then that it is not
	$pool = pool(8);
	($r1, $r2) = (book($pool, 8, '10:00', '12:00'), book($pool, 8, '12:00', '14:00'));
	sql("SELECT start_reservation($r1, now => '" . at('10:00') . "'), report_pool($pool, ARRAY[(8, NULL, $r1, NULL)]::pool_use[], now => '" . at('12:10') . "')");
	is_refused(try("SELECT start_reservation($r2, now => '" . at('12:11') . "')"), 'LC021', 'the second starts while the centre has the first there');
	sql("SELECT report_pool($pool, now => '" . at('12:20') . "')");
	is(sql("SELECT state || to_char(ended_at, ' HH24:MI') || to_char(upper(occupies), ' HH24:MI ') || reason FROM reservation WHERE id = $r1"), 'ended 12:20 12:00 not held any more, as the centre reports', 'the report that does not have it ends it');
	is(sql("SELECT state || to_char(waited_until, ' HH24:MI') FROM reservation WHERE id = $r2"), 'confirmed 12:20', 'and says how long the second waited, though it has not come since');
	is(sql("SELECT string_agg(concat_ws(' ', u.measure, to_char(u.started_at, 'HH24:MI'), to_char(u.ended_at, 'HH24:MI')), ', ') FROM _reservation_usage($r1, '" . at('15:00') . "') AS u"), 'reserved 10:00 12:00', 'the first has its own time reserved');
	is(sql("SELECT string_agg(concat_ws(' ', u.measure, to_char(u.started_at, 'HH24:MI'), to_char(u.ended_at, 'HH24:MI')), ', ') FROM _reservation_usage($r2, '" . at('15:00') . "') AS u"), 'reserved 12:20 14:00', 'the second not what it waited');
	is_ok(try("SELECT start_reservation($r2, now => '" . at('12:21') . "')"), 'and it starts');
}

# ------------------------------------------------------------------ reserved, drawn, unused, beyond
{
	my $chip = 'nvidia/l40s';
	my $pool = sql("SELECT create_pool('site', '$chip')");
	sql("SELECT create_account('drawer', currency => 'USD', jurisdiction => 'DE'), create_price('$chip', 'USD', 2.00, measure => 'reserved', account => 'drawer'), create_price('$chip', 'USD', 3.00, account => 'drawer');
		SELECT offer_devices($pool, 16, '[2026-09-01Z,)', now => '2026-09-01Z')");
	my $r = sql("SELECT reservation FROM book('drawer', $pool, 8, '[2026-09-05Z,2026-09-06Z)', confirmed => true, now => '2026-09-02Z')");
	sql("SELECT start_reservation($r, now => '2026-09-05Z')");
	sql("INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at, ended_at, reservation)
		SELECT 'jobs', n, 'drawer', 'site', '$chip', devices, '2026-09-05T' || starts || 'Z', '2026-09-0' || ends || 'Z', 'ledger:$r'
		FROM (VALUES (1, 6, '00:00', '5T06:00'), (2, 10, '06:00', '5T12:00'), (3, 6, '12:00', '6T00:00')) AS u (n, devices, starts, ends)");
	is(sql('SELECT rejected FROM accept_usage()'), 0, 'its jobs name the reservation');
	sql("SELECT end_reservation($r, now => '2026-09-06Z'), record_reservations(now => '2026-09-07Z')");
	my $hours = sub { return sql("SELECT coalesce(trim_scale(sum(quantity)), 0) || ' ' || coalesce(sum(cost)::numeric(20,2), 0) FROM rate_usage('drawer', '[2026-09-01Z,2026-10-01Z)') WHERE kind = '$_[0]'") };
	note sql("SELECT string_agg(concat_ws(' ', kind, measure, trim_scale(quantity), trim_scale(cost), reservation), E'\n') FROM rate_usage('drawer', '[2026-09-01Z,2026-10-01Z)')");
	is(sql("SELECT sum(cost)::numeric(20,2) FROM rate_usage('drawer', '[2026-09-01Z,2026-10-01Z)')"), '420.00', 'in all');
	is(sql("SELECT sum(cost)::numeric(20,2) FROM rate_usage('drawer', '[2026-09-01Z,2026-10-01Z)') WHERE measure = 'reserved'"), '384.00', 'what is reserved is paid once');
	is(sql("SELECT trim_scale(sum(quantity)) || ' ' || sum(cost)::numeric(20,2) FROM rate_usage('drawer', '[2026-09-01Z,2026-10-01Z)') WHERE measure = 'allocated' AND cost <> 0"), '12 36.00', 'and what is beyond it by itself');
	is($hours->('drawn'), '156 0', 'drawn');
	is($hours->('reservation unused'), '36 72.00', 'unused');
}

# ------------------------------------------------------------------ what the centre holds itself
{
	my $pool = pool(64);
	my $r = book($pool, 16, '09:00', '15:00');
	sql("SELECT start_reservation($r, now => '" . at('09:00') . "')");
	sql("SELECT report_pool($pool, ARRAY[ROW(16, '" . at('15:00') . "', $r, NULL), ROW(24, '" . at('15:00') . "', NULL, NULL)]::pool_use[], now => '" . at('11:50') . "')");
	is(free($pool, '12:00', '16:00', '11:55'), '12:00-15:00:24 15:00-16:00:64', 'what is ours is not counted twice, and what is theirs is');
	is_refused(book($pool, 32, '12:00', '15:00', now => '11:55'), 'LC020', 'more than the centre leaves');
	is_booked(book($pool, 24, '12:00', '15:00', now => '11:55'), 'what it leaves');
	is_booked(book($pool, 64, '15:00', '16:00', now => '11:55'), 'and all of it when its jobs are over');
	like(try("SELECT report_pool($pool, ARRAY[ROW(8, NULL, 77777, NULL)]::pool_use[], now => '" . at('11:56') . "')"), qr/^LC024/, 'a report of what is not there: refused');
}

# ------------------------------------------------------------------ a broad no and a narrow yes
# What screen() answers: its effect, the rule, the clause.
sub screened
{
	my ($account, $chip, $region, $from, $to, %o) = @_;
	return sql("SELECT concat_ws(' | ', s.effect, s.rule, s.clause) FROM screen('$account', '$chip', '$region', '[${from}Z,${to}Z)'" . join('', map { ", $_ => '$o{$_}'" } sort keys %o) . ') AS s');
}

sub policy { my ($name) = @_; return "SELECT create_policy('$name');" }

sql("SELECT create_account('narrow', currency => 'USD', jurisdiction => 'KZ'), create_region('there', jurisdiction => 'SG')");
for my $order (0, 1)
{
	my $policy = "order $order";
	my @rules = ("SELECT create_access_rule('broad $order', '$policy', 'deny', 'clause 1', jurisdictions => '{KZ}', accelerators => '{nvidia/a100,nvidia/h100}');",
		"SELECT create_access_rule('narrow $order', '$policy', 'allow', 'clause 2', accounts => '{narrow}', accelerators => '{nvidia/a100}', regions => '{there}');");
	sql(policy($policy) . join '', $order ? reverse @rules : @rules);
	my $ask = sub { return screened('narrow', 'nvidia/a100-sxm4-40gb', 'there', '2027-01-04', '2027-01-05') };
	is($ask->(), "deny | broad $order | clause 1", 'the denial stands, whichever rule came first');
	sql("SELECT grant_licence('narrow', 'narrow $order', '[2027-01-01Z,2028-01-01Z)', kind => 'exception')");
	is($ask->(), "deny | broad $order | clause 1", 'an exception to the other rule lifts nothing');
	sql("SELECT grant_licence('narrow', 'broad $order', '[2027-01-01Z,2028-01-01Z)', kind => 'exception')");
	like($ask->(), qr/^allow/, 'one that names it does');
	like(sql("SELECT s.used::text || s.reason FROM screen('narrow', 'nvidia/a100-sxm4-40gb', 'there', '[2027-01-04Z,2027-01-05Z)') AS s"), qr/broad $order/, 'and is named in the answer');
	like(screened('narrow', 'nvidia/h100-sxm5-80gb', 'there', '2027-12-31', '2028-01-02'), qr/^deny \| broad/, 'for as long as it holds');
}

# ------------------------------------------------------------------ a licence that ends during the booking
{
	my $pool = pool(8);
	sql(policy('licensed') . q{SELECT create_access_rule('needs one', 'licensed', 'needs_licence', 'clause 3', accounts => '{red}');
		SELECT grant_licence('red', 'needs one', '[2027-01-01Z,2027-06-01Z)')});
	my $ask = sub { return book($pool, 8, "2027-$_[0] 00:00", "2027-$_[1] 00:00", account => 'red', now => '2027-01-01 00:00') };
	my $said = $ask->('05-20', '06-10');
	is_refused($said, 'LC026', 'nine days without a licence');
	like($said, qr/needs one/, 'the rule is named');
	like($said, qr/clause 3/, 'and its clause');
	like($said, qr/2027-06-01/, 'and from when on');
	is_booked($ask->('05-20', '06-01'), 'to the end of the licence');
	is_refused($ask->('06-01', '06-02'), 'LC026', 'from its end on');
	# two cover together if they touch
	sql(q{SELECT grant_licence('red', 'needs one', '[2027-06-01Z,2027-07-01Z)'), grant_licence('red', 'needs one', '[2027-07-02Z,2027-08-01Z)')});
	is_booked($ask->('06-01', '06-10'), 'from one into the next');
	$said = $ask->('06-20', '07-10');
	is_refused($said, 'LC026', 'a day between two');
	like($said, qr/2027-07-01/, 'which is named');
}

# ------------------------------------------------------------------ nobody knows the parent
{
	sql(q{SELECT create_account('veiled', currency => 'USD', jurisdiction => 'SG'), load_policy('us-export', events => '{book}');
		SELECT set_party('veiled', 'SG', NULL);});
	like(screened('veiled', 'nvidia/h100-sxm5-80gb', 'there', '2024-01-10', '2024-01-12'), qr/^review/, 'H100 for a party whose parent is not known: people decide');
	like(sql("SELECT s.reason FROM screen('veiled', 'nvidia/h100-sxm5-80gb', 'there', '[2024-01-10Z,2024-01-12Z)') AS s"), qr/parent/, 'and the fact that is missing is named');
	like(screened('veiled', 'nvidia/h100-sxm5-80gb', 'there', '2023-06-01', '2023-06-02'), qr/^allow/, 'a fact that no rule in force asks for is not missing');
	sql(q{SELECT set_party('veiled', 'SG', 'SG', valid_from => '2024-02-01Z')});
	like(screened('veiled', 'nvidia/h100-sxm5-80gb', 'there', '2024-02-10', '2024-02-12'), qr/^allow/, 'once it is known, it is free');
	# a chip that nobody has figures of
	sql(q{INSERT INTO accelerator_model (accelerator, name, data_center) VALUES ('pci0009/x1', 'X1', true)});
	my $asked = sub { my ($account, $chip, $from, $to) = @_; return sql("SELECT concat_ws(' ', s.effect, s.reason) FROM screen('$account', '$chip', 'there', '[${from}Z,${to}Z)') AS s") };
	like($asked->('veiled', 'pci0009/x1', '2024-01-10', '2024-01-12'), qr/^review .*parent/, 'a chip without a TPP for that party: people decide');
	sql(q{SELECT create_account('owned', currency => 'USD', jurisdiction => 'SG'), set_party('owned', 'SG', 'CN')});
	like($asked->('owned', 'pci0009/x1', '2024-01-10', '2024-01-12'), qr/^review .*pci0009\/x1/, 'and for one of a country that the rule is about: the chip is what nobody knows');
	like($asked->('veiled', 'pci0009/x1', '2024-02-10', '2024-02-12'), qr/^allow/, 'where the rule does not ask for the figure, it is not missing');
	sql(q{SELECT create_region('unmeasured', jurisdiction => 'DE')});
	my $pool = sql(q{SELECT create_pool('unmeasured', 'pci0009/x1')});
	sql("SELECT offer_devices($pool, 8, '[2027-01-01Z,)', now => '2027-01-01Z')");
	my $said = book($pool, 8, '10:00', '12:00', account => 'owned');
	is_refused($said, 'LC026', 'it is booked');
	like($said, qr/review/, 'for review');
	is(sql("SELECT count(*) FROM reservation WHERE pool = $pool"), 0, 'and books nothing');
}

# ------------------------------------------------------------------ asked for by name
{
	sql(q{SELECT create_account('patients', currency => 'USD', jurisdiction => 'DE'), set_flag('patients', 'personal-data'), load_policy('data-residency');
		SELECT set_party(name, 'DE', 'DE') FROM unnest('{patients,blue,green}'::text[]) AS name;
		SELECT create_region('us-east', jurisdiction => 'US'), create_region('eu-west', jurisdiction => 'IE')});
	my ($us, $eu) = map { my $p = sql("SELECT create_pool('$_', 'nvidia/h100-sxm5-80gb')"); sql("SELECT offer_devices($p, 8, '[2027-01-01Z,)', now => '2027-01-01Z')"); $p } qw(us-east eu-west);
	my $said = book($us, 8, '10:00', '20:00', account => 'patients');
	is_refused($said, 'LC026', 'a pool outside, though it is asked for by name');
	like($said, qr/European Union/, 'by the clause');
	$said = try("SELECT b.* FROM book('patients', ARRAY[ROW($eu, 4, '" . span('10:00', '20:00') . "'), ROW($us, 4, '" . span('10:00', '20:00') . "')]::reservation_piece[], now => '" . at('08:00') . "') AS b");
	is_refused($said, 'LC026', 'a gang with one piece outside');
	is_booked(book($eu, 8, '10:00', '20:00', account => 'patients'), 'inside');
	is_refused(book($eu, 8, '10:00', '20:00', account => 'patients'), 'LC020', 'inside is full: it waits');
	is(sql("SELECT count(*) FROM reservation WHERE pool = $us"), 0, 'and nothing is booked outside');
	my $r = sql("SELECT id FROM reservation WHERE pool = $eu");
	sql("SELECT set_flag('blue', 'personal-data')");
	is(sql("SELECT count(*) FROM rescreen(now => '" . at('08:00') . "') WHERE reservation = $r"), 0, 'what is lawful is not listed after a change');
	my $outside = sql("SELECT reservation FROM book('green', $us, 8, '" . span('10:00', '20:00') . "', confirmed => true, now => '" . at('08:00') . "')");
	sql("SELECT set_flag('green', 'personal-data')");
	is(sql("SELECT count(*) FROM rescreen(now => '" . at('08:00') . "') WHERE reservation = $outside"), 1, 'what is not any more is');
}

is(sql('SELECT * FROM check_ledger()'), '', 'check_ledger() finds nothing');
done_testing();
