-- The ledger's frame: what create_ledger() makes, and who may do what with it.  Everything is looked up in the
-- catalogs, so that what is added later is held to the same rules.
SET search_path = public, compute_ledger;
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SELECT create_ledger() IS NOT NULL;
SELECT create_ledger();
SELECT max(step) = _ledger_steps() FROM ledger_version;

CREATE TEMP VIEW relations AS
	SELECT c.*, c.oid AS relation FROM pg_class AS c
	WHERE c.relnamespace = 'compute_ledger'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');
CREATE TEMP VIEW functions AS
	SELECT p.*, p.oid AS function,
		EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') AS member,
		EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'x') AS goes_with_extension,
		EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS e WHERE e.grantee = 0) AS public,
		-- works on the ledger: its body names a relation of it, or a function that is not for everybody
		p.prolang IN (SELECT l.oid FROM pg_language AS l WHERE l.lanname IN ('sql', 'plpgsql'))
			AND EXISTS (SELECT FROM relations AS r WHERE p.prosrc ~ ('compute_ledger\.' || r.relname || '\M')) AS ledger
	FROM pg_proc AS p
	WHERE p.pronamespace = 'compute_ledger'::regnamespace;
-- what stands behind types, operators, casts, indexes and aggregates of the extension
CREATE TEMP VIEW plumbing AS
	SELECT f.function FROM functions AS f
	WHERE f.proargtypes::oid[] && ARRAY['internal'::regtype, 'cstring'::regtype]::oid[]
		OR EXISTS (SELECT FROM pg_aggregate AS a WHERE f.function IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn));

\echo every relation belongs to the owner of the database
SELECT relation::regclass FROM relations
WHERE relowner <> (SELECT datdba FROM pg_database WHERE datname = current_database());

\echo nothing that works on it is granted to PUBLIC (_focus_check() checks any relation that its caller may read)
SELECT relation::regclass, e.privilege_type FROM relations, aclexplode(relacl) AS e WHERE e.grantee = 0;
SELECT function::regprocedure FROM functions WHERE public AND (ledger AND provolatile <> 'i' AND NOT (proname = '_focus_check' AND NOT prosecdef) OR NOT member);

\echo nobody but the owner and the extension has anything before grant_access()
SELECT DISTINCT relation::regclass, e.grantee::regrole FROM relations, aclexplode(relacl) AS e
WHERE e.grantee NOT IN (relowner, 'pg_database_owner'::regrole);

\echo every table has row-level security, but those that are loaded with COPY
SELECT relation::regclass FROM relations WHERE relkind IN ('r', 'p') AND NOT relispartition AND NOT relrowsecurity;

\echo partitions, materialized views, internal tables and views are reached through what protects them only
SELECT DISTINCT relation::regclass, e.grantee::regrole FROM relations, aclexplode(relacl) AS e
WHERE (relispartition OR relkind = 'm' OR relkind IN ('r', 'v') AND relname ~ '^_') AND e.grantee NOT IN (relowner, 'pg_database_owner'::regrole);

\echo views over tables run as who reads them, views over materialized views are barriers, and no condition passes into what readers read
SELECT v.relation::regclass
FROM relations AS v
WHERE v.relkind = 'v' AND v.relname !~ '^_' AND NOT CASE
	WHEN v.relname ~ '^my_' AND v.relname <> 'my_focus_1_2_text' THEN 'security_barrier=true' = ANY (coalesce(v.reloptions, '{}')) AND pg_get_viewdef(v.relation) ~ '\sOFFSET 0;$|\sFROM (compute_ledger\.)?_own_usage_hourly\([^()]*\) h\([^()]*\);$'
	WHEN EXISTS (SELECT FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
			JOIN relations AS m ON m.relation = d.refobjid AND d.refclassid = 'pg_class'::regclass AND (m.relkind = 'm' OR m.relname ~ '^_' AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = m.relation AND p.polname = 'visible'))
		WHERE r.ev_class = v.relation)
	THEN 'security_barrier=true' = ANY (coalesce(v.reloptions, '{}')) AND pg_get_viewdef(v.relation) ~ 'visible_accounts|sees_everything'
	ELSE 'security_invoker=true' = ANY (coalesce(v.reloptions, '{}')) END;

