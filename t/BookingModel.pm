# Pools and reservations kept in the plainest way: each reservation is a list of stretches with devices, and what is booked is
# added up at every instant at which anything changes; not a test.
#
# What is wrong in several ways may be refused for any of them: or, a list.
# Instants are seconds; a period is [from, to), to undef: no end.  Each change returns { ok => what is answered } or
# { refused => why }, and changes nothing if it is refused.  Why: invalid (the call itself), capacity, state, conflict
# (the request said something else before), in_way (reservations are, listed in of), doubt.
package BookingModel;
use strict;
use warnings;
use List::Util qw(first max min sum0);

# A function for tests: what a call answers, or the code and words of its refusal.
sub try
{
	return q{
	CREATE FUNCTION try(sql text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		answer text;
		detail text;
	BEGIN
		EXECUTE sql INTO answer;
		RETURN concat('ok ', answer);
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
		RETURN concat(SQLSTATE, ' ', SQLERRM, ' / ', detail);
	END $$;
	};
}

use constant EVER => 1 << 52;

sub new { return bless { pools => {}, reservations => {}, answers => {}, now => 0 }, $_[0] }

sub refused { my ($why, @of) = @_; return { refused => $why, of => [ sort { $a <=> $b } @of ] } }

# ------------------------------------------------------------------ what a pool offers

sub in { my ($period, $at) = @_; return $period->[0] <= $at && $at < ($period->[1] // EVER) }

# What may be booked at an instant, all together or guests; or what might be had nothing happened but what is planned.
sub limit
{
	my ($pool, $at, $guests, $planned) = @_;
	my $offer = first { in($_->{period}, $at) } reverse @{ $pool->{offers} };
	my $devices = $offer ? $offer->{devices} : 0;
	$devices -= $_->{devices} // $devices for grep { !$_->{withdrawn} && in($_->{period}, $at) && !($planned && $_->{kind} eq 'outage') } values %{ $pool->{reductions} };
	$devices = max(0, $devices);
	$devices -= $devices % $pool->{granule};
	if ($guests && defined $pool->{host})
	{
		my $share = first { in($_->{period}, $at) } reverse @{ $pool->{shares} };
		$devices = int($devices * $share->{percent} / 100) if $share && defined $share->{percent};
		$devices -= $devices % $pool->{granule};
	}
	return $devices;
}

# ------------------------------------------------------------------ what is booked

# Notes the holds that have run out.
sub advance
{
	my ($self, $now) = @_;
	$self->{now} = $now;
	for my $r (values %{ $self->{reservations} })
	{
		@{$r}{qw(state stretches)} = ('lapsed', []) if $r->{state} eq 'held' && $r->{held_until} <= $now;
	}
	return;
}

sub taken { my ($r, $at) = @_; return sum0(map { $_->[2] } grep { in($_, $at) } @{ $r->{stretches} }) }

sub of_pool { my ($self, $pool) = @_; return grep { $_->{pool} == $pool->{id} } values %{ $self->{reservations} } }

# What all reservations of a pool, or those of guests, take at an instant; with stretches of one in place of its own.
sub booked
{
	my ($self, $pool, $at, $guests) = @_;
	return sum0(map { taken($_, $at) } grep { !$guests || $_->{guest} } $self->of_pool($pool));
}

# The instants in a period at which anything of a pool changes, and its start.
sub instants
{
	my ($self, $pool, $from, $to) = @_;
	my %at = ($from => 1);
	for my $p ((map { $_->{period} } @{ $pool->{offers} }, @{ $pool->{shares} }, values %{ $pool->{reductions} }), map { @{ $_->{stretches} } } $self->of_pool($pool))
	{
		$at{$_} = 1 for grep { defined && $_ > $from && $_ < $to } @{$p}[ 0, 1 ];
	}
	return sort { $a <=> $b } keys %at;
}

# What is free, as [from, to, devices] where there is any; for whom others give way, if so.
sub free
{
	my ($self, $pool, $from, $to, $preempting) = @_;
	my @giving = grep { $preempting && defined $_->{notice} && $self->stands($_) } $self->of_pool($pool);
	my %at = map { ($_ => 1) } $self->instants($pool, $from, $to), grep { $_ > $from && $_ < $to } map { $self->{now} + $_->{notice} } @giving;
	my @at = ((sort { $a <=> $b } keys %at), $to);
	my @free;
	for my $n (0 .. $#at - 1)
	{
		my $at = $at[$n];
		my $devices = limit($pool, $at) - $self->booked($pool, $at) + sum0(map { taken($_, $at) } grep { $self->{now} + $_->{notice} <= $at } @giving);
		next if $devices <= 0;
		if (@free && $free[-1][1] == $at[$n] && $free[-1][2] == $devices) { $free[-1][1] = $at[ $n + 1 ] }
		else { push @free, [ @at[ $n, $n + 1 ], $devices ] }
	}
	return @free;
}

# Where a reservation that takes stretches instead of those that it has takes more than before, what there is must do for all;
# where it takes no more, it asks for nothing.  The first instant at which it does not: of all, or else of guests; undef: it does.
sub lacks
{
	my ($self, $r, $stretches) = @_;
	my $pool = $self->{pools}{ $r->{pool} };
	my $was = {%$r};
	my $new = !$self->{reservations}{ $r->{id} // '' };
	$r->{stretches} = $stretches;
	$self->{reservations}{new} = $r if $new;
	my @at = sort { $a <=> $b } grep { $_ >= $self->{now} } $self->instants($pool, $self->{now}, EVER), map { @{$_}[ 0, 1 ] } @{ $was->{stretches} };
	@at = grep { taken($r, $_) > taken($was, $_) } @at;
	my @lack = map { my $guests = $_; my $at = first { $self->booked($pool, $_, $guests) > limit($pool, $_, $guests) } @at; defined $at ? [ $guests, $at ] : () } 0, $r->{guest} ? 1 : ();
	delete $self->{reservations}{new};
	$r->{stretches} = $was->{stretches};
	return $lack[0];
}

# What is preemptible gives way at an instant, if its notice can be kept: the lowest priority, then the latest booked.  All pieces of a
# booking do: those that have begun end then, the others are given up.
sub preempt
{
	my ($self, $pool, $guests, $at) = @_;
	my ($first) = sort { $a->{priority} <=> $b->{priority} || $b->{id} <=> $a->{id} }
		grep { defined $_->{notice} && $self->stands($_) && taken($_, $at) && (!$guests || $_->{guest}) && $self->{now} + $_->{notice} <= $at } $self->of_pool($pool);
	return 0 if !$first;
	for my $r (grep { $self->stands($_) && $_->{to} > $at } $self->pieces($first))
	{
		if ($r->{from} > $self->{now}) { @{$r}{qw(state stretches)} = ('preempted', []) }
		else
		{
			$r->{stretches} = cut($r, $at);
			$r->{told} = 1;
			if ($at <= max($r->{from}, $self->{now})) { $r->{state} = 'preempted' }
			else { $r->{to} = $at }
		}
	}
	return 1;
}

# All reservations as they are, and making them so again.
sub kept { my ($self) = @_; return map { [ $_, {%$_} ] } values %{ $self->{reservations} } }
sub put_back { %{ $_->[0] } = %{ $_->[1] } for @_; return }

# Lets reservations take stretches, one after the other: [reservation, stretches]...; others give way if need be and they may ask for
# that.  False, and all is as it was, if there is no room.
sub take
{
	my ($self, $preempting, @changes) = @_;
	my @before = $self->kept;
	my $fits = 1;
	my $n = 0;
	for my $change (@changes)
	{
		my ($r, $stretches) = @$change;
		my $lack;
		while ($lack = $self->lacks($r, $stretches))
		{
			last if !$preempting || !$self->preempt($self->{pools}{ $r->{pool} }, @$lack);
		}
		if ($lack) { $fits = 0; last }
		$r->{stretches} = $stretches;
		$self->{reservations}{ 'new ' . $n++ } = $r if !defined $r->{id};
	}
	delete $self->{reservations}{$_} for grep { /new/ } keys %{ $self->{reservations} };
	put_back(@before) if !$fits;
	return $fits;
}

sub bad_period
{
	my ($pool, $from, $to) = @_;
	return !defined $from || !defined $to || $from >= $to || $to >= EVER || $from <= -EVER() || $from % $pool->{slot} || $to % $pool->{slot};
}

# A change that cannot be, perhaps for other reasons beside that, as that the pool is in doubt.
sub invalid { my ($self, $pool, @or) = @_; return { %{ refused('invalid') }, or => [ @or, $pool->{doubted} ? 'doubt' : () ] } }

sub bad_devices { my ($pool, $devices) = @_; return !defined $devices || $devices <= 0 || $devices % $pool->{granule} }

sub is_guest
{
	my ($self, $pool, $account) = @_;
	return defined $pool->{host} && $account ne $pool->{host} && index($account, "$pool->{host}/") != 0;
}

# A call that carries the caller's id: the first answer again, or what the call is now answered.
sub once
{
	my ($self, $account, $request, $said, $do) = @_;
	return $do->() if !defined $request;
	my $before = $self->{answers}{$account}{$request};
	return $before->{said} eq $said ? { ok => $before->{ok}, again => 1 } : refused('conflict') if $before;
	my $answer = $do->();
	$self->{answers}{$account}{$request} = { said => $said, ok => $answer->{ok} } if exists $answer->{ok};
	return $answer;
}

# ------------------------------------------------------------------ changes of reservations

# Books pieces [pool, devices, from, to].  The caller says with number() which numbers they were given.
sub book
{
	my ($self, $account, $pieces, %o) = @_;
	my $said = join ' ', 'book', (map { join ',', map { $_ // '' } @$_ } @$pieces), map { "$_=" . ($o{$_} // '') } qw(priority confirmed hold preemptible);
	return $self->once($account, $o{request}, $said, sub {
		return refused('invalid') if !@$pieces || defined $o{hold} && $o{hold} <= 0;
		my @new;
		my $notice = $o{preemptible} ? max(map { $self->{pools}{ $_->[0] } ? $self->{pools}{ $_->[0] }{notice} // EVER : 0 } @$pieces) : undef;
		return refused('invalid') if defined $notice && $notice == EVER;
		my @doubt = grep { $_ && $_->{doubted} } map { $self->{pools}{ $_->[0] } } @$pieces;
		for my $piece (@$pieces)
		{
			my ($id, $devices, $from, $to) = @$piece;
			my $pool = $self->{pools}{$id} or return refused('invalid');
			return { %{ refused('invalid') }, or => [ @$pieces > 1 ? 'capacity' : (), @doubt ? 'doubt' : () ] } if bad_devices($pool, $devices) || bad_period($pool, $from, $to) || $from < $self->{now} || $to > $self->{now} + $pool->{horizon};
			push @new, { pool => $id, account => $account, guest => $self->is_guest($pool, $account), devices => $devices, from => $from, to => $to, stretches => [],
				priority => $o{priority} // 0, notice => $notice, state => $o{confirmed} ? 'confirmed' : 'held', held_until => $self->{now} + ($o{hold} // min(map { $self->{pools}{ $_->[0] }{hold} } grep { $self->{pools}{ $_->[0] } } @$pieces)) };
		}
		my @before = $self->kept;
		my $fits = $self->take($o{confirmed} && !$o{preemptible}, map { [ $_, [ [ $_->{from}, $_->{to}, $_->{devices} ] ] ] } @new);
		put_back(@before) if @doubt;
		return { %{ refused('doubt') }, $fits ? () : (or => ['capacity']) } if @doubt;
		return refused('capacity') if !$fits;
		return { ok => \@new };
	});
}

# Gives what was booked together its numbers.
sub number
{
	my ($self, $booking, $new, @ids) = @_;
	for my $r (@$new)
	{
		$r->{id} = shift @ids;
		$r->{booking} = $booking;
		$self->{reservations}{ $r->{id} } = $r;
	}
	return;
}

sub pieces { my ($self, $r) = @_; return grep { $_->{booking} == $r->{booking} } values %{ $self->{reservations} } }

sub stands { my ($self, $r) = @_; return $r->{state} =~ /^(held|confirmed|running)$/ }
sub is_over { my ($self, $r) = @_; return $r->{to} <= $self->{now} }

sub confirm
{
	my ($self, $r) = @_;
	my @pieces = $self->pieces($r);
	my @held = grep { $_->{state} eq 'held' && !$self->is_over($_) } @pieces;
	# half of what was booked is not confirmed
	return refused('state') if !$self->stands($r) || $self->is_over($r) || @held && grep { !$self->stands($_) || $self->is_over($_) } @pieces;
	$_->{state} = 'confirmed' for @held;
	return { ok => @held ? 'confirmed' : 'confirmed already' };
}

# What a reservation takes, if it is over from then on.
sub cut { my ($r, $at) = @_; return [ map { [ $_->[0], min($_->[1], $at), $_->[2] ] } grep { $_->[0] < $at } @{ $r->{stretches} } ] }

sub cancel
{
	my ($self, $r) = @_;
	my @pieces = grep { $self->stands($_) && !$self->is_over($_) } $self->pieces($r);
	@{$_}{qw(state stretches)} = ('cancelled', cut($_, $self->{now})) for @pieces;
	return @pieces ? { ok => 'cancelled' } : $r->{state} eq 'cancelled' ? { ok => 'cancelled already' } : refused('state');
}

# What a reservation takes if it has devices over a period from now on; what has passed stays.
sub changed
{
	my ($self, $r, $from, $to, $devices) = @_;
	return [ [ $from, $to, $devices ] ] if $from >= $self->{now};
	return [ @{ cut($r, $self->{now}) }, $self->{now} < $to ? [ $self->{now}, $to, $devices ] : () ];
}

sub change
{
	my ($self, $r, $from, $to, $devices) = @_;
	my $new = $self->changed($r, $from, $to, $devices);
	# what gives something back is not in doubt
	return refused('doubt') if $self->{pools}{ $r->{pool} }{doubted} && ($devices > $r->{devices} || $from < $r->{from} || $to > $r->{to});
	return refused('capacity') if !$self->take($r->{state} ne 'held' && !defined $r->{notice}, [ $r, $new ]);
	@{$r}{qw(from to devices)} = ($from, $to, $devices);
	return { ok => 'changed' };
}

sub extend
{
	my ($self, $r, $until, $request) = @_;
	my $pool = $self->{pools}{ $r->{pool} };
	return $self->once($r->{account}, $request, "extend $r->{id} $until", sub {
		return refused('state') if !$self->stands($r) || $self->is_over($r);
		return $self->invalid($pool) if !defined $until || $until <= $r->{to} || $until % $pool->{slot} || $until > $self->{now} + $pool->{horizon};
		delete @{$r}{qw(accepted told)} if exists((my $answer = $self->change($r, $r->{from}, $until, $r->{devices}))->{ok});
		return $answer;
	});
}

sub shrink
{
	my ($self, $r, $devices, $until, $request) = @_;
	my $pool = $self->{pools}{ $r->{pool} };
	return $self->once($r->{account}, $request, join(' ', 'shrink', $r->{id}, $devices // '', $until // ''), sub {
		return refused('state') if !$self->stands($r) || $self->is_over($r);
		return refused('invalid') if !defined $devices && !defined $until;
		return refused('invalid') if defined $devices && (bad_devices($pool, $devices) || $devices > $r->{devices});
		return refused('invalid') if defined $until && ($until % $pool->{slot} || $until > $r->{to} || $until <= $r->{from} || $until <= $self->{now});
		return $self->change($r, $r->{from}, $until // $r->{to}, $devices // $r->{devices});
	});
}

sub move
{
	my ($self, $r, $from, $to, $devices, $request) = @_;
	my $pool = $self->{pools}{ $r->{pool} };
	return $self->once($r->{account}, $request, join(' ', 'move', $r->{id}, $from, $to, $devices // ''), sub {
		return refused('state') if !$self->stands($r) || $self->is_over($r);
		return $self->invalid($pool, $r->{from} < $self->{now} && $from != $r->{from} ? 'state' : ()) if defined $devices && bad_devices($pool, $devices) || bad_period($pool, $from, $to) || $to > $self->{now} + $pool->{horizon} || $to <= $self->{now};
		return refused($r->{from} < $self->{now} ? 'state' : 'invalid') if $r->{from} < $self->{now} ? $from != $r->{from} : $from < $self->{now};
		my $same = $from == $r->{from} && $to == $r->{to} && ($devices // $r->{devices}) == $r->{devices};
		my $answer = $self->change($r, $from, $to, $devices // $r->{devices});
		if (exists $answer->{ok} && !$same)
		{
			delete @{$r}{qw(accepted told)};
			# what the centre called it was for another time
			delete $r->{centre_id} if $r->{state} ne 'running';
		}
		return $answer;
	});
}

sub start
{
	my ($self, $r) = @_;
	return { ok => 'running already' } if $r->{state} eq 'running';
	return refused('state') if $r->{state} ne 'confirmed' || $self->{now} < $r->{from} || $self->is_over($r);
	$r->{state} = 'running';
	return { ok => 'running' };
}

sub end
{
	my ($self, $r) = @_;
	return refused('state') if $r->{state} ne 'running';
	@{$r}{qw(state stretches)} = ($r->{told} ? 'preempted' : 'ended', cut($r, $self->{now}));
	return { ok => 'ended' };
}

# ------------------------------------------------------------------ changes of what a pool offers

# Where a change of a pool takes something away and more is booked than is left: the instants, and who has devices at them; of
# all, or of guests.
sub in_way
{
	my ($self, $pool, $was, @limit) = @_;
	my ($guests) = @limit;
	my @at = grep { limit($pool, $_, @limit) < limit($was, $_, @limit) && $self->booked($pool, $_, $guests) > limit($pool, $_, @limit) } $self->instants($pool, $self->{now}, EVER);
	my @of = grep { my $r = $_; (!$guests || $r->{guest}) && grep { taken($r, $_) } @at } $self->of_pool($pool);
	return (\@at, \@of);
}

# Gives up a reservation that is in the way: all pieces of it that have not begun; one that has begun goes on until it is in the way.
sub drain
{
	my ($self, $r, $at) = @_;
	if ($r->{from} <= $self->{now})
	{
		my $ends = min(grep { taken($r, $_) } @$at);
		$r->{stretches} = cut($r, $ends);
		$r->{$ends == $self->{now} ? 'state' : 'to'} = $ends == $self->{now} ? 'drained' : $ends;
		return $r->{id};
	}
	my @pieces = grep { $_->{state} =~ /^(held|confirmed)$/ && $_->{from} > $self->{now} } $self->pieces($r);
	@{$_}{qw(state stretches)} = ('drained', []) for @pieces;
	return map { $_->{id} } @pieces;
}

# Makes a planned change of a pool, unless reservations are in its way; these are drained if that is asked for: of those in the
# way the one of the lowest priority, of these the one that was booked last, until the rest fits.
sub plan
{
	my ($self, $pool, $drain, $change) = @_;
	my $was = { %$pool, offers => [ @{ $pool->{offers} } ], shares => [ @{ $pool->{shares} } ], reductions => { %{ $pool->{reductions} } } };
	my $answer = $change->();
	my @drained;
	for my $limit ([ 0, 1 ], [ 0, 0 ], [ 1, 1 ], [ 1, 0 ])
	{
		my ($at, $of) = $self->in_way($pool, $was, @$limit);
		if (@$of && !$drain)
		{
			%$pool = %$was;
			return refused('in_way', map { $_->{id} } @$of);
		}
		while (@$of)
		{
			my ($r) = sort { defined $b->{notice} <=> defined $a->{notice} || $a->{priority} <=> $b->{priority} || $b->{id} <=> $a->{id} } @$of;
			push @drained, $self->drain($r, $at);
			($at, $of) = $self->in_way($pool, $was, @$limit);
		}
	}
	return { ok => [ sort { $a <=> $b } @drained ], answer => $answer };
}

sub offer
{
	my ($self, $pool, $devices, $from, $to, $drain) = @_;
	return $self->plan($pool, $drain, sub { push @{ $pool->{offers} }, { devices => $devices, period => [ $from, $to ] } });
}

# Takes away: maintenance, blackout or outage, whose number the caller sets as the key; an outage happens whatever is in its way.
sub reduce
{
	my ($self, $pool, $kind, $devices, $from, $to, $drain) = @_;
	my $reduction = { kind => $kind, devices => $devices, period => [ $from, $to ] };
	my $do = sub { $pool->{reductions}{new} = $reduction };
	return $kind eq 'outage' ? { ok => [], answer => $do->() } : $self->plan($pool, $drain, $do);
}

# Moves whole cards, of which a device of a pool is one of so many (a_card), from an instant on and as long as the first pool offers them.
sub move_cards
{
	my ($self, $from, $to, $cards, $at, $drain) = @_;
	my $offered = sub { my ($pool, $at) = @_; my $offer = first { in($_->{period}, $at) } reverse @{ $pool->{offers} }; return $offer ? $offer->{devices} : 0 };
	return refused('invalid') if $from == $to || !$offered->($from, $at);
	my %at = ($at => 1);
	$at{$_} = 1 for grep { defined && $_ > $at } map { @{ $_->{period} } } @{ $from->{offers} }, @{ $to->{offers} };
	my @at = sort { $a <=> $b } keys %at;
	my (@less, @more);
	for my $n (0 .. $#at)
	{
		my $devices = $offered->($from, $at[$n]) or next;
		return refused('invalid') if $devices < $cards * $from->{a_card};
		push @less, { devices => $devices - $cards * $from->{a_card}, period => [ @at[ $n, $n + 1 ] ] };
		push @more, { devices => $offered->($to, $at[$n]) + $cards * $to->{a_card}, period => [ @at[ $n, $n + 1 ] ] };
	}
	my $answer = $self->plan($from, $drain, sub { push @{ $from->{offers} }, @less });
	push @{ $to->{offers} }, @more if exists $answer->{ok};
	return $answer;
}

# ------------------------------------------------------------------ what the centre says

sub answer
{
	my ($self, $r, $answer, $centre_id, $request) = @_;
	return $self->once('its centre', $request, join(' ', $r->{id}, $answer, $centre_id // ''), sub {
		if (!$self->stands($r) || $self->is_over($r))
		{
			return refused('doubt') if $answer eq 'accepted';
			return { ok => ($self->stands($r) ? 'ended' : $r->{state}) . ' already' };
		}
		if ($answer eq 'accepted')
		{
			return refused('doubt') if $r->{accepted} && defined $r->{centre_id} && defined $centre_id && $centre_id ne $r->{centre_id};
			my $already = $r->{accepted} ? ' already' : '';
			$r->{accepted} = 1;
			$r->{centre_id} = $centre_id if defined $centre_id;
			return { ok => "accepted$already" };
		}
		return refused('doubt') if $answer eq 'refused' && $r->{state} eq 'running';
		my @of = grep { $self->stands($_) && !$self->is_over($_) } $answer eq 'refused' ? $self->pieces($r) : $r;
		@{$_}{qw(state stretches)} = ($answer, cut($_, $self->{now})) for @of;
		$self->{pools}{ $r->{pool} }{doubted} = 1;
		return { ok => $answer };
	});
}

# Devices that are down and that the centre's own jobs hold, [kind, devices, until]..., in place of what was reported before; and
# which reservations are there: of the others, those that should have ended have.
sub report
{
	my ($self, $pool, $there, @taken) = @_;
	my %there = map { ($_->{id} => 1) } @$there;
	@{$_}{qw(state stretches)} = ($_->{told} ? 'preempted' : 'ended', cut($_, $self->{now})) for grep { $_->{state} eq 'running' && $self->is_over($_) && !$there{ $_->{id} } } $self->of_pool($pool);
	$_->{period}[1] = $self->{now} for grep { $_->{reported} && ($_->{period}[1] // EVER) > $self->{now} } values %{ $pool->{reductions} };
	for my $taken (@taken)
	{
		my ($kind, $devices, $until) = @$taken;
		$pool->{reductions}{"reported $pool->{reports} $kind"} = { kind => 'outage', reported => 1, devices => $devices, period => [ $self->{now}, $until ] } if $devices && ($until // EVER) > $self->{now};
	}
	$pool->{reports}++;
	delete $pool->{doubted};
	return { ok => 'reported' };
}

sub number_reduction { my ($pool, $id) = @_; $pool->{reductions}{$id} = delete $pool->{reductions}{new}; return }

sub share
{
	my ($self, $pool, $percent, $from, $to, $drain) = @_;
	return $self->plan($pool, $drain, sub { push @{ $pool->{shares} }, { percent => $percent, period => [ $from, $to ] } });
}

1;
