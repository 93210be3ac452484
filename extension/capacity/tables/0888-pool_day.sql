CREATE TABLE compute_ledger.pool_day (
	pool bigint NOT NULL REFERENCES compute_ledger.pool,
	guests boolean NOT NULL,
	day date NOT NULL,
	base bigint NOT NULL DEFAULT 0,
	peak bigint NOT NULL DEFAULT 0,
	profile compute_ledger.device_profile,
	PRIMARY KEY (pool, guests, day)
);
COMMENT ON TABLE compute_ledger.pool_day IS 'What of a pool is booked, by days of UTC: the sum of its reservations, so that a booking does not add up rows. A reservation that covers a whole month (UTC) is in pool_month instead.';
COMMENT ON COLUMN compute_ledger.pool_day.pool IS 'the pool';
COMMENT ON COLUMN compute_ledger.pool_day.guests IS 'false: all reservations; true: those of guests, kept where the pool has a host';
COMMENT ON COLUMN compute_ledger.pool_day.day IS 'day, UTC';
COMMENT ON COLUMN compute_ledger.pool_day.base IS 'devices of what covers the whole day';
COMMENT ON COLUMN compute_ledger.pool_day.peak IS 'base and the highest level of profile: how many devices are booked at most on that day, beside those of its month';
COMMENT ON COLUMN compute_ledger.pool_day.profile IS 'what begins or ends within the day; NULL: nothing. Kept in the row, if there is room, as it is compressed already';

ALTER TABLE compute_ledger.pool_day ALTER COLUMN profile SET STORAGE MAIN;

CREATE POLICY visible ON compute_ledger.pool_day FOR SELECT USING (true);
