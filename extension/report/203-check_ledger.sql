-- check_ledger(): what of the ledger contradicts what it promises.
--
-- A row is a breach of something that constraints, triggers and functions see to, so on
-- a sound ledger there is none.  There are breaches after a restore that went wrong, after
-- somebody with more rights than sense went round the functions, or if this extension has a
-- mistake.  Everything is computed anew, by sets, in one snapshot, and nothing is written.
--
-- What was checked as of a recorded time and cannot have changed since need not be read again: since, of functions that
-- have it, leaves out rows that were recorded, and superseded if they are, up to then; of -infinity there are none.
--
-- Each function checks one part; its rows are (check_name, object, detail).  Those that
-- contradict nothing are advice.

CREATE FUNCTION _changed_usage(since timestamptz) RETURNS TABLE (started_at timestamptz, ended_at timestamptz)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT u.started_at, u.ended_at FROM compute_ledger.usage_record AS u WHERE u.recorded > since
	UNION ALL
	SELECT u.started_at, u.ended_at FROM compute_ledger.usage_record AS u WHERE u.recorded <= since AND u.superseded > since AND u.superseded < 'infinity';
END
$$;
COMMENT ON FUNCTION _changed_usage(timestamptz) IS 'part of check_ledger(): the records that were recorded, or superseded, after a recorded time';

