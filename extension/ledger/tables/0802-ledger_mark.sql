CREATE TABLE compute_ledger.ledger_mark (
	-- no key: two that store the same at the same time would wait for each other
	watermark timestamptz NOT NULL CHECK (isfinite(watermark))
);
COMMENT ON TABLE compute_ledger.ledger_mark IS 'the last watermark that was stored by mark_watermark(), and earlier ones that it could not remove';
COMMENT ON COLUMN compute_ledger.ledger_mark.watermark IS 'recorded time below which no writer was in flight when this row was written';

CREATE POLICY visible ON compute_ledger.ledger_mark FOR SELECT USING (true);
