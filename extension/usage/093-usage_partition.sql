-- Partitions of _usage_record: months that the ledger makes, or whatever somebody else has made.

CREATE FUNCTION _usage_partitions(OUT name name, OUT starts timestamptz, OUT ends timestamptz) RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	SET datestyle = 'ISO, MDY'
	SET timezone = 'UTC'
AS $$
	SELECT c.relname,
		CASE f.bound WHEN 'MINVALUE' THEN '-infinity' ELSE f.bound END::timestamptz, CASE t.bound WHEN 'MAXVALUE' THEN 'infinity' ELSE t.bound END::timestamptz
	FROM pg_inherits AS i
	JOIN pg_class AS c ON c.oid = i.inhrelid
	CROSS JOIN LATERAL pg_get_expr(c.relpartbound, c.oid) AS e (bounds)
	CROSS JOIN LATERAL substring(e.bounds FROM $re$FROM \('?([^')]*)'?\)$re$) AS f (bound)
	CROSS JOIN LATERAL substring(e.bounds FROM $re$TO \('?([^')]*)'?\)$re$) AS t (bound)
	WHERE i.inhparent = 'compute_ledger._usage_record'::regclass
$$;
COMMENT ON FUNCTION _usage_partitions() IS 'the partitions of _usage_record, whoever made them, and what starts they hold: from starts to before ends; NULL of a default partition';
