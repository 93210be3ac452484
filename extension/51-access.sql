-- Access to the ledger: what a role may do, and which accounts it sees.

CREATE FUNCTION _create_access() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CREATE TABLE compute_ledger.ledger_mark (
		watermark timestamptz PRIMARY KEY
	);
	COMMENT ON TABLE compute_ledger.ledger_mark IS 'watermarks that were stored by mark_watermark()';
	CREATE TABLE compute_ledger.ledger_access (
		role name NOT NULL,
		kind text NOT NULL CHECK (kind IN ('reader', 'meter', 'biller', 'auditor', 'admin')),
		account bigint,
		granted_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
		granted_by name NOT NULL DEFAULT current_user,
		UNIQUE NULLS NOT DISTINCT (role, kind, account)
	);
	COMMENT ON TABLE compute_ledger.ledger_access IS 'what roles were given with grant_access(); account NULL: the whole ledger';
	PERFORM compute_ledger._protect('compute_ledger.ledger_version', 'true');
	PERFORM compute_ledger._protect('compute_ledger.ledger_mark', 'true');
	PERFORM compute_ledger._protect('compute_ledger.ledger_access');
END
$$;
COMMENT ON FUNCTION _create_access() IS 'part of create_ledger()';

CREATE FUNCTION sees_everything(role name DEFAULT current_user) RETURNS boolean
	LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_has_role(session_user, role, 'MEMBER') AND EXISTS (
		SELECT FROM compute_ledger.ledger_access AS a, pg_roles AS r
		WHERE r.rolname = a.role AND a.account IS NULL AND pg_has_role(sees_everything.role, r.oid, 'USAGE'))
$$;
ALTER FUNCTION sees_everything(name) OWNER TO pg_database_owner;
COMMENT ON FUNCTION sees_everything(name) IS 'whether a role, by default the current one, was given access to the whole ledger; false for a role that the session''s user is no member of';
