# rate_usage() against an oracle that computes every charge of a small random ledger from the rules alone (Oracle.pm): trees
# that move, end and merge, calendars and zones around changes of the clock, currencies, all kinds of prices, slices, open,
# late and revised records.  The same ledger is entered in two orders, cut in two, and closed in between.
#
# COMPUTE_LEDGER_SEED and COMPUTE_LEDGER_ROUNDS say which ledgers, and how many: one that differs is found again with the seed
# that is printed and one round.  COMPUTE_LEDGER_WITHOUT names what they shall not have (@features in OracleWorld.pm).
use strict;
use warnings;
use File::Basename;
use File::Spec;
use List::Util qw(max min);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use lib dirname(File::Spec->rel2abs(__FILE__));
use Oracle;
use OracleWorld;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20260113;
my $rounds = $ENV{COMPUTE_LEDGER_ROUNDS} // 42;
my %without = map { ($_ => 1) } split /[ ,]+/, $ENV{COMPUTE_LEDGER_WITHOUT} // '';
my %features = map { ($_ => !$without{$_}) } @OracleWorld::features;
my $per_database = 40;
note "seed $seed, $rounds rounds", map { ", without $_" } sort keys %without;

my $node = PostgreSQL::Test::Cluster->new('rating_oracle');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\nfsync = off\njit = off\nclient_min_messages = warning\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE template');
$node->safe_psql('template', 'CREATE EXTENSION compute_ledger');
$node->safe_psql('template', 'SELECT create_ledger()');
my $now = $node->safe_psql('postgres', 'SELECT (extract(epoch FROM now()) * 1000000)::bigint');

