CREATE VIEW compute_ledger.booking_calendar WITH (security_invoker = true) AS
SELECT c.pool, c.region_name, c.accelerator, c.partition, c.day, c.offered, c.bookable, c.booked, c.free, c.doubted
FROM compute_ledger._booking_calendar() AS c;
COMMENT ON VIEW compute_ledger.booking_calendar IS 'How full pools are, by days of UTC, today and the next 91. It names no account.';
COMMENT ON COLUMN compute_ledger.booking_calendar.pool IS 'number of the pool';
COMMENT ON COLUMN compute_ledger.booking_calendar.region_name IS 'region of the pool';
COMMENT ON COLUMN compute_ledger.booking_calendar.accelerator IS 'the chip, or the MIG profile';
COMMENT ON COLUMN compute_ledger.booking_calendar.partition IS 'partition; empty: the only one';
COMMENT ON COLUMN compute_ledger.booking_calendar.day IS 'day, UTC';
COMMENT ON COLUMN compute_ledger.booking_calendar.offered IS 'the most devices that are offered at a time on that day';
COMMENT ON COLUMN compute_ledger.booking_calendar.bookable IS 'the fewest at a time of which, less maintenance, outages, blackouts and what the centre''s own jobs hold, and rounded down to the granule, bookings can be made';
COMMENT ON COLUMN compute_ledger.booking_calendar.booked IS 'the most that are booked at a time';
COMMENT ON COLUMN compute_ledger.booking_calendar.free IS 'the fewest that are free at a time: so many can be booked for all of the day';
COMMENT ON COLUMN compute_ledger.booking_calendar.doubted IS 'nothing is booked until the centre''s agent has reported';