CREATE FUNCTION _check_usage() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- What was taken in is accounted for.  A month that was detached has taken its records with it: then as many are missing as
	-- there are keys that lead to none.
	RETURN QUERY
	WITH kept AS MATERIALIZED (
		SELECT u.batch, count(*) AS n, count(*) FILTER (WHERE u.identification = 0) AS records
		FROM (SELECT i.batch, i.identification FROM compute_ledger.usage_record AS i
			UNION ALL SELECT a.batch, NULL FROM compute_ledger.usage_key AS a WHERE a.record IS NULL) AS u
		GROUP BY u.batch
	), counted AS MATERIALIZED (
		SELECT coalesce(b.id, k.batch, r.batch) AS batch, b.id IS NULL AS is_lost, b.kind, b.taken, b.accepted, b.duplicate, b.rejected, coalesce(k.n, 0) AS n, coalesce(r.n, 0) AS rejects
		FROM compute_ledger.usage_batch AS b
		FULL JOIN kept AS k ON k.batch = b.id
		FULL JOIN (SELECT u.batch, count(*) AS n FROM compute_ledger.usage_rejected AS u GROUP BY u.batch) AS r ON r.batch = coalesce(b.id, k.batch)
	), missing AS MATERIALIZED (
		SELECT coalesce((SELECT sum(coalesce(c.accepted, 0) - c.n) FROM counted AS c WHERE c.kind IS DISTINCT FROM 'reidentify'), 0) AS records,
			(SELECT count(*) FROM compute_ledger.usage_key AS k WHERE k.record IS NOT NULL) - coalesce((SELECT sum(k.records) FROM kept AS k), 0) AS of_keys
	)
	SELECT 'batch counts', 'batch ' || c.batch,
		CASE WHEN c.is_lost THEN format('has %s records and retractions and %s rejected rows, but no row in usage_batch', c.n, c.rejects)
			ELSE format('took %s: %s accepted, %s duplicate, %s rejected; there are %s records and retractions and %s rejected rows of it', c.taken, c.accepted, c.duplicate, c.rejected, c.n, c.rejects) END
	FROM counted AS c
	WHERE (c.taken = c.accepted + c.duplicate + c.rejected AND c.rejected = c.rejects
		AND (c.accepted = c.n OR c.accepted > c.n AND (c.kind = 'reidentify' OR (SELECT m.records = m.of_keys FROM missing AS m)))) IS NOT TRUE
	UNION ALL
	SELECT 'batch counts', 'usage_key', format('%s records and retractions that batches accepted are not there, and %s keys have no record', m.records, m.of_keys)
	FROM missing AS m
	WHERE m.records <> m.of_keys;

	RETURN QUERY
	SELECT 'retried counts', 'batch ' || coalesce(b.id, r.batch),
		format('took %s rejected rows, and %s say that it did', coalesce(b.taken, 0), coalesce(r.n, 0))
	FROM (SELECT u.id, u.taken FROM compute_ledger.usage_batch AS u WHERE u.kind = 'retry') AS b
	FULL JOIN (SELECT u.retried_in AS batch, count(*) AS n FROM compute_ledger.usage_rejected AS u WHERE u.retried_in IS NOT NULL GROUP BY u.retried_in) AS r ON r.batch = b.id
	WHERE b.taken IS DISTINCT FROM r.n AND NOT (b.taken = 0 AND r.n IS NULL);

	-- Every key has its record and every record its key, which says what the record says.  A month
	-- that was detached has taken its records with it, and its keys stay.
	RETURN QUERY
	WITH bound AS (
		SELECT c.oid AS part, pg_get_expr(c.relpartbound, c.oid) AS bound
		FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'compute_ledger._usage_record'::regclass
	), attached AS (
		SELECT CASE WHEN b.bound = 'DEFAULT' THEN tstzrange(NULL, NULL)
			ELSE tstzrange(substring(b.bound FROM $re$FROM \('([^']*)'\)$re$)::timestamptz, substring(b.bound FROM $re$TO \('([^']*)'\)$re$)::timestamptz) END AS month,
			-- one that was made anew for late usage of a month that was detached has nothing from before
			coalesce(f.first, 0) AS since
		FROM bound AS b
		LEFT JOIN (SELECT u.tableoid AS part, min(u.id) AS first FROM compute_ledger._usage_record AS u GROUP BY u.tableoid) AS f ON f.part = b.part
	)
	SELECT CASE WHEN r.id IS NULL THEN 'key without record' WHEN k.record IS NULL THEN 'record without key'
			WHEN (k.name, k.key) IS DISTINCT FROM (r.source, r.key) THEN 'key and record'
			ELSE 'digest' END,
		CASE WHEN r.id IS NULL THEN format('key (%s, %s, %s)', k.name, compute_ledger._usage_key_text(k.key), k.revision) ELSE 'record ' || r.id END,
		CASE WHEN r.id IS NULL THEN format('usage_record has no row %s that starts in %s', k.record, to_char(compute_ledger._usage_month_starts(k.month) AT TIME ZONE 'UTC', 'YYYY-MM'))
			WHEN k.record IS NULL THEN format('usage_key has no row (%s, %s, %s) for it', r.source, r.source_id, r.revision)
			WHEN (k.name, k.key) IS DISTINCT FROM (r.source, r.key)
				THEN format('its key is (%s, %s, %s), and it says (%s, %s, %s)', k.name, compute_ledger._usage_key_text(k.key), k.revision, r.source, r.source_id, r.revision)
			ELSE 'what it says is not what was accepted' END
	FROM (SELECT u.*, s.source AS name, compute_ledger._usage_key_revision(u.key) AS revision FROM compute_ledger.usage_key AS u LEFT JOIN compute_ledger.usage_source AS s ON s.number = u.source WHERE u.record IS NOT NULL) AS k
	FULL JOIN (SELECT u.*, compute_ledger._usage_key_of(u.source_id, u.revision) AS key, compute_ledger._usage_month_number(u.started_at) AS month FROM compute_ledger.usage_record AS u) AS r
		ON r.id = k.record AND r.month = k.month
	WHERE CASE
		-- of a month of which only a part is attached it is not known
		WHEN r.id IS NULL THEN (SELECT range_agg(a.month) FROM attached AS a WHERE k.record >= a.since)
			@> tstzrange(compute_ledger._usage_month_starts(k.month), compute_ledger._usage_month_starts(k.month + 1))
		-- a key leads to the row that was identified last
		WHEN k.record IS NULL THEN r.superseded = 'infinity' OR NOT EXISTS (SELECT FROM compute_ledger.usage_key AS n
			JOIN compute_ledger.usage_source AS s ON s.number = n.source
			WHERE s.source = r.source AND n.key = r.key AND n.record > r.id)
		WHEN (k.name, k.key) IS DISTINCT FROM (r.source, r.key) THEN true
		ELSE k.digest <> substr(compute_ledger.usage_digest(r.account_name, r.region_name, r.accelerator_name, r.devices, r.started_at, r.ended_at,
			r.measure, r.number_format, r.achieved_work, r.run, r.labels, r.reservation_name), 1, 16) END;

	RETURN QUERY
	SELECT 'no key', 'usage_key', format('%s of source %s', compute_ledger._usage_key_text(k.key), k.source)
	FROM compute_ledger.usage_key AS k
	WHERE compute_ledger._usage_key_revision(k.key) IS NULL;
	RETURN QUERY
	SELECT 'key of no source', 'source ' || k.source, format('%s keys are of a source that there is not', k.n)
	FROM (SELECT u.source, count(*) AS n FROM compute_ledger.usage_key AS u GROUP BY u.source) AS k
	WHERE NOT EXISTS (SELECT FROM compute_ledger.usage_source AS s WHERE s.number = k.source);

	-- A row was recorded with its batch.
	RETURN QUERY
	SELECT 'batch of record', 'record ' || r.id, format('says that it was recorded at %s, and batch %s was at %s', r.recorded, r.batch, b.recorded)
	FROM compute_ledger.usage_record AS r
	JOIN compute_ledger.usage_batch AS b ON b.id = r.batch
	WHERE r.recorded <> b.recorded;
	-- A source's batches follow each other: what is of a later one has a higher number.
	RETURN QUERY
	SELECT 'batch of record', 'record ' || u.first, format('says that it is of batch %s, as an earlier batch of source "%s" does of record %s', u.batch, u.source, u.before)
	FROM (
		SELECT r.source, r.batch, min(r.id) AS first, max(max(r.id)) OVER (PARTITION BY r.source ORDER BY r.batch ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
		FROM compute_ledger.usage_record AS r
		WHERE r.identification = 0
		GROUP BY r.source, r.batch
	) AS u
	WHERE u.first < u.before;
	-- One that was identified anew is of the time of the first one.
	RETURN QUERY
	SELECT 'batch of record', 'record ' || r.id, format('says that its revision was first recorded at %s, and record %s was at %s', r.first_recorded, f.id, f.recorded)
	FROM compute_ledger.usage_record AS r
	JOIN compute_ledger.usage_record AS f ON f.source = r.source AND f.source_id = r.source_id AND f.revision = r.revision AND f.started_at = r.started_at AND f.identification = 0
	WHERE r.identification > 0 AND r.first_recorded <> f.recorded;

	-- The highest revision is current, and each other one was until a higher one came.  Only revisions above the
	-- lowest supersede anything, and there are few of them.
	RETURN QUERY
	WITH higher AS (
		-- when, is not known of one whose month was detached
		SELECT u.source, substr(u.key, 1, octet_length(u.key) - 4) AS key, compute_ledger._usage_key_revision(u.key) AS revision, 0 AS identification, coalesce(r.first_recorded, r.recorded, b.recorded) AS recorded
		FROM compute_ledger.usage_key AS u
		LEFT JOIN compute_ledger.usage_record AS r ON r.id = u.record AND compute_ledger._usage_month_number(r.started_at) = u.month
		LEFT JOIN compute_ledger.usage_batch AS b ON b.id = u.batch
		WHERE compute_ledger._usage_key_revision(u.key) > 0
		UNION ALL
		SELECT s.number, compute_ledger._usage_key_of(i.source_id, 0), i.revision, i.identification, i.recorded
		FROM compute_ledger.usage_record AS i
		JOIN compute_ledger.usage_source AS s ON s.source = i.source
		WHERE i.identification > 0
	), superseded AS (
		SELECT r.id, r.started_at, CASE WHEN bool_and(h.recorded IS NOT NULL) THEN greatest(r.recorded, min(h.recorded)) END AS superseded
		FROM compute_ledger.usage_record AS r
		JOIN compute_ledger.usage_source AS s ON s.source = r.source
		JOIN higher AS h ON h.source = s.number AND h.key = compute_ledger._usage_key_of(r.source_id, 0) AND (h.revision, h.identification) > (r.revision, r.identification)
		GROUP BY r.id, r.started_at, r.recorded
	)
	SELECT 'current revision', 'record ' || r.id, format('revision %s of (%s, %s) was superseded at %s, and says %s', r.revision, r.source, r.source_id, coalesce(s.superseded::text, 'some time'), r.superseded)
	FROM superseded AS s JOIN compute_ledger.usage_record AS r ON r.id = s.id AND r.started_at = s.started_at
	WHERE CASE WHEN s.superseded IS NULL THEN r.superseded = 'infinity' ELSE r.superseded <> s.superseded END
	UNION ALL
	SELECT 'current revision', 'record ' || r.id, format('revision %s of (%s, %s) is the highest, and says that it was superseded at %s', r.revision, r.source, r.source_id, r.superseded)
	FROM compute_ledger.usage_record AS r
	WHERE r.superseded < 'infinity' AND NOT EXISTS (SELECT FROM superseded AS s WHERE s.id = r.id AND s.started_at = r.started_at);

	-- Records are of accounts and regions that there are.
	RETURN QUERY
	SELECT 'usage of no account', 'account ' || u.account, format('%s records name an account that there is not', u.n)
	FROM (SELECT r.account, count(*) AS n FROM compute_ledger.usage_record AS r GROUP BY r.account) AS u
	WHERE NOT EXISTS (SELECT FROM compute_ledger.account AS a WHERE a.id = u.account);
	RETURN QUERY
	SELECT 'usage of no region', 'region ' || u.region, format('%s records name a region that there is not', u.n)
	FROM (SELECT r.region, count(*) AS n FROM compute_ledger.usage_record AS r WHERE r.region IS NOT NULL GROUP BY r.region) AS u
	WHERE NOT EXISTS (SELECT FROM compute_ledger.region AS g WHERE g.id = u.region);

	-- And of kinds that say what was accepted.
	RETURN QUERY
	SELECT 'usage of no kind', 'kind ' || u.kind, format('%s records name a kind of usage that there is not', u.n)
	FROM (SELECT r.kind, count(*) AS n FROM compute_ledger._usage_record AS r GROUP BY r.kind) AS u
	WHERE NOT EXISTS (SELECT FROM compute_ledger.usage_kind AS k WHERE k.number = u.kind)
	UNION ALL
	SELECT 'digest', 'kind ' || k.number, 'what it says is not what was accepted'
	FROM compute_ledger.usage_kind AS k
	WHERE k.digest <> compute_ledger._usage_kind_digest(k.source, k.region, k.region_name, k.accelerator, k.accelerator_name, k.share, k.rate, k.rate_recorded, k.basis, k.measure,
		k.number_format);
END
$$;

CREATE FUNCTION _check_default_partition() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- Rows of months that have a partition of their own are not elsewhere: a default partition with rows keeps their month from being made.
	RETURN QUERY
	SELECT 'default partition', r.tableoid::regclass::text, format('holds %s records of %s (UTC)', count(*), to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM'))
	FROM compute_ledger._usage_record AS r
	WHERE r.tableoid IN (
		SELECT c.oid FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'compute_ledger._usage_record'::regclass AND pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT')
	GROUP BY r.tableoid, to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM');
END
$$;

CREATE FUNCTION _check_trees() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- One version of an account at a time, at every recorded time.
	RETURN QUERY
	SELECT 'account versions overlap', 'account ' || a.name, format('versions valid in %s and %s, recorded %s and %s', v.valid, w.valid, v.recorded, w.recorded)
	FROM compute_ledger.account_version AS v
	JOIN compute_ledger.account_version AS w ON w.account = v.account AND w.ctid > v.ctid AND w.valid && v.valid AND w.recorded && v.recorded
	JOIN compute_ledger.account AS a ON a.id = v.account;
	RETURN QUERY
	SELECT 'region versions overlap', 'region ' || g.name, format('versions valid in %s and %s, recorded %s and %s', v.valid, w.valid, v.recorded, w.recorded)
	FROM compute_ledger.region_version AS v
	JOIN compute_ledger.region_version AS w ON w.region = v.region AND w.ctid > v.ctid AND w.valid && v.valid AND w.recorded && v.recorded
	JOIN compute_ledger.region AS g ON g.id = v.region;

	-- Parents are there as long as their children.
	RETURN QUERY
	SELECT 'account without parent', 'account ' || coalesce(a.name, v.account::text), format('is under account %s in %s, which is there in %s', coalesce(p.name, v.parent::text), v.valid, coalesce(o.valid::text, '{}'))
	FROM compute_ledger.account_version AS v
	LEFT JOIN compute_ledger.account AS a ON a.id = v.account
	LEFT JOIN compute_ledger.account AS p ON p.id = v.parent
	LEFT JOIN (SELECT w.account, range_agg(w.valid) AS valid FROM compute_ledger.account_version AS w WHERE upper_inf(w.recorded) GROUP BY w.account) AS o ON o.account = v.parent
	WHERE upper_inf(v.recorded) AND v.parent IS NOT NULL AND (v.valid <@ o.valid) IS NOT TRUE;
	RETURN QUERY
	SELECT 'region without parent', 'region ' || coalesce(g.name, v.region::text), format('is under region %s in %s, which is there in %s', coalesce(p.name, v.parent::text), v.valid, coalesce(o.valid::text, '{}'))
	FROM compute_ledger.region_version AS v
	LEFT JOIN compute_ledger.region AS g ON g.id = v.region
	LEFT JOIN compute_ledger.region AS p ON p.id = v.parent
	LEFT JOIN (SELECT w.region, range_agg(w.valid) AS valid FROM compute_ledger.region_version AS w WHERE upper_inf(w.recorded) GROUP BY w.region) AS o ON o.region = v.parent
	WHERE upper_inf(v.recorded) AND v.parent IS NOT NULL AND (v.valid <@ o.valid) IS NOT TRUE;

	-- Nothing is above itself, at any time.
	RETURN QUERY
	WITH RECURSIVE climb AS (
		SELECT v.account, v.parent, v.valid, ARRAY[v.account] AS path
		FROM compute_ledger.account_version AS v
		WHERE upper_inf(v.recorded) AND v.parent IS NOT NULL
		UNION ALL
		SELECT c.account, v.parent, c.valid * v.valid, c.path || v.account
		FROM climb AS c JOIN compute_ledger.account_version AS v ON v.account = c.parent AND upper_inf(v.recorded) AND v.valid && c.valid
		WHERE c.parent <> ALL (c.path) AND v.parent IS NOT NULL
	)
	SELECT 'account above itself', 'account ' || a.name, format('in %s', range_agg(c.valid))
	FROM climb AS c JOIN compute_ledger.account AS a ON a.id = c.account
	WHERE c.parent = c.account
	GROUP BY a.name;
	RETURN QUERY
	WITH RECURSIVE climb AS (
		SELECT v.region, v.parent, v.valid, ARRAY[v.region] AS path
		FROM compute_ledger.region_version AS v
		WHERE upper_inf(v.recorded) AND v.parent IS NOT NULL
		UNION ALL
		SELECT c.region, v.parent, c.valid * v.valid, c.path || v.region
		FROM climb AS c JOIN compute_ledger.region_version AS v ON v.region = c.parent AND upper_inf(v.recorded) AND v.valid && c.valid
		WHERE c.parent <> ALL (c.path) AND v.parent IS NOT NULL
	)
	SELECT 'region above itself', 'region ' || g.name, format('in %s', range_agg(c.valid))
	FROM climb AS c JOIN compute_ledger.region AS g ON g.id = c.region
	WHERE c.parent = c.region
	GROUP BY g.name;

	-- An account that was merged into another has ended, and mergers come to an end.
	RETURN QUERY
	SELECT 'merged account goes on', 'account ' || a.name, format('was merged at %s, and a version of it is valid in %s', m.at, v.valid)
	FROM compute_ledger.account_merge AS m
	JOIN compute_ledger.account_version AS v ON v.account = m.account AND upper_inf(v.recorded) AND v.valid && tstzrange(m.at, NULL)
	JOIN compute_ledger.account AS a ON a.id = m.account
	WHERE upper_inf(m.recorded);
	RETURN QUERY
	WITH RECURSIVE follow AS (
		SELECT m.account, m.merged_into, ARRAY[m.account] AS path
		FROM compute_ledger.account_merge AS m
		WHERE upper_inf(m.recorded)
		UNION ALL
		SELECT f.account, m.merged_into, f.path || m.account
		FROM follow AS f JOIN compute_ledger.account_merge AS m ON m.account = f.merged_into AND upper_inf(m.recorded)
		WHERE f.merged_into <> ALL (f.path)
	)
	SELECT 'account merged into itself', 'account ' || a.name, format('by way of %s', f.path)
	FROM follow AS f JOIN compute_ledger.account AS a ON a.id = f.account
	WHERE f.merged_into = f.account;
END
$$;

CREATE FUNCTION _check_billing_periods() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- Each period begins where the one before ends.
	RETURN QUERY
	SELECT CASE WHEN p.starts_at > p.before THEN 'gap in billing calendar' ELSE 'billing periods overlap' END, 'calendar ' || c.name,
		format('period %s starts at %s, and the one before it ends at %s', p.number, p.starts_at, p.before)
	FROM (SELECT b.calendar, b.number, b.starts_at, lag(b.ends_at) OVER (PARTITION BY b.calendar ORDER BY b.number) AS before
		FROM compute_ledger.billing_period AS b) AS p
	JOIN compute_ledger.billing_calendar AS c ON c.id = p.calendar
	WHERE p.starts_at <> p.before;
	RETURN QUERY
	SELECT 'empty billing period', 'calendar ' || c.name, format('period %s is from %s to %s', b.number, b.starts_at, b.ends_at)
	FROM compute_ledger.billing_period AS b JOIN compute_ledger.billing_calendar AS c ON c.id = b.calendar
	WHERE b.starts_at >= b.ends_at;
END
$$;

CREATE FUNCTION _check_prices(trees boolean) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT 'prices overlap', 'price ' || p.id, format('is valid in %s, and another of its key until %s', p.valid, p.taken)
	FROM (
		SELECT o.id, o.valid, max(coalesce(upper(o.valid), 'infinity')) OVER (PARTITION BY o.key ORDER BY coalesce(lower(o.valid), '-infinity') ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS taken
		FROM compute_ledger.price AS o
		WHERE upper_inf(o.recorded)
	) AS p
	WHERE coalesce(lower(p.valid), '-infinity') < p.taken;
	RETURN QUERY
	SELECT 'price and key', 'price ' || p.id, format('has key %s, which is not what its columns say', p.key)
	FROM compute_ledger.price AS p
	LEFT JOIN compute_ledger.price_key AS k ON k.id = p.key
	LEFT JOIN compute_ledger.price_book AS b ON b.book = p.book
	WHERE (k.book = p.book AND k.account = coalesce(p.account, 0) AND k.accelerator OPERATOR(compute_ledger.=) p.accelerator AND k.region = coalesce(p.region, 0)
		AND k.number_format = coalesce(p.number_format, '') AND k.measure = p.measure AND k.currency = CASE b.currency WHEN 'payer' THEN p.currency ELSE '' END) IS NOT TRUE;
	RETURN QUERY
	SELECT 'price of nobody', 'price ' || p.id, format('is for account %s in region %s', coalesce(p.account::text, 'any'), coalesce(p.region::text, 'any'))
	FROM compute_ledger.price AS p
	WHERE NOT EXISTS (SELECT FROM compute_ledger.account AS a WHERE a.id = p.account) AND p.account IS NOT NULL
		OR NOT EXISTS (SELECT FROM compute_ledger.region AS g WHERE g.id = p.region) AND p.region IS NOT NULL;
	RETURN QUERY
	SELECT 'price tiers', 'price ' || p.id, format('bounds %s, prices %s, fees %s', p.tier_bounds, p.tier_prices, coalesce(p.tier_fees::text, 'none'))
	FROM compute_ledger.price AS p
	WHERE p.tier_prices IS NOT NULL
		AND (cardinality(p.tier_prices) <> cardinality(p.tier_bounds) + 1
			OR cardinality(p.tier_fees) <> cardinality(p.tier_prices)
			OR EXISTS (SELECT FROM unnest(p.tier_bounds) WITH ORDINALITY AS b (bound, n) WHERE (b.bound > coalesce(p.tier_bounds[b.n - 1], 0)) IS NOT TRUE));
	RETURN QUERY
	SELECT 'unit of work', 'price ' || p.id, format('one %s is %s', p.unit, coalesce(p.work::text, 'not known'))
	FROM compute_ledger.price AS p
	WHERE p.unit NOT IN ('device-hour', 'slice-hour', 'instance-month', 'peak-device', 'percentile-device')
		AND (p.work OPERATOR(compute_ledger.=) compute_ledger._price_unit(p.unit)) IS NOT TRUE;
	-- payers() never ends in a circle of mergers
	IF NOT trees THEN
		RETURN;
	END IF;
	RETURN QUERY
	WITH paid AS MATERIALIZED (
		SELECT y.account, y.currency, y.valid FROM compute_ledger._payers() AS y
	)
	SELECT 'currency of a price', 'price ' || p.id, format('is in %s, in which account "%s" is never billed while it is valid', p.currency, a.name)
	FROM compute_ledger.price AS p
	JOIN compute_ledger.price_book AS b ON b.book = p.book AND b.currency = 'payer'
	JOIN compute_ledger.account AS a ON a.id = p.account
	WHERE upper_inf(p.recorded) AND NOT EXISTS (SELECT FROM paid AS y WHERE y.account = p.account AND y.currency = p.currency AND y.valid && p.valid);
END
$$;

CREATE FUNCTION _check_access() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT 'access of no role', 'role ' || a.role::text, format('was made %s and does not exist', a.kind)
	FROM compute_ledger.ledger_access AS a
	WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.role);
	RETURN QUERY
	SELECT 'access to no account', 'role ' || a.role::regrole::text, format('was made %s of account %s, which does not exist', a.kind, a.account)
	FROM compute_ledger.ledger_access AS a
	WHERE a.account IS NOT NULL AND NOT EXISTS (SELECT FROM compute_ledger.account AS o WHERE o.id = a.account);
	RETURN QUERY
	SELECT 'access to no region', 'role ' || a.role::regrole::text, format('was made %s of region %s, which does not exist', a.kind, a.region)
	FROM compute_ledger.ledger_access AS a
	WHERE a.region IS NOT NULL AND NOT EXISTS (SELECT FROM compute_ledger.region AS o WHERE o.id = a.region);
END
$$;

CREATE FUNCTION _unpriced_usage(book text, period tstzrange, at timestamptz, payer bigint DEFAULT NULL) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'unpriced usage', format('account "%s", %s, %s', a.name, r.accelerator, r.measure), format('in region "%s" under book %s: %s from %s to %s', (SELECT g.name FROM compute_ledger.region AS g WHERE g.id = r.region), $1,
		concat_ws(' and ', compute_ledger._device_hours(sum(r.amount)) || ' device-hours', sum(r.quantity) FILTER (WHERE r.amount IS NULL) || ' slice-hours'), min(lower(r.period)), max(upper(r.period)))
	FROM compute_ledger._rating_scope(NULL, $2, at) AS s
	CROSS JOIN LATERAL compute_ledger._rate($1, at, CASE WHEN $4 IS NULL THEN s.payers ELSE ARRAY[$4] END,
		CASE WHEN $4 IS NULL THEN s.accounts ELSE ARRAY(SELECT DISTINCT y.account FROM compute_ledger._billed_accounts(at) AS y WHERE y.payer = $4) END, s.root, $2, s.starts, s.ends) AS r
	JOIN compute_ledger.account AS a ON a.id = r.account
	WHERE s.payers IS NOT NULL AND s.starts < s.ends AND r.kind = 'unpriced' AND (r.amount > 0 OR r.amount IS NULL AND r.quantity > 0)
		AND NOT EXISTS (SELECT FROM compute_ledger.period_close AS p WHERE p.book = $1 AND p.payer = r.payer AND p.billing_period = r.billing_period)
	GROUP BY a.name, r.accelerator, r.measure, r.region
$$;
COMMENT ON FUNCTION _unpriced_usage(text, tstzrange, timestamptz, bigint) IS 'part of check_ledger(): usage of one payer, or of all, that has no price and is in no closed period';

CREATE FUNCTION _check_closings(since timestamptz) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- A closing stored what it says that it did.
	RETURN QUERY
	SELECT 'closing', 'closing ' || p.id, format('stored %s charges of %s; there are %s of %s', p.charges, coalesce(p.cost::text, 'nothing'), coalesce(c.charges, 0), coalesce(c.cost::text, 'nothing'))
	FROM (SELECT o.* FROM compute_ledger.period_close AS o WHERE o.recorded > since OR o.id IN (SELECT c.close FROM compute_ledger.charge AS c WHERE c.recorded > since)) AS p
	LEFT JOIN (
		SELECT s.close, sum(s.charges) AS charges, jsonb_object_agg(s.currency, s.cost) FILTER (WHERE s.cost IS NOT NULL) AS cost
		FROM (SELECT h.close, h.currency, count(*) AS charges, sum(h.cost) AS cost FROM compute_ledger.charge AS h
			WHERE since = '-infinity' OR h.close IN (SELECT c.close FROM compute_ledger.charge AS c WHERE c.recorded > since) GROUP BY h.close, h.currency) AS s
		GROUP BY s.close
	) AS c ON c.close = p.id
	WHERE p.charges <> coalesce(c.charges, 0) OR p.cost IS DISTINCT FROM c.cost;
	RETURN QUERY
	SELECT 'payable', 'closing ' || p.id, format('%s is payable, by %s more than %s', coalesce(p.payable::text, 'nothing'), coalesce(p.payable_difference::text, 'nothing'), coalesce(p.cost::text, 'nothing'))
	FROM compute_ledger.period_close AS p
	CROSS JOIN LATERAL (
		SELECT jsonb_object_agg(t.key, r.payable) AS payable, jsonb_object_agg(t.key, r.payable - t.value::numeric) AS difference
		FROM jsonb_each_text(p.cost) AS t
		JOIN compute_ledger.currency AS m ON m.code = t.key
		CROSS JOIN LATERAL (SELECT compute_ledger._round_ratio(t.value::numeric, 1, m.minor_digits)) AS r (payable)
	) AS d
	WHERE p.recorded > since AND (p.payable, p.payable_difference) IS DISTINCT FROM (d.payable, d.difference);
	RETURN QUERY
	SELECT 'charge of another closing', 'charge ' || c.id, format('is of book %s, payer %s, billing period %s, and its closing %s is of %s, %s, %s', c.book, c.payer, c.billing_period, p.id, p.book, p.payer, p.billing_period)
	FROM compute_ledger.charge AS c JOIN compute_ledger.period_close AS p ON p.id = c.close
	WHERE c.recorded > since AND (c.book, c.payer, c.billing_period) <> (p.book, p.payer, p.billing_period);
	RETURN QUERY
	SELECT 'charge of another closing', 'charge ' || c.id, format('corrects what account %s was billed for billing period %s, and closing %s corrects what accounts %s were billed', c.corrects_payer, c.corrects, p.id, p.payer || p.former_payers)
	FROM compute_ledger.charge AS c JOIN compute_ledger.period_close AS p ON p.id = c.close
	WHERE c.recorded > since AND c.corrects IS NOT NULL
		AND (c.corrects_payer = ANY (p.payer || p.former_payers)
			AND EXISTS (SELECT FROM compute_ledger.period_close AS o WHERE o.book = c.book AND o.payer = c.corrects_payer AND o.billing_period = c.corrects AND o.id < p.id)) IS NOT TRUE;
	RETURN QUERY
	SELECT 'unpriced usage', 'closing ' || c.close, format('of account "%s", which was not waived: %s', a.name,
		concat_ws(' and ', compute_ledger._device_hours(sum(c.amount)) || ' device-hours', sum(c.quantity) FILTER (WHERE c.amount IS NULL) || ' slice-hours'))
	FROM compute_ledger.charge AS c
	JOIN compute_ledger.period_close AS p ON p.id = c.close
	JOIN compute_ledger.account AS a ON a.id = c.account
	WHERE c.recorded > since AND c.kind = 'unpriced' AND c.corrects IS NULL AND (c.amount > 0 OR c.amount IS NULL AND c.quantity > 0) AND (a.name = ANY (p.waived)) IS NOT TRUE
	GROUP BY c.close, a.name;

	-- Nothing is charged twice in one billing period.
	RETURN QUERY
	SELECT 'billed twice', 'charge ' || max(c.id), format('charges the same as charge %s', min(c.id))
	FROM compute_ledger.charge AS c
	WHERE c.corrects IS NULL AND (since = '-infinity' OR (c.payer, c.billing_period) IN (SELECT n.payer, n.billing_period FROM compute_ledger.charge AS n WHERE n.recorded > since))
	GROUP BY c.book, c.payer, c.billing_period, c.kind, c.account, c.price, c.list_price, c.region, c.accelerator, c.number_format, c.measure, c.basis, c.rate, c.share, c.day, c.reservation
	HAVING count(*) > 1;
END
$$;

CREATE FUNCTION _check_shared_parts(at timestamptz, since timestamptz) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- where nothing was charged since, nothing was charged twice
	IF NOT EXISTS (SELECT FROM compute_ledger.charge AS c WHERE c.recorded > since) THEN
		RETURN;
	END IF;
	-- No part of a record is in two charges of one book, unless a correction took it back: for another payer or another
	-- calendar that it turned out to belong to.  A closed period that has changed since a closing looked at it is left out:
	-- what it was charged too much is going to be taken back.  Charges of like usage whose times touch are suspects; what
	-- they are made of decides.  Of reserved capacity one instant of a record may be charged in two parts, so that is left out.
	RETURN QUERY
	WITH pending AS MATERIALIZED (
		SELECT k.book, p.payer, p.billing_period
		FROM (SELECT c.book, array_agg(DISTINCT c.payer) AS payers FROM compute_ledger.period_close AS c GROUP BY c.book) AS k
		CROSS JOIN LATERAL compute_ledger._changed_periods(k.book, k.payers, at) AS p
	), charge AS MATERIALIZED (
		SELECT c.id, c.book, coalesce(c.corrects_payer, c.payer) AS payer, coalesce(c.corrects, c.billing_period) AS billing_period, c.price, c.period, c.amount, c.quantity, c.corrects,
			(c.book, coalesce(c.corrects_payer, c.payer), coalesce(c.corrects, c.billing_period)) IN (SELECT p.book, p.payer, p.billing_period FROM pending AS p) AS pending,
			dense_rank() OVER (ORDER BY c.book, c.account, c.region, c.accelerator, c.number_format, c.measure, c.basis, c.rate, c.share, c.day, c.reservation) AS alike
		FROM compute_ledger.charge AS c
		-- what counts for nothing is not taken back, either
		WHERE c.day IS NOT NULL AND c.kind IN ('usage', 'instance', 'unpriced') AND c.quantity <> 0
	), suspect AS (
		SELECT DISTINCT n.alike
		FROM (
			SELECT c.alike, c.pending, min(lower(c.period)) AS starts, count(*) FILTER (WHERE c.corrects IS NULL) AS charges,
				max(max(upper(c.period))) OVER (PARTITION BY c.alike, c.pending ORDER BY min(lower(c.period)) ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
			FROM charge AS c
			GROUP BY c.alike, c.payer, c.billing_period, c.price, c.pending
			HAVING sum(c.amount) <> 0 OR sum(c.amount) IS NULL AND sum(c.quantity) <> 0
		) AS n
		WHERE n.before > n.starts AND NOT n.pending OR n.charges > 1
	), step AS (
		SELECT c.book, t.record, e.at, sum(e.change) AS change, max(c.id) AS charge
		FROM charge AS c
		CROSS JOIN LATERAL compute_ledger._trace_charge(c.id) AS t
		CROSS JOIN LATERAL (VALUES (t.part_from, sign(coalesce(t.amount, t.quantity))), (t.part_to, -sign(coalesce(t.amount, t.quantity)))) AS e (at, change)
		WHERE c.alike IN (SELECT s.alike FROM suspect AS s)
		GROUP BY c.book, t.record, e.at
	), billed AS (
		SELECT s.book, s.record, s.charge, s.at, lead(s.at) OVER w AS until, sum(s.change) OVER w AS times
		FROM step AS s
		WINDOW w AS (PARTITION BY s.book, s.record ORDER BY s.at)
	)
	SELECT 'billed twice', 'record ' || b.record, format('from %s to %s under book %s: by charge %s and another', b.at, b.until, b.book, b.charge)
	FROM billed AS b
	WHERE b.times > 1;
END
$$;

CREATE FUNCTION _check_rating(at timestamptz, since timestamptz) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	open record;
	closed record;
	alone record;
	why text;
BEGIN
	-- What was charged, corrections included, is what the usage costs as of the last closing that looked at it.
	FOR closed IN
		SELECT p.id, p.payer, a.name, p.billing_period, b.period, p.book,
			(SELECT max(q.as_of) FROM compute_ledger.period_close AS q
				WHERE (q.payer = p.payer OR q.former_payers @> ARRAY[p.payer]) AND q.book = p.book AND q.id >= p.id) AS as_of
		FROM compute_ledger.period_close AS p
		JOIN compute_ledger.billing_period AS b ON b.id = p.billing_period
		JOIN compute_ledger.account AS a ON a.id = p.payer
		-- those, too, that a closing since may have corrected
		WHERE EXISTS (SELECT FROM compute_ledger.period_close AS q
			WHERE q.recorded > since AND q.book = p.book AND q.id >= p.id AND (q.payer = p.payer OR q.former_payers @> ARRAY[p.payer]))
		ORDER BY p.id
	LOOP
		BEGIN
			RETURN QUERY
			SELECT 'charges and rating', format('closing %s', closed.id),
				format('account %s, %s, day %s, price %s: %s device-hours and %s %s more', r.account, coalesce(r.accelerator::text, r.kind), coalesce(r.day::text, 'none'), coalesce(r.price::text, 'none'),
					coalesce(compute_ledger._device_hours(r.amount)::text, 'no'), coalesce(r.cost::text, 'no'), r.currency)
			FROM compute_ledger._corrections(closed.payer, closed.billing_period, closed.period, closed.as_of, closed.book) AS r;
		EXCEPTION WHEN numeric_value_out_of_range THEN
			GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
			RETURN QUERY SELECT 'usage that cannot be rated', format('account "%s"', closed.name), format('of closing %s: %s', closed.id, concat_ws('. ', SQLERRM, nullif(why, '')));
		END;
	END LOOP;
	-- What has changed since is going to be billed to somebody.
	RETURN QUERY
	SELECT 'correction for nobody', format('account "%s"', a.name),
		format('billing period %s under book %s has to be corrected by %s %s in %s charges, and nobody pays for the account any more', p.billing_period, k.book, coalesce(sum(r.cost), 0), r.currency, count(*))
	FROM (SELECT DISTINCT c.book FROM compute_ledger.period_close AS c) AS k
	CROSS JOIN LATERAL (SELECT array_agg(f.account) AS accounts FROM compute_ledger._correction_payers(k.book, at, at) AS f WHERE f.payer IS NULL) AS f
	CROSS JOIN LATERAL compute_ledger._changed_periods(k.book, f.accounts, at) AS p
	CROSS JOIN LATERAL compute_ledger._corrections(p.payer, p.billing_period, p.period, at, k.book) AS r
	JOIN compute_ledger.account AS a ON a.id = p.payer
	GROUP BY a.name, k.book, p.billing_period, r.currency;
	-- What is not charged yet has a price, in every book that has prices.
	FOR open IN
		SELECT k.book, tstzrange(min(b.since), at) AS period
		FROM (SELECT DISTINCT r.book FROM compute_ledger.price AS r WHERE upper_inf(r.recorded)) AS k
		CROSS JOIN (SELECT DISTINCT y.payer, y.calendar FROM compute_ledger._payers(at) AS y) AS y
		CROSS JOIN (SELECT min(u.started_at) AS used_at FROM compute_ledger.usage_record AS u) AS first
		CROSS JOIN LATERAL (
			-- from the first period that is not closed, or, where periods are missing, from where they end
			SELECT coalesce(min(b.starts_at) FILTER (WHERE NOT EXISTS (
					SELECT FROM compute_ledger.period_close AS p WHERE p.book = k.book AND p.payer = y.payer AND p.billing_period = b.id)),
				max(b.ends_at), first.used_at) AS since
			FROM compute_ledger.billing_period AS b
			WHERE b.calendar = y.calendar AND b.starts_at < at AND b.ends_at > first.used_at
		) AS b
		WHERE b.since < at
		GROUP BY k.book
		ORDER BY k.book
	LOOP
		BEGIN
			RETURN QUERY SELECT u.check_name, u.object, u.detail FROM compute_ledger._unpriced_usage(open.book, open.period, at) AS u;
		EXCEPTION
			WHEN object_not_in_prerequisite_state THEN
				RETURN QUERY SELECT 'usage that cannot be rated', 'book ' || open.book, SQLERRM;
			WHEN numeric_value_out_of_range THEN
				-- a payer whose usage or prices have no sum hides no other
				FOR alone IN SELECT DISTINCT y.payer, a.name FROM compute_ledger._payers(at) AS y JOIN compute_ledger.account AS a ON a.id = y.payer ORDER BY y.payer LOOP
					BEGIN
						RETURN QUERY SELECT u.check_name, u.object, u.detail FROM compute_ledger._unpriced_usage(open.book, open.period, at, alone.payer) AS u;
					EXCEPTION WHEN numeric_value_out_of_range THEN
						GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
						RETURN QUERY SELECT 'usage that cannot be rated', format('account "%s"', alone.name), format('under book %s: %s', open.book, concat_ws('. ', SQLERRM, nullif(why, '')));
					END;
				END LOOP;
		END;
	END LOOP;
END
$$;

CREATE FUNCTION _check_charges(at timestamptz, rerate boolean, trees boolean, since timestamptz) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM compute_ledger._check_closings(since)
	UNION ALL
	SELECT * FROM compute_ledger._check_shared_parts(at, since) WHERE trees
	UNION ALL
	SELECT * FROM compute_ledger._check_rating(at, since) WHERE trees AND rerate
$$;

CREATE FUNCTION _usage_is_right(since timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF since = '-infinity' THEN
		RETURN false;
	END IF;
	-- Batches have what they accepted and follow each other, and what was rejected or taken again has its batch.
	IF EXISTS (SELECT FROM compute_ledger.usage_rejected AS u
			WHERE NOT EXISTS (SELECT FROM compute_ledger.usage_batch AS b WHERE b.id = u.batch)
				OR u.retried_in IS NOT NULL AND NOT EXISTS (SELECT FROM compute_ledger.usage_batch AS b WHERE b.id = u.retried_in))
		OR EXISTS (
		WITH new AS MATERIALIZED (
			SELECT b.id, b.recorded, b.kind, b.taken, b.accepted, b.rejected FROM compute_ledger.usage_batch AS b
			WHERE b.recorded > since AND b.taken = b.accepted + b.duplicate + b.rejected
		), kept AS MATERIALIZED (
			SELECT u.batch, min(u.recorded) AS first, max(u.recorded) AS last, count(*) AS n
			FROM (SELECT i.batch, i.recorded FROM compute_ledger.usage_record AS i WHERE i.recorded > since
				UNION ALL SELECT a.batch, NULL FROM compute_ledger.usage_key AS a WHERE a.record IS NULL AND a.batch IN (SELECT b.id FROM new AS b)) AS u
			GROUP BY u.batch
		)
		SELECT FROM new AS b
		FULL JOIN kept AS k ON k.batch = b.id
		LEFT JOIN LATERAL (SELECT count(*) AS n FROM compute_ledger.usage_rejected AS u WHERE u.batch = b.id) AS r ON true
		LEFT JOIN (SELECT u.retried_in, count(*) AS n FROM compute_ledger.usage_rejected AS u WHERE u.retried_in IS NOT NULL GROUP BY u.retried_in) AS t ON t.retried_in = b.id
		WHERE (b.rejected = r.n AND (b.kind <> 'retry' OR b.taken = coalesce(t.n, 0)) AND b.accepted = coalesce(k.n, 0) AND coalesce(k.first, b.recorded) = b.recorded AND coalesce(k.last, b.recorded) = b.recorded) IS NOT TRUE
		UNION ALL
		SELECT FROM (
			SELECT min(r.id) AS first, max(max(r.id)) OVER (PARTITION BY r.source ORDER BY r.batch ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
			FROM compute_ledger.usage_record AS r
			WHERE r.recorded > since AND r.identification = 0
			GROUP BY r.source, r.batch
		) AS u
		WHERE u.first < u.before)
	THEN
		RETURN false;
	END IF;
	-- Their keys lead to records, and say what those say; of what is no longer current, to later ones.  Accounts and regions are there.
	IF EXISTS (
		SELECT FROM compute_ledger.usage_record AS r
		LEFT JOIN compute_ledger.usage_source AS s ON s.source = r.source
		LEFT JOIN compute_ledger.usage_key AS k ON k.source = s.number AND k.key = compute_ledger._usage_key_of(r.source_id, r.revision)
		WHERE (r.recorded > since OR r.superseded > since AND r.superseded < 'infinity')
			AND (CASE WHEN k.record = r.id THEN k.month = compute_ledger._usage_month_number(r.started_at)
				AND k.digest = substr(compute_ledger.usage_digest(r.account_name, r.region_name, r.accelerator_name, r.devices, r.started_at, r.ended_at,
					r.measure, r.number_format, r.achieved_work, r.run, r.labels, r.reservation_name), 1, 16)
				ELSE r.superseded < 'infinity' AND k.record > r.id END
				AND EXISTS (SELECT FROM compute_ledger.account AS a WHERE a.id = r.account) AND EXISTS (SELECT FROM compute_ledger.region AS g WHERE g.id = r.region)) IS NOT TRUE)
	THEN
		RETURN false;
	END IF;
	-- Of each of their names the highest revision is current, and each other one was until a higher one came.
	RETURN NOT EXISTS (
		WITH name AS MATERIALIZED (
			SELECT s.number AS source, compute_ledger._usage_key_of(u.source_id, 0) AS key
			FROM compute_ledger.usage_record AS u JOIN compute_ledger.usage_source AS s ON s.source = u.source
			WHERE u.recorded > since OR u.superseded > since AND u.superseded < 'infinity'
			UNION
			SELECT a.source, CASE WHEN compute_ledger._usage_key_revision(a.key) > 0 THEN substr(a.key, 1, octet_length(a.key) - 4) ELSE a.key END
			FROM compute_ledger.usage_key AS a
			WHERE a.record IS NULL AND a.batch IN (SELECT b.id FROM compute_ledger.usage_batch AS b WHERE b.recorded > since)
		), revision AS MATERIALIZED (
			SELECT n.source, n.key, compute_ledger._usage_key_revision(k.key) AS revision, k.record, r.identification, r.superseded, coalesce(r.recorded, b.recorded) AS recorded,
				coalesce(r.first_recorded, r.recorded, b.recorded) AS first_recorded
			FROM name AS n
			-- a name's keys are those that begin with the key of its first revision
			JOIN compute_ledger.usage_key AS k ON k.source = n.source AND k.key >= n.key AND k.key <= n.key || '\xffffffff'
			LEFT JOIN compute_ledger.usage_record AS r ON r.id = k.record AND compute_ledger._usage_month_number(r.started_at) = k.month
			LEFT JOIN compute_ledger.usage_batch AS b ON b.id = k.batch
		)
		SELECT FROM revision AS r
		CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE h.first_recorded IS NULL) AS lost, min(h.first_recorded) AS first FROM revision AS h
			WHERE h.source = r.source AND h.key = r.key AND h.revision > r.revision) AS h
		WHERE CASE WHEN h.lost > 0 THEN r.superseded = 'infinity' ELSE r.superseded <> CASE WHEN h.n = 0 THEN 'infinity' ELSE greatest(r.recorded, h.first) END END
		UNION ALL
		-- One that was identified anew took the place of the one before, and is of its time.
		SELECT FROM compute_ledger.usage_record AS i
		LEFT JOIN compute_ledger.usage_record AS p ON p.source = i.source AND p.source_id = i.source_id AND p.revision = i.revision AND p.started_at = i.started_at
			AND p.identification = i.identification - 1 AND p.superseded > since AND p.superseded < 'infinity'
		WHERE i.recorded > since AND i.identification > 0 AND (p.superseded = i.recorded AND i.first_recorded = coalesce(p.first_recorded, p.recorded)) IS NOT TRUE);
END
$$;
COMMENT ON FUNCTION _usage_is_right(timestamptz) IS 'part of check_ledger(): whether the batches, keys and records that came or ceased to count since a recorded time are right, as far as can be told without reading others; false for -infinity';

CREATE FUNCTION _check_ledger_at(at timestamptz, rerate boolean, since timestamptz) RETURNS TABLE (check_name text, object text, detail text, severity text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- what contradicts nothing, and is worth a look
	advice text[] := '{open usage, commitment that serves nobody, usage beside its reservation, reservation not recorded, reservation still there, usage against policy, partition without trigger, short pool, offered and not there, doubted pool, work not given up, plan without room}';
	broken boolean;
BEGIN
	RETURN QUERY SELECT c.check_name, c.object, c.detail, 'breach' FROM compute_ledger._check_access() AS c;
	RETURN QUERY SELECT c.check_name, c.object, c.detail, 'breach' FROM compute_ledger._check_trees() AS c;
	broken := FOUND;
	RETURN QUERY
	SELECT c.check_name, c.object, c.detail, CASE WHEN c.check_name = ANY (advice) THEN 'advice' ELSE 'breach' END
	FROM (
		SELECT * FROM compute_ledger._check_billing_periods()
		UNION ALL SELECT * FROM compute_ledger._check_prices(NOT broken)
		-- all of it, if anything that has come since is wrong
		UNION ALL SELECT u.* FROM (SELECT compute_ledger._usage_is_right(since) AS is_right) AS s CROSS JOIN LATERAL compute_ledger._check_usage() AS u WHERE NOT s.is_right
		UNION ALL SELECT * FROM compute_ledger._check_default_partition()
		-- nothing is rated along trees that are none
		UNION ALL SELECT * FROM compute_ledger._check_charges(at, rerate, NOT broken, since)
		UNION ALL SELECT * FROM compute_ledger._check_conservation(at, rerate, since) WHERE NOT broken
		UNION ALL SELECT * FROM compute_ledger._check_reserved_usage(at) WHERE NOT broken
		UNION ALL SELECT * FROM compute_ledger._check_book()
		UNION ALL SELECT * FROM compute_ledger._check_policy()
		UNION ALL SELECT * FROM compute_ledger._check_lease()
		UNION ALL SELECT * FROM compute_ledger._check_queue()
		UNION ALL SELECT * FROM compute_ledger._check_books(since)
		UNION ALL SELECT * FROM compute_ledger._check_guards()
		UNION ALL SELECT * FROM compute_ledger._check_rollups(since) WHERE NOT broken
		UNION ALL SELECT * FROM compute_ledger._check_spend()
		UNION ALL SELECT * FROM compute_ledger._check_capacity()
		UNION ALL SELECT * FROM compute_ledger._check_advice(at)
	) AS c;
END
$$;

CREATE FUNCTION _check_ledger(rerate boolean DEFAULT true, since timestamptz DEFAULT NULL) RETURNS TABLE (check_name text, object text, detail text, severity text)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	-- @planner
	SET timezone = 'UTC'
	SET datestyle = 'ISO, MDY'
	SET intervalstyle = 'postgres'
AS $$
DECLARE
	at timestamptz;
BEGIN
	PERFORM compute_ledger._require_ledger();
	-- the watermark first, the snapshot that sees all up to it after it
	at := compute_ledger._ledger_watermark();
	IF since > at THEN
		PERFORM compute_ledger._refuse('LC012', format('since %s is beyond the ledger''s watermark %s', since, at),
			detail => 'Something may yet be recorded before it.');
	END IF;
	RETURN QUERY SELECT c.check_name, c.object, c.detail, c.severity FROM compute_ledger._check_ledger_at(at, rerate, coalesce(since, '-infinity')) AS c;
END
$$;
COMMENT ON FUNCTION _check_ledger(boolean, timestamptz) IS 'what check_ledger() does';

CREATE FUNCTION check_ledger(rerate boolean DEFAULT true, since timestamptz DEFAULT NULL) RETURNS TABLE (check_name text, object text, detail text, severity text)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._check_ledger(rerate, since) AS t;
END
$$;

COMMENT ON FUNCTION _check_default_partition() IS 'part of check_ledger(): records that lie in a default partition';
COMMENT ON FUNCTION _check_usage() IS 'part of check_ledger(): batches, keys, records and revisions';
COMMENT ON FUNCTION _check_trees() IS 'part of check_ledger(): accounts, regions and mergers';
COMMENT ON FUNCTION _check_billing_periods() IS 'part of check_ledger(): billing calendars';
COMMENT ON FUNCTION _check_prices(boolean) IS 'part of check_ledger(): price books; without trees, no more than can be seen without them';
COMMENT ON FUNCTION _check_charges(timestamptz, boolean, boolean, timestamptz) IS 'part of check_ledger(): closings and charges; with rerate, against the rating of the usage, and whether what is not charged yet has a price; without trees, no more than can be seen without them';
COMMENT ON FUNCTION _check_closings(timestamptz) IS 'part of _check_charges(): what closings stored, and no charge twice';
COMMENT ON FUNCTION _check_shared_parts(timestamptz, timestamptz) IS 'part of _check_charges(): no part of a record in two charges; needs sound trees';
COMMENT ON FUNCTION _check_rating(timestamptz, timestamptz) IS 'part of _check_charges(): charges against the rating of the usage, and whether what is not charged yet has a price; needs sound trees';
COMMENT ON FUNCTION _check_access() IS 'part of check_ledger(): who was given access';
COMMENT ON FUNCTION _check_ledger_at(timestamptz, boolean, timestamptz) IS 'check_ledger() in one snapshot, which sees what was recorded up to a time, of what has changed since another';
COMMENT ON FUNCTION check_ledger(boolean, timestamptz) IS 'a row for each breach of what the ledger promises, with the name of the check, the object and what is wrong, and severity breach: none on a sound ledger. Rows of severity advice are about what contradicts nothing and is worth a look. It reads everything and writes nothing. Closed billing periods are rated again, and so is what is open, unless rerate is false. With since, a recorded time, what was recorded up to then and has not been superseded after it is taken to be as it was when it was checked last, and is not read again: names of records, closings and charges, and rollups outside the months (UTC) of usage that has changed. What ledger_watermark() said before a check that found nothing is such a time. It finds what is broken in what was recorded, or ceased to count, since; what somebody changed in older rows it does not. For auditors and admins. Errors: LC012 since beyond the watermark; 55000 no ledger.';
