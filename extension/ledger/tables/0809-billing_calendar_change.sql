CREATE TABLE compute_ledger.billing_calendar_change (
	calendar bigint NOT NULL REFERENCES compute_ledger.billing_calendar,
	from_number integer NOT NULL CHECK (from_number > 0),
	anchor timestamp NOT NULL CHECK (isfinite(anchor)),
	time_zone text NOT NULL,
	rule interval NOT NULL,
	recorded timestamptz NOT NULL DEFAULT compute_ledger._ledger_stamp(),
	PRIMARY KEY (calendar, from_number),
	CONSTRAINT billing_calendar_change_rule_check CHECK (rule = date_trunc('day', rule)
		AND extract(year FROM rule) * 12 + extract(month FROM rule) >= 0 AND extract(day FROM rule) >= 0 AND rule > interval '0')
);
COMMENT ON TABLE compute_ledger.billing_calendar_change IS 'Other rules under which calendars go on; written by change_billing_calendar().';
COMMENT ON COLUMN compute_ledger.billing_calendar_change.calendar IS 'the calendar';
COMMENT ON COLUMN compute_ledger.billing_calendar_change.from_number IS 'the first period under this rule';
COMMENT ON COLUMN compute_ledger.billing_calendar_change.anchor IS 'local time at which that period starts';
COMMENT ON COLUMN compute_ledger.billing_calendar_change.time_zone IS 'name of the zone';
COMMENT ON COLUMN compute_ledger.billing_calendar_change.rule IS 'length of a period';
COMMENT ON COLUMN compute_ledger.billing_calendar_change.recorded IS 'when it was recorded';

CREATE POLICY visible ON compute_ledger.billing_calendar_change FOR SELECT USING (true);
