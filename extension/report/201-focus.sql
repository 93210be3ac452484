-- FOCUS, the FinOps Open Cost and Usage Specification, version 1.2: its columns and
-- requirements as tables, and a check of any relation of that form against them.
--
-- Facts from the specification, https://focus.finops.org, by the FinOps Foundation
-- (CC BY 4.0), in words of our own.
--
-- A requirement is named by its column and its place among the sentences that the
-- specification has on that column: BilledCost-4 is the fourth.
--
-- The references are deferred because an update of the extension replaces all rows,
-- one table after the other.

CREATE TABLE focus_column (
	shipped boolean NOT NULL DEFAULT false,
	focus_column text PRIMARY KEY,
	number integer NOT NULL UNIQUE,
	level text NOT NULL CHECK (level IN ('mandatory', 'recommended', 'conditional')),
	data_type text NOT NULL CHECK (data_type IN ('String', 'Decimal', 'Date/Time', 'JSON')),
	nullable boolean NOT NULL,
	introduced text NOT NULL
);
COMMENT ON TABLE focus_column IS 'The columns of FOCUS 1.2.';
COMMENT ON COLUMN focus_column.shipped IS 'true: all rows come with the extension';
COMMENT ON COLUMN focus_column.focus_column IS 'name of the column';
COMMENT ON COLUMN focus_column.number IS 'place in the specification';
COMMENT ON COLUMN focus_column.level IS 'mandatory, recommended, or conditional on what a provider supports';
COMMENT ON COLUMN focus_column.data_type IS 'String, Decimal, Date/Time or JSON';
COMMENT ON COLUMN focus_column.nullable IS 'whether there may be nulls';
COMMENT ON COLUMN focus_column.introduced IS 'version of the specification that brought the column';

CREATE TABLE focus_value (
	shipped boolean NOT NULL DEFAULT false,
	focus_column text NOT NULL REFERENCES focus_column DEFERRABLE INITIALLY DEFERRED,
	value text NOT NULL,
	parent text,
	UNIQUE NULLS NOT DISTINCT (focus_column, value, parent)
);
COMMENT ON TABLE focus_value IS 'What columns of FOCUS 1.2 may hold: the values that the specification lists, and its keys of SkuPriceDetails.';
COMMENT ON COLUMN focus_value.shipped IS 'true: all rows come with the extension';
COMMENT ON COLUMN focus_value.focus_column IS 'name of the column';
COMMENT ON COLUMN focus_value.value IS 'what it may hold';
COMMENT ON COLUMN focus_value.parent IS 'for ServiceSubcategory the ServiceCategory, for SkuPriceDetails the type of the key''s value';

CREATE TABLE focus_rule (
	shipped boolean NOT NULL DEFAULT false,
	requirement text PRIMARY KEY,
	focus_column text NOT NULL REFERENCES focus_column DEFERRABLE INITIALLY DEFERRED,
	rule text NOT NULL,
	decided text NOT NULL CHECK (decided IN ('yes', 'partly', 'no')),
	scope text CHECK (scope IN ('presence', 'type', 'format', 'row', 'group')),
	grouped_by text,
	violated text,
	shows text,
	reason text,
	CHECK ((decided = 'no') = (violated IS NULL) AND (decided = 'no') = (scope IS NULL)),
	CHECK ((decided <> 'yes') = (reason IS NOT NULL)),
	CHECK ((grouped_by IS NOT NULL) = (scope IS NOT DISTINCT FROM 'group'))
);
COMMENT ON TABLE focus_rule IS 'The requirements of FOCUS 1.2 on its columns, every one that is a must: what focus_check() looks for, and what rows cannot tell.';
COMMENT ON COLUMN focus_rule.shipped IS 'true: all rows come with the extension';
COMMENT ON COLUMN focus_rule.requirement IS 'column and place among the sentences of the specification on that column';
COMMENT ON COLUMN focus_rule.focus_column IS 'the column that it is a requirement on';
COMMENT ON COLUMN focus_rule.rule IS 'what must be so, in short';
COMMENT ON COLUMN focus_rule.decided IS 'whether rows show a breach: yes, partly (reason says what is checked), no (reason says why)';
COMMENT ON COLUMN focus_rule.scope IS 'what is looked at: whether the column is there, its declared type, how its values are written, each row, or rows that share a value';
COMMENT ON COLUMN focus_rule.grouped_by IS 'the column whose value the rows share';
COMMENT ON COLUMN focus_rule.violated IS 'condition that holds where the requirement is breached. {C} is the value of column C, {C?} whether it is null, {C!} whether it is not, {C~} whether it cannot be read as its type, {C^} whether it is not written as prescribed; {C*} is the value where the relation has column C, else NULL, where {C} of a column that is never NULL leaves the rule out';
COMMENT ON COLUMN focus_rule.shows IS 'what to show of rows that share a value';
COMMENT ON COLUMN focus_rule.reason IS 'what rows cannot tell';

