-- Pools: devices of one kind that are booked together, and how many of them may be.
--
-- What a centre offers (pool_offer) and what is taken from it (pool_reduction) are rows with
-- a validity; what may be booked at an instant is the one less the other, rounded down to
-- the pool's granule.  Whoever changes these updates the pool's row first, which bookings
-- lock: so a booking sees all changes, or gets 40001.

CREATE FUNCTION _pool_id(region text, accelerator accelerator, partition text DEFAULT '') RETURNS bigint
	LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.id FROM compute_ledger.pool AS p
	WHERE p.region = compute_ledger._region_id($1) AND p.accelerator OPERATOR(compute_ledger.=) $2 AND p.partition = $3
$$;
COMMENT ON FUNCTION _pool_id(text, accelerator, text) IS 'what pool_id() does';

CREATE FUNCTION pool_id(region text, accelerator accelerator, partition text DEFAULT '') RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._pool_id(region, accelerator, partition);
END
$$;
COMMENT ON FUNCTION pool_id(text, accelerator, text) IS 'number of the pool of exactly this region, accelerator and partition (empty: the only one); NULL where there is none, and for NULL';

CREATE FUNCTION _create_pool(region text, accelerator accelerator, partition text DEFAULT '', granule integer DEFAULT 1, slot_minutes integer DEFAULT 1,
	horizon interval DEFAULT '366 days', hold interval DEFAULT '15 minutes', host text DEFAULT NULL, link_class text DEFAULT NULL,
	floor_price numeric DEFAULT NULL, floor_currency text DEFAULT NULL, title text DEFAULT NULL,
	counts text DEFAULT 'booked', notice interval DEFAULT '0', outage_credit numeric DEFAULT 1) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	place integer;
	host_id bigint;
	fault text[];
	new_id bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._check_currency(floor_currency);
	place := compute_ledger._region_id(region);
	IF place IS NULL THEN
		PERFORM compute_ledger._refuse('LC007', format('unknown region: "%s"', coalesce(region, 'NULL')),
			hint => compute_ledger._similar_names(region, ARRAY(SELECT r.name FROM compute_ledger.region AS r)));
	END IF;
	IF host IS NOT NULL THEN
		host_id := compute_ledger._account_id(host);
		IF host_id IS NULL THEN
			PERFORM compute_ledger._refuse('LC006', format('unknown account: "%s"', host),
				hint => compute_ledger._similar_names(host, ARRAY(SELECT a.name FROM compute_ledger.account AS a)));
		END IF;
	END IF;
	fault := CASE
		WHEN accelerator IS NULL OR compute_ledger.model(accelerator) IS NULL
			THEN ARRAY['pool_accelerator_check', format('a pool is of one chip, not of accelerator %s', coalesce(accelerator::text, 'NULL')), 'Name vendor and model, such as nvidia/h100-sxm5-80gb.']
		WHEN partition IS NULL OR octet_length(partition) > 1000 OR partition <> btrim(partition)
			THEN ARRAY['pool_partition_check', format('partition of a pool is NULL, of more than 1000 bytes, or has blanks before or after it: "%s"', left(partition, 80)), 'Empty is the name of the only partition.']
		WHEN (granule BETWEEN 1 AND 1000000) IS NOT TRUE
			THEN ARRAY['pool_granule_check', format('granule %s of a pool is not from 1 to 1000000', coalesce(granule::text, 'NULL'))]
		WHEN (slot_minutes BETWEEN 1 AND 1440 AND 1440 % slot_minutes = 0) IS NOT TRUE
			THEN ARRAY['pool_slot_minutes_check', format('%s minutes, on which bookings begin and end, do not divide a day', coalesce(slot_minutes::text, 'NULL'))]
		WHEN (horizon > '0' AND horizon <= '100 years') IS NOT TRUE
			THEN ARRAY['pool_horizon_check', format('horizon %s of a pool is not above 0 and at most 100 years', coalesce(horizon::text, 'NULL'))]
		WHEN (hold > '0' AND hold <= '100 years') IS NOT TRUE
			THEN ARRAY['pool_hold_check', format('hold %s of a pool is not above 0 and at most 100 years', coalesce(hold::text, 'NULL'))]
		WHEN NOT (floor_price >= 0 AND floor_price < 'Infinity')
			THEN ARRAY['pool_floor_price_check', format('floor price %s of a pool is not a number from 0 on', floor_price)]
		WHEN (floor_price IS NULL) <> (floor_currency IS NULL)
			THEN ARRAY['pool_floor_check', 'a floor price has a currency, and a currency a floor price']
		WHEN (counts IN ('booked', 'started')) IS NOT TRUE
			THEN ARRAY['pool_counts_check', format('what counts of the reservations of a pool is booked or started, not %s', coalesce(quote_ident(left(counts, 80)), 'NULL')), 'booked is all that is confirmed; started is what was started, from then on.']
		WHEN (notice >= '0' AND notice <= '100 years') IS NOT TRUE
			THEN ARRAY['pool_notice_check', format('notice %s of a pool is not from 0 to 100 years', coalesce(notice::text, 'NULL'))]
		WHEN (outage_credit BETWEEN 0 AND 1) IS NOT TRUE
			THEN ARRAY['pool_outage_credit_check', format('credit %s for outages of a pool is not from 0 to 1', coalesce(outage_credit::text, 'NULL')), '1: what could not be had costs nothing.']
	END;
	IF fault IS NOT NULL THEN
		PERFORM compute_ledger._refuse('23514', fault[2], hint => fault[3], "constraint" => fault[1]);
	END IF;
	INSERT INTO compute_ledger.pool (region, accelerator, partition, granule, slot_minutes, horizon, hold, host, link_class, floor_price, floor_currency, title,
		counts, notice, outage_credit)
	VALUES (place, _create_pool.accelerator, _create_pool.partition, _create_pool.granule, _create_pool.slot_minutes, _create_pool.horizon, _create_pool.hold, host_id,
		_create_pool.link_class, _create_pool.floor_price, _create_pool.floor_currency, _create_pool.title,
		_create_pool.counts, _create_pool.notice, _create_pool.outage_credit)
	ON CONFLICT ON CONSTRAINT pool_region_accelerator_partition_key DO NOTHING
	RETURNING id INTO new_id;
	IF new_id IS NULL THEN
		PERFORM compute_ledger._refuse('23505', format('there is a pool of %s in region "%s" already', concat_ws(', partition ', accelerator, quote_ident(nullif(partition, ''))), region),
			hint => 'pool_id() gives its number; another one needs another partition.', "constraint" => 'pool_region_accelerator_partition_key');
	END IF;
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION _create_pool(text, accelerator, text, integer, integer, interval, interval, text, text, numeric, text, text, text, interval, numeric) IS 'what create_pool() does';

