# compute-ledger: every row of a file ends in the ledger or in the file of what was refused, once, however the file looks and
# however often it is loaded; and what --check says of a row is what loading it would make of it.
use strict;
use warnings;
use Encode ();
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $seed = $ENV{LOADER_SEED} // 20261130;
srand($seed);
note "seed $seed";
chomp(my $bindir = `@{[ $ENV{PG_CONFIG} // 'pg_config' ]} --bindir`);
$ENV{PATH} = "$ENV{PATH}:$bindir";
my $dir = PostgreSQL::Test::Utils::tempdir();

my $node = PostgreSQL::Test::Cluster->new('loader');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\njit = off\n");
$node->start;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';
delete $ENV{PGCLIENTENCODING};
sub sql { return $node->safe_psql($ENV{PGDATABASE}, "SET search_path = compute_ledger, public; $_[0]") =~ s/^SET\n?//r }

# Makes a database with a ledger the one that is used.
sub new_ledger
{
	my ($name, @options) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0 @options");
	$ENV{PGDATABASE} = $name;
	$node->safe_psql($name, 'CREATE EXTENSION compute_ledger');
	sql(q{SELECT create_ledger(); SELECT create_account('acme', time_zone => 'UTC', currency => 'USD'); SELECT create_region('east')});
	return;
}

sub write_file
{
	my ($name, $bytes) = @_;
	open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!";
	print $out $bytes;
	close $out or die $!;
	return "$dir/$name";
}

# Runs the program; its exit status, what it printed, what it said.
sub ledger
{
	my @arguments = @_;
	my $input = ref $arguments[0] ? ${ shift @arguments } : '';
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'compute-ledger', @arguments ], '<', \$input, '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

sub csv { return join(',', map { !defined $_ ? '' : '"' . s/"/""/gr . '"' } @_) . "\n" }
sub pick { return $_[ int rand @_ ] }
sub tables { return sql('SELECT (SELECT count(*) FROM usage_record), (SELECT count(*) FROM usage_rejected), (SELECT count(*) FROM usage_inbox), (SELECT count(*) FROM usage_load)') }

# ------------------------------------------------------------------ how it is called
my ($status, $out, $err) = ledger('--help');
is("$status $err", '0 ', '--help');
like($out, qr/^  compute-ledger load .*^  compute-ledger health /ms, '... tells the commands');
($status, $out) = ledger('--version');
like($out, qr/^compute-ledger \d+\.\d+\.\d+ \(PostgreSQL \d+/, '--version');
for (
	[ [], qr/there is no command$/m ],
	[ ['unload'], qr/there is no command "unload"/ ],
	[ ['load'], qr/load needs a file/ ],
	[ [ 'health', 'x' ], qr/health takes no argument/ ],
	[ [ 'health', '--check' ], qr/--check is no option of health/ ],
	[ [ 'load', '--watch=1', 'x' ], qr/--watch is no option of load/ ],
	[ [ 'load', '--chunk=0', 'x' ], qr/--chunk needs a whole number from 1/ ],
	[ [ 'load', '--chunk=1x', 'x' ], qr/--chunk needs a whole number/ ],
	[ [ 'load', '--encoding=klingon', 'x' ], qr/there is no encoding "klingon"/ ],
	[ [ 'load', '--rejected=r', 'x', 'y' ], qr/--rejected goes with one file/ ],
	[ [ 'load', '--nonsense', 'x' ], qr/nonsense/ ],
	[ [ 'load', '-d', 'dbname=postgres password=secret', 'x' ], qr/a password on the command line/ ],
	[ [ 'load', '-d', 'postgresql://joe:secret@/postgres', 'x' ], qr/a password on the command line/ ],
	[ [ 'load', '-d', 'postgres = = ', 'x' ], qr/missing "="|invalid/ ],
	[ [ 'load', "$dir/none" ], qr/could not open ".*none": No such file/ ],
	[ [ 'load', $dir ], qr/could not read ".*": Is a directory/ ])
{
	my ($arguments, $says) = @$_;
	($status, $out, $err) = ledger(@$arguments);
	is($status, 1, join(' ', 'refused:', map { s/\Q$dir/DIR/r } @$arguments));
	like($err, $says, '... and why');
}

my $good = 'source,source_id,account,region,accelerator,devices,started_at,ended_at';
my $file = write_file('good.csv', "$good\n" . join('', map { "s,$_,acme,east,H100,1,2026-06-03T14:00:00Z,2026-06-03T15:00:00Z\n" } 1 .. 10));
for (
	[ [ '-h', "$dir/nowhere" ], qr/nowhere/ ],
	[ [ '-d', 'none' ], qr/database "none" does not exist/ ],
	[ [ '-d', 'postgres' ], qr/usage_load" does not exist/ ],
	[ [ '-U', 'nobody' ], qr/role "nobody" does not exist/ ])
{
	my ($options, $says) = @$_;
	($status, $out, $err) = ledger('load', @$options, $file);
	is($status, 2, "no ledger there: $options->[1]" =~ s/\Q$dir/DIR/r);
	like($err, $says, '... and why');
}

new_ledger('first');
write_file('service.conf', "[ledger]\nhost=$ENV{PGHOST}\nport=$ENV{PGPORT}\ndbname=first\n");
{
	local %ENV = (%ENV, PGSERVICEFILE => "$dir/service.conf");
	delete @ENV{qw(PGHOST PGPORT PGDATABASE)};
	is((ledger('load', '--inbox-only', '-d', 'service=ledger', $file))[0], 0, 'by a service file');
}
is((ledger('load', '--inbox-only', '--name=uri', '--source=u', '-d', 'postgresql:///first?application_name=me', $file))[0], 0, 'by a URI');
sql('DELETE FROM usage_inbox; DELETE FROM usage_load');

# ------------------------------------------------------------------ what a file says
# Cells at random, and the same file by psql's \copy into a table like the inbox.
my @inbox = qw(source source_id revision account region accelerator devices started_at ended_at measure number_format achieved_work run labels retracted reservation);
my @pieces = ('a', ',', '"', "\n", "\r\n", ' ', "\t", '\\', '\\N', "\xc3\xa9", "\xe7\xae\x97", "'", '|', "\xf0\x9f\x98\x80", 'x' x 300);
for my $round (1 .. 6)
{
	my $eol = pick("\n", "\r\n");
	my @columns = sort { rand() <=> 0.5 } @inbox;
	my $text = pick('', "\xef\xbb\xbf") . join(',', map { pick($_, uc $_, "\"$_\"") } @columns) . $eol;
	for my $n (1 .. 200)
	{
		my @cells = map {
			my $cell = join '', map { pick(@pieces) } 1 .. int rand 4;
			$cell =~ /[,"\r\n]/ || ($cell eq '' && rand() < 0.5) ? '"' . $cell =~ s/"/""/gr . '"' : $cell;
		} @columns;
		$cells[0] = "\"$n\"";
		$text .= join(',', @cells) . $eol;
	}
	chop $text if rand() < 0.5 && $eol eq "\n";
	my $path = write_file("random$round.csv", $text);
	($status, $out, $err) = ledger('load', '--inbox-only', '--chunk=' . pick(1, 7, 1000), $path);
	is("$status $err", '0 ', "random file $round is read");
	sql('CREATE TABLE public.other (LIKE usage_inbox INCLUDING ALL)');
	# the columns are quoted, and psql does not skip the byte order mark
	my $same = write_file('same.csv', $text =~ s/\A\xef\xbb\xbf//r);
	$node->safe_psql('first', "\\copy public.other (" . join(', ', @columns) . ") FROM '$same' (FORMAT csv, HEADER, ENCODING utf8)");
	my $cells = join(', ', @inbox);
	is(sql("SELECT count(*) FROM usage_inbox"), 200, '... all of it');
	is(sql("SELECT count(*) FROM (SELECT $cells FROM usage_inbox EXCEPT ALL SELECT $cells FROM public.other) AS d"), '0', '... as psql reads it');
	is(sql("SELECT count(*) FROM (SELECT i.$columns[0]::int, lag(i.$columns[0]::int) OVER (ORDER BY id) AS before FROM usage_inbox AS i) AS o WHERE before > $columns[0]"), '0', '... in its order');
	sql('DROP TABLE public.other; DELETE FROM usage_inbox; DELETE FROM usage_load');
}

# What would end psql's data, in a cell of several lines.
is((ledger('load', '--inbox-only', write_file('end.csv', "$good,run\ns,1,acme,east,H100,1,2026-06-03T14:00:00Z,,\"a\n\\.\nb\"\ns,2,acme,east,H100,1,2026-06-03T14:00:00Z,,\\.")))[0], 0, 'a line \\.');
is(sql("SELECT string_agg(run, '/' ORDER BY id) FROM usage_inbox"), "a\n\\.\nb/\\.", '... is as any other');
sql('DELETE FROM usage_inbox; DELETE FROM usage_load');

# docs/usage-file.md: the same as the demo's reader makes of it.
my $usage = "\xef\xbb\xbfRegion, account ,\"accelerator\",devices,Start,END,job,extra,number_format,achieved_work\r\n" . join('',
	map { "$_\r\n" } 'east, acme ,H100,"8" , 2026-06-03T14:00:00+08:00,2026-06-03T17:30:00+08:00,"j,1",x,bf16,11.3 PFLOPh',
	'', 'east,"Fluid ""d"", group 2",MLU370-X8,0.25,2026-06-03T08:00:00Z,,,,,', "  \t", ',acme,H100,1,2026-06-03T08:00:00Z,2026-06-03T09:00:00Z,,,,',
	'east,acme,"H100,1,2026-06-03T08:00:00Z,2026-06-03T09:00:00Z,,,,', 'east,acme,H100,1', 'east,ac"me,H100,1,2026-06-03T08:00:00Z,2026-06-03T09:00:00Z,,,,',
	'east,acme,H100,1,2026-06-03T08:00:00Z,,' . ('x' x 10000) . ',,,', "east,ac\0me,H100,1,2026-06-03T08:00:00Z,,,,,", "east,ac\xffme,H100,1,2026-06-03T08:00:00Z,,,,,",
	'east,acme\\,H100\tX,1,2026-06-03T08:00:00Z,,last,,,');
$file = write_file('usage.csv', $usage);
($status, $out, $err) = ledger('load', '--inbox-only', '--name=', $file);
is($status, 3, 'a usage file');
like($err, qr/not used: column "extra"/, '... has a column that is not used');
my ($rows, $said) = ('', '');
IPC::Run::run([ 'scripts/demo.d/read-csv', 'usage', $file, "$dir/counts", "$dir/unreadable" ], '>', \$rows, '2>', \$said);
is(sql("COPY (SELECT coalesce(region, ''), coalesce(account, ''), coalesce(accelerator, ''), coalesce(devices, ''), coalesce(started_at, ''), coalesce(ended_at, ''), coalesce(run, ''), coalesce(number_format, ''), coalesce(achieved_work, ''), source, source_id FROM usage_inbox ORDER BY id) TO STDOUT") . "\n",
	$rows =~ s/^\d+\t//mgr, '... each row of which is read as the demo reads it');
my @unreadable = map { my (undef, $line, $why) = split /\t/; "$line,,$why" } split /\n/, slurp_file("$dir/unreadable");
is(join("\n", map { /^(\d+,,[^,]*),/ ? $1 : $_ } grep { /^\d+,,/ } split /\n/, slurp_file("$file.rejected.csv")), join("\n", @unreadable), '... and so is what is no row');
sql('DELETE FROM usage_inbox; DELETE FROM usage_load');

# Headers that will not do: nothing is loaded.
for (
	[ '', qr/the file is empty/ ],
	[ "\xef\xbb\xbf", qr/the file is empty/ ],
	[ "source,source_id,account,region,accelerator,devices\n", qr/does not name the column "started_at" \(of usage_inbox\)/ ],
	[ "source_id,account\n", qr/"source", "region", "accelerator", "devices", "started_at"/ ],
	[ "region,account,accelerator,devices,start\n", qr/does not name the column "end" \(of a usage file/ ],
	[ "region;account;accelerator;devices;start;end\n", qr/the delimiter is a comma/ ],
	[ "$good,Account\n", qr/names the column "Account" twice/ ],
	[ "$good,\"\n", qr/a quote that is never closed/ ],
	[ "\xff\xfes\0o\0u\0", qr/not a CSV file in UTF-8/ ],
	[ "$good,\xff\n", qr/not a CSV file in UTF-8/ ])
{
	my ($header, $says) = @$_;
	($status, $out, $err) = ledger('load', write_file('header.csv', $header . "s,1,acme,east,H100,1,2026-06-03T14:00:00Z,\n" x ($header =~ /\n/)));
	is($status, 1, 'a header that will not do');
	like($err, $says, '... and why');
}
is(tables(), '0|0|0|0', '... and nothing is loaded');

# ------------------------------------------------------------------ what becomes of rows
my @bad = (
	[ 's,bad,nobody,east,H100,1,2026-06-03T14:00:00Z,', 'LC006', 'unknown account "nobody"' ],
	[ 's,bad,acme,west,Voodoo 2,1,2026-06-03T14:00:00Z,', 'LC007', 'unknown region "west"; unknown accelerator "Voodoo 2"' ],
	[ ',bad,acme,east,H100,1,2026-06-03T14:00:00Z,', '23502', 'no source' ],
	[ ('x' x 1001) . ',bad,acme,east,H100,1,2026-06-03T14:00:00Z,', '54000', 'source or source_id is too long' ],
	[ 's,bad,acme,east,"H100,1,2026-06-03T14:00:00Z,', '', 'a quote that is never closed' ],
	[ 's,bad,acme,east,H100,1,2026-06-03T14:00:00Z', '', '7 cells where the header names 8 columns' ],
	[ 's,bad,acme,east,"H"100,1,2026-06-03T14:00:00Z,', '', 'a quote in the middle of a cell' ],
	[ "s,bad,ac\0me,east,H100,1,2026-06-03T14:00:00Z,", '', 'holds a NUL byte' ],
	[ "s,bad,ac\xe9me,east,H100,1,2026-06-03T14:00:00Z,", '', 'not valid UTF-8' ],
	[ 's,"bad' . "\n" . '1",acme,east,H100,1,2026-06-03 24:00Z,', '22007', qr/^cannot read started_at/ ],
	[ 's,bad,' . ('y' x 1_048_577) . ',east,H100,1,2026-06-03T14:00:00Z,', '', 'longer than 1048576 bytes' ]);
my ($text, %at) = ("$good\r\n");
my $line = 2;
my $sound = 0;
for my $case (@bad, @bad)
{
	$text .= "s,good$sound,acme,east,H100,1,2026-06-03T14:00:00Z,\r\n\r\n";
	$sound++;
	$at{ $line + 2 } = $case;
	$text .= "$case->[0]\r\n";
	$line += 3 + ($case->[0] =~ tr/\n//);
}
$file = write_file('bad.csv', $text . "s,dup,acme,east,H100,1,2026-06-03T14:00:00Z,\ns,dup,acme,east,H100,1.0,2026-06-03 14:00Z,");
($status, $out, $err) = ledger('load', '--chunk=10', $file);
is($status, 3, 'a file with bad rows');
is($out, "$file: 46 rows: 23 accepted, 1 duplicate, 10 rejected, 12 unreadable; 22 blank lines\n$file: what was refused is in $file.rejected.csv\n", '... of which each is counted');
is(tables(), '23|10|0|5', '... and is where it says');
sub refused
{
	my ($path) = @_;
	my $refused = slurp_file($path);
	my %found;
	ok($refused =~ s/\Aline,sqlstate,reason,\Q$good\E\n//, 'what was refused has a header');
	while ($refused =~ s/\A(\d+),(\w*),(?:"((?:[^"]|"")*)"|([^",]*)),(.*?)\n(?=\d+,\w*,|\z)//s)
	{
		my ($line, $sqlstate, $quoted, $plain, $row) = ($1, $2, $3, $4, $5);
		$found{$line} = [ $row, $sqlstate, defined $quoted ? $quoted =~ s/""/"/gr : $plain ];
	}
	is($refused, '', '... and nothing else');
	return \%found;
}
my $found = refused("$file.rejected.csv");
is(join(' ', sort { $a <=> $b } keys %$found), join(' ', sort { $a <=> $b } keys %at), '... names the lines');
for my $n (sort { $a <=> $b } keys %at)
{
	my ($row, $sqlstate, $reason) = @{ $at{$n} };
	ok($found->{$n}[0] eq substr($row, 0, 1_048_576), "line $n is there as it came");
	is($found->{$n}[1], $sqlstate, '... with the SQLSTATE');
	ref $reason ? like($found->{$n}[2], $reason, '... and the reason') : is($found->{$n}[2], $reason, '... and the reason');
}

# Loaded again, it says the same and does nothing; nor by another name, nor from a pipe.
my $before = slurp_file("$file.rejected.csv");
my ($again, $said_again);
($again, $said_again, $err) = ledger('load', '--chunk=10', $file);
is("$again $said_again", "$status $out", 'loaded again it says the same');
like($err, qr/all of it was loaded before/, '... and that it was loaded before');
is(slurp_file("$file.rejected.csv"), $before, '... and writes the same');
my $other = write_file('renamed.csv', slurp_file($file));
is((ledger('load', '--chunk=10', $other))[0], 3, 'by another name');
($again, $said_again) = ledger(\slurp_file($file), 'load', '--chunk=10', "--rejected=$dir/piped", '-');
is($said_again, $out =~ s/\Q$file.rejected.csv/$dir\/piped/r =~ s/\Q$file/standard input/gr, 'from a pipe');
is(tables(), '23|10|0|5', '... and nothing is there twice');
# What changes is loaded, and so is what comes after; keys keep the rest from counting twice.
write_file('renamed.csv', slurp_file($file) =~ s/good9,acme/good99,acme/r);
($again, $said_again, $err) = ledger('load', '--chunk=10', $other);
like($err, qr/renamed.csv: lines up to 16 were loaded before; going on with line 17$/m, 'a file that has changed is loaded from there');
like($said_again, qr/ 46 rows: 6 accepted, 18 duplicate, 10 rejected/, '... and counts what is new');
is(tables() =~ s/\|.*//r, '24', '... once');
($again, $said_again, $err) = ledger('load', '--again', '--chunk=10', $other);
like($said_again, qr/ 46 rows: 0 accepted, 24 duplicate, 10 rejected/, '--again loads it again');
($again, $said_again, $err) = ledger('load', '--quiet', '--chunk=3', $other);
is("$said_again$err", '', '--quiet says nothing');
is(sql('SELECT count(*), count(DISTINCT source_id) FROM usage_record'), '24|24', 'chunks of another size count nothing twice');

# What was refused is mended, and loaded by itself.
sql("SELECT create_account('nobody', currency => 'USD')");
($again, $said_again) = ledger('load', "$file.rejected.csv");
like($said_again, qr/ 22 rows: 1 accepted, 1 duplicate, 8 rejected, 12 unreadable/, 'what was refused can be loaded') or diag $said_again;

# ------------------------------------------------------------------ others at work
new_ledger('shared');
sql(q{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at) SELECT s, n, 'acme', 'east', 'H100', '1', '2026-06-03 14:00Z' FROM unnest('{s,t}'::text[]) AS s, generate_series(101, 103) AS n});
$file = write_file('mixed.csv', "$good\n" . join('', map { 's' . ($_ % 3 || '') . ",$_,acme,east,H100," . ($_ == 50 ? 'x' : 1) . ",2026-06-03T14:00:00Z,2026-06-03T15:00:00Z\n" } 1 .. 100));
($status, $out) = ledger('load', $file);
is($out =~ s/\n.*//sr, "$file: 100 rows: 102 accepted, 0 duplicate, 1 rejected, 0 unreadable; with 3 rows that others had left in the inbox", 'several sources in a chunk, and rows of others');
is(tables(), '102|1|3|1', '... of whose other sources nothing is taken');

my $holder = $node->background_psql('shared');
$holder->query_safe("BEGIN; SELECT FROM compute_ledger.usage_source WHERE source = 's1' FOR UPDATE");
$file = write_file('held.csv', "$good\n" . join('', map { "s1,h$_,acme,east,H100,1,2026-06-03T14:00:00Z,2026-06-03T15:00:00Z\n" } 1 .. 10));
my ($held_out, $held_err) = ('', '');
my $run = IPC::Run::start([ 'compute-ledger', 'load', $file ], '>', \$held_out, '2>', \$held_err);
for (1 .. 200) { $run->pump_nb; last if $held_err =~ /waiting for/; sleep 0.1; }
like($held_err, qr/waiting for a transaction that has the same source/, 'it says that it waits for a source');
is(tables(), '102|1|3|1', '... and leaves nothing half done');
$holder->query_safe('COMMIT');
$run->finish;
like($held_out, qr/ 10 rows: 10 accepted/, '... and goes on');

# A chunk of many sources is accepted by one call, unless somebody else has a source that is in the inbox.
sql(q{INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at) SELECT 'none of ours', n, 'acme', 'east', 'H100', '1', '2026-06-03 14:00Z' FROM generate_series(1, 2) AS n; SELECT accept_usage(source => 'none of ours');
	INSERT INTO usage_inbox (source, source_id, account, region, accelerator, devices, started_at) VALUES ('none of ours', '3', 'acme', 'east', 'H100', '1', '2026-06-03 14:00Z')});
my $batches = sql('SELECT count(*) FROM usage_batch');
$holder->query_safe("BEGIN; SELECT FROM compute_ledger.usage_source WHERE source = 'none of ours' FOR UPDATE");
my $many = sub { return "$good\n" . join('', map { 'many' . $_ % 20 . ",$_[0]$_,acme,east," . ($_ % 7 ? 'H100' : 'Voodoo 2') . ",1,2026-06-03T14:00:00Z,\n" } 1 .. 140) };
($status, $out) = ledger('load', write_file('many.csv', $many->('a')));
like($out, qr/ 140 rows: 120 accepted, 0 duplicate, 20 rejected, 0 unreadable\n/, 'many sources, one of others waiting');
is(sql('SELECT count(*) FROM usage_batch') - $batches, 20, '... one by one');
$holder->query_safe('COMMIT');
($status, $out) = ledger('load', write_file('many.csv', $many->('b')));
like($out, qr/ 140 rows: 124 accepted, 0 duplicate, 20 rejected, 0 unreadable; with 4 rows that others had left/, '... and none waiting');
is(sql('SELECT count(*) FROM usage_batch') - $batches, 21, '... all at once');

# Two loads of one file at the same time.
$file = write_file('twice.csv', "$good\n" . join('', map { "s2,w$_,acme,east," . ($_ % 10 ? 'H100' : 'Voodoo 2') . ",1,2026-0" . (1 + $_ % 5) . "-03T14:00:00Z,2026-06-03T15:00:00Z\n" } 1 .. 600));
my @at_once = map { my ($o, $e) = ('', ''); { run => IPC::Run::start([ 'compute-ledger', 'load', '--chunk=50', "--rejected=$dir/twice$_", $file ], '>', \$o, '2>', \$e), out => \$o, err => \$e } } 1 .. 2;
$_->{run}->finish for @at_once;
is(join("\n", map { ${ $_->{out} } =~ s/\n.*//sr } @at_once), join("\n", ("$file: 600 rows: 540 accepted, 0 duplicate, 60 rejected, 0 unreadable") x 2), 'two loads of one file say the same') or diag map { ${ $_->{err} } } @at_once;
is(sql("SELECT count(*), count(DISTINCT source_id) FROM usage_record WHERE source_id LIKE 'w%'"), '540|540', '... count nothing twice');
is(sql("SELECT count(*) FROM usage_rejected WHERE source_id LIKE 'w%'"), '60', '... nor what is rejected');
is(slurp_file("$dir/twice1"), slurp_file("$dir/twice2"), '... and write the same');

# By whom.
sql("CREATE ROLE meter LOGIN; CREATE ROLE reader LOGIN; SELECT grant_access('meter', 'meter'), grant_access('reader', 'reader', 'acme')");
$file = write_file('meter.csv', "$good\n" . join('', map { "m,$_,acme,east," . ($_ == 3 ? 'Voodoo 2' : 'H100') . ",1,2026-06-03T14:00:00Z,\n" } 1 .. 5));
like((ledger('load', '-U', 'meter', $file))[1], qr/ 5 rows: 4 accepted, 0 duplicate, 1 rejected/, 'a meter loads');
like((ledger('load', '-U', 'meter', $file))[1], qr/ 5 rows: 4 accepted, 0 duplicate, 1 rejected/, '... and again');
like((ledger('load', $file))[1], qr/ 5 rows: 0 accepted, 4 duplicate, 1 rejected/, '... and what others say that they have loaded is sent');
like((ledger('load', '-U', 'meter', '--check', $file))[2], qr/: 4 there, 0 differ, 1 new, 0 unreadable/, '... and checks');
is((ledger('health', '-U', 'meter'))[0], 0, '... and sees how the ledger is');
for my $command ([ 'load', $file ], [ 'load', '--check', $file ], ['health'])
{
	($status, undef, $err) = ledger(@$command, '-U', 'reader');
	is($status, 2, 'a reader does not');
	like($err, qr/permission denied.*SQLSTATE 42501/, '... and is told so');
}

# ------------------------------------------------------------------ other encodings
new_ledger('utf');
my $names = sub { return Encode::encode($_[0], "source,source_id,account,region,accelerator,devices,started_at,run\n" . join('', map { "s,$_,acme,east,H100,1,2026-06-03T14:00:00Z,$_[1]\n" } 1 .. 3)) };
for ([ 'latin1', 'LATIN1', "caf\x{e9}" ], [ 'cp936', 'GBK', "\x{8a5c}\x{7b97}\\" ], [ 'shiftjis', 'SJIS', "\x{8868}\x{793a}\x{30bd}\\x" ], [ 'big5-eten', 'BIG5', "\x{529f}\x{8a31}\t" ])
{
	my ($perl, $postgres, $run) = @$_;
	$file = write_file("$postgres.csv", $names->($perl, $run));
	is((ledger('load', "--encoding=$postgres", '--source', $postgres, $file))[0], 0, "a file in $postgres");
	is(sql("SELECT DISTINCT encode(convert_to(run, 'UTF8'), 'hex') FROM usage_record WHERE source = '$postgres'"), unpack('H*', Encode::encode_utf8($run)), '... is read');
	is((ledger('load', '--source=x', $file))[0], 3, '... and is not taken for UTF-8');
}
new_ledger('latin', "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
$file = write_file('utf8.csv', Encode::encode_utf8("source,source_id,account,region,accelerator,devices,started_at,run\n" . join('', map { "s,$_,acme,east,H100,1,2026-06-03T14:00:00Z," . ($_ % 4 ? "caf\x{e9}" : "\x{7b97}") . "\n" } 1 .. 12)));
for my $time ('first', 'second')
{
	($status, $out) = ledger('load', '--chunk=5', $file);
	like($out, qr/ 12 rows: 9 accepted, 0 duplicate, 0 rejected, 3 unreadable/, "what the database's encoding has not is refused, the $time time");
	is(() = slurp_file("$file.rejected.csv") =~ /^\d+,22P05,"character with byte sequence/mg, 3, '... with the SQLSTATE');
}

# ------------------------------------------------------------------ --check
new_ledger('checked');
sql(q{SET timezone = 'UTC'; INSERT INTO usage_source (source, time_zone, unix_seconds) VALUES ('zoned', 'Asia/Shanghai', true)});
sub json
{
	my ($depth) = @_;
	my $what = int rand($depth > 3 ? 5 : 7);
	return pick('null', 'true', 'false') if $what == 0;
	return pick('0', '-0.0', '1', '1.50', '1e2', '-12.5E-3', '12345678901234567890.120', '1E+20') if $what < 3;
	return pick('""', '"x"', "\"caf\xc3\xa9\"", '"\\u00e9\\ud83d\\ude00\\n\\/\\\\\\""', '" a  b "') if $what < 5;
	return '[' . join(pick(',', ' , '), map { json($depth + 1) } 1 .. int rand 4) . ']' if $what == 5;
	return '{' . join(pick(',', ", \n"), map { '"' . pick('a', 'bb', 'a', "\xc3\xa9", 'c', '\\u0061') . '"' . pick(':', ' : ') . json($depth + 1) } 1 .. int rand 6) . '}';
}
sub record
{
	my ($n) = @_;
	my $source = pick('plain', 'plain', 'zoned', 'q"uo\\te');
	my $day = sprintf '2026-0%d-%02d', 1 + int rand 5, 1 + int rand 28;
	my @instants = ("${day}T14:00:00Z", "$day 14:00+08", "${day}T14:00:00.1234565-0330", "$day 14:00 Europe/Berlin", "$day 14:00:30", "${day}T14:00 UTC");
	push @instants, '1780300000', '1780300000.5' if $source eq 'zoned';
	return ($source, "r$n", pick(undef, '', '0', '+3', '007'), 'acme', 'east', pick('H100', 'NVIDIA L4', 'NVIDIA-A100-SXM4-40GB-MIG-1g.5gb'),
		pick('8', '8.0', '0.5', '.25', '1e1', '12.500', ' 4 ', '+3', '1E-3', '007'), pick(@instants), pick(undef, '', '2026-07-01T00:00:00Z', '2026-07-01 00:00 Asia/Tokyo'),
		pick(undef, 'used', 'Reserved', 'ALLOCATED'), pick(undef, 'bf16', 'FP8'), pick(undef, '', '11.3 PFLOPh', '4.068e19 FLOP', '0 FLOP', '1 QFLOP'),
		pick(undef, '', 'run 1', "caf\xc3\xa9"), pick(undef, '{}', ' {"a": 1} ', '{' . join(',', map { "\"k$_\":" . json(1) } 1 .. int rand 4) . '}'), pick(undef, '', 'no', 'f', (rand() < 0.1) x 1 ? 'TRUE' : 'off'), undef);
}
my @records = map { [ record($_) ] } 1 .. 1500;
$file = write_file('records.csv', csv(@inbox) . join('', map { csv(@$_) } @records));
sub check
{
	my ($status, $out, $err) = ledger('load', '--check', '--chunk=400', @_);
	my %count;
	$count{$1}++ while $out =~ /^\d+,(there|differs|new|unreadable),/mg;
	return (\%count, $err, $out, $status);
}
my ($count) = check($file);
is_deeply($count, { new => 1500 }, 'of an empty ledger all rows are new') or diag explain $count;
is(tables(), '0|0|0|0', '... and nothing is written');
{
	local $ENV{PGTZ} = 'America/New_York';    # of what says no zone
	($status, $out) = ledger('load', $file);
	is($out =~ s/\n.*//sr, "$file: 1500 rows: 1500 accepted, 0 duplicate, 0 rejected, 0 unreadable", 'records at random are accepted')
	  or diag substr(slurp_file("$file.rejected.csv"), 0, 2000);
	($count, undef, $out, $status) = check($file);
	is_deeply($count, { there => 1500 }, '... and then all are there') or diag((grep { !/,there,/ } split /\n/, $out)[ 0 .. 5 ]);
	is($status, 0, '... which is no fault');
	# said otherwise: one cell each that is not what it was
	my @other = map {
		my @r = @$_;
		my $retracted = ($r[14] // '') =~ /^true\z/i;
		my $column = pick(3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15);
		my %to = (3 => 'acme2', 4 => 'West', 5 => 'H200', 6 => '7.75', 7 => '2026-05-30T00:00:00.000001Z', 8 => '2026-08-01T00:00:00Z', 9 => ($r[9] // '') =~ /used/ ? 'reserved' : 'used',
			10 => 'int4', 11 => '12 FLOP', 12 => 'run 2', 13 => '{"z": [1, "x"]}', 15 => 'ledger:17');
		$r[$column] = $to{$column};
		$retracted ? () : \@r;
	} @records;
	($count, undef, $out, $status) = check(write_file('other.csv', csv(@inbox) . join('', map { csv(@$_) } @other)));
	is_deeply($count, { differs => scalar @other }, 'rows that say something else differ') or diag((grep { !/,differs,/ } split /\n/, $out)[ 0 .. 5 ]);
	is($status, 3, '... which is one');
}
# Labels of many short strings take memory for what they hold.
$file = write_file('many.csv', csv(@inbox) . csv('plain', 'many', undef, 'acme', 'east', 'H100', '1', '2026-06-03T14:00:00Z', undef, undef, undef, undef, undef, '{"a":[' . join(',', ('"x"') x 120000) . ']}', undef, undef));
IPC::Run::run([ 'bash', '-c', 'ulimit -v 400000; exec compute-ledger load --check "$1"', 'bash', $file ], '<', \undef, '>', \$out, '2>', \$err);
like($out, qr/^2,new,/m, 'labels of 120,000 strings are read in 400 MB of address space') or diag $err;
# What cannot be read is no record: the ledger rejects it.
my @unread = map {
	my ($column, $value) = @$_;
	my @r = ('plain', "u$column$value", undef, 'acme', 'east', 'H100', '1', '2026-06-03T14:00:00Z', undef, undef, undef, undef, undef, undef, undef, undef);
	$r[$column] = $value;
	\@r;
} ([ 2, '-1' ], [ 2, '1.5' ], [ 2, '2147483648' ], [ 6, '' ], [ 6, '1 2' ], [ 6, '0x' ], [ 6, '1e' ], [ 6, '.' ], [ 7, '2026-06-31T00:00Z' ], [ 7, '1780300000' ], [ 7, '2026-06-03 14:00 CST' ], [ 7, '2026-06-03 14:00 Mars/Base' ],
	[ 8, 'infinity' ], [ 9, 'wasted' ], [ 10, 'fp7' ], [ 11, '1 PFLOPS' ], [ 11, '2 QFLOP' ], [ 11, '-1 FLOP' ], [ 11, '1 FLOP@bf16' ], [ 14, 'maybe' ], [ 14, 'o' ], [ 15, '17' ], [ 15, 'ledger:017' ],
	map { [ 13, $_ ] } '[]', '1', '{', '{"a"}', '{"a":01}', '{"a":1.}', '{"a":.5}', '{"a":1}x', '{"a":"\\u0000"}', '{"a":"\\ud800"}', '{"a":"\\q"}', "{\"a\":\"\t\"}", '{"a":tru}', '{"a":[1,]}', ('{"a":' x 501) . '1' . ('}' x 501));
$file = write_file('unread.csv', csv(@inbox) . join('', map { csv(@$_) } @unread));
($count, undef, $out) = check($file);
is_deeply($count, { unreadable => scalar @unread }, 'cells that cannot be read') or diag((grep { !/,unreadable,/ } split /\n/, $out)[ 0 .. 5 ]);
like((ledger('load', $file))[1], qr/: 0 accepted, 0 duplicate, @{[ scalar @unread ]} rejected, 0 unreadable/, '... are those that the ledger rejects') or diag slurp_file("$file.rejected.csv");
like((check("--encoding=LATIN1", $file))[1], qr/--check needs files in UTF8/, '--check of another encoding is refused');

# ------------------------------------------------------------------ an end before the end, and health
$file = write_file('long.csv', "$good\n" . join('', map { "long,$_,acme,east,H100,1,2026-06-03T14:00:00Z,2026-06-03T15:00:00Z\n" } 1 .. 3000));
($out, $err) = ('', '');
open my $whole, '<:raw', $file or die;
my $begun = join '', map { scalar <$whole> } 1 .. 1500;
$run = IPC::Run::start([ 'compute-ledger', 'load', '--chunk=100', '-' ], '<', \$begun, '>', \$out, '2>', \$err);
# more is to come, and does not
for (1 .. 300) { $run->pump_nb; last if sql("SELECT count(*) FROM usage_record WHERE source = 'long'") == 1400; sleep 0.1; }
$run->signal('TERM');
$run->finish;
is($run->result(0), 4, 'interrupted');
like($err, qr/standard input: lines up to 1401 are in; load it again, and it goes on there/, '... it says where it was');
(undef, $out, $err) = ledger('load', '--chunk=100', $file);
like($err, qr/long.csv: lines up to 1401 were loaded before; going on with line 1402/, '... and goes on there');
like($out, qr/: 3000 rows: 3000 accepted, 0 duplicate/, '... to the end');

# On a terminal there is a line of progress, elsewhere none.
unlike($err, qr/rows\/s/, 'no progress in a log');
SKIP:
{
	# it is there in a bare system, but /dev/pts may not be
	skip 'no terminal can be made', 5 unless (`script -qec 'echo here' /dev/null 2>/dev/null` // '') =~ /here/;
	like(`script -qec "compute-ledger load --chunk=500 --again '$file'" /dev/null`, qr/\r\S+long\.csv: 1500 rows \(\d\d%\), \d+ rows\/s, 0:\d\d:\d\d left/, '... and a line of it on a terminal');

	# A password is asked for on the terminal, and only there.
	# (what is typed before the prompt is thrown away)
	sub type_in { return `while sleep 0.3 && echo '$_[0]'; do :; done 2>/dev/null | script -qec 'compute-ledger health -U teller' /dev/null` }
	sql("CREATE ROLE teller LOGIN PASSWORD 'open sesame'; SELECT grant_access('teller', 'meter')");
	my $hba = $node->data_dir . '/pg_hba.conf';
	my $rules = slurp_file($hba);
	open my $to, '>', $hba or die;
	print $to "local all teller scram-sha-256\n$rules";
	close $to;
	$node->reload;
	like(type_in('open sesame'), qr/Password: .*^measure +label/ms, 'a password is asked for');
	like(type_in('open barley'), qr/Password: .*password authentication failed/s, '... once');
	($status, undef, $err) = ledger('health', '-w', '-U', 'teller');
	is($status, 2, '... and not with -w');
	like($err, qr/no password supplied/, '... which says so');
}

($status, $out) = ledger('health');
is($status, 0, 'health');
is((split /\n/, $out)[0] =~ s/ +/ /gr, 'measure label value detail', '... names the columns of ledger_health');
like($out, qr/^rejected_records +@{[ scalar @unread ]} *$/m, '... and shows its rows');
my $watched = '';
$run = IPC::Run::start([ 'compute-ledger', 'health', '--watch=1' ], '>', \$watched);
for (1 .. 100) { $run->pump_nb; last if (() = $watched =~ /^measure/mg) > 2; sleep 0.1; }
$run->signal('INT');
$run->finish;
cmp_ok((() = $watched =~ /^\d{4}-\d\d-\d\d [\d:]{8} /mg), '>', 2, '--watch shows it again and again');
is($run->result(0), 0, '... until it is interrupted');
$node->stop;
done_testing();