-- @catalog focus_column
-- @catalog focus_value
-- @catalog focus_rule
GRANT SELECT ON focus_column, focus_value, focus_rule TO PUBLIC;

-- ------------------------------------------------------------------ reading text

CREATE FUNCTION _focus_number(text) RETURNS numeric
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
	SELECT CASE WHEN pg_catalog.length($1) <= 1000 AND $1 OPERATOR(pg_catalog.~) '^\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\s*$'
		THEN $1::pg_catalog.numeric END
$$;
COMMENT ON FUNCTION _focus_number(text) IS 'part of focus_check(): the number that a text is, NULL if it is none';

-- Inlined, so everything is qualified.  Of February's days the 29th needs a look at the year.
CREATE FUNCTION _focus_instant(text) RETURNS timestamptz
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
AS $$
	SELECT CASE WHEN $1 OPERATOR(pg_catalog.~) '^(?!0000)[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-9]))[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)?$'
		AND (pg_catalog.substr($1, 6, 5) OPERATOR(pg_catalog.<>) '02-29'
			OR pg_catalog.mod(pg_catalog.substr($1, 1, 4)::pg_catalog.int4, CASE WHEN pg_catalog.substr($1, 3, 2) OPERATOR(pg_catalog.=) '00' THEN 400 ELSE 4 END) OPERATOR(pg_catalog.=) 0)
		THEN CASE WHEN pg_catalog.substr($1, 20) OPERATOR(pg_catalog.~) '[Z+-]' THEN $1::pg_catalog.timestamptz
			ELSE pg_catalog.timezone('UTC', $1::pg_catalog.timestamp) END END
$$;
COMMENT ON FUNCTION _focus_instant(text) IS 'part of focus_check(): the instant that a text is, in UTC unless it says otherwise, NULL if it is none';

CREATE FUNCTION _focus_object(value text) RETURNS jsonb
	-- not parallel safe: an EXCEPTION block is a subtransaction
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	parsed jsonb;
BEGIN
	parsed := value::jsonb;
	IF jsonb_typeof(parsed) = 'object'
		AND (SELECT count(*) <> count(DISTINCT k) FROM json_object_keys(value::json) AS k) THEN
		RETURN NULL;
	END IF;
	RETURN parsed;
EXCEPTION WHEN data_exception OR program_limit_exceeded OR statement_too_complex OR invalid_text_representation THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _focus_object(text) IS 'part of focus_check(): the JSON value that a text is, NULL if it is none or names a key twice';

-- ------------------------------------------------------------------ the check

