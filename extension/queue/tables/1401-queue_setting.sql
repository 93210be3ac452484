CREATE TABLE compute_ledger.queue_setting (
	basis text NOT NULL DEFAULT 'bf16' CONSTRAINT queue_setting_basis_check CHECK (compute_ledger.basis_code(basis) IS NOT NULL AND basis <> 'flop'),
	half_life interval NOT NULL DEFAULT '7 days' CONSTRAINT queue_setting_half_life_check CHECK (half_life > '0' AND half_life <= '1000 years'),
	patience interval NOT NULL DEFAULT '1 day' CONSTRAINT queue_setting_patience_check CHECK (patience >= '0' AND patience <= '100 years'),
	lease interval NOT NULL DEFAULT '5 minutes' CONSTRAINT queue_setting_lease_check CHECK (lease > '0' AND lease <= '100 years'),
	grace interval NOT NULL DEFAULT '10 minutes' CONSTRAINT queue_setting_grace_check CHECK (grace >= '0' AND grace <= '100 years'),
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT queue_setting_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	CONSTRAINT queue_setting_excl EXCLUDE USING gist (recorded WITH &&)
);
COMMENT ON TABLE compute_ledger.queue_setting IS 'How requests are served and work is handed out: one row, whose recorded range is open. Change it with UPDATE ... WHERE upper_inf(recorded); what it said before stays.';
COMMENT ON COLUMN compute_ledger.queue_setting.basis IS 'basis in which work is counted against shares';
COMMENT ON COLUMN compute_ledger.queue_setting.half_life IS 'after so long what was used counts for half; a day is 24 hours, a month 30 days';
COMMENT ON COLUMN compute_ledger.queue_setting.patience IS 'how long after its first planned start requests that come later may make one wait at most; 0: they never do';
COMMENT ON COLUMN compute_ledger.queue_setting.lease IS 'how long an agent has what it took, unless it renews the lease';
COMMENT ON COLUMN compute_ledger.queue_setting.grace IS 'how long after a lease has expired devices stay occupied, unless the end is reported or confirmed';
COMMENT ON COLUMN compute_ledger.queue_setting.recorded IS 'when the ledger held the row to be true; without an end: it still does';

CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.queue_setting
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.queue_setting
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.queue_setting
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.queue_setting
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

INSERT INTO compute_ledger.queue_setting DEFAULT VALUES;

CREATE POLICY visible ON compute_ledger.queue_setting FOR SELECT USING (true);
