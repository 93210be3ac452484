CREATE TABLE compute_ledger.price_book (
	book text PRIMARY KEY CHECK (book <> ''),
	currency text NOT NULL DEFAULT 'payer' CHECK (currency IN ('payer', 'own'))
);
COMMENT ON TABLE compute_ledger.price_book IS 'The price books, and whose currency counts in each. The trigger of table price makes a book that a price is the first of; one with a currency of its own is inserted here before its first price. Rows do not change.';
COMMENT ON COLUMN compute_ledger.price_book.book IS 'price book';
COMMENT ON COLUMN compute_ledger.price_book.currency IS 'payer: a use is under the prices in the currency that its payer is billed in; own: under prices in any currency, as they are asked for by providers';

INSERT INTO compute_ledger.price_book (book, currency) VALUES ('sale', 'payer'), ('cost', 'own');

CREATE TRIGGER a_guard BEFORE UPDATE ON compute_ledger.price_book
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._price_book_guard();