CREATE FUNCTION _focus_columns(relation regclass, OUT focus_column text, OUT number integer, OUT data_type text, OUT form text,
		OUT declared text, OUT value text, OUT raw text)
	RETURNS SETOF record
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT c.focus_column, c.number, c.data_type, f.form, format_type(b.type, NULL),
		CASE
			WHEN f.form = 'absent' OR f.form = 'other' AND c.data_type <> 'String' AND NOT (c.data_type = 'Date/Time' AND b.type = 'date'::regtype)
				THEN format('NULL::%s', n.type)
			WHEN c.data_type = 'String' THEN format('t.%I::text', b.name)
			WHEN c.data_type = 'Decimal' AND f.form = 'text' THEN format('compute_ledger._focus_number(t.%I::text)', b.name)
			WHEN c.data_type = 'Date/Time' AND f.form = 'text' THEN format('compute_ledger._focus_instant(t.%I::text)', b.name)
			WHEN c.data_type = 'JSON' AND f.form = 'text' THEN format('j%s.value', c.number)
			WHEN b.type IN ('timestamp'::regtype, 'date'::regtype) THEN format('timezone(''UTC'', t.%I::timestamp)', b.name)
			ELSE format('t.%I::%s', b.name, n.type)
		END,
		't.' || quote_ident(b.name) || '::text'
	FROM compute_ledger.focus_column AS c
		CROSS JOIN LATERAL (SELECT CASE c.data_type WHEN 'String' THEN 'text' WHEN 'Decimal' THEN 'numeric'
			WHEN 'Date/Time' THEN 'timestamptz' WHEN 'JSON' THEN 'jsonb' END) AS n (type)
		-- A name in other letter case will do: PostgreSQL folds what is not quoted.
		LEFT JOIN LATERAL (
			WITH RECURSIVE base AS (
				SELECT * FROM (SELECT a.attname, a.atttypid FROM pg_attribute AS a
					WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND lower(a.attname::text) = lower(c.focus_column)
					ORDER BY a.attname = c.focus_column DESC, a.attnum LIMIT 1) AS a
				UNION ALL
				SELECT o.attname, y.typbasetype FROM base AS o JOIN pg_type AS y ON y.oid = o.atttypid WHERE y.typtype = 'd'
			)
			SELECT o.attname AS name, o.atttypid AS type, y.typcategory AS category
			FROM base AS o JOIN pg_type AS y ON y.oid = o.atttypid WHERE y.typtype <> 'd'
		) AS b ON true
		CROSS JOIN LATERAL (SELECT CASE
			WHEN b.name IS NULL THEN 'absent'
			WHEN c.data_type = 'String' THEN CASE WHEN b.category IN ('S', 'E') OR b.type = 'uuid'::regtype THEN 'native' ELSE 'other' END
			WHEN b.category = 'S' THEN 'text'
			WHEN CASE c.data_type
				WHEN 'Decimal' THEN b.type = ANY ('{numeric,int2,int4,int8,float4,float8}'::regtype[])
				WHEN 'Date/Time' THEN b.type = ANY ('{timestamptz,timestamp}'::regtype[])
				ELSE b.type = 'jsonb'::regtype END THEN 'native'
			WHEN c.data_type = 'JSON' AND b.type = 'json'::regtype THEN 'text'
			ELSE 'other' END) AS f (form)
	ORDER BY c.number
$$;
COMMENT ON FUNCTION _focus_columns(regclass) IS 'part of focus_check(): where a relation has the columns of FOCUS, in what type, and the expression for the value of each';

-- The rules that apply to a relation.  A rule is left out if its column is not there, or
-- another that it names, without *, and that is never null; others that are not there are null.
CREATE FUNCTION _focus_rules(relation regclass, OUT n bigint, OUT requirement text, OUT focus_column text, OUT rule text, OUT scope text,
		OUT grouped_by text, OUT violated text, OUT shows text)
	RETURNS SETOF record
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH here AS (
		SELECT f.focus_column, f.number, f.form <> 'absent' AS present, c.nullable
		FROM compute_ledger._focus_columns(relation) AS f JOIN compute_ledger.focus_column AS c USING (focus_column)
	), named AS (
		SELECT r.requirement, bool_and(h.present OR h.nullable OR r.scope = 'presence') AS usable,
			string_agg(format('concat(%L, coalesce(left({%s=}, 100), %L))', h.focus_column || ' = ', h.focus_column, 'NULL'), ', '
				ORDER BY h.focus_column = r.focus_column DESC, h.number) AS shows
		FROM compute_ledger.focus_rule AS r
			CROSS JOIN LATERAL (SELECT r.grouped_by UNION SELECT (regexp_matches(r.violated, '\{(\w+)[^\w*]', 'g'))[1]) AS n (focus_column)
			JOIN here AS h ON h.focus_column = n.focus_column
		GROUP BY r.requirement
	)
	SELECT row_number() OVER (ORDER BY h.number, r.requirement), r.requirement, r.focus_column, r.rule, r.scope, r.grouped_by, r.violated,
		coalesce(r.shows, CASE WHEN r.scope = 'group' THEN 'NULL' ELSE format('concat_ws('', '', %s)', m.shows) END)
	FROM compute_ledger.focus_rule AS r JOIN here AS h USING (focus_column) LEFT JOIN named AS m USING (requirement)
	WHERE r.violated IS NOT NULL AND coalesce(m.usable, true) AND h.present = (r.scope <> 'presence')
		AND (r.grouped_by IS NULL OR EXISTS (SELECT FROM here AS g WHERE g.focus_column = r.grouped_by AND g.present))
