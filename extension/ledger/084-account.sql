-- Accounts: who uses, who pays, and the tree they stand in.
--
-- An account's name and number are for ever; what is known of it, its place in the tree
-- included, are versions with valid and recorded time.

-- ------------------------------------------------------------------ the tree

CREATE FUNCTION _account_alias(as_of timestamptz) RETURNS TABLE (account bigint, target bigint, valid tstzrange)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
	SET search_path = pg_catalog, pg_temp
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	-- chains are followed as far as they go; how long each link holds is the tree's matter: a merged account ends
	WITH RECURSIVE link AS (
		SELECT m.account, m.merged_into, m.at
		FROM compute_ledger.account_merge AS m
		WHERE m.recorded @> coalesce($1, 'infinity')
	), alias AS (
		SELECT l.account, l.merged_into AS target, l.at FROM link AS l
		UNION ALL
		SELECT a.account, l.merged_into, greatest(a.at, l.at)
		FROM alias AS a JOIN link AS l ON l.account = a.target
	)
	SELECT a.account, a.target, tstzrange(a.at, NULL) FROM alias AS a;
END
$$;
COMMENT ON FUNCTION _account_alias(timestamptz) IS 'the accounts that a merged account''s number stands for, and from when on: all of its chain; each holds while it has a version';

-- The versions come as arrays, because a function takes no set.
CREATE FUNCTION _tree_path(things bigint[], parents bigint[], valids tstzrange[]) RETURNS TABLE (thing bigint, path bigint[], valid tstzrange)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	-- a table that nobody has analyzed yet looks small, and a nested loop would go through it for every row
	SET enable_nestloop = off
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE version AS MATERIALIZED (
		SELECT v.thing, v.parent, unnest(range_agg(v.valid)) AS valid
		FROM unnest(things, parents, valids) AS v (thing, parent, valid)
		GROUP BY v.thing, v.parent
	), place AS (
		-- from the top; the top that a role with few accounts sees is theirs
		SELECT v.thing, ARRAY[v.thing] AS path, v.valid
		FROM version AS v
		WHERE v.parent IS NULL OR NOT EXISTS (SELECT FROM version AS p WHERE p.thing = v.parent)
		UNION ALL
		SELECT v.thing, p.path || v.thing, v.valid * p.valid
		FROM place AS p JOIN version AS v ON v.parent = p.thing AND v.valid && p.valid
		-- versions that are no tree end, too
		WHERE v.thing <> ALL (p.path)
	)
	SELECT p.thing, p.path, p.valid FROM place AS p;
END
$$;
COMMENT ON FUNCTION _tree_path(bigint[], bigint[], tstzrange[]) IS 'the way from the root to each thing of a tree, both included, while it holds, of its versions: what each is of, the parent or NULL, and when it holds';

CREATE FUNCTION _account_path(as_of timestamptz, these bigint[] DEFAULT NULL) RETURNS TABLE (account bigint, path bigint[], valid tstzrange)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	SET enable_nestloop = off
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE branch AS (
		-- up from these, and to what they were merged into, by indexes
		SELECT t.account FROM unnest(these) AS t (account)
		UNION
		SELECT u.above
		FROM branch AS b CROSS JOIN LATERAL (
			SELECT v.parent AS above, v.recorded FROM compute_ledger.account_version AS v WHERE v.account = b.account AND v.parent IS NOT NULL
			UNION ALL
			SELECT m.merged_into, m.recorded FROM compute_ledger.account_merge AS m WHERE int8range(m.account, m.account, '[]') = int8range(b.account, b.account, '[]')
			OFFSET 0) AS u
		WHERE u.recorded @> coalesce($1, 'infinity')
	), version AS (
		SELECT v.account, v.parent, v.valid FROM compute_ledger.account_version AS v WHERE these IS NULL AND v.recorded @> coalesce($1, 'infinity')
		UNION ALL
		SELECT v.account, v.parent, v.valid
		FROM branch AS b CROSS JOIN LATERAL (SELECT v.account, v.parent, v.valid, v.recorded FROM compute_ledger.account_version AS v WHERE v.account = b.account OFFSET 0) AS v
		WHERE v.recorded @> coalesce($1, 'infinity')
	), place AS MATERIALIZED (
		SELECT p.thing, p.path, p.valid
		FROM (SELECT array_agg(v.account) AS accounts, array_agg(v.parent) AS parents, array_agg(v.valid) AS valids FROM version AS v) AS a
			CROSS JOIN LATERAL compute_ledger._tree_path(a.accounts, a.parents, a.valids) AS p
	)
	SELECT p.thing, p.path, p.valid FROM place AS p
	UNION ALL
	SELECT a.account, p.path, p.valid * a.valid
	FROM compute_ledger._account_alias($1) AS a JOIN place AS p ON p.thing = a.target AND p.valid && a.valid;
END
$$;
COMMENT ON FUNCTION _account_path(timestamptz, bigint[]) IS 'the way from the root to each account, both included, while it holds; a merged account''s is that of the one it was merged into. These: of those at least, and of fewer than all';

