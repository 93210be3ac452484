-- Price books: what use costs, for whom, of which chips, where and when.
--
-- A price has a key: book, account subtree, class of accelerators, region subtree,
-- number format, measure and currency.  What is not stated holds for all.  Of the prices
-- in the payer's currency (in a book of its own currency: of all prices) that a
-- use is under, one wins: that of the deepest account, then of the most specific
-- class, then of the deepest region, then the one that states the number format.
-- Keys that one use is under differ in one of the four, so nothing can tie, and rows
-- of one key cannot overlap: the exclusion constraint of table price.
--
-- Rows have valid time (when use is priced by them) and recorded time (when the
-- ledger held them to be true).  Users write plain INSERT, UPDATE and DELETE; what is
-- replaced stays as a row whose recorded range is closed.

-- ------------------------------------------------------------------ rows in

CREATE FUNCTION _price_unit(unit text) RETURNS compute_unit
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	basis text := nullif(split_part(unit, '@', 2), '');
	code integer;
BEGIN
	-- A registered basis is written by its name.
	IF basis IS NOT NULL THEN
		SELECT b.code INTO code FROM compute_ledger.basis AS b WHERE b.name = basis AND b.code >= 1000;
		IF FOUND THEN
			RETURN compute_ledger.with_basis(('1 ' || split_part(unit, '@', 1))::compute_ledger.compute_unit, code);
		END IF;
	END IF;
	RETURN ('1 ' || unit)::compute_ledger.compute_unit;
EXCEPTION WHEN invalid_text_representation OR invalid_parameter_value OR numeric_value_out_of_range OR SQLSTATE 'LC002' THEN
	PERFORM compute_ledger._refuse('22023', format('unknown unit of price: "%s"', unit),
		detail => SQLERRM || '.',
		hint => 'A unit is device-hour, slice-hour, instance-month, peak-device, percentile-device, or a unit of work with its basis, such as PFLOPh@bf16.');
END
$$;
COMMENT ON FUNCTION _price_unit(text) IS 'one of a unit of work: PFLOPh@bf16, or with a registered basis by its name; 22023 for what is none';

CREATE FUNCTION _price_complete() RETURNS trigger
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bound numeric;
	below numeric := 0;
	smallest numeric;
	pool_unit text;
	whose text;
	key_currency text;
	fault text[];
