-- Export-control figures and classes.  Nothing here is legal advice.
--
-- The rules are rows of export_rule.  A test that rests on a figure that is not known
-- has no outcome, and a class that depends on such a test is unknown.

CREATE TABLE export_rule (
	shipped boolean NOT NULL DEFAULT false,
	rule text NOT NULL,
	rank integer NOT NULL,
	class text NOT NULL CHECK (class NOT IN ('none', 'unknown')),
	accelerator accelerator,
	data_center boolean,
	tpp_from numeric,
	tpp_below numeric,
	density_from numeric,
	density_below numeric,
	io_bandwidth_from numeric,
	memory_bandwidth_below numeric,
	effective date,
	source text,
	recorded tstzrange NOT NULL DEFAULT tstzrange(CURRENT_TIMESTAMP, NULL)
		CHECK (NOT isempty(recorded))
);
CREATE UNIQUE INDEX export_rule_current_idx ON export_rule (shipped, rule, rank) WHERE upper_inf(recorded);
COMMENT ON TABLE export_rule IS 'Export-control rules by vintage. An accelerator gets the class of the first row, in order of rank, of which every condition holds; a condition that is NULL is none. Rows of the user''s for a rule replace all shipped rows of the rule of that name.';
COMMENT ON COLUMN export_rule.shipped IS 'true for rows that come with the extension; those are read-only and not dumped';
COMMENT ON COLUMN export_rule.rule IS 'name of the rule: for the shipped ones year and month of the vintage';
COMMENT ON COLUMN export_rule.rank IS 'order in which the rows of a rule are tried; rows that name chips come first in the shipped rules, because what they say turns on no figure';
COMMENT ON COLUMN export_rule.class IS 'what an accelerator is classed as when the row applies';
COMMENT ON COLUMN export_rule.accelerator IS 'condition: the accelerator belongs to this class';
COMMENT ON COLUMN export_rule.data_center IS 'condition: designed or marketed for data centres (true), or not (false)';
COMMENT ON COLUMN export_rule.tpp_from IS 'condition: total processing performance is this or more';
COMMENT ON COLUMN export_rule.tpp_below IS 'condition: total processing performance is less than this';
COMMENT ON COLUMN export_rule.density_from IS 'condition: performance density is this or more, per mm2';
COMMENT ON COLUMN export_rule.density_below IS 'condition: performance density is less than this, per mm2';
COMMENT ON COLUMN export_rule.io_bandwidth_from IS 'condition: aggregate bidirectional I/O bandwidth is this or more, in GB/s';
COMMENT ON COLUMN export_rule.memory_bandwidth_below IS 'condition: DRAM bandwidth is less than this, in GB/s';
COMMENT ON COLUMN export_rule.effective IS 'first day that the row was in force';
COMMENT ON COLUMN export_rule.source IS 'where the row is from';
COMMENT ON COLUMN export_rule.recorded IS 'when this database held the row to be true; without an end: it still does';

CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON export_rule
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON export_rule
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER z_history AFTER UPDATE OR DELETE ON export_rule
	FOR EACH ROW EXECUTE FUNCTION _reference_row_history();
GRANT SELECT ON export_rule TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON export_rule TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('export_rule', 'WHERE NOT shipped');
ALTER TABLE export_rule REPLICA IDENTITY FULL;

-- @catalog export_rule

