#!/usr/bin/perl
# measure.pl: runs the cases of bench/rows on the server that PGHOST and PGPORT name, and
# reports ratios.  Called by bench/run, which has set the cluster up.
#
# A file of bench/rows is SQL cut into sections by lines that begin with "-- @":
#
#   -- @setup                       run once, untimed; each file has a database of its own
#   -- @duckdb-setup                the same in DuckDB (implies: needs duckdb)
#   -- @case NAME: TITLE            starts a case
#   -- @run LABEL                   a statement to time, by psql's \timing
#   -- @duckdb LABEL                a statement to time in DuckDB
#   -- @clients LABEL               a script of pgbench's, which 8 clients run 500 times each; with --cpu
#                                   what they and their backends use together
#   -- @client LABEL                the same with one client, 2000 times
#   -- @p95 LABEL                   a script which 8 clients run 100 times each; the 95th percentile of the times of a call,
#                                   elapsed also with --cpu
#   -- @shell LABEL                 a command for bash, which must end with 0; elapsed also with --cpu
#   -- @before LABEL                run before each timing of LABEL, untimed
#   -- @check TITLE                 must print t: the contestants agree, the plan is the one meant
#   -- @ratio A / B <= LIMIT        a row of the table: time of A over time of B; without a limit
#                                   it is information.  Text after a semicolon is a remark.
#   -- @speed A >= LIMIT per COUNT  a row of the table: COUNT items in the time of A, a second;
#                                   limit and remark as above
#   -- @for v in a b c ... -- @end  repeats what is between with {v} replaced; loops nest, and
#                                   "v,w in a,1 b,2" sets two
#
# "needs duckdb" or "needs EXTENSION" at the end of a section line skips it where that is absent.
# {rows} is the number of rows, {million} a tenth of it, {tenth} a tenth of that, {dir} a folder that the server and
# DuckDB can both write.
#
# The statements of a case run in turn, in rounds, each round in the opposite order of the one
# before; a ratio is the median of the ratios of the rounds, so that what slows the machine
# for a while slows both sides.  One round before those that count warms caches, in cases that
# take less than ten seconds a round.
use strict;
use warnings;
use FindBin;
use Getopt::Long;
use IPC::Open2;
use JSON::PP;
use List::Util qw(max min sum0);
use POSIX qw(strftime);
use Time::HiRes qw(time);

my $LEAST_SECONDS = 3;    # short cases get more rounds, until they have run so long ...
my $MOST_ROUNDS = 25;     # ... or so often
my $WARM_SECONDS = 10;    # a round that takes so long needs no other to warm up for it

my ($rows, $rounds, $cpu, $write, $exchange, $page, $duckdb_script) = (10_000_000, 5);
GetOptions(
	'rows=i' => \$rows, 'rounds=i' => \$rounds, 'cpu' => \$cpu, 'write' => \$write,
	'exchange=s' => \$exchange, 'page=s' => \$page, 'duckdb=s' => \$duckdb_script) or exit 2;
my %wanted = map { $_ => 1 } @ARGV;
die "bench/run: --write takes the whole run: no --rows or names with it\n"
  if $write && (%wanted || $rows != 10_000_000);
my $started = time;
my $load = first_match('/proc/loadavg', qr/^(\S+)/);

$ENV{LC_ALL} = 'C';
$| = 1;
my %available = map { $_ => 1 } grep { $_ } split /\n/, `psql -XAtqc 'SELECT name FROM pg_available_extensions'`;
$available{duckdb} = 1 if $duckdb_script;

my (%psql, %duckdb);
my (@lines, $failures);
my %known;
for my $file (sort glob("$FindBin::Bin/rows/*.sql"))
{
	(my $stem = $file) =~ s{.*/(?:\d+-)?(.*)\.sql$}{$1};
	my ($setup, @cases) = read_rows($file);
	$known{$_} = 1 for $stem, map { $_->{name} } @cases;
	@cases = grep { $wanted{ $_->{name} } } @cases if %wanted && !$wanted{$stem};
	next unless @cases;
	open_database($stem);
	my $error = run_setup($stem, $setup);
	push @lines, map { measure($_, $error) } @cases;
	close_database($stem);
}
my @unknown = grep { !$known{$_} } sort keys %wanted;
die "bench/run: no row is called @unknown; there are: @{[sort keys %known]}\n" if @unknown;

