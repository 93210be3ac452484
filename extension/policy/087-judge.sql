-- Judging: what rules say to accounts that would use chips in regions.
--
-- A condition is true, false, or, where it turns on what is not known, NULL; a rule is the AND of its conditions, in SQL's
-- own logic.  False says nothing; true is the rule's effect; NULL is a review.  What a rule rests on is judged by itself,
-- who, what, where and whence, each once for all questions, for a span in which nothing of it changes; a question joins what
-- is left of the rules.  So a set of questions costs what its distinct accounts, chips and regions cost, and a join.

CREATE FUNCTION _among(tags text[], these text[], but text[]) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (these IS NULL OR tags OPERATOR(pg_catalog.&&) these) AND (but IS NULL OR NOT tags OPERATOR(pg_catalog.&&) but);
COMMENT ON FUNCTION _among(text[], text[], text[]) IS 'whether what has these tags is among some and not among others (NULL: all, none); NULL if that turns on tags that are not known, which are NULL';

CREATE FUNCTION _within_class(chip accelerator, classes accelerator[]) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	-- to be inlined
	RETURN (SELECT CASE WHEN bool_or(chip OPERATOR(compute_ledger.<@) c.class) THEN true WHEN bool_or(chip OPERATOR(compute_ledger.&&) c.class) THEN NULL ELSE false END
		FROM unnest(classes) AS c (class));
COMMENT ON FUNCTION _within_class(accelerator, accelerator[]) IS 'whether a chip is of one of some classes; NULL if it is a class itself, and a part of it is';

CREATE FUNCTION _country_tags(asked tstzrange, as_of timestamptz) RETURNS TABLE (era tstzrange, country text, tags text[])
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH member AS MATERIALIZED (
		SELECT g.name, g.country, tstzrange(lower(g.valid)::timestamp AT TIME ZONE 'UTC', upper(g.valid)::timestamp AT TIME ZONE 'UTC') AS valid
		FROM compute_ledger.country_group AS g
		WHERE CASE WHEN as_of IS NULL THEN upper_inf(g.recorded) ELSE g.recorded @> as_of END
			AND (NOT g.shipped OR NOT EXISTS (SELECT FROM compute_ledger.country_group AS u
				WHERE u.name = g.name AND NOT u.shipped AND CASE WHEN as_of IS NULL THEN upper_inf(u.recorded) ELSE u.recorded @> as_of END))
	), cut AS (
		SELECT lower(asked) AS at
		UNION
		SELECT lower(m.valid) FROM member AS m WHERE lower(m.valid) > lower(asked) AND lower(m.valid) < upper(asked)
		UNION
		SELECT upper(m.valid) FROM member AS m WHERE upper(m.valid) > lower(asked) AND upper(m.valid) < upper(asked)
	), stretch AS (
		SELECT tstzrange(c.at, lead(c.at, 1, upper(asked)) OVER (ORDER BY c.at)) AS era FROM cut AS c
	)
	SELECT s.era, m.country, m.country || array_agg(m.name)
	FROM stretch AS s LEFT JOIN member AS m ON m.valid @> lower(s.era)
	GROUP BY s.era, m.country;
END
$$;
COMMENT ON FUNCTION _country_tags(tstzrange, timestamptz) IS 'of each stretch of a period in which no country joins or leaves a group, what rules may call a country that is in one: itself and its groups; at least one row of each stretch, of no country where there are no groups';

CREATE FUNCTION _regions_over(regions integer[], asked tstzrange, as_of timestamptz) RETURNS TABLE (region integer, span tstzrange, path integer[], jurisdiction text)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	-- closed rows end before
	known timestamptz := coalesce(as_of, 'infinity');
