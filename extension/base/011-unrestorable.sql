-- What a dump of this database would not restore, though nothing is wrong with it here.

CREATE FUNCTION _unrestorable(tree pg_node_tree, OUT construct text, OUT operator regoperator) RETURNS SETOF record
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 1 AS 'MODULE_PATHNAME', 'unrestorable';
COMMENT ON FUNCTION _unrestorable(pg_node_tree) IS 'the constructs of a stored expression or query whose operator PostgreSQL prints without its schema, and which is not in pg_catalog; none for NULL';

CREATE FUNCTION unrestorable_objects(OUT type text, OUT object text, OUT construct text, OUT operator regoperator) RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT i.type, i.identity, u.construct, u.operator
	FROM (
		-- all that keeps an expression, and the relation that it is of; publications take no operators but pg_catalog's
		SELECT CASE r.rulename WHEN '_RETURN' THEN 'pg_class'::regclass ELSE 'pg_rewrite'::regclass END, CASE r.rulename WHEN '_RETURN' THEN r.ev_class ELSE r.oid END, 0, r.ev_class, t.tree
		FROM pg_rewrite AS r CROSS JOIN LATERAL (VALUES (r.ev_action), (r.ev_qual)) AS t (tree)
		UNION ALL
		SELECT 'pg_proc'::regclass, p.oid, 0, NULL, t.tree FROM pg_proc AS p CROSS JOIN LATERAL (VALUES (p.prosqlbody), (p.proargdefaults)) AS t (tree)
		UNION ALL
		SELECT 'pg_attrdef'::regclass, d.oid, 0, d.adrelid, d.adbin FROM pg_attrdef AS d
		UNION ALL
		SELECT 'pg_constraint'::regclass, c.oid, 0, c.conrelid, c.conbin FROM pg_constraint AS c WHERE c.conislocal
		UNION ALL
		SELECT 'pg_class'::regclass, x.indexrelid, 0, x.indrelid, t.tree FROM pg_index AS x CROSS JOIN LATERAL (VALUES (x.indexprs), (x.indpred)) AS t (tree)
		UNION ALL
		SELECT 'pg_class'::regclass, k.partrelid, 0, k.partrelid, k.partexprs FROM pg_partitioned_table AS k
		UNION ALL
		SELECT 'pg_policy'::regclass, l.oid, 0, l.polrelid, t.tree FROM pg_policy AS l CROSS JOIN LATERAL (VALUES (l.polqual), (l.polwithcheck)) AS t (tree)
		UNION ALL
		SELECT 'pg_trigger'::regclass, g.oid, 0, g.tgrelid, g.tgqual FROM pg_trigger AS g WHERE g.tgparentid = 0
		UNION ALL
		SELECT 'pg_statistic_ext'::regclass, s.oid, 0, s.stxrelid, s.stxexprs FROM pg_statistic_ext AS s
		UNION ALL
		SELECT 'pg_type'::regclass, y.oid, 0, NULL, y.typdefaultbin FROM pg_type AS y
	) AS o (class, id, part, relation, tree)
	CROSS JOIN LATERAL compute_ledger._unrestorable(o.tree) AS u
	CROSS JOIN LATERAL pg_identify_object(o.class, o.id, o.part) AS i
	WHERE o.tree IS NOT NULL AND o.id >= 16384
		AND NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = o.relation AND c.relpersistence = 't')
	ORDER BY i.type COLLATE "C", i.identity COLLATE "C", u.construct COLLATE "C"
$$;
COMMENT ON FUNCTION unrestorable_objects() IS 'what in this database pg_dump and pg_upgrade do not restore: views, rules, functions, defaults, constraints, indexes, policies, triggers and others that contain JOIN USING, IS DISTINCT FROM, NULLIF, CASE x WHEN or a comparison of rows with an operator that is not in pg_catalog, such as all of this extension''s. PostgreSQL prints these without the schema of the operator, and looks it up while search_path is empty. One row for each place; docs/administration.md says how to write it instead. Nothing that is only text is looked at: bodies in quotes, PL/pgSQL.';