CREATE FUNCTION _account_tree(as_of timestamptz DEFAULT NULL)
	RETURNS TABLE (account bigint, ancestor bigint, depth integer, level integer, valid tstzrange)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 50000
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.account, a.id, (cardinality(p.path) - a.place)::integer, (a.place - 1)::integer, p.valid
	FROM compute_ledger._account_path($1) AS p, unnest(p.path) WITH ORDINALITY AS a (id, place)
$$;
COMMENT ON FUNCTION _account_tree(timestamptz) IS 'what account_tree() does';

CREATE FUNCTION account_tree(as_of timestamptz DEFAULT NULL)
	RETURNS TABLE (account bigint, ancestor bigint, depth integer, level integer, valid tstzrange)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._account_tree(as_of) AS t;
END
$$;
COMMENT ON FUNCTION account_tree(timestamptz) IS 'each account with itself (depth 0) and every account above it (1 for its parent), as it was known at a recorded time (NULL: now); level counts from the root, 0. valid is split at every change of the way to the root, so that the rows of an account that hold at an instant are one way. A merged account has, from then on, the rows of the one it was merged into, which is its ancestor at depth 0.';

CREATE FUNCTION _price_way(as_of timestamptz, these bigint[] DEFAULT NULL) RETURNS TABLE (account bigint, ancestor bigint, place bigint, valid tstzrange)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50000
	SET search_path = pg_catalog, pg_temp
	-- a table that nobody has analyzed yet looks small, and a nested loop would go through it for every row
	SET enable_nestloop = off
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE link AS MATERIALIZED (
		SELECT m.account, m.merged_into, m.at, ARRAY[(-1000000 * extract(epoch FROM m.at))::bigint, -m.account] AS step
		FROM compute_ledger.account_merge AS m
		WHERE m.recorded @> coalesce($1, 'infinity')
	), merged AS (
		-- those that were merged into an account, each before those that were merged into it, the latest first
		SELECT l.merged_into AS account, l.account AS other, l.at, l.step AS steps FROM link AS l
		UNION ALL
		SELECT m.account, l.account, greatest(m.at, l.at), m.steps || l.step
		FROM merged AS m JOIN link AS l ON l.merged_into = m.other
	), beside AS (
		SELECT m.account, m.other, m.at, row_number() OVER (PARTITION BY m.account ORDER BY m.steps) AS n FROM merged AS m
	), way AS (
		SELECT p.account, a.id AS ancestor, (cardinality(p.path) - a.n) * 1000000 AS place, p.valid
		FROM compute_ledger._account_path($1, these) AS p, unnest(p.path) WITH ORDINALITY AS a (id, n)
	)
	SELECT w.account, w.ancestor, w.place, w.valid FROM way AS w
	UNION ALL
	SELECT w.account, b.other, w.place + b.n, w.valid * tstzrange(b.at, NULL)
	FROM way AS w JOIN beside AS b ON b.account = w.ancestor AND w.valid && tstzrange(b.at, NULL);
END
$$;
COMMENT ON FUNCTION _price_way(timestamptz, bigint[]) IS 'the accounts whose prices serve the usage of each account, as it was known at a recorded time (NULL: now), and their order: the lesser place goes before the greater. Itself, or the account that it was merged into, and every account above, each followed by the accounts that were merged into it, the latest merger first (of one instant, the higher number), and each of these by those that were merged into it. No account is twice in a way at one time. These: as _account_path() has it';

CREATE FUNCTION _payers(as_of timestamptz DEFAULT NULL)
	RETURNS TABLE (account bigint, payer bigint, calendar bigint, time_zone text, currency text, valid tstzrange)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	-- a table that nobody has analyzed yet looks small, and a nested loop would go through it for every row
	SET enable_nestloop = off
AS $$
	WITH RECURSIVE version AS MATERIALIZED (
		SELECT v.account, v.parent, v.calendar, v.time_zone, v.currency, unnest(range_agg(v.valid)) AS valid
		FROM compute_ledger.account_version AS v
		WHERE v.recorded @> coalesce($1, 'infinity')
		GROUP BY v.account, v.parent, v.calendar, v.time_zone, v.currency
	), place AS (
		-- inherited is the currency that holds here, currency the one that the payer is billed in
		SELECT v.account, v.account AS payer, coalesce(v.calendar, c.id) AS calendar, v.time_zone, v.currency AS inherited, v.currency, v.valid
		FROM version AS v LEFT JOIN compute_ledger.billing_calendar AS c ON c.name = 'month/' || v.time_zone
		WHERE v.parent IS NULL
		UNION ALL
		SELECT v.account,
			CASE WHEN v.calendar IS NULL THEN p.payer ELSE v.account END,
			coalesce(v.calendar, p.calendar),
			coalesce(v.time_zone, p.time_zone),
			coalesce(v.currency, p.inherited),
			CASE WHEN v.calendar IS NULL THEN p.currency ELSE coalesce(v.currency, p.inherited) END,
			v.valid * p.valid
		FROM place AS p JOIN version AS v ON v.parent = p.account AND v.valid && p.valid
	), named AS (
		SELECT p.account, p.payer, p.calendar, p.time_zone, p.currency, p.valid FROM place AS p
		UNION ALL
		SELECT a.account, p.payer, p.calendar, p.time_zone, p.currency, p.valid * a.valid
		FROM compute_ledger._account_alias($1) AS a JOIN place AS p ON p.account = a.target AND p.valid && a.valid
	)
	SELECT n.account, n.payer, n.calendar, n.time_zone, n.currency, unnest(range_agg(n.valid))
	FROM named AS n
	GROUP BY n.account, n.payer, n.calendar, n.time_zone, n.currency
