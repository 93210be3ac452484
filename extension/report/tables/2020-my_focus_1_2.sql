CREATE VIEW compute_ledger.my_focus_1_2 WITH (security_barrier = true) AS
WITH c AS (
	SELECT h.id::text AS id, h.kind, h.book, h.account, h.payer, h.billing_period, h.price, h.list_price, h.region, h.accelerator, h.number_format, h.measure, h.basis, h.rate,
		h.day, h.period, h.quantity, h.unit, h.work, h.tiers, h.unit_price, h.list_unit_price, h.list_cost, h.cost, h.currency, h.records, h.corrects, h.reservation, h.close, h.as_of,
-- @include focus_tags.sql
		AS tags
	FROM compute_ledger.charge AS h
	WHERE h.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts()))
	UNION ALL
	-- what the charges of a closing differ by from what is payable
	SELECT concat(p.id, '-', d.key, '/payable'), 'payable', p.book, p.payer, p.payer, p.billing_period, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
		NULL, b.period, NULL, NULL, NULL, NULL, NULL, NULL, NULL, d.value::numeric, d.key, NULL, NULL, NULL, p.id, p.as_of, NULL
	FROM compute_ledger.period_close AS p
	JOIN compute_ledger.billing_period AS b ON b.id = p.billing_period
	CROSS JOIN LATERAL jsonb_each_text(p.payable_difference) AS d
	WHERE d.value::numeric <> 0 AND p.payer = ANY (ARRAY(SELECT compute_ledger._visible_accounts()))
)
-- @include focus_query.sql
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_focus_1_2 IS 'View focus_1_2 of the accounts that you see: their charges, and, of payers that you see, what each closing differs by from what is payable.';
PERFORM compute_ledger._comment_like('compute_ledger.my_focus_1_2', 'compute_ledger.focus_1_2');
