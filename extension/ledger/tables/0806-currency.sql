CREATE TABLE compute_ledger.currency (
	code text PRIMARY KEY CHECK (code COLLATE "C" ~ '^[A-Z][A-Z0-9]{2,11}$'),
	name text NOT NULL,
	minor_digits integer NOT NULL CHECK (minor_digits BETWEEN 0 AND 18),
	ledger_scale integer NOT NULL CHECK (ledger_scale BETWEEN 0 AND 30),
	CONSTRAINT currency_scale_check CHECK (ledger_scale >= minor_digits)
);
COMMENT ON TABLE compute_ledger.currency IS 'Currencies that money is kept in: those of ISO 4217, and the ones added here.';
COMMENT ON COLUMN compute_ledger.currency.code IS 'code of ISO 4217, or one''s own';
COMMENT ON COLUMN compute_ledger.currency.name IS 'English name';
COMMENT ON COLUMN compute_ledger.currency.minor_digits IS 'decimal digits of the minor unit, to which invoices round';
COMMENT ON COLUMN compute_ledger.currency.ledger_scale IS 'decimal digits to which a charge is rounded, once: the minor unit''s and six more unless changed before the currency is used';

CREATE TRIGGER a_guard BEFORE UPDATE ON compute_ledger.currency
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._currency_guard();

CREATE POLICY visible ON compute_ledger.currency FOR SELECT USING (true);
