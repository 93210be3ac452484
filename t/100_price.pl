# Prices: the winner against plain SQL on random books, in random trees, over time and as of earlier times; what readers
# are told; concurrent writers; a price that charges refer to; real price history.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $project = dirname(dirname(File::Spec->rel2abs(__FILE__)));
my $node = PostgreSQL::Test::Cluster->new('price');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nmax_prepared_transactions = 4\n");
$node->start;

# Runs SQL in the ledger's database and returns its output.
sub sql
{
	my ($statements, %options) = @_;
	return $node->safe_psql('postgres', "SET search_path = public, compute_ledger;\n$statements", %options);
}

# The SQLSTATE and message with which statements end.
sub refused
{
	my ($statements, @params) = @_;
	my ($out, $err) = ('', '');
	$node->psql('postgres', "SET search_path = public, compute_ledger;\n$statements", stdout => \$out, stderr => \$err,
		extra_params => [ @params, '-v', 'VERBOSITY=verbose' ]);
	return $err =~ /ERROR:  (\w{5}): (.*)/ ? "$1 $2" : "accepted: $out";
}
sql('CREATE EXTENSION compute_ledger; SELECT create_ledger()');

# ------------------------------------------------------------------ random books against plain SQL
#
# Nine accounts in chains that move and merge, six regions likewise, classes of two chips with holes in them, validity in whole days:
# so every day's start shows everything that happens.  Two currencies; every fifth book has a currency of its own, so that they compete.
my $seed = $ENV{PRICE_SEED} // 20260101;
my $books = $ENV{PRICE_BOOKS} // 500;
note "seed $seed, $books books (PRICE_SEED, PRICE_BOOKS)";
sql(qq{
	SELECT create_account('p1', currency => 'USD', time_zone => 'UTC');
	SELECT create_account('p2', parent => 'p1');
	SELECT create_account('p3', parent => 'p2');
	SELECT create_account('p4', parent => 'p3');
	SELECT create_account('q1', currency => 'USD', time_zone => 'UTC');
	SELECT create_account('q2', parent => 'q1');
	SELECT create_account('q' || n, parent => 'q1') FROM generate_series(3, 5) AS n;
	SELECT create_region('g0', 'provider');
	SELECT create_region('g1', 'country', 'g0');
	SELECT create_region('g2', 'region', 'g1');
	SELECT create_region('g3', 'site', 'g2');
	SELECT create_region('h1', 'country', 'g0');
	SELECT create_region('h2', 'region', 'h1');
	CREATE TABLE day AS SELECT d AS day, '2026-01-01'::timestamptz + d * interval '1 day' AS at FROM generate_series(0, 14) AS d;
	CREATE TABLE account_choice AS SELECT id, row_number() OVER (ORDER BY id) AS n FROM account WHERE name ~ '^[pq][0-9]';
	CREATE TABLE region_choice AS SELECT id, row_number() OVER (ORDER BY id) AS n FROM region WHERE name ~ '^[gh][0-9]';
	CREATE TABLE class_choice AS SELECT class, row_number() OVER () AS n FROM unnest(ARRAY['any', 'nvidia', 'nvidia/a100', 'nvidia/a100-80gb', 'nvidia/a100-sxm',
		'nvidia/a100-sxm4', 'nvidia/a100-sxm4-80gb', 'nvidia/a100:1g.10gb', 'nvidia/a100-sxm4-80gb:1g.10gb', 'amd', 'nvidia/a100-pcie-80gb']::accelerator[]) AS class;
	CREATE TABLE chip_choice AS SELECT chip, row_number() OVER () AS n FROM unnest(ARRAY['nvidia/a100-sxm4-80gb', 'nvidia/a100-sxm4-80gb:1g.10gb', 'nvidia/a100-pcie-80gb',
		'nvidia/a100-80gb', 'nvidia/a100', 'amd/mi300x-oam-192gb']::accelerator[]) AS chip;
	-- what is tried: some of it overlaps
	SELECT setseed(($seed % 1000) / 1000.0);
	CREATE TABLE offered AS
	SELECT row_number() OVER (ORDER BY b) AS n, b, 'b' || b AS book, a.id AS account, c.class AS accelerator, r.id AS region,
		(ARRAY['bf16', 'fp8', NULL])[1 + floor(random() * 3)::integer] AS number_format, CASE WHEN random() < 0.1 THEN 'used' ELSE 'allocated' END AS measure,
		CASE WHEN random() < 0.3 THEN tstzrange(NULL, NULL)
			ELSE tstzrange('2026-01-01'::timestamptz + lo * interval '1 day', CASE WHEN random() < 0.8 THEN '2026-01-01'::timestamptz + (lo + 1 + floor(random() * 8)) * interval '1 day' END) END AS valid,
		round((random() * 10)::numeric, 2) AS price, CASE WHEN random() < 0.7 THEN 'USD' ELSE 'EUR' END AS currency, b % 5 = 0 AS own
	-- in the first books so few keys that much overlaps
	FROM (SELECT b, floor(random() * CASE WHEN b <= 100 THEN 2 ELSE 9 END)::integer AS xa, 1 + floor(random() * CASE WHEN b <= 100 THEN 3 ELSE 11 END)::integer AS xc,
			floor(random() * CASE WHEN b <= 100 THEN 2 ELSE 9 END)::integer AS xr, floor(random() * 14)::integer - 2 AS lo
		FROM generate_series(1, $books) AS b, generate_series(1, 4 + b % 20)) AS x
	LEFT JOIN account_choice AS a ON a.n = xa LEFT JOIN region_choice AS r ON r.n = xr JOIN class_choice AS c ON c.n = xc;
	ALTER TABLE offered ADD PRIMARY KEY (n), ADD taken boolean;
	CREATE INDEX ON offered (book);
	INSERT INTO price_book (book, currency) SELECT DISTINCT book, 'own' FROM offered WHERE own;
	ANALYZE;
});
# The ledger takes what overlaps nothing that it has, and refuses the rest: as plain SQL says.
sql(q{
	DO $$
	DECLARE
		o record;
	BEGIN
		FOR o IN SELECT * FROM offered WHERE b <= 100 ORDER BY n LOOP
			BEGIN
				INSERT INTO price (book, account, accelerator, region, number_format, measure, currency, price, valid)
				VALUES (o.book, o.account, o.accelerator, o.region, o.number_format, o.measure, o.currency, o.price, o.valid);
				UPDATE offered SET taken = true WHERE n = o.n;
			EXCEPTION WHEN exclusion_violation THEN
				UPDATE offered SET taken = false WHERE n = o.n;
			END;
		END LOOP;
	END
	$$;
});
is(sql(q{
	SELECT count(*) FILTER (WHERE taken) > 200, count(*) FILTER (WHERE NOT taken) > 50,
		count(*) FILTER (WHERE taken = EXISTS (SELECT FROM offered AS p WHERE p.n < o.n AND p.taken AND p.book = o.book AND p.account IS NOT DISTINCT FROM o.account
			AND p.accelerator = o.accelerator AND p.region IS NOT DISTINCT FROM o.region AND p.number_format IS NOT DISTINCT FROM o.number_format
			AND p.measure = o.measure AND (p.currency = o.currency OR p.own) AND p.valid && o.valid))
	FROM offered AS o WHERE o.b <= 100}), 't|t|0', 'rows of one key that overlap are refused, and no others');