BEGIN
	RETURN QUERY
	WITH RECURSIVE question AS MATERIALIZED (
		SELECT DISTINCT q.region FROM unnest(regions) AS q (region) WHERE q.region IS NOT NULL
	), climb AS (
		SELECT q.region, v.parent, ARRAY[q.region] AS path, v.jurisdiction, asked * v.valid AS span
		FROM question AS q
		CROSS JOIN LATERAL (SELECT v.parent, v.jurisdiction, v.valid, v.recorded FROM compute_ledger.region_version AS v WHERE v.region = q.region OFFSET 0) AS v
		WHERE v.recorded @> known AND v.valid && asked
		UNION ALL
		SELECT c.region, v.parent, c.path || c.parent, coalesce(c.jurisdiction, v.jurisdiction), c.span * v.valid
		FROM climb AS c
		CROSS JOIN LATERAL (SELECT v.parent, v.jurisdiction, v.valid, v.recorded FROM compute_ledger.region_version AS v WHERE v.region = c.parent OFFSET 0) AS v
		WHERE v.recorded @> known AND v.valid && c.span AND c.parent <> ALL (c.path)
	)
	SELECT c.region, c.span, c.path, c.jurisdiction FROM climb AS c WHERE c.parent IS NULL
	UNION ALL
	-- while it is not there, nothing is known of it
	SELECT q.region, unnest(tstzmultirange(asked) - coalesce(c.there, '{}')), ARRAY[q.region], NULL
	FROM question AS q
	LEFT JOIN (SELECT c.region, range_agg(c.span) AS there FROM climb AS c WHERE c.parent IS NULL GROUP BY c.region) AS c ON c.region = q.region;
END
$$;
COMMENT ON FUNCTION _regions_over(integer[], tstzrange, timestamptz) IS 'of regions, in each span of a period: the way up, the region first, and the first jurisdiction on it';

