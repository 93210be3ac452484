-- Offers: where a request may run, from when on, and at what cost; the best first.
--
-- Each pool, or set of pools, is offered once: from the first start at which it has the devices, or from the first after its
-- price falls.  Pools are looked at in the
-- order of a lower bound of what they are ranked by, so many at a time, until as many offers as are asked for cannot be beaten.

CREATE FUNCTION _first_fit(free device_profile, devices bigint, duration interval, slot_minutes integer, allowed tstzmultirange) RETURNS timestamptz
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'first_fit';
COMMENT ON FUNCTION _first_fit(device_profile, bigint, interval, integer, tstzmultirange) IS 'the first start of a slot from which so many devices are free for so long without a break, all within one of the ranges; NULL if there is none';

CREATE FUNCTION _first_fits(pools bigint[], guest boolean[], devices bigint[], durations interval[], slot_minutes integer[], allowed tstzmultirange[], period tstzrange, at timestamptz, preempting boolean) RETURNS timestamptz[]
	LANGUAGE c STABLE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'first_fits';
COMMENT ON FUNCTION _first_fits(bigint[], boolean[], bigint[], interval[], integer[], tstzmultirange[], tstzrange, timestamptz, boolean) IS '_first_fit() of the elements of one place of some arrays, in what is free of a pool in a period, as _pools_available() has it: as a guest, of what guests may have, too; NULL if there is none';

CREATE FUNCTION _lesser(device_profile, device_profile) RETURNS device_profile
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lesser';
COMMENT ON FUNCTION _lesser(device_profile, device_profile) IS 'the lower of two profiles at each instant';

CREATE TYPE _placement_try AS (
	n bigint,
	pool bigint,
	length interval,
	bound numeric,
	money numeric
);
COMMENT ON TYPE _placement_try IS 'a pool that may have so many devices for so long; n: its place by what it is ranked by at the least, late ones last, and that (bound); money: what it costs at the least';

CREATE TYPE _placement_offer AS (
	pools bigint[],
	devices bigint[],
	starts timestamptz,
	ends timestamptz,
	efficiency numeric,
	cost numeric,
	worst numeric,
	transfer_cost numeric,
	lines jsonb,
	late boolean,
	objective numeric,
	too_dear text,
	displaces boolean
);
COMMENT ON TYPE _placement_offer IS 'an offer as it is ranked: what keeps the deadline first, then by objective, money and the value of the delay, by its end, and by whether somebody has to give way (displaces); lines and costs are NULL and displaces false until it is priced; too_dear: why it is out for what it costs';

CREATE FUNCTION _placement_length(asked placement_request, rate compute_rate, devices bigint, efficiency numeric, slot_minutes integer) RETURNS interval
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'placement_length';
COMMENT ON FUNCTION _placement_length(placement_request, compute_rate, bigint, numeric, integer) IS 'how long devices are booked: the time limit, or what the work takes them, in whole slots; NULL if that is more than 100 years, or the rate is not known';

CREATE FUNCTION _pool_efficiencies(asked placement_request, link_class text) RETURNS numeric[]
	LANGUAGE c STABLE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'pool_efficiencies';
COMMENT ON FUNCTION _pool_efficiencies(placement_request, text) IS 'what part of its work a device still does on 1, 2, ... 8 sites of a link class; on one 1, and on more NULL, where there is no figure';

