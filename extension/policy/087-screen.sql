-- Asking policy: who may use what where, and when.
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

CREATE FUNCTION _judge(accounts bigint[], chips accelerator[], regions integer[], asked tstzrange, event text, from_region integer, as_of timestamptz)
	RETURNS TABLE (account bigint, accelerator accelerator, region integer, place bigint, effect text, policy text, rule text, clause text, review text, reason text,
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
	-- closed rows end before
	known timestamptz := coalesce(as_of, 'infinity');
BEGIN
	IF NOT EXISTS (SELECT FROM compute_ledger.access_policy AS p WHERE p.recorded @> known AND p.valid && asked) THEN
		RETURN;
	END IF;
	RETURN QUERY
	WITH RECURSIVE question AS MATERIALIZED (
		SELECT DISTINCT q.account, q.chip, q.region FROM unnest(accounts, chips, regions) AS q (account, chip, region)
	), country_of AS MATERIALIZED (
		SELECT g.name, g.country, tstzrange(lower(g.valid)::timestamp AT TIME ZONE 'UTC', upper(g.valid)::timestamp AT TIME ZONE 'UTC') AS valid
		FROM compute_ledger.country_group AS g
		WHERE CASE WHEN as_of IS NULL THEN upper_inf(g.recorded) ELSE g.recorded @> as_of END
			AND (NOT g.shipped OR NOT EXISTS (SELECT FROM compute_ledger.country_group AS u
				WHERE u.name = g.name AND NOT u.shipped AND CASE WHEN as_of IS NULL THEN upper_inf(u.recorded) ELSE u.recorded @> as_of END))
	), group_cut AS MATERIALIZED (
		SELECT DISTINCT e.at
		FROM country_of AS g CROSS JOIN LATERAL (VALUES (lower(g.valid)), (upper(g.valid))) AS e (at)
		WHERE e.at > lower(asked) AND e.at < upper(asked)

	-- where: the way up, the first jurisdiction on it, and the groups that this is in
	), region_climb AS (
		SELECT r.region AS asked_region, v.parent, ARRAY[r.region] AS path, v.jurisdiction, asked * v.valid AS span
		FROM (SELECT q.region FROM question AS q UNION SELECT from_region WHERE from_region IS NOT NULL) AS r (region)
		CROSS JOIN LATERAL (SELECT v.parent, v.jurisdiction, v.valid, v.recorded FROM compute_ledger.region_version AS v WHERE v.region = r.region OFFSET 0) AS v
		WHERE v.recorded @> known AND v.valid && asked
		UNION ALL
		SELECT c.asked_region, v.parent, c.path || c.parent, coalesce(c.jurisdiction, v.jurisdiction), c.span * v.valid
		FROM region_climb AS c
		CROSS JOIN LATERAL (SELECT v.parent, v.jurisdiction, v.valid, v.recorded FROM compute_ledger.region_version AS v WHERE v.region = c.parent OFFSET 0) AS v
		WHERE v.recorded @> known AND v.valid && c.span AND c.parent <> ALL (c.path)
	), region_place AS (
		SELECT c.asked_region, c.path, c.jurisdiction, c.span FROM region_climb AS c WHERE c.parent IS NULL
		UNION ALL
		-- while it is not there, nothing is known of it
		SELECT q.region, ARRAY[q.region], NULL, unnest(tstzmultirange(asked) - coalesce(c.there, '{}'))
		FROM (SELECT q.region FROM question AS q UNION SELECT from_region WHERE from_region IS NOT NULL) AS q (region)
		LEFT JOIN (SELECT c.asked_region, range_agg(c.span) AS there FROM region_climb AS c WHERE c.parent IS NULL GROUP BY c.asked_region) AS c ON c.asked_region = q.region
	), region_fact AS MATERIALIZED (
		SELECT p.asked_region, p.path, CASE WHEN p.jurisdiction IS NOT NULL THEN p.jurisdiction || ARRAY(SELECT g.name FROM country_of AS g WHERE g.country = p.jurisdiction AND g.valid @> lower(s.span)) END AS tags,
			s.span
		FROM region_place AS p
		CROSS JOIN LATERAL (
			SELECT tstzrange(c.at, lead(c.at, 1, upper(p.span)) OVER (ORDER BY c.at)) AS span
			FROM (SELECT lower(p.span) UNION ALL SELECT g.at FROM group_cut AS g WHERE g.at > lower(p.span) AND g.at < upper(p.span)) AS c (at)) AS s

	-- the rules in force, from where they are asked about, the strictest first
	), rule AS MATERIALIZED (
		SELECT row_number() OVER (ORDER BY array_position('{deny,needs_licence,review,allow}', r.effect), r.policy, r.rule, r.valid, o.span) AS n,
			r.*, p.default_effect, s.span AS in_force, compute_ledger._among(o.tags, r.origins, r.origins_not) AS from_there
		FROM compute_ledger.access_rule AS r
		JOIN compute_ledger.access_policy AS p ON p.policy = r.policy AND p.recorded @> known AND p.valid && asked
		JOIN (SELECT f.tags, f.span FROM region_fact AS f WHERE f.asked_region = from_region
			UNION ALL SELECT NULL, asked WHERE from_region IS NULL) AS o ON o.span && r.valid
		CROSS JOIN LATERAL (SELECT asked * r.valid * p.valid * o.span AS span) AS s
		WHERE r.recorded @> known AND r.events @> ARRAY[event] AND NOT isempty(s.span)
			AND compute_ledger._among(o.tags, r.origins, r.origins_not) IS NOT FALSE
	), region_rule AS MATERIALIZED (
		SELECT f.asked_region, r.n, f.path, f.span * r.in_force AS span, compute_ledger._among(f.tags, r.destinations, r.destinations_not) AS holds
		FROM region_fact AS f
		JOIN rule AS r ON r.in_force && f.span AND (r.regions IS NULL OR f.path && r.regions) AND (r.regions_not IS NULL OR NOT f.path && r.regions_not)
			AND compute_ledger._among(f.tags, r.destinations, r.destinations_not) IS NOT FALSE

	-- who: the account, or those that it was merged into; the way up, whose party it is, its flags
	), self AS (
		SELECT q.account AS asked_account, q.account AS actual, asked AS span FROM (SELECT DISTINCT q.account FROM question AS q) AS q
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
		SELECT p.n, p.asked_account, p.span, s.account, s.depth FROM place AS p CROSS JOIN LATERAL unnest(p.path) WITH ORDINALITY AS s (account, depth)
	), party AS MATERIALIZED (
		SELECT s.n, s.depth, y.headquarters, y.parent_headquarters, y.verified, y.valid
		FROM step AS s JOIN compute_ledger.account_party AS y ON y.account = s.account AND y.valid && s.span AND (s.depth = 1 OR y.subtree)
		WHERE y.recorded @> known
	), flag AS MATERIALIZED (
		SELECT s.n, f.flag, f.valid
		FROM step AS s JOIN compute_ledger.account_flag AS f ON f.account = s.account AND f.valid && s.span
		WHERE f.recorded @> known
	), account_cut AS (
		SELECT p.n, lower(p.span) AS at FROM place AS p
		UNION
		SELECT p.n, e.at
		FROM place AS p JOIN (
			SELECT y.n, lower(y.valid) AS at FROM party AS y UNION ALL SELECT y.n, upper(y.valid) FROM party AS y
			UNION ALL SELECT f.n, lower(f.valid) FROM flag AS f UNION ALL SELECT f.n, upper(f.valid) FROM flag AS f
		) AS e ON e.n = p.n AND e.at > lower(p.span) AND e.at < upper(p.span)
		UNION
		SELECT p.n, g.at FROM place AS p JOIN group_cut AS g ON g.at > lower(p.span) AND g.at < upper(p.span)
	), account_span AS MATERIALIZED (
		SELECT p.*, c.at, tstzrange(c.at, lead(c.at, 1, upper(p.span)) OVER (PARTITION BY c.n ORDER BY c.at)) AS part
		FROM account_cut AS c JOIN place AS p ON p.n = c.n
	), their_party AS (
		SELECT DISTINCT ON (s.n, s.at) s.n, s.at, y.depth, y.headquarters, y.parent_headquarters, y.verified
		FROM account_span AS s JOIN party AS y ON y.n = s.n AND y.valid @> s.at
		ORDER BY s.n, s.at, y.depth
	), their_flags AS (
		SELECT s.n, s.at, array_agg(DISTINCT f.flag) AS flags
		FROM account_span AS s JOIN flag AS f ON f.n = s.n AND f.valid @> s.at
		GROUP BY s.n, s.at
	), account_fact AS MATERIALIZED (
		SELECT s.asked_account, s.path, s.part,
			CASE WHEN j.country IS NOT NULL THEN j.country || ARRAY(SELECT g.name FROM country_of AS g WHERE g.country = j.country AND g.valid @> s.at) END AS jurisdiction,
			CASE WHEN y.headquarters IS NOT NULL THEN y.headquarters || ARRAY(SELECT g.name FROM country_of AS g WHERE g.country = y.headquarters AND g.valid @> s.at) END AS headquarters,
			CASE WHEN y.parent_headquarters IS NOT NULL THEN y.parent_headquarters || ARRAY(SELECT g.name FROM country_of AS g WHERE g.country = y.parent_headquarters AND g.valid @> s.at) END AS parent,
			coalesce(y.verified, false) AS verified, coalesce(f.flags, '{}') AS flags
		FROM account_span AS s
		LEFT JOIN their_party AS y ON y.n = s.n AND y.at = s.at
		LEFT JOIN their_flags AS f ON f.n = s.n AND f.at = s.at
		-- an account that is of the party of one above it is where that is
		CROSS JOIN LATERAL (SELECT coalesce(s.jurisdictions[1], s.jurisdictions[y.depth]) AS country) AS j
	), account_rule AS MATERIALIZED (
		SELECT f.asked_account, r.n, f.path, f.part * r.in_force AS span, c.is_there, c.headquarters, c.parent, c.is_there AND (c.headquarters OR c.parent) AS holds
		FROM account_fact AS f
		JOIN rule AS r ON r.in_force && f.part
			AND (r.accounts IS NULL OR f.path && r.accounts) AND (r.accounts_not IS NULL OR NOT f.path && r.accounts_not)
			AND (r.verified IS NULL OR r.verified = f.verified)
			AND (r.flags IS NULL OR f.flags && r.flags) AND (r.flags_not IS NULL OR NOT f.flags && r.flags_not)
		CROSS JOIN LATERAL (SELECT compute_ledger._among(f.jurisdiction, r.jurisdictions, r.jurisdictions_not) AS is_there,
			compute_ledger._among(f.headquarters, r.headquarters, r.headquarters_not) AS headquarters, compute_ledger._among(f.parent, r.headquarters, r.headquarters_not) AS parent) AS c
		WHERE (c.is_there AND (c.headquarters OR c.parent)) IS NOT FALSE

	-- what: each known chip of a class, because a class is judged by its worst member
	), device AS (
		SELECT q.chip, compute_ledger.accelerator_trunc('memory', q.chip) AS device FROM (SELECT DISTINCT q.chip FROM question AS q) AS q
	), model AS MATERIALIZED (
		SELECT DISTINCT m.accelerator FROM compute_ledger.accelerator_model AS m WHERE CASE WHEN as_of IS NULL THEN upper_inf(m.recorded) ELSE m.recorded @> as_of END
	), below AS MATERIALIZED (
		SELECT d.chip, m.accelerator FROM device AS d JOIN model AS m ON m.accelerator OPERATOR(compute_ledger.<@) d.device
	), live AS MATERIALIZED (
		-- figures are looked up for rules that may apply
		SELECT r.* FROM rule AS r WHERE r.n IN (SELECT a.n FROM account_rule AS a) AND r.n IN (SELECT g.n FROM region_rule AS g)
	), member AS MATERIALIZED (
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
	), member_rule AS (
		SELECT m.chip, r.n, r.effect, m.member, c.is_of AND c.is_classed AND c.has_tpp AND c.has_density AND c.has_format AS holds,
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
	), chip_rule AS MATERIALIZED (
		SELECT s.chip, s.n, s.holds, s.missing
		FROM (SELECT m.chip, m.n,
				CASE WHEN m.effect = 'allow' THEN CASE WHEN NOT bool_and(coalesce(m.holds, true)) THEN false WHEN bool_and(m.holds IS NOT NULL) THEN true END
					WHEN bool_or(m.holds) THEN true WHEN bool_and(m.holds IS NOT NULL) THEN false END AS holds,
				min(m.missing COLLATE "C") FILTER (WHERE m.holds IS NULL) AS missing
			FROM member_rule AS m
			GROUP BY m.chip, m.n, m.effect) AS s
		WHERE s.holds IS NOT FALSE

	-- the questions, and what of each rule is lifted
	), finding AS MATERIALIZED (
		SELECT row_number() OVER () AS id, a.account, a.chip, a.region, r.n, r.rule, r.effect AS says, a.span * g.span AS span, g.path AS region_path,
			CASE WHEN (a.holds AND g.holds AND c.holds AND r.from_there) IS NULL THEN concat_ws(', ',
				CASE WHEN a.is_there IS NULL THEN 'jurisdiction of the account' END,
				CASE WHEN (a.headquarters OR a.parent) IS NULL AND a.headquarters IS NULL THEN 'headquarters of the account''s party' END,
				CASE WHEN (a.headquarters OR a.parent) IS NULL AND a.parent IS NULL THEN 'headquarters of its ultimate parent' END,
				CASE WHEN c.holds IS NULL THEN c.missing END,
				CASE WHEN g.holds IS NULL THEN 'jurisdiction of the region' END,
				CASE WHEN r.from_there IS NULL THEN 'where the device comes from' END) END AS missing
		-- most rules are not about most accounts
		FROM (SELECT q.account, q.chip, q.region, a.n, a.span, a.holds, a.is_there, a.headquarters, a.parent FROM question AS q JOIN account_rule AS a ON a.asked_account = q.account OFFSET 0) AS a
		JOIN region_rule AS g ON g.asked_region = a.region AND g.n = a.n AND g.span && a.span
		JOIN chip_rule AS c ON c.chip OPERATOR(compute_ledger.=) a.chip AND c.n = a.n
		JOIN rule AS r ON r.n = a.n
		-- where the default is to allow, an allowance adds nothing
		WHERE r.effect <> 'allow' OR r.default_effect <> 'allow'
	), held AS MATERIALIZED (
		SELECT DISTINCT s.asked_account, l.id, l.kind, l.rule, l.accelerator, l.region, l.valid * s.span AS span
		FROM step AS s JOIN compute_ledger.licence AS l ON l.account = s.account AND l.valid && s.span
		WHERE l.recorded @> known AND (l.events IS NULL OR l.events @> ARRAY[event])
	), lifted AS (
		SELECT f.id, range_agg(h.span) AS span, array_agg(h.id ORDER BY h.id) AS by
		FROM finding AS f
		JOIN held AS h ON h.asked_account = f.account AND h.rule = f.rule AND h.span && f.span AND (h.kind = 'exception' OR f.says <> 'deny')
			AND (h.accelerator IS NULL OR f.chip OPERATOR(compute_ledger.<@) h.accelerator) AND (h.region IS NULL OR h.region = ANY (f.region_path))
		GROUP BY f.id
	), judged AS (
		SELECT f.account, f.chip, f.region, f.n, f.missing, f.span, CASE WHEN l.id IS NULL THEN tstzmultirange(f.span) ELSE tstzmultirange(f.span) - l.span END AS stands, l.by AS lifted_by
		FROM finding AS f LEFT JOIN lifted AS l ON l.id = f.id
	), verdict AS (
		SELECT j.account, j.chip, j.region,
			CASE WHEN isempty(j.stands) THEN 'allow' WHEN j.missing IS NULL THEN r.effect ELSE 'review' END AS effect,
			r.policy, r.rule, r.clause, r.review,
			CASE WHEN j.missing IS NOT NULL THEN 'not known: ' || j.missing
				WHEN isempty(j.stands) THEN 'lifted'
				WHEN j.lifted_by IS NOT NULL THEN format('not covered by a licence or an exception: %s', j.stands) END AS reason,
			r.valid AS rule_valid, lower(r.recorded) AS rule_recorded, j.span, j.stands, j.lifted_by, j.missing IS NULL AS is_certain, j.n
		FROM judged AS j JOIN rule AS r ON r.n = j.n
		UNION ALL
		-- where no rule of a policy says anything, its default does
		SELECT q.account, q.chip, q.region, p.default_effect, p.policy, NULL, NULL, NULL, format('no rule of policy "%s" applies, and its default is %s', p.policy, p.default_effect),
			p.valid, lower(p.recorded), asked * p.valid, d.stands, NULL, true, 0
		FROM question AS q
		JOIN compute_ledger.access_policy AS p ON p.recorded @> known AND p.valid && asked AND p.default_effect <> 'allow'
		LEFT JOIN (SELECT j.account, j.chip, j.region, r.policy, range_agg(j.span) AS ruled FROM judged AS j JOIN rule AS r ON r.n = j.n GROUP BY j.account, j.chip, j.region, r.policy) AS j
			ON j.account = q.account AND j.chip OPERATOR(compute_ledger.=) q.chip AND j.region = q.region AND j.policy = p.policy
		CROSS JOIN LATERAL (SELECT tstzmultirange(asked * p.valid) - coalesce(j.ruled, '{}') AS stands) AS d
		WHERE NOT isempty(d.stands)
	), placed AS (
		SELECT v.*, row_number() OVER w AS place, range_agg(CASE WHEN v.effect = 'allow' THEN '{}' ELSE v.stands END) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS stricter
		FROM verdict AS v
		-- what is certain first; rules are numbered in their order
		WINDOW w AS (PARTITION BY v.account, v.chip, v.region
			ORDER BY CASE v.effect WHEN 'deny' THEN 0 WHEN 'needs_licence' THEN 1 WHEN 'review' THEN 2 ELSE 3 END, v.is_certain DESC, v.n, v.policy, v.span)
	)
	SELECT p.account, p.chip, p.region, p.place, p.effect, p.policy, p.rule, p.clause, p.review, p.reason, p.rule_valid, p.rule_recorded, p.span,
		p.stands, p.stands - coalesce(p.stricter, '{}'), p.lifted_by
	FROM placed AS p;
END
$$;
COMMENT ON FUNCTION _judge(bigint[], accelerator[], integer[], tstzrange, text, integer, timestamptz) IS 'what rules and defaults say to questions, each an account, a chip and a region, over a time that is bounded: of each question the strictest first (place), deny, needs_licence, review, allow; span, when the rule applies; stands, what of it no licence or exception lifts; during, when nothing stricter stands; lifted_by, the licences and exceptions that lift some of it (then effect is allow if that is all). No rows for a question to which none says anything: it is allowed.';

CREATE FUNCTION _asked_period(period tstzrange, event text) RETURNS tstzrange
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- an end that is included is an instant more
	asked tstzrange := tstzrange(lower(period) + CASE WHEN lower_inc(period) THEN interval '0' ELSE interval '1 microsecond' END,
		upper(period) + CASE WHEN upper_inc(period) THEN interval '1 microsecond' ELSE interval '0' END);
BEGIN
	IF asked IS NULL OR isempty(asked) OR (isfinite(lower(asked)) AND isfinite(upper(asked))) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', 'policy is asked for a period with a beginning and an end');
	ELSIF event IS NULL OR event NOT IN ('book', 'export', 'reexport', 'transfer') THEN
		PERFORM compute_ledger._refuse('22023', format('unknown event: "%s"', event), hint => 'Events are book, export, reexport and transfer.');
	END IF;
	RETURN asked;
END
$$;
COMMENT ON FUNCTION _asked_period(tstzrange, text) IS 'a period that policy is asked for, its end excluded; 22023 if it is NULL, empty or without an end, and for an unknown event';

CREATE FUNCTION _policy_defaults(asked tstzrange, as_of timestamptz) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(string_agg(format('%s: %s', p.policy, p.default_effect), ', ' ORDER BY p.policy, p.valid), 'no policy is in force')
	FROM compute_ledger.access_policy AS p
	WHERE p.recorded @> coalesce(as_of, 'infinity') AND p.valid && asked
$$;
COMMENT ON FUNCTION _policy_defaults(tstzrange, timestamptz) IS 'the policies in force in a period, each with its default';

CREATE FUNCTION _answer(account bigint, chip accelerator, region integer, period tstzrange, event text DEFAULT 'book', from_region integer DEFAULT NULL, as_of timestamptz DEFAULT NULL,
		OUT effect text, OUT policy text, OUT rule text, OUT clause text, OUT review text, OUT reason text, OUT during tstzmultirange, OUT defaults text,
		OUT used jsonb, OUT version bigint, OUT known_as_of timestamptz, OUT notice text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	-- planning costs more than running
	SET plan_cache_mode = force_generic_plan
	-- decisions keep what is said here
	SET timezone = 'UTC'
	SET datestyle = 'ISO, MDY'
AS $$
#variable_conflict use_column
DECLARE
	asked tstzrange := compute_ledger._asked_period(period, event);
	lifted text;
BEGIN
	IF num_nonnulls(account, chip, region) < 3 THEN
		PERFORM compute_ledger._refuse('22023', 'policy is asked for an account, an accelerator and a region');
	END IF;
	SELECT p.version, coalesce(as_of, p.changed) INTO version, known_as_of FROM compute_ledger.policy_version AS p;
	IF as_of IS NOT NULL THEN
		version := NULL;
	END IF;
	defaults := compute_ledger._policy_defaults(asked, as_of);
	used := '[]';
	IF defaults <> 'no policy is in force' THEN
		SELECT (array_agg(j.effect ORDER BY j.place))[1], (array_agg(j.policy ORDER BY j.place))[1], (array_agg(j.rule ORDER BY j.place))[1], (array_agg(j.clause ORDER BY j.place))[1],
			(array_agg(j.review ORDER BY j.place))[1], (array_agg(j.reason ORDER BY j.place))[1], (array_agg(j.during ORDER BY j.place))[1],
			(array_agg((SELECT string_agg(format('%s %s', l ->> 'kind', l ->> 'id'), ', ') FROM jsonb_array_elements(j.lifted) AS l) ORDER BY j.place))[1],
			coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('policy', j.policy, 'rule', j.rule, 'effect', j.effect, 'review', j.review, 'clause', j.clause, 'reason', j.reason,
				'span', j.span, 'stands', nullif(j.stands, '{}'), 'recorded', j.rule_recorded, 'lifted_by', j.lifted)) ORDER BY j.place), '[]')
		INTO effect, policy, rule, clause, review, reason, during, lifted, used
		FROM (
			SELECT j.*, (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('id', l.id, 'kind', l.kind, 'number', l.number, 'valid', l.valid, 'recorded', lower(l.recorded))) ORDER BY l.id)
				FROM compute_ledger.licence AS l WHERE l.id = ANY (j.lifted_by) AND l.recorded @> coalesce(as_of, 'infinity')) AS lifted
			FROM compute_ledger._judge(ARRAY[account], ARRAY[chip], ARRAY[region], asked, event, from_region, as_of) AS j
		) AS j;
	END IF;
	IF effect IS NULL OR effect = 'allow' THEN
		effect := 'allow';
		during := tstzmultirange(asked);
		reason := CASE WHEN lifted IS NOT NULL THEN format('rule "%s" is lifted by %s', rule, lifted) WHEN rule IS NOT NULL THEN format('rule "%s" allows it', rule) ELSE 'no rule has anything against it' END;
	END IF;
	notice := 'policy of the operator, no legal advice';