CREATE FUNCTION _accounts_over(accounts bigint[], asked tstzrange, as_of timestamptz)
	RETURNS TABLE (account bigint, span tstzrange, path bigint[], jurisdiction text, headquarters text, parent_headquarters text, verified boolean, flags text[])
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	known timestamptz := coalesce(as_of, 'infinity');
BEGIN
	RETURN QUERY
	WITH RECURSIVE self AS (
		-- the account, or those that it was merged into
		SELECT q.account AS asked_account, q.account AS actual, asked AS span FROM (SELECT DISTINCT q.account FROM unnest(accounts) AS q (account)) AS q
		UNION ALL
		SELECT s.asked_account, m.merged_into, s.span * tstzrange(m.at, NULL)
		FROM self AS s
		CROSS JOIN LATERAL (SELECT m.merged_into, m.at, m.recorded FROM compute_ledger.account_merge AS m WHERE int8range(m.account, m.account, '[]') = int8range(s.actual, s.actual, '[]') OFFSET 0) AS m
		WHERE m.recorded @> known AND NOT isempty(s.span * tstzrange(m.at, NULL))
	), climb AS (
		SELECT s.asked_account, v.parent, ARRAY[s.actual] AS path, ARRAY[v.jurisdiction] AS jurisdictions, s.span * v.valid AS span
		FROM self AS s
		CROSS JOIN LATERAL (SELECT v.parent, v.jurisdiction, v.valid, v.recorded FROM compute_ledger.account_version AS v WHERE v.account = s.actual OFFSET 0) AS v
		WHERE v.recorded @> known AND v.valid && s.span
		UNION ALL
		SELECT c.asked_account, v.parent, c.path || c.parent, c.jurisdictions || v.jurisdiction, c.span * v.valid
		FROM climb AS c
		CROSS JOIN LATERAL (SELECT v.parent, v.jurisdiction, v.valid, v.recorded FROM compute_ledger.account_version AS v WHERE v.account = c.parent OFFSET 0) AS v
		WHERE v.recorded @> known AND v.valid && c.span AND c.parent <> ALL (c.path)
	), place AS MATERIALIZED (
		SELECT row_number() OVER () AS n, p.*
		FROM (SELECT c.asked_account, c.path, c.jurisdictions, c.span FROM climb AS c WHERE c.parent IS NULL
			UNION ALL
			SELECT s.asked_account, ARRAY[s.asked_account], NULL, unnest(tstzmultirange(asked) - coalesce(c.there, '{}'))
			FROM (SELECT DISTINCT s.asked_account FROM self AS s) AS s
			LEFT JOIN (SELECT c.asked_account, range_agg(c.span) AS there FROM climb AS c WHERE c.parent IS NULL GROUP BY c.asked_account) AS c ON c.asked_account = s.asked_account) AS p
	), step AS MATERIALIZED (
		SELECT p.n, p.span, s.account, s.depth FROM place AS p CROSS JOIN LATERAL unnest(p.path) WITH ORDINALITY AS s (account, depth)
	), party AS MATERIALIZED (
		SELECT s.n, s.depth, y.headquarters, y.parent_headquarters, y.verified, y.valid
		FROM step AS s
		CROSS JOIN LATERAL (SELECT y.* FROM compute_ledger.account_party AS y WHERE y.account = s.account OFFSET 0) AS y
		WHERE y.recorded @> known AND y.valid && s.span AND (s.depth = 1 OR y.subtree)
	), flag AS MATERIALIZED (
		SELECT s.n, f.flag, f.valid
		FROM step AS s
		CROSS JOIN LATERAL (SELECT f.* FROM compute_ledger.account_flag AS f WHERE f.account = s.account OFFSET 0) AS f
		WHERE f.recorded @> known AND f.valid && s.span
	), cut AS (
		SELECT p.n, lower(p.span) AS at FROM place AS p
		UNION ALL
		SELECT p.n, e.at
		FROM place AS p JOIN (
			SELECT y.n, lower(y.valid) AS at FROM party AS y UNION ALL SELECT y.n, upper(y.valid) FROM party AS y
			UNION ALL SELECT f.n, lower(f.valid) FROM flag AS f UNION ALL SELECT f.n, upper(f.valid) FROM flag AS f
		) AS e ON e.n = p.n AND e.at > lower(p.span) AND e.at < upper(p.span)
	), part AS MATERIALIZED (
		SELECT s.* FROM (
			SELECT p.*, c.at, tstzrange(c.at, lead(c.at, 1, upper(p.span)) OVER (PARTITION BY c.n ORDER BY c.at)) AS part
			FROM cut AS c JOIN place AS p ON p.n = c.n) AS s
		-- where several begin or end together
		WHERE NOT isempty(s.part)
	), their_party AS (
		SELECT DISTINCT ON (s.n, s.at) s.n, s.at, y.depth, y.headquarters, y.parent_headquarters, y.verified
		FROM part AS s JOIN party AS y ON y.n = s.n AND y.valid @> s.at
		ORDER BY s.n, s.at, y.depth
	), their_flags AS (
		SELECT s.n, s.at, array_agg(DISTINCT f.flag) AS flags
		FROM part AS s JOIN flag AS f ON f.n = s.n AND f.valid @> s.at
		GROUP BY s.n, s.at
	)
	SELECT s.asked_account, s.part, s.path,
		-- an account that is of the party of one above it is where that is
		coalesce(s.jurisdictions[1], s.jurisdictions[y.depth]), y.headquarters, y.parent_headquarters, coalesce(y.verified, false), coalesce(f.flags, '{}')
	FROM part AS s
	LEFT JOIN their_party AS y ON y.n = s.n AND y.at = s.at
	LEFT JOIN their_flags AS f ON f.n = s.n AND f.at = s.at;
END
$$;
COMMENT ON FUNCTION _accounts_over(bigint[], tstzrange, timestamptz) IS 'of accounts, in each span of a period in which nothing of this changes: the way up, the account first, or the one that it was merged into; where it is; the headquarters of its party and of the party''s ultimate parent, whether it was verified, and its flags';