CREATE FUNCTION create_pool(region text, accelerator accelerator, partition text DEFAULT '', granule integer DEFAULT 1, slot_minutes integer DEFAULT 1,
	horizon interval DEFAULT '366 days', hold interval DEFAULT '15 minutes', host text DEFAULT NULL, link_class text DEFAULT NULL,
	floor_price numeric DEFAULT NULL, floor_currency text DEFAULT NULL, title text DEFAULT NULL,
	counts text DEFAULT 'booked', notice interval DEFAULT '0', outage_credit numeric DEFAULT 1) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._create_pool(region, accelerator, partition, granule, slot_minutes, horizon, hold, host, link_class, floor_price, floor_currency, title, counts, notice, outage_credit);
END
$$;
COMMENT ON FUNCTION create_pool(text, accelerator, text, integer, integer, interval, interval, text, text, numeric, text, text, text, interval, numeric) IS 'makes a pool, of one chip or of one MIG profile of it, and returns its number; it offers nothing until offer_devices() says so. granule: devices are booked in multiples of it, 1 to 1,000,000; slot_minutes: bookings begin and end on multiples of so many minutes of the day (UTC), a divisor of 1440; horizon: how far ahead a booking may end; hold: how long one is held that is not confirmed; both above 0 and at most 100 years; host: name of the account whose subtree is at home there, all others are guests; floor_price, with floor_currency: of a device-hour, below which idle capacity is not given away; counts: booked (all of what is confirmed is reserved usage) or started (what was started, from then on; the rest is forgone); notice: how long before its time something confirmed may be given up for nothing, 0 to 100 years; outage_credit: the part, 0 to 1, of what could not be had for an outage that costs nothing. LC007 unknown region, LC006 unknown host, 23503 unknown currency, 23505 there is such a pool, 23514 any other value that cannot be, NULL where there is no default of NULL included.';

