-- Only the owner of a relation may grant on it: made here, it is the owner's.  It gives a role what its
-- rows in ledger_access say, so that calling it once more changes nothing.
CREATE FUNCTION compute_ledger._sync_relations(role oid) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._require_entrusted('compute_ledger._sync_relations(oid)');
	PERFORM compute_ledger._sync_access(role, false);
END
$function$;
COMMENT ON FUNCTION compute_ledger._sync_relations(oid) IS 'made by create_ledger(): gives a role the privileges on the ledger''s relations that ledger_access says, and takes the others';