CREATE FUNCTION _chips_under(chips accelerator[], rules text[], valids tstzrange[], as_of timestamptz) RETURNS TABLE (chip accelerator, place bigint, holds boolean, missing text)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	known timestamptz := coalesce(as_of, 'infinity');
BEGIN
	RETURN QUERY
	WITH live AS MATERIALIZED (
		SELECT u.place, r.* FROM unnest(rules, valids) WITH ORDINALITY AS u (rule, valid, place) JOIN compute_ledger.access_rule AS r ON r.rule = u.rule AND r.valid = u.valid
		WHERE r.recorded @> known
	), device AS MATERIALIZED (
		SELECT q.chip, compute_ledger.accelerator_trunc('memory', q.chip) AS device FROM (SELECT DISTINCT q.chip FROM unnest(chips) AS q (chip)) AS q
	), model AS MATERIALIZED (
		SELECT DISTINCT m.accelerator FROM compute_ledger.accelerator_model AS m WHERE CASE WHEN as_of IS NULL THEN upper_inf(m.recorded) ELSE m.recorded @> as_of END
	), below AS MATERIALIZED (
		SELECT d.chip, m.accelerator FROM device AS d JOIN model AS m ON m.accelerator OPERATOR(compute_ledger.<@) d.device
	), member AS MATERIALIZED (
		-- each known chip of a class, because a class is judged by its worst member
		SELECT m.chip, m.accelerator AS member
		FROM below AS m
		-- what has chips below it and no rates of its own is no chip
		WHERE NOT EXISTS (SELECT FROM below AS b WHERE b.chip OPERATOR(compute_ledger.=) m.chip
				AND b.accelerator OPERATOR(compute_ledger.<@) m.accelerator AND b.accelerator OPERATOR(compute_ledger.<>) m.accelerator)
			OR (SELECT f.tpp FROM compute_ledger.export_figures(m.accelerator, as_of) AS f) IS NOT NULL
		UNION
		SELECT d.chip, d.device FROM device AS d WHERE NOT EXISTS (SELECT FROM below AS b WHERE b.chip OPERATOR(compute_ledger.=) d.chip)
	), figure AS MATERIALIZED (
		SELECT m.member, f.tpp, f.tpp_complete, f.performance_density AS density,
			ARRAY(SELECT DISTINCT p.number_format FROM compute_ledger.accelerator_peak AS p
				WHERE p.accelerator OPERATOR(compute_ledger.@>) m.member AND compute_ledger._peak_is_for(p.accelerator, m.member)
					AND CASE WHEN as_of IS NULL THEN upper_inf(p.recorded) ELSE p.recorded @> as_of END) AS number_formats
		FROM (SELECT DISTINCT m.member FROM member AS m) AS m
		CROSS JOIN LATERAL compute_ledger.export_figures(m.member, as_of) AS f
		WHERE EXISTS (SELECT FROM live AS r WHERE num_nonnulls(r.tpp_from, r.tpp_below, r.density_from, r.density_below, r.number_formats) > 0)
	), class AS MATERIALIZED (
		SELECT c.chip AS member, c.rule AS export_rule, nullif(c.class, 'unknown') AS class
		FROM (SELECT array_agg(DISTINCT r.export_rule) AS rules FROM live AS r WHERE r.export_rule IS NOT NULL HAVING count(*) > 0) AS e
		CROSS JOIN LATERAL compute_ledger._export_classes(ARRAY(SELECT DISTINCT m.member FROM member AS m), e.rules, as_of) AS c
	), member_rule AS MATERIALIZED (
		SELECT m.chip, r.place, r.effect, c.is_of AND c.is_classed AND c.has_tpp AND c.has_density AND c.has_format AS holds,
			CASE WHEN c.is_of IS NULL THEN 'which chip ' || m.member || ' is' WHEN c.is_classed IS NULL THEN format('class of %s under %s', m.member, r.export_rule)
				WHEN c.has_tpp IS NULL THEN 'TPP of ' || m.member WHEN c.has_density IS NULL THEN 'performance density of ' || m.member
				WHEN c.has_format IS NULL THEN 'number formats of ' || m.member END AS missing
		FROM member AS m
		CROSS JOIN live AS r
		LEFT JOIN figure AS f ON f.member OPERATOR(compute_ledger.=) m.member
		LEFT JOIN class AS x ON x.member OPERATOR(compute_ledger.=) m.member AND x.export_rule = r.export_rule
		CROSS JOIN LATERAL (SELECT
			(r.accelerators IS NULL OR compute_ledger._within_class(m.member, r.accelerators)) AND (r.accelerators_not IS NULL OR NOT compute_ledger._within_class(m.member, r.accelerators_not)) AS is_of,
			r.export_rule IS NULL OR x.class = ANY (r.export_classes) AS is_classed,
			-- what is known of some formats is a lower bound
			(r.tpp_from IS NULL OR CASE WHEN f.tpp >= r.tpp_from THEN true WHEN f.tpp_complete THEN false END)
				AND (r.tpp_below IS NULL OR CASE WHEN f.tpp >= r.tpp_below THEN false WHEN f.tpp_complete THEN true END) AS has_tpp,
			(r.density_from IS NULL OR CASE WHEN f.density >= r.density_from THEN true WHEN f.tpp_complete AND f.density < r.density_from THEN false END)
				AND (r.density_below IS NULL OR CASE WHEN f.density >= r.density_below THEN false WHEN f.tpp_complete AND f.density < r.density_below THEN true END) AS has_density,
			-- a chip whose matrix formats are known has those that are known
			r.number_formats IS NULL OR CASE WHEN f.number_formats && r.number_formats THEN true WHEN f.tpp_complete THEN false END AS has_format) AS c
	)
	SELECT s.chip, s.place, s.holds, s.missing
	FROM (SELECT m.chip, m.place,
			CASE WHEN m.effect = 'allow' THEN CASE WHEN NOT bool_and(coalesce(m.holds, true)) THEN false WHEN bool_and(m.holds IS NOT NULL) THEN true END
				WHEN bool_or(m.holds) THEN true WHEN bool_and(m.holds IS NOT NULL) THEN false END AS holds,
			min(m.missing COLLATE "C") FILTER (WHERE m.holds IS NULL) AS missing
		FROM member_rule AS m
		GROUP BY m.chip, m.place, m.effect) AS s
	WHERE s.holds IS NOT FALSE;
