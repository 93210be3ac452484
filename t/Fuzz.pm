# Changing text, and handing it and binary values to COPY, for tests of input; not a test.
package Fuzz;
use strict;
use warnings;

# Changes a text in up to three places: characters, or pieces of an alphabet, go, come, are replaced; up to $longest are said twice; the end is cut off.
sub mutate
{
	my ($s, $alphabet, $longest) = @_;
	for (1 .. 1 + rand 3)
	{
		my $at = int rand(1 + length $s);
		my $what = int rand 5;
		if ($what == 0) { substr($s, $at, 1, '') if $at < length $s }
		elsif ($what == 1) { substr($s, $at, 0, $alphabet->[ rand @$alphabet ]) }
		elsif ($what == 2) { substr($s, $at, 1, $alphabet->[ rand @$alphabet ]) if $at < length $s }
		elsif ($what == 3) { my $n = int rand $longest; $s = substr($s, 0, $at) . substr($s, $at, $n) . substr($s, $at) }
		else { $s = substr($s, 0, $at) }
	}
	return $s;
}

# Rows for COPY in text form (encoding UTF8) of 6,000 mutants of each type: the text and the type.
sub mutants
{
	my ($corpus, $alphabet, $longest) = @_;
	my $rows = '';
	for my $type (sort keys %$corpus)
	{
		for (1 .. 6000)
		{
			my $t = mutate($corpus->{$type}[ rand @{ $corpus->{$type} } ], $alphabet, $longest);
			utf8::encode($t);
			$t =~ s/([\\\t\n])/{ "\\" => '\\\\', "\t" => '\\t', "\n" => '\\n' }->{$1}/ge;
			$rows .= "$t\t$type\n";
		}
	}
	return $rows;
}

# Writes a file for COPY in binary form: one row with one column of these bytes.
sub write_binary
{
	my ($path, $bytes) = @_;
	open my $out, '>:raw', $path or die "$path: $!";
	print $out "PGCOPY\n\xff\r\n\0", pack('NN', 0, 0), pack('n', 1), pack('N', length $bytes), $bytes, pack('n', 0xffff);
	close $out or die "$path: $!";
	chmod 0644, $path;
	return;
}

1;
