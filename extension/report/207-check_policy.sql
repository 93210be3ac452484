-- check_ledger(), goes on: policies, licences, and the decisions by which was booked.

CREATE FUNCTION _check_policy() RETURNS TABLE (check_name text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- One state, and nothing that it has not counted.
	RETURN QUERY
	SELECT 'policy version', 'table compute_ledger.policy_version', CASE WHEN v.n <> 1 THEN format('has %s rows', v.n)
		ELSE format('says that policies last changed at %s, and something of them did at %s', coalesce(v.changed::text, 'no time'), r.changed) END
	FROM (SELECT count(*) AS n, max(p.changed) AS changed FROM compute_ledger.policy_version AS p) AS v
	CROSS JOIN (
		SELECT max(greatest(lower(c.recorded), CASE WHEN NOT upper_inf(c.recorded) THEN upper(c.recorded) END)) AS changed
		FROM (SELECT p.recorded FROM compute_ledger.access_policy AS p UNION ALL SELECT r.recorded FROM compute_ledger.access_rule AS r
			UNION ALL SELECT l.recorded FROM compute_ledger.licence AS l UNION ALL SELECT p.recorded FROM compute_ledger.account_party AS p
			UNION ALL SELECT f.recorded FROM compute_ledger.account_flag AS f) AS c
	) AS r
	WHERE v.n <> 1 OR r.changed > coalesce(v.changed, '-infinity');

	-- One row of a name at a time, at every recorded time.
	RETURN QUERY
	SELECT 'policies overlap', format('policy "%s"', p.policy), format('rows valid in %s and %s, recorded %s and %s', p.valid, o.valid, p.recorded, o.recorded)
	FROM compute_ledger.access_policy AS p JOIN compute_ledger.access_policy AS o ON o.policy = p.policy AND o.ctid > p.ctid AND o.valid && p.valid AND o.recorded && p.recorded
	UNION ALL
	SELECT 'rules overlap', format('rule "%s"', r.rule), format('rows valid in %s and %s, recorded %s and %s', r.valid, o.valid, r.recorded, o.recorded)
	FROM compute_ledger.access_rule AS r JOIN compute_ledger.access_rule AS o ON o.rule = r.rule AND o.ctid > r.ctid AND o.valid && r.valid AND o.recorded && r.recorded
	UNION ALL
	SELECT 'licences overlap', 'licence ' || l.id, format('rows recorded %s and %s', l.recorded, o.recorded)
	FROM compute_ledger.licence AS l JOIN compute_ledger.licence AS o ON o.id = l.id AND o.ctid > l.ctid AND o.recorded && l.recorded
	UNION ALL
	SELECT 'parties overlap', 'account ' || coalesce(a.name, p.account::text), format('rows valid in %s and %s, recorded %s and %s', p.valid, o.valid, p.recorded, o.recorded)
	FROM compute_ledger.account_party AS p JOIN compute_ledger.account_party AS o ON o.account = p.account AND o.ctid > p.ctid AND o.valid && p.valid AND o.recorded && p.recorded
	LEFT JOIN compute_ledger.account AS a ON a.id = p.account;

	-- What rules, licences and statements are about is there.
	RETURN QUERY
	SELECT 'rule of nothing', format('rule "%s"', r.rule), concat_ws('; ',
		CASE WHEN NOT EXISTS (SELECT FROM compute_ledger.access_policy AS p WHERE p.policy = r.policy) THEN format('policy "%s" does not exist', r.policy) END,
		(SELECT format('account %s does not exist', min(x.id)) FROM unnest(r.accounts || r.accounts_not) AS x (id)
			WHERE NOT EXISTS (SELECT FROM compute_ledger.account AS a WHERE a.id = x.id) HAVING count(*) > 0),
		(SELECT format('region %s does not exist', min(x.id)) FROM unnest(r.regions || r.regions_not) AS x (id)
			WHERE NOT EXISTS (SELECT FROM compute_ledger.region AS g WHERE g.id = x.id) HAVING count(*) > 0))
	FROM compute_ledger.access_rule AS r
	WHERE upper_inf(r.recorded) AND (NOT EXISTS (SELECT FROM compute_ledger.access_policy AS p WHERE p.policy = r.policy)
		OR EXISTS (SELECT FROM unnest(r.accounts || r.accounts_not) AS x (id) WHERE NOT EXISTS (SELECT FROM compute_ledger.account AS a WHERE a.id = x.id))
		OR EXISTS (SELECT FROM unnest(r.regions || r.regions_not) AS x (id) WHERE NOT EXISTS (SELECT FROM compute_ledger.region AS g WHERE g.id = x.id)));
	RETURN QUERY
	SELECT 'licence of nothing', 'licence ' || l.id, concat_ws('; ',
		CASE WHEN NOT EXISTS (SELECT FROM compute_ledger.access_rule AS r WHERE r.rule = l.rule) THEN format('lifts rule "%s", which never was', l.rule) END,
		CASE WHEN NOT EXISTS (SELECT FROM compute_ledger.account AS a WHERE a.id = l.account) THEN format('is of account %s, which does not exist', l.account) END)
	FROM compute_ledger.licence AS l
	WHERE upper_inf(l.recorded) AND (NOT EXISTS (SELECT FROM compute_ledger.access_rule AS r WHERE r.rule = l.rule)
		OR NOT EXISTS (SELECT FROM compute_ledger.account AS a WHERE a.id = l.account));
	RETURN QUERY
	SELECT 'party of nobody', 'account ' || p.account, 'has a party or a flag, and does not exist'
	FROM (SELECT y.account FROM compute_ledger.account_party AS y UNION SELECT f.account FROM compute_ledger.account_flag AS f) AS p
	WHERE NOT EXISTS (SELECT FROM compute_ledger.account AS a WHERE a.id = p.account);

	-- A decision is about what it says.
	RETURN QUERY
	SELECT 'decision and reservation', 'decision ' || d.id,
		CASE WHEN r.id IS NULL THEN format('is about reservation %s, which does not exist', d.reservation)
			ELSE format('is about account %s, %s and region %s, and reservation %s is of account %s, %s and region %s', d.account, d.accelerator, d.region, r.id, r.account, p.accelerator, p.region) END
	FROM compute_ledger.policy_decision AS d
	LEFT JOIN compute_ledger.reservation AS r ON r.id = d.reservation
	LEFT JOIN compute_ledger.pool AS p ON p.id = r.pool
	WHERE d.reservation IS NOT NULL
		AND (r.id IS NULL OR d.account <> r.account OR d.accelerator OPERATOR(compute_ledger.<>) p.accelerator OR d.region <> p.region);
	RETURN QUERY
	SELECT 'decision and usage', 'decision ' || d.id, format('is about account %s, %s and region %s from %s on, and record %s says %s, %s and %s from %s on',
		d.account, d.accelerator, d.region, lower(d.period), u.id, u.account, u.accelerator, u.region, u.started_at)
	FROM compute_ledger.policy_decision AS d
	-- a month that was detached is not asked
	JOIN compute_ledger.usage_record AS u ON u.id = d.usage
	WHERE d.account <> u.account OR d.accelerator OPERATOR(compute_ledger.<>) u.accelerator OR d.region <> u.region OR lower(d.period) <> u.started_at;
	RETURN QUERY
	SELECT 'reservation without decision', 'reservation ' || c.reservation, format('%s, %s times while there was a policy, and %s decisions say that it was allowed', c.action, c.n, coalesce(d.n, 0))
	FROM (SELECT h.reservation, h.action, count(*) AS n
		FROM compute_ledger.reservation_change AS h
		WHERE h.action IN ('book', 'confirm', 'extend', 'move', 'start') AND EXISTS (SELECT FROM compute_ledger.access_policy AS p WHERE p.recorded @> h.recorded)
		GROUP BY h.reservation, h.action) AS c
	LEFT JOIN (SELECT e.reservation, e.action, count(*) AS n FROM compute_ledger.policy_decision AS e GROUP BY e.reservation, e.action) AS d ON d.reservation = c.reservation AND d.action = c.action
	WHERE c.n > coalesce(d.n, 0);

	-- Asked again as it was known then, each has the same answer.
	RETURN QUERY
	WITH kind AS MATERIALIZED (
		SELECT d.as_of, array_agg(d.id) AS ids, array_agg(d.account) AS accounts, array_agg(d.accelerator) AS chips, array_agg(d.region) AS regions, array_agg(d.period) AS periods
		FROM compute_ledger.policy_decision AS d
		GROUP BY d.as_of
	), again AS MATERIALIZED (
		SELECT s.* FROM kind AS k CROSS JOIN LATERAL compute_ledger._strictest(k.ids, k.accounts, k.chips, k.regions, k.periods, 'book', k.as_of) AS s
	)
	SELECT 'decision', 'decision ' || d.id, format('says %s, and policies as of %s say %s', concat_ws(' by rule ', d.effect, d.rule), d.as_of, concat_ws(' by rule ', coalesce(s.effect, 'allow'), s.rule))
	FROM compute_ledger.policy_decision AS d
	LEFT JOIN again AS s ON s.id = d.id
	WHERE d.effect <> coalesce(s.effect, 'allow') OR d.effect <> 'allow' AND (d.rule IS DISTINCT FROM s.rule OR d.during IS DISTINCT FROM s.during);

	-- What has happened, and should not have.
	RETURN QUERY
	SELECT 'usage against policy', format('account "%s"', a.name), format('%s records that are current, of %s in %s, were not allowed: %s by %s', count(*), d.accelerator, g.name, d.effect,
		coalesce(format('rule "%s" (%s)', d.rule, d.clause), format('the default of policy "%s"', d.policy)))
	FROM compute_ledger.policy_decision AS d
	JOIN compute_ledger.usage_record AS u ON u.id = d.usage AND u.superseded = 'infinity'
	JOIN compute_ledger.account AS a ON a.id = d.account
	JOIN compute_ledger.region AS g ON g.id = d.region
	GROUP BY a.name, d.accelerator, g.name, d.effect, d.policy, d.rule, d.clause
	ORDER BY a.name COLLATE "C";
END
$$;
COMMENT ON FUNCTION _check_policy() IS 'part of check_ledger(): policies, rules, licences and parties, the decisions about reservations and usage against what they are about and against policies as they were known then, and, as advice, usage that was not allowed';
