CREATE TABLE compute_ledger.queue_pass (
	passes bigint PRIMARY KEY,
	at timestamptz,
	waiting bigint,
	begun bigint,
	rounds integer,
	seen jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE compute_ledger.queue_pass IS 'One row: the last pass of the queue. Whoever makes one locks it first.';
COMMENT ON COLUMN compute_ledger.queue_pass.passes IS 'how many have been made';
COMMENT ON COLUMN compute_ledger.queue_pass.at IS 'when, by the clock of bookings; NULL: none was';
COMMENT ON COLUMN compute_ledger.queue_pass.waiting IS 'requests that waited';
COMMENT ON COLUMN compute_ledger.queue_pass.begun IS 'requests that were booked';
COMMENT ON COLUMN compute_ledger.queue_pass.rounds IS 'how often it planned: once more whenever a request would have begun later than it was promised';
COMMENT ON COLUMN compute_ledger.queue_pass.seen IS 'of each pool, its count of changes of what it offers';

INSERT INTO compute_ledger.queue_pass (passes) VALUES (0);

CREATE POLICY visible ON compute_ledger.queue_pass FOR SELECT USING (true);
