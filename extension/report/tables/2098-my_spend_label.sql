CREATE VIEW compute_ledger.my_spend_label WITH (security_barrier = true) AS
WITH seen AS MATERIALIZED (
	SELECT ARRAY(SELECT compute_ledger._visible_accounts()) AS accounts
)
SELECT g.key, g.value, g.book, g.payer, p.name AS payer_name, g.account, a.name AS account_name, g.region, r.name AS region_name, g.accelerator, g.kind, g.day, g.currency,
	g.cost, g.by_rule AS shared, g.charge
FROM (
	-- how many values others have is not said either
	SELECT s.key, CASE WHEN s.account = ANY ((SELECT e.accounts FROM seen AS e)::bigint[]) THEN s.value END AS value, c.book, c.payer, c.account, c.region, c.accelerator, c.kind,
		s.day, c.currency, sum(s.cost) AS cost, s.by_rule, c.id AS charge
	FROM compute_ledger.spend_share AS s
	JOIN compute_ledger.charge AS c ON c.id = s.charge
	WHERE c.book = 'sale' AND c.account = ANY ((SELECT e.accounts FROM seen AS e)::bigint[])
		AND c.recorded <= (SELECT t.as_of FROM compute_ledger.rollup_state AS t)
	GROUP BY 1, 2, c.id, s.day, s.by_rule
) AS g
LEFT JOIN compute_ledger.account AS a ON a.id = g.account
LEFT JOIN compute_ledger.account AS p ON p.id = g.payer
LEFT JOIN compute_ledger.region AS r ON r.id = g.region
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_spend_label IS 'Spend by label of the accounts that you see, of book sale, as view spend_label has it.';
COMMENT ON COLUMN compute_ledger.my_spend_label.value IS 'its value; NULL: none, or those of accounts that you do not see, in one row';
PERFORM compute_ledger._comment_like('compute_ledger.my_spend_label', 'compute_ledger.spend_label');
