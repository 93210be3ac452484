-- Charges: what usage costs, a row for each account, price, region, accelerator,
-- number format, measure and day.

CREATE FUNCTION _refuse_change() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._refuse('LC011', format('rows of table %s never change', quote_ident(TG_TABLE_NAME)),
		detail => 'They are what was billed.',
		hint => 'Correct the usage or the price: the difference is charged in the open period.');
END
$$;
COMMENT ON FUNCTION _refuse_change() IS 'trigger: raises LC011';

-- ------------------------------------------------------------------ closing

CREATE FUNCTION _billing_period_of(account text, period tstzrange, as_of timestamptz, OUT payer bigint, OUT billing_period bigint, OUT currency text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	at_lower tstzrange;
BEGIN
	SELECT a.id INTO payer FROM compute_ledger.account AS a WHERE a.name = account;
	IF NOT FOUND THEN
		PERFORM compute_ledger._refuse('LC006', format('account "%s" does not exist', account));
	END IF;
	SELECT b.id, p.currency, b.period INTO billing_period, currency, at_lower
	FROM compute_ledger._payers(as_of) AS p
	JOIN compute_ledger.billing_period AS b ON b.calendar = p.calendar AND b.period && (p.valid * _billing_period_of.period)
	WHERE p.account = _billing_period_of.payer AND p.payer = _billing_period_of.payer
	ORDER BY b.period = _billing_period_of.period DESC, b.starts_at
	LIMIT 1;
	IF NOT FOUND THEN
		PERFORM compute_ledger._refuse('22023', format('account "%s" is not billed for %s', account, period),
			hint => 'Billed are accounts with a billing calendar, and roots; payers() shows who is billed for an account.');
	ELSIF at_lower IS DISTINCT FROM period THEN
		PERFORM compute_ledger._refuse('22023', format('%s is no billing period of account "%s"', period, account),
			hint => format('One that overlaps it is %s.', at_lower));
	END IF;
END
$$;
COMMENT ON FUNCTION _billing_period_of(text, tstzrange, timestamptz) IS 'the billing period of a payer that is exactly a period; LC006 unknown account, 22023 if the account is not billed or the period is none of its';

-- ------------------------------------------------------------------ corrections
--
-- What changed in a closed period is billed in the next period that is closed: by its
-- payer, or, when that is no payer any more because it was merged into another account or
-- moved under one, by whoever pays for it then.  Whoever bills it, the charge says whose
-- period it corrects, and what was billed is subtracted from what is due, so that nothing
-- is billed twice.
--
-- A closed period is rated again only if something was recorded that its charges may
-- depend on.  What says so may be wrong in one direction only.

CREATE FUNCTION _correction_payers(book text, as_of timestamptz, at timestamptz) RETURNS TABLE (account bigint, payer bigint)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE paid AS MATERIALIZED (
		-- who pays for an account at that instant, or did last before it
		SELECT DISTINCT ON (p.account) p.account, p.payer, p.valid @> $3 AS pays
		FROM compute_ledger._payers($2) AS p
		WHERE coalesce(lower(p.valid), '-infinity') <= $3
		ORDER BY p.account, coalesce(lower(p.valid), '-infinity') DESC
	), billed AS MATERIALIZED (
		SELECT DISTINCT c.payer AS account FROM compute_ledger.period_close AS c WHERE c.book = $1
	), follow AS (
		SELECT b.account, p.payer, p.pays FROM billed AS b JOIN paid AS p ON p.account = b.account
		UNION
		-- the last one to pay for an account that has ended may have a payer itself
		SELECT f.account, p.payer, p.pays FROM follow AS f JOIN paid AS p ON p.account = f.payer WHERE NOT f.pays
	)
	SELECT b.account, f.payer FROM billed AS b LEFT JOIN follow AS f ON f.account = b.account AND f.pays
$$;
COMMENT ON FUNCTION _correction_payers(text, timestamptz, timestamptz) IS 'for each account that has closed periods under a price book: who is to be billed at an instant for what these have to be corrected by, as it was known at a recorded time. That is the account''s payer, itself or another; for an account that has ended, the payer of the one that paid for it last; NULL if there is none';

CREATE FUNCTION _changed_usage(accounts bigint[], from_at timestamptz, to_at timestamptz, after timestamptz, until timestamptz)
	RETURNS TABLE (account bigint, starts timestamptz, ends timestamptz)
	LANGUAGE plpgsql STABLE ROWS 10
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
BEGIN
	-- planned for these times: most often there is nothing, and an index says so
	RETURN QUERY EXECUTE $query$
		SELECT c.account, min(c.started_at), max(c.ended_at)
		FROM (
			SELECT r.account, r.started_at, r.ended_at FROM compute_ledger.usage_record AS r
			WHERE r.recorded > $4 AND r.recorded <= $5 AND r.started_at < $3 AND r.ended_at > $2 AND r.account = ANY ($1)
			UNION ALL
			SELECT r.account, r.started_at, r.ended_at FROM compute_ledger.usage_record AS r
			WHERE r.superseded > $4 AND r.superseded <= $5 AND r.superseded < 'infinity' AND r.started_at < $3 AND r.ended_at > $2 AND r.account = ANY ($1)
		) AS c
		GROUP BY c.account, date_trunc('day', c.started_at, 'UTC')
	$query$ USING accounts, from_at, to_at, after, until;
END
$$;
COMMENT ON FUNCTION _changed_usage(bigint[], timestamptz, timestamptz, timestamptz, timestamptz) IS 'times in which usage of accounts was recorded, or ceased to count, after one recorded time and until another: of what starts on one day, all from the first start to the last end';

CREATE FUNCTION _moved_accounts(after timestamptz, until timestamptz) RETURNS TABLE (account bigint, valid tstzrange)
	LANGUAGE plpgsql STABLE ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE lower(v.recorded) > after AND lower(v.recorded) <= until)
		AND NOT EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE upper(v.recorded) > after AND upper(v.recorded) <= until AND NOT upper_inf(v.recorded))
		AND NOT EXISTS (SELECT FROM compute_ledger.account_merge AS m
			WHERE lower(m.recorded) > after AND lower(m.recorded) <= until OR upper(m.recorded) > after AND upper(m.recorded) <= until)
	THEN
		RETURN;
	END IF;
	-- a version that is only cut in two, or has another title, changes nothing here
	RETURN QUERY
	WITH side AS (
		SELECT s.now, t.account, jsonb_build_array(t.ancestor, t.place) AS place, range_agg(t.valid) AS valid
		FROM (VALUES (false, after), (true, until)) AS s (now, as_of) CROSS JOIN LATERAL compute_ledger._price_way(s.as_of) AS t
		GROUP BY s.now, t.account, t.ancestor, t.place
		UNION ALL
		SELECT s.now, p.account, jsonb_build_array(p.payer, p.calendar, p.time_zone, p.currency), range_agg(p.valid)
		FROM (VALUES (false, after), (true, until)) AS s (now, as_of) CROSS JOIN LATERAL compute_ledger._payers(s.as_of) AS p
		GROUP BY s.now, p.account, p.payer, p.calendar, p.time_zone, p.currency
	), pair AS (
		SELECT a.account, coalesce(range_agg(a.valid) FILTER (WHERE NOT a.now), '{}') AS old, coalesce(range_agg(a.valid) FILTER (WHERE a.now), '{}') AS new
		FROM side AS a
		GROUP BY a.account, a.place
	)
	SELECT p.account, unnest(range_agg(x.valid)) FROM pair AS p CROSS JOIN LATERAL unnest((p.old - p.new) + (p.new - p.old)) AS x (valid)
	WHERE p.old <> p.new
	GROUP BY p.account;
