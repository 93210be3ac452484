# import-slurm: what a real Slurm said becomes records that can be counted another way; nothing is lost, nothing is there twice.
use strict;
use warnings;
use File::Temp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = File::Temp->newdir(CLEANUP => 1);
my $fixture = 't/slurm';
my @fields = qw(JobID JobIDRaw Cluster Partition QOS Account User Submit Start End ElapsedRaw Suspended State ExitCode AllocCPUS AllocTRES NodeList);
my $header = join('|', @fields);

# Runs import-slurm; returns the rows as hashes, what it said, and the exit status.
sub import_slurm
{
	my ($input, @options) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'scripts/import-slurm', @options ], '<', \$input, '>', \$out, '2>', \$err);
	my $status = $? >> 8;
	my @rows = map { parse_csv($_) } split /\n/, $out;
	my $names = shift @rows;
	return ([ map { my %row; @row{@$names} = @$_; \%row } @rows ], $err, $status, $out);
}

# Cells of a line of CSV.
sub parse_csv
{
	my ($line) = @_;
	my @cells;
	while ($line =~ /\G(?:"((?:[^"]|"")*)"|([^,]*))(,|\z)/g)
	{
		my ($quoted, $plain, $end) = ($1, $2, $3);
		push @cells, defined $quoted ? $quoted =~ s/""/"/gr : $plain;
		last if $end eq '';
	}
	return \@cells;
}

sub slurp { my ($path) = @_; local $/; open my $in, '<:raw', $path or die "$path: $!"; return scalar <$in>; }

# A job line in the order of @fields, and options of it.
my %usual = (JobID => 7, Cluster => 'c', Partition => 'p', QOS => 'q', Account => 'a', User => 'u', Submit => 1780300000, Start => 1780300000,
	End => 1780303600, ElapsedRaw => 3600, Suspended => '00:00:00', State => 'COMPLETED', ExitCode => '0:0', AllocCPUS => 8,
	AllocTRES => 'cpu=8,gres/gpu:h100=2,gres/gpu=2,node=1', NodeList => 'n1');