$$;
COMMENT ON FUNCTION _payers(timestamptz) IS 'what payers() does';

CREATE FUNCTION payers(as_of timestamptz DEFAULT NULL)
	RETURNS TABLE (account bigint, payer bigint, calendar bigint, time_zone text, currency text, valid tstzrange)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._payers(as_of) AS t;
END
$$;
COMMENT ON FUNCTION payers(timestamptz) IS 'who is billed for each account, as it was known at a recorded time (NULL: now): the nearest account with a billing calendar, itself included, or else the root, by the calendar months of its own zone; with the account''s time zone and the payer''s currency, each its own or inherited. For roles that see the whole ledger.';

-- ------------------------------------------------------------------ names

CREATE FUNCTION _account_names(as_of timestamptz DEFAULT NULL) RETURNS TABLE (name text, account bigint, valid tstzrange)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	-- a table that nobody has analyzed yet looks small, and a nested loop would go through it for every row
	SET enable_nestloop = off
AS $$
	WITH version AS MATERIALIZED (
		SELECT v.account, unnest(range_agg(v.valid)) AS valid
		FROM compute_ledger.account_version AS v
		WHERE v.recorded @> coalesce($1, 'infinity')
		GROUP BY v.account
	)
	SELECT n.name, v.account, v.valid
	FROM version AS v JOIN compute_ledger.account AS n ON n.id = v.account
	UNION ALL
	SELECT n.name, v.account, v.valid * a.valid
	FROM compute_ledger._account_alias($1) AS a
		JOIN version AS v ON v.account = a.target AND v.valid && a.valid
		JOIN compute_ledger.account AS n ON n.id = a.account
$$;
COMMENT ON FUNCTION _account_names(timestamptz) IS 'what account_names() does';

CREATE FUNCTION account_names(as_of timestamptz DEFAULT NULL) RETURNS TABLE (name text, account bigint, valid tstzrange)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._account_names(as_of) AS t;
END
$$;
COMMENT ON FUNCTION account_names(timestamptz) IS 'which account a name means, and when, as it was known at a recorded time (NULL: now); merges are followed. To resolve many names at once: join on name and valid @> the instant.';

CREATE FUNCTION _account_id(name text, at timestamptz DEFAULT CURRENT_TIMESTAMP) RETURNS bigint
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE meant AS (
		SELECT a.id FROM compute_ledger.account AS a WHERE a.name = $1
		UNION
		SELECT m.merged_into
		FROM meant AS b JOIN compute_ledger.account_merge AS m ON m.account = b.id
		WHERE upper_inf(m.recorded) AND m.at <= $2
	)
	SELECT b.id FROM meant AS b
	WHERE EXISTS (SELECT FROM compute_ledger.account_version AS v
		WHERE v.account = b.id AND upper_inf(v.recorded) AND v.valid @> $2)
$$;
COMMENT ON FUNCTION _account_id(text, timestamptz) IS 'what account_id() does';

CREATE FUNCTION _account_named(name text, at timestamptz) RETURNS bigint
	LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'account_named';
COMMENT ON FUNCTION _account_named(text, timestamptz) IS 'the account that has a name, if it is valid at an instant, which one that was merged is not any more; else NULL, and NULL for NULL';

CREATE FUNCTION account_id(name text, at timestamptz DEFAULT CURRENT_TIMESTAMP) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._account_id(name, at);
END
$$;
COMMENT ON FUNCTION account_id(text, timestamptz) IS 'number of the account that a name means at an instant, by default now; a merged account''s name means the one it was merged into. NULL for an unknown name, for an account that was not valid then, and for NULL.';

-- ------------------------------------------------------------------ changing accounts

CREATE FUNCTION _account_number(name text) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_id bigint;
BEGIN
	SELECT a.id INTO found_id FROM compute_ledger.account AS a WHERE a.name = _account_number.name;
	IF found_id IS NULL THEN
		PERFORM compute_ledger._refuse('LC006', format('account "%s" does not exist', name),
			hint => compute_ledger._similar_names(name, ARRAY(SELECT a.name FROM compute_ledger.account AS a)));
	END IF;
	RETURN found_id;
END
$$;
COMMENT ON FUNCTION _account_number(text) IS 'number of the account of exactly this name; LC006 if there is none';