END
$$;
COMMENT ON FUNCTION _moved_accounts(timestamptz, timestamptz) IS 'the times in which an account, as of two recorded times, does not stand in the same place of the tree, or is not paid for in the same way: payer, billing calendar, time zone, currency';

CREATE FUNCTION _moved_regions(after timestamptz, until timestamptz) RETURNS TABLE (region integer, valid tstzrange)
	LANGUAGE plpgsql STABLE ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM compute_ledger.region_version AS v
		WHERE lower(v.recorded) > after AND lower(v.recorded) <= until OR upper(v.recorded) > after AND upper(v.recorded) <= until)
	THEN
		RETURN;
	END IF;
	RETURN QUERY
	WITH side AS (
		SELECT s.now, t.region, t.ancestor, t.depth, range_agg(t.valid) AS valid
		FROM (VALUES (false, after), (true, until)) AS s (now, as_of) CROSS JOIN LATERAL compute_ledger._region_tree(s.as_of) AS t
		GROUP BY s.now, t.region, t.ancestor, t.depth
	), pair AS (
		SELECT a.region, coalesce(range_agg(a.valid) FILTER (WHERE NOT a.now), '{}') AS old, coalesce(range_agg(a.valid) FILTER (WHERE a.now), '{}') AS new
		FROM side AS a
		GROUP BY a.region, a.ancestor, a.depth
	)
	SELECT p.region, unnest(range_agg(x.valid)) FROM pair AS p CROSS JOIN LATERAL unnest((p.old - p.new) + (p.new - p.old)) AS x (valid)
	WHERE p.old <> p.new
	GROUP BY p.region;
END
$$;
COMMENT ON FUNCTION _moved_regions(timestamptz, timestamptz) IS 'the times in which a region, as of two recorded times, does not stand in the same place of the tree';

