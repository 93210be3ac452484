-- Idle capacity: what nobody has booked, for whoever gives way to all others.

CREATE FUNCTION _offer_idle(pool bigint, price numeric, currency text DEFAULT NULL, notice interval DEFAULT '5 minutes', book text DEFAULT 'sale', now timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	clock timestamptz;
	p record;
	in_unit text;
	starts timestamptz;
	listed record;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF price IS NOT NULL AND (price >= 0 AND price < 'Infinity') IS NOT TRUE OR (price IS NULL) <> (currency IS NULL) THEN
		PERFORM compute_ledger._refuse('22023', format('idle capacity is offered at a price from 0 on, in a currency: %s %s', price, currency), hint => 'Price and currency NULL do not offer it any more.');
	ELSIF price IS NOT NULL AND (notice >= '0' AND notice <= '100 years') IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('notice %s is not from 0 to 100 years', coalesce(notice::text, 'NULL')));
	END IF;
	PERFORM compute_ledger._check_currency(currency);
	PERFORM compute_ledger._lock_pool(pool);
	clock := compute_ledger._booking_clock(now);
	UPDATE compute_ledger.pool AS q
	SET preempt_notice = CASE WHEN price IS NOT NULL THEN _offer_idle.notice END, floor_price = _offer_idle.price, floor_currency = _offer_idle.currency
	WHERE q.id = _offer_idle.pool
	RETURNING q.accelerator, q.region, q.slot_minutes INTO p;
	IF price IS NULL THEN
		RETURN NULL;
	END IF;
	in_unit := CASE WHEN compute_ledger.mig_profile(p.accelerator) IS NULL THEN 'device-hour' ELSE 'slice-hour' END;
	-- bookings made now begin by then
	starts := date_bin(make_interval(mins => p.slot_minutes), clock, '2000-01-01 00:00+00');
	-- of another partition, perhaps
	SELECT l.id, l.valid @> starts AND upper_inf(l.valid) AND (l.unit, l.model, l.price, l.free) = (in_unit, 'flat', _offer_idle.price, 0) AND l.pool IS NULL AS is_it INTO listed
	FROM compute_ledger.price AS l
	WHERE l.book = _offer_idle.book AND l.account IS NULL AND l.accelerator OPERATOR(compute_ledger.=) p.accelerator AND l.region = p.region AND l.number_format IS NULL
		AND l.measure = 'preemptible' AND l.currency = _offer_idle.currency AND upper_inf(l.recorded)
	ORDER BY 2 DESC LIMIT 1;
	RETURN CASE WHEN listed.is_it THEN listed.id
		ELSE compute_ledger._create_price(p.accelerator::text, currency, price, region => (SELECT r.name FROM compute_ledger.region AS r WHERE r.id = p.region),
			measure => 'preemptible', book => _offer_idle.book, unit => in_unit, valid_from => CASE WHEN listed.id IS NOT NULL THEN starts END, supersede => listed.id IS NOT NULL) END;
END
$$;
COMMENT ON FUNCTION _offer_idle(bigint, numeric, text, interval, text, timestamptz) IS 'what offer_idle() does';

CREATE FUNCTION offer_idle(pool bigint, price numeric, currency text DEFAULT NULL, notice interval DEFAULT '5 minutes', book text DEFAULT 'sale', now timestamptz DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._offer_idle(pool, price, currency, notice, book, now);
END
$$;
COMMENT ON FUNCTION offer_idle(bigint, numeric, text, interval, text, timestamptz) IS 'offers what of a pool nobody has booked to preemptible bookings, which give way to others once they have been told so long before: notice, 0 to 100 years, of what is booked from now on. price, of a device-hour (of a pool of slices, a slice-hour), becomes the pool''s floor, below which it is not given away, and, from the beginning of its slot on, the list price of measure preemptible for its chip in its region, in that book (the first one holds for all time); the number of that price. Partitions of one region share it. Price and currency NULL: it is not offered any more, to nobody new. 42704 unknown pool, 23503 unknown currency, 22023 a price or notice that cannot be, 23P01 if that price was set for a time to come.';
