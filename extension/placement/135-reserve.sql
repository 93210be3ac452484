-- Booking an offer: screened, priced and booked in one transaction, all pieces or none.

CREATE FUNCTION _hold_budget(account bigint, money numeric, currency text, work compute_unit) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- nothing is held yet
END
$$;
COMMENT ON FUNCTION _hold_budget(bigint, numeric, text, compute_unit) IS 'the one place where a budget is to be held: called before pieces are booked for an account, with the most that they can cost, transfers included, and the nominal work that they can do (NULL: no rate is known)';

CREATE FUNCTION _nominal_work(pieces reservation_piece[]) RETURNS compute_unit
	LANGUAGE c STABLE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'nominal_work';
COMMENT ON FUNCTION _nominal_work(reservation_piece[]) IS 'what the devices of pieces do, in basis bf16; NULL if no rate is known, and for NULL';

CREATE FUNCTION _reserved_before(account text, request text, call jsonb) RETURNS booked_reservation[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- the same call may be at work, in another pool
	PERFORM compute_ledger._lock_policy();
	PERFORM FROM compute_ledger.account AS a WHERE a.name = _reserved_before.account FOR NO KEY UPDATE;
	RETURN compute_ledger._earlier_answer(compute_ledger._request_scope(account), request, call);
END
$$;
COMMENT ON FUNCTION _reserved_before(text, text, jsonb) IS 'what was answered to a call of reserve() with this id, as _earlier_answer(), once nobody else is at work on one of the account''s';

CREATE FUNCTION _reserve(asked placement_request, request text DEFAULT NULL, confirmed boolean DEFAULT false, hold interval DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF booked_reservation
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET intervalstyle = 'postgres'
	-- nor are those below it planned for what they are called with, at the first calls of a session or always
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_variable
DECLARE
	at timestamptz := compute_ledger._booking_clock(now);
	checked compute_ledger.placement_request;
	account_id bigint;
	call jsonb;
	answer compute_ledger.booked_reservation[];
	made compute_ledger.booked_reservation;
	candidates compute_ledger._placement_pool[];
	first record;
	near numeric;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF confirmed IS NULL THEN
		PERFORM compute_ledger._refuse('22023', 'whether it is confirmed is NULL');
	END IF;
	checked := compute_ledger._check_request(asked);
	account_id := compute_ledger._booking_account(checked.account, greatest(at, checked.not_before));
	IF request IS NOT NULL THEN
		call := jsonb_build_array('reserve', compute_ledger._request_said(checked), confirmed, extract(epoch FROM hold));
		answer := compute_ledger._reserved_before(checked.account, request, call);
	END IF;
	IF answer IS NULL THEN
		-- those of other chips need no reason
		candidates := compute_ledger._request_pools(account_id, checked, at, brief => true);
	END IF;
	FOR attempt IN 1 .. 10 LOOP
		EXIT WHEN answer IS NOT NULL;
		first := compute_ledger._first_offer(checked, candidates, at, confirmed AND NOT checked.preemptible, near);
		IF first.pieces IS NULL OR NOT first.keeps_deadline THEN
			PERFORM compute_ledger._refuse('LC027', CASE WHEN first.pieces IS NULL THEN 'no pool can be had for this request' ELSE 'no pool can be had before the deadline of this request' END,
				detail => CASE WHEN first.pieces IS NOT NULL THEN format('The first offer is from %s to %s.', first.starts, first.ends) ELSE
					(SELECT string_agg(format('Pool %s: %s.', o.pool, o.reason), ' ' ORDER BY o.pool) FROM (SELECT o.pool, o.reason FROM compute_ledger._offers(account_id, checked, 1, at, confirmed AND NOT checked.preemptible) AS o ORDER BY o.pool LIMIT 20) AS o) END,
				hint => 'quote() says of every pool why it is out.');
		END IF;
		BEGIN
			-- what is held is given back where it is not booked
			PERFORM compute_ledger._hold_budget(account_id, first.worst, candidates[1].currency, compute_ledger._nominal_work(first.pieces));
			answer := compute_ledger._book_pieces(checked.account, first.pieces, request, 0, confirmed, hold, checked.preemptible, now, call, attempt < 10);
		EXCEPTION WHEN SQLSTATE 'LC020' THEN
			-- somebody else was faster: what is best now, at the same prices
			IF attempt = 10 THEN
				RAISE;
			END IF;
			near := first.objective;
		END;
	END LOOP;
	-- others may wait for the pool: a query takes longer
	FOREACH made IN ARRAY answer LOOP
		RETURN NEXT made;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _reserve(placement_request, text, boolean, interval, timestamptz) IS 'what reserve() does';

CREATE FUNCTION reserve(asked placement_request, request text DEFAULT NULL, confirmed boolean DEFAULT false, hold interval DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF booked_reservation
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT r.* FROM compute_ledger._reserve(asked, request, confirmed, hold, now) AS r;
END
$$;
COMMENT ON FUNCTION reserve(placement_request, text, boolean, interval, timestamptz) IS 'books the first offer that quote() has for a request, all pieces or none, and returns the reservations; request, confirmed, hold and now are those of book(). LC027 if there is no offer, or none that keeps the deadline: the detail says why; the rest as quote() and book().';

CREATE FUNCTION _stale(what text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._refuse('LC028', 'the offer is stale: ' || what, hint => 'Nothing was booked. quote() says what is offered now.');
END
$$;
COMMENT ON FUNCTION _stale(text) IS 'raises LC028: what has become of an offer';

CREATE FUNCTION _read_offer(offer jsonb, OUT asked placement_request, OUT pieces reservation_piece[], OUT total numeric, OUT currency text, OUT quoted timestamptz, OUT expires timestamptz)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET intervalstyle = 'postgres'
AS $$
BEGIN
	IF (jsonb_typeof(offer) = 'object' AND jsonb_typeof(offer -> 'request') = 'object' AND jsonb_typeof(offer -> 'pieces') = 'array' AND jsonb_array_length(offer -> 'pieces') BETWEEN 1 AND 8) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', 'this is no offer', hint => 'Give reserve() column offer of quote(), as it is.');
	END IF;
	asked := compute_ledger._check_request(jsonb_populate_record(NULL::compute_ledger.placement_request, offer -> 'request'));
	pieces := ARRAY(SELECT ROW(p.pool, p.devices, tstzrange(p.starts, p.ends))::compute_ledger.reservation_piece
		FROM ROWS FROM (jsonb_to_recordset(offer -> 'pieces') AS (pool bigint, devices bigint, starts timestamptz, ends timestamptz)) WITH ORDINALITY AS p ORDER BY p.ordinality);
	SELECT o.total, o.currency, o.quoted, o.expires INTO total, currency, quoted, expires
	FROM jsonb_to_record(offer) AS o (total numeric, currency text, quoted timestamptz, expires timestamptz);
	IF num_nonnulls(total, currency, quoted, expires) < 4 OR NOT isfinite(quoted) OR EXISTS (SELECT FROM unnest(pieces) AS i WHERE i.pool IS NULL OR (i.devices BETWEEN 1 AND 1000000000) IS NOT TRUE
			OR (isfinite(lower(i.period)) AND isfinite(upper(i.period))) IS NOT TRUE)
		OR (SELECT count(DISTINCT i.period) > 1 OR count(DISTINCT i.pool) < count(*) FROM unnest(pieces) AS i)
	THEN
		PERFORM compute_ledger._refuse('22023', 'this is no offer: something is missing in it, or cannot be', hint => 'Give reserve() column offer of quote(), as it is.');
	END IF;
END
$$;
COMMENT ON FUNCTION _read_offer(jsonb) IS 'what an offer says; 22023 for what quote() has not made';

CREATE FUNCTION _reserve(offer jsonb, request text DEFAULT NULL, confirmed boolean DEFAULT false, hold interval DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF booked_reservation
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	at timestamptz := compute_ledger._booking_clock(now);
	said record := compute_ledger._read_offer(offer);
	account_id bigint;
	call jsonb;
	answer compute_ledger.booked_reservation[];
	pools compute_ledger._placement_pool[];
	p compute_ledger._placement_pool;
	period tstzrange := ((said.pieces)[1]).period;
	priced record;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF said.quoted > at THEN
		PERFORM compute_ledger._refuse('22023', format('the offer is of %s, and it is %s', said.quoted, at));
	END IF;
	account_id := compute_ledger._booking_account((said.asked).account, greatest(said.quoted, (said.asked).not_before));
	IF request IS NOT NULL THEN
		call := jsonb_build_array('reserve', offer, confirmed, extract(epoch FROM hold));
		answer := compute_ledger._reserved_before((said.asked).account, request, call);
	END IF;
	IF answer IS NULL THEN
		pools := compute_ledger._request_pools(account_id, said.asked, said.quoted, ARRAY(SELECT i.pool FROM unnest(said.pieces) AS i));
		IF cardinality(pools) < cardinality(said.pieces) THEN
			PERFORM compute_ledger._stale('a pool of it does not exist');
		END IF;
		-- whatever it says of itself
		said.expires := least(said.expires, said.quoted + (SELECT min(q.hold) FROM unnest(pools) AS q));
		IF said.expires <= at THEN
			PERFORM compute_ledger._stale(format('it expired at %s', said.expires));
		END IF;
		FOREACH p IN ARRAY pools LOOP
			IF p.reason IS NOT NULL THEN
				PERFORM compute_ledger._stale(format('pool %s %s', p.pool, p.reason));
			ELSIF NOT p.allowed @> period THEN
				PERFORM compute_ledger._stale(format('pool %s has no price for all of %s, or one above the ceiling, or policy is against it', p.pool, period));
			END IF;
		END LOOP;
		SELECT c.cost + c.transfer_cost AS total, c.worst + c.transfer_cost AS worst INTO priced
		FROM unnest(compute_ledger._cost_offers(said.asked, pools, ARRAY[ROW(ARRAY(SELECT i.pool FROM unnest(said.pieces) AS i), ARRAY(SELECT i.devices FROM unnest(said.pieces) AS i),
			lower(period), upper(period), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::compute_ledger._placement_offer], said.quoted, false)) AS c;
		IF priced.total IS DISTINCT FROM said.total OR pools[1].currency <> said.currency THEN
			PERFORM compute_ledger._stale(format('it was %s %s, and is now %s', round(said.total, 2), said.currency, coalesce(compute_ledger._money_text(priced.total, pools[1].currency), 'without a price')));
		END IF;
		BEGIN
			PERFORM compute_ledger._hold_budget(account_id, priced.worst, said.currency, compute_ledger._nominal_work(said.pieces));
			answer := compute_ledger._book_pieces((said.asked).account, said.pieces, request, 0, confirmed, hold, (said.asked).preemptible, now, call);
		EXCEPTION WHEN SQLSTATE 'LC020' THEN
			PERFORM compute_ledger._stale(SQLERRM);
		END;
	END IF;
	RETURN QUERY SELECT b.* FROM unnest(answer) AS b;
END
$$;
COMMENT ON FUNCTION _reserve(jsonb, text, boolean, interval, timestamptz) IS 'what reserve() does';

CREATE FUNCTION reserve(offer jsonb, request text DEFAULT NULL, confirmed boolean DEFAULT false, hold interval DEFAULT NULL, now timestamptz DEFAULT NULL) RETURNS SETOF booked_reservation
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT r.* FROM compute_ledger._reserve(offer, request, confirmed, hold, now) AS r;
END
$$;
COMMENT ON FUNCTION reserve(jsonb, text, boolean, interval, timestamptz) IS 'books an offer, as quote() has made it, all pieces or none, and returns the reservations; request, confirmed, hold and now are those of book(). LC028 if it has expired, or is stale: a piece is not free any more, it costs more or less than it did, or policy is against it; the message says what. What else has changed leaves it good. 22023 what is no offer; the rest as book().';
