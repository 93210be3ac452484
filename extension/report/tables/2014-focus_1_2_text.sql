-- Every column of focus_1_2 as text that no setting of a session changes.
DO $do$
DECLARE
	c record;
BEGIN
	EXECUTE (
		SELECT format('CREATE VIEW compute_ledger.focus_1_2_text WITH (security_invoker = true) AS SELECT %s FROM compute_ledger.focus_1_2 AS f',
			string_agg(format(CASE
				-- a period that is shorter than what is written lasts a second
				WHEN a.attname LIKE '%PeriodEnd' THEN 'compute_ledger._focus_time(greatest(f.%1$I, f.%2$I + interval ''1 second'')) AS %1$I'
				WHEN a.atttypid = 'timestamptz'::regtype THEN 'compute_ledger._focus_time(f.%1$I) AS %1$I'
				WHEN a.atttypid = 'date'::regtype THEN 'to_char(f.%1$I, ''YYYY-MM-DD'') AS %1$I'
				ELSE 'f.%1$I::text AS %1$I' END, a.attname, replace(a.attname, 'End', 'Start')), ', ' ORDER BY a.attnum))
		FROM pg_attribute AS a
		WHERE a.attrelid = 'compute_ledger.focus_1_2'::regclass AND a.attnum > 0);
	FOR c IN
		SELECT a.attname AS name, col_description(a.attrelid, a.attnum) AS comment FROM pg_attribute AS a
		WHERE a.attrelid = 'compute_ledger.focus_1_2'::regclass AND a.attnum > 0
	LOOP
		EXECUTE format('COMMENT ON COLUMN compute_ledger.focus_1_2_text.%I IS %L', c.name, c.comment);
	END LOOP;
END
$do$;
COMMENT ON VIEW compute_ledger.focus_1_2_text IS 'View focus_1_2 as text, as a file of FOCUS has it whatever the session''s settings are, to be copied out as CSV: instants in UTC as YYYY-MM-DDTHH:MM:SSZ, cut to whole seconds, numbers without exponents, JSON objects, NULL where there is no value.';