END
$$;
COMMENT ON FUNCTION _answer(bigint, accelerator, integer, tstzrange, text, integer, timestamptz) IS 'screen() by numbers, for whoever is asked';

CREATE FUNCTION _screened_accounts(names text[], role name) RETURNS bigint[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	numbers bigint[];
BEGIN
	IF compute_ledger._sees_everything(role) THEN
		numbers := ARRAY(SELECT a.id FROM unnest(names) WITH ORDINALITY AS n (name, place) LEFT JOIN compute_ledger.account AS a ON a.name = n.name ORDER BY n.place);
	ELSE
		-- no look-up of names: who may not see an account is not told that it is there
		numbers := ARRAY(SELECT s.id
			FROM unnest(names) WITH ORDINALITY AS n (name, place)
			LEFT JOIN (SELECT a.id, a.name FROM compute_ledger.account AS a
				WHERE a.id = ANY (ARRAY(SELECT compute_ledger._visible_accounts(role) UNION SELECT compute_ledger._bookable_accounts(role))) OFFSET 0) AS s ON s.name = n.name
			ORDER BY n.place);
	END IF;
	IF array_position(numbers, NULL) IS NOT NULL THEN
		PERFORM compute_ledger._refuse('LC006', format('unknown account: "%s"', names[array_position(numbers, NULL)]));
	END IF;
	RETURN numbers;
END
$$;
COMMENT ON FUNCTION _screened_accounts(text[], name) IS 'numbers of accounts that a role sees or may book for; LC006 for any other name';

CREATE FUNCTION _screen(account text, accelerator accelerator, region text, period tstzrange, event text DEFAULT 'book', from_region text DEFAULT NULL, as_of timestamptz DEFAULT NULL,
		role name DEFAULT current_user,
		OUT effect text, OUT policy text, OUT rule text, OUT clause text, OUT review text, OUT reason text, OUT during tstzmultirange, OUT defaults text,
		OUT used jsonb, OUT version bigint, OUT known_as_of timestamptz, OUT notice text)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	mark timestamptz := compute_ledger._ledger_watermark();
	account_id bigint;
BEGIN
	IF as_of > mark THEN
		PERFORM compute_ledger._refuse('LC012', format('policies are not settled as of %s', as_of),
			detail => format('The watermark is %s.', mark),
			hint => 'Ask as of ledger_watermark() or earlier.');
	END IF;
	account_id := (compute_ledger._screened_accounts(ARRAY[account], role))[1];
	SELECT a.* INTO effect, policy, rule, clause, review, reason, during, defaults, used, version, known_as_of, notice
	FROM compute_ledger._answer(account_id, accelerator, (compute_ledger._region_numbers(ARRAY[region]))[1], period, event,
		(compute_ledger._region_numbers(CASE WHEN from_region IS NOT NULL THEN ARRAY[from_region] END))[1], as_of) AS a;
END
$$;
COMMENT ON FUNCTION _screen(text, accelerator, text, tstzrange, text, text, timestamptz, name) IS 'what screen() does';

CREATE FUNCTION screen(account text, accelerator accelerator, region text, period tstzrange, event text DEFAULT 'book', from_region text DEFAULT NULL, as_of timestamptz DEFAULT NULL,
		role name DEFAULT current_user,
		OUT effect text, OUT policy text, OUT rule text, OUT clause text, OUT review text, OUT reason text, OUT during tstzmultirange, OUT defaults text,
		OUT used jsonb, OUT version bigint, OUT known_as_of timestamptz, OUT notice text)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	SELECT a.* INTO effect, policy, rule, clause, review, reason, during, defaults, used, version, known_as_of, notice
	FROM compute_ledger._screen(account, accelerator, region, period, event, from_region, as_of, role) AS a;
END
$$;
COMMENT ON FUNCTION screen(text, accelerator, text, tstzrange, text, text, timestamptz, name) IS 'what the operator''s policies say to an account''s use of devices in a region over a period, or to bringing them there (event export, reexport, transfer, with from_region): the strictest answer, deny, needs_licence, review or allow, with policy, rule and clause, how an application is reviewed, why, when within the period, the defaults of the policies in force, all rules and licences that it rests on, and the version of the policies. It is an operator''s policy and no legal advice. A class of accelerators is judged by its worst member; what is not known is a review where a rule in force asks for it. As of a recorded time, as_of (NULL: now). For readers and bookers of the account, auditors, billers and admins. LC006 unknown account, or one that is not the role''s; LC007 unknown region; LC012 as_of beyond the watermark; 22023 no period or an unknown event.';

-- ------------------------------------------------------------------ many questions at once

CREATE FUNCTION _strictest(ids bigint[], accounts bigint[], chips accelerator[], regions integer[], periods tstzrange[], event text, as_of timestamptz)
	RETURNS TABLE (id bigint, effect text, policy text, rule text, clause text, reason text, during tstzmultirange)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET datestyle = 'ISO, MDY'
	-- as many as there are
	SET enable_nestloop = off
	SET plan_cache_mode = force_custom_plan
AS $$
	WITH question AS MATERIALIZED (
		SELECT * FROM unnest(ids, accounts, chips, regions, periods) AS q (id, account, chip, region, period)
	), kind AS (
		SELECT array_agg(k.account) AS accounts, array_agg(k.chip) AS chips, array_agg(k.region) AS regions, tstzrange(min(k.from_instant), max(k.to_instant)) AS asked
		FROM (SELECT q.account, q.chip, q.region, min(lower(q.period)) AS from_instant, max(upper(q.period)) AS to_instant
			FROM question AS q GROUP BY q.account, q.chip, q.region) AS k
	)
	SELECT DISTINCT ON (q.id) q.id, j.effect, j.policy, j.rule, j.clause,
		-- what a licence leaves of this period, not of all
		CASE WHEN j.lifted_by IS NULL OR j.reason LIKE 'not known%' THEN j.reason
			WHEN j.stands * tstzmultirange(q.period) <> tstzmultirange(j.span * q.period) THEN format('not covered by a licence or an exception: %s', j.stands * tstzmultirange(q.period)) END,
		j.during * tstzmultirange(q.period)
	FROM kind AS k
	CROSS JOIN LATERAL compute_ledger._judge(k.accounts, k.chips, k.regions, k.asked, event, NULL, as_of) AS j
	JOIN question AS q ON q.account = j.account AND q.chip OPERATOR(compute_ledger.=) j.accelerator AND q.region = j.region AND j.during && q.period
	WHERE j.effect <> 'allow'
	ORDER BY q.id, j.place
$$;
COMMENT ON FUNCTION _strictest(bigint[], bigint[], accelerator[], integer[], tstzrange[], text, timestamptz) IS 'of many questions, each with a number of its own and a period from an instant to another, those that are not allowed, with the strictest answer and when it holds';

CREATE FUNCTION _screen_many(accounts text[], accelerators accelerator[], regions text[], period tstzrange, event text DEFAULT 'book', from_region text DEFAULT NULL,
		as_of timestamptz DEFAULT NULL, role name DEFAULT current_user)
	RETURNS TABLE (account text, accelerator accelerator, region text, effect text, policy text, rule text, clause text, review text, reason text, during tstzmultirange, defaults text, notice text)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1000
	SET search_path = pg_catalog, pg_temp
	-- as many as there are
	SET enable_nestloop = off
	SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
	mark timestamptz := compute_ledger._ledger_watermark();
	asked tstzrange := compute_ledger._asked_period(period, event);
	names text[] := ARRAY(SELECT DISTINCT n.name FROM unnest(accounts) AS n (name));
	places text[] := ARRAY(SELECT DISTINCT n.name FROM unnest(regions) AS n (name));
	numbers bigint[];
	origin integer := (compute_ledger._region_numbers(CASE WHEN from_region IS NOT NULL THEN ARRAY[from_region] END))[1];
	in_force text;
BEGIN
	IF as_of > mark THEN
		PERFORM compute_ledger._refuse('LC012', format('policies are not settled as of %s', as_of), detail => format('The watermark is %s.', mark), hint => 'Ask as of ledger_watermark() or earlier.');
	ELSIF cardinality(accounts) IS DISTINCT FROM cardinality(accelerators) OR cardinality(accounts) IS DISTINCT FROM cardinality(regions)
		OR array_position(accounts, NULL) IS NOT NULL OR array_position(regions, NULL) IS NOT NULL OR EXISTS (SELECT FROM unnest(accelerators) AS a (chip) WHERE a.chip IS NULL)
	THEN
		PERFORM compute_ledger._refuse('22023', 'policy is asked for as many accounts as accelerators and regions');
	END IF;
	numbers := compute_ledger._screened_accounts(names, role);
	in_force := compute_ledger._policy_defaults(asked, as_of);
	RETURN QUERY
	WITH account_name AS MATERIALIZED (
		SELECT n.name, n.number FROM unnest(names, numbers) AS n (name, number)
	), region_name AS MATERIALIZED (
		SELECT n.name, n.number FROM unnest(places, compute_ledger._region_numbers(places)) AS n (name, number)
	), question AS MATERIALIZED (
		SELECT DISTINCT a.name AS account, a.number AS account_number, q.chip, r.name AS region, r.number AS region_number
		FROM unnest(accounts, accelerators, regions) AS q (account, chip, region)
		JOIN account_name AS a ON a.name = q.account
		JOIN region_name AS r ON r.name = q.region
	), judged AS MATERIALIZED (
		SELECT j.*
		FROM (SELECT array_agg(q.account_number) AS accounts, array_agg(q.chip) AS chips, array_agg(q.region_number) AS regions FROM question AS q) AS k
		CROSS JOIN LATERAL compute_ledger._judge(k.accounts, k.chips, k.regions, asked, event, origin, as_of) AS j
		WHERE j.effect <> 'allow' AND NOT isempty(j.during)
	)
	SELECT q.account, q.chip, q.region, j.effect, j.policy, j.rule, j.clause, j.review, j.reason, j.during, in_force, 'policy of the operator, no legal advice'
	FROM question AS q
	JOIN judged AS j ON j.account = q.account_number AND j.accelerator OPERATOR(compute_ledger.=) q.chip AND j.region = q.region_number
	UNION ALL
	SELECT q.account, q.chip, q.region, 'allow', NULL, NULL, NULL, NULL, NULL, r.rest, in_force, 'policy of the operator, no legal advice'
	FROM question AS q
	LEFT JOIN (SELECT j.account, j.accelerator, j.region, range_agg(j.during) AS taken FROM judged AS j GROUP BY j.account, j.accelerator, j.region) AS j
		ON j.account = q.account_number AND j.accelerator OPERATOR(compute_ledger.=) q.chip AND j.region = q.region_number
	CROSS JOIN LATERAL (SELECT tstzmultirange(asked) - coalesce(j.taken, '{}') AS rest) AS r
	WHERE NOT isempty(r.rest);
END
$$;
COMMENT ON FUNCTION _screen_many(text[], accelerator[], text[], tstzrange, text, text, timestamptz, name) IS 'what screen_many() does';

CREATE FUNCTION screen_many(accounts text[], accelerators accelerator[], regions text[], period tstzrange, event text DEFAULT 'book', from_region text DEFAULT NULL,
		as_of timestamptz DEFAULT NULL, role name DEFAULT current_user)
	RETURNS TABLE (account text, accelerator accelerator, region text, effect text, policy text, rule text, clause text, review text, reason text, during tstzmultirange, defaults text, notice text)
	LANGUAGE plpgsql VOLATILE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._screen_many(accounts, accelerators, regions, period, event, from_region, as_of, role) AS t;
END
$$;
COMMENT ON FUNCTION screen_many(text[], accelerator[], text[], tstzrange, text, text, timestamptz, name) IS 'screen() for many at once: the answers over a period to each distinct triple of an account, an accelerator and a region, which are the elements of one place of three arrays. Of each triple the rows do not overlap and make up the period: during says when each holds, and what matters for a part of the period is the strictest of those that overlap it. So a table of any length is judged by its distinct triples and a join. It is an operator''s policy and no legal advice. Errors as those of screen() for one; 22023 for arrays of different lengths or with NULLs.';

-- ------------------------------------------------------------------ decisions

CREATE FUNCTION _ask_policy(account bigint, chip accelerator, region integer, period tstzrange) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer record;
BEGIN
	SELECT a.* INTO answer FROM compute_ledger._answer(account, chip, region, period) AS a;
	IF answer.effect <> 'allow' THEN
		PERFORM compute_ledger._refuse('LC026',
			CASE answer.effect WHEN 'deny' THEN 'policy denies this' WHEN 'review' THEN 'policy wants this reviewed first' ELSE 'policy asks for a licence' END
				|| CASE WHEN answer.rule IS NOT NULL THEN format(': rule "%s" of policy "%s"', answer.rule, answer.policy) ELSE format(': default of policy "%s"', answer.policy) END,
			detail => format('%s. This is the operator''s policy and no legal advice.', concat_ws('; ', 'Clause: ' || answer.clause, answer.reason, format('it stands in %s', answer.during))),
			hint => 'screen() tells all that the answer rests on.');
	END IF;
	RETURN to_jsonb(answer) || jsonb_build_object('account', account, 'accelerator', chip::text, 'region', region, 'period', period, 'as_of', answer.known_as_of);
END
$$;
COMMENT ON FUNCTION _ask_policy(bigint, accelerator, integer, tstzrange) IS 'what policy answers to a reservation that is to be, for _keep_decision(); LC026 if it is not to allow it. For whoever has called _lock_policy() and been told that there is a policy.';

CREATE FUNCTION _keep_decision(action text, reservation bigint, answer jsonb) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO compute_ledger.policy_decision (action, reservation, account, accelerator, region, period, effect, policy, rule, clause, reason, during, used, version, as_of)
	SELECT $1, $2, d.account, d.accelerator, d.region, d.period, d.effect, d.policy, d.rule, d.clause, d.reason, d.during, d.used, d.version, d.as_of
	FROM jsonb_populate_record(NULL::compute_ledger.policy_decision, answer) AS d
$$;
COMMENT ON FUNCTION _keep_decision(text, bigint, jsonb) IS 'keeps what _ask_policy() answered about a reservation that has been made, confirmed, moved, extended or started';

CREATE FUNCTION _flag_usage(batch bigint, stamp timestamptz) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	-- records are found by when they were recorded
	SET enable_seqscan = off
AS $$
DECLARE
	flagged bigint;
BEGIN
	IF NOT EXISTS (SELECT FROM compute_ledger.access_policy AS p WHERE upper_inf(p.recorded)) THEN
		RETURN 0;
	END IF;
	INSERT INTO compute_ledger.policy_decision (action, usage, account, accelerator, region, period, effect, policy, rule, clause, reason, during, used, version, as_of)
	WITH fresh AS MATERIALIZED (
		SELECT r.id, r.account, r.accelerator, r.region,
			-- of what goes on, so far
			tstzrange(r.started_at, CASE WHEN r.ended_at < 'infinity' THEN r.ended_at ELSE greatest(r.recorded, r.started_at + interval '1 microsecond') END) AS period
		FROM compute_ledger.usage_record AS r
		WHERE r.recorded = stamp AND r.batch = _flag_usage.batch AND r.source <> 'compute_ledger'
	)
	SELECT 'usage', f.id, f.account, f.accelerator, f.region, f.period, s.effect, s.policy, s.rule, s.clause, s.reason, s.during,
		jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('policy', s.policy, 'rule', s.rule, 'effect', s.effect, 'clause', s.clause, 'reason', s.reason))), v.version, v.changed
	FROM (SELECT array_agg(f.id) AS ids, array_agg(f.account) AS accounts, array_agg(f.accelerator) AS chips, array_agg(f.region) AS regions, array_agg(f.period) AS periods FROM fresh AS f) AS q
	CROSS JOIN LATERAL compute_ledger._strictest(q.ids, q.accounts, q.chips, q.regions, q.periods, 'book', NULL) AS s
	JOIN fresh AS f ON f.id = s.id
	CROSS JOIN compute_ledger.policy_version AS v
	WHERE q.ids IS NOT NULL
	ORDER BY f.id;
	GET DIAGNOSTICS flagged = ROW_COUNT;
	RETURN flagged;
END
$$;
COMMENT ON FUNCTION _flag_usage(bigint, timestamptz) IS 'part of accept_usage() and reidentify(): keeps a decision for each record of a batch that policy does not allow, and returns their number: what has happened is recorded all the same. What was reserved was asked about when it was.';
