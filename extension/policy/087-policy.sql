-- Policy: parties, rules and licences, and who may change them.
--
-- What screen() answers is an operator's policy.  It is no legal advice: the event of an export law is the export of a
-- device, and who the user of one is, is more than these tables know.
--
-- Everything that an answer rests on is covered by one row, policy_version.  Whoever changes anything of it first takes
-- the table for himself, then changes the row's key, then stamps; whoever books locks the table, and in a transaction with one
-- snapshot the row FOR KEY SHARE, before he asks.
-- So changes wait for bookings under way and bookings for changes, in the order in which they come (a row lock alone
-- would let a withdrawal wait as long as there is always somebody who books); what is asked afterwards is asked of one state, which
-- its recorded time names; and a transaction with one snapshot that is older gets 40001.

CREATE FUNCTION _policy_touch() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	later timestamptz;
BEGIN
	-- reference data is there without a ledger, too, and is restored before anything is granted on one
	IF to_regclass('compute_ledger.policy_version') IS NULL OR NOT has_table_privilege('pg_database_owner', 'compute_ledger.policy_version', 'UPDATE') THEN
		RETURN NULL;
	END IF;
	PERFORM FROM compute_ledger.policy_version AS p WHERE p.transaction = pg_current_xact_id();
	IF FOUND THEN
		RETURN NULL;
	END IF;
	LOCK TABLE compute_ledger.policy_version IN EXCLUSIVE MODE;
	SELECT p.changed INTO later FROM compute_ledger.policy_version AS p;
	UPDATE compute_ledger.policy_version AS p SET version = p.version + 1, transaction = pg_current_xact_id(), changed = compute_ledger._ledger_stamp();
	-- of two changes the one with the later recorded time is the one that came later
	IF later > compute_ledger._ledger_stamp() OR TG_NARGS > 0 AND later > CURRENT_TIMESTAMP THEN
		PERFORM compute_ledger._refuse('40001', 'what policies rest on was changed after this transaction''s recorded time',
			hint => 'Run the transaction again.');
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _policy_touch() IS 'trigger, BEFORE INSERT OR UPDATE OR DELETE FOR EACH STATEMENT of all tables that answers of screen() rest on: waits for bookings and changes under way, and changes the key of policy_version; 40001 if something was changed after this transaction''s stamp, or, with an argument, after its start, from which reference data is recorded';

-- what the reference data says of chips and countries, and when it changed
CREATE TRIGGER a_policy BEFORE INSERT OR UPDATE OR DELETE ON country_group
	FOR EACH STATEMENT EXECUTE FUNCTION _policy_touch('reference');
CREATE TRIGGER a_policy BEFORE INSERT OR UPDATE OR DELETE ON export_rule
	FOR EACH STATEMENT EXECUTE FUNCTION _policy_touch('reference');
CREATE TRIGGER a_policy BEFORE INSERT OR UPDATE OR DELETE ON accelerator_model
	FOR EACH STATEMENT EXECUTE FUNCTION _policy_touch('reference');
CREATE TRIGGER a_policy BEFORE INSERT OR UPDATE OR DELETE ON accelerator_peak
	FOR EACH STATEMENT EXECUTE FUNCTION _policy_touch('reference');

CREATE FUNCTION _decision_guard() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._refuse('23001', 'a decision does not change');
END
$$;
COMMENT ON FUNCTION _decision_guard() IS 'trigger of policy_decision: refuses (23001)';

-- ------------------------------------------------------------------ what may be written