sql(q{
	INSERT INTO price (book, account, accelerator, region, number_format, measure, currency, price, valid)
	SELECT book, account, accelerator, region, number_format, measure, currency, price, valid FROM offered AS o
	WHERE b > 100 AND NOT EXISTS (SELECT FROM offered AS p WHERE p.n < o.n AND p.book = o.book AND p.account IS NOT DISTINCT FROM o.account
			AND p.accelerator = o.accelerator AND p.region IS NOT DISTINCT FROM o.region AND p.number_format IS NOT DISTINCT FROM o.number_format
			AND p.measure = o.measure AND (p.currency = o.currency OR p.own) AND p.valid && o.valid);
	ANALYZE;
});

my $first = sql('SELECT ledger_watermark()');
# Accounts and regions move, within the period and on record later; prices change; one account becomes another.
sql(q{SELECT move_account('p3', 'q2', '2026-01-06')});
sql(q{SELECT move_account('p3', 'p2', '2026-01-09'); SELECT move_account('p4', 'p2', '2026-01-04')});
sql(q{
	UPDATE region_version AS v SET valid = tstzrange(lower(valid), '2026-01-05') WHERE region = region_id('g3') AND upper_inf(recorded);
	INSERT INTO region_version (region, parent, level, valid) VALUES (region_id('g3'), region_id('h2'), 'site', '[2026-01-05,)');
});
sql(q{
	SELECT setseed(0.5);
	UPDATE price SET price = price + 1 WHERE random() < 0.1;
	DELETE FROM price WHERE upper_inf(recorded) AND random() < 0.05;
	UPDATE price SET valid = tstzrange(lower(valid), '2026-01-08') WHERE upper_inf(recorded) AND valid @> '2026-01-08'::timestamptz AND lower(valid) < '2026-01-08' AND random() < 0.2;
});
my $second = sql('SELECT ledger_watermark()');
sql(q{SELECT merge_account('q2', 'p2', '2026-01-11'), merge_account('q4', 'q3', '2026-01-05'), merge_account('q5', 'p2', '2026-01-11'), merge_account('q3', 'p2', '2026-01-08')});
my $third = sql('SELECT ledger_watermark()');
is(sql(q{SELECT count(*) FILTER (WHERE NOT upper_inf(recorded)) > 500, count(DISTINCT key) = (SELECT count(*) FROM price_key) FROM price}), 't|t',
	'there is history, and every key is used');