print "\n", text_table(@lines), "\n", conditions(), "\n";
if ($failures)
{
	print "Not written: a page must not hold rows that failed.\n" if $write;
	exit 1;
}
write_page($page) if $write;

# ------------------------------------------------------------------ reading bench/rows

# Returns the set-up sections and the cases of a file.
sub read_rows
{
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!\n";
	my $text = do { local $/; <$in> };
	1 while $text =~ s{^-- \@for ([\w,]+) in (.*)\n((?:(?!-- \@for ).*\n)*?)-- \@end\n}{repeat($1, $2, $3)}me;
	my %value = (rows => $rows, million => int(max(1000, $rows / 10)), tenth => int(max(100, $rows / 100)), dir => $exchange);
	$text =~ s/\{(rows|million|tenth|dir)\}/$value{$1}/g;

	my (@setup, @cases);
	my (undef, @sections) = split /^-- \@(?=\w)/m, $text;
	for (@sections)
	{
		my ($head, $body) = split /\n/, $_, 2;
		my $needs = $head =~ s/\s+needs (\w+)$// ? $1 : '';
		my ($word, $rest) = split /\s+/, $head, 2;
		my $case = $cases[-1];
		$needs ||= 'duckdb' if $word =~ /^duckdb/;
		my $part = { kind => $word, label => $rest, sql => $body, needs => $needs };
		if ($word =~ /^(setup|duckdb-setup)$/) { push @setup, $part }
		elsif ($word eq 'case' && $rest =~ /^([\w-]+): (.+)$/) { push @cases, { name => $1, title => $2, runs => [], file => $file } }
		elsif ($word =~ /^(run|duckdb|clients|client|p95|shell)$/) { push @{ $case->{runs} }, $part }
		elsif ($word eq 'before') { $case->{before}{$rest} = $body }
		elsif ($word eq 'check') { push @{ $case->{checks} }, $part }
		elsif ($word eq 'ratio' && $rest =~ m{^(.+?) / (.+?)(?: <= ([\d./]+))?(?:; (.*))?$})
		{
			push @{ $case->{claims} }, { a => $1, b => $2, limit => $3, remark => $4 };
		}
		elsif ($word eq 'speed' && $rest =~ m{^(.+?)(?: >= (\d+))? per (\d+)(?:; (.*))?$})
		{
			push @{ $case->{claims} }, { a => $1, least => $2, count => $3, remark => $4 };
		}
		else { die "$file: cannot read \"-- \@$head\"\n" }
	}
	return (\@setup, @cases);
}

# Expands one @for loop.
sub repeat
{
	my ($variables, $values, $text) = @_;
	my $all = '';
	for my $tuple (split ' ', $values)
	{
		my %value;
		@value{ split /,/, $variables } = split /,/, $tuple;
		(my $copy = $text) =~ s/\{(\w+)\}/$value{$1} \/\/ "{$1}"/ge;
		$all .= $copy;
	}
	return $all;
}

# ------------------------------------------------------------------ talking to the servers

# Starts a psql, and a DuckDB, for one file.
sub open_database
{
	my ($stem) = @_;
	system('psql', '-Xqc', qq(CREATE DATABASE "bench-$stem")) == 0 or die "bench/run: cannot make bench-$stem\n";
	%psql = (stem => $stem);
	$psql{pid} = open2($psql{out}, $psql{in}, "exec psql -XAtq -d bench-$stem -f - 2>&1");
	my ($answer) = psql(<<"SQL");
SET client_min_messages = warning;
CREATE EXTENSION compute_ledger CASCADE;
CREATE EXTENSION pg_prewarm;
SET search_path = public, compute_ledger;
SELECT setseed(0.5);
SQL
	die "bench/run: $answer" if $answer =~ /ERROR|FATAL/;
	($answer) = psql('SELECT pg_backend_pid();');
	($psql{backend}) = $answer =~ /(\d+)/;
	%duckdb = ();
	$duckdb{pid} = open2($duckdb{out}, $duckdb{in}, 'node', $duckdb_script) if $duckdb_script;
}

