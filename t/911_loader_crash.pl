# compute-ledger load is killed, and the server under it, twenty times at random: loaded again, each time it goes on where it was,
# and in the end all is as if nothing had happened.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);
use FindBin;
use lib $FindBin::RealBin;
use Crash;

plan skip_all => 'needs /proc' unless -e '/proc/self/stat';
my $seed = $ENV{LOADER_SEED} // 20261130;
my $rounds = $ENV{LOADER_ROUNDS} // 20;
srand($seed);
note "seed $seed";
chomp(my $bindir = `@{[ $ENV{PG_CONFIG} // 'pg_config' ]} --bindir`);
$ENV{PATH} = "$ENV{PATH}:$bindir";

my $node = Crash::server('loader_crash');
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';
$node->safe_psql('postgres', q{SELECT create_account('acme', time_zone => 'UTC', currency => 'USD'), create_region('east')});
my $dir = PostgreSQL::Test::Utils::tempdir();

# Two files of two sources each: rows that are good, that come twice, that are rejected, that are no rows.
my $rows = 4000;
my $chunk = 200;
my $header = 'source,source_id,account,region,accelerator,devices,started_at,ended_at,run';
my %file;
for my $name ('a', 'b', 'undisturbed')
{
	$file{$name} = "$dir/$name.csv";
	my $prefix = $name eq 'b' ? 'b' : 'a';
	my $text = "$header\n";
	for my $n (1 .. $rows)
	{
		my $what = $n % 20;
		my $id = $what == 3 ? $n - 1 : $n;    # the row before once more
		my $of = $what == 3 ? $n - 1 : $n;
		$text .= sprintf "%s%d,%d,acme,east,%s,1,2026-0%d-03T14:00:00Z,2026-06-03T15:00:00Z,%s\n", $prefix, $of % 2, $id, $what == 7 ? 'Voodoo 2' : 'H100', 1 + $of % 4,
		  $what == 11 ? "\"two\nlines\"" : $what == 13 ? 'a"quote' : 'plain';
	}
	append_to_file($file{$name}, $text);
}
my $said = "$rows rows: " . $rows * 17 / 20 . ' accepted, ' . $rows / 20 . ' duplicate, ' . $rows / 20 . ' rejected, ' . $rows / 20 . ' unreadable';

sub ledger
{
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'compute-ledger', @_ ], '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

# What there is of a source, in any order of batches.
sub facts
{
	my ($prefix) = @_;
	return $node->safe_psql('postgres', <<SQL);
SELECT (SELECT count(*) FROM usage_record WHERE source ~ '^$prefix'), (SELECT count(DISTINCT (source, source_id)) FROM usage_record WHERE source ~ '^$prefix'),
	(SELECT count(*) FROM usage_rejected WHERE source ~ '^$prefix'), (SELECT count(*) FROM usage_inbox)
SQL
}

# How long it takes undisturbed, in a ledger of its own; what it writes is what is expected.
$node->safe_psql('postgres', 'CREATE DATABASE calm TEMPLATE postgres');
my $began = time;
{
	local $ENV{PGDATABASE} = 'calm';
	my ($status, $out, $err) = ledger('load', "--chunk=$chunk", $file{undisturbed});
	is($status, 3, 'undisturbed');
	is($out =~ s/\n.*//sr, "$file{undisturbed}: $said", '... it says what it has done') or diag $err;
}
my $length = time - $began;
my $refused = slurp_file("$file{undisturbed}.rejected.csv");
note sprintf '%d rows in %.2f s', $rows, $length;

my $went_on = 0;
my %last = (a => 0, b => 0);
for my $round (1 .. $rounds)
{
	my @names = $round % 3 ? ('a', 'b') : ('a');    # side by side, mostly
	my %run;
	for my $name (@names)
	{
		my ($out, $err) = ('', '');
		$run{$name} = { out => \$out, err => \$err, run => IPC::Run::start([ 'compute-ledger', 'load', "--chunk=$chunk", $file{$name} ], '>', \$out, '2>', \$err) };
	}
	sleep 0.05 + rand(0.15 * $length);
	if ($round % 2)
	{
		$_->{run}->signal('KILL') for values %run;
	}
	else { Crash::kill_server($node); }
	for my $name (@names)
	{
		my $run = $run{$name};
		eval { $run->{run}->finish };
		if ($round % 2 == 0)
		{
			my $status = $run->{run}->result(0);
			ok($status == 2 || $status == 3, "round $round: $name says that the server has gone, or was ready") or diag $status, ${ $run->{err} };
			# gone while it was being connected to: nothing was read of the file yet
			my $at_once = ${ $run->{err} } =~ /connection to server/ || ${ $run->{err} } =~ /\Acompute-ledger: error: server closed the connection/;
			like(${ $run->{err} }, qr/(?:lines up to \d+ are in; load it again, and it goes on there|nothing of it is in)\n/, '... and where it was') if $status == 2 && !$at_once;
		}
		my ($from) = ${ $run->{err} } =~ /lines up to (\d+) were loaded before/;
		$went_on++ if defined $from;
		if (defined $from)
		{
			cmp_ok($from, '>=', $last{$name}, "round $round: $name goes on where it was, or after that");
			$last{$name} = $from;
		}
		# half a chunk is never there
		is($node->safe_psql('postgres', <<SQL), '0', "round $round: of $name no part of a chunk is there");
SELECT count(*)
FROM usage_load AS l, unnest(l.batches) AS batch
WHERE l.file = '$file{$name}' AND NOT EXISTS (SELECT FROM usage_batch AS b WHERE b.id = batch)
SQL
	}
	is($node->safe_psql('postgres', "SELECT count(*) - (SELECT count(*) FROM usage_load AS l, unnest(l.batches)) FROM usage_batch"), '0', "round $round: each batch is of a chunk that is noted");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM usage_inbox'), '0', "round $round: nothing is left in the inbox");
}
note "went on $went_on times";
cmp_ok($went_on, '>', $rounds / 4, 'some were killed in the middle');

for my $name ('a', 'b')
{
	my ($status, $out, $err) = ledger('load', "--chunk=$chunk", $file{$name});
	is($status, 3, "$name is loaded to its end");
	is($out =~ s/\n.*//sr, "$file{$name}: $said", '... and says what one that was not killed says') or diag $err;
	is(slurp_file("$file{$name}.rejected.csv"), $name eq 'a' ? $refused : $refused =~ s/,a(?=[01],)/,b/gr, '... and has written the same');
	is(facts($name), join('|', ($rows * 17 / 20) x 2, $rows / 20, 0), '... and nothing is there twice');
}
is($node->safe_psql('postgres', 'SELECT * FROM compute_ledger._check_usage()'), '', 'the ledger finds no fault with itself');
$node->stop;
done_testing();