# What is asked: four uses a book.  Plain SQL: every row of the book, crossed with every use and day, in the order of the rule.
# Where an account or region stands is walked from the versions, one instant at a time.
sql(q{
	CREATE TABLE asked AS
	SELECT book, row_number() OVER (PARTITION BY book ORDER BY random()) AS n, a.id AS account, c.chip AS accelerator, r.id AS region,
		(ARRAY['bf16', 'fp8', NULL])[1 + floor(random() * 3)::integer] AS number_format, CASE WHEN random() < 0.1 THEN 'used' ELSE 'allocated' END AS measure,
		CASE WHEN random() < 0.7 THEN 'USD' ELSE 'EUR' END AS currency, own
	FROM (SELECT DISTINCT book, own, g, floor(random() * 10)::integer AS xa, 1 + floor(random() * 6)::integer AS xc, floor(random() * 7)::integer AS xr FROM offered, generate_series(1, 4) AS g) AS x
	LEFT JOIN account_choice AS a ON a.n = xa LEFT JOIN region_choice AS r ON r.n = xr JOIN chip_choice AS c ON c.n = xc;
	DELETE FROM asked WHERE n > 4;
	-- an account and those that were merged into it, each before its own, the latest first
	CREATE FUNCTION account_with(account bigint, at timestamptz, as_of timestamptz) RETURNS SETOF bigint LANGUAGE plpgsql STABLE AS $$
	DECLARE
		merged bigint;
	BEGIN
		RETURN NEXT account;
		FOR merged IN SELECT m.account FROM account_merge AS m WHERE m.merged_into = $1 AND m.recorded @> $3 AND m.at <= $2 ORDER BY m.at DESC, m.account DESC LOOP
			RETURN QUERY SELECT account_with(merged, $2, $3);
		END LOOP;
	END
	$$;
	CREATE FUNCTION account_stands(account bigint, at timestamptz, as_of timestamptz) RETURNS TABLE (ancestor bigint, depth integer) LANGUAGE sql STABLE AS $$
		WITH RECURSIVE meant AS (
			SELECT $1 AS id UNION SELECT m.merged_into FROM meant JOIN account_merge AS m ON m.account = meant.id AND m.recorded @> $3 AND m.at <= $2
		), way AS (
			SELECT v.account, v.parent, 0 AS depth FROM meant JOIN account_version AS v ON v.account = meant.id WHERE v.valid @> $2 AND v.recorded @> $3
			UNION ALL
			SELECT v.account, v.parent, w.depth + 1 FROM way AS w JOIN account_version AS v ON v.account = w.parent AND v.valid @> $2 AND v.recorded @> $3
		)
		SELECT x.account, row_number() OVER (ORDER BY w.depth, x.n)::integer - 1
		FROM way AS w, LATERAL account_with(w.account, $2, $3) WITH ORDINALITY AS x (account, n)
	$$;
	CREATE FUNCTION region_stands(region integer, at timestamptz, as_of timestamptz) RETURNS TABLE (ancestor integer, depth integer) LANGUAGE sql STABLE AS $$
		WITH RECURSIVE way AS (
			SELECT v.region, v.parent, 0 AS depth FROM region_version AS v WHERE v.region = $1 AND v.valid @> $2 AND v.recorded @> $3
			UNION ALL
			SELECT v.region, v.parent, w.depth + 1 FROM way AS w JOIN region_version AS v ON v.region = w.parent AND v.valid @> $2 AND v.recorded @> $3
		)
		SELECT region, depth FROM way
	$$;
	ALTER TABLE asked ADD PRIMARY KEY (book, n);
	CREATE TABLE expected (as_of timestamptz, book text, n bigint, day integer, price bigint, list_price bigint);
});
for my $as_of ($first, $second, $third)
{
	sql(qq{
		CREATE TEMP TABLE account_at AS SELECT c.id AS account, d.day, s.ancestor, s.depth FROM account_choice AS c, day AS d, account_stands(c.id, d.at, '$as_of') AS s;
		CREATE TEMP TABLE region_at AS SELECT c.id AS region, d.day, s.ancestor, s.depth FROM region_choice AS c, day AS d, region_stands(c.id, d.at, '$as_of') AS s;
		-- every row with every use of its book
		CREATE TEMP TABLE pair AS SELECT a.n, p.* FROM asked AS a JOIN price AS p ON p.book = a.book
		WHERE p.recorded \@> '$as_of'::timestamptz AND p.accelerator \@> a.accelerator AND (p.number_format IS NULL OR p.number_format = a.number_format) AND p.measure = a.measure
			AND (p.currency = a.currency OR a.own);
		CREATE INDEX ON pair (book, n);
		CREATE INDEX ON account_at (account, day, ancestor);
		CREATE INDEX ON region_at (region, day, ancestor);
		ANALYZE;
		INSERT INTO expected
		SELECT '$as_of', a.book, a.n, d.day,
			(array_agg(p.id ORDER BY s.depth, specificity(p.accelerator) DESC, t.depth, p.number_format IS NULL) FILTER (WHERE p.id IS NOT NULL))[1],
			(array_agg(p.id ORDER BY specificity(p.accelerator) DESC, t.depth, p.number_format IS NULL) FILTER (WHERE p.id IS NOT NULL AND p.account IS NULL))[1]
		FROM asked AS a CROSS JOIN day AS d
		LEFT JOIN pair AS p ON p.book = a.book AND p.n = a.n AND p.valid \@> d.at
			AND (p.account IS NULL OR EXISTS (SELECT FROM account_at AS s WHERE s.account = a.account AND s.day = d.day AND s.ancestor = p.account))
			AND (p.region IS NULL OR EXISTS (SELECT FROM region_at AS t WHERE t.region = a.region AND t.day = d.day AND t.ancestor = p.region))
		LEFT JOIN account_at AS s ON s.account = a.account AND s.day = d.day AND s.ancestor = p.account
		LEFT JOIN region_at AS t ON t.region = a.region AND t.day = d.day AND t.ancestor = p.region
		GROUP BY a.book, a.n, d.day;
	});
}
sql(q{
	CREATE TABLE found AS
	SELECT t.as_of, b.book, w.combination AS n, w.valid, w.price, w.list_price
	FROM (SELECT DISTINCT as_of FROM expected) AS t,
		(SELECT book, array_agg(account ORDER BY n) AS accounts, array_agg(accelerator ORDER BY n) AS accelerators, array_agg(region ORDER BY n) AS regions,
			array_agg(number_format ORDER BY n) AS formats, array_agg(measure ORDER BY n) AS measures, array_agg(currency ORDER BY n) AS currencies FROM asked GROUP BY book) AS b,
		_winning_prices(b.book, t.as_of, b.accounts, b.accelerators, b.regions, b.formats, b.measures, b.currencies, '[2026-01-01,2026-01-16)') AS w;
	ANALYZE;
});
is(sql(q{SELECT count(*) > 3 * 4 * 15 * 0.9 * (SELECT count(DISTINCT book) FROM asked), count(*) FILTER (WHERE price IS NULL) > 1000,
		count(*) FILTER (WHERE price <> list_price) > 250, count(*) FILTER (WHERE list_price IS NULL AND price IS NOT NULL) > 250 FROM expected}),
	't|t|t|t', 'much is asked: what nothing prices, what only a contract does, and both');
