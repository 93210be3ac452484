CREATE TABLE compute_ledger.spend_rule (
	what text COLLATE "C" PRIMARY KEY CHECK (what IN ('minimum', 'unused commitment', 'rounding', 'unused reservation', 'used reservation', 'fee')),
	share text COLLATE "C" NOT NULL CHECK (share IN ('not', 'evenly', 'by spend') OR share = 'by use' AND what = 'used reservation'),
	title text NOT NULL
);
COMMENT ON TABLE compute_ledger.spend_rule IS 'How what no usage record of a customer is behind is shared out over values of a key, in spend_by(), the rollup and FOCUS. Change share; the next refresh of the rollups shares closed periods out anew.';
COMMENT ON COLUMN compute_ledger.spend_rule.what IS 'which charges';
COMMENT ON COLUMN compute_ledger.spend_rule.share IS 'not: the cost has no value, or that of its own records; evenly: over the values with spend of the account that is charged and all under it in the billing period, what has no value being one of them; by spend: over those in proportion to it; by use: over what drew on the reservation, in proportion to device time';
COMMENT ON COLUMN compute_ledger.spend_rule.title IS 'for people';

INSERT INTO compute_ledger.spend_rule (what, share, title) VALUES
	('minimum', 'not', 'what was short of a minimum commitment'),
	('unused commitment', 'not', 'committed devices that were not used'),
	('rounding', 'not', 'what rounding the charges of a billing period has left of their sum'),
	('unused reservation', 'not', 'idle: what was reserved and not drawn'),
	('used reservation', 'by use', 'what was drawn of a reservation'),
	('fee', 'not', 'what was reserved and given up too late, or not taken');

CREATE TRIGGER turn BEFORE UPDATE ON compute_ledger.spend_rule
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._spend_turn();
CREATE TRIGGER touch AFTER UPDATE ON compute_ledger.spend_rule
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._spend_touch();
CREATE TRIGGER immutable BEFORE INSERT OR DELETE OR TRUNCATE ON compute_ledger.spend_rule
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._spend_refuse();

CREATE POLICY visible ON compute_ledger.spend_rule FOR SELECT USING (true);
