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
		RAISE EXCEPTION 'table "%" keeps its history and is not truncated', TG_TABLE_NAME
			USING ERRCODE = 'restrict_violation', HINT = 'Delete the current rows.';
	END IF;
	IF TG_OP <> 'INSERT' THEN
		IF NOT upper_inf(OLD.recorded) THEN
			RAISE EXCEPTION 'row of "%" is closed and does not change', TG_TABLE_NAME
				USING ERRCODE = 'restrict_violation',
					DETAIL = format('It says what the ledger knew from %s to %s.', lower(OLD.recorded), upper(OLD.recorded));
		END IF;
		IF lower(OLD.recorded) > compute_ledger.ledger_stamp() THEN
			-- the history would run backwards
			RAISE EXCEPTION 'row of "%" was recorded after this transaction''s recorded time', TG_TABLE_NAME
				USING ERRCODE = 'serialization_failure', HINT = 'Run the transaction again.';
		END IF;
		IF TG_OP = 'DELETE' THEN
			RETURN OLD;
		END IF;
		IF NEW IS NOT DISTINCT FROM OLD THEN
			RETURN NULL;
		END IF;
		FOR i IN 0 .. TG_NARGS - 1 LOOP
			IF to_jsonb(NEW) -> TG_ARGV[i] IS DISTINCT FROM to_jsonb(OLD) -> TG_ARGV[i] THEN
				RAISE EXCEPTION 'column "%" of "%" does not change', TG_ARGV[i], TG_TABLE_NAME
					USING ERRCODE = 'restrict_violation', HINT = 'Delete the row and insert another.';
			END IF;
		END LOOP;
	ELSIF current_user = 'pg_database_owner' AND NOT upper_inf(NEW.recorded) THEN
		-- what _bitemporal_history() keeps
		RETURN NEW;
	END IF;
	NEW.recorded := tstzrange(compute_ledger.ledger_stamp(), NULL);
	RETURN NEW;
END
$$;
ALTER FUNCTION _bitemporal_row() OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _bitemporal_row() FROM PUBLIC;
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
ALTER FUNCTION _bitemporal_valid() OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _bitemporal_valid() FROM PUBLIC;
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
	USING compute_ledger.ledger_stamp();
	RETURN NULL;
END
$$;
ALTER FUNCTION _bitemporal_history() OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _bitemporal_history() FROM PUBLIC;
COMMENT ON FUNCTION _bitemporal_history() IS 'trigger, AFTER UPDATE and AFTER DELETE FOR EACH STATEMENT, REFERENCING OLD TABLE AS replaced, of a table with recorded time: keeps what was replaced or deleted as closed rows';

CREATE FUNCTION _bitemporal(relation regclass, VARIADIC fixed text[] DEFAULT '{}') RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row(%s)',
		relation, (SELECT string_agg(quote_literal(f), ', ') FROM unnest(fixed) AS f));
	EXECUTE format('CREATE TRIGGER a_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row()', relation);
	IF EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = 'valid' AND NOT a.attisdropped) THEN
		EXECUTE format('CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid()', relation);
		EXECUTE format('ALTER TABLE %s ADD CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid) AND (lower(valid) < ''infinity'') IS NOT FALSE AND (upper(valid) > ''-infinity'') IS NOT FALSE)', relation);
	END IF;
	EXECUTE format('ALTER TABLE %s ADD CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded))', relation);
	EXECUTE format('CREATE TRIGGER y_updated AFTER UPDATE ON %s REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history()', relation);
	EXECUTE format('CREATE TRIGGER y_deleted AFTER DELETE ON %s REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history()', relation);
END
$$;
COMMENT ON FUNCTION _bitemporal(regclass, text[]) IS 'part of create_ledger(): gives a table with a column recorded, and perhaps a column valid, the triggers and checks of a table with two times; the columns named do not change';

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
		IF later > compute_ledger.ledger_stamp() THEN
			RAISE EXCEPTION 'the % tree was changed after this transaction''s recorded time', TG_ARGV[0]
				USING ERRCODE = 'serialization_failure', HINT = 'Run the transaction again.';
		END IF;
	END IF;
	RETURN NULL;
END
$$;
ALTER FUNCTION _tree_touch() OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _tree_touch() FROM PUBLIC;
COMMENT ON FUNCTION _tree_touch() IS 'trigger, BEFORE INSERT OR UPDATE OR DELETE FOR EACH STATEMENT of the tables that make a tree, which is the argument: waits for other transactions that change the tree, and has it checked at the end of this one; 40001 if the tree was changed after this transaction''s stamp';

CREATE FUNCTION _tree_check() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CASE NEW.tree
		WHEN 'account' THEN PERFORM compute_ledger._check_accounts(compute_ledger.ledger_stamp());
		WHEN 'region' THEN PERFORM compute_ledger._check_regions(compute_ledger.ledger_stamp());
	END CASE;
	UPDATE compute_ledger.tree_change AS c SET transaction = NULL, changed = compute_ledger.ledger_stamp()
	WHERE c.tree = NEW.tree;
	RETURN NULL;
END
$$;
ALTER FUNCTION _tree_check() OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION _tree_check() FROM PUBLIC;
COMMENT ON FUNCTION _tree_check() IS 'constraint trigger of tree_change: checks a changed tree at the end of the transaction';

CREATE FUNCTION _create_bitemporal() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CREATE TABLE compute_ledger.tree_change (
		tree text PRIMARY KEY CHECK (tree IN ('account', 'region')),
		transaction xid8,
		changed timestamptz
	);
	COMMENT ON TABLE compute_ledger.tree_change IS 'One row for each tree, locked by the transaction that changes it.';
	COMMENT ON COLUMN compute_ledger.tree_change.tree IS 'the tree: account or region';
	COMMENT ON COLUMN compute_ledger.tree_change.transaction IS 'the transaction that changes it now; NULL in what is committed';
	COMMENT ON COLUMN compute_ledger.tree_change.changed IS 'recorded time of the last change';
	INSERT INTO compute_ledger.tree_change (tree) VALUES ('account'), ('region');
	CREATE CONSTRAINT TRIGGER tree_check AFTER UPDATE ON compute_ledger.tree_change
		DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW WHEN (NEW.transaction IS NOT NULL)
		EXECUTE FUNCTION compute_ledger._tree_check();
	PERFORM compute_ledger._protect('compute_ledger.tree_change');
END
$$;
COMMENT ON FUNCTION _create_bitemporal() IS 'part of create_ledger()';