CREATE FUNCTION _changed_periods(book text, payers bigint[], until timestamptz) RETURNS TABLE (payer bigint, billing_period bigint, period tstzrange)
	LANGUAGE sql STABLE ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH closed AS MATERIALIZED (
		-- the last closing that looked at one of a payer's closed periods looked at all of them
		SELECT c.payer, c.billing_period, b.period, l.since
		FROM (
			SELECT u.payer, max(q.as_of) AS since
			FROM unnest(payers) AS u (payer)
			CROSS JOIN LATERAL (
				SELECT o.as_of FROM compute_ledger.period_close AS o WHERE o.book = $1 AND o.payer = u.payer
				UNION ALL
				SELECT o.as_of FROM compute_ledger.period_close AS o WHERE o.book = $1 AND o.former_payers @> ARRAY[u.payer]
			) AS q
			GROUP BY u.payer
		) AS l
		JOIN compute_ledger.period_close AS c ON c.book = $1 AND c.payer = l.payer
		JOIN compute_ledger.billing_period AS b ON b.id = c.billing_period
		WHERE l.since < until
	), hull AS MATERIALIZED (
		SELECT c.since, min(lower(c.period)) AS from_at, max(upper(c.period)) AS to_at
		FROM closed AS c
		GROUP BY c.since
	), moved AS MATERIALIZED (
		SELECT h.since, m.account, m.valid FROM hull AS h CROSS JOIN LATERAL compute_ledger._moved_accounts(h.since, until) AS m
	), paid AS MATERIALIZED (
		-- for whom each pays, or paid as it was known then
		SELECT c.payer, c.billing_period, y.account
		FROM closed AS c
		JOIN compute_ledger._payers(until) AS y ON y.payer = c.payer AND y.valid && c.period
		UNION
		SELECT c.payer, c.billing_period, y.account
		FROM (SELECT DISTINCT m.since FROM moved AS m) AS m
		CROSS JOIN LATERAL compute_ledger._payers(m.since) AS y
		JOIN closed AS c ON c.since = m.since AND y.payer = c.payer AND y.valid && c.period
	), used AS (
		SELECT c.payer, c.billing_period
		FROM hull AS h
		CROSS JOIN LATERAL compute_ledger._changed_usage(ARRAY(
				SELECT DISTINCT y.account FROM paid AS y JOIN closed AS c ON c.payer = y.payer AND c.billing_period = y.billing_period AND c.since = h.since),
			h.from_at, h.to_at, h.since, until) AS u
		JOIN closed AS c ON c.since = h.since AND u.starts < upper(c.period) AND u.ends > lower(c.period)
		JOIN paid AS y ON y.payer = c.payer AND y.billing_period = c.billing_period AND y.account = u.account
	), relocated AS (
		-- an account that has neither usage nor reserved capacity or a minimum is charged nothing wherever it stands
		SELECT c.payer, c.billing_period
		FROM moved AS m
		JOIN paid AS y ON y.account = m.account
		JOIN closed AS c ON c.since = m.since AND c.payer = y.payer AND c.billing_period = y.billing_period AND m.valid && c.period
		WHERE EXISTS (SELECT FROM compute_ledger.usage_record AS r
				WHERE r.account = m.account AND r.started_at < upper(c.period) AND r.ended_at > lower(c.period) AND r.recorded <= until AND r.superseded > m.since)
			OR EXISTS (SELECT FROM compute_ledger.price AS p
				WHERE p.book = $1 AND p.account = m.account AND (p.minimum IS NOT NULL OR p.committed_devices IS NOT NULL) AND p.valid && c.period)
	), charged AS (
		-- chips and regions of what was charged; NULL: several, or not told by the charge
		SELECT DISTINCT c.payer, c.billing_period, CASE WHEN compute_ledger._is_by_sum(x.kind) THEN x.accelerator END AS accelerator,
			CASE WHEN compute_ledger._is_by_sum(x.kind) THEN x.region END AS region
		FROM closed AS c
		CROSS JOIN LATERAL (
			SELECT o.kind, o.accelerator, o.region FROM compute_ledger.charge AS o
			WHERE o.book = $1 AND o.payer = c.payer AND o.billing_period = c.billing_period AND o.corrects IS NULL
			UNION ALL
			SELECT o.kind, o.accelerator, o.region FROM compute_ledger.charge AS o
			WHERE o.book = $1 AND o.corrects_payer = c.payer AND o.corrects = c.billing_period
		) AS x
	), new_price AS MATERIALIZED (
		SELECT h.since, p.account, p.accelerator, p.valid, p.minimum IS NOT NULL OR p.committed_devices IS NOT NULL AS committed
		FROM hull AS h
		JOIN compute_ledger.price AS p ON p.book = $1 AND p.valid && tstzrange(h.from_at, h.to_at)
			AND (lower(p.recorded) > h.since AND lower(p.recorded) <= until OR upper(p.recorded) > h.since AND upper(p.recorded) <= until)
	), repriced AS (
		SELECT c.payer, c.billing_period
		FROM new_price AS p
		JOIN closed AS c ON c.since = p.since AND p.valid && c.period
		WHERE (p.account IS NULL
				OR EXISTS (SELECT FROM paid AS y WHERE y.payer = c.payer AND y.billing_period = c.billing_period AND y.account = p.account)
				-- or of an account above the payer
				OR EXISTS (SELECT FROM compute_ledger._price_way(until) AS t WHERE t.account = c.payer AND t.ancestor = p.account AND t.valid && c.period))
			AND (p.committed
				OR EXISTS (SELECT FROM charged AS x WHERE x.payer = c.payer AND x.billing_period = c.billing_period
					AND (x.accelerator IS NULL OR p.accelerator OPERATOR(compute_ledger.@>) x.accelerator)))
	), resited AS (
		SELECT c.payer, c.billing_period
		FROM hull AS h
		CROSS JOIN LATERAL compute_ledger._moved_regions(h.since, until) AS m
		JOIN closed AS c ON c.since = h.since AND m.valid && c.period
		JOIN charged AS x ON x.payer = c.payer AND x.billing_period = c.billing_period AND (x.region IS NULL OR x.region = m.region)
	), remeasured AS (
		-- a book that bills by other measures now
		SELECT c.payer, c.billing_period
		FROM (
			SELECT d.since, d.period
			FROM (SELECT DISTINCT x.since, x.period FROM closed AS x OFFSET 0) AS d
			WHERE compute_ledger._billed_measures($1, d.since, d.period) <> compute_ledger._billed_measures($1, until, d.period)
			OFFSET 0
		) AS m
		JOIN closed AS c ON c.since = m.since AND c.period = m.period
	)
	SELECT c.payer, c.billing_period, c.period
	FROM closed AS c
	JOIN (SELECT * FROM used UNION SELECT * FROM relocated UNION SELECT * FROM repriced UNION SELECT * FROM resited UNION SELECT * FROM remeasured) AS x
		ON x.payer = c.payer AND x.billing_period = c.billing_period
$$;
COMMENT ON FUNCTION _changed_periods(text, bigint[], timestamptz) IS 'the closed billing periods of payers whose charges may be others as of a recorded time than when a closing last looked at them: usage of accounts that they pay for has come or gone, an account or region with charges stands elsewhere in its tree, or a price was recorded that may win something that was charged. All that changed are among them; not all among them have changed';

CREATE FUNCTION _corrections(payer bigint, closed bigint, period tstzrange, as_of timestamptz, book text) RETURNS SETOF rated_charge
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	WITH side AS (
		-- what it is now, and what was charged
		SELECT r.kind, r.account, r.price, r.list_price, r.region, r.accelerator, r.number_format, r.measure, r.basis, r.rate, r.share, r.day, r.unit, r.currency,
			r.period, r.amount, r.quantity, r.work, r.list_cost, r.contracted_cost, r.cost, r.records, r.reservation
		FROM compute_ledger._rate_payer(payer, _corrections.period, as_of, book) AS r
		WHERE r.billing_period = closed
		UNION ALL
		SELECT c.kind, c.account, c.price, c.list_price, c.region, c.accelerator, c.number_format, c.measure, c.basis, c.rate, c.share, c.day, c.unit, c.currency,
			c.period, -c.amount, -c.quantity, OPERATOR(compute_ledger.-) c.work, -c.list_cost, -c.contracted_cost, -c.cost, -c.records, c.reservation
		FROM compute_ledger.charge AS c
		-- whoever billed the corrections
		WHERE c.book = _corrections.book
			AND (c.payer = _corrections.payer AND c.billing_period = closed AND c.corrects IS NULL
				OR c.corrects_payer = _corrections.payer AND c.corrects = closed)
	)
	SELECT s.kind, book, s.account, payer, closed, s.price, max(s.list_price), s.region, s.accelerator, s.number_format, s.measure, s.basis, s.rate, s.share, s.day,
		tstzrange(min(lower(s.period)), max(upper(s.period))), sum(s.amount), sum(s.quantity), s.unit, compute_ledger.sum(s.work), NULL::jsonb, NULL::numeric, NULL::numeric,
		sum(s.list_cost), sum(s.contracted_cost), sum(s.cost), s.currency, sum(s.records)::bigint, closed, s.reservation
	FROM side AS s
	GROUP BY s.kind, s.account, s.price, s.region, s.accelerator, s.number_format, s.measure, s.basis, s.rate, s.share, s.day, s.unit, s.currency, s.reservation
	-- the last digit of a quantity may differ where only its neighbours changed: that is no change; nor is more usage below a peak
	HAVING sum(s.quantity) <> 0 AND (sum(s.amount) IS DISTINCT FROM 0 OR s.kind IN ('peak', 'percentile')) OR sum(s.cost) <> 0 OR sum(s.list_cost) <> 0;