CREATE FUNCTION _capacity_complete() RETURNS trigger
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- history keeps what it had
	IF NOT upper_inf(NEW.recorded) THEN
		RETURN NEW;
	END IF;
	NEW.share := compute_ledger.device_share(NEW.accelerator);
	LOOP
		SELECT p.id INTO NEW.pool FROM compute_ledger.pool AS p
		WHERE p.region = NEW.region AND p.accelerator OPERATOR(compute_ledger.=) NEW.accelerator AND p.partition = NEW.partition;
		EXIT WHEN FOUND;
		INSERT INTO compute_ledger.pool (region, accelerator, partition)
		VALUES (NEW.region, NEW.accelerator, NEW.partition)
		ON CONFLICT DO NOTHING RETURNING id INTO NEW.pool;
		EXIT WHEN FOUND;
		IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
			PERFORM compute_ledger._refuse('40001', 'another transaction made the pool of this capacity', hint => 'Retry the transaction.');
		END IF;
	END LOOP;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _capacity_complete() IS 'trigger, BEFORE INSERT OR UPDATE FOR EACH ROW of table capacity: sets the share of a device that one is, and finds or makes the pool, which offers nothing until offer_devices() says so';

CREATE FUNCTION _pool_guard() RETURNS trigger
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	booked text;
BEGIN
	IF (NEW.id, NEW.region, NEW.partition) <> (OLD.id, OLD.region, OLD.partition) OR NEW.accelerator OPERATOR(compute_ledger.<>) OLD.accelerator THEN
		PERFORM compute_ledger._refuse('23001', 'number, region, accelerator and partition of a pool do not change', hint => 'Make another pool.');
	ELSIF NEW.granule <> OLD.granule OR NEW.host IS DISTINCT FROM OLD.host THEN
		IF NOT compute_ledger._book_current(OLD.id) THEN
			PERFORM compute_ledger._refuse('40001', format('pool %s was booked after this transaction''s snapshot was taken', OLD.id), hint => 'Run the transaction again.');
		END IF;
		SELECT string_agg(r.id::text, ', ' ORDER BY r.id) INTO booked
		FROM (SELECT r.id FROM compute_ledger.reservation AS r
			WHERE r.pool = OLD.id AND NOT isempty(r.occupies) AND upper(r.occupies) > clock_timestamp()
				AND NOT (r.state = 'held' AND r.held_until <= clock_timestamp()) LIMIT 10) AS r;
		IF booked IS NOT NULL THEN
			PERFORM compute_ledger._refuse('LC023', 'granule and host of a pool do not change while it is booked', detail => format('Reservations: %s.', booked));
		END IF;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _pool_guard() IS 'trigger, BEFORE UPDATE of pool: what a pool is stays (23001), and granule and host, by which what is booked was judged, while there are reservations (LC023)';

CREATE FUNCTION _lock_pool(pool bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE compute_ledger.pool AS p SET changes = p.changes + 1
	WHERE p.id = _lock_pool.pool;
	IF NOT FOUND THEN
		PERFORM compute_ledger._refuse('42704', format('pool %s does not exist', coalesce(pool::text, 'NULL')), hint => 'pool_id() gives the number of a pool.');
	END IF;
END
$$;
COMMENT ON FUNCTION _lock_pool(bigint) IS 'for whoever changes what a pool offers: locks its row and counts the change, so that bookings wait, and those under an older snapshot get 40001; 42704 for a pool that does not exist';

-- ------------------------------------------------------------------ what it offers

CREATE FUNCTION _pool_devices(devices bigint, smallest bigint) RETURNS integer
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (devices BETWEEN smallest AND 1000000000) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('number of devices %s is not from %s to 1000000000', coalesce(devices::text, 'NULL'), smallest));
	END IF;
	RETURN devices;
END
$$;
COMMENT ON FUNCTION _pool_devices(bigint, bigint) IS 'a number of devices, as it is stored; 22023 if it is NULL, below smallest, or above 1,000,000,000';

CREATE FUNCTION _pool_period(period tstzrange, may_be_open boolean) RETURNS tstzrange
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF period IS NULL OR isempty(period) THEN
		PERFORM compute_ledger._refuse('22023', format('the period is %s', coalesce(period::text, 'NULL')), hint => 'Write it as [start,end), with a start before the end.');
	ELSIF isfinite(lower(period)) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('the period has no start: %s', period), hint => 'Write it as [start,end).');
	ELSIF NOT lower_inc(period) OR upper_inc(period) THEN
		PERFORM compute_ledger._refuse('22023', format('the period must include its start and exclude its end: %s', period), hint => 'Write it as [start,end).');
	ELSIF isfinite(upper(period)) IS NOT TRUE AND NOT may_be_open THEN
		PERFORM compute_ledger._refuse('22023', format('the period has no end: %s', period), hint => 'Write it as [start,end).');
	ELSIF lower(period) < '0001-01-02 00:00+00' OR isfinite(upper(period)) AND upper(period) > '9999-12-31 00:00+00' THEN
		PERFORM compute_ledger._refuse('22023', format('the period is not within the years 1 to 9999: %s', period));
	END IF;
	RETURN tstzrange(lower(period), nullif(upper(period), 'infinity'));
