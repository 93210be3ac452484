-- Who may call which function of the extension, and whose it is.  This ends the install script and every update script.
--
-- Types, operators and what reads reference data are for everybody and stay with who installs them.  So do, of all other
-- functions, those for users: they are C that computes on no data, or PL/pgSQL with the rights of who calls them that first
-- asks _check_caller() and then calls the function that has _ before its name.  Of the rest this holds, but for those that
-- are listed here:
--   they are for the owner of the database, and for whom grant_access() gives them to;
--   in SQL and PL/pgSQL they belong to pg_database_owner, so that SECURITY DEFINER does no more than the owner may;
--   in C, and aggregates, they stay with who installs them: their owner could declare them other than the code expects,
--   and what pg_database_owner grants on what is not its own, a dump does not restore without being superuser.
DO $$
DECLARE
	others pg_catalog.text[] := ARRAY[
-- @functions
	];
	-- for everybody
	everybodys pg_catalog.text[] := ARRAY[
		-- what every function for users begins with
		'_check_caller',
		-- on any relation, with the rights of who reads it
		'_focus_check', '_focus_columns', '_focus_rules', '_focus_rows', '_focus_queries', '_focus_names', '_focus_number', '_focus_instant', '_focus_object', '_focus_unit', '_focus_time',
		-- in C or aggregates, called with the rights of billers and auditors: they compute, or read with the caller's rights
		'_round_ratio', '_usage_level', '_device_hours', '_cell_hours', '_tier_cost', '_price_winner', '_rate_charges', '_rate_parts', '_rate_all_parts', '_rated_as_of', '_own_stamp',
		-- the same, by whatever asks for a ledger
		'_ledger_step'
	];
	command pg_catalog.text;
	f pg_catalog.record;
BEGIN
	-- nothing comes from default privileges of who installs it
	FOR command IN
		SELECT pg_catalog.format('REVOKE %s ON %s %s FROM %s', e.privilege_type, o.kind, o.name, CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::pg_catalog.regrole::pg_catalog.text END)
		FROM (
			SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 'ROUTINE', p.oid::pg_catalog.regprocedure::pg_catalog.text, p.proowner, p.pronamespace, p.proacl, 'f', 'EXECUTE'
			FROM pg_catalog.pg_proc AS p
			UNION ALL
			SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::pg_catalog.regclass::pg_catalog.text, c.relowner, c.relnamespace, c.relacl,
				CASE c.relkind WHEN 'S' THEN 'S' ELSE 'r' END, 'SELECT'
			FROM pg_catalog.pg_class AS c
		) AS o (class, id, kind, name, owner, namespace, acl, type, for_all)
		JOIN pg_catalog.pg_depend AS d ON d.classid OPERATOR(pg_catalog.=) o.class AND d.objid OPERATOR(pg_catalog.=) o.id AND d.deptype OPERATOR(pg_catalog.=) 'e'
		JOIN pg_catalog.pg_extension AS x ON x.oid OPERATOR(pg_catalog.=) d.refobjid AND x.extname OPERATOR(pg_catalog.=) 'compute_ledger'
		CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) AS e
		WHERE e.grantee OPERATOR(pg_catalog.<>) ALL (ARRAY[o.owner, 'pg_database_owner'::pg_catalog.regrole])
			-- this the script has granted
			AND NOT (e.grantee OPERATOR(pg_catalog.=) 0 AND e.privilege_type OPERATOR(pg_catalog.=) o.for_all)
			AND EXISTS (SELECT FROM pg_catalog.pg_default_acl AS a CROSS JOIN LATERAL pg_catalog.aclexplode(a.defaclacl) AS g
				WHERE a.defaclrole OPERATOR(pg_catalog.=) o.owner AND a.defaclnamespace OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, o.namespace])
					AND a.defaclobjtype OPERATOR(pg_catalog.=) o.type::pg_catalog."char"
					AND g.grantee OPERATOR(pg_catalog.=) e.grantee AND g.privilege_type OPERATOR(pg_catalog.=) e.privilege_type)
	LOOP
		EXECUTE command;
	END LOOP;

	FOR f IN
		SELECT p.oid::pg_catalog.regprocedure AS name,
			p.proname::pg_catalog.text OPERATOR(pg_catalog.!~) '^_' AND NOT p.prosecdef AND (l.lanname OPERATOR(pg_catalog.=) 'c'
				OR l.lanname OPERATOR(pg_catalog.=) 'plpgsql' AND p.prosrc OPERATOR(pg_catalog.~) '^[[:space:]]*BEGIN[[:space:]]+PERFORM compute_ledger[.]_check_caller[(][)];') AS is_for_users,
			l.lanname OPERATOR(pg_catalog.=) ANY (ARRAY['sql', 'plpgsql']::pg_catalog.name[]) AS is_owners
		FROM pg_catalog.pg_proc AS p
		JOIN pg_catalog.pg_language AS l ON l.oid OPERATOR(pg_catalog.=) p.prolang
		JOIN pg_catalog.pg_depend AS d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) p.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'
		JOIN pg_catalog.pg_extension AS x ON x.oid OPERATOR(pg_catalog.=) d.refobjid AND x.extname OPERATOR(pg_catalog.=) 'compute_ledger'
		WHERE p.proname::pg_catalog.text OPERATOR(pg_catalog.=) ANY (others) AND p.proname::pg_catalog.text OPERATOR(pg_catalog.<>) ALL (everybodys)
	LOOP
		IF f.is_for_users THEN
			EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO PUBLIC', f.name);
			CONTINUE;
		ELSIF f.is_owners THEN
			EXECUTE pg_catalog.format('ALTER ROUTINE %s OWNER TO pg_database_owner', f.name);
		ELSE
			EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO pg_database_owner', f.name);
		END IF;
		EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f.name);
	END LOOP;
END
$$;

-- An array type is a member of the extension as its elements' type is.  PostgreSQL does so itself from version 17 on; before
-- that, postgres_fdw took what has to do with an array for something that the other side might not know.
DO $$
DECLARE
	array_type pg_catalog.regtype;
BEGIN
	FOR array_type IN
		SELECT e.typarray
		FROM pg_catalog.pg_type AS e
		JOIN pg_catalog.pg_depend AS d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) e.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'
		JOIN pg_catalog.pg_extension AS x ON x.oid OPERATOR(pg_catalog.=) d.refobjid AND x.extname OPERATOR(pg_catalog.=) 'compute_ledger'
		WHERE e.typarray OPERATOR(pg_catalog.<>) 0
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS a WHERE a.classid OPERATOR(pg_catalog.=) d.classid AND a.objid OPERATOR(pg_catalog.=) e.typarray
				AND a.refclassid OPERATOR(pg_catalog.=) d.refclassid AND a.refobjid OPERATOR(pg_catalog.=) d.refobjid AND a.deptype OPERATOR(pg_catalog.=) 'e')
	LOOP
		EXECUTE pg_catalog.format('ALTER EXTENSION compute_ledger ADD TYPE %s', array_type);
	END LOOP;
END
$$;