is(sql(q{
	SELECT count(*) FROM expected AS e JOIN day AS d USING (day)
	LEFT JOIN found AS f ON f.as_of = e.as_of AND f.book = e.book AND f.n = e.n AND f.valid @> d.at
	WHERE (f.price, f.list_price) IS DISTINCT FROM (e.price, e.list_price)}), '0', 'the winner of every use on every day, as of three times');
is(sql(q{
	SELECT count(*) FILTER (WHERE gap), count(*) FILTER (WHERE same) FROM (
		SELECT lower(valid) <> coalesce(lag(upper(valid)) OVER w, '2026-01-01') OR (lead(valid) OVER w IS NULL AND upper(valid) <> '2026-01-16') AS gap,
			(price, list_price) IS NOT DISTINCT FROM (lag(price) OVER w, lag(list_price) OVER w) AND lag(valid) OVER w IS NOT NULL AS same
		FROM found WINDOW w AS (PARTITION BY as_of, book, n ORDER BY lower(valid))) AS x}), '0|0', 'segments cover the period once, and are as long as can be');
is(sql(q{
	SELECT count(*) > 500, count(*) FILTER (WHERE (x.price, x.list_price) IS DISTINCT FROM (e.price, e.list_price))
	FROM (SELECT e.*, row_number() OVER (ORDER BY e.as_of, e.book, e.n, e.day) AS k FROM expected AS e) AS e JOIN day AS d USING (day) JOIN asked AS a USING (book, n)
	CROSS JOIN LATERAL (SELECT max(p.price) FILTER (WHERE p.place = 1 AND p.wins ~ 'contracted') AS price, max(p.price) FILTER (WHERE p.wins ~ 'list') AS list_price
		FROM _explain_price_at((SELECT s.ancestor FROM account_stands(a.account, d.at, e.as_of) AS s WHERE s.depth = 0), a.accelerator, a.region, d.at, a.number_format, a.measure, e.book, e.as_of, CASE WHEN a.account IS NULL THEN a.currency END) AS p) AS x
	-- accounts are billed in USD
	WHERE k % 41 = 0 AND (a.account IS NULL OR a.currency = 'USD' OR a.own)}), 't|0', 'explain_price() names the same winners');
