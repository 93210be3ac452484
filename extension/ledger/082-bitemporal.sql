-- Tables with two times: valid, when a fact holds, and recorded, when the ledger knew it.
--
-- Users write the current rows with plain INSERT, UPDATE and DELETE.  The triggers
-- here keep what was known before: an UPDATE leaves the old row behind, closed at
-- the transaction's stamp, and a DELETE likewise.  What a transaction itself made and
-- changed again leaves no trace.
--
-- A table that has these triggers has no key but exclusion constraints over
-- (key, valid, recorded), because the closed rows stay in it.

CREATE FUNCTION _bitemporal_row() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP = 'TRUNCATE' THEN
		PERFORM compute_ledger._refuse('23001', format('table "%s" keeps its history and is not truncated', TG_TABLE_NAME),
			hint => 'Delete the current rows.');
	END IF;
	IF TG_OP <> 'INSERT' THEN
		IF NOT upper_inf(OLD.recorded) THEN
			PERFORM compute_ledger._refuse('23001', format('row of "%s" is closed and does not change', TG_TABLE_NAME),
				detail => format('It says what the ledger knew from %s to %s.', lower(OLD.recorded), upper(OLD.recorded)));
		END IF;
		IF lower(OLD.recorded) > compute_ledger._ledger_stamp() THEN
			-- the history would run backwards
			PERFORM compute_ledger._refuse('40001', format('row of "%s" was recorded after this transaction''s recorded time', TG_TABLE_NAME),
				hint => 'Run the transaction again.');
		END IF;
		IF TG_OP = 'DELETE' THEN
			RETURN OLD;
		END IF;
		IF NEW IS NOT DISTINCT FROM OLD THEN
			RETURN NULL;
		END IF;
		FOR i IN 0 .. TG_NARGS - 1 LOOP
			IF to_jsonb(NEW) -> TG_ARGV[i] IS DISTINCT FROM to_jsonb(OLD) -> TG_ARGV[i] THEN
				PERFORM compute_ledger._refuse('23001', format('column "%s" of "%s" does not change', TG_ARGV[i], TG_TABLE_NAME),
					hint => 'Delete the row and insert another.');
			END IF;
		END LOOP;
	ELSIF current_user = 'pg_database_owner' AND NOT upper_inf(NEW.recorded) THEN
		-- what _bitemporal_history() keeps
		RETURN NEW;
	END IF;
	NEW.recorded := tstzrange(compute_ledger._ledger_stamp(), NULL);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _bitemporal_row() IS 'trigger, BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW and BEFORE TRUNCATE of a table with recorded time: sets recorded, whatever was given; refuses to change closed rows and the columns named as arguments (23001); 40001 if the row was recorded after this transaction''s stamp';

CREATE FUNCTION _bitemporal_valid() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF isempty(NEW.valid) THEN
		RETURN NEW;				-- for the check to refuse: it has no bounds to read
	END IF;
	-- no bound and an infinite one are the same: keep one form
	NEW.valid := tstzrange(nullif(lower(NEW.valid), '-infinity'), nullif(upper(NEW.valid), 'infinity'),
		CASE WHEN lower_inc(NEW.valid) OR lower_inf(NEW.valid) OR lower(NEW.valid) = '-infinity' THEN '[' ELSE '(' END
		|| CASE WHEN upper_inc(NEW.valid) AND upper(NEW.valid) < 'infinity' THEN ']' ELSE ')' END);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _bitemporal_valid() IS 'trigger, BEFORE INSERT OR UPDATE FOR EACH ROW of a table with valid time: an infinite bound becomes no bound';

CREATE FUNCTION _bitemporal_history() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	columns text;
	kept text;
BEGIN
	SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
		string_agg(CASE a.attname WHEN 'recorded' THEN 'pg_catalog.tstzrange(pg_catalog.lower(o.recorded), $1)' ELSE 'o.' || quote_ident(a.attname) END, ', ' ORDER BY a.attnum)
	INTO columns, kept
	FROM pg_attribute AS a
	WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
	EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM replaced AS o WHERE pg_catalog.lower(o.recorded) < $1', TG_RELID::regclass, columns, kept)
	USING compute_ledger._ledger_stamp();
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _bitemporal_history() IS 'trigger, AFTER UPDATE and AFTER DELETE FOR EACH STATEMENT, REFERENCING OLD TABLE AS replaced, of a table with recorded time: keeps what was replaced or deleted as closed rows';

-- ------------------------------------------------------------------ trees
--
-- A tree of versions is checked once, at the end of a transaction, for what the
-- transaction recorded: so that one may be taken apart and put together by several
-- statements.  Who changes a tree locks its row of tree_change until then, which
-- makes the changes of one tree follow one another, in recorded time too: no two
-- changes that are each right alone can make a cycle together.

CREATE FUNCTION _tree_touch() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	later timestamptz;
BEGIN
	-- the lock first, the stamp after it
	PERFORM FROM compute_ledger.tree_change AS c
	WHERE c.tree = TG_ARGV[0] AND c.transaction = pg_current_xact_id();
	IF NOT FOUND THEN
		UPDATE compute_ledger.tree_change AS c SET transaction = pg_current_xact_id()
		WHERE c.tree = TG_ARGV[0]
		RETURNING c.changed INTO later;
		IF later > compute_ledger._ledger_stamp() THEN
			PERFORM compute_ledger._refuse('40001', format('the %s tree was changed after this transaction''s recorded time', TG_ARGV[0]),
				hint => 'Run the transaction again.');
		END IF;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _tree_touch() IS 'trigger, BEFORE INSERT OR UPDATE OR DELETE FOR EACH STATEMENT of the tables that make a tree, which is the argument: waits for other transactions that change the tree, and has it checked at the end of this one; 40001 if the tree was changed after this transaction''s stamp';

CREATE FUNCTION _tree_check() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CASE NEW.tree
		WHEN 'account' THEN PERFORM compute_ledger._check_accounts(compute_ledger._ledger_stamp());
		WHEN 'region' THEN PERFORM compute_ledger._check_regions(compute_ledger._ledger_stamp());
	END CASE;
	UPDATE compute_ledger.tree_change AS c SET transaction = NULL, changed = compute_ledger._ledger_stamp()
	WHERE c.tree = NEW.tree;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _tree_check() IS 'constraint trigger of tree_change: checks a changed tree at the end of the transaction';