END
$$;
COMMENT ON FUNCTION _corrections(bigint, bigint, tstzrange, timestamptz, text) IS 'what a payer''s closed period''s charges are as of a recorded time, less what was charged for it, corrections included, whoever was billed for them: a row for each that differs';

CREATE FUNCTION _rate_corrections(account text, as_of timestamptz DEFAULT NULL, book text DEFAULT 'sale') RETURNS SETOF rated_charge
	LANGUAGE plpgsql VOLATILE ROWS 100
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
DECLARE
	payer_id bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	as_of := compute_ledger._as_of(as_of);
	SELECT a.id INTO payer_id FROM compute_ledger.account AS a WHERE a.name = account;
	IF NOT FOUND AND account IS NOT NULL THEN
		PERFORM compute_ledger._refuse('LC006', format('account "%s" does not exist', account));
	END IF;
	RETURN QUERY
	SELECT d.*
	FROM compute_ledger._changed_periods(_rate_corrections.book, ARRAY(
			SELECT f.account FROM compute_ledger._correction_payers(_rate_corrections.book, _rate_corrections.as_of, _rate_corrections.as_of) AS f
			WHERE f.account = payer_id OR f.payer = payer_id OR payer_id IS NULL), _rate_corrections.as_of) AS p
	CROSS JOIN LATERAL compute_ledger._corrections(p.payer, p.billing_period, p.period, _rate_corrections.as_of, _rate_corrections.book) AS d;
END
$$;
COMMENT ON FUNCTION _rate_corrections(text, timestamptz, text) IS 'what rate_corrections() does';

CREATE FUNCTION rate_corrections(account text, as_of timestamptz DEFAULT NULL, book text DEFAULT 'sale') RETURNS SETOF rated_charge
	LANGUAGE plpgsql VOLATILE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._rate_corrections(account, as_of, book) AS t;
END
$$;
COMMENT ON FUNCTION rate_corrections(text, timestamptz, text) IS 'what closed billing periods would have to be corrected by, as of a recorded time, by default the watermark: for every charge that is different now, the difference, which may be negative. They are those of an account that is or was billed (NULL: of all), and of accounts that were billed once and that it pays for now; payer and billing_period say whose closed period it is. close_period() stores them with the next period that is closed. Everything is priced as known now, by the prices in force at the time of use. LC006, LC012.';

CREATE FUNCTION _store_closing(closing bigint, payer bigint, billing_period bigint, period tstzrange, as_of timestamptz, book text, former bigint[], waive text[]) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	columns text;
	billed text;
BEGIN
	-- by name: in a ledger that was migrated they may stand in another order
	SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
		string_agg(CASE a.attname WHEN 'payer' THEN '$2' WHEN 'billing_period' THEN '$3' ELSE 'd.' || quote_ident(a.attname) END, ', ' ORDER BY a.attnum)
	INTO columns, billed
	FROM pg_attribute AS a
	WHERE a.attrelid = 'compute_ledger.rated_charge'::regclass AND a.attnum > 0 AND NOT a.attisdropped;
	EXECUTE format($query$
		WITH due AS MATERIALIZED (
			SELECT r.* FROM compute_ledger._rate_payer($2, $4, $5, $6) AS r
			-- where the calendar changes, the rest of the period is another one's
			WHERE r.billing_period = $3
			UNION ALL
			-- and what the periods that were closed before were charged wrongly
			SELECT d.*
			FROM compute_ledger._changed_periods($6, $2 || $7, $5) AS p
			CROSS JOIN LATERAL compute_ledger._corrections(p.payer, p.billing_period, p.period, $5, $6) AS d
		), charged AS (
			INSERT INTO compute_ledger.charge (%s, corrects_payer, close, as_of)
			SELECT %s, CASE WHEN d.corrects IS NOT NULL THEN d.payer END, $1, $5
			FROM due AS d
			ORDER BY d.corrects NULLS FIRST, d.payer, d.account, d.day, d.price, d.accelerator, d.region
			RETURNING 1
		)
		INSERT INTO compute_ledger.period_close (id, book, payer, number, billing_period, as_of, waived, charges, cost, payable, payable_difference, former_payers)
		SELECT $1, $6, $2, (SELECT coalesce(max(o.number), 0) + 1 FROM compute_ledger.period_close AS o WHERE o.book = $6 AND o.payer = $2),
			$3, $5, $8, (SELECT count(*) FROM charged),
			jsonb_object_agg(t.currency, t.cost) FILTER (WHERE t.cost IS NOT NULL), jsonb_object_agg(t.currency, t.payable) FILTER (WHERE t.cost IS NOT NULL),
			jsonb_object_agg(t.currency, t.payable - t.cost) FILTER (WHERE t.cost IS NOT NULL), $7
		FROM (
			SELECT d.currency, sum(d.cost) AS cost, compute_ledger._round_ratio(sum(d.cost), 1, m.minor_digits) AS payable
			FROM due AS d
			JOIN compute_ledger.currency AS m ON m.code = d.currency
			GROUP BY d.currency, m.minor_digits
		) AS t
		$query$, columns, billed)
	USING closing, payer, billing_period, period, as_of, book, former, waive;
END
$$;
COMMENT ON FUNCTION _store_closing(bigint, bigint, bigint, tstzrange, timestamptz, text, bigint[], text[]) IS 'part of close_period(): stores a closing, the charges of its period, and what there is to correct in the periods that were closed before, of the payer and of former payers';

