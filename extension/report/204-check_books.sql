-- check_ledger(), goes on: books that somebody has changed on purpose, and advice.
--
-- The owner of the tables can do anything to them.  What he changes round the triggers contradicts
-- what else is stored, and is found here as far as that goes; docs/check_ledger.md says how far.

CREATE FUNCTION _check_books(since timestamptz) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	version text := (SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'compute_ledger');
	-- when the user's names last changed; the shipped ones change with the version
	renamed timestamptz := coalesce(greatest(
		(SELECT greatest(max(lower(r.recorded)), max(upper(r.recorded))) FROM compute_ledger.accelerator_alias AS r WHERE NOT r.shipped),
		(SELECT greatest(max(lower(r.recorded)), max(upper(r.recorded))) FROM compute_ledger.accelerator_word AS r WHERE NOT r.shipped),
		(SELECT greatest(max(lower(r.recorded)), max(upper(r.recorded))) FROM compute_ledger.accelerator_variant AS r WHERE NOT r.shipped),
		(SELECT greatest(max(lower(r.recorded)), max(upper(r.recorded))) FROM compute_ledger.accelerator_model AS r WHERE NOT r.shipped),
		(SELECT greatest(max(lower(r.recorded)), max(upper(r.recorded))) FROM compute_ledger.accelerator_instance AS r WHERE NOT r.shipped)), '-infinity');
