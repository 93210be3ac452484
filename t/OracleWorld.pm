# Small random ledgers, as descriptions for Oracle.pm and as SQL that makes them; not a test.
package OracleClock;
# Days, months and billing periods around an instant, by the days of zones as the server knows them.
use strict;
use warnings;
use List::Util qw(first max min);

use constant DAY => 86400 * 1000000;

# The date of so many days after 1970-01-01.
sub date { my ($n) = @_; my @t = gmtime($n * 86400); return sprintf '%d-%02d-%02d', $t[5] + 1900, $t[4] + 1, $t[3] }

# The query whose rows new() takes: where the date changes in zones, from 110 days before a day to 110 days after it.
sub query
{
	my ($middle, @zones) = @_;
	my ($from, $to) = map { 'timestamptz \'' . date($middle / DAY + $_) . ' 00:00+00\'' } -110, 110;
	return "WITH step AS (SELECT z, t, (t AT TIME ZONE z)::date AS d, lag((t AT TIME ZONE z)::date) OVER (PARTITION BY z ORDER BY t) AS before
			FROM unnest(ARRAY['" . join("','", @zones) . "']) AS z, generate_series($from, $to, '30 minutes') AS t)
		SELECT z, (extract(epoch FROM m) * 1000000)::bigint, (m AT TIME ZONE z)::date
		FROM step AS s, generate_series(s.t - CASE WHEN s.before IS NULL THEN interval '0' ELSE '29 minutes' END, s.t, '1 minute') AS m
		WHERE s.before IS NULL OR s.before <> s.d AND (m AT TIME ZONE z)::date <> ((m - interval '1 minute') AT TIME ZONE z)::date
		ORDER BY 1, 2";
}

# Calendars: months, months from the 16th, and weeks (of long ago: five at a time) that begin with the day in the middle (Sundays) and with the next.
sub new
{
	my ($class, $middle, @rows) = @_;
	my $self = bless { weeks => $middle < 1577836800 * 1000000 ? 35 : 7, first => $middle / DAY - 105 }, $class;
	push @{ $self->{days}{ $_->[0] } }, [ @{$_}[ 1, 2 ] ] for map { [ split /\|/ ] } @rows;
	for my $zone (keys %{ $self->{days} })
	{
		# a period begins where its first day does, of a midnight that comes twice with the first; a day that the zone skipped, with the next
		my $starts = sub { my ($date) = @_; my $day = first { $_->[1] ge $date } @{ $self->{days}{$zone} }; return $day ? $day->[0] : () };
		for my $part ([ 'month', '01' ], [ '16th', '16' ])
		{
			my %dates = map { ($_->[1] => 1) } grep { $_->[1] =~ /-$part->[1]$/ } @{ $self->{days}{$zone} };
			$self->{bounds}{"$part->[0]/$zone"} = [ map { $starts->($_) } sort keys %dates ];
		}
		for my $part ([ Sundays => 0 ], [ weeks => 1 ])
		{
			$self->{bounds}{"$part->[0]/$zone"} = [ map { $starts->(date($self->{first} + $part->[1] + $_ * $self->{weeks})) } 0 .. 210 / $self->{weeks} ];
		}
	}
	# from where to where everything is known
	$self->{from} = max map { $_->[0] } values %{ $self->{bounds} };
	$self->{to} = min map { $_->[-1] } values %{ $self->{bounds} };
	return $self;
}

# SQL that makes the calendars.
sub sql
{
	my ($self) = @_;
	my $sixteenth = date($self->{first}) =~ s/..$/16/r;
	return join '', map { my $zone = $_; map { "INSERT INTO billing_calendar (name, anchor, time_zone, rule) VALUES ('$_->[0]/$zone', '$_->[1]', '$zone', '$_->[2]');\n" }
		[ '16th', $sixteenth, '1 month' ], [ 'Sundays', date($self->{first}), "$self->{weeks} days" ], [ 'weeks', date($self->{first} + 1), "$self->{weeks} days" ] } sort keys %{ $self->{days} };
}

