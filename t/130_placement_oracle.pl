# Offers against brute force over the same book, in plain Perl: random pools, bookings, prices, transfers and requests.  No
# other offer has a smaller sum of money and delay, none is both cheaper and earlier; the start is the first instant found over
# the earliest start, every instant of change and every set of pools; with so many devices to spare there, so many more change
# nothing, and a granule beyond makes it later or none.  What was quoted for what was reserved is what is billed for it.
#
# COMPUTE_LEDGER_SEED, COMPUTE_LEDGER_ROUNDS and COMPUTE_LEDGER_STEPS say which, how many worlds and how many requests of each.
use strict;
use warnings;
use List::Util qw(max min sum0 uniq);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20261201;
my $rounds = $ENV{COMPUTE_LEDGER_ROUNDS} // 4;
my $steps = $ENV{COMPUTE_LEDGER_STEPS} // 60;
note "seed $seed, $rounds rounds of $steps requests";

my $node = PostgreSQL::Test::Cluster->new('placement_oracle');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\nclient_min_messages = warning\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE extended');
$node->safe_psql('extended', q{
	CREATE EXTENSION compute_ledger;
	SELECT create_ledger();
	SELECT create_account('home', currency => 'USD'), create_account('acme', currency => 'USD'), create_account('other', currency => 'USD');
	SELECT create_region('land', 'country'), create_region('r1', parent => 'land'), create_region('r2', parent => 'land'), create_region('r3'), create_region('r4');
	CREATE FUNCTION at(minutes numeric) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT timestamptz '2024-03-01 00:00+00' + minutes::double precision * interval '1 minute' $$;
	CREATE FUNCTION minutes(at timestamptz) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT trim_scale(extract(epoch FROM at - timestamptz '2024-03-01 00:00+00') / 60) $$;
	-- Books where there is room.
	CREATE FUNCTION try_book(account text, pool bigint, devices bigint, period tstzrange, now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM book(account, pool, devices, period, confirmed => true, now => now);
	EXCEPTION WHEN SQLSTATE 'LC020' THEN
		NULL;
	END
	$$;
	CREATE FUNCTION asked(a placement_request, most integer, now timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
		SELECT CASE WHEN q.rank IS NULL THEN concat_ws('|', 'out', q.pool, q.reason) ELSE
			concat_ws('|', 'offer', (SELECT string_agg(p.pool || ':' || p.devices, ',' ORDER BY p.pool) FROM unnest(q.pieces) AS p), minutes(q.starts), minutes(q.ends), q.cost, q.transfer_cost,
				q.total, q.efficiency, q.keeps_deadline, q.objective, q.offer) END
		FROM quote(a, most, now) AS q
	$$;
});

sub chance { return rand() < $_[0] }
sub one_of { return $_[ rand @_ ] }

my @chips = qw(nvidia/h100-sxm5-80gb nvidia/a100-sxm4-80gb nvidia/h100-pcie-80gb);
my @regions = qw(r1 r2 r3 r4);
my %inside = (r1 => [ 'r1', 'land' ], r2 => [ 'r2', 'land' ], r3 => ['r3'], r4 => ['r4']);
my (%count, $wrong, $session);
{
	# it would say every query and every answer
	no warnings qw(redefine once);
	*PostgreSQL::Test::BackgroundPsql::note = sub { };
}

# ------------------------------------------------------------------ a world

# Makes pools, what they offer, prices, links and efficiencies; returns them as the model has them.
sub make_world
{
	my ($database, $is_split) = @_;
	my %world = (pools => [], now => 60 * (1 + int rand 4) + int rand 60, horizon => 60 * 24 * 40, is_split => $is_split);
	my @sql;
	my $granule = one_of(1, 2, 4);
	for my $id (1 .. ($is_split ? 3 + int rand 3 : 2 + int rand 4))
	{
		my %pool = (
			id => $id, region => one_of(@regions), chip => one_of(@chips), granule => $is_split && chance(0.8) ? $granule : one_of(1, 2, 4, 8), slot => one_of(15, 30, 60),
			link => one_of('wan', 'ib', ''), offered => 8 * (1 + int rand 4), host => chance(0.3) ? 'home' : undef, share => one_of(0.25, 0.5, 1));
		push @{ $world{pools} }, \%pool;
		push @sql, "SELECT create_pool('$pool{region}', '$pool{chip}', 'p$id', granule => $pool{granule}, slot_minutes => $pool{slot}, horizon => '40 days', link_class => " . ($pool{link} ? "'$pool{link}'" : 'NULL')
			. ($pool{host} ? ", host => 'home'" : '') . ')';
		push @sql, "SELECT offer_devices($id, $pool{offered}, tstzrange(at(0), NULL), now => at(0))";
		push @sql, "SELECT set_guest_share($id, $pool{share}, now => at(0))" if $pool{host};
		# an outage that is planned
		if (chance(0.4))
		{
			my $from = 60 * int rand 72;
			my $to = $from + 60 * (1 + int rand 12);
			my $less = min($pool{offered}, 1 + int rand $pool{offered});
			push @{ $pool{less} }, [ $from, $to, $less ];
			push @sql, "SELECT plan_maintenance($id, $less, tstzrange(at($from), at($to)), now => at(0))";
		}
	}
	# some have no price, and where nothing is split, some change theirs
	for my $chip (@chips)
	{
		for my $region (@regions)
		{
			next if chance(0.1);
			my $price = (50 + int rand 400) / 100;
			my $change = !$is_split && chance(0.3) ? 60 * (6 + int rand 40) : undef;
			my $later = (50 + int rand 400) / 100;
			$world{price}{$chip}{$region} = [ [ 0, $price ], defined $change ? [ $change, $later ] : () ];
			push @sql, "SELECT create_price('$chip', 'USD', $price, region => '$region', measure => 'reserved')";
			push @sql, "SELECT create_price('$chip', 'USD', $later, region => '$region', measure => 'reserved', valid_from => at($change), supersede => true)" if defined $change;
		}
	}
	for my $from (@regions)
	{
		for my $to (@regions)
		{
			next if $from eq $to || chance(0.15);
			my %link = (price => chance(0.9) ? (int rand 20) / 100 : undef, gbps => chance(0.9) ? one_of(1, 10, 100) : undef, latency => chance(0.9) ? one_of(10, 80, 200) : undef);
			$world{link}{$from}{$to} = \%link;
			push @sql, "SELECT set_region_link('$from', '$to'" . (defined $link{price} ? ", $link{price}, 'USD'" : '') . (defined $link{gbps} ? ", gbps => $link{gbps}" : '')
				. (defined $link{latency} ? ", latency => '$link{latency} ms'" : '') . ')';
		}
	}
	for my $link ('wan', 'ib', '')
	{
		my $efficiency = 1;
		for my $sites (2 .. 4)
		{
			$efficiency *= one_of(0.45, 0.6, 0.9, 0.95, 1);
			next if chance(0.15);
			$world{efficiency}{$link}[$sites] = $efficiency;
			push @sql, "SELECT set_scaling_efficiency('$link', $sites, $efficiency)";
		}
	}
	for (1 .. 12 * @{ $world{pools} })
	{
		my $pool = one_of(@{ $world{pools} });
		my $from = $pool->{slot} * int rand(60 * 72 / $pool->{slot});
		my $to = $from + $pool->{slot} * (1 + int rand(60 * 20 / $pool->{slot}));
		my $devices = $pool->{granule} * (1 + int rand($pool->{offered} / $pool->{granule}));
		push @sql, "SELECT try_book('" . one_of('home', 'other') . "', $pool->{id}, $devices, tstzrange(at($from), at($to)), at(0))";
	}
	$node->safe_psql($database, join(";\n", @sql));
	return \%world;
}

# Reads what is booked: devices, from, to, whether a guest's, by pool.
sub read_book
{
	my ($world) = @_;
	$_->{booked} = [] for @{ $world->{pools} };
	for (split /\n/, $session->query('SELECT concat_ws(\'|\', pool, devices, minutes(lower(occupies)), minutes(upper(occupies)), guest::int) FROM reservation WHERE NOT isempty(occupies)'))
	{
		my ($pool, @rest) = split /\|/;
		push @{ $world->{pools}[ $pool - 1 ]{booked} }, \@rest;
	}
	return;
}

sub floor_to { my ($n, $step) = @_; return $step * int($n / $step + 1e-9) }
sub ceil_to { my ($n, $step) = @_; return $step * int(($n + $step - 1e-6) / $step) }

# What is free of a pool for acme at an instant.
sub free_at
{
	my ($pool, $at) = @_;
	my $limit = floor_to(max(0, $pool->{offered} - sum0(map { $_->[0] <= $at && $at < $_->[1] ? $_->[2] : 0 } @{ $pool->{less} // [] })), $pool->{granule});
	my @there = grep { $_->[1] <= $at && $at < $_->[2] } @{ $pool->{booked} };
	my $free = max(0, $limit - sum0(map { $_->[0] } @there));
	return $free if !$pool->{host};
	return min($free, max(0, floor_to($limit * $pool->{share}, $pool->{granule}) - sum0(map { $_->[3] ? $_->[0] : 0 } @there)));
}

# The instants at which what is free of a pool changes.
sub changes
{
	my ($pool) = @_;
	return map { @$_[ 0, 1 ] } @{ $pool->{less} // [] }, map { [ @$_[ 1, 2 ] ] } @{ $pool->{booked} };
}

# What is free throughout a time.
sub free_in
{
	my ($pool, $from, $to) = @_;
	return min(map { free_at($pool, $_) } $from, grep { $from < $_ && $_ < $to } changes($pool));
}

# ------------------------------------------------------------------ a request

sub make_request
{
	my ($world) = @_;
	my $devices = one_of(1, 2, 4, 8, 8, 12, 16, 24);
	$devices = one_of(8, 16, 24, 32, 40, 48, 64) if $world->{is_split};
	my %r = (devices => $devices, hours => one_of(0.5, 1, 2.25, 4, 10), sites => $world->{is_split} ? one_of(2, 3, 4) : 1, v => one_of(0, 0, 0.01, 0.3, 5, 1000000));
	my @arguments;
	$r{chips} = chance(0.7) ? [@chips] : [ one_of(@chips), one_of(@chips) ];
	push @arguments, "sites => $r{sites}", "delay_value => $r{v}";
	if (chance(0.2)) { $r{in} = one_of('land', @regions); push @arguments, "regions => '{$r{in}}'" }
	if (chance(0.3)) { $r{ceiling} = one_of(1, 2, 3, 4); push @arguments, "ceiling => $r{ceiling}" }
	if (chance(0.2)) { $r{max_cost} = one_of(10, 50, 200); push @arguments, "max_cost => $r{max_cost}" }
	if (chance(0.3)) { $r{not_before} = $world->{now} + int rand(60 * 30); push @arguments, "not_before => at($r{not_before})" }
	if (chance(0.3)) { $r{deadline} = $world->{now} + 60 * 30 + int rand(60 * 24); push @arguments, "deadline => at($r{deadline})" }
	if (chance(0.4))
	{
		$r{data_region} = one_of(@regions);
		push @arguments, "data_region => '$r{data_region}'";
		if (chance(0.7)) { $r{data_gb} = one_of(10, 100, 5000); push @arguments, "data_gb => $r{data_gb}" }
		if (chance(0.3)) { $r{moved} = 1; push @arguments, 'data_moved => true' }
		if (chance(0.4)) { $r{results_gb} = one_of(3, 40); push @arguments, "results_gb => $r{results_gb}" }
		if (chance(0.2)) { $r{max_latency} = one_of(20, 100); push @arguments, "max_latency => '$r{max_latency} ms'" }
	}
	if ($world->{is_split} && chance(0.3)) { $r{between_gb} = one_of(1, 50); push @arguments, "between_gb => $r{between_gb}" }
	$r{sql} = sub {
		my ($more) = @_;
		return "placement_request('acme', '{" . join(',', @{ $r{chips} }) . "}', " . ($r{devices} + ($more // 0)) . ", '$r{hours} hours', " . join(', ', @arguments) . ')';
	};
	return \%r;
}

# The price of a transfer, undef if it is not known.
sub gb_price { my ($world, $from, $to) = @_; return $from eq $to ? 0 : $world->{link}{$from}{$to}{price} }

# The pools that a request may have a part of, each with when it is ready.
sub eligible
{
	my ($world, $r, $devices) = @_;
	my $base = max($world->{now}, $r->{not_before} // 0);
	my @may;
	for my $pool (@{ $world->{pools} })
	{
		my $at = $base;
		next if !grep { $_ eq $pool->{chip} } @{ $r->{chips} };
		next if $r->{in} && !grep { $_ eq $r->{in} } @{ $inside{ $pool->{region} } };
		next if $r->{sites} == 1 && $devices % $pool->{granule};
		my $prices = $world->{price}{ $pool->{chip} }{ $pool->{region} } or next;
		if (defined $r->{data_region} && $r->{data_region} ne $pool->{region})
		{
			my $link = $world->{link}{ $r->{data_region} }{ $pool->{region} } // {};
			next if $r->{max_latency} && (!defined $link->{latency} || $link->{latency} > $r->{max_latency});
			if ($r->{data_gb})
			{
				next if !defined $link->{price} || !defined $link->{gbps};
				$at += $r->{data_gb} * 8 / $link->{gbps} / 60;
			}
			next if $r->{results_gb} && !defined gb_price($world, $pool->{region}, $r->{data_region});
		}
		push @may, { pool => $pool, ready => ceil_to($at, $pool->{slot}), prices => $prices };
	}
	return @may;
}

# What computing costs, undef where the price is above the ceiling.
sub compute_cost
{
	my ($r, $may, $devices, $from, $to) = @_;
	my @prices = @{ $may->{prices} };
	my $cost = 0;
	for my $i (0 .. $#prices)
	{
		my $hours = (min($to, $i < $#prices ? $prices[ $i + 1 ][0] : 1e9) - max($from, $prices[$i][0])) / 60;
		next if $hours <= 0;
		return if defined $r->{ceiling} && $prices[$i][1] > $r->{ceiling};
		$cost += $hours * $devices * $prices[$i][1];
	}
	return $cost;
}

# The ways to divide devices among pools, each of which gets some of what it has.
sub divisions
{
	my ($rest, @sites) = @_;
	my ($first, @others) = @sites;
	return $rest > 0 && $rest <= $first->{cap} && $rest % $first->{pool}{granule} == 0 ? [$rest] : () if !@others;
	my @ways;
	for (my $share = $first->{pool}{granule}; $share <= min($first->{cap}, $rest); $share += $first->{pool}{granule})
	{
		push @ways, map { [ $share, @$_ ] } divisions($rest - $share, @others);
	}
	return @ways;
}

sub transfers
{
	my ($world, $r, $devices, $sites, $shares) = @_;
	my $money = 0;
	for my $i (0 .. $#$sites)
	{
		my ($region, $part) = ($sites->[$i]{pool}{region}, $shares->[$i] / $devices);
		$money += $r->{data_gb} * ($r->{moved} ? $part : 1) * gb_price($world, $r->{data_region}, $region) if $r->{data_gb};
		$money += $r->{results_gb} * $part * gb_price($world, $region, $r->{data_region}) if $r->{results_gb};
		for my $j ($r->{between_gb} ? grep { $_ != $i } 0 .. $#$sites : ())
		{
			my $price = gb_price($world, $region, $sites->[$j]{pool}{region});
			return if !defined $price;
			$money += $r->{between_gb} * $price;
		}
	}
	return $money;
}

sub subsets
{
	my ($size, @of) = @_;
	return [] if $size == 0;
	return if @of < $size;
	my ($first, @rest) = @of;
	return ((map { [ $first, @$_ ] } subsets($size - 1, @rest)), subsets($size, @rest));
}

sub efficiency
{
	my ($world, @sites) = @_;
	return 1 if @sites == 1;
	my @figures = map { $world->{efficiency}{ $_->{pool}{link} }[ scalar @sites ] } @sites;
	return (grep { !defined } @figures) ? undef : min(@figures);
}

# What is offered, by brute force: each pool at its first start, and every set of pools at every instant at which something
# becomes free, as few pools as have the devices then.
sub all_offers
{
	my ($world, $r, $devices) = @_;
	my @may = eligible($world, $r, $devices);
	my @offers;
	my $keep = sub {
		my ($sites, $shares, $from, $to) = @_;
		my @costs = map { compute_cost($r, $sites->[$_], $shares->[$_], $from, $to) } 0 .. $#$sites;
		my $transfer = transfers($world, $r, $devices, $sites, $shares);
		return if !defined $transfer || grep { !defined } @costs;
		my $total = sum0(@costs) + $transfer;
		return if defined $r->{max_cost} && $total > $r->{max_cost} + 1e-7;
		push @offers, { pieces => join(',', map { "$sites->[$_]{pool}{id}:$shares->[$_]" } 0 .. $#$sites), from => $from, to => $to, total => $total, transfer => $transfer,
			late => defined $r->{deadline} && $to > $r->{deadline} ? 1 : 0, objective => $total + $r->{v} * $devices * ($to - $world->{now}) / 60 };
	};
	# one pool: its first start,
	for my $may (@may)
	{
		my $pool = $may->{pool};
		my $length = ceil_to($r->{hours} * 60, $pool->{slot});
		next if $devices % $pool->{granule};
		# and the first after each fall of its price: the best of these
		my @before = @offers;
		my @falls = map { $may->{prices}[$_][0] } grep { $may->{prices}[$_][0] > $may->{ready} && $may->{prices}[$_][1] < $may->{prices}[ $_ - 1 ][1] } 1 .. $#{ $may->{prices} };
		for my $origin ($may->{ready}, @falls)
		{
			for my $from (sort { $a <=> $b } uniq map { ceil_to($_, $pool->{slot}) } $origin, grep { $_ > $origin } changes($pool), map { $_->[0] } @{ $may->{prices} })
			{
				next if free_in($pool, $from, $from + $length) < $devices || !defined compute_cost($r, $may, $devices, $from, $from + $length);
				$keep->([$may], [$devices], $from, $from + $length);
				last;
			}
		}
		my ($best) = sort { order($a, $b) } @offers[ @before .. $#offers ];
		@offers = (@before, $best ? $best : ());
	}
	return @offers if $r->{sites} == 1;
	# a slot of all of them; prices do not change here
	@may = grep { defined compute_cost($r, $_, 1, 0, 60) } @may;
	my $slot = max(1, map { $_->{pool}{slot} } @may);
	my $length = ceil_to($r->{hours} * 60, $slot);
	for my $from (sort { $a <=> $b } uniq map { ceil_to($_, $slot) } map { my $may = $_; ($may->{ready}, grep { $_ > $may->{ready} && free_at($may->{pool}, $_) > free_at($may->{pool}, $_ - 1) } changes($may->{pool})) } @may)
	{
		my $fewer = 0;
		$_->{cap} = $from < $_->{ready} ? 0 : min($devices, floor_to(free_in($_->{pool}, $from, $from + $length), $_->{pool}{granule})) for @may;
		for my $sites (1 .. $r->{sites})
		{
			my ($possible, $best) = (0, 0);
			for my $set (subsets($sites, grep { $_->{cap} > 0 } @may))
			{
				my $efficiency = efficiency($world, @$set);
				next if !defined $efficiency;
				$best = max($best, $efficiency * min($devices, sum0(map { $_->{cap} } @$set)));
				my @ways = divisions($devices, @$set) or next;
				$possible = 1;
				next if $sites == 1 || $efficiency * $devices <= $fewer + 1e-9;
				$keep->($set, $_, $from, $from + $length) for @ways;
			}
			last if $possible;
			$fewer = max($fewer, $best);
		}
	}
	return @offers;
}

# ------------------------------------------------------------------ comparing

sub wrong
{
	my ($what, $world, $r, @more) = @_;
	$wrong++;
	diag join "\n\t", $what, 'now ' . $world->{now}, $r->{sql}->(), @more, $session->{stderr} if $wrong <= 5;
	return;
}

sub order { return $_[0]{late} <=> $_[1]{late} || (abs($_[0]{objective} - $_[1]{objective}) < 1e-6 * (1 + abs $_[0]{objective}) ? 0 : $_[0]{objective} <=> $_[1]{objective}) || $_[0]{to} <=> $_[1]{to} }

# Asks, and compares; returns the first offer.
sub ask
{
	my ($world, $r, $more) = @_;
	my $devices = $r->{devices} + ($more // 0);
	my @rows = map { [ split /\|/ ] } split /\n/, $session->query('SELECT asked(' . $r->{sql}->($more) . ", 1000, at($world->{now}))");
	my @said = map { { pieces => $_->[1], from => $_->[2], to => $_->[3], cost => $_->[4], transfer => $_->[5], total => $_->[6], late => $_->[8] eq 't' ? 0 : 1, objective => $_->[9], offer => $_->[10] } }
		grep { $_->[0] eq 'offer' } @rows;
	my %seen;
	$seen{$_}++ for map { /(\d+):/g } map { $_->{pieces} } @said;
	my @out = map { $_->[1] } grep { $_->[0] eq 'out' } @rows;
	$count{requests}++;
	wrong('a pool is out and in, or neither', $world, $r, "@out", join ' ', sort keys %seen) if join(' ', sort { $a <=> $b } @out, keys %seen) ne join(' ', 1 .. @{ $world->{pools} });
	my @all = sort { order($a, $b) } all_offers($world, $r, $devices);
	my ($first, $best) = ($said[0], $all[0]);
	$count{offers} += @said;
	if (!$first || !$best)
	{
		$count{none}++;
		wrong('one finds an offer and the other none', $world, $r, map { $_ ? "$_->{pieces} $_->{from} $_->{total}" : 'none' } $first, $best) if $first || $best;
		wrong('no reason', $world, $r) if grep { $_->[0] eq 'out' && ($_->[2] // '') eq '' } @rows;
		return;
	}
	$count{split}++ if $first->{pieces} =~ /,/;
	wrong('another offer is better', $world, $r, map { "$_->{pieces} from $_->{from} to $_->{to}: $_->{total}, $_->{objective}, late $_->{late}" } $first, $best) if order($first, $best) != 0;
	my ($same) = grep { $_->{pieces} eq $first->{pieces} && $_->{from} == $first->{from} } @all;
	wrong('there is no such offer', $world, $r, "$first->{pieces} from $first->{from}: $first->{total}") if !$same;
	wrong('it costs something else', $world, $r, "$first->{total}, $first->{transfer}", "$same->{total}, $same->{transfer}")
		if $same && (abs($same->{total} - $first->{total}) > 1e-6 || abs($same->{transfer} - $first->{transfer}) > 1e-6);
	wrong('another is cheaper and earlier', $world, $r) if grep { !$_->{late} && $_->{total} < $first->{total} - 1e-6 && $_->{to} < $first->{to} } @all;
	wrong('another is earlier where a delay is worth anything', $world, $r) if $r->{v} == 1000000 && grep { $_->{late} <= $first->{late} && $_->{to} < $first->{to} } @all;
	if ($r->{sites} == 1)
	{
		# each pool once, as it is
		wrong('other offers', $world, $r, map { join ' ', map { "$_->{pieces}\@$_->{from}" } @$_ } \@said, \@all) if join(' ', sort map { "$_->{pieces}\@$_->{from}" } @said) ne join(' ', sort map { "$_->{pieces}\@$_->{from}" } @all);
	}
	return $first;
}

srand($seed);
for my $round (1 .. $rounds)
{
	my $database = "round$round";
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE extended");
	my $world = make_world($database, $round % 2 == 0);
	$session = $node->background_psql($database, on_error_stop => 0);
	my $quoted = 0;
	for (1 .. $steps)
	{
		read_book($world);
		my $r = make_request($world);
		my $first = ask($world, $r);
		# so many devices to spare: so many more change nothing, and a granule beyond makes it later or none
		if ($first && $r->{sites} == 1)
		{
			my ($pool) = map { $world->{pools}[ $_ - 1 ] } $first->{pieces} =~ /^(\d+):/;
			my $one = { devices => $r->{devices}, hours => $r->{hours}, sites => 1, v => 1000000, chips => [ $pool->{chip} ], in => $pool->{region} };
			$one->{sql} = sub { "placement_request('acme', '{$pool->{chip}}', " . ($r->{devices} + ($_[0] // 0)) . ", '$r->{hours} hours', regions => '{$pool->{region}}', delay_value => 1000000)" };
			if (!grep { $_ != $pool && $_->{chip} eq $pool->{chip} && $_->{region} eq $pool->{region} } @{ $world->{pools} })
			{
				$count{spare}++;
				my $alone = ask($world, $one);
				my $spare = $alone ? free_in($pool, $alone->{from}, $alone->{to}) - $r->{devices} : 0;
				my $same = ask($world, $one, $spare);
				wrong("with $spare to spare it is another", $world, $one) if !$alone || !$same || $same->{from} != $alone->{from};
				my $later = ask($world, $one, $spare + $pool->{granule});
				wrong("with no more than $spare to spare it is the same", $world, $one) if $alone && $later && $later->{from} <= $alone->{from};
			}
		}
		if ($first && chance(0.3))
		{
			my $booked = $session->query("SELECT string_agg(pool || ':' || devices, ',' ORDER BY pool) FROM reserve(offer => \$offer\$$first->{offer}\$offer\$, confirmed => true, now => at($world->{now}))");
			wrong('an offer cannot be reserved', $world, $r, $booked, $first->{pieces}) if $booked ne $first->{pieces};
			$quoted += $first->{cost};
			$count{reserved}++;
		}
		$world->{now} += int rand 30;
	}
	# what is billed for what has run
	my $billed = $session->query("SELECT record_reservations(now => at(60 * 24 * 60))::text IS NULL; SELECT coalesce(sum(cost), 0) FROM rate_usage('acme', tstzrange(at(0), at(60 * 24 * 61)))");
	$billed =~ s/.*\n//s;
	is($billed + 0, $quoted + 0, "round $round: what was quoted is what is billed");
	$session->quit;
}
ok(!$wrong, 'every answer is what brute force finds');
cmp_ok($count{$_} // 0, '>', 0, "$_: " . ($count{$_} // 0)) for qw(requests offers none reserved split spare);
done_testing();