\echo no security definer belongs to a superuser, and all have their search_path pinned
SELECT f.function::regprocedure FROM functions AS f JOIN pg_roles AS r ON r.oid = f.proowner
WHERE f.prosecdef AND f.member AND (r.rolsuper OR f.proowner <> 'pg_database_owner'::regrole);
SELECT function::regprocedure FROM functions
WHERE prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false);
SELECT function::regprocedure FROM functions
WHERE NOT member AND (NOT goes_with_extension OR public OR proowner <> (SELECT datdba FROM pg_database WHERE datname = current_database()));

\echo plpgsql functions that work on the ledger have theirs pinned, too
SELECT function::regprocedure FROM functions
WHERE ledger AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')
	AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false);

\echo what PUBLIC may not call, the owner of the database may
SELECT function::regprocedure FROM functions
WHERE member AND NOT public AND NOT has_function_privilege('pg_database_owner', function, 'EXECUTE');

\echo in C, and aggregates, functions stay with who installs them; others that are not for everybody belong to the owner of the database
SELECT f.function::regprocedure, l.lanname FROM functions AS f JOIN pg_language AS l ON l.oid = f.prolang
WHERE f.member AND (f.proowner = 'pg_database_owner'::regrole) <> (NOT f.public AND l.lanname IN ('sql', 'plpgsql'));
SELECT f.function::regprocedure FROM functions AS f JOIN pg_language AS l ON l.oid = f.prolang
WHERE f.member AND NOT f.public AND l.lanname NOT IN ('sql', 'plpgsql') ORDER BY f.function::regprocedure::text COLLATE "C";

\echo functions for users that lead to the ledger stay with who installs them, ask who calls, and call the one of their name with _ before it
CREATE TEMP VIEW entries AS
	SELECT f.* FROM functions AS f
	WHERE f.member AND f.proname !~ '^_' AND (f.ledger OR f.prosrc ~ '\mcompute_ledger\._check_caller\M'
		OR EXISTS (SELECT FROM functions AS i WHERE i.proname ~ '^_' AND NOT i.public AND f.prosrc ~ ('\mcompute_ledger\.' || i.proname || '\M')));
SELECT e.function::regprocedure FROM entries AS e
WHERE e.prolang <> (SELECT l.oid FROM pg_language AS l WHERE l.lanname = 'plpgsql') OR e.prosecdef OR NOT e.public
	OR e.proowner <> (SELECT c.proowner FROM functions AS c WHERE c.proname = '_check_caller') OR e.proconfig <> ARRAY['search_path=pg_catalog, pg_temp']
	-- nothing stands before the check, or among the defaults, that could be of the owner's
	OR e.prosrc !~ ('^\nBEGIN\n\tPERFORM compute_ledger\._check_caller\(\);\n\t[^;]*\mcompute_ledger\._' || e.proname || '\([^;()]*\)[^;()]*;\nEND\n$')
	OR e.proisstrict OR pg_get_expr(e.proargdefaults, 0) ~ 'compute_ledger\.\w+\('
	-- and both have the same arguments, defaults and result
	OR NOT EXISTS (SELECT FROM functions AS h WHERE h.proname = '_' || e.proname AND pg_get_function_arguments(h.function) = pg_get_function_arguments(e.function)
		AND pg_get_function_result(h.function) = pg_get_function_result(e.function));
SELECT string_agg(DISTINCT e.proname COLLATE "C", E'\n') FROM entries AS e;

\echo of internal functions, these are for everybody
SELECT f.function::regprocedure FROM functions AS f
WHERE f.member AND f.public AND f.proname ~ '^_' AND f.prorettype <> 'trigger'::regtype AND f.function NOT IN (SELECT p.function FROM plumbing AS p)
ORDER BY f.function::regprocedure::text COLLATE "C";

\echo the owner of the database does not declare a function in C other than it is
BEGIN;
DO $$ BEGIN EXECUTE format('SET LOCAL ROLE %I', (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database())); END $$;
SET LOCAL ROLE pg_database_owner;
ALTER FUNCTION compute_ledger._usage_numeric(text) CALLED ON NULL INPUT;
ROLLBACK;

\echo an EXCEPTION block is a subtransaction, which no parallel worker starts
SELECT function::regprocedure FROM functions
WHERE prosrc ~* '\mexception\s+when\M' AND proparallel <> 'u';