CREATE FUNCTION _check_countries(names text[], what text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	unknown text;
BEGIN
	IF names = '{}' OR array_position(names, NULL) IS NOT NULL THEN
		PERFORM compute_ledger._refuse('23514', format('list of %s is empty, or has a NULL in it', what));
	END IF;
	SELECT n.name INTO unknown
	FROM unnest(names) AS n (name)
	WHERE NOT EXISTS (SELECT FROM compute_ledger.country AS c WHERE c.code = n.name)
		AND NOT EXISTS (SELECT FROM compute_ledger.country_group AS g WHERE g.name = n.name AND upper_inf(g.recorded))
	LIMIT 1;
	IF FOUND THEN
		PERFORM compute_ledger._refuse('22023', format('unknown country or group of countries: "%s"', unknown),
			hint => 'Countries are in table country, by their ISO 3166-1 alpha-2 codes, groups in table country_group.');
	END IF;
END
$$;
COMMENT ON FUNCTION _check_countries(text[], text) IS 'raises 22023 for what is no country or group of countries, 23514 for an empty list or one with a NULL; NULL is no list';

CREATE FUNCTION _party_guard() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF upper_inf(NEW.recorded) THEN
		-- the key says no less, and not in these words
		PERFORM compute_ledger._check_countries(ARRAY[NEW.headquarters], 'headquarters') WHERE NEW.headquarters IS NOT NULL;
		PERFORM compute_ledger._check_countries(ARRAY[NEW.parent_headquarters], 'headquarters') WHERE NEW.parent_headquarters IS NOT NULL;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _party_guard() IS 'trigger, BEFORE INSERT OR UPDATE of account_party: refuses unknown countries (22023)';

CREATE FUNCTION _access_rule_guard() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	unknown text;
BEGIN
	IF NOT upper_inf(NEW.recorded) THEN
		RETURN NEW;
	END IF;
	IF NOT EXISTS (SELECT FROM compute_ledger.access_policy AS p WHERE p.policy = NEW.policy AND upper_inf(p.recorded)) THEN
		PERFORM compute_ledger._refuse('22023', format('policy "%s" does not exist', NEW.policy), hint => 'Insert a row into access_policy, with what it says where no rule applies.');
	END IF;
	PERFORM compute_ledger._check_countries(NEW.jurisdictions, 'jurisdictions'), compute_ledger._check_countries(NEW.jurisdictions_not, 'jurisdictions'),
		compute_ledger._check_countries(NEW.headquarters, 'headquarters'), compute_ledger._check_countries(NEW.headquarters_not, 'headquarters'),
		compute_ledger._check_countries(NEW.destinations, 'destinations'), compute_ledger._check_countries(NEW.destinations_not, 'destinations'),
		compute_ledger._check_countries(NEW.origins, 'origins'), compute_ledger._check_countries(NEW.origins_not, 'origins');
	SELECT a.id::text INTO unknown
	FROM unnest(NEW.accounts || NEW.accounts_not) AS a (id)
	WHERE NOT EXISTS (SELECT FROM compute_ledger.account AS o WHERE o.id = a.id);
	IF FOUND THEN
		PERFORM compute_ledger._refuse('LC006', format('account %s does not exist', coalesce(unknown, 'NULL')));
	END IF;
	SELECT r.id::text INTO unknown
	FROM unnest(NEW.regions || NEW.regions_not) AS r (id)
	WHERE NOT EXISTS (SELECT FROM compute_ledger.region AS o WHERE o.id = r.id);
	IF FOUND THEN
		PERFORM compute_ledger._refuse('LC007', format('region %s does not exist', coalesce(unknown, 'NULL')));
	END IF;
	-- a condition that nothing can meet is a rule that is not there
	IF '{}' IN (NEW.accounts, NEW.accounts_not) OR '{}' IN (NEW.regions, NEW.regions_not) OR '{}' IN (NEW.flags, NEW.flags_not, NEW.export_classes, NEW.number_formats)
		OR cardinality(NEW.accelerators) = 0 OR cardinality(NEW.accelerators_not) = 0
		OR array_position(NEW.flags || NEW.flags_not || NEW.export_classes || NEW.number_formats || NEW.events, NULL) IS NOT NULL
		OR EXISTS (SELECT FROM unnest(NEW.accelerators || NEW.accelerators_not) AS a (class) WHERE a.class IS NULL)
	THEN
		PERFORM compute_ledger._refuse('23514', format('rule "%s" has a condition that is an empty list, or has a NULL in it', NEW.rule), hint => 'A condition that is NULL is none.');
	END IF;
	IF NEW.export_rule IS NOT NULL AND NOT EXISTS (SELECT FROM compute_ledger.export_rule AS e WHERE e.rule = NEW.export_rule AND upper_inf(e.recorded)) THEN
		PERFORM compute_ledger._refuse('22023', format('export rule "%s" does not exist', NEW.export_rule), hint => 'Rules are rows of table export_rule.');
	END IF;
	SELECT c.class INTO unknown
	FROM unnest(NEW.export_classes) AS c (class)
	WHERE c.class <> 'none' AND NOT EXISTS (SELECT FROM compute_ledger.export_rule AS e WHERE e.rule = NEW.export_rule AND e.class = c.class AND upper_inf(e.recorded));
	IF FOUND THEN
		PERFORM compute_ledger._refuse('22023', format('export rule "%s" has no class "%s"', NEW.export_rule, unknown), hint => 'Classes are in table export_rule; none is one, and unknown is a review.');
	END IF;
	SELECT n.format INTO unknown
	FROM unnest(NEW.number_formats) AS n (format)
	WHERE NOT EXISTS (SELECT FROM compute_ledger.accelerator_peak AS p WHERE p.number_format = n.format);
	IF FOUND THEN
		PERFORM compute_ledger._refuse('22023', format('unknown number format "%s"', unknown));
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _access_rule_guard() IS 'trigger, BEFORE INSERT OR UPDATE of access_rule: refuses a rule of no policy, or one that speaks of what there is not (22023, LC006, LC007), and conditions that are empty lists or have NULLs in them (23514)';

CREATE FUNCTION _licence_guard() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF upper_inf(NEW.recorded) AND NOT EXISTS (SELECT FROM compute_ledger.access_rule AS r WHERE r.rule = NEW.rule AND upper_inf(r.recorded)) THEN
		PERFORM compute_ledger._refuse('22023', format('rule "%s" does not exist', NEW.rule),
			hint => compute_ledger._similar_names(NEW.rule, ARRAY(SELECT r.rule FROM compute_ledger.access_rule AS r WHERE upper_inf(r.recorded))));
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _licence_guard() IS 'trigger, BEFORE INSERT OR UPDATE of licence: refuses one that names no rule (22023)';

-- ------------------------------------------------------------------ writing, by names

CREATE FUNCTION _check_time(what text, valid tstzrange) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE) IS NOT TRUE
	THEN
		PERFORM compute_ledger._refuse('22023', format('%s holds from an instant to another, [from,to), and not for %s', what, coalesce(valid::text, 'NULL')));
	END IF;
