# The sources hold their rules, and docs/architecture.md names functions that there are.
use strict;
use warnings;
use File::Basename;
use File::Copy;
use File::Path;
use PostgreSQL::Test::Utils;
use Test::More;

my @rules = map { [ split ' ', $_, 2 ] } split /\n/, `scripts/check-source --list`;
is(`scripts/check-source $_->[0] 2>&1`, '', $_->[1]) for @rules;

# Each rule finds its fault in a project that has one of each.
my $dir = PostgreSQL::Test::Utils::tempdir;
my (undef, %project) = split /^== (.*)\n/m, <<'END';
== docs/architecture.md
010  base      what all use
020  quantity  amounts
== extension/quantity/030-unit.sql
SELECT 1;
  SELECT 2;
== src/base/one.h
#ifndef COMPUTE_LEDGER_ONE_H
#define COMPUTE_LEDGER_ONE_H
typedef struct Cell
{
	int			a;
} Cell;
extern int	Nowhere(void);
extern int	One(void);
#endif
== src/base/one.c
#include "base/one.h"
#include "quantity/unit.h"

int
One(void)
{
	return Two();
}
== src/base/two.h
#ifndef COMPUTE_LEDGER_TWO_H
#define COMPUTE_LEDGER_TWO_H
extern int	Two(void);
#endif
== src/base/two.c
#include "base/one.h"
#include "two.h"

/* ------ sums */

int
Two(void)
{
	return One() + three();
}

static int three(void) {
	return 3;
}
== src/quantity/unit.h
#ifndef COMPUTE_LEDGER_UNIT_H
#define COMPUTE_LEDGER_UNIT_H
extern int	Unit(void);
#endif
== src/quantity/unit.c
#include "quantity/unit.h"

typedef enum Cell
{
	CELL
} Cell;

PG_FUNCTION_INFO_V1(unit_in);

/* One() in a comment and "One()" in a string are no calls. */
static int
Half(void)
{
	return 1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111;
}

int
Unit(void)
{
	return Half();
}

Datum
unit_in(PG_FUNCTION_ARGS)
{
	return Unit();
}

static int
one(void)
{
	return 1;
}
== src/quantity/rate.c
static int
one(void)
{
	SPI_connect();
	SPI_finish();
	return heap_form_tuple();
}
END
for my $file (keys %project)
{
	mkpath(dirname("$dir/$file"));
	append_to_file("$dir/$file", $project{$file});
}
mkpath("$dir/scripts");
copy('scripts/check-source', "$dir/scripts/check-source");
my $found = `perl '$dir/scripts/check-source' 2>&1`;
is($? >> 8, 1, 'faults end it with status 1');
is($found, <<'END', 'each rule finds its fault');
src/base/two.c: includes two.h without its room (rooms)
src/base/one.c: includes quantity/unit.h, and quantity comes after base (rooms)
src/base/one.c: calls Two of src/base/two.c (circles)
src/base/two.c: includes base/one.h (circles)
src/base/one.h:7: Nowhere is not defined in one.c (headers)
extension/quantity/030-unit.sql: the numbers of quantity are 020 to 029 (parts)
extension/quantity/030-unit.sql:2: indented with blanks (indent)
src/quantity/unit.c:14: 172 columns (width)
src/base/two.c:4: another divider: /* ------ sums */ (dividers)
src/base/two.c:12: an opening brace at the end of the line (braces)
src/quantity/unit.c:8: PG_FUNCTION_INFO_V1(unit_in) is not above its function (info)
src/quantity/unit.c:12: Half should be snake_case (names)
src/quantity/unit.c:6: type Cell is in src/base/one.h:6 too (types)
src/quantity/unit.c:30: function one is in src/quantity/rate.c:2 too (functions)
src/quantity/rate.c:6: heap_form_tuple() after SPI_finish() (spi)
src/quantity/unit.c:18: Unit is used in this file only (externs)
END

my $sources = join '', map { slurp_file($_) } glob('src/*/*.[ch] extension/*/*.sql extension/*/tables/*.sql');
my @names = slurp_file('docs/architecture.md') =~ /`(\w+)\(\)`/g;
cmp_ok(scalar(@names), '>', 20, 'the page names functions');
is(join(' ', grep { $sources !~ /^CREATE FUNCTION (?:compute_ledger\.)?\Q$_\E\(|^\Q$_\E\(/m } @names), '', 'each of them exists');

done_testing();
