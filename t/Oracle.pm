# What rate_usage() must answer for a small ledger, computed from a description of it by the rules of docs/rating.md,
# docs/price.md and docs/account.md, piece by piece, in the plainest way; not a test.
#
# A ledger is a hash (OracleWorld.pm makes random ones):
#	accounts	[{ name, number, versions => [{ from, to, parent, zone, currency, calendar }], merged => { into, at } }]
#	regions		[{ name, versions => [{ from, to, parent }] }]
#	prices		[{ title, key, account, class, region, format, measure, unit, model, ..., from, to }]
#	records		[{ seq, account, region, chip, devices, start, end, measure, format, work, recorded }]
#	own			whether the book's prices count whatever the payer's currency is
#	from, to	the period asked for; as_of: the recorded time asked as of
#	clock		days and billing periods (OracleClock)
# Accounts, regions and prices are numbers of elements.  Instants are microseconds since 1970, money and quantities of
# prices millionths, devices 10^-12, work FLOP.  What is exact is a ratio: [dividend, divisor].
package Oracle;
use strict;
use warnings;
use List::Util qw(first max min);
use Math::BigInt;

use constant { NEVER => -(1 << 60), EVER => 1 << 60, DEVICE => 1680000, MILLION => 1000000 };
use constant DEVICE_HOUR => 3600000000 * DEVICE;

our %digits = (USD => 8, EUR => 8, CNY => 8, JPY => 6, KWD => 9);

sub big { return Math::BigInt->new($_[0]) }
sub above_zero { my ($n) = @_; return $n < 0 ? big(0) : $n }

# dividend / divisor, rounded half to even
sub half_even
{
	my ($dividend, $divisor) = @_;
	my ($q, $r) = big($dividend)->bdiv($divisor);
	my $half = (2 * $r)->bcmp($divisor);
	return $half > 0 || $half == 0 && $q->is_odd ? $q + 1 : $q;
}

# A ratio of money, rounded, as an integer of the currency's last digit.
sub money { my ($ratio, $currency) = @_; return half_even($ratio->[0] * big(10)->bpow($digits{$currency}), $ratio->[1]) }

# The sum of ratios, of which there is one.
sub sum_of
{
	my ($sum, @more) = @_;
	for my $r (@more)
	{
		$sum = $sum->[1] == $r->[1] ? [ $sum->[0] + $r->[0], $r->[1] ] : [ $sum->[0] * $r->[1] + $r->[0] * $sum->[1], $sum->[1] * $r->[1] ];
	}
	return $sum;
}

sub sum { my ($of, $all) = @_; my $sum = big(0); $sum += $_->{$of} for @$all; return $sum }

# ------------------------------------------------------------------ accounts and regions

# The version of an account or region that holds at an instant.
sub version { my ($thing, $at) = @_; return first { $_->{from} <= $at && $at < $_->{to} } @{ $thing->{versions} } }

# Whom an account means: itself, or whom it was merged into.
sub owner
{
	my ($w, $account, $at) = @_;
	my $merged = $w->{accounts}[$account]{merged};
	return $merged && $merged->{at} <= $at ? owner($w, $merged->{into}, $at) : $account;
}

# An account, and behind it those that were merged into it: the latest first, then the highest number, each with its own.
sub with_merged
{
	my ($w, $account, $at) = @_;
	my $all = $w->{accounts};
	my @merged = sort { $all->[$b]{merged}{at} <=> $all->[$a]{merged}{at} || $all->[$b]{number} <=> $all->[$a]{number} }
		grep { my $m = $all->[$_]{merged}; $m && $m->{into} == $account && $m->{at} <= $at } 0 .. $#$all;
	return ($account, map { with_merged($w, $_, $at) } @merged);
}