END
$$;
COMMENT ON FUNCTION _check_time(text, tstzrange) IS 'raises 22023 for a validity that is NULL, empty, or not [from,to); what has it, as in "a flag"';

CREATE FUNCTION _set_party(account text, headquarters text, parent_headquarters text, parent text DEFAULT NULL, verified boolean DEFAULT false, subtree boolean DEFAULT false,
	title text DEFAULT NULL, source text DEFAULT NULL, valid_from timestamptz DEFAULT '-infinity') RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	this bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	-- who changes parties waits here, and sees what the one before did
	UPDATE compute_ledger.account_party AS p SET title = p.title WHERE false;
	this := compute_ledger._account_number(account);
	IF valid_from IS NULL OR valid_from = 'infinity' THEN
		PERFORM compute_ledger._refuse('22023', 'a party is stated from an instant on');
	ELSIF verified IS NULL OR subtree IS NULL THEN
		PERFORM compute_ledger._refuse('22023', 'whether a party is verified, and holds for the subtree, is true or false');
	END IF;
	valid_from := nullif(valid_from, '-infinity');
	DELETE FROM compute_ledger.account_party AS p
	WHERE p.account = this AND upper_inf(p.recorded) AND p.valid <@ tstzrange(valid_from, NULL);
	UPDATE compute_ledger.account_party AS p SET valid = tstzrange(lower(p.valid), valid_from)
	WHERE p.account = this AND upper_inf(p.recorded) AND p.valid && tstzrange(valid_from, NULL);
	INSERT INTO compute_ledger.account_party (account, title, headquarters, parent, parent_headquarters, verified, subtree, source, valid)
	VALUES (this, _set_party.title, _set_party.headquarters, _set_party.parent, _set_party.parent_headquarters, _set_party.verified, _set_party.subtree, _set_party.source, tstzrange(valid_from, NULL));
