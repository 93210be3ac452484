-- Spend by label: charges shared out over what their records say: a label, a run, a user.
--
-- A charge is shared out as trace_charge() shares it out over parts of records.  What has no record is shared as table
-- spend_rule says, and what is not shared is of no value.  So all values of a key add up to the charges, to the last digit.

CREATE FUNCTION _label_value(key text, labels jsonb, run text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE key WHEN 'run' THEN coalesce(run, labels ->> 'run') ELSE labels ->> key END;
COMMENT ON FUNCTION _label_value(text, jsonb, text) IS 'what a record says of a key, given its labels and its run: of key run its run, or else its label of that name; NULL: nothing';

CREATE FUNCTION _spend_of(keys text[], account text, period tstzrange, as_of timestamptz, book text, seen bigint[] DEFAULT NULL,
		OUT n bigint, OUT charge rated_charge, OUT key text, OUT value text, OUT value_account bigint, OUT currency text, OUT cost numeric, OUT by_rule boolean) RETURNS SETOF record
	LANGUAGE plpgsql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	scope record;
BEGIN
	SELECT s.* INTO scope FROM compute_ledger._rating_scope(_spend_of.account, _spend_of.period, _spend_of.as_of) AS s;
	IF scope.payers IS NULL OR scope.starts >= scope.ends THEN
		RETURN;
	END IF;
	RETURN QUERY
	WITH asked AS (
		SELECT k.key FROM unnest(keys) AS k (key)
	), c AS MATERIALIZED (
		SELECT row_number() OVER () AS n, 0 AS series, r AS charge, r.kind, r.account, r.payer, r.billing_period, r.day, r.measure, r.currency, r.cost, r.reservation
		FROM compute_ledger._rate(_spend_of.book, _spend_of.as_of, scope.payers, scope.accounts, scope.root, _spend_of.period, scope.starts, scope.ends) AS r
	), under AS MATERIALIZED (
		SELECT DISTINCT t.account, t.ancestor FROM compute_ledger._account_tree(_spend_of.as_of) AS t
		WHERE t.valid && tstzrange(scope.starts, scope.ends) AND t.account = ANY (scope.accounts)
	), part AS (
		-- in one rating, which is kept for the second
		SELECT a.numbers[p.number] AS n, p.record, p.cost, p.amount
		FROM (SELECT array_agg(c.n ORDER BY c.n) AS numbers, array_agg(c.charge ORDER BY c.n) AS charges FROM c WHERE compute_ledger._is_by_sum(c.kind) AND (c.cost IS NOT NULL OR c.kind = 'drawn')) AS a
		CROSS JOIN LATERAL compute_ledger._rate_all_parts(_spend_of.book, _spend_of.as_of, scope.payers, scope.accounts, scope.root, _spend_of.period, scope.starts, scope.ends, a.charges) AS p
		WHERE cardinality(keys) > 0 AND a.charges IS NOT NULL
		UNION ALL
		SELECT c.n, p.record, p.cost, p.amount
		FROM c CROSS JOIN LATERAL compute_ledger._trace_in(c.charge, _spend_of.as_of, scope.payers, scope.accounts, scope.root, _spend_of.period, scope.starts, scope.ends) AS p
		WHERE cardinality(keys) > 0 AND c.kind IN ('peak', 'percentile', 'reserved used', 'beyond')
	), said AS MATERIALIZED (
		SELECT p.n, a.key, v.value, r.account, sum(p.cost) AS cost, sum(p.amount) AS amount
		FROM part AS p
		JOIN compute_ledger.usage_record AS r ON r.id = p.record AND r.account = ANY (scope.accounts) AND r.started_at < scope.ends AND r.ended_at > scope.starts
		CROSS JOIN asked AS a
		CROSS JOIN LATERAL (SELECT compute_ledger._label_value(a.key, r.labels, r.run) AS value) AS v
		GROUP BY p.n, a.key, v.value, r.account
	)
-- @include spend_query.sql
	SELECT c.n, c.charge, NULL, NULL, NULL, NULL, NULL, NULL FROM c
	WHERE seen IS NULL OR c.account = ANY (seen)
	UNION ALL
	-- what is shared out is weighed by all that was spent; and a charge for many accounts may be seen by who does not see all of them
	SELECT s.n, NULL, s.key, CASE WHEN seen IS NULL OR s.account = ANY (seen) THEN s.value END, s.account, c.currency, s.cost, s.by_rule
	FROM share AS s JOIN c ON c.n = s.n
	WHERE seen IS NULL OR c.account = ANY (seen);
END
$$;
COMMENT ON FUNCTION _spend_of(text[], text, tstzrange, timestamptz, text, bigint[]) IS 'the charges of an account''s subtree in a period, of accounts that are seen only, if these are given, and their shares by the values of keys: rows of which key is NULL are charges, the others shares of the charge with the same n';

CREATE FUNCTION _spend_by_own(key text, account text, period tstzrange, as_of timestamptz, book text, role name DEFAULT current_user,
		OUT value text, OUT currency text, OUT cost numeric, OUT shared numeric) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 100
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
#variable_conflict use_column
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF NOT compute_ledger._sees_name(account, role) THEN
		PERFORM compute_ledger._refuse('42501', format('permission denied for %s', coalesce('account "' || account || '"', 'all accounts')),
			hint => 'View my_account shows the accounts that you may ask for.');
	ELSIF book IS DISTINCT FROM 'sale' THEN
		PERFORM compute_ledger._refuse('42501', format('permission denied for price book "%s"', book));
	END IF;
	as_of := compute_ledger._as_of(as_of);
	RETURN QUERY
	SELECT s.value, s.currency, sum(s.cost), coalesce(sum(s.cost) FILTER (WHERE s.by_rule), 0)
	FROM compute_ledger._spend_of(ARRAY[_spend_by_own.key], account, period, as_of, book, ARRAY(SELECT compute_ledger._visible_accounts(role))) AS s
	WHERE s.key IS NOT NULL
	GROUP BY s.value, s.currency
	ORDER BY 2, 3 DESC, 1;
END
$$;
COMMENT ON FUNCTION _spend_by_own(text, text, tstzrange, timestamptz, text, name) IS 'what spend_by() does for readers';

CREATE FUNCTION _spend_by(key text, account text, period tstzrange, as_of timestamptz DEFAULT NULL, book text DEFAULT 'sale',
		OUT value text, OUT currency text, OUT cost numeric, OUT shared numeric) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE ROWS 100
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
#variable_conflict use_column
BEGIN
	IF _spend_by.key IS NULL THEN
		PERFORM compute_ledger._refuse('22004', 'the key must be stated');
	END IF;
	IF NOT compute_ledger._sees_everything() THEN
		RETURN QUERY SELECT s.* FROM compute_ledger._spend_by_own(_spend_by.key, account, period, as_of, book) AS s;
		RETURN;
	END IF;
	PERFORM compute_ledger._require_ledger();
	as_of := compute_ledger._as_of(as_of);
	RETURN QUERY
	SELECT s.value, s.currency, sum(s.cost), coalesce(sum(s.cost) FILTER (WHERE s.by_rule), 0)
	FROM compute_ledger._spend_of(ARRAY[_spend_by.key], account, period, as_of, book) AS s
	WHERE s.key IS NOT NULL
	GROUP BY s.value, s.currency
	ORDER BY 2, 3 DESC, 1;
END
$$;
COMMENT ON FUNCTION _spend_by(text, text, tstzrange, timestamptz, text) IS 'what spend_by() does';

CREATE FUNCTION spend_by(key text, account text, period tstzrange, as_of timestamptz DEFAULT NULL, book text DEFAULT 'sale',
		OUT value text, OUT currency text, OUT cost numeric, OUT shared numeric) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._spend_by(key, account, period, as_of, book) AS t;
END
$$;
COMMENT ON FUNCTION spend_by(text, text, tstzrange, timestamptz, text) IS 'what rate_usage() says that an account and all under it (NULL: all accounts) cost in a period, by the values that usage records have for a key: the name of a label, such as user, or run. One row for each value and currency, the dearest first, and one whose value is NULL for what has none; they add up to the charges. shared: what of the cost has no record and was shared out as table spend_rule says. A reader gets the charges that he sees, and values of accounts that he sees. 22004 without a key; LC006, 42501, LC012 and 55000 as rate_usage().';

-- ------------------------------------------------------------------ kept

CREATE FUNCTION _has_records(closing bigint) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	-- a month is there or not: one charge of each tells, one in its middle, as days of other zones are of two
	SELECT coalesce(bool_and(t.cost = h.cost), true)
	FROM (
		SELECT DISTINCT ON (date_trunc('month', c.day::timestamp)) c.id, c.cost
		FROM compute_ledger.charge AS c
		WHERE c.close = closing AND c.corrects IS NULL AND c.cost <> 0 AND compute_ledger._is_by_sum(c.kind)
		ORDER BY date_trunc('month', c.day::timestamp), abs(extract(day FROM c.day) - 15), c.id
	) AS h
	CROSS JOIN LATERAL (SELECT coalesce(sum(p.cost), 0) AS cost FROM compute_ledger._trace_charge(h.id) AS p) AS t
$$;
COMMENT ON FUNCTION _has_records(bigint) IS 'part of refresh_rollups(): whether the records are there that a closing has charges for, and not detached';

CREATE FUNCTION _share_closing(closing bigint, keys text[]) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	-- @planner
	-- charges and their shares are joined by hash, whatever was known of the tables
	SET enable_nestloop = off
AS $$
#variable_conflict use_variable
DECLARE
	closed compute_ledger.period_close;
	whole tstzrange;
	accounts bigint[];
	complete boolean := compute_ledger._has_records(closing);
BEGIN
	IF NOT complete THEN
		-- what was shared out while they were there stays
		UPDATE compute_ledger.spend_shared AS d SET stale = false WHERE d.close = closing AND d.key = ANY (keys) AND d.complete;
		keys := ARRAY(SELECT k.key FROM unnest(keys) AS k (key) WHERE NOT EXISTS (SELECT FROM compute_ledger.spend_shared AS d WHERE d.close = closing AND d.key = k.key AND d.complete));
	END IF;
	DELETE FROM compute_ledger.spend_share AS s USING compute_ledger.charge AS h WHERE h.close = closing AND s.charge = h.id AND s.key = ANY (keys);
	DELETE FROM compute_ledger.spend_shared AS d WHERE d.close = closing AND d.key = ANY (keys);
	SELECT p.* INTO closed FROM compute_ledger.period_close AS p WHERE p.id = closing;
	SELECT b.period INTO whole FROM compute_ledger.billing_period AS b WHERE b.id = closed.billing_period;
	accounts := ARRAY(SELECT DISTINCT p.account FROM compute_ledger._billed_accounts(closed.as_of) AS p WHERE p.payer = closed.payer AND p.valid && whole);
	INSERT INTO compute_ledger.spend_share (charge, key, value, account, cost, day, by_rule)
	WITH asked AS (
		SELECT k.key FROM unnest(keys) AS k (key)
	), c AS MATERIALIZED (
		SELECT h.id AS n, coalesce(h.corrects, 0) AS series, h.kind, h.account, coalesce(h.corrects_payer, h.payer) AS payer, coalesce(h.corrects, h.billing_period) AS billing_period,
			h.day, h.measure, h.currency, h.cost, h.reservation, h.corrects, h.period,
			CASE WHEN h.corrects IS NULL THEN compute_ledger._traced(h, h.payer, h.billing_period, CASE WHEN compute_ledger._is_by_sum(h.kind) THEN whole END) END AS charge
		FROM compute_ledger.charge AS h
		WHERE h.close = closing AND (h.cost IS NOT NULL OR h.kind = 'drawn')
	), under AS MATERIALIZED (
		SELECT DISTINCT t.account, t.ancestor FROM compute_ledger._account_tree(closed.as_of) AS t
		WHERE t.valid && whole AND t.account IN (SELECT c.account FROM c)
	), part AS (
		SELECT a.numbers[p.number] AS n, p.record, p.cost, p.amount
		FROM (SELECT array_agg(c.n ORDER BY c.n) AS numbers, array_agg(c.charge ORDER BY c.n) AS charges FROM c WHERE c.corrects IS NULL AND compute_ledger._is_by_sum(c.kind)) AS a
		CROSS JOIN LATERAL compute_ledger._rate_all_parts(closed.book, closed.as_of, ARRAY[closed.payer], accounts, NULL, whole, lower(whole), least(upper(whole), closed.as_of), a.charges) AS p
		WHERE a.charges IS NOT NULL
		UNION ALL
		SELECT c.n, p.record, p.cost, p.amount
		FROM c CROSS JOIN LATERAL compute_ledger._trace_in(c.charge, closed.as_of, ARRAY[closed.payer], accounts, NULL, whole, lower(whole), least(upper(whole), closed.as_of)) AS p
		WHERE c.corrects IS NULL AND c.kind IN ('peak', 'percentile', 'reserved used', 'beyond')
	), used AS (
		SELECT p.n, r.account, r.labels, r.run, p.cost, p.amount
		FROM part AS p
		JOIN compute_ledger.usage_record AS r ON r.id = p.record AND r.account = ANY (accounts) AND r.started_at < upper(whole) AND r.ended_at > lower(whole)
		UNION ALL
		SELECT c.n, r.account, r.labels, r.run, p.cost, p.amount
		FROM c CROSS JOIN LATERAL compute_ledger._trace_charge(c.n) AS p
		JOIN compute_ledger.usage_record AS r ON r.id = p.record AND r.started_at <= p.part_from
		WHERE c.corrects IS NOT NULL
	), said AS MATERIALIZED (
		SELECT u.n, a.key, v.value, u.account, sum(u.cost) AS cost, sum(u.amount) AS amount
		FROM used AS u
		CROSS JOIN asked AS a
		CROSS JOIN LATERAL (SELECT compute_ledger._label_value(a.key, u.labels, u.run) AS value) AS v
		GROUP BY u.n, a.key, v.value, u.account
	)
	-- @include spend_query.sql
	SELECT s.n, s.key, s.value, s.account, s.cost, coalesce(c.day, (lower(c.period) AT TIME ZONE coalesce(z.time_zone, 'UTC'))::date), s.by_rule
	FROM share AS s
	JOIN c ON c.n = s.n
	LEFT JOIN compute_ledger._payers(closed.as_of) AS z ON c.day IS NULL AND z.account = c.account AND z.valid @> lower(c.period);
	INSERT INTO compute_ledger.spend_shared (close, key, complete) SELECT closing, k.key, complete FROM unnest(keys) AS k (key);
END
$$;
COMMENT ON FUNCTION _share_closing(bigint, text[]) IS 'part of refresh_rollups(): shares out the charges of a closing by the values of keys';

CREATE FUNCTION _share_closings(attached boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF attached THEN
		UPDATE compute_ledger.spend_shared AS d SET stale = true WHERE NOT d.complete;
	END IF;
	-- what a closing has stored never changes, nor do the records of its time
	PERFORM compute_ledger._share_closing(m.id, m.keys)
	FROM (
		SELECT p.id, array_agg(k.key ORDER BY k.key) AS keys
		FROM compute_ledger.period_close AS p CROSS JOIN compute_ledger.spend_key AS k
		WHERE NOT EXISTS (SELECT FROM compute_ledger.spend_shared AS d WHERE d.close = p.id AND d.key = k.key AND NOT d.stale)
		GROUP BY p.id
		ORDER BY p.id
	) AS m;
END
$$;
COMMENT ON FUNCTION _share_closings(boolean) IS 'part of refresh_rollups(): shares out the charges of closings that are not shared out yet by the keys in spend_key, and, where months were attached, of those whose records were not there';

CREATE FUNCTION _spend_touch() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_TABLE_NAME = 'spend_key' THEN
		DELETE FROM compute_ledger.spend_share AS s WHERE s.key = OLD.key;
		DELETE FROM compute_ledger.spend_shared AS d WHERE d.key = OLD.key;
		RETURN OLD;
	END IF;
	UPDATE compute_ledger.spend_shared AS d SET stale = true;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _spend_touch() IS 'trigger of spend_key and spend_rule: what was shared out by a key that goes, or by other rules, is shared out anew by the next refresh_rollups()';

CREATE FUNCTION _spend_turn() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- a refresh that has begun would share out by what is changed here, and nothing would take that back
	UPDATE compute_ledger.rollup_state AS s SET as_of = s.as_of;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _spend_turn() IS 'trigger of spend_key and spend_rule: waits for a refresh of the rollups that is at work, and lets the next one wait for what changes';

CREATE FUNCTION _spend_refuse() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._refuse('0A000', format('table %s does not take %s', quote_ident(TG_TABLE_NAME), TG_OP),
		hint => CASE TG_TABLE_NAME WHEN 'spend_key' THEN 'Insert and delete keys.' ELSE 'Update column share.' END);
END
$$;
COMMENT ON FUNCTION _spend_refuse() IS 'trigger of spend_key and spend_rule: raises 0A000';

-- ------------------------------------------------------------------ checking

CREATE FUNCTION _check_spend() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT 'spend by label', format('charge %s', c.id), format('costs %s, and its shares by %s come to %s', c.cost, d.key, coalesce(s.cost::text, 'nothing'))
	FROM compute_ledger.spend_shared AS d
	JOIN compute_ledger.charge AS c ON c.close = d.close
	LEFT JOIN (SELECT s.charge, s.key, sum(s.cost) AS cost FROM compute_ledger.spend_share AS s GROUP BY s.charge, s.key) AS s ON s.charge = c.id AND s.key = d.key
	WHERE c.cost IS DISTINCT FROM s.cost;

	RETURN QUERY
	SELECT 'spend by label', format('charge %s', s.charge), format('is shared out by %s, and its closing is not', s.key)
	FROM compute_ledger.spend_share AS s LEFT JOIN compute_ledger.charge AS c ON c.id = s.charge
	WHERE NOT EXISTS (SELECT FROM compute_ledger.spend_shared AS d WHERE d.close = c.close AND d.key = s.key);
END
$$;
COMMENT ON FUNCTION _check_spend() IS 'part of check_ledger(): charges against the sums of their shares by label';
