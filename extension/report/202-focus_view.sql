-- The ledger's charges in the form of FOCUS 1.2.

-- 'PFLOPh@bf16' -> 'PFLOP-Hours': a noun and a plural noun, as the specification's Unit Format has it.
CREATE FUNCTION _focus_unit(unit text, accelerator accelerator) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE unit
		WHEN 'device-hour' THEN coalesce(nullif(upper(replace(split_part(compute_ledger.accelerator_trunc('model', accelerator)::text, '/', 2), '-', '')), ''), 'Device') || '-Hours'
		WHEN 'slice-hour' THEN upper(replace(split_part(compute_ledger.accelerator_trunc('model', accelerator)::text, '/', 2), '-', '')
			|| '-' || compute_ledger.mig_profile(accelerator)) || '-Hours'
		WHEN 'instance-month' THEN 'Instance-Months'
		WHEN 'peak-device' THEN 'Peak-Devices'
		WHEN 'percentile-device' THEN 'Percentile-Devices'
		ELSE regexp_replace(regexp_replace(split_part(unit, '@', 1), '^(\w*FLOP)S?[- ]?(h|hours?|days?|seconds?)$', '\1-\2'), '-(?:h|(hour|day|second)s?)$',
			'-' || initcap(coalesce(substring(split_part(unit, '@', 1) FROM '(hour|day|second)s?$'), 'hour')) || 's')
	END;
COMMENT ON FUNCTION _focus_unit(text, accelerator) IS 'the unit of a price as FOCUS writes units: H100-Hours, A100-1G.5GB-Hours, PFLOP-Hours, Instance-Months';

-- Stable because of to_char(); the pattern has no names of months or days.
CREATE FUNCTION _focus_time(instant timestamptz) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN to_char(timezone('UTC', instant), 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
COMMENT ON FUNCTION _focus_time(timestamptz) IS 'an instant as FOCUS writes it: in UTC, YYYY-MM-DDTHH:MM:SSZ, what is below a second cut off; NULL for NULL';

CREATE FUNCTION _focus_text(view text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	source regclass := format('compute_ledger.%I', view);
BEGIN
	EXECUTE (
		SELECT format('CREATE VIEW compute_ledger.%I WITH (security_invoker = true) AS SELECT %s FROM %s AS f', view || '_text',
			string_agg(format(CASE
				-- a period that is shorter than what is written lasts a second
				WHEN a.attname LIKE '%PeriodEnd' THEN 'compute_ledger._focus_time(greatest(f.%1$I, f.%2$I + interval ''1 second'')) AS %1$I'
				WHEN a.atttypid = 'timestamptz'::regtype THEN 'compute_ledger._focus_time(f.%1$I) AS %1$I'
				WHEN a.atttypid = 'date'::regtype THEN 'to_char(f.%1$I, ''YYYY-MM-DD'') AS %1$I'
				ELSE 'f.%1$I::text AS %1$I' END, a.attname, replace(a.attname, 'End', 'Start')), ', ' ORDER BY a.attnum), source)
		FROM pg_attribute AS a
		WHERE a.attrelid = source AND a.attnum > 0);
	PERFORM compute_ledger._comment_like(format('compute_ledger.%I', view || '_text'), source);
END
$$;
COMMENT ON FUNCTION _focus_text(text) IS 'part of create_ledger(): makes the view of every column of a view of FOCUS as text that no setting of a session changes, by the name of that view and _text';

CREATE FUNCTION _focus_rated(row_type anyelement, account text, period tstzrange, as_of timestamptz DEFAULT NULL) RETURNS SETOF anyelement
	LANGUAGE plpgsql VOLATILE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	-- @planner
AS $$
#variable_conflict use_column
DECLARE
	mark timestamptz;
BEGIN
	PERFORM compute_ledger._require_ledger();
	mark := compute_ledger._as_of(as_of);
	RETURN QUERY
	WITH s AS MATERIALIZED (
		SELECT x.* FROM compute_ledger._spend_of(ARRAY(SELECT k.key FROM compute_ledger.spend_key AS k), account, period, mark, 'sale') AS x
	), tag AS (
		-- as focus_tags.sql has them
		SELECT t.n, jsonb_object_agg(t.key, t.value) AS tags
		FROM (
			SELECT s.n, s.key, min(s.value) AS value
			FROM s JOIN s AS h ON h.n = s.n AND h.key IS NULL
			WHERE s.key IS NOT NULL
			GROUP BY s.n, s.key
			HAVING count(s.value) = count(*) AND min(s.value) = max(s.value)
				AND bool_and(s.value_account = (h.charge).account OR NOT s.by_rule AND (h.charge).kind NOT IN ('peak', 'percentile', 'reserved used', 'beyond'))
		) AS t
		GROUP BY t.n
	), c AS (
		SELECT (s.charge).*, concat('open-', s.n) AS id, NULL::bigint AS close, mark AS as_of, t.tags
		FROM s LEFT JOIN tag AS t ON t.n = s.n
		WHERE s.key IS NULL
	)
	-- @include focus_query.sql
	;
END
$$;
COMMENT ON FUNCTION _focus_rated(anyelement, text, tstzrange, timestamptz) IS 'what focus_rated() does';

CREATE FUNCTION focus_rated(row_type anyelement, account text, period tstzrange, as_of timestamptz DEFAULT NULL) RETURNS SETOF anyelement
	LANGUAGE plpgsql VOLATILE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._focus_rated(row_type, account, period, as_of) AS t;
END
$$;
COMMENT ON FUNCTION focus_rated(anyelement, text, tstzrange, timestamptz) IS 'what rate_usage() says of an account''s subtree in a period, as rows of view focus_1_2: call it with NULL::compute_ledger.focus_1_2. For periods that are not closed: InvoiceId is NULL, and nothing is final.';