\echo what is stable or immutable calls nothing that is volatile
SELECT f.function::regprocedure, v.proname
FROM functions AS f
JOIN (SELECT proname FROM functions GROUP BY proname HAVING bool_and(provolatile = 'v')) AS v
	-- messages aside
	ON regexp_replace(coalesce(pg_get_function_sqlbody(f.function), f.prosrc), '''[^'']*''', '', 'g') ~ ('\m' || v.proname || '\(')
WHERE f.provolatile <> 'v';

\echo tables with recorded time keep what was replaced, and their times have one form
SELECT a.attrelid::regclass, w.name
FROM relations AS r JOIN pg_attribute AS a ON a.attrelid = r.relation AND a.attname = 'recorded' AND a.atttypid = 'tstzrange'::regtype AND r.relkind <> 'v'
CROSS JOIN (VALUES
	('a_recorded', 'CREATE TRIGGER a_recorded BEFORE INSERT OR DELETE OR UPDATE ON % FOR EACH ROW EXECUTE FUNCTION _bitemporal_row(%)'),
	('a_truncate', 'CREATE TRIGGER a_truncate BEFORE TRUNCATE ON % FOR EACH STATEMENT EXECUTE FUNCTION _bitemporal_row()'),
	('b_valid', 'CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON % FOR EACH ROW EXECUTE FUNCTION _bitemporal_valid()'),
	('y_updated', 'CREATE TRIGGER y_updated AFTER UPDATE ON % REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION _bitemporal_history()'),
	('y_deleted', 'CREATE TRIGGER y_deleted AFTER DELETE ON % REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION _bitemporal_history()')) AS w (name, form)
WHERE r.relname <> 'billing_period_replaced'	-- is history itself
	AND NOT (w.name = 'b_valid' AND NOT EXISTS (SELECT FROM pg_attribute AS v WHERE v.attrelid = r.relation AND v.attname = 'valid'))
	AND NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = r.relation AND t.tgname = w.name AND pg_get_triggerdef(t.oid, true) LIKE w.form);
SELECT a.attname, pg_get_constraintdef(c.oid) AS form, count(*)
FROM relations AS r JOIN pg_attribute AS a ON a.attrelid = r.relation AND a.attname IN ('valid', 'recorded') AND a.atttypid = 'tstzrange'::regtype AND r.relkind <> 'v'
LEFT JOIN pg_constraint AS c ON c.conrelid = r.relation AND c.contype = 'c' AND c.conkey = ARRAY[a.attnum] AND c.conname ~ a.attname
WHERE r.relname <> 'billing_period_replaced'
GROUP BY 1, 2 ORDER BY 1, 2;

\echo the list of privileges names what is there, and readers get nothing without a condition
SELECT p.object, p.privilege FROM _access_privileges() AS p
WHERE NOT CASE WHEN p.privilege = 'EXECUTE' THEN EXISTS (SELECT FROM functions AS f WHERE f.proname = p.object AND (f.public OR f.proowner = 'pg_database_owner'::regrole))
	ELSE EXISTS (SELECT FROM relations AS r WHERE r.relname = p.object) END
	OR p.kinds = '{}' OR NOT p.kinds <@ '{reader,meter,booker,agent,biller,auditor,admin}';
SELECT p.object, p.privilege FROM _access_privileges() AS p JOIN relations AS r ON r.relname = p.object
WHERE 'reader' = ANY (p.kinds) AND p.privilege NOT IN ('SELECT', 'EXECUTE')
	OR p.privilege = 'SELECT' AND r.relkind IN ('r', 'p') AND p.kinds && '{reader,meter,booker,agent}' AND NOT EXISTS (
		SELECT FROM pg_policy AS o WHERE o.polrelid = r.relation AND o.polname = 'visible');
SELECT object, privilege, count(*) FROM _access_privileges() GROUP BY 1, 2 HAVING count(*) > 1;
-- beside views of their own accounts, readers have what says nothing of accounts
SELECT p.object, p.privilege FROM _access_privileges() AS p WHERE 'reader' = ANY (p.kinds) AND p.object !~ '^my_' ORDER BY p.object COLLATE "C";

\echo auditors may select every table and view
SELECT r.relation::regclass FROM relations AS r
WHERE r.relkind IN ('r', 'p', 'v') AND NOT r.relispartition AND r.relname !~ '^_' AND NOT EXISTS (
	SELECT FROM _access_privileges() AS p WHERE p.object = r.relname AND p.privilege = 'SELECT' AND p.kinds @> '{auditor,admin}');