$$;
COMMENT ON FUNCTION _focus_rules(regclass) IS 'part of focus_check(): the rules that can be applied to a relation';

-- A row is known by the column that was named, else by its place in the table.  What is declared as text is read once
-- a row (OFFSET 0 keeps the subquery apart), JSON once for each distinct text.
CREATE FUNCTION _focus_rows(relation regclass, reference name) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('(SELECT %s AS "#"%s FROM %s AS t%s%s) AS s',
		CASE
			WHEN reference IS NOT NULL THEN format('t.%I::text', reference)
			WHEN EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = 'x_ChargeId' AND NOT a.attisdropped) THEN 't."x_ChargeId"::text'
			WHEN k.relkind IN ('r', 'm') AND NOT k.relhassubclass THEN 't.ctid::text'
			WHEN k.relkind IN ('r', 'p') THEN 't.tableoid::regclass || t.ctid::text'
			ELSE '(row_number() OVER ())::text'
		END,
		(SELECT string_agg(format(', %s AS %I', f.value, f.focus_column)
				|| CASE WHEN f.form IN ('text', 'other') THEN format(', %s AS %I', f.raw, f.focus_column || '=') ELSE '' END, '' ORDER BY f.number)
			FROM compute_ledger._focus_columns(relation) AS f WHERE f.form <> 'absent'),
		relation,
		(SELECT string_agg(format(' LEFT JOIN (SELECT d.raw, compute_ledger._focus_object(d.raw) AS value FROM (SELECT DISTINCT %s AS raw FROM %s AS t) AS d OFFSET 0) AS %I ON %3$I.raw = %1$s',
				f.raw, relation, 'j' || f.number), '')
			FROM compute_ledger._focus_columns(relation) AS f WHERE f.data_type = 'JSON' AND f.form = 'text'),
		(SELECT ' OFFSET 0' FROM compute_ledger._focus_columns(relation) AS f WHERE f.form = 'text' LIMIT 1))
	FROM pg_class AS k WHERE k.oid = relation
$$;
COMMENT ON FUNCTION _focus_rows(regclass, name) IS 'part of focus_check(): the subquery that gives every column of FOCUS that a relation has in its type, and in its text where it is declared as that; NULL if there is no such relation';

-- Of what rows share a value, Decimals are added up, and of charge periods the hull is taken, by combination of the
-- other columns that rules on such rows name.
CREATE FUNCTION _focus_queries(relation regclass, rows text) RETURNS SETOF text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	-- columns that are missing
	SELECT format('SELECT p.requirement, p.focus_column, NULL::text, ''the column is missing (required: '' || p.rule || '')'' FROM unnest(%L::text[], %L::text[], %L::text[], (SELECT ARRAY[%s]%s)) AS p (requirement, focus_column, rule, missed) WHERE p.missed',
		array_agg(r.requirement ORDER BY r.n), array_agg(r.focus_column ORDER BY r.n), array_agg(r.rule ORDER BY r.n),
		string_agg(CASE r.violated WHEN 'true' THEN 'true' ELSE format('bool_or(%s)', r.violated) END, ', ' ORDER BY r.n),
		CASE WHEN bool_or(r.violated <> 'true') THEN ' FROM ' || rows ELSE '' END)
	FROM compute_ledger._focus_rules(relation) AS r WHERE r.scope = 'presence'
	HAVING count(*) > 0
	UNION ALL
	-- rows
	SELECT format('SELECT (%L::text[])[b.n], (%L::text[])[b.n], b."#", concat(CASE b.n %s END, '' (required: '', (%L::text[])[b.n], '')'') FROM (SELECT s.*, unnest(array_remove(ARRAY[%s], NULL)) AS n FROM %s WHERE %s) AS b',
			array_agg(r.requirement ORDER BY r.n), array_agg(r.focus_column ORDER BY r.n),
			string_agg(format('WHEN %s THEN %s', r.n, replace(r.shows, '{', '{b.')), ' ' ORDER BY r.n),
			array_agg(r.rule ORDER BY r.n),
			string_agg(format('CASE WHEN %s THEN %s END', r.violated, r.n), ', ' ORDER BY r.n),
			rows,
			string_agg(format('(%s)', r.violated), ' OR ' ORDER BY r.n) FILTER (WHERE r.first))
	FROM (SELECT row_number() OVER (ORDER BY r.n) AS n, row_number() OVER (PARTITION BY r.violated ORDER BY r.n) = 1 AS first, r.requirement, r.focus_column, r.rule, r.violated, r.shows
		FROM compute_ledger._focus_rules(relation) AS r WHERE r.scope IN ('type', 'format', 'row')) AS r
	HAVING count(*) > 0
	UNION ALL
	-- rows that share a value
	(WITH rule AS (
		SELECT * FROM compute_ledger._focus_rules(relation) AS r WHERE r.scope = 'group'
	), used AS (
		SELECT f.focus_column, f.number, f.data_type,
			CASE WHEN f.data_type = 'Decimal' THEN 'sum' WHEN f.focus_column = 'ChargePeriodStart' THEN 'min' WHEN f.focus_column = 'ChargePeriodEnd' THEN 'max' END AS aggregate
		FROM compute_ledger._focus_columns(relation) AS f
		WHERE f.form <> 'absent'
			AND EXISTS (SELECT FROM rule AS r WHERE r.violated ~ format('\{%s\*?\}', f.focus_column) OR r.grouped_by = f.focus_column)
	)
	SELECT format('WITH s AS MATERIALIZED (SELECT %s FROM %s GROUP BY %s) %s',
			string_agg(format(CASE WHEN u.aggregate IS NOT NULL THEN '%2$s(s.%1$I) AS %1$I' WHEN u.data_type = 'String' THEN 's.%1$I COLLATE "C" AS %1$I' ELSE 's.%1$I' END, u.focus_column, u.aggregate), ', '),
			rows,
			string_agg(format(CASE u.data_type WHEN 'String' THEN 's.%I COLLATE "C"' ELSE 's.%I' END, u.focus_column), ', ') FILTER (WHERE u.aggregate IS NULL),
			(SELECT string_agg(format('SELECT %L::text, %L::text, NULL::text, concat(%L, left({%s}::text, 100), '': '' || %s, %L) FROM s WHERE {%4$s} IS NOT NULL GROUP BY {%4$s} HAVING %7$s',
				r.requirement, r.focus_column, r.grouped_by || ' = ', r.grouped_by, r.shows, format(' (required: %s)', r.rule), r.violated), ' UNION ALL ') FROM rule AS r))
	FROM used AS u HAVING count(*) > 0)
