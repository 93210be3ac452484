CREATE TABLE compute_ledger.focus_issuer (
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	invoice_issuer text NOT NULL CHECK (invoice_issuer ~ '\S'),
	provider text CHECK (provider ~ '\S'),
	publisher text CHECK (publisher ~ '\S')
);
COMMENT ON TABLE compute_ledger.focus_issuer IS 'Who bills, in the names that view focus_1_2 shows: one row, to be updated. At first it has the name of the database.';
COMMENT ON COLUMN compute_ledger.focus_issuer.only_row IS 'true';
COMMENT ON COLUMN compute_ledger.focus_issuer.invoice_issuer IS 'InvoiceIssuerName: who issues the invoices';
COMMENT ON COLUMN compute_ledger.focus_issuer.provider IS 'ProviderName: who offers what is billed; NULL: who issues the invoices';
COMMENT ON COLUMN compute_ledger.focus_issuer.publisher IS 'PublisherName: who made it; NULL: the provider';

INSERT INTO compute_ledger.focus_issuer (invoice_issuer) VALUES (current_database());

CREATE POLICY visible ON compute_ledger.focus_issuer FOR SELECT USING (true);
