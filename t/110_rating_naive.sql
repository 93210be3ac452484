-- Rating in the plainest form there is: every record is cut at every instant at which anything might change,
-- pieces between which nothing did are put together again, and a window runs over what is left.
-- And random ledgers to rate.
CREATE SCHEMA naive;
CREATE INDEX ON account_version (account);
CREATE INDEX ON region_version (region);

-- ancestors of an account, itself first, at an instant, as of a recorded time
CREATE FUNCTION naive.path(account bigint, at timestamptz, as_of timestamptz) RETURNS bigint[] LANGUAGE sql STABLE AS $$
	WITH RECURSIVE up AS (
		SELECT 1 AS n, v.account, v.parent FROM account_version AS v WHERE v.account = path.account AND v.valid @> at AND v.recorded @> as_of
		UNION ALL
		SELECT u.n + 1, v.account, v.parent FROM up AS u JOIN account_version AS v ON v.account = u.parent AND v.valid @> at AND v.recorded @> as_of
	)
	SELECT array_agg(u.account ORDER BY u.n) FROM up AS u
$$;

CREATE FUNCTION naive.region_path(region integer, at timestamptz, as_of timestamptz) RETURNS integer[] LANGUAGE sql STABLE AS $$
	WITH RECURSIVE up AS (
		SELECT 1 AS n, v.region, v.parent FROM region_version AS v WHERE v.region = region_path.region AND v.valid @> at AND v.recorded @> as_of
		UNION ALL
		SELECT u.n + 1, v.region, v.parent FROM up AS u JOIN region_version AS v ON v.region = u.parent AND v.valid @> at AND v.recorded @> as_of
	)
	SELECT array_agg(u.region ORDER BY u.n) FROM up AS u
$$;

-- what the accounts of a path inherit: the zone of the first, and who is billed, when
CREATE FUNCTION naive.billed(path bigint[], at timestamptz, as_of timestamptz, OUT payer bigint, OUT calendar bigint, OUT time_zone text) LANGUAGE plpgsql STABLE AS $$
DECLARE
	v account_version;
BEGIN
	FOR i IN 1 .. cardinality(path) LOOP
		SELECT * INTO v FROM account_version AS x WHERE x.account = path[i] AND x.valid @> at AND x.recorded @> as_of;
		time_zone := coalesce(time_zone, v.time_zone);
		IF payer IS NULL AND (v.calendar IS NOT NULL OR i = cardinality(path)) THEN
			payer := path[i];
			calendar := coalesce(v.calendar, (SELECT c.id FROM billing_calendar AS c WHERE c.name = 'month/' || v.time_zone));
		END IF;
	END LOOP;
END
$$;

CREATE FUNCTION naive.winner(book text, path bigint[], chip accelerator, regions integer[], format text, measured text, at timestamptz, as_of timestamptz, list boolean) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT p.id
	FROM price AS p
	WHERE p.book = winner.book AND p.valid @> at AND p.recorded @> as_of AND p.measure = measured AND p.accelerator @> chip
		AND (p.account IS NULL OR NOT list AND p.account = ANY (path)) AND (p.region IS NULL OR p.region = ANY (regions))
		AND (p.number_format IS NULL OR p.number_format = format)
	ORDER BY array_position(path, p.account) NULLS LAST, specificity(p.accelerator) DESC, array_position(regions, p.region) NULLS LAST, p.number_format IS NULL
	LIMIT 1
$$;