END
$$;
COMMENT ON FUNCTION _set_party(text, text, text, text, boolean, boolean, text, text, timestamptz) IS 'what set_party() does';

CREATE FUNCTION set_party(account text, headquarters text, parent_headquarters text, parent text DEFAULT NULL, verified boolean DEFAULT false, subtree boolean DEFAULT false,
	title text DEFAULT NULL, source text DEFAULT NULL, valid_from timestamptz DEFAULT '-infinity') RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._set_party(account, headquarters, parent_headquarters, parent, verified, subtree, title, source, valid_from);
END
$$;
COMMENT ON FUNCTION set_party(text, text, text, text, boolean, boolean, text, text, timestamptz) IS 'states who is behind an account from an instant on: the country of the headquarters and that of the ultimate parent''s (ISO 3166-1 alpha-2; NULL: not known; of a party without a parent, its own), the parent''s name, whether verified, and whether this is so of all accounts under it that have no statement of their own. What was stated before stays as it was until then. For admins. LC006 unknown account, 22023 unknown country, or NULL where something is to be said.';

CREATE FUNCTION _set_flag(account text, flag text, valid tstzrange DEFAULT '(,)', source text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._check_name('a flag', flag);
	PERFORM compute_ledger._check_time('a flag', valid);
	INSERT INTO compute_ledger.account_flag (account, flag, source, valid)
	VALUES (compute_ledger._account_number(_set_flag.account), _set_flag.flag, _set_flag.source, _set_flag.valid);
END
$$;
COMMENT ON FUNCTION _set_flag(text, text, tstzrange, text) IS 'what set_flag() does';

CREATE FUNCTION set_flag(account text, flag text, valid tstzrange DEFAULT '(,)', source text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._set_flag(account, flag, valid, source);
END
$$;
COMMENT ON FUNCTION set_flag(text, text, tstzrange, text) IS 'gives an account, and all that is under it, a flag that rules go by, for a time. To take it back, DELETE or UPDATE the row of account_flag. For admins. LC006 unknown account, 22023 no time.';

CREATE FUNCTION _account_numbers(names text[]) RETURNS bigint[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN names IS NOT NULL THEN ARRAY(SELECT compute_ledger._account_number(n.name) FROM unnest(names) WITH ORDINALITY AS n (name, place) ORDER BY n.place) END;
END
$$;
COMMENT ON FUNCTION _account_numbers(text[]) IS 'the numbers of accounts; LC006 for an unknown name; NULL for NULL';

CREATE FUNCTION _region_numbers(names text[]) RETURNS integer[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	unknown text;
BEGIN
	SELECT n.name INTO unknown FROM unnest(names) AS n (name) WHERE compute_ledger._region_id(n.name) IS NULL LIMIT 1;
	IF FOUND THEN
		PERFORM compute_ledger._refuse('LC007', format('unknown region: "%s"', unknown), hint => compute_ledger._similar_names(unknown, ARRAY(SELECT r.name FROM compute_ledger.region AS r)));
	END IF;
	RETURN CASE WHEN names IS NOT NULL THEN ARRAY(SELECT compute_ledger._region_id(n.name) FROM unnest(names) WITH ORDINALITY AS n (name, place) ORDER BY n.place) END;
END
$$;
COMMENT ON FUNCTION _region_numbers(text[]) IS 'the numbers of regions; LC007 for an unknown name; NULL for NULL';

CREATE FUNCTION _create_policy(policy text, default_effect text DEFAULT 'allow', title text DEFAULT NULL, source text DEFAULT NULL, valid tstzrange DEFAULT '(,)') RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._check_name('a policy', policy);
	IF default_effect IS NULL OR default_effect NOT IN ('allow', 'deny', 'needs_licence', 'review') THEN
		PERFORM compute_ledger._refuse('22023', format('a policy says allow, deny, needs_licence or review where no rule applies, and not: %s', coalesce(left(default_effect, 80), 'NULL')));
	END IF;
	PERFORM compute_ledger._check_time('a policy', valid);
	INSERT INTO compute_ledger.access_policy (policy, default_effect, title, source, valid)
	VALUES (_create_policy.policy, _create_policy.default_effect, _create_policy.title, _create_policy.source, _create_policy.valid);
END
$$;
COMMENT ON FUNCTION _create_policy(text, text, text, text, tstzrange) IS 'what create_policy() does';

CREATE FUNCTION create_policy(policy text, default_effect text DEFAULT 'allow', title text DEFAULT NULL, source text DEFAULT NULL, valid tstzrange DEFAULT '(,)') RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._create_policy(policy, default_effect, title, source, valid);
END
$$;
COMMENT ON FUNCTION create_policy(text, text, text, text, tstzrange) IS 'makes a policy, in force for a time, and states what it says where none of its rules applies: allow, deny, needs_licence or review. For admins. 23P01 if there is one of that name, 22023 for another word or no time.';

CREATE FUNCTION _create_access_rule(rule text, policy text, effect text, clause text, events text[] DEFAULT '{book}',
	accounts text[] DEFAULT NULL, accounts_not text[] DEFAULT NULL, jurisdictions text[] DEFAULT NULL, jurisdictions_not text[] DEFAULT NULL,
	headquarters text[] DEFAULT NULL, headquarters_not text[] DEFAULT NULL, verified boolean DEFAULT NULL, flags text[] DEFAULT NULL, flags_not text[] DEFAULT NULL,
	accelerators accelerator[] DEFAULT NULL, accelerators_not accelerator[] DEFAULT NULL, export_rule text DEFAULT NULL, export_classes text[] DEFAULT NULL,
	tpp_from numeric DEFAULT NULL, tpp_below numeric DEFAULT NULL, density_from numeric DEFAULT NULL, density_below numeric DEFAULT NULL, number_formats text[] DEFAULT NULL,
	regions text[] DEFAULT NULL, regions_not text[] DEFAULT NULL, destinations text[] DEFAULT NULL, destinations_not text[] DEFAULT NULL,
	origins text[] DEFAULT NULL, origins_not text[] DEFAULT NULL, review text DEFAULT NULL, source text DEFAULT NULL, valid tstzrange DEFAULT '(,)') RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._check_name('a rule', rule);
	INSERT INTO compute_ledger.access_rule (policy, rule, effect, review, clause, events, accounts, accounts_not, jurisdictions, jurisdictions_not, headquarters, headquarters_not, verified, flags, flags_not,
		accelerators, accelerators_not, export_rule, export_classes, tpp_from, tpp_below, density_from, density_below, number_formats,
		regions, regions_not, destinations, destinations_not, origins, origins_not, source, valid)
	SELECT r.policy, r.rule, r.effect, r.review, r.clause, r.events, compute_ledger._account_numbers(r.accounts), compute_ledger._account_numbers(r.accounts_not),
		r.jurisdictions, r.jurisdictions_not, r.headquarters, r.headquarters_not, r.verified, r.flags, r.flags_not, r.accelerators, r.accelerators_not, r.export_rule, r.export_classes,
		r.tpp_from, r.tpp_below, r.density_from, r.density_below, r.number_formats, compute_ledger._region_numbers(r.regions), compute_ledger._region_numbers(r.regions_not),
		r.destinations, r.destinations_not, r.origins, r.origins_not, r.source, r.valid
	FROM (SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)
		AS r (rule, policy, effect, clause, events, accounts, accounts_not, jurisdictions, jurisdictions_not, headquarters, headquarters_not, verified, flags, flags_not,
			accelerators, accelerators_not, export_rule, export_classes, tpp_from, tpp_below, density_from, density_below, number_formats,
			regions, regions_not, destinations, destinations_not, origins, origins_not, review, source, valid);
END
$$;
COMMENT ON FUNCTION _create_access_rule(text, text, text, text, text[], text[], text[], text[], text[], text[], text[], boolean, text[], text[], accelerator[], accelerator[], text, text[], numeric, numeric, numeric, numeric, text[], text[], text[], text[], text[], text[], text[], text, text, tstzrange) IS 'what create_access_rule() does';

CREATE FUNCTION create_access_rule(rule text, policy text, effect text, clause text, events text[] DEFAULT '{book}',
	accounts text[] DEFAULT NULL, accounts_not text[] DEFAULT NULL, jurisdictions text[] DEFAULT NULL, jurisdictions_not text[] DEFAULT NULL,
	headquarters text[] DEFAULT NULL, headquarters_not text[] DEFAULT NULL, verified boolean DEFAULT NULL, flags text[] DEFAULT NULL, flags_not text[] DEFAULT NULL,
	accelerators accelerator[] DEFAULT NULL, accelerators_not accelerator[] DEFAULT NULL, export_rule text DEFAULT NULL, export_classes text[] DEFAULT NULL,
	tpp_from numeric DEFAULT NULL, tpp_below numeric DEFAULT NULL, density_from numeric DEFAULT NULL, density_below numeric DEFAULT NULL, number_formats text[] DEFAULT NULL,
	regions text[] DEFAULT NULL, regions_not text[] DEFAULT NULL, destinations text[] DEFAULT NULL, destinations_not text[] DEFAULT NULL,
	origins text[] DEFAULT NULL, origins_not text[] DEFAULT NULL, review text DEFAULT NULL, source text DEFAULT NULL, valid tstzrange DEFAULT '(,)') RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._create_access_rule(rule, policy, effect, clause, events, accounts, accounts_not, jurisdictions, jurisdictions_not, headquarters, headquarters_not, verified, flags, flags_not,
		accelerators, accelerators_not, export_rule, export_classes, tpp_from, tpp_below, density_from, density_below, number_formats,
		regions, regions_not, destinations, destinations_not, origins, origins_not, review, source, valid);
END
$$;
COMMENT ON FUNCTION create_access_rule(text, text, text, text, text[], text[], text[], text[], text[], text[], text[], boolean, text[], text[], accelerator[], accelerator[], text, text[], numeric, numeric, numeric, numeric, text[], text[], text[], text[], text[], text[], text[], text, text, tstzrange) IS 'makes a rule of a policy, in force for a time, with the conditions that table access_rule has, accounts and regions by name; effect is allow, deny, needs_licence or review. To change or end a rule, UPDATE access_rule. For admins. 22023 unknown policy, country, group, export rule, class or number format, LC006 unknown account, LC007 unknown region, 23P01 if a rule of that name is in force then.';

CREATE FUNCTION _grant_licence(account text, rule text, valid tstzrange, kind text DEFAULT 'licence', accelerator accelerator DEFAULT NULL, region text DEFAULT NULL, events text[] DEFAULT NULL,
	number text DEFAULT NULL, source text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	new_id bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	INSERT INTO compute_ledger.licence (kind, rule, account, accelerator, region, events, number, source, valid)
	VALUES (_grant_licence.kind, _grant_licence.rule, compute_ledger._account_number(_grant_licence.account), _grant_licence.accelerator,
		(compute_ledger._region_numbers(CASE WHEN _grant_licence.region IS NOT NULL THEN ARRAY[_grant_licence.region] END))[1], _grant_licence.events,
		_grant_licence.number, _grant_licence.source, _grant_licence.valid)
	RETURNING id INTO new_id;
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION _grant_licence(text, text, tstzrange, text, accelerator, text, text[], text, text) IS 'what grant_licence() does';

CREATE FUNCTION grant_licence(account text, rule text, valid tstzrange, kind text DEFAULT 'licence', accelerator accelerator DEFAULT NULL, region text DEFAULT NULL, events text[] DEFAULT NULL,
	number text DEFAULT NULL, source text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._grant_licence(account, rule, valid, kind, accelerator, region, events, number, source);
END
$$;
COMMENT ON FUNCTION grant_licence(text, text, tstzrange, text, accelerator, text, text[], text, text) IS 'records that an account, with all under it, has a licence for a rule, for devices of a class, in a region and all under it, for events (NULL: any), for a time, and returns its number; with kind ''exception'', that the rule is lifted altogether, a denial, too. For admins. LC006 unknown account, LC007 unknown region, 22023 unknown rule.';

CREATE FUNCTION _withdraw_licence(licence bigint, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	-- who changes licences waits here, and sees what the one before did
	UPDATE compute_ledger.licence AS l SET number = l.number WHERE false;
	IF NOT EXISTS (SELECT FROM compute_ledger.licence AS l WHERE l.id = _withdraw_licence.licence AND upper_inf(l.recorded)) THEN
		PERFORM compute_ledger._refuse('22023', format('licence %s does not exist', licence));
	END IF;
	at := coalesce(at, clock_timestamp());
	DELETE FROM compute_ledger.licence AS l WHERE l.id = _withdraw_licence.licence AND upper_inf(l.recorded) AND l.valid <@ tstzrange(at, NULL);
	UPDATE compute_ledger.licence AS l SET valid = tstzrange(lower(l.valid), at)
	WHERE l.id = _withdraw_licence.licence AND upper_inf(l.recorded) AND l.valid && tstzrange(at, NULL);
END
$$;
COMMENT ON FUNCTION _withdraw_licence(bigint, timestamptz) IS 'what withdraw_licence() does';

CREATE FUNCTION withdraw_licence(licence bigint, at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._withdraw_licence(licence, at);
END
$$;
COMMENT ON FUNCTION withdraw_licence(bigint, timestamptz) IS 'ends a licence or an exception at an instant (NULL: now). What it covered after that is uncovered: rescreen() lists the reservations. For admins. 22023 unknown licence.';

CREATE FUNCTION _load_policy(policy text, events text[] DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	added integer;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF NOT EXISTS (SELECT FROM compute_ledger.shipped_rule AS s WHERE s.policy = _load_policy.policy) THEN
		PERFORM compute_ledger._refuse('22023', format('no policy "%s" is shipped', policy),
			hint => 'These are: ' || (SELECT string_agg(DISTINCT s.policy COLLATE "C", ', ' ORDER BY s.policy COLLATE "C") FROM compute_ledger.shipped_rule AS s) || '.');
	END IF;
	INSERT INTO compute_ledger.access_policy (policy, source)
	SELECT _load_policy.policy, 'shipped with the extension'
	WHERE NOT EXISTS (SELECT FROM compute_ledger.access_policy AS p WHERE p.policy = _load_policy.policy AND upper_inf(p.recorded));
	INSERT INTO compute_ledger.access_rule (policy, rule, effect, review, clause, events, headquarters, flags, accelerators, accelerators_not, export_rule, export_classes,
		destinations, destinations_not, origins, origins_not, source, valid)
	SELECT s.policy, s.rule, s.effect, s.review, s.clause, coalesce(_load_policy.events, s.events), s.headquarters, s.flags,
		s.accelerators::compute_ledger.accelerator[], s.accelerators_not::compute_ledger.accelerator[], s.export_rule, s.export_classes,
		s.destinations, s.destinations_not, s.origins, s.origins_not, s.source,
		tstzrange(lower(s.valid)::timestamp AT TIME ZONE 'UTC', upper(s.valid)::timestamp AT TIME ZONE 'UTC')
	FROM compute_ledger.shipped_rule AS s
	WHERE s.policy = _load_policy.policy
		-- what is there under the name is the operator's
		AND NOT EXISTS (SELECT FROM compute_ledger.access_rule AS r WHERE r.rule = s.rule AND upper_inf(r.recorded))
	ORDER BY s.rule COLLATE "C", s.valid;
	GET DIAGNOSTICS added = ROW_COUNT;
	RETURN added;
END
$$;
COMMENT ON FUNCTION _load_policy(text, text[]) IS 'what load_policy() does';

CREATE FUNCTION load_policy(policy text, events text[] DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._load_policy(policy, events);
END
$$;
COMMENT ON FUNCTION load_policy(text, text[]) IS 'copies a policy of table shipped_rule, us-export, remote-access, data-residency or domestic-chips, into access_policy and access_rule, where it is the operator''s to change, and returns the number of rows of rules; events in place of those of the rules, so that an operator who wants bookings held to what the law asks of exports can (NULL: as shipped). Rules whose names are there stay as they are. No legal advice. For admins. 22023 unknown policy.';