-- TPP: 88 FR 73458, Technical Notes 2 and 3 to 3A090: 2 x MacTOPS x bit length of the
-- operation, at the format where that is largest, dense; 2 x MacTOPS are the TOPS or
-- TFLOPS of a datasheet.  The bit length is that of the multiplication's inputs: 19 for
-- tf32 (1 sign, 8 exponent, 10 mantissa), which memory holds in 32 but the unit
-- multiplies as 19.  Makers state the rate of a matrix unit in 16 or 8 bits; where
-- neither is known, what is known of longer formats is a lower bound.
--
-- The rules class an integrated circuit, summed over its dies, so what several devices
-- share a package is added up; two packages on one board are two circuits.
CREATE FUNCTION export_figures(chip accelerator, as_of timestamptz DEFAULT NULL,
		OUT tpp numeric, OUT tpp_format text, OUT tpp_complete boolean, OUT die_area numeric,
		OUT performance_density numeric, OUT io_bandwidth numeric, OUT memory_bandwidth numeric,
		OUT data_center boolean)
	LANGUAGE sql STABLE PARALLEL SAFE
	BEGIN ATOMIC
		WITH device AS (
			SELECT compute_ledger.accelerator_trunc('memory', $1) AS accelerator
		), model AS (
			SELECT m.*
			FROM device AS d JOIN compute_ledger.accelerator_model AS m ON m.accelerator @> d.accelerator
			WHERE CASE WHEN as_of IS NULL THEN upper_inf(m.recorded) ELSE m.recorded @> as_of END
		), peak AS (
			SELECT DISTINCT ON (p.number_format)
				p.number_format,
				CASE p.number_format WHEN 'tf32' THEN 19
					ELSE substring(p.number_format FROM '[0-9]+$')::integer END AS bits,
				p.rate::numeric / 1000000000000 AS tops
			FROM device AS d JOIN compute_ledger.accelerator_peak AS p ON p.accelerator @> d.accelerator
			WHERE compute_ledger._peak_is_for(p.accelerator, d.accelerator)
				AND CASE WHEN as_of IS NULL THEN upper_inf(p.recorded) ELSE p.recorded @> as_of END
			ORDER BY p.number_format, compute_ledger.specificity(p.accelerator) DESC, p.shipped
		), total AS (
			SELECT trim_scale(max(tops * bits)) AS tpp,
				(array_agg(number_format ORDER BY tops * bits DESC, bits))[1] AS number_format,
				coalesce(bool_or(bits <= 16), false) AS complete
			FROM peak
		), property AS (
			SELECT
				(SELECT m.die_area FROM model AS m WHERE m.die_area IS NOT NULL
					ORDER BY compute_ledger.specificity(m.accelerator) DESC, m.shipped LIMIT 1) AS die_area,
				(SELECT m.io_bandwidth FROM model AS m WHERE m.io_bandwidth IS NOT NULL
					ORDER BY compute_ledger.specificity(m.accelerator) DESC, m.shipped LIMIT 1) AS io_bandwidth,
				(SELECT m.memory_bandwidth FROM model AS m WHERE m.memory_bandwidth IS NOT NULL
					ORDER BY compute_ledger.specificity(m.accelerator) DESC, m.shipped LIMIT 1) AS memory_bandwidth,
				(SELECT m.data_center FROM model AS m WHERE m.data_center IS NOT NULL
					ORDER BY compute_ledger.specificity(m.accelerator) DESC, m.shipped LIMIT 1) AS data_center,
				coalesce((SELECT m.devices_per_package FROM model AS m WHERE m.devices_per_package IS NOT NULL
					ORDER BY compute_ledger.specificity(m.accelerator) DESC, m.shipped LIMIT 1), 1) AS devices
		)
		SELECT t.tpp * p.devices, t.number_format, t.complete, p.die_area * p.devices, t.tpp / p.die_area,
			p.io_bandwidth * p.devices, p.memory_bandwidth * p.devices, p.data_center
		FROM total AS t, property AS p;
	END;
COMMENT ON FUNCTION export_figures(accelerator, timestamptz) IS 'the figures that export rules turn on, of the package that the device is in (devices_per_package of them, added up), from accelerator_model and accelerator_peak, most specific row first, as held to be true at a recorded time, as_of (NULL: now): TPP (TOPS x bit length, 19 for tf32, largest over the formats known), the format that it is from, whether that is known for a format of 16 bits or fewer (otherwise TPP is a lower bound, because matrix units work in those), die area in mm2, TPP per mm2, I/O and DRAM bandwidth in GB/s, designed or marketed for data centres; NULL for each that is not known';

CREATE FUNCTION tpp(accelerator) RETURNS numeric
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN (SELECT f.tpp FROM compute_ledger.export_figures($1) AS f);
COMMENT ON FUNCTION tpp(accelerator) IS 'total processing performance of the package that the device is in: dense TOPS (or TFLOPS) x bit length of the multiplication''s inputs (tf32: 19), the largest over the number formats with a peak rate; a MIG slice counts as its device, one of two devices in a package as the package; NULL without a peak rate, and for NULL';

CREATE FUNCTION performance_density(accelerator) RETURNS numeric
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN (SELECT f.performance_density FROM compute_ledger.export_figures($1) AS f);
COMMENT ON FUNCTION performance_density(accelerator) IS 'total processing performance per mm2 of non-planar logic die; a MIG slice counts as its device; NULL if either is not known, and for NULL';