END
$$;
COMMENT ON FUNCTION _pool_period(tstzrange, boolean) IS 'a period in its one form, [start,end) or [start,) where it may be open; 22023 for one that is NULL, empty, without a start, of another form, or beyond the years 1 to 9999';

CREATE FUNCTION _pool_limit(pool bigint, period tstzrange, guests boolean, happened boolean DEFAULT true) RETURNS device_profile
	LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'pool_limit';
COMMENT ON FUNCTION _pool_limit(bigint, tstzrange, boolean, boolean) IS 'how many devices of a pool may be booked at each instant of a period that has an end: what is offered less what is taken from it, never below 0, rounded down to the granule; for guests at most their share of that, rounded down likewise; happened false: if nothing had happened but what was planned; NULL for NULL';

CREATE FUNCTION _cut_valid(relation regclass, pool bigint, period tstzrange) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old record;
	rests tstzrange[];
BEGIN
	FOR old IN EXECUTE format('SELECT t.ctid, t.valid FROM %s AS t WHERE t.pool = $1 AND upper_inf(t.recorded) AND t.valid && $2', relation) USING pool, period LOOP
		rests := ARRAY(SELECT r FROM unnest(tstzmultirange(old.valid) - tstzmultirange(period)) AS r);
		IF rests = '{}' THEN
			EXECUTE format('DELETE FROM %s AS t WHERE t.ctid = $1', relation) USING old.ctid;
			CONTINUE;
		END IF;
		EXECUTE format('UPDATE %s AS t SET valid = $2 WHERE t.ctid = $1', relation) USING old.ctid, rests[1];
		IF cardinality(rests) = 2 THEN
			EXECUTE format('INSERT INTO %1$s SELECT (jsonb_populate_record(t, jsonb_build_object(''valid'', $2))).* FROM %1$s AS t WHERE t.pool = $1 AND upper_inf(t.recorded) AND t.valid = $3', relation)
			USING pool, rests[2], rests[1];
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _cut_valid(regclass, bigint, tstzrange) IS 'takes a period out of what is recorded of a pool in a table with valid time: rows within it go, others are cut, or divided in two';

CREATE FUNCTION _write_offer(pool bigint, devices integer, period tstzrange, source text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._cut_valid('compute_ledger.pool_offer', pool, period);
	INSERT INTO compute_ledger.pool_offer (pool, devices, valid, source)
	VALUES (_write_offer.pool, _write_offer.devices, period, _write_offer.source);
END
$$;
COMMENT ON FUNCTION _write_offer(bigint, integer, tstzrange, text) IS 'lets a pool, whose row is locked, offer so many devices in a period, in place of what it offered then';

CREATE FUNCTION _devices_per_card(accelerator accelerator) RETURNS integer
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	slices integer := 1680000 / compute_ledger.device_share(accelerator);
BEGIN
	IF compute_ledger.mig_profile(accelerator) IS NULL THEN
		RETURN 1;
	ELSIF slices IS NULL OR compute_ledger.memory_gb(accelerator) IS NULL THEN
		PERFORM compute_ledger._refuse('LC004', format('nobody knows how many %s a card has', accelerator),
			detail => CASE WHEN slices IS NULL THEN 'No row of accelerator_model says of how many compute slices the card is.' ELSE 'The memory of the card is not stated.' END,
			hint => CASE WHEN slices IS NULL THEN 'Add a row with mig_slices to accelerator_model.' ELSE 'Name the card with its memory, such as nvidia/a100-sxm4-40gb:1g.5gb.' END);
	END IF;
	-- the names of profiles have memory rounded to whole GB: two of 71 make 141
	RETURN least(slices, round(compute_ledger.memory_gb(accelerator)::numeric / compute_ledger.mig_memory_gb(accelerator)));
END
$$;
COMMENT ON FUNCTION _devices_per_card(accelerator) IS 'how many of an accelerator a card makes: of a MIG profile, as many as its compute slices (accelerator_model) and its memory have room for, what is left over being nobody''s; 1 of a whole device. LC004 where that is not known';