CREATE FUNCTION _unpriced_currencies(closing bigint, book text, as_of timestamptz, period tstzrange) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH asked AS MATERIALIZED (
		SELECT DISTINCT c.account, c.accelerator, c.region, c.number_format, c.measure, k.currency
		FROM compute_ledger.charge AS c
		JOIN (SELECT DISTINCT k.currency FROM compute_ledger.price_key AS k WHERE k.book = $2) AS k ON k.currency <> c.currency
		WHERE c.close = closing AND c.kind = 'unpriced' AND c.corrects IS NULL
	), listed AS (
		SELECT array_agg(a.account) AS accounts, array_agg(a.accelerator) AS accelerators, array_agg(a.region) AS regions, array_agg(a.number_format) AS number_formats,
			array_agg(a.measure) AS measures, array_agg(a.currency) AS currencies
		FROM asked AS a
	)
	SELECT string_agg(DISTINCT l.currencies[w.combination], ', ')
	FROM listed AS l
	CROSS JOIN LATERAL compute_ledger._winning_prices($2, as_of, l.accounts, l.accelerators, l.regions, l.number_formats, l.measures, l.currencies, period) AS w
	WHERE w.price IS NOT NULL
$$;
COMMENT ON FUNCTION _unpriced_currencies(bigint, text, timestamptz, tstzrange) IS 'part of close_period(): the currencies, other than the payer''s, in which usage has a price that a closing found without one; NULL if there are none';

CREATE FUNCTION _reservations_due(payer bigint, period tstzrange, as_of timestamptz) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(DISTINCT d.id::text, ', ' ORDER BY d.id::text)
	FROM (
		-- but for what is of no account: that stays due until it is of one
		SELECT r.id, r.account FROM compute_ledger.reservation AS r JOIN compute_ledger.account AS a ON a.id = r.account
		WHERE r.usage_due < upper(_reservations_due.period) AND compute_ledger._account_id(a.name, r.usage_due) IS NOT NULL
		UNION ALL
		-- made, and not known yet
		SELECT u.reservation, u.account FROM compute_ledger.usage_record AS u
		WHERE u.source = 'compute_ledger' AND u.reservation IS NOT NULL AND u.recorded > as_of
			AND u.started_at < upper(_reservations_due.period) AND u.ended_at > lower(_reservations_due.period)
	) AS d
	WHERE d.account IN (SELECT p.account FROM compute_ledger._billed_accounts(as_of) AS p WHERE p.payer = _reservations_due.payer AND p.valid && _reservations_due.period)
$$;
COMMENT ON FUNCTION _reservations_due(bigint, tstzrange, timestamptz) IS 'part of close_period(): the reservations, of accounts that a payer pays for in a billing period, of which records are due by its end that are not made yet, or not known yet as of a recorded time; NULL: none';

CREATE FUNCTION _close_period(account text, period tstzrange, book text DEFAULT 'sale', waive text[] DEFAULT '{}', wait interval DEFAULT '10 seconds') RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
DECLARE
	-- What this transaction has recorded itself, perhaps other closings, is recorded later than any closing looks.
	own timestamptz := compute_ledger._own_stamp();
	as_of timestamptz;
	known timestamptz;
	scope record;
	former bigint[];
	locked bigint[];
	closing bigint;
	due text;
	unpriced text;
	unpriced_count bigint;
	unpriced_first text;
BEGIN
	IF wait IS NULL OR wait < interval '0' THEN
		PERFORM compute_ledger._refuse('22023', 'the time to wait must not be negative');
	END IF;
	as_of := compute_ledger._watermark(own);
	-- Of writers in flight, those are waited for that may have recorded something before the period was over; what the others
	-- record is a correction. No row is locked yet.
	IF as_of < upper(period) AND upper(period) <= clock_timestamp() AND NOT compute_ledger._follows_marks() THEN
		PERFORM compute_ledger._await_writers(upper(period), wait);
	END IF;
	LOOP
		as_of := compute_ledger._watermark(own);
		SELECT * INTO scope FROM compute_ledger._billing_period_of(account, period, as_of);
		-- accounts with closed periods of their own, for which this one pays at the end of the period
		former := ARRAY(SELECT f.account FROM compute_ledger._correction_payers(_close_period.book, as_of, upper(period) - interval '1 microsecond') AS f
			WHERE f.payer = scope.payer AND f.account <> scope.payer ORDER BY f.account);
		EXIT WHEN former <@ locked;
		-- One closing at a time that looks at a payer's periods. Who waited sees what the other did, and is as of no earlier
		-- time, because the other has stored his, or, in a transaction with one snapshot, fails: therefore an UPDATE.
		locked := scope.payer || former;
		UPDATE compute_ledger.account AS a SET name = a.name
		WHERE a.id IN (SELECT o.id FROM compute_ledger.account AS o WHERE o.id = ANY (locked) ORDER BY o.id FOR NO KEY UPDATE);
		SELECT p.id INTO closing FROM compute_ledger.period_close AS p
		WHERE p.book = _close_period.book AND p.payer = scope.payer AND p.billing_period = scope.billing_period;
		IF FOUND THEN
			RETURN closing;
		END IF;
	END LOOP;
	IF as_of < upper(period) THEN
		PERFORM compute_ledger._refuse('LC011', format('billing period %s of account "%s" is not over', period, account),
			detail => format('The ledger is known up to %s here.', as_of),
			hint => CASE WHEN compute_ledger._follows_marks() THEN 'Close it in a READ COMMITTED transaction.'
					WHEN own <= upper(period) THEN 'This transaction recorded something before the end of the period. Commit, and close it when it is over.'
					ELSE 'Close it when it is over.' END);
	END IF;
	due := compute_ledger._reservations_due(scope.payer, period, as_of);
	IF due IS NOT NULL THEN
		PERFORM compute_ledger._refuse('LC011', format('billing period %s of account "%s" lacks usage of reservations', period, account),
			detail => format('Reservations without their records: %s.', due),
			hint => 'Call record_reservations(), commit, and close the period then.');
	END IF;
	SELECT max(p.as_of) INTO known FROM compute_ledger.period_close AS p
	WHERE p.book = _close_period.book AND (p.payer = ANY (locked) OR p.former_payers && locked);
	IF known > as_of THEN
		-- what is charged would be subtracted from what was known before
		PERFORM compute_ledger._refuse('LC011', 'what was recorded up to the last closing is not known here',
			detail => format('That closing is as of %s, and the ledger is known up to %s here.', known, as_of),
			hint => 'Close the period in a READ COMMITTED transaction.');
	END IF;

	closing := nextval('compute_ledger.period_close_id_seq');
	PERFORM compute_ledger._store_closing(closing, scope.payer, scope.billing_period, period, as_of, book, former, waive);
	SELECT string_agg(DISTINCT quote_ident(a.name), ', '), count(*),
		(array_agg(format('%s in region "%s", %s, of %s', c.accelerator, g.name, c.measure, c.day) ORDER BY c.day, a.name, c.id))[1]
	INTO unpriced, unpriced_count, unpriced_first
	FROM compute_ledger.charge AS c
	JOIN compute_ledger.account AS a ON a.id = c.account
	LEFT JOIN compute_ledger.region AS g ON g.id = c.region
	WHERE c.close = closing AND c.kind = 'unpriced' AND (c.amount > 0 OR c.amount IS NULL AND c.quantity > 0) AND (a.name = ANY (waive)) IS NOT TRUE;
	IF unpriced IS NOT NULL THEN
		PERFORM compute_ledger._refuse('LC011', format('billing period %s of account "%s" has usage without a price', period, account),
			detail => format('It is of %s (%s charges); the first is %s.', unpriced, unpriced_count, unpriced_first),
			hint => concat('Add prices, or waive these accounts by name.',
					' There are prices for it in ' || compute_ledger._unpriced_currencies(closing, book, as_of, period) || ', in which it is not billed.'));
	END IF;
	PERFORM compute_ledger._store_mark(as_of);
	RETURN closing;
