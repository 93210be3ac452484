# compute_unit and compute_rate against numeric, on random and on extreme values: text, binary form,
# every operator, every cast, every function, every aggregate.
use strict;
use warnings;
use Math::BigInt;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{COMPUTE_LEDGER_SEED} // 20250301;
srand($seed);
note "seed $seed";

my $node = PostgreSQL::Test::Cluster->new('quantity_numeric');
$node->init;
$node->append_conf('postgresql.conf', "search_path = 'public, compute_ledger'\ntimezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION compute_ledger');

# Asserts that a query returns no row; what it returns is the counterexample.
sub no_rows
{
	my ($sql, $name) = @_;
	my $out = $node->safe_psql('postgres', "SELECT * FROM ($sql) AS counterexample LIMIT 3");
	is($out, '', $name);
}

my $max = Math::BigInt->new(2)->bpow(111)->bdec;
my $min = Math::BigInt->new(2)->bpow(111)->bneg;

# A random amount: any number of digits, or near a power, or extreme.
sub amount
{
	my $kind = int rand 12;
	my $n;
	if ($kind == 0) { $n = $max->copy->bsub(int rand 5) }
	elsif ($kind == 1) { $n = $min->copy->badd(int rand 5) }
	elsif ($kind == 2) { $n = Math::BigInt->new(int(rand 11) - 5) }
	elsif ($kind == 3) { $n = Math::BigInt->new(10)->bpow(int rand 34)->badd(int(rand 5) - 2) }
	elsif ($kind == 4) { $n = Math::BigInt->new(2)->bpow(int rand 111)->badd(int(rand 5) - 2) }
	elsif ($kind == 5) { $n = Math::BigInt->new(10)->bpow(int rand 30)->bmul(3600 * int rand 1000) }
	else { $n = Math::BigInt->new(join '', 1 + int rand 9, map { int rand 10 } 2 .. 1 + rand 33) }
	$n->bneg if rand() < 0.3;
	$n = $max->copy if $n > $max;
	$n = $min->copy if $n < $min;
	return $n;
}

# A random numeric: few or many digits on either side of the point.
sub factor
{
	my $kind = int rand 8;
	my $f = $kind == 0 ? int(rand 20) - 10
	  : $kind == 1 ? '0.' . ('0' x rand 40) . (1 + int rand 9999)
	  : $kind == 2 ? (int rand 100) . '.5'
	  : $kind == 3 ? (1 + int rand 9) . join('', map { int rand 10 } 1 .. rand 60)
	  : $kind == 4 ? '0.' . join('', map { int rand 10 } 1 .. 1 + rand 80) . '1'
	  : $kind == 5 ? '0.' . ('9' x (1 + rand 50))
	  : join('', map { int rand 10 } 1 .. 1 + rand 12) . '.' . join('', map { int rand 10 } 1 .. 1 + rand 12);
	return (rand() < 0.3 && $f !~ /^-/ ? '-' : '') . $f;
}

my @bases = ('', '@bf16', '@fp8', '@1000', '@65535');
my @code = (0, 5, 6, 1000, 65535);
my $copy = "COPY source FROM stdin;\n";
my %seen;
my @amounts = ($max, $min, map { Math::BigInt->new($_) } 0, 1, -1, 2, 18, 35, 36, 3599, 3600, 3601);
push @amounts, amount() while @amounts < 240;
for my $i (0 .. $#amounts)
{
	my $b = int rand @bases;
	my $bits = $amounts[$i]->copy->badd($amounts[$i]->is_neg ? Math::BigInt->new(2)->bpow(112) : 0);
	my $hex = substr($bits->as_hex, 2);
	$copy .= join("\t", $i, "$amounts[$i]", $bases[$b],
		sprintf('%04x', $code[$b]) . ('0' x (28 - length $hex)) . $hex) . "\n";
}
$copy .= "\\.\nCOPY factor FROM stdin;\n";
$copy .= "$_\t" . factor() . "\n" for 1 .. 300;
$copy .= "301\t0\n302\t1\n303\t-1\n304\t0.5\n305\t1.5\n306\t1e-5000\n307\t1e5000\n308\t1e-300\n\\.\n";

$node->safe_psql('postgres', q{
	CREATE TABLE source (i int, n numeric, b text, wire text);
	CREATE TABLE factor (i int, f numeric);
	-- The oracle: numeric rounded half to even, and the exact quotient of two rounded so.
	CREATE FUNCTION half_even(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN
		floor(x) + CASE WHEN x - floor(x) > 0.5 OR x - floor(x) = 0.5 AND floor(x) % 2 <> 0 THEN 1 ELSE 0 END;
	CREATE FUNCTION quotient(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN
		sign(a) * sign(b) * (div(abs(a), abs(b)) + CASE
			WHEN 2 * (abs(a) % abs(b)) > abs(b) OR 2 * (abs(a) % abs(b)) = abs(b) AND div(abs(a), abs(b)) % 2 = 1 THEN 1 ELSE 0 END);
	CREATE FUNCTION fits(x numeric) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN
		x BETWEEN -2596148429267413814265248164610048 AND 2596148429267413814265248164610047;
	-- Whether evaluating something raises 22003, or whatever is asked for.
	CREATE FUNCTION raises(expression text, state text DEFAULT '22003') RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE 'SELECT ' || expression;
		RETURN false;
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE = state;
	END $$;
} . $copy . q{
	CREATE TABLE q AS SELECT i, n, b, wire, (n || ' FLOP' || b)::compute_unit AS u, (n || ' MFLOPS' || b)::compute_rate AS r FROM source;
	CREATE TABLE pair AS SELECT x.i AS xi, y.i AS yi, x.n AS xn, y.n AS yn, x.u AS xu, y.u AS yu, x.r AS xr, y.r AS yr, x.b = y.b AS same
		FROM q AS x, q AS y;
	CREATE TABLE scaled AS SELECT q.i, n, u, r, f FROM q, factor;
	ANALYZE;
});
is($node->safe_psql('postgres', 'SELECT count(*) FROM pair'), 240 * 240, 'the values are there');

# Text and binary form
no_rows(q{SELECT n, u, r FROM q WHERE u::numeric <> n OR r::numeric <> n * 1000000}, 'text in and the cast to numeric');
no_rows(q{SELECT n, u, r FROM q WHERE u::text::compute_unit <> u OR r::text::compute_rate <> r}, 'text out reads back');
no_rows(q{SELECT n, u, r FROM q WHERE encode(compute_unit_send(u), 'hex') <> wire OR encode(compute_rate_send(r), 'hex') <> wire}, 'binary form');
no_rows(q{
	SELECT n, u, value, unit FROM q,
		regexp_replace(u::text, '^(-?[0-9.]+) .*', '\1') AS value, regexp_replace(u::text, '^-?[0-9.]+ (.?)FLOPh.*', '\1') AS unit
	WHERE half_even(value::numeric * 3600 * 10::numeric ^ (3 * strpos('kMGTPEZYRQ', nullif(unit, ''))) ) <> n
		OR value::numeric <> 0 AND unit <> '' AND (abs(value::numeric) < 1 OR abs(value::numeric) >= 1000)}, 'text out means the value');
no_rows(q{
	SELECT n, r, value, unit FROM q,
		regexp_replace(r::text, '^(-?[0-9.]+) .*', '\1') AS value, regexp_replace(r::text, '^-?[0-9.]+ (.?)FLOPS.*', '\1') AS unit
	WHERE value::numeric * 10::numeric ^ (3 * strpos('kMGTPEZYRQ', nullif(unit, ''))) <> n * 1000000}, 'text out of a rate is exact');
no_rows(q{
	SELECT f, unit FROM factor,
		(VALUES ('FLOP', 1), ('kFLOP', 1000), ('FLOPh', 3600), ('GFLOP-day', 86400e9), ('PFLOPS-hours', 3600e15), ('QFLOP', 1e30)) AS x (unit, scale)
	WHERE CASE WHEN fits(f * scale) THEN (f || ' ' || unit)::compute_unit::numeric <> half_even(f * scale) ELSE false END}, 'any decimal in any unit, rounded half to even');
no_rows(q{
	SELECT f, unit FROM factor, (VALUES ('FLOPS', 1), ('kFLOPS', 1000), ('TFLOP/s', 1e12), ('QFLOPS', 1e30)) AS x (unit, scale)
	WHERE CASE WHEN fits(f * scale / 1000000) THEN (f || ' ' || unit)::compute_rate::numeric <> half_even(f * scale * 0.000001) * 1000000 ELSE false END}, 'and rates');
no_rows(q{SELECT f FROM factor WHERE CASE WHEN NOT fits(half_even(f * 3600)) THEN NOT raises(format('%L::compute_unit', f || ' FLOPh')) ELSE false END}, 'out of range is refused');

# Casts
no_rows(q{SELECT f FROM factor WHERE CASE WHEN fits(half_even(f)) THEN f::compute_unit::numeric <> half_even(f) ELSE false END}, 'from numeric');
no_rows(q{SELECT f FROM factor WHERE CASE WHEN fits(half_even(f * 0.000001)) THEN f::compute_rate::numeric <> half_even(f * 0.000001) * 1000000 ELSE false END}, 'a rate from numeric');
no_rows(q{SELECT n, f FROM scaled WHERE CASE WHEN fits(half_even(n * f)) THEN (n * f)::compute_unit::numeric <> half_even(n * f) ELSE false END}, 'from long numerics');
no_rows(q{SELECT f FROM factor WHERE CASE WHEN NOT fits(half_even(f)) THEN NOT raises(format('%L::numeric::compute_unit', f)) ELSE false END}, 'a numeric out of range is refused');
no_rows(q{SELECT n, u::float8, r::float8 FROM q WHERE u::float8 <> n::float8 OR r::float8 <> (n * 1000000)::float8}, 'to double precision');
# m * 2^e is exact both as a double and as a numeric.
no_rows(q{
	SELECT m, e, d, x FROM (SELECT m, e, m::float8 * 2::float8 ^ e, m * CASE WHEN e < 0 THEN 5::numeric ^ -e * ('1e' || e)::numeric ELSE 2::numeric ^ e END
		FROM (SELECT (random() * 9007199254740992)::bigint >> (random() * 53)::int FROM generate_series(1, 50)) AS r (m), generate_series(-60, 80) AS e) AS s (m, e, d, x)
	WHERE CASE WHEN fits(half_even(x)) THEN (d::compute_unit::numeric <> half_even(x) OR (-d)::compute_unit::numeric <> -half_even(x)) ELSE false END
		OR CASE WHEN fits(half_even(x * 0.000001)) THEN d::compute_rate::numeric <> half_even(x * 0.000001) * 1000000 ELSE false END}, 'from double precision');
no_rows(q{SELECT d FROM unnest(ARRAY[2.596148429267414e33, -2.5961484292674145e33, 1e300, 'NaN', 'Infinity', '-Infinity']::float8[]) AS d WHERE NOT raises(format('%L::float8::compute_unit', d))}, 'a double out of range is refused');
no_rows(q{SELECT n, flop_hours(u) FROM q WHERE flop_hours(u) <> sign(n) * quotient(abs(n) * 1e12, 3600) * 1e-12 OR half_even(flop_hours(u) * 3600) <> n}, 'flop_hours');
no_rows(q{
	SELECT n, u, digits FROM q, (VALUES (0), (2), (7), (30), (100)) AS d (digits), (VALUES ('FLOP', 1), ('PFLOPh', 3600e15), ('QFLOP-day', 86400e30)) AS x (unit, scale)
	WHERE regexp_replace(format(u, unit, digits), ' .*', '') <> round(quotient(n * 10::numeric ^ digits, scale) * ('1e-' || digits)::numeric, digits)::text}, 'format');

# Order, hash
no_rows(q{
	SELECT xu, yu FROM pair JOIN q AS x ON x.i = xi JOIN q AS y ON y.i = yi,
		LATERAL (SELECT (get_byte(decode(x.wire, 'hex'), 0) * 256 + get_byte(decode(x.wire, 'hex'), 1), xn) AS kx, (get_byte(decode(y.wire, 'hex'), 0) * 256 + get_byte(decode(y.wire, 'hex'), 1), yn) AS ky) AS k
	WHERE (xu < yu) <> (kx < ky) OR (xu <= yu) <> (kx <= ky) OR (xu = yu) <> (kx = ky) OR (xu <> yu) <> (kx <> ky) OR (xu >= yu) <> (kx >= ky) OR (xu > yu) <> (kx > ky)
		OR compute_unit_cmp(xu, yu) <> CASE WHEN kx < ky THEN -1 WHEN kx > ky THEN 1 ELSE 0 END OR (xr < yr) <> (kx < ky) OR (xr = yr) <> (kx = ky)
		OR (xu = yu AND (compute_unit_hash(xu) <> compute_unit_hash(yu) OR compute_unit_hash_extended(xu, 7) <> compute_unit_hash_extended(yu, 7)))
		OR compute_unit_larger(xu, yu) <> CASE WHEN kx > ky THEN xu ELSE yu END OR compute_unit_smaller(xu, yu) <> CASE WHEN kx < ky THEN xu ELSE yu END}, 'comparisons');
no_rows(q{SELECT a.i, b.i FROM (SELECT row_number() OVER (ORDER BY u) AS k, n, b, i FROM q WHERE b = '@bf16') AS a
	JOIN (SELECT row_number() OVER (ORDER BY n) AS k, n, i FROM q WHERE b = '@bf16') AS b USING (k) WHERE a.n <> b.n}, 'sort with abbreviated keys');
no_rows(q{SELECT count(*) FROM (SELECT with_basis((n + d)::compute_unit, basis(u)) AS u, left(wire, 4) AS c, n + d AS n FROM q, generate_series(-40, 40) AS d WHERE fits(n + d) OFFSET 0) AS x
	HAVING array_agg(n ORDER BY u) <> array_agg(n ORDER BY c COLLATE "C", n)}, 'sort of values that share a key');

# Arithmetic within a type
for my $t ([ 'u', 'compute_unit', 1 ], [ 'r', 'compute_rate', 1000000 ])
{
	my ($c, $type, $scale) = @$t;
	no_rows(qq{SELECT xn, yn FROM pair WHERE same AND (CASE WHEN fits(xn + yn) THEN (x$c + y$c)::numeric <> (xn + yn) * $scale ELSE false END OR CASE WHEN fits(xn - yn) THEN (x$c - y$c)::numeric <> (xn - yn) * $scale ELSE false END)}, "$type + -");
	no_rows(qq{SELECT xn, yn FROM pair WHERE CASE WHEN same AND yn <> 0 THEN x$c / y$c <> xn / yn ELSE false END}, "$type / $type");
	no_rows(qq{SELECT n FROM q WHERE CASE WHEN fits(-n) THEN (-$c)::numeric <> -n * $scale ELSE false END OR CASE WHEN fits(abs(n)) THEN abs($c)::numeric <> abs(n) * $scale ELSE false END OR basis($c) <> coalesce(nullif(ltrim(b, '\@'), ''), 'flop')}, "- $type, abs, basis");
	no_rows(qq{SELECT n, f FROM scaled WHERE CASE WHEN fits(half_even(n * f)) THEN (($c * f)::numeric <> half_even(n * f) * $scale OR f * $c <> $c * f OR basis($c * f) <> basis($c)) ELSE false END}, "$type * numeric");
	no_rows(qq{SELECT n, f FROM scaled WHERE CASE WHEN f <> 0 AND fits(quotient(n, f)) THEN ($c / f)::numeric <> quotient(n, f) * $scale ELSE false END}, "$type / numeric");
	for my $int ([ 'smallint', 15 ], [ 'integer', 31 ], [ 'bigint', 63 ])
	{
		my ($name, $bits) = @$int;
		my $values = join ', ', map { "($_)" } (map { int(rand(2) ** 15) - 1 } 1 .. 4), 0, 1, -1, 2, -3, 7, 36, "-(2::numeric ^ $bits)", "2::numeric ^ $bits - 1";
		no_rows(qq{SELECT n, k FROM q, (SELECT round(k)::$name FROM (VALUES $values) AS v (k)) AS v (k)
			WHERE CASE WHEN fits(n * k) THEN (($c * k)::numeric <> n * k * $scale OR k * $c <> $c * k) ELSE false END OR CASE WHEN k <> 0 AND fits(quotient(n, k)) THEN ($c / k)::numeric <> quotient(n, k) * $scale ELSE false END}, "$type * / $name");
	}
	no_rows(qq{SELECT n FROM q WHERE basis(with_basis($c, 'tf32')) <> 'tf32' OR with_basis($c, 'tf32')::numeric <> n * $scale}, "with_basis of $type");
	# Refusals: a sample of those that must raise
	no_rows(qq{SELECT xn, yn FROM pair WHERE CASE WHEN same AND NOT fits(xn + yn) AND (xi + yi) % 7 = 0 THEN NOT raises(format('%L::$type + %L', x$c, y$c)) ELSE false END}, "$type + out of range");
	no_rows(qq{SELECT xn, yn FROM pair WHERE NOT same AND xi % 97 = yi % 101 AND NOT (raises(format('%L::$type + %L', x$c, y$c), 'LC001') AND raises(format('%L::$type - %L', x$c, y$c), 'LC001') AND raises(format('%L::$type / %L', x$c, y$c), 'LC001'))}, "$type of unlike bases");
	no_rows(qq{SELECT n, f FROM scaled WHERE CASE WHEN NOT fits(half_even(n * f)) AND i % 20 = 1 THEN NOT raises(format('%L::$type * %L::numeric', $c, f)) ELSE false END}, "$type * numeric out of range");
	no_rows(qq{SELECT n, f FROM scaled WHERE CASE WHEN f <> 0 AND i % 20 = 1 AND NOT fits(quotient(n, f)) THEN NOT raises(format('%L::$type / %L::numeric', $c, f)) ELSE false END}, "$type / numeric out of range");
	no_rows(qq{SELECT n FROM q WHERE NOT (raises(format('%L::$type / 0', $c), '22012') AND raises(format('%L::$type / 0.0', $c), '22012') AND raises(format('%L::$type / 0::bigint', $c), '22012'))}, "$type / 0");
}
no_rows(q{SELECT xn, yn FROM pair WHERE CASE WHEN yn <> 0 THEN utilization(xu, yu) <> xn / yn ELSE false END}, 'utilization');

# Rates, amounts and time
$node->safe_psql('postgres', q{
	CREATE TABLE span AS SELECT us, make_interval(days => d) + (us || ' microseconds')::interval AS i, us + d * 86400000000::numeric AS total
	FROM (VALUES (0::numeric, 0), (1, 0), (-1, 0), (3600000000, 0), (7, 1), (-7, 1), (86399999999, 300), (9223372036854775807, 0), (-9223372036854775807, 0), (123456789, -20000), (0, 2147483647), (9000000000000000000, 2147483647)) AS v (us, d);
});
no_rows(q{SELECT us, i FROM span WHERE extract(epoch FROM i) * 1000000 <> total}, 'the intervals are what they should be');
no_rows(q{SELECT n, span.i FROM q, span WHERE CASE WHEN fits(n * total) THEN ((r * span.i)::numeric <> n * total OR span.i * r <> r * span.i OR basis(r * span.i) <> basis(r)) ELSE false END}, 'rate * interval');
no_rows(q{SELECT n, span.i FROM q, span WHERE CASE WHEN NOT fits(n * total) THEN NOT raises(format('%L::compute_rate * %L::interval', r, span.i)) ELSE false END}, 'rate * interval out of range');
no_rows(q{SELECT n, span.i FROM q, span WHERE CASE WHEN total <> 0 AND fits(quotient(n, total)) THEN (u / span.i)::numeric <> quotient(n, total) * 1000000 ELSE false END}, 'unit / interval');
no_rows(q{SELECT xn, yn FROM pair WHERE CASE WHEN same AND yn <> 0 AND abs(quotient(xn, yn)) <= 9223372036854775807 THEN extract(epoch FROM duration_of(xu, yr)) * 1000000 <> quotient(xn, yn) ELSE false END}, 'duration_of');
no_rows(q{SELECT xn, yn FROM pair WHERE CASE WHEN same AND yn <> 0 AND xi % 7 = 1 AND abs(quotient(xn, yn)) > 9223372036854775807 THEN NOT raises(format('duration_of(%L, %L)', xu, yr), '22008') ELSE false END}, 'duration_of out of range');
no_rows(q{SELECT xn, yn FROM pair WHERE CASE WHEN same AND yn <> 0 THEN xu / yr <> xn / (yn * 1000000) ELSE false END}, 'unit / rate');
$node->safe_psql('postgres', q{
	CREATE TABLE period (p tstzrange, total numeric);
	-- extract(epoch) is not exact at the end of time, so that the lengths are written down.
	INSERT INTO period VALUES ('empty', 0), ('[2025-03-01 14:00,2025-03-01 17:30)', 12600000000), ('(2025-03-30,2025-03-31]', 86400000000),
		('[2025-03-01,2025-03-01 00:00:00.000001)', 1), ('[4714-11-24 BC,294276-12-31 23:59:59.999999)', 9435184819199999999),
		('[1999-12-31 23:59:59.999999,2000-01-01)', 1), ('[2025-03-01,2025-03-01]', 0);
});
no_rows(q{SELECT n, p FROM q, period WHERE CASE WHEN fits(n * total) THEN (work(r, p)::numeric <> n * total OR basis(work(r, p)) <> basis(r)) ELSE false END}, 'work');
no_rows(q{SELECT n, p, f FROM scaled, period WHERE i % 4 = 0 AND (abs(f) BETWEEN 1e-40 AND 1e40 OR f = 0) AND CASE WHEN fits(half_even(n * total * f)) THEN work(r, p, f)::numeric <> half_even(n * total * f) ELSE false END}, 'work of several devices, rounded once');
no_rows(q{SELECT n, p, f FROM scaled, period WHERE CASE WHEN i % 20 = 1 AND NOT fits(half_even(n * total * f)) THEN NOT raises(format('work(%L, %L, %L)', r, p, f)) ELSE false END}, 'work out of range');

# Aggregates, in any order, of any size; only the result has to fit
$node->safe_psql('postgres', q{
	CREATE TABLE many (k int, g int, n numeric, u compute_unit(bf16), r compute_rate(bf16), o float8);
	INSERT INTO many SELECT k, k * 7919 % 23, n, with_basis(u, 'bf16'), with_basis(r, 'bf16'), random()
	FROM generate_series(1, 20000) AS k JOIN q ON q.i = k * 31 % 240;
});
no_rows(q{SELECT * FROM (SELECT g FROM many GROUP BY g HAVING fits(sum(n)) OFFSET 0) AS x, LATERAL (SELECT sum(u) AS su, sum(r) AS sr, sum(n) AS sn FROM many WHERE many.g = x.g) AS y
	WHERE su::numeric <> sn OR sr::numeric <> sn * 1000000}, 'sum of groups');
ok($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT FROM many GROUP BY g HAVING NOT fits(sum(n))) AS x') > 0, 'some of them are out of range');
no_rows(q{SELECT g FROM many GROUP BY g HAVING CASE WHEN NOT fits(sum(n)) THEN NOT raises(format('sum(u) FROM many WHERE g = %s', g)) ELSE false END}, 'and refused');
no_rows(q{SELECT g, quotient(sum(n), count(*)) FROM many GROUP BY g HAVING avg(u)::numeric <> quotient(sum(n), count(*)) OR avg(r)::numeric <> quotient(sum(n), count(*)) * 1000000 OR min(u)::numeric <> min(n) OR max(u)::numeric <> max(n) OR min(r)::numeric <> min(n) * 1000000 OR max(r)::numeric <> max(n) * 1000000}, 'avg, min, max of groups');
no_rows(q{
	SELECT g FROM (SELECT g, sum(u ORDER BY o) AS a, sum(u ORDER BY k DESC) AS b, sum(u ORDER BY abs(n)) AS c, sum(n) AS s FROM many WHERE k % 3 = 0 AND abs(n) < 1e29 GROUP BY g) AS x
	WHERE compute_unit_send(a) <> compute_unit_send(b) OR compute_unit_send(a) <> compute_unit_send(c) OR a::numeric <> s}, 'in any order');
no_rows(q{SELECT k FROM (SELECT k, sum(u) OVER w AS s, avg(u) OVER w AS a, sum(n) OVER w AS sn, count(*) OVER w AS c FROM many WHERE abs(n) < 1e30
	WINDOW w AS (ORDER BY k ROWS BETWEEN 50 PRECEDING AND 50 FOLLOWING)) AS x WHERE s::numeric <> sn OR a::numeric <> quotient(sn, c)}, 'ROWS frames');
no_rows(q{SELECT k FROM (SELECT k, sum(u) OVER w AS s, avg(r) OVER w2 AS a, sum(n) OVER wn AS sn, count(*) OVER wn AS c FROM many WHERE abs(n) < 1e29
	WINDOW w AS (ORDER BY u RANGE BETWEEN '1000 TFLOP@bf16' PRECEDING AND '3 EFLOP@bf16' FOLLOWING), w2 AS (ORDER BY r RANGE BETWEEN '1 ZFLOPS@bf16' PRECEDING AND '3 YFLOPS@bf16' FOLLOWING),
		wn AS (ORDER BY n RANGE BETWEEN 1e15 PRECEDING AND 3e18 FOLLOWING)) AS x
	WHERE s::numeric <> sn OR a::numeric <> quotient(sn, c) * 1000000}, 'RANGE frames');
no_rows(q{SELECT xu, yu, d FROM pair, unnest(ARRAY['0 FLOP', '1 FLOP', '1 PFLOPh', '2596148429267413814265248164610047 FLOP']::compute_unit[]) AS d
	WHERE same AND (in_range(xu, yu, with_basis(d, basis(yu)), true, true) <> (xn <= yn - d::numeric) OR in_range(xu, yu, with_basis(d, basis(yu)), true, false) <> (xn >= yn - d::numeric)
		OR in_range(xu, yu, with_basis(d, basis(yu)), false, true) <> (xn <= yn + d::numeric) OR in_range(xu, yu, with_basis(d, basis(yu)), false, false) <> (xn >= yn + d::numeric))}, 'in_range');

# The state: what the transition makes reads back, and partial sums combine to the whole
no_rows(q{SELECT xn, yn, s FROM (SELECT xn, yn, compute_unit_accum(compute_unit_accum('(0,0,flop)', xu), yu) AS s, xu, yu FROM pair WHERE same) AS x
	WHERE s::text <> format('(2,%s,%s)', xn + yn, basis(xu)) OR s::text::quantity_sum::text <> s::text OR quantity_sum_send(s) <> quantity_sum_send(s::text::quantity_sum)
		OR compute_unit_remove(s, xu)::text <> format('(1,%s,%s)', yn, basis(xu)) OR compute_unit_avg_final(s)::numeric <> quotient(xn + yn, 2)}, 'states of two');
no_rows(q{SELECT s FROM (SELECT quantity_sum_combine(format('(%s,%s,bf16)', c, xn * c)::quantity_sum, format('(%s,%s,bf16)', c, yn * c)::quantity_sum) AS s, xn, yn, c
	FROM pair, (VALUES (70000::numeric), (70368744177664)) AS v (c) WHERE xi % 3 = 0) AS x WHERE s::text <> format('(%s,%s,bf16)', 2 * c, (xn + yn) * c) OR compute_unit_avg_final(s)::numeric <> quotient(xn + yn, 2)}, 'states of very many');

done_testing();
