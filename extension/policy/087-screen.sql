-- Asking policy: who may use what where, and when.

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
	SET enable_mergejoin = off
	SET plan_cache_mode = force_custom_plan
AS $$
	WITH question AS MATERIALIZED (
		SELECT * FROM unnest(ids, accounts, chips, regions, periods) AS q (id, account, chip, region, period)
	), kind AS MATERIALIZED (
		SELECT row_number() OVER () AS k, q.account, q.chip, q.region, min(lower(q.period)) AS from_instant, max(upper(q.period)) AS to_instant
		FROM question AS q GROUP BY q.account, q.chip, q.region
	)
	SELECT DISTINCT ON (q.id) q.id, j.effect, j.policy, j.rule, j.clause,
		-- what a licence leaves of this period, not of all
		CASE WHEN j.lifted_by IS NULL OR j.reason LIKE 'not known%' THEN j.reason
			WHEN j.stands * tstzmultirange(q.period) <> tstzmultirange(j.span * q.period) THEN format('not covered by a licence or an exception: %s', j.stands * tstzmultirange(q.period)) END,
		j.during * tstzmultirange(q.period)
	FROM (SELECT array_agg(k.account ORDER BY k.k) AS accounts, array_agg(k.chip ORDER BY k.k) AS chips, array_agg(k.region ORDER BY k.k) AS regions,
		tstzrange(min(k.from_instant), max(k.to_instant)) AS asked FROM kind AS k) AS a
	CROSS JOIN LATERAL compute_ledger._judge(a.accounts, a.chips, a.regions, a.asked, event, NULL, as_of) AS j
	JOIN kind AS k ON k.k = j.question
	JOIN question AS q ON q.account = k.account AND q.chip OPERATOR(compute_ledger.=) k.chip AND q.region = k.region AND j.during && q.period
	WHERE j.effect <> 'allow'
	ORDER BY q.id, j.place
$$;
COMMENT ON FUNCTION _strictest(bigint[], bigint[], accelerator[], integer[], tstzrange[], text, timestamptz) IS 'of many questions, each with a number of its own and a period from an instant to another, those that are not allowed, with the strictest answer and when it holds';

CREATE FUNCTION _screen_many(accounts text[], accelerators accelerator[], regions text[], period tstzrange, event text DEFAULT 'book', from_region text DEFAULT NULL,
		as_of timestamptz DEFAULT NULL, role name DEFAULT current_user)
	RETURNS TABLE (account text, accelerator accelerator, region text, effect text, policy text, rule text, clause text, review text, reason text, during tstzmultirange, defaults text, notice text)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 100
	SET search_path = pg_catalog, pg_temp
	-- as many as there are
	SET enable_nestloop = off
	SET enable_mergejoin = off
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
		SELECT row_number() OVER () AS n, q.account, a.number AS account_number, q.chip, q.region, r.number AS region_number
		FROM (SELECT DISTINCT q.account, q.chip, q.region FROM unnest(accounts, accelerators, regions) AS q (account, chip, region)) AS q
		JOIN account_name AS a ON a.name = q.account
		JOIN region_name AS r ON r.name = q.region
	), judged AS MATERIALIZED (
		SELECT j.*
		FROM (SELECT array_agg(q.account_number ORDER BY q.n) AS accounts, array_agg(q.chip ORDER BY q.n) AS chips, array_agg(q.region_number ORDER BY q.n) AS regions FROM question AS q) AS k
		CROSS JOIN LATERAL compute_ledger._judge(k.accounts, k.chips, k.regions, asked, event, origin, as_of) AS j
		WHERE j.effect <> 'allow' AND NOT isempty(j.during)
	)
	SELECT q.account, q.chip, q.region, j.effect, j.policy, j.rule, j.clause, j.review, j.reason, j.during, in_force, 'policy of the operator, no legal advice'
	FROM question AS q
	JOIN judged AS j ON j.question = q.n
	UNION ALL
	SELECT q.account, q.chip, q.region, 'allow', NULL, NULL, NULL, NULL, NULL, r.rest, in_force, 'policy of the operator, no legal advice'
	FROM question AS q
	LEFT JOIN (SELECT j.question, range_agg(j.during) AS taken FROM judged AS j GROUP BY j.question) AS j ON j.question = q.n
	CROSS JOIN LATERAL (SELECT tstzmultirange(asked) - coalesce(j.taken, '{}') AS rest) AS r
	WHERE NOT isempty(r.rest);
END
$$;
COMMENT ON FUNCTION _screen_many(text[], accelerator[], text[], tstzrange, text, text, timestamptz, name) IS 'what screen_many() does';

CREATE FUNCTION screen_many(accounts text[], accelerators accelerator[], regions text[], period tstzrange, event text DEFAULT 'book', from_region text DEFAULT NULL,
		as_of timestamptz DEFAULT NULL, role name DEFAULT current_user)
	RETURNS TABLE (account text, accelerator accelerator, region text, effect text, policy text, rule text, clause text, review text, reason text, during tstzmultirange, defaults text, notice text)
	LANGUAGE plpgsql VOLATILE ROWS 100
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