CREATE FUNCTION _displaces(pool bigint, guest boolean, devices bigint, period tstzrange, at timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	RETURN EXISTS (SELECT FROM compute_ledger.reservation AS r
			WHERE r.pool = _displaces.pool AND r.preempt_notice IS NOT NULL AND NOT isempty(r.occupies) AND upper(r.occupies) > lower(period) AND r.occupies && period)
		AND (compute_ledger._first_fits(ARRAY[pool], ARRAY[guest], ARRAY[devices], ARRAY[upper(period) - lower(period)], ARRAY[1], ARRAY[tstzmultirange(period)], period, at, false))[1] IS NULL;
END
$$;
COMMENT ON FUNCTION _displaces(bigint, boolean, bigint, tstzrange, timestamptz) IS 'whether preemptible reservations of a pool have to give way to so many devices over a period, where these can be had; guest: of what guests may have';

CREATE FUNCTION _cost_offers(asked placement_request, candidates _placement_pool[], offers _placement_offer[], at timestamptz, preempting boolean) RETURNS _placement_offer[]
	LANGUAGE c STABLE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'cost_offers';
COMMENT ON FUNCTION _cost_offers(placement_request, _placement_pool[], _placement_offer[], timestamptz, boolean) IS 'offers with what they cost, what they are ranked by, and why they are out for it; NULL where no part of any has a price';

CREATE FUNCTION _no_room(asked placement_request, pool _placement_pool, tried bigint, length interval) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most numeric := compute_ledger.peak(compute_ledger._pool_limit(pool.pool, tstzrange(lower(pool.allowed), upper(pool.allowed)), pool.guest), tstzrange(lower(pool.allowed), upper(pool.allowed)));
BEGIN
	RETURN CASE
		WHEN asked.devices % pool.granule <> 0 THEN format('is booked in multiples of %s devices', pool.granule)
		WHEN tried IS NULL AND asked.devices IS NULL THEN 'cannot keep the deadline'
		WHEN tried IS NULL THEN 'would take more than 100 years'
		WHEN asked.devices IS NULL THEN format('no capacity that keeps the deadline, %s', asked.deadline)
		WHEN most < asked.devices THEN format('offers no more than %s devices', most)
		ELSE format('no capacity for %s devices over %s until %s', asked.devices, length, pool.until) END;
END
$$;
COMMENT ON FUNCTION _no_room(placement_request, _placement_pool, bigint, interval) IS 'tried is NULL for a pool that was not: why a pool that might take a request has no start for it';

CREATE FUNCTION _best_offers(asked placement_request, candidates _placement_pool[], most integer, at timestamptz, preempting boolean, brief boolean, near numeric,
		OUT offers _placement_offer[], OUT looked_at bigint, OUT tries _placement_try[])
	LANGUAGE c STABLE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'best_offers';
COMMENT ON FUNCTION _best_offers(placement_request, _placement_pool[], integer, timestamptz, boolean, boolean, numeric) IS 'offers of one pool each, among them the best, so many of them; those that are not among these are not all priced: they have no lines, and their objective is what they are ranked by at the least; tries: the pools that are not out, in the order in which they are looked at, and looked_at: those that were have a place up to this; brief: these only, the best first, and no tries, and no lines; near: what the best is thought to be ranked by, if that is known';

-- ------------------------------------------------------------------ quoting

CREATE FUNCTION _first_offer(asked placement_request, candidates _placement_pool[], at timestamptz, preempting boolean, near numeric,
		OUT pieces reservation_piece[], OUT starts timestamptz, OUT ends timestamptz, OUT keeps_deadline boolean, OUT objective numeric, OUT worst numeric)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	best record := compute_ledger._best_offers(asked, candidates, 1, at, preempting, true, near);
	split record := compute_ledger._split_offers(asked, candidates, 1, at, preempting);
	first compute_ledger._placement_offer := best.offers[1];
BEGIN
	IF cardinality(split.offers) > 0 THEN
		SELECT o.* INTO first FROM unnest(best.offers || split.offers) AS o WHERE o.too_dear IS NULL
		ORDER BY o.late, o.objective, o.ends, o.displaces, o.pools LIMIT 1;
	END IF;
	-- a query takes longer than the rest, and most have one piece
	pieces := CASE cardinality(first.pools)
		WHEN 1 THEN ARRAY[ROW(first.pools[1], first.devices[1], tstzrange(first.starts, first.ends))::compute_ledger.reservation_piece] END;
	IF cardinality(first.pools) > 1 THEN
		pieces := ARRAY(SELECT ROW(i.pool, i.devices, tstzrange(first.starts, first.ends))::compute_ledger.reservation_piece FROM unnest(first.pools, first.devices) WITH ORDINALITY AS i (pool, devices, n) ORDER BY i.n);
	END IF;
	starts := first.starts;
	ends := first.ends;
	keeps_deadline := NOT first.late;
	objective := first.objective;
	worst := first.worst + first.transfer_cost;
END
$$;
COMMENT ON FUNCTION _first_offer(placement_request, _placement_pool[], timestamptz, boolean, numeric) IS 'the first offer that _offers() has, of all pools that might take a request; all NULL if there is none; near: what it is thought to be ranked by (NULL: not known); worst: what it costs in the highest tier, with transfers';

CREATE FUNCTION _offers(account bigint, asked placement_request, most integer, at timestamptz, preempting boolean)
	RETURNS TABLE (rank bigint, pool bigint, reason text, pieces reservation_piece[], starts timestamptz, ends timestamptz, cost numeric, transfer_cost numeric, total numeric, currency text,
		lines jsonb, efficiency numeric, lost_device_hours numeric, price_per_pfloph numeric, keeps_deadline boolean, objective numeric, expires timestamptz, offer jsonb)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	SET intervalstyle = 'postgres'
AS $$
#variable_conflict use_column
DECLARE
	candidates compute_ledger._placement_pool[] := compute_ledger._request_pools(account, asked, at);
	best record := compute_ledger._best_offers(asked, candidates, most, at, preempting, false, NULL);
	split record := compute_ledger._split_offers(asked, candidates, most, at, preempting);
	digits integer := (SELECT c.minor_digits FROM compute_ledger.currency AS c WHERE c.code = candidates[1].currency);
BEGIN
	RETURN QUERY
	WITH judged AS MATERIALIZED (
		SELECT DISTINCT ON (o.pools) o.* FROM unnest(best.offers || split.offers) AS o
		ORDER BY o.pools, o.too_dear NULLS FIRST, o.lines IS NULL, o.late, o.objective, o.ends
	), ranked AS MATERIALIZED (
		SELECT row_number() OVER (ORDER BY j.late, j.objective, j.ends, j.displaces, j.pools) AS place, j.* FROM judged AS j WHERE j.too_dear IS NULL AND j.lines IS NOT NULL
	), terms AS MATERIALIZED (
		SELECT r.place, sum(i.devices) AS devices, min(p.hold) AS hold, max(p.slot_minutes) AS slot_minutes, min(p.currency) AS currency,
			(array_agg(p.rate ORDER BY p.rate::numeric NULLS FIRST))[1] AS rate,
			array_agg(ROW(i.pool, i.devices, tstzrange(r.starts, r.ends))::compute_ledger.reservation_piece ORDER BY i.n) AS pieces,
			jsonb_agg(jsonb_build_object('pool', i.pool, 'devices', i.devices, 'starts', r.starts, 'ends', r.ends) ORDER BY i.n) AS said
		FROM ranked AS r
		CROSS JOIN LATERAL unnest(r.pools, r.devices) WITH ORDINALITY AS i (pool, devices, n)
		JOIN unnest(candidates) AS p ON p.pool = i.pool
		WHERE r.place <= most
		GROUP BY r.place
	), offered AS (
		SELECT r.*, t.pieces, t.currency, t.said, r.cost + r.transfer_cost AS total, least(at + t.hold, r.starts + make_interval(mins => t.slot_minutes)) AS expires,
			t.devices * extract(epoch FROM r.ends - r.starts) / 3600 AS device_hours, t.rate::numeric / 1e15 AS pfloph
		FROM ranked AS r JOIN terms AS t ON t.place = r.place
	), why AS (
		SELECT p.pool, coalesce(p.reason, j.too_dear,
			CASE WHEN r.place IS NOT NULL THEN format('beaten: %s %s, from %s to %s', round(r.cost + r.transfer_cost, digits), p.currency, r.starts, r.ends)
				WHEN j.pools IS NOT NULL THEN format('beaten: at least %s %s, from %s to %s', trunc(t.money, digits), p.currency, j.starts, j.ends)
				WHEN t.n > best.looked_at THEN format('beaten: at least %s %s', trunc(t.bound, digits), p.currency)
				ELSE concat_ws('; ', compute_ledger._no_room(asked, p, t.pool, t.length), coalesce(split.reason, CASE WHEN split.offers <> '{}' THEN 'with other sites it is beaten' END)) END) AS reason
		FROM unnest(candidates) AS p
		LEFT JOIN judged AS j ON j.pools = ARRAY[p.pool]
		LEFT JOIN ranked AS r ON r.pools = ARRAY[p.pool]
		LEFT JOIN (SELECT DISTINCT ON (t.pool) t.* FROM unnest(best.tries) AS t ORDER BY t.pool, t.n, t.money, t.length DESC) AS t ON t.pool = p.pool
		WHERE NOT EXISTS (SELECT FROM ranked AS o WHERE o.place <= most AND p.pool = ANY (o.pools))
	)
	SELECT o.place, NULL::bigint, NULL::text, o.pieces, o.starts, o.ends, o.cost, o.transfer_cost, o.total, o.currency, o.lines, trim_scale(o.efficiency),
		trim_scale(compute_ledger._round_ratio(o.device_hours * (1 - o.efficiency), 1, 6)),
		CASE WHEN o.pfloph > 0 THEN trim_scale(compute_ledger._round_ratio(o.total, o.device_hours * o.pfloph * o.efficiency, 6)) END,
		NOT o.late, trim_scale(o.objective), o.expires,
		jsonb_build_object('request', to_jsonb(asked), 'pieces', o.said, 'cost', o.cost, 'transfer_cost', o.transfer_cost, 'total', o.total, 'currency', o.currency, 'quoted', at, 'expires', o.expires)
	FROM offered AS o
	UNION ALL
	SELECT NULL, w.pool, w.reason, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
	FROM why AS w
	ORDER BY 1 NULLS LAST, 2;
END
$$;
COMMENT ON FUNCTION _offers(bigint, placement_request, integer, timestamptz, boolean) IS 'what quote() answers to a request that _check_request() has passed, for an account, at an instant of the clock of bookings; preempting: whether preemptible reservations give way to it';

CREATE FUNCTION _quote(asked placement_request, "limit" integer DEFAULT 10, now timestamptz DEFAULT NULL)
	RETURNS TABLE (rank bigint, pool bigint, reason text, pieces reservation_piece[], starts timestamptz, ends timestamptz, cost numeric, transfer_cost numeric, total numeric, currency text,
		lines jsonb, efficiency numeric, lost_device_hours numeric, price_per_pfloph numeric, keeps_deadline boolean, objective numeric, expires timestamptz, offer jsonb)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at timestamptz := coalesce(compute_ledger._stated_clock(now), statement_timestamp());
	checked compute_ledger.placement_request;
BEGIN
	PERFORM compute_ledger._require_ledger();
	checked := compute_ledger._check_request(asked);
	IF ("limit" BETWEEN 1 AND 1000) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('a quote has from 1 to 1000 offers: %s', coalesce("limit"::text, 'NULL')));
	END IF;
	RETURN QUERY
	SELECT o.rank, o.pool, o.reason, o.pieces, o.starts, o.ends, o.cost, o.transfer_cost, o.total, o.currency, o.lines, o.efficiency, o.lost_device_hours, o.price_per_pfloph, o.keeps_deadline,
		o.objective, o.expires, o.offer
	FROM compute_ledger._offers(compute_ledger._booking_account(checked.account, greatest(at, checked.not_before)), checked, "limit", at, NOT checked.preemptible) AS o;