CREATE FUNCTION _check_account(kind text, jurisdiction text, currency text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF kind NOT IN ('customer', 'provider', 'internal') THEN
		PERFORM compute_ledger._refuse('23514', format('unknown kind of account: "%s"', kind), hint => 'Kinds are customer, provider and internal.', "constraint" => 'account_version_kind_check');
	ELSIF jurisdiction IS NOT NULL AND NOT EXISTS (SELECT FROM compute_ledger.country AS c WHERE c.code = jurisdiction) THEN
		PERFORM compute_ledger._refuse('23503', format('unknown jurisdiction: "%s"', jurisdiction), hint => 'Jurisdictions are the codes of table country, ISO 3166-1: DE, SG.', "constraint" => 'account_version_jurisdiction_fkey');
	END IF;
	PERFORM compute_ledger._check_currency(currency);
END
$$;
COMMENT ON FUNCTION _check_account(text, text, text) IS 'raises what is wrong with what an account is to be: 23514 unknown kind, 23503 unknown jurisdiction or currency; NULL is nothing wrong';

CREATE FUNCTION _create_account(name text, kind text DEFAULT 'customer', parent text DEFAULT NULL, jurisdiction text DEFAULT NULL, time_zone text DEFAULT NULL,
	currency text DEFAULT NULL, title text DEFAULT NULL, calendar text DEFAULT NULL, jurisdiction_verified boolean DEFAULT false, valid_from timestamptz DEFAULT '-infinity') RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	new_id bigint;
	above bigint;
	billed bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._check_name('an account', name);
	PERFORM compute_ledger._check_account(kind, jurisdiction, currency);
	IF EXISTS (SELECT FROM compute_ledger.account AS a WHERE a.name = _create_account.name) THEN
		PERFORM compute_ledger._refuse('23505', format('account "%s" exists already', name), hint => 'change_account() changes it, from an instant on.', "constraint" => 'account_name_key');
	END IF;
	IF parent IS NOT NULL THEN
		above := compute_ledger._account_number(parent);
	ELSIF currency IS NULL THEN
		PERFORM compute_ledger._refuse('23502', format('account "%s" has no parent and needs a currency', name));
	ELSE
		time_zone := coalesce(time_zone, 'UTC');
	END IF;
	IF calendar IS NOT NULL THEN
		SELECT c.id INTO billed FROM compute_ledger.billing_calendar AS c WHERE c.name = _create_account.calendar;
		IF NOT FOUND THEN
			PERFORM compute_ledger._refuse('42704', format('billing calendar "%s" does not exist', calendar));
		END IF;
	END IF;
	INSERT INTO compute_ledger.account (name) VALUES (_create_account.name) RETURNING id INTO new_id;
	INSERT INTO compute_ledger.account_version (account, parent, kind, title, jurisdiction, jurisdiction_verified, time_zone, currency, calendar, valid)
	VALUES (new_id, above, _create_account.kind, _create_account.title, _create_account.jurisdiction, _create_account.jurisdiction_verified,
		_create_account.time_zone, _create_account.currency, billed, tstzrange(valid_from, NULL));
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION _create_account(text, text, text, text, text, text, text, text, boolean, timestamptz) IS 'what create_account() does';

CREATE FUNCTION create_account(name text, kind text DEFAULT 'customer', parent text DEFAULT NULL, jurisdiction text DEFAULT NULL, time_zone text DEFAULT NULL,
	currency text DEFAULT NULL, title text DEFAULT NULL, calendar text DEFAULT NULL, jurisdiction_verified boolean DEFAULT false, valid_from timestamptz DEFAULT '-infinity') RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._create_account(name, kind, parent, jurisdiction, time_zone, currency, title, calendar, jurisdiction_verified, valid_from);
END
$$;
COMMENT ON FUNCTION create_account(text, text, text, text, text, text, text, text, boolean, timestamptz) IS 'makes an account, valid from an instant on, and returns its number; parent and calendar are names. Without a parent it is a root, needs a currency, and its time zone is UTC unless given; below one, time zone and currency are the parent''s unless given. LC006 unknown parent, 42704 unknown calendar, 23505 name in use.';

CREATE FUNCTION _split_account(account bigint, at timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	whole record;
BEGIN
	IF at IS NULL OR at = 'infinity' THEN
		PERFORM compute_ledger._refuse('22023', 'an account is changed from an instant on');
	ELSIF at = '-infinity' THEN
		RETURN;
	END IF;
	SELECT v.* INTO whole
	FROM compute_ledger.account_version AS v
	WHERE v.account = _split_account.account AND upper_inf(v.recorded) AND v.valid @> at AND lower(v.valid) IS DISTINCT FROM at;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	UPDATE compute_ledger.account_version AS v SET valid = tstzrange(lower(v.valid), at)
	WHERE v.account = whole.account AND upper_inf(v.recorded) AND v.valid @> at;
	INSERT INTO compute_ledger.account_version (account, parent, kind, title, jurisdiction, jurisdiction_verified, time_zone, currency, calendar, valid)
	VALUES (whole.account, whole.parent, whole.kind, whole.title, whole.jurisdiction, whole.jurisdiction_verified, whole.time_zone, whole.currency, whole.calendar,
		tstzrange(at, upper(whole.valid)));
END
$$;
COMMENT ON FUNCTION _split_account(bigint, timestamptz) IS 'cuts the version of an account that holds at an instant in two, so that what follows can be changed alone; 22023 for infinity and NULL';

CREATE FUNCTION _change_account(name text, valid_from timestamptz, kind text DEFAULT NULL, jurisdiction text DEFAULT NULL, time_zone text DEFAULT NULL,
	currency text DEFAULT NULL, title text DEFAULT NULL, calendar text DEFAULT NULL, jurisdiction_verified boolean DEFAULT NULL, parent text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	this bigint;
	above bigint;
	billed bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._check_account(kind, jurisdiction, NULL);
	-- who changes the tree waits here, and sees what the one before did
	UPDATE compute_ledger.account_version AS v SET title = v.title WHERE false;
	this := compute_ledger._account_number(name);
	IF parent IS NOT NULL THEN
		above := compute_ledger._account_number(parent);
	END IF;
	IF calendar IS NOT NULL THEN
		SELECT c.id INTO billed FROM compute_ledger.billing_calendar AS c WHERE c.name = _change_account.calendar;
		IF NOT FOUND THEN
			PERFORM compute_ledger._refuse('42704', format('billing calendar "%s" does not exist', calendar));
		END IF;
	END IF;
	IF NOT EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE v.account = this AND upper_inf(v.recorded) AND v.valid && tstzrange(valid_from, NULL)) THEN
		PERFORM compute_ledger._refuse('LC006', format('account "%s" is not valid from %s on', name, valid_from));
	END IF;
	PERFORM compute_ledger._split_account(this, valid_from);
	UPDATE compute_ledger.account_version AS v
	SET parent = coalesce(above, v.parent), kind = coalesce(_change_account.kind, v.kind), jurisdiction = coalesce(_change_account.jurisdiction, v.jurisdiction),
		-- another jurisdiction has not been verified yet
		jurisdiction_verified = coalesce(_change_account.jurisdiction_verified, v.jurisdiction_verified AND (_change_account.jurisdiction IS NULL OR _change_account.jurisdiction = v.jurisdiction)),
		time_zone = coalesce(_change_account.time_zone, v.time_zone), currency = coalesce(_change_account.currency, v.currency),
		title = coalesce(_change_account.title, v.title), calendar = coalesce(billed, v.calendar)
	WHERE v.account = this AND upper_inf(v.recorded) AND v.valid && tstzrange(valid_from, NULL);
END
$$;
COMMENT ON FUNCTION _change_account(text, timestamptz, text, text, text, text, text, text, boolean, text) IS 'what change_account() does';

CREATE FUNCTION change_account(name text, valid_from timestamptz, kind text DEFAULT NULL, jurisdiction text DEFAULT NULL, time_zone text DEFAULT NULL,
	currency text DEFAULT NULL, title text DEFAULT NULL, calendar text DEFAULT NULL, jurisdiction_verified boolean DEFAULT NULL, parent text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._change_account(name, valid_from, kind, jurisdiction, time_zone, currency, title, calendar, jurisdiction_verified, parent);
END
$$;
COMMENT ON FUNCTION change_account(text, timestamptz, text, text, text, text, text, text, boolean, text) IS 'changes what is given, and leaves what is NULL, in all of an account that is valid from an instant on; a jurisdiction that changes is no longer verified unless said so. To set something back to inherited, UPDATE account_version. LC006 unknown account or parent, 42704 unknown calendar.';

CREATE FUNCTION _move_account(name text, parent text, valid_from timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	this bigint;
	above bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	-- who changes the tree waits here, and sees what the one before did
	UPDATE compute_ledger.account_version AS v SET title = v.title WHERE false;
	this := compute_ledger._account_number(name);
	above := CASE WHEN parent IS NOT NULL THEN compute_ledger._account_number(parent) END;
	IF NOT EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE v.account = this AND upper_inf(v.recorded) AND v.valid && tstzrange(valid_from, NULL)) THEN
		PERFORM compute_ledger._refuse('LC006', format('account "%s" is not valid from %s on', name, valid_from));
	END IF;
	PERFORM compute_ledger._split_account(this, valid_from);
	UPDATE compute_ledger.account_version AS v
	SET parent = above
	WHERE v.account = this AND upper_inf(v.recorded) AND v.valid && tstzrange(valid_from, NULL);
END
$$;
COMMENT ON FUNCTION _move_account(text, text, timestamptz) IS 'what move_account() does';

CREATE FUNCTION move_account(name text, parent text, valid_from timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._move_account(name, parent, valid_from);
END
$$;
COMMENT ON FUNCTION move_account(text, text, timestamptz) IS 'puts an account, with all that is under it, under another parent from an instant on (NULL: makes it a root, which needs a time zone and a currency of its own); what was before stays as it was. LC006 unknown account or parent; 23000 at the end of the transaction if it would be above itself.';

CREATE FUNCTION _merge_account(name text, "into" text, at timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	this bigint;
	other bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	-- who changes the tree waits here, and sees what the one before did
	UPDATE compute_ledger.account_version AS v SET title = v.title WHERE false;
	this := compute_ledger._account_number(name);
	other := compute_ledger._account_number("into");
	IF isfinite(at) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', 'an account is merged at a finite time');
	END IF;
	IF EXISTS (SELECT FROM compute_ledger.account_merge AS m WHERE m.account = this AND upper_inf(m.recorded)) THEN
		PERFORM compute_ledger._refuse('55000', format('account "%s" has already been merged', name));
	END IF;
	IF this = other OR EXISTS (
		WITH RECURSIVE meant AS (
			SELECT other AS id
			UNION
			SELECT m.merged_into FROM meant AS b JOIN compute_ledger.account_merge AS m ON m.account = b.id AND upper_inf(m.recorded)
		)
		SELECT FROM meant AS b WHERE b.id = this)
	THEN
		PERFORM compute_ledger._refuse('22023', format('account "%s" cannot be merged into itself', name));
	END IF;
	IF NOT EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE v.account = other AND upper_inf(v.recorded) AND v.valid @> at) THEN
		PERFORM compute_ledger._refuse('LC006', format('account "%s" is not valid at %s', "into", at));
	END IF;
	IF EXISTS (
		WITH RECURSIVE climb AS (
			SELECT v.parent, v.valid * tstzrange(at, NULL) AS valid
			FROM compute_ledger.account_version AS v
			WHERE v.account = other AND upper_inf(v.recorded) AND v.valid && tstzrange(at, NULL)
			UNION
			SELECT v.parent, v.valid * c.valid
			FROM climb AS c JOIN compute_ledger.account_version AS v ON v.account = c.parent AND upper_inf(v.recorded) AND v.valid && c.valid
		)
		SELECT FROM climb AS c WHERE c.parent = this)
	THEN
		PERFORM compute_ledger._refuse('23000', format('account "%s" cannot be merged into "%s", which is under it', name, "into"),
			hint => 'Move that account first.');
	END IF;
	-- what is under it goes to the other account
	PERFORM compute_ledger._split_account(c.account, at)
	FROM (SELECT DISTINCT v.account FROM compute_ledger.account_version AS v
		WHERE v.parent = this AND upper_inf(v.recorded) AND v.valid @> at) AS c;
	UPDATE compute_ledger.account_version AS v SET parent = other
	WHERE v.parent = this AND upper_inf(v.recorded) AND v.valid && tstzrange(at, NULL);
	-- and it ends
	PERFORM compute_ledger._split_account(this, at);
	DELETE FROM compute_ledger.account_version AS v
	WHERE v.account = this AND upper_inf(v.recorded) AND v.valid && tstzrange(at, NULL);
	INSERT INTO compute_ledger.account_merge (account, merged_into, at) VALUES (this, other, _merge_account.at);
END
$$;
COMMENT ON FUNCTION _merge_account(text, text, timestamptz) IS 'what merge_account() does';

CREATE FUNCTION merge_account(name text, "into" text, at timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._merge_account(name, "into", at);
END
$$;
COMMENT ON FUNCTION merge_account(text, text, timestamptz) IS 'ends an account at an instant and makes its name and number stand for another account from then on; what is under it goes there too. What was before stays as it was. LC006 unknown account, or one that is not valid at that instant; 23000 if the other account is under it; 22023 if it would be merged into itself; 55000 if it was merged before.';

-- ------------------------------------------------------------------ what is checked

CREATE FUNCTION _tree_depth_limit() RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
	SELECT 100
$$;
COMMENT ON FUNCTION _tree_depth_limit() IS 'how many accounts there may be above an account, and how many mergers there may be in a chain: the ways of all accounts are as long in all as there are accounts, times this';

CREATE FUNCTION _check_accounts(changed_at timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bad record;
	this bigint;
	above bigint;
	lowest bigint;
	valid tstzrange;
	within tstzrange;
	zones text[];
BEGIN
	-- parents: of what was recorded, and of what is under it
	WITH changed AS (
		SELECT c.account FROM compute_ledger.account_version AS c WHERE lower(c.recorded) = changed_at
		UNION
		SELECT c.account FROM compute_ledger.account_version AS c WHERE upper(c.recorded) = changed_at AND NOT upper_inf(c.recorded)
	), child AS (
		SELECT v.account, v.parent, v.valid FROM compute_ledger.account_version AS v
		WHERE lower(v.recorded) = changed_at AND upper_inf(v.recorded) AND v.parent IS NOT NULL
		UNION
		SELECT v.account, v.parent, v.valid FROM changed AS c JOIN compute_ledger.account_version AS v ON v.parent = c.account AND upper_inf(v.recorded)
	), above AS (
		SELECT o.account, range_agg(o.valid) AS valid
		FROM (SELECT DISTINCT c.parent FROM child AS c) AS c JOIN compute_ledger.account_version AS o ON o.account = c.parent AND upper_inf(o.recorded)
		GROUP BY o.account
	)
	SELECT a.name AS account, p.name AS parent, v.valid
	INTO bad
	FROM child AS v LEFT JOIN above AS o ON o.account = v.parent
		LEFT JOIN compute_ledger.account AS a ON a.id = v.account
		LEFT JOIN compute_ledger.account AS p ON p.id = v.parent
	WHERE (v.valid <@ o.valid) IS NOT TRUE
	LIMIT 1;
	IF FOUND THEN
		PERFORM compute_ledger._refuse('23000', format('account "%s" has a parent, "%s", that is not valid all the time', bad.account, bad.parent),
			detail => format('The version under it is valid in %s.', bad.valid));
	END IF;
	-- depth and cycles: of what was recorded, of what is above it and of what is under it, each account once, from the top
	WITH RECURSIVE changed AS (
		SELECT v.account FROM compute_ledger.account_version AS v
		WHERE lower(v.recorded) = changed_at AND upper_inf(v.recorded) AND v.parent IS NOT NULL
	), down AS (
		SELECT c.account FROM changed AS c
		UNION
		SELECT v.account FROM down AS d JOIN compute_ledger.account_version AS v ON v.parent = d.account AND upper_inf(v.recorded)
	), up AS (
		-- at any time: what is under it now may have been elsewhere
		SELECT d.account FROM down AS d
		UNION
		SELECT v.parent FROM up AS u JOIN compute_ledger.account_version AS v ON v.account = u.account AND upper_inf(v.recorded)
		WHERE v.parent IS NOT NULL
	), version AS MATERIALIZED (
		SELECT v.account, v.parent, v.valid
		FROM up AS u JOIN compute_ledger.account_version AS v ON v.account = u.account AND upper_inf(v.recorded)
	), place AS (
		SELECT v.account, v.valid, 0 AS depth FROM version AS v WHERE v.parent IS NULL
		UNION
		SELECT v.account, v.valid * p.valid, p.depth + 1
		FROM place AS p JOIN version AS v ON v.parent = p.account AND v.valid && p.valid
		WHERE p.depth <= compute_ledger._tree_depth_limit()
	), reached AS (
		SELECT p.account, range_agg(p.valid) AS valid, max(p.depth) AS depth FROM place AS p GROUP BY p.account
	)
	SELECT a.name AS account, r.account IS NOT NULL AND r.depth > compute_ledger._tree_depth_limit() AS deep, v.account AS id,
		coalesce(lower(v.valid * range_merge(tstzmultirange(v.valid) - coalesce(r.valid, '{}'))), '-infinity') AS at,
		(SELECT count(*) FROM version AS all_of) AS versions
	INTO bad
	FROM version AS v LEFT JOIN reached AS r ON r.account = v.account
		JOIN compute_ledger.account AS a ON a.id = v.account
	WHERE r.depth > compute_ledger._tree_depth_limit() OR (v.valid <@ r.valid) IS NOT TRUE
	-- what is too deep keeps from being reached what is under it
	ORDER BY r.depth DESC NULLS LAST, v.account
	LIMIT 1;
	IF FOUND AND bad.deep THEN
		PERFORM compute_ledger._refuse('54000', format('account "%s" is too deep in the tree', bad.account),
			detail => format('There may be %s accounts above an account.', compute_ledger._tree_depth_limit()));
	ELSIF FOUND THEN
		-- no root reaches it then: so many steps up lead into a cycle, and as many lead through all of it
		this := bad.id;
		within := '(,)';
		lowest := NULL;
		FOR step IN 1 .. 2 * bad.versions LOOP
			SELECT v.parent, v.valid INTO above, valid
			FROM compute_ledger.account_version AS v
			WHERE v.account = this AND upper_inf(v.recorded) AND v.valid @> bad.at::timestamptz;
			IF step > bad.versions THEN
				within := within * valid;
				lowest := least(lowest, this);
			END IF;
			this := above;
		END LOOP;
		SELECT a.name AS account, within AS valid INTO bad FROM compute_ledger.account AS a WHERE a.id = lowest;
		PERFORM compute_ledger._refuse('23000', format('account "%s" would be above itself', bad.account),
			detail => format('This would be so in %s.', bad.valid));
	END IF;
	-- merges
	SELECT a.name AS account, v.valid, m.at INTO bad
	FROM compute_ledger.account_merge AS m
		JOIN compute_ledger.account_version AS v ON v.account = m.account AND upper_inf(v.recorded) AND v.valid && tstzrange(m.at, NULL)
		JOIN compute_ledger.account AS a ON a.id = m.account
	WHERE upper_inf(m.recorded) AND (lower(v.recorded) = changed_at OR lower(m.recorded) = changed_at)
	LIMIT 1;
	IF FOUND THEN
		PERFORM compute_ledger._refuse('23000', format('account "%s" is merged into another from %s on and has no version then', bad.account, bad.at),
			detail => format('The version is valid in %s.', bad.valid));
	END IF;
	-- mergers: each leads to an account that was not merged, and not too far; each account is asked once, from there
	WITH RECURSIVE changed AS (
		SELECT m.account FROM compute_ledger.account_merge AS m WHERE lower(m.recorded) = changed_at AND upper_inf(m.recorded)
	), up AS (
		SELECT c.account FROM changed AS c
		UNION
		SELECT m.merged_into FROM up AS u JOIN compute_ledger.account_merge AS m ON m.account = u.account AND upper_inf(m.recorded)
	), down AS (
		SELECT c.account FROM changed AS c
		UNION
		SELECT m.account FROM down AS d JOIN compute_ledger.account_merge AS m ON m.merged_into = d.account AND upper_inf(m.recorded)
	), link AS MATERIALIZED (
		SELECT x.account, m.merged_into
		FROM (SELECT u.account FROM up AS u UNION SELECT d.account FROM down AS d) AS x
			LEFT JOIN compute_ledger.account_merge AS m ON m.account = x.account AND upper_inf(m.recorded)
	), place AS (
		SELECT l.account, 0 AS depth FROM link AS l WHERE l.merged_into IS NULL
		UNION
		SELECT l.account, p.depth + 1 FROM place AS p JOIN link AS l ON l.merged_into = p.account
		WHERE p.depth <= compute_ledger._tree_depth_limit()
	)
	SELECT a.name AS account, p.account IS NULL AS circular INTO bad
	FROM link AS l LEFT JOIN place AS p ON p.account = l.account
		JOIN compute_ledger.account AS a ON a.id = l.account
	WHERE p.account IS NULL OR p.depth > compute_ledger._tree_depth_limit()
	ORDER BY p.depth DESC NULLS LAST, l.account
	LIMIT 1;
	IF FOUND AND bad.circular THEN
		PERFORM compute_ledger._refuse('23000', format('account "%s" would be merged into itself', bad.account));
	ELSIF FOUND THEN
		PERFORM compute_ledger._refuse('54000', format('account "%s" is merged through too many accounts', bad.account),
			detail => format('A chain of mergers may have %s.', compute_ledger._tree_depth_limit()));
	END IF;
	-- what was merged has somebody's bills to go on: the other account is there at that time, or was merged itself
	SELECT a.name AS account, i.name AS other, m.at INTO bad
	FROM compute_ledger.account_merge AS m
		JOIN compute_ledger.account AS a ON a.id = m.account
		JOIN compute_ledger.account AS i ON i.id = m.merged_into
	WHERE upper_inf(m.recorded) AND (lower(m.recorded) = changed_at
			OR m.merged_into IN (SELECT v.account FROM compute_ledger.account_version AS v WHERE upper(v.recorded) = changed_at AND NOT upper_inf(v.recorded)
				UNION ALL
				SELECT n.account FROM compute_ledger.account_merge AS n WHERE upper(n.recorded) = changed_at AND NOT upper_inf(n.recorded)))
		AND NOT EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE v.account = m.merged_into AND upper_inf(v.recorded) AND v.valid @> m.at)
		AND NOT EXISTS (SELECT FROM compute_ledger.account_merge AS n WHERE n.account = m.merged_into AND upper_inf(n.recorded) AND n.at <= m.at)
	LIMIT 1;
	IF FOUND THEN
		PERFORM compute_ledger._refuse('23000', format('account "%s" is merged into "%s", which is not valid then', bad.account, bad.other),
			detail => format('They are merged at %s.', bad.at));
	END IF;
	-- time zones: pg_timezone_names reads every zone's file, so only names that are new are looked up
	SELECT array_agg(DISTINCT v.time_zone) INTO zones
	FROM compute_ledger.account_version AS v
	WHERE lower(v.recorded) = changed_at AND v.time_zone IS NOT NULL
		AND NOT EXISTS (SELECT FROM compute_ledger.billing_calendar AS c WHERE c.name = 'month/' || v.time_zone);
	IF zones IS NOT NULL THEN
		INSERT INTO compute_ledger.billing_calendar (name, anchor, time_zone, rule, title)
		SELECT 'month/' || z.name, '2000-01-01', z.name, '1 month', 'calendar months in ' || z.name
		FROM unnest(zones) AS z (name)
		ORDER BY z.name COLLATE "C"
		ON CONFLICT DO NOTHING;
	END IF;
END
$$;
COMMENT ON FUNCTION _check_accounts(timestamptz) IS 'checks the account tree where a transaction changed it: parents valid as long as their children, no cycle at any time, nothing left of what was merged, and something of what it was merged into (23000), neither tree nor chains of mergers deeper than they may be (54000), names of time zones (22023); makes the calendar of the months of each zone';

CREATE FUNCTION _account_guard() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._refuse('23001', 'the name and number of an account do not change',
		hint => 'Make another account and merge this one into it: the old name stays an alias.');
END
$$;
COMMENT ON FUNCTION _account_guard() IS 'trigger, BEFORE UPDATE of account: refuses (23001)';