-- what a pool's quantity costs in all, in micro-units: 1 / one of the unit
CREATE FUNCTION naive.cost(p price, q numeric, whole numeric, one numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	billed numeric := greatest(0, q - p.free * one);
	above numeric := 0;
	bound numeric;
	cost numeric := 0;
BEGIN
	IF p.id IS NULL THEN
		RETURN NULL;
	ELSIF p.model = 'flat' THEN
		RETURN billed * p.price;
	ELSIF p.model = 'package' THEN
		RETURN one * p.price * (trunc(billed / (p.package_size * one)) + CASE WHEN billed % (p.package_size * one) > 0 THEN 1 ELSE 0 END);
	END IF;
	whole := greatest(0, whole - p.free * one);
	FOR k IN 1 .. cardinality(p.tier_prices) LOOP
		bound := p.tier_bounds[k] * one;
		IF p.model = 'graduated' AND billed > above THEN
			cost := cost + (least(billed, coalesce(bound, billed)) - above) * p.tier_prices[k] + coalesce(p.tier_fees[k], 0) * one;
		ELSIF p.model = 'volume' AND billed > 0 AND above < whole AND (whole <= bound OR bound IS NULL) THEN
			cost := cost + billed * p.tier_prices[k] + coalesce(p.tier_fees[k], 0) * one;
		END IF;
		above := bound;
	END LOOP;
	RETURN cost;
END
$$;

-- what a price counts of so much time of devices, and of what was counted, both in microseconds of 1/1,680,000, and of work achieved; and what one
-- of its unit is in that
CREATE FUNCTION naive.units(p price, device_time numeric, counted numeric, rate compute_rate, achieved numeric, month numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN p.unit = 'instance-month' THEN round(device_time / (1680000 * p.devices_per_instance * month), 24) WHEN p.unit = 'slice-hour' THEN counted
		WHEN p.work IS NULL THEN device_time WHEN basis(p.work) = 'flop' THEN achieved ELSE counted * rate::numeric / 1000000 END
$$;
CREATE FUNCTION naive.one(p price) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN p.unit = 'instance-month' THEN 1 WHEN p.work IS NULL THEN 3600000000 * 1680000.0 WHEN basis(p.work) = 'flop' THEN p.work::numeric
		ELSE p.work::numeric * 1680000 END
$$;

-- what accumulates together: prices of a pool, or versions of one key that count the same
CREATE FUNCTION naive.pool(p price) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(p.pool, p.key || coalesce(basis(p.work), p.unit))
$$;

-- half to even, of a quotient
CREATE FUNCTION naive.rounded(a numeric, b numeric, digits integer) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
	SELECT (CASE WHEN 2 * (x - q * b) > b OR 2 * (x - q * b) = b AND q % 2 <> 0 THEN q + 1 ELSE q END / (10::numeric ^ digits))::numeric(40, 12)
	FROM (SELECT a * (10::numeric ^ digits)) AS s (x), LATERAL (SELECT div(s.x, b)) AS d (q)
$$;

CREATE FUNCTION naive.charges(book text, as_of timestamptz, asked tstzrange)
	RETURNS TABLE (account bigint, payer bigint, billing_period bigint, price bigint, list_price bigint, region integer, accelerator accelerator, number_format text, measure text,
		basis integer, rate compute_rate, share integer, day date, amount numeric, records bigint, quantity numeric, cost numeric, list_cost numeric)
	LANGUAGE sql STABLE AS $$
	WITH record AS (
		SELECT r.* FROM usage_record AS r WHERE r.recorded <= as_of AND r.superseded > as_of AND r.started_at < upper(asked) + interval '70 days'
	), cut AS (
		SELECT r.id, r.started_at AS at FROM record AS r
		UNION SELECT r.id, least(r.ended_at, as_of) FROM record AS r
		UNION SELECT r.id, c.at FROM record AS r,
			(SELECT lower(valid) AS at FROM account_version UNION SELECT upper(valid) FROM account_version
				UNION SELECT lower(valid) FROM region_version UNION SELECT upper(valid) FROM region_version
				UNION SELECT lower(valid) FROM price UNION SELECT upper(valid) FROM price
				UNION SELECT starts_at FROM billing_period WHERE starts_at BETWEEN '2025-12-01' AND '2026-07-01'
				UNION SELECT lower(asked) UNION SELECT upper(asked)
				UNION SELECT d AT TIME ZONE z.time_zone FROM (SELECT DISTINCT time_zone FROM account_version WHERE time_zone IS NOT NULL) AS z,
					generate_series(timestamp '2026-01-01', '2026-06-01', '1 day') AS d) AS c
			WHERE c.at > r.started_at AND c.at < r.ended_at AND c.at < as_of
	), piece AS (
		SELECT c.id, c.at AS starts, lead(c.at) OVER (PARTITION BY c.id ORDER BY c.at) AS ends FROM cut AS c
	), placed AS MATERIALIZED (
		SELECT p.id, p.starts, p.ends, r.started_at,
			-- the work of a record that goes on is done when it is recorded
			CASE WHEN r.ended_at = 'infinity' THEN greatest(r.recorded, r.started_at + interval '1 microsecond') ELSE r.ended_at END AS done, r.achieved_work, r.account, r.region, r.accelerator, r.number_format, r.measure, r.basis, r.rate, r.share, r.devices, w.path, g.path AS regions, b.payer, b.calendar, b.time_zone,
			(p.starts AT TIME ZONE b.time_zone)::date AS day, asked @> p.starts AS asked
		FROM piece AS p JOIN record AS r ON r.id = p.id,
			LATERAL (SELECT naive.path(r.account, p.starts, as_of)) AS w (path),
			LATERAL (SELECT naive.region_path(r.region, p.starts, as_of)) AS g (path),
			LATERAL naive.billed(w.path, p.starts, as_of) AS b
		WHERE p.starts < p.ends
	), priced AS MATERIALIZED (
		SELECT p.*, b.id AS billing_period, x.price, x.list_price
		FROM placed AS p
		JOIN billing_period AS b ON b.calendar = p.calendar AND b.period @> p.starts,
			LATERAL (SELECT naive.winner(book, p.path, p.accelerator, p.regions, p.number_format, p.measure, p.starts, as_of, false),
				naive.winner(book, p.path, p.accelerator, p.regions, p.number_format, p.measure, p.starts, as_of, true)) AS x (price, list_price)
		WHERE b.period && charges.asked
			-- a book bills by the measures that it has prices for in the billing period
			AND (EXISTS (SELECT FROM price AS q WHERE q.book = charges.book AND q.measure = p.measure AND q.recorded @> charges.as_of AND q.valid && b.period)
				OR p.measure = 'allocated' AND NOT EXISTS (SELECT FROM price AS q WHERE q.book = charges.book AND q.recorded @> charges.as_of AND q.valid && b.period))
	), joined AS (
		-- pieces of one record that follow each other and differ in nothing are one part; those that differ in being asked for only are one whole
		SELECT p.id, min(p.starts) AS starts, max(p.ends) AS ends, p.account, p.region, p.accelerator, p.number_format, p.measure, p.basis, p.rate, p.share, p.devices, p.payer, p.billing_period, p.day, p.asked, p.price, p.list_price,
			p.started_at, p.done, p.achieved_work, p.time_zone, p.whole_starts
		FROM (
			SELECT p.*, min(p.starts) OVER (PARTITION BY p.id, p.whole) AS whole_starts
			FROM (
				SELECT p.*, count(*) FILTER (WHERE p.new) OVER w AS whole, count(*) FILTER (WHERE p.new OR p.newly_asked) OVER w AS part
				FROM (
					SELECT p.*, (p.path, p.regions, p.payer, p.billing_period, p.day, p.price, p.list_price)
						IS DISTINCT FROM lag((p.path, p.regions, p.payer, p.billing_period, p.day, p.price, p.list_price)) OVER w AS new,
						p.asked IS DISTINCT FROM lag(p.asked) OVER w AS newly_asked
					FROM priced AS p
					WINDOW w AS (PARTITION BY p.id ORDER BY p.starts)
				) AS p
				WINDOW w AS (PARTITION BY p.id ORDER BY p.starts)
			) AS p
		) AS p
		GROUP BY p.id, p.part, p.account, p.region, p.accelerator, p.number_format, p.measure, p.basis, p.rate, p.share, p.devices, p.payer, p.billing_period, p.day, p.asked, p.price, p.list_price,
			p.started_at, p.done, p.achieved_work, p.time_zone, p.whole_starts
	), counted AS (
		SELECT j.*, naive.rounded(j.devices * j.share, 1, 0) * (extract(epoch FROM j.ends - j.starts) * 1000000)::numeric AS time,
			naive.rounded(j.devices * 1680000, 1, 0) * (extract(epoch FROM j.ends - j.starts) * 1000000)::numeric AS counted,
			-- a price by work is one of its own basis, one by achieved work of records that state it, one by devices of what is a known share of them
			CASE WHEN w.work IS NULL AND (w.unit = 'slice-hour' OR j.share IS NOT NULL) OR basis(w.work) = basis(j.rate) OR basis(w.work) = 'flop' AND j.achieved_work IS NOT NULL THEN j.price END AS won,
			CASE WHEN l.work IS NULL AND (l.unit = 'slice-hour' OR j.share IS NOT NULL) OR basis(l.work) = basis(j.rate) OR basis(l.work) = 'flop' AND j.achieved_work IS NOT NULL THEN j.list_price END AS listed,
			-- work is done evenly, and what was done up to an instant is rounded
			naive.rounded(j.achieved_work::numeric * extract(epoch FROM least(j.ends, j.done) - j.started_at), extract(epoch FROM j.done - j.started_at), 0)
				- naive.rounded(j.achieved_work::numeric * extract(epoch FROM least(j.starts, j.done) - j.started_at), extract(epoch FROM j.done - j.started_at), 0) AS achieved,
			1000000 * extract(epoch FROM (date_trunc('month', j.day::timestamp) + interval '1 month') AT TIME ZONE j.time_zone
				- date_trunc('month', j.day::timestamp) AT TIME ZONE j.time_zone) AS month
		FROM joined AS j LEFT JOIN price AS w ON w.id = j.price LEFT JOIN price AS l ON l.id = j.list_price
	), measured AS (
		SELECT c.*,
			naive.units(w, c.time, c.counted, c.rate, c.achieved, c.month) AS units, naive.one(w) AS one, naive.pool(w) AS pool,
			naive.units(l, c.time, c.counted, c.rate, c.achieved, c.month) AS list_units, naive.one(l) AS list_one, naive.pool(l) AS list_pool
		FROM counted AS c LEFT JOIN price AS w ON w.id = c.won LEFT JOIN price AS l ON l.id = c.listed
	), running AS (
		SELECT m.*,
			sum(m.units) OVER (PARTITION BY m.payer, m.billing_period, m.pool ORDER BY m.whole_starts, m.id, m.starts ROWS UNBOUNDED PRECEDING) AS q1,
			sum(m.units) OVER (PARTITION BY m.payer, m.billing_period, m.pool) AS whole,
			sum(m.list_units) OVER (PARTITION BY m.payer, m.billing_period, m.list_pool ORDER BY m.whole_starts, m.id, m.starts ROWS UNBOUNDED PRECEDING) AS l1,
			sum(m.list_units) OVER (PARTITION BY m.payer, m.billing_period, m.list_pool) AS list_whole
		FROM measured AS m
	), costed AS (
		SELECT r.*,
			naive.cost(w, r.q1, r.whole, r.one) - naive.cost(w, r.q1 - r.units, r.whole, r.one) AS due,
			naive.cost(l, r.l1, r.list_whole, r.list_one) - naive.cost(l, r.l1 - r.list_units, r.list_whole, r.list_one) AS list_due
		FROM running AS r LEFT JOIN price AS w ON w.id = r.won LEFT JOIN price AS l ON l.id = r.listed
	)
	SELECT c.account, c.payer, c.billing_period, c.won, CASE WHEN c.won IS NOT NULL THEN c.listed END, c.region, c.accelerator, c.number_format, c.measure, c.basis, c.rate, c.share, c.day,
		sum(c.time), count(*),
		CASE WHEN c.won IS NULL THEN coalesce(sum(c.time), sum(c.counted)) / (3600000000 * 1680000.0) ELSE sum(c.units) / max(c.one) END,
		CASE WHEN c.won IS NOT NULL THEN naive.rounded(sum(c.due), max(c.one), 8) END,
		CASE WHEN c.won IS NOT NULL AND count(c.listed) > 0 THEN
			naive.rounded(sum(c.list_due), max(c.list_one), 8) END
	FROM costed AS c
	WHERE c.asked
	GROUP BY c.account, c.payer, c.billing_period, c.won, CASE WHEN c.won IS NOT NULL THEN c.listed END, c.region, c.accelerator, c.number_format, c.measure, c.basis, c.rate, c.share, c.day
$$;

-- ------------------------------------------------------------------ random ledgers

CREATE FUNCTION naive.one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT choices[1 + floor(random() * cardinality(choices))::integer]
$$;

CREATE FUNCTION naive.instant() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
	SELECT CASE floor(random() * 4)
		WHEN 0 THEN date_trunc('day', t) WHEN 1 THEN date_trunc('hour', t) ELSE t END
	FROM (SELECT timestamptz '2026-02-24 00:00+00' + random() * interval '42 days') AS x (t)
$$;

CREATE FUNCTION naive.create_price() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	p price;
	tiers integer := 1 + floor(random() * 4);
	from_at timestamptz := CASE WHEN random() < 0.5 THEN naive.instant() END;
	class accelerator := naive.one_of('any', 'nvidia', 'nvidia/h100', 'nvidia/h100-sxm5-80gb', 'nvidia/a100', 'nvidia/a100-pcie-40gb:1g.5gb');
BEGIN
	p.model := naive.one_of('flat', 'graduated', 'graduated', 'volume', 'package');
	p.unit := naive.one_of('device-hour', 'device-hour', 'device-hour', 'PFLOPh@bf16', 'PFLOPh', 'instance-month');
	IF mig_slices(class) > 0 AND random() < 0.6 THEN
		p.unit := 'slice-hour';
	END IF;
	p.devices_per_instance := CASE WHEN p.unit = 'instance-month' THEN naive.one_of('0.1', '0.07', '1')::numeric END;
	p.pool := CASE WHEN random() < 0.3 THEN naive.one_of('a', 'b') || p.unit END;
	p.free := naive.one_of('0', '0', '0.5', '7.3');
	IF p.model = 'flat' THEN
		p.price := naive.one_of('1', '0.333333', '2.5', '0');
	ELSIF p.model = 'package' THEN
		p.price := 10; p.package_size := naive.one_of('1', '24', '0.7');
	ELSE
		p.tier_prices := ARRAY(SELECT round((random() * 5)::numeric, 1 + n % 6) FROM generate_series(1, tiers) AS n);
		p.tier_bounds := ARRAY(SELECT n * naive.one_of('1', '1.00001', '1.5')::numeric * naive.one_of('5')::numeric FROM generate_series(1, tiers - 1) AS n ORDER BY 1);
		p.tier_fees := CASE WHEN random() < 0.4 THEN ARRAY(SELECT naive.one_of('0', '1.5', '3')::numeric FROM generate_series(1, tiers)) END;
		p.tier_bounds := ARRAY(SELECT (SELECT sum(b) FROM unnest(p.tier_bounds[1:n]) AS b) FROM generate_series(1, tiers - 1) AS n);
	END IF;
	INSERT INTO price (account, accelerator, region, number_format, measure, unit, model, currency, price, tier_bounds, tier_prices, tier_fees, package_size, free, pool, devices_per_instance, valid)
	VALUES (CASE WHEN random() < 0.6 THEN (SELECT a.id FROM account AS a ORDER BY random() LIMIT 1) END,
		class,
		CASE WHEN random() < 0.3 THEN (SELECT r.id FROM region AS r WHERE r.name LIKE 'test/%' ORDER BY random() LIMIT 1) END,
		CASE WHEN random() < 0.2 THEN 'bf16' END, naive.one_of('allocated', 'allocated', 'used'), p.unit, p.model, 'USD',
		p.price, p.tier_bounds, p.tier_prices, p.tier_fees, p.package_size, p.free, p.pool, p.devices_per_instance,
		tstzrange(from_at, CASE WHEN random() < 0.5 THEN coalesce(from_at, '2026-02-20') + random() * interval '20 days' END));
EXCEPTION WHEN exclusion_violation THEN
	NULL;						-- that key has a price then
END
$$;

CREATE FUNCTION naive.add_usage(n integer, tag text) RETURNS void LANGUAGE sql VOLATILE AS $$
	INSERT INTO usage_record (account, started_at, ended_at, batch, region, revision, basis, accelerator, share, rate, devices, measure, number_format, achieved_work, source, source_id, account_name, region_name, accelerator_name)
	SELECT a.id, a.at, CASE WHEN random() < 0.02 THEN 'infinity' ELSE a.at + naive.one_of('1 minute', '3 hours', '1 day', '4 days')::interval * (0.01 + random()) END, 1,
		r.ids[1 + floor(random() * cardinality(r.ids))::integer], 0, basis_code(a.rate),
		a.chip, CASE WHEN mig_slices(a.chip) IS NULL OR random() < 0.8 THEN device_share(a.chip) END,
		a.rate, naive.one_of('1', '8', '0.5', '0.3333', '64', '0.12345678')::numeric,
		naive.one_of('allocated', 'allocated', 'used'), nullif(naive.one_of('', '', 'bf16', 'fp8'), ''),
		CASE WHEN random() < 0.6 THEN naive.one_of('3.7 PFLOPh', '999999999999999999999 FLOP', '12 EFLOP', '0 FLOP')::compute_unit END, 'test', tag || i, 'x', 'x', 'x'
	FROM (SELECT i, (SELECT ids[1 + floor(random() * cardinality(ids))::integer] FROM (SELECT array_agg(id ORDER BY id) AS ids FROM account) AS x WHERE i > 0) AS id, naive.instant() AS at,
			naive.one_of('nvidia/h100-sxm5-80gb', 'nvidia/h100-sxm5-80gb', 'nvidia/a100-pcie-40gb', 'amd/mi300x', 'nvidia/a100-pcie-40gb:1g.5gb', 'nvidia/a100-pcie-40gb:3g.20gb')::accelerator AS chip,
			naive.one_of('989.4 TFLOPS@bf16', '312 TFLOPS@bf16', '1979 TFLOPS@fp8')::compute_rate AS rate FROM generate_series(1, n) AS i) AS a,
		(SELECT array_agg(id ORDER BY id) AS ids FROM region WHERE name LIKE 'test/%') AS r
$$;

-- makes so many trees of accounts, with prices and usage
CREATE FUNCTION naive.build(seed integer, trees integer) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	PERFORM setseed((seed % 1000000) / 1000000.0);
	PERFORM create_region('test/r', 'provider');
	PERFORM create_region('test/r/1', parent => 'test/r'), create_region('test/r/2', parent => 'test/r'), create_region('test/r/1/a', 'site', parent => 'test/r/1');
	INSERT INTO billing_calendar (name, anchor, time_zone, rule)
	VALUES ('weeks', '2025-12-29', 'America/New_York', '7 days'), ('16th', '2025-12-16', 'Asia/Kathmandu', '1 month');
	FOR i IN 1 .. trees LOOP
		PERFORM create_account('t' || i, currency => 'USD', time_zone => naive.one_of('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'),
			calendar => nullif(naive.one_of('', '', 'weeks', '16th'), ''));
		PERFORM create_account('t' || i || '/a', parent => 't' || i, calendar => nullif(naive.one_of('', '', '', 'weeks'), ''));
		PERFORM create_account('t' || i || '/b', parent => 't' || i, time_zone => nullif(naive.one_of('', '', 'Asia/Shanghai'), ''));
		PERFORM create_account('t' || i || '/a/x', parent => 't' || i || '/a');
	END LOOP;
	PERFORM generate_billing_periods(NULL, '2026-06-01');
	FOR m IN 1 .. 6 LOOP
		PERFORM _make_usage_partition(make_date(2026, m, 1));
	END LOOP;
	FOR i IN 1 .. 8 + trees LOOP
		PERFORM naive.create_price();
	END LOOP;
	FOR i IN 1 .. trees / 6 LOOP
		PERFORM move_account('t' || i || naive.one_of('/a/x', '/b'), 't' || naive.one_of(i::text, (i + 1)::text) || naive.one_of('/a', ''), naive.instant());
	END LOOP;
	PERFORM naive.add_usage(trees * 25, 'first');
END
$$;

-- what comes later: usage, revisions, retractions, prices, moves
CREATE FUNCTION naive.change(seed integer) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	PERFORM setseed((seed % 1000000) / 2000000.0);
	PERFORM naive.add_usage(100, 'late');
	PERFORM set_config('session_replication_role', 'replica', true);
	WITH revised AS (
		UPDATE _usage_record AS r SET superseded = ledger_stamp() WHERE r.source_id LIKE 'first%' AND hashtext(r.source_id) % 11 = 0 RETURNING r.*
	)
	INSERT INTO _usage_record (account, started_at, ended_at, batch, kind, revision, devices, achieved_work, source_id, account_name)
	SELECT account, started_at, CASE WHEN ended_at = 'infinity' THEN started_at + interval '1 day' ELSE ended_at + interval '17 minutes' END, batch, kind, 1, devices * 2, achieved_work, source_id, account_name
	FROM revised WHERE hashtext(source_id) % 3 <> 0;
	PERFORM set_config('session_replication_role', 'origin', true);
	FOR i IN 1 .. 10 LOOP
		PERFORM naive.create_price();
		PERFORM move_account('t' || i || naive.one_of('/a/x', '/b'), 't' || i || naive.one_of('/a', ''), naive.instant());
	END LOOP;
	UPDATE price SET free = free + 1 WHERE upper_inf(recorded) AND id % 5 = 0;
	DELETE FROM price WHERE upper_inf(recorded) AND id % 17 = 0;
END
$$;