# What holds for the usage of an account at an instant: owner, way up, payer, zone, currency, calendar.  In a gap of the
# owner's validity: of the last instant before it, with its start as gap.  undef if there was none.
sub place
{
	my ($w, $account, $at) = @_;
	my $owner = owner($w, $account, $at);
	my $gap;
	if (!version($w->{accounts}[$owner], $at))
	{
		$gap = max(grep { $_ <= $at } map { $_->{to} } @{ $w->{accounts}[$owner]{versions} }) // return undef;
		$at = $gap - 1;
	}
	my %place = (owner => $owner, gap => $gap);
	my @parents;
	for (my $up = $owner; defined $up;)
	{
		my $v = version($w->{accounts}[$up], $at);
		push @parents, $up;
		$place{zone} //= $v->{zone};
		@place{qw(payer calendar)} = ($up, $v->{calendar} // "month/$v->{zone}") if !defined $place{payer} && ($v->{calendar} || !defined $v->{parent});
		$place{currency} //= $v->{currency} if defined $place{payer};
		$up = $v->{parent};
	}
	$place{way} = [ map { with_merged($w, $_, $at) } @parents ];
	# a record is cut where this changes
	$place{sign} = join ' ', @parents, map { $_ // '' } @place{qw(payer zone currency calendar gap)};
	return \%place;
}

# The way up of a region.
sub region_way
{
	my ($w, $region, $at) = @_;
	my $parent = version($w->{regions}[$region], $at)->{parent};
	return ($region, defined $parent ? region_way($w, $parent, $at) : ());
}

# Calls a function for the stretches of a span of time in which no account, region or price changes.
sub each_stretch
{
	my ($w, $from, $to, $do) = @_;
	my @at = ($from, (grep { $from < $_ && $_ < $to } @{ $w->{cuts} }), $to);
	$do->(@at[ $_ - 1, $_ ]) for $from < $to ? 1 .. $#at : ();
	return;
}

# ------------------------------------------------------------------ which price wins

my %weight = (vendor => 1, model => 2, form => 4, memory => 8, slice => 16);

sub contains { my ($class, $chip) = @_; return !grep { defined $class->{$_} && $class->{$_} ne ($chip->{$_} // '') } keys %weight }

# Where one is in a list, from 0; what is for all is behind every other; undef if it is not there.
sub position { my ($one, @all) = @_; return defined $one ? first { $all[$_] == $one } 0 .. $#all : 900 }

# The price that wins and the list price that wins; numbers of prices, or undef.
sub winners
{
	my ($w, $record, $place, $regions, $at) = @_;
	my ($won, $listed, $best, $best_listed);
	for my $n (0 .. $#{ $w->{prices} })
	{
		my $p = $w->{prices}[$n];
		next if $at < $p->{from} || $at >= $p->{to} || $p->{measure} ne $record->{measure} || !contains($p->{class}, $record->{chip});
		next if !$w->{own} && $p->{currency} ne $place->{currency} || defined $p->{format} && $p->{format} ne ($record->{format} // '');
		my $up = position($p->{account}, @{ $place->{way} }) // next;
		my $site = position($p->{region}, @$regions) // next;
		my $specificity = 0;
		$specificity += $weight{$_} for grep { defined $p->{class}{$_} } keys %weight;
		my $rank = (($up * 100 + 99 - $specificity) * 1000 + $site) * 2 + (defined $p->{format} ? 0 : 1);
		($won, $best) = ($n, $rank) if !defined $best || $rank < $best;
		($listed, $best_listed) = ($n, $rank) if !defined $p->{account} && (!defined $best_listed || $rank < $best_listed);
	}
	return ($won, $listed);
}

# Whether a book bills by a measure in a billing period.
sub bills_by
{
	my ($w, $bill, $measure) = @_;
	my @valid = grep { $_->{from} < $bill->{to} && $_->{to} > $bill->{from} } @{ $w->{prices} };
	return @valid ? scalar grep { $_->{measure} eq $measure } @valid : $measure eq 'allocated';
}

# Whether a price counts what a record has.
sub counts
{
	my ($p, $record) = @_;
	return 1 if $p->{unit} eq 'slice-hour';
	return defined $record->{chip}{share} if !defined $p->{flop};
	return $p->{basis} ? defined $record->{chip}{rate} : defined $record->{work};
}

sub by_level { my ($p) = @_; return $p->{unit} =~ /^(peak|percentile)-device$/ }

# One of the unit of a price, in what it counts.
sub scale
{
	my ($p) = @_;
	return big($p->{flop}) * ($p->{basis} ? DEVICE : 1) if defined $p->{flop};
	return $p->{unit} eq 'instance-month' ? big(10)->bpow(24) : big(DEVICE_HOUR);
}

# ------------------------------------------------------------------ pieces of records

# Cuts records into pieces in which nothing changes, in billing periods that the period asked for touches; in the order in
# which pools count them.
sub pieces
{
	my ($w) = @_;
	my @pieces;
	for my $r (@{ $w->{records} })
	{
		$r->{count} = half_even(big($r->{devices}) * DEVICE, 10**12);
		$r->{level} = half_even(big($r->{devices}) * $r->{chip}{share}, 10**12) if defined $r->{chip}{share};
		# work is done by the end, or by when it was recorded that there is none yet
		$r->{done} = $r->{end} < EVER ? $r->{end} : max($r->{recorded}, $r->{start} + 1);
		my $last;
		each_stretch($w, $r->{start}, min($r->{end}, $w->{as_of}, $w->{clock}{to}), sub {
			my ($from, $to) = @_;
			my $place = place($w, $r->{account}, $from) // return;
			my @regions = region_way($w, $r->{region}, $from);
			my ($won, $listed) = defined $place->{gap} ? () : winners($w, $r, $place, \@regions, $from);
			for my $bill (grep { bills_by($w, $_, $r->{measure}) } bills_of($w, $place, $from, $to))
			{
				for my $day ($w->{clock}->days($place->{zone}, max($from, $bill->{from}), min($to, $bill->{to})))
				{
					my $sign = join '|', $place->{sign}, "@regions", $bill->{name}, $day->{date}, $won // '', $listed // '';
					if ($last && $last->{to} == $day->{from} && $last->{sign} eq $sign)
					{
						$last->{to} = $day->{to};
						next;
					}
					push @pieces, $last = { record => $r, %$day, whole_from => $day->{from}, sign => $sign, place => $place, bill => $bill, won => $won, listed => $listed };
				}
			}
		});
	}
	# what is asked for cuts, and moves nothing
	for my $at ($w->{from}, $w->{to})
	{
		push @pieces, map { my $second = { %$_, from => $at }; $_->{to} = $at; $second } grep { $_->{from} < $at && $at < $_->{to} } @pieces;
	}
	complete($w, $_) for @pieces;
	return sort { $a->{whole_from} <=> $b->{whole_from} || $a->{record}{seq} <=> $b->{record}{seq} || $a->{from} <=> $b->{from} } @pieces;
}

# The billing periods of a place in a span of time; in a gap, the one in which it began.
sub bills_of
{
	my ($w, $place, $from, $to) = @_;
	my $gap = $place->{gap};
	return grep { $_->{from} < $w->{to} && $_->{to} > $w->{from} && (!defined $gap || $_->{from} < $gap && $gap <= $_->{to}) } $w->{clock}->bills($place->{calendar}, $from, $to);
}

# Says what prices a piece, and how much it is.
sub complete
{
	my ($w, $piece) = @_;
	my ($r, $time) = ($piece->{record}, $piece->{to} - $piece->{from});
	$piece->{amount} = $r->{level} * $time if defined $r->{level};
	$piece->{count} = $r->{count} * $time;
	$piece->{asked} = $piece->{from} >= $w->{from} && $piece->{to} <= $w->{to};
	my ($p, $l) = map { defined $_ ? $w->{prices}[$_] : undef } @{$piece}{qw(won listed)};
	@{$piece}{qw(list list_units)} = ($piece->{listed}, units($w, $piece, $l)) if $l && !by_level($l) && counts($l, $r);
	return if !$p || ($p->{model} eq 'list' ? !defined $piece->{list} : !counts($p, $r));
	@{$piece}{qw(price units)} = ($piece->{won}, $p->{model} eq 'list' ? $piece->{list_units} : units($w, $piece, $p));
	# reserved capacity serves those whom its account's payer pays for
	my $place = defined $p->{committed} ? place($w, $p->{account}, $piece->{from}) : undef;
	$piece->{special} = by_level($p) || $place && !defined $place->{gap} && $place->{payer} == $piece->{place}{payer};
	return;
}

# What a price counts of a piece.
sub units
{
	my ($w, $piece, $p) = @_;
	my $r = $piece->{record};
	return $piece->{count} * $r->{chip}{rate} if $p->{basis};
	return $p->{unit} eq 'slice-hour' ? $piece->{count} : $piece->{amount} if !defined $p->{flop} && $p->{unit} ne 'instance-month';
	return half_even($piece->{amount} * scale($p), $p->{per_instance} * DEVICE / MILLION * big($w->{clock}->month($piece->{place}{zone}, $piece->{date}))) if !defined $p->{flop};
	my $until = sub { half_even($r->{work} * min($_[0] - $r->{start}, $r->{done} - $r->{start}), $r->{done} - $r->{start}) };
	return $until->($piece->{to}) - $until->($piece->{from});
}

# ------------------------------------------------------------------ what quantities cost

# What a quantity costs, in all, where the pool's quantity is whole in the end: dividend of scale x 10^6.
sub cost_of
{
	my ($p, $scale, $q, $whole) = @_;
	my $of = sub { $scale * $_[0] / MILLION };
	my ($billed, $cost, $above) = (above_zero($q - $of->($p->{free})), big(0), big(0));
	return $billed * $p->{price} if $p->{model} eq 'flat';
	return ($billed + $of->($p->{package}) - 1) / $of->($p->{package}) * $p->{price} * $scale if $p->{model} eq 'package';
	$whole = above_zero($whole - $of->($p->{free}));
	for my $k (0 .. $#{ $p->{tier_prices} })
	{
		my $bound = defined $p->{tier_bounds}[$k] ? $of->($p->{tier_bounds}[$k]) : undef;
		my $fee = $scale * ($p->{tier_fees} ? $p->{tier_fees}[$k] : 0);
		if ($p->{model} eq 'graduated')
		{
			$cost += ((!defined $bound || $billed < $bound ? $billed : $bound) - $above) * $p->{tier_prices}[$k] + $fee if $billed > $above;
		}
		elsif ($billed > 0 && $whole > $above && (!defined $bound || $whole <= $bound))
		{
			$cost += $billed * $p->{tier_prices}[$k] + $fee;
		}
		$above = $bound;
	}
	return $cost;
}

# What accumulates with a price.
sub pool { my ($p) = @_; return defined $p->{pool} ? "pool $p->{pool} $p->{unit} $p->{currency}" : "key $p->{key} " . (defined $p->{flop} ? '@' . ($p->{basis} // '') : $p->{unit}) }

# Lets pieces, in order, fill the pools of their prices (or list prices); each gets what it costs.
sub fill_pools
{
	my ($w, $price_of, $units_of, $due_of, @pieces) = @_;
	my (%whole, %at);
	for my $last (0, 1)
	{
		for my $piece (@pieces)
		{
			my $p = $w->{prices}[ $piece->{$price_of} ];
			my $pool = join '|', $piece->{place}{payer}, $piece->{bill}{name}, pool($p);
			my $from = $last ? $at{$pool} // big(0) : $whole{$pool} // big(0);
			my $to = $from + $piece->{$units_of};
			$whole{$pool} = $to if !$last;
			next if !$last;
			$at{$pool} = $to;
			$piece->{$due_of} = [ cost_of($p, scale($p), $to, $whole{$pool}) - cost_of($p, scale($p), $from, $whole{$pool}), scale($p) * MILLION ];
		}
	}
	return;
}

# ------------------------------------------------------------------ charges

# All rows that rate_usage() must return.
sub rate
{
	my ($w) = @_;
	my %cut = map { ($_->{from} => 1, $_->{to} => 1) } @{ $w->{prices} }, map { @{ $_->{versions} } } @{ $w->{accounts} }, @{ $w->{regions} };
	$cut{ $_->{merged}{at} } = 1 for grep { $_->{merged} } @{ $w->{accounts} };
	$w->{cuts} = [ sort { $a <=> $b } keys %cut ];
	my @pieces = pieces($w);
	my $model = sub { defined $_->{price} ? $w->{prices}[ $_->{price} ]{model} : '' };
	fill_pools($w, qw(price units due), grep { defined $_->{price} && !$_->{special} && $model->() ne 'list' } @pieces);
	fill_pools($w, qw(list list_units list_due), grep { defined $_->{list} } @pieces);
	$_->{due} = [ $_->{list_due}[0] * $w->{prices}[ $_->{price} ]{factor}, $_->{list_due}[1] * MILLION ] for grep { $model->() eq 'list' } @pieces;
	my $special = specials($w, grep { $_->{special} } @pieces);
	my @rows = (usage_rows($w, grep { $_->{asked} && !$_->{special} } @pieces), level_rows($w, $special), reserved_rows($w, $special));
	push @rows, rounding_rows($w, @rows) if $w->{features}{rounding};
	return (@rows, minimum_rows($w, @rows));
}

# A row of what is charged by a price; with what it costs exactly.
sub row
{
	my ($w, $price, %row) = @_;
	my $p = $w->{prices}[$price];
	@row{qw(price currency)} = ($price, $p->{currency});
	@row{qw(region accelerator format measure)} = ($p->{region}, $p->{class}{name}, $p->{format}, $p->{measure}) if !exists $row{measure};
	$row{cost} //= money($row{exact}, $p->{currency});
	return \%row;
}

# Pieces by what a charge states.
sub by_charge
{
	my ($w, @pieces) = @_;
	my %charge;
	for my $piece (@pieces)
	{
		my ($r, $place) = @{$piece}{qw(record place)};
		push @{ $charge{ join '|', map { $_ // '' } @{$place}{qw(owner payer)}, $piece->{bill}{name}, @{$piece}{qw(price list date asked)}, @{$r}{qw(region format measure)}, $r->{chip}{name} } }, $piece;
	}
	return map { $charge{$_} } sort keys %charge;
}

# Charges of usage that is charged by its sum, and of what has no price.
sub usage_rows
{
	my ($w, @pieces) = @_;
	my @rows;
	for my $charge (by_charge($w, @pieces))
	{
		my $piece = $charge->[0];
		my ($r, $p, $l) = ($piece->{record}, map { defined $_ ? $w->{prices}[$_] : undef } @{$piece}{qw(price list)});
		my %row = (account => $piece->{place}{owner}, payer => $piece->{place}{payer}, bill => $piece->{bill}, region => $r->{region}, accelerator => $r->{chip}{name}, format => $r->{format},
			measure => $r->{measure}, day => $piece->{date}, amount => defined $piece->{amount} ? sum('amount', $charge) : undef);
		if ($p)
		{
			my $counted = $p->{model} eq 'list' ? $l : $p;
			push @rows, row($w, $piece->{price}, %row, kind => $counted->{unit} eq 'instance-month' ? 'instance' : 'usage', unit => $counted->{unit}, list => $piece->{list},
				quantity => [ sum('units', $charge), scale($counted) ], exact => sum_of(map { $_->{due} } @$charge),
				list_cost => $l && $l->{currency} eq $p->{currency} ? money(sum_of(map { $_->{list_due} } @$charge), $l->{currency}) : undef);
			next;
		}
		my $unit = defined $row{amount} ? 'device-hour' : 'slice-hour';
		push @rows, { %row, kind => 'unpriced', unit => $unit, currency => $piece->{place}{currency}, quantity => [ $row{amount} // sum('count', $charge), DEVICE_HOUR ] };
	}
	return @rows;
}

# Whether charges of a whole billing period are asked for, and whether it is over.
sub whole_is_asked { my ($w, $bill) = @_; return $w->{from} <= $bill->{from} && min($bill->{to}, $w->{as_of}) <= $w->{to} }
sub is_over { my ($w, $bill) = @_; return whole_is_asked($w, $bill) && $bill->{to} <= $w->{as_of} }

# What is charged by its level, by price, payer and billing period: its pieces, the steps of its level, what it costs at list prices.
sub specials
{
	my ($w, @pieces) = @_;
	my %special;
	push @{ $special{ join '|', $_->{price}, $_->{place}{payer}, $_->{bill}{name} }{pieces} }, $_ for @pieces;
	for my $s (values %special)
	{
		my ($level, %change) = (0);
		for my $piece (@{ $s->{pieces} })
		{
			$change{ $piece->{from} } = ($change{ $piece->{from} } // 0) + $piece->{record}{level};
			$change{ $piece->{to} } = ($change{ $piece->{to} } // 0) - $piece->{record}{level};
		}
		my @at = sort { $a <=> $b } keys %change;
		$s->{steps} = [ map { $level += $change{ $at[$_] }; { from => $at[$_], to => $at[ $_ + 1 ], level => $level } } 0 .. $#at - 1 ];
		@{$s}{qw(price bill payer)} = (@{ $s->{pieces}[0] }{qw(price bill)}, $s->{pieces}[0]{place}{payer});
		my $currency = $w->{prices}[ $s->{price} ]{currency};
		my @listed = grep { defined $_->{list} && $w->{prices}[ $_->{list} ]{currency} eq $currency } @{ $s->{pieces} };
		next if !@listed || @listed < @{ $s->{pieces} } && $w->{features}{list_changes};
		$s->{list_cost} = big(0);
		$s->{list_cost} += money(sum_of(map { $_->{list_due} } @$_), $currency) for by_charge($w, @listed);
	}
	return \%special;
}

# Charges of peaks and percentiles.
sub level_rows
{
	my ($w, $special) = @_;
	my @rows;
	for my $s (grep { by_level($w->{prices}[ $_->{price} ]) && whole_is_asked($w, $_->{bill}) } values %$special)
	{
		my ($p, $bill) = ($w->{prices}[ $s->{price} ], $s->{bill});
		my ($from, $to) = (max($bill->{from}, $p->{from}), min($bill->{to}, $p->{to}));
		my @steps = sort { $b->{level} <=> $a->{level} } @{ $s->{steps} };
		my $level = $steps[0]{level};
		if ($p->{step})
		{
			# nearest rank of the samples at from, from + step, ...: how many there are before an instant, and how many below a level
			my $before = sub { int(($_[0] - $from + $p->{step} - 1) / $p->{step}) };
			my $below = my $samples = $before->(min($to, $w->{as_of}));
			my $above = first { ($below -= $before->($_->{to}) - $before->($_->{from})) * MILLION < $p->{percentile} * $samples } @steps;
			$level = $above ? $above->{level} : 0;
		}
		my ($q, $scale) = ($level * ($to - $from), big($bill->{to} - $bill->{from}) * DEVICE);
		my $row = row($w, $s->{price}, kind => $p->{unit} =~ s/-device//r, account => $s->{payer}, payer => $s->{payer}, bill => $bill, amount => sum('amount', $s->{pieces}),
			quantity => [ $q, $scale ], unit => $p->{unit}, exact => [ cost_of($p, $scale, $q, $q), $scale * MILLION ]);
		$row->{list_cost} = defined $p->{account} ? $s->{list_cost} : $row->{cost};
		push @rows, $row;
	}
	return @rows;
}

# Calls a function for each stretch of time in which a payer is charged for what an account committed to by a price.
sub each_commitment
{
	my ($w, $p, $do) = @_;
	each_stretch($w, max($p->{from}, $w->{clock}{from}), min($p->{to}, $w->{clock}{to}), sub {
		my ($from, $to) = @_;
		my $place = place($w, $p->{account}, $from) // return;
		return if defined $place->{gap} || !$w->{own} && $place->{currency} ne $p->{currency};
		$do->($place, $_, max($from, $_->{from}), min($to, $_->{to})) for grep { whole_is_asked($w, $_) } bills_of($w, $place, $from, $to);
	});
	return;
}

# Charges of reserved capacity: by days, what was used of it, what was not, and what was used beyond.
sub reserved_rows
{
	my ($w, $special) = @_;
	my @rows;
	for my $n (grep { defined $w->{prices}[$_]{committed} } 0 .. $#{ $w->{prices} })
	{
		my $p = $w->{prices}[$n];
		my ($committed, $scale, %windows) = (big($p->{committed}) * DEVICE / MILLION, big(DEVICE_HOUR));
		each_commitment($w, $p, sub {
			my ($place, $bill, $from, $to) = @_;
			my $windows = $windows{"$n|$place->{payer}|$bill->{name}"} //= [];
			for my $day ($from < $w->{as_of} ? $w->{clock}->days($place->{zone}, $from, min($to, $w->{as_of})) : ())
			{
				my $last = $windows->[-1];
				# a move within the payer, or a merger above it, cuts nothing
				my $same = $last && $last->{to} == $day->{from} && $last->{date} eq $day->{date} && !grep { $last->{place}{$_} ne $place->{$_} } qw(owner payer zone);
				if ($same) { $last->{to} = $day->{to} }
				else { push @$windows, { %$day, place => $place, bill => $bill } }
			}
		});
		for my $key (sort keys %windows)
		{
			my $s = $special->{$key} // { steps => [] };
			for my $window (@{ $windows{$key} })
			{
				@{$window}{qw(used beyond unused)} = (big(0), big(0), $committed * ($window->{to} - $window->{from}));
				for my $step (@{ $s->{steps} })
				{
					my $time = max(0, min($window->{to}, $step->{to}) - max($window->{from}, $step->{from}));
					my $over = above_zero($step->{level} - $committed);
					$window->{beyond} += $over * $time;
					$window->{used} += ($step->{level} - $over) * $time;
					$window->{unused} -= ($step->{level} - $over) * $time;
				}
			}
			my $whole = sum('beyond', $windows{$key});
			my $all = $whole + sum('used', $windows{$key});
			my ($at, $beyond) = (big(0), big(0));
			for my $window (@{ $windows{$key} })
			{
				for my $kind (grep { $window->{$_} != 0 } qw(used unused beyond))
				{
					my $amount = $window->{$kind};
					my %row = (kind => $kind eq 'beyond' ? $kind : "reserved $kind", account => $window->{place}{owner}, payer => $window->{place}{payer}, bill => $window->{bill}, day => $window->{date},
						amount => $amount, quantity => [ $amount, $scale ], unit => 'device-hour', exact => [ $amount * $p->{committed_price}, $scale * MILLION ]);
					$row{exact}[0] = cost_of($p, $scale, $beyond + $amount, $whole) - cost_of($p, $scale, $beyond, $whole) if $kind eq 'beyond';
					# the list cost is shared by amount, as differences of rounded totals
					$row{list_cost} = half_even(($at + $amount) * $s->{list_cost}, $all) - half_even($at * $s->{list_cost}, $all) if $kind ne 'unused' && defined $s->{list_cost};
					$at += $amount if $kind ne 'unused';
					$beyond += $amount if $kind eq 'beyond';
					push @rows, row($w, $n, %row);
				}
			}
		}
	}
	return @rows;
}

# What the charges of an account under a price differ by from their exact sum, rounded once.
sub rounding_rows
{
	my ($w, @rows) = @_;
	my %group;
	push @{ $group{ join '|', @{$_}{qw(account price payer)}, $_->{bill}{name} } }, $_ for grep { defined $_->{cost} && is_over($w, $_->{bill}) } @rows;
	my @all = map {
		my $first = $_->[0];
		row($w, $first->{price}, kind => 'rounding', measure => undef, account => $first->{account}, payer => $first->{payer}, bill => $first->{bill},
			cost => money(sum_of(map { $_->{exact} } @$_), $first->{currency}) - sum('cost', $_));
	} map { $group{$_} } sort keys %group;
	return grep { $_->{cost} != 0 } @all;
}

# What charges fall short of minimum commitments.
sub minimum_rows
{
	my ($w, @rows) = @_;
	my @short;
	for my $n (grep { defined $w->{prices}[$_]{minimum} } 0 .. $#{ $w->{prices} })
	{
		my ($p, %term) = ($w->{prices}[$n]);
		each_commitment($w, $p, sub {
			my ($place, $bill, $from, $to) = @_;
			my $term = $term{"$place->{payer}|$bill->{name}"} //= { payer => $place->{payer}, bill => $bill, time => 0 };
			$term->{time} += $to - $from;
			$term->{account} = $place->{owner};
		});
		for my $term (grep { is_over($w, $_->{bill}) } map { $term{$_} } sort keys %term)
		{
			my ($bill, $time) = @{$term}{qw(bill time)};
			my $length = $bill->{to} - $bill->{from};
			my @counted = grep { defined $_->{price} && $_->{price} == $n && $_->{payer} == $term->{payer} && $_->{bill}{name} eq $bill->{name} } @rows;
			my $missing = money([ big($p->{minimum}) * $time, big($length) * MILLION ], $p->{currency}) - sum('cost', \@counted);
			push @short, row($w, $n, kind => 'commitment', account => $term->{account}, payer => $term->{payer}, bill => $bill, quantity => [ $time, $length ], unit => 'billing-period', cost => $missing) if $missing > 0;
		}
	}
	return @short;
}

1;
