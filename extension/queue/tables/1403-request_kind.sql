CREATE TABLE compute_ledger.request_kind (
	kind bytea PRIMARY KEY,
	account bigint NOT NULL REFERENCES compute_ledger.account,
	asked compute_ledger.placement_request NOT NULL,
	judged timestamptz,
	stamp text
);
COMMENT ON TABLE compute_ledger.request_kind IS 'Requests of one account that may run in the same pools: what they ask for, but for how much, how long and when. Kept from pass to pass, for a day at most; what it says can be worked out again.';
COMMENT ON COLUMN compute_ledger.request_kind.kind IS 'SHA-256 of account and asked';
COMMENT ON COLUMN compute_ledger.request_kind.account IS 'the account';
COMMENT ON COLUMN compute_ledger.request_kind.asked IS 'what is asked for';
COMMENT ON COLUMN compute_ledger.request_kind.judged IS 'as of when request_fit says where these may run, by the clock of bookings; NULL: it does not';
COMMENT ON COLUMN compute_ledger.request_kind.stamp IS 'the state of policies, pools and prices that it rests on';

CREATE POLICY visible ON compute_ledger.request_kind FOR SELECT USING (account IN (SELECT compute_ledger._visible_accounts()));
