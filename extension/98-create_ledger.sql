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
END
$$;
COMMENT ON FUNCTION _ledger_step_1() IS 'part of create_ledger(): the ledger''s first form';

CREATE FUNCTION create_ledger() RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	done integer := 0;
	found_kind "char";
	found_columns text;
	owner name;
	caller name := current_user;
	role_setting text := current_setting('role');
BEGIN
	PERFORM pg_advisory_xact_lock(1129079666, 0);
	SELECT c.relkind, pg_get_userbyid(c.relowner),
		(SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
	INTO found_kind, owner, found_columns
	FROM pg_class AS c
	WHERE c.relname = 'ledger_version' AND c.relnamespace = 'compute_ledger'::regnamespace;
	IF NOT FOUND THEN
		SELECT pg_get_userbyid(d.datdba) INTO owner FROM pg_database AS d WHERE d.datname = current_database();
	ELSIF found_kind <> 'r' OR found_columns IS DISTINCT FROM 'step,extension_version,made_at,made_by' THEN
		RAISE EXCEPTION 'relation "ledger_version" already exists'
			USING ERRCODE = 'duplicate_table',
				DETAIL = 'The ledger needs this name in schema compute_ledger, and something that is not the ledger''s has it.',
				HINT = 'Rename or drop that object, or move it to another schema.';
	END IF;
	IF NOT pg_has_role(current_user, owner, 'MEMBER') THEN
		RAISE EXCEPTION 'must be owner of % %', CASE WHEN found_kind IS NULL THEN 'database' ELSE 'the ledger in database' END, quote_ident(current_database())
			USING ERRCODE = 'insufficient_privilege',
				DETAIL = format('That is role %I.', owner);
	END IF;
	-- The ledger has one owner, whether he, a member of his role or a superuser calls.
	IF current_user <> owner THEN
		PERFORM set_config('role', owner, true);
	END IF;
	IF found_kind IS NULL THEN
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
	ELSE
		SELECT coalesce(max(v.step), 0) INTO done FROM compute_ledger.ledger_version AS v;
	END IF;
	FOR step IN done + 1 .. compute_ledger._ledger_steps() LOOP
		BEGIN
			EXECUTE format('SELECT compute_ledger.%I()', '_ledger_step_' || step);
		EXCEPTION WHEN duplicate_table OR duplicate_object OR duplicate_function THEN
			RAISE EXCEPTION USING
				ERRCODE = SQLSTATE,
				MESSAGE = SQLERRM,
				DETAIL = 'The ledger needs this name in schema compute_ledger, and something that is not the ledger''s has it.',
				HINT = 'Rename or drop that object, or move it to another schema.';
		END;
		INSERT INTO compute_ledger.ledger_version (step, extension_version, made_by)
		SELECT step, e.extversion, caller FROM pg_extension AS e WHERE e.extname = 'compute_ledger';
	END LOOP;
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
COMMENT ON FUNCTION create_ledger() IS 'makes the ledger''s tables in schema compute_ledger, or brings those that are there into the form that the installed version needs, and returns the number of steps taken: 0 if there was nothing to do. They belong to the owner of the database, whose role the caller must be or be a member of (42501); a ledger that is there keeps its owner. An object of another''s with a name that the ledger needs is left alone and raised (42P07, 42710, 42723).';

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
