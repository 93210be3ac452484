-- What asking for spend by label and keeping it have in common: charges shared out over values of keys.
-- Before it stand asked (key), c (n, what a charge says, and series, which tells apart what is shared out by itself), under (account,
-- ancestor), and said (n, key, value, account, cost, amount): what the records of a charge say, with their shares of it.
-- A share by weight is a difference of rounded running totals, so that the shares of a charge add up.
, ruled AS MATERIALIZED (
	SELECT x.n, r.share
	FROM (
		SELECT c.n, CASE c.kind WHEN 'commitment' THEN 'minimum' WHEN 'reserved unused' THEN 'unused commitment' WHEN 'rounding' THEN 'rounding'
			WHEN 'reservation unused' THEN 'unused reservation' WHEN 'reservation used' THEN 'used reservation'
			ELSE CASE c.measure WHEN 'forgone' THEN 'fee' END END AS what
		FROM c
		WHERE c.cost IS NOT NULL
	) AS x
	JOIN compute_ledger.spend_rule AS r ON r.what = x.what AND r.share <> 'not'
), own AS MATERIALIZED (
	SELECT s.n, s.key, s.value, s.account, s.cost
	FROM said AS s
	WHERE s.cost IS NOT NULL AND NOT EXISTS (SELECT FROM ruled AS r WHERE r.n = s.n)
), spent AS MATERIALIZED (
	SELECT c.series, c.payer, c.billing_period, c.currency, c.account AS charged, o.key, o.value, o.account, sum(o.cost) AS cost
	FROM own AS o JOIN c ON c.n = o.n
	GROUP BY c.series, c.payer, c.billing_period, c.currency, c.account, o.key, o.value, o.account
), base AS (
	-- what was spent in the same billing period by the account that is charged and all under it
	SELECT r.n, r.share, s.key, s.value, s.account, s.cost
	FROM ruled AS r
	JOIN c ON c.n = r.n
	JOIN under AS u ON u.ancestor = c.account
	JOIN spent AS s ON s.charged = u.account AND s.series = c.series AND s.payer = c.payer AND s.billing_period = c.billing_period AND s.currency = c.currency
	WHERE r.share IN ('evenly', 'by spend')
), weight AS (
	SELECT b.n, b.key, b.value, b.account, sum(b.cost) AS weight
	FROM base AS b
	WHERE b.share = 'by spend'
	GROUP BY b.n, b.key, b.value, b.account
	HAVING sum(b.cost) > 0
	UNION ALL
	SELECT b.n, b.key, b.value, min(b.account), 1
	FROM base AS b
	WHERE b.share = 'evenly'
	GROUP BY b.n, b.key, b.value
	HAVING sum(b.cost) > 0
	UNION ALL
	-- what drew on the reservation that day, or, if nothing did, in the billing period
	SELECT r.n, s.key, s.value, s.account, sum(s.amount)
	FROM ruled AS r
	JOIN c ON c.n = r.n
	JOIN c AS d ON d.kind = 'drawn' AND d.reservation = c.reservation AND d.series = c.series AND d.payer = c.payer AND d.billing_period = c.billing_period
		AND (d.day = c.day OR NOT EXISTS (SELECT FROM c AS e WHERE e.kind = 'drawn' AND e.reservation = c.reservation AND e.series = c.series AND e.payer = c.payer
			AND e.billing_period = c.billing_period AND e.day = c.day))
	JOIN said AS s ON s.n = d.n
	WHERE r.share = 'by use'
	GROUP BY r.n, s.key, s.value, s.account
	HAVING sum(s.amount) > 0
), shared AS MATERIALIZED (
	SELECT w.n, w.key, w.value, w.account,
		compute_ledger._round_ratio(w.until * c.cost, w.total, k.ledger_scale) - compute_ledger._round_ratio((w.until - w.weight) * c.cost, w.total, k.ledger_scale) AS cost
	FROM (
		SELECT w.*, sum(w.weight) OVER (PARTITION BY w.n, w.key ORDER BY w.value, w.account ROWS UNBOUNDED PRECEDING) AS until, sum(w.weight) OVER (PARTITION BY w.n, w.key) AS total
		FROM weight AS w
	) AS w
	JOIN c ON c.n = w.n
	JOIN compute_ledger.currency AS k ON k.code = c.currency
), share AS (
	SELECT o.n, o.key, o.value, o.account, o.cost, false AS by_rule FROM own AS o
	UNION ALL
	SELECT s.n, s.key, s.value, s.account, s.cost, true FROM shared AS s
	UNION ALL
	SELECT c.n, a.key, NULL, c.account, c.cost, false
	FROM c CROSS JOIN asked AS a
	WHERE c.cost IS NOT NULL
		AND NOT EXISTS (SELECT FROM own AS o WHERE o.n = c.n AND o.key = a.key) AND NOT EXISTS (SELECT FROM shared AS s WHERE s.n = c.n AND s.key = a.key)
)
