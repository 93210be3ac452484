-- Only its owner may refresh a materialized view.
CREATE FUNCTION compute_ledger._refresh_rollup(rollup text, concurrent boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._require_entrusted('compute_ledger._refresh_rollup(text,boolean)');
	IF rollup NOT IN ('_utilization_monthly', '_spend_monthly') THEN
		PERFORM compute_ledger._refuse('22023', format('"%s" is not a materialized view of the ledger', rollup));
	END IF;
	EXECUTE format('REFRESH MATERIALIZED VIEW %s compute_ledger.%I', CASE WHEN concurrent THEN 'CONCURRENTLY' ELSE '' END, rollup);
END
$function$;
COMMENT ON FUNCTION compute_ledger._refresh_rollup(text, boolean) IS 'refreshes one materialized view of the ledger on behalf of its owner; part of refresh_rollups()';