my @epochs;
for my $epoch (grep { $features{double_midnight} || !grep { /Havana|St_Johns/ } @$_ } @OracleWorld::epochs)
{
	my ($around, @zones) = ($epoch->[0], 'UTC', 'Asia/Shanghai', @{$epoch}[ 1 .. $#$epoch ]);
	my $middle = $node->safe_psql('postgres', "SELECT extract(epoch FROM timestamptz '$around 00:00+00')::bigint * 1000000");
	push @epochs, { middle => $middle, zones => \@zones, clock => OracleClock->new($middle, split /\n/, $node->safe_psql('postgres', OracleClock::query($middle, @zones))) };
}

# ------------------------------------------------------------------ charges as text: the same text from the oracle and from the ledger

my @columns = qw(kind account payer bill price list region accelerator format measure day amount quantity unit cost list_cost currency);

# The query whose rows are the charges of a ledger in a period, with a word before them.
sub rating
{
	my ($w, $word, $from, $to) = @_;
	return sprintf q{SELECT '%s', '%s', c.kind, a.name, y.name, (extract(epoch FROM b.starts_at) * 1000000)::bigint || '-' || (extract(epoch FROM b.ends_at) * 1000000)::bigint, p.title, l.title, r.name, c.accelerator,
		c.number_format, c.measure, c.day, c.amount, c.quantity, c.unit, c.cost, c.list_cost, c.currency
		FROM rate_usage('%2$sa0', %s, :'as_of', '%2$s') AS c JOIN account AS a ON a.id = c.account JOIN account AS y ON y.id = c.payer JOIN billing_periods(:'as_of') AS b ON b.id = c.billing_period
		LEFT JOIN price AS p ON p.id = c.price LEFT JOIN price AS l ON l.id = c.list_price LEFT JOIN region AS r ON r.id = c.region;}, $word, $w->{name}, OracleWorld::range($from, $to);
}

# A decimal number as an integer of its last digit; as it is if it has more digits.
sub fixed
{
	my ($text, $digits) = @_;
	my ($sign, $whole, $part) = $text =~ /^(-?)(\d+)(?:\.(\d*?)0*)?$/ or return $text;
	$part //= '';
	return length $part > $digits ? $text : Oracle::big($sign . $whole . $part . '0' x ($digits - length $part))->bstr;
}

# A row of that query.
sub charge_of
{
	my %row;
	(undef, undef, @row{@columns}) = split /\|/, $_[0], -1;
	@row{qw(amount quantity)} = (fixed($row{amount}, 0), fixed($row{quantity}, 12));
	$row{$_} = fixed($row{$_}, $Oracle::digits{ $row{currency} }) for qw(cost list_cost);
	return \%row;
}

# A row of the oracle.
sub expected
{
	my ($w, $row) = @_;
	my %row = (%$row, bill => $row->{bill}{name} =~ s/^\S+ //r);
	$row{$_} = "$w->{name}a$row{$_}" for qw(account payer);
	$row{$_} = defined $row{$_} ? $w->{prices}[ $row{$_} ]{title} =~ s/\@/$w->{name}/r : '' for qw(price list);
	$row{region} = "$w->{name}r$row{region}" if defined $row{region};
	$row{quantity} = Oracle::half_even($row{quantity}[0] * Oracle::big(10)**12, $row{quantity}[1]) if $row{quantity};
	return { map { ($_ => defined $row{$_} ? "$row{$_}" : '') } @columns };
}

# Charges by what they are for: [what they say, quantity]. Unpriced usage is added up over its list prices and the currencies of its payer.
sub by_key
{
	my ($w, @rows) = @_;
	my (%said, %unpriced);
	for my $row (@rows)
	{
		my %r = %$row;
		$r{list} = '' if $r{kind} !~ /^(usage|instance)$/ || !$features{list_changes};
		@r{qw(format measure unit quantity)} = ('') x 4 if $r{kind} eq 'rounding';
		my $key = join '|', @r{qw(kind account payer bill price list region accelerator format measure day)};
		push @{ $said{$key} }, [ "$r{amount} $r{unit} $r{cost} $r{list_cost} $r{currency}", $r{quantity} ] if $r{kind} ne 'unpriced';
		push @{ $unpriced{$key} }, $row if $r{kind} eq 'unpriced';
	}
	for my $key (keys %unpriced)
	{
		my $rows = $unpriced{$key};
		my %more = map { ("$_->{unit} $_->{cost}$_->{list_cost} $_->{currency}" => 1) } @$rows;
		$said{$key} = [ [ join(' ', (grep { $_->{amount} eq '' } @$rows) ? '' : Oracle::sum('amount', $rows), sort keys %more), Oracle::sum('quantity', $rows)->bstr ] ];
	}
	return map { ($_ => [ sort { $a->[0] cmp $b->[0] } @{ $said{$_} } ]) } keys %said;
}

# What differs; quantities are differences of rounded running totals.
sub differences
{
	my ($w, $got) = @_;
	my %expected = by_key($w, map { expected($w, $_) } Oracle::rate($w));
	my %got = by_key($w, @$got);
	my @differ;
	for my $key (sort keys %{ { %expected, %got } })
	{
		my ($e, $g) = ($expected{$key} // [], $got{$key} // []);
		next if @$e == @$g && !grep { $e->[$_][0] ne $g->[$_][0] || !(abs(Oracle::big($e->[$_][1] || 0) - Oracle::big($g->[$_][1] || 0)) <= 2) || ($e->[$_][1] eq '') != ($g->[$_][1] eq '') } 0 .. $#$e;
		push @differ, "$key\n" . join '', (map { "\t- @$_\n" } @$e), map { "\t+ @$_\n" } @$g;
	}
	return @differ;
}

# ------------------------------------------------------------------ properties

# Sums of charges by some of their columns.
sub sums
{
	my ($columns, @rows) = @_;
	my %sum;
	for my $r (@rows)
	{
		my $sum = $sum{ join '|', @{$r}{@$columns} } //= { amount => Oracle::big(0), cost => Oracle::big(0), n => 0 };
		$sum->{$_} += $r->{$_} for grep { $r->{$_} ne '' } qw(amount cost);
		$sum->{n}++;
	}
	return \%sum;
}

# Rated and unpriced usage together is what was used: of the measures that are billed all the time and not by levels, but for
# what lies behind the last billing period of an account that ended.
sub not_conserved
{
	my ($w, $got) = @_;
	my @differ;
	for my $measure (qw(allocated used))
	{
		my @prices = grep { $_->{measure} eq $measure } @{ $w->{prices} };
		next if !grep({ $_->{from} == Oracle::NEVER && $_->{to} == Oracle::EVER } @prices) || grep { Oracle::by_level($_) || $_->{committed} } @prices;
		my $used = Oracle::big(0);
		for my $r (grep { $_->{measure} eq $measure && defined $_->{level} } @{ $w->{records} })
		{
			my ($from, $to) = (max($r->{start}, $w->{from}), min($r->{end}, $w->{as_of}, $w->{to}));
			$used += $r->{level} * max(0, $to - $from);
			Oracle::each_stretch($w, $from, $to, sub {
				my $place = Oracle::place($w, $r->{account}, $_[0]);
				my $end = !$place ? $_[0] : defined $place->{gap} ? ($w->{clock}->bills($place->{calendar}, $place->{gap} - 1, $place->{gap}))[0]{to} : $_[1];
				$used -= $r->{level} * ($_[1] - max($end, $_[0])) if $end < $_[1];
			});
		}
		my $rated = sums(['measure'], @$got)->{$measure}{amount} // 0;
		push @differ, "$measure: $used used, $rated rated\n" if $used != $rated;
	}
	return @differ;
}

# The parts of a period add up to it; where a charge is cut, to the last digit.
sub not_the_sum
{
	my ($w, $p) = map { sums([qw(kind account payer bill price list region accelerator format measure day currency)], grep { $_->{kind} =~ /^(usage|instance|unpriced)$/ } @$_) } @_;
	return map { "$_\n" } grep { !$w->{$_} || !$p->{$_} || $w->{$_}{amount} != $p->{$_}{amount} || abs($w->{$_}{cost} - $p->{$_}{cost}) > $p->{$_}{n} - $w->{$_}{n} } sort keys %{ { %$w, %$p } };
}

# In another order a ledger comes to the same total for each payer and whole billing period, but for the last digits of its
# charges; where a named pool has several prices, whose turn it is decides.
sub other_totals
{
	my ($w, @both) = @_;
	my %keys;
	$keys{ $_->{pool} }{ $_->{key} } = 1 for grep { defined $_->{pool} } @{ $w->{prices} };
	return if grep { keys %$_ > 1 } values %keys;
	# the achieved work of an open record is spread up to when it was recorded, which is not the same in both
	return if grep { $_->{end} >= Oracle::EVER && defined $_->{work} } @{ $w->{records} };
	my ($a, $b) = map { sums([qw(payer bill currency)], map { { %$_, payer => substr $_->{payer}, 1 } } grep { my ($from, $to) = split /-/, $_->{bill}; $w->{from} <= $from && $to <= $w->{to} } @$_) } @both;
	return map { "$_\n" } grep { !$a->{$_} || !$b->{$_} || abs($a->{$_}{cost} - $b->{$_}{cost}) > $a->{$_}{n} } sort keys %{ { %$a, %$b } };
}

# SQL that closes the billing periods that a ledger has at first.
sub closing
{
	my ($w) = @_;
	my $first = { %$w, accounts => $w->{first_accounts} };
	my $names = join ',', map { "$w->{name}a$_" } 0 .. $#{ $w->{accounts} };
	my @sql;
	for my $n (0 .. $#{ $first->{accounts} })
	{
		my $place = Oracle::place($first, $n, $w->{from});
		push @sql, map { "SELECT 'close', close_period('$w->{name}a$n', " . OracleWorld::range($_->{from}, $_->{to}) . ", '$w->{name}', '{$names}');" }
			grep { $place->{payer} == $n && $_->{from} >= $w->{from} && $_->{to} <= min($w->{to}, $now) } $w->{clock}->bills($place->{calendar}, $w->{from}, $w->{to});
	}
	return @sql;
}

# What closings charged and what corrections of it come to is what is rated now: the query for the first, as charges, and a row without account for each closing.
sub closed
{
	my ($w) = @_;
	return sprintf q{SELECT 'closed', '%1$s', '', a.name, y.name, (extract(epoch FROM b.starts_at) * 1000000)::bigint || '-' || (extract(epoch FROM b.ends_at) * 1000000)::bigint, '', '', '', '', '', '', '', '', '', '', s.cost, '', s.currency
		FROM (SELECT account, payer, billing_period, currency, cost FROM charge WHERE book = '%1$s'
			UNION ALL SELECT account, payer, billing_period, currency, cost FROM rate_corrections(NULL, :'as_of', '%1$s')
			UNION ALL SELECT NULL, payer, billing_period, 'USD', 0 FROM period_close WHERE book = '%1$s') AS s
		JOIN account AS y ON y.id = s.payer JOIN billing_period AS b ON b.id = s.billing_period LEFT JOIN account AS a ON a.id = s.account;}, $w->{name};
}

sub not_corrected
{
	my ($closed, $got) = @_;
	my %is_closed = map { ("$_->{payer}|$_->{bill}" => 1) } @$closed;
	my ($c, $r) = map { sums([qw(account payer bill currency)], @$_) } $closed, [ grep { $is_closed{"$_->{payer}|$_->{bill}"} } @$got ];
	return map { "$_\n" } grep { (($c->{$_} // {})->{cost} // 0) != (($r->{$_} // {})->{cost} // 0) } sort keys %{ { %$c, %$r } };
}

# ------------------------------------------------------------------ ledgers

my ($charges, $wrong, %kinds) = (0, 0);

# Reports a ledger that differs, the first few with all that is needed to look at it.
sub report
{
	my ($w, $what, @differ) = @_;
	return if !@differ;
	$wrong++;
	return if $wrong > 20;
	diag "$w->{name}, seed $w->{seed}: $what";
	diag join "-- accept_usage()\n", @{ $w->{sql} } if $wrong <= 3;
	diag 'as of ' . OracleWorld::at($w->{as_of}) . ', ' . OracleWorld::range($w->{from}, $w->{to}), "\n", @differ > 12 ? @differ[ 0 .. 11 ] : @differ;
	return;
}

# ledgers of one epoch share a database, and its calendars
my @batches;
for my $e (0 .. $#epochs)
{
	my @seeds = grep { $_ % @epochs == $e } $seed .. $seed + $rounds - 1;
	push @batches, [ $epochs[$e], splice @seeds, 0, $per_database ] while @seeds;
}
for my $batch (@batches)
{
	my ($epoch, @seeds) = @$batch;
	my @entered;
	for my $s (@seeds)
	{
		my $w = OracleWorld::make($s, \%features, $epoch, $now);
		push @entered, { %{ OracleWorld::enter($w, "w$s", 0) }, cut => $s % 4 ? undef : int($w->{middle} + (rand(12) - 6) * 86400e6), closes => $features{closings} && $s % 8 == 1 };
		push @entered, OracleWorld::enter($w, "x$s", 1) if $s % 3 == 0;
	}
	my @sql = ($epoch->{clock}->sql, (map { $_->{sql}[0] } @entered), 'SELECT accept_usage();', (map { closing($_) } grep { $_->{closes} } @entered), (map { @{ $_->{sql} }[ 1, 2 ] } @entered),
		q{SELECT accept_usage();
		SELECT 'rejected', source, source_id, reason FROM usage_rejected;
		SELECT generate_billing_periods(NULL, now() + interval '200 days');
		SELECT ledger_watermark() AS as_of \gset
		SELECT 'as_of', (extract(epoch FROM timestamptz :'as_of') * 1000000)::bigint;
		SELECT 'open', source_id, (extract(epoch FROM recorded) * 1000000)::bigint FROM usage_record WHERE ended_at = 'infinity' AND identification = 0 ORDER BY revision;});
	for my $w (@entered)
	{
		push @sql, rating($w, 'rate', $w->{from}, $w->{to});
		push @sql, rating($w, 'half', $w->{from}, $w->{cut}), rating($w, 'half', $w->{cut}, $w->{to}) if $w->{cut};
		push @sql, closed($w) if $w->{closes};
	}
	my ($out, $err, %out);
	$node->safe_psql('postgres', 'CREATE DATABASE ledger TEMPLATE template');
	$node->psql('ledger', join("\n", @sql), stdout => \$out, stderr => \$err, on_error_stop => 0);
	$node->safe_psql('postgres', 'DROP DATABASE ledger');
	is(substr($err, 0, 2000), '', 'ledgers are entered and rated');
	for my $line (split /\n/, $out)
	{
		my ($word, $name, $value) = split /\|/, $line;
		if ($word eq 'as_of' || $word eq 'open') { $out{$word}{$name} = $value }
		elsif ($word =~ /^(rejected|rate|half|closed)$/) { push @{ $out{$word}{$name} }, $word eq 'rejected' ? $line : charge_of($line) }
	}
	is(join("\n", map { @$_ } values %{ $out{rejected} }), '', 'no usage is rejected');
	for my $w (@entered)
	{
		my ($got, $half, $closed) = map { $out{$_}{ $w->{name} } // [] } qw(rate half closed);
		($w->{as_of}) = keys %{ $out{as_of} };
		$_->{recorded} = $out{open}{ $_->{id} =~ s/\@/$w->{name}/r } for @{ $w->{records} };
		$charges += @$got;
		$kinds{ $_->{kind} }++ for @$got;
		report($w, 'charges differ', differences($w, $got));
		report($w, 'rated and unpriced usage is not what was used', not_conserved($w, $got));
		report($w, 'parts of the period are not the whole, cut at ' . OracleWorld::at($w->{cut}), not_the_sum($got, $half)) if $w->{cut};
		report($w, 'closings and corrections are not what is rated', not_corrected($closed, $got)) if $w->{closes};
		report($w, 'another total in another order', other_totals($w, $out{rate}{ $w->{name} =~ s/^x/w/r } // [], $got)) if $w->{name} =~ /^x/;
	}
}
note "$charges charges: ", join ', ', map { "$kinds{$_} $_" } sort keys %kinds;
is($wrong, 0, 'ledgers are rated as the oracle says');

done_testing();
