-- The ledger: the frame that its tables stand in.
--
-- The extension installs code and reference data.  The ledger's tables are made by
-- create_ledger(), by the owner of the database, and belong to him: ordinary tables
-- that pg_dump, pg_upgrade and partitioning treat like any other, and that DROP
-- EXTENSION refuses to leave without their types.
--
-- A ledger is built in steps.  create_ledger() runs the steps that a ledger has not
-- had yet, so that a migrated ledger and a new one are the same by construction.
-- Step n is the function _ledger_step_n(); the code of a version expects the
-- steps up to _ledger_steps().
--
-- The tables, views and functions of the first step stand in tables/ of each room, a
-- relation a file; the build puts them into _ledger_step_1().  What holds for all
-- of them alike, who owns and shares them and row-level security, create_ledger() adds.
-- Who may call the functions of the extension is said in privileges.sql.
--
-- A function for users is thin, has the rights of who calls it and stays with who
-- installs the extension: it asks _check_caller(), then calls the function of its name
-- with _ before it, which does the work.  That and all other functions with _ belong to
-- pg_database_owner, to whom create_ledger() grants the tables; what may do more than
-- its caller is SECURITY DEFINER.  What of the ledger stands in tables, views and
-- policies, and functions among each other, call the ones with _.

CREATE FUNCTION _check_caller() RETURNS void
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION _check_caller() IS 'what every function on the ledger for users begins with: raises 42501 if who has logged in, the session''s user or the current role is a superuser, or the session''s user a member of one, and the owner of the database, or of the ledger, is not';

CREATE FUNCTION _new_stamp() RETURNS timestamptz
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ledger_stamp';
COMMENT ON FUNCTION _new_stamp() IS 'part of ledger_stamp()';

CREATE FUNCTION _ledger_stamp() RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN compute_ledger._new_stamp();
END
$$;
COMMENT ON FUNCTION _ledger_stamp() IS 'what ledger_stamp() does';

CREATE FUNCTION ledger_stamp() RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._ledger_stamp();
END
$$;
COMMENT ON FUNCTION ledger_stamp() IS 'the instant at which this transaction''s rows are recorded in the ledger, the same for all of them, later than every stored watermark; until the transaction ends ledger_watermark() stays below it; 25006 in a read-only transaction';

CREATE FUNCTION _ledger_steps() RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 1;
COMMENT ON FUNCTION _ledger_steps() IS 'number of steps that this version''s ledger consists of';

CREATE FUNCTION _ledger_step() RETURNS integer
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'ledger_step';
COMMENT ON FUNCTION _ledger_step() IS 'the last step that the ledger has taken; NULL if it has taken none';

CREATE FUNCTION _require_ledger() RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	steps integer;
BEGIN
	IF to_regclass('compute_ledger.ledger_version') IS NULL THEN
		PERFORM compute_ledger._refuse('55000', 'there is no ledger in this database',
			hint => 'As the owner of the database, run SELECT compute_ledger.create_ledger().');
	END IF;
	-- what default privileges may give everybody is not it
	IF NOT has_table_privilege('pg_database_owner', 'compute_ledger.ledger_version', 'INSERT') THEN
		PERFORM compute_ledger._refuse('55000', 'the privileges on the ledger''s tables are not there',
			detail => 'The ledger was restored without them.',
			hint => 'As the owner of the database, run SELECT compute_ledger.create_ledger().');
	END IF;
	steps := compute_ledger._ledger_step();
	IF steps IS DISTINCT FROM compute_ledger._ledger_steps() THEN
		PERFORM compute_ledger._refuse('55000', format('the ledger is at step %s, and the installed extension needs step %s', coalesce(steps, 0), compute_ledger._ledger_steps()),
			detail => 'The extension has been updated, and the tables of the ledger have not.',
			hint => CASE WHEN coalesce(steps, 0) < compute_ledger._ledger_steps()
					THEN 'As the owner of the database, run SELECT compute_ledger.create_ledger().'
					ELSE 'Run ALTER EXTENSION compute_ledger UPDATE.' END);
	END IF;
END
$$;
COMMENT ON FUNCTION _require_ledger() IS 'raises 55000, with what to do in the hint, if there is no ledger or if it is not of this version''s form';

