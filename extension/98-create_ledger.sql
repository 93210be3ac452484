-- create_ledger(): makes the ledger, or migrates it to this version's form.

CREATE FUNCTION _ledger_step_1() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- in the order in which they refer to each other
	PERFORM compute_ledger._create_access();
	PERFORM compute_ledger._create_usage();
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
BEGIN
	IF NOT pg_has_role(current_user, 'pg_database_owner', 'USAGE') THEN
		RAISE EXCEPTION 'must be owner of database %', quote_ident(current_database())
			USING ERRCODE = 'insufficient_privilege',
				DETAIL = 'The tables of the ledger belong to the role that makes them.';
	END IF;
	PERFORM pg_advisory_xact_lock(1129079666, 0);
	IF to_regclass('compute_ledger.ledger_version') IS NOT NULL THEN
		SELECT coalesce(max(v.step), 0) INTO done FROM compute_ledger.ledger_version AS v;
	ELSE
		CREATE TABLE compute_ledger.ledger_version (
			step integer PRIMARY KEY CHECK (step > 0),
			extension_version text NOT NULL,
			made_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
			made_by name NOT NULL DEFAULT current_user
		);
		COMMENT ON TABLE compute_ledger.ledger_version IS 'the steps that made this ledger what it is';
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
		INSERT INTO compute_ledger.ledger_version (step, extension_version)
		SELECT step, e.extversion FROM pg_extension AS e WHERE e.extname = 'compute_ledger';
	END LOOP;
	PERFORM compute_ledger._sync_all_access();
	RETURN compute_ledger._ledger_steps() - done;
END
$$;
ALTER FUNCTION create_ledger() OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION create_ledger() FROM PUBLIC;
COMMENT ON FUNCTION create_ledger() IS 'makes the ledger''s tables in schema compute_ledger, or brings those that are there into the form that the installed version needs, and returns the number of steps taken: 0 if there was nothing to do. They belong to the caller, who must be the owner of the database (42501). An object of another''s with a name that the ledger needs is left alone and raised (42P07, 42710, 42723).';
