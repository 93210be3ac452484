CREATE TABLE compute_ledger.spend_share (
	charge bigint NOT NULL,
	key text COLLATE "C" NOT NULL,
	value text,
	account bigint NOT NULL,
	cost numeric NOT NULL,
	day date NOT NULL,
	by_rule boolean NOT NULL
);
COMMENT ON TABLE compute_ledger.spend_share IS 'The charges of closed periods, shared out by the values of the keys in spend_key: those of a charge and key add up to its cost. Written by refresh_rollups(); view spend_label shows it.';
COMMENT ON COLUMN compute_ledger.spend_share.charge IS 'the charge';
COMMENT ON COLUMN compute_ledger.spend_share.key IS 'the key';
COMMENT ON COLUMN compute_ledger.spend_share.value IS 'the value that usage records have for it; NULL: none';
COMMENT ON COLUMN compute_ledger.spend_share.account IS 'account of those records, who sees it sees the value; of what has none, the account that is charged';
COMMENT ON COLUMN compute_ledger.spend_share.cost IS 'the share of the charge''s cost';
COMMENT ON COLUMN compute_ledger.spend_share.day IS 'day of the charge; of what is charged for a whole billing period, its first';
COMMENT ON COLUMN compute_ledger.spend_share.by_rule IS 'whether table spend_rule has shared it out';

CREATE INDEX spend_share_charge_idx ON compute_ledger.spend_share (charge);
CREATE INDEX spend_share_day_idx ON compute_ledger.spend_share (key, day);