# Ends them and drops the database, so that its tables leave room in shared_buffers.
sub close_database
{
	my ($stem) = @_;
	for my $peer (\%psql, \%duckdb)
	{
		next unless $peer->{pid};
		close $peer->{in};
		waitpid $peer->{pid}, 0;
	}
	system('psql', '-Xqc', qq(DROP DATABASE "bench-$stem")) == 0 or die "bench/run: cannot drop bench-$stem\n";
	unlink glob("$exchange/*");
}

# Sends a script to psql; returns its output and the time psql measured, ms.
sub psql
{
	my ($sql) = @_;
	my $before = processor_ms($psql{backend});
	print { $psql{in} } "$sql\n\\echo \@done\n";
	$psql{in}->flush;
	my ($output, $ms) = ('', 0);
	while (1)
	{
		my $line = readline $psql{out};
		die "bench/run: the server has gone\n$output" unless defined $line;
		last if $line eq "\@done\n";
		if ($line =~ /^Time: ([\d.]+) ms/) { $ms += $1 }
		else { $output .= $line }
	}
	return ($output, $cpu ? processor_ms($psql{backend}) - $before : $ms);
}

# Sends a statement to DuckDB; returns the first cell of its result and its time, ms.
sub duckdb
{
	my ($sql) = @_;
	my $before = processor_ms($duckdb{pid});
	print { $duckdb{in} } JSON::PP->new->allow_nonref->encode($sql), "\n";
	$duckdb{in}->flush;
	my $answer = readline $duckdb{out} // die "bench/run: DuckDB has gone\n";
	$answer = decode_json($answer);
	return ("ERROR: $answer->{error}", 0) if $answer->{error};
	return ($answer->{cell}, $cpu ? processor_ms($duckdb{pid}) - $before : $answer->{ms});
}