CREATE FUNCTION export_tests(chip accelerator, rule text, as_of timestamptz DEFAULT NULL,
		OUT variant accelerator, OUT rank integer, OUT class text, OUT holds boolean, OUT reason text)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
	BEGIN ATOMIC
		WITH device AS (
			SELECT compute_ledger.accelerator_trunc('memory', $1) AS accelerator
		), rules AS (
			SELECT r.*
			FROM compute_ledger.export_rule AS r
			WHERE r.rule = $2
				AND CASE WHEN as_of IS NULL THEN upper_inf(r.recorded) ELSE r.recorded @> as_of END
		), variants AS (
			-- pg_upgrade makes functions before operator classes, so a parsed body cannot use one of ours;
			-- the bytes of an accelerator are its identity and its order
			SELECT DISTINCT ON (compute_ledger.accelerator_send(m.accelerator)) m.accelerator
			FROM device AS d JOIN compute_ledger.accelerator_model AS m ON m.accelerator <@ d.accelerator
			WHERE CASE WHEN as_of IS NULL THEN upper_inf(m.recorded) ELSE m.recorded @> as_of END
		), own AS MATERIALIZED (
			SELECT d.accelerator, f.*
			FROM device AS d, LATERAL compute_ledger.export_figures(d.accelerator, as_of) AS f
		), subjects AS (
			-- a class without a peak rate of its own is what all of its variants are
			SELECT o.*
			FROM own AS o
			WHERE o.tpp IS NOT NULL
				OR NOT EXISTS (SELECT FROM variants AS v WHERE v.accelerator <> o.accelerator)
			UNION ALL
			SELECT v.accelerator, f.*
			FROM own AS o, variants AS v, LATERAL compute_ledger.export_figures(v.accelerator, as_of) AS f
			WHERE v.accelerator <> o.accelerator AND o.tpp IS NULL
		)
		SELECT s.accelerator, r.rank, r.class,
			(r.accelerator IS NULL
				OR CASE WHEN s.accelerator <@ r.accelerator THEN true
					WHEN NOT r.accelerator && s.accelerator THEN false END)
			AND (r.data_center IS NULL OR r.data_center = s.data_center)
			AND (r.tpp_from IS NULL
				OR CASE WHEN s.tpp >= r.tpp_from THEN true
					WHEN s.tpp_complete THEN false END)
			AND (r.tpp_below IS NULL
				OR CASE WHEN s.tpp >= r.tpp_below THEN false
					WHEN s.tpp_complete THEN true END)
			AND (r.density_from IS NULL
				OR CASE WHEN s.performance_density >= r.density_from THEN true
					WHEN s.tpp_complete AND s.performance_density < r.density_from THEN false END)
			AND (r.density_below IS NULL
				OR CASE WHEN s.performance_density >= r.density_below THEN false
					WHEN s.tpp_complete AND s.performance_density < r.density_below THEN true END)
			AND (r.io_bandwidth_from IS NULL OR s.io_bandwidth >= r.io_bandwidth_from)
			AND (r.memory_bandwidth_below IS NULL OR s.memory_bandwidth < r.memory_bandwidth_below),
			concat_ws(', ',
				CASE WHEN r.accelerator IS NOT NULL
					THEN format('%s in %s', s.accelerator, r.accelerator) END,
				CASE WHEN r.data_center IS NOT NULL
					THEN format('data centre %s = %s', coalesce(s.data_center::text, 'unknown'), r.data_center) END,
				CASE WHEN r.tpp_from IS NOT NULL OR r.tpp_below IS NOT NULL
					THEN 'TPP ' || CASE WHEN s.tpp IS NULL THEN 'unknown'
							WHEN s.tpp_complete THEN round(s.tpp, 2)::text
							ELSE 'at least ' || round(s.tpp, 2) END
						|| coalesce(' >= ' || r.tpp_from, '') || coalesce(' < ' || r.tpp_below, '') END,
				CASE WHEN r.density_from IS NOT NULL OR r.density_below IS NOT NULL
					THEN 'density ' || CASE WHEN s.performance_density IS NULL THEN 'unknown'
							WHEN s.tpp_complete THEN round(s.performance_density, 2)::text
							ELSE 'at least ' || round(s.performance_density, 2) END
						|| coalesce(' >= ' || r.density_from, '') || coalesce(' < ' || r.density_below, '') END,
				CASE WHEN r.io_bandwidth_from IS NOT NULL
					THEN format('I/O %s GB/s >= %s', coalesce(s.io_bandwidth::text, 'unknown'), r.io_bandwidth_from) END,
				CASE WHEN r.memory_bandwidth_below IS NOT NULL
					THEN format('DRAM %s GB/s < %s', coalesce(s.memory_bandwidth::text, 'unknown'), r.memory_bandwidth_below) END)
		FROM rules AS r, subjects AS s
		WHERE NOT r.shipped OR NOT EXISTS (SELECT FROM rules AS u WHERE NOT u.shipped)
		ORDER BY compute_ledger.accelerator_send(s.accelerator), r.rank;
	END;
