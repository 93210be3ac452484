CREATE VIEW compute_ledger.focus_1_2 WITH (security_invoker = true) AS
WITH c AS (
	SELECT h.id::text AS id, h.kind, h.book, h.account, h.payer, h.billing_period, h.price, h.list_price, h.region, h.accelerator, h.number_format, h.measure, h.basis, h.rate,
		h.day, h.period, h.quantity, h.unit, h.work, h.tiers, h.unit_price, h.list_unit_price, h.list_cost, h.cost, h.currency, h.records, h.corrects, h.reservation, h.close, h.as_of,
-- @include focus_tags.sql
		AS tags
	FROM compute_ledger.charge AS h
	UNION ALL
	-- what the charges of a closing differ by from what is payable
	SELECT concat(p.id, '-', d.key, '/payable'), 'payable', p.book, p.payer, p.payer, p.billing_period, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
		NULL, b.period, NULL, NULL, NULL, NULL, NULL, NULL, NULL, d.value::numeric, d.key, NULL, NULL, NULL, p.id, p.as_of, NULL
	FROM compute_ledger.period_close AS p
	JOIN compute_ledger.billing_period AS b ON b.id = p.billing_period
	CROSS JOIN LATERAL jsonb_each_text(p.payable_difference) AS d
	WHERE d.value::numeric <> 0
)
-- @include focus_query.sql
;
COMMENT ON VIEW compute_ledger.focus_1_2 IS 'The charges of closed billing periods, of book sale, in the columns of FOCUS 1.2, a row or more for each, and a row for what each closing and currency differs by from what is payable; what has no price is not in it.';
-- a column of the specification is described by its row of focus_column
DO $do$
DECLARE
	c record;
BEGIN
	FOR c IN
		SELECT f.focus_column AS name, format('FOCUS 1.2: %s, %s%s', f.data_type, f.level, CASE WHEN f.nullable THEN ', may be null' ELSE '' END) AS comment
		FROM compute_ledger.focus_column AS f
		UNION ALL
		VALUES ('x_ChargeId', 'id of the charge, with .N for tier N, /fee for the fee of a tier and /purchase for the purchase of what was committed to; InvoiceId and /payable for the difference to what is payable'),
			('x_Kind', 'kind of the charge; payable: the difference to what is payable'), ('x_Account', 'name of the account'), ('x_Day', 'day in the account''s time zone'),
			('x_Accelerator', 'the chip'), ('x_NumberFormat', 'number format of the use'), ('x_Measure', 'reserved, allocated, used, forgone or preemptible'),
			('x_Price', 'id of the price'), ('x_ListPrice', 'id of the list price'), ('x_Basis', 'basis that work is counted in'),
			('x_Rate', 'normalised rate of a device'), ('x_Work', 'nominal work; in the first row of a charge only'),
			('x_Records', 'number of parts of usage records; in the first row of a charge only'),
			('x_CorrectsBillingPeriod', 'id of the billing period that is corrected'), ('x_Reservation', 'number of the reservation that it is of, or that the usage names')
	LOOP
		EXECUTE format('COMMENT ON COLUMN compute_ledger.focus_1_2.%I IS %L', c.name, c.comment);
	END LOOP;
END
$do$;