# one for each that the use is under, and none that it is not
is(sql(qq{
	SELECT count(*) > 20, count(*) FILTER (WHERE x.held IS DISTINCT FROM e.held OR x.places IS DISTINCT FROM x.rows) FROM (
		SELECT a.*, d.at, row_number() OVER (ORDER BY a.book, a.n, d.day) AS k FROM asked AS a, day AS d) AS a
	CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE p.reason !~ '^ended') AS held, max(p.place) AS places, nullif(count(*), 0) AS rows
		FROM _explain_price_at((SELECT s.ancestor FROM account_stands(a.account, a.at, '$third') AS s WHERE s.depth = 0), a.accelerator, a.region, a.at, a.number_format, a.measure, a.book, '$third', NULL) AS p) AS x
	CROSS JOIN LATERAL (SELECT count(*) AS held FROM price AS p
		WHERE p.book = a.book AND p.recorded \@> '$third'::timestamptz AND p.valid \@> a.at AND p.accelerator \@> a.accelerator AND p.measure = a.measure
			AND (p.number_format IS NULL OR p.number_format = a.number_format)
			AND (p.account IS NULL OR p.account IN (SELECT s.ancestor FROM account_stands(a.account, a.at, '$third') AS s))
			AND (p.region IS NULL OR p.region IN (SELECT s.ancestor FROM region_stands(a.region, a.at, '$third') AS s))) AS e
	WHERE k % 211 = 0}), 't|0', 'and all the losers');

