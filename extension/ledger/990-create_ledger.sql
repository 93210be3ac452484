-- create_ledger(): makes the ledger, or migrates it to this version's form.

CREATE FUNCTION _ledger_step_1() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $step$
BEGIN
-- @tables
END
$step$;
COMMENT ON FUNCTION _ledger_step_1() IS 'part of create_ledger(): the ledger''s first form';

CREATE FUNCTION _create_ledger() RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	done integer;
	existing record;
	extras text;
	owner name;
	caller name := current_user;
	role_setting text := current_setting('role');
BEGIN
	PERFORM pg_advisory_xact_lock(1129079666, 0);
	SELECT pg_get_userbyid(d.datdba) INTO owner FROM pg_database AS d WHERE d.datname = current_database();
	IF NOT pg_has_role(current_user, owner, 'MEMBER') THEN
		PERFORM compute_ledger._refuse('42501', format('must be owner of database %s', quote_ident(current_database())),
			detail => format('That is role %I, to which the ledger''s tables will belong.', owner));
	END IF;
	-- The ledger has one owner, whether he or a member of his role calls.
	IF caller <> owner THEN
		PERFORM set_config('role', owner, true);
	END IF;
	BEGIN
		SELECT c.relkind, pg_get_userbyid(c.relowner) AS owner, (SELECT r.rolsuper FROM pg_roles AS r WHERE r.oid = c.relowner) AS is_superusers,
			(SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
		INTO existing
		FROM pg_class AS c
		WHERE c.relname = 'ledger_version' AND c.relnamespace = 'compute_ledger'::regnamespace;
		IF NOT FOUND THEN
			done := 0;			-- the first step makes it
		ELSIF existing.relkind <> 'r' OR existing.columns IS DISTINCT FROM 'step,extension_version,made_at,made_by' THEN
			PERFORM compute_ledger._refuse('42P07', 'relation "ledger_version" already exists');
		ELSIF existing.owner <> owner THEN
			PERFORM compute_ledger._refuse('55000', format('database %s belongs to role %s, and its ledger to role %s', quote_ident(current_database()), quote_ident(owner), quote_ident(existing.owner)),
				detail => 'The ledger''s functions work for the owner of the database.',
				hint => CASE WHEN existing.is_superusers
						-- to whom the extension belongs, too
						THEN format('As superuser, let the relations and functions of schema compute_ledger that are not the extension''s belong to %I: the documentation, administration.md, has the statements.', owner)
						ELSE format('As superuser, run REASSIGN OWNED BY %I TO %I in this database.', existing.owner, owner) END);
		ELSE
			-- keeps everybody from changing the table, and nobody from reading it
			LOCK TABLE compute_ledger.ledger_version IN SHARE ROW EXCLUSIVE MODE;
			extras := compute_ledger._ledger_version_extras();
			IF extras IS NOT NULL THEN
				PERFORM compute_ledger._refuse('55000', 'table "ledger_version" is not as the ledger makes it',
					detail => format('It has %s.', extras),
					hint => 'Drop that, or, if the table is not a ledger''s, the table.');
			END IF;
			SELECT coalesce(max(v.step), 0) INTO done FROM compute_ledger.ledger_version AS v;
		END IF;
		FOR step IN done + 1 .. compute_ledger._ledger_steps() LOOP
			PERFORM compute_ledger._take_step(step);
			INSERT INTO compute_ledger.ledger_version (step, extension_version, made_by)
			SELECT step, e.extversion, caller FROM pg_extension AS e WHERE e.extname = 'compute_ledger';
		END LOOP;
		PERFORM compute_ledger._share_ledger();
		IF done = 0 THEN
			PERFORM compute_ledger._load_currencies();
			PERFORM compute_ledger._load_regions();
		END IF;
	EXCEPTION WHEN duplicate_table OR duplicate_object OR duplicate_function THEN
		PERFORM compute_ledger._refuse(SQLSTATE, SQLERRM,
			detail => 'The ledger needs this name in schema compute_ledger, and something that is not the ledger''s has it.',
			hint => 'Rename or drop that object, or move it to another schema.');
	END;
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._sync_all_access();
	IF caller <> owner THEN
		PERFORM set_config('role', role_setting, true);
	END IF;
	RETURN greatest(compute_ledger._ledger_steps() - done, 0);
END
$$;
COMMENT ON FUNCTION _create_ledger() IS 'what create_ledger() does';

CREATE FUNCTION create_ledger() RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._create_ledger();
END
$$;
COMMENT ON FUNCTION create_ledger() IS 'makes the ledger''s tables in schema compute_ledger, or brings those that are there into the form that the installed version needs, grants whatever privileges are missing, and returns the number of steps taken: 0 if there was none to take. The tables belong to the owner of the database, whose role the caller must be or be a member of (42501); 55000 if the ledger that is there belongs to somebody else, or to a later version, or if table ledger_version has triggers or the like that the ledger did not give it. An object of another''s with a name that the ledger needs is left alone and raised (42P07, 42710, 42723).';