CREATE FUNCTION _check_name(what text, name text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF name IS NULL THEN
		PERFORM compute_ledger._refuse('23502', format('%s needs a name', what));
	ELSIF octet_length(name) > 1000 THEN
		PERFORM compute_ledger._refuse('54000', format('name of %s is too long', what), detail => format('It has %s bytes, and 1000 is the most: "%s..."', octet_length(name), left(name, 40)));
	ELSIF name = '' OR name <> btrim(name) THEN
		PERFORM compute_ledger._refuse('23514', format('name of %s is empty, or has blanks before or after it: "%s"', what, left(name, 80)));
	END IF;
END
$$;
COMMENT ON FUNCTION _check_name(text, text) IS 'raises 23502, 54000 or 23514 for a name that is NULL, of more than 1000 bytes, or empty or with blanks around it; what has the name, as in "an account"';

CREATE FUNCTION _similar_names(name text, names text[]) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('Similar names: %s.', string_agg(format('"%s"', left(s.other, 80)), ', ' ORDER BY s.distance, s.other COLLATE "C"))
	FROM (SELECT o.other, abs(length(o.other) - length(name)) AS distance
		FROM unnest(names) AS o (other)
		WHERE lower(o.other) = lower(name) OR (length(name) >= 3 AND length(o.other) >= 3
			AND (position(lower(name) IN lower(o.other)) > 0 OR position(lower(o.other) IN lower(name)) > 0))
		ORDER BY 2, o.other COLLATE "C" LIMIT 5) AS s
	HAVING count(*) > 0
$$;
COMMENT ON FUNCTION _similar_names(text, text[]) IS 'a hint with those of some names that differ in case from a name, contain it or are contained in it, the five nearest in length; NULL if there is none';

CREATE FUNCTION _own_stamp() RETURNS timestamptz
	LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'own_stamp';
COMMENT ON FUNCTION _own_stamp() IS 'what ledger_stamp() has returned in this transaction; NULL if it has recorded nothing';

CREATE FUNCTION _writer_locks(OUT pid integer, OUT transaction text, OUT since timestamptz) RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 10
AS $$
	-- what a stamp locks: class 17228, microseconds since 2000; who waits for a writer takes them in another mode.
	-- It is inlined, so that the callers' plan is kept: whoever asks for the watermark comes here.
	SELECT l.pid, l.virtualtransaction, pg_catalog.timestamptz '2000-01-01 00:00:00+00'
		OPERATOR(pg_catalog.+) (((l.classid::bigint OPERATOR(pg_catalog.<<) 32) OPERATOR(pg_catalog.|) l.objid::bigint) OPERATOR(pg_catalog.*) interval '1 microsecond')
	FROM pg_catalog.pg_locks AS l
	WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.objsubid OPERATOR(pg_catalog.=) 17228 AND l.mode OPERATOR(pg_catalog.=) 'ShareLock'
		AND l.database OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
$$;
COMMENT ON FUNCTION _writer_locks() IS 'the locks behind ledger_writers(): process, virtual transaction, and the instant';

CREATE FUNCTION _ledger_writers(OUT pid integer, OUT gid text, OUT role name, OUT application_name text, OUT since timestamptz, OUT age interval) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT l.pid, p.gid, coalesce(p.owner, a.usename), a.application_name, l.since, clock_timestamp() - l.since
	FROM compute_ledger._writer_locks() AS l
	LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
	LEFT JOIN (pg_prepared_xacts AS p JOIN pg_locks AS x ON x.locktype = 'transactionid' AND x.transactionid = p.transaction AND x.pid IS NULL)
		ON l.pid IS NULL AND x.virtualtransaction = l.transaction
$$;
COMMENT ON FUNCTION _ledger_writers() IS 'what ledger_writers() does';

CREATE FUNCTION ledger_writers(OUT pid integer, OUT gid text, OUT role name, OUT application_name text, OUT since timestamptz, OUT age interval) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._ledger_writers() AS t;
END
$$;
COMMENT ON FUNCTION ledger_writers() IS 'the transactions of this database that have recorded something in the ledger and have not ended: process and application_name, or, of one that is prepared, its gid; whose it is; an instant that is not after any of their stamps, of which the earliest holds ledger_watermark() back; and how long ago it was';

CREATE FUNCTION _follows_marks() RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- What a transaction with one snapshot sees is not what is there now, and what is written elsewhere comes here later.
	RETURN pg_is_in_recovery() OR current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
		OR EXISTS (SELECT FROM pg_subscription_rel AS s WHERE s.srrelid = 'compute_ledger.ledger_mark'::regclass);
END
$$;
COMMENT ON FUNCTION _follows_marks() IS 'whether what is known here is what a stored mark that is visible vouches for: on a standby, on a logical replica of table ledger_mark, and in a REPEATABLE READ or SERIALIZABLE transaction';

CREATE FUNCTION _watermark(own timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- before the locks are looked at: who comes later stamps later
	now timestamptz := coalesce(own, clock_timestamp()) - interval '1 microsecond';
	mark timestamptz;
	in_flight timestamptz;
BEGIN
	PERFORM compute_ledger._require_ledger();
	SELECT coalesce(max(m.watermark), '-infinity') INTO mark FROM compute_ledger.ledger_mark AS m;
	IF compute_ledger._follows_marks() THEN
		RETURN mark;
	END IF;
	SELECT min(w.since) - interval '1 microsecond' INTO in_flight
	FROM compute_ledger._writer_locks() AS w
	WHERE own IS NULL OR w.pid IS DISTINCT FROM pg_backend_pid();
	-- A mark that is ahead of a clock that was set back holds: stamps are later than marks.
	RETURN greatest(least(now, in_flight), mark);
END
$$;
COMMENT ON FUNCTION _watermark(timestamptz) IS 'ledger_watermark(), or, for a transaction that has recorded something itself and gives its stamp, the recorded time below its own rows and those of all other writers that are in flight';

CREATE FUNCTION _ledger_watermark() RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN compute_ledger._watermark(NULL);
END
$$;
COMMENT ON FUNCTION _ledger_watermark() IS 'what ledger_watermark() does';

CREATE FUNCTION ledger_watermark() RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._ledger_watermark();
END
$$;
COMMENT ON FUNCTION ledger_watermark() IS 'the recorded time below which no writer is in flight: everything that will ever be stamped up to it is visible to the statements that follow. In a REPEATABLE READ or SERIALIZABLE transaction, on a standby and on a logical replica of table ledger_mark, the last such time that mark_watermark() stored in what is visible there (-infinity if there is none). 55000 without a ledger.';

CREATE FUNCTION _store_mark(mark timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM compute_ledger.ledger_mark AS m
	WHERE m.ctid = ANY (ARRAY(SELECT o.ctid FROM compute_ledger.ledger_mark AS o WHERE o.watermark < mark FOR UPDATE SKIP LOCKED));
	IF isfinite(mark) AND NOT EXISTS (SELECT FROM compute_ledger.ledger_mark AS m WHERE m.watermark >= mark) THEN
		INSERT INTO compute_ledger.ledger_mark (watermark) VALUES (mark);
	END IF;
END
$$;
COMMENT ON FUNCTION _store_mark(timestamptz) IS 'stores a recorded time that is not beyond the watermark, for standbys, for transactions with one snapshot, and as what no stamp may be below; waits for nobody';

CREATE FUNCTION _mark_watermark() RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	mark timestamptz := compute_ledger._ledger_watermark();
BEGIN
	PERFORM compute_ledger._store_mark(mark);
	RETURN mark;
END
$$;
COMMENT ON FUNCTION _mark_watermark() IS 'what mark_watermark() does';

CREATE FUNCTION mark_watermark() RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._mark_watermark();
END
$$;
COMMENT ON FUNCTION mark_watermark() IS 'stores ledger_watermark(), for standbys and for transactions with one snapshot, and returns it; accept_usage does so at its end, and close_period with the recorded time that it closes as of';

CREATE FUNCTION _await_writer(since timestamptz) RETURNS void
	LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'await_writer';
COMMENT ON FUNCTION _await_writer(timestamptz) IS 'waits for the end of the transactions that ledger_writers() tells with this instant; 55P03 after lock_timeout';

CREATE FUNCTION _await_writers(until timestamptz, wait interval) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = 0
AS $$
DECLARE
	deadline timestamptz := clock_timestamp() + wait;
	remaining numeric;
	writer record;
	whose text;
	in_time boolean := true;
BEGIN
	LOOP
		SELECT l.* INTO writer
		FROM compute_ledger._writer_locks() AS l
		WHERE l.since <= until AND l.pid IS DISTINCT FROM pg_backend_pid()
		ORDER BY l.since, l.pid
		LIMIT 1;
		EXIT WHEN NOT FOUND;
		remaining := ceil(1000 * extract(epoch FROM deadline - clock_timestamp()));
		IF in_time AND remaining > 0 THEN
			BEGIN
				PERFORM set_config('lock_timeout', least(remaining, 2147483647)::text, true);
				PERFORM compute_ledger._await_writer(writer.since);
			EXCEPTION WHEN lock_not_available THEN
				in_time := false;
			END;
		ELSE
			-- what this transaction knows of sessions may be older than the writer's
			PERFORM pg_stat_clear_snapshot();
			SELECT CASE WHEN w.pid IS NULL THEN format('It is the prepared transaction %L of role "%s".', w.gid, w.role) ELSE format('It is of process %s, role "%s".', w.pid, w.role) END
			INTO whose
			FROM compute_ledger._ledger_writers() AS w
			WHERE w.since = writer.since AND w.pid IS NOT DISTINCT FROM writer.pid;
			-- or it has ended just now
			CONTINUE WHEN NOT FOUND;
			PERFORM compute_ledger._refuse('55P03', format('a transaction that has recorded something in the ledger has been running since %s', writer.since),
				detail => format('%s What it records may belong to what was recorded up to %s.', whose, until),
				hint => 'Wait until it ends, end it, or wait longer.');
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _await_writers(timestamptz, interval) IS 'waits until no other transaction is running that began to record something by an instant; 55P03 after the time to wait, with whose it is';

-- ------------------------------------------------------------------ what holds for all that a step makes

CREATE FUNCTION _share(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	part record;
	grantee text;
BEGIN
	-- the relation, and the sequences of its columns
	FOR part IN
		SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END || ' ' || c.oid::regclass AS name, c.relacl AS acl, c.relowner AS owner,
			CASE c.relkind WHEN 'S' THEN 'S' ELSE 'r' END::"char" AS type
		FROM pg_class AS c
		WHERE c.oid = relation OR c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend AS d
			WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND d.deptype IN ('a', 'i'))
	LOOP
		-- what comes from default privileges; what else the owner has granted is his to grant
		FOR grantee IN
			SELECT DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END
			FROM aclexplode(part.acl) AS e
			WHERE e.grantee NOT IN (part.owner, 'pg_database_owner'::regrole)
				AND EXISTS (SELECT FROM pg_default_acl AS a CROSS JOIN LATERAL aclexplode(a.defaclacl) AS g
					WHERE a.defaclrole = part.owner AND a.defaclnamespace IN (0, 'compute_ledger'::regnamespace) AND a.defaclobjtype = part.type AND g.grantee = e.grantee)
		LOOP
			EXECUTE format('REVOKE ALL ON %s FROM %s', part.name, grantee);
		END LOOP;
		IF EXISTS (SELECT e.privilege_type FROM aclexplode(acldefault(lower(part.type::text)::"char", part.owner)) AS e
			EXCEPT SELECT e.privilege_type FROM aclexplode(part.acl) AS e WHERE e.grantee = 'pg_database_owner'::regrole)
		THEN
			EXECUTE format('GRANT ALL ON %s TO pg_database_owner', part.name);
		END IF;
	END LOOP;
	-- for logical replication, which else stops who would change it
	IF (SELECT c.relkind IN ('r', 'p') AND c.relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)
		FROM pg_class AS c WHERE c.oid = relation)
	THEN
		EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', relation);
	END IF;
END
$$;
COMMENT ON FUNCTION _share(regclass) IS 'part of create_ledger(): grants a relation to pg_database_owner, on whose behalf the extension''s functions use it, takes what default privileges have given to others, and lets it be replicated';

CREATE FUNCTION _protect(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
	EXECUTE format('CREATE POLICY owner ON %s TO pg_database_owner USING (true) WITH CHECK (true)', relation);
	-- policies are tried from the last name to the first: who sees everything is asked for nothing else
	EXECUTE format('CREATE POLICY whole_ledger ON %s USING ((SELECT compute_ledger._sees_everything())) WITH CHECK ((SELECT compute_ledger._sees_everything()))', relation);
END
$$;
COMMENT ON FUNCTION _protect(regclass) IS 'part of create_ledger(): turns on row-level security of a new table: roles with access to the whole ledger see all rows; others those of its policy visible, if it has one';

CREATE FUNCTION _entrust(function regprocedure) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	grantee text;
BEGIN
	-- PUBLIC, and whom default privileges have given it
	FOR grantee IN
		SELECT DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END
		FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS e
		WHERE p.oid = function AND e.grantee NOT IN (p.proowner, 'pg_database_owner'::regrole)
	LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s', function, grantee);
	END LOOP;
	IF NOT EXISTS (SELECT FROM pg_proc AS p, aclexplode(p.proacl) AS e WHERE p.oid = function AND e.grantee = 'pg_database_owner'::regrole) THEN
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pg_database_owner', function);
	END IF;
	EXECUTE format('ALTER FUNCTION %s DEPENDS ON EXTENSION compute_ledger', function);
END
$$;
COMMENT ON FUNCTION _entrust(regprocedure) IS 'part of create_ledger(): lets the extension''s functions, and nobody else, call a SECURITY DEFINER function that create_ledger() made because only the owner of a relation may do what it does; it goes when the extension goes';

-- Inside a SECURITY DEFINER function nobody can tell who calls, so it has to be seen that not everybody can.
CREATE FUNCTION _require_entrusted(function regprocedure) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS e WHERE p.oid = function AND e.grantee = 0) THEN
		PERFORM compute_ledger._refuse('55000', format('everybody may call function %s, which only the ledger may', function),
			detail => 'It was restored without its privileges, or granted to PUBLIC.',
			hint => 'As the owner of the database, run SELECT compute_ledger.create_ledger().');
	END IF;
END
$$;
COMMENT ON FUNCTION _require_entrusted(regprocedure) IS 'what the SECURITY DEFINER functions that create_ledger() made begin with: raises 55000 as long as PUBLIC may execute them, as after a restore without privileges';

CREATE FUNCTION _take_step(step integer) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relations oid[] := ARRAY(SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = 'compute_ledger'::regnamespace);
BEGIN
	EXECUTE format('SELECT compute_ledger.%I()', '_ledger_step_' || step);
	-- COPY does not load a table with row-level security
	PERFORM compute_ledger._protect(c.oid)
	FROM pg_class AS c
	WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p') AND c.oid <> ALL (relations) AND c.relname <> 'usage_inbox';
END
$$;
COMMENT ON FUNCTION _take_step(integer) IS 'part of create_ledger(): takes a step, and protects the tables that it made';

CREATE FUNCTION _share_ledger() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._share(c.oid)
	FROM pg_class AS c
	WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relowner = (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = current_user)
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');
	PERFORM compute_ledger._entrust(p.oid)
	FROM pg_proc AS p
	WHERE p.pronamespace = 'compute_ledger'::regnamespace AND p.proname ~ '^_' AND p.proowner = (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = current_user)
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e');
END
$$;
COMMENT ON FUNCTION _share_ledger() IS 'part of create_ledger(): shares and entrusts what the steps have made, or a restore without privileges has left';

-- What an owner could have his code in that runs when a row is read or written by himself: policies hold for him only where
-- they are forced.
CREATE FUNCTION _ledger_version_extras() RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(e.what, ', ' ORDER BY e.what COLLATE "C")
	FROM (
		SELECT format('trigger %I', t.tgname) FROM pg_trigger AS t WHERE t.tgrelid = 'compute_ledger.ledger_version'::regclass
		UNION ALL
		SELECT format('rule %I', r.rulename) FROM pg_rewrite AS r WHERE r.ev_class = 'compute_ledger.ledger_version'::regclass
		UNION ALL
		SELECT 'forced row-level security' FROM pg_class AS c WHERE c.oid = 'compute_ledger.ledger_version'::regclass AND c.relforcerowsecurity
		UNION ALL
		SELECT format('inheritance of %s by %s', i.inhparent::regclass, i.inhrelid::regclass) FROM pg_inherits AS i
		WHERE 'compute_ledger.ledger_version'::regclass IN (i.inhparent, i.inhrelid)
		UNION ALL
		SELECT format('index %s', i.indexrelid::regclass) FROM pg_index AS i WHERE i.indrelid = 'compute_ledger.ledger_version'::regclass AND NOT i.indisprimary
		UNION ALL
		SELECT format('constraint %I', c.conname) FROM pg_constraint AS c
		WHERE c.conrelid = 'compute_ledger.ledger_version'::regclass AND c.contype <> 'n'
			AND pg_get_constraintdef(c.oid) NOT IN ('PRIMARY KEY (step)', 'CHECK ((step > 0))')
		UNION ALL
		SELECT format('default of column %I', a.attname)
		FROM pg_attribute AS a JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = 'compute_ledger.ledger_version'::regclass
			AND NOT (a.attname = 'made_at' AND a.attgenerated = '' AND pg_get_expr(d.adbin, d.adrelid) = 'CURRENT_TIMESTAMP')
		UNION ALL
		SELECT format('type %s of column %I', a.atttypid::regtype, a.attname)
		FROM pg_attribute AS a
		WHERE a.attrelid = 'compute_ledger.ledger_version'::regclass AND a.attnum > 0 AND NOT a.attisdropped
			AND (a.attname, a.atttypid) NOT IN (('step', 'int4'::regtype), ('extension_version', 'text'::regtype), ('made_at', 'timestamptz'::regtype), ('made_by', 'name'::regtype))
	) AS e (what)
$$;
COMMENT ON FUNCTION _ledger_version_extras() IS 'part of create_ledger(): what is at table ledger_version that the ledger did not put there and that could run code; NULL if there is nothing';
