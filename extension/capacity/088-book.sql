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