# ------------------------------------------------------------------ what people are told
sql(q{
	SELECT create_account('acme', currency => 'USD', time_zone => 'UTC');
	SELECT create_account('acme/lab', parent => 'acme');
	SELECT create_account('rival', currency => 'USD', time_zone => 'UTC');
	SELECT create_region('yz', 'region', 'g1');
	SELECT create_price('A100', 'USD', 3.00, title => 'list');
	SELECT create_price('nvidia', 'USD', 4.00);
	SELECT create_price('A100', 'USD', 2.80, region => 'g1');
	SELECT create_price('nvidia/a100-80gb', 'USD', 3.10, number_format => 'bf16');
	SELECT create_price('nvidia/a100-80gb', 'USD', 9.00, region => 'h1');
	SELECT create_price('A100', 'USD', 1.00, valid_until => '2026-01-01', region => 'yz', title => 'introductory');
	SELECT create_price('A100', 'USD', account => 'acme', tier_bounds => '{100}', tier_prices => '{2.5,2}', valid_from => '2026-01-01', minimum => 500);
	SELECT create_price('A100', 'USD', 2.20, account => 'acme/lab', valid_from => '2026-02-01');
	SELECT create_price('any', 'USD', 0.50, account => 'rival');
	SELECT create_price('any', 'USD', 0.10, book => 'cost');
});
is(sql(q{SELECT place, wins, price_account, price_accelerator, price_region, price_number_format, reason, terms
	FROM explain_price('acme/lab', 'NVIDIA A100-SXM4-80GB', 'yz', '2026-01-15', 'bf16')}), <<'X' =~ s/\n\z//r, 'the winner, the losers and why');
1|contracted price|acme|nvidia/a100|||wins|graduated, a device-hour: 2.5 USD up to 100, 2 USD beyond; at least 500 USD a billing period
2|list price||nvidia/a100-80gb||bf16|a contract goes before a list price|3.10 USD a device-hour
3|||nvidia/a100|g1||a contract goes before a list price|2.80 USD a device-hour
4|||nvidia/a100|||a contract goes before a list price|3.00 USD a device-hour
5|||nvidia|||a contract goes before a list price|4.00 USD a device-hour
6|||nvidia/a100|yz||ended at 2026-01-01 00:00:00+00|1.00 USD a device-hour
X
is(sql(q{SELECT place, wins, reason FROM explain_price('acme/lab', 'A100 80GB', 'yz', '2026-02-15')}), <<'X' =~ s/\n\z//r, 'an account below, a region within');
1|contracted price|wins
2||an account below has a price
3|list price|a contract goes before a list price
4||a contract goes before a list price
5||a contract goes before a list price
6||ended at 2026-01-01 00:00:00+00
X
is(sql(q{SELECT place, wins, reason, price_region FROM explain_price(NULL, 'nvidia/a100-80gb', 'yz', '2026-01-15', 'bf16') WHERE place < 5}), <<'X' =~ s/\n\z//r, 'list prices');
1|list and contracted price|wins|
2||nvidia/a100-80gb is more specific than nvidia/a100|g1
3||nvidia/a100-80gb is more specific than nvidia/a100|
4||nvidia/a100-80gb is more specific than nvidia|
X
is(sql(q{SELECT place, reason FROM explain_price(NULL, 'A100', 'yz', '2026-01-15') WHERE place < 4}), <<'X' =~ s/\n\z//r, 'a region before none');
1|wins
2|one for a region goes before one for all
3|nvidia/a100 is more specific than nvidia
X
is(sql(q{SELECT create_price('A100', 'USD', 2.90, number_format => 'fp8'); SELECT place, reason FROM explain_price(NULL, 'A100', NULL, '2026-01-15', 'fp8') WHERE place < 3}) =~ s/^\d+\n//r,
	"1|wins\n2|one for fp8 goes before one for all number formats", 'a number format before none');
is(sql(q{SELECT count(*) FROM explain_price('acme', 'MI300X', NULL, '2026-01-15')}), '0', 'nothing prices it: no row');
is(refused(q{SELECT * FROM explain_price('nobody', 'A100', NULL)}), 'LC006 unknown account: "nobody"', 'unknown account');
is(refused(q{SELECT * FROM explain_price('acme', 'A100', 'nowhere')}), 'LC007 unknown region: "nowhere"', 'unknown region');
like(refused(q{SELECT * FROM explain_price('acme', 'Z9000', NULL)}), qr/^LC003 /, 'unknown accelerator');
like(refused(q{SELECT * FROM explain_price('acme', 'A100', NULL, as_of => now() + interval '1 hour')}), qr/^LC012 /, 'beyond the watermark');
like(refused(q{SELECT * FROM explain_price('acme', 'A100', NULL, 'infinity')}), qr/^22023 /, 'no instant');
is(refused(q{SELECT create_price('A100', 'USD', 1, account => 'nobody')}), 'LC006 unknown account: "nobody"', 'create_price: unknown account');
is(refused(q{SELECT create_price('A100', 'USD', 1, region => 'nowhere')}), 'LC007 unknown region: "nowhere"', 'create_price: unknown region');
like(refused(q{SELECT create_price('Z9000', 'USD', 1)}), qr/^LC003 /, 'create_price: unknown accelerator');
like(refused(q{SELECT create_price('A100', 'USD', 1, title => 'again')}), qr/^23P01 /, 'create_price: overlap');

# A price that takes over, and what was known before.
my $before = sql('SELECT ledger_watermark()');
sql(q{SELECT create_price('A100', 'USD', 2.00, account => 'acme/lab', valid_from => '2026-03-01', supersede => true)});
is(sql(q{SELECT string_agg(price || ' ' || valid::text, ' ' ORDER BY lower(valid)) FROM price WHERE account = account_id('acme/lab') AND upper_inf(recorded)}),
	'2.20 ["2026-02-01 00:00:00+00","2026-03-01 00:00:00+00") 2.00 ["2026-03-01 00:00:00+00",)', 'create_price: supersede');
is(sql(qq{SELECT terms FROM explain_price('acme/lab', 'A100', NULL, '2026-03-15') WHERE place = 1 UNION ALL SELECT terms FROM explain_price('acme/lab', 'A100', NULL, '2026-03-15', as_of => '$before') WHERE place = 1}),
	"2.00 USD a device-hour\n2.20 USD a device-hour", 'as of an earlier time, the earlier price');

# Who may see what.  A reader of a department sees what prices its use, a contract of the firm too, and nobody else's.
sql(q{
	CREATE ROLE lab LOGIN; CREATE ROLE boss LOGIN; CREATE ROLE seller LOGIN; CREATE ROLE stranger LOGIN;
	GRANT USAGE ON SCHEMA compute_ledger TO lab, boss, seller, stranger;
	SELECT grant_access('lab', 'reader', 'acme/lab'); SELECT grant_access('boss', 'auditor'); SELECT grant_access('seller', 'biller');
});
my @lab = (extra_params => [ '-U', 'lab' ]);
is(sql(q{SELECT wins, price_account FROM explain_price('acme/lab', 'A100 80GB', 'yz', '2026-01-15') WHERE place = 1}, @lab), 'contracted price|acme', 'a reader is told the price of its use');
is(refused(q{SELECT * FROM explain_price('rival', 'A100', NULL)}, '-U', 'lab'), 'LC006 unknown account: "rival"', 'and of nobody else\'s');
is(refused(q{SELECT * FROM explain_price('acme', 'A100', NULL)}, '-U', 'lab'), 'LC006 unknown account: "acme"', 'nor of the firm\'s');
is(refused(q{SELECT * FROM explain_price('rival', 'A100', NULL, role => 'boss')}, '-U', 'lab'), 'LC006 unknown account: "rival"', 'nor in another\'s name');
like(refused(q{SELECT * FROM explain_price(NULL, 'A100', NULL, book => 'cost')}, '-U', 'lab'), qr/^42501 /, 'nor of another book');
is(sql(q{SELECT count(*) FROM my_price WHERE account IS NULL}, @lab), sql(q{SELECT count(*) FROM price WHERE account IS NULL AND book = 'sale'}), 'a reader sees the list');
is(sql(q{SELECT string_agg(DISTINCT account::text, ' ' ORDER BY account::text) || ' ' || count(*) FILTER (WHERE book <> 'sale') FROM my_price}, @lab),
	sql(q{SELECT string_agg(id::text, ' ' ORDER BY id::text) || ' 0' FROM account WHERE name IN ('acme', 'acme/lab')}), 'its contracts, and those of the firm, which serve its usage');
like(refused(q{SELECT * FROM price}, '-U', 'lab'), qr/^42501 /, 'and not what is under that');
like(refused(q{INSERT INTO price (currency, price) VALUES ('USD', 0)}, '-U', 'lab'), qr/^42501 /, 'a reader makes no prices');
like(refused(q{SELECT create_price('L4', 'USD', 0)}, '-U', 'lab'), qr/^42501 /, 'nor with create_price()');
like(refused(q{SELECT * FROM _explain_price_at(NULL, 'nvidia', NULL, now(), NULL, 'allocated', 'cost', now(), NULL)}, '-U', 'lab'), qr/^42501 /, 'nor asks what is behind explain_price()');
like(refused(q{SELECT * FROM explain_price(NULL, 'A100', NULL)}, '-U', 'stranger'), qr/^42501 /, 'a stranger asks nothing');
like(refused(q{DELETE FROM price}, '-U', 'boss'), qr/^42501 /, 'an auditor deletes nothing');
is(sql(q{SELECT count(*) FROM explain_price('rival', 'A100', NULL, book => 'sale')}, extra_params => [ '-U', 'boss' ]), '3', 'an auditor is told all');
is(sql(q{SELECT create_price('L4', 'USD', 1.00) > 0; UPDATE price SET price = 1.10 WHERE accelerator = 'nvidia/l4' AND upper_inf(recorded);
	SELECT string_agg(price || ' ' || upper_inf(recorded), ' ' ORDER BY id) FROM price WHERE accelerator = 'nvidia/l4'}, extra_params => [ '-U', 'seller' ]),
	"t\n1.00 false 1.10 true", 'a biller makes prices and changes them');

# ------------------------------------------------------------------ prices that charges refer to
# A charge goes on referring to the version that it was made by.
sql(q{
	INSERT INTO price (book, currency, price) VALUES ('charged', 'USD', 7);
	INSERT INTO period_close (id, book, payer, number, billing_period, as_of, charges) SELECT 1000000, 'charged', account_id('acme'), 1, min(b.id), ledger_stamp(), 1 FROM billing_period AS b;
	INSERT INTO charge (kind, book, account, payer, billing_period, price, list_price, period, cost, currency, records, close, as_of)
	SELECT 'usage', 'charged', c.payer, c.payer, c.billing_period, p.id, p.id, '[2026-01-01,2026-01-02)', 7, 'USD', 1, c.id, c.as_of
	FROM period_close AS c, price AS p WHERE c.id = 1000000 AND p.book = 'charged';
});
sql(q{UPDATE price SET price = 8 WHERE book = 'charged'});
sql(q{DELETE FROM price WHERE book = 'charged' AND upper_inf(recorded)});
is(sql(q{SELECT p.price, upper_inf(p.recorded), (SELECT string_agg(price::text, ' ' ORDER BY id) FROM price WHERE book = 'charged')
	FROM charge AS c JOIN price AS p ON p.id = c.price AND p.id = c.list_price WHERE c.book = 'charged'}), '7|f|7 8', 'a price that charges refer to is changed, and they keep theirs');

# ------------------------------------------------------------------ concurrent writers
# Two that make the same key at the same time: one waits for the other, and both rows have one key.
my $one = $node->background_psql('postgres', on_error_stop => 0);
my $two = $node->background_psql('postgres', on_error_stop => 0);
$_->query('SET search_path = public, compute_ledger') for $one, $two;
$one->query(q{BEGIN; INSERT INTO price (book, accelerator, currency, price, valid) VALUES ('race', 'nvidia/l40', 'USD', 1, '[2026-01-01,2026-02-01)')});
$two->query_until(qr/begun/, q{\echo begun
INSERT INTO price (book, accelerator, currency, price, valid) VALUES ('race', 'nvidia/l40', 'USD', 2, '[2026-02-01,2026-03-01)');
\echo done
});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted}) or die 'nobody waits';
$one->query('COMMIT');
$two->query('SELECT 1');
is(sql(q{SELECT count(*), count(DISTINCT key) FROM price WHERE book = 'race'}), '2|1', 'two that make one key at once');
# The second of two that overlap waits, and is refused.
$one->query(q{BEGIN; INSERT INTO price (book, accelerator, currency, price, valid) VALUES ('race', 'nvidia/l40', 'USD', 3, '[2026-03-01,2026-04-01)')});
$two->query_until(qr/begun/, q{\echo begun
INSERT INTO price (book, accelerator, currency, price, valid) VALUES ('race', 'nvidia/l40', 'USD', 4, '[2026-03-15,)');
});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted}) or die 'nobody waits';
$one->query('COMMIT');
$two->query('SELECT 1');
is(sql(q{SELECT string_agg(price::text, ' ' ORDER BY id) FROM price WHERE book = 'race'}), '1 2 3', 'of two that overlap, one is refused');
$_->quit for $one, $two;