END
$$;
COMMENT ON FUNCTION _close_period(text, tstzrange, text, text[], interval) IS 'what close_period() does';

CREATE FUNCTION close_period(account text, period tstzrange, book text DEFAULT 'sale', waive text[] DEFAULT '{}', wait interval DEFAULT '10 seconds') RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._close_period(account, period, book, waive, wait);
END
$$;
COMMENT ON FUNCTION close_period(text, tstzrange, text, text[], interval) IS 'closes a billing period of an account that is billed: stores its charges, which never change again, together with corrections of periods that were closed before, its own and those of accounts that it pays for at the end of the period and that were billed themselves before, and returns the number of the closing in period_close; of a period that is closed already, that number. waive: names of accounts whose usage without a price is no obstacle. wait: how long to wait for transactions that began to record something before the period was over; what is recorded by others, or by this transaction itself, is a correction. LC011 while the period is not over, usage of reservations is not recorded yet, or usage has no price; 55P03 if those that are waited for do not end; LC006 unknown account; 22023 no billing period of this account.';

-- ------------------------------------------------------------------ explaining

CREATE FUNCTION _trace_charge(charge bigint,
		OUT record bigint, OUT source text, OUT source_id text, OUT revision integer, OUT part_from timestamptz, OUT part_to timestamptz, OUT devices numeric,
		OUT amount numeric, OUT quantity numeric, OUT unit text, OUT cost numeric, OUT note text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
DECLARE
	traced compute_ledger.charge;
	whole compute_ledger.rated_charge;
	usage_of tstzrange;
	before timestamptz;
	-- what is charged for the usage of a period as a whole is shared out among its parts
	by_share boolean;
BEGIN
	PERFORM compute_ledger._require_ledger();
	SELECT c.* INTO traced FROM compute_ledger.charge AS c WHERE c.id = _trace_charge.charge;
	IF NOT FOUND THEN
		PERFORM compute_ledger._refuse('P0002', format('charge %s does not exist', _trace_charge.charge));
	END IF;
	whole := compute_ledger._traced(traced, coalesce(traced.corrects_payer, traced.payer), coalesce(traced.corrects, traced.billing_period));
	by_share := traced.corrects IS NOT NULL AND NOT compute_ledger._is_by_sum(traced.kind);
	SELECT b.period INTO usage_of FROM compute_ledger.billing_period AS b WHERE b.id = whole.billing_period;
	IF compute_ledger._is_by_sum(traced.kind) THEN
		-- Its day says which of the period: cut at the charge's own bounds, parts would come in another order. And the day of
		-- a correction may have been another time before, in another zone.
		whole.period := usage_of;
	END IF;
	IF traced.corrects IS NOT NULL THEN
		-- what it was taken for before: as of the last closing that looked at that period
		SELECT max(p.as_of) INTO before FROM compute_ledger.period_close AS p
		WHERE p.book = traced.book AND p.id < traced.close AND (p.payer = whole.payer OR p.former_payers @> ARRAY[whole.payer]);
	END IF;
	RETURN QUERY
	WITH side AS (
		SELECT 1 AS sign, traced.as_of AS as_of
		UNION ALL
		SELECT -1, before WHERE before IS NOT NULL
	), rated AS (
		SELECT s.sign, s.as_of, whole AS charge FROM side AS s WHERE NOT by_share
		UNION ALL
		SELECT s.sign, s.as_of, r FROM side AS s CROSS JOIN LATERAL compute_ledger._rate_payer(whole.payer, usage_of, s.as_of, whole.book) AS r
		WHERE by_share AND r.billing_period = whole.billing_period AND r.kind = whole.kind AND r.account = whole.account AND r.price = whole.price
			AND r.day IS NOT DISTINCT FROM whole.day AND r.unit IS NOT DISTINCT FROM whole.unit AND r.currency = whole.currency
	), part AS (
		SELECT t.record, t.part_from, t.part_to, t.devices, r.sign * t.amount AS amount, r.sign * t.quantity AS quantity, t.unit, r.sign * t.cost AS cost, t.note,
			-- of what is no correction every row stands by itself
			CASE WHEN traced.corrects IS NULL THEN row_number() OVER () END AS n
		FROM rated AS r CROSS JOIN LATERAL compute_ledger._trace(r.charge, usage_of, r.as_of) AS t
	), net AS (
		SELECT p.record, p.part_from, p.part_to, p.devices, sum(p.amount) AS amount, sum(p.quantity) AS quantity, p.unit, sum(p.cost) AS cost, max(p.note) AS note
		FROM part AS p
		-- what has no record is told by its note
		GROUP BY p.record, p.part_from, p.part_to, p.devices, p.unit, p.n, CASE WHEN p.record IS NULL THEN p.note END
		HAVING traced.corrects IS NULL OR sum(p.amount) <> 0 OR sum(p.cost) <> 0 OR (by_share OR sum(p.amount) IS NULL) AND sum(p.quantity) <> 0
	)
	SELECT n.record, r.source, r.source_id, r.revision, n.part_from, n.part_to, n.devices, n.amount,
		-- the last digits of parts that are left out because only their neighbours changed
		CASE WHEN abs(n.rest) < 0.000000001 THEN n.quantity + n.rest ELSE n.quantity END, n.unit, n.cost, n.note
	FROM (
		SELECT o.*, CASE WHEN lead(o.part_from) OVER (ORDER BY o.part_from, o.record) IS NULL THEN traced.quantity - sum(o.quantity) OVER () ELSE 0 END AS rest
		FROM net AS o
	) AS n
	LEFT JOIN compute_ledger.usage_record AS r ON r.id = n.record AND r.started_at <= n.part_from
	ORDER BY n.part_from, n.record;
END
$$;
COMMENT ON FUNCTION _trace_charge(bigint) IS 'what trace_charge() does';

CREATE FUNCTION trace_charge(charge bigint,
		OUT record bigint, OUT source text, OUT source_id text, OUT revision integer, OUT part_from timestamptz, OUT part_to timestamptz, OUT devices numeric,
		OUT amount numeric, OUT quantity numeric, OUT unit text, OUT cost numeric, OUT note text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._trace_charge(charge) AS t;
END
$$;
COMMENT ON FUNCTION trace_charge(bigint) IS 'the parts of usage records that a charge is made of, to the microsecond: record, its key in its source, from when to when, how many devices, the exact amount, and its share of quantity and cost, which add up to the charge''s; note: of a peak or percentile, that it was in use at the instant that decided, and which that is. Of a minimum commitment, the share of the minimum and, negative, what was counted towards it. Of a correction, the parts that came and those that went, which are negative. 02000 no such charge.';

CREATE FUNCTION _trace_charge(charge rated_charge, as_of timestamptz DEFAULT NULL,
		OUT record bigint, OUT source text, OUT source_id text, OUT revision integer, OUT part_from timestamptz, OUT part_to timestamptz, OUT devices numeric,
		OUT amount numeric, OUT quantity numeric, OUT unit text, OUT cost numeric, OUT note text) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
DECLARE
	usage_of tstzrange;
BEGIN
	PERFORM compute_ledger._require_ledger();
	as_of := compute_ledger._as_of(coalesce(as_of, compute_ledger._rated_as_of(NULL)));
	SELECT tstzrange(b.starts_at, b.ends_at) INTO usage_of FROM compute_ledger._billing_periods(as_of) AS b WHERE b.id = (charge).billing_period;
	RETURN QUERY
	SELECT t.record, r.source, r.source_id, r.revision, t.part_from, t.part_to, t.devices, t.amount, t.quantity, t.unit, t.cost, t.note
	FROM compute_ledger._trace(charge, usage_of, as_of) AS t
	LEFT JOIN compute_ledger.usage_record AS r ON r.id = t.record AND r.started_at <= t.part_from
	ORDER BY t.part_from, t.record;
END
$$;
COMMENT ON FUNCTION _trace_charge(rated_charge, timestamptz) IS 'what trace_charge() does';

CREATE FUNCTION trace_charge(charge rated_charge, as_of timestamptz DEFAULT NULL,
		OUT record bigint, OUT source text, OUT source_id text, OUT revision integer, OUT part_from timestamptz, OUT part_to timestamptz, OUT devices numeric,
		OUT amount numeric, OUT quantity numeric, OUT unit text, OUT cost numeric, OUT note text) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._trace_charge(charge, as_of) AS t;
END
$$;
COMMENT ON FUNCTION trace_charge(rated_charge, timestamptz) IS 'the same for a row of rate_usage(), as of the same recorded time, by default the one that rating chose last in this transaction, or the watermark';

CREATE FUNCTION _traced(charge anyelement, payer bigint, billing_period bigint, period tstzrange DEFAULT NULL) RETURNS rated_charge
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET datestyle = 'ISO, YMD'
AS $$
	SELECT jsonb_populate_record(NULL::compute_ledger.rated_charge, to_jsonb(charge) || jsonb_build_object('payer', payer, 'billing_period', billing_period)
		|| CASE WHEN period IS NULL THEN '{}' ELSE jsonb_build_object('period', period) END)
$$;
COMMENT ON FUNCTION _traced(anyelement, bigint, bigint, tstzrange) IS 'a stored charge as rate_usage() would return it, for the payer and in the billing period of its usage, and for another period if one is given';

CREATE FUNCTION _rate_diff(account text, period tstzrange, as_of_a timestamptz, as_of_b timestamptz, book text DEFAULT 'sale',
		OUT charged_account bigint, OUT day date, OUT region integer, OUT accelerator accelerator, OUT number_format text, OUT measure text, OUT price bigint,
		OUT quantity_a numeric, OUT quantity_b numeric, OUT unit text, OUT cost_a numeric, OUT cost_b numeric, OUT difference numeric, OUT currency text, OUT reasons text[]) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE ROWS 100
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	as_of_b := compute_ledger._as_of(as_of_b);
	IF as_of_a IS NULL OR as_of_a > as_of_b THEN
		PERFORM compute_ledger._refuse('22023', 'the first recorded time must not lie after the second');
	END IF;
	RETURN QUERY
	WITH side AS (
		SELECT a.*, false AS after FROM compute_ledger._rate_usage(_rate_diff.account, _rate_diff.period, as_of_a, _rate_diff.book) AS a
		UNION ALL
		SELECT b.*, true FROM compute_ledger._rate_usage(_rate_diff.account, _rate_diff.period, as_of_b, _rate_diff.book) AS b
	), changed AS (
		SELECT s.kind, s.account, s.day, s.region, s.accelerator, s.number_format, s.measure, s.price, s.unit, s.currency, s.basis, s.rate, s.share, s.reservation,
			tstzrange(min(lower(s.period)), max(upper(s.period))) AS period,
			sum(s.amount) FILTER (WHERE NOT s.after) AS amount_a, sum(s.amount) FILTER (WHERE s.after) AS amount_b,
			sum(s.quantity) FILTER (WHERE NOT s.after) AS quantity_a, sum(s.quantity) FILTER (WHERE s.after) AS quantity_b,
			sum(s.cost) FILTER (WHERE NOT s.after) AS cost_a, sum(s.cost) FILTER (WHERE s.after) AS cost_b,
			bool_and(s.after) AS came, bool_and(NOT s.after) AS went
		FROM side AS s
		GROUP BY s.kind, s.account, s.day, s.region, s.accelerator, s.number_format, s.measure, s.price, s.unit, s.currency, s.basis, s.rate, s.share, s.reservation
	), different AS (
		SELECT c.* FROM changed AS c
		WHERE c.came OR c.went OR c.amount_a IS DISTINCT FROM c.amount_b OR c.cost_a IS DISTINCT FROM c.cost_b
			OR c.amount_a IS NULL AND c.quantity_a IS DISTINCT FROM c.quantity_b
	), record AS MATERIALIZED (
		-- records that one of the two times knows and the other does not
		SELECT r.account, r.region, r.accelerator, r.number_format, r.measure, r.basis, r.rate, r.started_at, r.ended_at, r.reservation,
			CASE WHEN r.recorded > as_of_a THEN
				CASE WHEN EXISTS (SELECT FROM compute_ledger._usage_revisions(r.source, r.source_id) AS k WHERE k.recorded <= as_of_a) THEN 'new revision' ELSE 'late record' END
			WHEN EXISTS (SELECT FROM compute_ledger._usage_revisions(r.source, r.source_id) AS k
				WHERE k.recorded <= as_of_b AND k.revision > r.revision AND NOT k.retracted) THEN 'new revision'
			ELSE 'retraction' END AS reason
		FROM compute_ledger.usage_record AS r
		WHERE r.started_at < upper(_rate_diff.period) AND r.ended_at > lower(_rate_diff.period)
			AND (r.recorded > as_of_a AND r.recorded <= as_of_b AND r.superseded > as_of_b
				OR r.recorded <= as_of_a AND r.superseded > as_of_a AND r.superseded <= as_of_b)
	), under AS MATERIALIZED (
		SELECT t.account, t.ancestor, t.depth, t.valid FROM compute_ledger._account_tree(as_of_b) AS t
		WHERE t.account IN (SELECT r.account FROM record AS r)
	), within AS MATERIALIZED (
		SELECT t.region, t.ancestor, t.valid FROM compute_ledger._region_tree(as_of_b) AS t
		WHERE t.region IN (SELECT r.region FROM record AS r)
	)
	SELECT d.account, d.day, d.region, d.accelerator, d.number_format, d.measure, d.price, d.quantity_a, d.quantity_b, d.unit, d.cost_a, d.cost_b,
		coalesce(d.cost_b, 0) - coalesce(d.cost_a, 0), d.currency,
		coalesce(nullif(y.reasons, '{}'), CASE
			-- what was not over yet: open records, and what is charged at the end of a billing period
			WHEN upper(d.period) > as_of_a THEN ARRAY['time passed']
			WHEN d.came OR d.went OR d.amount_a IS DISTINCT FROM d.amount_b OR d.amount_a IS NULL THEN ARRAY['tree change']
			ELSE ARRAY['other usage of the pool'] END)
	FROM different AS d
	CROSS JOIN LATERAL (SELECT ARRAY(
		SELECT DISTINCT r.reason FROM record AS r
		-- what draws on a reservation, and the reservation, change each other's charges
		WHERE (r.measure = d.measure OR r.reservation = d.reservation) AND tstzrange(r.started_at, r.ended_at) && d.period
			-- an account that was merged into another is that one
			AND EXISTS (SELECT FROM under AS u WHERE u.account = r.account AND u.ancestor = d.account AND u.valid && d.period
				AND (u.depth = 0 OR NOT compute_ledger._is_by_sum(d.kind)))
			AND CASE WHEN r.reservation = d.reservation THEN true
				WHEN compute_ledger._is_by_sum(d.kind) THEN r.region = d.region AND r.accelerator OPERATOR(compute_ledger.=) d.accelerator
					AND r.number_format IS NOT DISTINCT FROM d.number_format AND r.basis = d.basis
				-- charged for all that the price may win
				ELSE d.accelerator OPERATOR(compute_ledger.@>) r.accelerator AND (d.number_format IS NULL OR r.number_format = d.number_format)
					AND (d.region IS NULL OR EXISTS (SELECT FROM within AS w WHERE w.region = r.region AND w.ancestor = d.region AND w.valid && d.period)) END
		UNION
		SELECT 'price change' FROM compute_ledger.price AS p
		WHERE (p.id = d.price OR d.price IS NULL AND p.book = _rate_diff.book AND p.measure = d.measure AND p.valid && d.period
				AND p.accelerator OPERATOR(compute_ledger.@>) d.accelerator)
			AND (lower(p.recorded) > as_of_a AND lower(p.recorded) <= as_of_b OR upper(p.recorded) > as_of_a AND upper(p.recorded) <= as_of_b)
		ORDER BY 1)) AS y (reasons)
	ORDER BY d.account, d.day, d.accelerator, d.region, d.price;
END
$$;
COMMENT ON FUNCTION _rate_diff(text, tstzrange, timestamptz, timestamptz, text) IS 'what rate_diff() does';

CREATE FUNCTION rate_diff(account text, period tstzrange, as_of_a timestamptz, as_of_b timestamptz, book text DEFAULT 'sale',
		OUT charged_account bigint, OUT day date, OUT region integer, OUT accelerator accelerator, OUT number_format text, OUT measure text, OUT price bigint,
		OUT quantity_a numeric, OUT quantity_b numeric, OUT unit text, OUT cost_a numeric, OUT cost_b numeric, OUT difference numeric, OUT currency text, OUT reasons text[]) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._rate_diff(account, period, as_of_a, as_of_b, book) AS t;
END
$$;
COMMENT ON FUNCTION rate_diff(text, tstzrange, timestamptz, timestamptz, text) IS 'the charges of an account''s subtree in a period that differ between two recorded times, and why: late record, new revision, retraction (a record of that account, chip and day, or of those that a charge for several is for), price change, tree change, time passed (what was not over yet: open records, a billing period), or other usage of the pool (its tiers are reached elsewhere)';