# The days of a zone in a span of time.
sub days
{
	my ($self, $zone, $from, $to) = @_;
	my $days = $self->{days}{$zone};
	return map { { from => max($from, $days->[$_][0]), to => min($to, $days->[ $_ + 1 ][0]), date => $days->[$_][1] } } grep { $days->[$_][0] < $to && $days->[ $_ + 1 ][0] > $from } 0 .. $#$days - 1;
}

# The billing periods of a calendar that a span of time touches; each calendar has its own, also where two have the same bounds.
sub bills
{
	my ($self, $calendar, $from, $to) = @_;
	my $bounds = $self->{bounds}{$calendar};
	return map { { from => $bounds->[ $_ - 1 ], to => $bounds->[$_], name => "$calendar $bounds->[$_ - 1]-$bounds->[$_]" } } grep { $bounds->[ $_ - 1 ] < $to && $bounds->[$_] > $from } 1 .. $#$bounds;
}

# How long the month is that a day of a zone is in.
sub month
{
	my ($self, $zone, $date) = @_;
	my $day = first { $_->[1] eq $date } @{ $self->{days}{$zone} };
	my ($month) = $self->bills("month/$zone", $day->[0], $day->[0] + 1);
	return $month->{to} - $month->{from};
}

package OracleWorld;
use strict;
use warnings;
use List::Util qw(min shuffle);
use Oracle;

use constant { MILLION => 1000000, MINUTE => 60 * 1000000, HOUR => 3600 * 1000000, DAY => OracleClock::DAY };

# What a ledger may have. rounding: charges of kind rounding; list_changes: list prices that change, or are for some of the usage only;
# slices; gaps (accounts that end, begin and pause); mergers; merged_contracts; currencies: several; own_currency: books that do not ask for the payer's;
# minimum_moves: minimums of accounts that move; level_parts: peaks that are priced for parts of a period; reserved_pools: reserved capacity in a pool with
# other prices; reserved_tiers: tiers without fees beyond it; list_model; open_work: achieved work of open records; fractions: sevenths of devices;
# double_midnight: zones with days that have two; closings.
our @features = qw(rounding list_changes slices gaps mergers merged_contracts currencies own_currency minimum_moves level_parts reserved_pools reserved_tiers list_model open_work
	fractions double_midnight closings);

# Around when, and in which zones, it is worth looking.
our @epochs = ([ '2024-11-03', qw(America/New_York America/Havana) ], [ '2025-03-09', qw(America/New_York America/Havana) ], [ '2024-10-06', 'Australia/Lord_Howe' ],
	[ '2025-04-06', qw(Australia/Lord_Howe Asia/Beirut) ], [ '2010-11-07', 'America/Havana' ], [ '2011-12-30', 'Pacific/Apia' ], [ 'today', 'America/New_York' ]);

# Chips: name, parts, MFLOP/s in bf16, units of a device that one is.
my @chips = map { my %chip; @chip{qw(name vendor model form memory slice rate share)} = @$_; \%chip } (
	[ 'nvidia/h100-sxm5-80gb', qw(nvidia h100 sxm5 80gb), undef, 989400000, 1680000 ],
	[ 'nvidia/a100-sxm4-40gb', qw(nvidia a100 sxm4 40gb), undef, 312000000, 1680000 ],
	[ 'amd/mi300x', qw(amd mi300x), undef, undef, undef, 1307400000, 1680000 ],
	[ 'nvidia/h100', qw(nvidia h100), undef, undef, undef, undef, 1680000 ],
	[ 'nvidia/a100-sxm4-40gb:1g.5gb', qw(nvidia a100 sxm4 40gb 1g.5gb), 44571429, 240000 ],
	[ 'nvidia/a100-sxm4-40gb:3g.20gb', qw(nvidia a100 sxm4 40gb 3g.20gb), 133714286, 720000 ],
	[ 'nvidia/h100-sxm5-80gb:2g.20gb', qw(nvidia h100 sxm5 80gb 2g.20gb), 282685714, 480000 ],
	[ 'nvidia/l4-pcie-24gb:1g.3gb', qw(nvidia l4 pcie 24gb 1g.3gb), undef, undef ]);

