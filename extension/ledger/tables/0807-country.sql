CREATE TABLE compute_ledger.country (
	code text PRIMARY KEY CHECK (code COLLATE "C" ~ '^[A-Z]{2}$'),
	name text NOT NULL
);
COMMENT ON TABLE compute_ledger.country IS 'Jurisdictions: the codes of ISO 3166-1, and user-assigned ones (AA, QM to QZ, XA to XZ, ZZ) added here.';
COMMENT ON COLUMN compute_ledger.country.code IS 'alpha-2 code';
COMMENT ON COLUMN compute_ledger.country.name IS 'short English name';

CREATE POLICY visible ON compute_ledger.country FOR SELECT USING (true);
