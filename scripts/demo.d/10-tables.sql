-- The ledger, and beside it, in a schema of the demo's own, what the ledger has no place for: lines that are no rows,
-- and the two lists, of cards and of prices, that may come with the usage.
\set ECHO none
CREATE SCHEMA demo;
SET search_path = demo, public, compute_ledger;
SELECT create_ledger() \g /dev/null

CREATE TABLE unreadable (file text, line bigint, reason text, row text);
CREATE TABLE staging_capacity (line bigint, region text, name text, devices text);
CREATE TABLE staging_price (line bigint, class text, unit text, price text, currency text);

-- An instant as accept_usage() reads it in the sources of the file: Unix seconds too, and in the time zone of the load, where it names none.
CREATE FUNCTION instant(cell text) RETURNS timestamptz LANGUAGE sql STABLE
SET timezone FROM CURRENT AS $$
	SELECT compute_ledger._usage_timestamptz(cell, NULL, true)
$$;

-- What looks like a class may be none; this answers NULL then.
CREATE FUNCTION class_of(value text) RETURNS compute_ledger.accelerator LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN value::compute_ledger.accelerator;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;

-- Whether three cells are in the form that most files have, so that they surely are instants, in order, and a number: what is wrong
-- with others is for the ledger to say.
CREATE FUNCTION is_plain(started text, ended text, devices text) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN started ~ form AND ended ~ form THEN started::timestamptz < ended::timestamptz END
		AND devices ~ '^[1-9][0-9]{0,6}(\.[0-9]{1,6})?$'
	FROM (VALUES ('^20[0-9]{2}-(0[1-9]|1[0-2])-([01][1-9]|[12]0|2[1-8])[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-]0[0-9]:00)$')) AS f (form)
$$;
