CREATE TABLE compute_ledger.price_key (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	book text NOT NULL REFERENCES compute_ledger.price_book,
	account bigint NOT NULL,
	accelerator compute_ledger.accelerator NOT NULL,
	region integer NOT NULL,
	number_format text NOT NULL,
	measure text NOT NULL,
	currency text NOT NULL,
	UNIQUE (account, accelerator, region, number_format, measure, book, currency)
);
COMMENT ON TABLE compute_ledger.price_key IS 'The keys that rows of table price have or had, made by its trigger. All columns are stated, so that a look-up is one of equality.';
COMMENT ON COLUMN compute_ledger.price_key.id IS 'number of the key';
COMMENT ON COLUMN compute_ledger.price_key.book IS 'price book';
COMMENT ON COLUMN compute_ledger.price_key.account IS 'account whose subtree the price is for; 0: the list price';
COMMENT ON COLUMN compute_ledger.price_key.accelerator IS 'class of chips';
COMMENT ON COLUMN compute_ledger.price_key.region IS 'region whose subtree the price is for; 0: everywhere';
COMMENT ON COLUMN compute_ledger.price_key.number_format IS 'number format of the use; empty: any';
COMMENT ON COLUMN compute_ledger.price_key.measure IS 'measure of use that is billed';
COMMENT ON COLUMN compute_ledger.price_key.currency IS 'currency of the prices; empty: any, in a book with a currency of its own';