# ------------------------------------------------------------------ real history of prices
SKIP:
{
	my $csv = "$project/../shared/data/prices_gcp_history_us_eu.csv";
	skip "$csv is not there", 5 unless -r $csv;
	sql(q{CREATE TABLE gcp (machine_type text, accelerator_key text, accelerator_count numeric, region text, valid_from date, usd_hour numeric, usd_hour_spot numeric,
		usd_month numeric, usd_month_1y_commit numeric, usd_month_3y_commit numeric)});
	$node->safe_psql('postgres', "\\copy public.gcp FROM '$csv' CSV HEADER");
	# The price of a machine by the hour for its devices: on demand under number format none, spot beside it in another book.  A
	# machine type is a size: the chip, the region and the days are the key, so machine sizes have a book each.
	sql(q{
		CREATE TABLE gcp_chip AS SELECT key, identify(name) AS accelerator FROM (VALUES ('a100', 'A100 40GB'), ('a100-80gb', 'A100 80GB'), ('h100', 'H100 80GB HBM3'), ('l4', 'L4')) AS v (key, name);
		INSERT INTO region (name) SELECT DISTINCT 'gcp-test/' || region FROM gcp;
		INSERT INTO region_version (region, level) SELECT id, 'provider' FROM region WHERE name LIKE 'gcp-test/%';
		INSERT INTO price (book, accelerator, region, currency, price, title, valid)
		SELECT 'gcp ' || machine_type || kind, accelerator, id, 'USD', price / accelerator_count, machine_type,
			tstzrange(valid_from::timestamp AT TIME ZONE 'UTC', next_from::timestamp AT TIME ZONE 'UTC')
		FROM (SELECT g.machine_type, c.accelerator, g.accelerator_count, r.id, g.valid_from, k.kind, k.price,
				lead(g.valid_from) OVER (PARTITION BY g.machine_type, c.accelerator, g.region, k.kind ORDER BY g.valid_from) AS next_from
			FROM gcp AS g JOIN gcp_chip AS c ON c.key = g.accelerator_key JOIN region AS r ON r.name = 'gcp-test/' || g.region,
				LATERAL (VALUES ('', g.usd_hour), (' spot', g.usd_hour_spot)) AS k (kind, price)) AS x
		WHERE price IS NOT NULL;
		ANALYZE;
	});
	is(sql(q{SELECT count(*) > 5000 FROM price WHERE book LIKE 'gcp %'}), 't', 'thousands of rows of real price history');
	# every row of the file is found again on its first day
	is(sql(q{
		SELECT count(*) > 5000, count(*) FILTER (WHERE x.price IS DISTINCT FROM k.price / g.accelerator_count)
		FROM gcp AS g JOIN gcp_chip AS c ON c.key = g.accelerator_key JOIN region AS r ON r.name = 'gcp-test/' || g.region
		CROSS JOIN LATERAL (VALUES ('', g.usd_hour), (' spot', g.usd_hour_spot)) AS k (kind, price)
		CROSS JOIN LATERAL (SELECT max(p.price) FILTER (WHERE e.place = 1 AND e.wins IS NOT NULL) AS price
			FROM _explain_price_at(NULL, c.accelerator, r.id, g.valid_from::timestamp AT TIME ZONE 'UTC', 'bf16', 'allocated', 'gcp ' || g.machine_type || k.kind, ledger_stamp(), NULL) AS e JOIN price AS p ON p.id = e.price) AS x}),
		't|0', 'every price of the file on its first day, and none where it has none');
	# and over the whole time, as segments
	is(sql(q{
		WITH b AS (SELECT book, array_agg(NULL::bigint) AS accounts, array_agg(accelerator ORDER BY region, accelerator) AS accelerators, array_agg(region ORDER BY region, accelerator) AS regions,
				array_agg(NULL::text) AS formats, array_agg('allocated'::text) AS measures
			FROM (SELECT DISTINCT book, accelerator, region FROM price WHERE book LIKE 'gcp %') AS x GROUP BY book)
		SELECT count(w.price) = (SELECT count(*) FROM price WHERE book LIKE 'gcp %'), count(*) FILTER (WHERE w.price IS DISTINCT FROM w.list_price),
			count(*) FILTER (WHERE w.price IS NOT NULL AND w.valid <> p.valid)
		FROM b, _winning_prices(b.book, ledger_stamp(), accounts, accelerators, regions, formats, measures, array_fill('USD'::text, ARRAY[cardinality(measures)]), '(,)') AS w LEFT JOIN price AS p ON p.id = w.price}),
		't|0|0', 'each row wins for as long as it is valid');
	is(sql(q{SELECT round(p.price, 6) FROM explain_price(NULL, 'A100 40GB', 'gcp-test/europe-west1', '2022-03-01', book => 'gcp a2-highgpu-1g') AS e JOIN price AS p ON p.id = e.price WHERE e.place = 1}),
		'3.621522', 'a2-highgpu-1g in europe-west1 in March 2022');
	is(refused(q{INSERT INTO price (book, accelerator, region, currency, price, valid) SELECT book, accelerator, region, currency, price, valid FROM price WHERE book LIKE 'gcp %' LIMIT 1}) =~ s/ .*//r, '23P01',
		'the file once more is refused');
}
done_testing;