COMMENT ON FUNCTION export_tests(accelerator, text, timestamptz) IS 'the tests behind export_class, in the order in which they are tried: for the package of the device, or for every known variant of a class that has no peak rate of its own; holds is NULL where a figure is missing, or where a lower bound does not decide; no rows for an unknown rule';

CREATE FUNCTION _export_classes(chips accelerator[], rules text[], as_of timestamptz) RETURNS TABLE (chip accelerator, rule text, class text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
	SET search_path = pg_catalog, pg_temp
	-- planning costs more than running
	SET plan_cache_mode = force_generic_plan
	AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH question AS (
		SELECT row_number() OVER () AS n, c.chip, r.rule FROM unnest(chips) AS c (chip) CROSS JOIN unnest(rules) AS r (rule)
	), tests AS (
		SELECT q.n, q.chip, q.rule, t.class, t.rank, t.holds, min(t.rank) FILTER (WHERE t.holds) OVER (PARTITION BY q.n, t.variant) AS decided
		FROM question AS q CROSS JOIN LATERAL compute_ledger.export_tests(q.chip, q.rule, as_of) AS t
	), outcomes AS (
		-- everything that the known figures leave possible
		SELECT t.n, t.chip, t.rule, t.class FROM tests AS t
		WHERE t.rank = t.decided OR t.holds IS NULL AND (t.decided IS NULL OR t.rank < t.decided)
		UNION ALL
		SELECT t.n, t.chip, t.rule, 'none' FROM tests AS t WHERE t.decided IS NULL
	)
	SELECT (array_agg(o.chip))[1], min(o.rule), CASE WHEN count(DISTINCT o.class) = 1 THEN min(o.class) ELSE 'unknown' END
	FROM outcomes AS o
	GROUP BY o.n;
END
$$;
COMMENT ON FUNCTION _export_classes(accelerator[], text[], timestamptz) IS 'export_class() of each of some chips under each of some rules; no rows for a rule that does not exist';

CREATE FUNCTION export_class(chip accelerator, rule text, as_of timestamptz) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	answer text;
BEGIN
	IF $1 IS NULL OR rule IS NULL THEN
		RETURN NULL;
	END IF;
	answer := (SELECT c.class FROM compute_ledger._export_classes(ARRAY[$1], ARRAY[$2], $3) AS c);
	IF answer IS NULL THEN
		PERFORM compute_ledger._refuse('22023', format('export rule "%s" does not exist', rule),
			hint => 'Rules are rows of table compute_ledger.export_rule: '
					|| (SELECT string_agg(DISTINCT r.rule COLLATE "C", ', ' ORDER BY r.rule COLLATE "C")
						FROM compute_ledger.export_rule AS r WHERE upper_inf(r.recorded)) || '.');
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION export_class(accelerator, text, timestamptz) IS 'as export_class(accelerator, rule), from the figures and the rule that this database held to be true at a recorded time, as_of (NULL: now)';

CREATE FUNCTION export_class(chip accelerator, rule text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN compute_ledger.export_class($1, $2, NULL);
COMMENT ON FUNCTION export_class(accelerator, text) IS 'class of the package that the device is in, under a rule of table export_rule: 2022-10 (3A090), 2023-10, 2024-12 and 2025-04 (3A090.a, 3A090.a-nac, 3A090.b, from 2025-04 is-informed), 2026-01-review (case-by-case from the US: an export from there, not a re-export, of what is also sold there; presumption-of-denial); none if no test holds, unknown if that depends on a figure that is missing; a class of chips whose variants differ is unknown; an error (22023) for a rule that does not exist; NULL for NULL. A calculation from published figures, not legal advice.';