$$;
COMMENT ON FUNCTION _focus_queries(regclass, text) IS 'part of focus_check(): the queries for breaches in a relation that is read through a subquery, with {names} as rules have them';

CREATE FUNCTION _focus_names(relation regclass) RETURNS TABLE (step integer, name text, meant text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 0, '{values:' || v.focus_column || '}', format('%L::text[]', array_agg(DISTINCT v.value))
	FROM compute_ledger.focus_value AS v GROUP BY v.focus_column
	UNION ALL
	SELECT 0, '{currencies}', format('%L::text[]', array_agg(i.code)) FROM compute_ledger.iso_currency AS i
	UNION ALL
	SELECT 0, '{subcategories}', format('%L::text[]', array_agg(v.parent || '/' || v.value)) FROM compute_ledger.focus_value AS v WHERE v.focus_column = 'ServiceSubcategory'
	UNION ALL
	SELECT 0, format('{%ss}', v.parent), format('%L::text[]', array_agg(v.value)) FROM compute_ledger.focus_value AS v WHERE v.focus_column = 'SkuPriceDetails' GROUP BY v.parent
	UNION ALL
	SELECT 1, '{' || m.alias || f.focus_column || m.mark || '}',
		replace(CASE
			WHEN m.mark = '^' AND f.form = 'native' AND f.data_type = 'Date/Time' THEN format('(NOT isfinite(@.%I))', f.focus_column)
			WHEN m.mark IN ('~', '^') AND f.form <> 'text' THEN 'false'
			WHEN f.form = 'absent' THEN CASE m.mark WHEN '?' THEN 'true' WHEN '!' THEN 'false' WHEN '=' THEN 'NULL::text' ELSE f.value END
			WHEN m.mark IN ('', '*') THEN format('@.%I', f.focus_column)
			WHEN m.mark = '=' THEN format(CASE f.form WHEN 'native' THEN '@.%I::text' ELSE '@.%I' END, k.stored)
			WHEN m.mark = '?' THEN format('(@.%I IS NULL)', k.stored)
			WHEN m.mark = '!' THEN format('(@.%I IS NOT NULL)', k.stored)
			WHEN m.mark = '~' THEN format('(@.%I IS NULL AND @.%I IS NOT NULL)', f.focus_column, k.stored)
			WHEN f.data_type = 'Decimal'
				THEN format('(@.%2$I IS NOT NULL AND (@.%1$I IS NULL OR @.%2$I <> translate(@.%2$I, E''+ \t\r\n'', '''')))', f.focus_column, k.stored)
			ELSE format('(@.%2$I IS NOT NULL AND (@.%1$I IS NULL OR length(@.%2$I) <> 20 OR substr(@.%2$I, 11, 1) <> ''T'' OR right(@.%2$I, 1) <> ''Z''))', f.focus_column, k.stored)
		END, '@.', CASE m.alias WHEN '' THEN 's.' ELSE m.alias END)
	FROM compute_ledger._focus_columns(relation) AS f
		CROSS JOIN LATERAL (SELECT f.focus_column || CASE WHEN f.form IN ('text', 'other') THEN '=' ELSE '' END) AS k (stored)
		CROSS JOIN (VALUES ('', ''), ('', '*'), ('', '='), ('', '?'), ('', '!'), ('', '~'), ('', '^'), ('b.', '=')) AS m (alias, mark)
$$;
COMMENT ON FUNCTION _focus_names(regclass) IS 'part of focus_check(): what the {names} mean by which rules call a column, a list or a value''s form; those of step 0 come first';

-- The relation is read through one subquery.  The conditions of all rules that look at rows are one filter, so that
-- a sound row costs one pass over them; only rows that breach something are looked at rule by rule.
CREATE FUNCTION _focus_check(relation regclass DEFAULT NULL, reference name DEFAULT NULL,
		OUT requirement text, OUT focus_column text, OUT row_reference text, OUT detail text)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
DECLARE
	source regclass := relation;
	rows text;
	query text;
	queries text[];
	c record;
BEGIN
	IF source IS NULL THEN
		PERFORM compute_ledger._require_ledger();
		source := 'compute_ledger.focus_1_2'::regclass;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = source AND a.attname = reference AND NOT a.attisdropped) AND reference IS NOT NULL THEN
		PERFORM compute_ledger._refuse('42703', format('column "%s" of relation "%s" does not exist', reference, source));
	END IF;
	rows := compute_ledger._focus_rows(source, reference);
	IF rows IS NULL THEN
		PERFORM compute_ledger._refuse('42P01', format('relation with OID %s does not exist', source::oid));
	END IF;
	-- PostgreSQL would say so as well, with a statement of a hundred thousand characters
	IF NOT has_any_column_privilege(source, 'SELECT') THEN
		PERFORM compute_ledger._refuse('42501', format('permission denied for relation %s', source));
	END IF;

	RETURN QUERY
	SELECT r.requirement, r.focus_column, NULL::text, format('the column is declared as %s (required: %s)', f.declared, r.rule)
	FROM compute_ledger._focus_columns(source) AS f JOIN compute_ledger.focus_rule AS r USING (focus_column)
	WHERE f.form = 'other' AND r.scope = 'type';

	-- names of relation and reference come last: no mark that stands in them is one
	queries := ARRAY(SELECT compute_ledger._focus_queries(source, '{rows}'));
	FOR c IN SELECT * FROM compute_ledger._focus_names(source) AS n ORDER BY n.step LOOP
		queries := ARRAY(SELECT replace(q.query, c.name, c.meant) FROM unnest(queries) AS q (query));
	END LOOP;
	FOREACH query IN ARRAY queries LOOP
		RETURN QUERY EXECUTE replace(query, '{rows}', rows);
	END LOOP;
END
$$;
COMMENT ON FUNCTION _focus_check(regclass, name) IS 'what focus_check() does';

CREATE FUNCTION focus_check(relation regclass DEFAULT NULL, reference name DEFAULT NULL,
		OUT requirement text, OUT focus_column text, OUT row_reference text, OUT detail text)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._focus_check(relation, reference) AS t;
END
$$;
COMMENT ON FUNCTION focus_check(regclass, name) IS 'every breach, in a relation with columns of FOCUS 1.2 (by default the view focus_1_2), of a requirement in focus_rule that rows can show: the requirement, its column, the row (the value of the column that is named as reference, else of x_ChargeId, else its ctid; NULL where it is not one row), and what is wrong. Columns may be declared in the type of the specification or as text; their names may be folded to lower case. Reads with the rights of the caller.';