BEGIN
	IF NOT upper_inf(NEW.recorded) THEN
		RETURN NEW;				-- history
	END IF;
	-- A version keeps its number; what takes the place of one that was seen is another.
	IF TG_OP = 'UPDATE' THEN
		NEW.id := CASE WHEN lower(OLD.recorded) = lower(NEW.recorded) THEN OLD.id ELSE nextval('compute_ledger.price_id_seq') END;
	END IF;
	NEW.accelerator := coalesce(NEW.accelerator, 'any');

	-- What is not finite or below 0 other checks refuse.
	SELECT trim_scale(n.x) INTO bound
	FROM (
		SELECT unnest(ARRAY[NEW.price, NEW.minimum, NEW.committed_price, NEW.package_size, NEW.factor, NEW.free, NEW.committed_devices, NEW.devices_per_instance])
		UNION ALL SELECT unnest(NEW.tier_prices) UNION ALL SELECT unnest(NEW.tier_fees) UNION ALL SELECT unnest(NEW.tier_bounds)
	) AS n (x)
	WHERE n.x < 'Infinity' AND (n.x >= 1e30 OR scale(trim_scale(n.x)) > 30) LIMIT 1;
	IF FOUND THEN
		PERFORM compute_ledger._refuse('22003', 'number of a price is out of range',
			detail => format('It has %s digits before the point and %s after it. Prices, fees, minimums and quantities are below 10^30 and have at most 30 decimals.',
					length(trunc(bound)::text), scale(bound)));
	END IF;

	IF NOT (isempty(NEW.valid) OR lower_inc(NEW.valid) OR lower_inf(NEW.valid)) OR upper_inc(NEW.valid) THEN
		PERFORM compute_ledger._refuse('22023', format('validity of a price must include its start and exclude its end: %s', NEW.valid),
			hint => 'Write it as [start,end).');
	END IF;

	NEW.work := CASE WHEN NEW.unit NOT IN ('device-hour', 'slice-hour', 'instance-month', 'peak-device', 'percentile-device')
		THEN compute_ledger._price_unit(NEW.unit) END;
	IF NEW.unit = 'slice-hour' AND compute_ledger.mig_slices(NEW.accelerator) IS NULL THEN
		PERFORM compute_ledger._refuse('22023', format('accelerator "%s" of a price by the slice-hour is no MIG slice', NEW.accelerator),
			detail => 'Slices of different profiles are not the same thing, and whole devices are none.',
			hint => 'Name the slice, such as nvidia/a100-sxm4-40gb:1g.5gb, or price by the device-hour, of which a slice has its share.');
	END IF;

	IF NEW.tier_prices IS NOT NULL OR NEW.tier_bounds IS NOT NULL OR NEW.tier_fees IS NOT NULL THEN
		IF NEW.model NOT IN ('graduated', 'volume') THEN
			PERFORM compute_ledger._refuse('22023', format('a price of model %s has no tiers', NEW.model),
				hint => 'Models with tiers are graduated and volume.');
		END IF;
		IF coalesce(array_ndims(NEW.tier_bounds), 1) <> 1 OR coalesce(array_ndims(NEW.tier_prices), 1) <> 1 OR coalesce(array_ndims(NEW.tier_fees), 1) <> 1
			OR coalesce(array_lower(NEW.tier_bounds, 1), 1) <> 1 OR coalesce(array_lower(NEW.tier_prices, 1), 1) <> 1 OR coalesce(array_lower(NEW.tier_fees, 1), 1) <> 1 THEN
			PERFORM compute_ledger._refuse('2202E', 'tiers must be one-dimensional arrays that begin with 1');
		END IF;
		IF coalesce(cardinality(NEW.tier_prices), 0) <> coalesce(cardinality(NEW.tier_bounds), 0) + 1 THEN
			PERFORM compute_ledger._refuse('22023', format('price has %s tier bounds and %s tier prices', coalesce(cardinality(NEW.tier_bounds), 0), coalesce(cardinality(NEW.tier_prices), 0)),
				detail => 'There is one price more than there are bounds: the last tier has no end.');
		END IF;
		IF NEW.tier_fees IS NOT NULL AND cardinality(NEW.tier_fees) <> cardinality(NEW.tier_prices) THEN
			PERFORM compute_ledger._refuse('22023', format('price has %s tier prices and %s tier fees', cardinality(NEW.tier_prices), cardinality(NEW.tier_fees)));
		END IF;
		IF EXISTS (SELECT FROM unnest(NEW.tier_prices || NEW.tier_fees) AS u (x) WHERE NOT coalesce(x >= 0 AND x < 'Infinity', false)) THEN
			PERFORM compute_ledger._refuse('22023', 'prices and fees of tiers must be numbers from 0 on',
				detail => format('Prices: %s, fees: %s.', NEW.tier_prices, coalesce(NEW.tier_fees::text, 'none')));
		END IF;
		FOREACH bound IN ARRAY coalesce(NEW.tier_bounds, '{}') LOOP
			IF NOT coalesce(bound > below AND bound < 'Infinity', false) THEN
				PERFORM compute_ledger._refuse('22023', 'tier bounds must ascend from above 0',
					detail => format('%s follows %s.', coalesce(bound::text, 'NULL'), below));
			END IF;
			below := bound;
		END LOOP;
		NEW.tier_bounds := coalesce(NEW.tier_bounds, '{}');
	END IF;

	-- What is counted is a whole number of the smallest parts there are; so must be what it is held against.
	IF NEW.unit NOT IN ('peak-device', 'percentile-device') THEN
		smallest := CASE
			WHEN NEW.work IS NULL THEN CASE NEW.unit WHEN 'instance-month' THEN 1e24 ELSE 6048000000000000 END
			WHEN compute_ledger.basis(NEW.work) = 'flop' THEN NEW.work::numeric
			ELSE NEW.work::numeric * 1680000 END;
		SELECT q.x INTO bound FROM unnest(NEW.tier_bounds || NEW.free || NEW.package_size) AS q (x) WHERE q.x * smallest % 1 <> 0 LIMIT 1;
		IF FOUND THEN
			PERFORM compute_ledger._refuse('22023', format('quantity %s of a price is finer than what is counted', bound),
				detail => format('Usage is counted in whole parts of 1/%s %s.', trim_scale(smallest), NEW.unit),
				hint => 'Write bounds of tiers, sizes of packages and free quantities with fewer digits.');
		END IF;
	END IF;

	IF NEW.pool IS NOT NULL THEN
		INSERT INTO compute_ledger.price_pool (book, name, unit, currency)
		VALUES (NEW.book, NEW.pool, NEW.unit, NEW.currency)
		ON CONFLICT DO NOTHING;
		SELECT p.unit INTO pool_unit
		FROM compute_ledger.price_pool AS p WHERE p.book = NEW.book AND p.name = NEW.pool AND p.currency = NEW.currency;
		IF FOUND AND pool_unit <> NEW.unit THEN
			PERFORM compute_ledger._refuse('22023', format('pool "%s" of book "%s" counts %s where it is priced in %s, not %s', NEW.pool, NEW.book, pool_unit, NEW.currency, NEW.unit),
				hint => 'Name another pool.');
		END IF;
	END IF;

	-- What the table's constraints refuse, in words; lazily, and NULL is for NOT NULL to refuse.
	fault := CASE
		WHEN NEW.book = '' OR octet_length(NEW.book) > 1000 THEN ARRAY['price_book_check', format('name of a price book has %s bytes, not 1 to 1000', octet_length(NEW.book))]
		WHEN NEW.measure NOT IN ('reserved', 'allocated', 'used', 'forgone', 'preemptible') THEN ARRAY['price_measure_check', format('unknown measure of a price: "%s"', NEW.measure), 'Measures are reserved, allocated, used, forgone and preemptible.']
		WHEN NEW.model NOT IN ('flat', 'graduated', 'volume', 'package', 'list') THEN ARRAY['price_model_check', format('unknown model of a price: "%s"', NEW.model), 'Models are flat, graduated, volume, package and list.']
		WHEN NOT (NEW.price >= 0 AND NEW.price < 'Infinity') THEN ARRAY['price_price_check', format('price %s is not a number from 0 on', NEW.price)]
		WHEN NOT (NEW.free >= 0 AND NEW.free < 'Infinity') THEN ARRAY['price_free_check', format('free quantity %s of a price is not a number from 0 on', NEW.free)]
		WHEN NOT (NEW.minimum >= 0 AND NEW.minimum < 'Infinity') THEN ARRAY['price_minimum_check', format('minimum %s of a price is not a number from 0 on', NEW.minimum)]
		WHEN NOT (NEW.committed_price >= 0 AND NEW.committed_price < 'Infinity') THEN ARRAY['price_committed_price_check', format('committed price %s is not a number from 0 on', NEW.committed_price)]
		WHEN NOT (NEW.committed_devices > 0 AND NEW.committed_devices < 'Infinity') THEN ARRAY['price_committed_devices_check', format('number of committed devices %s is not above 0', NEW.committed_devices)]
		WHEN NOT (NEW.package_size > 0 AND NEW.package_size < 'Infinity') THEN ARRAY['price_package_size_check', format('size %s of a package is not above 0', NEW.package_size)]
		WHEN NOT (NEW.factor >= 0 AND NEW.factor < 'Infinity') THEN ARRAY['price_factor_check', format('factor %s of a price is not a number from 0 on', NEW.factor), 'It is the part of the list price that is paid: 0.8 for a discount of 20 %.']
		WHEN NOT (NEW.devices_per_instance > 0 AND NEW.devices_per_instance < 'Infinity') THEN ARRAY['price_devices_per_instance_check', format('number of devices of an instance %s is not above 0', NEW.devices_per_instance)]
		WHEN NOT (NEW.percentile > 0 AND NEW.percentile <= 1) THEN ARRAY['price_percentile_check', format('percentile %s of a price is not above 0 and at most 1', NEW.percentile), 'The 95th percentile is 0.95.']
		WHEN NOT (NEW.sample_step > '0') THEN ARRAY['price_sample_step_check', format('time between samples %s of a price is not above 0', NEW.sample_step)]
		WHEN (NEW.devices_per_instance IS NOT NULL) <> (NEW.unit = 'instance-month')
			THEN ARRAY['price_instance_check', format('a price by the %s %s', NEW.unit, CASE WHEN NEW.unit = 'instance-month' THEN 'needs devices_per_instance' ELSE 'has no devices_per_instance' END), 'Unit instance-month and devices_per_instance belong together.']
		WHEN (NEW.percentile IS NOT NULL) <> (NEW.unit = 'percentile-device') OR (NEW.sample_step IS NOT NULL) <> (NEW.unit = 'percentile-device')
			THEN ARRAY['price_sampling_check', format('a price by the %s %s', NEW.unit, CASE WHEN NEW.unit = 'percentile-device' THEN 'needs percentile and sample_step' ELSE 'has no percentile and no sample_step' END),
				'Unit percentile-device, percentile and sample_step belong together.']
		WHEN CASE WHEN NEW.model = 'list' THEN NEW.price IS NOT NULL
				WHEN NEW.model IN ('flat', 'package') THEN NEW.price IS NULL
				ELSE NEW.price IS NOT NULL OR NEW.tier_prices IS NULL END
			THEN ARRAY['price_tiers_check', CASE WHEN NEW.model IN ('flat', 'package') THEN format('a price of model %s needs a price', NEW.model)
					WHEN NEW.model = 'list' THEN 'a price of model list has a factor and no price' ELSE format('a price of model %s has tier_prices and no price', NEW.model) END,
				CASE WHEN NEW.model IN ('graduated', 'volume') THEN 'The price of the first tier is the first of tier_prices.' END]
		WHEN (NEW.package_size IS NOT NULL) <> (NEW.model = 'package')
			THEN ARRAY['price_package_check', format('a price of model %s %s', NEW.model, CASE WHEN NEW.model = 'package' THEN 'needs a package_size' ELSE 'has no package_size' END), 'Model package and package_size belong together.']
		WHEN (NEW.factor IS NOT NULL) <> (NEW.model = 'list')
			THEN ARRAY['price_share_check', format('a price of model %s %s', NEW.model, CASE WHEN NEW.model = 'list' THEN 'needs a factor' ELSE 'has no factor' END), 'Model list and factor belong together.']
		WHEN NEW.model = 'list' AND NOT (NEW.account IS NOT NULL AND NEW.unit = 'device-hour' AND NEW.free = 0 AND NEW.pool IS NULL AND NEW.committed_devices IS NULL)
			THEN ARRAY['price_list_check', 'a price that follows the list has an account, and no unit, free quantity, pool or committed devices of its own', 'What is counted, and how, is what the list price says.']
		WHEN (NEW.committed_price IS NOT NULL) <> (NEW.committed_devices IS NOT NULL) OR NEW.committed_devices IS NOT NULL AND NEW.unit <> 'device-hour'
			THEN ARRAY['price_committed_check', 'committed devices have a committed price, and a price by the device-hour beside it', 'Set committed_devices and committed_price, both or neither; the unit is device-hour.']
		WHEN (NEW.minimum IS NOT NULL OR NEW.committed_devices IS NOT NULL) AND NEW.account IS NULL
			THEN ARRAY['price_commitment_account_check', 'a minimum or committed devices are an account''s, and this price is for all', 'Name the account that has committed to it.']
		WHEN isempty(NEW.valid) OR lower(NEW.valid) = 'infinity' OR upper(NEW.valid) = '-infinity'
			THEN ARRAY['price_valid_check', format('a price is valid for some time, not in %s', NEW.valid), 'Write valid as [start,end), with a start before the end.']
	END;
	IF fault IS NOT NULL THEN
		PERFORM compute_ledger._refuse('23514', fault[2], hint => fault[3], "constraint" => fault[1]);
	END IF;

	LOOP
		SELECT b.currency INTO whose FROM compute_ledger.price_book AS b WHERE b.book = NEW.book;
		EXIT WHEN FOUND;
		INSERT INTO compute_ledger.price_book (book) VALUES (NEW.book)
		ON CONFLICT DO NOTHING RETURNING price_book.currency INTO whose;
		EXIT WHEN FOUND;
		IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
			PERFORM compute_ledger._refuse('40001', 'another transaction made the book of this price', hint => 'Retry the transaction.');
		END IF;
	END LOOP;
	key_currency := CASE whose WHEN 'payer' THEN coalesce(NEW.currency, '') ELSE '' END;
	IF TG_OP = 'UPDATE' THEN
		IF OLD.accelerator OPERATOR(compute_ledger.=) NEW.accelerator AND (OLD.book, OLD.measure) = (NEW.book, NEW.measure) AND OLD.account IS NOT DISTINCT FROM NEW.account
			AND OLD.region IS NOT DISTINCT FROM NEW.region AND OLD.number_format IS NOT DISTINCT FROM NEW.number_format
			AND (OLD.currency = NEW.currency OR whose = 'own') THEN
			NEW.key := OLD.key;
			RETURN NEW;
		END IF;
	END IF;
	IF NEW.account <= 0 OR NEW.region <= 0 OR NEW.number_format = '' THEN
		PERFORM compute_ledger._refuse('22023', 'what a price is for all of is NULL, not 0 or empty');
	END IF;
	LOOP
		SELECT k.id INTO NEW.key FROM compute_ledger.price_key AS k
		WHERE k.account = coalesce(NEW.account, 0) AND k.accelerator OPERATOR(compute_ledger.=) NEW.accelerator
			AND k.region = coalesce(NEW.region, 0) AND k.number_format = coalesce(NEW.number_format, '')
			AND k.measure = NEW.measure AND k.book = NEW.book AND k.currency = key_currency;
		EXIT WHEN FOUND;
		INSERT INTO compute_ledger.price_key (book, account, accelerator, region, number_format, measure, currency)
		VALUES (NEW.book, coalesce(NEW.account, 0), NEW.accelerator, coalesce(NEW.region, 0), coalesce(NEW.number_format, ''), NEW.measure, key_currency)
		ON CONFLICT DO NOTHING RETURNING id INTO NEW.key;
		EXIT WHEN FOUND;
		IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
			PERFORM compute_ledger._refuse('40001', 'another transaction made the key of this price', hint => 'Retry the transaction.');
		END IF;
	END LOOP;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _price_complete() IS 'trigger, BEFORE INSERT OR UPDATE FOR EACH ROW of table price: reads the unit, checks tiers and pool, and finds or makes the key';

