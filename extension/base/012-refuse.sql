-- How the ledger's functions say no.

CREATE FUNCTION _refuse(sqlstate text, message text, detail text DEFAULT NULL, hint text DEFAULT NULL, "constraint" text DEFAULT NULL) RETURNS void
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'refuse';
COMMENT ON FUNCTION _refuse(text, text, text, text, text) IS 'raises an error like RAISE, without a line of context for each function of compute_ledger that it came through; a detail, a hint or the name of a constraint that is NULL is none';
