-- What belongs to the extension, and how it is made.
SET search_path = public, compute_ledger;
SELECT extnamespace::regnamespace AS schema, extrelocatable AS relocatable FROM pg_extension WHERE extname = 'compute_ledger';

-- Every operator class is sound by its access method's own judgement.
SELECT opcname, amname
FROM pg_opclass JOIN pg_am ON pg_am.oid = opcmethod
WHERE opcnamespace = 'compute_ledger'::regnamespace AND NOT amvalidate(pg_opclass.oid);

-- No member function runs with a superuser's rights.
SELECT p.oid::regprocedure
FROM pg_proc AS p JOIN pg_roles AS r ON r.oid = p.proowner
WHERE pronamespace = 'compute_ledger'::regnamespace AND prosecdef AND rolsuper
	AND EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e');

-- Every object carries its comment.
SELECT what FROM (
	SELECT p.oid::regprocedure::text, obj_description(p.oid, 'pg_proc') FROM pg_proc AS p WHERE pronamespace = 'compute_ledger'::regnamespace
	UNION ALL SELECT o.oid::regoperator::text, obj_description(o.oid, 'pg_operator') FROM pg_operator AS o WHERE oprnamespace = 'compute_ledger'::regnamespace
	UNION ALL SELECT t.oid::regtype::text, obj_description(t.oid, 'pg_type') FROM pg_type AS t
		WHERE typnamespace = 'compute_ledger'::regnamespace AND typcategory <> 'A' AND typrelid = 0
	UNION ALL SELECT 'opclass ' || opcname, obj_description(o.oid, 'pg_opclass') FROM pg_opclass AS o WHERE opcnamespace = 'compute_ledger'::regnamespace
	UNION ALL SELECT 'opfamily ' || opfname, obj_description(o.oid, 'pg_opfamily') FROM pg_opfamily AS o WHERE opfnamespace = 'compute_ledger'::regnamespace
	UNION ALL SELECT 'cast ' || castsource::regtype || ' to ' || casttarget::regtype, obj_description(c.oid, 'pg_cast') FROM pg_cast AS c
		JOIN pg_depend AS d ON d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'e'
	UNION ALL SELECT r.oid::regclass::text, obj_description(r.oid, 'pg_class') FROM pg_class AS r WHERE relnamespace = 'compute_ledger'::regnamespace AND relkind IN ('r', 'v', 'm', 'p')
	UNION ALL SELECT r.oid::regclass || '.' || attname, col_description(r.oid, attnum) FROM pg_class AS r JOIN pg_attribute AS a ON attrelid = r.oid
		WHERE relnamespace = 'compute_ledger'::regnamespace AND relkind IN ('r', 'v', 'm', 'p') AND relname !~ '^_' AND attnum > 0 AND NOT attisdropped
) AS o (what, comment) WHERE comment IS NULL ORDER BY what COLLATE "C";

-- Parsed bodies can be printed and read again, as pg_upgrade does: an argument without a name beside named ones is printed as "".
SELECT p.oid::regprocedure FROM pg_proc AS p
WHERE pronamespace = 'compute_ledger'::regnamespace AND prosqlbody IS NOT NULL AND pg_get_function_sqlbody(p.oid) ~ '""';