CREATE FUNCTION _price_book_guard() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._refuse('23001', 'whose currency counts in a price book does not change', hint => 'Make another book.');
END
$$;
COMMENT ON FUNCTION _price_book_guard() IS 'trigger, BEFORE UPDATE of price_book: refuses (23001)';

-- ------------------------------------------------------------------ what a quantity costs

CREATE FUNCTION _tier_cost(model text, price numeric, tier_bounds numeric[], tier_prices numeric[], tier_fees numeric[],
		package_size numeric, free numeric, q0 numeric, q1 numeric, total numeric DEFAULT NULL) RETURNS numeric
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION _tier_cost(text, numeric, numeric[], numeric[], numeric[], numeric, numeric, numeric, numeric, numeric) IS
'what it costs, under a row of table price, that the quantity of its pool goes from q0 to q1: exact, R(q1) - R(q0), so that the parts of a quantity add up to the whole. model volume: by the tier of total, the pool''s quantity at the end (default q1), the fee with what leaves the free quantity. Negative for q1 < q0; NULL for NULL quantities; 22023 for a negative quantity or one above total';

-- ------------------------------------------------------------------ which price wins

CREATE TYPE _price_segment AS (starts timestamptz, ends timestamptz, price bigint, list_price bigint);
COMMENT ON TYPE _price_segment IS 'a time in which one price wins, and one list price; -infinity and infinity: no bound';

CREATE FUNCTION _price_winner_transfn(internal, bigint, bigint, boolean, timestamptz, timestamptz) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION _price_winner_transfn(internal, bigint, bigint, boolean, timestamptz, timestamptz) IS 'transition of _price_winner';
CREATE FUNCTION _price_winner_finalfn(internal) RETURNS _price_segment[]
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION _price_winner_finalfn(internal) IS 'result of _price_winner';
CREATE AGGREGATE _price_winner(rank bigint, price bigint, is_list boolean, starts timestamptz, ends timestamptz) (
	SFUNC = _price_winner_transfn, STYPE = internal, FINALFUNC = _price_winner_finalfn, PARALLEL = SAFE
);
COMMENT ON AGGREGATE _price_winner(bigint, bigint, boolean, timestamptz, timestamptz) IS
'the segments of time in which the price with the greatest rank, and the list price with the greatest rank, stay the same; a row whose price is NULL asks for what nothing prices to be told, too';