sub one_of { return $_[ rand @_ ] }
sub chance { return rand() < $_[0] }
sub copy { my ($x) = @_; return ref $x eq 'HASH' ? +{ map { ($_ => copy($x->{$_})) } keys %$x } : ref $x eq 'ARRAY' ? [ map { copy($_) } @$x ] : $x }

# As SQL writes it: a word, an instant, a span of time, millionths.
sub quoted { return defined $_[0] ? "'$_[0]'" : 'NULL' }
sub cell { my ($t) = @_; return sprintf "'%s %02d:%02d:%02d.%06d+00'", OracleClock::date(int($t / DAY)), $t / HOUR % 24, $t / MINUTE % 60, $t / MILLION % 60, $t % MILLION }
sub at { my ($t) = @_; return abs $t == Oracle::EVER ? 'NULL' : 'timestamptz ' . cell($t) }
sub range { return 'tstzrange(' . at($_[0]) . ', ' . at($_[1]) . ')' }
sub decimal { my ($n) = @_; return ref $n ? 'ARRAY[' . join(',', map { decimal($_) } @$n) . ']::numeric[]' : defined $n ? sprintf '%d.%06d', int($n / MILLION), $n % MILLION : 'NULL' }
sub insert { my ($table, @cells) = @_; @cells = grep { $_->[1] ne 'NULL' } @cells; return "INSERT INTO $table (" . join(', ', map { $_->[0] } @cells) . ') VALUES (' . join(', ', map { $_->[1] } @cells) . ')' }
sub account { my ($n) = @_; return defined $n ? "(SELECT id FROM account WHERE name = '\@a$n')" : 'NULL' }

# The description of a random ledger.
sub make
{
	my ($seed, $features, $epoch, $now) = @_;
	srand $seed;
	my $w = { features => $features, clock => $epoch->{clock}, now => $now, seed => $seed, middle => min($epoch->{middle}, $now - 2 * DAY), zones => $epoch->{zones}, changes => [], prices => [] };
	$w->{from} = ($w->{clock}->bills('month/UTC', $w->{middle}, $w->{middle} + 1))[0]{from} - 5 * DAY;
	$w->{to} = $w->{from} + one_of(45, 71) * DAY;
	$w->{own} = $features->{own_currency} && chance(0.2);
	my $main = one_of(qw(USD EUR JPY KWD));
	$w->{currencies} = $features->{currencies} ? [ ($main) x 5, one_of(qw(USD EUR JPY)) ] : ['USD'];
	my @all = grep { $features->{slices} || !defined $_->{slice} } @chips;
	$w->{chips} = [ map { one_of(@all) } 1 .. 1 + rand 3 ];
	for my $i (0 .. 2 + rand 6)
	{
		my %version = (from => Oracle::NEVER, to => Oracle::EVER, parent => $i ? int rand $i : undef, zone => !$i || chance(0.3) ? one_of(@{ $w->{zones} }) : undef,
			currency => !$i || chance(0.4) ? one_of(@{ $w->{currencies} }) : undef, calendar => chance(0.3) ? calendar($w) : undef);
		$w->{accounts}[$i] = { versions => [ \%version ] };
	}
	$w->{first_accounts} = copy($w->{accounts});
	$w->{regions}[$_] = { versions => [ { from => Oracle::NEVER, to => Oracle::EVER, parent => $_ ? int rand $_ : undef } ] } for 0 .. rand 3;
	if (@{ $w->{regions} } == 3 && $features->{list_changes} && chance(0.3))
	{
		my ($v, $t) = ($w->{regions}[2]{versions}[0], instant($w));
		$w->{regions}[2]{versions} = [ { %$v, to => $t }, { %$v, from => $t, parent => 1 - $v->{parent} } ];
	}
	change($w) for 1 .. rand 6;
	prices($w) for 1 .. 2 + rand 5;
	record($w, $_) for 1 .. 3 + rand 10;
	return $w;
}