BEGIN
	-- The numbers in a record are those that its names meant.  A name means the account that has it, or one that this was
	-- merged into, by a merger that the ledger knew at some time.
	RETURN QUERY
	SELECT 'account of record', 'record ' || r.id, format('names account "%s" and counts as usage of account %s', r.account_name, r.account)
	FROM compute_ledger.usage_record AS r
	LEFT JOIN compute_ledger.account AS a ON a.name = r.account_name
	WHERE r.recorded > since AND a.id IS DISTINCT FROM r.account AND NOT EXISTS (
		WITH RECURSIVE meant AS (
			SELECT a.id
			UNION
			SELECT m.merged_into FROM meant AS b JOIN compute_ledger.account_merge AS m ON m.account = b.id WHERE m.at <= r.started_at
		)
		SELECT FROM meant AS b WHERE b.id = r.account);
	RETURN QUERY
	SELECT 'region of record', 'record ' || r.id, format('names region "%s" and counts as usage in region %s', r.region_name, r.region)
	FROM compute_ledger.usage_record AS r
	LEFT JOIN compute_ledger.region AS g ON g.name = r.region_name
	WHERE r.recorded > since AND g.id IS DISTINCT FROM r.region;
	-- The chip, where the names that were gone by are still those that there are.
	RETURN QUERY
	WITH named AS MATERIALIZED (
		SELECT r.accelerator_name, r.source, r.accelerator, min(r.id) AS record, count(*) AS records
		FROM compute_ledger.usage_record AS r
		JOIN compute_ledger.usage_batch AS b ON b.id = r.batch
		WHERE r.recorded > since AND b.extension_version = version AND b.names_recorded >= renamed
		GROUP BY r.accelerator_name, r.source, r.accelerator
	)
	SELECT 'accelerator of record', 'record ' || n.record, format('names accelerator "%s" and counts as %s, like %s records in all', n.accelerator_name, n.accelerator, n.records)
	FROM named AS n
	LEFT JOIN compute_ledger.usage_source AS s ON s.source = n.source
	WHERE compute_ledger.identify(n.accelerator_name, coalesce(s.system, n.source)) OPERATOR(compute_ledger.=) n.accelerator IS NOT TRUE
		-- what the source's system was then is not known
		AND NOT EXISTS (
			SELECT FROM (SELECT n.source UNION SELECT a.system FROM compute_ledger.accelerator_alias AS a
				UNION SELECT w.name FROM compute_ledger.accelerator_instance AS i, string_to_table(i.provider, ' ') AS w (name)) AS o (system)
			WHERE compute_ledger.identify(n.accelerator_name, o.system) OPERATOR(compute_ledger.=) n.accelerator);

	-- What part of a device one is: all of it, unless it is a slice; of slices by what the reference data said when they were recorded.
	RETURN QUERY
	WITH held AS MATERIALIZED (
		SELECT r.accelerator_name, r.source, r.accelerator, r.share, b.extension_version = version AND b.names_recorded >= renamed AS named,
			r.recorded > modelled.at AND b.extension_version = version AS comparable, min(r.id) AS record, count(*) AS records
		FROM compute_ledger.usage_record AS r
		JOIN compute_ledger.usage_batch AS b ON b.id = r.batch
		CROSS JOIN (SELECT coalesce(greatest(max(lower(m.recorded)), max(upper(m.recorded))), '-infinity') AS at FROM compute_ledger.accelerator_model AS m WHERE NOT m.shipped) AS modelled
		WHERE r.recorded > since
		GROUP BY 1, 2, 3, 4, 5, 6
	)
	SELECT 'share of record', 'record ' || min(h.record), format('says that one %s is %s of 1680000 of a device, like %s records in all', h.accelerator, coalesce(h.share::text, 'an unknown part'), sum(h.records))
	FROM held AS h
	LEFT JOIN compute_ledger.usage_source AS s ON s.source = h.source
	CROSS JOIN LATERAL (SELECT compute_ledger._vgpu_share(h.accelerator_name, coalesce(s.system, h.source)) AS vgpu,
		compute_ledger._accelerator_share(h.accelerator_name, coalesce(s.system, h.source), h.accelerator) AS share) AS d
	-- what names mean may have changed since; of them only the profile of a vGPU says a part of a device
	WHERE (h.named OR h.accelerator_name !~* '[0-9][abcq]4?([^a-z0-9]|$)') AND (h.comparable OR d.share = 1680000) AND h.share IS DISTINCT FROM d.share
	GROUP BY h.accelerator, h.share, h.comparable;

	-- A payer's closings follow each other.
	RETURN QUERY
	SELECT 'closing number', 'closing ' || p.id, CASE WHEN p.number <> p.before + 1
		THEN format('of account %s under book %s has number %s, and the one before it %s', p.payer, p.book, p.number, coalesce(nullif(p.before, 0)::text, 'is missing'))
		ELSE format('of account %s under book %s has number %s, and was made before the one with the number before it', p.payer, p.book, p.number) END
	FROM (SELECT c.id, c.book, c.payer, c.number, c.as_of, c.recorded, coalesce(lag(c.number) OVER w, 0) AS before, lag(c.as_of) OVER w AS as_of_before, lag(c.recorded) OVER w AS recorded_before
		FROM compute_ledger.period_close AS c
		WINDOW w AS (PARTITION BY c.book, c.payer ORDER BY c.number)) AS p
	WHERE p.number <> p.before + 1 OR p.as_of < p.as_of_before OR p.recorded < p.recorded_before;
	RETURN QUERY
	SELECT 'closing time', 'closing ' || p.id, format('is as of %s and was recorded at %s, and its billing period ended at %s', p.as_of, p.recorded, b.ends_at)
	FROM compute_ledger.period_close AS p JOIN compute_ledger.billing_period AS b ON b.id = p.billing_period
	WHERE p.as_of >= p.recorded OR p.as_of < b.ends_at;
	RETURN QUERY
	SELECT 'charge and closing', 'closing ' || p.id, format('is as of %s, recorded at %s, and charge %s, like %s in all, is as of %s, recorded at %s', p.as_of, p.recorded, min(c.id), count(*), c.as_of, c.recorded)
	FROM compute_ledger.charge AS c JOIN compute_ledger.period_close AS p ON p.id = c.close
	WHERE c.recorded > since AND (c.as_of, c.recorded) <> (p.as_of, p.recorded)
	GROUP BY p.id, c.as_of, c.recorded;

	RETURN QUERY
	SELECT 'charge and closing', 'charge ' || c.id, format('is for %s, and its billing period is from %s to %s', c.period, b.starts_at, b.ends_at)
	FROM compute_ledger.charge AS c JOIN compute_ledger.billing_period AS b ON b.id = coalesce(c.corrects, c.billing_period)
	WHERE c.recorded > since AND NOT c.period <@ tstzrange(b.starts_at, b.ends_at);

	-- What a charge says beside what rating it again shows.
	RETURN QUERY
	SELECT 'charge and price', 'charge ' || c.id, format('is at %s a unit, which price %s does not say', c.unit_price, c.price)
	FROM compute_ledger.charge AS c JOIN compute_ledger.price AS p ON p.id = c.price
	WHERE c.recorded > since AND p.model IN ('flat', 'graduated', 'volume') AND c.unit_price IS NOT NULL
		AND (c.unit_price = ANY (p.tier_prices || p.price || p.committed_price || CASE WHEN p.free > 0 THEN 0.0 END)) IS NOT TRUE;
	RETURN QUERY
	SELECT 'charge and price', 'charge ' || c.id, format('has a list price of %s a unit, which price %s does not say', c.list_unit_price, c.list_price)
	FROM compute_ledger.charge AS c LEFT JOIN compute_ledger.price AS p ON p.id = c.list_price
	WHERE c.recorded > since AND c.list_unit_price IS NOT NULL AND (p.account IS NULL
		AND c.list_unit_price = ANY (p.tier_prices || p.price || CASE WHEN p.free > 0 THEN 0.0 END)) IS NOT TRUE;
	RETURN QUERY
	SELECT 'charge and tiers', 'charge ' || c.id, format('is of %s for %s, and its tiers are of %s for %s', c.quantity, c.cost, t.quantity, t.cost)
	FROM compute_ledger.charge AS c
	CROSS JOIN LATERAL (SELECT sum((e.tier ->> 'quantity')::numeric) AS quantity, sum((e.tier ->> 'cost')::numeric) AS cost FROM jsonb_array_elements(c.tiers) AS e (tier)) AS t
	WHERE c.recorded > since AND c.kind <> 'commitment' AND c.tiers IS NOT NULL AND (t.quantity = c.quantity AND t.cost = c.cost) IS NOT TRUE;
	RETURN QUERY
	SELECT 'charge and quantity', 'charge ' || c.id, CASE WHEN c.contracted_cost = c.cost
		THEN format('is of %s device-hours, and its amount is %s', c.quantity, compute_ledger._device_hours(c.amount))
		ELSE format('costs %s, and %s by its price', c.cost, c.contracted_cost) END
	FROM compute_ledger.charge AS c
	WHERE c.recorded > since AND (c.contracted_cost IS DISTINCT FROM c.cost
		-- a difference of rounded totals; of a correction, of as many as there are closings
		OR c.unit = 'device-hour' AND abs(c.quantity - c.amount / 6048000000000000) > CASE WHEN c.corrects IS NULL THEN 0.000000000002 ELSE 0.000000001 END);

	-- a cost is rounded once, a quantity to 12 digits
	RETURN QUERY
	SELECT 'charge and quantity', 'charge ' || c.id, format('is of %s %s at %s, and costs %s', c.quantity, c.unit, coalesce(c.unit_price::text, 'no price'), c.cost)
	FROM compute_ledger.charge AS c
	JOIN compute_ledger.price AS p ON p.id = c.price
	JOIN compute_ledger.currency AS k ON k.code = c.currency
	WHERE c.recorded > since AND c.kind = 'usage' AND c.corrects IS NULL AND p.model = 'flat' AND p.free = 0
		AND (abs(c.quantity * c.unit_price - c.cost) <= power(10::numeric, -k.ledger_scale) + c.unit_price * 0.000000000001) IS NOT TRUE;
