-- The ledger, and the demo's own tables: plain tables in a schema of their own.
\set ECHO none
CREATE SCHEMA demo;
SET search_path = demo, public, compute_ledger;
SELECT create_ledger() \g /dev/null

-- What the files say, as text: the loader takes lines apart, and judges nothing.
CREATE TABLE staging (line bigint, region text, account text, name text, devices text, started text, ended text,
	job text, number_format text, achieved text, problem text, raw text);
CREATE TABLE staging_capacity (line bigint, region text, name text, devices text, problem text, raw text);
CREATE TABLE staging_price (line bigint, class text, unit text, price text, currency text, problem text, raw text);

-- A value that looks right may still be no value (31 June): these answer NULL for it.  Each call with an exception
-- block is a subtransaction, so they are asked only about what the checks' patterns leave open.
CREATE FUNCTION time_of(value text) RETURNS timestamptz LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN value::timestamptz;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;
CREATE FUNCTION work_of(value text) RETURNS compute_ledger.compute_unit LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN value::compute_ledger.compute_unit;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;
CREATE FUNCTION class_of(value text) RETURNS compute_ledger.accelerator LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN value::compute_ledger.accelerator;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;
