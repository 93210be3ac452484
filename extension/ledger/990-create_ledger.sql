-- create_ledger(): makes the ledger, or migrates it to this version's form.

CREATE FUNCTION _ledger_step_1() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- in the order in which they refer to each other
	PERFORM compute_ledger._create_access();
	PERFORM compute_ledger._create_bitemporal();
	PERFORM compute_ledger._create_currency();
	PERFORM compute_ledger._create_billing_period();
	PERFORM compute_ledger._create_account();
	PERFORM compute_ledger._create_region();
	PERFORM compute_ledger._create_usage();
	PERFORM compute_ledger._create_price();
	PERFORM compute_ledger._create_charge();
	PERFORM compute_ledger._create_rollup();
	PERFORM compute_ledger._create_focus();
END
$$;
COMMENT ON FUNCTION _ledger_step_1() IS 'part of create_ledger(): the ledger''s first form';

CREATE FUNCTION create_ledger() RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	done integer := 0;
	existing record;
	owner name;
	caller name := current_user;
	role_setting text := current_setting('role');
BEGIN
	PERFORM pg_advisory_xact_lock(1129079666, 0);
	SELECT pg_get_userbyid(d.datdba) INTO owner FROM pg_database AS d WHERE d.datname = current_database();
	IF NOT pg_has_role(current_user, owner, 'MEMBER') THEN
		RAISE EXCEPTION 'must be owner of database %', quote_ident(current_database())
			USING ERRCODE = 'insufficient_privilege',
				DETAIL = format('That is role %I, to which the ledger''s tables will belong.', owner);
	END IF;
	-- The ledger has one owner, whether he, a member of his role or a superuser calls.
	IF caller <> owner THEN
		PERFORM set_config('role', owner, true);
	END IF;
	BEGIN
		SELECT c.relkind, pg_get_userbyid(c.relowner) AS owner,
			(SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
		INTO existing
		FROM pg_class AS c
		WHERE c.relname = 'ledger_version' AND c.relnamespace = 'compute_ledger'::regnamespace;
		IF NOT FOUND THEN
			CREATE TABLE compute_ledger.ledger_version (
				step integer PRIMARY KEY CHECK (step > 0),
				extension_version text NOT NULL,
				made_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
				made_by name NOT NULL
			);
			COMMENT ON TABLE compute_ledger.ledger_version IS 'the steps that made this ledger what it is';
			COMMENT ON COLUMN compute_ledger.ledger_version.step IS 'number of the step';
			COMMENT ON COLUMN compute_ledger.ledger_version.extension_version IS 'version of the extension that took it';
			COMMENT ON COLUMN compute_ledger.ledger_version.made_at IS 'when it was taken';
			COMMENT ON COLUMN compute_ledger.ledger_version.made_by IS 'who called create_ledger()';
		ELSIF existing.relkind <> 'r' OR existing.columns IS DISTINCT FROM 'step,extension_version,made_at,made_by' THEN
			RAISE EXCEPTION 'relation "ledger_version" already exists' USING ERRCODE = 'duplicate_table';
		ELSIF existing.owner <> owner THEN
			RAISE EXCEPTION 'database % belongs to role %, and its ledger to role %', quote_ident(current_database()), quote_ident(owner), quote_ident(existing.owner)
				USING ERRCODE = 'object_not_in_prerequisite_state',
					DETAIL = 'The ledger''s functions work for the owner of the database.',
					HINT = format('As superuser, run REASSIGN OWNED BY %I TO %I in this database.', existing.owner, owner);
		ELSE
			SELECT coalesce(max(v.step), 0) INTO done FROM compute_ledger.ledger_version AS v;
		END IF;
		FOR step IN done + 1 .. compute_ledger._ledger_steps() LOOP
			EXECUTE format('SELECT compute_ledger.%I()', '_ledger_step_' || step);
			INSERT INTO compute_ledger.ledger_version (step, extension_version, made_by)
			SELECT step, e.extversion, caller FROM pg_extension AS e WHERE e.extname = 'compute_ledger';
		END LOOP;
	EXCEPTION WHEN duplicate_table OR duplicate_object OR duplicate_function THEN
		RAISE EXCEPTION USING
			ERRCODE = SQLSTATE,
			MESSAGE = SQLERRM,
			DETAIL = 'The ledger needs this name in schema compute_ledger, and something that is not the ledger''s has it.',
			HINT = 'Rename or drop that object, or move it to another schema.';
	END;
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._sync_all_access();
	IF caller <> owner THEN
		PERFORM set_config('role', role_setting, true);
	END IF;
	RETURN greatest(compute_ledger._ledger_steps() - done, 0);
END
$$;
ALTER FUNCTION create_ledger() OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION create_ledger() FROM PUBLIC;
COMMENT ON FUNCTION create_ledger() IS 'makes the ledger''s tables in schema compute_ledger, or brings those that are there into the form that the installed version needs, and returns the number of steps taken: 0 if there was nothing to do. They belong to the owner of the database, whose role the caller must be or be a member of (42501); 55000 if the ledger that is there belongs to somebody else, or to a later version. An object of another''s with a name that the ledger needs is left alone and raised (42P07, 42710, 42723).';

-- What makes the ledger is for its owner only.
DO $$
DECLARE
	maker pg_catalog.text;
BEGIN
	FOR maker IN
		SELECT p.oid::pg_catalog.regprocedure FROM pg_catalog.pg_proc AS p
		WHERE p.pronamespace OPERATOR(pg_catalog.=) '@extschema@'::pg_catalog.regnamespace
			AND p.proname::pg_catalog.text OPERATOR(pg_catalog.~) '^_(create|ledger_step|protect|share|entrust)(_|$)'
	LOOP
		EXECUTE 'ALTER FUNCTION ' OPERATOR(pg_catalog.||) maker OPERATOR(pg_catalog.||) ' OWNER TO pg_database_owner';
		EXECUTE 'REVOKE ALL ON FUNCTION ' OPERATOR(pg_catalog.||) maker OPERATOR(pg_catalog.||) ' FROM PUBLIC';
	END LOOP;
END
$$;

-- Who may do what, this script and grant_access() say, and not the default privileges of who installed it.
DO $$
DECLARE
	command pg_catalog.text;
BEGIN
	FOR command IN
		SELECT pg_catalog.format('REVOKE %s ON FUNCTION %s FROM %s', 'ALL', p.oid::pg_catalog.regprocedure, e.grantee::pg_catalog.regrole)
		FROM pg_catalog.pg_proc AS p CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS e
		WHERE e.grantee OPERATOR(pg_catalog.<>) p.proowner AND e.grantee OPERATOR(pg_catalog.<>) 0
			AND EXISTS (SELECT FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS x ON x.oid OPERATOR(pg_catalog.=) d.refobjid
				WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) p.oid
					AND d.deptype OPERATOR(pg_catalog.=) 'e' AND x.extname OPERATOR(pg_catalog.=) 'compute_ledger')
		UNION
		SELECT pg_catalog.format('REVOKE %s ON %s %s FROM %s', CASE e.grantee WHEN 0 THEN e.privilege_type ELSE 'ALL' END,
			CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::pg_catalog.regclass,
			CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::pg_catalog.regrole::pg_catalog.text END)
		FROM pg_catalog.pg_class AS c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS e
		WHERE e.grantee OPERATOR(pg_catalog.<>) c.relowner
			AND (e.grantee OPERATOR(pg_catalog.<>) 0 OR e.privilege_type OPERATOR(pg_catalog.<>) 'SELECT')
			AND e.grantee OPERATOR(pg_catalog.<>) 'pg_database_owner'::pg_catalog.regrole
			AND EXISTS (SELECT FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS x ON x.oid OPERATOR(pg_catalog.=) d.refobjid
				WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) c.oid
					AND d.deptype OPERATOR(pg_catalog.=) 'e' AND x.extname OPERATOR(pg_catalog.=) 'compute_ledger')
	LOOP
		EXECUTE command;
	END LOOP;
END
$$;
