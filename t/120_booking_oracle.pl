# Pools and bookings against a model that adds everything up (BookingModel.pm): random pools, offers, reductions and shares,
# bookings, changes, cancellations, holds that lapse, starts and ends, cards cut into slices, what centres answer and report, on a
# replayed clock.  After each call the answer, or the
# reason of the refusal, what is free in every pool at every instant, and each reservation are what the model says.
#
# COMPUTE_LEDGER_SEED, COMPUTE_LEDGER_ROUNDS and COMPUTE_LEDGER_STEPS say which, how many and how long: what differs is found
# again with the seed that is printed and one round.
use strict;
use warnings;
use File::Basename;
use File::Spec;
use List::Util qw(first max min shuffle);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use lib dirname(File::Spec->rel2abs(__FILE__));
use BookingModel;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261130;
my $rounds = $ENV{COMPUTE_LEDGER_ROUNDS} // 6;
my $steps = $ENV{COMPUTE_LEDGER_STEPS} // 100;
note "seed $seed, $rounds rounds of $steps steps";

my $node = PostgreSQL::Test::Cluster->new('booking_oracle');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\nclient_min_messages = warning\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_account('zq1', currency => 'USD'), create_account('zq1/lab', parent => 'zq1'), create_account('zq1ed', currency => 'USD'), create_account('zq2', currency => 'USD');
	SELECT create_region('site');
	SELECT offer_devices(create_pool('site', 'nvidia/h100-sxm5-80gb', 'clock'), 1000000, '[2020-01-01,)');
} . BookingModel::try() . q{
	CREATE FUNCTION at(seconds numeric) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS 'SELECT to_timestamp(seconds)';
	CREATE FUNCTION span("from" numeric, "to" numeric) RETURNS tstzrange LANGUAGE sql IMMUTABLE AS 'SELECT tstzrange(to_timestamp("from"), to_timestamp("to"))';
	CREATE FUNCTION seconds(at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT trim_scale(extract(epoch FROM at))::text $$;

	-- What is free, and every reservation, as lines.
	CREATE FUNCTION observe(pools bigint[], period tstzrange, now timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
		SELECT concat_ws(' ', 'free', p.id, seconds(lower(s.period)), seconds(upper(s.period)), trim_scale(s.level))
		FROM unnest(pools) AS p (id), compute_ledger.steps(compute_ledger.pool_availability(p.id, period, now)) AS s WHERE s.level <> 0
		UNION ALL
		SELECT concat_ws(' ', 'room', a.pool, seconds(lower(s.period)), seconds(upper(s.period)), trim_scale(s.level))
		FROM compute_ledger._pools_available(pools, period, now, true) AS a, compute_ledger.steps(a.free) AS s WHERE s.level <> 0
		UNION ALL
		SELECT concat_ws(' ', 'has', r.id, CASE WHEN r.state = 'held' AND r.held_until <= now THEN 'lapsed' ELSE r.state END, r.devices, seconds(lower(r.period)), seconds(upper(r.period)), CASE WHEN r.accepted_at IS NULL THEN 'not' END, 'accepted')
		FROM compute_ledger.reservation AS r WHERE r.pool = ANY (pools)
	$$;
});
my $session;
{
	# it would say every query and every answer
	no warnings qw(redefine once);
	*PostgreSQL::Test::BackgroundPsql::note = sub { };
}

my %code = (invalid => qr/^(22|LC003|LC006|LC007)/, capacity => qr/^(LC020|22003)/, state => qr/^LC021/, conflict => qr/^LC022/, in_way => qr/^LC023/, doubt => qr/^LC024/);
use constant { DAY => 86400, HOUR => 3600 };

sub chance { return rand() < $_[0] }
sub one_of { return $_[ rand @_ ] }
sub at { my ($at) = @_; return defined $at ? "at($at)" : 'NULL' }
sub span { my ($from, $to) = @_; return 'span(' . ($from // 'NULL') . ', ' . ($to // 'NULL') . ')' }
sub value { my ($v) = @_; return defined $v ? $v : 'NULL' }
sub text { my ($v) = @_; return defined $v ? "'$v'" : 'NULL' }

my (%asked, %answered, $wrong, @log);
my $preempted = 0;

# Runs a call, and compares what it says with what the model says; answers what is behind "ok", or undef if it was refused.
sub call
{
	my ($model, $what, $sql, $expected) = @_;
	my $said = $session->query("SELECT try(\$call\$$sql\$call\$)");
	push @log, "$sql\n--> $said";
	$asked{$what}++;
	$answered{$what}++ if $said =~ /^ok /;
	if (exists $expected->{ok})
	{
		return wrong("$what was refused", $sql, $said) if $said !~ /^ok /;
		return $said =~ s/^ok //r;
	}
	wrong("$what should be refused: $expected->{refused}", $sql, $said) if !grep { $said =~ $code{$_} } $expected->{refused}, @{ $expected->{or} // [] };
	if ($expected->{refused} eq 'in_way')
	{
		# the numbers of those in the way, and nobody's name
		my ($detail) = $said =~ m{ / (.*)}s;
		my @not = grep { $detail !~ /\b$_\b/ } @{ $expected->{of} };
		wrong("$what does not name reservations @not of @{ $expected->{of} }", $sql, $said) if @not && @{ $expected->{of} } <= 5;
	}
	wrong("$what names an account", $sql, $said) if $said =~ /zq/;
	return;
}

sub wrong
{
	my (@what) = @_;
	$wrong++;
	diag join "\n\t", @what if $wrong <= 5;
	diag join "\n", "all that was called:", @log if $wrong == 1;
	return;
}

# Compares what is free and what each reservation has.
sub compare
{
	my ($model, $from, $to) = @_;
	my @pools = sort { $a <=> $b } keys %{ $model->{pools} };
	my $said = $session->query("SELECT * FROM observe('{" . join(',', @pools) . "}', " . span($from, $to) . ', ' . at($model->{now}) . ')');
	my (%free, %room, %has);
	for (split /\n/, $said)
	{
		my ($what, $of, @rest) = split / /;
		if ($what eq 'has') { $has{$of} = "@rest" }
		else { push @{ ($what eq 'free' ? \%free : \%room)->{$of} }, \@rest }
	}
	for my $of (map { [ $_, 0 ], [ $_, 1 ] } @pools)
	{
		my ($id, $preempting) = @$of;
		my @got;
		for my $s (sort { $a->[0] <=> $b->[0] } @{ ($preempting ? $room{$id} : $free{$id}) // [] })
		{
			if (@got && $got[-1][1] == $s->[0] && $got[-1][2] == $s->[2]) { $got[-1][1] = $s->[1] }
			else { push @got, $s }
		}
		my @expected = $model->{pools}{$id}{doubted} && !$preempting ? () : $model->free($model->{pools}{$id}, $from, $to, $preempting);
		my ($got, $expected) = map { join ' ', map { sprintf '%s+%s:%s', $_->[0] - $model->{now}, $_->[1] - $_->[0], $_->[2] } @$_ } \@got, \@expected;
		wrong("pool $id has other devices " . ($preempting ? 'for whom others give way' : 'free'), "got      $got", "expected $expected") if $got ne $expected;
	}
	for my $id (sort { $a <=> $b } keys %{ $model->{reservations} })
	{
		my $r = $model->{reservations}{$id};
		my $expected = "@{$r}{qw(state devices from to)} " . ($r->{accepted} ? 'accepted' : 'not accepted');
		wrong("reservation $id is another", "got      " . ($has{$id} // ''), "expected $expected") if ($has{$id} // '') !~ ($r->{state} =~ /^(held|confirmed|running)$/ ? qr/^\Q$expected\E$/ : qr/^$r->{state} /);
		delete $has{$id};
	}
	wrong("reservations that nobody asked for: @{[ %has ]}") if %has;
	return;
}

# ------------------------------------------------------------------ a world

my $pool_number = 0;

sub make_pool
{
	my ($model) = @_;
	my %pool = (granule => one_of(1, 1, 2, 4, 8), slot => 60 * one_of(1, 15, 30, 60), horizon => DAY * one_of(60, 100), hold => 60 * one_of(15, 60, 600), host => one_of(undef, 'zq1'), notice => one_of(undef, 0, 300, 3 * HOUR),
		a_card => chance(0.3) ? 7 : 1, offers => [], shares => [], reductions => {}, reports => 0);
	$pool_number++;
	my $chip = 'nvidia/h100-sxm5-80gb' . ($pool{a_card} == 7 ? ':1g.10gb' : '');
	$pool{id} = $session->query("SELECT create_pool('site', '$chip', 'p$pool_number', granule => $pool{granule}, slot_minutes => " . $pool{slot} / 60 . ", horizon => interval '$pool{horizon} seconds',
		hold => interval '$pool{hold} seconds', host => " . text($pool{host}) . ')');
	BAIL_OUT("no pool: $pool{id} $session->{stderr}") if $pool{id} !~ /^\d+$/;
	$session->query("SELECT offer_idle($pool{id}, 0.1, 'USD', interval '$pool{notice} seconds', now => '2020-01-01')") if defined $pool{notice};
	push @log, "-- pool $pool{id}: " . join ', ', map { "$_ " . ($pool{$_} // '-') } qw(granule slot horizon hold host a_card notice);
	return $model->{pools}{ $pool{id} } = \%pool;
}

# In an order that is the same in every run.
sub pools { my ($model) = @_; return map { $model->{pools}{$_} } sort { $a <=> $b } keys %{ $model->{pools} } }
sub reservations { my ($model) = @_; return map { $model->{reservations}{$_} } sort { $a <=> $b } keys %{ $model->{reservations} } }

# An instant on the pool's slots, from now on, mostly near.
sub some_time
{
	my ($model, $pool) = @_;
	my $at = $model->{now} + rand(one_of(HOUR, 12 * HOUR, DAY, 2 * DAY, 40 * DAY));
	return $pool->{slot} * int($at / $pool->{slot} + 1);
}

sub some_period
{
	my ($model, $pool) = @_;
	my $from = some_time($model, $pool);
	my $to = $from + $pool->{slot} * int(1 + rand(one_of(2, 12 * HOUR, 2 * DAY, 4 * DAY, 45 * DAY)) / $pool->{slot});
	$to = DAY * int($to / DAY + 1) if chance(0.1) && $to - $from > DAY;
	return ($from, $to);
}

# Centres do not plan on the pool's slots.
sub any_period
{
	my ($from, $to) = some_period(@_);
	return chance(0.5) ? ($from, $to) : ($from + int rand 60, $to + int rand 100);
}

sub some_devices { my ($pool) = @_; return $pool->{granule} * int(1 + rand one_of(2, 4, 12)) }

# One thing that is wrong with a piece.
sub spoil
{
	my ($pool, $piece) = @_;
	my @piece = @$piece;
	my @ways = (sub { $piece[1] = 0 }, sub { $piece[1] = -$pool->{granule} }, sub { $piece[1] = undef }, sub { $piece[3] = $piece[2] }, sub { $piece[2] = undef }, sub { $piece[3] = undef });
	push @ways, sub { $piece[1]++ } if $pool->{granule} > 1;
	push @ways, sub { $piece[3]++ };
	push @ways, sub { $piece[2] -= 200 * DAY }, sub { $piece[3] += 200 * DAY };
	one_of(@ways)->();
	return \@piece;
}

# ------------------------------------------------------------------ steps

my $requests = 0;
my %repeat;

# A piece at the time of a reservation that would give way, or any.
sub in_its_time
{
	my ($model) = @_;
	my $r = first { defined $_->{notice} && $model->stands($_) && $_->{to} > $model->{now} + $_->{notice} } shuffle reservations($model);
	my $pool = $r ? $model->{pools}{ $r->{pool} } : one_of(pools($model));
	my ($from, $to) = some_period($model, $pool);
	$from = $pool->{slot} * int(max($r->{from}, $model->{now} + one_of(0, 1, 1, 2) * $r->{notice} + $pool->{slot}) / $pool->{slot}) if $r;
	$to = max($to, $from + $pool->{slot});
	return [ $pool->{id}, max($pool->{granule}, BookingModel::limit($pool, $from) - $pool->{granule} * one_of(0, 1, 3)), $from, $to ];
}

sub step_book
{
	my ($model) = @_;
	my @pools = grep { defined } (shuffle pools($model))[ 0 .. (chance(0.25) ? 1 : 0) ];
	push @pools, $pools[0] if chance(0.05);
	my @pieces = map { [ $_->{id}, some_devices($_), some_period($model, $_) ] } @pools;
	@pieces = map { [ $_->[0], $_->[1], @{ $pieces[0] }[ 2, 3 ] ] } @pieces if @pieces > 1 && !grep { $_->{slot} != $pools[0]{slot} } @pools;
	my $in_its_time = chance(0.35);
	@pieces = in_its_time($model) if $in_its_time;
	$pieces[0] = spoil($model->{pools}{ $pieces[0][0] }, $pieces[0]) if chance(0.08);
	my $account = one_of(qw(zq1 zq1/lab zq1ed zq2));
	my %o = (priority => one_of(0, 0, 1, 2, -1), confirmed => chance($in_its_time ? 0.9 : 0.5) ? 1 : 0, hold => @pieces > 1 || chance(0.3) ? 60 * one_of(5, 100, 1000) : undef, request => chance(0.2) ? 'q' . $requests++ : undef, preemptible => chance($in_its_time ? 0.1 : 0.6) ? 1 : 0);
	my $form = @pieces == 1 && chance(0.5);
	if (my $old = chance(0.15) && $repeat{$account})
	{
		# the same once more, or something else under its name
		my $account = $old->{account};
		(my $pieces, my $o, $form) = @{$old}{qw(pieces o form)};
		$pieces = [ map { [ @{$_}[ 0 .. 2 ], $_->[3] + $model->{pools}{ $_->[0] }{slot} ] } @$pieces ] if chance(0.3);
		return book($model, $account, $pieces, $o, $form);
	}
	return book($model, $account, \@pieces, \%o, $form);
}

sub book
{
	my ($model, $account, $pieces, $o, $form) = @_;
	my $rest = sprintf 'request => %s, priority => %s, confirmed => %s, hold => %s, preemptible => %s, now => %s', text($o->{request}), $o->{priority}, $o->{confirmed} ? 'true' : 'false',
		defined $o->{hold} ? "interval '$o->{hold} seconds'" : 'NULL', $o->{preemptible} ? 'true' : 'false', at($model->{now});
	my $what = $form ? "$pieces->[0][0], " . value($pieces->[0][1]) . '::bigint, ' . span(@{ $pieces->[0] }[ 2, 3 ])
		: 'ARRAY[' . join(', ', map { "ROW($_->[0], " . value($_->[1]) . ', ' . span(@{$_}[ 2, 3 ]) . ')::reservation_piece' } @$pieces) . ']';
	my $expected = $model->book($account, $pieces, %$o);
	my $said = call($model, 'book', "SELECT string_agg(concat_ws(' ', b.booking, b.reservation, b.pool, b.devices), ',') FROM book('$account', $what, $rest) AS b", $expected);
	return if !defined $said;
	my @rows = map { [ split / / ] } split /,/, $said;
	if ($expected->{again})
	{
		my $first = join ',', sort map { $_->{id} } @{ $expected->{ok} };
		my $now = join ',', sort map { $_->[1] } @rows;
		wrong("a request that is repeated is answered with $now for $first") if $now ne $first;
		return;
	}
	# in the order of the pieces, as they were asked for
	my $new = $expected->{ok};
	return wrong('other rows than pieces', $said) if join(';', map { "$_->[2] $_->[3]" } @rows) ne join ';', map { "$_->{pool} $_->{devices}" } @$new;
	$model->number($rows[0][0], $new, map { $_->[1] } @rows);
	$repeat{$account} = { account => $account, pieces => $pieces, o => $o, form => $form } if defined $o->{request};
	return;
}

# A reservation, mostly one that stands.
sub some_reservation
{
	my ($model) = @_;
	my @all = reservations($model);
	my @standing = grep { $model->stands($_) && !$model->is_over($_) } @all;
	return chance(0.9) && @standing ? one_of(@standing) : one_of(@all);
}

sub step_confirm
{
	my ($model) = @_;
	my $r = some_reservation($model) or return;
	call($model, 'confirm', "SELECT confirm_reservation($r->{id}, " . at($model->{now}) . ')', $model->confirm($r));
	return;
}

sub step_cancel
{
	my ($model) = @_;
	my $r = some_reservation($model) or return;
	call($model, 'cancel', "SELECT cancel_reservation($r->{id}, now => " . at($model->{now}) . ')', $model->cancel($r));
	return;
}

# Makes a call; sometimes under an id, and then perhaps once more, the same or another.
sub again
{
	my ($model, $r, $do) = @_;
	my $request = chance(0.25) ? 'c' . $requests++ : undef;
	$do->($request, 0);
	return if !defined $request;
	$do->($request, 0) if chance(0.5);
	$do->($request, 1) if chance(0.3);
	return;
}

sub step_extend
{
	my ($model) = @_;
	my $r = some_reservation($model) or return;
	my $pool = $model->{pools}{ $r->{pool} };
	my $until = $r->{to} + $pool->{slot} * int(rand(one_of(6 * HOUR, 3 * DAY, 30 * DAY)) / $pool->{slot});
	$until++ if chance(0.05);
	return if $until == $r->{to};
	again($model, $r, sub {
		my ($request, $more) = @_;
		my $until = $until + $more * $pool->{slot};
		call($model, 'extend', "SELECT extend_reservation($r->{id}, " . at($until) . ', ' . text($request) . ', ' . at($model->{now}) . ')', $model->extend($r, $until, $request));
	});
	return;
}

sub step_shrink
{
	my ($model) = @_;
	my $r = some_reservation($model) or return;
	my $pool = $model->{pools}{ $r->{pool} };
	my $first = $pool->{slot} * int(max($r->{from}, $model->{now}) / $pool->{slot} + 1);
	my $devices = chance(0.6) ? $r->{devices} - $pool->{granule} * int(1 + rand 3) : undef;
	my $until = !defined $devices || chance(0.3) ? $first + $pool->{slot} * int(rand(max(0, $r->{to} - $first)) / $pool->{slot}) : undef;
	return if defined $until && $until == $r->{to};
	again($model, $r, sub {
		my ($request, $more) = @_;
		my $devices = $more ? ($devices // $r->{devices}) - $pool->{granule} : $devices;
		call($model, 'shrink', "SELECT shrink_reservation($r->{id}, " . value($devices) . ', ' . at($until) . ', ' . text($request) . ', ' . at($model->{now}) . ')', $model->shrink($r, $devices, $until, $request));
	});
	return;
}

sub step_move
{
	my ($model) = @_;
	my $r = some_reservation($model) or return;
	return if $r->{from} == $model->{now};
	my $pool = $model->{pools}{ $r->{pool} };
	my ($from, $to) = some_period($model, $pool);
	if (chance(0.4)) { my $by = $pool->{slot} * int(rand(5)); ($from, $to) = ($r->{from} + $by, $r->{to} + $by) }
	if ($r->{from} < $model->{now} && chance(0.8)) { ($from, $to) = ($r->{from}, max($to, $r->{to} - $pool->{slot})) }
	my $devices = chance(0.5) ? some_devices($pool) : undef;
	again($model, $r, sub {
		my ($request, $more) = @_;
		my $to = $to + $more * $pool->{slot};
		call($model, 'move', "SELECT move_reservation($r->{id}, " . span($from, $to) . ', ' . value($devices) . ', ' . text($request) . ', ' . at($model->{now}) . ')', $model->move($r, $from, $to, $devices, $request));
	});
	return;
}

# Reservations of a pool that run beyond their end keep others from starting; here they are ended first.
sub step_start
{
	my ($model) = @_;
	end($model, $_) for grep { $_->{state} eq 'running' && $model->is_over($_) } reservations($model);
	my $r = first { $_->{state} eq 'confirmed' && $_->{from} <= $model->{now} && $model->{now} < $_->{to} } reservations($model);
	$r = some_reservation($model) if chance(0.2);
	return if !$r;
	# too few devices just now: what start says then is another test's
	return if $model->booked($model->{pools}{ $r->{pool} }, $model->{now}) > BookingModel::limit($model->{pools}{ $r->{pool} }, $model->{now});
	call($model, 'start', "SELECT start_reservation($r->{id}, " . at($model->{now}) . ')', $model->start($r));
	return;
}

sub end
{
	my ($model, $r) = @_;
	call($model, 'end', "SELECT end_reservation($r->{id}, now => " . at($model->{now}) . ')', $model->end($r));
	return;
}

sub step_end
{
	my ($model) = @_;
	my @running = grep { $_->{state} eq 'running' } reservations($model);
	end($model, one_of(@running)) if @running;
	return;
}

# Compares who was drained, and has the rest of the calls see it.
sub drained
{
	my ($what, $said, $expected) = @_;
	return if !defined $said;
	my $got = join ',', sort { $a <=> $b } split /,/, $said;
	wrong("$what drained $got for @{ $expected->{ok} }") if $got ne join ',', @{ $expected->{ok} };
	return;
}

sub step_offer
{
	my ($model) = @_;
	my $pool = one_of(pools($model));
	my ($from, $to) = chance(0.3) ? ($model->{now} - DAY, undef) : any_period($model, $pool);
	my $now = BookingModel::limit($pool, max($from, $model->{now}));
	my $devices = chance(0.6) ? max(0, $now + int(rand(4 * $pool->{granule})) - 2 * $pool->{granule}) : int rand 40;
	my $drain = chance(0.3) ? 1 : 0;
	my $expected = $model->offer($pool, $devices, $from, $to, $drain);
	drained('offer', scalar call($model, 'offer', "SELECT string_agg(d::text, ',') FROM offer_devices($pool->{id}, $devices, " . span($from, $to) . ', ' . ($drain ? 'true' : 'false') . ', now => ' . at($model->{now}) . ') AS d', $expected), $expected);
	return;
}

sub step_maintenance
{
	my ($model) = @_;
	my $pool = one_of(pools($model));
	my ($from, $to) = any_period($model, $pool);
	my $devices = some_devices($pool);
	my $drain = chance(0.3) ? 1 : 0;
	my $expected = $model->reduce($pool, 'maintenance', $devices, $from, $to, $drain);
	my $said = call($model, 'maintenance', "SELECT concat(maintenance, ' ', array_to_string(drained, ',')) FROM plan_maintenance($pool->{id}, $devices, " . span($from, $to) . ", 'works', " . ($drain ? 'true' : 'false') . ', now => ' . at($model->{now}) . ')', $expected);
	return if !defined $said;
	my ($id, $drained) = split / /, $said;
	BookingModel::number_reduction($pool, $id);
	drained('maintenance', $drained // '', $expected);
	return;
}

sub step_outage
{
	my ($model) = @_;
	my $pool = one_of(pools($model));
	my $from = $model->{now} - int rand HOUR;
	my $to = chance(0.5) ? undef : $model->{now} + int rand DAY;
	my $devices = some_devices($pool);
	my $id = call($model, 'outage', "SELECT record_outage($pool->{id}, $devices, " . span($from, $to) . ", 'fire', now => " . at($model->{now}) . ')', $model->reduce($pool, 'outage', $devices, $from, $to));
	BookingModel::number_reduction($pool, $id // 'lost');
	return;
}

sub step_repair
{
	my ($model) = @_;
	for my $pool (shuffle pools($model))
	{
		my $id = first { !$pool->{reductions}{$_}{withdrawn} && !$pool->{reductions}{$_}{reported} && ($pool->{reductions}{$_}{period}[1] // BookingModel::EVER) > $model->{now} } sort keys %{ $pool->{reductions} } or next;
		my $reduction = $pool->{reductions}{$id};
		if ($reduction->{kind} eq 'outage')
		{
			call($model, 'end_outage', "SELECT end_outage($id, " . at($model->{now}) . ', now => ' . at($model->{now}) . ')', { ok => '' });
			$reduction->{period}[1] = $model->{now};
		}
		else
		{
			call($model, 'cancel_maintenance', "SELECT cancel_maintenance($id, now => " . at($model->{now}) . ')', { ok => '' });
			$reduction->{withdrawn} = 1;
		}
		return;
	}
	return;
}

sub step_share
{
	my ($model) = @_;
	my $pool = first { defined $_->{host} } shuffle pools($model) or return;
	my ($from, $to) = some_period($model, $pool);
	my $percent = one_of(0, 25, 50, 50, 75, 100);
	my $expected = $model->share($pool, $percent, $from, $to, 0);
	call($model, 'share', "SELECT set_guest_share($pool->{id}, $percent / 100.0, " . span($from, $to) . ', now => ' . at($model->{now}) . ')', $expected);
	return;
}

# Cards of one pool go to another; a card is a device, or seven slices.
sub step_cards
{
	my ($model) = @_;
	my ($pool, $other) = shuffle pools($model);
	$other = $pool if !$other || chance(0.05);
	my $at = chance(0.2) ? $model->{now} - int rand DAY : some_time($model, $pool);
	my $cards = 1 + int rand one_of(2, 8);
	my $drain = chance(0.3) ? 1 : 0;
	my $expected = $model->move_cards($pool, $other, $cards, $at, $drain);
	drained('cards', scalar call($model, 'cards', "SELECT string_agg(d::text, ',') FROM move_devices($pool->{id}, $other->{id}, $cards, " . at($at) . ', ' . ($drain ? 'true' : 'false') . ', now => ' . at($model->{now}) . ') AS d', $expected), $expected);
	return;
}

my $centre_ids = 0;
sub step_answer
{
	my ($model) = @_;
	my $r = some_reservation($model) or return;
	my $answer = one_of(qw(accepted accepted accepted refused lost));
	my $centre_id = $answer eq 'accepted' && chance(0.5) ? 'c' . $centre_ids++ : undef;
	again($model, $r, sub {
		my ($request, $more) = @_;
		my $answer = $more ? 'lost' : $answer;
		my $expected = $model->answer($r, $answer, $centre_id, $request);
		my $said = call($model, $answer, "SELECT answer_reservation($r->{id}, '$answer', centre_id => " . text($centre_id) . ', request => ' . text($request) . ', now => ' . at($model->{now}) . ')', $expected);
		wrong("$answer is answered $said", $expected->{ok}) if defined $said && $said ne $expected->{ok};
	});
	return;
}

# A centre's agent reports, that of a pool in doubt first.
sub step_report
{
	my ($model) = @_;
	my ($pool) = sort { ($b->{doubted} // 0) <=> ($a->{doubted} // 0) } shuffle pools($model);
	my @there = grep { $_->{pool} == $pool->{id} && $_->{state} eq 'running' && chance(0.7) } reservations($model);
	my @taken = map { [ $_, int rand one_of(1, 1, 6), chance(0.3) ? undef : $model->{now} + int rand one_of(HOUR, DAY) ] } qw(down local);
	my ($down, $local) = @taken;
	my @held = map { "($_->{devices}, NULL, $_->{id}, NULL)" } @there;
	push @held, "($local->[1], " . at($local->[2]) . ', NULL, NULL)' if $local->[1];
	call($model, 'report', "SELECT report_pool($pool->{id}, ARRAY[" . join(', ', @held) . "]::pool_use[], $down->[1], " . at($down->[2]) . ', now => ' . at($model->{now}) . ')', $model->report($pool, \@there, @taken));
	# what ends now is not there any more
	$model->advance($model->{now} + 1);
	return;
}

my @weights = (book => 30, confirm => 8, cancel => 6, extend => 8, shrink => 6, move => 8, start => 5, end => 3, offer => 6, maintenance => 5, outage => 3, repair => 3, share => 3, cards => 4, answer => 6, report => 8);
my @choices = map { ($weights[ 2 * $_ ]) x $weights[ 2 * $_ + 1 ] } 0 .. $#weights / 2;
my %steps = (book => \&step_book, confirm => \&step_confirm, cancel => \&step_cancel, extend => \&step_extend, shrink => \&step_shrink, move => \&step_move, start => \&step_start,
	end => \&step_end, offer => \&step_offer, maintenance => \&step_maintenance, outage => \&step_outage, repair => \&step_repair, share => \&step_share, cards => \&step_cards, answer => \&step_answer, report => \&step_report);
my %without = map { ($_ => 1) } split /[ ,]+/, $ENV{COMPUTE_LEDGER_WITHOUT} // '';
@choices = grep { !$without{$_} } @choices;

for my $round (1 .. $rounds)
{
	my $s = $seed + $round - 1;
	srand($s);
	$session = $node->background_psql('postgres', on_error_stop => 0);
	my $before = $wrong // 0;
	@log = ("-- seed $s");
	%repeat = ();
	my $model = BookingModel->new;
	# a Monday near the end of a month
	my $begin = 1801180800 + DAY * int rand 30;
	$model->advance($begin);
	make_pool($model) for 1 .. 1 + rand 2.5;
	for my $pool (pools($model))
	{
		my $devices = int rand one_of(16, 40);
		call($model, 'offer', "SELECT string_agg(d::text, ',') FROM offer_devices($pool->{id}, $devices, " . span($begin - DAY, undef) . ', now => ' . at($begin) . ') AS d', $model->offer($pool, $devices, $begin - DAY, undef, 0));
	}
	for my $step (1 .. $steps)
	{
		$model->advance($model->{now} + int rand one_of(1, 100, HOUR, HOUR, 6 * HOUR)) if chance(0.6);
		$model->advance(900 * int($model->{now} / 900 + 1)) if chance(0.2);
		push @log, '-- now ' . gmtime $model->{now};
		$steps{ one_of(@choices) }->($model);
		compare($model, $model->{now}, $begin + 250 * DAY);
		last if ($wrong // 0) > $before;
	}
	# it judges by the last change of a reservation what is over
	my $minute = 60 * int($model->{now} / 60);
	$session->query("SELECT book('zq1', pool_id('site', 'nvidia/h100-sxm5-80gb', 'clock'), 1, " . span($minute, $minute + 60) . ', now => ' . at($model->{now}) . ')');
	my $found = $session->query(q{SELECT * FROM check_ledger() WHERE severity <> 'advice'});
	wrong("check_ledger(): $found") if $found ne '' && ($wrong // 0) == $before;
	$preempted += grep { $_->{told} || $_->{state} eq 'preempted' } reservations($model);
	is(($wrong // 0) - $before, 0, "round $round, seed $s: everything is as the model says");
	$session->quit;
}
cmp_ok($preempted, '>', 0, 'reservations gave way');
note join ', ', map { "$answered{$_} of $asked{$_} $_" } sort grep { $answered{$_} } keys %asked;
cmp_ok(($answered{book} // 0), '>', $rounds, 'there were bookings');
done_testing();
