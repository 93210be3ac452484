-- What was accepted stays as it was accepted.
--
-- The ledger's functions change two columns: _usage_record.superseded, once, when a higher revision
-- comes or the record is identified anew, and usage_key.record, when it is.  They are SECURITY DEFINER
-- and belong to pg_database_owner, so that current_user says that one of them is at work: nobody can log
-- in as that role, and whom SET ROLE made it is known by the setting.

CREATE FUNCTION _refuse_usage_change() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kept record;
BEGIN
	IF TG_OP = 'UPDATE' AND TG_NARGS = 1 AND current_user = 'pg_database_owner' AND current_setting('role') <> 'pg_database_owner' THEN
		kept := NEW;
		IF TG_ARGV[0] = 'record' THEN
			kept.record := OLD.record;
		ELSIF OLD.superseded = 'infinity' THEN
			kept.superseded := OLD.superseded;
		END IF;
		-- to the byte: 8 and 8.0 are not the same here
		IF kept OPERATOR(pg_catalog.*=) OLD THEN
			RETURN NEW;
		END IF;
	END IF;
	PERFORM compute_ledger._refuse('23001', format('rows of table %s never change', quote_ident(TG_TABLE_NAME)),
		detail => 'They are what was accepted.',
		hint => 'Send a higher revision of the record, or one that retracts it. An old month is detached, or dropped, as a partition.');
END
$$;
COMMENT ON FUNCTION _refuse_usage_change() IS 'trigger, BEFORE UPDATE OR DELETE FOR EACH ROW and BEFORE TRUNCATE of _usage_record, usage_key and usage_kind, and INSTEAD OF on usage_record, with the column, if any, that the ledger''s functions change as argument: raises 23001 unless one of them changes that column alone, superseded from infinity only';

-- Keys say their source by its number, for ever: a source of another name or number would send all that it has sent again.
CREATE FUNCTION _refuse_source_change() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND (NEW.source, NEW.number) IS NOT DISTINCT FROM (OLD.source, OLD.number)
		OR TG_OP <> 'TRUNCATE' AND NOT EXISTS (SELECT FROM compute_ledger.usage_key AS k WHERE k.source = OLD.number)
		OR TG_OP = 'TRUNCATE' AND NOT EXISTS (SELECT FROM compute_ledger.usage_key)
	THEN
		RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW ELSE OLD END;
	END IF;
	PERFORM compute_ledger._refuse('23001', CASE TG_OP WHEN 'TRUNCATE' THEN 'usage of these sources was accepted' ELSE format('usage of source "%s" was accepted', left(OLD.source, 80)) END,
		detail => 'By its name and number its records are known when they come again.',
		hint => 'A name for people is in column title; by another name it is another source.');
END
$$;
COMMENT ON FUNCTION _refuse_source_change() IS 'trigger, BEFORE UPDATE OF source, number OR DELETE FOR EACH ROW and BEFORE TRUNCATE of usage_source: raises 23001 where usage_key has keys of the source';