# An instant at which something changes.
sub instant
{
	my ($w) = @_;
	my $t = int($w->{middle} + (rand(30) - 12) * DAY);
	my @days = $w->{clock}->days(one_of(@{ $w->{zones} }), $w->{middle} - 8 * DAY, $w->{middle} + 12 * DAY);
	return one_of($t, $t - $t % HOUR, $t - $t % DAY, $w->{middle} + int(rand(30) - 5) * HOUR, $days[ 1 + rand $#days ]{from});
}

sub calendar
{
	my ($w) = @_;
	my $zone = one_of(@{ $w->{zones} });
	return one_of('weeks', '16th', $w->{features}{double_midnight} && $zone !~ /St_Johns/ ? 'Sundays' : 'weeks') . "/$zone";
}

# ------------------------------------------------------------------ changes of accounts

# What the functions of the ledger do: a version that holds at an instant is cut in two; what is from then on has another value.
sub split_at { my ($account, $t) = @_; @{ $account->{versions} } = map { $_->{from} < $t && $t < $_->{to} ? ({ %$_, to => $t }, { %$_, from => $t }) : $_ } @{ $account->{versions} }; return }

# One change, and the SQL of it; none if the ledger would refuse it.
sub change
{
	my ($w) = @_;
	my ($f, $all, $before) = ($w->{features}, $w->{accounts}, copy($w->{accounts}));
	my $what = one_of(qw(parent parent zone calendar), $f->{currencies} ? 'currency' : 'parent', $f->{mergers} ? ('merge') x 3 : 'parent', $f->{gaps} ? qw(end gap begin) : 'zone');
	my ($n, $t) = ($what =~ /zone|calendar|currency/ ? int rand @$all : 1 + int rand(@$all - 1), instant($w));
	my $one = $all->[$n];
	my $sql;
	if ($what =~ /^(parent|zone|calendar|currency)$/)
	{
		my $value = $what eq 'parent' ? int rand @$all : $what eq 'zone' ? one_of(@{ $w->{zones} }) : $what eq 'calendar' ? calendar($w) : one_of(@{ $w->{currencies} });
		split_at($one, $t);
		my @later = grep { $_->{from} >= $t } @{ $one->{versions} } or return;
		$_->{$what} = $value for @later;
		$sql = $what eq 'parent' ? "SELECT move_account('\@a$n', '\@a$value', " . at($t) . ')' : "SELECT change_account('\@a$n', " . at($t) . ', ' . ($what eq 'zone' ? 'time_zone' : $what) . " => '$value')";
	}
	elsif ($what eq 'merge')
	{
		my $into = int rand @$all;
		return if $one->{merged} || $into == $n || !Oracle::version($all->[$into], $t) || Oracle::owner($w, $into, Oracle::EVER) == $n;
		for my $child (@$all)
		{
			split_at($child, $t) if grep { $_->{from} <= $t && $t < $_->{to} && ($_->{parent} // -1) == $n } @{ $child->{versions} };
			$_->{parent} = $into for grep { ($_->{parent} // -1) == $n && $_->{to} > $t } @{ $child->{versions} };
		}
		split_at($one, $t);
		@{ $one->{versions} } = grep { $_->{to} <= $t } @{ $one->{versions} };
		$one->{merged} = { into => $into, at => $t };
		$sql = "SELECT merge_account('\@a$n', '\@a$into', " . at($t) . ')';
	}
	else
	{
		my ($from, $to) = $what eq 'end' ? ($t, Oracle::EVER) : $what eq 'begin' ? (Oracle::NEVER, $t - 9 * DAY) : sort { $a <=> $b } $t, instant($w);
		split_at($one, $_) for $from, $to;
		@{ $one->{versions} } = grep { $_->{to} <= $from || $_->{from} >= $to } @{ $one->{versions} };
		$sql = join ";\n", 'BEGIN', 'DELETE FROM account_version WHERE upper_inf(recorded) AND account = ' . account($n), versions_sql($n, $one), 'COMMIT';
	}
	if (@{ $one->{versions} } && is_sound($all)) { push @{ $w->{changes} }, $sql }
	else { $w->{accounts} = $before }
	return;
}

# Whether every account has a valid parent and is not above itself, and what was merged has ended, at all times, and is
# merged into one that is valid then or was merged itself.
sub is_sound
{
	my ($all) = @_;
	for my $m (grep { $_ } map { $_->{merged} } @$all)
	{
		my $into = $all->[ $m->{into} ];
		return 0 if !Oracle::version($into, $m->{at}) && !($into->{merged} && $into->{merged}{at} <= $m->{at});
	}
	for my $t (map { ($_->{from}, $_->{to}) } map { @{ $_->{versions} } } @$all)
	{
		for my $account (@$all)
		{
			my $v = Oracle::version($account, $t) or next;
			return 0 if $account->{merged} && $account->{merged}{at} < $v->{to};
			for (my $n = 0; defined $v->{parent}; $n++)
			{
				$v = Oracle::version($all->[ $v->{parent} ], $t);
				return 0 if !$v || $n > @$all;
			}
		}
	}
	return 1;
}

# The versions of an account, as rows.
sub versions_sql
{
	my ($n, $account) = @_;
	return map { insert('account_version', [ account => account($n) ], [ parent => account($_->{parent}) ], [ time_zone => quoted($_->{zone}) ], [ currency => quoted($_->{currency}) ],
		[ calendar => defined $_->{calendar} ? "(SELECT id FROM billing_calendar WHERE name = '$_->{calendar}')" : 'NULL' ], [ valid => range($_->{from}, $_->{to}) ]) } @{ $account->{versions} };
}

# ------------------------------------------------------------------ prices and usage

# Prices of one key, one after the other.
sub prices
{
	my ($w) = @_;
	my $f = $w->{features};
	my @accounts = grep { $f->{merged_contracts} || !$w->{accounts}[$_]{merged} } 0 .. $#{ $w->{accounts} };
	# rather one that others are under
	my $account = @{ $w->{prices} } && chance(0.7) ? $accounts[ rand() * rand @accounts ] : undef;
	my $varies = defined $account || $f->{list_changes};
	my %class;
	if (chance(0.7))
	{
		# some of the parts of a chip
		my $chip = one_of(@{ $w->{chips} });
		my @parts = ('vendor', chance(0.7) ? ('model', grep { chance(0.35) } qw(form memory slice)) : ());
		%class = map { ($_ => $chip->{$_}) } grep { defined $chip->{$_} } @parts;
	}
	$class{name} = join('', map { defined $class{ $_->[0] } ? $_->[1] . $class{ $_->[0] } : '' } [ 'vendor', '' ], [ 'model', '/' ], [ 'form', '-' ], [ 'memory', '-' ], [ 'slice', ':' ]) || 'any';
	my %key = (account => $account, class => \%class, region => $varies && chance(0.25) ? int rand @{ $w->{regions} } : undef, format => chance(0.15) ? 'bf16' : undef,
		measure => one_of(qw(allocated allocated allocated allocated used)), currency => one_of(@{ $w->{currencies} }));
	$key{key} = join '|', map { $_ // '' } $account, $class{name}, @key{qw(region format measure)}, $w->{own} ? '' : $key{currency};
	return if grep { $_->{key} eq $key{key} } @{ $w->{prices} };
	my @cuts = (Oracle::NEVER, ($varies ? sort { $a <=> $b } map { instant($w) } 1 .. one_of(0, 0, 1, 2) : ()), Oracle::EVER);
	for my $i (grep { $cuts[ $_ - 1 ] < $cuts[$_] && !($varies && chance(0.15)) } 1 .. $#cuts)
	{
		my $p = { %key, from => $cuts[ $i - 1 ], to => $cuts[$i], title => '@p' . @{ $w->{prices} } };
		terms($w, $p, defined $account, @cuts == 2);
		push @{ $w->{prices} }, $p;
	}
	return;
}

# What a price says.
sub terms
{
	my ($w, $p, $contract, $always) = @_;
	my $f = $w->{features};
	my $unit = one_of(('device-hour') x 5, ('PFLOPh@bf16') x 2, 'TFLOPh@bf16', 'instance-month', 'instance-month', $contract || $f->{list_changes} ? ('PFLOPh', 'PFLOPh') : (),
		$f->{level_parts} || $always ? ('peak-device', 'percentile-device') : (), $contract ? ('device-hour') x 3 : ());
	$unit = 'slice-hour' if defined $p->{class}{slice} && chance(0.4);
	@{$p}{qw(model unit free)} = (one_of(qw(flat flat graduated graduated graduated volume volume package)), $unit, 0);
	my $money = sub { one_of(int rand 5000000, 10000 * int rand 500, 0, 1, 333333, 12000000, 1234567) };
	if ($f->{list_model} && $contract && !$w->{own} && chance(0.2))
	{
		@{$p}{qw(model unit factor)} = ('list', 'device-hour', one_of(800000, 333333, 0, 1150000));
	}
	else
	{
		@{$p}{qw(flop basis)} = ($1 eq 'P' ? '3600000000000000000' : '3600000000000000', $2) if $unit =~ /^([PT])FLOPh(?:@(\w+))?/;
		$p->{per_instance} = one_of(MILLION, 8 * MILLION, 70000) if $unit eq 'instance-month';
		@{$p}{qw(percentile step)} = (one_of(950000, 500000, 1000000, 123456), one_of(HOUR, 5 * MINUTE, 7 * MINUTE, 30 * HOUR)) if $unit eq 'percentile-device';
		my @sizes = $unit eq 'instance-month' ? (13000, 370000, 1100000) : $unit =~ /^T/ ? (5e9, 1005e8) : $unit =~ /hour|^P/ ? (5e6, 24e6, 1005e5, 73e5, 3e8) : (500000, 2000000, 9000000);
		$p->{free} = one_of(@sizes) if chance(0.4);
		$p->{price} = $money->() if $p->{model} =~ /flat|package/;
		$p->{package} = one_of(@sizes) if $p->{model} eq 'package';
		if ($p->{model} =~ /graduated|volume/)
		{
			my ($n, $above) = (int rand 4, 0);
			$p->{tier_bounds} = [ map { $above += one_of(@sizes) } 1 .. $n ];
			$p->{tier_prices} = [ map { $money->() } 0 .. $n ];
			$p->{tier_fees} = [ map { one_of(0, 1500000, 3000000) } 0 .. $n ] if chance(0.4);
		}
		@{$p}{qw(committed committed_price)} = (one_of(1, 0.5, 0.1, 2.25, 8) * MILLION, one_of(1000000, 750000, 333333, 0)) if $contract && $unit eq 'device-hour' && chance(0.3) && ($f->{reserved_pools} || $always);
		$p->{tier_fees} //= [ map { 0 } @{ $p->{tier_prices} } ] if $p->{tier_prices} && $p->{committed} && !$f->{reserved_tiers};
		$p->{pool} = one_of('x', 'y') . " $unit" if chance(0.25) && !Oracle::by_level($p) && ($f->{reserved_pools} || !$p->{committed});
	}
	$p->{minimum} = one_of(500000, 50000000, 1000000000, 333333333) if $contract && chance(0.25) && ($f->{minimum_moves} || stays($w, $p->{account}));
	return;
}

# Whether an account is at one place all the time.
sub stays
{
	my ($w, $account) = @_;
	my %place = map { ((Oracle::place($w, $account, $_) // { sign => '' })->{sign} => 1) } map { $_->{from} } map { @{ $_->{versions} } } @{ $w->{accounts} };
	return keys %place == 1;
}

sub price_sql
{
	my ($p) = @_;
	return insert('price', [ book => "'\@'" ], (map { [ $_ => quoted($p->{$_}) ] } qw(title measure unit model currency pool)), [ account => account($p->{account}) ], [ accelerator => "'$p->{class}{name}'" ],
		[ region => defined $p->{region} ? "region_id('\@r$p->{region}')" : 'NULL' ], [ number_format => quoted($p->{format}) ], [ sample_step => $p->{step} ? "interval '" . $p->{step} / MILLION . " seconds'" : 'NULL' ],
		(map { [ $_->[0] => decimal($p->{ $_->[1] // $_->[0] }) ] } ['price'], ['tier_bounds'], ['tier_prices'], ['tier_fees'], [ 'package_size', 'package' ], ['free'], ['minimum'], ['factor'], ['percentile'],
			[ 'committed_devices', 'committed' ], ['committed_price'], [ 'devices_per_instance', 'per_instance' ]), [ valid => range($p->{from}, $p->{to}) ]);
}

# A record; every tenth comes in a revision that is wrong first, and every tenth is taken back.
sub record
{
	my ($w, $i) = @_;
	my $start = min(instant($w), $w->{now} - 2 * HOUR);
	my $end = chance(0.1) ? Oracle::EVER : min($start + 1 + int(one_of(MINUTE, 3 * HOUR, DAY, 4 * DAY, 15 * DAY) * rand), $w->{now});
	$end -= $end % MINUTE if $end < Oracle::EVER && $end - $end % MINUTE > $start && chance(0.5);
	my $work = chance(0.5) && ($end < Oracle::EVER || $w->{features}{open_work}) ? one_of('13320000000000000000', '999999999999999999999', '12345678901234567890123', '0', '7') : undef;
	push @{ $w->{records} }, { id => "\@u$i", account => int rand @{ $w->{accounts} }, region => int rand @{ $w->{regions} }, chip => one_of(@{ $w->{chips} }),
		devices => MILLION * one_of(1000000, 8000000, 500000, 333300, 3000000, $w->{features}{fractions} ? (142857.142857, 333333.333333) : ()), start => $start, end => $end,
		measure => one_of(qw(allocated allocated allocated used)), format => one_of(undef, undef, 'bf16', 'fp8'), work => defined $work ? Oracle::big($work) : undef, wrong_first => chance(0.1), retracted => chance(0.1) };
	return;
}

sub usage_sql
{
	my ($r, $revision, $retracted) = @_;
	return insert('usage_inbox', [ source => "'\@'" ], [ source_id => "'$r->{id}'" ], [ revision => "'$revision'" ], $retracted ? [ retracted => "'true'" ] : ([ account => "'\@a$r->{account}'" ],
		[ region => "'\@r$r->{region}'" ], [ accelerator => "'$r->{chip}{name}'" ], [ devices => sprintf "'%.12f'", $r->{devices} / 1e12 ], [ started_at => cell($r->{start}) ],
		[ ended_at => $r->{end} < Oracle::EVER ? cell($r->{end}) : 'NULL' ], [ measure => "'$r->{measure}'" ], [ number_format => quoted($r->{format}) ], [ achieved_work => defined $r->{work} ? "'$r->{work} FLOP'" : 'NULL' ]));
}

# ------------------------------------------------------------------ entering it

# A copy of a description with what the order of entering decides (numbers of accounts, order of records), and with the SQL that enters it
# under a name, in three phases: after the first and the last, usage is accepted. In another order: accounts, prices and records
# shuffled, what is known of accounts written at once and not change by change, revisions backwards.
sub enter
{
	my ($w, $name, $shuffled) = @_;
	my $entered = { %$w, name => $name, accounts => copy($w->{accounts}), records => [ map { { %$_ } } @{ $w->{records} } ] };
	my $all = $entered->{accounts};
	my @in_order = $shuffled ? shuffle(0 .. $#$all) : 0 .. $#$all;
	# of mergers into one account at one instant, numbers decide: let them be the same
	my %mergers;
	@in_order = 0 .. $#$all if grep { $mergers{"$_->{into} $_->{at}"}++ } grep { defined } map { $_->{merged} } @$all;
	$all->[ $in_order[$_] ]{number} = $_ for 0 .. $#$all;
	my @phase = ([ map {
		my $v = $w->{first_accounts}[$_]{versions}[0];
		$shuffled ? "SELECT create_account('\@a$_', currency => 'USD')" : join ', ', "SELECT create_account('\@a$_'", (defined $v->{parent} ? "parent => '\@a$v->{parent}'" : ()), (defined $v->{zone} ? "time_zone => '$v->{zone}'" : ()),
			(defined $v->{currency} ? "currency => '$v->{currency}'" : ()), (defined $v->{calendar} ? "calendar => '$v->{calendar}'" : ()), "title => '$name')"
	} @in_order ], [], []);
	for my $n (0 .. $#{ $w->{regions} })
	{
		my ($first, $later) = @{ $w->{regions}[$n]{versions} };
		push @{ $phase[0] }, "SELECT create_region('\@r$n', '" . (qw(provider region site))[$n] . "'" . (defined $first->{parent} ? ", parent => '\@r$first->{parent}'" : '') . ')';
		push @{ $phase[1] }, 'BEGIN', 'UPDATE region_version SET valid = ' . range($first->{from}, $first->{to}) . " WHERE region = region_id('\@r$n') AND upper_inf(recorded)",
			insert('region_version', [ region => "region_id('\@r$n')" ], [ parent => "region_id('\@r$later->{parent}')" ], [ level => "'site'" ], [ valid => range($later->{from}, $later->{to}) ]), 'COMMIT' if $later;
	}
	push @{ $phase[0] }, "INSERT INTO price_book (book, currency) VALUES ('\@', 'own')" if $w->{own};
	push @{ $phase[ chance(0.3) ? 1 : 0 ] }, price_sql($_) for $shuffled ? shuffle(@{ $w->{prices} }) : @{ $w->{prices} };
	push @{ $phase[1] }, !$shuffled ? @{ $w->{changes} } : ('BEGIN', "DELETE FROM account_version WHERE upper_inf(recorded) AND account IN (SELECT id FROM account WHERE name LIKE '\@a%')",
		shuffle(map { versions_sql($_, $all->[$_]) } 0 .. $#$all),
		shuffle(map { my $m = $all->[$_]{merged}; $m ? insert('account_merge', [ account => account($_) ], [ merged_into => account($m->{into}) ], [ at => at($m->{at}) ]) : () } 0 .. $#$all), 'COMMIT');

	my @usage;
	for my $r ($shuffled ? shuffle(@{ $entered->{records} }) : @{ $entered->{records} })
	{
		my @revisions = (($r->{wrong_first} ? { %$r, devices => 5 * 10**12, end => min($r->{start} + HOUR, $w->{now}) } : ()), $r);
		my @rows = map { [ $revisions[$_] == $r ? $r : undef, usage_sql($revisions[$_], $_, 0) ] } 0 .. $#revisions;
		push @rows, [ undef, usage_sql($r, scalar @rows, 1) ] if $r->{retracted};
		# what starts in a gap comes before the gap is known
		my $known = Oracle::version($all->[ Oracle::owner($entered, $r->{account}, $r->{start}) ], $r->{start});
		my $phase = $known && chance(0.5) ? 2 : 0;
		for my $row ($shuffled ? reverse @rows : @rows)
		{
			push @usage, [ $phase, @$row ];
			$phase = 2 if $known && chance(0.5);
		}
	}
	my $seq = 0;
	for my $u (sort { $a->[0] <=> $b->[0] } @usage)
	{
		$u->[1]{seq} = $seq++ if $u->[1];
		push @{ $phase[ $u->[0] ] }, $u->[2];
	}
	$entered->{records} = [ grep { !$_->{retracted} } @{ $entered->{records} } ];
	$entered->{sql} = [ map { my $sql = join '', map { "$_;\n" } @$_; $sql =~ s/\@(?=[arup]\d|'|a%)/$name/g; $sql } @phase ];
	return $entered;
}

1;
