-- Changing what may be booked: offers, maintenance, outages, blackouts, shares of guests, cards cut into slices.

CREATE FUNCTION _offer_devices(pool bigint, devices bigint, period tstzrange, drain boolean DEFAULT false, source text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number integer := compute_ledger._pool_devices(devices, 0);
	changed tstzrange := compute_ledger._pool_period(period, true);
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._lock_pool(pool);
	PERFORM compute_ledger._write_offer(pool, number, changed, source);
END
$$;
COMMENT ON FUNCTION _offer_devices(bigint, bigint, tstzrange, boolean, text, timestamptz) IS 'what offer_devices() does';

CREATE FUNCTION offer_devices(pool bigint, devices bigint, period tstzrange, drain boolean DEFAULT false, source text DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._offer_devices(pool, devices, period, drain, source, now) AS t;
END
$$;
COMMENT ON FUNCTION offer_devices(bigint, bigint, tstzrange, boolean, text, timestamptz) IS 'lets a pool offer so many devices, 0 to 1,000,000,000, in a period [start,end), or [start,) until further notice, in place of what it offered then; where nothing was said a pool offers nothing.';