\echo every table can be replicated: by a primary key, or by the whole row
SELECT relation::regclass FROM relations AS r
WHERE r.relkind IN ('r', 'p') AND r.relreplident <> 'f' AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = r.relation AND c.contype = 'p');

\echo every relation and column carries its comment
SELECT r.relation::regclass FROM relations AS r
WHERE r.relkind IN ('r', 'p', 'v', 'm') AND NOT r.relispartition AND obj_description(r.relation, 'pg_class') IS NULL;
SELECT r.relation::regclass, a.attname FROM relations AS r JOIN pg_attribute AS a ON a.attrelid = r.relation
WHERE r.relkind IN ('r', 'p', 'v', 'm') AND NOT r.relispartition AND r.relname !~ '^_' AND a.attnum > 0 AND NOT a.attisdropped AND col_description(r.relation, a.attnum) IS NULL;

-- ------------------------------------------------------------------ recorded time
\echo recorded time
BEGIN;
SELECT ledger_stamp() = ledger_stamp() AS one_stamp;
SELECT ledger_stamp() > ledger_watermark() AS stamp_is_above;
SELECT ledger_stamp() >= now() AS stamp_is_later_than_begin;
COMMIT;
-- the watermark is held right below the writer, and nobody else's lock is taken for a writer's
BEGIN;
SELECT ledger_stamp() > ledger_watermark();
SELECT pid = pg_backend_pid() AS this_one, since <= ledger_stamp() AS before_its_stamp, since - interval '1 microsecond' = ledger_watermark() AS right_below FROM ledger_writers();
ROLLBACK;
BEGIN;
SELECT count(*) FROM (SELECT pg_advisory_xact_lock(1129079659, 0), pg_advisory_xact_lock(17228), pg_advisory_xact_lock(extract(epoch FROM now() - '2000-01-01 00:00Z')::bigint * 1000000)) AS l;
SELECT count(*) AS writers FROM ledger_writers();
COMMIT;
-- a stamp is given up with the savepoint that took it, and kept when the savepoint is released
BEGIN;
SAVEPOINT a;
SELECT ledger_stamp() AS first \gset
SELECT ledger_watermark() < :'first' AS held;
ROLLBACK TO a;
SELECT ledger_watermark() > :'first' AS given_up;
SELECT ledger_stamp() > :'first' AS another;
SELECT ledger_stamp() AS first \gset
SAVEPOINT b;
SELECT ledger_stamp() = :'first' AS the_same;
ROLLBACK TO b;
SELECT ledger_stamp() = :'first' AND ledger_watermark() < :'first' AS still_held;
COMMIT;
BEGIN;
SAVEPOINT a;
SAVEPOINT b;
SELECT ledger_stamp() AS first \gset
RELEASE b;
SELECT ledger_stamp() = :'first' AND ledger_watermark() < :'first' AS kept;
ROLLBACK TO a;
SELECT ledger_stamp() > :'first' AND ledger_watermark() < ledger_stamp() AS another;
SAVEPOINT c;
SELECT ledger_stamp() AS first \gset
RELEASE c;
RELEASE a;
SELECT ledger_stamp() = :'first' AND ledger_watermark() < :'first' AS kept;
ROLLBACK;
SELECT ledger_watermark() > :'first' AS given_up;
-- nothing is stamped where nothing can be written
BEGIN READ ONLY;
SELECT ledger_stamp();
ROLLBACK;
-- with one snapshot, the watermark is the last that was stored; a stamp is later than any that is stored
BEGIN;
SELECT mark_watermark() AS mark \gset
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT ledger_watermark() = :'mark', mark_watermark() = :'mark';
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT ledger_watermark() = :'mark';
COMMIT;
SELECT count(*) FROM ledger_mark;
BEGIN;
INSERT INTO ledger_mark VALUES (now() + interval '1 year');
SELECT ledger_watermark() = now() + interval '1 year' AS clock_set_back;
SELECT ledger_stamp() = now() + interval '1 year 1 microsecond' AS later_all_the_same;
SELECT ledger_watermark() = now() + interval '1 year' AS not_yet;
ROLLBACK;
INSERT INTO ledger_mark VALUES ('infinity');
