CREATE VIEW compute_ledger.focus_1_2 WITH (security_invoker = true) AS
WITH c AS (
	TABLE compute_ledger.charge
)
-- @include focus_query.sql
;
COMMENT ON VIEW compute_ledger.focus_1_2 IS 'The charges of closed billing periods, of book sale, in the columns of FOCUS 1.2, a row or more for each; what has no price is not in it.';
-- a column of the specification is described by its row of focus_column
DO $do$
DECLARE
	c record;
BEGIN
	FOR c IN
		SELECT f.focus_column AS name, format('FOCUS 1.2: %s, %s%s', f.data_type, f.level, CASE WHEN f.nullable THEN ', may be null' ELSE '' END) AS comment
		FROM compute_ledger.focus_column AS f
		UNION ALL
		VALUES ('x_ChargeId', 'id of the charge, with .N for tier N, /fee for the fee of a tier and /purchase for the purchase of what was committed to'),
			('x_Kind', 'kind of the charge'), ('x_Account', 'name of the account'), ('x_Day', 'day in the account''s time zone'),
			('x_Accelerator', 'the chip'), ('x_NumberFormat', 'number format of the use'), ('x_Measure', 'reserved, allocated or used'),
			('x_Price', 'id of the price'), ('x_ListPrice', 'id of the list price'), ('x_Basis', 'basis that work is counted in'),
			('x_Rate', 'normalised rate of a device'), ('x_Work', 'nominal work; in the first row of a charge only'),
			('x_Records', 'number of parts of usage records; in the first row of a charge only'),
			('x_CorrectsBillingPeriod', 'id of the billing period that is corrected')
	LOOP
		EXECUTE format('COMMENT ON COLUMN compute_ledger.focus_1_2.%I IS %L', c.name, c.comment);
	END LOOP;
END
$do$;