END
$$;
COMMENT ON FUNCTION _chips_under(accelerator[], text[], tstzrange[], timestamptz) IS 'of chips, or classes of them, which are judged by their worst member, under rules, each by its name and its valid time: those, by their places in the two arrays, whose conditions on the device hold, or may, and what is not known then (missing); figures are only looked up where a rule asks for some';

CREATE FUNCTION _findings(accounts bigint[], chips accelerator[], regions integer[], asked tstzrange, event text, from_region integer, as_of timestamptz)
	RETURNS TABLE (question bigint, n bigint, effect text, policy text, rule text, clause text, review text, rule_valid tstzrange, rule_recorded timestamptz,
		missing text, span tstzrange, stands tstzmultirange, lifted_by bigint[])
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	known timestamptz := coalesce(as_of, 'infinity');
BEGIN
	RETURN QUERY
	WITH question AS MATERIALIZED (
		SELECT q.id, q.account, q.chip, q.region FROM unnest(accounts, chips, regions) WITH ORDINALITY AS q (account, chip, region, id)
	), tag AS MATERIALIZED (
		SELECT t.era, t.country, t.tags FROM compute_ledger._country_tags(asked, as_of) AS t
	), era AS MATERIALIZED (
		SELECT DISTINCT t.era FROM tag AS t

	-- where
	), region_fact AS MATERIALIZED (
		SELECT f.region, f.path, f.span * e.era AS span, CASE WHEN f.jurisdiction IS NOT NULL THEN coalesce(t.tags, ARRAY[f.jurisdiction]) END AS tags
		FROM compute_ledger._regions_over(regions || from_region, asked, as_of) AS f
		JOIN era AS e ON e.era && f.span
		LEFT JOIN tag AS t ON t.era = e.era AND t.country = f.jurisdiction

	-- the rules in force, from where they are asked about, the strictest first
	), rule AS MATERIALIZED (
		SELECT row_number() OVER (ORDER BY array_position('{deny,needs_licence,review,allow}', r.effect), r.policy, r.rule, r.valid, s.span) AS n,
			r.*, e.era, s.span AS in_force, compute_ledger._among(o.tags, r.origins, r.origins_not) AS from_there
		FROM compute_ledger.access_rule AS r
		JOIN compute_ledger.access_policy AS p ON p.policy = r.policy AND p.recorded @> known AND p.valid && asked
		CROSS JOIN era AS e
		JOIN (SELECT f.tags, f.span FROM region_fact AS f WHERE f.region = from_region
			UNION ALL SELECT NULL, asked WHERE from_region IS NULL) AS o ON o.span && e.era
		CROSS JOIN LATERAL (SELECT e.era * r.valid * p.valid * o.span AS span) AS s
		WHERE r.recorded @> known AND r.events @> ARRAY[event] AND NOT isempty(s.span)
			AND compute_ledger._among(o.tags, r.origins, r.origins_not) IS NOT FALSE
			-- where the default is to allow, an allowance adds nothing
			AND (r.effect <> 'allow' OR p.default_effect <> 'allow')
	), region_rule AS MATERIALIZED (
		SELECT f.region, r.n, f.span * r.in_force AS span, d.is_there, r.from_there, d.is_there AND r.from_there AS holds
		FROM region_fact AS f
		JOIN rule AS r ON r.in_force && f.span AND (r.regions IS NULL OR f.path && r.regions) AND (r.regions_not IS NULL OR NOT f.path && r.regions_not)
		CROSS JOIN LATERAL (SELECT compute_ledger._among(f.tags, r.destinations, r.destinations_not) AS is_there) AS d
		WHERE d.is_there IS NOT FALSE

	-- who: many accounts are of one kind
	), account_fact AS MATERIALIZED (
		SELECT f.*, dense_rank() OVER (ORDER BY f.jurisdiction, f.headquarters, f.parent_headquarters, f.verified, f.flags) AS kind
		FROM compute_ledger._accounts_over(accounts, asked, as_of) AS f
	), kind AS MATERIALIZED (
		SELECT k.kind, e.era, k.verified, k.flags, CASE WHEN k.jurisdiction IS NOT NULL THEN coalesce(j.tags, ARRAY[k.jurisdiction]) END AS jurisdiction,
			CASE WHEN k.headquarters IS NOT NULL THEN coalesce(h.tags, ARRAY[k.headquarters]) END AS headquarters,
			CASE WHEN k.parent_headquarters IS NOT NULL THEN coalesce(p.tags, ARRAY[k.parent_headquarters]) END AS parent
		FROM (SELECT DISTINCT ON (f.kind) f.* FROM account_fact AS f ORDER BY f.kind) AS k
		CROSS JOIN era AS e
		LEFT JOIN tag AS j ON j.era = e.era AND j.country = k.jurisdiction
		LEFT JOIN tag AS h ON h.era = e.era AND h.country = k.headquarters
		LEFT JOIN tag AS p ON p.era = e.era AND p.country = k.parent_headquarters
	), kind_rule AS MATERIALIZED (
		SELECT k.kind, r.n, r.accounts, r.accounts_not, r.in_force, c.is_there, c.headquarters, c.parent, c.is_there AND (c.headquarters OR c.parent) AS holds
		FROM kind AS k
		JOIN rule AS r ON r.era = k.era AND (r.verified IS NULL OR r.verified = k.verified)
			AND (r.flags IS NULL OR k.flags && r.flags) AND (r.flags_not IS NULL OR NOT k.flags && r.flags_not)
		CROSS JOIN LATERAL (SELECT compute_ledger._among(k.jurisdiction, r.jurisdictions, r.jurisdictions_not) AS is_there,
			compute_ledger._among(k.headquarters, r.headquarters, r.headquarters_not) AS headquarters, compute_ledger._among(k.parent, r.headquarters, r.headquarters_not) AS parent) AS c
		WHERE (c.is_there AND (c.headquarters OR c.parent)) IS NOT FALSE
	), account_rule AS MATERIALIZED (
		SELECT f.account, k.n, f.span * k.in_force AS span, k.is_there, k.headquarters, k.parent, k.holds
		FROM account_fact AS f
		JOIN kind_rule AS k ON k.kind = f.kind AND k.in_force && f.span AND (k.accounts IS NULL OR f.path && k.accounts) AND (k.accounts_not IS NULL OR NOT f.path && k.accounts_not)

	-- what: of the rules that may apply
	), live AS MATERIALIZED (
		SELECT row_number() OVER () AS place, r.rule, r.valid, array_agg(r.n) AS numbers
		FROM rule AS r WHERE r.n IN (SELECT a.n FROM account_rule AS a) AND r.n IN (SELECT g.n FROM region_rule AS g)
		GROUP BY r.rule, r.valid
	), chip_rule AS MATERIALIZED (
		SELECT c.chip, unnest(l.numbers) AS n, c.holds, c.missing
		FROM (SELECT array_agg(l.rule ORDER BY l.place) AS rules, array_agg(l.valid ORDER BY l.place) AS valids FROM live AS l HAVING count(*) > 0) AS a
		CROSS JOIN LATERAL compute_ledger._chips_under(chips, a.rules, a.valids, as_of) AS c
		JOIN live AS l ON l.place = c.place

	-- the questions, and what of each rule is lifted
	), finding AS MATERIALIZED (
		SELECT a.id AS question, a.account, a.chip, a.region, a.n, a.span * g.span AS span,
			CASE WHEN (a.holds AND g.holds AND c.holds) IS NULL THEN concat_ws(', ',
				CASE WHEN a.is_there IS NULL THEN 'jurisdiction of the account' END,
				CASE WHEN (a.headquarters OR a.parent) IS NULL AND a.headquarters IS NULL THEN 'headquarters of the account''s party' END,
				CASE WHEN (a.headquarters OR a.parent) IS NULL AND a.parent IS NULL THEN 'headquarters of its ultimate parent' END,
				CASE WHEN c.holds IS NULL THEN c.missing END,
				CASE WHEN g.is_there IS NULL THEN 'jurisdiction of the region' END,
				CASE WHEN g.from_there IS NULL THEN 'where the device comes from' END) END AS missing
		-- most rules are not about most accounts
		FROM (SELECT q.id, q.account, q.chip, q.region, a.n, a.span, a.holds, a.is_there, a.headquarters, a.parent FROM question AS q JOIN account_rule AS a ON a.account = q.account OFFSET 0) AS a
		JOIN region_rule AS g ON g.region = a.region AND g.n = a.n AND g.span && a.span
		JOIN chip_rule AS c ON c.chip OPERATOR(compute_ledger.=) a.chip AND c.n = a.n
	), held AS MATERIALIZED (
		SELECT DISTINCT a.account, r.n, l.id, l.accelerator, l.region, l.valid * a.span AS span
		FROM account_fact AS a
		CROSS JOIN LATERAL unnest(a.path) AS s (account)
		JOIN compute_ledger.licence AS l ON l.account = s.account AND l.valid && a.span
		JOIN rule AS r ON r.rule = l.rule AND (l.kind = 'exception' OR r.effect <> 'deny')
		WHERE l.recorded @> known AND (l.events IS NULL OR l.events @> ARRAY[event])
	), lifted AS (
		SELECT f.question, f.n, f.span, range_agg(h.span) AS away, array_agg(DISTINCT h.id ORDER BY h.id) AS by
		FROM finding AS f
		JOIN held AS h ON h.account = f.account AND h.n = f.n AND h.span && f.span
			AND (h.accelerator IS NULL OR f.chip OPERATOR(compute_ledger.<@) h.accelerator)
			AND (h.region IS NULL OR EXISTS (SELECT FROM region_fact AS p WHERE p.region = f.region AND p.span @> f.span AND h.region = ANY (p.path)))
		GROUP BY f.question, f.n, f.span
	)
	SELECT f.question, f.n, r.effect, r.policy, r.rule, r.clause, r.review, r.valid, lower(r.recorded),
		f.missing, f.span, tstzmultirange(f.span) - coalesce(l.away, '{}'), l.by
	FROM finding AS f
	JOIN rule AS r ON r.n = f.n
	LEFT JOIN lifted AS l ON l.question = f.question AND l.n = f.n AND l.span = f.span;
