CREATE TABLE compute_ledger.spend_key (
	key text COLLATE "C" PRIMARY KEY CHECK (key <> '' AND octet_length(key) <= 1000)
);
COMMENT ON TABLE compute_ledger.spend_key IS 'The keys by whose values refresh_rollups() shares out the charges of closed periods, and FOCUS has tags. Insert and delete; the next refresh does the work.';
COMMENT ON COLUMN compute_ledger.spend_key.key IS 'name of a label of usage records, or run: their run, or else their label of that name';

INSERT INTO compute_ledger.spend_key VALUES ('run'), ('user');

CREATE TRIGGER turn BEFORE DELETE ON compute_ledger.spend_key
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._spend_turn();
CREATE TRIGGER touch BEFORE DELETE ON compute_ledger.spend_key
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._spend_touch();
CREATE TRIGGER immutable BEFORE UPDATE OR TRUNCATE ON compute_ledger.spend_key
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._spend_refuse();

CREATE POLICY visible ON compute_ledger.spend_key FOR SELECT USING (true);
