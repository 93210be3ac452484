-- Currencies and countries.
--
-- The lists of ISO 4217 and ISO 3166-1 ship with the extension.  The ledger has tables
-- of its own, filled from them, that its other tables refer to and that users add to.

-- ------------------------------------------------------------------ what ships

CREATE TABLE iso_currency (
	shipped boolean NOT NULL DEFAULT true CHECK (shipped),
	code text PRIMARY KEY,
	number text NOT NULL,
	name text NOT NULL,
	minor_digits integer NOT NULL
);
COMMENT ON TABLE iso_currency IS 'Currencies of ISO 4217 that money is kept in (no precious metals, no test codes). Read-only; a currency of one''s own goes into the ledger''s table currency.';
COMMENT ON COLUMN iso_currency.shipped IS 'true';
COMMENT ON COLUMN iso_currency.code IS 'alphabetic code';
COMMENT ON COLUMN iso_currency.number IS 'numeric code, three digits';
COMMENT ON COLUMN iso_currency.name IS 'English name';
COMMENT ON COLUMN iso_currency.minor_digits IS 'decimal digits of the minor unit: 2 for cents, 0 where there is none';
CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON iso_currency
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard('code');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON iso_currency
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
GRANT SELECT ON iso_currency TO PUBLIC;
-- whoever tries is told why not; a restore copies no rows into it
GRANT INSERT, UPDATE, DELETE ON iso_currency TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('iso_currency', 'WHERE NOT shipped');
ALTER TABLE iso_currency REPLICA IDENTITY FULL;

-- @catalog iso_currency

CREATE TABLE iso_country (
	shipped boolean NOT NULL DEFAULT true CHECK (shipped),
	code text PRIMARY KEY,
	name text NOT NULL
);
COMMENT ON TABLE iso_country IS 'Countries and territories of ISO 3166-1. Read-only; a code of one''s own goes into the ledger''s table country.';
COMMENT ON COLUMN iso_country.shipped IS 'true';
COMMENT ON COLUMN iso_country.code IS 'alpha-2 code';
COMMENT ON COLUMN iso_country.name IS 'short English name';
CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON iso_country
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard('code');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON iso_country
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
GRANT SELECT ON iso_country TO PUBLIC;
-- whoever tries is told why not; a restore copies no rows into it
GRANT INSERT, UPDATE, DELETE ON iso_country TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('iso_country', 'WHERE NOT shipped');
ALTER TABLE iso_country REPLICA IDENTITY FULL;

-- @catalog iso_country

-- ------------------------------------------------------------------ what the ledger keeps

CREATE FUNCTION _currency_guard() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (NEW.code, NEW.minor_digits, NEW.ledger_scale) IS DISTINCT FROM (OLD.code, OLD.minor_digits, OLD.ledger_scale)
		AND (EXISTS (SELECT FROM compute_ledger.account_version AS v WHERE v.currency = OLD.code)
			OR EXISTS (SELECT FROM compute_ledger.price AS p WHERE p.currency = OLD.code)) THEN
		PERFORM compute_ledger._refuse('23001', format('currency "%s" is in use and is rounded as it was', OLD.code),
			detail => 'Bills would not come out again as they were.');
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _currency_guard() IS 'trigger, BEFORE UPDATE of currency: refuses another code or scale once an account or a price is in the currency (23001)';

CREATE FUNCTION _load_currencies() RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	added integer;
BEGIN
	INSERT INTO compute_ledger.currency (code, name, minor_digits, ledger_scale)
	SELECT s.code, s.name, s.minor_digits, s.minor_digits + 6
	FROM compute_ledger.iso_currency AS s
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS added = ROW_COUNT;
	INSERT INTO compute_ledger.country (code, name)
	SELECT s.code, s.name
	FROM compute_ledger.iso_country AS s
	ON CONFLICT DO NOTHING;
	RETURN added;
END
$$;
COMMENT ON FUNCTION _load_currencies() IS 'what load_currencies() does';

CREATE FUNCTION load_currencies() RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._load_currencies();
END
$$;
COMMENT ON FUNCTION load_currencies() IS 'adds the shipped currencies and countries that the ledger does not have yet, and returns the number of currencies added; rows that are there stay as they are. create_ledger() has done it; after an update of the extension it brings what is new.';

CREATE FUNCTION _check_currency(currency text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF currency IS NOT NULL AND NOT EXISTS (SELECT FROM compute_ledger.currency AS c WHERE c.code = currency) THEN
		PERFORM compute_ledger._refuse('23503', format('unknown currency: "%s"', currency), hint => CASE
			WHEN EXISTS (SELECT FROM compute_ledger.currency AS c WHERE c.code = upper(currency)) THEN format('Write it as %s.', upper(currency))
			ELSE 'Currencies are the codes of table currency, ISO 4217; insert another one there.' END);
	END IF;
END
$$;
COMMENT ON FUNCTION _check_currency(text) IS 'raises 23503 for a currency that is not in table currency; NULL is none';