CREATE FUNCTION accelerator_classes(accelerator) RETURNS accelerator[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION accelerator_classes(accelerator) IS
'all classes that contain it, itself and any included, the most specific first: c = ANY (accelerator_classes(a)) says what c @> a says, and an index on c serves it as equality';

CREATE FUNCTION _winning_prices(book text, as_of timestamptz, accounts bigint[], accelerators accelerator[], regions integer[],
		number_formats text[], measures text[], currencies text[], period tstzrange,
		OUT combination bigint, OUT valid tstzrange, OUT price bigint, OUT list_price bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE ROWS 20000
	SET search_path = pg_catalog, pg_temp
	-- nothing is known of how many rows a step gives: hash joins are right for many and not wrong for few
	SET enable_nestloop = off
	SET enable_mergejoin = off
	SET jit = off
AS $$
DECLARE
	-- the ways of a few are not looked for among those of all
	few_accounts bigint[] := ARRAY(SELECT DISTINCT coalesce(a.account, 0) FROM unnest(accounts) AS a (account) LIMIT 101);
	few_regions integer[] := ARRAY(SELECT DISTINCT coalesce(r.region, 0) FROM unnest(regions) AS r (region) LIMIT 101);
BEGIN
	few_accounts := CASE WHEN cardinality(few_accounts) <= 100 THEN few_accounts END;
	few_regions := CASE WHEN cardinality(few_regions) <= 100 THEN few_regions END;
	RETURN QUERY
	WITH asked AS MATERIALIZED (
		SELECT u.n, coalesce(u.account, 0) AS account, u.accelerator, coalesce(u.region, 0) AS region, u.number_format, u.measure,
			CASE WHEN own.book IS NULL THEN u.currency ELSE '' END AS currency
		FROM unnest(accounts, accelerators, regions, number_formats, measures, currencies)
			WITH ORDINALITY AS u (account, accelerator, region, number_format, measure, currency, n)
		LEFT JOIN compute_ledger.price_book AS own ON own.book = _winning_prices.book AND own.currency = 'own'
	), account AS MATERIALIZED (
		SELECT t.account, t.ancestor, 100000000000 - t.place AS rank, t.valid * period AS valid
		FROM compute_ledger._price_way(as_of, few_accounts) AS t
		JOIN (SELECT DISTINCT a.account FROM asked AS a) AS d ON d.account = t.account
		WHERE t.valid && period
		UNION ALL
		SELECT DISTINCT a.account, 0::bigint, 0, period
		FROM asked AS a
	), region AS MATERIALIZED (
		SELECT t.region, s.ancestor, 1000000 - (cardinality(t.path) - s.place) AS rank, t.valid * period AS valid
		FROM compute_ledger._region_path(as_of, few_regions) AS t
		JOIN (SELECT DISTINCT a.region FROM asked AS a) AS d ON d.region = t.region
		CROSS JOIN LATERAL unnest(t.path) WITH ORDINALITY AS s (ancestor, place)
		WHERE t.valid && period
		UNION ALL
		SELECT DISTINCT a.region, 0, 0, period
		FROM asked AS a
	), class AS MATERIALIZED (
		SELECT d.accelerator, c.class, compute_ledger.specificity(c.class) AS rank
		FROM (SELECT DISTINCT a.accelerator FROM asked AS a) AS d,
			unnest(compute_ledger.accelerator_classes(d.accelerator)) AS c (class)
	), key AS MATERIALIZED (
		-- those that anything asked can be under
		SELECT k.id, k.account, k.accelerator, k.region, k.number_format, k.measure, k.currency
		FROM compute_ledger.price_key AS k
		JOIN (SELECT DISTINCT t.ancestor FROM account AS t) AS t ON t.ancestor = k.account
		JOIN (SELECT DISTINCT r.ancestor FROM region AS r) AS r ON r.ancestor = k.region
		JOIN (SELECT DISTINCT c.class FROM class AS c) AS c ON c.class OPERATOR(compute_ledger.=) k.accelerator
		WHERE k.book = _winning_prices.book
	), place AS MATERIALIZED (
		-- a place: an account and a region, of one asked or above them, together
		SELECT a.n, a.accelerator, a.number_format, a.measure, a.currency, t.ancestor AS account, r.ancestor AS region,
			-- the digits of a rank, from the left: account (37 bits), class (below), region, number format (below)
			t.rank * 67108864::bigint + r.rank * 2 AS rank, t.valid * r.valid AS valid
		FROM asked AS a
		JOIN account AS t ON t.account = a.account
		JOIN region AS r ON r.region = a.region
		WHERE t.valid && r.valid
	), key_for AS MATERIALIZED (
		SELECT k.id, k.account, k.region, k.measure, k.currency, k.number_format, c.accelerator,
			c.rank * 2097152::bigint + (k.number_format <> '')::integer AS rank
		FROM key AS k
		JOIN class AS c ON c.class OPERATOR(compute_ledger.=) k.accelerator
	), matched AS (
		SELECT p.n, k.id, k.account = 0 AS is_list, p.rank + k.rank AS rank, p.valid
		FROM place AS p
		JOIN key_for AS k ON k.account = p.account AND k.accelerator OPERATOR(compute_ledger.=) p.accelerator AND k.region = p.region
			AND k.measure = p.measure AND k.currency = p.currency AND (k.number_format = '' OR k.number_format = p.number_format)
	), candidate AS (
		SELECT m.n, m.rank, p.id, m.is_list, m.valid * p.valid AS valid
		FROM matched AS m
		JOIN compute_ledger.price AS p ON p.key = m.id AND p.valid && m.valid AND p.recorded @> as_of
		UNION ALL
		SELECT a.n, -1, NULL, NULL, period
		FROM asked AS a
	)
	SELECT w.n, tstzrange(nullif(s.starts, '-infinity'), nullif(s.ends, 'infinity')), s.price, s.list_price
	FROM (
		SELECT c.n, compute_ledger._price_winner(c.rank, c.id, c.is_list, lower(c.valid), upper(c.valid)) AS segments
		FROM candidate AS c
		GROUP BY c.n
	) AS w, unnest(w.segments) AS s;
END
$$;
COMMENT ON FUNCTION _winning_prices(text, timestamptz, bigint[], accelerator[], integer[], text[], text[], text[], tstzrange) IS
'for each combination (the n-th elements of the arrays; no account: list prices only; currencies: what it is billed in, of no matter in a book with a currency of its own): the segments of the period in which the same price, and the same list price, win as of a recorded time, under the trees of accounts and regions as they then were; NULL where nothing prices it. The segments of one combination cover the period';

CREATE FUNCTION _winning_prices(book text, as_of timestamptz, account bigint, accelerator accelerator, region integer,
		number_format text, measure text, currency text, period tstzrange,
		OUT valid tstzrange, OUT price bigint, OUT list_price bigint) RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 2
AS $$
	SELECT w.valid, w.price, w.list_price
	FROM compute_ledger._winning_prices(book, as_of, ARRAY[account], ARRAY[accelerator], ARRAY[region],
		ARRAY[number_format], ARRAY[measure], ARRAY[currency], period) AS w
$$;
COMMENT ON FUNCTION _winning_prices(text, timestamptz, bigint, accelerator, integer, text, text, text, tstzrange) IS
'the same for one combination; for many, the form with arrays answers all of them at once';

-- ------------------------------------------------------------------ for people

CREATE FUNCTION _price_terms(unit text, devices_per_instance numeric, percentile numeric, sample_step interval, model text, currency text, price numeric,
		tier_bounds numeric[], tier_prices numeric[], tier_fees numeric[], package_size numeric, free numeric, pool text,
		minimum numeric, committed_devices numeric, committed_price numeric, factor numeric DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	counted text := CASE unit
		WHEN 'instance-month' THEN format('month of %s devices', devices_per_instance)
		WHEN 'peak-device' THEN 'device at the peak of the billing period'
		WHEN 'percentile-device' THEN format('device at the %s percentile of samples every %s', percentile, sample_step)
		ELSE unit END;
	terms text;
BEGIN
	IF model = 'flat' THEN
		terms := format('%s %s a %s', price, currency, counted);
	ELSIF model = 'list' THEN
		terms := format('%s of the list price', factor);
	ELSIF model = 'package' THEN
		terms := format('%s %s for every %s %s begun', price, currency, package_size, counted);
	ELSE
		SELECT format('%s, a %s: %s', model, counted,
			string_agg(format('%s %s%s%s', t.price, currency,
				CASE WHEN t.tier <= cardinality(tier_bounds) THEN format(' up to %s', tier_bounds[t.tier])
					WHEN t.tier > 1 THEN ' beyond' END,
				CASE WHEN tier_fees[t.tier] <> 0 THEN format(' and a fee of %s', tier_fees[t.tier]) END), ', ' ORDER BY t.tier))
		INTO terms
		FROM unnest(tier_prices) WITH ORDINALITY AS t (price, tier);
	END IF;
	RETURN concat_ws('; ', terms,
		CASE WHEN free > 0 THEN format('the first %s free', free) END,
		'in pool ' || pool,
		CASE WHEN committed_devices IS NOT NULL THEN format('%s devices committed at %s %s a device-hour', committed_devices, committed_price, currency) END,
		CASE WHEN minimum IS NOT NULL THEN format('at least %s %s a billing period', minimum, currency) END);
END
$$;
COMMENT ON FUNCTION _price_terms(text, numeric, numeric, interval, text, text, numeric, numeric[], numeric[], numeric[], numeric, numeric, text, numeric, numeric, numeric, numeric) IS 'what a row of table price says, in words';

CREATE FUNCTION _price_accounts(role name DEFAULT current_user) RETURNS SETOF bigint
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen bigint[] := ARRAY(SELECT compute_ledger._visible_accounts(role));
BEGIN
	RETURN QUERY
	SELECT v.account FROM unnest(seen) AS v (account)
	UNION
	SELECT w.ancestor FROM compute_ledger._price_way(NULL) AS w WHERE w.account = ANY (seen) AND w.valid @> statement_timestamp();
END
$$;
COMMENT ON FUNCTION _price_accounts(name) IS 'part of my_price: the accounts that a role, by default the current one, sees, and those whose contracts serve their usage as the tree stands now';

-- One use at one instant, by index only: what _winning_prices() finds for many at once.
CREATE FUNCTION _explain_price_at(account bigint, accelerator accelerator, region integer, at timestamptz,
		number_format text, measure text, book text, as_of timestamptz, currency text,
		OUT place integer, OUT wins text, OUT reason text, OUT price bigint, OUT price_account text, OUT price_accelerator accelerator,
		OUT price_region text, OUT price_number_format text, OUT terms text, OUT title text, OUT valid tstzrange) RETURNS SETOF record
	LANGUAGE plpgsql STABLE ROWS 10
	SET search_path = pg_catalog, pg_temp
	-- planning costs more than running
	SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
	-- the way up, then 0: for all
	accounts bigint[];
	depths integer[];
	regions integer[];
	billed_in text;
	classes compute_ledger.accelerator[] := compute_ledger.accelerator_classes(_explain_price_at.accelerator);
BEGIN
	WITH RECURSIVE way AS (
		SELECT NULL::bigint AS account, _explain_price_at.account AS parent, -1 AS depth, NULL::bigint AS calendar, NULL::text AS currency
		UNION ALL
		SELECT w.parent, v.parent, w.depth + 1, v.calendar, v.currency
		FROM way AS w CROSS JOIN LATERAL (
			-- by the account: that an instant selects one row of all is a planner's guess, OFFSET keeps it from acting on it
			SELECT v.parent, v.calendar, v.currency, v.valid, v.recorded FROM compute_ledger.account_version AS v WHERE v.account = w.parent OFFSET 0) AS v
		WHERE v.valid @> at AND v.recorded @> as_of
	), merged AS (
		-- and, after each, those that were merged into it: what _price_way() says
		SELECT w.account, w.depth, '{}'::bigint[] AS steps FROM way AS w WHERE w.depth >= 0
		UNION ALL
		SELECT l.account, m.depth, m.steps || ARRAY[(-1000000 * extract(epoch FROM l.at))::bigint, -l.account]
		FROM merged AS m CROSS JOIN LATERAL (
			SELECT l.account, l.at, l.recorded FROM compute_ledger.account_merge AS l WHERE l.merged_into = m.account OFFSET 0) AS l
		WHERE l.at <= _explain_price_at.at AND l.recorded @> as_of
	)
	SELECT coalesce(m.accounts, '{}') || 0::bigint, m.depths,
		-- the payer's: of the nearest account with a calendar, or else the root
		(array_agg(w.currency ORDER BY w.depth) FILTER (WHERE w.currency IS NOT NULL AND w.depth >= p.depth))[1]
	INTO accounts, depths, billed_in
	FROM way AS w, (SELECT coalesce(min(x.depth) FILTER (WHERE x.calendar IS NOT NULL), max(x.depth)) AS depth FROM way AS x) AS p,
		(SELECT array_agg(m.account ORDER BY m.depth, m.steps) AS accounts, array_agg(m.depth ORDER BY m.depth, m.steps) AS depths FROM merged AS m) AS m
	GROUP BY m.accounts, m.depths;
	IF EXISTS (SELECT FROM compute_ledger.price_book AS b WHERE b.book = _explain_price_at.book AND b.currency = 'own') THEN
		billed_in := '';
	ELSIF _explain_price_at.account IS NULL THEN
		billed_in := _explain_price_at.currency;
	END IF;
	WITH RECURSIVE way AS (
		SELECT _explain_price_at.region AS region, 0 AS depth
		WHERE _explain_price_at.region IS NOT NULL
		UNION ALL
		SELECT v.parent, w.depth + 1
		FROM way AS w CROSS JOIN LATERAL (
			SELECT v.parent, v.valid, v.recorded FROM compute_ledger.region_version AS v WHERE v.region = w.region OFFSET 0) AS v
		WHERE v.valid @> at AND v.recorded @> as_of AND v.parent IS NOT NULL
	)
	SELECT coalesce(array_agg(w.region ORDER BY w.depth), '{}') || 0 INTO regions FROM way AS w;

	RETURN QUERY
	WITH candidate AS MATERIALIZED (
		SELECT k.account, k.accelerator, k.region, k.number_format, k.currency, p.id, p.valid, p.valid @> at AS holds,
			coalesce(k.currency = billed_in, true) AS serves,
			a.place AS account_place, c.place AS class_place,
			array_position(regions, k.region) AS region_place,
			(k.number_format = '')::integer AS format_place
		FROM unnest(accounts) WITH ORDINALITY AS a (account, place)
		CROSS JOIN unnest(classes) WITH ORDINALITY AS c (class, place)
		CROSS JOIN LATERAL (
			-- one probe of the index each; OFFSET keeps it one
			SELECT k.id, k.account, k.accelerator, k.region, k.number_format, k.currency
			FROM compute_ledger.price_key AS k
			WHERE k.account = a.account AND k.accelerator OPERATOR(compute_ledger.=) c.class
				AND (k.number_format = '' OR k.number_format = _explain_price_at.number_format)
				AND k.measure = _explain_price_at.measure AND k.book = _explain_price_at.book
			OFFSET 0
		) AS k
		CROSS JOIN LATERAL (
			-- the last to start; if it has ended, none of this key holds. "recorded @> as_of" would be looked up in the index
			-- of the exclusion constraint, all of it.
			SELECT p.id, p.valid
			FROM compute_ledger.price AS p
			WHERE p.key = k.id AND coalesce(lower(p.valid), '-infinity'::timestamptz) <= at
				AND lower(p.recorded) <= as_of AND coalesce(upper(p.recorded) > as_of, true)
			ORDER BY coalesce(lower(p.valid), '-infinity'::timestamptz) DESC
			LIMIT 1
		) AS p
		WHERE k.region = ANY (regions)
	), ranked AS (
		SELECT c.*,
			row_number() OVER (ORDER BY c.serves AND c.holds DESC, c.holds DESC, c.account_place, c.class_place, c.region_place, c.format_place, c.currency, c.id)::integer AS place,
			c.serves AND c.holds AND row_number() OVER (PARTITION BY c.currency ORDER BY c.holds DESC, c.account_place, c.class_place, c.region_place, c.format_place) = 1 AS is_winner,
			c.serves AND c.holds AND c.account = 0
				AND row_number() OVER (PARTITION BY c.currency, c.account = 0 ORDER BY c.holds DESC, c.class_place, c.region_place, c.format_place) = 1 AS is_list
		FROM candidate AS c
	), winner AS (
		SELECT r.* FROM ranked AS r WHERE r.is_winner
	)
	SELECT r.place,
		CASE WHEN r.is_winner AND r.is_list THEN 'list and contracted price'
			WHEN r.is_winner THEN 'contracted price'
			WHEN r.is_list THEN 'list price' END,
		CASE WHEN NOT r.holds THEN format('ended at %s', upper(r.valid))
			WHEN NOT r.serves THEN format('is in %s, and %s', p.currency,
				CASE WHEN _explain_price_at.account IS NULL THEN format('%s is asked for', billed_in)
					ELSE format('account "%s" is billed in %s', (SELECT a.name FROM compute_ledger.account AS a WHERE a.id = _explain_price_at.account), billed_in) END)
			WHEN r.is_winner THEN 'wins'
			WHEN r.account_place > w.account_place THEN
				CASE WHEN r.account = 0 THEN 'a contract goes before a list price'
					WHEN depths[r.account_place] > depths[w.account_place] THEN 'an account below has a price'
					ELSE 'an account that it was merged into, or one that was merged later, has a price' END
			WHEN r.class_place > w.class_place THEN format('%s is more specific than %s', w.accelerator, r.accelerator)
			WHEN r.region_place > w.region_place THEN
				CASE WHEN r.region = 0 THEN 'one for a region goes before one for all' ELSE 'a region within has a price' END
			ELSE format('one for %s goes before one for all number formats', w.number_format) END,
		r.id, (SELECT a.name FROM compute_ledger.account AS a WHERE a.id = r.account), r.accelerator,
		(SELECT g.name FROM compute_ledger.region AS g WHERE g.id = r.region), nullif(r.number_format, ''),
		compute_ledger._price_terms(p.unit, p.devices_per_instance, p.percentile, p.sample_step, p.model, p.currency, p.price,
			p.tier_bounds, p.tier_prices, p.tier_fees, p.package_size, p.free, p.pool, p.minimum, p.committed_devices, p.committed_price, p.factor),
		p.title, r.valid
	FROM ranked AS r
	JOIN compute_ledger.price AS p ON p.id = r.id
	LEFT JOIN winner AS w ON w.currency = r.currency
	ORDER BY r.place;
END
$$;
COMMENT ON FUNCTION _explain_price_at(bigint, accelerator, integer, timestamptz, text, text, text, timestamptz, text) IS 'explain_price() with numbers for names, and without its checks';

-- Security definer: a reader sees what prices its own usage, and that may be a contract of an account above.
CREATE FUNCTION _explain_price(account text, accelerator text, region text, at timestamptz DEFAULT CURRENT_TIMESTAMP,
		number_format text DEFAULT NULL, measure text DEFAULT 'allocated', book text DEFAULT 'sale', as_of timestamptz DEFAULT NULL,
		currency text DEFAULT NULL, role name DEFAULT current_user,
		OUT place integer, OUT wins text, OUT reason text, OUT price bigint, OUT price_account text, OUT price_accelerator accelerator,
		OUT price_region text, OUT price_number_format text, OUT terms text, OUT title text, OUT valid tstzrange) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 10
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
	mark timestamptz := compute_ledger._ledger_watermark();
	account_id bigint;
	region_id integer;
	known_as_of timestamptz := coalesce(as_of, mark);
	chip compute_ledger.accelerator := compute_ledger.identify_strict(_explain_price.accelerator);
BEGIN
	IF as_of > mark THEN
		PERFORM compute_ledger._refuse('LC012', format('prices are not settled as of %s', as_of),
			detail => format('The watermark is %s.', mark),
			hint => 'Ask as of ledger_watermark() or earlier.');
	END IF;
	IF at IS NULL OR NOT isfinite(at) THEN
		PERFORM compute_ledger._refuse('22023', 'a price is asked for at one instant');
	END IF;
	IF _explain_price.account IS NOT NULL THEN
		-- who may not see it is not told that it is there
		IF NOT (compute_ledger._has_access('biller auditor admin', role) OR compute_ledger._sees_name(_explain_price.account, role)) THEN
			PERFORM compute_ledger._refuse('LC006', format('unknown account: "%s"', _explain_price.account));
		END IF;
		-- as it was known then; a merged account's name means the other
		WITH RECURSIVE meant AS (
			SELECT a.id FROM compute_ledger.account AS a WHERE a.name = _explain_price.account
			UNION ALL
			SELECT m.merged_into
			FROM meant AS b CROSS JOIN LATERAL (
				SELECT m.merged_into, m.at, m.recorded FROM compute_ledger.account_merge AS m
				WHERE int8range(m.account, m.account, '[]') = int8range(b.id, b.id, '[]') OFFSET 0) AS m
			WHERE m.recorded @> known_as_of AND m.at <= _explain_price.at
		)
		SELECT b.id INTO account_id
		FROM meant AS b CROSS JOIN LATERAL (
			SELECT v.valid, v.recorded FROM compute_ledger.account_version AS v WHERE v.account = b.id OFFSET 0) AS v
		WHERE v.valid @> _explain_price.at AND v.recorded @> known_as_of;
		IF account_id IS NULL OR NOT (compute_ledger._has_access('biller auditor admin', role) OR account_id IN (SELECT compute_ledger._visible_accounts(role))) THEN
			PERFORM compute_ledger._refuse('LC006', format('unknown account: "%s"', _explain_price.account));
		END IF;
	END IF;
	IF book <> 'sale' AND NOT compute_ledger._sees_everything(role) THEN
		PERFORM compute_ledger._refuse('42501', format('permission denied for price book "%s"', book));
	END IF;
	IF _explain_price.currency IS NOT NULL AND _explain_price.account IS NOT NULL THEN
		PERFORM compute_ledger._refuse('22023', format('account "%s" is billed in its payer''s currency', _explain_price.account),
			hint => 'State a currency without an account.');
	END IF;
	IF _explain_price.region IS NOT NULL THEN
		SELECT g.id INTO region_id FROM compute_ledger.region AS g WHERE g.name = _explain_price.region;
		IF NOT FOUND THEN
			PERFORM compute_ledger._refuse('LC007', format('unknown region: "%s"', _explain_price.region));
		END IF;
	END IF;
	RETURN QUERY
	SELECT * FROM compute_ledger._explain_price_at(account_id, chip, region_id, at, number_format, measure, book, known_as_of, _explain_price.currency);
END
$$;
COMMENT ON FUNCTION _explain_price(text, text, text, timestamptz, text, text, text, timestamptz, text, name) IS 'what explain_price() does';

CREATE FUNCTION explain_price(account text, accelerator text, region text, at timestamptz DEFAULT CURRENT_TIMESTAMP,
		number_format text DEFAULT NULL, measure text DEFAULT 'allocated', book text DEFAULT 'sale', as_of timestamptz DEFAULT NULL,
		currency text DEFAULT NULL, role name DEFAULT current_user,
		OUT place integer, OUT wins text, OUT reason text, OUT price bigint, OUT price_account text, OUT price_accelerator accelerator,
		OUT price_region text, OUT price_number_format text, OUT terms text, OUT title text, OUT valid tstzrange) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._explain_price(account, accelerator, region, at, number_format, measure, book, as_of, currency, role) AS t;
END
$$;
COMMENT ON FUNCTION explain_price(text, text, text, timestamptz, text, text, text, timestamptz, text, name) IS
'the prices that a use at an instant is under, the winner first, with what each says and why it lost: account (NULL: list prices only), accelerator by any name that identify() knows, region (NULL: none known), number format (NULL: none known), measure and book, as they were known at a recorded time (default: the watermark), in the currency that the account''s payer is billed in; without an account in the currency that is stated (NULL: all, with a winner each). wins says which is the contracted and which the list price; a price that had ended, or is in another currency, is told, too. No row: nothing prices it. LC003, LC006, LC007 for unknown names, also for accounts that the role may not see; LC012 for a time beyond the watermark';

CREATE FUNCTION _billed_times(account bigint, valid tstzrange) RETURNS TABLE (currency text, times tstzmultirange)
	LANGUAGE plpgsql STABLE ROWS 1
	SET search_path = pg_catalog, pg_temp
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE meant AS (
		SELECT $1 AS account, $2 AS valid
		UNION
		SELECT m.merged_into, b.valid * tstzrange(m.at, NULL)
		FROM meant AS b JOIN compute_ledger.account_merge AS m ON m.account = b.account AND upper_inf(m.recorded) AND tstzrange(m.at, NULL) && b.valid
	), way AS (
		-- up to the payer, and from there to where it has its currency from
		SELECT m.account AS parent, false AS pays, NULL::text AS currency, m.valid FROM meant AS m
		UNION
		SELECT v.parent, x.pays, CASE WHEN x.pays THEN v.currency END, w.valid * v.valid
		FROM way AS w
		JOIN compute_ledger.account_version AS v ON v.account = w.parent AND upper_inf(v.recorded) AND v.valid && w.valid
		CROSS JOIN LATERAL (SELECT w.pays OR v.calendar IS NOT NULL OR v.parent IS NULL) AS x (pays)
		WHERE w.currency IS NULL
	)
	SELECT w.currency, range_agg(w.valid) FROM way AS w WHERE w.currency IS NOT NULL GROUP BY w.currency ORDER BY w.currency;
END
$$;
COMMENT ON FUNCTION _billed_times(bigint, tstzrange) IS 'the currencies in which the payers of an account are billed in a time, and when in it, as it is known now: what payer() says, for one account';

CREATE FUNCTION _billed_currencies(account bigint, valid tstzrange) RETURNS text[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT t.currency FROM compute_ledger._billed_times(account, valid) AS t ORDER BY t.currency);
END
$$;
COMMENT ON FUNCTION _billed_currencies(bigint, tstzrange) IS 'those of _billed_times()';

CREATE FUNCTION _create_price(accelerator text, currency text, price numeric DEFAULT NULL, account text DEFAULT NULL, region text DEFAULT NULL,
		number_format text DEFAULT NULL, measure text DEFAULT 'allocated', book text DEFAULT 'sale', unit text DEFAULT 'device-hour',
		model text DEFAULT NULL, tier_bounds numeric[] DEFAULT NULL, tier_prices numeric[] DEFAULT NULL, tier_fees numeric[] DEFAULT NULL,
		package_size numeric DEFAULT NULL, free numeric DEFAULT 0, pool text DEFAULT NULL, minimum numeric DEFAULT NULL,
		committed_devices numeric DEFAULT NULL, committed_price numeric DEFAULT NULL, devices_per_instance numeric DEFAULT NULL,
		percentile numeric DEFAULT NULL, sample_step interval DEFAULT NULL, factor numeric DEFAULT NULL, valid_from timestamptz DEFAULT NULL, valid_until timestamptz DEFAULT NULL,
		title text DEFAULT NULL, supersede boolean DEFAULT false) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	class compute_ledger.accelerator := CASE WHEN _create_price.accelerator <> 'any' THEN compute_ledger.identify_strict(_create_price.accelerator) ELSE 'any' END;
	account_id bigint;
	region_id integer;
	currencies text[];
	not_served text;
	other record;
	result bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._check_currency(currency);
	IF _create_price.account IS NOT NULL THEN
		account_id := compute_ledger._account_id(_create_price.account, coalesce(greatest(valid_from, CURRENT_TIMESTAMP), CURRENT_TIMESTAMP));
		IF account_id IS NULL THEN
			PERFORM compute_ledger._refuse('LC006', format('unknown account: "%s"', _create_price.account),
				hint => compute_ledger._similar_names(_create_price.account, ARRAY(SELECT a.name FROM compute_ledger.account AS a)));
		END IF;
		currencies := compute_ledger._billed_currencies(account_id, tstzrange(valid_from, valid_until));
		IF _create_price.currency <> ALL (currencies) AND NOT EXISTS (SELECT FROM compute_ledger.price_book AS b WHERE b.book = _create_price.book AND b.currency = 'own') THEN
			PERFORM compute_ledger._refuse('22023', format('account "%s" is not billed in %s', _create_price.account, _create_price.currency),
				detail => format('While the price is valid, its payer is billed in %s.', coalesce(nullif(array_to_string(currencies, ', '), ''), 'no currency')),
				hint => 'Usage has prices in the currency that its payer is billed in.');
		END IF;
	END IF;
	IF _create_price.region IS NOT NULL THEN
		region_id := compute_ledger._region_id(_create_price.region);
		IF region_id IS NULL THEN
			PERFORM compute_ledger._refuse('LC007', format('unknown region: "%s"', _create_price.region),
				hint => compute_ledger._similar_names(_create_price.region, ARRAY(SELECT r.name FROM compute_ledger.region AS r)));
		END IF;
	END IF;
	IF supersede THEN
		IF valid_from IS NULL THEN
			PERFORM compute_ledger._refuse('22023', 'a price that supersedes another needs valid_from');
		END IF;
		UPDATE compute_ledger.price AS p SET valid = tstzrange(lower(p.valid), valid_from)
		WHERE upper_inf(p.recorded) AND p.valid @> valid_from AND lower(p.valid) IS DISTINCT FROM valid_from
			AND p.book = _create_price.book AND p.account IS NOT DISTINCT FROM account_id AND p.accelerator OPERATOR(compute_ledger.=) class
			AND p.region IS NOT DISTINCT FROM region_id AND p.number_format IS NOT DISTINCT FROM _create_price.number_format
			AND p.measure = _create_price.measure
			AND (p.currency = _create_price.currency OR EXISTS (SELECT FROM compute_ledger.price_book AS b WHERE b.book = _create_price.book AND b.currency = 'own'));
	END IF;
	-- What the exclusion constraint would refuse, with the way out.
	SELECT p.id, p.valid, compute_ledger._price_terms(p.unit, p.devices_per_instance, p.percentile, p.sample_step, p.model, p.currency, p.price, p.tier_bounds, p.tier_prices, p.tier_fees,
		p.package_size, p.free, p.pool, p.minimum, p.committed_devices, p.committed_price, p.factor) AS terms
	INTO other
	FROM compute_ledger.price AS p
	WHERE upper_inf(p.recorded) AND p.valid && tstzrange(valid_from, valid_until)
		AND p.book = _create_price.book AND p.account IS NOT DISTINCT FROM account_id AND p.accelerator OPERATOR(compute_ledger.=) class
		AND p.region IS NOT DISTINCT FROM region_id AND p.number_format IS NOT DISTINCT FROM _create_price.number_format
		AND p.measure = _create_price.measure
		AND (p.currency = _create_price.currency OR EXISTS (SELECT FROM compute_ledger.price_book AS b WHERE b.book = _create_price.book AND b.currency = 'own'))
	ORDER BY lower(p.valid) NULLS FIRST
	LIMIT 1;
	IF FOUND THEN
		PERFORM compute_ledger._refuse('23P01', format('price %s is for the same use, and is valid then already', other.id),
			detail => format('It says: %s. It is valid %s.', other.terms, CASE WHEN lower_inf(other.valid) AND upper_inf(other.valid) THEN 'always'
				ELSE concat_ws(' ', 'from ' || lower(other.valid), 'until ' || upper(other.valid)) END),
			hint => CASE
				WHEN lower(other.valid) > coalesce(valid_from, '-infinity') THEN format('Let the new one end where that begins: valid_until => %L.', lower(other.valid))
				WHEN valid_from IS NOT NULL AND lower(other.valid) IS DISTINCT FROM valid_from THEN 'Add supersede => true: it ends where the new one begins.'
				ELSE format('To change what it costs from an instant on, give valid_from and supersede => true; to correct it, UPDATE compute_ledger.price ... WHERE id = %s.', other.id) END,
			"constraint" => 'prices_of_one_key_do_not_overlap');
	END IF;
	INSERT INTO compute_ledger.price (book, account, accelerator, region, number_format, measure, unit, model, currency, price,
		tier_bounds, tier_prices, tier_fees, package_size, free, pool, minimum, committed_devices, committed_price,
		devices_per_instance, percentile, sample_step, factor, title, valid)
	VALUES (_create_price.book, account_id, class, region_id, _create_price.number_format, _create_price.measure, _create_price.unit,
		coalesce(_create_price.model, CASE WHEN _create_price.package_size IS NOT NULL THEN 'package' WHEN _create_price.factor IS NOT NULL THEN 'list' WHEN _create_price.tier_prices IS NOT NULL THEN 'graduated' ELSE 'flat' END),
		_create_price.currency, _create_price.price, _create_price.tier_bounds, _create_price.tier_prices, _create_price.tier_fees, _create_price.package_size,
		_create_price.free, _create_price.pool, _create_price.minimum, _create_price.committed_devices, _create_price.committed_price,
		_create_price.devices_per_instance, _create_price.percentile, _create_price.sample_step, _create_price.factor, _create_price.title, tstzrange(valid_from, valid_until))
	RETURNING id INTO result;
	IF _create_price.committed_devices IS NOT NULL THEN
		SELECT string_agg(DISTINCT quote_ident(a.name), ', ') INTO not_served
		FROM compute_ledger._account_tree() AS t
		JOIN compute_ledger.account_version AS v ON v.account = t.account AND upper_inf(v.recorded) AND v.calendar IS NOT NULL
			AND v.valid && t.valid AND v.valid * t.valid && tstzrange(valid_from, valid_until)
		JOIN compute_ledger.account AS a ON a.id = t.account
		WHERE t.ancestor = account_id AND t.depth > 0;
		IF not_served IS NOT NULL THEN
			RAISE NOTICE 'the committed devices do not serve accounts that are billed themselves'
				USING DETAIL = format('Below account "%s": %s.', _create_price.account, not_served);
		END IF;
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION _create_price(text, text, numeric, text, text, text, text, text, text, text, numeric[], numeric[], numeric[], numeric, numeric, text, numeric, numeric, numeric, numeric, numeric, interval, numeric, timestamptz, timestamptz, text, boolean) IS 'what create_price() does';

CREATE FUNCTION create_price(accelerator text, currency text, price numeric DEFAULT NULL, account text DEFAULT NULL, region text DEFAULT NULL,
		number_format text DEFAULT NULL, measure text DEFAULT 'allocated', book text DEFAULT 'sale', unit text DEFAULT 'device-hour',
		model text DEFAULT NULL, tier_bounds numeric[] DEFAULT NULL, tier_prices numeric[] DEFAULT NULL, tier_fees numeric[] DEFAULT NULL,
		package_size numeric DEFAULT NULL, free numeric DEFAULT 0, pool text DEFAULT NULL, minimum numeric DEFAULT NULL,
		committed_devices numeric DEFAULT NULL, committed_price numeric DEFAULT NULL, devices_per_instance numeric DEFAULT NULL,
		percentile numeric DEFAULT NULL, sample_step interval DEFAULT NULL, factor numeric DEFAULT NULL, valid_from timestamptz DEFAULT NULL, valid_until timestamptz DEFAULT NULL,
		title text DEFAULT NULL, supersede boolean DEFAULT false) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._create_price(accelerator, currency, price, account, region, number_format, measure, book, unit, model,
		tier_bounds, tier_prices, tier_fees, package_size, free, pool, minimum, committed_devices, committed_price, devices_per_instance, percentile, sample_step, factor, valid_from, valid_until,
		title, supersede);
END
$$;
COMMENT ON FUNCTION create_price(text, text, numeric, text, text, text, text, text, text, text, numeric[], numeric[], numeric[], numeric, numeric, text, numeric, numeric, numeric, numeric, numeric, interval, numeric, timestamptz, timestamptz, text, boolean) IS
'inserts a row into table price and returns its id: account and region by name (NULL: all), accelerator by any name that identify() knows (NULL: any). The model is package with a package size, list with a factor, graduated with tier prices, else flat, unless it is said. supersede: the price of the same key that holds at valid_from ends there. A NOTICE names the accounts below that are billed themselves, which committed devices do not serve. 22023 where no payer of the account is billed in the currency, but in a book with a currency of its own. LC003, LC006, LC007 for unknown names, 23P01 where the key has a price already';