END
$$;
COMMENT ON FUNCTION _findings(bigint[], accelerator[], integer[], tstzrange, text, integer, timestamptz) IS 'what rules say to questions, by their places in three arrays, each an account, a chip and a region, over a time that is bounded: n numbers the rules, the strictest effect first; span, when the rule applies; missing, what is not known of it (NULL: it is certain); stands, what of it no licence or exception lifts; lifted_by, those that lift some of it';

CREATE FUNCTION _judge(accounts bigint[], chips accelerator[], regions integer[], asked tstzrange, event text, from_region integer, as_of timestamptz)
	RETURNS TABLE (question bigint, place bigint, effect text, policy text, rule text, clause text, review text, reason text,
		rule_valid tstzrange, rule_recorded timestamptz, span tstzrange, stands tstzmultirange, during tstzmultirange, lifted_by bigint[])
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	-- how it is planned is the caller's: one question or many
	SET jit = off
	SET timezone = 'UTC'
	SET datestyle = 'ISO, MDY'
AS $$
#variable_conflict use_column
DECLARE
	known timestamptz := coalesce(as_of, 'infinity');
BEGIN
	IF NOT EXISTS (SELECT FROM compute_ledger.access_policy AS p WHERE p.recorded @> known AND p.valid && asked) THEN
		RETURN;
	END IF;
	RETURN QUERY
	WITH finding AS MATERIALIZED (
		SELECT f.* FROM compute_ledger._findings(accounts, chips, regions, asked, event, from_region, as_of) AS f
	), verdict AS (
		SELECT f.question, f.n, CASE WHEN isempty(f.stands) THEN 'allow' WHEN f.missing IS NULL THEN f.effect ELSE 'review' END AS effect,
			f.policy, f.rule, f.clause, f.review, f.rule_valid, f.rule_recorded,
			CASE WHEN f.missing IS NOT NULL THEN 'not known: ' || f.missing
				WHEN isempty(f.stands) THEN 'lifted'
				WHEN f.lifted_by IS NOT NULL THEN format('not covered by a licence or an exception: %s', f.stands) END AS reason,
			f.missing IS NULL AS is_certain, f.span, f.stands, f.lifted_by
		FROM finding AS f
		UNION ALL
		-- where no rule of a policy says anything, its default does
		SELECT q.id, 0, p.default_effect, p.policy, NULL, NULL, NULL, p.valid, lower(p.recorded), format('no rule of policy "%s" applies, and its default is %s', p.policy, p.default_effect),
			true, asked * p.valid, d.stands, NULL
		FROM compute_ledger.access_policy AS p
		CROSS JOIN generate_subscripts(accounts, 1) AS q (id)
		LEFT JOIN (SELECT f.question, f.policy, range_agg(f.span) AS ruled FROM finding AS f GROUP BY f.question, f.policy) AS f ON f.question = q.id AND f.policy = p.policy
		CROSS JOIN LATERAL (SELECT tstzmultirange(asked * p.valid) - coalesce(f.ruled, '{}') AS stands) AS d
		WHERE p.recorded @> known AND p.valid && asked AND p.default_effect <> 'allow' AND NOT isempty(d.stands)
	), placed AS (
		SELECT v.*, row_number() OVER w AS place, range_agg(CASE WHEN v.effect = 'allow' THEN '{}' ELSE v.stands END) OVER w AS stricter
		FROM verdict AS v
		-- what is certain first; rules are numbered in their order
		WINDOW w AS (PARTITION BY v.question
			ORDER BY CASE v.effect WHEN 'deny' THEN 0 WHEN 'needs_licence' THEN 2 WHEN 'review' THEN 4 ELSE 6 END + (NOT v.is_certain)::integer, v.n, v.policy, v.span
			ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
	)
	SELECT p.question, p.place, p.effect, p.policy, p.rule, p.clause, p.review, p.reason, p.rule_valid, p.rule_recorded,
		p.span, p.stands, p.stands - coalesce(p.stricter, '{}'), p.lifted_by
	FROM placed AS p;
END
$$;
COMMENT ON FUNCTION _judge(bigint[], accelerator[], integer[], tstzrange, text, integer, timestamptz) IS 'what rules and defaults say to questions, by their places in three arrays, each an account, a chip and a region, over a time that is bounded: of each question the strictest first (place), deny, needs_licence, review, allow; span, when the rule applies; stands, what of it no licence or exception lifts; during, when nothing stricter stands; lifted_by, the licences and exceptions that lift some of it (then effect is allow if that is all). No rows for a question to which none says anything: it is allowed.';