END
$$;
COMMENT ON FUNCTION _check_books(timestamptz) IS 'part of check_ledger(): what somebody changed who went round the triggers: records against their names, closings against each other, charges against their closings and prices';

CREATE FUNCTION _check_guards() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- Who took a trigger away may have had reason to.
	RETURN QUERY
	SELECT 'trigger off', 'table ' || t.tgrelid::regclass, format('trigger %s is disabled', quote_ident(t.tgname))
	FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
	WHERE c.relnamespace = 'compute_ledger'::regnamespace AND t.tgenabled NOT IN ('O', 'A');
	RETURN QUERY
	SELECT CASE WHEN k.is_partition AND k.bits & 24 = 24 THEN 'partition without trigger' ELSE 'table without trigger' END, 'table ' || k.oid::regclass,
		format('has no trigger against %s', concat_ws(', ', CASE WHEN k.bits & 16 = 0 THEN 'UPDATE' END, CASE WHEN k.bits & 8 = 0 THEN 'DELETE' END, CASE WHEN k.bits & 32 = 0 THEN 'TRUNCATE' END))
	FROM (
		SELECT c.oid, c.relispartition AS is_partition,
			coalesce((SELECT bit_or(t.tgtype::integer) FROM pg_trigger AS t
				WHERE t.tgrelid = c.oid AND t.tgqual IS NULL AND t.tgattr::text = '' AND t.tgfoid IN ('compute_ledger._refuse_usage_change()'::regprocedure, 'compute_ledger._refuse_change()'::regprocedure, 'compute_ledger._decision_guard()'::regprocedure,
					'compute_ledger._reservation_change_guard()'::regprocedure, 'compute_ledger._request_change_guard()'::regprocedure)), 0) AS bits
		FROM pg_class AS c
		WHERE c.oid IN ('compute_ledger._usage_record'::regclass, 'compute_ledger.usage_kind'::regclass, 'compute_ledger.usage_key'::regclass, 'compute_ledger.period_close'::regclass, 'compute_ledger.charge'::regclass, 'compute_ledger.policy_decision'::regclass,
			'compute_ledger.reservation_change'::regclass, 'compute_ledger.request_change'::regclass, 'compute_ledger.lease_report'::regclass)
			OR c.oid IN (SELECT i.relid FROM pg_partition_tree('compute_ledger._usage_record') AS i)
	) AS k
	WHERE k.bits & 56 <> 56;
	RETURN QUERY
	SELECT 'table without trigger', 'table ' || k.relation, format('has no trigger of %s', CASE WHEN k.rows <> 60 THEN '_bitemporal_row()' ELSE '_bitemporal_history()' END)
	FROM (
		SELECT c.relation,
			coalesce((SELECT bit_or(t.tgtype::integer) FROM pg_trigger AS t
				WHERE t.tgrelid = c.relation AND t.tgqual IS NULL AND t.tgattr::text = '' AND t.tgfoid = 'compute_ledger._bitemporal_row()'::regprocedure), 0) & 60 AS rows,
			coalesce((SELECT bit_or(t.tgtype::integer) FROM pg_trigger AS t
				WHERE t.tgrelid = c.relation AND t.tgqual IS NULL AND t.tgattr::text = '' AND t.tgfoid = 'compute_ledger._bitemporal_history()'::regprocedure), 0) & 24 AS history
		FROM unnest('{compute_ledger.price,compute_ledger.account_version,compute_ledger.account_merge,compute_ledger.region_version,compute_ledger.capacity,compute_ledger.pool_offer,compute_ledger.guest_share,compute_ledger.access_policy,compute_ledger.access_rule,compute_ledger.licence,compute_ledger.account_party,compute_ledger.account_flag,compute_ledger.region_link,compute_ledger.account_share,compute_ledger.queue_setting}'::regclass[]) AS c (relation)
	) AS k
	WHERE k.rows <> 60 OR k.history <> 24;
	-- A policy may hide rows from rating and from these checks, which see what the owner sees; without row-level security all is shown to all.
	RETURN QUERY
	SELECT 'row security', 'table ' || p.polrelid::regclass, CASE WHEN p.polpermissive THEN 'has a policy owner that is not the ledger''s' ELSE format('has policy %s, which hides rows from the ledger', quote_ident(p.polname)) END
	FROM pg_policy AS p
	JOIN pg_class AS c ON c.oid = p.polrelid
	WHERE c.relnamespace = 'compute_ledger'::regnamespace
		AND CASE WHEN p.polpermissive THEN p.polname = 'owner' AND (pg_get_expr(p.polqual, p.polrelid) <> 'true' OR p.polcmd <> '*' OR NOT p.polroles @> ARRAY['pg_database_owner'::regrole::oid])
			ELSE p.polroles && ARRAY[0, 'pg_database_owner'::regrole]::oid[] END;
	RETURN QUERY
	SELECT 'row security', 'table ' || c.oid::regclass, 'is off'
	FROM pg_class AS c
	WHERE c.relnamespace = 'compute_ledger'::regnamespace AND NOT c.relrowsecurity AND EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid);
	RETURN QUERY
	SELECT 'rule on a table', 'table ' || c.oid::regclass, format('has rule %s', quote_ident(w.rulename))
	FROM pg_rewrite AS w
	JOIN pg_class AS c ON c.oid = w.ev_class
	WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p');
