-- The book of a pool: what of it is booked, kept flat so that a booking does not add up those that are there.

CREATE FUNCTION _booking_clock(now timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF now IS NULL THEN
		RETURN clock_timestamp();
	ELSIF NOT isfinite(now) THEN
		PERFORM compute_ledger._refuse('22023', format('the time of a booking cannot be %s', now));
	ELSIF NOT compute_ledger._has_access('admin', compute_ledger._calling_role()) THEN
		PERFORM compute_ledger._refuse('42501', 'only admins say what time it is',
			hint => 'Leave argument now out: it is for replays and tests.');
	END IF;
	RETURN now;
END
$$;
COMMENT ON FUNCTION _booking_clock(timestamptz) IS 'the time by which bookings are judged: that of the clock at the call (NULL), which is made under the pool''s lock, or the one given, by admins only (42501); 22023 for one that is infinite';

-- The three functions in C read and write pool_day and pool_month: by days and months, so that they take as long with many
-- reservations as with few.  Whoever changes has the lock of the pool's row.

CREATE FUNCTION _book_add(pool bigint, guests boolean, period tstzrange, devices bigint, "limit" device_profile DEFAULT NULL) RETURNS timestamptz
	LANGUAGE c VOLATILE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'book_add';
COMMENT ON FUNCTION _book_add(bigint, boolean, tstzrange, bigint, device_profile) IS 'adds devices over a period to what is booked of a pool, by all or by guests, if that stays within a limit (NULL: whatever it is): NULL, or else the first instant at which it does not';

CREATE FUNCTION _book_change(pool bigint, guests boolean, old device_profile, new device_profile, "limit" device_profile DEFAULT NULL) RETURNS timestamptz
	LANGUAGE c VOLATILE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'book_change';
COMMENT ON FUNCTION _book_change(bigint, boolean, device_profile, device_profile, device_profile) IS 'puts what a reservation takes up in the place of what it took up, if what is booked stays within a limit (NULL: whatever it is) where that adds something: NULL, or else the first instant at which it does not';

CREATE FUNCTION _book_sum(pool bigint, guests boolean, period tstzrange) RETURNS device_profile
	LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'book_sum';
COMMENT ON FUNCTION _book_sum(bigint, boolean, tstzrange) IS 'what of a pool is booked over a period, by all or by guests, with holds that have run out and are in the book still';

CREATE FUNCTION _book_level(pool bigint, guests boolean, period tstzrange, at timestamptz) RETURNS device_profile
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	lapsed compute_ledger.device_profile;
BEGIN
	SELECT compute_ledger.device_profile(r.occupies * period, r.devices) INTO lapsed
	FROM compute_ledger.reservation AS r
	WHERE r.pool = _book_level.pool AND r.state = 'held' AND r.held_until <= _book_level.at
		AND (r.guest OR NOT guests) AND r.occupies && period;
	IF lapsed IS NULL THEN
		RETURN compute_ledger._book_sum(pool, guests, period);
	END IF;
	RETURN compute_ledger._book_sum(pool, guests, period) OPERATOR(compute_ledger.-) lapsed;
END
$$;
COMMENT ON FUNCTION _book_level(bigint, boolean, tstzrange, timestamptz) IS 'what of a pool is booked over a period, by all or by guests, at an instant of the clock of bookings: holds that have run out by then are not';