# Has 8 clients run a script, or one, as the kind of the run says; returns what went wrong and the time that it took, ms, without connecting, or the 95th
# percentile of the times of a call.
sub clients
{
	my ($sql, $kind) = @_;
	my $percentile = $kind eq 'p95';
	my $clients = $kind eq 'client' ? 1 : 8;
	my $script = "$exchange/clients.sql";
	open my $out, '>', $script or die "$script: $!\n";
	print $out $sql;
	close $out or die "$script: $!\n";
	local $ENV{PGOPTIONS} = '-c search_path=public,compute_ledger -c client_min_messages=warning';
	unlink glob("$exchange/calls.*");
	my ($calls, $log) = $percentile ? (100, "-l --log-prefix='$exchange/calls'") : ($clients > 1 ? 500 : 2000, '');
	my ($before, $client_before) = (children_ms(), sum0((times)[ 2, 3 ]) * 1000);
	my $output = qx(pgbench -n -c $clients -j @{[min(2, $clients)]} -t $calls $log -f '$script' 'bench-$psql{stem}' 2>&1);
	my ($tps) = $output =~ /^tps = ([\d.]+) \(without/m;
	return ('ERROR: ' . ($output =~ /(ERROR:.*)/ ? $1 : "pgbench: $output"), 0) unless $tps && $output !~ /ERROR:/;
	if ($percentile)
	{
		my @times;
		for my $file (glob "$exchange/calls.*")
		{
			open my $in, '<', $file or die "$file: $!\n";
			push @times, map { (split ' ')[2] / 1000 } <$in>;
		}
		@times = sort { $a <=> $b } @times;
		return ('', $times[ 0.95 * $#times ]);
	}
	return ('', $clients * $calls * 1000 / $tps) unless $cpu;
	# what a backend has used counts when the server has seen it end
	while (1)
	{
		my ($left) = psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench';");
		last if $left == 0;
		select undef, undef, undef, 0.05;
	}
	select undef, undef, undef, 0.2;
	return ('', children_ms() - $before + sum0((times)[ 2, 3 ]) * 1000 - $client_before);
}

# Runs a command in the database of the case; returns what went wrong and the time that it took, ms.
sub shell
{
	my ($command) = @_;
	my $script = "$exchange/shell";
	open my $out, '>', $script or die "$script: $!\n";
	print $out $command;
	close $out or die "$script: $!\n";
	local $ENV{PGDATABASE} = "bench-$psql{stem}";
	my $before = time;
	my $output = qx(bash '$script' 2>&1);
	return ($? ? "ERROR: the command failed: $output" : '', (time - $before) * 1000);
}

# Processor time that the backends which have ended used, ms.
sub children_ms
{
	return 0 unless $cpu;
	my $server = first_match("/proc/$psql{backend}/stat", qr/\) \w (\d+)/);
	my ($user, $system) = first_match("/proc/$server/stat", qr/\) \w ((?:-?\d+ ){14})/) =~ /(\d+) (\d+) $/;
	return ($user + $system) * 1000 / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# Processor time that a process has used so far, ms (all its threads).
sub processor_ms
{
	my ($pid) = @_;
	return 0 unless $cpu && $pid;
	my $ns = 0;
	for my $task (glob "/proc/$pid/task/*/schedstat")
	{
		open my $in, '<', $task or next;
		$ns += (split ' ', <$in>)[0];
	}
	return $ns / 1e6;
}

# ------------------------------------------------------------------ measuring

# Tells why a section cannot run here; nothing when it can.
sub missing
{
	my ($part) = @_;
	my $needs = $part->{needs};
	return if !$needs || $available{$needs};
	return ($needs eq 'duckdb' ? 'DuckDB' : "extension $needs") . ' is not installed';
}

# Runs the set-up of a file; returns the error if there was one.
sub run_setup
{
	my ($stem, $setup) = @_;
	my $begin = time;
	print "\n$stem: loading ...";
	for my $part (@$setup)
	{
		next if missing($part);
		my @statements = $part->{kind} eq 'setup' ? $part->{sql} : grep { /\S/ } split /;\n/, $part->{sql};
		for my $sql (@statements)
		{
			my ($output) = $part->{kind} eq 'setup' ? psql($sql) : duckdb($sql);
			if (($output // '') =~ /((?:ERROR|FATAL):.*)/)
			{
				print " failed\n";
				return "set-up: $1";
			}
		}
	}
	printf " %.0f s\n", time - $begin;
	return;
}

# Runs one case; returns its lines of the table.
sub measure
{
	my ($case, $error) = @_;
	my (%ms, %why);
	printf "  %-28s", $case->{name};
	$error //= failed_check($case);
	my @runs;
	for my $run (@{ $case->{runs} })
	{
		my $why = missing($run);
		$why ? ($why{ $run->{label} } = "skipped: $why") : push @runs, $run;
	}
	my $begin = time;
	for (my $round = 0; !$error && @runs; $round++)
	{
		# The first round warms caches and does not count, unless it was too long for that to matter.
		if ($round == 1)
		{
			time - $begin < $WARM_SECONDS ? (%ms = ()) : $round++;
			$begin = time;
		}
		last if $round > $rounds && (time - $begin > $LEAST_SECONDS || $round > $MOST_ROUNDS);
		for my $run ($round % 2 ? reverse @runs : @runs)
		{
			my $label = $run->{label};
			my $before = $case->{before}{$label};
			my ($output, $time) = $before ? psql($before) : ('', 0);
			($output, $time) =
			  $output =~ /ERROR/ ? ($output, 0)
			  : $run->{kind} eq 'duckdb' ? duckdb($run->{sql})
			  : $run->{kind} eq 'shell' ? shell($run->{sql})
			  : $run->{kind} =~ /^(?:clients?|p95)$/ ? clients($run->{sql}, $run->{kind})
			  : psql("\\o /dev/null\n\\timing on\n$run->{sql}\n\\timing off\n\\o");
			if (($output // '') =~ /((?:ERROR|FATAL):.*)/)
			{
				$error = "$label: $1";
				last;
			}
			push @{ $ms{$label} }, $time;
		}
		last if $error;
	}
	print $error ? "failed: $error\n" : join(', ', map { sprintf '%s %s ms', $_->{label}, figure(median(@{ $ms{ $_->{label} } })) } @runs) . "\n";
	$failures++ if $error;
	return map { claim_line($case, $_, \%ms, $error ? { map { $_->{label} => 'failed' } @{ $case->{runs} } } : \%why) } @{ $case->{claims} };
}

# Runs the checks of a case; returns what went wrong.
sub failed_check
{
	my ($case) = @_;
	for my $check (@{ $case->{checks} })
	{
		next if missing($check);
		my ($output) = psql($check->{sql});
		chomp $output;
		return "$check->{label}: $1" if $output =~ /((?:ERROR|FATAL):.*)/;
		return "check failed: $check->{label}: $output" if $output ne 't';
	}
	return;
}

# Works out one claim of a case.
sub claim_line
{
	my ($case, $claim, $ms, $why) = @_;
	my %line = (name => $case->{name}, title => $case->{title}, a => $claim->{a}, remark => $claim->{remark}, met => '');
	my ($skipped) = grep { defined } map { $why->{$_} } grep { defined } @$claim{qw(a b)};
	if ($claim->{count})
	{
		%line = (%line, b => '', target => $claim->{least} ? 'at least ' . thousands($claim->{least}) . ' a second' : '', measured => $skipped // '');
		return \%line if $skipped;
		my @speeds = map { $claim->{count} * 1000 / $_ } @{ $ms->{ $claim->{a} } };
		@line{qw(measured spread a_ms)} = (thousands(median(@speeds)) . ' a second',
			thousands(min @speeds) . ' to ' . thousands(max @speeds), median(@{ $ms->{ $claim->{a} } }));
		$line{met} = median(@speeds) >= $claim->{least} ? 'met' : 'not met' if $claim->{least};
		return \%line;
	}
	my $limit = $claim->{limit};
	%line = (%line, b => $claim->{b}, target => defined $limit ? "at most $limit" : '', measured => $skipped // '');
	return \%line if $skipped;
	my ($a, $b) = @$ms{ @$claim{qw(a b)} };
	die "$case->{file}: $case->{name}: no statement $claim->{a} or $claim->{b}\n" unless $a && $b;
	my @ratios = map { $a->[$_] / $b->[$_] } 0 .. $#$a;
	# A limit written as a fraction is read, and its ratio shown, as one.
	my $fraction = ($limit // '') =~ m{^1/(.*)$} ? $1 : undef;
	my $show = sub { $fraction ? '1/' . figure(1 / $_[0]) : figure($_[0]) };
	@line{qw(measured spread a_ms b_ms)} = ($show->(median(@ratios)), $show->(min @ratios) . ' to ' . $show->(max @ratios),
		median(@$a), median(@$b));
	$line{met} = median(@ratios) <= ($fraction ? 1 / $fraction : $limit) ? 'met' : 'not met' if defined $limit;
	return \%line;
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return @sorted % 2 ? $sorted[$#sorted / 2] : ($sorted[@sorted / 2 - 1] + $sorted[@sorted / 2]) / 2;
}

# Three significant digits, at most three decimals.
sub figure
{
	my ($x) = @_;
	return sprintf $x >= 100 ? '%.0f' : $x >= 10 ? '%.1f' : $x >= 0.1 ? '%.2f' : '%.3f', $x;
}

# 1234567 as 1,234,567.
sub thousands
{
	my $n = sprintf '%.0f', $_[0];
	1 while $n =~ s/^(\d+)(\d{3})/$1,$2/;
	return $n;
}

# ------------------------------------------------------------------ reporting

# The cells of the table: a header, then a list a line.
sub table_cells
{
	my (@table) = @_;
	return (
		[ 'case', 'what', 'measured', 'beside', 'target', 'ratio', 'lowest to highest', 'met', 'ms', 'ms beside' ],
		map {
			my $line = $_;
			[ $line->{name}, $line->{title} . ($line->{remark} ? " ($line->{remark})" : ''), $line->{a}, $line->{b}, $line->{target},
				$line->{measured}, $line->{spread} // '', $line->{met}, map { defined $_ ? figure($_) : '' } @$line{qw(a_ms b_ms)} ]
		} @table);
}

# The table for a terminal.
sub text_table
{
	my @cells = table_cells(@_);
	my @width = map { my $i = $_; max map { length $_->[$i] } @cells } 0 .. $#{ $cells[0] };
	splice @cells, 1, 0, [ map { '-' x $_ } @width ];
	my $text = '';
	for my $line (@cells)
	{
		(my $out = join '  ', map { sprintf '%-*s', $width[$_], $line->[$_] } 0 .. $#width) =~ s/\s+$//;
		$text .= "$out\n";
	}
	return $text;
}

# The same as Markdown.
sub markdown_table
{
	my ($head, @cells) = table_cells(@_);
	return join "\n", map { '| ' . join(' | ', map { my $cell = $_; $cell =~ s/\|/\\|/g; $cell } @$_) . ' |' } $head, [ map { '---' } @$head ], @cells;
}

# What a pattern captures in the first line of a file that matches it.
sub first_match
{
	my ($file, $pattern) = @_;
	open my $in, '<', $file or return 0;
	while (<$in>) { return $1 if $_ =~ $pattern }
	return 0;
}

# The machine, the versions, the date, and what was scaled down.
sub conditions
{
	my ($version, $compiler) = `psql -XAtqc 'SELECT version()'` =~ /^PostgreSQL (\S+).* compiled by ([^,]+)/;
	chomp(my $buffers = `psql -XAtqc 'SHOW shared_buffers'`);
	my $duckdb = $duckdb_script ? `node $duckdb_script --version` : 'none';
	chomp $duckdb;
	my ($met, $not) = map { my $word = $_; scalar grep { $_->{met} eq $word } @lines } 'met', 'not met';
	my $skipped = grep { $_->{measured} =~ /^skipped/ } @lines;
	my $failed = grep { $_->{measured} =~ /^failed/ } @lines;
	return sprintf(
		"%s. %s, %d cores, %.0f GB of memory, %s. PostgreSQL %s (%s), shared_buffers %s; DuckDB %s on one thread.\n"
		  . "%s rows (%s where a million is meant), %s, at least %d rounds a case; whole run %.0f minutes; load average before it %s%s.%s\n"
		  . "Targets: %d met, %d not met; rows skipped: %d, failed: %d.\n",
		strftime('%Y-%m-%d', gmtime), first_match('/proc/cpuinfo', qr/^model name\s*: (.*)/),
		scalar(grep { /^processor/ } do { open my $in, '<', '/proc/cpuinfo'; <$in> }),
		first_match('/proc/meminfo', qr/^MemTotal:\s+(\d+)/) / 1048576, first_match('/etc/os-release', qr/^PRETTY_NAME="(.*)"/),
		$version, $compiler, $buffers, $duckdb,
		thousands($rows), thousands(max(1000, $rows / 10)), $cpu ? 'processor time' : 'elapsed time', $rounds, (time - $started) / 60,
		$load, $load > 0.5 ? ': the machine was NOT idle' : '',
		$rows < 10_000_000 ? "\nSCALED DOWN: the targets are for 10,000,000 rows." : '', $met, $not, $skipped, $failed);
}

# Puts the table between the marks of docs/benchmarks.md; what is written by hand stays.
sub write_page
{
	my ($file) = @_;
	my ($from, $to) = ('<!-- measured: from here to the next mark bench/run --write replaces -->', '<!-- measured: end -->');
	my $text = "# Benchmarks\n\n$from\n$to\n";
	if (open my $in, '<', $file)
	{
		local $/;
		$text = <$in>;
	}
	my $measured = conditions() . "\n" . markdown_table(@lines);
	$text =~ s/\Q$from\E\n.*?\Q$to\E/$from\n\n$measured\n\n$to/s or die "$file: no line \"$from\"\n";
	open my $out, '>', "$file.new" or die "$file.new: $!\n";
	print $out $text;
	close $out or die "$file.new: $!\n";
	rename "$file.new", $file or die "$file: $!\n";
	print "Refreshed $file\n";
}