sub job
{
	my %field = (%usual, @_);
	$field{JobIDRaw} //= $field{JobID};
	return join('|', map { $field{$_} // '' } @fields);
}

sub file { return join("\n", $header, @_) . "\n"; }

# The counts of a report, by text; the first is the number of lines.
sub counts { return map { /^ *(\d+)  (.*)/ ? ($2 => $1) : () } split /\n/, $_[0]; }

sub adds_up
{
	my ($said, $name) = @_;
	my %count = counts($said);
	my $sum = 0;
	/^(written|left out): / and $sum += $count{$_} for keys %count;
	is($sum, $count{lines}, $name) or diag $said;
	my $records = 0;
	/^(allocated|used|retracted)/ and $records += $count{$_} for keys %count;
	is($records, $count{records}, "$name: records too");
}

# Takes rows to "id revision devices start end measure", to compare.
sub brief { return [ sort map { join(' ', @{$_}{qw(source_id revision devices started_at ended_at measure retracted)}) } @{ $_[0] } ]; }

# ------------------------------------------------------------------ a real Slurm
my $ended = slurp("$fixture/ended.txt");
my ($rows, $said, $status) = import_slurm($ended);
is($status, 0, 'the fixture is read') or diag $said;
adds_up($said, 'its lines add up');
my @lines = split /\n/, $ended;
my %at; { my $i = 0; $at{$_} = $i++ for split /\|/, $lines[0]; }

# The same device-seconds, counted from the file in another way: the total of each job line, by the time that Slurm says it
# took; the lines after a change of size begin at their Submit.
{
	my (%second, $type_seconds);
	for (@lines[ 1 .. $#lines ])
	{
		my @f = split /\|/;
		next if $f[0] =~ /\./ || $f[$at{AllocTRES}] !~ m{gres/gpu=(\d+)};
		my $gpus = $1;
		my $seconds = $f[$at{ElapsedRaw}];
		$seconds += $1 * 60 + $2 if $f[$at{Suspended}] =~ /(\d+):(\d+)$/;
		$seconds -= $f[$at{Submit}] - $f[$at{Start}] if $f[$at{Submit}] > $f[$at{Start}];
		$second{ $f[$at{Account}] } += $gpus * $seconds;
		$type_seconds += $1 * $seconds if $f[$at{AllocTRES}] =~ m{gres/gpu:a100=(\d+)};
	}
	my (%got, $got_type);
	for my $row (grep { $_->{measure} eq 'allocated' && !$_->{retracted} } @$rows)
	{
		my $seconds = instant($row->{ended_at}) - instant($row->{started_at});
		$got{ $row->{account} } += $row->{devices} * $seconds;
		$got_type += $row->{devices} * $seconds if $row->{accelerator} eq 'gres/gpu:a100';
	}
	is_deeply(\%got, \%second, 'device-seconds by account are those of the job lines');
	is($got_type, $type_seconds, 'those of one type too');
	cmp_ok($second{vision}, '>', 100, 'and there are some');
}

sub instant
{
	require Time::Local;
	my ($y, $mo, $d, $h, $mi, $s) = $_[0] =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z$/ or die "not an instant: $_[0]";
	return Time::Local::timegm_modern($s, $mi, $h, $d, $mo - 1, $y);
}

# At no instant is more used than allocated, job by job and type by type; no attempt is there twice at once.
sub conserved
{
	my ($rows, $name) = @_;
	my %event;
	for my $row (grep { !$_->{retracted} && $_->{ended_at} ne '' } @$rows)
	{
		my ($attempt, $gres) = $row->{source_id} =~ /^(\d+@\d+)(?:\.\w+)?:([^#]+)/ or die $row->{source_id};
		my $sign = $row->{measure} eq 'used' ? -1 : 1;
		push @{ $event{"$attempt $gres"} }, [ instant($row->{started_at}), $sign * $row->{devices} ], [ instant($row->{ended_at}), -$sign * $row->{devices} ];
	}
	my @bad;
	for my $key (keys %event)
	{
		my ($level, %change) = (0);
		$change{ $_->[0] } += $_->[1] for @{ $event{$key} };
		for my $t (sort { $a <=> $b } keys %change)
		{
			$level += $change{$t};
			push @bad, "$key at $t: $level" if $level < -1e-9;
		}
	}
	is_deeply(\@bad, [], $name);
}
conserved($rows, 'at no instant is more used than allocated');
conserved((import_slurm($ended, '--batch-step', 'always'))[0], 'nor with batch steps beside others');

# The fixture's jobs by name, and what the names promise.
my %job_of;
for (@lines[ 1 .. $#lines ])
{
	my @f = split /\|/, $_, -1;
	push @{ $job_of{ join '|', @f[ $at{JobName} .. $#f ] } }, $f[$at{JobIDRaw}] unless $f[0] =~ /\./;
}
sub records_of
{
	my ($name, %with) = @_;
	my %raw = map { $_ => 1 } @{ $job_of{$name} };
	return grep { my $row = $_; ($row->{source_id} =~ /^(\d+)@/ && $raw{$1}) && !grep { $row->{$_} ne $with{$_} } keys %with } @$rows;
}
sub shape { return [ sort map { "$_->{accelerator} x $_->{devices}" } @_ ]; }

is_deeply(shape(records_of('typed', measure => 'allocated')), ['gres/gpu:a100 x 4'], 'gres/gpu:a100=4 next to gres/gpu=4 is four, of one type');
is_deeply(shape(records_of('typed', measure => 'used')), [ 'gres/gpu:a100 x 1', 'gres/gpu:a100 x 3', 'gres/gpu:a100 x 4' ], 'its steps are used, and its batch step is not');
is_deeply(shape(records_of('two-types', measure => 'allocated')), [ 'gres/gpu x 2', 'gres/gpu:a100 x 1' ],
	'a type that the site does not account for is what is left of the total');
is_deeply(shape(records_of('old', measure => 'allocated')), ['gres/gpu x 2'], 'untyped devices');
is_deeply(shape(records_of('wide', measure => 'used')), ['gres/gpu x 8'], 'a step on two nodes');
is(scalar records_of('any gpu', measure => 'used'), 1, 'a batch script without steps is what was used');
is(scalar records_of('array', measure => 'allocated'), 4, 'every task of an array');
is_deeply([ sort map { $_->{run} =~ s/.*_//r } records_of('array', measure => 'allocated') ], [ 1, 2, 3, 4 ], 'under its own name');
{
	my @het = records_of('het', measure => 'allocated');
	is_deeply(shape(@het), [ 'gres/gpu x 1', 'gres/gpu:nvidia_h100_80gb_hbm3 x 1' ], 'both parts of a heterogeneous job');
	is($het[0]{run}, $het[1]{run}, 'are one run');
}
for my $name (qw(requeued spot))
{
	my @attempt = records_of($name, measure => 'allocated');
	is(scalar @attempt, 2, "$name: a record an attempt");
	like($attempt[0]{labels}, $name eq 'spot' ? qr/"state":"PREEMPTED"/ : qr/"state":"REQUEUED"/, "$name: the first says why it ended");
	cmp_ok(instant($attempt[0]{ended_at}), '<=', instant($attempt[1]{started_at}), "$name: one after the other");
}
like((records_of('kill', measure => 'allocated'))[0]{labels}, qr/"state":"PREEMPTED"/, 'killed by preemption');
like((records_of('own-cancel', measure => 'allocated'))[0]{labels}, qr/"cancelled_by":"\d+"/, 'cancelled, and by whom');
like((records_of('timeout', measure => 'allocated'))[0]{labels}, qr/"state":"TIMEOUT"/, 'out of time');
like((records_of('node-lost', measure => 'allocated'))[0]{labels}, qr/"state":"NODE_FAIL"/, 'lost with its node');
is(scalar records_of('never'), 0, 'a job that never started has no record');
is(scalar records_of('shards'), 0, 'nor has one of a resource that is no whole device');
like($said, qr{gres/shard in 1 job}, 'which is said');
{
	my ($all, $rest) = sort { $b->{devices} <=> $a->{devices} } records_of('shrink', measure => 'allocated');
	is("$all->{devices} $rest->{devices}", '8 4', 'a job that gave a node back has two records');
	is($all->{ended_at}, $rest->{started_at}, 'the second begins where the first ends, though Slurm says that it started with it');
	my ($suspended) = records_of('suspended', measure => 'allocated');
	my ($used) = records_of('suspended', measure => 'used');
	cmp_ok(instant((records_of('behind', measure => 'allocated'))[0]{started_at}), '>=', instant($suspended->{ended_at}), 'a suspended job keeps its devices from others');
	my ($seconds) = $suspended->{labels} =~ /"suspended_seconds":"?(\d+)/;
	cmp_ok($seconds, '>=', 3, 'a suspended job says for how long');
	my ($line) = grep { /^\d+\.0\|/ && /^$job_of{suspended}[0]\./ } @lines;
	is(instant($used->{ended_at}) - instant($used->{started_at}), (split /\|/, $line)[ $at{ElapsedRaw} ], 'which is not time of use');
}
is(scalar(grep { $_->{retracted} } @$rows), scalar(grep { !/^[^|]*\./ && (split /\|/)[ $at{ElapsedRaw} ] eq '0' && m{gres/gpu} } @lines),
	'jobs of no duration are retractions');
ok(scalar(grep { $_->{retracted} } @$rows), 'and there are such');

# Forms of one export.
is_deeply((import_slurm(slurp("$fixture/ended-local.txt"), '--timezone', 'Asia/Shanghai'))[0], $rows, 'the same from local times and their zone');
is_deeply((import_slurm(slurp("$fixture/ended-local.txt") =~ s/(\dT\d\d:\d\d:\d\d)/$1+08:00/gr))[0], $rows, 'and from times with an offset');
{
	my ($other, $report) = import_slurm(slurp("$fixture/ended-other-order.txt"));
	my $key = sub { [ sort map { join(' ', @{$_}{qw(source_id devices started_at ended_at)}) } grep { $_->{measure} eq 'allocated' } @{ $_[0] } ] };
	is_deeply($key->($other), $key->($rows), 'and with fewer fields in another order, with a delimiter at the end');
	# DBIndex is unique where JobIDRaw and Submit are.
	my (%pair, %index);
	for my $line (grep { !/^AllocTRES/ } split /\n/, slurp("$fixture/ended-other-order.txt"))
	{
		my @f = split /\|/, $line;
		next if $f[9] =~ /\./;
		push @{ $pair{"$f[8]\@$f[4]"} }, $f[5];
		push @{ $index{ $f[5] } }, "$f[8]\@$f[4]";
	}
	is_deeply([ grep { @$_ > 1 } values %pair, values %index ], [], 'the key tells attempts apart as the database\'s own index does');
}
cmp_ok(scalar @{ (import_slurm(slurp("$fixture/without-d.txt")))[0] }, '<', scalar @$rows, 'without -D attempts are missing');

# Seen while a job ran, and again when it had ended.
my ($before, $first_report) = import_slurm(slurp("$fixture/running.txt"));
adds_up($first_report, 'the lines of the earlier export add up');
{
	my @open = grep { $_->{ended_at} eq '' && !$_->{retracted} } @$before;
	is(scalar @open, 1, 'a job that runs is open');
	is("$open[0]{revision} $open[0]{measure}", '0 allocated', 'its revision is 0');
	my ($closed) = grep { $_->{source_id} eq $open[0]{source_id} } @$rows;
	is($closed->{revision}, 1, 'and 1 when it has ended');
	my %later = map { join("\0", @{$_}{qw(source source_id revision)}) => $_ } @$rows;
	is_deeply([ grep { my $l = $later{ join("\0", @{$_}{qw(source source_id revision)}) }; !$l || join("\0", %$l{ sort keys %$l }) ne join("\0", %$_{ sort keys %$_ }) }
		grep { $_->{ended_at} ne '' || $_->{retracted} } @$before ], [], 'what had ended is said again in the same words');
}

# ------------------------------------------------------------------ line by line
my @cases = (    # name, lines, options, what comes out: accelerator, devices, start, end, measure; or what is counted
	[ 'part of the total typed', [ job(AllocTRES => 'gres/gpu=3,gres/gpu:a100=2') ], [], [ 'gres/gpu 1', 'gres/gpu:a100 2' ] ],
	[ 'types without a total', [ job(AllocTRES => 'gres/gpu:a100=2,gres/gpu:a40=1') ], [], [ 'gres/gpu:a100 2', 'gres/gpu:a40 1' ] ],
	[ 'a MIG profile', [ job(AllocTRES => 'gres/gpu:a100_1g.5gb=2,gres/gpu=2') ], [], ['gres/gpu:a100_1g.5gb 2'] ],
	[ 'a type in capitals', [ job(AllocTRES => 'gres/gpu:A100=1') ], [], ['gres/gpu:a100 1'] ],
	[ 'a list in quotes of old', [ job(AllocTRES => 'gpu:a100:2(IDX:0,1)') ], [], ['gres/gpu:a100 2'] ],
	[ 'another resource', [ job(AllocTRES => 'gres/npu=8') ], [ '--gres', 'npu' ], ['gres/npu 8'] ],
	[ 'another resource that was not named', [ job(AllocTRES => 'gres/npu=8') ], [], [], 'a job without accelerators' ],
	[ 'shares', [ job(AllocTRES => 'gres/shard=3') ], [ '--share', 'shard=8' ], ['gres/shard 0.375'] ],
	[ 'sevenths', [ job(AllocTRES => 'gres/mps=1') ], [ '--share', 'mps=7' ], ['gres/mps 0.142857142857'] ],
	[ 'no accelerator', [ job(AllocTRES => 'cpu=8,node=1') ], [], [], 'a job without accelerators' ],
	[ 'CPUs', [ job(AllocTRES => 'cpu=8,node=1') ], [ '--cpu', 'amd/epyc-9654=96' ], ['amd/epyc-9654 0.083333333333'] ],
	[ 'CPUs of a job with accelerators', [ job() ], [ '--cpu', 'amd/epyc-9654=96' ], ['gres/gpu:h100 2'] ],
	[ 'an accelerator told by partition', [ job(AllocTRES => 'gres/gpu=2') ], [ '--gres-map', 'MAP' ], ['NVIDIA V100 2'] ],
	[ 'by type', [ job(AllocTRES => 'gres/gpu:k80=2') ], [ '--gres-map', 'MAP' ], ['Tesla K80 2'] ],
	[ 'by node', [ job(Partition => 'q', AllocTRES => 'gres/gpu=2', NodeList => 'x[08-10],x12') ], [ '--gres-map', 'MAP' ], ['NVIDIA L40S 2'] ],
	[ 'by nodes that differ', [ job(Partition => 'q', AllocTRES => 'gres/gpu=2', NodeList => 'x[08-10],y1') ], [ '--gres-map', 'MAP' ], ['gres/gpu 2'] ],
	[ 'by two ranges in a name', [ job(Partition => 'q', AllocTRES => 'gres/gpu=2', NodeList => 'rack[1-2]x[0,3]') ], [ '--gres-map', 'MAP' ], ['NVIDIA A10 2'] ],
	[ 'on an unknown node', [ job(Partition => 'q', AllocTRES => 'gres/gpu=2', NodeList => 'z1') ], [ '--gres-map', 'MAP' ], ['gres/gpu 2'] ],
	[ 'a pending job', [ job(Start => 'Unknown', End => 'Unknown', State => 'PENDING', AllocTRES => '', NodeList => 'None assigned') ], [], [], 'a job that never started' ],
	[ 'what is left of an array', [ job(JobID => '5_[4-9%2]', JobIDRaw => 5, Start => 'Unknown', End => 'Unknown', State => 'PENDING', AllocTRES => '') ], [], [], 'a job that never started' ],
	[ 'cancelled while it waited', [ job(Start => 1780300000, End => 1780300000, State => 'CANCELLED by 1000', AllocTRES => '', NodeList => 'None assigned') ], [], [], 'a job that never started' ],
	[ 'cancelled, as newer ones say it', [ job(Start => 'None', End => 1780300000, State => 'CANCELLED by 1000', AllocTRES => '', NodeList => 'None assigned') ], [], [], 'a job that never started' ],
	[ 'backwards', [ job(End => 1780200000) ], [], [], 'unreadable' ],
	[ 'no time', [ job(Start => 'yesterday') ], [], [], 'unreadable' ],
	[ 'no number', [ job(AllocTRES => 'gres/gpu=many') ], [], [], 'unreadable' ],
	[ 'no job id', [ job(JobID => 'total') ], [], [], 'unreadable' ],
	[ 'too few fields', ['7|7|c'], [], [], 'unreadable' ],
	[ 'too many fields', [ job() . '|x' ], [], [], 'unreadable' ],
	[ 'cut off by -T', [ job(State => 'RUNNING') ], [], [], 'unreadable' ],
	[ 'a step alone', [ job(JobID => '9.0') ], [], [], 'a step that does not follow its job' ],
	[ 'a step of another job', [ job(AllocTRES => 'gres/gpu=1'), job(JobID => '9.0') ], [], ['gres/gpu 1'], 'a step that does not follow its job' ],
	[ 'a blank line', [ '', job() ], [], ['gres/gpu:h100 2'], 'blank' ],
	[ 'two files in one', [ job(), $header, job(JobID => 8) ], [], [ 'gres/gpu:h100 2', 'gres/gpu:h100 2' ], 'header' ],
	[ 'no steps wanted', [ job(), job(JobID => '7.0') ], ['--no-steps'], ['gres/gpu:h100 2'], 'a step (--no-steps)' ],
	[ 'an untyped step of a typed job', [ job(), job(JobID => '7.0', AllocTRES => 'gres/gpu=1') ], [], [ 'gres/gpu:h100 1', 'gres/gpu:h100 2' ] ],
	[ 'a step after its job', [ job(), job(JobID => '7.0', End => 1780399999) ], [], [ 'gres/gpu:h100 2', 'gres/gpu:h100 2' ] ],
	[ 'a step of devices that its job has not', [ job(), job(JobID => '7.0', AllocTRES => 'gres/npu=1') ], [ '--gres', 'npu' ], ['gres/gpu:h100 2'], 'a step with devices that its job does not have' ],
	[ 'a batch step beside a step', [ job(), job(JobID => '7.batch'), job(JobID => '7.0', AllocTRES => 'gres/gpu=1') ], [ '--batch-step', 'always' ], [ 'gres/gpu:h100 1', 'gres/gpu:h100 1', 'gres/gpu:h100 2' ] ],
	[ 'no batch step', [ job(), job(JobID => '7.batch') ], [ '--batch-step', 'never' ], ['gres/gpu:h100 2'], 'a batch step (--batch-step never)' ],
	[ 'steps with the same devices', [ job(), job(JobID => '7.0'), job(JobID => '7.1') ], [], [ 'gres/gpu:h100 2', 'gres/gpu:h100 2' ], 'a step whose devices other steps had already' ],
);
my $map = "$dir/map.csv";
open my $out, '>', $map or die;
print $out "accelerator,node,partition,gres\nTesla K80,,,gpu:k80\nNVIDIA V100,,p,gpu\nNVIDIA L40S,x??,,\nNVIDIA A10,rack*x[0],,\nNVIDIA A10,rack?x*,,\n";
close $out;
for my $case (@cases)
{
	my ($name, $lines, $options, $expected, $counted) = @$case;
	my ($rows, $said, $status) = import_slurm(file(@$lines), map { $_ eq 'MAP' ? $map : $_ } @$options);
	is_deeply([ sort map { "$_->{accelerator} $_->{devices}" } @$rows ], $expected, $name) or diag $said;
	is($status, 0, "$name: no failure");
	adds_up($said, "$name: lines add up");
	my %count = counts($said);
	ok($count{"left out: $counted"}, "$name: counted") or diag $said if defined $counted;
}

# One row in full.
is_deeply((import_slurm(file(job(JobID => '5_2', JobIDRaw => 9, State => 'CANCELLED by 1000', Suspended => '00:01:40', ElapsedRaw => 3500)), '--region', 'east', '--account-prefix', 'lab/'))[0][0],
	{ source => 'slurm/c', source_id => '9@1780300000:gpu:h100', revision => 1, account => 'lab/a', region => 'east', accelerator => 'gres/gpu:h100',
		devices => 2, started_at => '2026-06-01T07:46:40Z', ended_at => '2026-06-01T08:46:40Z', measure => 'allocated', run => '5_2',
		labels => '{"cancelled_by":"1000","exit_code":"0:0","nodes":"n1","partition":"p","qos":"q","state":"CANCELLED","suspended_seconds":100,"user":"u"}', retracted => '', reservation => '' },
	'a row in full');

# A job that was seen running and then took no time is taken back.
($rows) = import_slurm(file(job(End => 1780300000, ElapsedRaw => 0)));
is_deeply(brief($rows), ['7@1780300000:gpu:h100 1    allocated true'], 'no duration: taken back');
($rows) = import_slurm(file(job(End => 'Unknown', State => 'RUNNING'), job(JobID => '7.0', End => 'Unknown', State => 'RUNNING')));
is_deeply(brief($rows), ['7@1780300000:gpu:h100 0 2 2026-06-01T07:46:40Z  allocated '], 'one that runs: open, and its steps wait');
($rows) = import_slurm(file(job()), '--correction', 3);
is($rows->[0]{revision}, 7, 'a correction supersedes all before it');
($rows) = import_slurm(file(job()), '--source', 'hpc');
is($rows->[0]{source}, 'hpc', 'a source of one\'s own');
($rows) = import_slurm(file(job(), job(JobID => 8, Cluster => 'd')), '--region', 'c=west', '--region', 'east');
is(join(' ', map { $_->{region} } @$rows), 'west east', 'regions by cluster');
($rows) = import_slurm(file(job(), job(JobID => 8, Account => 'b'), job(JobID => 9, Account => '')), '--account-map', do {
	open my $out, '>', "$dir/account.csv" or die; print $out "account,name\na,\"team, one\"\n"; "$dir/account.csv" }, '--account-prefix', 'x-');
is(join(' ', map { "<$_->{account}>" } @$rows), '<team, one> <x-b> <>', 'accounts by a map, with the prefix, and none');

# Overlapping steps take turns: 2 devices, steps of 2 for [0,2) and of 1 for [1,3) hours, then the batch script.
{
	my $t = 1780300000;
	my ($rows) = import_slurm(file(job(End => $t + 4 * 3600, ElapsedRaw => 4 * 3600), job(JobID => '7.batch', End => $t + 4 * 3600, ElapsedRaw => 4 * 3600),
			job(JobID => '7.0', End => $t + 7200, ElapsedRaw => 7200), job(JobID => '7.1', Start => $t + 3600, End => $t + 3 * 3600, ElapsedRaw => 7200, AllocTRES => 'gres/gpu=1')),
		'--batch-step', 'always');
	my @used = sort map { join ' ', $_->{source_id} =~ s/.*\.(\w+).*?(#\d+)?$/$1 . ($2 || '')/er, $_->{devices}, map { (instant($_) - $t) / 3600 } @{$_}{qw(started_at ended_at)} } grep { $_->{measure} eq 'used' } @$rows;
	is_deeply(\@used, [ '0 2 0 2', '1 1 2 3', 'batch 1 2 3', 'batch#1 2 3 4' ], 'overlapping steps');
}

# Local times: the hour that a clock shows twice, the one that it leaves out, and a zone that nobody said.
sub local_job { my ($from, $to, @rest) = @_; return job(Submit => '2026-10-24T12:00:00', Start => $from, End => $to, @rest); }
my @berlin = ('--timezone', 'Europe/Berlin');
for my $case (
	[ '2026-10-25T01:30:00', '2026-10-25T02:30:00', 3600, '2026-10-24T23:30:00Z 2026-10-25T00:30:00Z', 'the first 2:30 of two' ],
	[ '2026-10-25T01:30:00', '2026-10-25T02:30:00', 7200, '2026-10-24T23:30:00Z 2026-10-25T01:30:00Z', 'the second' ],
	[ '2026-10-25T02:30:00', '2026-10-25T02:10:00', 2400, '2026-10-25T00:30:00Z 2026-10-25T01:10:00Z', 'from one into the other' ],
	[ '2026-10-25T02:10:00', '2026-10-25T02:30:00', 1200, undef, 'both, and it cannot be told which' ],
	[ '2026-03-29T02:30:00', '2026-03-29T03:30:00', 3600, undef, 'a time that no clock showed' ])
{
	my ($from, $to, $elapsed, $expected, $name) = @$case;
	my ($rows, $said) = import_slurm(file(job(Submit => '2026-03-01T12:00:00', Start => $from, End => $to, ElapsedRaw => $elapsed)), @berlin);
	is(@$rows ? "$rows->[0]{started_at} $rows->[0]{ended_at}" : undef, $expected, "local time: $name") or diag $said;
	like($said, qr/^ *1  left out: unreadable$/m, "local time: $name: counted") unless defined $expected;
}
# The time of submission is part of the key.
for my $case (
	[ '2026-10-25T02:30:00', '2026-10-25T04:00:00', undef, 'of the two, either can be' ],
	[ '2026-10-25T02:30:00', '2026-10-25T02:40:00', '1792888200', 'the second would be after the end' ],
	[ '2026-10-25T01:59:59', '2026-10-25T04:00:00', '1792886399', 'just before' ])
{
	my ($submit, $end, $expected, $name) = @$case;
	my ($rows, $said) = import_slurm(file(job(Submit => $submit, Start => '2026-10-25T01:30:00', End => $end, ElapsedRaw => $end =~ /T02/ ? 4200 : 12600)), @berlin);
	is(@$rows ? $rows->[0]{source_id} =~ s/.*@(\d+).*/$1/r : undef, $expected, "a local time of submission: $name") or diag $said;
	like($said, qr/^ *1  left out: unreadable$/m, 'counted') unless defined $expected;
}
for my $time ('2026-06-01T10:00:00+99:00', '2026-06-01T10:00:00+08:60', '2026-06-01T24:00:00Z', '2026-06-01T10:00:60Z', '2026-06-31T10:00:00Z', '2026-06-01T10:00:00 CST', 'Mon Jun  1 10:00:00 CST 2026')
{
	my ($rows, $said) = import_slurm(file(job(Start => $time)), '--timezone', 'Asia/Shanghai');
	is(scalar @$rows, 0, "no instant: $time");
	like($said, qr/not a time: "\Q$time\E"/, 'which is said');
}
{
	my (undef, $said, $status) = import_slurm(file(job(Start => '2026-10-25T02:10:00')));
	isnt($status, 0, 'local times without a zone are not guessed');
	like($said, qr/does not say in which time zone.*SLURM_TIME_FORMAT=%s/s, 'but explained');
	(undef, $said, $status) = import_slurm(file(job()), '--timezone', 'Europe/Atlantis');
	like($said, qr/no such time zone/, 'an unknown zone is not UTC');
	(undef, $said, $status) = import_slurm(file(job()), '--timezone', 'right/UTC');
	like($said, qr/no such time zone/, 'nor is one that counts leap seconds');
	(undef, $said, $status) = import_slurm("JobID|State|AllocTRES\n");
	like($said, qr/no field submit among: jobid, state, alloctres/, 'what a header lacks is said');
	isnt($status, 0, 'as a failure');
}

# Names with delimiters, bytes that are no text, output without a header, another delimiter.
{
	my $with_name = "$header|JobName\n" . job() . "|a|b|c\n" . job(JobID => 8) . "|plain\n";
	my ($rows, $said) = import_slurm($with_name, '--label', 'JobName');
	is(join(' ', map { $_->{labels} =~ /"jobname":"([^"]*)"/ } @$rows), 'a|b|c plain', 'a delimiter in the one field that people type');
	my $in_front = "JobName|$header|Comment\nx|y|" . job() . "|\n";
	($rows, $said) = import_slurm($in_front);
	is(scalar @$rows, 0, 'with two such fields it cannot be told');
	like($said, qr/line 2: 20 fields where the header names 19/, 'and is said');
	($rows, $said) = import_slurm(file(job(User => "m\xfcller")));
	is(scalar @$rows, 1, 'a name in Latin-1 loses no record');
	like($said, qr/bytes that are not UTF-8 were replaced in 1 line$/m, 'and is said');
	like($rows->[0]{labels}, qr/"user":"m\xef\xbf\xbdller"/, 'with a sign in its place');
	($rows) = import_slurm(file(job(User => "m\xc3\xbcller \xe5\xbc\xa0")));
	like($rows->[0]{labels}, qr/"user":"m\xc3\xbcller \xe5\xbc\xa0"/, 'UTF-8 stays');
	($rows) = import_slurm(job() . "\n", '--format', join(',', map { "$_%30" } @fields));
	is(scalar @$rows, 1, 'without a header, with --format');
	# the reservation, of the job and of its steps, where sacct says one
	my $step = join('|', map { { %usual, JobID => '7.0', JobIDRaw => '7.0', Partition => '', QOS => '', User => '' }->{$_} // '' } @fields);
	($rows) = import_slurm("$header|ReservationId\n" . join('', map { "$_\n" } job() . '|42', "$step|", job(JobID => 8) . '|', job(JobID => 9) . '|0', job(JobID => 10) . '|None'));
	is(join(' ', map { "$_->{source_id}=" . ($_->{reservation} // '') } sort { $a->{source_id} cmp $b->{source_id} } @$rows),
		'10@1780300000:gpu:h100= 7@1780300000.0:gpu:h100=centre:42 7@1780300000:gpu:h100=centre:42 8@1780300000:gpu:h100= 9@1780300000:gpu:h100=', 'the reservation that a job ran in');
	($rows) = import_slurm(file(job(AllocTRES => 'gres/gpu=1,gres/gpu:h100=1')) =~ s/\|/;/gr, '--delimiter', ';');
	is(scalar @$rows, 1, 'another delimiter');
	local $ENV{LC_ALL} = 'de_DE.UTF-8';
	is_deeply(brief((import_slurm(file(job())))[0]), brief((import_slurm(file(job())))[0]), 'under any locale');
}

# ------------------------------------------------------------------ real data beside the checkout
my $data = '../shared/data';
SKIP:
{
	skip "no $data/trace_slurm_sacct_phillips.csv", 8 unless -r "$data/trace_slurm_sacct_phillips.csv";
	my @row = map { parse_csv($_) } split /\n/, slurp("$data/trace_slurm_sacct_phillips.csv");
	my $sacct = join('', map { join('|', @$_) . "\n" } @row);
	my ($rows, $said) = import_slurm($sacct, '--timezone', 'UTC');
	adds_up($said, 'a real file of 4,285 lines adds up');
	my %count = counts($said);
	is($count{'left out: a job without accelerators'}, 4044, 'all but two have no accelerator');
	is($count{'left out: a job that never started'}, 239, 'or never started');
	is_deeply(brief($rows), [ '163485@1482390912:gpu 1 2 2016-12-22T07:15:13Z 2017-01-01T20:42:19Z allocated ', '196835@1483307090:gpu 1 2 2017-01-01T21:44:50Z 2017-01-01T21:45:07Z allocated ' ], 'these two');
	($rows, $said) = import_slurm($sacct, '--timezone', 'UTC', '--cpu', 'x=1');
	adds_up($said, 'as CPUs too');
	my ($expected, $got) = (0, 0);
	my %i; @i{ @{ $row[0] } } = 0 .. $#{ $row[0] };
	for (@row[ 1 .. $#row ])
	{
		next if $_->[ $i{alloctres} ] =~ m{gres/gpu};
		my ($d, $h, $m, $s) = $_->[ $i{elapsed} ] =~ /^(?:(\d+)-)?(\d+):(\d+):(\d+)$/ or next;
		$expected += $_->[ $i{ncpus} ] * ((($d // 0) * 24 + $h) * 3600 + $m * 60 + $s);
	}
	$got += $_->{devices} * (instant($_->{ended_at}) - instant($_->{started_at})) for grep { !$_->{retracted} && $_->{accelerator} eq 'x' } @$rows;
	is($got, $expected, 'their CPU-seconds are those that Slurm says');
}
SKIP:
{
	skip "no $data/slurm_tres_strings.csv", 1 unless -r "$data/slurm_tres_strings.csv";
	my @bad;
	for my $line (grep { !/^tres,/ } split /\n/, slurp("$data/slurm_tres_strings.csv"))
	{
		my ($tres, $total, $types) = @{ parse_csv($line) };
		my ($rows) = import_slurm(file(job(AllocTRES => $tres)));
		my $sum = 0;
		$sum += $_->{devices} for @$rows;
		my $named = join(';', sort map { $_->{accelerator} =~ m{^gres/gpu:(.*)} } @$rows);
		push @bad, "$tres: $sum $named" if $sum != $total || $named ne join(';', sort split /;/, $types);
	}
	is_deeply(\@bad, [], 'TRES strings of many sites');
}

# ------------------------------------------------------------------ into a ledger
my $node = PostgreSQL::Test::Cluster->new('slurm');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');
$node->safe_psql('postgres', q{
	SELECT compute_ledger.create_ledger();
	SELECT compute_ledger.create_account('vision', currency => 'CNY'), compute_ledger.create_account('speech', currency => 'CNY');
	SELECT compute_ledger.create_region('fixture')});
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'postgres';
delete local $ENV{PGUSER};
sub accept_file
{
	my ($input, @options) = @_;
	my ($rows, $said, $status, $output) = import_slurm($input, '--accept', '--rejected', "$dir/rejected.csv", @options);
	my @count = $output =~ /^standard input: (\d+) rows: (\d+) accepted, (\d+) duplicate, (\d+) rejected, 0 unreadable/m;
	is($status, $count[3] ? 3 : 0, "loaded @options") or diag $said;
	return join '|', @count;
}
chomp(my $bindir = `@{[ $ENV{PG_CONFIG} // 'pg_config' ]} --bindir`);
$ENV{PATH} = "$ENV{PATH}:$bindir";
my $sum = q{SELECT round(sum(devices * extract(epoch FROM ended_at - started_at))) FROM compute_ledger.usage_record
	WHERE superseded = 'infinity' AND ended_at < 'infinity' AND measure = 'allocated'};
my $untyped = grep { !$_->{retracted} && $_->{accelerator} eq 'gres/gpu' } @$before;
is(accept_file(slurp("$fixture/running.txt")), join('|', scalar @$before, @$before - $untyped, 0, $untyped), 'a first import: what has no type is rejected');
is($node->safe_psql('postgres', 'SELECT DISTINCT sqlstate, accelerator FROM compute_ledger.usage_rejected'), 'LC003|gres/gpu', 'as unknown accelerators');
open $out, '>', $map or die;
print $out "accelerator,partition,gres\nNVIDIA V100,old,gpu\nNVIDIA A40,gpu,gpu\n";
close $out;
is(accept_file(slurp("$fixture/running.txt"), '--gres-map', $map), join('|', scalar @$before, $untyped, @$before - $untyped, 0), 'once more with a map: these are taken, the others are there already');
is($node->safe_psql('postgres', q{SELECT count(*), min(devices) FROM compute_ledger.usage_record WHERE superseded = 'infinity' AND ended_at = 'infinity'}), '1|2', 'one job runs');
my ($after) = import_slurm($ended);
my %was = map { join("\0", @{$_}{qw(source_id revision)}) => 1 } @$before;
my $new = grep { !$was{ join("\0", @{$_}{qw(source_id revision)}) } } @$after;
is(accept_file($ended, '--gres-map', $map), join('|', scalar @$after, $new, @$after - $new, 0), 'the later export adds what has ended since');
is($node->safe_psql('postgres', q{SELECT count(*) FROM compute_ledger.usage_record WHERE superseded = 'infinity' AND ended_at = 'infinity'}), '0', 'nothing runs any more');
my $seconds = 0;
$seconds += $_->{devices} * (instant($_->{ended_at}) - instant($_->{started_at})) for grep { $_->{measure} eq 'allocated' && !$_->{retracted} } @$after;
is($node->safe_psql('postgres', $sum), $seconds, 'the ledger holds the device-seconds of the file');
my $batches = $node->safe_psql('postgres', 'SELECT count(*) FROM compute_ledger.usage_batch');
is(accept_file($ended, '--gres-map', $map), join('|', scalar @$after, $new, @$after - $new, 0), 'once more: it says the same');
is(accept_file(slurp("$fixture/ended-local.txt"), '--gres-map', $map, '--timezone', 'Asia/Shanghai'), join('|', scalar @$after, $new, @$after - $new, 0), '... also with local times');
is($node->safe_psql('postgres', 'SELECT count(*) FROM compute_ledger.usage_batch'), $batches, '... and does nothing');
is(accept_file($ended, '--gres-map', $map, '--again'), join('|', scalar @$after, 0, scalar @$after, 0), '--again: all is there');
is((import_slurm($ended, '--gres-map', $map, '--load'))[2], 0, '--load');
is($node->safe_psql('postgres', 'SELECT taken, accepted, duplicate, rejected FROM compute_ledger.accept_usage()'), join('|', scalar @$after, 0, scalar @$after, 0), '... puts it into the inbox only');
{
	local $ENV{PATH} = '/nowhere';
	like((import_slurm($ended, '--load'))[1], qr/cannot run compute-ledger/, 'without the program');
}
is($node->safe_psql('postgres', q{SELECT identify('gres/gpu:nvidia_h100_80gb_hbm3')::text = string_agg(DISTINCT accelerator::text, ',')
	FROM compute_ledger.usage_record WHERE accelerator_name = 'gres/gpu:nvidia_h100_80gb_hbm3'} =~ s/identify/compute_ledger.identify/r), 't', 'types are identified');

# What the page shows is what is said.
{
	my ($shown) = slurp('docs/slurm.md') =~ /Of the fixture below:\n\n```\n(.*?)^```/ms;
	my (undef, $said) = import_slurm($ended);
	is($said, $shown, 'the page shows the report');
}

done_testing();
