-- The schema comes from the control file: it belongs to whoever runs CREATE
-- EXTENSION, and this script runs as the bootstrap superuser with the schema
-- first in its search_path after pg_catalog.  Whatever somebody left in it could
-- capture a name used below, so a schema that already holds functions, operators
-- or types is refused.  (Tables and their views may be there: a ledger outlives the
-- extension; the row types that they bring are nothing that this script names.)
DO $$
DECLARE
	planted pg_catalog.text;
BEGIN
	SELECT o.what INTO planted
	FROM (
		SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text, p.pronamespace FROM pg_catalog.pg_proc AS p
		UNION ALL
		SELECT p.oid::pg_catalog.regoperator::pg_catalog.text, p.oprnamespace FROM pg_catalog.pg_operator AS p
		UNION ALL
		SELECT t.oid::pg_catalog.regtype::pg_catalog.text, t.typnamespace FROM pg_catalog.pg_type AS t
		WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class AS r, pg_catalog.pg_type AS e
			WHERE r.oid OPERATOR(pg_catalog.=) e.typrelid AND r.relkind OPERATOR(pg_catalog.<>) 'c'
				AND (e.oid OPERATOR(pg_catalog.=) t.oid OR e.typarray OPERATOR(pg_catalog.=) t.oid))
	) AS o (what, namespace)
	WHERE o.namespace OPERATOR(pg_catalog.=) '@extschema@'::pg_catalog.regnamespace
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'schema "%" already contains %', '@extschema@', planted
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'An object in the extension''s schema could change the meaning of the install script, which runs as superuser.',
				HINT = 'Drop what is in the schema, or the schema, and try again.';
	END IF;
END
$$;

-- The types are for everybody; what tables may be read is said where they are made.
-- The ledger belongs to the owner of the database, who need not be who installs.
GRANT USAGE ON SCHEMA @extschema@ TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA @extschema@ TO pg_database_owner;
