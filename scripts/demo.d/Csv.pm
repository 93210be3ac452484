# Csv.pm: reads comma-separated files one line at a time, and never stops at a bad line.
#
#   my $csv = Csv->new($path, required => [...], optional => [...]);   dies where the header will not do
#   while (my $row = $csv->next) { $row->{line}, $row->{problem}, $row->{text}, @{ $row->{cells} } }
#
# One line is one record: a cell may be quoted ("" stands for a quote) and may hold commas, but no line break,
# so that one forgotten quote spoils one line and not the rest of the file.  Cells are in the order of
# required and optional, whatever the file's order; a column that is not there gives ''.  {problem} is set, and
# {cells} is empty, for a line that cannot be taken apart.  Needs nothing but perl itself.
package Csv;
use strict;
use warnings;

my $longest = 10_000;    # bytes a line

# Valid UTF-8 without NUL (RFC 3629: no surrogates, nothing above U+10FFFF).
my $utf8 = qr/\A(?:[\x01-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}
	|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*+\z/x;

sub new
{
	my ($class, $path, %column) = @_;
	open my $in, '<:raw', $path or die "$path: $!\n";
	my $self = bless {
		path => $path, in => $in, size => -s $path, line => 0, blank => 0, records => 0, bytes => 0,
		shown => time, began => time }, $class;
	my @wanted = (@{ $column{required} }, @{ $column{optional} // [] });

	my $line = $self->read_line;
	die "$path: the file is empty; its first line must name the columns: " . join(',', @wanted) . "\n" unless defined $line;
	$line =~ s/\A\xef\xbb\xbf//;
	die "$path: this is not a CSV file in UTF-8 (the first line holds bytes that are not text)\n" unless $line =~ $utf8;
	my ($cells, $problem) = split_line($line);
	die "$path: line 1: $problem\n" if $problem;
	my %at;
	for my $i (0 .. $#$cells)
	{
		my $name = lc $cells->[$i];
		die "$path: line 1 names the column \"$name\" twice\n" if exists $at{$name};
		$at{$name} = $i;
	}
	if (my @missing = grep { !exists $at{$_} } @{ $column{required} })
	{
		die "$path: line 1 does not name the column" . (@missing > 1 ? 's' : '') . ' '
		  . join(', ', map { "\"$_\"" } @missing) . "; it must name " . join(', ', @{ $column{required} })
		  . ($column{optional} ? ', and may name ' . join(', ', @{ $column{optional} }) : '')
		  . (@$cells == 1 && $line =~ /[;\t|]/ ? '; the delimiter is a comma' : '') . "\n";
	}
	my %known = map { $_ => 1 } @wanted;
	$self->{unused}  = [ grep { !$known{$_} } map { lc } @$cells ];
	$self->{columns} = @$cells;
	$self->{order}   = [ map { $at{$_} } @wanted ];
	return $self;
}

# The next line without its line end, or undef.
sub read_line
{
	my ($self) = @_;
	my $in = $self->{in};
	my $line = <$in>;
	return undef unless defined $line;
	$self->{line}++;
	$self->{bytes} += length $line;
	$line =~ s/\r?\n\z//;
	return $line;
}

sub next
{
	my ($self) = @_;
	$self->progress if $self->{line} % 10_000 == 0;
	while (defined(my $line = $self->read_line))
	{
		if ($line =~ /\A[ \t]*\z/)
		{
			$self->{blank}++;
			next;
		}
		$self->{records}++;
		my ($cells, $problem);
		if    (length $line > $longest)         { $problem = "longer than $longest bytes"; }
		elsif ($line =~ /[\x00\x80-\xff]/ && $line !~ $utf8)
		{
			$problem = $line =~ /\x00/ ? 'holds a NUL byte' : 'not valid UTF-8';
		}
		else { ($cells, $problem) = split_line($line); }
		if (!$problem && @$cells != $self->{columns})
		{
			$problem = sprintf('%d cell%s where the header names %d columns', scalar @$cells, @$cells == 1 ? '' : 's', $self->{columns});
		}
		return { line => $self->{line}, problem => $problem, text => printable($line), cells => [] } if $problem;
		return { line => $self->{line}, text => $line, cells => [ map { defined $_ ? $cells->[$_] : '' } @{ $self->{order} } ] };
	}
	$self->progress(1);
	return undef;
}

# Cells of a line and, where it cannot be taken apart, why.
sub split_line
{
	my ($line) = @_;
	my @cells;
	if (index($line, '"') < 0)
	{
		@cells = split /,/, $line, -1;
		s/\A[ \t]+//, s/[ \t]+\z// for @cells;
		return \@cells;
	}
	while (1)
	{
		if ($line =~ /\G[ \t]*"((?:[^"]|"")*+)"[ \t]*(,|\z)/gc)
		{
			my ($cell, $end) = ($1, $2);
			$cell =~ s/""/"/g;
			push @cells, $cell;
			last if $end eq '';
		}
		elsif ($line =~ /\G[ \t]*([^,"]*?)[ \t]*(,|\z)/gc)
		{
			push @cells, $1;
			last if $2 eq '';
		}
		else
		{
			return (undef, $line =~ /\G[ \t]*"(?:[^"]|"")*+\z/ ? 'a quote that is never closed' : 'a quote in the middle of a cell');
		}
	}
	return \@cells;
}

# A line for people: at most 200 bytes, with \xNN for what is not text.
sub printable
{
	my ($line) = @_;
	my $text = substr($line, 0, 200);
	my $cut = length $line > 200;
	unless ($text =~ $utf8 && $text !~ /[\x00-\x1f\x7f]/)
	{
		$text =~ s/\\/\\\\/g;
		$text =~ s/([\x00-\x1f\x7f-\xff])/sprintf '\\x%02x', ord $1/ge;
	}
	return $text . ($cut ? '...' : '');
}

# Says on a terminal how far the reading is, once it has taken two seconds.
sub progress
{
	my ($self, $done) = @_;
	my $now = time;
	return if $now - $self->{began} < 2 || (!$done && $now == $self->{shown});
	$self->{shown} = $now;
	my $percent = $self->{size} ? int(100 * $self->{bytes} / $self->{size}) : 100;
	if (-t STDERR) { print STDERR $done ? "\r\e[K" : "\r  read $percent% of $self->{path}"; }
	elsif (!$done && $now - ($self->{told} // $self->{began}) >= 10)
	{
		$self->{told} = $now;
		print STDERR "  read $percent% of $self->{path}\n";
	}
}

1;