END
$$;
COMMENT ON FUNCTION _check_guards() IS 'part of check_ledger(): what keeps the books from being changed or hidden: triggers, row-level security, and no rules';

CREATE FUNCTION _check_advice(at timestamptz) RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT 'open usage', 'record ' || r.id, format('(%s, %s) of account "%s" has no end and is %s old: %s x %s', r.source, r.source_id, r.account_name, date_trunc('second', at - r.started_at), r.devices, r.accelerator)
	FROM compute_ledger.usage_record AS r
	JOIN compute_ledger.usage_source AS s ON s.source = r.source
	WHERE r.ended_at = 'infinity' AND r.superseded = 'infinity' AND at - r.started_at > s.open_limit
	ORDER BY r.started_at, r.id;

	-- What names a reservation is drawn on it only if it is the reservation's.
	RETURN QUERY
	SELECT 'usage beside its reservation', 'record ' || r.id, format('(%s, %s) names reservation %s and is charged as if it named none: %s', r.source, r.source_id, r.reservation,
		concat_ws(', ', CASE WHEN NOT w.account THEN format('it is of account "%s"', r.account_name) END, CASE WHEN NOT w.region THEN format('in region "%s"', r.region_name) END,
			CASE WHEN NOT w.chip THEN format('on %s', r.accelerator) END, CASE WHEN NOT w.time THEN format('from %s to %s', r.started_at, r.ended_at) END))
	FROM compute_ledger.usage_record AS r
	JOIN compute_ledger.reservation AS v ON v.id = r.reservation
	JOIN compute_ledger.pool AS p ON p.id = v.pool
	CROSS JOIN LATERAL (SELECT r.account = v.account
			OR EXISTS (SELECT FROM compute_ledger.account_merge AS m WHERE m.account IN (r.account, v.account) AND upper_inf(m.recorded)) AS account,
		r.region = p.region AS region, p.accelerator OPERATOR(compute_ledger.@>) r.accelerator AS chip, tstzrange(r.started_at, r.ended_at) && v.occupies AS time) AS w
	WHERE r.reservation IS NOT NULL AND r.superseded = 'infinity' AND r.source <> 'compute_ledger' AND NOT (w.account AND w.region AND w.chip AND w.time)
	ORDER BY r.id;

	-- What is there longer than it was for is in the way of others.
	RETURN QUERY
	SELECT 'reservation still there', 'reservation ' || r.id, format('it should have ended at %s, and nobody has said that it has: what comes after it cannot start where there is no room for both', upper(r.period))
	FROM compute_ledger.reservation AS r
	WHERE r.state = 'running' AND upper(r.period) < at - interval '1 day'
	ORDER BY r.id;

	-- Nobody has made the records that are due.
	RETURN QUERY
	SELECT 'reservation not recorded', 'reservation ' || r.id, CASE WHEN compute_ledger._account_id(a.name, r.usage_due) IS NULL
		THEN format('account "%s" was not valid at %s: nothing can be recorded of it until it is', a.name, r.usage_due)
		ELSE format('record_reservations() has something to make of it since %s', r.usage_due) END
	FROM compute_ledger.reservation AS r
	JOIN compute_ledger.account AS a ON a.id = r.account
	WHERE r.usage_due < at - interval '1 day'
	ORDER BY r.id;

	-- Reserved capacity serves what its account's payer pays for, and not accounts below that are billed themselves.
	RETURN QUERY
	WITH idle AS MATERIALIZED (
		SELECT p.id AS price, p.account, p.book, p.accelerator, p.region, p.measure, p.number_format, c.id AS close, c.payer, c.as_of, b.period
		FROM compute_ledger.price AS p
		JOIN compute_ledger.charge AS u ON u.price = p.id AND u.kind = 'reserved unused' AND u.corrects IS NULL
		JOIN compute_ledger.period_close AS c ON c.id = u.close
		JOIN compute_ledger.billing_period AS b ON b.id = c.billing_period
		WHERE p.valid @> b.period
			AND NOT EXISTS (SELECT FROM compute_ledger.charge AS o WHERE o.close = c.id AND o.price = p.id AND o.kind = 'reserved used')
		GROUP BY p.id, c.id, b.id
	)
	SELECT 'commitment that serves nobody', 'price ' || i.price,
		format('its committed devices served nobody in all of %s, and account "%s" below, which is billed itself, paid %s %s on demand', i.period, a.name, sum(h.cost), h.currency)
	FROM idle AS i
	JOIN LATERAL (SELECT DISTINCT t.account FROM compute_ledger._account_tree(i.as_of) AS t WHERE t.ancestor = i.account AND t.valid && i.period) AS t ON true
	JOIN compute_ledger.charge AS h ON h.account = t.account AND h.book = i.book AND h.kind = 'usage' AND h.corrects IS NULL AND h.period && i.period AND h.payer <> i.payer
		AND h.measure = i.measure AND i.accelerator OPERATOR(compute_ledger.@>) h.accelerator AND (i.number_format IS NULL OR h.number_format = i.number_format)
		AND (i.region IS NULL OR EXISTS (SELECT FROM compute_ledger._region_tree(i.as_of) AS g WHERE g.region = h.region AND g.ancestor = i.region AND g.valid && h.period))
	JOIN compute_ledger.account AS a ON a.id = h.payer
	GROUP BY i.price, i.close, i.period, a.name, h.currency
	HAVING sum(h.cost) > 0;
END
$$;
COMMENT ON FUNCTION _check_advice(timestamptz) IS 'part of check_ledger(): what contradicts nothing and is worth a look: records that have been open for long, usage that does not draw on the reservation that it names, reservations without their records, reserved capacity that serves nobody';
