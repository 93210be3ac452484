CREATE TABLE compute_ledger.billing_period_replaced (
	id bigint NOT NULL,
	calendar bigint NOT NULL REFERENCES compute_ledger.billing_calendar,
	number integer NOT NULL,
	previous integer,
	starts_at timestamptz NOT NULL,
	ends_at timestamptz NOT NULL,
	recorded tstzrange NOT NULL,
	PRIMARY KEY (calendar, number, id)
);
COMMENT ON TABLE compute_ledger.billing_period_replaced IS 'Billing periods that were neither closed nor billed when their calendar went on under another rule.';
COMMENT ON COLUMN compute_ledger.billing_period_replaced.id IS 'number that the period had';
COMMENT ON COLUMN compute_ledger.billing_period_replaced.calendar IS 'the calendar';
COMMENT ON COLUMN compute_ledger.billing_period_replaced.number IS 'number in its calendar';
COMMENT ON COLUMN compute_ledger.billing_period_replaced.previous IS 'number of the period before it';
COMMENT ON COLUMN compute_ledger.billing_period_replaced.starts_at IS 'first instant';
COMMENT ON COLUMN compute_ledger.billing_period_replaced.ends_at IS 'first instant after it';
COMMENT ON COLUMN compute_ledger.billing_period_replaced.recorded IS 'when the ledger knew it so';

CREATE POLICY visible ON compute_ledger.billing_period_replaced FOR SELECT USING (true);