END
$$;
COMMENT ON FUNCTION _quote(placement_request, integer, timestamptz) IS 'what quote() does';

CREATE FUNCTION quote(asked placement_request, "limit" integer DEFAULT 10, now timestamptz DEFAULT NULL)
	RETURNS TABLE (rank bigint, pool bigint, reason text, pieces reservation_piece[], starts timestamptz, ends timestamptz, cost numeric, transfer_cost numeric, total numeric, currency text,
		lines jsonb, efficiency numeric, lost_device_hours numeric, price_per_pfloph numeric, keeps_deadline boolean, objective numeric, expires timestamptz, offer jsonb)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT q.* FROM compute_ledger._quote(asked, "limit", now) AS q;
END
$$;
COMMENT ON FUNCTION quote(placement_request, integer, timestamptz) IS
'offers for a request, the best first, as many as limit says, 1 to 1000, and then, with a NULL rank, every pool that is in none of them with the reason. An offer is a set of pools at the first start at which they have the devices, of one pool also the first after its price falls: pieces, start and end, cost of computing and of transfers, with a line for each, in the currency of who pays; efficiency, and the device-hours that it loses; the price of a PFLOPh of work that is of use; whether it keeps the deadline. What keeps the deadline comes first, then what has the smallest objective: total + delay_value x devices x hours from now to the end; then what ends first; then that for which no preemptible reservation has to give way. offer is what reserve() takes until expires. Prices are those of the time of use; of tiers, those that the offer alone reaches. It writes nothing. now is for admins: the time it is taken to be. For bookers of the account and admins. LC006 unknown account, LC002 unknown basis, LC007 unknown region, 22023 a request that cannot be.';
